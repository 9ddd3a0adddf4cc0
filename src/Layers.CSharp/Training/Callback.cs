namespace Autodiff.Layers;

/// <summary>
/// What is done during a run. It judges by the history and the state that it is given and remembers nothing itself, so that
/// one callback may serve any number of runs, and a run that goes on from a checkpoint is judged as if it had not stopped.
/// </summary>
/// <remarks>
/// Callbacks are called in the order in which the trainer lists them. In a run: <see cref="OnStart"/>; before each epoch <see
/// cref="GoesOn"/>; after each step <see cref="OnStepEnd"/>; after each epoch, when it has been measured and written into the
/// history, <see cref="RateScale"/> and then <see cref="OnEpochEnd"/>; and <see cref="OnEnd"/>, also if the run was cancelled
/// or stopped. All are called even if one of them stops the run. What one throws ends the run at once: no other is called,
/// <see cref="OnEnd"/> neither, and the exception comes out of Fit.
/// </remarks>
public abstract class Callback
{
    /// <summary>Called before the first step.</summary>
    public virtual void OnStart(TrainingRun run)
    {
    }

    /// <summary>Called after each step; returns whether training goes on.</summary>
    public virtual bool OnStepEnd(TrainingRun run) => true;

    /// <summary>Whether it does something after each step: only then must the state of each step outlive the next.</summary>
    internal virtual bool WatchesSteps => ((Func<TrainingRun, bool>)OnStepEnd).Method.DeclaringType != typeof(Callback);

    /// <summary>Called after each epoch; returns whether training goes on.</summary>
    public virtual bool OnEpochEnd(TrainingRun run) => true;

    /// <summary>Called at the end, unless something was thrown.</summary>
    public virtual void OnEnd(TrainingRun run, TrainingResult result)
    {
    }

    /// <summary>Whether another epoch follows this history: for what stops a run by its results.</summary>
    public virtual bool GoesOn(History history) => true;

    /// <summary>What learning rates are multiplied by after this history. Those of all callbacks are multiplied.</summary>
    public virtual double RateScale(History history) => 1;

    /// <summary>Whether a loss that is infinite or NaN ends the run with the best model so far; otherwise it is thrown.</summary>
    public virtual bool Accepts(TrainingException error) => false;

    /// <summary>A callback that calls a function after each epoch, which returns whether training goes on.</summary>
    /// <example><code>
    /// Callbacks = [Callback.From((model, history) => history.Seconds &lt; 60)],
    /// </code></example>
    public static Callback From(Func<Model, History, bool> onEpochEnd)
    {
        ArgumentNullException.ThrowIfNull(onEpochEnd);
        return new FunctionCallback(null, run => onEpochEnd(run.Model, run.History));
    }

    /// <summary>A callback that calls functions after each step and after each epoch.</summary>
    /// <example><code>
    /// Callbacks = [Callback.From(onStepEnd: run => losses.Add(run.Loss))],
    /// </code></example>
    public static Callback From(Action<TrainingRun>? onStepEnd = null, Action<TrainingRun>? onEpochEnd = null) =>
        new FunctionCallback(Going(onStepEnd), Going(onEpochEnd));

    private static Func<TrainingRun, bool>? Going(Action<TrainingRun>? action) =>
        action is null
            ? null
            : run =>
            {
                action(run);
                return true;
            };

    private sealed class FunctionCallback(Func<TrainingRun, bool>? onStepEnd, Func<TrainingRun, bool>? onEpochEnd) : Callback
    {
        internal override bool WatchesSteps => onStepEnd is not null;

        public override bool OnStepEnd(TrainingRun run) => onStepEnd?.Invoke(run) ?? true;

        public override bool OnEpochEnd(TrainingRun run) => onEpochEnd?.Invoke(run) ?? true;
    }
}
