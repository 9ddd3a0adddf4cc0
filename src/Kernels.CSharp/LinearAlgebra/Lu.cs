using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Gaussian elimination with partial pivoting: P A = L U, where L has a unit diagonal and lies below that of U.
/// </summary>
public static unsafe class Lu
{
    /// <summary>
    /// Factorizes square matrices in place. A pivot of zero is kept: the matrix is singular, and the rest of the
    /// elimination goes on.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="n">The order of each.</param>
    /// <param name="a">The matrices, contiguous; on return L and U.</param>
    /// <param name="pivots">On return, for each step the row that was exchanged with the step's own.</param>
    public static void Factor(DType dtype, int batch, int n, Span<byte> a, Span<int> pivots)
    {
        if (dtype == DType.Float32) Factor<float>(batch, n, a, pivots);
        else Factor<double>(batch, n, a, pivots);
    }

    /// <summary>Solves op(A) X = B for each matrix B of a batch from the factors of A.</summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="n">The order of A.</param>
    /// <param name="columns">The columns of B.</param>
    /// <param name="lu">What <see cref="Factor"/> left of the matrices.</param>
    /// <param name="pivots">The exchanges that it made.</param>
    /// <param name="matrixOf">For each matrix B, the position of its A.</param>
    /// <param name="transposed">Whether op(A) is the transpose of A.</param>
    /// <param name="b">The matrices B, contiguous; on return the solutions.</param>
    public static void Solve(
        DType dtype, int n, int columns, ReadOnlySpan<byte> lu, ReadOnlySpan<int> pivots, int[] matrixOf,
        bool transposed, Span<byte> b)
    {
        if (dtype == DType.Float32) Solve<float>(n, columns, lu, pivots, matrixOf, transposed, b);
        else Solve<double>(n, columns, lu, pivots, matrixOf, transposed, b);
    }

    private static void Factor<T>(int batch, int n, Span<byte> a, Span<int> pivots)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (byte* pa = a)
        fixed (int* pp = pivots)
        {
            nint qa = (nint)pa, qp = (nint)pp;
            RowOps.ForBatch(batch, (long)n * n * n, s => One((T*)qa + (long)s * n * n, n, (int*)qp + (long)s * n));
        }
    }

    private static void One<T>(T* a, int n, int* pivots) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int start = 0; start < n; start += RowOps.Block)
        {
            int end = Math.Min(n, start + RowOps.Block);
            for (int j = start; j < end; j++)
            {
                T* pivotRow = a + (long)j * n;
                int pivot = j;
                T largest = T.Abs(pivotRow[j]);
                for (int i = j + 1; i < n; i++)
                {
                    T size = T.Abs(a[(long)i * n + j]);
                    if (size > largest) (pivot, largest) = (i, size);
                }

                pivots[j] = pivot;
                RowOps.Swap(n, pivotRow, a + (long)pivot * n);
                if (largest == T.Zero) continue;
                for (int i = j + 1; i < n; i++)
                {
                    T* row = a + (long)i * n;
                    row[j] /= pivotRow[j];
                    RowOps.Add(end - j - 1, -row[j], pivotRow + j + 1, row + j + 1);
                }
            }

            for (int i = start + 1; i < end; i++)
            {
                for (int p = start; p < i; p++)
                    RowOps.Add(n - end, -a[(long)i * n + p], a + (long)p * n + end, a + (long)i * n + end);
            }

            RowOps.SubtractProduct(
                n - end, n - end, end - start, a + (long)end * n + start, n, 1, a + (long)start * n + end, n,
                a + (long)end * n + end, n);
        }
    }

    private static void Solve<T>(
        int n, int columns, ReadOnlySpan<byte> lu, ReadOnlySpan<int> pivots, int[] matrixOf, bool transposed,
        Span<byte> b) where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (byte* pa = lu, pb = b)
        fixed (int* pp = pivots)
        {
            nint qa = (nint)pa, qb = (nint)pb, qp = (nint)pp;
            RowOps.ForBatch(matrixOf.Length, (long)n * n * columns, s =>
            {
                T* a = (T*)qa + (long)matrixOf[s] * n * n;
                T* x = (T*)qb + (long)s * n * columns;
                int* exchanged = (int*)qp + (long)matrixOf[s] * n;
                if (transposed)
                {
                    Triangular.InPlace(n, columns, a, n, false, true, false, x);
                    Triangular.InPlace(n, columns, a, n, true, true, true, x);
                    for (int i = n - 1; i >= 0; i--)
                        RowOps.Swap(columns, x + (long)i * columns, x + (long)exchanged[i] * columns);
                }
                else
                {
                    for (int i = 0; i < n; i++)
                        RowOps.Swap(columns, x + (long)i * columns, x + (long)exchanged[i] * columns);
                    Triangular.InPlace(n, columns, a, n, true, false, true, x);
                    Triangular.InPlace(n, columns, a, n, false, false, false, x);
                }
            });
        }
    }
}
