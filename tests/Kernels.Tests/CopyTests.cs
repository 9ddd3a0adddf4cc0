using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class CopyTests
{
    private static IEnumerable<long> Indices(int[] shape, int[] strides, long offset)
    {
        int count = shape.Aggregate(1, (n, size) => n * size);
        for (int i = 0; i < count; i++)
        {
            long index = offset;
            for (int d = shape.Length - 1, rest = i; d >= 0; d--)
            {
                index += rest % shape[d] * (long)strides[d];
                rest /= shape[d];
            }

            yield return index;
        }
    }

    /// <summary>A random permuted, reversed, skipping or broadcast view, with the length that it needs.</summary>
    private static (int[] Shape, int[] Strides, long Offset, int Length) View(Random random, bool broadcast)
    {
        int rank = random.Next(0, 5);
        int most = rank <= 2 ? 150 : rank == 3 ? 30 : 9;
        int[] shape = [.. Enumerable.Range(0, rank).Select(_ => random.Next(20) == 0 ? 0 : random.Next(1, most))];
        int[] strides = new int[rank];
        int[] order = [.. Enumerable.Range(0, rank)];
        if (random.Next(3) > 0) random.Shuffle(order);
        else Array.Reverse(order);
        int next = random.Next(4) == 0 ? 2 : 1;
        long offset = 0;
        foreach (int d in order)
        {
            if (broadcast && random.Next(6) == 0) continue;
            strides[d] = random.Next(4) == 0 ? -next : next;
            if (strides[d] < 0) offset += (long)next * Math.Max(shape[d] - 1, 0);
            next *= Math.Max(shape[d], 1) + random.Next(8) / 7;
        }

        return (shape, strides, offset + 3, next + 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Any_view_is_copied_to_contiguous_elements(int size)
    {
        Random random = new(size);
        for (int round = 0; round < 200; round++)
        {
            (int[] shape, int[] strides, long offset, int length) = View(random, broadcast: true);
            byte[] x = new byte[length * size];
            random.NextBytes(x);
            long[] indices = [.. Indices(shape, strides, offset)];
            byte[] expected = [.. indices.SelectMany(i => x.AsSpan((int)i * size, size).ToArray())];
            byte[] result = new byte[expected.Length];
            Copy.ToContiguous(size, x, offset, strides, result, shape);
            Assert.Equal(expected, result);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Contiguous_elements_are_copied_into_any_view(int size)
    {
        Random random = new(size);
        for (int round = 0; round < 200; round++)
        {
            (int[] shape, int[] strides, long offset, int length) = View(random, broadcast: false);
            long[] indices = [.. Indices(shape, strides, offset)];
            byte[] x = new byte[indices.Length * size];
            random.NextBytes(x);
            byte[] result = new byte[length * size];
            byte[] expected = new byte[length * size];
            for (int i = 0; i < indices.Length; i++)
                x.AsSpan(i * size, size).CopyTo(expected.AsSpan((int)indices[i] * size));
            Copy.FromContiguous(size, x, result, offset, strides, shape);
            Assert.Equal(expected, result);
        }
    }

    [Theory]
    [InlineData(DType.Float64)]
    [InlineData(DType.Float32)]
    [InlineData(DType.Int32)]
    public void Contiguous_elements_are_added_to_those_of_any_view(DType dtype)
    {
        Random random = new(3);
        for (int round = 0; round < 100; round++)
        {
            (int[] shape, int[] strides, long offset, int length) = View(random, broadcast: false);
            if (strides.Any(stride => stride < 0)) continue;
            long[] indices = [.. Indices(shape, strides, offset)];
            double[] before = [.. Enumerable.Range(0, length).Select(_ => (double)random.Next(100))];
            double[] x = [.. indices.Select(_ => (double)random.Next(100))];
            double[] expected = [.. before];
            for (int i = 0; i < indices.Length; i++) expected[indices[i]] += x[i];

            byte[] result = Stored(dtype, before);
            Copy.AddFromContiguous(dtype, Stored(dtype, x), result, offset, strides, shape);
            Assert.Equal(Stored(dtype, expected), result);
        }
    }

    private static byte[] Stored(DType dtype, double[] values)
    {
        byte[] result = new byte[values.Length * dtype.Size()];
        Copy.Convert(DType.Float64, MemoryMarshal.AsBytes<double>(values), [], dtype, result, [values.Length]);
        return result;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    public void Large_transposes_are_right(int size)
    {
        int rows = 517, columns = 1031;
        byte[] x = new byte[rows * columns * size];
        new Random(1).NextBytes(x);
        byte[] turned = new byte[x.Length], back = new byte[x.Length];
        Copy.ToContiguous(size, x, 0, [1, columns], turned, [columns, rows]);
        for (int i = 0; i < rows; i += 7)
        {
            for (int j = 0; j < columns; j++)
            {
                Assert.True(x.AsSpan((i * columns + j) * size, size).SequenceEqual(
                    turned.AsSpan((j * rows + i) * size, size)));
            }
        }

        Copy.FromContiguous(size, turned, back, 0, [1, columns], [columns, rows]);
        Assert.Equal(x, back);
    }

    [Fact]
    public void Conversions_between_all_types_read_any_strides()
    {
        // Numbers that all types hold.
        double[] values = [.. Enumerable.Range(0, 48).Select(i => (double)(i * 37 % 128))];
        foreach (DType from in Enum.GetValues<DType>())
        {
            byte[] x = new byte[from.Size() * values.Length];
            for (int i = 0; i < values.Length; i++) Copy.Fill(from, values[i], x.AsSpan(i * from.Size(), from.Size()));
            foreach (DType to in Enum.GetValues<DType>())
            {
                (int[] Strides, int[] Shape)[] views =
                    [([], [48]), ([8, 1], [6, 7]), ([1, 6], [6, 8]), ([1, 0], [12, 30]), ([0, 0], [2, 3])];
                foreach ((int[] strides, int[] shape) in views)
                {
                    long[] indices = [.. Indices(shape, strides.Length == 0 ? [1] : strides, 0)];
                    byte[] result = new byte[indices.Length * to.Size()];
                    byte[] expected = new byte[result.Length];
                    for (int i = 0; i < indices.Length; i++)
                    {
                        double value = from == DType.Bool ? Math.Min(values[indices[i]], 1) : values[indices[i]];
                        Copy.Fill(to, value, expected.AsSpan(i * to.Size(), to.Size()));
                    }

                    Copy.Convert(from, x, strides, to, result, shape);
                    Assert.Equal(expected, result);
                }
            }
        }
    }

    private static TTo[] Converted<TFrom, TTo>(TFrom[] x)
        where TFrom : struct
        where TTo : struct
    {
        TTo[] result = new TTo[x.Length];
        Copy.Convert(
            DTypes.Of<TFrom>(), MemoryMarshal.AsBytes(x.AsSpan()), [], DTypes.Of<TTo>(),
            MemoryMarshal.AsBytes(result.AsSpan()), [x.Length]);
        return result;
    }

    [Fact]
    public void Conversions_of_extremes_saturate_from_floats_and_wrap_among_integers()
    {
        double[] x = [double.NaN, 1e300, -1e300, 9.3e18, -9.3e18, 2147483648, -2147483649, 0.99, -0.99];
        Assert.Equal(
            [0, long.MaxValue, long.MinValue, long.MaxValue, long.MinValue, 2147483648, -2147483649, 0, 0],
            Converted<double, long>(x));
        int[] ints = [0, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, 0, 0];
        Assert.Equal(ints, Converted<double, int>(x));

        // Once by vectors and once by the tail.
        float[] single = [.. x.Select(v => (float)v)];
        Assert.Equal([.. ints, .. ints], Converted<float, int>([.. single, .. single]));
        Assert.Equal(
            Enumerable.Repeat(single, 5).SelectMany(v => v),
            Converted<double, float>([.. Enumerable.Repeat(x, 5).SelectMany(v => v)]));
        byte[] bytes = new byte[3];
        Copy.Convert(DType.Int32, MemoryMarshal.AsBytes<int>([256, -1, 300]), [], DType.UInt8, bytes, [3]);
        Assert.Equal([0, 255, 44], bytes);
    }

    [Fact]
    public void Views_that_leave_their_span_are_refused()
    {
        byte[] data = new byte[40];
        Assert.Throws<ArgumentException>(() => Copy.ToContiguous(4, data, 0, [-1], data, [2]));
        Assert.Throws<ArgumentException>(() => Copy.ToContiguous(4, data, 5, [2], data, [4]));
        Assert.Throws<ArgumentException>(() => Copy.FromContiguous(4, data, data, 9, [1], [2]));
        Assert.Throws<ArgumentException>(() => Copy.ToContiguous(4, data, 0, [0], data, [11]));
    }
}
