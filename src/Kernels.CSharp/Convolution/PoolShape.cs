namespace Autodiff.Kernels;

/// <summary>
/// The sizes of pooling: volumes (Volumes, Z, Y, X), result (Volumes, windows along Z, Y and X). Fewer axes are unit axes.
/// </summary>
/// <param name="Volumes">The number of volumes: images times channels.</param>
/// <param name="Z">The axis of the planes.</param>
/// <param name="Y">The axis of the rows of a plane.</param>
/// <param name="X">The axis of the columns of a plane.</param>
public readonly record struct PoolShape(int Volumes, WindowAxis Z, WindowAxis Y, WindowAxis X)
{
    /// <summary>The elements of a window, those in the padding included.</summary>
    internal int Taps => Z.Kernel * Y.Kernel * X.Kernel;

    internal int InputPlane => Y.Size * X.Size;

    internal int InputVolume => Z.Size * InputPlane;

    internal int OutputVolume => Z.Output * Y.Output * X.Output;

    internal int InputLength => checked(Volumes * InputVolume);

    internal int OutputLength => checked(Volumes * OutputVolume);

    internal void Validate()
    {
        if (Volumes < 0) throw new ArgumentException($"Pooling has no negative sizes: {this}.");
        Z.Validate("Pooling");
        Y.Validate("Pooling");
        X.Validate("Pooling");
        if (Z.Dilation != 1 || Y.Dilation != 1 || X.Dilation != 1)
            throw new ArgumentException($"The windows of pooling have no gaps: {this}.");
    }

    internal void ValidateWindows()
    {
        if (OutputLength > 0 && (OnlyPadding(Z) || OnlyPadding(Y) || OnlyPadding(X)))
            throw new ArgumentException($"Every window of a maximum must reach into the volume: {this}.");
    }

    private static bool OnlyPadding(in WindowAxis axis) =>
        axis.PadBefore >= axis.Kernel || axis.PadAfter >= axis.Kernel || axis.Size == 0;
}
