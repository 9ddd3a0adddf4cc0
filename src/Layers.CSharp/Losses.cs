namespace Autodiff.Layers;

/// <summary>
/// A measure of how far outputs lie from targets: a named, differentiable function of both that returns one number.
/// </summary>
/// <param name="name">The name, for messages and history.</param>
/// <param name="function">The function of output and target; it returns a scalar.</param>
/// <example><code>
/// var huber = new Loss("huber", (output, target) => Tensor.Sqrt(Tensor.Square(output - target) + 1.0).Mean());
/// </code></example>
public sealed class Loss(string name, Func<Tensor, Tensor, Tensor> function)
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>The loss of outputs against targets, a scalar.</summary>
    /// <exception cref="ArgumentException">The shapes or types do not fit, or the function did not return one
    /// number.</exception>
    public Tensor Of(Tensor output, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        Tensor loss = function(output, target);
        return loss.Size == 1
            ? loss
            : throw new ArgumentException(
                $"Loss {Name}: the result has shape {Shapes.Format(loss.Shape)}; a loss is one number: take the mean.");
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>The losses. All are means, so that their size does not depend on that of the batch.</summary>
public static class Losses
{
    /// <summary>The mean of (output - target)^2 over all elements. Both have one shape.</summary>
    public static Loss MeanSquaredError { get; } = new("MeanSquaredError", (output, target) =>
        Tensor.Square(output - Matching("MeanSquaredError", output, target)).Mean());

    /// <summary>The mean of |output - target| over all elements; the derivative where they are equal is 0. Both have one
    /// shape.</summary>
    public static Loss MeanAbsoluteError { get; } = new("MeanAbsoluteError", (output, target) =>
        Tensor.Abs(output - Matching("MeanAbsoluteError", output, target)).Mean());

    /// <summary>The mean over the batch of -log softmax(output) at the target class, without overflow.</summary>
    /// <remarks>The output holds logits (n, k), not probabilities: the network must not end in softmax. The target
    /// holds integer classes (n) from 0 to k - 1, or one-hot rows or probabilities (n, k). The gradient is (softmax -
    /// target) / n. Outputs (n, time, k) have targets (n, time) or (n, time, k).</remarks>
    public static Loss SoftmaxCrossEntropy { get; } = new("SoftmaxCrossEntropy", (output, target) =>
        Likelihood(nameof(SoftmaxCrossEntropy), output, target, isLogits: true, null, 0, null));

    /// <summary>The mean over the batch of -output at the target class, where outputs are logarithms of probabilities,
    /// as <see cref="Activations.LogSoftmax"/> makes them. Shapes as for <see cref="SoftmaxCrossEntropy"/>.</summary>
    public static Loss NegativeLogLikelihood { get; } = new("NegativeLogLikelihood", (output, target) =>
        Likelihood(nameof(NegativeLogLikelihood), output, target, isLogits: false, null, 0, null));

    /// <summary>The mean over all elements of -t log s - (1 - t) log (1 - s) where s = sigmoid(output), without
    /// overflow: softplus(output) - t output.</summary>
    /// <remarks>The output holds logits: the network must not end in a sigmoid. Both have one shape; targets lie on [0,
    /// 1] and may be integers or truth values.</remarks>
    public static Loss BinaryCrossEntropy { get; } = new("BinaryCrossEntropy", (output, target) =>
        (Tensor.Softplus(output) - Matching("BinaryCrossEntropy", output, target) * output).Mean());

    /// <summary>The mean over all elements of max(0, 1 - t output), for targets t of -1 and 1. Both have one shape; the
    /// derivative at the kink is 0.</summary>
    public static Loss Hinge { get; } = new("Hinge", (output, target) =>
        Tensor.Relu(1 - Matching("Hinge", output, target) * output).Mean());

    /// <summary>The Kullback-Leibler divergence of the outputs from the targets, the sum of t (log t - output) over the last
    /// axis, as a mean over the rest.</summary>
    /// <remarks>Outputs are logarithms of probabilities, as <see cref="Activations.LogSoftmax"/> makes them; targets are
    /// probabilities of the same shape, of which 0 adds nothing. This is PyTorch's KLDivLoss with the reduction
    /// "batchmean" for outputs (n, k).</remarks>
    public static Loss KLDivergence { get; } = new("KLDivergence", (output, target) =>
    {
        Tensor t = Matching("KLDivergence", output, target);
        if (output.Rank == 0 || output.Size == 0) throw Mismatch("KLDivergence", output, target);
        return (Tensor.XLogY(t, t) - t * output).Sum() * ((double)output.Shape[^1] / output.Size);
    });

    /// <summary>The mean over all elements of d^2 / 2 where |d| = |output - target| is at most delta, and of delta (|d| -
    /// delta / 2) elsewhere (Huber 1964). Both have one shape.</summary>
    /// <param name="delta">Where the parabola goes over into lines, positive.</param>
    /// <exception cref="ArgumentException">Delta is not positive.</exception>
    public static Loss Huber(double delta = 1)
    {
        Shapes.Positive(delta, nameof(Huber), nameof(delta));
        return new("Huber", (output, target) =>
        {
            // The distance is split into a part up to delta and what is beyond it.
            Tensor distance = Tensor.Abs(output - Matching("Huber", output, target));
            Tensor beyond = Tensor.Relu(distance - delta), inside = distance - beyond;
            return (Tensor.Square(inside) * 0.5 + beyond * delta).Mean();
        });
    }

    /// <summary><see cref="SoftmaxCrossEntropy"/> with weights of the classes, smoothed targets, and targets that do not
    /// count.</summary>
    /// <param name="classWeights">A weight for each class (k): the loss of an example is multiplied by the weight of its
    /// class, and their sum is divided by the sum of the weights. By default all are 1.</param>
    /// <param name="labelSmoothing">The probability s that is taken from the target and spread over all k classes alike:
    /// target (1 - s) + s / k (Szegedy et al. 2016).</param>
    /// <param name="ignore">A class number that marks examples, or steps of sequences, which do not count, such as -1 for
    /// padding. If none counts, the loss is 0.</param>
    /// <remarks>As PyTorch's CrossEntropyLoss with the same options, for targets that are class numbers; for rows of
    /// probabilities each class has its weight and the sum is divided by the number of examples.</remarks>
    /// <exception cref="ArgumentException">The weights are no vector, or the probability does not lie on [0, 1).</exception>
    /// <example><code>
    /// var loss = Losses.SoftmaxCrossEntropyWith(labelSmoothing: 0.1, ignore: -1);
    /// </code></example>
    public static Loss SoftmaxCrossEntropyWith(Tensor? classWeights = null, double labelSmoothing = 0, int? ignore = null)
    {
        const string name = nameof(SoftmaxCrossEntropy);
        Shapes.Fraction(labelSmoothing, name, nameof(labelSmoothing));
        if (classWeights is not null && classWeights.Rank != 1)
            throw new ArgumentException($"{name}: classWeights has shape {Shapes.Format(classWeights.Shape)}; it must be (k).");
        return new(name, (output, target) => Likelihood(name, output, target, isLogits: true, classWeights, labelSmoothing, ignore));
    }

    /// <summary><see cref="BinaryCrossEntropy"/> with a weight w of the positive targets: -w t log s - (1 - t) log (1 - s)
    /// where s = sigmoid(output), without overflow.</summary>
    /// <param name="positiveWeight">w, positive: the ratio of negative to positive examples makes both count alike.</param>
    /// <exception cref="ArgumentException">The weight is not positive.</exception>
    public static Loss BinaryCrossEntropyWith(double positiveWeight)
    {
        Shapes.Positive(positiveWeight, nameof(BinaryCrossEntropy), nameof(positiveWeight));
        return new("BinaryCrossEntropy", (output, target) =>
        {
            // -log s = softplus(-y) and -log (1 - s) = softplus(y) = softplus(-y) + y.
            Tensor t = Matching("BinaryCrossEntropy", output, target);
            return ((t * (positiveWeight - 1) + 1) * Tensor.Softplus(-output) + (1 - t) * output).Mean();
        });
    }

    /// <summary>Whether targets are class numbers for outputs that have one more axis, the classes.</summary>
    internal static bool AreLabels(Tensor output, Tensor target) =>
        output.Rank == target.Rank + 1 && target.Shape.AsSpan().SequenceEqual(output.Shape.AsSpan(0, target.Rank));

    private static Tensor Likelihood(
        string name, Tensor output, Tensor target, bool isLogits, Tensor? weights, double smoothing, int? ignore)
    {
        if (output.Rank < 2 || output.Size == 0) throw Mismatch(name, output, target);
        int classes = output.Shape[^1];
        if (weights is not null && weights.Size != classes)
        {
            throw new ArgumentException(
                $"{name}: there are {weights.Size} class weights for outputs of shape {Shapes.Format(output.Shape)}, which have "
                + $"{classes} classes.");
        }

        Tensor logarithms = isLogits ? output.LogSoftmax(-1) : output;
        if (target.Shape.AsSpan().SequenceEqual(output.Shape))
        {
            Tensor t = target.To(output.DType);
            if (smoothing > 0) t = t * (1 - smoothing) + smoothing / classes;
            if (weights is not null) t *= weights.To(output.DType);
            return (logarithms * t).Sum() * (-(double)classes / output.Size);
        }

        if (!AreLabels(output, target)) throw Mismatch(name, output, target);
        if (target.DType.IsFloat() || target.DType == DType.Bool)
        {
            throw new ArgumentException(
                $"{name}: class numbers are {target.DType.Name()}; they must be integers: convert with To(DType.Int32).");
        }

        Tensor labels = Shapes.WideEnough(target);
        Tensor? counts = null;
        if (ignore is { } ignored)
        {
            Tensor isIgnored = Tensor.EqualTo(labels, Tensor.Full([], ignored, labels.DType));
            counts = Tensor.Not(isIgnored).To(output.DType);
            labels = Tensor.Where(isIgnored, TensorModule.zerosLike(labels), labels);
        }

        labels = Shapes.InRange(labels, classes, (least, largest) => FormattableString.Invariant(
            $"{name}: class numbers run from {least} to {largest}; outputs with {classes} classes take 0 to {classes - 1}. ")
            + "Give the last layer more units, or number the classes from 0.");
        Tensor found = logarithms.Gather(labels.ExpandAxis(-1), -1).Squeeze(-1);
        if (weights is null && smoothing == 0 && counts is null) return found.Sum() * (-(double)classes / output.Size);

        Tensor all = weights?.To(output.DType) ?? TensorModule.full(output.DType, [classes], 1);
        Tensor weight = weights is null ? TensorModule.onesLike(found) : all.Take(labels, 0);
        if (counts is not null) weight *= counts;
        Tensor sum = (found * weight).Sum() * (1 - smoothing);
        if (smoothing > 0)
        {
            Tensor spread = (logarithms * all).Sum(-1);
            sum += (counts is null ? spread : spread * counts).Sum() * (smoothing / classes);
        }

        // Where nothing counts, the sum is 0.
        Tensor total = weight.Sum();
        return -sum / Tensor.Where(Tensor.EqualTo(total, TensorModule.zerosLike(total)), TensorModule.onesLike(total), total);
    }

    private static Tensor Matching(string name, Tensor output, Tensor target) =>
        output.Shape.AsSpan().SequenceEqual(target.Shape) ? target.To(output.DType)
        : output.Size == target.Size
            ? throw new ArgumentException(
                $"{name}: the output has shape {Shapes.Format(output.Shape)}, the target {Shapes.Format(target.Shape)}; "
                + "reshape the target to the output's shape (it is not broadcast, which would compare every output with every target).")
            : throw Mismatch(name, output, target);

    private static ArgumentException Mismatch(string name, Tensor output, Tensor target) => new(
        $"{name}: the output has shape {Shapes.Format(output.Shape)}, the target {Shapes.Format(target.Shape)}. "
        + name switch
        {
            nameof(SoftmaxCrossEntropy) =>
                "Outputs are logits (n, k); targets are integer classes (n) or rows of probabilities (n, k). Is a Flatten missing?",
            nameof(NegativeLogLikelihood) =>
                "Outputs are logarithms of probabilities (n, k); targets are integer classes (n) or rows of probabilities (n, k).",
            _ => "They must be the same.",
        });
}
