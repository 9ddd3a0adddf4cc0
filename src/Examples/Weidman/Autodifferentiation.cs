using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Weidman;

/// <summary>Chapters 6.1, 6.2, 6.5.7 and 7.1: quantities that are used twice, automatic differentiation, texts as rows of ones, and
/// gradients over many steps in time.</summary>
internal static class Autodifferentiation
{
    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        Tensor three = Tensor.Scalar(3.0);
        settings.Compare("6.2", "[3 3] + 4", "[7 7]", Tensor.From([3.0, 3.0]) + 4);
        settings.Compare("6.2", "c = 4 a + 5: slopes by a and by b = 4 a", "4 1", Tensor.Stack(0,
            Gradient.Of<Tensor>(a => a * 4 + 5)(three), Gradient.Of<Tensor>(b => b + 5)(three * 4)));
        (Tensor value, Tensor slope) = Gradient.ValueAndGrad<Tensor>(Twice)(three);
        settings.Compare("6.2", "d = (4 a + 3)(a + 2) and its slope where a = 3", "75 35", Tensor.Stack(0, value, slope));
        settings.Compare("6.2", "the slope by differences", "35.0", (Twice(three + 0.01) - Twice(three - 0.01)) / 0.02);
        settings.Compare("7.1", "slopes of the sum over a matrix of 3", "[[35 35] [35 35]]",
            Gradient.Of<Tensor>(a => Twice(a).Sum())(Tensor.Full([2, 2], 3, DType.Float64)));
        settings.Output.WriteLine("The function and its slope as programs:");
        settings.Output.WriteLine(Stage.Of<Tensor, Tensor>(Twice)(three));
        settings.Output.WriteLine(Stage.Of(Gradient.Of<Tensor>(Twice))(three));

        // 6.1: b2 = a2 w2 is used twice, in L = (a1 w1 + b2) b2; its gradient is the sum of both.
        var key = new Key(settings.Seed);
        Tensor[] m = [.. Enumerable.Range(0, 4).Select(i => key.FoldIn(i).Normal([3, 3], dtype: DType.Float64))];
        var slopes = Gradient.Of<Tensor[]>(p => ((p[0] * p[1] + p[2] * p[3]) * (p[2] * p[3])).Sum())(m);
        Tensor b1 = m[0] * m[1], b2 = m[2] * m[3];
        double apart = Tensor.Abs(slopes[2] - (b2 + (b1 + b2)) * m[3]).Max().ToDouble();
        settings.Compare("6.1", "gradient by a2 less the sum of its two branches", "0.0000000000", apart, source: Source.Hand);

        var vocabulary = new CharacterVocabulary("abcd");
        settings.Compare("6.5", "abcdb as rows of ones", "[[1 0 0 0] [0 1 0 0] [0 0 1 0] [0 0 0 1] [0 1 0 0]]", vocabulary.Encode("abcdb").OneHot(4));
        Dataset windows = Sequences.Windows(vocabulary.Encode("abcdba"), 5);
        Tensor both = Tensor.Stack(0, windows.Inputs[0], windows.Targets[0]).OneHot(4);
        settings.Compare("6.5", "shape of the windows of abcdba", "(2, 5, 4)", Tensor.From(Array.ConvertAll(both.Shape, length => (double)length)));

        // 6.4: the state after 100 steps of h' = tanh(w h), and how much of a change of the first is left.
        double[] weights = [0.8, 0.9, 1.0, 1.1];
        Axes left = new Axes().Title("What is left of a small change of the state").XLabel("steps").YLog();
        foreach (double weight in weights)
        {
            double[] kept = [.. Enumerable.Range(1, 100).Select(steps => Kept(weight, steps))];
            settings.Output.WriteLine($"6.4   h' = {weight} h: a change of the first state is {kept[^1]:0.0e+00} of itself after 100 steps");
            left = left.Line(kept, $"w = {weight}");
        }

        settings.Save(left.ToFigure(), "weidman-ch6-autodiff.svg");
        return new Dictionary<string, double> { ["slope"] = slope.ToDouble(), ["branchesDifference"] = apart };
    }

    private static Tensor Twice(Tensor a)
    {
        Tensor c = a * 4 + 3;
        return c * (a + 2);
    }

    private static double Kept(double weight, int steps) =>
        Gradient.Of<Tensor>(h => ControlFlow.ForiLoop(0, steps, (_, state) => state * weight, h))(Tensor.Scalar(1.0)).ToDouble();
}
