namespace Autodiff.Kernels;

/// <summary>The kernels of functions of one tensor.</summary>
/// <remarks>
/// Results over tensors, at most this many units in the last place from the exact value, in both precisions: Log 1,
/// Exp 1.1, Erf 1.3, Log1p 1.5, Sin and Cos 1.6, Expm1, Softplus, Sigmoid and Tanh 2 (docs/accuracy.md); infinities, NaN,
/// signs of zeros and denormal numbers are right. An element's result depends neither on its position, nor on the vector
/// width, nor on the number of threads, but that of a lone number may differ in the last places, as Exp, Log, Sin, Cos
/// and Tanh of one number are the base library's, and so are the functions not named here. Arrays of these have vector forms in
/// double precision, some units off, from which float32 is rounded once.
/// </remarks>
public static class Unary
{
    /// <summary>-x; integers wrap.</summary>
    public static readonly UnaryKernel Negate =
        new NumberUnaryKernel<NegateOperator<float>, NegateOperator<double>, NegateOperator<int>,
            NegateOperator<long>, NegateOperator<short>,
            NegateOperator<sbyte>, NegateOperator<byte>>("negate", "-x");

    /// <summary>|x|; the least integer stays as it is.</summary>
    public static readonly UnaryKernel Abs =
        new NumberUnaryKernel<AbsOperator<float>, AbsOperator<double>, AbsOperator<int>,
            AbsOperator<long>, AbsOperator<short>,
            AbsOperator<sbyte>, AbsOperator<byte>>("abs", "fabs(x)");

    /// <summary>-1, 0 or 1 by the sign of x; a zero keeps its sign, NaN stays NaN.</summary>
    public static readonly UnaryKernel Sign =
        new NumberUnaryKernel<SignOperator<float>, SignOperator<double>, SignOperator<int>,
            SignOperator<long>, SignOperator<short>,
            SignOperator<sbyte>, SignOperator<byte>>("sign", "x > 0 ? 1 : x < 0 ? -1 : x");

    /// <summary>1 / x.</summary>
    public static readonly UnaryKernel Reciprocal =
        new FloatUnaryKernel<ReciprocalOperator<float>, ReciprocalOperator<double>>("reciprocal", "1 / x");

    /// <summary>x^2; integers wrap.</summary>
    public static readonly UnaryKernel Square =
        new NumberUnaryKernel<SquareOperator<float>, SquareOperator<double>, SquareOperator<int>,
            SquareOperator<long>, SquareOperator<short>,
            SquareOperator<sbyte>, SquareOperator<byte>>("square", "x * x");

    /// <summary>The square root of x; NaN below 0, and -0 at -0.</summary>
    public static readonly UnaryKernel Sqrt =
        new FloatUnaryKernel<SqrtOperator<float>, SqrtOperator<double>>("sqrt", "sqrt(x)");

    /// <summary>1 / sqrt(x).</summary>
    public static readonly UnaryKernel Rsqrt =
        new FloatUnaryKernel<RsqrtOperator<float>, RsqrtOperator<double>>("rsqrt", "rsqrt(x)");

    /// <summary>e^x.</summary>
    public static readonly UnaryKernel Exp =
        new FloatUnaryKernel<ExpOperator<float>, ExpOperator<double>>("exp", "exp(x)");

    /// <summary>e^x - 1, accurate near 0.</summary>
    public static readonly UnaryKernel Expm1 =
        new FloatUnaryKernel<Expm1Operator<float>, Expm1Operator<double>>("expm1", "expm1(x)");

    /// <summary>The natural logarithm of x; -inf at 0 and NaN below.</summary>
    public static readonly UnaryKernel Log =
        new FloatUnaryKernel<LogOperator<float>, LogOperator<double>>("log", "log(x)");

    /// <summary>log(1 + x), accurate near 0; -inf at -1 and NaN below.</summary>
    public static readonly UnaryKernel Log1p =
        new FloatUnaryKernel<Log1pOperator<float>, Log1pOperator<double>>("log1p", "log1p(x)");

    /// <summary>The sine of x in radians; NaN at infinities.</summary>
    public static readonly UnaryKernel Sin =
        new FloatUnaryKernel<SinOperator<float>, SinOperator<double>>("sin", "sin(x)");

    /// <summary>The cosine of x in radians; NaN at infinities.</summary>
    public static readonly UnaryKernel Cos =
        new FloatUnaryKernel<CosOperator<float>, CosOperator<double>>("cos", "cos(x)");

    /// <summary>The tangent of x in radians; NaN at infinities.</summary>
    public static readonly UnaryKernel Tan =
        new WideUnaryKernel<TanOperator<float>, TanOperator<double>>("tan", "tan(x)");

    /// <summary>The angle in -pi/2 to pi/2 with sine x; NaN outside -1 to 1.</summary>
    public static readonly UnaryKernel Asin =
        new WideUnaryKernel<AsinOperator<float>, AsinOperator<double>>("asin", "asin(x)");

    /// <summary>The angle in 0 to pi with cosine x; NaN outside -1 to 1.</summary>
    public static readonly UnaryKernel Acos =
        new WideUnaryKernel<AcosOperator<float>, AcosOperator<double>>("acos", "acos(x)");

    /// <summary>The angle in -pi/2 to pi/2 with tangent x.</summary>
    public static readonly UnaryKernel Atan =
        new WideUnaryKernel<AtanOperator<float>, AtanOperator<double>>("atan", "atan(x)");

    /// <summary>(e^x - e^-x) / 2.</summary>
    public static readonly UnaryKernel Sinh =
        new WideUnaryKernel<SinhOperator<float>, SinhOperator<double>>("sinh", "sinh(x)");

    /// <summary>(e^x + e^-x) / 2.</summary>
    public static readonly UnaryKernel Cosh =
        new WideUnaryKernel<CoshOperator<float>, CoshOperator<double>>("cosh", "cosh(x)");

    /// <summary>sinh(x) / cosh(x).</summary>
    public static readonly UnaryKernel Tanh =
        new FloatUnaryKernel<TanhOperator<float>, TanhOperator<double>>("tanh", "tanh(x)");

    /// <summary>1 / (1 + e^-x).</summary>
    public static readonly UnaryKernel Sigmoid =
        new FloatUnaryKernel<SigmoidOperator<float>, SigmoidOperator<double>>("sigmoid", "1 / (1 + exp(-x))");

    /// <summary>max(x, 0), where -0 gives 0 and NaN stays NaN.</summary>
    public static readonly UnaryKernel Relu =
        new NumberUnaryKernel<ReluOperator<float>, ReluOperator<double>, ReluOperator<int>,
            ReluOperator<long>, ReluOperator<short>,
            ReluOperator<sbyte>, ReluOperator<byte>>("relu", "x <= 0 ? 0 : x");

    /// <summary>log(1 + e^x), without overflow.</summary>
    public static readonly UnaryKernel Softplus =
        new FloatUnaryKernel<SoftplusOperator<float>, SoftplusOperator<double>>(
            "softplus", "fmax(x, 0) + log1p(exp(-fabs(x)))");

    /// <summary>The error function, 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x.</summary>
    public static readonly UnaryKernel Erf =
        new FloatUnaryKernel<ErfOperator<float>, ErfOperator<double>>("erf", "erf(x)");

    /// <summary>The cube root of x, with the sign of x.</summary>
    public static readonly UnaryKernel Cbrt =
        new WideUnaryKernel<CbrtOperator<float>, CbrtOperator<double>>("cbrt", "cbrt(x)");

    /// <summary>The number with hyperbolic sine x.</summary>
    public static readonly UnaryKernel Asinh =
        new WideUnaryKernel<AsinhOperator<float>, AsinhOperator<double>>("asinh", "asinh(x)");

    /// <summary>The number from 0 on with hyperbolic cosine x; NaN below 1.</summary>
    public static readonly UnaryKernel Acosh =
        new WideUnaryKernel<AcoshOperator<float>, AcoshOperator<double>>("acosh", "acosh(x)");

    /// <summary>The number with hyperbolic tangent x; infinite at -1 and 1, NaN outside.</summary>
    public static readonly UnaryKernel Atanh =
        new WideUnaryKernel<AtanhOperator<float>, AtanhOperator<double>>("atanh", "atanh(x)");

    /// <summary>
    /// log |gamma(x)|; inf at 0 and the negative integers. In double precision the error is below 2e-14 of the greater of
    /// 1 and the result, and near 1 and 2, where the result vanishes, a few units in its last place.
    /// </summary>
    public static readonly UnaryKernel LogGamma =
        new WideUnaryKernel<LogGammaOperator<float>, LogGammaOperator<double>>("lgamma", "lgamma(x)");

    /// <summary>The derivative of log gamma(x); infinite at zeros, against their sign, and NaN at negative integers.</summary>
    public static readonly UnaryKernel Digamma =
        new WideUnaryKernel<DigammaOperator<float>, DigammaOperator<double>>("digamma", "digamma(x)");

    /// <summary>1 - erf(x), accurate where it is small.</summary>
    public static readonly UnaryKernel Erfc =
        new WideUnaryKernel<ErfcOperator<float>, ErfcOperator<double>>("erfc", "erfc(x)");

    /// <summary>The number whose error function is x; infinite at -1 and 1, NaN outside.</summary>
    public static readonly UnaryKernel Erfinv =
        new WideUnaryKernel<ErfinvOperator<float>, ErfinvOperator<double>>("erfinv", "erfinv(x)");

    /// <summary>The number whose complementary error function is x; infinite at 0 and 2, NaN outside.</summary>
    public static readonly UnaryKernel Erfcinv =
        new FloatUnaryKernel<ErfcinvOperator<float>, ErfcinvOperator<double>>("erfcinv", "erfcinv(x)");

    /// <summary>The greatest integer not above x.</summary>
    public static readonly UnaryKernel Floor =
        new FloatUnaryKernel<FloorOperator<float>, FloorOperator<double>>("floor", "floor(x)");

    /// <summary>The least integer not below x.</summary>
    public static readonly UnaryKernel Ceiling =
        new FloatUnaryKernel<CeilingOperator<float>, CeilingOperator<double>>("ceiling", "ceil(x)");

    /// <summary>The integer nearest to x, the even one of two equally near.</summary>
    public static readonly UnaryKernel Round =
        new FloatUnaryKernel<RoundOperator<float>, RoundOperator<double>>("round", "rint(x)");

    /// <summary>The integer part of x, towards 0.</summary>
    public static readonly UnaryKernel Truncate =
        new FloatUnaryKernel<TruncateOperator<float>, TruncateOperator<double>>("truncate", "trunc(x)");

    /// <summary>The other truth value, for bool alone.</summary>
    public static readonly UnaryKernel Not = new BoolUnaryKernel<NotOperator>("not", "!x");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<UnaryKernel> All { get; } =
    [
        Negate, Abs, Sign, Reciprocal, Square, Sqrt, Rsqrt, Exp, Expm1, Log, Log1p, Sin, Cos, Tan, Asin, Acos, Atan,
        Sinh, Cosh, Tanh, Sigmoid, Relu, Softplus, Erf, Floor, Ceiling, Round, Truncate, Not, Cbrt,
        Asinh, Acosh, Atanh, LogGamma, Digamma, Erfc, Erfinv, Erfcinv,
    ];
}
