using System.Collections;
using System.Runtime.CompilerServices;
using Microsoft.FSharp.Collections;

namespace Autodiff.Plots;

/// <summary>
/// Numbers to draw, in row-major order with their shape: a tensor, or a .NET array or F# list, which become it without a
/// word. NaN and infinite numbers are gaps.
/// </summary>
/// <example><code>
/// new Axes().Line(x, y);                     // tensors
/// new Axes().Line([0, 1, 2], [3, 1, 2]);     // numbers
/// </code></example>
[CollectionBuilder(typeof(Values), nameof(Create))]
public readonly struct Values : IEnumerable<double>
{
    private readonly double[]? items;
    private readonly int[]? shape;

    private Values(double[] items, params int[] shape) => (this.items, this.shape) = (items, shape);

    /// <summary>The shape: one axis for an array of numbers, two for a matrix.</summary>
    public IReadOnlyList<int> Shape => Lengths;

    /// <summary>Whether no values were given at all, which is not the same as none being in them.</summary>
    internal bool IsMissing => items is null;

    internal double[] Items => items ?? [];

    internal int[] Lengths => shape ?? [0];

    /// <summary>Numbers with one axis.</summary>
    public static Values Create(ReadOnlySpan<double> numbers) => new(numbers.ToArray(), numbers.Length);

    /// <summary>The elements of a tensor, of any type.</summary>
    /// <exception cref="ArgumentException">It has no one value: it is being batched or staged.</exception>
    public static implicit operator Values(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new(tensor.ToArray<double>(), [.. tensor.Shape]);
    }

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(double[] numbers) => Create(numbers);

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(float[] numbers) => Create(Array.ConvertAll(numbers, number => (double)number));

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(int[] numbers) => Create(Array.ConvertAll(numbers, number => (double)number));

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(long[] numbers) => Create(Array.ConvertAll(numbers, number => (double)number));

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(List<double> numbers) => Create(numbers.ToArray());

    /// <summary>Numbers with one axis.</summary>
    public static implicit operator Values(FSharpList<double> numbers) => Create(numbers.ToArray());

    /// <summary>A matrix.</summary>
    public static implicit operator Values(double[,] matrix) =>
        new([.. matrix.Cast<double>()], matrix.GetLength(0), matrix.GetLength(1));

    /// <summary>A matrix.</summary>
    public static implicit operator Values(float[,] matrix) =>
        new([.. matrix.Cast<float>()], matrix.GetLength(0), matrix.GetLength(1));

    /// <summary>A matrix.</summary>
    public static implicit operator Values(int[,] matrix) =>
        new([.. matrix.Cast<int>()], matrix.GetLength(0), matrix.GetLength(1));

    /// <inheritdoc/>
    public IEnumerator<double> GetEnumerator() => Items.AsEnumerable().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The numbers, which must have one axis, beside axes of length 1.</summary>
    internal double[] Vector(string owner, string name) =>
        Lengths.Count(length => length != 1) <= 1
            ? Items
            : throw new ArgumentException(
                $"{owner}: {name} has shape ({string.Join(", ", Lengths)}); give numbers with one axis, such as a row of it or "
                + "x.Reshape(-1).");

    /// <summary>The numbers, as many as others.</summary>
    internal double[] Vector(string owner, string name, int count, string other)
    {
        double[] found = Vector(owner, name);
        return found.Length == count
            ? found
            : throw new ArgumentException($"{owner}: {name} has {found.Length} numbers where {other} has {count}; give as many.");
    }

    /// <summary>The numbers as a matrix of rows and columns.</summary>
    internal Matrix Matrix(string owner, string name) =>
        Lengths is [int rows, int columns]
            ? new(Items, rows, columns)
            : throw new ArgumentException(
                $"{owner}: {name} has shape ({string.Join(", ", Lengths)}); give a matrix, with one axis of rows and one of columns.");
}

/// <summary>A matrix in row-major order.</summary>
internal readonly record struct Matrix(double[] Items, int Rows, int Columns)
{
    internal double this[int row, int column] => Items[row * Columns + column];
}
