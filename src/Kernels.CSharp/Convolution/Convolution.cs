using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Convolution of images (batch, channels, planes, rows, columns) with filters (filters, channels / groups, planes, rows,
/// columns), all contiguous, in the convention of neural networks: a cross-correlation, without a turn of the filter.
/// Types float32 and float64.
/// </summary>
/// <remarks>
/// Where it is faster, float32 with filters of 3x3 is computed by Winograd's algorithm, whose errors are two to three times those of
/// the sums of products (docs/accuracy.md); a result of which a part is not a finite number is computed as sums. The environment
/// variable <c>AUTODIFF_WINOGRAD</c> = 0 turns it off.
/// </remarks>
public static class Convolution
{
    /// <summary>
    /// y[n, f, i, j] = sum over c, u, v of x[n, c, i*Y.Stride + u*Y.Dilation - Y.PadBefore, j*X.Stride + v*X.Dilation
    /// - X.PadBefore] * w[f, c, u, v], and likewise along Z, where c are the channels of the group of f, and x is 0
    /// outside the image. A sum over no channels is 0.
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
        Forward(dtype, s, x, w, y, Simd.Width, Winograd.IsOn);
    }

    /// <summary>
    /// The transpose of <c>Forward</c> as a linear map of x: dx such that the inner product of dx and x equals
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
        InputGradient(dtype, s, ct, w, dx, Simd.Width, Winograd.IsOn);
    }

    /// <summary>
    /// The transpose of <c>Forward</c> as a linear map of w: dw such that the inner product of dw and w equals
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
        FilterGradient(dtype, s, x, ct, dw, Simd.Width, Winograd.IsOn);
    }

    internal static unsafe void Forward(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> x, ReadOnlySpan<byte> w, Span<byte> y, int width,
        bool winograd = false)
    {
        Check(dtype, s, x.Length, w.Length, y.Length);
        fixed (byte* px = x, pw = w, py = y)
        {
            if (winograd && dtype == DType.Float32 && Winograd.TryForward(s, (float*)px, (float*)pw, (float*)py, width)) return;
            Run(Operation.Forward, dtype, s, px, pw, py, width);
        }
    }

    internal static unsafe void InputGradient(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> w, Span<byte> dx, int width,
        bool winograd = false)
    {
        Check(dtype, s, dx.Length, w.Length, ct.Length);
        fixed (byte* px = dx, pw = w, py = ct)
        {
            if (winograd && dtype == DType.Float32 && Winograd.TryInputGradient(s, (float*)py, (float*)pw, (float*)px, width)) return;
            Run(Operation.InputGradient, dtype, s, px, pw, py, width);
        }
    }

    internal static unsafe void FilterGradient(
        DType dtype, in ConvolutionShape s, ReadOnlySpan<byte> x, ReadOnlySpan<byte> ct, Span<byte> dw, int width,
        bool winograd = false)
    {
        Check(dtype, s, x.Length, dw.Length, ct.Length);
        fixed (byte* px = x, pw = dw, py = ct)
        {
            if (winograd && dtype == DType.Float32 && Winograd.TryFilterGradient(s, (float*)px, (float*)py, (float*)pw, width)) return;
            Run(Operation.FilterGradient, dtype, s, px, pw, py, width);
        }
    }

    private static void Check(DType dtype, in ConvolutionShape s, int x, int w, int y)
    {
        if (dtype is not (DType.Float32 or DType.Float64))
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

    private static unsafe void Run(
        Operation operation, DType dtype, in ConvolutionShape s, byte* x, byte* w, byte* y, int width)
    {
        if (dtype == DType.Float32)
        {
            switch (width)
            {
                case 512: Run<Vector512<float>, float, TileOps512<float>>(operation, s, x, w, y); break;
                case 256: Run<Vector256<float>, float, TileOps256<float>>(operation, s, x, w, y); break;
                case 128: Run<Vector128<float>, float, TileOps128<float>>(operation, s, x, w, y); break;
                default: Run<float, float, TileOpsScalar<float>>(operation, s, x, w, y); break;
            }
        }
        else
        {
            switch (width)
            {
                case 512: Run<Vector512<double>, double, TileOps512<double>>(operation, s, x, w, y); break;
                case 256: Run<Vector256<double>, double, TileOps256<double>>(operation, s, x, w, y); break;
                case 128: Run<Vector128<double>, double, TileOps128<double>>(operation, s, x, w, y); break;
                default: Run<double, double, TileOpsScalar<double>>(operation, s, x, w, y); break;
            }
        }
    }

    private static unsafe void Run<V, T, Ops>(
        Operation operation, in ConvolutionShape s, byte* x, byte* w, byte* y)
        where V : unmanaged
        where T : unmanaged, INumberBase<T>
        where Ops : struct, ITileOps<V, T>
    {
        switch (operation)
        {
            case Operation.Forward: Forward<V, T, Ops>(s, (T*)x, (T*)w, (T*)y); break;
            case Operation.InputGradient: InputGradient<V, T, Ops>(s, (T*)y, (T*)w, (T*)x); break;
            default: FilterGradient<V, T, Ops>(s, (T*)x, (T*)y, (T*)w); break;
        }
    }

    private static unsafe void Forward<V, T, Ops>(in ConvolutionShape s, T* x, T* w, T* y)
        where V : unmanaged
        where T : unmanaged
        where Ops : struct, ITileOps<V, T>
    {
        if (DepthwiseCorrelation<V, T, Ops>.Takes(s))
        {
            DepthwiseCorrelation<V, T, Ops>.Forward(s, x, w, y);
            return;
        }

        int* taps = stackalloc int[TapSpace(s)];
        Correlation<V, T, Ops> correlation = new()
        {
            Bands = ForwardBands<V, T, Ops>(s, x, taps),
            Results = s.GroupFilters,
            Weights = w,
            Output = y,
            OutputDepth = s.Z.Output,
            OutputHeight = s.Y.Output,
            OutputWidth = s.X.Output,
            WeightsGroup = s.GroupFilters * s.GroupChannels * s.Taps,
            WeightsResult = s.GroupChannels * s.Taps,
            WeightsChannel = s.Taps,
            WeightsPlane = s.Y.Kernel * s.X.Kernel,
            WeightsRow = s.X.Kernel,
        };
        correlation.Run();
    }

    private static unsafe void InputGradient<V, T, Ops>(in ConvolutionShape s, T* ct, T* w, T* dx)
        where V : unmanaged
        where T : unmanaged, INumberBase<T>
        where Ops : struct, ITileOps<V, T>
    {
        if (DepthwiseCorrelation<V, T, Ops>.TakesTransposed(s))
        {
            DepthwiseCorrelation<V, T, Ops>.Transposed(s, ct, w, dx);
            return;
        }

        if (ScatterCorrelation<V, T, Ops>.Pays(s))
        {
            ScatterCorrelation<V, T, Ops> scatter = new() { Shape = s, Cotangent = ct, Weights = w, Gradient = dx };
            scatter.Run();
            return;
        }

        int* taps = stackalloc int[TapSpace(s)];
        int* tapsY = taps + 2 * s.Z.Kernel, tapsX = tapsY + 2 * s.Y.Kernel;
        Correlation<V, T, Ops> correlation = new()
        {
            Bands = new() { Batch = s.Batch, Groups = s.Groups, Channels = s.GroupFilters, Input = ct },
            Results = s.GroupChannels,
            Weights = w,
            Output = dx,
            OutputDepth = s.Z.Size,
            OutputHeight = s.Y.Size,
            OutputWidth = s.X.Size,
            WeightsGroup = s.GroupFilters * s.GroupChannels * s.Taps,
            WeightsResult = s.Taps,
            WeightsChannel = s.GroupChannels * s.Taps,
            WeightsPlane = s.Y.Kernel * s.X.Kernel,
            WeightsRow = s.X.Kernel,
        };
        // Places that no window reads are zero, and most where strides are longer than filters.
        bool cleared = s.Z.Stride > s.Z.Kernel || s.Y.Stride > s.Y.Kernel || s.X.Stride > s.X.Kernel;
        if (cleared) new Span<T>(dx, s.InputLength).Clear();
        for (int phaseZ = 0; phaseZ < s.Z.Stride; phaseZ++)
            for (int phaseY = 0; phaseY < s.Y.Stride; phaseY++)
                for (int phaseX = 0; phaseX < s.X.Stride; phaseX++)
                {
                    correlation.Bands.Z = CorrelationAxis.Transposed(taps, s.Z, phaseZ);
                    correlation.Bands.Y = CorrelationAxis.Transposed(tapsY, s.Y, phaseY);
                    correlation.Bands.X = CorrelationAxis.Transposed(tapsX, s.X, phaseX);
                    if (correlation.Bands.TermCount > 0 || !cleared) correlation.Run();
                }
    }

    private static unsafe void FilterGradient<V, T, Ops>(in ConvolutionShape s, T* x, T* ct, T* dw)
        where V : unmanaged
        where T : unmanaged, INumberBase<T>
        where Ops : struct, ITileOps<V, T>
    {
        if (!PlaceCorrelation<V, T, Ops>.Pays(s))
        {
            FilterCorrelation<V, T, Ops> filters = new() { Shape = s, Input = x, Cotangent = ct, Gradient = dw };
            filters.Run();
            return;
        }

        int* taps = stackalloc int[TapSpace(s)];
        PlaceCorrelation<V, T, Ops> places = new()
        {
            Bands = ForwardBands<V, T, Ops>(s, x, taps),
            Filters = s.GroupFilters,
            Cotangent = ct,
            Gradient = dw,
        };
        places.Run();
    }

    private static unsafe Bands<V, T, Ops> ForwardBands<V, T, Ops>(in ConvolutionShape s, T* x, int* taps)
        where V : unmanaged
        where T : unmanaged
        where Ops : struct, ITileOps<V, T>
    {
        return new()
        {
            Batch = s.Batch,
            Groups = s.Groups,
            Channels = s.GroupChannels,
            BlockChannels = s.GroupChannels,
            Input = x,
            Z = CorrelationAxis.Forward(taps, s.Z),
            Y = CorrelationAxis.Forward(taps + 2 * s.Z.Kernel, s.Y),
            X = CorrelationAxis.Forward(taps + 2 * (s.Z.Kernel + s.Y.Kernel), s.X),
        };
    }

    private static int TapSpace(in ConvolutionShape s)
    {
        const int Most = 1 << 14;
        int space = 2 * (s.Z.Kernel + s.Y.Kernel + s.X.Kernel);
        return space <= Most ? space : throw new ArgumentException($"The filters are too large: {s}.");
    }

    private enum Operation
    {
        Forward,
        InputGradient,
        FilterGradient,
    }
}
