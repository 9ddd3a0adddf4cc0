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
    public static Layer Softmax { get; } = OverClasses("Softmax", x => x.Softmax(-1));

    /// <summary>The logarithm of softmax along the last axis, without overflow: what
    /// <see cref="Losses.NegativeLogLikelihood"/> takes.</summary>
    public static Layer LogSoftmax { get; } = OverClasses("LogSoftmax", x => x.LogSoftmax(-1));

    /// <summary>The Gaussian error linear unit, x P(X &lt;= x) for a standard normal X (Hendrycks and Gimpel
    /// 2016).</summary>
    public static Layer GELU { get; } = new Lambda("GELU", x => Tensor.Gelu(x));

    /// <summary>GELU by a hyperbolic tangent, as older models were trained.</summary>
    public static Layer GELUTanh { get; } = new Lambda("GELUTanh", x => Tensor.GeluTanh(x));

    /// <summary>The sigmoid linear unit x sigmoid x, also called swish.</summary>
    public static Layer SiLU { get; } = new Lambda("SiLU", x => Tensor.Silu(x));

    /// <summary>x tanh (log (1 + exp x)) (Misra 2019).</summary>
    public static Layer Mish { get; } = new Lambda("Mish", x => Tensor.Mish(x));

    /// <summary>The scaled exponential linear unit (Klambauer et al. 2017), which keeps signals at mean 0 and variance 1; to be
    /// used with weights of variance 1 / fan in (<see cref="Initializers.XavierNormal"/>).</summary>
    public static Layer SELU { get; } = new Lambda("SELU", x => Tensor.Selu(x));

    /// <summary>log (1 + exp x), without overflow.</summary>
    public static Layer Softplus { get; } = new Lambda("Softplus", Tensor.Softplus);

    /// <summary>x / (1 + |x|).</summary>
    public static Layer Softsign { get; } = new Lambda("Softsign", x => Tensor.Softsign(x));

    /// <summary>log (sigmoid x), without overflow.</summary>
    public static Layer LogSigmoid { get; } = new Lambda("LogSigmoid", x => Tensor.LogSigmoid(x));

    /// <summary>(x + 3) / 6 kept between 0 and 1.</summary>
    public static Layer HardSigmoid { get; } = new Lambda("HardSigmoid", x => Tensor.HardSigmoid(x));

    /// <summary>x times the hard sigmoid of x (Howard et al. 2019).</summary>
    public static Layer HardSwish { get; } = new Lambda("HardSwish", x => Tensor.HardSwish(x));

    /// <summary>x kept between -1 and 1.</summary>
    public static Layer HardTanh { get; } = new Lambda("HardTanh", x => Tensor.HardTanh(x));

    /// <summary>x kept between 0 and 6.</summary>
    public static Layer ReLU6 { get; } = new Lambda("ReLU6", x => Tensor.Relu6(x));

    /// <summary>x where it is positive, slope x elsewhere; the derivative at 0 is the slope.</summary>
    public static Layer LeakyReLU(double slope = 0.01) =>
        new Lambda(FormattableString.Invariant($"LeakyReLU({slope})"), x => TensorModule.leakyRelu(slope, x));

    /// <summary>x where it is positive, alpha (exp x - 1) elsewhere; the derivative at 0 is alpha (Clevert et al.
    /// 2015).</summary>
    public static Layer ELU(double alpha = 1) =>
        new Lambda(FormattableString.Invariant($"ELU({alpha})"), x => Tensor.Elu(x, alpha));

    /// <summary>x where it is positive, alpha (exp (x / alpha) - 1) elsewhere; the derivative is continuous (Barron
    /// 2017).</summary>
    public static Layer CELU(double alpha = 1) =>
        new Lambda(FormattableString.Invariant($"CELU({alpha})"), x => Tensor.Celu(x, alpha));

    private static Lambda OverClasses(string name, Func<Tensor, Tensor> function) => new(
        name, function,
        shape => shape is [.., > 0]
            ? [.. shape]
            : throw new ArgumentException($"{name}: inputs have shape {Shapes.FormatBatch(shape)}; it needs an axis of classes."));
}
