namespace Autodiff.Kernels;

/// <summary>
/// Random numbers whose distribution differs from element to element, by rejection. Attempt t of element i has blocks
/// 2 i and 2 i + 1 of stream t to itself, so that an element depends only on the key, its parameters and its index: not
/// on the other elements or the number of threads.
/// </summary>
/// <remarks>
/// Elements count from 0 in each example of <c>example</c> elements: examples of one parameter are equal.
/// </remarks>
public static unsafe class RandomVariates
{
    private const int Batch = 128;
    private const int ElementsPerFork = 1 << 10;

    /// <summary>
    /// Logarithms of numbers with a gamma distribution of scale 1; -inf for the concentration 0, NaN below.
    /// </summary>
    /// <remarks>G. Marsaglia and W. W. Tsang, A simple method for generating gamma variables (2000).</remarks>
    public static void LogGamma(
        ulong key, int example, ReadOnlySpan<double> concentration, Span<double> destination) =>
        Draw<LogGammaVariate, double>(key, example, concentration, concentration, destination);

    /// <summary>Numbers of events with a Poisson distribution; -1 for a rate that is negative, NaN or above 2^62.</summary>
    /// <remarks>W. Hoermann, The transformed rejection method for generating Poisson random variables (1993).</remarks>
    public static void Poisson(ulong key, int example, ReadOnlySpan<double> rate, Span<long> destination) =>
        Draw<PoissonVariate, long>(key, example, rate, rate, destination);

    /// <summary>
    /// Numbers of successes among so many trials of a probability; -1 where there are no such trials, or 2^53 and more.
    /// </summary>
    /// <remarks>W. Hoermann, The generation of binomial random variates (1993), algorithm BTRS.</remarks>
    public static void Binomial(
        ulong key, int example, ReadOnlySpan<double> trials, ReadOnlySpan<double> probability,
        Span<long> destination) =>
        Draw<BinomialVariate, long>(key, example, trials, probability, destination);

    private static void Draw<TVariate, T>(
        ulong key, int example, ReadOnlySpan<double> first, ReadOnlySpan<double> second, Span<T> destination)
        where TVariate : struct, IVariate<T>
        where T : unmanaged
    {
        if (first.Length != destination.Length || second.Length != destination.Length)
            throw new ArgumentException($"{first.Length} and {second.Length} parameters for {destination.Length} numbers.");
        if (destination.IsEmpty) return;
        fixed (double* a = first, b = second)
        fixed (T* y = destination)
        {
            nint pa = (nint)a, pb = (nint)b, py = (nint)y;
            Workers.ForRange(destination.Length, ElementsPerFork, (from, to) =>
                Draw<TVariate, T>(key, example, (double*)pa, (double*)pb, (T*)py, from, to));
        }
    }

    private static void Draw<TVariate, T>(
        ulong key, int example, double* first, double* second, T* destination, long from, long to)
        where TVariate : struct, IVariate<T>
        where T : unmanaged
    {
        ulong* words = stackalloc ulong[4 * Batch];
        for (long at = from; at < to;)
        {
            long index = at % example;
            int count = (int)Math.Min(Math.Min(Batch, to - at), example - index);
            Philox.Fill(Simd.Width, key, 0, (ulong)(2 * index), (uint*)words, 2 * count);
            for (int i = 0; i < count; i++)
            {
                Attempts attempts = new(key, (ulong)(2 * (index + i)), words + 4 * i);
                destination[at + i] = TVariate.Draw(first[at + i], second[at + i], ref attempts);
            }

            at += count;
        }
    }

    /// <summary>A distribution with up to two parameters.</summary>
    private interface IVariate<T>
    {
        static abstract T Draw(double first, double second, ref Attempts attempts);
    }

    /// <summary>The four uniform numbers of each attempt at one element.</summary>
    private ref struct Attempts(ulong key, ulong block, ulong* words)
    {
        private fixed ulong later[4];
        private ulong attempt;

        /// <summary>Number i of the attempt, in (0, 1).</summary>
        internal readonly double Uniform(int i) =>
            (((attempt == 0 ? words[i] : later[i]) >> 12) + 0.5) * (1.0 / (1L << 52));

        /// <summary>A standard normal number, from numbers 0 and 1 (Box and Muller).</summary>
        internal readonly double Normal() =>
            Math.Sqrt(-2 * Math.Log(Uniform(0))) * Math.Cos(2 * Math.PI * Uniform(1));

        internal void Next()
        {
            attempt++;
            fixed (ulong* target = later) Philox.Fill(0, key, attempt, block, (uint*)target, 2);
        }
    }

    private readonly struct LogGammaVariate : IVariate<double>
    {
        public static double Draw(double concentration, double _, ref Attempts attempts)
        {
            if (!(concentration >= 0)) return double.NaN;
            if (double.IsInfinity(concentration)) return concentration;
            // Below 1, a number of one more, times a power of a uniform one.
            double boost = concentration < 1 ? Math.Log(attempts.Uniform(3)) / concentration : 0;
            double d = (concentration < 1 ? concentration + 1 : concentration) - 1.0 / 3, c = 1 / Math.Sqrt(9 * d);
            for (; ; attempts.Next())
            {
                double x = attempts.Normal(), root = 1 + c * x;
                if (root <= 0) continue;
                double v = root * root * root, log = Math.Log(v);
                if (Math.Log(attempts.Uniform(2)) < 0.5 * x * x + d * (1 - v + log)) return Math.Log(d) + log + boost;
            }
        }
    }

    private readonly struct PoissonVariate : IVariate<long>
    {
        public static long Draw(double rate, double _, ref Attempts attempts)
        {
            if (!(rate >= 0 && rate <= 1L << 62)) return -1;
            if (rate < 10)
            {
                double u = attempts.Uniform(0), p = Math.Exp(-rate);
                long count = 0;
                // No sum of rounded probabilities reaches 1, so that the search needs an end of its own.
                while (u > p && count < 200)
                {
                    u -= p;
                    p *= rate / ++count;
                }

                return count;
            }

            double b = 0.931 + 2.53 * Math.Sqrt(rate), a = -0.059 + 0.02483 * b;
            double inverse = 1.1239 + 1.1328 / (b - 3.4), limit = 0.9277 - 3.6224 / (b - 2), log = Math.Log(rate);
            for (; ; attempts.Next())
            {
                double u = attempts.Uniform(0) - 0.5, v = attempts.Uniform(1), distance = 0.5 - Math.Abs(u);
                double k = Math.Floor((2 * a / distance + b) * u + rate + 0.43);
                if (distance >= 0.07 && v <= limit) return (long)k;
                if (k < 0 || (distance < 0.013 && v > distance)) continue;
                double logDensity = k * log - rate - GammaFunctions.LogGamma(k + 1);
                if (Math.Log(v * inverse / (a / (distance * distance) + b)) <= logDensity) return (long)k;
            }
        }
    }

    private readonly struct BinomialVariate : IVariate<long>
    {
        public static long Draw(double trials, double probability, ref Attempts attempts)
        {
            if (!(trials >= 0 && trials < 1L << 53 && trials == Math.Floor(trials))) return -1;
            if (!(probability >= 0 && probability <= 1)) return -1;
            return probability <= 0.5
                ? Successes(trials, probability, ref attempts)
                : (long)trials - Successes(trials, 1 - probability, ref attempts);
        }

        private static long Successes(double n, double p, ref Attempts attempts)
        {
            double q = 1 - p, odds = p / q;
            if (n * p < 10)
            {
                double u = attempts.Uniform(0), f = Math.Pow(q, n);
                long count = 0;
                while (u > f && count < n && count < 200)
                {
                    u -= f;
                    f *= (n - count) / (count + 1) * odds;
                    count++;
                }

                return count;
            }

            double spread = Math.Sqrt(n * p * q), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
            double centre = n * p + 0.5, limit = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
            double log = Math.Log(odds), mode = Math.Floor((n + 1) * p);
            double highest = GammaFunctions.LogGamma(mode + 1) + GammaFunctions.LogGamma(n - mode + 1);
            for (; ; attempts.Next())
            {
                double u = attempts.Uniform(0) - 0.5, v = attempts.Uniform(1), distance = 0.5 - Math.Abs(u);
                double k = Math.Floor((2 * a / distance + b) * u + centre);
                if (k < 0 || k > n) continue;
                if (distance >= 0.07 && v <= limit) return (long)k;
                double logRatio = highest - GammaFunctions.LogGamma(k + 1) - GammaFunctions.LogGamma(n - k + 1)
                    + (k - mode) * log;
                if (Math.Log(v * alpha / (a / (distance * distance) + b)) <= logRatio) return (long)k;
            }
        }
    }
}
