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
    /// With t = e^(-2|x|) - 1 and the sign of x, 1 - (2t + 2) / (t + 2), or for small x -t / (t + 2); in single precision
    /// a polynomial, which rounds less often.
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
        V result;
        if (typeof(T) == typeof(float))
        {
            V z = x * x;
            V p = V.Fma(V.Constant(-0.00617751759), z, V.Constant(0.0210055094));
            p = V.Fma(p, z, V.Constant(-0.0538368337));
            p = V.Fma(p, z, V.Constant(0.133324444));
            p = V.Fma(p, z, V.Constant(-0.333333135));
            result = V.Select(small, V.Fma(p * z, size, size), V.Constant(1) - V.Fma(t, two, two) / (t + two));
        }
        else
        {
            V quotient = V.Select(small, -t, V.Fma(t, two, two)) / (t + two);
            result = V.Select(small, quotient, V.Constant(1) - quotient);
        }

        return result | x & V.Constant(-0.0);
    }

    /// <summary>
    /// With e^|x| = 2^n (1 + q) and the exact u = 2^-n, u / (1 + q + u) for negative x, and for others 1 less that.
    /// </summary>
    [MethodImpl(Inline)]
    internal static V Sigmoid<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V zero = V.Constant(0), one = V.Constant(1);
        V size = V.Clamp(V.Abs(x), zero, V.Constant(typeof(T) == typeof(float) ? 104 : 746));
        V q = InRange<V, T>(size, out V n);
        V u = V.Scale(one, -n);
        V lower = u / (one + (u + q));
        return V.Select(V.Less(x, zero), lower, one - lower);
    }

    /// <summary>(e^x - e^-x) / 2, by e^|x| - 1 where that cancels; half the exponential does not overflow before the result.</summary>
    [MethodImpl(Inline)]
    internal static V Sinh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x), one = V.Constant(1), half = V.Constant(0.5);
        V isSmall = V.Less(size, one);
        V t = Expm1<V, T>(V.Select(isSmall, size, one));
        V near = half * (t + t / (t + one));
        V e = HalfExp<V, T>(size);
        return V.Select(isSmall, near, e - V.Constant(0.25) / e) | x & V.Constant(-0.0);
    }

    /// <summary>(e^x + e^-x) / 2.</summary>
    [MethodImpl(Inline)]
    internal static V Cosh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V e = HalfExp<V, T>(V.Abs(x));
        return e + V.Constant(0.25) / e;
    }

    /// <summary>e^x / 2.</summary>
    [MethodImpl(Inline)]
    private static V HalfExp<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        bool single = typeof(T) == typeof(float);
        V q = InRange<V, T>(V.Clamp(x, V.Constant(single ? -104 : -746), V.Constant(single ? 90 : 711)), out V n);
        return V.Scale(V.Constant(1) + q, n - V.Constant(1));
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
        bool single = typeof(T) == typeof(float);
        return InRange<V, T>(
            V.Clamp(x, V.Constant(single ? -104 : -746), V.Constant(single ? 89 : 710)), out n);
    }

    /// <summary>e^r - 1 and n of x = n log(2) + r.</summary>
    [MethodImpl(Inline)]
    private static V InRange<V, T>(V x, out V n)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
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
