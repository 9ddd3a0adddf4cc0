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
        { "remainder with the sign of the dividend", X.Fmod(Tensor.Scalar(-3.0)), [0, 1, 2, -1] },
        { "quotient", X.Divmod(Tensor.Scalar(3.0)).Item1, [1, 0, 0, -2] },
        { "exponent", X.Frexp().Item2, [2, 1, 2, 3] },
        { "scaled by a power of 2", X.Ldexp(Tensor.From([3], 1)), [24, 8, 16, -32] },
        { "fraction", (X / 2.0).Modf().Item1, [0.5, 0.5, 0, 0] },
        { "largest number", X.Fmax(Tensor.Scalar(double.NaN)), [3, 1, 2, -4] },
        { "divisor", Tensor.From([12, 18], 2).Gcd(Tensor.From([8], 1)), [4, 2] },
        { "sum past NaN", Tensor.From([1.0, double.NaN, 2.0], 3).NanSum(), [3] },
        { "close", X.AllClose(X + 1e-3, absolute: 1e-2).To(DType.Int32), [1] },
        { "activation with slopes", X.PRelu(Tensor.Scalar(0.5)), [3, 1, 2, -2] },
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
