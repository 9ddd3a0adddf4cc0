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
        { "convolution", X.Reshape(1, 1, 2, 2).Conv2D(Tensor.From([1.0, 2.0], 1, 1, 1, 2), stride: (1, 1), padding: (0, 1)), [6, 5, 1, 4, -6, -4] },
        { "transposed convolution", X.Reshape(1, 2, 2).ConvTranspose1D(Tensor.From([1.0, 2.0], 2, 1, 1), stride: 2), [7, 0, -7] },
        { "depthwise convolution", X.Reshape(1, 2, 2).Conv1D(Tensor.From([1.0, 2.0], 2, 1, 1), padding: Padding.Valid, groups: 2), [3, 1, 4, -8] },
        { "pooling", X.Reshape(1, 1, 2, 2).MaxPool2D(2), [3] },
        { "pooling of rows", X.Reshape(1, 1, 2, 2).AveragePool2D((1, 2), stride: 1, padding: Padding.Pairs((0, 0), (1, 0))), [1.5, 2, 1, -1] },
        { "resizing", X.Resize(ResizeMode.Linear, 1), [2, -1] },
        { "equal parts", X.Split(2, 1)[1], [1, -4] },
        { "parts", X.Flatten().Split([1, 3], 0)[1], [1, 2, -4] },
        { "vector of values", Tensor.From([1.0, 2.0]), [1, 2] },
        { "concatenation", Tensor.Concat(0, X[0], X[1]), [3, 1, 2, -4] },
        { "stack of a list", Tensor.Stack(1, new List<Tensor> { X[0], X[1] }), [3, 2, 1, -4] },
        { "Einstein's sum", Tensor.Einsum("ij,j->i", X, X[0]), [10, 2] },
        { "range", Tensor.Arange(3), [0, 1, 2] },
        { "range by steps", Tensor.Arange(1, 0, -0.5), [1, 0.5] },
        { "even numbers", Tensor.Linspace(0, 1, 3), [0, 0.5, 1] },
        { "identity", Tensor.Eye(2, DType.Float64), [1, 0, 0, 1] },
        { "grid", Tensor.Meshgrid(Tensor.Arange(2), Tensor.Arange(3))[1], [0, 1, 2, 0, 1, 2] },
        { "recurrence", Tensor.LinearRecurrence(Tensor.Scalar(0.5), X[0], 0), [3, 2.5] },
        { "static activation", Tensor.Silu(Tensor.Scalar(0.0)), [0] },
        { "static bounds", Tensor.Clamp(X, -1, 2), [2, 1, 2, -1] },
        { "permutation", X.Permute(1, 0), [3, 2, 1, -4] },
        { "new axis", X.ExpandAxis(0).Squeeze(0), [3, 1, 2, -4] },
        { "zeros around", X[0].Pad((1, 0)), [0, 3, 1] },
        { "slice backwards", X.Slice(0, step: -1), [2, -4, 3, 1] },
        { "slice to the end", X.Flatten().Slice(0, start: -2), [2, -4] },
        { "dot", X[0].Dot(X[1]), [2] },
        { "outer", X[0].Outer(X[1]), [6, -12, 2, -4] },
        { "quantiles", X.Quantiles([0, 1]), [-4, 3] },
        { "positions", X[0].ArgWhere(), [0, 1] },
        { "largest, kept", X - X.Max([1], keepAxes: true), [0, -2, 0, -6] },
        { "variance, kept", X.Variance([1], keepAxes: true), [1, 9] },
        { "logarithm of sums, kept", (X * 0).LogSumExp([1], keepAxes: true), [Math.Log(2), Math.Log(2)] },
    };

    [Theory]
    [MemberData(nameof(Calls), DisableDiscoveryEnumeration = true)]
    public void Methods_of_tensors_read_as_csharp(string name, Tensor actual, double[] expected)
    {
        double[] values = actual.ToArray<double>();
        Assert.True(values.Length == expected.Length, name);
        Assert.All(values.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-14));
    }

    [Fact]
    public void Numbers_stand_for_tensors_in_choices_and_bounds()
    {
        Tensor x = Tensor.From([-1f, 0f, 2f]), actions = Tensor.From([0L, 1L, 1L]);
        Assert.Equal([false, true, true], Tensor.EqualTo(actions, 1).ToArray<bool>());
        Assert.Equal([true, false, false], Tensor.NotEqualTo(actions, 1).ToArray<bool>());
        Assert.Equal([0f, 0f, 2f], Tensor.Where(x < 0, 0, x).ToArray<float>());
        Assert.Equal([-1f, 5f, 5f], Tensor.Where(x < 0, x, 5.0).ToArray<float>());
        Assert.Equal([0f, 0f, 2f], Tensor.Maximum(x, 0).ToArray<float>());
        Assert.Equal([-1f, 0f, 1f], Tensor.Minimum(x, 1).ToArray<float>());
        Assert.Equal(DType.Float32, Tensor.Where(x < 0, 0, x).DType);
    }

    [Fact]
    public void Comparisons_are_operators()
    {
        Tensor x = Tensor.From([1.0, 2.0, 3.0], 3), y = Tensor.From([2.0, 2.0, 2.0], 3);
        Assert.Equal([false, false, true], (x > y).ToArray<bool>());
        Assert.Equal([true, false, false], (x < y).ToArray<bool>());
        Assert.Equal([false, true, true], (x >= 2).ToArray<bool>());
        Assert.Equal([true, true, false], (x <= 2.5).ToArray<bool>());
        Assert.Equal([true, false, false], (2 > x).ToArray<bool>());
        Assert.Equal([false, true, true], (1.5 < x).ToArray<bool>());

        // Neither is a whole number rounded to float32, nor half a number to an integer.
        Tensor large = Tensor.From([16777217L, 16777216L], 2);
        Assert.Equal([true, false], (large > 16777216).ToArray<bool>());
        Assert.Equal([true, false], (large > 16777216.5).ToArray<bool>());
        Assert.Equal([4.0], Gradient.Of((Tensor t) => Tensor.Where(t > 1, t * t, t).Sum())(Tensor.From([2.0], 1)).ToArray<double>());
        Assert.Throws<ArgumentNullException>(() => (Tensor)null! > 1);
    }

    [Fact]
    public void Values_without_a_shape_are_a_vector_and_with_an_empty_shape_a_scalar()
    {
        Assert.Equal([1], Tensor.From([5.0]).Shape);
        Assert.Equal([2], Tensor.From([5f, 6f]).Shape);
        Assert.Equal((DType.Bool, 2), (Tensor.From([true, false]).DType, Tensor.From([true, false]).Size));
        Assert.Equal((DType.Int32, 1), (Tensor.From([1]).DType, Tensor.From([1]).Rank));
        Assert.Equal(DType.Int64, Tensor.From([1L, 2L]).DType);
        Assert.Equal(DType.UInt8, Tensor.From(new byte[] { 1 }).DType);
        Assert.Empty(Tensor.From([5.0], []).Shape);
        Assert.Throws<ArgumentException>(() => Tensor.From([1.0, 2.0], []));
    }

    [Fact]
    public void Trees_are_taken_apart_named_and_mapped()
    {
        var tree = (First: X, Second: new[] { X[0], X[1] });
        Assert.Equal(["Item1", "Item2[0]", "Item2[1]"], Tree.Names(tree));
        Assert.Equal(3, Tree.Leaves(tree).Length);
        Assert.Equal([6, 2], Tree.Map(x => x * 2.0, tree).Second[0].ToArray<double>());
        Assert.Equal([6, 2], Tree.Map2((x, y) => x + y, tree, tree).Second[0].ToArray<double>());
        Assert.Equal([9, 3], Tree.Map3((x, y, z) => x + y + z, tree, tree, tree).Second[0].ToArray<double>());
        Assert.Equal([7], Tree.WithLeaves(tree, X, X, Tensor.From([7.0])).Second[1].ToArray<double>());
    }
}
