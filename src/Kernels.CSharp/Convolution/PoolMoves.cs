using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>The linear maps of pooling that move single elements.</summary>
internal static unsafe class PoolMoves<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const long ForkWork = 1 << 16;
    private const int ClearBytes = 1 << 14;

    /// <summary>The parts into which to split the volumes.</summary>
    internal static int Parts(in PoolShape s)
    {
        long work = (long)s.Volumes * (s.InputVolume + s.OutputVolume);
        return work < ForkWork || Workers.Count == 1 ? 1 : Math.Min(s.Volumes, 4 * Workers.Count);
    }

    /// <summary>The first volume of a part.</summary>
    internal static int First(in PoolShape s, int part, int parts) => (int)((long)s.Volumes * part / parts);

    internal static void Gather(PoolShape s, T* t, int* places, T* y)
    {
        int parts = Parts(s);
        if (parts == 1) Gather(s, 0, s.Volumes, t, places, y);
        else Workers.For(parts, new Move { Shape = s, Parts = parts, From = t, Places = places, To = y });
    }

    internal static void Scatter(PoolShape s, T* ct, int* places, T* dx)
    {
        int parts = Parts(s);
        if (parts == 1) Scatter(s, 0, s.Volumes, ct, places, dx);
        else Workers.For(parts, new Move { Shape = s, Parts = parts, From = ct, Places = places, To = dx, IsScatter = true });
    }

    private struct Move : IForked
    {
        public PoolShape Shape;
        public int Parts;
        public T* From, To;
        public int* Places;
        public bool IsScatter;

        public readonly void Run(int part)
        {
            int first = First(Shape, part, Parts), last = First(Shape, part + 1, Parts);
            if (IsScatter) Scatter(Shape, first, last, From, Places, To);
            else Gather(Shape, first, last, From, Places, To);
        }
    }

    private static void Gather(in PoolShape s, int first, int last, T* t, int* places, T* y)
    {
        int input = s.InputVolume, output = s.OutputVolume;
        for (int p = first; p < last; p++)
        {
            T* volume = t + (long)p * input, to = y + (long)p * output;
            int* from = places + (long)p * output;
            for (int o = 0; o < output; o++)
            {
                int place = from[o];
                if ((uint)place >= (uint)input) Outside(place, input);
                to[o] = volume[place];
            }
        }
    }

    private static void Scatter(in PoolShape s, int first, int last, T* ct, int* places, T* dx)
    {
        int input = s.InputVolume, output = s.OutputVolume, cleared = first;
        int atOnce = Math.Max(ClearBytes / Math.Max(input * sizeof(T), 1), 1);
        for (int p = first; p < last; p++)
        {
            T* volume = dx + (long)p * input, from = ct + (long)p * output;
            int* to = places + (long)p * output;
            if (p == cleared)
            {
                cleared = Math.Min(p + atOnce, last);
                new Span<T>(volume, (cleared - p) * input).Clear();
            }

            for (int o = 0; o < output; o++)
            {
                int place = to[o];
                if ((uint)place >= (uint)input) Outside(place, input);
                volume[place] += from[o];
            }
        }
    }

    private static void Outside(int place, int length) =>
        throw new IndexOutOfRangeException($"Place {place} lies outside its volume of {length} elements.");
}
