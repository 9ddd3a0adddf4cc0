using System.Numerics;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class ConvolutionTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    /// <summary>Kernel sizes, strides, paddings and dilations in all combinations, on images of odd sizes.</summary>
    private static IEnumerable<ConvolutionShape> Combinations()
    {
        foreach (var (kh, kw) in new[] { (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (1, 5), (3, 2) })
            foreach (var (sy, sx) in new[] { (1, 1), (2, 2), (3, 3), (1, 2), (3, 1) })
                foreach (var (top, bottom, left, right) in new[] { (0, 0, 0, 0), (1, 1, 1, 1), (2, 0, 1, 3), (0, 3, 4, 0) })
                    foreach (var (dy, dx) in new[] { (1, 1), (2, 1), (2, 3) })
                        yield return Planar(2, 3, 9, 11, 5, kh, kw, sy, sx, top, bottom, left, right, dy, dx);
    }

    /// <summary>Sizes at which blocks, vectors and bands end early, or where there is nothing to do.</summary>
    private static IEnumerable<ConvolutionShape> Sizes()
    {
        foreach (int filters in new[] { 1, 4, 6, 8, 9, 13, 17, 30, 33, 50 })
            foreach (int width in new[] { 5, 8, 20, 28, 53 })
                yield return Planar(3, 2, 7, width, filters, 3, 3, 1, 1, 1, 1, 1, 1);

        yield return Planar(0, 2, 7, 7, 3, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(2, 0, 7, 7, 3, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(2, 2, 7, 7, 0, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(2, 2, 0, 7, 3, 3, 3, 1, 1, 2, 2, 1, 1);
        yield return Planar(2, 2, 2, 7, 3, 3, 3, 1, 1, 0, 0, 0, 0);
        yield return Planar(2, 2, 2, 7, 3, 3, 3, 2, 2, 0, 0, 0, 0);
        yield return Planar(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
        yield return Planar(1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 4, 5, 6);
        yield return Planar(1, 1, 1, 40, 1, 1, 3, 1, 1, 0, 0, 0, 0);
        yield return Planar(1, 1, 40, 1, 1, 3, 1, 1, 1, 0, 0, 0, 0);
        yield return Planar(50, 16, 4, 4, 20, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(37, 8, 5, 5, 12, 5, 5, 1, 1, 0, 0, 0, 0);
        yield return Planar(40, 20, 2, 2, 10, 2, 2, 1, 1, 0, 1, 1, 0);
        yield return Planar(2, 40, 30, 31, 10, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(1, 40, 61, 63, 9, 3, 3, 2, 2, 1, 1, 1, 1);
        yield return Planar(1, 8, 3, 3000, 9, 3, 9, 1, 1, 1, 1, 4, 4);
        yield return Planar(1, 9, 3000, 2, 7, 9, 2, 2, 1, 4, 4, 1, 0);
        yield return Planar(30, 1, 28, 28, 30, 5, 5, 1, 1, 0, 0, 0, 0);
        yield return Planar(3, 4, 12, 13, 5, 2, 2, 5, 5, 0, 0, 0, 0);
        yield return Planar(1, 64, 7, 7, 37, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(2, 3, 90, 91, 40, 3, 3, 1, 1, 0, 1, 1, 0);
        yield return Planar(2, 2, 90, 91, 70, 4, 4, 2, 2, 1, 1, 2, 2);
        yield return Planar(100, 3, 6, 5, 20, 3, 4, 1, 2, 0, 0, 1, 1);
        yield return Planar(2, 9, 10, 11, 12, 1, 1, 2, 3, 0, 0, 1, 0);
    }

    /// <summary>Sums of so many terms, in the result or its transposes, that channels are summed by blocks.</summary>
    private static IEnumerable<ConvolutionShape> Deep()
    {
        yield return Planar(2, 150, 9, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(5, 150, 3, 3, 90, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(3, 90, 11, 13, 80, 3, 3, 2, 2, 1, 1, 1, 1);
        yield return Planar(2, 80, 13, 12, 9, 3, 3, 3, 3, 2, 0, 1, 3);
        yield return Planar(2, 80, 12, 20, 1, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2);
        yield return Planar(1, 1, 15, 17, 70, 4, 4, 1, 1, 1, 1, 1, 1);
        yield return Planar(2, 30, 9, 60, 33, 5, 5, 1, 1, 4, 4, 4, 4);
        yield return Planar(17, 1300, 1, 2, 70, 1, 1, 1, 1, 0, 0, 0, 0);
        yield return Planar(0, 150, 9, 7, 20, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return new(2, 160, 150, 2, WindowAxis.Unit, new(6, 3, 1, 1, 1), new(5, 3, 2, 1, 1));
        yield return new(2, 50, 70, 1, new(4, 3, 1, 1, 1), new(5, 3, 1, 1, 1), new(6, 2));
    }

    /// <summary>So many images of small maps, alone and in groups, that the images are the lanes of the vectors.</summary>
    private static IEnumerable<ConvolutionShape> Images()
    {
        foreach (int batch in new[] { 15, 16, 32 })
            foreach (var (kernel, stride, before, after, dilation) in new[]
                { (1, 1, 0, 0, 1), (3, 1, 1, 1, 1), (3, 2, 1, 1, 1), (2, 3, 0, 2, 1), (3, 1, 2, 2, 2), (1, 2, 0, 0, 1), (5, 1, 4, 0, 1), (4, 2, 1, 3, 3) })
                foreach (var (channels, filters, groups) in new[] { (3, 9, 1), (1, 1, 1), (4, 6, 2), (8, 13, 1) })
                    if (filters % groups == 0)
                    {
                        WindowAxis y = new(5, kernel, stride, before, after, dilation);
                        yield return new(batch, channels, filters, groups, WindowAxis.Unit, y, y with { Size = 7 });
                        yield return new(batch, channels, filters, groups, WindowAxis.Unit, y with { Kernel = 1 }, y);
                    }

        yield return Planar(16, 200, 3, 3, 100, 3, 3, 1, 1, 1, 1, 1, 1);
        yield return Planar(16, 150, 6, 5, 90, 3, 3, 2, 2, 1, 1, 1, 1);
        yield return Planar(16, 90, 4, 4, 300, 1, 1, 2, 2, 0, 0, 0, 0);
        yield return Planar(16, 2, 0, 3, 3, 3, 3, 1, 1, 2, 2, 1, 1);
        yield return Planar(16, 2, 3, 0, 3, 3, 3, 1, 1, 1, 1, 2, 2);
        yield return Planar(32, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 0, 0);
        yield return Planar(32, 6, 14, 14, 7, 5, 5, 1, 1, 2, 2, 2, 2);
    }

    /// <summary>Three axes, groups, and both.</summary>
    private static IEnumerable<ConvolutionShape> Volumes()
    {
        foreach (int groups in new[] { 1, 2 })
            foreach (var (kernel, stride, dilation) in new[] { (1, 1, 1), (3, 1, 1), (2, 2, 1), (3, 2, 1), (2, 3, 2), (3, 1, 2) })
                foreach (var (before, after) in new[] { (0, 0), (1, 1), (2, 0), (0, 3), (1, -1) })
                {
                    WindowAxis z = new(5, kernel, stride, before, after, dilation);
                    yield return new(2, 4, 6, groups, z, new(6, 3, 1, 1, 1), new(7, 2));
                    yield return new(3, 2, 2, groups, z, new(7, 2, 2), new(19, 3, 1, 1, 1));
                    yield return new(2, 4, 10, groups, new(2, 2), z with { Size = 9 }, z with { Size = 8 });
                }

        yield return new(1, 8, 24, 1, new(12, 3, 1, 1, 1), new(13, 3, 1, 1, 1), new(14, 3, 1, 1, 1));
        yield return new(2, 3, 20, 1, new(8, 3), new(4, 2), new(4, 2));
        yield return new(2, 3, 4, 1, new(0, 3, 1, 1, 1), new(4, 2), new(4, 2));
        yield return new(2, 3, 4, 1, new(0, 3, 1, 2, 2), new(4, 2), new(4, 2));
    }

    private static IEnumerable<ConvolutionShape> Groups()
    {
        foreach (var (channels, filters, groups) in new[]
            { (3, 3, 3), (8, 8, 8), (4, 8, 4), (8, 4, 4), (6, 9, 3), (6, 33, 3), (40, 40, 20), (2, 100, 2), (0, 0, 3), (3, 0, 3), (0, 3, 3) })
            foreach (int side in new[] { 1, 4, 9, 21 })
                foreach (var (kernel, stride, pad, dilation) in new[] { (1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 1, 1), (5, 1, 2, 1), (2, 3, 1, 2) })
                {
                    WindowAxis axis = new(side, kernel, stride, pad, pad, dilation);
                    yield return new(5, channels, filters, groups, WindowAxis.Unit, axis, axis with { Size = side + 1 });
                }

        yield return new(1, 2, 2, 2, WindowAxis.Unit, WindowAxis.Unit, new(30000, 9, 1, 4, 4));
        yield return new(2, 1, 1, 1, WindowAxis.Unit, new(70, 3, 1, 1, 1), new(3000, 3, 2, 1, 1));
        yield return new(2, 100, 100, 100, WindowAxis.Unit, new(40, 3, 1, 1, 1), new(41, 3, 1, 1, 1));
        yield return new(2, 200, 800, 100, WindowAxis.Unit, new(10, 3, 1, 1, 1), new(11, 5, 1, 1, 1));
        yield return new(1, 3200, 2400, 400, WindowAxis.Unit, new(3, 7, 1, 3, 3), new(3, 7, 1, 3, 3));
    }

    /// <summary>A convolution of one group along rows and columns.</summary>
    private static ConvolutionShape Planar(
        int batch, int channels, int height, int width, int filters, int kernelHeight, int kernelWidth, int strideY,
        int strideX, int top, int bottom, int left, int right, int dilationY = 1, int dilationX = 1) =>
        new(
            batch, channels, filters, 1, WindowAxis.Unit,
            new(height, kernelHeight, strideY, top, bottom, dilationY),
            new(width, kernelWidth, strideX, left, right, dilationX));

    [Theory]
    [MemberData(nameof(Widths))]
    public void Float32_agrees_with_the_sums_for_all_strides_paddings_and_dilations(int width)
    {
        foreach (ConvolutionShape s in Combinations()) Compare<float>(DType.Float32, s, width);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Float64_agrees_with_the_sums_for_all_strides_paddings_and_dilations(int width)
    {
        foreach (ConvolutionShape s in Combinations()) Compare<double>(DType.Float64, s, width);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Float32_agrees_with_the_sums_for_all_sizes(int width)
    {
        foreach (ConvolutionShape s in Sizes()) Compare<float>(DType.Float32, s, width);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Float64_agrees_with_the_sums_for_all_sizes(int width)
    {
        foreach (ConvolutionShape s in Sizes()) Compare<double>(DType.Float64, s, width);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Both_types_agree_with_the_sums_of_many_terms(int width)
    {
        foreach (ConvolutionShape s in Deep())
        {
            Compare<float>(DType.Float32, s, width);
            Compare<double>(DType.Float64, s, width);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Both_types_agree_with_the_sums_of_many_images(int width)
    {
        foreach (ConvolutionShape s in Images())
        {
            Compare<float>(DType.Float32, s, width);
            Compare<double>(DType.Float64, s, width);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Both_types_agree_with_the_sums_for_three_axes(int width)
    {
        foreach (ConvolutionShape s in Volumes())
        {
            Compare<float>(DType.Float32, s, width);
            Compare<double>(DType.Float64, s, width);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Both_types_agree_with_the_sums_for_groups(int width)
    {
        foreach (ConvolutionShape s in Groups())
        {
            Compare<float>(DType.Float32, s, width);
            Compare<double>(DType.Float64, s, width);
        }
    }

    [Fact]
    public void The_transposes_satisfy_the_adjoint_identities()
    {
        foreach (ConvolutionShape s in Combinations().Where((_, i) => i % 7 == 0).Concat(Volumes()))
        {
            double[] x = Normal(s.InputLength, 1), w = Normal(s.FilterLength, 2), ct = Normal(s.OutputLength, 3);
            double[] y = new double[ct.Length], dx = new double[x.Length], dw = new double[w.Length];
            Convolution.Forward(DType.Float64, s, Bytes(x), Bytes(w), Bytes(y));
            Convolution.InputGradient(DType.Float64, s, Bytes(ct), Bytes(w), Bytes(dx));
            Convolution.FilterGradient(DType.Float64, s, Bytes(x), Bytes(ct), Bytes(dw));
            double expected = Dot(y, ct);
            Assert.Equal(expected, Dot(x, dx), 1e-9);
            Assert.Equal(expected, Dot(w, dw), 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void A_NaN_or_an_infinity_reaches_only_the_windows_that_hold_it(int width)
    {
        ConvolutionShape s = Planar(2, 2, 9, 10, 5, 3, 3, 1, 1, 1, 1, 1, 1);
        foreach (float special in new[] { float.NaN, float.PositiveInfinity })
        {
            float[] x = Integers<float>(s.InputLength, 1), w = Integers<float>(s.FilterLength, 2);
            w.AsSpan().Fill(2);
            x[4 * 10 + 5] = special;
            float[] y = new float[s.OutputLength];
            Convolution.Forward(DType.Float32, s, Bytes(x), Bytes(w), Bytes(y), width);
            for (int i = 0; i < y.Length; i++)
            {
                int row = i / 10 % 9, column = i % 10;
                bool reached = i < 5 * 90 && row is >= 3 and <= 5 && column is >= 4 and <= 6;
                Assert.Equal(reached, !float.IsFinite(y[i]));
            }

            float[] ct = Integers<float>(s.OutputLength, 3), dw = new float[s.FilterLength];
            ct.AsSpan().Fill(1);
            ct[5 * 90 + 2 * 90 + 11] = special;
            Array.Fill(x, 1);
            Convolution.FilterGradient(DType.Float32, s, Bytes(x), Bytes(ct), Bytes(dw), width);
            for (int i = 0; i < dw.Length; i++) Assert.Equal(i / 18 == 2, !float.IsFinite(dw[i]));
        }
    }

    [Fact]
    public void Lengths_and_types_that_do_not_fit_are_rejected()
    {
        ConvolutionShape s = Planar(1, 1, 4, 4, 1, 3, 3, 1, 1, 0, 0, 0, 0);
        byte[] x = new byte[64], w = new byte[36], y = new byte[16];
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s, x, w, new byte[12]));
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s, x, new byte[32], y));
        Assert.Throws<ArgumentException>(() => Convolution.InputGradient(DType.Float64, s, y, w, x));
        Assert.Throws<ArgumentException>(() => Convolution.FilterGradient(DType.Int32, s, x, y, w));
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s with { X = s.X with { Stride = 0 } }, x, w, y));
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s with { Y = s.Y with { PadBefore = -1 } }, x, w, y));
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s with { Groups = 2 }, x, w, y));
        Assert.Throws<ArgumentException>(() => Convolution.Forward(DType.Float32, s with { Groups = 0 }, x, w, y));
    }

    private static void Compare<T>(DType dtype, ConvolutionShape s, int width)
        where T : unmanaged, INumber<T>
    {
        T[] x = Integers<T>(s.InputLength, 1), w = Integers<T>(s.FilterLength, 2), ct = Integers<T>(s.OutputLength, 3);
        T[] y = new T[ct.Length], dx = new T[x.Length], dw = new T[w.Length];
        Reference(s, x, w, ct, y, dx, dw);
        T[] result = Garbage<T>(y.Length);
        Convolution.Forward(dtype, s, Bytes(x), Bytes(w), Bytes(result), width);
        AssertEqual(y, result, $"forward {s}");
        result = Garbage<T>(dx.Length);
        Convolution.InputGradient(dtype, s, Bytes(ct), Bytes(w), Bytes(result), width);
        AssertEqual(dx, result, $"input gradient {s}");
        result = Garbage<T>(dw.Length);
        Convolution.FilterGradient(dtype, s, Bytes(x), Bytes(ct), Bytes(result), width);
        AssertEqual(dw, result, $"filter gradient {s}");
    }

    private static void Reference<T>(ConvolutionShape s, T[] x, T[] w, T[] ct, T[] y, T[] dx, T[] dw)
        where T : INumber<T>
    {
        int output = 0;
        for (int n = 0; n < s.Batch; n++)
            for (int f = 0; f < s.Filters; f++)
                for (int oz = 0; oz < s.Z.Output; oz++)
                    for (int oy = 0; oy < s.Y.Output; oy++)
                        for (int ox = 0; ox < s.X.Output; ox++, output++)
                            for (int c = 0; c < s.GroupChannels; c++)
                                foreach (var (tap, place) in Window(s, oz, oy, ox))
                                {
                                    int channel = f / s.GroupFilters * s.GroupChannels + c;
                                    int input = (n * s.Channels + channel) * s.Z.Size * s.InputPlane + place;
                                    int filter = (f * s.GroupChannels + c) * s.Taps + tap;
                                    y[output] += x[input] * w[filter];
                                    dx[input] += ct[output] * w[filter];
                                    dw[filter] += ct[output] * x[input];
                                }
    }

    /// <summary>The taps of a window that lie inside the volume, and their places in it.</summary>
    private static IEnumerable<(int Tap, int Place)> Window(ConvolutionShape s, int oz, int oy, int ox)
    {
        for (int d = 0; d < s.Z.Kernel; d++)
            for (int u = 0; u < s.Y.Kernel; u++)
                for (int v = 0; v < s.X.Kernel; v++)
                {
                    int z = oz * s.Z.Stride + d * s.Z.Dilation - s.Z.PadBefore;
                    int y = oy * s.Y.Stride + u * s.Y.Dilation - s.Y.PadBefore;
                    int x = ox * s.X.Stride + v * s.X.Dilation - s.X.PadBefore;
                    if (z >= 0 && z < s.Z.Size && y >= 0 && y < s.Y.Size && x >= 0 && x < s.X.Size)
                        yield return ((d * s.Y.Kernel + u) * s.X.Kernel + v, (z * s.Y.Size + y) * s.X.Size + x);
                }
    }

    private static void AssertEqual<T>(T[] expected, T[] actual, string what)
        where T : INumber<T>
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] != actual[i]) Assert.Fail($"{what}: element {i} is {actual[i]}, not {expected[i]}.");
        }
    }

    private static T[] Integers<T>(int length, int seed)
        where T : INumber<T>
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => T.CreateChecked(random.Next(-3, 4)))];
    }

    private static T[] Garbage<T>(int length)
        where T : INumber<T>
    {
        T[] data = new T[length];
        Array.Fill(data, T.CreateChecked(1e30));
        return data;
    }

    private static double[] Normal(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.NextDouble() - 0.5)];
    }

    private static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();
}
