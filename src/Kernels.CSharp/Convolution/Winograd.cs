using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Convolutions of float32 with filters of 3x3, and their transposes, by the minimal filtering algorithms of Winograd
/// (Lavin and Gray 2016): 36 products in place of 144 for each channel, filter and tile of 4x4 places. The gradient of the filters, the
/// transpose of the same algorithm, has as many.
/// </summary>
/// <remarks>
/// <para>In units of 2^-24 of the sums of the absolute values of the products, the root mean square of the errors is 0.4 to 1.1 (0.2 to
/// 0.5 for sums of products), and the largest is less than 9 (4), by the largest of these sums, for numbers of similar sizes.</para>
/// <para>A number of a tile that is not finite reaches all of its results for which sums of products would have it, and others, since
/// each transform that meets it keeps it; then, which the results tell, the caller computes sums of products instead.</para>
/// </remarks>
internal static unsafe class Winograd
{
    /// <summary>Whether convolutions of the library use it: unless the environment variable <c>AUTODIFF_WINOGRAD</c> is 0.</summary>
    internal static readonly bool IsOn = EnvironmentSetting.Parse(
        "AUTODIFF_WINOGRAD", Environment.GetEnvironmentVariable("AUTODIFF_WINOGRAD"), 1, on => on is 0 or 1, "0 or 1") == 1;

    /// <summary>Computes <see cref="Convolution.Forward(DType, in ConvolutionShape, ReadOnlySpan{byte}, ReadOnlySpan{byte}, Span{byte})"/>
    /// if that pays; false if the result is to be computed in another way.</summary>
    internal static bool TryForward(in ConvolutionShape s, float* x, float* w, float* y, int width) =>
        Takes(s) && TryRun(ForwardOf(s, x, w, y), width);

    /// <summary>The same for the cotangent of the images.</summary>
    internal static bool TryInputGradient(in ConvolutionShape s, float* ct, float* w, float* dx, int width) =>
        Takes(s) && TryRun(TransposedOf(s, ct, w, dx), width);

    /// <summary>The same for the cotangent of the filters.</summary>
    internal static bool TryFilterGradient(in ConvolutionShape s, float* x, float* ct, float* dw, int width) =>
        Takes(s) && FilterGradientPays(ForwardOf(s, x, dw, ct), width) && RunFilterGradient(ForwardOf(s, x, dw, ct), width);

    private static bool TryRun(in WinogradProblem problem, int width) => Pays(problem, width) && Run(problem, width);

    /// <summary>Whether the algorithm computes such a convolution.</summary>
    internal static bool Takes(in ConvolutionShape s) =>
        s.Groups == 1 && s.Z.IsUnit && IsThree(s.Y) && IsThree(s.X)
        && s.Batch > 0 && s.Channels > 0 && s.Filters > 0;

    /// <summary>Every window of such an axis, and of its transpose, holds a place inside, and every tap meets one: what has none
    /// would not be 0.</summary>
    private static bool IsThree(in WindowAxis axis) =>
        axis.Kernel == 3 && axis.Stride == 1 && axis.Dilation == 1 && axis.Size >= 3 && axis.Output >= 3
        && axis.PadBefore is >= 0 and <= 2 && axis.PadAfter is >= 0 and <= 2;

    internal static WinogradProblem ForwardOf(in ConvolutionShape s, float* x, float* w, float* y) => new()
    {
        Threads = Workers.Count,
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
        Threads = Workers.Count,
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

    // Estimates are in units of one multiplication, and were fitted to the times of some hundred shapes; they must differ by 15 percent.
    private const double Margin = 0.85, Filter = 300, Tile = 450;

    private static bool Pays(in WinogradProblem p, int width)
    {
        const double Copy = 50;
        if (!FillsLanes(p, width / 32)) return false;

        // Sums over small maps of many images leave out rows of the padding.
        double inside = p.Batch >= width / 32 ? 1 - 2.0 / (3 * p.OutputHeight) : 1;
        return Transformed(p, width / 32) < Margin * p.Channels * Places(p) * (9 * inside * p.Results + Copy);
    }

    private static bool FilterGradientPays(in WinogradProblem p, int width)
    {
        const double Copy = 80, Collect = 150;

        // Transformed tiles go from the core that made them to another; with fewer products for each, that may cost more than it saves.
        const long LeastProducts = 128 * 128;
        if (!FillsLanes(p, width / 32) || (long)p.Channels * p.Results < LeastProducts) return false;
        double sums = 9 * p.Channels * Filled(p.Results, width / 32) + Copy * ((double)p.Channels + p.Results);
        return Transformed(p, width / 32) < Margin * (Places(p) * sums + Collect * p.Channels * p.Results);
    }

    /// <summary>Lanes are channels, and then results.</summary>
    private static bool FillsLanes(in WinogradProblem p, int lanes) =>
        lanes > 0 && 4 * p.Channels >= 3 * lanes && 4 * p.Results >= 3 * lanes;

    private static double Transformed(in WinogradProblem p, int lanes)
    {
        double channels = Filled(p.Channels, lanes), results = Filled(p.Results, lanes);
        double tiles = (double)p.Batch * ((p.OutputHeight + 3) / 4) * ((p.OutputWidth + 3) / 4);
        return results * p.Channels * (36 * tiles + Filter) + (results + channels) * Tile * tiles;
    }

    private static double Places(in WinogradProblem p) => (double)p.Batch * p.OutputHeight * p.OutputWidth;

    private static double Filled(int count, int lanes) => (count + lanes - 1) / lanes * lanes;

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

    /// <summary>Computes the gradient of the filters, which it writes over them, from the output as the cotangent; false as above.</summary>
    internal static bool RunFilterGradient(in WinogradProblem problem, int width) => width switch
    {
        512 => WinogradFilterGradient<
            Vector512<float>, Lanes512<float>, TileOps512<float>, Winograd4<Vector512<float>, Lanes512<float>>>.Run(problem),
        256 => WinogradFilterGradient<
            Vector256<float>, Lanes256<float>, TileOps256<float>, Winograd4<Vector256<float>, Lanes256<float>>>.Run(problem),
        128 => WinogradFilterGradient<
            Vector128<float>, Lanes128<float>, TileOps128<float>, Winograd4<Vector128<float>, Lanes128<float>>>.Run(problem),
        _ => WinogradFilterGradient<float, Lanes1<float>, TileOpsScalar<float>, Winograd4<float, Lanes1<float>>>.Run(problem),
    };
}

/// <summary>
/// y[n, m, i, j] = sum over channels c and taps u, v of x[n, c, i + u - Top, j + v - Left] * weight[m, c, u, v], x being 0 outside.
/// </summary>
internal unsafe struct WinogradProblem
{
    /// <summary>The threads to cut the work for.</summary>
    internal int Threads;

    internal int Batch, Channels, Results, Height, Width, OutputHeight, OutputWidth;

    /// <summary>The padding before rows and columns; where negative, so many first ones are not read.</summary>
    internal int Top, Left;

    internal float* Input, Weights, Output;

    /// <summary>The steps in the weights from one result and channel to the next.</summary>
    internal int WeightsResult, WeightsChannel;

    /// <summary>Whether the taps of a filter come last to first.</summary>
    internal bool IsTurned;
}
