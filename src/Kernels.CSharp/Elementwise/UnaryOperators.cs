using System.Numerics;

namespace Autodiff.Kernels;

// The scalar forms are those of the base library, or, where it has none or one that cancels, the vector form's.
internal readonly struct NegateOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => unchecked(-x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => -x;
}

internal readonly struct AbsOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    // Not T.Abs, which throws for the least integer.
    public static T Invoke(T x) => T.IsNegative(x) ? unchecked(-x) : x;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Abs(x);
}

internal readonly struct SignOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => x > T.Zero ? T.One : x < T.Zero ? -T.One : x;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double)
            ? V.Select(V.Less(V.Constant(0), V.Abs(x)), V.Constant(1) | x & V.Constant(-0.0), x)
            : V.Select(
                V.Less(V.Splat(T.Zero), x), V.Splat(T.One),
                V.Select(V.Less(x, V.Splat(T.Zero)), V.Splat(unchecked(T.Zero - T.One)), x));
}

internal readonly struct ReluOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => x <= T.Zero ? T.Zero : x;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Select(V.LessOrEqual(x, V.Splat(T.Zero)), V.Splat(T.Zero), x);
}

internal readonly struct SquareOperator<T> : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
{
    public static T Invoke(T x) => unchecked(x * x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => x * x;
}

internal readonly struct ReciprocalOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.One / x;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Constant(1) / x;
}

internal readonly struct SqrtOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sqrt(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Sqrt(x);
}

internal readonly struct RsqrtOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.One / T.Sqrt(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Constant(1) / V.Sqrt(x);
}

internal readonly struct ExpOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Exp(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Exp<V, T>(x);

    public static int Cost => 3;
}

internal readonly struct Expm1Operator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => Exponentials.Expm1<V1<T>, T>(new(x)).First;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Expm1<V, T>(x);

    public static int Cost => 4;
}

internal readonly struct LogOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Log(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Logarithms.Log<V, T>(x);

    public static int Cost => 5;
}

internal readonly struct Log1pOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => Logarithms.Log1p<V1<T>, T>(new(x)).First;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Logarithms.Log1p<V, T>(x);

    public static int Cost => 8;
}

internal readonly struct SinOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sin(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Trigonometry.Sin<V, T>(x);

    public static int Cost => 5;
}

internal readonly struct CosOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Cos(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Trigonometry.Cos<V, T>(x);

    public static int Cost => 5;
}

internal readonly struct TanOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Tan(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Trigonometry.Tan<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct AsinOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Asin(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Asin<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct AcosOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Acos(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Acos<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct AtanOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Atan(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => InverseFunctions.Atan<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct SinhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Sinh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Sinh<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct CoshOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Cosh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Cosh<V, T>(x);

    public static bool IsVector => typeof(T) == typeof(double);

    public static int Cost => 16;
}

internal readonly struct TanhOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Tanh(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Tanh<V, T>(x);

    public static int Cost => 6;
}

internal readonly struct SigmoidOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => Exponentials.Sigmoid<V1<T>, T>(new(x)).First;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Exponentials.Sigmoid<V, T>(x);

    public static int Cost => 4;
}

internal readonly struct SoftplusOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => Logarithms.Softplus<V1<T>, T>(new(x)).First;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => Logarithms.Softplus<V, T>(x);

    public static int Cost => 12;
}

internal readonly struct ErfOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => ErrorFunction.Erf<V1<T>, T>(new(x)).First;

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => ErrorFunction.Erf<V, T>(x);

    public static int Cost => 8;
}

internal readonly struct FloorOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Floor(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Floor(x);
}

internal readonly struct CeilingOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Ceiling(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Ceiling(x);
}

internal readonly struct RoundOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Round(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Round(x);
}

internal readonly struct TruncateOperator<T> : IUnaryOperator<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static T Invoke(T x) => T.Truncate(x);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, T> => V.Truncate(x);
}

/// <summary>On truth values stored as bytes 0 and 1.</summary>
internal readonly struct NotOperator : IUnaryOperator<byte>
{
    public static byte Invoke(byte x) => (byte)(x ^ 1);

    public static V Invoke<V>(V x)
        where V : unmanaged, IVector<V, byte> => x ^ V.Splat(1);
}
