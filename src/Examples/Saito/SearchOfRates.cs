using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.5: a random search of the learning rate and the weight decay (figure 6-24).</summary>
/// <remarks>The text names the ranges, the part of the data for validation and about 100 trials; 1,000 images, the network of
/// chapter 6.4 and 50 epochs are ours. (Of 500 images, 100 for validation decide by chance: the best is then 0.75, 0.78 or 0.82
/// for the seeds 0, 1 and 2.) Each trial draws its own first weights.</remarks>
internal static class SearchOfRates
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset all, _, bool areReal) = settings.Digits();
        (Dataset validation, Dataset train) = all.Take(1000).Split(0.2, new Key(settings.Seed));
        if (areReal)
            settings.Compare("6.5", "20 % of 60,000 images for validation, and the rest, by hand", "12000 48000", Counts(all.Split(0.2, new Key(settings.Seed))));
        CompareLogarithms(settings);
        int epochs = settings.Epochs ?? 50, trials = settings.Epochs is null ? 100 : 4;
        Sequential network = Experiments.MultiLayer([100, 100, 100, 100, 100, 100], Initializers.HeNormal, Activations.ReLU);
        var histories = new History[trials];
        SearchResult found = HyperparameterSearch.Random(
            [Hyperparameter.LogUniform("rate", 1e-6, 1e-2), Hyperparameter.LogUniform("decay", 1e-8, 1e-4)], trials,
            trial =>
            {
                var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Chain(new SGD(trial["rate"]), new WeightDecay(trial["decay"])))
                {
                    Metrics = [Metrics.Accuracy],
                    Output = Output.None,
                };
                histories[trial.Number] = trainer.Fit(
                    train, validation, epochs, settings.Batch ?? 100, settings.Seed + trial.Number, cancellationToken: settings.Cancellation).History;
                return histories[trial.Number].Curve(Metrics.Accuracy, onValidation: true)[^1];
            },
            settings.Seed, isLargestBest: true, cancellationToken: settings.Cancellation);
        settings.Cancellation.ThrowIfCancellationRequested();

        TrialResult[] best = [.. found.Trials.Take(20)];
        foreach (TrialResult result in best.Take(5)) settings.Output.WriteLine($"validation accuracy {result.Score:0.00}: {result.Trial}");
        double[] rates = [.. best.Take(5).Select(result => result.Trial["rate"])];
        settings.Output.WriteLine($"text: good rates are 0.001 to 0.01; ours: {rates.Min():0.0000} to {rates.Max():0.0000}");
        if (areReal) settings.Compare("6.5", "validation accuracy of the best trial", "0.83", best[0].Score, How.About);
        settings.Save(
            new Figure(5, best.Select((result, i) =>
            {
                History history = histories[result.Trial.Number];
                return new Axes().Line(history.Numbers(), history.Curve(Metrics.Accuracy, onValidation: true))
                    .Line(history.Numbers(), history.Curve(Metrics.Accuracy, onValidation: false), dash: Dash.Dashed).YLimits(0, 1).Title($"Best-{i + 1}");
            })).Title("Fig 6-24: the 20 best of the search; training accuracy dashed").Size(1280, 960),
            "saito-ch6-search.svg");
        return new Dictionary<string, double> { ["bestAccuracy"] = best[0].Score, ["bestRate"] = best[0].Trial["rate"] };
    }

    /// <summary>Numbers whose logarithms are uniform: as many in each power of ten.</summary>
    private static void CompareLogarithms(Settings settings)
    {
        const int draws = 1000;
        double[] numbers =
        [
            .. HyperparameterSearch.Random([Hyperparameter.LogUniform("x", 0.001, 1000)], draws, trial => trial["x"], settings.Seed)
                .Trials.Select(trial => trial.Score),
        ];
        settings.Compare("6.5", "10 to the power of uniform numbers from -3 to 3: the smallest and largest of 1,000", "0.001 1000", Tensor.From([numbers.Min(), numbers.Max()]), How.About);
        settings.Output.WriteLine("      in each power of ten: " + string.Join(", ", numbers.CountBy(x => Math.Floor(Math.Log10(x))).OrderBy(count => count.Key).Select(count => count.Value)));
    }

    private static Tensor Counts((Dataset First, Dataset Second) parts) => Tensor.From([(double)parts.First.Count, parts.Second.Count]);
}
