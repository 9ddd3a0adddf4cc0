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

    internal Bands<V, T, Ops> Bands;

    /// <summary>The results of one group.</summary>
    internal int Results;
    internal T* Weights, Output;
    internal int OutputDepth, OutputHeight, OutputWidth;

    /// <summary>The steps in the weights from one group, result, channel, plane and row of taps to the next.</summary>
    internal int WeightsGroup, WeightsResult, WeightsChannel, WeightsPlane, WeightsRow;

    private int parts, termCount;
    private Term* terms;
    private nint* rows;

    internal void Run()
    {
        long places = (long)Bands.ImageCount * Bands.Y.Output * Bands.X.Output * Bands.Groups;
        if (Results == 0 || places == 0) return;
        termCount = Bands.TermCount;
        byte* tables = ConvolutionScratch.Tables(
            (long)termCount * sizeof(Term) + (Results + 8L) * sizeof(nint) + Bands.TableLength * sizeof(int));
        terms = (Term*)tables;
        rows = (nint*)(tables + (long)termCount * sizeof(Term));
        for (int m = 0; m < Results + 8; m++) rows[m] = (nint)Math.Min(m, Results - 1) * WeightsResult;
        int threads = places * Results * termCount >= ForkWork ? Workers.Count : 1;
        Bands.Choose(threads, (int*)(rows + Results + 8));
        Bands.FillTerms(terms, WeightsChannel, WeightsPlane, WeightsRow);
        int bands = Bands.Count;
        parts = bands >= threads ? 1 : Math.Clamp(Results / (2 * Ops.Rows), 1, (threads + bands - 1) / bands);
        fixed (Correlation<V, T, Ops>* self = &this)
        {
            if (threads > 1) Fork(self, bands * parts);
            else for (int band = 0; band < bands; band++) self->Part(band);
        }
    }

    private static void Fork(Correlation<V, T, Ops>* self, int tasks) => Workers.For(tasks, task => self->Part(task));

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
        long length = Bands.Length;
        T* buffer = (T*)ConvolutionScratch.Task((length + 3 * Ops.Rows * Ops.Lanes) * sizeof(T));
        Bands.Copy(band, buffer);
        int share = (Results / parts + Ops.Rows - 1) / Ops.Rows * Ops.Rows;
        int first = Math.Min(part * share, Results);
        int last = part == parts - 1 ? Results : Math.Min(first + share, Results);
        T* tile = buffer + length;
        T* weights = Weights + (long)band.Group * WeightsGroup;
        int bandWidth = Bands.BandWidth, places = band.Count * band.Height * bandWidth;
        nint pitch = (nint)OutputDepth * OutputHeight * OutputWidth;
        bool dense = band.Count == 1 && Bands.Y.OutputStride == 1 && bandWidth == OutputWidth;
        for (int m = first, rowCount; m < last; m += rowCount)
        {
            bool single = last - m == 1;
            rowCount = single ? 1 : Tiles<V, T, Ops>.Rows(last - m);
            int valid = Math.Min(rowCount, last - m);
            for (int p = 0, vectors; p < places; p += vectors * Ops.Lanes)
            {
                int left = (places - p + Ops.Lanes - 1) / Ops.Lanes;
                vectors = single ? RowTiles<V, T, Ops>.Vectors(left) : Tiles<V, T, Ops>.Vectors(left);
                if (dense && vectors * Ops.Lanes <= places)
                {
                    // A tile that would end past the band begins earlier instead, and computes some places twice.
                    int from = Math.Min(p, places - vectors * Ops.Lanes);
                    T* to = Plane(band, 0, m) + (long)band.Top * OutputWidth + from;
                    Multiply(rowCount, vectors, weights, rows + m, buffer + from, to, pitch, valid);
                    continue;
                }

                Multiply(rowCount, vectors, weights, rows + m, buffer + p, tile, 3 * Ops.Lanes, valid);
                int filled = Math.Min(vectors * Ops.Lanes, places - p);
                for (int r = 0; r < valid; r++) Spread(tile + r * 3 * Ops.Lanes, p, filled, band, m + r);
            }
        }
    }

    private readonly void Multiply(
        int rowCount, int vectors, T* weights, nint* rows, T* places, T* to, nint pitch, int valid)
    {
        if (rowCount == 1)
            RowTiles<V, T, Ops>.Run(vectors, terms, termCount, weights + *rows, places, to);
        else
            Tiles<V, T, Ops>.Run(
                rowCount, vectors, terms, termCount, weights, rows, places, to, pitch, valid, false);
    }

    /// <summary>
    /// Writes places p to p + count of the band, one row of a tile, to where they belong in the planes.
    /// </summary>
    private readonly void Spread(T* values, int p, int count, in Band band, int result)
    {
        ref readonly CorrelationAxis y = ref Bands.Y, x = ref Bands.X;
        (int i, int j) = Math.DivRem(p, Bands.BandWidth);
        (int image, i) = Math.DivRem(i, band.Height);
        T* plane = Plane(band, image, result);
        while (count > 0)
        {
            int run = Math.Min(count, Bands.BandWidth - j), valid = Math.Min(run, band.Width - j);
            T* to = plane + (long)((band.Top + i) * y.OutputStride + y.OutputFirst) * OutputWidth
                + (long)(band.Left + j) * x.OutputStride + x.OutputFirst;
            nint step = x.OutputStride;
            for (int k = 0; k < valid; k++, to += step) *to = values[k];
            values += run;
            count -= run;
            j = 0;
            if (++i < band.Height || count == 0) continue;
            i = 0;
            plane = Plane(band, ++image, result);
        }
    }
}
