using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// The transpose of a convolution in the images by scattering: the product of the filters and the cotangent gives the
/// share of every filter tap at every place of the result, and the shares are added where the taps lie.
/// </summary>
/// <remarks>
/// Against <see cref="Correlation{V, T, Ops}"/> this spends nothing on the padding of the cotangent and fills tiles
/// when images have few channels, but must add every share in memory. It takes two axes and one group.
/// </remarks>
internal unsafe struct ScatterCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, INumberBase<T>
    where Ops : struct, ITileOps<V, T>
{
    private const long ForkWork = 1 << 18;
    private const int TaskPlaces = 192;
    private const int BandLength = 1 << 16;

    internal ConvolutionShape Shape;
    internal T* Cotangent, Weights, Gradient;

    private int height, width, places, rowCount, images, bandHeight, pitch, stageHeight, stageWidth;
    private Term* terms;
    private nint* rows;
    private T* masks;

    /// <summary>Whether scattering is faster, from estimates in units of one multiplication in a full tile.</summary>
    internal static bool Pays(in ConvolutionShape s)
    {
        const double Copy = 8, Add = 12;
        if (s.Groups > 1 || !s.Z.IsUnit) return false;
        double taps = s.Taps, places = s.OutputPlane, image = s.InputPlane, steps = s.Y.Stride * s.X.Stride;
        if (ImageCorrelation<V, T, Ops>.Pays(s.Batch, (int)(image / steps), s.Channels, (int)(taps / steps))) return false;
        double gather = s.Filters * image * (Filled(s.Channels) * taps / steps + Copy * s.X.Kernel);
        double scatter = places * (s.Filters * Filled(s.Channels * taps) + Add * steps * s.Channels * taps);
        return scatter < 0.9 * gather;
    }

    internal void Run()
    {
        ref readonly ConvolutionShape s = ref Shape;
        height = s.Y.Output;
        width = s.X.Output;
        places = height * width;
        rowCount = s.Channels * s.Taps;
        if (s.InputLength == 0) return;
        if (places == 0 || s.Filters == 0)
        {
            new Span<T>(Gradient, s.InputLength).Clear();
            return;
        }

        bool fork = (long)s.Batch * places * rowCount * s.Filters >= ForkWork && Workers.Count > 1;
        images = Math.Clamp(TaskPlaces / places, 1, fork ? Math.Max(s.Batch / (2 * Workers.Count), 1) : s.Batch);
        int smallest = Math.Min((TaskPlaces + width - 1) / width, height);
        bandHeight = images > 1 ? height : (int)Math.Clamp(BandLength / ((long)s.Filters * width), smallest, height);
        pitch = images * bandHeight * width;
        stageHeight = Math.Max((height - 1) * s.Y.Stride + s.Y.Last + 1, s.Y.PadBefore + s.Y.Size);

        // Rows are so wide that the vectors added to one row do not reach into the next, which would stall its loads.
        int reach = s.X.Stride == 1 ? (width + Ops.Lanes - 1) / Ops.Lanes * Ops.Lanes : (width - 1) * s.X.Stride + 1;
        stageWidth = Math.Max(reach + s.X.Last, s.X.PadBefore + s.X.Size);
        FillTables();
        int tasks = (s.Batch + images - 1) / images;
        fixed (ScatterCorrelation<V, T, Ops>* self = &this)
        {
            if (fork) Fork(self, tasks);
            else for (int task = 0; task < tasks; task++) self->Images(task);
        }
    }

    private static double Filled(double rows) => Math.Ceiling(rows / 4) * 4;

    private static void Fork(ScatterCorrelation<V, T, Ops>* self, int tasks) =>
        Workers.For(tasks, self, &ImagesOf);

    private static void ImagesOf(void* self, int task) => ((ScatterCorrelation<V, T, Ops>*)self)->Images(task);

    private void FillTables()
    {
        long termBytes = (long)Shape.Filters * sizeof(Term), rowBytes = (rowCount + 8L) * sizeof(nint);
        byte* tables = ConvolutionScratch.Tables(termBytes + rowBytes + 2 * Ops.Lanes * sizeof(T));
        terms = (Term*)tables;
        rows = (nint*)(tables + termBytes);
        masks = (T*)(tables + termBytes + rowBytes);
        for (int f = 0; f < Shape.Filters; f++)
        {
            terms[f].A = f * rowCount;
            terms[f].B = f * pitch;
        }

        for (int r = 0; r < rowCount + 8; r++) rows[r] = Math.Min(r, rowCount - 1);
        new Span<byte>(masks, Ops.Lanes * sizeof(T)).Fill(255);
        new Span<byte>(masks + Ops.Lanes, Ops.Lanes * sizeof(T)).Clear();
    }

    private readonly void Images(int task)
    {
        ref readonly ConvolutionShape s = ref Shape;
        int image = task * images, count = Math.Min(images, s.Batch - image);
        int slack = 3 * Ops.Lanes, sharePitch = pitch + slack;
        long staged = (long)images * s.Channels * stageHeight * stageWidth + slack;
        long cotangents = (long)s.Filters * pitch + slack;
        T* sums = (T*)ConvolutionScratch.Task((staged + cotangents + 8L * sharePitch) * sizeof(T));
        T* ct = sums + staged, shares = ct + cotangents;
        new Span<byte>(sums, checked((int)(staged * sizeof(T)))).Clear();
        for (int top = 0; top < height; top += bandHeight)
        {
            int band = Math.Min(bandHeight, height - top), lanes = count * band * width;
            CopyCotangent(image, count, top, band, ct);
            for (int r = 0, step; r < rowCount; r += step)
            {
                step = Tiles<V, T, Ops>.Rows(rowCount - r);
                for (int p = 0, vectors; p < lanes; p += vectors * Ops.Lanes)
                {
                    vectors = Tiles<V, T, Ops>.Vectors(step, (lanes - p + Ops.Lanes - 1) / Ops.Lanes);
                    Tiles<V, T, Ops>.Run(
                        step, vectors, terms, s.Filters, Weights, rows + r, ct + p, shares + p, sharePitch, step,
                        false);
                }

                for (int k = 0; k < Math.Min(step, rowCount - r); k++)
                    AddShares(r + k, count, top, band, shares + k * sharePitch, sums);
            }
        }

        CopyGradient(image, count, sums);
    }

    /// <summary>Lets the places of the images follow one another, filter by filter.</summary>
    private readonly void CopyCotangent(int image, int count, int top, int band, T* to)
    {
        T* from = Cotangent + (long)image * Shape.Filters * places + (long)top * width;
        int run = band * width;
        for (int g = 0; g < count; g++)
            for (int f = 0; f < Shape.Filters; f++, from += places)
            {
                new ReadOnlySpan<T>(from, run).CopyTo(new Span<T>(to + (long)f * pitch + g * run, run));
            }
    }

    /// <summary>Adds the shares of one filter tap to the padded images.</summary>
    private readonly void AddShares(int row, int count, int top, int band, T* shares, T* sums)
    {
        WindowAxis y = Shape.Y, x = Shape.X;
        int channels = Shape.Channels, strideX = x.Stride;
        (row, int v) = Math.DivRem(row, x.Kernel);
        (int c, int u) = Math.DivRem(row, y.Kernel);
        int whole = width - width % Ops.Lanes;
        V mask = Ops.Load(masks + Ops.Lanes - width % Ops.Lanes);
        for (int g = 0; g < count; g++)
            for (int i = top; i < top + band; i++, shares += width)
            {
                T* to = sums + ((long)g * channels + c) * stageHeight * stageWidth
                    + (long)(i * y.Stride + u * y.Dilation) * stageWidth + v * x.Dilation;
                if (strideX == 1)
                {
                    int j = 0;
                    for (; j < whole; j += Ops.Lanes) Ops.Store(to + j, Ops.Add(Ops.Load(to + j), Ops.Load(shares + j)));
                    if (j < width)
                        Ops.Store(to + j, Ops.Add(Ops.Load(to + j), Ops.And(Ops.Load(shares + j), mask)));
                }
                else
                {
                    for (int j = 0; j < width; j++) to[j * strideX] += shares[j];
                }
            }
    }

    private readonly void CopyGradient(int image, int count, T* sums)
    {
        WindowAxis y = Shape.Y, x = Shape.X;
        T* to = Gradient + (long)image * Shape.Channels * Shape.InputPlane;
        for (int plane = 0; plane < count * Shape.Channels; plane++)
            for (int i = 0; i < y.Size; i++, to += x.Size)
            {
                T* from = sums + ((long)plane * stageHeight + i + y.PadBefore) * stageWidth + x.PadBefore;
                new ReadOnlySpan<T>(from, x.Size).CopyTo(new Span<T>(to, x.Size));
            }
    }
}
