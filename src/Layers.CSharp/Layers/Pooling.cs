namespace Autodiff.Layers;

/// <summary>
/// A number for each window of each channel of images with one to three axes. The output has lengths (length + padding
/// before and after - size) / stride + 1, rounded down. There are no parameters.
/// </summary>
public abstract class Pooling : Layer
{
    private readonly int[] window;

    private protected Pooling(int axes, PerAxis size, PerAxis stride, Padding? padding)
    {
        string name = GetType().Name;
        window = Shapes.PerAxis(1, size, axes, 0, name, nameof(size));
        Stride = new(stride.Values is null ? window : Shapes.PerAxis(1, stride, axes, 1, name, nameof(stride)));
        Padding = Shapes.Padded(padding, axes, name);
    }

    /// <inheritdoc/>
    public sealed override string Name =>
        $"{GetType().Name}({(Array.TrueForAll(window, length => length == window[0]) ? $"{window[0]}" : Shapes.Window(window))})";

    private protected PerAxis Size => new(window);

    private protected PerAxis Stride { get; }

    private protected Padding Padding { get; }

    /// <inheritdoc/>
    public sealed override int[] OutputShape(int[] inputShape)
    {
        CheckImages(inputShape);
        return Shapes.ShapeOf(Named, [1, .. inputShape])[1..];
    }

    /// <inheritdoc/>
    public sealed override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        CheckImages(ShapeOfOne(input));
        return Named(input);
    }

    private protected abstract Tensor Pool(Tensor images);

    private Tensor Named(Tensor images)
    {
        try
        {
            return Pool(images);
        }
        catch (ArgumentException error)
        {
            throw new ArgumentException($"{Name}: {error.Message}", error);
        }
    }

    private void CheckImages(ReadOnlySpan<int> shape)
    {
        if (shape.Length == window.Length + 1) return;
        throw WrongInput(shape, window.Length switch
        {
            1 => "it takes sequences (n, channels, length)",
            2 => "it takes images (n, channels, height, width)",
            _ => "it takes volumes (n, channels, depth, height, width)",
        });
    }
}

/// <summary>The largest element of each window of each channel of sequences (n, channels, length); the first at a tie receives the derivative. Padding is never the largest.</summary>
/// <param name="size">The length of a window.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class MaxPool1D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(1, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.MaxPool1D(Size, Stride, Padding);
}

/// <summary>The largest element of each window of each channel of images (n, channels, height, width); the first at a tie receives the derivative. Padding is never the largest.</summary>
/// <param name="size">The height and width of a window: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class MaxPool2D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(2, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.MaxPool2D(Size, Stride, Padding);
}

/// <summary>The largest element of each window of each channel of volumes (n, channels, depth, height, width); the first at a tie receives the derivative. Padding is never the largest.</summary>
/// <param name="size">The depth, height and width of a window: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class MaxPool3D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(3, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.MaxPool3D(Size, Stride, Padding);
}

/// <summary>The mean of each window of each channel of sequences (n, channels, length). Padding counts as zeros.</summary>
/// <param name="size">The length of a window.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class AveragePool1D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(1, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.AveragePool1D(Size, Stride, Padding);
}

/// <summary>The mean of each window of each channel of images (n, channels, height, width). Padding counts as zeros.</summary>
/// <param name="size">The height and width of a window: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class AveragePool2D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(2, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.AveragePool2D(Size, Stride, Padding);
}

/// <summary>The mean of each window of each channel of volumes (n, channels, depth, height, width). Padding counts as zeros.</summary>
/// <param name="size">The depth, height and width of a window: one number for all, or one for each.</param>
/// <param name="stride">The distance between neighbouring windows: the size if not given.</param>
/// <param name="padding">What is added on each side: nothing if not given.</param>
/// <exception cref="ArgumentException">A number is too small.</exception>
public sealed class AveragePool3D(PerAxis size, PerAxis stride = default, Padding? padding = null) : Pooling(3, size, stride, padding)
{
    private protected override Tensor Pool(Tensor images) => images.AveragePool3D(Size, Stride, Padding);
}
