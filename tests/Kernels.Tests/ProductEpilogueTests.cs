using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class ProductEpilogueTests
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
        int width, int batch, int m, int n, int k, T[] a, T[] b, ProductEpilogue? epilogue = null)
        where T : unmanaged
    {
        T[] c = new T[batch * m * n];
        MatMul.Multiply(
            width, DTypes.Of<T>(), batch, m, n, k, Bytes(a), m * k, k, 1, Bytes(b), k * n, n, 1, Bytes(c), epilogue);
        return c;
    }

    [Theory, MemberData(nameof(Widths))]
    public void An_epilogue_sees_each_element_once_when_its_sum_is_done(int width)
    {
        foreach ((int batch, int m, int n, int k) in new[]
        {
            (1, 1, 3000, 200), (1, 3000, 1, 200), (1, 40, 30, 20), (1, 5000, 60, 9), (1, 300, 700, 1), (30, 20, 40, 1),
            (1, 400, 300, 1300), (300, 9, 11, 17), (1, 4100, 33, 600), (7, 30, 20, 0), (3, 1, 50, 30),
            (2, 600, 500, 300), (1, 500, 3, 40),
        })
        {
            float[] a = Numbers<float>(batch * m * k, 3), b = Numbers<float>(batch * k * n, 4);
            float[] expected = [.. Product(width, batch, m, n, k, a, b).Select(x => 2 * x + 1)];
            Assert.Equal(expected, Product(width, batch, m, n, k, a, b, Epilogue));

            void Epilogue(Span<byte> result, int row, int rows, int column, int columns)
            {
                Span<float> c = MemoryMarshal.Cast<byte, float>(result);
                for (int i = row; i < row + rows; i++)
                {
                    foreach (ref float x in c.Slice(i * n + column, columns)) x = 2 * x + 1;
                }
            }
        }
    }

    [Fact]
    public void An_epilogue_follows_products_of_integers()
    {
        int[] a = Numbers<int>(60 * 50, 5), b = Numbers<int>(50 * 90, 6);
        int[] expected = [.. Product(0, 1, 60, 90, 50, a, b).Select(x => -x)];
        Assert.Equal(expected, Product(0, 1, 60, 90, 50, a, b, (result, row, rows, column, columns) =>
        {
            Span<int> c = MemoryMarshal.Cast<byte, int>(result);
            for (int i = row; i < row + rows; i++)
            {
                foreach (ref int x in c.Slice(i * 90 + column, columns)) x = -x;
            }
        }));
    }
}
