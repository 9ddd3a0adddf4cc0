using Autodiff;

namespace Layers.Tests;

/// <summary>Operations of the core as C# code calls them.</summary>
public class OperationTests
{
    private static readonly Tensor X = Tensor.From([3.0, 1.0, 2.0, -4.0], 2, 2);

    public static TheoryData<string, Tensor, double[]> Calls => new()
    {
        { "product", X.Prod(), [-24] },
        { "products of rows", X.Prod(1), [3, -8] },
        { "norm", X.Norm(), [Math.Sqrt(30)] },
        { "norm of an order", X.Norm(1), [10] },
        { "norm of rows", X.Norm(double.PositiveInfinity, 1), [3, 4] },
        { "deviation", X.Std([1], keepAxes: true), [1, 3] },
        { "median", X.Median(), [1.5] },
        { "quantile", X.Quantile(0.25, 0), [2.25, -2.75] },
        { "running sum", X.CumSum(1), [3, 4, 2, -2] },
        { "sort", X.Sort(), [1, 3, -4, 2] },
        { "sort descending", X.Sort(0, descending: true), [3, 1, 2, -4] },
        { "order", X.ArgSort(1), [1, 0, 1, 0] },
        { "largest", X.TopK(1).Item1, [3, 2] },
        { "different values", X.Unique().Item1, [-4, 1, 2, 3] },
        { "flip", X.Flip(), [-4, 2, 1, 3] },
        { "backwards", X[1, Slice.Every(-1, ..)], [-4, 2] },
        { "reflection", X[0].Pad(PadMode.Reflect, (1, 1)), [1, 3, 1, 3] },
        { "padding with a number", X[0].Pad(9, (1, 0)), [9, 3, 1] },
        { "tile", X[0].Tile(2), [3, 1, 3, 1] },
        { "mask", X.Mask(Tensor.Greater(X, Tensor.Scalar(1.5))), [3, 2] },
        { "activation", X.Elu(), [3, 1, 2, Math.Exp(-4) - 1] },
        { "bounds", X.Clamp(-1, 2), [2, 1, 2, -1] },
        { "remainder", X.Remainder(Tensor.Scalar(3.0)), [0, 1, 2, 2] },
        { "convolution", X.Reshape(1, 1, 2, 2).Conv2D(Tensor.From([1.0, 2.0], 1, 1, 1, 2), stride: (1, 1), padding: (0, 1)), [6, 5, 1, 4, -6, -4] },
        { "transposed convolution", X.Reshape(1, 2, 2).ConvTranspose1D(Tensor.From([1.0, 2.0], 2, 1, 1), stride: 2), [7, 0, -7] },
        { "depthwise convolution", X.Reshape(1, 2, 2).Conv1D(Tensor.From([1.0, 2.0], 2, 1, 1), padding: Padding.Valid, groups: 2), [3, 1, 4, -8] },
        { "pooling", X.Reshape(1, 1, 2, 2).MaxPool2D(2), [3] },
        { "pooling of rows", X.Reshape(1, 1, 2, 2).AveragePool2D((1, 2), stride: 1, padding: Padding.Pairs((0, 0), (1, 0))), [1.5, 2, 1, -1] },
        { "resizing", X.Resize(ResizeMode.Linear, 1), [2, -1] },
        { "equal parts", X.Split(2, 1)[1], [1, -4] },
    };

    [Theory]
    [MemberData(nameof(Calls), DisableDiscoveryEnumeration = true)]
    public void Methods_of_tensors_read_as_csharp(string name, Tensor actual, double[] expected)
    {
        double[] values = actual.ToArray<double>();
        Assert.True(values.Length == expected.Length, name);
        Assert.All(values.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-14));
    }
}
