using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// A vector of elements of type <typeparamref name="T"/>, of any width, so that each kernel is written once. A
/// comparison gives a mask, elements with all bits set or none.
/// </summary>
internal unsafe interface IVector<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, INumber<T>
{
    static abstract int Count { get; }

    static abstract V Load(T* source);

    /// <summary>The first <paramref name="count"/> elements, fewer than a vector has; the others are 0.</summary>
    static abstract V LoadPart(T* source, int count);

    /// <summary>Elements of the same type, or floats where this holds doubles.</summary>
    static abstract V LoadWidened<S>(S* source)
        where S : unmanaged;

    /// <summary>The first <paramref name="count"/> of them, and another value in place of the others.</summary>
    static abstract V LoadWidenedPart<S>(S* source, int count, T others)
        where S : unmanaged;

    void Store(T* target);

    void StorePart(T* target, int count);

    static abstract V Splat(T value);

    /// <summary>A constant of a floating-point type.</summary>
    static abstract V Constant(double value);

    /// <summary>The elements with the bits of an integer.</summary>
    static abstract V Bits(long value);

    /// <summary>The bits of floats or doubles, taken as signed integers, converted to numbers.</summary>
    static abstract V FromIntegers(V bits);

    static abstract V operator +(V x, V y);

    static abstract V operator -(V x, V y);

    static abstract V operator *(V x, V y);

    static abstract V operator /(V x, V y);

    static abstract V operator -(V x);

    static abstract V operator &(V x, V y);

    static abstract V operator |(V x, V y);

    static abstract V operator ^(V x, V y);

    static abstract V Not(V x);

    static abstract V ShiftLeft(V x, int count);

    /// <summary>The bits shifted to the right, with zeros from the left.</summary>
    static abstract V ShiftRight(V x, int count);

    /// <summary>x y + z, rounded once.</summary>
    static abstract V Fma(V x, V y, V z);

    /// <summary>The greater; NaN if either is.</summary>
    static abstract V Max(V x, V y);

    /// <summary>The lesser; NaN if either is.</summary>
    static abstract V Min(V x, V y);

    /// <summary>Where x &gt; y, x, and elsewhere y; a NaN in y stays, one in x may.</summary>
    static abstract V MaxNative(V x, V y);

    /// <summary>The nearest to x in a range; NaN stays NaN.</summary>
    static abstract V Clamp(V x, V least, V greatest);

    static abstract V Abs(V x);

    static abstract V Sqrt(V x);

    static abstract V Round(V x);

    static abstract V Floor(V x);

    static abstract V Ceiling(V x);

    static abstract V Truncate(V x);

    static abstract V Equal(V x, V y);

    static abstract V Less(V x, V y);

    static abstract V LessOrEqual(V x, V y);

    static abstract V Select(V mask, V x, V y);

    static abstract bool Any(V mask);

    /// <summary>The number of the first element where both are equal; <see cref="Count"/> if there is none.</summary>
    static abstract int FirstEqual(V x, V y);

    /// <summary>Where neither low &lt;= high holds nor best is NaN, x, and elsewhere y.</summary>
    static abstract V IfOvertaken(V low, V high, V best, V x, V y);

    /// <summary>Combines all elements to one.</summary>
    static abstract T Fold<TOp>(V x)
        where TOp : struct, IReducer<T>;

    /// <summary>Writes a mask as bytes 0 and 1.</summary>
    static abstract void StoreTruth(V mask, byte* target);

    /// <summary>Reads bytes as a mask of those that are not 0.</summary>
    static abstract V LoadTruth(byte* source);

    /// <summary>Integers of 16 bits, widened by zeros to elements of 32.</summary>
    static abstract V LoadHalves(ushort* source);

    /// <summary>Writes the lower 16 bits of elements of 32.</summary>
    void StoreHalves(ushort* target);

    /// <summary>x 2^n rounded once, for integers n, and x neither tiny nor huge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual V Scale(V x, V n)
    {
        V half = V.Round(n * V.Constant(0.5));
        return x * PowerOfTwo(half) * PowerOfTwo(n - half);
    }

    /// <summary>Splits a positive, finite x into a mantissa in 1 to 2 and a power of 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static virtual V Split(V x, out V exponent)
    {
        if (typeof(T) == typeof(float))
        {
            V tiny = V.Less(x, V.Constant(1.17549435e-38));
            x = V.Select(tiny, x * V.Constant(1 << 24), x);
            // The biased exponent becomes the low bits of a float of exponent 23.
            exponent = (V.ShiftRight(x, 23) | V.Constant(8388608)) -
                V.Select(tiny, V.Constant(8388608 + 127 + 24), V.Constant(8388608 + 127));
            return x & V.Bits(0x007FFFFF) | V.Constant(1);
        }
        else
        {
            V tiny = V.Less(x, V.Constant(2.2250738585072014e-308));
            x = V.Select(tiny, x * V.Constant(1L << 54), x);
            exponent = (V.ShiftRight(x, 52) | V.Constant(1L << 52)) -
                V.Select(tiny, V.Constant((1L << 52) + 1023 + 54), V.Constant((1L << 52) + 1023));
            return x & V.Bits(0x000FFFFFFFFFFFFF) | V.Constant(1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo(V n) =>
        // Adding 1.5 2^23 leaves the integer in the low bits; the shift makes it the exponent.
        typeof(T) == typeof(float)
            ? V.ShiftLeft(n + V.Constant(12582912 + 127), 23)
            : V.ShiftLeft(n + V.Constant(6755399441055744 + 1023), 52);
}
