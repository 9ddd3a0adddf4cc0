using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 7.7 and 8.3: the sizes of LeNet and of AlexNet with local response normalization, as far as figures 7-27 and
/// 7-28 can be read, and where the time of AlexNet goes (figure 8-14).</summary>
internal static class Ancestors
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Sequential leNet =
        [
            new Conv2D(6, 5), Activations.Sigmoid, new AveragePool2D(2), new Conv2D(16, 5), Activations.Sigmoid, new AveragePool2D(2),
            new Flatten(), new Dense(120), Activations.Sigmoid, new Dense(84), Activations.Sigmoid, new Dense(10),
        ];
        int[][] sizes = [.. leNet.Parts([1, 32, 32]).Where(part => part.Layer is Conv2D or AveragePool2D).Select(part => part.Layer.OutputShape(part.InputShape))];
        settings.Compare("7.7", "LeNet: S2", "14x14", Lengths(sizes[1][1..]));
        settings.Compare("7.7", "C3", "16 10x10", Lengths(sizes[2]));
        settings.Compare("7.7", "S4", "16 5x5", Lengths(sizes[3]));

        Sequential alexNet = AlexNet();
        LayerPart[] parts = [.. alexNet.Parts([3, 227, 227])];
        int[][] main = [.. parts.Where(part => part.Layer is Conv2D or Dense).Select(part => part.Layer.OutputShape(part.InputShape))];
        settings.Compare(
            "7.7", "AlexNet: height of the first layer, then channels and units", "55 256 384 384 256 4096 4096 1000",
            Lengths([main[0][1], .. main[1..].Select(shape => shape[0])]));
        settings.Output.WriteLine(alexNet.Summary([3, 227, 227]));
        return Time(settings, alexNet, parts);
    }

    /// <summary>AlexNet (Krizhevsky et al. 2012) on one machine; the paper's two machines see each but half of the channels.</summary>
    private static Sequential AlexNet()
    {
        // The paper adds up the squares of five channels, our layer takes their mean.
        static LocalResponseNorm Normalization() => new(5, alpha: 5e-4, beta: 0.75, k: 2);
        return
        [
            new Conv2D(96, 11, stride: 4), Activations.ReLU, Normalization(), new MaxPool2D(3, 2),
            new Conv2D(256, 5, padding: 2), Activations.ReLU, Normalization(), new MaxPool2D(3, 2),
            new Conv2D(384, 3, padding: 1), Activations.ReLU, new Conv2D(384, 3, padding: 1), Activations.ReLU,
            new Conv2D(256, 3, padding: 1), Activations.ReLU, new MaxPool2D(3, 2), new Flatten(),
            new Dense(4096), Activations.ReLU, new Dropout(0.5), new Dense(4096), Activations.ReLU, new Dropout(0.5), new Dense(1000),
        ];
    }

    /// <summary>The time of each layer forward, by the profiler, for a batch of images.</summary>
    private static Dictionary<string, double> Time(Settings settings, Sequential network, LayerPart[] parts)
    {
        int batch = settings.Epochs is null ? settings.Batch ?? 64 : 1, repeats = settings.Epochs ?? 5;
        var key = new Key(settings.Seed);
        Parameters parameters = network.Initialize(key.FoldIn(0), [3, 227, 227]);
        Tensor x = key.FoldIn(1).Normal([batch, 3, 227, 227]);
        var seconds = new double[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            Parameters own = parameters.Part(parts[i].Name);
            Tensor Forward(Tensor input) => parts[i].Layer.Apply(own, input);
            seconds[i] = Enumerable.Range(0, repeats).Min(_ => Profile.Run(Forward, x).Report.Rows.Sum(row => row.Seconds));
            x = Forward(x);
        }

        double Share(Func<Layer, bool> of) => parts.Select((part, i) => of(part.Layer) ? seconds[i] : 0).Sum() / seconds.Sum();
        double convolutions = 100 * Share(layer => layer is Conv2D);
        settings.Output.WriteLine($"8.3   {seconds.Sum() / batch * 1e3:0.0} ms for an image forward, in batches of {batch}");
        settings.Output.WriteLine(
            $"8.3   share of the convolutions, in per cent: text 89 on a processor, 95 on a graphics card  ours {convolutions:0}; they are fast beside "
            + "what only moves memory");

        // An activation counts with the layer before it; dropout does nothing here.
        var bars = new List<(string Name, double Milliseconds)>();
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].Layer is Lambda or Dropout or Flatten) bars[^1] = (bars[^1].Name, bars[^1].Milliseconds + seconds[i] * 1e3 / batch);
            else bars.Add((NameOf(parts[i].Layer), seconds[i] * 1e3 / batch));
        }

        string[] kinds = ["convolutions", "other layers"];
        settings.Save(
            new Figure(
                2,
                new Axes().Bar([.. bars.Select((bar, i) => $"{i + 1} {bar.Name}")], bars.Select(bar => bar.Milliseconds).ToArray())
                    .YLabel("ms for an image").Title("ours, layer by layer"),
                new Axes().Bar(kinds, [convolutions, 100 - convolutions], "ours").Bar(kinds, [89, 11], "text, processor")
                    .Bar(kinds, [95, 5], "text, graphics card").YLabel("per cent").Title("shares of the time"))
                .Title("Fig 8-14: where the time of AlexNet goes, forward").Size(1280, 420),
            "saito-ch7-alexnet-time.svg");
        return new()
        {
            ["convolutions, per cent"] = convolutions,
            ["dense, per cent"] = 100 * Share(layer => layer is Dense),
            ["normalization, per cent"] = 100 * Share(layer => layer is LocalResponseNorm),
            ["milliseconds an image"] = seconds.Sum() / batch * 1e3,
        };
    }

    private static string NameOf(Layer layer) => layer switch { Conv2D => "conv", Dense => "dense", MaxPool2D => "pool", _ => "norm" };

    private static Tensor Lengths(params int[] lengths) => Tensor.From(lengths);
}
