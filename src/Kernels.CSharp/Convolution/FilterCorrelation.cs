using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// dw[f, c, u, v] = sum over images n and places p of ct[n, f, p] * x[n, c, input place of (p, u, v)], for each group,
/// and likewise along Z: the transpose of a convolution in the filters.
/// </summary>
/// <remarks>
/// The terms of a sum are places: filters are the lanes of the vectors, for which the cotangent of some hundred places
/// at a time is transposed, and filter taps are the rows, read one element at a time from where they lie in the image.
/// Places are split into parts, by size alone, which are summed each by itself and then added in order. An image is what
/// lies under the windows of one plane of the result, and the planes under the taps along Z count as channels.
/// </remarks>
internal unsafe struct FilterCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, INumberBase<T>
    where Ops : struct, ITileOps<V, T>
{
    private const int SetPlaces = 256;
    private const int WidestBand = 512;
    private const int MostParts = 16;
    private const long PartialBytes = 8 << 20;
    private const long PartBytes = 1 << 18;
    private const int Chunks = 8;
    private const long PartWork = 1 << 16;
    private const long ForkWork = 1 << 18;

    internal ConvolutionShape Shape;
    internal T* Input, Cotangent, Gradient;

    private int outputDepth, outputHeight, outputWidth, planes, planeTaps, filters, imageCount;
    private int vectors, blocks, lanes;
    private int setImages, bandHeight, bandWidth, bandsY, bandsX, sets;
    private int firstGroup, groups, parts, chunks, chunkPlanes, chunkRows;
    private bool direct;
    private int stageHeight, stageWidth;
    private T* partial;

    internal void Run()
    {
        ref readonly ConvolutionShape s = ref Shape;
        outputDepth = s.Z.Output;
        outputHeight = s.Y.Output;
        outputWidth = s.X.Output;
        planes = s.GroupChannels * s.Z.Kernel;
        planeTaps = s.Y.Kernel * s.X.Kernel;
        filters = s.GroupFilters;
        imageCount = s.Batch * outputDepth;
        if (s.FilterLength == 0) return;
        if ((long)imageCount * outputHeight * outputWidth == 0)
        {
            new Span<T>(Gradient, s.FilterLength).Clear();
            return;
        }

        ChooseLanes();
        ChooseSets();
        bool fork = ChooseParts() * s.Groups >= ForkWork && Workers.Count > 1;
        long groupLength = (long)parts * chunks * chunkRows * lanes;
        int most = (int)Math.Clamp(PartialBytes / (groupLength * sizeof(T)), 1, s.Groups);
        partial = (T*)ConvolutionScratch.Tables(most * groupLength * sizeof(T));
        fixed (FilterCorrelation<V, T, Ops>* self = &this)
        {
            for (firstGroup = 0; firstGroup < s.Groups; firstGroup += most)
            {
                groups = Math.Min(most, s.Groups - firstGroup);
                int tasks = groups * parts * chunks;
                if (fork)
                {
                    Fork(self, tasks);
                }
                else
                {
                    for (int task = 0; task < tasks; task++) self->Part(task);
                    self->Collect(0, groups * planes * planeTaps);
                }
            }
        }
    }

    private static void Fork(FilterCorrelation<V, T, Ops>* self, int tasks)
    {
        Workers.For(tasks, self, &PartOf);
        Workers.ForRange(
            (long)self->groups * self->planes * self->planeTaps,
            Math.Max(16384 / (self->lanes * self->parts), 64), new Collection { Self = self });
    }

    private static void PartOf(void* self, int task) => ((FilterCorrelation<V, T, Ops>*)self)->Part(task);

    private struct Collection : IForkedRange
    {
        public FilterCorrelation<V, T, Ops>* Self;

        public readonly void Run(long from, long to) => Self->Collect((int)from, (int)to);
    }

    private void ChooseLanes()
    {
        int needed = (filters + Ops.Lanes - 1) / Ops.Lanes;
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
        setImages = Math.Clamp(SetPlaces / places, 1, imageCount);
        bandsX = (outputWidth + WidestBand - 1) / WidestBand;
        bandWidth = (outputWidth + bandsX - 1) / bandsX;
        bandsX = (outputWidth + bandWidth - 1) / bandWidth;
        bandsY = Math.Max(outputHeight / Math.Max(SetPlaces / bandWidth, 1), 1);
        bandHeight = (outputHeight + bandsY - 1) / bandsY;
        bandsY = (outputHeight + bandHeight - 1) / bandHeight;
        sets = (imageCount + setImages - 1) / setImages * bandsY * bandsX;

        // The images of a set that are read where they lie must be equally far from each other.
        direct = s.Z.IsInside && s.Y.IsInside && s.X.IsInside && (setImages == 1 || outputDepth == 1);
        stageHeight = direct ? s.Y.Size : (bandHeight - 1) * s.Y.Stride + s.Y.Last + 1;
        stageWidth = direct ? s.X.Size : (bandWidth - 1) * s.X.Stride + s.X.Last + 1;
    }

    /// <summary>Splits the work of a group, which is returned.</summary>
    private long ChooseParts()
    {
        long rows = (long)planes * planeTaps;
        long work = (long)imageCount * outputHeight * outputWidth * rows * lanes;
        long bytes = rows * lanes * sizeof(T);

        // Many sums are dearer to keep for every part than places are to transpose for every chunk.
        long most = Math.Min(work / PartWork, MostParts / Shape.Groups);
        if (bytes > PartBytes) most = Chunks / ((planes + 15) / 16);
        parts = (int)Math.Clamp(Math.Min(most, PartialBytes / bytes), 1, sets);
        int tasks = parts * Shape.Groups;
        chunks = tasks >= Chunks || work < Chunks * PartWork ? 1 : Math.Min(Chunks / tasks, planes);
        chunkPlanes = (planes + chunks - 1) / chunks;
        chunks = (planes + chunkPlanes - 1) / chunkPlanes;
        chunkRows = chunkPlanes * planeTaps + 8;
        return work;
    }

    /// <summary>Sums some places of one group, for the planes of one chunk.</summary>
    private readonly void Part(int task)
    {
        ref readonly ConvolutionShape s = ref Shape;
        (int rest, int chunk) = Math.DivRem(task, chunks);
        (int group, int part) = Math.DivRem(rest, parts);
        group += firstGroup;
        int plane = chunk * chunkPlanes, count = Math.Min(chunkPlanes, planes - plane);
        int setPlaces = setImages * bandHeight * bandWidth;
        int stagePlane = stageHeight * stageWidth;
        int imageLength = direct ? s.Channels * s.Z.Size * stagePlane : count * stagePlane;

        long panelBytes = (long)setPlaces * lanes * sizeof(T);
        long stageBytes = direct ? 0 : ((long)setImages * imageLength + 4 * Ops.Lanes) * sizeof(T) + 63 & ~63L;
        long rowBytes = (count * planeTaps + 8L) * sizeof(nint);
        byte* memory = ConvolutionScratch.Task(panelBytes + stageBytes + rowBytes + (long)setPlaces * sizeof(Term));
        T* panel = (T*)memory, staged = (T*)(memory + panelBytes);
        nint* rows = (nint*)(memory + panelBytes + stageBytes);
        Term* terms = (Term*)((byte*)rows + rowBytes);
        FillRows(rows, plane, count, stagePlane);
        T* result = partial + (long)task * chunkRows * lanes;
        int tableWidth = -1;
        int first = (int)((long)sets * part / parts), last = (int)((long)sets * (part + 1) / parts);
        for (int set = first; set < last; set++)
        {
            (rest, int bandX) = Math.DivRem(set, bandsX);
            (rest, int bandY) = Math.DivRem(rest, bandsY);
            int image = rest * setImages, images = Math.Min(setImages, imageCount - image);
            int top = bandY * bandHeight, left = bandX * bandWidth;
            int height = Math.Min(bandHeight, outputHeight - top), width = Math.Min(bandWidth, outputWidth - left);
            if (width != tableWidth) FillTerms(terms, tableWidth = width, imageLength);
            T* x = staged;
            if (direct)
            {
                (int n, int z) = Math.DivRem(image, outputDepth);
                x = Input + ((long)n * s.Channels + group * s.GroupChannels) * s.Z.Size * stagePlane
                    + (long)z * s.Z.Stride * stagePlane
                    + (long)top * s.Y.Stride * stageWidth + (long)left * s.X.Stride;
            }
            else
            {
                Stage(group, image, images, plane, count, top, left, staged);
            }

            FillPanel(group, image, images, top, left, height, width, panel, setPlaces);
            Multiply(terms, images * height * width, x, rows, count * planeTaps, panel, setPlaces, result, set > first);
        }
    }

    private readonly void FillRows(nint* rows, int first, int count, int stagePlane)
    {
        WindowAxis z = Shape.Z, y = Shape.Y, x = Shape.X;
        int r = 0;
        for (int p = 0; p < count; p++)
        {
            (int c, int d) = Math.DivRem(first + p, z.Kernel);
            nint plane = direct ? (nint)c * z.Size + d * z.Dilation : p;
            for (int u = 0; u < y.Kernel; u++)
                for (int v = 0; v < x.Kernel; v++)
                {
                    rows[r++] = plane * stagePlane + u * y.Dilation * stageWidth + v * x.Dilation;
                }
        }

        for (int extra = 0; extra < 8; extra++) rows[r + extra] = rows[r - 1];
    }

    private readonly void FillTerms(Term* terms, int width, int imageLength)
    {
        int place = 0, stepY = Shape.Y.Stride * stageWidth, stepX = Shape.X.Stride;
        for (int g = 0; g < setImages; g++)
            for (int i = 0; i < bandHeight; i++)
                for (int j = 0; j < width; j++, place++)
                {
                    terms[place].A = g * imageLength + i * stepY + j * stepX;
                    terms[place].B = place * vectors * Ops.Lanes;
                }
    }

    private readonly void Stage(int group, int image, int images, int first, int count, int top, int left, T* to)
    {
        ref readonly ConvolutionShape s = ref Shape;
        WindowAxis alongZ = s.Z, y = s.Y, x = s.X;
        int channels = s.Channels, firstChannel = group * s.GroupChannels, plane = s.InputPlane;
        T* end = Input + s.InputLength;
        for (int g = 0; g < images; g++)
            for (int p = 0; p < count; p++, to += stageHeight * stageWidth)
            {
                (int n, int z) = Math.DivRem(image + g, outputDepth);
                (int c, int d) = Math.DivRem(first + p, alongZ.Kernel);
                z = z * alongZ.Stride + d * alongZ.Dilation - alongZ.PadBefore;
                bool inside = z >= 0 && z < alongZ.Size;
                long volume = (long)n * channels + firstChannel + c;
                Staging<V, T, Ops>.Stage(
                    Input + (volume * alongZ.Size + (inside ? z : 0)) * plane, end, inside ? y.Size : 0, x.Size,
                    top * y.Stride - y.PadBefore, left * x.Stride - x.PadBefore, stageHeight, stageWidth, to);
            }
    }

    /// <summary>Transposes the cotangent of a set: the panel holds, block by block, all lanes of each place.</summary>
    private readonly void FillPanel(
        int group, int image, int images, int top, int left, int height, int width, T* panel, int setPlaces)
    {
        int places = outputHeight * outputWidth, depth = outputDepth, blockLanes = vectors * Ops.Lanes;
        bool wholeRows = width == outputWidth;
        int runs = wholeRows ? 1 : height, run = wholeRows ? height * width : width;
        for (int block = 0; block < blocks; block++)
        {
            int filter = block * blockLanes, count = Math.Min(blockLanes, filters - filter);
            T* to = panel + (long)block * setPlaces * blockLanes;
            for (int g = 0; g < images; g++)
            {
                (int n, int z) = Math.DivRem(image + g, depth);
                long volume = (long)n * Shape.Filters + group * filters + filter;
                T* from = Cotangent + (volume * depth + z) * places + (long)top * outputWidth + left;
                for (int i = 0; i < runs; i++, from += outputWidth, to += run * blockLanes)
                {
                    Staging<V, T, Ops>.Transpose(from, (nint)depth * places, count, run, to, blockLanes);
                }
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

    /// <summary>Adds the parts for some rows of the groups, and writes them as columns of the gradient.</summary>
    private readonly void Collect(int from, int to)
    {
        const int Square = 16;
        int rows = planes * planeTaps, perChunk = chunkPlanes * planeTaps;
        long partLength = (long)chunks * chunkRows * lanes;
        T* square = stackalloc T[2 * Square * Square], turned = square + Square * Square;
        for (int count; from < to; from += count)
        {
            (int group, int first) = Math.DivRem(from, rows);
            (int chunk, int row) = Math.DivRem(first, perChunk);
            count = Math.Min(Math.Min(Square, to - from), Math.Min(rows - first, perChunk - row));
            T* sums = partial + group * parts * partLength + ((long)chunk * chunkRows + row) * lanes;
            T* gradient = Gradient + (long)(firstGroup + group) * filters * rows + first;
            for (int f = 0; f < filters; f += Ops.Lanes)
            {
                for (int r = 0; r < count; r++)
                {
                    T* p = sums + (long)r * lanes + f;
                    V sum = Ops.Load(p);
                    for (int part = 1; part < parts; part++) sum = Ops.Add(sum, Ops.Load(p + part * partLength));
                    Ops.Store(square + r * Ops.Lanes, sum);
                }

                int valid = Math.Min(Ops.Lanes, filters - f);
                Staging<V, T, Ops>.Transpose(square, Ops.Lanes, count, valid, turned, Square);
                for (int k = 0; k < valid; k++)
                {
                    T* column = gradient + (long)(f + k) * rows;
                    new ReadOnlySpan<T>(turned + k * Square, count).CopyTo(new Span<T>(column, count));
                }
            }
        }
    }
}
