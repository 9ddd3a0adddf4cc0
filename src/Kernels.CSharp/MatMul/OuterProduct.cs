using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Products of a column and a row, k = 1: bound by the writing of C, whose rows follow one another. They are the
/// gradients of weights for single examples.
/// </summary>
internal static unsafe class OuterProduct<T, V, L>
    where T : unmanaged
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>Computes a product of at least a vector of columns, which are adjacent in B.</summary>
    public static void Multiply(in Operands<T> x)
    {
        if (x.N <= 4 * L.Count) Narrow(x);
        else Wide(x);
    }

    /// <summary>Up to four vectors of columns, kept in registers; they overlap if they are no whole number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow(in Operands<T> x)
    {
        nint last = x.N - L.Count;
        nint second = Math.Min(L.Count, last), third = Math.Min(2 * L.Count, last);
        V b0 = L.Load(x.B), b1 = L.Load(x.B + second), b2 = L.Load(x.B + third), b3 = L.Load(x.B + last);
        int vectors = (int)((x.N + L.Count - 1) / L.Count);
        T* a = x.A;
        T* c = x.C;
        nint aRow = x.ARow, cRow = x.CRow;
        V zero = default;
        for (nint i = x.M; i > 0; i--, a += aRow, c += cRow)
        {
            V v = L.Broadcast(*a);
            L.Store(c, L.MultiplyAdd(v, b0, zero));
            if (vectors == 1) continue;
            if (vectors > 2)
            {
                L.Store(c + second, L.MultiplyAdd(v, b1, zero));
                if (vectors > 3) L.Store(c + third, L.MultiplyAdd(v, b2, zero));
            }

            L.Store(c + last, L.MultiplyAdd(v, b3, zero));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Wide(in Operands<T> x)
    {
        T* a = x.A;
        T* b = x.B;
        T* c = x.C;
        nint last = x.N - L.Count;
        V zero = default;
        for (nint i = x.M; i > 0; i--, a += x.ARow, c += x.CRow)
        {
            V v = L.Broadcast(*a);
            nint j = 0;
            for (; j <= x.N - 4 * L.Count; j += 4 * L.Count)
            {
                L.Store(c + j, L.MultiplyAdd(v, L.Load(b + j), zero));
                L.Store(c + j + L.Count, L.MultiplyAdd(v, L.Load(b + j + L.Count), zero));
                L.Store(c + j + 2 * L.Count, L.MultiplyAdd(v, L.Load(b + j + 2 * L.Count), zero));
                L.Store(c + j + 3 * L.Count, L.MultiplyAdd(v, L.Load(b + j + 3 * L.Count), zero));
            }

            for (; j < last; j += L.Count) L.Store(c + j, L.MultiplyAdd(v, L.Load(b + j), zero));
            L.Store(c + last, L.MultiplyAdd(v, L.Load(b + last), zero));
        }
    }
}
