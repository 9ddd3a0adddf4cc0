using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

internal readonly struct CbrtOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Cbrt(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Cbrt<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct AsinhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Asinh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Asinh<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 24;
}

internal readonly struct AcoshOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Acosh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Acosh<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 24;
}

internal readonly struct AtanhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Atanh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Atanh<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 24;
}

// The rest is computed in double precision and rounded once.
internal readonly struct LogGammaOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(GammaFunctions.LogGamma(double.CreateTruncating(x)));

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => GammaVectors.LogGamma<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 32;
}

internal readonly struct DigammaOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(GammaFunctions.Digamma(double.CreateTruncating(x)));

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => GammaVectors.Digamma<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 32;
}

internal readonly struct ErfcOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(ErrorFunctionTails.Complement(double.CreateTruncating(x)));

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => ErrorFunctionVectors.Complement<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 24;
}

internal readonly struct ErfinvOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(ErrorFunctionTails.Inverse(double.CreateTruncating(x)));

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => ErrorFunctionVectors.Inverse<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 32;
}

internal readonly struct ErfcinvOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(ErrorFunctionTails.InverseComplement(double.CreateTruncating(x)));

    public static bool IsVector => false;

    public static int Cost => 256;
}

internal readonly struct PolygammaOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) =>
        T.CreateTruncating(GammaFunctions.Polygamma(double.CreateTruncating(x), double.CreateTruncating(y)));

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => GammaVectors.Polygamma<V, T>(x, y);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 64;
}

internal readonly struct HypotOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => T.Hypot(x, y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Hypot<V, T>(x, y);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 4;
}

internal readonly struct LogAddExpOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => Logarithms.LogAddExp<V1<T>, T>(new(x), new(y)).First;

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Logarithms.LogAddExp<V, T>(x, y);

    public static int Cost => 12;
}

internal readonly struct CopySignOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => T.CopySign(x, y);

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => V.Abs(x) | y & V.Constant(-0.0);
}

internal readonly struct RemainderOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y)
    {
        T r = x % y;
        if (r == T.Zero) return T.CopySign(r, y);
        return r < T.Zero != y < T.Zero ? r + y : r;
    }

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Quotients.Remainder<V, T>(x, y);

    public static int Cost => 6;
}

internal readonly struct FloorDivideOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y)
    {
        if (y == T.Zero) return x / y;

        // The quotient of what the remainder leaves is whole up to rounding; x / y itself might round across a whole number.
        T r = x % y;
        T quotient = (x - r) / y;
        if (r != T.Zero && r < T.Zero != y < T.Zero) quotient -= T.One;
        return quotient == T.Zero ? T.CopySign(quotient, x / y) : T.Round(quotient);
    }

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Quotients.Floor<V, T>(x, y);

    public static int Cost => 6;
}

internal readonly struct IntegerRemainderOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y)
    {
        // The processor traps the division of the least integer by -1.
        if (T.IsNegative(y) && y == -T.One) return T.Zero;
        T r = x % y;
        return r != T.Zero && T.IsNegative(r) != T.IsNegative(y) ? r + y : r;
    }

    public static bool IsVector => false;

    public static int Cost => 16;
}

internal readonly struct IntegerFloorDivideOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y)
    {
        if (T.IsNegative(y) && y == -T.One) return unchecked(-x);
        T quotient = x / y;
        return quotient * y != x && T.IsNegative(x) != T.IsNegative(y) ? quotient - T.One : quotient;
    }

    public static bool IsVector => false;

    public static int Cost => 16;
}

internal readonly struct LdexpOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y) => T.IsNaN(y) ? y : T.ScaleB(x, int.CreateSaturating(y));

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Spacings.Ldexp<V, T>(x, y);

    public static int Cost => 3;
}

internal readonly struct NextAfterOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x, T y)
    {
        if (x == y) return y;
        if (x == T.Zero) return T.CopySign(T.Epsilon, y) + (T.IsNaN(y) ? y : T.Zero);
        return x < y ? T.BitIncrement(x) : x > y ? T.BitDecrement(x) : T.NaN;
    }

    public static V Invoke<V>(V x, V y)
        where V : unmanaged, IVector<V, T> => Spacings.NextAfter<V, T>(x, y);

    public static int Cost => 3;
}

internal readonly struct GcdOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y)
    {
        while (y != T.Zero)
        {
            // The processor traps the division of the least integer by -1.
            (x, y) = (y, T.IsNegative(y) && y == -T.One ? T.Zero : x % y);
        }

        return T.IsNegative(x) ? unchecked(-x) : x;
    }

    public static bool IsVector => false;

    public static int Cost => 256;
}

internal readonly struct LeftShiftOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y) => Shifts.IsWithin(y) ? x << int.CreateTruncating(y) : T.Zero;

    public static bool IsVector => false;
}

internal readonly struct RightShiftOperator<T> : IBinaryOperator<T>
    where T : unmanaged, IBinaryInteger<T>
{
    public static T Invoke(T x, T y) =>
        Shifts.IsWithin(y) ? x >> int.CreateTruncating(y) : T.IsNegative(x) ? -T.One : T.Zero;

    public static bool IsVector => false;
}

internal static class Shifts
{
    /// <summary>Whether a shift by this many bits leaves some; the processor would take the number modulo the width.</summary>
    internal static bool IsWithin<T>(T count)
        where T : unmanaged, IBinaryInteger<T> =>
        !T.IsNegative(count) && count < T.CreateTruncating(8 * Unsafe.SizeOf<T>());
}
