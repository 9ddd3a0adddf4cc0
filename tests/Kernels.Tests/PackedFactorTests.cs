using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class PackedFactorTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Products_with_a_packed_matrix_have_the_bits_of_plain_ones(int width)
    {
        var random = new Random(1);
        (int M, int N, int K)[] shapes =
        [
            .. Enumerable.Range(0, 200).Select(_ => (random.Next(2, 40), random.Next(1, 71), random.Next(1, 71))),
            (32, 256, 256), (32, 1024, 256), (32, 333, 700), (13, 100, 1300), (30, 100, 1300), (100, 62, 256),
        ];
        foreach ((int m, int n, int k) in shapes)
        {
            foreach (bool transposed in (bool[])[false, true])
            {
                Check<float>(width, DType.Float32, random, m, n, k, transposed);
                Check<double>(width, DType.Float64, random, m, n, k, transposed);
            }
        }
    }

    [Fact]
    public void A_matrix_is_packed_in_the_place_of_the_one_before()
    {
        var factor = new PackedFactor(DType.Float32, 2, 2);
        float[] result = new float[4];
        foreach (float scale in (float[])[1, 3])
        {
            factor.Pack(Bytes<float>([scale, 0, 0, scale]), 2, 1);
            factor.Multiply(2, Bytes<float>([1, 2, 3, 4]), 2, 1, MemoryMarshal.AsBytes(result.AsSpan()));
            Assert.Equal([scale, 2 * scale, 3 * scale, 4 * scale], result);
        }
    }

    [Fact]
    public void Wrong_sizes_and_types_are_errors()
    {
        Assert.Throws<NotSupportedException>(() => new PackedFactor(DType.Int32, 2, 2));
        var factor = new PackedFactor(DType.Float32, 2, 3);
        Assert.Throws<ArgumentException>(() => factor.Pack(Bytes<float>([1, 2, 3, 4, 5]), 3, 1));
        Assert.Throws<ArgumentException>(() => factor.Multiply(1, Bytes<float>([1]), 2, 1, new byte[12]));
        Assert.Throws<ArgumentException>(() => factor.Multiply(1, Bytes<float>([1, 2]), 2, 1, new byte[8]));
    }

    private static void Check<T>(int width, DType dtype, Random random, int m, int n, int k, bool transposed)
        where T : unmanaged, INumber<T>
    {
        T[] a = [.. Enumerable.Range(0, m * k).Select(_ => T.CreateChecked(random.NextDouble() - 0.5))];
        T[] b = [.. Enumerable.Range(0, k * n).Select(_ => T.CreateChecked(random.NextDouble() - 0.5))];
        int row = transposed ? 1 : n, column = transposed ? k : 1;
        var expected = new T[m * n];
        MatMul.Multiply(
            width, dtype, 1, m, n, k, Bytes(a), 0, k, 1, Bytes(b), 0, row, column, MemoryMarshal.AsBytes(expected.AsSpan()));
        var factor = new PackedFactor(width, dtype, k, n);
        factor.Pack(Bytes(b), row, column);
        var actual = new T[m * n];
        factor.Multiply(m, Bytes(a), k, 1, MemoryMarshal.AsBytes(actual.AsSpan()));
        if (n > 1) Assert.Equal(expected, actual);
        for (int i = 0; i < m * n; i++) Assert.True(T.Abs(expected[i] - actual[i]) <= T.CreateChecked(1e-5));
    }
}
