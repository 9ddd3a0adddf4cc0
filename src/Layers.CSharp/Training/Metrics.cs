namespace Autodiff.Layers;

/// <summary>
/// A number by which people judge outputs against targets; unlike a loss it need not be differentiable. It is a function
/// of sums over the examples, so that its value over several batches is that over all their examples.
/// </summary>
/// <example><code>
/// var largest = new Metric("largest error", (output, target) => Tensor.Abs(output - target).Max().ToDouble());
/// </code></example>
public sealed class Metric
{
    private readonly Func<Tensor, Tensor, double[]> sums;
    private readonly Func<double[], double> finish;

    private Metric(Func<Tensor, Tensor, double[]> sums, Func<double[], double> finish, string name) =>
        (this.sums, this.finish, Name) = (sums, finish, name);

    /// <summary>A metric from its mean over the examples of a batch.</summary>
    /// <param name="name">The name, for history and output.</param>
    /// <param name="mean">The mean over the examples of a batch, from output and target.</param>
    /// <param name="finish">What turns the mean over all examples into the metric; null if nothing does.</param>
    public Metric(string name, Func<Tensor, Tensor, double> mean, Func<double, double>? finish = null)
        : this(
            (output, target) => [mean(output, target) * Examples(target), Examples(target)],
            sums => finish?.Invoke(sums[0] / sums[1]) ?? sums[0] / sums[1], name)
    {
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>A metric from sums over the examples, such as counts.</summary>
    /// <param name="name">The name, for history and output.</param>
    /// <param name="sums">The sums over a batch, from output and target; as many for each batch.</param>
    /// <param name="finish">The metric, from the sums over all examples.</param>
    /// <example><code>
    /// // The share of the targets that the outputs reach, not the mean of the shares of the batches.
    /// var reached = Metric.FromSums(
    ///     "reached", (output, target) => [output.Sum().ToDouble(), target.Sum().ToDouble()], sums => sums[0] / sums[1]);
    /// </code></example>
    public static Metric FromSums(string name, Func<Tensor, Tensor, double[]> sums, Func<double[], double> finish) =>
        new(sums, finish, name);

    /// <summary>The metric of one batch.</summary>
    public double Of(Tensor output, Tensor target) => finish(sums(output, target));

    /// <summary>A loss as a metric.</summary>
    public static Metric From(Loss loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        return new(loss.Name, (output, target) => loss.Of(output, target).ToDouble());
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal double[] Sums(Tensor output, Tensor target) => sums(output, target);

    internal double Finish(double[] all) => finish(all);

    private static int Examples(Tensor target) => target.Rank > 0 ? target.Shape[0] : 1;
}

/// <summary>The metrics.</summary>
public static class Metrics
{
    /// <summary>The fraction of examples whose class is found; for sequences, of steps.</summary>
    /// <remarks>With outputs (n, k), k at least 2, the class is the position of the largest, the first at a tie;
    /// targets are integer classes (n) or one-hot rows (n, k). With one output per example, (n) or (n, 1), the classes
    /// are 0 and 1 and the output is a logit, positive for 1, as <see cref="Losses.BinaryCrossEntropy"/> takes it;
    /// targets have as many elements. Outputs (n, time, k) have targets (n, time) or (n, time, k).</remarks>
    public static Metric Accuracy { get; } = AccuracyOf(null);

    /// <summary>The mean over classes of the fraction of the examples found to be of a class that are of it: true positives /
    /// (true + false positives), 0 where none is found.</summary>
    /// <remarks>Classes that are neither found nor expected do not count. With one logit per example it is that of the
    /// positive class alone. Shapes as for <see cref="Accuracy"/>.</remarks>
    public static Metric Precision { get; } = OfClasses("precision", ClassCounts.Precision);

    /// <summary>The mean over classes of the fraction of the examples of a class that are found: true positives / (true
    /// positives + false negatives), 0 where there is none.</summary>
    /// <inheritdoc cref="Precision" path="/remarks"/>
    public static Metric Recall { get; } = OfClasses("recall", ClassCounts.Recall);

    /// <summary>The mean over classes of the harmonic mean of precision and recall of a class.</summary>
    /// <inheritdoc cref="Precision" path="/remarks"/>
    public static Metric F1 { get; } = OfClasses("F1", ClassCounts.F1);

    /// <summary>exp of the mean of -log softmax(output) at the target class: the number of classes among which a choice with
    /// equal chances would be as hard. Outputs are logits; shapes as for <see cref="Losses.SoftmaxCrossEntropy"/>.</summary>
    public static Metric Perplexity { get; } = PerplexityOf(null);

    /// <summary>The mean of |output - target| over all elements; both have one shape.</summary>
    public static Metric MeanAbsoluteError { get; } = new(
        "mean absolute error",
        (output, target) => Tensor.Abs(Difference("MeanAbsoluteError", output, target)).Mean().ToDouble());

    /// <summary>The root of the mean of (output - target)^2 over all elements; both have one shape.</summary>
    public static Metric RootMeanSquaredError { get; } = new(
        "root mean squared error",
        (output, target) => Tensor.Square(Difference("RootMeanSquaredError", output, target)).Mean().ToDouble(),
        Math.Sqrt);

    /// <summary>The coefficient of determination over all elements, 1 - sum (output - target)^2 / sum (target - mean
    /// target)^2; both have one shape.</summary>
    /// <remarks>1 is perfect, 0 as good as the mean of the targets, and below 0 worse. If all targets are equal it is 1 where
    /// all outputs are, too, and else 0.</remarks>
    public static Metric R2 { get; } = Metric.FromSums(
        "R2",
        (output, target) =>
        {
            Tensor difference = Difference("R2", output, target).To(DType.Float64), t = target.To(DType.Float64);
            return [Tensor.Square(difference).Sum().ToDouble(), t.Sum().ToDouble(), Tensor.Square(t).Sum().ToDouble(), t.Size];
        },
        sums =>
        {
            double variation = sums[2] - sums[1] * sums[1] / sums[3];
            return variation > 0 ? 1 - sums[0] / variation : sums[0] == 0 ? 1 : 0;
        });

    /// <summary><see cref="Accuracy"/> over the examples, or the steps of sequences, whose target is not a class number that
    /// marks those that do not count, such as -1 for padding.</summary>
    public static Metric AccuracyWith(int ignore) => AccuracyOf(ignore);

    /// <summary><see cref="Perplexity"/> over the examples, or the steps of sequences, whose target is not a class number
    /// that marks those that do not count, such as -1 for padding.</summary>
    public static Metric PerplexityWith(int ignore) => PerplexityOf(ignore);

    /// <summary>The fraction of examples whose class is among the k with the largest outputs; at a tie the first come
    /// first.</summary>
    /// <param name="k">How many classes may be named, at least 1.</param>
    /// <remarks>Shapes as for <see cref="Accuracy"/>, with two classes or more.</remarks>
    /// <exception cref="ArgumentException">k is not positive.</exception>
    public static Metric TopKAccuracy(int k)
    {
        Shapes.AtLeast(1, k, nameof(TopKAccuracy), nameof(k));
        return Metric.FromSums(
            $"top-{k} accuracy",
            (output, target) =>
            {
                if (output.Rank < 2) throw ClassCounts.Mismatch("TopKAccuracy", output, target);
                bool areLabels = Losses.AreLabels(output, target);
                if (!areLabels && !target.Shape.AsSpan().SequenceEqual(output.Shape))
                    throw ClassCounts.Mismatch("TopKAccuracy", output, target);
                Tensor labels = (areLabels ? target.To(DType.Int64) : target.ArgMax(-1)).ExpandAxis(-1);
                Tensor own = output.Gather(labels, -1), places = Tensor.Arange(output.Shape[^1], DType.Int64);

                // NaN is larger than all numbers, and never right.
                Tensor isBefore = Tensor.Or(
                    Tensor.Not(Tensor.LessOrEqual(output, own)),
                    Tensor.And(Tensor.EqualTo(output, own), Tensor.Less(places, labels)));
                Tensor rank = isBefore.To(DType.Int64).Sum(-1);
                return [Tensor.Less(rank, Tensor.Full([], k, DType.Int64)).Sum().ToDouble(), labels.Size];
            },
            sums => sums[0] / sums[1]);
    }

    private static Metric AccuracyOf(int? ignore) => Metric.FromSums(
        "accuracy",
        (output, target) =>
        {
            (long[] found, long[] expected, _) = ClassCounts.Classes("Accuracy", output, target);
            int right = 0, all = 0;
            for (int i = 0; i < found.Length; i++)
            {
                if (expected[i] == ignore) continue;
                all++;
                if (found[i] == expected[i]) right++;
            }

            return [right, all];
        },
        sums => sums[0] / sums[1]);

    private static Metric PerplexityOf(int? ignore)
    {
        Loss loss = Losses.SoftmaxCrossEntropyWith(ignore: ignore);
        return Metric.FromSums(
            "perplexity",
            (output, target) =>
            {
                double mean = loss.Of(output, target).ToDouble();
                long count = Losses.AreLabels(output, target) ? target.Size : target.Size / target.Shape[^1];
                if (ignore is { } number && Losses.AreLabels(output, target))
                    count -= (long)Tensor.EqualTo(target, Tensor.Full([], number, target.DType)).Sum().ToDouble();
                return [mean * count, count];
            },
            sums => Math.Exp(sums[0] / sums[1]));
    }

    /// <summary>The mean over the classes that are found or expected.</summary>
    private static Metric OfClasses(string name, Func<double, double, double, double> ofClass) => Metric.FromSums(
        name,
        (output, target) =>
        {
            (long[] found, long[] expected, int classes) = ClassCounts.ClassesInRange(name, output, target);
            int first = classes == 1 ? 1 : 0;
            var sums = new double[3 * classes];
            for (int i = 0; i < found.Length; i++)
            {
                bool isRight = found[i] == expected[i];
                if (found[i] >= first) sums[3 * (found[i] - first) + (isRight ? 0 : 1)]++;
                if (!isRight && expected[i] >= first) sums[3 * (expected[i] - first) + 2]++;
            }

            return sums;
        },
        sums =>
        {
            double total = 0;
            int classes = 0;
            for (int i = 0; i < sums.Length; i += 3)
            {
                if (sums[i] + sums[i + 1] + sums[i + 2] == 0) continue;
                total += ofClass(sums[i], sums[i + 1], sums[i + 2]);
                classes++;
            }

            return classes > 0 ? total / classes : 0;
        });

    private static Tensor Difference(string name, Tensor output, Tensor target) =>
        output.Shape.AsSpan().SequenceEqual(target.Shape)
            ? output - target
            : throw new ArgumentException(
                $"{name}: the output has shape {Shapes.Format(output.Shape)}, the target {Shapes.Format(target.Shape)}; "
                + "they must be the same.");
}

/// <summary>The metrics over the examples of several batches.</summary>
internal sealed class MetricSums(IReadOnlyList<Metric> metrics)
{
    private readonly double[]?[] sums = new double[metrics.Count][];

    /// <summary>The sums so far, as a copy: one vector for each metric, null before the first batch.</summary>
    internal double[]?[] Sums => [.. sums];

    /// <summary>Goes on from sums.</summary>
    internal void Restore(double[]?[] from) => from.CopyTo(sums, 0);

    internal void Add(Tensor output, Tensor target)
    {
        for (int i = 0; i < sums.Length; i++)
        {
            double[] added = metrics[i].Sums(output, target);
            if (sums[i] is { } before)
            {
                if (before.Length != added.Length)
                {
                    throw new InvalidOperationException(
                        $"Metric {metrics[i].Name}: there are {added.Length} sums of this batch, {before.Length} of those before.");
                }

                for (int j = 0; j < added.Length; j++) added[j] += before[j];
            }

            sums[i] = added;
        }
    }

    internal IReadOnlyDictionary<string, double> Values()
    {
        var values = new Dictionary<string, double>();
        for (int i = 0; i < sums.Length; i++)
            values[metrics[i].Name] = sums[i] is { } all ? metrics[i].Finish(all) : double.NaN;
        return values;
    }
}
