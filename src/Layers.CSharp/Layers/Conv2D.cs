namespace Autodiff.Layers;

/// <summary>
/// The cross-correlation of images with learned square filters, plus a bias for each filter. Inputs (n, channels,
/// height, width), outputs (n, filters, height', width') with height' = (height + 2 padding - kernelSize) / stride + 1,
/// rounded down. Parameters: "weight" (filters, channels, kernelSize, kernelSize) and "bias" (filters).
/// </summary>
/// <param name="filters">The number of output channels.</param>
/// <param name="kernelSize">The height and width of a filter.</param>
/// <param name="stride">The distance between neighbouring windows.</param>
/// <param name="padding">The zeros added on each side.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether a bias, which starts at 0, is added.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class Conv2D(
    int filters, int kernelSize, int stride = 1, int padding = 0, Initializer? initializer = null, bool useBias = true) : Layer
{
    private readonly Initializer initializer = initializer ?? Initializers.HeUniform;

    /// <summary>The number of output channels.</summary>
    public int Filters { get; } = Shapes.AtLeast(1, filters, nameof(Conv2D), nameof(filters));

    /// <summary>The height and width of a filter.</summary>
    public int KernelSize { get; } = Shapes.AtLeast(1, kernelSize, nameof(Conv2D), nameof(kernelSize));

    /// <summary>The distance between neighbouring windows.</summary>
    public int Stride { get; } = Shapes.AtLeast(1, stride, nameof(Conv2D), nameof(stride));

    /// <summary>The zeros added on each side.</summary>
    public int Padding { get; } = Shapes.AtLeast(0, padding, nameof(Conv2D), nameof(padding));

    /// <inheritdoc/>
    public override string Name => $"Conv2D({Filters}, {KernelSize}x{KernelSize})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        if (inputShape is not [> 0, var height, var width])
            throw WrongInput(inputShape, "it takes images (n, channels, height, width)");
        int outputHeight = Length(height), outputWidth = Length(width);
        return outputHeight > 0 && outputWidth > 0
            ? [Filters, outputHeight, outputWidth]
            : throw WrongInput(inputShape, $"its filters do not fit into {height} x {width} pixels with padding {Padding}");
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int area = KernelSize * KernelSize;
        int[] shape = [Filters, inputShape[0], KernelSize, KernelSize];
        Tensor weight = initializer.Draw(key, shape, inputShape[0] * area, Filters * area);
        return useBias
            ? Parameters.Of(("weight", weight), ("bias", TensorModule.full(DType.Float32, [Filters], 0)))
            : Parameters.Of(("weight", weight));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        Tensor weight = parameters["weight"];
        if (input.Rank != 4 || input.Shape[1] != weight.Shape[1])
        {
            throw WrongInput(
                ShapeOfOne(input),
                $"its weights of shape {Shapes.Format(weight.Shape)} take images (n, {weight.Shape[1]}, height, width)");
        }

        if (Length(input.Shape[2]) < 1 || Length(input.Shape[3]) < 1) OutputShape(input.Shape[1..]);
        Tensor maps = input.Conv2D(weight, Stride, Padding);
        return useBias ? maps + parameters["bias"].Reshape(Filters, 1, 1) : maps;
    }

    // Rounds down for negative numbers too: a filter that is too large by less than a stride does not fit.
    private int Length(int length) => (int)Math.Floor((length + 2 * Padding - KernelSize) / (double)Stride) + 1;
}
