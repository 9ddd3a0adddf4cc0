namespace Autodiff.Kernels;

/// <summary>
/// The gamma distribution of a logarithm: y = log z, where z has the density z^(a-1) e^-z / gamma(a). Its distribution
/// function is P(a, e^y), the lower incomplete gamma function, and its density q = exp(a y - e^y) / gamma(a).
/// </summary>
/// <remarks>
/// Derivatives with respect to a come from the series and the continued fraction of the incomplete gamma function
/// (DLMF 8.7.1, 8.9.2), computed with power series in a change of a instead of numbers. Each takes of the order of the
/// square root of a terms.
/// </remarks>
public static unsafe class GammaLevels
{
    private const int ElementsPerFork = 1 << 7;

    /// <summary>
    /// The derivative of P of an order from 1 on with respect to a, over the density q; NaN unless a is positive.
    /// </summary>
    public static void Derivative(
        int order, ReadOnlySpan<double> concentration, ReadOnlySpan<double> logarithm, Span<double> destination)
    {
        if (order < 1) throw new ArgumentException($"The order {order} is below 1.");
        Check(destination.Length, concentration.Length, logarithm.Length, logarithm.Length);
        fixed (double* pa = concentration, py = logarithm, pd = destination)
        {
            nint a = (nint)pa, y = (nint)py, d = (nint)pd;
            Workers.ForRange(destination.Length, ElementsPerFork, (from, to) =>
            {
                for (long i = from; i < to; i++)
                    ((double*)d)[i] = Derivative(order, ((double*)a)[i], ((double*)y)[i]);
            });
        }
    }

    /// <summary>
    /// The y for concentration a at the level of y0 for concentration a0: P(a, e^y) = P(a0, e^y0); NaN unless both are
    /// positive. It is y0 itself where a is a0.
    /// </summary>
    public static void Transport(
        ReadOnlySpan<double> to, ReadOnlySpan<double> from, ReadOnlySpan<double> logarithm, Span<double> destination)
    {
        Check(destination.Length, to.Length, from.Length, logarithm.Length);
        fixed (double* pa = to, pb = from, py = logarithm, pd = destination)
        {
            nint a = (nint)pa, b = (nint)pb, y = (nint)py, d = (nint)pd;
            Workers.ForRange(destination.Length, ElementsPerFork, (first, end) =>
            {
                for (long i = first; i < end; i++)
                    ((double*)d)[i] = Transport(((double*)a)[i], ((double*)b)[i], ((double*)y)[i]);
            });
        }
    }

    internal static double Derivative(int order, double a, double y)
    {
        if (!(a > 0) || double.IsInfinity(a) || double.IsNaN(y)) return double.NaN;
        Span<double> series = stackalloc double[order + 1];
        double z = Math.Exp(y), factorial = 1;
        bool isLower = z <= a + 1;
        if (isLower) Lower(a, y, series);
        else Upper(a, y, series);
        for (int k = 2; k <= order; k++) factorial *= k;
        return (isLower ? factorial : -factorial) * series[order];
    }

    internal static double Transport(double a, double from, double y)
    {
        if (a == from || double.IsNaN(y)) return y;
        if (!(a > 0 && from > 0) || double.IsInfinity(a) || double.IsInfinity(from)) return double.NaN;
        // The smaller tail keeps its digits. Its logarithm is concave, so that Newton's steps converge from anywhere.
        bool isLower = Math.Exp(y) <= from;
        double target = LogTail(from, y, isLower, out _), sign = isLower ? 1 : -1;
        for (int i = 0; i < 100; i++)
        {
            double step = sign * (target - LogTail(a, y, isLower, out double slope)) * slope;
            y += step;
            if (!(Math.Abs(step) > 2e-16 * (1 + Math.Abs(y)))) break;
        }

        return y;
    }

    /// <summary>The logarithm of P, or of 1 - P, and the inverse of the size of its derivative with respect to y.</summary>
    private static double LogTail(double a, double y, bool isLower, out double slope)
    {
        double z = Math.Exp(y), logDensity = a * y - z - GammaFunctions.LogGamma(a), near = 0;
        bool hasLower = z <= a + 1;
        if (hasLower) Lower(a, y, new Span<double>(ref near));
        else Upper(a, y, new Span<double>(ref near));
        if (hasLower == isLower)
        {
            slope = near;
            return logDensity + Math.Log(near);
        }

        double density = Math.Exp(logDensity), other = 1 - density * near;
        slope = other / density;
        return Math.Log(other);
    }

    /// <summary>P(a + d) / q(a) as a power series in d.</summary>
    private static void Lower(double a, double y, Span<double> sum)
    {
        int n = sum.Length;
        double z = Math.Exp(y);
        Span<double> term = stackalloc double[n], sizes = stackalloc double[n];
        Densities(a, y, term);
        sum.Clear();
        sizes.Clear();
        bool isDone = false;
        for (double k = 0; !isDone; k++)
        {
            // The first term is z^d gamma(a) / gamma(a + 1 + d); each other is the one before times z / (a + k + d).
            isDone = a + k > z;
            for (int m = 0; m < n; m++)
            {
                double carried = k == 0 || m == 0 ? 0 : term[m - 1];
                term[m] = ((k == 0 ? term[m] : z * term[m]) - carried) / (a + k);
                sum[m] += term[m];
                sizes[m] += Math.Abs(term[m]);
                isDone &= !(Math.Abs(term[m]) > 1e-17 * sizes[m]);
            }
        }
    }

    /// <summary>(1 - P(a + d)) / q(a) as a power series in d, by Lentz's evaluation of the continued fraction.</summary>
    private static void Upper(double a, double y, Span<double> result)
    {
        int n = result.Length;
        double z = Math.Exp(y);
        Span<double> b = stackalloc double[n], c = stackalloc double[n], d = stackalloc double[n];
        Span<double> quotient = stackalloc double[n], fraction = stackalloc double[n], next = stackalloc double[n];
        Span<double> one = stackalloc double[n];
        one.Clear();
        one[0] = 1;
        b.Clear();
        b[0] = z + 1 - a;
        if (n > 1) b[1] = -1;
        Divide(one, b, d);
        d.CopyTo(fraction);
        c.Clear();
        bool isDone = false;
        for (double i = 1; !isDone; i++)
        {
            // The numerators are i (a + d - i), the denominators z + 1 - a - d, and 2 more each.
            double first = i * (a - i);
            b[0] += 2;
            for (int m = 0; m < n; m++) next[m] = b[m] + first * d[m] + (m == 0 ? 0 : i * d[m - 1]);
            Divide(one, next, d);
            if (i == 1)
            {
                b.CopyTo(c);
            }
            else
            {
                Divide(one, c, quotient);
                for (int m = 0; m < n; m++) c[m] = b[m] + first * quotient[m] + (m == 0 ? 0 : i * quotient[m - 1]);
            }

            Multiply(c, d, quotient);
            Multiply(fraction, quotient, next);
            isDone = true;
            double size = 0;
            for (int m = 0; m < n; m++)
            {
                size += Math.Abs(next[m]);
                isDone &= !(Math.Abs(next[m] - fraction[m]) > 1e-15 * size);
                fraction[m] = next[m];
            }
        }

        // q(a + d) / q(a) is the series of Densities times (a + d) / a.
        Densities(a, y, c);
        for (int m = n - 1; m > 0; m--) c[m] += c[m - 1] / a;
        Multiply(fraction, c, result);
    }

    /// <summary>
    /// The power series in d of z^d gamma(a + 1) / gamma(a + 1 + d), the exponential of
    /// d (y - digamma(a + 1)) - d^2 trigamma(a + 1) / 2 - ...
    /// </summary>
    private static void Densities(double a, double y, Span<double> series)
    {
        int n = series.Length;
        Span<double> exponent = stackalloc double[n];
        double factorial = 1;
        for (int k = 1; k < n; k++)
        {
            factorial *= k;
            exponent[k] = -GammaFunctions.Polygamma(k - 1, a + 1) / factorial;
        }

        if (n > 1) exponent[1] += y;
        series[0] = 1;
        for (int m = 1; m < n; m++)
        {
            double sum = 0;
            for (int k = 1; k <= m; k++) sum += k * exponent[k] * series[m - k];
            series[m] = sum / m;
        }
    }

    private static void Multiply(ReadOnlySpan<double> x, ReadOnlySpan<double> y, Span<double> product)
    {
        for (int m = 0; m < x.Length; m++)
        {
            double sum = 0;
            for (int k = 0; k <= m; k++) sum += x[k] * y[m - k];
            product[m] = sum;
        }
    }

    private static void Divide(ReadOnlySpan<double> x, ReadOnlySpan<double> y, Span<double> quotient)
    {
        for (int m = 0; m < x.Length; m++)
        {
            double sum = x[m];
            for (int k = 0; k < m; k++) sum -= quotient[k] * y[m - k];
            quotient[m] = sum / y[0];
        }
    }

    private static void Check(int count, int first, int second, int third)
    {
        if (first != count || second != count || third != count)
            throw new ArgumentException($"{first}, {second} and {third} parameters for {count} numbers.");
    }
}
