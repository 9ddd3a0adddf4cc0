using Microsoft.FSharp.Core;
using static Autodiff.SpecialFunctions;

namespace Autodiff;

/// <summary>What C# finds on <see cref="Tensor"/> beside the members of the type itself and the methods of its
/// instances: making tensors, joining them, and the functions of each element.</summary>
public static class TensorOperations
{
    private static Tensor Given(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        return x;
    }

    extension(Tensor)
    {
        // Making tensors.

        /// <summary>Ones with the shape and type of x.</summary>
        public static Tensor OnesLike(Tensor x) => TensorModule.onesLike(x);

        /// <summary>The numbers 0, 1, ... below stop, of type float64 unless asked otherwise.</summary>
        public static Tensor Arange(double stop, DType dtype = DType.Float64) => Tensor.Arange(0, stop, 1, dtype);

        /// <summary>The numbers start, start + step, ... below stop (above it, if the step is negative).</summary>
        /// <exception cref="ArgumentException">The step is 0.</exception>
        public static Tensor Arange(double start, double stop, double step = 1, DType dtype = DType.Float64) =>
            TensorModule.arange(start, stop, step).To(dtype);

        /// <summary>Numbers from start to stop, evenly spaced, both included.</summary>
        public static Tensor Linspace(double start, double stop, int count, DType dtype = DType.Float64) =>
            TensorModule.linspace(start, stop, count).To(dtype);

        /// <summary>The identity matrix.</summary>
        public static Tensor Eye(int n, DType dtype = DType.Float32) => TensorModule.eye(n).To(dtype);

        /// <summary>Vectors stretched over the grid that they span: result i varies along axis i only.</summary>
        public static Tensor[] Meshgrid(params IEnumerable<Tensor> xs) => Arrangement.Tensor.meshgrid(xs);

        // Joining and combining.

        /// <summary>Tensors one after another along an axis that they have.</summary>
        public static Tensor Concat(int axis, params IEnumerable<Tensor> xs) => TensorModule.concat(axis, xs);

        /// <summary>Tensors of one shape side by side along a new axis.</summary>
        public static Tensor Stack(int axis, params IEnumerable<Tensor> xs) => TensorModule.stack(axis, xs);

        /// <summary>The sum of products over named axes: <c>Tensor.Einsum("ij,jk->ik", a, b)</c> is the matrix product. A
        /// letter names an axis; letters that the result does not name are summed; a letter that comes twice in one operand
        /// takes its diagonal; <c>...</c> stands for any leading axes.</summary>
        public static Tensor Einsum(string spec, params IEnumerable<Tensor> operands) => Linalg.einsum(spec, operands);

        /// <summary>The recurrence s[j] = a[j] s[j - 1] + b[j] along an axis, from s = 0. The factors a and the terms b
        /// broadcast.</summary>
        public static Tensor LinearRecurrence(Tensor a, Tensor b, int axis) => Statistics.Tensor.linearRecurrence(axis, a, b);

        // Comparisons, whose result is bool.

        /// <summary>Whether elements of x are greater than those of y.</summary>
        public static Tensor operator >(Tensor x, Tensor y) => Tensor.Greater(x, y);

        /// <summary>Whether elements are greater than a number.</summary>
        public static Tensor operator >(Tensor x, double y) => Tensor.Greater(Given(x), y);

        /// <summary>Whether a number is greater than elements.</summary>
        public static Tensor operator >(double x, Tensor y) => Tensor.Less(Given(y), x);

        /// <summary>Whether elements of x are less than those of y.</summary>
        public static Tensor operator <(Tensor x, Tensor y) => Tensor.Less(x, y);

        /// <summary>Whether elements are less than a number.</summary>
        public static Tensor operator <(Tensor x, double y) => Tensor.Less(Given(x), y);

        /// <summary>Whether a number is less than elements.</summary>
        public static Tensor operator <(double x, Tensor y) => Tensor.Greater(Given(y), x);

        /// <summary>Whether elements of x are at least those of y.</summary>
        public static Tensor operator >=(Tensor x, Tensor y) => Tensor.GreaterOrEqual(x, y);

        /// <summary>Whether elements are at least a number.</summary>
        public static Tensor operator >=(Tensor x, double y) => Tensor.GreaterOrEqual(Given(x), y);

        /// <summary>Whether a number is at least elements.</summary>
        public static Tensor operator >=(double x, Tensor y) => Tensor.LessOrEqual(Given(y), x);

        /// <summary>Whether elements of x are at most those of y.</summary>
        public static Tensor operator <=(Tensor x, Tensor y) => Tensor.LessOrEqual(x, y);

        /// <summary>Whether elements are at most a number.</summary>
        public static Tensor operator <=(Tensor x, double y) => Tensor.LessOrEqual(Given(x), y);

        /// <summary>Whether a number is at most elements.</summary>
        public static Tensor operator <=(double x, Tensor y) => Tensor.GreaterOrEqual(Given(y), x);

        // Functions of each element, beside those of the type itself.

        /// <summary>The cube root, with the sign of x; an infinite derivative at 0.</summary>
        public static Tensor Cbrt(Tensor x) => cbrt(x);

        /// <summary>2 to the power x.</summary>
        public static Tensor Exp2(Tensor x) => exp2(x);

        /// <summary>The logarithm to base 2; -infinity at 0, NaN below.</summary>
        public static Tensor Log2(Tensor x) => log2(x);

        /// <summary>The number with this hyperbolic sine.</summary>
        public static Tensor Asinh(Tensor x) => asinh(x);

        /// <summary>The number from 0 on with this hyperbolic cosine; NaN below 1.</summary>
        public static Tensor Acosh(Tensor x) => acosh(x);

        /// <summary>The number with this hyperbolic tangent; infinite at -1 and 1, NaN outside.</summary>
        public static Tensor Atanh(Tensor x) => atanh(x);

        /// <summary>1 - erf x, exact where it is small.</summary>
        public static Tensor Erfc(Tensor x) => erfc(x);

        /// <summary>The number whose error function is x; infinite at -1 and 1, NaN outside.</summary>
        public static Tensor Erfinv(Tensor x) => erfinv(x);

        /// <summary>The number whose 1 - erf is x, exact where x is small; infinite at 0 and 2, NaN outside.</summary>
        public static Tensor Erfcinv(Tensor x) => erfcinv(x);

        /// <summary>gelu by a hyperbolic tangent, x (1 + tanh (sqrt (2 / pi) (x + 0.044715 x^3))) / 2, as older models were
        /// trained.</summary>
        public static Tensor GeluTanh(Tensor x) => geluTanh(x);

        /// <summary>x tanh (log (1 + exp x)) (Misra 2019).</summary>
        public static Tensor Mish(Tensor x) => mish(x);

        /// <summary>x where it is positive, alpha (exp (x / alpha) - 1) elsewhere; the derivative is continuous (Barron
        /// 2017).</summary>
        public static Tensor Celu(Tensor x, double alpha = 1) => celu(alpha, x);

        /// <summary>x where it is positive, slope x elsewhere, with slopes that are learned and broadcast; the derivative at 0 is
        /// the slope.</summary>
        public static Tensor Prelu(Tensor x, Tensor slope) => prelu(slope, x);

        /// <summary>x kept between 0 and 6; the derivative at both ends is 1.</summary>
        public static Tensor Relu6(Tensor x) => relu6(x);

        /// <summary>x times hardSigmoid x (Howard et al. 2019).</summary>
        public static Tensor HardSwish(Tensor x) => hardSwish(x);

        /// <summary>The frequencies of the parts of a discrete Fourier transform of n samples, in the order of its result, in
        /// cycles per unit of the spacing.</summary>
        public static Tensor Fftfreq(int n, double spacing = 1) => Signal.fftfreq(n, spacing);

        /// <summary>The frequencies of the parts of a discrete Fourier transform of n real samples.</summary>
        public static Tensor Rfftfreq(int n, double spacing = 1) => Signal.rfftfreq(n, spacing);

        /// <summary>log |gamma x|; infinite at 0 and the negative integers.</summary>
        public static Tensor Lgamma(Tensor x) => lgamma(x);

        /// <summary>The derivative of log gamma x; NaN at the negative integers.</summary>
        public static Tensor Digamma(Tensor x) => digamma(x);

        /// <summary>The derivative of order n of digamma, for n from 0.</summary>
        public static Tensor Polygamma(int n, Tensor x) => polygamma(n, x);

        /// <summary>log (exp x + exp y), without overflow.</summary>
        public static Tensor LogAddExp(Tensor x, Tensor y) => logAddExp(x, y);

        /// <summary>sqrt (x^2 + y^2), without overflow; the derivative at 0, 0 is 0.</summary>
        public static Tensor Hypot(Tensor x, Tensor y) => hypot(x, y);

        /// <summary>|x| with the sign of y.</summary>
        public static Tensor CopySign(Tensor x, Tensor y) => copySign(x, y);

        /// <summary>x - y floor (x / y): what division leaves, with the sign of y.</summary>
        public static Tensor Remainder(Tensor x, Tensor y) => remainder(x, y);

        /// <summary>The largest integer not above x / y; its derivative is 0.</summary>
        public static Tensor FloorDivide(Tensor x, Tensor y) => floorDivide(x, y);

        /// <summary>x log y, and 0 where x is 0.</summary>
        public static Tensor XLogY(Tensor x, Tensor y) => xlogy(x, y);

        /// <summary>Elements kept between two bounds; outside them the derivative is 0.</summary>
        public static Tensor Clamp(Tensor x, double low, double high) => TensorModule.clamp(low, high, x);

        /// <summary>Whether elements are NaN.</summary>
        public static Tensor IsNaN(Tensor x) => isNaN(x);

        /// <summary>Whether elements are plus or minus infinity.</summary>
        public static Tensor IsInfinite(Tensor x) => isInfinite(x);

        /// <summary>Whether elements are neither infinite nor NaN.</summary>
        public static Tensor IsFinite(Tensor x) => isFinite(x);

        /// <summary>NaN replaced by 0 and infinities by the largest finite numbers; the derivative there is 0.</summary>
        public static Tensor NanToNum(Tensor x) => nanToNum(x);

        /// <summary>The bits of integers inverted; the opposite of truth values.</summary>
        public static Tensor BitwiseNot(Tensor x) => bitwiseNot(x);

        /// <summary>The bits of integers moved up by y places.</summary>
        public static Tensor LeftShift(Tensor x, Tensor y) => leftShift(x, y);

        /// <summary>The bits of integers moved down by y places, with copies of the sign.</summary>
        public static Tensor RightShift(Tensor x, Tensor y) => rightShift(x, y);

        /// <summary>Degrees as radians.</summary>
        public static Tensor Deg2Rad(Tensor x) => deg2rad(x);

        /// <summary>Radians as degrees.</summary>
        public static Tensor Rad2Deg(Tensor x) => rad2deg(x);

        /// <summary>The Gaussian error linear unit, x (1 + erf (x / sqrt 2)) / 2.</summary>
        public static Tensor Gelu(Tensor x) => gelu(x);

        /// <summary>The sigmoid linear unit, x sigmoid x.</summary>
        public static Tensor Silu(Tensor x) => silu(x);

        /// <summary>x where it is positive, alpha (exp x - 1) elsewhere; the derivative at 0 is alpha.</summary>
        public static Tensor Elu(Tensor x, double alpha = 1.0) => elu(alpha, x);

        /// <summary>The scaled exponential linear unit.</summary>
        public static Tensor Selu(Tensor x) => selu(x);

        /// <summary>x where it is positive, slope x elsewhere; the derivative at 0 is the slope.</summary>
        public static Tensor LeakyRelu(Tensor x, double slope = 0.01) => TensorModule.leakyRelu(slope, x);

        /// <summary>(x + 3) / 6 kept between 0 and 1.</summary>
        public static Tensor HardSigmoid(Tensor x) => hardSigmoid(x);

        /// <summary>x kept between -1 and 1.</summary>
        public static Tensor HardTanh(Tensor x) => hardTanh(x);

        /// <summary>x / (1 + |x|).</summary>
        public static Tensor Softsign(Tensor x) => softsign(x);

        /// <summary>log (sigmoid x), without overflow.</summary>
        public static Tensor LogSigmoid(Tensor x) => logSigmoid(x);
    }

    extension(Tensor x)
    {
        /// <summary>The axes in another order: axis i of the result is axis order[i] of x.</summary>
        public Tensor Permute(params int[] order) => TensorModule.permute(order, x);

        /// <summary>x with an axis of length 1 put in.</summary>
        public Tensor ExpandAxis(int axis) => TensorModule.expandAxis(axis, x);

        /// <summary>x without an axis of length 1.</summary>
        /// <exception cref="ArgumentException">The axis has another length.</exception>
        public Tensor Squeeze(int axis) => TensorModule.squeeze(axis, x);

        /// <summary>Pieces of the given lengths along an axis.</summary>
        /// <exception cref="ArgumentException">The lengths do not sum to that of the axis.</exception>
        public Tensor[] Split(int[] lengths, int axis) => TensorModule.split(axis, lengths, x);

        /// <summary>Zeros around x: a pair of widths, before and after, for each axis.</summary>
        public Tensor Pad(params (int Before, int After)[] widths) =>
            TensorModule.pad(widths.Select(width => width.ToTuple()), x);

        /// <summary>Every step-th entry along an axis from a position up to, but without, another: NumPy's
        /// <c>x[start:stop:step]</c>. Negative positions count from the end, positions outside mean the end that is nearest,
        /// and null is the end that the step leaves from or goes to. A negative step goes backwards.</summary>
        public Tensor Slice(int axis, int? start = null, int? stop = null, int step = 1) =>
            Arrangement.Tensor.slice(axis, OptionModule.OfNullable(start), OptionModule.OfNullable(stop), step, x);

        /// <summary>The sum of the products of the elements of two tensors of one shape.</summary>
        public Tensor Dot(Tensor y) => TensorModule.dot(x, y);

        /// <summary>All products of the elements of two vectors.</summary>
        public Tensor Outer(Tensor y) => TensorModule.outer(x, y);

        /// <summary>The values below which fractions of the elements lie, over axes, over all if none is named; the fractions
        /// make a new first axis.</summary>
        public Tensor Quantiles(IEnumerable<double> fractions, params int[] axes) =>
            Statistics.Tensor.quantiles(fractions, axes is { Length: 0 } ? Enumerable.Range(0, x.Rank) : axes, x);

        /// <summary>The positions of the elements that are not 0: one row of int64 positions for each, one column for each
        /// axis.</summary>
        public Tensor ArgWhere() => Arrangement.Tensor.argwhere(x);
    }

    extension(Tree)
    {
        /// <summary>The tensors of a tree, in the order of its parts (of a dictionary, of its keys).</summary>
        public static Tensor[] Leaves<T>(T tree) => Tree.leaves(tree);

        /// <summary>The place of each tensor of a tree: <c>Layers[0].Weight</c>; the empty text where the tree is one
        /// tensor.</summary>
        public static string[] Names<T>(T tree) => Tree.names(tree);

        /// <summary>The same structure with other tensors at its leaves.</summary>
        public static T WithLeaves<T>(T tree, params Tensor[] leaves) => Tree.withLeaves(tree, leaves);

        /// <summary>Applies a function to each tensor.</summary>
        public static T Map<T>(Func<Tensor, Tensor> function, T tree) => Tree.map(Curried.From(function), tree);

        /// <summary>Applies a function to the tensors at the same places of two trees of one structure.</summary>
        public static T Map2<T>(Func<Tensor, Tensor, Tensor> function, T a, T b) =>
            Tree.map2(Curried.From(function), a, b);

        /// <summary>Applies a function to the tensors at the same places of three trees of one structure.</summary>
        public static T Map3<T>(Func<Tensor, Tensor, Tensor, Tensor> function, T a, T b, T c) =>
            Tree.map3(Curried.From(function), a, b, c);
    }
}
