using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The tiles of a single row: out[l] = sum over terms t of a[t.A] * b[t.B + l], for 1, 2 or 6 vectors of lanes l, or that
/// added. They serve groups with one filter, and the last of many.
/// </summary>
internal static unsafe class RowTiles<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    /// <summary>The vectors to take next of <paramref name="left"/>: one row needs many to keep the machine busy.</summary>
    internal static int Vectors(int left) => left >= 6 ? 6 : Math.Min(left, 2);

    internal static void Run(int vectors, Term* terms, int count, T* a, T* b, T* o, bool add)
    {
        Term* end = terms + count;
        switch (vectors)
        {
            case 6: Tile6(terms, end, a, b, o, add); break;
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

        if (add)
        {
            c0 = Ops.Add(c0, Ops.Load(o));
            c1 = Ops.Add(c1, Ops.Load(o + Ops.Lanes));
            c2 = Ops.Add(c2, Ops.Load(o + 2 * Ops.Lanes));
            c3 = Ops.Add(c3, Ops.Load(o + 3 * Ops.Lanes));
            c4 = Ops.Add(c4, Ops.Load(o + 4 * Ops.Lanes));
            c5 = Ops.Add(c5, Ops.Load(o + 5 * Ops.Lanes));
        }

        Ops.Store(o, c0);
        Ops.Store(o + Ops.Lanes, c1);
        Ops.Store(o + 2 * Ops.Lanes, c2);
        Ops.Store(o + 3 * Ops.Lanes, c3);
        Ops.Store(o + 4 * Ops.Lanes, c4);
        Ops.Store(o + 5 * Ops.Lanes, c5);
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

        if (add)
        {
            c0 = Ops.Add(c0, Ops.Load(o));
            c1 = Ops.Add(c1, Ops.Load(o + Ops.Lanes));
        }

        Ops.Store(o, c0);
        Ops.Store(o + Ops.Lanes, c1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile1(Term* term, Term* end, T* a, T* b, T* o, bool add)
    {
        V c = default;
        for (; term < end; term++) c = Ops.MultiplyAdd(Ops.Fill(a + term->A), Ops.Load(b + term->B), c);
        Ops.Store(o, add ? Ops.Add(c, Ops.Load(o)) : c);
    }
}
