using System.Text.Json;
using System.Xml.Linq;
using Autodiff.Examples;

namespace Examples.Tests;

/// <summary>The examples that draw.</summary>
public sealed class PicturesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    private (JsonElement Metrics, string Folder) Draw(params string[] arguments)
    {
        string folder = temp.New();
        var output = new StringWriter();
        var error = new StringWriter();
        int code = Program.Run([.. arguments, "--out", folder, "--json"], TextReader.Null, output, error, CancellationToken.None);
        Assert.True(code == 0, error.ToString());
        string last = output.ToString().TrimEnd().Split('\n')[^1];
        return (JsonDocument.Parse(last).RootElement.GetProperty("metrics"), folder);
    }

    /// <summary>The files of a folder, each read as what its name says.</summary>
    private static string[] Read(string folder)
    {
        string[] files = [.. Directory.GetFiles(folder).Order()];
        foreach (string file in files)
        {
            string text = File.ReadAllText(file).Replace("<!DOCTYPE html>", "", StringComparison.Ordinal);
            Assert.Equal(Path.GetExtension(file)[1..], XDocument.Parse(text).Root!.Name.LocalName);
        }

        return [.. files.Select(file => Path.GetFileName(file)!)];
    }

    [Fact]
    public void The_gallery_has_a_figure_of_each_kind_and_a_report()
    {
        (JsonElement metrics, string folder) = Draw("plots", "--epochs", "1");
        string[] files = Read(folder);
        Assert.Contains("report.html", files);
        Assert.Equal(metrics.GetProperty("figures").GetDouble() + 1, files.Length);

        // What is drawn with the same seed is the same.
        (_, string again) = Draw("plots", "--epochs", "1");
        foreach (string file in files.Where(file => file.EndsWith(".svg", StringComparison.Ordinal)))
            Assert.Equal(File.ReadAllText(Path.Combine(folder, file)), File.ReadAllText(Path.Combine(again, file)));
    }

    [Fact]
    public void Activations_have_a_picture()
    {
        (_, string folder) = Draw("saito-ch3-activations");
        Assert.Equal(["saito-ch3-activations.svg"], Read(folder));
    }

    [Fact]
    public void Optimizers_go_down_as_the_text_says()
    {
        (JsonElement metrics, string folder) = Draw("saito-ch6-optimizers");
        double Metric(string name) => metrics.GetProperty(name).GetDouble();
        Assert.Equal(["saito-ch6-gradients.svg", "saito-ch6-optimizers.svg"], Read(folder));

        // SGD turns in every step; AdaGrad goes straight and comes nearest.
        Assert.Equal(29, Metric("SGD.turns"));
        Assert.Equal(0, Metric("AdaGrad.turns"));
        Assert.InRange(Metric("Adam.turns"), 0, Metric("Momentum.turns"));
        Assert.All(["SGD", "Momentum", "Adam"], name => Assert.True(Metric(name + ".height") > Metric("AdaGrad.height")));
    }

    [Fact]
    public void Chains_have_the_derivatives_of_the_text()
    {
        (JsonElement metrics, string folder) = Draw("weidman-ch1-chains");
        Assert.Equal(3, metrics.EnumerateObject().Count());
        Assert.All(metrics.EnumerateObject(), metric => Assert.True(metric.Value.GetDouble() < 1e-6));
        Assert.Equal(["weidman-ch1-chains-2.svg", "weidman-ch1-chains-3.svg"], Read(folder));
    }

    [Fact]
    public void The_script_draws_curves()
    {
        string file = temp["curves.svg"];
        (int code, string output, string error) = Script.Run("src/Examples/scripts/curves.fsx", file);
        Assert.True(code == 0, output + error);
        Assert.Equal("svg", XDocument.Load(file).Root!.Name.LocalName);
    }
}
