using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Copies between two views of one shape. The dimension in which the target's elements lie nearest to each other
/// becomes the columns of matrices, that of the source the rows if it is another, so that tiles of both stay in the
/// cache; the remaining dimensions count the matrices.
/// </summary>
internal static unsafe class StridedCopy
{
    private const int TileRows = 64;
    private const int TileColumns = 64;
    private const long BytesPerFork = 1 << 18;

    /// <summary>Copies; the layout's operands 0 and 1 are the source and the target.</summary>
    internal static void Run(in Layout layout, int size, byte* source, byte* target)
    {
        if (layout.Rank == 1 && layout.Stride(0, 0) == 1 && layout.Stride(1, 0) == 1)
        {
            Run((long)layout.Count * size, source, target);
            return;
        }

        if (layout.Rank == 1)
        {
            if (layout.Count >= 2 * Tiles.Grain) ForkLine(layout, size, source, target);
            else CopyLine(layout, size, source, target, 0, layout.Count);
            return;
        }

        int columns = Nearest(layout, 1, -1), rows = Nearest(layout, 0, -1);
        if (rows == columns) rows = Nearest(layout, 1, columns);
        Plan plan = new(layout, size, rows, columns);
        if (layout.Count >= 2 * Tiles.Grain) Fork(plan, source, target, Tiles.Grain * plan.Units / layout.Count);
        else plan.Copy(source, target, 0, plan.Units);
    }

    private static void Run(long bytes, byte* source, byte* target)
    {
        if (bytes < 2 * BytesPerFork) Buffer.MemoryCopy(source, target, bytes, bytes);
        else Workers.ForRange(bytes, BytesPerFork, new Bytes { Source = source, Target = target });
    }

    private static void ForkLine(Layout layout, int size, byte* source, byte* target) => Workers.ForRange(
        layout.Count, Tiles.Grain, (from, to) => CopyLine(layout, size, source, target, from, to));

    private static void CopyLine(in Layout layout, int size, byte* source, byte* target, long from, long to)
    {
        long sourceStep = layout.Stride(0, 0), targetStep = layout.Stride(1, 0);
        Tiles.Copy(
            size, source + from * sourceStep * size, 0, sourceStep, target + from * targetStep * size, 0, targetStep, 1, (int)(to - from));
    }

    private static void Fork(Plan plan, byte* source, byte* target, long grain) =>
        Workers.ForUnits(plan.Units, Math.Max(1, grain), new Units { Plan = plan, Source = source, Target = target });

    private struct Bytes : IForkedRange
    {
        public byte* Source, Target;

        public readonly void Run(long from, long to) => Buffer.MemoryCopy(Source + from, Target + from, to - from, to - from);
    }

    private struct Units : IForkedRange
    {
        public Plan Plan;
        public byte* Source, Target;

        public readonly void Run(long from, long to) => Plan.Copy(Source, Target, from, to);
    }

    /// <summary>The dimension of the least distance other than 0, without one; -1 if there is no other.</summary>
    private static int Nearest(in Layout layout, int operand, int except)
    {
        int nearest = -1;
        for (int d = 0; d < layout.Rank; d++)
        {
            if (d != except && (nearest < 0 || Distance(layout, operand, d) < Distance(layout, operand, nearest)))
                nearest = d;
        }

        return nearest;
    }

    private static uint Distance(in Layout layout, int operand, int dimension)
    {
        int stride = layout.Stride(operand, dimension);
        return stride == 0 ? uint.MaxValue : (uint)Math.Abs((long)stride);
    }

    /// <summary>The dimensions of rows and columns, and the tiles, counted along the rows, of all matrices.</summary>
    private struct Plan
    {
        internal readonly long Units;
        private readonly Layout layout;
        private readonly int size;
        private readonly int rowDimension;
        private readonly int columnDimension;
        private readonly int rows;
        private readonly int height;
        private readonly int tilesPerMatrix;

        internal Plan(in Layout layout, int size, int rowDimension, int columnDimension)
        {
            this.layout = layout;
            this.size = size;
            this.rowDimension = rowDimension;
            this.columnDimension = columnDimension;
            rows = rowDimension < 0 ? 1 : layout.Sizes[rowDimension];
            height = TileRows;
            tilesPerMatrix = (rows + height - 1) / height;
            Units = (long)layout.Count / ((long)rows * layout.Sizes[columnDimension]) * tilesPerMatrix;
        }

        internal readonly void Copy(byte* source, byte* target, long from, long to)
        {
            int columns = layout.Sizes[columnDimension];
            long sourceColumn = layout.Stride(0, columnDimension), targetColumn = layout.Stride(1, columnDimension);
            long sourceRow = rowDimension < 0 ? 0 : layout.Stride(0, rowDimension);
            long targetRow = rowDimension < 0 ? 0 : layout.Stride(1, rowDimension);

            // Runs need no tiles; elsewhere the tile's lines of source and target are to stay in the cache.
            int width = sourceColumn is >= -1 and <= 1 && targetColumn == 1 ? columns : Math.Min(columns, TileColumns);
            for (long unit = from; unit < to; unit++)
            {
                (long matrix, long tile) = Math.DivRem(unit, tilesPerMatrix);
                int row = (int)tile * height;
                Start(matrix, out long s, out long t);
                s += row * sourceRow;
                t += row * targetRow;
                int count = Math.Min(height, rows - row);
                for (int column = 0; column < columns; column += width)
                {
                    Tiles.Copy(
                        size, source + (s + column * sourceColumn) * size, sourceRow, sourceColumn,
                        target + (t + column * targetColumn) * size, targetRow, targetColumn, count,
                        Math.Min(width, columns - column));
                }
            }
        }

        /// <summary>Where a matrix begins.</summary>
        private readonly void Start(long matrix, out long source, out long target)
        {
            source = target = 0;
            for (int d = 0; d < layout.Rank; d++)
            {
                if (d == rowDimension || d == columnDimension) continue;
                (matrix, long index) = Math.DivRem(matrix, (long)layout.Sizes[d]);
                source += index * layout.Stride(0, d);
                target += index * layout.Stride(1, d);
            }
        }
    }
}
