using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The inner loops of reductions, over a group of rows that begin at given offsets.</summary>
internal static unsafe class ReduceKernels<T, A, TOp>
    where T : unmanaged
    where A : unmanaged, INumber<A>
    where TOp : struct, IReducer<A>
{
    /// <summary>All elements of the rows, combined.</summary>
    internal static A Rows(int width, T* x, nint* offsets, int rows, nint length) => width switch
    {
        512 => Rows<Register512<A>, Vector512<A>>(x, offsets, rows, length),
        256 => Rows<Register256<A>, Vector256<A>>(x, offsets, rows, length),
        128 => Rows<Register128<A>, Vector128<A>>(x, offsets, rows, length),
        _ => Rows<Register1<A>, A>(x, offsets, rows, length),
    };

    /// <summary>The elements of each of some rows at equal distances, combined.</summary>
    internal static void EachRow(int width, T* x, nint stride, int rows, nint length, A* totals)
    {
        switch (width)
        {
            case 512: EachRow<Register512<A>, Vector512<A>>(x, stride, rows, length, totals); break;
            case 256: EachRow<Register256<A>, Vector256<A>>(x, stride, rows, length, totals); break;
            case 128: EachRow<Register128<A>, Vector128<A>>(x, stride, rows, length, totals); break;
            default: EachRow<Register1<A>, A>(x, stride, rows, length, totals); break;
        }
    }

    /// <summary>Combines each column of the rows into <paramref name="totals"/>.</summary>
    internal static void Columns(int width, T* x, nint* offsets, int rows, nint columns, A* totals)
    {
        nint done = 0;
        if (width >= 512) done = Columns<Register512<A>, Vector512<A>>(x, offsets, rows, done, columns, totals);
        if (width >= 256) done = Columns<Register256<A>, Vector256<A>>(x, offsets, rows, done, columns, totals);
        if (width >= 128) done = Columns<Register128<A>, Vector128<A>>(x, offsets, rows, done, columns, totals);
        Columns<Register1<A>, A>(x, offsets, rows, done, columns, totals);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static A Rows<R, V>(T* x, nint* offsets, int rows, nint length)
        where R : struct, IRegister<A, V>
        where V : struct
    {
        V a = R.Broadcast(TOp.Identity), b = a, c = a, d = a;
        A rest = TOp.Identity;
        for (int r = 0; r < rows; r++)
        {
            T* row = x + offsets[r];
            nint i = 0;
            for (; i <= length - 4 * R.Count; i += 4 * R.Count)
            {
                a = TOp.Combine<R, V>(a, R.LoadWidened(row + i));
                b = TOp.Combine<R, V>(b, R.LoadWidened(row + i + R.Count));
                c = TOp.Combine<R, V>(c, R.LoadWidened(row + i + 2 * R.Count));
                d = TOp.Combine<R, V>(d, R.LoadWidened(row + i + 3 * R.Count));
            }

            for (; i <= length - R.Count; i += R.Count) a = TOp.Combine<R, V>(a, R.LoadWidened(row + i));
            if (i == length) continue;
            if (sizeof(T) >= 4)
                b = TOp.Combine<R, V>(b, R.LoadWidenedPartial(row + i, (int)(length - i), TOp.Identity));
            for (; sizeof(T) < 4 && i < length; i++)
                rest = TOp.Combine<Register1<A>, A>(rest, Register1<A>.LoadWidened(row + i));
        }

        V all = TOp.Combine<R, V>(TOp.Combine<R, V>(a, b), TOp.Combine<R, V>(c, d));
        return TOp.Combine<Register1<A>, A>(R.Fold<TOp>(all), rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void EachRow<R, V>(T* x, nint stride, int rows, nint length, A* totals)
        where R : struct, IRegister<A, V>
        where V : struct
    {
        for (int r = 0; r < rows; r++)
        {
            T* row = x + r * stride;
            V a = R.Broadcast(TOp.Identity), b = a;
            A rest = TOp.Identity;
            nint i = 0;
            for (; i <= length - 2 * R.Count; i += 2 * R.Count)
            {
                a = TOp.Combine<R, V>(a, R.LoadWidened(row + i));
                b = TOp.Combine<R, V>(b, R.LoadWidened(row + i + R.Count));
            }

            if (i <= length - R.Count)
            {
                a = TOp.Combine<R, V>(a, R.LoadWidened(row + i));
                i += R.Count;
            }

            if (sizeof(T) >= 4 && i < length)
            {
                V last = R.LoadWidenedPartial(row + i, (int)(length - i), TOp.Identity);
                totals[r] = R.Fold<TOp>(TOp.Combine<R, V>(TOp.Combine<R, V>(a, b), last));
                continue;
            }

            for (; i < length; i++)
                rest = TOp.Combine<Register1<A>, A>(rest, Register1<A>.LoadWidened(row + i));
            totals[r] = TOp.Combine<Register1<A>, A>(R.Fold<TOp>(TOp.Combine<R, V>(a, b)), rest);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static nint Columns<R, V>(T* x, nint* offsets, int rows, nint from, nint columns, A* totals)
        where R : struct, IRegister<A, V>
        where V : struct
    {
        nint c = from;
        for (; c <= columns - 8 * R.Count; c += 8 * R.Count) Tile<R, V>(x + c, offsets, rows, totals + c);
        for (; c <= columns - R.Count; c += R.Count)
        {
            V total = R.Broadcast(TOp.Identity);
            for (int r = 0; r < rows; r++) total = TOp.Combine<R, V>(total, R.LoadWidened(x + offsets[r] + c));
            R.Store(TOp.Combine<R, V>(R.Load(totals + c), total), totals + c);
        }

        return c;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Tile<R, V>(T* x, nint* offsets, int rows, A* totals)
        where R : struct, IRegister<A, V>
        where V : struct
    {
        V a0 = R.Broadcast(TOp.Identity), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;
        for (int r = 0; r < rows; r++)
        {
            T* row = x + offsets[r];
            a0 = TOp.Combine<R, V>(a0, R.LoadWidened(row));
            a1 = TOp.Combine<R, V>(a1, R.LoadWidened(row + R.Count));
            a2 = TOp.Combine<R, V>(a2, R.LoadWidened(row + 2 * R.Count));
            a3 = TOp.Combine<R, V>(a3, R.LoadWidened(row + 3 * R.Count));
            a4 = TOp.Combine<R, V>(a4, R.LoadWidened(row + 4 * R.Count));
            a5 = TOp.Combine<R, V>(a5, R.LoadWidened(row + 5 * R.Count));
            a6 = TOp.Combine<R, V>(a6, R.LoadWidened(row + 6 * R.Count));
            a7 = TOp.Combine<R, V>(a7, R.LoadWidened(row + 7 * R.Count));
        }

        Into<R, V>(totals, a0);
        Into<R, V>(totals + R.Count, a1);
        Into<R, V>(totals + 2 * R.Count, a2);
        Into<R, V>(totals + 3 * R.Count, a3);
        Into<R, V>(totals + 4 * R.Count, a4);
        Into<R, V>(totals + 5 * R.Count, a5);
        Into<R, V>(totals + 6 * R.Count, a6);
        Into<R, V>(totals + 7 * R.Count, a7);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Into<R, V>(A* total, V value)
        where R : struct, IRegister<A, V>
        where V : struct => R.Store(TOp.Combine<R, V>(R.Load(total), value), total);
}
