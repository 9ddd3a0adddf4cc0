using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>The places, in elements, of the two factors of one term of the sums of a tile.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Term
{
    internal int A;
    internal int B;
}

/// <summary>
/// Products of matrices that lie in memory in any order: out[r, l] = sum over terms t of
/// a[rows[r] + t.A] * b[t.B + l], for a tile of 4 or 8 rows and 1 to 3 vectors of lanes l, or of
/// 6 rows and 1 to 4 vectors, all sums held in registers.
/// </summary>
/// <remarks>
/// Tables in place of fixed strides let one kernel compute a convolution and both of its transposes without a copy
/// of the filters, and of the images only where rows must follow one another without gaps.
/// </remarks>
internal static unsafe class Tiles<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    /// <summary>The rows to take next of <paramref name="left"/>.</summary>
    internal static int Rows(int left) => left <= 4 ? 4 : left <= 6 && Ops.Rows == 8 ? 6 : Ops.Rows;

    /// <summary>
    /// The vectors to take next of <paramref name="left"/> for some rows: 3, but 2 and 2 rather than 3 and 1; 4 for six rows, but
    /// 3 and 3 or 3 and 2 rather than 4 and 2 or 4 and 1.
    /// </summary>
    internal static int Vectors(int rowCount, int left)
    {
        if (rowCount == 6) return left <= 4 ? left : left is 5 or 6 or 9 ? 3 : 4;
        return left == 3 || left > 4 ? 3 : Math.Min(left, 2);
    }

    /// <summary>
    /// Computes one tile into <paramref name="o"/>, whose rows are <paramref name="pitch"/> apart, or adds it.
    /// </summary>
    /// <remarks>
    /// Rows from <paramref name="valid"/> on are written to the place of the last valid row, whose values they must
    /// share; only whole tiles can be added.
    /// </remarks>
    internal static void Run(
        int rowCount, int vectors, Term* terms, int count, T* a, nint* rows, T* b, T* o, nint pitch, int valid,
        bool add)
    {
        nint last = (valid - 1) * pitch;
        Term* end = terms + count;
        switch (rowCount, vectors)
        {
            case (8, 3): Tile<N8, N3>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (8, 2): Tile<N8, N2>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (8, 1): Tile<N8, N1>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (6, 4): Tile<N6, N4>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (6, 3): Tile<N6, N3>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (6, 2): Tile<N6, N2>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (6, 1): Tile<N6, N1>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (4, 3): Tile<N4, N3>(terms, end, a, rows, b, o, pitch, last, add); break;
            case (4, 2): Tile<N4, N2>(terms, end, a, rows, b, o, pitch, last, add); break;
            default: Tile<N4, N1>(terms, end, a, rows, b, o, pitch, last, add); break;
        }
    }

    /// <remarks>Tests on the values of type parameters vanish when code is generated, and with them the sums that a tile does not
    /// have.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile<R, W>(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
        where R : struct, INumber
        where W : struct, INumber
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = R.Value > 4 ? rows[4] - rows[0] : 0, r5 = R.Value > 4 ? rows[5] - rows[0] : 0;
        nint r6 = R.Value > 6 ? rows[6] - rows[0] : 0, r7 = R.Value > 6 ? rows[7] - rows[0] : 0;
        a += rows[0];
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        V c20 = default, c21 = default, c22 = default, c23 = default;
        V c30 = default, c31 = default, c32 = default, c33 = default;
        V c40 = default, c41 = default, c42 = default, c43 = default;
        V c50 = default, c51 = default, c52 = default, c53 = default;
        V c60 = default, c61 = default, c62 = default, c63 = default;
        V c70 = default, c71 = default, c72 = default, c73 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q);
            V b1 = W.Value > 1 ? Ops.Load(q + Ops.Lanes) : default;
            V b2 = W.Value > 2 ? Ops.Load(q + 2 * Ops.Lanes) : default;
            V b3 = W.Value > 3 ? Ops.Load(q + 3 * Ops.Lanes) : default;
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            if (W.Value > 1) c01 = Ops.MultiplyAdd(x, b1, c01);
            if (W.Value > 2) c02 = Ops.MultiplyAdd(x, b2, c02);
            if (W.Value > 3) c03 = Ops.MultiplyAdd(x, b3, c03);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            if (W.Value > 1) c11 = Ops.MultiplyAdd(x, b1, c11);
            if (W.Value > 2) c12 = Ops.MultiplyAdd(x, b2, c12);
            if (W.Value > 3) c13 = Ops.MultiplyAdd(x, b3, c13);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            if (W.Value > 1) c21 = Ops.MultiplyAdd(x, b1, c21);
            if (W.Value > 2) c22 = Ops.MultiplyAdd(x, b2, c22);
            if (W.Value > 3) c23 = Ops.MultiplyAdd(x, b3, c23);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            if (W.Value > 1) c31 = Ops.MultiplyAdd(x, b1, c31);
            if (W.Value > 2) c32 = Ops.MultiplyAdd(x, b2, c32);
            if (W.Value > 3) c33 = Ops.MultiplyAdd(x, b3, c33);
            if (R.Value > 4)
            {
                x = Ops.Fill(p + r4);
                c40 = Ops.MultiplyAdd(x, b0, c40);
                if (W.Value > 1) c41 = Ops.MultiplyAdd(x, b1, c41);
                if (W.Value > 2) c42 = Ops.MultiplyAdd(x, b2, c42);
                if (W.Value > 3) c43 = Ops.MultiplyAdd(x, b3, c43);
                x = Ops.Fill(p + r5);
                c50 = Ops.MultiplyAdd(x, b0, c50);
                if (W.Value > 1) c51 = Ops.MultiplyAdd(x, b1, c51);
                if (W.Value > 2) c52 = Ops.MultiplyAdd(x, b2, c52);
                if (W.Value > 3) c53 = Ops.MultiplyAdd(x, b3, c53);
            }

            if (R.Value > 6)
            {
                x = Ops.Fill(p + r6);
                c60 = Ops.MultiplyAdd(x, b0, c60);
                if (W.Value > 1) c61 = Ops.MultiplyAdd(x, b1, c61);
                if (W.Value > 2) c62 = Ops.MultiplyAdd(x, b2, c62);
                if (W.Value > 3) c63 = Ops.MultiplyAdd(x, b3, c63);
                x = Ops.Fill(p + r7);
                c70 = Ops.MultiplyAdd(x, b0, c70);
                if (W.Value > 1) c71 = Ops.MultiplyAdd(x, b1, c71);
                if (W.Value > 2) c72 = Ops.MultiplyAdd(x, b2, c72);
                if (W.Value > 3) c73 = Ops.MultiplyAdd(x, b3, c73);
            }
        }

        Put<W>(o, c00, c01, c02, c03, add);
        Put<W>(o + Math.Min(pitch, last), c10, c11, c12, c13, add);
        Put<W>(o + Math.Min(2 * pitch, last), c20, c21, c22, c23, add);
        Put<W>(o + Math.Min(3 * pitch, last), c30, c31, c32, c33, add);
        if (R.Value > 4) Put<W>(o + Math.Min(4 * pitch, last), c40, c41, c42, c43, add);
        if (R.Value > 4) Put<W>(o + Math.Min(5 * pitch, last), c50, c51, c52, c53, add);
        if (R.Value > 6) Put<W>(o + Math.Min(6 * pitch, last), c60, c61, c62, c63, add);
        if (R.Value > 6) Put<W>(o + Math.Min(7 * pitch, last), c70, c71, c72, c73, add);
    }

    /// <summary>Writes the sums of a row, or adds them to what is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put<W>(T* o, V x, V y, V z, V w, bool add)
        where W : struct, INumber
    {
        Ops.Store(o, add ? Ops.Add(x, Ops.Load(o)) : x);
        if (W.Value > 1) Ops.Store(o + Ops.Lanes, add ? Ops.Add(y, Ops.Load(o + Ops.Lanes)) : y);
        if (W.Value > 2) Ops.Store(o + 2 * Ops.Lanes, add ? Ops.Add(z, Ops.Load(o + 2 * Ops.Lanes)) : z);
        if (W.Value > 3) Ops.Store(o + 3 * Ops.Lanes, add ? Ops.Add(w, Ops.Load(o + 3 * Ops.Lanes)) : w);
    }
}
