using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>x^y in single precision as 2^(y log2(|x|)), the logarithm and the product in pairs of numbers.</summary>
internal static class Powers
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Power<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V zero = V.Constant(0), infinity = V.Constant(double.PositiveInfinity), sign = V.Constant(-0.0);
        V size = V.Abs(x);
        V high = Log2<V, T>(size, out V low);

        V product = y * high;
        V rest = V.Fma(y, low, V.Fma(y, high, -product));
        rest = V.Select(V.Less(V.Abs(product), V.Constant(200)), rest, zero);
        product = V.Clamp(product, V.Constant(-200), V.Constant(200));
        V n = V.Round(product);
        V result = V.Scale(Exp2<V, T>(product - n + rest), n);

        // At 0 the logarithm above has no meaning.
        V atZero = V.Select(V.Less(y, zero), infinity, V.Select(V.Equal(y, zero), V.Constant(1), zero));
        result = V.Select(V.Equal(x, zero), atZero, result);

        V half = y * V.Constant(0.5);
        V isInteger = V.Equal(V.Floor(y), y), isEven = V.Equal(V.Floor(half), half);
        result = V.Select(isEven, result, V.Select(isInteger, result | x & sign, result));
        result = V.Select(isInteger, result, V.Select(V.Less(x, zero), V.Constant(double.NaN), result));

        V regular = V.Less(size, infinity) & V.Less(V.Abs(y), infinity);
        V irregular = V.Not(regular);
        return V.Any(irregular) ? Lanes.Patch<V, T, PowerOperator>(x, y, irregular, result) : result;
    }

    /// <summary>log2(x) as the sum of two numbers, by the series of atanh(s) with s = (m - 1) / (m + 1).</summary>
    [MethodImpl(Inline)]
    private static V Log2<V, T>(V x, out V low)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1);
        V m = Logarithms.Split<V, T>(x, out V n);
        V f = m - one, g = m + one;
        V gLow = m - (g - one);
        V reciprocal = one / g;
        V s = f * reciprocal;
        V sLow = V.Fma(-s, gLow, V.Fma(-s, g, f)) * reciprocal;

        V z = s * s;
        V zLow = V.Fma(s + s, sLow, V.Fma(s, s, -z));

        // c = 1/3 + z / 5 + ...
        V p = V.Fma(V.Constant(0.117101818), z, V.Constant(0.142735302));
        p = V.Fma(p, z, V.Constant(0.200000763)) * z;
        V third = V.Constant(0.333333343);
        V c = third + p;
        V cLow = third - c + p + V.Constant(-9.93410776e-09);

        // atanh(s) = s + s w, w = z c
        V w = z * c;
        V wLow = V.Fma(zLow, c, V.Fma(z, cLow, V.Fma(z, c, -w)));
        V t = s * w;
        V tLow = V.Fma(sLow, w, V.Fma(s, wLow, V.Fma(s, w, -t)));
        V sum = s + t;
        V sumLow = s - sum + t + (tLow + sLow);

        V scale = V.Constant(2.885390043258667);
        V log = sum * scale;
        V logLow = V.Fma(sumLow, scale, V.Fma(sum, V.Constant(3.851926067e-08), V.Fma(sum, scale, -log)));
        V high = n + log;
        low = n - high + log + logLow;
        return high;
    }

    /// <summary>2^x for |x| up to 1/2.</summary>
    [MethodImpl(Inline)]
    private static V Exp2<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V p = V.Fma(V.Constant(1.53151959e-05), x, V.Constant(0.000154673631));
        p = V.Fma(p, x, V.Constant(0.00133334298));
        p = V.Fma(p, x, V.Constant(0.00961803645));
        p = V.Fma(p, x, V.Constant(0.0555041097));
        p = V.Fma(p, x, V.Constant(0.240226507));
        p = V.Fma(p, x, V.Constant(0.693147182));
        return V.Fma(p, x, V.Constant(1));
    }

    private readonly struct PowerOperator : ILaneOperator
    {
        public static float Invoke(float x, float y) => MathF.Pow(x, y);

        public static double Invoke(double x, double y) => Math.Pow(x, y);
    }
}
