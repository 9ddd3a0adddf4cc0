using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapters 7.5 and 7.6: a simple convolutional network learns to read digits; its filters before and after (figure 7-24), and
/// what they answer to an image (figure 7-25).
/// </summary>
/// <remarks>The text names the network, but neither the optimizer nor the number of epochs.</remarks>
internal static class ConvNet
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits(flatten: false);
        int batch = settings.Batch ?? 100, epochs = settings.Epochs ?? 20;
        Initializer small = Initializers.Normal(0.01);
        var network = new Sequential(
            new Conv2D(30, kernelSize: 5, initializer: small), Activations.ReLU, new MaxPool2D(2), new Flatten(),
            new Dense(100, small), Activations.ReLU, new Dense(10, small));
        Parameters start = network.Initialize(new Key(settings.Seed), train.Inputs.Shape[1..]);
        settings.Compare("7.5", "weights of the convolution", "30 1 5 5", Lengths(start["0.weight"].Shape));
        settings.Compare("7.5", "height behind the convolution, numbers behind pooling", "24 4320", Lengths(network[0].OutputShape([1, 28, 28])[1], start["4.weight"].Shape[0]));
        settings.Compare("7.5", "weights of the dense layers", "4320 100, 100 10", Lengths([.. start["4.weight"].Shape, .. start["6.weight"].Shape]));
        settings.Compare("7.5", "parameters, counted by hand", "433890", start.ElementCount);

        // A learning rate that falls settles what the first epochs found.
        var batches = new Pipeline(train, batch);
        var rate = Schedule.Cosine(2e-3, batches.Steps * epochs);
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(rate)) { Metrics = [Metrics.Accuracy], Writer = settings.Output };
        TrainingResult result = trainer.Fit(
            batches, test, epochs, settings.Seed, initial: start, cancellationToken: settings.Cancellation);

        double trainAccuracy = result.Model.Evaluate(train, Metrics.Accuracy), testAccuracy = result.Model.Evaluate(test, Metrics.Accuracy);
        if (areReal)
        {
            settings.Compare("7.5", "training accuracy", "0.9982", trainAccuracy, How.AtLeast);
            settings.Compare("7.5", "test accuracy", "0.9896", testAccuracy, How.AtLeast);
        }

        Tensor before = start["0.weight"], after = result.Model.Parameters["0.weight"];
        settings.Save(result.History.ToFigure(), "saito-ch7-convnet.svg");
        settings.Save(
            new Figure(Filters(before).Title("before training"), Filters(after).Title("after training")).Title("Fig 7-24: the 30 filters"),
            "saito-ch7-filters.svg");
        settings.Save(Answers(test.Inputs[..1], after), "saito-ch7-answers.svg");
        return new Dictionary<string, double>
        {
            ["trainAccuracy"] = trainAccuracy,
            ["testAccuracy"] = testAccuracy,
            ["seconds"] = result.History.Seconds,
        };
    }

    private static Tensor Lengths(params int[] lengths) => Tensor.From(lengths);

    private static Axes Filters(Tensor weight) => new Axes().ImageGrid(weight, columns: 6);

    /// <summary>An image, and the answers of the filters that see the most of vertical and of horizontal edges.</summary>
    private static Figure Answers(Tensor image, Tensor filters)
    {
        Tensor ramp = Tensor.Linspace(-1, 1, 5, DType.Float32);
        int vertical = Most(filters * ramp), horizontal = Most(filters * ramp.Reshape(5, 1));
        Tensor maps = image.Conv2D(filters);
        return new Figure(
            5,
            Picture(image[0], "image"), Picture(filters[vertical], $"filter {vertical}"), Picture(maps[0, vertical], "its answer"),
            Picture(filters[horizontal], $"filter {horizontal}"), Picture(maps[0, horizontal], "its answer"))
            .Title("Fig 7-25: filters that see edges").Size(1100, 270);

        static Axes Picture(Tensor pixels, string title) => new Axes().Image(pixels).HideAxes().Title(title);

        static int Most(Tensor products) => (int)Tensor.Abs(products.Sum(1, 2, 3)).ArgMax(0).ToDouble();
    }
}
