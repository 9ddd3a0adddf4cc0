using System.Globalization;
using Autodiff.Plots;

namespace Autodiff.Examples.Saito;

/// <summary>Computational graphs as chapter 5 draws them: on one side of each edge what goes forward, on the other what flows
/// back.</summary>
internal static class GraphPicture
{
    /// <summary>About as many pixels as one unit of length has, which places texts.</summary>
    private const double Scale = 105;

    private const double Radius = 20 / Scale;

    /// <summary>An edge between two nodes, its value, and the derivative of the result by it.</summary>
    internal sealed record Edge(string From, string To, double Value, double Slope);

    /// <summary>The picture of a graph. Operations, which edges enter and leave, have a circle.</summary>
    /// <param name="nodes">The nodes: names that edges use, texts, and places.</param>
    /// <param name="edges">The edges.</param>
    internal static Axes Of(IReadOnlyDictionary<string, (string Text, double X, double Y)> nodes, IReadOnlyList<Edge> edges)
    {
        Axes axes = new Axes().HideAxes().EqualAspect()
            .XLimits(nodes.Values.Min(node => node.X) - 0.8, nodes.Values.Max(node => node.X) + 0.6)
            .YLimits(nodes.Values.Min(node => node.Y) - 0.3, nodes.Values.Max(node => node.Y) + 0.4);
        bool IsInput(string node) => edges.All(edge => edge.To != node);
        bool IsOperation(string node) => !IsInput(node) && edges.Any(edge => edge.From == node);
        foreach (Edge edge in edges)
        {
            (_, double x, double y) = nodes[edge.From];
            (_, double toX, double toY) = nodes[edge.To];
            double length = double.Hypot(toX - x, toY - y), alongX = (toX - x) / length, alongY = (toY - y) / length;
            if (IsOperation(edge.From)) (x, y) = (x + Radius * alongX, y + Radius * alongY);
            if (IsOperation(edge.To)) (toX, toY) = (toX - Radius * alongX, toY - Radius * alongY);
            axes = axes.Arrow(x, y, toX, toY, color: "black", width: 1.2);
            foreach ((double number, double side, string color) in new[] { (edge.Value, 1.0, "black"), (edge.Slope, -1.0, "vermilion") })
            {
                string text = number.ToString("G6", CultureInfo.InvariantCulture);
                double away = side * (11 + Math.Abs(alongY) * 4 * text.Length) / Scale;
                axes = Centered(axes, x + 0.5 * (toX - x) - away * alongY, y + 0.5 * (toY - y) + away * alongX, text, 13, color);
            }
        }

        foreach ((string name, (string text, double x, double y)) in nodes)
        {
            axes = IsOperation(name) ? Centered(axes.Scatter([x], [y], color: "#dddddd", size: 2 * Radius * Scale), x - 2 / Scale, y, text, 18)
                : Centered(axes, x + (IsInput(name) ? -1 : 1) * (10 + 4 * text.Length) / Scale, y, text, 13);
        }

        return axes;
    }

    private static Axes Centered(Axes axes, double x, double y, string text, double size, string? color = null) =>
        axes.Text(x - (5 + 0.3 * size * text.Length) / Scale, y - 0.45 * size / Scale, text, color, size);
}
