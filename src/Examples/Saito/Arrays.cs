using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 1.3, 1.5 and 1.6: arithmetic, slices, arrays, broadcasting and selection, and first plots (figures 1-3 to
/// 1-5).</summary>
internal static class Arrays
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor one = Tensor.Scalar(1.0), four = Tensor.Scalar(4.0), seven = Tensor.Scalar(7.0), three = Tensor.Scalar(3.0);
        settings.Compare("1.3", "1 - 2, 4 · 5, 7 / 5, 3 to the power 2", "-1 20 1.4 9", Tensor.Stack(0, one - 2, four * 5, seven / 5, Tensor.Pow(three, 2)));
        settings.Compare("1.3", "a whole number 100 times 3.14", "314.0", Tensor.From([100]) * Tensor.Scalar(3.14));

        // Lists become tensors. A tensor never changes: 99 in the last place makes another one.
        Tensor first = Tensor.From([1, 2, 3, 4, 5]);
        Tensor list = first.Scatter(Tensor.From([4]), Tensor.From([99]), 0);
        settings.Compare("1.3", "length of a = [1, 2, 3, 4, 5]", "5", list.Size);
        settings.Compare("1.3", "a with 99 in the last place", "[1, 2, 3, 4, 99]", list);
        settings.Compare("1.3", "a[0:2]", "[1, 2]", list[0..2]);
        settings.Compare("1.3", "a[1:]", "[2, 3, 4, 99]", list[1..]);
        settings.Compare("1.3", "a[:3]", "[1, 2, 3]", list[..3]);
        settings.Compare("1.3", "a[:-1]", "[1, 2, 3, 4]", list[..^1]);
        settings.Compare("1.3", "a[:-2]", "[1, 2, 3]", list[..^2]);

        Tensor x = Tensor.From([1.0, 2.0, 3.0]), y = Tensor.From([2.0, 4.0, 6.0]);
        settings.Compare("1.5", "x + y", "[3. 6. 9.]", x + y);
        settings.Compare("1.5", "x - y", "[-1. -2. -3.]", x - y);
        settings.Compare("1.5", "x * y", "[2. 8. 18.]", x * y);
        settings.Compare("1.5", "x / y", "[0.5 0.5 0.5]", x / y);
        settings.Compare("1.5", "x / 2", "[0.5 1. 1.5]", x / 2);

        Tensor a = Tensor.From([1.0, 2, 3, 4], 2, 2), b = Tensor.From([3.0, 0, 0, 6], 2, 2);
        settings.Compare("1.5", "shape of A", "(2, 2)", Tensor.From(a.Shape));
        settings.Compare("1.5", "A + B", "[[4 2] [3 10]]", a + b);
        settings.Compare("1.5", "A * B", "[[3 0] [0 24]]", a * b);
        settings.Compare("1.5", "A * 10", "[[10 20] [30 40]]", a * 10);
        settings.Compare("1.5", "A * [10, 20], broadcast", "[[10 40] [30 80]]", a * Tensor.From([10.0, 20.0]));

        Tensor table = Tensor.From([51.0, 55, 14, 19, 0, 4], 3, 2), flat = table.Reshape(-1);
        settings.Compare("1.5", "X, flat", "[51 55 14 19 0 4]", flat);
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

        // The photograph of figure 1-5 is not in the text: an image is any array, here rings by broadcasting.
        Tensor side = Tensor.Linspace(-1, 1, 160), distance = Tensor.Sqrt(Tensor.Square(side).Reshape(160, 1) + Tensor.Square(side));
        Tensor channels = Tensor.Stack(0, new[] { 8.0, 10.0, 12.0 }.Select(count => 0.5 + 0.5 * Tensor.Cos(count * Math.PI * distance)));
        settings.Save(
            new Axes().Image(channels * Tensor.Exp(-distance)).Title("In place of fig 1-5: an array as an image").ToFigure(480, 480), "saito-ch1-image.svg");
        return new Dictionary<string, double> { ["points"] = t.Size };
    }
}
