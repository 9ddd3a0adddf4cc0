using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The vector width that the kernels use.</summary>
public static class Simd
{
    /// <summary>
    /// The width in bits: 512, 256, 128, or 0 for scalar code; the widest that the machine accelerates, or what the
    /// environment variable <c>AUTODIFF_SIMD</c> names. Chosen once, when the process starts. That the machine has such a
    /// width <see cref="EnvironmentSetting.Check"/> checks.
    /// </summary>
    public static readonly int Width = Choose(Environment.GetEnvironmentVariable(Variable));

    internal const string Variable = "AUTODIFF_SIMD";

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

    internal static int Choose(string? asked)
    {
        int[] widths = [.. new[] { 512, 256, 128, 0 }.Where(IsAvailable)];
        return EnvironmentSetting.Parse(
            Variable, asked, widths[0], IsAvailable, $"a vector width in bits that this machine has ({string.Join(", ", widths)})");
    }
}
