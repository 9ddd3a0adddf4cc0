using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The exponential and its relatives, by e^x = 2^n e^r with |r| up to log(2)/2 and a polynomial for e^r.
/// </summary>
internal static class Exponentials
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Exp<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V q = Reduced<V, T>(x, out V n);
        return V.Scale(V.Constant(1) + q, n);
    }

    [MethodImpl(Inline)]
    internal static V Expm1<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        // The general form would halve the least numbers and take the sign of a zero.
        V tiny = V.Less(V.Abs(x), V.Constant(1e-30));
        return V.Select(tiny, x, LargeExpm1<V, T>(x));
    }

    /// <summary>
    /// With t = e^(-2|x|) - 1 and the sign of x, -t / (t + 2), or 1 - (2t + 2) / (t + 2), which rounds better near 1.
    /// </summary>
    [MethodImpl(Inline)]
    internal static V Tanh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x);
        V two = V.Constant(2);
        V t = LargeExpm1<V, T>(-two * size);
        V small = V.Less(size, V.Constant(0.55));
        V quotient = V.Select(small, -t, V.Fma(t, two, two)) / (t + two);
        V result = V.Select(small, quotient, V.Constant(1) - quotient);
        return result | x & V.Constant(-0.0);
    }

    /// <summary>With e = e^-|x|, 1 / (1 + e) or e / (1 + e).</summary>
    [MethodImpl(Inline)]
    internal static V Sigmoid<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V e = Exp<V, T>(x | V.Constant(-0.0));
        V one = V.Constant(1);
        return V.Select(V.Less(x, V.Constant(0)), e, one) / (one + e);
    }

    /// <summary>2^n (e^r - 1) + (2^n - 1), halved on the way: 2^n may overflow before the result does.</summary>
    [MethodImpl(Inline)]
    private static V LargeExpm1<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V q = Reduced<V, T>(x, out V n);
        V half = V.Scale(V.Constant(0.5), n);
        V result = V.Fma(half, q, half - V.Constant(0.5));
        return result + result;
    }

    /// <summary>e^r - 1 and n of x = n log(2) + r, where x is first brought to the range of finite results.</summary>
    [MethodImpl(Inline)]
    private static V Reduced<V, T>(V x, out V n)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            x = V.Clamp(x, V.Constant(-104), V.Constant(89));
            n = V.Round(x * V.Constant(1.4426950408889634));
            V r = V.Fma(n, V.Constant(-0.6931471824645996), x);
            r = V.Fma(n, V.Constant(1.9046542121259336e-9), r);
            V p = V.Fma(V.Constant(0.00139458734), r, V.Constant(0.00836629886));
            p = V.Fma(p, r, V.Constant(0.0416662917));
            p = V.Fma(p, r, V.Constant(0.166665465));
            p = V.Fma(p, r, V.Constant(0.5));
            return V.Fma(p, r * r, r);
        }
        else
        {
            x = V.Clamp(x, V.Constant(-746), V.Constant(710));
            n = V.Round(x * V.Constant(1.4426950408889634));
            V r = V.Fma(n, V.Constant(-0.6931471805599453), x);
            r = V.Fma(n, V.Constant(-2.3190468138462996e-17), r);
            V p = V.Fma(V.Constant(2.092409742913012e-09), r, V.Constant(2.5108579818701867e-08));
            p = V.Fma(p, r, V.Constant(2.755724410128548e-07));
            p = V.Fma(p, r, V.Constant(2.7557245652446847e-06));
            p = V.Fma(p, r, V.Constant(2.4801587358621052e-05));
            p = V.Fma(p, r, V.Constant(0.00019841269884531763));
            p = V.Fma(p, r, V.Constant(0.0013888888888868097));
            p = V.Fma(p, r, V.Constant(0.008333333333322344));
            p = V.Fma(p, r, V.Constant(0.0416666666666667));
            p = V.Fma(p, r, V.Constant(0.16666666666666677));
            p = V.Fma(p, r, V.Constant(0.5));
            return V.Fma(p, r * r, r);
        }
    }
}
