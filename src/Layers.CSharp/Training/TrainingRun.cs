namespace Autodiff.Layers;

/// <summary>Where a run stands when a callback is called. It is immutable, and may be kept.</summary>
public sealed class TrainingRun
{
    private readonly Snapshot snapshot;
    private readonly Lazy<Model> model;

    internal TrainingRun(
        Trainer trainer, Snapshot snapshot, History history, int epoch, int epochs, int step, int steps, double loss,
        Func<Parameters, Model> modelOf)
    {
        (Trainer, History, Epoch, Epochs, Step, Steps, Loss) = (trainer, history, epoch, epochs, step, steps, loss);
        this.snapshot = snapshot;
        model = new(() => modelOf(snapshot.State.Parameters));
    }

    /// <summary>The trainer.</summary>
    public Trainer Trainer { get; }

    /// <summary>The parameters, the state of the optimizer and the source of randomness.</summary>
    public TrainingState State => snapshot.State;

    /// <summary>The model with the parameters of now.</summary>
    public Model Model => model.Value;

    /// <summary>The completed epochs.</summary>
    public History History { get; }

    /// <summary>The number of the epoch that runs, or has just ended, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The number of epochs asked for.</summary>
    public int Epochs { get; }

    /// <summary>The steps made in the epoch that runs; 0 when one has just ended.</summary>
    public int Step { get; }

    /// <summary>The steps of an epoch.</summary>
    public int Steps { get; }

    /// <summary>The loss of the last batch; NaN before the first.</summary>
    public double Loss { get; }

    /// <summary>The learning rate of the next step.</summary>
    public double LearningRate => Trainer.Optimizer.LearningRate(State.Optimizer);

    /// <summary>Writes all that the run needs to go on from here, to <c>resumeFrom</c> of <see cref="Trainer.Fit(Dataset,
    /// Dataset?, int, int, int, Parameters?, IProgress{TrainingProgress}?, string?, CancellationToken)"/>: the model, the state
    /// of the optimizer and so of its schedule, the random state, the history, and the place in the shuffled data. The file
    /// is replaced in one step: a failed save leaves the old one whole.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path) => snapshot.Save(path);
}
