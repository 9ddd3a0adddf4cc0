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
        Parameters parameters = network.Initialize(new Key(settings.Seed), [784]).To(DType.Float64);
        Tensor Loss(Parameters p) => Losses.SoftmaxCrossEntropy.Of(network.Apply(p, three.Inputs), three.Targets);
        Parameters exact = Gradient.Of<Parameters>(Loss)(parameters);

        // The text's names, and the largest mean difference that it prints.
        var metrics = new Dictionary<string, double>();
        foreach ((int i, string name) in new[] { "W1", "b1", "W2", "b2" }.Index())
        {
            Tensor slopes = ByDifferences(settings, parameters, i, Loss);
            double error = Tensor.Abs(slopes - exact.Leaves[i].Reshape(-1)).Mean().ToDouble();
            settings.Compare("5.7", $"mean difference of the gradients of {name}", "1.1945999745e-10", error, How.AtMost);
            metrics[name] = error;
        }

        // The tool for this: random directions, both modes, and derivatives of the second order.
        GradientReport report = CheckGrads.Report((Func<Parameters, Tensor>)Loss, parameters);
        settings.Output.WriteLine($"CheckGrads: {report.Comparisons} comparisons, the largest error is {report.WorstRatio:0e+0} of what is allowed");
        return metrics;
    }

    /// <summary>Central differences along each element of one tensor of the parameters, in the order of its elements.</summary>
    private static Tensor ByDifferences(Settings settings, Parameters parameters, int place, Func<Parameters, Tensor> loss)
    {
        const double h = 1e-4;
        Tensor[] leaves = [.. parameters.Leaves];
        Tensor leaf = leaves[place];
        double[] values = leaf.ToArray<double>(), slopes = new double[values.Length];
        double At(int i, double value)
        {
            double before = values[i];
            values[i] = value;
            leaves[place] = Tensor.From(values, leaf.Shape);
            values[i] = before;
            return loss(parameters.WithLeaves(leaves)).ToDouble();
        }

        for (int i = 0; i < values.Length; i++)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            slopes[i] = (At(i, values[i] + h) - At(i, values[i] - h)) / (2 * h);
        }

        return Tensor.From(slopes);
    }
}
