namespace Autodiff.Kernels;

/// <summary>The kernels of functions of two tensors of one type.</summary>
public static class Binary
{
    /// <summary>x + y; integers wrap.</summary>
    public static readonly BinaryKernel Add =
        new NumberBinaryKernel<AddOperator<float>, AddOperator<double>, AddOperator<int>,
            AddOperator<long>, AddOperator<short>,
            AddOperator<sbyte>, AddOperator<byte>>("add", "x + y");

    /// <summary>x - y; integers wrap.</summary>
    public static readonly BinaryKernel Subtract =
        new NumberBinaryKernel<SubtractOperator<float>, SubtractOperator<double>, SubtractOperator<int>,
            SubtractOperator<long>, SubtractOperator<short>,
            SubtractOperator<sbyte>, SubtractOperator<byte>>("subtract", "x - y");

    /// <summary>x y; integers wrap.</summary>
    public static readonly BinaryKernel Multiply =
        new NumberBinaryKernel<MultiplyOperator<float>, MultiplyOperator<double>, MultiplyOperator<int>,
            MultiplyOperator<long>, MultiplyOperator<short>,
            MultiplyOperator<sbyte>, MultiplyOperator<byte>>("multiply", "x * y");

    /// <summary>
    /// x / y; integers truncate towards 0, the least integer by -1 wraps, and a zero divisor among them throws
    /// <see cref="DivideByZeroException"/>.
    /// </summary>
    public static readonly BinaryKernel Divide =
        new NumberBinaryKernel<DivideOperator<float>, DivideOperator<double>, DivideOperator<int>,
            DivideOperator<long>, DivideOperator<short>,
            DivideOperator<sbyte>, DivideOperator<byte>>("divide", "x / y");

    /// <summary>
    /// x^y, with x^0 = 1^y = 1 for every x and y, NaN too; integers wrap, a negative integer exponent gives the
    /// reciprocal truncated towards 0, and throws <see cref="DivideByZeroException"/> at x = 0. In single precision
    /// it is within 1 unit in the last place.
    /// </summary>
    public static readonly BinaryKernel Power =
        new NumberBinaryKernel<PowerOperator<float>, PowerOperator<double>, IntegerPowerOperator<int>,
            IntegerPowerOperator<long>, IntegerPowerOperator<short>,
            IntegerPowerOperator<sbyte>, IntegerPowerOperator<byte>>("power", "pow(x, y)");

    /// <summary>The greater of x and y; NaN if either is, and 0 is above -0.</summary>
    public static readonly BinaryKernel Maximum =
        new NumberBinaryKernel<MaximumOperator<float>, MaximumOperator<double>, MaximumOperator<int>,
            MaximumOperator<long>, MaximumOperator<short>,
            MaximumOperator<sbyte>, MaximumOperator<byte>>("maximum", "x > y || x != x ? x : y");

    /// <summary>The lesser of x and y; NaN if either is, and -0 is below 0.</summary>
    public static readonly BinaryKernel Minimum =
        new NumberBinaryKernel<MinimumOperator<float>, MinimumOperator<double>, MinimumOperator<int>,
            MinimumOperator<long>, MinimumOperator<short>,
            MinimumOperator<sbyte>, MinimumOperator<byte>>("minimum", "x < y || x != x ? x : y");

    /// <summary>The angle of the point (y, x), whose tangent is x / y: x is the ordinate, as in C.</summary>
    public static readonly BinaryKernel Atan2 =
        new WideBinaryKernel<Atan2Operator<float>, Atan2Operator<double>>("atan2", "atan2(x, y)");

    /// <summary>The length of the hypotenuse, sqrt(x^2 + y^2) without overflow; inf if either is infinite.</summary>
    public static readonly BinaryKernel Hypot =
        new WideBinaryKernel<HypotOperator<float>, HypotOperator<double>>("hypot", "hypot(x, y)");

    /// <summary>log(e^x + e^y), without overflow.</summary>
    public static readonly BinaryKernel LogAddExp =
        new FloatBinaryKernel<LogAddExpOperator<float>, LogAddExpOperator<double>>(
            "logAddExp", "(x > y ? x : y) + log1p(exp(-(x == y ? 0 : fabs(x - y))))");

    /// <summary>|x| with the sign of y, of zeros too.</summary>
    public static readonly BinaryKernel CopySign =
        new FloatBinaryKernel<CopySignOperator<float>, CopySignOperator<double>>("copySign", "copysign(x, y)");

    /// <summary>
    /// x - y floor(x / y), which has the sign of y; a zero divisor gives NaN, among integers it throws
    /// <see cref="DivideByZeroException"/>.
    /// </summary>
    public static readonly BinaryKernel Remainder =
        new NumberBinaryKernel<RemainderOperator<float>, RemainderOperator<double>, IntegerRemainderOperator<int>,
            IntegerRemainderOperator<long>, IntegerRemainderOperator<short>,
            IntegerRemainderOperator<sbyte>, IntegerRemainderOperator<byte>>("remainder", "x - y * floor(x / y)");

    /// <summary>
    /// The greatest integer not above x / y; a zero divisor gives an infinity or NaN, among integers it throws
    /// <see cref="DivideByZeroException"/>, and the least integer by -1 wraps.
    /// </summary>
    public static readonly BinaryKernel FloorDivide =
        new NumberBinaryKernel<FloorDivideOperator<float>, FloorDivideOperator<double>, IntegerFloorDivideOperator<int>,
            IntegerFloorDivideOperator<long>, IntegerFloorDivideOperator<short>,
            IntegerFloorDivideOperator<sbyte>, IntegerFloorDivideOperator<byte>>("floorDivide", "floor(x / y)");

    /// <summary>
    /// The derivative of order x of digamma at y, for whole x from 0: digamma itself, trigamma and on. NaN for other x;
    /// at the poles inf for odd x, NaN for even x.
    /// </summary>
    public static readonly BinaryKernel Polygamma =
        new WideBinaryKernel<PolygammaOperator<float>, PolygammaOperator<double>>("polygamma", "polygamma(x, y)");

    /// <summary>x 2^y for whole y, rounded once; y is truncated.</summary>
    public static readonly BinaryKernel Ldexp =
        new FloatBinaryKernel<LdexpOperator<float>, LdexpOperator<double>>("ldexp", "ldexp(x, (int)y)");

    /// <summary>The number next to x on the way to y; y itself if they are equal, NaN if either is.</summary>
    public static readonly BinaryKernel NextAfter =
        new FloatBinaryKernel<NextAfterOperator<float>, NextAfterOperator<double>>("nextAfter", "nextafter(x, y)");

    /// <summary>
    /// The greatest integer that divides x and y, from 0, which is that of two zeros; the least integer alone has itself.
    /// </summary>
    public static readonly BinaryKernel Gcd =
        new IntegerBinaryKernel<GcdOperator<int>, GcdOperator<long>, GcdOperator<short>, GcdOperator<sbyte>, GcdOperator<byte>>("gcd", "gcd(x, y)");

    /// <summary>The bits of x moved up by y places; 0 if y is negative or not below their number.</summary>
    public static readonly BinaryKernel LeftShift =
        new IntegerBinaryKernel<LeftShiftOperator<int>, LeftShiftOperator<long>, LeftShiftOperator<short>,
            LeftShiftOperator<sbyte>, LeftShiftOperator<byte>>(
            "leftShift", "x << y");

    /// <summary>
    /// The bits of x moved down by y places, with copies of the sign; only these remain if y is negative or not below
    /// the number of bits.
    /// </summary>
    public static readonly BinaryKernel RightShift =
        new IntegerBinaryKernel<RightShiftOperator<int>, RightShiftOperator<long>, RightShiftOperator<short>,
            RightShiftOperator<sbyte>, RightShiftOperator<byte>>(
            "rightShift", "x >> y");

    /// <summary>x and y of truth values, bit by bit of integers.</summary>
    public static readonly BinaryKernel And =
        new BitsBinaryKernel<AndOperator<int>, AndOperator<long>, AndOperator<short>,
            AndOperator<sbyte>, AndOperator<byte>>("and", "x & y");

    /// <summary>x or y of truth values, bit by bit of integers.</summary>
    public static readonly BinaryKernel Or =
        new BitsBinaryKernel<OrOperator<int>, OrOperator<long>, OrOperator<short>,
            OrOperator<sbyte>, OrOperator<byte>>("or", "x | y");

    /// <summary>Either x or y of truth values, bit by bit of integers.</summary>
    public static readonly BinaryKernel Xor =
        new BitsBinaryKernel<XorOperator<int>, XorOperator<long>, XorOperator<short>,
            XorOperator<sbyte>, XorOperator<byte>>("xor", "x ^ y");

    /// <summary>x y (1 - y): the cotangent x through the sigmoid whose output is y.</summary>
    public static readonly BinaryKernel SigmoidGradient =
        new FloatBinaryKernel<SigmoidGradientOperator<float>, SigmoidGradientOperator<double>>(
            "sigmoidGradient", "x * y * (1 - y)");

    /// <summary>x (1 - y^2): the cotangent x through the hyperbolic tangent whose output is y.</summary>
    public static readonly BinaryKernel TanhGradient =
        new FloatBinaryKernel<TanhGradientOperator<float>, TanhGradientOperator<double>>(
            "tanhGradient", "x * (1 - y * y)");

    /// <summary>x where y is positive, else 0: the cotangent x through a rectifier of input or output y.</summary>
    public static readonly BinaryKernel ReluGradient =
        new FloatBinaryKernel<ReluGradientOperator<float>, ReluGradientOperator<double>>(
            "reluGradient", "y > 0 ? x : 0");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<BinaryKernel> All { get; } =
    [
        Add, Subtract, Multiply, Divide, Power, Maximum, Minimum, Atan2, And, Or, Xor, SigmoidGradient, TanhGradient,
        ReluGradient, Hypot, LogAddExp, CopySign, Remainder, FloorDivide, Polygamma, LeftShift, RightShift,
        Ldexp, NextAfter, Gcd,
    ];
}
