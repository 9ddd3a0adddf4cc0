namespace Autodiff.Examples.GradBench;

/// <summary>The eval llsq: how far a polynomial lies from the sign function, at points spread over [-1, 1].</summary>
internal static class LeastSquares
{
    internal static Module Module { get; } = Module.Of<Input, Problem>(
        "llsq",
        input =>
        {
            Module.Expect("x", input.X, input.X.Size);
            return input.N >= 2
                ? new Problem(input.X, Tensor.Arange(input.N))
                : throw new ArgumentException($"n is {input.N}; it must be at least 2.");
        },
        ("primal", problem => Primal(problem.X, problem.Places)),
        ("gradient", problem => Gradient.Of<Tensor>(x => Primal(x, problem.Places))(problem.X)));

    private static Tensor Primal(Tensor coefficients, Tensor places)
    {
        Tensor t = places * (2.0 / (places.Size - 1)) - 1.0;
        return 0.5 * Tensor.Square(Tensor.Signum(t) - Polynomial(coefficients, t)).Sum();
    }

    /// <summary>sum_j c_j t^j, where j = width i + k: sum_i t^(width i) (sum_k c_ik t^k), whose inner sums are one product of
    /// matrices. Two short tables of powers take the place of one long one.</summary>
    private static Tensor Polynomial(Tensor coefficients, Tensor t)
    {
        int width = 1;
        while (width * width < coefficients.Size) width *= 2;
        int height = (coefficients.Size + width - 1) / width, missing = height * width - coefficients.Size;
        if (missing > 0) coefficients = Tensor.Concat(0, coefficients, Tensor.Full([missing], 0, DType.Float64));
        (Tensor low, Tensor next) = Powers(t, width);
        Tensor high = Powers(next, height).Table;
        return (high * coefficients.Reshape(height, width).MatMul(low)).Sum(0);
    }

    /// <summary>The powers t^0 to t^(count - 1) as rows, and a power after them; those that are known, times the next, double
    /// their number.</summary>
    private static (Tensor Table, Tensor Next) Powers(Tensor t, int count)
    {
        Tensor powers = Tensor.OnesLike(t).Reshape(1, -1);
        Tensor next = t;
        while (powers.Shape[0] < count)
        {
            powers = Tensor.Concat(0, powers, powers * next);
            next = Tensor.Square(next);
        }

        return (powers[..count], next);
    }

    /// <summary>The coefficients, and the numbers 0 to n - 1 of the points.</summary>
    private sealed record Problem(Tensor X, Tensor Places);

    private sealed record Input(Tensor X, int N);
}
