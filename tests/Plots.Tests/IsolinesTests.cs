using Autodiff.Plots;

namespace Plots.Tests;

public class IsolinesTests
{
    [Fact]
    public void The_line_of_a_circle_is_one_ring_at_its_distance()
    {
        (double[] x, Matrix z) = Sampled((p, q) => p * p + q * q);
        List<Point> ring = Assert.Single(Isolines.Lines(x, x, z, 1));
        Assert.Equal(ring[0], ring[^1]);
        Assert.All(ring, point => Assert.Equal(1, Math.Sqrt(point.X * point.X + point.Y * point.Y), 1e-3));
    }

    [Fact]
    public void A_line_that_leaves_the_grid_is_open()
    {
        (double[] x, Matrix z) = Sampled((p, q) => p + 2 * q);
        List<Point> line = Assert.Single(Isolines.Lines(x, x, z, 0.3));
        Assert.All(line, point => Assert.Equal(0.3, point.X + 2 * point.Y, 1e-9));
        Assert.NotEqual(line[0], line[^1]);
    }

    [Fact]
    public void Areas_have_their_size_also_at_the_rim_and_with_holes()
    {
        (double[] x, Matrix z) = Sampled((p, q) => -(p * p + q * q));

        // The part of the square from -2 to 2 inside the circle of radius 1, then all but a hole in the middle.
        Assert.Equal(Math.PI, Isolines.Areas(x, x, z, -1).Sum(OutlineTests.Area), 0.01);
        (_, Matrix bowl) = Sampled((p, q) => p * p + q * q);
        List<List<Point>> rings = Isolines.Areas(x, x, bowl, 1);
        Assert.Equal(2, rings.Count);
        double[] areas = [.. rings.Select(OutlineTests.Area).Order()];
        Assert.Equal(16 - Math.PI, areas[1] - areas[0], 0.01);
        Assert.Equal(16, Isolines.Areas(x, x, bowl, double.MinValue).Sum(OutlineTests.Area), 1e-9);
    }

    [Fact]
    public void A_saddle_is_split_as_its_middle_says()
    {
        double[] x = [0, 1];
        Assert.Equal(2, Isolines.Lines(x, x, new([1, 0, 0, 1], 2, 2), 0.4).Count);
        List<List<Point>> high = Isolines.Lines(x, x, new([1, 0, 0, 1], 2, 2), 0.4);

        // The middle, 0.5, is above the level: the corners that are low are cut off.
        Assert.All(high, line =>
            Assert.True(line.All(point => point.X - point.Y > 0) || line.All(point => point.X - point.Y < 0)));
        List<List<Point>> low = Isolines.Lines(x, x, new([1, 0, 0, 1], 2, 2), 0.6);
        Assert.All(low, line =>
            Assert.True(line.All(point => point.X + point.Y < 1) || line.All(point => point.X + point.Y > 1)));
    }

    [Fact]
    public void Gaps_stay_gaps()
    {
        (double[] x, Matrix z) = Sampled((p, q) => p * p + q * q < 0.25 ? double.NaN : p);
        Assert.Equal(2, Isolines.Lines(x, x, z, 0).Count);
        Assert.InRange(Isolines.Areas(x, x, z, -9).Select(OutlineTests.Area).Min(), 0.5, 1.2);
        Assert.Empty(Isolines.Lines(x, x, new(new double[z.Items.Length], z.Rows, z.Columns), 1));
        Assert.Empty(Isolines.Areas([], [], new([], 0, 0), 1));
    }

    [Fact]
    public void Infinite_heights_do_not_break_lines()
    {
        (double[] x, Matrix z) = Sampled((p, q) => 1 / (p * p + q * q));
        Assert.Contains(z.Items, double.IsInfinity);
        Assert.All(Isolines.Lines(x, x, z, 1).SelectMany(line => line), point => Assert.True(point.IsFinite));
        Assert.All(Isolines.Areas(x, x, z, 500).SelectMany(line => line), point => Assert.True(point.IsFinite));
    }

    private static (double[] X, Matrix Z) Sampled(Func<double, double, double> function)
    {
        const int count = 81;
        double[] x = [.. Enumerable.Range(0, count).Select(i => -2 + 4.0 * i / (count - 1))];
        return (x, new([.. x.SelectMany(q => x.Select(p => function(p, q)))], count, count));
    }
}
