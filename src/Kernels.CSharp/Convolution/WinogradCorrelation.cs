using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The correlation of a <see cref="WinogradProblem"/>: filters and tiles of the images are transformed; then each of their elements,
/// a part, is a product of matrices (tiles by channels) with (channels by results), and these products are transformed to results.
/// </summary>
/// <remarks>
/// <para>Channels, then results, are the lanes of the vectors, so that maps of any size fill them: rows of images are transposed on
/// their way in and out.</para>
/// <para>Where tiles are many, filters are transformed first; then a block of tiles is transformed, multiplied and transformed back
/// while its parts stay in the second cache. A block is a run of rows of tiles, of several images if they are short. Where results
/// are more than tiles, it is the other way round: all tiles are transformed first, and then some channels of a panel of filters are
/// transformed and used at once, so that the transformed filters, four times as large as the filters, never lie in memory.</para>
/// <para>The way, and where sums over channels are cut, follow from the sizes alone, so that results do not depend on the threads.</para>
/// </remarks>
internal unsafe struct WinogradCorrelation<V, L, Ops, F>
    where V : unmanaged
    where L : struct, ILanes<float, V>
    where Ops : struct, ITileOps<V, float>
    where F : struct, IWinograd<V, L>
{
    private const long ForkWork = 1 << 18;

    // What a block of tiles has in the second cache; and the least of its tiles, since each block reads all filters.
    private const int BlockBytes = 640 * 1024;
    private const int LeastTiles = 48;

    // The tiles whose products with a panel of filters stay in the second cache, and the channels of a panel that do besides.
    private const int MostTiles = 160;
    private const int SliceChannels = 64;
    private const int MostRows = 12;

    private WinogradProblem of;
    private WinogradTiles<V, L, Ops, F, InputTransform<V, L, F>> images;
    private WinogradBlocks blocks;
    private int tilesY, tilesX, panels, resultVectors, slices, sliceChannels;
    private nint productPitch, productPart, filterPart;
    private float* tables;
    private int failed;

    private static int Reach => F.Outputs + 2;

    private static int Parts => Reach * Reach;

    /// <summary>The results of a panel of filters.</summary>
    private static int PanelResults => 2 * L.Count;

    /// <summary>Computes all results; false if one is not a finite number.</summary>
    internal static bool Run(in WinogradProblem problem)
    {
        WinogradCorrelation<V, L, Ops, F> self = new() { of = problem };
        return self.Run();
    }

    private bool Run()
    {
        tilesY = CeilingDivide(of.OutputHeight, F.Outputs);
        tilesX = CeilingDivide(of.OutputWidth, F.Outputs);
        resultVectors = CeilingDivide(of.Results, L.Count);
        panels = CeilingDivide(resultVectors, 2);
        slices = CeilingDivide(of.Channels, SliceChannels);
        sliceChannels = CeilingDivide(of.Channels, slices);
        images = new()
        {
            Channels = of.Channels,
            Height = of.Height,
            Width = of.Width,
            Top = of.Top,
            Left = of.Left,
            Rows = tilesY,
            Images = of.Input,
            Pitch = (nint)CeilingDivide(of.Channels, L.Count) * L.Count,
        };
        long tiles = (long)of.Batch * tilesY * tilesX;
        int threads = tiles * of.Channels * of.Results * Parts >= ForkWork ? of.Threads : 1;
        fixed (WinogradCorrelation<V, L, Ops, F>* self = &this)
        {
            if (tiles <= MostTiles && tiles < of.Results) self->RunByFilters((int)tiles, threads);
            else self->RunByTiles(threads);
        }

        return failed == 0;
    }

    private void RunByTiles(int threads)
    {
        productPitch = (nint)resultVectors * L.Count;
        long tileBytes = Parts * (long)(images.Pitch + productPitch) * sizeof(float);
        int wanted = (int)Math.Max(BlockBytes / tileBytes, LeastTiles);
        blocks = WinogradBlocks.Choose(of.Batch * tilesY, tilesX, wanted, threads);
        images.Part = WinogradMemory.OddLines(blocks.MostTiles * images.Pitch);
        productPart = WinogradMemory.OddLines(blocks.MostTiles * productPitch);
        filterPart = WinogradMemory.OddLines(of.Channels * productPitch);
        tables = (float*)ConvolutionScratch.Tables((long)Parts * filterPart * sizeof(float));
        fixed (WinogradCorrelation<V, L, Ops, F>* self = &this)
        {
            Fork(self, panels * slices, threads, &FilterTask);
            Fork(self, blocks.Count, threads, &TilesTask);
        }
    }

    private void RunByFilters(int tiles, int threads)
    {
        productPitch = PanelResults;
        blocks = WinogradBlocks.Choose(of.Batch * tilesY, tilesX, Math.Max(tiles / (4 * threads), tilesX), threads);
        images.Part = WinogradMemory.OddLines(tiles * images.Pitch);
        productPart = WinogradMemory.OddLines(tiles * productPitch);
        filterPart = WinogradMemory.OddLines(sliceChannels * PanelResults);
        tables = (float*)ConvolutionScratch.Tables((long)Parts * images.Part * sizeof(float));
        fixed (WinogradCorrelation<V, L, Ops, F>* self = &this)
        {
            Fork(self, blocks.Count, threads, &InputTask);
            Fork(self, panels, threads, &PanelTask);
        }
    }

    private static void Fork(
        WinogradCorrelation<V, L, Ops, F>* self, int tasks, int threads,
        delegate*<WinogradCorrelation<V, L, Ops, F>*, int, void> task)
    {
        if (threads > 1) Workers.For(tasks, self, (delegate*<void*, int, void>)task);
        else for (int index = 0; index < tasks; index++) task(self, index);
    }

    private static int CeilingDivide(int x, int y) => (x + y - 1) / y;

    /// <summary>Transforms some channels of a panel of filters.</summary>
    private static void FilterTask(WinogradCorrelation<V, L, Ops, F>* self, int task)
    {
        (int panel, int slice) = Math.DivRem(task, self->slices);
        int channel = slice * self->sliceChannels, channels = self->ChannelsFrom(channel);
        float* scratch = (float*)ConvolutionScratch.Task(self->FilterScratch * sizeof(float));
        nint start = (nint)panel * self->of.Channels * PanelResults + (nint)channel * self->PanelWidth(panel);
        self->TransformFilters(panel, channel, channels, self->tables + start, scratch);
    }

    /// <summary>Computes all results of a block of tiles from the transformed filters.</summary>
    private static void TilesTask(WinogradCorrelation<V, L, Ops, F>* self, int task)
    {
        WinogradBlock block = self->blocks[task];
        nint length = Parts * (self->images.Part + self->productPart);
        float* inputs = (float*)ConvolutionScratch.Task((length + self->images.StageLength(block)) * sizeof(float));
        float* products = inputs + Parts * self->images.Part, stage = inputs + length;
        self->images.Transform(block, stage, inputs);
        int channels = self->of.Channels;
        for (int part = 0; part < Parts; part++)
            for (int panel = 0; panel < self->panels; panel++)
                self->Multiply(
                    block.Count, inputs + part * self->images.Part, channels,
                    self->tables + part * self->filterPart + (nint)panel * channels * PanelResults, self->PanelWidth(panel),
                    products + part * self->productPart + panel * PanelResults, false);
        if (!self->TransformProducts(block, 0, self->of.Results, products, stage)) self->failed = 1;
    }

    /// <summary>Transforms a block of tiles.</summary>
    private static void InputTask(WinogradCorrelation<V, L, Ops, F>* self, int task)
    {
        WinogradBlock block = self->blocks[task];
        float* stage = (float*)ConvolutionScratch.Task(self->images.StageLength(block) * sizeof(float));
        self->images.Transform(block, stage, self->tables + block.First * self->tilesX * self->images.Pitch);
    }

    /// <summary>Computes the results of a panel of filters from the transformed tiles.</summary>
    private static void PanelTask(WinogradCorrelation<V, L, Ops, F>* self, int panel)
    {
        WinogradBlock all = new(0, self->of.Batch * self->tilesY, 0, self->tilesX);
        nint filterLength = Parts * self->filterPart, length = filterLength + Parts * self->productPart;
        nint scratch = nint.Max(self->FilterScratch, self->images.StageLength(all));
        float* filters = (float*)ConvolutionScratch.Task((length + scratch) * sizeof(float));
        float* products = filters + filterLength, stage = filters + length;
        for (int channel = 0, channels; channel < self->of.Channels; channel += channels)
        {
            channels = self->ChannelsFrom(channel);
            self->TransformFilters(panel, channel, channels, filters, stage);
            for (int part = 0; part < Parts; part++)
                self->Multiply(
                    all.Count, self->tables + part * self->images.Part + channel, channels, filters + part * self->filterPart,
                    self->PanelWidth(panel), products + part * self->productPart, channel > 0);
        }

        int result = panel * PanelResults, results = Math.Min(PanelResults, self->of.Results - result);
        if (!self->TransformProducts(all, result, results, products, stage)) self->failed = 1;
    }

    private readonly int ChannelsFrom(int channel) => Math.Min(sliceChannels, of.Channels - channel);

    /// <summary>The elements of a row of a panel of filters: two vectors, but for a last one.</summary>
    private readonly int PanelWidth(int panel) => Math.Min(2, resultVectors - 2 * panel) * L.Count;

    private readonly nint FilterScratch => 9 * sliceChannels * L.Count + 16 + 3 * Reach * L.Count;

    /// <summary>Transforms some channels of a panel of filters.</summary>
    private readonly void TransformFilters(int panel, int channel, int channels, float* to, float* scratch)
    {
        int lanes = L.Count, width = PanelWidth(panel), taps = 9 * channels;
        float* columns = scratch, turned = scratch + 3 * Reach * lanes;
        for (int result = panel * PanelResults, end = result + width; result < end; result += lanes, to += lanes)
        {
            int count = Math.Min(lanes, of.Results - result);
            float* from = of.Weights + (long)result * of.WeightsResult + (long)channel * of.WeightsChannel;

            // Lanes without a filter hold finite numbers too.
            if (count < lanes) new Span<float>(turned, taps * lanes).Clear();
            if (of.WeightsChannel == 9)
            {
                Staging<V, float, Ops>.Transpose(from, of.WeightsResult, count, taps, turned, lanes);
            }
            else
            {
                for (int c = 0; c < channels; c++, from += of.WeightsChannel)
                    Staging<V, float, Ops>.Transpose(from, of.WeightsResult, count, 9, turned + (nint)c * 9 * lanes, lanes);
            }

            TransformFilters(turned, of.IsTurned, channels, columns, to, width, filterPart);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransformFilters(float* taps, bool isTurned, int count, float* columns, float* to, nint pitch, nint part)
    {
        nint step = isTurned ? -L.Count : L.Count;
        if (isTurned) taps += 8 * L.Count;
        for (; count > 0; count--, taps += 9 * L.Count, to += pitch)
        {
            for (int v = 0; v < 3; v++) F.Filter(taps + v * step, 3 * step, columns + v * L.Count, 3 * L.Count);
            float* row = to;
            for (int i = 0; i < Reach; i++, row += Reach * part) F.Filter(columns + i * 3 * L.Count, L.Count, row, part);
        }
    }

    /// <summary>Multiplies one part of some channels of some tiles with that of a panel of filters.</summary>
    private readonly void Multiply(
        int tiles, float* inputs, int channels, float* filters, int width, float* products, bool accumulate)
    {
        Tile<float> tile = new()
        {
            K = channels,
            ARow = images.Pitch,
            AColumn = 1,
            B = filters,
            BRow = width,
            CRow = productPitch,
            Second = L.Count,
            Accumulate = accumulate,
        };
        int steps = CeilingDivide(tiles, MostRows);
        for (int step = 0, from = 0, end; step < steps; step++, from = end)
        {
            end = (int)((long)tiles * (step + 1) / steps);
            tile.A = inputs + from * images.Pitch;
            tile.C = products + from * productPitch;
            if (width > L.Count) TileKernel<float, V, L>.RunWide(end - from, &tile);
            else TileKernel<float, V, L>.RunNarrow(end - from, &tile);
        }
    }

    /// <summary>Transforms the products of a block to some results, and writes them; false if one is not a finite number.</summary>
    private readonly bool TransformProducts(in WinogradBlock block, int firstResult, int resultCount, float* products, float* stage)
    {
        int lanes = L.Count, from = block.Left * F.Outputs, run = Math.Min(block.Width * F.Outputs, of.OutputWidth - from);
        int whole = run / F.Outputs, rest = run % F.Outputs;
        nint plane = (nint)of.OutputHeight * of.OutputWidth, pitch = (nint)run * lanes, edgePitch = F.Outputs * lanes;
        float* edge = stackalloc float[(F.Outputs + Reach) * F.Outputs * lanes], columns = edge + F.Outputs * edgePitch;
        V bad = default;
        for (int m = 0; m < resultCount; m += lanes)
        {
            float* tile = products + m;
            for (int row = block.First, count; row < block.Last; row += count)
            {
                (int image, int top) = Math.DivRem(row, tilesY);
                count = Math.Min(block.Last - row, tilesY - top);
                float* to = stage;
                for (int i = 0; i < count; i++, to += F.Outputs * pitch, tile += block.Width * productPitch)
                {
                    bad = TransformTiles(tile, productPitch, productPart, whole, columns, to, pitch, bad);
                    if (rest == 0) continue;
                    bad = TransformTiles(tile + whole * productPitch, 0, productPart, 1, columns, edge, edgePitch, bad);
                    for (int r = 0; r < F.Outputs; r++)
                        new ReadOnlySpan<float>(edge + r * edgePitch, rest * lanes).CopyTo(
                            new Span<float>(to + r * pitch + whole * edgePitch, rest * lanes));
                }

                top *= F.Outputs;
                int rows = Math.Min(count * F.Outputs, of.OutputHeight - top), results = Math.Min(lanes, resultCount - m);
                float* output = of.Output + ((nint)image * of.Results + firstResult + m) * plane + (nint)top * of.OutputWidth + from;
                if (run == of.OutputWidth) WinogradMemory.Write<V, Ops>(stage, rows * run, results, output, plane);
                else for (int i = 0; i < rows; i++) WinogradMemory.Write<V, Ops>(stage + i * pitch, run, results, output + (nint)i * of.OutputWidth, plane);
            }
        }

        return L.Sum(bad) == 0;
    }

    /// <summary>Transforms the products of tiles that follow one another; a lane of the sum returned is 0, or NaN if something was
    /// not a finite number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static V TransformTiles(float* tile, nint pitch, nint part, int count, float* columns, float* to, nint toPitch, V bad)
    {
        V zero = default;
        for (; count > 0; count--, tile += pitch, to += F.Outputs * L.Count)
        {
            float* from = tile;
            for (int i = 0; i < Reach; i++, from += Reach * part)
                F.Output(from, part, columns + i * F.Outputs * L.Count, L.Count);
            for (int j = 0; j < F.Outputs; j++)
                F.Output(columns + j * L.Count, F.Outputs * L.Count, to + j * L.Count, toPitch);
            for (int i = 0; i < F.Outputs; i++)
                for (int j = 0; j < F.Outputs; j++)
                    bad = L.MultiplyAdd(L.Load(to + i * toPitch + j * L.Count), zero, bad);
        }

        return bad;
    }
}
