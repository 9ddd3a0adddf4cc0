namespace Autodiff.Kernels;

/// <summary>The iteration space of a fused kernel: dimensions innermost first, without those of size 1, those merged
/// that every operand steps through as one. Rows that are walked whole are the first dimension.</summary>
internal sealed class FusedLayout
{
    // Elements of a part of a row, and of a tile: enough to be worth a task, and few enough for sums of float64 to stay exact.
    private const long BlockColumns = 8192;
    private const long TileElements = 1 << 15;

    // Totals that each column has its own of are not copied for a further block, so that blocks can be smaller.
    private const long BlockOfColumnTotals = 1024;

    // With a total for each column, a tile of fewer rows would spend its time on the totals.
    private const long LeastRows = 64;

    // Rows of fewer elements are joined to longer ones, if operands of at most so many elements are written out for it.
    private const long ShortRow = 32;
    private const long MostWritten = 1 << 18;

    private readonly int[] shape;
    private readonly int rowAxes;
    private readonly int[]?[] given;
    private readonly long[][] steps;

    internal FusedLayout(int[] shape, int rowAxes, int[]?[] given, int inputs, ReadOnlySpan<int> totals)
    {
        this.shape = shape;
        this.rowAxes = rowAxes;
        this.given = given;
        Count = 1;
        foreach (int size in shape) Count *= size;

        var sizes = new List<long>();
        List<long>[] strides = [.. given.Select(_ => new List<long>())];
        long inner = 1;
        bool isNewRow = false;

        void Single()
        {
            if (sizes.Count > 0) return;
            sizes.Add(1);
            foreach (List<long> s in strides) s.Add(1);
        }

        for (int d = shape.Length - 1; d >= 0; d--)
        {
            if (rowAxes > 0 && d == shape.Length - rowAxes - 1)
            {
                Single();
                isNewRow = true;
                if (sizes.Count > 1) throw new ArgumentException("An operand's rows are not walked as one; copy it first.");
            }

            if (shape[d] == 1) continue;
            long[] step = [.. given.Select(s => s is null ? inner : s[d])];
            int top = sizes.Count - 1;
            bool merges = top >= 0 && !isNewRow && step.Select((s, i) => s == strides[i][top] * sizes[top]).All(x => x);
            if (merges)
            {
                sizes[top] *= shape[d];
            }
            else
            {
                sizes.Add(shape[d]);
                for (int i = 0; i < step.Length; i++) strides[i].Add(step[i]);
                isNewRow = false;
            }

            inner *= shape[d];
        }

        Single();
        Sizes = [.. sizes];
        steps = [.. strides.Select(s => s.ToArray())];
        if (Count > 0 && steps.Take(inputs).Any(s => s[0] > 1))
            throw new ArgumentException("An operand's elements lie apart along the last axis; copy it first.");
        if (Count > 0 && rowAxes == 0) JoinRows(inputs, totals);
        Rows = Count == 0 ? 0 : Count / Sizes[0];
        Steps = string.Concat(steps.Select(s => s[0] == 0 ? '0' : '1'));
    }

    internal long Count { get; }

    /// <summary>The number of axes of the shape: 0 if the expression is one of single numbers.</summary>
    internal int Dimensions => shape.Length;

    internal long[] Sizes { get; private set; }

    /// <summary>The number of rows, of all dimensions but the first.</summary>
    internal long Rows { get; }

    /// <summary>For each operand, whether it goes on along a row, 1, or stays, 0: what emitted code depends on.</summary>
    internal string Steps { get; }

    /// <summary>Operands that are written out, and totals that are kept so, for rows to be longer.</summary>
    internal FusedExpansion[] Expansions { get; private set; } = [];

    /// <summary>How an operand is written out; null if it is not.</summary>
    internal FusedExpansion? ExpansionOf(int operand)
    {
        foreach (FusedExpansion expansion in Expansions)
        {
            if (expansion.Operand == operand) return expansion;
        }

        return null;
    }

    internal FusedKernel.Loop? Loop { get; set; }

    /// <summary>How an expression of few elements is computed at once; null for others.</summary>
    internal FusedPass? Pass { get; set; }

    /// <summary>The tiles of a pass that keeps totals, each of which has totals of its own.</summary>
    internal FusedTiles? Tiles { get; set; }

    /// <summary>The distance of an operand's rows, in elements.</summary>
    internal long Pitch(int operand) => Sizes.Length > 1 ? steps[operand][1] : 0;

    /// <summary>The number of elements of an operand.</summary>
    internal long Extent(int operand)
    {
        long last = 0;
        for (int d = 0; d < Sizes.Length; d++) last += (Sizes[d] - 1) * steps[operand][d];
        return last + 1;
    }

    /// <summary>Whether each row has an element of its own of an operand that stays along rows.</summary>
    internal bool IsOnePerRow(int operand)
    {
        for (int d = 1; d < Sizes.Length; d++)
        {
            if (steps[operand][d] == 0 && Sizes[d] > 1) return false;
        }

        return steps[operand][0] == 0;
    }

    internal bool Fits(int[] shape, int rowAxes, int[]?[] strides)
    {
        if (rowAxes != this.rowAxes) return false;
        if (!ReferenceEquals(shape, this.shape) && !shape.AsSpan().SequenceEqual(this.shape)) return false;
        if (ReferenceEquals(strides, given)) return true;
        for (int i = 0; i < strides.Length; i++)
        {
            if (!ReferenceEquals(strides[i], given[i]) && !strides[i].AsSpan().SequenceEqual(given[i])) return false;
            if (strides[i] is null != given[i] is null) return false;
        }

        return true;
    }

    /// <summary>The index of an operand's element in a row, of all rows, and a column.</summary>
    internal long Offset(int operand, long row, long column)
    {
        long[] step = steps[operand];
        long offset = column * step[0];
        for (int d = 1; d < Sizes.Length; d++)
        {
            (row, long index) = Math.DivRem(row, Sizes[d]);
            offset += index * step[d];
        }

        return offset;
    }

    /// <summary>Makes one of the dimensions of short rows, and writes out what does not go on along them.</summary>
    private void JoinRows(int inputs, ReadOnlySpan<int> totals)
    {
        int joined = 0;
        long width = Sizes[0];
        for (int d = 1; d < Sizes.Length && width < ShortRow; d++)
        {
            width *= Sizes[d];
            if (PaysToJoin(d, inputs, totals)) joined = d;
        }

        if (joined == 0) return;
        long[] sizes = [Sizes[..(joined + 1)].Aggregate((x, y) => x * y), .. Sizes[(joined + 1)..]];
        Expansions = [.. Enumerable.Range(0, steps.Length).Where(i => !GoesOn(i, joined)).Select(i => Expand(i, joined))];
        for (int i = 0; i < steps.Length; i++) steps[i] = [steps[i][0], .. steps[i][(joined + 1)..]];
        foreach (FusedExpansion expansion in Expansions)
        {
            long[] step = steps[expansion.Operand];
            step[0] = 1;
            long apart = sizes[0];
            for (int d = 1; d < step.Length; d++)
            {
                if (step[d] == 0) continue;
                step[d] = apart;
                apart *= sizes[d];
            }
        }

        Sizes = sizes;
    }

    private bool PaysToJoin(int dimension, int inputs, ReadOnlySpan<int> totals)
    {
        long written = 0;
        for (int i = 0; i < steps.Length; i++)
        {
            if (GoesOn(i, dimension)) continue;
            long count = Expand(i, dimension).Count;
            if (i < inputs) written += count;
            else if (!totals.Contains(i) || 4 * count > Count) return false;
        }

        return written <= Math.Min(Count, MostWritten);
    }

    /// <summary>Whether an operand steps through the dimensions up to one as through a single one.</summary>
    private bool GoesOn(int operand, int dimension)
    {
        long step = steps[operand][0];
        for (int d = 1; d <= dimension; d++)
        {
            step *= Sizes[d - 1];
            if (steps[operand][d] != step) return false;
        }

        return true;
    }

    private FusedExpansion Expand(int operand, int dimension)
    {
        int[] over = [.. Enumerable.Range(0, Sizes.Length).Where(d => d <= dimension || steps[operand][d] != 0)];
        return new(operand, [.. over.Select(d => Sizes[d])], [.. over.Select(d => steps[operand][d])]);
    }

    /// <summary>Cuts the rows into tiles, by the sizes alone, so that sums do not depend on the number of threads.</summary>
    /// <param name="totals">The operands that are totals.</param>
    /// <param name="wholeRows">Whether rows must not be cut.</param>
    internal FusedTiles MakeTiles(ReadOnlySpan<int> totals, bool wholeRows)
    {
        bool isOfColumns = true;
        foreach (int total in totals) isOfColumns &= steps[total][0] != 0;
        long block = wholeRows ? Sizes[0] : Math.Min(Sizes[0], isOfColumns ? BlockOfColumnTotals : BlockColumns);
        long blocks = (Sizes[0] + block - 1) / block;
        long rows = Math.Max(1, TileElements / block);
        long copied = 0;
        foreach (int total in totals)
        {
            if (steps[total][0] != 0) rows = Math.Max(rows, LeastRows);
            if (blocks > 1 || !IsOnePerRow(total)) copied = Math.Max(copied, Extent(total));
        }

        // The totals of all tiles together are to be few beside the elements.
        long most = Math.Max(1, Count / (8 * Math.Max(1, copied)));
        rows = Math.Max(rows, (Rows + most - 1) / most);
        long chunks = (Rows + rows - 1) / rows;
        var copies = new long[totals.Length];
        for (int i = 0; i < copies.Length; i++)
            copies[i] = steps[totals[i]][0] != 0 ? chunks : blocks == 1 && IsOnePerRow(totals[i]) ? 1 : chunks * blocks;
        return new(block, blocks, rows, chunks, copies);
    }
}

/// <summary>Tiles of some columns and rows, and how many copies there are of each total.</summary>
internal sealed record FusedTiles(long Columns, long Blocks, long Rows, long Chunks, long[] Copies)
{
    internal long Count => Blocks * Chunks;

    /// <summary>The copy of a total that a tile adds to.</summary>
    internal long Copy(int total, long chunk, long block) =>
        Copies[total] == 1 ? 0 : Copies[total] == Chunks ? chunk : chunk * Blocks + block;
}
