namespace Autodiff.Kernels;

/// <summary>A function of one element.</summary>
internal interface IUnaryOperator<T>
    where T : unmanaged
{
    static abstract T Invoke(T x);
}

/// <summary>A function of two elements.</summary>
internal interface IBinaryOperator<T>
    where T : unmanaged
{
    static abstract T Invoke(T x, T y);
}

/// <summary>A relation between two elements.</summary>
internal interface ICompareOperator<T>
    where T : unmanaged
{
    static abstract bool Invoke(T x, T y);
}
