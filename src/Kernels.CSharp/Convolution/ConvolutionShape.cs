namespace Autodiff.Kernels;

/// <summary>
/// The sizes of a convolution: images (Batch, Channels, Z, Y, X), filters (Filters, Channels / Groups, window along Z, Y
/// and X), result (Batch, Filters, windows along Z, Y and X). Fewer axes are unit axes.
/// </summary>
/// <param name="Batch">The number of images.</param>
/// <param name="Channels">The number of channels of an image.</param>
/// <param name="Filters">The number of filters, which are the channels of the result.</param>
/// <param name="Groups">
/// The number of equal parts into which channels and filters are split; the filters of a part see its channels only.
/// </param>
/// <param name="Z">The axis of the planes.</param>
/// <param name="Y">The axis of the rows of a plane.</param>
/// <param name="X">The axis of the columns of a plane.</param>
public readonly record struct ConvolutionShape(
    int Batch, int Channels, int Filters, int Groups, WindowAxis Z, WindowAxis Y, WindowAxis X)
{
    /// <summary>The channels that one filter sees.</summary>
    public int GroupChannels => Channels / Groups;

    /// <summary>The filters that see the same channels.</summary>
    public int GroupFilters => Filters / Groups;

    /// <summary>The elements of one filter for one channel.</summary>
    internal int Taps => Z.Kernel * Y.Kernel * X.Kernel;

    internal int InputPlane => Y.Size * X.Size;

    internal int OutputPlane => Y.Output * X.Output;

    internal int InputLength => checked(Batch * Channels * Z.Size * InputPlane);

    internal int FilterLength => checked(Filters * GroupChannels * Taps);

    internal int OutputLength => checked(Batch * Filters * Z.Output * OutputPlane);

    internal void Validate()
    {
        if (Groups < 1 || Channels % Groups != 0 || Filters % Groups != 0)
            throw new ArgumentException($"{Channels} channels and {Filters} filters have no {Groups} equal groups.");
        if (Batch < 0 || Channels < 0 || Filters < 0)
            throw new ArgumentException($"A convolution has no negative sizes: {this}.");
        Z.Validate("A convolution");
        Y.Validate("A convolution");
        X.Validate("A convolution");
    }
}
