namespace Autodiff.Kernels;

/// <summary>An element-wise computation of one row of elements, and what a driver needs to know of it.</summary>
/// <param name="row">The computation: a result and up to three operands, each with its stride, 0 or 1.</param>
/// <param name="grain">The least number of elements that is worth a thread of its own.</param>
/// <param name="resultSize">The size in bytes of an element of the result.</param>
/// <param name="sizeA">The size in bytes of an element of the first operand.</param>
/// <param name="sizeB">Of the second; 0 where there is none.</param>
/// <param name="sizeC">Of the third; 0 where there is none.</param>
internal sealed unsafe class RowKernel(
    delegate*<byte*, byte*, int, byte*, int, byte*, int, nint, void> row,
    int grain, int resultSize, int sizeA, int sizeB = 0, int sizeC = 0)
{
    internal readonly int Grain = grain;
    internal readonly int ResultSize = resultSize;
    internal readonly int SizeA = sizeA;
    internal readonly int SizeB = sizeB;
    internal readonly int SizeC = sizeC;
    private readonly delegate*<byte*, byte*, int, byte*, int, byte*, int, nint, void> row = row;

    /// <summary>Computes contiguous elements of the result, at least one.</summary>
    internal void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count) =>
        row(result, a, strideA, b, strideB, c, strideC, count);
}
