namespace Autodiff.Layers;

/// <summary>How a layer is run: to train, with a key for what is random, or to predict (the default value).</summary>
public readonly record struct Context
{
    private readonly Dictionary<(Tensor[] Tensors, int Index), Tensor>? updates;

    private Context(Key? key, Dictionary<(Tensor[] Tensors, int Index), Tensor>? updates) => (Key, this.updates) = (key, updates);

    /// <summary>Prediction: nothing is random.</summary>
    public static Context Prediction => default;

    /// <summary>The source of randomness while training; null when predicting.</summary>
    public Key? Key { get; }

    /// <summary>Whether the layer is being trained.</summary>
    public bool IsTraining => Key.HasValue;

    /// <summary>Whether somebody takes what layers make of their state.</summary>
    internal bool TakesState => updates is not null;

    /// <summary>Training, with a key that differs from step to step.</summary>
    public static Context Training(Key key) => new(key, null);

    /// <summary>The context of the part at a position, so that parts draw independent numbers.</summary>
    public Context For(int part) => Key is { } key ? new(key.FoldIn(part), updates) : this;

    /// <summary>The state of a layer as this run has left it so far: what <see cref="Update"/> was given, or else the
    /// tensor of the parameters.</summary>
    /// <param name="parameters">The parameters that the layer was given.</param>
    /// <param name="name">The name of a tensor of them that is not trainable.</param>
    /// <exception cref="ArgumentException">There is no such state.</exception>
    public Tensor State(Parameters parameters, string name)
    {
        (Tensor[] tensors, int index) = parameters.PlaceOfState(name);
        return updates?.GetValueOrDefault((tensors, index)) ?? tensors[index];
    }

    /// <summary>Makes a tensor the state of a layer after this run, for which <see cref="Layer.ApplyAndUpdate"/> returns
    /// it; other runs drop it. The value may be traced: it is not read, and no derivative goes through it.</summary>
    /// <param name="parameters">The parameters that the layer was given.</param>
    /// <param name="name">The name of a tensor of them that is not trainable.</param>
    /// <param name="value">The new state; it takes the type of the old.</param>
    /// <exception cref="ArgumentException">There is no such state, or it has another shape.</exception>
    public void Update(Parameters parameters, string name, Tensor value)
    {
        if (updates is null) return;
        (Tensor[] tensors, int index) = parameters.PlaceOfState(name);
        Tensor before = tensors[index];
        if (!value.Shape.AsSpan().SequenceEqual(before.Shape))
        {
            throw new ArgumentException(
                $"Update: the state '{name}' has shape {Shapes.Format(before.Shape)}, its new value {Shapes.Format(value.Shape)}.");
        }

        updates[(tensors, index)] = Tensor.StopGradient(value.To(before.DType));
    }

    /// <summary>This context with a place for what layers make of their state.</summary>
    internal Context With(Dictionary<(Tensor[] Tensors, int Index), Tensor> collected) => new(Key, collected);
}
