namespace Autodiff.Kernels;

/// <summary>
/// y[n, m, i, j] = sum over channels c and taps u, v of x[n, c, input place of (i, u), input place of (j, v)]
/// * weight[m, c, u, v], for each group, and likewise along Z: the convolution, and its transpose in the images.
/// </summary>
internal unsafe struct Correlation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    private const long ForkWork = 1 << 18;

    // The copies for so many terms fit into the second cache, and what a tile reads of the weights into the first.
    private const int BlockTerms = 640;
    private const int PartResults = 64;
    private const int MostResults = 256;

    internal Bands<V, T, Ops> Bands;

    /// <summary>The results of one group.</summary>
    internal int Results;
    internal T* Weights, Output;
    internal int OutputDepth, OutputHeight, OutputWidth;

    /// <summary>The steps in the weights from one group, result, channel, plane and row of taps to the next.</summary>
    internal int WeightsGroup, WeightsResult, WeightsChannel, WeightsPlane, WeightsRow;

    private int parts, blocks;
    private Term* terms;
    private nint* rows;

    internal void Run()
    {
        long places = (long)Bands.ImageCount * Bands.Y.Output * Bands.X.Output * Bands.Groups;
        if (Results == 0 || places == 0) return;
        int threads = places * Results * Bands.TermCount >= ForkWork ? Workers.Count : 1;
        if (ImageCorrelation<V, T, Ops>.Pays(this))
        {
            ImageCorrelation<V, T, Ops>.Run(this, threads);
            return;
        }

        // Channels are summed by blocks, which depend on the sizes alone.
        blocks = Math.Clamp((Bands.TermCount + BlockTerms - 1) / BlockTerms, 1, Math.Max(Bands.Channels, 1));
        Bands.BlockChannels = (Bands.Channels + blocks - 1) / blocks;
        blocks = Bands.Channels == 0 ? 1 : (Bands.Channels + Bands.BlockChannels - 1) / Bands.BlockChannels;
        int termCount = Bands.BlockChannels * Bands.ChannelTerms;
        byte* tables = ConvolutionScratch.Tables(
            (long)termCount * sizeof(Term) + (Results + 8L) * sizeof(nint) + Bands.TableLength * sizeof(int));
        terms = (Term*)tables;
        rows = (nint*)(tables + (long)termCount * sizeof(Term));
        for (int m = 0; m < Results + 8; m++) rows[m] = (nint)Math.Min(m, Results - 1) * WeightsResult;
        int most = Math.Max(Results / PartResults, 1);
        Bands.Choose(threads, most, (int*)(rows + Results + 8));
        Bands.FillTerms(terms, WeightsChannel, WeightsPlane, WeightsRow);
        int bands = Bands.Count;
        int wanted = threads == 1 ? 1 : (4 * threads + bands - 1) / bands;
        if (blocks > 1) wanted = Math.Max(wanted, (Results + MostResults - 1) / MostResults);
        if (bands < threads) most = Math.Max(most, Math.Min(Results / (2 * Ops.Rows), (threads + bands - 1) / bands));
        parts = Math.Clamp(wanted, 1, most);
        fixed (Correlation<V, T, Ops>* self = &this)
        {
            if (threads > 1) Fork(self, bands * parts);
            else for (int task = 0; task < bands * parts; task++) self->Part(task);
        }
    }

    private static void Fork(Correlation<V, T, Ops>* self, int tasks) => Workers.For(tasks, self, &PartOf);

    private static void PartOf(void* self, int task) => ((Correlation<V, T, Ops>*)self)->Part(task);

    private readonly T* Plane(in Band band, int image, int result)
    {
        (int n, int z) = Math.DivRem(band.Image + image, Bands.Z.Output);
        z = z * Bands.Z.OutputStride + Bands.Z.OutputFirst;
        long volume = ((long)n * Bands.Groups + band.Group) * Results + result;
        return Output + (volume * OutputDepth + z) * OutputHeight * OutputWidth;
    }

    /// <summary>Computes some of the results of a band.</summary>
    private readonly void Part(int task)
    {
        (task, int part) = Math.DivRem(task, parts);
        Band band = Bands[task];
        int share = (Results / parts + Ops.Rows - 1) / Ops.Rows * Ops.Rows;
        int first = Math.Min(part * share, Results);
        int last = part == parts - 1 ? Results : Math.Min(first + share, Results);
        if (first == last) return;
        int places = band.Count * band.Height * Bands.BandWidth;
        long length = Bands.Length;
        T* weights = Weights + (long)band.Group * WeightsGroup;
        if (blocks == 1)
        {
            T* copy = (T*)ConvolutionScratch.Task((length + 4 * Ops.Rows * Ops.Lanes) * sizeof(T));
            Bands.Copy(band, 0, Bands.Channels, copy);
            Multiply(band, first, last, places, weights, copy, copy + length);
            return;
        }

        nint pitch = (places + Ops.Lanes - 1) / Ops.Lanes * Ops.Lanes;
        T* sums = (T*)ConvolutionScratch.Task((length + (last - first + Ops.Rows) * pitch) * sizeof(T));
        T* block = sums + (last - first + Ops.Rows) * pitch;
        for (int c = 0; c < Bands.Channels; c += Bands.BlockChannels)
        {
            int count = Math.Min(Bands.BlockChannels, Bands.Channels - c);
            Bands.Copy(band, c, count, block);
            AddBlock(first, last, places, count, weights + (long)c * WeightsChannel, block, sums, pitch, c > 0);
        }

        for (int m = first; m < last; m++) Spread(sums + (m - first) * pitch, 0, places, band, m);
    }

    /// <summary>Computes results of which all terms are in one copy, where they belong if they can lie there.</summary>
    private readonly void Multiply(in Band band, int first, int last, int places, T* weights, T* copy, T* tile)
    {
        nint pitch = (nint)OutputDepth * OutputHeight * OutputWidth;
        bool dense = band.Count == 1 && Bands.Y.OutputStride == 1 && Bands.BandWidth == OutputWidth;
        for (int m = first, rowCount; m < last; m += rowCount)
        {
            rowCount = RowCount(last - m);
            int valid = Math.Min(rowCount, last - m);
            for (int p = 0, vectors; p < places; p += vectors * Ops.Lanes)
            {
                vectors = Vectors(rowCount, places - p);
                if (dense && vectors * Ops.Lanes <= places)
                {
                    // A tile that would end past the band begins earlier instead, and computes some places twice.
                    int from = Math.Min(p, places - vectors * Ops.Lanes);
                    T* to = Plane(band, 0, m) + (long)band.Top * OutputWidth + from;
                    Tile(rowCount, vectors, Bands.Channels, weights, rows + m, copy + from, to, pitch, valid, false);
                    continue;
                }

                Tile(rowCount, vectors, Bands.Channels, weights, rows + m, copy + p, tile, 4 * Ops.Lanes, valid, false);
                int filled = Math.Min(vectors * Ops.Lanes, places - p);
                for (int r = 0; r < valid; r++) Spread(tile + r * 4 * Ops.Lanes, p, filled, band, m + r);
            }
        }
    }

    /// <summary>Adds a block of channels to the sums of all places of a band.</summary>
    private readonly void AddBlock(
        int first, int last, int places, int channels, T* weights, T* block, T* sums, nint pitch, bool add)
    {
        for (int m = first, rowCount; m < last; m += rowCount, sums += rowCount * pitch)
        {
            rowCount = RowCount(last - m);
            for (int p = 0, vectors; p < places; p += vectors * Ops.Lanes)
            {
                vectors = Vectors(rowCount, places - p);
                Tile(rowCount, vectors, channels, weights, rows + m, block + p, sums + p, pitch, rowCount, add);
            }
        }
    }

    private static int RowCount(int left) => left == 1 ? 1 : Tiles<V, T, Ops>.Rows(left);

    private static int Vectors(int rowCount, int places)
    {
        int left = (places + Ops.Lanes - 1) / Ops.Lanes;
        return rowCount == 1 ? RowTiles<V, T, Ops>.Vectors(left) : Tiles<V, T, Ops>.Vectors(rowCount, left);
    }

    private readonly void Tile(
        int rowCount, int vectors, int channels, T* weights, nint* rows, T* places, T* to, nint pitch, int valid,
        bool add)
    {
        int count = channels * Bands.ChannelTerms;
        if (rowCount == 1)
            RowTiles<V, T, Ops>.Run(vectors, terms, count, weights + *rows, places, to, add);
        else
            Tiles<V, T, Ops>.Run(rowCount, vectors, terms, count, weights, rows, places, to, pitch, valid, add);
    }

    /// <summary>
    /// Writes places p to p + count of the band, one result of some, to where they belong in the planes.
    /// </summary>
    private readonly void Spread(T* values, int p, int count, in Band band, int result)
    {
        ref readonly CorrelationAxis y = ref Bands.Y, x = ref Bands.X;
        nint step = x.OutputStride;
        int width = Bands.BandWidth, height = band.Height, validWidth = band.Width;
        if (width == OutputWidth && y.OutputStride == 1)
        {
            // Rows follow one another in the planes too.
            width = validWidth = width * height;
            height = 1;
        }

        (int i, int j) = Math.DivRem(p, width);
        (int image, i) = Math.DivRem(i, height);
        T* plane = Plane(band, image, result);
        while (count > 0)
        {
            int run = Math.Min(count, width - j), valid = Math.Min(run, validWidth - j);
            T* to = plane + (long)((band.Top + i) * y.OutputStride + y.OutputFirst) * OutputWidth
                + (long)(band.Left + j) * x.OutputStride + x.OutputFirst;
            if (step == 1 && valid >= Ops.Lanes)
                new ReadOnlySpan<T>(values, valid).CopyTo(new Span<T>(to, valid));
            else
                for (int k = 0; k < valid; k++, to += step) *to = values[k];
            values += run;
            count -= run;
            j = 0;
            if (++i < height || count == 0) continue;
            i = 0;
            plane = Plane(band, ++image, result);
        }
    }
}
