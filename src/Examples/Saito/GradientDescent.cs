using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 4.4: gradient descent on x0² + x1² from (-3, 4) with three learning rates (figure 4-10).</summary>
internal static class GradientDescent
{
    private const int Steps = 100;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Func<Tensor, Tensor> byDifferences = x => Differences.Gradient(Bowl, x), exact = Gradient.Of<Tensor>(Bowl);
        settings.Compare("4.4", "after 100 steps with the rate 0.1", "[-6.11110793e-10 8.14814391e-10]", Descend(exact, 0.1)[^1]);
        settings.Compare("4.4", "with 1e-10, which is too small", "[-2.99999994 3.99999992]", Descend(exact, 1e-10)[^1]);
        settings.Compare("4.4", "with 10, too large, by differences", "[-2.58983747e+13 -1.29524862e+12]", Descend(byDifferences, 10)[^1]);
        double diverged = Descend(exact, 10)[^1][0].ToDouble();
        settings.Output.WriteLine(
            $"4.4   with 10 by exact gradients x0 is {diverged:0.00e+00} = -3 · 19^100: each step multiplies by -19. The text's numbers stop"
            + "\n      at 1e13 because there a step of 1e-4 is lost in rounding, differences are 0, and nothing moves any more.");

        double[,] path = Tensor.Stack(0, Descend(exact, 0.1)[..21]).ToArray2D<double>();
        Tensor side = Tensor.Linspace(-4.5, 4.5, 91);
        Tensor[] at = Tensor.Meshgrid(side, side);
        settings.Save(
            new Axes()
                .Contour(side, side, Tensor.Hypot(at[0], at[1]), [1, 2, 3, 4, 5], color: "#9a9a9a", width: 0.8)
                .Line(Column(path, 0), Column(path, 1), color: "vermilion", marker: Marker.Circle)
                .XLabel("x0").YLabel("x1").EqualAspect().Title("Fig 4-10: gradient descent with the rate 0.1").ToFigure(520, 520),
            "saito-ch4-descent.svg");
        return new Dictionary<string, double> { ["x0AtRate10"] = diverged };
    }

    private static Tensor Bowl(Tensor x) => Tensor.Square(x).Sum();

    /// <summary>The points that descent visits, the start first.</summary>
    private static List<Tensor> Descend(Func<Tensor, Tensor> gradient, double rate)
    {
        List<Tensor> path = [Tensor.From([-3.0, 4.0])];
        for (int step = 0; step < Steps; step++) path.Add(path[^1] - rate * gradient(path[^1]));
        return path;
    }

    private static double[] Column(double[,] matrix, int column) =>
        [.. Enumerable.Range(0, matrix.GetLength(0)).Select(row => matrix[row, column])];
}
