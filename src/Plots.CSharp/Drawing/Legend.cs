namespace Autodiff.Plots;

/// <summary>The labels of marks with samples of them.</summary>
internal sealed class Legend
{
    private const double Row = 17, Key = 22, Gap = 6, Pad = 6, ColumnGap = 14, Inset = 8, LongestText = 260;
    private readonly (Mark Mark, Pen Pen, string Text)[] entries;
    private readonly double columnWidth;
    private int rows;

    private Legend((Mark, Pen, string)[] entries)
    {
        this.entries = entries;
        rows = entries.Length;
        columnWidth = Key + Gap + this.entries.Max(entry => TextWidth.Of(entry.Text, TextSize.Ticks));
    }

    /// <summary>The legend of the marks that have labels; null if none has.</summary>
    internal static Legend? Of(Mark[] marks, Pen[] pens)
    {
        (Mark, Pen, string)[] entries =
        [
            .. marks.Zip(pens).Where(pair => !string.IsNullOrEmpty(pair.First.Label))
                .Select(pair => (pair.First, pair.Second, TextWidth.Fit(pair.First.Label!, TextSize.Ticks, LongestText))),
        ];
        return entries.Length == 0 ? null : new(entries);
    }

    internal bool FitsInto(Box plot)
    {
        Box box = Arrange(double.PositiveInfinity);
        return box.Width + 2 * Inset <= plot.Width * 0.75 && box.Height + 2 * Inset <= plot.Height * 0.75;
    }

    /// <summary>The size of the legend, in as many columns as a height asks for.</summary>
    internal Box Arrange(double height)
    {
        int most = double.IsInfinity(height) ? entries.Length : Math.Max(1, (int)((height - 2 * Pad) / Row));
        int columns = (entries.Length - 1) / most + 1;
        rows = (entries.Length - 1) / columns + 1;
        return new(0, 0, 2 * Pad + columns * columnWidth + (columns - 1) * ColumnGap, 2 * Pad + rows * Row - 4);
    }

    /// <summary>Where the legend stands in axes: as asked, or where it covers least of some lines.</summary>
    internal Box PlaceIn(Box plot, LegendPlace place, IReadOnlyList<Point[]> lines)
    {
        Box size = Arrange(double.PositiveInfinity);
        if (place == LegendPlace.Best) place = Best(where => At(where, plot, size), Dots(plot, lines)).Place;
        return At(place, plot, size);
    }

    /// <summary>The part of some lines that the legend covers where it covers least.</summary>
    internal double LeastCovered(Box plot, IReadOnlyList<Point[]> lines)
    {
        List<Point> dots = Dots(plot, lines);
        Box size = Arrange(double.PositiveInfinity);
        return Best(where => At(where, plot, size), dots).Covered / (double)Math.Max(dots.Count, 1);
    }

    private static Box At(LegendPlace where, Box plot, Box size) => size with
    {
        Left = where switch
        {
            LegendPlace.UpperLeft or LegendPlace.LowerLeft or LegendPlace.Left => plot.Left + Inset,
            LegendPlace.Upper or LegendPlace.Lower => plot.CenterX - size.Width / 2,
            _ => plot.Right - Inset - size.Width,
        },
        Top = where switch
        {
            LegendPlace.UpperLeft or LegendPlace.UpperRight or LegendPlace.Upper => plot.Top + Inset,
            LegendPlace.Left or LegendPlace.Right => plot.CenterY - size.Height / 2,
            _ => plot.Bottom - Inset - size.Height,
        },
    };

    private static (LegendPlace Place, int Covered) Best(Func<LegendPlace, Box> at, List<Point> dots)
    {
        LegendPlace[] places =
        [
            LegendPlace.UpperRight, LegendPlace.UpperLeft, LegendPlace.LowerLeft, LegendPlace.LowerRight, LegendPlace.Right,
            LegendPlace.Left, LegendPlace.Lower, LegendPlace.Upper,
        ];
        return places.Select(place => (place, dots.Count(dot => at(place).Grow(3).Contains(dot.X, dot.Y))))
            .MinBy(found => found.Item2);
    }

    internal void Draw(Svg svg, Box box)
    {
        svg.Rectangle(box, " rx=\"3\" fill=\"#fff\" fill-opacity=\".85\" stroke=\"#ccc\" stroke-width=\".8\"");
        for (int i = 0; i < entries.Length; i++)
        {
            double left = box.Left + Pad + i / rows * (columnWidth + ColumnGap), top = box.Top + Pad - 2 + i % rows * Row;
            entries[i].Mark.DrawKey(svg, new(left, top, Key, Row), entries[i].Pen);
            svg.Text(left + Key + Gap, top + Row / 2 + TextSize.Ticks * 0.36, entries[i].Text, TextSize.Ticks);
        }
    }

    /// <summary>Points along lines, a few pixels apart.</summary>
    private static List<Point> Dots(Box plot, IReadOnlyList<Point[]> lines)
    {
        const double spacing = 5;
        const int most = 20_000;
        var dots = new List<Point>();
        foreach (Point[] line in lines)
        {
            // Of very many points a part tells enough.
            int stride = Math.Max(1, line.Length / 2000);
            Point? before = null;
            for (int i = 0; i < line.Length; i += stride)
            {
                Point point = line[i];
                if (!point.IsFinite)
                {
                    before = null;
                    continue;
                }

                point = new(Math.Clamp(point.X, plot.Left - 50, plot.Right + 50),
                    Math.Clamp(point.Y, plot.Top - 50, plot.Bottom + 50));
                if (before is { } from)
                {
                    int steps = (int)(Math.Max(Math.Abs(point.X - from.X), Math.Abs(point.Y - from.Y)) / spacing);
                    for (int step = 1; step < steps; step++)
                        dots.Add(new(from.X + (point.X - from.X) * step / steps, from.Y + (point.Y - from.Y) * step / steps));
                }

                dots.Add(point);
                before = point;
            }

            if (dots.Count > most) break;
        }

        return dots;
    }
}
