using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Eigenvalues and eigenvectors of symmetric matrices: reflections make them tridiagonal, rotations make that diagonal (the
/// implicit QR algorithm with Wilkinson's shift, from the end that is larger).
/// </summary>
/// <remarks>
/// G. Golub and C. Van Loan, Matrix Computations (2013), 8.3; J. Dongarra, D. Sorensen and S. Hammarling, Block reduction of
/// matrices to condensed forms for eigenvalue computations (1989).
/// </remarks>
public static unsafe class Eigh
{
    private const int SweepsPerValue = 60;

    /// <summary>
    /// For each matrix the eigenvalues, ascending, in the first column, and beside them the eigenvectors in columns, in each of
    /// which the first entry of largest magnitude is positive. The input counts as (A + A^T) / 2. Of a matrix with an entry that
    /// is not finite all is NaN.
    /// </summary>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="batch">The number of matrices.</param>
    /// <param name="n">The order of each.</param>
    /// <param name="a">The matrices, contiguous.</param>
    /// <param name="packed">The result: batch x n x (n + 1).</param>
    public static void Factor(DType dtype, int batch, int n, ReadOnlySpan<byte> a, Span<byte> packed)
    {
        if (dtype == DType.Float32) Factor<float>(batch, n, a, packed);
        else Factor<double>(batch, n, a, packed);
    }

    private static void Factor<T>(int batch, int n, ReadOnlySpan<byte> a, Span<byte> packed)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (packed.IsEmpty) return;
        fixed (byte* pa = a, pp = packed)
        {
            nint qa = (nint)pa, qp = (nint)pp;
            RowOps.ForBatch(
                batch, 9L * n * n * n, s => One((T*)qa + (long)s * n * n, n, (T*)qp + (long)s * n * (n + 1)));
        }
    }

    private static void One<T>(T* a, int n, T* packed) where T : unmanaged, IFloatingPointIeee754<T>
    {
        long row = Rotations<T>.RowLength(n);
        using Workspace<T> work = new(n * n + n * row + 3L * (n + 1) * (Householder.Block + 1));
        T* x = work.Pointer, q = x + (long)n * n, d = q + n * row, e = d + n, scales = e + n, t = scales + n;
        T* rest = t + (long)n * Householder.Block;
        T scale = RowOps.Scaled((long)n * n, a, x);
        bool isDone = !T.IsNaN(scale);
        if (isDone)
        {
            RowOps.Symmetrize(n, x, n);
            Reduce(n, x, d, e, scales, t, rest);
            Householder.Columns(n, n, n - 1, 1, x, n, t, q, row, rest);
            isDone = Diagonalize(n, d, e, new Rotations<T>(q, n));
        }

        if (!isDone)
        {
            new Span<T>(packed, n * (n + 1)).Fill(T.NaN);
            return;
        }

        int[] order = RowOps.Order(n, d, isDescending: false);
        for (int j = 0; j < n; j++)
        {
            packed[(long)j * (n + 1)] = d[order[j]] * scale;
            d[order[j]] = RowOps.SignOfLargest(n, q + order[j] * row);
        }

        RowOps.PutColumns(n, order, d, q, row, packed + 1, n + 1);
    }

    /// <summary>
    /// The diagonal and the one beside it of a tridiagonal matrix that is similar to A. The reflections, of which number j begins
    /// at element j + 1, lie in the rows of A then.
    /// </summary>
    /// <param name="n">The order.</param>
    /// <param name="a">A, whole.</param>
    /// <param name="d">The diagonal.</param>
    /// <param name="e">What is beside it.</param>
    /// <param name="scales">The factors of the reflections.</param>
    /// <param name="t">The triangles of their blocks.</param>
    /// <param name="w">Place for a block of rows and one more.</param>
    private static void Reduce<T>(int n, T* a, T* d, T* e, T* scales, T* t, T* w) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* dots = w + (long)n * Householder.Block;
        for (int start = 0; start < n - 1; start += Householder.Block)
        {
            // A - V W^T - W V^T is what the reflections of the block make of A, so that A itself waits for the block's end.
            int count = Math.Min(Householder.Block, n - 1 - start), end = start + count;
            T* v = a + (long)start * n;
            for (int j = start; j < end; j++)
            {
                int done = j - start, m = n - j - 1;
                T* row = a + (long)j * n, own = w + (long)done * n + j + 1, u = row + j + 1;
                RowOps.SubtractRows(n - j, done, w + j, n, v + j, n, row + j);
                RowOps.SubtractRows(n - j, done, v + j, n, w + j, n, row + j);
                d[j] = row[j];
                e[j] = Householder.Reflect(m, u, out scales[j]);
                RowOps.Product(m, 1, m, u + n, n, 1, u, 1, 1, own, 1, subtract: false);
                RowOps.Product(done, 1, m, w + j + 1, n, 1, u, 1, 1, dots, 1, subtract: false);
                RowOps.SubtractRows(m, done, dots, 1, v + j + 1, n, own);
                RowOps.Product(done, 1, m, v + j + 1, n, 1, u, 1, 1, dots, 1, subtract: false);
                RowOps.SubtractRows(m, done, dots, 1, w + j + 1, n, own);
                T half = T.CreateChecked(-0.5) * scales[j] * scales[j] * RowOps.Dot(m, own, u);
                RowOps.Multiply(m, scales[j], own);
                RowOps.Add(m, half, u, own);
            }

            for (int j = start; j < end; j++) new Span<T>(a + (long)j * n + start + 1, j - start).Clear();
            T* left = v + end, rest = a + (long)end * (n + 1);
            RowOps.SubtractProduct(n - end, n - end, count, left, 1, n, w + end, n, rest, n);
            RowOps.SubtractProduct(n - end, n - end, count, w + end, 1, n, left, n, rest, n);
            Householder.Triangle(count, n - start - 1, v + start + 1, n, scales + start, t + (long)start * Householder.Block);
        }

        d[n - 1] = a[(long)n * n - 1];
    }

    /// <summary>Makes a tridiagonal matrix diagonal; false when that does not end.</summary>
    private static bool Diagonalize<T>(int n, T* d, T* e, Rotations<T> rotations) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T epsilon = T.BitIncrement(T.One) - T.One, least = epsilon * epsilon * epsilon * epsilon * epsilon;
        int left = SweepsPerValue * n, low = 0, lowBefore = n, highBefore = -1;
        bool isFlipped = false;
        for (int high = n - 1; high > 0;)
        {
            if (IsNegligible(high - 1))
            {
                high--;
                continue;
            }

            for (low = high - 1; low > 0 && !IsNegligible(low - 1);) low--;
            if (left-- == 0) return false;

            // Small values are found first, without the rounding of large ones.
            if (low > highBefore || high < lowBefore) isFlipped = T.Abs(d[low]) < T.Abs(d[high]);
            (lowBefore, highBefore) = (low, high);
            int step = isFlipped ? -1 : 1;
            rotations.Begin(isFlipped ? high : low, step);
            Sweep(high - low + 1, d + (isFlipped ? high : low), e + (isFlipped ? high - 1 : low), step, rotations);
            rotations.End(high - low);
        }

        rotations.Flush();
        return true;

        bool IsNegligible(int i)
        {
            T x = T.Abs(e[i]);
            return x * x <= epsilon * T.Abs(d[i]) * (epsilon * T.Abs(d[i + 1])) + least;
        }
    }

    /// <summary>One sweep from the first element to the last, <paramref name="step"/> apart.</summary>
    private static void Sweep<T>(int n, T* d, T* e, int step, Rotations<T> rotations) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T two = T.One + T.One, last = e[(n - 2) * step], end = d[(n - 1) * step];
        T g = (d[(n - 2) * step] - end) / (two * last), r = T.Sqrt(g * g + T.One);
        g = *d - end + last / (g + T.CopySign(r, g));
        T s = T.One, c = T.One, p = T.Zero;
        for (int i = 0; i < n - 1; i++, d += step, e += step)
        {
            T f = s * *e, b = c * *e;
            r = Rotations<T>.Between(g, f, out c, out s);
            if (i > 0) e[-step] = r;
            g = *d - p;
            r = (d[step] - g) * s + two * c * b;
            p = s * r;
            *d = g + p;
            g = c * r - b;
            rotations.Add(c, s);
        }

        *d -= p;
        e[-step] = g;
    }
}
