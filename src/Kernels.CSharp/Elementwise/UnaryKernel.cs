using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>A function of one number, applied to each element of a tensor.</summary>
public abstract class UnaryKernel
{
    private protected UnaryKernel(string name, string cuda) => (Name, Cuda) = (name, cuda);

    /// <summary>The name, as in <see cref="Unary"/>.</summary>
    public string Name { get; }

    /// <summary>The C expression of the function of <c>x</c>, for device code.</summary>
    public string Cuda { get; }

    /// <summary>Whether there is a kernel for elements of the type.</summary>
    public abstract bool Supports(DType dtype);

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
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape) =>
        Invoke(dtype, x, xStrides, destination, shape, Simd.Width);

    internal abstract void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape,
        int width);

    [DoesNotReturn]
    private protected void ThrowUnsupported(DType dtype) =>
        throw new NotSupportedException($"{Name} is not defined for {dtype.Name()}.");

    private protected static void Run<TOp, T>(
        ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape, int width)
        where TOp : IUnaryOperator<T>
        where T : unmanaged, INumber<T>
    {
        switch (TOp.IsVector ? width : 0)
        {
            case 512: Driver.Run<UnaryRow<TOp, T, V512<T>>>(destination, shape, x, xStrides); break;
            case 256: Driver.Run<UnaryRow<TOp, T, V256<T>>>(destination, shape, x, xStrides); break;
            case 128: Driver.Run<UnaryRow<TOp, T, V128<T>>>(destination, shape, x, xStrides); break;
            default: Driver.Run<UnaryRow<TOp, T, V1<T>>>(destination, shape, x, xStrides); break;
        }
    }
}

internal sealed class FloatUnaryKernel<F32, F64>(string name, string cuda) : UnaryKernel(name, cuda)
    where F32 : IUnaryOperator<float>
    where F64 : IUnaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x) => F32.Invoke(x);

    public override double Invoke(double x) => F64.Invoke(x);

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape,
        int width)
    {
        if (dtype == DType.Float32) Run<F32, float>(x, xStrides, destination, shape, width);
        else if (dtype == DType.Float64) Run<F64, double>(x, xStrides, destination, shape, width);
        else ThrowUnsupported(dtype);
    }
}

internal sealed class NumberUnaryKernel<F32, F64, I32, I64, U8>(string name, string cuda) : UnaryKernel(name, cuda)
    where F32 : IUnaryOperator<float>
    where F64 : IUnaryOperator<double>
    where I32 : IUnaryOperator<int>
    where I64 : IUnaryOperator<long>
    where U8 : IUnaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype != DType.Bool;

    public override float Invoke(float x) => F32.Invoke(x);

    public override double Invoke(double x) => F64.Invoke(x);

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape,
        int width)
    {
        switch (dtype)
        {
            case DType.Float32: Run<F32, float>(x, xStrides, destination, shape, width); break;
            case DType.Float64: Run<F64, double>(x, xStrides, destination, shape, width); break;
            case DType.Int32: Run<I32, int>(x, xStrides, destination, shape, width); break;
            case DType.Int64: Run<I64, long>(x, xStrides, destination, shape, width); break;
            case DType.UInt8: Run<U8, byte>(x, xStrides, destination, shape, width); break;
            default: ThrowUnsupported(dtype); break;
        }
    }
}

internal sealed class BoolUnaryKernel<TOp>(string name, string cuda) : UnaryKernel(name, cuda)
    where TOp : IUnaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype == DType.Bool;

    public override float Invoke(float x)
    {
        ThrowUnsupported(DType.Float32);
        return 0;
    }

    public override double Invoke(double x)
    {
        ThrowUnsupported(DType.Float64);
        return 0;
    }

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape,
        int width)
    {
        if (dtype == DType.Bool) Run<TOp, byte>(x, xStrides, destination, shape, width);
        else ThrowUnsupported(dtype);
    }
}
