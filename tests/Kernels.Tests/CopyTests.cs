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

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Lines_are_turned_around_and_repeated_at_every_length(int size)
    {
        foreach (int n in Enumerable.Range(1, 80).Concat([1023, 1024, 1025, 3000, 200_001]))
        {
            byte[] x = new byte[n * size], result = new byte[x.Length];
            new Random(n).NextBytes(x);
            Copy.ToContiguous(size, x, n - 1, [-1], result, [n]);
            for (int i = 0; i < n; i++)
                Assert.True(x.AsSpan(i * size, size).SequenceEqual(result.AsSpan((n - 1 - i) * size, size)));
            Copy.ToContiguous(size, x, n / 2, [0], result, [n]);
            for (int i = 0; i < n; i++)
                Assert.True(x.AsSpan(n / 2 * size, size).SequenceEqual(result.AsSpan(i * size, size)));
        }
    }

    [Fact]
    public void Views_are_copied_into_views()
    {
        int[] x = [.. Enumerable.Range(0, 60)], result = new int[100];
        // Columns 1, 3 and 5 of the rows of 6, into rows of 10.
        Copy.Between(
            4, MemoryMarshal.AsBytes<int>(x)[4..], [6, 2], MemoryMarshal.AsBytes(result.AsSpan()), 20, [10, 1], [8, 3]);
        int[] expected = new int[100];
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 3; j++) expected[20 + 10 * i + j] = x[6 * i + 1 + 2 * j];
        Assert.Equal(expected, result);
        Assert.Throws<ArgumentException>(() => Copy.Between(4, new byte[40], [6, 1], new byte[400], 0, [10, 1], [8, 3]));
    }

    [Fact]
    public void Ramps_and_fills_reach_every_element()
    {
        foreach (int n in new[] { 0, 1, 7, 100, 300_001 })
        {
            double[] x = new double[n];
            Copy.Ramp(0.5, 0.1, x);
            for (int i = 0; i < n; i++) Assert.Equal(0.5 + i * 0.1, x[i]);
            foreach (DType dtype in Enum.GetValues<DType>())
            {
                byte[] one = new byte[dtype.Size()], all = new byte[n * dtype.Size()];
                Copy.Convert(DType.Float64, MemoryMarshal.AsBytes<double>([3]), [], dtype, one, [1]);
                Copy.Fill(dtype, 3, all);
                for (int i = 0; i < n; i += 97) Assert.True(all.AsSpan(i * one.Length, one.Length).SequenceEqual(one));
                if (n > 0) Assert.True(all.AsSpan(all.Length - one.Length).SequenceEqual(one));
            }
        }
    }

    [Fact]
    public void Vectors_convert_as_single_elements_do()
    {
        double[] values =
        [
            0, -0.0, 1, -1, 0.5, -0.5, 127.9, 128, -128.9, -129, 255.5, 256, -1e-40, 32767.5, -32769, 65536, 2147483647, 2147483648,
            -2147483649, 9e18, 1e19, -1e19, 1e300, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 16777217, 4.5e15 + 1,
        ];
        foreach (DType from in Enum.GetValues<DType>())
        {
            foreach (int n in new[] { 1, 15, 16, 17, 28, 45, 64 })
            {
                byte[] x = new byte[n * from.Size()];
                Copy.Convert(DType.Float64, MemoryMarshal.AsBytes<double>([.. Enumerable.Range(0, n).Select(i => values[(i * 11 + n) % values.Length])]), [], from, x, [n]);
                foreach (DType to in Enum.GetValues<DType>())
                {
                    byte[] whole = new byte[n * to.Size()], one = new byte[to.Size()];
                    Copy.Convert(from, x, [], to, whole, [n]);
                    for (int i = 0; i < n; i++)
                    {
                        Copy.Convert(from, x.AsSpan(i * from.Size(), from.Size()), [], to, one, [1]);
                        Assert.True(
                            whole.AsSpan(i * one.Length, one.Length).SequenceEqual(one), $"{from} to {to}, element {i} of {n}");
                    }
                }
            }
        }
    }
}
