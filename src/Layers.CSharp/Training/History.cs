namespace Autodiff.Layers;

/// <summary>What one pass over the training data gave.</summary>
/// <param name="Epoch">The number of the epoch, from 1.</param>
/// <param name="Loss">The mean loss per example, taken while the parameters changed.</param>
/// <param name="Metrics">The metrics by name, taken while the parameters changed.</param>
/// <param name="ValidationLoss">The mean loss on the validation data after the epoch; null without such data.</param>
/// <param name="ValidationMetrics">The metrics on the validation data after the epoch; empty without such data.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Seconds">The time of the epoch, validation included.</param>
public sealed record EpochRecord(
    int Epoch, double Loss, IReadOnlyDictionary<string, double> Metrics, double? ValidationLoss,
    IReadOnlyDictionary<string, double> ValidationMetrics, int Steps, double Seconds)
{
    /// <summary>The validation loss, or the loss without validation data.</summary>
    public double Score => ValidationLoss ?? Loss;

    /// <summary>The learning rate of the first step of the epoch.</summary>
    public double LearningRate { get; init; }

    /// <summary>The numbers in one line.</summary>
    public override string ToString() => Reporter.Line(this);
}

/// <summary>The completed epochs of a training run, in order.</summary>
/// <param name="Epochs">The epochs.</param>
public sealed record History(IReadOnlyList<EpochRecord> Epochs)
{
    /// <summary>What ranks epochs.</summary>
    public Criterion Criterion { get; init; } = Criterion.Loss;

    /// <summary>The best epoch, the first at a tie; null before the first epoch ends. NaN is worst.</summary>
    public EpochRecord? Best => Epochs.MinBy(Criterion.Rank);

    /// <summary>The time of all epochs.</summary>
    public double Seconds => Epochs.Sum(epoch => epoch.Seconds);

    /// <summary>The number of steps of all epochs.</summary>
    public int Steps => Epochs.Sum(epoch => epoch.Steps);

    /// <summary>One line for each epoch.</summary>
    public override string ToString() => string.Join('\n', Epochs);
}

/// <summary>What training gives.</summary>
/// <param name="Model">The trained model. After the last epoch it is the latest; if the run was cancelled or a callback
/// stopped it, it is that of the best epoch by the validation data, or the latest without such data.</param>
/// <param name="History">The completed epochs.</param>
/// <param name="Cancelled">Whether the run was cancelled.</param>
public sealed record TrainingResult(Model Model, History History, bool Cancelled)
{
    /// <summary>Where training ended: what further steps start from.</summary>
    public required TrainingState State { get; init; }

    /// <summary>The loss that was not finite and ended the run, if <see cref="StopOnNaN"/> was among the callbacks; null
    /// otherwise.</summary>
    public TrainingException? Failure { get; init; }

    /// <summary>The model in words, and one line for each epoch.</summary>
    public override string ToString() => $"{Model}\n{History}";
}

/// <summary>Where a training run stands.</summary>
/// <param name="Epoch">The number of the epoch, from 1.</param>
/// <param name="Epochs">The number of epochs asked for.</param>
/// <param name="Step">The steps made in this epoch.</param>
/// <param name="Steps">The steps of an epoch.</param>
/// <param name="Loss">The mean loss per example so far in this epoch.</param>
/// <param name="Metrics">The metrics so far in this epoch.</param>
/// <param name="StepsPerSecond">The speed of the run so far.</param>
/// <param name="Elapsed">The time since the run started.</param>
/// <param name="Remaining">The time that the rest takes at this speed.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Step, int Steps, double Loss, IReadOnlyDictionary<string, double> Metrics, double StepsPerSecond,
    TimeSpan Elapsed, TimeSpan Remaining);

/// <summary>A loss that is not a finite number, which no further step can mend.</summary>
public sealed class TrainingException : Exception
{
    internal TrainingException(int epoch, int step, double loss, string message)
        : base(message) => (Epoch, Step, Loss) = (epoch, step, loss);

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The step in the epoch, from 1.</summary>
    public int Step { get; }

    /// <summary>The loss.</summary>
    public double Loss { get; }
}
