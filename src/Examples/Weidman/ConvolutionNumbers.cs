using Autodiff.Layers;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 5.3: the convolutions that the text writes as loops, and their gradients, in numbers; and the appendix's products
/// of matrices, which here must make the same numbers.</summary>
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
        settings.Output.WriteLine($"all slopes by inputs {byInput}, by weights {byWeight}");
        Tensor batch = Tensor.Stack(0, Tensor.Arange(7), Tensor.Arange(1, 8));
        settings.Output.WriteLine($"a batch {Vmap.Of<Tensor, Tensor>(row => Convolve(row, ones))(batch)}");

        // Two images of two channels, three filters: convolution, and the appendix's patches times weights.
        var key = new Key(settings.Seed);
        Tensor images = key.FoldIn(0).Normal([2, 2, 4, 4], dtype: DType.Float64);
        Tensor filters = key.FoldIn(1).Normal([3, 2, 3, 3], dtype: DType.Float64);
        Tensor[] direct = WithSlopes((x, w) => x.Conv2D(w, padding: Padding.Same)), byPatches = WithSlopes(Patches);
        double apart = direct.Zip(byPatches, (a, b) => Tensor.Abs(a - b).Max().ToDouble()).Max();
        settings.Output.WriteLine($"convolution and patches times weights, with both gradients, differ by {apart:0.0e+0}");

        int Weights(Layer layer, params int[] shape) => layer.Initialize(key, shape)["weight"].Size;
        settings.Compare("5.4", "weights of 32 filters of 5 x 5", "800", Weights(new Conv2D(32, 5), 1, 28, 28));
        settings.Compare("5.4", "weights of 32 neurons that see 784 pixels", "25088", Weights(new Dense(32), 784));
        settings.Compare("5.4", "outputs of the filters", "25088", new Conv2D(32, 5, padding: Padding.Same).OutputShape([1, 28, 28]).Aggregate((a, b) => a * b));
        return new Dictionary<string, double> { ["patchesDifference"] = apart };

        Tensor[] WithSlopes(Func<Tensor, Tensor, Tensor> convolution)
        {
            (Tensor value, var pullback) = Vjp.Of(convolution)(images, filters);
            (Tensor byImages, Tensor byFilters) = pullback(Tensor.Cos(value));
            return [value, byImages, byFilters];
        }
    }

    /// <summary>The text's conv_1d: as many outputs as inputs, with zeros beside them.</summary>
    private static Tensor Convolve(Tensor t, Tensor w) =>
        t.Reshape(1, 1, -1).Conv1D(w.Reshape(1, 1, -1), padding: Padding.Same).Reshape(-1);

    /// <summary>A convolution of 3 x 3 as one product: for each pixel the patch about it, for each filter a column.</summary>
    private static Tensor Patches(Tensor images, Tensor filters)
    {
        (int n, int channels, int height, int width) = (images.Shape[0], images.Shape[1], images.Shape[2], images.Shape[3]);
        Tensor padded = images.Pad((0, 0), (0, 0), (1, 1), (1, 1));
        Tensor patches = Tensor.Stack(2, Enumerable.Range(0, 9).Select(i => padded[.., .., (i / 3)..(i / 3 + height), (i % 3)..(i % 3 + width)]));
        Tensor rows = patches.Permute(0, 3, 4, 1, 2).Reshape(n * height * width, channels * 9);
        return rows.MatMul(filters.Reshape(filters.Shape[0], -1).Transpose())
            .Reshape(n, height, width, filters.Shape[0]).Permute(0, 3, 1, 2);
    }
}
