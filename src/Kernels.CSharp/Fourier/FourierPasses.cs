using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The passes of Stockham's transform on complex numbers in two arrays. A pass of radix r reads element q of the
/// butterflies p at q + stride (p + rest k), for k below r, and writes it at q + stride (r p + k): the order comes out
/// right, and all loops over q run along memory.
/// </summary>
/// <remarks>C. Van Loan, Computational frameworks for the fast Fourier transform (1992), section 1.7.</remarks>
internal static unsafe class FourierPasses<T, V, R>
    where T : unmanaged
    where V : struct
    where R : struct, IFloatRegister<T, V>
{
    /// <summary>The elements q from a first on that this register covers whole; returns where it stopped.</summary>
    internal static long End(long from, long stride) => from + (stride - from) / R.Count * R.Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Two(
        long rest, long stride, long from, long to, T* rootRe, T* rootIm, T* re, T* im, T* toRe, T* toIm)
    {
        for (long p = 0; p < rest; p++)
        {
            V wr = R.Broadcast(rootRe[p]), wi = R.Broadcast(rootIm[p]);
            T* ar = re + stride * p, ai = im + stride * p, br = ar + stride * rest, bi = ai + stride * rest;
            T* xr = toRe + 2 * stride * p, xi = toIm + 2 * stride * p, yr = xr + stride, yi = xi + stride;
            for (long q = from; q < to; q += R.Count)
            {
                V a = R.Load(ar + q), b = R.Load(br + q), c = R.Load(ai + q), d = R.Load(bi + q);
                R.Store(R.Add(a, b), xr + q);
                R.Store(R.Add(c, d), xi + q);
                StoreProduct(R.Subtract(a, b), R.Subtract(c, d), wr, wi, yr + q, yi + q);
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
            V w1r = R.Broadcast(rootRe[3 * p]), w1i = R.Broadcast(rootIm[3 * p]);
            V w2r = R.Broadcast(rootRe[3 * p + 1]), w2i = R.Broadcast(rootIm[3 * p + 1]);
            V w3r = R.Broadcast(rootRe[3 * p + 2]), w3i = R.Broadcast(rootIm[3 * p + 2]);
            T* xr = re + stride * p, xi = im + stride * p, yr = toRe + 4 * stride * p, yi = toIm + 4 * stride * p;
            for (long q = from; q < to; q += R.Count)
            {
                V ar = R.Load(xr + q), ai = R.Load(xi + q);
                V br = R.Load(xr + apart + q), bi = R.Load(xi + apart + q);
                V cr = R.Load(xr + 2 * apart + q), ci = R.Load(xi + 2 * apart + q);
                V dr = R.Load(xr + 3 * apart + q), di = R.Load(xi + 3 * apart + q);
                V er = R.Add(ar, cr), ei = R.Add(ai, ci), fr = R.Subtract(ar, cr), fi = R.Subtract(ai, ci);
                V gr = R.Add(br, dr), gi = R.Add(bi, di), hr = R.Subtract(br, dr), hi = R.Subtract(bi, di);
                R.Store(R.Add(er, gr), yr + q);
                R.Store(R.Add(ei, gi), yi + q);
                StoreProduct(R.Add(fr, hi), R.Subtract(fi, hr), w1r, w1i, yr + stride + q, yi + stride + q);
                StoreProduct(R.Subtract(er, gr), R.Subtract(ei, gi), w2r, w2i, yr + 2 * stride + q, yi + 2 * stride + q);
                StoreProduct(R.Subtract(fr, hi), R.Add(fi, hr), w3r, w3i, yr + 3 * stride + q, yi + 3 * stride + q);
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
            for (long q = from; q < to; q += R.Count)
            {
                V firstRe = R.Load(xr + q), firstIm = R.Load(xi + q), sumRe = firstRe, sumIm = firstIm;
                for (int k = 1; k < radix; k++)
                {
                    sumRe = R.Add(sumRe, R.Load(xr + k * apart + q));
                    sumIm = R.Add(sumIm, R.Load(xi + k * apart + q));
                }

                R.Store(sumRe, yr + q);
                R.Store(sumIm, yi + q);
                for (int k = 1; k <= radix / 2; k++)
                {
                    V evenRe = firstRe, evenIm = firstIm, oddRe = R.Broadcast(default), oddIm = oddRe;
                    for (int j = 1, jk = k; j <= radix / 2; j++)
                    {
                        V c = R.Broadcast(cosines[jk]), s = R.Broadcast(sines[jk]);
                        V ar = R.Load(xr + j * apart + q), ai = R.Load(xi + j * apart + q);
                        V br = R.Load(xr + (radix - j) * apart + q), bi = R.Load(xi + (radix - j) * apart + q);
                        evenRe = R.Add(evenRe, R.Multiply(c, R.Add(ar, br)));
                        evenIm = R.Add(evenIm, R.Multiply(c, R.Add(ai, bi)));
                        oddRe = R.Add(oddRe, R.Multiply(s, R.Subtract(ai, bi)));
                        oddIm = R.Add(oddIm, R.Multiply(s, R.Subtract(br, ar)));
                        jk += k;
                        if (jk >= radix) jk -= radix;
                    }

                    long one = k * stride + q, other = (radix - k) * stride + q;
                    StoreProduct(
                        R.Add(evenRe, oddRe), R.Add(evenIm, oddIm), R.Broadcast(wr[k - 1]), R.Broadcast(wi[k - 1]),
                        yr + one, yi + one);
                    StoreProduct(
                        R.Subtract(evenRe, oddRe), R.Subtract(evenIm, oddIm), R.Broadcast(wr[radix - k - 1]),
                        R.Broadcast(wi[radix - k - 1]), yr + other, yi + other);
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
            V wr = R.Broadcast(factorRe[p]), wi = R.Broadcast(factorIm[p]);
            for (long q = p * stride + from; q < p * stride + to; q += R.Count)
                StoreProduct(R.Load(re + q), R.Load(im + q), wr, wi, toRe + q, toIm + q);
        }
    }

    /// <summary>
    /// With z of rows k and m - k, sums e and differences o of z_k and the conjugate of z_(m - k): row k becomes
    /// (e + w o) / 2 with w = -i exp(-pi i k / m), row m - k the conjugate of (e - w o) / 2.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Unpack(long rows, long stride, long from, long to, T* turnRe, T* turnIm, T* re, T* im)
    {
        V half = R.Broadcast(Half);
        for (long k = 0; k <= rows / 2; k++)
        {
            V c = R.Broadcast(turnRe[k]), s = R.Broadcast(turnIm[k]);
            T* ar = re + k * stride, ai = im + k * stride, br = re + (rows - k) * stride, bi = im + (rows - k) * stride;
            for (long q = from; q < to; q += R.Count)
            {
                V zr = R.Load(ar + q), zi = R.Load(ai + q), yr = R.Load(br + q), yi = R.Load(bi + q);
                V er = R.Multiply(half, R.Add(zr, yr)), ei = R.Multiply(half, R.Subtract(zi, yi));
                V dr = R.Multiply(half, R.Subtract(zr, yr)), di = R.Multiply(half, R.Add(zi, yi));
                // -i (c + i s) (d) = (s + -i c) d.
                V or = R.Add(R.Multiply(s, dr), R.Multiply(c, di)), oi = R.Subtract(R.Multiply(s, di), R.Multiply(c, dr));
                R.Store(R.Add(er, or), ar + q);
                R.Store(R.Add(ei, oi), ai + q);
                R.Store(R.Subtract(er, or), br + q);
                R.Store(R.Subtract(oi, ei), bi + q);
            }
        }
    }

    /// <summary>The inverse of <see cref="Unpack"/>, times two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Pack(long rows, long stride, long from, long to, T* turnRe, T* turnIm, T* re, T* im)
    {
        for (long k = 0; k <= rows / 2; k++)
        {
            V c = R.Broadcast(turnRe[k]), s = R.Broadcast(turnIm[k]);
            T* ar = re + k * stride, ai = im + k * stride, br = re + (rows - k) * stride, bi = im + (rows - k) * stride;
            for (long q = from; q < to; q += R.Count)
            {
                V xr = R.Load(ar + q), xi = R.Load(ai + q), yr = R.Load(br + q), yi = R.Load(bi + q);
                V er = R.Add(xr, yr), ei = R.Subtract(xi, yi), dr = R.Subtract(xr, yr), di = R.Add(xi, yi);
                // i (c - i s) d = (s + i c) d.
                V or = R.Subtract(R.Multiply(s, dr), R.Multiply(c, di)), oi = R.Add(R.Multiply(s, di), R.Multiply(c, dr));
                R.Store(R.Add(er, or), ar + q);
                R.Store(R.Add(ei, oi), ai + q);
                R.Store(R.Subtract(er, or), br + q);
                R.Store(R.Subtract(oi, ei), bi + q);
            }
        }
    }

    private static T Half => typeof(T) == typeof(float) ? (T)(object)0.5f : (T)(object)0.5;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreProduct(V re, V im, V otherRe, V otherIm, T* toRe, T* toIm)
    {
        V productRe = R.Subtract(R.Multiply(re, otherRe), R.Multiply(im, otherIm));
        V productIm = R.Add(R.Multiply(re, otherIm), R.Multiply(im, otherRe));
        R.Store(productRe, toRe);
        R.Store(productIm, toIm);
    }
}
