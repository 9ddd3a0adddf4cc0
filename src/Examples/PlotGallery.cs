using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>One figure of each kind that the library draws, and the report of a training run.</summary>
internal static class PlotGallery
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        int bytes = 0, figures = 0;
        foreach ((string name, Figure figure) in Figures(new Key(settings.Seed)))
        {
            settings.Cancellation.ThrowIfCancellationRequested();
            string svg = figure.ToSvg();
            settings.Output.WriteLine($"{name,-12} {svg.Length / 1024.0,6:0.0} KiB");
            bytes += svg.Length;
            figures++;
            settings.Save(figure, name + ".svg");
        }

        settings.Save(Training(settings), "report.html");
        return new Dictionary<string, double> { ["figures"] = figures, ["bytes"] = bytes };
    }

    private static IEnumerable<(string Name, Figure Figure)> Figures(Key key)
    {
        yield return ("lines", Lines().ToFigure());
        yield return ("scatter", new Figure(Clusters(key.FoldIn(0)), Rings(key.FoldIn(1))));
        yield return ("steps", Steps().ToFigure());
        yield return ("bars", new Figure(GroupedBars(), StackedBars()));
        yield return ("histogram", Histograms(key.FoldIn(2)).ToFigure());
        yield return ("bands", Bands(key.FoldIn(3)).ToFigure());
        yield return ("errors", Errors().ToFigure());
        yield return ("heatmap", new Figure(Waves(), Correlations(key.FoldIn(4))));
        yield return ("images", new Figure(GreyImages(key.FoldIn(5)), ColorImage(), Filters(key.FoldIn(6))));
        yield return ("contour", new Figure(ContourLines(), FilledContours()));
        yield return ("quiver", GradientField().ToFigure());
        yield return ("confusion", Confusion(key.FoldIn(7)).ToFigure(640, 520));
        yield return ("notes", Notes().ToFigure());
        yield return ("log", new Figure(LogLog(), SemiLog()));
        yield return ("grid", Grid(key.FoldIn(8)));
        yield return ("edge-cases", EdgeCases());
    }

    private static Axes Lines()
    {
        Tensor x = Tensor.Linspace(0, 6, 200);
        return new Axes()
            .Line(x, Tensor.Sin(x), "sin")
            .Line(x, Tensor.Cos(x), "cos", dash: Dash.Dashed)
            .Line(x, Tensor.Sin(x) * Tensor.Exp(-x / 2.0), "sin x exp(-x/2)", dash: Dash.DashDot)
            .Line([0, 1, 2, 3, 4, 5, 6], [0.9, 0.6, 0.35, 0.2, 0.1, 0.05, 0.02], "samples", marker: Marker.Circle)
            .Title("Lines").XLabel("x").YLabel("y");
    }

    private static Axes Clusters(Key key)
    {
        var axes = new Axes().Title("Classes").XLabel("first component").YLabel("second component");
        Marker[] markers = [Marker.Circle, Marker.Square, Marker.Triangle, Marker.Diamond, Marker.Cross, Marker.Plus];
        for (int i = 0; i < 6; i++)
        {
            Tensor points = key.FoldIn(i).Normal([60, 2], dtype: DType.Float64);
            axes = axes.Scatter(
                points[.., 0] + 4 * Math.Cos(i), points[.., 1] + 4 * Math.Sin(i), $"class {i}", size: 5.5, marker: markers[i]);
        }

        return axes.EqualAspect();
    }

    private static Axes Rings(Key key)
    {
        Tensor points = key.Normal([1500, 2], dtype: DType.Float64);
        Tensor radius = Tensor.Hypot(points[.., 0], points[.., 1]);
        return new Axes().Scatter(points[.., 0], points[.., 1], values: radius, size: 4, opacity: 0.7, barLabel: "distance")
            .Title("Coloured by a number").EqualAspect();
    }

    private static Axes Steps() => new Axes()
        .Step([1, 2, 3, 4, 5, 6], [1, 3, 2, 4, 3, 5], StepAt.Before, "before")
        .Step([1, 2, 3, 4, 5, 6], [2, 4, 3, 5, 4, 6], StepAt.Middle, "middle")
        .Step([1, 2, 3, 4, 5, 6], [3, 5, 4, 6, 5, 7], StepAt.After, "after")
        .Title("Steps");

    private static Axes GroupedBars()
    {
        string[] networks = ["LeNet", "AlexNet", "VGG-11", "ResNet-18", "DenseNet"];
        return new Axes()
            .Bar(networks, [0.91, 0.88, 0.94, 0.95, 0.95], "training")
            .Bar(networks, [0.89, 0.87, 0.91, 0.92, 0.93], "test")
            .YLimits(0, 1.15).YLabel("accuracy").Title("Side by side");
    }

    private static Axes StackedBars()
    {
        string[] days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        return new Axes()
            .Bar(days, [3, 4, 2, 5, 4, 1, 0], "first")
            .Bar(days, [2, 1, 3, 2, 2, 1, 1], "second", stacked: true)
            .Bar(days, [-1, -2, -1, -1, -2, 0, -1], "spent", stacked: true)
            .HorizontalLine(0, color: "black", width: 0.8, dash: Dash.Solid)
            .Title("On each other");
    }

    private static Axes Histograms(Key key) => new Axes()
        .Histogram(key.FoldIn(0).Normal([5000]), 40, density: true, label: "normal", opacity: 0.7)
        .Histogram(key.FoldIn(1).Uniform([5000], -2, 4), 40, density: true, label: "uniform", opacity: 0.6)
        .Curve(x => Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI), -4, 4, "density of the first", "black")
        .YLabel("density").Title("Histograms");

    private static Axes Bands(Key key)
    {
        Tensor epochs = Tensor.Arange(1, 61);
        Tensor mean = 2.2 * Tensor.Exp(-epochs / 12.0) + 0.3, spread = 0.05 + 0.25 * Tensor.Exp(-epochs / 25.0);
        Tensor one = mean + spread * key.Normal([60], dtype: DType.Float64) * 0.6;
        return new Axes()
            .FillBetween(epochs, mean - spread, mean + spread, "range of ten runs", "blue")
            .Line(epochs, mean, "mean", "blue")
            .Line(epochs, one, "one run", "vermilion", 1.2)
            .XLabel("epoch").YLabel("loss").YLimits(low: 0).Title("Areas between lines");
    }

    private static Axes Errors() => new Axes()
        .ErrorBars([1, 2, 3, 4, 5], [2.1, 2.9, 3.8, 5.2, 5.9], [0.3, 0.4, 0.2, 0.6, 0.5], label: "measured")
        .ErrorBars([1.2, 2.2, 3.2, 4.2, 5.2], [1.5, 2.0, 3.1, 3.9, 5.1], [0.2], [0.7], "with longer arms above",
            marker: Marker.Square)
        .Line([1, 5], [2, 6], "model", "grey", dash: Dash.Dashed)
        .Title("Error bars");

    private static Axes Waves()
    {
        Tensor x = Tensor.Linspace(-3, 3, 120), y = Tensor.Linspace(-2, 2, 80);
        Tensor[] at = Tensor.Meshgrid(y, x);
        return new Axes()
            .HeatMap(Tensor.Sin(at[1] * 2.0) * Tensor.Cos(at[0] * 3.0) * Tensor.Exp(-at[1] * at[1] / 8.0), x, y, label: "height")
            .XLabel("x").YLabel("y").Title("A function");
    }

    private static Axes Correlations(Key key)
    {
        Tensor x = key.Normal([30, 5], dtype: DType.Float64).CumSum(1);
        Tensor centered = x - x.Mean(0);
        Tensor scaled = centered / Tensor.Sqrt(Tensor.Square(centered).Sum(0));
        string[] names = ["rooms", "age", "tax", "crime", "value"];
        return new Axes()
            .HeatMap(scaled.Transpose().MatMul(scaled), map: ColorMap.BlueRed, low: -1, high: 1, numbers: true, rows: names,
                columns: names)
            .Title("Correlations");
    }

    private static Axes GreyImages(Key key)
    {
        Dataset digits = Digits.Generate(20, key, flatten: false);
        return new Axes().ImageGrid(digits.Inputs, 5, [.. digits.Targets.ToArray<long>().Select(label => $"{label}")])
            .Title("Digits");
    }

    private static Axes ColorImage()
    {
        Tensor[] at = Tensor.Meshgrid(Tensor.Linspace(0, 1, 48), Tensor.Linspace(0, 1, 64));
        return new Axes().Image(Tensor.Stack(0, at[0], at[1], 1.0 - at[0] * at[1])).Title("Three channels");
    }

    private static Axes Filters(Key key) =>
        new Axes().ImageGrid(key.Normal([30, 1, 5, 5]), 6, map: ColorMap.BlueRed, low: -3, high: 3).Title("Filters");

    private static (Tensor X, Tensor Y, Tensor Z) Bowl()
    {
        Tensor x = Tensor.Linspace(-10, 10, 101), y = Tensor.Linspace(-5, 5, 101);
        Tensor[] at = Tensor.Meshgrid(y, x);
        return (x, y, Tensor.Square(at[1]) / 20.0 + Tensor.Square(at[0]));
    }

    private static Axes ContourLines()
    {
        (Tensor x, Tensor y, Tensor z) = Bowl();
        return new Axes().Contour(x, y, z, [0.5, 1, 2, 4, 8, 16, 24], numbers: true)
            .Line([-7, -6.3, -5.7, -4, -2, -0.5, 0.1], [2, -1.8, 1.5, -1.1, 0.6, -0.2, 0], "path", "vermilion",
                marker: Marker.Circle)
            .XLabel("x").YLabel("y").Title("Lines of equal height");
    }

    private static Axes FilledContours()
    {
        Tensor x = Tensor.Linspace(-3, 3, 120);
        Tensor[] at = Tensor.Meshgrid(x, x);
        Tensor p = at[1], q = at[0];
        Tensor z = 3.0 * Tensor.Square(1.0 - p) * Tensor.Exp(-Tensor.Square(p) - Tensor.Square(q + 1.0))
            - 10.0 * (p / 5.0 - p * p * p - Tensor.Pow(q, 5.0)) * Tensor.Exp(-Tensor.Square(p) - Tensor.Square(q))
            - Tensor.Exp(-Tensor.Square(p + 1.0) - Tensor.Square(q)) / 3.0;
        return new Axes().ContourFilled(x, x, z, label: "height").Contour(x, x, z, color: "white", width: 0.6)
            .XLabel("x").YLabel("y").Title("Areas between them");
    }

    private static Axes GradientField()
    {
        Tensor side = Tensor.Linspace(-2, 2, 17);
        Tensor[] at = Tensor.Meshgrid(side, side);
        return new Axes().Quiver(at[1], at[0], -2.0 * at[1], -2.0 * at[0], label: "negative gradient", color: "blue")
            .Legend(LegendPlace.Outside).XLabel("x0").YLabel("x1").Title("x0² + x1²");
    }

    private static Axes Confusion(Key key)
    {
        const int classes = 10;
        float[,] noise = key.Uniform([classes, classes], 0, 12).ToArray2D<float>();
        var counts = new double[classes, classes];
        for (int i = 0; i < classes; i++)
        {
            for (int j = 0; j < classes; j++) counts[i, j] = i == j ? 950 + (int)(10 * noise[i, j]) : noise[i, j] < 4 ? 0
                : (int)noise[i, j] - 3;
        }

        return new Axes().ConfusionMatrix(counts).Title("Confusion matrix");
    }

    private static Axes Notes() => new Axes()
        .Curve(x => 0.01 * x * x + 0.1 * x, 0, 20, "0.01 x² + 0.1 x")
        .Line([0, 12], [-0.25, 2.15], "tangent at 5", dash: Dash.Dashed)
        .Scatter([5], [0.75], color: "black", size: 7)
        .Arrow(9, 0.2, 5.3, 0.7, "slope 0.2")
        .Text(10, 2, "slope 0.3 here")
        .VerticalLine(5).HorizontalLine(0.75, dash: Dash.Dotted)
        .Title("Notes: <text> & arrows");

    private static Axes LogLog() => new Axes()
        .Curve(x => x * x, 1e-3, 1e5, "x²").Curve(x => Math.Sqrt(x), 1e-3, 1e5, "√x").Curve(x => 1 / x, 1e-3, 1e5, "1/x")
        .XLog().YLog().Title("Both axes logarithmic");

    private static Axes SemiLog()
    {
        Tensor steps = Tensor.Arange(0, 200_000, 100);
        return new Axes().Line(steps, 3e-3 * Tensor.Exp(-steps / 20_000.0) + 2e-7, "learning rate").YLog().XLabel("step")
            .Title("One axis logarithmic");
    }

    private static Figure Grid(Key key)
    {
        var parts = new List<Axes>();
        for (int layer = 0; layer < 5; layer++)
        {
            Tensor activations = Tensor.Sigmoid(key.FoldIn(layer).Normal([4000], 0, 4.0 / (layer + 1)));
            parts.Add(new Axes().Histogram(activations, 30, 0, 1).Title($"layer {layer + 1}"));
        }

        parts.Add(new Axes().Line([1, 2, 3, 4, 5], [0.4, 0.3, 0.22, 0.18, 0.15], marker: Marker.Square).XLabel("layer")
            .YLabel("spread"));
        return new Figure(3, parts).Title("Sub-figures in rows and columns");
    }

    private static Figure EdgeCases() => new Figure(
        4,
        new Axes().Title("nothing"),
        new Axes().Scatter([3], [7]).Title("one point"),
        new Axes().Line([1, 2, 3], [5, 5, 5]).Title("constant"),
        new Axes().Line([1, 2, 3, 4, 5, 6], [1, 2, double.NaN, 4, double.PositiveInfinity, 3], marker: Marker.Circle)
            .Title("gaps"),
        new Axes().Line([0, 1, 2], [1e-12, 3e-12, 2e-12]).Title("tiny"),
        new Axes().Line([0, 1, 2], [-8e307, 0, 5e307]).Title("huge"),
        new Axes().Line([0, 1e6, 2e6], [1_000_000.001, 1_000_000.003, 1_000_000.002]).Title("a small part of a large number"),
        new Axes().Line([1, 2, 3, 4], [-1, 10, 1000, 0]).YLog().Title("not positive on a logarithmic axis"),
        new Axes().Histogram([2, 2, 2]).Title("one value"),
        new Axes().HeatMap(new double[,] { { 1, double.NaN }, { 1, 1 } }).Title("one height, one gap"),
        new Axes().Line(x: [2017, 2018, 2019], y: [0.2, 0.25, 0.3])
            .Title("A long title that does not fit into one line of the axes").XLabel("year"),
        new Axes().Line(y: [20, 50, 30]).YLog().Title("half a decade"))
        .Title("Edge cases");

    private static Report Training(Settings settings)
    {
        int epochs = settings.Epochs ?? 6, batch = settings.Batch ?? 50;
        var key = new Key(settings.Seed);
        Dataset train = Digits.Generate(1500, key.FoldIn(100)), test = Digits.Generate(500, key.FoldIn(101));
        var network = new Sequential(new Dense(32), Activations.ReLU, new Dense(10));
        var trainer = new Trainer(network, Losses.SoftmaxCrossEntropy, new Adam(2e-3))
        {
            Metrics = [Metrics.Accuracy],
            Output = Output.None
        };
        TrainingResult result = trainer.Fit(train, test, epochs, batch, settings.Seed, cancellationToken: settings.Cancellation);
        var made = new Dictionary<string, object>
        {
            ["optimizer"] = "Adam",
            ["learning rate"] = 2e-3,
            ["batch size"] = batch,
            ["epochs"] = epochs,
            ["seed"] = settings.Seed,
        };
        return result.ToReport("Generated digits", made, test, imageShape: [28, 28]);
    }
}
