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
            Input = input, Output = output, Stride = stride, First = -pad, Last = (kernel - 1) * dilation,
            Count = kernel, OutputStride = 1, Taps = memory, Weights = memory + kernel,
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
            Input = output, Output = image <= phase ? 0 : (image - phase - 1) / stride + 1, Stride = 1,
            OutputFirst = phase, OutputStride = stride, Taps = memory, Weights = memory + kernel,
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
    private int phases, phaseRows, stageWidth;
    private int* phaseOf;
    private Term* terms;
    private nint* rows;

    private readonly int TermCount => Channels * Y.Count * X.Count;

    /// <summary>The elements between the copies of two channels and column taps.</summary>
    private readonly int BlockLength => phases * phaseRows * bandWidth;

    private readonly long BufferLength => (long)Channels * X.Count * BlockLength + 4 * Ops.Lanes;

    internal void Run()
    {
        long places = (long)Y.Output * X.Output;
        if (Batch == 0 || Results == 0 || places == 0) return;
        inputEnd = Input + (long)Batch * Channels * Y.Input * X.Input;
        byte* tables = ConvolutionScratch.Tables(
            (long)TermCount * sizeof(Term) + (Results + 8L) * sizeof(nint) + Y.Stride * sizeof(int));
        terms = (Term*)tables;
        rows = (nint*)(tables + (long)TermCount * sizeof(Term));
        phaseOf = (int*)(rows + Results + 8);
        NumberPhases();
        bool fork = places * Batch * Results * TermCount >= ForkWork && Workers.Count > 1;
        ChooseBands(fork);
        FillTables();
        int tasks = Batch * bandsY * bandsX * parts;
        fixed (Correlation<V, T, Ops>* self = &this)
        {
            if (fork) Fork(self, tasks);
            else for (int task = 0; task < tasks; task++) self->Band(task);
        }
    }

    private static void Fork(Correlation<V, T, Ops>* self, int tasks) => Workers.For(tasks, task => self->Band(task));

    /// <summary>Numbers the remainders of the row taps modulo the stride: each has its own rows in the copy.</summary>
    private void NumberPhases()
    {
        new Span<int>(phaseOf, Y.Stride).Fill(-1);
        for (int u = 0; u < Y.Count; u++) phaseOf[Y.Taps[u] % Y.Stride] = 0;
        phases = 0;
        for (int remainder = 0; remainder < Y.Stride; remainder++)
        {
            if (phaseOf[remainder] == 0) phaseOf[remainder] = phases++;
        }
    }

    private void ChooseBands(bool fork)
    {
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
        stageWidth = (bandWidth - 1) * X.Stride + X.Last + 1;
    }

    private void FillTables()
    {
        Term* term = terms;
        for (int c = 0; c < Channels; c++)
        for (int u = 0; u < Y.Count; u++)
        {
            int row = phaseOf[Y.Taps[u] % Y.Stride] * phaseRows + Y.Taps[u] / Y.Stride;
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
        int top = bandY * bandHeight, left = bandX * bandWidth;
        int height = Math.Min(bandHeight, Y.Output - top), width = Math.Min(bandWidth, X.Output - left);
        long stage = (long)phaseRows * Y.Stride * stageWidth + 4 * Ops.Lanes;
        T* buffer = (T*)ConvolutionScratch.Task((BufferLength + stage + 3 * Ops.Rows * Ops.Lanes) * sizeof(T));
        T* staged = buffer + BufferLength;
        for (int c = 0; c < Channels && X.Count * Y.Count > 0; c++)
            CopyChannel(n * Channels + c, top, left, height, staged, buffer + (long)c * X.Count * BlockLength);

        int share = (Results / parts + Ops.Rows - 1) / Ops.Rows * Ops.Rows;
        int first = Math.Min(part * share, Results), last = part == parts - 1 ? Results : Math.Min(first + share, Results);
        T* tile = staged + stage;
        T* y = Output + (long)n * Results * OutputHeight * OutputWidth;
        int places = height * bandWidth;
        bool dense = Y.OutputStride == 1 && bandWidth == OutputWidth;
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
                int count = Math.Min(vectors * Ops.Lanes, places - p);
                for (int r = 0; r < valid; r++)
                    Spread(tile + r * 3 * Ops.Lanes, p, count, plane + (long)r * OutputHeight * OutputWidth, top, left, width);
            }
        }
    }

    /// <summary>
    /// Copies what a band needs of one plane: its rows with their padding into <paramref name="staged"/>, then from
    /// there for every column tap the places of every row.
    /// </summary>
    private readonly void CopyChannel(int plane, int top, int left, int height, T* staged, T* copy)
    {
        int usedRows = height + Y.Last / Y.Stride;
        int lastRow = (height - 1) * Y.Stride + Y.Last;
        Staging<V, T, Ops>.Stage(
            Input + (long)plane * Y.Input * X.Input, inputEnd, Y.Input, X.Input,
            top * Y.Stride + Y.First, left * X.Stride + X.First, lastRow + 1, stageWidth, staged);
        for (int v = 0; v < X.Count; v++)
        for (int remainder = 0; remainder < Y.Stride; remainder++)
        {
            if (phaseOf[remainder] < 0) continue;
            T* to = copy + (long)v * BlockLength + (long)phaseOf[remainder] * phaseRows * bandWidth;
            T* from = staged + (long)remainder * stageWidth + X.Taps[v];
            nint step = (nint)Y.Stride * stageWidth;
            int count = Math.Min(usedRows, (lastRow - remainder) / Y.Stride + 1);
            if (X.Stride == 1) CopyRows(from, step, to, count);
            else CopyStrided(from, step, to, count);
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

    /// <summary>Writes places p to p + count of the band, one row of a tile, to where they belong in a plane.</summary>
    private readonly void Spread(T* values, int p, int count, T* plane, int top, int left, int width)
    {
        (int i, int j) = Math.DivRem(p, bandWidth);
        while (count > 0)
        {
            int run = Math.Min(count, bandWidth - j);
            T* to = plane + (long)((top + i) * Y.OutputStride + Y.OutputFirst) * OutputWidth
                + (long)(left + j) * X.OutputStride + X.OutputFirst;
            int valid = Math.Min(run, width - j);
            for (int k = 0; k < valid; k++) to[(nint)k * X.OutputStride] = values[k];
            values += run;
            count -= run;
            i++;
            j = 0;
        }
    }
}
