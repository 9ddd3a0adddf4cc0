namespace Autodiff.Kernels;

/// <summary>
/// The logarithm of the gamma function and its derivatives, of one number in double precision: series near 1 and 2,
/// recurrences towards them, and asymptotic expansions (DLMF 5.7.3, 5.11.1, 5.11.2, 2.10.1).
/// </summary>
internal static class GammaFunctions
{
    internal const double Euler = 0.57721566490153286061;
    internal const double HalfLogTwoPi = 0.91893853320467274178;

    /// <summary>The Bernoulli numbers B2, B4, ...</summary>
    internal static readonly double[] Bernoulli =
    [
        1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510, 43867.0 / 798,
        -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730,
    ];

    /// <summary>(-1)^k (zeta(k) - 1) / k from k = 2 on.</summary>
    internal static readonly double[] Series =
        [.. Enumerable.Range(2, 30).Select(k => (k % 2 == 0 ? 1 : -1) * Zeta(k, 2) / k)];

    /// <summary>The logarithm of the absolute value of the gamma function; inf at 0 and negative integers.</summary>
    internal static double LogGamma(double x)
    {
        if (double.IsNaN(x)) return x;
        if (double.IsInfinity(x)) return double.PositiveInfinity;
        if (x <= 0)
        {
            double sine = Math.Abs(SinPi(x));
            if (sine == 0) return double.PositiveInfinity;
            // The sine of a tiny x may underflow in the product with the gamma function, whose logarithm is -log|x|.
            return x > -1e-17 ? -Math.Log(-x) : Math.Log(Math.PI / (sine * -x)) - LogGamma(-x);
        }

        if (x < 0.5) return NearTwo(x) - LogOnePlus(x) - Math.Log(x);
        if (x < 1.5) return NearTwo(x - 1) - LogOnePlus(x - 1);
        if (x < 10)
        {
            double product = 1;
            while (x > 2.5)
            {
                x -= 1;
                product *= x;
            }

            return NearTwo(x - 2) + Math.Log(product);
        }

        double inverse = 1 / x, square = inverse * inverse, tail = 0;
        for (int k = 8; k >= 1; k--) tail = tail * square + Bernoulli[k - 1] / (2 * k * (2 * k - 1));
        return (x - 0.5) * (Math.Log(x) - 1) + (HalfLogTwoPi - 0.5) + tail * inverse;
    }

    /// <summary>The derivative of the logarithm of the gamma function; NaN at negative integers.</summary>
    internal static double Digamma(double x)
    {
        if (x == 0) return double.IsNegative(x) ? double.PositiveInfinity : double.NegativeInfinity;
        if (double.IsNaN(x) || double.IsNegativeInfinity(x)) return double.NaN;
        if (x < 0)
        {
            double r = x - Math.Round(x);
            return r == 0 ? double.NaN : Digamma(1 - x) - Math.PI / Math.Tan(Math.PI * r);
        }

        double shift = 0;
        for (; x < 10; x += 1) shift += 1 / x;
        double inverse = 1 / x, square = inverse * inverse, tail = 0;
        for (int k = 8; k >= 1; k--) tail = tail * square + Bernoulli[k - 1] / (2 * k);
        return Math.Log(x) - 0.5 * inverse - tail * square - shift;
    }

    /// <summary>
    /// The derivative of order n of digamma, (-1)^(n + 1) n! zeta(n + 1, x), for whole n from 0; NaN for other n. At the
    /// poles, 0 and the negative integers, inf for odd n and NaN for even n, whose sign depends on the side.
    /// </summary>
    internal static double Polygamma(double n, double x)
    {
        if (n == 0) return Digamma(x);
        if (!(n > 0) || n != Math.Floor(n) || double.IsInfinity(n) || double.IsNaN(x)) return double.NaN;
        if (double.IsInfinity(x)) return x > 0 ? 0 : double.NaN;
        double s = n + 1, sign = n % 2 == 0 ? -1 : 1, zeta;
        if (x > 0)
        {
            zeta = Zeta(s, x);
        }
        else
        {
            // The terms below 0 are mirrored: they are those above 1 - f without those above 1 - x.
            double above = Math.Ceiling(x) - x;
            if (above == 0) return n % 2 == 0 ? double.NaN : double.PositiveInfinity;
            zeta = Zeta(s, x - Math.Floor(x)) + (s % 2 == 0 ? 1 : -1) * (Zeta(s, above) - Zeta(s, 1 - x));
        }

        double factorial = 1;
        for (int k = 2; k <= n && factorial < double.MaxValue; k++) factorial *= k;
        return sign * factorial * zeta;
    }

    /// <summary>The sum of (x + k)^-s over k from 0, for s of 2 and more and x above 0 (Euler and Maclaurin).</summary>
    private static double Zeta(double s, double x)
    {
        double sum = 0;
        for (; x < 12; x += 1) sum += Math.Pow(x, -s);
        double power = Math.Pow(x, -s), tail = power * (x / (s - 1) + 0.5);
        double factor = s * power / x, result = sum + tail;
        for (int k = 1; k <= Bernoulli.Length; k++)
        {
            // factor = s (s + 1) ... (s + 2k - 2) x^(-s - 2k + 1) / (2k)!, with the factorial taken in steps.
            factor /= k == 1 ? 2 : (2 * k) * (2 * k - 1);
            double term = Bernoulli[k - 1] * factor;
            result += term;
            if (Math.Abs(term) < 1e-17 * Math.Abs(result)) break;
            factor *= (s + 2 * k - 1) * (s + 2 * k) / (x * x);
        }

        return result;
    }

    /// <summary>log(gamma(2 + z)) for |z| up to 1/2.</summary>
    private static double NearTwo(double z)
    {
        double p = 0;
        for (int k = Series.Length - 1; k >= 0; k--) p = p * z + Series[k];
        return z * (1 - Euler + p * z);
    }

    private static double LogOnePlus(double x) => Logarithms.Log1p<V1<double>, double>(new(x)).First;

    private static double SinPi(double x)
    {
        double r = x - 2 * Math.Round(x * 0.5);
        return Math.Sin(Math.PI * (r > 0.5 ? 1 - r : r < -0.5 ? -1 - r : r));
    }
}
