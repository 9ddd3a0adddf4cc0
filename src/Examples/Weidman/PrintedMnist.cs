using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 4: ten ways to train a network on MNIST, from mean squared error through softmax, momentum, decay of the learning rate and
/// Glorot's initialization to dropout, by the text's framework and from its random numbers.
/// <see cref="MnistTable"/> has the same with the library's own layers, and medians.
/// </summary>
/// <remarks>First weights, order of the images, dropout and precision are the text's, and yet only the first of its losses comes out in
/// all digits: training is chaotic. A change of 1e-12 in one weight, which rounding makes in a few steps, moves losses by up to a sixth within
/// the first pass over the images, so that the order in which somebody's library adds decides the rest. What the text reports as loss counts
/// the classes that an image is not of, too; its gradient is that of the loss without them.</remarks>
internal static class PrintedMnist
{
    private const uint Seed = 20190119;

    /// <summary>How long a network with a changed weight is trained beside the other.</summary>
    private const int ChangedEpochs = 20;

    /// <param name="Printed">The losses that the text prints, after 10, 20 ... epochs; it keeps the model of the last of them.</param>
    private sealed record Row(string Chapter, string Name, string Printed, string Accuracy, Func<int, double> LearningRate, double Momentum)
    {
        internal int[] Hidden { get; init; } = [89];

        internal bool HasSoftmax { get; init; } = true;

        internal bool IsGlorot { get; init; }

        internal double Kept { get; init; } = 1;

        internal int Epochs => 10 * Printed.Split(' ').Length;

        internal NeuralNetwork Network() => new(
            HasSoftmax ? Losses.SoftmaxCrossEntropy.Of : SumOfSquares,
            [
                .. Hidden.Select(neurons => new DenseLayer(neurons, Tensor.Tanh) { IsGlorot = IsGlorot, Kept = Kept }),
                new DenseLayer(10, HasSoftmax ? x => x : Tensor.Sigmoid) { IsGlorot = IsGlorot },
            ]);

        /// <summary>The loss that the text reports: of (p - t)², or of -t log p - (1 - t) log(1 - p).</summary>
        internal double Loss(Tensor output, Tensor t)
        {
            if (!HasSoftmax) return SumOfSquares(output, t).ToDouble();
            Tensor p = Tensor.Clamp(output.Softmax(1), 1e-9, 1 - 1e-9);
            return -(Tensor.XLogY(t, p) + Tensor.XLogY(1 - t, 1 - p)).Sum(1).Mean().ToDouble();
        }
    }

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits();

        // As the text has them: whole numbers from 0 to 255 in float64, standardized by one mean and one deviation of all pixels.
        static Tensor Whole(Tensor x) => Tensor.Round(x.To(DType.Float64) * 255);
        (train, test) = (train.Map(Whole), test.Map(Whole));
        var pixels = new Standardizer(train.Inputs.Mean(), Tensor.Sqrt(train.Inputs.Variance()));
        Tensor Hot(Tensor labels) => labels.OneHot(10).To(DType.Float64);
        (train, test) = (train.Map(pixels.Apply, Hot), test.Map(pixels.Apply, Hot));
        Tensor labels = test.Targets.ArgMax(1);

        static Func<int, double> Constant(double rate) => _ => rate;
        static Func<int, double> Linearly(int epochs) => epoch => 0.15 - epoch * (0.15 - 0.05) / (epochs - 1);
        static Func<int, double> Exponentially(int epochs) => epoch => 0.2 * Math.Pow(0.05 / 0.2, (double)epoch / (epochs - 1));
        Row[] rows =
        [
            new("4.3", "mean squared error", "0.611 0.428 0.389 0.374 0.366", "72.58", Constant(0.1), 0) { HasSoftmax = false },
            new("4.3", "softmax and cross entropy", "0.630 0.574 0.549 0.546", "91.01", Constant(0.1), 0),
            new("4.4", "momentum", "0.441 0.351 0.345 0.338", "95.51", Constant(0.1), 0.9),
            new("4.5", "linear decay", "0.403 0.343 0.282", "95.91", Linearly(50), 0.9),
            new("4.5", "exponential decay", "0.461 0.323 0.284", "96.06", Exponentially(50), 0.9),
            new("4.6", "Glorot, linear decay", "0.352 0.280 0.244", "96.71", Linearly(50), 0.9) { IsGlorot = true },
            new("4.6", "Glorot, exponential decay", "0.305 0.264 0.245", "96.71", Exponentially(50), 0.9) { IsGlorot = true },
            new("4.7", "dropout", "0.285 0.232 0.199 0.196", "96.95", Exponentially(50), 0.9) { IsGlorot = true, Kept = 0.8 },
            new("4.7", "deep, dropout", "0.321 0.268 0.248 0.222 0.217 0.194 0.191 0.190 0.182", "97.15", Exponentially(100), 0.9)
            {
                IsGlorot = true, Kept = 0.8, Hidden = [178, 46],
            },
            new("4.7", "deep, no dropout", "0.375 0.305 0.262 0.246", "96.52", Exponentially(50), 0.9) { IsGlorot = true, Hidden = [178, 46] },
        ];
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Test images that are read wrongly").XLabel("epoch").YLabel("per cent").YLog().Legend(LegendPlace.Outside);
        foreach (Row row in rows)
        {
            int epochs = settings.Epochs ?? row.Epochs;
            (List<double> losses, List<double> accuracies) = Train(row, epochs, change: 0);
            if (settings.Cancellation.IsCancellationRequested) break;
            double[] tenths = [.. losses.Where((_, i) => (i + 1) % 10 == 0)];
            settings.Output.WriteLine($"{row.Name}: loss {losses[^1]:0.000}, accuracy {accuracies[^1]:0.00} % after {epochs} epochs");

            int compared = Math.Min(ChangedEpochs, epochs);
            (List<double> others, _) = Train(row, compared, change: 1e-12);
            settings.Output.WriteLine(
                $"  with one weight changed by 1e-12: loss {others[^1]:0.000} instead of {losses[compared - 1]:0.000} after {compared} epochs");
            if (areReal && settings is { Epochs: null, Batch: null })
            {
                if (!row.HasSoftmax) settings.Compare(row.Chapter, $"{row.Name}, loss after 10 epochs", row.Printed.Split(' ')[0], tenths[0]);
                string when = string.Join(", ", Enumerable.Range(1, tenths.Length).Select(ten => 10 * ten));
                settings.Compare(row.Chapter, $"{row.Name}, loss after {when} epochs", row.Printed, Tensor.From(tenths), How.About);
                settings.Compare(row.Chapter, $"{row.Name}, accuracy in per cent", row.Accuracy, accuracies[^1], How.Near);
            }

            metrics[row.Name] = accuracies[^1] / 100;
            metrics[row.Name + ", loss apart"] = Math.Abs(others[^1] - losses[compared - 1]);
            curves = curves.Line(
                Enumerable.Range(1, accuracies.Count).ToArray(), accuracies.Select(accuracy => 100 - accuracy).ToArray(), row.Name);
        }

        settings.Save(curves.ToFigure(860, 460), "weidman-ch4-as-printed.svg");
        return metrics;

        // The loss and the accuracy in per cent of the test images after each epoch.
        (List<double> Losses, List<double> Accuracies) Train(Row row, int epochs, double change)
        {
            NeuralNetwork network = row.Network();
            var trainer = new NetworkTrainer(network, Seed, row.LearningRate, row.Momentum)
            {
                Change = first => first[0].W += change * Tensor.From([first[0].W.Size / 2]).OneHot(first[0].W.Size).To(DType.Float64).Reshape(first[0].W.Shape),
            };
            var (losses, accuracies) = (new List<double>(), new List<double>());
            foreach (var parameters in trainer.Epochs(train, settings.Batch ?? 60, settings.Cancellation).Take(epochs))
            {
                Tensor output = network.Forward(parameters, test.Inputs);
                losses.Add(row.Loss(output, test.Targets));
                accuracies.Add(100 * Tensor.EqualTo(output.ArgMax(1), labels).To(DType.Float64).Mean().ToDouble());
            }

            return (losses, accuracies);
        }
    }

    private static Tensor SumOfSquares(Tensor output, Tensor target) => Tensor.Square(output - target).Sum() / output.Shape[0];
}
