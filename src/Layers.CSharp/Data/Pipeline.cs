namespace Autodiff.Layers;

/// <summary>
/// How the batches of each epoch are made of a data set: in a new order each time, changed by functions, on another thread if
/// wanted. It is immutable: each method returns a new pipeline. What is random in a batch depends on the key of the epoch and
/// on the number of the batch alone, so that the same key gives the same batches, from any of them on.
/// </summary>
/// <example><code>
/// Pipeline batches = new Pipeline(train, batchSize: 100)
///     .Augment(Augmentation.Shift(2), Augmentation.Rotate(10))
///     .Prefetch();
/// trainer.Fit(batches, validation, epochs: 20);
/// </code></example>
public sealed class Pipeline
{
    private readonly Func<Batch, Key, Batch>[] stages;
    private readonly int prefetched;
    private readonly Lazy<int[]> inputShape;

    /// <summary>Batches of examples.</summary>
    /// <param name="data">The examples.</param>
    /// <param name="batchSize">The number of examples in each batch but perhaps the last.</param>
    /// <param name="shuffle">Whether each epoch has an order of its own; otherwise all have that of the data set.</param>
    /// <param name="dropLast">Whether a last batch with fewer examples is left out.</param>
    /// <exception cref="ArgumentException">The batch size is not positive.</exception>
    public Pipeline(Dataset data, int batchSize, bool shuffle = true, bool dropLast = false)
        : this(data, batchSize, shuffle, dropLast, [], 0)
    {
    }

    private Pipeline(
        Dataset data, int batchSize, bool shuffle, bool dropLast, Func<Batch, Key, Batch>[] stages, int prefetched)
    {
        ArgumentNullException.ThrowIfNull(data);
        Data = data;
        BatchSize = Shapes.AtLeast(1, batchSize, nameof(Pipeline), nameof(batchSize));
        (IsShuffled, DropLast) = (shuffle, dropLast);
        this.stages = stages;
        this.prefetched = prefetched;
        inputShape = new(() => stages.Length == 0 ? data.Inputs.Shape[1..] : Make(First(), new Key(0)).Inputs.Shape[1..]);
    }

    /// <summary>The examples.</summary>
    public Dataset Data { get; }

    /// <summary>The number of examples in each batch but perhaps the last.</summary>
    public int BatchSize { get; }

    /// <summary>Whether each epoch has an order of its own.</summary>
    public bool IsShuffled { get; }

    /// <summary>Whether a last batch with fewer examples is left out.</summary>
    public bool DropLast { get; }

    /// <summary>The number of batches of an epoch.</summary>
    public int Steps => DropLast ? Data.Count / BatchSize : Data.Count == 0 ? 0 : (Data.Count - 1) / BatchSize + 1;

    /// <summary>The shape of one input as it leaves the pipeline.</summary>
    internal int[] InputShape => inputShape.Value;

    /// <summary>Whether batches are rows of the data as they are, and seen by nobody before they are trained on.</summary>
    internal bool IsPlain => stages.Length == 0 && prefetched == 0 && Data.Inputs.Level == 0 && Data.Targets.Level == 0;

    /// <summary>Batches changed by a function.</summary>
    public Pipeline Map(Func<Batch, Batch> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return Map((batch, _) => change(batch));
    }

    /// <summary>Batches changed by a function that may draw random numbers with the key that it gets, another for each
    /// batch.</summary>
    public Pipeline Map(Func<Batch, Key, Batch> change)
    {
        ArgumentNullException.ThrowIfNull(change);
        return new(Data, BatchSize, IsShuffled, DropLast, [.. stages, change], prefetched);
    }

    /// <summary>Inputs, which are images (n, c, h, w), changed at random, by one augmentation after another.</summary>
    public Pipeline Augment(params IReadOnlyList<Augmentation> augmentations) =>
        augmentations.Aggregate(this, (pipeline, augmentation) =>
            pipeline.Map((batch, key) => batch with { Inputs = augmentation.Apply(batch.Inputs, key) }));

    /// <summary>Batches made on another thread, while those before are used.</summary>
    /// <param name="batches">The number of batches to have ready, at least 1.</param>
    /// <exception cref="ArgumentException">The number is not positive.</exception>
    public Pipeline Prefetch(int batches = 2) =>
        new(Data, BatchSize, IsShuffled, DropLast, stages, Shapes.AtLeast(1, batches, nameof(Prefetch), nameof(batches)));

    /// <summary>The batches of an epoch.</summary>
    /// <param name="key">The key of the order and of all that is random: give each epoch its own, such as
    /// <c>key.FoldIn(epoch)</c>.</param>
    /// <param name="skip">The number of batches to leave out at the start; the others are as they would be.</param>
    public IEnumerable<Batch> Batches(Key key, int skip = 0)
    {
        IEnumerable<Batch> batches = Data.Batches(BatchSize, IsShuffled ? key : null, DropLast, skip);
        if (stages.Length > 0) batches = batches.Select((batch, i) => Make(batch, key.FoldIn(skip + i)));
        return prefetched > 0 ? batches.Prefetch(prefetched) : batches;
    }

    private Batch First() => new(Data.Inputs[..Math.Min(1, Data.Count)], Data.Targets[..Math.Min(1, Data.Count)]);

    private Batch Make(Batch batch, Key key)
    {
        for (int i = 0; i < stages.Length; i++) batch = stages[i](batch, key.FoldIn(i));
        return batch;
    }
}
