namespace Autodiff.Kernels;

/// <summary>
/// The sizes of two-dimensional pooling: planes (Planes, Height, Width), result (Planes, OutputHeight, OutputWidth).
/// </summary>
/// <param name="Planes">The number of planes: images times channels.</param>
/// <param name="Height">The number of rows of a plane.</param>
/// <param name="Width">The number of columns of a plane.</param>
/// <param name="KernelHeight">The number of rows of a window.</param>
/// <param name="KernelWidth">The number of columns of a window.</param>
/// <param name="StrideY">The step between windows, in rows.</param>
/// <param name="StrideX">The step between windows, in columns.</param>
/// <param name="PadTop">The rows of padding above a plane.</param>
/// <param name="PadBottom">The rows of padding below a plane.</param>
/// <param name="PadLeft">The columns of padding before a plane.</param>
/// <param name="PadRight">The columns of padding after a plane.</param>
public readonly record struct PoolShape(
    int Planes,
    int Height,
    int Width,
    int KernelHeight,
    int KernelWidth,
    int StrideY,
    int StrideX,
    int PadTop,
    int PadBottom,
    int PadLeft,
    int PadRight)
{
    /// <summary>The number of rows of the result: the windows that fit whole; 0 when none does.</summary>
    public int OutputHeight => ConvolutionShape.Windows(Height, PadTop + PadBottom, KernelHeight, StrideY);

    /// <summary>The number of columns of the result: the windows that fit whole; 0 when none does.</summary>
    public int OutputWidth => ConvolutionShape.Windows(Width, PadLeft + PadRight, KernelWidth, StrideX);

    internal int InputPlane => Height * Width;

    internal int OutputPlane => OutputHeight * OutputWidth;

    internal int InputLength => checked(Planes * Height * Width);

    internal int OutputLength => checked(Planes * OutputHeight * OutputWidth);

    internal void Validate()
    {
        if (Planes < 0 || Height < 0 || Width < 0
            || PadTop < 0 || PadBottom < 0 || PadLeft < 0 || PadRight < 0)
        {
            throw new ArgumentException($"Pooling has no negative sizes or padding: {this}.");
        }

        if (KernelHeight < 1 || KernelWidth < 1 || StrideY < 1 || StrideX < 1)
            throw new ArgumentException($"Window sizes and strides are at least 1: {this}.");
    }

    internal void ValidateWindows()
    {
        bool onlyPadding = PadTop >= KernelHeight || PadBottom >= KernelHeight
            || PadLeft >= KernelWidth || PadRight >= KernelWidth || Height == 0 || Width == 0;
        if (onlyPadding && OutputLength > 0)
            throw new ArgumentException($"Every window of a maximum must reach into the plane: {this}.");
    }
}
