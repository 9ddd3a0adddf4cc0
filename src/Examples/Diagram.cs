using Autodiff.Layers;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>Networks as columns of boxes, the input at the bottom.</summary>
internal static class Diagram
{
    private const double Width = 1, Distance = 1.35, Height = 0.62;

    /// <summary>The layers of some networks side by side, with the shapes of their outputs.</summary>
    internal static Figure Of(params (string Name, Sequential Network, int[] Input)[] networks)
    {
        Axes axes = new Axes().HideAxes();
        int highest = networks.Max(column => column.Network.Count);
        foreach ((int i, (string name, Sequential network, int[] input)) in networks.Index())
        {
            double left = i * Distance;
            axes = axes.Text(left, -0.85, name, size: 15);
            axes = Box(axes, left, 0, "input", input, "grey");
            foreach ((int row, LayerPart part) in network.Parts(input).Index())
            {
                axes = axes.Arrow(left + Width / 2, row + Height, left + Width / 2, row + 1, color: "grey", width: 1);
                axes = Box(axes, left, row + 1, NameOf(part.Layer), part.Layer.OutputShape(part.InputShape), ColorOf(part.Layer));
            }
        }

        return axes.XLimits(-0.05, (networks.Length - 1) * Distance + Width + 0.05).YLimits(-1.1, highest + 1)
            .ToFigure(60 + 420 * networks.Length, 90 + 42 * (highest + 2));
    }

    /// <summary>The name of a layer, or those of the layers that it is made of, without activations.</summary>
    internal static string NameOf(Layer layer)
    {
        if (layer is not Sequential layers) return layer.Name;
        var names = new List<(string Name, int Count)>();
        foreach (string name in layers.Where(part => part is not Lambda).Select(NameOf))
        {
            if (names is [.., var last] && last.Name == name) names[^1] = (name, last.Count + 1);
            else names.Add((name, 1));
        }

        string[] texts = [.. names.Select(named => named.Count == 1 ? named.Name : $"{named.Count} {named.Name}")];
        return texts.Length > 4 ? $"{texts[0]} … {texts[^1]}" : string.Join(", ", texts);
    }

    private static string ColorOf(Layer layer) => layer switch
    {
        Flatten or Dropout or Lambda => "grey",
        Pooling => "green",
        Dense => "orange",
        Sequential block when block.Any(part => part is Dense) => "orange",
        _ => "blue",
    };

    private static Axes Box(Axes axes, double left, double bottom, string name, int[] shape, string color) => axes
        .FillBetween([left, left + Width], [bottom], [bottom + Height], color: color, opacity: 0.22)
        .Text(left, bottom + Height / 5, $"{name}: {string.Join(" × ", shape)}", size: 12);
}
