namespace Autodiff.Layers;

/// <summary>
/// A number for each square window of each channel: inputs (n, channels, height, width), outputs
/// (n, channels, height', width') with height' = (height - size) / stride + 1, rounded down. There are no parameters.
/// </summary>
public abstract class Pool2D : Layer
{
    private protected Pool2D(int size, int? stride)
    {
        Size = Shapes.AtLeast(1, size, GetType().Name, nameof(size));
        Stride = Shapes.AtLeast(1, stride ?? size, GetType().Name, nameof(stride));
    }

    /// <summary>The height and width of a window.</summary>
    public int Size { get; }

    /// <summary>The distance between neighbouring windows.</summary>
    public int Stride { get; }

    /// <inheritdoc/>
    public sealed override string Name => $"{GetType().Name}({Size})";

    /// <inheritdoc/>
    public sealed override int[] OutputShape(int[] inputShape)
    {
        CheckImages(inputShape);
        return [inputShape[0], (inputShape[1] - Size) / Stride + 1, (inputShape[2] - Size) / Stride + 1];
    }

    /// <inheritdoc/>
    public sealed override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        CheckImages(ShapeOfOne(input));
        return Pool(input);
    }

    private protected abstract Tensor Pool(Tensor images);

    private void CheckImages(ReadOnlySpan<int> shape)
    {
        if (shape.Length != 3) throw WrongInput(shape, "it takes images (n, channels, height, width)");
        if (shape[1] < Size || shape[2] < Size)
            throw WrongInput(shape, $"its windows do not fit into {shape[1]} x {shape[2]} pixels");
    }
}

/// <summary>The largest element of each window of each channel; the first at a tie receives the derivative.</summary>
/// <param name="size">The height and width of a window.</param>
/// <param name="stride">The distance between neighbouring windows; by default the size.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class MaxPool2D(int size, int? stride = null) : Pool2D(size, stride)
{
    private protected override Tensor Pool(Tensor images) => images.MaxPool2D(Size, Stride);
}

/// <summary>The mean of each window of each channel.</summary>
/// <param name="size">The height and width of a window.</param>
/// <param name="stride">The distance between neighbouring windows; by default the size.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class AveragePool2D(int size, int? stride = null) : Pool2D(size, stride)
{
    private protected override Tensor Pool(Tensor images) => images.AveragePool2D(Size, Stride);
}
