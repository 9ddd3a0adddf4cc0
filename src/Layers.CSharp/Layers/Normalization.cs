namespace Autodiff.Layers;

/// <summary>
/// Batch normalization (Ioffe and Szegedy 2015): (x - mean) / sqrt(variance + epsilon) weight + bias for each channel,
/// the axis after the batch: features of (n, features), channels of (n, channels, ...).
/// </summary>
/// <remarks>
/// While training, mean and variance are those of the channel over all other axes of the batch, the variance being the
/// mean of (x - mean)^2. When predicting they are the running ones, the state "running_mean" and "running_var"
/// (channels), which start at 0 and 1. A training step moves them by PyTorch's rule: running = (1 - momentum) running +
/// momentum batch, where the variance of the batch is now the unbiased estimate, the sum of (x - mean)^2 divided by one
/// less than the number of values. (Keras calls 1 - momentum the momentum.) If a channel has one value only, there is no
/// such estimate: the output is the bias, and the running statistics stay. Parameters: "weight" and "bias" (channels), which
/// start at 1 and 0.
/// </remarks>
/// <param name="momentum">The part of the batch in the running statistics, above 0 and at most 1.</param>
/// <param name="epsilon">What is added to the variance, positive.</param>
/// <param name="isAffine">Whether there are weight and bias.</param>
/// <exception cref="ArgumentException">A number is out of range.</exception>
public sealed class BatchNorm(double momentum = 0.1, double epsilon = 1e-5, bool isAffine = true) : Layer
{
    /// <summary>The part of the batch in the running statistics.</summary>
    public double Momentum { get; } = momentum is > 0 and <= 1
        ? momentum
        : throw new ArgumentException(
            FormattableString.Invariant($"BatchNorm: momentum is {momentum}; it must be above 0 and at most 1."));

    /// <summary>What is added to the variance.</summary>
    public double Epsilon { get; } = Shapes.Positive(epsilon, nameof(BatchNorm), nameof(epsilon));

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        inputShape is [> 0, ..] ? [.. inputShape] : throw WrongInput(inputShape, "it needs an axis of channels after the batch");

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        int channels = inputShape[0];
        return Normalized.Affine(isAffine, channels)
            .WithState(("running_mean", Tensor.Zeros(channels)), ("running_var", Tensor.Ones(channels)));
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        Tensor running = context.State(parameters, "running_mean"), runningVariance = context.State(parameters, "running_var");
        int channels = running.Size;
        if (input.Rank < 2 || input.Shape[1] != channels)
            throw WrongInput(ShapeOfOne(input), $"its statistics are those of {channels} channels, the axis after the batch");
        if (!context.IsTraining)
        {
            Tensor scale = Tensor.Rsqrt(runningVariance + Epsilon);
            if (isAffine) scale *= parameters["weight"];
            Tensor shift = -running * scale;
            if (isAffine) shift += parameters["bias"];
            return input * Shapes.AlongChannels(scale, input.Rank) + Shapes.AlongChannels(shift, input.Rank);
        }

        int[] axes = [0, .. Enumerable.Range(2, input.Rank - 2)];
        (Tensor near, Tensor origin, Tensor mean, Tensor variance) = Statistics(input, axes);
        int count = input.Size / channels;
        if (count > 1)
        {
            Move("running_mean", running, (origin + mean).Reshape(channels));
            Move("running_var", runningVariance, variance.Reshape(channels) * (count / (count - 1.0)));
        }

        // The same for all elements of a channel is put together first.
        Tensor factor = Tensor.Rsqrt(variance + Epsilon);
        if (isAffine) factor *= Shapes.AlongChannels(parameters["weight"], input.Rank);
        Tensor offset = mean * factor;
        return isAffine
            ? near * factor + (Shapes.AlongChannels(parameters["bias"], input.Rank) - offset)
            : near * factor - offset;

        void Move(string name, Tensor before, Tensor batch) =>
            context.Update(parameters, name, before * (1 - Momentum) + batch.To(before.DType) * Momentum);
    }

    /// <summary>x minus an origin, the origin, the mean of what is left, and the variance, by which x is read once.</summary>
    /// <remarks>The mean of squares minus the square of the mean loses what the mean is larger than the deviation. From the
    /// mean of the first of n examples, m values each, the mean is at distance d with n m variance at least m d^2, so the
    /// loss is a factor of 1 + n at most (Chan, Golub and LeVeque 1983 have shifts by any guess). No derivative depends on
    /// the origin.</remarks>
    private static (Tensor Near, Tensor Origin, Tensor Mean, Tensor Variance) Statistics(Tensor x, int[] axes)
    {
        Tensor origin = Tensor.StopGradient(x[..Math.Min(1, x.Shape[0])].Mean(axes, true));
        Tensor near = x - origin;
        Tensor mean = near.Mean(axes, true);
        Tensor variance = Tensor.Square(near).Mean(axes, true) - Tensor.Square(mean);

        // Where all values are one, rounding may leave less than nothing.
        return (near, origin, mean, Tensor.Where(Tensor.Less(variance, Tensor.ZerosLike(variance)), Tensor.ZerosLike(variance), variance));
    }
}

/// <summary>
/// Layer normalization (Ba et al. 2016): (x - mean) / sqrt(variance + epsilon) weight + bias with mean and variance,
/// the mean of (x - mean)^2, over the last axes of each example. Parameters: "weight" and "bias" of the shape of these
/// axes, which start at 1 and 0.
/// </summary>
/// <param name="axes">The number of last axes that are normalized together.</param>
/// <param name="epsilon">What is added to the variance, positive.</param>
/// <param name="isAffine">Whether there are weight and bias.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class LayerNorm(int axes = 1, double epsilon = 1e-5, bool isAffine = true) : Layer
{
    private readonly int axes = Shapes.AtLeast(1, axes, nameof(LayerNorm), nameof(axes));

    /// <summary>What is added to the variance.</summary>
    public double Epsilon { get; } = Shapes.Positive(epsilon, nameof(LayerNorm), nameof(epsilon));

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape) =>
        inputShape?.Length >= axes && Array.TrueForAll(inputShape[^axes..], length => length > 0)
            ? [.. inputShape]
            : throw WrongInput(inputShape, axes == 1 ? "it needs a last axis of features" : $"it needs {axes} axes after the batch");

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        OutputShape(inputShape);
        return Normalized.Affine(isAffine, inputShape[^axes..]);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        if (isAffine && (shape.Length < axes || !shape[^axes..].SequenceEqual(parameters["weight"].Shape)))
            throw WrongInput(shape, $"its last axes must be {Shapes.Format(parameters["weight"].Shape)}, the shape of its weights");
        if (!isAffine) OutputShape(shape.ToArray());
        return isAffine
            ? input.Standardize(axes, Epsilon, parameters["weight"], parameters["bias"])
            : input.Standardize(axes, Epsilon);
    }
}

/// <summary>
/// Group normalization (Wu and He 2018): (x - mean) / sqrt(variance + epsilon) weight + bias with mean and variance
/// over groups of neighbouring channels of each example: inputs (n, channels, ...). One group makes it layer
/// normalization over all axes, as many groups as channels make it instance normalization. Parameters: "weight" and
/// "bias" (channels), which start at 1 and 0.
/// </summary>
/// <param name="groups">The number of groups, a divisor of the number of channels.</param>
/// <param name="epsilon">What is added to the variance, positive.</param>
/// <param name="isAffine">Whether there are weight and bias.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
public sealed class GroupNorm(int groups, double epsilon = 1e-5, bool isAffine = true) : Layer
{
    /// <summary>The number of groups.</summary>
    public int Groups { get; } = Shapes.AtLeast(1, groups, nameof(GroupNorm), nameof(groups));

    /// <summary>What is added to the variance.</summary>
    public double Epsilon { get; } = Shapes.Positive(epsilon, nameof(GroupNorm), nameof(epsilon));

    /// <inheritdoc/>
    public override string Name => $"GroupNorm({Groups})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        CheckChannels(inputShape);
        return [.. inputShape];
    }

    /// <inheritdoc/>
    public override Parameters Initialize(Key key, int[] inputShape)
    {
        CheckChannels(inputShape);
        return Normalized.Affine(isAffine, inputShape[0]);
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        CheckChannels(shape);
        if (isAffine && parameters["weight"].Size != shape[0])
            throw WrongInput(shape, $"its weights are those of {parameters["weight"].Size} channels, the axis after the batch");
        Tensor grouped = input.Reshape(input.Shape[0], Groups, Shapes.Product(shape) / Groups);
        Tensor normalized = grouped.Standardize(1, Epsilon).Reshape(input.Shape);
        return isAffine
            ? normalized * Shapes.AlongChannels(parameters["weight"], input.Rank)
                + Shapes.AlongChannels(parameters["bias"], input.Rank)
            : normalized;
    }

    private void CheckChannels(ReadOnlySpan<int> shape)
    {
        if (shape.IsEmpty || shape[0] == 0 || shape[0] % Groups != 0)
            throw WrongInput(shape, $"its {Groups} groups need a number of channels, the axis after the batch, that they divide");
    }
}

/// <summary>
/// Local response normalization: x / (k + alpha m)^beta, where m is the mean of the squares of x over a window of neighbouring
/// channels, the axis after the batch, at the same place; outside the channels are zeros (Krizhevsky, Sutskever and Hinton
/// 2012). There are no parameters.
/// </summary>
/// <remarks>The window of channel c goes from c - size / 2 to c + (size - 1) / 2, rounded down, as in PyTorch. The paper takes the
/// sum of the squares instead of their mean, and so has an alpha that is smaller by size: its layer is <c>new
/// LocalResponseNorm(5, alpha: 5e-4, k: 2)</c>.</remarks>
/// <param name="size">The number of channels of a window.</param>
/// <param name="alpha">The weight of the mean of squares, positive.</param>
/// <param name="beta">The power, positive.</param>
/// <param name="k">What is added to the weighted mean, positive.</param>
/// <exception cref="ArgumentException">A number is not positive.</exception>
/// <example><code>
/// Sequential stage = [new Conv2D(96, 11, stride: 4), Activations.ReLU, new LocalResponseNorm(5), new MaxPool2D(3, 2)];
/// </code></example>
public sealed class LocalResponseNorm(int size, double alpha = 1e-4, double beta = 0.75, double k = 1) : Layer
{
    private readonly Padding beyond = Padding.Pairs((size / 2, (size - 1) / 2), (0, 0));

    /// <summary>The number of channels of a window.</summary>
    public int Size { get; } = Shapes.AtLeast(1, size, nameof(LocalResponseNorm), nameof(size));

    /// <summary>The weight of the mean of squares.</summary>
    public double Alpha { get; } = Shapes.Positive(alpha, nameof(LocalResponseNorm), nameof(alpha));

    /// <summary>The power.</summary>
    public double Beta { get; } = Shapes.Positive(beta, nameof(LocalResponseNorm), nameof(beta));

    /// <summary>What is added to the weighted mean.</summary>
    public double K { get; } = Shapes.Positive(k, nameof(LocalResponseNorm), nameof(k));

    /// <inheritdoc/>
    public override string Name => $"LocalResponseNorm({Size})";

    /// <inheritdoc/>
    public override int[] OutputShape(int[] inputShape)
    {
        CheckChannels(inputShape);
        return [.. inputShape];
    }

    /// <inheritdoc/>
    public override Tensor Apply(Parameters parameters, Tensor input, Context context)
    {
        ReadOnlySpan<int> shape = ShapeOfOne(input);
        CheckChannels(shape);

        // Channels as the rows of a picture, over which pooling takes the mean.
        Tensor squares = Tensor.Square(input).Reshape(input.Shape[0], 1, shape[0], Shapes.Product(shape[1..]));
        Tensor mean = squares.AveragePool2D((Size, 1), 1, beyond).Reshape(input.Shape);
        return input * Tensor.Pow(mean * Alpha + K, -Beta);
    }

    private void CheckChannels(ReadOnlySpan<int> shape)
    {
        if (shape.IsEmpty || shape[0] == 0) throw WrongInput(shape, "it needs an axis of channels after the batch");
    }
}

/// <summary>What the normalizations share.</summary>
internal static class Normalized
{
    internal static Parameters Affine(bool isAffine, params int[] shape) =>
        isAffine ? Parameters.Of(("weight", Tensor.Ones(shape)), ("bias", Tensor.Zeros(shape))) : Parameters.Empty;
}
