namespace Autodiff.Layers;

/// <summary>
/// Adaptive moments: m becomes beta1 m + (1 - beta1) g, v becomes beta2 v + (1 - beta2) g^2, then w becomes
/// w - learningRate m' / (sqrt(v') + epsilon), where m' = m / (1 - beta1^t) and v' = v / (1 - beta2^t) correct for
/// their start at 0 and t counts steps from 1 (Kingma and Ba 2015).
/// </summary>
/// <param name="learningRate">The learning rate; 0.001 if none is given.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <exception cref="ArgumentException">A number is not positive, or a beta does not lie on [0, 1).</exception>
public sealed class Adam(Schedule? learningRate = null, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    : ElementwiseOptimizer(learningRate ?? 0.001)
{
    private readonly Moments moments = new(nameof(Adam), beta1, beta2, epsilon);

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["mean", "square"];

    /// <inheritdoc/>
    protected internal override IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) =>
        moments.Shared(learningRate, number);

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor mean = rule.Keep(0, moments.Mean(rule[0], gradient));
        Tensor square = rule.Keep(1, moments.Square(rule[1], gradient));
        return parameter - mean / (Tensor.Sqrt(square) + rule.Shared(1)) * rule.Shared(0);
    }
}

/// <summary>
/// Adam whose steps never grow again: the root is taken of the largest v so far, u becomes max(u, v), and w becomes w -
/// learningRate m' / (sqrt(u / (1 - beta2^t)) + epsilon), as in PyTorch (Reddi, Kale and Kumar 2018).
/// </summary>
/// <param name="learningRate">The learning rate; 0.001 if none is given.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <exception cref="ArgumentException">A number is not positive, or a beta does not lie on [0, 1).</exception>
public sealed class AMSGrad(Schedule? learningRate = null, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    : ElementwiseOptimizer(learningRate ?? 0.001)
{
    private readonly Moments moments = new(nameof(AMSGrad), beta1, beta2, epsilon);

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["mean", "square", "largest"];

    /// <inheritdoc/>
    protected internal override IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) =>
        moments.Shared(learningRate, number);

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor mean = rule.Keep(0, moments.Mean(rule[0], gradient));
        Tensor square = rule.Keep(1, moments.Square(rule[1], gradient));
        Tensor largest = rule.Keep(2, Tensor.Maximum(rule[2], square));
        return parameter - mean / (Tensor.Sqrt(largest) + rule.Shared(1)) * rule.Shared(0);
    }
}

/// <summary>
/// Adam with Nesterov's momentum, whose share of m grows slowly: with c(t) = beta1 (1 - 0.96^(decay t) / 2) and C(t) = c(1)
/// ... c(t), w becomes w - learningRate ((1 - c(t)) / (1 - C(t)) g + c(t + 1) / (1 - C(t + 1)) m) / (sqrt(v') + epsilon), as in
/// PyTorch (Dozat 2016).
/// </summary>
/// <param name="learningRate">The learning rate; 0.002 if none is given.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <param name="decay">How fast the share grows, positive.</param>
/// <exception cref="ArgumentException">A number is not positive, or a beta does not lie on [0, 1).</exception>
public sealed class NAdam(
    Schedule? learningRate = null, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double decay = 0.004)
    : ElementwiseOptimizer(learningRate ?? 0.002)
{
    private readonly Moments moments = new(nameof(NAdam), beta1, beta2, epsilon);
    private readonly double decay = Shapes.Positive(decay, nameof(NAdam), nameof(decay));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["mean", "square", "product"];

    /// <inheritdoc/>
    protected internal override Tensor First(int slot, Tensor parameter) =>
        slot < 2 ? base.First(slot, parameter) : Tensor.Full([], 1, parameter.DType, parameter.Device);

    /// <inheritdoc/>
    protected internal override IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) =>
        [moments.Root(number), Share(number), Share(number + 1)];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor share = rule.Shared(1), nextShare = rule.Shared(2);
        Tensor mean = rule.Keep(0, moments.Mean(rule[0], gradient));
        Tensor square = rule.Keep(1, moments.Square(rule[1], gradient));
        Tensor product = rule.Keep(2, rule[2] * share);
        Tensor ofGradient = (1 - share) / (1 - product);
        Tensor ofMean = nextShare * (1 - moments.Beta1) / (1 - product * nextShare);
        return parameter - (gradient * ofGradient + mean * ofMean) * rule.LearningRate
            / (Tensor.Sqrt(square) * rule.Shared(0) + moments.Epsilon);
    }

    private Tensor Share(Tensor number) => moments.Beta1 * (1 - 0.5 * Tensor.Pow(0.96, number * decay));
}

/// <summary>
/// Adam for large batches, whose steps are as long as the parameters of a tensor are large: with r = m' / (sqrt(v') + epsilon)
/// + weightDecay w, w becomes w - learningRate (|w| / |r|) r, where the lengths are Euclidean over a tensor, and their
/// quotient is 1 if either is 0 (You et al. 2020).
/// </summary>
/// <param name="learningRate">The learning rate; 0.001 if none is given.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <param name="weightDecay">The weight of the parameters in the direction, from 0 up.</param>
/// <exception cref="ArgumentException">A number lies outside its range.</exception>
public sealed class LAMB(
    Schedule? learningRate = null, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-6, double weightDecay = 0)
    : ElementwiseOptimizer(learningRate ?? 0.001)
{
    private readonly Moments moments = new(nameof(LAMB), beta1, beta2, epsilon);
    private readonly double weightDecay = weightDecay == 0 ? 0 : Shapes.Positive(weightDecay, nameof(LAMB), nameof(weightDecay));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["mean", "square"];

    /// <inheritdoc/>
    protected internal override IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) =>
        moments.Shared(Tensor.Full([], 1, DType.Float64, number.Device), number);

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor mean = rule.Keep(0, moments.Mean(rule[0], gradient));
        Tensor square = rule.Keep(1, moments.Square(rule[1], gradient));
        Tensor direction = mean / (Tensor.Sqrt(square) + rule.Shared(1)) * rule.Shared(0);
        if (weightDecay > 0) direction += parameter * weightDecay;
        Tensor lengths = Tensor.Sqrt(Tensor.Square(parameter).Sum()), length = Tensor.Sqrt(Tensor.Square(direction).Sum());
        Tensor isZero = Tensor.EqualTo(lengths * length, length * 0);
        Tensor ratio = Tensor.Where(isZero, length * 0 + 1, lengths / Tensor.Where(isZero, length * 0 + 1, length));
        return parameter - direction * (rule.LearningRate * ratio);
    }
}

/// <summary>The running means of gradients and of their squares, for the family of Adam.</summary>
/// <remarks>They are kept without their factors 1 - beta, which join the learning rate and epsilon: every pass over the
/// parameters that is saved counts.</remarks>
internal sealed class Moments(string owner, double beta1, double beta2, double epsilon)
{
    private readonly double beta2 = Shapes.Fraction(beta2, owner, nameof(beta2));

    internal double Beta1 { get; } = Shapes.Fraction(beta1, owner, nameof(beta1));

    internal double Epsilon { get; } = Shapes.Positive(epsilon, owner, nameof(epsilon));

    internal Tensor Mean(Tensor mean, Tensor gradient) => mean * Beta1 + gradient;

    internal Tensor Square(Tensor square, Tensor gradient) => square * beta2 + Tensor.Square(gradient);

    /// <summary>What turns the root of the kept squares into sqrt(v').</summary>
    internal Tensor Root(Tensor number) => Tensor.Sqrt((1 - beta2) / (1 - Tensor.Pow(beta2, number)));

    /// <summary>The factor a and the term e for which a mean / (sqrt(square) + e) is the step.</summary>
    internal IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number)
    {
        Tensor root = Root(number);
        return [learningRate * (1 - Beta1) / (1 - Tensor.Pow(Beta1, number)) / root, Epsilon / root];
    }
}
