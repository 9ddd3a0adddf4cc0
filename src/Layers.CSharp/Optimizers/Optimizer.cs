namespace Autodiff.Layers;

/// <summary>
/// A rule that improves parameters by gradients: two functions over trees of tensors (<see cref="Parameters"/>,
/// records, tuples, arrays, a single tensor). It is immutable; what it remembers is an <see cref="OptimizerState"/>.
/// </summary>
/// <remarks><see cref="Update"/> returns the new parameters, not differences to be added: every step is one function
/// call. It is a pure function of tensors, the number of the step and the learning rate included, and the same for every
/// step: compiled once, it serves all. The state that layers keep (<see cref="Parameters.Trainable"/> is the rest) stays as
/// it is. An optimizer of one's own is usually an <see cref="ElementwiseOptimizer"/>.</remarks>
/// <example><code>
/// var optimizer = new Adam(learningRate: 1e-3);
/// OptimizerState state = optimizer.Init(parameters);
/// var lossAndGradient = Gradient.ValueAndGrad((Parameters p) => loss.Of(network.Apply(p, inputs), targets));
/// (Tensor value, Parameters gradients) = lossAndGradient(parameters);
/// (parameters, state) = optimizer.Update(gradients, state, parameters);
/// </code></example>
public abstract class Optimizer
{
    /// <summary>The state before the first step, for parameters of these names, shapes and types.</summary>
    public OptimizerState Init<T>(T parameters)
    {
        if (parameters is Parameters { HasState: true } all) return Init(all.Trainable);
        Tensor[] leaves = Tree.leaves(parameters);
        string[] names = Tree.names(parameters);
        IReadOnlyList<(string Name, Tensor Value)> memory = Start(names, leaves);
        Device? device = leaves.Length > 0 ? leaves[0].Device : null;
        return new(
            new(names, [.. memory.Select(entry => entry.Name)]), Tensor.Full([], 0, DType.Int64, device),
            Tensor.Full([], 1, DType.Float64, device), [.. memory.Select(entry => entry.Value)]);
    }

    /// <summary>One step: the improved parameters, and the state after it.</summary>
    /// <param name="gradients">The gradients, with the structure and shapes of the parameters.</param>
    /// <param name="state">What <see cref="Init"/> or the previous step returned.</param>
    /// <param name="parameters">The parameters before the step.</param>
    /// <exception cref="ArgumentException">The structures or shapes differ, or the schedule gives no learning rate (which
    /// a compiled step does not see).</exception>
    public (T Parameters, OptimizerState State) Update<T>(T gradients, OptimizerState state, T parameters)
    {
        if (parameters is Parameters { HasState: true } all && gradients is Parameters slopesOfAll)
        {
            (Parameters trained, OptimizerState next) = Update(slopesOfAll.Trainable, state, all.Trainable);
            return ((T)(object)all.WithTrainable(trained), next);
        }

        Tensor[] before = Tree.leaves(parameters);
        Tensor[] slopes = Tree.leaves(gradients);
        Check(slopes, state, before);
        Tensor number = state.Step + 1.0;
        (Tensor[] after, Tensor[] memory) =
            Next(new(state.Layout.Parameters, slopes, before, state.Memory, number.To(DType.Float64), state.RateScale));
        return (Tree.withLeaves(parameters, after), new(state.Layout, number, state.RateScale, memory));
    }

    /// <summary>The learning rate of the next step.</summary>
    public double LearningRate(OptimizerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        return (Rate((state.Step + 1.0).To(DType.Float64)) * state.RateScale).ToDouble();
    }

    /// <summary>The tensors to remember before the first step, with names, which differ.</summary>
    protected internal abstract IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters);

    /// <summary>The number of tensors that <see cref="Start"/> gives for parameters of these names.</summary>
    protected internal abstract int MemoryCount(IReadOnlyList<string> names);

    /// <summary>The parameters after a step, and the tensors to remember, of the same number, shapes and types.</summary>
    protected internal abstract (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step);

    /// <summary>The learning rate of the step of a number from 1 on, both float64 scalars.</summary>
    protected internal abstract Tensor Rate(Tensor number);

    /// <summary>The name of what is remembered of a parameter: <c>velocity.0.weight</c>.</summary>
    private protected static string NameOf(string kind, string parameter) =>
        parameter.Length == 0 ? kind : parameter[0] == '[' ? kind + parameter : $"{kind}.{parameter}";

    private void Check(Tensor[] gradients, OptimizerState state, Tensor[] parameters)
    {
        string name = GetType().Name;
        if (gradients.Length != parameters.Length)
            throw new ArgumentException($"{name}: {gradients.Length} gradients were given for {parameters.Length} parameters.");
        string[] names = state.Layout.Parameters;
        if (names.Length != parameters.Length || state.Memory.Length != MemoryCount(names))
            throw new ArgumentException($"{name}: the state belongs to another optimizer or other parameters; make it with Init.");
        for (int i = 0; i < parameters.Length; i++)
        {
            if (!gradients[i].Shape.AsSpan().SequenceEqual(parameters[i].Shape))
            {
                string which = names[i].Length > 0 ? $"'{names[i]}'" : $"{i}";
                throw new ArgumentException(
                    $"{name}: gradient {which} has shape {Shapes.Format(gradients[i].Shape)}, its parameter "
                    + $"{Shapes.Format(parameters[i].Shape)}; gradients must be those of these parameters.");
            }
        }
    }
}

/// <summary>What an optimizer is given for one step.</summary>
/// <param name="Names">The names of the parameters.</param>
/// <param name="Gradients">The gradients.</param>
/// <param name="Parameters">The parameters before the step.</param>
/// <param name="Memory">What is remembered.</param>
/// <param name="Number">The number of this step, from 1 on, a float64 scalar.</param>
/// <param name="RateScale">What the learning rate of the schedule is multiplied by, a float64 scalar.</param>
public sealed record OptimizerStep(
    IReadOnlyList<string> Names, IReadOnlyList<Tensor> Gradients, IReadOnlyList<Tensor> Parameters, IReadOnlyList<Tensor> Memory,
    Tensor Number, Tensor RateScale);

/// <summary>What an optimizer carries from step to step: the number of steps taken, and tensors such as
/// velocities.</summary>
/// <remarks>It is an immutable tree of named tensors of one structure for all steps, so that it can be saved, restored,
/// and handed to a compiled step.</remarks>
public sealed class OptimizerState : INamedTree
{
    internal OptimizerState(StateLayout layout, Tensor step, Tensor rateScale, Tensor[] memory) =>
        (Layout, Step, RateScale, Memory) = (layout, step, rateScale, memory);

    /// <summary>The number of steps taken so far, an int64 scalar.</summary>
    public Tensor Step { get; }

    /// <summary>What the learning rate of the schedule is multiplied by, a float64 scalar: 1, unless something such as
    /// <see cref="ReduceOnPlateau"/> has changed it.</summary>
    public Tensor RateScale { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Leaves => [Step, RateScale, .. Memory];

    /// <inheritdoc/>
    public IReadOnlyList<string> Names => ["step", "rateScale", .. Layout.Memory];

    internal StateLayout Layout { get; }

    internal Tensor[] Memory { get; }

    object ITree.Structure => Layout;

    /// <summary>The same state, with learning rates that are those of the schedule times a number.</summary>
    /// <exception cref="ArgumentException">The number is negative, infinite or NaN.</exception>
    public OptimizerState WithRateScale(double scale) =>
        scale >= 0 && double.IsFinite(scale)
            ? new(Layout, Step, Tensor.Full([], scale, DType.Float64, Step.Device), Memory)
            : throw new ArgumentException($"OptimizerState: the scale {scale} is not a number from 0 up.");

    ITree ITree.WithLeaves(IReadOnlyList<Tensor> leaves) => WithLeaves(leaves);

    /// <summary>The same names with other tensors.</summary>
    internal OptimizerState WithLeaves(IReadOnlyList<Tensor> leaves)
    {
        if (leaves.Count != Memory.Length + 2)
            throw new ArgumentException($"OptimizerState: {leaves.Count} tensors were given for {Memory.Length + 2}.");
        var memory = new Tensor[Memory.Length];
        for (int i = 0; i < memory.Length; i++) memory[i] = leaves[i + 2];
        return new OptimizerState(Layout, leaves[0], leaves[1], memory);
    }
}

/// <summary>The names of parameters, and of what is remembered of them.</summary>
internal sealed class StateLayout(string[] parameters, string[] memory) : IEquatable<StateLayout>
{
    private readonly int hash = memory.Aggregate(parameters.Length, HashCode.Combine);

    internal string[] Parameters { get; } = parameters;

    internal string[] Memory { get; } = memory;

    public bool Equals(StateLayout? other) =>
        ReferenceEquals(this, other)
        || (other is not null && hash == other.hash && Parameters.AsSpan().SequenceEqual(other.Parameters)
            && Memory.AsSpan().SequenceEqual(other.Memory));

    public override bool Equals(object? obj) => Equals(obj as StateLayout);

    public override int GetHashCode() => hash;
}
