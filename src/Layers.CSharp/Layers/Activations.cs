namespace Autodiff.Layers;

/// <summary>
/// A layer without parameters that is a function of the input. The output has the input's shape unless a shape rule is
/// given.
/// </summary>
/// <param name="name">The name, for messages.</param>
/// <param name="function">The function of the inputs, which have a leading batch axis.</param>
/// <param name="outputShape">The shape of one output for the shape of one input, without the batch axis; null if the
/// same.</param>
/// <example><code>
/// var scaled = new Lambda("scaled", x => x * 2.0);
/// </code></example>
public sealed class Lambda(string name, Func<Tensor, Tensor> function, Func<int[], int[]>? outputShape = null) : Layer
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) => outputShape?.Invoke(inputShape) ?? [.. inputShape];

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context) => function(input);
}

/// <summary>Functions of each element (softmax: of the last axis) as layers without parameters.</summary>
public static class Activations
{
    /// <summary>x itself: the output of a regression.</summary>
    public static Layer Identity { get; } = new Lambda("Identity", x => x);

    /// <summary>The logistic function 1 / (1 + exp(-x)).</summary>
    public static Layer Sigmoid { get; } = new Lambda("Sigmoid", Tensor.Sigmoid);

    /// <summary>max(x, 0); the derivative at 0 is 0.</summary>
    public static Layer ReLU { get; } = new Lambda("ReLU", Tensor.Relu);

    /// <summary>The hyperbolic tangent.</summary>
    public static Layer Tanh { get; } = new Lambda("Tanh", Tensor.Tanh);

    /// <summary>exp x / sum exp x along the last axis, without overflow. <see cref="Losses.SoftmaxCrossEntropy"/> takes
    /// logits: leave softmax out of a network that is trained with it.</summary>
    public static Layer Softmax { get; } = new Lambda(
        "Softmax",
        x => x.Softmax(-1),
        shape => shape is [.., > 0]
            ? [.. shape]
            : throw new ArgumentException($"Softmax: inputs have shape {Shapes.FormatBatch(shape)}; it needs an axis of classes."));

    /// <summary>x where it is positive, slope x elsewhere; the derivative at 0 is the slope.</summary>
    public static Layer LeakyReLU(double slope = 0.01) =>
        new Lambda(FormattableString.Invariant($"LeakyReLU({slope})"), x => TensorModule.leakyRelu(slope, x));
}
