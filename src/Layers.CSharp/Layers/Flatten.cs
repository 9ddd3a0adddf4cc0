namespace Autodiff.Layers;

/// <summary>All axes but the batch as one axis, in row-major order.</summary>
public sealed class Flatten : Layer
{
    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) => [Shapes.Product(inputShape)];

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        int size = Shapes.Product(ShapeOfOne(input));
        return input.Reshape(input.Shape[0], size);
    }
}
