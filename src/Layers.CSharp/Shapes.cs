namespace Autodiff.Layers;

/// <summary>Shapes in messages, and checks that layers share.</summary>
internal static class Shapes
{
    internal static string Format(ReadOnlySpan<int> shape) => $"({string.Join(", ", shape.ToArray())})";

    /// <summary>A shape with a leading batch axis of any length: <c>(n, 784)</c>.</summary>
    internal static string FormatBatch(ReadOnlySpan<int> shape) =>
        shape.IsEmpty ? "(n)" : $"(n, {string.Join(", ", shape.ToArray())})";

    internal static int Product(ReadOnlySpan<int> shape)
    {
        int product = 1;
        foreach (int length in shape) product = checked(product * length);
        return product;
    }

    /// <summary>A vector with one element for each channel, the axis after the batch, such that it broadcasts against
    /// tensors of a rank.</summary>
    internal static Tensor AlongChannels(Tensor vector, int rank) =>
        rank == 2 ? vector : vector.Reshape([vector.Size, .. Enumerable.Repeat(1, rank - 2)]);

    /// <summary>A number that must be at least some bound.</summary>
    internal static int AtLeast(int bound, int value, string owner, string name) =>
        value >= bound ? value : throw new ArgumentException($"{owner}: {name} is {value}; it must be at least {bound}.");

    /// <summary>A number that must be positive and finite.</summary>
    internal static double Positive(double value, string owner, string name) =>
        value > 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentException($"{owner}: {name} is {value}; it must be a positive number.");

    /// <summary>A number that must lie on [0, 1).</summary>
    internal static double Fraction(double value, string owner, string name) =>
        value is >= 0 and < 1
            ? value
            : throw new ArgumentException($"{owner}: {name} is {value}; it must be at least 0 and below 1.");
}
