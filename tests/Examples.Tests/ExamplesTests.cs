using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Autodiff.Examples;

namespace Examples.Tests;

public sealed class ExamplesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

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

    public static TheoryData<string> WithoutData => [.. Catalog.All.Where(example => example.Needs is null).Select(example => example.Name)];

    [Theory]
    [MemberData(nameof(WithoutData))]
    public void Every_example_ends_well_with_little_to_do(string name)
    {
        string empty = temp.New(), folder = temp.New();
        (int code, string output, string error) = Run(name, "--data", empty, "--epochs", "1", "--batch", "50", "--out", folder, "--json");
        Assert.True(code == 0, error);
        JsonElement result = Metrics(output);
        Assert.Equal(name, result.GetProperty("example").GetString());
        Assert.All(result.GetProperty("metrics").EnumerateObject(), metric => Assert.True(double.IsFinite(metric.Value.GetDouble()), metric.Name));

        // What neither data nor training decide is what the text prints.
        Assert.All(
            result.GetProperty("comparisons").EnumerateArray().Where(row => row.GetProperty("how").GetString() == "Exact"),
            row => Assert.True(row.GetProperty("agrees").GetBoolean(), row.ToString()));
        Assert.All(Directory.GetFiles(folder, "*.svg"), file => Assert.Equal("svg", XDocument.Load(file).Root!.Name.LocalName));
        Assert.All(
            output.Split('\n').Where(line => line.StartsWith("The picture is in ", StringComparison.Ordinal)),
            line => Assert.True(File.Exists(line["The picture is in ".Length..].Trim().TrimEnd('.')), line));
    }

    [Theory]
    [InlineData("0.25", 0.2549, How.Exact, "0.25", true)]
    [InlineData("0.25", 0.2551, How.Exact, "0.26", false)]
    [InlineData("0.097500000000000031", 0.097500000000000031, How.Exact, "0.097500000000000031", true)]
    [InlineData("-6.11110793e-10", -6.111107929e-10, How.Exact, "-6.11110793e-10", true)]
    [InlineData("-6.11110793e-10", -6.111107921e-10, How.Exact, "-6.11110792e-10", false)]
    [InlineData("5", 5, How.Exact, "5", true)]
    [InlineData("nan", double.NaN, How.Exact, "nan", true)]
    [InlineData("0.9896", 0.99, How.AtLeast, "0.9900", true)]
    [InlineData("0.9896", 0.9895, How.AtLeast, "0.9895", false)]
    [InlineData("1.2e-10", 1e-12, How.AtMost, "1.0e-12", true)]
    [InlineData("0.04", 0.049, How.About, "0.05", true)]
    [InlineData("0.04", 0.051, How.About, "0.05", false)]
    [InlineData("96.71", 96.25, How.Near, "96.25", true)]
    [InlineData("96.71", 97.25, How.Near, "97.25", false)]
    internal void A_comparison_counts_the_digits_of_the_text(string text, double ours, How how, string shown, bool agrees)
    {
        var comparison = new Comparison("1", "a number", text, [ours], how);
        Assert.Equal(shown, comparison.Shown);
        Assert.Equal(agrees, comparison.Agrees);
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
        (int code, string output, _) = Run("saito-ch3-digits", "--json");
        Assert.Equal(0, code);
        Assert.Equal(0.9352, Metrics(output).GetProperty("metrics").GetProperty("accuracy").GetDouble());
    }

    [Fact]
    public void Digits_learns_generated_digits_in_one_pass()
    {
        string empty = temp.New();
        (int code, string output, string error) = Run("digits", "--data", empty, "--epochs", "1", "--json");
        Assert.True(code == 0, error);
        JsonElement metrics = Metrics(output).GetProperty("metrics");
        Assert.True(metrics.GetProperty("accuracy").GetDouble() > 0.8, output);
    }

    [Fact]
    public void A_policy_learns_to_hold_the_pole()
    {
        (int code, string output, string error) = Run("cartpole", "--epochs", "30", "--json");
        Assert.True(code == 0, error);
        JsonElement metrics = Metrics(output).GetProperty("metrics");
        Assert.True(metrics.GetProperty("held").GetDouble() > 5 * metrics.GetProperty("heldBefore").GetDouble(), output);
    }

    [Fact]
    public void An_autoencoder_learns_what_digits_look_like()
    {
        string empty = temp.New();
        (int code, string output, string error) = Run("vae", "--data", empty, "--epochs", "2", "--json");
        Assert.True(code == 0, error);

        JsonElement metrics = Metrics(output).GetProperty("metrics");
        Assert.True(metrics.GetProperty("loss").GetDouble() < 0.9 * metrics.GetProperty("withoutCodes").GetDouble(), output);
    }

    [Fact]
    public void A_transformer_learns_more_than_how_often_characters_come()
    {
        string empty = temp.New();
        (int code, string output, string error) = Run("shakespeare", "--data", empty, "--epochs", "2", "--batch", "16", "--json");
        Assert.True(code == 0, error);
        Assert.InRange(Metrics(output).GetProperty("metrics").GetProperty("loss").GetDouble(), 0.2, 1.6);
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

    [Theory]
    [InlineData("--epochs", "x", "--epochs: 'x' is not a whole number.")]
    [InlineData("--batch", "1.5", "--batch: '1.5' is not a whole number.")]
    [InlineData("--seed", "3000000000", "--seed: '3000000000' is not a whole number of 32 bits.")]
    [InlineData("--batch", "0", "--batch: 0 is too small; it must be at least 1.")]
    public void A_wrong_number_is_told_by_its_option(string option, string text, string message)
    {
        (int code, _, string error) = Run("rosenbrock", option, text);
        Assert.NotEqual(0, code);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_without_its_number_is_an_error()
    {
        (int code, _, string error) = Run("rosenbrock", "--epochs");
        Assert.NotEqual(0, code);
        Assert.Contains("--epochs", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_told_by_its_option()
    {
        string file = temp.NewFile();
        (int code, _, string error) = Run("rosenbrock", "--out", file);
        Assert.Equal(1, code);
        Assert.Contains(
            $"rosenbrock: --out: no files can be written to the folder '{file}': there is a file of that name. Name another folder", error,
            StringComparison.Ordinal);
        (code, _, error) = Run("texts", "--results", Path.Combine(file, "folder"), "--only", "none");
        Assert.Equal(1, code);
        Assert.Contains("texts: --results: no files can be written", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_for_files_is_made_and_holds_no_more_than_these()
    {
        string folder = Path.Combine(temp.New(), "new", "one");
        (int code, _, string error) = Run("texts", "--results", folder, "--only", "none");
        Assert.True(code == 0, error);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public void Inference_without_data_says_what_is_missing()
    {
        string empty = temp.New();
        (int code, _, string error) = Run("saito-ch3-digits", "--data", empty);
        Assert.Equal(1, code);
        Assert.Contains("sample_weight.npz", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_named_but_missing_or_cannot_be_made_is_an_error()
    {
        string file = temp.NewFile();
        (int code, _, string error) = Run("digits", "--data", file + "-missing");
        Assert.Equal(1, code);
        Assert.Contains(file + "-missing", error, StringComparison.Ordinal);
        (code, _, error) = Run("rosenbrock", "--out", Path.Combine(file, "folder"));
        Assert.Equal(1, code);
        Assert.Contains("folder", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_of_numbers_finds_the_slopes_of_the_text()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/numbers.fsx");
        Assert.True(code == 0, output + error);
        Assert.Equal(
            [
                "c = 4 a + 5: slopes 4 by a, 1 by b (text 4, 1)", "d = (4 a + 3)(a + 2) at 3: 75, slope 35 (text 75, 35)",
                "by the library: 75, slope 35, curvature 8", "by differences: 35.0",
            ],
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }

    [DataFact("boston/boston_house_prices.csv")]
    public void Linear_regression_of_house_prices_makes_the_digits_of_the_text() => AllAgree("weidman-ch2-regression", 6);

    [DataFact("boston/boston_house_prices.csv")]
    public void Three_networks_for_house_prices_make_the_digits_of_the_text() => AllAgree("weidman-ch3-networks", 6);

    private static void AllAgree(string name, int comparisons)
    {
        (int code, string output, string error) = Run(name, "--json");
        Assert.True(code == 0, error);
        JsonElement[] rows = [.. Metrics(output).GetProperty("comparisons").EnumerateArray()];
        Assert.Equal(comparisons, rows.Length);
        Assert.All(rows, row => Assert.True(row.GetProperty("agrees").GetBoolean(), row.ToString()));
    }

    [Fact]
    public void The_script_that_composes_functions_learns_the_moons()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/compose.fsx");
        Assert.True(code == 0, output + error);
        string last = output.Split('\n').Last(line => line.StartsWith("step", StringComparison.Ordinal));
        double accuracy = double.Parse(last.Split("accuracy")[1], CultureInfo.InvariantCulture);
        Assert.True(accuracy > 0.97, output);
    }

    [Fact]
    public void The_script_that_samples_finds_what_made_the_data()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/hmc.fsx");
        Assert.True(code == 0, output + error);
        MatchCollection rows = Regex.Matches(output, @"^\S+(?: \d)? +(\S+), posterior +(\S+) \+- (\S+), R (\S+)$", RegexOptions.Multiline);
        Assert.Equal(5, rows.Count);
        Assert.All(rows, row =>
        {
            double[] numbers = [.. row.Groups.Values.Skip(1).Select(group => double.Parse(group.Value, CultureInfo.InvariantCulture))];
            Assert.True(Math.Abs(numbers[0] - numbers[1]) < 3 * numbers[2] && numbers[3] < 1.05, output);
        });
    }

    [Fact]
    public void The_script_of_gates_and_graphs_agrees_with_the_text()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/gates.fsx");
        Assert.True(code == 0, output + error);
        Assert.Equal(9, output.Split('✓').Length - 1);
        Assert.DoesNotContain("differs", output, StringComparison.Ordinal);
        Assert.Contains("CheckGrads: all derivatives", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_script_of_blocks_agrees_with_the_text()
    {
        (int code, string output, string error) = Script.Run("src/Examples/scripts/blocks.fsx");
        Assert.True(code == 0, output + error);
        Assert.Equal(5, output.Split('✓').Length - 1);
        Assert.DoesNotContain("differs", output, StringComparison.Ordinal);
        Assert.Contains("CheckGrads: all derivatives", output, StringComparison.Ordinal);
    }
}
