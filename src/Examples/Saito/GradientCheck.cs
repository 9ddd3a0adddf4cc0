using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 5.7: gradients by back-propagation beside those by differences, for all 39,760 parameters of a
/// network.</summary>
internal static class GradientCheck
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, _, _) = settings.Digits();
        Dataset three = train.Take(3).Map(images => images.To(DType.Float64));
        Sequential network = Experiments.MultiLayer([50], Initializers.Normal(0.01), Activations.ReLU);
        Parameters parameters = Smooth(network, three.Inputs, new Key(settings.Seed));
        Tensor Loss(Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, three.Inputs), three.Targets);
        Parameters exact = Gradient.Of<Parameters>(Loss)(parameters), slopes = Differences.Gradient(Loss, parameters, settings.Cancellation);

        var metrics = new Dictionary<string, double>();
        foreach ((int i, string name) in new[] { "W1", "b1", "W2", "b2" }.Index())
            metrics[name] = Tensor.Abs(slopes.Leaves[i] - exact.Leaves[i]).Mean().ToDouble();

        // Rounding and random parameters decide the digits.
        settings.Compare("5.7", "mean difference of the gradients of b1", "9.70418809871e-13", metrics["b1"], How.About);
        settings.Compare("5.7", "of W2", "8.41139039497e-13", metrics["W2"], How.About);
        settings.Compare("5.7", "of b2", "1.1945999745e-10", metrics["b2"], How.About);
        settings.Compare("5.7", "of W1", "2.2232446644e-13", metrics["W1"], How.About);

        // The tool for this: random directions, both modes, and derivatives of the second order.
        settings.Output.WriteLine(CheckGrads.Report((Func<Parameters, Tensor>)Loss, parameters));
        return metrics;
    }

    /// <summary>Random parameters with which no unit is near its kink: across it differences are wrong, not gradients.</summary>
    private static Parameters Smooth(Sequential network, Tensor inputs, Key key) => Enumerable.Range(0, 1000)
        .Select(i => network.Initialize(key.FoldIn(i), [784]).To(DType.Float64))
        .First(parameters => Tensor.Abs(network[0].Apply(parameters.Part("0"), inputs)).Min().ToDouble() > 5e-4);
}
