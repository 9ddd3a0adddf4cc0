namespace Autodiff.Examples;

/// <summary>
/// The random numbers of NumPy's older interface, <c>np.random.seed(n)</c> and what follows, bit for bit: texts whose figures come
/// from such numbers are followed digit by digit. For everything else there is <see cref="Key"/>.
/// </summary>
/// <remarks>The numbers are those of the Mersenne twister MT19937 (Matsumoto and Nishimura 1998), started from one number of 32
/// bits.</remarks>
internal sealed class NumPyRandom
{
    private const int Length = 624, Middle = 397;
    private readonly uint[] state = new uint[Length];
    private int position = Length;
    private double? second;

    internal NumPyRandom(uint seed)
    {
        state[0] = seed;
        for (int i = 1; i < Length; i++) state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + (uint)i;
    }

    /// <summary>32 random bits.</summary>
    internal uint Bits()
    {
        if (position == Length) Twist();
        uint y = state[position++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680;
        y ^= (y << 15) & 0xefc60000;
        return y ^ (y >> 18);
    }

    /// <summary><c>rand()</c>: a number from 0 to, but without, 1, of 53 random bits.</summary>
    internal double Rand() => ((Bits() >> 5) * 67108864.0 + (Bits() >> 6)) / 9007199254740992.0;

    /// <summary><c>randn()</c>: a normal number by the polar method, which makes two at once and keeps one for the next
    /// call.</summary>
    internal double Randn()
    {
        if (second is { } kept)
        {
            second = null;
            return kept;
        }

        while (true)
        {
            double x = 2 * Rand() - 1, y = 2 * Rand() - 1, square = x * x + y * y;
            if (square is >= 1 or 0) continue;
            double factor = Math.Sqrt(-2 * Math.Log(square) / square);
            second = factor * x;
            return factor * y;
        }
    }

    /// <summary><c>rand(...)</c>: a float64 tensor of such numbers, row by row.</summary>
    internal Tensor Rand(params int[] shape) => Filled(shape, Rand);

    /// <summary><c>randn(...)</c>: a float64 tensor of such numbers, row by row.</summary>
    internal Tensor Randn(params int[] shape) => Filled(shape, Randn);

    /// <summary><c>binomial(1, share, ...)</c>: a float64 tensor of ones, in about the given share of places, and zeros.</summary>
    internal Tensor Binomial(double share, params int[] shape) =>
        Filled(shape, () => share > 0.5 ? (Rand() > share ? 0 : 1) : Rand() > 1 - share ? 1 : 0);

    /// <summary><c>permutation(n)</c>: the numbers 0 to n - 1 in random order.</summary>
    internal int[] Permutation(int n)
    {
        int[] numbers = [.. Enumerable.Range(0, n)];
        Shuffle(numbers);
        return numbers;
    }

    /// <summary><c>shuffle(x)</c>: exchanges each element, from the last to the second, with one up to its own place.</summary>
    internal void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = UpTo(i);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>A whole number from 0 to one included: of as many bits as that one has, drawn until it is not above it.</summary>
    private int UpTo(int most)
    {
        uint mask = uint.MaxValue >> System.Numerics.BitOperations.LeadingZeroCount((uint)most);
        while (true)
        {
            uint number = Bits() & mask;
            if (number <= most) return (int)number;
        }
    }

    private void Twist()
    {
        for (int i = 0; i < Length; i++)
        {
            uint y = (state[i] & 0x80000000) | (state[(i + 1) % Length] & 0x7fffffff);
            state[i] = state[(i + Middle) % Length] ^ (y >> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
        }

        position = 0;
    }

    private static Tensor Filled(int[] shape, Func<double> next)
    {
        double[] numbers = new double[shape.Aggregate(1, (product, length) => product * length)];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = next();
        return Tensor.From(numbers, shape);
    }
}
