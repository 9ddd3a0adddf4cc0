using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>A vector of 256 bits.</summary>
internal readonly unsafe struct V256<T>(Vector256<T> value) : IVector<V256<T>, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector256<T> v = value;

    public static int Count => Vector256<T>.Count;

    internal Vector256<T> Value => v;

    [MethodImpl(Inline)]
    public static V256<T> Load(T* source) => new(Vector256.Load(source));

    [MethodImpl(Inline)]
    public void Store(T* target) => v.Store(target);

    [MethodImpl(Inline)]
    public static V256<T> LoadPart(T* source, int count)
    {
        if (sizeof(T) == 4)
            return Of(Avx.MaskLoad((float*)source, Mask(count).AsSingle()));
        if (sizeof(T) == 8)
            return Of(Avx.MaskLoad((double*)source, Mask(count).AsDouble()));
        Vector256<T> buffer = default;
        Unsafe.CopyBlockUnaligned(&buffer, source, (uint)(count * sizeof(T)));
        return new(buffer);
    }

    [MethodImpl(Inline)]
    public void StorePart(T* target, int count)
    {
        if (sizeof(T) == 4)
        {
            Avx.MaskStore((float*)target, Mask(count).AsSingle(), v.AsSingle());
        }
        else if (sizeof(T) == 8)
        {
            Avx.MaskStore((double*)target, Mask(count).AsDouble(), v.AsDouble());
        }
        else
        {
            Vector256<T> buffer = v;
            Unsafe.CopyBlockUnaligned(target, &buffer, (uint)(count * sizeof(T)));
        }
    }

    [MethodImpl(Inline)]
    public static V256<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T)
            ? new(Vector256.Load((T*)source))
            : Of(Avx.ConvertToVector256Double(Vector128.Load((float*)source)));

    [MethodImpl(Inline)]
    public static V256<T> LoadWidenedPart<S>(S* source, int count, T others)
        where S : unmanaged
    {
        Vector256<T> part = typeof(S) == typeof(T)
            ? LoadPart((T*)source, count).v
            : Avx.ConvertToVector256Double(V128<float>.LoadPart((float*)source, count).Value).As<double, T>();
        return new(Vector256.ConditionalSelect(Mask(count), part, Vector256.Create(others)));
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
    public static V256<T> FromIntegers(V256<T> bits) =>
        typeof(T) == typeof(float)
            ? Of(Vector256.ConvertToSingle(bits.v.AsInt32()))
            : Of(Vector256.ConvertToDouble(bits.v.AsInt64()));

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

    [MethodImpl(Inline)]
    public static V256<T> MaxNative(V256<T> x, V256<T> y) => new(Vector256.MaxNative(x.v, y.v));

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
    public static int FirstEqual(V256<T> x, V256<T> y)
    {
        uint lanes = Vector256.Equals(x.v, y.v).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(Inline)]
    public static V256<T> IfOvertaken(V256<T> low, V256<T> high, V256<T> best, V256<T> x, V256<T> y) =>
        new(Vector256.ConditionalSelect(
            Vector256.AndNot(Vector256.Equals(best.v, best.v), Vector256.LessThanOrEqual(low.v, high.v)), x.v, y.v));

    [MethodImpl(Inline)]
    public static T Fold<TOp>(V256<T> x)
        where TOp : struct, IReducer<T> =>
        V128<T>.Fold<TOp>(TOp.Combine<V128<T>>(new(x.v.GetLower()), new(x.v.GetUpper())));

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

    // Not wrapped: .NET's compiler keeps a mask in a mask register only where it sees the comparison.
    [MethodImpl(Inline)]
    private static Vector256<T> Mask(int count) =>
        sizeof(T) == 4 ? Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).As<int, T>()
        : sizeof(T) == 8 ? Vector256.LessThan(Vector256<long>.Indices, Vector256.Create((long)count)).As<long, T>()
        : Vector256.LessThan(Vector256<T>.Indices, Vector256.Create(T.CreateTruncating(count)));

    [MethodImpl(Inline)]
    private static V256<T> Of<S>(Vector256<S> value) => new(value.As<S, T>());
}
