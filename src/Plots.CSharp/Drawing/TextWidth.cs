using System.Text;

namespace Autodiff.Plots;

/// <summary>
/// How wide text is, by the advances of DejaVu Sans: the widest of the fonts that a page is likely to show it with, so that
/// what fits by this table fits.
/// </summary>
internal static class TextWidth
{
    // In hundredths of the font's size, from the space to the tilde.
    private static ReadOnlySpan<byte> Ascii =>
    [
        32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84,
        53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39,
        84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34,
        64, 84,
    ];

    internal static double Of(string text, double size, bool bold = false)
    {
        int sum = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            sum += rune.Value switch
            {
                >= 32 and <= 126 => Ascii[rune.Value - 32],
                0x2212 or 0xD7 => 84,
                0xB2 or 0xB3 or 0xB9 or (>= 0x2070 and <= 0x2079) => 40,
                0x207B => 53,
                >= 0x300 and <= 0x36F => 0,
                < 0x1100 => 66,
                _ => 100,
            };
        }

        return sum * size / (bold ? 89 : 100);
    }

    /// <summary>The start of a text that is at most so wide, with an ellipsis where something is left out.</summary>
    internal static string Fit(string text, double size, double width)
    {
        if (Of(text, size) <= width) return text;
        Rune[] runes = [.. text.EnumerateRunes()];
        for (int kept = runes.Length - 1; kept > 0; kept--)
        {
            string shorter = string.Concat(runes.Take(kept)).TrimEnd() + "…";
            if (Of(shorter, size) <= width) return shorter;
        }

        return "…";
    }

    /// <summary>A text in lines of at most some width, broken at spaces and where it says so.</summary>
    internal static List<string> Wrap(string text, double size, double width)
    {
        var lines = new List<string>();
        if (text.Length == 0) return lines;
        foreach (string paragraph in text.ReplaceLineEndings("\n").Split('\n'))
        {
            string line = "";
            foreach (string word in paragraph.Split(' '))
            {
                string longer = line.Length == 0 ? word : line + " " + word;
                if (line.Length > 0 && Of(longer, size) > width)
                {
                    lines.Add(line);
                    line = word;
                }
                else
                    line = longer;
            }

            lines.Add(line);
        }

        return lines;
    }
}
