using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Autodiff.Layers;

namespace Autodiff.Examples;

/// <summary>What a run of an example gave.</summary>
/// <param name="Example">The name of the example.</param>
/// <param name="Metrics">Its numbers.</param>
/// <param name="Comparisons">The numbers of its text beside ours.</param>
/// <param name="Seconds">How long it took.</param>
internal sealed record Result(
    string Example, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<Result.Row> Comparisons, double Seconds)
{
    private static readonly JsonSerializerOptions options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    /// <summary>A number of the text beside ours, as both are printed.</summary>
    internal sealed record Row(
        string Chapter, string What, string Text, string Ours, string How, bool Agrees, string Source = nameof(Autodiff.Examples.Source.Text));

    /// <summary>Runs an example.</summary>
    internal static Result Of(Example example, Settings settings)
    {
        if (settings.Out is { } folder) Directory.CreateDirectory(folder);
        long start = Stopwatch.GetTimestamp();
        IReadOnlyDictionary<string, double> metrics = example.Run(settings);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (settings.Comparisons is { Count: > 0 } all)
            settings.Output.WriteLine($"{all.Count(comparison => comparison.Agrees)} of {all.Count} comparisons with the text agree.");
        return new(
            example.Name, metrics,
            [.. settings.Comparisons.Select(c => new Row(c.Chapter, c.What, c.Text, c.Shown, c.How.ToString(), c.Agrees, c.Source.ToString()))], seconds);
    }

    /// <summary>The result as one line of JSON.</summary>
    internal string ToJson() => JsonSerializer.Serialize(this, options);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="DataFormatException">The file holds something else.</exception>
    internal static Result Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<Result>(File.ReadAllText(path), options) ?? throw new JsonException("it is null.");
        }
        catch (JsonException problem)
        {
            throw new DataFormatException($"{path} is not the result of an example: {problem.Message} Delete it, and it is made again.", problem);
        }
    }
}
