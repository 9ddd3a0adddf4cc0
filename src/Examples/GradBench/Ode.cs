namespace Autodiff.Examples.GradBench;

/// <summary>The eval ode: a chain of linear differential equations, by the classical method of Runge and Kutta.</summary>
internal static class Ode
{
    internal static Module Module { get; } = Module.Of<Input, Input>(
        "ode",
        input =>
        {
            Module.Expect("x", input.X, input.X.Size);
            return input is { X.Size: >= 1, S: >= 1 }
                ? input
                : throw new ArgumentException($"there are {input.X.Size} equations and s is {input.S}; both must be at least 1.");
        },
        ("primal", input => Integrate(input.X, input.S)),
        ("gradient", input => Gradient.Of<Tensor>(x => Integrate(x, input.S)[^1])(input.X)));

    /// <summary>y(2) from y(0) = 0, where y_i' = x_i y_(i - 1) and y_(-1) = 1.</summary>
    private static Tensor Integrate(Tensor x, int steps)
    {
        Tensor one = Tensor.From([1.0], 1);
        Tensor Slope(Tensor y) => x * Tensor.Concat(0, one, y[..^1]);

        double h = 2.0 / steps;
        Tensor Step(Tensor y)
        {
            Tensor k1 = Slope(y);
            Tensor k2 = Slope(y + h / 2 * k1);
            Tensor k3 = Slope(y + h / 2 * k2);
            Tensor k4 = Slope(y + h * k3);
            return y + h / 6 * (k1 + 2.0 * (k2 + k3) + k4);
        }

        return ControlFlow.ForiLoop(0, steps, (_, y) => Step(y), Tensor.ZerosLike(x));
    }

    private sealed record Input(Tensor X, int S);
}
