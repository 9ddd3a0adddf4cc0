using System.Numerics;

namespace Autodiff.Kernels;

internal readonly struct NegateOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => unchecked(-x);
}

internal readonly struct AbsOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    // Not T.Abs, which throws for the least integer.
    public static T Invoke(T x) => T.IsNegative(x) ? unchecked(-x) : x;
}

internal readonly struct SignOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => x > T.Zero ? T.One : x < T.Zero ? -T.One : x;
}

internal readonly struct ReluOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => x <= T.Zero ? T.Zero : x;
}

internal readonly struct SquareOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => unchecked(x * x);
}

internal readonly struct ReciprocalOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.One / x;
}

internal readonly struct SqrtOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sqrt(x);
}

internal readonly struct RsqrtOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.One / T.Sqrt(x);
}

internal readonly struct ExpOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Exp(x);
}

internal readonly struct Expm1Operator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => ScalarMath.Expm1(x);
}

internal readonly struct LogOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Log(x);
}

internal readonly struct Log1pOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => ScalarMath.Log1p(x);
}

internal readonly struct SinOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sin(x);
}

internal readonly struct CosOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Cos(x);
}

internal readonly struct TanOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Tan(x);
}

internal readonly struct AsinOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Asin(x);
}

internal readonly struct AcosOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Acos(x);
}

internal readonly struct AtanOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Atan(x);
}

internal readonly struct SinhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sinh(x);
}

internal readonly struct CoshOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Cosh(x);
}

internal readonly struct TanhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Tanh(x);
}

internal readonly struct SigmoidOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.One / (T.One + T.Exp(-x));
}

internal readonly struct SoftplusOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // The part that can overflow is left out of the exponential.
    public static T Invoke(T x) => T.Max(x, T.Zero) + ScalarMath.Log1p(T.Exp(-T.Abs(x)));
}

internal readonly struct ErfOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.CreateTruncating(ScalarMath.Erf(double.CreateTruncating(x)));
}

internal readonly struct FloorOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Floor(x);
}

internal readonly struct CeilingOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Ceiling(x);
}

internal readonly struct RoundOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Round(x);
}

internal readonly struct TruncateOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Truncate(x);
}

/// <summary>On truth values stored as bytes 0 and 1.</summary>
internal readonly struct NotOperator : IUnaryOperator<byte>
{
    public static byte Invoke(byte x) => (byte)(x ^ 1);
}
