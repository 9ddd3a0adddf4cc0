using System.Buffers.Binary;
using System.IO.Compression;

namespace Autodiff.Plots;

/// <summary>Pixels as a PNG in base 64, for a picture inside a picture (ISO/IEC 15948).</summary>
internal static class Png
{
    private static readonly uint[] Table = MakeTable();

    /// <summary>Pixels in rows from the top, of one byte (grey) or three (red, green, blue).</summary>
    internal static string Encode(byte[] pixels, int width, int height, int channels)
    {
        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        header[9] = (byte)(channels == 1 ? 0 : 2);
        Chunk(file, "IHDR"u8, header);
        using var packed = new MemoryStream();
        using (var compressor = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            int stride = width * channels;
            for (int row = 0; row < height; row++)
            {
                // Each row starts with the number of its filter: none.
                compressor.WriteByte(0);
                compressor.Write(pixels, row * stride, stride);
            }
        }

        Chunk(file, "IDAT"u8, packed.ToArray());
        Chunk(file, "IEND"u8, []);
        return Convert.ToBase64String(file.GetBuffer(), 0, (int)file.Length);
    }

    private static void Chunk(Stream file, ReadOnlySpan<byte> name, byte[] content)
    {
        var number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(name);
        file.Write(content);
        uint crc = 0xFFFFFFFF;
        foreach (byte value in name) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        foreach (byte value in content) crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
        BinaryPrimitives.WriteUInt32BigEndian(number, ~crc);
        file.Write(number);
    }

    private static uint[] MakeTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
            table[i] = crc;
        }

        return table;
    }
}
