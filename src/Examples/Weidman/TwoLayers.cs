using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Preface: a network of 1000-100(ReLU)-10 follows random numbers by gradient descent, with the gradients that the text
/// derives by hand and with those of a function.</summary>
/// <remarks>The text prints no losses.</remarks>
internal static class TwoLayers
{
    private const int Examples = 64, Inputs = 1000, Hidden = 100, Outputs = 10, DefaultSteps = 500;
    private const double LearningRate = 1e-6;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor x = key.FoldIn(0).Normal([Examples, Inputs]), y = key.FoldIn(1).Normal([Examples, Outputs]);
        (Tensor, Tensor) w = (key.FoldIn(2).Normal([Inputs, Hidden]), key.FoldIn(3).Normal([Hidden, Outputs]));
        var byFunction = Jit.Compile(Gradient.ValueAndGrad<(Tensor W1, Tensor W2)>(
            p => Tensor.Square(Tensor.Relu(x.MatMul(p.W1)).MatMul(p.W2) - y).Sum()));

        (Tensor first, Tensor second) = ByHand(x, y, w);
        (_, (Tensor firstOurs, Tensor secondOurs)) = byFunction(w);
        double difference = Math.Max(Apart(first, firstOurs), Apart(second, secondOurs));
        settings.Compare("0", "gradients by hand and by a function, largest difference as a part of their size", "0.00000", difference, source: Source.Hand);

        int steps = settings.Epochs ?? DefaultSteps;
        var losses = new List<double>();
        for (int step = 0; step < steps && !settings.Cancellation.IsCancellationRequested; step++)
        {
            (Tensor loss, var slope) = byFunction(w);
            losses.Add(loss.ToDouble());
            if (step % 50 == 0) settings.Output.WriteLine($"{step,4}  {losses[^1]:0.0000e+00}");
            w = Tree.Map2((p, g) => p - LearningRate * g, w, slope);
        }

        settings.Save(new Axes().Line([.. losses]).YLog().Title("Sum of squared errors").XLabel("step").ToFigure(), "weidman-preface-two-layers.svg");
        return new Dictionary<string, double> { ["difference"] = difference, ["firstLoss"] = losses[0], ["lastLoss"] = losses[^1] };
    }

    /// <summary>The way back as the text writes it.</summary>
    private static (Tensor, Tensor) ByHand(Tensor x, Tensor y, (Tensor W1, Tensor W2) w)
    {
        Tensor h = x.MatMul(w.W1), relu = Tensor.Relu(h);
        Tensor gradient = 2 * (relu.MatMul(w.W2) - y);
        Tensor back = gradient.MatMul(w.W2.Transpose()) * Tensor.Greater(h, Tensor.Scalar(0f)).To(DType.Float32);
        return (x.Transpose().MatMul(back), relu.Transpose().MatMul(gradient));
    }

    private static double Apart(Tensor a, Tensor b) => (Tensor.Abs(a - b).Max() / Tensor.Abs(a).Max()).ToDouble();
}
