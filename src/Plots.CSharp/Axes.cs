using System.Collections.Immutable;

namespace Autodiff.Plots;

/// <summary>
/// A pair of axes with what is drawn on them. It is immutable: each method returns axes with one thing more, so that a
/// picture is one expression. Marks lie on each other in the order of the calls, and take colours in turn.
/// </summary>
/// <remarks>NaN and infinite numbers, and those that a logarithmic axis cannot show, are gaps. Lengths that do not agree,
/// texts that are no colour, and limits that are no interval are errors (<see cref="ArgumentException"/>).</remarks>
/// <example><code>
/// Tensor x = Tensor.Linspace(-5, 5, 200);
/// new Axes().Line(x, Tensor.Sigmoid(x), "sigmoid").Line(x, Tensor.Tanh(x), "tanh").Title("Activations").Save("activations.svg");
/// </code></example>
public sealed partial record Axes
{
    internal ImmutableList<Mark> Marks { get; init; } = [];

    /// <summary>Points joined by lines.</summary>
    /// <param name="x">The first coordinates.</param>
    /// <param name="y">The second coordinates, as many.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour (<see cref="Colors"/>); null for the next of the cycle.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="dash">How the line is broken.</param>
    /// <param name="marker">The sign at each point.</param>
    /// <param name="opacity">How much the line hides, from 0 to 1.</param>
    public Axes Line(
        Values x, Values y, string? label = null, string? color = null, double width = 1.7, Dash dash = Dash.Solid,
        Marker marker = Marker.None, double opacity = 1)
    {
        double[] xs = x.Vector(nameof(Line), nameof(x));
        return Add(
            new LineMark(xs, y.Vector(nameof(Line), nameof(y), xs.Length, nameof(x)), width, dash, marker, opacity),
            nameof(Line), label, color);
    }

    /// <summary>Numbers joined by lines, over 0, 1, 2 ...</summary>
    /// <inheritdoc cref="Line(Values, Values, string, string, double, Dash, Marker, double)"/>
    public Axes Line(
        Values y, string? label = null, string? color = null, double width = 1.7, Dash dash = Dash.Solid,
        Marker marker = Marker.None,
        double opacity = 1)
    {
        double[] ys = y.Vector(nameof(Line), nameof(y));
        return Line(Places(ys.Length), ys, label, color, width, dash, marker, opacity);
    }

    /// <summary>The graph of a function.</summary>
    /// <param name="function">The function; it is asked at 401 points.</param>
    /// <param name="from">Where the graph starts.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="dash">How the line is broken.</param>
    public Axes Curve(
        Func<double, double> function, double from, double to, string? label = null, string? color = null, double width = 1.7,
        Dash dash = Dash.Solid)
    {
        const int points = 401;
        ArgumentNullException.ThrowIfNull(function);
        double[] xs = [.. Enumerable.Range(0, points).Select(i => from + (to - from) * i / (points - 1))];
        return Line(xs, Array.ConvertAll(xs, x => function(x)), label, color, width, dash);
    }

    /// <summary>Points. With values, each has the colour of its value and a bar explains the colours; NaN has none.</summary>
    /// <param name="x">The first coordinates.</param>
    /// <param name="y">The second coordinates, as many.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="size">The size of a sign in pixels.</param>
    /// <param name="marker">The sign.</param>
    /// <param name="opacity">How much a sign hides, from 0 to 1.</param>
    /// <param name="values">A number for each point.</param>
    /// <param name="map">The colours of the numbers; <see cref="ColorMap.Viridis"/> by default.</param>
    /// <param name="barLabel">What the numbers are.</param>
    public Axes Scatter(
        Values x, Values y, string? label = null, string? color = null, double size = 5, Marker marker = Marker.Circle,
        double opacity = 1,
        Values values = default, ColorMap? map = null, string barLabel = "")
    {
        double[] xs = x.Vector(nameof(Scatter), nameof(x)), ys = y.Vector(nameof(Scatter), nameof(y), xs.Length, nameof(x));
        double[]? numbers = values.IsMissing ? null : values.Vector(nameof(Scatter), nameof(values), xs.Length, nameof(x));
        return Add(new ScatterMark(xs, ys, size, marker, opacity, numbers, map ?? ColorMap.Viridis, barLabel), nameof(Scatter),
            label, color);
    }

    /// <summary>A line of steps.</summary>
    /// <param name="x">The first coordinates.</param>
    /// <param name="y">The heights, as many.</param>
    /// <param name="at">Where the line rises between two points.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="dash">How the line is broken.</param>
    public Axes Step(
        Values x, Values y, StepAt at = StepAt.Before, string? label = null, string? color = null, double width = 1.7,
        Dash dash = Dash.Solid)
    {
        double[] xs = x.Vector(nameof(Step), nameof(x)), ys = y.Vector(nameof(Step), nameof(y), xs.Length, nameof(x));
        var stepX = new List<double>();
        var stepY = new List<double>();
        for (int i = 0; i < xs.Length; i++)
        {
            if (i > 0)
            {
                double rise = at switch { StepAt.Before => xs[i - 1], StepAt.After => xs[i], _ => (xs[i - 1] + xs[i]) / 2 };
                stepX.AddRange([rise, rise]);
                stepY.AddRange([ys[i - 1], ys[i]]);
            }

            stepX.Add(xs[i]);
            stepY.Add(ys[i]);
        }

        return Line(stepX, stepY, label, color, width, dash);
    }

    /// <summary>Bars over names. Bars of further calls stand beside those before, or on them.</summary>
    /// <param name="names">The names; those that further calls share have one place.</param>
    /// <param name="heights">The heights, as many; negative ones hang down.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="stacked">Whether the bars stand on those of the call before.</param>
    public Axes Bar(IReadOnlyList<string> names, Values heights, string? label = null, string? color = null, bool stacked = false)
    {
        ArgumentNullException.ThrowIfNull(names);
        List<string> all = [.. Marks.OfType<BarMark>().LastOrDefault()?.Names ?? []];
        all.AddRange(names.Except(all));
        double[] places = [.. names.Select(name => (double)all.IndexOf(name))];
        return AddBars(places, heights.Vector(nameof(Bar), nameof(heights), names.Count, nameof(names)), all, label, color,
            stacked);
    }

    /// <summary>Bars over numbers. Bars of further calls stand beside those before, or on them.</summary>
    /// <param name="x">The middles of the bars.</param>
    /// <param name="heights">The heights, as many; negative ones hang down.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="stacked">Whether the bars stand on those of the call before.</param>
    public Axes Bar(Values x, Values heights, string? label = null, string? color = null, bool stacked = false)
    {
        double[] xs = x.Vector(nameof(Bar), nameof(x));
        return AddBars(xs, heights.Vector(nameof(Bar), nameof(heights), xs.Length, nameof(x)), null, label, color, stacked);
    }

    /// <summary>How many numbers fall into each of some intervals of one length. The last holds its upper end too; NaN and
    /// infinite numbers fall into none.</summary>
    /// <param name="values">The numbers, of any shape.</param>
    /// <param name="bins">The number of intervals; 0 for one that fits the numbers.</param>
    /// <param name="low">Where they start; NaN for the smallest number.</param>
    /// <param name="high">Where they end; NaN for the largest.</param>
    /// <param name="density">Whether areas sum to 1, instead of heights to the count.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="opacity">How much the bars hide, from 0 to 1.</param>
    public Axes Histogram(
        Values values, int bins = 0, double low = double.NaN, double high = double.NaN, bool density = false,
        string? label = null,
        string? color = null, double opacity = 0.8)
    {
        if (bins < 0) throw new ArgumentException($"Histogram: bins is {bins}; give a positive number, or 0 to have it chosen.");
        if (low >= high)
            throw new ArgumentException($"Histogram: the range from {low} to {high} is empty; low must be below high.");
        return Add(HistogramMark.From(values.Items, bins, low, high, density, opacity), nameof(Histogram), label, color);
    }

    /// <summary>The area between two lines.</summary>
    /// <param name="x">The first coordinates.</param>
    /// <param name="low">The heights of one line: as many, or one for all.</param>
    /// <param name="high">The heights of the other.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="opacity">How much the area hides, from 0 to 1.</param>
    public Axes FillBetween(
        Values x, Values low, Values high, string? label = null, string? color = null, double opacity = 0.25)
    {
        double[] xs = x.Vector(nameof(FillBetween), nameof(x));
        return Add(
            new FillMark(xs, Stretched(nameof(FillBetween), nameof(low), low, xs),
                Stretched(nameof(FillBetween), nameof(high), high, xs), opacity),
            nameof(FillBetween), label, color);
    }

    /// <summary>Points with bars from y - errors to y + errors.</summary>
    /// <param name="x">The first coordinates.</param>
    /// <param name="y">The second coordinates, as many.</param>
    /// <param name="errors">The lengths of the bars below, and above if there are no others: as many, or one for all.</param>
    /// <param name="above">The lengths of the bars above.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="marker">The sign at each point.</param>
    public Axes ErrorBars(
        Values x, Values y, Values errors, Values above = default, string? label = null, string? color = null,
        Marker marker = Marker.Circle)
    {
        double[] xs = x.Vector(nameof(ErrorBars), nameof(x)), ys = y.Vector(nameof(ErrorBars), nameof(y), xs.Length, nameof(x));
        double[] lower = Stretched(nameof(ErrorBars), nameof(errors), errors, xs);
        double[] upper = above.IsMissing ? lower : Stretched(nameof(ErrorBars), nameof(above), above, xs);
        return Add(new ErrorMark(xs, ys, lower, upper, marker), nameof(ErrorBars), label, color);
    }

    /// <summary>Arrows (u, v) at points, in the directions of the axes; all are scaled by one factor.</summary>
    /// <param name="x">The first coordinates of where arrows start.</param>
    /// <param name="y">The second coordinates, as many.</param>
    /// <param name="u">How far arrows go along x, as many.</param>
    /// <param name="v">How far they go along y, as many.</param>
    /// <param name="scale">The factor: 1 draws arrows from (x, y) to (x + u, y + v). By default one at which the longest
    /// does not reach the next point.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour; null for the next of the cycle.</param>
    /// <param name="width">The width in pixels.</param>
    /// <remarks>The four may have any shape, such as those of a grid from Meshgrid.</remarks>
    public Axes Quiver(
        Values x, Values y, Values u, Values v, double scale = double.NaN, string? label = null, string? color = null,
        double width = 1.4)
    {
        foreach ((string name, Values values) in new[] { (nameof(y), y), (nameof(u), u), (nameof(v), v) })
        {
            if (values.Items.Length != x.Items.Length)
                throw new ArgumentException(
                    $"Quiver: {name} has {values.Items.Length} numbers where x has {x.Items.Length}; give as many.");
        }

        return Add(new QuiverMark(x.Items, y.Items, u.Items, v.Items, scale, width), nameof(Quiver), label, color);
    }

    /// <summary>A horizontal line across the axes.</summary>
    /// <param name="y">Its height.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="dash">How the line is broken.</param>
    public Axes HorizontalLine(
        double y, string? label = null, string? color = "grey", double width = 1.2, Dash dash = Dash.Dashed) =>
        Add(new RuleMark(y, true, width, dash), nameof(HorizontalLine), label, color);

    /// <summary>A vertical line across the axes.</summary>
    /// <param name="x">Its place.</param>
    /// <param name="label">The text in the legend; null for none.</param>
    /// <param name="color">The colour.</param>
    /// <param name="width">The width in pixels.</param>
    /// <param name="dash">How the line is broken.</param>
    public Axes VerticalLine(
        double x, string? label = null, string? color = "grey", double width = 1.2, Dash dash = Dash.Dashed) =>
        Add(new RuleMark(x, false, width, dash), nameof(VerticalLine), label, color);

    /// <summary>Text beside a point.</summary>
    /// <param name="x">The first coordinate of the point.</param>
    /// <param name="y">The second.</param>
    /// <param name="text">The text, one line.</param>
    /// <param name="color">The colour; null for that of the axes.</param>
    /// <param name="size">The size in pixels.</param>
    public Axes Text(double x, double y, string text, string? color = null, double size = 12) =>
        Add(new TextMark(x, y, text ?? "", size), nameof(Text), null, color);

    /// <summary>An arrow from one point to another, with text at its start.</summary>
    /// <param name="fromX">The first coordinate of the start.</param>
    /// <param name="fromY">The second.</param>
    /// <param name="toX">The first coordinate of the tip.</param>
    /// <param name="toY">The second.</param>
    /// <param name="text">The text, one line.</param>
    /// <param name="color">The colour; null for that of the axes.</param>
    /// <param name="width">The width in pixels.</param>
    public Axes Arrow(
        double fromX, double fromY, double toX, double toY, string text = "", string? color = null, double width = 1.6) =>
        Add(new ArrowMark(fromX, fromY, toX, toY, text ?? "", width), nameof(Arrow), null, color);

    private Axes AddBars(double[] x, double[] heights, List<string>? names, string? label, string? color, bool stacked)
    {
        BarMark[] before = [.. Marks.OfType<BarMark>()];
        int slot = before.Length == 0 ? 0 : stacked ? before[^1].Slot : before[^1].Slot + 1;
        double[] bases = BarMark.BasesOn(before.Where(mark => mark.Slot == slot), x, heights);
        return Add(new BarMark(x, heights, bases, slot, names), nameof(Bar), label, color);
    }

    private Axes Add(Mark mark, string owner, string? label, string? color) =>
        this with { Marks = Marks.Add(mark with { Label = label, Color = Colors.Resolve(color, owner) }) };

    private static double[] Places(int count) => [.. Enumerable.Range(0, count).Select(i => (double)i)];

    /// <summary>Numbers, as many as others; one stands for all.</summary>
    private static double[] Stretched(string owner, string name, Values values, double[] like)
    {
        if (values.Items.Length != 1) return values.Vector(owner, name, like.Length, "x");
        var stretched = new double[like.Length];
        Array.Fill(stretched, values.Items[0]);
        return stretched;
    }
}
