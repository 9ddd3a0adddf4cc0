namespace Autodiff.Layers;

/// <summary>
/// x where it is positive, slope x elsewhere, with slopes that are learned (He et al. 2015); the derivative at 0 is the
/// slope. Parameters: "weight", the slopes: (1), or (channels) with one for each entry of the axis after the batch.
/// </summary>
/// <param name="perChannel">Whether each channel has a slope of its own.</param>
/// <param name="slope">The slope to start with.</param>
public sealed class PReLU(bool perChannel = false, double slope = 0.25) : Layer
{
    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        perChannel && inputShape is not [> 0, ..]
            ? throw WrongInput(inputShape, "it needs an axis of channels after the batch")
            : [.. inputShape];

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        return Parameters.Of(("weight", Tensor.Full([perChannel ? inputShape[0] : 1], slope)));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor slopes = parameters["weight"];
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        if (perChannel && (shape.IsEmpty || shape[0] != slopes.Size))
            throw WrongInput(shape, $"its slopes of shape {Shapes.Format(slopes.Shape)} take {slopes.Size} channels");
        return Tensor.Prelu(input, perChannel ? Shapes.AlongChannels(slopes, input.Rank) : slopes);
    }
}
