using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 3.2: step function, sigmoid and ReLU, with figures 3-6 to 3-9.</summary>
internal static class ActivationPlots
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor few = Tensor.From([-1.0, 1.0, 2.0]);
        settings.Compare("3.2", "step function of -1, 1, 2", "[0 1 1]", Step(few));
        settings.Compare("3.2", "sigmoid of -1, 1, 2", "[0.26894142 0.73105858 0.88079708]", Tensor.Sigmoid(few));

        settings.Compare("3.2", "step function at 0", "0", Step(Tensor.Scalar(0.0)));

        // The text ends these after three digits instead of rounding them.
        settings.Compare("3.2", "sigmoid of 1 and 2, cut off", "0.731 0.880", Tensor.Floor(Tensor.Sigmoid(few[1..]) * 1000) / 1000);

        // A number with each element: what makes sigmoid work on arrays.
        Tensor t = Tensor.From([1.0, 2.0, 3.0]);
        settings.Compare("3.2", "1 + [1, 2, 3]", "[2. 3. 4.]", 1 + t);
        settings.Compare("3.2", "1 / [1, 2, 3]", "[1. 0.5 0.33333333]", 1 / t);

        // Why activations must not be linear: three layers of h(x) = c x are one, of c³ x.
        Tensor c = new Key(settings.Seed).Normal([4, 4], dtype: DType.Float64), x = Tensor.Eye(4, DType.Float64);
        Func<Tensor, Tensor> h = v => v.MatMul(c);
        settings.Compare("3.2", "h(h(h(x))) - c³ x for h(x) = c x, the largest element", "0.0000000000", h(h(h(x))).DistanceTo(x.MatMul(c.MatMul(c).MatMul(c))));

        Tensor wide = Tensor.Arange(-5, 5, 0.1);
        Tensor forRelu = Tensor.Arange(-6, 6, 0.1);
        Axes FromZeroToOne(string title) => new Axes().YLimits(-0.1, 1.1).Title(title);
        settings.Save(
            new Figure(
                2,
                FromZeroToOne("Fig 3-6: step function").Line(wide, Step(wide)),
                FromZeroToOne("Fig 3-7: sigmoid").Line(wide, Tensor.Sigmoid(wide)),
                FromZeroToOne("Fig 3-8: both").Line(wide, Tensor.Sigmoid(wide), "sigmoid")
                    .Line(wide, Step(wide), "step", dash: Dash.Dashed),
                new Axes().Title("Fig 3-9: ReLU").Line(forRelu, Tensor.Relu(forRelu))),
            "saito-ch3-activations.svg");
        return new Dictionary<string, double> { ["sigmoidAtOne"] = Tensor.Sigmoid(few)[1].ToDouble() };
    }

    /// <summary>1 where x is positive, 0 elsewhere, at 0 too.</summary>
    private static Tensor Step(Tensor x) => Tensor.Greater(x, TensorModule.zerosLike(x)).To(x.DType);
}
