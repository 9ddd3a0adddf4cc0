using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>A vector of 128 bits.</summary>
internal readonly unsafe struct V128<T>(Vector128<T> value) : IVector<V128<T>, T>
    where T : unmanaged, INumber<T>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private readonly Vector128<T> v = value;

    public static int Count => Vector128<T>.Count;

    internal Vector128<T> Value => v;

    [MethodImpl(Inline)]
    public static V128<T> Load(T* source) => new(Vector128.Load(source));

    [MethodImpl(Inline)]
    public void Store(T* target) => v.Store(target);

    [MethodImpl(Inline)]
    public static V128<T> LoadPart(T* source, int count)
    {
        if (Avx.IsSupported && sizeof(T) == 4)
            return Of(Avx.MaskLoad((float*)source, Mask(count).AsSingle()));
        if (Avx.IsSupported && sizeof(T) == 8)
            return Of(Avx.MaskLoad((double*)source, Mask(count).AsDouble()));
        Vector128<T> buffer = default;
        Unsafe.CopyBlockUnaligned(&buffer, source, (uint)(count * sizeof(T)));
        return new(buffer);
    }

    [MethodImpl(Inline)]
    public void StorePart(T* target, int count)
    {
        if (Avx.IsSupported && sizeof(T) == 4)
        {
            Avx.MaskStore((float*)target, Mask(count).AsSingle(), v.AsSingle());
        }
        else if (Avx.IsSupported && sizeof(T) == 8)
        {
            Avx.MaskStore((double*)target, Mask(count).AsDouble(), v.AsDouble());
        }
        else
        {
            Vector128<T> buffer = v;
            Unsafe.CopyBlockUnaligned(target, &buffer, (uint)(count * sizeof(T)));
        }
    }

    [MethodImpl(Inline)]
    public static V128<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T)
            ? new(Vector128.Load((T*)source))
            : Of(Vector128.WidenLower(Vector64.Load((float*)source).ToVector128Unsafe()));

    [MethodImpl(Inline)]
    public static V128<T> LoadWidenedPart<S>(S* source, int count, T others)
        where S : unmanaged
    {
        Vector128<T> part = typeof(S) == typeof(T)
            ? LoadPart((T*)source, count).v
            : Vector128.WidenLower(V128<float>.LoadPart((float*)source, count).v).As<double, T>();
        return new(Vector128.ConditionalSelect(Mask(count), part, Vector128.Create(others)));
    }

    [MethodImpl(Inline)]
    public static V128<T> Splat(T value) => new(Vector128.Create(value));

    [MethodImpl(Inline)]
    public static V128<T> Constant(double value) =>
        typeof(T) == typeof(float) ? Of(Vector128.Create((float)value)) : Of(Vector128.Create(value));

    [MethodImpl(Inline)]
    public static V128<T> Bits(long value) =>
        sizeof(T) == 4 ? Of(Vector128.Create((int)value)) : Of(Vector128.Create(value));

    [MethodImpl(Inline)]
    public static V128<T> FromIntegers(V128<T> bits) =>
        typeof(T) == typeof(float)
            ? Of(Vector128.ConvertToSingle(bits.v.AsInt32()))
            : Of(Vector128.ConvertToDouble(bits.v.AsInt64()));

    [MethodImpl(Inline)]
    public static V128<T> operator +(V128<T> x, V128<T> y) => new(x.v + y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator -(V128<T> x, V128<T> y) => new(x.v - y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator *(V128<T> x, V128<T> y) => new(x.v * y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator /(V128<T> x, V128<T> y) => new(x.v / y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator -(V128<T> x) => new(-x.v);

    [MethodImpl(Inline)]
    public static V128<T> operator &(V128<T> x, V128<T> y) => new(x.v & y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator |(V128<T> x, V128<T> y) => new(x.v | y.v);

    [MethodImpl(Inline)]
    public static V128<T> operator ^(V128<T> x, V128<T> y) => new(x.v ^ y.v);

    [MethodImpl(Inline)]
    public static V128<T> Not(V128<T> x) => new(~x.v);

    [MethodImpl(Inline)]
    public static V128<T> ShiftLeft(V128<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() << count) : Of(x.v.AsInt64() << count);

    [MethodImpl(Inline)]
    public static V128<T> ShiftRight(V128<T> x, int count) =>
        sizeof(T) == 4 ? Of(x.v.AsInt32() >>> count) : Of(x.v.AsInt64() >>> count);

    [MethodImpl(Inline)]
    public static V128<T> Fma(V128<T> x, V128<T> y, V128<T> z) =>
        typeof(T) == typeof(float)
            ? Of(Vector128.FusedMultiplyAdd(x.v.AsSingle(), y.v.AsSingle(), z.v.AsSingle()))
            : Of(Vector128.FusedMultiplyAdd(x.v.AsDouble(), y.v.AsDouble(), z.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V128<T> Max(V128<T> x, V128<T> y) => new(Vector128.Max(x.v, y.v));

    [MethodImpl(Inline)]
    public static V128<T> Min(V128<T> x, V128<T> y) => new(Vector128.Min(x.v, y.v));

    [MethodImpl(Inline)]
    public static V128<T> MaxNative(V128<T> x, V128<T> y) => new(Vector128.MaxNative(x.v, y.v));

    // The native forms give their second operand if one is NaN, or NaN.
    [MethodImpl(Inline)]
    public static V128<T> Clamp(V128<T> x, V128<T> least, V128<T> greatest) =>
        new(Vector128.MinNative(greatest.v, Vector128.MaxNative(least.v, x.v)));

    [MethodImpl(Inline)]
    public static V128<T> Abs(V128<T> x) => new(Vector128.Abs(x.v));

    [MethodImpl(Inline)]
    public static V128<T> Sqrt(V128<T> x) => new(Vector128.Sqrt(x.v));

    [MethodImpl(Inline)]
    public static V128<T> Round(V128<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector128.Round(x.v.AsSingle())) : Of(Vector128.Round(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V128<T> Floor(V128<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector128.Floor(x.v.AsSingle())) : Of(Vector128.Floor(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V128<T> Ceiling(V128<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector128.Ceiling(x.v.AsSingle())) : Of(Vector128.Ceiling(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V128<T> Truncate(V128<T> x) =>
        typeof(T) == typeof(float) ? Of(Vector128.Truncate(x.v.AsSingle())) : Of(Vector128.Truncate(x.v.AsDouble()));

    [MethodImpl(Inline)]
    public static V128<T> Equal(V128<T> x, V128<T> y) => new(Vector128.Equals(x.v, y.v));

    [MethodImpl(Inline)]
    public static V128<T> Less(V128<T> x, V128<T> y) => new(Vector128.LessThan(x.v, y.v));

    [MethodImpl(Inline)]
    public static V128<T> LessOrEqual(V128<T> x, V128<T> y) => new(Vector128.LessThanOrEqual(x.v, y.v));

    [MethodImpl(Inline)]
    public static V128<T> Select(V128<T> mask, V128<T> x, V128<T> y) =>
        new(Vector128.ConditionalSelect(mask.v, x.v, y.v));

    [MethodImpl(Inline)]
    public static bool Any(V128<T> mask) => mask.v.ExtractMostSignificantBits() != 0;

    [MethodImpl(Inline)]
    public static int FirstEqual(V128<T> x, V128<T> y)
    {
        uint lanes = Vector128.Equals(x.v, y.v).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(Inline)]
    public static V128<T> IfOvertaken(V128<T> low, V128<T> high, V128<T> best, V128<T> x, V128<T> y) =>
        new(Vector128.ConditionalSelect(
            Vector128.AndNot(Vector128.Equals(best.v, best.v), Vector128.LessThanOrEqual(low.v, high.v)), x.v, y.v));

    [MethodImpl(Inline)]
    public static T Fold<TOp>(V128<T> x)
        where TOp : struct, IReducer<T>
    {
        if (Count == 2) return TOp.Combine(x.v[0], x.v[1]);
        if (Count == 4) return TOp.Combine(TOp.Combine(x.v[0], x.v[1]), TOp.Combine(x.v[2], x.v[3]));
        T folded = x.v[0];
        for (int i = 1; i < Count; i++) folded = TOp.Combine(folded, x.v[i]);
        return folded;
    }

    [MethodImpl(Inline)]
    public static void StoreTruth(V128<T> mask, byte* target)
    {
        if (sizeof(T) == 1) (mask.v.AsByte() & Vector128<byte>.One).Store(target);
        else if (sizeof(T) == 2) *(ulong*)target = Truth.Spread(mask.v.ExtractMostSignificantBits());
        else if (sizeof(T) == 4) *(uint*)target = (uint)Truth.Spread(mask.v.ExtractMostSignificantBits());
        else *(ushort*)target = (ushort)Truth.Spread(mask.v.ExtractMostSignificantBits());
    }

    [MethodImpl(Inline)]
    public static V128<T> LoadTruth(byte* source)
    {
        if (sizeof(T) == 1) return Of(~Vector128.Equals(Vector128.Load(source), Vector128<byte>.Zero));
        if (sizeof(T) == 2)
        {
            return Of(~Vector128.Equals(
                Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsByte()), Vector128<ushort>.Zero));
        }

        return sizeof(T) == 8
            ? Of(~Vector128.Equals(Vector128.WidenLower(Truth.Widen(*(ushort*)source)), Vector128<ulong>.Zero))
            : Of(~Vector128.Equals(Truth.Widen(*(uint*)source), Vector128<uint>.Zero));
    }

    [MethodImpl(Inline)]
    public static V128<T> LoadHalves(ushort* source) =>
        Of(Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsUInt16()));

    [MethodImpl(Inline)]
    public void StoreHalves(ushort* target) =>
        *(ulong*)target = Vector128.Narrow(v.AsUInt32(), v.AsUInt32()).AsUInt64()[0];

    // Not wrapped: .NET's compiler keeps a mask in a mask register only where it sees the comparison.
    [MethodImpl(Inline)]
    private static Vector128<T> Mask(int count) =>
        sizeof(T) == 4 ? Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).As<int, T>()
        : sizeof(T) == 8 ? Vector128.LessThan(Vector128<long>.Indices, Vector128.Create((long)count)).As<long, T>()
        : Vector128.LessThan(Vector128<T>.Indices, Vector128.Create(T.CreateTruncating(count)));

    [MethodImpl(Inline)]
    private static V128<T> Of<S>(Vector128<S> value) => new(value.As<S, T>());
}
