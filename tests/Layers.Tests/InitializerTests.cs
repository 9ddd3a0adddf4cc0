using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class InitializerTests
{
    private const int FanIn = 300, FanOut = 100;

    /// <summary>Every initializer with the mean and standard deviation that it promises, and the bound of its values.</summary>
    private static readonly (Initializer Initializer, double Mean, double Deviation, double Bound)[] Table =
    [
        (Initializers.Zeros, 0, 0, 0),
        (Initializers.Constant(1.5), 1.5, 0, 1.5),
        (Initializers.Normal(0.3), 0, 0.3, double.PositiveInfinity),
        (Initializers.GlorotNormal, 0, Math.Sqrt(2.0 / (FanIn + FanOut)), double.PositiveInfinity),
        (Initializers.GlorotUniform, 0, Math.Sqrt(2.0 / (FanIn + FanOut)), Math.Sqrt(6.0 / (FanIn + FanOut))),
        (Initializers.XavierNormal, 0, Math.Sqrt(1.0 / FanIn), double.PositiveInfinity),
        (Initializers.HeNormal, 0, Math.Sqrt(2.0 / FanIn), double.PositiveInfinity),
        (Initializers.HeUniform, 0, Math.Sqrt(2.0 / FanIn), Math.Sqrt(6.0 / FanIn)),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Values_have_the_promised_distribution(int index)
    {
        (Initializer initializer, double mean, double deviation, double bound) = Table[index];
        double[] values = initializer.Draw(new Key(5), [FanIn, FanOut], FanIn, FanOut).ToArray<double>();
        double average = values.Average();
        double spread = Math.Sqrt(values.Average(x => (x - average) * (x - average)));
        Assert.Equal(mean, average, 5 * deviation / Math.Sqrt(values.Length) + 1e-12);
        Assert.Equal(deviation, spread, 0.02 * deviation + 1e-12);
        Assert.True(values.Max(Math.Abs) <= bound * (1 + 1e-6));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_same_key_gives_the_same_values(int index)
    {
        float[] Draw() => Table[index].Initializer.Draw(new Key(9), [4, 5], 4, 5).ToArray<float>();
        Assert.Equal(Draw(), Draw());
    }

    [Fact]
    public void Convolutions_count_a_window_of_all_channels_as_inputs()
    {
        int fanIn = 0, fanOut = 0;
        var spy = new Initializer("spy", (_, shape, inputs, outputs) =>
        {
            (fanIn, fanOut) = (inputs, outputs);
            return TensorModule.full(DType.Float32, shape, 0);
        });
        new Conv2D(7, kernelSize: 3, initializer: spy).Initialize(new Key(0), [2, 5, 5]);
        Assert.Equal((2 * 9, 7 * 9), (fanIn, fanOut));
        new Dense(7, spy).Initialize(new Key(0), [4]);
        Assert.Equal((4, 7), (fanIn, fanOut));
    }

    [Fact]
    public void An_initializer_that_returns_another_shape_is_named()
    {
        var wrong = new Initializer("mine", (_, _, _, _) => Tensor.Scalar(1f));
        Assert.Contains("mine", Assert.Throws<InvalidOperationException>(() => new Dense(2, wrong).Initialize(new Key(0), [3])).Message);
    }
    [Theory]
    [InlineData(6, 6)]
    [InlineData(3, 8)]
    [InlineData(8, 3)]
    public void Orthogonal_vectors_have_one_length(int rows, int columns)
    {
        Tensor matrix = Initializers.Orthogonal(1.5).Draw(new Key(1), [rows, columns, 1], columns, rows).Reshape(rows, columns).To(DType.Float64);
        Tensor products = rows <= columns ? matrix.MatMul(matrix.Transpose()) : matrix.Transpose().MatMul(matrix);
        Waves.AssertNear((Tensor.Eye(Math.Min(rows, columns), DType.Float64) * 2.25).ToArray<double>(), products, 1e-5);
        Assert.NotEqual(
            matrix.ToArray<double>(),
            Initializers.Orthogonal(1.5).Draw(new Key(2), [rows, columns], columns, rows).To(DType.Float64).ToArray<double>());
    }
}
