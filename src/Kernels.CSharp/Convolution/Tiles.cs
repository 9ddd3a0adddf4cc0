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
/// a[rows[r] + t.A] * b[t.B + l], for a tile of 4 or 8 rows and 1 to 3 vectors of lanes l, all sums held in registers.
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
    /// <summary>The vectors to take next of <paramref name="left"/>: 3, but at the end 2 and 2 before 3 and 1.</summary>
    internal static int Vectors(int left) => left == 3 || left > 4 ? 3 : Math.Min(left, 2);

    /// <summary>The rows to take next of <paramref name="left"/>.</summary>
    internal static int Rows(int left) => left <= 4 ? 4 : Ops.Rows;

    /// <summary>
    /// Computes one tile into <paramref name="o"/>, whose rows are <paramref name="pitch"/> apart, or adds it.
    /// </summary>
    internal static void Run(
        int rowCount, int vectors, Term* terms, int count, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
    {
        Term* end = terms + count;
        switch (rowCount + vectors)
        {
            case 11: Tile8x3(terms, end, a, rows, b, o, pitch, add); break;
            case 10: Tile8x2(terms, end, a, rows, b, o, pitch, add); break;
            case 9: Tile8x1(terms, end, a, rows, b, o, pitch, add); break;
            case 7: Tile4x3(terms, end, a, rows, b, o, pitch, add); break;
            case 6: Tile4x2(terms, end, a, rows, b, o, pitch, add); break;
            default: Tile4x1(terms, end, a, rows, b, o, pitch, add); break;
        }
    }

    private static void Tile8x3(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00, c01, c02);
        Put(o + pitch, add, c10, c11, c12);
        Put(o + 2 * pitch, add, c20, c21, c22);
        Put(o + 3 * pitch, add, c30, c31, c32);
        Put(o + 4 * pitch, add, c40, c41, c42);
        Put(o + 5 * pitch, add, c50, c51, c52);
        Put(o + 6 * pitch, add, c60, c61, c62);
        Put(o + 7 * pitch, add, c70, c71, c72);
    }

    private static void Tile8x2(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00, c01);
        Put(o + pitch, add, c10, c11);
        Put(o + 2 * pitch, add, c20, c21);
        Put(o + 3 * pitch, add, c30, c31);
        Put(o + 4 * pitch, add, c40, c41);
        Put(o + 5 * pitch, add, c50, c51);
        Put(o + 6 * pitch, add, c60, c61);
        Put(o + 7 * pitch, add, c70, c71);
    }

    private static void Tile8x1(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00);
        Put(o + pitch, add, c10);
        Put(o + 2 * pitch, add, c20);
        Put(o + 3 * pitch, add, c30);
        Put(o + 4 * pitch, add, c40);
        Put(o + 5 * pitch, add, c50);
        Put(o + 6 * pitch, add, c60);
        Put(o + 7 * pitch, add, c70);
    }

    private static void Tile4x3(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00, c01, c02);
        Put(o + pitch, add, c10, c11, c12);
        Put(o + 2 * pitch, add, c20, c21, c22);
        Put(o + 3 * pitch, add, c30, c31, c32);
    }

    private static void Tile4x2(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00, c01);
        Put(o + pitch, add, c10, c11);
        Put(o + 2 * pitch, add, c20, c21);
        Put(o + 3 * pitch, add, c30, c31);
    }

    private static void Tile4x1(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, bool add)
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

        Put(o, add, c00);
        Put(o + pitch, add, c10);
        Put(o + 2 * pitch, add, c20);
        Put(o + 3 * pitch, add, c30);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T* o, bool add, V x)
    {
        if (add) x = Ops.Add(x, Ops.Load(o));
        Ops.Store(o, x);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T* o, bool add, V x, V y)
    {
        Put(o, add, x);
        Put(o + Ops.Lanes, add, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T* o, bool add, V x, V y, V z)
    {
        Put(o, add, x, y);
        Put(o + 2 * Ops.Lanes, add, z);
    }
}
