namespace Autodiff.Layers;

/// <summary>Gradient descent: w - learningRate g (stochastic when gradients come from batches).</summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
public sealed class SGD(Func<int, double> schedule) : Optimizer(schedule)
{
    /// <summary>Gradient descent with one learning rate.</summary>
    /// <exception cref="ArgumentException">The learning rate is not positive.</exception>
    public SGD(double learningRate = 0.01)
        : this(Constant(learningRate, nameof(SGD)))
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 0;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) => parameter - gradient * rule.LearningRate;
}

/// <summary>
/// Gradient descent with a velocity: v becomes momentum v + g, then w becomes w - learningRate v. The velocity starts
/// at 0, so that the first step is the plain gradient step, as in PyTorch (Polyak 1964; Sutskever et al. 2013).
/// </summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
/// <param name="momentum">The part of the velocity that is kept, at least 0 and below 1.</param>
public sealed class Momentum(Func<int, double> schedule, double momentum = 0.9) : Optimizer(schedule)
{
    private readonly double momentum = Shapes.Fraction(momentum, nameof(Momentum), nameof(momentum));

    /// <summary>Momentum with one learning rate.</summary>
    /// <exception cref="ArgumentException">The learning rate is not positive, or the momentum does not lie on [0,
    /// 1).</exception>
    public Momentum(double learningRate = 0.01, double momentum = 0.9)
        : this(Constant(learningRate, nameof(Momentum)), momentum)
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 1;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor velocity = rule[0] * momentum + gradient;
        rule.Keep(0, velocity);
        return parameter - velocity * rule.LearningRate;
    }
}

/// <summary>
/// Momentum that looks ahead: v becomes momentum v + g, then w becomes w - learningRate (g + momentum v), as in PyTorch
/// (Nesterov 1983; Sutskever et al. 2013).
/// </summary>
/// <param name="schedule">The learning rate as a function of the number of steps taken before.</param>
/// <param name="momentum">The part of the velocity that is kept, at least 0 and below 1.</param>
public sealed class Nesterov(Func<int, double> schedule, double momentum = 0.9) : Optimizer(schedule)
{
    private readonly double momentum = Shapes.Fraction(momentum, nameof(Nesterov), nameof(momentum));

    /// <summary>Nesterov's momentum with one learning rate.</summary>
    /// <exception cref="ArgumentException">The learning rate is not positive, or the momentum does not lie on [0,
    /// 1).</exception>
    public Nesterov(double learningRate = 0.01, double momentum = 0.9)
        : this(Constant(learningRate, nameof(Nesterov)), momentum)
    {
    }

    /// <inheritdoc/>
    protected override int Slots => 1;

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule)
    {
        Tensor velocity = rule[0] * momentum + gradient;
        rule.Keep(0, velocity);
        return parameter - (gradient + velocity * momentum) * rule.LearningRate;
    }
}
