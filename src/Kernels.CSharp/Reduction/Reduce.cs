using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Reductions of a strided tensor over any of its axes.</summary>
/// <remarks>
/// Strides are in elements, zero or positive; no strides mean that the tensor is contiguous. Results depend on the
/// sizes, the strides and the vector width, but not on the number of threads.
/// </remarks>
public static unsafe class Reduce
{
    /// <summary>
    /// Combines all elements along the axes i whose bit i is set in <paramref name="axisMask"/>; the destination is
    /// contiguous, in the order of the axes that are kept. Sums and products of float32 are accumulated in double
    /// precision and rounded once; those of integers wrap around. A NaN makes its maximum and minimum NaN, and +0
    /// counts as larger than -0. The sum of no elements is 0 and their product 1.
    /// </summary>
    /// <exception cref="ArgumentException">
    /// The maximum or minimum of no elements is asked for, the type does not fit the reduction (any and all take
    /// booleans, sum and product numbers), a stride is negative, or the
    /// lengths do not fit the shape.
    /// </exception>
    public static void Run(
        Reduction op, DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape,
        uint axisMask, Span<byte> destination) =>
        Run(op, dtype, x, xStrides, shape, axisMask, destination, Simd.Width);

    internal static void Run(
        Reduction op, DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape,
        uint axisMask, Span<byte> destination, int width)
    {
        DTypes.CheckComputed(dtype);
        CheckType(op, dtype);
        ReduceAxis* axes = stackalloc ReduceAxis[shape.Length + 1];
        ReducePlan plan = ReducePlan.Make(axes, shape, xStrides, axisMask, dtype.Size(), x.Length, destination.Length);
        plan.Width = width;
        if (plan.Outputs == 0) return;
        if (plan.IsEmpty && op is Reduction.Maximum or Reduction.Minimum) ThrowEmpty(op);
        fixed (byte* px = x, pd = destination)
        {
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: Typed<byte, byte>(op, in plan, px, pd); break;
                case DType.Int8: Typed<sbyte, sbyte>(op, in plan, (sbyte*)px, (sbyte*)pd); break;
                case DType.Int16: Typed<short, short>(op, in plan, (short*)px, (short*)pd); break;
                case DType.Int32: Typed<int, int>(op, in plan, (int*)px, (int*)pd); break;
                case DType.Int64: Typed<long, long>(op, in plan, (long*)px, (long*)pd); break;
                case DType.Float32 when op is Reduction.Maximum or Reduction.Minimum:
                    Typed<float, float>(op, in plan, (float*)px, (float*)pd);
                    break;
                case DType.Float32: Typed<float, double>(op, in plan, (float*)px, (float*)pd); break;
                default: Typed<double, double>(op, in plan, (double*)px, (double*)pd); break;
            }
        }
    }

    /// <summary>
    /// The index of the largest element along an axis: the first of equals, and the first NaN if there is one. The
    /// destination is contiguous int64, in the order of the other axes.
    /// </summary>
    /// <exception cref="ArgumentException">The axis is empty, or the lengths do not fit the shape.</exception>
    public static void ArgMax(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64) =>
        ArgReduce.Run<LargerFirst>(dtype, x, xStrides, shape, axis, destinationInt64, Simd.Width);

    internal static void ArgMax(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64, int width) =>
        ArgReduce.Run<LargerFirst>(dtype, x, xStrides, shape, axis, destinationInt64, width);

    /// <summary>
    /// The index of the smallest element along an axis: the first of equals, and the first NaN if there is one. The
    /// destination is contiguous int64, in the order of the other axes.
    /// </summary>
    /// <exception cref="ArgumentException">The axis is empty, or the lengths do not fit the shape.</exception>
    public static void ArgMin(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64) =>
        ArgReduce.Run<SmallerFirst>(dtype, x, xStrides, shape, axis, destinationInt64, Simd.Width);

    internal static void ArgMin(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64, int width) =>
        ArgReduce.Run<SmallerFirst>(dtype, x, xStrides, shape, axis, destinationInt64, width);

    private static void Typed<T, A>(Reduction op, in ReducePlan plan, T* x, T* destination)
        where T : unmanaged, INumber<T>
        where A : unmanaged, INumber<A>
    {
        switch (op)
        {
            case Reduction.Sum: ReduceDriver<T, A, SumReducer<A>>.Run(in plan, x, destination); break;
            case Reduction.Product: ReduceDriver<T, A, ProductReducer<A>>.Run(in plan, x, destination); break;
            case Reduction.Maximum or Reduction.Any:
                ReduceDriver<T, A, MaximumReducer<A>>.Run(in plan, x, destination);
                break;
            default:
                if (op == Reduction.All && plan.IsEmpty) new Span<T>(destination, (int)plan.Outputs).Fill(T.One);
                else ReduceDriver<T, A, MinimumReducer<A>>.Run(in plan, x, destination);
                break;
        }
    }

    private static void CheckType(Reduction op, DType dtype)
    {
        if (op is Reduction.Any or Reduction.All ? dtype != DType.Bool : op <= Reduction.Product && dtype == DType.Bool)
        {
            string wanted = op >= Reduction.Any ? "bool" : "numbers";
            throw new ArgumentException($"{op} of {dtype.Name()} is not defined; convert it to {wanted} first.");
        }
    }

    private static void ThrowEmpty(Reduction op) => throw new ArgumentException(
        $"{(op == Reduction.Maximum ? "max" : "min")} of an empty axis has no value.");
}
