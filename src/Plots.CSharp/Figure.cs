using System.Collections.Immutable;
using System.Text;

namespace Autodiff.Plots;

/// <summary>One or more axes in rows and columns, as a picture. It is immutable.</summary>
/// <example><code>
/// new Figure(left, right).Title("Before and after").Save("filters.svg");
/// </code></example>
public sealed record Figure
{
    private const double Gap = 14, Border = 6;
    private readonly ImmutableArray<Axes> parts;
    private readonly int columns;
    private string title = "";
    private (int Width, int Height)? size;

    /// <summary>A figure of axes in rows: one row of up to three, else about as many columns as rows.</summary>
    public Figure(params IEnumerable<Axes> axes)
        : this(0, axes)
    {
    }

    /// <summary>A figure of axes in rows of so many columns; with 0 the number is chosen.</summary>
    /// <exception cref="ArgumentException">There are no axes, or the number of columns is negative.</exception>
    public Figure(int columns, params IEnumerable<Axes> axes)
    {
        parts = [.. axes];
        if (parts.Length == 0) throw new ArgumentException("Figure: there are no axes; give at least one.");
        if (columns < 0)
            throw new ArgumentException($"Figure: columns is {columns}; give a positive number, or 0 to have it chosen.");
        this.columns = Math.Min(parts.Length, columns > 0 ? columns : parts.Length <= 3 ? parts.Length
            : (int)Math.Ceiling(Math.Sqrt(parts.Length)));
    }

    private int Rows => (parts.Length - 1) / columns + 1;

    /// <summary>The text above all axes.</summary>
    public Figure Title(string text) => this with { title = text ?? "" };

    /// <summary>The size in pixels; by default 640 times 440 for one pair of axes, and less for each of several.</summary>
    /// <exception cref="ArgumentException">It is smaller than 40 or larger than 20,000.</exception>
    public Figure Size(int width, int height) => Math.Min(width, height) >= 40 && Math.Max(width, height) <= 20_000
        ? this with { size = (width, height) }
        : throw new ArgumentException($"Size: {width} times {height} is no size of a figure; give 40 to 20,000 pixels.");

    /// <summary>The picture as SVG, with everything in it.</summary>
    /// <exception cref="ArgumentException">A logarithmic axis has no positive number to show.</exception>
    public string ToSvg() => ToSvg("p");

    /// <summary>A page of HTML with the picture, with everything in it.</summary>
    /// <inheritdoc cref="ToSvg()"/>
    public string ToHtml() => new Report(Heading).Figure(this).ToHtml(hasHeading: false);

    /// <summary>Writes the picture: <c>.svg</c>, or <c>.html</c> for a page. The file is replaced at the end, in one step: a
    /// failed save leaves the old file whole.</summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <exception cref="ArgumentException">The name ends otherwise, or a logarithmic axis has no positive number to
    /// show.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string content = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".svg" => ToSvg(),
            ".html" or ".htm" => ToHtml(),
            _ => throw new ArgumentException($"Save: '{path}' is neither .svg nor .html; name one of these."),
        };
        Layers.DataFile.Replace(path, file => file.Write(Encoding.UTF8.GetBytes(content)));
    }

    /// <summary>What the picture is called where no picture can be shown.</summary>
    internal string Heading => title.Length > 0 ? title : parts.Select(part => part.TitleText)
        .FirstOrDefault(text => text.Length > 0) ?? "Figure";

    /// <summary>The picture, with ids that start with a prefix.</summary>
    internal string ToSvg(string prefix)
    {
        (int width, int height) = size ?? (parts.Length == 1 ? (640, 440)
            : (Math.Clamp(columns * 400, 640, 1280), Rows * 310 + (title.Length > 0 ? 24 : 0)));
        List<string> lines = TextWidth.Wrap(title, TextSize.FigureTitle * 1.08, width - 2 * Border);
        double top = Border + lines.Count * TextSize.FigureTitle * 1.35;
        AxesDrawing[] drawings = [.. parts.Select(part => new AxesDrawing(part))];

        // The room of texts depends on the size of the axes, and that on the room: a few rounds settle both.
        double plotWidth = width / (double)columns * 0.8, plotHeight = height / (double)Rows * 0.75;
        var margins = new Margins[parts.Length];
        double[] left = [], right = [], above = [], below = [];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < margins.Length; i++) margins[i] = drawings[i].Measure(plotWidth, plotHeight);
            left = Largest(columns, i => i % columns, margin => margin.Left);
            right = Largest(columns, i => i % columns, margin => margin.Right);
            above = Largest(Rows, i => i / columns, margin => margin.Top);
            below = Largest(Rows, i => i / columns, margin => margin.Bottom);
            plotWidth = Math.Max(10, (width - 2 * Border - (columns - 1) * Gap - left.Sum() - right.Sum()) / columns);
            plotHeight = Math.Max(10, (height - top - Border - (Rows - 1) * Gap - above.Sum() - below.Sum()) / Rows);
        }

        var svg = new Svg(prefix);
        svg.Raw($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" ");
        svg.Raw($"font-family=\"{Svg.Fonts}\" font-size=\"{Svg.Number(TextSize.Ticks)}\" fill=\"{Svg.Foreground}\">\n");
        svg.Raw($"<title>{Svg.Escape(Heading)}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n");
        for (int i = 0; i < lines.Count; i++)
            svg.Text(width / 2.0, Border + (i + 0.85) * TextSize.FigureTitle * 1.35, lines[i], TextSize.FigureTitle,
                Anchor.Middle, bold: true);
        double y = top;
        for (int row = 0; row < Rows; row++)
        {
            double x = Border;
            y += above[row];
            for (int column = 0; column < columns && row * columns + column < parts.Length; column++)
            {
                x += left[column];
                drawings[row * columns + column].Draw(svg, new(x, y, plotWidth, plotHeight));
                x += plotWidth + right[column] + Gap;
            }

            y += plotHeight + below[row] + Gap;
        }

        svg.Raw("</svg>\n");
        return svg.ToString();

        double[] Largest(int count, Func<int, int> group, Func<Margins, double> margin) =>
            [.. Enumerable.Range(0, count)
                .Select(at => margins.Where((_, i) => group(i) == at).Select(margin).DefaultIfEmpty(0).Max())];
    }
}
