using System.Buffers.Binary;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class IdxTests : IDisposable
{
    private readonly Files files = new();

    /// <summary>The bytes of an idx file.</summary>
    internal static byte[] Bytes(byte type, int[] shape, byte[] data)
    {
        byte[] header = new byte[4 + 4 * shape.Length];
        header[2] = type;
        header[3] = (byte)shape.Length;
        for (int i = 0; i < shape.Length; i++) BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * i), shape[i]);
        return [.. header, .. data];
    }

    private static readonly (byte Type, int[] Shape, byte[] Data, Tensor Expected)[] Good =
    [
        (0x08, [2, 2], [0, 1, 128, 255], Tensor.From(new byte[] { 0, 1, 128, 255 }, 2, 2)),
        (0x09, [2], [1, 0xFF], Tensor.From(new sbyte[] { 1, -1 }, 2)),
        (0x0B, [2], [0x01, 0x02, 0xFF, 0xFE], Tensor.From(new short[] { 258, -2 }, 2)),
        (0x0C, [1, 1, 1], [0x01, 0x02, 0x03, 0x04], Tensor.From([0x01020304], 1, 1, 1)),
        (0x0D, [1], [0x3F, 0xC0, 0, 0], Tensor.From([1.5f], 1)),
        (0x0E, [1], [0xC0, 0x04, 0, 0, 0, 0, 0, 0], Tensor.From([-2.5], 1)),
        (0x0D, [], [0x3F, 0xC0, 0, 0], Tensor.Scalar(1.5f)),
        (0x08, [0, 28], [], Tensor.From(Array.Empty<byte>(), 0, 28)),
    ];

    [Fact]
    public void All_element_types_load_with_and_without_gzip_whatever_the_name()
    {
        foreach ((byte type, int[] shape, byte[] data, Tensor expected) in Good)
        {
            byte[] content = Bytes(type, shape, data);
            foreach (string path in new[] { files.Write("plain.gz", content), files.Write("packed", Files.Gzip(content)) })
                Samples.AssertSame(expected, Idx.Load(path), $"type {type:X2} from {path}");
        }
    }

    private static readonly (string Name, byte[] Content, string[] Message)[] Bad =
    [
        ("empty", [], ["empty", "idx"]),
        ("short magic", [0, 0], ["idx", "0000"]),
        ("wrong magic", [1, 2, 3, 4, 5], ["0102030405", "two zero bytes"]),
        ("unknown type", [0, 0, 7, 1, 0, 0, 0, 1, 9], ["00000701", "element type"]),
        ("a web page", "<!DOCTYPE html><html>"u8.ToArray(), ["web page", "right file"]),
        ("an image", [0x89, .. "PNG\r\n"u8], ["PNG"]),
        ("cut in the lengths", [0, 0, 8, 2, 0, 0, 0, 1], ["4 bytes", "lengths of the axes", "expected 8", "incomplete"]),
        ("cut in the data", Bytes(8, [2, 3], [1, 2, 3, 4]), ["4 bytes", "(2, 3)", "expected 6", "incomplete"]),
        ("too long", Bytes(8, [2], [1, 2, 3]), ["1 more bytes", "after 10 bytes"]),
        ("a huge shape", Bytes(0x0E, [60000, 60000], [1]), ["(60000, 60000)", "2,147,483,647"]),
        ("a large shape without data", Bytes(0x0E, [200_000_000], [1]), ["expected 1,600,000,000"]),
        ("cut gzip", Files.Gzip(Bytes(8, [9], new byte[9]))[..20], []),
        ("cut before gzip", Files.Gzip(Bytes(8, [9], new byte[5])), ["5 bytes", "expected 9"]),
        ("too long before gzip", Files.Gzip(Bytes(8, [2], new byte[5])), ["more bytes", "after 10 bytes"]),
        ("damaged gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF], ["damaged compressed data"]),
        ("a large shape in gzip", Files.Gzip(Bytes(0x0E, [200_000_000], [1])), ["expected 1,600,000,000"]),
    ];

    [Fact]
    public void Broken_files_say_what_was_found_and_expected()
    {
        foreach ((string name, byte[] content, string[] message) in Bad)
        {
            string path = files.Write(name, content);
            Samples.AssertFails<DataFormatException>(path, message, () => Idx.Load(path));
        }
    }

    public void Dispose() => files.Dispose();
}
