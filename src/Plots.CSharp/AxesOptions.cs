namespace Autodiff.Plots;

/// <summary>One axis, as it was asked for.</summary>
internal sealed record AxisOptions
{
    internal double Low { get; init; } = double.NaN;

    internal double High { get; init; } = double.NaN;

    internal bool IsLog { get; init; }

    internal bool IsReversed { get; init; }

    internal double[]? Ticks { get; init; }

    internal IReadOnlyList<string>? TickLabels { get; init; }
}

/// <content>The axes themselves.</content>
public sealed partial record Axes
{
    internal string TitleText { get; init; } = "";

    internal string XText { get; init; } = "";

    internal string YText { get; init; } = "";

    internal AxisOptions XOptions { get; init; } = new();

    internal AxisOptions YOptions { get; init; } = new();

    internal bool? HasGrid { get; init; }

    internal bool HasEqualAspect { get; init; }

    internal bool AreHidden { get; init; }

    internal LegendPlace Place { get; init; }

    /// <summary>The text above the axes.</summary>
    public Axes Title(string text) => this with { TitleText = text ?? "" };

    /// <summary>What x is.</summary>
    public Axes XLabel(string text) => this with { XText = text ?? "" };

    /// <summary>What y is.</summary>
    public Axes YLabel(string text) => this with { YText = text ?? "" };

    /// <summary>The ends of the x axis; NaN for one that fits the marks.</summary>
    /// <exception cref="ArgumentException">They are infinite, or low is not below high.</exception>
    public Axes XLimits(double low = double.NaN, double high = double.NaN) =>
        this with { XOptions = Limited(XOptions, nameof(XLimits), low, high) };

    /// <summary>The ends of the y axis; NaN for one that fits the marks.</summary>
    /// <exception cref="ArgumentException">They are infinite, or low is not below high.</exception>
    public Axes YLimits(double low = double.NaN, double high = double.NaN) =>
        this with { YOptions = Limited(YOptions, nameof(YLimits), low, high) };

    /// <summary>A logarithmic x axis, which shows positive numbers.</summary>
    public Axes XLog() => this with { XOptions = XOptions with { IsLog = true } };

    /// <summary>A logarithmic y axis, which shows positive numbers.</summary>
    public Axes YLog() => this with { YOptions = YOptions with { IsLog = true } };

    /// <summary>An x axis that grows to the left.</summary>
    public Axes ReverseX() => this with { XOptions = XOptions with { IsReversed = true } };

    /// <summary>A y axis that grows downwards.</summary>
    public Axes ReverseY() => this with { YOptions = YOptions with { IsReversed = true } };

    /// <summary>The marks of the x axis, instead of round numbers; none removes them.</summary>
    /// <param name="values">Where they are.</param>
    /// <param name="labels">Their texts; the numbers by default.</param>
    public Axes XTicks(Values values, IReadOnlyList<string>? labels = null) =>
        this with { XOptions = Ticked(XOptions, nameof(XTicks), values, labels) };

    /// <summary>The marks of the y axis, instead of round numbers; none removes them.</summary>
    /// <param name="values">Where they are.</param>
    /// <param name="labels">Their texts; the numbers by default.</param>
    public Axes YTicks(Values values, IReadOnlyList<string>? labels = null) =>
        this with { YOptions = Ticked(YOptions, nameof(YTicks), values, labels) };

    /// <summary>Whether there are lines at the marks of the axes; by default there are, except behind matrices and
    /// pictures.</summary>
    public Axes Grid(bool visible) => this with { HasGrid = visible };

    /// <summary>Where the legend of the labels stands.</summary>
    public Axes Legend(LegendPlace place) => this with { Place = place };

    /// <summary>A unit of y as long as a unit of x.</summary>
    public Axes EqualAspect() => this with { HasEqualAspect = true };

    /// <summary>No lines, numbers and labels of the axes.</summary>
    public Axes HideAxes() => this with { AreHidden = true };

    /// <summary>A figure of these axes alone.</summary>
    /// <param name="width">Its width in pixels.</param>
    /// <param name="height">Its height in pixels.</param>
    public Figure ToFigure(int width = 640, int height = 440) => new Figure(this).Size(width, height);

    /// <summary>Writes a figure of these axes alone.</summary>
    /// <inheritdoc cref="Figure.Save"/>
    public void Save(string path) => new Figure(this).Save(path);

    private static AxisOptions Limited(AxisOptions axis, string owner, double low, double high)
    {
        if (double.IsInfinity(low) || double.IsInfinity(high) || low >= high)
        {
            throw new ArgumentException(
                FormattableString.Invariant(
                    $"{owner}: from {low} to {high} is no interval; low must be below high, and both finite (or NaN to fit). ")
                + $"To turn an axis round use Reverse{owner[0]}.");
        }

        return axis with { Low = low, High = high };
    }

    private static AxisOptions Ticked(AxisOptions axis, string owner, Values values, IReadOnlyList<string>? labels)
    {
        double[] at = values.Vector(owner, nameof(values));
        return labels is null || labels.Count == at.Length
            ? axis with { Ticks = at, TickLabels = labels }
            : throw new ArgumentException($"{owner}: {labels.Count} labels were given for {at.Length} values; give as many.");
    }
}
