using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>An element-wise computation of one row of elements.</summary>
internal unsafe interface IRowKernel
{
    /// <summary>The size in bytes of an element of the result.</summary>
    static abstract int ResultSize { get; }

    /// <summary>The sizes in bytes of the elements of the operands; 0 where there is none.</summary>
    static abstract int SizeA { get; }

    /// <inheritdoc cref="SizeA"/>
    static virtual int SizeB => 0;

    /// <inheritdoc cref="SizeA"/>
    static virtual int SizeC => 0;

    /// <summary>The least number of elements that is worth a thread of its own.</summary>
    static abstract int Grain { get; }

    /// <summary>Computes <paramref name="count"/> contiguous elements of operands of strides 0 or 1.</summary>
    static abstract void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count);
}

/// <summary>Brings row kernels to tensors of any strides: checks lengths, merges dimensions, forks.</summary>
internal static unsafe class Driver
{
    // Strided operands pass through a buffer of this many elements of up to 8 bytes.
    private const int TileRows = 16;
    private const int TileColumns = 64;

    [SkipLocalsInit]
    internal static void Run<TKernel>(
        Span<byte> result,
        ReadOnlySpan<int> shape,
        ReadOnlySpan<byte> a,
        ReadOnlySpan<int> stridesA,
        ReadOnlySpan<byte> b = default,
        ReadOnlySpan<int> stridesB = default,
        ReadOnlySpan<byte> c = default,
        ReadOnlySpan<int> stridesC = default)
        where TKernel : IRowKernel
    {
        fixed (byte* pr = result, pa = a, pb = b, pc = c)
        {
            if (stridesA.IsEmpty && stridesB.IsEmpty && stridesC.IsEmpty)
            {
                long count = Layout.CountOf(shape);
                Check(count * TKernel.ResultSize, result.Length);
                Check(count * TKernel.SizeA, a.Length);
                Check(count * TKernel.SizeB, b.Length);
                Check(count * TKernel.SizeC, c.Length);
                if (count >= 2 * TKernel.Grain) ForkContiguous<TKernel>(count, pr, pa, pb, pc);
                else if (count > 0) TKernel.Row(pr, pa, 1, pb, 1, pc, 1, (nint)count);
                return;
            }

            Layout layout = new(shape, stridesA, stridesB, stridesC);
            if (layout.Count == 0) return;
            Check((long)layout.Count * TKernel.ResultSize, result.Length);
            Check(layout.Extent(0) * TKernel.SizeA, a.Length);
            Check(layout.Extent(1) * TKernel.SizeB, b.Length);
            Check(layout.Extent(2) * TKernel.SizeC, c.Length);
            if (layout.Count >= 2 * TKernel.Grain) Fork<TKernel>(layout, pr, pa, pb, pc);
            else Range<TKernel>(layout, pr, pa, pb, pc, 0, layout.Count);
        }
    }

    private static void ForkContiguous<TKernel>(long count, byte* r, byte* a, byte* b, byte* c)
        where TKernel : IRowKernel =>
        Workers.ForRange(count, TKernel.Grain, (from, to) => TKernel.Row(
            r + from * TKernel.ResultSize, a + from * TKernel.SizeA, 1, b + from * TKernel.SizeB, 1,
            c + from * TKernel.SizeC, 1, (nint)(to - from)));

    private static void Fork<TKernel>(Layout layout, byte* r, byte* a, byte* b, byte* c)
        where TKernel : IRowKernel =>
        Workers.ForRange(
            layout.Count, TKernel.Grain, (from, to) => Range<TKernel>(layout, r, a, b, c, (int)from, (int)to));

    /// <summary>Computes the elements of the result from index <paramref name="from"/> to before another.</summary>
    private static void Range<TKernel>(in Layout layout, byte* r, byte* a, byte* b, byte* c, int from, int to)
        where TKernel : IRowKernel
    {
        int columns = layout.Sizes[0];
        int height = layout.Rank > 1 ? layout.Sizes[1] : 1;
        while (from < to)
        {
            (int row, int column) = Math.DivRem(from, columns);
            int width = Math.Min(columns - column, to - from);
            int rows = width < columns ? 1 : Math.Min(height - row % height, (to - from) / columns);
            Block<TKernel>(
                layout, r + (long)from * TKernel.ResultSize,
                Start(layout, 0, a, TKernel.SizeA, row, column),
                Start(layout, 1, b, TKernel.SizeB, row, column),
                Start(layout, 2, c, TKernel.SizeC, row, column), rows, width);
            from += rows * width;
        }
    }

    private static byte* Start(in Layout layout, int operand, byte* data, int size, int row, int column) =>
        size == 0 ? data
        : data + (layout.RowOffset(operand, row) + (long)column * layout.Stride(operand, 0)) * size;

    /// <summary>Computes rows that lie at fixed distances.</summary>
    [SkipLocalsInit]
    private static void Block<TKernel>(in Layout layout, byte* r, byte* a, byte* b, byte* c, int rows, int columns)
        where TKernel : IRowKernel
    {
        bool tall = layout.Rank > 1;
        long stepA = tall ? layout.Stride(0, 1) : 0, stepB = tall ? layout.Stride(1, 1) : 0;
        long stepC = tall ? layout.Stride(2, 1) : 0;
        int innerA = layout.Stride(0, 0), innerB = layout.Stride(1, 0), innerC = layout.Stride(2, 0);
        long pitch = (long)columns * TKernel.ResultSize;
        if ((innerA | innerB | innerC) <= 1)
        {
            stepA *= TKernel.SizeA;
            stepB *= TKernel.SizeB;
            stepC *= TKernel.SizeC;
            for (; rows > 0; rows--)
            {
                TKernel.Row(r, a, innerA, b, innerB, c, innerC, columns);
                r += pitch;
                a += stepA;
                b += stepB;
                c += stepC;
            }

            return;
        }

        byte* buffer = stackalloc byte[Layout.Operands * TileRows * TileColumns * 8];
        for (int i = 0; i < rows; i += TileRows)
        {
            int height = Math.Min(TileRows, rows - i);
            for (int j = 0; j < columns; j += TileColumns)
            {
                int width = Math.Min(TileColumns, columns - j);
                Operand ta = new(a, TKernel.SizeA, stepA, innerA, i, j, height, width, buffer);
                Operand tb = new(b, TKernel.SizeB, stepB, innerB, i, j, height, width, ta.FreeBuffer);
                Operand tc = new(c, TKernel.SizeC, stepC, innerC, i, j, height, width, tb.FreeBuffer);
                for (int k = 0; k < height; k++)
                {
                    TKernel.Row(
                        r + (i + k) * pitch + (long)j * TKernel.ResultSize,
                        ta.Row(k), ta.Stride, tb.Row(k), tb.Stride, tc.Row(k), tc.Stride, width);
                }
            }
        }
    }

    private static void Check(long need, int have)
    {
        if (need > have) ThrowTooShort(need, have);
    }

    [DoesNotReturn]
    private static void ThrowTooShort(long need, int have) =>
        throw new ArgumentException($"A span of {have} bytes is too short for a shape that needs {need}.");

    /// <summary>A tile of an operand: the operand itself if its inner stride is 0 or 1, else a copy of it.</summary>
    private readonly struct Operand
    {
        internal readonly int Stride;
        internal readonly byte* FreeBuffer;
        private readonly byte* data;
        private readonly long pitch;

        internal Operand(
            byte* source, int size, long step, int inner, int row, int column, int rows, int columns, byte* buffer)
        {
            data = source + (row * step + (long)column * inner) * size;
            FreeBuffer = buffer;
            Stride = inner;
            pitch = step * size;
            if (inner <= 1 || size == 0) return;
            Tiles.Copy(size, data, step, inner, buffer, columns, rows, columns);
            data = buffer;
            Stride = 1;
            pitch = (long)columns * size;
            FreeBuffer = buffer + rows * pitch;
        }

        internal byte* Row(int index) => data + index * pitch;
    }
}
