namespace Autodiff.Layers;

/// <summary>All axes but the batch as one axis, in row-major order.</summary>
public sealed class Flatten : Layer
{
    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) => [Shapes.Product(inputShape)];

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context) =>
        input.Reshape(input.Shape[0], Shapes.Product(ShapeOfOne(input)));
}
