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

    /// <summary>Zeros of a shape that hold no memory, to ask operations for shapes.</summary>
    internal static Tensor Blank(params int[] shape) => Tensor.Scalar(0f).BroadcastTo(shape);

    /// <summary>The shape that a function makes of tensors of a shape, which are float32 and have no values.</summary>
    internal static int[] ShapeOf(Func<Tensor, Tensor> function, params int[] inputShape)
    {
        int[] shape = [];
        Stage.Of((Tensor x) =>
        {
            Tensor y = function(x);
            shape = y.Shape;
            return y;
        })(Blank(inputShape));
        return shape;
    }

    /// <summary>One number for each of some axes, each at least some bound.</summary>
    internal static int[] PerAxis(int bound, PerAxis values, int axes, int otherwise, string owner, string name)
    {
        int[] all = values.Values ?? [otherwise];
        if (all.Length != 1 && all.Length != axes)
            throw new ArgumentException($"{owner}: {name} has {all.Length} numbers for {axes} axes; give one for each, or one for all.");
        foreach (int value in all) AtLeast(bound, value, owner, name);
        return all.Length == axes ? all : [.. Enumerable.Repeat(all[0], axes)];
    }

    /// <summary>Padding without negative widths; none if it is not given.</summary>
    internal static Padding Padded(Padding? padding, int axes, string owner)
    {
        padding ??= Padding.Valid;
        if (!padding.IsSame && padding.Widths.Length != 1 && padding.Widths.Length != axes)
        {
            throw new ArgumentException(
                $"{owner}: padding has {padding.Widths.Length} widths for {axes} axes; give one for each, or one for all.");
        }

        foreach ((int before, int after) in padding.Widths) AtLeast(0, Math.Min(before, after), owner, nameof(padding));
        return padding;
    }

    /// <summary>The size of windows: "3x3".</summary>
    internal static string Window(int[] lengths) => string.Join('x', lengths);

    /// <summary>A number that must be at least some bound.</summary>
    internal static int AtLeast(int bound, int value, string owner, string name) =>
        value >= bound ? value : throw new ArgumentException($"{owner}: {name} is {value}; it must be at least {bound}.");

    /// <summary>A number that must be positive and finite.</summary>
    internal static double Positive(double value, string owner, string name) =>
        value > 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentException($"{owner}: {name} is {value}; it must be a positive number.");

    /// <summary>Integers in a type that holds every position along an axis.</summary>
    internal static Tensor WideEnough(Tensor numbers) => numbers.DType == DType.Int64 ? numbers : numbers.To(DType.Int32);

    /// <summary>Class numbers or tokens to gather by, which must be 0 to count - 1; gathering alone would count those below 0 from
    /// the end. Those that a transform traces have no values yet: what lies below the range is moved above it, where gathering
    /// finds it.</summary>
    /// <param name="numbers">The numbers, int32 or int64.</param>
    /// <param name="count">The number of classes or tokens.</param>
    /// <param name="error">The message for the least and the largest number.</param>
    internal static Tensor InRange(Tensor numbers, int count, Func<double, double, string> error)
    {
        if (numbers.Level != 0)
        {
            Tensor beyond = Tensor.Full([], count, numbers.DType, numbers.Device);
            return Tensor.Where(Tensor.Less(numbers, Tensor.ZerosLike(beyond)), beyond, numbers);
        }

        if (numbers.Size == 0) return numbers;
        double least = numbers.Min().ToDouble(), largest = numbers.Max().ToDouble();
        return least >= 0 && largest < count ? numbers : throw new ArgumentException(error(least, largest));
    }

    /// <summary>A number that must lie on [0, 1).</summary>
    internal static double Fraction(double value, string owner, string name) =>
        value is >= 0 and < 1
            ? value
            : throw new ArgumentException($"{owner}: {name} is {value}; it must be at least 0 and below 1.");
}
