using System.Globalization;
using System.Text;

namespace Autodiff.Plots;

/// <summary>Where text is held at its point.</summary>
internal enum Anchor
{
    Start,
    Middle,
    End,
}

/// <summary>Writes elements of SVG. Numbers are in the invariant culture, to a hundredth of a pixel.</summary>
/// <param name="prefix">What the ids start with, so that several pictures share one page.</param>
internal sealed class Svg(string prefix)
{
    internal const string Foreground = "#262626";
    internal const string Fonts = "Arial,Helvetica,'Liberation Sans','DejaVu Sans',sans-serif";

    private readonly StringBuilder text = new();
    private int ids;

    public override string ToString() => text.ToString();

    /// <summary>A number as SVG wants it: no exponent, no zeros that say nothing.</summary>
    internal static string Number(double value)
    {
        double rounded = Math.Round(value, 2);
        if (rounded == 0) return "0";
        string digits = rounded.ToString("0.##", CultureInfo.InvariantCulture);
        return digits.StartsWith("0.", StringComparison.Ordinal) ? digits[1..]
            : digits.StartsWith("-0.", StringComparison.Ordinal) ? "-" + digits[2..]
            : digits;
    }

    /// <summary>Text as content or attribute; what XML cannot hold becomes a replacement character.</summary>
    internal static string Escape(string value)
    {
        var escaped = new StringBuilder(value.Length);
        foreach (Rune rune in value.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '"' => escaped.Append("&quot;"),
                '\'' => escaped.Append("&#39;"),
                '\t' or '\n' or '\r' => escaped.Append(' '),
                < 0x20 or 0x7F or 0xFFFE or 0xFFFF => escaped.Append('\uFFFD'),
                _ => escaped.Append(rune.ToString()),
            };
        }

        return escaped.ToString();
    }

    internal string NewId() => prefix + ids++;

    internal void Raw(string markup) => text.Append(markup);

    internal void Open(string element, string attributes) => text.Append('<').Append(element).Append(attributes).Append('>');

    internal void Close(string element) => text.Append("</").Append(element).Append(">\n");

    /// <summary>A path; an empty one is left out.</summary>
    internal void Path(string data, string attributes)
    {
        if (data.Length > 0) text.Append("<path d=\"").Append(data).Append('"').Append(attributes).Append("/>\n");
    }

    internal void Rectangle(Box box, string attributes)
    {
        text.Append("<rect x=\"").Append(Number(box.Left)).Append("\" y=\"").Append(Number(box.Top)).Append("\" width=\"")
            .Append(Number(Math.Max(box.Width, 0))).Append("\" height=\"").Append(Number(Math.Max(box.Height, 0))).Append('"')
            .Append(attributes).Append("/>\n");
    }

    internal void Line(double x1, double y1, double x2, double y2, string attributes) =>
        Path($"M{Number(x1)} {Number(y1)}L{Number(x2)} {Number(y2)}", attributes);

    /// <summary>A line of text whose base line starts, is centred or ends at a point.</summary>
    internal void Text(
        double x, double y, string content, double size, Anchor anchor = Anchor.Start, double turn = 0, string? color = null,
        bool bold = false, bool halo = false)
    {
        if (content.Length == 0) return;
        text.Append("<text x=\"").Append(Number(x)).Append("\" y=\"").Append(Number(y)).Append('"');
        if (size != TextSize.Ticks) text.Append(" font-size=\"").Append(Number(size)).Append('"');
        if (anchor != Anchor.Start) text.Append(" text-anchor=\"").Append(anchor == Anchor.End ? "end" : "middle").Append('"');
        if (turn != 0)
            text.Append(" transform=\"rotate(").Append(Number(turn)).Append(' ').Append(Number(x)).Append(' ').Append(Number(y))
                .Append(")\"");
        if (color is not null) text.Append(" fill=\"").Append(color).Append('"');
        if (bold) text.Append(" font-weight=\"bold\"");
        if (halo) text.Append(" stroke=\"#fff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"");
        text.Append('>').Append(Escape(content)).Append("</text>\n");
    }

    /// <summary>A picture of square pixels, kept square however large it is shown.</summary>
    internal void Image(Box box, string png)
    {
        text.Append("<image x=\"").Append(Number(box.Left)).Append("\" y=\"").Append(Number(box.Top)).Append("\" width=\"")
            .Append(Number(box.Width)).Append("\" height=\"").Append(Number(box.Height))
            .Append("\" preserveAspectRatio=\"none\" image-rendering=\"optimizeSpeed\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,")
            .Append(png).Append("\"/>\n");
    }

    /// <summary>The attributes of a line.</summary>
    internal static string Stroke(string color, double width, Dash dash = Dash.Solid, double opacity = 1)
    {
        string pattern = dash switch
        {
            Dash.Dashed => $" stroke-dasharray=\"{Number(4 * width)} {Number(2.5 * width)}\"",
            Dash.Dotted => $" stroke-dasharray=\"0 {Number(2.2 * width)}\" stroke-linecap=\"round\"",
            Dash.DashDot => $" stroke-dasharray=\"{Number(5 * width)} {Number(2 * width)} {Number(width)} {Number(2 * width)}\"",
            _ => "",
        };
        return $" fill=\"none\" stroke=\"{color}\" stroke-width=\"{Number(width)}\"{pattern}{Opacity("stroke", opacity)}";
    }

    /// <summary>The attributes of an area.</summary>
    internal static string Fill(string color, double opacity = 1) => $" fill=\"{color}\"{Opacity("fill", opacity)}";

    private static string Opacity(string of, double opacity) => opacity < 1 ? $" {of}-opacity=\"{Number(opacity)}\"" : "";
}

/// <summary>The sizes of the texts, in pixels.</summary>
internal static class TextSize
{
    internal const double Ticks = 11;
    internal const double Labels = 12.5;
    internal const double Title = 14;
    internal const double FigureTitle = 16;
}
