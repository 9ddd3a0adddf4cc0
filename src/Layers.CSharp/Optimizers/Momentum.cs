namespace Autodiff.Layers;

/// <summary>Gradient descent: w - learningRate g (stochastic when gradients come from batches).</summary>
/// <param name="learningRate">The learning rate; 0.01 if none is given.</param>
public sealed class SGD(Schedule? learningRate = null) : ElementwiseOptimizer(learningRate ?? 0.01)
{
    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots => [];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) =>
        parameter - gradient * rule.LearningRate;
}

/// <summary>
/// Gradient descent with a velocity: v becomes momentum v + g, then w becomes w - learningRate v. The velocity starts
/// at 0, so that the first step is the plain gradient step, as in PyTorch (Polyak 1964; Sutskever et al. 2013).
/// </summary>
/// <param name="learningRate">The learning rate; 0.01 if none is given.</param>
/// <param name="momentum">The part of the velocity that is kept, at least 0 and below 1.</param>
/// <exception cref="ArgumentException">The momentum does not lie on [0, 1).</exception>
public sealed class Momentum(Schedule? learningRate = null, double momentum = 0.9) : ElementwiseOptimizer(learningRate ?? 0.01)
{
    private readonly double momentum = Shapes.Fraction(momentum, nameof(Momentum), nameof(momentum));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["velocity"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) =>
        parameter - rule.Keep(0, rule[0] * momentum + gradient) * rule.LearningRate;
}

/// <summary>
/// Momentum that looks ahead: v becomes momentum v + g, then w becomes w - learningRate (g + momentum v), as in PyTorch
/// (Nesterov 1983; Sutskever et al. 2013).
/// </summary>
/// <param name="learningRate">The learning rate; 0.01 if none is given.</param>
/// <param name="momentum">The part of the velocity that is kept, at least 0 and below 1.</param>
/// <exception cref="ArgumentException">The momentum does not lie on [0, 1).</exception>
public sealed class Nesterov(Schedule? learningRate = null, double momentum = 0.9) : ElementwiseOptimizer(learningRate ?? 0.01)
{
    private readonly double momentum = Shapes.Fraction(momentum, nameof(Nesterov), nameof(momentum));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["velocity"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor velocity = rule.Keep(0, rule[0] * momentum + gradient);
        return parameter - (gradient + velocity * momentum) * rule.LearningRate;
    }
}

/// <summary>
/// Steps of one length in each coordinate: w becomes w - learningRate sign(beta1 m + (1 - beta1) g), then m becomes beta2 m
/// + (1 - beta2) g (Chen et al. 2023). The sign of 0 is 0. Its learning rate is some ten times smaller than Adam's; it is
/// meant to be used with <see cref="DecoupledWeightDecay"/>.
/// </summary>
/// <param name="learningRate">The learning rate; 0.0001 if none is given.</param>
/// <param name="beta1">The share of m in the direction of a step, at least 0 and below 1.</param>
/// <param name="beta2">The part of m that is kept, at least 0 and below 1.</param>
/// <exception cref="ArgumentException">A beta does not lie on [0, 1).</exception>
public sealed class Lion(Schedule? learningRate = null, double beta1 = 0.9, double beta2 = 0.99)
    : ElementwiseOptimizer(learningRate ?? 1e-4)
{
    private readonly double beta1 = Shapes.Fraction(beta1, nameof(Lion), nameof(beta1));
    private readonly double beta2 = Shapes.Fraction(beta2, nameof(Lion), nameof(beta2));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<string> Slots { get; } = ["mean"];

    /// <inheritdoc/>
    protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor direction = Tensor.Signum(rule[0] * beta1 + gradient * (1 - beta1));
        rule.Keep(0, rule[0] * beta2 + gradient * (1 - beta2));
        return parameter - direction * rule.LearningRate;
    }
}
