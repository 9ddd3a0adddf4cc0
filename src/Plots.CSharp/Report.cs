using System.Collections.Immutable;
using System.Text;

namespace Autodiff.Plots;

/// <summary>A page of HTML with headings, texts, tables and figures, with everything in it: one file, no scripts, nothing
/// fetched. It is immutable: each method returns a page with one part more.</summary>
/// <param name="title">The title of the page.</param>
/// <example><code>
/// new Report("Experiment 7").Text("Two layers.").Figure(axes).Save("experiment.html");
/// </code></example>
public sealed class Report(string title)
{
    private const string Style = """
        body{max-width:1300px;margin:2em auto;padding:0 1em;font:15px/1.5 Arial,Helvetica,'Liberation Sans','DejaVu Sans',sans-serif;color:#262626;background:#fff}
        h1{font-size:1.6em}h2{font-size:1.2em;margin:1.6em 0 .5em;border-bottom:1px solid #ddd}
        svg{max-width:100%;height:auto;display:block;margin:.5em 0}
        table{border-collapse:collapse;margin:.5em 0}td,th{padding:.2em .9em .2em 0;text-align:left;border-bottom:1px solid #eee;vertical-align:top}
        td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;padding:.2em 0 .2em 1.6em}
        pre{background:#f6f6f6;padding:.8em 1em;overflow:auto;font-size:13px;line-height:1.4}summary{cursor:pointer}

        """;

    private readonly string title = title ?? "";
    private readonly ImmutableList<Func<int, string>> parts = [];

    private Report(string title, ImmutableList<Func<int, string>> parts)
        : this(title) => this.parts = parts;

    /// <summary>A heading.</summary>
    public Report Heading(string text) => Add($"<h2>{Svg.Escape(text)}</h2>\n");

    /// <summary>A paragraph.</summary>
    public Report Text(string text) => Add($"<p>{Svg.Escape(text)}</p>\n");

    /// <summary>Text whose lines and spaces are kept.</summary>
    public Report Preformatted(string text) =>
        Add($"<pre>{string.Join('\n', text.ReplaceLineEndings("\n").Split('\n').Select(Svg.Escape))}</pre>\n");

    /// <summary>A table. Columns of numbers stand to the right.</summary>
    /// <param name="head">The names of the columns.</param>
    /// <param name="rows">The rows, each with a text for each column.</param>
    /// <param name="summary">If given, the table is folded behind this text.</param>
    /// <exception cref="ArgumentException">A row has another number of texts.</exception>
    public Report Table(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows, string? summary = null)
    {
        IReadOnlyList<string>[] body = [.. rows];
        if (body.FirstOrDefault(row => row.Count != head.Count) is { } odd)
            throw new ArgumentException($"Table: a row has {odd.Count} texts where the head has {head.Count}; give as many.");
        bool[] areNumbers = [.. head.Select((_, i) => body.Length > 0
            && body.All(row => row[i].Length == 0 || IsNumber(row[i])) && body.Any(row => row[i].Length > 0))];
        var html = new StringBuilder("<table>");
        void Row(string cell, IReadOnlyList<string> texts)
        {
            html.Append("<tr>");
            for (int i = 0; i < texts.Count; i++)
                html.Append('<').Append(cell).Append(areNumbers[i] ? " class=\"n\">" : ">").Append(Svg.Escape(texts[i]))
                    .Append("</").Append(cell).Append('>');
            html.Append("</tr>\n");
        }

        if (head.Any(text => text.Length > 0)) Row("th", head);
        foreach (IReadOnlyList<string> row in body) Row("td", row);
        html.Append("</table>\n");
        return Add(summary is null ? html.ToString() : $"<details><summary>{Svg.Escape(summary)}</summary>\n{html}</details>\n");
    }

    /// <summary>A figure.</summary>
    public Report Figure(Figure figure)
    {
        ArgumentNullException.ThrowIfNull(figure);

        // The place on the page keeps the ids of figures apart.
        return new(title, parts.Add(place => figure.ToSvg($"f{place}-")));
    }

    /// <summary>A figure of one pair of axes.</summary>
    public Report Figure(Axes axes) => Figure(axes.ToFigure());

    /// <summary>The page.</summary>
    public string ToHtml() => ToHtml(hasHeading: title.Length > 0);

    /// <summary>The page, with its title as a heading or not.</summary>
    internal string ToHtml(bool hasHeading)
    {
        var html = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n");
        html.Append("<meta name=\"viewport\" content=\"width=device-width\"/><title>").Append(Svg.Escape(title))
            .Append("</title>\n<style>\n").Append(Style)
            .Append("</style></head><body>\n");
        if (hasHeading) html.Append("<h1>").Append(Svg.Escape(title)).Append("</h1>\n");
        for (int i = 0; i < parts.Count; i++) html.Append(parts[i](i));
        return html.Append("</body></html>\n").ToString();
    }

    /// <summary>Writes the page. The file is replaced at the end, in one step: a failed save leaves the old file
    /// whole.</summary>
    /// <param name="path">The file, in a folder that exists; its name ends in <c>.html</c>.</param>
    /// <exception cref="ArgumentException">The name ends otherwise.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Path.GetExtension(path).ToLowerInvariant() is not (".html" or ".htm"))
            throw new ArgumentException($"Save: '{path}' does not end in .html; a report is a page of HTML.");
        byte[] content = Encoding.UTF8.GetBytes(ToHtml());
        Layers.DataFile.Replace(path, file => file.Write(content));
    }

    private Report Add(string html) => new(title, parts.Add(_ => html));

    private static bool IsNumber(string text) => text.All(c => char.IsAsciiDigit(c) || ".,-−+%×⁻⁰¹²³⁴⁵⁶⁷⁸⁹∞ ".Contains(c))
        || text == "NaN";
}
