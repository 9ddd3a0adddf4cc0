using System.Text;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class NpyTests : IDisposable
{
    private readonly Files files = new();

    /// <summary>Files that NumPy 1 and 2 write for [[1, 2, 3], [4, 5, 6]], halved or shifted by 3 for some types.</summary>
    private static readonly (string Name, string Content, Tensor Expected)[] Good =
    [
        ("little-endian float32",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA/AACAPwAAwD8AAABAAAAgQAAAQEA=",
            Tensor.From([0.5f, 1f, 1.5f, 2f, 2.5f, 3f], 2, 3)),
        ("big-endian float32 in column order",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA/AAAAQAAAgD8AACBAAADAPwAAQEA=",
            Tensor.From([0.5f, 1f, 1.5f, 2f, 2.5f, 3f], 2, 3)),
        ("float64 in column order, version 2",
            "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IFRydWUsICdzaGFwZSc6ICgyLCAzKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgPwAAAAAAAABAAAAAAAAA8D8AAAAAAAAEQAAAAAAAAPg/AAAAAAAACEA=",
            Tensor.From([0.5d, 1d, 1.5d, 2d, 2.5d, 3d], 2, 3)),
        ("big-endian int64, version 3",
            "k05VTVBZAwB0AAAAeydkZXNjcic6ICc+aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr//////////v//////////AAAAAAAAAAAAAAAAAAAAAQAAAAAAAAACAAAAAAAAAAM=",
            Tensor.From([-2L, -1, 0, 1, 2, 3], 2, 3)),
        ("float16",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAOAA8AD4AQABBAEI=",
            Tensor.From([0.5f, 1f, 1.5f, 2f, 2.5f, 3f], 2, 3).To(DType.Float16)),
        ("int8",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnfGkxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr+/wABAgM=",
            Tensor.From(new sbyte[] { -2, -1, 0, 1, 2, 3 }, 2, 3)),
        ("big-endian int16",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPmkyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAr//v//AAAAAQACAAM=",
            Tensor.From(new short[] { -2, -1, 0, 1, 2, 3 }, 2, 3)),
        ("uint32",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPHU0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBKGvuAihr7gMoa+4EKGvuBShr7gYoa+4=",
            Tensor.From([4000000001, 4000000002, 4000000003, 4000000004, 4000000005, 4000000006L], 2, 3)),
        ("uint64",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPHU4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAAAAAAAAIAAAAAAAAAAwAAAAAAAAAEAAAAAAAAAAUAAAAAAAAABgAAAAAAAAA=",
            Tensor.From([1L, 2, 3, 4, 5, 6], 2, 3)),
        ("bool",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAABAQE=",
            Tensor.From([false, false, false, true, true, true], 2, 3)),
        ("a vector of uint8",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAgM=",
            Tensor.From(new byte[] { 1, 2, 3 }, 3)),
        ("a scalar",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAEQA==",
            Tensor.Scalar(2.5)),
        ("no rows",
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDAsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo=",
            Tensor.From(Array.Empty<float>(), 0, 3)),
    ];

    [Fact]
    public void Files_of_NumPy_load_in_either_order_and_either_byte_order()
    {
        foreach ((string name, string content, Tensor expected) in Good)
            Samples.AssertSame(expected, Npy.Load(files.Write("x.npy", Convert.FromBase64String(content))), name);
    }

    [Fact]
    public void Saved_files_of_row_order_are_those_of_NumPy()
    {
        foreach (string name in new[] { "little-endian float32", "float16", "int8", "bool", "a vector of uint8", "a scalar", "no rows" })
        {
            (_, string content, Tensor tensor) = Good.Single(row => row.Name == name);
            Npy.Save(files["x.npy"], tensor);
            Assert.Equal(content, Convert.ToBase64String(File.ReadAllBytes(files["x.npy"])));
        }
    }

    [Fact]
    public void A_type_that_NumPy_lacks_is_refused_and_no_file_is_left()
    {
        var error = Assert.Throws<ArgumentException>(() => Npy.Save(files["x.npy"], Tensor.From([(BFloat16)1f], 1)));
        Assert.Contains("To(DType.Float32)", error.Message);
        Assert.False(File.Exists(files["x.npy"]));
    }

    [Fact]
    public void Saving_then_loading_gives_the_same_tensor()
    {
        foreach ((string name, Tensor tensor) in Samples.Tensors().Where(sample => sample.Value.DType != DType.BFloat16))
        {
            Npy.Save(files["x.npy"], tensor);
            Samples.AssertSame(tensor, Npy.Load(files["x.npy"]), name);
        }
    }

    private static byte[] Bytes(string header, params byte[] data) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8), .. Encoding.Latin1.GetBytes(header), .. data];

    private static readonly (string Name, byte[] Content, string[] Message)[] Bad =
    [
        ("empty", [], ["empty", "npy"]),
        ("short magic", [0x93, .. "NUM"u8], ["934E554D", "93 'NUMPY'"]),
        ("text", "1,2\n3,4\n5,6\n7,8\n"u8.ToArray(), ["text that starts with '1,2 3,4"]),
        ("an npz", "PK\u0003\u0004..............."u8.ToArray(), ["zip archive"]),
        ("a later version", [0x93, .. "NUMPY"u8, 4, 0, 1, 0], ["version 4", "version 1, 2 or 3"]),
        ("cut in the length", [0x93, .. "NUMPY"u8, 1, 0, 1], ["length of the header", "incomplete"]),
        ("cut in the header", Bytes("{'descr': '<f4'")[..20], ["10 bytes", "the header", "expected 15"]),
        ("a huge header", [0x93, .. "NUMPY"u8, 2, 0, 0xFF, 0xFF, 0xFF, 0xFF], ["4,294,967,295", "1,048,576"]),
        ("no dictionary", Bytes("hello"), ["'h'", "'{'"]),
        ("no end of the header", Bytes("{'descr': '<f4'"), ["the end of the header"]),
        ("no shape", Bytes("{'descr': '<f4', 'fortran_order': False, }"), ["without shape"]),
        ("an unknown key", Bytes("{'colour': 'red'}"), ["'colour'"]),
        ("no truth", Bytes("{'fortran_order': 0}"), ["True or False"]),
        ("no length", Bytes("{'shape': (x,)}"), ["the length of an axis"]),
        ("a negative length", Bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), ["(-1)"]),
        ("a huge shape", Bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999)}"), ["(99999, 99999)", "2,147,483,647"]),
        ("an overflowing shape", Bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"), ["2,147,483,647"]),
        ("cut in the data", Bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 1, 2), ["2 bytes", "(2, 3)", "expected 24"]),
        ("too long", Bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", 1, 2), ["1 more bytes"]),
        ("a large uint64", Bytes("{'descr': '<u8', 'fortran_order': False, 'shape': ()}", 0, 0, 0, 0, 0, 0, 0, 255), ["uint64"]),
        ("text elements", Convert.FromBase64String("k05VTVBZAQB2AHsnZGVzY3InOiAnPFUyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAAYgAAAA=="), ["'<U2'", "astype"]),
        ("complex elements", Convert.FromBase64String("k05VTVBZAQB2AHsnZGVzY3InOiAnPGM4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAACAPw=="), ["'<c8'", "astype"]),
        ("records", Convert.FromBase64String("k05VTVBZAQB2AHsnZGVzY3InOiBbKCdhJywgJzxpNCcpLCAoJ2InLCAnPGY0JyldLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAAAAAAQA=="), ["structured", "Save each field"]),
        ("objects", Bytes("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 1, 2), ["'|O'"]),
    ];

    [Fact]
    public void Broken_files_say_what_was_found_and_expected()
    {
        foreach ((string name, byte[] content, string[] message) in Bad)
        {
            string path = files.Write(name, content);
            Samples.AssertFails<DataFormatException>(path, message, () => Npy.Load(path));
        }
    }

    [Fact]
    public void Every_cut_of_a_file_is_an_error()
    {
        byte[] content = Convert.FromBase64String(Good[0].Content);
        for (int length = 0; length < content.Length; length++)
        {
            string path = files.Write("cut.npy", content[..length]);
            Assert.Throws<DataFormatException>(() => Npy.Load(path));
        }
    }

    public void Dispose() => files.Dispose();
}
