using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class OptimizerTests
{
    /// <summary>The parameter before the first step, and the gradients of three steps.</summary>
    private const double Start = 1.0, G1 = 0.5, G2 = -0.25, G3 = 0.125;

    /// <summary>Every optimizer, the parameter after one, two and three steps written out by hand, and whether it reaches the minimum of
    /// x^2 / 20 + y^2 with the learning rate given.</summary>
    private static readonly (string Name, Optimizer Optimizer, double[] Steps, Optimizer Descent)[] Table =
    [
        ("SGD", new SGD(0.1), [0.95, 0.975, 0.9625], new SGD(0.9)),
        ("SGD, schedule", new SGD(step => 0.1 / (1 + step)), [0.95, 0.9625, 0.9625 - 0.1 / 3 * 0.125], new SGD(step => 0.9)),

        // v: 0.5, 0.9 * 0.5 - 0.25 = 0.2, 0.9 * 0.2 + 0.125 = 0.305.
        ("Momentum", new Momentum(0.1), [0.95, 0.93, 0.8995], new Momentum(0.1)),

        // g + 0.9 v: 0.95, -0.25 + 0.18 = -0.07, 0.125 + 0.2745 = 0.3995.
        ("Nesterov", new Nesterov(0.1), [0.905, 0.912, 0.87205], new Nesterov(0.1)),

        // h: 0.25, 0.3125, 0.328125.
        ("AdaGrad", new AdaGrad(0.1),
            [
                Start - 0.1 * 0.5 / (0.5 + 1e-7),
                Start - 0.1 * 0.5 / (0.5 + 1e-7) + 0.1 * 0.25 / (Math.Sqrt(0.3125) + 1e-7),
                Start - 0.1 * 0.5 / (0.5 + 1e-7) + 0.1 * 0.25 / (Math.Sqrt(0.3125) + 1e-7) - 0.1 * 0.125 / (Math.Sqrt(0.328125) + 1e-7),
            ], new AdaGrad(1.5)),

        // h: 0.025, 0.0225 + 0.00625 = 0.02875, 0.025875 + 0.0015625 = 0.0274375.
        ("RMSProp", new RMSProp(0.1),
            [
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7),
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7) + 0.025 / (Math.Sqrt(0.02875) + 1e-7),
                Start - 0.05 / (Math.Sqrt(0.025) + 1e-7) + 0.025 / (Math.Sqrt(0.02875) + 1e-7) - 0.0125 / (Math.Sqrt(0.0274375) + 1e-7),
            ], new RMSProp(step => 0.1 / (1 + 0.01 * step))),

        // m: 0.05, 0.02, 0.0305; v: 0.00025, 0.00031225, 0.00032756275; corrections 1 - 0.9^t and 1 - 0.999^t.
        ("Adam", new Adam(0.1),
            [
                Start - 0.1 * 0.5 / (0.5 + 1e-8),
                Start - 0.1 * 0.5 / (0.5 + 1e-8) - AdamStep(0.02, 0.19, 0.00031225, 0.001999),
                Start - 0.1 * 0.5 / (0.5 + 1e-8) - AdamStep(0.02, 0.19, 0.00031225, 0.001999) - AdamStep(0.0305, 0.271, 0.00032756275, 0.002997001),
            ], new Adam(0.3)),

        // g + 0.1 w: 0.6, -0.25 + 0.094 = -0.156, 0.125 + 0.09556 = 0.22056.
        ("Chain, weight decay", new Chain(new SGD(0.1), new WeightDecay(0.1)), [0.94, 0.9556, 0.933544], new Chain(new SGD(0.8), new WeightDecay(1e-3))),

        // Gradients cut to length 0.2.
        ("Chain, clipping", new Chain(new Momentum(0.1), new ClipByNorm(0.2)), [0.98, 0.982, 0.9713], new Chain(new Momentum(0.1), new ClipByNorm(5))),
    ];

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, Table.Length)];

    private static double AdamStep(double m, double correction1, double v, double correction2) =>
        0.1 * (m / correction1) / (Math.Sqrt(v / correction2) + 1e-8);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Three_steps_give_the_numbers_computed_by_hand(int index)
    {
        (string name, Optimizer optimizer, double[] steps, _) = Table[index];
        Tensor parameter = Tensor.Scalar(Start);
        OptimizerState state = optimizer.Init(parameter);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(i, state.Step);
            (parameter, state) = optimizer.Update(Tensor.Scalar(new[] { G1, G2, G3 }[i]), state, parameter);
            Assert.True(Math.Abs(steps[i] - parameter.ToDouble()) < 1e-13, $"{name}, step {i + 1}: {parameter.ToDouble()} is not {steps[i]}");
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void It_descends_into_a_narrow_valley(int index)
    {
        Optimizer optimizer = Table[index].Descent;
        var gradient = Gradient.Of(((Tensor X, Tensor Y) p) => Tensor.Square(p.X) / 20.0 + Tensor.Square(p.Y));
        (Tensor X, Tensor Y) point = (Tensor.Scalar(-7.0), Tensor.Scalar(2.0));
        OptimizerState state = optimizer.Init(point);
        for (int i = 0; i < 400; i++) (point, state) = optimizer.Update(gradient(point), state, point);
        Assert.True(Math.Abs(point.X.ToDouble()) < 0.05, $"{Table[index].Name}: x is {point.X.ToDouble()}");
        Assert.True(Math.Abs(point.Y.ToDouble()) < 0.05, $"{Table[index].Name}: y is {point.Y.ToDouble()}");
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Types_and_arguments_stay_as_they_were(int index)
    {
        Optimizer optimizer = Table[index].Optimizer;
        Tensor[] parameters = [new Key(1).Normal([2, 3]), new Key(2).Normal([3], dtype: DType.Float64)];
        Tensor[] gradients = [new Key(3).Normal([2, 3]), new Key(4).Normal([3], dtype: DType.Float64)];
        float[] before = parameters[0].ToArray<float>(), slopes = gradients[0].ToArray<float>();
        OptimizerState start = optimizer.Init(parameters);
        (Tensor[] first, OptimizerState state) = optimizer.Update(gradients, start, parameters);
        (Tensor[] again, _) = optimizer.Update(gradients, start, parameters);
        (Tensor[] second, state) = optimizer.Update(gradients, state, first);
        Assert.Equal(before, parameters[0].ToArray<float>());
        Assert.Equal(slopes, gradients[0].ToArray<float>());
        Assert.Equal(first[0].ToArray<float>(), again[0].ToArray<float>());
        Assert.Equal([DType.Float32, DType.Float64], second.Select(leaf => leaf.DType));
        Assert.Equal([2, 3], second[0].Shape);
        Assert.Equal(2, state.Step);
        OptimizerState copy = Tree.withLeaves(state, Tree.leaves(state));
        Assert.Equal(state.Leaves, copy.Leaves);
        Assert.Equal(2, copy.Step);
    }

    [Fact]
    public void What_does_not_fit_is_named()
    {
        Tensor parameter = TensorModule.full(DType.Float32, [3], 1), wrong = TensorModule.full(DType.Float32, [2], 1);
        var adam = new Adam();
        OptimizerState state = adam.Init(parameter);
        Assert.Contains("(2)", Assert.Throws<ArgumentException>(() => adam.Update(wrong, state, parameter)).Message);
        Assert.Contains("Init", Assert.Throws<ArgumentException>(() => new SGD().Update(parameter, state, parameter)).Message);
        Assert.Contains("2 gradients", Assert.Throws<ArgumentException>(() => adam.Update([wrong, wrong], state, (Tensor[])[parameter])).Message);
        var never = new SGD(_ => double.NaN);
        Assert.Contains("step 0", Assert.Throws<ArgumentException>(() => never.Update(parameter, never.Init(parameter), parameter)).Message);
        Assert.Contains("learningRate is -1", Assert.Throws<ArgumentException>(() => new Adam(-1)).Message);
        Assert.Contains("beta1 is 1", Assert.Throws<ArgumentException>(() => new Adam(0.1, beta1: 1)).Message);
        Assert.Contains("momentum", Assert.Throws<ArgumentException>(() => new Momentum(0.1, 1.5)).Message);
        Assert.Contains("epsilon", Assert.Throws<ArgumentException>(() => new AdaGrad(0.1, 0)).Message);
    }
}
