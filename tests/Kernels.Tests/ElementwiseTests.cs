using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class ElementwiseTests
{
    private static readonly int[][] Shapes =
        [[], [0], [1], [3, 0, 2], [7], [64], [100], [5, 1, 3], [33, 65], [2, 3, 4, 5], [1, 130], [130, 1], [70, 200]];

    public static TheoryData<int> Widths => [.. Simd.Available];

    /// <summary>Strides that broadcast, permute and skip, by a mask of what to do to each dimension.</summary>
    private static IEnumerable<(int[] Strides, int Length)> Views(int[] shape)
    {
        yield return ([], Math.Max(Count(shape), 1));
        int[] order = [.. Enumerable.Range(0, shape.Length)];
        for (int kind = 0; kind < 6; kind++)
        {
            int[] strides = new int[shape.Length];
            int next = kind == 3 ? 2 : 1;
            IEnumerable<int> dimensions = kind == 4 ? order : order.Reverse();
            foreach (int d in dimensions)
            {
                bool broadcast = kind == 5 || kind == 1 && d == 0 || kind == 2 && d == shape.Length - 1;
                strides[d] = broadcast ? 0 : next;
                if (!broadcast) next *= Math.Max(shape[d], 1);
            }

            yield return (strides, next + 1);
        }
    }

    private static int Count(int[] shape) => shape.Aggregate(1, (n, size) => n * size);

    private static IEnumerable<int> Indices(int[] shape, int[] strides)
    {
        int count = Count(shape);
        for (int i = 0; i < count; i++)
        {
            if (strides.Length == 0)
            {
                yield return i;
                continue;
            }

            int rest = i, index = 0;
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                index += rest % shape[d] * strides[d];
                rest /= shape[d];
            }

            yield return index;
        }
    }

    private static T[] Ramp<T>(int count)
        where T : System.Numerics.INumber<T> =>
        [.. Enumerable.Range(0, count).Select(i => T.CreateTruncating((i * 37 + 11) % 101))];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Unary_kernels_read_any_strides(int width)
    {
        foreach (int[] shape in Shapes)
        {
            foreach ((int[] strides, int length) in Views(shape))
            {
                float[] x = Ramp<float>(length);
                float[] result = new float[Count(shape)];
                Unary.Negate.Invoke(DType.Float32, Bytes(x), strides, Bytes(result), shape, width);
                Assert.Equal(Indices(shape, strides).Select(i => -x[i]), result);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Binary_kernels_read_any_strides(int width)
    {
        foreach (int[] shape in Shapes)
        {
            foreach ((int[] xs, int lengthX) in Views(shape))
            {
                foreach ((int[] ys, int lengthY) in Views(shape))
                {
                    double[] x = Ramp<double>(lengthX), y = Ramp<double>(lengthY);
                    double[] result = new double[Count(shape)];
                    Binary.Subtract.Invoke(DType.Float64, Bytes(x), xs, Bytes(y), ys, Bytes(result), shape, width);
                    Assert.Equal(Indices(shape, xs).Zip(Indices(shape, ys), (i, j) => x[i] - y[j]), result);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Comparisons_read_any_strides(int width)
    {
        foreach (int[] shape in Shapes)
        {
            foreach ((int[] xs, int lengthX) in Views(shape))
            {
                foreach ((int[] ys, int lengthY) in Views(shape))
                {
                    float[] x = Ramp<float>(lengthX), y = Ramp<float>(lengthY);
                    byte[] result = new byte[Count(shape)];
                    Compare.Less.Invoke(DType.Float32, Bytes(x), xs, Bytes(y), ys, result, shape, width);
                    IEnumerable<byte> expected = Indices(shape, xs)
                        .Zip(Indices(shape, ys), (i, j) => x[i] < y[j] ? (byte)1 : (byte)0);
                    Assert.Equal(expected, result);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Selection_reads_any_strides(int width)
    {
        SelectionReadsAnyStrides<byte>(DType.UInt8, width);
        SelectionReadsAnyStrides<short>(DType.Int16, width);
        SelectionReadsAnyStrides<float>(DType.Float32, width);
        SelectionReadsAnyStrides<long>(DType.Int64, width);
    }

    private static void SelectionReadsAnyStrides<T>(DType dtype, int width)
        where T : struct, System.Numerics.INumber<T>
    {
        foreach (int[] shape in Shapes.Where(shape => Count(shape) < 1000))
        {
            foreach ((int[] cs, int lengthC) in Views(shape))
            {
                foreach ((int[] xs, int lengthX) in Views(shape))
                {
                    foreach ((int[] ys, int lengthY) in Views(shape))
                    {
                        byte[] c = [.. Ramp<int>(lengthC).Select(i => (byte)(i % 3))];
                        T[] x = Ramp<T>(lengthX);
                        T[] y = [.. Ramp<T>(lengthY).Select(v => v + T.CreateTruncating(110))];
                        T[] result = new T[Count(shape)];
                        Driver.Run(Ternary.Find(dtype, width), Bytes(result), shape, c, cs, Bytes(x), xs, Bytes(y), ys);
                        IEnumerable<T> expected = Indices(shape, cs)
                            .Zip(Indices(shape, xs), Indices(shape, ys))
                            .Select(t => c[t.First] != 0 ? x[t.Second] : y[t.Third]);
                        Assert.Equal(expected, result);
                    }
                }
            }
        }
    }

    [Fact]
    public void Spans_that_are_too_short_are_refused()
    {
        byte[] four = new byte[16];
        byte[] three = new byte[12];
        Assert.Throws<ArgumentException>(() => Unary.Exp.Invoke(DType.Float32, three, [], four, [4]));
        Assert.Throws<ArgumentException>(() => Unary.Exp.Invoke(DType.Float32, four, [], three, [4]));
        Assert.Throws<ArgumentException>(() => Unary.Exp.Invoke(DType.Float32, four, [2], four, [3]));
        Assert.Throws<ArgumentException>(() => Unary.Exp.Invoke(DType.Float32, four, [1, 1], four, [4]));
        Assert.Throws<ArgumentException>(() => Unary.Exp.Invoke(DType.Float32, four, [-1], four, [4]));
        Assert.Throws<ArgumentException>(() => Copy.ToContiguous(4, four, 2, [-1], four, [4]));
        Assert.Throws<ArgumentException>(() => Copy.FromContiguous(4, four, three, 0, [1], [4]));
    }

    [Fact]
    public void Types_without_a_kernel_are_refused()
    {
        byte[] data = new byte[64];
        foreach (DType dtype in Enum.GetValues<DType>())
        {
            foreach (UnaryKernel kernel in Unary.All)
            {
                void Call() => kernel.Invoke(dtype, data, [], data, [1]);
                if (kernel.Supports(dtype)) Call();
                else Assert.Throws<NotSupportedException>(Call);
            }

            foreach (BinaryKernel kernel in Binary.All)
            {
                byte[] ones = new byte[64];
                Copy.Fill(dtype, 1, ones);
                void Call() => kernel.Invoke(dtype, ones, [], ones, [], data, [1]);
                if (kernel.Supports(dtype)) Call();
                else Assert.Throws<NotSupportedException>(Call);
            }
        }
    }

    [Fact]
    public void Integers_divide_towards_zero_and_refuse_a_zero_divisor()
    {
        int[] x = [7, -7, 7, -7, int.MinValue, 0], y = [2, 2, -2, -2, -1, 5], result = new int[6];
        Binary.Divide.Invoke(DType.Int32, Bytes(x), [], Bytes(y), [], Bytes(result), [6]);
        Assert.Equal([3, -3, -3, 3, int.MinValue, 0], result);
        Assert.Throws<DivideByZeroException>(
            () => Binary.Divide.Invoke(DType.Int32, Bytes(x), [], Bytes(new int[6]), [], Bytes(result), [6]));
    }

    [Fact]
    public void Integer_powers_wrap_and_negative_exponents_truncate()
    {
        long[] x = [3, -2, 2, 1, -1, -1, 5, 0], y = [4, 3, 64, -5, -5, -6, -1, 0], result = new long[8];
        Binary.Power.Invoke(DType.Int64, Bytes(x), [], Bytes(y), [], Bytes(result), [8]);
        Assert.Equal([81, -8, 0, 1, -1, 1, 0, 1], result);
    }

    [Fact]
    public void Floats_convert_to_integers_by_truncation_and_saturation()
    {
        float[] x = [1.9f, -1.9f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, 300, 3e9f, -3e9f];
        int[] ints = new int[8];
        Copy.Convert(DType.Float32, Bytes(x), [], DType.Int32, Bytes(ints), [8]);
        Assert.Equal([1, -1, 0, int.MaxValue, int.MinValue, 300, int.MaxValue, int.MinValue], ints);
        byte[] bytes = new byte[8];
        Copy.Convert(DType.Float32, Bytes(x), [], DType.UInt8, bytes, [8]);
        Assert.Equal([1, 0, 0, 255, 0, 255, 255, 0], bytes);
        byte[] truths = new byte[8];
        Copy.Convert(DType.Float32, Bytes<float>([0, -0f, float.NaN, 1, 0.1f, -5, 0, 0]), [], DType.Bool, truths, [8]);
        Assert.Equal([0, 0, 1, 1, 1, 1, 0, 0], truths);
    }
}
