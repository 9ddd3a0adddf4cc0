using Autodiff;
using Autodiff.Plots;

namespace Plots.Tests;

public class AxesTests
{
    public static TheoryData<string, Func<Axes>> Mistakes => new()
    {
        { "Line: y has 2 numbers where x has 3", () => new Axes().Line([0, 1, 2], [0, 1]) },
        { "Line: y has shape (2, 2)", () => new Axes().Line(Tensor.From([1, 2, 3, 4], 2, 2)) },
        { "Scatter: values has 1 numbers where x has 2", () => new Axes().Scatter([0, 1], [0, 1], values: [3]) },
        { "Bar: heights has 1 numbers where names has 2", () => new Axes().Bar(["a", "b"], [1]) },
        { "Histogram: bins is -1", () => new Axes().Histogram([1, 2], -1) },
        { "Histogram: the range from 2 to 1 is empty", () => new Axes().Histogram([1, 2], 3, 2, 1) },
        { "FillBetween: low has 3 numbers where x has 2", () => new Axes().FillBetween([0, 1], [0, 1, 2], [1]) },
        { "Quiver: v has 1 numbers where x has 2", () => new Axes().Quiver([0, 1], [0, 1], [0, 1], [1]) },
        { "HeatMap: z has shape (3)", () => new Axes().HeatMap([1, 2, 3]) },
        { "HeatMap: 1 rows were named where the matrix has 2", () => new Axes().HeatMap(new double[2, 2], rows: ["a"]) },
        { "HeatMap: x must be finite numbers that all rise or all fall", () => new Axes()
            .HeatMap(new double[1, 3], x: [0, 2, 1], y: [0]) },
        { "ConfusionMatrix: the counts have shape (2, 3)", () => new Axes().ConfusionMatrix(new double[2, 3]) },
        { "Image: the pixels have shape (2, 4, 4)", () => new Axes().Image(Tensor.Zeros([2, 4, 4])) },
        { "ImageGrid: the pixels have shape (4, 4)", () => new Axes().ImageGrid(Tensor.Zeros([4, 4])) },
        { "ImageGrid: 1 captions were given for 2 pictures", () => new Axes()
            .ImageGrid(Tensor.Zeros([2, 4, 4]), captions: ["a"]) },
        { "Contour: x has 2 numbers where a row of z has 3", () => new Axes().Contour([0, 1], [0, 1], new double[2, 3]) },
        { "ContourFilled: 1 levels were given", () => new Axes().ContourFilled([0, 1], [0, 1], new double[2, 2], [1]) },
        { "XLimits: from 2 to 1 is no interval", () => new Axes().XLimits(2, 1) },
        { "YTicks: 1 labels were given for 2 values", () => new Axes().YTicks([0, 1], ["a"]) },
        { "Size: 10 times 10 is no size", () => { new Axes().ToFigure(10, 10); return new(); } },
        { "Figure: there are no axes", () => { _ = new Figure(); return new(); } },
        { "YLog: none of the numbers is positive", () => { new Axes().Line([-1, 0]).YLog().ToFigure().ToSvg(); return new(); } },
        { "XLog: a limit of a logarithmic axis is not positive", () =>
            { new Axes().XLimits(low: 0).XLog().ToFigure().ToSvg(); return new(); } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Mistakes_are_named(string message, Func<Axes> mistake) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(mistake).Message, StringComparison.Ordinal);

    [Fact]
    public void Axes_do_not_change()
    {
        Axes empty = new();
        string before = empty.ToFigure().ToSvg();
        Axes full = empty.Line([0, 1], [0, 1]).Title("title");
        Assert.Equal(before, empty.ToFigure().ToSvg());
        Assert.NotEqual(before, full.ToFigure().ToSvg());
    }

    [Theory]
    [InlineData("<b>&amp; \"quoted\" 'text'")]
    [InlineData("]]> <!-- \u0001 \uD800 -->")]
    [InlineData("日本語 Ελληνικά — é 😀")]
    public void Any_text_is_shown_as_it_is(string text)
    {
        Picture picture = Picture.Of(new Axes().Line([0, 1], [0, 1], text).Title(text).XLabel(text).YLabel(text)
            .Text(0, 0, text));
        string expected = text.Replace('\u0001', '\uFFFD').Replace('\uD800', '\uFFFD');
        Assert.Equal(5, picture.Texts.Count(shown => shown == expected));
        picture.CheckTexts();
    }

    [Fact]
    public void Long_texts_are_broken_or_shortened_and_never_cut_off()
    {
        string text = string.Join(' ', Enumerable.Repeat("a long text that goes on", 8));
        Picture picture = Picture.Of(
            new Axes().Bar([text, text + "!", "short"], [1, 2, 3], text).Title(text).XLabel(text).YLabel(text)
                .Legend(LegendPlace.Outside));
        picture.CheckTexts();
        Assert.Contains(picture.Texts, shown => shown.EndsWith('…'));
        picture = Picture.Of(new Axes().Line([0, 1], [0, 1]).YTicks([0, 1], [text, text]).XTicks([0, 1], [text, text]));
        picture.CheckTexts();
    }

    [Fact]
    public void The_legend_stands_where_there_is_room()
    {
        // A line through three corners leaves the fourth.
        (double[] X, double[] Y, bool IsRight, bool IsUpper)[] corners =
        [
            ([0, 0, 1], [1, 0, 0], true, true), ([1, 1, 0], [1, 0, 0], false, true), ([0, 1, 1], [1, 1, 0], false, false),
            ([0, 0, 1], [0, 1, 1], true, false),
        ];
        foreach ((double[] x, double[] y, bool isRight, bool isUpper) in corners)
        {
            Picture picture = Picture.Of(new Axes().Line(x, y, "corner"));
            (double X, double Y) at = picture.Corners(picture.All("text").Single(text => text.Value == "corner"))[0];
            Assert.Equal(isRight, at.X > picture.Width / 2);
            Assert.Equal(isUpper, at.Y < picture.Height / 2);
        }
    }

    [Fact]
    public void A_legend_that_would_cover_much_goes_outside()
    {
        var random = new Random(8);
        Axes axes = new();
        for (int i = 0; i < 8; i++)
            axes = axes.Scatter([.. Enumerable.Range(0, 200).Select(_ => random.NextDouble())],
                [.. Enumerable.Range(0, 200).Select(_ => random.NextDouble())], $"class {i}");
        Picture picture = Picture.Of(axes);
        picture.CheckTexts();
        double right = picture.Corners(picture.All("text")
            .Single(text => text.Value == "1.0" && (string?)text.Attribute("text-anchor") == "middle"))[1].X;
        Assert.True(picture.Corners(picture.All("text").Single(text => text.Value == "class 0"))[0].X > right);
    }

    [Theory]
    [InlineData(1, 0, 200, 150)]
    [InlineData(4, 0, 500, 400)]
    [InlineData(12, 0, 1600, 900)]
    [InlineData(5, 1, 300, 1200)]
    public void Figures_of_any_size_keep_their_texts(int count, int columns, int width, int height)
    {
        var random = new Random(9);
        Axes[] axes =
        [
            .. Enumerable.Range(0, count).Select(i => new Axes()
                .Line([.. Enumerable.Range(0, 30).Select(_ => Math.Pow(10, i - 4) * random.NextDouble())]).Title($"axes {i}")
                    .XLabel("step").YLabel("loss")),
        ];
        new Picture(new Figure(columns, axes).Size(width, height).ToSvg()).CheckTexts();
    }

    [Fact]
    public void Equal_units_are_equally_long()
    {
        Picture picture = Picture.Of(new Axes().Line([0, 10], [0, 3]).EqualAspect());
        System.Xml.Linq.XElement frame = picture.All("rect").Single(rect => (string?)rect.Attribute("fill") == "none");
        Assert.Equal(10 / 3.0, (double)frame.Attribute("width")! / (double)frame.Attribute("height")!, 0.01);
    }

    [Fact]
    public void A_save_writes_all_or_nothing()
    {
        using var folder = new TempFolder();
        string svg = folder["figure.svg"], html = folder["figure.HTML"];
        Axes axes = new Axes().Line([0, 1], [0, 1]).Title("title");
        axes.Save(svg);
        axes.Save(html);
        Assert.Equal(axes.ToFigure().ToSvg(), File.ReadAllText(svg));
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(html), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Axes().Line([-1]).YLog().Save(svg));
        Assert.Equal(axes.ToFigure().ToSvg(), File.ReadAllText(svg));
        Assert.Contains(".svg nor .html", Assert.Throws<ArgumentException>(() => axes.Save(folder["figure.png"]))
            .Message, StringComparison.Ordinal);
        Assert.Throws<DirectoryNotFoundException>(() => axes.Save(Path.Combine(folder.Folder, "none", "figure.svg")));
        Assert.Equal(2, Directory.GetFiles(folder.Folder).Length);
    }
}
