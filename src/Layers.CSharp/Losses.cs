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

    /// <summary>The mean over the batch of -log softmax(output) at the target class, without overflow.</summary>
    /// <remarks>The output holds logits (n, k), not probabilities: the network must not end in softmax. The target
    /// holds integer classes (n) from 0 to k - 1, or one-hot rows or probabilities (n, k). The gradient is (softmax -
    /// target) / n.</remarks>
    public static Loss SoftmaxCrossEntropy { get; } = new("SoftmaxCrossEntropy", CrossEntropy);

    /// <summary>The mean over all elements of -t log s - (1 - t) log (1 - s) where s = sigmoid(output), without
    /// overflow: softplus(output) - t output.</summary>
    /// <remarks>The output holds logits: the network must not end in a sigmoid. Both have one shape; targets lie on [0,
    /// 1] and may be integers or truth values.</remarks>
    public static Loss BinaryCrossEntropy { get; } = new("BinaryCrossEntropy", (output, target) =>
        (Tensor.Softplus(output) - Matching("BinaryCrossEntropy", output, target) * output).Mean());

    /// <summary>Whether targets are class numbers for outputs that have one more axis, the classes.</summary>
    internal static bool AreLabels(Tensor output, Tensor target) =>
        output.Rank == target.Rank + 1 && target.Shape.AsSpan().SequenceEqual(output.Shape.AsSpan(0, target.Rank));

    private static Tensor CrossEntropy(Tensor output, Tensor target)
    {
        const string name = "SoftmaxCrossEntropy";
        if (output.Rank < 2 || output.Size == 0) throw Mismatch(name, output, target);
        int classes = output.Shape[^1];
        double scale = -(double)classes / output.Size;
        if (target.Shape.AsSpan().SequenceEqual(output.Shape))
            return (output.LogSoftmax(-1) * target.To(output.DType)).Sum() * scale;
        if (!AreLabels(output, target)) throw Mismatch(name, output, target);
        if (target.DType.IsFloat() || target.DType == DType.Bool)
        {
            throw new ArgumentException(
                $"{name}: class numbers are {target.DType.Name()}; they must be integers: convert with To(DType.Int32).");
        }

        Tensor labels = target.DType == DType.Int64 ? target : target.To(DType.Int32);
        CheckLabels(name, labels, classes);
        return output.LogSoftmax(-1).Gather(labels.Reshape([.. labels.Shape, 1]), -1).Sum() * scale;
    }

    /// <summary>Class numbers must lie in range: positions below 0, which gathering counts from the end, would go
    /// unseen.</summary>
    private static void CheckLabels(string name, Tensor labels, int classes)
    {
        // Labels that a transform traces have no values yet.
        if (labels.Level != 0) return;
        double least = labels.Min().ToDouble(), largest = labels.Max().ToDouble();
        if (least >= 0 && largest < classes) return;
        throw new ArgumentException(FormattableString.Invariant(
            $"{name}: class numbers run from {least} to {largest}; outputs with {classes} classes take 0 to {classes - 1}. ")
            + "Give the last layer more units, or number the classes from 0.");
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
        + (name == nameof(SoftmaxCrossEntropy)
            ? "Outputs are logits (n, k); targets are integer classes (n) or rows of probabilities (n, k). Is a Flatten missing?"
            : "They must be the same."));
}
