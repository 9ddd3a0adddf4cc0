using System.Xml.Linq;
using Autodiff.Examples;

namespace Examples.Tests;

public sealed class TextsPageTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void The_page_is_made_of_kept_results_and_of_what_was_written_by_hand()
    {
        string root = temp.New();
        string results = Path.Combine(root, "results"), page = Path.Combine(root, "page.md"), sheet = Path.Combine(root, "sheet.svg");
        File.WriteAllText(page, "Old.\n\n## What is not here\n\nBy hand.\n");
        string first = Run("texts", "--results", results, "--only", "saito-ch4-losses", "--page", page, "--sheet", sheet);
        Assert.Contains("== saito-ch4-losses", first, StringComparison.Ordinal);

        string text = File.ReadAllText(page);
        Assert.Contains("### `saito-ch4-losses`", text, StringComparison.Ordinal);
        Assert.Contains("| 4.2 |", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Old.", text, StringComparison.Ordinal);
        Assert.EndsWith("By hand.\n", text, StringComparison.Ordinal);
        XElement drawing = XDocument.Load(sheet).Root!;
        Assert.Equal(
            Directory.GetFiles(Path.Combine(results, "saito-ch4-losses"), "*.svg").Length,
            drawing.Elements().Count(element => element.Name.LocalName == "image"));

        // What is there is not run again, and gives the same page.
        Assert.DoesNotContain("==", Run("texts", "--results", results, "--only", "saito-ch4-losses", "--page", page), StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(page));
    }

    [Fact]
    public void A_broken_result_is_named()
    {
        string results = temp.New(), folder = Path.Combine(results, "saito-ch4-losses");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "result.json"), "{\"example\":");
        var error = new StringWriter();
        int code = Program.Run(
            ["texts", "--results", results, "--only", "saito-ch4-losses"], TextReader.Null, TextWriter.Null, error, CancellationToken.None);
        Assert.Equal(1, code);
        Assert.Contains("result.json is not the result of an example", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Delete it", error.ToString(), StringComparison.Ordinal);
    }

    private static string Run(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = Program.Run(arguments, TextReader.Null, output, error, CancellationToken.None);
        Assert.True(code == 0, error.ToString());
        return output.ToString();
    }
}
