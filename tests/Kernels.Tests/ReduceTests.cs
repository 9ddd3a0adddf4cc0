using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class ReduceTests
{
    private static readonly Reduction[] Numeric =
        [Reduction.Sum, Reduction.Product, Reduction.Maximum, Reduction.Minimum];

    public static TheoryData<int> Widths => [.. Simd.Available];

    private static int[] Contiguous(int[] shape)
    {
        int[] strides = new int[shape.Length];
        for (int i = shape.Length - 1, p = 1; i >= 0; p *= Math.Max(1, shape[i--])) strides[i] = p;
        return strides;
    }

    private static IEnumerable<(int At, int To)> Walk(int[] shape, int[] strides, int[] outStrides)
    {
        int[] index = new int[shape.Length];
        int at = 0, to = 0;
        for (int rest = shape.Aggregate(1, (a, b) => a * b); rest > 0; rest--)
        {
            yield return (at, to);
            for (int i = shape.Length - 1; i >= 0; i--)
            {
                at += strides[i];
                to += outStrides[i];
                if (++index[i] < shape[i]) break;
                at -= shape[i] * strides[i];
                to -= shape[i] * outStrides[i];
                index[i] = 0;
            }
        }
    }

    private static T[] Naive<T, A>(Reduction op, T[] x, int[] shape, int[] strides, uint mask)
        where T : unmanaged, INumber<T>
        where A : INumber<A>
    {
        int[] outStrides = new int[shape.Length];
        int outputs = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            if ((mask >> i & 1) != 0) continue;
            outStrides[i] = outputs;
            outputs *= shape[i];
        }

        A[] y = new A[outputs];
        bool[] seen = new bool[outputs];
        Array.Fill(y, op is Reduction.Product or Reduction.All ? A.One : A.Zero);
        foreach ((int at, int to) in Walk(shape, strides, outStrides))
        {
            A v = A.CreateTruncating(x[at]);
            y[to] = op switch
            {
                Reduction.Sum => unchecked(y[to] + v),
                Reduction.Product => unchecked(y[to] * v),
                Reduction.Maximum or Reduction.Any => seen[to] ? A.Max(y[to], v) : v,
                _ => seen[to] ? A.Min(y[to], v) : v,
            };
            seen[to] = true;
        }

        return [.. y.Select(T.CreateTruncating)];
    }

    private static T[] Run<T>(Reduction op, DType dtype, T[] x, int[] shape, int[]? strides, uint mask, int width)
        where T : unmanaged
    {
        int outputs = shape.Where((_, i) => (mask >> i & 1) == 0).Aggregate(1, (a, b) => a * b);
        T[] y = new T[outputs];
        Reduce.Run(
            op, dtype, MemoryMarshal.AsBytes<T>(x), strides, shape, mask, MemoryMarshal.AsBytes(y.AsSpan()), width);
        return y;
    }

    private static void Agree<T, A>(DType dtype, Func<int, T> value, int[] shape, int[]? strides, uint mask, int width)
        where T : unmanaged, INumber<T>
        where A : INumber<A>
    {
        int[] s = strides ?? Contiguous(shape);
        int extent = 1 + shape.Zip(s, (n, stride) => Math.Max(0, n - 1) * stride).Sum();
        T[] x = [.. Enumerable.Range(0, extent).Select(value)];
        foreach (Reduction op in Numeric)
        {
            T[] expected = Naive<T, A>(op, x, shape, s, mask);
            T[] actual = Run(op, dtype, x, shape, strides, mask, width);
            string what = $"{op} {dtype} [{string.Join(",", shape)}] strides [{string.Join(",", s)}] mask {mask:b}";
            for (int i = 0; i < expected.Length; i++)
            {
                double e = double.CreateTruncating(expected[i]), a = double.CreateTruncating(actual[i]);
                double tolerance = dtype.IsFloat() ? Math.Max(1, Math.Abs(e)) * 1e-6 : 0;
                Assert.True(Math.Abs(e - a) <= tolerance, $"{what}: element {i} is {a}, not {e}");
            }
        }
    }

    private static void AllTypesAgree(int[] shape, int[]? strides, uint mask, int width)
    {
        static double Value(int i) => i * 2654435761u % 2000 / 1000.0 - 0.97;
        Agree<float, double>(DType.Float32, i => (float)Value(i), shape, strides, mask, width);
        Agree<double, double>(DType.Float64, Value, shape, strides, mask, width);
        Agree<int, int>(DType.Int32, i => i * -1640531535, shape, strides, mask, width);
        Agree<long, long>(DType.Int64, i => i * -7046029254386353131L, shape, strides, mask, width);
        Agree<byte, byte>(DType.UInt8, i => (byte)(i * 2654435761u >> 9), shape, strides, mask, width);
        Agree<sbyte, sbyte>(DType.Int8, i => (sbyte)(i * 2654435761u >> 9), shape, strides, mask, width);
        Agree<short, short>(DType.Int16, i => (short)(i * 2654435761u >> 9), shape, strides, mask, width);
    }

    [Theory, MemberData(nameof(Widths))]
    public void All_axis_subsets_of_rank_4_agree_with_the_definition(int width)
    {
        int[][] shapes = [[3, 4, 5, 6], [2, 1, 7, 35], [5, 3, 1, 1], [2, 17, 2, 9]];
        foreach (int[] shape in shapes)
        {
            for (uint mask = 0; mask < 16; mask++) AllTypesAgree(shape, null, mask, width);
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void All_axis_subsets_of_strided_views_agree_with_the_definition(int width)
    {
        (int[] Shape, int[] Strides)[] views =
        [
            ([3, 4, 5, 6], [1, 3, 12, 60]), // reversed order of axes
            ([3, 4, 5, 6], [240, 60, 12, 2]), // every other element
            ([3, 4, 5, 6], [30, 0, 6, 1]), // a broadcast middle axis
            ([3, 4, 5, 6], [0, 1, 4, 0]),
            ([3, 4, 5, 6], [0, 0, 0, 0]),
            ([4, 5, 33, 3], [495, 99, 1, 33]), // swapped last axes
            ([2, 3, 4, 5], [1, 1, 1, 1]), // overlapping
        ];
        foreach ((int[] shape, int[] strides) in views)
        {
            for (uint mask = 0; mask < 16; mask++) AllTypesAgree(shape, strides, mask, width);
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void Rows_and_columns_of_every_length_agree_with_the_definition(int width)
    {
        int[] lengths = [.. Enumerable.Range(1, 70), 127, 128, 129, 131, 140];
        foreach (int n in lengths)
        {
            AllTypesAgree([n], null, 1, width);
            AllTypesAgree([3, n], null, 1, width);
            AllTypesAgree([2, n], null, 2, width);
        }
    }

    [Fact]
    public void Large_shapes_agree_with_the_definition()
    {
        (int[] Shape, uint Mask)[] cases =
        [
            ([300_001], 1), ([3, 100_003], 2), ([100_003, 3], 1), ([70_000, 7], 1), ([517, 259], 1), ([517, 259], 2),
            ([40, 9, 31, 29], 0b1101), ([2, 5000], 1), ([2, 3, 70_001], 0b101), ([7, 4099], 0b11), ([1000, 130], 1),
        ];
        foreach ((int[] shape, uint mask) in cases) AllTypesAgree(shape, null, mask, Simd.Width);
    }

    [Fact]
    public void A_reduction_of_no_axes_is_a_copy_and_rank_0_is_one_element()
    {
        float[] x = [1, 2, 3, 4, 5, 6];
        Assert.Equal([1f, 4, 2, 5, 3, 6], Run(Reduction.Sum, DType.Float32, x, [3, 2], [1, 3], 0, Simd.Width));
        Assert.Equal([7f], Run(Reduction.Maximum, DType.Float32, [7f], [], null, 0, Simd.Width));
    }

    [Fact]
    public void Empty_sets_give_the_identity_or_an_error()
    {
        Assert.Equal([0f, 0], Run(Reduction.Sum, DType.Float32, new float[0], [2, 0], null, 2, Simd.Width));
        Assert.Equal([1L, 1], Run(Reduction.Product, DType.Int64, new long[0], [2, 0], null, 2, Simd.Width));
        Assert.Equal([false], Run(Reduction.Any, DType.Bool, new bool[0], [0], null, 1, Simd.Width));
        Assert.Equal([true], Run(Reduction.All, DType.Bool, new bool[0], [0], null, 1, Simd.Width));
        Assert.Empty(Run(Reduction.Maximum, DType.Float32, new float[0], [0, 3], null, 2, Simd.Width));
        Assert.Equal(
            "max of an empty axis has no value.",
            Assert.Throws<ArgumentException>(
                () => Run(Reduction.Maximum, DType.Float32, new float[0], [2, 0], null, 2, Simd.Width)).Message);
        Assert.Equal(
            "min of an empty axis has no value.",
            Assert.Throws<ArgumentException>(
                () => Run(Reduction.Minimum, DType.Int32, new int[0], [0, 2], [0, 0], 1, Simd.Width)).Message);
    }

    [Theory, MemberData(nameof(Widths))]
    public void Any_and_all_combine_booleans(int width)
    {
        for (int n = 1; n < 150; n++)
        {
            bool[] x = new bool[n];
            Assert.Equal([false], Run(Reduction.Any, DType.Bool, x, [n], null, 1, width));
            x[n / 2] = true;
            Assert.Equal([true], Run(Reduction.Any, DType.Bool, x, [n], null, 1, width));
            Assert.Equal([n == 1], Run(Reduction.All, DType.Bool, x, [n], null, 1, width));
            Array.Fill(x, true);
            Assert.Equal([true], Run(Reduction.All, DType.Bool, x, [n], null, 1, width));
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void NaN_and_infinities_reach_the_result(int width)
    {
        for (int n = 1; n < 100; n++)
        {
            float[] x = new float[n];
            Array.Fill(x, float.NegativeInfinity);
            Assert.Equal([float.NegativeInfinity], Run(Reduction.Maximum, DType.Float32, x, [n], null, 1, width));
            Assert.Equal([float.NegativeInfinity], Run(Reduction.Sum, DType.Float32, x, [n], null, 1, width));
            x[n * 2 / 3] = float.NaN;
            foreach (Reduction op in Numeric)
            {
                Assert.Equal([float.NaN], Run(op, DType.Float32, x, [n], null, 1, width));
                Assert.True(float.IsNaN(Run(op, DType.Float32, x, [1, n], null, 1, width)[n * 2 / 3]));
            }
        }
    }

    [Fact]
    public void Ten_million_ones_sum_to_ten_million()
    {
        float[] x = new float[10_000_000];
        Array.Fill(x, 1f);
        Assert.Equal([1e7f], Run(Reduction.Sum, DType.Float32, x, [x.Length], null, 1, Simd.Width));
        Assert.Equal([5e6f, 5e6f], Run(Reduction.Sum, DType.Float32, x, [5_000_000, 2], null, 1, Simd.Width));
        Assert.Equal([3e9f], Run(Reduction.Sum, DType.Float32, [3f], [1_000_000_000], [0], 1, Simd.Width));
    }

    [Theory, MemberData(nameof(Widths))]
    public void Sums_of_a_million_floats_are_as_exact_as_double_sums(int width)
    {
        Random random = new(7);
        float[] x = [.. Enumerable.Range(0, 1_000_000).Select(_ => random.NextSingle())];
        double exact = x.Sum(v => (double)v);
        Assert.Equal((float)exact, Run(Reduction.Sum, DType.Float32, x, [x.Length], null, 1, width)[0]);
        double[] z = [.. x.Select(v => v + 1e-9 * v * v)];
        decimal precise = z.Sum(v => (decimal)v);
        double sum = Run(Reduction.Sum, DType.Float64, z, [z.Length], null, 1, width)[0];
        Assert.True(Math.Abs((decimal)sum - precise) < 1e-9m, $"off by {(decimal)sum - precise}");
    }

    [Fact]
    public void Sums_do_not_depend_on_the_number_of_threads()
    {
        Random random = new(11);
        float[] x = [.. Enumerable.Range(0, 2_000_000).Select(_ => random.NextSingle() - 0.5f)];
        double[] z = [.. x.Select(v => v * 1.1)];
        (int[] Shape, uint Mask)[] cases = [([2_000_000], 1), ([1000, 2000], 1), ([1000, 2000], 2), ([200_000, 10], 1)];
        foreach ((int[] shape, uint mask) in cases)
        {
            float[] parallel = Run(Reduction.Sum, DType.Float32, x, shape, null, mask, Simd.Width);
            double[] parallel64 = Run(Reduction.Sum, DType.Float64, z, shape, null, mask, Simd.Width);

            // Inside a region, regions run on their own thread alone.
            Workers.For(2, _ =>
            {
                Assert.Equal(parallel, Run(Reduction.Sum, DType.Float32, x, shape, null, mask, Simd.Width));
                Assert.Equal(parallel64, Run(Reduction.Sum, DType.Float64, z, shape, null, mask, Simd.Width));
            });
        }
    }

    [Theory, MemberData(nameof(Widths))]
    public void Arg_extrema_are_the_first_of_equals_and_the_first_NaN(int width)
    {
        Random random = new(3);
        (int[] Shape, int[]? Strides)[] views =
        [
            ([1], null), ([5], null), ([9000], null), ([70, 3], null), ([3, 70], null), ([600, 100], null),
            ([3, 40, 5], null), ([40, 30], [1, 40]), ([10, 20], [0, 1]), ([10, 20], [1, 0]), ([3, 7, 4], [56, 8, 2]),
        ];
        foreach ((int[] shape, int[]? strides) in views)
        {
            int[] s = strides ?? Contiguous(shape);
            int extent = 1 + shape.Zip(s, (n, stride) => (n - 1) * stride).Sum();
            float[] values = [.. Enumerable.Range(0, extent).Select(_ => (float)random.Next(-40, 40))];
            float[] withNaN = [.. values.Select(v => v == 7 ? float.NaN : v)];
            for (int axis = 0; axis < shape.Length; axis++)
            {
                Check(DType.Float32, values, shape, strides, axis, width);
                Check(DType.Float32, withNaN, shape, strides, axis, width);
                Check(DType.Float64, [.. withNaN.Select(v => (double)v)], shape, strides, axis, width);
                Check(DType.Int32, [.. values.Select(v => (int)v)], shape, strides, axis, width);
                Check(DType.Int64, [.. values.Select(v => (long)v)], shape, strides, axis, width);
                Check(DType.UInt8, [.. values.Select(v => (byte)(v + 40))], shape, strides, axis, width);
                Check(DType.Int8, [.. values.Select(v => (sbyte)v)], shape, strides, axis, width);
                Check(DType.Int16, [.. values.Select(v => (short)v)], shape, strides, axis, width);
            }
        }

        static void Check<T>(DType dtype, T[] x, int[] shape, int[]? strides, int axis, int width)
            where T : unmanaged, INumber<T>
        {
            int[] s = strides ?? Contiguous(shape);
            int[] others = [.. shape.Where((_, i) => i != axis)], otherStrides = [.. s.Where((_, i) => i != axis)];
            List<long> largest = [], smallest = [];
            foreach ((int at, _) in Walk(others, otherStrides, otherStrides))
            {
                int max = 0, min = 0;
                for (int j = 1; j < shape[axis]; j++)
                {
                    T v = x[at + j * s[axis]], up = x[at + max * s[axis]], low = x[at + min * s[axis]];
                    if (v > up || T.IsNaN(v) && !T.IsNaN(up)) max = j;
                    if (v < low || T.IsNaN(v) && !T.IsNaN(low)) min = j;
                }

                largest.Add(max);
                smallest.Add(min);
            }

            ReadOnlySpan<byte> source = MemoryMarshal.AsBytes<T>(x);
            long[] result = new long[largest.Count];
            Span<byte> destination = MemoryMarshal.AsBytes(result.AsSpan());
            Reduce.ArgMax(dtype, source, strides, shape, axis, destination, width);
            Assert.Equal(largest, result);
            Reduce.ArgMin(dtype, source, strides, shape, axis, destination, width);
            Assert.Equal(smallest, result);
        }
    }

    [Fact]
    public void Arguments_that_do_not_fit_are_errors()
    {
        byte[] x = new byte[24], y = new byte[8];
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Bool, x, [], [24], 1, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Any, DType.Int32, x, [], [6], 1, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Float32, x, [], [6], 1, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Float64, x, [], [4], 1, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Float64, x, [1], [3, 1], 3, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Float64, x, [], [3], 2, y));
        Assert.Throws<ArgumentException>(() => Reduce.Run(Reduction.Sum, DType.Float64, x, [-1], [3], 1, y));
        Assert.Throws<ArgumentException>(() => Reduce.ArgMax(DType.Float64, x, [], [3], 1, y));
        Assert.Equal(
            "argmax of an empty axis has no value.",
            Assert.Throws<ArgumentException>(() => Reduce.ArgMax(DType.Float64, x, [], [0], 0, y)).Message);
    }
}
