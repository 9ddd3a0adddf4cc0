using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// The reduced factorization A = Q R of matrices that are not wide, by Householder reflections, applied in blocks.
/// </summary>
/// <remarks>G. Golub and C. Van Loan, Matrix Computations (2013), 5.2.3.</remarks>
public static unsafe class Qr
{
    /// <summary>
    /// Q (rows x columns, with orthonormal columns) above R (columns x columns, upper triangular, with a diagonal
    /// that is not negative), for each matrix.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="rows">The rows of each, at least as many as columns.</param>
    /// <param name="columns">The columns of each.</param>
    /// <param name="a">The matrices, contiguous.</param>
    /// <param name="packed">The result: batch x (rows + columns) x columns.</param>
    public static void Factor(DType dtype, int batch, int rows, int columns, ReadOnlySpan<byte> a, Span<byte> packed)
    {
        if (dtype == DType.Float32) Factor<float>(batch, rows, columns, a, packed);
        else Factor<double>(batch, rows, columns, a, packed);
    }

    private static void Factor<T>(int batch, int rows, int columns, ReadOnlySpan<byte> a, Span<byte> packed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        fixed (byte* pa = a, pp = packed)
        {
            nint qa = (nint)pa, qp = (nint)pp;
            RowOps.ForBatch(batch, 4L * rows * columns * columns, s => One(
                (T*)qa + (long)s * rows * columns, rows, columns, (T*)qp + (long)s * (rows + columns) * columns));
        }
    }

    private static void One<T>(T* a, int m, int n, T* packed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* r = packed + (long)m * n;
        using Workspace<T> work = new(2L * m * n);
        T* q = work.Pointer;
        Factor(a, m, n, q, r, q + (long)m * n);
        RowOps.Transpose(n, m, q, m, packed, n);
    }

    /// <summary>The same with the columns of Q in the rows of <paramref name="q"/>, and place for m n numbers.</summary>
    internal static void Factor<T>(T* a, int m, int n, T* q, T* r, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Columns lie in rows here, so that reflections run along memory: of A, then of Q.
        RowOps.Transpose(m, n, a, n, x, m);
        new Span<T>(r, n * n).Clear();
        using Workspace<T> work = new(n + 3L * n * Householder.Block);
        T* scales = work.Pointer, t = scales + n, products = t + (long)n * Householder.Block;
        for (int start = 0; start < n; start += Householder.Block)
        {
            int count = Math.Min(Householder.Block, n - start), end = start + count;
            T* block = x + (long)start * (m + 1);
            for (int j = start; j < end; j++)
            {
                T* v = x + (long)j * (m + 1);
                r[(long)j * (n + 1)] = Householder.Reflect(m - j, v, out scales[j]);
                for (T* column = v + m; column < x + (long)end * m; column += m)
                    RowOps.Add(m - j, -scales[j] * RowOps.Dot(m - j, v, column), v, column);
            }

            for (int j = start; j < end; j++)
            {
                T* column = x + (long)j * m;
                for (int k = 0; k < j; k++) r[(long)k * n + j] = column[k];
                new Span<T>(column + start, j - start).Clear();
            }

            T* triangle = t + (long)start * Householder.Block;
            Householder.Triangle(count, m - start, block, m, scales + start, triangle);
            Householder.Apply(n - end, m - start, block + (long)count * m, m, count, block, m, triangle, false, products);
        }

        Householder.Columns(n, m, n, 0, x, t, q, m, products);
        for (int j = 0; j < n; j++)
        {
            if (!(r[(long)j * (n + 1)] < T.Zero)) continue;
            for (int i = 0; i < m; i++) q[(long)j * m + i] = -q[(long)j * m + i];
            for (int k = j; k < n; k++) r[(long)j * n + k] = -r[(long)j * n + k];
        }
    }
}
