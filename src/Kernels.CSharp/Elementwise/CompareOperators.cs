using System.Numerics;

namespace Autodiff.Kernels;

internal readonly struct EqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x == y;
}

internal readonly struct NotEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x != y;
}

internal readonly struct LessOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x < y;
}

internal readonly struct LessOrEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x <= y;
}

internal readonly struct GreaterOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x > y;
}

internal readonly struct GreaterOrEqualOperator<T> : ICompareOperator<T>
    where T : unmanaged, INumber<T>
{
    public static bool Invoke(T x, T y) => x >= y;
}
