using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public unsafe class CounterRandomTests
{
    public static TheoryData<int> Widths => [.. Simd.Available];

    private static T[] Draw<T>(int n, int width, bool normal, ulong key = 1, ulong stream = 2)
        where T : unmanaged
    {
        T[] x = new T[n];
        Span<byte> bytes = MemoryMarshal.AsBytes(x.AsSpan());
        if (normal) CounterRandom.Normal(DTypes.Of<T>(), key, stream, bytes, width);
        else CounterRandom.Uniform(DTypes.Of<T>(), key, stream, bytes, width);
        return x;
    }

    private static uint[] Bits(int n, int width, ulong key = 1, ulong stream = 2)
    {
        uint[] words = new uint[n];
        CounterRandom.Bits(key, stream, words, width);
        return words;
    }

    private static T[] Integers<T>(int n, long low, long high)
        where T : unmanaged
    {
        T[] x = new T[n];
        CounterRandom.Integers(DTypes.Of<T>(), low, high, 3, 4, MemoryMarshal.AsBytes(x.AsSpan()));
        return x;
    }

    private static bool[] Coins(int n, double p)
    {
        bool[] x = new bool[n];
        CounterRandom.Bernoulli(p, 1, 2, MemoryMarshal.AsBytes(x.AsSpan()));
        return x;
    }

    [Theory, MemberData(nameof(Widths))]
    public void Blocks_have_the_published_values(int width)
    {
        (ulong First, ulong Stream, ulong Key, uint[] Words)[] known =
        [
            (0, 0, 0, [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            (ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                0x85a308d3243f6a88, 0x0370734413198a2e, 0x299f31d0a4093822,
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]),
        ];
        foreach ((ulong first, ulong stream, ulong key, uint[] words) in known)
        {
            uint[] blocks = new uint[4 * 19];
            fixed (uint* p = blocks) Philox.Fill(width, key, stream, first, p, 19);
            Assert.Equal(words, blocks[..4]);
            fixed (uint* p = blocks) Philox.Fill(width, key, stream, first - 11, p, 19);
            Assert.Equal(words, blocks[44..48]);
        }

        Assert.Equal(known[0].Words, Bits(4, width, 0, 0));
    }

    [Theory, MemberData(nameof(Widths))]
    public void Elements_depend_on_their_index_alone(int width)
    {
        const int large = 100_003;
        uint[] bits = Bits(large, 0);
        float[] uniform = Draw<float>(large, 0, false), normal = Draw<float>(large, 0, true);
        double[] uniform64 = Draw<double>(large, 0, false), normal64 = Draw<double>(large, 0, true);
        bool[] coins = Coins(large, 0.3);
        long[] integers = Integers<long>(large, -5, 1000);
        int[] lengths = [.. Enumerable.Range(0, 140), 2047, 2049, 70_001, large];
        foreach (int n in lengths)
        {
            Assert.True(bits.AsSpan(0, n).SequenceEqual(Bits(n, width)));
            Assert.True(uniform.AsSpan(0, n).SequenceEqual(Draw<float>(n, width, false)));
            Assert.True(normal.AsSpan(0, n).SequenceEqual(Draw<float>(n, width, true)));
            Assert.True(uniform64.AsSpan(0, n).SequenceEqual(Draw<double>(n, width, false)));
            Assert.True(normal64.AsSpan(0, n).SequenceEqual(Draw<double>(n, width, true)));
            Assert.True(coins.AsSpan(0, n).SequenceEqual(Coins(n, 0.3)));
            Assert.True(integers.AsSpan(0, n).SequenceEqual(Integers<long>(n, -5, 1000)));
        }

        Assert.Equal(bits.Select(w => (w >> 8) / 16777216f), uniform);
        Assert.Equal(bits.Select(w => w / 4294967296.0 < 0.3), coins);
        ReadOnlySpan<ulong> pairs = MemoryMarshal.Cast<uint, ulong>(bits);
        for (int i = 0; i < 1000; i++) Assert.Equal((pairs[i] >> 11) / 9007199254740992.0, uniform64[i]);
    }

    [Fact]
    public void Bits_pass_a_chi_square_test_and_differ_between_streams_and_keys()
    {
        uint[] words = Bits(1 << 20, Simd.Width);
        for (int shift = 0; shift < 32; shift += 8)
        {
            int[] counts = new int[256];
            foreach (uint w in words) counts[w >> shift & 255]++;
            double expected = words.Length / 256.0, chi = counts.Sum(c => (c - expected) * (c - expected) / expected);
            Assert.InRange(chi, 255 - 4 * 22.6, 255 + 5 * 22.6);
        }

        double ones = words.Sum(w => (double)System.Numerics.BitOperations.PopCount(w)) / words.Length;
        Assert.InRange(ones, 15.98, 16.02);
        Assert.DoesNotContain(Bits(1000, Simd.Width, 1, 3).Zip(words), p => p.First == p.Second);
        Assert.DoesNotContain(Bits(1000, Simd.Width, 2, 2).Zip(words), p => p.First == p.Second);
    }

    [Fact]
    public void Uniform_numbers_have_the_moments_of_the_distribution()
    {
        Check([.. Draw<float>(1_000_000, Simd.Width, false).Select(v => (double)v)]);
        Check(Draw<double>(1_000_000, Simd.Width, false));

        static void Check(double[] x)
        {
            Assert.InRange(x.Min(), 0, 1e-5);
            Assert.InRange(x.Max(), 1 - 1e-5, 0.99999999999999999);
            Assert.True(x.Max() < 1);
            Assert.Equal(0.5, x.Average(), 0.0015);
            Assert.Equal(1 / 12.0, x.Average(v => (v - 0.5) * (v - 0.5)), 0.0005);
            Assert.Equal(0, x.Zip(x.Skip(1)).Average(p => (p.First - 0.5) * (p.Second - 0.5)), 0.0005);
        }
    }

    [Fact]
    public void Normal_numbers_have_the_moments_and_tails_of_the_distribution()
    {
        Check([.. Draw<float>(1_000_000, Simd.Width, true).Select(v => (double)v)], 16);
        Check(Draw<double>(1_000_000, Simd.Width, true), 8);

        static void Check(double[] x, int pair)
        {
            Assert.Equal(0, x.Average(), 0.005);
            Assert.Equal(1, x.Average(v => v * v), 0.007);
            Assert.Equal(0, x.Average(v => v * v * v), 0.02);
            Assert.Equal(3, x.Average(v => v * v * v * v), 0.05);
            Assert.Equal(0.6826895, x.Count(v => Math.Abs(v) < 1) / 1e6, 0.0025);
            Assert.Equal(0.0455003, x.Count(v => Math.Abs(v) > 2) / 1e6, 0.001);
            Assert.Equal(0.0013499, x.Count(v => v > 3) / 1e6, 0.0002);
            Assert.Equal(0.0013499, x.Count(v => v < -3) / 1e6, 0.0002);
            Assert.Equal(0.25, x.Count(v => v > 0.67448975) / 1e6, 0.002);
            double[] first = [.. x.Where((_, i) => i / pair % 2 == 0)];
            double[] second = [.. x.Where((_, i) => i / pair % 2 == 1)];
            Assert.Equal(0, first.Zip(second).Average(p => p.First * p.Second), 0.008);
            Assert.Equal(1, first.Zip(second).Average(p => p.First * p.First * p.Second * p.Second), 0.03);
            int[] octants = new int[8];
            for (int i = 0; i < first.Length; i++)
                octants[(int)Math.Floor(Math.Atan2(second[i], first[i]) * 4 / Math.PI) & 7]++;
            Assert.All(octants, n => Assert.Equal(0.125, (double)n / first.Length, 0.003));
        }
    }

    [Fact]
    public void Booleans_are_true_as_often_as_asked()
    {
        foreach (double p in new[] { 0, 0.1, 0.5, 0.999, 1 })
            Assert.Equal(p, Coins(200_000, p).Count(b => b) / 200_000.0, p is 0 or 1 ? 0 : 0.005);
        Assert.Throws<ArgumentException>(() => Coins(1, 1.5));
        Assert.Throws<ArgumentException>(() => Coins(1, double.NaN));
    }

    [Fact]
    public void Integers_are_spread_evenly_over_their_range()
    {
        int[] x = Integers<int>(100_000, -3, 7);
        foreach (var group in x.GroupBy(v => v)) Assert.InRange(group.Count(), 9600, 10400);
        Assert.Equal((-3, 6), (x.Min(), x.Max()));
        Assert.Equal((-3, 6), ((int)Integers<long>(1000, -3, 7).Min(), (int)Integers<long>(1000, -3, 7).Max()));
        Assert.InRange(Integers<long>(1000, long.MinValue, long.MaxValue).Average(v => v / 9.2e18), -0.1, 0.1);
        Assert.InRange(Integers<int>(1000, int.MinValue, int.MaxValue + 1L).Average(v => v / 2.1e9), -0.1, 0.1);
        Assert.All(Integers<long>(9, 8, 9), v => Assert.Equal(8, v));
        Assert.Throws<ArgumentException>(() => Integers<int>(1, 3, 3));
        Assert.Throws<ArgumentException>(() => Integers<int>(1, 3, 1L << 40));
        Assert.Throws<ArgumentException>(() => Integers<float>(1, 3, 5));
    }

    [Fact]
    public void Permutations_hold_each_number_once_and_are_all_about_as_likely()
    {
        foreach (int n in new[] { 0, 1, 2, 5, 1024, 1025, 5000 })
        {
            long[] order = new long[n];
            CounterRandom.Permutation(1, (ulong)n, MemoryMarshal.AsBytes(order.AsSpan()), n);
            Assert.Equal(Enumerable.Range(0, n).Select(i => (long)i), order.Order());
            if (n > 100) Assert.InRange(order.Where((v, i) => v == i).Count(), 0, 8);
        }

        Dictionary<string, int> counts = [];
        long[] small = new long[4];
        for (ulong stream = 0; stream < 24_000; stream++)
        {
            CounterRandom.Permutation(9, stream, MemoryMarshal.AsBytes(small.AsSpan()), 4);
            string name = string.Concat(small);
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }

        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, c => Assert.InRange(c, 850, 1150));
        Assert.Throws<ArgumentException>(() => CounterRandom.Permutation(1, 2, new byte[8], 2));
    }

    [Fact]
    public void Derived_keys_differ_and_repeat()
    {
        ulong[] keys = [.. Enumerable.Range(0, 1000).Select(i => CounterRandom.Derive(42, (ulong)i))];
        Assert.Equal(1000, keys.Distinct().Count());
        Assert.Equal(keys[5], CounterRandom.Derive(42, 5));
        Assert.NotEqual(keys[5], CounterRandom.Derive(43, 5));
    }
}
