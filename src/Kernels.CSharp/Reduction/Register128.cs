using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Registers of 128 bits.</summary>
internal readonly unsafe struct Register128<T> : IFloatRegister<T, Vector128<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector128<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Broadcast(T value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Load(T* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T)
            ? Vector128.Load((T*)source)
            : Vector128.WidenLower(Vector64.Load((float*)source).ToVector128Unsafe()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector128<T> value, T* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Subtract(Vector128<T> x, Vector128<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Multiply(Vector128<T> x, Vector128<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Divide(Vector128<T> x, Vector128<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Max(Vector128<T> x, Vector128<T> y) => Vector128.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Min(Vector128<T> x, Vector128<T> y) => Vector128.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstEqual(Vector128<T> x, Vector128<T> y)
    {
        uint lanes = Vector128.Equals(x, y).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IfOvertaken(
        Vector128<T> low, Vector128<T> high, Vector128<T> best, Vector128<T> x, Vector128<T> y) =>
        Vector128.ConditionalSelect(
            Vector128.AndNot(Vector128.Equals(best, best), Vector128.LessThanOrEqual(low, high)), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Fold<TOp>(Vector128<T> value)
        where TOp : struct, IReducer<T>
    {
        if (Vector128<T>.Count == 2)
            return TOp.Combine<Register1<T>, T>(value.GetElement(0), value.GetElement(1));
        if (Vector128<T>.Count == 4)
        {
            return TOp.Combine<Register1<T>, T>(
                TOp.Combine<Register1<T>, T>(value.GetElement(0), value.GetElement(1)),
                TOp.Combine<Register1<T>, T>(value.GetElement(2), value.GetElement(3)));
        }

        T folded = value.GetElement(0);
        for (int i = 1; i < Vector128<T>.Count; i++)
            folded = TOp.Combine<Register1<T>, T>(folded, value.GetElement(i));
        return folded;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> FusedMultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z) =>
        typeof(T) == typeof(float)
            ? Vector128.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector128.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Round(Vector128<T> x) =>
        typeof(T) == typeof(float)
            ? Vector128.Round(x.AsSingle()).As<float, T>()
            : Vector128.Round(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> MaxNative(Vector128<T> x, Vector128<T> y) => Vector128.MaxNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> MinNative(Vector128<T> x, Vector128<T> y) => Vector128.MinNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Sqrt(Vector128<T> x) => Vector128.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Scale(Vector128<T> x, Vector128<T> n)
    {
        if (typeof(T) == typeof(float))
        {
            Vector128<int> k = Vector128.ConvertToInt32(n.AsSingle());
            Vector128<int> half = k >> 1;
            Vector128<float> first = ((half + Vector128.Create(127)) << 23).AsSingle();
            Vector128<float> second = ((k - half + Vector128.Create(127)) << 23).AsSingle();
            return (x.AsSingle() * first * second).As<float, T>();
        }
        else
        {
            Vector128<double> magic = Vector128.Create(FloatBits.Magic);
            Vector128<long> k = (n.AsDouble() + magic).AsInt64() - magic.AsInt64();
            Vector128<double> halves = Vector128.Floor(n.AsDouble() * Vector128.Create(0.5));
            Vector128<long> half = (halves + magic).AsInt64() - magic.AsInt64();
            Vector128<double> first = ((half + Vector128.Create(1023L)) << 52).AsDouble();
            Vector128<double> second = ((k - half + Vector128.Create(1023L)) << 52).AsDouble();
            return (x.AsDouble() * first * second).As<double, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IfLess(Vector128<T> a, Vector128<T> b, Vector128<T> x, Vector128<T> y) =>
        Vector128.ConditionalSelect(Vector128.LessThan(a, b), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Split(Vector128<T> x, out Vector128<T> exponent)
    {
        if (typeof(T) == typeof(float))
        {
            Vector128<int> k = (x.AsInt32() - Vector128.Create(FloatBits.RootOfHalfSingle)) >> 23;
            exponent = Vector128.ConvertToSingle(k).As<float, T>();
            return (x.AsInt32() - (k << 23)).As<int, T>();
        }
        else
        {
            // The bias keeps the shifted number positive: shifts that keep the sign are slow below 512 bits.
            Vector128<long> biased = (x.AsInt64() - Vector128.Create(FloatBits.BiasedRootOfHalfDouble)) >>> 52;
            Vector128<double> magic = Vector128.Create(FloatBits.Magic);
            Vector128<double> sum = (biased + magic.AsInt64()).AsDouble();
            exponent = (sum - Vector128.Create(FloatBits.Magic + 1024)).As<double, T>();
            return (x.AsInt64() - ((biased - Vector128.Create(1024L)) << 52)).As<long, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadIntegers(void* source) =>
        typeof(T) == typeof(float)
            ? Vector128.ConvertToSingle(Vector128.Load((int*)source)).As<float, T>()
            : Vector128.ConvertToDouble(Vector128.Load((long*)source)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadFractions(void* source) =>
        typeof(T) == typeof(float)
            ? (Vector128.ConvertToSingle((Vector128.Load((uint*)source) >>> 8).AsInt32())
                * Vector128.Create(FloatBits.UlpOfHalfSingle)).As<float, T>()
            : (Vector128.ConvertToDouble((Vector128.Load((ulong*)source) >>> 11).AsInt64())
                * Vector128.Create(FloatBits.UlpOfHalfDouble)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> IfBit(void* integers, int bit, Vector128<T> x, Vector128<T> y)
    {
        if (typeof(T) == typeof(float))
        {
            Vector128<int> mask = Vector128.Create(1 << bit);
            Vector128<int> set = Vector128.Equals(Vector128.Load((int*)integers) & mask, mask);
            return Vector128.ConditionalSelect(set.As<int, T>(), x, y);
        }
        else
        {
            Vector128<long> mask = Vector128.Create(1L << bit);
            Vector128<long> set = Vector128.Equals(Vector128.Load((long*)integers) & mask, mask);
            return Vector128.ConditionalSelect(set.As<long, T>(), x, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadPartial(T* source, int count, Vector128<T> fill)
    {
        if (Avx.IsSupported && sizeof(T) == 4)
        {
            Vector128<float> loaded = Avx.MaskLoad((float*)source, FirstLanes(count).AsSingle());
            return Vector128.ConditionalSelect(FirstLanes(count), loaded.As<float, T>(), fill);
        }

        if (Avx.IsSupported && sizeof(T) == 8)
        {
            Vector128<double> loaded = Avx.MaskLoad((double*)source, FirstLanes(count).AsDouble());
            return Vector128.ConditionalSelect(FirstLanes(count), loaded.As<double, T>(), fill);
        }

        Vector128<T> value = fill;
        for (int i = 0; i < count; i++) ((T*)&value)[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadWidenedPartial<S>(S* source, int count, T fill)
        where S : unmanaged
    {
        if (typeof(S) == typeof(T)) return LoadPartial((T*)source, count, Vector128.Create(fill));
        Vector128<float> narrow = Register128<float>.LoadPartial(
            (float*)source, count, Vector128.Create(float.CreateTruncating(fill)));
        return Vector128.WidenLower(narrow).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector128<T> value, T* destination, int count)
    {
        if (Avx.IsSupported && typeof(T) == typeof(float))
        {
            Avx.MaskStore((float*)destination, FirstLanes(count).AsSingle(), value.AsSingle());
        }
        else if (Avx.IsSupported && typeof(T) == typeof(double))
        {
            Avx.MaskStore((double*)destination, FirstLanes(count).AsDouble(), value.AsDouble());
        }
        else
        {
            for (int i = 0; i < count; i++) destination[i] = ((T*)&value)[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> FirstLanes(int count) =>
        sizeof(T) == 4
            ? Vector128.LessThan(Vector128<int>.Indices, Vector128.Create(count)).As<int, T>()
            : Vector128.LessThan(Vector128<long>.Indices, Vector128.Create((long)count)).As<long, T>();
}
