using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.TensorFlow;

/// <summary>Chapters 3.4 to 3.8: a network of 784-256-128-10 neurons learns one-hot labels by squared errors, and a linear model
/// beside it cannot (figures 3-9 and 3-10).</summary>
/// <remarks>The text names neither the optimizer nor its rate. With momentum and a rate of 0.003, from weights as TensorFlow
/// starts them, errors fall as drawn.</remarks>
internal static class Network
{
    /// <summary>The mean over examples of the sum over classes, as the text has it.</summary>
    private static readonly Loss Squares = new("Squares", (output, target) => Tensor.Square(output - target).Sum() / output.Shape[0]);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits();
        train = Prepared(train);
        test = Prepared(test);
        Dense Units(int count) => new(count, Initializers.GlorotUniform);
        var network = new Sequential(Units(256), Activations.ReLU, Units(128), Activations.ReLU, Units(10));
        settings.Output.WriteLine(network.Summary([784]));
        settings.Compare("3.8", "parameters", "235146", network.Initialize(new Key(0), [784]).ElementCount, source: Source.Hand);

        TrainingResult deep = Train(network), linear = Train(Units(10));
        double accuracy = deep.Model.Evaluate(test, Metrics.Accuracy), limit = linear.Model.Evaluate(test, Metrics.Accuracy);
        settings.Output.WriteLine(
            $"3.4   test accuracy: the network {accuracy:0.0000}, a linear model {limit:0.0000}; text: a linear model is too weak");
        if (areReal && settings.Epochs is null)
        {
            settings.Compare("3.8", "training error in the second epoch, figure 3-10", "0.7", deep.History.Epochs[1].Loss, How.AtMost, Source.Figure);
            settings.Compare("3.8", "and in the last", "0.1", deep.History.Epochs[^1].Loss, How.AtMost, Source.Figure);
        }

        settings.Save(
            new Axes().Line(Numbers(deep), Losses(deep), "784-256-128-10").Line(Numbers(linear), Losses(linear), "linear", dash: Dash.Dashed)
                .YLimits(0, 1).XLabel("epoch").YLabel("training error").Title("Fig 3-10: the mean squared error").ToFigure(),
            "tensorflow-ch3-training.svg");
        settings.Save(Diagram.Of(("784-256-128-10", network, [784])).Title("Fig 3-9: a network of three layers"), "tensorflow-ch3-network.svg");
        return new Dictionary<string, double> { ["accuracy"] = accuracy, ["linearAccuracy"] = limit, ["seconds"] = deep.History.Seconds };

        TrainingResult Train(Layer model) => new Trainer(model, Squares, new Momentum(0.003)) { Metrics = [Metrics.Accuracy], Writer = settings.Output }.Fit(
            train, epochs: settings.Epochs ?? 50, batchSize: settings.Batch ?? 512, seed: settings.Seed,
            cancellationToken: settings.Cancellation);
    }

    /// <summary>Pixels from -1 to 1, labels one-hot.</summary>
    private static Dataset Prepared(Dataset digits) => digits.Map(pixels => pixels * 2.0 - 1.0).OneHot(10);

    private static double[] Numbers(TrainingResult run) => [.. run.History.Epochs.Select(epoch => (double)epoch.Epoch)];

    private static double[] Losses(TrainingResult run) => [.. run.History.Epochs.Select(epoch => epoch.Loss)];
}
