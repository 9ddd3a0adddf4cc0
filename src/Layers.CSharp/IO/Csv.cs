using System.Globalization;
using System.Runtime.InteropServices;

namespace Autodiff.Layers;

/// <summary>Tables of numbers as separated text (RFC 4180).</summary>
public static class Csv
{
    /// <summary>
    /// Loads a table of numbers. Numbers are written with a point, whatever the culture; "inf" and "-inf" are infinite;
    /// spaces around fields and empty lines do not count; fields may be quoted. Gzip compression is recognised by content.
    /// </summary>
    /// <param name="path">The file, in UTF-8 (or UTF-16 with a byte order mark).</param>
    /// <param name="header">Whether the first line names the columns; null finds out: it does if any of it is no number.</param>
    /// <param name="separator">What separates fields: a comma, a semicolon, a tab, a space.</param>
    /// <param name="dtype">float32 or float64.</param>
    /// <param name="missingAsNaN">
    /// Whether a missing value (nothing, "NaN", "NA" or "null", in any case) becomes NaN; otherwise it is an error.
    /// </param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFormatException">
    /// The file is empty or no text, a row is longer or shorter than the first, or a field is no number. The message
    /// names the line and column, both from 1.
    /// </exception>
    public static CsvTable Load(
        string path, bool? header = null, char separator = ',', DType dtype = DType.Float32, bool missingAsNaN = false)
    {
        if (separator is '"' or '\r' or '\n' or '\0')
            throw new ArgumentException("Csv.Load: the separator cannot be a quote, a line break or a zero; use a comma, a semicolon, a tab or a space.", nameof(separator));
        if (!dtype.IsFloat())
            throw new ArgumentException($"Csv.Load: the type {dtype.Name()} is not float32 or float64; load the table, then convert columns with To.", nameof(dtype));

        return DataFile.Read(path, "CSV", gunzip: true, reader =>
        {
            using var text = new StreamReader(new MemoryStream(reader.ReadToEnd()));
            return Read(new CsvReader(text, separator, reader.Name), reader, header, separator, missingAsNaN, dtype);
        });
    }

    private static CsvTable Read(CsvReader records, DataReader reader, bool? header, char separator, bool missingAsNaN, DType dtype)
    {
        if (!records.Next())
            throw reader.Error("no line with text", "rows of numbers", "Write, copy or download the file again.");

        bool named = header ?? records.Fields.Any(field => !IsMissing(field) && !TryParse(field, out _));
        string[] columns = [.. records.Fields.Select((field, i) => named && field.Length > 0 ? field : $"column{i + 1}")];
        for (int i = 0; i < columns.Length; i++)
            if (Array.IndexOf(columns, columns[i]) is int first && first < i)
                throw records.Error(i, $"the name '{columns[i]}' is already that of column {first + 1}. Names must differ.");

        var values = new List<double>();
        int rows = 0;
        if (named && !records.Next()) return Table();
        do
        {
            IReadOnlyList<string> fields = records.Fields;
            if (fields.Count != columns.Length)
                throw records.Error(
                    Math.Min(fields.Count, columns.Length) - 1,
                    $"the row has {fields.Count} fields, the first line has {columns.Length}. Mend the row, or quote fields that contain the separator '{separator}'.");
            for (int i = 0; i < fields.Count; i++) values.Add(Value(fields[i], i));
            rows++;
        }
        while (records.Next());
        return Table();

        CsvTable Table() => new(
            reader.Name, columns, Tensor.From(CollectionsMarshal.AsSpan(values), rows, columns.Length).To(dtype));

        double Value(string field, int column)
        {
            if (IsMissing(field))
                return missingAsNaN
                    ? double.NaN
                    : throw records.Error(
                        column, $"the value of '{columns[column]}' is missing{(field.Length > 0 ? $" ('{field}')" : "")}. Fill it in, or load with missingAsNaN: true.");
            if (TryParse(field, out double value)) return value;
            string shown = field.Length > 40 ? field[..40] + "..." : field;
            char other = columns.Length == 1 ? ";\t, |".FirstOrDefault(c => c != separator && field.Contains(c)) : '\0';
            throw records.Error(
                column,
                $"'{shown}' in '{columns[column]}' is not a number. "
                + (other != '\0' ? $"If '{(other == '\t' ? "\\t" : other)}' separates the fields, say so with separator." : "Replace text by numbers, or drop the column."));
        }
    }

    private static bool IsMissing(string field) =>
        field.Length == 0
        || field.Equals("nan", StringComparison.OrdinalIgnoreCase)
        || field.Equals("na", StringComparison.OrdinalIgnoreCase)
        || field.Equals("null", StringComparison.OrdinalIgnoreCase);

    private static bool TryParse(string field, out double value)
    {
        if (double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out value)) return true;
        bool negative = field.StartsWith('-');
        ReadOnlySpan<char> magnitude = field.AsSpan(negative || field.StartsWith('+') ? 1 : 0);
        value = negative ? double.NegativeInfinity : double.PositiveInfinity;
        return magnitude.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || magnitude.Equals("infinity", StringComparison.OrdinalIgnoreCase);
    }
}
