using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>An associative operation with an identity, on elements and on registers of them.</summary>
internal interface IReducer<A>
    where A : unmanaged
{
    static abstract A Identity { get; }

    static abstract V Combine<R, V>(V x, V y)
        where R : struct, IRegister<A, V>
        where V : struct;

    /// <summary>The value combined <paramref name="count"/> times, at least once.</summary>
    static abstract A Repeat(A value, nint count);
}

internal readonly struct SumReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<R, V>(V x, V y)
        where R : struct, IRegister<A, V>
        where V : struct => R.Add(x, y);

    public static A Repeat(A value, nint count) => value * A.CreateTruncating(count);
}

internal readonly struct ProductReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<R, V>(V x, V y)
        where R : struct, IRegister<A, V>
        where V : struct => R.Multiply(x, y);

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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<R, V>(V x, V y)
        where R : struct, IRegister<A, V>
        where V : struct => R.Max(x, y);

    public static A Repeat(A value, nint count) => value;
}

internal readonly struct MinimumReducer<A> : IReducer<A>
    where A : unmanaged, INumber<A>
{
    public static A Identity => A.CreateSaturating(double.PositiveInfinity);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Combine<R, V>(V x, V y)
        where R : struct, IRegister<A, V>
        where V : struct => R.Min(x, y);

    public static A Repeat(A value, nint count) => value;
}
