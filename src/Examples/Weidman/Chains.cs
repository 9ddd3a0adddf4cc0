using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 1.4 and 1.5: nested functions and their derivatives by the chain rule, with figures 1-9 and 1-11.</summary>
/// <remarks>The text shows the values only as figures, and takes each derivative by a central difference of 0.001; the
/// program says how far such derivatives are from the exact ones. Single values are compared with the chain rule on paper.</remarks>
internal static class Chains
{
    private const double Delta = 0.001;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (string Name, Func<Tensor, Tensor>[] Parts, double Place, string OnPaper)[] chains =
        [
            ("sigmoid(square(x))", [Tensor.Square, Tensor.Sigmoid], 1, "0.73106 0.39322"),
            ("square(sigmoid(x))", [Tensor.Sigmoid, Tensor.Square], 0, "0.25 0.25"),
            ("square(sigmoid(leaky_relu(x)))", [LeakyRelu, Tensor.Sigmoid, Tensor.Square], -1, "0.20265 0.04457"),
        ];
        Tensor x = Tensor.Arange(-3, 3, 0.01);
        settings.Compare("1.4", "places from -3 to 3 in steps of 0.01", "600", x.Size, source: Source.Hand);
        Tensor shown = Tensor.From([-2.0, -1.0, 0.5, 1.0, 2.0]);
        var parts = new List<Axes>();
        var metrics = new Dictionary<string, double>();
        foreach ((string name, Func<Tensor, Tensor>[] functions, double place, string onPaper) in chains)
        {
            Func<Tensor, Tensor> chain = p => functions.Aggregate(p, (value, function) => function(value));
            (Tensor value, Tensor slope) = Jvp.Of(chain)(x, TensorModule.onesLike(x));
            (Tensor few, Tensor fewSlopes) = Jvp.Of(chain)(shown, TensorModule.onesLike(shown));
            double[] byDifferences = ByDifferences(functions, shown).ToArray<double>();
            settings.Output.WriteLine($"{name}\n      x      value   derivative   by the text's differences");
            for (int i = 0; i < byDifferences.Length; i++)
            {
                settings.Output.WriteLine(
                    $"  {shown[i].ToDouble(),5:0.0}   {few[i].ToDouble(),8:0.00000}   {fewSlopes[i].ToDouble(),10:0.0000000}   {byDifferences[i],10:0.0000000}");
            }

            // At a kink differences average both sides, so the point 0 is left out.
            Tensor isAway = Tensor.Greater(Tensor.Abs(x), Tensor.From([2 * Delta])).To(DType.Float64);
            double farthest = (Tensor.Abs(slope - ByDifferences(functions, x)) * isAway).Max().ToDouble();
            settings.Output.WriteLine($"  largest difference on (-3, 3): {farthest:0.0e+0}");
            settings.Compare(
                functions.Length == 2 ? "1.4" : "1.5", $"{name} where x = {place}, value and derivative", onPaper,
                Tensor.Stack(0, chain(Tensor.Scalar(place)), Gradient.Of(chain)(Tensor.Scalar(place))), source: Source.Hand);
            settings.Compare(
                functions.Length == 2 ? "1.4" : "1.5", $"{name}: the text's differences from the derivative, the largest on (-3, 3)", "0.000000",
                farthest, source: Source.Hand);
            metrics[name] = farthest;
            parts.Add(new Axes().Line(x, value, "function").Line(x, slope, "derivative", dash: Dash.Dashed).XLabel("x")
                .Title(name));
        }

        settings.Save(new Figure(2, parts[0], parts[1]).Title("Fig 1-9"), "weidman-ch1-chains-2.svg");
        settings.Save(parts[2].Title("Fig 1-11: " + chains[2].Name).ToFigure(), "weidman-ch1-chains-3.svg");
        return metrics;
    }

    /// <summary>max(0.2 x, x).</summary>
    private static Tensor LeakyRelu(Tensor x) => Tensor.LeakyRelu(x, 0.2);

    /// <summary>The chain rule as the text writes it: forward through the functions, then the product of their slopes.</summary>
    private static Tensor ByDifferences(Func<Tensor, Tensor>[] functions, Tensor x)
    {
        Tensor product = TensorModule.onesLike(x);
        foreach (Func<Tensor, Tensor> function in functions)
        {
            product *= (function(x + Delta) - function(x - Delta)) / (2 * Delta);
            x = function(x);
        }

        return product;
    }
}
