using Autodiff.Layers;

namespace Autodiff.Examples;

/// <summary>
/// A network of 784-256-10 neurons learns to read handwritten digits: MNIST where the data folder has it, generated digits
/// otherwise.
/// </summary>
internal static class DigitsTraining
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, _) = settings.Digits(training: 12_000, test: 2_000);
        var network = new Sequential(new Dense(256), Activations.ReLU, new Dense(10));
        int batchSize = settings.Batch ?? 100;

        // The learning rate falls by a third in each pass, so that the last ones settle what the first ones found.
        var optimizer = new Adam(Schedule.Exponential(2e-3, 2.0 / 3.0, every: Math.Max(1, train.Count / batchSize)));
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer) { Metrics = [Metrics.Accuracy], Writer = settings.Output };
        TrainingResult result = trainer.Fit(
            train, test, epochs: settings.Epochs ?? 8, batchSize: batchSize, seed: settings.Seed,
            cancellationToken: settings.Cancellation);

        settings.Output.WriteLine();
        settings.Output.WriteLine(result.Model.Summary());
        ShowSome(settings, result.Model, test);
        double accuracy = result.Model.Evaluate(test, Metrics.Accuracy);
        double seconds = result.History.Epochs.Sum(epoch => epoch.Seconds);
        settings.Output.WriteLine($"{accuracy:p2} of {test.Count:n0} test images are read correctly after {seconds:f1} s of training.");
        if (settings.Out is { } folder)
        {
            string file = Path.Combine(folder, "digits.safetensors");
            result.Model.Save(file);
            settings.Output.WriteLine($"The model is in {file}.");
        }

        return new Dictionary<string, double> { ["accuracy"] = accuracy, ["trainingSeconds"] = seconds };
    }

    /// <summary>Prints three test images, with what the network sees in them.</summary>
    private static void ShowSome(Settings settings, Model model, Dataset test)
    {
        const int shown = 3;
        const string shades = " .:-=+*#%@";
        Tensor images = test.Inputs[..shown];
        float[] pixels = images.ToArray<float>();
        float[,] probabilities = model.Predict(images).Softmax(1).ToArray2D<float>();
        long[] labels = test.Targets[..shown].ToArray<long>();

        // Characters are about twice as high as wide: every second row of pixels.
        for (int row = 0; row < 28; row += 2)
        {
            for (int image = 0; image < shown; image++)
            {
                for (int column = 0; column < 28; column++)
                {
                    float value = pixels[image * 784 + row * 28 + column];
                    settings.Output.Write(shades[Math.Clamp((int)(value * shades.Length), 0, shades.Length - 1)]);
                }

                settings.Output.Write("  ");
            }

            settings.Output.WriteLine();
        }

        for (int image = 0; image < shown; image++)
        {
            int read = Enumerable.Range(0, 10).MaxBy(digit => probabilities[image, digit]);
            settings.Output.Write($"read {read} ({probabilities[image, read]:p0}), is {labels[image]}".PadRight(30));
        }

        settings.Output.WriteLine();
        settings.Output.WriteLine();
    }
}
