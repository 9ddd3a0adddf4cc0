using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>
/// Chapter 2: perceptrons are logic gates, XOR takes two layers of them, and from NAND alone one can build what computes
/// (figures 2-6 to 2-8).
/// </summary>
internal static class Perceptrons
{
    private static readonly Func<Tensor, Tensor>
        And = Gate(0.5, 0.5, -0.7), Nand = Gate(-0.5, -0.5, 0.7), Or = Gate(0.5, 0.5, -0.2);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor inputs = Tensor.From([0.0, 0, 1, 0, 0, 1, 1, 1], 4, 2);
        settings.Compare("2.2", "AND of (0, 0), (1, 0), (0, 1), (1, 1) with the weights 0.5, 0.5 and the threshold 0.7", "0 0 0 1", Threshold(0.5, 0.5, 0.7)(inputs));
        settings.Compare("2.2", "AND with 0.5, 0.5 and 0.8", "0 0 0 1", Threshold(0.5, 0.5, 0.8)(inputs));
        settings.Compare("2.2", "AND with 1, 1 and 1", "0 0 0 1", Threshold(1, 1, 1)(inputs));
        settings.Compare("2.2", "NAND with -0.5, -0.5 and -0.7", "1 1 1 0", Threshold(-0.5, -0.5, -0.7)(inputs));

        Tensor x = Tensor.From([0.0, 1.0]), w = Tensor.From([0.5, 0.5]);
        settings.Compare("2.3", "w x", "[0. 0.5]", w * x);
        settings.Compare("2.3", "their sum and the bias -0.7, rounded", "-0.19999999999999996", (w * x).Sum() - 0.7);
        settings.Compare("2.3", "AND with the bias -0.7", "0 0 0 1", And(inputs));
        settings.Compare("2.3", "NAND with the bias 0.7", "1 1 1 0", Nand(inputs));
        settings.Compare("2.3", "OR with the bias -0.2", "0 1 1 1", Or(inputs));
        settings.Compare("2.3", "with the biases -0.1 and -20 a neuron fires above", "0.1 20.0", Tensor.Stack(0, LargestSilent(-0.1), LargestSilent(-20)));
        settings.Compare("2.4", "OR with the weights 1, 1 and the bias -0.5", "0 1 1 1", Gate(1, 1, -0.5)(inputs));
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
                Points(Plane("Fig 2-7: XOR, which no line divides"), inputs, Xor),
                Points(Plane("Fig 2-8: it takes a bent region")
                    .ContourFilled(side, side, region, [0, 0.5, 4], ColorMap.Blues, colorBar: false), inputs, Xor))
                .Size(1230, 410),
            "saito-ch2-perceptrons.svg");
        return new Dictionary<string, double> { ["rightSums"] = right };
    }

    /// <summary>1 where w1 x1 + w2 x2 + bias is positive, for each row (x1, x2).</summary>
    private static Func<Tensor, Tensor> Gate(double w1, double w2, double bias) => x =>
        Tensor.Greater(x.MatMul(Tensor.From([w1, w2])) + bias, Tensor.Scalar(0.0)).To(x.DType);

    /// <summary>1 where w1 x1 + w2 x2 is above a threshold.</summary>
    private static Func<Tensor, Tensor> Threshold(double w1, double w2, double threshold) => x =>
        Tensor.Greater(x.MatMul(Tensor.From([w1, w2])), Tensor.Scalar(threshold)).To(x.DType);

    /// <summary>The largest of the inputs 0, 0.1, 0.2, ... with which a neuron of weight 1 does not fire.</summary>
    private static Tensor LargestSilent(double bias)
    {
        Tensor inputs = Tensor.Arange(0, 300) / 10.0;
        Tensor fires = Tensor.Greater(inputs + bias, Tensor.Scalar(0.0));
        return Tensor.Where(fires, Tensor.ZerosLike(inputs), inputs).Max();
    }

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
