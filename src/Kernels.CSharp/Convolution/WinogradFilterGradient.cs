using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The transpose of <see cref="WinogradCorrelation{V, L, Ops, F}"/> in the filters: tiles of the images and of the cotangent are
/// transformed; each part of the gradient of the transformed filters is a product of matrices (channels by tiles) with (tiles by
/// results); and these products are transformed to the gradient.
/// </summary>
/// <remarks>
/// As many tiles as fit into the last cache are transformed at a time, and their products, part by part, added to those before. Where
/// these are all tiles, and the products are larger than the second cache, all parts of some channels and of a panel of results are
/// computed together, and transformed at once. Sums over tiles are cut by the sizes alone, so that results do not depend on the threads.
/// </remarks>
internal unsafe struct WinogradFilterGradient<V, L, Ops, F>
    where V : unmanaged
    where L : struct, ILanes<float, V>
    where Ops : struct, ITileOps<V, float>
    where F : struct, IWinograd<V, L>
{
    private const long ForkWork = 1 << 18;
    private const long ChunkBytes = 12 << 20;
    private const int LeastTiles = 48;

    // The tiles of a slice of a sum: their elements of a panel of results and of some channels stay in the first cache.
    private const int SliceTiles = 128;
    private const int MostRows = 12;
    private const int TaskChannels = 32;

    // The products of some channels with a panel of results stay in the second cache.
    private const int PanelChannels = 128;
    private const long SumBytes = 1 << 20;

    private WinogradProblem of;
    private WinogradTiles<V, L, Ops, F, InputTransform<V, L, F>> images;
    private WinogradTiles<V, L, Ops, F, CotangentTransform<V, L, F>> cotangents;
    private WinogradBlocks blocks;
    private int tilesX, firstRow, tiles, resultVectors, channelTasks, taskChannels;
    private bool adds;
    private nint sumPitch, sumPart;
    private float* inputs, outputs, sums;
    private int failed;

    private static int Reach => F.Outputs + 2;

    private static int Parts => Reach * Reach;

    /// <summary>Computes the gradient of the filters; false if an element is not a finite number.</summary>
    internal static bool Run(in WinogradProblem problem)
    {
        WinogradFilterGradient<V, L, Ops, F> self = new() { of = problem };
        return self.Run();
    }

    private bool Run()
    {
        int lanes = L.Count, tilesY = CeilingDivide(of.OutputHeight, F.Outputs), rows = of.Batch * tilesY;
        tilesX = CeilingDivide(of.OutputWidth, F.Outputs);
        resultVectors = CeilingDivide(of.Results, lanes);
        images = new()
        {
            Channels = of.Channels,
            Height = of.Height,
            Width = of.Width,
            Top = of.Top,
            Left = of.Left,
            Rows = tilesY,
            Images = of.Input,
            Pitch = WinogradMemory.OddLines(CeilingDivide(of.Channels, lanes) * lanes),
        };
        cotangents = new()
        {
            Channels = of.Results,
            Height = of.OutputHeight,
            Width = of.OutputWidth,
            Rows = tilesY,
            Images = of.Output,
            Pitch = WinogradMemory.OddLines(resultVectors * lanes),
        };

        long rowBytes = tilesX * Parts * (images.Pitch + cotangents.Pitch) * sizeof(float);
        int chunks = CeilingDivide(rows, (int)Math.Min(Math.Max(ChunkBytes / rowBytes, CeilingDivide(LeastTiles, tilesX)), rows));
        int chunkRows = CeilingDivide(rows, chunks);
        images.Part = WinogradMemory.OddLines((nint)chunkRows * tilesX * images.Pitch);
        cotangents.Part = WinogradMemory.OddLines((nint)chunkRows * tilesX * cotangents.Pitch);
        sumPitch = (nint)resultVectors * lanes;
        bool isPanelled = chunks == 1 && Parts * of.Channels * sumPitch * sizeof(float) > SumBytes;
        if (isPanelled) sumPitch = 2 * lanes;
        channelTasks = CeilingDivide(of.Channels, isPanelled ? PanelChannels : TaskChannels);
        taskChannels = CeilingDivide(of.Channels, channelTasks);
        sumPart = WinogradMemory.OddLines((isPanelled ? taskChannels : of.Channels) * sumPitch);
        nint sumLength = isPanelled ? 0 : sumPart;
        inputs = (float*)ConvolutionScratch.Tables(Parts * (images.Part + cotangents.Part + sumLength) * sizeof(float));
        outputs = inputs + Parts * images.Part;
        sums = outputs + Parts * cotangents.Part;
        int threads = (long)rows * tilesX * of.Channels * of.Results * Parts >= ForkWork ? of.Threads : 1;
        fixed (WinogradFilterGradient<V, L, Ops, F>* self = &this)
        {
            for (firstRow = 0; firstRow < rows; firstRow += chunkRows)
            {
                int count = Math.Min(chunkRows, rows - firstRow);
                tiles = count * tilesX;
                adds = firstRow > 0;
                blocks = WinogradBlocks.Choose(count, tilesX, Math.Max(tiles / (4 * threads), tilesX), threads);
                Fork(self, 2 * blocks.Count, threads, &TransformTask);
                if (!isPanelled) Fork(self, Parts * channelTasks, threads, &PartTask);
            }

            if (isPanelled) Fork(self, CeilingDivide(resultVectors, 2) * channelTasks, threads, &PanelTask);
            else Fork(self, resultVectors * channelTasks, threads, &GradientTask);
        }

        return failed == 0;
    }

    private static void Fork(
        WinogradFilterGradient<V, L, Ops, F>* self, int tasks, int threads,
        delegate*<WinogradFilterGradient<V, L, Ops, F>*, int, void> task)
    {
        if (threads > 1) Workers.For(tasks, self, (delegate*<void*, int, void>)task);
        else for (int index = 0; index < tasks; index++) task(self, index);
    }

    private static int CeilingDivide(int x, int y) => (x + y - 1) / y;

    /// <summary>Transforms a block of tiles of the images or of the cotangent.</summary>
    private static void TransformTask(WinogradFilterGradient<V, L, Ops, F>* self, int task)
    {
        (int index, int which) = Math.DivRem(task, 2);
        WinogradBlock block = self->blocks[index];
        nint tile = block.First * self->tilesX;
        block = block with { First = block.First + self->firstRow, Last = block.Last + self->firstRow };
        float* stage = (float*)ConvolutionScratch.Task(self->images.StageLength(block) * sizeof(float));
        if (which == 0) self->images.Transform(block, stage, self->inputs + tile * self->images.Pitch);
        else self->cotangents.Transform(block, stage, self->outputs + tile * self->cotangents.Pitch);
    }

    private readonly int ChannelsFrom(int channel) => Math.Min(taskChannels, of.Channels - channel);

    /// <summary>The elements that transforms of the sums of some channels need.</summary>
    private readonly nint GradientScratch => (9 * taskChannels + 3 * Reach) * L.Count;

    /// <summary>Adds the products of all tiles to one part of some channels.</summary>
    private static void PartTask(WinogradFilterGradient<V, L, Ops, F>* self, int task)
    {
        (int part, int slice) = Math.DivRem(task, self->channelTasks);
        int channel = slice * self->taskChannels;
        float* to = self->sums + part * self->sumPart + channel * self->sumPitch;
        self->Multiply(part, channel, self->ChannelsFrom(channel), 0, self->resultVectors, to);
    }

    /// <summary>Transforms the sums of some channels of as many filters as a vector has lanes.</summary>
    private static void GradientTask(WinogradFilterGradient<V, L, Ops, F>* self, int task)
    {
        (int vector, int slice) = Math.DivRem(task, self->channelTasks);
        int channel = slice * self->taskChannels;
        float* scratch = (float*)ConvolutionScratch.Task(self->GradientScratch * sizeof(float));
        self->WriteGradient(vector, channel, self->sums + channel * self->sumPitch + vector * L.Count, scratch);
    }

    /// <summary>Computes the gradient of some channels of a panel of filters.</summary>
    private static void PanelTask(WinogradFilterGradient<V, L, Ops, F>* self, int task)
    {
        (int panel, int slice) = Math.DivRem(task, self->channelTasks);
        int channel = slice * self->taskChannels, first = 2 * panel, last = Math.Min(first + 2, self->resultVectors);
        nint length = Parts * self->sumPart;
        float* sums = (float*)ConvolutionScratch.Task((length + self->GradientScratch) * sizeof(float));
        for (int part = 0; part < Parts; part++)
            self->Multiply(part, channel, self->ChannelsFrom(channel), first, last, sums + part * self->sumPart);
        for (int vector = first; vector < last; vector++)
            self->WriteGradient(vector, channel, sums + (vector - first) * L.Count, sums + length);
    }

    /// <summary>Adds the products of all tiles to one part of some channels and vectors of results.</summary>
    private readonly void Multiply(int part, int channel, int channels, int firstVector, int lastVector, float* to)
    {
        float* input = inputs + part * images.Part + channel, output = outputs + part * cotangents.Part;
        Tile<float> tile = new()
        {
            ARow = 1,
            AColumn = images.Pitch,
            BRow = cotangents.Pitch,
            CRow = sumPitch,
            Second = L.Count,
        };
        int steps = CeilingDivide(channels, MostRows);
        for (int t = 0; t < tiles; t += SliceTiles)
        {
            tile.K = Math.Min(SliceTiles, tiles - t);
            tile.Accumulate = adds || t > 0;
            for (int vector = firstVector; vector < lastVector; vector += 2)
            {
                tile.B = output + t * cotangents.Pitch + vector * L.Count;
                for (int step = 0, from = 0, end; step < steps; step++, from = end)
                {
                    end = channels * (step + 1) / steps;
                    tile.A = input + t * images.Pitch + from;
                    tile.C = to + from * sumPitch + (vector - firstVector) * L.Count;
                    if (vector + 1 < lastVector) TileKernel<float, V, L>.RunPackedWide(end - from, &tile);
                    else TileKernel<float, V, L>.RunPackedNarrow(end - from, &tile);
                }
            }
        }
    }

    /// <summary>Transforms the sums of some channels of as many filters as a vector has lanes, and writes their gradient.</summary>
    private void WriteGradient(int vector, int channel, float* from, float* scratch)
    {
        int channels = ChannelsFrom(channel), taps = 9 * channels, result = vector * L.Count;
        V bad = TransformSums(from, sumPitch, sumPart, channels, scratch + taps * L.Count, scratch);
        if (L.Sum(bad) != 0) failed = 1;
        WinogradMemory.Write<V, Ops>(
            scratch, taps, Math.Min(L.Count, of.Results - result), of.Weights + (nint)result * of.WeightsResult + (nint)channel * 9,
            of.WeightsResult);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static V TransformSums(float* from, nint pitch, nint part, int count, float* columns, float* to)
    {
        V zero = default, bad = default;
        for (; count > 0; count--, from += pitch)
        {
            float* row = from;
            for (int i = 0; i < Reach; i++, row += Reach * part) F.Gradient(row, part, columns + i * 3 * L.Count, L.Count);
            for (int v = 0; v < 3; v++) F.Gradient(columns + v * L.Count, 3 * L.Count, to + v * L.Count, 3 * L.Count);
            for (int tap = 0; tap < 9; tap++, to += L.Count) bad = L.MultiplyAdd(L.Load(to), zero, bad);
        }

        return bad;
    }
}
