using Autodiff.Plots;

namespace Plots.Tests;

public class TicksTests
{
    private static string Texts(double low, double high, int count, bool isLog = false, bool onlyWhole = false)
    {
        Ticks ticks = Ticks.Of(new(low, high, isLog), count, onlyWhole);
        return string.Join(' ', ticks.Major.Select(tick => tick.Text)) + (ticks.Factor.Length > 0 ? " " + ticks.Factor : "");
    }

    [Theory]
    [InlineData(0, 1, 6, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [InlineData(0, 1, 5, "0.00 0.25 0.50 0.75 1.00")]
    [InlineData(-1.1, 1.1, 9, "−1.00 −0.75 −0.50 −0.25 0.00 0.25 0.50 0.75 1.00")]
    [InlineData(0, 10_000, 6, "0 2000 4000 6000 8000 10000")]
    [InlineData(0, 4e6, 5, "0 1 2 3 4 ×10⁶")]
    [InlineData(0, 2.5e-5, 6, "0.0 0.5 1.0 1.5 2.0 2.5 ×10⁻⁵")]
    [InlineData(1e6 + 0.001, 1e6 + 0.003, 3, "0.001 0.002 0.003 + 10⁶")]
    [InlineData(-1e6 - 0.003, -1e6 - 0.001, 3, "0.007 0.008 0.009 − 1000000.01")]
    [InlineData(0.3, 0.7, 5, "0.3 0.4 0.5 0.6 0.7")]
    [InlineData(0, 7, 1, "0")]
    public void Linear_axes_have_round_numbers(double low, double high, int count, string texts) =>
        Assert.Equal(texts, Texts(low, high, count));

    [Theory]
    [InlineData(0, 4, 9, "0 1 2 3 4")]
    [InlineData(0, 1, 9, "0 1")]
    [InlineData(0, 13, 6, "0 5 10")]
    public void Where_whole_numbers_are_meant_there_are_no_others(double low, double high, int count, string texts) =>
        Assert.Equal(texts, Texts(low, high, count, onlyWhole: true));

    [Theory]
    [InlineData(0.01, 1000, 9, "0.01 0.1 1 10 100 1000")]
    [InlineData(1e-9, 1e3, 5, "10⁻⁹ 10⁻⁶ 10⁻³ 10⁰ 10³")]
    [InlineData(1e-6, 2e-2, 9, "10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³ 10⁻²")]
    [InlineData(2, 60, 5, "2 5 10 20 50")]
    [InlineData(20, 50, 5, "20 50")]
    [InlineData(1.01, 1.05, 5, "1.01 1.02 1.03 1.04 1.05")]
    public void Logarithmic_axes_have_powers_of_ten_or_round_numbers(double low, double high, int count, string texts) =>
        Assert.Equal(texts, Texts(low, high, count, isLog: true));

    [Fact]
    public void Marks_without_text_lie_between_those_with()
    {
        Ticks ticks = Ticks.Of(new(1, 1000, true), 9);
        Assert.Equal(24, ticks.Minor.Count);
        Assert.Empty(ticks.Minor.Intersect(ticks.Major.Select(tick => tick.Value)));
    }

    [Fact]
    public void Any_range_has_a_few_numbers_inside_it_in_order_with_different_texts()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 3000; trial++)
        {
            double size = Math.Pow(10, random.Next(-300, 300)), low = (random.NextDouble() * 4 - 2) * size;
            double high = low + size * Math.Pow(10, -random.Next(0, 7)) * (0.1 + random.NextDouble());
            int count = random.Next(2, 10);
            Ticks ticks = Ticks.Of(new(low, high, false), count);
            Assert.InRange(ticks.Major.Count, 1, count);
            double slack = (high - low) * 1e-4;
            Assert.All(ticks.Major, tick => Assert.InRange(tick.Value, low - slack, high + slack));
            Assert.Equal(ticks.Major.Count, ticks.Major.Select(tick => tick.Text).Distinct().Count());
            Assert.Equal(ticks.Major.OrderBy(tick => tick.Value), ticks.Major);
        }
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.25, "0.25")]
    [InlineData(-12, "−12")]
    [InlineData(123456, "123456")]
    [InlineData(3e-7, "3×10⁻⁷")]
    [InlineData(1e9, "10⁹")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.NegativeInfinity, "−∞")]
    public void Numbers_are_written_as_people_write_them(double value, string text) =>
        Assert.Equal(text, Ticks.Readable(value, 6));
}
