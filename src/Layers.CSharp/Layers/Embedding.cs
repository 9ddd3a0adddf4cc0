namespace Autodiff.Layers;

/// <summary>
/// A learned vector for each of a number of tokens: integers (n, ...) become vectors (n, ..., units). Parameters:
/// "weight" (tokens, units), of which a step of training moves the rows of the tokens that were seen.
/// </summary>
/// <param name="tokens">The number of tokens, which are 0 to tokens - 1.</param>
/// <param name="units">The length of a vector.</param>
/// <param name="initializer">How vectors start: by default normal with standard deviation 1.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class Embedding(int tokens, int units, Initializer? initializer = null) : Layer
{
    private readonly Initializer initializer = initializer ?? Initializers.Normal(1);

    /// <summary>The number of tokens.</summary>
    public int Tokens { get; } = Shapes.AtLeast(1, tokens, nameof(Embedding), nameof(tokens));

    /// <summary>The length of a vector.</summary>
    public int Units { get; } = Shapes.AtLeast(1, units, nameof(Embedding), nameof(units));

    /// <inheritdoc/>
    public override string Name => $"Embedding({Tokens}, {Units})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        ArgumentNullException.ThrowIfNull(inputShape);
        return [.. inputShape, Units];
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape) =>
        Parameters.Of(("weight", initializer.Draw(key, [Tokens, Units], Tokens, Units)));

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(input);
        if (!input.DType.IsInteger())
        {
            throw new ArgumentException(
                $"{Name}: inputs are {input.DType.Name()}; tokens must be integers: convert with To(DType.Int32).");
        }

        Tensor known = Shapes.InRange(Shapes.WideEnough(input), Tokens, (least, largest) => FormattableString.Invariant(
            $"{Name}: a token is {(least < 0 ? least : largest)}; tokens are 0 to {Tokens - 1}."));
        return parameters["weight"].Take(known, 0);
    }
}

/// <summary>
/// Sequences (n, time, features) plus a fixed wave for each feature (Vaswani et al. 2017): to feature 2i at time t is
/// added sin(t / base^(2i / features)), to feature 2i + 1 the cosine of the same. There are no parameters.
/// </summary>
/// <param name="wavelength">The base, above 1: the longest wave has the length 2 pi times this.</param>
/// <exception cref="ArgumentException">The base is not above 1.</exception>
public sealed class PositionalEncoding(double wavelength = 10_000) : Layer
{
    private readonly double wavelength = wavelength > 1 && double.IsFinite(wavelength)
        ? wavelength
        : throw new ArgumentException(
            FormattableString.Invariant($"PositionalEncoding: wavelength is {wavelength}; it must be a number above 1."));

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        inputShape?.Length == 2 ? [.. inputShape] : throw WrongInput(inputShape, "it takes sequences (n, time, features)");

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        int[] shape = OutputShape(ShapeOfOne(input).ToArray());
        (int steps, int features) = (shape[0], shape[1]);
        var waves = new float[steps * features];
        for (int t = 0; t < steps; t++)
        {
            for (int i = 0; i < features; i++)
            {
                double angle = t / Math.Pow(wavelength, (i - i % 2) / (double)features);
                waves[t * features + i] = (float)(i % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle));
            }
        }

        return input + Tensor.From(waves, steps, features).To(input.DType);
    }
}

/// <summary>
/// Sequences (n, time, features) plus a learned vector for each time. Parameters: "weight" (length, features); shorter
/// sequences take its first rows.
/// </summary>
/// <param name="length">The length of the longest sequence; by default that for which the network is
/// initialized.</param>
/// <param name="initializer">How vectors start: by default normal with standard deviation 0.02.</param>
/// <exception cref="ArgumentException">The length is not positive.</exception>
public sealed class PositionalEmbedding(int? length = null, Initializer? initializer = null) : Layer
{
    private readonly Initializer initializer = initializer ?? Initializers.Normal(0.02);
    private readonly int? length =
        length is { } given ? Shapes.AtLeast(1, given, nameof(PositionalEmbedding), nameof(length)) : null;

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        if (inputShape is not [var steps, _]) throw WrongInput(inputShape, "it takes sequences (n, time, features)");
        return steps <= (length ?? steps)
            ? [.. inputShape]
            : throw WrongInput(inputShape, $"its sequences have {length} steps at most");
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int[] shape = [length ?? inputShape[0], inputShape[1]];
        return Parameters.Of(("weight", initializer.Draw(key, shape, shape[0], shape[1])));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor weight = parameters["weight"];
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        if (shape.Length != 2 || shape[0] > weight.Shape[0] || shape[1] != weight.Shape[1])
        {
            throw WrongInput(
                shape,
                $"its vectors of shape {Shapes.Format(weight.Shape)} take up to {weight.Shape[0]} steps of {weight.Shape[1]} features");
        }

        return input + (shape[0] == weight.Shape[0] ? weight : weight.Slice(0, 0, shape[0]));
    }
}
