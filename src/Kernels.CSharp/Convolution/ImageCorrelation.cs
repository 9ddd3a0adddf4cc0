namespace Autodiff.Kernels;

/// <summary>
/// A correlation of small maps of many images: the images are the lanes of the vectors, and a vector belongs to one place.
/// </summary>
/// <remarks>
/// Against <see cref="Bands{V, T, Ops}"/>, which lets the places of small maps follow one another in a copy for every tap, one copy
/// serves all taps and all results, rows of the padding are not summed, and tiles are full however small the map is. It takes images
/// without planes.
/// </remarks>
internal unsafe struct ImageCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    // As for correlations by bands: the weights of a tile fit into the first cache, copies and sums of a task into the second.
    private const int BlockTerms = 640;
    private const int BlockBytes = 320 * 1024;
    private const int SumBytes = 192 * 1024;
    private const int StageBytes = 64 * 1024;

    private Correlation<V, T, Ops> of;
    private int height, width, inputHeight, inputWidth, columns, rowVectors, imageGroups, volumes;
    private int parts, blockChannels, stageChannels, stages, classCount;
    private int weightsChannel;
    private bool packs;
    private T* copy;
    private Term* terms;
    private nint* rows;
    private RowClass* classes;
    private int* classOf;

    /// <summary>Rows of the result that sum the same taps.</summary>
    private struct RowClass
    {
        internal int First, Last;
    }

    /// <summary>Whether it takes a correlation, and is faster, as measured.</summary>
    internal static bool Pays(in Correlation<V, T, Ops> c)
    {
        ref readonly Bands<V, T, Ops> bands = ref c.Bands;
        bool isPlane = bands.Z.Input == 1 && bands.Z.Count == 1 && bands.Z.First == 0 && c.OutputDepth == 1;
        int places = bands.Y.Output * bands.X.Output;
        return isPlane && bands.TermCount > 0 && Pays(bands.Batch, places, c.Results, bands.ChannelTerms);
    }

    /// <summary>
    /// Whether images fill the lanes, and maps are so small that a copy which stays in the second cache would hold many of them; or
    /// results so few beside the taps that copies for every tap would cost more than the sums.
    /// </summary>
    internal static bool Pays(int batch, int places, int results, int taps)
    {
        int lanes = (batch + Ops.Lanes - 1) / Ops.Lanes * Ops.Lanes;
        bool isNarrow = results <= Ops.Rows && taps > 2 * Ops.Rows;
        return Ops.Lanes > 1 && 16 * batch >= 15 * lanes && places <= (isNarrow ? 16 : 4) * Ops.Lanes;
    }

    internal static void Run(in Correlation<V, T, Ops> correlation, int threads)
    {
        ImageCorrelation<V, T, Ops> images = new() { of = correlation };
        images.Run(threads);
    }

    private void Run(int threads)
    {
        ref readonly CorrelationAxis y = ref of.Bands.Y, x = ref of.Bands.X;
        height = y.Output;
        width = x.Output;
        inputHeight = y.Input;
        inputWidth = x.Input;
        volumes = of.Bands.Groups * of.Bands.Channels;
        imageGroups = (of.Bands.Batch + Ops.Lanes - 1) / Ops.Lanes;

        // Columns that are whole strides apart lie side by side, so that places that do are neighbours for every tap.
        columns = ((width - 1) * x.Stride + x.Last) / x.Stride + 1;
        rowVectors = columns * x.Stride;
        int vectorBytes = Ops.Lanes * sizeof(T), volumeBytes = inputHeight * rowVectors * vectorBytes;
        int channelTerms = y.Count * x.Count;
        blockChannels = Math.Clamp(Math.Min(BlockTerms / channelTerms, BlockBytes / Math.Max(volumeBytes, 1)), 1, of.Bands.Channels);
        stageChannels = Math.Clamp(StageBytes / Math.Max(inputHeight * inputWidth * vectorBytes, 1), 1, volumes);
        stages = (volumes + stageChannels - 1) / stageChannels;

        // The weights of a tile are gathered where those of neighbouring results lie closer than those of neighbouring channels.
        packs = of.WeightsResult < of.WeightsChannel;
        weightsChannel = packs ? Ops.Rows * of.WeightsResult : of.WeightsChannel;
        int most = Math.Max((of.Results + Ops.Rows - 1) / Ops.Rows, 1);
        int wanted = (int)Math.Min((long)of.Results * height * width * vectorBytes / SumBytes + 1, most);
        int groups = imageGroups * of.Bands.Groups;
        if (threads > 1) wanted = Math.Max(wanted, (4 * threads + groups - 1) / groups);
        parts = Math.Clamp(wanted, 1, most);

        long copyBytes = (long)imageGroups * volumes * volumeBytes;
        long classBytes = ((long)height * (sizeof(RowClass) + sizeof(int)) + 63) & ~63L;
        long rowBytes = (of.Results + 8L) * sizeof(nint);
        int mostClasses = Math.Min(height, y.Count * (y.Count + 1) / 2 + 1);
        long termBytes = (long)mostClasses * blockChannels * channelTerms * sizeof(Term);
        byte* memory = ConvolutionScratch.Tables(copyBytes + classBytes + rowBytes + termBytes);
        copy = (T*)memory;
        classes = (RowClass*)(memory + copyBytes);
        classOf = (int*)(classes + height);
        rows = (nint*)(memory + copyBytes + classBytes);
        terms = (Term*)(memory + copyBytes + classBytes + rowBytes);
        FillClasses();
        for (int m = 0; m < of.Results + 8; m++) rows[m] = (nint)Math.Min(m, of.Results - 1) * of.WeightsResult;
        fixed (ImageCorrelation<V, T, Ops>* self = &this)
        {
            if (threads > 1)
            {
                Fork(self, imageGroups * stages, groups * parts);
                return;
            }

            for (int task = 0; task < imageGroups * stages; task++) self->Stage(task);
            for (int task = 0; task < groups * parts; task++) self->Part(task);
        }
    }

    private static void Fork(ImageCorrelation<V, T, Ops>* self, int stages, int parts)
    {
        Workers.For(stages, self, &StageOf);
        Workers.For(parts, self, &PartOf);
    }

    private static void StageOf(void* self, int task) => ((ImageCorrelation<V, T, Ops>*)self)->Stage(task);

    private static void PartOf(void* self, int task) => ((ImageCorrelation<V, T, Ops>*)self)->Part(task);

    /// <summary>Finds the taps that lie inside for each row, and the places of the terms of a block of channels.</summary>
    private void FillClasses()
    {
        ref readonly CorrelationAxis y = ref of.Bands.Y, x = ref of.Bands.X;
        classCount = 0;
        for (int i = 0; i < height; i++)
        {
            int at = i * y.Stride + y.First, first = 0, last = y.Count;
            while (first < last && at + y.Taps[first] < 0) first++;
            while (first < last && at + y.Taps[last - 1] >= inputHeight) last--;
            if (first == last) first = last = 0;
            int found = 0;
            while (found < classCount && (classes[found].First != first || classes[found].Last != last)) found++;
            classOf[i] = found;
            if (found < classCount) continue;
            classes[classCount++] = new() { First = first, Last = last };
            Term* term = Terms(found);
            for (int c = 0; c < blockChannels; c++)
                for (int u = first; u < last; u++)
                    for (int v = 0; v < x.Count; v++, term++)
                    {
                        int row = c * inputHeight + y.Taps[u] - y.Taps[first];
                        int column = x.Taps[v] % x.Stride * columns + x.Taps[v] / x.Stride;
                        term->A = c * weightsChannel + y.Weights[u] * of.WeightsRow + x.Weights[v];
                        term->B = (row * rowVectors + column) * Ops.Lanes;
                    }
        }
    }

    private readonly Term* Terms(int rowClass) =>
        terms + (long)rowClass * blockChannels * of.Bands.Y.Count * of.Bands.X.Count;

    private readonly T* Copy(int imageGroup, int volume) =>
        copy + ((long)imageGroup * volumes + volume) * inputHeight * rowVectors * Ops.Lanes;

    /// <summary>Copies some channels of as many images as a vector has lanes, with padding at the ends of rows.</summary>
    private readonly void Stage(int task)
    {
        ref readonly CorrelationAxis x = ref of.Bands.X;
        (int imageGroup, int stage) = Math.DivRem(task, stages);
        int image = imageGroup * Ops.Lanes, images = Math.Min(Ops.Lanes, of.Bands.Batch - image);
        int first = stage * stageChannels, count = Math.Min(stageChannels, volumes - first);
        int plane = inputHeight * inputWidth, length = count * plane;
        T* turned = (T*)ConvolutionScratch.Task(((long)length * Ops.Lanes + 16) * sizeof(T));

        // Lanes without an image hold numbers like the others, since some numbers are slow.
        if (images < Ops.Lanes) new Span<T>(turned, length * Ops.Lanes).Clear();
        nint volume = (nint)volumes * plane;
        Staging<V, T, Ops>.Transpose(
            of.Bands.Input + image * volume + (long)first * plane, volume, images, length, turned, Ops.Lanes);
        T* to = Copy(imageGroup, first);
        for (int row = 0; row < count * inputHeight; row++, turned += inputWidth * Ops.Lanes)
            for (int phase = 0; phase < x.Stride; phase++)
                for (int k = 0, column = x.First + phase; k < columns; k++, column += x.Stride, to += Ops.Lanes)
                {
                    bool inside = (uint)column < (uint)inputWidth;
                    Ops.Store(to, inside ? Ops.Load(turned + (long)column * Ops.Lanes) : default);
                }
    }

    /// <summary>Computes some results of some images.</summary>
    private readonly void Part(int task)
    {
        (task, int part) = Math.DivRem(task, parts);
        (int imageGroup, int group) = Math.DivRem(task, of.Bands.Groups);
        int share = (of.Results / parts + Ops.Rows - 1) / Ops.Rows * Ops.Rows;
        int first = Math.Min(part * share, of.Results);
        int last = part == parts - 1 ? of.Results : Math.Min(first + share, of.Results);
        if (first == last) return;
        int places = height * width, channels = of.Bands.Channels;
        nint pitch = (nint)places * Ops.Lanes;
        int turnedPitch = (Ops.Rows * places + 15) & ~15;
        long sumLength = (last - first + Ops.Rows) * pitch;
        long turnedLength = (long)Ops.Lanes * turnedPitch, packedLength = packs ? (long)blockChannels * weightsChannel : 0;
        T* sums = (T*)ConvolutionScratch.Task((sumLength + turnedLength + packedLength) * sizeof(T));
        T* weights = of.Weights + (long)group * of.WeightsGroup;
        for (int c = 0; c < channels; c += blockChannels)
        {
            int count = Math.Min(blockChannels, channels - c);
            AddBlock(
                first, last, count, weights + (long)c * of.WeightsChannel, sums + sumLength + turnedLength,
                Copy(imageGroup, group * channels + c), sums, pitch, c > 0);
        }

        for (int m = first, count; m < last; m += count)
        {
            count = Math.Min(Ops.Rows, last - m);
            Write(imageGroup, group, m, count, sums + (m - first) * pitch, sums + sumLength, turnedPitch);
        }
    }

    /// <summary>Adds a block of channels to the sums of all places of some results.</summary>
    private readonly void AddBlock(
        int first, int last, int channels, T* weights, T* packed, T* block, T* sums, nint pitch, bool add)
    {
        ref readonly CorrelationAxis y = ref of.Bands.Y;
        int perRow = channels * of.Bands.X.Count;
        for (int m = first, rowCount; m < last; m += rowCount, sums += rowCount * pitch)
        {
            rowCount = last - m == 1 ? 1 : Tiles<V, T, Ops>.Rows(last - m);
            T* a = weights;
            if (packs)
            {
                Pack(weights + rows[m], Math.Min(rowCount, last - m) * of.WeightsResult, channels, packed);
                a = packed - rows[m];
            }

            for (int i = 0; i < height; i++)
            {
                RowClass taps = classes[classOf[i]];
                Term* term = Terms(classOf[i]);
                int count = perRow * (taps.Last - taps.First);
                T* row = block + (long)(i * y.Stride + y.First + y.Taps[taps.First]) * rowVectors * Ops.Lanes;
                T* to = sums + (long)i * width * Ops.Lanes;
                for (int j = 0, vectors; j < width; j += vectors)
                {
                    T* from = row + (long)j * Ops.Lanes, o = to + (long)j * Ops.Lanes;
                    if (rowCount == 1)
                    {
                        vectors = RowTiles<V, T, Ops>.Vectors(width - j);
                        RowTiles<V, T, Ops>.Run(vectors, term, count, a + rows[m], from, o, add);
                    }
                    else
                    {
                        vectors = Tiles<V, T, Ops>.Vectors(rowCount, width - j);
                        Tiles<V, T, Ops>.Run(
                            rowCount, vectors, term, count, a, rows + m, from, o, pitch, rowCount, add);
                    }
                }
            }
        }
    }

    private readonly void Pack(T* weights, int count, int channels, T* packed)
    {
        for (int c = 0; c < channels; c++, weights += of.WeightsChannel, packed += weightsChannel)
            new ReadOnlySpan<T>(weights, count).CopyTo(new Span<T>(packed, count));
    }

    /// <summary>Writes a few results to where they belong, image by image.</summary>
    private readonly void Write(int imageGroup, int group, int result, int count, T* sums, T* turned, int turnedPitch)
    {
        ref readonly CorrelationAxis y = ref of.Bands.Y, x = ref of.Bands.X;
        int places = height * width, image = imageGroup * Ops.Lanes;
        int images = Math.Min(Ops.Lanes, of.Bands.Batch - image);
        bool whole = places == of.OutputHeight * of.OutputWidth;
        Staging<V, T, Ops>.Transpose(sums, Ops.Lanes, count * places, Ops.Lanes, turned, turnedPitch);
        for (int n = 0; n < images; n++, turned += turnedPitch)
        {
            long volume = ((long)(image + n) * of.Bands.Groups + group) * of.Results + result;
            long start = volume * of.OutputHeight * of.OutputWidth;
            if (whole)
            {
                new ReadOnlySpan<T>(turned, count * places).CopyTo(new Span<T>(of.Output + start, count * places));
                continue;
            }

            T* from = turned;
            for (int m = 0; m < count; m++, start += (long)of.OutputHeight * of.OutputWidth)
                for (int i = 0; i < height; i++, from += width)
                {
                    T* to = of.Output + start + ((long)i * y.OutputStride + y.OutputFirst) * of.OutputWidth + x.OutputFirst;
                    for (int j = 0; j < width; j++, to += x.OutputStride) *to = from[j];
                }
        }
    }
}
