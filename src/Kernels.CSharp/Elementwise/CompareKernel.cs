namespace Autodiff.Kernels;

/// <summary>A relation between two numbers, applied to the pairs of elements of two tensors.</summary>
public abstract class CompareKernel : ElementwiseKernel
{
    private protected CompareKernel(string name, string cuda)
        : base(name, cuda)
    {
    }

    /// <summary>Whether the relation holds.</summary>
    public abstract bool Invoke(float x, float y);

    /// <inheritdoc cref="Invoke(float, float)"/>
    public abstract bool Invoke(double x, double y);

    /// <summary>Computes the relation of each pair of elements.</summary>
    /// <param name="dtype">The type of the operands' elements; false is below true.</param>
    /// <param name="x">The first operand's elements, from the one of index 0 on.</param>
    /// <param name="xStrides">Its strides in elements, none negative, 0 to broadcast; empty if contiguous.</param>
    /// <param name="y">The second operand's elements.</param>
    /// <param name="yStrides">Its strides.</param>
    /// <param name="destination">The truth values, one byte each, contiguous.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <exception cref="ArgumentException">A span is too short, or strides and shape disagree.</exception>
    public void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape) =>
        Driver.Run(For(dtype), destination, shape, x, xStrides, y, yStrides);

    internal void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape,
        int width) => Driver.Run(Kernel(dtype, width), destination, shape, x, xStrides, y, yStrides);

    private protected override RowKernel? Storing(DType dtype, int width) => null;
}

internal sealed class NumberCompareKernel<F32, F64, I32, I64, I16, I8, U8>(string name, string cuda) : CompareKernel(name, cuda)
    where F32 : ICompareOperator<float>
    where F64 : ICompareOperator<double>
    where I32 : ICompareOperator<int>
    where I64 : ICompareOperator<long>
    where I16 : ICompareOperator<short>
    where I8 : ICompareOperator<sbyte>
    where U8 : ICompareOperator<byte>
{
    public override bool Supports(DType dtype) => true;

    public override bool Invoke(float x, float y) => F32.Invoke(x, y);

    public override bool Invoke(double x, double y) => F64.Invoke(x, y);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Compare<F32, float>(width),
        DType.Float64 => Rows.Compare<F64, double>(width),
        DType.Int32 => Rows.Compare<I32, int>(width),
        DType.Int64 => Rows.Compare<I64, long>(width),
        DType.Int16 => Rows.Compare<I16, short>(width),
        DType.Int8 => Rows.Compare<I8, sbyte>(width),
        _ => Rows.Compare<U8, byte>(width),
    };
}
