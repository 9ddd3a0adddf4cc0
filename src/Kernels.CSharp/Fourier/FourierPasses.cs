using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The passes of Stockham's transform on complex numbers in two arrays. A pass of radix r reads element q of the
/// butterflies p at q + stride (p + rest k), for k below r, and writes it at q + stride (r p + k): the order comes out
/// right, and all loops over q run along memory.
/// </summary>
/// <remarks>C. Van Loan, Computational frameworks for the fast Fourier transform (1992), section 1.7.</remarks>
internal static unsafe class FourierPasses<T, V>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    /// <summary>The elements q from a first on that this register covers whole; returns where it stopped.</summary>
    internal static long End(long from, long stride) => from + (stride - from) / V.Count * V.Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Two(
        long rest, long stride, long from, long to, T* rootRe, T* rootIm, T* re, T* im, T* toRe, T* toIm)
    {
        for (long p = 0; p < rest; p++)
        {
            V wr = V.Splat(rootRe[p]), wi = V.Splat(rootIm[p]);
            T* ar = re + stride * p, ai = im + stride * p, br = ar + stride * rest, bi = ai + stride * rest;
            T* xr = toRe + 2 * stride * p, xi = toIm + 2 * stride * p, yr = xr + stride, yi = xi + stride;
            for (long q = from; q < to; q += V.Count)
            {
                V a = V.Load(ar + q), b = V.Load(br + q), c = V.Load(ai + q), d = V.Load(bi + q);
                (a + b).Store(xr + q);
                (c + d).Store(xi + q);
                StoreProduct(a - b, c - d, wr, wi, yr + q, yi + q);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Four(
        long rest, long stride, long from, long to, T* rootRe, T* rootIm, T* re, T* im, T* toRe, T* toIm)
    {
        long apart = stride * rest;
        for (long p = 0; p < rest; p++)
        {
            V w1r = V.Splat(rootRe[3 * p]), w1i = V.Splat(rootIm[3 * p]);
            V w2r = V.Splat(rootRe[3 * p + 1]), w2i = V.Splat(rootIm[3 * p + 1]);
            V w3r = V.Splat(rootRe[3 * p + 2]), w3i = V.Splat(rootIm[3 * p + 2]);
            T* xr = re + stride * p, xi = im + stride * p, yr = toRe + 4 * stride * p, yi = toIm + 4 * stride * p;
            for (long q = from; q < to; q += V.Count)
            {
                V ar = V.Load(xr + q), ai = V.Load(xi + q);
                V br = V.Load(xr + apart + q), bi = V.Load(xi + apart + q);
                V cr = V.Load(xr + 2 * apart + q), ci = V.Load(xi + 2 * apart + q);
                V dr = V.Load(xr + 3 * apart + q), di = V.Load(xi + 3 * apart + q);
                V er = ar + cr, ei = ai + ci, fr = ar - cr, fi = ai - ci;
                V gr = br + dr, gi = bi + di, hr = br - dr, hi = bi - di;
                (er + gr).Store(yr + q);
                (ei + gi).Store(yi + q);
                StoreProduct(fr + hi, fi - hr, w1r, w1i, yr + stride + q, yi + stride + q);
                StoreProduct(er - gr, ei - gi, w2r, w2i, yr + 2 * stride + q, yi + 2 * stride + q);
                StoreProduct(fr - hi, fi + hr, w3r, w3i, yr + 3 * stride + q, yi + 3 * stride + q);
            }
        }
    }

    /// <summary>An odd radix. Elements k and radix - k come together: their sum meets cosines, their difference sines.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Odd(
        int radix, long rest, long stride, long from, long to, T* cosines, T* sines, T* rootRe, T* rootIm,
        T* re, T* im, T* toRe, T* toIm)
    {
        long apart = stride * rest;
        for (long p = 0; p < rest; p++)
        {
            T* xr = re + stride * p, xi = im + stride * p;
            T* yr = toRe + radix * stride * p, yi = toIm + radix * stride * p;
            T* wr = rootRe + (radix - 1) * p, wi = rootIm + (radix - 1) * p;
            for (long q = from; q < to; q += V.Count)
            {
                V firstRe = V.Load(xr + q), firstIm = V.Load(xi + q), sumRe = firstRe, sumIm = firstIm;
                for (int k = 1; k < radix; k++)
                {
                    sumRe = sumRe + V.Load(xr + k * apart + q);
                    sumIm = sumIm + V.Load(xi + k * apart + q);
                }

                sumRe.Store(yr + q);
                sumIm.Store(yi + q);
                for (int k = 1; k <= radix / 2; k++)
                {
                    V evenRe = firstRe, evenIm = firstIm, oddRe = V.Splat(default), oddIm = oddRe;
                    for (int j = 1, jk = k; j <= radix / 2; j++)
                    {
                        V c = V.Splat(cosines[jk]), s = V.Splat(sines[jk]);
                        V ar = V.Load(xr + j * apart + q), ai = V.Load(xi + j * apart + q);
                        V br = V.Load(xr + (radix - j) * apart + q), bi = V.Load(xi + (radix - j) * apart + q);
                        evenRe = evenRe + c * (ar + br);
                        evenIm = evenIm + c * (ai + bi);
                        oddRe = oddRe + s * (ai - bi);
                        oddIm = oddIm + s * (br - ar);
                        jk += k;
                        if (jk >= radix) jk -= radix;
                    }

                    long one = k * stride + q, other = (radix - k) * stride + q;
                    StoreProduct(
                        evenRe + oddRe, evenIm + oddIm, V.Splat(wr[k - 1]), V.Splat(wi[k - 1]),
                        yr + one, yi + one);
                    StoreProduct(
                        evenRe - oddRe, evenIm - oddIm, V.Splat(wr[radix - k - 1]),
                        V.Splat(wi[radix - k - 1]), yr + other, yi + other);
                }
            }
        }
    }

    /// <summary>Multiplies the lines of a block, which have one stride, by a number each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Scale(
        long lines, long stride, long from, long to, T* factorRe, T* factorIm, T* re, T* im, T* toRe, T* toIm)
    {
        for (long p = 0; p < lines; p++)
        {
            V wr = V.Splat(factorRe[p]), wi = V.Splat(factorIm[p]);
            for (long q = p * stride + from; q < p * stride + to; q += V.Count)
                StoreProduct(V.Load(re + q), V.Load(im + q), wr, wi, toRe + q, toIm + q);
        }
    }

    /// <summary>
    /// With z of rows k and m - k, sums e and differences o of z_k and the conjugate of z_(m - k): row k becomes
    /// (e + w o) / 2 with w = -i exp(-pi i k / m), row m - k the conjugate of (e - w o) / 2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Unpack(long rows, long stride, long from, long to, T* turnRe, T* turnIm, T* re, T* im)
    {
        V half = V.Splat(Half);
        for (long k = 0; k <= rows / 2; k++)
        {
            V c = V.Splat(turnRe[k]), s = V.Splat(turnIm[k]);
            T* ar = re + k * stride, ai = im + k * stride, br = re + (rows - k) * stride, bi = im + (rows - k) * stride;
            for (long q = from; q < to; q += V.Count)
            {
                V zr = V.Load(ar + q), zi = V.Load(ai + q), yr = V.Load(br + q), yi = V.Load(bi + q);
                V er = half * (zr + yr), ei = half * (zi - yi);
                V dr = half * (zr - yr), di = half * (zi + yi);
                // -i (c + i s) (d) = (s + -i c) d.
                V or = s * dr + c * di, oi = s * di - c * dr;
                (er + or).Store(ar + q);
                (ei + oi).Store(ai + q);
                (er - or).Store(br + q);
                (oi - ei).Store(bi + q);
            }
        }
    }

    /// <summary>The inverse of <see cref="Unpack"/>, times two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Pack(long rows, long stride, long from, long to, T* turnRe, T* turnIm, T* re, T* im)
    {
        for (long k = 0; k <= rows / 2; k++)
        {
            V c = V.Splat(turnRe[k]), s = V.Splat(turnIm[k]);
            T* ar = re + k * stride, ai = im + k * stride, br = re + (rows - k) * stride, bi = im + (rows - k) * stride;
            for (long q = from; q < to; q += V.Count)
            {
                V xr = V.Load(ar + q), xi = V.Load(ai + q), yr = V.Load(br + q), yi = V.Load(bi + q);
                V er = xr + yr, ei = xi - yi, dr = xr - yr, di = xi + yi;
                // i (c - i s) d = (s + i c) d.
                V or = s * dr - c * di, oi = s * di + c * dr;
                (er + or).Store(ar + q);
                (ei + oi).Store(ai + q);
                (er - or).Store(br + q);
                (oi - ei).Store(bi + q);
            }
        }
    }

    private static T Half => typeof(T) == typeof(float) ? (T)(object)0.5f : (T)(object)0.5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreProduct(V re, V im, V otherRe, V otherIm, T* toRe, T* toIm)
    {
        V productRe = re * otherRe - im * otherIm;
        V productIm = re * otherIm + im * otherRe;
        productRe.Store(toRe);
        productIm.Store(toIm);
    }
}
