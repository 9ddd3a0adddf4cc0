using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 7.6: the deeper a layer, the larger and more meaningful what excites its units (after figure 7-26, which shows
/// AlexNet): edges, strokes, digits.</summary>
/// <remarks>The network is that of chapter 8.1 after one epoch. A patch has the pixels that a unit sees, its receptive field.</remarks>
internal static class Hierarchy
{
    private const int Units = 6, Patches = 8;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, _) = settings.Digits(flatten: false, training: 500, test: 100);
        Sequential network = DeepConvNet.Network();
        Model model = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(1e-3)) { Writer = settings.Output }.Fit(
            train, epochs: settings.Epochs ?? 1, batchSize: settings.Batch ?? 100, seed: settings.Seed,
            cancellationToken: settings.Cancellation).Model;
        Tensor images = test.Inputs[..Math.Min(2000, test.Count)];

        // Layers by their last ReLU, and where their units look: place * step - before, and the pixels across.
        (string Name, int Layers, int Step, int Before, int Across)[] stages =
            [("layer 2", 4, 1, 2, 5), ("layer 4", 9, 2, 6, 14), ("layer 6", 14, 4, 14, 32)];
        var parts = new List<Axes>();
        foreach ((string name, int layers, int step, int before, int across) in stages)
        {
            Tensor maps = images;
            for (int i = 0; i < layers; i++) maps = network[i].Apply(model.Parameters.Part($"{i}"), maps);
            Tensor frame = images.Pad((0, 0), (0, 0), (across, across), (across, across));
            IEnumerable<Tensor> patches =
                from unit in Enumerable.Range(0, Units).Select(i => i * maps.Shape[1] / Units)
                from place in Strongest(maps[.., unit])
                let top = place.Row * step - before + across
                let left = place.Column * step - before + across
                select frame[place.Image, 0, top..(top + across), left..(left + across)];
            parts.Add(new Axes().ImageGrid(Tensor.Stack(0, patches), columns: Patches).Title($"{name}: {across} × {across} pixels"));
        }

        double accuracy = model.Evaluate(test, Metrics.Accuracy);
        settings.Output.WriteLine($"test accuracy {accuracy:0.0000}; a row of a picture has what excites one unit the most");
        settings.Save(new Figure(3, parts).Title("After fig 7-26: what excites six units of a layer").Size(1280, 420), "saito-ch7-hierarchy.svg");
        return new Dictionary<string, double> { ["testAccuracy"] = accuracy };
    }

    /// <summary>The places of a unit's largest answers, at most one for each image.</summary>
    private static IEnumerable<(int Image, int Row, int Column)> Strongest(Tensor map)
    {
        (int rows, int columns) = (map.Shape[1], map.Shape[2]);
        Tensor flat = map.Reshape(map.Shape[0], rows * columns);
        float[] largest = flat.Max(1).ToArray<float>();
        long[] places = flat.ArgMax(1).ToArray<long>();
        return from image in Enumerable.Range(0, largest.Length).OrderByDescending(i => largest[i]).Take(Patches)
               select (image, (int)places[image] / columns, (int)places[image] % columns);
    }
}
