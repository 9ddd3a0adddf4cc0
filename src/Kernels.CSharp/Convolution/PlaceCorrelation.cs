using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// dw[f, c, u, v] = sum over images n and places p of ct[n, f, p] * x[n, c, input place of (p, u, v)]: the transpose of a
/// convolution in the filters, for maps of many places.
/// </summary>
/// <remarks>
/// Where <see cref="FilterCorrelation{V, T, Ops}"/> has filters in the lanes of its vectors, this has places, which
/// <see cref="Bands{V, T, Ops}"/> makes contiguous for every tap: the cotangent is read where it lies, and few filters cost no
/// more than their share. Bands are split into parts, by size alone, which are summed each by itself and then added in order.
/// </remarks>
internal unsafe struct PlaceCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, INumberBase<T>
    where Ops : struct, ITileOps<V, T>
{
    private const int MostParts = 16;
    private const long PartWork = 1 << 16;
    private const long ForkWork = 1 << 18;

    // The lanes of a part's sums are added one by one, which is little beside so many vectors of places.
    private const long PartVectors = 200;

    // What a row of tiles reads of some bands stays in the first cache.
    private const int TileBytes = 40 * 1024;
    private const int MostBands = 8;

    internal Bands<V, T, Ops> Bands;

    /// <summary>The filters of one group.</summary>
    internal int Filters;
    internal T* Cotangent, Gradient;

    private int parts, bandsPerGroup, bandsAtOnce, termCount, slots, filterSlots, outputPlanes;
    private Term* terms, tailTerms;
    private nint* rows, tailRows;
    private T* partial, masks, cotangentEnd;

    /// <summary>Whether places in the lanes are faster than filters, from what both were measured to take for one term.</summary>
    internal static bool Pays(in ConvolutionShape s)
    {
        // Sums are loaded and stored for every image; against that stand lanes without a filter, one vector of filters not keeping
        // the machine busy, and a cotangent that is transposed for few terms.
        int terms = s.GroupChannels * s.Taps, vectors = (s.GroupFilters + Ops.Lanes - 1) / Ops.Lanes;
        double byPlaces = 1.5 * s.GroupFilters * ((s.OutputPlane + Ops.Lanes - 1) / Ops.Lanes + 4);
        double byFilters = (vectors == 1 ? 1.65 : 1.2) * vectors * s.OutputPlane * (1 + 10.0 / Math.Max(terms, 1));
        return byPlaces < byFilters;
    }

    internal void Run()
    {
        termCount = Bands.TermCount;
        long length = (long)Bands.Groups * Filters * termCount;
        if (length == 0) return;
        long places = (long)Bands.ImageCount * Bands.Y.Output * Bands.X.Output, work = places * length;
        if (work == 0)
        {
            new Span<T>(Gradient, (int)length).Clear();
            return;
        }

        // Sums are kept for whole tiles; rows and columns past the last repeat it.
        slots = termCount + DotTiles<V, T, Ops>.MostColumns - 1;
        filterSlots = Filters + DotTiles<V, T, Ops>.MostRows - 1;
        outputPlanes = Bands.Z.Output * Bands.Y.Output * Bands.X.Output;
        cotangentEnd = Cotangent + (long)Bands.Batch * Bands.Groups * Filters * outputPlanes;
        long most = Math.Min(work / PartWork, places / Ops.Lanes / PartVectors);
        parts = (int)Math.Clamp(most, 1, Math.Max(MostParts / Bands.Groups, 1));
        long partialBytes = (long)Bands.Groups * parts * Filters * termCount * sizeof(T) + 63 & ~63L;
        long termBytes = 2L * slots * sizeof(Term), rowBytes = 2L * filterSlots * sizeof(nint);
        byte* tables = ConvolutionScratch.Tables(
            partialBytes + termBytes + rowBytes + 2 * Ops.Lanes * sizeof(T) + Bands.TableLength * sizeof(int));
        partial = (T*)tables;
        terms = (Term*)(tables + partialBytes);
        tailTerms = terms + slots;
        rows = (nint*)(tables + partialBytes + termBytes);
        tailRows = rows + filterSlots;
        masks = (T*)(tables + partialBytes + termBytes + rowBytes);
        new Span<byte>(masks, Ops.Lanes * sizeof(T)).Fill(255);
        new Span<byte>(masks + Ops.Lanes, Ops.Lanes * sizeof(T)).Clear();
        Bands.Choose(1, 1, (int*)(masks + 2 * Ops.Lanes));
        Bands.FillTerms(terms, 0, 0, 0);
        for (int t = 0; t < slots; t++)
        {
            terms[t] = terms[Math.Min(t, termCount - 1)];
            tailTerms[t].B = Math.Min(t, termCount - 1) * Ops.Lanes;
        }

        for (int f = 0; f < filterSlots; f++)
        {
            rows[f] = (nint)Math.Min(f, Filters - 1) * outputPlanes;
            tailRows[f] = (nint)Math.Min(f, Filters - 1) * Ops.Lanes;
        }

        bandsPerGroup = Bands.Count / Bands.Groups;
        parts = Math.Min(parts, bandsPerGroup);
        long rowLength = (long)Math.Min(Filters, DotTiles<V, T, Ops>.MostRows) * Bands.BandHeight * Bands.BandWidth;
        bandsAtOnce = (int)Math.Clamp(TileBytes / ((Bands.CopyLength + rowLength) * sizeof(T)), 1, MostBands);
        int tasks = Bands.Groups * parts;
        fixed (PlaceCorrelation<V, T, Ops>* self = &this)
        {
            if (work >= ForkWork && Workers.Count > 1) Fork(self, tasks);
            else for (int task = 0; task < tasks; task++) self->Part(task);
        }

        Collect();
    }

    private static void Fork(PlaceCorrelation<V, T, Ops>* self, int tasks) =>
        Workers.For(tasks, self, &PartOf);

    private static void PartOf(void* self, int task) => ((PlaceCorrelation<V, T, Ops>*)self)->Part(task);

    /// <summary>The most runs of places that some bands have.</summary>
    private readonly int MostRuns => Bands.Images * (Bands.BandWidth == Bands.X.Output ? 1 : Bands.BandHeight) * bandsAtOnce;

    /// <summary>Sums some bands of one group.</summary>
    private readonly void Part(int task)
    {
        (int group, int part) = Math.DivRem(task, parts);
        long sumLength = (long)filterSlots * slots * Ops.Lanes;
        long tailLength = (long)MostRuns * (Filters + termCount) * Ops.Lanes;
        long runBytes = 2L * MostRuns * sizeof(Run<T>);
        T* sums = (T*)ConvolutionScratch.Task((sumLength + tailLength + bandsAtOnce * Bands.Length) * sizeof(T) + runBytes);
        T* tails = sums + sumLength, copies = tails + tailLength;
        Run<T>* runs = (Run<T>*)(copies + bandsAtOnce * Bands.Length), tailRuns = runs + MostRuns;
        new Span<byte>(sums, checked((int)(sumLength * sizeof(T)))).Clear();
        int first = (int)((long)bandsPerGroup * part / parts), last = (int)((long)bandsPerGroup * (part + 1) / parts);
        for (int index = first; index < last; index += bandsAtOnce)
        {
            int count = 0, tailCount = 0;
            T* tail = tails;
            for (int k = 0; k < Math.Min(bandsAtOnce, last - index); k++)
            {
                Band band = Bands[group * bandsPerGroup + index + k];
                T* copy = copies + k * Bands.Length;
                Bands.Copy(band, 0, Bands.Channels, copy);
                AddRuns(band, copy, runs, ref count, tailRuns, ref tailCount, ref tail);
            }

            Multiply(runs, count, rows, terms, sums);
            Multiply(tailRuns, tailCount, tailRows, tailTerms, sums);
        }

        AddLanes(sums, partial + (long)task * Filters * termCount);
    }

    /// <summary>
    /// Lists the runs of places of a band that are contiguous in the cotangent too: whole vectors, and copies of what is left.
    /// </summary>
    private readonly void AddRuns(
        in Band band, T* copy, Run<T>* runs, ref int count, Run<T>* tailRuns, ref int tailCount, ref T* tail)
    {
        int width = Bands.X.Output, bandWidth = Bands.BandWidth;
        bool wholeRows = bandWidth == width;
        int rowCount = wholeRows ? 1 : band.Height, run = wholeRows ? band.Height * width : band.Width;
        int whole = run - run % Ops.Lanes;
        for (int g = 0; g < band.Count; g++)
        {
            (int n, int z) = Math.DivRem(band.Image + g, Bands.Z.Output);
            long volume = ((long)n * Bands.Groups + band.Group) * Filters;
            T* ct = Cotangent + volume * outputPlanes + ((long)z * Bands.Y.Output + band.Top) * width + band.Left;
            for (int i = 0; i < rowCount; i++, ct += width)
            {
                T* from = copy + (long)(g * band.Height + i) * bandWidth;
                if (whole > 0) runs[count++] = new() { Cotangent = ct, Copy = from, Count = whole };
                if (whole == run) continue;
                tailRuns[tailCount++] = new() { Cotangent = tail, Copy = tail + Filters * Ops.Lanes, Count = Ops.Lanes };
                tail = CopyTail(ct + whole, from + whole, run - whole, tail);
            }
        }
    }

    /// <summary>Copies a few places of all filters and terms, with zeros after them, and returns the end of the copy.</summary>
    private readonly T* CopyTail(T* ct, T* copy, int count, T* tail)
    {
        V mask = Ops.Load(masks + Ops.Lanes - count);
        for (int f = 0; f < Filters; f++, tail += Ops.Lanes)
        {
            T* from = ct + rows[f];
            if (cotangentEnd - from >= Ops.Lanes)
                Ops.Store(tail, Ops.And(Ops.Load(from), mask));
            else
                for (int k = 0; k < Ops.Lanes; k++) tail[k] = k < count ? from[k] : default;
        }

        for (int t = 0; t < termCount; t++, tail += Ops.Lanes)
            Ops.Store(tail, Ops.And(Ops.Load(copy + terms[t].B), mask));
        return tail;
    }

    private readonly void Multiply(Run<T>* runs, int count, nint* rowTable, Term* termTable, T* sums)
    {
        if (count == 0) return;
        nint pitch = (nint)slots * Ops.Lanes;
        for (int f = 0, rowCount; f < Filters; f += rowCount, sums += rowCount * pitch)
        {
            rowCount = DotTiles<V, T, Ops>.Rows(Filters - f);
            for (int t = 0, columns; t < termCount; t += columns)
            {
                columns = DotTiles<V, T, Ops>.Columns(termCount - t);
                DotTiles<V, T, Ops>.Add(
                    rowCount, columns, runs, count, rowTable + f, termTable + t, sums + t * Ops.Lanes, pitch);
            }
        }
    }

    /// <summary>Adds the lanes of each sum, in their order.</summary>
    private readonly void AddLanes(T* sums, T* to)
    {
        T* square = stackalloc T[16 * 64];
        for (int f = 0; f < Filters; f++, sums += (long)slots * Ops.Lanes, to += termCount)
            for (int t = 0, count; t < termCount; t += count)
            {
                count = Math.Min(16, termCount - t);
                Staging<V, T, Ops>.Transpose(sums + t * Ops.Lanes, Ops.Lanes, count, Ops.Lanes, square, 16);
                for (int k = 0; k < count; k++)
                {
                    T sum = square[k];
                    for (int lane = 1; lane < Ops.Lanes; lane++) sum += square[lane * 16 + k];
                    to[t + k] = sum;
                }
            }
    }

    /// <summary>Adds the parts.</summary>
    private readonly void Collect()
    {
        int length = Filters * termCount;
        T* to = Gradient;
        for (int group = 0; group < Bands.Groups; group++)
            for (int k = 0; k < length; k++)
            {
                T* from = partial + (long)group * parts * length + k;
                T sum = *from;
                for (int part = 1; part < parts; part++) sum += from[(long)part * length];
                *to++ = sum;
            }
    }
}
