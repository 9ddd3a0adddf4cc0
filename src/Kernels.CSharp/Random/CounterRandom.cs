using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// Random numbers from a counter: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
/// as 1, 2, 3" (SC 2011). An element depends only on the key, the stream and its index: not on the length, the
/// number of threads or the vector width. All kinds of numbers draw from the same words, so different draws need
/// different streams or keys. <see cref="Derive"/> has the last stream, 2^64 - 1, to itself.
/// </summary>
public static unsafe class CounterRandom
{
    // In bytes of random words: a whole number of groups, and small enough to stay in the first cache.
    private const int Batch = 1 << 13;
    private const int BytesPerFork = 1 << 16;
    internal const int Group = 128;

    /// <summary>
    /// Random words: element i is word i % 4 of the block whose counter holds i / 4 in the lower two words and the
    /// stream in the upper two.
    /// </summary>
    public static void Bits(ulong key, ulong stream, Span<uint> destination) =>
        Bits(key, stream, destination, Simd.Width);

    /// <summary>
    /// Numbers uniform in [0, 1): float32 from the upper 24 bits of word i, float64 from the upper 53 bits of
    /// words 2 i and 2 i + 1, the second of which is the upper.
    /// </summary>
    /// <exception cref="ArgumentException">The type is not a float type.</exception>
    public static void Uniform(DType dtype, ulong key, ulong stream, Span<byte> destination) =>
        Uniform(dtype, key, stream, destination, Simd.Width);

    /// <summary>
    /// Standard normal numbers, by the method of Box and Muller: of each 32 float32 (16 float64), number j of the
    /// first half is the cosine and number j of the second half the sine of a pair.
    /// </summary>
    /// <exception cref="ArgumentException">The type is not a float type.</exception>
    public static void Normal(DType dtype, ulong key, ulong stream, Span<byte> destination) =>
        Normal(dtype, key, stream, destination, Simd.Width);

    /// <summary>
    /// Booleans that are true with the given probability, to 32 bits: element i is whether word i, as a binary
    /// fraction, is below it.
    /// </summary>
    /// <exception cref="ArgumentException">The probability is not between 0 and 1.</exception>
    public static void Bernoulli(double probability, ulong key, ulong stream, Span<byte> destination)
    {
        if (!(probability >= 0 && probability <= 1))
            throw new ArgumentException($"A probability lies between 0 and 1; {probability} does not.");
        ulong threshold = (ulong)Math.Round(probability * 4294967296.0);
        if (threshold > uint.MaxValue)
        {
            destination.Fill(1);
            return;
        }

        fixed (byte* pinned = destination)
        {
            byte* start = pinned;
            Split(destination.Length, 1, (from, to) => Bernoulli((uint)threshold, key, stream, start, from, to));
        }
    }

    /// <summary>
    /// Integers uniform in low to high - 1, of type int32 or int64: the upper 64 bits of the product of high - low
    /// and words 2 i and 2 i + 1, so that no integer is more than 2^-64 more likely than another.
    /// </summary>
    /// <exception cref="ArgumentException">There are no such integers, or they do not fit the type.</exception>
    public static void Integers(
        DType dtype, long low, long high, ulong key, ulong stream, Span<byte> destination)
    {
        if (dtype is not (DType.Int32 or DType.Int64))
            throw new ArgumentException($"Random integers are int32 or int64, not {dtype.Name()}.");
        if (high <= low) throw new ArgumentException($"There are no integers from {low} to below {high}.");
        if (dtype == DType.Int32 && (low < int.MinValue || high > int.MaxValue + 1L))
            throw new ArgumentException($"Integers from {low} to below {high} do not fit int32.");
        fixed (byte* pinned = destination)
        {
            byte* start = pinned;
            ulong range = (ulong)high - (ulong)low;
            if (dtype == DType.Int32)
            {
                Split(destination.Length / sizeof(int), 8, (from, to) =>
                    Integers((int*)start, low, range, key, stream, from, to));
            }
            else
            {
                Split(destination.Length / sizeof(long), 8, (from, to) =>
                    Integers((long*)start, low, range, key, stream, from, to));
            }
        }
    }

    /// <summary>A random permutation of 0 to <paramref name="n"/> - 1, as int64.</summary>
    /// <exception cref="ArgumentException">The destination does not hold n elements.</exception>
    public static void Permutation(ulong key, ulong stream, Span<byte> destinationInt64, int n)
    {
        if (destinationInt64.Length != (long)n * sizeof(long))
            throw new ArgumentException($"A permutation of {n} does not fill {destinationInt64.Length} bytes.");
        Span<long> order = MemoryMarshal.Cast<byte, long>(destinationInt64);
        ulong* words = stackalloc ulong[Batch / sizeof(ulong)];
        for (int first = 0; first < n; first += Batch / sizeof(ulong))
        {
            int count = Math.Min(Batch / sizeof(ulong), n - first);
            Philox.Fill(Simd.Width, key, stream, (ulong)first / 2, (uint*)words, (count + 1) / 2);
            for (int k = 0; k < count; k++)
            {
                // Element i goes to a random place among the first i + 1; what was there moves to the end.
                int i = first + k, place = (int)Math.BigMul(words[k], (ulong)i + 1, out _);
                order[i] = order[place];
                order[place] = i;
            }
        }
    }

    /// <summary>A key that depends on a key and a datum, such as the number of a draw.</summary>
    public static ulong Derive(ulong key, ulong data)
    {
        ulong* words = stackalloc ulong[2];
        Philox.Fill(0, key, ulong.MaxValue, data, (uint*)words, 1);
        return words[0];
    }

    internal static void Bits(ulong key, ulong stream, Span<uint> destination, int width) =>
        Draw(width, key, stream, MemoryMarshal.AsBytes(destination), null);

    internal static void Uniform(DType dtype, ulong key, ulong stream, Span<byte> destination, int width) =>
        Draw(width, key, stream, destination, dtype switch
        {
            DType.Float32 => width switch
            {
                512 => &Uniforms<V512<float>, float>,
                256 => &Uniforms<V256<float>, float>,
                128 => &Uniforms<V128<float>, float>,
                _ => &Uniforms<V1<float>, float>,
            },
            DType.Float64 => width switch
            {
                512 => &Uniforms<V512<double>, double>,
                256 => &Uniforms<V256<double>, double>,
                128 => &Uniforms<V128<double>, double>,
                _ => &Uniforms<V1<double>, double>,
            },
            _ => throw NotAFloatType(dtype),
        });

    internal static void Normal(DType dtype, ulong key, ulong stream, Span<byte> destination, int width) =>
        Draw(width, key, stream, destination, dtype switch
        {
            DType.Float32 => width switch
            {
                512 => &BoxMuller<V512<float>, float>.Convert,
                256 => &BoxMuller<V256<float>, float>.Convert,
                128 => &BoxMuller<V128<float>, float>.Convert,
                _ => &BoxMuller<V1<float>, float>.Convert,
            },
            DType.Float64 => width switch
            {
                512 => &BoxMuller<V512<double>, double>.Convert,
                256 => &BoxMuller<V256<double>, double>.Convert,
                128 => &BoxMuller<V128<double>, double>.Convert,
                _ => &BoxMuller<V1<double>, double>.Convert,
            },
            _ => throw NotAFloatType(dtype),
        });

    // Fills the destination with words and converts them where they stand, a group at a time.
    private static void Draw(
        int width, ulong key, ulong stream, Span<byte> destination, delegate*<byte*, nint, void> convert)
    {
        fixed (byte* start = destination)
        {
            if (destination.Length < 2 * BytesPerFork)
                Draw(width, key, stream, start, 0, destination.Length, convert);
            else
                Fork(width, key, stream, start, destination.Length, convert);
        }
    }

    private static void Fork(
        int width, ulong key, ulong stream, byte* start, nint length, delegate*<byte*, nint, void> convert) =>
        Workers.For((int)((length + BytesPerFork - 1) / BytesPerFork), i => Draw(
            width, key, stream, start, (nint)i * BytesPerFork, Math.Min(length, (i + (nint)1) * BytesPerFork),
            convert));

    private static void Draw(
        int width, ulong key, ulong stream, byte* start, nint from, nint to, delegate*<byte*, nint, void> convert)
    {
        for (nint at = from; at < to; at += Batch)
        {
            nint bytes = Math.Min(Batch, to - at), whole = bytes & -Group;
            Philox.Fill(width, key, stream, (ulong)at / 16, (uint*)(start + at), whole / 16);
            if (convert != null) convert(start + at, whole);
            if (whole != bytes) DrawLast(width, key, stream, start + at + whole, at + whole, bytes - whole, convert);
        }
    }

    private static void DrawLast(
        int width, ulong key, ulong stream, byte* destination, nint at, nint bytes,
        delegate*<byte*, nint, void> convert)
    {
        byte* group = stackalloc byte[Group];
        Philox.Fill(width, key, stream, (ulong)at / 16, (uint*)group, Group / 16);
        if (convert != null) convert(group, Group);
        Unsafe.CopyBlockUnaligned(destination, group, (uint)bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Uniforms<V, T>(byte* words, nint bytes)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>
    {
        T* x = (T*)words;
        V unit = V.Constant(sizeof(T) == 4 ? 1.0 / (1L << 24) : 1.0 / (1L << 53));
        for (nint i = 0; i < bytes / sizeof(T); i += V.Count)
            (V.FromIntegers(V.ShiftRight(V.Load(x + i), sizeof(T) == 4 ? 8 : 11)) * unit).Store(x + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Bernoulli(uint threshold, ulong key, ulong stream, byte* destination, long from, long to)
    {
        uint* words = stackalloc uint[Batch / sizeof(uint)];
        Vector<uint> limit = new(threshold), one = Vector<uint>.One;
        for (long first = from; first < to; first += Batch / sizeof(uint))
        {
            int count = (int)Math.Min(Batch / sizeof(uint), to - first), i = 0;
            Philox.Fill(Simd.Width, key, stream, (ulong)first / 4, words, (count + 3) / 4);
            byte* target = destination + first;
            for (int lanes = Vector<uint>.Count; i <= count - 4 * lanes; i += 4 * lanes)
            {
                Vector<ushort> low = Vector.Narrow(Below(words + i), Below(words + i + lanes));
                Vector<ushort> high = Vector.Narrow(Below(words + i + 2 * lanes), Below(words + i + 3 * lanes));
                Vector.Narrow(low, high).Store(target + i);
            }

            for (; i < count; i++) target[i] = words[i] < threshold ? (byte)1 : (byte)0;
        }

        Vector<uint> Below(uint* at) => Vector.LessThan(Vector.Load(at), limit) & one;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Integers<T>(T* destination, long low, ulong range, ulong key, ulong stream, long from, long to)
        where T : unmanaged, IBinaryInteger<T>
    {
        ulong* words = stackalloc ulong[Batch / sizeof(ulong)];
        for (long first = from; first < to; first += Batch / sizeof(ulong))
        {
            int count = (int)Math.Min(Batch / sizeof(ulong), to - first);
            Philox.Fill(Simd.Width, key, stream, (ulong)first / 2, (uint*)words, (count + 1) / 2);
            for (int i = 0; i < count; i++)
                destination[first + i] = T.CreateTruncating(low + (long)Math.BigMul(words[i], range, out _));
        }
    }

    // Ranges begin at multiples of 64 elements, and so at the beginning of a block.
    private static void Split(long count, int wordBytes, Action<long, long> draw) =>
        Workers.ForRange(count, BytesPerFork / wordBytes, draw);

    private static ArgumentException NotAFloatType(DType dtype) =>
        new($"Random numbers of this kind are float32 or float64, not {dtype.Name()}.");
}
