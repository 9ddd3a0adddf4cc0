using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Convolutions of float32 with filters of 3x3, and their transposes in the images, by the minimal filtering algorithms of Winograd
/// (Lavin and Gray 2016): 36 products in place of 144 for each channel, filter and tile of 4x4 places.
/// </summary>
internal static unsafe class Winograd
{
    internal static readonly bool IsOn = EnvironmentSetting.Parse(
        "AUTODIFF_WINOGRAD", Environment.GetEnvironmentVariable("AUTODIFF_WINOGRAD"), 1, on => on is 0 or 1, "0 or 1") == 1;

    /// <summary>Computes <see cref="Convolution.Forward(DType, in ConvolutionShape, ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>
    /// if that pays; false if the result is to be computed in another way.</summary>
    internal static bool TryForward(in ConvolutionShape s, float* x, float* w, float* y, int width) =>
        Takes(s) && Pays(ForwardOf(s, x, w, y), width) && Run(ForwardOf(s, x, w, y), width);

    /// <summary>The same for the cotangent of the images.</summary>
    internal static bool TryInputGradient(in ConvolutionShape s, float* ct, float* w, float* dx, int width) =>
        Takes(s) && Pays(TransposedOf(s, ct, w, dx), width) && Run(TransposedOf(s, ct, w, dx), width);

    /// <summary>Whether the algorithm computes such a convolution.</summary>
    internal static bool Takes(in ConvolutionShape s) =>
        s.Groups == 1 && s.Z.IsUnit && IsThree(s.Y) && IsThree(s.X)
        && s.Batch > 0 && s.Channels > 0 && s.Filters > 0 && s.InputPlane > 0 && s.OutputPlane > 0;

    /// <summary>Every window of such an axis, and of its transpose, holds a place inside; a window in the padding would not give 0.</summary>
    private static bool IsThree(in WindowAxis axis) =>
        axis.Kernel == 3 && axis.Stride == 1 && axis.Dilation == 1
        && axis.PadBefore is >= 0 and <= 2 && axis.PadAfter is >= 0 and <= 2;

    internal static WinogradProblem ForwardOf(in ConvolutionShape s, float* x, float* w, float* y) => new()
    {
        Batch = s.Batch,
        Channels = s.Channels,
        Results = s.Filters,
        Height = s.Y.Size,
        Width = s.X.Size,
        OutputHeight = s.Y.Output,
        OutputWidth = s.X.Output,
        Top = s.Y.PadBefore,
        Left = s.X.PadBefore,
        Input = x,
        Weights = w,
        Output = y,
        WeightsResult = 9 * s.Channels,
        WeightsChannel = 9,
    };

    internal static WinogradProblem TransposedOf(in ConvolutionShape s, float* ct, float* w, float* dx) => new()
    {
        Batch = s.Batch,
        Channels = s.Filters,
        Results = s.Channels,
        Height = s.Y.Output,
        Width = s.X.Output,
        OutputHeight = s.Y.Size,
        OutputWidth = s.X.Size,
        Top = 2 - s.Y.PadBefore,
        Left = 2 - s.X.PadBefore,
        Input = ct,
        Weights = w,
        Output = dx,
        WeightsResult = 9,
        WeightsChannel = 9 * s.Channels,
        IsTurned = true,
    };

    private static bool Pays(in WinogradProblem p, int width) => IsOn && width > 0 && p.Channels >= 16 && p.Results >= 16;

    /// <summary>Computes all results; false if one is not a finite number, since then others of its tile may be wrong.</summary>
    internal static bool Run(in WinogradProblem problem, int width) => width switch
    {
        512 => WinogradCorrelation<Vector512<float>, Lanes512<float>, TileOps512<float>, Winograd4<Vector512<float>, Lanes512<float>>>
            .Run(problem),
        256 => WinogradCorrelation<Vector256<float>, Lanes256<float>, TileOps256<float>, Winograd4<Vector256<float>, Lanes256<float>>>
            .Run(problem),
        128 => WinogradCorrelation<Vector128<float>, Lanes128<float>, TileOps128<float>, Winograd4<Vector128<float>, Lanes128<float>>>
            .Run(problem),
        _ => WinogradCorrelation<float, Lanes1<float>, TileOpsScalar<float>, Winograd4<float, Lanes1<float>>>.Run(problem),
    };
}

/// <summary>
/// y[n, m, i, j] = sum over channels c and taps u, v of x[n, c, i + u - Top, j + v - Left] * weight[m, c, u, v], x being 0 outside.
/// </summary>
internal unsafe struct WinogradProblem
{
    internal int Batch, Channels, Results, Height, Width, OutputHeight, OutputWidth;

    /// <summary>The padding before rows and columns; where negative, so many first ones are not read.</summary>
    internal int Top, Left;

    internal float* Input, Weights, Output;

    /// <summary>The steps in the weights from one result and channel to the next.</summary>
    internal int WeightsResult, WeightsChannel;

    /// <summary>Whether the taps of a filter come last to first.</summary>
    internal bool IsTurned;
}
