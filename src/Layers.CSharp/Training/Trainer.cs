using System.Diagnostics;

namespace Autodiff.Layers;

/// <summary>Where training stands: all that a step needs and changes. It is immutable.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="Optimizer">The state of the optimizer.</param>
/// <param name="Key">The source of randomness; each step derives its own from it and from its number.</param>
public sealed record TrainingState(Parameters Parameters, OptimizerState Optimizer, Key Key);

/// <summary>What a training step gives.</summary>
/// <param name="State">The state after the step.</param>
/// <param name="Loss">The loss of the batch before the step.</param>
/// <param name="Output">The output of the network before the step.</param>
public readonly record struct TrainingStep(TrainingState State, double Loss, Tensor Output);

/// <summary>
/// Trains a network: for each batch, the gradient of the loss by reverse mode and a step of the optimizer. It is a
/// description; neither it nor the network is changed by training.
/// </summary>
/// <param name="network">The network.</param>
/// <param name="loss">What is made small.</param>
/// <param name="optimizer">How parameters follow gradients.</param>
/// <example><code>
/// var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(1e-3)) { Metrics = [Metrics.Accuracy] };
/// TrainingResult result = trainer.Fit(train, validation, epochs: 20, batchSize: 100);
/// Tensor logits = result.Model.Predict(images);
/// </code></example>
public sealed class Trainer(Layer network, Loss loss, Optimizer optimizer)
{
    private static readonly TimeSpan ReportInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>The network.</summary>
    public Layer Network { get; } = network ?? throw new ArgumentNullException(nameof(network));

    /// <summary>What is made small.</summary>
    public Loss Loss { get; } = loss ?? throw new ArgumentNullException(nameof(loss));

    /// <summary>How parameters follow gradients.</summary>
    public Optimizer Optimizer { get; } = optimizer ?? throw new ArgumentNullException(nameof(optimizer));

    /// <summary>What is measured besides the loss, on the training batches and on the validation data.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>What is done after each epoch, in order.</summary>
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>What is printed.</summary>
    public Output Output { get; init; }

    /// <summary>The state before the first step.</summary>
    /// <param name="key">The source of randomness of parameters and dropout.</param>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <param name="parameters">The parameters to start from; by default the network initializes them.</param>
    /// <exception cref="ArgumentException">The network does not take inputs of this shape.</exception>
    public TrainingState Start(Key key, int[] inputShape, Parameters? parameters = null)
    {
        parameters ??= Network.Initialize(key.FoldIn(0), inputShape);
        return new(parameters, Optimizer.Init(parameters), key.FoldIn(1));
    }

    /// <summary>One step on a batch: what a loop of one's own repeats.</summary>
    /// <exception cref="ArgumentException">The shapes of the batch do not fit the network or the loss.</exception>
    public TrainingStep Step(TrainingState state, Batch batch)
    {
        Context context = Context.Training(state.Key.FoldIn(state.Optimizer.Step));
        (Tensor loss, (Tensor output, Parameters updated), Parameters gradients) = Gradient.ValueAndGradAux(
            (Parameters trainable) =>
            {
                (Tensor output, Parameters updated) = Network.ApplyAndUpdate(
                    state.Parameters.WithTrainable(trainable), batch.Inputs, context);
                return (Loss.Of(output, batch.Targets), (output, updated));
            })(state.Parameters.Trainable);
        (Parameters next, OptimizerState optimizerState) = Optimizer.Update(gradients, state.Optimizer, state.Parameters.Trainable);
        return new(
            state with { Parameters = updated.WithTrainable(next), Optimizer = optimizerState }, loss.ToDouble(), output);
    }

    /// <summary>Trains the network on all batches of a data set, shuffled, some number of times.</summary>
    /// <param name="train">The training data, at least one example.</param>
    /// <param name="validation">Data that is measured after each epoch; null for none.</param>
    /// <param name="epochs">The number of passes over the training data.</param>
    /// <param name="batchSize">The number of examples of a step; the last step of an epoch may have fewer.</param>
    /// <param name="seed">What decides all that is random: the same seed gives the same bits on any number of
    /// threads.</param>
    /// <param name="initial">The parameters to start from, such as those of an earlier run; by default the network
    /// initializes them.</param>
    /// <param name="progress">Receives where the run stands some ten times a second and after each epoch.</param>
    /// <param name="cancellationToken">Ends the run after the current step. The best model so far is returned; nothing
    /// is thrown.</param>
    /// <exception cref="ArgumentException">The data are empty or do not fit, or a number is not positive.</exception>
    /// <exception cref="TrainingException">The loss became infinite or NaN.</exception>
    public TrainingResult Fit(
        Dataset train, Dataset? validation = null, int epochs = 1, int batchSize = 32, int seed = 0, Parameters? initial = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        Shapes.AtLeast(1, epochs, "Fit", nameof(epochs));
        Shapes.AtLeast(1, batchSize, "Fit", nameof(batchSize));
        if (train.Count == 0) throw new ArgumentException("Fit: the training data are empty; give at least one example.");
        if (validation is { Count: 0 })
            throw new ArgumentException("Fit: the validation data are empty; give at least one example, or none at all (null).");

        Reporter reporter = Reporter.For(Output);
        var run = new Run(this, train, validation, epochs, batchSize, seed, initial, progress, reporter, cancellationToken);
        reporter.Run(run.Execute);
        return run.Result!;
    }

    /// <summary>One call of <see cref="Fit"/>.</summary>
    private sealed class Run(
        Trainer trainer, Dataset train, Dataset? validation, int epochs, int batchSize, int seed, Parameters? initial,
        IProgress<TrainingProgress>? progress, Reporter reporter, CancellationToken token)
    {
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly int[] inputShape = train.Inputs.Shape[1..];
        private readonly int stepsPerEpoch = (train.Count - 1) / batchSize + 1;
        private readonly List<EpochRecord> records = [];
        private readonly Metric[] validationMetrics = [Metric.From(trainer.Loss), .. trainer.Metrics];
        private TimeSpan nextReport = ReportInterval;
        private TrainingState state = null!;
        private Parameters? best;

        internal TrainingResult? Result { get; private set; }

        internal void Execute()
        {
            var key = new Key(seed);
            state = trainer.Start(key.FoldIn(0), inputShape, initial);
            bool goesOn = true;
            int epoch = 1;
            for (; epoch <= epochs && goesOn && !token.IsCancellationRequested; epoch++)
            {
                EpochRecord? record = RunEpoch(epoch, key.FoldIn(epoch));
                if (record is null) break;
                records.Add(record);
                if (validation is not null && ReferenceEquals(History().Best, record)) best = state.Parameters;
                reporter.OnEpoch(record, epochs);
                Model model = ModelOf(state.Parameters);
                foreach (Callback callback in trainer.Callbacks) goesOn &= callback.OnEpochEnd(model, History());
            }

            bool cancelled = records.Count < epochs && goesOn;
            bool wasCut = records.Count < epochs;
            Result = new(ModelOf(wasCut && best is not null ? best : state.Parameters), History(), cancelled);
        }

        /// <summary>One pass over the training data; null if it was cancelled.</summary>
        private EpochRecord? RunEpoch(int epoch, Key shuffleKey)
        {
            TimeSpan start = clock.Elapsed;
            var metrics = new MetricSums(trainer.Metrics);
            double lossSum = 0;
            int examples = 0, step = 0;
            foreach (Batch batch in train.Batches(batchSize, shuffleKey))
            {
                if (token.IsCancellationRequested) return null;
                TrainingStep result = trainer.Step(state, batch);
                step++;
                if (!double.IsFinite(result.Loss)) throw NotFinite(epoch, step, result.Loss, batch);
                state = result.State;
                int count = batch.Inputs.Shape[0];
                lossSum += result.Loss * count;
                examples += count;
                if (trainer.Metrics.Count > 0) metrics.Add(result.Output, batch.Targets);
                if ((progress is not null || reporter.IsLive) && (clock.Elapsed >= nextReport || step == stepsPerEpoch))
                    Report(epoch, step, lossSum / examples, metrics.Values());
            }

            IReadOnlyDictionary<string, double>? measured;
            try
            {
                measured = validation is null
                    ? null
                    : ModelOf(state.Parameters).Evaluate(validation, validationMetrics, cancellationToken: token);
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
                return null;
            }

            return new(
                epoch, lossSum / examples, trainer.Metrics.Count > 0 ? metrics.Values() : new Dictionary<string, double>(),
                measured?[trainer.Loss.Name],
                measured is null ? [] : trainer.Metrics.ToDictionary(metric => metric.Name, metric => measured[metric.Name]),
                step, (clock.Elapsed - start).TotalSeconds);
        }

        private void Report(int epoch, int step, double loss, IReadOnlyDictionary<string, double> metrics)
        {
            TimeSpan elapsed = clock.Elapsed;
            nextReport = elapsed + ReportInterval;
            long done = (long)(epoch - 1) * stepsPerEpoch + step;
            long left = (long)epochs * stepsPerEpoch - done;
            var report = new TrainingProgress(
                epoch, epochs, step, stepsPerEpoch, loss, metrics, done / elapsed.TotalSeconds, elapsed,
                elapsed * ((double)left / done));
            reporter.OnProgress(report);
            progress?.Report(report);
        }

        private History History() => new([.. records]);

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
}
