using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Autodiff.Layers;

/// <summary>The element types of data files. Those that tensors lack become the next wider type that holds them.</summary>
internal enum ElementType
{
    Bool,
    UInt8,
    Int8,
    UInt16,
    Int16,
    UInt32,
    Int32,
    UInt64,
    Int64,
    Float16,
    BFloat16,
    Float32,
    Float64,
}

/// <summary>Conversion between the bytes of data files and tensors.</summary>
internal static class ElementTypes
{
    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this ElementType type) => type switch
    {
        ElementType.Bool or ElementType.UInt8 or ElementType.Int8 => 1,
        ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 2,
        ElementType.UInt32 or ElementType.Int32 or ElementType.Float32 => 4,
        _ => 8,
    };

    /// <summary>
    /// A tensor of elements in row-major order. The bytes may be changed. What tensors lack is widened: uint16 becomes
    /// int32, uint32 and uint64 int64.
    /// </summary>
    /// <exception cref="OverflowException">A uint64 element is larger than int64 holds.</exception>
    public static Tensor ToTensor(this ElementType type, byte[] bytes, bool bigEndian, int[] shape)
    {
        if (bigEndian == BitConverter.IsLittleEndian) Reverse(bytes, type.Size());
        return type switch
        {
            ElementType.Bool => Tensor.From(Widen<byte, bool>(bytes, b => b != 0), shape),
            ElementType.UInt8 => Tensor.From(bytes, shape),
            ElementType.Int8 => Tensor.From(MemoryMarshal.Cast<byte, sbyte>(bytes), shape),
            ElementType.UInt16 => Tensor.From(Widen<ushort, int>(bytes, v => v), shape),
            ElementType.Int16 => Tensor.From(MemoryMarshal.Cast<byte, short>(bytes), shape),
            ElementType.UInt32 => Tensor.From(Widen<uint, long>(bytes, v => v), shape),
            ElementType.Int32 => Tensor.From(MemoryMarshal.Cast<byte, int>(bytes), shape),
            ElementType.UInt64 => Tensor.From(Widen<ulong, long>(bytes, v => checked((long)v)), shape),
            ElementType.Int64 => Tensor.From(MemoryMarshal.Cast<byte, long>(bytes), shape),
            ElementType.Float16 => Tensor.From(MemoryMarshal.Cast<byte, Half>(bytes), shape),
            ElementType.BFloat16 => Tensor.From(MemoryMarshal.Cast<byte, BFloat16>(bytes), shape),
            ElementType.Float32 => Tensor.From(MemoryMarshal.Cast<byte, float>(bytes), shape),
            _ => Tensor.From(MemoryMarshal.Cast<byte, double>(bytes), shape),
        };
    }

    /// <summary>The elements of a tensor in row-major order, least significant byte first.</summary>
    public static byte[] ToBytes(Tensor x)
    {
        byte[] bytes = new byte[checked(x.Size * x.DType.Size())];
        x.Device.ToHost(x.Array, bytes);
        if (!BitConverter.IsLittleEndian) Reverse(bytes, x.DType.Size());
        return bytes;
    }

    /// <summary>The elements in row-major order without gaps: x itself if they lie so.</summary>
    public static Tensor Contiguous(Tensor x) =>
        x.Level > 0 || x.Array.IsContiguous ? x : new Concrete(x.Device.Contiguous(x.Array));

    private static ReadOnlySpan<TWide> Widen<TNarrow, TWide>(byte[] bytes, Func<TNarrow, TWide> convert)
        where TNarrow : unmanaged
    {
        ReadOnlySpan<TNarrow> narrow = MemoryMarshal.Cast<byte, TNarrow>(bytes);
        var wide = new TWide[narrow.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = convert(narrow[i]);
        return wide;
    }

    private static void Reverse(Span<byte> bytes, int size)
    {
        switch (size)
        {
            case 2:
                Span<ushort> two = MemoryMarshal.Cast<byte, ushort>(bytes);
                BinaryPrimitives.ReverseEndianness(two, two);
                break;
            case 4:
                Span<uint> four = MemoryMarshal.Cast<byte, uint>(bytes);
                BinaryPrimitives.ReverseEndianness(four, four);
                break;
            case 8:
                Span<ulong> eight = MemoryMarshal.Cast<byte, ulong>(bytes);
                BinaryPrimitives.ReverseEndianness(eight, eight);
                break;
        }
    }
}
