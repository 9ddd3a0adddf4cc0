using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 4: ten ways to train a network on MNIST, from mean squared error through softmax, momentum, decay of the learning rate and
/// Glorot's initialization to dropout; each with three seeds, of which the median counts.
/// </summary>
/// <remarks>The first weights are those of the text, from its seed; seeds decide the order of the images and what dropout takes.
/// Training stops where the loss of the test data has not fallen for ten epochs, and the best model is kept. The text's losses count the
/// classes that an image is not of, too. Its mean squared error is a sum over the ten outputs: the learning rate of ours, which is a mean,
/// is ten times as large. Medians lie at the text's single runs or up to half a point below, which is as far as the runs of different seeds
/// lie apart.</remarks>
internal static class MnistTable
{
    private const int Runs = 3;
    private const uint TextSeed = 20190119;

    private sealed record Row(string Chapter, string Name, string Loss, string Accuracy, Func<int, Optimizer> Optimizer)
    {
        internal int[] Hidden { get; init; } = [89];

        internal bool IsGlorot { get; init; }

        internal double KeptShare { get; init; } = 1;

        internal bool HasSoftmax { get; init; } = true;

        internal int Epochs { get; init; } = 50;

        internal Sequential Network()
        {
            var layers = new List<Layer>();
            foreach (int neurons in Hidden)
            {
                layers.AddRange([new Dense(neurons), Activations.Tanh]);
                if (KeptShare < 1) layers.Add(new PlainDropout(KeptShare));
            }

            layers.Add(new Dense(10));
            if (!HasSoftmax) layers.Add(Activations.Sigmoid);
            return new(layers);
        }

        /// <summary>The text starts its random numbers anew for each layer, and takes Glorot's variance for the standard
        /// deviation.</summary>
        internal Parameters Start(int inputs)
        {
            var leaves = new List<Tensor>();
            foreach (int neurons in (int[])[.. Hidden, 10])
            {
                var random = new NumPyRandom(TextSeed);
                double scale = IsGlorot ? 2.0 / (inputs + neurons) : 1;
                leaves.Add((random.Randn(inputs, neurons) * scale).To(DType.Float32));
                leaves.Add((random.Randn(neurons) * scale).To(DType.Float32));
                inputs = neurons;
            }

            return Network().Initialize(new Key(0), [leaves[0].Shape[0]]).WithLeaves(leaves);
        }
    }

    /// <summary>Dropout as the text has it: training leaves what is kept as it is, and prediction takes the share that is kept of
    /// everything. <see cref="Dropout"/> divides while training instead.</summary>
    private sealed class PlainDropout(double share) : Layer
    {
        public override int[] OutputShape(int[] inputShape) => inputShape;

        public override Tensor Apply(Parameters parameters, Tensor input, Context context) =>
            input * (context.Key is { } key ? key.Bernoulli(input.Shape, share).To(input.DType) : Tensor.Scalar((float)share));
    }

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits();
        int batch = settings.Batch ?? 60;
        var pixels = new Standardizer(train.Inputs.Mean(), Tensor.Sqrt(train.Inputs.Variance()));
        (train, test) = (train.Map(pixels.Apply).OneHot(10), test.Map(pixels.Apply).OneHot(10));

        Optimizer Linearly(int steps) => new Momentum(Schedule.Linear(0.15, 0.05, steps));
        Optimizer Exponentially(int steps) => new Momentum(Schedule.Exponential(0.2, 0.05 / 0.2, steps));
        Row[] rows =
        [
            new("4.3", "mean squared error", "0.366", "72.58", _ => new SGD(1.0)) { HasSoftmax = false },
            new("4.3", "softmax and cross entropy", "0.546", "91.01", _ => new SGD(0.1)),
            new("4.4", "momentum", "0.338", "95.51", _ => new Momentum(0.1)),
            new("4.5", "linear decay", "0.282", "95.91", Linearly),
            new("4.5", "exponential decay", "0.284", "96.06", Exponentially),
            new("4.6", "Glorot, linear decay", "0.244", "96.71", Linearly) { IsGlorot = true },
            new("4.6", "Glorot, exponential decay", "0.245", "96.71", Exponentially) { IsGlorot = true },
            new("4.7", "dropout", "0.196", "96.95", Exponentially) { IsGlorot = true, KeptShare = 0.8 },
            new("4.7", "deep, dropout", "0.182", "97.15", Exponentially) { IsGlorot = true, KeptShare = 0.8, Hidden = [178, 46], Epochs = 100 },
            new("4.7", "deep, no dropout", "0.246", "96.52", Exponentially) { IsGlorot = true, Hidden = [178, 46] },
        ];
        var metrics = new Dictionary<string, double>();
        Axes curves = new Axes().Title("Test images that are read wrongly").XLabel("epoch").YLabel("per cent").YLog().Legend(LegendPlace.Outside);
        foreach (Row row in rows)
        {
            int epochs = settings.Epochs ?? row.Epochs;
            var trainer = new Trainer(
                row.Network(), row.HasSoftmax ? Losses.SoftmaxCrossEntropy : Losses.MeanSquaredError,
                row.Optimizer(epochs * Math.Max(1, train.Count / batch)))
            {
                Metrics = [Metrics.Accuracy],
                Callbacks = [new EarlyStopping(patience: 10)],
                Output = Output.None,
            };
            TrainingResult[] results = [.. Enumerable.Range(settings.Seed * Runs, Runs).Select(seed => trainer.Fit(
                train, test, epochs, batch, seed, row.Start(train.Inputs.Shape[1]), cancellationToken: settings.Cancellation))];
            if (settings.Cancellation.IsCancellationRequested) break;
            double[] accuracies = [.. results.Select(result => 100 * result.Model.Evaluate(test, Metrics.Accuracy)).Order()];
            double[] losses = [.. results.Select(result => TextLoss(row, result.Model, test)).Order()];
            settings.Output.WriteLine(
                $"{row.Name}: {string.Join(" ", accuracies.Select(a => $"{a:0.00}"))} % after {string.Join(", ", results.Select(r => r.History.Epochs.Count))} epochs, {results.Sum(r => r.History.Seconds):0} s");
            if (areReal && settings.Epochs is null)
            {
                settings.Compare(row.Chapter, $"{row.Name}, accuracy in per cent", row.Accuracy, accuracies[Runs / 2], How.AtLeast);
                settings.Compare(row.Chapter, $"{row.Name}, loss", row.Loss, losses[Runs / 2], How.AtMost);
            }

            metrics[row.Name] = accuracies[Runs / 2] / 100;
            IReadOnlyList<EpochRecord> records = results[0].History.Epochs;
            curves = curves.Line(
                records.Select(epoch => (double)epoch.Epoch).ToArray(),
                records.Select(epoch => 100 * (1 - epoch.ValidationMetrics["accuracy"])).ToArray(), row.Name);
        }

        settings.Save(curves.ToFigure(860, 460), "weidman-ch4-mnist.svg");
        return metrics;
    }

    /// <summary>The loss that the text reports, a sum over classes: of (p - t)², or of -t log p - (1 - t) log(1 - p).</summary>
    private static double TextLoss(Row row, Model model, Dataset data)
    {
        Tensor t = data.Targets, p = model.Predict(data.Inputs);
        if (!row.HasSoftmax) return Tensor.Square(p - t).Sum(1).Mean().ToDouble();
        p = Tensor.Clamp(p.To(DType.Float64).Softmax(1), 1e-9, 1 - 1e-9);
        return -(Tensor.XLogY(t, p) + Tensor.XLogY(1 - t, 1 - p)).Sum(1).Mean().ToDouble();
    }
}
