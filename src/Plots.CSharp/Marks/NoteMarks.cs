namespace Autodiff.Plots;

/// <summary>A line across the axes at one number.</summary>
internal sealed record RuleMark(double At, bool IsHorizontal, double Width, Dash Dash) : Mark
{
    internal override bool TakesTurn => false;

    internal override void Extend(Extent x, Extent y) => (IsHorizontal ? y : x).Add(At);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        double at = IsHorizontal ? frame.Y(At) : frame.X(At);
        if (!double.IsFinite(at)) return;
        if (IsHorizontal)
            svg.Line(frame.Plot.Left, at, frame.Plot.Right, at, Svg.Stroke(pen.Color, Width, Dash));
        else
            svg.Line(at, frame.Plot.Top, at, frame.Plot.Bottom, Svg.Stroke(pen.Color, Width, Dash));
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Line(box.Left, box.CenterY, box.Right, box.CenterY, Svg.Stroke(pen.Color, Width, Dash));

    internal override IEnumerable<Point[]> Trace(Frame frame) => IsHorizontal
        ? [[new(frame.Plot.Left, frame.Y(At)), new(frame.Plot.Right, frame.Y(At))]]
        : [[new(frame.X(At), frame.Plot.Top), new(frame.X(At), frame.Plot.Bottom)]];
}

/// <summary>Text at a point.</summary>
internal sealed record TextMark(double X, double Y, string Content, double Size) : Mark
{
    private const double Gap = 5;

    internal override bool TakesTurn => false;

    internal override void Extend(Extent x, Extent y) => Pairs.Extend([X], [Y], x, y);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        if (BoxOf(frame) is not { } box) return;
        svg.Text(box.Left, box.Bottom - Size * 0.25, Content, Size, color: pen.Color, halo: true);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen)
    {
    }

    internal override IEnumerable<Point[]> Trace(Frame frame) => BoxOf(frame) is { } box ? Across(box) : [];

    /// <summary>To the right of the point, or to its left where there is no room.</summary>
    private Box? BoxOf(Frame frame)
    {
        Point at = frame.At(X, Y);
        if (!at.IsFinite || !frame.Plot.Contains(at.X, at.Y)) return null;
        double width = TextWidth.Of(Content, Size);
        double left = at.X + Gap + width <= frame.Plot.Right ? at.X + Gap : Math.Max(frame.Plot.Left + 2, at.X - Gap - width);
        double top = Math.Clamp(at.Y - Size * 1.15, frame.Plot.Top + 2,
            Math.Max(frame.Plot.Top + 2, frame.Plot.Bottom - Size * 1.3));
        return new(left, top, width, Size * 1.25);
    }
}

/// <summary>An arrow from one point to another, with a text at its start.</summary>
internal sealed record ArrowMark(double FromX, double FromY, double ToX, double ToY, string Content, double Width) : Mark
{
    internal override bool TakesTurn => false;

    internal override void Extend(Extent x, Extent y) => Pairs.Extend([FromX, ToX], [FromY, ToY], x, y);

    internal override void Draw(Svg svg, Frame frame, Pen pen)
    {
        Point from = frame.At(FromX, FromY), to = frame.At(ToX, ToY);
        if (!from.IsFinite || !to.IsFinite) return;
        svg.Path(Arrows.Add(new(), from, to, Width).ToString(), Svg.Fill(pen.Color));

        if (!frame.Plot.Contains(from.X, from.Y)) return;

        // Behind the start, on the side that the arrow does not go to.
        const double size = TextSize.Ticks;
        bool isSteep = Math.Abs(to.Y - from.Y) > Math.Abs(to.X - from.X);
        double y = from.Y + (isSteep ? to.Y > from.Y ? -size * 0.4 : size : size * 0.35);
        double half = TextWidth.Of(Content, size) / 2;
        double x = isSteep
            ? Math.Clamp(from.X, frame.Plot.Left + half + 2, Math.Max(frame.Plot.Left + half + 2, frame.Plot.Right - half - 2))
            : from.X + (to.X > from.X ? -4 : 4);
        svg.Text(x, y, Content, size, isSteep ? Anchor.Middle : to.X > from.X ? Anchor.End : Anchor.Start, color: pen.Color,
            halo: true);
    }

    internal override void DrawKey(Svg svg, Box box, Pen pen) =>
        svg.Path(Arrows.Add(new(), new(box.Left, box.CenterY), new(box.Right, box.CenterY), Width).ToString(),
            Svg.Fill(pen.Color));

    internal override IEnumerable<Point[]> Trace(Frame frame) => [[frame.At(FromX, FromY), frame.At(ToX, ToY)]];
}
