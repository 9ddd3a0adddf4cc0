using System.Buffers.Binary;
using System.Text;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class SafetensorsTests : IDisposable
{
    private readonly Files files = new();

    private static byte[] Bytes(string header, params byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    private static string Entry(string name, string dtype, string shape, long begin, long end) =>
        $"\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":[{shape}],\"data_offsets\":[{begin},{end}]}}";

    [Fact]
    public void Saving_then_loading_gives_the_same_tensors_and_notes_in_the_same_order()
    {
        KeyValuePair<string, Tensor>[] tensors = [.. Samples.Tensors()];
        var notes = new Dictionary<string, string> { ["format"] = "pt", ["a \"note\""] = "with ünïcode\n" };
        Safetensors.Save(files["x.safetensors"], tensors, notes);
        NamedTensors loaded = Safetensors.Load(files["x.safetensors"]);
        Assert.Equal(tensors.Select(pair => pair.Key), loaded.Keys);
        foreach ((string name, Tensor tensor) in tensors) Samples.AssertSame(tensor, loaded[name], name);
        Assert.Equal(notes, loaded.Metadata);
    }

    [Fact]
    public void The_bytes_are_those_of_the_format_with_aligned_data()
    {
        Safetensors.Save(
            files["x.safetensors"],
            [new("flag", Tensor.From([true], 1)), new("w", Tensor.From([1.5f, -2f], 2, 1))],
            new Dictionary<string, string> { ["k"] = "v" });
        string header = "{\"__metadata__\":{\"k\":\"v\"}," + Entry("flag", "BOOL", "1", 8, 9) + "," + Entry("w", "F32", "2,1", 0, 8) + "}";
        header = header.PadRight((header.Length + 7) / 8 * 8);
        Assert.Equal(Bytes(header, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0, 1), File.ReadAllBytes(files["x.safetensors"]));
    }

    [Fact]
    public void No_tensors_make_a_file_without_tensors()
    {
        Safetensors.Save(files["none"], []);
        Assert.Empty(Safetensors.Load(files["none"]));
        Assert.Empty(Safetensors.Load(files["none"]).Metadata);
    }

    private static readonly (string DType, byte[] Data, Tensor Expected)[] Converted =
    [
        ("F16", [0x00, 0x3E, 0x00, 0xC0], Tensor.From([(Half)1.5f, (Half)(-2f)], 2)),
        ("BF16", [0xC0, 0x3F, 0x00, 0xC0], Tensor.From([(BFloat16)1.5f, (BFloat16)(-2f)], 2)),
        ("I8", [0xFF, 2], Tensor.From(new sbyte[] { -1, 2 }, 2)),
        ("I16", [0xFF, 0xFF, 2, 1], Tensor.From(new short[] { -1, 258 }, 2)),
        ("U16", [0xFF, 0xFF, 2, 1], Tensor.From([65535, 258], 2)),
        ("U32", [0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0], Tensor.From([4294967295, 2L], 2)),
        ("U64", [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], Tensor.From([1L, 2L], 2)),
        ("BOOL", [0, 2], Tensor.From([false, true], 2)),
    ];

    [Fact]
    public void Element_types_that_tensors_lack_become_wider_ones()
    {
        foreach ((string dtype, byte[] data, Tensor expected) in Converted)
        {
            string path = files.Write(dtype, Bytes("{" + Entry("x", dtype, "2", 0, data.Length) + "}", data));
            Samples.AssertSame(expected, Safetensors.Load(path)["x"], dtype);
        }
    }

    private static readonly (string Name, byte[] Content, string[] Message)[] Bad =
    [
        ("empty", [], ["empty", "safetensors"]),
        ("short", [1, 2, 3], ["010203", "8 bytes"]),
        ("a pickle", [0x80, 0x04, .. new byte[20]], ["safetensors"]),
        ("an archive", "PK\u0003\u0004............"u8.ToArray(), ["zip archive", "right file"]),
        ("a huge header", [0, 0, 0, 0, 1, 0, 0, 0, (byte)'{'], ["100,000,000"]),
        ("a header longer than the file", [100, 0, 0, 0, 0, 0, 0, 0, (byte)'{'], ["1 bytes", "the header", "expected 100", "incomplete"]),
        ("no object", Bytes("[1, 2]"), ["JSON object"]),
        ("no header", Bytes(""), ["JSON object"]),
        ("no JSON", Bytes("{\"x\": "), ["not JSON"]),
        ("an entry that is no object", Bytes("{\"x\":1}"), ["'x'", "dtype"]),
        ("no dtype", Bytes("{\"x\":{\"shape\":[],\"data_offsets\":[0,4]}}"), ["'x'", "dtype"]),
        ("no shape", Bytes("{\"x\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}"), ["'x'", "shape"]),
        ("no offsets", Bytes("{\"x\":{\"dtype\":\"F32\",\"shape\":[]}}"), ["'x'", "data_offsets"]),
        ("an unknown type", Bytes("{" + Entry("x", "F8_E4M3", "1", 0, 1) + "}", 1), ["F8_E4M3", "'x'", "Convert"]),
        ("a negative length", Bytes("{" + Entry("x", "U8", "-1", 0, 1) + "}", 1), ["-1", "'x'"]),
        ("a fraction", Bytes("{" + Entry("x", "U8", "1.5", 0, 1) + "}", 1), ["1.5", "'x'"]),
        ("a huge shape", Bytes("{" + Entry("x", "F32", "100000,100000", 0, 4) + "}", 1), ["(100000, 100000)"]),
        ("three offsets", Bytes("{\"x\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1), ["[0, 1, 2]", "'x'"]),
        ("offsets backwards", Bytes("{" + Entry("x", "U8", "1", 1, 0) + "}", 1), ["[1, 0]", "'x'"]),
        ("offsets of another size", Bytes("{" + Entry("x", "F32", "2", 0, 4) + "}", 1, 2, 3, 4), ["[0, 4]", "8 bytes", "F32", "(2)"]),
        ("offsets beyond the file", Bytes("{" + Entry("x", "F32", "1", 0, 4) + "}", 1, 2), ["2 bytes of data", "expected 4", "incomplete"]),
        ("far offsets", Bytes("{" + Entry("x", "U8", "1", long.MaxValue - 1, long.MaxValue) + "}", 1), ["gap"]),
        ("an overlap", Bytes("{" + Entry("x", "U8", "2", 0, 2) + "," + Entry("y", "U8", "2", 1, 3) + "}", 1, 2, 3), ["'y'", "overlaps 'x'"]),
        ("a gap", Bytes("{" + Entry("x", "U8", "1", 0, 1) + "," + Entry("y", "U8", "1", 2, 3) + "}", 1, 2, 3), ["'y'", "gap"]),
        ("too long", Bytes("{" + Entry("x", "U8", "1", 0, 1) + "}", 1, 2, 3), ["2 more bytes"]),
        ("a name twice", Bytes("{" + Entry("x", "U8", "1", 0, 1) + "," + Entry("x", "U8", "1", 0, 1) + "}", 1), ["two entries named 'x'"]),
        ("notes that are no object", Bytes("{\"__metadata__\":3}"), ["__metadata__"]),
        ("a note that is no text", Bytes("{\"__metadata__\":{\"n\":3}}"), ["'n'", "string"]),
        ("a note twice", Bytes("{\"__metadata__\":{\"n\":\"3\",\"n\":\"4\"}}"), ["'n'"]),
    ];

    [Fact]
    public void Broken_files_say_what_was_found_and_expected()
    {
        foreach ((string name, byte[] content, string[] message) in Bad)
        {
            string path = files.Write(name, content);
            Samples.AssertFails<DataFormatException>(path, message, () => Safetensors.Load(path));
        }
    }

    [Fact]
    public void Every_cut_of_a_file_is_an_error()
    {
        Safetensors.Save(files["x"], [new("x", Tensor.From([1f, 2f], 2)), new("y", Tensor.Scalar(1.0))]);
        byte[] content = File.ReadAllBytes(files["x"]);
        for (int length = 0; length < content.Length; length++)
        {
            string path = files.Write("cut", content[..length]);
            Assert.Throws<DataFormatException>(() => Safetensors.Load(path));
        }
    }

    [Fact]
    public void Names_that_clash_or_are_reserved_cannot_be_saved()
    {
        Tensor x = Tensor.Scalar(1.0);
        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => Safetensors.Save(files["x"], [new("a", x), new("a", x)])).Message);
        Assert.Contains("__metadata__", Assert.Throws<ArgumentException>(() => Safetensors.Save(files["x"], [new("__metadata__", x)])).Message);
        Assert.False(File.Exists(files["x"]));
    }

    public void Dispose() => files.Dispose();
}
