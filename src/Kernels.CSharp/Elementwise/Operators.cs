using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>What a kernel needs to know of a function, whatever the number of its arguments.</summary>
internal interface IOperator
{
    /// <summary>Whether there is a vector form; without it the scalar form is applied to each element.</summary>
    static virtual bool IsVector => true;

    /// <summary>The time an element takes, as a multiple of an addition's: when to use more than one thread.</summary>
    static virtual int Cost => 1;
}

/// <summary>A function of one element.</summary>
internal interface IUnaryOperator<T> : IOperator
    where T : unmanaged, INumber<T>
{
    static abstract T Invoke(T x);

    static virtual V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => throw new NotSupportedException();
}

/// <summary>A function of two elements.</summary>
internal interface IBinaryOperator<T> : IOperator
    where T : unmanaged, INumber<T>
{
    static abstract T Invoke(T x, T y);

    static virtual V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => throw new NotSupportedException();
}

/// <summary>A relation between two elements.</summary>
internal interface ICompareOperator<T> : IOperator
    where T : unmanaged, INumber<T>
{
    static abstract bool Invoke(T x, T y);

    /// <summary>The mask of the elements of which the relation holds.</summary>
    static abstract V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T>;
}
