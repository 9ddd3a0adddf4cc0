using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class FourierTests
{
    private static readonly int[] Lengths =
        [1, 2, 3, 4, 5, 6, 7, 8, 12, 15, 16, 17, 31, 32, 37, 60, 64, 74, 97, 100, 128, 210, 243, 256, 500, 509, 1024];

    private static double[] Values(int seed, int n)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, n).Select(_ => 2 * random.NextDouble() - 1)];
    }

    private static byte[] Bytes(DType dtype, double[] x) => dtype == DType.Float64
        ? MemoryMarshal.AsBytes<double>(x).ToArray()
        : MemoryMarshal.AsBytes<float>([.. x.Select(v => (float)v)]).ToArray();

    private static double[] Numbers(DType dtype, byte[] x) => dtype == DType.Float64
        ? MemoryMarshal.Cast<byte, double>(x).ToArray()
        : [.. MemoryMarshal.Cast<byte, float>(x).ToArray().Select(v => (double)v)];

    private static (byte[] Re, byte[] Im) Run(
        DType dtype, int outer, int length, int inner, bool inverse, byte[] re, byte[] im, int width)
    {
        byte[] toRe = new byte[re.Length], toIm = new byte[im.Length];
        Fourier.Transform(dtype, outer, length, inner, inverse, 1, re, im, toRe, toIm, width);
        return (toRe, toIm);
    }

    [Fact]
    public void Transforms_equal_the_sums_that_define_them()
    {
        foreach (int n in Lengths)
        {
            double[] re = Values(n, n), im = Values(-n, n);
            foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
            {
                foreach (bool inverse in new[] { false, true })
                {
                    (byte[] toRe, byte[] toIm) =
                        Run(dtype, 1, n, 1, inverse, Bytes(dtype, re), Bytes(dtype, im), Simd.Width);
                    double[] x = Numbers(dtype, toRe), y = Numbers(dtype, toIm);
                    double tolerance = (dtype == DType.Float64 ? 1e-15 : 5e-7) * Math.Sqrt(n) * (Math.Log2(n) + 1);
                    for (int k = 0; k < n; k++)
                    {
                        Complex sum = Complex.Zero;
                        for (int j = 0; j < n; j++)
                        {
                            double angle = (inverse ? 2 : -2) * Math.PI * ((long)j * k % n) / n;
                            sum += new Complex(re[j], im[j]) * Complex.FromPolarCoordinates(1, angle);
                        }

                        Assert.True(
                            Complex.Abs(sum - new Complex(x[k], y[k])) < tolerance,
                            $"{dtype} {n} {inverse} {k}: {x[k]}, {y[k]} for {sum}");
                    }
                }
            }
        }
    }

    [Fact]
    public void A_line_has_the_same_bits_alone_and_among_others_at_every_width()
    {
        foreach (int n in Lengths.Append(5000))
        {
            foreach ((int outer, int inner) in new[] { (1, 1), (3, 1), (1, 21), (2, 5), (40, 1) })
            {
                double[] re = Values(n, outer * n * inner), im = Values(-n, outer * n * inner);
                foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
                {
                    byte[] a = Bytes(dtype, re), b = Bytes(dtype, im);
                    (byte[] expectedRe, byte[] expectedIm) = Run(dtype, outer, n, inner, false, a, b, 0);
                    foreach (int width in Simd.Available)
                    {
                        (byte[] x, byte[] y) = Run(dtype, outer, n, inner, false, a, b, width);
                        Assert.True(x.AsSpan().SequenceEqual(expectedRe) && y.AsSpan().SequenceEqual(expectedIm));
                    }

                    int size = dtype.Size(), last = outer * inner - 1;
                    byte[] Line(byte[] x) =>
                        [.. Enumerable.Range(0, n).SelectMany(j => x.AsSpan(
                            ((last / inner * n + j) * inner + last % inner) * size, size).ToArray())];
                    (byte[] aloneRe, byte[] aloneIm) = Run(dtype, 1, n, 1, false, Line(a), Line(b), Simd.Width);
                    Assert.Equal(Line(expectedRe), aloneRe);
                    Assert.Equal(Line(expectedIm), aloneIm);
                }
            }
        }
    }

    private static byte[] Interleaved(byte[] re, byte[] im) => [.. re, .. im];

    private static byte[] OfReal(DType dtype, int outer, int n, int inner, byte[] x, int width)
    {
        byte[] re = new byte[outer * (n / 2 + 1) * inner * dtype.Size()], im = new byte[re.Length];
        Fourier.OfReal(dtype, outer, n, inner, 1, x, re, im, width);
        return Interleaved(re, im);
    }

    [Fact]
    public void Real_lines_have_the_transforms_of_complex_ones_and_come_back()
    {
        foreach (int n in Lengths.Where(n => n % 2 == 0).Append(10_006))
        {
            foreach ((int outer, int inner) in new[] { (1, 1), (3, 1), (1, 21), (2, 5), (40, 1) })
            {
                double[] x = Values(n, outer * n * inner);
                foreach (DType dtype in new[] { DType.Float32, DType.Float64 })
                {
                    double tolerance = (dtype == DType.Float64 ? 1e-15 : 5e-7) * Math.Sqrt(n) * (Math.Log2(n) + 1);
                    byte[] bytes = Bytes(dtype, x);
                    (byte[] wholeRe, byte[] wholeIm) = Run(dtype, outer, n, inner, false, bytes, new byte[bytes.Length], Simd.Width);
                    double[] allRe = Numbers(dtype, wholeRe), allIm = Numbers(dtype, wholeIm);
                    byte[] halves = OfReal(dtype, outer, n, inner, bytes, Simd.Width);
                    double[] half = Numbers(dtype, halves);
                    int entries = n / 2 + 1, count = outer * entries * inner;
                    for (int i = 0; i < count; i++)
                    {
                        int at = (i / inner / entries * n + i / inner % entries) * inner + i % inner;
                        Assert.Equal(allRe[at], half[i], tolerance);
                        Assert.Equal(allIm[at], half[count + i], tolerance);
                    }

                    byte[] back = new byte[bytes.Length];
                    Fourier.ToReal(
                        dtype, outer, n, inner, 1.0 / n, halves.AsSpan(0, halves.Length / 2), halves.AsSpan(halves.Length / 2), back);
                    double[] actual = Numbers(dtype, back);
                    for (int i = 0; i < x.Length; i++) Assert.Equal(x[i], actual[i], tolerance);
                    foreach (int width in Simd.Available) Assert.Equal(halves, OfReal(dtype, outer, n, inner, bytes, width));
                }
            }
        }
    }

    [Fact]
    public void The_ends_of_half_a_transform_count_as_real()
    {
        double[] re = [1, 2, 3], im = [5, 0.5, -7];
        byte[] with = new byte[4 * 8], without = new byte[4 * 8];
        Fourier.ToReal(DType.Float64, 1, 4, 1, 0.25, Bytes(DType.Float64, re), Bytes(DType.Float64, im), with);
        Fourier.ToReal(DType.Float64, 1, 4, 1, 0.25, Bytes(DType.Float64, re), Bytes(DType.Float64, [0, 0.5, 0]), without);
        Assert.Equal(without, with);
        Assert.Throws<ArgumentException>(() => Fourier.OfReal(DType.Float64, 1, 3, 1, 1, new byte[24], new byte[16], new byte[16]));
    }

    [Fact]
    public void Back_and_forth_is_the_identity_on_long_lines()
    {
        foreach (int n in new[] { 4096, 10007, 65536, 100_000 })
        {
            byte[] re = Bytes(DType.Float64, Values(n, n)), im = Bytes(DType.Float64, Values(-n, n));
            byte[] x = new byte[re.Length], y = new byte[re.Length], u = new byte[re.Length], v = new byte[re.Length];
            Fourier.Transform(DType.Float64, 1, n, 1, false, 1, re, im, x, y);
            Fourier.Transform(DType.Float64, 1, n, 1, true, 1.0 / n, x, y, u, v);
            double[] expected = Numbers(DType.Float64, re), actual = Numbers(DType.Float64, u);
            for (int i = 0; i < n; i++) Assert.Equal(expected[i], actual[i], 1e-14);
        }
    }

    [Fact]
    public void Wrong_lengths_and_types_are_refused()
    {
        byte[] x = new byte[32];
        Assert.Throws<ArgumentException>(
            () => Fourier.Transform(DType.Float64, 1, 3, 1, false, 1, x, x, new byte[32], new byte[32]));
        Assert.Throws<ArgumentException>(
            () => Fourier.Transform(DType.Int64, 1, 4, 1, false, 1, x, x, new byte[32], new byte[32]));
    }
}
