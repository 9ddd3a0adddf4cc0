namespace Autodiff.Plots;

/// <summary>A matrix of coloured cells, with their numbers if asked.</summary>
internal sealed record HeatMapMark(
    Matrix Z, double[] XEdges, double[] YEdges, bool RowsFromTop, ColorMap Map, double Low, double High, bool HasBar,
    string BarLabel) : Mark
{
    /// <summary>The texts of cells, in row-major order; null for none.</summary>
    internal IReadOnlyList<string>? Texts { get; init; }

    internal IReadOnlyList<string>? Rows { get; init; }

    internal IReadOnlyList<string>? Columns { get; init; }

    internal bool HasSquareCells { get; init; }

    internal override bool TakesTurn => false;

    internal override bool HidesGrid => true;

    internal override bool CountsY => RowsFromTop;

    internal override bool IsEqualAspect => HasSquareCells;

    internal override bool ReversesY => RowsFromTop;

    internal override IReadOnlyList<string>? XNames => Columns;

    internal override IReadOnlyList<string>? YNames => Rows;

    internal override ColorBar? Bar => HasBar ? new(Map, Low, High, BarLabel) : null;

    internal override void Extend(Extent x, Extent y)
    {
        if (Z.Items.Length == 0) return;
        foreach (double edge in XEdges) x.AddEdge(edge);
        foreach (double edge in YEdges) y.AddEdge(edge);
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        if (Z.Items.Length == 0) return;
        bool isEven = Grids.AreEven(XEdges) && Grids.AreEven(YEdges) && !frame.XScale.IsLog && !frame.YScale.IsLog;
        if (isEven)
            DrawPixels(svg, frame);
        else
            DrawCells(svg, frame);
        if (Texts is not null) DrawTexts(svg, frame, Texts);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen)
    {
    }

    /// <summary>One picture, a pixel for each cell.</summary>
    private void DrawPixels(Svg svg, Frame frame)
    {
        Box all = CellBox(frame, 0, 0, Z.Rows - 1, Z.Columns - 1);
        bool flipsRows = frame.Y(YEdges[0]) > frame.Y(YEdges[^1]), flipsColumns = frame.X(XEdges[0]) > frame.X(XEdges[^1]);
        var pixels = new byte[3 * Z.Items.Length];
        for (int row = 0; row < Z.Rows; row++)
        {
            for (int column = 0; column < Z.Columns; column++)
            {
                Rgb color = ColorOf(Z[flipsRows ? Z.Rows - 1 - row : row, flipsColumns ? Z.Columns - 1 - column : column]);
                int at = 3 * (row * Z.Columns + column);
                (pixels[at], pixels[at + 1], pixels[at + 2]) = (color.Red, color.Green, color.Blue);
            }
        }

        svg.Image(all, Png.Encode(pixels, Z.Columns, Z.Rows, 3));
    }

    private void DrawCells(Svg svg, Frame frame)
    {
        for (int row = 0; row < Z.Rows; row++)
        {
            for (int column = 0; column < Z.Columns; column++)
            {
                Box box = CellBox(frame, row, column, row, column);

                // A little larger than the cell, so that no seam shines through.
                if (box.IsFinite) svg.Rectangle(box.Grow(0.2), Svg.Fill(ColorOf(Z[row, column]).ToString()));
            }
        }
    }

    private void DrawTexts(Svg svg, Frame frame, IReadOnlyList<string> texts)
    {
        double widest = texts.Max(text => TextWidth.Of(text, 1));
        for (int row = 0; row < Z.Rows; row++)
        {
            for (int column = 0; column < Z.Columns; column++)
            {
                Box box = CellBox(frame, row, column, row, column);
                double size = Math.Min(Math.Min(13, box.Height * 0.55), box.Width * 0.92 / Math.Max(widest, 0.5));
                if (!(size >= 4) || !frame.Plot.Grow(-size / 2).Contains(box.CenterX, box.CenterY)) continue;
                bool isDark = ColorOf(Z[row, column]).ToLab().L < 0.62;
                svg.Text(
                    box.CenterX, box.CenterY + size * 0.36, texts[row * Z.Columns + column], size, Anchor.Middle,
                    color: isDark ? "#fff" : Svg.Foreground);
            }
        }
    }

    private Rgb ColorOf(double value) => double.IsNaN(value) ? new(255, 255, 255) : Map.Color(Grids.Place(value, (Low, High)));

    private Box CellBox(Frame frame, int row, int column, int lastRow, int lastColumn)
    {
        double x0 = frame.X(XEdges[column]), x1 = frame.X(XEdges[lastColumn + 1]);
        double y0 = frame.Y(YEdges[row]), y1 = frame.Y(YEdges[lastRow + 1]);
        return new(Math.Min(x0, x1), Math.Min(y0, y1), Math.Abs(x1 - x0), Math.Abs(y1 - y0));
    }
}

/// <summary>Pictures in rows and columns; a single one shows its pixels on the axes.</summary>
internal sealed record ImagesMark(IReadOnlyList<string> Pictures, int Width, int Height, int ColumnCount,
    IReadOnlyList<string>? Captions) : Mark
{
    private bool IsSingle => ColumnCount == 0;

    private double StrideX => Width * 1.08;

    private double StrideY => Height * (Captions is null ? 1.08 : 1.3);

    internal override bool TakesTurn => false;

    internal override bool HidesGrid => true;

    internal override bool CountsY => true;

    internal override bool IsEqualAspect => true;

    internal override bool ReversesY => true;

    internal override bool HidesAxes => !IsSingle;

    internal override void Extend(Extent x, Extent y)
    {
        if (Pictures.Count == 0) return;
        int columns = Math.Max(ColumnCount, 1), rows = (Pictures.Count - 1) / columns + 1;
        x.AddEdge(-0.5);
        x.AddEdge(-0.5 + (columns - 1) * StrideX + Width);
        y.AddEdge(-0.5);
        y.AddEdge(-0.5 + (rows - 1) * StrideY + Height * (Captions is null ? 1 : 1.22));
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        for (int i = 0; i < Pictures.Count; i++)
        {
            double left = -0.5 + (IsSingle ? 0 : i % ColumnCount * StrideX);
            double top = -0.5 + (IsSingle ? 0 : i / ColumnCount * StrideY);
            var box = new Box(frame.X(left), frame.Y(top), frame.X(left + Width) - frame.X(left),
                frame.Y(top + Height) - frame.Y(top));
            if (!box.IsFinite) continue;
            svg.Image(box, Pictures[i]);
            if (Captions is null || !frame.Plot.Contains(box.CenterX, box.CenterY)) continue;
            double size = Math.Min(12, box.Height * 0.19);
            double width = TextWidth.Of(Captions[i], size);
            if (width > box.Width * 1.06) size *= Math.Max(0.6, box.Width * 1.06 / width);
            svg.Text(box.CenterX, box.Bottom + size * 1.05, TextWidth.Fit(Captions[i], size, box.Width * 1.06), size,
                Anchor.Middle);
        }
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen)
    {
    }
}

/// <summary>Lines of one height, or the areas between them.</summary>
internal sealed record ContourMark(
    double[] X, double[] Y, Matrix Z, double[] Levels, bool IsFilled, ColorMap Map, double Width, bool HasNumbers, bool HasBar,
    string BarLabel) : Mark
{
    internal override bool TakesTurn => false;

    internal override bool HidesGrid => IsFilled;

    internal override ColorBar? Bar =>
        HasBar && Levels.Length > 1 ? new(Map, Levels[0], Levels[^1], BarLabel, IsFilled ? Levels : null) : null;

    internal override void Extend(Extent x, Extent y)
    {
        if (Z.Items.Length == 0) return;
        x.AddEdge(X.Min());
        x.AddEdge(X.Max());
        y.AddEdge(Y.Min());
        y.AddEdge(Y.Max());
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        if (IsFilled)
            Fill(svg, frame);
        else
            Draw(svg, frame);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Line(box.Left, box.CenterY, box.Right, box.CenterY, Svg.Stroke(Color ?? Map.At(0.5), Width));

    private void Fill(Svg svg, Frame frame)
    {
        // Each area lies on that of the level below, so that no seam shines through between them. What is below the lowest
        // level or above the highest has the colour of the end.
        for (int i = 0; i < Levels.Length - 1; i++)
        {
            var outline = new Outline();
            foreach (List<Point> ring in Isolines.Areas(X, Y, Z, i == 0 ? double.MinValue : Levels[i]))
                outline.Polygon([.. ring.Select(point => frame.At(point.X, point.Y))], frame.Visible);
            double middle = Levels[i] / 2 + Levels[i + 1] / 2;
            svg.Path(outline.ToString(), Svg.Fill(Map.At(Grids.Place(middle, (Levels[0], Levels[^1]))))
                + " fill-rule=\"evenodd\"");
        }
    }

    private void Draw(Svg svg, Frame frame)
    {
        var taken = new List<Point>();
        foreach (double level in Levels)
        {
            var outline = new Outline();
            Point[][] lines = [.. Isolines.Lines(X, Y, Z, level)
                .Select(line => line.Select(point => frame.At(point.X, point.Y)).ToArray())];
            foreach (Point[] line in lines) outline.Polyline(line, frame.Visible);
            string color = Color ?? Map.At(Grids.Place(level, (Levels[0], Levels[^1])));
            svg.Path(outline.ToString(), Svg.Stroke(color, Width) + " stroke-linejoin=\"round\"");
            if (!HasNumbers || lines.Length == 0) continue;

            // On the longest line, as far as may be from the numbers of the other levels.
            Box room = frame.Plot.Grow(-14);
            Point[] inside = [.. lines.MaxBy(line => line.Length)!.Where(point => room.Contains(point.X, point.Y))];
            if (inside.Length == 0) continue;
            Point at = taken.Count == 0
                ? inside.MinBy(point => point.Y)
                : inside.MaxBy(point =>
                    taken.Min(other => Math.Min(Math.Abs(point.X - other.X), 40) + Math.Min(Math.Abs(point.Y - other.Y), 40)));
            taken.Add(at);
            svg.Text(at.X, at.Y + 3.5, Ticks.Readable(level), 9.5, Anchor.Middle, color: Svg.Foreground, halo: true);
        }
    }
}

/// <summary>What marks of matrices share.</summary>
internal static class Grids
{
    /// <summary>The smallest and largest of the finite numbers.</summary>
    internal static (double Low, double High) Range(double[] values)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        foreach (double value in values)
        {
            if (!double.IsFinite(value)) continue;
            low = Math.Min(low, value);
            high = Math.Max(high, value);
        }

        return low <= high ? (low, high) : (0, 1);
    }

    /// <summary>The place of a number in a range, from 0 to 1; in the middle if the range is empty.</summary>
    internal static double Place(double value, (double Low, double High) range) =>
        double.IsNaN(value) ? double.NaN
        : range.High > range.Low ? Math.Clamp((value / 2 - range.Low / 2) / (range.High / 2 - range.Low / 2), 0, 1)
        : value > range.High ? 1 : value < range.Low ? 0 : 0.5;

    /// <summary>The edges of cells around centres, half-way between them.</summary>
    internal static double[] Edges(double[] centers)
    {
        if (centers.Length == 0) return [0];
        if (centers.Length == 1) return [centers[0] - 0.5, centers[0] + 0.5];
        var edges = new double[centers.Length + 1];
        for (int i = 1; i < centers.Length; i++) edges[i] = centers[i - 1] / 2 + centers[i] / 2;
        edges[0] = centers[0] - (edges[1] - centers[0]);
        edges[^1] = centers[^1] + (centers[^1] - edges[^2]);
        return edges;
    }

    internal static bool AreEven(double[] edges)
    {
        if (edges.Length < 3) return true;
        double step = (edges[^1] - edges[0]) / (edges.Length - 1);
        return Enumerable.Range(1, edges.Length - 1).All(i => Math.Abs(edges[i] - edges[i - 1] - step) <= 1e-6 * Math.Abs(step));
    }

    /// <summary>Round numbers over a range: those inside, or with one beyond each end.</summary>
    internal static double[] Levels(double[] values, bool isFilled, int count)
    {
        (double low, double high) = Range(values);
        if (low == high) return isFilled ? [low, low + (low == 0 ? 1 : Math.Abs(low))] : [low];
        double[] inside = [.. Ticks.Of(new(low, high, false), count).Major.Select(tick => tick.Value)];
        if (!isFilled) return [.. inside.Where(level => level > low && level < high)];
        if (inside.Length < 2) return [low, high];
        double step = inside[1] - inside[0];
        List<double> levels = [.. inside];
        if (levels[0] > low) levels.Insert(0, Math.Max(levels[0] - step, double.MinValue));
        if (levels[^1] < high) levels.Add(Math.Min(levels[^1] + step, double.MaxValue));
        return [.. levels];
    }
}
