using Autodiff.Plots;

namespace Plots.Tests;

public class ColorTests
{
    public static TheoryData<string, ColorMap> Sequential => new()
    {
        { "Viridis", ColorMap.Viridis }, { "Magma", ColorMap.Magma }, { "Blues", ColorMap.Blues }, { "Greys", ColorMap.Greys },
        { "Ink", ColorMap.Ink },
    };

    /// <summary>What eyes without one kind of cones see, as matrices on linear red, green and blue (Machado, Oliveira and
    /// Fernandes 2009, full severity).</summary>
    public static TheoryData<string, double[]> Eyes => new()
    {
        { "all cones", [1, 0, 0, 0, 1, 0, 0, 0, 1] },
        { "without red", [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998] },
        { "without green", [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881] },
        { "without blue", [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900] },
    };

    [Theory]
    [MemberData(nameof(Eyes))]
    public void The_colors_of_the_cycle_differ_for_all_eyes(string eyes, double[] matrix)
    {
        (double L, double A, double B)[] seen = [.. Colors.Cycle.Select(color => Seen(Colors.Parse(color), matrix).ToLab())];
        for (int i = 0; i < seen.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                double distance = Math.Sqrt(
                    Math.Pow(seen[i].L - seen[j].L, 2) + Math.Pow(seen[i].A - seen[j].A, 2) + Math.Pow(seen[i].B - seen[j].B, 2));

                // More than three times what can just be told apart (0.02).
                Assert.True(distance > 0.07, $"{eyes}: {Colors.Cycle[i]} and {Colors.Cycle[j]} are {distance:0.000} apart");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sequential))]
    public void Lightness_goes_one_way_along_a_map_in_steps_that_do_not_jump(string name, ColorMap map)
    {
        double[] lightness = [.. Enumerable.Range(0, 17).Select(i => map.Color(i / 16.0).ToLab().L)];
        double way = Math.Sign(lightness[^1] - lightness[0]);
        double[] steps = [.. lightness.Zip(lightness.Skip(1), (a, b) => (b - a) * way)];
        Assert.True(steps.Min() > 0, $"{name} turns back by {steps.Min()}");
        Assert.True(steps.Max() < 0.12, $"{name} jumps by {steps.Max()}");
        Assert.True(Math.Abs(lightness[^1] - lightness[0]) > 0.5);
    }

    [Fact]
    public void Maps_begin_and_end_at_their_colors_and_keep_them_outside()
    {
        Assert.Equal("#440154", ColorMap.Viridis.At(0));
        Assert.Equal("#fde725", ColorMap.Viridis.At(1));
        Assert.Equal("#440154", ColorMap.Viridis.At(-5));
        Assert.Equal("#fde725", ColorMap.Viridis.At(5));
        Assert.Equal("#21918c", new ColorMap("#000", "#21918c", "#fff", "#f00", "#0f0", "#00f").At(0.2));
    }

    [Fact]
    public void Every_color_of_the_screen_comes_back_from_OKLab()
    {
        var random = new Random(2);
        for (int trial = 0; trial < 1000; trial++)
        {
            var color = new Rgb((byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256));
            (double l, double a, double b) = color.ToLab();
            Assert.Equal(color, Rgb.FromLab(l, a, b));
        }
    }

    [Theory]
    [InlineData("blue", "#0072b2")]
    [InlineData("#ABC", "#aabbcc")]
    [InlineData("#12ab9F", "#12ab9f")]
    public void Colors_have_names_or_digits(string color, string hex) =>
        Assert.Contains(hex, new Axes().Line([0, 1], [0, 1], color: color).ToFigure().ToSvg(), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("blu")]
    [InlineData("#12")]
    [InlineData("#12345g")]
    [InlineData("\"/><script>")]
    public void What_is_no_color_is_an_error(string color)
    {
        var error = Assert.Throws<ArgumentException>(() => new Axes().Line([0, 1], [0, 1], color: color));
        Assert.Contains("is not a colour", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_map_of_one_color_is_an_error() => Assert.Throws<ArgumentException>(() => new ColorMap("#000"));

    private static Rgb Seen(Rgb color, double[] m)
    {
        double r = Rgb.Linear(color.Red), g = Rgb.Linear(color.Green), b = Rgb.Linear(color.Blue);
        return new(
            Rgb.Encode(m[0] * r + m[1] * g + m[2] * b), Rgb.Encode(m[3] * r + m[4] * g + m[5] * b),
            Rgb.Encode(m[6] * r + m[7] * g + m[8] * b));
    }
}
