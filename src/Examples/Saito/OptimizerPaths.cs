using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapter 6.1: SGD, Momentum, AdaGrad and Adam go down x²/20 + y² from (-7, 2), with figures 6-1, 6-2 and 6-8; beside them what
/// the text only speaks of, a learning rate that falls, and RMSProp, an AdaGrad that forgets.
/// </summary>
/// <remarks>The text names neither learning rates nor the number of steps; those here give paths like the drawn ones.</remarks>
internal static class OptimizerPaths
{
    private const int DefaultSteps = 30;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        int steps = settings.Epochs ?? DefaultSteps;
        (string Name, Optimizer Optimizer, string Rate, string Text)[] rows =
        [
            ("SGD", new SGD(0.95), "0.95", "zigzags"),
            ("Momentum", new Momentum(0.1), "0.1", "like a ball in a bowl, swings less than SGD"),
            ("AdaGrad", new AdaGrad(1.5), "1.5", "efficient: swings die out"),
            ("Adam", new Adam(0.3, beta1: 0.9, beta2: 0.999), "0.3", "like Momentum, swings less"),
            ("falling rate", new SGD(Schedule.Exponential(0.95, 0.97)), "0.95", "first far, then carefully"),
            ("RMSProp", new RMSProp(0.3), "0.3", "forgets old gradients, so never stops"),
        ];
        Tensor start = Tensor.From([-7.0, 2.0]);
        settings.Output.WriteLine(
            $"x²/20 + y² from (-7, 2), {steps} steps; its gradient there is {Gradient.Of<Tensor>(Height)(start)} (by hand: -0.7, 4)");
        settings.Output.WriteLine("              rate   end                  height     turns of y   in the text");
        var metrics = new Dictionary<string, double>();
        var parts = new List<Axes>();
        foreach ((string name, Optimizer optimizer, string rate, string text) in rows)
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            double[,] path = Descend(optimizer, start, steps).ToArray2D<double>();
            double x = path[steps, 0], y = path[steps, 1], height = x * x / 20 + y * y;
            int turns = Turns(path);
            settings.Output.WriteLine(
                $"{name,-12} {rate,5}   ({x,8:0.0000}, {y,8:0.0000})   {height:0.00e+00}   {turns,10}   {text}");
            metrics[name + ".height"] = height;
            metrics[name + ".turns"] = turns;
            parts.Add(Contours().Line(Column(path, 0), Column(path, 1), color: "vermilion", width: 1.3, marker: Marker.Circle)
                .Scatter([0], [0], color: "black", size: 9, marker: Marker.Plus).Title(name));
        }

        settings.Save(new Figure(2, parts).Title("Fig 6-8: four ways down x²/20 + y², and two more").Size(900, 900),
            "saito-ch6-optimizers.svg");
        settings.Save(new Figure(1, Map(), Field()).Size(760, 720), "saito-ch6-gradients.svg");
        return metrics;
    }

    private static Tensor Height(Tensor p) => Tensor.Square(p[0]) / 20.0 + Tensor.Square(p[1]);

    /// <summary>The points that an optimizer visits, a row each, the start first.</summary>
    private static Tensor Descend(Optimizer optimizer, Tensor start, int steps)
    {
        Func<Tensor, Tensor> gradient = Gradient.Of<Tensor>(Height);
        OptimizerState state = optimizer.Init(start);
        var path = new List<Tensor> { start };
        for (int step = 0; step < steps; step++)
        {
            (Tensor next, state) = optimizer.Update(gradient(path[^1]), state, path[^1]);
            path.Add(next);
        }

        return Tensor.Stack(0, path);
    }

    /// <summary>How often y turns from falling to rising or back.</summary>
    private static int Turns(double[,] path)
    {
        double[] y = Column(path, 1);
        int turns = 0;
        for (int i = 2; i < y.Length; i++)
        {
            if ((y[i] - y[i - 1]) * (y[i - 1] - y[i - 2]) < 0) turns++;
        }

        return turns;
    }

    private static Axes Contours()
    {
        (Tensor x, Tensor y, Tensor heights) = Heights();
        return new Axes().Contour(x, y, heights, [0.25, 1, 2, 4, 7], color: "#9a9a9a", width: 0.8)
            .XLimits(-10, 10).YLimits(-5, 5).XLabel("x").YLabel("y");
    }

    /// <summary>The valley as a map, with lines at equal distances in height.</summary>
    private static Axes Map()
    {
        (Tensor x, Tensor y, Tensor heights) = Heights();
        Tensor levels = Tensor.Linspace(0, 30, 16);
        return new Axes().ContourFilled(x, y, heights, levels, label: "height").Contour(x, y, heights, levels, color: "white", width: 0.5)
            .XLabel("x").YLabel("y").Title("Fig 6-1: a long valley");
    }

    private static (Tensor X, Tensor Y, Tensor Heights) Heights()
    {
        Tensor x = Tensor.Linspace(-10, 10, 201), y = Tensor.Linspace(-5, 5, 101);
        Tensor[] at = Tensor.Meshgrid(y, x);
        return (x, y, Tensor.Square(at[1]) / 20.0 + Tensor.Square(at[0]));
    }

    /// <summary>Where the gradient points, by one batched call.</summary>
    private static Axes Field()
    {
        Tensor[] at = Tensor.Meshgrid(Tensor.Linspace(-5, 5, 21), Tensor.Linspace(-10, 10, 41));
        Tensor points = Tensor.Stack(1, at[1].Reshape(-1), at[0].Reshape(-1));
        Tensor slopes = Vmap.Of(Gradient.Of<Tensor>(Height))(points);
        return Contours().Quiver(points[.., 0], points[.., 1], -slopes[.., 0], -slopes[.., 1], color: "blue")
            .Title("Fig 6-2: the negative gradient mostly points along y");
    }

    private static double[] Column(double[,] matrix, int column) =>
        [.. Enumerable.Range(0, matrix.GetLength(0)).Select(row => matrix[row, column])];
}
