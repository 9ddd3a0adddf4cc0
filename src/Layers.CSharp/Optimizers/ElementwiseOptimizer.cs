namespace Autodiff.Layers;

/// <summary>An optimizer that treats each parameter by itself, by one formula with one schedule.</summary>
/// <remarks>An optimizer of one's own overrides <see cref="Slots"/> and <see cref="Step"/>. Parameters of 16-bit types
/// are stepped, and remembered, in float32; tensors that are not floating-point stay as they are.</remarks>
/// <param name="schedule">The learning rate.</param>
/// <example><code>
/// // Gradient descent by the sign of a running sum.
/// sealed class SignSum(Schedule learningRate) : ElementwiseOptimizer(learningRate)
/// {
///     protected internal override IReadOnlyList&lt;string&gt; Slots => ["sum"];
///
///     protected internal override Tensor Step(Tensor gradient, Tensor parameter, Rule rule) =>
///         parameter - Tensor.Signum(rule.Keep(0, rule[0] + gradient)) * rule.LearningRate;
/// }
/// </code></example>
public abstract class ElementwiseOptimizer(Schedule schedule) : Optimizer
{
    /// <summary>The learning rate.</summary>
    public Schedule Schedule { get; } = schedule ?? throw new ArgumentNullException(nameof(schedule));

    /// <summary>The names of the tensors that are kept for each parameter, such as one velocity.</summary>
    protected internal abstract IReadOnlyList<string> Slots { get; }

    /// <summary>The first value of a tensor that is kept: zeros.</summary>
    /// <param name="slot">Its place in <see cref="Slots"/>.</param>
    /// <param name="parameter">The parameter, float32 or float64.</param>
    protected internal virtual Tensor First(int slot, Tensor parameter) =>
        Tensor.Full(parameter.Shape, 0, parameter.DType, parameter.Device);

    /// <summary>Scalars that are the same for all parameters in a step, so that they are computed once: for <see
    /// cref="Rule.Shared"/>.</summary>
    /// <param name="learningRate">The learning rate, float64.</param>
    /// <param name="number">The number of the step, from 1 on, float64.</param>
    protected internal virtual IReadOnlyList<Tensor> Shared(Tensor learningRate, Tensor number) => [];

    /// <summary>The new value of one parameter.</summary>
    protected internal abstract Tensor Step(Tensor gradient, Tensor parameter, Rule rule);

    /// <inheritdoc/>
    protected internal sealed override Tensor Rate(Tensor number) => Schedule.At(number - 1);

    /// <inheritdoc/>
    protected internal sealed override int MemoryCount(IReadOnlyList<string> names) => Slots.Count * names.Count;

    /// <inheritdoc/>
    protected internal sealed override IReadOnlyList<(string Name, Tensor Value)> Start(
        IReadOnlyList<string> names, IReadOnlyList<Tensor> parameters) =>
        [
            .. Slots.SelectMany((kind, slot) => parameters.Select(
                (parameter, i) => (NameOf(kind, names[i]), First(slot, parameter.To(DTypes.ComputeType(parameter.DType)))))),
        ];

    /// <inheritdoc/>
    protected internal sealed override (Tensor[] Parameters, Tensor[] Memory) Next(OptimizerStep step)
    {
        Tensor rate = Rate(step.Number) * step.RateScale;
        Check(rate, step.Number);
        Tensor[] scalars = [rate, step.Number, .. Shared(rate, step.Number)];
        var byType = new Dictionary<DType, Tensor[]>();
        Tensor[] memory = [.. step.Memory];
        var after = new Tensor[step.Parameters.Count];
        for (int i = 0; i < after.Length; i++)
        {
            Tensor parameter = step.Parameters[i];
            after[i] = parameter;
            if (!parameter.DType.IsFloat()) continue;
            DType dtype = DTypes.ComputeType(parameter.DType);
            if (!byType.TryGetValue(dtype, out Tensor[]? typed))
                byType[dtype] = typed = Array.ConvertAll(scalars, scalar => scalar.To(dtype));
            Tensor next = Step(step.Gradients[i].To(dtype), parameter.To(dtype), new(typed, memory, i, after.Length));
            after[i] = next.To(parameter.DType);
        }

        return (after, memory);
    }

    private void Check(Tensor rate, Tensor number)
    {
        // A rate that a transform traces has no value yet.
        if (rate.Level != 0) return;
        double value = rate.ToDouble();
        if (double.IsFinite(value) && value >= 0) return;
        throw new ArgumentException(
            $"{GetType().Name}: the learning rate of step {number.ToDouble() - 1} is {value}; it must be a number from 0 up.");
    }

    /// <summary>What the step of one parameter needs besides its gradient, in the type of the parameter.</summary>
    protected internal readonly struct Rule
    {
        private readonly Tensor[] scalars;
        private readonly Tensor[] memory;
        private readonly int index;
        private readonly int count;

        internal Rule(Tensor[] scalars, Tensor[] memory, int index, int count) =>
            (this.scalars, this.memory, this.index, this.count) = (scalars, memory, index, count);

        /// <summary>The learning rate of this step, a scalar.</summary>
        public Tensor LearningRate => scalars[0];

        /// <summary>The number of this step, from 1, a scalar.</summary>
        public Tensor Number => scalars[1];

        /// <summary>The tensor that is kept for the parameter in a slot.</summary>
        public Tensor this[int slot] => memory[slot * count + index];

        /// <summary>The number of scalars that <see cref="ElementwiseOptimizer.Shared"/> gave.</summary>
        public int SharedCount => scalars.Length - 2;

        /// <summary>What <see cref="ElementwiseOptimizer.Shared"/> gave at a place.</summary>
        public Tensor Shared(int i) => scalars[i + 2];

        /// <summary>Replaces the tensor that is kept for the parameter in a slot, and returns the new one.</summary>
        public Tensor Keep(int slot, Tensor value) => memory[slot * count + index] = value;
    }
}
