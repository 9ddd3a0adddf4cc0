using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>What the experiments of chapters 4 to 6 share.</summary>
internal static class Experiments
{
    /// <summary>Dense layers with an activation after each but the last.</summary>
    /// <param name="hidden">The numbers of units of the hidden layers.</param>
    /// <param name="initializer">How weights start.</param>
    /// <param name="activation">What follows each hidden layer: one layer or several.</param>
    internal static Sequential MultiLayer(IEnumerable<int> hidden, Initializer initializer, params Layer[] activation) => new(
        [.. hidden.SelectMany(units => (Layer[])[new Dense(units, initializer), .. activation]), new Dense(10, initializer)]);

    /// <summary>The losses of some steps of training, one for each: a loop of one's own around the steps of a trainer.</summary>
    internal static double[] Losses(this Trainer trainer, Settings settings, Dataset train, int batch, int steps)
    {
        var key = new Key(settings.Seed);
        var batches = new Pipeline(train, batch);
        TrainingState state = trainer.Start(key.FoldIn(0), train.Inputs.Shape[1..]);
        var losses = new List<double>();
        for (int epoch = 1; losses.Count < steps; epoch++)
        {
            foreach (Batch examples in batches.Batches(key.FoldIn(epoch)).Take(steps - losses.Count))
            {
                settings.Cancellation.ThrowIfCancellationRequested();
                TrainingStep step = trainer.Step(state, examples);
                state = step.State;
                losses.Add(step.Loss);
            }
        }

        return [.. losses];
    }

    /// <summary>The largest distance of an element from the same of another tensor: 0 where a formula of the text holds.</summary>
    internal static double DistanceTo(this Tensor x, Tensor y) => Tensor.Abs(x - y).Max().ToDouble();

    /// <summary>Means over as many neighbours on both sides as there are, up to a number.</summary>
    internal static double[] Smoothed(this double[] values, int reach = 25) =>
        [.. values.Select((_, i) => values[Math.Max(0, i - reach)..Math.Min(values.Length, i + reach + 1)].Average())];

    /// <summary>A metric of each epoch on the training data, or on the validation data.</summary>
    internal static double[] Curve(this History history, Metric metric, bool onValidation) =>
        [.. history.Epochs.Select(epoch => (onValidation ? epoch.ValidationMetrics : epoch.Metrics)[metric.Name])];

    /// <summary>The numbers of the epochs.</summary>
    internal static double[] Numbers(this History history) => [.. history.Epochs.Select(epoch => (double)epoch.Epoch)];

    /// <summary>The accuracy on training and test data over the epochs.</summary>
    internal static Axes Accuracies(this History history, string title) => new Axes()
        .Line(history.Numbers(), history.Curve(Metrics.Accuracy, onValidation: false), "training")
        .Line(history.Numbers(), history.Curve(Metrics.Accuracy, onValidation: true), "test", dash: Dash.Dashed)
        .YLimits(0, 1.02).XLabel("epoch").YLabel("accuracy").Title(title);
}
