using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class PoolingTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    private static IEnumerable<PoolShape> Shapes()
    {
        foreach (var (kh, kw) in new[] { (1, 1), (2, 2), (3, 3), (5, 4), (2, 7) })
            foreach (var (sy, sx) in new[] { (1, 1), (2, 2), (3, 3), (1, 2), (2, 1), (4, 5) })
                foreach (var (top, bottom, left, right) in new[] { (0, 0, 0, 0), (1, 1, 1, 1), (1, 0, 0, 1), (2, 1, 3, 2) })
                    foreach (int width in new[] { 7, 24, 37, 70 })
                    {
                        if (top < kh && bottom < kh && left < kw && right < kw)
                            yield return new(3, 11, width, kh, kw, sy, sx, top, bottom, left, right);
                    }

        foreach (int width in Enumerable.Range(2, 70)) yield return new(2, 5, width, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return new(0, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return new(3, 0, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return new(3, 1, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return new(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
        yield return new(300, 24, 24, 2, 2, 2, 2, 0, 0, 0, 0);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_maximum_in_float32_is_the_first_of_the_window(int width)
    {
        foreach (PoolShape s in Shapes()) CompareMax<float>(DType.Float32, s, width, special: false);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_maximum_in_float64_is_the_first_of_the_window(int width)
    {
        foreach (PoolShape s in Shapes()) CompareMax<double>(DType.Float64, s, width, special: false);
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void The_first_NaN_wins_and_infinities_and_zeros_compare_as_numbers(int width)
    {
        foreach (PoolShape s in Shapes())
        {
            CompareMax<float>(DType.Float32, s, width, special: true);
            CompareMax<double>(DType.Float64, s, width, special: true);
        }
    }

    [Fact]
    public void Gather_takes_from_the_places_and_scatter_is_its_transpose()
    {
        foreach (PoolShape s in Shapes())
        {
            int input = s.Planes * s.Height * s.Width, output = s.Planes * s.OutputHeight * s.OutputWidth;
            float[] x = Integers<float>(input, 1), y = new float[output];
            int[] places = new int[output];
            Pooling.Max(DType.Float32, s, Bytes(x), Bytes(y), places);
            Gather<float>(DType.Float32, s, places);
            Gather<double>(DType.Float64, s, places);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Averages_count_the_padding_and_have_the_right_transpose(int width)
    {
        foreach (PoolShape s in Shapes())
        {
            CompareAverage<float>(DType.Float32, s, width);
            CompareAverage<double>(DType.Float64, s, width);
        }
    }

    [Fact]
    public void Averages_allow_windows_that_hold_padding_only()
    {
        PoolShape s = new(1, 2, 2, 2, 2, 1, 1, 3, 3, 3, 3);
        foreach (int width in Simd.Available) CompareAverage<float>(DType.Float32, s, width);
    }

    [Fact]
    public void Lengths_sizes_and_types_that_do_not_fit_are_rejected()
    {
        PoolShape s = new(1, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        byte[] x = new byte[64], y = new byte[16];
        int[] places = new int[4];
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Float32, s, x, new byte[12], places));
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Float32, s, x, y, new int[3]));
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Int32, s, x, y, places));
        Assert.Throws<ArgumentException>(() => Pooling.Average(DType.Float64, s, x, y));
        Assert.Throws<ArgumentException>(() => Pooling.Average(DType.Float32, s with { StrideY = 0 }, x, y));
        Assert.Throws<ArgumentException>(
            () => Pooling.Max(DType.Float32, s with { PadTop = 2 }, x, new byte[24], new int[6]));
        places[3] = 16;
        Assert.Throws<IndexOutOfRangeException>(() => Pooling.MaxGather(DType.Float32, s, x, places, y));
        Assert.Throws<IndexOutOfRangeException>(() => Pooling.MaxScatter(DType.Float32, s, y, places, x));
        places[3] = -1;
        Assert.Throws<IndexOutOfRangeException>(() => Pooling.MaxGather(DType.Float32, s, x, places, y));
        Assert.Throws<IndexOutOfRangeException>(() => Pooling.MaxScatter(DType.Float32, s, y, places, x));
    }

    private static void CompareMax<T>(DType dtype, PoolShape s, int width, bool special)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T[] x = Integers<T>(s.Planes * s.Height * s.Width, 1);
        if (special)
        {
            Random random = new(5);
            T[] values = [T.NaN, T.PositiveInfinity, T.NegativeInfinity, T.NegativeZero, T.Zero, T.Epsilon];
            for (int i = 0; i < x.Length; i++)
            {
                if (random.Next(4) == 0) x[i] = values[random.Next(values.Length)];
            }
        }

        T[] y = new T[s.Planes * s.OutputHeight * s.OutputWidth];
        int[] places = new int[y.Length];
        Pooling.Max(dtype, s, Bytes(x), Bytes(y), places, width);
        int output = 0;
        for (int p = 0; p < s.Planes; p++)
            for (int oy = 0; oy < s.OutputHeight; oy++)
                for (int ox = 0; ox < s.OutputWidth; ox++, output++)
                {
                    int best = -1, plane = p * s.Height * s.Width;
                    for (int u = 0; u < s.KernelHeight; u++)
                        for (int v = 0; v < s.KernelWidth; v++)
                        {
                            int iy = oy * s.StrideY + u - s.PadTop, ix = ox * s.StrideX + v - s.PadLeft;
                            if (iy < 0 || iy >= s.Height || ix < 0 || ix >= s.Width) continue;
                            int place = iy * s.Width + ix;
                            if (best < 0 || (!T.IsNaN(x[plane + best]) && !(x[plane + place] <= x[plane + best]))) best = place;
                        }

                    if (places[output] != best || !y[output].Equals(x[plane + best]))
                        Assert.Fail($"{s}, result {output}: {y[output]} at {places[output]}, not {x[plane + best]} at {best}.");
                }
    }

    private static void Gather<T>(DType dtype, PoolShape s, int[] places)
        where T : unmanaged, INumber<T>
    {
        int plane = s.Height * s.Width, outputPlane = s.OutputHeight * s.OutputWidth;
        T[] t = Integers<T>(s.Planes * plane, 2), ct = Integers<T>(places.Length, 3);
        T[] y = new T[ct.Length], dx = Integers<T>(t.Length, 4), expected = new T[t.Length];
        Pooling.MaxGather(dtype, s, Bytes(t), places, Bytes(y));
        Pooling.MaxScatter(dtype, s, Bytes(ct), places, Bytes(dx));
        for (int o = 0; o < y.Length; o++)
        {
            int from = o / outputPlane * plane + places[o];
            Assert.Equal(t[from], y[o]);
            expected[from] += ct[o];
        }

        Assert.Equal(expected, dx);
    }

    private static void CompareAverage<T>(DType dtype, PoolShape s, int width)
        where T : unmanaged, INumber<T>
    {
        T count = T.CreateChecked(s.KernelHeight * s.KernelWidth);
        T[] x = Integers<T>(s.Planes * s.Height * s.Width, 1);
        T[] ct = Integers<T>(s.Planes * s.OutputHeight * s.OutputWidth, 2);
        for (int i = 0; i < ct.Length; i++) ct[i] *= count;
        T[] y = new T[ct.Length], dx = new T[x.Length], expectedY = new T[y.Length], expectedDx = new T[dx.Length];
        Pooling.Average(dtype, s, Bytes(x), Bytes(y), width);
        Pooling.AverageTranspose(dtype, s, Bytes(ct), Bytes(dx));
        int output = 0;
        for (int p = 0; p < s.Planes; p++)
            for (int oy = 0; oy < s.OutputHeight; oy++)
                for (int ox = 0; ox < s.OutputWidth; ox++, output++)
                {
                    for (int u = 0; u < s.KernelHeight; u++)
                        for (int v = 0; v < s.KernelWidth; v++)
                        {
                            int iy = oy * s.StrideY + u - s.PadTop, ix = ox * s.StrideX + v - s.PadLeft;
                            if (iy < 0 || iy >= s.Height || ix < 0 || ix >= s.Width) continue;
                            int input = (p * s.Height + iy) * s.Width + ix;
                            expectedY[output] += x[input];
                            expectedDx[input] += ct[output] / count;
                        }

                    expectedY[output] /= count;
                }

        Assert.Equal(expectedY, y);
        Assert.Equal(expectedDx, dx);
    }

    private static T[] Integers<T>(int length, int seed)
        where T : INumber<T>
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, length).Select(_ => T.CreateChecked(random.Next(-3, 4)))];
    }

    private static Span<byte> Bytes<T>(T[] data)
        where T : unmanaged => MemoryMarshal.AsBytes(data.AsSpan());
}
