namespace Autodiff.Layers;

/// <summary>
/// The affine map x W + b of the last axis: every unit sees every input. Parameters: "weight" (in, units) and "bias"
/// (units).
/// </summary>
/// <param name="units">The length of the last axis of the output.</param>
/// <param name="initializer">How weights start: by default <see cref="Initializers.HeUniform"/>.</param>
/// <param name="useBias">Whether b, which starts at 0, is added.</param>
/// <exception cref="ArgumentException">The number of units is not positive.</exception>
public sealed class Dense(int units, Initializer? initializer = null, bool useBias = true) : Layer
{
    private readonly Initializer initializer = initializer ?? Initializers.HeUniform;

    /// <summary>The length of the last axis of the output.</summary>
    public int Units { get; } = Shapes.AtLeast(1, units, nameof(Dense), nameof(units));

    /// <inheritdoc/>
    public override string Name => $"Dense({Units})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        inputShape is [.. var lead, > 0]
            ? [.. lead, Units]
            : throw WrongInput(inputShape, "it needs a last axis of at least one feature");

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int inputs = inputShape[^1];
        Tensor weight = initializer.Draw(key, [inputs, Units], inputs, Units);
        return useBias
            ? Parameters.Of(("weight", weight), ("bias", TensorModule.full(DType.Float32, [Units], 0)))
            : Parameters.Of(("weight", weight));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(input);
        Tensor weight = parameters["weight"];
        if (input.Rank < 2 || input.Shape[^1] != weight.Shape[0])
        {
            throw WrongInput(
                ShapeOfOne(input),
                $"its weights of shape {Shapes.Format(weight.Shape)} take {weight.Shape[0]} features on the last axis");
        }

        Tensor product = input.MatMul(weight);
        return useBias ? product + parameters["bias"] : product;
    }
}
