using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class PackedMatrixTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    private static T[] Numbers<T>(int count, int seed)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => T.CreateTruncating(random.Next(-8, 9)))];
    }

    private static Span<byte> Bytes<T>(T[] x)
        where T : unmanaged => MemoryMarshal.AsBytes(x.AsSpan());

    /// <summary>Small integers, whose sums are exact in any order.</summary>
    private static T[] Product<T>(
        int width, int batch, int m, int n, int k, T[] a, T[] b)
        where T : unmanaged
    {
        T[] c = new T[batch * m * n];
        MatMul.Multiply(
            width, DTypes.Of<T>(), batch, m, n, k, Bytes(a), m * k, k, 1, Bytes(b), k * n, n, 1, Bytes(c));
        return c;
    }

    [Theory, MemberData(nameof(Widths))]
    public void Products_with_a_packed_matrix_are_products(int width)
    {
        foreach ((int m, int n, int k) in new[]
            { (1, 1, 1), (5, 3, 7), (1, 70, 33), (32, 200, 130), (13, 31, 1025), (300, 130, 600),
                (7, 4200, 520), (4100, 5, 40), (0, 3, 4), (3, 0, 4), (3, 4, 0) })
        {
            Agree<float>(width, m, n, k);
            Agree<double>(width, m, n, k);
        }
    }

    private static void Agree<T>(int width, int m, int n, int k)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        T[] a = Numbers<T>(m * k, 1), b = Numbers<T>(k * n, 2), transposed = new T[k * n];
        for (int i = 0; i < k * n; i++) transposed[i % n * k + i / n] = b[i];
        T[] expected = Product(width, 1, m, n, k, a, b);
        foreach ((T[] source, int row, int column) in new[] { (b, n, 1), (transposed, 1, k) })
        {
            PackedMatrix packed = PackedMatrix.Pack(width, DTypes.Of<T>(), k, n, Bytes(source), row, column);
            Assert.Equal((k, n), (packed.Rows, packed.Columns));
            for (int round = 0; round < 2; round++)
            {
                T[] c = new T[m * n];
                Array.Fill(c, T.One);
                packed.Multiply(m, Bytes(a), k, 1, Bytes(c));
                Assert.Equal(expected, c);
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        byte[] twelve = new byte[12 * 4];
        PackedMatrix packed = PackedMatrix.Pack(DType.Float32, 3, 4, twelve, 4, 1);
        Assert.Throws<NotSupportedException>(() => PackedMatrix.Pack(DType.Int32, 3, 4, twelve, 4, 1));
        Assert.Throws<ArgumentException>(() => PackedMatrix.Pack(DType.Float32, 3, 4, twelve, 5, 1));
        Assert.Throws<ArgumentException>(() => PackedMatrix.Pack(DType.Float32, -3, 4, twelve, 4, 1));
        Assert.Throws<ArgumentException>(() => packed.Multiply(2, new byte[24], 3, 1, new byte[28]));
        Assert.Throws<ArgumentException>(() => packed.Multiply(2, new byte[20], 3, 1, new byte[32]));
        Assert.Throws<ArgumentException>(() => packed.Multiply(2, new byte[24], -3, 1, new byte[32]));
    }
}
