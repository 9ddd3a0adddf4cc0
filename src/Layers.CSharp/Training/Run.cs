using System.Diagnostics;

namespace Autodiff.Layers;

/// <summary>One call of Fit.</summary>
internal sealed class Run(
    Trainer trainer, Pipeline train, Dataset? validation, int epochs, int seed, IProgress<TrainingProgress>? progress,
    Reporter reporter, CancellationToken token)
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly int[] inputShape = train.InputShape;
    private EpochRecord[] records = [];
    private readonly Metric[] validationMetrics = [Metric.From(trainer.Loss), .. trainer.Metrics];
    private readonly MetricSums metrics = new(trainer.Metrics);
    private readonly Key key = new(seed);
    private TimeSpan nextReport = ReportInterval;
    private readonly Callback[] stepCallbacks = [.. trainer.Callbacks.Where(callback => callback.WatchesSteps)];
    private readonly BatchBuffer? buffer = trainer.Compiled && train.IsPlain ? new(train.Data, train.BatchSize, train.DropLast) : null;
    private StepRunner runner = null!;
    private Parameters? best;
    private double rate;

    // The epoch that runs: the steps made, their losses and examples, and the time before this process.
    private int step;
    private double lossSum;
    private long examples;
    private double secondsBefore;
    private TimeSpan epochStart;
    private double lastLoss = double.NaN;
    private int stepsHere;

    internal TrainingResult? Result { get; private set; }

    private History History => new(records) { Criterion = trainer.Criterion };

    /// <summary>Finds the state to start from.</summary>
    internal void Begin(Parameters? initial, string? resumeFrom)
    {
        runner = new(trainer, trainer.Start(key.FoldIn(0), inputShape, initial), keepsOutputs: trainer.Metrics.Count > 0);
        if (resumeFrom is null) return;
        Snapshot found = Snapshot.Load(resumeFrom, runner.State, train, seed, trainer.Metrics.Count);
        runner.State = found.State;
        best = found.Best;
        records = found.Position.Epochs;
        (step, rate, lossSum, examples, secondsBefore) =
            (found.Position.Step, found.Position.LearningRate, found.Position.LossSum, found.Position.Examples, found.Position.Seconds);
        metrics.Restore(found.Position.MetricSums);
    }

    internal void Execute()
    {
        foreach (Callback callback in trainer.Callbacks) callback.OnStart(Now(records.Length + 1));
        bool isStopped = false;
        TrainingException? failure = null;
        while (records.Length < epochs && !isStopped && !token.IsCancellationRequested)
        {
            History history = History;
            if (!trainer.Callbacks.All(callback => callback.GoesOn(history)))
            {
                isStopped = true;
                break;
            }

            try
            {
                if (!RunEpoch(records.Length + 1, ref isStopped)) break;
            }
            catch (TrainingException error) when (trainer.Callbacks.Any(callback => callback.Accepts(error)))
            {
                failure = error;
                break;
            }
        }

        bool wasCut = records.Length < epochs;
        bool isCancelled = wasCut && !isStopped && failure is null;
        TrainingState state = runner.State;
        Result = new(ModelOf(wasCut && best is not null ? best : state.Parameters), History, isCancelled)
        {
            State = state,
            Failure = failure,
        };
        TrainingRun last = Now(Math.Min(records.Length + 1, epochs));
        foreach (Callback callback in trainer.Callbacks) callback.OnEnd(last, Result);
    }

    /// <summary>What is left of one pass over the training data; false if it was cut off.</summary>
    private bool RunEpoch(int epoch, ref bool isStopped)
    {
        using Activity? span = Telemetry.Source.StartActivity("autodiff.epoch")?.SetTag("autodiff.epoch", epoch);
        epochStart = clock.Elapsed;
        if (step == 0) rate = trainer.Optimizer.LearningRate(runner.State.Optimizer);

        // A compiled step does not look at its rate.
        if (!(rate >= 0 && double.IsFinite(rate)))
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"Fit: the learning rate of epoch {epoch} is {rate}; it must be a number from 0 up: mend the schedule."));
        }

        Key order = key.FoldIn(epoch);
        foreach (Batch batch in buffer?.Batches(train.IsShuffled ? order : null, step) ?? train.Batches(order, step))
        {
            if (token.IsCancellationRequested) return false;
            double loss = runner.Step(batch, buffer is not null, out Tensor? output);
            if (!double.IsFinite(loss)) throw NotFinite(epoch, step + 1, loss, batch);
            step++;
            stepsHere++;
            int count = batch.Inputs.Shape[0];
            lastLoss = loss;
            lossSum += loss * count;
            examples += count;
            if (trainer.Metrics.Count > 0) metrics.Add(output!, buffer is null ? batch.Targets : batch.Targets.Copy());
            if ((progress is not null || reporter.IsLive) && (clock.Elapsed >= nextReport || step == train.Steps)) Report(epoch);
            if (stepCallbacks.Length == 0) continue;
            TrainingRun now = Now(epoch);
            foreach (Callback callback in stepCallbacks) isStopped |= !callback.OnStepEnd(now);
            if (isStopped) return false;
        }

        IReadOnlyDictionary<string, double>? measured;
        try
        {
            measured = validation is null
                ? null
                : ModelOf(runner.State.Parameters).Evaluate(validation, validationMetrics, cancellationToken: token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            return false;
        }

        EndEpoch(epoch, measured);
        TrainingRun ended = Now(epoch);
        reporter.OnEpoch(records[^1], epochs);
        foreach (Callback callback in trainer.Callbacks) isStopped |= !callback.OnEpochEnd(ended);
        return true;
    }

    /// <summary>Writes the epoch down, and makes ready for the next.</summary>
    private void EndEpoch(int epoch, IReadOnlyDictionary<string, double>? measured)
    {
        var record = new EpochRecord(
            epoch, lossSum / examples, trainer.Metrics.Count > 0 ? metrics.Values() : new Dictionary<string, double>(),
            measured?[trainer.Loss.Name],
            measured is null ? [] : trainer.Metrics.ToDictionary(metric => metric.Name, metric => measured[metric.Name]),
            step, Seconds)
        {
            LearningRate = rate,
        };
        records = [.. records, record];
        History history = History;
        TrainingState state = runner.State;
        if (validation is not null && ReferenceEquals(history.Best, record)) best = state.Parameters;
        double scale = trainer.Callbacks.Aggregate(1.0, (product, callback) => product * callback.RateScale(history));
        runner.State = state with { Optimizer = state.Optimizer.WithRateScale(scale) };
        (step, lossSum, examples, secondsBefore, epochStart) = (0, 0, 0, 0, clock.Elapsed);
        metrics.Restore(new double[]?[trainer.Metrics.Count]);
    }

    private double Seconds => secondsBefore + (clock.Elapsed - epochStart).TotalSeconds;

    private TrainingRun Now(int epoch)
    {
        TrainingState state = runner.State;
        var position = new Position
        {
            Seed = seed,
            BatchSize = train.BatchSize,
            IsShuffled = train.IsShuffled,
            DropLast = train.DropLast,
            DataCount = train.Data.Count,
            InputShape = inputShape,
            Steps = state.Step,
            Step = step,
            LearningRate = rate,
            LossSum = lossSum,
            Examples = examples,
            MetricSums = metrics.Sums,
            Seconds = Seconds,
            Epochs = records,
        };
        return new(trainer, new(state, best, position), History, epoch, epochs, step, train.Steps, lastLoss, ModelOf);
    }

    private void Report(int epoch)
    {
        TimeSpan elapsed = clock.Elapsed;
        nextReport = elapsed + ReportInterval;
        long left = (long)(epochs - epoch + 1) * train.Steps - step;
        var report = new TrainingProgress(
            epoch, epochs, step, train.Steps, lossSum / examples, metrics.Values(), stepsHere / elapsed.TotalSeconds, elapsed,
            elapsed * ((double)left / stepsHere));
        reporter.OnProgress(report);
        progress?.Report(report);
    }

    private Model ModelOf(Parameters parameters) => new(trainer.Network, parameters, inputShape);

    private static TrainingException NotFinite(int epoch, int step, double loss, Batch batch)
    {
        bool isInputBad = batch.Inputs.DType.IsFloat() && !AllFinite(batch.Inputs);
        bool isTargetBad = batch.Targets.DType.IsFloat() && !AllFinite(batch.Targets);
        string cause = isInputBad || isTargetBad
            ? $"The {(isInputBad ? "inputs" : "targets")} of this batch hold NaN or infinite numbers: clean the data."
            : "The data of this batch are finite, so the parameters have diverged: lower the learning rate, scale the inputs to "
            + "about -1 to 1, or clip gradients (Chain with ClipByNorm).";
        return new(
            epoch, step, loss,
            FormattableString.Invariant($"Fit: the loss is {loss} in epoch {epoch}, step {step}. {cause}"));
    }

    private static bool AllFinite(Tensor values) => double.IsFinite((values - values).Sum().ToDouble());
}
