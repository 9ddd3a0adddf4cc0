using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>Where the windows of one row of results lie in memory.</summary>
internal unsafe struct PoolRow<T>
    where T : unmanaged
{
    /// <summary>The planes, rows and columns of a window, cut where it reaches over the first or last plane or row.</summary>
    internal int Planes, Rows, Columns;

    /// <summary>The steps in memory from one plane and row to the next.</summary>
    internal nint Plane, Row;

    /// <summary>The steps between the places of planes and rows, and of windows.</summary>
    internal int PlacePlane, PlaceRow, PlaceStep;

    /// <summary>The steps in memory from the first column of a window to each.</summary>
    internal int* Taps;

    /// <summary>Whether neighbouring windows lie two elements apart, else one.</summary>
    internal bool EverySecond;

    /// <summary>What a sum is divided by.</summary>
    internal T Count;
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
    static abstract void Run(in PoolRow<T> row, T* q, int left, int place, T* y, int* places);
}

internal readonly unsafe struct MaximumWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    public static T Padding => T.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(in PoolRow<T> row, T* q, int left, int place, T* y, int* places)
    {
        // Padding is never larger; where all else is minus infinity too, the first column inside stays the result.
        V best = Ops.Fill(T.NegativeInfinity), bestPlace = Ops.FirstInside(left, row.PlaceStep);
        int* taps = row.Taps;
        int columns = row.Columns;
        bool everySecond = row.EverySecond;
        for (int d = 0; d < row.Planes; d++)
            for (int u = 0; u < row.Rows; u++)
            {
                T* p = q + d * row.Plane + u * row.Row;
                int rowPlace = d * row.PlacePlane + u * row.PlaceRow;
                for (int v = 0; v < columns; v++)
                {
                    V value = everySecond ? Ops.Evens(p + taps[v]) : Ops.Load(p + taps[v]);
                    Ops.Maximum(value, Ops.Place(rowPlace + v), ref best, ref bestPlace);
                }
            }

        Ops.Store(y, best);
        Ops.StorePlaces(places, bestPlace, place, row.PlaceStep);
    }
}

internal readonly unsafe struct AverageWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    public static T Padding => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(in PoolRow<T> row, T* q, int left, int place, T* y, int* places)
    {
        V sum = default;
        int* taps = row.Taps;
        int columns = row.Columns;
        bool everySecond = row.EverySecond;
        for (int d = 0; d < row.Planes; d++)
            for (int u = 0; u < row.Rows; u++)
            {
                T* p = q + d * row.Plane + u * row.Row;
                for (int v = 0; v < columns; v++)
                    sum = Ops.Add(sum, everySecond ? Ops.Evens(p + taps[v]) : Ops.Load(p + taps[v]));
            }

        Ops.Store(y, Ops.Divide(sum, row.Count));
    }
}

/// <summary>
/// The walk over all windows of volumes, by vectors of windows side by side. Rows are read where they lie if no window
/// reaches over their ends and windows are at most two columns apart; else from copies that have the padding, and in
/// which windows are neighbours.
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
        int width = s.X.Output, stride = s.X.Stride;
        long outputEnd = (long)last * s.OutputVolume, output = (long)first * s.OutputVolume;
        T* end = x + s.InputLength;
        bool direct = s.X.IsInside && stride <= 2;
        long reach = (long)(width - 1) / Ops.Lanes * Ops.Lanes * stride + s.X.Kernel + stride * Ops.Lanes;

        // A copied row holds the columns with each remainder modulo the stride one after another.
        int phase = width + (s.X.Kernel - 1) / stride + Ops.Lanes, copied = phase * stride;
        long copyLength = (long)s.Z.Kernel * s.Y.Kernel * copied;
        byte* memory = ConvolutionScratch.Task(2L * s.X.Kernel * sizeof(int) + 64 + copyLength * sizeof(T));
        int* taps = (int*)memory, copiedTaps = taps + s.X.Kernel;
        T* copy = (T*)(((nint)(copiedTaps + s.X.Kernel) + 63) & ~63);
        for (int v = 0; v < s.X.Kernel; v++)
        {
            taps[v] = v;
            copiedTaps[v] = v % stride * phase + v / stride;
        }

        PoolRow<T> row = new()
        {
            Columns = s.X.Kernel,
            PlacePlane = s.InputPlane,
            PlaceRow = s.X.Size,
            PlaceStep = stride,
            Count = T.CreateTruncating(s.Taps),
        };
        T* spareResults = stackalloc T[Ops.Lanes];
        int* sparePlaces = stackalloc int[Ops.Lanes];
        for (int p = first; p < last; p++)
            for (int oz = 0; oz < s.Z.Output; oz++)
            {
                (int front, row.Planes) = Inside(s.Z, oz);
                for (int oy = 0; oy < s.Y.Output; oy++, output += width)
                {
                    (int top, row.Rows) = Inside(s.Y, oy);
                    int place = (front * s.Y.Size + top) * s.X.Size;
                    T* from = x + (long)p * s.InputVolume + place;
                    long lastRow = (row.Planes - 1L) * s.InputPlane + (row.Rows - 1L) * s.X.Size;
                    bool copies = !direct || end - from < lastRow + reach;
                    if (copies)
                    {
                        for (int d = 0; d < row.Planes; d++)
                            for (int u = 0; u < row.Rows; u++)
                            {
                                T* to = copy + (long)(d * row.Rows + u) * copied;
                                CopyRow(s.X, from + (long)d * s.InputPlane + (long)u * s.X.Size, end, to, phase);
                            }
                    }

                    row.Plane = copies ? (nint)row.Rows * copied : s.InputPlane;
                    row.Row = copies ? copied : s.X.Size;
                    row.Taps = copies ? copiedTaps : taps;
                    row.EverySecond = !copies && stride == 2;
                    int step = copies ? 1 : stride;
                    from = copies ? copy : from;
                    for (int ox = 0; ox < width; ox += Ops.Lanes)
                    {
                        int left = ox * stride - s.X.PadBefore;
                        long o = output + ox;
                        if (o + Ops.Lanes <= outputEnd)
                        {
                            // Results past the row are overwritten by the next row, which comes later on this thread.
                            Window.Run(row, from + (nint)ox * step, left, place + left, y + o, places + o);
                            continue;
                        }

                        Window.Run(row, from + (nint)ox * step, left, place + left, spareResults, sparePlaces);
                        int count = Math.Min(Ops.Lanes, width - ox);
                        new ReadOnlySpan<T>(spareResults, count).CopyTo(new Span<T>(y + o, count));
                        if (places != null)
                            new ReadOnlySpan<int>(sparePlaces, count).CopyTo(new Span<int>(places + o, count));
                    }
                }
            }
    }

    /// <summary>The first place of a window inside the axis, and how many are.</summary>
    private static (int First, int Count) Inside(in WindowAxis axis, int window)
    {
        int from = window * axis.Stride - axis.PadBefore, first = Math.Clamp(from, 0, axis.Size);
        return (first, Math.Clamp(from + axis.Kernel, first, axis.Size) - first);
    }

    /// <summary>Copies one row with its padding, the columns with each remainder modulo the stride by themselves.</summary>
    private static void CopyRow(in WindowAxis axis, T* from, T* end, T* to, int phase)
    {
        int stride = axis.Stride, count = phase - Ops.Lanes;
        for (int r = 0; r < stride; r++, to += phase)
        {
            int before = axis.PadBefore - r, k = Math.Clamp((before + stride - 1) / stride, 0, count);
            int inside = Math.Clamp((axis.Size + before + stride - 1) / stride, k, count);
            new Span<T>(to, k).Fill(Window.Padding);
            new Span<T>(to + inside, count - inside).Fill(Window.Padding);
            T* q = from - before;
            if (stride == 1)
            {
                new ReadOnlySpan<T>(q + k, inside - k).CopyTo(new Span<T>(to + k, inside - k));
                continue;
            }

            if (stride == 2)
            {
                for (; k + Ops.Lanes <= inside && end - (q + 2 * k) >= 2 * Ops.Lanes; k += Ops.Lanes)
                    Ops.Store(to + k, Ops.Evens(q + 2 * k));
            }

            for (; k < inside; k++) to[k] = q[(nint)k * stride];
        }
    }
}
