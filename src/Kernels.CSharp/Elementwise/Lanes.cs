using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The scalar form of a function, for the rare elements that its vector form leaves out.</summary>
internal interface ILaneOperator
{
    static abstract float Invoke(float x, float y);

    static abstract double Invoke(double x, double y);
}

internal static unsafe class Lanes
{
    /// <summary>The result with the scalar function of the elements under the mask.</summary>
    internal static V Patch<V, T, TOp>(V x, V mask, V result)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
        where TOp : ILaneOperator => Patch<V, T, TOp>(x, x, mask, result);

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static V Patch<V, T, TOp>(V x, V y, V mask, V result)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
        where TOp : ILaneOperator
    {
        T* px = (T*)&x, py = (T*)&y, pr = (T*)&result;
        byte* truths = stackalloc byte[V.Count];
        V.StoreTruth(mask, truths);
        for (int i = 0; i < V.Count; i++)
        {
            if (truths[i] == 0) continue;
            if (typeof(T) == typeof(float)) ((float*)pr)[i] = TOp.Invoke(((float*)px)[i], ((float*)py)[i]);
            else ((double*)pr)[i] = TOp.Invoke(((double*)px)[i], ((double*)py)[i]);
        }

        return result;
    }
}
