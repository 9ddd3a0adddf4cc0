using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The tiles of a single row: for groups with one filter, and for the last of many.</summary>
internal static unsafe class RowTiles<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    internal static void Run(int vectors, Term* terms, Term* end, T* a, T* b, T* o, bool add)
    {
        switch (vectors)
        {
            case 6: Tile6(terms, end, a, b, o, add); break;
            case 3:
                Tile2(terms, end, a, b, o, add);
                Tile1(terms, end, a, b + 2 * Ops.Lanes, o + 2 * Ops.Lanes, add);
                break;
            case 2: Tile2(terms, end, a, b, o, add); break;
            default: Tile1(terms, end, a, b, o, add); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6(Term* term, Term* end, T* a, T* b, T* o, bool add)
    {
        V c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default;
        for (; term < end; term++)
        {
            T* q = b + term->B;
            V x = Ops.Fill(a + term->A);
            c0 = Ops.MultiplyAdd(x, Ops.Load(q), c0);
            c1 = Ops.MultiplyAdd(x, Ops.Load(q + Ops.Lanes), c1);
            c2 = Ops.MultiplyAdd(x, Ops.Load(q + 2 * Ops.Lanes), c2);
            c3 = Ops.MultiplyAdd(x, Ops.Load(q + 3 * Ops.Lanes), c3);
            c4 = Ops.MultiplyAdd(x, Ops.Load(q + 4 * Ops.Lanes), c4);
            c5 = Ops.MultiplyAdd(x, Ops.Load(q + 5 * Ops.Lanes), c5);
        }

        Put(o, c0, add);
        Put(o + Ops.Lanes, c1, add);
        Put(o + 2 * Ops.Lanes, c2, add);
        Put(o + 3 * Ops.Lanes, c3, add);
        Put(o + 4 * Ops.Lanes, c4, add);
        Put(o + 5 * Ops.Lanes, c5, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile2(Term* term, Term* end, T* a, T* b, T* o, bool add)
    {
        V c0 = default, c1 = default;
        for (; term < end; term++)
        {
            T* q = b + term->B;
            V x = Ops.Fill(a + term->A);
            c0 = Ops.MultiplyAdd(x, Ops.Load(q), c0);
            c1 = Ops.MultiplyAdd(x, Ops.Load(q + Ops.Lanes), c1);
        }

        Put(o, c0, add);
        Put(o + Ops.Lanes, c1, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1(Term* term, Term* end, T* a, T* b, T* o, bool add)
    {
        V c = default;
        for (; term < end; term++) c = Ops.MultiplyAdd(Ops.Fill(a + term->A), Ops.Load(b + term->B), c);
        Put(o, c, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(T* o, V x, bool add) => Ops.Store(o, add ? Ops.Add(x, Ops.Load(o)) : x);
}
