using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Neighbours and powers of two of numbers far from the ends of their range; others go to the scalar forms.</summary>
internal static class Spacings
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>
    /// x with a little more than half the distance to its neighbour added, which rounds to that (S. Rump et al., Computing
    /// predecessor and successor in rounding to nearest, 2009).
    /// </summary>
    [MethodImpl(Inline)]
    internal static V NextAfter<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        bool single = typeof(T) == typeof(float);
        double unit = single ? 1.0 / (1 << 24) : 1.0 / (1L << 53);
        V size = V.Abs(x), step = size * V.Constant(unit * (1 + 2 * unit));
        V result = x + V.Select(V.Less(x, y), step, -step);
        result = V.Select(V.Equal(x, y), y, result);
        V regular = V.Less(V.Constant(single ? 1e-30 : 1e-290), size) & V.Less(size, V.Constant(single ? 1e38 : 1e308)) & V.Equal(y, y);
        V irregular = V.Not(regular);
        return V.Any(irregular) ? Lanes.Patch<V, T, NextLane>(x, y, irregular, result) : result;
    }

    [MethodImpl(Inline)]
    internal static V Ldexp<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        bool single = typeof(T) == typeof(float);
        V size = V.Abs(x), n = V.Truncate(y);
        V result = V.Scale(x, n);
        V regular = V.Less(V.Constant(single ? 1e-19 : 1e-100), size) & V.Less(size, V.Constant(single ? 1e19 : 1e100));
        regular = (regular | V.Equal(x, V.Constant(0))) & V.Less(V.Abs(n), V.Constant(single ? 60 : 600));
        V irregular = V.Not(regular);
        return V.Any(irregular) ? Lanes.Patch<V, T, LdexpLane>(x, y, irregular, result) : result;
    }

    private readonly struct NextLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => NextAfterOperator<float>.Invoke(x, y);

        public static double Invoke(double x, double y) => NextAfterOperator<double>.Invoke(x, y);
    }

    private readonly struct LdexpLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => LdexpOperator<float>.Invoke(x, y);

        public static double Invoke(double x, double y) => LdexpOperator<double>.Invoke(x, y);
    }
}
