using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>
/// What the kernels of reductions and random numbers need of a vector <typeparamref name="V"/> of
/// <typeparamref name="T"/>, so that each is written once for all widths.
/// </summary>
internal unsafe interface IRegister<T, V>
    where T : unmanaged
    where V : struct
{
    static abstract int Count { get; }

    static abstract V Broadcast(T value);

    static abstract V Load(T* source);

    /// <summary>Loads elements of the same type, or floats where this register holds doubles.</summary>
    static abstract V LoadWidened<S>(S* source)
        where S : unmanaged;

    static abstract void Store(V value, T* destination);

    static abstract V Add(V x, V y);

    static abstract V Subtract(V x, V y);

    static abstract V Multiply(V x, V y);

    static abstract V Divide(V x, V y);

    static abstract V Max(V x, V y);

    static abstract V Min(V x, V y);

    static abstract bool AnyEqual(V x, V y);

    /// <summary>Where neither low &lt;= high holds nor best is NaN, x, and elsewhere y.</summary>
    static abstract V IfOvertaken(V low, V high, V best, V x, V y);

    /// <summary>Combines all lanes to one.</summary>
    static abstract T Fold<TOp>(V value)
        where TOp : struct, IReducer<T>;
}

/// <summary>The further operations of registers of floats and doubles.</summary>
internal unsafe interface IFloatRegister<T, V> : IRegister<T, V>
    where T : unmanaged
    where V : struct
{
    /// <summary>x y + z with one rounding.</summary>
    static abstract V FusedMultiplyAdd(V x, V y, V z);

    static abstract V Round(V x);

    static abstract V Sqrt(V x);

    /// <summary>x 2^n for an integral n between -2 and 2 times the largest exponent.</summary>
    static abstract V Scale(V x, V n);

    /// <summary>Where a &lt; b, x, and elsewhere, also where a or b is NaN, y.</summary>
    static abstract V IfLess(V a, V b, V x, V y);
}

internal readonly unsafe struct Register512<T> : IFloatRegister<T, Vector512<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector512<T>.Count;

    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

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

    public static void Store(Vector512<T> value, T* destination) => value.Store(destination);

    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    public static Vector512<T> Subtract(Vector512<T> x, Vector512<T> y) => x - y;

    public static Vector512<T> Multiply(Vector512<T> x, Vector512<T> y) => x * y;

    public static Vector512<T> Divide(Vector512<T> x, Vector512<T> y) => x / y;

    public static Vector512<T> Max(Vector512<T> x, Vector512<T> y) => Vector512.Max(x, y);

    public static Vector512<T> Min(Vector512<T> x, Vector512<T> y) => Vector512.Min(x, y);

    public static bool AnyEqual(Vector512<T> x, Vector512<T> y) => Vector512.EqualsAny(x, y);

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

    public static Vector512<T> IfLess(Vector512<T> a, Vector512<T> b, Vector512<T> x, Vector512<T> y) =>
        Vector512.ConditionalSelect(Vector512.LessThan(a, b), x, y);
}

internal readonly unsafe struct Register256<T> : IFloatRegister<T, Vector256<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector256<T>.Count;

    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

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

    public static void Store(Vector256<T> value, T* destination) => value.Store(destination);

    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    public static Vector256<T> Subtract(Vector256<T> x, Vector256<T> y) => x - y;

    public static Vector256<T> Multiply(Vector256<T> x, Vector256<T> y) => x * y;

    public static Vector256<T> Divide(Vector256<T> x, Vector256<T> y) => x / y;

    public static Vector256<T> Max(Vector256<T> x, Vector256<T> y) => Vector256.Max(x, y);

    public static Vector256<T> Min(Vector256<T> x, Vector256<T> y) => Vector256.Min(x, y);

    public static bool AnyEqual(Vector256<T> x, Vector256<T> y) => Vector256.EqualsAny(x, y);

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
            Vector256<double> magic = Vector256.Create(6755399441055744.0);
            Vector256<long> k = (n.AsDouble() + magic).AsInt64() - magic.AsInt64();
            Vector256<double> halves = Vector256.Floor(n.AsDouble() * Vector256.Create(0.5));
            Vector256<long> half = (halves + magic).AsInt64() - magic.AsInt64();
            Vector256<double> first = ((half + Vector256.Create(1023L)) << 52).AsDouble();
            Vector256<double> second = ((k - half + Vector256.Create(1023L)) << 52).AsDouble();
            return (x.AsDouble() * first * second).As<double, T>();
        }
    }

    public static Vector256<T> IfLess(Vector256<T> a, Vector256<T> b, Vector256<T> x, Vector256<T> y) =>
        Vector256.ConditionalSelect(Vector256.LessThan(a, b), x, y);
}

internal readonly unsafe struct Register128<T> : IFloatRegister<T, Vector128<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector128<T>.Count;

    public static Vector128<T> Broadcast(T value) => Vector128.Create(value);

    public static Vector128<T> Load(T* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T)
            ? Vector128.Load((T*)source)
            : Vector128.WidenLower(Vector64.Load((float*)source).ToVector128Unsafe()).As<double, T>();

    public static void Store(Vector128<T> value, T* destination) => value.Store(destination);

    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    public static Vector128<T> Subtract(Vector128<T> x, Vector128<T> y) => x - y;

    public static Vector128<T> Multiply(Vector128<T> x, Vector128<T> y) => x * y;

    public static Vector128<T> Divide(Vector128<T> x, Vector128<T> y) => x / y;

    public static Vector128<T> Max(Vector128<T> x, Vector128<T> y) => Vector128.Max(x, y);

    public static Vector128<T> Min(Vector128<T> x, Vector128<T> y) => Vector128.Min(x, y);

    public static bool AnyEqual(Vector128<T> x, Vector128<T> y) => Vector128.EqualsAny(x, y);

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
            Vector128<double> magic = Vector128.Create(6755399441055744.0);
            Vector128<long> k = (n.AsDouble() + magic).AsInt64() - magic.AsInt64();
            Vector128<double> halves = Vector128.Floor(n.AsDouble() * Vector128.Create(0.5));
            Vector128<long> half = (halves + magic).AsInt64() - magic.AsInt64();
            Vector128<double> first = ((half + Vector128.Create(1023L)) << 52).AsDouble();
            Vector128<double> second = ((k - half + Vector128.Create(1023L)) << 52).AsDouble();
            return (x.AsDouble() * first * second).As<double, T>();
        }
    }

    public static Vector128<T> IfLess(Vector128<T> a, Vector128<T> b, Vector128<T> x, Vector128<T> y) =>
        Vector128.ConditionalSelect(Vector128.LessThan(a, b), x, y);
}

/// <summary>One element as a register: the scalar path and the tails.</summary>
internal readonly unsafe struct Register1<T> : IFloatRegister<T, T>
    where T : unmanaged, INumber<T>
{
    public static int Count => 1;

    public static T Broadcast(T value) => value;

    public static T Load(T* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T) ? *(T*)source : T.CreateTruncating(*(float*)source);

    public static void Store(T value, T* destination) => *destination = value;

    public static T Add(T x, T y) => x + y;

    public static T Subtract(T x, T y) => x - y;

    public static T Multiply(T x, T y) => x * y;

    public static T Divide(T x, T y) => x / y;

    public static T Max(T x, T y) => T.Max(x, y);

    public static T Min(T x, T y) => T.Min(x, y);

    public static bool AnyEqual(T x, T y) => x == y;

    public static T IfOvertaken(T low, T high, T best, T x, T y) => !(low <= high) && !T.IsNaN(best) ? x : y;

    public static T Fold<TOp>(T value)
        where TOp : struct, IReducer<T> => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T FusedMultiplyAdd(T x, T y, T z) =>
        typeof(T) == typeof(float)
            ? Of(MathF.FusedMultiplyAdd(Single(x), Single(y), Single(z)))
            : Of(Math.FusedMultiplyAdd(Double(x), Double(y), Double(z)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(T x) =>
        typeof(T) == typeof(float) ? Of(MathF.Round(Single(x))) : Of(Math.Round(Double(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sqrt(T x) =>
        typeof(T) == typeof(float) ? Of(MathF.Sqrt(Single(x))) : Of(Math.Sqrt(Double(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Scale(T x, T n) =>
        typeof(T) == typeof(float)
            ? Of(MathF.ScaleB(Single(x), (int)Single(n)))
            : Of(Math.ScaleB(Double(x), (int)Double(n)));

    public static T IfLess(T a, T b, T x, T y) => a < b ? x : y;

    private static float Single(T x) => Unsafe.BitCast<T, float>(x);

    private static double Double(T x) => Unsafe.BitCast<T, double>(x);

    private static T Of(float x) => Unsafe.BitCast<float, T>(x);

    private static T Of(double x) => Unsafe.BitCast<double, T>(x);
}
