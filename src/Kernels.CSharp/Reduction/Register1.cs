using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>One element as a register: the scalar path and the tails.</summary>
internal readonly unsafe struct Register1<T> : IFloatRegister<T, T>
    where T : unmanaged, INumber<T>
{
    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Broadcast(T value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(T* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadWidened<S>(S* source)
        where S : unmanaged =>
        typeof(S) == typeof(T) ? *(T*)source : T.CreateTruncating(*(float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(T value, T* destination) => *destination = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Add(T x, T y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Subtract(T x, T y) => x - y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Multiply(T x, T y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Divide(T x, T y) => x / y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(T x, T y) => T.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Min(T x, T y) => T.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FirstEqual(T x, T y) => x == y ? 0 : 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IfOvertaken(T low, T high, T best, T x, T y) => !(low <= high) && !T.IsNaN(best) ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
    public static T MaxNative(T x, T y) => x > y ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T MinNative(T x, T y) => x < y ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sqrt(T x) =>
        typeof(T) == typeof(float) ? Of(MathF.Sqrt(Single(x))) : Of(Math.Sqrt(Double(x)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Scale(T x, T n) =>
        typeof(T) == typeof(float)
            ? Of(MathF.ScaleB(Single(x), (int)Single(n)))
            : Of(Math.ScaleB(Double(x), (int)Double(n)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IfLess(T a, T b, T x, T y) => a < b ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Split(T x, out T exponent)
    {
        if (typeof(T) == typeof(float))
        {
            int bits = Unsafe.BitCast<T, int>(x), k = (bits - FloatBits.RootOfHalfSingle) >> 23;
            exponent = Of((float)k);
            return Unsafe.BitCast<int, T>(bits - (k << 23));
        }
        else
        {
            long bits = Unsafe.BitCast<T, long>(x);
            long k = (long)((ulong)(bits - FloatBits.BiasedRootOfHalfDouble) >> 52) - 1024;
            exponent = Of((double)k);
            return Unsafe.BitCast<long, T>(bits - (k << 52));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadIntegers(void* source) =>
        typeof(T) == typeof(float) ? Of((float)*(int*)source) : Of((double)*(long*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadFractions(void* source) =>
        typeof(T) == typeof(float)
            ? Of((*(uint*)source >> 8) * FloatBits.UlpOfHalfSingle)
            : Of((*(ulong*)source >> 11) * FloatBits.UlpOfHalfDouble);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IfBit(void* integers, int bit, T x, T y) => (*(int*)integers >> bit & 1) != 0 ? x : y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadPartial(T* source, int count, T fill) => count > 0 ? *source : fill;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadWidenedPartial<S>(S* source, int count, T fill)
        where S : unmanaged => count > 0 ? LoadWidened(source) : fill;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePartial(T value, T* destination, int count)
    {
        if (count > 0) *destination = value;
    }

    private static float Single(T x) => Unsafe.BitCast<T, float>(x);

    private static double Double(T x) => Unsafe.BitCast<T, double>(x);

    private static T Of(float x) => Unsafe.BitCast<float, T>(x);

    private static T Of(double x) => Unsafe.BitCast<double, T>(x);
}
