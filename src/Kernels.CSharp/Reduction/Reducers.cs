using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>An associative operation with an identity, on elements and on vectors of them.</summary>
internal interface IReducer<A>
    where A : unmanaged, INumber<A>
{
    static abstract A Identity { get; }

    static abstract A Combine(A x, A y);

    static abstract V Combine<V>(V x, V y)
        where V : unmanaged, IVector<V, A>;

    /// <summary>The value combined <paramref name="count"/> times, at least once.</summary>
    static abstract A Repeat(A value, nint count);
}

internal readonly struct SumReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.Zero;

    public static A Combine(A x, A y) => x + y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<V>(V x, V y)
        where V : unmanaged, IVector<V, A> => x + y;

    public static A Repeat(A value, nint count) => value * A.CreateTruncating(count);
}

internal readonly struct ProductReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.One;

    public static A Combine(A x, A y) => x * y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<V>(V x, V y)
        where V : unmanaged, IVector<V, A> => x * y;

    public static A Repeat(A value, nint count)
    {
        A power = A.One;
        for (A square = value; count != 0; count >>= 1, square *= square)
        {
            if ((count & 1) != 0) power *= square;
        }

        return power;
    }
}

internal readonly struct MaximumReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.CreateSaturating(double.NegativeInfinity);

    public static A Combine(A x, A y) => A.Max(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<V>(V x, V y)
        where V : unmanaged, IVector<V, A> => V.Max(x, y);

    public static A Repeat(A value, nint count) => value;
}

internal readonly struct MinimumReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.CreateSaturating(double.PositiveInfinity);

    public static A Combine(A x, A y) => A.Min(x, y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<V>(V x, V y)
        where V : unmanaged, IVector<V, A> => V.Min(x, y);

    public static A Repeat(A value, nint count) => value;
}
