using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class SelectionTests
{
    private static readonly (int Outer, int Length, int Inner)[] Shapes =
        [(0, 4, 1), (1, 1, 1), (3, 17, 1), (2, 5, 70), (9, 60, 1), (1, 40_000, 1), (60, 300, 3), (3, 9000, 1)];

    private static float[] Values(int n)
    {
        Random random = new(n);
        return [.. Enumerable.Range(0, n).Select(_ => random.Next(12) switch
        {
            0 => float.NaN, 1 => -0f, 2 => 0f, 3 => float.PositiveInfinity, 4 => float.NegativeInfinity,
            5 => random.NextSingle() * 1e-30f, _ => random.Next(-30, 30),
        })];
    }

    private static ReadOnlySpan<byte> Bytes<T>(T[] x)
        where T : unmanaged => MemoryMarshal.AsBytes<T>(x);

    [Fact]
    public void The_first_positions_are_those_of_the_whole_order()
    {
        foreach ((int outer, int length, int inner) in Shapes)
        {
            foreach (float[] x in new[] { Values(outer * length * inner), [.. Enumerable.Range(0, outer * length * inner).Select(i => (float)(i * 7919 % 10007))] })
            {
                foreach (bool descending in new[] { false, true })
                {
                    foreach (int k in new[] { 0, 1, 3, 10, length }.Where(k => k <= length))
                    {
                        long[] order = new long[x.Length], first = new long[outer * k * inner];
                        Sorting.ArgSort(DType.Float32, outer, length, inner, descending, Bytes(x), MemoryMarshal.AsBytes(order.AsSpan()));
                        Selection.First(DType.Float32, outer, length, inner, k, descending, Bytes(x), MemoryMarshal.AsBytes(first.AsSpan()));
                        for (int i = 0; i < first.Length; i++)
                            Assert.Equal(order[i / (k * inner) * length * inner + i % (k * inner)], first[i]);
                    }
                }
            }
        }
    }

    [Fact]
    public void Elements_of_ranks_are_those_of_the_sorted_lines()
    {
        foreach ((int outer, int length, int inner) in Shapes.Where(s => s.Inner == 1))
        {
            float[] x = Values(outer * length);
            double[] wide = [.. x.Select(v => (double)v * 1.0000001)];
            int[] ranks = [.. new[] { 0, length / 3, length / 2, length - 1 }.Distinct().Order()];
            float[] found = new float[outer * ranks.Length];
            double[] foundWide = new double[found.Length];
            Selection.Ranked(DType.Float32, outer, length, ranks, Bytes(x), MemoryMarshal.AsBytes(found.AsSpan()));
            Selection.Ranked(DType.Float64, outer, length, ranks, Bytes(wide), MemoryMarshal.AsBytes(foundWide.AsSpan()));
            for (int o = 0; o < outer; o++)
            {
                float[] line = [.. x[(o * length)..((o + 1) * length)].OrderBy(v => float.IsNaN(v)).ThenBy(v => v)];
                double[] wideLine = [.. wide[(o * length)..((o + 1) * length)].OrderBy(v => double.IsNaN(v)).ThenBy(v => v)];
                for (int r = 0; r < ranks.Length; r++)
                {
                    Assert.Equal(line[ranks[r]] + 0f, found[o * ranks.Length + r]);
                    Assert.Equal(wideLine[ranks[r]] + 0.0, foundWide[o * ranks.Length + r]);
                }
            }
        }
    }

    [Fact]
    public void Groups_are_numbered_in_their_order()
    {
        float[] x = [2, float.NaN, -0f, 2, 0, float.NaN, 7], ordered = [0, -0f, 2, 2, 7, float.NaN, float.NaN];
        long[] order = [2, 4, 0, 3, 6, 1, 5], groups = new long[7], starts = new long[7];
        int count = Sorting.Groups(DType.Float32, Bytes(ordered), order, groups, starts);
        Assert.Equal(4, count);
        Assert.Equal([0, 2, 4, 5], starts[..count]);
        Assert.Equal([1, 3, 0, 1, 0, 3, 2], groups);
        Assert.Equal(x.Length, groups.Length);
        Assert.Equal(0, Sorting.Groups(DType.Float32, default, default, default, default));
    }

    [Fact]
    public void Wrong_lengths_and_ranks_are_refused()
    {
        Assert.Throws<ArgumentException>(() => Selection.First(DType.Float32, 1, 2, 1, 3, false, new byte[8], new byte[24]));
        Assert.Throws<ArgumentException>(() => Selection.Ranked(DType.Float32, 1, 2, [2], new byte[8], new byte[4]));
    }
}
