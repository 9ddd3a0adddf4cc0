using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class IndexingTests
{
    private static readonly (int Outer, int Axis, int Inner, int Count)[] Shapes =
    [
        (1, 5, 1, 7), (3, 4, 1, 2), (2, 6, 3, 9), (1, 10, 16, 4), (4, 3, 33, 5), (2, 1, 2, 3),
        (0, 3, 2, 2), (2, 3, 0, 2),
        (2, 3, 2, 0), (3, 50, 70, 200), (1, 500, 64, 3000), (2, 1000, 1, 200_000),
    ];

    private static byte[] Indices(DType type, int[] values) => type == DType.Int64
        ? MemoryMarshal.AsBytes<long>([.. values.Select(v => (long)v)]).ToArray()
        : MemoryMarshal.AsBytes<int>(values).ToArray();

    private static int[] Random(int n, int axis)
    {
        Random random = new(n);
        return [.. Enumerable.Range(0, n).Select(_ => random.Next(-axis, axis))];
    }

    private static T[] Values<T>(int n)
        where T : INumber<T> => [.. Enumerable.Range(0, n).Select(i => T.CreateTruncating(i % 7 + i % 5))];

    private delegate void Kernel(ReadOnlySpan<byte> x, ReadOnlySpan<byte> indices, Span<byte> destination);

    private static T[] Call<T>(Kernel kernel, T[] x, byte[] indices, int length)
        where T : unmanaged
    {
        T[] y = new T[length];
        MemoryMarshal.AsBytes(y.AsSpan()).Fill(3);
        kernel(MemoryMarshal.AsBytes<T>(x), indices, MemoryMarshal.AsBytes(y.AsSpan()));
        return y;
    }

    private static void AllAgree<T>(DType indexType)
        where T : unmanaged, INumber<T>
    {
        DType dtype = DTypes.Of<T>();
        foreach ((int outer, int axis, int inner, int count) in Shapes)
        {
            T[] x = Values<T>(outer * axis * inner), updates = Values<T>(outer * count * inner);
            int[] at = Random(count, axis), along = Random(outer * count * inner, axis);
            T[] taken = new T[updates.Length], gathered = new T[updates.Length];
            T[] added = new T[x.Length], scattered = new T[x.Length];
            for (int o = 0; o < outer; o++)
            {
                for (int j = 0; j < count; j++)
                {
                    for (int i = 0; i < inner; i++)
                    {
                        int here = (o * count + j) * inner + i;
                        int from = (o * axis + (at[j] + axis) % axis) * inner + i;
                        int side = (o * axis + (along[here] + axis) % axis) * inner + i;
                        taken[here] = x[from];
                        gathered[here] = x[side];
                        added[from] += updates[here];
                        scattered[side] += updates[here];
                    }
                }
            }

            byte[] one = Indices(indexType, at), all = Indices(indexType, along);
            int size = dtype.Size();
            Kernel take = (v, k, d) => Indexing.Take(size, outer, axis, inner, v, indexType, k, count, d);
            Kernel gather = (v, k, d) => Indexing.Gather(size, outer, axis, inner, v, indexType, k, count, d);
            Kernel takeAdd = (v, k, d) => Indexing.TakeAdd(dtype, outer, axis, inner, v, indexType, k, count, d);
            Kernel scatterAdd = (v, k, d) => Indexing.ScatterAdd(dtype, outer, axis, inner, v, indexType, k, count, d);
            Assert.Equal(taken, Call(take, x, one, taken.Length));
            Assert.Equal(gathered, Call(gather, x, all, taken.Length));
            Assert.Equal(added, Call(takeAdd, updates, one, x.Length));
            Assert.Equal(scattered, Call(scatterAdd, updates, all, x.Length));
        }
    }

    [Theory]
    [InlineData(DType.Int32)]
    [InlineData(DType.Int64)]
    public void Take_and_gather_and_their_transposes_agree_with_the_definition(DType indexType)
    {
        AllAgree<float>(indexType);
        AllAgree<double>(indexType);
        AllAgree<int>(indexType);
        AllAgree<long>(indexType);
        AllAgree<byte>(indexType);
        AllAgree<sbyte>(indexType);
        AllAgree<short>(indexType);
    }

    [Fact]
    public void An_index_out_of_range_is_an_error_that_names_it()
    {
        const DType type = DType.Int32;
        byte[] x = new byte[12], y = new byte[4], bad = Indices(type, [3]), low = Indices(type, [-4]);
        string message = Fails(() => Indexing.Take(4, 1, 3, 1, x, type, bad, 1, y));
        Assert.Equal("The index 3 is out of range for an axis of size 3.", message);
        Fails(() => Indexing.Take(4, 1, 3, 1, x, type, low, 1, y));
        Fails(() => Indexing.Take(4, 1, 0, 1, [], type, low, 1, y));
        Fails(() => Indexing.Gather(4, 1, 3, 1, x, type, bad, 1, y));
        Fails(() => Indexing.TakeAdd(DType.Float32, 1, 3, 1, y, type, bad, 1, x));
        Fails(() => Indexing.ScatterAdd(DType.Float32, 1, 3, 1, y, type, low, 1, x));

        static string Fails(Action call) => Assert.Throws<IndexOutOfRangeException>(call).Message;
    }

    [Fact]
    public void One_hot_rows_have_a_one_at_the_index_and_are_zero_outside_the_classes()
    {
        byte[] at = Indices(DType.Int64, [1, -1, 3, 0, 2]);
        Assert.Equal(
            [0f, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
            Call<float>((_, k, d) => Indexing.OneHot(DType.Float32, 5, 3, DType.Int64, k, d), [], at, 15));
        Assert.Equal(
            [false, true, false, false, false, false, true, false, false, false],
            Call<bool>((_, k, d) => Indexing.OneHot(DType.Bool, 5, 2, DType.Int64, k, d), [], at, 10));
        Assert.Equal(
            [0.0, 1, 0, 0],
            Call<double>((_, k, d) => Indexing.OneHot(DType.Float64, 2, 2, DType.Int64, k, d), [], at[..16], 4));
        Assert.Equal(
            [0, 1], Call<int>((_, k, d) => Indexing.OneHot(DType.Int32, 1, 2, DType.Int64, k, d), [], at[..8], 2));
        Assert.Equal(
            [0L, 1], Call<long>((_, k, d) => Indexing.OneHot(DType.Int64, 1, 2, DType.Int64, k, d), [], at[..8], 2));
    }

    [Fact]
    public void Arguments_that_do_not_fit_are_errors()
    {
        byte[] x = new byte[12], y = new byte[4], at = Indices(DType.Int32, [0]);
        Assert.Throws<ArgumentException>(() => Indexing.Take(4, 1, 2, 1, x, DType.Int32, at, 1, y));
        Assert.Throws<ArgumentException>(() => Indexing.Take(4, 1, 3, 1, x, DType.Int64, at, 1, y));
        Assert.Throws<ArgumentException>(() => Indexing.Take(4, 1, 3, 1, x, DType.Float32, at, 1, y));
        Assert.Throws<ArgumentException>(() => Indexing.Take(4, 1, 3, 1, x, DType.Int32, at, 1, x));
        byte[] four = Indices(DType.Int32, [0, 0, 0, 0]);
        Assert.Throws<ArgumentException>(() => Indexing.ScatterAdd(DType.Bool, 1, 4, 1, y, DType.Int32, four, 4, y));
    }

    [Fact]
    public void Updates_are_written_in_their_order_and_added()
    {
        foreach ((int outer, int count, int inner, int size) in new[] { (1, 0, 3, 2), (3, 5, 1, 4), (2, 7, 70, 3), (40, 3000, 1, 50), (1, 300, 700, 9) })
        {
            Random random = new(count);
            int[] indices = [.. Enumerable.Range(0, outer * count * inner).Select(_ => random.Next(-size, size))];
            float[] updates = [.. indices.Select(_ => (float)random.Next(100))];
            float[] before = [.. Enumerable.Range(0, outer * size * inner).Select(_ => (float)random.Next(100))];
            float[] written = [.. before], sums = new float[before.Length];
            for (int i = 0; i < indices.Length; i++)
            {
                int k = (indices[i] + size) % size, at = (i / inner / count * size + k) * inner + i % inner;
                written[at] = updates[i];
                sums[at] += updates[i];
            }

            float[] result = [.. before], added = new float[before.Length];
            Indexing.Scatter(
                4, outer, size, inner, MemoryMarshal.AsBytes<float>(updates), DType.Int32, MemoryMarshal.AsBytes<int>(indices), count,
                MemoryMarshal.AsBytes(result.AsSpan()));
            Indexing.ScatterAdd(
                DType.Float32, outer, size, inner, MemoryMarshal.AsBytes<float>(updates), DType.Int32, MemoryMarshal.AsBytes<int>(indices), count,
                MemoryMarshal.AsBytes(added.AsSpan()));
            Assert.Equal(written, result);
            Assert.Equal(sums, added);
        }
    }

    [Fact]
    public void Positions_of_truths_are_found_along_each_axis()
    {
        int[] shape = [3, 4, 5];
        byte[] truths = [.. Enumerable.Range(0, 60).Select(i => (byte)(i * i % 3 == 1 ? 1 : 0))];
        long[] expected = [.. Enumerable.Range(0, 60).Where(i => truths[i] != 0).Select(i => (long)i)];
        long[] positions = new long[expected.Length], coordinates = new long[3 * expected.Length];
        Assert.Equal(expected.Length, Indexing.Positions(truths, positions));
        Indexing.Coordinates(truths, shape, coordinates);
        Assert.Equal(expected, positions);
        Assert.Equal(expected.SelectMany(i => new[] { i / 20, i / 5 % 4, i % 5 }), coordinates);
        Assert.Equal(0, Indexing.Positions([], []));
    }

    [Fact]
    public void Products_run_along_an_axis()
    {
        foreach ((int outer, int length, int inner) in new[] { (1, 0, 2), (3, 7, 1), (2, 5, 70), (9, 4, 1) })
        {
            double[] x = [.. Enumerable.Range(0, outer * length * inner).Select(i => 1 + (i % 5 - 2) * 0.5)];
            double[] expected = [.. x], result = new double[x.Length];
            for (int i = 0; i < x.Length; i++)
                if (i / inner % length > 0) expected[i] *= expected[i - inner];
            Cumulative.Product(DType.Float64, outer, length, inner, MemoryMarshal.AsBytes<double>(x), MemoryMarshal.AsBytes(result.AsSpan()));
            Assert.Equal(expected, result);
        }
    }
}
