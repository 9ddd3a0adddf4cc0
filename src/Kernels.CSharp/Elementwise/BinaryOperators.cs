using System.Numerics;

namespace Autodiff.Kernels;

internal readonly struct AddOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x, T y) => unchecked(x + y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x + y;
}

internal readonly struct SubtractOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x, T y) => unchecked(x - y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x - y;
}

internal readonly struct MultiplyOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x, T y) => unchecked(x * y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x * y;
}

internal readonly struct DivideOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    // The processor traps the quotient of the least integer and -1, which wraps here as in every other operation.
    public static T Invoke(T x, T y) =>
        typeof(T) != typeof(float) && typeof(T) != typeof(double) && T.IsNegative(y) && y == -T.One
            ? unchecked(-x)
            : x / y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x / y;

    public static bool IsVector => typeof(T) == typeof(float) || typeof(T) == typeof(double);

    public static int Cost => IsVector ? 1 : 16;
}

internal readonly struct PowerOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => T.Pow(x, y);

    public static bool IsVector => typeof(T) == typeof(float);

    public static int Cost => typeof(T) == typeof(float) ? 24 : 128;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Powers.Power<V, T>(x, y);
}

internal readonly struct IntegerPowerOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y)
    {
        if (T.IsNegative(y)) return Reciprocal(x, y);
        T result = T.One;
        for (; y != T.Zero; y >>= 1)
        {
            if (T.IsOddInteger(y)) result = unchecked(result * x);
            x = unchecked(x * x);
        }

        return result;
    }

    private static T Reciprocal(T x, T y)
    {
        if (x == T.Zero) throw new DivideByZeroException();
        if (x == T.One) return T.One;
        return x != -T.One ? T.Zero : T.IsOddInteger(y) ? x : T.One;
    }

    public static bool IsVector => false;

    public static int Cost => 128;
}

internal readonly struct MaximumOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x, T y) => T.Max(x, y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Max(x, y);
}

internal readonly struct MinimumOperator<T> : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x, T y) => T.Min(x, y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Min(x, y);
}

internal readonly struct Atan2Operator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => T.Atan2(x, y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Atan2<V, T>(x, y);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 24;
}

internal readonly struct AndOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y) => x & y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x & y;
}

internal readonly struct OrOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y) => x | y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x | y;
}

internal readonly struct XorOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y) => x ^ y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x ^ y;
}

internal readonly struct SigmoidGradientOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => x * y * (T.One - y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x * y * (V.Constant(1) - y);
}

internal readonly struct TanhGradientOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => x * (T.One - y * y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => x * (V.Constant(1) - y * y);
}

internal readonly struct ReluGradientOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => y > T.Zero ? x : T.Zero;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Select(V.Less(V.Constant(0), y), x, V.Constant(0));
}
