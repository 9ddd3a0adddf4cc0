using Autodiff;
using Autodiff.Layers;

namespace Benchmarks;

/// <summary>The rows, under the names that the comparison with the peer uses.</summary>
internal static class Rows
{
    internal static IReadOnlyList<Row> All { get; } =
    [
        .. Kernels,
        .. Decompositions,
        .. Differentiation,
        .. TrainingSteps,
        .. Compilation,
        .. SmallRows.All,
    ];

    private static Tensor Normal(params int[] shape) => new Key(0).Normal(shape);

    private static IEnumerable<Row> Kernels =>
    [
        .. new[] { 64, 256, 1024, 2048 }.Select(n => Row.Of($"matmul {n}", 2.0 * n * n * n, () =>
        {
            Tensor a = Normal(n, n), b = Normal(n, n);
            return () => a.MatMul(b);
        })),
        Row.Of("elementwise chain 1e6 forward", () => Normal(1_000_000), Chain, new(0, 8e6)),
        Row.Of("elementwise chain 1e6 gradient", () => Normal(1_000_000), Gradient.Of((Tensor v) => Chain(v).Sum()), new(0, 8e6)),
        Row.Of("softmax 512x1000", () => Normal(512, 1000), x => x.Softmax(-1), new(0, 8 * 512e3)),
        Row.Of("attention 2048x64", () => Normal(3, 2048, 64), x => Attention(x[0], x[1], x[2]), new(4.0 * 2048 * 2048 * 64, 0)),
        Row.Of("attention 8x2048x64 gradient", () => Normal(3, 8, 2048, 64), Gradient.Of(
            (Tensor x) => Tensor.Square(Attention(x[0], x[1], x[2])).Sum()), new(12.0 * 8 * 2048 * 2048 * 64, 0)),
        Row.Of("nearest of 1000 points to 10000 in 8 dimensions f64",
            () => new Key(0).Normal([10_000, 8], dtype: DType.Float64), Nearest, new(2.0 * 10_000 * 1000 * 8, 0)),
        Row.Of("conv2d 100x1x28x28 5x5x30", 2.0 * 100 * 30 * 24 * 24 * 25, () =>
        {
            Tensor x = Normal(100, 1, 28, 28), w = Normal(30, 1, 5, 5);
            return () => x.Conv2D(w);
        }),
        Row.Of("conv2d 32x64x56x56 3x3x64", 2.0 * 32 * 64 * 56 * 56 * 64 * 9, () =>
        {
            Tensor x = Normal(32, 64, 56, 56), w = Normal(64, 64, 3, 3);
            return () => x.Conv2D(w, padding: 1);
        }),
        Row.Of("conv2d depthwise 32x64x56x56 3x3", 2.0 * 32 * 64 * 56 * 56 * 9, () =>
        {
            Tensor x = Normal(32, 64, 56, 56), w = Normal(64, 1, 3, 3);
            return () => x.Conv2D(w, padding: 1, groups: 64);
        }),
        Row.Of("conv3d 4x16x16x28x28 3x3x3x32", 2.0 * 4 * 32 * 16 * 28 * 28 * 16 * 27, () =>
        {
            Tensor x = Normal(4, 16, 16, 28, 28), w = Normal(32, 16, 3, 3, 3);
            return () => x.Conv3D(w, padding: 1);
        }),
    ];

    private static IEnumerable<Row> Decompositions => new[] { 256, 1024 }.SelectMany(n =>
    {
        return new Row[]
        {
            Of("solve", (a, b, _) => a.Solve(b)),
            Of("inverse", (a, _, _) => a.Inverse()),
            Of("cholesky", (_, _, definite) => definite.Cholesky()),
            Of("triangularSolve", (_, b, definite) => definite.TriangularSolve(b)),
            Of("qr", (a, _, _) => a.Qr()),
            Of("eigh", (_, _, definite) => definite.Eigh()),
            Of("svd", (a, _, _) => a.Svd()),
        };

        Row Of(string name, Func<Tensor, Tensor, Tensor, object> function) => new($"{name} {n} f64", () =>
        {
            Tensor a = new Key(0).Normal([n, n], dtype: DType.Float64), b = new Key(1).Normal([n, n], dtype: DType.Float64);
            Tensor definite = a.MatMul(a.Transpose()) * (1.0 / n) + Tensor.Eye(n, DType.Float64);
            return () => function(a, b, definite);
        });
    });

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
        .. ExampleGradients("per-example gradients mlp 784-50-10 b100"),
        Row.Of("gradient scalar chain 300 ops", () => Tensor.Scalar(0.5), Gradient.Of<Tensor>(ScalarChain)),
    ];

    private static IEnumerable<Row> TrainingSteps =>
    [
        Row.Of("train mlp 784-50-10 sigmoid b100 sgd", Mlp),
        Row.Of("train mlp 784-256-128-10 relu b512 mse sgd", () => new(
            new Sequential(new Dense(256), Activations.ReLU, new Dense(128), Activations.ReLU, new Dense(10)),
            new SGD(0.01), Normal(512, 784), Normal(512, 10), Losses.MeanSquaredError)),
        Row.Of("train mlp 784-100x5-10 batchnorm b100 adam", () => new(
            Networks.DeepBatchNorm(hidden: 5), new Adam(1e-3), Normal(100, 784), Labels(100), Losses.SoftmaxCrossEntropy)),
        Row.Of("train simpleconvnet 30x5x5-100-10 b100 adam", () => new(
            Networks.SimpleConvNet(), new Adam(1e-3), Normal(100, 1, 28, 28), Labels(100), Losses.SoftmaxCrossEntropy)),
        Row.Of("train lenet b128 sgd", () => new(
            Networks.LeNet(), new SGD(0.1), Normal(128, 1, 28, 28), Labels(128), Losses.SoftmaxCrossEntropy)),
        Row.Of("train deepconvnet b100 adam", () => new(
            Networks.DeepConvNet(), new Adam(1e-3), Normal(100, 1, 28, 28), Labels(100), Losses.SoftmaxCrossEntropy)),
        Row.Of("train resnet18 96x96 b16 sgd", ResNet18),
        Row.Of("train alexnet 224x224 b8 sgd", () => new(
            Networks.AlexNet(), new SGD(1e-4), Normal(8, 1, 224, 224), Labels(8), Losses.SoftmaxCrossEntropy)),
        Characters("rnn", () => new RNN(256, returnSequences: true)),
        Characters("gru", () => new GRU(256, returnSequences: true)),
        Characters("lstm", () => new LSTM(256, returnSequences: true)),
    ];

    private static IEnumerable<Row> Compilation =>
    [
        Row.Compilation("compile mlp step", Mlp),
        Row.Compilation("compile resnet18 step", ResNet18),
    ];

    private static Training Mlp() => new(
        new Sequential(new Dense(50), Activations.Sigmoid, new Dense(10)),
        new SGD(0.1), Normal(100, 784), Labels(100), Losses.SoftmaxCrossEntropy);

    private static Training ResNet18() => new(
        Networks.ResNet18(), new SGD(0.05), Normal(16, 1, 96, 96), Labels(16), Losses.SoftmaxCrossEntropy);

    /// <summary>The gradient of the loss for each of 100 images: all at once, and in loops that give 100 results or the same one.</summary>
    private static IEnumerable<Row> ExampleGradients(string name)
    {
        var network = new Sequential(new Dense(50), Activations.Sigmoid, new Dense(10));
        Parameters parameters = network.Initialize(new Key(2), [784]);
        Tensor images = Normal(100, 784), labels = Labels(100);
        Func<Tensor, Tensor, Parameters> compiled = Jit.Compile<Tensor, Tensor, Parameters>(Gradient);
        Func<Tensor, Tensor, Parameters> all = Vmap.Of<Tensor, Tensor, Parameters>(Gradient), compiledAll = Jit.Compile(all);
        return
        [
            new(name, () => () => all(images, labels), () => () => compiledAll(images, labels)),
            new($"{name}, over the last", null, () =>
            {
                var over = Jit.CompileDonating((Parameters last, (Tensor Images, Tensor Labels) batch) => all(batch.Images, batch.Labels));
                Parameters last = all(images, labels);
                return () => last = over(last, (images, labels));
            }),
            new($"{name} loop", () => () => Loop(Gradient), () => () => Loop(compiled)),
            new($"{name} loop, stacked", () => () => Stack(Loop(Gradient)), () => () => Stack(Loop(compiled))),
        ];

        Parameters Gradient(Tensor image, Tensor label) => Autodiff.Gradient.Of((Parameters p) =>
            Losses.SoftmaxCrossEntropy.Of(network.Apply(p, image.Reshape(1, 784)), label.Reshape(1)))(parameters);

        Parameters[] Loop(Func<Tensor, Tensor, Parameters> gradient) =>
            [.. Enumerable.Range(0, 100).Select(i => gradient(images[i], labels[i]))];

        static void Stack(Parameters[] gradients)
        {
            foreach (string name in gradients[0].Names) TensorModule.stack(0, gradients.Select(one => one[name]));
        }
    }

    private static Tensor Labels(int count, int classes = 10) => new Key(1).Integers([count], 0, classes);

    /// <summary>Sequences of 25 characters out of 62, and the character that follows each.</summary>
    private static Row Characters(string kind, Func<Recurrent> recurrent) => Row.Of($"train char {kind} h256 t25 b32 sgd", () =>
    {
        Tensor characters = Labels(32 * 26, 62).Reshape(32, 26);
        return new(
            Networks.Characters(recurrent()), new SGD(0.01), characters[.., ..25].OneHot(62), characters[.., 1..],
            Losses.SoftmaxCrossEntropy);
    });

    private static Tensor Attention(Tensor queries, Tensor keys, Tensor values) =>
        (queries.MatMul(keys.SwapAxes(-1, -2)) / Math.Sqrt(queries.Shape[^1])).Softmax(-1).MatMul(values);

    /// <summary>The sum of the squared distances of points from the nearest of the first thousand.</summary>
    private static Tensor Nearest(Tensor points)
    {
        Tensor first = points[..1000];
        Tensor distances = Tensor.Square(first).Sum([-1]) - 2.0 * points.MatMul(first.Transpose());
        return distances.Min(-1).Sum() + Tensor.Square(points).Sum();
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
