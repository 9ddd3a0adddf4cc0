using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The tiles of <see cref="Tiles{V, T, Ops}"/> with six rows and 1 to 4 vectors, for what is left over by tiles of eight: six
/// rows in a tile of eight would spend a quarter of the work on rows that nobody wants.
/// </summary>
internal static unsafe class SixRowTiles<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    internal static void Run(
        int vectors, Term* terms, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        switch (vectors)
        {
            case 4: Tile4(terms, end, a, rows, b, o, pitch, last, add); break;
            case 3: Tile3(terms, end, a, rows, b, o, pitch, last, add); break;
            case 2: Tile2(terms, end, a, rows, b, o, pitch, last, add); break;
            default: Tile1(terms, end, a, rows, b, o, pitch, last, add); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default, c02 = default, c03 = default;
        V c10 = default, c11 = default, c12 = default, c13 = default;
        V c20 = default, c21 = default, c22 = default, c23 = default;
        V c30 = default, c31 = default, c32 = default, c33 = default;
        V c40 = default, c41 = default, c42 = default, c43 = default;
        V c50 = default, c51 = default, c52 = default, c53 = default;
        for (; term < end; term++)
        {
            T* p = a + term->A, q = b + term->B;
            V b0 = Ops.Load(q), b1 = Ops.Load(q + Ops.Lanes), b2 = Ops.Load(q + 2 * Ops.Lanes);
            V b3 = Ops.Load(q + 3 * Ops.Lanes);
            V x = Ops.Fill(p);
            c00 = Ops.MultiplyAdd(x, b0, c00);
            c01 = Ops.MultiplyAdd(x, b1, c01);
            c02 = Ops.MultiplyAdd(x, b2, c02);
            c03 = Ops.MultiplyAdd(x, b3, c03);
            x = Ops.Fill(p + r1);
            c10 = Ops.MultiplyAdd(x, b0, c10);
            c11 = Ops.MultiplyAdd(x, b1, c11);
            c12 = Ops.MultiplyAdd(x, b2, c12);
            c13 = Ops.MultiplyAdd(x, b3, c13);
            x = Ops.Fill(p + r2);
            c20 = Ops.MultiplyAdd(x, b0, c20);
            c21 = Ops.MultiplyAdd(x, b1, c21);
            c22 = Ops.MultiplyAdd(x, b2, c22);
            c23 = Ops.MultiplyAdd(x, b3, c23);
            x = Ops.Fill(p + r3);
            c30 = Ops.MultiplyAdd(x, b0, c30);
            c31 = Ops.MultiplyAdd(x, b1, c31);
            c32 = Ops.MultiplyAdd(x, b2, c32);
            c33 = Ops.MultiplyAdd(x, b3, c33);
            x = Ops.Fill(p + r4);
            c40 = Ops.MultiplyAdd(x, b0, c40);
            c41 = Ops.MultiplyAdd(x, b1, c41);
            c42 = Ops.MultiplyAdd(x, b2, c42);
            c43 = Ops.MultiplyAdd(x, b3, c43);
            x = Ops.Fill(p + r5);
            c50 = Ops.MultiplyAdd(x, b0, c50);
            c51 = Ops.MultiplyAdd(x, b1, c51);
            c52 = Ops.MultiplyAdd(x, b2, c52);
            c53 = Ops.MultiplyAdd(x, b3, c53);
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c01 = Ops.Add(c01, Ops.Load(o + Ops.Lanes));
            c02 = Ops.Add(c02, Ops.Load(o + 2 * Ops.Lanes));
            c03 = Ops.Add(c03, Ops.Load(o + 3 * Ops.Lanes));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c11 = Ops.Add(c11, Ops.Load(o + pitch + Ops.Lanes));
            c12 = Ops.Add(c12, Ops.Load(o + pitch + 2 * Ops.Lanes));
            c13 = Ops.Add(c13, Ops.Load(o + pitch + 3 * Ops.Lanes));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c21 = Ops.Add(c21, Ops.Load(o + 2 * pitch + Ops.Lanes));
            c22 = Ops.Add(c22, Ops.Load(o + 2 * pitch + 2 * Ops.Lanes));
            c23 = Ops.Add(c23, Ops.Load(o + 2 * pitch + 3 * Ops.Lanes));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c31 = Ops.Add(c31, Ops.Load(o + 3 * pitch + Ops.Lanes));
            c32 = Ops.Add(c32, Ops.Load(o + 3 * pitch + 2 * Ops.Lanes));
            c33 = Ops.Add(c33, Ops.Load(o + 3 * pitch + 3 * Ops.Lanes));
            c40 = Ops.Add(c40, Ops.Load(o + 4 * pitch));
            c41 = Ops.Add(c41, Ops.Load(o + 4 * pitch + Ops.Lanes));
            c42 = Ops.Add(c42, Ops.Load(o + 4 * pitch + 2 * Ops.Lanes));
            c43 = Ops.Add(c43, Ops.Load(o + 4 * pitch + 3 * Ops.Lanes));
            c50 = Ops.Add(c50, Ops.Load(o + 5 * pitch));
            c51 = Ops.Add(c51, Ops.Load(o + 5 * pitch + Ops.Lanes));
            c52 = Ops.Add(c52, Ops.Load(o + 5 * pitch + 2 * Ops.Lanes));
            c53 = Ops.Add(c53, Ops.Load(o + 5 * pitch + 3 * Ops.Lanes));
        }

        Tiles<V, T, Ops>.Put(o, c00, c01, c02, c03);
        Tiles<V, T, Ops>.Put(o + Math.Min(pitch, last), c10, c11, c12, c13);
        Tiles<V, T, Ops>.Put(o + Math.Min(2 * pitch, last), c20, c21, c22, c23);
        Tiles<V, T, Ops>.Put(o + Math.Min(3 * pitch, last), c30, c31, c32, c33);
        Tiles<V, T, Ops>.Put(o + Math.Min(4 * pitch, last), c40, c41, c42, c43);
        Tiles<V, T, Ops>.Put(o + Math.Min(5 * pitch, last), c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile3(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default, c02 = default;
        V c10 = default, c11 = default, c12 = default;
        V c20 = default, c21 = default, c22 = default;
        V c30 = default, c31 = default, c32 = default;
        V c40 = default, c41 = default, c42 = default;
        V c50 = default, c51 = default, c52 = default;
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
        }

        Tiles<V, T, Ops>.Put(o, c00, c01, c02);
        Tiles<V, T, Ops>.Put(o + Math.Min(pitch, last), c10, c11, c12);
        Tiles<V, T, Ops>.Put(o + Math.Min(2 * pitch, last), c20, c21, c22);
        Tiles<V, T, Ops>.Put(o + Math.Min(3 * pitch, last), c30, c31, c32);
        Tiles<V, T, Ops>.Put(o + Math.Min(4 * pitch, last), c40, c41, c42);
        Tiles<V, T, Ops>.Put(o + Math.Min(5 * pitch, last), c50, c51, c52);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile2(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0];
        a += rows[0];
        V c00 = default, c01 = default;
        V c10 = default, c11 = default;
        V c20 = default, c21 = default;
        V c30 = default, c31 = default;
        V c40 = default, c41 = default;
        V c50 = default, c51 = default;
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
        }

        Tiles<V, T, Ops>.Put(o, c00, c01);
        Tiles<V, T, Ops>.Put(o + Math.Min(pitch, last), c10, c11);
        Tiles<V, T, Ops>.Put(o + Math.Min(2 * pitch, last), c20, c21);
        Tiles<V, T, Ops>.Put(o + Math.Min(3 * pitch, last), c30, c31);
        Tiles<V, T, Ops>.Put(o + Math.Min(4 * pitch, last), c40, c41);
        Tiles<V, T, Ops>.Put(o + Math.Min(5 * pitch, last), c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1(Term* term, Term* end, T* a, nint* rows, T* b, T* o, nint pitch, nint last, bool add)
    {
        nint r1 = rows[1] - rows[0], r2 = rows[2] - rows[0], r3 = rows[3] - rows[0];
        nint r4 = rows[4] - rows[0], r5 = rows[5] - rows[0];
        a += rows[0];
        V c00 = default;
        V c10 = default;
        V c20 = default;
        V c30 = default;
        V c40 = default;
        V c50 = default;
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
        }

        if (add)
        {
            c00 = Ops.Add(c00, Ops.Load(o));
            c10 = Ops.Add(c10, Ops.Load(o + pitch));
            c20 = Ops.Add(c20, Ops.Load(o + 2 * pitch));
            c30 = Ops.Add(c30, Ops.Load(o + 3 * pitch));
            c40 = Ops.Add(c40, Ops.Load(o + 4 * pitch));
            c50 = Ops.Add(c50, Ops.Load(o + 5 * pitch));
        }

        Tiles<V, T, Ops>.Put(o, c00);
        Tiles<V, T, Ops>.Put(o + Math.Min(pitch, last), c10);
        Tiles<V, T, Ops>.Put(o + Math.Min(2 * pitch, last), c20);
        Tiles<V, T, Ops>.Put(o + Math.Min(3 * pitch, last), c30);
        Tiles<V, T, Ops>.Put(o + Math.Min(4 * pitch, last), c40);
        Tiles<V, T, Ops>.Put(o + Math.Min(5 * pitch, last), c50);
    }
}
