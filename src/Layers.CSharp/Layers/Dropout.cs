namespace Autodiff.Layers;

/// <summary>
/// While training, sets each element to 0 with a probability and divides the others by the probability of being kept,
/// so that the expected value stays and prediction changes nothing (inverted dropout; Srivastava et al. 2014).
/// </summary>
/// <param name="rate">The probability of 0, at least 0 and below 1.</param>
/// <exception cref="ArgumentException">The rate is not such a number.</exception>
public sealed class Dropout(double rate = 0.5) : Layer
{
    /// <summary>The probability of 0.</summary>
    public double Rate { get; } = Shapes.Fraction(rate, nameof(Dropout), nameof(rate));

    /// <inheritdoc/>
    public override string Name => FormattableString.Invariant($"Dropout({Rate})");

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) => [.. inputShape];

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        if (Rate == 0 || context.Key is not { } key) return input;
        Tensor kept = key.Bernoulli(input.Shape, 1 - Rate).To(input.DType);
        return input * (kept * (1 / (1 - Rate)));
    }
}
