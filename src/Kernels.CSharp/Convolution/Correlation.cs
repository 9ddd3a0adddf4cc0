namespace Autodiff.Kernels;

/// <summary>One axis of a correlation: where the taps of a window lie for each place of the result.</summary>
/// <remarks>
/// Place o of the result reads input o * Stride + First + Taps[t], all Taps between 0 and Last, and is written to
/// OutputFirst + o * OutputStride.
/// </remarks>
internal unsafe struct CorrelationAxis
{
    internal int Input, Output, Stride, First, Last, Count;
    internal int OutputFirst, OutputStride;
    internal int* Taps;
    internal int* Weights;

    /// <summary>The axis of a convolution.</summary>
    internal static CorrelationAxis Forward(
        int* memory, int input, int output, int kernel, int stride, int pad, int dilation)
    {
        CorrelationAxis axis = new()
        {
            Input = input,
            Output = output,
            Stride = stride,
            First = -pad,
            Last = (kernel - 1) * dilation,
            Count = kernel,
            OutputStride = 1,
            Taps = memory,
            Weights = memory + kernel,
        };
        for (int t = 0; t < kernel; t++)
        {
            axis.Taps[t] = t * dilation;
            axis.Weights[t] = t;
        }

        return axis;
    }

    /// <summary>
    /// The axis of the transpose, for the places of the image with remainder <paramref name="phase"/> modulo the
    /// stride: of the cotangent these read only the taps whose window begins at a whole number of strides.
    /// </summary>
    internal static CorrelationAxis Transposed(
        int* memory, int image, int output, int kernel, int stride, int pad, int dilation, int phase)
    {
        CorrelationAxis axis = new()
        {
            Input = output,
            Output = image <= phase ? 0 : (image - phase - 1) / stride + 1,
            Stride = 1,
            OutputFirst = phase,
            OutputStride = stride,
            Taps = memory,
            Weights = memory + kernel,
        };
        for (int t = kernel - 1; t >= 0; t--)
        {
            int distance = phase + pad - t * dilation;
            if (distance % stride != 0) continue;
            int shift = distance / stride;
            if (axis.Count == 0) axis.First = shift;
            axis.Taps[axis.Count] = shift - axis.First;
            axis.Weights[axis.Count++] = t;
            axis.Last = shift - axis.First;
        }

        return axis;
    }
}

/// <summary>
/// y[n, m, i, j] = sum over channels c and taps u, v of x[n, c, input place of (i, u), input place of (j, v)]
/// * weight[m, c, u, v]: the convolution, and its transpose in the images.
/// </summary>
/// <remarks>
/// A task computes a band of places of one image. It copies the input once for every column tap, such that the inputs
/// of the places of the band, row after row, are contiguous for every row tap too: then any vector of places is full,
/// whatever the width of the image, and strides and padding concern the copy only.
/// </remarks>
internal unsafe struct Correlation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    private const int BandBytes = 320 * 1024;
    private const long ForkWork = 1 << 18;

    internal CorrelationAxis Y, X;
    internal int Batch, Channels, Results;
    internal T* Input, Weights, Output;
    internal int OutputHeight, OutputWidth;

    /// <summary>The steps in the weights from one result, channel, and tap row to the next.</summary>
    internal int WeightsResult, WeightsChannel, WeightsRow;

    private T* inputEnd;
    private int bandHeight, bandWidth, bandsY, bandsX, parts;
    private int images, phases, phaseRows, stageHeight, stageWidth;
    private int* phaseStart, tapPhase, tapRow;
    private Term* terms;
    private nint* rows;

    private readonly int TermCount => Channels * Y.Count * X.Count;

    /// <summary>The elements between the copies of two channels and column taps.</summary>
    private readonly int BlockLength => phases * images * phaseRows * bandWidth;

    private readonly long BufferLength => (long)Channels * X.Count * BlockLength + 4 * Ops.Lanes;

    internal void Run()
    {
        long places = (long)Y.Output * X.Output;
        if (Batch == 0 || Results == 0 || places == 0) return;
        inputEnd = Input + (long)Batch * Channels * Y.Input * X.Input;
        byte* tables = ConvolutionScratch.Tables(
            (long)TermCount * sizeof(Term) + (Results + 8L) * sizeof(nint)
            + (Math.Max(Y.Stride, Y.Count) + 2L * Y.Count) * sizeof(int));
        terms = (Term*)tables;
        rows = (nint*)(tables + (long)TermCount * sizeof(Term));
        tapPhase = (int*)(rows + Results + 8);
        tapRow = tapPhase + Y.Count;
        phaseStart = tapRow + Y.Count;
        bool fork = places * Batch * Results * TermCount >= ForkWork && Workers.Count > 1;
        images = ImagesPerTask(fork);
        if (images > 1) OneBand();
        else ChooseBands(fork);
        stageHeight = (bandHeight - 1) * Y.Stride + Y.Last + 1;
        stageWidth = (bandWidth - 1) * X.Stride + X.Last + 1;
        FillTables();
        int tasks = (Batch + images - 1) / images * bandsY * bandsX * parts;
        fixed (Correlation<V, T, Ops>* self = &this)
        {
            if (fork) Fork(self, tasks);
            else for (int task = 0; task < tasks; task++) self->Band(task);
        }
    }

    private static void Fork(Correlation<V, T, Ops>* self, int tasks) => Workers.For(tasks, task => self->Band(task));

    /// <summary>
    /// As many images as fill some tiles with places where one would not fill its last, but no more than memory
    /// and threads allow.
    /// </summary>
    private readonly int ImagesPerTask(bool fork)
    {
        int places = Y.Output * X.Output;
        if (places >= 4 * Ops.Lanes) return 1;
        long most = Math.Min(Batch, (12 * Ops.Lanes + places - 1) / places);
        if (fork) most = Math.Min(most, Batch / (2 * Workers.Count));
        return (int)Math.Max(Math.Min(most, 2 * BandBytes / ((TermCount + 1L) * places * sizeof(T))), 1);
    }

    /// <summary>
    /// Whole images, of which every row tap has a copy of its own, so that the places of the images follow one another.
    /// </summary>
    private void OneBand()
    {
        bandsX = bandsY = parts = 1;
        bandWidth = X.Output;
        bandHeight = phaseRows = Y.Output;
        phases = Y.Count;
        for (int u = 0; u < Y.Count; u++)
        {
            tapPhase[u] = u;
            tapRow[u] = 0;
            phaseStart[u] = Y.Taps[u];
        }
    }

    /// <summary>Row taps that are whole strides apart share the rows of a copy: one for each remainder.</summary>
    private void NumberPhases()
    {
        phases = 0;
        for (int remainder = 0; remainder < Y.Stride; remainder++)
        {
            bool used = false;
            for (int u = 0; u < Y.Count; u++)
            {
                if (Y.Taps[u] % Y.Stride != remainder) continue;
                tapPhase[u] = phases;
                tapRow[u] = Y.Taps[u] / Y.Stride;
                used = true;
            }

            if (used) phaseStart[phases++] = remainder;
        }
    }

    private void ChooseBands(bool fork)
    {
        NumberPhases();
        int overlap = Y.Last / Y.Stride;
        long column = Math.Max((long)Channels * X.Count * phases * sizeof(T), 1);
        long widest = Math.Max(BandBytes / (column * (overlap + 1)), 6 * Ops.Lanes);
        bandsX = (int)((X.Output + widest - 1) / widest);
        bandWidth = (X.Output + bandsX - 1) / bandsX;
        bandsX = (X.Output + bandWidth - 1) / bandWidth;
        long highest = Math.Max(BandBytes / (column * bandWidth) - overlap, 1);
        parts = 1;
        if (fork)
        {
            long wanted = (4L * Workers.Count + Batch - 1) / Batch;
            long enough = Math.Max((Y.Output + wanted - 1) / wanted, (12 * Ops.Lanes + bandWidth - 1) / bandWidth);
            highest = Math.Min(highest, enough);
        }

        bandsY = (int)((Y.Output + highest - 1) / highest);
        bandHeight = (Y.Output + bandsY - 1) / bandsY;
        bandsY = (Y.Output + bandHeight - 1) / bandHeight;
        int tasks = Batch * bandsY * bandsX;
        if (fork && tasks < Workers.Count)
            parts = Math.Clamp(Results / (2 * Ops.Rows), 1, (Workers.Count + tasks - 1) / tasks);
        phaseRows = bandHeight + overlap;
    }

    private void FillTables()
    {
        Term* term = terms;
        for (int c = 0; c < Channels; c++)
            for (int u = 0; u < Y.Count; u++)
            {
                int row = tapPhase[u] * images * phaseRows + tapRow[u];
                for (int v = 0; v < X.Count; v++, term++)
                {
                    term->A = c * WeightsChannel + Y.Weights[u] * WeightsRow + X.Weights[v];
                    term->B = (c * X.Count + v) * BlockLength + row * bandWidth;
                }
            }

        for (int m = 0; m < Results + 8; m++) rows[m] = (nint)Math.Min(m, Results - 1) * WeightsResult;
    }

    private readonly void Band(int task)
    {
        (task, int part) = Math.DivRem(task, parts);
        (task, int bandX) = Math.DivRem(task, bandsX);
        (int n, int bandY) = Math.DivRem(task, bandsY);
        n *= images;
        int count = Math.Min(images, Batch - n);
        int top = bandY * bandHeight, left = bandX * bandWidth;
        int height = Math.Min(bandHeight, Y.Output - top), width = Math.Min(bandWidth, X.Output - left);
        long stage = (long)images * stageHeight * stageWidth + 4 * Ops.Lanes;
        T* buffer = (T*)ConvolutionScratch.Task((BufferLength + stage + 3 * Ops.Rows * Ops.Lanes) * sizeof(T));
        T* staged = buffer + BufferLength;
        for (int c = 0; c < Channels && TermCount > 0; c++)
            CopyChannel(n, count, c, top, left, height, staged, buffer + (long)c * X.Count * BlockLength);

        int share = (Results / parts + Ops.Rows - 1) / Ops.Rows * Ops.Rows;
        int first = Math.Min(part * share, Results);
        int last = part == parts - 1 ? Results : Math.Min(first + share, Results);
        T* tile = staged + stage;
        T* y = Output + (long)n * Results * OutputHeight * OutputWidth;
        int places = count * height * bandWidth;
        bool dense = images == 1 && Y.OutputStride == 1 && bandWidth == OutputWidth;
        for (int m = first, rowCount; m < last; m += rowCount)
        {
            rowCount = Tiles<V, T, Ops>.Rows(last - m);
            int valid = Math.Min(rowCount, last - m);
            T* plane = y + (long)m * OutputHeight * OutputWidth;
            for (int p = 0, vectors; p < places; p += vectors * Ops.Lanes)
            {
                vectors = Tiles<V, T, Ops>.Vectors((places - p + Ops.Lanes - 1) / Ops.Lanes);
                if (dense && vectors * Ops.Lanes <= places)
                {
                    // A tile that would end past the band begins earlier instead, and computes some places twice.
                    int from = Math.Min(p, places - vectors * Ops.Lanes);
                    Tiles<V, T, Ops>.Run(
                        rowCount, vectors, terms, TermCount, Weights, rows + m, buffer + from,
                        plane + (long)top * OutputWidth + from, (nint)OutputHeight * OutputWidth, valid, false);
                    continue;
                }

                Tiles<V, T, Ops>.Run(
                    rowCount, vectors, terms, TermCount, Weights, rows + m, buffer + p, tile, 3 * Ops.Lanes, valid,
                    false);
                int filled = Math.Min(vectors * Ops.Lanes, places - p);
                for (int r = 0; r < valid; r++)
                {
                    T* results = plane + (long)r * OutputHeight * OutputWidth;
                    Spread(tile + r * 3 * Ops.Lanes, p, filled, results, top, left, height, width);
                }
            }
        }
    }

    /// <summary>
    /// Copies what a band needs of one channel: its rows with their padding into <paramref name="staged"/>, then from
    /// there for every column tap the places of every row.
    /// </summary>
    private readonly void CopyChannel(int n, int count, int channel, int top, int left, int height, T* staged, T* copy)
    {
        int lastRow = (height - 1) * Y.Stride + Y.Last, stageLength = stageHeight * stageWidth;
        for (int g = 0; g < count; g++)
        {
            T* plane = Input + ((long)(n + g) * Channels + channel) * Y.Input * X.Input;
            Staging<V, T, Ops>.Stage(
                plane, inputEnd, Y.Input, X.Input, top * Y.Stride + Y.First, left * X.Stride + X.First, lastRow + 1,
                stageWidth, staged + (long)g * stageLength);
        }

        nint step = (nint)Y.Stride * stageWidth;
        for (int v = 0; v < X.Count; v++)
            for (int phase = 0; phase < phases; phase++)
            {
                int used = Math.Min(phaseRows, (lastRow - phaseStart[phase]) / Y.Stride + 1);
                T* from = staged + (long)phaseStart[phase] * stageWidth + X.Taps[v];
                T* to = copy + (long)v * BlockLength + (long)phase * images * phaseRows * bandWidth;
                for (int g = 0; g < count; g++, from += stageLength, to += phaseRows * bandWidth)
                {
                    if (X.Stride == 1) CopyRows(from, step, to, used);
                    else CopyStrided(from, step, to, used);
                }
            }
    }

    /// <summary>Copies rows by whole vectors: what is written past a row is overwritten by the next.</summary>
    private readonly void CopyRows(T* from, nint step, T* to, int count)
    {
        for (int r = 0; r < count; r++, from += step, to += bandWidth)
            for (int i = 0; i < bandWidth; i += Ops.Lanes)
            {
                Ops.Store(to + i, Ops.Load(from + i));
            }
    }

    private readonly void CopyStrided(T* from, nint step, T* to, int count)
    {
        for (int r = 0; r < count; r++, from += step, to += bandWidth)
            for (int i = 0; i < bandWidth; i++)
            {
                to[i] = from[i * X.Stride];
            }
    }

    /// <summary>
    /// Writes places p to p + count of the band, one row of a tile, to where they belong in the planes.
    /// </summary>
    private readonly void Spread(T* values, int p, int count, T* plane, int top, int left, int height, int width)
    {
        (int i, int j) = Math.DivRem(p, bandWidth);
        (int image, i) = Math.DivRem(i, height);
        plane += (long)image * Results * OutputHeight * OutputWidth;
        while (count > 0)
        {
            int run = Math.Min(count, bandWidth - j), valid = Math.Min(run, width - j);
            T* to = plane + (long)((top + i) * Y.OutputStride + Y.OutputFirst) * OutputWidth
                + (long)(left + j) * X.OutputStride + X.OutputFirst;
            nint step = X.OutputStride;
            for (int k = 0; k < valid; k++, to += step) *to = values[k];
            values += run;
            count -= run;
            j = 0;
            if (++i < height) continue;
            i = 0;
            plane += (long)Results * OutputHeight * OutputWidth;
        }
    }
}
