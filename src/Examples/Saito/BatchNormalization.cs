using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.3: learning with and without batch normalization, from weights of 16 scales (figures 6-18 and
/// 6-19).</summary>
/// <remarks>The text names the scales and 20 epochs; 1,000 images, five hidden layers of 100 units and SGD at 0.01 are
/// ours.</remarks>
internal static class BatchNormalization
{
    private const int Scales = 16;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset all, _, _) = settings.Digits();
        Dataset train = all.Take(1000);
        Tensor scales = Tensor.Pow(10.0, Tensor.Linspace(0, -4, Scales));
        settings.Compare(
            "6.3", "the scales", "1.0 0.541169526546 0.292864456463 0.158489319246 0.0857695898591", scales[..5]);
        CompareNumbers(settings);
        var parts = new List<Axes>();
        int better = 0;
        double[] best = [0, 0];
        foreach (double scale in scales.ToArray<double>())
        {
            double[] with = Learn(settings, train, scale, new BatchNorm(), Activations.ReLU), without = Learn(settings, train, scale, Activations.ReLU);
            if (with[^1] > without[^1]) better++;
            best = [Math.Max(best[0], with[^1]), Math.Max(best[1], without[^1])];
            settings.Output.WriteLine($"W: {scale:0.000000}   training accuracy with normalization {with[^1]:0.000}, without {without[^1]:0.000}");
            parts.Add(Curves(with, without).Title($"W: {scale:0.000000}"));
        }

        settings.Save(new Figure(4, parts).Title("Fig 6-19: training accuracy from weights of 16 scales").Size(1280, 1000), "saito-ch6-batchnorm.svg");
        settings.Save(parts[4].XLabel("epoch").YLabel("training accuracy").Title("Fig 6-18: with and without batch normalization, W: 0.085770").ToFigure(),
            "saito-ch6-batchnorm-one.svg");
        settings.Output.WriteLine($"text: normalization learns faster in almost all cases; ours: in {better} of {Scales}");
        return new Dictionary<string, double> { ["better"] = better, ["bestWith"] = best[0], ["bestWithout"] = best[1] };
    }

    /// <summary>Normalization of one batch, and the way back through its graph (figure 6-17).</summary>
    private static void CompareNumbers(Settings settings)
    {
        const double epsilon = 10e-7;
        var layer = new BatchNorm(epsilon: epsilon);
        Parameters start = layer.Initialize(new Key(settings.Seed), [3]).To(DType.Float64);
        Tensor x = new Key(settings.Seed + 1).Normal([50, 3], dtype: DType.Float64) * 4 + 7, weight = Tensor.Cos(x);
        Context training = Context.Training(new Key(0));
        Tensor y = layer.Apply(start, x, training);
        settings.Compare("6.3", "mean and variance of what was normalized", "0.000 1.000", Tensor.Stack(0, y.Mean(), y.Variance()));
        settings.Compare("6.3", "gamma and beta at the start", "1 0", Tensor.Stack(0, start["weight"][0], start["bias"][0]));

        // Node by node; each passes back what comes back to it times its own derivative.
        Tensor mean = x.Mean([0], true), centred = x - mean, variance = Tensor.Square(centred).Mean([0], true);
        Tensor root = Tensor.Sqrt(variance + epsilon), normalized = centred / root;
        Tensor toNormalized = weight * start["weight"], toRoot = -(toNormalized * centred / Tensor.Square(root)).Sum([0], true);
        Tensor toCentred = toNormalized / root + 2 * centred / x.Shape[0] * (toRoot / (2 * root));
        Tensor toX = toCentred - toCentred.Mean([0], true);
        Parameters toParameters = Gradient.Of((Parameters at) => (layer.Apply(start.WithTrainable(at), x, training) * weight).Sum())(start.Trainable);
        settings.Compare("6.3", "back through figure 6-17 by hand and by the library, largest difference", "0.000000000000", Tensor.Stack(
            0, (toX - Gradient.Of((Tensor at) => (layer.Apply(start, at, training) * weight).Sum())(x)).Flatten().Norm(double.PositiveInfinity),
            ((weight * normalized).Sum(0) - toParameters["weight"]).Norm(double.PositiveInfinity),
            (weight.Sum(0) - toParameters["bias"]).Norm(double.PositiveInfinity)).Max());
    }

    /// <summary>The training accuracy of each epoch; that of guessing after a loss that is no number.</summary>
    private static double[] Learn(Settings settings, Dataset train, double scale, params Layer[] activation)
    {
        int epochs = settings.Epochs ?? 20;
        Sequential network = Experiments.MultiLayer([100, 100, 100, 100, 100], Initializers.Normal(scale), activation);
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new SGD(0.01))
        {
            Metrics = [Metrics.Accuracy],
            Callbacks = [new StopOnNaN()],
            Output = Output.None,
        };
        settings.Cancellation.ThrowIfCancellationRequested();
        double[] curve = trainer.Fit(train, null, epochs, settings.Batch ?? 100, settings.Seed, cancellationToken: settings.Cancellation)
            .History.Curve(Metrics.Accuracy, onValidation: false);
        return [.. curve, .. Enumerable.Repeat(0.1, epochs - curve.Length)];
    }

    private static Axes Curves(double[] with, double[] without)
    {
        Tensor epochs = Tensor.Arange(1, with.Length + 1);
        return new Axes().Line(epochs, with, "with").Line(epochs, without, "without", dash: Dash.Dashed).YLimits(0, 1.02);
    }
}
