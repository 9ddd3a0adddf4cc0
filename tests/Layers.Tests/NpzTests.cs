using System.IO.Compression;
using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class NpzTests : IDisposable
{
    /// <summary>numpy.savez_compressed(z=[0, 1, 2] of float32, a=7 of int32).</summary>
    private const string OfNumPy =
        "UEsDBBQAAAAIAAAAIQC2jIZTSwAAAIwAAAAFABQAei5ucHkBABAAjAAAAAAAAABLAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GMGiwBxIOAFBLAwQUAAAACAAAACEADC2xtEYAAACEAAAABQAUAGEubnB5AQAQAIQAAAAAAAAARgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mirqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RqaOgq1ChQBLnYGBgYAUEsBAhQDFAAAAAgAAAAhALaMhlNLAAAAjAAAAAUAAAAAAAAAAAAAAIABAAAAAHoubnB5UEsBAhQDFAAAAAgAAAAhAAwtsbRGAAAAhAAAAAUAAAAAAAAAAAAAAIABggAAAGEubnB5UEsFBgAAAAACAAIAZgAAAP8AAAAAAA==";

    private readonly Files files = new();

    [Fact]
    public void Files_of_NumPy_load_in_their_order()
    {
        NamedTensors arrays = Npz.Load(files.Write("x.npz", Convert.FromBase64String(OfNumPy)));
        Assert.Equal(["z", "a"], arrays.Keys);
        Samples.AssertSame(Tensor.From([0f, 1f, 2f], 3), arrays["z"], "z");
        Samples.AssertSame(Tensor.From([7], []), arrays["a"], "a");
    }

    [Fact]
    public void Saving_then_loading_gives_the_same_tensors_in_the_same_order()
    {
        KeyValuePair<string, Tensor>[] tensors = [.. Samples.Tensors().Where(sample => sample.Value.DType != DType.BFloat16)];
        foreach (bool compress in new[] { false, true })
        {
            Npz.Save(files["x.npz"], tensors, compress);
            NamedTensors loaded = Npz.Load(files["x.npz"]);
            Assert.Equal(tensors.Select(pair => pair.Key), loaded.Select(pair => pair.Key));
            foreach ((string name, Tensor tensor) in tensors) Samples.AssertSame(tensor, loaded[name], name);
        }
    }

    [Fact]
    public void The_same_tensors_give_the_same_bytes()
    {
        Npz.Save(files["a.npz"], [new("x", Tensor.Scalar(1.0))]);
        Npz.Save(files["b.npz"], [new("x", Tensor.Scalar(1.0))]);
        Assert.Equal(File.ReadAllBytes(files["a.npz"]), File.ReadAllBytes(files["b.npz"]));
    }

    [Fact]
    public void No_tensors_make_a_file_without_tensors()
    {
        Npz.Save(files["none.npz"], []);
        Assert.Empty(Npz.Load(files["none.npz"]));
    }

    [Fact]
    public void A_missing_name_is_an_error_that_lists_the_names()
    {
        string path = files.Write("x.npz", Convert.FromBase64String(OfNumPy));
        NamedTensors arrays = Npz.Load(path);
        Samples.AssertFails<KeyNotFoundException>(path, ["'w'", "z, a"], () => _ = arrays["w"]);
        Assert.False(arrays.TryGetValue("w", out _));
    }

    private static byte[] Archive(params (string Name, byte[] Content)[] members)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] content) in members)
            {
                using Stream member = archive.CreateEntry(name, CompressionLevel.NoCompression).Open();
                member.Write(content);
            }
        }

        return stream.ToArray();
    }

    private byte[] OneArray(params byte[] values)
    {
        Npy.Save(files["one.npy"], Tensor.From(values, values.Length));
        return File.ReadAllBytes(files["one.npy"]);
    }

    [Fact]
    public void Broken_files_say_what_was_found_and_expected()
    {
        byte[] one = OneArray(7);
        byte[] mark = [.. Enumerable.Repeat((byte)0xEE, 20)];
        byte[] changed = Archive(("x.npy", OneArray(mark)));
        changed[changed.AsSpan().IndexOf(mark)]++;
        (string Name, byte[] Content, string[] Message)[] bad =
        [
            ("empty", [], ["empty", "npz"]),
            ("an npy", one, ["an npy file", "zip archive"]),
            ("cut", Convert.FromBase64String(OfNumPy)[..^30], ["damaged zip archive", "incomplete"]),
            ("only the magic", "PK"u8.ToArray(), ["damaged zip archive"]),
            ("another archive", Archive(("archive/data.pkl", [1, 2])), ["'archive/data.pkl'", "PyTorch"]),
            ("a short member", Archive(("x.npy", one[..^1])), ["member 'x.npy'", "0 bytes", "expected 1"]),
            ("a member of text", Archive(("x.npy", "hello"u8.ToArray())), ["member 'x.npy'", "'hello'"]),
            ("a name twice", Archive(("x.npy", one), ("x.npy", one)), ["two arrays named 'x'"]),
            ("a changed byte", changed, ["member 'x.npy'", "checksum", "download"]),
        ];
        foreach ((string name, byte[] content, string[] message) in bad)
        {
            string path = files.Write(name, content);
            Samples.AssertFails<DataFormatException>(path, message, () => Npz.Load(path));
        }
    }

    [Fact]
    public void Names_that_clash_or_are_empty_cannot_be_saved()
    {
        Tensor x = Tensor.Scalar(1.0);
        Assert.Contains("'a'", Assert.Throws<ArgumentException>(() => Npz.Save(files["x"], [new("a", x), new("a", x)])).Message);
        Assert.Throws<ArgumentException>(() => Npz.Save(files["x"], [new("", x)]));
        Assert.False(File.Exists(files["x"]));
    }

    [DataFact("saito/sample_weight.npz")]
    public void The_pretrained_weights_load()
    {
        string folder = DataDirectory.Find()!;
        NamedTensors weights = Npz.Load(Path.Combine(folder, "saito", "sample_weight.npz"));
        Assert.Equal(["W1", "W2", "W3", "b1", "b2", "b3"], weights.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([784, 50], weights["W1"].Shape);
        Assert.Equal([10], weights["b3"].Shape);
        if (!Mnist.Exists(folder)) return;
        Dataset test = Mnist.Load(folder).Test;
        Tensor hidden = Tensor.Sigmoid(test.Inputs.MatMul(weights["W1"]) + weights["b1"]);
        Tensor logits = Tensor.Sigmoid(hidden.MatMul(weights["W2"]) + weights["b2"]).MatMul(weights["W3"]) + weights["b3"];
        Assert.Equal(9352, Tensor.EqualTo(logits.ArgMax(1), test.Targets).ToArray<int>().Sum());
    }

    public void Dispose() => files.Dispose();
}
