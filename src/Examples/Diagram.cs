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
                string color = part.Layer switch { Dropout => "grey", Flatten => "grey", Pooling => "green", Sequential block when block.Any(layer => layer is Dense) => "orange", Dense => "orange", _ => "blue" };
                axes = axes.Arrow(left + Width / 2, row + Height, left + Width / 2, row + 1, color: "grey", width: 1);
                axes = Box(axes, left, row + 1, NameOf(part.Layer), part.Layer.OutputShape(part.InputShape), color);
            }
        }

        return axes.XLimits(-0.05, (networks.Length - 1) * Distance + Width + 0.05).YLimits(-1.1, highest + 1)
            .ToFigure(60 + 390 * networks.Length, 90 + 42 * (highest + 2));
    }

    /// <summary>The name of a layer, or of those that it is made of, without activations.</summary>
    internal static string NameOf(Layer layer) => layer switch
    {
        Sequential { Count: > 5 } layers => $"{NameOf(layers[0])} … {NameOf(layers[^1])}",
        Sequential layers => string.Join(" + ", layers.Where(part => part is not Lambda).Select(NameOf)),
        _ => layer.Name,
    };

    private static Axes Box(Axes axes, double left, double bottom, string name, int[] shape, string color) => axes
        .FillBetween([left, left + Width], [bottom], [bottom + Height], color: color, opacity: 0.22)
        .Text(left, bottom + Height / 2, $"{name}: {string.Join(" × ", shape)}", size: 12);
}
