using System.Globalization;
using System.Text;

namespace Autodiff.Plots;

/// <summary>
/// The data of a path: whole hundredths of a pixel, each point relative to the one before, which is short and never drifts.
/// </summary>
internal sealed class Outline
{
    private const double Unit = 100, Far = 1e6;
    private readonly StringBuilder data = new();
    private long x, y, startX, startY;
    private char last;

    internal bool IsEmpty => data.Length == 0;

    public override string ToString() => data.ToString();

    internal Outline Move(double toX, double toY)
    {
        (startX, startY) = Go('M', toX, toY, isRelative: false);
        return this;
    }

    internal Outline Line(double toX, double toY)
    {
        Go('l', toX, toY, isRelative: true);
        return this;
    }

    internal Outline Close()
    {
        data.Append('z');
        last = 'z';
        (x, y) = (startX, startY);
        return this;
    }

    /// <summary>A rectangle.</summary>
    internal Outline Add(Box box)
    {
        Move(box.Left, box.Top);
        return Line(box.Right, box.Top).Line(box.Right, box.Bottom).Line(box.Left, box.Bottom).Close();
    }

    /// <summary>A dot as wide as the line that the path is drawn with, whose ends must be round.</summary>
    internal Outline Dot(double atX, double atY)
    {
        Move(atX, atY);
        data.Append("h0");
        last = 'h';
        return this;
    }

    /// <summary>Path data that start and end at a point.</summary>
    internal Outline Stamp(double atX, double atY, string relative)
    {
        Move(atX, atY);
        data.Append(relative);
        last = '?';
        return this;
    }

    /// <summary>Points joined by lines. Where one is not finite the line has a gap; a point alone becomes a dot. Parts
    /// outside the box are left out, and points that the eye cannot tell from the line without them.</summary>
    internal Outline Polyline(IReadOnlyList<Point> points, Box box)
    {
        foreach (List<Point> run in Lines.Visible(points, box))
        {
            if (run.Count == 1)
            {
                Dot(run[0].X, run[0].Y);
                continue;
            }

            Move(run[0].X, run[0].Y);
            foreach (Point point in Lines.Simplify(run).Skip(1)) Line(point.X, point.Y);
        }

        return this;
    }

    /// <summary>A closed polygon, cut at the box.</summary>
    internal Outline Polygon(IReadOnlyList<Point> points, Box box)
    {
        List<Point> kept = Lines.Simplify(Lines.Clip(points, box));
        if (kept.Count < 3) return this;
        Move(kept[0].X, kept[0].Y);
        foreach (Point point in kept.Skip(1)) Line(point.X, point.Y);
        return Close();
    }

    private (long X, long Y) Go(char command, double toX, double toY, bool isRelative)
    {
        long nextX = (long)Math.Round(Math.Clamp(toX, -Far, Far) * Unit),
            nextY = (long)Math.Round(Math.Clamp(toY, -Far, Far) * Unit);
        bool isStill = isRelative && nextX == x && nextY == y;
        if (isStill) return (x, y);

        // The letter of a line need not be said again after a line; a second move without its letter would be a line.
        bool isSaid = command != last || command == 'M';
        if (isSaid) data.Append(command);
        Append(isRelative ? nextX - x : nextX, isSaid);
        Append(isRelative ? nextY - y : nextY, false);
        last = command;
        (x, y) = (nextX, nextY);
        return (x, y);
    }

    private void Append(long hundredths, bool isFirst)
    {
        if (hundredths < 0)
            data.Append('-');
        else if (!isFirst)
            data.Append(' ');
        (long whole, long part) = Math.DivRem(Math.Abs(hundredths), (long)Unit);
        if (whole != 0 || part == 0) data.Append(whole.ToString(CultureInfo.InvariantCulture));
        if (part == 0) return;
        data.Append('.').Append(part / 10);
        if (part % 10 != 0) data.Append(part % 10);
    }
}
