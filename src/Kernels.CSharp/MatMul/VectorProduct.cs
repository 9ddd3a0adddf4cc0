using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Products of a row vector and a matrix: bound by the reading of the matrix, which each element of C meets once.
/// The order of a sum depends on the sizes and on the vector width, not on the threads.
/// </summary>
internal static unsafe class VectorProduct<T, V, L>
    where T : unmanaged, INumberBase<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>Columns that a thread takes at a time are multiples of this.</summary>
    public static int Unit => 8 * L.Count;

    /// <summary>
    /// The columns <paramref name="start"/> to <paramref name="end"/> of the product x B; where the
    /// columns of B are adjacent, there is a vector of them at least.
    /// </summary>
    public static void Multiply(in Operands<T> x, nint start, nint end)
    {
        if (x.BColumn == 1) Columns(x, start, end);
        else if (x.BRow == 1 && x.AColumn == 1) Dots(x, start, end);
        else Gather(x, start, end);
    }

    private static void Columns(in Operands<T> x, nint start, nint end)
    {
        nint j = start;
        for (; j <= end - Unit; j += Unit) EightVectors(x, j);
        for (; j <= end - L.Count; j += L.Count) OneVector(x, j);
        if (j < end) OneVector(x, x.N - L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void EightVectors(in Operands<T> x, nint column)
    {
        V c0 = default, c1 = default, c2 = default, c3 = default;
        V c4 = default, c5 = default, c6 = default, c7 = default;
        T* a = x.A;
        T* b = x.B + column;
        nint aColumn = x.AColumn, bRow = x.BRow;
        for (nint p = x.K; p > 0; p--, a += aColumn, b += bRow)
        {
            V v = L.Broadcast(*a);
            c0 = L.MultiplyAdd(v, L.Load(b), c0);
            c1 = L.MultiplyAdd(v, L.Load(b + L.Count), c1);
            c2 = L.MultiplyAdd(v, L.Load(b + 2 * L.Count), c2);
            c3 = L.MultiplyAdd(v, L.Load(b + 3 * L.Count), c3);
            c4 = L.MultiplyAdd(v, L.Load(b + 4 * L.Count), c4);
            c5 = L.MultiplyAdd(v, L.Load(b + 5 * L.Count), c5);
            c6 = L.MultiplyAdd(v, L.Load(b + 6 * L.Count), c6);
            c7 = L.MultiplyAdd(v, L.Load(b + 7 * L.Count), c7);
        }

        T* c = x.C + column;
        L.Store(c, c0);
        L.Store(c + L.Count, c1);
        L.Store(c + 2 * L.Count, c2);
        L.Store(c + 3 * L.Count, c3);
        L.Store(c + 4 * L.Count, c4);
        L.Store(c + 5 * L.Count, c5);
        L.Store(c + 6 * L.Count, c6);
        L.Store(c + 7 * L.Count, c7);
    }

    /// <summary>One vector of columns, in four sums side by side, which hide the latency of additions.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneVector(in Operands<T> x, nint column)
    {
        V c0 = default, c1 = default, c2 = default, c3 = default;
        T* a = x.A;
        T* b = x.B + column;
        nint aColumn = x.AColumn, bRow = x.BRow, p = x.K;
        for (; p >= 4; p -= 4)
        {
            c0 = L.MultiplyAdd(L.Broadcast(*a), L.Load(b), c0);
            c1 = L.MultiplyAdd(L.Broadcast(a[aColumn]), L.Load(b + bRow), c1);
            a += 2 * aColumn;
            b += 2 * bRow;
            c2 = L.MultiplyAdd(L.Broadcast(*a), L.Load(b), c2);
            c3 = L.MultiplyAdd(L.Broadcast(a[aColumn]), L.Load(b + bRow), c3);
            a += 2 * aColumn;
            b += 2 * bRow;
        }

        for (; p > 0; p--, a += aColumn, b += bRow) c0 = L.MultiplyAdd(L.Broadcast(*a), L.Load(b), c0);
        L.Store(x.C + column, L.Add(L.Add(c0, c1), L.Add(c2, c3)));
    }

    private static void Dots(in Operands<T> x, nint start, nint end)
    {
        nint j = start;
        for (; j <= end - 4; j += 4) FourDots(x.K, x.A, x.B + j * x.BColumn, x.BColumn, x.C + j);
        for (; j < end; j++) FourDots(x.K, x.A, x.B + j * x.BColumn, 0, x.C + j);
    }

    /// <summary>
    /// The dot products of one vector with four others, <paramref name="stride"/> apart; with stride 0 they are the
    /// same, and one result is stored.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourDots(nint length, T* a, T* b0, nint stride, T* c)
    {
        T* b1 = b0 + stride, b2 = b1 + stride, b3 = b2 + stride;
        V c0 = default, c1 = default, c2 = default, c3 = default;
        V d0 = default, d1 = default, d2 = default, d3 = default;
        nint p = 0;
        for (; p <= length - 2 * L.Count; p += 2 * L.Count)
        {
            V x = L.Load(a + p), y = L.Load(a + p + L.Count);
            c0 = L.MultiplyAdd(x, L.Load(b0 + p), c0);
            c1 = L.MultiplyAdd(x, L.Load(b1 + p), c1);
            c2 = L.MultiplyAdd(x, L.Load(b2 + p), c2);
            c3 = L.MultiplyAdd(x, L.Load(b3 + p), c3);
            d0 = L.MultiplyAdd(y, L.Load(b0 + p + L.Count), d0);
            d1 = L.MultiplyAdd(y, L.Load(b1 + p + L.Count), d1);
            d2 = L.MultiplyAdd(y, L.Load(b2 + p + L.Count), d2);
            d3 = L.MultiplyAdd(y, L.Load(b3 + p + L.Count), d3);
        }

        T s0 = L.Sum(L.Add(c0, d0)), s1 = L.Sum(L.Add(c1, d1));
        T s2 = L.Sum(L.Add(c2, d2)), s3 = L.Sum(L.Add(c3, d3));
        for (; p < length; p++)
        {
            s0 = T.MultiplyAddEstimate(a[p], b0[p], s0);
            s1 = T.MultiplyAddEstimate(a[p], b1[p], s1);
            s2 = T.MultiplyAddEstimate(a[p], b2[p], s2);
            s3 = T.MultiplyAddEstimate(a[p], b3[p], s3);
        }

        c[0] = s0;
        if (stride == 0) return;
        c[1] = s1;
        c[2] = s2;
        c[3] = s3;
    }

    private static void Gather(in Operands<T> x, nint start, nint end)
    {
        for (nint j = start; j < end; j++)
        {
            T* a = x.A;
            T* b = x.B + j * x.BColumn;
            T sum = T.Zero;
            for (nint p = x.K; p > 0; p--, a += x.AColumn, b += x.BRow) sum = T.MultiplyAddEstimate(*a, *b, sum);
            x.C[j] = sum;
        }
    }
}
