namespace Autodiff.Plots;

/// <summary>The room that texts need around the axes, in pixels.</summary>
internal readonly record struct Margins(double Left, double Right, double Top, double Bottom)
{
    internal static Margins Max(Margins a, Margins b) => new(
        Math.Max(a.Left, b.Left), Math.Max(a.Right, b.Right), Math.Max(a.Top, b.Top), Math.Max(a.Bottom, b.Bottom));
}

/// <summary>Draws axes: first it says how much room texts need, then it draws into the room that is left.</summary>
internal sealed class AxesDrawing
{
    private const double TickLength = 4, TickGap = 3, LabelGap = 7, BarGap = 12, BarWidth = 13;
    private const double LineHeight = 1.3;

    // The longest text that stands aslant, in pixels.
    private const double Turned = 130;

    // The part of what is drawn that a legend may cover before it has to go outside.
    private const double LargestCover = 0.01;
    private const string GridColor = "#e3e3e3", FrameColor = "#555";

    private readonly Axes axes;
    private readonly Mark[] marks;
    private readonly Pen[] pens;
    private readonly Scale xScale, yScale;
    private readonly bool isBare, hasWholeX, hasWholeY;
    private readonly ColorBar? bar;
    private readonly Legend? legend;
    private Ticks xTicks = new([], [], ""), yTicks = new([], [], ""), barTicks = new([], [], "");
    private bool areXTextsTurned, isLegendOutside;
    private List<string> title = [];

    internal AxesDrawing(Axes axes)
    {
        this.axes = axes;
        int slots = axes.Marks.OfType<BarMark>().Select(mark => mark.Slot + 1).DefaultIfEmpty(1).Max();
        marks = [.. axes.Marks.Select(mark => mark is BarMark bars ? bars with { Slots = slots } : mark)];
        pens = Pens(marks);
        Extent x = new(axes.XOptions.IsLog), y = new(axes.YOptions.IsLog);
        foreach (Mark mark in marks) mark.Extend(x, y);
        xScale = ScaleOf(x, axes.XOptions, "XLog");
        yScale = ScaleOf(y, axes.YOptions, "YLog");
        hasWholeX = x.IsWhole && marks.Length > 0;
        hasWholeY = y.IsWhole && marks.Any(mark => mark.CountsY);
        isBare = axes.AreHidden || (marks.Length > 0 && marks.All(mark => mark.HidesAxes));
        bar = marks.Select(mark => mark.Bar).LastOrDefault(found => found is not null);
        legend = axes.Place == LegendPlace.None ? null : Legend.Of(marks, pens);
    }

    /// <summary>The room around axes of about some size; it also decides the numbers of the axes.</summary>
    internal Margins Measure(double width, double height)
    {
        title = TextWidth.Wrap(axes.TitleText, TextSize.Title * 1.08, Math.Max(width, 80));
        double top = title.Count > 0 ? title.Count * TextSize.Title * LineHeight + 4 : 6;
        double left = 6, right = 8, bottom = 6;
        Box shape = Shaped(new(0, 0, width, height));
        if (!isBare)
        {
            xTicks = TicksOf(axes.XOptions, xScale, marks.Select(mark => mark.XNames), count => FitAcross(count, shape.Width),
                Math.Clamp((int)(shape.Width / 45), 2, 10));
            yTicks = TicksOf(axes.YOptions, yScale, marks.Select(mark => mark.YNames), count =>
                Ticks.Of(yScale, count, hasWholeY), Math.Clamp((int)(shape.Height / 34), 2, 9));
            areXTextsTurned = !Fits(xTicks, shape.Width);
            double texts = areXTextsTurned
                ? Math.Min(Turned, xTicks.Major.Max(tick => TextWidth.Of(tick.Text, TextSize.Ticks))) * 0.66
                    + TextSize.Ticks * 0.9
                : TextSize.Ticks;
            bottom = TickLength + TickGap + (xTicks.Major.Count > 0 ? texts : 0) + 3;
            if (axes.XText.Length > 0 || xTicks.Factor.Length > 0) bottom += LabelGap + TextSize.Labels;
            left = TickLength + TickGap + Widest(yTicks) + 3;
            if (axes.YText.Length > 0) left += LabelGap + TextSize.Labels;
            if (yTicks.Factor.Length > 0) top += TextSize.Ticks * 0.9 + 4;
            top = Math.Max(top, TextSize.Ticks * 0.6);

            // Half of the last number stands beyond the end of the axis.
            if (!areXTextsTurned && xTicks.Major.Count > 0)
            {
                right = Math.Max(right, TextWidth.Of(xTicks.Major[^1].Text, TextSize.Ticks) / 2 + 2);
                left = Math.Max(left, TextWidth.Of(xTicks.Major[0].Text, TextSize.Ticks) / 2 + 2);
            }
            else if (areXTextsTurned)
            {
                left = Math.Max(left, xTicks.Major.Max(tick =>
                    Math.Min(Turned, TextWidth.Of(tick.Text, TextSize.Ticks)) * 0.77
                        + 6 - xScale.Place(tick.Value) * shape.Width));
            }
        }

        if (bar is not null)
        {
            barTicks = !(bar.High > bar.Low) ? Given([bar.Low], null)
                : bar.Levels is { Length: <= 12 } levels ? Given(levels, null)
                : Ticks.Of(new(bar.Low, bar.High, false), Math.Clamp((int)(shape.Height / 34), 2, 9));
            right += BarGap + Math.Max(BarWidth + TickLength + Widest(barTicks), TextWidth.Of(barTicks.Factor, TextSize.Ticks))
                + 4;
            if (bar.Label.Length > 0) right += LabelGap + TextSize.Labels;
            if (barTicks.Factor.Length > 0) top = Math.Max(top, TextSize.Ticks + 8);
        }

        isLegendOutside = legend is not null
            && (axes.Place == LegendPlace.Outside
                || (axes.Place == LegendPlace.Best
                    && (!legend.FitsInto(shape) || legend.LeastCovered(shape, Lines(FrameOf(shape))) > LargestCover)));
        if (isLegendOutside) right += legend!.Arrange(height).Width + 10;
        return new(left, right, top, bottom);
    }

    /// <summary>Draws the axes into a box, after the room around it was measured.</summary>
    internal void Draw(Svg svg, Box room)
    {
        Box plot = Shaped(room);
        Frame frame = FrameOf(plot);
        bool hasGrid = !isBare && (axes.HasGrid ?? !marks.Any(mark => mark.HidesGrid));
        if (hasGrid) DrawGrid(svg, frame);
        DrawMarks(svg, frame);
        if (!isBare) DrawAxes(svg, frame);
        for (int i = 0; i < title.Count; i++)
        {
            double factor = yTicks.Factor.Length > 0 ? TextSize.Ticks + 4 : 0;
            double up = (title.Count - 1 - i) * TextSize.Title * LineHeight + 7 + factor;
            svg.Text(plot.CenterX, plot.Top - up, title[i], TextSize.Title, Anchor.Middle);
        }

        double right = plot.Right;
        if (bar is not null) right = DrawBar(svg, plot, bar);
        if (legend is null) return;
        if (isLegendOutside)
            legend.Draw(svg, legend.Arrange(room.Height) with { Left = right + 10, Top = plot.Top });
        else
            legend.Draw(svg, legend.PlaceIn(plot, axes.Place, Lines(frame)));
    }

    private Frame FrameOf(Box plot) => new(
        plot, xScale, yScale, axes.XOptions.IsReversed, axes.YOptions.IsReversed ^ marks.Any(mark => mark.ReversesY));

    /// <summary>What a legend should not cover.</summary>
    private List<Point[]> Lines(Frame frame) => [.. marks.SelectMany(mark => mark.Trace(frame))];

    private static Pen[] Pens(Mark[] marks)
    {
        var pens = new Pen[marks.Length];
        int turn = 0;
        for (int i = 0; i < pens.Length; i++)
        {
            bool takes = marks[i].Color is null && marks[i].TakesTurn;
            string color = marks[i].Color ?? (takes ? Colors.Cycle[turn % Colors.Cycle.Count] : Svg.Foreground);

            // When the colours start again, lines are broken another way.
            pens[i] = new(color, takes ? (Dash)(turn / Colors.Cycle.Count % 4) : Dash.Solid);
            if (takes) turn++;
        }

        return pens;
    }

    private static Scale ScaleOf(Extent extent, AxisOptions options, string owner)
    {
        if (extent.IsUnusable)
        {
            throw new ArgumentException(
                $"{owner}: none of the numbers is positive, and a logarithmic axis shows no others. Leave it out, or draw other numbers.");
        }

        if (options.IsLog && (options.Low <= 0 || options.High <= 0))
            throw new ArgumentException($"{owner}: a limit of a logarithmic axis is not positive; give positive limits.");
        return extent.ToScale(options.Low, options.High, 0.04);
    }

    /// <summary>The part of a room that axes of equal units take.</summary>
    private Box Shaped(Box room)
    {
        bool isEqual = axes.HasEqualAspect || marks.Any(mark => mark.IsEqualAspect);
        if (!isEqual || xScale.IsLog || yScale.IsLog) return room;
        double ratio = (xScale.High / 2 - xScale.Low / 2) / (yScale.High / 2 - yScale.Low / 2);
        double width = Math.Min(room.Height * ratio, room.Width), height = Math.Min(room.Width / ratio, room.Height);

        // On a line nothing could be seen.
        const double least = 40;
        if (Math.Min(width, height) < Math.Min(least, Math.Min(room.Width, room.Height))) return room;
        return new(room.Left + (room.Width - width) / 2, room.Top + (room.Height - height) / 2, width, height);
    }

    private static Ticks TicksOf(
        AxisOptions options, Scale scale, IEnumerable<IReadOnlyList<string>?> names, Func<int, Ticks> round, int count)
    {
        if (options.Ticks is { } values)
            return Shown(Given(values, options.TickLabels), scale);
        if (names.LastOrDefault(found => found is not null) is { } named)
            return Shown(Given([.. Enumerable.Range(0, named.Count).Select(i => (double)i)], named), scale);
        return Shown(round(count), scale);
    }

    private Ticks FitAcross(int count, double width)
    {
        Ticks ticks = Ticks.Of(xScale, count, hasWholeX);
        while (count > 2 && !Fits(ticks, width)) ticks = Ticks.Of(xScale, --count, hasWholeX);
        return ticks;
    }

    private static Ticks Given(IReadOnlyList<double> values, IReadOnlyList<string>? labels) =>
        new([.. values.Select((value, i) => new Tick(value, labels?[i] ?? Ticks.Readable(value, 6)))], [], "");

    private static Ticks Shown(Ticks ticks, Scale scale)
    {
        bool IsInside(double value) => scale.Place(value) is >= -1e-9 and <= 1 + 1e-9;
        return ticks with
        {
            Major = [.. ticks.Major.Where(tick => IsInside(tick.Value))],
            Minor = [.. ticks.Minor.Where(IsInside)]
        };
    }

    /// <summary>Whether the texts below an axis of some width stay apart.</summary>
    private bool Fits(Ticks ticks, double width)
    {
        const double gap = 8;
        double end = double.NegativeInfinity;
        foreach (Tick tick in ticks.Major.OrderBy(tick => xScale.Place(tick.Value)))
        {
            double half = TextWidth.Of(tick.Text, TextSize.Ticks) / 2, middle = xScale.Place(tick.Value) * width;
            if (middle - half < end + gap) return false;
            end = middle + half;
        }

        return true;
    }

    private static double Widest(Ticks ticks) =>
        ticks.Major.Count == 0 ? 0 : Math.Min(Turned, ticks.Major.Max(tick => TextWidth.Of(tick.Text, TextSize.Ticks)));

    private void DrawGrid(Svg svg, Frame frame)
    {
        var outline = new Outline();

        // Between names there is nothing to read off.
        IReadOnlyList<Tick> across = marks.Any(mark => mark.XNames is not null) ? [] : xTicks.Major;
        foreach (Tick tick in across)
            outline.Move(frame.X(tick.Value), frame.Plot.Top).Line(frame.X(tick.Value), frame.Plot.Bottom);
        foreach (Tick tick in yTicks.Major)
            outline.Move(frame.Plot.Left, frame.Y(tick.Value)).Line(frame.Plot.Right, frame.Y(tick.Value));
        svg.Path(outline.ToString(), Svg.Stroke(GridColor, 0.8));
    }

    private void DrawMarks(Svg svg, Frame frame)
    {
        if (marks.Length == 0) return;
        string id = svg.NewId();
        svg.Raw($"<clipPath id=\"{id}\">");
        svg.Rectangle(isBare ? frame.Plot.Grow(20) : frame.Plot, "");
        svg.Raw("</clipPath>\n");
        svg.Open("g", $" clip-path=\"url(#{id})\"");
        for (int i = 0; i < marks.Length; i++) marks[i].Draw(svg, frame, pens[i]);
        svg.Close("g");
    }

    private void DrawAxes(Svg svg, Frame frame)
    {
        Box plot = frame.Plot;
        svg.Rectangle(plot, Svg.Stroke(FrameColor, 0.9));
        var outline = new Outline();
        foreach (Tick tick in xTicks.Major)
            outline.Move(frame.X(tick.Value), plot.Bottom).Line(frame.X(tick.Value), plot.Bottom + TickLength);
        foreach (Tick tick in yTicks.Major)
            outline.Move(plot.Left, frame.Y(tick.Value)).Line(plot.Left - TickLength, frame.Y(tick.Value));
        foreach (double minor in xTicks.Minor)
            outline.Move(frame.X(minor), plot.Bottom).Line(frame.X(minor), plot.Bottom + TickLength / 2);
        foreach (double minor in yTicks.Minor)
            outline.Move(plot.Left, frame.Y(minor)).Line(plot.Left - TickLength / 2, frame.Y(minor));
        svg.Path(outline.ToString(), Svg.Stroke(FrameColor, 0.9));

        // Texts that stand aslant need a line's height each; where there is less, some are left out.
        int stride = areXTextsTurned ? (int)Math.Ceiling(xTicks.Major.Count * (TextSize.Ticks + 2) / Math.Max(plot.Width, 1)) : 1;
        double below = plot.Bottom + TickLength + TickGap + TextSize.Ticks * 0.8;
        for (int i = 0; i < xTicks.Major.Count; i += stride)
        {
            double x = frame.X(xTicks.Major[i].Value);
            string text = TextWidth.Fit(xTicks.Major[i].Text, TextSize.Ticks, areXTextsTurned ? Turned : double.PositiveInfinity);
            if (areXTextsTurned)
                svg.Text(x + 4, below - 1, text, TextSize.Ticks, Anchor.End, -40);
            else
                svg.Text(x, below, text, TextSize.Ticks, Anchor.Middle);
        }

        double left = plot.Left - TickLength - TickGap;
        foreach (Tick tick in Apart(yTicks, frame.Y))
            svg.Text(left, frame.Y(tick.Value) + TextSize.Ticks * 0.36, TextWidth.Fit(tick.Text, TextSize.Ticks, Turned),
                TextSize.Ticks, Anchor.End);
        svg.Text(plot.Left, plot.Top - 6, yTicks.Factor, TextSize.Ticks);

        double texts = areXTextsTurned && xTicks.Major.Count > 0
            ? Math.Min(Turned, xTicks.Major.Max(tick => TextWidth.Of(tick.Text, TextSize.Ticks))) * 0.66 + TextSize.Ticks * 0.9
            : TextSize.Ticks;
        double label = plot.Bottom + TickLength + TickGap + (xTicks.Major.Count > 0 ? texts : 0) + LabelGap
            + TextSize.Labels * 0.8;
        double factor = TextWidth.Of(xTicks.Factor, TextSize.Ticks);
        svg.Text(plot.CenterX, label, TextWidth.Fit(axes.XText, TextSize.Labels, Math.Max(plot.Width * 1.2, 60) - 2 * factor),
            TextSize.Labels, Anchor.Middle);
        svg.Text(plot.Right, label, xTicks.Factor, TextSize.Ticks, Anchor.End);
        double beside = left - Widest(yTicks) - LabelGap - 1;
        svg.Text(beside, plot.CenterY, TextWidth.Fit(axes.YText, TextSize.Labels, Math.Max(plot.Height * 1.2, 60)),
            TextSize.Labels, Anchor.Middle, -90);
    }

    /// <summary>The ticks whose texts stay apart, one below the other.</summary>
    private static IEnumerable<Tick> Apart(Ticks ticks, Func<double, double> y)
    {
        double last = double.NaN;
        foreach (Tick tick in ticks.Major)
        {
            if (Math.Abs(y(tick.Value) - last) < TextSize.Ticks * 1.05) continue;
            last = y(tick.Value);
            yield return tick;
        }
    }

    /// <summary>Draws the colours with their numbers, and returns where they end.</summary>
    private double DrawBar(Svg svg, Box plot, ColorBar colors)
    {
        var box = new Box(plot.Right + BarGap, plot.Top, BarWidth, plot.Height);
        double Place(double value) => Grids.Place(value, (colors.Low, colors.High));
        double Y(double value) => box.Bottom - Place(value) * box.Height;
        if (colors.Levels is { } levels)
        {
            for (int i = 0; i + 1 < levels.Length; i++)
            {
                double middle = Place(levels[i] / 2 + levels[i + 1] / 2);
                svg.Rectangle(new(box.Left, Y(levels[i + 1]), box.Width, Y(levels[i]) - Y(levels[i + 1])),
                    Svg.Fill(colors.Map.At(middle)));
            }
        }
        else
        {
            const int stops = 24;
            string id = svg.NewId();
            svg.Raw($"<linearGradient id=\"{id}\" x1=\"0\" y1=\"1\" x2=\"0\" y2=\"0\">");
            for (int i = 0; i <= stops; i++)
                svg.Raw($"<stop offset=\"{Svg.Number(Math.Round(i / (double)stops, 3))}\" stop-color=\"{colors.Map.At(i / (double)stops)}\"/>");
            svg.Raw("</linearGradient>\n");
            svg.Rectangle(box, $" fill=\"url(#{id})\"");
        }

        svg.Rectangle(box, Svg.Stroke(FrameColor, 0.8));
        var outline = new Outline();
        foreach (Tick tick in barTicks.Major)
            outline.Move(box.Right, Y(tick.Value)).Line(box.Right + TickLength - 1, Y(tick.Value));
        svg.Path(outline.ToString(), Svg.Stroke(FrameColor, 0.8));
        double left = box.Right + TickLength + 2;
        foreach (Tick tick in Apart(barTicks, Y))
            svg.Text(left, Y(tick.Value) + TextSize.Ticks * 0.36, tick.Text, TextSize.Ticks);
        svg.Text(box.Left, box.Top - 9, barTicks.Factor, TextSize.Ticks);
        double right = left + Widest(barTicks);
        if (colors.Label.Length == 0) return right;
        svg.Text(
            right + LabelGap + TextSize.Labels * 0.8, box.CenterY,
            TextWidth.Fit(colors.Label, TextSize.Labels, plot.Height * 1.1), TextSize.Labels,
            Anchor.Middle, -90);
        return right + LabelGap + TextSize.Labels;
    }
}
