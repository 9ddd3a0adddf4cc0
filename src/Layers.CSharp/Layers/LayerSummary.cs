using System.Globalization;
using System.Text;

namespace Autodiff.Layers;

/// <summary>Networks as tables.</summary>
internal static class LayerSummary
{
    /// <summary>One line for each layer, those of composite layers indented below them, and the totals.</summary>
    internal static string Table(Layer network, Parameters parameters, int[] inputShape)
    {
        var rows = new List<(string Layer, string Output, string Count)> { ("Layer", "Output", "Parameters") };
        if (network is Sequential) AddParts(rows, network, parameters, inputShape, "");
        else Add(rows, network, parameters, inputShape, "");
        rows.Add(("Total", Shapes.FormatBatch(network.OutputShape(inputShape)), Count(parameters)));
        if (parameters.HasState)
        {
            rows.Add(("  trainable", "", Count(parameters.Trainable)));
            rows.Add(("  state", "", Format(parameters.ElementCount - parameters.Trainable.ElementCount)));
        }

        int first = rows.Max(row => row.Layer.Length), second = rows.Max(row => row.Output.Length);
        int third = rows.Max(row => row.Count.Length);
        var text = new StringBuilder();
        foreach ((string layer, string shape, string count) in rows)
            text.Append(layer.PadRight(first) + "  " + shape.PadRight(second) + "  " + count.PadLeft(third) + "\n");
        return text.ToString();
    }

    internal static string Count(Parameters parameters) => Format(parameters.ElementCount);

    private static string Format(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static void Add(
        List<(string, string, string)> rows, Layer layer, Parameters parameters, int[] shape, string indent)
    {
        bool hasParts = layer.Parts(shape).Count > 0;
        string output = hasParts && layer is Sequential ? "" : Shapes.FormatBatch(layer.OutputShape(shape));
        rows.Add((indent + layer.Name, output, hasParts ? "" : Count(parameters)));
        AddParts(rows, layer, parameters, shape, indent + "  ");
    }

    private static void AddParts(
        List<(string, string, string)> rows, Layer layer, Parameters parameters, int[] shape, string indent)
    {
        foreach (LayerPart part in layer.Parts(shape)) Add(rows, part.Layer, parameters.Part(part.Name), part.InputShape, indent);
    }
}
