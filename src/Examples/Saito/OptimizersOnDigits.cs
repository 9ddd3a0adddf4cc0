using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 6.1 and 6.2: what optimizers, and what first weights make of a network of five layers (figures 6-9 and
/// 6-15).</summary>
/// <remarks>The text names the networks and the 2,000 steps; learning rates and batches are those that are usual.</remarks>
internal static class OptimizersOnDigits
{
    private static readonly int[] Hidden = [100, 100, 100, 100];

    /// <summary>Four optimizers (figure 6-9).</summary>
    internal static IReadOnlyDictionary<string, double> RunOptimizers(Settings settings)
    {
        Sequential network = Experiments.MultiLayer(Hidden, Initializers.HeNormal, Activations.ReLU);
        Dictionary<string, double> last = Race(
            settings, "Fig 6-9: four optimizers", "saito-ch6-optimizers-digits.svg",
            ("SGD", network, new SGD(0.01)), ("Momentum", network, new Momentum(0.01)), ("AdaGrad", network, new AdaGrad(0.01)),
            ("Adam", network, new Adam(1e-3)));
        settings.Output.WriteLine($"text: the others are faster than SGD; ours: {(last.Values.All(loss => loss <= last["SGD"]) ? "✓" : "not all of them")}");
        return last;
    }

    /// <summary>Three ways to start (figure 6-15).</summary>
    internal static IReadOnlyDictionary<string, double> RunInitializers(Settings settings)
    {
        Sequential From(Initializer initializer) => Experiments.MultiLayer(Hidden, initializer, Activations.ReLU);
        Dictionary<string, double> last = Race(
            settings, "Fig 6-15: three ways to start", "saito-ch6-initializers.svg",
            ("std = 0.01", From(Initializers.Normal(0.01)), new SGD(0.01)), ("Xavier", From(Initializers.XavierNormal), new SGD(0.01)),
            ("He", From(Initializers.HeNormal), new SGD(0.01)));
        settings.Output.WriteLine($"text: with 0.01 nothing is learned, He is faster than Xavier; ours: {(last["std = 0.01"] > 2.2 && last["He"] < last["Xavier"] ? "✓" : "not so")}");
        return last;
    }

    private static Dictionary<string, double> Race(
        Settings settings, string title, string picture, params (string Name, Layer Network, Optimizer Optimizer)[] runs)
    {
        (Dataset train, _, _) = settings.Digits();
        int batch = settings.Batch ?? 128, steps = settings.Epochs * (train.Count / batch) ?? 2000;
        var last = new Dictionary<string, double>();
        Axes axes = new Axes().YLimits(low: 0).XLabel("step").YLabel("loss").Title(title);
        foreach ((string name, Layer network, Optimizer optimizer) in runs)
        {
            double[] losses = new Trainer(network, Losses.SoftmaxCrossEntropy, optimizer).Losses(settings, train, batch, steps).Smoothed();
            settings.Output.WriteLine($"{name,-12} loss after 100 steps {losses[Math.Min(100, steps - 1)]:0.000}, after {steps:n0} {losses[^1]:0.000}");
            last[name] = losses[^1];
            axes = axes.Line(losses, name);
        }

        settings.Save(axes.ToFigure(), picture);
        return last;
    }
}
