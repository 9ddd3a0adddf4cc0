using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>
/// Chapter 1: sums along axes and broadcasting, the chain rule in numbers, and the gradients of sigmoid(X W) by its inputs, with
/// figures 1-20 and 1-23. The matrices are those that the text draws.
/// </summary>
internal static class Matrices
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor a = Tensor.From([1.0, 2.0, 3.0]), b = Tensor.From([4.0, 5.0, 6.0]);
        List<double> first3 = [1, 2, 3], next3 = [4, 5, 6];
        settings.Compare("1.1", "the sum of two lists is both", "[1, 2, 3, 4, 5, 6]", Tensor.From([.. first3, .. next3]));
        settings.Compare("1.1", "sum of two arrays", "[5 7 9]", a + b);
        settings.Compare("1.1", "product of two arrays", "[4 10 18]", a * b);
        Tensor square = Tensor.FromArray(new double[,] { { 1, 2 }, { 3, 4 } });
        settings.Compare("1.1", "sum along axis 0", "[4 6]", square.Sum(0));
        settings.Compare("1.1", "sum along axis 1", "[3 7]", square.Sum(1));
        Tensor rows = Tensor.FromArray(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        settings.Compare("1.1", "an array added to each row", "[[11 22 33] [14 25 36]]", rows + Tensor.From([10.0, 20.0, 30.0]));

        settings.Compare("1.1", "what is below 0 cut off, x.clip(min=0)", "[0 0 2]", Tensor.Relu(Tensor.From([-1.0, 0.0, 2.0])), source: Source.Hand);
        settings.Compare("1.1", "axes exchanged", "[[1 4] [2 5] [3 6]]", rows.Transpose(), source: Source.Hand);

        // f1 has the value 5 and the slope 3 at 3; f2 has the slope -2 at 5.
        Func<Tensor, Tensor> f1 = x => 3 * x - 4, f2 = u => -2 * u;
        settings.Compare("1.4", "f1(3) and the slope of f2(f1(x)) there", "5 -6", Tensor.Stack(0, f1(Tensor.Scalar(3.0)), Gradient.Of<Tensor>(x => f2(f1(x)))(Tensor.Scalar(3.0))));

        // 1.6 and 1.7: sigmoid(x + y), whose slopes by x and by y are that of sigmoid at the sum; 1.9 and 1.10: X W, whose slope by X is W'.
        (Tensor byX, Tensor byY) = Gradient.Of<Tensor, Tensor>((x, y) => Tensor.Sigmoid(x + y).Sum())(a, b);
        Tensor ofSum = Gradient.Of<Tensor>(s => Tensor.Sigmoid(s).Sum())(a + b);
        settings.Compare("1.7", "slopes of sigmoid(x + y) by x and y less that at the sum", "[[0.000 0.000 0.000] [0.000 0.000 0.000]]", Tensor.Stack(0, byX - ofSum, byY - ofSum), source: Source.Hand);
        Tensor column = Tensor.FromArray(new double[,] { { 1 }, { 2 }, { 3 } });
        settings.Compare("1.10", "slope of X W by X", "[[1 2 3]]", Gradient.Of<Tensor>(p => p.MatMul(column).Sum())(a.Reshape(1, 3)), source: Source.Hand);

        // 1.11: one row of features, one column of weights.
        var random = new NumPyRandom(190203);
        Tensor x = random.Randn(1, 3), w = random.Randn(3, 1);
        Tensor slope = Gradient.Of<Tensor>(p => S(p, w).Sum())(x);
        settings.Compare("1.11", "X", "[[0.4723 0.6151 -1.7262]]", x);
        settings.Compare("1.11", "dS/dX", "[[0.0852 -0.0557 -0.1121]]", slope);
        settings.Compare("1.11", "change of S for 0.01 more in x3", "-0.001121", 0.01 * slope[0, 2].ToDouble());
        Tensor third = Tensor.Eye(3, DType.Float64)[2].Reshape(1, 3);
        settings.Compare("1.11", "and what it really is", "-0.00112612", (S(x + 0.01 * third, w) - S(x, w)).Sum(), source: Source.Hand);

        // 1.12 and 1.13: a sum over a matrix.
        random = new NumPyRandom(190204);
        Tensor m = random.Randn(3, 3), v = random.Randn(3, 2);
        (Tensor loss, (Tensor byM, Tensor byV)) = Gradient.ValueAndGrad<Tensor, Tensor>((m, v) => S(m, v).Sum())(m, v);
        settings.Compare("1.12", "X", "[[-1.5775 -0.6664 0.6391] [-0.5615 0.7373 -1.4231] [-1.4435 -0.3913 0.1539]]", m);
        settings.Compare("1.12", "L", "2.3755", loss);
        settings.Compare("1.13", "dL/dX", "[[0.2489 -0.3748 0.0112] [0.126 -0.2781 -0.1395] [0.2299 -0.3662 -0.0225]]", byM);
        Tensor first = Tensor.Eye(9, DType.Float64)[0].Reshape(3, 3);
        settings.Compare("1.13", "dL/dx11 by a difference of 0.001", "0.2489", (S(m + 0.001 * first, v).Sum() - loss) / 0.001);
        settings.Compare("1.13", "dL/dW", "[[-0.7578 -0.8726] [-0.1868 -0.0853] [0.0679 -0.1414]]", byV, source: Source.Hand);
        settings.Compare("1.13", "dS/dN", "[[0.2477 0.2418] [0.0874 0.2349] [0.2202 0.2489]]", Gradient.Of<Tensor>(n => Tensor.Sigmoid(n).Sum())(m.MatMul(v)), source: Source.Hand);

        // Appendix: a bias is added to every row, so its gradient is the sum of the gradients of the rows.
        Tensor products = m.MatMul(v), bias = Tensor.Full([1, 2], 0, DType.Float64);
        Tensor byBias = Gradient.Of<Tensor>(b => Tensor.Sigmoid(products + b).Sum())(bias);
        Tensor byProducts = Gradient.Of<Tensor>(n => Tensor.Sigmoid(n).Sum())(products);
        settings.Compare("A", "gradient of a bias less the sum over rows", "[[0.000 0.000]]", byBias - byProducts.Sum(0), source: Source.Hand);

        Tensor moves = Tensor.Linspace(-0.6, 0.6, 121), wide = Tensor.Linspace(-2.5, 0.5, 121);
        Func<Tensor, Tensor> along = Vmap.Of<Tensor, Tensor>(t => S(x + t * third, w).Sum());
        Func<Tensor, Tensor> byFirst = Vmap.Of<Tensor, Tensor>(t => S(m + (t - m[0, 0]) * first, v).Sum());
        settings.Compare("1.13", "L where x11 is -1.5, -1, -0.5 and 0", "2.3948 2.5202 2.6418 2.754", byFirst(Tensor.From([-1.5, -1.0, -0.5, 0.0])), source: Source.Hand);
        settings.Compare("1.13", "slope of L about there", "0.25", (byFirst(Tensor.From([-1.0])) - byFirst(Tensor.From([-2.0]))).Sum(), How.About, Source.Figure);
        double s = S(x, w)[0, 0].ToDouble(), x3 = x[0, 2].ToDouble(), x11 = m[0, 0].ToDouble();
        settings.Save(
            new Figure(
                new Axes().Title("Fig 1-20: S against x3").XLabel("x3").YLabel("S").Line(moves + x3, along(moves), "S")
                    .Line(moves + x3, s + slope[0, 2] * moves, "slope -0.1121", dash: Dash.Dashed)
                    .Scatter([x3], [s], color: "black", size: 7),
                new Axes().Title("Fig 1-23: L against x11").XLabel("x11").YLabel("L").Line(wide, byFirst(wide), "L")
                    .Line(wide, loss + byM[0, 0] * (wide - x11), "slope 0.2489", dash: Dash.Dashed)
                    .Scatter([x11], [loss.ToDouble()], color: "black", size: 7)).Size(900, 400),
            "weidman-ch1-matrices.svg");
        return new Dictionary<string, double> { ["loss"] = loss.ToDouble() };
    }

    private static Tensor S(Tensor x, Tensor w) => Tensor.Sigmoid(x.MatMul(w));
}
