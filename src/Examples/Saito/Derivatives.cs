using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 4.3 and 4.4: derivatives by differences beside exact ones (figures 4-5 to 4-9).</summary>
internal static class Derivatives
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor five = Tensor.Scalar(5.0), ten = Tensor.Scalar(10.0);
        settings.Compare("4.3", "derivative of 0.01 x² + 0.1 x at 5, by differences", "0.1999999999990898", Differences.Derivative(Parabola, five));
        settings.Compare("4.3", "at 10", "0.2999999999986347", Differences.Derivative(Parabola, ten));
        Func<Tensor, Tensor> slope = Gradient.Of<Tensor>(Parabola);
        settings.Compare("4.3", "the exact derivatives", "0.2 0.3", Tensor.Stack(0, slope(five), slope(ten)));
        Tensor tooNear = (Parabola(five + 1e-49) - Parabola(five)) / 1e-49;
        settings.Compare("4.3", "1e-50 as a number of 32 bits", "0.0", (float)1e-50);
        settings.Output.WriteLine($"4.3   with the step 10e-50, which the text warns of, the difference is lost: {tooNear.ToDouble()}");

        settings.Compare("4.3", "partial derivative of x0² + x1² by x0 at (3, 4)", "6.00000000000378", Differences.Derivative(x => x * x + 16.0, Tensor.Scalar(3.0)));
        settings.Compare("4.3", "by x1", "7.999999999999119", Differences.Derivative(x => x * x + 9.0, Tensor.Scalar(4.0)));
        settings.Compare("4.4", "both at once", "[6.0000000000037801 7.9999999999991189]", Differences.Gradient(Bowl, Tensor.From([3.0, 4.0])));
        foreach ((double[] at, string text) in new[] { (new[] { 3.0, 4.0 }, "[6. 8.]"), ([0.0, 2.0], "[0. 4.]"), ([3.0, 0.0], "[6. 0.]") })
        {
            settings.Compare("4.4", $"gradient at ({at[0]}, {at[1]}), by differences", text, Differences.Gradient(Bowl, Tensor.From(at)));
            settings.Compare("4.4", "exactly", text, Gradient.Of<Tensor>(Bowl)(Tensor.From(at)));
        }

        Tensor x = Tensor.Arange(0, 20, 0.1), wide = Tensor.Linspace(-3, 3, 25), side = Tensor.Linspace(-2, 2, 17);
        Axes curve = new Axes().Line(x, Parabola(x), "0.01 x² + 0.1 x").XLabel("x").YLabel("f(x)");
        Tensor[] plane = Tensor.Meshgrid(wide, wide), arrows = Tensor.Meshgrid(side, side);
        Tensor points = Tensor.Stack(1, arrows[1].Reshape(-1), arrows[0].Reshape(-1));
        Tensor slopes = Vmap.Of(Gradient.Of<Tensor>(Bowl))(points);
        settings.Save(
            new Figure(
                2, curve.Title("Fig 4-6"), Tangents(curve, slope).Title("Fig 4-7: tangents at 5 and 10"),
                Surfaces.Of(wide, wide, Tensor.Square(plane[0]) + Tensor.Square(plane[1]), "x0", "x1", "f(x)").Title("Fig 4-8: x0² + x1²"),
                new Axes().Quiver(points[.., 0], points[.., 1], -slopes[.., 0], -slopes[.., 1], color: "blue").XLabel("x0").YLabel("x1")
                    .EqualAspect().Title("Fig 4-9: its negative gradient")).Size(900, 760),
            "saito-ch4-derivatives.svg");

        // Figure 4-5: how far both kinds of differences are from the derivative, over the length of the step.
        double[] steps = [.. Enumerable.Range(0, 57).Select(i => Math.Pow(10, -14 + i / 4.0))];
        double Error(Tensor difference) => Math.Max(1e-17, Math.Abs(difference.ToDouble() - Math.Cos(1)));
        Tensor one = Tensor.Scalar(1.0);
        double[] forward = [.. steps.Select(h => Error((Tensor.Sin(one + h) - Tensor.Sin(one)) / h))];
        double[] central = [.. steps.Select(h => Error(Differences.Derivative(Tensor.Sin, one, h)))];
        settings.Save(
            new Axes().Line(steps, forward, "(f(x + h) - f(x)) / h").Line(steps, central, "(f(x + h) - f(x - h)) / 2h").XLog().YLog()
                .XLabel("h").YLabel("error").Title("After fig 4-5: errors of differences, for sin at 1").ToFigure(),
            "saito-ch4-differences.svg");
        return new Dictionary<string, double> { ["bestForwardError"] = forward.Min(), ["bestCentralError"] = central.Min() };
    }

    private static Tensor Parabola(Tensor x) => 0.01 * Tensor.Square(x) + 0.1 * x;

    private static Tensor Bowl(Tensor x) => Tensor.Square(x).Sum();

    private static Axes Tangents(Axes axes, Func<Tensor, Tensor> slope)
    {
        foreach (double at in new[] { 5.0, 10.0 })
        {
            Tensor point = Tensor.Scalar(at);
            double height = Parabola(point).ToDouble(), rise = slope(point).ToDouble();
            axes = axes.Curve(x => height + rise * (x - at), 0, 20, $"tangent at {at}", dash: Dash.Dashed).Scatter([at], [height], color: "black", size: 6);
        }

        return axes;
    }
}
