using System.Globalization;
using System.Net;
using System.Text;

namespace Autodiff.Examples;

/// <summary>The page that maps the chapters of the source texts to examples, and the sheet of all their pictures; both are
/// made of results that are kept.</summary>
internal static class TextsPage
{
    // Written by hand, and kept when the page is written again.
    private const string Kept = "## What is not here";

    private const double CellWidth = 260, CellHeight = 200, Gap = 12, CaptionHeight = 16;
    private const int Columns = 5;

    /// <summary>The texts, by the first word of the names of their examples.</summary>
    private static readonly (string Prefix, string Title)[] texts =
    [
        ("saito", "Saito, Deep Learning from Scratch"),
        ("weidman", "Weidman, Deep Learning from Scratch"),
        ("tensorflow", "The chapter on TensorFlow"),
        ("d2l", "The chapter on modern convolutional networks"),
        ("keras", "The slides on Keras"),
    ];

    /// <summary>Whether an example belongs to a text.</summary>
    internal static bool IsOfText(Example example) => texts.Any(text => Belongs(example, text.Prefix));

    /// <summary>The page as Markdown.</summary>
    /// <param name="results">Each example with its result and the names of its pictures.</param>
    /// <param name="before">The page as it is, for the part that is written by hand.</param>
    internal static string Markdown(IReadOnlyList<(Example Example, Result Result, IReadOnlyList<string> Pictures)> results, string before)
    {
        Result.Row[] rows = [.. results.SelectMany(one => one.Result.Comparisons)];
        Result.Row[] own = [.. rows.Where(row => row.Source is nameof(Source.Text) or nameof(Source.Figure))];
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            # The source texts, chapter by chapter

            Each system, experiment and figure of the texts as a program: `dotnet run --project src/Examples -c Release -- NAME --out FOLDER`
            runs one, prints its numbers beside those of the text and writes its figures. `dotnet fsi build.fsx texts --results FOLDER`
            runs all and writes this page, and [all pictures side by side](seeds.svg).

            {results.Count} examples; of {own.Length} numbers, or rows of numbers, that the texts have, {own.Count(row => row.Agrees)} agree, and of
            {rows.Length - own.Length} that they do not have, {rows.Count(row => row.Agrees) - own.Count(row => row.Agrees)}. The column "text" has what the text prints
            or claims, or says where else the number comes from: read off a figure, published elsewhere, or by hand, as it follows from the text.
            How ours should lie to the text's: = in all printed digits, ≥ at least, ≤ at most, ≈ within a quarter, where random numbers
            decide or the text has a figure only, ±½ within half a per cent, likewise. Where ours differs, the column says so. Results are
            kept from run to run, so they may come from different builds; the times are of a machine that did other work too, some of them
            many times too long.


            """);
        foreach ((string prefix, string title) in texts)
        {
            var examples = results.Where(one => Belongs(one.Example, prefix)).ToArray();
            if (examples.Length == 0) continue;
            page.Append(CultureInfo.InvariantCulture, $"## {title}\n\n");
            foreach ((Example example, Result result, IReadOnlyList<string> pictures) in examples) Append(page, example, result, pictures);
        }

        int at = before.IndexOf(Kept, StringComparison.Ordinal);
        return page.Append(at < 0 ? Kept + "\n" : before[at..]).ToString();
    }

    private static void Append(StringBuilder page, Example example, Result result, IReadOnlyList<string> pictures)
    {
        string figures = pictures.Count switch { 0 => "", 1 => ", one picture", var n => $", {n} pictures" };
        page.Append(CultureInfo.InvariantCulture, $"### `{example.Name}`\n\n{example.Summary} ({Seconds(result.Seconds)}{figures})\n\n");
        if (result.Comparisons.Count > 0)
        {
            page.Append("| chapter | what | text | | ours | |\n|---|---|---|---|---|---|\n");
            foreach (Result.Row row in result.Comparisons)
            {
                string sign = row.How switch
                {
                    nameof(How.AtLeast) => "≥",
                    nameof(How.AtMost) => "≤",
                    nameof(How.About) => "≈",
                    nameof(How.Near) => "±½",
                    _ => "=",
                };
                string source = row.Source switch
                {
                    nameof(Source.Figure) => " (figure)",
                    nameof(Source.Published) => " (published)",
                    nameof(Source.Hand) => " (by hand)",
                    _ => "",
                };
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"| {Cell(row.Chapter)} | {Cell(row.What)} | {Cell(row.Text)}{source} | {sign} | {Cell(row.Ours)} | {(row.Agrees ? "✓" : "differs")} |\n");
            }

            page.Append('\n');
        }
        else if (result.Metrics.Count > 0)
        {
            var metrics = result.Metrics.Select(metric => $"{metric.Key} {metric.Value.ToString("G4", CultureInfo.InvariantCulture)}");
            page.Append("No numbers in the text; ours: ").AppendJoin(", ", metrics).Append(".\n\n");
        }
    }

    /// <summary>All pictures side by side as one SVG file.</summary>
    internal static string Sheet(IReadOnlyList<string> pictures)
    {
        int rows = (pictures.Count + Columns - 1) / Columns;
        double width = Columns * (CellWidth + Gap) + Gap, height = rows * (CellHeight + CaptionHeight + Gap) + Gap;
        var sheet = new StringBuilder();
        sheet.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="10" fill="#262626">
            <rect width="{width}" height="{height}" fill="#eee"/>

            """);
        for (int i = 0; i < pictures.Count; i++)
        {
            double x = Gap + i % Columns * (CellWidth + Gap), y = Gap + i / Columns * (CellHeight + CaptionHeight + Gap);

            // As an image of its own, so that what pictures name within themselves does not meet.
            string data = Convert.ToBase64String(File.ReadAllBytes(pictures[i]));
            string name = WebUtility.HtmlEncode(Path.GetFileNameWithoutExtension(pictures[i]));
            sheet.Append(CultureInfo.InvariantCulture, $"""
                <rect x="{x}" y="{y}" width="{CellWidth}" height="{CellHeight}" fill="#fff"/>
                <image x="{x}" y="{y}" width="{CellWidth}" height="{CellHeight}" href="data:image/svg+xml;base64,{data}"/>
                <text x="{x}" y="{y + CellHeight + 11}">{name}</text>

                """);
        }

        return sheet.Append("</svg>\n").ToString();
    }

    private static bool Belongs(Example example, string prefix) => example.Name.StartsWith(prefix + "-", StringComparison.Ordinal);

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');

    private static string Seconds(double seconds) => seconds < 90
        ? seconds.ToString("F1", CultureInfo.InvariantCulture) + " s"
        : (seconds / 60).ToString("F0", CultureInfo.InvariantCulture) + " min";
}
