using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 5.4: a convolution of 32 filters and dropout see MNIST once, from the text's random numbers and with the gradient that its
/// appendix prints.
/// </summary>
/// <remarks>That gradient mixes up pixels and images, so that filters only become lighter or darker as a whole, and the weights above them
/// start with a standard deviation of 1: this makes the text's accuracies, and a loss of 3.453 where nine of ten images are read.
/// <see cref="Convolutional"/> has the same network with its gradient. As in chapter 4, rounding grows from step to step, and decides what
/// comes after 200 of them.</remarks>
internal static class PrintedConvolution
{
    private const uint Seed = 20190402;
    private const int Filters = 32, Size = 5, Pixels = 784, Every = 100;
    private const double Kept = 0.8, LearningRate = 0.01, Momentum = 0.9;

    private sealed record Weights(Tensor Filters, Tensor W, Tensor B);

    private sealed record State(Weights At, Weights Velocity);

    /// <summary>The text's loss, which counts the classes that an image is not of, too; what goes back is that of the loss without
    /// them.</summary>
    private static readonly Func<(Tensor Scores, Tensor T), Tensor> loss = Custom.Vjp(
        ((Tensor Scores, Tensor T) at) => Cost(Shares(at.Scores), at.T),
        at => (Cost(Shares(at.Scores), at.T), (Shares(at.Scores), at.T)),
        ((Tensor Shares, Tensor T) at, Tensor g) => (g * (at.Shares - at.T) / at.T.Shape[0], Tensor.ZerosLike(at.T)));

    private static Tensor Shares(Tensor scores) => Tensor.Clamp(scores.Softmax(1), 1e-9, 1 - 1e-9);

    private static Tensor Cost(Tensor p, Tensor t) => -(Tensor.XLogY(t, p) + Tensor.XLogY(1 - t, 1 - p)).Sum() / t.Shape[0];

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits(flatten: false);
        static Tensor Whole(Tensor x) => Tensor.Round(x.To(DType.Float64) * 255);
        (train, test) = (train.Map(Whole), test.Map(Whole));
        var pixels = new Standardizer(train.Inputs.Mean(), Tensor.Sqrt(train.Inputs.Variance()));
        Tensor Hot(Tensor labels) => labels.OneHot(10).To(DType.Float64);
        (train, test) = (train.Map(pixels.Apply, Hot), test.Map(pixels.Apply, Hot));

        var step = Jit.Compile<(State State, Batch Batch, Tensor Mask), State>(now =>
        {
            Weights gradient = Gradient.Of<Weights>(w => loss(
                (Output(w, now.Batch.Inputs, now.Mask, ProductConvolution.AsPrinted), now.Batch.Targets)))(now.State.At);
            Weights velocity = Tree.Map2((v, g) => Momentum * v + LearningRate * g, now.State.Velocity, gradient);
            return new(Tree.Map2((p, v) => p - v, now.State.At, velocity), velocity);
        });

        // The text's order of random numbers: that of the images, the filters, the first mask; then anew from the seed, the other weights,
        // and all other masks.
        var random = new NumPyRandom(Seed);
        int batch = settings.Batch ?? 60;
        int[][] batches = [.. random.Permutation(train.Count).Chunk(batch)];
        Tensor filters = random.Randn(Filters, 1, Size, Size) * (2.0 / (1 + Filters));
        Tensor mask = random.Binomial(Kept, batches[0].Length, Filters * Pixels);
        random = new NumPyRandom(Seed);
        var first = new Weights(filters, random.Randn(Filters * Pixels, 10), random.Randn(1, 10));
        var state = new State(first, Tree.Map(Tensor.ZerosLike, first));
        var accuracies = new List<double>();
        double accuracy = 0, cost = 0;
        foreach ((int i, int[] rows) in batches.Index())
        {
            if (settings.Cancellation.IsCancellationRequested) break;
            if (i > 0) mask = random.Binomial(Kept, rows.Length, Filters * Pixels);
            Tensor places = Tensor.From(rows, rows.Length);
            state = step((state, new Batch(train.Inputs.Take(places, 0), train.Targets.Take(places, 0)), mask));
            if ((i == 0 || i % Every > 0) && i < batches.Length - 1) continue;
            (accuracy, cost) = Evaluate(state.At);
            settings.Output.WriteLine($"{i,4} batches: accuracy {accuracy:0.00} %, loss {cost:0.000}");
            if (i % Every == 0) accuracies.Add(accuracy);
        }

        if (areReal && settings.Batch is null && accuracies.Count == 9)
        {
            settings.Compare("5.4", "accuracy in per cent after 100 and 200 batches", "79.65 86.25", Tensor.From([.. accuracies[..2]]));
            settings.Compare(
                "5.4", "after 300, 400 ... 900 batches", "85.47 87.27 88.93 88.25 89.91 89.59 89.96", Tensor.From([.. accuracies[2..]]), How.About);
            settings.Compare("5.4", "accuracy in per cent", "90.50", accuracy, How.Near);
            settings.Compare("5.4", "loss", "3.453", cost, How.About);
        }

        settings.Save(
            new Figure(
                new Axes().Title("Filters at the start").ImageGrid(first.Filters, 8, map: ColorMap.BlueRed),
                new Axes().Title("... and after 1,000 steps by the printed gradient").ImageGrid(state.At.Filters, 8, map: ColorMap.BlueRed))
                .Size(900, 400),
            "weidman-ch5-as-printed.svg");
        return new Dictionary<string, double> { ["accuracy"] = accuracy / 100, ["loss"] = cost };

        (double Accuracy, double Cost) Evaluate(Weights weights)
        {
            double right = 0, sum = 0;
            foreach (Batch part in test.Batches(500))
            {
                Tensor output = Output(weights, part.Inputs, Tensor.Scalar(Kept), at => at.Images.Conv2D(at.Filters, padding: Padding.Same));
                right += Tensor.EqualTo(output.ArgMax(1), part.Targets.ArgMax(1)).To(DType.Float64).Sum().ToDouble();
                sum += part.Targets.Shape[0] * loss((output, part.Targets)).ToDouble();
            }

            return (100 * right / test.Count, sum / test.Count);
        }
    }

    private static Tensor Output(Weights weights, Tensor images, Tensor mask, Func<(Tensor Images, Tensor Filters), Tensor> convolution)
    {
        Tensor reached = Tensor.Tanh(convolution((images, weights.Filters))).Reshape(images.Shape[0], -1);
        return (reached * mask).MatMul(weights.W) + weights.B;
    }
}
