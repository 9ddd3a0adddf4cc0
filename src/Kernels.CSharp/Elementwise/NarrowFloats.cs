using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// A floating-point format of 16 bits: how its bits become float32 and how float32 is rounded to it. The bits are the
/// lower halves of 32-bit integers.
/// </summary>
internal interface INarrowFormat
{
    /// <summary>The numbers with the given bits, exactly; NaN keeps its payload.</summary>
    static abstract VF Widen<VI, VF>(VI bits)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float>;

    /// <summary>The bits of the nearest numbers, the even ones at ties; NaN stays NaN, with the upper part of its payload.</summary>
    static abstract VI Narrow<VI, VF>(VF x)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float>;
}

/// <summary>IEEE 754 half precision: 5 bits of exponent, 10 of mantissa.</summary>
internal readonly struct Float16Format : INarrowFormat
{
    // The exponent of float32 is biased by 127, that of float16 by 15.
    private const int Rebias = 112 << 23;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VF Widen<VI, VF>(VI bits)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float>
    {
        VI magnitude = bits & VI.Bits(0x7FFF);
        VI number = VI.ShiftLeft(magnitude, 13) + VI.Bits(Rebias);

        // The largest exponent is that of infinity and NaN in both formats.
        number |= VI.Less(VI.Bits(0x7BFF), magnitude) & VI.Bits(0x7F800000);

        // Below the normal numbers the bits count 2^-24, which is the last place of numbers from 0.5 on.
        VF tiny = Unsafe.BitCast<VI, VF>(magnitude | VI.Bits(0x3F000000)) - VF.Constant(0.5);
        number = VI.Select(VI.Less(magnitude, VI.Bits(0x400)), Unsafe.BitCast<VF, VI>(tiny), number);
        return Unsafe.BitCast<VI, VF>(number | VI.ShiftLeft(bits & VI.Bits(0x8000), 16));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VI Narrow<VI, VF>(VF x)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float>
    {
        VI bits = Unsafe.BitCast<VF, VI>(x);
        VI magnitude = bits & VI.Bits(0x7FFFFFFF);

        // From 2^16 on everything is infinite, as 2^16 is.
        VI bounded = VI.Min(magnitude, VI.Bits(0x47800000));

        // Adding 2^13 times the power of two below a number rounds it to 11 significant bits, which then are the lowest of the
        // sum; below the normal numbers of float16 the power stays 2^-14, so that the bits count 2^-24.
        VI power = VI.Max(bounded & VI.Bits(0x7F800000), VI.Bits(113 << 23));
        VF sum = Unsafe.BitCast<VI, VF>(bounded) + Unsafe.BitCast<VI, VF>(power + VI.Bits(13 << 23));

        // The leading bit of a normal number counts one of the exponent.
        VI number = VI.ShiftRight(power - VI.Bits(113 << 23), 13) + (Unsafe.BitCast<VF, VI>(sum) & VI.Bits(0xFFF));
        VI nan = VI.ShiftRight(bits, 13) & VI.Bits(0x3FF) | VI.Bits(0x7E00);
        number = VI.Select(VI.Less(VI.Bits(0x7F800000), magnitude), nan, number);
        return number | VI.ShiftRight(bits, 16) & VI.Bits(0x8000);
    }
}

/// <summary>The upper half of a float32.</summary>
internal readonly struct BFloat16Format : INarrowFormat
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VF Widen<VI, VF>(VI bits)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float> => Unsafe.BitCast<VI, VF>(VI.ShiftLeft(bits, 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static VI Narrow<VI, VF>(VF x)
        where VI : unmanaged, IVector<VI, int>
        where VF : unmanaged, IVector<VF, float>
    {
        VI bits = Unsafe.BitCast<VF, VI>(x);
        VI upper = VI.ShiftRight(bits, 16);
        VI rounded = VI.ShiftRight(bits + VI.Bits(0x7FFF) + (upper & VI.Bits(1)), 16);
        VI isNumber = VI.Less(bits & VI.Bits(0x7FFFFFFF), VI.Bits(0x7F800001));
        return VI.Select(isNumber, rounded, upper | VI.Bits(0x40));
    }
}

/// <summary>
/// Rounding in which an inexact result is the neighbour with an odd last bit: rounding that to a format with two bits less,
/// or fewer, to nearest gives what rounding the exact number does.
/// </summary>
internal static class RoundToOdd
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Single(double x)
    {
        float nearest = (float)x;
        if (nearest == x || double.IsNaN(x)) return nearest;
        int bits = BitConverter.SingleToInt32Bits(nearest);
        if (Math.Abs((double)nearest) > Math.Abs(x)) bits--;
        return BitConverter.Int32BitsToSingle(bits | 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Single(long x)
    {
        // A double holds 53 bits; of longer numbers the rest goes into the last of these.
        const long Rest = (1 << 11) - 1;
        bool isLong = x > 1L << 53 || x < -(1L << 53);
        return Single((double)(isLong && (x & Rest) != 0 ? x & ~Rest | (Rest + 1) : x));
    }
}

/// <summary>The loops from a format of 16 bits to float32.</summary>
internal static unsafe class WidenRow<TFormat, VI, VF>
    where TFormat : struct, INarrowFormat
    where VI : unmanaged, IVector<VI, int>
    where VF : unmanaged, IVector<VF, float>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        ushort* x = (ushort*)a;
        float* r = (float*)result;
        if (strideA == 0)
        {
            new Span<float>(r, (int)count).Fill(TFormat.Widen<V1<int>, V1<float>>(V1<int>.Bits(*x)).First);
            return;
        }

        for (; count >= VI.Count; count -= VI.Count, x += VI.Count, r += VI.Count)
            TFormat.Widen<VI, VF>(VI.LoadHalves(x)).Store(r);
        if (count == 0) return;
        ushort* part = stackalloc ushort[VI.Count];
        Unsafe.CopyBlockUnaligned(part, x, (uint)count * sizeof(ushort));
        TFormat.Widen<VI, VF>(VI.LoadHalves(part)).StorePart(r, (int)count);
    }
}

/// <summary>The loops from float32 to a format of 16 bits.</summary>
internal static unsafe class NarrowRow<TFormat, VI, VF>
    where TFormat : struct, INarrowFormat
    where VI : unmanaged, IVector<VI, int>
    where VF : unmanaged, IVector<VF, float>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        float* x = (float*)a;
        ushort* r = (ushort*)result;
        if (strideA == 0)
        {
            new Span<ushort>(r, (int)count).Fill((ushort)TFormat.Narrow<V1<int>, V1<float>>(new(*x)).First);
            return;
        }

        for (; count >= VI.Count; count -= VI.Count, x += VI.Count, r += VI.Count)
            TFormat.Narrow<VI, VF>(VF.Load(x)).StoreHalves(r);
        if (count == 0) return;
        ushort* part = stackalloc ushort[VI.Count];
        TFormat.Narrow<VI, VF>(VF.LoadPart(x, (int)count)).StoreHalves(part);
        Unsafe.CopyBlockUnaligned(r, part, (uint)count * sizeof(ushort));
    }
}

/// <summary>The loops from wider numbers to float32 by rounding to odd.</summary>
internal static unsafe class OddRow<T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a;
        float* r = (float*)result;
        for (nint i = 0; i < count; i++, x += strideA)
        {
            r[i] = typeof(T) == typeof(double) ? RoundToOdd.Single(*(double*)x)
                : typeof(T) == typeof(long) ? RoundToOdd.Single(*(long*)x)
                : RoundToOdd.Single((double)*(int*)x);
        }
    }
}
