using System.Globalization;
using Autodiff;
using Autodiff.Plots;

namespace Plots.Tests;

/// <summary>Every kind of mark, over every kind of data.</summary>
public class MarksTests
{
    /// <summary>The marks of points, from the coordinates.</summary>
    private static readonly Dictionary<string, Func<double[], double[], Axes>> Marks = new()
    {
        ["Line"] = (x, y) => new Axes().Line(x, y, "label", marker: Marker.Square),
        ["Scatter"] = (x, y) => new Axes().Scatter(x, y, "label"),
        ["Scatter with values"] = (x, y) => new Axes().Scatter(x, y, values: y, opacity: 0.5, marker: Marker.Diamond),
        ["Step"] = (x, y) => new Axes().Step(x, y, StepAt.Middle, "label"),
        ["Bar"] = (x, y) => new Axes().Bar(x, y, "one").Bar(x, y, "two", stacked: true).Bar(x, y, "three"),
        ["Bar with names"] = (x, y) => new Axes().Bar([.. x.Select((_, i) => $"name {i}")], y),
        ["Histogram"] = (_, y) => new Axes().Histogram(y, label: "label"),
        ["Histogram of densities"] = (_, y) => new Axes().Histogram(y, 7, density: true),
        ["FillBetween"] = (x, y) => new Axes().FillBetween(x, [0.5], y, "label"),
        ["ErrorBars"] = (x, y) => new Axes().ErrorBars(x, y, [0.25], y, "label"),
        ["HeatMap"] = (_, y) => new Axes().HeatMap(Tensor.From(y, 1, y.Length), numbers: true),
        ["ConfusionMatrix"] = (_, y) => new Axes().ConfusionMatrix(Square(y)),
        ["Image"] = (_, y) => y.Length == 0 ? new Axes() : new Axes().Image(Square(y)),
        ["ImageGrid"] = (_, y) => new Axes()
            .ImageGrid(Tensor.From(y, y.Length, 1, 1), captions: [.. y.Select((_, i) => $"picture {i}")]),
        ["Contour"] = (_, y) => new Axes().Contour(Count(y), Count(y), Square(y), numbers: true),
        ["ContourFilled"] = (_, y) => new Axes().ContourFilled(Count(y), Count(y), Square(y)),
        ["Quiver"] = (x, y) => new Axes().Quiver(x, y, x, y, label: "label"),
        ["Lines across"] = (x, y) => y.Length == 0 ? new Axes() : new Axes().HorizontalLine(y[0], "label").VerticalLine(x[0]),
        ["Text"] = (x, y) => y.Length == 0 ? new Axes() : new Axes().Text(x[0], y[^1], "text").Text(x[^1], y[0], "text"),
        ["Arrow"] = (x, y) => y.Length == 0 ? new Axes() : new Axes().Arrow(x[0], y[0], x[^1], y[^1], "text"),
    };

    private static readonly Dictionary<string, double[]> Data = new()
    {
        ["none"] = [],
        ["one"] = [3],
        ["zero"] = [0],
        ["some"] = [1, 3, 2, 5, 4],
        ["the same"] = [2, 2, 2, 2],
        ["below zero"] = [-1, -3, -2],
        ["gaps"] = [1, double.NaN, 2, double.PositiveInfinity, double.NegativeInfinity, 4, double.NaN],
        ["nothing finite"] = [double.NaN, double.PositiveInfinity, double.NaN],
        ["huge"] = [-1.7e308, 1.7e308, 0, 1e308],
        ["tiny"] = [1e-320, 3e-310, 2e-305],
        ["wide"] = [1e-200, 1, 1e200],
        ["close"] = [1e15, 1e15 + 1, 1e15 + 2],
    };

    public static TheoryData<string> Kinds => new(Marks.Keys);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Any_data_make_a_picture_that_can_be_read(string kind)
    {
        foreach ((string name, double[] y) in Data)
        {
            Axes axes = Marks[kind](Count(y), y).Title(name).XLabel("x").YLabel("y");
            foreach (Axes shown in new[] { axes, axes.ReverseX().ReverseY(), axes.EqualAspect(), axes.XLimits(-1, 2)
                .YLimits(-1, 2) })
            {
                Picture picture = Picture.Of(shown);
                picture.CheckNumbers();
                picture.CheckTexts();
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Logarithmic_axes_show_what_is_positive_and_say_so_if_nothing_is(string kind)
    {
        foreach ((string name, double[] y) in Data)
        {
            double[] x = Array.ConvertAll(Count(y), i => i + 1);
            Axes axes = Marks[kind](x, y).XLog().YLog().Title(name);
            Exception? error = Record.Exception(() =>
            {
                Picture picture = Picture.Of(axes);
                picture.CheckNumbers();
                picture.CheckTexts();
            });
            if (error is not null)
            {
                Assert.IsType<ArgumentException>(error);
                Assert.Contains("none of the numbers is positive", error.Message, StringComparison.Ordinal);
                Assert.DoesNotContain(name, (string[])["none", "some", "wide", "close"]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_same_data_make_the_same_picture_in_every_language(string kind)
    {
        double[] y = [1.25, 3.5, 2.125, 1234.5];
        string here = Marks[kind](Count(y), y).ToFigure().ToSvg();
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalSeparator = ",";
            culture.NumberFormat.NegativeSign = "~";
            CultureInfo.CurrentCulture = culture;
            Assert.Equal(here, Marks[kind](Count(y), y).ToFigure().ToSvg());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void Bars_of_one_call_stand_beside_or_on_those_of_another()
    {
        // Of two bars side by side each has half the width; one that is stacked ends where both heights end.
        string[] names = ["a", "b"];
        BarMark[] marks =
        [
            .. new Axes().Bar(names, [1, -2]).Bar(names, [3, -4], stacked: true).Bar(["b", "c"], [5, 6]).Marks.Cast<BarMark>(),
        ];
        Assert.Equal([0, 0, 1], marks.Select(mark => mark.Slot));
        Assert.Equal([1, -2], marks[1].Bases);
        Assert.Equal([1, 2], marks[2].X);
        Assert.Equal(["a", "b", "c"], marks[2].Names);
    }

    [Fact]
    public void Histograms_count_every_number_once()
    {
        var random = new Random(6);
        double[] values = [.. Enumerable.Range(0, 1000).Select(_ => random.NextDouble()), 1, double.NaN, double.PositiveInfinity];
        var counted = (HistogramMark)new Axes().Histogram(values).Marks[0];
        Assert.Equal(1001, counted.Heights.Sum());
        var density = (HistogramMark)new Axes().Histogram(values, 10, 0, 0.5, density: true).Marks[0];
        Assert.Equal(1, density.Heights.Sum() * 0.05, 1e-12);
        var exact = (HistogramMark)new Axes().Histogram([0, 0.5, 1, 1, 2], 2, 0, 2).Marks[0];
        Assert.Equal([2, 3], exact.Heights);
    }

    [Fact]
    public void Steps_rise_where_they_are_told()
    {
        LineMark Mark(StepAt at) => (LineMark)new Axes().Step([0, 2, 4], [1, 5, 3], at).Marks[0];
        Assert.Equal([0, 0, 0, 2, 2, 2, 4], Mark(StepAt.Before).X);
        Assert.Equal([0, 1, 1, 2, 3, 3, 4], Mark(StepAt.Middle).X);
        Assert.Equal([0, 2, 2, 2, 4, 4, 4], Mark(StepAt.After).X);
        Assert.Equal([1, 1, 5, 5, 5, 3, 3], Mark(StepAt.After).Y);
    }

    [Fact]
    public void Colors_go_round_and_then_lines_are_broken()
    {
        Axes axes = new();
        for (int i = 0; i < 12; i++) axes = axes.Line([0, 1], [0, i], $"line {i}");
        Picture picture = Picture.Of(axes);
        string[] styles = [.. picture.All("g").First().Elements()
            .Select(path => (string)path.Attribute("stroke")! + (string?)path.Attribute("stroke-dasharray"))];
        Assert.Equal(12, styles.Distinct().Count());
        Assert.StartsWith(styles[0], styles[10], StringComparison.Ordinal);
        picture.CheckTexts();
    }

    [Fact]
    public void Many_points_make_a_small_file()
    {
        var random = new Random(7);
        double level = 0;
        double[] walk = [.. Enumerable.Range(0, 1_000_000).Select(_ => level += random.NextDouble() - 0.5)];
        Assert.InRange(new Axes().Line(walk).ToFigure().ToSvg().Length, 1_000, 150_000);
        double[] x = [.. Enumerable.Range(0, 10_000).Select(_ => random.NextDouble())],
            y = [.. x.Select(_ => random.NextDouble())];
        Assert.InRange(new Axes().Scatter(x, y).ToFigure().ToSvg().Length, 1_000, 200_000);
    }

    [Fact]
    public void Arrays_lists_tensors_and_matrices_are_values()
    {
        string expected = new Axes().Line([0, 1, 2], [3, 1, 2]).ToFigure().ToSvg();
        Assert.Equal(expected, new Axes().Line(new[] { 0, 1, 2 }, new float[] { 3, 1, 2 }).ToFigure().ToSvg());
        Assert.Equal(expected, new Axes().Line(new List<double> { 0, 1, 2 }, new long[] { 3, 1, 2 }).ToFigure().ToSvg());
        Assert.Equal(expected, new Axes().Line(Tensor.From([3, 1, 2])).ToFigure().ToSvg());
        Assert.Equal(expected, new Axes().Line(Tensor.From([3f, 1, 2], 3, 1)).ToFigure().ToSvg());
        Assert.Equal(
            new Axes().HeatMap(new double[,] { { 1, 2 }, { 3, 4 } }).ToFigure().ToSvg(),
            new Axes().HeatMap(Tensor.From([1, 2, 3, 4], 2, 2)).ToFigure().ToSvg());
    }

    private static double[] Count(double[] values) => [.. values.Select((_, i) => (double)i)];

    /// <summary>A square matrix with values in each row.</summary>
    private static Tensor Square(double[] values) =>
        Tensor.From([.. values.SelectMany(_ => values)], values.Length, values.Length);
}
