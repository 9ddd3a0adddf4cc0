namespace Autodiff.Layers;

/// <summary>How a layer is run: to train, with a key for what is random, or to predict (the default value).</summary>
public readonly record struct Context
{
    private Context(Key? key) => Key = key;

    /// <summary>Prediction: nothing is random.</summary>
    public static Context Prediction => default;

    /// <summary>The source of randomness while training; null when predicting.</summary>
    public Key? Key { get; }

    /// <summary>Whether the layer is being trained.</summary>
    public bool IsTraining => Key.HasValue;

    /// <summary>Training, with a key that differs from step to step.</summary>
    public static Context Training(Key key) => new(key);

    /// <summary>The context of the part at a position, so that parts draw independent numbers.</summary>
    public Context For(int part) => Key is { } key ? new(key.FoldIn(part)) : this;
}

/// <summary>
/// A description of a function with parameters. It is immutable and holds no tensors: <see cref="Initialize"/> makes
/// the parameters, <see cref="Apply(Parameters, Tensor, Context)"/> takes them. Inputs have a leading batch axis, which
/// shapes given to <see cref="Initialize"/> and <see cref="OutputShape"/> leave out.
/// </summary>
public abstract class Layer
{
    /// <summary>The name, for messages and summaries.</summary>
    public virtual string Name => GetType().Name;

    /// <summary>The shape of the output for a shape of the input, both without the batch axis.</summary>
    /// <exception cref="ArgumentException">The layer does not take inputs of this shape; the message says what it
    /// takes.</exception>
    public abstract int[] OutputShape(int[] inputShape);

    /// <summary>The first values of the parameters, float32; the same key gives the same values.</summary>
    /// <param name="key">The source of randomness.</param>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <exception cref="ArgumentException">The layer does not take inputs of this shape.</exception>
    public virtual Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        return Parameters.Empty;
    }

    /// <summary>The value of the function.</summary>
    /// <param name="parameters">What <see cref="Initialize"/> made, or a training step.</param>
    /// <param name="input">The inputs, with a leading batch axis.</param>
    /// <param name="context">Training or prediction.</param>
    /// <exception cref="ArgumentException">The input or the parameters do not fit.</exception>
    public abstract Tensor Apply(Parameters parameters, Tensor input, Context context);

    /// <summary>The value of the function when predicting.</summary>
    public Tensor Apply(Parameters parameters, Tensor input) => Apply(parameters, input, default);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The error of an input that the layer does not take.</summary>
    private protected ArgumentException WrongInput(ReadOnlySpan<int> inputShape, string expected) =>
        new($"{Name}: inputs have shape {Shapes.FormatBatch(inputShape)}; {expected}.");

    /// <summary>The shape of one input of a batch.</summary>
    private protected ReadOnlySpan<int> ShapeOfOne(Tensor input) =>
        input.Rank > 0
            ? input.Shape.AsSpan(1)
            : throw new ArgumentException($"{Name}: the input is a scalar; inputs have a leading batch axis.");
}
