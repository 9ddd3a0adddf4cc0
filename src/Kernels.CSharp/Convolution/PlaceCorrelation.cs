using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// dw[f, c, u, v] = sum over images n and places p of ct[n, f, p] * x[n, c, input place of (p, u, v)], for groups of few
/// filters: the transpose of a convolution in the filters.
/// </summary>
/// <remarks>
/// Where <see cref="FilterCorrelation{V, T, Ops}"/> has filters in the lanes of its vectors, this has places, which
/// <see cref="Bands{V, T, Ops}"/> makes contiguous for every tap. Bands are split into parts, by size alone, which are
/// summed each by itself and then added in order.
/// </remarks>
internal unsafe struct PlaceCorrelation<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, INumberBase<T>
    where Ops : struct, ITileOps<V, T>
{
    private const int MostParts = 16;
    private const long PartWork = 1 << 16;
    private const long ForkWork = 1 << 18;

    internal Bands<V, T, Ops> Bands;

    /// <summary>The filters of one group.</summary>
    internal int Filters;
    internal T* Cotangent, Gradient;

    private int parts, bandsPerGroup, termCount, slots;
    private Term* terms;
    private T* partial, masks;

    internal void Run()
    {
        termCount = Bands.TermCount;
        long length = (long)Bands.Groups * Filters * termCount;
        if (length == 0) return;
        long work = (long)Bands.ImageCount * Bands.Y.Output * Bands.X.Output * length;
        if (work == 0)
        {
            new Span<T>(Gradient, (int)length).Clear();
            return;
        }

        // Sums are kept for threes of terms.
        slots = termCount + 2;
        parts = (int)Math.Clamp(work / PartWork, 1, Math.Max(MostParts / Bands.Groups, 1));
        long partialBytes = (long)Bands.Groups * parts * Filters * slots * sizeof(T) + 63 & ~63L;
        long termBytes = (long)termCount * sizeof(Term);
        byte* tables = ConvolutionScratch.Tables(
            partialBytes + termBytes + 2 * Ops.Lanes * sizeof(T) + Bands.TableLength * sizeof(int));
        partial = (T*)tables;
        terms = (Term*)(tables + partialBytes);
        masks = (T*)(tables + partialBytes + termBytes);
        new Span<byte>(masks, Ops.Lanes * sizeof(T)).Fill(255);
        new Span<byte>(masks + Ops.Lanes, Ops.Lanes * sizeof(T)).Clear();
        Bands.Choose(1, 1, (int*)(masks + 2 * Ops.Lanes));
        Bands.FillTerms(terms, 0, 0, 0);
        bandsPerGroup = Bands.Count / Bands.Groups;
        parts = Math.Min(parts, bandsPerGroup);
        int tasks = Bands.Groups * parts;
        fixed (PlaceCorrelation<V, T, Ops>* self = &this)
        {
            if (work >= ForkWork && Workers.Count > 1) Fork(self, tasks);
            else for (int task = 0; task < tasks; task++) self->Part(task);
        }

        Collect();
    }

    private static void Fork(PlaceCorrelation<V, T, Ops>* self, int tasks) =>
        Workers.For(tasks, task => self->Part(task));

    /// <summary>Sums some bands of one group.</summary>
    private readonly void Part(int task)
    {
        (int group, int part) = Math.DivRem(task, parts);
        int sumCount = Filters * slots;
        T* sums = (T*)ConvolutionScratch.Task((Bands.Length + (long)sumCount * Ops.Lanes) * sizeof(T));
        T* copy = sums + (long)sumCount * Ops.Lanes;
        for (int k = 0; k < sumCount; k++) Ops.Store(sums + k * Ops.Lanes, default);
        int first = (int)((long)bandsPerGroup * part / parts), last = (int)((long)bandsPerGroup * (part + 1) / parts);
        for (int index = first; index < last; index++)
        {
            Band band = Bands[group * bandsPerGroup + index];
            Bands.Copy(band, 0, Bands.Channels, copy);
            AddBand(band, copy, sums);
        }

        T* result = partial + (long)task * sumCount;
        for (int k = 0; k < sumCount; k++)
        {
            T sum = T.Zero;
            for (int lane = 0; lane < Ops.Lanes; lane++) sum += sums[k * Ops.Lanes + lane];
            result[k] = sum;
        }
    }

    /// <summary>Adds a band by runs of places that are contiguous in the cotangent too.</summary>
    private readonly void AddBand(in Band band, T* copy, T* sums)
    {
        int width = Bands.X.Output, bandWidth = Bands.BandWidth;
        bool wholeRows = bandWidth == width;
        int runs = wholeRows ? 1 : band.Height, run = wholeRows ? band.Height * width : band.Width;
        for (int g = 0; g < band.Count; g++)
        {
            (int n, int z) = Math.DivRem(band.Image + g, Bands.Z.Output);
            for (int f = 0; f < Filters; f++)
            {
                long volume = ((long)n * Bands.Groups + band.Group) * Filters + f;
                T* ct = Cotangent + ((volume * Bands.Z.Output + z) * Bands.Y.Output + band.Top) * width + band.Left;
                for (int i = 0; i < runs; i++)
                    AddRun(
                        ct + (long)i * width, copy + (g * band.Height + i) * bandWidth, run,
                        sums + (long)f * slots * Ops.Lanes);
            }
        }
    }

    private readonly void AddRun(T* ct, T* copy, int count, T* sums)
    {
        int whole = count - count % Ops.Lanes;
        T* rest = stackalloc T[Ops.Lanes];
        for (int k = 0; k < Ops.Lanes; k++) rest[k] = whole + k < count ? ct[whole + k] : default;
        for (int t = 0; t < termCount; t += 3, sums += 3 * Ops.Lanes)
        {
            T* p = copy + terms[t].B;
            T* q = copy + terms[Math.Min(t + 1, termCount - 1)].B, r = copy + terms[Math.Min(t + 2, termCount - 1)].B;
            AddThree(ct, p, q, r, whole, sums);
            if (whole == count) continue;
            V y = Ops.Load(rest), mask = Ops.Load(masks + Ops.Lanes - (count - whole));
            Ops.Store(sums, Ops.MultiplyAdd(y, Ops.And(Ops.Load(p + whole), mask), Ops.Load(sums)));
            Ops.Store(
                sums + Ops.Lanes, Ops.MultiplyAdd(y, Ops.And(Ops.Load(q + whole), mask), Ops.Load(sums + Ops.Lanes)));
            Ops.Store(
                sums + 2 * Ops.Lanes,
                Ops.MultiplyAdd(y, Ops.And(Ops.Load(r + whole), mask), Ops.Load(sums + 2 * Ops.Lanes)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddThree(T* ct, T* p, T* q, T* r, int count, T* sums)
    {
        int lanes = Ops.Lanes;
        V p0 = Ops.Load(sums), q0 = Ops.Load(sums + lanes), r0 = Ops.Load(sums + 2 * lanes);
        V p1 = default, q1 = default, r1 = default;
        int i = 0;
        for (; i + 2 * lanes <= count; i += 2 * lanes)
        {
            V y0 = Ops.Load(ct + i), y1 = Ops.Load(ct + i + lanes);
            p0 = Ops.MultiplyAdd(y0, Ops.Load(p + i), p0);
            q0 = Ops.MultiplyAdd(y0, Ops.Load(q + i), q0);
            r0 = Ops.MultiplyAdd(y0, Ops.Load(r + i), r0);
            p1 = Ops.MultiplyAdd(y1, Ops.Load(p + i + lanes), p1);
            q1 = Ops.MultiplyAdd(y1, Ops.Load(q + i + lanes), q1);
            r1 = Ops.MultiplyAdd(y1, Ops.Load(r + i + lanes), r1);
        }

        if (i < count)
        {
            V y = Ops.Load(ct + i);
            p0 = Ops.MultiplyAdd(y, Ops.Load(p + i), p0);
            q0 = Ops.MultiplyAdd(y, Ops.Load(q + i), q0);
            r0 = Ops.MultiplyAdd(y, Ops.Load(r + i), r0);
        }

        Ops.Store(sums, Ops.Add(p0, p1));
        Ops.Store(sums + lanes, Ops.Add(q0, q1));
        Ops.Store(sums + 2 * lanes, Ops.Add(r0, r1));
    }

    /// <summary>Adds the parts.</summary>
    private readonly void Collect()
    {
        T* to = Gradient;
        for (int group = 0; group < Bands.Groups; group++)
            for (int f = 0; f < Filters; f++)
                for (int t = 0; t < termCount; t++)
                {
                    T* from = partial + ((long)group * parts * Filters + f) * slots + t;
                    T sum = *from;
                    for (int part = 1; part < parts; part++) sum += from[(long)part * Filters * slots];
                    *to++ = sum;
                }
    }
}
