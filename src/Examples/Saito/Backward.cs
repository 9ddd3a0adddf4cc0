using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapters 5.5 and 5.6 and appendix A: layers, and what flows back through them. Where the text derives a formula, the
/// largest distance from it is compared with zero.</summary>
internal static class Backward
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor m = Tensor.From([1.0, -0.5, -2, 3], 2, 2);
        Tensor through = Gradient.Of((Tensor x) => Tensor.Relu(x).Sum())(m);
        settings.Compare("5.5", "where ReLU of [[1 -0.5] [-2 3]] lets nothing back", "[[0 1] [1 0]]", 1 - through);

        // The nodes of the graph of a sigmoid, and all of them together.
        Tensor x = Tensor.Linspace(-4, 4, 81);
        Func<Tensor, Tensor> Slope(Func<Tensor, Tensor> f) => Gradient.Of((Tensor v) => f(v).Sum());
        Tensor y = Tensor.Sigmoid(x), positive = Tensor.Exp(x);
        settings.Compare("5.5", "slope of 1 / x less -y²", "0.0000000000", Slope(v => 1 / v)(positive).DistanceTo(-Tensor.Square(1 / positive)));
        settings.Compare("5.5", "slope of exp x less exp x", "0.0000000000", Slope(Tensor.Exp)(x).DistanceTo(Tensor.Exp(x)));
        Tensor slope = Slope(v => 1 / (1 + Tensor.Exp(-v)))(x);
        settings.Compare("5.5", "slope of 1 / (1 + exp -x) less y² exp -x", "0.0000000000", slope.DistanceTo(Tensor.Square(y) * Tensor.Exp(-x)));
        settings.Compare("5.5", "less y (1 - y)", "0.0000000000", slope.DistanceTo(y * (1 - y)));

        Affine(settings);
        double loss = SoftmaxWithLoss(settings);
        return new Dictionary<string, double> { ["loss"] = loss };
    }

    private static void Affine(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor Random(int place, params int[] shape) => key.FoldIn(place).Normal(shape, dtype: DType.Float64);
        Tensor w = Random(0, 2, 3), b = Random(1, 3);
        foreach ((string what, Tensor x, string shapes) in new[] { ("one example", Random(2, 2), "(2) (2, 3) (3)"), ("a batch of N", Random(3, 5, 2), "(N, 2) (2, 3) (3)") })
        {
            (Tensor y, Func<Tensor, (Tensor, Tensor, Tensor)> pull) = Vjp.Of((Tensor input, Tensor weight, Tensor bias) => input.MatMul(weight) + bias)(x, w, b);
            Tensor dy = Tensor.Cos(y);
            (Tensor dx, Tensor dw, Tensor db) = pull(dy);
            settings.Compare("5.6", $"shapes of dX, dW, dB for {what}", shapes, Tensor.From([dx.Shape[^1], .. dw.Shape, .. db.Shape]));
            settings.Compare("5.6", "distance from dX = dY Wᵀ", "0.0000000000", dx.DistanceTo(dy.MatMul(w.Transpose())));
            settings.Compare("5.6", "from dW = Xᵀ dY", "0.0000000000", dw.DistanceTo(x.Reshape(-1, 2).Transpose().MatMul(dy.Reshape(-1, 3))));
        }

        Tensor products = Tensor.From([0.0, 0, 0, 10, 10, 10], 2, 3);
        (Tensor shifted, Func<Tensor, Tensor> toBias) = Vjp.Of((Tensor bias) => products + bias)(Tensor.From([1.0, 2.0, 3.0]));
        settings.Compare("5.6", "a bias is added to each row", "[[1 2 3] [11 12 13]]", shifted);
        settings.Compare("5.6", "and gets the sum of what comes back", "[5 7 9]", toBias(Tensor.From([1.0, 2, 3, 4, 5, 6], 2, 3)));
    }

    private static double SoftmaxWithLoss(Settings settings)
    {
        // The figure shows four of ten scores, and ends its numbers instead of rounding them.
        double[] shown = Tensor.From([5.3, 0.3, 10.1, 0.01]).Softmax(0).ToArray<double>();
        double Cut(double value, int digits) => Math.Floor(value * Math.Pow(10, digits)) / Math.Pow(10, digits);
        settings.Compare("5.6", "softmax of the scores 5.3, 0.3, 10.1, 0.01, cut off", "0.008 0.00005 0.991 0.00004", Tensor.From(
            [Cut(shown[0], 3), Cut(shown[1], 5), Cut(shown[2], 3), Cut(shown[3], 5)]));

        Tensor target = Tensor.From([0.0, 1.0, 0.0]);
        Func<Tensor, Tensor> back = Gradient.Of((Tensor scores) => -(target * scores.LogSoftmax(0)).Sum());
        settings.Compare("5.6", "back through softmax and loss when the output is (0.3, 0.2, 0.5)", "(0.3 -0.8 0.5)", back(Tensor.Log(Tensor.From([0.3, 0.2, 0.5]))));
        settings.Compare("5.6", "when it is (0.01, 0.99, 0), nearly right", "(0.01 -0.01 0)", back(Tensor.Log(Tensor.From([0.01, 0.99, 1e-300]))));

        Tensor a = new Key(settings.Seed).Normal([3], dtype: DType.Float64), y = a.Softmax(0);
        Tensor squared = Gradient.Of((Tensor output) => 0.5 * Tensor.Square(output - target).Sum())(a);
        settings.Compare("5.6", "back through identity and half the squared error, less output minus target", "0.0000000000", squared.DistanceTo(a - target));

        settings.Compare("A.2", "slope of log x less 1 / x", "0.0000000000", Gradient.Of((Tensor p) => Tensor.Log(p).Sum())(y).DistanceTo(1 / y));
        Func<Tensor, Tensor> entropy = output => -(target * Tensor.Log(output)).Sum();
        settings.Compare("A.2", "back through the cross entropy alone, less -t / y", "0.0000000000", Gradient.Of(entropy)(y).DistanceTo(-target / y));

        // All nodes of the figure: exp, sum, quotient, logarithm, product, sum.
        (Tensor loss, Tensor slope) = Gradient.ValueAndGrad((Tensor scores) => entropy(Tensor.Exp(scores) / Tensor.Exp(scores).Sum()))(a);
        settings.Compare("A.2", "through the nodes of softmax too, less y - t", "0.0000000000", slope.DistanceTo(y - target));
        return loss.ToDouble();
    }
}
