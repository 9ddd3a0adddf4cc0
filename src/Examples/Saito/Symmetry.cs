using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.2: why first weights are random. Hidden units that start equal get equal gradients and stay equal for
/// ever, so that fifty of them are worth one.</summary>
/// <remarks>The text says so in words; the network of 784-50-10 and one epoch are ours.</remarks>
internal static class Symmetry
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, _) = settings.Digits();
        var metrics = new Dictionary<string, double>();
        var parts = new List<Axes>();
        foreach ((string name, Initializer initializer) in new[]
        {
            ("zeros", Initializers.Zeros), ("all 0.01", Initializers.Constant(0.01)), ("random", Initializers.Normal(0.01)),
        })
        {
            Sequential network = Experiments.MultiLayer([50], initializer, Activations.Sigmoid);
            Model model = new Trainer(network, Losses.SoftmaxCrossEntropy, new SGD(0.5)) { Output = Output.None }.Fit(
                train, epochs: settings.Epochs ?? 1, batchSize: settings.Batch ?? 100, seed: settings.Seed,
                cancellationToken: settings.Cancellation).Model;
            settings.Cancellation.ThrowIfCancellationRequested();

            // A column for each hidden unit.
            Tensor weight = model.Parameters["0.weight"];
            double apart = Tensor.Abs(weight - weight[.., ..1]).Max().ToDouble(), accuracy = model.Evaluate(test, Metrics.Accuracy);
            (metrics[name + ", apart"], metrics[name + ", accuracy"]) = (apart, accuracy);
            settings.Output.WriteLine($"{name,-8}  weights of different units are at most {apart:0.0000} apart; test accuracy {accuracy:0.000}");
            parts.Add(new Axes().ImageGrid(weight.Transpose()[..12].Reshape(12, 28, 28), columns: 12).Title($"{name}: test accuracy {accuracy:0.00}"));
        }

        settings.Compare("6.2", "how far units are apart after training that start equal: zeros, all 0.01", "0 0", Tensor.From([metrics["zeros, apart"], metrics["all 0.01, apart"]]));
        settings.Save(new Figure(1, parts).Title("Chapter 6.2: what 12 of 50 hidden units have learned").Size(900, 400), "saito-ch6-symmetry.svg");
        return metrics;
    }
}
