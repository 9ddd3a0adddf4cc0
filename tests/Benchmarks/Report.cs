using System.Globalization;
using System.Text;
using System.Text.Json;
using Autodiff.Kernels;

namespace Benchmarks;

/// <summary>The page of figures: what was measured, beside what the machine can do at most and what a peer needs.</summary>
internal static class Report
{
    /// <summary>The page as Markdown.</summary>
    /// <param name="times">The median times in microseconds by row and way, in one run.</param>
    /// <param name="limits">What the machine can do, measured in the same run.</param>
    /// <param name="peer">The times of the peer.</param>
    internal static string Markdown(IReadOnlyDictionary<Row, Dictionary<string, double>> times, Limits limits, Peer? peer)
    {
        string name = peer?.Name ?? "a peer";
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            # Performance

            Written by `dotnet fsi build.fsx bench --report docs/performance.md`, from one run; not edited by hand.

            **Machine.** {Workers.Count} threads on {Environment.ProcessorCount} processors, vectors of {Simd.Width} bits. Measured
            limits: {limits.Flops / 1e9:f0} GFLOP/s, the highest rate of multiplications and additions of float32 in registers on all
            threads, and {limits.Bytes / 1e9:f0} GB/s, the highest rate of reading and writing of a copy of {Workers.Count} times 64 MiB.
            Figures of a machine that does other work at the same time are worse and vary; those of two machines are not to be
            compared.

            **Method.** Each figure is the median time of one call, after a warm-up in which .NET compiles what it runs. Inputs are
            seeded random numbers, float32 unless the name says f64. *Eager* runs operation by operation, *compiled* through `Jit`
            (a training step with `Trainer.Compiled`). A training step is forward pass, loss, gradient and update, and reads the loss.
            The rate is that of the faster way: in GFLOP/s of the matrix product or convolution, of a training step those of all its
            products and convolutions, as `Profile` counts them, in the time of the whole step; in GB/s the bytes of inputs and
            results, which no order of operations can avoid. Its part of the limit can exceed 100 % for arrays that
            stay in a cache, and for convolutions of 3 by 3, which Winograd's algorithm does with fewer multiplications than are counted.
            Compiling is the first step of a new `Trainer` less a later one, once .NET has compiled the library itself.

            """);
        page.AppendLine();
        if (peer is not null)
        {
            page.AppendLine($"{name}'s times come from a run of its own: what moves between two runs is in the ratios too. The README has them of one run.");
            page.AppendLine();
        }

        page.AppendLine(peer is null
            ? "| benchmark | eager us | compiled us | rate | of the limit |"
            : $"| benchmark | eager us | compiled us | rate | of the limit | {name} us | it / eager | it / compiled |");
        page.AppendLine(peer is null ? "|---|--:|--:|--:|--:|" : "|---|--:|--:|--:|--:|--:|--:|--:|");
        foreach ((Row row, Dictionary<string, double> ways) in times)
        {
            double? eager = Of(ways, "eager"), compiled = Of(ways, "jit");
            (string rate, string part) = Rate(row.Work?.Invoke(), Math.Min(eager ?? double.MaxValue, compiled ?? double.MaxValue), limits);
            page.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {Time(eager)} | {Time(compiled)} | {rate} | {part} |");
            if (peer is not null)
            {
                double? theirs = peer.Times.TryGetValue(row.Name, out double time) ? time : null;
                page.Append(CultureInfo.InvariantCulture, $" {Time(theirs)} | {Ratio(theirs / eager)} | {Ratio(theirs / compiled)} |");
            }

            page.AppendLine();
        }

        page.Append("""

            ## Comparing

            `--peer FILE` puts a peer's times beside ours; a ratio above 1 says that the peer takes longer. The file is JSON of the
            form `{"name": "...", "us": {"matmul 1024": 12345.6}}`: microseconds of one call by the names of the rows above. Any
            script can make one; run it on the same quiet machine with the same number of threads (here `AUTODIFF_THREADS`), shortly
            before or after. With PyTorch:

            ```python
            import json, statistics, time, torch
            torch.set_num_threads(2)

            def us(call):
                for _ in range(3):
                    call()
                times = []
                for _ in range(50):
                    start = time.perf_counter()
                    call()
                    times.append((time.perf_counter() - start) * 1e6)
                return statistics.median(times)

            a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
            rows = {"matmul 1024": us(lambda: a @ b)}
            json.dump({"name": f"PyTorch {torch.__version__}", "us": rows}, open("peer.json", "w"))
            ```

            """);
        return page.ToString();
    }

    private static double? Of(Dictionary<string, double> ways, string way) => ways.TryGetValue(way, out double time) ? time : null;

    private static (string Rate, string Part) Rate(Work? work, double microseconds, Limits limits)
    {
        if (work is null) return ("", "");
        (double amount, double most, string unit) = work.Flops > 0
            ? (work.Flops, limits.Flops, "GFLOP/s")
            : (work.Bytes, limits.Bytes, "GB/s");
        double rate = amount / microseconds * 1e6;
        return (
            string.Create(CultureInfo.InvariantCulture, $"{rate / 1e9:f1} {unit}"),
            string.Create(CultureInfo.InvariantCulture, $"{100 * rate / most:f0} %"));
    }

    private static string Time(double? microseconds) =>
        microseconds is { } time ? time.ToString(time < 10 ? "f2" : time < 100 ? "f1" : "#,0", CultureInfo.InvariantCulture) : "";

    private static string Ratio(double? ratio) => ratio is { } value ? value.ToString("f2", CultureInfo.InvariantCulture) : "";
}

/// <summary>The times of a peer in microseconds, by row.</summary>
internal sealed record Peer(string Name, IReadOnlyDictionary<string, double> Times)
{
    /// <summary>Reads {"name": "...", "us": {row: microseconds}}.</summary>
    /// <exception cref="InvalidDataException">The file is not of this form.</exception>
    internal static Peer Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            string name = root.TryGetProperty("name", out JsonElement given) ? given.GetString()! : "the peer";
            return new(name, root.GetProperty("us").EnumerateObject().ToDictionary(row => row.Name, row => row.Value.GetDouble()));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{path}: a peer's file is JSON like {{\"name\": \"...\", \"us\": {{\"matmul 64\": 12.3}}}}: {error.Message}", error);
        }
    }
}
