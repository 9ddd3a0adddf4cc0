using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapter 8.1: a deeper convolutional network, trained on images that are shifted, turned and magnified at random, the digits
/// that it misreads (figure 8-2), and chapter 8.3: its accuracy in half precision.
/// </summary>
/// <remarks>The text names filters, activations, initialization and optimizer; the sizes of the last layers, the learning rate
/// and the number of epochs are ours, and so is augmentation, of which the text says only that it helps.</remarks>
internal static class DeepConvNet
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits(flatten: false, training: 1000);
        int batch = settings.Batch ?? 100, epochs = settings.Epochs ?? 12;
        Sequential network = Network();
        settings.Output.WriteLine(network.Summary(train.Inputs.Shape[1..]));

        Pipeline batches = new Pipeline(train, batch)
            .Augment(Augmentation.Affine(shift: 2, degrees: 10, zoom: 0.1))
            .Prefetch();
        var rate = Schedule.Cosine(2e-3, batches.Steps * epochs);
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(rate)) { Metrics = [Metrics.Accuracy], Writer = settings.Output };
        TrainingResult result = trainer.Fit(batches, test, epochs, settings.Seed, cancellationToken: settings.Cancellation);

        double accuracy = result.Model.Evaluate(test, Metrics.Accuracy);
        double half = HalfPrecision.Accuracy(result.Model, test, DType.Float16);
        settings.Output.WriteLine($"test accuracy {accuracy:0.0000} in single precision, {half:0.0000} with numbers of 16 bits");
        if (areReal) settings.Compare("8.1", "test accuracy", "0.9938", accuracy, How.AtLeast);

        settings.Save(result.History.ToFigure(), "saito-ch8-deepnet.svg");
        if (settings.Out is { } folder) result.Model.Save(Path.Combine(folder, "saito-ch8-deepnet.safetensors"));
        SaveMisread(settings, result.Model, test);
        return new Dictionary<string, double>
        {
            ["testAccuracy"] = accuracy,
            ["halfPrecisionAccuracy"] = half,
            ["seconds"] = result.History.Seconds,
        };
    }

    /// <summary>Three pairs of convolutions, each with pooling behind it, then dense layers.</summary>
    internal static Sequential Network()
    {
        Initializer he = Initializers.HeNormal;
        Conv2D Convolution(int filters) => new(filters, kernelSize: 3, padding: 1, initializer: he);
        return
        [
            Convolution(16), Activations.ReLU, Convolution(16), Activations.ReLU, new MaxPool2D(2),
            Convolution(32), Activations.ReLU, Convolution(32), Activations.ReLU, new MaxPool2D(2),
            Convolution(64), Activations.ReLU, Convolution(64), Activations.ReLU, new MaxPool2D(2),
            new Flatten(), new Dense(50, he), Activations.ReLU, new Dropout(0.5), new Dense(10, he),
        ];
    }

    private static void SaveMisread(Settings settings, Model model, Dataset test)
    {
        const int shown = 36;
        long[] found = model.Predict(test.Inputs).ArgMax(1).ToArray<long>(), labels = test.Targets.ToArray<long>();
        long[] wrong = [.. Enumerable.Range(0, labels.Length).Where(i => found[i] != labels[i]).Take(shown).Select(i => (long)i)];
        if (wrong.Length == 0) return;
        settings.Save(
            new Axes().ImageGrid(test.Inputs.Take(Tensor.From(wrong), 0), captions: [.. wrong.Select(i => $"{labels[i]}, read {found[i]}")])
                .Title("Fig 8-2: misread digits").ToFigure(640, 680),
            "saito-ch8-misread.svg");
    }
}
