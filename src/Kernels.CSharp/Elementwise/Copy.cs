using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Kernels that move elements: conversion of types, filling, and strided copies.</summary>
public static unsafe class Copy
{
    /// <summary>
    /// Each element in another type: floats to integers truncate towards 0 and saturate, NaN gives 0; integers to
    /// narrower ones lose their high bits; anything to bool is x != 0, NaN too.
    /// </summary>
    /// <param name="from">The type of the elements of <paramref name="x"/>.</param>
    /// <param name="x">The elements, from the one of index 0 on.</param>
    /// <param name="xStrides">The strides in elements, none negative, 0 to broadcast; empty if contiguous.</param>
    /// <param name="to">The type of the elements of the result.</param>
    /// <param name="destination">The result, contiguous.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <exception cref="ArgumentException">A span is too short, or strides and shape disagree.</exception>
    public static void Convert(
        DType from, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, DType to, Span<byte> destination,
        ReadOnlySpan<int> shape)
    {
        switch (from)
        {
            case DType.Int32: Convert<int>(x, xStrides, to, destination, shape); break;
            case DType.Int64: Convert<long>(x, xStrides, to, destination, shape); break;
            case DType.Float32: Convert<float>(x, xStrides, to, destination, shape); break;
            case DType.Float64: Convert<double>(x, xStrides, to, destination, shape); break;
            default: Convert<byte>(x, xStrides, to, destination, shape); break;
        }
    }

    /// <summary>Sets every element to a value, converted as by <see cref="Convert"/>.</summary>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="value">The value.</param>
    /// <param name="destination">The elements.</param>
    public static void Fill(DType dtype, double value, Span<byte> destination)
    {
        switch (dtype)
        {
            case DType.Bool: destination.Fill(value != 0 ? (byte)1 : (byte)0); break;
            case DType.UInt8: destination.Fill(byte.CreateSaturating(value)); break;
            case DType.Int32: MemoryMarshal.Cast<byte, int>(destination).Fill(int.CreateSaturating(value)); break;
            case DType.Int64: MemoryMarshal.Cast<byte, long>(destination).Fill(long.CreateSaturating(value)); break;
            case DType.Float32: MemoryMarshal.Cast<byte, float>(destination).Fill((float)value); break;
            default: MemoryMarshal.Cast<byte, double>(destination).Fill(value); break;
        }
    }

    /// <summary>Copies a strided view to contiguous elements in row-major order.</summary>
    /// <param name="elementSize">The size of an element in bytes: 1, 2, 4 or 8.</param>
    /// <param name="x">The elements in which the view lies.</param>
    /// <param name="offset">The index in <paramref name="x"/>, in elements, of the view's element of index 0.</param>
    /// <param name="xStrides">The strides in elements: positive, 0 or negative; empty if contiguous.</param>
    /// <param name="destination">The copy.</param>
    /// <param name="shape">The shape of the view.</param>
    /// <exception cref="ArgumentException">The view leaves the span, or strides and shape disagree.</exception>
    public static void ToContiguous(
        int elementSize, ReadOnlySpan<byte> x, long offset, ReadOnlySpan<int> xStrides, Span<byte> destination,
        ReadOnlySpan<int> shape)
    {
        int count = CheckView(elementSize, x.Length, offset, xStrides, destination.Length, shape);
        if (count == 0) return;
        fixed (byte* source = x, target = destination)
        {
            byte* to = target;
            Walk(elementSize, source + offset * elementSize, xStrides, ref to, shape, pack: true);
        }
    }

    /// <summary>Copies contiguous elements in row-major order into a strided view.</summary>
    /// <param name="elementSize">The size of an element in bytes: 1, 2, 4 or 8.</param>
    /// <param name="x">The elements.</param>
    /// <param name="destination">The elements in which the view lies; those outside of it stay as they are.</param>
    /// <param name="offset">The index in <paramref name="destination"/>, in elements, of the view's first.</param>
    /// <param name="destinationStrides">The strides in elements: positive or negative; empty if contiguous.</param>
    /// <param name="shape">The shape of the view.</param>
    /// <exception cref="ArgumentException">The view leaves the span, or strides and shape disagree.</exception>
    public static void FromContiguous(
        int elementSize, ReadOnlySpan<byte> x, Span<byte> destination, long offset,
        ReadOnlySpan<int> destinationStrides, ReadOnlySpan<int> shape)
    {
        int count = CheckView(elementSize, destination.Length, offset, destinationStrides, x.Length, shape);
        if (count == 0) return;
        fixed (byte* source = x, target = destination)
        {
            byte* from = source;
            Walk(elementSize, target + offset * elementSize, destinationStrides, ref from, shape, pack: false);
        }
    }

    private static void Convert<T>(
        ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, DType to, Span<byte> destination, ReadOnlySpan<int> shape)
        where T : unmanaged, INumber<T>
    {
        switch (to)
        {
            case DType.Bool: ToTruth<T>(x, xStrides, destination, shape, Simd.Width); break;
            case DType.UInt8: Driver.Run<ConvertRow<T, byte>>(destination, shape, x, xStrides); break;
            case DType.Int32: Driver.Run<ConvertRow<T, int>>(destination, shape, x, xStrides); break;
            case DType.Int64: Driver.Run<ConvertRow<T, long>>(destination, shape, x, xStrides); break;
            case DType.Float32: Driver.Run<ConvertRow<T, float>>(destination, shape, x, xStrides); break;
            default: Driver.Run<ConvertRow<T, double>>(destination, shape, x, xStrides); break;
        }
    }

    internal static void ToTruth<T>(
        ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, ReadOnlySpan<int> shape, int width)
        where T : unmanaged, INumber<T>
    {
        switch (width)
        {
            case 512: Driver.Run<TruthRow<T, V512<T>>>(destination, shape, x, xStrides); break;
            case 256: Driver.Run<TruthRow<T, V256<T>>>(destination, shape, x, xStrides); break;
            case 128: Driver.Run<TruthRow<T, V128<T>>>(destination, shape, x, xStrides); break;
            default: Driver.Run<TruthRow<T, V1<T>>>(destination, shape, x, xStrides); break;
        }
    }

    private static void Walk(
        int elementSize, byte* view, ReadOnlySpan<int> strides, ref byte* packed, ReadOnlySpan<int> shape, bool pack)
    {
        if (strides.IsEmpty || shape.IsEmpty)
        {
            long bytes = (long)Layout.CountOf(shape) * elementSize;
            if (pack) Buffer.MemoryCopy(view, packed, bytes, bytes);
            else Buffer.MemoryCopy(packed, view, bytes, bytes);
            packed += bytes;
            return;
        }

        for (int i = 0; i < shape[0]; i++)
        {
            byte* part = view + (long)i * strides[0] * elementSize;
            if (shape.Length > 1)
            {
                Walk(elementSize, part, strides[1..], ref packed, shape[1..], pack);
                continue;
            }

            if (pack) Buffer.MemoryCopy(part, packed, elementSize, elementSize);
            else Buffer.MemoryCopy(packed, part, elementSize, elementSize);
            packed += elementSize;
        }
    }

    private static int CheckView(
        int elementSize, int viewLength, long offset, ReadOnlySpan<int> strides, int packedLength, ReadOnlySpan<int> shape)
    {
        if (!strides.IsEmpty && strides.Length != shape.Length)
            throw new ArgumentException($"There are {strides.Length} strides for {shape.Length} dimensions.");
        int count = Layout.CountOf(shape);
        if (count == 0) return 0;
        long least = offset, greatest = offset;
        if (strides.IsEmpty) greatest += count - 1;
        for (int d = 0; d < strides.Length; d++)
        {
            long reach = (long)(shape[d] - 1) * strides[d];
            if (reach < 0) least += reach;
            else greatest += reach;
        }

        if (least < 0 || greatest >= viewLength / elementSize)
            throw new ArgumentException($"The view from {least} to {greatest} leaves the span of {viewLength} bytes.");
        if ((long)count * elementSize > packedLength)
            throw new ArgumentException($"A span of {packedLength} bytes is too short for {count} elements.");
        return count;
    }
}
