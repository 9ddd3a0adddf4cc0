using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>The complement and the inverse of the error function in double precision, several at a time.</summary>
internal static class ErrorFunctionVectors
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>1 - erf(x), in the parts of <see cref="ErrorFunctionTails.Complement"/>.</summary>
    [MethodImpl(Inline)]
    internal static V Complement<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V one = V.Constant(1), isFar = V.LessOrEqual(V.Constant(5), x);
        V near = one - ErrorFunction.Erf<V, T>(x);
        V bounded = V.Clamp(x, V.Constant(0), V.Constant(28));
        V square = bounded * bounded, lost = V.Fma(bounded, bounded, -square);
        V power = Exponentials.Exp<V, T>(-square) * (one - lost);
        V result = power * ErrorFunction.Quotient<V, T>(bounded);
        if (V.Any(isFar)) result = V.Select(isFar, power / Fraction<V, T>(bounded), result);
        result = V.Select(V.Less(V.Constant(27.3), x), V.Constant(0), result);
        return V.Select(V.Less(x, one), near, result);
    }

    /// <summary>A continued fraction (DLMF 7.9.1), from its end, as a quotient.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Fraction<V, T>(V x)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V numerator = x, denominator = V.Constant(1);
        for (int k = 16; k >= 1; k--)
        {
            V next = V.Fma(x, numerator, V.Constant(0.5 * k) * denominator);
            denominator = numerator;
            numerator = next;
        }

        return V.Constant(1.7724538509055160273) * (numerator / denominator);
    }

    /// <summary>
    /// The x with erf(x) = y, as a quantile of the normal distribution (M. Wichura, algorithm AS 241): a quotient of polynomials
    /// in the middle, and one of sqrt(-log(1 - |y|)) outside; the ends go to the scalar form.
    /// </summary>
    [MethodImpl(Inline)]
    internal static V Inverse<V, T>(V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V size = V.Abs(y), half = V.Constant(0.5), root = V.Constant(0.70710678118654752440);
        V q = half * y;
        V r = V.Fma(-q, q, V.Constant(0.180625));
        V p = V.Fma(V.Constant(2.5090809287301226727E+3), r, V.Constant(3.3430575583588128105E+4));
        p = V.Fma(p, r, V.Constant(6.7265770927008700853E+4));
        p = V.Fma(p, r, V.Constant(4.5921953931549871457E+4));
        p = V.Fma(p, r, V.Constant(1.3731693765509461125E+4));
        p = V.Fma(p, r, V.Constant(1.9715909503065514427E+3));
        p = V.Fma(p, r, V.Constant(1.3314166789178437745E+2));
        p = V.Fma(p, r, V.Constant(3.3871328727963666080));
        V d = V.Fma(V.Constant(5.2264952788528545610E+3), r, V.Constant(2.8729085735721942674E+4));
        d = V.Fma(d, r, V.Constant(3.9307895800092710610E+4));
        d = V.Fma(d, r, V.Constant(2.1213794301586595867E+4));
        d = V.Fma(d, r, V.Constant(5.3941960214247511077E+3));
        d = V.Fma(d, r, V.Constant(6.8718700749205790830E+2));
        d = V.Fma(d, r, V.Constant(4.2313330701600911252E+1));
        d = V.Fma(d, r, V.Constant(1));
        V result = q * (p / d) * root;

        V isOuter = V.Less(V.Constant(0.85), size);
        if (V.Any(isOuter)) result = V.Select(isOuter, Outer<V, T>(size) | y & V.Constant(-0.0), result);
        result = V.Select(V.Less(size, V.Constant(1e-8)), y * V.Constant(0.5 * 1.7724538509055160273), result);
        V isEnd = V.Not(V.Less(size, V.Constant(1 - 1e-10)));
        return V.Any(isEnd) ? Lanes.Patch<V, T, InverseLane>(y, isEnd, result) : result;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V Outer<V, T>(V size)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V r = V.Sqrt(-Logarithms.Log<V, T>((V.Constant(1) - size) * V.Constant(0.5))) - V.Constant(1.6);
        V p = V.Fma(V.Constant(7.74545014278341407640E-4), r, V.Constant(2.27238449892691845833E-2));
        p = V.Fma(p, r, V.Constant(2.41780725177450611770E-1));
        p = V.Fma(p, r, V.Constant(1.27045825245236838258));
        p = V.Fma(p, r, V.Constant(3.64784832476320460504));
        p = V.Fma(p, r, V.Constant(5.76949722146069140550));
        p = V.Fma(p, r, V.Constant(4.63033784615654529590));
        p = V.Fma(p, r, V.Constant(1.42343711074968357734));
        V d = V.Fma(V.Constant(1.05075007164441684324E-9), r, V.Constant(5.47593808499534494600E-4));
        d = V.Fma(d, r, V.Constant(1.51986665636164571966E-2));
        d = V.Fma(d, r, V.Constant(1.48103976427480074590E-1));
        d = V.Fma(d, r, V.Constant(6.89767334985100004550E-1));
        d = V.Fma(d, r, V.Constant(1.67638483018380384940));
        d = V.Fma(d, r, V.Constant(2.05319162663775882187));
        d = V.Fma(d, r, V.Constant(1));
        return p / d * V.Constant(0.70710678118654752440);
    }

    private readonly struct InverseLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => (float)ErrorFunctionTails.Inverse(x);

        public static double Invoke(double x, double y) => ErrorFunctionTails.Inverse(x);
    }
}
