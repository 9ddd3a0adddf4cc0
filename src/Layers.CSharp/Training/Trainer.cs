using System.Diagnostics;

namespace Autodiff.Layers;

/// <summary>Where training stands: all that a step needs and changes. It is immutable.</summary>
/// <param name="Parameters">The parameters.</param>
/// <param name="Optimizer">The state of the optimizer.</param>
/// <param name="Key">The source of randomness; each step derives its own from it and from its number.</param>
/// <param name="Step">The number of steps made.</param>
public sealed record TrainingState(Parameters Parameters, OptimizerState Optimizer, Key Key, int Step = 0)
{
    /// <summary>The same state in memory of its own: what to donate to <see cref="Trainer.Step"/> of a state that is needed
    /// later.</summary>
    public TrainingState Copy() => this with
    {
        Parameters = Parameters.Map(tensor => tensor.Copy()),
        Optimizer = Optimizer.WithLeaves([.. Optimizer.Leaves.Select(tensor => tensor.Copy())]),
    };
}

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
    private CompiledStep? compiled;
    private CompiledStep? donating;

    /// <summary>The network.</summary>
    public Layer Network { get; } = network ?? throw new ArgumentNullException(nameof(network));

    /// <summary>What is made small.</summary>
    public Loss Loss { get; } = loss ?? throw new ArgumentNullException(nameof(loss));

    /// <summary>How parameters follow gradients.</summary>
    public Optimizer Optimizer { get; } = optimizer ?? throw new ArgumentNullException(nameof(optimizer));

    /// <summary>What is measured besides the loss, on the training batches and on the validation data.</summary>
    public IReadOnlyList<Metric> Metrics { get; init; } = [];

    /// <summary>What is done during a run, in order.</summary>
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>What ranks epochs, for the model that is returned and for callbacks: the validation loss, or the loss
    /// without validation data.</summary>
    public Criterion Criterion { get; init; } = Criterion.Loss;

    /// <summary>What is printed.</summary>
    public Output Output { get; init; }

    /// <summary>Where lines are printed: by default to the console. There is no progress bar in another writer.</summary>
    public TextWriter? Writer { get; init; }

    /// <summary>Whether steps are compiled (see <see cref="Jit"/>), once for each shape of batch. Without it each operation of
    /// a step runs by itself: for layers and losses that look at values, and to debug them.</summary>
    public bool Compiled { get; init; } = true;

    /// <summary>The state before the first step.</summary>
    /// <param name="key">The source of randomness of parameters and dropout.</param>
    /// <param name="inputShape">The shape of one input, without the batch axis.</param>
    /// <param name="parameters">The parameters to start from; by default the network initializes them.</param>
    /// <exception cref="ArgumentException">The network does not take inputs of this shape, or the parameters are not those of
    /// such a network.</exception>
    public TrainingState Start(Key key, int[] inputShape, Parameters? parameters = null)
    {
        Parameters own = Network.Initialize(key.FoldIn(0), inputShape);
        if (parameters is not null && own.DifferencesFrom(parameters.ToDictionary()) is { } differences)
        {
            throw new ArgumentException(
                $"Start: the parameters do not fit the network {Network.Name} for inputs {Shapes.FormatBatch(inputShape)}: "
                + $"{differences}. Give those of the same network, or none.");
        }

        parameters ??= own;
        return new(parameters, Optimizer.Init(parameters), key.FoldIn(1));
    }

    /// <summary>One step on a batch: what a loop of one's own repeats.</summary>
    /// <param name="state">The state before the step.</param>
    /// <param name="batch">The examples.</param>
    /// <param name="donate">Whether a compiled step may write the next state over this one, which saves the memory and the time
    /// of a second one: its tensors, and all that share their memory, are then used up, and reading one whose memory was taken is an
    /// <see cref="InvalidOperationException"/> (tensors of so few elements that they are in managed memory are not taken). Only the state that the last step gave should be donated, or a <see
    /// cref="TrainingState.Copy"/>. A step whose loss is infinite or NaN then leaves all tensors at their values.</param>
    /// <exception cref="ArgumentException">The shapes of the batch do not fit the network or the loss.</exception>
    /// <remarks>A compiled step allocates what it gives, besides some hundred bytes: for each tensor of the state an object, its array and
    /// the owner of its memory, about 300 bytes, and the output. A run (<see cref="Fit(Dataset, Dataset?, int, int, int, Parameters?,
    /// IProgress{TrainingProgress}?, string?, CancellationToken)"/>) gives away no states between steps, and allocates none.</remarks>
    /// <example><code>
    /// TrainingState state = trainer.Start(new Key(0), inputShape);
    /// foreach (Batch batch in batches) state = trainer.Step(state, batch, donate: true).State;
    /// </code></example>
    public TrainingStep Step(TrainingState state, Batch batch, bool donate = false)
    {
        using Activity? span = Telemetry.Source.StartActivity("autodiff.step");
        Key key = state.Key.FoldIn(state.Step);
        (Tensor loss, Tensor output, Parameters parameters, OptimizerState optimizer) =
            Compiled ? RunCompiled(state, batch, key, donate) : Compute(state.Parameters, state.Optimizer, batch, key);
        double value = loss.ToDouble();
        if (!Compiled && donate && !double.IsFinite(value)) (parameters, optimizer) = (state.Parameters, state.Optimizer);
        return new(state with { Parameters = parameters, Optimizer = optimizer, Step = state.Step + 1 }, value, output);
    }

    /// <summary>A compiled step. Its errors name operations; the same step without compiling names the layer or the loss and what
    /// they take. Its parameters are fresh ones, because those of the state may be used up.</summary>
    private (Tensor Loss, Tensor Output, Parameters Parameters, OptimizerState State) RunCompiled(
        TrainingState state, Batch batch, Key key, bool donate)
    {
        try
        {
            return (donate ? Donating : compiled ??= new(this, donates: false)).Run(state, batch, key);
        }
        catch (ArgumentException)
        {
            Explain(batch, key);
            throw;
        }
    }

    /// <summary>The compiled step that may write over its state.</summary>
    internal CompiledStep Donating => donating ??= new(this, donates: true);

    /// <summary>Runs a step that failed as it is, on fresh parameters, for an error that names the layer.</summary>
    internal void Explain(Batch batch, Key key)
    {
        if (batch.Inputs.Rank == 0) return;
        Parameters fresh = Network.Initialize(new Key(0), batch.Inputs.Shape[1..]);
        Compute(fresh, Optimizer.Init(fresh), batch, key);
    }

    /// <summary>A step that changes nothing if the loss is not finite: what is written over cannot be gone back to.</summary>
    internal (Tensor Loss, Tensor Output, Parameters Parameters, OptimizerState State) ComputeIfFinite(
        Parameters parameters, OptimizerState state, Batch batch, Key key)
    {
        (Tensor loss, Tensor output, Parameters next, OptimizerState nextState) = Compute(parameters, state, batch, key);
        Tensor isFinite = Tensor.IsFinite(loss);
        return (
            loss, output, parameters.WithLeaves(Chosen(next.Leaves, parameters.Leaves)),
            state.WithLeaves(Chosen(nextState.Leaves, state.Leaves)));

        Tensor[] Chosen(IReadOnlyList<Tensor> after, IReadOnlyList<Tensor> before) =>
            [.. after.Zip(before, (next, last) => ReferenceEquals(next, last) ? next : Tensor.Where(isFinite, next, last))];
    }

    /// <summary>A step as a pure function of tensors, the same for every step: the loss and the output before it, and
    /// the parameters and the state of the optimizer after it.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="state">The state of the optimizer.</param>
    /// <param name="batch">The examples.</param>
    /// <param name="key">What is random in this step, such as dropout.</param>
    /// <exception cref="ArgumentException">The shapes of the batch do not fit the network or the loss.</exception>
    public (Tensor Loss, Tensor Output, Parameters Parameters, OptimizerState State) Compute(
        Parameters parameters, OptimizerState state, Batch batch, Key key)
    {
        Context context = Context.Training(key);
        (Tensor loss, (Tensor output, Parameters updated), Parameters gradients) = Gradient.ValueAndGradAux(
            (Parameters trainable) =>
            {
                (Tensor output, Parameters updated) = Network.ApplyAndUpdate(
                    parameters.WithTrainable(trainable), batch.Inputs, context);
                return (Loss.Of(output, batch.Targets), (output, updated));
            })(parameters.Trainable);
        (Parameters next, OptimizerState nextState) = Optimizer.Update(gradients, state, parameters.Trainable);
        return (loss, output, updated.WithTrainable(next), nextState);
    }

    /// <summary>Trains the network on all batches of a data set, shuffled, some number of times.</summary>
    /// <param name="train">The training data, at least one example.</param>
    /// <param name="validation">Data that is measured after each epoch; null for none.</param>
    /// <param name="epochs">The number of passes over the training data, those before a checkpoint included.</param>
    /// <param name="batchSize">The number of examples of a step; the last step of an epoch may have fewer.</param>
    /// <param name="seed">What decides all that is random: the same seed gives the same bits on any number of
    /// threads.</param>
    /// <param name="initial">The parameters to start from, such as those of an earlier run; by default the network
    /// initializes them.</param>
    /// <param name="progress">Receives where the run stands some ten times a second and after each epoch.</param>
    /// <param name="resumeFrom">A file of <see cref="TrainingCheckpoint"/>, written by a run with the same data, batch size
    /// and seed: training goes on where it stood, and gives the same bits as if it had not stopped.</param>
    /// <param name="cancellationToken">Ends the run after the current step. The best model so far is returned; nothing
    /// is thrown.</param>
    /// <exception cref="ArgumentException">The data are empty or do not fit, a number is not positive, or the checkpoint is
    /// that of another run.</exception>
    /// <exception cref="IOException">The checkpoint cannot be read.</exception>
    /// <exception cref="TrainingException">The loss became infinite or NaN (see <see cref="StopOnNaN"/>).</exception>
    /// <remarks>
    /// <para>What a callback throws ends the run and comes out of this call; files that were written before are whole.</para>
    /// <para>Compiled steps write the state, the batch and the output over those before, and allocate next to nothing. What
    /// somebody may keep is made anew: the state of each step for callbacks that watch steps, and of each epoch for all callbacks; the
    /// output and the targets of each step for <see cref="Metrics"/>; and the batches of pipelines that change or prefetch them.</para>
    /// </remarks>
    public TrainingResult Fit(
        Dataset train, Dataset? validation = null, int epochs = 1, int batchSize = 32, int seed = 0, Parameters? initial = null,
        IProgress<TrainingProgress>? progress = null, string? resumeFrom = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        Shapes.AtLeast(1, batchSize, "Fit", nameof(batchSize));
        return Fit(new Pipeline(train, batchSize), validation, epochs, seed, initial, progress, resumeFrom, cancellationToken);
    }

    /// <summary>Trains the network on all batches that a pipeline makes, some number of times.</summary>
    /// <inheritdoc cref="Fit(Dataset, Dataset?, int, int, int, Parameters?, IProgress{TrainingProgress}?, string?, CancellationToken)"/>
    public TrainingResult Fit(
        Pipeline train, Dataset? validation = null, int epochs = 1, int seed = 0, Parameters? initial = null,
        IProgress<TrainingProgress>? progress = null, string? resumeFrom = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        Shapes.AtLeast(1, epochs, "Fit", nameof(epochs));
        if (train.Data.Count == 0) throw new ArgumentException("Fit: the training data are empty; give at least one example.");
        if (train.Steps == 0)
            throw new ArgumentException($"Fit: {train.Data.Count} examples make no batch of {train.BatchSize}, and smaller ones are dropped; lower the batch size.");
        if (validation is { Count: 0 })
            throw new ArgumentException("Fit: the validation data are empty; give at least one example, or none at all (null).");
        if (validation is not null && !validation.Inputs.Shape.AsSpan(1).SequenceEqual(train.InputShape))
        {
            throw new ArgumentException(
                $"Fit: the validation inputs have shape {Shapes.FormatBatch(validation.Inputs.Shape.AsSpan(1))}, the training inputs "
                + $"{Shapes.FormatBatch(train.InputShape)}; both must be the same.");
        }

        if (initial is not null && resumeFrom is not null)
            throw new ArgumentException("Fit: both initial parameters and a checkpoint were given; the checkpoint holds parameters, so give one of the two.");

        Reporter reporter = Reporter.For(Output, Writer ?? Console.Out);
        var run = new Run(this, train, validation, epochs, seed, progress, reporter, cancellationToken);
        run.Begin(initial, resumeFrom);
        reporter.Run(run.Execute);
        return run.Result!;
    }

    /// <summary>One run for each of several parts of the data: trained on the others, measured on the part (k-fold
    /// cross-validation).</summary>
    /// <param name="data">The examples.</param>
    /// <param name="folds">The number of parts, at least 2.</param>
    /// <param name="epochs">The number of passes of each run.</param>
    /// <param name="batchSize">The number of examples of a step.</param>
    /// <param name="seed">What decides all that is random, the parts included; each run has its own.</param>
    /// <param name="cancellationToken">Ends the runs; those completed or begun are returned.</param>
    /// <returns>The results; the last epoch of each history holds the loss and metrics on its part.</returns>
    /// <exception cref="ArgumentException">The numbers do not fit.</exception>
    public IReadOnlyList<TrainingResult> CrossValidate(
        Dataset data, int folds = 5, int epochs = 1, int batchSize = 32, int seed = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        var results = new List<TrainingResult>();
        foreach ((Dataset train, Dataset validation) in data.Folds(folds, new Key(seed)))
        {
            if (cancellationToken.IsCancellationRequested) break;
            results.Add(Fit(
                train, validation, epochs, batchSize, unchecked(seed * 1_000_003 + results.Count),
                cancellationToken: cancellationToken));
        }

        return results;
    }
}
