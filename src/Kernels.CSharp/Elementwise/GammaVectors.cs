using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The functions of <see cref="GammaFunctions"/> in double precision, several at a time, for positive numbers; others go to the
/// scalar forms.
/// </summary>
internal static class GammaVectors
{
    private const MethodImplOptions Separate = MethodImplOptions.NoInlining;

    /// <summary>From 10 on the asymptotic expansion; below, the series around 2 of a number that steps of 1 lead to.</summary>
    [MethodImpl(Separate)]
    internal static V LogGamma<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V zero = V.Constant(0), one = V.Constant(1), ten = V.Constant(10);
        V isLarge = V.LessOrEqual(ten, x);
        V y = V.Select(isLarge, V.Constant(2), x), product = one;
        V isBelow = V.Less(y, V.Constant(1.5));
        for (int step = 0; step < 2; step++)
        {
            V goes = V.Less(y, V.Constant(1.5));
            product = V.Select(goes, product * y, product);
            y = V.Select(goes, y + one, y);
        }

        for (int step = 0; step < 8; step++)
        {
            V goes = V.Less(V.Constant(2.5), y);
            if (!V.Any(goes)) break;
            y = V.Select(goes, y - one, y);
            product = V.Select(goes, product * y, product);
        }

        V z = y - V.Constant(2), p = zero;
        for (int k = GammaFunctions.Series.Length - 1; k >= 0; k--) p = V.Fma(p, z, V.Constant(GammaFunctions.Series[k]));
        V log = Logarithms.Log<V, T>(V.Select(isLarge, x, product));
        V near = z * V.Fma(p, z, V.Constant(1 - GammaFunctions.Euler)) + V.Select(isBelow, -log, log);
        V result = near;
        if (V.Any(isLarge))
        {
            V inverse = one / x, square = inverse * inverse, tail = zero;
            for (int k = 8; k >= 1; k--)
                tail = V.Fma(tail, square, V.Constant(GammaFunctions.Bernoulli[k - 1] / (2 * k * (2 * k - 1))));
            V far = (x - V.Constant(0.5)) * (log - one) + V.Constant(GammaFunctions.HalfLogTwoPi - 0.5) + tail * inverse;
            result = V.Select(isLarge, far, near);
        }

        V irregular = V.Not(V.Less(zero, x) & V.Less(x, V.Constant(double.PositiveInfinity)));
        return V.Any(irregular) ? Lanes.Patch<V, T, LogGammaLane>(x, irregular, result) : result;
    }

    [MethodImpl(Separate)]
    internal static V Digamma<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V zero = V.Constant(0), one = V.Constant(1), y = x, shift = zero;
        for (int step = 0; step < 10; step++)
        {
            V goes = V.Less(y, V.Constant(10));
            if (!V.Any(goes)) break;
            shift = V.Select(goes, shift + one / y, shift);
            y = V.Select(goes, y + one, y);
        }

        V inverse = one / y, square = inverse * inverse, tail = zero;
        for (int k = 8; k >= 1; k--) tail = V.Fma(tail, square, V.Constant(GammaFunctions.Bernoulli[k - 1] / (2 * k)));
        V result = Logarithms.Log<V, T>(y) - V.Constant(0.5) * inverse - tail * square - shift;
        V irregular = V.Not(V.Less(zero, x));
        return V.Any(irregular) ? Lanes.Patch<V, T, DigammaLane>(x, irregular, result) : result;
    }

    /// <summary>By Euler and Maclaurin, as in the scalar form.</summary>
    [MethodImpl(Separate)]
    internal static V Polygamma<V, T>(V n, V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        const int MostOrder = 20;
        V zero = V.Constant(0), one = V.Constant(1), half = V.Constant(0.5);
        V isRegular = V.Less(zero, x) & V.Less(x, V.Constant(1e10)) & V.Equal(V.Floor(n), n);
        isRegular &= V.LessOrEqual(one, n) & V.LessOrEqual(n, V.Constant(MostOrder));
        V given = n;
        n = V.Clamp(n, one, V.Constant(MostOrder));
        V s = n + one, y = x, sum = zero;
        for (int step = 0; step < 12; step++)
        {
            V goes = V.Less(y, V.Constant(12));
            if (!V.Any(goes)) break;
            sum = V.Select(goes, sum + Power<V, T>(one / y, s), sum);
            y = V.Select(goes, y + one, y);
        }

        V inverse = one / y, square = inverse * inverse, power = Power<V, T>(inverse, s);
        V tail = zero, term = power * inverse * s * half;
        for (int k = 1; k <= GammaFunctions.Bernoulli.Length; k++)
        {
            tail = V.Fma(V.Constant(GammaFunctions.Bernoulli[k - 1]), term, tail);
            V next = (s + V.Constant(2 * k - 1)) * (s + V.Constant(2 * k));
            term *= next * square * V.Constant(1.0 / ((2 * k + 2) * (2 * k + 1)));
        }

        V result = sum + power * (y / n + half) + tail;
        for (int k = 2; k <= MostOrder; k++)
        {
            V counts = V.LessOrEqual(V.Constant(k), n);
            if (!V.Any(counts)) break;
            result = V.Select(counts, result * V.Constant(k), result);
        }

        V isEven = V.Equal(V.Floor(n * half), n * half);
        result = V.Select(isEven, -result, result);
        V irregular = V.Not(isRegular);
        return V.Any(irregular) ? Lanes.Patch<V, T, PolygammaLane>(given, x, irregular, result) : result;
    }

    private static V Power<V, T>(V x, V exponent)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V result = x;
        for (int i = 2; ; i++)
        {
            V goes = V.LessOrEqual(V.Constant(i), exponent);
            if (!V.Any(goes)) return result;
            result = V.Select(goes, result * x, result);
        }
    }

    private readonly struct LogGammaLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => (float)GammaFunctions.LogGamma(x);

        public static double Invoke(double x, double y) => GammaFunctions.LogGamma(x);
    }

    private readonly struct DigammaLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => (float)GammaFunctions.Digamma(x);

        public static double Invoke(double x, double y) => GammaFunctions.Digamma(x);
    }

    private readonly struct PolygammaLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => (float)GammaFunctions.Polygamma(x, y);

        public static double Invoke(double x, double y) => GammaFunctions.Polygamma(x, y);
    }
}
