using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.ModernNetworks;

/// <summary>Chapter 5.1: images changed at random while AlexNet trains: mirrored, cut and coloured.</summary>
/// <remarks>The text names the three changes and shows no picture of them.</remarks>
internal static class Augmentations
{
    private const int Copies = 8;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (_, Dataset test, _) = settings.Digits(flatten: false, training: 1);
        Tensor images = test.Inputs[..1].BroadcastTo(Copies, 3, 28, 28);

        // One of one's own: each colour darker by a factor between 0.2 and 1.
        var color = new Augmentation("Color", (x, key) => x * key.Uniform([x.Shape[0], 3, 1, 1], 0.2, 1));
        var metrics = new Dictionary<string, double>();
        var rows = new List<Axes>();
        Pipeline copies = new(new Dataset(images, Tensor.Arange(Copies, DType.Int64)), Copies, shuffle: false);
        foreach ((string name, Augmentation[] changes) in new (string, Augmentation[])[]
        {
            ("mirrored", [Augmentation.Flip()]), ("cut", [Augmentation.Crop(22, 22)]), ("coloured", [color]),
            ("all three", [Augmentation.Flip(), Augmentation.Crop(22, 22), color]),
        })
        {
            Tensor changed = copies.Augment(changes).Batches(new Key(settings.Seed)).Single().Inputs;
            settings.Output.WriteLine($"5.1   {name,-10} {Copies} images of {changed.Shape[1]} × {changed.Shape[2]} × {changed.Shape[3]}");
            metrics[$"{name}, mean"] = changed.Mean().ToDouble();
            rows.Add(new Axes().ImageGrid(changed, columns: Copies).Title(name));
        }

        settings.Save(new Figure(1, rows).Title("One image, changed at random").Size(640, 480), "d2l-ch5-augmentation.svg");
        return metrics;
    }
}
