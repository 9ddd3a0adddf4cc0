using System.Globalization;
using System.Text;

namespace Autodiff.Layers;

/// <summary>How often examples of each class are found to be of each class. Immutable.</summary>
/// <example><code>
/// var matrix = ConfusionMatrix.Of(model.Predict(test.Inputs), test.Targets);
/// Console.WriteLine(matrix);
/// double ofSevens = matrix.Recall(7);
/// </code></example>
public sealed class ConfusionMatrix
{
    private readonly long[,] counts;

    private ConfusionMatrix(long[,] counts) => this.counts = counts;

    /// <summary>The number of classes.</summary>
    public int Classes => counts.GetLength(0);

    /// <summary>The number of examples.</summary>
    public long Total => counts.Cast<long>().Sum();

    /// <summary>The number of examples of a class that are found to be of another, or of the same.</summary>
    public long this[int expected, int found] => counts[expected, found];

    /// <summary>The fraction of examples whose class is found; NaN without examples.</summary>
    public double Accuracy => Enumerable.Range(0, Classes).Sum(i => (double)counts[i, i]) / Total;

    /// <summary>The counts for outputs and targets, in the shapes that <see cref="Metrics.Accuracy"/> takes; one logit per
    /// example makes two classes.</summary>
    /// <exception cref="ArgumentException">Shapes do not fit, or a class number is out of range.</exception>
    public static ConfusionMatrix Of(Tensor output, Tensor target)
    {
        (long[] found, long[] expected, int classes) = ClassCounts.ClassesInRange(nameof(ConfusionMatrix), output, target);
        var counts = new long[Math.Max(2, classes), Math.Max(2, classes)];
        for (int i = 0; i < found.Length; i++) counts[expected[i], found[i]]++;
        return new(counts);
    }

    /// <summary>The counts of both, such as of two batches.</summary>
    /// <exception cref="ArgumentException">The numbers of classes differ.</exception>
    public static ConfusionMatrix operator +(ConfusionMatrix a, ConfusionMatrix b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Classes != b.Classes)
            throw new ArgumentException($"ConfusionMatrix: counts of {a.Classes} and of {b.Classes} classes cannot be added.");
        var counts = new long[a.Classes, a.Classes];
        for (int i = 0; i < a.Classes; i++)
        {
            for (int j = 0; j < a.Classes; j++) counts[i, j] = a.counts[i, j] + b.counts[i, j];
        }

        return new(counts);
    }

    /// <summary>The fraction of the examples found to be of a class that are of it; 0 where none is found.</summary>
    public double Precision(int @class) => Of(@class, ClassCounts.Precision);

    /// <summary>The fraction of the examples of a class that are found; 0 where there is none.</summary>
    public double Recall(int @class) => Of(@class, ClassCounts.Recall);

    /// <summary>The harmonic mean of precision and recall of a class.</summary>
    public double F1(int @class) => Of(@class, ClassCounts.F1);

    /// <summary>The counts, a row for each expected class and a column for each that is found.</summary>
    public long[,] ToArray() => (long[,])counts.Clone();

    /// <summary>The counts as a table: a row for each expected class, a column for each that is found.</summary>
    public override string ToString()
    {
        int width = Math.Max(
            counts.Cast<long>().Max().ToString(CultureInfo.InvariantCulture).Length,
            (Classes - 1).ToString(CultureInfo.InvariantCulture).Length);
        var text = new StringBuilder("".PadLeft(width));
        for (int j = 0; j < Classes; j++) text.Append(' ').Append(Cell(j));
        for (int i = 0; i < Classes; i++)
        {
            text.Append('\n').Append(Cell(i));
            for (int j = 0; j < Classes; j++) text.Append(' ').Append(Cell(counts[i, j]));
        }

        return text.Append('\n').ToString();

        string Cell(long number) => number.ToString(CultureInfo.InvariantCulture).PadLeft(width);
    }

    private double Of(int @class, Func<double, double, double, double> measure)
    {
        if (@class < 0 || @class >= Classes)
            throw new ArgumentException($"ConfusionMatrix: there is no class {@class}; the classes are 0 to {Classes - 1}.");
        double right = counts[@class, @class];
        double found = Enumerable.Range(0, Classes).Sum(i => (double)counts[i, @class]);
        double expected = Enumerable.Range(0, Classes).Sum(j => (double)counts[@class, j]);
        return measure(right, found - right, expected - right);
    }
}

/// <summary>What is made of found and expected classes.</summary>
internal static class ClassCounts
{
    internal static double Precision(double right, double wronglyFound, double missed) =>
        right + wronglyFound > 0 ? right / (right + wronglyFound) : 0;

    internal static double Recall(double right, double wronglyFound, double missed) =>
        right + missed > 0 ? right / (right + missed) : 0;

    internal static double F1(double right, double wronglyFound, double missed) =>
        right > 0 ? 2 * right / (2 * right + wronglyFound + missed) : 0;

    /// <summary>The found and the expected class of each example or step, and the number of classes: 1 where one logit per
    /// example tells class 1 from class 0.</summary>
    internal static (long[] Found, long[] Expected, int Classes) Classes(string name, Tensor output, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        if (output.Rank > 0 && output.Size == output.Shape[0])
        {
            if (target.Size != output.Size) throw Mismatch(name, output, target);
            Tensor logits = output.Reshape(-1);
            Tensor isPositive = Tensor.Greater(logits, TensorModule.zerosLike(logits));
            return (isPositive.To(DType.Int64).ToArray<long>(), target.Reshape(-1).To(DType.Bool).To(DType.Int64).ToArray<long>(), 1);
        }

        if (output.Rank < 2) throw Mismatch(name, output, target);
        bool areLabels = Losses.AreLabels(output, target);
        if (!areLabels && !target.Shape.AsSpan().SequenceEqual(output.Shape)) throw Mismatch(name, output, target);
        Tensor classes = areLabels ? target.To(DType.Int64) : target.ArgMax(-1);
        return (output.ArgMax(-1).ToArray<long>(), classes.ToArray<long>(), output.Shape[^1]);
    }

    /// <summary>The same, where class numbers that do not exist are an error.</summary>
    internal static (long[] Found, long[] Expected, int Classes) ClassesInRange(string name, Tensor output, Tensor target)
    {
        (long[] found, long[] expected, int classes) = Classes(name, output, target);
        int last = Math.Max(2, classes) - 1, wrong = Array.FindIndex(expected, label => label < 0 || label > last);
        return wrong < 0
            ? (found, expected, classes)
            : throw new ArgumentException(
                $"{name}: a target is {expected[wrong]}; outputs of shape {Shapes.Format(output.Shape)} have classes 0 to {last}.");
    }

    internal static ArgumentException Mismatch(string name, Tensor output, Tensor target) => new(
        $"{name}: the output has shape {Shapes.Format(output.Shape)}, the target {Shapes.Format(target.Shape)}; "
        + "outputs are (n, k) with targets (n) or (n, k), or one logit per example with as many targets.");
}
