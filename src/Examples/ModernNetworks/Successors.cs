using Autodiff.Layers;

namespace Autodiff.Examples.ModernNetworks;

/// <summary>The networks that the chapter announces: NiN, GoogLeNet, ResNet-18 and DenseNet-121, with small copies of them that
/// learn to tell images apart.</summary>
/// <remarks>Our part of the text ends before it comes to them. Shapes are those of the papers' tables, numbers of parameters
/// those that are published for ImageNet (three colours, 1,000 classes).</remarks>
internal static class Successors
{
    private static readonly int[] Photograph = [3, 224, 224];

    /// <summary>A network in a network.</summary>
    internal static IReadOnlyDictionary<string, double> RunNiN(Settings settings)
    {
        settings.CompareShapes(
            "5", Networks.NiN(), [1, 224, 224], Source.Published, "54×54×96", "26×26×96", "26×26×256", "12×12×256", "12×12×384", "5×5×384", "5×5×384",
            "5×5×10", "10");
        return settings.Train("d2l-ch5-nin", width => Networks.NiN(width), side: 67).Metrics;
    }

    /// <summary>GoogLeNet.</summary>
    internal static IReadOnlyDictionary<string, double> RunGoogLeNet(Settings settings)
    {
        Sequential network = Networks.GoogLeNet(classes: 1000);
        settings.CompareShapes("5", network, Photograph, Source.Published, "56×56×64", "28×28×192", "14×14×480", "7×7×832", "1024", "1000");
        settings.Compare("5", "parameters", "6998552", network.CountParameters(Photograph), source: Source.Published);
        return settings.Train("d2l-ch5-googlenet", width => Networks.GoogLeNet(width), side: 32).Metrics;
    }

    /// <summary>ResNet-18.</summary>
    internal static IReadOnlyDictionary<string, double> RunResNet(Settings settings)
    {
        Sequential network = Networks.ResNet18(classes: 1000);
        settings.CompareShapes("5", network, Photograph, Source.Published, "56×56×64", "56×56×64", "28×28×128", "14×14×256", "7×7×512", "512", "1000");
        settings.Compare("5", "parameters", "11689512", network.CountParameters(Photograph), source: Source.Published);
        return settings.Train("d2l-ch5-resnet", width => Networks.ResNet18(width), side: 32).Metrics;
    }

    /// <summary>DenseNet-121; its small copy has four layers in each block.</summary>
    internal static IReadOnlyDictionary<string, double> RunDenseNet(Settings settings)
    {
        Sequential network = Networks.DenseNet(classes: 1000);
        settings.CompareShapes(
            "5", network, Photograph, Source.Published, "56×56×64", "56×56×256", "28×28×128", "28×28×512", "14×14×256", "14×14×1024", "7×7×512",
            "7×7×1024", "1024", "1000");
        settings.Compare("5", "parameters", "7978856", network.CountParameters(Photograph), source: Source.Published);
        return settings.Train("d2l-ch5-densenet", width => Networks.DenseNet(width, 10, 4, 4, 4, 4), side: 32).Metrics;
    }
}
