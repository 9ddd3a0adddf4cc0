using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Logarithms, by log(x) = n log(2) + log(1 + f) with 1 + f between the square roots of 1/2 and 2, and a polynomial
/// for log(1 + f).
/// </summary>
internal static class Logarithms
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Log<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V m = Split<V, T>(x, out V n);
        V result = OfReduced<V, T>(m - V.Constant(1), n);
        return AtBounds<V, T>(x, x, V.Constant(0), result);
    }

    [MethodImpl(Inline)]
    internal static V Log1p<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V u = V.Constant(1) + x;
        V lost = x - (u - V.Constant(1));
        V m = Split<V, T>(u, out V n);
        V result = OfReduced<V, T>(m - V.Constant(1) + V.Scale(lost, -n), n);
        return AtBounds<V, T>(u, x, V.Constant(-1), result | x & V.Constant(-0.0));
    }

    /// <summary>max(x, 0) + log(1 + e^-|x|).</summary>
    [MethodImpl(Inline)]
    internal static V Softplus<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        return V.Max(x, V.Constant(0)) + Tail<V, T>(x);
    }

    /// <summary>log(e^x + e^y) = max(x, y) + log(1 + e^-|x - y|).</summary>
    [MethodImpl(Inline)]
    internal static V LogAddExp<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        // Equal infinities differ by 0 too.
        V difference = V.Select(V.Equal(x, y), V.Constant(0), x - y);
        return V.Max(x, y) + Tail<V, T>(difference);
    }

    /// <summary>log(1 + e^-|x|).</summary>
    [MethodImpl(Inline)]
    private static V Tail<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        // 1 + e lies in 1 to 2: no case of Log1p's bounds arises, and NaN stays NaN through the sum.
        V e = Exponentials.Exp<V, T>(x | V.Constant(-0.0));
        V u = V.Constant(1) + e;
        V lost = e - (u - V.Constant(1));
        V m = Split<V, T>(u, out V n);
        return OfReduced<V, T>(m - V.Constant(1) + V.Scale(lost, -n), n);
    }

    /// <summary>A mantissa between the square roots of 1/2 and 2, and the power of 2.</summary>
    [MethodImpl(Inline)]
    internal static V Split<V, T>(V x, out V n)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V m = V.Split(x, out V exponent);
        V large = V.Less(V.Constant(1.4142135623730951), m);
        n = V.Select(large, exponent + V.Constant(1), exponent);
        return V.Select(large, m * V.Constant(0.5), m);
    }

    /// <summary>The result, but -inf where x is the least argument, NaN below, and x at inf or NaN.</summary>
    [MethodImpl(Inline)]
    private static V AtBounds<V, T>(V u, V x, V least, V result)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V odd = V.Select(V.Less(x, least), V.Constant(double.NaN), x);
        odd = V.Select(V.Equal(x, least), V.Constant(double.NegativeInfinity), odd);
        V regular = V.Less(V.Constant(0), u) & V.Less(u, V.Constant(double.PositiveInfinity));
        return V.Select(regular, result, odd);
    }

    [MethodImpl(Inline)]
    private static V OfReduced<V, T>(V f, V n)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V square = f * f;
        if (typeof(T) == typeof(float))
        {
            V p = V.Fma(V.Constant(0.0713424981), f, V.Constant(-0.117968269));
            p = V.Fma(p, f, V.Constant(0.117769256));
            p = V.Fma(p, f, V.Constant(-0.123785943));
            p = V.Fma(p, f, V.Constant(0.14231801));
            p = V.Fma(p, f, V.Constant(-0.166698918));
            p = V.Fma(p, f, V.Constant(0.200015247));
            p = V.Fma(p, f, V.Constant(-0.249999687));
            p = V.Fma(p, f, V.Constant(0.333333224));
            p = V.Fma(p, f, V.Constant(-0.5));
            p = V.Fma(n, V.Constant(-1.9046542121259336e-9), p * square);
            return V.Fma(n, V.Constant(0.6931471824645996), f + p);
        }
        else
        {
            V p = V.Fma(V.Constant(0.027822216408254614), f, V.Constant(-0.06136201947661773));
            p = V.Fma(p, f, V.Constant(0.06462899416598727));
            p = V.Fma(p, f, V.Constant(-0.05607592867862819));
            p = V.Fma(p, f, V.Constant(0.05667503746250848));
            p = V.Fma(p, f, V.Constant(-0.06210340075058717));
            p = V.Fma(p, f, V.Constant(0.06685885051407404));
            p = V.Fma(p, f, V.Constant(-0.07147953847902193));
            p = V.Fma(p, f, V.Constant(0.07691345556673748));
            p = V.Fma(p, f, V.Constant(-0.08333011959241682));
            p = V.Fma(p, f, V.Constant(0.0909093644164192));
            p = V.Fma(p, f, V.Constant(-0.10000011167254379));
            p = V.Fma(p, f, V.Constant(0.11111110688684918));
            p = V.Fma(p, f, V.Constant(-0.12499999790341673));
            p = V.Fma(p, f, V.Constant(0.14285714288924045));
            p = V.Fma(p, f, V.Constant(-0.16666666668538205));
            p = V.Fma(p, f, V.Constant(0.1999999999998968));
            p = V.Fma(p, f, V.Constant(-0.24999999999994502));
            p = V.Fma(p, f, V.Constant(0.3333333333333334));
            p = V.Fma(p, f, V.Constant(-0.5));
            p = V.Fma(n, V.Constant(2.3190468138462996e-17), p * square);
            return V.Fma(n, V.Constant(0.6931471805599453), f + p);
        }
    }
}
