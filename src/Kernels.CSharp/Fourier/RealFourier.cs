using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Transforms of real lines of even length n, as complex ones of half the length: the even elements are the real parts, the
/// odd ones the imaginary parts, and sums and differences of entries k and n / 2 - k take their transforms apart.
/// </summary>
public static unsafe partial class Fourier
{
    /// <summary>
    /// The entries 0 to n / 2 of the transform of real lines of even length n, of arrays seen as outer x n x inner; the results
    /// are outer x (n / 2 + 1) x inner.
    /// </summary>
    /// <exception cref="ArgumentException">The length is odd, a span has the wrong length, or the type is not a float type.</exception>
    public static void OfReal(
        DType dtype, int outer, int length, int inner, double scale, ReadOnlySpan<byte> x, Span<byte> toRe, Span<byte> toIm) =>
        OfReal(dtype, outer, length, inner, scale, x, toRe, toIm, Simd.Width);

    internal static void OfReal(
        DType dtype, int outer, int length, int inner, double scale, ReadOnlySpan<byte> x, Span<byte> toRe, Span<byte> toIm,
        int width)
    {
        CheckReal(dtype, outer, length, inner, x.Length, toRe.Length, toIm.Length);
        if (x.IsEmpty) return;
        fixed (byte* a = x, r = toRe, i = toIm)
            Run(dtype, width, new Lines(Spectrum.OfReal, outer, length, inner, scale, a, null, r, i));
    }

    /// <summary>
    /// The inverse: real lines of even length n of which the transform has the entries 0 to n / 2; the imaginary parts of the
    /// first and the last count as 0.
    /// </summary>
    /// <exception cref="ArgumentException">The length is odd, a span has the wrong length, or the type is not a float type.</exception>
    public static void ToReal(
        DType dtype, int outer, int length, int inner, double scale, ReadOnlySpan<byte> re, ReadOnlySpan<byte> im,
        Span<byte> destination) => ToReal(dtype, outer, length, inner, scale, re, im, destination, Simd.Width);

    internal static void ToReal(
        DType dtype, int outer, int length, int inner, double scale, ReadOnlySpan<byte> re, ReadOnlySpan<byte> im,
        Span<byte> destination, int width)
    {
        CheckReal(dtype, outer, length, inner, destination.Length, re.Length, im.Length);
        if (destination.IsEmpty) return;
        fixed (byte* r = re, i = im, x = destination)
            Run(dtype, width, new Lines(Spectrum.ToReal, outer, length, inner, scale, r, i, x, null));
    }

    private static void CheckReal(DType dtype, int outer, int length, int inner, int real, int re, int im)
    {
        if (!dtype.IsFloat()) throw new ArgumentException($"A transform is of float32 or float64, not {dtype.Name()}.");
        long lines = (long)outer * inner * dtype.Size(), entries = length / 2 + 1;
        if (length < 2 || length % 2 != 0 || real != lines * length || re != lines * entries || im != lines * entries)
            throw new ArgumentException($"The length {length} is not even, or a span does not hold {outer} x {length} x {inner} elements.");
    }

    /// <summary>Even rows become real parts, odd ones imaginary parts.</summary>
    private static void Part<T>(int half, int lanes, T* rows, T* re, T* im)
        where T : unmanaged
    {
        Tiles.Copy(sizeof(T), (byte*)rows, 2L * lanes, 1, (byte*)re, lanes, 1, half, lanes);
        Tiles.Copy(sizeof(T), (byte*)(rows + lanes), 2L * lanes, 1, (byte*)im, lanes, 1, half, lanes);
    }

    private static void Join<T>(int half, int lanes, T* re, T* im, T* rows)
        where T : unmanaged
    {
        Tiles.Copy(sizeof(T), (byte*)re, lanes, 1, (byte*)rows, 2L * lanes, 1, half, lanes);
        Tiles.Copy(sizeof(T), (byte*)im, lanes, 1, (byte*)(rows + lanes), 2L * lanes, 1, half, lanes);
    }

    /// <summary>From the transform of the pairs, entries 0 to n / 2 - 1, to that of the real line, one entry more.</summary>
    private static void Unpack<T, V>(int length, int lanes, T* re, T* im)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        int half = length / 2;
        FourierPlan<T>.Turns turns = FourierPlan<T>.Turns.For(length);
        int whole = (int)FourierPasses<T, V>.End(0, lanes);
        // Entry n / 2 of what repeats after n / 2 entries is entry 0.
        new ReadOnlySpan<T>(re, lanes).CopyTo(new Span<T>(re + (long)half * lanes, lanes));
        new ReadOnlySpan<T>(im, lanes).CopyTo(new Span<T>(im + (long)half * lanes, lanes));
        fixed (T* cosines = turns.Re, sines = turns.Im)
        {
            if (whole > 0) FourierPasses<T, V>.Unpack(half, lanes, 0, whole, cosines, sines, re, im);
            if (whole < lanes) FourierPasses<T, V1<T>>.Unpack(half, lanes, whole, lanes, cosines, sines, re, im);
        }
    }

    /// <summary>The way back: what the pairs of the real line are transformed to, times two.</summary>
    private static void Pack<T, V>(int length, int lanes, T* re, T* im)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : unmanaged, IVector<V, T>
    {
        int half = length / 2;
        FourierPlan<T>.Turns turns = FourierPlan<T>.Turns.For(length);
        int whole = (int)FourierPasses<T, V>.End(0, lanes);
        new Span<T>(im, lanes).Clear();
        new Span<T>(im + (long)half * lanes, lanes).Clear();
        fixed (T* cosines = turns.Re, sines = turns.Im)
        {
            if (whole > 0) FourierPasses<T, V>.Pack(half, lanes, 0, whole, cosines, sines, re, im);
            if (whole < lanes) FourierPasses<T, V1<T>>.Pack(half, lanes, whole, lanes, cosines, sines, re, im);
        }
    }
}
