namespace Autodiff.Examples.GradBench;

/// <summary>The eval gmm: the log posterior of a mixture of Gaussians with a Wishart prior.</summary>
internal static class Gmm
{
    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "gmm",
        Prepare,
        ("objective", problem => problem.LogPosterior(problem.Mixture)),
        ("jacobian", problem => Gradient.Of<Mixture>(problem.LogPosterior)(problem.Mixture)));

    private static Problem Prepare(Input input)
    {
        (int d, int k, int n) = (input.D, input.K, input.N);
        Module.Expect("x", input.X, n, d);
        Module.Expect("alpha", input.Alpha, k);
        Module.Expect("mu", input.Mu, k, d);
        Module.Expect("q", input.Q, k, d);
        Module.Expect("l", input.L, k, d * (d - 1) / 2);

        // A row of exp q, l and a zero, in this order, holds the entries of the factor at these places.
        int[] places = new int[d * d];
        Array.Fill(places, d * (d + 1) / 2);
        for (int column = 0, next = d; column < d; column++)
        {
            places[column * d + column] = column;
            for (int row = column + 1; row < d; row++) places[row * d + column] = next++;
        }

        return new Problem(
            new Mixture(input.Alpha, input.Mu, input.Q, input.L), input.X.Transpose(), Tensor.From(places, d, d),
            input.M, input.Gamma, Constant(input));
    }

    /// <summary>The part of the log posterior that does not depend on the mixture.</summary>
    private static double Constant(Input input)
    {
        int d = input.D, freedom = d + input.M + 1;
        double logGamma = d * (d - 1) / 4.0 * Math.Log(Math.PI);
        for (int j = 1; j <= d; j++) logGamma += MathNet.Numerics.SpecialFunctions.GammaLn((freedom + 1 - j) / 2.0);
        double prior = freedom * d * (Math.Log(input.Gamma) - 0.5 * Math.Log(2)) - logGamma;
        return input.K * prior - input.N * (d / 2.0) * Math.Log(2 * Math.PI);
    }

    /// <summary>Weights (k), means (k, d), and the factors of the inverse covariances: the logarithms of their diagonals
    /// (k, d) and what lies below, column by column.</summary>
    private sealed record Mixture(Tensor Alpha, Tensor Mu, Tensor Q, Tensor L);

    private sealed record Problem(Mixture Mixture, Tensor Points, Tensor Places, int M, double Gamma, double Constant)
    {
        internal Tensor LogPosterior(Mixture mixture)
        {
            (int k, int d, int n) = (mixture.Mu.Shape[0], mixture.Mu.Shape[1], Points.Shape[1]);
            Tensor diagonals = Tensor.Exp(mixture.Q);
            Tensor logDeterminants = mixture.Q.Sum(1);
            Tensor entries = Tensor.Concat(1, diagonals, mixture.L, Tensor.Full([k, 1], 0, DType.Float64));
            Tensor factors = entries.Take(Places, 1);

            // Q_c (x_i - mu_c) for all components c and points i: one product of matrices for all of them.
            Tensor products = factors.Reshape(k * d, d).MatMul(Points).Reshape(k, d, n);
            Tensor whitened = products - factors.MatMul(mixture.Mu.Reshape(k, d, 1));
            Tensor densities = (mixture.Alpha + logDeterminants).Reshape(k, 1) - 0.5 * Tensor.Square(whitened).Sum(1);

            Tensor frobenius = Tensor.Square(diagonals).Sum() + Tensor.Square(mixture.L).Sum();
            Tensor wishart = 0.5 * Gamma * Gamma * frobenius - M * logDeterminants.Sum();
            return densities.LogSumExp(0).Sum() - n * mixture.Alpha.LogSumExp() - wishart + Constant;
        }
    }

    private sealed record Input(
        int D, int K, int N, Tensor X, int M, double Gamma, Tensor Alpha, Tensor Mu, Tensor Q, Tensor L);
}
