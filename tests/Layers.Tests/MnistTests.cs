using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class MnistTests : IDisposable
{
    private const int Pixels = 784;

    private readonly Files files = new();

    private void Write(string folder, string suffix, int count, Func<byte[], byte[]> pack)
    {
        Directory.CreateDirectory(Path.Combine(files.Folder, folder));
        foreach (string part in new[] { "train", "t10k" })
        {
            byte[] pixels = [.. Enumerable.Range(0, count * Pixels).Select(i => (byte)(i % 256))];
            byte[] labels = [.. Enumerable.Range(0, count).Select(i => (byte)(i % 10))];
            files.Write($"{folder}/{part}-images-idx3-ubyte{suffix}", pack(IdxTests.Bytes(8, [count, 28, 28], pixels)));
            files.Write($"{folder}/{part}-labels-idx1-ubyte{suffix}", pack(IdxTests.Bytes(8, [count], labels)));
        }
    }

    [Fact]
    public void Images_and_labels_load_from_a_folder_or_its_subfolder_packed_or_not()
    {
        foreach ((string folder, string suffix, bool pack) in new[] { ("plain", "", false), ("packed", ".gz", true), ("parent/mnist", ".gz", true) })
        {
            Write(folder, suffix, 12, pack ? Files.Gzip : content => content);
            string directory = files[folder.Split('/')[0]];
            Assert.True(Mnist.Exists(directory));
            (Dataset train, Dataset test) = Mnist.Load(directory);
            Assert.Equal("12 examples: float32 (784) -> int64 ()", test.ToString());
            Assert.Equal([.. Enumerable.Range(0, 12).Select(i => i % 10L)], train.Targets.ToArray<long>());
            Assert.Equal(1f, train.Inputs[0, 255].ToDouble());
            Assert.Equal(51f / 255f, (float)train.Inputs[0, 51].ToDouble());
            Assert.Equal([12, 1, 28, 28], Mnist.Load(directory, flatten: false).Train.Inputs.Shape);
        }
    }

    [Fact]
    public void A_missing_file_is_named_with_the_folders_looked_in()
    {
        Write("part", "", 1, content => content);
        File.Delete(files["part/t10k-labels-idx1-ubyte"]);
        Assert.False(Mnist.Exists(files["part"]));
        Assert.False(Mnist.Exists(null));
        Samples.AssertFails<FileNotFoundException>(files["part"], ["t10k-labels-idx1-ubyte", ".gz", "'mnist'"], () => Mnist.Load(files["part"]));
    }

    [Fact]
    public void Files_under_the_wrong_name_are_refused()
    {
        (string File, byte[] Content, string[] Message)[] bad =
        [
            ("train-images-idx3-ubyte", IdxTests.Bytes(8, [2], [1, 2]), ["uint8 of shape (2)", "(n, 28, 28)"]),
            ("train-images-idx3-ubyte", IdxTests.Bytes(8, [1, 2, 2], new byte[4]), ["(1, 2, 2)"]),
            ("train-labels-idx1-ubyte", IdxTests.Bytes(8, [2], [1, 2]), ["(2)", "(1)", "one label for each image"]),
            ("train-labels-idx1-ubyte", IdxTests.Bytes(8, [1], [10]), ["found 10", "0 to 9"]),
            ("train-labels-idx1-ubyte", "<html>"u8.ToArray(), ["web page"]),
        ];
        foreach ((string file, byte[] content, string[] message) in bad)
        {
            Write("bad", "", 1, original => original);
            string path = files.Write($"bad/{file}", content);
            Samples.AssertFails<DataFormatException>(path, message, () => Mnist.Load(files["bad"]));
        }
    }

    public void Dispose() => files.Dispose();
}
