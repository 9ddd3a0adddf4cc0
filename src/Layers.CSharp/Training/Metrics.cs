namespace Autodiff.Layers;

/// <summary>
/// A number by which people judge outputs against targets; unlike a loss it need not be differentiable. Over several
/// batches it is the mean of its value per example, passed through a last function (such as a root).
/// </summary>
/// <example><code>
/// var largest = new Metric("largest error", (output, target) => Tensor.Abs(output - target).Max().ToDouble());
/// </code></example>
public sealed class Metric
{
    private readonly Func<Tensor, Tensor, double> total;
    private readonly Func<double, double>? finish;

    private Metric(Func<Tensor, Tensor, double> total, Func<double, double>? finish, string name) =>
        (this.total, this.finish, Name) = (total, finish, name);

    /// <summary>A metric from its mean over the examples of a batch.</summary>
    /// <param name="name">The name, for history and output.</param>
    /// <param name="mean">The mean over the examples of a batch, from output and target.</param>
    /// <param name="finish">What turns the mean over all examples into the metric; null if nothing does.</param>
    public Metric(string name, Func<Tensor, Tensor, double> mean, Func<double, double>? finish = null)
        : this((output, target) => mean(output, target) * Examples(target), finish, name)
    {
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The metric of one batch.</summary>
    public double Of(Tensor output, Tensor target) => Finish(Total(output, target) / Examples(target));

    /// <summary>A loss as a metric.</summary>
    public static Metric From(Loss loss) => new(loss.Name, (output, target) => loss.Of(output, target).ToDouble());

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>A metric that counts examples: a sum of whole numbers, which is exact over any batches.</summary>
    internal static Metric Counting(string name, Func<Tensor, Tensor, double> count) => new(count, null, name);

    internal static int Examples(Tensor target) => target.Rank > 0 ? target.Shape[0] : 1;

    internal double Total(Tensor output, Tensor target) => total(output, target);

    internal double Finish(double mean) => finish?.Invoke(mean) ?? mean;
}

/// <summary>The metrics.</summary>
public static class Metrics
{
    /// <summary>The fraction of examples whose class is found.</summary>
    /// <remarks>With outputs (n, k), k at least 2, the class is the position of the largest, the first at a tie;
    /// targets are integer classes (n) or one-hot rows (n, k). With one output per example, (n) or (n, 1), the classes
    /// are 0 and 1 and the output is a logit, positive for 1, as <see cref="Losses.BinaryCrossEntropy"/> takes it;
    /// targets have as many elements.</remarks>
    public static Metric Accuracy { get; } = Metric.Counting("accuracy", CountRight);

    /// <summary>The mean of |output - target| over all elements; both have one shape.</summary>
    public static Metric MeanAbsoluteError { get; } = new(
        "mean absolute error",
        (output, target) => Tensor.Abs(Difference("MeanAbsoluteError", output, target)).Mean().ToDouble());

    /// <summary>The root of the mean of (output - target)^2 over all elements; both have one shape.</summary>
    public static Metric RootMeanSquaredError { get; } = new(
        "root mean squared error",
        (output, target) => Tensor.Square(Difference("RootMeanSquaredError", output, target)).Mean().ToDouble(),
        Math.Sqrt);

    private static double CountRight(Tensor output, Tensor target)
    {
        if (output.Rank > 0 && output.Size == output.Shape[0])
        {
            if (target.Size != output.Size) throw Mismatch("Accuracy", output, target);
            Tensor isPositive = Tensor.Greater(output.Reshape(-1), TensorModule.zerosLike(output.Reshape(-1)));
            return Count(isPositive, target.Reshape(-1).To(DType.Bool));
        }

        if (output.Rank < 2) throw Mismatch("Accuracy", output, target);
        bool areLabels = Losses.AreLabels(output, target);
        if (!areLabels && !target.Shape.AsSpan().SequenceEqual(output.Shape)) throw Mismatch("Accuracy", output, target);
        return Count(output.ArgMax(-1), areLabels ? target.To(DType.Int64) : target.ArgMax(-1));
    }

    private static double Count(Tensor found, Tensor expected) => Tensor.EqualTo(found, expected).Sum().ToDouble();

    private static Tensor Difference(string name, Tensor output, Tensor target) =>
        output.Shape.AsSpan().SequenceEqual(target.Shape) ? output - target : throw Mismatch(name, output, target);

    private static ArgumentException Mismatch(string name, Tensor output, Tensor target) => new(
        $"{name}: the output has shape {Shapes.Format(output.Shape)}, the target {Shapes.Format(target.Shape)}; "
        + (name == "Accuracy"
            ? "outputs are (n, k) with targets (n) or (n, k), or one logit per example with as many targets."
            : "they must be the same."));
}

/// <summary>The means of metrics over the examples of several batches.</summary>
internal sealed class MetricSums(IReadOnlyList<Metric> metrics)
{
    private readonly double[] sums = new double[metrics.Count];
    private long examples;

    /// <summary>The sums so far, as a copy.</summary>
    internal double[] Sums => [.. sums];

    /// <summary>Goes on from sums over some number of examples.</summary>
    internal void Restore(double[] from, long count)
    {
        from.CopyTo(sums, 0);
        examples = count;
    }

    internal void Add(Tensor output, Tensor target)
    {
        for (int i = 0; i < sums.Length; i++) sums[i] += metrics[i].Total(output, target);
        examples += Metric.Examples(target);
    }

    internal IReadOnlyDictionary<string, double> Values()
    {
        var values = new Dictionary<string, double>();
        for (int i = 0; i < sums.Length; i++) values[metrics[i].Name] = metrics[i].Finish(sums[i] / examples);
        return values;
    }
}
