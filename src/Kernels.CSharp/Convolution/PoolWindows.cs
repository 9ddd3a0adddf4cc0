using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>What pooling computes of one window.</summary>
internal unsafe interface IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged
{
    /// <summary>A vector of windows that lie side by side, whole inside the plane or cut at the same rows.</summary>
    /// <param name="s">The sizes.</param>
    /// <param name="q">The first element of the first window.</param>
    /// <param name="place">Its place in the plane.</param>
    /// <param name="rows">The rows of the windows.</param>
    /// <param name="y">The results.</param>
    /// <param name="places">The places of the results, where these are wanted.</param>
    static abstract void Many(in PoolShape s, T* q, int place, int rows, T* y, int* places);

    /// <summary>One window, of any number of rows and columns.</summary>
    static abstract void One(in PoolShape s, T* q, int place, int rows, int columns, T* y, int* places);
}

internal readonly unsafe struct MaximumWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Many(in PoolShape s, T* q, int place, int rows, T* y, int* places)
    {
        bool everySecond = s.StrideX == 2;
        int columns = s.KernelWidth;
        V best = everySecond ? Ops.Evens(q) : Ops.Load(q), bestPlace = Ops.Place(0);
        int rowPlace = 0;
        for (int u = 0, v = 1; u < rows; u++, q += s.Width, rowPlace += s.Width, v = 0)
            for (; v < columns; v++)
            {
                V value = everySecond ? Ops.Evens(q + v) : Ops.Load(q + v);
                Ops.Maximum(value, Ops.Place(rowPlace + v), ref best, ref bestPlace);
            }

        Ops.Store(y, best);
        Ops.StorePlaces(places, bestPlace, place, s.StrideX);
    }

    public static void One(in PoolShape s, T* q, int place, int rows, int columns, T* y, int* places)
    {
        T best = *q;
        int bestPlace = place;
        for (int u = 0; u < rows; u++, q += s.Width, place += s.Width)
            for (int v = 0; v < columns; v++)
            {
                if (q[v] <= best || T.IsNaN(best)) continue;
                best = q[v];
                bestPlace = place + v;
            }

        *y = best;
        *places = bestPlace;
    }
}

internal readonly unsafe struct AverageWindow<V, T, Ops> : IPoolWindow<V, T>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Many(in PoolShape s, T* q, int place, int rows, T* y, int* places)
    {
        bool everySecond = s.StrideX == 2;
        int columns = s.KernelWidth;
        V sum = default;
        for (int u = 0; u < rows; u++, q += s.Width)
            for (int v = 0; v < columns; v++)
            {
                sum = Ops.Add(sum, everySecond ? Ops.Evens(q + v) : Ops.Load(q + v));
            }

        Ops.Store(y, Ops.Divide(sum, T.CreateTruncating(s.KernelHeight * s.KernelWidth)));
    }

    public static void One(in PoolShape s, T* q, int place, int rows, int columns, T* y, int* places)
    {
        T sum = T.Zero;
        for (int u = 0; u < rows; u++, q += s.Width)
            for (int v = 0; v < columns; v++)
            {
                sum += q[v];
            }

        *y = sum / T.CreateTruncating(s.KernelHeight * s.KernelWidth);
    }
}

/// <summary>
/// The walk over all windows of planes, by vectors where they lie inside and one by one at the edges.
/// </summary>
internal static unsafe class PoolWindows<V, T, Ops, Window>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
    where Window : struct, IPoolWindow<V, T>
{
    /// <summary>Computes the results of planes first to last, and touches no others.</summary>
    internal static void Run(in PoolShape s, int first, int last, T* x, T* y, int* places)
    {
        T* end = x + (long)s.Planes * s.Height * s.Width;
        int height = s.OutputHeight, width = s.OutputWidth;
        long outputEnd = (long)last * height * width, output = (long)first * height * width;
        bool vectors = Ops.Lanes > 1 && s.StrideX <= 2;

        // Columns from inside to outside have their windows whole within a row.
        int inside = Math.Min((s.PadLeft + s.StrideX - 1) / s.StrideX, width);
        int reach = s.Width + s.PadLeft - s.KernelWidth;
        int outside = vectors && reach >= 0 ? Math.Min(reach / s.StrideX + 1, width) : 0;
        T* spareResults = stackalloc T[Ops.Lanes];
        int* sparePlaces = stackalloc int[Ops.Lanes];
        for (int p = first; p < last; p++)
            for (int oy = 0; oy < height; oy++, output += width)
            {
                T* plane = x + (long)p * s.Height * s.Width;
                int top = Math.Clamp(oy * s.StrideY - s.PadTop, 0, s.Height);
                int rows = Math.Clamp(oy * s.StrideY - s.PadTop + s.KernelHeight, top, s.Height) - top;
                long readPerRow = (long)(rows - 1) * s.Width + s.KernelWidth + s.StrideX * Ops.Lanes;
                for (int ox = 0; ox < width;)
                {
                    int left = ox * s.StrideX - s.PadLeft;
                    int place = top * s.Width + left;
                    if (ox >= inside && ox < outside && rows > 0 && end - (plane + place) >= readPerRow)
                    {
                        // Results past the row are overwritten by the next row, which comes later on this thread.
                        int count = Math.Min(Ops.Lanes, outside - ox);
                        if (output + ox + Ops.Lanes <= outputEnd)
                        {
                            Window.Many(s, plane + place, place, rows, y + output + ox, places + output + ox);
                        }
                        else
                        {
                            Window.Many(s, plane + place, place, rows, spareResults, sparePlaces);
                            Copy(spareResults, sparePlaces, count, y + output + ox, places + output + ox, places != null);
                        }

                        ox += count;
                        continue;
                    }

                    int from = Math.Clamp(left, 0, s.Width);
                    int columns = Math.Clamp(left + s.KernelWidth, from, s.Width) - from;
                    place = top * s.Width + from;
                    Window.One(s, plane + place, place, rows, columns, y + output + ox, places + output + ox);
                    ox++;
                }
            }
    }

    private static void Copy(T* values, int* valuePlaces, int count, T* y, int* places, bool withPlaces)
    {
        new ReadOnlySpan<T>(values, count).CopyTo(new Span<T>(y, count));
        if (withPlaces) new ReadOnlySpan<int>(valuePlaces, count).CopyTo(new Span<int>(places, count));
    }
}
