using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Registers of 512 bits.</summary>
internal readonly unsafe struct Register512<T> : IFloatRegister<T, Vector512<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector512<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Load(T* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadWidened<S>(S* source)
        where S : unmanaged
    {
        if (typeof(S) == typeof(T)) return Vector512.Load((T*)source);
        Vector256<float> narrow = Vector256.Load((float*)source);
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Double(narrow).As<double, T>()
            : Vector512.Create(Vector256.WidenLower(narrow), Vector256.WidenUpper(narrow)).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<T> value, T* destination) => value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Subtract(Vector512<T> x, Vector512<T> y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Multiply(Vector512<T> x, Vector512<T> y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Divide(Vector512<T> x, Vector512<T> y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Max(Vector512<T> x, Vector512<T> y) => Vector512.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Min(Vector512<T> x, Vector512<T> y) => Vector512.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstEqual(Vector512<T> x, Vector512<T> y)
    {
        ulong lanes = Vector512.Equals(x, y).ExtractMostSignificantBits();
        return lanes == 0 ? Count : BitOperations.TrailingZeroCount(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> IfOvertaken(
        Vector512<T> low, Vector512<T> high, Vector512<T> best, Vector512<T> x, Vector512<T> y) =>
        Vector512.ConditionalSelect(
            Vector512.AndNot(Vector512.Equals(best, best), Vector512.LessThanOrEqual(low, high)), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Fold<TOp>(Vector512<T> value)
        where TOp : struct, IReducer<T> =>
        Register256<T>.Fold<TOp>(
            TOp.Combine<Register256<T>, Vector256<T>>(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> FusedMultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z) =>
        typeof(T) == typeof(float)
            ? Vector512.FusedMultiplyAdd(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector512.FusedMultiplyAdd(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Round(Vector512<T> x) =>
        typeof(T) == typeof(float)
            ? Vector512.Round(x.AsSingle()).As<float, T>()
            : Vector512.Round(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MaxNative(Vector512<T> x, Vector512<T> y) => Vector512.MaxNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MinNative(Vector512<T> x, Vector512<T> y) => Vector512.MinNative(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sqrt(Vector512<T> x) => Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Scale(Vector512<T> x, Vector512<T> n)
    {
        if (Avx512F.IsSupported)
        {
            return typeof(T) == typeof(float)
                ? Avx512F.Scale(x.AsSingle(), n.AsSingle()).As<float, T>()
                : Avx512F.Scale(x.AsDouble(), n.AsDouble()).As<double, T>();
        }

        return Vector512.Create(
            Register256<T>.Scale(x.GetLower(), n.GetLower()), Register256<T>.Scale(x.GetUpper(), n.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> IfLess(Vector512<T> a, Vector512<T> b, Vector512<T> x, Vector512<T> y) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, b), x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Split(Vector512<T> x, out Vector512<T> exponent)
    {
        if (typeof(T) == typeof(float))
        {
            Vector512<int> k = (x.AsInt32() - Vector512.Create(FloatBits.RootOfHalfSingle)) >> 23;
            exponent = Vector512.ConvertToSingle(k).As<float, T>();
            return (x.AsInt32() - (k << 23)).As<int, T>();
        }
        else
        {
            // The bias keeps the shifted number positive: shifts that keep the sign are slow below 512 bits.
            Vector512<long> biased = (x.AsInt64() - Vector512.Create(FloatBits.BiasedRootOfHalfDouble)) >>> 52;
            Vector512<double> magic = Vector512.Create(FloatBits.Magic);
            Vector512<double> sum = (biased + magic.AsInt64()).AsDouble();
            exponent = (sum - Vector512.Create(FloatBits.Magic + 1024)).As<double, T>();
            return (x.AsInt64() - ((biased - Vector512.Create(1024L)) << 52)).As<long, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadIntegers(void* source) =>
        typeof(T) == typeof(float)
            ? Vector512.ConvertToSingle(Vector512.Load((int*)source)).As<float, T>()
            : Vector512.ConvertToDouble(Vector512.Load((long*)source)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadFractions(void* source) =>
        typeof(T) == typeof(float)
            ? (Vector512.ConvertToSingle((Vector512.Load((uint*)source) >>> 8).AsInt32())
                * Vector512.Create(FloatBits.UlpOfHalfSingle)).As<float, T>()
            : (Vector512.ConvertToDouble((Vector512.Load((ulong*)source) >>> 11).AsInt64())
                * Vector512.Create(FloatBits.UlpOfHalfDouble)).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> IfBit(void* integers, int bit, Vector512<T> x, Vector512<T> y)
    {
        if (typeof(T) == typeof(float))
        {
            Vector512<int> mask = Vector512.Create(1 << bit);
            Vector512<int> set = Vector512.Equals(Vector512.Load((int*)integers) & mask, mask);
            return Vector512.ConditionalSelect(set.As<int, T>(), x, y);
        }
        else
        {
            Vector512<long> mask = Vector512.Create(1L << bit);
            Vector512<long> set = Vector512.Equals(Vector512.Load((long*)integers) & mask, mask);
            return Vector512.ConditionalSelect(set.As<long, T>(), x, y);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadPartial(T* source, int count, Vector512<T> fill)
    {
        if (Avx512F.IsSupported && sizeof(T) == 4)
            return Avx512F.MaskLoad((float*)source, FirstLanes(count).AsSingle(), fill.AsSingle()).As<float, T>();
        if (Avx512F.IsSupported && sizeof(T) == 8)
            return Avx512F.MaskLoad((double*)source, FirstLanes(count).AsDouble(), fill.AsDouble()).As<double, T>();
        Vector512<T> value = fill;
        for (int i = 0; i < count; i++) ((T*)&value)[i] = source[i];
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadWidenedPartial<S>(S* source, int count, T fill)
        where S : unmanaged
    {
        if (typeof(S) == typeof(T)) return LoadPartial((T*)source, count, Vector512.Create(fill));
        Vector256<float> narrow = Register256<float>.LoadPartial(
            (float*)source, count, Vector256.Create(float.CreateTruncating(fill)));
        return Avx512F.IsSupported
            ? Avx512F.ConvertToVector512Double(narrow).As<double, T>()
            : Vector512.Create(Vector256.WidenLower(narrow), Vector256.WidenUpper(narrow)).As<double, T>();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(Vector512<T> value, T* destination, int count)
    {
        if (Avx512F.IsSupported && typeof(T) == typeof(float))
        {
            Avx512F.MaskStore((float*)destination, FirstLanes(count).AsSingle(), value.AsSingle());
        }
        else if (Avx512F.IsSupported && typeof(T) == typeof(double))
        {
            Avx512F.MaskStore((double*)destination, FirstLanes(count).AsDouble(), value.AsDouble());
        }
        else
        {
            for (int i = 0; i < count; i++) destination[i] = ((T*)&value)[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<T> FirstLanes(int count) =>
        sizeof(T) == 4
            ? Vector512.LessThan(Vector512<int>.Indices, Vector512.Create(count)).As<int, T>()
            : Vector512.LessThan(Vector512<long>.Indices, Vector512.Create((long)count)).As<long, T>();
}
