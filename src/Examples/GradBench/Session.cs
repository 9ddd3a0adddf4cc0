using System.Diagnostics;
using System.Text.Json;

namespace Autodiff.Examples.GradBench;

/// <summary>
/// A tool of the benchmark suite GradBench: one JSON message for each line of the input, one answer for each message. A
/// message starts the session, defines a module, evaluates a function of one, or reports what was thought of an answer.
/// </summary>
internal static class Session
{
    private static readonly IReadOnlyDictionary<string, Module> Modules = new[]
    {
        Hello.Module, Gmm.Module, BundleAdjustment.Module, HandTracking.Module, Lstm.Module, KMeans.Module,
        LogSumExp.Module, LeastSquares.Module, Ode.Module, Determinant.Module, Saddle.Module, Particle.Module,
    }.ToDictionary(module => module.Name);

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        int messages = 0;
        while (!settings.Cancellation.IsCancellationRequested && settings.Input.ReadLine() is { } line)
        {
            settings.Output.WriteLine(Answer(line, settings.Cancellation));
            settings.Output.Flush();
            messages++;
        }

        return new Dictionary<string, double> { ["messages"] = messages };
    }

    /// <summary>The answer to one message. What is wrong with a message is said in the answer.</summary>
    internal static string Answer(string message, CancellationToken cancellation = default)
    {
        JsonElement? id = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(message);
            JsonElement root = document.RootElement;
            id = root.GetProperty("id").Clone();
            return JsonSerializer.Serialize(Reply(id, root, cancellation), TensorConverter.Options);
        }
        catch (OperationCanceledException)
        {
            throw;
        }
        catch (Exception problem)
        {
            // Whatever fails in one evaluation, the next may succeed.
            string error = problem is KeyNotFoundException ? "the message lacks a property that it needs." : problem.Message;
            return JsonSerializer.Serialize(new { id, success = false, error });
        }
    }

    private static object Reply(JsonElement? id, JsonElement message, CancellationToken cancellation)
    {
        switch (message.GetProperty("kind").GetString())
        {
            case "start":
                return new { id, tool = "autodiff" };
            case "define":
                string name = message.GetProperty("module").GetString()!;
                return Modules.ContainsKey(name)
                    ? new { id, success = true }
                    : new { id, success = false, error = Unknown(name) };
            case "evaluate":
                return Evaluate(id, message, cancellation);
            default:
                return new { id };
        }
    }

    private static string Unknown(string module) => $"there is no module '{module}'; there are {string.Join(", ", Modules.Keys)}.";

    /// <summary>Runs a function as often and as long as the input asks, and times each run.</summary>
    private static object Evaluate(JsonElement? id, JsonElement message, CancellationToken cancellation)
    {
        string name = message.GetProperty("module").GetString()!;
        if (!Modules.TryGetValue(name, out Module? module)) return new { id, success = false, error = Unknown(name) };
        JsonElement input = message.GetProperty("input");
        long start = Stopwatch.GetTimestamp();
        Func<object> run = module.Prepare(message.GetProperty("function").GetString()!, input);
        var timings = new List<Timing> { Timing.Since("prepare", start) };

        (int runs, double seconds) = Repetitions(input);
        object output;
        TimeSpan elapsed = TimeSpan.Zero;
        do
        {
            cancellation.ThrowIfCancellationRequested();
            start = Stopwatch.GetTimestamp();
            output = run();
            Timing timing = Timing.Since("evaluate", start);
            timings.Add(timing);
            elapsed += TimeSpan.FromMicroseconds(timing.Nanoseconds / 1e3);
        }
        while (timings.Count <= runs || elapsed.TotalSeconds < seconds);

        return new { id, success = true, output, timings };
    }

    private static (int Runs, double Seconds) Repetitions(JsonElement input)
    {
        if (input.ValueKind != JsonValueKind.Object) return (1, 0);
        return (input.TryGetProperty("min_runs", out JsonElement runs) ? runs.GetInt32() : 1,
                input.TryGetProperty("min_seconds", out JsonElement seconds) ? seconds.GetDouble() : 1);
    }

    private sealed record Timing(string Name, long Nanoseconds)
    {
        internal static Timing Since(string name, long start) =>
            new(name, (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
    }
}
