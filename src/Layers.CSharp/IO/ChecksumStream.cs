namespace Autodiff.Layers;

/// <summary>Reads another stream and computes the CRC-32 of what passes, as zip archives store it.</summary>
internal sealed class ChecksumStream(Stream inner) : Stream
{
    private static readonly uint[] Table = MakeTable();

    private uint state = uint.MaxValue;

    /// <summary>The checksum of the bytes read so far.</summary>
    public uint Value => ~state;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        int n = inner.Read(buffer, offset, count);
        Add(buffer.AsSpan(offset, n));
        return n;
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // Eight bytes at a time: table k holds the effect of a byte followed by k zero bytes.
    private void Add(ReadOnlySpan<byte> bytes)
    {
        uint crc = state;
        uint[] t = Table;
        while (bytes.Length >= 8)
        {
            uint low = crc ^ (bytes[0] | (uint)bytes[1] << 8 | (uint)bytes[2] << 16 | (uint)bytes[3] << 24);
            crc = t[0x700 + (byte)low] ^ t[0x600 + (byte)(low >> 8)] ^ t[0x500 + (byte)(low >> 16)] ^ t[0x400 + (low >> 24)]
                ^ t[0x300 + bytes[4]] ^ t[0x200 + bytes[5]] ^ t[0x100 + bytes[6]] ^ t[bytes[7]];
            bytes = bytes[8..];
        }

        foreach (byte b in bytes) crc = t[(byte)(crc ^ b)] ^ crc >> 8;
        state = crc;
    }

    private static uint[] MakeTable()
    {
        uint[] table = new uint[8 * 256];
        for (uint i = 0; i < 256; i++)
        {
            uint crc = i;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320 ^ crc >> 1 : crc >> 1;
            table[i] = crc;
        }

        for (int i = 256; i < table.Length; i++) table[i] = table[(byte)table[i - 256]] ^ table[i - 256] >> 8;
        return table;
    }
}
