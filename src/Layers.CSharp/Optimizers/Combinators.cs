namespace Autodiff.Layers;

/// <summary>Decoupled weight decay: w shrinks to (1 - learningRate rate) w before the step of another optimizer, which
/// does not see it in the gradient (Loshchilov and Hutter 2019).</summary>
/// <param name="optimizer">The optimizer.</param>
/// <param name="rate">The strength, positive.</param>
/// <exception cref="ArgumentException">The rate is not positive.</exception>
/// <example><code>
/// var optimizer = new DecoupledWeightDecay(new Lion(1e-4), 0.1);
/// </code></example>
public class DecoupledWeightDecay(ElementwiseOptimizer optimizer, double rate) : ElementwiseOptimizer(optimizer.Schedule)
{
    private readonly double rate = Shapes.Positive(rate, nameof(DecoupledWeightDecay), nameof(rate));

    /// <inheritdoc/>
    protected internal sealed override IReadOnlyList<string> Slots => optimizer.Slots;

    /// <inheritdoc/>
    protected internal sealed override Tensor First(int slot, Tensor parameter) => optimizer.First(slot, parameter);

    /// <inheritdoc/>
    protected internal sealed override IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) =>
        [.. optimizer.Shared(learningRate, number), 1 - learningRate * rate];

    /// <inheritdoc/>
    protected internal sealed override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) =>
        optimizer.Step(gradient, parameter * rule.Shared(rule.SharedCount - 1), rule);
}

/// <summary>Adam with decoupled weight decay: w becomes (1 - learningRate weightDecay) w, and then steps as by <see
/// cref="Adam"/> (Loshchilov and Hutter 2019).</summary>
/// <param name="learningRate">The learning rate; 0.001 if none is given.</param>
/// <param name="weightDecay">The strength of the decay, positive.</param>
/// <param name="beta1">The part of the mean of gradients that is kept, at least 0 and below 1.</param>
/// <param name="beta2">The part of the mean of squares that is kept, at least 0 and below 1.</param>
/// <param name="epsilon">A positive number, added outside the root, that keeps the quotient finite.</param>
/// <exception cref="ArgumentException">A number is not positive, or a beta does not lie on [0, 1).</exception>
public sealed class AdamW(
    Schedule? learningRate = null, double weightDecay = 0.01, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8)
    : DecoupledWeightDecay(new Adam(learningRate, beta1, beta2, epsilon), weightDecay);

/// <summary>Leaves parameters as they are: for a group of <see cref="ParameterGroups"/> that is not to be
/// trained.</summary>
public sealed class Frozen : Optimizer
{
    /// <inheritdoc/>
    protected internal override IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters) => [];

    /// <inheritdoc/>
    protected internal override int MemoryCount(IReadOnlyList<string> names) => 0;

    /// <inheritdoc/>
    protected internal override Tensor Rate(Tensor number) => number * 0;

    /// <inheritdoc/>
    protected internal override (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step) => ([.. step.Parameters], []);
}

/// <summary>Different optimizers, or learning rates, for different parameters, chosen by their names.</summary>
/// <example><code>
/// var optimizer = new ParameterGroups(
///     new AdamW(1e-3),
///     (name => name.StartsWith("0."), new Frozen()),
///     (name => name.EndsWith("bias"), new Adam(1e-3)));
/// </code></example>
public sealed class ParameterGroups : Optimizer
{
    private readonly (Func<string, bool> Contains, Optimizer Optimizer)[] groups;

    /// <summary>Optimizers for the parameters whose full names (<c>"0.weight"</c>) satisfy a condition.</summary>
    /// <param name="others">The optimizer of the parameters of no group; its learning rate is the one that is
    /// shown.</param>
    /// <param name="groups">Conditions and optimizers; a parameter belongs to the first group that it satisfies.</param>
    public ParameterGroups(Optimizer others, params IReadOnlyList<(Func<string, bool> Contains, Optimizer Optimizer)> groups)
    {
        ArgumentNullException.ThrowIfNull(others);
        ArgumentNullException.ThrowIfNull(groups);
        this.groups = [.. groups, (_ => true, others)];
    }

    /// <inheritdoc/>
    protected internal override IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters)
    {
        int[][] members = Members(names);
        return
        [
            .. groups.SelectMany((group, i) => group.Optimizer.Start(Pick(names, members[i]), Pick(parameters, members[i]))),
        ];
    }

    /// <inheritdoc/>
    protected internal override int MemoryCount(IReadOnlyList<string> names)
    {
        int[][] members = Members(names);
        return groups.Select((group, i) => group.Optimizer.MemoryCount(Pick(names, members[i]))).Sum();
    }

    /// <inheritdoc/>
    protected internal override Tensor Rate(Tensor number) => groups[^1].Optimizer.Rate(number);

    /// <inheritdoc/>
    protected internal override (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step)
    {
        int[][] members = Members(step.Names);
        Tensor[] after = [.. step.Parameters];
        var memory = new List<Tensor>();
        for (int i = 0; i < groups.Length; i++)
        {
            Optimizer optimizer = groups[i].Optimizer;
            string[] names = Pick(step.Names, members[i]);
            Tensor[] remembered = [.. step.Memory.Skip(memory.Count).Take(optimizer.MemoryCount(names))];
            (Tensor[] parameters, Tensor[] next) = optimizer.Next(step with
            {
                Names = names,
                Gradients = Pick(step.Gradients, members[i]),
                Parameters = Pick(step.Parameters, members[i]),
                Memory = remembered,
            });
            for (int k = 0; k < parameters.Length; k++) after[members[i][k]] = parameters[k];
            memory.AddRange(next);
        }

        return (after, [.. memory]);
    }

    /// <summary>The positions of the parameters of each group.</summary>
    private int[][] Members(IReadOnlyList<string> names)
    {
        int[] group = [.. names.Select(name => Array.FindIndex(groups, candidate => candidate.Contains(name)))];
        return [.. groups.Select((_, i) => Enumerable.Range(0, group.Length).Where(k => group[k] == i).ToArray())];
    }

    private static T[] Pick<T>(IReadOnlyList<T> items, int[] positions) => Array.ConvertAll(positions, i => items[i]);
}

/// <summary>Batches in parts: gradients are added up, and in every so many steps the optimizer makes one of its own with
/// their mean, as if the batches had been one. In the others the parameters stay.</summary>
/// <remarks>The optimizer and its schedule count its own steps.</remarks>
/// <param name="optimizer">The optimizer.</param>
/// <param name="steps">The number of gradients of one step, at least 1.</param>
/// <exception cref="ArgumentException">The number is not positive.</exception>
/// <example><code>
/// var optimizer = new Accumulate(new Chain(new Adam(1e-3), new ClipByNorm(1)), steps: 4);
/// </code></example>
public sealed class Accumulate(Optimizer optimizer, int steps) : Optimizer
{
    private readonly int steps = Shapes.AtLeast(1, steps, nameof(Accumulate), nameof(steps));

    /// <inheritdoc/>
    protected internal override IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters) =>
        [
            .. parameters.Select((parameter, i) =>
                (NameOf("sum", names[i]), Tensor.Full(parameter.Shape, 0, DTypes.ComputeType(parameter.DType), parameter.Device))),
            .. optimizer.Start(names, parameters),
        ];

    /// <inheritdoc/>
    protected internal override int MemoryCount(IReadOnlyList<string> names) => names.Count + optimizer.MemoryCount(names);

    /// <inheritdoc/>
    protected internal override Tensor Rate(Tensor number) => optimizer.Rate(Tensor.Ceiling(number / steps));

    /// <inheritdoc/>
    protected internal override (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step)
    {
        int count = step.Parameters.Count;
        Tensor[] sums = [.. step.Gradients.Select((gradient, i) => step.Memory[i] + gradient.To(step.Memory[i].DType))];
        Tensor number = Tensor.Ceiling(step.Number / steps);
        Tensor isFull = Tensor.EqualTo(number * steps, step.Number);
        (Tensor[] parameters, Tensor[] nextSums, Tensor[] memory) = ControlFlow.Cond(
            isFull,
            ((Tensor[] Parameters, Tensor[] Sums, Tensor[] Memory) before) =>
            {
                (Tensor[] after, Tensor[] next) = optimizer.Next(step with
                {
                    Gradients = [.. before.Sums.Select((sum, i) => (sum / steps).To(step.Gradients[i].DType))],
                    Parameters = before.Parameters,
                    Memory = before.Memory,
                    Number = number,
                });
                return (after, Array.ConvertAll(before.Sums, sum => Tensor.ZerosLike(sum)), next);
            },
            before => before,
            ([.. step.Parameters], sums, [.. step.Memory.Skip(count)]));
        return (parameters, [.. nextSums, .. memory]);
    }
}
