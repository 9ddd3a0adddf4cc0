using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Keras;

/// <summary>Slide 2-4: momentum as the slide prints it and mended, a local minimum, and forward and backward pass.</summary>
/// <remarks>The slide's velocity is always computed from a past velocity of 0, as nothing updates it. What it prints is gradient
/// descent with the rate (1 + momentum) times as large; mended, it is Nesterov's momentum.</remarks>
internal static class Descent
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        var metrics = new Dictionary<string, double>();
        Bowl(settings, metrics);
        Hill(settings, metrics);
        Passes(settings);
        return metrics;
    }

    /// <summary>The slide's loop: the points until the loss is at most 0.01.</summary>
    private static List<Tensor> Descend(Func<Tensor, Tensor> loss, Tensor start, double rate, double momentum, bool isMended, int most)
    {
        Func<Tensor, Tensor> gradient = Gradient.Of(loss);
        Tensor w = start, pastVelocity = Tensor.ZerosLike(start);
        List<Tensor> path = [w];
        while (loss(w).ToDouble() > 0.01 && path.Count <= most)
        {
            Tensor step = gradient(w) * rate, velocity = pastVelocity * momentum - step;
            w = w + velocity * momentum - step;
            if (isMended) pastVelocity = velocity;
            path.Add(w);
        }

        return path;
    }

    /// <summary>Ways down a long bowl.</summary>
    private static void Bowl(Settings settings, Dictionary<string, double> metrics)
    {
        const double rate = 0.1;
        static Tensor Loss(Tensor w) => Tensor.Square(w[0]) / 20.0 + Tensor.Square(w[1]);
        Tensor start = Tensor.From([-7.0, 2.0]);
        List<Tensor> Path(double momentum, bool isMended, double factor = 1) =>
            Descend(Loss, start, rate * factor, momentum, isMended, most: 2000);
        (string Name, List<Tensor> Points)[] paths =
        [
            ("no momentum", Path(0, true)), ("0.1 as printed", Path(0.1, false)), ("0.1 mended", Path(0.1, true)),
            ("0.9 as printed", Path(0.9, false)), ("0.9 mended", Path(0.9, true)),
        ];
        foreach ((string name, List<Tensor> points) in paths)
        {
            metrics[name] = points.Count - 1;
            settings.Output.WriteLine($"2-4   {name,-15} {points.Count - 1,4} steps until the loss is at most 0.01");
        }

        settings.Compare(
            "2-4", "as printed it is descent with 1.1 times the rate, largest difference", "0.000000000000",
            Apart(Path(0.1, false), Path(0, true, 1.1)), source: Source.Hand);
        List<Tensor> mended = paths[2].Points, nesterov = [start];
        var optimizer = new Nesterov(rate, momentum: 0.1);
        OptimizerState state = optimizer.Init(start);
        Func<Tensor, Tensor> gradient = Gradient.Of<Tensor>(Loss);
        while (nesterov.Count < mended.Count)
        {
            (Tensor next, state) = optimizer.Update(gradient(nesterov[^1]), state, nesterov[^1]);
            nesterov.Add(next);
        }

        settings.Compare("2-4", "mended it is Nesterov's momentum, largest difference", "0.000000000000", Apart(mended, nesterov), source: Source.Hand);
        Axes axes = new Axes().YLog().XLabel("step").YLabel("loss").Title("Momentum as printed and mended");
        foreach ((string name, List<Tensor> points) in paths)
        {
            bool isPrinted = name.EndsWith("printed", StringComparison.Ordinal);
            axes = axes.Line(points.Select(w => Loss(w).ToDouble()).ToArray(), name, dash: isPrinted ? Dash.Dashed : Dash.Solid);
        }

        settings.Save(axes.ToFigure(), "keras-ch2-momentum.svg");

        static double Apart(List<Tensor> one, List<Tensor> other) => one.Count != other.Count
            ? double.PositiveInfinity
            : one.Zip(other, (a, b) => Tensor.Abs(a - b).Max().ToDouble()).Max();
    }

    /// <summary>A problem of gradients: a local minimum holds what has no momentum.</summary>
    private static void Hill(Settings settings, Dictionary<string, double> metrics)
    {
        static Tensor Loss(Tensor w) => Tensor.Square(Tensor.Square(w) - 1.0) + w * 0.3 + 0.3;
        Tensor start = Tensor.Scalar(1.8);
        Axes axes = new Axes().Curve(w => Loss(Tensor.Scalar(w)).ToDouble(), -1.6, 1.9, "loss", color: "grey").XLabel("w").YLabel("loss")
            .Title("A local minimum");
        foreach ((string name, double momentum) in new[] { ("no momentum", 0.0), ("momentum 0.9", 0.9) })
        {
            List<Tensor> path = Descend(Loss, start, 0.01, momentum, true, 400);
            double end = path[^1].ToDouble();
            metrics[name + ", end"] = end;
            settings.Output.WriteLine(
                $"2-4   {name,-13} ends at w = {end:0.000} with loss {Loss(path[^1]).ToDouble():0.000} after {path.Count - 1} steps");
            axes = axes.Line(
                path.Select(w => w.ToDouble()).ToArray(), path.Select(w => Loss(w).ToDouble()).ToArray(), name,
                marker: Marker.Circle, width: 0.8);
        }

        settings.Save(axes.ToFigure(), "keras-ch2-minimum.svg");
    }

    /// <summary>Forward and backward pass of |y - (x w + b)|.</summary>
    private static void Passes(Settings settings)
    {
        static Tensor Loss(Tensor w, Tensor b) => Tensor.Abs(Tensor.Scalar(4.0) - (Tensor.Scalar(2.0) * w + b));
        (Tensor w, Tensor b) = (Tensor.Scalar(3.0), Tensor.Scalar(1.0));
        (Tensor loss, (Tensor byW, Tensor byB)) = Gradient.ValueAndGrad<Tensor, Tensor>(Loss)(w, b);
        settings.Output.WriteLine(
            $"2-4   |4 - (2 w + b)| at w = 3, b = 1: forward {loss.ToDouble()}, backward {byW.ToDouble()} to w and {byB.ToDouble()} to b");
        StagedFunction<(Tensor, Tensor), (Tensor, Tensor)> passes =
            Stage.Of(((Tensor W, Tensor B) at) => Gradient.Of<Tensor, Tensor>(Loss)(at.W, at.B))((w, b));
        settings.Output.WriteLine("      both passes, as a program:\n      " + passes.ToString()!.Trim().ReplaceLineEndings("\n      "));
        if (settings.Out is { } folder) File.WriteAllText(Path.Combine(folder, "keras-ch2-passes.dot"), passes.Program.ToGraphviz());
    }
}
