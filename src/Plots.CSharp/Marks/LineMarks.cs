namespace Autodiff.Plots;

/// <summary>Points joined by lines.</summary>
internal sealed record LineMark(double[] X, double[] Y, double Width, Dash Dash, Marker Marker, double Opacity) : Mark
{
    private double MarkerSize => 3.5 + Width;

    internal override void Extend(Extent x, Extent y) => Pairs.Extend(X, Y, x, y);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        Point[] points = frame.At(X, Y);
        svg.Path(
            new Outline().Polyline(points, frame.Visible).ToString(),
            Svg.Stroke(pen.Color, Width, Dashed(pen), Opacity) + " stroke-linejoin=\"round\""
            + (Dashed(pen) == Dash.Solid ? " stroke-linecap=\"round\"" : ""));
        if (Marker != Marker.None)
            Markers.Draw(svg, points.Where(point => frame.Visible.Contains(point.X, point.Y)), Marker, MarkerSize, pen.Color);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen)
    {
        svg.Line(box.Left, box.CenterY, box.Right, box.CenterY, Svg.Stroke(pen.Color, Width, Dashed(pen), Opacity));
        if (Marker != Marker.None) Markers.Draw(svg, [new(box.CenterX, box.CenterY)], Marker, MarkerSize, pen.Color);
    }

    internal override IEnumerable<Point[]> Trace(Frame frame) => [frame.At(X, Y)];

    private Dash Dashed(Pen pen) => Dash == Dash.Solid ? pen.Dash : Dash;
}

/// <summary>Points, of one colour or each with the colour of a number.</summary>
internal sealed record ScatterMark(
    double[] X, double[] Y, double Size, Marker Marker, double Opacity, double[]? Values, ColorMap Map, string BarLabel) : Mark
{
    private readonly (double Low, double High) range = Grids.Range(Values ?? []);

    internal override bool TakesTurn => Values is null;

    internal override ColorBar? Bar => Values is null ? null : new(Map, range.Low, range.High, BarLabel);

    internal override void Extend(Extent x, Extent y) => Pairs.Extend(X, Y, x, y);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        Point[] points = frame.At(X, Y);
        bool IsSeen(Point point) => frame.Visible.Contains(point.X, point.Y);
        if (Values is null && Opacity >= 1)
        {
            Markers.Draw(svg, points.Where(IsSeen), Marker, Size, pen.Color);
            return;
        }

        // One element for each point, so that what lies on others shows through or has its own colour.
        string opacity = Opacity < 1 ? $" fill-opacity=\"{Svg.Number(Opacity)}\" stroke-opacity=\"{Svg.Number(Opacity)}\"" : "";
        svg.Open("g", Markers.Style(Marker, Size) + (Values is null ? Markers.Paint(Marker, pen.Color) : "") + opacity);
        for (int i = 0; i < points.Length; i++)
        {
            if (!IsSeen(points[i]) || (Values is not null && double.IsNaN(Values[i]))) continue;
            string style = Values is null ? "" : Markers.Paint(Marker, Map.At(Grids.Place(Values[i], range)));
            svg.Path(Markers.Add(new(), points[i], Marker, Size).ToString(), style);
        }

        svg.Close("g");
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        Markers.Draw(svg, [new(box.CenterX, box.CenterY)], Marker, Math.Max(Size, 5), Values is null ? pen.Color : Map.At(0.5));

    // Each point stands alone.
    internal override IEnumerable<Point[]> Trace(Frame frame) => frame.At(X, Y).Select(point => new[] { point });
}

/// <summary>The area between two lines.</summary>
internal sealed record FillMark(double[] X, double[] Low, double[] High, double Opacity) : Mark
{
    internal override void Extend(Extent x, Extent y)
    {
        Pairs.Extend(X, Low, x, y);
        Pairs.Extend(X, High, x, y);
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        var outline = new Outline();
        var upper = new List<Point>();
        var lower = new List<Point>();
        void End()
        {
            if (upper.Count > 1) outline.Polygon([.. upper, .. Enumerable.Reverse(lower)], frame.Visible);
            upper.Clear();
            lower.Clear();
        }

        for (int i = 0; i < X.Length; i++)
        {
            var high = new Point(frame.X(X[i]), double.IsNaN(High[i]) ? double.NaN : frame.YOrEnd(High[i]));
            var low = new Point(high.X, double.IsNaN(Low[i]) ? double.NaN : frame.YOrEnd(Low[i]));
            if (high.IsFinite && low.IsFinite)
            {
                upper.Add(high);
                lower.Add(low);
            }
            else
                End();
        }

        End();
        svg.Path(outline.ToString(), Svg.Fill(pen.Color, Opacity));
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Rectangle(new(box.Left, box.CenterY - 5, box.Width, 10), Svg.Fill(pen.Color, Opacity));

    internal override IEnumerable<Point[]> Trace(Frame frame) => [frame.At(X, Low), frame.At(X, High)];
}

/// <summary>Points with the lengths of their errors.</summary>
internal sealed record ErrorMark(double[] X, double[] Y, double[] Below, double[] Above, Marker Marker) : Mark
{
    private const double Cap = 3, Size = 5.5;

    internal override void Extend(Extent x, Extent y)
    {
        Pairs.Extend(X, Y, x, y);
        for (int i = 0; i < X.Length; i++)
        {
            y.Add(Y[i] - Below[i]);
            y.Add(Y[i] + Above[i]);
        }
    }

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        var bars = new Outline();
        for (int i = 0; i < X.Length; i++)
        {
            Point at = frame.At(X[i], Y[i]);
            if (!at.IsFinite) continue;
            double low = frame.YOrEnd(Y[i] - Below[i]), high = frame.YOrEnd(Y[i] + Above[i]);
            if (!double.IsFinite(low) || !double.IsFinite(high)) continue;
            bars.Polyline([new(at.X, low), new(at.X, high)], frame.Visible);
            bars.Polyline([new(at.X - Cap, low), new(at.X + Cap, low)], frame.Visible);
            bars.Polyline([new(at.X - Cap, high), new(at.X + Cap, high)], frame.Visible);
        }

        svg.Path(bars.ToString(), Svg.Stroke(pen.Color, 1.2));
        Markers.Draw(svg, frame.At(X, Y).Where(point => frame.Visible.Contains(point.X, point.Y)), Marker, Size, pen.Color);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen)
    {
        svg.Line(box.CenterX, box.CenterY - 6, box.CenterX, box.CenterY + 6, Svg.Stroke(pen.Color, 1.2));
        Markers.Draw(svg, [new(box.CenterX, box.CenterY)], Marker, Size, pen.Color);
    }

    internal override IEnumerable<Point[]> Trace(Frame frame) => X.Select((x, i) => new[]
    {
        new Point(frame.X(x), frame.YOrEnd(Y[i] - Below[i])), new Point(frame.X(x), frame.YOrEnd(Y[i] + Above[i])),
    });
}

/// <summary>Arrows at points.</summary>
internal sealed record QuiverMark(double[] X, double[] Y, double[] U, double[] V, double Scale, double Width) : Mark
{
    internal override void Extend(Extent x, Extent y) => Pairs.Extend(X, Y, x, y);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        var arrows = new (Point From, double Dx, double Dy)[X.Length];
        double longest = 0;
        for (int i = 0; i < arrows.Length; i++)
        {
            // Along the axes, so that an arrow is tangent to the path of a point that moves by (u, v).
            double dx = U[i] * Unit(frame.XScale, frame.Plot.Width) * (frame.ReversesX ? -1 : 1);
            double dy = -V[i] * Unit(frame.YScale, frame.Plot.Height) * (frame.ReversesY ? -1 : 1);
            arrows[i] = (frame.At(X[i], Y[i]), dx, dy);
            double length = Math.Max(Math.Abs(dx), Math.Abs(dy));
            if (double.IsFinite(length)) longest = Math.Max(longest, length);
        }

        // By default the larger side of the longest arrow is as long as points are apart.
        double spacing = 0.8 * Math.Sqrt(frame.Plot.Width * frame.Plot.Height / Math.Max(arrows.Length, 1));
        (double unit, double factor) = double.IsNaN(Scale) ? (longest > 0 ? longest : 1, spacing) : (1, Scale);
        var outline = new Outline();
        foreach ((Point from, double dx, double dy) in arrows)
        {
            var to = new Point(from.X + dx / unit * factor, from.Y + dy / unit * factor);
            if (from.IsFinite && to.IsFinite && frame.Visible.Contains(from.X, from.Y)) Arrows.Add(outline, from, to, Width);
        }

        svg.Path(outline.ToString(), Svg.Fill(pen.Color));
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) => svg.Path(
        Arrows.Add(new(), new(box.Left, box.CenterY), new(box.Right, box.CenterY), Width).ToString(), Svg.Fill(pen.Color));

    internal override IEnumerable<Point[]> Trace(Frame frame) => frame.At(X, Y).Select(point => new[] { point });

    private static double Unit(Scale scale, double pixels) => scale.IsLog ? pixels
        : pixels / 2 / (scale.High / 2 - scale.Low / 2);
}

/// <summary>The outlines of arrows.</summary>
internal static class Arrows
{
    internal static Outline Add(Outline outline, Point from, Point to, double width)
    {
        double dx = to.X - from.X, dy = to.Y - from.Y, length = Math.Sqrt(dx * dx + dy * dy);
        if (length < 0.3)
        {
            double r = width / 2;
            return outline.Add(new(from.X - r, from.Y - r, width, width));
        }

        // A short arrow is a small one: its head shrinks with it.
        double head = Math.Min(width * 4.5, length * 0.6), shaft = Math.Min(width, head / 3.5) / 2, half = head * 0.4;
        (double ux, double uy) = (dx / length, dy / length);
        Point Off(double along, double side) => new(from.X + along * ux - side * uy, from.Y + along * uy + side * ux);
        Point[] corners =
        [
            Off(0, -shaft), Off(length - head * 0.9, -shaft), Off(length - head, -half), to, Off(length - head, half),
            Off(length - head * 0.9, shaft), Off(0, shaft),
        ];
        outline.Move(corners[0].X, corners[0].Y);
        foreach (Point corner in corners.AsSpan(1)) outline.Line(corner.X, corner.Y);
        return outline.Close();
    }
}

/// <summary>What marks of points share.</summary>
internal static class Pairs
{
    /// <summary>Adds the points of which both numbers can be shown.</summary>
    internal static void Extend(double[] xs, double[] ys, Extent x, Extent y)
    {
        for (int i = 0; i < xs.Length; i++)
        {
            if (!double.IsFinite(xs[i]) || !double.IsFinite(ys[i])) continue;

            // A point that one axis cannot show must not stretch the other; it still counts as a number.
            if ((x.IsLog && xs[i] <= 0) || (y.IsLog && ys[i] <= 0))
            {
                if (x.IsLog && xs[i] <= 0) x.Add(xs[i]);
                if (y.IsLog && ys[i] <= 0) y.Add(ys[i]);
                continue;
            }

            x.Add(xs[i]);
            y.Add(ys[i]);
        }
    }
}
