using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 1.5 and 1.6: arrays, broadcasting and selection, and a first plot (figures 1-3 and 1-4).</summary>
internal static class Arrays
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor x = Tensor.From([1.0, 2.0, 3.0]), y = Tensor.From([2.0, 4.0, 6.0]);
        settings.Compare("1.5", "x + y", "[3. 6. 9.]", x + y);
        settings.Compare("1.5", "x - y", "[-1. -2. -3.]", x - y);
        settings.Compare("1.5", "x * y", "[2. 8. 18.]", x * y);
        settings.Compare("1.5", "x / y", "[0.5 0.5 0.5]", x / y);
        settings.Compare("1.5", "x / 2", "[0.5 1. 1.5]", x / 2);

        Tensor a = Tensor.From([1.0, 2, 3, 4], 2, 2), b = Tensor.From([3.0, 0, 0, 6], 2, 2);
        settings.Compare("1.5", "A + B", "[[4 2] [3 10]]", a + b);
        settings.Compare("1.5", "A * B", "[[3 0] [0 24]]", a * b);
        settings.Compare("1.5", "A * 10", "[[10 20] [30 40]]", a * 10);
        settings.Compare("1.5", "A * [10, 20], broadcast", "[[10 40] [30 80]]", a * Tensor.From([10.0, 20.0]));

        Tensor table = Tensor.From([51.0, 55, 14, 19, 0, 4], 3, 2), flat = table.Reshape(-1);
        settings.Compare("1.5", "the first row", "[51 55]", table[0]);
        settings.Compare("1.5", "its second element", "55", table[0, 1]);
        settings.Compare("1.5", "elements 0, 2 and 4 of the flat array", "[51 14 0]", flat.Take(Tensor.From([0, 2, 4]), 0));
        Tensor above = Tensor.Greater(flat, Tensor.Scalar(15.0));
        settings.Compare("1.5", "which are above 15", "[1 1 0 1 0 0]", above);
        settings.Compare("1.5", "those above 15", "[51 55 19]", flat.Take(above.ArgWhere().Reshape(-1), 0));

        Tensor t = Tensor.Arange(0, 6, 0.1);
        settings.Save(
            new Figure(
                new Axes().Line(t, Tensor.Sin(t)).Title("Fig 1-3: sin"),
                new Axes().Line(t, Tensor.Sin(t), "sin").Line(t, Tensor.Cos(t), "cos", dash: Dash.Dashed)
                    .XLabel("x").YLabel("y").Title("Fig 1-4: sin & cos")),
            "saito-ch1-arrays.svg");
        return new Dictionary<string, double> { ["points"] = t.Size };
    }
}
