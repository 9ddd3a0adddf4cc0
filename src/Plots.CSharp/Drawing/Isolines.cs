namespace Autodiff.Plots;

/// <summary>
/// Lines on which a function has one value, from its values on a grid, by marching squares: on each side of a cell whose ends
/// lie on both sides of the level there is a point, by linear interpolation, and each cell joins its points. A cell with four
/// is split as the mean of its corners says.
/// </summary>
internal static class Isolines
{
    /// <summary>The lines of a level, closed ones ending where they start. There is none through cells with NaN.</summary>
    internal static List<List<Point>> Lines(double[] x, double[] y, Matrix z, double level) => Trace(x, y, z, level);

    /// <summary>The rings around where the function is at least a level, for the even-odd rule; NaN is outside.</summary>
    internal static List<List<Point>> Areas(double[] x, double[] y, Matrix z, double level)
    {
        if (z.Items.Length == 0) return [];

        // A rim of minus infinity around the grid, at no distance, closes every line.
        int rows = z.Rows + 2, columns = z.Columns + 2;
        var rimmed = new double[rows * columns];
        Array.Fill(rimmed, double.NegativeInfinity);
        for (int row = 0; row < z.Rows; row++)
        {
            for (int column = 0; column < z.Columns; column++)
            {
                double value = z[row, column];
                rimmed[(row + 1) * columns + column + 1] = double.IsNaN(value) ? double.NegativeInfinity : value;
            }
        }

        return Trace([x[0], .. x, x[^1]], [y[0], .. y, y[^1]], new(rimmed, rows, columns), level);
    }

    private static List<List<Point>> Trace(double[] x, double[] y, Matrix z, double level)
    {
        // The points that each point is joined to, by the number of the side that it lies on.
        var joined = new Dictionary<long, (long First, long Second)>();
        void Join(long a, long b)
        {
            joined[a] = joined.TryGetValue(a, out (long First, long Second) of) ? (of.First, b) : (b, -1);
            joined[b] = joined.TryGetValue(b, out of) ? (of.First, a) : (a, -1);
        }

        long Across(int row, int column) => 2 * ((long)row * z.Columns + column);
        long Down(int row, int column) => Across(row, column) + 1;
        for (int row = 0; row + 1 < z.Rows; row++)
        {
            for (int column = 0; column + 1 < z.Columns; column++)
            {
                double a = z[row, column], b = z[row, column + 1], c = z[row + 1, column + 1], d = z[row + 1, column];
                if (double.IsNaN(a) || double.IsNaN(b) || double.IsNaN(c) || double.IsNaN(d)) continue;
                int corners = (a >= level ? 1 : 0) | (b >= level ? 2 : 0) | (c >= level ? 4 : 0) | (d >= level ? 8 : 0);
                long top = Across(row, column), bottom = Across(row + 1, column), left = Down(row, column),
                    right = Down(row, column + 1);
                switch (corners)
                {
                    case 1 or 14:
                        Join(left, top);
                        break;
                    case 2 or 13:
                        Join(top, right);
                        break;
                    case 4 or 11:
                        Join(right, bottom);
                        break;
                    case 8 or 7:
                        Join(bottom, left);
                        break;
                    case 3 or 12:
                        Join(left, right);
                        break;
                    case 6 or 9:
                        Join(top, bottom);
                        break;
                    case 5 or 10:
                        bool isMiddleHigh = a / 4 + b / 4 + c / 4 + d / 4 >= level;
                        if (corners == 5 == isMiddleHigh)
                        {
                            Join(top, right);
                            Join(bottom, left);
                        }
                        else
                        {
                            Join(left, top);
                            Join(right, bottom);
                        }

                        break;
                }
            }
        }

        Point PointOf(long side)
        {
            int node = (int)(side / 2), row = node / z.Columns, column = node % z.Columns;
            bool isDown = (side & 1) == 1;
            int toRow = isDown ? row + 1 : row, toColumn = isDown ? column : column + 1;
            double from = z[row, column], to = z[toRow, toColumn];
            double t = double.IsInfinity(from) ? 1 : double.IsInfinity(to) ? 0 : (level / 2 - from / 2) / (to / 2 - from / 2);
            return new(x[column] + t * (x[toColumn] - x[column]), y[row] + t * (y[toRow] - y[row]));
        }

        return Follow(joined, PointOf);
    }

    /// <summary>Lines from the points that they join: open ones from their ends, then those that are closed.</summary>
    private static List<List<Point>> Follow(Dictionary<long, (long First, long Second)> joined, Func<long, Point> pointOf)
    {
        var lines = new List<List<Point>>();
        var seen = new HashSet<long>();
        long[] ends = [.. joined.Where(entry => entry.Value.Second < 0).Select(entry => entry.Key)];
        foreach (long start in ends.Concat(joined.Keys))
        {
            if (!seen.Add(start)) continue;
            var line = new List<Point> { pointOf(start) };
            long at = start;
            while (true)
            {
                (long first, long second) = joined[at];
                long next = seen.Contains(first) ? second : first;
                if (next < 0 || !seen.Add(next)) break;
                line.Add(pointOf(next));
                at = next;
            }

            bool isClosed = joined[start].Second >= 0;
            if (isClosed) line.Add(line[0]);
            lines.Add(line);
        }

        return lines;
    }
}
