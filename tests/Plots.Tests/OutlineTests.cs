using System.Globalization;
using System.Text.RegularExpressions;
using Autodiff.Plots;

namespace Plots.Tests;

public class OutlineTests
{
    private static readonly Box Page = new(0, 0, 600, 400);

    [Fact]
    public void Points_are_written_relative_to_each_other_and_do_not_drift()
    {
        var random = new Random(3);
        Point[] points = [.. Enumerable.Range(0, 1000)
            .Select(i => new Point(random.NextDouble() * 600, random.NextDouble() * 400))];
        var outline = new Outline();
        outline.Move(points[0].X, points[0].Y);
        foreach (Point point in points.Skip(1)) outline.Line(point.X, point.Y);
        Point[] read = Read(outline.ToString());
        Assert.Equal(points.Length, read.Length);
        for (int i = 0; i < points.Length; i++)
        {
            Assert.Equal(points[i].X, read[i].X, 0.0051);
            Assert.Equal(points[i].Y, read[i].Y, 0.0051);
        }
    }

    [Theory]
    [InlineData(500)]
    [InlineData(200_000)]
    public void Points_that_the_eye_misses_are_left_out_and_no_others(int count)
    {
        Point[] points =
        [
            .. Enumerable.Range(0, count).Select(i => i * 600.0 / count)
                .Select(x => new Point(x, 200 + 150 * Math.Sin(x / 40) + 20 * Math.Sin(x * 0.9))),
        ];
        Point[] read = Read(new Outline().Polyline(points, Page).ToString());
        Assert.True(read.Length < Math.Min(count, 3000), $"{read.Length} points are left");
        Assert.All(points, point => Assert.True(Distance(point, read) < 0.3, $"{point} is not on the line"));
    }

    [Fact]
    public void A_straight_line_needs_two_points()
    {
        Point[] points = [.. Enumerable.Range(0, 1000).Select(i => new Point(i / 2.0, i / 4.0))];
        Assert.Equal("M0 0l499.5 249.75", new Outline().Polyline(points, Page).ToString());
    }

    [Fact]
    public void Noise_keeps_its_peaks()
    {
        var random = new Random(4);
        Point[] points = [.. Enumerable.Range(0, 300_000)
            .Select(i => new Point(i * 600.0 / 300_000, 200 + 10 * random.NextDouble()))];
        points[123_456] = points[123_456] with { Y = 17 };
        Point[] read = Read(new Outline().Polyline(points, Page).ToString());
        Assert.Contains(read, point => Math.Abs(point.Y - 17) < 0.01 && Math.Abs(point.X - points[123_456].X) < 0.01);
        Assert.True(read.Length < 12_000);
    }

    [Fact]
    public void What_is_not_finite_makes_a_gap_and_a_point_alone_a_dot()
    {
        Point[] points =
        [
            new(1, 1), new(2, 2), new(double.NaN, 3), new(4, 4), new(5, double.PositiveInfinity), new(6, 6), new(7, 8),
        ];
        Assert.Equal("M1 1l1 1M4 4h0M6 6l1 2", new Outline().Polyline(points, Page).ToString());
    }

    [Fact]
    public void Lines_without_length_do_not_join_what_follows()
    {
        Outline outline = new Outline().Polyline([new(1, 1), new(1, 1)], Page).Polyline([new(2, 2), new(3, 2)], Page);
        Assert.Equal("M1 1M2 2l1 0", outline.ToString());
    }

    [Fact]
    public void Lines_are_cut_at_the_box()
    {
        Point[] points = [new(-1e6, 100), new(300, 100), new(300, -1e6), new(310, -1e6), new(310, 50)];
        Assert.Equal("M0 100l300 0 0-100M310 0l0 50", new Outline().Polyline(points, Page).ToString());
        Assert.Equal("", new Outline().Polyline([new(-50, -50), new(-10, 500)], Page).ToString());
        Assert.Equal("", new Outline().Polyline([new(-50, -50)], Page).ToString());
    }

    [Fact]
    public void Polygons_are_cut_at_the_box()
    {
        List<Point> cut = Lines.Clip([new(-1000, -1000), new(1000, -1000), new(1000, 1000), new(-1000, 1000)], Page);
        Assert.Equal(4, cut.Distinct().Count());
        Assert.Equal(600 * 400, Area(cut), 1e-6);
        Assert.Empty(Lines.Clip([new(-3, -3), new(-1, -3), new(-2, -1)], Page));
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(-0.001, "0")]
    [InlineData(0.5, ".5")]
    [InlineData(-0.25, "-.25")]
    [InlineData(10.1, "10.1")]
    [InlineData(123456.789, "123456.79")]
    public void Numbers_are_short(double value, string text) => Assert.Equal(text, Svg.Number(value));

    internal static double Area(IReadOnlyList<Point> ring) => Math.Abs(
        ring.Select((point, i) => point.X * ring[(i + 1) % ring.Count].Y - ring[(i + 1) % ring.Count].X * point.Y).Sum()) / 2;

    /// <summary>The points of path data of one line.</summary>
    private static Point[] Read(string data)
    {
        double[] numbers =
        [
            .. Regex.Matches(data, @"-?(\d+\.?\d*|\.\d+)")
                .Select(match => double.Parse(match.Value, CultureInfo.InvariantCulture)),
        ];
        var points = new List<Point> { new(numbers[0], numbers[1]) };
        for (int i = 2; i < numbers.Length; i += 2) points.Add(new(points[^1].X + numbers[i], points[^1].Y + numbers[i + 1]));
        return [.. points];
    }

    private static double Distance(Point point, Point[] line)
    {
        double least = double.PositiveInfinity;
        for (int i = 1; i < line.Length; i++)
        {
            double dx = line[i].X - line[i - 1].X, dy = line[i].Y - line[i - 1].Y, length = dx * dx + dy * dy;
            double t = length > 0
                ? Math.Clamp(((point.X - line[i - 1].X) * dx + (point.Y - line[i - 1].Y) * dy) / length, 0, 1) : 0;
            double x = point.X - line[i - 1].X - t * dx, y = point.Y - line[i - 1].Y - t * dy;
            least = Math.Min(least, Math.Sqrt(x * x + y * y));
        }

        return least;
    }
}
