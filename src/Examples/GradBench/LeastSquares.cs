namespace Autodiff.Examples.GradBench;

/// <summary>The eval llsq: how far a polynomial lies from the sign function, at points spread over [-1, 1].</summary>
internal static class LeastSquares
{
    internal static Module Module { get; } = Module.Of<Input, Input>(
        "llsq",
        input =>
        {
            Module.Expect("x", input.X, input.X.Size);
            return input.N >= 2 ? input : throw new ArgumentException($"n is {input.N}; it must be at least 2.");
        },
        ("primal", input => Primal(input.X, input.N)),
        ("gradient", input => Gradient.Of<Tensor>(x => Primal(x, input.N))(input.X)));

    private static Tensor Primal(Tensor coefficients, int count)
    {
        Tensor t = TensorModule.linspace(-1, 1, count);
        Tensor residuals = Tensor.Signum(t) - coefficients.MatMul(Powers(t, coefficients.Size));
        return 0.5 * Tensor.Square(residuals).Sum();
    }

    /// <summary>The powers t^0 to t^(count - 1) as rows; those that are known, times the next, double their number.</summary>
    private static Tensor Powers(Tensor t, int count)
    {
        Tensor powers = TensorModule.onesLike(t).Reshape(1, -1);
        Tensor next = t;
        while (powers.Shape[0] < count)
        {
            powers = TensorModule.concat(0, [powers, powers * next]);
            next = Tensor.Square(next);
        }

        return powers[..count];
    }

    private sealed record Input(Tensor X, int N);
}
