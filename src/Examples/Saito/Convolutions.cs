using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 7.2 to 7.4 and 8.1: convolution, padding, stride, pooling, a convolution as a product of matrices, and what
/// filters see.</summary>
internal static class Convolutions
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor image = Digits("1230", "0123", "3012", "2301"), filter = Digits("201", "012", "102");
        settings.Compare("7.2", "a filter over an image", "[[15 16] [6 15]]", image.Conv2D(filter));
        settings.Compare("7.2", "with the bias 3", "[[18 19] [9 18]]", image.Conv2D(filter) + 3);
        settings.Compare(
            "7.2", "with padding 1", "[[7 12 10 2] [4 15 16 10] [10 6 15 6] [8 10 4 3]]", image.Conv2D(filter, padding: 1));
        Tensor seven = Digits("1230123", "0123012", "3012301", "2301230", "1230123", "0123012", "3012301");
        settings.Compare("7.2", "with stride 2, the first two", "15 17", seven.Conv2D(filter, stride: 2)[0, 0, 0, ..2]);
        int[] Size(int height, int width, int side, int padding, int stride) =>
            Tensor.Zeros(1, 1, height, width).Conv2D(Tensor.Zeros(1, 1, side, side), stride, padding).Shape[2..];
        settings.Compare("7.2", "size of 4 by 4, padding 1", "4 4", Numbers(Size(4, 4, 3, 1, 1)));
        settings.Compare("7.2", "of 7 by 7, stride 2", "3 3", Numbers(Size(7, 7, 3, 0, 2)));
        settings.Compare("7.2", "of 28 by 31, filter 5 by 5, padding 2, stride 3", "10 11", Numbers(Size(28, 31, 5, 2, 3)));
        settings.Compare("7.2", "sides of 4 by 4 with padding 2, and 3", "8 10", Numbers([Padded(image, 2), Padded(image, 3)]));
        int[] over = Tensor.Zeros(1, 3, 4, 4).Conv2D(Tensor.Zeros(1, 3, 3, 3)).Shape;
        settings.Compare("7.2", "one filter over three channels, height and width of what it gives", "2 2", Numbers(over[2..]));
        var layer = new Conv2D(20, kernelSize: 5);
        Parameters twenty = layer.Initialize(new Key(settings.Seed), [3, 28, 28]);
        settings.Compare("7.2", "weights of 20 filters of 3 channels, 5 by 5", "20 3 5 5", Numbers(twenty["weight"].Shape));
        settings.Output.WriteLine(
            $"7.2   their biases, a number for each filter: {twenty["bias"].Size}; 10 images (10, 3, 28, 28) become "
            + $"({string.Join(", ", layer.Apply(twenty, Tensor.Zeros(10, 3, 28, 28)).Shape)})");

        Tensor small = Digits("1210", "0123", "3012", "2401");
        settings.Compare("7.3", "the largest of 2 by 2", "[[2 3] [4 2]]", small.MaxPool2D(2));
        settings.Compare("7.3", "the mean of 2 by 2, by hand", "[[1 1.5] [2.25 1]]", small.AveragePool2D(2));
        Tensor before = Digits("120710", "091232", "301212", "240101", "601212", "240181");
        Tensor shifted = Digits("112071", "309123", "230121", "324010", "260121", "124018");
        settings.Compare("7.3", "of 3 by 3", "[[9 7] [6 8]]", before.MaxPool2D(3));
        settings.Compare("7.3", "of the same, one pixel to the right", "[[9 7] [6 8]]", shifted.MaxPool2D(3));
        Tensor three = Tensor.Concat(
            1, Digits("1230", "0124", "1042", "3201"), Digits("3065", "4243", "3010", "2331"), Digits("4212", "0104", "3062", "4245"));
        settings.Compare("7.4", "of three channels", "[[2 4] [3 4]] [[4 6] [3 3]] [[4 4] [4 6]]", three.MaxPool2D(2));

        var key = new Key(settings.Seed);
        Tensor images = key.FoldIn(0).Normal([10, 3, 7, 7], dtype: DType.Float64), filters = key.FoldIn(1).Normal([4, 3, 5, 5], dtype: DType.Float64);
        Tensor ten = key.Uniform([10, 1, 28, 28]);
        settings.Compare("7.4", "ten images, the first, and its only channel", "10 1 28 28, 1 28 28, 28 28", Numbers([.. ten.Shape, .. ten[0].Shape, .. ten[0, 0].Shape]));
        settings.Compare("7.4", "im2col of one image of three channels", "9 75", Numbers(Im2Col(images[..1], 5, 5).Shape));
        settings.Compare("7.4", "of ten", "90 75", Numbers(Im2Col(images, 5, 5).Shape));
        settings.Compare("7.4", "ten filters (10, 3, 5, 5) as rows", "10 75", Numbers(Tensor.Zeros(10, 3, 5, 5).Reshape(10, -1).Shape));
        Tensor product = Product(images, filters);
        settings.Compare("7.4", "im2col times filters less the convolution, largest difference", "0.000000000000", Apart(product, images.Conv2D(filters)));
        Tensor windows = Im2Col(three, 2, 2, stride: 2).Reshape(-1, 4).Max(1).Reshape(1, 2, 2, 3).Permute(0, 3, 1, 2);
        settings.Compare("7.4", "pooling as the largest of rows of im2col less pooling", "0.000000000000", Apart(windows, three.MaxPool2D(2)));

        // Back as in a dense layer, then col2im, which is the transpose of im2col.
        Tensor upstream = Tensor.Sin(product), rows = upstream.Permute(0, 2, 3, 1).Reshape(-1, 4);
        Tensor toImages = LinearTranspose.Of((Tensor x) => Im2Col(x, 5, 5))(images)(rows.MatMul(filters.Reshape(4, -1)));
        Tensor toFilters = Im2Col(images, 5, 5).Transpose().MatMul(rows).Transpose().Reshape(4, 3, 5, 5);
        (Tensor byImages, Tensor byFilters) = Gradient.Of((Tensor x, Tensor w) => (x.Conv2D(w) * upstream).Sum())(images, filters);
        double apart = Math.Max(Apart(toImages, byImages), Apart(toFilters, byFilters));
        settings.Compare("7.4", "back through it with col2im less the gradients of the convolution", "0.000000000000", apart);

        long Count(params Layer[] layers) => new Sequential(layers).Initialize(key, [1, 28, 28]).ElementCount;
        Conv2D Filter(int size) => new(1, size, useBias: false);
        settings.Compare("8.1", "parameters of one filter of 5 by 5, and of two of 3 by 3", "25 18", Numbers([(int)Count(Filter(5)), (int)Count(Filter(3), Filter(3))]));
        settings.Compare("8.1", "of one of 7 by 7, and of three of 3 by 3", "49 27", Numbers([(int)Count(Filter(7)), (int)Count(Filter(3), Filter(3), Filter(3))]));
        settings.Compare("8.1", "pixels across that two filters of 3 by 3 see, and three", "5 7", Numbers([Seen(3, 3), Seen(3, 3, 3)]));
        settings.Compare("8.1", "that one of 5 by 5 sees, and one of 7 by 7", "5 7", Numbers([Seen(5), Seen(7)]));
        return new Dictionary<string, double> { ["im2colApart"] = apart };
    }

    private static int Padded(Tensor image, int padding) => image.Pad((0, 0), (0, 0), (padding, padding), (padding, padding)).Shape[^1];

    /// <summary>How many pixels across one number behind some filters depends on: where its gradient is not zero.</summary>
    private static int Seen(params int[] sizes) => (int)Gradient.Of((Tensor x) =>
            sizes.Aggregate(x, (seen, size) => seen.Conv2D(Tensor.Ones(1, 1, size, size), padding: Padding.Same))[0, 0, 10, 10])
        (Tensor.Zeros(1, 1, 21, 21)).Sum(0, 1, 2).CountTrue().ToDouble();

    /// <summary>A convolution as the product of two matrices.</summary>
    private static Tensor Product(Tensor x, Tensor filters)
    {
        int count = filters.Shape[0], height = filters.Shape[2], width = filters.Shape[3];
        return Im2Col(x, height, width).MatMul(filters.Reshape(count, -1).Transpose())
            .Reshape(x.Shape[0], x.Shape[2] - height + 1, x.Shape[3] - width + 1, count).Permute(0, 3, 1, 2);
    }

    private static double Apart(Tensor a, Tensor b) => Tensor.Abs(a - b).Max().ToDouble();

    /// <summary>The parts of images that a filter meets, a row each: (n, c, h, w) becomes (n oh ow, c fh fw).</summary>
    private static Tensor Im2Col(Tensor x, int height, int width, int stride = 1, int padding = 0)
    {
        x = x.Pad((0, 0), (0, 0), (padding, padding), (padding, padding));
        int rows = (x.Shape[2] - height) / stride + 1, columns = (x.Shape[3] - width) / stride + 1;
        IEnumerable<Tensor> seen =
            from u in Enumerable.Range(0, height)
            from v in Enumerable.Range(0, width)
            select x.Slice(2, u, u + (rows - 1) * stride + 1, stride).Slice(3, v, v + (columns - 1) * stride + 1, stride);

        // (fh fw, n, c, oh, ow), and then images and places before channels and filter.
        return Tensor.Stack(0, seen).Permute(1, 3, 4, 2, 0).Reshape(x.Shape[0] * rows * columns, x.Shape[1] * height * width);
    }

    /// <summary>An image (1, 1, h, w) of digits.</summary>
    private static Tensor Digits(params string[] rows) =>
        Tensor.From([.. string.Concat(rows).Select(digit => (double)(digit - '0'))], 1, 1, rows.Length, rows[0].Length);

    private static Tensor Numbers(int[] numbers) => Tensor.From(numbers);
}
