using System.Buffers.Binary;

namespace Autodiff.Layers;

/// <summary>The idx format, in which MNIST and its relatives are published (LeCun, Cortes, Burges).</summary>
/// <remarks>
/// Two zero bytes, the element type, the number of axes, the length of each axis as a big-endian 32-bit integer, then
/// the elements in row-major order, most significant byte first.
/// </remarks>
public static class Idx
{
    /// <summary>
    /// Loads the tensor of an idx file: uint8, int8, int16, int32, float32 or float64, as stored. Gzip compression is recognised by content, whatever the file's name.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFormatException">The file is empty, truncated, damaged, or of another format.</exception>
    public static Tensor Load(string path) => DataFile.Read(path, "idx", gunzip: true, Read);

    private static Tensor Read(DataReader reader)
    {
        byte[] magic = reader.ReadUpTo(4);
        ElementType? type = magic.Length == 4 && magic[0] == 0 && magic[1] == 0 ? TypeOf(magic[2]) : null;
        if (type is null)
            throw reader.Error(
                FileSignature.Describe([.. magic, .. reader.ReadUpTo(FileSignature.Length - magic.Length)]),
                "two zero bytes, then an element type (08, 09, 0B, 0C, 0D or 0E) and the number of axes",
                "Check that this is the right file.");

        byte[] sizes = reader.Read(4 * magic[3], "the lengths of the axes");
        long[] lengths = new long[magic[3]];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = BinaryPrimitives.ReadUInt32BigEndian(sizes.AsSpan(4 * i));

        int[] shape = reader.Shape(lengths);
        Tensor x = reader.ReadTensor(type.Value, bigEndian: true, shape, $"the data of shape ({string.Join(", ", shape)})");
        reader.ExpectEnd();
        return x;
    }

    private static ElementType? TypeOf(byte code) => code switch
    {
        0x08 => ElementType.UInt8,
        0x09 => ElementType.Int8,
        0x0B => ElementType.Int16,
        0x0C => ElementType.Int32,
        0x0D => ElementType.Float32,
        0x0E => ElementType.Float64,
        _ => null,
    };
}
