using System.Buffers.Binary;
using System.Text;

namespace Autodiff.Layers;

/// <summary>NumPy's format for one array (NEP 1), versions 1 to 3.</summary>
public static class Npy
{
    private const int LargestHeader = 1 << 20;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>
    /// Loads the array of an npy file, in either memory order and either byte order. The elements stay as
    /// they are, except that uint16 becomes int32, and uint32 and uint64 int64.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFormatException">
    /// The file is empty, truncated, damaged or of another format, or its elements are no numbers.
    /// </exception>
    public static Tensor Load(string path) => DataFile.Read(path, "npy", gunzip: false, Read);

    /// <summary>Saves a tensor as an npy file, as a whole or not at all.</summary>
    /// <exception cref="ArgumentException">The tensor is bfloat16, which NumPy does not have.</exception>
    /// <exception cref="IOException">The folder does not exist, or the file cannot be written.</exception>
    public static void Save(string path, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        DataFile.Replace(path, stream => Write(stream, x));
    }

    internal static Tensor Read(DataReader reader)
    {
        byte[] start = reader.ReadUpTo(8);
        if (!start.AsSpan().StartsWith(Magic) || start.Length < 8)
            throw reader.Error(
                FileSignature.Describe([.. start, .. reader.ReadUpTo(FileSignature.Length - start.Length)]),
                "the bytes 93 'NUMPY' and a version", "Check that this is the right file; write it with numpy.save.");

        int version = start[6];
        if (version is < 1 or > 3)
            throw reader.Error($"version {version}", "version 1, 2 or 3", "Save the array again with a current NumPy.");

        uint headerLength = version == 1
            ? BinaryPrimitives.ReadUInt16LittleEndian(reader.Read(2, "the length of the header"))
            : BinaryPrimitives.ReadUInt32LittleEndian(reader.Read(4, "the length of the header"));
        if (headerLength > LargestHeader)
            throw reader.Error($"a header of {headerLength:N0} bytes", $"at most {LargestHeader:N0}", "The file is damaged: write it again with numpy.save.");

        byte[] header = reader.Read(headerLength, "the header");
        (ElementType type, bool bigEndian, bool fortranOrder, int[] shape) =
            NpyHeader.Parse((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(header), reader);

        // Column-major elements are the row-major elements of the transposed array.
        int[] stored = fortranOrder ? [.. shape.Reverse()] : shape;
        Tensor x = reader.ReadTensor(type, bigEndian, stored, $"the data of shape ({string.Join(", ", shape)})");
        reader.ExpectEnd();
        return fortranOrder && x.Rank > 1
            ? ElementTypes.Contiguous(x.Transpose([.. Enumerable.Range(0, x.Rank).Reverse()]))
            : x;
    }

    internal static void Write(Stream stream, Tensor x)
    {
        // Spaces before the final line break align the data to 64 bytes, as the format asks.
        string text = NpyHeader.Format(x);
        const int Fixed = 10;
        int length = (Fixed + text.Length + 1 + 63) / 64 * 64 - Fixed;
        byte[] lengthBytes = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(lengthBytes, checked((ushort)length));
        stream.Write(Magic);
        stream.Write([1, 0]);
        stream.Write(lengthBytes);
        stream.Write(Encoding.Latin1.GetBytes(text.PadRight(length - 1) + "\n"));
        stream.Write(ElementTypes.ToBytes(x));
    }
}
