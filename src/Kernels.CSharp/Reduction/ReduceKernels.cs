using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The inner loops of reductions, over a group of rows that begin at given offsets.</summary>
internal static unsafe class ReduceKernels<T, A, TOp>
    where T : unmanaged, INumber<T>
    where A : unmanaged, INumber<A>
    where TOp : struct, IReducer<A>
{
    /// <summary>All elements of the rows, combined.</summary>
    internal static A Rows(int width, T* x, nint* offsets, int rows, nint length) => width switch
    {
        512 => Rows<V512<A>>(x, offsets, rows, length),
        256 => Rows<V256<A>>(x, offsets, rows, length),
        128 => Rows<V128<A>>(x, offsets, rows, length),
        _ => Rows<V1<A>>(x, offsets, rows, length),
    };

    /// <summary>The elements of each of some rows at equal distances, combined.</summary>
    internal static void EachRow(int width, T* x, nint stride, int rows, nint length, A* totals)
    {
        switch (width)
        {
            case 512: EachRow<V512<A>>(x, stride, rows, length, totals); break;
            case 256: EachRow<V256<A>>(x, stride, rows, length, totals); break;
            case 128: EachRow<V128<A>>(x, stride, rows, length, totals); break;
            default: EachRow<V1<A>>(x, stride, rows, length, totals); break;
        }
    }

    /// <summary>Combines each column of the rows into <paramref name="totals"/>.</summary>
    internal static void Columns(int width, T* x, nint* offsets, int rows, nint columns, A* totals)
    {
        nint done = 0;
        if (width >= 512) done = Columns<V512<A>>(x, offsets, rows, done, columns, totals);
        if (width >= 256) done = Columns<V256<A>>(x, offsets, rows, done, columns, totals);
        if (width >= 128) done = Columns<V128<A>>(x, offsets, rows, done, columns, totals);
        Columns<V1<A>>(x, offsets, rows, done, columns, totals);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static A Rows<V>(T* x, nint* offsets, int rows, nint length)
        where V : unmanaged, IVector<V, A>
    {
        V a = V.Splat(TOp.Identity), b = a, c = a, d = a;
        A rest = TOp.Identity;
        for (int r = 0; r < rows; r++)
        {
            T* row = x + offsets[r];
            nint i = 0;
            for (; i <= length - 4 * V.Count; i += 4 * V.Count)
            {
                a = TOp.Combine(a, V.LoadWidened(row + i));
                b = TOp.Combine(b, V.LoadWidened(row + i + V.Count));
                c = TOp.Combine(c, V.LoadWidened(row + i + 2 * V.Count));
                d = TOp.Combine(d, V.LoadWidened(row + i + 3 * V.Count));
            }

            for (; i <= length - V.Count; i += V.Count) a = TOp.Combine(a, V.LoadWidened(row + i));
            if (i == length) continue;
            if (sizeof(T) >= 4) b = TOp.Combine(b, V.LoadWidenedPart(row + i, (int)(length - i), TOp.Identity));
            for (; sizeof(T) < 4 && i < length; i++) rest = TOp.Combine(rest, A.CreateTruncating(row[i]));
        }

        return TOp.Combine(V.Fold<TOp>(TOp.Combine(TOp.Combine(a, b), TOp.Combine(c, d))), rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void EachRow<V>(T* x, nint stride, int rows, nint length, A* totals)
        where V : unmanaged, IVector<V, A>
    {
        for (int r = 0; r < rows; r++)
        {
            T* row = x + r * stride;
            V a = V.Splat(TOp.Identity), b = a;
            nint i = 0;
            for (; i <= length - 2 * V.Count; i += 2 * V.Count)
            {
                a = TOp.Combine(a, V.LoadWidened(row + i));
                b = TOp.Combine(b, V.LoadWidened(row + i + V.Count));
            }

            if (i <= length - V.Count)
            {
                a = TOp.Combine(a, V.LoadWidened(row + i));
                i += V.Count;
            }

            V all = TOp.Combine(a, b);
            A rest = TOp.Identity;
            if (sizeof(T) < 4)
            {
                for (; i < length; i++) rest = TOp.Combine(rest, A.CreateTruncating(row[i]));
            }
            else if (i < length)
            {
                all = TOp.Combine(all, V.LoadWidenedPart(row + i, (int)(length - i), TOp.Identity));
            }

            totals[r] = TOp.Combine(V.Fold<TOp>(all), rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static nint Columns<V>(T* x, nint* offsets, int rows, nint from, nint columns, A* totals)
        where V : unmanaged, IVector<V, A>
    {
        nint c = from;
        for (; c <= columns - 8 * V.Count; c += 8 * V.Count) Tile<V>(x + c, offsets, rows, totals + c);
        for (; c <= columns - V.Count; c += V.Count)
        {
            V total = V.Splat(TOp.Identity);
            for (int r = 0; r < rows; r++) total = TOp.Combine(total, V.LoadWidened(x + offsets[r] + c));
            TOp.Combine(V.Load(totals + c), total).Store(totals + c);
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Tile<V>(T* x, nint* offsets, int rows, A* totals)
        where V : unmanaged, IVector<V, A>
    {
        V a0 = V.Splat(TOp.Identity), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (int r = 0; r < rows; r++)
        {
            T* row = x + offsets[r];
            a0 = TOp.Combine(a0, V.LoadWidened(row));
            a1 = TOp.Combine(a1, V.LoadWidened(row + V.Count));
            a2 = TOp.Combine(a2, V.LoadWidened(row + 2 * V.Count));
            a3 = TOp.Combine(a3, V.LoadWidened(row + 3 * V.Count));
            a4 = TOp.Combine(a4, V.LoadWidened(row + 4 * V.Count));
            a5 = TOp.Combine(a5, V.LoadWidened(row + 5 * V.Count));
            a6 = TOp.Combine(a6, V.LoadWidened(row + 6 * V.Count));
            a7 = TOp.Combine(a7, V.LoadWidened(row + 7 * V.Count));
        }

        Into(totals, a0);
        Into(totals + V.Count, a1);
        Into(totals + 2 * V.Count, a2);
        Into(totals + 3 * V.Count, a3);
        Into(totals + 4 * V.Count, a4);
        Into(totals + 5 * V.Count, a5);
        Into(totals + 6 * V.Count, a6);
        Into(totals + 7 * V.Count, a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Into<V>(A* total, V value)
        where V : unmanaged, IVector<V, A> => TOp.Combine(V.Load(total), value).Store(total);
}
