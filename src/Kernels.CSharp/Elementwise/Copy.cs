using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Kernels that move elements: conversion of types, filling, and strided copies.</summary>
public static unsafe class Copy
{
    private static readonly RowKernel?[] Conversions = new RowKernel?[DTypes.Count * DTypes.Count];

    /// <summary>
    /// Each element in another type: floats to integers truncate towards 0 and saturate, NaN gives 0; integers to
    /// narrower ones lose their high bits; numbers to floats round once; anything to bool is x != 0, NaN too.
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
        ref RowKernel? rows = ref Conversions[DTypes.Count * (int)from + (int)to];
        Driver.Run(rows ??= Find(from, to, Simd.Width), destination, shape, x, xStrides);
    }

    /// <summary>The conversion between two types, for a vector width.</summary>
    internal static RowKernel Find(DType from, DType to, int width)
    {
        if (from.ComputeType() != from)
        {
            return to == DType.Float32
                ? Widening(from, width)
                : Find(DType.Float32, to, width).Stored(Widening(from, width), null);
        }

        if (to.ComputeType() != to)
        {
            // What float32 does not hold is rounded such that rounding once more is right.
            return from switch
            {
                DType.Float32 => Narrowing(to, width),
                DType.Float64 => Kernels.Rows.Odd<double>().Stored(null, Narrowing(to, width)),
                DType.Int64 => Kernels.Rows.Odd<long>().Stored(null, Narrowing(to, width)),
                DType.Int32 => Kernels.Rows.Odd<int>().Stored(null, Narrowing(to, width)),
                _ => Find(from, DType.Float32, width).Stored(null, Narrowing(to, width)),
            };
        }

        return from switch
        {
            DType.Int8 => Rows<sbyte>(to, width),
            DType.Int16 => Rows<short>(to, width),
            DType.Int32 => Rows<int>(to, width),
            DType.Int64 => Rows<long>(to, width),
            DType.Float32 => Rows<float>(to, width),
            DType.Float64 => Rows<double>(to, width),
            _ => Rows<byte>(to, width),
        };
    }

    /// <summary>The conversion of float16 or bfloat16 to float32.</summary>
    internal static RowKernel Widening(DType from, int width) =>
        from == DType.Float16 ? Kernels.Rows.Widen<Float16Format>(width) : Kernels.Rows.Widen<BFloat16Format>(width);

    /// <summary>The conversion of float32 to float16 or bfloat16.</summary>
    internal static RowKernel Narrowing(DType to, int width) =>
        to == DType.Float16 ? Kernels.Rows.Narrow<Float16Format>(width) : Kernels.Rows.Narrow<BFloat16Format>(width);

    /// <summary>Sets every element to a value, converted as in a conversion from float64.</summary>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="value">The value.</param>
    /// <param name="destination">The elements.</param>
    public static void Fill(DType dtype, double value, Span<byte> destination)
    {
        // Eight bytes of the pattern, whatever the size of an element.
        ulong pattern = dtype switch
        {
            DType.Bool => value != 0 ? 1UL : 0,
            DType.UInt8 => byte.CreateSaturating(value),
            DType.Int8 => (byte)sbyte.CreateSaturating(value),
            DType.Int16 => (ushort)short.CreateSaturating(value),
            DType.Int32 => (uint)int.CreateSaturating(value),
            DType.Int64 => (ulong)long.CreateSaturating(value),
            DType.Float16 => BitConverter.HalfToUInt16Bits((Half)value),
            DType.BFloat16 => Unsafe.BitCast<BFloat16, ushort>((BFloat16)value),
            DType.Float32 => BitConverter.SingleToUInt32Bits((float)value),
            _ => BitConverter.DoubleToUInt64Bits(value),
        };
        for (int bits = 8 * dtype.Size(); bits < 64; bits *= 2) pattern |= pattern << bits;
        fixed (byte* target = destination)
        {
            if (destination.Length < 2 * BytesPerFork) Fill(pattern, target, destination.Length);
            else ForkFill(pattern, target, destination.Length);
        }
    }

    private const int BytesPerFork = 1 << 18;

    private static void ForkFill(ulong pattern, byte* target, long bytes) =>
        Workers.ForRange(bytes, BytesPerFork, (from, to) => Fill(pattern, target + from, (int)(to - from)));

    private static void Fill(ulong pattern, byte* target, int bytes)
    {
        int whole = bytes & ~7;
        new Span<ulong>(target, whole / 8).Fill(pattern);
        for (int i = whole; i < bytes; i++) target[i] = (byte)(pattern >> (8 * (i - whole)));
    }

    /// <summary>Sets element i to first + i step, rounded twice.</summary>
    public static void Ramp(double first, double step, Span<double> destination)
    {
        fixed (double* target = destination)
        {
            double* to = target;
            Workers.ForRange(destination.Length, BytesPerFork / sizeof(double), (begin, end) =>
            {
                for (long i = begin; i < end; i++) to[i] = first + i * step;
            });
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
        Layout layout = new(shape, xStrides, default, default);
        if (layout.Count == 0) return;
        CheckView(layout, 0, elementSize, x.Length, offset, destination.Length);
        fixed (byte* source = x, target = destination)
            StridedCopy.Run(layout, elementSize, source + offset * elementSize, target);
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
        Layout layout = new(shape, default, destinationStrides, default);
        if (layout.Count == 0) return;
        CheckView(layout, 1, elementSize, destination.Length, offset, x.Length);
        fixed (byte* source = x, target = destination)
            StridedCopy.Run(layout, elementSize, source, target + offset * elementSize);
    }

    /// <summary>Copies a strided view into another of the same shape that does not overlap it.</summary>
    /// <param name="elementSize">The size of an element in bytes: 1, 2, 4 or 8.</param>
    /// <param name="x">The elements, from the first one of the view on.</param>
    /// <param name="xStrides">The strides in elements, none negative; empty if contiguous.</param>
    /// <param name="destination">The elements in which the other view lies; those outside of it stay as they are.</param>
    /// <param name="offset">The index in <paramref name="destination"/>, in elements, of the view's first.</param>
    /// <param name="destinationStrides">The strides in elements: positive; empty if contiguous.</param>
    /// <param name="shape">The shape of the views.</param>
    /// <exception cref="ArgumentException">A view leaves its span, or strides and shape disagree.</exception>
    public static void Between(
        int elementSize, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, Span<byte> destination, long offset,
        ReadOnlySpan<int> destinationStrides, ReadOnlySpan<int> shape)
    {
        Layout layout = new(shape, xStrides, destinationStrides, default);
        if (layout.Count == 0) return;
        CheckView(layout, 0, elementSize, x.Length, 0, int.MaxValue);
        CheckView(layout, 1, elementSize, destination.Length, offset, int.MaxValue);
        fixed (byte* source = x, target = destination)
            StridedCopy.Run(layout, elementSize, source, target + offset * elementSize);
    }

    /// <summary>Adds contiguous elements in row-major order to those of a strided view.</summary>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="x">The elements.</param>
    /// <param name="destination">The elements in which the view lies; those outside of it stay as they are.</param>
    /// <param name="offset">The index in <paramref name="destination"/>, in elements, of the view's first.</param>
    /// <param name="destinationStrides">The strides in elements: positive; empty if contiguous.</param>
    /// <param name="shape">The shape of the view.</param>
    /// <exception cref="ArgumentException">The view leaves the span, or strides and shape disagree.</exception>
    public static void AddFromContiguous(
        DType dtype, ReadOnlySpan<byte> x, Span<byte> destination, long offset,
        ReadOnlySpan<int> destinationStrides, ReadOnlySpan<int> shape)
    {
        int size = dtype.Size();
        Layout layout = new(shape, default, destinationStrides, default);
        if (layout.Count == 0) return;
        CheckView(layout, 1, size, destination.Length, offset, x.Length);
        RowKernel add = Binary.Add.For(dtype);
        fixed (byte* source = x, target = destination)
        {
            byte* first = target + offset * size;
            if (layout.Count >= 2L * add.Grain) ForkAdd(add, layout, source, first);
            else AddRange(add, layout, source, first, 0, layout.Count);
        }
    }

    private static void ForkAdd(RowKernel add, Layout layout, byte* source, byte* target) => Workers.ForRange(
        layout.Count, add.Grain, (from, to) => AddRange(add, layout, source, target, (int)from, (int)to));

    private static void AddRange(RowKernel add, in Layout layout, byte* source, byte* target, int from, int to)
    {
        int columns = layout.Sizes[0], size = add.SizeA;
        while (from < to)
        {
            (int row, int column) = Math.DivRem(from, columns);
            int count = Math.Min(columns - column, to - from);
            byte* s = source + (long)from * size, t = target + layout.Offset(1, row, column) * size;
            from += count;
            if (layout.Stride(1, 0) == 1)
            {
                add.Row(t, t, 1, s, 1, null, 0, count);
                continue;
            }

            long step = (long)layout.Stride(1, 0) * size;
            for (; count > 0; count--, s += size, t += step) add.Row(t, t, 1, s, 1, null, 0, 1);
        }
    }

    private static RowKernel Rows<T>(DType to, int width)
        where T : unmanaged, INumber<T> => to switch
        {
            DType.Bool => Kernels.Rows.Truth<T>(width),
            DType.UInt8 => Kernels.Rows.Convert<T, byte>(),
            DType.Int8 => Kernels.Rows.Convert<T, sbyte>(),
            DType.Int16 => Kernels.Rows.Convert<T, short>(),
            DType.Int32 => Kernels.Rows.Convert<T, int>(),
            DType.Int64 => Kernels.Rows.Convert<T, long>(),
            DType.Float32 => Kernels.Rows.Convert<T, float>(),
            _ => Kernels.Rows.Convert<T, double>(),
        };

    private static void CheckView(
        in Layout layout, int operand, int elementSize, int viewLength, long offset, int packedLength)
    {
        layout.Reach(operand, out long least, out long greatest);
        if (least + offset < 0 || greatest + offset >= viewLength / elementSize)
        {
            throw new ArgumentException(
                $"The view from {least + offset} to {greatest + offset} leaves the span of {viewLength} bytes.");
        }

        if (packedLength != int.MaxValue && (long)layout.Count * elementSize > packedLength)
            throw new ArgumentException($"A span of {packedLength} bytes is too short for {layout.Count} elements.");
    }
}
