using System.Text;

namespace Autodiff.Layers;

/// <summary>
/// Splits separated text into records of fields (RFC 4180): a quoted field may hold separators, line breaks and doubled
/// quotes; spaces around a field do not belong to it.
/// </summary>
internal sealed class CsvReader(TextReader text, char separator, string name)
{
    private readonly StringBuilder characters = new();
    private readonly List<string> fields = [];
    private int line = 1;

    /// <summary>The fields of the current record.</summary>
    public IReadOnlyList<string> Fields => fields;

    /// <summary>The line on which the current record starts, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>Goes to the next record that is not an empty line; false at the end.</summary>
    public bool Next()
    {
        do
        {
            if (text.Peek() < 0) return false;
            fields.Clear();
            Line = line;
            while (ReadField())
            {
            }
        }
        while (fields.Count == 1 && fields[0].Length == 0);
        return true;
    }

    /// <summary>An error at a field of the current record.</summary>
    /// <param name="column">The field, from 0.</param>
    /// <param name="problem">What is wrong, and how to mend it.</param>
    public DataFormatException Error(int column, string problem) =>
        new($"{name}, line {Line}, column {column + 1}: {problem}");

    /// <summary>Reads one field and what ends it; true if a separator does.</summary>
    private bool ReadField()
    {
        characters.Clear();
        SkipSpaces();
        if (text.Peek() == '"') ReadQuoted();
        else ReadPlain();

        int end = text.Read();
        if (end == separator) return true;
        if (end == '\r' && text.Peek() == '\n') text.Read();
        line++;
        return false;
    }

    private void ReadPlain()
    {
        while (!EndsField(text.Peek())) Append(text.Read());
        int length = characters.Length;
        while (length > 0 && characters[length - 1] is ' ' or '\t') length--;
        fields.Add(characters.ToString(0, length));
    }

    private void ReadQuoted()
    {
        text.Read();
        while (true)
        {
            int c = text.Read();
            if (c < 0) throw Error(fields.Count, "the quoted field does not end. Close the quotes, or double a quote that belongs to the text.");
            if (c == '"')
            {
                if (text.Peek() != '"') break;
                text.Read();
            }

            if (c == '\n') line++;
            Append(c);
        }

        SkipSpaces();
        if (!EndsField(text.Peek()))
            throw Error(fields.Count, $"'{(char)text.Peek()}' follows the closing quote. Double a quote that belongs to the text.");
        fields.Add(characters.ToString());
    }

    private void Append(int c)
    {
        if (c == 0) throw Error(fields.Count, "a zero byte: this is not text. Check that this is the right file.");
        characters.Append((char)c);
    }

    private bool EndsField(int c) => c == separator || c is '\r' or '\n' or < 0;

    private void SkipSpaces()
    {
        while (text.Peek() is ' ' or '\t' && text.Peek() != separator) text.Read();
    }
}
