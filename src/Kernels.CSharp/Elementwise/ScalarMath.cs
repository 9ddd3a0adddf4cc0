using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Scalar functions that the base library lacks or computes with cancellation.</summary>
internal static class ScalarMath
{
    /// <summary>exp(x) - 1 without cancellation near 0, by Kahan's correction of the rounded exponential.</summary>
    internal static T Expm1<T>(T x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (x == T.Zero) return x;
        T u = T.Exp(x);
        if (u == T.One) return x;
        T less = u - T.One;
        return less == -T.One || T.IsInfinity(u) ? less : less * x / T.Log(u);
    }

    /// <summary>log(1 + x) without cancellation near 0, by Kahan's correction of the rounded sum.</summary>
    internal static T Log1p<T>(T x)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T u = T.One + x;
        return u == T.One ? x : T.IsInfinity(u) ? u : T.Log(u) * (x / (u - T.One));
    }

    /// <summary>The error function 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.</summary>
    internal static double Erf(double x)
    {
        double size = Math.Abs(x);
        if (size > 6) return Math.CopySign(1, x);
        if (!(size >= 3)) return Series(x);
        return Math.CopySign(1 - Math.Exp(-size * size) * Fraction(size), x);
    }

    /// <summary>2/sqrt(pi) exp(-x^2) times the sum of 2^n x^(2n+1) / (2n+1)!!, all terms of one sign.</summary>
    private static double Series(double x)
    {
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > Math.Abs(sum) * 1e-17; n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>exp(x^2) erfc(x) by its continued fraction, for x of 3 and more.</summary>
    private static double Fraction(double x)
    {
        double tail = x;
        for (int n = 40; n > 0; n--) tail = x + n * 0.5 / tail;
        return 1 / (tail * Math.Sqrt(Math.PI));
    }
}
