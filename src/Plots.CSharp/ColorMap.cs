namespace Autodiff.Plots;

/// <summary>A way from numbers to colours: a smooth path through a few colours in a space where equal distances look about
/// equal, so that equal differences of numbers look equal too. Lightness rises or falls all along the sequential ones.</summary>
public sealed class ColorMap
{
    private const int Steps = 256;
    private readonly Rgb[] table = new Rgb[Steps];

    /// <summary>A map through colours at equal distances, at least two.</summary>
    /// <exception cref="ArgumentException">There are fewer than two, or a text is no colour.</exception>
    public ColorMap(params IEnumerable<string> colors)
    {
        (double L, double A, double B)[] points =
            [.. colors.Select(color => Colors.Parse(Colors.Resolve(color, nameof(ColorMap))!).ToLab())];
        if (points.Length < 2)
            throw new ArgumentException($"ColorMap: {points.Length} colours were given; a map needs two or more.");
        for (int i = 0; i < Steps; i++)
        {
            double at = i * (points.Length - 1) / (Steps - 1.0);
            int k = Math.Min((int)at, points.Length - 2);
            (double L, double A, double B) before = points[Math.Max(k - 1, 0)], from = points[k], to = points[k + 1];
            (double L, double A, double B) after = points[Math.Min(k + 2, points.Length - 1)];
            double t = at - k;

            // Lightness goes straight, which keeps it monotone; hue and chroma go round the corners.
            table[i] = Rgb.FromLab(
                from.L + t * (to.L - from.L), Smooth(before.A, from.A, to.A, after.A, t),
                Smooth(before.B, from.B, to.B, after.B, t));
        }
    }

    /// <summary>From dark violet over blue and green to yellow.</summary>
    public static ColorMap Viridis { get; } = new("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725");

    /// <summary>From black over violet and orange to pale yellow.</summary>
    public static ColorMap Magma { get; } = new("#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf");

    /// <summary>From nearly white to dark blue.</summary>
    public static ColorMap Blues { get; } = new("#f7fbff", "#9ecae1", "#3182bd", "#08306b");

    /// <summary>From black to white, as images are shown.</summary>
    public static ColorMap Greys { get; } = new("#000000", "#ffffff");

    /// <summary>From white to black: ink on paper.</summary>
    public static ColorMap Ink { get; } = new("#ffffff", "#000000");

    /// <summary>From blue over white to red, for numbers with a middle, such as 0.</summary>
    public static ColorMap BlueRed { get; } = new("#053061", "#4393c3", "#f7f7f7", "#d6604d", "#67001f");

    /// <summary>The colour at a place from 0 to 1, as <c>#rrggbb</c>; places outside have the colour of the end.</summary>
    public string At(double place) => Color(place).ToString();

    internal Rgb Color(double place) =>
        table[(int)Math.Round(Math.Clamp(double.IsNaN(place) ? 0 : place, 0, 1) * (Steps - 1))];

    private static double Smooth(double before, double from, double to, double after, double t) =>
        from + t / 2 * (to - before + t * (2 * before - 5 * from + 4 * to - after + t * (3 * (from - to) + after - before)));
}
