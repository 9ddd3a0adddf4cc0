namespace Autodiff.Examples.GradBench;

/// <summary>The eval particle: where a charge must stand so that a particle, pushed by it and by another, lands at the
/// origin. Its path is integrated with the gradient of the potential, inside the gradient of the search.</summary>
internal static class Particle
{
    private const double TimeStep = 0.1;

    internal static Module Module { get; } = Module.Interpreted<Input, Tensor>(
        "particle",
        input =>
        {
            Module.Expect("w", input.W);
            return input.W;
        },
        [.. Descent.Nestings.Select(nesting => (nesting.Name, (Func<Tensor, object>)(start =>
            Descent.ArgMin(w => Landing(w, nesting.Inner), nesting.Outer, start))))]);

    /// <summary>The square of the place at which the particle reaches the ground.</summary>
    private static Tensor Landing(Tensor w, Mode mode)
    {
        Tensor charges = Tensor.From([10.0, 10.0, 10.0, 0.0], 2, 2) - w * Tensor.From([0.0, 1.0, 0.0, 0.0], 2, 2);
        Tensor Potential(Tensor x) => Tensor.Rsqrt(Tensor.Square(x - charges).Sum(1)).Sum();

        Func<Tensor, Tensor> force = mode(Potential);
        Tensor place = Tensor.From([0.0, 8.0], 2), velocity = Tensor.From([0.75, 0.0], 2);
        while (true)
        {
            Tensor acceleration = -force(place);
            place += TimeStep * velocity;
            if (place[1].ToDouble() <= 0)
            {
                Tensor delay = -place[1] / velocity[1];
                return Tensor.Square((place + delay * velocity)[0]);
            }

            velocity += TimeStep * acceleration;
        }
    }

    private sealed record Input(Tensor W);
}
