using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 4.2: the losses of two guesses and of a batch, and why a loss must be smooth (figures 4-3 and 4-4).</summary>
internal static class LossFunctions
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor t = Tensor.From([2L]).OneHot(10).To(DType.Float64)[0];
        Tensor good = Tensor.From([0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0]), bad = Tensor.From([0.1, 0.05, 0.1, 0, 0.05, 0.1, 0, 0.6, 0, 0]);
        settings.Compare("4.2", "half the squared error when 2 is likeliest", "0.097500000000000031", SquaredError(good, t));
        settings.Compare("4.2", "when 7 is", "0.5975", SquaredError(bad, t));
        settings.Compare("4.2", "cross entropy when 2 is likeliest", "0.51082545709933802", CrossEntropy(good, t));
        settings.Compare("4.2", "when 7 is", "2.3025840929945458", CrossEntropy(bad, t));

        ForBatches(settings);
        settings.Compare("4.2", "slopes of the step function at -2 and 1, which no learning can follow", "0 0", Differences.Derivative(Step, Tensor.From([-2.0, 1.0])));

        // The library takes logits, and needs no 1e-7 that keeps the logarithm finite.
        double exact = Losses.SoftmaxCrossEntropy.Of(Tensor.Log(good + 1e-300).Reshape(1, 10), Tensor.From([2L])).ToDouble();
        settings.Output.WriteLine($"4.2   the library's cross entropy, from logits: {exact:0.000000000000000}, which is -log 0.6");

        Tensor small = Tensor.Linspace(0.001, 1, 500), wide = Tensor.Linspace(-5, 5, 501);
        settings.Save(
            new Figure(
                new Axes().Line(small, Tensor.Log(small)).XLabel("x").YLabel("y").Title("Fig 4-3: log x"),
                new Axes().Line(wide, Step(wide), "step")
                    .Line(wide, Tensor.Sigmoid(wide), "sigmoid").Line(Tangent(Tensor.Sigmoid, 1), "tangent at 1")
                    .YLimits(-0.1, 1.4).Title("Fig 4-4: step and sigmoid")),
            "saito-ch4-losses.svg");
        return new Dictionary<string, double> { ["crossEntropy"] = exact };
    }

    /// <summary>Ten digits drawn at random, and the loss of a batch with its two kinds of targets: rows with a one at the class, and
    /// the classes.</summary>
    private static void ForBatches(Settings settings)
    {
        (Dataset train, _, bool areReal) = settings.Digits();
        if (areReal)
            settings.Compare("4.2", "shapes of images and of targets with ones", "(60000, 784) (60000, 10)", Tensor.From([.. train.Inputs.Shape, .. train.OneHot(10).Targets.Shape]));
        Batch ten = train.Batches(10, new Key(settings.Seed)).First();
        settings.Output.WriteLine($"4.2   ten of {train.Count:n0} images drawn at random, of shape ({string.Join(", ", ten.Inputs.Shape)}), show {string.Join(" ", ten.Targets.ToArray<long>())}");

        // Rows are examples; element (n, k) is 10 n + k, so that what is picked says its place.
        Tensor targets = Tensor.From([2L, 7, 0, 9, 4]), places = Tensor.Arange(0, 50).Reshape(5, 10).To(DType.Float64);
        Tensor picked = places.Gather(targets.Reshape(5, 1), 1);
        settings.Compare("4.2", "what the targets 2, 7, 0, 9, 4 pick", "y[0,2] y[1,7] y[2,0] y[3,9] y[4,4]", Tensor.Concat(1, Tensor.Floor(picked / 10), picked - 10 * Tensor.Floor(picked / 10)));

        Tensor y = new Key(settings.Seed).Normal([5, 10], dtype: DType.Float64).Softmax(1), t = targets.OneHot(10).To(DType.Float64);
        Tensor byClasses = -Tensor.Log(y.Gather(targets.Reshape(5, 1), 1) + 1e-7).Sum() / 5;
        settings.Compare("4.2", "cross entropy of a batch by ones less that by classes", "0.0000000000", (CrossEntropy(y, t) / 5).DistanceTo(byClasses));
    }

    internal static Tensor SquaredError(Tensor y, Tensor t) => 0.5 * Tensor.Square(y - t).Sum();

    internal static Tensor CrossEntropy(Tensor y, Tensor t) => -(t * Tensor.Log(y + 1e-7)).Sum();

    private static Tensor Step(Tensor x) => Tensor.Greater(x, Tensor.Scalar(0.0)).To(x.DType);

    /// <summary>A piece of the tangent of a function at a point.</summary>
    private static (Tensor X, Tensor Y) Tangent(Func<Tensor, Tensor> f, double at)
    {
        Tensor x = Tensor.From([at - 2, at + 2]);
        (Tensor value, Tensor slope) = Jvp.Of(f)(Tensor.Scalar(at), Tensor.Scalar(1.0));
        return (x, value + slope * (x - at));
    }

    private static Axes Line(this Axes axes, (Tensor X, Tensor Y) points, string label) =>
        axes.Line(points.X, points.Y, label, dash: Dash.Dashed);
}
