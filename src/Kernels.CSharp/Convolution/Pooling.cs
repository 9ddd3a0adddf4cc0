using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// Two-dimensional pooling: maxima and averages over windows of planes, and the linear maps that their derivatives
/// need. All data are contiguous, of type float32 or float64.
/// </summary>
public static class Pooling
{
    /// <summary>
    /// y[p, i, j] = the maximum of x[p] over the window of (i, j), and argmax[p, i, j] its place row * Width + column
    /// in the plane. Among equals the first in row-major order is taken; padding is never taken; a NaN is taken before
    /// all numbers, the first among several.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes; each padding is less than the window, so that every window reaches into the plane.</param>
    /// <param name="x">The planes.</param>
    /// <param name="y">The maxima, overwritten.</param>
    /// <param name="argmax">The places of the maxima, overwritten.</param>
    /// <exception cref="ArgumentException">A length, a size or the type does not fit.</exception>
    public static void Max(DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y, Span<int> argmax)
    {
        Check(dtype, s, x.Length, y.Length);
        CheckPlaces(s, argmax.Length);
        s.ValidateWindows();
        if (dtype == DType.Float32) Max<float>(s, As<float>(x), As<float>(y), argmax);
        else Max<double>(s, As<double>(x), As<double>(y), argmax);
    }

    /// <summary>
    /// y[p, o] = t[p, argmax[p, o]]: the derivative of <see cref="Max"/> in the direction t, once argmax is known.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="t">The planes to take from.</param>
    /// <param name="argmax">The places in each plane, as <see cref="Max"/> gives them.</param>
    /// <param name="y">The elements taken, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    /// <exception cref="IndexOutOfRangeException">A place lies outside its plane.</exception>
    public static void MaxGather(
        DType dtype, in PoolShape s, ReadOnlySpan<byte> t, ReadOnlySpan<int> argmax, Span<byte> y)
    {
        Check(dtype, s, t.Length, y.Length);
        CheckPlaces(s, argmax.Length);
        if (dtype == DType.Float32) MaxGather<float>(s, As<float>(t), argmax, As<float>(y));
        else MaxGather<double>(s, As<double>(t), argmax, As<double>(y));
    }

    /// <summary>
    /// dx[p, k] = the sum of ct[p, o] over all o with argmax[p, o] = k: the transpose of <see cref="MaxGather"/>.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="argmax">The places in each plane, as <see cref="Max"/> gives them.</param>
    /// <param name="dx">The cotangent of the planes, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    /// <exception cref="IndexOutOfRangeException">A place lies outside its plane.</exception>
    public static void MaxScatter(
        DType dtype, in PoolShape s, ReadOnlySpan<byte> ct, ReadOnlySpan<int> argmax, Span<byte> dx)
    {
        Check(dtype, s, dx.Length, ct.Length);
        CheckPlaces(s, argmax.Length);
        if (dtype == DType.Float32) MaxScatter<float>(s, As<float>(ct), argmax, As<float>(dx));
        else MaxScatter<double>(s, As<double>(ct), argmax, As<double>(dx));
    }

    /// <summary>
    /// y[p, i, j] = the sum of x[p] over the window of (i, j), divided by KernelHeight * KernelWidth: the zeros of the
    /// padding count.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">The planes.</param>
    /// <param name="y">The averages, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void Average(DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y)
    {
        Check(dtype, s, x.Length, y.Length);
        if (dtype == DType.Float32) Average<float>(s, As<float>(x), As<float>(y));
        else Average<double>(s, As<double>(x), As<double>(y));
    }

    /// <summary>The transpose of <see cref="Average"/>.</summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="dx">The cotangent of the planes, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void AverageTranspose(DType dtype, in PoolShape s, ReadOnlySpan<byte> ct, Span<byte> dx)
    {
        Check(dtype, s, dx.Length, ct.Length);
        if (dtype == DType.Float32) AverageTranspose<float>(s, As<float>(ct), As<float>(dx));
        else AverageTranspose<double>(s, As<double>(ct), As<double>(dx));
    }

    private static ReadOnlySpan<T> As<T>(ReadOnlySpan<byte> data) where T : unmanaged => MemoryMarshal.Cast<byte, T>(data);

    private static Span<T> As<T>(Span<byte> data) where T : unmanaged => MemoryMarshal.Cast<byte, T>(data);

    private static void Check(DType dtype, in PoolShape s, int x, int y)
    {
        if (!dtype.IsFloat()) throw new ArgumentException($"Pooling is of float32 or float64, not of {dtype.Name()}.");
        s.Validate();
        int size = dtype.Size();
        if (x != (long)s.InputLength * size || y != (long)s.OutputLength * size)
        {
            throw new ArgumentException(
                $"The data have {x / size} and {y / size} elements, but the planes and result of {s} have "
                + $"{s.InputLength} and {s.OutputLength}.");
        }
    }

    private static void CheckPlaces(in PoolShape s, int length)
    {
        if (length != s.OutputLength)
            throw new ArgumentException($"There are {length} places, but the result of {s} has {s.OutputLength}.");
    }

    private static void Max<T>(in PoolShape s, ReadOnlySpan<T> x, Span<T> y, Span<int> argmax)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int height = s.OutputHeight, width = s.OutputWidth, output = 0;
        for (int p = 0; p < s.Planes; p++)
        {
            ReadOnlySpan<T> plane = x.Slice(p * s.InputPlane, s.InputPlane);
            for (int oy = 0; oy < height; oy++)
            for (int ox = 0; ox < width; ox++, output++)
            {
                int top = Math.Max(oy * s.StrideY - s.PadTop, 0), left = Math.Max(ox * s.StrideX - s.PadLeft, 0);
                int bottom = Math.Min(oy * s.StrideY - s.PadTop + s.KernelHeight, s.Height);
                int right = Math.Min(ox * s.StrideX - s.PadLeft + s.KernelWidth, s.Width);
                int place = top * s.Width + left;
                T best = plane[place];
                for (int iy = top; iy < bottom; iy++)
                for (int ix = left; ix < right; ix++)
                {
                    T value = plane[iy * s.Width + ix];
                    if (value <= best || T.IsNaN(best)) continue;
                    best = value;
                    place = iy * s.Width + ix;
                }

                y[output] = best;
                argmax[output] = place;
            }
        }
    }

    private static void MaxGather<T>(in PoolShape s, ReadOnlySpan<T> t, ReadOnlySpan<int> argmax, Span<T> y)
        where T : unmanaged
    {
        for (int p = 0; p < s.Planes; p++)
        {
            ReadOnlySpan<T> plane = t.Slice(p * s.InputPlane, s.InputPlane);
            for (int o = p * s.OutputPlane; o < (p + 1) * s.OutputPlane; o++) y[o] = plane[argmax[o]];
        }
    }

    private static void MaxScatter<T>(in PoolShape s, ReadOnlySpan<T> ct, ReadOnlySpan<int> argmax, Span<T> dx)
        where T : unmanaged, INumber<T>
    {
        dx.Clear();
        for (int p = 0; p < s.Planes; p++)
        {
            Span<T> plane = dx.Slice(p * s.InputPlane, s.InputPlane);
            for (int o = p * s.OutputPlane; o < (p + 1) * s.OutputPlane; o++) plane[argmax[o]] += ct[o];
        }
    }

    private static void Average<T>(in PoolShape s, ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, INumber<T>
    {
        int height = s.OutputHeight, width = s.OutputWidth, output = 0;
        T count = T.CreateChecked(s.KernelHeight * s.KernelWidth);
        for (int p = 0; p < s.Planes; p++)
        {
            ReadOnlySpan<T> plane = x.Slice(p * s.InputPlane, s.InputPlane);
            for (int oy = 0; oy < height; oy++)
            for (int ox = 0; ox < width; ox++, output++)
            {
                int top = Math.Max(oy * s.StrideY - s.PadTop, 0), left = Math.Max(ox * s.StrideX - s.PadLeft, 0);
                int bottom = Math.Min(oy * s.StrideY - s.PadTop + s.KernelHeight, s.Height);
                int right = Math.Min(ox * s.StrideX - s.PadLeft + s.KernelWidth, s.Width);
                T sum = T.Zero;
                for (int iy = top; iy < bottom; iy++)
                for (int ix = left; ix < right; ix++)
                {
                    sum += plane[iy * s.Width + ix];
                }

                y[output] = sum / count;
            }
        }
    }

    private static void AverageTranspose<T>(in PoolShape s, ReadOnlySpan<T> ct, Span<T> dx)
        where T : unmanaged, INumber<T>
    {
        dx.Clear();
        int height = s.OutputHeight, width = s.OutputWidth, output = 0;
        T count = T.CreateChecked(s.KernelHeight * s.KernelWidth);
        for (int p = 0; p < s.Planes; p++)
        {
            Span<T> plane = dx.Slice(p * s.InputPlane, s.InputPlane);
            for (int oy = 0; oy < height; oy++)
            for (int ox = 0; ox < width; ox++, output++)
            {
                int top = Math.Max(oy * s.StrideY - s.PadTop, 0), left = Math.Max(ox * s.StrideX - s.PadLeft, 0);
                int bottom = Math.Min(oy * s.StrideY - s.PadTop + s.KernelHeight, s.Height);
                int right = Math.Min(ox * s.StrideX - s.PadLeft + s.KernelWidth, s.Width);
                T share = ct[output] / count;
                for (int iy = top; iy < bottom; iy++)
                for (int ix = left; ix < right; ix++)
                {
                    plane[iy * s.Width + ix] += share;
                }
            }
        }
    }
}
