using Autodiff.Kernels;

namespace Kernels.Tests;

public class RandomVariatesTests
{
    [Fact]
    public void Numbers_count_from_the_beginning_of_each_example()
    {
        double[] a = [.. Enumerable.Range(0, 3000).Select(i => 0.3 + i % 1000 % 7)];
        double[] all = new double[a.Length], one = new double[1000];
        RandomVariates.LogGamma(5, 1000, a, all);
        RandomVariates.LogGamma(5, 1000, a.AsSpan(0, 1000), one);
        for (int i = 0; i < 3; i++) Assert.True(all.AsSpan(1000 * i, 1000).SequenceEqual(one));
        long[] counts = new long[a.Length], few = new long[1000];
        RandomVariates.Poisson(5, 1000, a, counts);
        RandomVariates.Poisson(5, 1000, a.AsSpan(0, 1000), few);
        for (int i = 0; i < 3; i++) Assert.True(counts.AsSpan(1000 * i, 1000).SequenceEqual(few));
    }

    [Fact]
    public void Parameters_outside_are_marked()
    {
        double[] logs = new double[4];
        RandomVariates.LogGamma(1, 4, [0, -1, double.PositiveInfinity, double.NaN], logs);
        Assert.Equal([double.NegativeInfinity, double.NaN, double.PositiveInfinity, double.NaN], logs);
        long[] counts = new long[4];
        RandomVariates.Poisson(1, 4, [0, -1, double.NaN, 1e30], counts);
        Assert.Equal([0, -1, -1, -1], counts);
        RandomVariates.Binomial(1, 4, [0, 2.5, 5, 5], [0.5, 0.5, -0.1, 1], counts);
        Assert.Equal([0, -1, -1, 5], counts);
        Assert.Throws<ArgumentException>(() => RandomVariates.LogGamma(1, 4, [1.0], new double[2]));
    }

    [Fact]
    public void Derivatives_of_levels_are_those_of_the_exponential_distribution_and_of_sums()
    {
        // P(1, z) = 1 - exp(-z): transport between 1 and 2 solves 1 - exp(-x) = 1 - (1 + z) exp(-z).
        foreach (double z in new[] { 0.01, 0.5, 1.9, 4, 20 })
        {
            double[] y = new double[1];
            GammaLevels.Transport([1.0], [2.0], [Math.Log(z)], y);
            Assert.Equal(1, (z - Math.Log(1 + z)) / Math.Exp(y[0]), 1e-11);
            GammaLevels.Transport([2.0], [1.0], y, y);
            Assert.Equal(Math.Log(z), y[0], 1e-12);
        }

        // The series and the continued fraction meet where one takes over from the other.
        foreach (double a in new[] { 0.2, 1, 7, 400 })
        {
            for (int order = 1; order <= 3; order++)
            {
                double[] below = new double[1], above = new double[1];
                GammaLevels.Derivative(order, [a], [Math.Log(a + 1) - 1e-13], below);
                GammaLevels.Derivative(order, [a], [Math.Log(a + 1) + 1e-13], above);
                Assert.True(Math.Abs(below[0] - above[0]) < 1e-9 * (1 + Math.Abs(below[0])), $"{a} {order}: {below[0]} {above[0]}");
            }
        }

        double[] result = new double[3];
        GammaLevels.Derivative(1, [0, -1, double.NaN], [1, 1, 1], result);
        Assert.All(result, v => Assert.True(double.IsNaN(v)));
    }
}
