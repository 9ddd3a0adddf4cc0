namespace Autodiff.Kernels;

/// <summary>A function of two numbers, applied to the pairs of elements of two tensors.</summary>
public abstract class BinaryKernel : ElementwiseKernel
{
    private protected BinaryKernel(string name, string cuda)
        : base(name, cuda)
    {
    }

    /// <summary>The function of two numbers.</summary>
    /// <exception cref="NotSupportedException">The function is not one of floating-point numbers.</exception>
    public abstract float Invoke(float x, float y);

    /// <inheritdoc cref="Invoke(float, float)"/>
    public abstract double Invoke(double x, double y);

    /// <summary>Computes the function of each pair of elements.</summary>
    /// <param name="dtype">The type of the elements, in and out.</param>
    /// <param name="x">The first operand's elements, from the one of index 0 on.</param>
    /// <param name="xStrides">Its strides in elements, none negative, 0 to broadcast; empty if contiguous.</param>
    /// <param name="y">The second operand's elements.</param>
    /// <param name="yStrides">Its strides.</param>
    /// <param name="destination">The result, contiguous; it may be an operand that is contiguous.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <exception cref="NotSupportedException">There is no kernel for the type.</exception>
    /// <exception cref="ArgumentException">A span is too short, or strides and shape disagree.</exception>
    public void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape) =>
        Driver.Run(For(dtype), destination, shape, x, xStrides, y, yStrides);

    internal void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape,
        int width) => Driver.Run(Kernel(dtype, width), destination, shape, x, xStrides, y, yStrides);

    private protected NotSupportedException Unsupported(DType dtype) =>
        new($"{Name} is not defined for {dtype.Name()}.");
}

/// <summary>Floating-point functions whose arrays of float32 are computed in double precision and rounded once.</summary>
internal sealed class WideBinaryKernel<F32, F64>(string name, string cuda) : BinaryKernel(name, cuda)
    where F32 : IBinaryOperator<float>
    where F64 : IBinaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x, float y) => F32.Invoke(x, y);

    public override double Invoke(double x, double y) => F64.Invoke(x, y);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Widened(Rows.Binary<F64, double>(width)),
        DType.Float64 => Rows.Binary<F64, double>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class FloatBinaryKernel<F32, F64>(string name, string cuda) : BinaryKernel(name, cuda)
    where F32 : IBinaryOperator<float>
    where F64 : IBinaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x, float y) => F32.Invoke(x, y);

    public override double Invoke(double x, double y) => F64.Invoke(x, y);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Binary<F32, float>(width),
        DType.Float64 => Rows.Binary<F64, double>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class NumberBinaryKernel<F32, F64, I32, I64, I16, I8, U8>(string name, string cuda) : BinaryKernel(name, cuda)
    where F32 : IBinaryOperator<float>
    where F64 : IBinaryOperator<double>
    where I32 : IBinaryOperator<int>
    where I64 : IBinaryOperator<long>
    where I16 : IBinaryOperator<short>
    where I8 : IBinaryOperator<sbyte>
    where U8 : IBinaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype != DType.Bool;

    public override float Invoke(float x, float y) => F32.Invoke(x, y);

    public override double Invoke(double x, double y) => F64.Invoke(x, y);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Binary<F32, float>(width),
        DType.Float64 => Rows.Binary<F64, double>(width),
        DType.Int32 => Rows.Binary<I32, int>(width),
        DType.Int64 => Rows.Binary<I64, long>(width),
        DType.Int16 => Rows.Binary<I16, short>(width),
        DType.Int8 => Rows.Binary<I8, sbyte>(width),
        DType.UInt8 => Rows.Binary<U8, byte>(width),
        _ => throw Unsupported(dtype),
    };
}

/// <summary>Bit operations: on truth values they act as on the bytes 0 and 1.</summary>
internal sealed class BitsBinaryKernel<I32, I64, I16, I8, U8>(string name, string cuda) : BinaryKernel(name, cuda)
    where I32 : IBinaryOperator<int>
    where I64 : IBinaryOperator<long>
    where I16 : IBinaryOperator<short>
    where I8 : IBinaryOperator<sbyte>
    where U8 : IBinaryOperator<byte>
{
    public override bool Supports(DType dtype) => !dtype.IsFloat();

    public override float Invoke(float x, float y) => throw Unsupported(DType.Float32);

    public override double Invoke(double x, double y) => throw Unsupported(DType.Float64);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Int32 => Rows.Binary<I32, int>(width),
        DType.Int64 => Rows.Binary<I64, long>(width),
        DType.Int16 => Rows.Binary<I16, short>(width),
        DType.Int8 => Rows.Binary<I8, sbyte>(width),
        DType.UInt8 or DType.Bool => Rows.Binary<U8, byte>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class IntegerBinaryKernel<I32, I64, I16, I8, U8>(string name, string cuda) : BinaryKernel(name, cuda)
    where I32 : IBinaryOperator<int>
    where I64 : IBinaryOperator<long>
    where I16 : IBinaryOperator<short>
    where I8 : IBinaryOperator<sbyte>
    where U8 : IBinaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype.IsInteger();

    public override float Invoke(float x, float y) => throw Unsupported(DType.Float32);

    public override double Invoke(double x, double y) => throw Unsupported(DType.Float64);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Int32 => Rows.Binary<I32, int>(width),
        DType.Int64 => Rows.Binary<I64, long>(width),
        DType.Int16 => Rows.Binary<I16, short>(width),
        DType.Int8 => Rows.Binary<I8, sbyte>(width),
        DType.UInt8 => Rows.Binary<U8, byte>(width),
        _ => throw Unsupported(dtype),
    };
}
