using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The linear maps of pooling that move single elements.</summary>
internal static unsafe class PoolMoves<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const long ForkWork = 1 << 16;

    /// <summary>The parts into which to split the planes.</summary>
    internal static int Parts(in PoolShape s)
    {
        long work = (long)s.Planes * (s.InputPlane + s.OutputPlane);
        return work < ForkWork || Workers.Count == 1 ? 1 : Math.Min(s.Planes, 4 * Workers.Count);
    }

    /// <summary>The first plane of a part.</summary>
    internal static int First(in PoolShape s, int part, int parts) => (int)((long)s.Planes * part / parts);

    internal static void Gather(PoolShape s, T* t, int* places, T* y)
    {
        int parts = Parts(s);
        if (parts == 1) Gather(s, 0, s.Planes, t, places, y);
        else Workers.For(parts, part => Gather(s, First(s, part, parts), First(s, part + 1, parts), t, places, y));
    }

    internal static void Scatter(PoolShape s, T* ct, int* places, T* dx)
    {
        int parts = Parts(s);
        if (parts == 1) Scatter(s, 0, s.Planes, ct, places, dx);
        else Workers.For(parts, part => Scatter(s, First(s, part, parts), First(s, part + 1, parts), ct, places, dx));
    }

    /// <summary>Divides every element of the cotangent evenly among the places of its window.</summary>
    internal static void Spread(PoolShape s, T* ct, T* dx)
    {
        int parts = Parts(s);
        if (parts == 1) Spread(s, 0, s.Planes, ct, dx);
        else Workers.For(parts, part => Spread(s, First(s, part, parts), First(s, part + 1, parts), ct, dx));
    }

    private static void Gather(in PoolShape s, int first, int last, T* t, int* places, T* y)
    {
        int input = s.InputPlane, output = s.OutputPlane;
        for (int p = first; p < last; p++)
        {
            T* plane = t + (long)p * input, to = y + (long)p * output;
            int* from = places + (long)p * output;
            for (int o = 0; o < output; o++)
            {
                int place = from[o];
                if ((uint)place >= (uint)input) Outside(place, input);
                to[o] = plane[place];
            }
        }
    }

    private static void Scatter(in PoolShape s, int first, int last, T* ct, int* places, T* dx)
    {
        int input = s.InputPlane, output = s.OutputPlane;
        for (int p = first; p < last; p++)
        {
            T* plane = dx + (long)p * input, from = ct + (long)p * output;
            int* to = places + (long)p * output;
            new Span<T>(plane, input).Clear();
            for (int o = 0; o < output; o++)
            {
                int place = to[o];
                if ((uint)place >= (uint)input) Outside(place, input);
                plane[place] += from[o];
            }
        }
    }

    private static void Spread(in PoolShape s, int first, int last, T* ct, T* dx)
    {
        int height = s.OutputHeight, width = s.OutputWidth, input = s.InputPlane;
        T count = T.CreateTruncating(s.KernelHeight * s.KernelWidth);
        for (int p = first; p < last; p++)
        {
            T* plane = dx + (long)p * input, from = ct + (long)p * height * width;
            new Span<T>(plane, input).Clear();
            for (int oy = 0; oy < height; oy++)
            {
                int top = Math.Max(oy * s.StrideY - s.PadTop, 0);
                int bottom = Math.Min(oy * s.StrideY - s.PadTop + s.KernelHeight, s.Height);
                for (int ox = 0; ox < width; ox++)
                {
                    int left = Math.Max(ox * s.StrideX - s.PadLeft, 0);
                    int right = Math.Min(ox * s.StrideX - s.PadLeft + s.KernelWidth, s.Width);
                    T share = *from++ / count;
                    for (int iy = top; iy < bottom; iy++)
                        for (int ix = left; ix < right; ix++)
                        {
                            plane[iy * s.Width + ix] += share;
                        }
                }
            }
        }
    }

    private static void Outside(int place, int length) =>
        throw new IndexOutOfRangeException($"Place {place} lies outside its plane of {length} elements.");
}
