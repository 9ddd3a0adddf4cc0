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
        int row = RowOps.RowLength<T>(m);
        using Workspace<T> work = new(2L * n * row);
        T* q = work.Pointer;
        Factor(a, m, n, q, r, q + (long)n * row);
        RowOps.Transpose(n, m, q, row, packed, n);
    }

    /// <summary>
    /// The same with the columns of Q in the rows of <paramref name="q"/>, <see cref="RowOps.RowLength"/> apart, and place for
    /// as much.
    /// </summary>
    internal static void Factor<T>(T* a, int m, int n, T* q, T* r, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Columns lie in rows here, so that reflections run along memory: of A, then of Q. Zeros after a row spare loops their
        // last elements one by one.
        int row = RowOps.RowLength<T>(m);
        RowOps.Transpose(m, n, a, n, x, row);
        for (int j = 0; j < n; j++) new Span<T>(x + (long)j * row + m, row - m).Clear();
        new Span<T>(r, n * n).Clear();
        using Workspace<T> work = new(n + 3L * n * Householder.Block);
        T* scales = work.Pointer, t = scales + n, products = t + (long)n * Householder.Block;
        for (int start = 0; start < n; start += Householder.Block)
        {
            int count = Math.Min(Householder.Block, n - start), end = start + count;
            T* block = x + (long)start * (row + 1);
            for (int j = start; j < end; j++)
            {
                T* v = x + (long)j * (row + 1);
                int length = RowOps.Whole<T>(m - j);
                r[(long)j * (n + 1)] = Householder.Reflect(length, v, out scales[j]);
                for (T* column = v + row; column < x + (long)end * row; column += row)
                    RowOps.Add(length, -scales[j] * RowOps.Dot(length, v, column), v, column);
            }

            RowOps.Transpose(count, start, x + (long)start * row, row, r + start, n);
            for (int j = start; j < end; j++)
                for (int k = start; k < j; k++) r[(long)k * n + j] = x[(long)j * row + k];

            if (n <= Householder.Block) break;
            for (int j = start; j < end; j++) new Span<T>(x + (long)j * row + start, j - start).Clear();
            T* triangle = t + (long)start * Householder.Block;
            Householder.Triangle(count, m - start, block, row, scales + start, triangle);
            Householder.Apply(
                n - end, m - start, block + (long)count * row, row, count, block, row, triangle, false, products);
        }

        if (n <= Householder.Block) Householder.FewColumns(n, m, x, scales, q, row);
        else Householder.Columns(n, m, n, 0, x, row, t, q, row, products);
        for (int j = 0; j < n; j++)
        {
            if (!(r[(long)j * (n + 1)] < T.Zero)) continue;
            RowOps.Multiply(m, -T.One, q + (long)j * row);
            RowOps.Multiply(n - j, -T.One, r + (long)j * (n + 1));
        }
    }
}
