using System.Globalization;
using Autodiff.Layers;

namespace Autodiff.Plots;

/// <summary>Reports of training runs.</summary>
public static class TrainingReport
{
    private const int Samples = 20;

    /// <summary>The curves of a run: one pair of axes for the loss and for each metric, over epochs, on the training data and
    /// on the validation data if there are any.</summary>
    /// <param name="history">The epochs, at least one.</param>
    /// <exception cref="ArgumentException">There are no epochs.</exception>
    public static Figure ToFigure(this History history)
    {
        ArgumentNullException.ThrowIfNull(history);
        if (history.Epochs.Count == 0) throw new ArgumentException("ToFigure: no epoch was completed; there is nothing to draw.");
        var parts = new List<Axes> { Curves(history, "loss", epoch => epoch.Loss, epoch => epoch.ValidationLoss) };
        foreach (string name in history.Epochs[0].Metrics.Keys)
        {
            parts.Add(Curves(
                history, name, epoch => epoch.Metrics.TryGetValue(name, out double value) ? value : double.NaN,
                epoch => epoch.ValidationMetrics.TryGetValue(name, out double value) ? value : null));
        }

        return new Figure(parts);
    }

    /// <summary>
    /// A page about a training run: its outcome, the curves, the settings, the model, and how it does on test data: for
    /// classes the confusion matrix, and pictures that it takes for another class, if inputs are pictures; for numbers,
    /// predictions against what was to be predicted.
    /// </summary>
    /// <param name="result">What training returned.</param>
    /// <param name="title">The title of the page.</param>
    /// <param name="settings">What the run was made with, by name: learning rate, batch size, seed.</param>
    /// <param name="test">Data that the model was not trained on.</param>
    /// <param name="classes">The names of the classes; 0, 1, 2 ... by default.</param>
    /// <param name="imageShape">The shape of one picture, (h, w) or (channels, h, w), if inputs hold one in another
    /// shape.</param>
    /// <example><code>
    /// TrainingResult result = trainer.Fit(train, validation, epochs: 20);
    /// var settings = new Dictionary&lt;string, object&gt; { ["learning rate"] = 1e-3 };
    /// result.ToReport("Digits", settings, test, imageShape: [28, 28]).Save("report.html");
    /// </code></example>
    public static Report ToReport(
        this TrainingResult result, string title, IEnumerable<KeyValuePair<string, object>>? settings = null,
        Dataset? test = null,
        IReadOnlyList<string>? classes = null, int[]? imageShape = null)
    {
        ArgumentNullException.ThrowIfNull(result);
        History history = result.History;
        var report = new Report(title);
        report = report.Text(
            Invariant($"{history.Epochs.Count} epochs, {history.Steps:n0} steps, {history.Seconds:0.0} s")
            + (result.Cancelled ? "; the run was cancelled" : "")
            + (history.Best is { } best
                ? $". The lowest {(best.ValidationLoss is null ? "" : "validation ")}loss is that of epoch {best.Epoch}." : "."));
        if (history.Epochs.Count > 0)
        {
            report = Outcome(report, history).Heading("Curves").Figure(history.ToFigure());
            report = Epochs(report, history);
        }

        if (settings?.ToArray() is { Length: > 0 } given)
        {
            report = report.Heading("Settings").Table(
                ["setting", "value"],
                given.Select(setting =>
                    new[] { setting.Key, Convert.ToString(setting.Value, CultureInfo.InvariantCulture) ?? "" }));
        }

        report = report.Heading("Model").Preformatted(result.Model.Summary().TrimEnd());
        return test is null ? report : OnTest(report, result.Model, test, classes, imageShape);
    }

    private static Axes Curves(
        History history, string name, Func<EpochRecord, double> train, Func<EpochRecord, double?> validation)
    {
        double[] epochs = [.. history.Epochs.Select(epoch => (double)epoch.Epoch)];
        double[] onTrain = [.. history.Epochs.Select(train)];
        double[] onValidation = [.. history.Epochs.Select(epoch => validation(epoch) ?? double.NaN)];
        Marker marker = epochs.Length <= 30 ? Marker.Circle : Marker.None;
        bool hasValidation = onValidation.Any(value => !double.IsNaN(value));
        Axes axes = new Axes().Title(name).XLabel("epoch")
            .Line(epochs, onTrain, hasValidation ? "training" : null, marker: marker);
        if (hasValidation)
        {
            axes = axes.Line(epochs, onValidation, "validation", marker: marker);
            if (history.Best is { } best) axes = axes.VerticalLine(best.Epoch, "best epoch");
        }

        if (epochs.Length <= 10) axes = axes.XTicks(epochs);
        double[] all = [.. onTrain.Concat(onValidation).Where(double.IsFinite)];
        return all.Length > 0 && all.Min() > 0 && all.Max() > 100 * all.Min() ? axes.YLog() : axes;
    }

    private static Report Outcome(Report report, History history)
    {
        EpochRecord last = history.Epochs[^1], best = history.Best!;
        string[][] rows =
        [
            .. Rows(last).Select((row, i) => new[] { row.Name, Number(row.Value), Number(Rows(best)[i].Value) }),
        ];
        return report.Heading("Outcome")
            .Table(["", Invariant($"last epoch ({last.Epoch})"), Invariant($"best epoch ({best.Epoch})")], rows);
    }

    private static Report Epochs(Report report, History history) => report.Table(
        ["epoch", .. Rows(history.Epochs[0]).Select(row => row.Name), "steps", "seconds"],
        history.Epochs.Select(epoch => (string[])
        [
            Invariant($"{epoch.Epoch}"), .. Rows(epoch).Select(row => Number(row.Value)), Invariant($"{epoch.Steps}"),
            Invariant($"{epoch.Seconds:0.00}"),
        ]),
        "All epochs");

    private static List<(string Name, double Value)> Rows(EpochRecord epoch)
    {
        List<(string, double)> rows = [("loss", epoch.Loss), .. epoch.Metrics.Select(metric => (metric.Key, metric.Value))];
        if (epoch.ValidationLoss is { } loss) rows.Add(("validation loss", loss));
        rows.AddRange(epoch.ValidationMetrics.Select(metric => ("validation " + metric.Key, metric.Value)));
        return rows;
    }

    private static Report OnTest(Report report, Model model, Dataset test, IReadOnlyList<string>? classes, int[]? imageShape)
    {
        if (test.Count == 0)
            throw new ArgumentException("ToReport: the test data are empty; give at least one example, or none at all (null).");
        Tensor output = model.Predict(test.Inputs);
        report = report.Heading(Invariant($"On {test.Count:n0} test examples"));
        bool areClasses = output.Rank == 2 && output.Shape[1] > 1
            && (Losses.AreLabels(output, test.Targets) || (classes is not null && test.Targets.Rank == 2));
        if (!areClasses) return Numbers(report, output, test.Targets);

        int count = output.Shape[1];
        if (classes is not null && classes.Count != count)
            throw new ArgumentException(
                $"ToReport: {classes.Count} classes were named where the model has {count}; name as many.");
        string[] names = [.. classes ?? Enumerable.Range(0, count).Select(i => Invariant($"{i}"))];
        int[] found = output.ArgMax(1).ToArray<int>();
        int[] expected = (test.Targets.Rank == 2 ? test.Targets.ArgMax(1) : test.Targets).ToArray<int>();
        var counts = new double[count, count];
        for (int i = 0; i < found.Length; i++) counts[expected[i], found[i]]++;
        int right = Enumerable.Range(0, found.Length).Count(i => found[i] == expected[i]);
        report = report.Text(Invariant($"{right:n0} are predicted right: accuracy {right / (double)found.Length:0.0000}."));
        int side = Math.Clamp(160 + 44 * count, 400, 900);
        report = report.Figure(new Axes().ConfusionMatrix(counts, names).Title("Confusion matrix").ToFigure(side + 120, side));
        return ImageShape(test, imageShape) is { } shape ? Pictures(report, output, test.Inputs, shape, found, expected, names)
            : report;
    }

    /// <summary>Predicted numbers against what they should be: all elements.</summary>
    private static Report Numbers(Report report, Tensor output, Tensor targets)
    {
        if (output.Size != targets.Size) return report;
        double[] predicted = output.ToArray<double>(), actual = targets.ToArray<double>();
        (double low, double high) = Grids.Range([.. predicted, .. actual]);
        return report.Figure(new Axes()
            .Line([low, high], [low, high], "equal", "grey", 1.2, Dash.Dashed)
            .Scatter(actual, predicted, "test examples", size: 4, opacity: 0.6)
            .EqualAspect().XLabel("target").YLabel("prediction").Title("Predictions").ToFigure(520, 480));
    }

    /// <summary>The pictures that the model is surest of and wrong; those that come first, if it is wrong nowhere.</summary>
    private static Report Pictures(Report report, Tensor output, Tensor inputs, int[] shape, int[] found, int[] expected,
        string[] names)
    {
        float[,] certainty = output.Softmax(1).ToArray2D<float>();
        int[] wrong = [.. Enumerable.Range(0, found.Length).Where(i => found[i] != expected[i])
            .OrderByDescending(i => certainty[i, found[i]])];
        int[] shown = [.. (wrong.Length > 0 ? wrong : Enumerable.Range(0, found.Length)).Take(Samples)];
        Tensor pictures = Tensor.Stack(0, shown.Select(i => inputs[i].Reshape(shape)));
        string[] captions = [.. shown.Select(i => found[i] == expected[i] ? names[found[i]]
            : $"{names[expected[i]]} as {names[found[i]]}")];
        string heading = wrong.Length > 0
            ? Invariant($"Predicted wrong, the surest first: {shown.Length} of {wrong.Length:n0}")
            : "None is predicted wrong; the first";
        int rows = (shown.Length - 1) / 10 + 1;
        return report.Figure(new Axes().ImageGrid(pictures, Math.Min(10, shown.Length), captions, each: true).Title(heading)
            .ToFigure(1000, 50 + 125 * rows));
    }

    private static int[]? ImageShape(Dataset test, int[]? given)
    {
        int[] shape = given ?? test.Inputs.Shape[1..];
        int size = test.Inputs.Size / test.Count;
        if (given is not null && given.Aggregate(1, (product, length) => product * length) != size)
            throw new ArgumentException(
                $"ToReport: pictures of shape ({string.Join(", ", given)}) do not have the {size} elements of an input.");
        return shape switch
        {
            [> 1, > 1] or [1 or 3, > 1, > 1] => shape,
            _ => null,
        };
    }

    private static string Number(double value) =>
        double.IsFinite(value) && (value == 0 || Math.Abs(value) is >= 1e-3 and < 1e6)
            ? value.ToString("0.0000", CultureInfo.InvariantCulture) : Ticks.Readable(value);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
