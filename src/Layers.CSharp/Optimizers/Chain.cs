namespace Autodiff.Layers;

/// <summary>A change of gradients before an optimizer uses them.</summary>
/// <param name="change">A function of the gradients and the parameters, leaf by leaf in one order, that returns the
/// gradients to use.</param>
public class GradientRule(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> change)
{
    /// <summary>The gradients to use.</summary>
    /// <exception cref="InvalidOperationException">The rule returned another number of gradients.</exception>
    public IReadOnlyList<Tensor> Apply(IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> parameters)
    {
        IReadOnlyList<Tensor> changed = change(gradients, parameters);
        return changed.Count == gradients.Count
            ? changed
            : throw new InvalidOperationException(
                $"{GetType().Name}: {changed.Count} gradients were returned for {gradients.Count}.");
    }
}

/// <summary>Weight decay: g + rate w, the gradient of the loss with rate / 2 times the sum of squared parameters
/// added.</summary>
/// <param name="rate">The strength, positive.</param>
/// <exception cref="ArgumentException">The rate is not positive.</exception>
public sealed class WeightDecay(double rate) : GradientRule(Change(Shapes.Positive(rate, nameof(WeightDecay), nameof(rate))))
{
    private static Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Change(double rate) =>
        (gradients, parameters) => [.. gradients.Zip(parameters, (g, w) => g + w * rate)];
}

/// <summary>Gradients scaled down together so that their Euclidean length is at most a bound (Pascanu et al.
/// 2013).</summary>
/// <param name="maximum">The largest length, positive.</param>
/// <exception cref="ArgumentException">The bound is not positive.</exception>
public sealed class ClipByNorm(double maximum)
    : GradientRule(Change(Shapes.Positive(maximum, nameof(ClipByNorm), nameof(maximum))))
{
    private static Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Change(double maximum) =>
        (gradients, _) =>
        {
            double norm = Math.Sqrt(gradients.Sum(g => Tensor.Square(g).Sum().ToDouble()));
            return norm > maximum ? [.. gradients.Select(g => g * (maximum / norm))] : gradients;
        };
}

/// <summary>Rules that change gradients, one after another, before an optimizer uses them.</summary>
/// <example><code>
/// var optimizer = new Chain(new SGD(0.1), new ClipByNorm(1), new WeightDecay(1e-4));
/// </code></example>
public sealed class Chain : Optimizer
{
    private readonly Optimizer last;
    private readonly GradientRule[] rules;

    /// <summary>An optimizer that sees gradients changed by rules, the first rule first.</summary>
    public Chain(Optimizer optimizer, params IEnumerable<GradientRule> rules)
        : base(optimizer)
    {
        last = optimizer;
        this.rules = [.. rules];
    }

    /// <inheritdoc/>
    protected override int Slots => SlotsOf(last);

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Prepare(IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> parameters) =>
        PrepareBy(last, rules.Aggregate(gradients, (changed, rule) => rule.Apply(changed, parameters)), parameters);

    /// <inheritdoc/>
    protected override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) => StepBy(last, gradient, parameter, rule);
}
