using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// One place of a window against its first: the distance in memory, in the volume, and along the row.
/// </summary>
internal struct PoolTap
{
    internal int Offset, Place, Column;
}

/// <summary>The windows of one row of results.</summary>
internal unsafe struct PoolRow<T>
    where T : unmanaged
{
    /// <summary>The places of a window, less those over the first or last plane or row.</summary>
    internal PoolTap* Taps;
    internal int Count;

    /// <summary>The columns from one window to the next, and the length of a row of the volume.</summary>
    internal int Stride, Width;

    /// <summary>What a sum is divided by.</summary>
    internal T Divisor;
}

/// <summary>How the elements under one tap of a vector of windows are read.</summary>
internal unsafe interface IPoolRead<V, T>
    where V : unmanaged
    where T : unmanaged
{
    /// <summary>The elements; where columns + v lie outside a row of some width, the padding.</summary>
    static abstract V Read(T* from, V columns, int v, int width, V padding);
}

/// <summary>Windows are neighbours, inside.</summary>
internal readonly unsafe struct ReadNext<V, T, Ops> : IPoolRead<V, T>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, IPoolOps<V, T>
{
    public static V Read(T* from, V columns, int v, int width, V padding) => Ops.Load(from);
}

/// <summary>Windows are two columns apart, inside.</summary>
internal readonly unsafe struct ReadEvens<V, T, Ops> : IPoolRead<V, T>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, IPoolOps<V, T>
{
    public static V Read(T* from, V columns, int v, int width, V padding) => Ops.Evens(from);
}

/// <summary>Some windows reach over the ends of rows.</summary>
internal readonly unsafe struct ReadEdge<V, T, Ops, Inner> : IPoolRead<V, T>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, IPoolOps<V, T>
    where Inner : struct, IPoolRead<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Read(T* from, V columns, int v, int width, V padding) =>
        Ops.Inside(Inner.Read(from, columns, v, width, padding), columns, v, width, padding);
}

/// <summary>What pooling computes of a vector of windows that lie side by side.</summary>
internal unsafe interface IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged
{
    /// <summary>What padding holds.</summary>
    static abstract T Padding { get; }

    /// <summary>The results of a vector of windows.</summary>
    /// <param name="row">The shape of the windows.</param>
    /// <param name="q">The first element of the first window.</param>
    /// <param name="left">Its column, negative in the padding.</param>
    /// <param name="place">Its place in the volume.</param>
    /// <param name="y">The results.</param>
    /// <param name="places">The places of the results, where these are wanted.</param>
    static abstract void Run<Reader>(in PoolRow<T> row, T* q, int left, int place, T* y, int* places)
        where Reader : struct, IPoolRead<V, T>;
}

internal readonly unsafe struct MaximumWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    public static T Padding => T.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<Reader>(in PoolRow<T> row, T* q, int left, int place, T* y, int* places)
        where Reader : struct, IPoolRead<V, T>
    {
        // Padding is never larger; where all else is minus infinity too, the first column inside stays the result.
        V lowest = Ops.Fill(T.NegativeInfinity), at = Ops.Columns(left, row.Stride);
        V best = lowest, bestPlace = Ops.FirstInside(at);
        int width = row.Width;
        PoolTap* end = row.Taps + row.Count;
        for (PoolTap* tap = row.Taps; tap < end; tap++)
        {
            V value = Reader.Read(q + tap->Offset, at, tap->Column, width, lowest);
            Ops.Maximum(value, Ops.Place(tap->Place), ref best, ref bestPlace);
        }

        Ops.Store(y, best);
        Ops.StorePlaces(places, bestPlace, place, row.Stride);
    }
}

internal readonly unsafe struct AverageWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    public static T Padding => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<Reader>(in PoolRow<T> row, T* q, int left, int place, T* y, int* places)
        where Reader : struct, IPoolRead<V, T>
    {
        V sum = default, at = Ops.Columns(left, row.Stride);
        int width = row.Width;
        PoolTap* end = row.Taps + row.Count;
        for (PoolTap* tap = row.Taps; tap < end; tap++)
            sum = Ops.Add(sum, Reader.Read(q + tap->Offset, at, tap->Column, width, default));

        Ops.Store(y, Ops.Divide(sum, row.Divisor));
    }
}

/// <summary>
/// The walk over all windows of volumes, by vectors of windows side by side. Rows are read where they lie if windows are
/// at most two columns apart; else from copies in which windows are neighbours.
/// </summary>
internal static unsafe class PoolWindows<V, T, Ops, Window>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
    where Window : struct, IPoolWindow<V, T>
{
    /// <summary>Computes the results of volumes first to last, and touches no others.</summary>
    internal static void Run(in PoolShape s, int first, int last, T* x, T* y, int* places)
    {
        WindowAxis alongZ = s.Z, alongY = s.Y, alongX = s.X;
        int depth = alongZ.Output, height = alongY.Output, width = alongX.Output, inputPlane = s.InputPlane;
        int stride = alongX.Stride, size = alongX.Size, padding = alongX.PadBefore, columns = alongX.Kernel;
        long inputVolume = s.InputVolume, outputVolume = s.OutputVolume;
        long outputEnd = last * outputVolume, output = first * outputVolume;
        T* end = x + s.InputLength;
        bool direct = Ops.Lanes == 1 || stride <= 2;
        long reach = (long)(width - 1) / Ops.Lanes * Ops.Lanes * stride + columns + stride * Ops.Lanes - padding;

        // A copied row holds the columns with each remainder modulo the stride one after another.
        int phase = width + (columns - 1) / stride + Ops.Lanes, copied = phase * stride;
        long copyBytes = (long)alongZ.Kernel * alongY.Kernel * copied * sizeof(T) + 63 & ~63L;
        byte* memory = ConvolutionScratch.Task(copyBytes + (long)s.Taps * sizeof(PoolTap));
        T* copy = (T*)memory;
        PoolRow<T> row = new()
        {
            Taps = (PoolTap*)(memory + copyBytes),
            Stride = stride,
            Width = size,
            Divisor = T.CreateTruncating(s.Taps),
        };
        (int Planes, int Rows, bool Copies) shape = default;
        T* spareResults = stackalloc T[Ops.Lanes];
        int* sparePlaces = stackalloc int[Ops.Lanes];
        for (int p = first; p < last; p++)
            for (int oz = 0; oz < depth; oz++)
            {
                (int front, int planes) = alongZ.Inside(oz);
                for (int oy = 0; oy < height; oy++, output += width)
                {
                    (int top, int rows) = alongY.Inside(oy);
                    int place = (front * alongY.Size + top) * size;
                    T* from = x + p * inputVolume + place;
                    long lastRow = (planes - 1L) * inputPlane + (rows - 1L) * size;

                    // What is read beyond the ends of a row must still lie within the volumes.
                    bool copies = !direct || from - x < padding || end - from < lastRow + reach;
                    if (shape != (planes, rows, copies))
                    {
                        shape = (planes, rows, copies);
                        row.Count = FillTaps(row.Taps, planes, rows, columns, inputPlane, size, stride, copies ? phase : 0);
                    }

                    bool evens = stride == 2 && Ops.Lanes > 1 && !copies;
                    int step = stride;
                    if (copies)
                    {
                        CopyRows(alongX, planes, rows, inputPlane, from, copy, phase);
                        from = copy + padding;
                        step = 1;
                    }

                    for (int ox = 0; ox < width; ox += Ops.Lanes)
                    {
                        int left = ox * stride - padding, count = Math.Min(Ops.Lanes, width - ox);
                        bool edge = !copies && (left < 0 || left + (count - 1) * stride + columns > size);

                        // Results past the row are overwritten by the next row, which comes later on this thread.
                        long o = output + ox;
                        bool fits = o + Ops.Lanes <= outputEnd;
                        T* q = from - padding + (nint)ox * step, to = fits ? y + o : spareResults;
                        int* toPlaces = fits ? places + o : sparePlaces;
                        if (edge && evens) Window.Run<ReadEdge<V, T, Ops, ReadEvens<V, T, Ops>>>(
                                row, q, left, place + left, to, toPlaces);
                        else if (edge) Window.Run<ReadEdge<V, T, Ops, ReadNext<V, T, Ops>>>(
                                row, q, left, place + left, to, toPlaces);
                        else if (evens) Window.Run<ReadEvens<V, T, Ops>>(row, q, left, place + left, to, toPlaces);
                        else Window.Run<ReadNext<V, T, Ops>>(row, q, left, place + left, to, toPlaces);
                        if (fits) continue;
                        new ReadOnlySpan<T>(spareResults, count).CopyTo(new Span<T>(y + o, count));
                        if (places != null)
                            new ReadOnlySpan<int>(sparePlaces, count).CopyTo(new Span<int>(places + o, count));
                    }
                }
            }
    }

    /// <summary>Lists the places of windows, in the volume itself or in a copy with rows of some phase.</summary>
    private static int FillTaps(
        PoolTap* tap, int planes, int rows, int columns, int plane, int width, int stride, int phase)
    {
        for (int d = 0; d < planes; d++)
            for (int u = 0; u < rows; u++)
                for (int v = 0; v < columns; v++, tap++)
                {
                    tap->Column = v;
                    tap->Place = d * plane + u * width + v;
                    tap->Offset = phase == 0
                        ? tap->Place
                        : (d * rows + u) * phase * stride + v % stride * phase + v / stride;
                }

        return planes * rows * columns;
    }

    private static void CopyRows(in WindowAxis axis, int planes, int rows, int plane, T* from, T* to, int phase)
    {
        for (int d = 0; d < planes; d++)
            for (int u = 0; u < rows; u++, to += phase * axis.Stride)
                CopyRow(axis, from + (long)d * plane + (long)u * axis.Size, to, phase);
    }

    /// <summary>Copies one row with its padding, the columns with each remainder modulo the stride by themselves.</summary>
    private static void CopyRow(in WindowAxis axis, T* from, T* to, int phase)
    {
        int stride = axis.Stride, count = phase - Ops.Lanes;
        for (int r = 0; r < stride; r++, to += phase)
        {
            int before = axis.PadBefore - r, k = Math.Clamp((before + stride - 1) / stride, 0, count);
            int inside = Math.Clamp((axis.Size + before + stride - 1) / stride, k, count);
            for (int i = 0; i < k; i++) to[i] = Window.Padding;
            for (T* q = from - before + (nint)k * stride; k < inside; k++, q += stride) to[k] = *q;
            for (; k < count; k++) to[k] = Window.Padding;
        }
    }
}
