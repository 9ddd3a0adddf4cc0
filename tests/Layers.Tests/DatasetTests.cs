using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public class DatasetTests
{
    /// <summary>Example i has the inputs (i, i + 0.5) and the target i.</summary>
    private static Dataset Counted(int count) => new(
        Tensor.From([.. Enumerable.Range(0, 2 * count).Select(i => i / 2f)], count, 2),
        Tensor.From([.. Enumerable.Range(0, count).Select(i => (long)i)], count));

    private static long[] Targets(Dataset data) => data.Targets.ToArray<long>();

    private static void AssertPaired(Tensor inputs, Tensor targets)
    {
        Assert.Equal(targets.ToArray<float>(), inputs[.., 0].ToArray<float>());
        Assert.Equal(targets.Shape[0], inputs.Shape[0]);
    }

    [Fact]
    public void Inputs_and_targets_must_have_the_same_leading_axis()
    {
        foreach ((int[] inputs, int[] targets) in new (int[], int[])[] { ([3, 2], [4]), ([], [1]), ([1], []) })
        {
            string message = Assert.Throws<ArgumentException>(() => new Dataset(new Key(1).Uniform(inputs), new Key(1).Uniform(targets))).Message;
            Assert.Contains($"({string.Join(", ", inputs)})", message);
            Assert.Contains($"({string.Join(", ", targets)})", message);
            Assert.Contains("leading axis", message);
        }
    }

    [Fact]
    public void Arrays_keep_their_type_and_shape()
    {
        Dataset data = Dataset.From(new float[,] { { 1, 2 }, { 3, 4 } }, new[] { 0L, 1L });
        Samples.AssertSame(Tensor.From([1f, 2f, 3f, 4f], 2, 2), data.Inputs, "inputs");
        Samples.AssertSame(Tensor.From([0L, 1L], 2), data.Targets, "targets");
        Assert.Equal("2 examples: float32 (2) -> int64 ()", data.ToString());
        Dataset other = Dataset.From(new double[2, 1, 3], new[,] { { true }, { false } });
        Assert.Equal([2, 1, 3], other.Inputs.Shape);
        Assert.Equal(DType.Bool, other.Targets.DType);
        Assert.Contains("String[]", Assert.Throws<ArgumentException>(() => Dataset.From(new[] { "a" }, new[] { 1 })).Message);
        Assert.Contains("float[,]", Assert.Throws<ArgumentException>(() => Dataset.From(new[] { new[] { 1f } }, new[] { 1 })).Message);
    }

    [Fact]
    public void Take_and_range_are_parts_in_order()
    {
        Assert.Equal([0, 1, 2], Targets(Counted(5).Take(3)));
        Assert.Equal([3, 4], Targets(Counted(5).Range(3, 2)));
        Assert.Equal(0, Counted(5).Take(0).Count);
        foreach ((int start, int count) in new[] { (0, 6), (-1, 2), (5, 1), (0, -1), (int.MaxValue, int.MaxValue) })
            Assert.Contains("has 5", Assert.Throws<ArgumentException>(() => Counted(5).Range(start, count)).Message);
    }

    [Fact]
    public void Split_deals_out_each_example_once()
    {
        Dataset data = Counted(10);
        foreach ((Dataset first, Dataset second) in new[] { data.Split(7), data.Split(0.7), data.Split(0.7, new Key(1)), data.Split(7, new Key(2)) })
        {
            Assert.Equal(7, first.Count);
            Assert.Equal(3, second.Count);
            Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)i), Targets(first).Concat(Targets(second)).Order());
            AssertPaired(first.Inputs, first.Targets);
        }

        Assert.Equal([0, 1, 2, 3, 4, 5, 6], Targets(data.Split(0.7).First));
        Assert.Equal(0, data.Split(1.0).Second.Count);
        Assert.Throws<ArgumentException>(() => data.Split(11));
        Assert.Throws<ArgumentException>(() => data.Split(1.5));
        Assert.Throws<ArgumentException>(() => data.Split(double.NaN));
    }

    [Fact]
    public void Shuffling_depends_on_the_key_alone()
    {
        Dataset data = Counted(50);
        Assert.Equal(Targets(data.Shuffle(new Key(3))), Targets(data.Shuffle(new Key(3))));
        Assert.NotEqual(Targets(data.Shuffle(new Key(3))), Targets(data.Shuffle(new Key(4))));
        Assert.NotEqual(Targets(data), Targets(data.Shuffle(new Key(3))));
        AssertPaired(data.Shuffle(new Key(3)).Inputs, data.Shuffle(new Key(3)).Targets);
    }

    [Fact]
    public void Batches_hold_each_example_once_in_order_or_shuffled_as_Shuffle_does()
    {
        foreach (int count in new[] { 0, 1, 9, 10, 11, 3000 })
            foreach (Key? key in new Key?[] { null, new Key(7) })
                foreach (bool dropLast in new[] { false, true })
                {
                    Dataset data = Counted(count);
                    Batch[] batches = [.. data.Batches(5, key, dropLast)];
                    int kept = dropLast ? count / 5 * 5 : count;
                    Assert.Equal((kept + 4) / 5, batches.Length);
                    foreach (Batch batch in batches) AssertPaired(batch.Inputs, batch.Targets);
                    Dataset expected = key is { } k ? data.Shuffle(k) : data;
                    Assert.Equal(Targets(expected.Take(kept)), batches.SelectMany(batch => batch.Targets.ToArray<long>()));
                }
    }

    [Fact]
    public void A_batch_may_be_larger_than_the_dataset_but_not_empty()
    {
        Assert.Single(Counted(3).Batches(int.MaxValue));
        foreach (int size in new[] { 0, -1 })
            Assert.Contains($"{size}", Assert.Throws<ArgumentException>(() => Counted(3).Batches(size)).Message);
    }

    [Fact]
    public void Batches_of_strided_inputs_are_right()
    {
        Dataset data = new(Counted(20).Inputs.Transpose().Reshape(2, 20).Transpose(), Counted(20).Targets);
        foreach (Batch batch in data.Batches(3, new Key(1))) AssertPaired(batch.Inputs, batch.Targets);
        foreach (Batch batch in data.Range(5, 15).Batches(4, new Key(1))) AssertPaired(batch.Inputs, batch.Targets);
    }

    [Fact]
    public void Map_changes_inputs_and_targets()
    {
        Dataset mapped = Counted(3).Map(x => x * 2.0, y => y + 1.0);
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f], mapped.Inputs.ToArray<float>());
        Assert.Equal([1, 2, 3], Targets(mapped));
        Assert.Throws<ArgumentException>(() => Counted(3).Map(x => x.Reshape(2, 3)));
    }

    [Fact]
    public void The_data_folder_is_the_option_before_the_variable()
    {
        using var files = new Files();
        Assert.Equal(files.Folder, DataDirectory.Find(files.Folder));
        Samples.AssertFails<DirectoryNotFoundException>(files["none"], ["--data"], () => DataDirectory.Find(files["none"]));
        Assert.Equal(DataDirectory.Find(null), DataDirectory.Find(""));
    }
}
