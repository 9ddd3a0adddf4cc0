using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.4: a network of seven layers learns 300 images by heart; weight decay and dropout hold against it
/// (figures 6-20, 6-21 and 6-23).</summary>
internal static class Overfitting
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset all, Dataset test, bool areReal) = settings.Digits();
        Dataset train = all.Take(300);
        int[] hidden = [100, 100, 100, 100, 100, 100];
        Sequential plain = Experiments.MultiLayer(hidden, Initializers.HeNormal, Activations.ReLU);
        Sequential dropping = Experiments.MultiLayer(hidden, Initializers.HeNormal, Activations.ReLU, new TextDropout(0.15));

        // Weights decay, biases do not.
        var decay = new ParameterGroups(
            new SGD(0.01), (name => name.EndsWith("weight", StringComparison.Ordinal), new Chain(new SGD(0.01), new WeightDecay(0.1))));
        (string Name, string Title, Layer Network, Optimizer Optimizer, int Epochs)[] runs =
        [
            ("plain", "Fig 6-20: as it is", plain, new SGD(0.01), 201), ("decay", "Fig 6-21: weight decay of 0.1", plain, decay, 201),
            ("dropout", "Fig 6-23: dropout of 0.15", dropping, new SGD(0.01), 301),
        ];

        var metrics = new Dictionary<string, double>();
        var parts = new List<Axes>();
        foreach ((string name, string title, Layer network, Optimizer optimizer, int epochs) in runs)
        {
            var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer) { Metrics = [Metrics.Accuracy], Output = Output.None };
            TrainingResult result = trainer.Fit(
                train, test, settings.Epochs ?? epochs, settings.Batch ?? 100, settings.Seed, cancellationToken: settings.Cancellation);
            settings.Cancellation.ThrowIfCancellationRequested();

            // Measured without dropout, unlike the accuracies of the epochs.
            double onTrain = result.Model.Evaluate(train, Metrics.Accuracy), onTest = result.Model.Evaluate(test, Metrics.Accuracy);
            (metrics[name + ".train"], metrics[name + ".test"]) = (onTrain, onTest);
            settings.Output.WriteLine($"{name,-8} accuracy on the 300 images {onTrain:0.000}, on test images {onTest:0.000}, apart by {onTrain - onTest:0.000}");
            metrics[name + ".after100"] = result.History.Epochs[Math.Min(100, result.History.Epochs.Count) - 1].Metrics[Metrics.Accuracy.Name];
            parts.Add(result.History.Accuracies(title));
        }

        double Gap(string name) => metrics[name + ".train"] - metrics[name + ".test"];
        settings.Output.WriteLine(
            "text: with either the gap is smaller, and training no longer reaches 100 %; ours: "
            + (Math.Max(Gap("decay"), Gap("dropout")) < Gap("plain") && Math.Max(metrics["decay.train"], metrics["dropout.train"]) < 1 ? "✓" : "not so"));
        if (areReal)
            settings.Compare("6.4", "training accuracy after 100 epochs without anything against it, nearly", "1.00", metrics["plain.after100"], How.About);
        settings.Save(new Figure(parts), "saito-ch6-overfitting.svg");
        return metrics;
    }
}
