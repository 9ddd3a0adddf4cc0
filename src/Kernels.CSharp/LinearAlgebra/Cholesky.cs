using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The Cholesky factor: (A + A^T) / 2 = L L^T with L lower triangular and positive on its diagonal.</summary>
/// <remarks>G. Golub and C. Van Loan, Matrix Computations (2013), 4.2.</remarks>
public static unsafe class Cholesky
{
    // Squares of so many rows are computed whole, though half would do.
    private const int WholeSquare = 128;

    /// <summary>
    /// Factorizes matrices in place; what lies above the diagonal becomes zero. Returns the position of the first
    /// matrix that is not positive definite, or -1. NaN counts as definite, and spreads.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="n">The order of each.</param>
    /// <param name="a">The matrices, contiguous; on return L.</param>
    public static int Factor(DType dtype, int batch, int n, Span<byte> a) =>
        dtype == DType.Float32 ? Factor<float>(batch, n, a) : Factor<double>(batch, n, a);

    private static int Factor<T>(int batch, int n, Span<byte> a) where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool[] isIndefinite = new bool[batch];
        fixed (byte* pa = a)
        {
            nint qa = (nint)pa;
            RowOps.ForBatch(batch, (long)n * n * n / 2, s => isIndefinite[s] = !One((T*)qa + (long)s * n * n, n));
        }

        return Array.IndexOf(isIndefinite, true);
    }

    private static bool One<T>(T* a, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // The upper triangle holds L^T meanwhile: the loops then run along rows.
        RowOps.Symmetrize(n, a, n);
        if (!Halves(a, n, n)) return false;
        for (int top = 0; top < n; top += RowOps.Block)
        {
            int count = Math.Min(RowOps.Block, n - top);
            T* square = a + (long)top * (n + 1);
            for (int i = 1; i < count; i++)
                for (int j = 0; j < i; j++) square[(long)i * n + j] = square[(long)j * n + i];
            RowOps.Transpose(count, n - top - count, square + count, n, square + (long)count * n, n);
            for (int i = 0; i < count; i++) new Span<T>(square + (long)i * n + i + 1, n - top - i - 1).Clear();
        }

        return true;
    }

    /// <summary>
    /// U with A = U^T U, above the diagonal: of the first half, then of what it leaves of the second one. False where a
    /// pivot is not positive.
    /// </summary>
    private static bool Halves<T>(T* a, int n, long row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (n > RowOps.Block)
        {
            int half = n / 2;
            T* right = a + half, rest = right + half * row;
            if (!Halves(a, half, row)) return false;
            Triangular.InPlace(half, n - half, a, row, false, true, false, right, row);
            SubtractSquare(n - half, half, right, row, rest);
            return Halves(rest, n - half, row);
        }

        for (int i = 0; i < n; i++)
        {
            T* pivot = a + i * (row + 1);
            RowOps.SubtractRows(n - i, i, a + i, row, a + i, row, pivot);
            if (*pivot <= T.Zero) return false;
            *pivot = T.Sqrt(*pivot);
            RowOps.Divide(n - i - 1, *pivot, pivot + 1);
        }

        return true;
    }

    /// <summary>C -= X^T X for a k x n matrix X; what lies far below the diagonal of C is not computed.</summary>
    private static void SubtractSquare<T>(int n, int k, T* x, long row, T* c) where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (n <= WholeSquare)
        {
            RowOps.SubtractProduct(n, n, k, x, 1, row, x, row, c, row);
            return;
        }

        int half = n / 2;
        SubtractSquare(half, k, x, row, c);
        RowOps.SubtractProduct(half, n - half, k, x, 1, row, x + half, row, c + half, row);
        SubtractSquare(n - half, k, x + half, row, c + half * (row + 1));
    }
}
