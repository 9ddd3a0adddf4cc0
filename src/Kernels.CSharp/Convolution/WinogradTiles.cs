using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Rows of tiles <c>First</c> to <c>Last</c>, counted through all images, from which a block has <c>Width</c> tiles from
/// <c>Left</c> on.</summary>
internal readonly record struct WinogradBlock(int First, int Last, int Left, int Width)
{
    internal int Count => (Last - First) * Width;
}

/// <summary>How rows of tiles are cut into blocks: long ones into several, and short ones, of several images, joined.</summary>
internal struct WinogradBlocks
{
    private int rows, tilesX, cuts, cutTiles, blockRows;

    /// <summary>The number of blocks.</summary>
    internal int Count { get; private set; }

    /// <summary>The most tiles that a block has.</summary>
    internal readonly int MostTiles => blockRows * cutTiles;

    /// <summary>Blocks of about <paramref name="wanted"/> tiles, as many for each thread.</summary>
    internal static WinogradBlocks Choose(int rows, int tilesX, int wanted, int threads)
    {
        int cuts = (tilesX + wanted - 1) / wanted, cutTiles = (tilesX + cuts - 1) / cuts;
        cuts = (tilesX + cutTiles - 1) / cutTiles;
        int blockRows = Math.Clamp(wanted / cutTiles, 1, rows), runs = (rows + blockRows - 1) / blockRows;
        runs = (runs + threads - 1) / threads * threads;
        blockRows = (rows + runs - 1) / runs;
        return new()
        {
            rows = rows,
            tilesX = tilesX,
            cuts = cuts,
            cutTiles = cutTiles,
            blockRows = blockRows,
            Count = (rows + blockRows - 1) / blockRows * cuts,
        };
    }

    internal readonly WinogradBlock this[int index]
    {
        get
        {
            (int run, int cut) = Math.DivRem(index, cuts);
            int first = run * blockRows, left = cut * cutTiles;
            return new(first, Math.Min(first + blockRows, rows), left, Math.Min(cutTiles, tilesX - left));
        }
    }
}

/// <summary>
/// Tiles of images (batch, channels, rows, columns), and their transforms: an element of a transformed tile is a part, and has all its
/// tiles and channels, tiles <c>Pitch</c> apart, in one stretch, <c>Part</c> from the next.
/// </summary>
internal unsafe struct WinogradTiles<V, L, Ops, F, R>
    where V : unmanaged
    where L : struct, ILanes<float, V>
    where Ops : struct, ITileOps<V, float>
    where F : struct, IWinograd<V, L>
    where R : struct, ITileTransform
{
    internal int Channels, Height, Width;

    /// <summary>The rows and columns of zeros before the images.</summary>
    internal int Top, Left;

    /// <summary>The rows of tiles of an image.</summary>
    internal int Rows;

    internal float* Images;
    internal nint Pitch, Part;

    private static int Reach => F.Outputs + 2;

    /// <summary>The elements between the images and the tiles of a block: rows of pixels, and their transformed columns.</summary>
    internal readonly nint StageLength(in WinogradBlock block)
    {
        int height = Math.Min(block.Last - block.First, Rows);
        return (height * F.Outputs + 2 + Reach) * (nint)(block.Width * F.Outputs + 2) * L.Count;
    }

    /// <summary>Transforms all channels of a block of tiles.</summary>
    internal readonly void Transform(in WinogradBlock block, float* stage, float* to)
    {
        int lanes = L.Count, start = block.Left * F.Outputs - Left, columnCount = block.Width * F.Outputs + R.Reads - F.Outputs;
        int from = Math.Clamp(start, 0, Width), run = Math.Clamp(start + columnCount, from, Width) - from;
        nint plane = (nint)Height * Width, pitch = (nint)run * lanes;

        // Transformed columns outside of the image stay zero.
        float* columns = stage, inside = columns + (nint)(from - start) * Reach * lanes, pixels = columns + columnCount * Reach * lanes;
        new Span<float>(columns, columnCount * Reach * lanes).Clear();
        for (int c = 0; c < Channels; c += lanes)
        {
            float* tile = to + c;
            for (int row = block.First, count; row < block.Last; row += count)
            {
                (int image, int top) = Math.DivRem(row, Rows);
                count = Math.Min(block.Last - row, Rows - top);
                float* images = Images + ((nint)image * Channels + c) * plane + from;
                Stage(
                    images, plane, Math.Min(lanes, Channels - c), top * F.Outputs - Top, count * F.Outputs + R.Reads - F.Outputs, run,
                    pixels);
                for (int i = 0; i < count; i++, tile += block.Width * Pitch)
                {
                    TransformColumns(pixels + i * F.Outputs * pitch, pitch, run, inside);
                    TransformRows(columns, block.Width, tile, Pitch, Part);
                }
            }
        }
    }

    /// <summary>Copies parts of rows of some channels, which become the lanes; rows outside are zero.</summary>
    private readonly void Stage(float* from, nint plane, int channels, int top, int rows, int run, float* to)
    {
        int first = Math.Clamp(-top, 0, rows), last = Math.Clamp(Height - top, first, rows);
        nint pitch = (nint)run * L.Count;
        new Span<float>(to, (int)(first * pitch)).Clear();
        new Span<float>(to + last * pitch, (int)((rows - last) * pitch)).Clear();
        from += (nint)(top + first) * Width;
        to += first * pitch;
        if (run == Width)
        {
            Staging<V, float, Ops>.Transpose(from, plane, channels, (last - first) * run, to, L.Count);
            return;
        }

        for (int i = first; i < last; i++, from += Width, to += pitch)
            Staging<V, float, Ops>.Transpose(from, plane, channels, run, to, L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformColumns(float* from, nint pitch, int count, float* to)
    {
        for (; count > 0; count--, from += L.Count, to += Reach * L.Count) R.Run(from, pitch, to, L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformRows(float* columns, int count, float* tile, nint pitch, nint part)
    {
        for (; count > 0; count--, columns += F.Outputs * Reach * L.Count, tile += pitch)
        {
            float* to = tile;
            for (int i = 0; i < Reach; i++, to += Reach * part) R.Run(columns + i * L.Count, Reach * L.Count, to, part);
        }
    }
}

/// <summary>What the passes of Winograd's algorithms share.</summary>
internal static unsafe class WinogradMemory
{
    /// <summary>The least distance of parts that is an odd number of cache lines, so that what is stored to all of them at once lies
    /// in different sets of a cache.</summary>
    internal static nint OddLines(nint length)
    {
        const int Line = 64 / sizeof(float);
        return ((length + Line - 1) / Line | 1) * Line;
    }

    /// <summary>Writes places of some results, which are the lanes, to their planes.</summary>
    internal static void Write<V, Ops>(float* from, int places, int results, float* to, nint plane)
        where V : unmanaged
        where Ops : struct, ITileOps<V, float>
    {
        const int Square = 16;
        int whole = places / Square * Square, rest = places - whole;
        Staging<V, float, Ops>.Transpose(from, Ops.Lanes, whole, results, to, plane);
        if (rest == 0) return;
        float* turned = stackalloc float[Square * Square];
        Staging<V, float, Ops>.Transpose(from + (nint)whole * Ops.Lanes, Ops.Lanes, rest, results, turned, Square);
        for (int m = 0; m < results; m++)
            new ReadOnlySpan<float>(turned + m * Square, rest).CopyTo(new Span<float>(to + m * plane + whole, rest));
    }
}
