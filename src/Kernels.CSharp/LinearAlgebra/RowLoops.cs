using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The loops of <see cref="RowOps"/> for one vector width.</summary>
internal static unsafe class RowLoops<T, V, L>
    where T : unmanaged, IFloatingPointIeee754<T>
    where V : struct
    where L : struct, ILanes<T, V>
{
    /// <summary>y += a x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Add(int n, T a, T* x, T* y)
    {
        V factor = L.Broadcast(a);
        int i = 0;
        for (; i <= n - 2 * L.Count; i += 2 * L.Count)
        {
            V first = L.MultiplyAdd(factor, L.Load(x + i), L.Load(y + i));
            V second = L.MultiplyAdd(factor, L.Load(x + i + L.Count), L.Load(y + i + L.Count));
            L.Store(y + i, first);
            L.Store(y + i + L.Count, second);
        }

        for (; i <= n - L.Count; i += L.Count) L.Store(y + i, L.MultiplyAdd(factor, L.Load(x + i), L.Load(y + i)));
        for (; i < n; i++) y[i] = T.MultiplyAddEstimate(a, x[i], y[i]);
    }

    /// <summary>The sum of x y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static T Dot(int n, T* x, T* y)
    {
        V s0 = default, s1 = default, s2 = default, s3 = default;
        int i = 0;
        for (; i <= n - 4 * L.Count; i += 4 * L.Count)
        {
            s0 = L.MultiplyAdd(L.Load(x + i), L.Load(y + i), s0);
            s1 = L.MultiplyAdd(L.Load(x + i + L.Count), L.Load(y + i + L.Count), s1);
            s2 = L.MultiplyAdd(L.Load(x + i + 2 * L.Count), L.Load(y + i + 2 * L.Count), s2);
            s3 = L.MultiplyAdd(L.Load(x + i + 3 * L.Count), L.Load(y + i + 3 * L.Count), s3);
        }

        for (; i <= n - L.Count; i += L.Count) s0 = L.MultiplyAdd(L.Load(x + i), L.Load(y + i), s0);
        T sum = L.Sum(L.Add(L.Add(s0, s1), L.Add(s2, s3)));
        for (; i < n; i++) sum = T.MultiplyAddEstimate(x[i], y[i], sum);
        return sum;
    }

    /// <summary>y -= a X for a row a and rows of X.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SubtractRows(int n, int k, T* a, long stride, T* x, long xRow, T* y)
    {
        int i = 0;
        for (; i <= n - 4 * L.Count; i += 4 * L.Count)
        {
            V s0 = default, s1 = default, s2 = default, s3 = default;
            T* row = x + i;
            T* factor = a;
            for (int p = 0; p < k; p++, row += xRow, factor += stride)
            {
                V v = L.Broadcast(*factor);
                s0 = L.MultiplyAdd(v, L.Load(row), s0);
                s1 = L.MultiplyAdd(v, L.Load(row + L.Count), s1);
                s2 = L.MultiplyAdd(v, L.Load(row + 2 * L.Count), s2);
                s3 = L.MultiplyAdd(v, L.Load(row + 3 * L.Count), s3);
            }

            T* c = y + i;
            L.Store(c, L.Subtract(L.Load(c), s0));
            L.Store(c + L.Count, L.Subtract(L.Load(c + L.Count), s1));
            L.Store(c + 2 * L.Count, L.Subtract(L.Load(c + 2 * L.Count), s2));
            L.Store(c + 3 * L.Count, L.Subtract(L.Load(c + 3 * L.Count), s3));
        }

        for (; i <= n - L.Count; i += L.Count)
        {
            V s0 = default;
            for (int p = 0; p < k; p++) s0 = L.MultiplyAdd(L.Broadcast(a[p * stride]), L.Load(x + i + p * xRow), s0);
            L.Store(y + i, L.Subtract(L.Load(y + i), s0));
        }

        for (; i < n; i++)
        {
            T sum = T.Zero;
            for (int p = 0; p < k; p++) sum = T.MultiplyAddEstimate(a[p * stride], x[i + p * xRow], sum);
            y[i] -= sum;
        }
    }
}
