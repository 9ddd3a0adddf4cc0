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
        if (rowCount == 6)
        {
            SixRowTiles<V, T, Ops>.Run(vectors, terms, end, a, rows, b, o, pitch, last, add);
            return;
        }

        switch (rowCount + vectors)
        {
            case 11: Tile8x3(terms, end, a, rows, b, o, pitch, last, add); break;
            case 10: Tile8x2(terms, end, a, rows, b, o, pitch, last, add); break;
            case 9: Tile8x1(terms, end, a, rows, b, o, pitch, last, add); break;
            case 7: Tile4x3(terms, end, a, rows, b, o, pitch, last, add); break;
            case 6: Tile4x2(terms, end, a, rows, b, o, pitch, last, add); break;
            default: Tile4x1(terms, end, a, rows, b, o, pitch, last, add); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x3(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0], r6 = rows[6] - rows[0], r7 = rows[7] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        V c40 = default, c41 = default, c42 = default;
        V c50 = default, c51 = default, c52 = default;
        V c60 = default, c61 = default, c62 = default;
        V c70 = default, c71 = default, c72 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q), b1 = Ops.Load(q + Ops.Lanes), b2 = Ops.Load(q + 2 * Ops.Lanes);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            c01 = Ops.MultiplyAdd(x, b1, c01);
            c02 = Ops.MultiplyAdd(x, b2, c02);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            c11 = Ops.MultiplyAdd(x, b1, c11);
            c12 = Ops.MultiplyAdd(x, b2, c12);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            c21 = Ops.MultiplyAdd(x, b1, c21);
            c22 = Ops.MultiplyAdd(x, b2, c22);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            c31 = Ops.MultiplyAdd(x, b1, c31);
            c32 = Ops.MultiplyAdd(x, b2, c32);
            x = Ops.Fill(p + r4);
            c40 = Ops.MultiplyAdd(x, b0, c40);
            c41 = Ops.MultiplyAdd(x, b1, c41);
            c42 = Ops.MultiplyAdd(x, b2, c42);
            x = Ops.Fill(p + r5);
            c50 = Ops.MultiplyAdd(x, b0, c50);
            c51 = Ops.MultiplyAdd(x, b1, c51);
            c52 = Ops.MultiplyAdd(x, b2, c52);
            x = Ops.Fill(p + r6);
            c60 = Ops.MultiplyAdd(x, b0, c60);
            c61 = Ops.MultiplyAdd(x, b1, c61);
            c62 = Ops.MultiplyAdd(x, b2, c62);
            x = Ops.Fill(p + r7);
            c70 = Ops.MultiplyAdd(x, b0, c70);
            c71 = Ops.MultiplyAdd(x, b1, c71);
            c72 = Ops.MultiplyAdd(x, b2, c72);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c01 = Ops.Add(c01, Ops.Load(o + Ops.Lanes));
            c02 = Ops.Add(c02, Ops.Load(o + 2 * Ops.Lanes));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c11 = Ops.Add(c11, Ops.Load(o + pitch + Ops.Lanes));
            c12 = Ops.Add(c12, Ops.Load(o + pitch + 2 * Ops.Lanes));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c21 = Ops.Add(c21, Ops.Load(o + 2 * pitch + Ops.Lanes));
            c22 = Ops.Add(c22, Ops.Load(o + 2 * pitch + 2 * Ops.Lanes));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c31 = Ops.Add(c31, Ops.Load(o + 3 * pitch + Ops.Lanes));
            c32 = Ops.Add(c32, Ops.Load(o + 3 * pitch + 2 * Ops.Lanes));
            c40 = Ops.Add(c40, Ops.Load(o + 4 * pitch));
            c41 = Ops.Add(c41, Ops.Load(o + 4 * pitch + Ops.Lanes));
            c42 = Ops.Add(c42, Ops.Load(o + 4 * pitch + 2 * Ops.Lanes));
            c50 = Ops.Add(c50, Ops.Load(o + 5 * pitch));
            c51 = Ops.Add(c51, Ops.Load(o + 5 * pitch + Ops.Lanes));
            c52 = Ops.Add(c52, Ops.Load(o + 5 * pitch + 2 * Ops.Lanes));
            c60 = Ops.Add(c60, Ops.Load(o + 6 * pitch));
            c61 = Ops.Add(c61, Ops.Load(o + 6 * pitch + Ops.Lanes));
            c62 = Ops.Add(c62, Ops.Load(o + 6 * pitch + 2 * Ops.Lanes));
            c70 = Ops.Add(c70, Ops.Load(o + 7 * pitch));
            c71 = Ops.Add(c71, Ops.Load(o + 7 * pitch + Ops.Lanes));
            c72 = Ops.Add(c72, Ops.Load(o + 7 * pitch + 2 * Ops.Lanes));
        }

        Put(o, c00, c01, c02);
        Put(o + Math.Min(pitch, last), c10, c11, c12);
        Put(o + Math.Min(2 * pitch, last), c20, c21, c22);
        Put(o + Math.Min(3 * pitch, last), c30, c31, c32);
        Put(o + Math.Min(4 * pitch, last), c40, c41, c42);
        Put(o + Math.Min(5 * pitch, last), c50, c51, c52);
        Put(o + Math.Min(6 * pitch, last), c60, c61, c62);
        Put(o + Math.Min(7 * pitch, last), c70, c71, c72);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x2(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0], r6 = rows[6] - rows[0], r7 = rows[7] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        V c40 = default, c41 = default;
        V c50 = default, c51 = default;
        V c60 = default, c61 = default;
        V c70 = default, c71 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q), b1 = Ops.Load(q + Ops.Lanes);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            c01 = Ops.MultiplyAdd(x, b1, c01);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            c11 = Ops.MultiplyAdd(x, b1, c11);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            c21 = Ops.MultiplyAdd(x, b1, c21);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            c31 = Ops.MultiplyAdd(x, b1, c31);
            x = Ops.Fill(p + r4);
            c40 = Ops.MultiplyAdd(x, b0, c40);
            c41 = Ops.MultiplyAdd(x, b1, c41);
            x = Ops.Fill(p + r5);
            c50 = Ops.MultiplyAdd(x, b0, c50);
            c51 = Ops.MultiplyAdd(x, b1, c51);
            x = Ops.Fill(p + r6);
            c60 = Ops.MultiplyAdd(x, b0, c60);
            c61 = Ops.MultiplyAdd(x, b1, c61);
            x = Ops.Fill(p + r7);
            c70 = Ops.MultiplyAdd(x, b0, c70);
            c71 = Ops.MultiplyAdd(x, b1, c71);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c01 = Ops.Add(c01, Ops.Load(o + Ops.Lanes));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c11 = Ops.Add(c11, Ops.Load(o + pitch + Ops.Lanes));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c21 = Ops.Add(c21, Ops.Load(o + 2 * pitch + Ops.Lanes));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c31 = Ops.Add(c31, Ops.Load(o + 3 * pitch + Ops.Lanes));
            c40 = Ops.Add(c40, Ops.Load(o + 4 * pitch));
            c41 = Ops.Add(c41, Ops.Load(o + 4 * pitch + Ops.Lanes));
            c50 = Ops.Add(c50, Ops.Load(o + 5 * pitch));
            c51 = Ops.Add(c51, Ops.Load(o + 5 * pitch + Ops.Lanes));
            c60 = Ops.Add(c60, Ops.Load(o + 6 * pitch));
            c61 = Ops.Add(c61, Ops.Load(o + 6 * pitch + Ops.Lanes));
            c70 = Ops.Add(c70, Ops.Load(o + 7 * pitch));
            c71 = Ops.Add(c71, Ops.Load(o + 7 * pitch + Ops.Lanes));
        }

        Put(o, c00, c01);
        Put(o + Math.Min(pitch, last), c10, c11);
        Put(o + Math.Min(2 * pitch, last), c20, c21);
        Put(o + Math.Min(3 * pitch, last), c30, c31);
        Put(o + Math.Min(4 * pitch, last), c40, c41);
        Put(o + Math.Min(5 * pitch, last), c50, c51);
        Put(o + Math.Min(6 * pitch, last), c60, c61);
        Put(o + Math.Min(7 * pitch, last), c70, c71);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile8x1(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0], r6 = rows[6] - rows[0], r7 = rows[7] - rows[0];
        a += rows[0];
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        V c40 = default;
        V c50 = default;
        V c60 = default;
        V c70 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            x = Ops.Fill(p + r4);
            c40 = Ops.MultiplyAdd(x, b0, c40);
            x = Ops.Fill(p + r5);
            c50 = Ops.MultiplyAdd(x, b0, c50);
            x = Ops.Fill(p + r6);
            c60 = Ops.MultiplyAdd(x, b0, c60);
            x = Ops.Fill(p + r7);
            c70 = Ops.MultiplyAdd(x, b0, c70);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c40 = Ops.Add(c40, Ops.Load(o + 4 * pitch));
            c50 = Ops.Add(c50, Ops.Load(o + 5 * pitch));
            c60 = Ops.Add(c60, Ops.Load(o + 6 * pitch));
            c70 = Ops.Add(c70, Ops.Load(o + 7 * pitch));
        }

        Put(o, c00);
        Put(o + Math.Min(pitch, last), c10);
        Put(o + Math.Min(2 * pitch, last), c20);
        Put(o + Math.Min(3 * pitch, last), c30);
        Put(o + Math.Min(4 * pitch, last), c40);
        Put(o + Math.Min(5 * pitch, last), c50);
        Put(o + Math.Min(6 * pitch, last), c60);
        Put(o + Math.Min(7 * pitch, last), c70);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x3(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q), b1 = Ops.Load(q + Ops.Lanes), b2 = Ops.Load(q + 2 * Ops.Lanes);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            c01 = Ops.MultiplyAdd(x, b1, c01);
            c02 = Ops.MultiplyAdd(x, b2, c02);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            c11 = Ops.MultiplyAdd(x, b1, c11);
            c12 = Ops.MultiplyAdd(x, b2, c12);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            c21 = Ops.MultiplyAdd(x, b1, c21);
            c22 = Ops.MultiplyAdd(x, b2, c22);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            c31 = Ops.MultiplyAdd(x, b1, c31);
            c32 = Ops.MultiplyAdd(x, b2, c32);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c01 = Ops.Add(c01, Ops.Load(o + Ops.Lanes));
            c02 = Ops.Add(c02, Ops.Load(o + 2 * Ops.Lanes));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c11 = Ops.Add(c11, Ops.Load(o + pitch + Ops.Lanes));
            c12 = Ops.Add(c12, Ops.Load(o + pitch + 2 * Ops.Lanes));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c21 = Ops.Add(c21, Ops.Load(o + 2 * pitch + Ops.Lanes));
            c22 = Ops.Add(c22, Ops.Load(o + 2 * pitch + 2 * Ops.Lanes));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c31 = Ops.Add(c31, Ops.Load(o + 3 * pitch + Ops.Lanes));
            c32 = Ops.Add(c32, Ops.Load(o + 3 * pitch + 2 * Ops.Lanes));
        }

        Put(o, c00, c01, c02);
        Put(o + Math.Min(pitch, last), c10, c11, c12);
        Put(o + Math.Min(2 * pitch, last), c20, c21, c22);
        Put(o + Math.Min(3 * pitch, last), c30, c31, c32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x2(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q), b1 = Ops.Load(q + Ops.Lanes);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            c01 = Ops.MultiplyAdd(x, b1, c01);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            c11 = Ops.MultiplyAdd(x, b1, c11);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            c21 = Ops.MultiplyAdd(x, b1, c21);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            c31 = Ops.MultiplyAdd(x, b1, c31);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c01 = Ops.Add(c01, Ops.Load(o + Ops.Lanes));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c11 = Ops.Add(c11, Ops.Load(o + pitch + Ops.Lanes));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c21 = Ops.Add(c21, Ops.Load(o + 2 * pitch + Ops.Lanes));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c31 = Ops.Add(c31, Ops.Load(o + 3 * pitch + Ops.Lanes));
        }

        Put(o, c00, c01);
        Put(o + Math.Min(pitch, last), c10, c11);
        Put(o + Math.Min(2 * pitch, last), c20, c21);
        Put(o + Math.Min(3 * pitch, last), c30, c31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x1(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        a += rows[0];
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
        }

        Put(o, c00);
        Put(o + Math.Min(pitch, last), c10);
        Put(o + Math.Min(2 * pitch, last), c20);
        Put(o + Math.Min(3 * pitch, last), c30);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Put(T* o, V x) => Ops.Store(o, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Put(T* o, V x, V y)
    {
        Ops.Store(o, x);
        Ops.Store(o + Ops.Lanes, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Put(T* o, V x, V y, V z)
    {
        Ops.Store(o, x);
        Ops.Store(o + Ops.Lanes, y);
        Ops.Store(o + 2 * Ops.Lanes, z);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Put(T* o, V x, V y, V z, V w)
    {
        Put(o, x, y, z);
        Ops.Store(o + 3 * Ops.Lanes, w);
    }
}
