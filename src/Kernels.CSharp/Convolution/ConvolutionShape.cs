namespace Autodiff.Kernels;

/// <summary>
/// The sizes of a two-dimensional convolution: images (Batch, Channels, Height, Width), filters
/// (Filters, Channels, KernelHeight, KernelWidth), result (Batch, Filters, OutputHeight, OutputWidth).
/// </summary>
/// <param name="Batch">The number of images.</param>
/// <param name="Channels">The number of channels of an image.</param>
/// <param name="Height">The number of rows of an image.</param>
/// <param name="Width">The number of columns of an image.</param>
/// <param name="Filters">The number of filters: the channels of the result.</param>
/// <param name="KernelHeight">The number of rows of a filter.</param>
/// <param name="KernelWidth">The number of columns of a filter.</param>
/// <param name="StrideY">The step between windows, in rows.</param>
/// <param name="StrideX">The step between windows, in columns.</param>
/// <param name="PadTop">The rows of zeros above an image.</param>
/// <param name="PadBottom">The rows of zeros below an image.</param>
/// <param name="PadLeft">The columns of zeros before an image.</param>
/// <param name="PadRight">The columns of zeros after an image.</param>
/// <param name="DilationY">The step between the rows of a window.</param>
/// <param name="DilationX">The step between the columns of a window.</param>
public readonly record struct ConvolutionShape(
    int Batch,
    int Channels,
    int Height,
    int Width,
    int Filters,
    int KernelHeight,
    int KernelWidth,
    int StrideY,
    int StrideX,
    int PadTop,
    int PadBottom,
    int PadLeft,
    int PadRight,
    int DilationY = 1,
    int DilationX = 1)
{
    /// <summary>The number of rows of the result: the windows that fit whole; 0 when none does.</summary>
    public int OutputHeight => Windows(Height, PadTop + PadBottom, DilationY * (KernelHeight - 1) + 1, StrideY);

    /// <summary>The number of columns of the result: the windows that fit whole; 0 when none does.</summary>
    public int OutputWidth => Windows(Width, PadLeft + PadRight, DilationX * (KernelWidth - 1) + 1, StrideX);

    internal int InputLength => checked(Batch * Channels * Height * Width);

    internal int FilterLength => checked(Filters * Channels * KernelHeight * KernelWidth);

    internal int OutputLength => checked(Batch * Filters * OutputHeight * OutputWidth);

    internal static int Windows(int size, int padding, int window, int stride)
    {
        int room = size + padding - window;
        return room < 0 || stride < 1 ? 0 : room / stride + 1;
    }

    internal void Validate()
    {
        if (Batch < 0 || Channels < 0 || Height < 0 || Width < 0 || Filters < 0
            || PadTop < 0 || PadBottom < 0 || PadLeft < 0 || PadRight < 0)
        {
            throw new ArgumentException($"A convolution has no negative sizes or padding: {this}.");
        }

        if (KernelHeight < 1 || KernelWidth < 1 || StrideY < 1 || StrideX < 1 || DilationY < 1 || DilationX < 1)
            throw new ArgumentException($"Filter sizes, strides and dilations are at least 1: {this}.");
    }
}
