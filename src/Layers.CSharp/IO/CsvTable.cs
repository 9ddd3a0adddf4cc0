namespace Autodiff.Layers;

/// <summary>A table of numbers with named columns.</summary>
public sealed class CsvTable
{
    private readonly string source;
    private readonly string[] columns;

    internal CsvTable(string source, string[] columns, Tensor values)
    {
        this.source = source;
        this.columns = columns;
        Values = values;
    }

    /// <summary>The names of the columns; "column1", "column2", ... where the file has none.</summary>
    public IReadOnlyList<string> Columns => columns;

    /// <summary>The numbers, of shape (rows, columns).</summary>
    public Tensor Values { get; }

    /// <summary>The number of rows.</summary>
    public int Count => Values.Shape[0];

    /// <summary>The numbers of one column, of shape (rows).</summary>
    /// <exception cref="KeyNotFoundException">There is no such column; the message lists the names.</exception>
    public Tensor this[string column] => Values[.., Position(column)];

    /// <summary>The numbers of some columns in the order given, of shape (rows, names).</summary>
    /// <exception cref="KeyNotFoundException">There is no such column; the message lists the names.</exception>
    public Tensor Select(params string[] names) => At([.. names.Select(Position)]);

    /// <summary>The numbers of all columns but some, of shape (rows, columns - names).</summary>
    /// <exception cref="KeyNotFoundException">There is no such column; the message lists the names.</exception>
    public Tensor Without(params string[] names)
    {
        int[] dropped = [.. names.Select(Position)];
        return At([.. Enumerable.Range(0, columns.Length).Except(dropped)]);
    }

    private Tensor At(int[] positions) => Values.Take(Tensor.From(positions, positions.Length), 1);

    private int Position(string column)
    {
        int position = Array.IndexOf(columns, column);
        return position >= 0
            ? position
            : throw new KeyNotFoundException($"{source} has no column '{column}'; it has {string.Join(", ", columns)}.");
    }
}
