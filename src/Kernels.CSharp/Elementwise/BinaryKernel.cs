using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>A function of two numbers, applied to the pairs of elements of two tensors.</summary>
public abstract class BinaryKernel
{
    private protected BinaryKernel(string name, string cuda) => (Name, Cuda) = (name, cuda);

    /// <summary>The name, as in <see cref="Binary"/>.</summary>
    public string Name { get; }

    /// <summary>The C expression of the function of <c>x</c> and <c>y</c>, for device code.</summary>
    public string Cuda { get; }

    /// <summary>Whether there is a kernel for elements of the type.</summary>
    public abstract bool Supports(DType dtype);

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
        Invoke(dtype, x, xStrides, y, yStrides, destination, shape, Simd.Width);

    internal abstract void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width);

    [DoesNotReturn]
    private protected void ThrowUnsupported(DType dtype) =>
        throw new NotSupportedException($"{Name} is not defined for {dtype.Name()}.");

    private protected static void Run<TOp, T>(
        ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width)
        where TOp : IBinaryOperator<T>
        where T : unmanaged, INumber<T>
    {
        switch (TOp.IsVector ? width : 0)
        {
            case 512: Driver.Run<BinaryRow<TOp, T, V512<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            case 256: Driver.Run<BinaryRow<TOp, T, V256<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            case 128: Driver.Run<BinaryRow<TOp, T, V128<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            default: Driver.Run<BinaryRow<TOp, T, V1<T>>>(destination, shape, x, xStrides, y, yStrides); break;
        }
    }
}

internal sealed class FloatBinaryKernel<F32, F64>(string name, string cuda) : BinaryKernel(name, cuda)
    where F32 : IBinaryOperator<float>
    where F64 : IBinaryOperator<double>
{
    public override bool Supports(DType dtype) => dtype.IsFloat();

    public override float Invoke(float x, float y) => F32.Invoke(x, y);

    public override double Invoke(double x, double y) => F64.Invoke(x, y);

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width)
    {
        if (dtype == DType.Float32) Run<F32, float>(x, xStrides, y, yStrides, destination, shape, width);
        else if (dtype == DType.Float64) Run<F64, double>(x, xStrides, y, yStrides, destination, shape, width);
        else ThrowUnsupported(dtype);
    }
}

internal sealed class NumberBinaryKernel<F32, F64, I32, I64, U8>(string name, string cuda) : BinaryKernel(name, cuda)
    where F32 : IBinaryOperator<float>
    where F64 : IBinaryOperator<double>
    where I32 : IBinaryOperator<int>
    where I64 : IBinaryOperator<long>
    where U8 : IBinaryOperator<byte>
{
    public override bool Supports(DType dtype) => dtype != DType.Bool;

    public override float Invoke(float x, float y) => F32.Invoke(x, y);

    public override double Invoke(double x, double y) => F64.Invoke(x, y);

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width)
    {
        switch (dtype)
        {
            case DType.Float32: Run<F32, float>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.Float64: Run<F64, double>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.Int32: Run<I32, int>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.Int64: Run<I64, long>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.UInt8: Run<U8, byte>(x, xStrides, y, yStrides, destination, shape, width); break;
            default: ThrowUnsupported(dtype); break;
        }
    }
}

/// <summary>Bit operations: on truth values they act as on the bytes 0 and 1.</summary>
internal sealed class BitsBinaryKernel<I32, I64, U8>(string name, string cuda) : BinaryKernel(name, cuda)
    where I32 : IBinaryOperator<int>
    where I64 : IBinaryOperator<long>
    where U8 : IBinaryOperator<byte>
{
    public override bool Supports(DType dtype) => !dtype.IsFloat();

    public override float Invoke(float x, float y)
    {
        ThrowUnsupported(DType.Float32);
        return 0;
    }

    public override double Invoke(double x, double y)
    {
        ThrowUnsupported(DType.Float64);
        return 0;
    }

    internal override void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width)
    {
        switch (dtype)
        {
            case DType.Int32: Run<I32, int>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.Int64: Run<I64, long>(x, xStrides, y, yStrides, destination, shape, width); break;
            case DType.UInt8 or DType.Bool: Run<U8, byte>(x, xStrides, y, yStrides, destination, shape, width); break;
            default: ThrowUnsupported(dtype); break;
        }
    }
}
