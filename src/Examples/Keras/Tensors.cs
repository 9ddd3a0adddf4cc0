using System.Diagnostics;
using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Keras;

/// <summary>Slides 2-2 and 2-3: the attributes of tensors, slices and batches, and operations beside the loops that they stand
/// for.</summary>
/// <remarks>The slides print no results: each operation is compared with its definition.</remarks>
internal static class Tensors
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, _, _) = settings.Digits(flatten: false);
        Tensor images = train.Inputs.Reshape(-1, 28, 28);
        Attributes(settings, images);
        Slices(settings, images);
        return Operations(settings, new Key(settings.Seed));
    }

    private static void Attributes(Settings settings, Tensor images)
    {
        (string Name, Tensor Value)[] tensors =
        [
            ("a scalar", Tensor.Scalar(12.0)), ("a vector", Tensor.From([12, 3, 6, 14, 7])),
            ("a matrix", Tensor.Arange(15).Reshape(3, 5)), ("of rank 3", Tensor.Arange(45).To(DType.Float32).Reshape(3, 3, 5)),
            ("the images", images),
        ];
        foreach ((string name, Tensor value) in tensors)
            settings.Output.WriteLine($"2-2   {name,-10} ndim {value.Rank}  shape ({string.Join(", ", value.Shape)})  dtype {value.DType}");
        settings.Compare("2-2", "ndim of all", "0 1 2 3 3", Tensor.From([.. tensors.Select(tensor => (double)tensor.Value.Rank)]), source: Source.Hand);
    }

    private static void Slices(Settings settings, Tensor images)
    {
        Tensor digit = images[4], corner = images[4, 14.., 14..], middle = images[4, 7..^7, 7..^7];
        Show("images 10 to 99", images[10..100]);
        Show("their lower right corners", images[10..100, 14.., 14..]);
        Show("their middles", images[10..100, 7..^7, 7..^7]);
        Show("the second batch of 128", images[128..256]);
        settings.Save(
            new Figure(
                3, new Axes().Image(digit).HideAxes().Title("images[4]"), new Axes().Image(corner).HideAxes().Title("[4, 14.., 14..]"),
                new Axes().Image(middle).HideAxes().Title("[4, 7..^7, 7..^7]")).Title("Slices").Size(760, 300),
            "keras-ch2-slices.svg");

        void Show(string what, Tensor slice) => settings.Output.WriteLine($"2-2   {what}: shape ({string.Join(", ", slice.Shape)})");
    }

    private static Dictionary<string, double> Operations(Settings settings, Key key)
    {
        Tensor x = key.FoldIn(0).Normal([20, 100], dtype: DType.Float64), y = key.FoldIn(1).Normal([20, 100], dtype: DType.Float64);
        Tensor row = key.FoldIn(2).Normal([100], dtype: DType.Float64), w = key.FoldIn(3).Normal([100, 30], dtype: DType.Float64);
        Same("relu as loops", Loop(x, x, (a, _) => Math.Max(a, 0)), Tensor.Relu(x));
        Same("add as loops", Loop(x, y, (a, b) => a + b), x + y);
        Same("broadcasting: first an axis of length 1, then copies of it", x + row.ExpandAxis(0).Repeat(20, 0), x + row);
        Same("dot product as loops", Dot(x, w), x.MatMul(w));
        Same("transpose of a product: product of transposes, the other way round", x.MatMul(w).Transpose(), w.Transpose().MatMul(x.Transpose()));
        Same("reshape keeps the order", Tensor.From(x.ToArray<double>(), 50, 40), x.Reshape(50, 40));

        Tensor a = Tensor.From([1.0, 2, 3, 4], 2, 2), b = Tensor.From([0.0, 1, 1, 0], 2, 2);
        settings.Compare(
            "2-3", "a b and b a differ: the dot product is not commutative", "[[2 1] [4 3]] [[3 4] [1 2]]",
            Tensor.Concat(0, a.MatMul(b), b.MatMul(a)), source: Source.Hand);
        try
        {
            x.MatMul(y);
        }
        catch (ArgumentException error)
        {
            settings.Output.WriteLine($"2-3   sizes must match: \"{error.Message}\"");
        }

        const int times = 20;
        double loops = Milliseconds(() => Loop(Loop(x, y, (p, q) => p + q), x, (p, _) => Math.Max(p, 0)));
        double atOnce = Milliseconds(() => Tensor.Relu(x + y));
        settings.Output.WriteLine($"2-3   relu(x + y) of 20 × 100 numbers: {loops:0.000} ms by loops over arrays, {atOnce:0.0000} ms at once");
        return new Dictionary<string, double> { ["loopsMs"] = loops, ["atOnceMs"] = atOnce };

        void Same(string what, Tensor slow, Tensor fast) =>
            settings.Compare("2-3", what + ", largest difference", "0.000000000000", Tensor.Abs(slow - fast).Max().ToDouble(), source: Source.Hand);

        static double Milliseconds(Action action) => Enumerable.Range(0, times).Min(_ =>
        {
            long start = Stopwatch.GetTimestamp();
            action();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        });
    }

    private static Tensor Loop(Tensor x, Tensor y, Func<double, double, double> function)
    {
        double[,] a = x.ToArray2D<double>(), b = y.ToArray2D<double>(), result = new double[a.GetLength(0), a.GetLength(1)];
        for (int i = 0; i < result.GetLength(0); i++)
        {
            for (int j = 0; j < result.GetLength(1); j++) result[i, j] = function(a[i, j], b[i, j]);
        }

        return Tensor.FromArray(result);
    }

    private static Tensor Dot(Tensor x, Tensor y)
    {
        double[,] a = x.ToArray2D<double>(), b = y.ToArray2D<double>(), result = new double[a.GetLength(0), b.GetLength(1)];
        for (int i = 0; i < result.GetLength(0); i++)
        {
            for (int j = 0; j < result.GetLength(1); j++)
            {
                for (int k = 0; k < a.GetLength(1); k++) result[i, j] += a[i, k] * b[k, j];
            }
        }

        return Tensor.FromArray(result);
    }
}
