using System.Numerics;
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
                            yield return Planar(3, 11, width, kh, kw, sy, sx, top, bottom, left, right);
                    }

        foreach (int width in Enumerable.Range(2, 70)) yield return Planar(2, 5, width, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return Planar(0, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return Planar(3, 0, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return Planar(3, 1, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        yield return Planar(1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0);
        yield return Planar(300, 24, 24, 2, 2, 2, 2, 0, 0, 0, 0);

        // So many volumes that they fill the lanes of vectors, and do not end with one.
        foreach (var (kernel, stride, padding) in new[] { (1, 1, 0), (2, 2, 0), (3, 2, 1), (3, 3, 0), (2, 3, 1), (5, 4, 2) })
            foreach (int width in new[] { 3, 4, 9, 18 })
            {
                yield return Planar(37, 7, width, kernel, kernel, stride, stride, padding, padding, padding, padding);
                WindowAxis axis = new(4, kernel, stride, padding, padding);
                if (kernel < 5) yield return new(65, axis, axis with { Size = 5 }, axis with { Size = width });
            }

        foreach (var (kernel, stride, before, after) in new[] { (1, 1, 0, 0), (2, 2, 0, 0), (3, 1, 1, 1), (3, 2, 1, 0), (2, 3, 1, 1) })
            foreach (int width in new[] { 5, 20 })
            {
                WindowAxis axis = new(6, kernel, stride, before, after);
                yield return new(4, axis, axis with { Size = 7 }, axis with { Size = width });
                yield return new(2, axis with { Size = 9 }, new(4, 2, 2), new(width, 3, 1, 1, 1));
            }
    }

    /// <summary>Pooling along rows and columns.</summary>
    private static PoolShape Planar(
        int planes, int height, int width, int kernelHeight, int kernelWidth, int strideY, int strideX, int top,
        int bottom, int left, int right) =>
        new(planes, WindowAxis.Unit, new(height, kernelHeight, strideY, top, bottom), new(width, kernelWidth, strideX, left, right));

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

    [Theory]
    [MemberData(nameof(Widths))]
    public void Padding_is_never_taken_even_where_all_is_minus_infinity(int width)
    {
        foreach (PoolShape s in Shapes())
        {
            float[] x = new float[s.InputLength], y = new float[s.OutputLength];
            int[] places = new int[y.Length];
            Array.Fill(x, float.NegativeInfinity);
            Pooling.Max(DType.Float32, s, Bytes(x), Bytes(y), places, width);
            Assert.Equal(Windows(s).Select(w => w.Places[0]), places);
            Assert.All(y, v => Assert.Equal(float.NegativeInfinity, v));
        }
    }

    [Fact]
    public void Gather_takes_from_the_places_and_scatter_is_its_transpose()
    {
        foreach (PoolShape s in Shapes())
        {
            int input = s.InputLength, output = s.OutputLength;
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
        PoolShape s = Planar(1, 2, 2, 2, 2, 1, 1, 3, 3, 3, 3);
        foreach (int width in Simd.Available) CompareAverage<float>(DType.Float32, s, width);
    }

    [Fact]
    public void Lengths_sizes_and_types_that_do_not_fit_are_rejected()
    {
        PoolShape s = Planar(1, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0);
        byte[] x = new byte[64], y = new byte[16];
        int[] places = new int[4];
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Float32, s, x, new byte[12], places));
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Float32, s, x, y, new int[3]));
        Assert.Throws<ArgumentException>(() => Pooling.Max(DType.Int32, s, x, y, places));
        Assert.Throws<ArgumentException>(() => Pooling.Average(DType.Float64, s, x, y));
        Assert.Throws<ArgumentException>(() => Pooling.Average(DType.Float32, s with { Y = s.Y with { Stride = 0 } }, x, y));
        Assert.Throws<ArgumentException>(
            () => Pooling.Max(DType.Float32, s with { Y = s.Y with { PadBefore = 2 } }, x, new byte[24], new int[6]));
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
        T[] x = Integers<T>(s.InputLength, 1);
        if (special)
        {
            Random random = new(5);
            T[] values = [T.NaN, T.PositiveInfinity, T.NegativeInfinity, T.NegativeZero, T.Zero, T.Epsilon];
            for (int i = 0; i < x.Length; i++)
            {
                if (random.Next(4) == 0) x[i] = values[random.Next(values.Length)];
            }
        }

        T[] y = new T[s.OutputLength];
        int[] places = new int[y.Length];
        Pooling.Max(dtype, s, Bytes(x), Bytes(y), places, width);
        foreach (var (output, volume, window) in Windows(s))
        {
            int best = -1;
            foreach (int place in window)
                if (best < 0 || (!T.IsNaN(x[volume + best]) && !(x[volume + place] <= x[volume + best]))) best = place;

            if (places[output] != best || !y[output].Equals(x[volume + best]))
                Assert.Fail($"{s}, result {output}: {y[output]} at {places[output]}, not {x[volume + best]} at {best}.");
        }
    }

    /// <summary>The windows: the place of the result, the start of the volume, the places in it.</summary>
    private static IEnumerable<(int Output, int Volume, List<int> Places)> Windows(PoolShape s)
    {
        int output = 0;
        for (int p = 0; p < s.Volumes; p++)
            for (int oz = 0; oz < s.Z.Output; oz++)
                for (int oy = 0; oy < s.Y.Output; oy++)
                    for (int ox = 0; ox < s.X.Output; ox++)
                    {
                        List<int> places = [];
                        foreach (int z in Inside(s.Z, oz))
                            foreach (int y in Inside(s.Y, oy))
                                foreach (int x in Inside(s.X, ox)) places.Add((z * s.Y.Size + y) * s.X.Size + x);
                        yield return (output++, p * s.InputVolume, places);
                    }
    }

    private static IEnumerable<int> Inside(WindowAxis axis, int window) => Enumerable
        .Range(window * axis.Stride - axis.PadBefore, axis.Kernel).Where(place => place >= 0 && place < axis.Size);

    private static void Gather<T>(DType dtype, PoolShape s, int[] places)
        where T : unmanaged, INumber<T>
    {
        T[] t = Integers<T>(s.InputLength, 2), ct = Integers<T>(places.Length, 3);
        T[] y = new T[ct.Length], dx = Integers<T>(t.Length, 4), expected = new T[t.Length];
        Pooling.MaxGather(dtype, s, Bytes(t), places, Bytes(y));
        Pooling.MaxScatter(dtype, s, Bytes(ct), places, Bytes(dx));
        for (int o = 0; o < y.Length; o++)
        {
            int from = o / s.OutputVolume * s.InputVolume + places[o];
            Assert.Equal(t[from], y[o]);
            expected[from] += ct[o];
        }

        Assert.Equal(expected, dx);
    }

    private static void CompareAverage<T>(DType dtype, PoolShape s, int width)
        where T : unmanaged, INumber<T>
    {
        T count = T.CreateChecked(s.Taps);
        T[] x = Integers<T>(s.InputLength, 1);
        T[] ct = Integers<T>(s.OutputLength, 2);
        for (int i = 0; i < ct.Length; i++) ct[i] *= count;
        T[] y = new T[ct.Length], dx = Integers<T>(x.Length, 3), expectedY = new T[y.Length], expectedDx = new T[dx.Length];
        Pooling.Average(dtype, s, Bytes(x), Bytes(y), width);
        Pooling.AverageTranspose(dtype, s, Bytes(ct), Bytes(dx), width);
        foreach (var (output, volume, window) in Windows(s))
        {
            foreach (int place in window)
            {
                expectedY[output] += x[volume + place];
                expectedDx[volume + place] += ct[output] / count;
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
}
