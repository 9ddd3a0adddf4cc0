namespace Autodiff.Layers;

/// <summary>
/// Gradient descent whose steps shrink where gradients have been large: h becomes h + g^2, then w becomes
/// w - learningRate g / (sqrt(h) + epsilon) (Duchi, Hazan and Singer 2011). h starts at 0.
/// </summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
public sealed class AdaGrad(Func<int, double> schedule, double epsilon = 1e-7) : Optimizer(schedule)
{
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(AdaGrad), nameof(epsilon));

    /// <summary>AdaGrad with one learning rate.</summary>
    /// <exception cref="ArgumentException">A number is not positive.</exception>
    public AdaGrad(double learningRate = 0.01, double epsilon = 1e-7)
        : this(Constant(learningRate, nameof(AdaGrad)), epsilon)
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 1;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor total = rule[0] + Tensor.Square(gradient);
        rule.Keep(0, total);
        return parameter - gradient * rule.LearningRate / (Tensor.Sqrt(total) + epsilon);
    }
}

/// <summary>
/// AdaGrad that forgets: h becomes decay h + (1 - decay) g^2, then w becomes w - learningRate g / (sqrt(h) + epsilon)
/// (Tieleman and Hinton 2012). h starts at 0.
/// </summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
/// <param name="decay">The part of h that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
public sealed class RMSProp(Func<int, double> schedule, double decay = 0.9, double epsilon = 1e-7) : Optimizer(schedule)
{
    private readonly double decay = Shapes.Fraction(decay, nameof(RMSProp), nameof(decay));
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(RMSProp), nameof(epsilon));

    /// <summary>RMSProp with one learning rate.</summary>
    /// <exception cref="ArgumentException">A number is not positive, or the decay does not lie on [0, 1).</exception>
    public RMSProp(double learningRate = 0.001, double decay = 0.9, double epsilon = 1e-7)
        : this(Constant(learningRate, nameof(RMSProp)), decay, epsilon)
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 1;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor mean = rule[0] * decay + Tensor.Square(gradient) * (1 - decay);
        rule.Keep(0, mean);
        return parameter - gradient * rule.LearningRate / (Tensor.Sqrt(mean) + epsilon);
    }
}

/// <summary>
/// Adaptive moments: m becomes beta1 m + (1 - beta1) g, v becomes beta2 v + (1 - beta2) g^2, then w becomes
/// w - learningRate m' / (sqrt(v') + epsilon), where m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) correct for
/// their start at 0 and t counts steps from 1 (Kingma and Ba 2015).
/// </summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
public sealed class Adam(Func<int, double> schedule, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    : Optimizer(schedule)
{
    private readonly double beta1 = Shapes.Fraction(beta1, nameof(Adam), nameof(beta1));
    private readonly double beta2 = Shapes.Fraction(beta2, nameof(Adam), nameof(beta2));
    private readonly double epsilon = Shapes.Positive(epsilon, nameof(Adam), nameof(epsilon));

    /// <summary>Adam with one learning rate.</summary>
    /// <exception cref="ArgumentException">A number is not positive, or a beta does not lie on [0, 1).</exception>
    public Adam(double learningRate = 0.001, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
        : this(Constant(learningRate, nameof(Adam)), beta1, beta2, epsilon)
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 2;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        // The moments are kept without their factors 1 - beta, which are numbers and join the learning rate and epsilon
        // below: every pass over the parameters that is saved counts.
        Tensor mean = rule[0] * beta1 + gradient;
        Tensor square = rule[1] * beta2 + Tensor.Square(gradient);
        rule.Keep(0, mean);
        rule.Keep(1, square);
        double meanFactor = (1 - beta1) / (1 - Math.Pow(beta1, rule.Number));
        double root = Math.Sqrt((1 - beta2) / (1 - Math.Pow(beta2, rule.Number)));
        return parameter - mean / (Tensor.Sqrt(square) + epsilon / root) * (rule.LearningRate * meanFactor / root);
    }
}
