using System.Numerics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>
/// Pooling of float32 volumes with short rows: volumes are the lanes of the vectors, and a vector belongs to one place.
/// </summary>
/// <remarks>
/// Against <see cref="PoolWindows{V, T, Ops, Window}"/> and <see cref="PoolSpread{V, T, Ops}"/>, whose vectors hold neighbours of
/// one row, all lanes are used however short the rows are, and windows may lie in any way, at the price of transposing all that
/// is read and written.
/// </remarks>
internal static unsafe class PoolVolumes<V, T, Ops>
    where V : unmanaged
    where T : unmanaged, IFloatingPointIeee754<T>
    where Ops : struct, IPoolOps<V, T>
{
    // What a block of volumes takes stays in the second cache, beside what it is made of.
    private const int BlockBytes = 384 * 1024;

    /// <summary>A range of the places of an axis.</summary>
    private struct Run
    {
        internal int First, Count;
    }

    /// <summary>Whether it takes the volumes, and is faster, as measured: where vectors can be transposed quickly.</summary>
    internal static bool Pays(in PoolShape s) =>
        typeof(T) == typeof(float) && Ops.Lanes >= 4 && Sse.IsSupported && s.Volumes >= 2 * Ops.Lanes
        && ((long)s.InputVolume + 2 * s.OutputVolume) * Ops.Lanes * sizeof(T) <= BlockBytes;

    /// <summary>The maxima of volumes first to last, and their places.</summary>
    internal static void Maximum(in PoolShape s, int first, int last, T* x, T* y, int* places)
    {
        int input = s.InputVolume, output = s.OutputVolume, plane = s.InputPlane, width = s.X.Size;
        T* volumes = Memory(s, out T* maxima, out T* maximumPlaces, out Run* runs);
        V lowest = Ops.Fill(T.NegativeInfinity);
        for (int p = first; p < last; p = Next(p, last))
        {
            int count = Math.Min(Ops.Lanes, last - p);
            Ops.Transpose(x + (long)p * input, input, count, input, volumes, Ops.Lanes);
            T* to = maxima, toPlaces = maximumPlaces;
            for (int oz = 0; oz < s.Z.Output; oz++)
                for (int oy = 0; oy < s.Y.Output; oy++)
                {
                    (int z, int planes) = s.Z.Inside(oz);
                    (int top, int rows) = s.Y.Inside(oy);
                    int start = z * plane + top * width;
                    for (int ox = 0; ox < s.X.Output; ox++, to += Ops.Lanes, toPlaces += Ops.Lanes)
                    {
                        // Where all is minus infinity, the first place stays the result.
                        int columns = runs[ox].Count, row = start + runs[ox].First;
                        V best = lowest, bestPlace = Ops.Place(row);
                        for (int d = 0; d < planes; d++, row += plane - rows * width)
                            for (int u = 0; u < rows; u++, row += width)
                                for (int place = row; place < row + columns; place++)
                                {
                                    V value = Ops.Load(volumes + place * Ops.Lanes);
                                    Ops.Maximum(value, Ops.Place(place), ref best, ref bestPlace);
                                }

                        Ops.Store(to, best);
                        Ops.Store(toPlaces, bestPlace);
                    }
                }

            Write(maxima, output, count, y + (long)p * output);
            Write(maximumPlaces, output, count, (T*)(places + (long)p * output));
        }
    }

    /// <summary>The averages of volumes first to last.</summary>
    internal static void Average(in PoolShape s, int first, int last, T* x, T* y)
    {
        int input = s.InputVolume, output = s.OutputVolume, plane = s.InputPlane, width = s.X.Size;
        T* volumes = Memory(s, out T* averages, out _, out Run* runs);
        T taps = T.CreateTruncating(s.Taps);
        for (int p = first; p < last; p = Next(p, last))
        {
            int count = Math.Min(Ops.Lanes, last - p);
            Ops.Transpose(x + (long)p * input, input, count, input, volumes, Ops.Lanes);
            T* to = averages;
            for (int oz = 0; oz < s.Z.Output; oz++)
                for (int oy = 0; oy < s.Y.Output; oy++)
                {
                    (int z, int planes) = s.Z.Inside(oz);
                    (int top, int rows) = s.Y.Inside(oy);
                    T* start = volumes + (z * plane + top * width) * Ops.Lanes;
                    for (int ox = 0; ox < s.X.Output; ox++, to += Ops.Lanes)
                    {
                        V sum = default;
                        T* row = start + runs[ox].First * Ops.Lanes;
                        int columns = runs[ox].Count * Ops.Lanes;
                        for (int d = 0; d < planes; d++, row += (plane - rows * width) * Ops.Lanes)
                            for (int u = 0; u < rows; u++, row += width * Ops.Lanes)
                                for (T* q = row; q < row + columns; q += Ops.Lanes) sum = Ops.Add(sum, Ops.Load(q));

                        Ops.Store(to, Ops.Divide(sum, taps));
                    }
                }

            Write(averages, output, count, y + (long)p * output);
        }
    }

    /// <summary>The transpose of <see cref="Average"/> for volumes first to last.</summary>
    internal static void AverageTranspose(in PoolShape s, int first, int last, T* ct, T* dx)
    {
        int input = s.InputVolume, output = s.OutputVolume, plane = s.InputPlane, width = s.X.Size;
        T* volumes = Memory(s, out T* shares, out _, out Run* runs);
        T taps = T.CreateTruncating(s.Taps);

        // Where no two windows meet, each is divided once instead of each of its places.
        bool isApart = s.Z.IsApart && s.Y.IsApart && s.X.IsApart;
        for (int p = first; p < last; p = Next(p, last))
        {
            int count = Math.Min(Ops.Lanes, last - p);
            Ops.Transpose(ct + (long)p * output, output, count, output, shares, Ops.Lanes);
            if (isApart) Divide(shares, output, taps);
            new Span<byte>(volumes, input * Ops.Lanes * sizeof(T)).Clear();
            T* from = shares;
            for (int oz = 0; oz < s.Z.Output; oz++)
                for (int oy = 0; oy < s.Y.Output; oy++)
                {
                    (int z, int planes) = s.Z.Inside(oz);
                    (int top, int rows) = s.Y.Inside(oy);
                    T* start = volumes + (z * plane + top * width) * Ops.Lanes;
                    for (int ox = 0; ox < s.X.Output; ox++, from += Ops.Lanes)
                    {
                        V share = Ops.Load(from);
                        T* row = start + runs[ox].First * Ops.Lanes;
                        int columns = runs[ox].Count * Ops.Lanes;
                        for (int d = 0; d < planes; d++, row += (plane - rows * width) * Ops.Lanes)
                            for (int u = 0; u < rows; u++, row += width * Ops.Lanes)
                                for (T* q = row; q < row + columns; q += Ops.Lanes)
                                    Ops.Store(q, isApart ? share : Ops.Add(Ops.Load(q), share));
                    }
                }

            if (!isApart) Divide(volumes, input, taps);
            Write(volumes, input, count, dx + (long)p * input);
        }
    }

    private static void Divide(T* values, int length, T divisor)
    {
        for (T* end = values + length * Ops.Lanes; values < end; values += Ops.Lanes)
            Ops.Store(values, Ops.Divide(Ops.Load(values), divisor));
    }

    /// <summary>The volume after a block: the last block begins earlier, and computes some volumes twice, so that it is full.</summary>
    private static int Next(int p, int last)
    {
        int next = p + Ops.Lanes;
        return next < last ? Math.Min(next, Math.Max(last - Ops.Lanes, p + 1)) : last;
    }

    /// <summary>Memory for a block of volumes and twice for the results, and what lies inside of the windows of a row.</summary>
    private static T* Memory(in PoolShape s, out T* first, out T* second, out Run* runs)
    {
        long input = (long)s.InputVolume * Ops.Lanes, output = (long)s.OutputVolume * Ops.Lanes;
        T* memory = (T*)ConvolutionScratch.Task((input + 2 * output) * sizeof(T) + s.X.Output * sizeof(Run));
        first = memory + input;
        second = first + output;
        runs = (Run*)(second + output);
        for (int o = 0; o < s.X.Output; o++) (runs[o].First, runs[o].Count) = s.X.Inside(o);
        return memory;
    }

    /// <summary>Transposes the results of a block to where they belong.</summary>
    private static void Write(T* results, int length, int count, T* to)
    {
        if (length == 1 && count == Ops.Lanes)
        {
            Ops.Store(to, Ops.Load(results));
            return;
        }

        // Whole squares: the last one begins earlier, and writes some places twice.
        if (length >= Ops.Lanes)
        {
            int whole = length / Ops.Lanes * Ops.Lanes, rest = length - Ops.Lanes;
            Ops.Transpose(results, Ops.Lanes, whole, count, to, length);
            if (whole < length) Ops.Transpose(results + rest * Ops.Lanes, Ops.Lanes, Ops.Lanes, count, to + rest, length);
            return;
        }

        for (int k = 0; k < count; k++, to += length)
            for (int o = 0; o < length; o++)
            {
                to[o] = results[o * Ops.Lanes + k];
            }
    }
}
