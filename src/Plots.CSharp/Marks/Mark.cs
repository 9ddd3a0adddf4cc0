namespace Autodiff.Plots;

/// <summary>What colour and dash a mark was given: its own, or the next of the cycle.</summary>
internal readonly record struct Pen(string Color, Dash Dash);

/// <summary>A scale of colours to be explained beside the axes.</summary>
/// <param name="Map">The colours.</param>
/// <param name="Low">The number of the first.</param>
/// <param name="High">The number of the last.</param>
/// <param name="Label">What the numbers are.</param>
/// <param name="Levels">The limits of bands of one colour each; null where colours change smoothly.</param>
internal sealed record ColorBar(ColorMap Map, double Low, double High, string Label, double[]? Levels = null);

/// <summary>Where numbers lie on the page.</summary>
internal sealed record Frame(Box Plot, Scale XScale, Scale YScale, bool ReversesX, bool ReversesY)
{
    // Far outside of every page, and near enough for arithmetic.
    private const double Far = 1e6;

    /// <summary>The page around the axes that lines may run into before they are cut.</summary>
    internal Box Visible => Plot.Grow(20);

    internal double X(double value) => Across(ReversesX ? 1 - XScale.Place(value) : XScale.Place(value));

    internal double Y(double value) => Down(ReversesY ? YScale.Place(value) : 1 - YScale.Place(value));

    internal Point At(double x, double y) => new(X(x), Y(y));

    internal Point[] At(double[] x, double[] y)
    {
        var points = new Point[x.Length];
        for (int i = 0; i < points.Length; i++) points[i] = At(x[i], y[i]);
        return points;
    }

    /// <summary>The height of a number, or that of the end of a logarithmic axis that cannot show it.</summary>
    internal double YOrEnd(double value) => YScale.IsLog && value <= 0 ? (ReversesY ? Plot.Top : Plot.Bottom) + 1 : Y(value);

    private double Across(double place) => double.IsFinite(place) ? Math.Clamp(Plot.Left + place * Plot.Width, -Far, Far)
        : double.NaN;

    private double Down(double place) => double.IsFinite(place) ? Math.Clamp(Plot.Top + place * Plot.Height, -Far, Far)
        : double.NaN;
}

/// <summary>Something drawn on axes. It is immutable.</summary>
internal abstract record Mark
{
    /// <summary>The text of the legend; null for none.</summary>
    internal string? Label { get; init; }

    /// <summary>The colour; null for the next of the cycle.</summary>
    internal string? Color { get; init; }

    /// <summary>Whether a mark without a colour takes the next of the cycle.</summary>
    internal virtual bool TakesTurn => true;

    /// <summary>Whether a grid behind it would disturb.</summary>
    internal virtual bool HidesGrid => false;

    /// <summary>Whether a unit of y is to be as long as a unit of x.</summary>
    internal virtual bool IsEqualAspect => false;

    /// <summary>Whether y grows downwards.</summary>
    internal virtual bool ReversesY => false;

    /// <summary>Whether y counts something, so that parts of whole numbers say nothing on its axis.</summary>
    internal virtual bool CountsY => false;

    /// <summary>Whether lines and numbers of the axes say nothing.</summary>
    internal virtual bool HidesAxes => false;

    internal virtual IReadOnlyList<string>? XNames => null;

    internal virtual IReadOnlyList<string>? YNames => null;

    internal virtual ColorBar? Bar => null;

    /// <summary>Adds what the axes must show.</summary>
    internal abstract void Extend(Extent x, Extent y);

    internal abstract void Draw(Svg svg, Frame frame, Pen pen);

    /// <summary>Draws the sample beside its text in the legend.</summary>
    internal virtual void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Rectangle(new(box.Left, box.CenterY - 5, box.Width, 10), Svg.Fill(pen.Color));

    /// <summary>Lines that a legend should not cover.</summary>
    internal virtual IEnumerable<Point[]> Trace(Frame frame) => [];

    /// <summary>Lines around a box and through its middle.</summary>
    private protected static Point[][] Across(Box box) =>
    [
        [
            new(box.Left, box.Top), new(box.Right, box.Top), new(box.Right, box.Bottom), new(box.Left, box.Bottom),
            new(box.Left, box.Top),
        ],
        [new(box.CenterX, box.Top), new(box.CenterX, box.Bottom)],
    ];
}

/// <summary>The signs at points.</summary>
internal static class Markers
{
    /// <summary>Draws one sign at all points, in one path.</summary>
    internal static void Draw(Svg svg, IEnumerable<Point> points, Marker marker, double size, string color)
    {
        var outline = new Outline();
        foreach (Point point in points) Add(outline, point, marker, size);
        svg.Path(outline.ToString(), Style(marker, size) + Paint(marker, color));
    }

    internal static Outline Add(Outline outline, Point at, Marker marker, double size)
    {
        double r = size / 2;
        string N(double value) => Svg.Number(value);
        return marker switch
        {
            Marker.Circle => outline.Dot(at.X, at.Y),
            Marker.Square => outline.Stamp(at.X - r * 0.9, at.Y - r * 0.9, $"h{N(size * 0.9)}v{N(size * 0.9)}h{N(-size * 0.9)}z"),
            Marker.Triangle => outline.Stamp(at.X, at.Y - r * 1.15, $"l{N(r * 1.1)} {N(r * 1.9)}h{N(-r * 2.2)}z"),
            Marker.Diamond =>
                outline.Stamp(at.X, at.Y - r * 1.2,
                    $"l{N(r * 1.2)} {N(r * 1.2)} {N(-r * 1.2)} {N(r * 1.2)} {N(-r * 1.2)} {N(-r * 1.2)}z"),
            Marker.Cross => outline.Stamp(at.X - r, at.Y - r, $"l{N(size)} {N(size)}m{N(-size)} 0l{N(size)} {N(-size)}"),
            Marker.Plus => outline.Stamp(at.X - r, at.Y, $"h{N(size)}m{N(-r)} {N(-r)}v{N(size)}"),
            _ => outline,
        };
    }

    /// <summary>The attributes of a sign but its colour.</summary>
    internal static string Style(Marker marker, double size) => marker switch
    {
        // A line of no length with round ends is the shortest way to say disc.
        Marker.Circle => $" fill=\"none\" stroke-width=\"{Svg.Number(size)}\" stroke-linecap=\"round\"",
        Marker.Cross or Marker.Plus => $" fill=\"none\" stroke-width=\"{Svg.Number(Math.Max(1, size / 4))}\"",
        _ => "",
    };

    /// <summary>The attribute of its colour.</summary>
    internal static string Paint(Marker marker, string color) =>
        marker is Marker.Circle or Marker.Cross or Marker.Plus ? $" stroke=\"{color}\"" : $" fill=\"{color}\"";
}
