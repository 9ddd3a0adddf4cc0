using System.Diagnostics;
using System.Globalization;
using System.Text;
using Autodiff.Kernels;

namespace Autodiff.Layers;

/// <summary>Searches of the hyperparameters for which a score is best.</summary>
/// <remarks>Trials run at the same time, one on each thread of the kernels' pool, so that the kernels of a trial keep to its
/// thread and no more threads work than there are. Results do not depend on the number of threads. An objective must not
/// change what others read, and a trainer in it prints nothing with <see cref="Output.None"/>.</remarks>
public static class HyperparameterSearch
{
    /// <summary>Trials with values drawn at random.</summary>
    /// <param name="space">What to draw.</param>
    /// <param name="trials">The number of trials, at least 1.</param>
    /// <param name="objective">The score of a trial.</param>
    /// <param name="seed">What decides the values, and the keys of the trials: the same seed gives the same trials.</param>
    /// <param name="isLargestBest">Whether a larger score is better, as for accuracy; otherwise a smaller, as for a
    /// loss.</param>
    /// <param name="progress">Receives each trial when it ends, in no order.</param>
    /// <param name="cancellationToken">Ends the search after the trials that run; those that ended are returned. Hand it
    /// to what the objective calls to end sooner.</param>
    /// <exception cref="ArgumentException">There is nothing to draw, a name is used twice, or the number is not
    /// positive.</exception>
    /// <example><code>
    /// SearchResult found = HyperparameterSearch.Random(
    ///     [Hyperparameter.LogUniform("rate", 1e-4, 1e-1), Hyperparameter.Choice("units", 32, 64, 128)], trials: 20,
    ///     trial => Train(trial["rate"], trial.Get&lt;int&gt;("units")), isLargestBest: true);
    /// Console.WriteLine(found);
    /// </code></example>
    public static SearchResult Random(
        IReadOnlyList<Hyperparameter> space, int trials, Func<Trial, double> objective, int seed = 0, bool isLargestBest = false,
        IProgress<TrialResult>? progress = null, CancellationToken cancellationToken = default)
    {
        Check(nameof(Random), space, objective);
        Shapes.AtLeast(1, trials, nameof(Random), nameof(trials));
        var key = new Key(seed);
        double[] numbers = key.FoldIn(0).Uniform([trials, space.Count], dtype: DType.Float64).ToArray<double>();
        return Run(
            space, trials, key, (trial, i) => space[i].Draw(numbers[trial * space.Count + i]), objective, isLargestBest, progress,
            cancellationToken);
    }

    /// <summary>One trial for each combination of values, the values of the last hyperparameter changing fastest.</summary>
    /// <param name="space">The hyperparameters, each a choice.</param>
    /// <param name="objective">The score of a trial.</param>
    /// <param name="seed">What decides the keys of the trials.</param>
    /// <param name="isLargestBest">Whether a larger score is better; otherwise a smaller.</param>
    /// <param name="progress">Receives each trial when it ends, in no order.</param>
    /// <param name="cancellationToken">Ends the search after the trials that run; those that ended are returned.</param>
    /// <exception cref="ArgumentException">There are no hyperparameters, a name is used twice, or one is a range.</exception>
    public static SearchResult Grid(
        IReadOnlyList<Hyperparameter> space, Func<Trial, double> objective, int seed = 0, bool isLargestBest = false,
        IProgress<TrialResult>? progress = null, CancellationToken cancellationToken = default)
    {
        Check(nameof(Grid), space, objective);
        if (space.FirstOrDefault(setting => setting.Values.Count == 0) is { } range)
            throw new ArgumentException($"Grid: '{range.Name}' is a range, which has no values to combine; use Choice, or a random search.");
        int trials = space.Aggregate(1, (count, setting) => checked(count * setting.Values.Count));
        object Value(int trial, int i)
        {
            for (int k = space.Count - 1; k > i; k--) trial /= space[k].Values.Count;
            return space[i].Values[trial % space[i].Values.Count];
        }

        return Run(space, trials, new(seed), Value, objective, isLargestBest, progress, cancellationToken);
    }

    private static SearchResult Run(
        IReadOnlyList<Hyperparameter> space, int trials, Key key, Func<int, int, object> value, Func<Trial, double> objective,
        bool isLargestBest, IProgress<TrialResult>? progress, CancellationToken token)
    {
        Key[] keys = key.FoldIn(1).Split(trials);
        var results = new TrialResult?[trials];
        Workers.For(trials, number =>
        {
            if (token.IsCancellationRequested) return;
            var values = new OrderedDictionary<string, object>();
            for (int i = 0; i < space.Count; i++) values.Add(space[i].Name, value(number, i));
            var trial = new Trial(number, keys[number], values);
            var clock = Stopwatch.StartNew();
            TrialResult result;
            try
            {
                result = new(trial, objective(trial), clock.Elapsed.TotalSeconds, null);
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A trial that fails, such as one that diverges, is a result like others.
                result = new(trial, double.NaN, clock.Elapsed.TotalSeconds, error);
            }

            results[number] = result;
            progress?.Report(result);
        });
        return new([.. space.Select(setting => setting.Name)], [.. results.OfType<TrialResult>()], isLargestBest, token.IsCancellationRequested);
    }

    private static void Check(string owner, IReadOnlyList<Hyperparameter> space, Func<Trial, double> objective)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(objective);
        if (space.Count == 0) throw new ArgumentException($"{owner}: there are no hyperparameters to search.");
        if (space.GroupBy(setting => setting.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"{owner}: the name '{twice.Key}' is used twice.");
    }
}

/// <summary>What a trial gave.</summary>
/// <param name="Trial">The trial.</param>
/// <param name="Score">Its score; NaN if it failed.</param>
/// <param name="Seconds">Its time.</param>
/// <param name="Error">What it threw; null otherwise.</param>
public sealed record TrialResult(Trial Trial, double Score, double Seconds, Exception? Error);

/// <summary>The trials of a search, the best first, at ties in the order of their numbers; scores that are NaN, of trials
/// that failed, come last. It prints as a table.</summary>
public sealed class SearchResult
{
    private readonly IReadOnlyList<string> names;

    internal SearchResult(IReadOnlyList<string> names, IReadOnlyList<TrialResult> trials, bool isLargestBest, bool cancelled)
    {
        this.names = names;
        double sign = isLargestBest ? -1 : 1;
        Trials = [.. trials.OrderBy(trial => double.IsNaN(trial.Score)).ThenBy(trial => sign * trial.Score)];
        Cancelled = cancelled;
    }

    /// <summary>The trials, the best first.</summary>
    public IReadOnlyList<TrialResult> Trials { get; }

    /// <summary>Whether the search was cancelled.</summary>
    public bool Cancelled { get; }

    /// <summary>The best trial; null if all failed, or the search was cancelled before the first ended.</summary>
    public TrialResult? Best => Trials.Count > 0 && !double.IsNaN(Trials[0].Score) ? Trials[0] : null;

    /// <summary>Writes the trials as comma-separated values, the best first; the file is replaced in one step.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveCsv(string path)
    {
        IEnumerable<string> lines = Rows(exact: true).Select(row => string.Join(',', row.Select(
            field => field.AsSpan().ContainsAny(',', '"', '\n') ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field)));
        DataFile.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n")));
    }

    /// <summary>The trials as a table.</summary>
    public override string ToString()
    {
        string[][] rows = [.. Rows(exact: false)];
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(row => row[column].Length))];
        return string.Join('\n', rows.Select(row => string.Join("  ", row.Select((field, i) => field.PadRight(widths[i]))).TrimEnd())) + "\n";
    }

    private IEnumerable<string[]> Rows(bool exact)
    {
        string Number(double value, string format) => value.ToString(exact ? "R" : format, CultureInfo.InvariantCulture);
        yield return ["trial", .. names, "score", "seconds", "error"];
        foreach (TrialResult result in Trials)
        {
            yield return
            [
                result.Trial.Number.ToString(CultureInfo.InvariantCulture),
                .. names.Select(name => result.Trial.Values[name] is double value ? Number(value, "G4") : Trial.Format(result.Trial.Values[name])),
                Number(result.Score, "0.0000"), Number(result.Seconds, "0.00"), result.Error?.Message.Split('\n')[0] ?? "",
            ];
        }
    }
}
