namespace Autodiff.Kernels;

/// <summary>A part of the work of a correlation: a band of places of some images, for one group of channels.</summary>
internal struct Band
{
    internal int Group, Image, Count, Top, Left, Height, Width;
}

/// <summary>
/// Copies of images in which the inputs of the places of a band, row after row, are contiguous for every tap.
/// </summary>
/// <remarks>
/// The input is copied once for every column tap; row taps read the same copy further on. Then any vector of places is
/// full, whatever the width of the image, and strides, gaps and padding concern the copy only. An image is what lies
/// under the windows of one plane of the result, and the planes under the taps along Z count as channels.
/// </remarks>
internal unsafe struct Bands<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    private const int CopyBytes = 320 * 1024;

    internal CorrelationAxis Z, Y, X;

    /// <summary>The channels are those of one group, and how many of them a copy holds at most.</summary>
    internal int Batch, Groups, Channels, BlockChannels;
    internal T* Input;

    /// <summary>The most images, rows and columns of a band, and how many bands there are of each.</summary>
    internal int Images, BandHeight, BandWidth, ImageBands, BandsY, BandsX;

    private int phases, phaseRows, stageHeight, stageWidth;
    private int* phaseStart, tapPhase, tapRow;
    private T* inputEnd;

    /// <summary>The terms of all channels.</summary>
    internal readonly int TermCount => Channels * ChannelTerms;

    internal readonly int ChannelTerms => Z.Count * Y.Count * X.Count;

    /// <summary>The planes of all results.</summary>
    internal readonly int ImageCount => Batch * Z.Output;

    internal readonly int Count => Groups * ImageBands * BandsY * BandsX;

    /// <summary>The elements between the copies of two planes and column taps.</summary>
    private readonly int BlockLength => phases * Images * phaseRows * BandWidth;

    /// <summary>The elements of the copies of a band.</summary>
    internal readonly long CopyLength => (long)BlockChannels * Z.Count * X.Count * BlockLength + 4 * Ops.Lanes;

    private readonly long StageLength => (long)Images * stageHeight * stageWidth + 4 * Ops.Lanes;

    /// <summary>The elements of memory that <see cref="Copy"/> needs.</summary>
    internal readonly long Length => CopyLength + StageLength;

    /// <summary>The integers of memory that <see cref="Choose"/> needs.</summary>
    internal readonly int TableLength => Math.Max(Y.Stride, Y.Count) + 2 * Y.Count;

    /// <summary>
    /// Chooses the bands: by size alone for one thread, else such that each thread has some, where each can be computed in
    /// so many <paramref name="parts"/>.
    /// </summary>
    internal void Choose(int threads, int parts, int* tables)
    {
        inputEnd = Input + (long)Batch * Groups * Channels * Z.Input * Y.Input * X.Input;
        tapPhase = tables;
        tapRow = tapPhase + Y.Count;
        phaseStart = tapRow + Y.Count;
        Images = ImagesPerBand(threads, parts);
        if (Images > 1) OneBand();
        else ChooseBands(threads, parts);
        ImageBands = (ImageCount + Images - 1) / Images;
        stageHeight = (BandHeight - 1) * Y.Stride + Y.Last + 1;
        stageWidth = (BandWidth - 1) * X.Stride + X.Last + 1;
    }

    /// <summary>
    /// As many images as fill some tiles with places where one would not fill its last, but no more than memory
    /// and threads allow.
    /// </summary>
    private readonly int ImagesPerBand(int threads, int parts)
    {
        int places = Y.Output * X.Output;
        if (places >= 4 * Ops.Lanes) return 1;
        long most = Math.Min(ImageCount, (12 * Ops.Lanes + places - 1) / places);
        if (threads > 1) most = Math.Min(most, (long)ImageCount * Groups * parts / (2 * threads));
        long image = ((long)BlockChannels * ChannelTerms + 1) * places * sizeof(T);
        return (int)Math.Max(Math.Min(most, 2 * CopyBytes / image), 1);
    }

    /// <summary>
    /// Whole images, of which every row tap has a copy of its own, so that the places of the images follow one another.
    /// </summary>
    private void OneBand()
    {
        BandsX = BandsY = 1;
        BandWidth = X.Output;
        BandHeight = phaseRows = Y.Output;
        phases = Y.Count;
        for (int u = 0; u < Y.Count; u++)
        {
            tapPhase[u] = u;
            tapRow[u] = 0;
            phaseStart[u] = Y.Taps[u];
        }
    }

    private void ChooseBands(int threads, int parts)
    {
        NumberPhases();
        int overlap = Y.Last / Y.Stride;
        long column = Math.Max((long)BlockChannels * Z.Count * X.Count * phases * sizeof(T), 1);
        long widest = Math.Max(CopyBytes / (column * (overlap + 1)), 6 * Ops.Lanes);
        BandsX = (int)((X.Output + widest - 1) / widest);
        BandWidth = (X.Output + BandsX - 1) / BandsX;
        BandsX = (X.Output + BandWidth - 1) / BandWidth;
        long highest = Math.Max(CopyBytes / (column * BandWidth) - overlap, 1);
        if (threads > 1)
        {
            long images = (long)ImageCount * Groups * parts, wanted = (4L * threads + images - 1) / images;
            long enough = Math.Max((Y.Output + wanted - 1) / wanted, (12 * Ops.Lanes + BandWidth - 1) / BandWidth);
            highest = Math.Min(highest, enough);
        }

        BandsY = (int)((Y.Output + highest - 1) / highest);
        BandHeight = (Y.Output + BandsY - 1) / BandsY;
        BandsY = (Y.Output + BandHeight - 1) / BandHeight;
        phaseRows = BandHeight + overlap;
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

    /// <summary>
    /// Where each term of a block of channels lies: in the filters, given the steps of these from one channel, plane and row to the next, and
    /// in the copy.
    /// </summary>
    internal readonly void FillTerms(Term* term, int weightsChannel, int weightsPlane, int weightsRow)
    {
        int plane = 0;
        for (int c = 0; c < BlockChannels; c++)
            for (int d = 0; d < Z.Count; d++, plane++)
                for (int u = 0; u < Y.Count; u++)
                {
                    int row = tapPhase[u] * Images * phaseRows + tapRow[u];
                    int weights = c * weightsChannel + Z.Weights[d] * weightsPlane + Y.Weights[u] * weightsRow;
                    for (int v = 0; v < X.Count; v++, term++)
                    {
                        term->A = weights + X.Weights[v];
                        term->B = (plane * X.Count + v) * BlockLength + row * BandWidth;
                    }
                }
    }

    internal readonly Band this[int index]
    {
        get
        {
            (index, int x) = Math.DivRem(index, BandsX);
            (index, int y) = Math.DivRem(index, BandsY);
            (int group, index) = Math.DivRem(index, ImageBands);
            int image = index * Images, top = y * BandHeight, left = x * BandWidth;
            return new()
            {
                Group = group,
                Image = image,
                Count = Math.Min(Images, ImageCount - image),
                Top = top,
                Left = left,
                Height = Math.Min(BandHeight, Y.Output - top),
                Width = Math.Min(BandWidth, X.Output - left),
            };
        }
    }

    /// <summary>
    /// Copies what a band needs of some channels, a block at most, into memory of <see cref="Length"/> elements.
    /// </summary>
    internal readonly void Copy(in Band band, int first, int count, T* memory)
    {
        if (TermCount == 0) return;
        T* staged = memory + CopyLength;
        long inputPlane = (long)Y.Input * X.Input;
        int block = X.Count * BlockLength;
        int top = band.Top * Y.Stride + Y.First, left = band.Left * X.Stride + X.First;
        int lastRow = (band.Height - 1) * Y.Stride + Y.Last;
        bool inside = top >= 0 && top + lastRow < Y.Input && left >= 0 && left + stageWidth <= X.Input;

        // Images are read where they lie if these lie equally far apart, and nothing is read past the last: rows are read by
        // whole vectors, to so far past their first column.
        long reach = (long)lastRow * X.Input + X.Last + (BandWidth + Ops.Lanes - 1L) * X.Stride + 1;
        long imageLength = (long)Groups * Channels * Z.Input * inputPlane;
        inside &= band.Count == 1 || Z.Output == 1;
        int stageLength = stageHeight * stageWidth;
        for (int c = first; c < first + count; c++)
            for (int d = 0; d < Z.Count; d++, memory += block)
            {
                T* plane = Plane(band, 0, c, d, out bool isPlane), from = plane + (long)top * X.Input + left;
                if (inside && isPlane && inputEnd - from >= (band.Count - 1) * imageLength + reach)
                {
                    CopyTaps(band.Count, lastRow, from, X.Input, imageLength, memory);
                    continue;
                }

                for (int g = 0; g < band.Count; g++)
                {
                    plane = Plane(band, g, c, d, out isPlane);
                    Staging<V, T, Ops>.Stage(
                        plane, inputEnd, isPlane ? Y.Input : 0, X.Input, top, left, lastRow + 1, stageWidth,
                        staged + (long)g * stageLength);
                }

                CopyTaps(band.Count, lastRow, staged, stageWidth, stageLength, memory);
            }
    }

    /// <summary>The plane of an image of a band under a tap along Z; the first of the volume where that lies outside.</summary>
    private readonly T* Plane(in Band band, int image, int channel, int tap, out bool isPlane)
    {
        (int n, int z) = Math.DivRem(band.Image + image, Z.Output);
        z = z * Z.Stride + Z.First + Z.Taps[tap];
        isPlane = z >= 0 && z < Z.Input;
        long volume = ((long)n * Groups + band.Group) * Channels + channel;
        return Input + (volume * Z.Input + (isPlane ? z : 0)) * Y.Input * X.Input;
    }

    /// <summary>
    /// Copies for every column tap the places of every row of a plane of some images, whose rows are <paramref name="pitch"/> apart.
    /// </summary>
    /// <remarks>The order is that of the copies in memory, since what is written past one is overwritten by the next.</remarks>
    private readonly void CopyTaps(int count, int lastRow, T* planes, int pitch, long imagePitch, T* copy)
    {
        nint step = (nint)Y.Stride * pitch;
        for (int v = 0; v < X.Count; v++)
            for (int phase = 0; phase < phases; phase++)
            {
                int rows = Math.Min(phaseRows, (lastRow - phaseStart[phase]) / Y.Stride + 1);
                T* from = planes + (long)phaseStart[phase] * pitch + X.Taps[v];
                T* to = copy + (long)v * BlockLength + (long)phase * Images * phaseRows * BandWidth;
                for (int g = 0; g < count; g++, from += imagePitch, to += phaseRows * BandWidth)
                {
                    if (X.Stride == 1) CopyRows(from, step, to, rows, BandWidth);
                    else if (X.Stride == 2) CopyEvens(from, step, to, rows, BandWidth);
                    else CopyStrided(from, step, to, rows, BandWidth, X.Stride);
                }
            }
    }

    /// <summary>Copies rows by whole vectors: what is written past a row is overwritten by the next.</summary>
    private static void CopyRows(T* from, nint step, T* to, int count, int width)
    {
        if (width <= Ops.Lanes)
        {
            for (int r = 0; r < count; r++, from += step, to += width) Ops.Store(to, Ops.Load(from));
            return;
        }

        for (int r = 0; r < count; r++, from += step, to += width)
            for (int i = 0; i < width; i += Ops.Lanes)
            {
                Ops.Store(to + i, Ops.Load(from + i));
            }
    }

    private static void CopyEvens(T* from, nint step, T* to, int count, int width)
    {
        for (int r = 0; r < count; r++, from += step, to += width)
            for (int i = 0; i < width; i += Ops.Lanes)
            {
                Ops.Store(to + i, Ops.Evens(from + 2 * i));
            }
    }

    private static void CopyStrided(T* from, nint step, T* to, int count, int width, int stride)
    {
        for (int r = 0; r < count; r++, from += step, to += width)
            for (int i = 0; i < width; i++)
            {
                to[i] = from[i * stride];
            }
    }
}
