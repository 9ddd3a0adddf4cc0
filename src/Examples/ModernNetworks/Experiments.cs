using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.ModernNetworks;

/// <summary>What the examples of the chapter share: shapes beside those of the text, and training of small copies.</summary>
internal static class Experiments
{
    /// <summary>The layers of a network by name, with the shapes of their outputs, channels last as the text has them.</summary>
    internal static IEnumerable<(string Name, int[] Shape)> Shapes(this Sequential network, params int[] image) =>
        network.Parts(image).Select(part => (
            Diagram.NameOf(part.Layer),
            part.Layer.OutputShape(part.InputShape) is var shape && shape is [var channels, var height, var width]
                ? [height, width, channels]
                : shape));

    /// <summary>Puts the shape behind each layer beside that of the text, or of another source.</summary>
    internal static void CompareShapes(this Settings settings, string chapter, Sequential network, int[] image, Source source, params string[] text)
    {
        foreach (((string name, int[] shape), string printed) in network.Shapes(image).Zip(text, (ours, printed) => (ours, printed)))
            settings.Compare(chapter, $"shape behind {name}", printed, Tensor.From([.. shape.Select(length => (double)length)]), source: source);
        settings.Compare(chapter, "number of layers", $"{text.Length}", network.Count, source: source);
    }

    /// <summary>Trains a small copy on images that are resized to what the network takes: Fashion-MNIST if the data folder has
    /// it in fashion-mnist, else MNIST, else generated digits.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="name">The name of the example, for its files.</param>
    /// <param name="network">The network for a factor of its width.</param>
    /// <param name="side">The height and width of the images that it sees.</param>
    /// <param name="width">The factor of its width; with generated digits half of it will do.</param>
    /// <param name="rate">The first learning rate of Adam.</param>
    /// <param name="title">The title of the figure.</param>
    /// <returns>The parameters before and after, and what is reported.</returns>
    internal static (Parameters Before, Parameters After, Dictionary<string, double> Metrics) Train(
        this Settings settings, string name, Func<double, Sequential> network, int side, double width = 0.25,
        double rate = 2e-3, string title = "")
    {
        (Dataset train, Dataset test, bool isFashion) = settings.Images();
        bool isSmall = train.Count < 10_000;
        var resize = new Lambda(
            $"Resize({side})", images => images.Resize(ResizeMode.Linear, side, side), shape => [shape[0], side, side]);
        Sequential whole = side == 28 ? network(width) : [resize, network(isSmall ? width / 2 : width)];
        int batch = settings.Batch ?? 128, epochs = settings.Epochs ?? 5;
        settings.Output.WriteLine(
            $"A copy of {whole.CountParameters([1, 28, 28]):n0} parameters learns from {train.Count:n0} images of {side} x {side}.");

        var batches = new Pipeline(train, batch);
        var trainer = new Trainer(whole, Losses.SoftmaxCrossEntropy, new Adam(Schedule.Cosine(rate, batches.Steps * epochs)))
        {
            Writer = settings.Output,
            Metrics = [Metrics.Accuracy],
        };
        Parameters start = whole.Initialize(new Key(settings.Seed), train.Inputs.Shape[1..]);
        TrainingResult result = trainer.Fit(batches, test, epochs, settings.Seed, initial: start, cancellationToken: settings.Cancellation);
        double accuracy = result.Model.Evaluate(test, Metrics.Accuracy), seconds = result.History.Seconds;
        settings.Output.WriteLine(
            $"loss {result.History.Epochs[^1].Loss:0.000}, training accuracy {result.History.Epochs[^1].Metrics["accuracy"]:0.000}, "
            + $"test accuracy {accuracy:0.0000}; {result.History.Epochs.Count * train.Count / seconds:n0} images a second, {seconds:0} s");
        if (isFashion)
        {
            settings.Compare("5.1", "loss; the text's is that of AlexNet in its full size", "0.325", result.History.Epochs[^1].Loss, How.AtMost);
            settings.Compare("5.1", "training accuracy, likewise", "0.881", result.History.Epochs[^1].Metrics["accuracy"], How.AtLeast);
            settings.Compare("5.1", "test accuracy, likewise", "0.871", accuracy, How.AtLeast);
        }

        settings.Save(result.History.ToFigure().Title(title), $"{name}.svg");
        return (start, result.Model.Parameters, new()
        {
            ["testAccuracy"] = accuracy,
            ["loss"] = result.History.Epochs[^1].Loss,
            ["seconds"] = seconds,
        });
    }

    private static (Dataset Train, Dataset Test, bool IsFashion) Images(this Settings settings)
    {
        string? fashion = settings.Data is { } data ? Path.Combine(data, "fashion-mnist") : null;
        if (Mnist.Exists(fashion))
        {
            settings.Output.WriteLine($"Fashion-MNIST from {fashion}");
            (Dataset clothes, Dataset others) = Mnist.Load(fashion!, flatten: false);
            return (clothes, others, true);
        }

        (Dataset train, Dataset test, _) = settings.Digits(flatten: false, training: 500, test: 200);
        return (train, test, false);
    }
}
