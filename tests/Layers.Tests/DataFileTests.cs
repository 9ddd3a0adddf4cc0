using Autodiff;
using Autodiff.Layers;

namespace Layers.Tests;

public sealed class DataFileTests : IDisposable
{
    private static readonly (string Name, Action<string> Load)[] Loaders =
    [
        ("idx", path => Idx.Load(path)),
        ("CSV", path => Csv.Load(path)),
        ("npy", path => Npy.Load(path)),
        ("npz", path => Npz.Load(path)),
        ("safetensors", path => Safetensors.Load(path)),
    ];

    private static readonly (string Name, Action<string> Save)[] Savers =
    [
        ("npy", path => Npy.Save(path, Tensor.Scalar(1.0))),
        ("npz", path => Npz.Save(path, [new("x", Tensor.Scalar(1.0))])),
        ("safetensors", path => Safetensors.Save(path, [new("x", Tensor.Scalar(1.0))])),
    ];

    private readonly Files files = new();

    [Fact]
    public void A_missing_file_is_named_with_what_was_expected()
    {
        foreach ((string name, Action<string> load) in Loaders)
        {
            Samples.AssertFails<FileNotFoundException>(files["none"], [name, "no such file"], () => load(files["none"]));
            string deeper = Path.Combine(files["nowhere"], "none");
            Samples.AssertFails<FileNotFoundException>(deeper, [name, $"folder '{files["nowhere"]}' does not exist"], () => load(deeper));
            Samples.AssertFails<FileNotFoundException>(files.Folder, [name, "is a folder"], () => load(files.Folder));
        }
    }

    [Fact]
    public void An_empty_file_is_named_with_what_was_expected()
    {
        string path = files.Write("empty", "");
        foreach ((string name, Action<string> load) in Loaders)
            Samples.AssertFails<DataFormatException>(path, [name, "empty"], () => load(path));
    }

    [Fact]
    public void Files_of_the_other_formats_are_refused()
    {
        foreach ((string saved, Action<string> save) in Savers)
        {
            save(files["x"]);
            foreach ((string name, Action<string> load) in Loaders.Where(loader => loader.Name != saved))
                Samples.AssertFails<DataFormatException>(files["x"], [], () => load(files["x"]));
        }
    }

    [Fact]
    public void Random_bytes_and_random_changes_never_fail_otherwise_than_by_a_data_format_error()
    {
        var random = new Random(5);
        foreach ((string name, Action<string> save) in Savers)
        {
            save(files["x"]);
            byte[] good = File.ReadAllBytes(files["x"]);
            Action<string> load = Loaders.Single(loader => loader.Name == name).Load;
            for (int trial = 0; trial < 300; trial++)
            {
                byte[] changed = [.. good];
                for (int k = random.Next(1, 4); k > 0; k--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
                string path = files.Write("changed", changed);
                if (Record.Exception(() => load(path)) is { } error) Assert.IsType<DataFormatException>(error);
            }
        }
    }

    [Fact]
    public void A_failed_save_leaves_the_old_file_and_nothing_else()
    {
        string path = files.Write("x", "old");
        Assert.Throws<InvalidOperationException>(() => DataFile.Replace(path, stream =>
        {
            stream.WriteByte(1);
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(files.Folder));
    }

    [Fact]
    public void Saving_replaces_the_old_file_and_leaves_nothing_else()
    {
        foreach ((_, Action<string> save) in Savers)
        {
            string path = files.Write("x", "old");
            save(path);
            Assert.NotEqual("old", File.ReadAllText(path));
            Assert.Equal([path], Directory.GetFiles(files.Folder));
        }
    }

    [Fact]
    public void Saving_deletes_what_a_killed_process_left_long_ago()
    {
        string left = files.Write(".x.0123456789abcdef0123456789abcdef.tmp", "half"), path = files["x"];
        string[] others = [files.Write(".y.0123456789abcdef0123456789abcdef.tmp", ""), files.Write(".x.mine.tmp", "")];
        Savers[0].Save(path);
        Assert.True(File.Exists(left));
        foreach (string file in (string[])[left, .. others]) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-2));
        Savers[0].Save(path);
        Assert.Equal([.. others, path], Directory.GetFiles(files.Folder).OrderByDescending(file => file.Contains(".y.")).ThenBy(file => file == path));
    }

    [Fact]
    public void Saving_into_a_missing_folder_or_onto_a_folder_says_so()
    {
        foreach ((_, Action<string> save) in Savers)
        {
            string path = Path.Combine(files["nowhere"], "x");
            Samples.AssertFails<DirectoryNotFoundException>(path, ["does not exist", "Create it"], () => save(path));
            Samples.AssertFails<IOException>(files.Folder, ["is a folder"], () => save(files.Folder));
        }
    }

    [Fact]
    public void Saving_through_a_link_replaces_what_it_leads_to_and_a_device_is_refused()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach ((string name, Action<string> save) in Savers)
        {
            string path = files.Write("x", "old"), link = files[$"{name} link"];
            File.CreateSymbolicLink(link, path);
            save(link);
            Assert.NotEqual("old", File.ReadAllText(path));
            Assert.Equal(path, new FileInfo(link).LinkTarget);
            Samples.AssertFails<IOException>("/dev/null", ["is a device", "name a file"], () => save("/dev/null"));
        }
    }

    public void Dispose() => files.Dispose();
}
