using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 4.2: the losses of two guesses, and why a loss must be smooth (figures 4-3 and 4-4).</summary>
internal static class LossFunctions
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor t = Tensor.From([2L]).OneHot(10).To(DType.Float64)[0];
        Tensor good = Tensor.From([0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0]), bad = Tensor.From([0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0]);
        settings.Compare("4.2", "half the squared error when 2 is likeliest", "0.097500000000000031", SquaredError(good, t));
        settings.Compare("4.2", "when 7 is", "0.5975", SquaredError(bad, t));
        settings.Compare("4.2", "cross entropy when 2 is likeliest", "0.51082545709933802", CrossEntropy(good, t));
        settings.Compare("4.2", "when 7 is", "2.3025840929945458", CrossEntropy(bad, t));

        // The library takes logits, and needs no 1e-7 that keeps the logarithm finite.
        double exact = Losses.SoftmaxCrossEntropy.Of(Tensor.Log(good + 1e-300).Reshape(1, 10), Tensor.From([2L])).ToDouble();
        settings.Output.WriteLine($"4.2   the library's cross entropy, from logits: {exact:0.000000000000000}, which is -log 0.6");

        Tensor small = Tensor.Linspace(0.001, 1, 500), wide = Tensor.Linspace(-5, 5, 501);
        settings.Save(
            new Figure(
                new Axes().Line(small, Tensor.Log(small)).XLabel("x").YLabel("y").Title("Fig 4-3: log x"),
                new Axes().Line(wide, Tensor.Greater(wide, Tensor.Scalar(0.0)), "step")
                    .Line(wide, Tensor.Sigmoid(wide), "sigmoid").Line(Tangent(Tensor.Sigmoid, 1), "tangent at 1")
                    .YLimits(-0.1, 1.4).Title("Fig 4-4: step and sigmoid")),
            "saito-ch4-losses.svg");
        return new Dictionary<string, double> { ["crossEntropy"] = exact };
    }

    internal static Tensor SquaredError(Tensor y, Tensor t) => 0.5 * Tensor.Square(y - t).Sum();

    internal static Tensor CrossEntropy(Tensor y, Tensor t) => -(t * Tensor.Log(y + 1e-7)).Sum();

    /// <summary>A piece of the tangent of a function at a point.</summary>
    private static (Tensor X, Tensor Y) Tangent(Func<Tensor, Tensor> f, double at)
    {
        Tensor x = Tensor.From([at - 2, at + 2]);
        (Tensor value, Tensor slope) = Jvp.Of(f)(Tensor.Scalar(at), Tensor.Scalar(1.0));
        return (x, value + slope * (x - at));
    }

    private static Axes Line(this Axes axes, (Tensor X, Tensor Y) points, string label) =>
        axes.Line(points.X, points.Y, label, dash: Dash.Dashed);
}
