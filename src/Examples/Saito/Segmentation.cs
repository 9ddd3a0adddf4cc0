using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 8.4: a network of convolutions only (FCN) tells for each pixel of a scene which digit it belongs to; transposed
/// convolutions bring its small maps back to the size of the image.</summary>
/// <remarks>The text has no numbers but one equality: a dense layer is a convolution with filters as large as its input. Without
/// dense layers the network takes images of any size: it learns from two digits side by side, and is shown five.</remarks>
internal static class Segmentation
{
    private const int Side = 32, Classes = 11, Background = 10;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        CompareDense(settings);
        (Dataset digits, Dataset others, _) = settings.Digits(flatten: false, training: 500, test: 100);
        bool isSmall = settings.Epochs is not null;
        Dataset train = Scenes(digits, isSmall ? 50 : 4000, 2, settings.Seed), test = Scenes(others, isSmall ? 10 : 500, 2, settings.Seed + 1);

        static Sequential Convolution(int filters) => [new Conv2D(filters, kernelSize: 3, padding: 1), new BatchNorm(), Activations.ReLU];
        static ConvTranspose2D Larger(int filters) => new(filters, kernelSize: 4, stride: 2, padding: 1);
        Sequential network =
        [
            Convolution(16), new MaxPool2D(2), Convolution(32), new MaxPool2D(2), Convolution(64), Convolution(64),
            Larger(32), new BatchNorm(), Activations.ReLU, Larger(Classes), new Permute(1, 2, 0), new Reshape(-1, Classes),
        ];
        settings.Output.WriteLine(network.Summary([1, Side, 2 * Side]));
        Metric onInk = Metric.FromSums(
            "accuracy on ink",
            (output, target) =>
            {
                Tensor ink = Tensor.Less(target, Tensor.Full(target.Shape, Background, target.DType));
                Tensor right = Tensor.EqualTo(output.ArgMax(-1), target);
                return [Tensor.And(ink, right).CountTrue().ToDouble(), ink.CountTrue().ToDouble()];
            },
            sums => sums[0] / Math.Max(1, sums[1]));
        int epochs = settings.Epochs ?? 4;
        var batches = new Pipeline(train, settings.Batch ?? 25);
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(Schedule.Cosine(3e-3, batches.Steps * epochs)))
        {
            Metrics = [onInk],
            Writer = settings.Output,
        };
        Model model = trainer.Fit(batches, test, epochs, settings.Seed, cancellationToken: settings.Cancellation).Model;

        // Wider than any scene before.
        const int shown = 5;
        Dataset wide = Scenes(others, 4, shown, settings.Seed + 2);
        Tensor found = network.Apply(model.Parameters, wide.Inputs).ArgMax(-1);
        settings.Save(
            new Figure(3, Enumerable.Range(0, 4).SelectMany(i => new[]
            {
                new Axes().Image(wide.Inputs[i]).HideAxes().Title(i == 0 ? "scenes" : ""),
                Colours(wide.Targets[i]).Title(i == 0 ? "what they are" : ""), Colours(found[i]).Title(i == 0 ? "what is found" : ""),
            })).Title("Chapter 8.4: each pixel has a class").Size(1280, 460),
            "saito-ch8-segmentation.svg");
        double accuracy = model.Evaluate(test, onInk);
        settings.Output.WriteLine($"{accuracy:0.000} of the pixels with ink get the right digit");
        return new Dictionary<string, double> { ["accuracyOnInk"] = accuracy };

        static Axes Colours(Tensor classes) => new Axes().Image(Palette.Take(classes, 0).Transpose().Reshape(3, Side, shown * Side)).HideAxes();
    }

    /// <summary>A colour for each digit, and white.</summary>
    private static Tensor Palette { get; } = Tensor.From(
        [
            0.12, 0.47, 0.71, 1.00, 0.50, 0.05, 0.17, 0.63, 0.17, 0.84, 0.15, 0.16, 0.58, 0.40, 0.74, 0.55, 0.34, 0.29,
            0.89, 0.47, 0.76, 0.50, 0.50, 0.50, 0.74, 0.74, 0.13, 0.09, 0.75, 0.81, 1.00, 1.00, 1.00,
        ], Classes, 3);

    /// <summary>The text's equality: a dense layer of 100 units on (32, 10, 10) is a convolution with 100 filters of 32 by 10 by
    /// 10.</summary>
    private static void CompareDense(Settings settings)
    {
        var dense = new Dense(100);
        var convolution = new Conv2D(100, kernelSize: 10);
        Parameters units = dense.Initialize(new Key(settings.Seed), [3200]).To(DType.Float64);
        Parameters filters = Parameters.Of(("weight", units["weight"].Transpose().Reshape(100, 32, 10, 10)), ("bias", units["bias"]));
        Tensor x = new Key(settings.Seed + 1).Normal([4, 32, 10, 10], dtype: DType.Float64);
        Tensor byUnits = dense.Apply(units, x.Reshape(4, 3200)), byFilters = convolution.Apply(filters, x);
        settings.Compare("8.4", "numbers behind 100 filters of 32 by 10 by 10", "100 1 1", Tensor.From(byFilters.Shape[1..]));
        settings.Compare(
            "8.4", "they are those of a dense layer of 100 units: largest difference", "0.000000000000",
            Tensor.Abs(byFilters.Reshape(4, 100) - byUnits).Max().ToDouble());
    }

    /// <summary>Scenes of digits side by side, each in a square of its own at a random place, and the class of each pixel.</summary>
    private static Dataset Scenes(Dataset digits, int count, int across, int seed)
    {
        const int digit = 28, play = Side - digit + 1;
        var key = new Key(seed);
        int[] Draw(int stream, int bound) => key.FoldIn(stream).Integers([count * across], 0, bound).To(DType.Int32).ToArray<int>();
        int[] which = Draw(0, digits.Count), tops = Draw(1, play), lefts = Draw(2, play);
        float[] ink = digits.Inputs.ToArray<float>(), pixels = new float[count * Side * across * Side];
        long[] labels = digits.Targets.ToArray<long>(), classes = new long[pixels.Length];
        Array.Fill(classes, Background);
        for (int i = 0; i < which.Length; i++)
        {
            for (int at = 0; at < digit * digit; at++)
            {
                int row = i / across * Side + tops[i] + at / digit, column = i % across * Side + lefts[i] + at % digit;
                float value = ink[which[i] * digit * digit + at];
                pixels[row * across * Side + column] = value;
                if (value > 0.3) classes[row * across * Side + column] = labels[which[i]];
            }
        }

        return new(Tensor.From(pixels, count, 1, Side, across * Side), Tensor.From(classes, count, Side * across * Side));
    }
}
