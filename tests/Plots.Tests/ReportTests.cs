using System.Text.RegularExpressions;
using System.Xml.Linq;
using Autodiff;
using Autodiff.Layers;
using Autodiff.Plots;

namespace Plots.Tests;

public class ReportTests
{
    [Fact]
    public void A_page_holds_everything_and_fetches_nothing()
    {
        Report report = new Report("A <title>").Heading("Part & parcel").Text("Text").Preformatted("a\n  b")
            .Table(["name", "value"], [["x", "1.5"], ["<y>", "−2"]], "folded")
            .Figure(new Axes().HeatMap(new double[,] { { 1, 2 } })).Figure(new Axes().HeatMap(new double[,] { { 1, 2 } }));
        string html = report.ToHtml();
        Read(html);
        Assert.Contains("A &lt;title&gt;", html, StringComparison.Ordinal);
        Assert.Contains("<td class=\"n\">1.5</td>", html, StringComparison.Ordinal);
        Assert.Contains("<td>&lt;y&gt;</td>", html, StringComparison.Ordinal);
        Assert.Contains("a\n  b", html, StringComparison.Ordinal);
        Assert.StartsWith("Table: a row has 1 texts where the head has 2",
            Assert.Throws<ArgumentException>(() => report.Table(["a", "b"], [["c"]])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => report.Save("report.svg"));
    }

    [Fact]
    public void A_run_on_classes_shows_curves_settings_model_confusions_and_pictures()
    {
        (Dataset train, Dataset test) = (Digits.Generate(300, new Key(1), flatten: false),
            Digits.Generate(100, new Key(2), flatten: false));
        var trainer = new Trainer(new Sequential(new Flatten(), new Dense(10)), Losses.SoftmaxCrossEntropy, new Adam(1e-2))
        {
            Metrics = [Metrics.Accuracy],
            Output = Output.None,
        };
        TrainingResult result = trainer.Fit(train, test, epochs: 3, batchSize: 30);
        string html = result.ToReport("Digits", new Dictionary<string, object> { ["learning rate"] = 0.01 }, test).ToHtml();
        Read(html);
        foreach (string text in new[] { "Outcome", "validation accuracy", "learning rate", "0.01", "Dense(10)",
            "Confusion matrix", "predicted", "data:image/png" })
            Assert.Contains(text, html, StringComparison.Ordinal);
        int right = (int)Math.Round(result.Model.Evaluate(test, Metrics.Accuracy) * test.Count);
        Assert.Contains($"{right} are predicted right", html, StringComparison.Ordinal);
        Assert.Contains($"of {test.Count - right}<", html, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => result.ToReport("Digits", test: test, classes: ["a"]));
        Assert.Throws<ArgumentException>(() => result.ToReport("Digits", test: test, imageShape: [5, 5]));
    }

    [Fact]
    public void A_run_on_numbers_shows_predictions_against_targets()
    {
        Tensor x = new Key(3).Normal([50, 2]), y = x.Sum(1).Reshape(50, 1);
        var data = new Dataset(x, y);
        var trainer = new Trainer(new Dense(1), Losses.MeanSquaredError, new SGD(0.1)) { Output = Output.None };
        string html = trainer.Fit(data, epochs: 20, batchSize: 10).ToReport("Numbers", test: data).ToHtml();
        Read(html);
        Assert.Contains("prediction", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Confusion", html, StringComparison.Ordinal);
        Assert.DoesNotContain("validation", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_cancelled_at_once_has_a_report_but_no_curves()
    {
        var data = new Dataset(Tensor.Zeros([4, 2]), Tensor.Zeros([4, 1]));
        var trainer = new Trainer(new Dense(1), Losses.MeanSquaredError, new SGD(0.1)) { Output = Output.None };
        TrainingResult result = trainer.Fit(data, cancellationToken: new CancellationToken(true));
        string html = result.ToReport("Nothing").ToHtml();
        Read(html);
        Assert.Contains("cancelled", html, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => result.History.ToFigure());
    }

    [Fact]
    public void Curves_of_losses_that_fall_far_are_logarithmic_and_NaN_is_a_gap()
    {
        var none = new Dictionary<string, double>();
        EpochRecord[] epochs = [.. Enumerable.Range(1, 40)
            .Select(i => new EpochRecord(i, i == 7 ? double.NaN : Math.Pow(0.5, i), none, null, none, 1, 1))];
        var picture = new Picture(new History(epochs).ToFigure().ToSvg());
        picture.CheckNumbers();
        picture.CheckTexts();
        Assert.Contains("10⁻⁶", picture.Texts);
    }

    /// <summary>The page is well formed, its ids are different and all that it names is in it.</summary>
    private static void Read(string html)
    {
        XDocument page = XDocument.Parse(html.Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Distinct(), ids);
        Assert.All(Regex.Matches(html, @"url\(#([^)]*)\)"), match => Assert.Contains(match.Groups[1].Value, ids));
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.All(page.Descendants().Attributes().Where(attribute => attribute.Name.LocalName is "href" or "src"),
            attribute => Assert.StartsWith("data:", attribute.Value, StringComparison.Ordinal));
    }
}
