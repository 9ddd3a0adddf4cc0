using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// dw[f, c, u, v] = sum over images n and places p of ct[n, f, p] * x[n, c, input place of (p, u, v)]: the transpose of
/// a convolution in the filters.
/// </summary>
/// <remarks>
/// The terms of a sum are places: filters are the lanes of the vectors, for which the cotangent of some hundred places
/// at a time is transposed, and filter taps are the rows, read one element at a time from where they lie in the image.
/// Places are split into groups, by size alone, which are summed each by itself and then added in order.
/// </remarks>
internal unsafe struct FilterCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, INumberBase<T>
    where Ops : struct, ITileOps<V, T>
{
    private const int SetPlaces = 256;
    private const int WidestBand = 512;
    private const int MostGroups = 16;
    private const long PartialBytes = 8 << 20;
    private const long GroupWork = 1 << 16;
    private const long ForkWork = 1 << 18;

    internal ConvolutionShape Shape;
    internal T* Input, Cotangent, Gradient;

    private int outputHeight, outputWidth, taps;
    private int vectors, blocks, lanes;
    private int setImages, bandHeight, bandWidth, bandsY, bandsX, sets;
    private int groups, chunks, chunkChannels, chunkRows;
    private bool direct;
    private int stageHeight, stageWidth;
    private T* partial;

    internal void Run()
    {
        ref readonly ConvolutionShape s = ref Shape;
        outputHeight = s.OutputHeight;
        outputWidth = s.OutputWidth;
        taps = s.KernelHeight * s.KernelWidth;
        long length = (long)s.Filters * s.Channels * taps;
        if (length == 0) return;
        if ((long)s.Batch * outputHeight * outputWidth == 0)
        {
            new Span<T>(Gradient, (int)length).Clear();
            return;
        }

        ChooseLanes();
        ChooseSets();
        bool fork = ChooseGroups() >= ForkWork && Workers.Count > 1;
        partial = (T*)ConvolutionScratch.Tables((long)groups * chunks * chunkRows * lanes * sizeof(T));
        int tasks = groups * chunks;
        fixed (FilterCorrelation<V, T, Ops>* self = &this)
        {
            if (fork)
            {
                Fork(self, tasks);
            }
            else
            {
                for (int task = 0; task < tasks; task++) self->Group(task);
                self->Collect(0, s.Channels * taps);
            }
        }
    }

    private static void Fork(FilterCorrelation<V, T, Ops>* self, int tasks)
    {
        Workers.For(tasks, task => self->Group(task));
        Workers.ForRange(
            (long)self->Shape.Channels * self->taps, Math.Max(16384 / (self->lanes * self->groups), 64),
            (from, to) => self->Collect((int)from, (int)to));
    }

    private void ChooseLanes()
    {
        int needed = (Shape.Filters + Ops.Lanes - 1) / Ops.Lanes;
        int byThree = (needed + 2) / 3 * 3, byTwo = (needed + 1) / 2 * 2;
        vectors = needed == 1 ? 1 : byThree <= byTwo ? 3 : 2;
        blocks = (needed + vectors - 1) / vectors;
        lanes = blocks * vectors * Ops.Lanes;
    }

    /// <summary>A set of places is that of some small images, or a band of a large one.</summary>
    private void ChooseSets()
    {
        ref readonly ConvolutionShape s = ref Shape;
        int places = outputHeight * outputWidth;
        setImages = Math.Clamp(SetPlaces / places, 1, s.Batch);
        bandsX = (outputWidth + WidestBand - 1) / WidestBand;
        bandWidth = (outputWidth + bandsX - 1) / bandsX;
        bandsX = (outputWidth + bandWidth - 1) / bandWidth;
        bandsY = Math.Max(outputHeight / Math.Max(SetPlaces / bandWidth, 1), 1);
        bandHeight = (outputHeight + bandsY - 1) / bandsY;
        bandsY = (outputHeight + bandHeight - 1) / bandHeight;
        sets = (s.Batch + setImages - 1) / setImages * bandsY * bandsX;
        direct = s.PadTop == 0 && s.PadLeft == 0
            && (outputHeight - 1) * s.StrideY + (s.KernelHeight - 1) * s.DilationY < s.Height
            && (outputWidth - 1) * s.StrideX + (s.KernelWidth - 1) * s.DilationX < s.Width;
        stageHeight = direct ? s.Height : (bandHeight - 1) * s.StrideY + (s.KernelHeight - 1) * s.DilationY + 1;
        stageWidth = direct ? s.Width : (bandWidth - 1) * s.StrideX + (s.KernelWidth - 1) * s.DilationX + 1;
    }

    private long ChooseGroups()
    {
        ref readonly ConvolutionShape s = ref Shape;
        long rows = (long)s.Channels * taps;
        long work = (long)s.Batch * outputHeight * outputWidth * rows * lanes;
        long most = Math.Min(Math.Min(work / GroupWork, PartialBytes / (rows * lanes * sizeof(T))), MostGroups);
        groups = (int)Math.Clamp(most, 1, sets);
        chunks = groups >= 8 || work < 8 * GroupWork ? 1 : Math.Min(8 / groups, s.Channels);
        chunkChannels = (s.Channels + chunks - 1) / chunks;
        chunks = (s.Channels + chunkChannels - 1) / chunkChannels;
        chunkRows = chunkChannels * taps + 8;
        return work;
    }

    /// <summary>Sums the places of one group, for the channels of one chunk.</summary>
    private readonly void Group(int task)
    {
        ref readonly ConvolutionShape s = ref Shape;
        (int group, int chunk) = Math.DivRem(task, chunks);
        int channel = chunk * chunkChannels, channels = Math.Min(chunkChannels, s.Channels - channel);
        int setPlaces = setImages * bandHeight * bandWidth;
        int stagePlane = stageHeight * stageWidth;
        int imageLength = direct ? s.Channels * stagePlane : channels * stagePlane;

        long panelBytes = (long)setPlaces * lanes * sizeof(T);
        long stageBytes = direct ? 0 : ((long)setImages * imageLength + 4 * Ops.Lanes) * sizeof(T) + 63 & ~63L;
        long rowBytes = (channels * taps + 8L) * sizeof(nint);
        byte* memory = ConvolutionScratch.Task(panelBytes + stageBytes + rowBytes + (long)setPlaces * sizeof(Term));
        T* panel = (T*)memory, staged = (T*)(memory + panelBytes);
        nint* rows = (nint*)(memory + panelBytes + stageBytes);
        Term* terms = (Term*)((byte*)rows + rowBytes);
        FillRows(rows, channels, stagePlane);
        T* result = partial + (long)task * chunkRows * lanes;
        int tableWidth = -1;
        int first = (int)((long)sets * group / groups), last = (int)((long)sets * (group + 1) / groups);
        for (int set = first; set < last; set++)
        {
            (int rest, int bandX) = Math.DivRem(set, bandsX);
            (rest, int bandY) = Math.DivRem(rest, bandsY);
            int image = rest * setImages, images = Math.Min(setImages, s.Batch - image);
            int top = bandY * bandHeight, left = bandX * bandWidth;
            int height = Math.Min(bandHeight, outputHeight - top), width = Math.Min(bandWidth, outputWidth - left);
            if (width != tableWidth) FillTerms(terms, tableWidth = width, imageLength);
            T* x = staged;
            if (direct)
            {
                x = Input + ((long)image * s.Channels + channel) * s.Height * s.Width
                    + (long)top * s.StrideY * s.Width + (long)left * s.StrideX;
            }
            else
            {
                Stage(image, images, channel, channels, top, left, staged);
            }

            FillPanel(image, images, top, left, height, width, panel, setPlaces);
            Multiply(terms, images * height * width, x, rows, channels * taps, panel, setPlaces, result, set > first);
        }
    }

    private readonly void FillRows(nint* rows, int channels, int stagePlane)
    {
        int r = 0;
        for (int c = 0; c < channels; c++)
            for (int u = 0; u < Shape.KernelHeight; u++)
                for (int v = 0; v < Shape.KernelWidth; v++)
                {
                    rows[r++] = (nint)c * stagePlane + u * Shape.DilationY * stageWidth + v * Shape.DilationX;
                }

        for (int extra = 0; extra < 8; extra++) rows[r + extra] = rows[r - 1];
    }

    private readonly void FillTerms(Term* terms, int width, int imageLength)
    {
        int place = 0;
        for (int g = 0; g < setImages; g++)
            for (int i = 0; i < bandHeight; i++)
                for (int j = 0; j < width; j++, place++)
                {
                    terms[place].A = g * imageLength + i * Shape.StrideY * stageWidth + j * Shape.StrideX;
                    terms[place].B = place * vectors * Ops.Lanes;
                }
    }

    private readonly void Stage(int image, int images, int channel, int channels, int top, int left, T* to)
    {
        ref readonly ConvolutionShape s = ref Shape;
        T* end = Input + (long)s.Batch * s.Channels * s.Height * s.Width;
        for (int g = 0; g < images; g++)
            for (int c = 0; c < channels; c++, to += stageHeight * stageWidth)
            {
                Staging<V, T, Ops>.Stage(
                    Input + ((long)(image + g) * s.Channels + channel + c) * s.Height * s.Width, end, s.Height, s.Width,
                    top * s.StrideY - s.PadTop, left * s.StrideX - s.PadLeft, stageHeight, stageWidth, to);
            }
    }

    /// <summary>Transposes the cotangent of a set: the panel holds, block by block, all lanes of each place.</summary>
    private readonly void FillPanel(
        int image, int images, int top, int left, int height, int width, T* panel, int setPlaces)
    {
        int places = outputHeight * outputWidth, blockLanes = vectors * Ops.Lanes;
        bool wholeRows = width == outputWidth;
        int runs = wholeRows ? 1 : height, run = wholeRows ? height * width : width;
        for (int block = 0; block < blocks; block++)
        {
            int filter = block * blockLanes, filters = Math.Min(blockLanes, Shape.Filters - filter);
            T* to = panel + (long)block * setPlaces * blockLanes;
            for (int g = 0; g < images; g++)
                for (int i = 0; i < runs; i++, to += run * blockLanes)
                {
                    T* from = Cotangent + ((long)(image + g) * Shape.Filters + filter) * places
                        + (long)(top + i) * outputWidth + left;
                    Staging<V, T, Ops>.Transpose(from, places, filters, run, to, blockLanes);
                }
        }
    }

    private readonly void Multiply(
        Term* terms, int count, T* x, nint* rows, int rowCount, T* panel, int setPlaces, T* result, bool add)
    {
        int blockLanes = vectors * Ops.Lanes;
        for (int block = 0; block < blocks; block++)
            for (int r = 0, step; r < rowCount; r += step)
            {
                step = Tiles<V, T, Ops>.Rows(rowCount - r);
                Tiles<V, T, Ops>.Run(
                    step, vectors, terms, count, x, rows + r, panel + (long)block * setPlaces * blockLanes,
                    result + (long)r * lanes + block * blockLanes, lanes, step, add);
            }
    }

    /// <summary>Adds the groups for some rows, and writes them as columns of the gradient.</summary>
    private readonly void Collect(int from, int to)
    {
        const int Square = 16;
        int rows = Shape.Channels * taps, perChunk = chunkChannels * taps;
        long groupLength = (long)chunks * chunkRows * lanes;
        for (int r0 = from; r0 < to; r0 += Square)
            for (int f = 0; f < Shape.Filters; f++)
                for (int r = r0; r < Math.Min(r0 + Square, to); r++)
                {
                    (int chunk, int row) = Math.DivRem(r, perChunk);
                    T* p = partial + ((long)chunk * chunkRows + row) * lanes + f;
                    T sum = *p;
                    for (int g = 1; g < groups; g++) sum += p[g * groupLength];
                    Gradient[(long)f * rows + r] = sum;
                }
    }
}
