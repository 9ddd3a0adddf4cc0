using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Registers of 256 bits.</summary>
internal readonly unsafe struct Register256<T> : IFloatRegister<T, Vector256<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector256<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Load(T* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadWidened<S>(S* source)
        where S : unmanaged
    {
        if (typeof(S) == typeof(T)) return Vector256.Load((T*)source);
        Vector128<float> narrow = Vector128.Load((float*)source);
        return Avx.IsSupported
            ? Avx.ConvertToVector256Double(narrow).As<double, T>()
            : Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow)).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<T> value, T* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Subtract(Vector256<T> x, Vector256<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Multiply(Vector256<T> x, Vector256<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Divide(Vector256<T> x, Vector256<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Max(Vector256<T> x, Vector256<T> y) => Vector256.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Min(Vector256<T> x, Vector256<T> y) => Vector256.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstEqual(Vector256<T> x, Vector256<T> y)
    {
        uint lanes = Vector256.Equals(x, y).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> IfOvertaken(
        Vector256<T> low, Vector256<T> high, Vector256<T> best, Vector256<T> x, Vector256<T> y) =>
        Vector256.ConditionalSelect(
            Vector256.AndNot(Vector256.Equals(best, best), Vector256.LessThanOrEqual(low, high)), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Fold<TOp>(Vector256<T> value)
        where TOp : struct, IReducer<T> =>
        Register128<T>.Fold<TOp>(
            TOp.Combine<Register128<T>, Vector128<T>>(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> FusedMultiplyAdd(Vector256<T> x, Vector256<T> y, Vector256<T> z) =>
        typeof(T) == typeof(float)
            ? Vector256.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector256.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Round(Vector256<T> x) =>
        typeof(T) == typeof(float)
            ? Vector256.Round(x.AsSingle()).As<float, T>()
            : Vector256.Round(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MaxNative(Vector256<T> x, Vector256<T> y) => Vector256.MaxNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MinNative(Vector256<T> x, Vector256<T> y) => Vector256.MinNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Sqrt(Vector256<T> x) => Vector256.Sqrt(x);

    // Two factors, each a normal number: the first product is exact, so that the second rounds once, denormals too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Scale(Vector256<T> x, Vector256<T> n)
    {
        if (typeof(T) == typeof(float))
        {
            Vector256<int> k = Vector256.ConvertToInt32(n.AsSingle());
            Vector256<int> half = k >> 1;
            Vector256<float> first = ((half + Vector256.Create(127)) << 23).AsSingle();
            Vector256<float> second = ((k - half + Vector256.Create(127)) << 23).AsSingle();
            return (x.AsSingle() * first * second).As<float, T>();
        }
        else
        {
            // Adding 1.5 2^52 leaves the integer in the low bits of the sum.
            Vector256<double> magic = Vector256.Create(FloatBits.Magic);
            Vector256<long> k = (n.AsDouble() + magic).AsInt64() - magic.AsInt64();
            Vector256<double> halves = Vector256.Floor(n.AsDouble() * Vector256.Create(0.5));
            Vector256<long> half = (halves + magic).AsInt64() - magic.AsInt64();
            Vector256<double> first = ((half + Vector256.Create(1023L)) << 52).AsDouble();
            Vector256<double> second = ((k - half + Vector256.Create(1023L)) << 52).AsDouble();
            return (x.AsDouble() * first * second).As<double, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> IfLess(Vector256<T> a, Vector256<T> b, Vector256<T> x, Vector256<T> y) =>
        Vector256.ConditionalSelect(Vector256.LessThan(a, b), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Split(Vector256<T> x, out Vector256<T> exponent)
    {
        if (typeof(T) == typeof(float))
        {
            Vector256<int> k = (x.AsInt32() - Vector256.Create(FloatBits.RootOfHalfSingle)) >> 23;
            exponent = Vector256.ConvertToSingle(k).As<float, T>();
            return (x.AsInt32() - (k << 23)).As<int, T>();
        }
        else
        {
            // The bias keeps the shifted number positive: shifts that keep the sign are slow below 512 bits.
            Vector256<long> biased = (x.AsInt64() - Vector256.Create(FloatBits.BiasedRootOfHalfDouble)) >>> 52;
            Vector256<double> magic = Vector256.Create(FloatBits.Magic);
            Vector256<double> sum = (biased + magic.AsInt64()).AsDouble();
            exponent = (sum - Vector256.Create(FloatBits.Magic + 1024)).As<double, T>();
            return (x.AsInt64() - ((biased - Vector256.Create(1024L)) << 52)).As<long, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadIntegers(void* source) =>
        typeof(T) == typeof(float)
            ? Vector256.ConvertToSingle(Vector256.Load((int*)source)).As<float, T>()
            : Vector256.ConvertToDouble(Vector256.Load((long*)source)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadFractions(void* source) =>
        typeof(T) == typeof(float)
            ? (Vector256.ConvertToSingle((Vector256.Load((uint*)source) >>> 8).AsInt32())
                * Vector256.Create(FloatBits.UlpOfHalfSingle)).As<float, T>()
            : (Vector256.ConvertToDouble((Vector256.Load((ulong*)source) >>> 11).AsInt64())
                * Vector256.Create(FloatBits.UlpOfHalfDouble)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> IfBit(void* integers, int bit, Vector256<T> x, Vector256<T> y)
    {
        if (typeof(T) == typeof(float))
        {
            Vector256<int> mask = Vector256.Create(1 << bit);
            Vector256<int> set = Vector256.Equals(Vector256.Load((int*)integers) & mask, mask);
            return Vector256.ConditionalSelect(set.As<int, T>(), x, y);
        }
        else
        {
            Vector256<long> mask = Vector256.Create(1L << bit);
            Vector256<long> set = Vector256.Equals(Vector256.Load((long*)integers) & mask, mask);
            return Vector256.ConditionalSelect(set.As<long, T>(), x, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadPartial(T* source, int count, Vector256<T> fill)
    {
        if (Avx.IsSupported && sizeof(T) == 4)
        {
            Vector256<float> loaded = Avx.MaskLoad((float*)source, FirstLanes(count).AsSingle());
            return Vector256.ConditionalSelect(FirstLanes(count), loaded.As<float, T>(), fill);
        }

        if (Avx.IsSupported && sizeof(T) == 8)
        {
            Vector256<double> loaded = Avx.MaskLoad((double*)source, FirstLanes(count).AsDouble());
            return Vector256.ConditionalSelect(FirstLanes(count), loaded.As<double, T>(), fill);
        }

        Vector256<T> value = fill;
        for (int i = 0; i < count; i++) ((T*)&value)[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadWidenedPartial<S>(S* source, int count, T fill)
        where S : unmanaged
    {
        if (typeof(S) == typeof(T)) return LoadPartial((T*)source, count, Vector256.Create(fill));
        Vector128<float> narrow = Register128<float>.LoadPartial(
            (float*)source, count, Vector128.Create(float.CreateTruncating(fill)));
        return Avx.IsSupported
            ? Avx.ConvertToVector256Double(narrow).As<double, T>()
            : Vector256.Create(Vector128.WidenLower(narrow), Vector128.WidenUpper(narrow)).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector256<T> value, T* destination, int count)
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
    private static Vector256<T> FirstLanes(int count) =>
        sizeof(T) == 4
            ? Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).As<int, T>()
            : Vector256.LessThan(Vector256<long>.Indices, Vector256.Create((long)count)).As<long, T>();
}
