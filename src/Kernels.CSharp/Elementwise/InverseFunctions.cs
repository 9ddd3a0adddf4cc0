using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Inverses of trigonometric and hyperbolic functions in double precision.</summary>
internal static class InverseFunctions
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    // pi/2 in two parts.
    private const double QuarterTurn = 1.5707963267948966;
    private const double QuarterTurnRest = 6.123233995736766e-17;

    [MethodImpl(Inline)]
    internal static V Atan<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x), one = V.Constant(1);
        V large = V.Less(one, size);
        V inner = UpToOne<V, T>(V.Select(large, one / size, size));
        V outer = V.Constant(QuarterTurn) - (inner - V.Constant(QuarterTurnRest));
        return V.Select(large, outer, inner) | x & V.Constant(-0.0);
    }

    /// <summary>The angle of the point (x, y).</summary>
    [MethodImpl(Inline)]
    internal static V Atan2<V, T>(V y, V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V sign = V.Constant(-0.0), zero = V.Constant(0), one = V.Constant(1);
        V width = V.Abs(x), height = V.Abs(y);
        V least = V.Min(width, height), greatest = V.Max(width, height);
        V slope = least / greatest;
        slope = V.Select(V.Equal(greatest, zero), zero, slope);
        slope = V.Select(V.Equal(least, V.Constant(double.PositiveInfinity)), one, slope);
        V angle = UpToOne<V, T>(slope);
        angle = V.Select(
            V.Less(width, height), V.Constant(QuarterTurn) - (angle - V.Constant(QuarterTurnRest)), angle);

        // The sign of a zero x counts.
        V isLeft = V.Less((x & sign) | one, zero);
        angle = V.Select(isLeft, V.Constant(2 * QuarterTurn) - (angle - V.Constant(2 * QuarterTurnRest)), angle);
        return angle | y & sign;
    }

    [MethodImpl(Inline)]
    internal static V Asin<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1);
        return Atan<V, T>(x / V.Sqrt((one - x) * (one + x)));
    }

    [MethodImpl(Inline)]
    internal static V Acos<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1);
        V half = Atan<V, T>(V.Sqrt((one - x) / (one + x)));
        return half + half;
    }

    /// <summary>
    /// The angle with a tangent of 0 to 1: from tan(pi/8) on that of (x - 1) / (x + 1), and pi/4. A quotient of polynomials for
    /// the rest (S. Moshier, Cephes).
    /// </summary>
    [MethodImpl(Inline)]
    private static V UpToOne<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1);
        V isUpper = V.Less(V.Constant(0.66), x);
        V r = V.Select(isUpper, (x - one) / (x + one), x);
        V z = r * r;
        V p = V.Fma(V.Constant(-8.750608600031904122785E-1), z, V.Constant(-1.615753718733365076637E1));
        p = V.Fma(p, z, V.Constant(-7.500855792314704667340E1));
        p = V.Fma(p, z, V.Constant(-1.228866684490136173410E2));
        p = V.Fma(p, z, V.Constant(-6.485021904942025371773E1));
        V q = z + V.Constant(2.485846490142306297962E1);
        q = V.Fma(q, z, V.Constant(1.650270098316988542046E2));
        q = V.Fma(q, z, V.Constant(4.328810604912902668951E2));
        q = V.Fma(q, z, V.Constant(4.853903996359136964868E2));
        q = V.Fma(q, z, V.Constant(1.945506571482613964425E2));
        V rest = V.Fma(z * p / q, r, V.Select(isUpper, V.Constant(0.5 * QuarterTurnRest), V.Constant(0)));
        return V.Select(isUpper, V.Constant(0.5 * QuarterTurn), V.Constant(0)) + (r + rest);
    }

    /// <summary>log(|x| + sqrt(x^2 + 1)), as log(1 + ...) where that cancels, with the sign of x.</summary>
    [MethodImpl(Inline)]
    internal static V Asinh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1), size = V.Abs(x);
        V isLarge = V.Less(V.Constant(1e9), size);
        V square = size * size;
        V near = Logarithms.Log1p<V, T>(size + square / (one + V.Sqrt(one + square)));
        V far = Logarithms.Log<V, T>(size) + V.Constant(0.6931471805599453);
        return V.Select(isLarge, far, near) | x & V.Constant(-0.0);
    }

    /// <summary>log(x + sqrt(x^2 - 1)); NaN below 1.</summary>
    [MethodImpl(Inline)]
    internal static V Acosh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V t = x - V.Constant(1);
        V near = Logarithms.Log1p<V, T>(t + V.Sqrt(t * (t + V.Constant(2))));
        V far = Logarithms.Log<V, T>(x) + V.Constant(0.6931471805599453);
        V result = V.Select(V.Less(V.Constant(1e9), x), far, near);
        return V.Select(V.Less(x, V.Constant(1)), V.Constant(double.NaN), result);
    }

    /// <summary>log((1 + x) / (1 - x)) / 2.</summary>
    [MethodImpl(Inline)]
    internal static V Atanh<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x);
        V result = V.Constant(0.5) * Logarithms.Log1p<V, T>((size + size) / (V.Constant(1) - size));
        return V.Select(V.Less(V.Constant(1), size), V.Constant(double.NaN), result) | x & V.Constant(-0.0);
    }

    /// <summary>
    /// The cube root of m 2^n, with m from 1 to 8 and n a multiple of 3: a polynomial for m, and Halley's steps, each of which
    /// triples the number of right digits.
    /// </summary>
    [MethodImpl(Inline)]
    internal static V Cbrt<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(x);
        V m = V.Split(size, out V exponent);
        V third = V.Floor((exponent + V.Constant(0.5)) * V.Constant(1.0 / 3));
        m = V.Scale(m, V.Fma(third, V.Constant(-3), exponent));
        V y = V.Fma(V.Constant(0.0019167), m, V.Constant(-0.037496));
        y = V.Fma(y, m, V.Constant(0.340019));
        y = V.Fma(y, m, V.Constant(0.709135));
        for (int step = 0; step < 2; step++)
        {
            V cube = y * y * y;
            y -= y * (cube - m) / (cube + cube + m);
        }

        // The last step as a small correction, so that it is rounded once.
        V square = y * y;
        y -= V.Fma(square, y, -m) / (V.Constant(3) * square);
        V regular = V.Less(V.Constant(0), size) & V.Less(size, V.Constant(double.PositiveInfinity));
        return V.Select(regular, V.Scale(y, third), size) | x & V.Constant(-0.0);
    }

    /// <summary>sqrt(x^2 + y^2), by the quotient of the lesser and the greater.</summary>
    [MethodImpl(Inline)]
    internal static V Hypot<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V infinity = V.Constant(double.PositiveInfinity), zero = V.Constant(0);
        V a = V.Abs(x), b = V.Abs(y);
        V least = V.Min(a, b), greatest = V.Max(a, b);
        V ratio = least / greatest;
        V result = greatest * V.Sqrt(V.Fma(ratio, ratio, V.Constant(1)));
        result = V.Select(V.Equal(greatest, zero), zero, result);
        return V.Select(V.Equal(a, infinity) | V.Equal(b, infinity), infinity, result);
    }
}
