namespace Autodiff.Plots;

/// <summary>What of lines and polygons is seen.</summary>
internal static class Lines
{
    // Pixels by which a line may differ from what it stands for.
    private const double Tolerance = 0.04;

    /// <summary>The parts of a line inside a box, gaps where points are not finite.</summary>
    internal static IEnumerable<List<Point>> Visible(IReadOnlyList<Point> points, Box box)
    {
        var run = new List<Point>();
        Point? before = null;
        foreach (Point point in points)
        {
            if (!point.IsFinite)
            {
                if (Ended(ref run, before, box) is { } part) yield return part;
                before = null;
                continue;
            }

            if (before is not { } from)
            {
                before = point;
                continue;
            }

            before = point;
            if (!TryClip(from, point, box, out Point a, out Point b)) continue;
            if (run.Count > 0 && run[^1] != a)
            {
                yield return run;
                run = [];
            }

            if (run.Count == 0) run.Add(a);
            run.Add(b);
        }

        if (Ended(ref run, before, box) is { } last) yield return last;
    }

    /// <summary>The same line with fewer points: those that move it by less than the eye sees are left out.</summary>
    internal static List<Point> Simplify(IReadOnlyList<Point> points)
    {
        List<Point> thin = ByColumn(points);
        if (thin.Count < 3) return thin;
        var keep = new bool[thin.Count];
        keep[0] = keep[^1] = true;
        var open = new Stack<(int From, int To)>();
        open.Push((0, thin.Count - 1));
        while (open.TryPop(out (int From, int To) part))
        {
            double farthest = Tolerance;
            int at = -1;
            for (int i = part.From + 1; i < part.To; i++)
            {
                double distance = Distance(thin[i], thin[part.From], thin[part.To]);
                if (distance > farthest) (farthest, at) = (distance, i);
            }

            if (at < 0) continue;
            keep[at] = true;
            open.Push((part.From, at));
            open.Push((at, part.To));
        }

        return [.. thin.Where((_, i) => keep[i])];
    }

    /// <summary>A polygon cut at the edges of a box (Sutherland and Hodgman 1974).</summary>
    internal static List<Point> Clip(IReadOnlyList<Point> polygon, Box box)
    {
        List<Point> points = [.. polygon];
        for (int side = 0; side < 4; side++)
        {
            double Inside(Point p) => side switch
            {
                0 => p.X - box.Left,
                1 => box.Right - p.X,
                2 => p.Y - box.Top,
                _ => box.Bottom - p.Y,
            };
            var kept = new List<Point>(points.Count + 4);
            for (int i = 0; i < points.Count; i++)
            {
                Point from = points[(i + points.Count - 1) % points.Count], to = points[i];
                double a = Inside(from), b = Inside(to);
                if (a >= 0 != b >= 0) kept.Add(Between(from, to, a / (a - b)));
                if (b >= 0) kept.Add(to);
            }

            points = kept;
        }

        return points;
    }

    private static List<Point>? Ended(ref List<Point> run, Point? alone, Box box)
    {
        List<Point>? ended = run.Count > 0 ? run : null;
        if (ended is null && alone is { } point && box.Contains(point.X, point.Y)) ended = [point];
        run = [];
        return ended;
    }

    /// <summary>Where many points fall on a quarter of a pixel, the first, the lowest, the highest and the last of them draw
    /// the same line.</summary>
    private static List<Point> ByColumn(IReadOnlyList<Point> points)
    {
        const double columns = 4;
        if (points.Count < 2000) return [.. points];
        var kept = new List<Point>();
        int from = 0;
        while (from < points.Count)
        {
            double column = Math.Floor(points[from].X * columns);
            int to = from, low = from, high = from;
            while (to + 1 < points.Count && Math.Floor(points[to + 1].X * columns) == column)
            {
                to++;
                if (points[to].Y < points[low].Y) low = to;
                if (points[to].Y > points[high].Y) high = to;
            }

            foreach (int i in new SortedSet<int> { from, low, high, to }) kept.Add(points[i]);
            from = to + 1;
        }

        return kept;
    }

    /// <summary>The part of a segment inside a box (Liang and Barsky 1984).</summary>
    private static bool TryClip(Point from, Point to, Box box, out Point a, out Point b)
    {
        double dx = to.X - from.X, dy = to.Y - from.Y, enter = 0, leave = 1;
        (a, b) = (from, to);
        ReadOnlySpan<double> towards = [-dx, dx, -dy, dy];
        ReadOnlySpan<double> room = [from.X - box.Left, box.Right - from.X, from.Y - box.Top, box.Bottom - from.Y];
        for (int side = 0; side < 4; side++)
        {
            if (towards[side] == 0)
            {
                if (room[side] < 0) return false;
                continue;
            }

            double at = room[side] / towards[side];
            if (towards[side] < 0)
                enter = Math.Max(enter, at);
            else
                leave = Math.Min(leave, at);
        }

        if (enter > leave) return false;
        if (enter > 0) a = Between(from, to, enter);
        if (leave < 1) b = Between(from, to, leave);
        return true;
    }

    private static Point Between(Point from, Point to, double t) =>
        new(from.X + t * (to.X - from.X), from.Y + t * (to.Y - from.Y));

    /// <summary>The distance of a point from a segment.</summary>
    private static double Distance(Point p, Point from, Point to)
    {
        double dx = to.X - from.X, dy = to.Y - from.Y, length = dx * dx + dy * dy;
        double t = length > 0 ? Math.Clamp(((p.X - from.X) * dx + (p.Y - from.Y) * dy) / length, 0, 1) : 0;
        return Math.Sqrt(Square(p.X - from.X - t * dx) + Square(p.Y - from.Y - t * dy));
    }

    private static double Square(double x) => x * x;
}
