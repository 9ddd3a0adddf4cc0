using System.Numerics;
using System.Runtime.InteropServices;
using Autodiff;
using Autodiff.Kernels;

namespace Kernels.Tests;

public class ElementwiseMathTests
{
    private static readonly double[] Special =
    [
        0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 1e-20, -1e-20, 1e-42, -1e-42, 5e-324, -5e-324, 1e-310, 88.5, -88.5, 89, -104,
        -87.5, 700, -745, 709.7, -710, 20, -20, 99999.5, 100000.5, -123456.75, 1e30, -1e30, 3.4028234e38, -3.4028234e38,
        double.MaxValue, double.MinValue, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 1.17549435e-38,
        2.2250738585072014e-308, 0.55, 0.999999, 1.0000001, -0.9999999, 3.9999, 4.0001, 6.5, 1.5, 2.5, -1.5, -2.5,
    ];

    public static TheoryData<int> Widths => [.. Simd.Available];

    /// <summary>The vectorized functions with their errors, in units in the last place.</summary>
    public static TheoryData<string, double> Functions => new()
    {
        { "exp", 1.1 }, { "expm1", 2 }, { "log", 1 }, { "log1p", 1.5 }, { "sin", 1.6 }, { "cos", 1.6 }, { "tanh", 2 },
        { "sigmoid", 2 }, { "softplus", 2 }, { "erf", 1.3 }, { "tan", 1 }, { "asin", 1 }, { "acos", 1 }, { "atan", 1 },
        { "sinh", 1 }, { "cosh", 1 }, { "cbrt", 1 }, { "asinh", 1 }, { "acosh", 1 }, { "atanh", 1 },
    };

    /// <summary>Functions with vector forms that are near the scalar ones, as other tests say how near.</summary>
    private static readonly string[] Near = ["lgamma", "digamma", "erfc", "erfinv", "atan2", "hypot", "polygamma"];

    private static UnaryKernel Kernel(string name) => Unary.All.Single(kernel => kernel.Name == name);

    internal static double Reference(string name, double x) => name switch
    {
        "exp" => Math.Exp(x),
        "expm1" => Expm1(x),
        "log" => Math.Log(x),
        "log1p" => Log1p(x),
        "sin" => Math.Sin(x),
        "cos" => Math.Cos(x),
        "tanh" => Math.Tanh(x),
        "sigmoid" => x < 0 ? Math.Exp(x) / (1 + Math.Exp(x)) : 1 / (1 + Math.Exp(-x)),
        "softplus" => Math.Max(x, 0) + Log1p(Math.Exp(-Math.Abs(x))),
        "tan" => Math.Tan(x),
        "asin" => Math.Asin(x),
        "acos" => Math.Acos(x),
        "atan" => Math.Atan(x),
        "sinh" => Math.Sinh(x),
        "cosh" => Math.Cosh(x),
        "cbrt" => Math.Cbrt(x),
        "asinh" => Math.Asinh(x),
        "acosh" => Math.Acosh(x),
        "atanh" => Math.Atanh(x),
        _ => Erf(x),
    };

    private static double Expm1(double x)
    {
        if (!(Math.Abs(x) < 0.5)) return Math.Exp(x) - 1;
        double term = x, sum = x;
        for (int n = 2; n < 25; n++) sum += term *= x / n;
        return sum;
    }

    private static double Log1p(double x)
    {
        double u = 1 + x;
        return u == 1 ? x : double.IsPositiveInfinity(u) ? u : Math.Log(u) * (x / (u - 1));
    }

    private static double Erf(double x)
    {
        if (Math.Abs(x) > 6) return Math.Sign(x);
        if (double.IsNaN(x) || x == 0) return x;
        double term = x, sum = x;
        for (int n = 1; n < 400; n++) sum += term *= 2 * x * x / (2 * n + 1);
        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private static T[] Invoke<T>(UnaryKernel kernel, T[] x, int width)
        where T : unmanaged
    {
        T[] result = new T[x.Length];
        kernel.Invoke(
            DTypes.Of<T>(), MemoryMarshal.AsBytes(x.AsSpan()), [], MemoryMarshal.AsBytes(result.AsSpan()), [x.Length],
            width);
        return result;
    }

    private static T[] Invoke<T>(BinaryKernel kernel, T[] x, T[] y, int width)
        where T : unmanaged
    {
        T[] result = new T[x.Length];
        kernel.Invoke(
            DTypes.Of<T>(), MemoryMarshal.AsBytes(x.AsSpan()), [], MemoryMarshal.AsBytes(y.AsSpan()), [],
            MemoryMarshal.AsBytes(result.AsSpan()), [x.Length], width);
        return result;
    }

    private static void AssertNear(string what, double expected, double actual, double unit, double units)
    {
        if (double.IsNaN(expected) && double.IsNaN(actual)) return;
        if (expected.Equals(actual) && double.IsNegative(expected) == double.IsNegative(actual)) return;
        bool finite = double.IsFinite(expected) && double.IsFinite(actual);
        Assert.True(finite && Math.Abs(expected - actual) <= units * unit, $"{what} is {expected:R}, not {actual:R}");
    }

    private static double Unit(float x) =>
        x == float.MaxValue ? x - MathF.BitDecrement(x) : MathF.BitIncrement(Math.Abs(x)) - Math.Abs(x);

    private static double Unit(double x) =>
        Math.Abs(x) == double.MaxValue ? 1e292 : Math.BitIncrement(Math.Abs(x)) - Math.Abs(x);

    private static IEnumerable<double> Samples(int count)
    {
        Random random = new(7);
        foreach (double x in Special) yield return x;
        for (int i = 0; i < count; i++)
        {
            double u = random.NextDouble() - 0.5;
            yield return (i % 5) switch
            {
                0 => u * 4,
                1 => u * 60,
                2 => u * 220,
                3 => BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue)),
                _ => 1 + u * Math.Pow(2, -random.Next(24)),
            };
        }
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Single_precision_functions_are_accurate(string name, double units)
    {
        float[] x = [.. Samples(100_000).Select(v => (float)v)];
        float[] result = Invoke(Kernel(name), x, Simd.Width);
        for (int i = 0; i < x.Length; i++)
        {
            double exact = Reference(name, x[i]);
            float rounded = (float)exact;
            double expected = float.IsFinite(rounded) ? exact : rounded;
            if (rounded == result[i] && float.IsNegative(rounded) == float.IsNegative(result[i])) continue;
            AssertNear($"{name}({x[i]:R})", expected, result[i], Unit(rounded), units);
        }
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Double_precision_functions_are_accurate(string name, double units)
    {
        // The reference itself may be some units off.
        double[] x = [.. Samples(50_000)];
        double[] result = Invoke(Kernel(name), x, Simd.Width);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = Reference(name, x[i]);
            AssertNear($"{name}({x[i]:R})", expected, result[i], Unit(expected), name == "erf" ? 60 : units + 4);
        }
    }

    [Theory]
    [MemberData(nameof(Functions))]
    public void Scalar_forms_are_accurate(string name, double units)
    {
        UnaryKernel kernel = Kernel(name);
        foreach (double x in Samples(20_000))
        {
            double expected = Reference(name, x);
            double tolerance = name is "erf" ? 60 : units + 4;
            AssertNear($"{name}({x:R})", expected, kernel.Invoke(x), Unit(expected), tolerance);
            float single = (float)Reference(name, (float)x);
            AssertNear($"{name}({(float)x:R})", single, kernel.Invoke((float)x), Unit(single), tolerance);
        }
    }

    [Theory]
    [InlineData("lgamma", 4e-14)]
    [InlineData("digamma", 4e-14)]
    [InlineData("erfc", 4e-14)]
    [InlineData("erfinv", 4e-15)]
    [InlineData("erfcinv", 4e-15)]
    public void Arrays_agree_with_single_numbers(string name, double tolerance)
    {
        UnaryKernel kernel = Kernel(name);
        double[] x = [.. Samples(20_000)];
        double[] result = Invoke(kernel, x, Simd.Width);
        float[] single = [.. x.Select(v => (float)v)], singles = Invoke(kernel, single, Simd.Width);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = kernel.Invoke(x[i]);
            double size = name[0] == 'e' ? Math.Abs(expected) : Math.Max(1, Math.Abs(expected));
            AssertNear($"{name}({x[i]:R})", expected, result[i], Math.Max(size, double.Epsilon), tolerance);
            float rounded = (float)kernel.Invoke((double)single[i]);
            AssertNear($"{name}({single[i]:R})", rounded, singles[i], Unit(rounded), 1);
        }
    }

    [Fact]
    public void Pairs_of_arrays_agree_with_single_numbers()
    {
        string[] exact = ["remainder", "floorDivide", "nextAfter", "ldexp"], near = ["atan2", "hypot"];
        double[] x = [.. Samples(20_000), .. Enumerable.Range(-50, 100).Select(i => i * 0.1)];
        double[] y = [.. x.Reverse()];
        Random random = new(5);
        random.Shuffle(y);
        float[] x32 = [.. x.Select(v => (float)v)], y32 = [.. y.Select(v => (float)v)];
        foreach (BinaryKernel kernel in Binary.All.Where(k => exact.Contains(k.Name) || near.Contains(k.Name)))
        {
            double[] twice = Invoke(kernel, x, y, Simd.Width);
            float[] single = Invoke(kernel, x32, y32, Simd.Width);
            double units = exact.Contains(kernel.Name) ? 0 : 4;
            for (int i = 0; i < x.Length; i++)
            {
                double expected = kernel.Invoke(x[i], y[i]);
                float rounded = kernel.Invoke(x32[i], y32[i]);
                AssertNear($"{kernel.Name}({x[i]:R}, {y[i]:R})", expected, twice[i], Unit(expected), units);
                AssertNear($"{kernel.Name}({x32[i]:R}, {y32[i]:R})", rounded, single[i], Unit(rounded), units);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Polygammas_of_arrays_agree_with_single_numbers(int order)
    {
        double[] x = [.. Samples(5_000)], orders = [.. Enumerable.Repeat((double)order, x.Length)];
        double[] result = Invoke(Binary.Polygamma, orders, x, Simd.Width);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = Binary.Polygamma.Invoke((double)order, x[i]);
            AssertNear($"polygamma({order}, {x[i]:R})", expected, result[i], Math.Max(Math.Abs(expected), double.Epsilon), 1e-13);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_width_gives_the_same_bits(int width)
    {
        float[] single = [.. Samples(2000).Select(v => (float)v)];
        double[] twice = [.. Samples(2000)];
        foreach (UnaryKernel kernel in Unary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            Assert.Equal(Invoke(kernel, single, Simd.Width), Invoke(kernel, single, width));
            Assert.Equal(Invoke(kernel, twice, Simd.Width), Invoke(kernel, twice, width));
        }

        float[] single2 = [.. single.Reverse()];
        double[] twice2 = [.. twice.Reverse()];
        foreach (BinaryKernel kernel in Binary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            Assert.Equal(Invoke(kernel, single, single2, Simd.Width), Invoke(kernel, single, single2, width));
            Assert.Equal(Invoke(kernel, twice, twice2, Simd.Width), Invoke(kernel, twice, twice2, width));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void An_element_has_the_same_bits_at_every_position_and_length(int width)
    {
        foreach (UnaryKernel kernel in Unary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            for (int length = 0; length <= 40; length++)
            {
                float[] x = [.. Enumerable.Repeat(0.7390851f, length)];
                float[] result = Invoke(kernel, x, width);
                Assert.All(result, r => Assert.Equal(result[0], r));
                if (length > 0) Assert.Equal(Invoke(kernel, [0.7390851f], width)[0], result[0]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Nothing_is_written_beyond_the_result(int width)
    {
        byte[] x = new byte[8 * 200];
        foreach (DType dtype in Enum.GetValues<DType>())
        {
            for (int length = 0; length <= 140; length++)
            {
                byte[] result = new byte[8 * 200];
                result.AsSpan().Fill(0xAB);
                if (dtype == DType.Bool) Unary.Not.Invoke(dtype, x, [], result, [length], width);
                else Unary.Square.Invoke(dtype, x, [], result, [length], width);
                Assert.Equal(length * dtype.Size(), result.TakeWhile(b => b != 0xAB).Count());
                result.AsSpan().Fill(0xAB);
                Driver.Run(Compare.Less.Kernel(dtype, width), result, [length], x, [], x, []);
                Assert.Equal(length, result.TakeWhile(b => b != 0xAB).Count());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Operations_agree_with_their_scalar_forms(int width)
    {
        double[] all = [.. from a in Special from b in Special select a];
        double[] other = [.. from a in Special from b in Special select b];
        float[] x = [.. all.Select(v => (float)v)], y = [.. other.Select(v => (float)v)];
        foreach (UnaryKernel kernel in Unary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            if (Functions.Any(row => (string)row[0] == kernel.Name) || Near.Contains(kernel.Name)) continue;
            Assert.Equal(x.Select(kernel.Invoke), Invoke(kernel, x, width));
            Assert.Equal(all.Select(kernel.Invoke), Invoke(kernel, all, width));
        }

        foreach (BinaryKernel kernel in Binary.All.Where(kernel => kernel.Supports(DType.Float32)))
        {
            if (Near.Contains(kernel.Name)) continue;
            double[] result = Invoke(kernel, all, other, width);
            Assert.Equal(all.Zip(other, kernel.Invoke), result);
            if (kernel == Binary.Power) continue;
            Assert.Equal(x.Zip(y, kernel.Invoke), Invoke(kernel, x, y, width));
        }

        foreach (CompareKernel kernel in Compare.All)
        {
            byte[] result = new byte[x.Length];
            Driver.Run(
                kernel.Kernel(DType.Float32, width), result, [x.Length], MemoryMarshal.AsBytes(x.AsSpan()), [],
                MemoryMarshal.AsBytes(y.AsSpan()), []);
            Assert.Equal(x.Zip(y, (a, b) => kernel.Invoke(a, b) ? (byte)1 : (byte)0), result);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Powers_are_accurate_and_follow_the_standard_at_special_values(int width)
    {
        Random random = new(3);
        float[] special = [.. Special.Select(v => (float)v)];
        List<(float X, float Y)> pairs = [.. from a in special from b in special select (a, b)];
        for (int i = 0; i < 60_000; i++)
        {
            double u = random.NextDouble() - 0.5, v = random.NextDouble() - 0.5;
            pairs.Add((i % 4) switch
            {
                0 => ((float)Math.Pow(2, u * 250), (float)v * 2.5f),
                1 => ((float)(1 + u * Math.Pow(2, -random.Next(22))), (float)(v * Math.Pow(2, random.Next(28)))),
                2 => ((float)(u + 0.5) * 10, (float)v * 60),
                _ => (random.Next(-20, 20), random.Next(-20, 20) * (i % 8 == 3 ? 1 : 0.5f)),
            });
        }

        float[] x = [.. pairs.Select(p => p.X)], y = [.. pairs.Select(p => p.Y)];
        float[] result = Invoke(Binary.Power, x, y, width);
        for (int i = 0; i < x.Length; i++)
        {
            double exact = Math.Pow(x[i], y[i]);
            float rounded = (float)exact;
            if (rounded == result[i] && float.IsNegative(rounded) == float.IsNegative(result[i])) continue;
            double expected = float.IsFinite(rounded) ? exact : rounded;
            AssertNear($"{x[i]:R}^{y[i]:R}", expected, result[i], Unit(rounded), 1);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Integer_operations_agree_with_scalar_arithmetic(int width)
    {
        Random random = new(5);
        IntegersAgree<int>(random, width);
        IntegersAgree<long>(random, width);
        IntegersAgree<byte>(random, width);
    }

    private static void IntegersAgree<T>(Random random, int width)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        T[] x = [T.MinValue, T.MaxValue, T.Zero, T.One, .. Enumerable.Range(0, 143).Select(_ => Next())];
        T[] y = [T.MaxValue, T.MinValue + T.One, T.One, T.One, .. Enumerable.Range(0, 143).Select(_ => Next() | T.One)];
        T Next() => T.CreateTruncating(random.NextInt64(long.MinValue, long.MaxValue));
        Assert.Equal(x.Select(a => unchecked(-a)), Invoke(Unary.Negate, x, width));
        Assert.Equal(x.Select(a => T.IsNegative(a) ? unchecked(-a) : a), Invoke(Unary.Abs, x, width));
        Assert.Equal(x.Select(a => T.CreateTruncating(T.Sign(a))), Invoke(Unary.Sign, x, width));
        Assert.Equal(x.Select(a => T.Max(a, T.Zero)), Invoke(Unary.Relu, x, width));
        Assert.Equal(x.Zip(y, (a, b) => unchecked(a + b)), Invoke(Binary.Add, x, y, width));
        Assert.Equal(x.Zip(y, (a, b) => unchecked(a * b)), Invoke(Binary.Multiply, x, y, width));
        Assert.Equal(x.Zip(y, (a, b) => a / b), Invoke(Binary.Divide, x, y, width));
        Assert.Equal(x.Zip(y, T.Max), Invoke(Binary.Maximum, x, y, width));
        Assert.Equal(x.Zip(y, (a, b) => a ^ b), Invoke(Binary.Xor, x, y, width));
        byte[] result = new byte[x.Length];
        Driver.Run(
            Compare.Greater.Kernel(DTypes.Of<T>(), width), result, [x.Length], MemoryMarshal.AsBytes(x.AsSpan()), [],
            MemoryMarshal.AsBytes(y.AsSpan()), []);
        Assert.Equal(x.Zip(y, (a, b) => a > b ? (byte)1 : (byte)0), result);
    }

    [Fact]
    public void Results_may_overwrite_operands()
    {
        float[] x = [.. Enumerable.Range(0, 300_001).Select(i => i % 17 - 8f)];
        float[] expected = [.. x.Select(v => v + v)];
        Span<byte> bytes = MemoryMarshal.AsBytes(x.AsSpan());
        Binary.Add.Invoke(DType.Float32, bytes, [], bytes, [], bytes, [x.Length]);
        Assert.Equal(expected, x);
    }

    [Fact]
    public void Threads_change_no_bits()
    {
        float[] x = [.. Samples(300_000).Select(v => (float)v)];
        foreach (UnaryKernel kernel in new[] { Unary.Exp, Unary.Tanh, Unary.Log1p })
        {
            float[] whole = Invoke(kernel, x, Simd.Width);
            float[] parts = [.. x.Chunk(1000).SelectMany(part => Invoke(kernel, part, Simd.Width))];
            Assert.Equal(parts, whole);
        }
    }
}
