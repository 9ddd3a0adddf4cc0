using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// Two-dimensional convolution of images (batch, channels, rows, columns) with filters
/// (filters, channels, rows, columns), all contiguous, in the convention of neural networks: a cross-correlation,
/// without a turn of the filter. Types float32 and float64.
/// </summary>
public static class Convolution
{
    /// <summary>
    /// y[n, f, i, j] = sum over c, u, v of x[n, c, i*StrideY + u*DilationY - PadTop, j*StrideX + v*DilationX - PadLeft]
    /// * w[f, c, u, v], where x is 0 outside the image. A sum over no channels is 0.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">The images.</param>
    /// <param name="w">The filters.</param>
    /// <param name="y">The result, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void Forward(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> x, ReadOnlySpan<byte> w, Span<byte> y)
    {
        Check(dtype, s, x.Length, w.Length, y.Length);
        if (dtype == DType.Float32) Forward<float>(s, As<float>(x), As<float>(w), As<float>(y));
        else Forward<double>(s, As<double>(x), As<double>(w), As<double>(y));
    }

    /// <summary>
    /// The transpose of <see cref="Forward"/> as a linear map of x: dx such that the inner product of dx and x equals
    /// that of ct and the convolution of x with w, for every x.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="w">The filters.</param>
    /// <param name="dx">The cotangent of the images, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void InputGradient(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> w, Span<byte> dx)
    {
        Check(dtype, s, dx.Length, w.Length, ct.Length);
        if (dtype == DType.Float32) InputGradient<float>(s, As<float>(ct), As<float>(w), As<float>(dx));
        else InputGradient<double>(s, As<double>(ct), As<double>(w), As<double>(dx));
    }

    /// <summary>
    /// The transpose of <see cref="Forward"/> as a linear map of w: dw such that the inner product of dw and w equals
    /// that of ct and the convolution of x with w, for every w.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">The images.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="dw">The cotangent of the filters, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void FilterGradient(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> x, ReadOnlySpan<byte> ct, Span<byte> dw)
    {
        Check(dtype, s, x.Length, dw.Length, ct.Length);
        if (dtype == DType.Float32) FilterGradient<float>(s, As<float>(x), As<float>(ct), As<float>(dw));
        else FilterGradient<double>(s, As<double>(x), As<double>(ct), As<double>(dw));
    }

    private static ReadOnlySpan<T> As<T>(ReadOnlySpan<byte> data) where T : unmanaged => MemoryMarshal.Cast<byte, T>(data);

    private static Span<T> As<T>(Span<byte> data) where T : unmanaged => MemoryMarshal.Cast<byte, T>(data);

    private static void Check(DType dtype, in ConvolutionShape s, int x, int w, int y)
    {
        if (!dtype.IsFloat())
            throw new ArgumentException($"Convolutions are of float32 or float64, not of {dtype.Name()}.");
        s.Validate();
        int size = dtype.Size();
        if (x != (long)s.InputLength * size || w != (long)s.FilterLength * size || y != (long)s.OutputLength * size)
        {
            throw new ArgumentException(
                $"The data have {x / size}, {w / size} and {y / size} elements, but the images, filters and result of "
                + $"{s} have {s.InputLength}, {s.FilterLength} and {s.OutputLength}.");
        }
    }

    private static void Forward<T>(in ConvolutionShape s, ReadOnlySpan<T> x, ReadOnlySpan<T> w, Span<T> y)
        where T : unmanaged, INumber<T>
    {
        y.Clear();
        foreach (var (input, filter, output) in Terms(s)) y[output] += x[input] * w[filter];
    }

    private static void InputGradient<T>(in ConvolutionShape s, ReadOnlySpan<T> ct, ReadOnlySpan<T> w, Span<T> dx)
        where T : unmanaged, INumber<T>
    {
        dx.Clear();
        foreach (var (input, filter, output) in Terms(s)) dx[input] += ct[output] * w[filter];
    }

    private static void FilterGradient<T>(in ConvolutionShape s, ReadOnlySpan<T> x, ReadOnlySpan<T> ct, Span<T> dw)
        where T : unmanaged, INumber<T>
    {
        dw.Clear();
        foreach (var (input, filter, output) in Terms(s)) dw[filter] += x[input] * ct[output];
    }

    /// <summary>The products of a convolution: the indices of their image element, filter element and result.</summary>
    private static IEnumerable<(int Input, int Filter, int Output)> Terms(ConvolutionShape s)
    {
        int height = s.OutputHeight, width = s.OutputWidth;
        for (int n = 0; n < s.Batch; n++)
        for (int f = 0; f < s.Filters; f++)
        for (int oy = 0; oy < height; oy++)
        for (int ox = 0; ox < width; ox++)
        for (int c = 0; c < s.Channels; c++)
        for (int u = 0; u < s.KernelHeight; u++)
        {
            int iy = oy * s.StrideY + u * s.DilationY - s.PadTop;
            if (iy < 0 || iy >= s.Height) continue;
            for (int v = 0; v < s.KernelWidth; v++)
            {
                int ix = ox * s.StrideX + v * s.DilationX - s.PadLeft;
                if (ix < 0 || ix >= s.Width) continue;
                yield return (
                    ((n * s.Channels + c) * s.Height + iy) * s.Width + ix,
                    ((f * s.Channels + c) * s.KernelHeight + u) * s.KernelWidth + v,
                    ((n * s.Filters + f) * height + oy) * width + ox);
            }
        }
    }
}
