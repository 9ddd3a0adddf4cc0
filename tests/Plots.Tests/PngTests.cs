using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Autodiff.Plots;

namespace Plots.Tests;

public class PngTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Pixels_come_back(int channels)
    {
        const int width = 7, height = 5;
        var pixels = new byte[width * height * channels];
        new Random(5).NextBytes(pixels);
        byte[] file = Convert.FromBase64String(Png.Encode(pixels, width, height, channels));
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        var chunks = new Dictionary<string, byte[]>();
        for (int at = 8; at < file.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            chunks[Encoding.ASCII.GetString(file, at + 4, 4)] = file[(at + 8)..(at + 8 + length)];
            Assert.Equal(Crc(file.AsSpan(at + 4, length + 4)),
                BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
            at += length + 12;
        }

        Assert.Equal(["IHDR", "IDAT", "IEND"], chunks.Keys);
        Assert.Equal([0, 0, 0, width, 0, 0, 0, height, 8, (byte)(channels == 1 ? 0 : 2), 0, 0, 0], chunks["IHDR"]);
        using var rows = new ZLibStream(new MemoryStream(chunks["IDAT"]), CompressionMode.Decompress);
        using var unpacked = new MemoryStream();
        rows.CopyTo(unpacked);
        byte[] raw = unpacked.ToArray();
        Assert.Equal(height * (1 + width * channels), raw.Length);
        Assert.Equal(pixels, raw.Where((_, i) => i % (1 + width * channels) != 0));
    }

    /// <summary>The check sum of ISO 3309, a bit at a time.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }

        return ~crc;
    }
}
