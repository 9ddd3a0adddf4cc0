using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// The discrete Fourier transform along one axis of complex arrays, whose real and imaginary parts lie apart:
/// y_k = scale times the sum over j of x_j exp(-2 pi i j k / n). Lengths of small prime factors are split into passes,
/// others are convolutions (Bluestein), so that any length n takes time of the order n log n.
/// </summary>
/// <remarks>A line has the same bits alone and among others, for any number of threads and any width of vectors.</remarks>
public static unsafe partial class Fourier
{
    private const long WorkPerFork = 1 << 15;
    private const int MostLanes = 16;
    private const int LongestTogether = 8192;

    /// <summary>
    /// Transforms each line of arrays seen as outer x length x inner; the inverse takes the other sign in the exponent.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length, or the type is not a float type.</exception>
    public static void Transform(
        DType dtype, int outer, int length, int inner, bool inverse, double scale, ReadOnlySpan<byte> re,
        ReadOnlySpan<byte> im, Span<byte> toRe, Span<byte> toIm) =>
        Transform(dtype, outer, length, inner, inverse, scale, re, im, toRe, toIm, Simd.Width);

    internal static void Transform(
        DType dtype, int outer, int length, int inner, bool inverse, double scale, ReadOnlySpan<byte> re,
        ReadOnlySpan<byte> im, Span<byte> toRe, Span<byte> toIm, int width)
    {
        long bytes = (long)outer * length * inner * dtype.Size();
        if (re.Length != bytes || im.Length != bytes || toRe.Length != bytes || toIm.Length != bytes)
            throw new ArgumentException($"A span does not hold {outer} x {length} x {inner} elements.");
        if (!dtype.IsFloat()) throw new ArgumentException($"A transform is of float32 or float64, not {dtype.Name()}.");
        if (bytes == 0) return;
        fixed (byte* a = re, b = im, x = toRe, y = toIm)
        {
            Run(dtype, width, new Lines(inverse ? Spectrum.Inverse : Spectrum.Forward, outer, length, inner, scale, a, b, x, y));
        }
    }

    private static void Run(DType dtype, int width, Lines lines)
    {
        switch (dtype, width)
        {
            case (DType.Float32, 512): Run<float, V512<float>>(lines); break;
            case (DType.Float32, 256): Run<float, V256<float>>(lines); break;
            case (DType.Float32, 128): Run<float, V128<float>>(lines); break;
            case (DType.Float32, _): Run<float, V1<float>>(lines); break;
            case (_, 512): Run<double, V512<double>>(lines); break;
            case (_, 256): Run<double, V256<double>>(lines); break;
            case (_, 128): Run<double, V128<double>>(lines); break;
            default: Run<double, V1<double>>(lines); break;
        }
    }

    /// <summary>Transforms one line where it stands.</summary>
    internal static void Transform(FourierPlan<double> plan, double[] re, double[] im)
    {
        double[] scratch = new double[2 * plan.Length];
        fixed (double* a = re, b = im, work = scratch)
        {
            if (Passes<double, V1<double>>(plan, 1, a, b, work, work + plan.Length))
            {
                new Span<double>(work, plan.Length).CopyTo(re);
                new Span<double>(work + plan.Length, plan.Length).CopyTo(im);
            }
        }
    }

    private static void Run<T, V>(Lines lines)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        FourierPlan<T> plan = FourierPlan<T>.For(lines.IsReal ? lines.Length / 2 : lines.Length);
        int size = plan.Convolution?.Plan.Length ?? plan.Length;
        // Lines are transformed side by side, so that all passes run along memory; alone if they are so long that the cache
        // does not hold some.
        int together = lines.Inner == 1 && size > LongestTogether ? 1 : size <= 4096 ? MostLanes : Math.Max(V.Count, MostLanes / 2);
        int lanes = (int)Math.Min(Math.Min(together, MostLanes), lines.Count);
        int groups = (int)((lines.Count + lanes - 1) / lanes);
        long work = (long)size * lanes * (BitOperations.Log2((uint)size) + 1);
        int chunk = (int)Math.Clamp(WorkPerFork / work, 1, groups);
        Workers.For((groups + chunk - 1) / chunk, c =>
        {
            // A real transform has one entry more than half its length.
            T[] scratch = ArrayPool<T>.Shared.Rent(checked(4 * (size + 1) * lanes));
            fixed (T* start = scratch)
            {
                for (int group = c * chunk; group < Math.Min(groups, (c + 1) * chunk); group++)
                {
                    long first = (long)group * lanes;
                    Group<T, V>(plan, lines, size, first, (int)Math.Min(lanes, lines.Count - first), start);
                }
            }

            ArrayPool<T>.Shared.Return(scratch);
        });
    }

    private static void Group<T, V>(FourierPlan<T> plan, Lines lines, int size, long first, int lanes, T* scratch)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        long block = (long)(size + 1) * lanes;
        T* re = scratch, im = re + block, otherRe = im + block, otherIm = otherRe + block;
        if (lines.Kind == Spectrum.OfReal)
        {
            Gather(lines, lines.Length, first, lanes, (T*)lines.Re, otherRe);
            Part(plan.Length, lanes, otherRe, re, im);
        }
        else
        {
            Gather(lines, lines.SourceLength, first, lanes, (T*)lines.Re, re);
            Gather(lines, lines.SourceLength, first, lanes, (T*)lines.Im, im);
            if (lines.Kind == Spectrum.ToReal) Pack<T, V>(lines.Length, lanes, re, im);
        }

        // With real and imaginary parts exchanged before and after, the transform becomes its inverse.
        if (lines.IsInverse) Swap(ref re, ref im, ref otherRe, ref otherIm);
        bool isInOther = plan.Convolution is { } chirp
            ? Convolve<T, V>(chirp, plan.Length, lanes, re, im, otherRe, otherIm)
            : Passes<T, V>(plan, lanes, re, im, otherRe, otherIm);
        if (lines.IsInverse) Swap(ref re, ref im, ref otherRe, ref otherIm);
        if (isInOther)
        {
            Swap(ref re, ref otherRe);
            Swap(ref im, ref otherIm);
        }

        T scale = T.CreateTruncating(lines.Scale);
        if (lines.Kind == Spectrum.ToReal)
        {
            T* joined = otherRe < otherIm ? otherRe : otherIm;
            Join(plan.Length, lanes, re, im, joined);
            Scatter(lines, lines.Length, first, lanes, scale, joined, (T*)lines.ToRe);
            return;
        }

        if (lines.Kind == Spectrum.OfReal) Unpack<T, V>(lines.Length, lanes, re, im);
        Scatter(lines, lines.TargetLength, first, lanes, scale, re, (T*)lines.ToRe);
        Scatter(lines, lines.TargetLength, first, lanes, scale, im, (T*)lines.ToIm);
    }

    private static void Swap<T>(ref T* re, ref T* im, ref T* otherRe, ref T* otherIm)
        where T : unmanaged
    {
        Swap(ref re, ref im);
        Swap(ref otherRe, ref otherIm);
    }

    /// <summary>Runs all passes between two blocks; true when the result ends up in the second.</summary>
    private static bool Passes<T, V>(FourierPlan<T> plan, int lanes, T* re, T* im, T* otherRe, T* otherIm)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        bool isInOther = false;
        long stride = lanes;
        foreach (FourierPlan<T>.Pass pass in plan.Passes)
        {
            long whole = FourierPasses<T, V>.End(0, stride);
            if (whole > 0) Pass<T, V>(pass, stride, 0, whole, re, im, otherRe, otherIm);
            if (whole < stride) Pass<T, V1<T>>(pass, stride, whole, stride, re, im, otherRe, otherIm);
            Swap(ref re, ref otherRe);
            Swap(ref im, ref otherIm);
            isInOther = !isInOther;
            stride *= pass.Radix;
        }

        return isInOther;
    }

    private static void Swap<T>(ref T* x, ref T* y)
        where T : unmanaged
    {
        T* kept = x;
        x = y;
        y = kept;
    }

    private static void Pass<T, V>(
        FourierPlan<T>.Pass pass, long stride, long from, long to, T* re, T* im, T* toRe, T* toIm)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        fixed (T* rootRe = pass.Re, rootIm = pass.Im, cosines = pass.Cosines, sines = pass.Sines)
        {
            if (pass.Radix == 4)
            {
                FourierPasses<T, V>.Four(pass.Rest, stride, from, to, rootRe, rootIm, re, im, toRe, toIm);
            }
            else if (pass.Radix == 2)
            {
                FourierPasses<T, V>.Two(pass.Rest, stride, from, to, rootRe, rootIm, re, im, toRe, toIm);
            }
            else
            {
                FourierPasses<T, V>.Odd(
                    pass.Radix, pass.Rest, stride, from, to, cosines, sines, rootRe, rootIm, re, im, toRe, toIm);
            }
        }
    }

    private static bool Convolve<T, V>(
        FourierPlan<T>.Chirp chirp, int length, int lanes, T* re, T* im, T* otherRe, T* otherIm)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        int size = chirp.Plan.Length;
        Scale<T, V>(length, lanes, chirp.Re, chirp.Im, re, im, re, im);
        new Span<T>(re + (long)length * lanes, (size - length) * lanes).Clear();
        new Span<T>(im + (long)length * lanes, (size - length) * lanes).Clear();
        if (Passes<T, V>(chirp.Plan, lanes, re, im, otherRe, otherIm))
        {
            Swap(ref re, ref otherRe);
            Swap(ref im, ref otherIm);
        }

        Scale<T, V>(size, lanes, chirp.FilterRe, chirp.FilterIm, re, im, re, im);
        // Back, with real and imaginary parts exchanged. Twice the same passes leave the result where it began.
        if (Passes<T, V>(chirp.Plan, lanes, im, re, otherIm, otherRe))
        {
            Swap(ref re, ref otherRe);
            Swap(ref im, ref otherIm);
        }

        Scale<T, V>(length, lanes, chirp.Re, chirp.Im, re, im, re, im);
        return false;
    }

    private static void Scale<T, V>(int lines, int stride, T[] factorRe, T[] factorIm, T* re, T* im, T* toRe, T* toIm)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        fixed (T* a = factorRe, b = factorIm)
        {
            long whole = FourierPasses<T, V>.End(0, stride);
            if (whole > 0) FourierPasses<T, V>.Scale(lines, stride, 0, whole, a, b, re, im, toRe, toIm);
            if (whole < stride)
                FourierPasses<T, V1<T>>.Scale(lines, stride, whole, stride, a, b, re, im, toRe, toIm);
        }
    }

    /// <summary>Lays lines side by side: element j of lane g goes to j lanes + g.</summary>
    private static void Gather<T>(Lines lines, int length, long first, int lanes, T* source, T* block)
        where T : unmanaged
    {
        long* starts = stackalloc long[MostLanes];
        lines.Starts(length, first, lanes, starts);
        if (lanes == 1 && lines.Inner == 1)
        {
            new ReadOnlySpan<T>(source + starts[0], length).CopyTo(new Span<T>(block, length));
        }
        else if (lines.Distance(starts, lanes, out long apart))
        {
            Tiles.Copy(
                sizeof(T), (byte*)(source + starts[0]), lines.Inner, apart, (byte*)block, lanes, 1, length, lanes);
        }
        else
        {
            for (long j = 0; j < length; j++, source += lines.Inner)
                for (int g = 0; g < lanes; g++) *block++ = source[starts[g]];
        }
    }

    private static void Scatter<T>(Lines lines, int length, long first, int lanes, T scale, T* block, T* destination)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        long* starts = stackalloc long[MostLanes];
        lines.Starts(length, first, lanes, starts);
        if (scale != T.One)
        {
            long count = (long)length * lanes, i = 0;
            Vector<T> factor = new(scale);
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count) (Vector.Load(block + i) * factor).Store(block + i);
            for (; i < count; i++) block[i] *= scale;
        }

        if (lines.Distance(starts, lanes, out long apart))
        {
            byte* to = (byte*)(destination + starts[0]);
            if (lanes == 1 && lines.Inner == 1) new ReadOnlySpan<T>(block, length).CopyTo(new Span<T>(to, length));
            else if (lines.Inner == 1) Tiles.Copy(sizeof(T), (byte*)block, 1, lanes, to, apart, 1, lanes, length);
            else Tiles.Copy(sizeof(T), (byte*)block, lanes, 1, to, lines.Inner, apart, length, lanes);
            return;
        }

        for (long j = 0; j < length; j++, destination += lines.Inner)
            for (int g = 0; g < lanes; g++) destination[starts[g]] = *block++;
    }

    /// <summary>What is transformed: complex lines, in one direction or the other, or real ones of even length.</summary>
    private enum Spectrum
    {
        Forward,
        Inverse,
        OfReal,
        ToReal,
    }

    private readonly struct Lines(
        Spectrum kind, int outer, int length, int inner, double scale, byte* re, byte* im, byte* toRe, byte* toIm)
    {
        internal readonly Spectrum Kind = kind;
        internal readonly int Length = length;
        internal readonly int Inner = inner;
        internal readonly double Scale = scale;
        internal readonly byte* Re = re;
        internal readonly byte* Im = im;
        internal readonly byte* ToRe = toRe;
        internal readonly byte* ToIm = toIm;

        internal long Count => (long)outer * Inner;

        internal bool IsReal => Kind >= Spectrum.OfReal;

        internal bool IsInverse => Kind is Spectrum.Inverse or Spectrum.ToReal;

        internal int SourceLength => Kind == Spectrum.ToReal ? Length / 2 + 1 : Length;

        internal int TargetLength => Kind == Spectrum.OfReal ? Length / 2 + 1 : Length;

        /// <summary>The positions of the first elements of some lines of a length.</summary>
        internal void Starts(int length, long first, int lanes, long* starts)
        {
            for (int g = 0; g < lanes; g++)
                starts[g] = (first + g) / Inner * length * Inner + (first + g) % Inner;
        }

        /// <summary>Whether lines begin at one distance from each other.</summary>
        internal bool Distance(long* starts, int lanes, out long apart)
        {
            apart = lanes > 1 ? starts[1] - starts[0] : 1;
            for (int g = 2; g < lanes; g++)
            {
                if (starts[g] - starts[g - 1] != apart) return false;
            }

            return true;
        }
    }
}
