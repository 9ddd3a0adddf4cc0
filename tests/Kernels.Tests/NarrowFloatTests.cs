using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

/// <summary>float16 and bfloat16: conversions to the bit, and operations as those of float32 rounded once.</summary>
public class NarrowFloatTests
{
    private static readonly ushort[] AllBits = [.. Enumerable.Range(0, 1 << 16).Select(i => (ushort)i)];

    public static TheoryData<int> Widths => [.. Simd.Available];

    public static TheoryData<DType, int> FormatsAndWidths
    {
        get
        {
            var rows = new TheoryData<DType, int>();
            foreach (int width in Simd.Available)
            {
                rows.Add(DType.Float16, width);
                rows.Add(DType.BFloat16, width);
            }

            return rows;
        }
    }

    private static double Value(DType dtype, ushort bits) =>
        dtype == DType.Float16 ? (double)BitConverter.UInt16BitsToHalf(bits) : BitConverter.Int32BitsToSingle(bits << 16);

    private static TTo[] Convert<TFrom, TTo>(DType from, DType to, TFrom[] x, int width, int length = -1, bool spread = false)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        length = length < 0 ? x.Length : length;
        var result = new TTo[length];
        Driver.Run(
            Copy.Find(from, to, width), MemoryMarshal.AsBytes(result.AsSpan()), [length],
            MemoryMarshal.AsBytes(x.AsSpan()), spread ? [0] : []);
        return result;
    }

    /// <summary>
    /// The bits of the nearest number of the format, found from the values of all of them, which grow with their bits.
    /// </summary>
    private static ushort Nearest(DType dtype, double x)
    {
        int infinity = dtype == DType.Float16 ? 0x7C00 : 0x7F80;
        double magnitude = Math.Abs(x);
        int low = 0, high = infinity;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (Value(dtype, (ushort)middle) <= magnitude) low = middle;
            else high = middle;
        }

        // Infinity stands where the next number would.
        double below = Value(dtype, (ushort)low), last = Value(dtype, (ushort)(infinity - 1));
        double above = high == infinity
            ? 2 * last - Value(dtype, (ushort)(infinity - 2))
            : Value(dtype, (ushort)high);
        double middleValue = (below + above) / 2;
        int nearest = magnitude < middleValue ? low : magnitude > middleValue ? high : low % 2 == 0 ? low : high;
        return (ushort)(nearest | (double.IsNegative(x) ? 0x8000 : 0));
    }

    private static void AssertRounded(DType dtype, double x, ushort actual)
    {
        if (double.IsNaN(x)) Assert.True(double.IsNaN(Value(dtype, actual)));
        else Assert.True(Nearest(dtype, x) == actual, $"{x:g17} became {actual:X4}, not {Nearest(dtype, x):X4}");
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void All_values_widen_exactly_and_come_back(DType dtype, int width)
    {
        float[] wide = Convert<ushort, float>(dtype, DType.Float32, AllBits, width);
        ushort[] back = Convert<float, ushort>(DType.Float32, dtype, wide, width);
        double[] wider = Convert<ushort, double>(dtype, DType.Float64, AllBits, width);
        ushort[] fromWider = Convert<double, ushort>(DType.Float64, dtype, wider, width);
        for (int i = 0; i < AllBits.Length; i++)
        {
            double value = Value(dtype, (ushort)i);
            if (double.IsNaN(value))
            {
                Assert.True(float.IsNaN(wide[i]) && double.IsNaN(wider[i]));
                Assert.Equal((i & 0x8000) != 0, float.IsNegative(wide[i]));
                Assert.True(double.IsNaN(Value(dtype, back[i])) && double.IsNaN(Value(dtype, fromWider[i])));
                continue;
            }

            Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(wide[i]));
            Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(wider[i]));
            Assert.Equal(i, back[i]);
            Assert.Equal(i, fromWider[i]);
        }
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void Between_two_values_the_nearest_is_taken_and_the_even_one_at_ties(DType dtype, int width)
    {
        int infinity = dtype == DType.Float16 ? 0x7C00 : 0x7F80;
        var points = new List<float>();
        for (int i = 0; i < infinity; i++)
        {
            double below = Value(dtype, (ushort)i);
            double above = i + 1 < infinity ? Value(dtype, (ushort)(i + 1)) : 2 * below - Value(dtype, (ushort)(i - 1));
            float tie = (float)((below + above) / 2);
            points.AddRange([tie, -tie, MathF.BitDecrement(tie), MathF.BitIncrement(tie), -MathF.BitIncrement(tie)]);
        }

        points.AddRange([float.MaxValue, -float.MaxValue, float.PositiveInfinity, float.NegativeInfinity, float.NaN]);
        float[] x = [.. points];
        ushort[] rounded = Convert<float, ushort>(DType.Float32, dtype, x, width);
        for (int i = 0; i < x.Length; i++) AssertRounded(dtype, x[i], rounded[i]);
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void Floats_of_all_kinds_round_as_the_scalar_form_does(DType dtype, int width)
    {
        var random = new Random(5);
        float[] x = [.. Enumerable.Range(0, 1 << 19).Select(_ => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)))];
        ushort[] expected = Convert<float, ushort>(DType.Float32, dtype, x, 0);
        Assert.Equal(expected, Convert<float, ushort>(DType.Float32, dtype, x, width));
        if (dtype != DType.Float16) return;
        for (int i = 0; i < x.Length; i++)
            if (!float.IsNaN(x[i])) Assert.Equal(BitConverter.HalfToUInt16Bits((Half)x[i]), expected[i]);
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void Wider_numbers_round_once(DType dtype, int width)
    {
        // Just beside a tie: float32 would round them onto it.
        var doubles = new List<double>();
        var longs = new List<long>();
        foreach (double tie in new[] { 1 + 1.0 / (1 << 11), 1 + 3.0 / (1 << 11), 1 + 1.0 / (1 << 8), 1 + 3.0 / (1 << 8), 100.25 })
        {
            foreach (double scale in new[] { 1, 1.0 / (1 << 20), 1 << 10 })
            {
                foreach (double offset in new[] { 0, 1e-12, -1e-12 })
                    doubles.AddRange([tie * scale * (1 + offset), -tie * scale * (1 + offset)]);
            }
        }

        doubles.AddRange([1e300, -1e300, 1e-300, double.NaN, double.NegativeInfinity, 65519.999999, 65520, 65504]);
        foreach (int shift in new[] { 10, 24, 40, 54 })
        {
            foreach (long mantissa in new[] { 257L, 259L, 383L })
            {
                foreach (int offset in new[] { -1, 0, 1 })
                    longs.AddRange([(mantissa << shift) + offset, -(mantissa << shift) + offset]);
            }
        }

        longs.AddRange([long.MaxValue, long.MinValue, 0, 1, -1]);
        int[] ints = [.. longs.Where(v => v == (int)v).Select(v => (int)v), int.MaxValue, int.MinValue];
        ushort[] fromDoubles = Convert<double, ushort>(DType.Float64, dtype, [.. doubles], width);
        for (int i = 0; i < doubles.Count; i++) AssertRounded(dtype, doubles[i], fromDoubles[i]);
        ushort[] fromInts = Convert<int, ushort>(DType.Int32, dtype, ints, width);
        for (int i = 0; i < ints.Length; i++) AssertRounded(dtype, ints[i], fromInts[i]);
        ushort[] fromLongs = Convert<long, ushort>(DType.Int64, dtype, [.. longs], width);
        for (int i = 0; i < longs.Count; i++)
        {
            // Exactly, in integers: no double holds all of them.
            if (dtype == DType.BFloat16) Assert.Equal(NearestOf(longs[i]), fromLongs[i]);
            else AssertRounded(dtype, longs[i], fromLongs[i]);
        }

        static ushort NearestOf(long x)
        {
            BigInteger magnitude = BigInteger.Abs(x);
            ushort bits = Nearest(DType.BFloat16, (double)magnitude);
            ushort best = Enumerable.Range(bits - 1, 3)
                .OrderBy(b => BigInteger.Abs(new BigInteger(Value(DType.BFloat16, (ushort)Math.Max(b, 0))) - magnitude))
                .ThenBy(b => b & 1).Select(b => (ushort)Math.Max(b, 0)).First();
            return (ushort)(best | (x < 0 ? 0x8000 : 0));
        }
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void All_lengths_and_stretched_operands_convert_and_nothing_is_written_beyond(DType dtype, int width)
    {
        ushort[] bits = [.. AllBits.Skip(0x3C00).Take(1200)];
        float[] wide = Convert<ushort, float>(dtype, DType.Float32, bits, width);
        foreach (int length in new[] { 0, 1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 511, 512, 513, 1100 })
        {
            Assert.Equal(wide[..length], Convert<ushort, float>(dtype, DType.Float32, bits, width, length));
            Assert.Equal(bits[..length], Convert<float, ushort>(DType.Float32, dtype, wide, width, length));
            Assert.Equal(
                Enumerable.Repeat(wide[0], length), Convert<ushort, float>(dtype, DType.Float32, bits, width, length, true));
            Assert.Equal(
                Enumerable.Repeat(bits[0], length), Convert<float, ushort>(DType.Float32, dtype, wide, width, length, true));
            byte[] target = new byte[4 * length + 64];
            target.AsSpan().Fill(0xAB);
            Driver.Run(
                Copy.Find(DType.Float32, dtype, width), target, [length], MemoryMarshal.AsBytes(wide.AsSpan()), []);
            Assert.All(target.Skip(2 * length), b => Assert.Equal(0xAB, b));
        }
    }

    [Theory]
    [MemberData(nameof(FormatsAndWidths))]
    public void Operations_are_those_of_float32_rounded_once(DType dtype, int width)
    {
        ushort[] x = [.. AllBits.Where((_, i) => i % 37 == 0)], y = [.. AllBits.Where((_, i) => i % 37 == 5).Reverse()];
        int n = Math.Min(x.Length, y.Length);
        (x, y) = (x[..n], y[..n]);
        float[] wideX = Convert<ushort, float>(dtype, DType.Float32, x, width);
        float[] wideY = Convert<ushort, float>(dtype, DType.Float32, y, width);
        foreach (UnaryKernel kernel in Unary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            var wide = new float[n];
            kernel.Invoke(DType.Float32, Bytes(wideX), [], Bytes(wide), [n], width);
            var result = new ushort[n];
            kernel.Invoke(dtype, Bytes(x), [], Bytes(result), [n], width);
            AssertSame(kernel.Name, Convert<float, ushort>(DType.Float32, dtype, wide, width), result);
        }

        foreach (int[] strides in new[] { new[] { 1, 1 }, [0, 1], [1, 0], [0, 0] })
        {
            foreach (BinaryKernel kernel in Binary.All.Where(kernel => kernel.Supports(DType.Float32)))
            {
                var wide = new float[n];
                kernel.Invoke(DType.Float32, Bytes(wideX), [strides[0]], Bytes(wideY), [strides[1]], Bytes(wide), [n], width);
                var result = new ushort[n];
                kernel.Invoke(dtype, Bytes(x), [strides[0]], Bytes(y), [strides[1]], Bytes(result), [n], width);
                AssertSame(kernel.Name, Convert<float, ushort>(DType.Float32, dtype, wide, width), result);
            }

            foreach (CompareKernel kernel in Compare.All)
            {
                byte[] expected = new byte[n], actual = new byte[n];
                kernel.Invoke(DType.Float32, Bytes(wideX), [strides[0]], Bytes(wideY), [strides[1]], expected, [n], width);
                kernel.Invoke(dtype, Bytes(x), [strides[0]], Bytes(y), [strides[1]], actual, [n], width);
                Assert.Equal(expected, actual);
            }
        }

        void AssertSame(string name, ushort[] expected, ushort[] actual)
        {
            for (int i = 0; i < n; i++)
            {
                bool same = expected[i] == actual[i]
                    || (double.IsNaN(Value(dtype, expected[i])) && double.IsNaN(Value(dtype, actual[i])));
                Assert.True(same, $"{name} at {i}: {actual[i]:X4} instead of {expected[i]:X4}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Small_integers_wrap_and_compare_as_integers_do(int width)
    {
        sbyte[] x = [.. AllBits.Select(i => (sbyte)(i & 255))], y = [.. AllBits.Select(i => (sbyte)(i >> 8))];
        Check(x, y, v => v, v => (sbyte)v, width);
        var random = new Random(3);
        short[] a = [short.MinValue, short.MaxValue, 0, -1, .. Enumerable.Range(0, 3000).Select(_ => (short)random.Next(-32768, 32768))];
        short[] b = [-1, 1, 0, short.MinValue, .. Enumerable.Range(0, 3000).Select(_ => (short)random.Next(-32768, 32768))];
        Check(a, b, v => v, v => (short)v, width);

        static void Check<T>(T[] x, T[] y, Func<T, long> wide, Func<long, T> narrow, int width)
            where T : unmanaged
        {
            Run(Binary.Add, (a, b) => a + b);
            Run(Binary.Subtract, (a, b) => a - b);
            Run(Binary.Multiply, (a, b) => a * b);
            Run(Binary.Maximum, Math.Max);
            Run(Binary.Minimum, Math.Min);
            Run(Binary.And, (a, b) => a & b);
            Run(Binary.Or, (a, b) => a | b);
            Run(Binary.Xor, (a, b) => a ^ b);
            T[] divisors = [.. y.Select(v => wide(v) == 0 ? narrow(3) : v)];
            y = divisors;
            Run(Binary.Divide, (a, b) => a / b);
            Run(Binary.Remainder, (a, b) => a - (b * (long)Math.Floor((double)a / b)));
            Run(Binary.FloorDivide, (a, b) => (long)Math.Floor((double)a / b));
            RunUnary(Unary.Negate, a => -a);
            RunUnary(Unary.Abs, Math.Abs);
            RunUnary(Unary.Sign, a => Math.Sign(a));
            RunUnary(Unary.Square, a => a * a);
            RunUnary(Unary.Relu, a => Math.Max(a, 0));
            RunCompare(Compare.Less, (a, b) => a < b);
            RunCompare(Compare.Equal, (a, b) => a == b);
            RunCompare(Compare.GreaterOrEqual, (a, b) => a >= b);

            void Run(BinaryKernel kernel, Func<long, long, long> reference)
            {
                var result = new T[x.Length];
                kernel.Invoke(DTypes.Of<T>(), Bytes(x), [], Bytes(y), [], Bytes(result), [x.Length], width);
                Assert.Equal(x.Zip(y, (a, b) => narrow(reference(wide(a), wide(b)))), result);
            }

            void RunUnary(UnaryKernel kernel, Func<long, long> reference)
            {
                var result = new T[x.Length];
                kernel.Invoke(DTypes.Of<T>(), Bytes(x), [], Bytes(result), [x.Length], width);
                Assert.Equal(x.Select(a => narrow(reference(wide(a)))), result);
            }

            void RunCompare(CompareKernel kernel, Func<long, long, bool> reference)
            {
                byte[] result = new byte[x.Length];
                kernel.Invoke(DTypes.Of<T>(), Bytes(x), [], Bytes(y), [], result, [x.Length], width);
                Assert.Equal(x.Zip(y, (a, b) => reference(wide(a), wide(b)) ? (byte)1 : (byte)0), result);
            }
        }
    }

    [Fact]
    public void Numbers_of_bfloat16_print_shortest_and_compare_as_floats()
    {
        foreach ((float value, string text) in new[] { (0.1f, "0.1"), (1f, "1"), (-2.5f, "-2.5"), (3.140625f, "3.14"), (1e30f, "1E+30") })
            Assert.Equal(text, ((BFloat16)value).ToString("R", System.Globalization.CultureInfo.InvariantCulture));
        foreach (ushort bits in AllBits)
        {
            BFloat16 x = BFloat16.FromBits(bits);
            if (float.IsNaN((float)x)) continue;
            string text = x.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
            Assert.Equal(x, (BFloat16)float.Parse(text, System.Globalization.CultureInfo.InvariantCulture));
        }

        Assert.True(BFloat16.FromBits(0) == BFloat16.FromBits(0x8000));
        Assert.True((BFloat16)float.NaN != (BFloat16)float.NaN);
        Assert.Equal(-1, ((BFloat16)1f).CompareTo((BFloat16)2f));
    }
}
