namespace Autodiff.Layers;

/// <summary>
/// A rule that improves parameters by gradients: two functions over trees of tensors (<see cref="Parameters"/>,
/// records, tuples, arrays, a single tensor). It is immutable; what it remembers is an <see cref="OptimizerState"/>.
/// </summary>
/// <remarks><see cref="Update"/> returns the new parameters, not differences to be added: every step is one function
/// call. The state that layers keep (<see cref="Parameters.Trainable"/> is the rest) stays as it is. An optimizer of one's own overrides <see cref="Slots"/> and <see cref="Step"/>.</remarks>
/// <example><code>
/// var optimizer = new Adam(learningRate: 1e-3);
/// OptimizerState state = optimizer.Init(parameters);
/// var lossAndGradient = Gradient.ValueAndGrad((Parameters p) => loss.Of(network.Apply(p, inputs), targets));
/// (Tensor value, Parameters gradients) = lossAndGradient(parameters);
/// (parameters, state) = optimizer.Update(gradients, state, parameters);
/// </code></example>
public abstract class Optimizer
{
    private readonly Func<int, double> schedule;

    /// <summary>An optimizer with a learning rate that is a function of the number of steps taken before.</summary>
    protected Optimizer(Func<int, double> schedule)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        this.schedule = schedule;
    }

    /// <summary>An optimizer with the learning rates of another.</summary>
    private protected Optimizer(Optimizer other)
    {
        ArgumentNullException.ThrowIfNull(other);
        schedule = other.schedule;
    }

    /// <summary>The state before the first step, for parameters of these shapes: zeros.</summary>
    public OptimizerState Init<T>(T parameters)
    {
        if (parameters is Parameters { HasState: true } all) return Init(all.Trainable);
        Tensor[] leaves = Tree.leaves(parameters);
        var slots = new Tensor[Slots][];
        for (int i = 0; i < slots.Length; i++) slots[i] = Array.ConvertAll(leaves, TensorModule.zerosLike);
        return new(0, slots);
    }

    /// <summary>One step: the improved parameters, and the state after it.</summary>
    /// <param name="gradients">The gradients, with the structure and shapes of the parameters.</param>
    /// <param name="state">What <see cref="Init"/> or the previous step returned.</param>
    /// <param name="parameters">The parameters before the step.</param>
    /// <exception cref="ArgumentException">The structures or shapes differ, or the schedule gives no learning
    /// rate.</exception>
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
        double learningRate = schedule(state.Step);
        if (!double.IsFinite(learningRate) || learningRate < 0)
        {
            throw new ArgumentException(
                $"{GetType().Name}: the learning rate of step {state.Step} is {learningRate}; it must be a number from 0 up.");
        }

        Tensor[][] kept = Array.ConvertAll(state.Slots, slot => (Tensor[])slot.Clone());
        IReadOnlyList<Tensor> prepared = Prepare(slopes, before);
        var after = new Tensor[before.Length];
        for (int i = 0; i < after.Length; i++)
            after[i] = Step(prepared[i], before[i], new(learningRate, state.Step + 1, i, kept));
        return (Tree.withLeaves(parameters, after), new(state.Step + 1, kept));
    }

    /// <summary>The number of tensors that are kept for each parameter, such as one velocity.</summary>
    protected abstract int Slots { get; }

    /// <summary>The gradients that <see cref="Step"/> is to see: where what happens to one depends on all.</summary>
    protected virtual IReadOnlyList<Tensor> Prepare(IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> parameters) => gradients;

    /// <summary>The new value of one parameter.</summary>
    protected abstract Tensor Step(Tensor gradient, Tensor parameter, Rule rule);

    /// <summary>A schedule of one learning rate, which must be positive.</summary>
    private protected static Func<int, double> Constant(double learningRate, string owner)
    {
        double rate = Shapes.Positive(learningRate, owner, nameof(learningRate));
        return _ => rate;
    }

    private protected static int SlotsOf(Optimizer other) => other.Slots;

    private protected static IReadOnlyList<Tensor> PrepareBy(
        Optimizer other, IReadOnlyList<Tensor> gradients, IReadOnlyList<Tensor> parameters) => other.Prepare(gradients, parameters);

    private protected static Tensor StepBy(Optimizer other, Tensor gradient, Tensor parameter, Rule rule) =>
        other.Step(gradient, parameter, rule);

    private void Check(Tensor[] gradients, OptimizerState state, Tensor[] parameters)
    {
        string name = GetType().Name;
        if (gradients.Length != parameters.Length)
            throw new ArgumentException($"{name}: {gradients.Length} gradients were given for {parameters.Length} parameters.");
        if (state.Slots.Length != Slots || Array.Exists(state.Slots, slot => slot.Length != parameters.Length))
            throw new ArgumentException($"{name}: the state belongs to another optimizer or other parameters; make it with Init.");
        for (int i = 0; i < parameters.Length; i++)
        {
            if (!gradients[i].Shape.AsSpan().SequenceEqual(parameters[i].Shape))
            {
                throw new ArgumentException(
                    $"{name}: gradient {i} has shape {Shapes.Format(gradients[i].Shape)}, its parameter "
                    + $"{Shapes.Format(parameters[i].Shape)}; gradients must be those of these parameters.");
            }
        }
    }

    /// <summary>What the step of one parameter needs besides its gradient.</summary>
    protected readonly struct Rule
    {
        private readonly int index;
        private readonly Tensor[][] kept;

        internal Rule(double learningRate, int number, int index, Tensor[][] kept)
        {
            LearningRate = learningRate;
            Number = number;
            this.index = index;
            this.kept = kept;
        }

        /// <summary>The learning rate of this step.</summary>
        public double LearningRate { get; }

        /// <summary>The number of this step, from 1.</summary>
        public int Number { get; }

        /// <summary>The tensor that is kept for the parameter in a slot.</summary>
        public Tensor this[int slot] => kept[slot][index];

        /// <summary>Replaces the tensor that is kept for the parameter in a slot, for the next step.</summary>
        public void Keep(int slot, Tensor value) => kept[slot][index] = value;
    }
}

/// <summary>What an optimizer carries from step to step: the number of steps taken, and tensors such as
/// velocities.</summary>
/// <remarks>It is an immutable tree of tensors, so that it can be saved and restored with the parameters.</remarks>
public sealed class OptimizerState : ITree
{
    internal OptimizerState(int step, Tensor[][] slots) => (Step, Slots) = (step, slots);

    /// <summary>The number of steps taken so far.</summary>
    public int Step { get; }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Leaves => [.. Slots.SelectMany(slot => slot)];

    /// <summary>Tensors by kind and by parameter.</summary>
    internal Tensor[][] Slots { get; }

    object ITree.Structure => Step;

    ITree ITree.WithLeaves(IReadOnlyList<Tensor> leaves)
    {
        int count = Slots.Sum(slot => slot.Length), position = 0;
        return leaves.Count == count
            ? new OptimizerState(Step, Array.ConvertAll(Slots, slot => Array.ConvertAll(slot, _ => leaves[position++])))
            : throw new ArgumentException($"OptimizerState: {leaves.Count} tensors were given for {count}.");
    }
}
