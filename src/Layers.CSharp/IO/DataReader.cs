namespace Autodiff.Layers;

/// <summary>
/// Reads a data file piece by piece and says what is wrong with it. No length that the file claims is believed: memory
/// is taken only for bytes that are known to be there, or as they arrive.
/// </summary>
/// <param name="stream">The content.</param>
/// <param name="length">Its length, or null if that is known only at the end.</param>
/// <param name="name">The file as messages name it.</param>
/// <param name="format">The name of the format, for messages.</param>
/// <param name="claimedLength">The length modulo 2^32 that a compressed file claims, if any.</param>
internal sealed class DataReader(Stream stream, long? length, string name, string format, uint? claimedLength = null)
{
    private const int FirstChunk = 1 << 20;
    private const int LargestRank = 64;

    private long position;

    /// <summary>The file as messages name it.</summary>
    public string Name => name;

    /// <summary>The content; reading it directly is not counted.</summary>
    public Stream Stream => stream;

    /// <summary>The bytes left, or null if unknown.</summary>
    public long? Remaining => length - position;

    /// <summary>An error about the content of this file.</summary>
    public DataFormatException Error(string found, string expected, string mend, Exception? cause = null) =>
        new($"{name} is not a valid {format} file: found {found}; expected {expected}. {mend}", cause);

    /// <summary>The next <paramref name="count"/> bytes, or fewer if the file ends.</summary>
    public byte[] ReadUpTo(int count)
    {
        byte[] buffer = new byte[count];
        int filled = 0;
        while (filled < count && ReadSome(buffer, filled) is int n and > 0) filled += n;
        position += filled;
        return filled == count ? buffer : buffer[..filled];
    }

    /// <summary>The next <paramref name="count"/> bytes.</summary>
    /// <param name="count">How many the file says there are.</param>
    /// <param name="what">What they are, for the message.</param>
    /// <exception cref="DataFormatException">The file ends before, or claims more than an array can hold.</exception>
    public byte[] Read(long count, string what)
    {
        if (count > Remaining) throw Truncated(count, Remaining.Value, what);
        if (count > Array.MaxLength)
            throw Error($"{count:N0} bytes of {what}", "at most 2 GB", "Split the data into smaller files.");

        byte[] buffer = new byte[Remaining is null ? Math.Min(count, FirstChunk) : count];
        int filled = 0;
        while (filled < count)
        {
            if (filled == buffer.Length) Array.Resize(ref buffer, (int)Math.Min(count, 2L * filled));
            int n = ReadSome(buffer, filled);
            if (n == 0) throw Truncated(count, filled, what);
            filled += n;
        }

        position += filled;
        return buffer;
    }

    /// <summary>All bytes that are left.</summary>
    /// <exception cref="DataFormatException">They are not as many as a compressed file claims, or more than an array can hold.</exception>
    public byte[] ReadToEnd()
    {
        if (Remaining is { } left) return Read(left, "data");
        byte[] buffer = new byte[FirstChunk];
        int filled = 0;
        while (ReadSome(buffer, filled) is int n and > 0)
        {
            filled += n;
            if (filled < buffer.Length) continue;
            if (filled == Array.MaxLength) throw Error("more than 2 GB of data", "at most 2 GB", "Split the data into smaller files.");
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, 2L * filled));
        }

        position += filled;

        // The decompressor does not notice that its input ends early.
        if (claimedLength is { } claimed && claimed != (uint)position)
            throw Error(
                $"compressed data of {position:N0} bytes", $"{claimed:N0}, as the end of the file says",
                "The file is incomplete: copy or download it again; if it was joined from several compressed files, decompress it first.");
        return buffer[..filled];
    }

    /// <summary>Checks that nothing follows.</summary>
    public void ExpectEnd()
    {
        bool more = Remaining is { } left ? left > 0 : ReadUpTo(1).Length > 0;
        if (more)
            throw Error(
                Remaining is { } rest ? $"{rest:N0} more bytes after the data" : "more bytes after the data",
                $"the end of the file after {position - (length is null ? 1 : 0):N0} bytes",
                "The header and the data do not belong together: write, copy or download the file again.");
    }

    /// <summary>A shape of the lengths that the file gives.</summary>
    /// <exception cref="DataFormatException">A length is negative, or the elements are more than a tensor can hold.</exception>
    public int[] Shape(ReadOnlySpan<long> lengths)
    {
        string text = $"the shape ({string.Join(", ", lengths.ToArray())})";
        if (lengths.Length > LargestRank)
            throw Error($"a shape with {lengths.Length} axes", $"at most {LargestRank}", "The header is damaged: write the file again.");

        int[] shape = new int[lengths.Length];
        long size = lengths.Contains(0) ? 0 : 1;
        for (int i = 0; i < shape.Length; i++)
        {
            long n = lengths[i];
            if (n < 0)
                throw Error(text, "lengths from 0 up", "The header is damaged: write the file again.");
            if (n <= int.MaxValue) size *= n;
            if (n > int.MaxValue || size > int.MaxValue)
                throw Error(text, "at most 2,147,483,647 elements", "Split the data into smaller tensors, or if the header is damaged, write the file again.");
            shape[i] = (int)n;
        }

        return shape;
    }

    /// <summary>A tensor of the next elements, in row-major order.</summary>
    public Tensor ReadTensor(ElementType type, bool bigEndian, int[] shape, string what)
    {
        long count = 1;
        foreach (int n in shape) count = n == 0 || count == 0 ? 0 : count * n;
        byte[] bytes = Read(count * type.Size(), what);
        try
        {
            return type.ToTensor(bytes, bigEndian, shape);
        }
        catch (OverflowException e)
        {
            throw Error($"a uint64 above 9,223,372,036,854,775,807 in {what}", "integers that fit int64", "Convert the values first.", e);
        }
    }

    private int ReadSome(byte[] buffer, int offset)
    {
        try
        {
            return stream.Read(buffer, offset, buffer.Length - offset);
        }
        catch (InvalidDataException e)
        {
            throw Error("damaged compressed data", "data that decompresses", "Copy or download the file again.", e);
        }
    }

    private DataFormatException Truncated(long expected, long found, string what) =>
        Error(
            $"{found:N0} bytes where {what} should be", $"{expected:N0}",
            "The file is incomplete: write, copy or download it again.");
}
