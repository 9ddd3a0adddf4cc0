namespace Autodiff.Plots;

/// <summary>One axis of a drawing: which numbers it shows, and where they lie, from 0 (low) to 1 (high).</summary>
internal readonly record struct Scale(double Low, double High, bool IsLog)
{
    /// <summary>The place of a number; NaN for one that the axis cannot show.</summary>
    internal double Place(double value)
    {
        if (IsLog) return value > 0 ? (Math.Log10(value) - Math.Log10(Low)) / (Math.Log10(High) - Math.Log10(Low)) : double.NaN;

        // Halves, so that the range of the largest numbers does not overflow.
        return (value / 2 - Low / 2) / (High / 2 - Low / 2);
    }
}

/// <summary>The numbers that an axis must show.</summary>
internal sealed class Extent(bool isLog)
{
    // Beyond this, widths and margins would overflow.
    private const double Largest = double.MaxValue / 2;
    private readonly HashSet<double> edges = [];
    private bool isEmpty = true;

    internal bool IsLog { get; } = isLog;

    internal double Low { get; private set; } = double.PositiveInfinity;

    internal double High { get; private set; } = double.NegativeInfinity;

    /// <summary>Whether all that the axis counts or names are whole numbers.</summary>
    internal bool IsWhole { get; private set; } = true;

    /// <summary>Whether there were finite numbers, though none that the axis can show.</summary>
    internal bool IsUnusable => !isEmpty && Low > High;

    internal void Add(double value)
    {
        AddRoom(value);
        if (double.IsFinite(value) && value != Math.Floor(value)) IsWhole = false;
    }

    /// <summary>A number that only needs to be on the axis.</summary>
    internal void AddRoom(double value)
    {
        if (!double.IsFinite(value)) return;
        isEmpty = false;
        if (IsLog && value <= 0) return;
        Low = Math.Min(Low, Math.Clamp(value, -Largest, Largest));
        High = Math.Max(High, Math.Clamp(value, -Largest, Largest));
    }

    internal void Add(IEnumerable<double> values)
    {
        foreach (double value in values) Add(value);
    }

    /// <summary>A number beyond which no margin is wanted, such as the foot of a bar.</summary>
    internal void AddEdge(double value)
    {
        AddRoom(value);
        edges.Add(value);
    }

    /// <summary>The scale that shows all numbers, with a margin where nothing ends exactly; given limits win.</summary>
    internal Scale ToScale(double low, double high, double margin)
    {
        (double from, double to) = Low <= High ? (Low, High) : IsLog ? (1, 10) : (0, 1);
        bool hasLow = !double.IsNaN(low), hasHigh = !double.IsNaN(high);
        bool isLowEdge = hasLow || edges.Contains(from), isHighEdge = hasHigh || edges.Contains(to);
        from = hasLow ? low : from;
        to = hasHigh ? high : to;
        if (IsLog)
        {
            if (to < from) (from, to) = hasLow ? (from, from * 10) : (to / 10, to);
            double a = Math.Log10(from), b = Math.Log10(to);
            if (b - a < 1e-9) return new(hasLow ? from : from / 2, hasHigh ? to : to * 2, true);
            double pad = margin * (b - a);
            return new(
                isLowEdge ? from : Math.Max(Math.Pow(10, a - pad), double.Epsilon),
                isHighEdge ? to : Math.Min(Math.Pow(10, b + pad), double.MaxValue), true);
        }

        if (to < from) (from, to) = hasLow ? (from, from + 1) : (to - 1, to);
        double span = to / 2 - from / 2;
        double size = Math.Max(Math.Abs(from), Math.Abs(to));
        if (span <= size * 1e-13 || size < 1e-300)
        {
            double half = size < 1e-300 ? 0.5 : size * 0.05;
            return new(hasLow ? from : from - half, hasHigh ? to : to + half, false);
        }

        return new(isLowEdge ? from : from - margin * 2 * span, isHighEdge ? to : to + margin * 2 * span, false);
    }
}
