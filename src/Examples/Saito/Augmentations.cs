using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 8.1: images changed at random are new images: the changes that the text names (after figure 8-4), and what they
/// are worth where images are few.</summary>
/// <remarks>The text shows two changes and no numbers; the 500 images are ours.</remarks>
internal static class Augmentations
{
    private const int Copies = 8;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset all, Dataset test, _) = settings.Digits(flatten: false, training: 500, test: 100);
        Tensor five = all.Inputs[..1].BroadcastTo(Copies, 1, 28, 28);
        var brighter = new Augmentation("Brightness", (x, key) => Tensor.Clamp(x * key.Uniform([x.Shape[0], 1, 1, 1], 0.3, 1.7), 0, 1));
        (string Name, Augmentation Change)[] changes =
        [
            ("turned", Augmentation.Rotate(25)), ("shifted", Augmentation.Shift(4)), ("cut", Augmentation.Crop(20, 20)),
            ("mirrored, where sides do not matter", Augmentation.Flip()), ("brighter, darker", brighter), ("magnified", Augmentation.Zoom(0.3)),
        ];
        settings.Save(
            new Figure(1, changes.Select((change, i) =>
                new Axes().ImageGrid(change.Change.Apply(five, new Key(settings.Seed + i)), columns: Copies, low: 0, high: 1).Title(change.Name)))
                .Title("After fig 8-4: one image, changed at random").Size(640, 720),
            "saito-ch8-augmentation.svg");

        Dataset few = all.Take(500);
        var metrics = new Dictionary<string, double>();
        foreach ((string name, Augmentation[] kinds) in new (string, Augmentation[])[]
        {
            ("as they are", []), ("changed", [Augmentation.Affine(shift: 2, degrees: 15, zoom: 0.15)]),
        })
        {
            Pipeline batches = new Pipeline(few, settings.Batch ?? 50).Augment(kinds);
            var trainer = new Trainer(DeepConvNet.Network(), Losses.SoftmaxCrossEntropy, new Adam(1e-3)) { Output = Output.None };
            Model model = trainer.Fit(batches, epochs: settings.Epochs ?? 60, seed: settings.Seed, cancellationToken: settings.Cancellation).Model;
            settings.Cancellation.ThrowIfCancellationRequested();
            metrics[name] = model.Evaluate(test, Metrics.Accuracy);
            settings.Output.WriteLine($"{few.Count} images {name,-12} test accuracy {metrics[name]:0.000}");
        }

        return metrics;
    }
}
