using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class SortingTests
{
    private static readonly (int Outer, int Length, int Inner)[] Shapes =
        [(1, 0, 3), (0, 4, 1), (1, 1, 1), (3, 17, 1), (2, 5, 70), (9, 30, 1), (1, 40_000, 1), (60, 300, 3), (1, 3, 40_000)];

    private static float[] Values(int n)
    {
        Random random = new(n);
        return [.. Enumerable.Range(0, n).Select(_ => random.Next(12) switch
        {
            0 => float.NaN, 1 => -0f, 2 => 0f, 3 => float.PositiveInfinity, 4 => float.NegativeInfinity, _ => random.Next(-30, 30),
        })];
    }

    private static IEnumerable<int[]> Lines(int outer, int length, int inner) =>
        from o in Enumerable.Range(0, outer)
        from i in Enumerable.Range(0, inner)
        select Enumerable.Range(0, length).Select(j => (o * length + j) * inner + i).ToArray();

    [Fact]
    public void Positions_sort_each_line_stably_with_NaN_last()
    {
        foreach ((int outer, int length, int inner) in Shapes)
        {
            float[] x = Values(outer * length * inner);
            foreach (bool descending in new[] { false, true })
            {
                long[] actual = new long[x.Length];
                Sorting.ArgSort(
                    DType.Float32, outer, length, inner, descending, Bytes(x), MemoryMarshal.AsBytes(actual.AsSpan()));
                foreach (int[] line in Lines(outer, length, inner))
                {
                    IOrderedEnumerable<int> numbersFirst = Enumerable.Range(0, length).OrderBy(j => float.IsNaN(x[line[j]]));
                    IEnumerable<int> expected = numbersFirst.ThenBy(j => (descending ? -x[line[j]] : x[line[j]]) + 0f);
                    Assert.Equal(expected.Select(j => (long)j), line.Select(at => actual[at]));
                }
            }
        }
    }

    [Fact]
    public void Every_type_is_sorted_stably_over_its_whole_range()
    {
        Random random = new(3);
        foreach (int length in new[] { 7, 60, 300 })
        {
            byte[] bits = new byte[8 * length];
            random.NextBytes(bits);
            Check(DType.UInt8, MemoryMarshal.Cast<byte, byte>(bits)[..length].ToArray());
            Check(DType.Int8, MemoryMarshal.Cast<byte, sbyte>(bits)[..length].ToArray());
            Check(DType.Int16, MemoryMarshal.Cast<byte, short>(bits)[..length].ToArray());
            Check(DType.Int32, MemoryMarshal.Cast<byte, int>(bits)[..length].ToArray());
            Check(DType.Int64, MemoryMarshal.Cast<byte, long>(bits)[..length].ToArray());
            Check(DType.Int64, [long.MaxValue, long.MinValue, 0, .. MemoryMarshal.Cast<byte, long>(bits)[..length], long.MinValue]);
            Check(DType.Float64, [.. Values(length).Select(v => (double)v), double.Epsilon, double.MinValue, -double.Epsilon]);
        }

        static void Check<T>(DType dtype, T[] x)
            where T : unmanaged, System.Numerics.INumber<T>
        {
            foreach (bool descending in new[] { false, true })
            {
                long[] actual = new long[x.Length];
                Sorting.ArgSort(dtype, 1, x.Length, 1, descending, Bytes(x), MemoryMarshal.AsBytes(actual.AsSpan()));
                IEnumerable<int> places = Enumerable.Range(0, x.Length);
                IOrderedEnumerable<int> numbersFirst = places.OrderBy(j => T.IsNaN(x[j]));
                IEnumerable<int> expected = descending
                    ? numbersFirst.ThenByDescending(j => x[j] + T.Zero)
                    : numbersFirst.ThenBy(j => x[j] + T.Zero);
                Assert.Equal(expected.Select(j => (long)j), actual);
            }
        }
    }

    [Fact]
    public void A_recurrence_starts_from_zero_in_every_line()
    {
        foreach ((int outer, int length, int inner) in new[] { (9, 30, 1), (3, 4, 1), (2, 5, 7) })
        {
            double[] a = [.. Enumerable.Range(0, outer * length * inner).Select(i => Math.Sin(i))], b = [.. a.Select(Math.Cos)];
            foreach (bool reverse in new[] { false, true })
            {
                double[] factors = [.. a], actual = new double[a.Length];
                foreach (int[] line in Lines(outer, length, inner)) factors[line[reverse ? ^1 : 0]] = double.PositiveInfinity;
                Cumulative.LinearRecurrence(
                    DType.Float64, outer, length, inner, reverse, Bytes(factors), Bytes(b), MemoryMarshal.AsBytes(actual.AsSpan()));
                foreach (int[] line in Lines(outer, length, inner))
                {
                    double state = 0;
                    foreach (int at in reverse ? line.Reverse() : line)
                    {
                        state = (double.IsInfinity(factors[at]) ? 0 : factors[at] * state) + b[at];
                        Assert.Equal(state, actual[at]);
                    }
                }
            }
        }
    }

    [Fact]
    public void Running_sums_and_maxima_follow_each_line_in_both_directions()
    {
        foreach ((int outer, int length, int inner) in Shapes)
        {
            float[] x = [.. Values(outer * length * inner).Select(v => float.IsFinite(v) ? v : 1)];
            float[] forwards = new float[x.Length], backwards = new float[x.Length];
            long[] best = new long[x.Length];
            Cumulative.Sum(DType.Float32, outer, length, inner, false, Bytes(x), MemoryMarshal.AsBytes(forwards.AsSpan()));
            Cumulative.Sum(DType.Float32, outer, length, inner, true, Bytes(x), MemoryMarshal.AsBytes(backwards.AsSpan()));
            Cumulative.ArgMax(DType.Float32, outer, length, inner, Bytes(x), MemoryMarshal.AsBytes(best.AsSpan()));
            foreach (int[] line in Lines(outer, length, inner))
            {
                double up = 0, down = 0;
                int largest = 0;
                for (int j = 0; j < length; j++)
                {
                    if (x[line[j]] > x[line[largest]]) largest = j;
                    Assert.Equal((float)(up += x[line[j]]), forwards[line[j]]);
                    Assert.Equal((float)(down += x[line[^(j + 1)]]), backwards[line[^(j + 1)]]);
                    Assert.Equal(largest, best[line[j]]);
                }
            }
        }
    }
}
