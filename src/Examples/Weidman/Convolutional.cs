using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapters 5.4 and 7.3: a network of one convolution with 32 filters, and one of two convolutions, see MNIST once.</summary>
/// <remarks>With the gradient that the text's appendix prints for the first it learns less: <see cref="PrintedConvolution"/>. The second starts as PyTorch starts layers: uniform up to one over the root of the inputs of a unit.</remarks>
internal static class Convolutional
{
    private const int Every = 100;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits(flatten: false);
        var pixels = new Standardizer(train.Inputs.Mean(), Tensor.Sqrt(train.Inputs.Variance()));
        (train, test) = (train.Map(pixels.Apply), test.Map(pixels.Apply));

        Initializer glorot = Initializers.GlorotNormal;
        var small = new Initializer("Small", (key, shape, inputs, _) => key.Uniform(shape, -1 / Math.Sqrt(inputs), 1 / Math.Sqrt(inputs)));
        Layer[] Convolution(int filters, Initializer initializer) =>
            [new Conv2D(filters, 5, padding: Padding.Same, initializer: initializer), Activations.Tanh, new Dropout(0.2)];
        Sequential one = [.. Convolution(32, glorot), new Flatten(), new Dense(10, glorot)];
        Sequential two =
        [
            .. Convolution(16, small), .. Convolution(8, small), new Flatten(), new Dense(32, small), Activations.Tanh,
            new Dropout(0.2), new Dense(10, small),
        ];
        settings.Compare("7.3", "parameters of two convolutions", "204690", two.Initialize(new Key(0), [1, 28, 28]).ElementCount, source: Source.Hand);
        int epochs = settings.Epochs ?? 1, batch = settings.Batch ?? 60;
        var (oneResult, onePath) = Train("one convolution", one);
        var (twoResult, twoPath) = Train("two convolutions", two);
        double oneAccuracy = Accuracy(oneResult.Model), twoAccuracy = Accuracy(twoResult.Model);
        if (areReal) settings.Compare("7.3", "mean and standard deviation of the pixels", "0.1305 0.3081", Tensor.Stack(0, pixels.Mean, pixels.StandardDeviation), How.About);
        if (areReal && epochs == 1 && batch == 60)
        {
            settings.Compare("5.4", "accuracy in per cent after 100, 200 ... 900 batches, with the right gradient",
                "79.65 86.25 85.47 87.27 88.93 88.25 89.91 89.59 89.96", 100 * Tensor.From([.. onePath[..9]]), How.AtLeast);
            settings.Compare("5.4", "accuracy in per cent, with the right gradient", "90.50", 100 * oneAccuracy, How.AtLeast);
            settings.Compare("5.4", "loss, with the right gradient", "3.453", oneResult.Model.Evaluate(test, Metric.From(Losses.SoftmaxCrossEntropy)), How.AtMost);
            settings.Compare("7.3", "accuracy in per cent, two convolutions", "97", 100 * twoAccuracy, How.AtLeast);
        }

        Tensor filters = oneResult.Model.Parameters["0.weight"];
        Axes Path(Axes axes, List<double> path, string label) =>
            axes.Line(Enumerable.Range(1, path.Count).Select(i => (double)Every * i).ToArray(), path, label, marker: Marker.Circle);
        settings.Save(
            new Figure(
                Path(Path(new Axes().Title("Accuracy").XLabel("batches").YLabel("accuracy"), onePath, "one convolution"), twoPath, "two convolutions"),
                new Axes().Title("The 32 filters").ImageGrid(filters, 8, map: ColorMap.BlueRed, low: -0.5, high: 0.5)).Size(900, 400),
            "weidman-ch5-convolutional.svg");
        return new Dictionary<string, double> { ["one.accuracy"] = oneAccuracy, ["two.accuracy"] = twoAccuracy };

        double Accuracy(Model model) => model.Evaluate(test, Metrics.Accuracy);

        (TrainingResult Result, List<double> Path) Train(string name, Sequential network)
        {
            var path = new List<double>();
            var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Momentum(0.01))
            {
                Writer = settings.Output,
                Metrics = [Metrics.Accuracy],
                Callbacks =
                [
                    Callback.From(onStepEnd: run =>
                    {
                        if (run.State.Step % Every != 0) return;
                        path.Add(Accuracy(run.Model));
                        settings.Output.WriteLine($"{name}, {run.State.Step} batches: {path[^1]:p2}");
                    }),
                ],
            };
            TrainingResult result = trainer.Fit(train, epochs: epochs, batchSize: batch, seed: settings.Seed, cancellationToken: settings.Cancellation);
            settings.Output.WriteLine($"{name}: {Accuracy(result.Model):p2} after {result.History.Seconds:0} s");
            return (result, path);
        }
    }
}
