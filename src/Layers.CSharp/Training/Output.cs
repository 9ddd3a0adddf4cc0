using System.Globalization;
using Spectre.Console;

namespace Autodiff.Layers;

/// <summary>What a training run prints.</summary>
public enum Output
{
    /// <summary>A progress bar with loss, metrics, speed and time left in an interactive terminal; one plain line for
    /// each epoch when the output is redirected, or goes to another <see cref="Trainer.Writer"/>.</summary>
    Automatic,

    /// <summary>One plain line for each epoch.</summary>
    Plain,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>Prints the progress of a training run.</summary>
internal abstract class Reporter
{
    internal static Reporter For(Output output, TextWriter writer) => output switch
    {
        Output.None => new SilentReporter(),
        Output.Automatic when ReferenceEquals(writer, Console.Out) && !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive =>
            new TerminalReporter(AnsiConsole.Console),
        _ => new PlainReporter(writer),
    };

    /// <summary>Whether <see cref="OnProgress"/> shows anything.</summary>
    internal virtual bool IsLive => false;

    /// <summary>Runs the training under this output.</summary>
    internal virtual void Run(Action training) => training();

    internal virtual void OnProgress(TrainingProgress progress)
    {
    }

    internal abstract void OnEpoch(EpochRecord epoch, int epochs);

    /// <summary>An epoch as a line, in the invariant culture.</summary>
    internal static string Line(EpochRecord epoch, int? epochs = null)
    {
        var parts = new List<string> { Invariant($"epoch {epoch.Epoch}") + (epochs is { } all ? Invariant($"/{all}") : ""), Invariant($"loss {epoch.Loss:0.0000}") };
        parts.AddRange(epoch.Metrics.Select(metric => Invariant($"{metric.Key} {metric.Value:0.0000}")));
        if (epoch.ValidationLoss is { } loss) parts.Add(Invariant($"validation loss {loss:0.0000}"));
        parts.AddRange(epoch.ValidationMetrics.Select(metric => Invariant($"validation {metric.Key} {metric.Value:0.0000}")));
        parts.Add(Invariant($"{epoch.Steps / Math.Max(epoch.Seconds, 1e-9):0} steps/s"));
        parts.Add(Invariant($"{epoch.Seconds:0.00} s"));
        return string.Join("  ", parts);
    }

    private protected static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

internal sealed class SilentReporter : Reporter
{
    internal override void OnEpoch(EpochRecord epoch, int epochs)
    {
    }
}

/// <summary>One line for each epoch.</summary>
internal sealed class PlainReporter(TextWriter writer) : Reporter
{
    internal override void OnEpoch(EpochRecord epoch, int epochs) => writer.WriteLine(Line(epoch, epochs));
}

/// <summary>A progress bar below one line for each epoch.</summary>
internal sealed class TerminalReporter(IAnsiConsole console) : Reporter
{
    private ProgressTask? bar;

    internal override bool IsLive => true;

    internal override void Run(Action training) => console.Progress()
        .AutoClear(true)
        .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(context =>
        {
            bar = context.AddTask("starting");
            training();
        });

    internal override void OnProgress(TrainingProgress progress)
    {
        if (bar is null) return;
        bar.MaxValue = (double)progress.Epochs * progress.Steps;
        bar.Value = (progress.Epoch - 1.0) * progress.Steps + progress.Step;
        string metrics = string.Concat(progress.Metrics.Select(metric => Invariant($"  {metric.Key} {metric.Value:0.0000}")));
        bar.Description = Markup.Escape(
            Invariant($"epoch {progress.Epoch}/{progress.Epochs}  loss {progress.Loss:0.0000}{metrics}  ")
            + Invariant($"{progress.StepsPerSecond:0} steps/s  {progress.Remaining:hh\\:mm\\:ss} left"));
    }

    internal override void OnEpoch(EpochRecord epoch, int epochs) => console.WriteLine(Line(epoch, epochs));
}
