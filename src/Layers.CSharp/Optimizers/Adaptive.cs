namespace Autodiff.Layers;

/// <summary>
/// Gradient descent whose steps shrink where gradients have been large: h becomes h + g^2, then w becomes
/// w - learningRate g / (sqrt(h) + epsilon) (Duchi, Hazan and Singer 2011). h starts at 0.
/// </summary>
/// <param name="learningRate">The learning rate; 0.01 if none is given.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class AdaGrad(Schedule? learningRate = null, double epsilon = 1e-7) : ElementwiseOptimizer(learningRate ?? 0.01)
{
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(AdaGrad), nameof(epsilon));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["square"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor total = rule.Keep(0, rule[0] + Tensor.Square(gradient));
        return parameter - gradient * rule.LearningRate / (Tensor.Sqrt(total) + epsilon);
    }
}

/// <summary>
/// AdaGrad that forgets: h becomes decay h + (1 - decay) g^2, then w becomes w - learningRate g / (sqrt(h) + epsilon)
/// (Tieleman and Hinton 2012). h starts at 0.
/// </summary>
/// <param name="learningRate">The learning rate; 0.001 if none is given.</param>
/// <param name="decay">The part of h that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <exception cref="ArgumentException">A number is not positive, or the decay does not lie on [0, 1).</exception>
public sealed class RMSProp(Schedule? learningRate = null, double decay = 0.9, double epsilon = 1e-7)
    : ElementwiseOptimizer(learningRate ?? 0.001)
{
    private readonly double decay = Shapes.Fraction(decay, nameof(RMSProp), nameof(decay));
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(RMSProp), nameof(epsilon));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["square"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor mean = rule.Keep(0, rule[0] * decay + Tensor.Square(gradient) * (1 - decay));
        return parameter - gradient * rule.LearningRate / (Tensor.Sqrt(mean) + epsilon);
    }
}

/// <summary>
/// Steps in the units of the parameters: h becomes decay h + (1 - decay) g^2, d is sqrt(u + epsilon) / sqrt(h + epsilon) g,
/// u becomes decay u + (1 - decay) d^2, and w becomes w - learningRate d (Zeiler 2012). h and u start at 0.
/// </summary>
/// <param name="learningRate">The learning rate; 1 if none is given.</param>
/// <param name="decay">The part of h and u that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added inside the roots, which sets the size of the first steps.</param>
/// <exception cref="ArgumentException">A number is not positive, or the decay does not lie on [0, 1).</exception>
public sealed class AdaDelta(Schedule? learningRate = null, double decay = 0.9, double epsilon = 1e-6)
    : ElementwiseOptimizer(learningRate ?? 1)
{
    private readonly double decay = Shapes.Fraction(decay, nameof(AdaDelta), nameof(decay));
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(AdaDelta), nameof(epsilon));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["square", "change"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor square = rule.Keep(0, rule[0] * decay + Tensor.Square(gradient) * (1 - decay));
        Tensor change = Tensor.Sqrt((rule[1] + epsilon) / (square + epsilon)) * gradient;
        rule.Keep(1, rule[1] * decay + Tensor.Square(change) * (1 - decay));
        return parameter - change * rule.LearningRate;
    }
}
