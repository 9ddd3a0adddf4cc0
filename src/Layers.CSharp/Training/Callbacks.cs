namespace Autodiff.Layers;

/// <summary>
/// What is done after each epoch. It judges by the history it is given and remembers nothing itself, so that one
/// callback may serve any number of runs.
/// </summary>
public abstract class Callback
{
    /// <summary>Called after each epoch.</summary>
    /// <param name="model">The model after the epoch.</param>
    /// <param name="history">The epochs so far; the last is the one that ended.</param>
    /// <returns>Whether training goes on.</returns>
    public abstract bool OnEpochEnd(Model model, History history);

    /// <summary>A callback that calls a function, which returns whether training goes on.</summary>
    /// <example><code>
    /// Callbacks = [Callback.From((model, history) => history.Seconds &lt; 60)],
    /// </code></example>
    public static Callback From(Func<Model, History, bool> onEpochEnd) => new FunctionCallback(onEpochEnd);

    private sealed class FunctionCallback(Func<Model, History, bool> onEpochEnd) : Callback
    {
        public override bool OnEpochEnd(Model model, History history) => onEpochEnd(model, history);
    }
}

/// <summary>Stops training when the score (the validation loss, or the loss without validation data) has not fallen
/// below its lowest for some epochs.</summary>
/// <param name="patience">The number of epochs to wait, at least 1.</param>
/// <param name="minimumChange">How far the score must fall below the lowest to count.</param>
/// <exception cref="ArgumentException">The patience is not positive, or the change is negative.</exception>
public sealed class EarlyStopping(int patience, double minimumChange = 0) : Callback
{
    private readonly int patience = Shapes.AtLeast(1, patience, nameof(EarlyStopping), nameof(patience));

    private readonly double minimumChange = minimumChange >= 0
        ? minimumChange
        : throw new ArgumentException($"EarlyStopping: minimumChange is {minimumChange}; it must not be negative.");

    /// <inheritdoc/>
    public override bool OnEpochEnd(Model model, History history)
    {
        double best = double.PositiveInfinity;
        int waited = 0;
        foreach (EpochRecord epoch in history.Epochs)
        {
            bool isBetter = epoch.Score < best - minimumChange;
            best = isBetter ? epoch.Score : best;
            waited = isBetter ? 0 : waited + 1;
        }

        return waited < patience;
    }
}

/// <summary>Saves the model to a file after each epoch whose score (the validation loss, or the loss without validation
/// data) is the lowest so far. A failed save leaves the file as it was.</summary>
/// <param name="path">The file, in the safetensors format.</param>
/// <exception cref="ArgumentException">The path is empty.</exception>
public sealed class ModelCheckpoint(string path) : Callback
{
    private readonly string path = string.IsNullOrWhiteSpace(path)
        ? throw new ArgumentException("ModelCheckpoint: the path is empty; name a file.")
        : path;

    /// <inheritdoc/>
    public override bool OnEpochEnd(Model model, History history)
    {
        if (ReferenceEquals(history.Best, history.Epochs[^1])) model.Save(path);
        return true;
    }
}
