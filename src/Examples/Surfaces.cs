using System.Globalization;
using Autodiff.Plots;

namespace Autodiff.Examples;

/// <summary>Functions of two variables as surfaces in space, drawn as nets of lines.</summary>
internal static class Surfaces
{
    /// <summary>A surface as seen from the front right, 30 degrees above it.</summary>
    /// <param name="x">The coordinates of the columns.</param>
    /// <param name="y">The coordinates of the rows.</param>
    /// <param name="z">The heights: row i, column j is that at (x[j], y[i]).</param>
    /// <param name="xName">What x is.</param>
    /// <param name="yName">What y is.</param>
    /// <param name="zName">What the height is.</param>
    internal static Axes Of(Tensor x, Tensor y, Tensor z, string xName, string yName, string zName)
    {
        double[] a = Unit(x), b = Unit(y), c = Unit(z);
        (double Across, double Up) At(int row, int column) => Seen(a[column], b[row], c[row * a.Length + column]);
        Axes axes = new Axes().HideAxes().EqualAspect().XLimits(-0.25, 1.55).YLimits(-0.42, 1.35);
        axes = Lines(axes, "grey", [Seen(0, 0, 1), Seen(0, 0, 0), Seen(1, 0, 0), Seen(1, 1, 0)]);
        axes = Lines(axes, "grey", [Seen(0, 0, 0), Seen(0, 1, 0), Seen(1, 1, 0)]);
        for (int row = b.Length - 1; row >= 0; row--) axes = Lines(axes, "blue", [.. Enumerable.Range(0, a.Length).Select(column => At(row, column))]);
        for (int column = 0; column < a.Length; column++) axes = Lines(axes, "blue", [.. Enumerable.Range(0, b.Length).Select(row => At(row, column))]);

        foreach (double part in new[] { 0, 0.5, 1 })
        {
            axes = Label(axes, Seen(part, -0.1, 0), -0.09, -0.06, Number(x, part));
            axes = Label(axes, Seen(1.06, part, 0), 0, -0.06, Number(y, part));
            axes = Label(axes, Seen(0, 0, part), -0.16, 0, Number(z, part));
        }

        axes = Label(axes, Seen(0.5, -0.3, 0), -0.12, -0.06, xName);
        axes = Label(axes, Seen(1.2, 0.5, 0), 0.02, -0.06, yName);
        return Label(axes, Seen(0, 0, 1), -0.03, 0.06, zName);
    }

    /// <summary>Where a point of the unit cube is on the screen.</summary>
    private static (double Across, double Up) Seen(double a, double b, double c)
    {
        const double sine = 0.5, cosine = 0.866;
        return (cosine * a + sine * b, cosine * c - sine * (sine * a - cosine * b));
    }

    private static Axes Lines(Axes axes, string color, (double Across, double Up)[] points) =>
        axes.Line(Array.ConvertAll(points, point => point.Across), Array.ConvertAll(points, point => point.Up), color: color, width: 0.8);

    private static Axes Label(Axes axes, (double Across, double Up) at, double right, double up, string text) =>
        axes.Text(at.Across + right, at.Up + up, text);

    private static double[] Unit(Tensor values) => ((values - values.Min()) / (values.Max() - values.Min())).ToArray<double>();

    private static string Number(Tensor values, double part)
    {
        double low = values.Min().ToDouble(), high = values.Max().ToDouble();
        return (low + part * (high - low)).ToString("G3", CultureInfo.InvariantCulture);
    }
}
