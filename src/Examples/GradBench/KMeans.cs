namespace Autodiff.Examples.GradBench;

/// <summary>The eval kmeans: the squared distances of points from the nearest of some centroids, and Newton's step.</summary>
internal static class KMeans
{
    internal static Module Module { get; } = Module.Of<Input, Input>(
        "kmeans",
        input =>
        {
            Module.Expect("points", input.Points, input.Points.Shape[0], input.Points.Size / Math.Max(input.Points.Shape[0], 1));
            Module.Expect("centroids", input.Centroids, input.Centroids.Shape[0], input.Points.Shape[1]);
            return input;
        },
        ("cost", input => Cost(input.Points, input.Centroids)),
        ("dir", input => Direction(input.Points, input.Centroids)));

    private static Tensor Cost(Tensor points, Tensor centroids)
    {
        // |c - p|^2 = |c|^2 - 2 c p + |p|^2, of which the last term does not choose the centroid.
        Tensor squares = Tensor.Square(centroids).Sum([1], keepAxes: true) + (-2.0 * centroids).MatMul(points.Transpose());
        return squares.Min(0).Sum() + Tensor.Square(points).Sum();
    }

    /// <summary>The gradient divided by the diagonal of the Hessian. There is nothing beside the diagonal, which is therefore
    /// the product of the Hessian with ones: one run of the gradient gives it, pulled back.</summary>
    private static Tensor Direction(Tensor points, Tensor centroids)
    {
        Func<Tensor, Tensor> gradient = Gradient.Of<Tensor>(c => Cost(points, c));
        (Tensor slope, Func<Tensor, Tensor> pullback) = Vjp.Of(gradient)(centroids);
        return slope / pullback(Tensor.OnesLike(centroids));
    }

    private sealed record Input(Tensor Points, Tensor Centroids);
}
