using System.Globalization;
using Autodiff.Kernels;

namespace Autodiff;

/// <summary>
/// A number of the format bfloat16: the upper 16 bits of a float32, with 8 significant bits and the range of float32.
/// Converted as <see cref="Half"/> is: explicitly, rounding once, to the even number at ties.
/// </summary>
public readonly struct BFloat16 : IEquatable<BFloat16>, IComparable<BFloat16>, IFormattable
{
    private readonly ushort bits;

    private BFloat16(ushort bits) => this.bits = bits;

    /// <summary>The largest finite number, (2 - 2^-7) 2^127.</summary>
    public static BFloat16 MaxValue => new(0x7F7F);

    /// <summary>The number with the given bits.</summary>
    public static BFloat16 FromBits(ushort bits) => new(bits);

    /// <summary>The bits: sign, 8 of exponent, 7 of mantissa.</summary>
    public ushort Bits => bits;

    /// <summary>The same number in single precision, which holds all of them.</summary>
    public static explicit operator float(BFloat16 x) => BitConverter.UInt32BitsToSingle((uint)x.bits << 16);

    /// <summary>The same number in double precision, which holds all of them.</summary>
    public static explicit operator double(BFloat16 x) => (float)x;

    /// <summary>The nearest bfloat16, the even one at a tie; NaN stays NaN.</summary>
    public static explicit operator BFloat16(float x) =>
        new((ushort)BFloat16Format.Narrow<V1<int>, V1<float>>(new(x)).First);

    /// <summary>The nearest bfloat16, rounded once, the even one at a tie; NaN stays NaN.</summary>
    public static explicit operator BFloat16(double x) => (BFloat16)RoundToOdd.Single(x);

    /// <summary>Equality of numbers: zeros of both signs are equal, and NaN is not equal to itself.</summary>
    public static bool operator ==(BFloat16 x, BFloat16 y) => (float)x == (float)y;

    /// <summary>The opposite of equality.</summary>
    public static bool operator !=(BFloat16 x, BFloat16 y) => (float)x != (float)y;

    /// <inheritdoc/>
    public bool Equals(BFloat16 other) => ((float)this).Equals((float)other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BFloat16 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ((float)this).GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(BFloat16 other) => ((float)this).CompareTo((float)other);

    /// <summary>The shortest decimal number that rounds to this one.</summary>
    public override string ToString() => ToString(null, CultureInfo.CurrentCulture);

    /// <summary>The number in a format; without one the shortest decimal number that rounds to this one.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        float value = (float)this;
        if (!string.IsNullOrEmpty(format) && format is not ("R" or "r")) return value.ToString(format, formatProvider);

        // Four digits tell any two numbers of 8 significant bits apart.
        for (int digits = 1; digits < 4; digits++)
        {
            string text = value.ToString("G" + digits, CultureInfo.InvariantCulture);
            float rounded = float.Parse(text, CultureInfo.InvariantCulture);
            if (((BFloat16)rounded).Equals(this)) return rounded.ToString(formatProvider);
        }

        return float.Parse(value.ToString("G4", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)
            .ToString(formatProvider);
    }
}
