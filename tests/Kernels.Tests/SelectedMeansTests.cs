using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class SelectedMeansTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Means_and_their_transposes_are_those_of_plain_loops(int width)
    {
        Random random = new(width);
        foreach (int inner in new[] { 1, 2, 7, 8, 33, 300 })
        {
            foreach (int length in new[] { 1, 3, 16, 37 })
            {
                const int outer = 3;
                double[] x = [.. Enumerable.Range(0, outer * length * inner).Select(_ => (double)random.Next(-8, 9))];
                byte[] selected = [.. x.Select(_ => (byte)random.Next(3))];
                double[] ct = [.. Enumerable.Range(0, outer * inner).Select(_ => (double)random.Next(-8, 9))];
                double[] means = new double[ct.Length], spread = new double[x.Length];
                for (int o = 0; o < outer; o++)
                {
                    for (int i = 0; i < inner; i++)
                    {
                        int[] line = [.. Enumerable.Range(0, length).Select(j => (o * length + j) * inner + i)];
                        int[] chosen = [.. line.Where(at => selected[at] != 0)];
                        means[o * inner + i] = chosen.Sum(at => x[at]) / chosen.Length;
                        foreach (int at in line)
                            spread[at] = (selected[at] != 0 ? ct[o * inner + i] : 0) / chosen.Length;
                    }
                }

                Check(DType.Float64, false, outer, length, inner, x, selected, means, width);
                Check(DType.Float64, true, outer, length, inner, ct, selected, spread, width);
                Check(DType.Float32, false, outer, length, inner, x, selected, means, width);
                Check(DType.Float32, true, outer, length, inner, ct, selected, spread, width);
            }
        }
    }

    [Fact]
    public void Short_spans_and_other_types_are_refused()
    {
        byte[] data = new byte[16];
        Assert.Throws<ArgumentException>(() => SelectedMeans.Mean(DType.Float64, 1, 3, 1, data, data, data));
        Assert.Throws<ArgumentException>(() => SelectedMeans.Transpose(DType.Float64, 1, 3, 1, data, data, data));
        Assert.Throws<ArgumentException>(() => SelectedMeans.Mean(DType.Int32, 1, 2, 1, data, data, data));
    }

    private static void Check(
        DType dtype, bool transposed, int outer, int length, int inner, double[] x, byte[] selected, double[] expected, int width)
    {
        byte[] result = new byte[expected.Length * dtype.Size()];
        if (dtype == DType.Float64)
        {
            SelectedMeans.Run(dtype, transposed, outer, length, inner, MemoryMarshal.AsBytes<double>(x), selected, result, width);
            Assert.Equal(expected, MemoryMarshal.Cast<byte, double>(result).ToArray());
            return;
        }

        // Sums of small integers are exact; what is divided is rounded once.
        float[] narrow = Array.ConvertAll(x, v => (float)v);
        SelectedMeans.Run(dtype, transposed, outer, length, inner, MemoryMarshal.AsBytes<float>(narrow), selected, result, width);
        Assert.Equal(Array.ConvertAll(expected, v => (float)v), MemoryMarshal.Cast<byte, float>(result).ToArray());
    }
}
