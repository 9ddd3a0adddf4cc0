using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 5.3: the convolutions that the text writes as loops, and their gradients, in numbers; and the appendix's products
/// of matrices, which must make the same numbers, and as printed do not.</summary>
internal static class ConvolutionNumbers
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor t = Tensor.From([1.0, 2.0, 3.0, 4.0, 5.0]), ones = Tensor.Full([3], 1, DType.Float64);
        settings.Compare("5.3", "padded by one zero", "[0 1 2 3 4 5 0]", t.Pad((1, 1)));
        settings.Compare("5.3", "convolution with 1, 1, 1", "[3 6 9 12 9]", Convolve(t, ones));
        settings.Compare("5.3", "its sum", "39.0", Convolve(t, ones).Sum());
        settings.Compare("5.3", "the sum with a last input of 6", "41.0", Convolve(Tensor.From([1.0, 2.0, 3.0, 4.0, 6.0]), ones).Sum());
        settings.Compare("5.3", "the sum with weights 2, 1, 1", "49.0", Convolve(t, Tensor.From([2.0, 1.0, 1.0])).Sum());
        (Tensor byInput, Tensor byWeight) = Gradient.Of<Tensor, Tensor>((t, w) => Convolve(t, w).Sum())(t, ones);
        settings.Compare("5.3", "slope by the last input", "2", byInput[4]);
        settings.Compare("5.3", "slope by the first weight", "10", byWeight[0]);
        settings.Compare("5.3", "all slopes by inputs", "[2 3 3 3 2]", byInput, source: Source.Hand);
        settings.Compare("5.3", "all slopes by weights", "[10 15 14]", byWeight, source: Source.Hand);
        Tensor batch = Tensor.Stack(0, Tensor.Arange(7), Tensor.Arange(1, 8)).To(DType.Float64);
        settings.Compare(
            "5.3", "a batch of 0 to 6 and 1 to 7", "[[1 3 6 9 12 15 11] [3 6 9 12 15 18 13]]", Vmap.Of<Tensor, Tensor>(row => Convolve(row, ones))(batch),
            source: Source.Hand);
        int[] Lengths(Layer layer, params int[] shape) => layer.OutputShape(shape);
        settings.Compare("5.3", "lengths of 5 and 28: not padded; with a stride of 2", "3 14", Tensor.From(
            [(double)Lengths(new Conv1D(1, 3), 1, 5)[1], Lengths(new Conv1D(1, 3, stride: 2, padding: Padding.Same), 1, 28)[1]]), source: Source.Hand);
        settings.Compare("5.2", "pooling of 2 x 2 makes of 4 x 4", "2 2", Tensor.From(
            [(double)Lengths(new MaxPool2D(2), 1, 4, 4)[1], Lengths(new AveragePool2D(2), 1, 4, 4)[2]]), source: Source.Hand);

        // Two images of two channels, three filters: the text's seven loops, the appendix's product of matrices, and the library.
        var key = new Key(settings.Seed);
        Tensor images = key.FoldIn(0).Normal([2, 2, 4, 4], dtype: DType.Float64);
        Tensor filters = key.FoldIn(1).Normal([3, 2, 3, 3], dtype: DType.Float64);
        (Tensor Value, Tensor ByImages, Tensor ByFilters) ours = WithSlopes((x, w) => x.Conv2D(w, padding: Padding.Same)), products = WithSlopes(ProductConvolution.Of);
        Tensor ct = Tensor.Cos(ours.Value);
        var loops = Loops(images.ToArray<double>(), filters.ToArray<double>(), ct.ToArray<double>());
        double apart = Math.Max(Apart(ours.ByImages, products.ByImages), Apart(ours.ByFilters, products.ByFilters));
        settings.Compare("5.3", "images by the loops, their gradient and that of the filters, largest differences from ours", "0.000000000000 0.000000000000 0.000000000000", Tensor.From(
            [Apart(ours.Value, Like(images, 3, loops.Value)), Apart(ours.ByImages, Like(images, 2, loops.ByImages)), Apart(ours.ByFilters, Tensor.From(loops.ByFilters, filters.Shape))]), source: Source.Hand);
        settings.Compare("A", "convolution as a product of matrices with its gradients, largest difference", "0.000000000000", Math.Max(Apart(ours.Value, products.Value), apart), source: Source.Hand);

        // The printed gradients of that product are others. For one image and symmetric filters they would be right.
        Tensor wrongByImages = ProductConvolution.ByImagesAsPrinted(filters, ct), wrongByFilters = ProductConvolution.ByFiltersAsPrinted(images, filters, ct);
        settings.Output.WriteLine(
            $"A     first gradients: by images {ours.ByImages[0, 0, 0, 0].ToDouble():0.000000}, as printed {wrongByImages[0, 0, 0, 0].ToDouble():0.000000}; "
            + $"by filters {ours.ByFilters[0, 0, 0, 0].ToDouble():0.000000}, as printed {wrongByFilters[0, 0, 0, 0].ToDouble():0.000000}");
        Tensor one = images[..1], symmetric = filters + filters.Flip(2, 3), oneCt = Tensor.Cos(one.Conv2D(symmetric, padding: Padding.Same));
        (Tensor byOne, Tensor bySymmetric) = Vjp.Of<Tensor, Tensor, Tensor>((x, w) => x.Conv2D(w, padding: Padding.Same))(one, symmetric).Pullback(oneCt);
        settings.Compare("A", "for one image and symmetric filters the printed gradients are right, largest difference", "0.000000000000", Math.Max(
            Apart(byOne, ProductConvolution.ByImagesAsPrinted(symmetric, oneCt)), Apart(bySymmetric, ProductConvolution.ByFiltersAsPrinted(one, symmetric, oneCt))), source: Source.Hand);

        int Weights(Layer layer, params int[] shape) => layer.Initialize(key, shape)["weight"].Size;
        settings.Compare("5.4", "weights of 32 filters of 5 x 5", "800", Weights(new Conv2D(32, 5), 1, 28, 28));
        settings.Compare("5.4", "weights of 32 neurons that see 784 pixels", "25088", Weights(new Dense(32), 784));
        settings.Compare("5.4", "outputs of the filters", "25088", new Conv2D(32, 5, padding: Padding.Same).OutputShape([1, 28, 28]).Aggregate((a, b) => a * b));
        return new Dictionary<string, double>
        {
            ["productDifference"] = apart,
            ["printedByImagesDifference"] = Apart(ours.ByImages, wrongByImages),
            ["printedByFiltersDifference"] = Apart(ours.ByFilters, wrongByFilters),
        };

        (Tensor Value, Tensor ByImages, Tensor ByFilters) WithSlopes(Func<Tensor, Tensor, Tensor> convolution)
        {
            (Tensor value, var pullback) = Vjp.Of(convolution)(images, filters);
            (Tensor byImages, Tensor byFilters) = pullback(Tensor.Cos(value));
            return (value, byImages, byFilters);
        }
    }

    /// <summary>The text's conv_1d: as many outputs as inputs, with zeros beside them.</summary>
    private static Tensor Convolve(Tensor t, Tensor w) =>
        t.Reshape(1, 1, -1).Conv1D(w.Reshape(1, 1, -1), padding: Padding.Same).Reshape(-1);

    /// <summary>The text's loops over images, channels, filters, pixels and the numbers of a filter: forward, and back from ct to
    /// both.</summary>
    private static (double[] Value, double[] ByImages, double[] ByFilters) Loops(double[] images, double[] filters, double[] ct)
    {
        const int count = 2, channels = 2, kinds = 3, side = 4, size = 3;
        var (value, byImages, byFilters) = (new double[count * kinds * side * side], new double[images.Length], new double[filters.Length]);
        foreach (int[] at in Indices(count, kinds, channels, side, side, size, size))
        {
            (int n, int k, int c, int row, int column, int i, int j) = (at[0], at[1], at[2], at[3], at[4], at[5], at[6]);
            (int y, int x) = (row + i - size / 2, column + j - size / 2);
            if (y is < 0 or >= side || x is < 0 or >= side) continue;
            int output = ((n * kinds + k) * side + row) * side + column;
            int input = ((n * channels + c) * side + y) * side + x, weight = ((k * channels + c) * size + i) * size + j;
            value[output] += filters[weight] * images[input];
            byImages[input] += filters[weight] * ct[output];
            byFilters[weight] += images[input] * ct[output];
        }

        return (value, byImages, byFilters);
    }

    /// <summary>What as many loops within each other count, the last fastest.</summary>
    private static IEnumerable<int[]> Indices(params int[] lengths)
    {
        int total = lengths.Aggregate((a, b) => a * b);
        for (int place = 0; place < total; place++)
        {
            int[] index = new int[lengths.Length];
            for ((int i, int rest) = (lengths.Length - 1, place); i >= 0; rest /= lengths[i--]) index[i] = rest % lengths[i];
            yield return index;
        }
    }

    private static Tensor Like(Tensor images, int channels, double[] numbers) =>
        Tensor.From(numbers, images.Shape[0], channels, images.Shape[2], images.Shape[3]);

    private static double Apart(Tensor a, Tensor b) => Tensor.Abs(a - b).Max().ToDouble();
}
