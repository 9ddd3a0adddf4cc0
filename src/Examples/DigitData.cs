using Autodiff.Layers;

namespace Autodiff.Examples;

/// <summary>The handwritten digits of the examples.</summary>
internal static class DigitData
{
    /// <summary>MNIST where the data folder has it, and else generated digits; says which.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="flatten">Whether images have the shape (n, 784) rather than (n, 1, 28, 28).</param>
    /// <param name="training">The number of training images to generate.</param>
    /// <param name="test">The number of test images to generate.</param>
    internal static (Dataset Train, Dataset Test, bool AreReal) Digits(
        this Settings settings, bool flatten = true, int training = 2000, int test = 500)
    {
        if (Mnist.Exists(settings.Data))
        {
            settings.Output.WriteLine($"MNIST from {settings.Data}");
            (Dataset train, Dataset tests) = Mnist.Load(settings.Data!, flatten);
            return (train, tests, true);
        }

        settings.Output.WriteLine("Generated digits; for MNIST give its folder with --data or AUTODIFF_DATA.");
        var key = new Key(settings.Seed);
        return (Layers.Digits.Generate(training, key.FoldIn(0), flatten), Layers.Digits.Generate(test, key.FoldIn(1), flatten), false);
    }
}
