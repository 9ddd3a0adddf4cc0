using System.IO.Compression;

namespace Autodiff.Layers;

/// <summary>NumPy's format for several arrays: a zip archive of npy files, one for each name.</summary>
public static class Npz
{
    private const string Extension = ".npy";

    /// <summary>Loads all arrays of an npz file, stored or compressed, in the archive's order; names lose ".npy".</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DataFormatException">
    /// The file is empty, truncated, damaged or of another format, or a member is no array of numbers.
    /// </exception>
    public static NamedTensors Load(string path) => DataFile.Read(path, "npz", gunzip: false, Read);

    /// <summary>
    /// Saves tensors by name as an npz file, as a whole or not at all. The same tensors give the same bytes.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Names and tensors; names must differ.</param>
    /// <param name="compress">Whether members are deflated (numpy.savez_compressed) or stored (numpy.savez).</param>
    /// <exception cref="ArgumentException">A name is empty or used twice.</exception>
    /// <exception cref="IOException">The folder does not exist, or the file cannot be written.</exception>
    public static void Save(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, bool compress = false)
    {
        KeyValuePair<string, Tensor>[] members = NamedTensors.Checked("Npz.Save", tensors);
        DataFile.Replace(path, stream =>
        {
            using var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
            foreach ((string name, Tensor tensor) in members)
            {
                ZipArchiveEntry entry = archive.CreateEntry(
                    name + Extension, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);

                // The earliest date that zip can hold, so that the bytes depend on the tensors alone.
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
                using Stream member = entry.Open();
                Npy.Write(member, tensor);
            }
        });
    }

    private static NamedTensors Read(DataReader reader)
    {
        byte[] start = reader.ReadUpTo(FileSignature.Length);
        if (!start.AsSpan().StartsWith("PK"u8))
            throw reader.Error(
                FileSignature.Describe(start), "a zip archive, which starts with 'PK'",
                "Check that this is the right file; write it with numpy.savez.");

        reader.Stream.Position = 0;
        var tensors = new OrderedDictionary<string, Tensor>();
        try
        {
            using var archive = new ZipArchive(reader.Stream, ZipArchiveMode.Read, leaveOpen: true);
            foreach (ZipArchiveEntry entry in archive.Entries)
            {
                if (!entry.FullName.EndsWith(Extension, StringComparison.Ordinal))
                    throw reader.Error(
                        $"the member '{entry.FullName}'", "members that are npy arrays",
                        "Other archives, such as PyTorch checkpoints, must be converted with numpy.savez.");

                string name = entry.FullName[..^Extension.Length];
                using Stream member = entry.Open();
                var checksum = new ChecksumStream(member);
                var inner = new DataReader(checksum, null, $"{reader.Name}, member '{entry.FullName}',", "npy");
                Tensor tensor = Npy.Read(inner);
                if (checksum.Value != entry.Crc32)
                    throw inner.Error(
                        $"the checksum {checksum.Value:X8}", $"{entry.Crc32:X8}",
                        "The data were changed after they were written: copy or download the file again.");
                if (!tensors.TryAdd(name, tensor))
                    throw reader.Error($"two arrays named '{name}'", "names that differ", "Write the file again.");
            }
        }
        catch (InvalidDataException e)
        {
            throw reader.Error($"a damaged zip archive ({e.Message})", "a whole one", "The file is probably incomplete: copy or download it again.", e);
        }

        return new NamedTensors(reader.Name, tensors);
    }
}
