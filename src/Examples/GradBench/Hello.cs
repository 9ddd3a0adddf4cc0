namespace Autodiff.Examples.GradBench;

/// <summary>The eval hello: a square and its derivative.</summary>
internal static class Hello
{
    internal static Module Module { get; } = Module.Of<Tensor, Tensor>(
        "hello", x => x, ("square", Square), ("double", x => Gradient.Of<Tensor>(Square)(x)));

    private static Tensor Square(Tensor x) => x * x;
}
