using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class MatMulTests
{
    /// <summary>How a matrix lies in memory.</summary>
    public enum Layout
    {
        Rows,
        Columns,
        PaddedRows,
        PaddedColumns,
        Spread,
    }

    private static readonly Layout[] Layouts = Enum.GetValues<Layout>();

    public static TheoryData<int> Widths => [.. Simd.Available];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Products_of_all_small_sizes_match_the_definition(int width)
    {
        var random = new Random(1);
        for (int round = 0; round < 1000; round++)
        {
            int m = random.Next(71), n = random.Next(71), k = random.Next(71);
            Layout la = Pick(random), lb = Pick(random);
            Check<float>(random, width, 1, m, n, k, la, lb);
            Check<double>(random, width, 1, m, n, k, la, lb);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_layout_gives_the_same_product(int width)
    {
        var random = new Random(2);
        foreach (Layout la in Layouts)
        {
            foreach (Layout lb in Layouts)
            {
                foreach ((int m, int n, int k) in Shapes())
                {
                    Check<float>(random, width, 1, m, n, k, la, lb);
                    Check<double>(random, width, 1, m, n, k, la, lb);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Large_products_match_the_definition(int width)
    {
        var random = new Random(3);
        foreach ((int m, int n, int k) in new[]
            { (253, 307, 801), (65, 4131, 35), (4211, 37, 130), (2, 301, 5003), (25, 301, 1103), (500, 260, 300),
                (701, 503, 1), (30_001, 9, 1),
                (100, 50, 784), (784, 50, 100), (301, 33, 260), (270, 23, 9), (9, 34, 513), (533, 18, 130) })
        {
            Check<float>(random, width, 1, m, n, k, Pick(random), Pick(random));
            Check<double>(random, width, 1, m, n, k, Pick(random), Pick(random));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Vector_products_match_the_definition(int width)
    {
        var random = new Random(4);
        foreach (int length in new[] { 1, 2, 3, 15, 16, 17, 31, 64, 127, 130, 300, 1201 })
        {
            foreach (int k in new[] { 1, 2, 5, 31, 33, 64, 300, 501 })
            {
                foreach (Layout layout in Layouts)
                {
                    Check<float>(random, width, 1, 1, length, k, Pick(random), layout);
                    Check<float>(random, width, 1, length, 1, k, layout, Pick(random));
                    Check<double>(random, width, 1, 1, length, k, Pick(random), layout);
                    Check<double>(random, width, 1, length, 1, k, layout, Pick(random));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Batches_multiply_each_pair(int width)
    {
        var random = new Random(5);
        foreach ((int m, int n, int k) in new[]
            { (1, 1, 1), (2, 2, 2), (3, 5, 4), (16, 16, 16), (20, 10, 17), (33, 20, 17), (1, 40, 9), (40, 1, 9),
                (7, 3, 1), (9, 10, 1), (30, 16, 1), (20, 50, 1), (6, 133, 1) })
        {
            foreach (int batch in new[] { 0, 1, 2, 7, 300 })
            {
                Check<float>(random, width, batch, m, n, k, Pick(random), Pick(random));
                Check<double>(random, width, batch, m, n, k, Pick(random), Pick(random), aShared: true);
                Check<float>(random, width, batch, m, n, k, Pick(random), Pick(random), bShared: true);
                Check<float>(random, width, batch, m, n, k, Pick(random), Pick(random), true, true);
            }
        }
    }

    [Fact]
    public void Integers_multiply_exactly_and_wrap_around()
    {
        var random = new Random(6);
        for (int round = 0; round < 300; round++)
        {
            int batch = random.Next(4), m = random.Next(40), n = random.Next(40), k = random.Next(40);
            Check<int>(random, 0, batch, m, n, k, Pick(random), Pick(random), scale: 1_000_000_007);
            Check<long>(random, 0, batch, m, n, k, Pick(random), Pick(random), scale: 1_000_000_000_000_007);
        }

        Check<int>(random, 0, 1, 101, 103, 107, Layout.Rows, Layout.Columns);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Zero_times_NaN_or_infinity_is_NaN(int width)
    {
        foreach ((int m, int n, int k) in Shapes().Where(s => s.K > 0))
        {
            foreach (float special in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                float[] a = new float[m * k], b = new float[k * n], c = new float[m * n];
                int row = m / 2, p = k / 2;
                a[row * k + p] = special;
                Multiply(width, 1, m, n, k, a, 0, k, 1, b, 0, n, 1, c);
                for (int i = 0; i < m * n; i++) Assert.Equal(i / n == row ? float.NaN : 0f, c[i]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void An_infinity_stays_one_among_ones(int width)
    {
        foreach ((int m, int n, int k) in Shapes().Where(s => s.K > 0))
        {
            double[] a = new double[m * k], b = new double[k * n], c = new double[m * n];
            a.AsSpan().Fill(1);
            b.AsSpan().Fill(1);
            b[k / 2 * n + n / 2] = double.NegativeInfinity;
            Multiply(width, 1, m, n, k, a, 0, k, 1, b, 0, n, 1, c);
            for (int i = 0; i < m * n; i++) Assert.Equal(i % n == n / 2 ? double.NegativeInfinity : k, c[i]);
        }
    }

    [Fact]
    public void An_empty_sum_is_zero_whatever_C_held()
    {
        float[] c = [1, float.NaN, 3, 4, 5, 6];
        Multiply(Simd.Width, 1, 2, 3, 0, new float[0], 0, 0, 1, new float[0], 0, 3, 1, c);
        Assert.All(c, x => Assert.Equal(0, x));
    }

    [Fact]
    public void Other_types_are_refused_by_name()
    {
        foreach (DType dtype in new[] { DType.Bool, DType.Float16, DType.BFloat16 })
        {
            var error = Assert.Throws<NotSupportedException>(
                () => MatMul.Multiply(dtype, 1, 1, 1, 1, new byte[1], 1, 1, 1, new byte[1], 1, 1, 1, new byte[1]));
            Assert.Contains(dtype.Name(), error.Message);
        }
    }

    [Fact]
    public void Sizes_strides_and_lengths_that_do_not_fit_are_refused()
    {
        float[] a = new float[6], b = new float[12], c = new float[8];
        Multiply(Simd.Width, 1, 2, 4, 3, a, 0, 3, 1, b, 0, 4, 1, c);
        Assert.Throws<ArgumentException>(() => Multiply(0, 1, 2, 4, -3, a, 0, 3, 1, b, 0, 4, 1, c));
        Assert.Throws<ArgumentException>(() => Multiply(0, 1, 2, 4, 3, a, 0, -3, 1, b, 0, 4, 1, c));
        Assert.Throws<ArgumentException>(() => Multiply(0, 1, 2, 4, 3, a, 0, 4, 1, b, 0, 4, 1, c));
        Assert.Throws<ArgumentException>(() => Multiply(0, 1, 2, 4, 3, a, 0, 3, 1, b, 0, 5, 1, c));
        Assert.Throws<ArgumentException>(() => Multiply(0, 1, 2, 3, 3, a, 0, 3, 1, b, 0, 4, 1, c));
        Assert.Throws<ArgumentException>(() => Multiply(0, 2, 2, 2, 3, a, 6, 3, 1, b, 0, 4, 1, c));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_product_is_subtracted_from_its_target_alone(int width)
    {
        var random = new Random(6);
        for (int round = 0; round < 600; round++)
            Subtracted(width, random, random.Next(1, 71), random.Next(1, 71), random.Next(1, 71));
        foreach ((int m, int n, int k) in new[] { (253, 307, 801), (300, 260, 32), (65, 1031, 35), (64, 256, 256), (2, 301, 1003), (130, 9, 513) })
            Subtracted(width, random, m, n, k);
    }

    private static unsafe void Subtracted(int width, Random random, int m, int n, int k)
    {
        (long aRow, long aColumn, long aLength) = Place(Pick(random), m, k);
        (long bRow, long bColumn, long bLength) = Place(Pick(random), k, n);
        int cRow = n + random.Next(3);
        double[] a = Fill<double>(random, aLength, 1), b = Fill<double>(random, bLength, 1), c = Fill<double>(random, m * cRow, 1);
        double[] expected = [.. c];
        for (int i = 0; i < m; i++)
            for (int p = 0; p < k; p++)
                for (int j = 0; j < n; j++) expected[i * cRow + j] -= a[i * aRow + p * aColumn] * b[p * bRow + j * bColumn];
        fixed (double* pa = a, pb = b, pc = c)
        {
            Products<double>.Multiply(
                new()
                {
                    M = m,
                    N = n,
                    K = k,
                    A = pa,
                    ARow = (nint)aRow,
                    AColumn = (nint)aColumn,
                    B = pb,
                    BRow = (nint)bRow,
                    BColumn = (nint)bColumn,
                    C = pc,
                    CRow = cRow,
                    Subtract = true,
                },
                1, 0, 0, width);
        }

        Assert.True(expected.AsSpan().SequenceEqual(c), $"{m} x {n} x {k}, width {width}");
    }

    private static IEnumerable<(int M, int N, int K)> Shapes() =>
    [
        (1, 1, 1), (2, 3, 4), (13, 9, 8), (5, 17, 3), (12, 32, 40), (24, 50, 64), (31, 33, 35), (64, 64, 64),
        (7, 70, 100), (70, 7, 100), (90, 160, 450), (1, 50, 70), (50, 1, 70), (40, 40, 1), (20, 30, 0),
    ];

    private static Layout Pick(Random random) => Layouts[random.Next(Layouts.Length)];

    private static (long Row, long Column, long Length) Place(Layout layout, int rows, int columns) => layout switch
    {
        Layout.Rows => (columns, 1, (long)rows * columns),
        Layout.Columns => (1, rows, (long)rows * columns),
        Layout.PaddedRows => (columns + 3, 1, (long)rows * (columns + 3)),
        Layout.PaddedColumns => (1, rows + 5, (long)(rows + 5) * columns),
        _ => (2L * columns + 1, 2, rows * (2L * columns + 1)),
    };

    private static void Check<T>(
        Random random, int width, int batch, int m, int n, int k, Layout la, Layout lb,
        bool aShared = false, bool bShared = false, long scale = 1)
        where T : unmanaged, INumber<T>
    {
        (long aRow, long aColumn, long aLength) = Place(la, m, k);
        (long bRow, long bColumn, long bLength) = Place(lb, k, n);
        T[] a = Fill<T>(random, aShared ? aLength : aLength * batch, scale);
        T[] b = Fill<T>(random, bShared ? bLength : bLength * batch, scale);
        T[] c = new T[batch * m * n];
        c.AsSpan().Fill(T.One);
        long aBatch = aShared ? 0 : aLength, bBatch = bShared ? 0 : bLength;
        Multiply(width, batch, m, n, k, a, aBatch, aRow, aColumn, b, bBatch, bRow, bColumn, c);

        T[] expected = new T[c.Length];
        for (int s = 0; s < batch; s++)
        {
            for (int i = 0; i < m; i++)
            {
                Span<T> row = expected.AsSpan((s * m + i) * n, n);
                for (int p = 0; p < k; p++)
                {
                    T factor = a[s * aBatch + i * aRow + p * aColumn];
                    for (int j = 0; j < n; j++) row[j] += factor * b[s * bBatch + p * bRow + j * bColumn];
                }
            }
        }

        Assert.True(
            expected.AsSpan().SequenceEqual(c),
            $"{typeof(T).Name} {batch} x {m} x {n} x {k}, {la} {lb}, shared {aShared} {bShared}, width {width}");
    }

    private static T[] Fill<T>(Random random, long length, long scale)
        where T : unmanaged, INumber<T>
    {
        T[] values = new T[length];
        for (long i = 0; i < length; i++) values[i] = T.CreateTruncating(random.Next(-8, 9) * scale);
        return values;
    }

    private static void Multiply<T>(
        int width, int batch, int m, int n, int k,
        T[] a, long aBatch, long aRow, long aColumn, T[] b, long bBatch, long bRow, long bColumn, T[] c)
        where T : unmanaged =>
        MatMul.Multiply(
            width, DTypes.Of<T>(), batch, m, n, k,
            MemoryMarshal.AsBytes(a.AsSpan()), aBatch, aRow, aColumn,
            MemoryMarshal.AsBytes(b.AsSpan()), bBatch, bRow, bColumn, MemoryMarshal.AsBytes(c.AsSpan()));
}
