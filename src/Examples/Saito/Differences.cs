using Autodiff.Layers;

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

    /// <summary>The same for parameters, in the way of the text: one element after another moves, and the function is asked
    /// twice.</summary>
    internal static Parameters Gradient(Func<Parameters, Tensor> f, Parameters parameters, CancellationToken cancellation, double h = 1e-4)
    {
        Tensor[] leaves = [.. parameters.Leaves], slopes = new Tensor[leaves.Length];
        foreach ((int place, Tensor leaf) in parameters.Leaves.Index())
        {
            double[] values = leaf.ToArray<double>(), slope = new double[values.Length];
            double At(int i, double value)
            {
                double before = values[i];
                values[i] = value;
                leaves[place] = Tensor.From(values, leaf.Shape);
                values[i] = before;
                return f(parameters.WithLeaves(leaves)).ToDouble();
            }

            for (int i = 0; i < values.Length; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                slope[i] = (At(i, values[i] + h) - At(i, values[i] - h)) / (2 * h);
            }

            leaves[place] = leaf;
            slopes[place] = Tensor.From(slope, leaf.Shape);
        }

        return parameters.WithLeaves(slopes);
    }
}
