using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapter 4: softmax, cross entropy, activations, momentum, decay of the learning rate and the spread of first weights in
/// numbers, with figures 4-4 to 4-8.</summary>
internal static class Pieces
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor scores = Tensor.From([5.0, 3.0, 2.0]);
        settings.Compare("4.2", "shares of 5, 3, 2", "[0.5 0.3 0.2]", scores / scores.Sum());
        settings.Compare("4.2", "softmax of 5, 3, 2", "[0.84 0.11 0.04]", scores.Softmax(0));
        settings.Compare("4.2", "largest of 5, 3, 2", "[1.0 0.0 0.0]", scores.ArgMax(0).OneHot(3));
        settings.Compare("4.3", "labels 0, 2, 1 as rows of ones", "[[1 0 0] [0 0 1] [0 1 0]]", Tensor.From([0L, 2L, 1L]).OneHot(3));

        // The gradient softmax - y belongs to the sum of -y log p. The text's class also counts the classes that an example is not of,
        // -(1 - y) log(1 - p), whose gradient is another.
        Tensor z = Tensor.FromArray(new[,] { { 1.0, 2.0, 3.0 } }), y = Tensor.FromArray(new[,] { { 1.0, 0.0, 0.0 } });
        Tensor slope = Gradient.Of<Tensor>(z => Losses.SoftmaxCrossEntropy.Of(z, y))(z);
        double apart = Tensor.Abs(slope - (z.Softmax(1) - y)).Max().ToDouble();
        Tensor twoTerms = Gradient.Of<Tensor>(z => CrossEntropy(z.Softmax(1), y).Sum())(z);
        settings.Compare("4.2", "gradient of -y log p where x = 1, 2, 3: softmax - y", "[-0.90997 0.24473 0.66524]", slope, source: Source.Hand);
        settings.Compare("4.2", "gradient of what the text prints as loss", "[-1.11805 0.00313 1.11493]", twoTerms, source: Source.Hand);

        Func<Tensor, Tensor> sigmoidSlope = Vmap.Of(Gradient.Of<Tensor>(Tensor.Sigmoid)), tanhSlope = Vmap.Of(Gradient.Of<Tensor>(Tensor.Tanh));
        Tensor x = Tensor.Linspace(-5, 5, 201);
        settings.Compare("4.2", "steepest slopes of sigmoid and tanh", "0.25 1", Tensor.Stack(0, sigmoidSlope(x).Max(), tanhSlope(x).Max()));
        settings.Compare("4.2", "mean slope of ReLU about 0", "0.5", Vmap.Of(Gradient.Of<Tensor>(Tensor.Relu))(Tensor.Linspace(-5, 5, 200)).Mean());
        settings.Compare("4.2", "Leaky ReLU with 0.2, and ReLU6, of -1, 3 and 8", "[[-0.2 3.0 8.0] [0.0 3.0 6.0]]", Tensor.Stack(0,
            Tensor.LeakyRelu(Tensor.From([-1.0, 3.0, 8.0]), 0.2), Tensor.Clamp(Tensor.From([-1.0, 3.0, 8.0]), 0, 6)), source: Source.Hand);
        settings.Compare("4.3", "√(784 · 10) neurons", "89", Math.Sqrt(784 * 10));

        settings.Compare("4.4", "what momentum keeps of a gradient of 1, step by step", "1 0.9 0.81 0.729", Velocities(1, 0, 0, 0));
        settings.Compare("4.4", "steps for gradients of 1, 10 and 100: g3 + 0.9 (g2 + 0.9 g1)", "1 10.9 109.81", Velocities(1, 10, 100), source: Source.Hand);

        // Rates of 50 epochs: 49 changes from the first to the last. Down to 0 the exponential decay of the text's defaults is 0 at once.
        double Rate(Schedule schedule, int epoch) => schedule.At(epoch);
        Schedule linear = Schedule.Linear(0.15, 0.05, 49), exponential = Schedule.Exponential(0.2, 0.05 / 0.2, 49);
        settings.Compare("4.5", "linear decay from 0.15 to 0.05, in an epoch", "0.0020408163", Rate(linear, 0) - Rate(linear, 1), source: Source.Hand);
        settings.Compare("4.5", "exponential decay from 0.2 to 0.05, in an epoch", "0.97210474", Rate(exponential, 1) / Rate(exponential, 0), source: Source.Hand);
        settings.Compare("4.5", "the rate of the last epoch by both", "0.05 0.05", Tensor.From([Rate(linear, 49), Rate(exponential, 49)]));
        settings.Compare("4.6", "spread of sums of 784 inputs and a bias", "28", Math.Sqrt(785));

        Tensor images = settings.Digits().Train.Inputs[..1000];
        images = new Standardizer(images.Mean(), Tensor.Sqrt(images.Variance())).Apply(images);
        Tensor reached = Reached(images, Initializers.Normal(1)), less = Reached(images, Initializers.GlorotNormal);
        double spread = Math.Sqrt(reached.Variance().ToDouble());
        settings.Compare("4.6", "spread of what reaches the hidden neurons", "28", spread, How.About);

        // The text names the share that is kept; the library, like PyTorch, the share that is dropped.
        Tensor kept = new Dropout(0.2).Apply(Parameters.Empty, Tensor.Full([100, 100], 1), Context.Training(new Key(settings.Seed)));
        settings.Compare("4.7", "dropout that keeps 0.8 drops, in per cent", "20", 100 * Tensor.EqualTo(kept, Tensor.ZerosLike(kept)).To(DType.Float64).Mean().ToDouble(), How.About);

        Tensor p = Tensor.Linspace(0, 0.995, 200);
        settings.Save(
            new Figure(3,
                new Axes().Title("Fig 4-4: losses where y = 0").XLabel("p").Line(p, CrossEntropy(p, p * 0), "cross entropy")
                    .Line(p, Tensor.Square(p), "squared error", dash: Dash.Dashed),
                new Axes().Title("Fig 4-5: ReLU").Line(x, Tensor.Relu(x)),
                new Axes().Title("Fig 4-6: tanh").Line(x, Tensor.Tanh(x)),
                new Axes().Title("Fig 4-7: slopes").Line(x, sigmoidSlope(x), "sigmoid").Line(x, tanhSlope(x), "tanh", dash: Dash.Dashed),
                new Axes().Title("Fig 4-8: what reaches tanh").Histogram(reached, 60),
                new Axes().Title("... and with Glorot's weights").Histogram(less, 60))
                .Size(1080, 640),
            "weidman-ch4-pieces.svg");
        return new Dictionary<string, double> { ["gradientDifference"] = apart, ["spread"] = spread };
    }

    /// <summary>-y log p - (1 - y) log(1 - p).</summary>
    private static Tensor CrossEntropy(Tensor p, Tensor y) => -Tensor.XLogY(y, p) - Tensor.XLogY(1 - y, 1 - p);

    /// <summary>How far momentum of 0.9 moves a parameter in each step, with the rate 1.</summary>
    private static Tensor Velocities(params double[] gradients)
    {
        var momentum = new Momentum(1.0, 0.9);
        Tensor at = Tensor.Scalar(0.0);
        OptimizerState state = momentum.Init(at);
        var moves = new List<Tensor>();
        foreach (double gradient in gradients)
        {
            (Tensor next, state) = momentum.Update(Tensor.Scalar(gradient), state, at);
            moves.Add(at - next);
            at = next;
        }

        return Tensor.Stack(0, moves);
    }

    /// <summary>The inputs of 89 hidden neurons before any training.</summary>
    private static Tensor Reached(Tensor images, Initializer initializer)
    {
        var layer = new Dense(89, initializer);
        return layer.Apply(layer.Initialize(new Key(0), [784]), images).Reshape(-1);
    }
}
