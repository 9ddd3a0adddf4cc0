using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The kernels of functions of three tensors.</summary>
public static class Ternary
{
    /// <summary>x where the condition holds, else y.</summary>
    /// <param name="dtype">The type of the elements of both operands and of the result.</param>
    /// <param name="condition">Truth values, one byte each; any but 0 holds.</param>
    /// <param name="conditionStrides">Its strides in elements, none negative, 0 to broadcast; empty if contiguous.</param>
    /// <param name="x">The elements to take where the condition holds.</param>
    /// <param name="xStrides">Its strides.</param>
    /// <param name="y">The elements to take elsewhere.</param>
    /// <param name="yStrides">Its strides.</param>
    /// <param name="destination">The result, contiguous.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <exception cref="ArgumentException">A span is too short, or strides and shape disagree.</exception>
    public static void Select(
        DType dtype, ReadOnlySpan<byte> condition, ReadOnlySpan<int> conditionStrides, ReadOnlySpan<byte> x,
        ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides, Span<byte> destination,
        ReadOnlySpan<int> shape) =>
        Select(dtype, condition, conditionStrides, x, xStrides, y, yStrides, destination, shape, Simd.Width);

    internal static void Select(
        DType dtype, ReadOnlySpan<byte> condition, ReadOnlySpan<int> conditionStrides, ReadOnlySpan<byte> x,
        ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides, Span<byte> destination,
        ReadOnlySpan<int> shape, int width)
    {
        // Only the size of the elements matters.
        switch (dtype.Size())
        {
            case 1: Select<byte>(condition, conditionStrides, x, xStrides, y, yStrides, destination, shape, width); break;
            case 4: Select<int>(condition, conditionStrides, x, xStrides, y, yStrides, destination, shape, width); break;
            default: Select<long>(condition, conditionStrides, x, xStrides, y, yStrides, destination, shape, width); break;
        }
    }

    private static void Select<T>(
        ReadOnlySpan<byte> condition, ReadOnlySpan<int> conditionStrides, ReadOnlySpan<byte> x,
        ReadOnlySpan<int> xStrides, ReadOnlySpan<byte> y, ReadOnlySpan<int> yStrides, Span<byte> destination,
        ReadOnlySpan<int> shape, int width)
        where T : unmanaged, INumber<T>
    {
        switch (width)
        {
            case 512: Driver.Run<SelectRow<T, V512<T>>>(
                destination, shape, condition, conditionStrides, x, xStrides, y, yStrides); break;
            case 256: Driver.Run<SelectRow<T, V256<T>>>(
                destination, shape, condition, conditionStrides, x, xStrides, y, yStrides); break;
            case 128: Driver.Run<SelectRow<T, V128<T>>>(
                destination, shape, condition, conditionStrides, x, xStrides, y, yStrides); break;
            default: Driver.Run<SelectRow<T, V1<T>>>(
                destination, shape, condition, conditionStrides, x, xStrides, y, yStrides); break;
        }
    }
}
