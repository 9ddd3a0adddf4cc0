using System.Numerics;

namespace Autodiff.Kernels;

internal readonly struct EqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x == y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Equal(x, y);
}

internal readonly struct NotEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x != y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Not(V.Equal(x, y));
}

internal readonly struct LessOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x < y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Less(x, y);
}

internal readonly struct LessOrEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x <= y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.LessOrEqual(x, y);
}

internal readonly struct GreaterOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x > y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Less(y, x);
}

internal readonly struct GreaterOrEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x >= y;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.LessOrEqual(y, x);
}
