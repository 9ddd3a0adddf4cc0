using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The transpose of an average: every element of the cotangent is divided evenly among its window.</summary>
/// <remarks>
/// A row of the cotangent is spread with zeros between its elements, as far apart as windows are. Then the sum of what
/// reaches an element from the row is the sum of neighbours, as many as a window has columns.
/// </remarks>
internal static unsafe class PoolSpread<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    /// <summary>Computes volumes first to last, and touches no others.</summary>
    internal static void Run(in PoolShape s, int first, int last, T* ct, T* dx)
    {
        WindowAxis alongZ = s.Z, alongY = s.Y, alongX = s.X;
        int depth = alongZ.Output, height = alongY.Output, width = alongX.Output;
        int stride = alongX.Stride, size = alongX.Size, padding = alongX.PadBefore, columns = alongX.Kernel;
        int planes = (alongZ.Kernel - 1) / alongZ.Stride + 1;

        // The windows of a row begin at columns - 1, and vectors are read from its beginning to past its end.
        int length = Math.Max(columns + (width - 1) * stride, size + padding + columns + Ops.Lanes);
        long needed = (long)planes * height * length;
        T* spread = (T*)ConvolutionScratch.Task(needed * sizeof(T));
        new Span<T>(spread, checked((int)needed)).Clear();
        T count = T.CreateTruncating(s.Taps);
        T* spare = stackalloc T[Ops.Lanes];
        T* end = dx + (long)last * s.InputVolume;
        dx += (long)first * s.InputVolume;
        for (int p = first; p < last; p++)
            for (int z = 0; z < alongZ.Size; z++)
            {
                (int front, int back) = alongZ.Windows(z);
                for (int oz = front; oz < back; oz++)
                    for (int oy = 0; oy < height; oy++)
                    {
                        T* from = ct + (((long)p * depth + oz) * height + oy) * width;
                        T* to = spread + ((long)(oz - front) * height + oy) * length + columns - 1;
                        for (int ox = 0; ox < width; ox++, to += stride) *to = from[ox];
                    }

                int lastTop = -1, lastBottom = -1;
                for (int y = 0; y < alongY.Size; y++, dx += size)
                {
                    (int top, int bottom) = alongY.Windows(y);
                    if (top == lastTop && bottom == lastBottom)
                    {
                        new ReadOnlySpan<T>(dx - size, size).CopyTo(new Span<T>(dx, size));
                        continue;
                    }

                    (lastTop, lastBottom) = (top, bottom);
                    for (int x = 0; x < size; x += Ops.Lanes)
                    {
                        V sum = default;
                        for (int oz = 0; oz < back - front; oz++)
                            for (int oy = top; oy < bottom; oy++)
                            {
                                T* from = spread + ((long)oz * height + oy) * length + x + padding;
                                for (int v = 0; v < columns; v++) sum = Ops.Add(sum, Ops.Load(from + v));
                            }

                        // What is written past a row is overwritten by the next, which comes later on this thread.
                        sum = Ops.Divide(sum, count);
                        if (end - (dx + x) >= Ops.Lanes)
                        {
                            Ops.Store(dx + x, sum);
                            continue;
                        }

                        Ops.Store(spare, sum);
                        int valid = size - x;
                        new ReadOnlySpan<T>(spare, valid).CopyTo(new Span<T>(dx + x, valid));
                    }
                }
            }
    }
}
