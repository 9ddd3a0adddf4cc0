namespace Autodiff.Layers;

/// <summary>How a layer is run: to train, with a key for what is random, or to predict (the default value).</summary>
public readonly record struct Context
{
    private readonly StateUpdates? updates;

    private Context(Key? key, StateUpdates? updates) => (Key, this.updates) = (key, updates);

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
        ArgumentNullException.ThrowIfNull(parameters);
        return updates?.Find(parameters, name) ?? parameters.StateOf(name);
    }

    /// <summary>Makes a tensor the state of a layer after this run, for which <see cref="Layer.ApplyAndUpdate"/> returns
    /// it; other runs drop it. The value may be traced: it is not read, and no derivative goes through it.</summary>
    /// <param name="parameters">The parameters that the layer was given, themselves: not a copy, such as one of another
    /// type.</param>
    /// <param name="name">The name of a tensor of them that is not trainable.</param>
    /// <param name="value">The new state; it takes the type of the old.</param>
    /// <exception cref="ArgumentException">There is no such state, or it has another shape; or these are not parameters that
    /// a layer of this run was given, so that the state has no place.</exception>
    public void Update(Parameters parameters, string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(value);
        if (updates is null) return;
        Tensor before = parameters.StateOf(name);
        if (!value.Shape.AsSpan().SequenceEqual(before.Shape))
        {
            throw new ArgumentException(
                $"Update: the state '{name}' has shape {Shapes.Format(before.Shape)}, its new value {Shapes.Format(value.Shape)}.");
        }

        updates.Add(parameters, name, Tensor.StopGradient(value.To(before.DType)));
    }

    /// <summary>This context with a place for what layers make of their state.</summary>
    internal Context With(StateUpdates collected) => new(Key, collected);
}

/// <summary>What the layers of one run made of their state.</summary>
/// <param name="owner">The layer that is run.</param>
/// <param name="parameters">Its parameters.</param>
internal sealed class StateUpdates(Layer owner, Parameters parameters)
{
    private readonly Dictionary<int, Tensor> places = [];

    /// <summary>The new state of a name; null if there is none so far.</summary>
    internal Tensor? Find(Parameters part, string name) =>
        parameters.PositionOf(part, name) is { } place ? places.GetValueOrDefault(place) : null;

    /// <summary>Takes the new state of a name.</summary>
    /// <exception cref="ArgumentException">The parameters are not those of the layer that is run, nor a part of
    /// them.</exception>
    internal void Add(Parameters part, string name, Tensor value) =>
        places[parameters.PositionOf(part, name) ?? throw new ArgumentException(
            $"{owner.Name}: the state '{name}' cannot be kept, for Context.Update was given parameters that no layer of this run was "
            + "given, such as a copy of another type or what a transform made of them. Give it the parameters that Apply "
            + "received; to drop the state of a part, run the part with a context of its own, such as Context.Training(key).")] = value;

    /// <summary>The parameters with the new state.</summary>
    internal Parameters Result => parameters.With(places);
}
