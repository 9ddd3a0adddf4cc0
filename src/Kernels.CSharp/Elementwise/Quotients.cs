using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Whole quotients and what they leave. As long as a quotient is a whole number of the type, x - q y is exact, and its sign
/// tells whether x / y was rounded up to a whole number; longer ones go to the base library one by one.
/// </summary>
internal static class Quotients
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    [MethodImpl(Inline)]
    internal static V Remainder<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V q = Whole<V, T>(x, y, out V r, out V regular);
        r = V.Select(V.Equal(r, V.Constant(0)), y & V.Constant(-0.0), r);
        V irregular = V.Not(regular);
        return V.Any(irregular) ? Lanes.Patch<V, T, RemainderLane>(x, y, irregular, r) : r;
    }

    [MethodImpl(Inline)]
    internal static V Floor<V, T>(V x, V y)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V q = Whole<V, T>(x, y, out _, out V regular);
        V irregular = V.Not(regular);
        return V.Any(irregular) ? Lanes.Patch<V, T, FloorLane>(x, y, irregular, q) : q;
    }

    /// <summary>The greatest whole number not above x / y, what it leaves, and where both are right.</summary>
    [MethodImpl(Inline)]
    private static V Whole<V, T>(V x, V y, out V r, out V regular)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        V zero = V.Constant(0), one = V.Constant(1), sign = V.Constant(-0.0);
        V quotient = x / y, q = V.Floor(quotient);
        r = V.Fma(-q, y, x);

        // With the sign of y taken off, it is not below 0.
        V isLow = V.Less(r ^ y & sign, zero), size = V.Abs(y);
        r = V.Select(isLow, r + y, r);
        q = V.Select(isLow, q - one, q);
        q = V.Select(V.Equal(q, zero), quotient & sign, q);

        // A divisor near the least number would lose the digits of r.
        V limit = V.Constant(typeof(T) == typeof(float) ? 1 << 22 : 1L << 51);
        regular = V.Less(V.Abs(quotient), limit) & V.Less(size, V.Constant(double.PositiveInfinity));
        regular &= V.Less(V.Constant(typeof(T) == typeof(float) ? 1e-30 : 1e-290), size);
        return q;
    }

    private readonly struct RemainderLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => RemainderOperator<float>.Invoke(x, y);

        public static double Invoke(double x, double y) => RemainderOperator<double>.Invoke(x, y);
    }

    private readonly struct FloorLane : ILaneOperator
    {
        public static float Invoke(float x, float y) => FloorDivideOperator<float>.Invoke(x, y);

        public static double Invoke(double x, double y) => FloorDivideOperator<double>.Invoke(x, y);
    }
}
