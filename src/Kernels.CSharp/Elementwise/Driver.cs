using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Brings row kernels to tensors of any strides: checks lengths, merges dimensions, forks.</summary>
internal static unsafe class Driver
{
    // There is nothing that a profile could teach, and the first calls of a program are not to be slow.
    private const MethodImplOptions Optimize = MethodImplOptions.AggressiveOptimization;

    // Strided operands pass through a buffer of tiles of this size, of elements of up to 8 bytes.
    private const int TileRows = 16;
    private const int TileColumns = 64;
    private const int TileBytes = TileRows * TileColumns * 8;

    /// <summary>A function of one operand.</summary>
    [MethodImpl(Optimize)]
    internal static void Run(
        RowKernel kernel, Span<byte> result, ReadOnlySpan<int> shape, ReadOnlySpan<byte> a, ReadOnlySpan<int> stridesA)
    {
        if (!stridesA.IsEmpty)
        {
            RunStrided(kernel, result, shape, a, stridesA, default, default, default, default);
            return;
        }

        long count = Layout.CountOf(shape);
        Check(count * kernel.ResultSize, result.Length);
        Check(count * kernel.SizeA, a.Length);
        fixed (byte* pr = result, pa = a) RunContiguous(kernel, count, pr, pa, null, null);
    }

    /// <summary>A function of two operands.</summary>
    [MethodImpl(Optimize)]
    internal static void Run(
        RowKernel kernel, Span<byte> result, ReadOnlySpan<int> shape, ReadOnlySpan<byte> a, ReadOnlySpan<int> stridesA,
        ReadOnlySpan<byte> b, ReadOnlySpan<int> stridesB)
    {
        long count = Layout.CountOf(shape);
        if (!stridesA.IsEmpty || !stridesB.IsEmpty)
        {
            // A number with a short array needs no layout.
            bool isNumberA = IsNumber(stridesA, shape), isNumberB = IsNumber(stridesB, shape);
            if (count > 0 && count < kernel.Grain && (isNumberA || stridesA.IsEmpty) && (isNumberB || stridesB.IsEmpty))
            {
                Check(count * kernel.ResultSize, result.Length);
                Check((isNumberA ? 1 : count) * kernel.SizeA, a.Length);
                Check((isNumberB ? 1 : count) * kernel.SizeB, b.Length);
                fixed (byte* pr = result, pa = a, pb = b)
                    kernel.Row(pr, pa, isNumberA ? 0 : 1, pb, isNumberB ? 0 : 1, null, 0, (nint)count);
                return;
            }

            RunStrided(kernel, result, shape, a, stridesA, b, stridesB, default, default);
            return;
        }

        Check(count * kernel.ResultSize, result.Length);
        Check(count * kernel.SizeA, a.Length);
        Check(count * kernel.SizeB, b.Length);
        fixed (byte* pr = result, pa = a, pb = b) RunContiguous(kernel, count, pr, pa, pb, null);
    }

    /// <summary>A function of three operands.</summary>
    [MethodImpl(Optimize)]
    internal static void Run(
        RowKernel kernel, Span<byte> result, ReadOnlySpan<int> shape, ReadOnlySpan<byte> a, ReadOnlySpan<int> stridesA,
        ReadOnlySpan<byte> b, ReadOnlySpan<int> stridesB, ReadOnlySpan<byte> c, ReadOnlySpan<int> stridesC)
    {
        if (!stridesA.IsEmpty || !stridesB.IsEmpty || !stridesC.IsEmpty)
        {
            RunStrided(kernel, result, shape, a, stridesA, b, stridesB, c, stridesC);
            return;
        }

        long count = Layout.CountOf(shape);
        Check(count * kernel.ResultSize, result.Length);
        Check(count * kernel.SizeA, a.Length);
        Check(count * kernel.SizeB, b.Length);
        Check(count * kernel.SizeC, c.Length);
        fixed (byte* pr = result, pa = a, pb = b, pc = c) RunContiguous(kernel, count, pr, pa, pb, pc);
    }

    /// <summary>Whether an operand is one element, stretched along all dimensions.</summary>
    private static bool IsNumber(ReadOnlySpan<int> strides, ReadOnlySpan<int> shape) =>
        strides.Length == shape.Length && !strides.IsEmpty && !strides.ContainsAnyExcept(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RunContiguous(RowKernel kernel, long count, byte* r, byte* a, byte* b, byte* c)
    {
        if (count >= 2L * kernel.Grain) ForkContiguous(kernel, count, r, a, b, c);
        else if (count > 0) kernel.Row(r, a, 1, b, 1, c, 1, (nint)count);
    }

    private static void ForkContiguous(RowKernel kernel, long count, byte* r, byte* a, byte* b, byte* c) =>
        Workers.ForRange(count, kernel.Grain, new Contiguous { Kernel = kernel, R = r, A = a, B = b, C = c });

    private struct Contiguous : IForkedRange
    {
        public RowKernel Kernel;
        public byte* R, A, B, C;

        public readonly void Run(long from, long to) => Kernel.Row(
            R + from * Kernel.ResultSize, A + from * Kernel.SizeA, 1, B + from * Kernel.SizeB, 1,
            C + from * Kernel.SizeC, 1, (nint)(to - from));
    }

    [SkipLocalsInit]
    private static void RunStrided(
        RowKernel kernel, Span<byte> result, ReadOnlySpan<int> shape, ReadOnlySpan<byte> a, ReadOnlySpan<int> stridesA,
        ReadOnlySpan<byte> b, ReadOnlySpan<int> stridesB, ReadOnlySpan<byte> c, ReadOnlySpan<int> stridesC)
    {
        Layout layout = new(shape, stridesA, stridesB, stridesC);
        if (layout.Count == 0) return;
        Check((long)layout.Count * kernel.ResultSize, result.Length);
        Check(Extent(layout, 0) * kernel.SizeA, a.Length);
        Check(Extent(layout, 1) * kernel.SizeB, b.Length);
        Check(Extent(layout, 2) * kernel.SizeC, c.Length);
        fixed (byte* pr = result, pa = a, pb = b, pc = c)
        {
            // An operand that has to be gathered costs more than most functions.
            bool gathers = (layout.Stride(0, 0) | layout.Stride(1, 0) | layout.Stride(2, 0)) > 1;
            int grain = gathers ? Math.Min(kernel.Grain, Tiles.Grain) : kernel.Grain;
            if (layout.Count >= 2L * grain) ForkStrided(kernel, grain, layout, pr, pa, pb, pc);
            else Range(kernel, layout, pr, pa, pb, pc, 0, layout.Count);
        }
    }

    private static void ForkStrided(
        RowKernel kernel, int grain, Layout layout, byte* r, byte* a, byte* b, byte* c) =>
        Workers.ForRange(layout.Count, grain, new Strided { Kernel = kernel, Layout = layout, R = r, A = a, B = b, C = c });

    private struct Strided : IForkedRange
    {
        public RowKernel Kernel;
        public Layout Layout;
        public byte* R, A, B, C;

        public readonly void Run(long from, long to) => Range(Kernel, Layout, R, A, B, C, (int)from, (int)to);
    }

    /// <summary>Computes the elements of the result from index <paramref name="from"/> to before another.</summary>
    private static void Range(
        RowKernel kernel, in Layout layout, byte* r, byte* a, byte* b, byte* c, int from, int to)
    {
        int columns = layout.Sizes[0];
        int height = layout.Rank > 1 ? layout.Sizes[1] : 1;
        while (from < to)
        {
            (int row, int column) = Math.DivRem(from, columns);
            int width = Math.Min(columns - column, to - from);
            int rows = width < columns ? 1 : Math.Min(height - row % height, (to - from) / columns);
            Block(
                kernel, layout, r + (long)from * kernel.ResultSize,
                a + layout.Offset(0, row, column) * kernel.SizeA,
                b + layout.Offset(1, row, column) * kernel.SizeB,
                c + layout.Offset(2, row, column) * kernel.SizeC, rows, width);
            from += rows * width;
        }
    }

    /// <summary>Computes rows that lie at fixed distances.</summary>
    private static void Block(
        RowKernel kernel, in Layout layout, byte* r, byte* a, byte* b, byte* c, int rows, int columns)
    {
        bool tall = layout.Rank > 1;
        long stepA = tall ? layout.Stride(0, 1) : 0, stepB = tall ? layout.Stride(1, 1) : 0;
        long stepC = tall ? layout.Stride(2, 1) : 0;
        int innerA = layout.Stride(0, 0), innerB = layout.Stride(1, 0), innerC = layout.Stride(2, 0);
        if ((innerA | innerB | innerC) > 1)
        {
            Tiled(
                kernel, r, new(a, kernel.SizeA, stepA, innerA), new(b, kernel.SizeB, stepB, innerB),
                new(c, kernel.SizeC, stepC, innerC), rows, columns);
            return;
        }

        stepA *= kernel.SizeA;
        stepB *= kernel.SizeB;
        stepC *= kernel.SizeC;
        long pitch = (long)columns * kernel.ResultSize;
        for (; rows > 0; rows--)
        {
            kernel.Row(r, a, innerA, b, innerB, c, innerC, columns);
            r += pitch;
            a += stepA;
            b += stepB;
            c += stepC;
        }
    }

    [SkipLocalsInit]
    private static void Tiled(RowKernel kernel, byte* r, Matrix a, Matrix b, Matrix c, int rows, int columns)
    {
        byte* buffer = stackalloc byte[Layout.Operands * TileBytes];
        for (int i = 0; i < rows; i += TileRows)
        {
            int height = Math.Min(TileRows, rows - i);
            for (int j = 0; j < columns; j += TileColumns)
            {
                int width = Math.Min(TileColumns, columns - j);
                Matrix ta = a.Tile(i, j, height, width, buffer);
                Matrix tb = b.Tile(i, j, height, width, buffer + TileBytes);
                Matrix tc = c.Tile(i, j, height, width, buffer + 2 * TileBytes);
                for (int k = 0; k < height; k++)
                {
                    kernel.Row(
                        r + ((long)(i + k) * columns + j) * kernel.ResultSize,
                        ta.Row(k), ta.Inner, tb.Row(k), tb.Inner, tc.Row(k), tc.Inner, width);
                }
            }
        }
    }

    /// <summary>The number of elements that a span needs, from index 0 to the farthest that is read.</summary>
    private static long Extent(in Layout layout, int operand)
    {
        layout.Reach(operand, out long least, out long greatest);
        if (least < 0) ThrowNegative();
        return greatest + 1;
    }

    private static void Check(long need, int have)
    {
        if (need > have) ThrowTooShort(need, have);
    }

    [DoesNotReturn]
    private static void ThrowTooShort(long need, int have) =>
        throw new ArgumentException($"A span of {have} bytes is too short for a shape that needs {need}.");

    [DoesNotReturn]
    private static void ThrowNegative() => throw new ArgumentException("A stride is negative.");

    /// <summary>An operand of two dimensions, its elements some bytes in size, its strides in elements.</summary>
    private readonly struct Matrix(byte* data, int size, long step, int inner)
    {
        internal int Inner => inner;

        internal byte* Row(int index) => data + index * step * size;

        /// <summary>A part of it: itself if the inner stride is 0 or 1, else a copy of that kind.</summary>
        internal Matrix Tile(int row, int column, int rows, int columns, byte* buffer)
        {
            byte* start = Row(row) + (long)column * inner * size;
            if (inner <= 1) return new(start, size, step, inner);
            Tiles.Copy(size, start, step, inner, buffer, TileColumns, 1, rows, columns);
            return new(buffer, size, TileColumns, 1);
        }
    }
}
