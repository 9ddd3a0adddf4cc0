namespace Autodiff.Plots;

/// <summary>Bars at places. Those of one slot stand on each other, slots stand side by side.</summary>
internal sealed record BarMark(double[] X, double[] Heights, double[] Bases, int Slot, IReadOnlyList<string>? Names) : Mark
{
    /// <summary>The number of slots beside each other; known when all marks are.</summary>
    internal int Slots { get; init; } = 1;

    internal override IReadOnlyList<string>? XNames => Names;

    // The part of the distance between places that bars take.
    private double Group { get; } = 0.8 * Spacing(X);

    internal override void Extend(Extent x, Extent y)
    {
        for (int i = 0; i < X.Length; i++)
        {
            x.Add(X[i]);
            x.AddRoom(X[i] - Group / 2);
            x.AddRoom(X[i] + Group / 2);
            y.Add(Bases[i] + Heights[i]);
            if (Bases[i] != 0) y.Add(Bases[i]);
        }

        if (!y.IsLog) y.AddEdge(0);
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        var outline = new Outline();
        foreach (Box box in Boxes(frame)) outline.Add(box);
        svg.Path(outline.ToString(), Svg.Fill(pen.Color));
    }

    internal override IEnumerable<Point[]> Trace(Frame frame) => Boxes(frame).SelectMany(Across);

    /// <summary>The tops of the bars that already stand at places, from which stacked ones go on.</summary>
    internal static double[] BasesOn(IEnumerable<BarMark> below, double[] x, double[] heights)
    {
        var bases = new double[x.Length];
        foreach (BarMark mark in below)
        {
            for (int i = 0; i < x.Length; i++)
            {
                int at = Array.IndexOf(mark.X, x[i]);
                if (at >= 0 && double.IsFinite(mark.Heights[at]) && mark.Heights[at] < 0 == heights[i] < 0)
                    bases[i] += mark.Heights[at];
            }
        }

        return bases;
    }

    private IEnumerable<Box> Boxes(Frame frame)
    {
        double width = Group / Slots;
        for (int i = 0; i < X.Length; i++)
        {
            double left = frame.X(X[i] - Group / 2 + Slot * width), right = frame.X(X[i] - Group / 2 + (Slot + 1) * width);
            double foot = frame.YOrEnd(Bases[i]), top = frame.YOrEnd(Bases[i] + Heights[i]);
            if (!double.IsFinite(left + right + foot + top)) continue;
            foot = Math.Clamp(foot, frame.Visible.Top, frame.Visible.Bottom);
            top = Math.Clamp(top, frame.Visible.Top, frame.Visible.Bottom);
            yield return new(Math.Min(left, right), Math.Min(foot, top), Math.Abs(right - left), Math.Abs(foot - top));
        }
    }

    private static double Spacing(double[] x)
    {
        double[] sorted = [.. x.Where(double.IsFinite).Distinct().Order()];
        return sorted.Length < 2 ? 1 : sorted.Zip(sorted.Skip(1), (a, b) => b - a).Min();
    }
}

/// <summary>Bars over intervals that touch.</summary>
internal sealed record HistogramMark(double[] Edges, double[] Heights, bool IsDensity, double Opacity) : Mark
{
    internal override bool CountsY => !IsDensity;

    internal override void Extend(Extent x, Extent y)
    {
        if (Heights.Length == 0) return;
        x.AddEdge(Edges[0]);
        x.AddEdge(Edges[^1]);
        x.Add(Edges);
        y.Add(Heights);
        if (!y.IsLog) y.AddEdge(0);
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        Box[] boxes = [.. Boxes(frame)];
        var outline = new Outline();
        foreach (Box box in boxes) outline.Add(box);
        bool areWide = boxes.Length > 0 && boxes.Average(box => box.Width) > 4;
        svg.Path(outline.ToString(), Svg.Fill(pen.Color, Opacity) + (areWide ? " stroke=\"#fff\" stroke-width=\".6\"" : ""));
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Rectangle(new(box.Left, box.CenterY - 5, box.Width, 10), Svg.Fill(pen.Color, Opacity));

    internal override IEnumerable<Point[]> Trace(Frame frame) => Boxes(frame).SelectMany(Across);

    private IEnumerable<Box> Boxes(Frame frame)
    {
        for (int i = 0; i < Heights.Length; i++)
        {
            if (!(Heights[i] > 0)) continue;
            double left = frame.X(Edges[i]), right = frame.X(Edges[i + 1]);
            double foot = frame.YOrEnd(0), top = frame.YOrEnd(Heights[i]);
            if (!double.IsFinite(left + right + foot + top)) continue;
            foot = Math.Clamp(foot, frame.Visible.Top, frame.Visible.Bottom);
            top = Math.Clamp(top, frame.Visible.Top, frame.Visible.Bottom);
            yield return new(Math.Min(left, right), Math.Min(foot, top), Math.Abs(right - left), Math.Abs(foot - top));
        }
    }

    /// <summary>Edges of bins of one width, and how many numbers, or what density, each holds.</summary>
    internal static HistogramMark From(double[] values, int bins, double low, double high, bool density, double opacity)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0 && (double.IsNaN(low) || double.IsNaN(high))) return new([], [], density, opacity);
        double from = double.IsNaN(low) ? finite.Min() : low, to = double.IsNaN(high) ? finite.Max() : high;
        if (!(from < to))
        {
            // All numbers are the same: one bin around them.
            bins = bins == 0 ? 1 : bins;
            double half = from == 0 ? 0.5 : Math.Abs(from) * 0.05;
            (from, to) = (from - half, from + half);
        }

        if (bins == 0) bins = Bins([.. finite.Where(value => value >= from && value <= to)], to / 2 - from / 2);
        var counts = new double[bins];
        double inside = 0;
        foreach (double value in finite)
        {
            // The last bin holds its upper edge too.
            if (value < from || value > to) continue;
            counts[Math.Clamp((int)(Grids.Place(value, (from, to)) * bins), 0, bins - 1)]++;
            inside++;
        }

        if (density && inside > 0)
        {
            for (int i = 0; i < bins; i++) counts[i] /= inside * (to - from) / bins;
        }

        double Edge(double part) => part == 1 ? to : from * (1 - part) + to * part;
        return new([.. Enumerable.Range(0, bins + 1).Select(i => Edge(i / (double)bins))], counts, density, opacity);
    }

    /// <summary>As many bins as the finer of two rules asks for: that of Sturges (1926), which looks at the count, and that
    /// of Freedman and Diaconis (1981), which looks at the middle half of the numbers.</summary>
    private static int Bins(double[] values, double halfSpan)
    {
        if (values.Length == 0) return 10;
        Array.Sort(values);
        double middle = values[values.Length * 3 / 4] - values[values.Length / 4];
        double half = middle / Math.Cbrt(values.Length);
        double bins = Math.Max(Math.Log2(values.Length) + 1, half > 0 && double.IsFinite(half) ? halfSpan / half : 0);
        return (int)Math.Ceiling(Math.Clamp(bins, 1, 200));
    }
}
