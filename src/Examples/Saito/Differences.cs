namespace Autodiff.Examples.Saito;

/// <summary>Derivatives by central differences, as chapter 4.3 takes them.</summary>
internal static class Differences
{
    /// <summary>(f(x + h) - f(x - h)) / 2h at each element.</summary>
    internal static Tensor Derivative(Func<Tensor, Tensor> f, Tensor x, double h = 1e-4) => (f(x + h) - f(x - h)) / (2 * h);

    /// <summary>The same along each axis of a vector: all moved points go through the function at once.</summary>
    internal static Tensor Gradient(Func<Tensor, Tensor> f, Tensor x, double h = 1e-4)
    {
        Tensor moves = Tensor.Eye(x.Size, x.DType) * h;
        Func<Tensor, Tensor> all = Vmap.Of(f);
        return (all(x + moves) - all(x - moves)) / (2 * h);
    }
}
