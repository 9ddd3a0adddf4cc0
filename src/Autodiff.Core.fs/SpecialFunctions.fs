namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Functions of each element, as F# functions of tensors. Integers become float32 where a function needs floats.
[<AutoOpen>]
module SpecialFunctions =
    let private constant (x: Tensor) value = Tensor.ScalarOf(x, value)

    let private floating x = Elementwise.floating "a function of each element" x

    // What is composed, and computed in one pass where no derivative is asked for.

    let private geluOf =
        OnePass(fun inputs ->
            // erf runs some times as fast as erfc, which would keep all digits of what nearly vanishes.
            let x = inputs[0]
            x * (Tensor.Erf(x * Math.Sqrt 0.5) + 1.0) * 0.5)

    let private siluOf = OnePass(fun inputs -> inputs[0] * Tensor.Sigmoid inputs[0])

    let private geluTanhOf =
        OnePass(fun inputs ->
            let x = inputs[0]
            x * (Tensor.Tanh((x + Tensor.Square x * x * 0.044715) * Math.Sqrt(2.0 / Math.PI)) + 1.0) * 0.5)

    let private mishOf = OnePass(fun inputs -> inputs[0] * Tensor.Tanh(Tensor.Softplus inputs[0]))

    /// The exponential linear unit of x times a number, times another below 0.
    let private exponentialUnit (x: Tensor) (alpha: Tensor) =
        let isPositive = Tensor.Greater(x, constant x 0.0)
        // The exponential is kept from positive x, where it may overflow.
        Tensor.Where(isPositive, x, Tensor.Expm1(Tensor.Where(isPositive, constant x 0.0, x)) * alpha)

    let private eluOf = OnePass(fun inputs -> exponentialUnit inputs[0] inputs[1])

    let private seluOf =
        OnePass(fun inputs -> exponentialUnit inputs[0] (constant inputs[0] 1.6732632423543772) * 1.0507009873554805)

    let private celuOf =
        OnePass(fun inputs -> exponentialUnit (inputs[0] * inputs[1]) (constant inputs[0] 1.0) * inputs[2])

    let private hardSigmoidOf =
        OnePass(fun inputs ->
            let y = inputs[0] * (1.0 / 6.0) + 0.5
            let zero, one = constant y 0.0, constant y 1.0
            let y = Tensor.Where(Tensor.Less(y, zero), zero, y)
            Tensor.Where(Tensor.Greater(y, one), one, y))

    let private hardSwishOf = OnePass(fun inputs -> inputs[0] * hardSigmoidOf.Apply(floating inputs[0]))
    let private softsignOf = OnePass(fun inputs -> inputs[0] / (Tensor.Abs inputs[0] + 1.0))
    let private logSigmoidOf = OnePass(fun inputs -> -(Tensor.Softplus(-inputs[0])))

    let private finiteOf =
        OnePass(fun inputs ->
            let x = inputs[0]
            let isInfinite = Tensor.EqualTo(Tensor.Abs x, constant x Double.PositiveInfinity)
            let bounded = Tensor.Where(isInfinite, Tensor.Signum x * inputs[1], x)
            Tensor.Where(Tensor.NotEqualTo(x, x), constant x 0.0, bounded))

    /// The cube root, with the sign of x; an infinite derivative at 0.
    let cbrt (x: Tensor) : Tensor = cbrtP.Apply x
    /// 2 to the power x.
    let exp2 (x: Tensor) : Tensor = Tensor.Pow(2.0, floating x)
    /// exp x - 1, exact near 0.
    let expm1 (x: Tensor) : Tensor = Tensor.Expm1 x
    /// log (1 + x), exact near 0.
    let log1p (x: Tensor) : Tensor = Tensor.Log1p x
    /// The logarithm to base 2; -infinity at 0, NaN below.
    let log2 (x: Tensor) : Tensor = Tensor.Log x * (1.0 / Math.Log 2.0)
    /// The number with this hyperbolic sine.
    let asinh (x: Tensor) : Tensor = asinhP.Apply x
    /// The number from 0 on with this hyperbolic cosine; NaN below 1, and an infinite derivative at 1.
    let acosh (x: Tensor) : Tensor = acoshP.Apply x
    /// The number with this hyperbolic tangent; infinite at -1 and 1, NaN outside.
    let atanh (x: Tensor) : Tensor = atanhP.Apply x
    /// 1 - erf x, exact where it is small.
    let erfc (x: Tensor) : Tensor = erfcP.Apply x
    /// The number whose error function is x; infinite at -1 and 1, NaN outside.
    let erfinv (x: Tensor) : Tensor = erfinvP.Apply x
    /// The number whose 1 - erf is x, exact where x is small; infinite at 0 and 2, NaN outside.
    let erfcinv (x: Tensor) : Tensor = erfcinvP.Apply x
    /// log |gamma x|, of which exp is the factorial of x - 1; infinite at 0 and the negative integers.
    let lgamma (x: Tensor) : Tensor = lgammaP.Apply x
    /// The derivative of log gamma x; NaN at the negative integers.
    let digamma (x: Tensor) : Tensor = digammaP.Apply x
    /// The derivative of order n of digamma, for n from 0; infinity (odd n) or NaN (even n) at 0 and the negative integers.
    let polygamma (n: int) (x: Tensor) : Tensor = Elementwise.polygamma n x

    /// log (exp x + exp y), without overflow.
    let logAddExp (x: Tensor) (y: Tensor) : Tensor = logAddExpP.Apply(x, y)
    /// sqrt (x^2 + y^2), without overflow; the derivative at 0, 0 is 0.
    let hypot (x: Tensor) (y: Tensor) : Tensor = hypotP.Apply(x, y)
    /// |x| with the sign of y. The derivative with respect to y is 0, as is that with respect to x at 0.
    let copySign (x: Tensor) (y: Tensor) : Tensor = copySignP.Apply(x, y)
    /// x - y floor (x / y): what division leaves, with the sign of y as in Python and NumPy. NaN for y = 0, an error among
    /// integers. At jumps the derivative is that of the line.
    let remainder (x: Tensor) (y: Tensor) : Tensor = remainderP.Apply(x, y)
    /// The largest integer not above x / y, of the type of x and y; its derivative is 0. An error for integers and y = 0.
    let floorDivide (x: Tensor) (y: Tensor) : Tensor = floorDivideP.Apply(x, y)
    /// x log y, and 0 where x is 0, whatever y is.
    let xlogy (x: Tensor) (y: Tensor) : Tensor =
        let isZero = Tensor.EqualTo(x, constant x 0.0)
        Tensor.Where(
            isZero,
            constant (floating x) 0.0,
            x * Tensor.Log(Tensor.Where(isZero, constant (floating y) 1.0, y))
        )

    // Truth values.

    /// Whether elements are NaN.
    let isNaN (x: Tensor) : Tensor = Tensor.NotEqualTo(x, x)

    /// Whether elements are plus or minus infinity.
    let isInfinite (x: Tensor) : Tensor =
        Tensor.NotNull("isInfinite", x)
        if DTypes.IsFloat x.DType then
            Tensor.EqualTo(Tensor.Abs x, constant x Double.PositiveInfinity)
        else
            Tensor.NotEqualTo(x, x)

    /// Whether elements are neither infinite nor NaN.
    let isFinite (x: Tensor) : Tensor =
        Tensor.NotNull("isFinite", x)
        if DTypes.IsFloat x.DType then
            Tensor.Less(Tensor.Abs x, constant x Double.PositiveInfinity)
        else
            Tensor.EqualTo(x, x)

    /// x with NaN replaced by 0 and infinities by the largest finite numbers; the derivative there is 0.
    let nanToNum (x: Tensor) : Tensor =
        Tensor.NotNull("nanToNum", x)
        if DTypes.IsFloat x.DType then
            finiteOf.Apply(x, constant x (DTypes.Largest x.DType))
        else
            x

    // Integers.

    /// The bits of integers inverted; the opposite of truth values.
    let bitwiseNot (x: Tensor) : Tensor =
        Tensor.NotNull("bitwiseNot", x)
        if x.DType = DType.Bool then
            Tensor.Not x
        else
            Tensor.Xor(x, constant x (if x.DType = DType.UInt8 then 255.0 else -1.0))

    /// The bits of integers moved up by y places; 0 if y is negative or not below the number of bits.
    let leftShift (x: Tensor) (y: Tensor) : Tensor = leftShiftP.Apply(x, y)
    /// The bits of integers moved down by y places with copies of the sign; only these if y is negative or too large.
    let rightShift (x: Tensor) (y: Tensor) : Tensor = rightShiftP.Apply(x, y)

    // Angles.

    /// Degrees as radians.
    let deg2rad (x: Tensor) : Tensor = floating x * (Math.PI / 180.0)
    /// Radians as degrees.
    let rad2deg (x: Tensor) : Tensor = floating x * (180.0 / Math.PI)

    // Activations of networks.

    /// The Gaussian error linear unit, x P(X <= x) with a normal X: x (1 + erf (x / sqrt 2)) / 2 (Hendrycks, Gimpel 2016).
    /// Far below 0, where it nearly vanishes, its absolute error stays small.
    let gelu (x: Tensor) : Tensor = geluOf.Apply(floating x)

    /// The sigmoid linear unit, x sigmoid x.
    let silu (x: Tensor) : Tensor = siluOf.Apply x

    /// gelu by a hyperbolic tangent, x (1 + tanh (sqrt (2 / pi) (x + 0.044715 x^3))) / 2, as older models were trained.
    let geluTanh (x: Tensor) : Tensor = geluTanhOf.Apply(floating x)

    /// x tanh (log (1 + exp x)) (Misra 2019).
    let mish (x: Tensor) : Tensor = mishOf.Apply(floating x)

    /// x where it is positive, alpha (exp x - 1) elsewhere; the derivative at 0 is alpha.
    let elu (alpha: float) (x: Tensor) : Tensor =
        let x = floating x
        eluOf.Apply(x, constant x alpha)

    /// The scaled exponential linear unit, which keeps mean 0 and variance 1 (Klambauer et al. 2017).
    let selu (x: Tensor) : Tensor = seluOf.Apply(floating x)
    /// x where it is positive, alpha (exp (x / alpha) - 1) elsewhere; the derivative is continuous (Barron 2017).
    let celu (alpha: float) (x: Tensor) : Tensor =
        let x = floating x
        celuOf.Apply(x, constant x (1.0 / alpha), constant x alpha)


    /// x where it is positive, slope x elsewhere, with slopes that are learned and broadcast; the derivative at 0 is the slope.
    let prelu (slope: Tensor) (x: Tensor) : Tensor = Tensor.Where(Tensor.Greater(x, constant x 0.0), x, slope * x)

    /// x kept between 0 and 6; the derivative at both ends is 1.
    let relu6 (x: Tensor) : Tensor = Tensor.clamp 0.0 6.0 x

    /// (x + 3) / 6 kept between 0 and 1.
    let hardSigmoid (x: Tensor) : Tensor = hardSigmoidOf.Apply(floating x)
    /// x kept between -1 and 1.
    let hardTanh (x: Tensor) : Tensor = Tensor.clamp -1.0 1.0 x
    /// x times hardSigmoid x (Howard et al. 2019).
    let hardSwish (x: Tensor) : Tensor = hardSwishOf.Apply x
    /// x / (1 + |x|).
    let softsign (x: Tensor) : Tensor = softsignOf.Apply(floating x)
    /// log (sigmoid x), without overflow.
    let logSigmoid (x: Tensor) : Tensor = logSigmoidOf.Apply(floating x)

/// The functions of each element as methods, for both languages: `x.Gelu()`, `x.Remainder(y)`.
[<Extension>]
type SpecialFunctionExtensions =
    /// The cube root, with the sign of x; an infinite derivative at 0.
    [<Extension>]
    static member Cbrt(x: Tensor) : Tensor = cbrt x

    /// 2 to the power x.
    [<Extension>]
    static member Exp2(x: Tensor) : Tensor = exp2 x

    /// The logarithm to base 2; -infinity at 0, NaN below.
    [<Extension>]
    static member Log2(x: Tensor) : Tensor = log2 x

    /// The number with this hyperbolic sine.
    [<Extension>]
    static member Asinh(x: Tensor) : Tensor = asinh x

    /// The number from 0 on with this hyperbolic cosine; NaN below 1.
    [<Extension>]
    static member Acosh(x: Tensor) : Tensor = acosh x

    /// The number with this hyperbolic tangent; infinite at -1 and 1, NaN outside.
    [<Extension>]
    static member Atanh(x: Tensor) : Tensor = atanh x

    /// 1 - erf x, exact where it is small.
    [<Extension>]
    static member Erfc(x: Tensor) : Tensor = erfc x

    /// The number whose error function is x; infinite at -1 and 1, NaN outside.
    [<Extension>]
    static member Erfinv(x: Tensor) : Tensor = erfinv x

    /// The number whose 1 - erf is x, exact where x is small.
    [<Extension>]
    static member Erfcinv(x: Tensor) : Tensor = erfcinv x

    /// log |gamma x|; infinite at 0 and the negative integers.
    [<Extension>]
    static member Lgamma(x: Tensor) : Tensor = lgamma x

    /// The derivative of log gamma x; NaN at the negative integers.
    [<Extension>]
    static member Digamma(x: Tensor) : Tensor = digamma x

    /// The derivative of order n of digamma, for n from 0.
    [<Extension>]
    static member Polygamma(x: Tensor, n: int) : Tensor = polygamma n x

    /// log (exp x + exp y), without overflow.
    [<Extension>]
    static member LogAddExp(x: Tensor, y: Tensor) : Tensor = logAddExp x y

    /// sqrt (x^2 + y^2), without overflow; the derivative at 0, 0 is 0.
    [<Extension>]
    static member Hypot(x: Tensor, y: Tensor) : Tensor = hypot x y

    /// |x| with the sign of y.
    [<Extension>]
    static member CopySign(x: Tensor, y: Tensor) : Tensor = copySign x y

    /// x - y floor (x / y): what division leaves, with the sign of y.
    [<Extension>]
    static member Remainder(x: Tensor, y: Tensor) : Tensor = remainder x y

    /// The largest integer not above x / y; its derivative is 0.
    [<Extension>]
    static member FloorDivide(x: Tensor, y: Tensor) : Tensor = floorDivide x y

    /// x log y, and 0 where x is 0.
    [<Extension>]
    static member XLogY(x: Tensor, y: Tensor) : Tensor = xlogy x y

    /// Elements kept between two bounds; outside them the derivative is 0.
    [<Extension>]
    static member Clamp(x: Tensor, low: float, high: float) : Tensor = Tensor.clamp low high x

    /// Whether elements are NaN.
    [<Extension>]
    static member IsNaN(x: Tensor) : Tensor = isNaN x

    /// Whether elements are plus or minus infinity.
    [<Extension>]
    static member IsInfinite(x: Tensor) : Tensor = isInfinite x

    /// Whether elements are neither infinite nor NaN.
    [<Extension>]
    static member IsFinite(x: Tensor) : Tensor = isFinite x

    /// NaN replaced by 0 and infinities by the largest finite numbers.
    [<Extension>]
    static member NanToNum(x: Tensor) : Tensor = nanToNum x

    /// The bits of integers inverted; the opposite of truth values.
    [<Extension>]
    static member BitwiseNot(x: Tensor) : Tensor = bitwiseNot x

    /// The bits of integers moved up by y places.
    [<Extension>]
    static member LeftShift(x: Tensor, y: Tensor) : Tensor = leftShift x y

    /// The bits of integers moved down by y places, with copies of the sign.
    [<Extension>]
    static member RightShift(x: Tensor, y: Tensor) : Tensor = rightShift x y

    /// Degrees as radians.
    [<Extension>]
    static member Deg2Rad(x: Tensor) : Tensor = deg2rad x

    /// Radians as degrees.
    [<Extension>]
    static member Rad2Deg(x: Tensor) : Tensor = rad2deg x

    /// The Gaussian error linear unit, x (1 + erf (x / sqrt 2)) / 2.
    [<Extension>]
    static member Gelu(x: Tensor) : Tensor = gelu x

    /// gelu by a hyperbolic tangent.
    [<Extension>]
    static member GeluTanh(x: Tensor) : Tensor = geluTanh x

    /// x tanh (log (1 + exp x)).
    [<Extension>]
    static member Mish(x: Tensor) : Tensor = mish x

    /// x where it is positive, alpha (exp (x / alpha) - 1) elsewhere; the derivative is continuous.
    [<Extension>]
    static member Celu(x: Tensor, [<Optional; DefaultParameterValue(1.0)>] alpha: float) : Tensor = celu alpha x

    /// x where it is positive, slope x elsewhere, with slopes that broadcast; the derivative at 0 is the slope.
    [<Extension>]
    static member PRelu(x: Tensor, slope: Tensor) : Tensor = prelu slope x

    /// x kept between 0 and 6.
    [<Extension>]
    static member Relu6(x: Tensor) : Tensor = relu6 x

    /// x times HardSigmoid of x.
    [<Extension>]
    static member HardSwish(x: Tensor) : Tensor = hardSwish x

    /// The sigmoid linear unit, x sigmoid x.
    [<Extension>]
    static member Silu(x: Tensor) : Tensor = silu x

    /// x where it is positive, alpha (exp x - 1) elsewhere; the derivative at 0 is alpha.
    [<Extension>]
    static member Elu(x: Tensor, [<Optional; DefaultParameterValue(1.0)>] alpha: float) : Tensor = elu alpha x

    /// The scaled exponential linear unit.
    [<Extension>]
    static member Selu(x: Tensor) : Tensor = selu x

    /// x where it is positive, slope x elsewhere; the derivative at 0 is the slope.
    [<Extension>]
    static member LeakyRelu(x: Tensor, [<Optional; DefaultParameterValue(0.01)>] slope: float) : Tensor =
        Tensor.leakyRelu slope x

    /// (x + 3) / 6 kept between 0 and 1.
    [<Extension>]
    static member HardSigmoid(x: Tensor) : Tensor = hardSigmoid x

    /// x kept between -1 and 1.
    [<Extension>]
    static member HardTanh(x: Tensor) : Tensor = hardTanh x

    /// x / (1 + |x|).
    [<Extension>]
    static member Softsign(x: Tensor) : Tensor = softsign x

    /// log (sigmoid x), without overflow.
    [<Extension>]
    static member LogSigmoid(x: Tensor) : Tensor = logSigmoid x
