namespace Autodiff.Kernels;

/// <summary>The complement and the inverse of the error function, of one number in double precision.</summary>
internal static class ErrorFunctionTails
{
    private const double RootPi = 1.7724538509055160273;

    /// <summary>1 - erf(x), accurate where it is small.</summary>
    internal static double Complement(double x)
    {
        if (x < 1) return 1 - Erf(x);
        if (x > 27.3) return 0;
        double square = x * x, lost = Math.FusedMultiplyAdd(x, x, -square);
        double power = Math.Exp(-square) * (1 - lost);
        // The polynomial loses digits towards its end at 6.
        if (x < 5) return power * ErrorFunction.Quotient<V1<double>, double>(new(x)).First;

        // A continued fraction (DLMF 7.9.1), from its end.
        double fraction = x;
        for (int k = 16; k >= 1; k--) fraction = x + 0.5 * k / fraction;
        return double.IsNaN(x) ? x : power / (RootPi * fraction);
    }

    /// <summary>The x with erf(x) = y; infinite at -1 and 1, NaN outside.</summary>
    internal static double Inverse(double y)
    {
        double size = Math.Abs(y);
        if (size == 1) return y * double.PositiveInfinity;
        if (!(size < 1)) return double.NaN;
        if (size < 1e-8) return y * (0.5 * RootPi);

        // A first value (Winitzki), then Halley's steps, each of which triples the number of right digits.
        double log = Logarithms.Log1p<V1<double>, double>(new(-size * size)).First;
        double half = 2 / (Math.PI * 0.147) + 0.5 * log;
        double x = size < 0.1 ? size * (0.5 * RootPi) : Math.Sqrt(Math.Sqrt(half * half - log / 0.147) - half);
        for (int i = 0; i < 3; i++)
        {
            double error = size < 0.5 ? Erf(x) - size : 1 - size - Complement(x);
            double step = error * (0.5 * RootPi) * Math.Exp(x * x);
            x -= step / (1 + x * step);
        }

        return Math.CopySign(x, y);
    }

    /// <summary>The x with erfc(x) = y; infinite at 0 and 2, NaN outside.</summary>
    internal static double InverseComplement(double y)
    {
        // From 1/2 on, 1 - y is exact.
        if (!(y < 0.5)) return Inverse(1 - y);
        if (!(y > 0)) return y == 0 ? double.PositiveInfinity : double.NaN;
        double log = Math.Log(y * (2 - y)), half = 2 / (Math.PI * 0.147) + 0.5 * log;
        double x = Math.Sqrt(Math.Sqrt(half * half - log / 0.147) - half);
        for (int i = 0; i < 4; i++)
        {
            double step = (Complement(x) - y) / (2 / RootPi * Math.Exp(-x * x));
            x += step / (1 - x * step);
        }

        return x;
    }

    private static double Erf(double x) => ErrorFunction.Erf<V1<double>, double>(new(x)).First;
}
