namespace Autodiff.Layers;

/// <summary>A change of gradients before an optimizer uses them.</summary>
/// <param name="change">A function of the gradients and the parameters, leaf by leaf in one order, that returns the
/// gradients to use. It must not read values of tensors, so that a step can be compiled.</param>
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

/// <summary>Coupled weight decay: g + rate w, the gradient of the loss with rate / 2 times the sum of squared parameters
/// added. Where an optimizer divides by the size of gradients, <see cref="DecoupledWeightDecay"/> is what decays weights
/// alike.</summary>
/// <param name="rate">The strength, positive.</param>
/// <exception cref="ArgumentException">The rate is not positive.</exception>
public sealed class WeightDecay(double rate) : GradientRule(Change(Shapes.Positive(rate, nameof(WeightDecay), nameof(rate))))
{
    private static Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Change(double rate) =>
        (gradients, parameters) => [.. gradients.Zip(parameters, (g, w) => w.DType.IsFloat() ? g + w * rate : g)];
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
            IEnumerable<Tensor> squares = gradients.Where(g => g.DType.IsFloat()).Select(
                g => Tensor.Square(g.To(DTypes.ComputeType(g.DType))).Sum().To(DType.Float64));
            if (squares.Aggregate((Tensor?)null, (sum, square) => sum is null ? square : sum + square) is not { } total)
                return gradients;
            Tensor factor = maximum / Tensor.Maximum(Tensor.Sqrt(total), total * 0 + maximum);
            return [.. gradients.Select(g => g.DType.IsFloat() ? g * factor.To(g.DType) : g)];
        };
}

/// <summary>Each element of the gradients kept between -maximum and maximum.</summary>
/// <param name="maximum">The largest size, positive.</param>
/// <exception cref="ArgumentException">The bound is not positive.</exception>
public sealed class ClipByValue(double maximum)
    : GradientRule(Change(Shapes.Positive(maximum, nameof(ClipByValue), nameof(maximum))))
{
    private static Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Change(double maximum) =>
        (gradients, _) => [.. gradients.Select(g => g.DType.IsFloat() ? Tensor.Clamp(g, -maximum, maximum) : g)];
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
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        last = optimizer;
        this.rules = [.. rules];
    }

    /// <inheritdoc/>
    protected internal override IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters) => last.Start(names, parameters);

    /// <inheritdoc/>
    protected internal override int MemoryCount(IReadOnlyList<string> names) => last.MemoryCount(names);

    /// <inheritdoc/>
    protected internal override Tensor Rate(Tensor number) => last.Rate(number);

    /// <inheritdoc/>
    protected internal override (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step) =>
        last.Next(step with { Gradients = rules.Aggregate(step.Gradients, (g, rule) => rule.Apply(g, step.Parameters)) });
}
