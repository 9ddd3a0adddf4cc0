using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class ProjectionTests
{
    /// <summary>Groups of points far from each other in ten dimensions, one after another.</summary>
    private static Tensor Groups(int groups, int size) => Tensor.Concat(
        0, Enumerable.Range(0, groups).Select(i => new Key(i).Normal([size, 10]) + new Key(100 + i).Normal([1, 10]) * 10));

    [Fact]
    public void Components_are_those_of_the_covariance()
    {
        Tensor data = new Key(1).Normal([200, 4], dtype: DType.Float64).MatMul(new Key(2).Normal([4, 4], dtype: DType.Float64)) + 3;
        PrincipalComponents pca = Projection.Pca(data, 4);
        Tensor centred = data - data.Mean(0);
        Tensor covariance = centred.Transpose().MatMul(centred) / 199;
        double[,] turned = pca.Components.MatMul(covariance).MatMul(pca.Components.Transpose()).ToArray2D<double>();
        double[] variances = pca.Variances.ToArray<double>();
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) Assert.Equal(i == j ? variances[i] : 0, turned[i, j], 1e-9);
        Assert.Equal(variances.OrderDescending(), variances);
        Assert.Equal(1, pca.Shares.Sum().ToDouble(), 1e-12);
        Assert.All(pca.Scores.ToArray<double>().Zip(pca.Apply(data).ToArray<double>()), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
        Assert.All(pca.Invert(pca.Scores).ToArray<double>().Zip(data.ToArray<double>()), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
        double[,] directions = pca.Components.ToArray2D<double>();
        for (int i = 0; i < 4; i++) Assert.True(Enumerable.Range(0, 4).Select(j => directions[i, j]).MaxBy(Math.Abs) > 0);
        PrincipalComponents two = Projection.Pca(data);
        Assert.Equal([200, 2], two.Scores.Shape);
        Assert.Equal(pca.Scores[.., ..2].ToArray<double>(), two.Scores.ToArray<double>());
    }

    [Fact]
    public void Nearness_has_the_perplexity_asked_for()
    {
        Tensor data = new Key(3).Normal([60, 5], dtype: DType.Float64);
        Tensor p = Projection.Affinities(data, 12);
        Assert.Equal(1, p.Sum().ToDouble(), 1e-12);
        Assert.Equal(p.ToArray<double>(), p.Transpose().ToArray<double>());
        Assert.All(Enumerable.Range(0, 60), i => Assert.Equal(0, p[i, i].ToDouble()));

        // Equally far points: each has all others for neighbours, alike.
        double[] equal = Projection.Affinities(Tensor.Eye(7, DType.Float64), 6).ToArray<double>();
        Assert.All(Enumerable.Range(0, 49), k => Assert.Equal(k % 8 == 0 ? 0 : 1 / 42.0, equal[k], 1e-9));
    }

    [Fact]
    public void Embedded_groups_stay_together_and_apart()
    {
        const int groups = 4, size = 25;
        Tensor points = Projection.TSne(Groups(groups, size), perplexity: 10, iterations: 400);
        Assert.Equal([groups * size, 2], points.Shape);
        double[,] at = points.ToArray2D<double>();
        for (int i = 0; i < groups * size; i++)
        {
            int nearest = Enumerable.Range(0, groups * size).Where(j => j != i)
                .MinBy(j => Math.Pow(at[i, 0] - at[j, 0], 2) + Math.Pow(at[i, 1] - at[j, 1], 2));
            Assert.Equal(i / size, nearest / size);
        }

        Assert.Equal(points.ToArray<float>(), Projection.TSne(Groups(groups, size), perplexity: 10, iterations: 400).ToArray<float>());
    }

    [Fact]
    public void Degenerate_data_give_finite_points()
    {
        foreach (Tensor data in new[] { Tensor.Ones(10, 3), Tensor.Concat(0, Tensor.Zeros(5, 3), new Key(1).Normal([5, 3])) })
        {
            Assert.All(Projection.TSne(data, iterations: 60).ToArray<float>(), value => Assert.True(float.IsFinite(value)));
            Assert.All(Projection.Pca(data).Shares.ToArray<float>(), value => Assert.True(float.IsFinite(value)));
        }
    }

    [Fact]
    public void What_cannot_be_projected_is_refused()
    {
        Assert.Contains("(n, features)", Assert.Throws<ArgumentException>(() => Projection.Pca(Tensor.Ones(4))).Message);
        Assert.Contains("1 to 3", Assert.Throws<ArgumentException>(() => Projection.Pca(Tensor.Ones(9, 3), 4)).Message);
        Assert.Contains("at least 4", Assert.Throws<ArgumentException>(() => Projection.TSne(Tensor.Ones(3, 3))).Message);
        Assert.Contains("perplexity", Assert.Throws<ArgumentException>(() => Projection.TSne(Tensor.Ones(9, 3), perplexity: 0)).Message);
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => Projection.TSne(Groups(2, 5), cancellationToken: source.Token));
    }
}
