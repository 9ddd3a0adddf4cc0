using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Loops over rows of matrices, and over the matrices of a batch, that the factorizations share.</summary>
internal static unsafe class RowOps
{
    /// <summary>The rows that are factorized element by element before a matrix product updates the rest.</summary>
    internal const int Block = 48;

    private const long WorkPerFork = 1 << 17;

    /// <summary>Runs a task for each matrix of a batch, on all threads when the work is worth it.</summary>
    internal static void ForBatch(int batch, long workEach, Action<int> task)
    {
        if (batch * workEach < WorkPerFork)
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

    /// <summary>y += a x.</summary>
    internal static void Add<T>(int n, T a, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> factor = new(a);
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count)
            Vector.Store(Vector.Load(y + i) + factor * Vector.Load(x + i), y + i);
        for (; i < n; i++) y[i] += a * x[i];
    }

    /// <summary>The sum of x y.</summary>
    internal static T Dot<T>(int n, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> first = Vector<T>.Zero, second = Vector<T>.Zero;
        for (; i <= n - 2 * Vector<T>.Count; i += 2 * Vector<T>.Count)
        {
            first += Vector.Load(x + i) * Vector.Load(y + i);
            second += Vector.Load(x + i + Vector<T>.Count) * Vector.Load(y + i + Vector<T>.Count);
        }

        T sum = Vector.Sum(first + second);
        for (; i < n; i++) sum += x[i] * y[i];
        return sum;
    }

    /// <summary>x /= a.</summary>
    internal static void Divide<T>(int n, T a, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> divisor = new(a);
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count) Vector.Store(Vector.Load(x + i) / divisor, x + i);
        for (; i < n; i++) x[i] /= a;
    }

    /// <summary>(x, y) = (c x - s y, s x + c y).</summary>
    internal static void Rotate<T>(int n, T c, T s, T* x, T* y) where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        Vector<T> cosine = new(c), sine = new(s);
        for (; i <= n - Vector<T>.Count; i += Vector<T>.Count)
        {
            Vector<T> a = Vector.Load(x + i), b = Vector.Load(y + i);
            Vector.Store(cosine * a - sine * b, x + i);
            Vector.Store(sine * a + cosine * b, y + i);
        }

        for (; i < n; i++)
        {
            T a = x[i], b = y[i];
            x[i] = c * a - s * b;
            y[i] = s * a + c * b;
        }
    }

    /// <summary>Exchanges two rows.</summary>
    internal static void Swap<T>(int n, T* x, T* y) where T : unmanaged
    {
        if (x != y)
            for (int i = 0; i < n; i++) (x[i], y[i]) = (y[i], x[i]);
    }

    /// <summary>
    /// C -= A B, where C is m x n with rows apart by its stride, A is m x k with the strides given, and B is k x n.
    /// </summary>
    internal static void SubtractProduct<T>(
        int m, int n, int k, T* a, long aRow, long aColumn, T* b, long bRow, T* c, long cRow)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (m == 0 || n == 0 || k == 0) return;
        T[] scratch = System.Buffers.ArrayPool<T>.Shared.Rent(m * n);
        fixed (T* product = scratch)
        {
            MatMul.Multiply(
                DTypes.Of<T>(), 1, m, n, k,
                new ReadOnlySpan<byte>(a, Bytes<T>((m - 1) * aRow + (k - 1) * aColumn + 1)), 0, aRow, aColumn,
                new ReadOnlySpan<byte>(b, Bytes<T>((k - 1) * bRow + n)), 0, bRow, 1,
                new Span<byte>(product, Bytes<T>((long)m * n)));
            for (int i = 0; i < m; i++) Add(n, -T.One, product + (long)i * n, c + i * cRow);
        }

        System.Buffers.ArrayPool<T>.Shared.Return(scratch);
    }

    private static int Bytes<T>(long elements) where T : unmanaged => checked((int)(elements * sizeof(T)));
}
