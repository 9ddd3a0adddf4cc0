using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// The elements of some ranks along one axis, in the order of <see cref="Sorting"/>, without sorting the others. Tensors are
/// contiguous and seen as outer x length x inner.
/// </summary>
public static unsafe class Selection
{
    private const long ElementsPerFork = 1 << 13;

    // Fewer elements are sorted.
    private const int LeastForDigits = 48;

    // The number of bits that are counted at once, and the lines for which more are worth their room.
    private const int ShortDigit = 8;
    private const int LongDigit = 11;
    private const int LeastForLongDigits = 1 << 13;

    /// <summary>
    /// The int64 positions of the first k elements of each line in ascending or descending order, outer x k x inner.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length, or the lines are shorter than k.</exception>
    public static void First(
        DType dtype, int outer, int length, int inner, int k, bool descending, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        DTypes.CheckComputed(dtype);
        Check(x.Length, (long)outer * length * inner, dtype.Size());
        Check(destination.Length, (long)outer * k * inner, sizeof(long));
        if (k > length) throw new ArgumentException($"Lines of {length} elements have no first {k}.");
        if (destination.IsEmpty) return;
        fixed (byte* px = x, pd = destination)
        {
            long* result = (long*)pd;
            switch (dtype)
            {
                case DType.Bool or DType.UInt8: First(outer, length, inner, k, descending, px, result); break;
                case DType.Int8: First(outer, length, inner, k, descending, (sbyte*)px, result); break;
                case DType.Int16: First(outer, length, inner, k, descending, (short*)px, result); break;
                case DType.Int32: First(outer, length, inner, k, descending, (int*)px, result); break;
                case DType.Int64: First(outer, length, inner, k, descending, (long*)px, result); break;
                case DType.Float32: First(outer, length, inner, k, descending, (float*)px, result); break;
                default: First(outer, length, inner, k, descending, (double*)px, result); break;
            }
        }
    }

    private static void First<T>(int outer, int length, int inner, int k, bool descending, T* x, long* destination)
        where T : unmanaged, INumber<T> =>
        Workers.ForUnits((long)outer * inner, Math.Max(1, ElementsPerFork / length), (from, to) =>
        {
            ulong[] keys = new ulong[k];
            int[] positions = new int[k];
            for (long line = from; line < to; line++)
            {
                T* source = x + (line / inner * length * inner + line % inner);
                long* target = destination + (line / inner * k * inner + line % inner);
                FirstOf(source, length, inner, descending, keys, positions);
                for (int j = 0; j < k; j++) target[(long)j * inner] = positions[j];
            }
        });

    /// <summary>Keeps the first elements so far in a heap, the last of them at its top.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FirstOf<T>(T* x, int length, int stride, bool descending, ulong[] keys, int[] positions)
        where T : unmanaged, INumber<T>
    {
        int k = keys.Length;
        for (int j = 0; j < k; j++) (keys[j], positions[j]) = (OrderedKey(x[(long)j * stride], descending), j);
        for (int j = k / 2 - 1; j >= 0; j--) Sink(keys, positions, j, k);
        ulong last = keys[0];
        for (int j = k; j < length; j++)
        {
            // Most vectors hold nothing that comes before the last of these.
            if (stride == 1 && Vector<T>.IsSupported)
            {
                Vector<T> bound = new(x[positions[0]]);
                if (!T.IsNaN(bound[0])) j = Skipped(x, j, length, descending, bound);
                if (j == length) break;
            }

            // Of equal elements the earlier ones stay.
            ulong key = OrderedKey(x[(long)j * stride], descending);
            if (key >= last) continue;
            (keys[0], positions[0]) = (key, j);
            Sink(keys, positions, 0, k);
            last = keys[0];
        }

        for (int j = k - 1; j > 0; j--)
        {
            (keys[0], keys[j]) = (keys[j], keys[0]);
            (positions[0], positions[j]) = (positions[j], positions[0]);
            Sink(keys, positions, 0, j);
        }
    }

    /// <summary>The next position in whose vector an element comes before a bound, or that is too near the end for one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Skipped<T>(T* x, int from, int length, bool descending, Vector<T> bound)
        where T : unmanaged, INumber<T>
    {
        for (; from <= length - Vector<T>.Count; from += Vector<T>.Count)
        {
            Vector<T> v = Vector.Load(x + from);
            if (descending ? Vector.GreaterThanAny(v, bound) : Vector.LessThanAny(v, bound)) break;
        }

        return from;
    }

    private static void Sink(ulong[] keys, int[] positions, int at, int count)
    {
        (ulong key, int position) = (keys[at], positions[at]);
        for (int child; (child = 2 * at + 1) < count; at = child)
        {
            if (child + 1 < count && IsAfter(keys[child + 1], positions[child + 1], keys[child], positions[child])) child++;
            if (!IsAfter(keys[child], positions[child], key, position)) break;
            (keys[at], positions[at]) = (keys[child], positions[child]);
        }

        (keys[at], positions[at]) = (key, position);
    }

    private static bool IsAfter(ulong key, int position, ulong otherKey, int otherPosition) =>
        key > otherKey || (key == otherKey && position > otherPosition);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong OrderedKey<T>(T value, bool descending)
        where T : unmanaged, INumber<T> =>
        descending && !T.IsNaN(value) ? ~Sorting.SortKey(value) : Sorting.SortKey(value);

    /// <summary>
    /// The elements of some ascending ranks, from 0, of each line of float32 or float64: outer x ranks.
    /// </summary>
    /// <exception cref="ArgumentException">A span has the wrong length, a rank is outside the lines, or the type is not a
    /// float type.</exception>
    public static void Ranked(
        DType dtype, int outer, int length, ReadOnlySpan<int> ranks, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        Check(x.Length, (long)outer * length, dtype.Size());
        Check(destination.Length, (long)outer * ranks.Length, dtype.Size());
        foreach (int rank in ranks)
        {
            if ((uint)rank >= (uint)length) throw new ArgumentException($"Lines of {length} elements have no rank {rank}.");
        }

        int[] wanted = ranks.ToArray();
        fixed (byte* px = x, pd = destination)
        {
            if (dtype == DType.Float32) Ranked(outer, length, wanted, (float*)px, (float*)pd);
            else if (dtype == DType.Float64) Ranked(outer, length, wanted, (double*)px, (double*)pd);
            else throw new ArgumentException($"Ranks are of float32 or float64, not {dtype.Name()}.");
        }
    }

    private static void Ranked<T>(int outer, int length, int[] ranks, T* x, T* destination)
        where T : unmanaged, INumber<T> =>
        Workers.ForUnits(outer, Math.Max(1, ElementsPerFork / length), (from, to) =>
        {
            ulong[] keys = new ulong[length], some = length < LeastForDigits ? [] : new ulong[length];
            for (long line = from; line < to; line++)
            {
                T* source = x + line * length, target = destination + line * ranks.Length;
                for (int j = 0; j < length; j++) keys[j] = Sorting.SortKey(source[j]);
                if (length < LeastForDigits)
                {
                    keys.AsSpan().Sort();
                    for (int r = 0; r < ranks.Length; r++) target[r] = Value<T>(keys[ranks[r]]);
                }
                else
                {
                    RankedOf(keys, some, sizeof(T) * 8, ranks, target);
                }
            }
        });

    /// <summary>Counts the leading digits; then only those elements matter that share them with the one that is looked for.</summary>
    private static void RankedOf<T>(ulong[] keys, ulong[] some, int bits, int[] ranks, T* target)
        where T : unmanaged, INumber<T>
    {
        int digitBits = keys.Length < LeastForLongDigits ? ShortDigit : LongDigit;
        ulong mask = (1UL << digitBits) - 1;
        Span<int> counts = stackalloc int[1 << digitBits], counted = stackalloc int[1 << digitBits];
        Count(keys, bits - digitBits, counts);
        for (int r = 0; r < ranks.Length; r++)
        {
            Span<ulong> rest = keys;
            int rank = ranks[r], shift = bits - digitBits;
            Span<int> of = counts;
            while (true)
            {
                int digit = 0;
                for (; rank >= of[digit]; digit++) rank -= of[digit];
                int kept = 0, room = of[digit];
                ulong wanted = (ulong)digit;
                foreach (ulong key in rest)
                {
                    some[kept] = key;
                    kept += (key >> shift & mask) == wanted ? 1 : 0;
                    if (kept == room) break;
                }

                rest = some.AsSpan(0, kept);
                if (shift == 0 || kept < LeastForDigits) break;
                shift = Math.Max(0, shift - digitBits);
                Count(rest, shift, counted);
                of = counted;
            }

            rest.Sort();
            target[r] = Value<T>(rest[rank]);
        }
    }

    private static void Count(ReadOnlySpan<ulong> keys, int shift, Span<int> counts)
    {
        counts.Clear();
        int mask = counts.Length - 1;
        foreach (ulong key in keys) counts[(int)(key >> shift) & mask]++;
    }

    /// <summary>The number with a key; a zero is positive.</summary>
    private static T Value<T>(ulong key)
        where T : unmanaged, INumber<T>
    {
        if (typeof(T) == typeof(float))
        {
            if (key == Sorting.SortKey(float.NaN)) return T.CreateTruncating(float.NaN);
            int bits = (int)key;
            return T.CreateTruncating(BitConverter.Int32BitsToSingle(bits < 0 ? bits ^ int.MinValue : ~bits));
        }

        if (key == Sorting.SortKey(double.NaN)) return T.CreateTruncating(double.NaN);
        long wide = (long)key;
        return T.CreateTruncating(BitConverter.Int64BitsToDouble(wide < 0 ? wide ^ long.MinValue : ~wide));
    }

    private static void Check(int bytes, long count, int elementSize)
    {
        if (bytes != count * elementSize)
            throw new ArgumentException($"A span has {bytes} bytes, not {count} elements of {elementSize} bytes.");
    }
}
