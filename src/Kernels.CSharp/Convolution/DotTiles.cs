using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Places that lie side by side in a cotangent and in the copies for all taps: a whole number of vectors.</summary>
internal unsafe struct Run<T>
    where T : unmanaged
{
    internal T* Cotangent, Copy;
    internal int Count;
}

/// <summary>
/// Sums of products, lane by lane: sums[r, c, l] += sum over runs of places p of cotangent[rows[r] + p + l] *
/// copy[terms[c].B + p + l], for a tile of 6, 4 or 2 rows and 4 columns or 1, all sums held in registers.
/// </summary>
internal static unsafe class DotTiles<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    internal const int MostRows = 6;
    internal const int MostColumns = 4;

    /// <summary>The rows to take next of <paramref name="left"/>; those past the last must repeat one.</summary>
    internal static int Rows(int left) => Ops.Rows < 8 || left <= 2 ? 2 : left <= 4 ? 4 : 6;

    /// <summary>The columns to take next of <paramref name="left"/>; those past the last must repeat one.</summary>
    internal static int Columns(int left) => left == 1 ? 1 : MostColumns;

    /// <summary>Adds one tile to sums of <see cref="ITileOps{V, T}.Lanes"/> lanes, whose rows are <paramref name="pitch"/> apart.</summary>
    internal static void Add(
        int rowCount, int columns, Run<T>* runs, int count, nint* rows, Term* terms, T* sums, nint pitch)
    {
        Run<T>* end = runs + count;
        switch (rowCount + columns)
        {
            case 10: Tile6x4(runs, end, rows, terms, sums, pitch); break;
            case 8: Tile4x4(runs, end, rows, terms, sums, pitch); break;
            case 7: Tile6x1(runs, end, rows, terms, sums, pitch); break;
            case 6: Tile2x4(runs, end, rows, terms, sums, pitch); break;
            case 5: Tile4x1(runs, end, rows, terms, sums, pitch); break;
            default: Tile2x1(runs, end, rows, terms, sums, pitch); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x4(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1], r2 = rows[2];
        nint r3 = rows[3], r4 = rows[4], r5 = rows[5];
        nint q0 = term[0].B, q1 = term[1].B, q2 = term[2].B, q3 = term[3].B;
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        V c20 = default, c21 = default, c22 = default, c23 = default;
        V c30 = default, c31 = default, c32 = default, c33 = default;
        V c40 = default, c41 = default, c42 = default, c43 = default;
        V c50 = default, c51 = default, c52 = default, c53 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0), x1 = Ops.Load(q + q1);
                V x2 = Ops.Load(q + q2), x3 = Ops.Load(q + q3);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                c01 = Ops.MultiplyAdd(y, x1, c01);
                c02 = Ops.MultiplyAdd(y, x2, c02);
                c03 = Ops.MultiplyAdd(y, x3, c03);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                c11 = Ops.MultiplyAdd(y, x1, c11);
                c12 = Ops.MultiplyAdd(y, x2, c12);
                c13 = Ops.MultiplyAdd(y, x3, c13);
                y = Ops.Load(p + r2);
                c20 = Ops.MultiplyAdd(y, x0, c20);
                c21 = Ops.MultiplyAdd(y, x1, c21);
                c22 = Ops.MultiplyAdd(y, x2, c22);
                c23 = Ops.MultiplyAdd(y, x3, c23);
                y = Ops.Load(p + r3);
                c30 = Ops.MultiplyAdd(y, x0, c30);
                c31 = Ops.MultiplyAdd(y, x1, c31);
                c32 = Ops.MultiplyAdd(y, x2, c32);
                c33 = Ops.MultiplyAdd(y, x3, c33);
                y = Ops.Load(p + r4);
                c40 = Ops.MultiplyAdd(y, x0, c40);
                c41 = Ops.MultiplyAdd(y, x1, c41);
                c42 = Ops.MultiplyAdd(y, x2, c42);
                c43 = Ops.MultiplyAdd(y, x3, c43);
                y = Ops.Load(p + r5);
                c50 = Ops.MultiplyAdd(y, x0, c50);
                c51 = Ops.MultiplyAdd(y, x1, c51);
                c52 = Ops.MultiplyAdd(y, x2, c52);
                c53 = Ops.MultiplyAdd(y, x3, c53);
            }
        }

        Add(sums, c00);
        Add(sums + Ops.Lanes, c01);
        Add(sums + 2 * Ops.Lanes, c02);
        Add(sums + 3 * Ops.Lanes, c03);
        Add(sums + pitch, c10);
        Add(sums + pitch + Ops.Lanes, c11);
        Add(sums + pitch + 2 * Ops.Lanes, c12);
        Add(sums + pitch + 3 * Ops.Lanes, c13);
        Add(sums + 2 * pitch, c20);
        Add(sums + 2 * pitch + Ops.Lanes, c21);
        Add(sums + 2 * pitch + 2 * Ops.Lanes, c22);
        Add(sums + 2 * pitch + 3 * Ops.Lanes, c23);
        Add(sums + 3 * pitch, c30);
        Add(sums + 3 * pitch + Ops.Lanes, c31);
        Add(sums + 3 * pitch + 2 * Ops.Lanes, c32);
        Add(sums + 3 * pitch + 3 * Ops.Lanes, c33);
        Add(sums + 4 * pitch, c40);
        Add(sums + 4 * pitch + Ops.Lanes, c41);
        Add(sums + 4 * pitch + 2 * Ops.Lanes, c42);
        Add(sums + 4 * pitch + 3 * Ops.Lanes, c43);
        Add(sums + 5 * pitch, c50);
        Add(sums + 5 * pitch + Ops.Lanes, c51);
        Add(sums + 5 * pitch + 2 * Ops.Lanes, c52);
        Add(sums + 5 * pitch + 3 * Ops.Lanes, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x4(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1], r2 = rows[2];
        nint r3 = rows[3];
        nint q0 = term[0].B, q1 = term[1].B, q2 = term[2].B, q3 = term[3].B;
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        V c20 = default, c21 = default, c22 = default, c23 = default;
        V c30 = default, c31 = default, c32 = default, c33 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0), x1 = Ops.Load(q + q1);
                V x2 = Ops.Load(q + q2), x3 = Ops.Load(q + q3);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                c01 = Ops.MultiplyAdd(y, x1, c01);
                c02 = Ops.MultiplyAdd(y, x2, c02);
                c03 = Ops.MultiplyAdd(y, x3, c03);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                c11 = Ops.MultiplyAdd(y, x1, c11);
                c12 = Ops.MultiplyAdd(y, x2, c12);
                c13 = Ops.MultiplyAdd(y, x3, c13);
                y = Ops.Load(p + r2);
                c20 = Ops.MultiplyAdd(y, x0, c20);
                c21 = Ops.MultiplyAdd(y, x1, c21);
                c22 = Ops.MultiplyAdd(y, x2, c22);
                c23 = Ops.MultiplyAdd(y, x3, c23);
                y = Ops.Load(p + r3);
                c30 = Ops.MultiplyAdd(y, x0, c30);
                c31 = Ops.MultiplyAdd(y, x1, c31);
                c32 = Ops.MultiplyAdd(y, x2, c32);
                c33 = Ops.MultiplyAdd(y, x3, c33);
            }
        }

        Add(sums, c00);
        Add(sums + Ops.Lanes, c01);
        Add(sums + 2 * Ops.Lanes, c02);
        Add(sums + 3 * Ops.Lanes, c03);
        Add(sums + pitch, c10);
        Add(sums + pitch + Ops.Lanes, c11);
        Add(sums + pitch + 2 * Ops.Lanes, c12);
        Add(sums + pitch + 3 * Ops.Lanes, c13);
        Add(sums + 2 * pitch, c20);
        Add(sums + 2 * pitch + Ops.Lanes, c21);
        Add(sums + 2 * pitch + 2 * Ops.Lanes, c22);
        Add(sums + 2 * pitch + 3 * Ops.Lanes, c23);
        Add(sums + 3 * pitch, c30);
        Add(sums + 3 * pitch + Ops.Lanes, c31);
        Add(sums + 3 * pitch + 2 * Ops.Lanes, c32);
        Add(sums + 3 * pitch + 3 * Ops.Lanes, c33);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile2x4(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1];
        nint q0 = term[0].B, q1 = term[1].B, q2 = term[2].B, q3 = term[3].B;
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0), x1 = Ops.Load(q + q1);
                V x2 = Ops.Load(q + q2), x3 = Ops.Load(q + q3);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                c01 = Ops.MultiplyAdd(y, x1, c01);
                c02 = Ops.MultiplyAdd(y, x2, c02);
                c03 = Ops.MultiplyAdd(y, x3, c03);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                c11 = Ops.MultiplyAdd(y, x1, c11);
                c12 = Ops.MultiplyAdd(y, x2, c12);
                c13 = Ops.MultiplyAdd(y, x3, c13);
            }
        }

        Add(sums, c00);
        Add(sums + Ops.Lanes, c01);
        Add(sums + 2 * Ops.Lanes, c02);
        Add(sums + 3 * Ops.Lanes, c03);
        Add(sums + pitch, c10);
        Add(sums + pitch + Ops.Lanes, c11);
        Add(sums + pitch + 2 * Ops.Lanes, c12);
        Add(sums + pitch + 3 * Ops.Lanes, c13);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6x1(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1], r2 = rows[2];
        nint r3 = rows[3], r4 = rows[4], r5 = rows[5];
        nint q0 = term->B;
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        V c40 = default;
        V c50 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                y = Ops.Load(p + r2);
                c20 = Ops.MultiplyAdd(y, x0, c20);
                y = Ops.Load(p + r3);
                c30 = Ops.MultiplyAdd(y, x0, c30);
                y = Ops.Load(p + r4);
                c40 = Ops.MultiplyAdd(y, x0, c40);
                y = Ops.Load(p + r5);
                c50 = Ops.MultiplyAdd(y, x0, c50);
            }
        }

        Add(sums, c00);
        Add(sums + pitch, c10);
        Add(sums + 2 * pitch, c20);
        Add(sums + 3 * pitch, c30);
        Add(sums + 4 * pitch, c40);
        Add(sums + 5 * pitch, c50);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x1(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1], r2 = rows[2];
        nint r3 = rows[3];
        nint q0 = term->B;
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                y = Ops.Load(p + r2);
                c20 = Ops.MultiplyAdd(y, x0, c20);
                y = Ops.Load(p + r3);
                c30 = Ops.MultiplyAdd(y, x0, c30);
            }
        }

        Add(sums, c00);
        Add(sums + pitch, c10);
        Add(sums + 2 * pitch, c20);
        Add(sums + 3 * pitch, c30);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile2x1(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
    {
        nint r0 = rows[0], r1 = rows[1];
        nint q0 = term->B;
        V c00 = default;
        V c10 = default;
        for (; run < end; run++)
        {
            T* p = run->Cotangent, q = run->Copy;
            for (T* stop = p + run->Count; p < stop; p += Ops.Lanes, q += Ops.Lanes)
            {
                V x0 = Ops.Load(q + q0);
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
            }
        }

        Add(sums, c00);
        Add(sums + pitch, c10);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(T* to, V x) => Ops.Store(to, Ops.Add(Ops.Load(to), x));
}
