namespace Autodiff.Kernels;

/// <summary>A function of one number, applied to each element of a tensor.</summary>
public abstract class UnaryKernel : ElementwiseKernel
{
    private protected UnaryKernel(string name, string cuda)
        : base(name, cuda)
    {
    }

    /// <summary>The function of one number.</summary>
    /// <exception cref="NotSupportedException">The function is not one of floating-point numbers.</exception>
    public abstract float Invoke(float x);

    /// <inheritdoc cref="Invoke(float)"/>
    public abstract double Invoke(double x);

    /// <summary>Computes the function of each element.</summary>
    /// <param name="dtype">The type of the elements, in and out.</param>
    /// <param name="x">The elements, from the one of index 0 on.</param>
    /// <param name="xStrides">The strides in elements, none negative; empty if contiguous.</param>
    /// <param name="destination">The result, contiguous; it may be <paramref name="x"/> if that is contiguous.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <exception cref="NotSupportedException">There is no kernel for the type.</exception>
    /// <exception cref="ArgumentException">A span is too short, or strides and shape disagree.</exception>
    public void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination,
        ReadOnlySpan<int> shape) =>
        Driver.Run(For(dtype), destination, shape, x, xStrides);

    internal void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape,
        int width) => Driver.Run(Kernel(dtype, width), destination, shape, x, xStrides);

    private protected NotSupportedException Unsupported(DType dtype) =>
        new($"{Name} is not defined for {dtype.Name()}.");
}

/// <summary>Floating-point functions whose arrays of float32 are computed in double precision and rounded once.</summary>
internal sealed class WideUnaryKernel<F32, F64>(string name, string cuda) : UnaryKernel(name, cuda)
    where F32 : IUnaryOperator<float>
    where F64 : IUnaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x) => F32.Invoke(x);

    public override double Invoke(double x) => F64.Invoke(x);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Widened(Rows.Unary<F64, double>(width)),
        DType.Float64 => Rows.Unary<F64, double>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class FloatUnaryKernel<F32, F64>(string name, string cuda) : UnaryKernel(name, cuda)
    where F32 : IUnaryOperator<float>
    where F64 : IUnaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x) => F32.Invoke(x);

    public override double Invoke(double x) => F64.Invoke(x);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Unary<F32, float>(width),
        DType.Float64 => Rows.Unary<F64, double>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class NumberUnaryKernel<F32, F64, I32, I64, I16, I8, U8>(string name, string cuda) : UnaryKernel(name, cuda)
    where F32 : IUnaryOperator<float>
    where F64 : IUnaryOperator<double>
    where I32 : IUnaryOperator<int>
    where I64 : IUnaryOperator<long>
    where I16 : IUnaryOperator<short>
    where I8 : IUnaryOperator<sbyte>
    where U8 : IUnaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype != DType.Bool;

    public override float Invoke(float x) => F32.Invoke(x);

    public override double Invoke(double x) => F64.Invoke(x);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Float32 => Rows.Unary<F32, float>(width),
        DType.Float64 => Rows.Unary<F64, double>(width),
        DType.Int32 => Rows.Unary<I32, int>(width),
        DType.Int64 => Rows.Unary<I64, long>(width),
        DType.Int16 => Rows.Unary<I16, short>(width),
        DType.Int8 => Rows.Unary<I8, sbyte>(width),
        DType.UInt8 => Rows.Unary<U8, byte>(width),
        _ => throw Unsupported(dtype),
    };
}

internal sealed class BoolUnaryKernel<TOp>(string name, string cuda) : UnaryKernel(name, cuda)
    where TOp : IUnaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype == DType.Bool;

    public override float Invoke(float x) => throw Unsupported(DType.Float32);

    public override double Invoke(double x) => throw Unsupported(DType.Float64);

    private protected override RowKernel Own(DType dtype, int width) => dtype switch
    {
        DType.Bool => Rows.Unary<TOp, byte>(width),
        _ => throw Unsupported(dtype),
    };
}
