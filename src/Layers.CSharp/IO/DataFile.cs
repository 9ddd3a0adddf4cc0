using System.Buffers.Binary;
using System.IO.Compression;

namespace Autodiff.Layers;

/// <summary>Opening and replacing files, with messages that say what to do.</summary>
internal static class DataFile
{
    /// <summary>Reads a file with a function.</summary>
    /// <param name="path">The file.</param>
    /// <param name="format">The name of its format, for messages.</param>
    /// <param name="gunzip">Whether gzip-compressed content, told by its first bytes, is decompressed.</param>
    /// <param name="read">Turns the content into the result.</param>
    /// <exception cref="FileNotFoundException">There is no such file, or it is a folder.</exception>
    /// <exception cref="DataFormatException">The file is empty.</exception>
    public static T Read<T>(string path, string format, bool gunzip, Func<DataReader, T> read)
    {
        using FileStream file = Open(path, format);
        string name = $"'{file.Name}'";
        long? length = file.CanSeek ? file.Length : null;
        if (length == 0)
            throw new DataFormatException($"{name} is empty; expected {format} data. Write, copy or download the file again.");

        if (gunzip && length >= 2)
        {
            bool isGzip = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
            if (isGzip)
            {
                // The last four bytes tell the length of the content, modulo 2^32.
                byte[] trailer = new byte[4];
                file.Position = Math.Max(0, length.Value - trailer.Length);
                file.ReadAtLeast(trailer, trailer.Length, throwOnEndOfStream: false);
                file.Position = 0;
                using var unpacked = new GZipStream(file, CompressionMode.Decompress);
                return read(new DataReader(unpacked, null, name, format, BinaryPrimitives.ReadUInt32LittleEndian(trailer)));
            }

            file.Position = 0;
        }

        return read(new DataReader(file, length, name, format));
    }

    /// <summary>
    /// Writes a file as a whole or not at all: into a new file in the same folder, which then takes the name. Of a link the
    /// file that it leads to is replaced.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The path names a folder or a device, or the disk refuses.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Replace(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string target = Path.GetFullPath(path);
        if (new FileInfo(target) is { LinkTarget: not null } link)
            target = link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? target;
        string folder = Path.GetDirectoryName(target) ?? target;
        if (Directory.Exists(target)) throw new IOException($"'{target}' is a folder; name a file to write.");
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                $"'{target}' cannot be written: the folder '{folder}' does not exist. Create it, or name another.");

        // A file that takes its name would be in the way of all that use the device.
        if (folder == "/dev") throw new IOException($"'{target}' is a device; name a file to write.");

        string name = Path.GetFileName(target);
        string temporary = Path.Combine(folder, $".{name}.{Guid.NewGuid():N}.tmp");
        try
        {
            using (FileStream file = Create(temporary, target, folder))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        DeleteLeftovers(folder, $".{name}.");
    }

    /// <summary>Deletes what processes that were killed in the middle of writing have left, where it lets itself be deleted. What
    /// was written to within the last hour may be another's that is still at it.</summary>
    private static void DeleteLeftovers(string folder, string prefix)
    {
        const string ending = ".tmp";
        var all = new EnumerationOptions { AttributesToSkip = FileAttributes.None };
        DateTime hourAgo = DateTime.UtcNow.AddHours(-1);
        foreach (string path in Directory.EnumerateFiles(folder, $".*{ending}", all))
        {
            ReadOnlySpan<char> name = Path.GetFileName(path);
            if (!name.StartsWith(prefix, StringComparison.Ordinal)
                || name.Length <= prefix.Length + ending.Length
                || !Guid.TryParseExact(name[prefix.Length..^ending.Length], "N", out _)
                || File.GetLastWriteTimeUtc(path) >= hourAgo)
            {
                continue;
            }

            try
            {
                File.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
            }
        }
    }

    private static FileStream Create(string temporary, string target, string folder)
    {
        try
        {
            return new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            string message = $"'{target}' cannot be written: no file can be made in the folder '{folder}'. Name another, or let it be written to.";
            throw error is IOException ? new IOException(message, error) : new UnauthorizedAccessException(message, error);
        }
    }

    private static FileStream Open(string path, string format)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            throw new FileNotFoundException($"'{full}' is a folder; expected {format} data. Name a file inside it.", full);
        if (!File.Exists(full))
        {
            string folder = Path.GetDirectoryName(full) ?? full;
            string reason = Directory.Exists(folder) ? "there is no such file" : $"the folder '{folder}' does not exist";
            throw new FileNotFoundException(
                $"'{full}' cannot be read: {reason}; expected {format} data. Check the path.", full);
        }

        return new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
    }
}
