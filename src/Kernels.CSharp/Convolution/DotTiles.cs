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
        switch (rowCount, columns)
        {
            case (6, 4): Tile<N6, N4>(runs, end, rows, terms, sums, pitch); break;
            case (4, 4): Tile<N4, N4>(runs, end, rows, terms, sums, pitch); break;
            case (2, 4): Tile<N2, N4>(runs, end, rows, terms, sums, pitch); break;
            case (6, 1): Tile<N6, N1>(runs, end, rows, terms, sums, pitch); break;
            case (4, 1): Tile<N4, N1>(runs, end, rows, terms, sums, pitch); break;
            default: Tile<N2, N1>(runs, end, rows, terms, sums, pitch); break;
        }
    }

    /// <remarks>Tests on the values of type parameters vanish when code is generated, and with them the sums that a tile does not
    /// have.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<R, W>(Run<T>* run, Run<T>* end, nint* rows, Term* term, T* sums, nint pitch)
        where R : struct, INumber
        where W : struct, INumber
    {
        nint r0 = rows[0], r1 = rows[1];
        nint r2 = R.Value > 2 ? rows[2] : 0, r3 = R.Value > 2 ? rows[3] : 0;
        nint r4 = R.Value > 4 ? rows[4] : 0, r5 = R.Value > 4 ? rows[5] : 0;
        nint q0 = term[0].B;
        nint q1 = W.Value > 1 ? term[1].B : 0, q2 = W.Value > 1 ? term[2].B : 0, q3 = W.Value > 1 ? term[3].B : 0;
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
                V x0 = Ops.Load(q + q0);
                V x1 = W.Value > 1 ? Ops.Load(q + q1) : default;
                V x2 = W.Value > 1 ? Ops.Load(q + q2) : default;
                V x3 = W.Value > 1 ? Ops.Load(q + q3) : default;
                V y = Ops.Load(p + r0);
                c00 = Ops.MultiplyAdd(y, x0, c00);
                if (W.Value > 1) c01 = Ops.MultiplyAdd(y, x1, c01);
                if (W.Value > 1) c02 = Ops.MultiplyAdd(y, x2, c02);
                if (W.Value > 1) c03 = Ops.MultiplyAdd(y, x3, c03);
                y = Ops.Load(p + r1);
                c10 = Ops.MultiplyAdd(y, x0, c10);
                if (W.Value > 1) c11 = Ops.MultiplyAdd(y, x1, c11);
                if (W.Value > 1) c12 = Ops.MultiplyAdd(y, x2, c12);
                if (W.Value > 1) c13 = Ops.MultiplyAdd(y, x3, c13);
                if (R.Value > 2)
                {
                    y = Ops.Load(p + r2);
                    c20 = Ops.MultiplyAdd(y, x0, c20);
                    if (W.Value > 1) c21 = Ops.MultiplyAdd(y, x1, c21);
                    if (W.Value > 1) c22 = Ops.MultiplyAdd(y, x2, c22);
                    if (W.Value > 1) c23 = Ops.MultiplyAdd(y, x3, c23);
                    y = Ops.Load(p + r3);
                    c30 = Ops.MultiplyAdd(y, x0, c30);
                    if (W.Value > 1) c31 = Ops.MultiplyAdd(y, x1, c31);
                    if (W.Value > 1) c32 = Ops.MultiplyAdd(y, x2, c32);
                    if (W.Value > 1) c33 = Ops.MultiplyAdd(y, x3, c33);
                }

                if (R.Value > 4)
                {
                    y = Ops.Load(p + r4);
                    c40 = Ops.MultiplyAdd(y, x0, c40);
                    if (W.Value > 1) c41 = Ops.MultiplyAdd(y, x1, c41);
                    if (W.Value > 1) c42 = Ops.MultiplyAdd(y, x2, c42);
                    if (W.Value > 1) c43 = Ops.MultiplyAdd(y, x3, c43);
                    y = Ops.Load(p + r5);
                    c50 = Ops.MultiplyAdd(y, x0, c50);
                    if (W.Value > 1) c51 = Ops.MultiplyAdd(y, x1, c51);
                    if (W.Value > 1) c52 = Ops.MultiplyAdd(y, x2, c52);
                    if (W.Value > 1) c53 = Ops.MultiplyAdd(y, x3, c53);
                }
            }
        }

        Add<W>(sums, c00, c01, c02, c03);
        Add<W>(sums + pitch, c10, c11, c12, c13);
        if (R.Value > 2) Add<W>(sums + 2 * pitch, c20, c21, c22, c23);
        if (R.Value > 2) Add<W>(sums + 3 * pitch, c30, c31, c32, c33);
        if (R.Value > 4) Add<W>(sums + 4 * pitch, c40, c41, c42, c43);
        if (R.Value > 4) Add<W>(sums + 5 * pitch, c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<W>(T* to, V x, V y, V z, V w)
        where W : struct, INumber
    {
        Add(to, x);
        if (W.Value <= 1) return;
        Add(to + Ops.Lanes, y);
        Add(to + 2 * Ops.Lanes, z);
        Add(to + 3 * Ops.Lanes, w);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(T* to, V x) => Ops.Store(to, Ops.Add(Ops.Load(to), x));
}
