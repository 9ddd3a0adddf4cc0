using System.Text.Json;
using Autodiff.Examples;

namespace Examples.Tests;

public class ExamplesTests
{
    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        int code = Program.Run(arguments, TextReader.Null, output, error, CancellationToken.None);
        return (code, output.ToString(), error.ToString());
    }

    private static JsonElement Metrics(string output)
    {
        string last = output.TrimEnd().Split('\n')[^1];
        return JsonDocument.Parse(last).RootElement;
    }

    [Fact]
    public void The_list_names_every_example()
    {
        (int code, string output, _) = Run("list");
        Assert.Equal(0, code);
        Assert.All(Catalog.All, example => Assert.Contains(example.Name, output, StringComparison.Ordinal));
    }

    [Fact]
    public void Newton_reaches_the_minimum_where_descent_is_still_creeping()
    {
        (int code, string output, _) = Run("rosenbrock", "--epochs", "2000", "--json");
        Assert.Equal(0, code);
        JsonElement result = Metrics(output);
        Assert.Equal("rosenbrock", result.GetProperty("example").GetString());
        Assert.True(result.GetProperty("seconds").GetDouble() > 0);
        JsonElement metrics = result.GetProperty("metrics");
        Assert.True(metrics.GetProperty("newtonSteps").GetDouble() < 10);
        Assert.True(metrics.GetProperty("newtonValue").GetDouble() < 1e-24);
        Assert.True(metrics.GetProperty("descentValue").GetDouble() > 1e-3);
    }

    [DataFact("saito/sample_weight.npz")]
    public void The_given_weights_read_exactly_9352_of_the_test_images()
    {
        (int code, string output, _) = Run("digits-inference", "--json");
        Assert.Equal(0, code);
        Assert.Equal(0.9352, Metrics(output).GetProperty("metrics").GetProperty("accuracy").GetDouble());
    }

    [Fact]
    public void Digits_learns_generated_digits_in_one_pass()
    {
        string empty = Directory.CreateTempSubdirectory().FullName;
        (int code, string output, string error) = Run("digits", "--data", empty, "--epochs", "1", "--json");
        Assert.True(code == 0, error);
        JsonElement metrics = Metrics(output).GetProperty("metrics");
        Assert.True(metrics.GetProperty("accuracy").GetDouble() > 0.8, output);
    }

    [Theory]
    [InlineData("no-such-example")]
    [InlineData("digits", "--epochs", "0")]
    [InlineData("digits", "--epochs", "many")]
    [InlineData("digits", "--speed", "11")]
    public void Wrong_words_are_named_and_fail(params string[] arguments)
    {
        (int code, string output, string error) = Run(arguments);
        Assert.NotEqual(0, code);
        Assert.Contains(arguments[^1] == "0" ? "--epochs" : arguments[^1] == "11" ? "--speed" : arguments[^1], output + error, StringComparison.Ordinal);
    }

    [Fact]
    public void Inference_without_data_says_what_is_missing()
    {
        string empty = Directory.CreateTempSubdirectory().FullName;
        (int code, _, string error) = Run("digits-inference", "--data", empty);
        Assert.Equal(1, code);
        Assert.Contains("sample_weight.npz", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_named_but_missing_or_cannot_be_made_is_an_error()
    {
        string file = Path.GetTempFileName();
        (int code, _, string error) = Run("digits", "--data", file + "-missing");
        Assert.Equal(1, code);
        Assert.Contains(file + "-missing", error, StringComparison.Ordinal);
        (code, _, error) = Run("rosenbrock", "--out", Path.Combine(file, "folder"));
        Assert.Equal(1, code);
        Assert.Contains("folder", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_that_composes_functions_learns_the_moons()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/compose.fsx");
        Assert.True(code == 0, output + error);
        string last = output.Split('\n').Last(line => line.StartsWith("step", StringComparison.Ordinal));
        double accuracy = double.Parse(last.Split("accuracy")[1], System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(accuracy > 0.97, output);
    }
}
