using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// The reduced singular value decomposition A = U S V^T of matrices that are not wide: reflections make them bidiagonal (of
/// a tall matrix its R), rotations make that diagonal (the implicit QR algorithm of Golub and Kahan, from the end that is
/// larger, without a shift where values are tiny).
/// </summary>
/// <remarks>
/// G. Golub and C. Van Loan, Matrix Computations (2013), 8.6; J. Demmel and W. Kahan, Accurate singular values of bidiagonal
/// matrices (1990); J. Dongarra, D. Sorensen and S. Hammarling, Block reduction of matrices to condensed forms for
/// eigenvalue computations (1989).
/// </remarks>
public static unsafe class Svd
{
    private const int SweepsPerValue = 60;

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
        if (packed.IsEmpty) return;
        fixed (byte* pa = a, pp = packed)
        {
            nint qa = (nint)pa, qp = (nint)pp;
            RowOps.ForBatch(batch, 20L * rows * columns * columns, s => One(
                (T*)qa + (long)s * rows * columns, rows, columns, (T*)qp + (long)s * (rows + 1 + columns) * columns));
        }
    }

    private static void One<T>(T* a, int m, int n, T* packed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Workspace<T> scaled = new((long)m * n);
        T scale = RowOps.Scaled((long)m * n, a, scaled.Pointer);
        if (T.IsNaN(scale) || !Factor(m, n, scaled.Pointer, scale, packed)) new Span<T>(packed, (m + 1 + n) * n).Fill(T.NaN);
    }

    private static bool Factor<T>(int m, int n, T* x, T scale, T* packed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        bool isTall = m > n;
        long row = Rotations<T>.RowLength(n), outer = isTall ? (long)n * RowOps.RowLength<T>(m) : 0;
        using Workspace<T> work = new(2 * outer + (long)n * n + 2 * n * row + 4L * (n + 1) * (Householder.Block + 1));
        T* q = work.Pointer, u = q + 2 * outer, v = u + n * row, left = v + n * row;
        T* d = left + (long)n * n, e = d + n, scales = e + n, moreScales = scales + n, t = moreScales + n;
        T* moreT = t + (long)n * Householder.Block, rest = moreT + (long)n * Householder.Block;
        if (isTall)
        {
            // What is not needed any more of A takes R.
            T* r = q + outer;
            Qr.Factor(x, m, n, q, left, r);
            new Span<T>(left, n * n).CopyTo(new Span<T>(x, n * n));
        }

        Reduce(n, x, left, d, e, scales, moreScales, t, moreT, rest);
        Householder.Columns(n, n, n, 0, left, n, t, u, row, rest);
        Householder.Columns(n, n, n - 1, 1, x, n, moreT, v, row, rest);
        if (!Diagonalize(n, d, e, new Rotations<T>(u, n), new Rotations<T>(v, n))) return false;

        T* vectors = u;
        long length = row;
        if (isTall)
        {
            vectors = q + outer;
            length = m;
            RowOps.Product(n, m, n, u, row, 1, q, RowOps.RowLength<T>(m), 1, vectors, m, subtract: false);
        }

        // From here on the values are positive; the signs go into V, those of the vectors into both.
        for (int j = 0; j < n; j++)
        {
            scales[j] = RowOps.SignOfLargest(m, vectors + j * length);
            moreScales[j] = d[j] < T.Zero ? -scales[j] : scales[j];
            d[j] = T.Abs(d[j]);
        }

        int[] order = RowOps.Order(n, d, isDescending: true);
        T* values = packed + (long)m * n;
        for (int j = 0; j < n; j++) values[j] = d[order[j]] * scale;
        RowOps.PutColumns(m, order, scales, vectors, length, packed, n);
        RowOps.PutColumns(n, order, moreScales, v, row, values + n, n);
        return true;
    }

    /// <summary>
    /// The diagonal and the one above it of Q^T A P. The reflections of Q lie in the rows of <paramref name="v"/> then, number i
    /// from element i on, and those of P in the rows of A, from element i + 1 on.
    /// </summary>
    private static void Reduce<T>(
        int n, T* a, T* v, T* d, T* e, T* scales, T* moreScales, T* t, T* moreT, T* work)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* x = work, y = x + (long)n * Householder.Block, dots = y + (long)n * Householder.Block;
        for (int start = 0; start < n; start += Householder.Block)
        {
            // A - V^T Y - X^T U is what the reflections of the block make of A, so that A itself waits for the block's end.
            int count = Math.Min(Householder.Block, n - start), end = start + count, wide = Math.Min(count, n - 1 - start);
            T* v0 = v + (long)start * n, u0 = a + (long)start * n;
            RowOps.Transpose(n - start, count, u0 + start, n, v0 + start, n);
            for (int i = start; i < end; i++)
            {
                int done = i - start, m = n - i - 1;
                T* column = v + (long)i * n + i, row = a + (long)i * n + i + 1;
                RowOps.SubtractRows(m + 1, done, y + i, n, v0 + i, n, column);
                RowOps.SubtractRows(m + 1, done, u0 + i, n, x + i, n, column);
                d[i] = Householder.Reflect(m + 1, column, out scales[i]);
                if (m == 0) break;

                T* ownY = y + (long)done * n + i + 1, ownX = x + (long)done * n + i + 1;
                RowOps.Product(1, m, m + 1, column, m + 1, 1, row, n, 1, ownY, m, subtract: false);
                Take(m + 1, m, done, v0 + i, column, y + i + 1, n, ownY, dots);
                Take(m + 1, m, done, x + i, column, u0 + i + 1, n, ownY, dots);
                RowOps.Multiply(m, scales[i], ownY);

                RowOps.SubtractRows(m, done + 1, v0 + i, n, y + i + 1, n, row);
                RowOps.SubtractRows(m, done, x + i, n, u0 + i + 1, n, row);
                e[i] = Householder.Reflect(m, row, out moreScales[i]);
                RowOps.Product(m, 1, m, row + n, n, 1, row, 1, 1, ownX, 1, subtract: false);
                Take(m, m, done + 1, y + i + 1, row, v0 + i + 1, n, ownX, dots);
                Take(m, m, done, u0 + i + 1, row, x + i + 1, n, ownX, dots);
                RowOps.Multiply(m, moreScales[i], ownX);
            }

            for (int i = start; i < end; i++) new Span<T>(v + (long)i * n + start, i - start).Clear();
            for (int i = start; i < start + wide; i++) new Span<T>(a + (long)i * n + start + 1, i - start).Clear();
            T* rest = a + (long)end * (n + 1);
            RowOps.SubtractProduct(n - end, n - end, count, v0 + end, 1, n, y + end, n, rest, n);
            RowOps.SubtractProduct(n - end, n - end, count, x + end, 1, n, u0 + end, n, rest, n);
            long triangle = (long)start * Householder.Block;
            Householder.Triangle(count, n - start, v0 + start, n, scales + start, t + triangle);
            Householder.Triangle(wide, n - start - 1, u0 + start + 1, n, moreScales + start, moreT + triangle);
        }
    }

    /// <summary>z -= (F w)^T G for matrices F and G of <paramref name="count"/> rows.</summary>
    private static void Take<T>(int length, int n, int count, T* f, T* w, T* g, long row, T* z, T* dots)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowOps.Product(count, 1, length, f, row, 1, w, 1, 1, dots, 1, subtract: false);
        RowOps.SubtractRows(n, count, dots, 1, g, row, z);
    }

    /// <summary>Makes a bidiagonal matrix diagonal; false when that does not end.</summary>
    private static bool Diagonalize<T>(int n, T* d, T* e, Rotations<T> left, Rotations<T> right)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T epsilon = T.BitIncrement(T.One) - T.One, least = epsilon * epsilon * epsilon * epsilon;
        int sweeps = SweepsPerValue * n, low = 0, lowBefore = n, highBefore = -1;
        bool isFlipped = false;
        for (int high = n - 1; high > 0;)
        {
            if (IsNegligible(high - 1))
            {
                high--;
                continue;
            }

            for (low = high - 1; low > 0 && !IsNegligible(low - 1);) low--;
            if (sweeps-- == 0) return false;

            // Small values are found first, without the rounding of large ones. The matrix from its other end is the transpose of
            // one that is upper bidiagonal.
            if (low > highBefore || high < lowBefore) isFlipped = T.Abs(d[low]) < T.Abs(d[high]);
            (lowBefore, highBefore) = (low, high);
            int count = high - low + 1, step = isFlipped ? -1 : 1, first = isFlipped ? high : low;
            Rotations<T> ofRows = isFlipped ? right : left, ofColumns = isFlipped ? left : right;
            ofRows.Begin(first, step);
            ofColumns.Begin(first, step);
            T* ends = d + first, beside = e + (isFlipped ? high - 1 : low);
            T shift = Shift(count, ends, beside, step, epsilon);
            if (shift == T.Zero) SweepWithoutShift(count, ends, beside, step, ofRows, ofColumns);
            else Sweep(count, ends, beside, step, shift, ofRows, ofColumns);
            ofRows.End(count - 1);
            ofColumns.End(count - 1);
        }

        left.Flush();
        right.Flush();
        return true;

        bool IsNegligible(int i) => T.Abs(e[i]) <= epsilon * (T.Abs(d[i]) + T.Abs(d[i + 1])) + least;
    }

    /// <summary>The smaller singular value of the last two rows; 0 where that squared is rounding beside the rest.</summary>
    private static T Shift<T>(int n, T* d, T* e, int step, T epsilon) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T largest = T.Zero, smallest = T.PositiveInfinity;
        for (int i = 0; i < n; i++)
        {
            T size = T.Abs(d[i * step]);
            largest = T.Max(largest, size);
            smallest = T.Min(smallest, size);
        }

        if (smallest <= epsilon * largest) return T.Zero;
        T f = T.Abs(d[(n - 2) * step]), g = T.Abs(e[(n - 2) * step]), h = T.Abs(d[(n - 1) * step]);

        // The values are half the sum and difference of these.
        T sum = T.Hypot(f + h, g), difference = T.Hypot(f - h, g);
        T shift = f * h * (T.One + T.One) / (sum + difference), first = T.Abs(*d);
        return shift / first * (shift / first) < epsilon ? T.Zero : shift;
    }

    private static void Sweep<T>(int n, T* d, T* e, int step, T shift, Rotations<T> ofRows, Rotations<T> ofColumns)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T f = (T.Abs(*d) - shift) * (T.CopySign(T.One, *d) + shift / *d), g = *e;
        for (int i = 0; i < n - 1; i++, d += step, e += step)
        {
            T r = Rotations<T>.Between(f, g, out T c, out T s);
            if (i > 0) e[-step] = r;
            ofColumns.Add(c, s);
            f = c * *d + s * *e;
            *e = c * *e - s * *d;
            g = s * d[step];
            d[step] *= c;
            *d = Rotations<T>.Between(f, g, out c, out s);
            ofRows.Add(c, s);
            f = c * *e + s * d[step];
            d[step] = c * d[step] - s * *e;
            *e = f;
            if (i == n - 2) break;
            g = s * e[step];
            e[step] *= c;
        }
    }

    /// <summary>The same with a shift of 0, without differences: no digit of a small value is lost.</summary>
    private static void SweepWithoutShift<T>(int n, T* d, T* e, int step, Rotations<T> ofRows, Rotations<T> ofColumns)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T c = T.One, cBefore = T.One, sBefore = T.Zero;
        for (int i = 0; i < n - 1; i++, d += step, e += step)
        {
            T r = Rotations<T>.Between(*d * c, *e, out c, out T s);
            if (i > 0) e[-step] = sBefore * r;
            ofColumns.Add(c, s);
            *d = Rotations<T>.Between(cBefore * r, d[step] * s, out cBefore, out sBefore);
            ofRows.Add(cBefore, sBefore);
        }

        T end = *d * c;
        *d = end * cBefore;
        e[-step] = end * sBefore;
    }
}
