using System.Globalization;
using System.Text;

namespace Autodiff.Layers;

/// <summary>Stops training when no epoch has been better than the best for some epochs, by the <see
/// cref="Trainer.Criterion"/> of the trainer. The model that Fit returns is then that of the best epoch, if there are
/// validation data.</summary>
/// <param name="patience">The number of epochs to wait, at least 1.</param>
/// <param name="minimumChange">By how much an epoch must be better to count.</param>
/// <exception cref="ArgumentException">The patience is not positive, or the change is negative.</exception>
public sealed class EarlyStopping(int patience, double minimumChange = 0) : Callback
{
    private readonly int patience = Shapes.AtLeast(1, patience, nameof(EarlyStopping), nameof(patience));

    private readonly double minimumChange = minimumChange >= 0
        ? minimumChange
        : throw new ArgumentException($"EarlyStopping: minimumChange is {minimumChange}; it must not be negative.");

    /// <inheritdoc/>
    public override bool GoesOn(History history)
    {
        double best = double.PositiveInfinity;
        int waited = 0;
        foreach (EpochRecord epoch in history.Epochs)
        {
            double rank = history.Criterion.Rank(epoch);
            bool isBetter = rank < best - minimumChange;
            best = isBetter ? rank : best;
            waited = isBetter ? 0 : waited + 1;
        }

        return waited < patience;
    }
}

/// <summary>Lowers the learning rate when no epoch has been better than the best for some epochs, by the <see
/// cref="Trainer.Criterion"/> of the trainer: after more than <c>patience</c> epochs in a row that are not better, rates are
/// multiplied by the factor and the count starts again, as in PyTorch's ReduceLROnPlateau.</summary>
/// <param name="factor">What the rate is multiplied by, above 0 and below 1.</param>
/// <param name="patience">The number of epochs to wait, from 0 up.</param>
/// <param name="minimumChange">By how much an epoch must be better to count.</param>
/// <param name="cooldown">The number of epochs after a change that do not count.</param>
/// <param name="minimumScale">The smallest product of factors.</param>
/// <exception cref="ArgumentException">A number lies outside its range.</exception>
public sealed class ReduceOnPlateau(
    double factor = 0.1, int patience = 10, double minimumChange = 1e-4, int cooldown = 0, double minimumScale = 0) : Callback
{
    private readonly double factor = factor == 0
        ? throw new ArgumentException("ReduceOnPlateau: factor is 0; it must be above 0.")
        : Shapes.Fraction(factor, nameof(ReduceOnPlateau), nameof(factor));

    private readonly int patience = Shapes.AtLeast(0, patience, nameof(ReduceOnPlateau), nameof(patience));
    private readonly int cooldown = Shapes.AtLeast(0, cooldown, nameof(ReduceOnPlateau), nameof(cooldown));

    private readonly double minimumChange = minimumChange >= 0
        ? minimumChange
        : throw new ArgumentException($"ReduceOnPlateau: minimumChange is {minimumChange}; it must not be negative.");

    /// <inheritdoc/>
    public override double RateScale(History history)
    {
        double best = double.PositiveInfinity, scale = 1;
        int waited = 0, resting = 0;
        foreach (EpochRecord epoch in history.Epochs)
        {
            double rank = history.Criterion.Rank(epoch);
            bool isBetter = rank < best - minimumChange;
            best = isBetter ? rank : best;
            waited = isBetter ? 0 : waited + 1;
            if (resting > 0) (resting, waited) = (resting - 1, 0);
            if (waited <= patience) continue;
            scale = Math.Max(minimumScale, scale * factor);
            (resting, waited) = (cooldown, 0);
        }

        return scale;
    }
}

/// <summary>Ends a run whose loss becomes infinite or NaN with the best model so far, or without validation data that before
/// the step, instead of an exception, which <see cref="TrainingResult.Failure"/> holds.</summary>
public sealed class StopOnNaN : Callback
{
    /// <inheritdoc/>
    public override bool Accepts(TrainingException error) => true;
}

/// <summary>Saves the model to a file after each epoch that is the best so far. A failed save leaves the file as it
/// was.</summary>
/// <param name="path">The file, in the safetensors format.</param>
/// <param name="criterion">What ranks epochs; null for that of the trainer.</param>
/// <exception cref="ArgumentException">The path is empty.</exception>
public sealed class ModelCheckpoint(string path, Criterion? criterion = null) : Callback
{
    private readonly string path = Paths.NotEmpty(path, nameof(ModelCheckpoint));

    /// <inheritdoc/>
    public override bool OnEpochEnd(TrainingRun run)
    {
        History history = run.History with { Criterion = criterion ?? run.History.Criterion };
        if (ReferenceEquals(history.Best, history.Epochs[^1])) run.Model.Save(path);
        return true;
    }
}

/// <summary>Saves the model after each epoch to a file of its own, and keeps those of the last few epochs.</summary>
/// <param name="path">The files, in the safetensors format, with the place of the number of the epoch:
/// <c>"digits-{epoch}.safetensors"</c>.</param>
/// <param name="count">The number of files to keep, at least 1.</param>
/// <exception cref="ArgumentException">The path has no place for the number, or the count is not positive.</exception>
public sealed class RecentModels(string path, int count) : Callback
{
    private const string Place = "{epoch}";
    private readonly int count = Shapes.AtLeast(1, count, nameof(RecentModels), nameof(count));

    private readonly string path = Paths.NotEmpty(path, nameof(RecentModels)).Contains(Place, StringComparison.Ordinal)
        ? path
        : throw new ArgumentException($"RecentModels: the path '{path}' does not say where the number of the epoch goes; put {Place} into it.");

    /// <inheritdoc/>
    public override bool OnEpochEnd(TrainingRun run)
    {
        run.Model.Save(PathOf(run.Epoch));
        if (run.Epoch > count) File.Delete(PathOf(run.Epoch - count));
        return true;
    }

    private string PathOf(int epoch) => path.Replace(Place, epoch.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}

/// <summary>Saves all that a run needs to go on, after each epoch, when it is cancelled, and if wanted after every so many
/// steps, to one file, which is replaced each time. <see cref="TrainingRun.Save"/> says what it holds.</summary>
/// <param name="path">The file, in the safetensors format.</param>
/// <param name="everySteps">The number of steps from save to save; null for none within epochs.</param>
/// <exception cref="ArgumentException">The path is empty, or the number not positive.</exception>
/// <example><code>
/// string file = "run.safetensors";
/// var trainer = new Trainer(network, loss, optimizer) { Callbacks = [new TrainingCheckpoint(file, everySteps: 1000)] };
/// trainer.Fit(train, epochs: 20, resumeFrom: File.Exists(file) ? file : null);
/// </code></example>
public sealed class TrainingCheckpoint(string path, int? everySteps = null) : Callback
{
    private readonly string path = Paths.NotEmpty(path, nameof(TrainingCheckpoint));

    private readonly int? everySteps = everySteps is { } steps
        ? Shapes.AtLeast(1, steps, nameof(TrainingCheckpoint), nameof(everySteps))
        : null;

    /// <inheritdoc/>
    public override bool OnStepEnd(TrainingRun run)
    {
        if (everySteps is { } steps && run.State.Step % steps == 0) run.Save(path);
        return true;
    }

    /// <inheritdoc/>
    public override bool OnEpochEnd(TrainingRun run)
    {
        run.Save(path);
        return true;
    }

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run, TrainingResult result)
    {
        if (result.Cancelled) run.Save(path);
    }
}

/// <summary>Writes the history to a file of comma-separated values after each epoch: one line for each, with the learning
/// rate of its first step, the loss, the metrics, and those of the validation data. The file is replaced each time, so that
/// it is always whole.</summary>
/// <param name="path">The file.</param>
/// <exception cref="ArgumentException">The path is empty.</exception>
public sealed class CsvLog(string path) : Callback
{
    private readonly string path = Paths.NotEmpty(path, nameof(CsvLog));

    /// <inheritdoc/>
    public override bool OnEpochEnd(TrainingRun run)
    {
        string text = Text(run.History);
        DataFile.Replace(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        return true;
    }

    private static string Text(History history)
    {
        EpochRecord first = history.Epochs[0];
        bool isValidated = first.ValidationLoss is not null;
        var names = new List<string> { "epoch", "learning rate", "loss" };
        names.AddRange(first.Metrics.Keys);
        if (isValidated) names.Add("validation loss");
        names.AddRange(first.ValidationMetrics.Keys.Select(name => $"validation {name}"));
        names.AddRange(["steps", "seconds"]);
        var text = new StringBuilder();
        text.AppendJoin(',', names.Select(Quoted)).Append('\n');
        foreach (EpochRecord epoch in history.Epochs)
        {
            List<double> row = [epoch.Epoch, epoch.LearningRate, epoch.Loss, .. epoch.Metrics.Values];
            if (isValidated) row.Add(epoch.ValidationLoss ?? double.NaN);
            row.AddRange(epoch.ValidationMetrics.Values);
            row.AddRange([epoch.Steps, epoch.Seconds]);
            text.AppendJoin(',', row.Select(value => value.ToString("R", CultureInfo.InvariantCulture))).Append('\n');
        }

        return text.ToString();
    }

    private static string Quoted(string name) =>
        name.AsSpan().ContainsAny(',', '"', '\n') ? $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : name;
}

internal static class Paths
{
    internal static string NotEmpty(string path, string owner) =>
        string.IsNullOrWhiteSpace(path) ? throw new ArgumentException($"{owner}: the path is empty; name a file.") : path;
}
