namespace Autodiff.Layers;

/// <summary>
/// A linear map of images with one to three axes by learned filters, the same at all places, plus a bias for each
/// filter.
/// </summary>
public abstract class Convolution : Layer
{
    private readonly Initializer initializer;
    private readonly int[] kernel;
    private readonly bool useBias;

    private protected Convolution(
        int axes, int filters, PerAxis kernelSize, PerAxis stride, Padding? padding, PerAxis dilation, int groups,
        Initializer? initializer, bool useBias)
    {
        string name = GetType().Name;
        Filters = Shapes.AtLeast(1, filters, name, nameof(filters));
        kernel = Shapes.PerAxis(1, kernelSize, axes, 0, name, nameof(kernelSize));
        Strides = Shapes.PerAxis(1, stride, axes, 1, name, nameof(stride));
        Padding = Shapes.Padded(padding, axes, name);
        Shapes.PerAxis(1, dilation, axes, 1, name, nameof(dilation));
        Dilation = dilation;
        Groups = Shapes.AtLeast(1, groups, name, nameof(groups));
        if (filters % groups != 0) throw new ArgumentException($"{name}: groups is {groups}; it must divide the {filters} filters.");
        this.initializer = initializer ?? Initializers.HeUniform;
        this.useBias = useBias;
    }

    /// <summary>The number of output channels.</summary>
    public int Filters { get; }

    /// <summary>The lengths of a filter.</summary>
    public IReadOnlyList<int> KernelSize => kernel;

    /// <summary>The number of parts of the channels, each of which has filters of its own.</summary>
    public int Groups { get; }

    /// <inheritdoc/>
    public sealed override string Name => $"{GetType().Name}({Filters}, {Shapes.Window(kernel)})";

    private protected int[] Strides { get; }

    private protected Padding Padding { get; }

    private protected PerAxis Dilation { get; }

    /// <inheritdoc/>
    public sealed override int[] OutputShape(int[] inputShape)
    {
        CheckImages(inputShape);
        return Shapes.ShapeOf(
            x => Named(x, Shapes.Blank(WeightShape(inputShape[0]))), [1, .. inputShape])[1..];
    }

    /// <inheritdoc/>
    public sealed override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int area = Shapes.Product(kernel);
        (int fanIn, int fanOut) = Fans(inputShape[0] / Groups * area, Filters * area);
        Tensor weight = initializer.Draw(key, WeightShape(inputShape[0]), fanIn, fanOut);
        return useBias
            ? Parameters.Of(("weight", weight), ("bias", Tensor.Zeros(Filters)))
            : Parameters.Of(("weight", weight));
    }

    /// <inheritdoc/>
    public sealed override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        Tensor weight = parameters["weight"];
        int channels = ChannelsOf(weight);
        if (input.Rank != kernel.Length + 2 || input.Shape[1] != channels)
        {
            throw WrongInput(
                ShapeOfOne(input), $"its weights of shape {Shapes.Format(weight.Shape)} take images {Images(channels.ToString())}");
        }

        Tensor maps = Named(input, weight);
        return useBias ? maps + Shapes.AlongChannels(parameters["bias"], maps.Rank) : maps;
    }

    private protected abstract Tensor Correlate(Tensor images, Tensor weight);

    private protected virtual int[] WeightShape(int channels) => [Filters, channels / Groups, .. kernel];

    private protected virtual int ChannelsOf(Tensor weight) => weight.Shape[1] * Groups;

    /// <summary>Fan in and fan out, from the elements of a filter and those of all filters of one channel.</summary>
    private protected virtual (int In, int Out) Fans(int filter, int channel) => (filter, channel);

    private string Images(string channels) => kernel.Length switch
    {
        1 => $"(n, {channels}, length)",
        2 => $"(n, {channels}, height, width)",
        _ => $"(n, {channels}, depth, height, width)",
    };

    private Tensor Named(Tensor images, Tensor weight)
    {
        try
        {
            return Correlate(images, weight);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{Name}: {error.Message}", error);
        }
    }

    private void CheckImages(ReadOnlySpan<int> shape)
    {
        if (shape.Length != kernel.Length + 1 || shape[0] == 0) throw WrongInput(shape, $"it takes images {Images("channels")}");
        if (shape[0] % Groups != 0) throw WrongInput(shape, $"its {Groups} groups do not divide {shape[0]} channels");
    }
}

/// <summary>
/// The transpose of a convolution, which spreads each element over the window that the convolution would have taken it
/// from.
/// </summary>
public abstract class TransposedConvolution : Convolution
{
    private protected TransposedConvolution(
        int axes, int filters, PerAxis kernelSize, PerAxis stride, Padding? padding, PerAxis outputPadding, PerAxis dilation,
        int groups, Initializer? initializer, bool useBias)
        : base(axes, filters, kernelSize, stride, padding, dilation, groups, initializer, useBias)
    {
        Shapes.PerAxis(0, outputPadding, axes, 0, GetType().Name, nameof(outputPadding));
        OutputPadding = outputPadding;
    }

    private protected PerAxis OutputPadding { get; }

    private protected sealed override int[] WeightShape(int channels) => [channels, Filters / Groups, .. KernelSize];

    private protected sealed override int ChannelsOf(Tensor weight) => weight.Shape[0];

    // Of the windows that are a stride apart, so many fewer reach one output.
    private protected sealed override (int In, int Out) Fans(int filter, int channel) =>
        (Math.Max(1, filter / Shapes.Product(Strides)), channel);
}

/// <summary>
/// The cross-correlation of sequences with learned filters, plus a bias for each filter. Inputs (n, channels, length),
/// outputs (n, filters, length) with length (length + padding before and after - dilation (kernelSize - 1) -
/// 1) / stride + 1, rounded down. Parameters: "weight" (filters, channels / groups, length) and "bias" (filters), which
/// starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The length of a filter.</param>
/// <param name="stride">The distance between neighbouring windows: 1 if not given.</param>
/// <param name="padding">The zeros that are added on each side: none if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own; as many as channels make a
/// depthwise convolution.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
public sealed class Conv1D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis dilation = default, int groups = 1,
    Initializer? initializer = null, bool useBias = true)
    : Convolution(1, filters, kernelSize, stride, padding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.Conv1D(weight, new(Strides), Padding, Dilation, Groups);
}

/// <summary>
/// The cross-correlation of images with learned filters, plus a bias for each filter. Inputs (n, channels, height, width),
/// outputs (n, filters, height, width) with lengths (length + padding before and after - dilation (kernelSize - 1) -
/// 1) / stride + 1, rounded down. Parameters: "weight" (filters, channels / groups, height, width) and "bias" (filters), which
/// starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The height and width of a filter: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: 1 if not given.</param>
/// <param name="padding">The zeros that are added on each side: none if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own; as many as channels make a
/// depthwise convolution.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
/// <example><code>
/// Sequential separable = [new Conv2D(32, 3, padding: Padding.Same, groups: 32), new Conv2D(64, 1)];
/// </code></example>
public sealed class Conv2D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis dilation = default, int groups = 1,
    Initializer? initializer = null, bool useBias = true)
    : Convolution(2, filters, kernelSize, stride, padding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.Conv2D(weight, new(Strides), Padding, Dilation, Groups);
}

/// <summary>
/// The cross-correlation of volumes with learned filters, plus a bias for each filter. Inputs (n, channels, depth, height, width),
/// outputs (n, filters, depth, height, width) with lengths (length + padding before and after - dilation (kernelSize - 1) -
/// 1) / stride + 1, rounded down. Parameters: "weight" (filters, channels / groups, depth, height, width) and "bias" (filters), which
/// starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The depth, height and width of a filter: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: 1 if not given.</param>
/// <param name="padding">The zeros that are added on each side: none if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own; as many as channels make a
/// depthwise convolution.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
public sealed class Conv3D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis dilation = default, int groups = 1,
    Initializer? initializer = null, bool useBias = true)
    : Convolution(3, filters, kernelSize, stride, padding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.Conv3D(weight, new(Strides), Padding, Dilation, Groups);
}

/// <summary>
/// The transpose of the linear map that <see cref="Conv1D"/> is, with learned filters, plus a bias for each filter: inputs
/// (n, channels, length), outputs (n, filters, length) with lengths
/// (length - 1) stride - padding before and after + dilation (kernelSize - 1) + 1 + outputPadding. Parameters: "weight"
/// (channels, filters / groups, length) and "bias" (filters), which starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The length of a filter.</param>
/// <param name="stride">The distance between neighbouring windows of the output: 1 if not given.</param>
/// <param name="padding">What is cut off on each side: nothing if not given.</param>
/// <param name="outputPadding">What is added at the ends, smaller than stride or dilation: nothing if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
public sealed class ConvTranspose1D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis outputPadding = default,
    PerAxis dilation = default, int groups = 1, Initializer? initializer = null, bool useBias = true)
    : TransposedConvolution(1, filters, kernelSize, stride, padding, outputPadding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.ConvTranspose1D(weight, new(Strides), Padding, OutputPadding, Dilation, Groups);
}

/// <summary>
/// The transpose of the linear map that <see cref="Conv2D"/> is, with learned filters, plus a bias for each filter: inputs
/// (n, channels, height, width), outputs (n, filters, height, width) with lengths
/// (length - 1) stride - padding before and after + dilation (kernelSize - 1) + 1 + outputPadding. Parameters: "weight"
/// (channels, filters / groups, height, width) and "bias" (filters), which starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The height and width of a filter: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows of the output: 1 if not given.</param>
/// <param name="padding">What is cut off on each side: nothing if not given.</param>
/// <param name="outputPadding">What is added at the ends, smaller than stride or dilation: nothing if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
public sealed class ConvTranspose2D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis outputPadding = default,
    PerAxis dilation = default, int groups = 1, Initializer? initializer = null, bool useBias = true)
    : TransposedConvolution(2, filters, kernelSize, stride, padding, outputPadding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.ConvTranspose2D(weight, new(Strides), Padding, OutputPadding, Dilation, Groups);
}

/// <summary>
/// The transpose of the linear map that <see cref="Conv3D"/> is, with learned filters, plus a bias for each filter: inputs
/// (n, channels, depth, height, width), outputs (n, filters, depth, height, width) with lengths
/// (length - 1) stride - padding before and after + dilation (kernelSize - 1) + 1 + outputPadding. Parameters: "weight"
/// (channels, filters / groups, depth, height, width) and "bias" (filters), which starts at 0.
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The depth, height and width of a filter: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows of the output: 1 if not given.</param>
/// <param name="padding">What is cut off on each side: nothing if not given.</param>
/// <param name="outputPadding">What is added at the ends, smaller than stride or dilation: nothing if not given.</param>
/// <param name="dilation">The distance between neighbouring elements of a window: 1 if not given.</param>
/// <param name="groups">The number of parts of the channels, each of which has filters of its own.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether the bias is added.</param>
/// <exception cref="ArgumentException">A number is too small, or the groups do not divide the filters.</exception>
public sealed class ConvTranspose3D(
    int filters, PerAxis kernelSize, PerAxis stride = default, Padding? padding = null, PerAxis outputPadding = default,
    PerAxis dilation = default, int groups = 1, Initializer? initializer = null, bool useBias = true)
    : TransposedConvolution(3, filters, kernelSize, stride, padding, outputPadding, dilation, groups, initializer, useBias)
{
    private protected override Tensor Correlate(Tensor images, Tensor weight) =>
        images.ConvTranspose3D(weight, new(Strides), Padding, OutputPadding, Dilation, Groups);
}
