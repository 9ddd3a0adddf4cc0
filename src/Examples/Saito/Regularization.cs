using Autodiff.Layers;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.4 in numbers: three norms, weight decay as a part of the loss, and the two forms of dropout.</summary>
internal static class Regularization
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor w = Tensor.From([3.0, -4.0, 12.0]);
        settings.Compare(
            "6.4", "norms L1, L2 and L∞ of (3, -4, 12), by hand", "19 13 12",
            Tensor.Stack(0, w.Norm(1), w.Norm(2), w.Norm(double.PositiveInfinity)));

        // A loss with λ/2 Σ w² has a gradient with λ w, which is what the optimizer adds by itself.
        const double lambda = 0.1, rate = 0.01;
        static Tensor Loss(Tensor w) => Tensor.Sin(w).Sum();
        Tensor slope = Gradient.Of((Tensor w) => Loss(w) + lambda / 2 * Tensor.Square(w).Sum())(w);
        settings.Compare("6.4", "gradient with weight decay less λ W, largest difference", "0.000000000000", Apart(slope, Gradient.Of<Tensor>(Loss)(w) + lambda * w));
        var decaying = new Chain(new SGD(rate), new WeightDecay(lambda));
        Tensor step = decaying.Update(Gradient.Of<Tensor>(Loss)(w), decaying.Init(w), w).Item1;
        settings.Compare("6.4", "a step of the optimizer with weight decay likewise", "0.000000000000", Apart(step, w - rate * slope));

        // The same mask for both: the text multiplies when it predicts, ours divides while it trains.
        const double ratio = 0.15;
        Layer text = new TextDropout(ratio), ours = new Dropout(ratio);
        Tensor x = new Key(settings.Seed).Normal([1000, 100], dtype: DType.Float64) + 1;
        Context training = Context.Training(new Key(settings.Seed + 1));
        Tensor kept = text.Apply(Parameters.Empty, x, training), scaled = ours.Apply(Parameters.Empty, x, training);
        settings.Compare("6.4", "dropout of 0.15: the part of numbers that is left", "0.85", Tensor.NotEqualTo(kept, Tensor.ZerosLike(kept)).To(DType.Float64).Mean(), How.About);
        settings.Compare("6.4", "when predicting, numbers are multiplied by", "0.85", (text.Apply(Parameters.Empty, x) / x).Mean());
        settings.Compare("6.4", "both forms of dropout, up to the factor 0.85, largest difference", "0.000000000000", Apart(kept, scaled * (1 - ratio)));
        settings.Output.WriteLine(
            $"      mean behind the text's dropout: training {kept.Mean().ToDouble():0.000}, predicting {text.Apply(Parameters.Empty, x).Mean().ToDouble():0.000}; "
            + $"behind ours {scaled.Mean().ToDouble():0.000} and {ours.Apply(Parameters.Empty, x).Mean().ToDouble():0.000}");
        return new Dictionary<string, double> { ["kept"] = kept.Mean().ToDouble(), ["scaled"] = scaled.Mean().ToDouble() };
    }

    private static double Apart(Tensor a, Tensor b) => Tensor.Abs(a - b).Max().ToDouble();
}

/// <summary>Dropout as the text has it, a layer of one's own: it takes numbers away while training, and makes all of them smaller
/// when predicting.</summary>
internal sealed class TextDropout(double ratio) : Layer
{
    public override int[] OutputShape(int[] inputShape) => inputShape;

    public override Tensor Apply(Parameters parameters, Tensor input, Context context) => context.Key is { } key
        ? input * key.Bernoulli(input.Shape, 1 - ratio).To(input.DType)
        : input * (1 - ratio);
}
