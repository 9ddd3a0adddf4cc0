using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class PipelineTests
{
    private static Dataset Counted(int count) => new(
        Tensor.From([.. Enumerable.Range(0, count).Select(i => (float)i)], count, 1), Tensor.From([.. Enumerable.Range(0, count).Select(i => (long)i)], count));

    private static float[][] Inputs(IEnumerable<Batch> batches) => [.. batches.Select(batch => batch.Inputs.ToArray<float>())];

    [Fact]
    public void The_same_key_gives_the_same_batches_from_any_of_them_on()
    {
        foreach (bool shuffle in new[] { false, true })
            foreach (bool dropLast in new[] { false, true })
                foreach (bool prefetch in new[] { false, true })
                {
                    Pipeline pipeline = new Pipeline(Counted(23), 5, shuffle, dropLast)
                        .Map(batch => batch with { Inputs = batch.Inputs * 2 })
                        .Map((batch, key) => batch with { Inputs = batch.Inputs + key.Uniform(batch.Inputs.Shape) })
                        .Map((batch, key) => batch with { Inputs = batch.Inputs + key.Uniform(batch.Inputs.Shape) });
                    if (prefetch) pipeline = pipeline.Prefetch();
                    float[][] all = Inputs(pipeline.Batches(new Key(1)));
                    Assert.Equal(pipeline.Steps, all.Length);
                    Assert.Equal(dropLast ? 4 : 5, all.Length);
                    for (int skip = 0; skip <= all.Length + 1; skip++) Assert.Equal(all[Math.Min(skip, all.Length)..], Inputs(pipeline.Batches(new Key(1), skip)));
                    Assert.NotEqual(all, Inputs(pipeline.Batches(new Key(2))));
                    Assert.Equal(all.Length, all.Select(batch => batch[0] % 1).Distinct().Count());
                }
    }

    [Fact]
    public void Prefetching_keeps_order_and_runs_ahead()
    {
        int made = 0;
        IEnumerable<int> Numbers()
        {
            for (int i = 0; i < 100; i++)
            {
                Interlocked.Increment(ref made);
                yield return i;
            }
        }

        Assert.Equal(Enumerable.Range(0, 100), Numbers().Prefetch(3));
        made = 0;
        using IEnumerator<int> ahead = Numbers().Prefetch(3).GetEnumerator();
        Assert.True(ahead.MoveNext());
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref made) >= 4, 10_000));
        Thread.Sleep(20);
        Assert.InRange(Volatile.Read(ref made), 4, 5);
        Assert.Throws<ArgumentException>(() => Numbers().Prefetch(0));
    }

    [Fact]
    public void Prefetching_hands_over_errors_after_the_items_before_them()
    {
        static IEnumerable<int> Broken()
        {
            yield return 1;
            yield return 2;
            throw new InvalidDataException("third");
        }

        var seen = new List<int>();
        Assert.Equal("third", Assert.Throws<InvalidDataException>(() => seen.AddRange(Broken().Prefetch())).Message);
        foreach (int depth in new[] { 1, 2, 5 })
        {
            seen.Clear();
            Assert.Throws<InvalidDataException>(() =>
            {
                foreach (int item in Broken().Prefetch(depth)) seen.Add(item);
            });
            Assert.Equal([1, 2], seen);
        }
    }

    [Fact]
    public void Leaving_early_disposes_the_source_and_ends_its_thread()
    {
        bool isDisposed = false;
        Thread? thread = null;
        IEnumerable<int> Endless()
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    thread = Thread.CurrentThread;
                    yield return i;
                }
            }
            finally
            {
                isDisposed = true;
            }
        }

        foreach (int item in Endless().Prefetch())
            if (item == 3) break;
        Assert.True(isDisposed);
        Assert.NotSame(Thread.CurrentThread, thread);
        Assert.True(thread!.Join(10_000));
    }

    [Fact]
    public void Filters_choose_examples()
    {
        Dataset even = Counted(7).Filter((x, y) => Tensor.EqualTo(Tensor.Remainder(x.Reshape(-1), Tensor.Scalar(2f)), Tensor.Scalar(0f)));
        Assert.Equal([0, 2, 4, 6], even.Targets.ToArray<long>());
        Assert.Equal([0f, 2f, 4f, 6f], even.Inputs.ToArray<float>());
        Assert.Equal(0, Counted(3).Filter((x, y) => Tensor.Less(y, Tensor.Scalar(0.0))).Count);
        Assert.Contains("(3, 1)", Assert.Throws<ArgumentException>(() => Counted(3).Filter((x, y) => x)).Message);
    }

    [Fact]
    public void Targets_become_rows_with_a_one()
    {
        Assert.Equal([1f, 0f, 0f, 0f, 1f, 0f], Counted(2).OneHot(3).Targets.ToArray<float>());
        Assert.Contains("0 to 1", Assert.Throws<ArgumentException>(() => Counted(3).OneHot(2)).Message);
        Assert.Contains("integers", Assert.Throws<ArgumentException>(() => Counted(3).Map(x => x, y => y.To(DType.Float32)).OneHot(3)).Message);
    }

    [Fact]
    public void Folds_validate_each_example_once()
    {
        foreach (Key? key in new Key?[] { null, new Key(1) })
            foreach (int count in new[] { 2, 10, 11 })
                foreach (int folds in new[] { 2, Math.Min(3, count), count })
                {
                    var parts = Counted(count).Folds(folds, key).ToArray();
                    Assert.Equal(folds, parts.Length);
                    long[] all = [.. Enumerable.Range(0, count).Select(i => (long)i)];
                    Assert.Equal(all, parts.SelectMany(part => part.Validation.Targets.ToArray<long>()).Order());
                    foreach ((Dataset train, Dataset validation) in parts)
                    {
                        Assert.InRange(validation.Count, count / folds, count / folds + 1);
                        Assert.Equal(all, train.Targets.ToArray<long>().Concat(validation.Targets.ToArray<long>()).Order());
                        Assert.Equal(train.Targets.ToArray<float>(), train.Inputs.ToArray<float>());
                    }
                }

        Assert.Contains("2 to 5", Assert.Throws<ArgumentException>(() => Counted(5).Folds(6)).Message);
        Assert.Throws<ArgumentException>(() => Counted(5).Folds(1));
    }

    [Fact]
    public void Standardized_columns_have_mean_0_and_deviation_1()
    {
        Tensor data = new Key(1).Normal([500, 3], 4, 2, DType.Float64) * Tensor.From([1.0, 10.0, 0.0]);
        Standardizer standardizer = Standardizer.Fit(data);
        Tensor done = standardizer.Apply(data);
        Assert.All(done.Mean(0).ToArray<double>(), mean => Assert.Equal(0, mean, 1e-12));
        double[] deviations = Tensor.Sqrt(done.Variance(0)).ToArray<double>();
        Assert.Equal(1, deviations[0], 1e-12);
        Assert.Equal(1, deviations[1], 1e-12);
        Assert.Equal(0, deviations[2]);
        Assert.All(standardizer.Invert(done).ToArray<double>().Zip(data.ToArray<double>()), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        Assert.Contains("(0, 3)", Assert.Throws<ArgumentException>(() => Standardizer.Fit(data[0..0])).Message);
    }

    [Fact]
    public void Vocabularies_encode_and_decode()
    {
        var vocabulary = new CharacterVocabulary("hello\nworld");
        Assert.Equal("\ndehlorw", string.Concat(vocabulary.Characters));
        Assert.Equal([3, 2, 4, 4, 5], vocabulary.Encode("hello").ToArray<long>());
        Assert.Equal("low\n", vocabulary.Decode(vocabulary.Encode("low\n")));
        Assert.Contains("'x' (U+0078) at position 1", Assert.Throws<ArgumentException>(() => vocabulary.Encode("ox")).Message);
        Assert.Contains("0 to 7", Assert.Throws<ArgumentException>(() => vocabulary.Decode(Tensor.From([8L], 1))).Message);
    }

    [Fact]
    public void Windows_have_targets_one_place_later()
    {
        Tensor ids = Tensor.Arange(11, DType.Int64);
        Dataset windows = Sequences.Windows(ids, 3);
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8], windows.Inputs.ToArray<long>());
        Assert.Equal([3, 3], windows.Inputs.Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], windows.Targets.ToArray<long>());
        Assert.Equal(8, Sequences.Windows(ids, 3, stride: 1).Count);
        Assert.Equal([7L, 8, 9], Sequences.Windows(ids, 3, 7).Inputs[1].ToArray<long>());
        Assert.Equal(1, Sequences.Windows(ids, 10).Count);
        Assert.Contains("too short", Assert.Throws<ArgumentException>(() => Sequences.Windows(ids, 11)).Message);
        Assert.Equal([3, 3, 4], Sequences.Windows(ids.OneHot(11)[.., ..4], 3).Inputs.Shape);
    }

    [Fact]
    public void Streams_go_on_from_batch_to_batch()
    {
        const int streams = 4, length = 5;
        Dataset data = Sequences.Streams(Tensor.Arange(83, DType.Int64), streams, length);
        Batch[] batches = [.. new Pipeline(data, streams, shuffle: false).Batches(new Key(0))];
        Assert.Equal(4, batches.Length);
        foreach (Batch batch in batches) Assert.Equal((batch.Inputs + 1).ToArray<long>(), batch.Targets.ToArray<long>());
        for (int k = 1; k < batches.Length; k++)
            Assert.Equal((batches[k - 1].Inputs + length).ToArray<long>(), batches[k].Inputs.ToArray<long>());
        Assert.Equal([0L, 20, 40, 60], batches[0].Inputs[.., 0].ToArray<long>());
        Assert.Contains("too short", Assert.Throws<ArgumentException>(() => Sequences.Streams(Tensor.Arange(20, DType.Int64), 4, 5)).Message);
    }
}
