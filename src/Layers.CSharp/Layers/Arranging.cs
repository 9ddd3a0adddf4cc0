namespace Autodiff.Layers;

/// <summary>Another shape for each example, with the elements in row-major order.</summary>
/// <param name="shape">The shape without the batch axis; one length may be -1, and follows from the others.</param>
/// <example><code>
/// Sequential decoder = [new Dense(7 * 7 * 32), new Reshape(32, 7, 7)];
/// </code></example>
/// <exception cref="ArgumentException">A length is below -1, or two are -1.</exception>
public sealed class Reshape(params int[] shape) : Layer
{
    private readonly int[] shape = shape.Count(length => length == -1) <= 1 && Array.TrueForAll(shape, length => length >= -1)
        ? [.. shape]
        : throw new ArgumentException($"Reshape: the shape {Shapes.Format(shape)} has a length below -1, or more than one that is -1.");

    /// <inheritdoc/>
    public override string Name => $"Reshape({string.Join(", ", shape)})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        int size = Shapes.Product(inputShape), open = Array.IndexOf(shape, -1);
        int known = Shapes.Product([.. shape.Where(length => length != -1)]);
        bool fits = open < 0 ? known == size : known > 0 && size % known == 0;
        if (!fits) throw WrongInput(inputShape, $"their {size} elements do not fill the shape {Shapes.Format(shape)}");
        int[] result = [.. shape];
        if (open >= 0) result[open] = size / known;
        return result;
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        int[] shape = OutputShape(ShapeOfOne(input).ToArray());
        return input.Reshape([input.Shape[0], .. shape]);
    }
}

/// <summary>The axes of each example in another order: axis i of the output is axis order[i] of the input.</summary>
/// <param name="order">A permutation of the axes, counted from 0 without the batch axis.</param>
/// <example><code>
/// var channelsFirst = new Permute(2, 0, 1); // (n, height, width, channels) to (n, channels, height, width)
/// </code></example>
/// <exception cref="ArgumentException">The numbers are no permutation.</exception>
public sealed class Permute(params int[] order) : Layer
{
    private readonly int[] order = order.Order().SequenceEqual(Enumerable.Range(0, order.Length))
        ? [.. order]
        : throw new ArgumentException($"Permute: ({string.Join(", ", order)}) is no permutation of the axes from 0 on.");

    /// <inheritdoc/>
    public override string Name => $"Permute({string.Join(", ", order)})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        inputShape?.Length == order.Length
            ? [.. order.Select(axis => inputShape[axis])]
            : throw WrongInput(inputShape, $"it takes {order.Length} axes after the batch");

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        OutputShape(ShapeOfOne(input).ToArray());
        return input.Permute([0, .. order.Select(axis => axis + 1)]);
    }
}

/// <summary>One number for all positions of each channel: inputs (n, channels, ...), outputs (n, channels). There are
/// no parameters.</summary>
public abstract class GlobalPool : Layer
{
    private protected GlobalPool()
    {
    }

    /// <inheritdoc/>
    public sealed override int[] OutputShape(int[] inputShape)
    {
        CheckPositions(inputShape);
        return [inputShape[0]];
    }

    /// <inheritdoc/>
    public sealed override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        CheckPositions(ShapeOfOne(input));
        return Pool(input, [.. Enumerable.Range(2, input.Rank - 2)]);
    }

    private protected abstract Tensor Pool(Tensor input, int[] axes);

    private void CheckPositions(ReadOnlySpan<int> shape)
    {
        if (shape.Length < 2 || shape[1..].Contains(0)) throw WrongInput(shape, "it takes (n, channels, ...) with at least one position");
    }
}

/// <summary>The mean over all positions of each channel: (n, channels, ...) to (n, channels).</summary>
public sealed class GlobalAveragePool : GlobalPool
{
    private protected override Tensor Pool(Tensor input, int[] axes) => input.Mean(axes);
}

/// <summary>The largest element of each channel, (n, channels, ...) to (n, channels); ties share the derivative
/// equally.</summary>
public sealed class GlobalMaxPool : GlobalPool
{
    private protected override Tensor Pool(Tensor input, int[] axes) => input.Max(axes);
}
