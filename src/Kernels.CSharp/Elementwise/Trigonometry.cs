using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Sine and cosine, by x = n pi/2 + r with |r| up to pi/4 and polynomials for sin(r) and cos(r). Elements too large
/// for pi in three parts go to the base library one by one.
/// </summary>
internal static class Trigonometry
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private const double Largest = 100_000;

    [MethodImpl(Inline)]
    internal static V Sin<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V shifted = V.Fma(x, V.Constant(2 / Math.PI), Shift<V, T>());
        V result = InQuadrant<V, T>(Reduced<V, T>(x, shifted), shifted);
        V large = V.Less(V.Constant(Largest), V.Abs(x));
        return V.Any(large) ? Lanes.Patch<V, T, SinOperator>(x, large, result) : result;
    }

    [MethodImpl(Inline)]
    internal static V Cos<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V shifted = V.Fma(x, V.Constant(2 / Math.PI), Shift<V, T>());
        V result = InQuadrant<V, T>(Reduced<V, T>(x, shifted), shifted + V.Constant(1));
        V large = V.Less(V.Constant(Largest), V.Abs(x));
        return V.Any(large) ? Lanes.Patch<V, T, CosOperator>(x, large, result) : result;
    }

    [MethodImpl(Inline)]
    internal static V Tan<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V shifted = V.Fma(x, V.Constant(2 / Math.PI), Shift<V, T>());
        V r = Reduced<V, T>(x, shifted);
        V result = InQuadrant<V, T>(r, shifted) / InQuadrant<V, T>(r, shifted + V.Constant(1));
        V large = V.Less(V.Constant(Largest), V.Abs(x));
        return V.Any(large) ? Lanes.Patch<V, T, TanOperator>(x, large, result) : result;
    }

    /// <summary>A number whose sum with a small one has the integer nearest to that in its low bits.</summary>
    [MethodImpl(Inline)]
    private static V Shift<V, T>()
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> =>
        V.Constant(typeof(T) == typeof(float) ? 12582912 : 6755399441055744);

    /// <summary>x - n pi/2.</summary>
    [MethodImpl(Inline)]
    private static V Reduced<V, T>(V x, V shifted)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V n = shifted - Shift<V, T>();
        if (typeof(T) == typeof(float))
        {
            V r = V.Fma(n, V.Constant(-1.5707963705062866), x);
            r = V.Fma(n, V.Constant(4.371138828673793e-08), r);
            return V.Fma(n, V.Constant(1.7151245100058819e-15), r);
        }
        else
        {
            V r = V.Fma(n, V.Constant(-1.5707963267948966), x);
            r = V.Fma(n, V.Constant(-6.123233995736766e-17), r);
            return V.Fma(n, V.Constant(1.4973849048591815e-33), r);
        }
    }

    /// <summary>sin(r + n pi/2), with n in the low bits.</summary>
    [MethodImpl(Inline)]
    private static V InQuadrant<V, T>(V r, V shifted)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V z = r * r, minus = V.Constant(-0.0), s, c;
        int bits = typeof(T) == typeof(float) ? 32 : 64;
        if (typeof(T) == typeof(float))
        {
            s = V.Fma(V.Constant(-0.000195193134), z, V.Constant(0.008332205));
            s = V.Fma(s, z, V.Constant(-0.166666552));
            c = V.Fma(V.Constant(2.44763814e-05), z, V.Constant(-0.00138877542));
            c = V.Fma(c, z, V.Constant(0.0416666567));
        }
        else
        {
            s = V.Fma(V.Constant(1.5898747341883328e-10), z, V.Constant(-2.5050800584497513e-08));
            s = V.Fma(s, z, V.Constant(2.7557314035404157e-06));
            s = V.Fma(s, z, V.Constant(-0.00019841269831079683));
            s = V.Fma(s, z, V.Constant(0.008333333333324516));
            s = V.Fma(s, z, V.Constant(-0.16666666666666644));
            c = V.Fma(V.Constant(-1.136977450725942e-11), z, V.Constant(2.087593109722824e-09));
            c = V.Fma(c, z, V.Constant(-2.7557315976995194e-07));
            c = V.Fma(c, z, V.Constant(2.4801587295448383e-05));
            c = V.Fma(c, z, V.Constant(-0.0013888888888884203));
            c = V.Fma(c, z, V.Constant(0.04166666666666666));
        }

        s = V.Fma(s, z * r, r) | r & minus;
        c = V.Fma(c, z * z, V.Fma(z, V.Constant(-0.5), V.Constant(1)));
        V odd = V.Less(V.ShiftLeft(shifted, bits - 1) | V.Constant(1), V.Constant(0));
        return V.Select(odd, c, s) ^ V.ShiftLeft(shifted, bits - 2) & minus;
    }

    private readonly struct SinOperator : ILaneOperator
    {
        public static float Invoke(float x, float y) => MathF.Sin(x);

        public static double Invoke(double x, double y) => Math.Sin(x);
    }

    private readonly struct TanOperator : ILaneOperator
    {
        public static float Invoke(float x, float y) => MathF.Tan(x);

        public static double Invoke(double x, double y) => Math.Tan(x);
    }

    private readonly struct CosOperator : ILaneOperator
    {
        public static float Invoke(float x, float y) => MathF.Cos(x);

        public static double Invoke(double x, double y) => Math.Cos(x);
    }
}
