using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Autodiff.Layers;

namespace Autodiff.Examples;

/// <summary>One program for all examples: <c>list</c>, or the name of one with its options.</summary>
internal static class Program
{
    internal static int Main(string[] arguments)
    {
        using var interrupt = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            // The first Ctrl+C lets the example end in good order; the second ends the process.
            pressed.Cancel = !interrupt.IsCancellationRequested;
            interrupt.Cancel();
        };
        return Run(arguments, Console.In, Console.Out, Console.Error, interrupt.Token);
    }

    internal static int Run(
        string[] arguments, TextReader input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var root = new RootCommand("Examples of automatic differentiation in C# and F#.");
        var list = new Command("list", "Show the examples.");
        list.SetAction(_ =>
        {
            foreach (Example example in Catalog.All) output.WriteLine($"{example.Name,-28} {example.Summary}");
        });
        root.Subcommands.Add(list);
        foreach (Example example in Catalog.All) root.Subcommands.Add(CommandOf(example, input, output, error, cancellation));

        var configuration = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false };
        return root.Parse(arguments).Invoke(configuration);
    }

    private static object Row(Comparison comparison) => new
    {
        chapter = comparison.Chapter,
        what = comparison.What,
        text = comparison.Text,
        ours = comparison.Shown,
        how = comparison.How.ToString(),
        agrees = comparison.Agrees,
    };

    private static Command CommandOf(
        Example example, TextReader input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        var data = new Option<string?>("--data") { Description = "Folder with the data sets (default: the environment variable AUTODIFF_DATA)." };
        var seed = new Option<int>("--seed") { Description = "Seed of all random numbers.", DefaultValueFactory = _ => 0 };
        var epochs = new Option<int?>("--epochs") { Description = "Passes over the training data, or steps where there are none." };
        var batch = new Option<int?>("--batch") { Description = "Examples in one step." };
        var folder = new Option<string?>("--out") { Description = "Folder for what the example writes." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON: the name, the metrics, the seconds." };
        foreach (Option<int?> positive in new[] { epochs, batch })
        {
            positive.Validators.Add(result =>
            {
                // What is not a number is reported by the parser itself.
                if (result.Tokens is [{ Value: var text }] && int.TryParse(text, out int value) && value < 1)
                    result.AddError($"{positive.Name} must be at least 1.");
            });
        }

        var command = new Command(example.Name, example.Summary) { data, seed, epochs, batch, folder, json };
        command.SetAction(parsed =>
        {
            try
            {
                var settings = new Settings(input, output, cancellation)
                {
                    Data = DataDirectory.Find(parsed.GetValue(data)),
                    Seed = parsed.GetValue(seed),
                    Epochs = parsed.GetValue(epochs),
                    Batch = parsed.GetValue(batch),
                    Out = parsed.GetValue(folder),
                };
                if (settings.Out is { } target) Directory.CreateDirectory(target);
                long start = Stopwatch.GetTimestamp();
                IReadOnlyDictionary<string, double> metrics = example.Run(settings);
                double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                if (settings.Comparisons is { Count: > 0 } all)
                    output.WriteLine($"{all.Count(comparison => comparison.Agrees)} of {all.Count} comparisons with the text agree.");
                if (parsed.GetValue(json))
                    output.WriteLine(JsonSerializer.Serialize(new { example = example.Name, metrics, comparisons = settings.Comparisons.Select(Row), seconds }));
                return cancellation.IsCancellationRequested ? 130 : 0;
            }
            catch (OperationCanceledException)
            {
                error.WriteLine("Interrupted.");
                return 130;
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or DataFormatException or ArgumentException or TrainingException)
            {
                error.WriteLine($"{example.Name}: {problem.Message}");
                return 1;
            }
        });
        return command;
    }
}
