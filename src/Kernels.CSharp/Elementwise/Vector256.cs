using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>A vector of 256 bits.</summary>
internal readonly unsafe struct V256<T>(Vector256<T> value) : IVector<V256<T>, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector256<T> v = value;

    public static int Count => Vector256<T>.Count;

    [MethodImpl(Inline)]
    public static V256<T> Load(T* source) => new(Vector256.Load(source));

    [MethodImpl(Inline)]
    public void Store(T* target) => v.Store(target);

    [MethodImpl(Inline)]
    public static V256<T> LoadPart(T* source, int count)
    {
        Vector256<T> buffer = default;
        Unsafe.CopyBlockUnaligned(&buffer, source, (uint)(count * sizeof(T)));
        return new(buffer);
    }

    [MethodImpl(Inline)]
    public void StorePart(T* target, int count)
    {
        Vector256<T> buffer = v;
        Unsafe.CopyBlockUnaligned(target, &buffer, (uint)(count * sizeof(T)));
    }

    [MethodImpl(Inline)]
    public static V256<T> Splat(T value) => new(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static V256<T> Constant(double value) =>
        typeof(T) == typeof(float) ? Of(Vector256.Create((float)value)) : Of(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static V256<T> Bits(long value) =>
        sizeof(T) == 4 ? Of(Vector256.Create((int)value)) : Of(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static V256<T> operator +(V256<T> x, V256<T> y) => new(x.v + y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator -(V256<T> x, V256<T> y) => new(x.v - y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator *(V256<T> x, V256<T> y) => new(x.v * y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator /(V256<T> x, V256<T> y) => new(x.v / y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator -(V256<T> x) => new(-x.v);

    [MethodImpl(Inline)]
    public static V256<T> operator &(V256<T> x, V256<T> y) => new(x.v & y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator |(V256<T> x, V256<T> y) => new(x.v | y.v);

    [MethodImpl(Inline)]
    public static V256<T> operator ^(V256<T> x, V256<T> y) => new(x.v ^ y.v);

    [MethodImpl(Inline)]
    public static V256<T> Not(V256<T> x) => new(~x.v);

    [MethodImpl(Inline)]
    public static V256<T> ShiftLeft(V256<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() << count) : Of(x.v.AsInt64() << count);

    [MethodImpl(Inline)]
    public static V256<T> ShiftRight(V256<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() >>> count) : Of(x.v.AsInt64() >>> count);

    [MethodImpl(Inline)]
    public static V256<T> Fma(V256<T> x, V256<T> y, V256<T> z) =>
        typeof(T) == typeof(float)
            ? Of(Vector256.FusedMultiplyAdd(x.v.AsSingle(), y.v.AsSingle(), z.v.AsSingle()))
            : Of(Vector256.FusedMultiplyAdd(x.v.AsDouble(), y.v.AsDouble(), z.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V256<T> Max(V256<T> x, V256<T> y) => new(Vector256.Max(x.v, y.v));

    [MethodImpl(Inline)]
    public static V256<T> Min(V256<T> x, V256<T> y) => new(Vector256.Min(x.v, y.v));

    // The native forms give their second operand if one is NaN, or NaN.
    [MethodImpl(Inline)]
    public static V256<T> Clamp(V256<T> x, V256<T> least, V256<T> greatest) =>
        new(Vector256.MinNative(greatest.v, Vector256.MaxNative(least.v, x.v)));

    [MethodImpl(Inline)]
    public static V256<T> Abs(V256<T> x) => new(Vector256.Abs(x.v));

    [MethodImpl(Inline)]
    public static V256<T> Sqrt(V256<T> x) => new(Vector256.Sqrt(x.v));

    [MethodImpl(Inline)]
    public static V256<T> Round(V256<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector256.Round(x.v.AsSingle())) : Of(Vector256.Round(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V256<T> Floor(V256<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector256.Floor(x.v.AsSingle())) : Of(Vector256.Floor(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V256<T> Ceiling(V256<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector256.Ceiling(x.v.AsSingle())) : Of(Vector256.Ceiling(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V256<T> Truncate(V256<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector256.Truncate(x.v.AsSingle())) : Of(Vector256.Truncate(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V256<T> Equal(V256<T> x, V256<T> y) => new(Vector256.Equals(x.v, y.v));

    [MethodImpl(Inline)]
    public static V256<T> Less(V256<T> x, V256<T> y) => new(Vector256.LessThan(x.v, y.v));

    [MethodImpl(Inline)]
    public static V256<T> LessOrEqual(V256<T> x, V256<T> y) => new(Vector256.LessThanOrEqual(x.v, y.v));

    [MethodImpl(Inline)]
    public static V256<T> Select(V256<T> mask, V256<T> x, V256<T> y) =>
        new(Vector256.ConditionalSelect(mask.v, x.v, y.v));

    [MethodImpl(Inline)]
    public static bool Any(V256<T> mask) => mask.v.ExtractMostSignificantBits() != 0;

    [MethodImpl(Inline)]
    public static void StoreTruth(V256<T> mask, byte* target)
    {
        if (sizeof(T) == 1) (mask.v.AsByte() & Vector256<byte>.One).Store(target);
        else if (sizeof(T) == 2)
            (Vector256.Narrow(mask.v.AsUInt16(), mask.v.AsUInt16()).GetLower() & Vector128<byte>.One).Store(target);
        else if (sizeof(T) == 4) *(ulong*)target = Truth.Spread(mask.v.ExtractMostSignificantBits());
        else *(uint*)target = (uint)Truth.Spread(mask.v.ExtractMostSignificantBits());
    }

    [MethodImpl(Inline)]
    public static V256<T> LoadTruth(byte* source)
    {
        if (sizeof(T) == 1) return Of(~Vector256.Equals(Vector256.Load(source), Vector256<byte>.Zero));
        if (sizeof(T) == 2)
        {
            return Of(~Vector256.Equals(
                Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()), Vector256<ushort>.Zero));
        }

        if (sizeof(T) == 8)
        {
            Vector128<uint> four = Truth.Widen(*(uint*)source);
            return Of(Vector256.GreaterThan(Vector256.Create(Vector128.WidenLower(four), Vector128.WidenUpper(four)),
                Vector256<ulong>.Zero));
        }

        return Of(Vector256.GreaterThan(
            Vector256.Create(Truth.Widen(*(uint*)source), Truth.Widen(*(uint*)(source + 4))), Vector256<uint>.Zero));
    }

    [MethodImpl(Inline)]
    public static V256<T> LoadHalves(ushort* source) =>
        Of(Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()));

    [MethodImpl(Inline)]
    public void StoreHalves(ushort* target) =>
        Vector256.Narrow(v.AsUInt32(), v.AsUInt32()).GetLower().Store(target);

    [MethodImpl(Inline)]
    private static V256<T> Of<S>(Vector256<S> value) => new(value.As<S, T>());
}
