using System.CommandLine;
using System.Globalization;
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
        root.Subcommands.Add(TextsCommand(input, output, error, cancellation));
        foreach (Example example in Catalog.All) root.Subcommands.Add(CommandOf(example, input, output, error, cancellation));

        var configuration = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false };
        return root.Parse(arguments).Invoke(configuration);
    }

    private static Command CommandOf(
        Example example, TextReader input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        Option<string?> data = DataOption();
        Option<int?> seed = WholeNumber("--seed", "Seed of all random numbers (default: 0).");
        Option<int?> epochs = WholeNumber("--epochs", "Passes over the training data, or steps where there are none.", least: 1);
        Option<int?> batch = WholeNumber("--batch", "Examples in one step.", least: 1);
        var folder = new Option<string?>("--out") { Description = "Folder for what the example writes." };
        var json = new Option<bool>("--json") { Description = "End with one line of JSON: the name, the metrics, the seconds." };
        var command = new Command(example.Name, example.Summary) { data, seed, epochs, batch, folder, json };
        command.SetAction(parsed => Guarded(example.Name, error, () =>
        {
            if (parsed.GetValue(folder) is { } path) MakeFolder(folder.Name, path);
            var settings = new Settings(input, output, cancellation)
            {
                Data = DataDirectory.Find(parsed.GetValue(data)),
                Seed = parsed.GetValue(seed) ?? 0,
                Epochs = parsed.GetValue(epochs),
                Batch = parsed.GetValue(batch),
                Out = parsed.GetValue(folder),
            };
            Result result = Result.Of(example, settings);
            if (parsed.GetValue(json)) output.WriteLine(result.ToJson());
            return cancellation.IsCancellationRequested ? 130 : 0;
        }));
        return command;
    }

    /// <summary>The command that runs the examples of the source texts and writes the page about them.</summary>
    private static Command TextsCommand(TextReader input, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        Option<string?> data = DataOption();
        var results = new Option<string>("--results") { Description = "Folder for results and pictures; what is there is not run again.", Required = true };
        var only = new Option<string>("--only") { Description = "Run only examples whose names contain this.", DefaultValueFactory = _ => "" };
        var page = new Option<string?>("--page") { Description = "The page to write, of all results that are there." };
        var sheet = new Option<string?>("--sheet") { Description = "The SVG file to write, of all their pictures." };
        var command = new Command("texts", "Run the examples of the source texts, and write the page that maps their chapters.") { data, results, only, page, sheet };
        command.SetAction(parsed => Guarded("texts", error, () =>
        {
            string root = parsed.GetValue(results)!;
            MakeFolder(results.Name, root);
            Example[] examples = [.. Catalog.All.Where(TextsPage.IsOfText)];
            foreach (Example example in examples.Where(one => one.Name.Contains(parsed.GetValue(only)!, StringComparison.Ordinal)))
            {
                string folder = Path.Combine(root, example.Name), kept = Path.Combine(folder, "result.json");
                if (File.Exists(kept)) continue;
                output.WriteLine($"== {example.Name}");
                var settings = new Settings(input, output, cancellation) { Data = DataDirectory.Find(parsed.GetValue(data)), Out = folder };
                string result = Result.Of(example, settings).ToJson();
                cancellation.ThrowIfCancellationRequested();
                Write(kept, result);
            }

            var all = examples
                .Select(example => (Example: example, Folder: Path.Combine(root, example.Name)))
                .Where(one => File.Exists(Path.Combine(one.Folder, "result.json")))
                .Select(one => (
                    one.Example, Result: Result.Read(Path.Combine(one.Folder, "result.json")),
                    Pictures: (IReadOnlyList<string>)[.. Directory.GetFiles(one.Folder, "*.svg").Order(StringComparer.Ordinal)]))
                .ToArray();
            if (parsed.GetValue(page) is { } target) Write(target, TextsPage.Markdown(all, File.Exists(target) ? File.ReadAllText(target) : ""));
            if (parsed.GetValue(sheet) is { } picture) Write(picture, TextsPage.Sheet([.. all.SelectMany(one => one.Pictures)]));
            output.WriteLine($"{all.Length} of {examples.Length} examples have results.");
            return 0;
        }));
        return command;
    }

    private static Option<string?> DataOption() =>
        new("--data") { Description = "Folder with the data sets (default: the environment variable AUTODIFF_DATA)." };

    private static Option<int?> WholeNumber(string name, string description, int least = int.MinValue) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = result.Tokens is [var token, ..] ? token.Value : "";
            if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value))
                result.AddError($"{name}: '{text}' is not a whole number{(long.TryParse(text, CultureInfo.InvariantCulture, out _) ? " of 32 bits" : "")}.");
            else if (value < least)
                result.AddError($"{name}: {value} is too small; it must be at least {least}.");
            return value;
        },
    };

    /// <summary>Makes the folder of an option, and sees to it that files can be written there before hours have gone into
    /// them.</summary>
    private static void MakeFolder(string option, string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            string probe = Path.Combine(path, Path.GetRandomFileName());
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            string reason = File.Exists(path) ? "there is a file of that name" : problem.Message.TrimEnd('.');
            throw new IOException($"{option}: no files can be written to the folder '{path}': {reason}. Name another folder, or one that can be made.", problem);
        }
    }

    /// <summary>Writes a file whole, or not at all.</summary>
    private static void Write(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Runs a command; what a user can mend is said in one line.</summary>
    private static int Guarded(string name, TextWriter error, Func<int> action)
    {
        try
        {
            return action();
        }
        catch (OperationCanceledException)
        {
            error.WriteLine("Interrupted.");
            return 130;
        }
        catch (TypeInitializationException problem) when (problem.GetBaseException() is ArgumentException setting)
        {
            // A setting of the environment, which the first kernel reads.
            error.WriteLine($"{name}: {setting.Message}");
            return 1;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or DataFormatException or ArgumentException or TrainingException)
        {
            error.WriteLine($"{name}: {problem.Message}");
            return 1;
        }
    }
}
