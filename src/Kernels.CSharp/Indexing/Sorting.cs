using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Order along one axis. Tensors are contiguous. NaN comes after all numbers, zeros of both signs are equal, and equal
/// elements keep their order.
/// </summary>
public static unsafe class Sorting
{
    private const long ElementsPerFork = 1 << 12;

    // Shorter lines are compared: counting digits costs the same for any length.
    private const int LeastForDigits = 128;

    /// <summary>
    /// The int64 positions that put each line of x, seen as outer x length x inner, in ascending or descending order.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static void ArgSort(
        DType dtype, int outer, int length, int inner, bool descending, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        DTypes.CheckComputed(dtype);
        long count = (long)outer * length * inner;
        Check(x.Length, count, dtype.Size());
        Check(destination.Length, count, sizeof(long));
        fixed (byte* px = x, pd = destination)
        {
            long* result = (long*)pd;
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: ArgSort(outer, length, inner, descending, px, result); break;
                case DType.Int8: ArgSort(outer, length, inner, descending, (sbyte*)px, result); break;
                case DType.Int16: ArgSort(outer, length, inner, descending, (short*)px, result); break;
                case DType.Int32: ArgSort(outer, length, inner, descending, (int*)px, result); break;
                case DType.Int64: ArgSort(outer, length, inner, descending, (long*)px, result); break;
                case DType.Float32: ArgSort(outer, length, inner, descending, (float*)px, result); break;
                default: ArgSort(outer, length, inner, descending, (double*)px, result); break;
            }
        }
    }

    /// <summary>
    /// The int64 positions at which values would be put in to keep each row ascending: before equal elements, or after
    /// them. Sorted is rows x length, values and destination are rows x count.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static void Search(
        DType dtype, int rows, int length, int count, bool after, ReadOnlySpan<byte> sorted, ReadOnlySpan<byte> values,
        Span<byte> destination)
    {
        DTypes.CheckComputed(dtype);
        Check(sorted.Length, (long)rows * length, dtype.Size());
        Check(values.Length, (long)rows * count, dtype.Size());
        Check(destination.Length, (long)rows * count, sizeof(long));
        fixed (byte* ps = sorted, pv = values, pd = destination)
        {
            long* result = (long*)pd;
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: Search(rows, length, count, after, ps, pv, result); break;
                case DType.Int8: Search(rows, length, count, after, (sbyte*)ps, (sbyte*)pv, result); break;
                case DType.Int16: Search(rows, length, count, after, (short*)ps, (short*)pv, result); break;
                case DType.Int32: Search(rows, length, count, after, (int*)ps, (int*)pv, result); break;
                case DType.Int64: Search(rows, length, count, after, (long*)ps, (long*)pv, result); break;
                case DType.Float32: Search(rows, length, count, after, (float*)ps, (float*)pv, result); break;
                default: Search(rows, length, count, after, (double*)ps, (double*)pv, result); break;
            }
        }
    }

    /// <summary>
    /// Numbers the groups of equal elements (all NaN are one) of a line that has been put in order: where each begins, and, by
    /// the positions that gave the order, the group of each element as they stood before. Returns the number of groups.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length.</exception>
    public static int Groups(
        DType dtype, ReadOnlySpan<byte> ordered, ReadOnlySpan<long> order, Span<long> groups, Span<long> starts)
    {
        DTypes.CheckComputed(dtype);
        Check(ordered.Length, order.Length, dtype.Size());
        if (groups.Length != order.Length || starts.Length != order.Length)
            throw new ArgumentException($"There is room for {groups.Length} groups and {starts.Length} starts of {order.Length} elements.");
        fixed (byte* x = ordered)
        {
            return dtype switch
            {
                DType.Bool or DType.UInt8 => Groups(x, order, groups, starts),
                DType.Int8 => Groups((sbyte*)x, order, groups, starts),
                DType.Int16 => Groups((short*)x, order, groups, starts),
                DType.Int32 => Groups((int*)x, order, groups, starts),
                DType.Int64 => Groups((long*)x, order, groups, starts),
                DType.Float32 => Groups((float*)x, order, groups, starts),
                _ => Groups((double*)x, order, groups, starts),
            };
        }
    }

    private static int Groups<T>(T* ordered, ReadOnlySpan<long> order, Span<long> groups, Span<long> starts)
        where T : unmanaged, INumber<T>
    {
        int count = 0;
        for (int i = 0; i < order.Length; i++)
        {
            if (i == 0 || (ordered[i] != ordered[i - 1] && !(T.IsNaN(ordered[i]) && T.IsNaN(ordered[i - 1]))))
                starts[count++] = i;
            groups[(int)order[i]] = count - 1;
        }

        return count;
    }

    /// <summary>An element to sort: its key, and where it stood.</summary>
    private struct Entry : IComparable<Entry>
    {
        internal ulong Key;
        internal int Position;

        public readonly int CompareTo(Entry other) =>
            Key < other.Key ? -1 : Key > other.Key ? 1 : Position.CompareTo(other.Position);
    }

    private static void ArgSort<T>(int outer, int length, int inner, bool descending, T* x, long* destination)
        where T : unmanaged, INumber<T> =>
        Workers.ForUnits((long)outer * inner, Math.Max(1, ElementsPerFork / Math.Max(1, length)), (from, to) =>
        {
            Entry[] entries = new Entry[length], spare = new Entry[length];
            for (long line = from; line < to; line++)
            {
                long start = line / inner * length * inner + line % inner;
                for (int j = 0; j < length; j++)
                {
                    T value = x[start + (long)j * inner];
                    ulong key = descending && !T.IsNaN(value) ? ~SortKey(value) : SortKey(value);
                    entries[j] = new() { Key = key, Position = j };
                }

                Span<Entry> sorted = entries;
                if (length < LeastForDigits) sorted.Sort();
                else sorted = RadixSort<T>(sorted, spare);
                for (int j = 0; j < length; j++) destination[start + (long)j * inner] = sorted[j].Position;
            }
        });

    /// <summary>Sorts by one byte of the keys after another, the lowest first, which is stable and compares nothing; bytes that
    /// all keys share are left out.</summary>
    private static Span<Entry> RadixSort<T>(Span<Entry> entries, Span<Entry> spare)
        where T : unmanaged
    {
        const int Digits = 256;
        Span<int> starts = stackalloc int[Digits];
        ulong differing = 0;
        foreach (ref readonly Entry entry in entries) differing |= entry.Key ^ entries[0].Key;
        for (int shift = 0; shift < 8 * sizeof(T); shift += 8)
        {
            if ((byte)(differing >> shift) == 0) continue;
            starts.Clear();
            foreach (ref readonly Entry entry in entries) starts[(byte)(entry.Key >> shift)]++;
            int sum = 0;
            foreach (ref int start in starts) (start, sum) = (sum, sum + start);
            foreach (ref readonly Entry entry in entries) spare[starts[(byte)(entry.Key >> shift)]++] = entry;
            Span<Entry> sorted = spare;
            spare = entries;
            entries = sorted;
        }

        return entries;
    }

    private static void Search<T>(int rows, int length, int count, bool after, T* sorted, T* values, long* destination)
        where T : unmanaged, INumber<T> =>
        Workers.ForRange((long)rows * count, ElementsPerFork, (from, to) =>
        {
            while (from < to)
            {
                long r = from / count, end = Math.Min(to, (r + 1) * count);
                T* row = sorted + r * length;
                for (; from < end; from++) destination[from] = Place(row, length, values[from], after);
            }
        });

    /// <summary>Half of what is left is skipped or not, without a jump that could be predicted wrongly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Place<T>(T* row, int length, T value, bool after)
        where T : unmanaged, INumber<T>
    {
        T* low = row;
        int rest = length;
        while (rest > 1)
        {
            int half = rest >> 1;
            low += IsBefore(low[half - 1], value, after) ? half : 0;
            rest -= half;
        }

        return low - row + (rest == 1 && IsBefore(*low, value, after) ? 1 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsBefore<T>(T element, T value, bool after)
        where T : unmanaged, INumber<T> => after ? !IsLess(value, element) : IsLess(element, value);

    /// <summary>Whether a number comes before another: NaN before none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsLess<T>(T x, T y)
        where T : unmanaged, INumber<T> => x < y | (T.IsNaN(y) & !T.IsNaN(x));

    /// <summary>A number in the order of the elements; of floats, the greatest is NaN's alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Key<T>(T value)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float) || typeof(T) == typeof(double))
        {
            if (T.IsNaN(value)) return ulong.MaxValue;

            // Adding zero makes -0 a +0. Negative numbers have their bits in the opposite order.
            long bits = BitConverter.DoubleToInt64Bits(double.CreateTruncating(value) + 0.0);
            return (ulong)(bits < 0 ? ~bits : bits ^ long.MinValue);
        }

        return (ulong)(long.CreateTruncating(value) ^ long.MinValue);
    }

    /// <summary>The same order in as many of the lower bytes as the type has. The complement of a key that is not NaN's is in the
    /// opposite order, and below NaN's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong SortKey<T>(T value)
        where T : unmanaged, INumber<T>
    {
        if (sizeof(T) == sizeof(long)) return Key(value);
        if (typeof(T) == typeof(float))
        {
            if (T.IsNaN(value)) return ulong.MaxValue;
            int bits = BitConverter.SingleToInt32Bits(float.CreateTruncating(value) + 0f);
            return (uint)(bits < 0 ? ~bits : bits ^ int.MinValue);
        }

        // The least number of a signed type becomes 0.
        bool isSigned = unchecked(T.Zero - T.One) < T.Zero;
        return (ulong)(long.CreateTruncating(value) + (isSigned ? 1L << (8 * sizeof(T) - 1) : 0));
    }

    private static void Check(int bytes, long count, int elementSize)
    {
        if (bytes != count * elementSize)
            throw new ArgumentException($"A span has {bytes} bytes, not {count} elements of {elementSize} bytes.");
    }
}
