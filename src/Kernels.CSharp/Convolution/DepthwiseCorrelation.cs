namespace Autodiff.Kernels;

/// <summary>
/// Groups of one channel and one filter: y[p, i, j] = sum over taps u, v of x[p, input place of (i, u), input place of (j, v)]
/// * weight[group of p, u, v], for each plane p, which is the convolution whose columns are not strided, and its transpose in
/// the images.
/// </summary>
/// <remarks>
/// Few terms make a sum, so that what other ways copy for every tap would cost more than the sums. A plane is copied once,
/// between columns of zeros, and the cotangent of a strided convolution with zeros between its columns; then each row of the
/// result is a sum of rows, one for each tap, and rows in the padding are left out. It takes two axes.
/// </remarks>
internal unsafe struct DepthwiseCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    private const long ForkWork = 1 << 18;
    private const long PlaneBytes = 1 << 18;

    private int planes, groups, taps, inputHeight, inputWidth, height, width, pitch, left, gap;
    private T* input, weights, output;
    private Term* terms;
    private int* counts;

    /// <summary>Whether a convolution can be computed so.</summary>
    internal static bool Takes(in ConvolutionShape s) =>
        s.X.Stride == 1 && IsDepthwise(s) && PitchForward(s) * s.Y.Size * sizeof(T) <= PlaneBytes;

    /// <summary>Whether the transpose of a convolution in the images can be computed so.</summary>
    internal static bool TakesTransposed(in ConvolutionShape s) =>
        IsDepthwise(s) && PitchTransposed(s) * s.Y.Output * sizeof(T) <= PlaneBytes;

    internal static void Forward(in ConvolutionShape s, T* x, T* w, T* y)
    {
        DepthwiseCorrelation<V, T, Ops> self = new()
        {
            planes = s.Batch * s.Channels,
            groups = s.Channels,
            taps = s.Taps,
            inputHeight = s.Y.Size,
            inputWidth = s.X.Size,
            height = s.Y.Output,
            width = s.X.Output,
            pitch = (int)PitchForward(s),
            left = s.X.PadBefore,
            gap = 1,
            input = x,
            weights = w,
            output = y,
        };
        self.Run(s, false);
    }

    internal static void Transposed(in ConvolutionShape s, T* ct, T* w, T* dx)
    {
        DepthwiseCorrelation<V, T, Ops> self = new()
        {
            planes = s.Batch * s.Channels,
            groups = s.Channels,
            taps = s.Taps,
            inputHeight = s.Y.Output,
            inputWidth = s.X.Output,
            height = s.Y.Size,
            width = s.X.Size,
            pitch = (int)PitchTransposed(s),
            left = Shift(s.X),
            gap = s.X.Stride,
            input = ct,
            weights = w,
            output = dx,
        };
        self.Run(s, true);
    }

    private static bool IsDepthwise(in ConvolutionShape s) => s.GroupChannels == 1 && s.GroupFilters == 1 && s.Z.IsUnit;

    private static long Vectors(long width) => (width + Ops.Lanes - 1) / Ops.Lanes * Ops.Lanes;

    private static long PitchForward(in ConvolutionShape s) =>
        Math.Max(s.X.PadBefore + (long)s.X.Size, s.X.Last + Vectors(s.X.Output));

    private static long PitchTransposed(in ConvolutionShape s)
    {
        long last = s.X.Output == 0 ? 0 : (s.X.Output - 1L) * s.X.Stride + 1;
        return Shift(s.X) + Math.Max(last, s.X.PadBefore + Vectors(s.X.Size));
    }

    /// <summary>The columns of zeros before the cotangent.</summary>
    private static int Shift(in WindowAxis axis) => Math.Max(axis.Last - axis.PadBefore, 0);

    private void Run(in ConvolutionShape s, bool transposed)
    {
        if (planes == 0 || height == 0 || width == 0) return;
        long tableBytes = (long)height * taps * sizeof(Term);
        byte* tables = ConvolutionScratch.Tables(tableBytes + (long)height * sizeof(int));
        terms = (Term*)tables;
        counts = (int*)(tables + tableBytes);
        FillTerms(s, transposed);
        bool fork = (long)planes * height * width * taps >= ForkWork && Workers.Count > 1;
        int parts = fork ? Math.Min(planes, 4 * Workers.Count) : 1;
        fixed (DepthwiseCorrelation<V, T, Ops>* self = &this)
        {
            if (fork) Fork(self, parts);
            else self->Part(0, planes);
        }
    }

    private static void Fork(DepthwiseCorrelation<V, T, Ops>* self, int parts)
    {
        Workers.For(parts, new Planes { Self = self, Parts = parts });
    }

    private struct Planes : IForked
    {
        public DepthwiseCorrelation<V, T, Ops>* Self;
        public int Parts;

        public readonly void Run(int part)
        {
            long count = Self->planes;
            Self->Part((int)(count * part / Parts), (int)(count * (part + 1) / Parts));
        }
    }

    /// <summary>Lists for each row of the result the taps that lie inside, and where the copy holds what they read.</summary>
    private readonly void FillTerms(in ConvolutionShape s, bool transposed)
    {
        WindowAxis y = s.Y, x = s.X;
        for (int i = 0; i < height; i++)
        {
            Term* term = terms + (long)i * taps;
            for (int u = 0; u < y.Kernel; u++)
            {
                int row = transposed ? i + y.PadBefore - u * y.Dilation : i * y.Stride + u * y.Dilation - y.PadBefore;
                if (row < 0 || (transposed && row % y.Stride != 0)) continue;
                if (transposed) row /= y.Stride;
                if (row >= inputHeight) continue;
                for (int v = 0; v < x.Kernel; v++, term++)
                {
                    term->A = u * x.Kernel + v;
                    term->B = row * pitch + (transposed ? left + x.PadBefore - v * x.Dilation : v * x.Dilation);
                }
            }

            counts[i] = (int)(term - (terms + (long)i * taps));
        }
    }

    private readonly void Part(int first, int last)
    {
        int vectors = (width + Ops.Lanes - 1) / Ops.Lanes, length = inputHeight * pitch;
        T* copy = (T*)ConvolutionScratch.Task(((long)length + 6 * Ops.Lanes) * sizeof(T)), spare = copy + length;
        new Span<T>(copy, length).Clear();
        T* end = output + (long)last * height * width;
        for (int p = first; p < last; p++)
        {
            Copy(input + (long)p * inputHeight * inputWidth, copy);
            T* w = weights + (long)(p % groups) * taps, to = output + (long)p * height * width;
            for (int i = 0; i < height; i++, to += width)
                for (int k = 0, count; k < vectors; k += count)
                {
                    // What is written past a row is overwritten by the next, which comes later on this thread.
                    count = RowTiles<V, T, Ops>.Vectors(vectors - k);
                    T* o = to + k * Ops.Lanes;
                    bool fits = end - o >= count * Ops.Lanes;
                    RowTiles<V, T, Ops>.Run(
                        count, terms + (long)i * taps, counts[i], w, copy + k * Ops.Lanes, fits ? o : spare, false);
                    if (fits) continue;
                    int valid = Math.Min(count * Ops.Lanes, width - k * Ops.Lanes);
                    new ReadOnlySpan<T>(spare, valid).CopyTo(new Span<T>(o, valid));
                }
        }
    }

    /// <summary>Copies the elements of a plane; the zeros around them stay.</summary>
    private readonly void Copy(T* from, T* to)
    {
        to += left;
        for (int r = 0; r < inputHeight; r++, from += inputWidth, to += pitch)
        {
            if (gap == 1)
                new ReadOnlySpan<T>(from, inputWidth).CopyTo(new Span<T>(to, inputWidth));
            else
                for (int k = 0; k < inputWidth; k++) to[(nint)k * gap] = from[k];
        }
    }
}
