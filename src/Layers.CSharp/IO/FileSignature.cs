using System.Text;

namespace Autodiff.Layers;

/// <summary>Tells from its first bytes what a file is, so that a message about a wrong one can say so.</summary>
internal static class FileSignature
{
    /// <summary>How many bytes from the start are worth showing to <see cref="Describe"/>.</summary>
    public const int Length = 16;

    private static readonly (byte[] Start, string Kind)[] Kinds =
    [
        ([0x1F, 0x8B], "gzip-compressed data"),
        ("PK"u8.ToArray(), "a zip archive (as npz files and PyTorch checkpoints are)"),
        ([0x93, .. "NUMPY"u8], "an npy file"),
        ([0x89, .. "HDF"u8], "an HDF5 file"),
        ([0x89, .. "PNG"u8], "a PNG image"),
        ([0xFF, 0xD8, 0xFF], "a JPEG image"),
        ("%PDF"u8.ToArray(), "a PDF document"),
        ("BZh"u8.ToArray(), "bzip2-compressed data"),
        ([0xFD, .. "7zXZ"u8], "xz-compressed data"),
        ("<!"u8.ToArray(), "a web page (the download probably went wrong)"),
        ("<html"u8.ToArray(), "a web page (the download probably went wrong)"),
        ("version https://"u8.ToArray(), "a Git LFS pointer instead of the file itself"),
        ([0x80, 0x02], "a Python pickle"),
        ([0x80, 0x03], "a Python pickle"),
        ([0x80, 0x04], "a Python pickle"),
        ([0x80, 0x05], "a Python pickle"),
        ([0, 0, 0x08], "an idx file"),
        ([0, 0, 0x09], "an idx file"),
        ([0, 0, 0x0B], "an idx file"),
        ([0, 0, 0x0C], "an idx file"),
        ([0, 0, 0x0D], "an idx file"),
        ([0, 0, 0x0E], "an idx file"),
    ];

    /// <summary>What a file with these first bytes is, as words for a message.</summary>
    public static string Describe(ReadOnlySpan<byte> start)
    {
        if (start.Length > Length) start = start[..Length];
        foreach ((byte[] signature, string kind) in Kinds)
            if (start.StartsWith(signature)) return kind;

        bool isText = start.Length > 0;
        foreach (byte b in start) isText &= b is >= 0x20 and < 0x7F or (byte)'\t' or (byte)'\r' or (byte)'\n';
        return isText
            ? $"text that starts with '{Encoding.ASCII.GetString(start).ReplaceLineEndings(" ").Replace('\t', ' ')}'"
            : $"bytes that start with {Convert.ToHexString(start)}";
    }
}
