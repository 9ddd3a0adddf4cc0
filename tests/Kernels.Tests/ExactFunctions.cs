using System.Numerics;

namespace Kernels.Tests;

/// <summary>Elementary functions of doubles by series in fixed point, far beyond the precision of a double.</summary>
internal static class ExactFunctions
{
    private const int Bits = 400;

    private static readonly BigInteger One = BigInteger.One << Bits;
    private static readonly BigInteger Log2 = 2 * ArTanh(One / 3);

    // Machin's formula.
    private static readonly BigInteger Pi = 4 * (4 * ArcTanOfInverse(5) - ArcTanOfInverse(239));

    /// <summary>How far a double is from the function's value, in units in the last place of that value.</summary>
    internal static double Error(string name, double x, double actual)
    {
        BigInteger exact = Function(name, x), size = BigInteger.Abs(exact);
        if (size.IsZero) return actual == 0 ? 0 : double.PositiveInfinity;
        BigInteger difference = BigInteger.Abs(Fixed(actual) - exact);

        // A double has 53 bits.
        int shift = (int)size.GetBitLength() - 53;
        if (shift < 20) throw new ArgumentOutOfRangeException(nameof(x), x, "Too small for the fixed point.");
        return (double)(difference >> (shift - 20)) / (1 << 20);
    }

    private static BigInteger Function(string name, double argument)
    {
        BigInteger x = Fixed(argument);
        switch (name)
        {
            case "exp": return Exp(x);
            case "expm1": return Exp(x) - One;
            case "log": return Log(x);
            case "log1p": return Log(One + x);
            case "sin": return Sin(x);
            case "cos": return Sin(x + Pi / 2);
            case "sigmoid": return Divide(One, One + Exp(-x));
            case "softplus": return Log(One + Exp(x));
            case "tanh":
                BigInteger t = Exp(2 * x);
                return Divide(t - One, t + One);
            default:
                return Erf(x);
        }
    }

    private static BigInteger Fixed(double x)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)(bits >>> 52 & 0x7FF);
        BigInteger mantissa = bits & 0xFFFFFFFFFFFFF | (exponent == 0 ? 0 : 1L << 52);
        int shift = Math.Max(exponent, 1) - 1075 + Bits;
        BigInteger size = shift >= 0 ? mantissa << shift : mantissa >> -shift;
        return x < 0 ? -size : size;
    }

    private static BigInteger Multiply(BigInteger x, BigInteger y) => x * y >> Bits;

    private static BigInteger Divide(BigInteger x, BigInteger y) => (x << Bits) / y;

    private static BigInteger Exp(BigInteger x)
    {
        BigInteger n = Round(Divide(x, Log2)), r = x - n * Log2;
        BigInteger term = One, sum = One;
        for (int i = 1; !BigInteger.Abs(term).IsOne && !term.IsZero; i++) sum += term = Multiply(term, r) / i;
        return n.Sign >= 0 ? sum << (int)n : sum >> (int)-n;
    }

    private static BigInteger Round(BigInteger x) => x + (One >> 1) >> Bits;

    private static BigInteger Log(BigInteger x)
    {
        // Powers of 2 bring x near to 1.
        int power = (int)x.GetBitLength() - Bits;
        BigInteger m = power >= 0 ? x >> power : x << -power;
        if (3 * m < 2 * One)
        {
            m <<= 1;
            power--;
        }

        return 2 * ArTanh(Divide(m - One, m + One)) + power * Log2;
    }

    private static BigInteger ArTanh(BigInteger x)
    {
        BigInteger square = Multiply(x, x), power = x, sum = x;
        for (int i = 3; BigInteger.Abs(power) > 1; i += 2) sum += (power = Multiply(power, square)) / i;
        return sum;
    }

    private static BigInteger ArcTanOfInverse(int x)
    {
        BigInteger power = One / x, sum = power;
        for (int i = 3, sign = -1; !power.IsZero; i += 2, sign = -sign) sum += sign * (power /= x * x) / i;
        return sum;
    }

    private static BigInteger Sin(BigInteger x)
    {
        BigInteger n = Round(Divide(x, Pi)), r = x - n * Pi, square = Multiply(r, r), term = r, sum = r;
        for (int i = 2; BigInteger.Abs(term) > 1; i += 2) sum += term = -Multiply(term, square) / (i * (i + 1));
        return n.IsEven ? sum : -sum;
    }

    private static BigInteger Erf(BigInteger x)
    {
        BigInteger square = Multiply(x, x), term = x, sum = x;
        for (int n = 1; BigInteger.Abs(term) > 1; n++)
        {
            term = -Multiply(term, square) / n;
            sum += term / (2 * n + 1);
        }

        return Divide(2 * sum, Sqrt(Pi));
    }

    private static BigInteger Sqrt(BigInteger x)
    {
        BigInteger root = One * 2, target = x << Bits;
        for (BigInteger next; ; root = next)
        {
            next = root + target / root >> 1;
            if (BigInteger.Abs(next - root) <= 1) return next;
        }
    }
}
