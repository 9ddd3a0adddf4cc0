using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Gaussian elimination with partial pivoting: P A = L U, where L has a unit diagonal and lies below that of U. Halves of
/// the columns in turn, so that nearly all work is in products of large matrices.
/// </summary>
/// <remarks>
/// G. Golub and C. Van Loan, Matrix Computations (2013), 3.4.4; S. Toledo, Locality of reference in LU decomposition with partial
/// pivoting (1997).
/// </remarks>
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

    /// <summary>The inverse of each A of a batch from its factors.</summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="n">The order of each.</param>
    /// <param name="lu">What <see cref="Factor"/> left of the matrices.</param>
    /// <param name="pivots">The exchanges that it made.</param>
    /// <param name="inverse">On return the inverses, contiguous.</param>
    public static void Inverse(
        DType dtype, int batch, int n, ReadOnlySpan<byte> lu, ReadOnlySpan<int> pivots, Span<byte> inverse)
    {
        if (dtype == DType.Float32) Inverse<float>(batch, n, lu, pivots, inverse);
        else Inverse<double>(batch, n, lu, pivots, inverse);
    }

    private static void Inverse<T>(int batch, int n, ReadOnlySpan<byte> lu, ReadOnlySpan<int> pivots, Span<byte> inverse)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        inverse.Clear();
        fixed (byte* pa = lu, px = inverse)
        fixed (int* pp = pivots)
        {
            nint qa = (nint)pa, qx = (nint)px, qp = (nint)pp;
            RowOps.ForBatch(batch, 2L * n * n * n, s => Inverse(
                (T*)qa + (long)s * n * n, n, (int*)qp + (long)s * n, (T*)qx + (long)s * n * n));
        }
    }

    /// <summary>X = U^-1 L^-1 P, in the place of zeros.</summary>
    private static void Inverse<T>(T* a, int n, int* pivots, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        InverseOfLower(n, a, x, n);
        Triangular.InPlace(n, n, a, n, false, false, false, x, n);

        // From the right the exchanges act in the reverse order.
        int[] from = [.. Enumerable.Range(0, n)];
        for (int i = n - 1; i >= 0; i--) (from[i], from[pivots[i]]) = (from[pivots[i]], from[i]);
        using Workspace<T> work = new(n);
        for (T* row = x; row < x + (long)n * n; row += n)
        {
            new Span<T>(row, n).CopyTo(new Span<T>(work.Pointer, n));
            for (int j = 0; j < n; j++) row[j] = work.Pointer[from[j]];
        }
    }

    /// <summary>L^-1 in the place of zeros: of both halves, and what joins them, -L22^-1 L21 L11^-1.</summary>
    private static void InverseOfLower<T>(int n, T* a, T* x, long row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (n <= RowOps.Block)
        {
            for (int i = 0; i < n; i++)
            {
                RowOps.SubtractRows(i, i, a + i * row, 1, x, row, x + i * row);
                x[i * (row + 1)] = T.One;
            }

            return;
        }

        int half = n / 2;
        T* low = x + half * row, second = a + half * (row + 1);
        InverseOfLower(half, a, x, row);
        RowOps.SubtractProduct(n - half, half, half, second - half, row, 1, x, row, low, row);
        Triangular.InPlace(n - half, half, second, row, true, false, true, low, row);
        InverseOfLower(n - half, second, low + half, row);
    }

    private static void Factor<T>(int batch, int n, Span<byte> a, Span<int> pivots)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (byte* pa = a)
        fixed (int* pp = pivots)
        {
            nint qa = (nint)pa, qp = (nint)pp;
            RowOps.ForBatch(batch, (long)n * n * n, s => Halves((T*)qa + (long)s * n * n, n, n, n, (int*)qp + (long)s * n));
        }
    }

    /// <summary>
    /// The factors of an m x n matrix that is not wide, with rows apart by <paramref name="row"/>: of its left half, then
    /// of what elimination leaves of the right one.
    /// </summary>
    private static void Halves<T>(T* a, int m, int n, long row, int* pivots) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (m <= RowOps.Block)
        {
            Small(a, m, n, row, pivots);
            return;
        }

        if (n <= RowOps.Block)
        {
            Panel(a, m, n, row, pivots);
            return;
        }

        // Whole blocks on the left, so that the products there have whole vectors.
        int left = (n / 2 + RowOps.Block - 1) / RowOps.Block * RowOps.Block, right = n - left;
        T* below = a + left * row;
        Halves(a, m, left, row, pivots);
        for (int i = 0; i < left; i++) RowOps.Swap(right, a + i * row + left, a + pivots[i] * row + left);
        Triangular.InPlace(left, right, a, row, true, false, true, a + left, row);
        RowOps.SubtractProduct(m - left, right, left, below, row, 1, a + left, row, below + left, row);
        Halves(below + left, m - left, right, row, pivots + left);
        for (int i = left; i < n; i++)
        {
            pivots[i] += left;
            RowOps.Swap(left, a + i * row, a + pivots[i] * row);
        }
    }

    /// <summary>A small matrix, element by element where it lies.</summary>
    private static void Small<T>(T* a, int m, int n, long row, int* pivots) where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int j = 0; j < n; j++)
        {
            T* own = a + j * row;
            int pivot = j;
            T largest = T.Abs(own[j]);
            for (int i = j + 1; i < m; i++)
            {
                T size = T.Abs(a[i * row + j]);
                if (size > largest) (pivot, largest) = (i, size);
            }

            pivots[j] = pivot;
            RowOps.Swap(n, own, a + pivot * row);
            if (largest == T.Zero) continue;
            for (T* other = own + row; other < a + m * row; other += row)
            {
                other[j] /= own[j];
                RowOps.Add(n - j - 1, -other[j], own + j + 1, other + j + 1);
            }
        }
    }

    /// <summary>A few columns, element by element, in a transposed copy: the work runs along columns.</summary>
    private static void Panel<T>(T* a, int m, int n, long row, int* pivots) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Zeros after a column spare loops their last elements one by one.
        int length = RowOps.RowLength<T>(m);
        using Workspace<T> work = new((long)n * length);
        T* x = work.Pointer, end = x + (long)n * length;
        RowOps.Transpose(m, n, a, row, x, length);
        for (T* c = x; c < end; c += length) new Span<T>(c + m, length - m).Clear();
        for (int j = 0; j < n; j++)
        {
            T* column = x + (long)j * length;
            int pivot = j;
            T largest = T.Abs(column[j]);
            for (int i = j + 1; i < m; i++)
            {
                T size = T.Abs(column[i]);
                if (size > largest) (pivot, largest) = (i, size);
            }

            pivots[j] = pivot;
            if (pivot != j)
                for (T* c = x; c < end; c += length) (c[j], c[pivot]) = (c[pivot], c[j]);
            if (largest == T.Zero) continue;
            int below = RowOps.Whole<T>(m - j - 1);
            RowOps.Divide(below, column[j], column + j + 1);
            for (T* c = column + length; c < end; c += length) RowOps.Add(below, -c[j], column + j + 1, c + j + 1);
        }

        RowOps.Transpose(n, m, x, length, a, row);
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
                    Triangular.InPlace(n, columns, a, n, false, true, false, x, columns);
                    Triangular.InPlace(n, columns, a, n, true, true, true, x, columns);
                    for (int i = n - 1; i >= 0; i--)
                        RowOps.Swap(columns, x + (long)i * columns, x + (long)exchanged[i] * columns);
                }
                else
                {
                    for (int i = 0; i < n; i++)
                        RowOps.Swap(columns, x + (long)i * columns, x + (long)exchanged[i] * columns);
                    Triangular.InPlace(n, columns, a, n, true, false, true, x, columns);
                    Triangular.InPlace(n, columns, a, n, false, false, false, x, columns);
                }
            });
        }
    }
}
