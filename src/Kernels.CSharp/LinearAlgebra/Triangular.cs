using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Systems of equations with a triangular matrix.</summary>
public static unsafe class Triangular
{
    // A part's products read its columns from the second-level cache.
    private const int PartColumns = 128;
    private const long WorkToFork = 1 << 20;

    /// <summary>
    /// Solves op(A) X = B for each matrix B of a batch, where op(A) is A or its transpose. Only one triangle of A is
    /// read.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="n">The order of A.</param>
    /// <param name="columns">The columns of B.</param>
    /// <param name="a">Contiguous matrices.</param>
    /// <param name="matrixOf">For each matrix B, the position of its A.</param>
    /// <param name="lower">Whether the lower triangle of A is meant, else the upper.</param>
    /// <param name="transposed">Whether op(A) is the transpose of A.</param>
    /// <param name="unitDiagonal">Whether the diagonal counts as ones and is not read.</param>
    /// <param name="b">The matrices B, contiguous; on return the solutions.</param>
    public static void Solve(
        DType dtype, int n, int columns, ReadOnlySpan<byte> a, int[] matrixOf, bool lower, bool transposed,
        bool unitDiagonal, Span<byte> b)
    {
        if (dtype == DType.Float32) Run<float>(n, columns, a, matrixOf, lower, transposed, unitDiagonal, b);
        else Run<double>(n, columns, a, matrixOf, lower, transposed, unitDiagonal, b);
    }

    private static void Run<T>(
        int n, int columns, ReadOnlySpan<byte> a, int[] matrixOf, bool lower, bool transposed, bool unitDiagonal,
        Span<byte> b) where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (byte* pa = a, pb = b)
        {
            nint qa = (nint)pa, qb = (nint)pb;
            RowOps.ForBatch(matrixOf.Length, (long)n * n * columns, s => InPlace(
                n, columns, (T*)qa + (long)matrixOf[s] * n * n, n, lower, transposed, unitDiagonal,
                (T*)qb + (long)s * n * columns, columns));
        }
    }

    /// <summary>
    /// Solves op(A) X = B in the place of B. Many columns are solved in parts of a fixed width, on all threads.
    /// </summary>
    internal static void InPlace<T>(
        int n, int columns, T* a, long aRow, bool lower, bool transposed, bool unitDiagonal, T* b, long bRow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool forward = lower != transposed;
        if (columns == 1 && bRow == 1)
        {
            SolveVector(n, a, aRow, forward, transposed, unitDiagonal, b);
            return;
        }

        if ((long)n * n * columns < WorkToFork || columns < 2 * PartColumns)
            Halves(n, columns, a, aRow, forward, transposed, unitDiagonal, b, bRow);
        else
            Fork(n, columns, a, aRow, forward, transposed, unitDiagonal, b, bRow);
    }

    private static void Fork<T>(
        int n, int columns, T* a, long aRow, bool forward, bool transposed, bool unitDiagonal, T* b, long bRow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int parts = columns / PartColumns;
        Workers.For(parts, part =>
        {
            int from = part * PartColumns, to = part == parts - 1 ? columns : from + PartColumns;
            Halves(n, to - from, a, aRow, forward, transposed, unitDiagonal, b + from, bRow);
        });
    }

    /// <summary>
    /// One half of the unknowns, then their share in the other equations, then those: nearly all work is in products of
    /// large matrices.
    /// </summary>
    private static void Halves<T>(
        int n, int columns, T* a, long aRow, bool forward, bool transposed, bool unitDiagonal, T* b, long bRow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // op(A)[i, p] lies at i * row + p * column.
        long row = transposed ? 1 : aRow, column = transposed ? aRow : 1;
        if (n > RowOps.Block)
        {
            int half = n / 2, first = forward ? 0 : half, second = forward ? half : 0;
            int firstCount = forward ? half : n - half, secondCount = n - firstCount;
            T* firstRows = b + first * bRow, secondRows = b + second * bRow;
            Halves(firstCount, columns, a + first * (aRow + 1), aRow, forward, transposed, unitDiagonal, firstRows, bRow);
            RowOps.SubtractProduct(
                secondCount, columns, firstCount, a + second * row + first * column, row, column,
                firstRows, bRow, secondRows, bRow);
            Halves(secondCount, columns, a + second * (aRow + 1), aRow, forward, transposed, unitDiagonal, secondRows, bRow);
            return;
        }

        for (int done = 0; done < n; done++)
        {
            int i = forward ? done : n - 1 - done, from = forward ? 0 : i + 1;
            T* target = b + i * bRow;
            RowOps.SubtractRows(columns, done, a + i * row + from * column, column, b + from * bRow, bRow, target);
            if (!unitDiagonal) RowOps.Divide(columns, a[i * row + i * column], target);
        }
    }

    /// <summary>One right-hand side, so that the inner loop runs along the rows of A.</summary>
    private static void SolveVector<T>(
        int n, T* a, long aRow, bool forward, bool transposed, bool unitDiagonal, T* x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int done = 0; done < n; done++)
        {
            int i = forward ? done : n - 1 - done;
            T* row = a + i * aRow;
            int from = forward != transposed ? 0 : i + 1, count = forward != transposed ? i : n - 1 - i;
            if (!transposed) x[i] -= RowOps.Dot(count, row + from, x + from);
            if (!unitDiagonal) x[i] /= row[i];
            if (transposed) RowOps.Add(count, -x[i], row + from, x + from);
        }
    }
}
