namespace Autodiff.Layers;

/// <summary>
/// A description of a function with parameters. It is immutable and holds no tensors: <see cref="Initialize"/> makes
/// the parameters, <see cref="Apply(Parameters, Tensor, Context)"/> takes them. Inputs have a leading batch axis, which
/// shapes given to <see cref="Initialize"/> and <see cref="OutputShape"/> leave out.
/// </summary>
/// <remarks>One description at two places of a network stands for two layers, each with parameters of its own. Layers
/// that share parameters are one named part of a <see cref="Composite"/> that is called twice.</remarks>
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
    public Tensor Apply(Parameters parameters, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(input);
        return Apply(parameters, input, default);
    }

    /// <summary>The value of the function, and the parameters with what the layers made of the state that they keep, such
    /// as running means: what a training step passes on.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="input">The inputs, with a leading batch axis.</param>
    /// <param name="context">Training or prediction.</param>
    /// <remarks>All trainable tensors are as they were. Inside a transform the new state belongs to it, as the output does:
    /// return it, as <see cref="Gradient.ValueAndGradAux"/> lets a loss do.</remarks>
    /// <exception cref="ArgumentException">The input or the parameters do not fit; or a layer changed its state inside a
    /// checkpoint, a branch or a loop, which the message names.</exception>
    /// <example><code>
    /// var (loss, after, gradients) = Gradient.ValueAndGradAux((Parameters p) =>
    /// {
    ///     var (output, updated) = network.ApplyAndUpdate(p, inputs, Context.Training(key));
    ///     return (Losses.MeanSquaredError.Of(output, targets), updated);
    /// })(parameters);
    /// (parameters, state) = optimizer.Update(gradients, state, after);
    /// </code></example>
    public (Tensor Output, Parameters Parameters) ApplyAndUpdate(Parameters parameters, Tensor input, Context context = default)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(input);
        var updates = new StateUpdates(this, parameters);
        Tensor output = Apply(parameters, input, context.With(updates));
        Parameters after = updates.Result;
        CheckState(parameters, after);
        return (output, after);
    }

    /// <summary>The layers that this one is made of, if summaries should list them.</summary>
    /// <param name="inputShape">The shape of one input of this layer, without the batch axis.</param>
    /// <exception cref="ArgumentException">The layer does not take inputs of this shape.</exception>
    public virtual IReadOnlyList<LayerPart> Parts(int[] inputShape) => [];

    /// <summary>The layers with the shapes of their outputs and the numbers of their parameters, as a table.</summary>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <remarks>No number is drawn: <see cref="Initialize"/> is staged, and so may not branch on values.</remarks>
    /// <exception cref="ArgumentException">The layer does not take inputs of this shape.</exception>
    /// <example><code>
    /// Console.WriteLine(network.Summary([1, 28, 28]));
    /// </code></example>
    public string Summary(int[] inputShape) => LayerSummary.Table(this, Outline(inputShape), inputShape);

    /// <summary>The number of elements of the parameters that are trained.</summary>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <remarks>No number is drawn: <see cref="Initialize"/> is staged, and so may not branch on values.</remarks>
    /// <exception cref="ArgumentException">The layer does not take inputs of this shape.</exception>
    /// <example><code>
    /// long count = new Dense(10).CountParameters([784]); // 7850
    /// </code></example>
    public long CountParameters(int[] inputShape) => Outline(inputShape).Trainable.ElementCount;

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The parameters with their names, shapes and types, but without values.</summary>
    private Parameters Outline(int[] inputShape)
    {
        ArgumentNullException.ThrowIfNull(inputShape);
        Parameters outline = Parameters.Empty;
        Stage.Of((Key key) => outline = Initialize(key, inputShape))(new Key(0));
        return outline;
    }

    /// <summary>Fails where a new state belongs to a program that has been written, and so has no value here.</summary>
    private void CheckState(Parameters before, Parameters after)
    {
        if (ReferenceEquals(before, after)) return;
        foreach (((string name, Tensor value), Tensor old) in after.Zip(before.Leaves))
        {
            if (ReferenceEquals(value, old)) continue;
            try
            {
                Tensor.StopGradient(value);
            }
            catch (ArgumentException error)
            {
                throw new ArgumentException(
                    $"{Name}: the layer of '{name}' changed this state inside a checkpoint, a branch or the body of a loop, where it has "
                    + "no value that could be kept. Leave that layer outside, or call its ApplyAndUpdate inside and return the "
                    + "parameters that it gives with the other results.", error);
            }
        }
    }

    /// <summary>The error of an input that the layer does not take.</summary>
    private protected ArgumentException WrongInput(ReadOnlySpan<int> inputShape, string expected) =>
        new($"{Name}: inputs have shape {Shapes.FormatBatch(inputShape)}; {expected}.");

    /// <summary>Runs a part, and tells in the message of an error which one it was.</summary>
    private protected TResult Within<TArgument, TResult>(
        string part, Layer layer, TArgument argument, Func<Layer, TArgument, TResult> run)
    {
        try
        {
            return run(layer, argument);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{Name}, {part}: {error.Message}", error);
        }
    }

    /// <summary>The output of a part.</summary>
    private protected Tensor Within(string part, Layer layer, Parameters parameters, Tensor input, Context context) => Within(
        part, layer, (Parameters: parameters, Input: input, Context: context),
        static (layer, at) => layer.Apply(at.Parameters, at.Input, at.Context));

    /// <summary>The output shape of a part.</summary>
    private protected int[] Within(string part, Layer layer, int[] inputShape) =>
        Within(part, layer, inputShape, static (layer, shape) => layer.OutputShape(shape));

    /// <summary>The shape of one input of a batch.</summary>
    private protected ReadOnlySpan<int> ShapeOfOne(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return input.Rank > 0
            ? input.Shape.AsSpan(1)
            : throw new ArgumentException($"{Name}: the input is a scalar; inputs have a leading batch axis.");
    }
}

/// <summary>A layer that another is made of.</summary>
/// <param name="Name">The name of its parameters among those of the whole.</param>
/// <param name="Layer">The layer.</param>
/// <param name="InputShape">The shape of one of its inputs, without the batch axis.</param>
public sealed record LayerPart(string Name, Layer Layer, int[] InputShape);
