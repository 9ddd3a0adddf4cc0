using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>A vector of 512 bits.</summary>
internal readonly unsafe struct V512<T>(Vector512<T> value) : IVector<V512<T>, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector512<T> v = value;

    public static int Count => Vector512<T>.Count;

    [MethodImpl(Inline)]
    public static V512<T> Load(T* source) => new(Vector512.Load(source));

    [MethodImpl(Inline)]
    public void Store(T* target) => v.Store(target);

    [MethodImpl(Inline)]
    public static V512<T> LoadPart(T* source, int count)
    {
        Vector512<T> mask = Mask(count);
        if (sizeof(T) == 1)
            return Of(Avx512BW.MaskLoad((byte*)source, mask.AsByte(), Vector512<byte>.Zero));
        if (sizeof(T) == 2)
            return Of(Avx512BW.MaskLoad((short*)source, mask.AsInt16(), Vector512<short>.Zero));
        return sizeof(T) == 4
            ? Of(Avx512F.MaskLoad((int*)source, mask.AsInt32(), Vector512<int>.Zero))
            : Of(Avx512F.MaskLoad((long*)source, mask.AsInt64(), Vector512<long>.Zero));
    }

    [MethodImpl(Inline)]
    public void StorePart(T* target, int count)
    {
        Vector512<T> mask = Mask(count);
        if (sizeof(T) == 1) Avx512BW.MaskStore((byte*)target, mask.AsByte(), v.AsByte());
        else if (sizeof(T) == 2) Avx512BW.MaskStore((short*)target, mask.AsInt16(), v.AsInt16());
        else if (sizeof(T) == 4) Avx512F.MaskStore((int*)target, mask.AsInt32(), v.AsInt32());
        else Avx512F.MaskStore((long*)target, mask.AsInt64(), v.AsInt64());
    }

    [MethodImpl(Inline)]
    public static V512<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T)
            ? new(Vector512.Load((T*)source))
            : Of(Avx512F.ConvertToVector512Double(Vector256.Load((float*)source)));

    [MethodImpl(Inline)]
    public static V512<T> LoadWidenedPart<S>(S* source, int count, T others)
        where S : unmanaged
    {
        Vector512<T> part = typeof(S) == typeof(T)
            ? LoadPart((T*)source, count).v
            : Avx512F.ConvertToVector512Double(V256<float>.LoadPart((float*)source, count).Value).As<double, T>();
        return new(Vector512.ConditionalSelect(Mask(count), part, Vector512.Create(others)));
    }

    [MethodImpl(Inline)]
    public static V512<T> Splat(T value) => new(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static V512<T> Constant(double value) =>
        typeof(T) == typeof(float) ? Of(Vector512.Create((float)value)) : Of(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static V512<T> Bits(long value) =>
        sizeof(T) == 4 ? Of(Vector512.Create((int)value)) : Of(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static V512<T> FromIntegers(V512<T> bits) =>
        typeof(T) == typeof(float)
            ? Of(Vector512.ConvertToSingle(bits.v.AsInt32()))
            : Of(Vector512.ConvertToDouble(bits.v.AsInt64()));

    [MethodImpl(Inline)]
    public static V512<T> operator +(V512<T> x, V512<T> y) => new(x.v + y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator -(V512<T> x, V512<T> y) => new(x.v - y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator *(V512<T> x, V512<T> y) => new(x.v * y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator /(V512<T> x, V512<T> y) => new(x.v / y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator -(V512<T> x) => new(-x.v);

    [MethodImpl(Inline)]
    public static V512<T> operator &(V512<T> x, V512<T> y) => new(x.v & y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator |(V512<T> x, V512<T> y) => new(x.v | y.v);

    [MethodImpl(Inline)]
    public static V512<T> operator ^(V512<T> x, V512<T> y) => new(x.v ^ y.v);

    [MethodImpl(Inline)]
    public static V512<T> Not(V512<T> x) => new(~x.v);

    [MethodImpl(Inline)]
    public static V512<T> ShiftLeft(V512<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() << count) : Of(x.v.AsInt64() << count);

    [MethodImpl(Inline)]
    public static V512<T> ShiftRight(V512<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() >>> count) : Of(x.v.AsInt64() >>> count);

    [MethodImpl(Inline)]
    public static V512<T> Fma(V512<T> x, V512<T> y, V512<T> z) =>
        typeof(T) == typeof(float)
            ? Of(Vector512.FusedMultiplyAdd(x.v.AsSingle(), y.v.AsSingle(), z.v.AsSingle()))
            : Of(Vector512.FusedMultiplyAdd(x.v.AsDouble(), y.v.AsDouble(), z.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Max(V512<T> x, V512<T> y) => new(Vector512.Max(x.v, y.v));

    [MethodImpl(Inline)]
    public static V512<T> Min(V512<T> x, V512<T> y) => new(Vector512.Min(x.v, y.v));

    [MethodImpl(Inline)]
    public static V512<T> MaxNative(V512<T> x, V512<T> y) => new(Vector512.MaxNative(x.v, y.v));

    // The native forms give their second operand if one is NaN, or NaN.
    [MethodImpl(Inline)]
    public static V512<T> Clamp(V512<T> x, V512<T> least, V512<T> greatest) =>
        new(Vector512.MinNative(greatest.v, Vector512.MaxNative(least.v, x.v)));

    [MethodImpl(Inline)]
    public static V512<T> Abs(V512<T> x) => new(Vector512.Abs(x.v));

    [MethodImpl(Inline)]
    public static V512<T> Sqrt(V512<T> x) => new(Vector512.Sqrt(x.v));

    [MethodImpl(Inline)]
    public static V512<T> Round(V512<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector512.Round(x.v.AsSingle())) : Of(Vector512.Round(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Floor(V512<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector512.Floor(x.v.AsSingle())) : Of(Vector512.Floor(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Ceiling(V512<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector512.Ceiling(x.v.AsSingle())) : Of(Vector512.Ceiling(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Truncate(V512<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector512.Truncate(x.v.AsSingle())) : Of(Vector512.Truncate(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Equal(V512<T> x, V512<T> y) => new(Vector512.Equals(x.v, y.v));

    [MethodImpl(Inline)]
    public static V512<T> Less(V512<T> x, V512<T> y) => new(Vector512.LessThan(x.v, y.v));

    [MethodImpl(Inline)]
    public static V512<T> LessOrEqual(V512<T> x, V512<T> y) => new(Vector512.LessThanOrEqual(x.v, y.v));

    [MethodImpl(Inline)]
    public static V512<T> Select(V512<T> mask, V512<T> x, V512<T> y) =>
        new(Vector512.ConditionalSelect(mask.v, x.v, y.v));

    [MethodImpl(Inline)]
    public static bool Any(V512<T> mask) => mask.v.ExtractMostSignificantBits() != 0;

    [MethodImpl(Inline)]
    public static int FirstEqual(V512<T> x, V512<T> y)
    {
        ulong lanes = Vector512.Equals(x.v, y.v).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(Inline)]
    public static V512<T> IfOvertaken(V512<T> low, V512<T> high, V512<T> best, V512<T> x, V512<T> y) =>
        new(Vector512.ConditionalSelect(
            Vector512.AndNot(Vector512.Equals(best.v, best.v), Vector512.LessThanOrEqual(low.v, high.v)), x.v, y.v));

    [MethodImpl(Inline)]
    public static T Fold<TOp>(V512<T> x)
        where TOp : struct, IReducer<T> =>
        V256<T>.Fold<TOp>(TOp.Combine<V256<T>>(new(x.v.GetLower()), new(x.v.GetUpper())));

    [MethodImpl(Inline)]
    public static void StoreTruth(V512<T> mask, byte* target)
    {
        if (sizeof(T) == 1) (mask.v.AsByte() & Vector512<byte>.One).Store(target);
        else if (sizeof(T) == 2)
            (Avx512BW.ConvertToVector256Byte(mask.v.AsUInt16()) & Vector256<byte>.One).Store(target);
        else if (sizeof(T) == 4)
            (Avx512F.ConvertToVector128Byte(mask.v.AsUInt32()) & Vector128<byte>.One).Store(target);
        else
            *(ulong*)target = (Avx512F.ConvertToVector128Byte(mask.v.AsUInt64()) & Vector128<byte>.One).AsUInt64()[0];
    }

    [MethodImpl(Inline)]
    public static V512<T> LoadTruth(byte* source)
    {
        if (sizeof(T) == 1) return Of(~Vector512.Equals(Vector512.Load(source), Vector512<byte>.Zero));
        if (sizeof(T) == 2)
        {
            return Of(~Vector512.Equals(
                Avx512BW.ConvertToVector512Int16(Vector256.Load(source)), Vector512<short>.Zero));
        }

        return sizeof(T) == 4
            ? Of(~Vector512.Equals(Avx512F.ConvertToVector512Int32(Vector128.Load(source)), Vector512<int>.Zero))
            : Of(~Vector512.Equals(
                Avx512F.ConvertToVector512Int64(Vector128.CreateScalarUnsafe(*(ulong*)source).AsByte()),
                Vector512<long>.Zero));
    }

    [MethodImpl(Inline)]
    public static V512<T> Scale(V512<T> x, V512<T> n) =>
        typeof(T) == typeof(float)
            ? Of(Avx512F.Scale(x.v.AsSingle(), n.v.AsSingle()))
            : Of(Avx512F.Scale(x.v.AsDouble(), n.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V512<T> Split(V512<T> x, out V512<T> exponent)
    {
        if (typeof(T) == typeof(float))
        {
            exponent = Of(Avx512F.GetExponent(x.v.AsSingle()));
            return Of(Avx512F.GetMantissa(x.v.AsSingle(), 0));
        }

        exponent = Of(Avx512F.GetExponent(x.v.AsDouble()));
        return Of(Avx512F.GetMantissa(x.v.AsDouble(), 0));
    }

    [MethodImpl(Inline)]
    public static V512<T> LoadHalves(ushort* source) => Of(Avx512F.ConvertToVector512Int32(Vector256.Load(source)));

    [MethodImpl(Inline)]
    public void StoreHalves(ushort* target) => Avx512F.ConvertToVector256UInt16(v.AsUInt32()).Store(target);

    // Not wrapped: .NET's compiler keeps a mask in a mask register only where it sees the comparison.
    [MethodImpl(Inline)]
    private static Vector512<T> Mask(int count) =>
        sizeof(T) == 4 ? Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).As<int, T>()
        : sizeof(T) == 8 ? Vector512.LessThan(Vector512<long>.Indices, Vector512.Create((long)count)).As<long, T>()
        : Vector512.LessThan(Vector512<T>.Indices, Vector512.Create(T.CreateTruncating(count)));

    [MethodImpl(Inline)]
    private static V512<T> Of<S>(Vector512<S> value) => new(value.As<S, T>());
}
