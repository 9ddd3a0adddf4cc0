using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The reduced factorization A = Q R of matrices that are not wide, by Householder reflections.</summary>
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
        // Columns lie in rows here, so that reflections run along memory: of A, then of Q.
        T[] work = System.Buffers.ArrayPool<T>.Shared.Rent(2 * m * n + n);
        T* r = packed + (long)m * n;
        new Span<T>(r, n * n).Clear();
        fixed (T* x = work)
        {
            T* q = x + (long)m * n, scales = q + (long)m * n;
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++) x[(long)j * m + i] = a[(long)i * n + j];

            for (int j = 0; j < n; j++)
            {
                // H = 1 - scale v v^T sends column j, from row j on, to -sign * length in its first place.
                T* v = x + (long)j * m;
                T length = Norm(m - j, v + j);
                T diagonal = v[j] > T.Zero ? -length : length;
                T head = v[j] - diagonal;
                scales[j] = T.Zero;
                if (length != T.Zero)
                {
                    scales[j] = -head / diagonal;
                    RowOps.Divide(m - j - 1, head, v + j + 1);
                    v[j] = T.One;
                }

                for (int k = j + 1; k < n; k++)
                {
                    T* column = x + (long)k * m;
                    RowOps.Add(m - j, -scales[j] * RowOps.Dot(m - j, v + j, column + j), v + j, column + j);
                }

                for (int k = 0; k < j; k++) r[(long)k * n + j] = v[k];
                r[(long)j * n + j] = diagonal;
            }

            new Span<T>(q, m * n).Clear();
            for (int j = n - 1; j >= 0; j--)
            {
                q[(long)j * m + j] = T.One;
                T* v = x + (long)j * m;
                for (int k = j; k < n; k++)
                {
                    T* column = q + (long)k * m;
                    RowOps.Add(m - j, -scales[j] * RowOps.Dot(m - j, v + j, column + j), v + j, column + j);
                }
            }

            for (int j = 0; j < n; j++)
            {
                bool flip = r[(long)j * n + j] < T.Zero;
                for (int i = 0; i < m; i++) packed[(long)i * n + j] = flip ? -q[(long)j * m + i] : q[(long)j * m + i];
                if (flip)
                    for (int k = j; k < n; k++) r[(long)j * n + k] = -r[(long)j * n + k];
            }
        }

        System.Buffers.ArrayPool<T>.Shared.Return(work);
    }

    /// <summary>The length of a vector, scaled so that squares neither overflow nor vanish.</summary>
    internal static T Norm<T>(int n, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T squares = RowOps.Dot(n, x, x);
        if (squares > T.CreateChecked(1e-30) && squares < T.CreateChecked(1e30)) return T.Sqrt(squares);
        T largest = T.Zero;
        for (int i = 0; i < n; i++) largest = T.Max(largest, T.Abs(x[i]));
        if (largest == T.Zero || !T.IsFinite(largest)) return largest;
        T sum = T.Zero;
        for (int i = 0; i < n; i++) sum += (x[i] / largest) * (x[i] / largest);
        return largest * T.Sqrt(sum);
    }
}
