namespace Autodiff.Kernels;

/// <summary>The kernels of functions of three tensors.</summary>
public static class Ternary
{
    private static readonly RowKernel?[] Rows = new RowKernel?[9];

    /// <summary>x where the condition holds, else y.</summary>
    /// <param name="dtype">The type of the elements of both operands and of the result.</param>
    /// <param name="condition">Truth values, one byte each; any but 0 holds.</param>
    /// <param name="conditionStrides">Its strides in elements, 0 or positive; empty if contiguous.</param>
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
        Driver.Run(
            Rows[dtype.Size()] ??= Find(dtype, Simd.Width), destination, shape, condition, conditionStrides,
            x, xStrides, y, yStrides);

    /// <summary>The selection for a type, of which only the size matters, and a vector width.</summary>
    internal static RowKernel Find(DType dtype, int width) => dtype.Size() switch
    {
        1 => Kernels.Rows.Select<byte>(width),
        2 => Kernels.Rows.Select<short>(width),
        4 => Kernels.Rows.Select<int>(width),
        _ => Kernels.Rows.Select<long>(width),
    };
}
