using System.Globalization;
using System.Text.RegularExpressions;

namespace Autodiff.Examples;

/// <summary>How our numbers should lie to those of a text.</summary>
internal enum How
{
    /// <summary>Equal in all digits that the text prints.</summary>
    Exact,

    /// <summary>At least as large in the digits that the text prints, as for an accuracy.</summary>
    AtLeast,

    /// <summary>At most as large in these digits, as for an error.</summary>
    AtMost,

    /// <summary>Within a quarter of the text's number: what random numbers decide, or is read off a figure.</summary>
    About,

    /// <summary>Within half of one: percentages, where random numbers or rounding decide the rest.</summary>
    Near,
}

/// <summary>Where a number that stands beside ours comes from.</summary>
internal enum Source
{
    /// <summary>The text prints it.</summary>
    Text,

    /// <summary>It is read off a figure of the text.</summary>
    Figure,

    /// <summary>The text does not have it; it is published elsewhere.</summary>
    Published,

    /// <summary>The text does not have it; it follows from the text by hand.</summary>
    Hand,
}

/// <summary>A number that a text prints, or several, beside ours.</summary>
/// <param name="Chapter">Where the text has it: "4.2".</param>
/// <param name="What">What it is, in a few words.</param>
/// <param name="Text">As the text prints it; whatever stands between numbers is kept for printing.</param>
/// <param name="Ours">Our numbers, as many.</param>
/// <param name="How">How ours should lie to the text's.</param>
/// <param name="Source">Where it comes from, if not from the text.</param>
internal sealed partial record Comparison(
    string Chapter, string What, string Text, IReadOnlyList<double> Ours, How How, Source Source = Source.Text)
{
    /// <summary>Our numbers as the text would print them.</summary>
    internal string Shown
    {
        get
        {
            int i = 0;
            return Number().Replace(Text, match => Format(match.Value, Ours[i++]));
        }
    }

    /// <summary>Whether our numbers lie as they should.</summary>
    internal bool Agrees => Printed.Length == Ours.Count && Printed.Zip(Ours, (text, ours) => Fits(text, ours)).All(fits => fits);

    private string[] Printed => [.. Number().Matches(Text).Select(match => match.Value)];

    /// <summary>The comparison as a line.</summary>
    public override string ToString()
    {
        string how = How switch
        {
            How.AtLeast => " (at least)",
            How.AtMost => " (at most)",
            How.About => " (about)",
            How.Near => " (within a half)",
            _ => "",
        };
        string source = Source switch
        {
            Source.Figure => "figure",
            Source.Published => "published",
            Source.Hand => "by hand",
            _ => "text",
        };
        return $"{Chapter,-5} {What}: {source} {Text}  ours {Shown}  {(Agrees ? "✓" : "differs")}{how}";
    }

    private bool Fits(string printed, double ours)
    {
        double text = Parse(printed);
        if (double.IsNaN(text)) return double.IsNaN(ours);
        return How switch
        {
            How.AtLeast => ours >= text - 0.5 * Unit(printed),
            How.AtMost => ours <= text + 0.5 * Unit(printed),
            How.About => Math.Abs(ours - text) <= Math.Abs(text) / 4,
            How.Near => Math.Abs(ours - text) <= 0.5,

            // Half a unit of the last digit; some texts print more digits than numbers have.
            _ => Math.Abs(ours - text) <= Math.Max(0.5000001 * Unit(printed), Math.BitIncrement(Math.Abs(text)) - Math.Abs(text)),
        };
    }

    private static double Parse(string printed) => double.Parse(printed, CultureInfo.InvariantCulture);

    /// <summary>The digits after the point, and the power of ten behind them, if one is printed.</summary>
    private static (int Decimals, int? Power) Digits(string printed)
    {
        string[] parts = printed.Split('e', 'E');
        int point = parts[0].IndexOf('.', StringComparison.Ordinal);
        return (point < 0 ? 0 : parts[0].Length - point - 1, parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : null);
    }

    private static double Unit(string printed) => Digits(printed) is var (decimals, power) ? Math.Pow(10, (power ?? 0) - decimals) : 0;

    private static string Format(string printed, double ours)
    {
        (int decimals, int? power) = Digits(printed);
        string digits = decimals > 0 ? "." + new string('0', decimals) : "";
        if (double.IsNaN(ours)) return "nan";
        string shown = ours.ToString(power is null ? $"F{decimals}" : $"0{digits}e+00", CultureInfo.InvariantCulture);
        return Parse(shown) == 0 ? shown.TrimStart('-') : shown;
    }

    [GeneratedRegex(@"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan")]
    private static partial Regex Number();
}

/// <summary>Comparing with the text of an example.</summary>
internal static class Comparisons
{
    /// <summary>Prints a number of the text beside ours, and keeps both.</summary>
    internal static void Compare(
        this Settings settings, string chapter, string what, string text, double ours, How how = How.Exact, Source source = Source.Text) =>
        settings.Compare(chapter, what, text, [ours], how, source);

    /// <summary>Prints numbers of the text beside those of a tensor, in its order, and keeps both.</summary>
    internal static void Compare(
        this Settings settings, string chapter, string what, string text, Tensor ours, How how = How.Exact, Source source = Source.Text) =>
        settings.Compare(chapter, what, text, ours.To(DType.Float64).ToArray<double>(), how, source);

    private static void Compare(this Settings settings, string chapter, string what, string text, double[] ours, How how, Source source)
    {
        var comparison = new Comparison(chapter, what, text, ours, how, source);
        settings.Comparisons.Add(comparison);
        settings.Output.WriteLine(comparison);
    }
}
