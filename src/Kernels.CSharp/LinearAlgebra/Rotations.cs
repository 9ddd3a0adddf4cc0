using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Sweeps of rotations of neighbouring rows, (x, y) = (c x + s y, c y - s x), which are kept and then applied together to
/// strips of columns: a strip stays in the cache for all sweeps, and the strips are spread over the threads.
/// </summary>
/// <remarks>
/// F. Van Zee, R. van de Geijn and G. Quintana-Orti, Restructuring the tridiagonal and bidiagonal QR algorithms for
/// performance (2014).
/// </remarks>
/// <param name="rows">The rows, <see cref="RowLength"/> apart.</param>
/// <param name="n">Their number, and that of the elements in each.</param>
internal sealed unsafe class Rotations<T>(T* rows, int n)
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // The vectors of a strip: enough to hide the latency of a rotation behind the other vectors.
    private const int StripVectors = 4;
    private const int SweepsAtOnce = 16;
    private const long WorkToFork = 1 << 16;

    private readonly T[] factors = new T[2 * (SweepsAtOnce + 1) * n];
    private readonly List<(int Row, int Step, int Count)> sweeps = [];
    private int used;

    /// <summary>
    /// The distance of rows of <paramref name="n"/> elements: whole strips, and an odd number of cache lines, so that the rows
    /// of a strip lie all over the cache.
    /// </summary>
    public static long RowLength(int n) => Whole(n) + 64 / sizeof(T);

    /// <summary>Begins a sweep from a row, to the next ones (a step of 1) or to those before (-1).</summary>
    public void Begin(int row, int step)
    {
        if (used + 2 * n > factors.Length) Flush();
        sweeps.Add((row, step, 0));
    }

    /// <summary>Adds a rotation of the row where the sweep is and the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(T c, T s)
    {
        factors[used++] = c;
        factors[used++] = s;
    }

    /// <summary>Ends a sweep.</summary>
    public void End(int count)
    {
        (int row, int step, _) = sweeps[^1];
        sweeps[^1] = (row, step, count);
    }

    /// <summary>Applies what was kept.</summary>
    public void Flush()
    {
        int strips = Whole(n) / StripLength;
        if ((long)used * n < WorkToFork)
        {
            for (int i = 0; i < strips; i++) Strip(i);
        }
        else
        {
            Workers.For(strips, Strip);
        }

        sweeps.Clear();
        used = 0;
    }

    private static int StripLength => StripVectors * Math.Max(1, Simd.Width / 8 / sizeof(T));

    private static int Whole(int n) => (n + StripLength - 1) / StripLength * StripLength;

    private void Strip(int strip)
    {
        T* first = rows + (long)strip * StripLength;
        fixed (T* all = factors)
        {
            T* own = all;
            foreach ((int row, int step, int count) in sweeps)
            {
                Sweep(count, own, first + row * RowLength(n), step * RowLength(n));
                own += 2 * count;
            }
        }
    }

    private static void Sweep(int count, T* factors, T* x, long step)
    {
        switch (Simd.Width)
        {
            case 512: Loop<Vector512<T>, Lanes512<T>>(count, factors, x, step); break;
            case 256: Loop<Vector256<T>, Lanes256<T>>(count, factors, x, step); break;
            case 128: Loop<Vector128<T>, Lanes128<T>>(count, factors, x, step); break;
            default: Loop<T, Lanes1<T>>(count, factors, x, step); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Loop<V, L>(int count, T* factors, T* x, long step)
        where V : struct
        where L : struct, ILanes<T, V>
    {
        V x0 = L.Load(x), x1 = L.Load(x + L.Count), x2 = L.Load(x + 2 * L.Count), x3 = L.Load(x + 3 * L.Count), zero = default;
        for (int i = 0; i < count; i++, factors += 2)
        {
            V c = L.Broadcast(factors[0]), s = L.Broadcast(factors[1]), minus = L.Subtract(zero, s);
            T* next = x + step;
            V y0 = L.Load(next), y1 = L.Load(next + L.Count), y2 = L.Load(next + 2 * L.Count), y3 = L.Load(next + 3 * L.Count);
            L.Store(x, L.MultiplyAdd(c, x0, L.MultiplyAdd(s, y0, zero)));
            L.Store(x + L.Count, L.MultiplyAdd(c, x1, L.MultiplyAdd(s, y1, zero)));
            L.Store(x + 2 * L.Count, L.MultiplyAdd(c, x2, L.MultiplyAdd(s, y2, zero)));
            L.Store(x + 3 * L.Count, L.MultiplyAdd(c, x3, L.MultiplyAdd(s, y3, zero)));
            x0 = L.MultiplyAdd(minus, x0, L.MultiplyAdd(c, y0, zero));
            x1 = L.MultiplyAdd(minus, x1, L.MultiplyAdd(c, y1, zero));
            x2 = L.MultiplyAdd(minus, x2, L.MultiplyAdd(c, y2, zero));
            x3 = L.MultiplyAdd(minus, x3, L.MultiplyAdd(c, y3, zero));
            x = next;
        }

        L.Store(x, x0);
        L.Store(x + L.Count, x1);
        L.Store(x + 2 * L.Count, x2);
        L.Store(x + 3 * L.Count, x3);
    }

    /// <summary>c and s for which c f + s g = r and c g - s f = 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Between(T f, T g, out T c, out T s)
    {
        T squares = f * f + g * g;
        // Within these bounds no square that counts has vanished.
        T r = squares > T.CreateTruncating(1e-28f) && squares < T.CreateTruncating(1e28f) ? T.Sqrt(squares) : T.Hypot(f, g);
        if (r == T.Zero)
        {
            c = T.One;
            s = T.Zero;
            return r;
        }

        c = f / r;
        s = g / r;
        return r;
    }
}
