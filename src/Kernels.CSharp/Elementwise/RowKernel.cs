using System.Runtime.CompilerServices;

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
    // The wider forms of four tiles fill a part of the first cache.
    private const int Tile = 512;
    private const int TileBytes = Tile * sizeof(double);

    internal readonly int Grain = grain;
    internal readonly int ResultSize = resultSize;
    internal readonly int SizeA = sizeA;
    internal readonly int SizeB = sizeB;
    internal readonly int SizeC = sizeC;
    private readonly delegate*<byte*, byte*, int, byte*, int, byte*, int, nint, void> row = row;
    private RowKernel? inner;
    private RowKernel? widen;
    private RowKernel? narrow;

    /// <summary>Computes contiguous elements of the result, at least one.</summary>
    internal void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        if (inner is not null) RowInTiles(inner, result, a, strideA, b, strideB, c, strideC, count);
        else row(result, a, strideA, b, strideB, c, strideC, count);
    }

    /// <summary>
    /// The same computation for elements that are stored otherwise: operands are converted to the type that it takes, or its
    /// result from that, a tile at a time, so that what lies between stays in the cache.
    /// </summary>
    internal RowKernel Stored(RowKernel? widen, RowKernel? narrow) =>
        new(
            row, Grain, narrow?.ResultSize ?? ResultSize, StoredSize(SizeA, widen), StoredSize(SizeB, widen),
            StoredSize(SizeC, widen))
        {
            inner = this,
            widen = widen,
            narrow = narrow,
        };

    private static int StoredSize(int size, RowKernel? widen) => size == 0 || widen is null ? size : widen.SizeA;

    [SkipLocalsInit]
    private void RowInTiles(
        RowKernel kernel, byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        byte* buffer = stackalloc byte[4 * TileBytes + 64];
        buffer = (byte*)(((nint)buffer + 63) & ~(nint)63);
        for (nint at = 0; at < count; at += Tile)
        {
            nint n = Math.Min(Tile, count - at);
            byte* x = Operand(a, SizeA, strideA, at, n, buffer);
            byte* y = Operand(b, SizeB, strideB, at, n, buffer + TileBytes);
            byte* z = Operand(c, SizeC, strideC, at, n, buffer + 2 * TileBytes);
            byte* target = result + at * ResultSize;
            if (narrow is null)
            {
                kernel.Row(target, x, strideA, y, strideB, z, strideC, n);
                continue;
            }

            byte* wide = buffer + 3 * TileBytes;
            kernel.Row(wide, x, strideA, y, strideB, z, strideC, n);
            narrow.Row(target, wide, 1, null, 0, null, 0, n);
        }
    }

    private byte* Operand(byte* x, int size, int stride, nint at, nint count, byte* buffer)
    {
        x += at * stride * size;
        if (widen is null || size == 0) return x;
        widen.Row(buffer, x, 1, null, 0, null, 0, stride == 0 ? 1 : count);
        return buffer;
    }
}
