namespace Autodiff.Layers;

/// <summary>
/// A layer that is a function of named layers: any composition of them. A part that the function calls more than once
/// has the same parameters each time. The parameters of a part are the part of its name.
/// </summary>
/// <remarks>To infer shapes, the function is run on tensors that have shapes but no values, of type float32 and with a
/// batch of 1, on which parts only tell the shapes of their outputs; it must keep the batch axis and may not branch on
/// values.</remarks>
/// <example><code>
/// // The distance of two images, each coded by the same network.
/// var distance = new Composite(
///     [("encoder", encoder)],
///     (part, pair) =>
///     {
///         Tensor[] images = pair.Split([1, 1], axis: 1);
///         return Tensor.Square(part["encoder"](images[0]) - part["encoder"](images[1])).Sum([1], keepAxes: true);
///     });
/// </code></example>
public sealed class Composite : Layer
{
    private readonly (string Name, Layer Layer)[] parts;
    private readonly Func<CompositeParts, Tensor, Tensor> function;

    /// <summary>A function of named layers as a layer.</summary>
    /// <param name="parts">The names and the layers, all of which the function calls.</param>
    /// <param name="function">The function of the parts and of the inputs, which have a leading batch axis.</param>
    /// <param name="name">The name, for messages and summaries.</param>
    /// <exception cref="ArgumentException">A name is empty, holds a dot, or is used twice.</exception>
    public Composite(
        IEnumerable<(string Name, Layer Layer)> parts, Func<CompositeParts, Tensor, Tensor> function, string name = "Composite")
    {
        this.parts = [.. parts];
        this.function = function;
        Name = name;
        Parameters.Join([.. this.parts.Select(part => (part.Name, Parameters.Empty))]);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) => Trace(inputShape).OutputShape;

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        int[][] shapes = Trace(inputShape).PartShapes;
        return Parameters.Join([.. parts.Select((part, i) => (part.Name, part.Layer.Initialize(key.FoldIn(i), shapes[i])))]);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var calls = new int[parts.Length];
        return function(
            new(Name, parts, context, (i, x) => Within(
                parts[i].Name, parts[i].Layer, parameters.Part(i), x, context.For(i).For(calls[i]++))),
            input);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LayerPart> Parts(int[] inputShape)
    {
        int[][] shapes = Trace(inputShape).PartShapes;
        return [.. parts.Select((part, i) => new LayerPart(part.Name, part.Layer, shapes[i]))];
    }

    /// <summary>The shape of one output, and of one input of the first call of each part.</summary>
    private (int[] OutputShape, int[][] PartShapes) Trace(int[] inputShape)
    {
        ArgumentNullException.ThrowIfNull(inputShape);
        var shapes = new int[parts.Length][];
        var run = new CompositeParts(Name, parts, default, (i, x) =>
        {
            int[] shape = ShapeOfOne(x).ToArray();
            (string name, Layer layer) = parts[i];
            int[] result = Within(name, layer, shape);
            shapes[i] ??= shape;
            if (!shape.AsSpan().SequenceEqual(shapes[i])) CheckShared(i, shapes[i], shape);
            return Tensor.ZerosLike(x.Flatten().Sum()).BroadcastTo([x.Shape[0], .. result]);
        });
        int[] output = Shapes.ShapeOf(x => function(run, x), [1, .. inputShape]);
        int missing = Array.IndexOf(shapes, null);
        if (missing >= 0) throw new ArgumentException($"{Name}: the function does not call its part '{parts[missing].Name}'.");
        return output is [1, .. var rest]
            ? (rest, shapes)
            : throw new ArgumentException(
                $"{Name}: the function made {Shapes.Format(output)} of one input of shape {Shapes.Format([1, .. inputShape])}; "
                + "it must keep the batch axis.");
    }

    /// <summary>One set of parameters must serve inputs of both shapes.</summary>
    private void CheckShared(int index, int[] first, int[] second)
    {
        (string name, Layer layer) = parts[index];
        Parameters a = layer.Initialize(new Key(0), first), b = layer.Initialize(new Key(0), second);
        if (a.Leaves.Zip(b.Leaves).All(pair => pair.First.Shape.AsSpan().SequenceEqual(pair.Second.Shape))) return;
        throw new ArgumentException(
            $"{Name}, {name}: the part is called with inputs {Shapes.FormatBatch(first)} and {Shapes.FormatBatch(second)}, for which "
            + "its parameters have different shapes; they cannot be shared.");
    }
}

/// <summary>The parts of a <see cref="Composite"/> in one run, as functions.</summary>
public sealed class CompositeParts
{
    private readonly string owner;
    private readonly (string Name, Layer Layer)[] parts;
    private readonly Func<int, Tensor, Tensor> call;

    internal CompositeParts(string owner, (string Name, Layer Layer)[] parts, Context context, Func<int, Tensor, Tensor> call) =>
        (this.owner, this.parts, Context, this.call) = (owner, parts, context, call);

    /// <summary>The layer of a name, as a function of its inputs.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public Func<Tensor, Tensor> this[string name]
    {
        get
        {
            int index = Array.FindIndex(parts, part => part.Name == name);
            return index >= 0
                ? x => call(index, x)
                : throw new ArgumentException(
                    $"{owner}: there is no part '{name}'; there are {string.Join(", ", parts.Select(part => part.Name))}.");
        }
    }

    /// <summary>Training or prediction.</summary>
    public Context Context { get; }
}
