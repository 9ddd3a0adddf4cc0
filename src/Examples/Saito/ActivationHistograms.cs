using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Chapter 6.2: what first weights make of the activations of five layers of 100 units (figures 6-10, 6-11, 6-13 and
/// 6-14).</summary>
internal static class ActivationHistograms
{
    private const int Layers = 5, Units = 100;

    internal static IReadOnlyDictionary<string, double> Run(Settings settings)
    {
        var key = new Key(settings.Seed);
        Tensor data = key.FoldIn(0).Normal([1000, Units]);
        Initializer narrow = Initializers.Normal(0.01);
        Draw(
            settings, "Figs 6-10, 6-11 and 6-13: sigmoid; and tanh, of which the text says that it is better shaped", double.NaN,
            "saito-ch6-sigmoid-activations.svg",
            ("std = 1", 0, Activate(data, Initializers.Normal(1), Tensor.Sigmoid, key)),
            ("std = 0.01", 0, Activate(data, narrow, Tensor.Sigmoid, key)),
            ("Xavier", 0, Activate(data, Initializers.XavierNormal, Tensor.Sigmoid, key)),
            ("tanh, Xavier", -1, Activate(data, Initializers.XavierNormal, Tensor.Tanh, key)));
        Tensor[] small = Activate(data, narrow, Tensor.Relu, key), xavier = Activate(data, Initializers.XavierNormal, Tensor.Relu, key),
            he = Activate(data, Initializers.HeNormal, Tensor.Relu, key);
        Draw(settings, "Fig 6-14: ReLU", 7000, "saito-ch6-relu-activations.svg", ("std = 0.01", 0, small), ("Xavier", 0, xavier), ("He", 0, he));

        // Which numbers are drawn decides them by some ten percent in the last layers.
        settings.Compare(
            "6.2", "means of the activations with std = 0.01", "0.039 0.00290 0.000197 1.32e-5 9.46e-7", Means(small), How.About);
        settings.Output.WriteLine($"      with Xavier's {Means(xavier)}\n      with He's     {Means(he)}");
        return new Dictionary<string, double> { ["lastMeanSmall"] = small[^1].Mean().ToDouble(), ["lastMeanHe"] = he[^1].Mean().ToDouble() };
    }

    private static Tensor Means(Tensor[] layers) => Tensor.Stack(0, layers.Select(layer => layer.Mean()));

    /// <summary>The outputs of the layers.</summary>
    private static Tensor[] Activate(Tensor x, Initializer initializer, Func<Tensor, Tensor> activation, Key key)
    {
        var outputs = new Tensor[Layers];
        for (int i = 0; i < Layers; i++)
            outputs[i] = x = activation(x.MatMul(initializer.Draw(key.FoldIn(i + 1), [Units, Units], Units, Units)));
        return outputs;
    }

    private static void Draw(Settings settings, string title, double height, string picture, params (string Name, double Low, Tensor[] Layers)[] rows) => settings.Save(
        new Figure(
            Layers,
            rows.SelectMany(row => row.Layers.Select((layer, i) =>
                new Axes().Histogram(layer, 30, row.Low, 1).YLimits(0, height).Title(i == 0 ? $"{row.Name}, layer 1" : $"layer {i + 1}")))).Title(title).Size(1250, 90 + 185 * rows.Length),
        picture);
}
