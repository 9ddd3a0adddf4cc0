namespace Autodiff.Examples.GradBench;

/// <summary>The eval lse: log (sum (exp x)), without overflow.</summary>
internal static class LogSumExp
{
    internal static Module Module { get; } = Module.Of<Input, Tensor>(
        "lse",
        input =>
        {
            Module.Expect("x", input.X, input.X.Size);
            return input.X;
        },
        ("primal", Primal),
        ("gradient", x => Gradient.Of<Tensor>(Primal)(x)));

    private static Tensor Primal(Tensor x)
    {
        // The result does not depend on what is subtracted.
        Tensor largest = Gradient.Stop(x.Max());
        return largest + Tensor.Log(Tensor.Exp(x - largest).Sum());
    }

    private sealed record Input(Tensor X);
}
