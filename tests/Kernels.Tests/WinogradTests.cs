using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public unsafe class WinogradTests
{
    // In units of rounding, 2^-24, of the sums of the absolute values of the products: the largest error by the largest of these sums,
    // and the root mean squares of both, which are larger where a sum has a few products.
    private const double MostError = 16, MostMean = 3, MostMeanOfFew = 6;

    public static TheoryData<int> Widths => [.. Simd.Available];

    /// <summary>All paddings, sizes at which tiles, lanes, blocks and slices end early, and both orders of the passes.</summary>
    private static IEnumerable<ConvolutionShape> Shapes()
    {
        foreach (var (top, bottom, left, right) in new[] { (0, 0, 0, 0), (1, 1, 1, 1), (2, 2, 2, 2), (2, 0, 0, 1), (0, 2, 1, 0) })
            foreach (var (height, width) in new[] { (3, 3), (4, 8), (5, 6), (7, 9), (13, 22) })
                yield return Shape(2, 5, 3, height, width, top, bottom, left, right);

        yield return Shape(3, 17, 33, 7, 9);
        yield return Shape(1, 40, 50, 6, 5);
        yield return Shape(20, 8, 4, 3, 3);
        yield return Shape(1, 1, 1, 1, 1);
        yield return Shape(1, 1, 1, 3, 4);
        yield return Shape(1, 3, 4, 5, 700);
        yield return Shape(2, 70, 33, 6, 20);
        yield return Shape(1, 130, 90, 5, 7);
        yield return Shape(2, 3, 70, 10, 11);
    }

    [Fact]
    public void Results_and_gradients_agree_with_the_sums()
    {
        foreach (ConvolutionShape s in Shapes())
        {
            float[] x = Normal(s.InputLength, 1), w = Normal(s.FilterLength, 2), ct = Normal(s.OutputLength, 3);
            double[] y = new double[ct.Length], dx = new double[x.Length], dw = new double[w.Length];
            double[] sizeY = new double[ct.Length], sizeX = new double[x.Length], sizeW = new double[w.Length];
            foreach (var (i, f, o) in Terms(s))
            {
                Add(y, sizeY, o, (double)x[i] * w[f]);
                Add(dx, sizeX, i, (double)ct[o] * w[f]);
                Add(dw, sizeW, f, (double)ct[o] * x[i]);
            }

            double most = s.Channels >= 8 ? MostMean : MostMeanOfFew;
            foreach (int width in Simd.Available)
            {
                (float[] foundY, float[] foundX, float[] foundW) = Run(s, x, w, ct, width, 1);
                AssertClose(y, sizeY, foundY, $"forward {s}, width {width}", most);
                AssertClose(dx, sizeX, foundX, $"input gradient {s}, width {width}", most);
                AssertClose(dw, sizeW, foundW, $"filter gradient {s}, width {width}", most);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Bits_do_not_depend_on_the_threads(int width)
    {
        ConvolutionShape[] shapes =
        [
            Shape(2, 16, 40, 21, 13), Shape(1, 150, 160, 6, 13), Shape(70, 16, 17, 8, 8), Shape(3, 20, 16, 5, 260),
            .. width == Simd.Width ? new[] { Shape(7, 64, 64, 56, 56) } : [],
        ];
        foreach (ConvolutionShape s in shapes)
        {
            float[] x = Normal(s.InputLength, 1), w = Normal(s.FilterLength, 2), ct = Normal(s.OutputLength, 3);
            (float[] y, float[] dx, float[] dw) = Run(s, x, w, ct, width, 1);
            foreach (int threads in new[] { 2, 5 })
            {
                (float[] y2, float[] dx2, float[] dw2) = Run(s, x, w, ct, width, threads);
                Assert.True(Bytes(y).SequenceEqual(Bytes(y2)), $"forward {s}");
                Assert.True(Bytes(dx).SequenceEqual(Bytes(dx2)), $"input gradient {s}");
                Assert.True(Bytes(dw).SequenceEqual(Bytes(dw2)), $"filter gradient {s}");
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, 1f)]
    [InlineData(float.PositiveInfinity, 1f)]
    [InlineData(1f, float.NegativeInfinity)]
    [InlineData(3e38f, 1f)]
    public void Numbers_that_are_not_finite_are_left_to_the_sums(float special, float weight)
    {
        ConvolutionShape s = Shape(2, 32, 32, 20, 20);
        float[] x = Normal(s.InputLength, 1), w = Normal(s.FilterLength, 2), ct = Normal(s.OutputLength, 3);
        x[4 * 400 + 5 * 20 + 7] = special;
        ct[9 * 400 + 8 * 20 + 3] = special;
        w[100] *= weight;
        float[] y = new float[ct.Length], dx = new float[x.Length], dw = new float[w.Length];
        float[] sumY = new float[ct.Length], sumX = new float[x.Length], sumW = new float[w.Length];
        Convolution.Forward(DType.Float32, s, Bytes(x), Bytes(w), Bytes(y));
        Convolution.InputGradient(DType.Float32, s, Bytes(ct), Bytes(w), Bytes(dx));
        Convolution.Forward(DType.Float32, s, Bytes(x), Bytes(w), Bytes(sumY), Simd.Width);
        Convolution.InputGradient(DType.Float32, s, Bytes(ct), Bytes(w), Bytes(sumX), Simd.Width);
        Assert.True(Bytes(sumY).SequenceEqual(Bytes(y)));
        Assert.True(Bytes(sumX).SequenceEqual(Bytes(dx)));
        if (float.IsFinite(special)) return;
        Convolution.FilterGradient(DType.Float32, s, Bytes(x), Bytes(ct), Bytes(dw));
        Convolution.FilterGradient(DType.Float32, s, Bytes(x), Bytes(ct), Bytes(sumW), Simd.Width);
        Assert.True(Bytes(sumW).SequenceEqual(Bytes(dw)));
    }

    [Fact]
    public void Only_filters_of_three_by_three_in_one_group_without_steps_are_taken()
    {
        ConvolutionShape s = Shape(2, 16, 16, 8, 8);
        Assert.True(Winograd.Takes(s));
        Assert.False(Winograd.Takes(s with { Groups = 2 }));
        Assert.False(Winograd.Takes(s with { Y = s.Y with { Stride = 2 } }));
        Assert.False(Winograd.Takes(s with { X = s.X with { Dilation = 2 } }));
        Assert.False(Winograd.Takes(s with { X = s.X with { Kernel = 5 } }));
        Assert.False(Winograd.Takes(s with { Y = s.Y with { PadBefore = 3 } }));
        Assert.False(Winograd.Takes(s with { Y = s.Y with { PadAfter = -1 } }));
        Assert.False(Winograd.Takes(s with { Z = new(3, 3, 1, 1, 1) }));
        Assert.False(Winograd.Takes(s with { Y = s.Y with { Size = 2 } }));
        Assert.False(Winograd.Takes(s with { Batch = 0 }));
    }

    private static ConvolutionShape Shape(
        int batch, int channels, int filters, int height, int width, int top = 1, int bottom = 1, int left = 1, int right = 1) =>
        new(batch, channels, filters, 1, WindowAxis.Unit, new(height, 3, 1, top, bottom), new(width, 3, 1, left, right));

    private static (float[] Y, float[] Dx, float[] Dw) Run(
        ConvolutionShape s, float[] x, float[] w, float[] ct, int width, int threads)
    {
        float[] y = Garbage(ct.Length), dx = Garbage(x.Length), dw = Garbage(w.Length);
        fixed (float* px = x, pw = w, pct = ct, py = y, pdx = dx, pdw = dw)
        {
            Assert.True(Winograd.Run(Winograd.ForwardOf(s, px, pw, py) with { Threads = threads }, width));
            Assert.True(Winograd.Run(Winograd.TransposedOf(s, pct, pw, pdx) with { Threads = threads }, width));
            Assert.True(Winograd.RunFilterGradient(Winograd.ForwardOf(s, px, pdw, pct) with { Threads = threads }, width));
        }

        return (y, dx, dw);
    }

    /// <summary>The places of the image, filter and result of each product.</summary>
    private static IEnumerable<(int Image, int Filter, int Result)> Terms(ConvolutionShape s)
    {
        int result = 0;
        for (int n = 0; n < s.Batch; n++)
            for (int f = 0; f < s.Filters; f++)
                for (int i = 0; i < s.Y.Output; i++)
                    for (int j = 0; j < s.X.Output; j++, result++)
                        for (int c = 0; c < s.Channels; c++)
                            for (int tap = 0; tap < 9; tap++)
                            {
                                int row = i + tap / 3 - s.Y.PadBefore, column = j + tap % 3 - s.X.PadBefore;
                                if (row < 0 || row >= s.Y.Size || column < 0 || column >= s.X.Size) continue;
                                int image = ((n * s.Channels + c) * s.Y.Size + row) * s.X.Size + column;
                                yield return (image, (f * s.Channels + c) * 9 + tap, result);
                            }
    }

    private static void Add(double[] sums, double[] sizes, int index, double term)
    {
        sums[index] += term;
        sizes[index] += Math.Abs(term);
    }

    private static void AssertClose(double[] expected, double[] sizes, float[] actual, string what, double mostMean)
    {
        double most = 0, errors = 0, squares = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs(actual[i] - expected[i]) * (1 << 24);
            if (!(error <= most)) most = error;
            errors += error * error;
            squares += sizes[i] * sizes[i];
        }

        most /= sizes.Max();
        double mean = Math.Sqrt(errors / squares);
        Assert.True(most <= MostError && mean <= mostMean, $"{what}: errors of {most} units, {mean} in the mean.");
    }

    private static float[] Normal(int length, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5))];
    }

    private static float[] Garbage(int length)
    {
        float[] data = new float[length];
        Array.Fill(data, float.NaN);
        return data;
    }
}
