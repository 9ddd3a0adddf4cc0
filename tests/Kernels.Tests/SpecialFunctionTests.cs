using Autodiff.Kernels;

namespace Kernels.Tests;

public class SpecialFunctionTests
{
    /// <summary>Values to 17 digits.</summary>
    public static TheoryData<string, double, double> Values => new()
    {
        { "erfc", -3, 1.9999779095030014 }, { "erfc", 0, 1 }, { "erfc", 0.5, 0.4795001221869535 },
        { "erfc", 1, 0.15729920705028513 }, { "erfc", 2, 0.004677734981047266 }, { "erfc", 3, 2.209049699858544e-05 },
        { "erfc", 5, 1.5374597944280349e-12 }, { "erfc", 10, 2.088487583762545e-45 },
        { "erfc", 26, 5.663192408856143e-296 }, { "erfc", 30, 0 }, { "erfc", double.PositiveInfinity, 0 },
        { "erfc", double.NegativeInfinity, 2 }, { "erfc", double.NaN, double.NaN },
        { "erfcinv", 0.5, 0.4769362762044699 }, { "erfcinv", 1e-300, 26.209469960516 },
        { "erfcinv", 1e-10, 4.572824967389486 }, { "erfcinv", 1.9, -1.1630871536766743 },
        { "erfinv", 0.5, 0.4769362762044699 }, { "erfinv", -0.9, -1.1630871536766743 }, { "erfinv", 0, 0 },
        { "erfinv", 1, double.PositiveInfinity }, { "erfinv", -1, double.NegativeInfinity }, { "erfinv", 1.5, double.NaN },
        { "lgamma", 0.5, 0.5723649429247001 }, { "lgamma", 1, 0 }, { "lgamma", 2, 0 }, { "lgamma", 3, 0.6931471805599453 },
        { "lgamma", 10, 12.801827480081469 }, { "lgamma", 100, 359.1342053695754 }, { "lgamma", 1e10, 220258509288.81058 },
        { "lgamma", 1e-20, 46.051701859880914 }, { "lgamma", -1e-20, 46.051701859880914 },
        { "lgamma", -0.5, 1.2655121234846454 }, { "lgamma", -1.5, 0.8600470153764810 },
        { "lgamma", -10.5, -15.147270590717842 }, { "lgamma", 0, double.PositiveInfinity },
        { "lgamma", -3, double.PositiveInfinity }, { "lgamma", 1e306, double.PositiveInfinity },
        { "lgamma", double.NegativeInfinity, double.PositiveInfinity }, { "lgamma", double.NaN, double.NaN },
        { "digamma", 1, -0.5772156649015329 }, { "digamma", 0.5, -1.9635100260214235 },
        { "digamma", 10, 2.251752589066721 }, { "digamma", -0.5, 0.03648997397857652 },
        { "digamma", 0, double.NegativeInfinity }, { "digamma", -0.0, double.PositiveInfinity },
        { "digamma", -2, double.NaN }, { "digamma", double.PositiveInfinity, double.PositiveInfinity },
        { "cbrt", -27, -3 }, { "asinh", 0.5, 0.48121182505960347 }, { "acosh", 0.5, double.NaN }, { "atanh", 1, double.PositiveInfinity },
    };

    /// <summary>Order, point and value.</summary>
    public static TheoryData<int, double, double> Polygammas => new()
    {
        { 0, 1, -0.5772156649015329 }, { 1, 1, 1.6449340668482264 }, { 1, 0.5, 4.934802200544679 },
        { 2, 1, -2.4041138063191886 }, { 3, 1, 6.493939402266829 }, { 1, -0.5, 8.934802200544679 },
        { 3, 0.5, 97.40909103400244 }, { 1, -1, double.PositiveInfinity }, { 2, -1, double.NaN },
        { 1, double.PositiveInfinity, 0 }, { 1, 1e-10, 1e20 }, { 1, -1e-10, 1e20 }, { 9, 1, 363240.91142238269 },
    };

    private static UnaryKernel Kernel(string name) => Unary.All.Single(kernel => kernel.Name == name);

    private static void AssertNear(double expected, double actual, double tolerance) => Assert.True(
        expected.Equals(actual) || Math.Abs(expected - actual) <= tolerance * Math.Max(Math.Abs(expected), double.Epsilon),
        $"expected {expected:R}, not {actual:R}: relative error {Math.Abs(actual / expected - 1):g3}");

    [Theory]
    [MemberData(nameof(Values))]
    public void Functions_have_their_values(string name, double x, double y)
    {
        AssertNear(y, Kernel(name).Invoke(x), 5e-15);
        if ((float)x == x && (float)y != 0 && Math.Abs(y) < 1e37 && Math.Abs(y) > 1e-37) AssertNear((float)y, Kernel(name).Invoke((float)x), 1.3e-7);
    }

    [Theory]
    [MemberData(nameof(Polygammas))]
    public void Polygamma_has_its_values(int order, double x, double y) =>
        AssertNear(y, Binary.Polygamma.Invoke(order, x), order == 9 ? 1e-12 : 3e-15);

    [Fact]
    public void The_gamma_functions_follow_their_recurrences()
    {
        Random random = new(1);
        for (int i = 0; i < 20_000; i++)
        {
            double x = (random.NextDouble() - 0.3) * (i % 2 == 0 ? 10 : 60);
            if (Math.Abs(x - Math.Round(x)) < 1e-3) continue;
            double log = Unary.LogGamma.Invoke(x), next = Unary.LogGamma.Invoke(x + 1);
            double size = 1 + Math.Abs(log) + Math.Abs(next);
            Assert.True(Math.Abs(next - log - Math.Log(Math.Abs(x))) < 2e-14 * size, $"lgamma at {x:R}");
            double psi = Unary.Digamma.Invoke(x), after = Unary.Digamma.Invoke(x + 1);
            Assert.True(Math.Abs(after - psi - 1 / x) < 5e-13 * (1 + Math.Abs(psi) + Math.Abs(after)), $"digamma at {x:R}");
            double tri = Binary.Polygamma.Invoke(1, x), below = Binary.Polygamma.Invoke(1, x + 1);
            Assert.True(Math.Abs(tri - below - 1 / (x * x)) < 1e-13 * (1 + tri), $"trigamma at {x:R}");
        }
    }

    [Fact]
    public void The_complement_of_the_error_function_joins_its_parts_and_inverts()
    {
        foreach (double border in new[] { 1.0, 5.0 })
        {
            double below = Unary.Erfc.Invoke(Math.BitDecrement(border)), above = Unary.Erfc.Invoke(border);
            AssertNear(below, above, 1.5e-14);
        }

        for (double x = -5.5; x < 5.5; x += 0.01)
        {
            double y = Unary.Erf.Invoke(x);

            // The inverse has its own derivative's multiple of the rounding of y.
            double spread = Math.Exp(x * x) * 1.2e-16 + 5e-16 * Math.Abs(x);
            if (spread < 0.01) Assert.True(Math.Abs(Unary.Erfinv.Invoke(y) - x) < 2 * spread + 1e-17, $"erfinv of erf({x:R})");
        }

        AssertNear(1e-300, Unary.Erfinv.Invoke(1e-300) * 2 / Math.Sqrt(Math.PI), 1e-15);
    }

    [Fact]
    public void Remainders_and_floors_follow_the_sign_of_the_divisor()
    {
        (double X, double Y, double Remainder, double Quotient)[] rows =
        [
            (7, 3, 1, 2), (-7, 3, 2, -3), (7, -3, -2, -3), (-7, -3, -1, 2), (6, -3, -0.0, -2), (1, 0.1, 0.09999999999999995, 9),
            (-1, double.PositiveInfinity, double.PositiveInfinity, -1), (1, double.PositiveInfinity, 1, 0),
            (double.PositiveInfinity, 2, double.NaN, double.NaN), (5, 0, double.NaN, double.PositiveInfinity),
            (0, 0, double.NaN, double.NaN), (double.NaN, 1, double.NaN, double.NaN), (0, 5, 0, 0), (-0.0, 5, 0, -0.0),
        ];

        foreach ((double x, double y, double remainder, double quotient) in rows)
        {
            Assert.Equal(remainder, Binary.Remainder.Invoke(x, y));
            Assert.Equal(quotient, Binary.FloorDivide.Invoke(x, y));
        }
    }

    [Fact]
    public void Pairs_at_special_values()
    {
        double inf = double.PositiveInfinity, nan = double.NaN;
        Assert.Equal(inf, Binary.Hypot.Invoke(inf, nan));
        Assert.Equal(5e200, Binary.Hypot.Invoke(3e200, 4e200), 1e186);
        Assert.Equal(-inf, Binary.LogAddExp.Invoke(-inf, -inf));
        Assert.Equal(inf, Binary.LogAddExp.Invoke(inf, inf));
        Assert.Equal(inf, Binary.LogAddExp.Invoke(-inf, inf));
        Assert.Equal(1000 + Math.Log(2), Binary.LogAddExp.Invoke(1000.0, 1000.0));
        Assert.Equal(2, Binary.LogAddExp.Invoke(-1e20, 2.0));
        Assert.Equal(nan, Binary.LogAddExp.Invoke(nan, inf));
        Assert.Equal(-0.0, Binary.CopySign.Invoke(0.0, -2.0));
        Assert.True(double.IsNegative(Binary.CopySign.Invoke(0.0, -0.0)));
    }

    [Fact]
    public void Scales_and_neighbours()
    {
        double inf = double.PositiveInfinity;
        Assert.Equal(double.Epsilon, Binary.Ldexp.Invoke(1.0, -1074.0));
        Assert.Equal(Math.ScaleB(1.0, 1000), Binary.Ldexp.Invoke(double.Epsilon, 2074.0));
        Assert.Equal(inf, Binary.Ldexp.Invoke(1.0, inf));
        Assert.Equal(0.0, Binary.Ldexp.Invoke(1.0, -inf));
        Assert.Equal(double.NaN, Binary.Ldexp.Invoke(1.0, double.NaN));
        Assert.Equal(8f, Binary.Ldexp.Invoke(1f, 3.9f));
        Assert.Equal(-double.Epsilon, Binary.NextAfter.Invoke(0.0, -5.0));
        Assert.Equal(0.0, Binary.NextAfter.Invoke(double.Epsilon, 0.0));
        Assert.True(double.IsNegative(Binary.NextAfter.Invoke(0.0, -0.0)));
        Assert.Equal(float.BitDecrement(1f), Binary.NextAfter.Invoke(1f, 0f));
        Assert.Equal(double.MaxValue, Binary.NextAfter.Invoke(inf, 0.0));
        Assert.Equal(double.NaN, Binary.NextAfter.Invoke(0.0, double.NaN));
        Assert.Equal(double.NaN, Binary.NextAfter.Invoke(double.NaN, double.NaN));
    }
}
