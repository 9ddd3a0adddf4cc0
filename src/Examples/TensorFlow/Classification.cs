using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.TensorFlow;

/// <summary>Chapters 3.1 to 3.6: images and labels as tensors, and models that are too weak, right and too strong (figures 3-1
/// to 3-8).</summary>
internal static class Classification
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        (Dataset train, Dataset test, bool areReal) = settings.Digits(flatten: false);
        if (areReal)
        {
            settings.Compare("3.1", "images for training and for tests", "60000 10000", Tensor.From([(double)train.Count, test.Count]));
            settings.Compare("3.1", "images of each class, about", "7000", (train.Count + test.Count) / 10.0);
            Tensor scaled = train.Inputs * 2.0 - 1.0;
            settings.Compare("3.8", "pixels after scaling run from and to", "-1 1", Tensor.Stack(0, scaled.Min(), scaled.Max()));
        }

        settings.Compare("3.2", "numbers of a flat image of 28 × 28", "784", train.Inputs.Flatten(1).Shape[1]);
        settings.Compare(
            "3.8", "the labels 0, 1, 2, 3 one-hot", "[[1 0 0 0 0 0 0 0 0 0] [0 1 0 0 0 0 0 0 0 0] [0 0 1 0 0 0 0 0 0 0] [0 0 0 1 0 0 0 0 0 0]]",
            Tensor.From([0, 1, 2, 3]).OneHot(10));
        Tensor x = Tensor.From([1.0, 2, 3, 4, 5, 6], 2, 3), w = Tensor.From([1.0, 0, 0, 1, 1, 1], 3, 2), b = Tensor.From([10.0, 20]);
        settings.Compare("3.2", "X W + b for two examples, three inputs and two outputs", "[[14 25] [20 31]]", x.MatMul(w) + b, source: Source.Hand);
        if (settings.Out is { } folder)
        {
            // The same as figure 3-4 as a program, for Graphviz.
            string unit = Stage.Of((Tensor input) => input.MatMul(w) + b)(x).Program.ToGraphviz();
            File.WriteAllText(Path.Combine(folder, "tensorflow-ch3-unit.dot"), unit);
        }

        settings.Save(Unit(), "tensorflow-ch3-unit.svg");
        Axes Some(string title, Dataset digits) => new Axes().ImageGrid(digits.Inputs[..30], columns: 6).Title($"{title}: {digits.Count:n0}");
        settings.Save(new Figure(Some("for training", train), Some("for tests", test)).Title("Fig 3-2: two sets").Size(760, 400), "tensorflow-ch3-sets.svg");

        Tensor image = test.Inputs[0, 0];
        settings.Save(
            new Axes().ImageGrid(test.Inputs[..32], columns: 8, captions: [.. test.Targets[..32].ToArray<long>().Select(label => $"{label}")])
                .Title("Fig 3-1: handwritten digits").ToFigure(640, 400),
            "tensorflow-ch3-digits.svg");
        settings.Save(
            new Axes().HeatMap(image, map: ColorMap.Greys).Title("Fig 3-3: an image is a matrix").ToFigure(560, 480),
            "tensorflow-ch3-matrix.svg");
        settings.Save(
            new Axes().HeatMap(test.Targets[..10].OneHot(10), map: ColorMap.Greys, colorBar: false).XLabel("class").YLabel("example")
                .Title("Fig 3-6: labels one-hot").ToFigure(520, 460),
            "tensorflow-ch3-onehot.svg");
        settings.Save(
            new Figure(
                1, new Axes().Image(image).HideAxes(),
                new Axes().HeatMap(image.Reshape(1, -1), map: ColorMap.Greys, colorBar: false).YTicks(Array.Empty<double>()).XLabel("pixel"))
                .Title("Fig 3-5: 28 × 28 pixels as 784").Size(820, 420),
            "tensorflow-ch3-flatten.svg");
        settings.Save(
            new Figure(
                new Axes().Curve(t => 1 / (1 + Math.Exp(-t)), -6, 6).Title("sigmoid"),
                new Axes().Curve(t => Math.Max(t, 0), -6, 6).Title("ReLU")).Title("Fig 3-8: activations"),
            "tensorflow-ch3-activations.svg");
        return Capacity(settings);
    }

    /// <summary>A linear unit of three inputs and two outputs (figure 3-4).</summary>
    private static Figure Unit()
    {
        Axes axes = new Axes().Title("Fig 3-4: y = x W + b").HideAxes().XLimits(-0.4, 2.4).YLimits(-0.4, 2.4);
        for (int i = 0; i < 3; i++)
        {
            axes = axes.Scatter([0.0], [2.0 - i], color: "blue", size: 26).Text(-0.25, 1.95 - i, $"x{i + 1}", size: 15);
            for (int j = 0; j < 2; j++)
            {
                const double along = 0.28;
                axes = axes.Arrow(0.09, 2 - i, 1.9, 1.5 - j, color: "grey", width: 1)
                    .Text(0.09 + 1.81 * along, 2.05 - i + along * (i - 0.5 - j), $"w{i + 1}{j + 1}", size: 11);
            }
        }

        for (int j = 0; j < 2; j++)
        {
            axes = axes.Scatter([2.0], [1.5 - j], color: "orange", size: 26).Text(2.12, 1.45 - j, $"y{j + 1}", size: 15)
                .Text(2, 1.68 - j, $"+ b{j + 1}", size: 11);
        }

        return axes.ToFigure(480, 360);
    }

    /// <summary>Polynomials of three degrees through the same points, by least squares, and how far they are from others
    /// (figure 3-7).</summary>
    private static Dictionary<string, double> Capacity(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor x = key.FoldIn(0).Uniform([14], -1, 1, DType.Float64), y = Curve(x) + key.FoldIn(1).Normal([14], 0, 0.12, DType.Float64);
        Tensor others = Tensor.Linspace(-0.9, 0.9, 200), shown = Tensor.Linspace(-1, 1, 201);
        var metrics = new Dictionary<string, double>();
        var parts = new List<Axes>();
        foreach ((string name, int degree) in new[] { ("too weak", 1), ("right", 3), ("too strong", 9) })
        {
            Tensor coefficients = Powers(x, degree).Lstsq(y.Reshape(-1, 1));
            Tensor Fitted(Tensor points) => Powers(points, degree).MatMul(coefficients).Reshape(-1);
            double Error(Tensor points, Tensor values) => Tensor.Square(Fitted(points) - values).Mean().ToDouble();
            double beside = Error(others, Curve(others));
            metrics[$"degree{degree}"] = beside;
            settings.Output.WriteLine(
                $"3.6   {name,-10} degree {degree,2}: mean squared error {Error(x, y):0.0000} on its points, {beside:0.0000} on the curve");
            parts.Add(new Axes().Line(shown, Fitted(shown), width: 2)
                .Line(shown, Curve(shown), color: "grey", dash: Dash.Dashed).Scatter(x, y, color: "black")
                .YLimits(-2, 2).Title($"{name}: degree {degree}"));
        }

        settings.Save(new Figure(3, parts).Title("Fig 3-7: capacity").Size(1000, 340), "tensorflow-ch3-capacity.svg");
        return metrics;

        static Tensor Curve(Tensor points) => Tensor.Sin(points * 3.0);

        static Tensor Powers(Tensor points, int degree) =>
            Tensor.Stack(1, Enumerable.Range(0, degree + 1).Select(power => Tensor.Pow(points, power)));
    }
}
