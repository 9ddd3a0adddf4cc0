using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// The reduced singular value decomposition A = U S V^T of matrices that are not wide, by one-sided Jacobi rotations,
/// which find small singular values to high relative accuracy.
/// </summary>
/// <remarks>J. Demmel and K. Veselic, Jacobi's method is more accurate than QR (1992).</remarks>
public static unsafe class Svd
{
    private const int MaxSweeps = 60;

    /// <summary>
    /// U (rows x columns) above the singular values (one row, descending) above V (columns x columns), for each
    /// matrix. The first entry of largest magnitude in each column of U is positive. Of a matrix with an entry that is not
    /// finite all is NaN.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="rows">The rows of each, at least as many as columns.</param>
    /// <param name="columns">The columns of each.</param>
    /// <param name="a">The matrices, contiguous.</param>
    /// <param name="packed">The result: batch x (rows + 1 + columns) x columns.</param>
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
            RowOps.ForBatch(batch, 40L * rows * columns * columns, s => One(
                (T*)qa + (long)s * rows * columns, rows, columns, (T*)qp + (long)s * (rows + 1 + columns) * columns));
        }
    }

    private static void One<T>(T* a, int m, int n, T* packed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        // Powers of two scale exactly, and keep the squares in range.
        T scale = Scale(a, m * n);
        if (T.IsNaN(scale))
        {
            new Span<T>(packed, (m + 1 + n) * n).Fill(T.NaN);
            return;
        }

        // Columns lie in rows here: x becomes U S, and v the right singular vectors.
        T[] work = System.Buffers.ArrayPool<T>.Shared.Rent(m * n + n * n);
        T[] values = new T[n];
        int[] order = new int[n];
        fixed (T* x = work)
        {
            T* v = x + (long)m * n;
            new Span<T>(v, n * n).Clear();
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++) x[(long)j * m + i] = a[(long)i * n + j] / scale;
            for (int j = 0; j < n; j++) v[(long)j * n + j] = T.One;

            for (int sweep = 0; sweep < MaxSweeps && Sweep(x, m, v, n); sweep++)
            {
            }

            for (int j = 0; j < n; j++)
            {
                values[j] = Householder.Norm(m, x + (long)j * m);
                order[j] = j;
            }

            // A stable order, so that equal values keep their places.
            Array.Sort(order, (i, j) => values[i] != values[j] ? values[j].CompareTo(values[i]) : i.CompareTo(j));
            for (int k = 0; k < n; k++)
            {
                T* column = x + (long)order[k] * m;
                Normalize(x, m, order.AsSpan(0, k), column, values[order[k]], values[order[0]]);
                T sign = Sign(column, m);
                for (int i = 0; i < m; i++) packed[(long)i * n + k] = sign * column[i];
                packed[(long)m * n + k] = values[order[k]] * scale;
                T* right = v + (long)order[k] * n;
                for (int i = 0; i < n; i++) packed[(long)(m + 1 + i) * n + k] = sign * right[i];
            }
        }

        System.Buffers.ArrayPool<T>.Shared.Return(work);
    }

    /// <summary>Makes each pair of columns orthogonal in turn; false when all were already.</summary>
    private static bool Sweep<T>(T* x, int m, T* v, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T tolerance = (T.BitIncrement(T.One) - T.One) * T.Sqrt(T.CreateChecked(m));
        bool isRotated = false;
        for (int p = 0; p < n - 1; p++)
        {
            for (int q = p + 1; q < n; q++)
            {
                T* first = x + (long)p * m, second = x + (long)q * m;
                T alpha = RowOps.Dot(m, first, first), beta = RowOps.Dot(m, second, second);
                T gamma = RowOps.Dot(m, first, second);
                if (!(T.Abs(gamma) > tolerance * T.Sqrt(alpha) * T.Sqrt(beta)) || gamma == T.Zero) continue;
                isRotated = true;
                T zeta = (beta - alpha) / (gamma + gamma);
                T tangent = T.One / (T.Abs(zeta) + T.Sqrt(T.One + zeta * zeta));
                if (zeta < T.Zero) tangent = -tangent;
                T cosine = T.One / T.Sqrt(T.One + tangent * tangent);
                RowOps.Rotate(m, cosine, cosine * tangent, first, second);
                RowOps.Rotate(n, cosine, cosine * tangent, v + (long)p * n, v + (long)q * n);
            }
        }

        return isRotated;
    }

    /// <summary>The power of two by which to divide; NaN if an entry is not finite.</summary>
    private static T Scale<T>(T* a, int count) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T largest = T.Zero;
        for (int i = 0; i < count; i++) largest = T.Max(largest, T.Abs(a[i]));
        if (!T.IsFinite(largest)) return T.NaN;
        return largest > T.Zero ? T.ScaleB(T.One, T.ILogB(largest)) : T.One;
    }

    /// <summary>
    /// Makes a column of length <paramref name="value"/> a unit vector orthogonal to those that are done. Where the
    /// columns span less than their number, what is left of one is rounding, and says nothing of its direction.
    /// </summary>
    private static void Normalize<T>(T* x, int m, ReadOnlySpan<int> done, T* column, T value, T largest)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (value == T.Zero)
        {
            Complete(x, m, done, column);
            return;
        }

        RowOps.Divide(m, value, column);
        T half = T.CreateChecked(0.5);
        if (value > (T.BitIncrement(T.One) - T.One) * T.CreateChecked(m) * largest) return;
        for (int pass = 0; pass < 2; pass++)
        {
            Project(x, m, done, column);
            T length = Householder.Norm(m, column);
            if (length < half)
            {
                Complete(x, m, done, column);
                return;
            }

            RowOps.Divide(m, length, column);
        }
    }

    /// <summary>Of the unit vectors along axes, the one that lies least in the span of the columns done, without it.</summary>
    private static void Complete<T>(T* x, int m, ReadOnlySpan<int> done, T* column)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int axis = 0;
        T least = T.PositiveInfinity;
        for (int i = 0; i < m; i++)
        {
            T inside = T.Zero;
            foreach (int d in done) inside += x[(long)d * m + i] * x[(long)d * m + i];
            if (inside < least) (axis, least) = (i, inside);
        }

        new Span<T>(column, m).Clear();
        column[axis] = T.One;
        for (int pass = 0; pass < 2; pass++)
        {
            Project(x, m, done, column);
            RowOps.Divide(m, Householder.Norm(m, column), column);
        }
    }

    /// <summary>Takes from a column what lies along those that are done.</summary>
    private static void Project<T>(T* x, int m, ReadOnlySpan<int> done, T* column)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        foreach (int d in done) RowOps.Add(m, -RowOps.Dot(m, x + (long)d * m, column), x + (long)d * m, column);
    }

    private static T Sign<T>(T* x, int n) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int at = 0;
        for (int i = 1; i < n; i++)
            if (T.Abs(x[i]) > T.Abs(x[at])) at = i;
        return n > 0 && x[at] < T.Zero ? -T.One : T.One;
    }
}
