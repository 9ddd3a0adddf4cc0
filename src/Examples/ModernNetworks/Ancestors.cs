using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples.ModernNetworks;

/// <summary>Chapters 5.1 and 5.2: LeNet, AlexNet and VGG-11 with the shapes that the text prints, and small copies of them that
/// learn to tell images apart (figures 5-1 to 5-4).</summary>
/// <remarks>The text trains AlexNet with 47 million parameters on images of 224 x 224 on a graphics card. Copies of a
/// quarter of its width on images of 67 x 67 take minutes on a processor.</remarks>
internal static class Ancestors
{
    /// <summary>LeNet.</summary>
    internal static IReadOnlyDictionary<string, double> RunLeNet(Settings settings)
    {
        Sequential network = Networks.LeNet();
        settings.CompareShapes(
            "5.1", network, [1, 28, 28], Source.Hand, "28×28×6", "14×14×6", "10×10×16", "5×5×16", "400", "120", "84", "10");
        settings.Compare("5.1", "parameters", "61706", network.CountParameters([1, 28, 28]), source: Source.Hand);
        return settings.Train("d2l-ch5-lenet", width => Networks.LeNet(width), side: 28, width: 1, rate: 5e-3).Metrics;
    }

    /// <summary>AlexNet (figures 5-1, 5-2 and 5-3).</summary>
    internal static IReadOnlyDictionary<string, double> RunAlexNet(Settings settings)
    {
        Sequential network = Networks.AlexNet();
        settings.CompareShapes(
            "5.1", network, [1, 224, 224], Source.Text, "54×54×96", "26×26×96", "26×26×256", "12×12×256", "12×12×384", "12×12×384", "12×12×256",
            "5×5×256", "6400", "4096", "4096", "4096", "4096", "10");
        settings.Compare("5.1", "parameters", "46764746", network.CountParameters([1, 224, 224]), source: Source.Hand);
        settings.Compare("5.1", "parameters for ImageNet", "50844008", Networks.AlexNet(classes: 1000).CountParameters([3, 224, 224]), source: Source.Hand);
        double large = 4.0 * (network[9].CountParameters([6400]) + network[11].CountParameters([4096])) / (1 << 30);
        settings.Output.WriteLine($"5.1   the two large dense layers: text nearly 1 GB  ours {large:0.00} GB");
        settings.Save(
            Diagram.Of(("LeNet", Networks.LeNet(), [1, 28, 28]), ("AlexNet", Networks.AlexNet(classes: 1000), [3, 224, 224]))
                .Title("Fig 5-2: from LeNet to AlexNet"),
            "d2l-ch5-alexnet-diagram.svg");

        (Parameters before, Parameters after, Dictionary<string, double> metrics) =
            settings.Train("d2l-ch5-alexnet", width => Networks.AlexNet(width), side: 67, title: "Fig 5-3: a small AlexNet learns");
        settings.Output.WriteLine("5.1   text, in full size on Fashion-MNIST in 10 epochs: loss 0.325, training accuracy 0.881, test accuracy 0.871");
        const string filters = "1.0.0.weight";
        settings.Save(
            new Axes().ImageGrid(after[filters] - before[filters], columns: 8, each: true)
                .Title("Fig 5-1: what the filters of the first layer have learned").ToFigure(640, 290),
            "d2l-ch5-alexnet-filters.svg");
        return metrics;
    }

    /// <summary>VGG-11 (figure 5-4).</summary>
    internal static IReadOnlyDictionary<string, double> RunVgg(Settings settings)
    {
        Sequential network = Networks.Vgg11();
        settings.CompareShapes(
            "5.2", network, [1, 224, 224], Source.Text, "112×112×64", "56×56×128", "28×28×256", "14×14×512", "7×7×512", "10");
        settings.Compare("5.2", "layers with parameters: 8 convolutions and 3 dense", "11",
            Stage.Of((Key key) => network.Initialize(key, [1, 224, 224]))(new Key(0)).Program.Outputs.Length / 2);
        settings.Compare("5.2", "parameters", "128806154", network.CountParameters([1, 224, 224]), source: Source.Hand);
        settings.Compare("5.2", "parameters for ImageNet", "132863336", Networks.Vgg11(classes: 1000).CountParameters([3, 224, 224]), source: Source.Published);
        settings.Save(
            Diagram.Of(("AlexNet", Networks.AlexNet(), [1, 224, 224]), ("VGG-11", network, [1, 224, 224]))
                .Title("Fig 5-4: from AlexNet to VGG"),
            "d2l-ch5-vgg-diagram.svg");
        return settings.Train("d2l-ch5-vgg", width => Networks.Vgg11(width), side: 32).Metrics;
    }
}
