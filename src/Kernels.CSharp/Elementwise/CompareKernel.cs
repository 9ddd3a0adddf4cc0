using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>A relation between two numbers, applied to the pairs of elements of two tensors.</summary>
public abstract class CompareKernel
{
    private protected CompareKernel(string name, string cuda) => (Name, Cuda) = (name, cuda);

    /// <summary>The name, as in <see cref="Compare"/>.</summary>
    public string Name { get; }

    /// <summary>The C expression of the relation of <c>x</c> and <c>y</c>, for device code.</summary>
    public string Cuda { get; }

    /// <summary>Whether there is a kernel for elements of the type.</summary>
    public abstract bool Supports(DType dtype);

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
        Invoke(dtype, x, xStrides, y, yStrides, destination, shape, Simd.Width);

    internal abstract void Invoke(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width);

    private protected static void Run<TOp, T>(
        ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides,
        Span<byte> destination, ReadOnlySpan<int> shape, int width)
        where TOp : ICompareOperator<T>
        where T : unmanaged, INumber<T>
    {
        switch (TOp.IsVector ? width : 0)
        {
            case 512: Driver.Run<CompareRow<TOp, T, V512<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            case 256: Driver.Run<CompareRow<TOp, T, V256<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            case 128: Driver.Run<CompareRow<TOp, T, V128<T>>>(destination, shape, x, xStrides, y, yStrides); break;
            default: Driver.Run<CompareRow<TOp, T, V1<T>>>(destination, shape, x, xStrides, y, yStrides); break;
        }
    }
}

internal sealed class NumberCompareKernel<F32, F64, I32, I64, U8>(string name, string cuda) : CompareKernel(name, cuda)
    where F32 : ICompareOperator<float>
    where F64 : ICompareOperator<double>
    where I32 : ICompareOperator<int>
    where I64 : ICompareOperator<long>
    where U8 : ICompareOperator<byte>
{
    public override bool Supports(DType dtype) => true;

    public override bool Invoke(float x, float y) => F32.Invoke(x, y);

    public override bool Invoke(double x, double y) => F64.Invoke(x, y);

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
            default: Run<U8, byte>(x, xStrides, y, yStrides, destination, shape, width); break;
        }
    }
}
