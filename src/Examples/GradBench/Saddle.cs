namespace Autodiff.Examples.GradBench;

/// <summary>The eval saddle: min_p max_v f (p, v), where each step of the outer search runs a whole inner one.</summary>
internal static class Saddle
{
    internal static Module Module { get; } = Module.Interpreted<Input, Tensor>(
        "saddle",
        input =>
        {
            Module.Expect("start", input.Start, 2);
            return input.Start;
        },
        [.. Descent.Nestings.Select(nesting =>
            (nesting.Name, (Func<Tensor, object>)(start => Find(start, nesting.Outer, nesting.Inner))))]);

    private static Tensor Find(Tensor start, Mode outer, Mode inner)
    {
        Tensor Best(Tensor p) => Height(p, Descent.ArgMax(v => Height(p, v), inner, start));
        Tensor p = Descent.ArgMin(Best, outer, start);
        return Tensor.Concat(0, p, Descent.ArgMax(v => Height(p, v), outer, start));
    }

    private static Tensor Height(Tensor p, Tensor v) => Tensor.Square(p).Sum() - Tensor.Square(v).Sum();

    private sealed record Input(Tensor Start);
}
