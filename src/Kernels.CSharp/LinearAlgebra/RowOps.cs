using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>Loops over rows of matrices, and over the matrices of a batch, that the factorizations share.</summary>
internal static unsafe class RowOps
{
    /// <summary>The rows or columns that are factorized element by element; matrix products do the rest.</summary>
    internal const int Block = 32;

    // Squares of so many elements a side are read and written line by line of the cache.
    private const int Side = 8;

    private const int TransposedRows = 16;

    private const long WorkPerFork = 1 << 17;

    // Matrices of so much work each keep all threads busy one by one.
    private const long LargeWork = 1 << 24;

    /// <summary>
    /// Runs a task for each matrix of a batch, on all threads when the work is worth it; of few and large matrices each
    /// in turn, whose products fork.
    /// </summary>
    internal static void ForBatch(int batch, long workEach, Action<int> task)
    {
        if (batch * workEach < WorkPerFork || (batch < Workers.Count && workEach > LargeWork))
        {
            for (int i = 0; i < batch; i++) task(i);
            return;
        }

        // Small matrices share a fork.
        int chunk = (int)Math.Clamp(WorkPerFork / 4 / Math.Max(workEach, 1), 1, batch);
        Workers.For((batch + chunk - 1) / chunk, c =>
        {
            for (int i = c * chunk; i < Math.Min(batch, (c + 1) * chunk); i++) task(i);
        });
    }

    /// <summary>A number of elements rounded up to whole cache lines.</summary>
    internal static int Whole<T>(int n) where T : unmanaged => (n + 64 / sizeof(T) - 1) / (64 / sizeof(T)) * (64 / sizeof(T));

    /// <summary>
    /// The distance of rows of <paramref name="n"/> elements that loops may read to the end of a line after their own, from
    /// wherever they start; not a power of two, so that rows lie apart in the cache.
    /// </summary>
    internal static int RowLength<T>(int n) where T : unmanaged => Whole<T>(n) + 64 / sizeof(T);

    /// <summary>y += a x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add<T>(int n, T a, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        switch (Simd.Width)
        {
            case 512: RowLoops<T, Vector512<T>, Lanes512<T>>.Add(n, a, x, y); break;
            case 256: RowLoops<T, Vector256<T>, Lanes256<T>>.Add(n, a, x, y); break;
            case 128: RowLoops<T, Vector128<T>, Lanes128<T>>.Add(n, a, x, y); break;
            default: RowLoops<T, T, Lanes1<T>>.Add(n, a, x, y); break;
        }
    }

    /// <summary>The sum of x y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Dot<T>(int n, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T> => Simd.Width switch
    {
        512 => RowLoops<T, Vector512<T>, Lanes512<T>>.Dot(n, x, y),
        256 => RowLoops<T, Vector256<T>, Lanes256<T>>.Dot(n, x, y),
        128 => RowLoops<T, Vector128<T>, Lanes128<T>>.Dot(n, x, y),
        _ => RowLoops<T, T, Lanes1<T>>.Dot(n, x, y),
    };

    /// <summary>y -= a X for a row a of <paramref name="k"/> elements, apart by their stride, and rows of X.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void SubtractRows<T>(int n, int k, T* a, long stride, T* x, long xRow, T* y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        switch (Simd.Width)
        {
            case 512: RowLoops<T, Vector512<T>, Lanes512<T>>.SubtractRows(n, k, a, stride, x, xRow, y); break;
            case 256: RowLoops<T, Vector256<T>, Lanes256<T>>.SubtractRows(n, k, a, stride, x, xRow, y); break;
            case 128: RowLoops<T, Vector128<T>, Lanes128<T>>.SubtractRows(n, k, a, stride, x, xRow, y); break;
            default: RowLoops<T, T, Lanes1<T>>.SubtractRows(n, k, a, stride, x, xRow, y); break;
        }
    }

    /// <summary>x /= a.</summary>
    internal static void Divide<T>(int n, T a, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> divisor = new(a);
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count) Vector.Store(Vector.Load(x + i) / divisor, x + i);
        for (; i < n; i++) x[i] /= a;
    }

    /// <summary>x *= a.</summary>
    internal static void Multiply<T>(int n, T a, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> factor = new(a);
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count) Vector.Store(Vector.Load(x + i) * factor, x + i);
        for (; i < n; i++) x[i] *= a;
    }

    /// <summary>
    /// Copies elements divided by a power of two, which is returned and brings them to the size of 1, so that their squares
    /// stay in range. NaN, without a copy, if one is not finite.
    /// </summary>
    internal static T Scaled<T>(long count, T* a, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T largest = T.Zero;
        for (long i = 0; i < count; i++) largest = T.Max(largest, T.Abs(a[i]));
        if (!T.IsFinite(largest)) return T.NaN;
        T scale = largest > T.Zero ? T.ScaleB(T.One, T.ILogB(largest)) : T.One;
        for (long i = 0; i < count; i++) x[i] = a[i] / scale;
        return scale;
    }

    /// <summary>The positions of values in their order; equal values keep theirs.</summary>
    internal static int[] Order<T>(int n, T* values, bool isDescending) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int sign = isDescending ? -1 : 1;
        int[] order = [.. Enumerable.Range(0, n)];
        Array.Sort(order, (i, j) => values[i] != values[j] ? sign * values[i].CompareTo(values[j]) : i.CompareTo(j));
        return order;
    }

    /// <summary>The sign of the first element of largest magnitude.</summary>
    internal static T SignOfLargest<T>(int n, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int at = 0;
        for (int i = 1; i < n; i++)
            if (T.Abs(x[i]) > T.Abs(x[at])) at = i;
        return n > 0 && x[at] < T.Zero ? -T.One : T.One;
    }

    /// <summary>Writes rows, in an order and each times its factor, as the columns of an m x n matrix.</summary>
    internal static void PutColumns<T>(int m, int[] order, T* factors, T* rows, long row, T* y, long yRow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int top = 0; top < m; top += Side)
        {
            int bottom = Math.Min(m, top + Side);
            for (int j = 0; j < order.Length; j++)
            {
                T* source = rows + order[j] * row;
                T factor = factors[order[j]];
                for (int i = top; i < bottom; i++) y[i * yRow + j] = factor * source[i];
            }
        }
    }

    /// <summary>Exchanges two rows.</summary>
    internal static void Swap<T>(int n, T* x, T* y) where T : unmanaged
    {
        if (x == y) return;
        int i = 0;
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count)
        {
            Vector<T> kept = Vector.Load(x + i);
            Vector.Store(Vector.Load(y + i), x + i);
            Vector.Store(kept, y + i);
        }

        for (; i < n; i++) (x[i], y[i]) = (y[i], x[i]);
    }

    /// <summary>Y = X^T for an m x n matrix X.</summary>
    internal static void Transpose<T>(int m, int n, T* x, long xRow, T* y, long yRow) where T : unmanaged
    {
        // The target's lines that are written at a time stay in the first-level cache, where rows that lie a power of two apart
        // share few places.
        int columns = yRow * sizeof(T) % 1024 == 0 ? Side : n;
        for (int top = 0; top < m; top += TransposedRows)
        {
            int rows = Math.Min(TransposedRows, m - top);
            for (int left = 0; left < n; left += columns)
            {
                Packing.Transpose(
                    x + top * xRow + left, (nint)xRow, rows, Math.Min(columns, n - left), (nint)yRow, y + left * yRow + top);
            }
        }
    }

    /// <summary>A = (A + A^T) / 2 for a matrix of order <paramref name="n"/>.</summary>
    internal static void Symmetrize<T>(int n, T* a, long row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T half = T.CreateChecked(0.5);
        for (int top = 0; top < n; top += Side)
        {
            for (int left = top; left < n; left += Side)
            {
                for (int i = top; i < Math.Min(n, top + Side); i++)
                {
                    for (int j = Math.Max(i, left); j < Math.Min(n, left + Side); j++)
                        a[i * row + j] = a[j * row + i] = half * (a[i * row + j] + a[j * row + i]);
                }
            }
        }
    }

    /// <summary>
    /// C = A B, or C -= A B, where C is m x n with rows apart by its stride, A is m x k and B is k x n with the strides
    /// given. The product that overwrites C needs its rows to follow one another.
    /// </summary>
    internal static void Product<T>(
        int m, int n, int k, T* a, long aRow, long aColumn, T* b, long bRow, long bColumn, T* c, long cRow, bool subtract)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (m == 0 || n == 0 || k == 0) return;
        Operands<T> x = new()
        {
            M = m,
            N = n,
            K = k,
            A = a,
            ARow = (nint)aRow,
            AColumn = (nint)aColumn,
            B = b,
            BRow = (nint)bRow,
            BColumn = (nint)bColumn,
            C = c,
            CRow = (nint)cRow,
            Subtract = subtract,
        };
        Products<T>.Multiply(x, 1, 0, 0, Simd.Width);
    }

    /// <summary>C -= A B, where the columns of B are adjacent.</summary>
    internal static void SubtractProduct<T>(
        int m, int n, int k, T* a, long aRow, long aColumn, T* b, long bRow, T* c, long cRow)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Product(m, n, k, a, aRow, aColumn, b, bRow, 1, c, cRow, subtract: true);
}
