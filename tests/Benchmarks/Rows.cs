using Autodiff;
using Autodiff.Layers;

namespace Benchmarks;

/// <summary>One benchmark: <paramref name="Make"/> prepares the inputs and returns what is timed, and so does <paramref
/// name="Compiled"/> for the same work compiled.</summary>
internal sealed record Row(string Name, Func<Action> Make, double Flops = 0, Func<Action>? Compiled = null)
{
    /// <summary>A function of one tensor, as it is and compiled.</summary>
    internal static Row Of(string name, Func<Tensor> input, Func<Tensor, Tensor> function)
    {
        return new(name, () => Call(function), Compiled: () => Call(Jit.Compile(function)));

        Action Call(Func<Tensor, Tensor> f)
        {
            Tensor x = input();
            return () => f(x);
        }
    }
}

/// <summary>The rows, under the names that the comparison with the peer uses.</summary>
internal static class Rows
{
    internal static IReadOnlyList<Row> All { get; } =
    [
        .. Kernels,
        .. Differentiation,
        .. TrainingSteps,
    ];

    private static Tensor Normal(params int[] shape) => new Key(0).Normal(shape);

    private static IEnumerable<Row> Kernels =>
    [
        .. new[] { 64, 256, 1024, 2048 }.Select(n => new Row($"matmul {n}", () =>
        {
            Tensor a = Normal(n, n), b = Normal(n, n);
            return () => a.MatMul(b);
        }, 2.0 * n * n * n)),
        Row.Of("elementwise chain 1e6 forward", () => Normal(1_000_000), Chain),
        Row.Of("elementwise chain 1e6 gradient", () => Normal(1_000_000), Gradient.Of((Tensor v) => Chain(v).Sum())),
        Row.Of("softmax 512x1000", () => Normal(512, 1000), x => x.Softmax(-1)),
        new("conv2d 100x1x28x28 5x5x30", () =>
        {
            Tensor x = Normal(100, 1, 28, 28), w = Normal(30, 1, 5, 5);
            return () => x.Conv2D(w);
        }, 2.0 * 100 * 30 * 24 * 24 * 25),
        new("conv2d 32x64x56x56 3x3x64", () =>
        {
            Tensor x = Normal(32, 64, 56, 56), w = Normal(64, 64, 3, 3);
            return () => x.Conv2D(w, padding: 1);
        }, 2.0 * 32 * 64 * 56 * 56 * 64 * 9),
        new("conv2d depthwise 32x64x56x56 3x3", () =>
        {
            Tensor x = Normal(32, 64, 56, 56), w = Normal(64, 1, 3, 3);
            return () => x.Conv2D(w, padding: 1, groups: 64);
        }, 2.0 * 32 * 64 * 56 * 56 * 9),
        new("conv3d 4x16x16x28x28 3x3x3x32", () =>
        {
            Tensor x = Normal(4, 16, 16, 28, 28), w = Normal(32, 16, 3, 3, 3);
            return () => x.Conv3D(w, padding: 1);
        }, 2.0 * 4 * 32 * 16 * 28 * 28 * 16 * 27),
    ];

    private static IEnumerable<Row> Differentiation =>
    [
        .. new[] { 10, 1000 }.Select(n => Row.Of(
            $"gradient rosenbrock n={n} f64", () => new Key(0).Normal([n], dtype: DType.Float64), Gradient.Of<Tensor>(Rosenbrock))),
        Row.Of("hessian rosenbrock n=100 f64", () => new Key(0).Normal([100], dtype: DType.Float64), Hessian.Of(Rosenbrock)),
        .. new[] { 1, 2, 10 }.Select(n => new Row($"hessian rosenbrock n={n} f64", () =>
        {
            Tensor x = new Key(0).Normal([n], dtype: DType.Float64);
            Func<Tensor, Tensor> hessian = Hessian.Of(n == 1 ? v => Tensor.Exp(v).Sum() : Rosenbrock);
            return () => hessian(x);
        })),
        new("per-example gradients mlp 784-50-10 b100", () =>
        {
            (Func<Tensor, Tensor, Parameters> gradient, Tensor images, Tensor labels) = ExampleGradient();
            Func<Tensor, Tensor, Parameters> gradients = Vmap.Of(gradient);
            return () => gradients(images, labels);
        }),
        new("per-example gradients mlp 784-50-10 b100 loop", () =>
        {
            (Func<Tensor, Tensor, Parameters> gradient, Tensor images, Tensor labels) = ExampleGradient();
            return () => Loop(gradient, images, labels);
        }),
        new("per-example gradients mlp 784-50-10 b100 loop, stacked", () =>
        {
            // The same result as that of vmap, one tensor for all examples, needs one more copy.
            (Func<Tensor, Tensor, Parameters> gradient, Tensor images, Tensor labels) = ExampleGradient();
            return () =>
            {
                Parameters[] all = Loop(gradient, images, labels);
                foreach (string name in all[0].Names) TensorModule.stack(0, all.Select(one => one[name]));
            };
        }),
        Row.Of("gradient scalar chain 300 ops", () => Tensor.Scalar(0.5), Gradient.Of<Tensor>(ScalarChain)),
    ];

    private static IEnumerable<Row> TrainingSteps =>
    [
        Train("train mlp 784-50-10 sigmoid b100 sgd", () => (
            new Sequential(new Dense(50), Activations.Sigmoid, new Dense(10)),
            new SGD(0.1), Normal(100, 784), Labels(100), Losses.SoftmaxCrossEntropy)),
        Train("train mlp 784-256-128-10 relu b512 mse sgd", () => (
            new Sequential(new Dense(256), Activations.ReLU, new Dense(128), Activations.ReLU, new Dense(10)),
            new SGD(0.01), Normal(512, 784), Normal(512, 10), Losses.MeanSquaredError)),
        Train("train simpleconvnet 30x5x5-100-10 b100 adam", () => (
            new Sequential(
                new Conv2D(30, kernelSize: 5), Activations.ReLU, new MaxPool2D(2), new Flatten(),
                new Dense(100), Activations.ReLU, new Dense(10)),
            new Adam(1e-3), Normal(100, 1, 28, 28), Labels(100), Losses.SoftmaxCrossEntropy)),
        Train("train lenet b128 sgd", () => (
            new Sequential(
                new Conv2D(6, kernelSize: 5, padding: 2), Activations.Sigmoid, new AveragePool2D(2),
                new Conv2D(16, kernelSize: 5), Activations.Sigmoid, new AveragePool2D(2), new Flatten(),
                new Dense(120), Activations.Sigmoid, new Dense(84), Activations.Sigmoid, new Dense(10)),
            new SGD(0.1), Normal(128, 1, 28, 28), Labels(128), Losses.SoftmaxCrossEntropy)),
    ];

    /// <summary>The gradient of the loss of one image and its label, with 100 of both.</summary>
    private static (Func<Tensor, Tensor, Parameters>, Tensor Images, Tensor Labels) ExampleGradient()
    {
        var network = new Sequential(new Dense(50), Activations.Sigmoid, new Dense(10));
        Parameters parameters = network.Initialize(new Key(2), [784]);
        return (Gradient, Normal(100, 784), Labels(100));

        Parameters Gradient(Tensor image, Tensor label) => Autodiff.Gradient.Of((Parameters p) =>
            Losses.SoftmaxCrossEntropy.Of(network.Apply(p, image.Reshape(1, 784)), label.Reshape(1)))(parameters);
    }

    private static Parameters[] Loop(Func<Tensor, Tensor, Parameters> gradient, Tensor images, Tensor labels) =>
        [.. Enumerable.Range(0, 100).Select(i => gradient(images[i], labels[i]))];

    private static Tensor Labels(int count) => new Key(1).Integers([count], 0, 10);

    /// <summary>A training step: forward, loss, gradient, update.</summary>
    private static Row Train(string name, Func<(Layer Network, Optimizer Optimizer, Tensor Inputs, Tensor Targets, Loss Loss)> make)
    {
        return new(name, () => Step(isCompiled: false), Compiled: () => Step(isCompiled: true));

        Action Step(bool isCompiled)
        {
            (Layer network, Optimizer optimizer, Tensor inputs, Tensor targets, Loss loss) = make();
            var trainer = new Trainer(network, loss, optimizer) { Compiled = isCompiled };
            TrainingState state = trainer.Start(new Key(2), inputs.Shape[1..]);
            var batch = new Batch(inputs, targets);
            return () => state = trainer.Step(state, batch, donate: true).State;
        }
    }

    private static Tensor Chain(Tensor x) =>
        Tensor.Sigmoid(x) * Tensor.Tanh(x) + Tensor.Exp(-x * x);

    private static Tensor Rosenbrock(Tensor x)
    {
        Tensor head = x[..^1], tail = x[1..];
        return (100.0 * Tensor.Square(tail - Tensor.Square(head)) + Tensor.Square(1.0 - head)).Sum();
    }

    private static Tensor ScalarChain(Tensor x)
    {
        Tensor y = x;
        for (int i = 0; i < 100; i++) y = Tensor.Sin(y) * y + 0.1;
        return y;
    }
}
