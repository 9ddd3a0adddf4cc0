using System.Globalization;

namespace Autodiff.Plots;

/// <summary>
/// Colours: <c>#rgb</c>, <c>#rrggbb</c>, or one of the names of <see cref="Names"/>. The names are those of the cycle that
/// marks take in turn, whose colours differ in hue and lightness so that colour-blind readers tell them apart (the first
/// six after Okabe and Ito 2008).
/// </summary>
public static class Colors
{
    private static readonly Dictionary<string, string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["blue"] = "#0072b2",
        ["vermilion"] = "#d55e00",
        ["green"] = "#009e73",
        ["purple"] = "#cc79a7",
        ["orange"] = "#e69f00",
        ["sky"] = "#56b4e9",
        ["wine"] = "#a40067",
        ["brown"] = "#533b17",
        ["indigo"] = "#010aab",
        ["black"] = "#111111",
        ["grey"] = "#777777",
        ["gray"] = "#777777",
        ["white"] = "#ffffff",
        ["red"] = "#c1272d",
        ["yellow"] = "#f0e442",
    };

    /// <summary>The colours that marks without one of their own take in turn.</summary>
    public static IReadOnlyList<string> Cycle { get; } =
        [.. Known.Keys.Take(10).Select(name => Known[name])];

    /// <summary>The names that stand for colours.</summary>
    public static IReadOnlyCollection<string> Names => Known.Keys;

    /// <summary>A colour as <c>#rrggbb</c>; null stays null.</summary>
    /// <exception cref="ArgumentException">The text is no colour.</exception>
    internal static string? Resolve(string? color, string owner)
    {
        if (color is null) return null;
        if (Known.TryGetValue(color, out string? known)) return known;
        if (color is ['#', .. { Length: 3 or 6 } digits] && digits.All(char.IsAsciiHexDigit))
        {
            string full = digits.Length == 6 ? digits : string.Concat(digits.Select(digit => new string(digit, 2)));
            return "#" + full.ToLowerInvariant();
        }

        throw new ArgumentException(
            $"{owner}: '{color}' is not a colour; give #rgb, #rrggbb, or one of {string.Join(", ", Known.Keys)}.");
    }

    internal static Rgb Parse(string hex)
    {
        int number = int.Parse(hex.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new((byte)(number >> 16), (byte)(number >> 8), (byte)number);
    }
}

/// <summary>A colour of the screen.</summary>
internal readonly record struct Rgb(byte Red, byte Green, byte Blue)
{
    public override string ToString() => $"#{Red:x2}{Green:x2}{Blue:x2}";

    /// <summary>Lightness and the two opponents of the colour space OKLab (Ottosson 2020), where equal distances look about
    /// equal.</summary>
    internal (double L, double A, double B) ToLab()
    {
        double r = Linear(Red), g = Linear(Green), b = Linear(Blue);
        double l = Math.Cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
        double m = Math.Cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
        double s = Math.Cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
        return (
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s);
    }

    /// <summary>The colour of the screen nearest to one in OKLab.</summary>
    internal static Rgb FromLab(double lightness, double a, double b)
    {
        double l = Cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
        double m = Cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
        double s = Cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
        return new(
            Encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
            Encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
            Encode(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
    }

    internal static double Linear(byte channel)
    {
        double value = channel / 255.0;
        return value <= 0.04045 ? value / 12.92 : Math.Pow((value + 0.055) / 1.055, 2.4);
    }

    internal static byte Encode(double linear)
    {
        double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * Math.Pow(linear, 1 / 2.4) - 0.055;
        return (byte)Math.Round(255 * Math.Clamp(value, 0, 1));
    }

    private static double Cube(double x) => x * x * x;
}
