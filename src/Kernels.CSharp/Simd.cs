using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The vector width that the kernels use.</summary>
public static class Simd
{
    /// <summary>
    /// The width in bits: 512, 256, 128, or 0 for scalar code; the widest that the machine accelerates, or what the
    /// environment variable <c>AUTODIFF_SIMD</c> names, if the machine has it. Chosen once, when the process starts.
    /// </summary>
    public static readonly int Width = Choose();

    /// <summary>The widths that this machine can run, widest first; 0, scalar code, is always there.</summary>
    public static IReadOnlyList<int> Available { get; } =
        [.. new[] { 512, 256, 128, 0 }.Where(IsAvailable)];

    private static bool IsAvailable(int width) => width switch
    {
        512 => Vector512.IsHardwareAccelerated,
        256 => Vector256.IsHardwareAccelerated,
        128 => Vector128.IsHardwareAccelerated,
        _ => width == 0,
    };

    private static int Choose() =>
        int.TryParse(Environment.GetEnvironmentVariable("AUTODIFF_SIMD"), out int asked) && IsAvailable(asked)
            ? asked
            : IsAvailable(512) ? 512 : IsAvailable(256) ? 256 : IsAvailable(128) ? 128 : 0;
}
