namespace Autodiff.Layers;

/// <summary>Data in fewer dimensions along the directions of their largest variance.</summary>
/// <param name="Scores">The data in the new coordinates, (n, components).</param>
/// <param name="Components">The directions, orthonormal, one for each row: (components, features). Of each, the element of
/// largest size is positive.</param>
/// <param name="Mean">The mean of the data, (features).</param>
/// <param name="Variances">The variance along each direction (divided by n - 1), falling.</param>
/// <param name="Shares">The share of each in the variance of the data; 0 if that is 0.</param>
public sealed record PrincipalComponents(Tensor Scores, Tensor Components, Tensor Mean, Tensor Variances, Tensor Shares)
{
    /// <summary>Other data in the new coordinates: (x - mean) times the transposed directions.</summary>
    public Tensor Apply(Tensor data) => (data - Mean).MatMul(Components.Transpose());

    /// <summary>The data that coordinates stand for; what has been left out is missing.</summary>
    public Tensor Invert(Tensor scores) => scores.MatMul(Components) + Mean;
}

/// <summary>Ways to look at data of many dimensions.</summary>
public static class Projection
{
    /// <summary>Principal component analysis: with X - mean = U S V^T, the scores are the first columns of U S.</summary>
    /// <param name="data">Examples, (n, features), at least two.</param>
    /// <param name="components">The number of directions, from 1 to the smaller of n and features.</param>
    /// <exception cref="ArgumentException">The data are no such matrix, or the number does not fit.</exception>
    public static PrincipalComponents Pca(Tensor data, int components = 2)
    {
        Tensor x = Matrix(nameof(Pca), data, 2);
        int n = x.Shape[0], most = Math.Min(n, x.Shape[1]);
        if (components < 1 || components > most)
            throw new ArgumentException($"Pca: data of shape {Shapes.Format(data.Shape)} have no {components} components; ask for 1 to {most}.");
        Tensor mean = x.Mean(0);
        Tensor centred = x - mean;
        (Tensor u, Tensor s, Tensor vt) = Linalg.svd(centred).ToValueTuple();
        Tensor directions = vt[..components];
        Tensor size = Tensor.Abs(directions);
        Tensor sign = Tensor.Signum(directions.Gather(size.ArgMax(1).Reshape(components, 1), 1));
        Tensor squares = Tensor.Square(s), total = squares.Sum();
        Tensor kept = squares[..components];
        Tensor none = Tensor.EqualTo(total, total * 0);
        return new(
            u[.., ..components] * (s[..components] * sign.Reshape(-1)), directions * sign, mean, kept / Math.Max(1, n - 1),
            kept / Tensor.Where(none, total * 0 + 1, total));
    }

    /// <summary>
    /// t-distributed stochastic neighbour embedding: points of the plane whose neighbourhoods are those of the data. Nearness
    /// in the data is p(i, j), normal about each point with the width that gives the perplexity; nearness in the plane is q(i, j),
    /// proportional to 1 / (1 + distance^2); gradient descent with momentum makes the divergence of q from p small (van der
    /// Maaten and Hinton 2008).
    /// </summary>
    /// <remarks>Exact: each step takes all pairs of points, time and memory n^2: for some thousands of points. The start is the
    /// first principal components, so that the same data give the same picture; where many features are noise, reduce them by
    /// <see cref="Pca"/> first.</remarks>
    /// <param name="data">Examples, (n, features), at least 4.</param>
    /// <param name="components">The dimensions of the result.</param>
    /// <param name="perplexity">How many neighbours count, at least 1 and below n / 3 or so; lowered to (n - 1) / 3 if it is
    /// larger.</param>
    /// <param name="iterations">The number of steps.</param>
    /// <param name="progress">Receives the share of the steps that has been made, now and then.</param>
    /// <param name="cancellationToken">Cancels between steps.</param>
    /// <exception cref="ArgumentException">The data are no such matrix, or a number lies outside its range.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Tensor TSne(
        Tensor data, int components = 2, double perplexity = 30, int iterations = 750, IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        const double exaggeration = 12;
        const int early = 250;
        Tensor x = Matrix(nameof(TSne), data, 4);
        Shapes.AtLeast(1, iterations, nameof(TSne), nameof(iterations));
        if (!(perplexity >= 1)) throw new ArgumentException($"TSne: the perplexity {perplexity} is not at least 1.");
        int n = x.Shape[0];
        Tensor p = Affinities(x, Math.Min(perplexity, (n - 1) / 3.0));
        PrincipalComponents start = Pca(x, components);

        // A small start, so that all points attract each other, in the proportions of the data.
        Tensor largest = Tensor.Sqrt(start.Variances[0]);
        Tensor y = start.Scores * (1e-4 / Tensor.Maximum(largest, largest * 0 + 1e-30));
        Tensor velocity = y * 0, gains = velocity + 1;
        double rate = Math.Max(n / exaggeration / 4, 50);
        for (int step = 0; step < iterations; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor near = 1 / (SquaredDistances(y) + 1) * OffDiagonal(n, y.DType);
            Tensor force = (p * (step < early ? exaggeration : 1) - near / near.Sum()) * near;
            Tensor gradient = 4 * (y * force.Sum([1], true) - force.MatMul(y));

            // Steps grow where the gradient keeps its sign, as in the authors' program.
            Tensor isTurned = Tensor.Greater(gradient * velocity, y * 0);
            gains = Tensor.Maximum(Tensor.Where(isTurned, gains * 0.8, gains + 0.2), y * 0 + 0.01);
            velocity = velocity * (step < early ? 0.5 : 0.8) - gains * gradient * rate;
            y += velocity;
            y -= y.Mean([0], true);
            if (step % 50 == 49) progress?.Report((step + 1.0) / iterations);
        }

        return y;
    }

    /// <summary>p(i, j): the mean of the nearness of j to i and of i to j, of sum 1.</summary>
    internal static Tensor Affinities(Tensor x, double perplexity)
    {
        int n = x.Shape[0];
        Tensor off = OffDiagonal(n, x.DType);
        Tensor distances = SquaredDistances(x);

        // Taken from the nearest neighbour, so that no row of weights is all zeros.
        Tensor shifted = (distances - (distances + (1 - off) * 1e30).Min([1], true)) * off;
        double target = Math.Log(perplexity);
        Tensor low = Tensor.Full([n, 1], 0, x.DType), high = low + double.PositiveInfinity;
        Tensor steepest = low + 1e30, mean = shifted.Mean([1], true);
        Tensor beta = 1 / Tensor.Maximum(mean, 1 / steepest);
        Tensor rows = beta;
        for (int i = 0; i < 64; i++)
        {
            Tensor weights = Tensor.Exp(-(shifted * beta)) * off;
            Tensor sum = weights.Sum([1], true);
            rows = weights / sum;
            Tensor entropy = Tensor.Log(sum) + beta * (rows * shifted).Sum([1], true);
            Tensor isTooWide = Tensor.Greater(entropy, entropy * 0 + target);
            low = Tensor.Where(isTooWide, beta, low);
            high = Tensor.Where(isTooWide, high, beta);
            beta = Tensor.Where(Tensor.IsInfinite(high), Tensor.Minimum(beta * 2, steepest), (low + high) / 2);
        }

        return (rows + rows.Transpose()) / (2.0 * n);
    }

    private static Tensor OffDiagonal(int n, DType dtype) => 1 - Tensor.Eye(n, dtype);

    private static Tensor SquaredDistances(Tensor x)
    {
        Tensor squares = Tensor.Square(x).Sum([1], true);
        Tensor distances = squares + squares.Transpose() - 2 * x.MatMul(x.Transpose());
        return Tensor.Maximum(distances, distances * 0);
    }

    private static Tensor Matrix(string owner, Tensor data, int least)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Rank != 2 || data.Shape[0] < least || data.Shape[1] == 0)
            throw new ArgumentException($"{owner}: data have shape {Shapes.Format(data.Shape)}; it takes examples (n, features), at least {least}. Flatten images with Reshape.");
        return data.DType is DType.Float32 or DType.Float64 ? data : data.To(DType.Float32);
    }
}
