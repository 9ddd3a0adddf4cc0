using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>A vector of one element: scalar code.</summary>
internal readonly unsafe struct V1<T>(T value) : IVector<V1<T>, T>
    where T : unmanaged, INumber<T>
{
    private readonly T v = value;

    public static int Count => 1;

    internal T First => v;

    public static V1<T> Load(T* source) => new(*source);

    public static V1<T> LoadPart(T* source, int count) => new(*source);

    public static V1<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T) ? new(*(T*)source) : Of((double)*(float*)source);

    public static V1<T> LoadWidenedPart<S>(S* source, int count, T others)
        where S : unmanaged => LoadWidened(source);

    public void Store(T* target) => *target = v;

    public void StorePart(T* target, int count) => *target = v;

    public static V1<T> Splat(T value) => new(value);

    public static V1<T> Constant(double value) => typeof(T) == typeof(float) ? Of((float)value) : Of(value);

    public static V1<T> Bits(long value) =>
        sizeof(T) == 1 ? Of((byte)value)
        : sizeof(T) == 2 ? Of((short)value)
        : sizeof(T) == 4 ? Of((int)value)
        : Of(value);

    public static V1<T> FromIntegers(V1<T> bits) =>
        typeof(T) == typeof(float) ? Of((float)(int)bits.Integer) : Of((double)bits.Integer);

    public static V1<T> operator +(V1<T> x, V1<T> y) => new(unchecked(x.v + y.v));

    public static V1<T> operator -(V1<T> x, V1<T> y) => new(unchecked(x.v - y.v));

    public static V1<T> operator *(V1<T> x, V1<T> y) => new(unchecked(x.v * y.v));

    public static V1<T> operator /(V1<T> x, V1<T> y) => new(x.v / y.v);

    public static V1<T> operator -(V1<T> x) => new(unchecked(-x.v));

    public static V1<T> operator &(V1<T> x, V1<T> y) => Bits(x.Integer & y.Integer);

    public static V1<T> operator |(V1<T> x, V1<T> y) => Bits(x.Integer | y.Integer);

    public static V1<T> operator ^(V1<T> x, V1<T> y) => Bits(x.Integer ^ y.Integer);

    public static V1<T> Not(V1<T> x) => Bits(~x.Integer);

    public static V1<T> ShiftLeft(V1<T> x, int count) => Bits(x.Integer << count);

    public static V1<T> ShiftRight(V1<T> x, int count) => Bits(x.Integer >>> count);

    public static V1<T> Fma(V1<T> x, V1<T> y, V1<T> z) =>
        typeof(T) == typeof(float)
            ? Of(MathF.FusedMultiplyAdd(x.Single, y.Single, z.Single))
            : Of(Math.FusedMultiplyAdd(x.Double, y.Double, z.Double));

    public static V1<T> Max(V1<T> x, V1<T> y) => new(T.Max(x.v, y.v));

    public static V1<T> Min(V1<T> x, V1<T> y) => new(T.Min(x.v, y.v));

    public static V1<T> MaxNative(V1<T> x, V1<T> y) => x.v > y.v ? x : y;

    public static V1<T> Clamp(V1<T> x, V1<T> least, V1<T> greatest) =>
        x.v < least.v ? least : x.v > greatest.v ? greatest : x;

    public static V1<T> Abs(V1<T> x) => new(T.IsNegative(x.v) ? unchecked(-x.v) : x.v);

    public static V1<T> Sqrt(V1<T> x) =>
        typeof(T) == typeof(float) ? Of(MathF.Sqrt(x.Single)) : Of(Math.Sqrt(x.Double));

    public static V1<T> Round(V1<T> x) =>
        typeof(T) == typeof(float) ? Of(MathF.Round(x.Single)) : Of(Math.Round(x.Double));

    public static V1<T> Floor(V1<T> x) =>
        typeof(T) == typeof(float) ? Of(MathF.Floor(x.Single)) : Of(Math.Floor(x.Double));

    public static V1<T> Ceiling(V1<T> x) =>
        typeof(T) == typeof(float) ? Of(MathF.Ceiling(x.Single)) : Of(Math.Ceiling(x.Double));

    public static V1<T> Truncate(V1<T> x) =>
        typeof(T) == typeof(float) ? Of(MathF.Truncate(x.Single)) : Of(Math.Truncate(x.Double));

    public static V1<T> Equal(V1<T> x, V1<T> y) => Bits(x.v == y.v ? -1 : 0);

    public static V1<T> Less(V1<T> x, V1<T> y) => Bits(x.v < y.v ? -1 : 0);

    public static V1<T> LessOrEqual(V1<T> x, V1<T> y) => Bits(x.v <= y.v ? -1 : 0);

    public static V1<T> Select(V1<T> mask, V1<T> x, V1<T> y) => mask.Integer != 0 ? x : y;

    public static bool Any(V1<T> mask) => mask.Integer != 0;

    public static int FirstEqual(V1<T> x, V1<T> y) => x.v == y.v ? 0 : 1;

    public static V1<T> IfOvertaken(V1<T> low, V1<T> high, V1<T> best, V1<T> x, V1<T> y) =>
        !(low.v <= high.v) && !T.IsNaN(best.v) ? x : y;

    public static T Fold<TOp>(V1<T> x)
        where TOp : struct, IReducer<T> => x.v;

    public static void StoreTruth(V1<T> mask, byte* target) => *target = (byte)(mask.Integer & 1);

    public static V1<T> LoadTruth(byte* source) => Bits(*source != 0 ? -1 : 0);

    public static V1<T> LoadHalves(ushort* source) => Bits(*source);

    public void StoreHalves(ushort* target) => *target = (ushort)Integer;

    private float Single => Unsafe.BitCast<T, float>(v);

    private double Double => Unsafe.BitCast<T, double>(v);

    private long Integer =>
        sizeof(T) == 1 ? Unsafe.BitCast<T, byte>(v)
        : sizeof(T) == 2 ? Unsafe.BitCast<T, ushort>(v)
        : sizeof(T) == 4 ? Unsafe.BitCast<T, uint>(v)
        : Unsafe.BitCast<T, long>(v);

    private static V1<T> Of<S>(S value)
        where S : struct => new(Unsafe.BitCast<S, T>(value));
}

/// <summary>Conversions between mask bits and bytes.</summary>
internal static class Truth
{
    /// <summary>The lowest 8 bits, each in a byte of its own.</summary>
    internal static ulong Spread(uint bits)
    {
        // Bit i stays in byte i alone; the sum carries it, whichever it is, to the top of its byte.
        ulong apart = (byte)bits * 0x0101010101010101UL & 0x8040201008040201UL;
        return (apart + 0x7F7F7F7F7F7F7F7FUL) >> 7 & 0x0101010101010101UL;
    }

    internal static Vector128<uint> Widen(uint bytes) =>
        Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte()));
}
