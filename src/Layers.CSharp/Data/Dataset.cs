namespace Autodiff.Layers;

/// <summary>Examples for training: inputs and targets whose leading axes count the same examples. Immutable.</summary>
public sealed class Dataset
{
    /// <summary>Pairs inputs with targets.</summary>
    /// <param name="inputs">The inputs, of shape (n, ...).</param>
    /// <param name="targets">The targets, of shape (n, ...).</param>
    /// <exception cref="ArgumentException">One is a scalar, or the leading axes differ.</exception>
    public Dataset(Tensor inputs, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(targets);
        if (inputs.Rank == 0 || targets.Rank == 0 || inputs.Shape[0] != targets.Shape[0])
            throw new ArgumentException(
                $"Dataset: inputs of shape ({string.Join(", ", inputs.Shape)}) and targets of shape ({string.Join(", ", targets.Shape)}) "
                + "do not hold the same number of examples. The leading axis of both must count the examples.");

        // Rows of a contiguous tensor are gathered without copying the whole of it.
        Inputs = ElementTypes.Contiguous(inputs);
        Targets = ElementTypes.Contiguous(targets);
    }

    /// <summary>The inputs, of shape (n, ...).</summary>
    public Tensor Inputs { get; }

    /// <summary>The targets, of shape (n, ...).</summary>
    public Tensor Targets { get; }

    /// <summary>The number of examples.</summary>
    public int Count => Inputs.Shape[0];

    /// <summary>
    /// A dataset of .NET arrays of float, double, int, long, bool, byte or another type that tensors have, of any rank
    /// from 1 up; tensors take the type and shape of the arrays.
    /// </summary>
    /// <example><code>
    /// Dataset xor = Dataset.From(new float[,] { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }, new[] { 0L, 1L, 1L, 0L });
    /// </code></example>
    /// <exception cref="ArgumentException">Elements have another type, or the leading lengths differ.</exception>
    public static Dataset From(Array inputs, Array targets) =>
        new(ToTensor(inputs, nameof(inputs)), ToTensor(targets, nameof(targets)));

    /// <summary>The first examples, as a view.</summary>
    /// <exception cref="ArgumentException">There are fewer than <paramref name="count"/>.</exception>
    public Dataset Take(int count) => Range(0, count);

    /// <summary>The examples from <paramref name="start"/> on, as a view.</summary>
    /// <exception cref="ArgumentException">The range lies outside the dataset.</exception>
    public Dataset Range(int start, int count)
    {
        if (start < 0 || count < 0 || (long)start + count > Count)
            throw new ArgumentException($"Range: {count} examples from {start} on lie outside the dataset, which has {Count}.");
        Batch batch = Slice(start, start + count);
        return new Dataset(batch.Inputs, batch.Targets);
    }

    /// <summary>Two parts: the first <paramref name="count"/> examples and the rest.</summary>
    /// <param name="count">The number of examples in the first part.</param>
    /// <param name="shuffleKey">The key of the order in which examples are dealt out; null keeps their order.</param>
    /// <exception cref="ArgumentException">There are fewer examples.</exception>
    public (Dataset First, Dataset Second) Split(int count, Key? shuffleKey = null)
    {
        if (count < 0 || count > Count)
            throw new ArgumentException($"Split: the first part cannot have {count} of {Count} examples.");
        Dataset all = shuffleKey is { } key ? Shuffle(key) : this;
        return (all.Take(count), all.Range(count, Count - count));
    }

    /// <summary>Two parts: a fraction of the examples, rounded to the nearest count, and the rest.</summary>
    /// <param name="fraction">The share of the first part, from 0 to 1.</param>
    /// <param name="shuffleKey">The key of the order in which examples are dealt out; null keeps their order.</param>
    /// <exception cref="ArgumentException">The fraction is not between 0 and 1.</exception>
    public (Dataset First, Dataset Second) Split(double fraction, Key? shuffleKey = null)
    {
        if (!(fraction >= 0 && fraction <= 1))
            throw new ArgumentException($"Split: the fraction {fraction} is not between 0 and 1. A number of examples is given as an int.");
        return Split((int)Math.Round(fraction * Count), shuffleKey);
    }

    /// <summary>The same examples in the order of a permutation that the key determines.</summary>
    public Dataset Shuffle(Key key)
    {
        Batch batch = Gather(key.Permutation(Count));
        return new Dataset(batch.Inputs, batch.Targets);
    }

    /// <summary>
    /// The examples in batches, each once. Without a key they keep their order and batches are views; with one they
    /// follow the permutation of that key: give each epoch its own, such as <c>key.FoldIn(epoch)</c>.
    /// </summary>
    /// <param name="batchSize">The number of examples in each batch but perhaps the last.</param>
    /// <param name="shuffleKey">The key of the order; null keeps the order.</param>
    /// <param name="dropLast">Whether a last batch with fewer examples is left out.</param>
    /// <param name="skip">The number of batches to leave out at the start.</param>
    /// <exception cref="ArgumentException">The batch size is not positive, or the number is negative.</exception>
    public IEnumerable<Batch> Batches(int batchSize, Key? shuffleKey = null, bool dropLast = false, int skip = 0)
    {
        if (batchSize < 1) throw new ArgumentException($"Batches: the batch size {batchSize} is not positive.");
        if (skip < 0) throw new ArgumentException($"Batches: {skip} batches cannot be left out.");
        return Iterate();

        IEnumerable<Batch> Iterate()
        {
            Tensor? order = shuffleKey?.Permutation(Count);
            for (int start = (int)Math.Min(Count, (long)skip * batchSize); start < Count; start += Math.Min(batchSize, Count - start))
            {
                int end = start + Math.Min(batchSize, Count - start);
                if (dropLast && end - start < batchSize) yield break;
                yield return order is null ? Slice(start, end) : Gather(order[start..end]);
            }
        }
    }

    /// <summary>The dataset of functions of all inputs and, if given, of all targets.</summary>
    /// <example><code>
    /// Dataset flat = images.Map(x =&gt; x.Reshape(-1, 784));
    /// </code></example>
    /// <exception cref="ArgumentException">The results do not hold the same number of examples.</exception>
    public Dataset Map(Func<Tensor, Tensor> inputs, Func<Tensor, Tensor>? targets = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        return new Dataset(inputs(Inputs), targets is null ? Targets : targets(Targets));
    }

    /// <summary>The examples that a condition chooses, in order: a function of all inputs and targets to one truth value for
    /// each example.</summary>
    /// <example><code>
    /// Dataset twos = digits.Filter((x, y) =&gt; Tensor.EqualTo(y, Tensor.Scalar(2.0)));
    /// </code></example>
    /// <exception cref="ArgumentException">The result is not of shape (n).</exception>
    public Dataset Filter(Func<Tensor, Tensor, Tensor> isKept)
    {
        ArgumentNullException.ThrowIfNull(isKept);
        Tensor kept = isKept(Inputs, Targets);
        if (kept.Rank != 1 || kept.Size != Count)
            throw new ArgumentException($"Filter: the condition has shape {Shapes.Format(kept.Shape)}; it needs one truth value for each of {Count} examples, ({Count}).");
        Batch batch = Gather(kept.ArgWhere().Reshape(-1));
        return new Dataset(batch.Inputs, batch.Targets);
    }

    /// <summary>Targets that are class numbers, as rows of float32 with a one at the class.</summary>
    /// <param name="classes">The number of classes.</param>
    /// <exception cref="ArgumentException">Targets are not integers, or not from 0 to classes - 1.</exception>
    public Dataset OneHot(int classes)
    {
        if (Targets.DType.IsFloat() || Targets.DType == DType.Bool)
            throw new ArgumentException($"OneHot: targets are {Targets.DType.Name()}; class numbers are integers: convert with To(DType.Int64).");
        if (Targets.Size > 0 && (Targets.Min().ToDouble() is var least && (least < 0 || Targets.Max().ToDouble() >= classes)))
            throw new ArgumentException($"OneHot: class numbers run from {least} to {Targets.Max().ToDouble()}; {classes} classes are 0 to {classes - 1}.");
        return new Dataset(Inputs, Targets.OneHot(classes));
    }

    /// <summary>As many pairs of data sets as there are folds: the examples are dealt out into parts of nearly equal size, and
    /// each part in turn is for validation while the others are for training (k-fold cross-validation).</summary>
    /// <param name="folds">The number of parts, from 2 to the number of examples.</param>
    /// <param name="shuffleKey">The key of the order in which examples are dealt out; null keeps their order.</param>
    /// <exception cref="ArgumentException">The number of parts is not in range.</exception>
    public IEnumerable<(Dataset Train, Dataset Validation)> Folds(int folds, Key? shuffleKey = null)
    {
        if (folds < 2 || folds > Count)
            throw new ArgumentException($"Folds: {Count} examples cannot be dealt out into {folds} parts; ask for 2 to {Count}.");
        return Iterate();

        IEnumerable<(Dataset Train, Dataset Validation)> Iterate()
        {
            Dataset all = shuffleKey is { } key ? Shuffle(key) : this;
            for (int fold = 0; fold < folds; fold++)
            {
                int start = (int)((long)Count * fold / folds), end = (int)((long)Count * (fold + 1) / folds);
                Dataset before = all.Take(start), after = all.Range(end, Count - end);
                yield return (
                    new(Tensor.Concat(0, before.Inputs, after.Inputs), Tensor.Concat(0, before.Targets, after.Targets)),
                    all.Range(start, end - start));
            }
        }
    }

    /// <summary>The number of examples, and the shapes and types.</summary>
    public override string ToString() => $"{Count} examples: {Describe(Inputs)} -> {Describe(Targets)}";

    private static string Describe(Tensor x) => $"{x.DType.Name()} ({string.Join(", ", x.Shape[1..])})";

    private Batch Slice(int start, int end) => new(Inputs[start..end], Targets[start..end]);

    private Batch Gather(Tensor order) => new(Inputs.Take(order, 0), Targets.Take(order, 0));

    private static Tensor ToTensor(Array values, string name)
    {
        ArgumentNullException.ThrowIfNull(values, name);
        if (values.GetType().GetElementType() is { } element && DTypes.Find(element) is null)
        {
            throw new ArgumentException(
                $"Dataset.From: {name} are {values.GetType().Name}, which no tensor holds. Use rectangular arrays of float, double, Half, BFloat16, int, long, short, sbyte, byte or bool, such as float[,].");
        }

        return Tensor.FromArray(values);
    }
}
