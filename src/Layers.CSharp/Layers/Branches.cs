using System.Globalization;

namespace Autodiff.Layers;

/// <summary>
/// x + f(x), or s(x) + f(x) with a shortcut s that brings x to the shape of f(x) (He et al. 2015). The parameters are
/// the parts "layer" and, if there is one, "shortcut".
/// </summary>
/// <param name="layer">f.</param>
/// <param name="shortcut">s; by default x is added as it is.</param>
/// <example><code>
/// var block = new Residual(
///     new Sequential(new Conv2D(64, 3, stride: 2, padding: 1), new BatchNorm(), Activations.ReLU, new Conv2D(64, 3, padding: 1)),
///     shortcut: new Conv2D(64, 1, stride: 2));
/// </code></example>
public sealed class Residual(Layer layer, Layer? shortcut = null) : Layer
{
    private readonly Layer layer = layer ?? throw new ArgumentNullException(nameof(layer));

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        int[] shape = Within("layer", layer, inputShape);
        int[] added = shortcut is null ? inputShape : Within("shortcut", shortcut, inputShape);
        return shape.AsSpan().SequenceEqual(added)
            ? shape
            : throw WrongInput(
                inputShape,
                $"{layer.Name} makes {Shapes.FormatBatch(shape)} of them, {shortcut?.Name ?? "the shortcut"} "
                + $"{Shapes.FormatBatch(added)}; both must be the same: give a shortcut that makes them so");
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        Parameters first = layer.Initialize(key.FoldIn(0), inputShape);
        return shortcut is null
            ? Parameters.Join(("layer", first))
            : Parameters.Join(("layer", first), ("shortcut", shortcut.Initialize(key.FoldIn(1), inputShape)));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor output = Within("layer", layer, parameters.Part("layer"), input, context.For(0));
        Tensor added = shortcut is null
            ? input
            : Within("shortcut", shortcut, parameters.Part("shortcut"), input, context.For(1));
        if (!output.Shape.AsSpan().SequenceEqual(added.Shape)) OutputShape(ShapeOfOne(input).ToArray());
        return added + output;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LayerPart> Parts(int[] inputShape) => shortcut is null
        ? [new("layer", layer, inputShape)]
        : [new("layer", layer, inputShape), new("shortcut", shortcut, inputShape)];
}

/// <summary>
/// The outputs of several layers for one input, one after another along an axis: the blocks of Inception, and of
/// DenseNet with <see cref="Activations.Identity"/> as one of the branches. The parameters of the branch at position i
/// are the part named i.
/// </summary>
/// <param name="branches">The layers, at least one, whose outputs differ along the axis only.</param>
/// <example><code>
/// var dense = new Concat(Activations.Identity, new Sequential(new BatchNorm(), Activations.ReLU, new Conv2D(32, 3, padding: 1)));
/// </code></example>
public sealed class Concat(params IEnumerable<Layer> branches) : Layer
{
    private readonly Layer[] branches = branches.ToArray() is { Length: > 0 } given
        ? given
        : throw new ArgumentException("Concat: there are no branches; give at least one layer.");

    /// <summary>The axis, counted without the batch axis: 0, by default, is that of the channels, and -1 the last.</summary>
    public int Axis { get; init; }

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        int[][] shapes = [.. branches.Select((branch, i) => Within($"branch {i}", branch, inputShape))];
        int[] shape = [.. shapes[0]];
        int axis = Axis < 0 ? Axis + shape.Length : Axis;
        if (axis < 0 || axis >= shape.Length)
            throw WrongInput(inputShape, $"{branches[0].Name} makes {Shapes.FormatBatch(shape)} of them, which has no axis {Axis}");
        for (int i = 1; i < shapes.Length; i++)
        {
            int[] other = shapes[i];
            bool fits = other.Length == shape.Length
                && Enumerable.Range(0, shape.Length).All(j => j == axis || other[j] == shape[j]);
            if (!fits)
            {
                throw WrongInput(
                    inputShape,
                    $"{branches[0].Name} makes {Shapes.FormatBatch(shapes[0])} of them, {branches[i].Name} "
                    + $"{Shapes.FormatBatch(other)}; they may differ along axis {Axis} only");
            }

            shape[axis] += other[axis];
        }

        return shape;
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        return Parameters.Join([.. branches.Select((branch, i) => (NameOf(i), branch.Initialize(key.FoldIn(i), inputShape)))]);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var outputs = new Tensor[branches.Length];
        for (int i = 0; i < outputs.Length; i++)
            outputs[i] = Within($"branch {i}", branches[i], parameters.Part(i), input, context.For(i));
        return TensorModule.concat(Axis < 0 ? Axis : Axis + 1, outputs);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<LayerPart> Parts(int[] inputShape) =>
        [.. branches.Select((branch, i) => new LayerPart(NameOf(i), branch, inputShape))];

    private static string NameOf(int branch) => branch.ToString(CultureInfo.InvariantCulture);
}
