using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapter 2: perceptrons are logic gates, XOR takes two layers of them, and from NAND alone one can build what computes
/// (figures 2-6 and 2-8).
/// </summary>
internal static class Perceptrons
{
    private static readonly Func<Tensor, Tensor>
        And = Gate(0.5, 0.5, -0.7), Nand = Gate(-0.5, -0.5, 0.7), Or = Gate(0.5, 0.5, -0.2);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor x = Tensor.From([0.0, 1.0]), w = Tensor.From([0.5, 0.5]);
        settings.Compare("2.3", "w x", "[0. 0.5]", w * x);
        settings.Compare("2.3", "their sum and the bias -0.7, rounded", "-0.19999999999999996", (w * x).Sum() - 0.7);

        Tensor inputs = Tensor.From([0.0, 0, 1, 0, 0, 1, 1, 1], 4, 2);
        settings.Compare("2.3", "AND of (0, 0), (1, 0), (0, 1), (1, 1)", "0 0 0 1", And(inputs));
        settings.Compare("2.3", "NAND", "1 1 1 0", Nand(inputs));
        settings.Compare("2.3", "OR", "0 1 1 1", Or(inputs));
        settings.Compare("2.5", "XOR", "0 1 1 0", Xor(inputs));

        // 2.6: all sums of two numbers of four bits, by nothing but NAND.
        Tensor[] pairs = Tensor.Meshgrid(Tensor.Arange(16), Tensor.Arange(16));
        Tensor a = pairs[0].Reshape(-1), b = pairs[1].Reshape(-1);
        double right = Tensor.EqualTo(Add(a, b), a + b).Sum().ToDouble();
        settings.Output.WriteLine($"2.6   an adder made of NAND gates: {right} of {a.Size} sums of two numbers below 16 are right");

        Axes Plane(string title) => new Axes().XLimits(-0.5, 1.5).YLimits(-0.5, 1.5).XTicks([0, 1]).YTicks([0, 1]).XLabel("x1").YLabel("x2")
            .EqualAspect().Title(title);
        const int points = 202;
        Tensor side = Tensor.Linspace(-0.5, 1.5, points);
        Tensor[] at = Tensor.Meshgrid(side, side);
        Tensor region = Xor(Tensor.Stack(1, at[1].Reshape(-1), at[0].Reshape(-1))).Reshape(points, points);
        settings.Save(
            new Figure(
                Points(Plane("Fig 2-6: OR, and the line x1 + x2 = 0.5").Line([-0.5, 1.5], [1, -1], color: "grey"), inputs, Or),
                Points(Plane("Fig 2-8: XOR takes a region that no line bounds")
                    .ContourFilled(side, side, region, [0, 0.5, 4], ColorMap.Blues, colorBar: false), inputs, Xor))
                .Size(900, 430),
            "saito-ch2-perceptrons.svg");
        return new Dictionary<string, double> { ["rightSums"] = right };
    }

    /// <summary>1 where w1 x1 + w2 x2 + bias is positive, for each row (x1, x2).</summary>
    private static Func<Tensor, Tensor> Gate(double w1, double w2, double bias) => x =>
        Tensor.Greater(x.MatMul(Tensor.From([w1, w2])) + bias, Tensor.Scalar(0.0)).To(x.DType);

    private static Tensor Xor(Tensor x) => And(Tensor.Stack(1, Nand(x), Or(x)));

    /// <summary>The sum of numbers of four bits, bit by bit.</summary>
    private static Tensor Add(Tensor a, Tensor b)
    {
        Tensor sum = Tensor.ZerosLike(a), carry = Tensor.ZerosLike(a);
        for (double place = 1; place < 16; place *= 2)
        {
            (Tensor bit, carry) = FullAdder(Bit(a, place), Bit(b, place), carry);
            sum += bit * place;
        }

        return sum + carry * 16;

        static Tensor Bit(Tensor number, double place) => Tensor.Remainder(Tensor.Floor(number / place), Tensor.Scalar(2.0));
    }

    private static (Tensor Sum, Tensor Carry) FullAdder(Tensor a, Tensor b, Tensor carry)
    {
        static Tensor Not(Tensor p, Tensor q) => Nand(Tensor.Stack(1, p, q));
        Tensor both = Not(a, b), half = Not(Not(a, both), Not(b, both));
        Tensor second = Not(half, carry);
        return (Not(Not(half, second), Not(carry, second)), Not(second, both));
    }

    private static Axes Points(Axes axes, Tensor inputs, Func<Tensor, Tensor> gate)
    {
        Tensor y = gate(inputs);
        foreach ((double value, Marker marker, string color) in new[] { (0.0, Marker.Circle, "black"), (1.0, Marker.Triangle, "vermilion") })
        {
            Tensor chosen = inputs.Take(Tensor.EqualTo(y, Tensor.Scalar(value)).ArgWhere().Reshape(-1), 0);
            axes = axes.Scatter(chosen[.., 0], chosen[.., 1], $"{value}", color, 11, marker);
        }

        return axes;
    }
}
