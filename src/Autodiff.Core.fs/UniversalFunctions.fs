namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// The rest of NumPy's functions of each element: parts of numbers, neighbours, divisors, comparison up to rounding.
[<AutoOpen>]
module UniversalFunctions =
    let private constant (x: Tensor) value = Tensor.ScalarOf(x, value)
    let private floating x = Elementwise.floating "a function of each element" x

    /// Whether x is below 0, without the sign of -0 or NaN, as the factor -1 or 1.
    let private signOf (x: Tensor) =
        Tensor.NotNull("fmod", x)
        Tensor.Where(Tensor.Less(x, constant x 0.0), constant x -1.0, constant x 1.0)

    // Quotients.

    let private fmodOf =
        OnePass(fun inputs ->
            let x, y = inputs[0], inputs[1]
            let s = signOf x
            s * remainder (s * x) (signOf y * y))

    /// x - y truncate (x / y): what division towards zero leaves, with the sign of x as in C. NaN for y = 0, an error among
    /// integers. At jumps the derivative is that of the line.
    let fmod (x: Tensor) (y: Tensor) : Tensor = fmodOf.Apply(x, y)

    /// floorDivide and remainder: x = q y + r, where r has the sign of y.
    let divmod (x: Tensor) (y: Tensor) : Tensor * Tensor = floorDivide x y, remainder x y

    /// The greatest integer that divides x and y, from 0; that of 0 and 0 is 0. For integers alone.
    let gcd (x: Tensor) (y: Tensor) : Tensor = gcdP.Apply(x, y)

    /// The least integer from 0 that x and y divide; 0 if either is 0. For integers alone; it wraps.
    let lcm (x: Tensor) (y: Tensor) : Tensor =
        let divisor = gcd x y
        Tensor.Abs(x / Tensor.Maximum(divisor, constant divisor 1.0) * y)

    // Choices.

    /// The larger of each pair, or the one that is a number; NaN if none is. At a tie each side has half of the derivative.
    let fmax (x: Tensor) (y: Tensor) : Tensor = Tensor.Maximum(Tensor.Where(isNaN x, y, x), Tensor.Where(isNaN y, x, y))

    /// The smaller of each pair, or the one that is a number; NaN if none is. At a tie each side has half of the derivative.
    let fmin (x: Tensor) (y: Tensor) : Tensor = Tensor.Minimum(Tensor.Where(isNaN x, y, x), Tensor.Where(isNaN y, x, y))

    let private stepOf =
        OnePass(fun inputs ->
            let x = inputs[0]
            let step = Tensor.Maximum(Tensor.Signum x, constant x 0.0)
            Tensor.Where(Tensor.EqualTo(x, constant x 0.0), inputs[1], step))

    /// The unit step: 0 below 0, 1 above, the value y at 0, NaN at NaN. The derivative with respect to x is 0.
    let heaviside (x: Tensor) (y: Tensor) : Tensor =
        let x = floating (Tensor.StopGradient x)
        stepOf.Apply(x, y)

    // Parts of numbers.

    /// Whether the sign is negative, also of -0.
    let signBit (x: Tensor) : Tensor =
        Tensor.NotNull("signBit", x)
        if DTypes.IsFloat x.DType then
            Tensor.Less(copySign (constant x 1.0) x, constant x 0.0)
        else
            Tensor.Less(x, constant x 0.0)

    /// The fractional and the whole part, both with the sign of x, which they sum to; the whole part has the derivative 0.
    /// Infinities are whole.
    let modf (x: Tensor) : Tensor * Tensor =
        let x = floating x
        let finite = Tensor.Where(isInfinite x, constant x 0.0, x)
        finite - Tensor.Truncate finite, Tensor.Truncate x

    /// x 2^n for whole n, rounded once; n is truncated, and has no derivative.
    let ldexp (x: Tensor) (n: Tensor) : Tensor =
        let x = floating x
        ldexpP.Apply(x, Tensor.Cast(n, x.DType))

    /// The mantissa m with 1/2 <= |m| < 1 and the int32 exponent n of x = m 2^n. Zeros, infinities and NaN have the
    /// exponent 0. The derivative of the mantissa is 2^-n.
    let frexp (x: Tensor) : Tensor * Tensor =
        let x = floating x
        let size = Tensor.Abs(Tensor.StopGradient x)
        let isRegular = Tensor.And(isFinite x, Tensor.Greater(size, constant x 0.0))
        let size = Tensor.Where(isRegular, size, constant x 0.5)
        // The logarithm may be rounded across a whole number.
        let near = Tensor.Floor(log2 size) + 1.0
        let mantissa = ldexp size -near
        let one, zero = constant x 1.0, constant x 0.0
        let above = Tensor.Where(Tensor.GreaterOrEqual(mantissa, one), one, zero)
        let below = Tensor.Where(Tensor.Less(mantissa, constant x 0.5), one, zero)
        let exponent = near + above - below
        ldexp x -exponent, Tensor.Cast(exponent, DType.Int32)

    let private checkPrecision name (x: Tensor) =
        if x.DType <> DType.Float32 && x.DType <> DType.Float64 then
            Shape.fail
                name
                $"the neighbours of {DTypes.Name x.DType} are not known; convert to float32 or float64 with To."

    /// The number of the type of x that is next to x on the way to y; NaN if either is. The derivative is that of x.
    let nextAfter (x: Tensor) (y: Tensor) : Tensor =
        Tensor.NotNull("nextAfter", x)
        Tensor.NotNull("nextAfter", y)
        checkPrecision "nextAfter" x
        nextAfterP.Apply(x, Tensor.Cast(y, x.DType))

    /// The distance to the next number away from 0, with the sign of x; NaN for infinities. It has no derivative.
    let spacing (x: Tensor) : Tensor =
        Tensor.NotNull("spacing", x)
        checkPrecision "spacing" x
        let x = Tensor.StopGradient x
        nextAfter x (copySign (constant x Double.PositiveInfinity) x) - x

    // Powers and waves.

    /// log2 (2^x + 2^y), without overflow.
    let logAddExp2 (x: Tensor) (y: Tensor) : Tensor =
        let natural = Math.Log 2.0
        logAddExp (floating x * natural) (floating y * natural) * (1.0 / natural)

    /// x to the power y in float64, whatever the types are.
    let floatPower (x: Tensor) (y: Tensor) : Tensor =
        Tensor.Pow(Tensor.Cast(x, DType.Float64), Tensor.Cast(y, DType.Float64))

    let private sincOf =
        OnePass(fun inputs ->
            let z = inputs[0] * Math.PI
            let square = Tensor.Square z
            let isSmall = Tensor.Less(square, constant square 1.0)
            // Below 1 the series, by Horner's rule, to the term of order 22.
            let near = Tensor.Where(isSmall, square, constant square 0.0)
            let series =
                (constant square 1.0, [ 11.0 .. -1.0 .. 1.0 ])
                ||> List.fold (fun sum k -> 1.0 - near * sum * (1.0 / (2.0 * k * (2.0 * k + 1.0))))
            let far = Tensor.Where(isSmall, constant z 1.0, z)
            Tensor.Where(isSmall, series, Tensor.Sin far / far))

    /// sin (pi x) / (pi x), and 1 at 0, where all derivatives are right.
    let sinc (x: Tensor) : Tensor = sincOf.Apply(floating x)

    // Comparison up to rounding.

    let private closeOf =
        OnePass(fun inputs ->
            let x, y = inputs[0], inputs[1]
            let areFinite = Tensor.And(isFinite x, isFinite y)
            let finite t = Tensor.Where(areFinite, t, constant t 0.0)
            let distance = Tensor.Abs(finite x - finite y)
            let isNear = Tensor.LessOrEqual(distance, Tensor.Abs(finite y) * inputs[2] + inputs[3])
            Tensor.Or(Tensor.And(areFinite, isNear), Tensor.EqualTo(x, y)))

    /// Whether |x - y| <= absolute + relative |y|. Infinities are close to themselves; NaN is close to nothing, unless
    /// asked, to NaN.
    let isCloseWith (relative: float) (absolute: float) (nanIsEqual: bool) (x: Tensor) (y: Tensor) : Tensor =
        let dtype = DTypes.Promote((floating x).DType, (floating y).DType)
        let x, y = Tensor.Cast(x, dtype), Tensor.Cast(y, dtype)
        let close = closeOf.Apply(x, y, constant x relative, constant x absolute)
        if nanIsEqual then Tensor.Or(close, Tensor.And(isNaN x, isNaN y)) else close

    /// Whether |x - y| <= 1e-8 + 1e-5 |y|.
    let isClose (x: Tensor) (y: Tensor) : Tensor = isCloseWith 1e-5 1e-8 false x y

    /// Whether all elements of x and y are close.
    let allClose (x: Tensor) (y: Tensor) : Tensor = Tensor.all (isClose x y)

    let private numberSum =
        OnePass.Sum(fun inputs -> Tensor.Where(isNaN inputs[0], constant inputs[0] 0.0, inputs[0]))

    let internal nanSumOver axes keepAxes (x: Tensor) : Tensor =
        sumOver axes keepAxes (Tensor.Where(isNaN x, constant x 0.0, x))

    let internal nanMeanOver axes keepAxes (x: Tensor) : Tensor =
        let x = floating x
        let count = sumOver axes keepAxes (Tensor.Cast(Tensor.EqualTo(x, x), x.DType))
        nanSumOver axes keepAxes x / count

    let private nanExtremeOver over worst axes keepAxes (x: Tensor) : Tensor =
        if DTypes.IsFloat x.DType then
            let isNumber = Tensor.EqualTo(x, x)
            let found: Tensor = over axes keepAxes (Tensor.Where(isNumber, x, constant x worst))
            Tensor.Where(anyOver axes keepAxes isNumber, found, constant x Double.NaN)
        else
            over axes keepAxes x

    let internal nanMaxOver axes keepAxes x = nanExtremeOver maxOver Double.NegativeInfinity axes keepAxes x
    let internal nanMinOver axes keepAxes x = nanExtremeOver minOver Double.PositiveInfinity axes keepAxes x

    /// Reductions that pass over NaN.
    [<RequireQualifiedAccess>]
    module Tensor =
        /// The sum of all elements that are numbers; 0 of none.
        let nanSum (x: Tensor) : Tensor =
            Tensor.NotNull("nanSum", x)
            numberSum.Apply x
        /// The sums over axes of the elements that are numbers.
        let nanSumAxes (axes: seq<int>) (x: Tensor) : Tensor = nanSumOver (Tensor.AxesOf("nanSum", x, axes)) false x
        /// The mean of all elements that are numbers; NaN of none.
        let nanMean (x: Tensor) : Tensor = nanMeanOver (axesOf "nanMean" x null) false x
        /// The means over axes of the elements that are numbers.
        let nanMeanAxes (axes: seq<int>) (x: Tensor) : Tensor = nanMeanOver (Tensor.AxesOf("nanMean", x, axes)) false x
        /// The largest of all elements that are numbers; NaN of none.
        let nanMax (x: Tensor) : Tensor = nanMaxOver (axesOf "nanMax" x null) false x
        /// The largest over axes of the elements that are numbers.
        let nanMaxAxes (axes: seq<int>) (x: Tensor) : Tensor = nanMaxOver (Tensor.AxesOf("nanMax", x, axes)) false x
        /// The smallest of all elements that are numbers; NaN of none.
        let nanMin (x: Tensor) : Tensor = nanMinOver (axesOf "nanMin" x null) false x
        /// The smallest over axes of the elements that are numbers.
        let nanMinAxes (axes: seq<int>) (x: Tensor) : Tensor = nanMinOver (Tensor.AxesOf("nanMin", x, axes)) false x

/// These functions as methods, for both languages: `x.Fmod(y)`, `x.NanMean(1)`.
[<Extension>]
type UniversalFunctionExtensions =
    /// x - y truncate (x / y), with the sign of x.
    [<Extension>]
    static member Fmod(x: Tensor, y: Tensor) : Tensor = fmod x y

    /// FloorDivide and Remainder.
    [<Extension>]
    static member Divmod(x: Tensor, y: Tensor) : struct (Tensor * Tensor) = let q, r = divmod x y in struct (q, r)

    /// The greatest integer that divides x and y.
    [<Extension>]
    static member Gcd(x: Tensor, y: Tensor) : Tensor = gcd x y

    /// The least integer from 0 that x and y divide.
    [<Extension>]
    static member Lcm(x: Tensor, y: Tensor) : Tensor = lcm x y

    /// The larger of each pair, or the one that is a number.
    [<Extension>]
    static member Fmax(x: Tensor, y: Tensor) : Tensor = fmax x y

    /// The smaller of each pair, or the one that is a number.
    [<Extension>]
    static member Fmin(x: Tensor, y: Tensor) : Tensor = fmin x y

    /// 0 below 0, 1 above, y at 0.
    [<Extension>]
    static member Heaviside(x: Tensor, y: Tensor) : Tensor = heaviside x y

    /// Whether the sign is negative, also of -0.
    [<Extension>]
    static member SignBit(x: Tensor) : Tensor = signBit x

    /// The fractional and the whole part, both with the sign of x.
    [<Extension>]
    static member Modf(x: Tensor) : struct (Tensor * Tensor) = let f, w = modf x in struct (f, w)

    /// x 2^n for whole n.
    [<Extension>]
    static member Ldexp(x: Tensor, n: Tensor) : Tensor = ldexp x n

    /// The mantissa m with 1/2 <= |m| < 1 and the int32 exponent n of x = m 2^n.
    [<Extension>]
    static member Frexp(x: Tensor) : struct (Tensor * Tensor) = let m, n = frexp x in struct (m, n)

    /// The number of the type of x that is next to x on the way to y.
    [<Extension>]
    static member NextAfter(x: Tensor, y: Tensor) : Tensor = nextAfter x y

    /// The distance to the next number away from 0, with the sign of x.
    [<Extension>]
    static member Spacing(x: Tensor) : Tensor = spacing x

    /// log2 (2^x + 2^y), without overflow.
    [<Extension>]
    static member LogAddExp2(x: Tensor, y: Tensor) : Tensor = logAddExp2 x y

    /// x to the power y in float64.
    [<Extension>]
    static member FloatPower(x: Tensor, y: Tensor) : Tensor = floatPower x y

    /// sin (pi x) / (pi x), and 1 at 0.
    [<Extension>]
    static member Sinc(x: Tensor) : Tensor = sinc x

    /// Whether |x - y| <= absolute + relative |y|.
    [<Extension>]
    static member IsClose
        (
            x: Tensor,
            y: Tensor,
            [<Optional; DefaultParameterValue(1e-5)>] relative: float,
            [<Optional; DefaultParameterValue(1e-8)>] absolute: float,
            [<Optional; DefaultParameterValue(false)>] nanIsEqual: bool
        ) : Tensor =
        isCloseWith relative absolute nanIsEqual x y

    /// Whether all elements are close: one bool.
    [<Extension>]
    static member AllClose
        (
            x: Tensor,
            y: Tensor,
            [<Optional; DefaultParameterValue(1e-5)>] relative: float,
            [<Optional; DefaultParameterValue(1e-8)>] absolute: float,
            [<Optional; DefaultParameterValue(false)>] nanIsEqual: bool
        ) : Tensor =
        Tensor.all (isCloseWith relative absolute nanIsEqual x y)

    /// The sum over axes of the elements that are numbers; over all if none is named.
    [<Extension>]
    static member NanSum(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = nanSumOver (axesOf "nanSum" x axes) false x

    /// The mean over axes of the elements that are numbers; over all if none is named.
    [<Extension>]
    static member NanMean(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        nanMeanOver (axesOf "nanMean" x axes) false x

    /// The largest over axes of the elements that are numbers; of all if none is named.
    [<Extension>]
    static member NanMax(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = nanMaxOver (axesOf "nanMax" x axes) false x

    /// The smallest over axes of the elements that are numbers; of all if none is named.
    [<Extension>]
    static member NanMin(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = nanMinOver (axesOf "nanMin" x axes) false x
