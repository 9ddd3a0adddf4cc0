using System.Globalization;
using System.Xml.Linq;
using Autodiff.Plots;

namespace Plots.Tests;

/// <summary>An SVG, read back.</summary>
internal sealed class Picture
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    internal Picture(string svg)
    {
        Source = svg;
        Root = XDocument.Parse(svg).Root!;
        Assert.Equal(Svg + "svg", Root.Name);
    }

    internal string Source { get; }

    internal XElement Root { get; }

    internal double Width => Number(Root, "width");

    internal double Height => Number(Root, "height");

    internal IEnumerable<string> Texts => All("text").Select(text => text.Value);

    internal static Picture Of(Axes axes) => new(axes.ToFigure().ToSvg());

    internal IEnumerable<XElement> All(string name) => Root.Descendants(Svg + name);

    /// <summary>Where a text stands, by the table of widths: its corners, turned as it is.</summary>
    internal (double X, double Y)[] Corners(XElement text)
    {
        double size = text.Attribute("font-size") is null ? TextSize.Ticks : Number(text, "font-size");
        double x = Number(text, "x"), y = Number(text, "y");
        double width = TextWidth.Of(text.Value, size, text.Attribute("font-weight") is not null);
        double left = (string?)text.Attribute("text-anchor") switch { "end" => x - width, "middle" => x - width / 2, _ => x };
        (double X, double Y)[] corners =
        [
            (left, y - 0.76 * size), (left + width, y - 0.76 * size), (left + width, y + 0.24 * size), (left, y + 0.24 * size),
        ];
        if ((string?)text.Attribute("transform") is not { } turn) return corners;
        double angle = double.Parse(turn["rotate(".Length..turn.IndexOf(' ')], CultureInfo.InvariantCulture) * Math.PI / 180;
        return Array.ConvertAll(corners, corner => (
            x + (corner.X - x) * Math.Cos(angle) - (corner.Y - y) * Math.Sin(angle),
            y + (corner.X - x) * Math.Sin(angle) + (corner.Y - y) * Math.Cos(angle)));
    }

    /// <summary>No text is cut off, and no two that stand upright lie on each other.</summary>
    internal void CheckTexts()
    {
        XElement[] texts = [.. All("text")];
        foreach (XElement text in texts)
        {
            Assert.All(Corners(text), corner =>
            {
                Assert.True(corner.X >= 0 && corner.X <= Width, $"'{text.Value}' is cut off at {corner.X:0} of {Width}");
                Assert.True(corner.Y >= 0 && corner.Y <= Height, $"'{text.Value}' is cut off at {corner.Y:0} of {Height}");
            });
        }

        // Turned texts and those with a halo may come near others.
        XElement[] upright = [.. texts.Where(text => text.Attribute("transform") is null && text.Attribute("stroke") is null)];
        for (int i = 0; i < upright.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                (double X, double Y)[] a = Corners(upright[i]), b = Corners(upright[j]);
                bool meet = a[0].X < b[1].X && b[0].X < a[1].X && a[0].Y < b[2].Y && b[0].Y < a[2].Y;
                Assert.False(meet, $"'{upright[i].Value}' lies on '{upright[j].Value}'");
            }
        }
    }

    /// <summary>Nothing that a reader of SVG cannot read.</summary>
    internal void CheckNumbers()
    {
        Assert.DoesNotContain("NaN",
            string.Concat(Root.DescendantsAndSelf().Attributes().Where(IsData).Select(attribute => attribute.Value)),
            StringComparison.Ordinal);
        Assert.All(Root.DescendantsAndSelf().Attributes().Where(IsData), attribute =>
        {
            Assert.DoesNotContain('∞', attribute.Value);
            Assert.Matches("^[-0-9. a-zA-Z%]*$", attribute.Value);
            Assert.DoesNotMatch("[0-9]E", attribute.Value);
        });
        Assert.DoesNotContain(",", string.Concat(All("path").Select(path => (string)path.Attribute("d")!)),
            StringComparison.Ordinal);
    }

    private static bool IsData(XAttribute attribute) =>
        attribute.Name.LocalName is "d" or "x" or "y" or "width" or "height" or "stroke-width";

    private static double Number(XElement element, string name) =>
        double.Parse((string)element.Attribute(name)!, CultureInfo.InvariantCulture);
}
