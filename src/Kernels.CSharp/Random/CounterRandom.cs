using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// Random numbers from a counter: Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
/// as 1, 2, 3" (SC 2011). A number depends only on the key, the stream and its index.
/// </summary>
public static unsafe class CounterRandom
{
    /// <summary>Random words: element i is word i % 4 of the block whose counter is (i / 4, stream).</summary>
    public static void Bits(ulong key, ulong stream, Span<uint> destination)
    {
        for (int i = 0; i < destination.Length; i++) destination[i] = Word(key, stream, (ulong)i);
    }

    /// <summary>Numbers uniform in [0, 1).</summary>
    public static void Uniform(DType dtype, ulong key, ulong stream, Span<byte> destination)
    {
        if (dtype == DType.Float32)
        {
            Span<float> y = MemoryMarshal.Cast<byte, float>(destination);
            for (int i = 0; i < y.Length; i++) y[i] = (Word(key, stream, (ulong)i) >> 8) * (1f / (1 << 24));
        }
        else
        {
            Span<double> y = MemoryMarshal.Cast<byte, double>(destination);
            for (int i = 0; i < y.Length; i++) y[i] = (Long(key, stream, (ulong)i) >> 11) * (1.0 / (1L << 53));
        }
    }

    /// <summary>Standard normal numbers, by the method of Box and Muller.</summary>
    public static void Normal(DType dtype, ulong key, ulong stream, Span<byte> destination)
    {
        if (dtype == DType.Float32)
        {
            Span<float> y = MemoryMarshal.Cast<byte, float>(destination);
            for (int i = 0; i < y.Length; i++)
                y[i] = (float)Pair((Word(key, stream, (ulong)i & ~1ul) + 0.5) / 4294967296.0, Word(key, stream, (ulong)i | 1) / 4294967296.0, i);
        }
        else
        {
            Span<double> y = MemoryMarshal.Cast<byte, double>(destination);
            for (int i = 0; i < y.Length; i++)
                y[i] = Pair((Long(key, stream, (ulong)i & ~1ul) + 0.5) / 18446744073709551616.0, Long(key, stream, (ulong)i | 1) / 18446744073709551616.0, i);
        }

        static double Pair(double u, double v, int i) =>
            Math.Sqrt(-2 * Math.Log(u)) * ((i & 1) == 0 ? Math.Cos(2 * Math.PI * v) : Math.Sin(2 * Math.PI * v));
    }

    /// <summary>Booleans that are true with the given probability.</summary>
    public static void Bernoulli(double probability, ulong key, ulong stream, Span<byte> destination)
    {
        for (int i = 0; i < destination.Length; i++)
            destination[i] = Word(key, stream, (ulong)i) < probability * 4294967296.0 ? (byte)1 : (byte)0;
    }

    /// <summary>Integers uniform in low to high - 1.</summary>
    public static void Integers(
        DType dtype, long low, long high, ulong key, ulong stream, Span<byte> destination)
    {
        if (high <= low) throw new ArgumentException($"There are no integers from {low} to below {high}.");
        ulong range = (ulong)(high - low);
        for (int i = 0; i < destination.Length / dtype.Size(); i++)
        {
            long v = low + (long)Math.BigMul(Long(key, stream, (ulong)i), range, out _);
            if (dtype == DType.Int32) MemoryMarshal.Cast<byte, int>(destination)[i] = (int)v;
            else MemoryMarshal.Cast<byte, long>(destination)[i] = v;
        }
    }

    /// <summary>A random permutation of 0 to <paramref name="n"/> - 1.</summary>
    public static void Permutation(ulong key, ulong stream, Span<byte> destinationInt64, int n)
    {
        Span<long> y = MemoryMarshal.Cast<byte, long>(destinationInt64);
        for (int i = 0; i < n; i++)
        {
            int j = (int)Math.BigMul(Long(key, stream, (ulong)i), (ulong)i + 1, out _);
            y[i] = y[j];
            y[j] = i;
        }
    }

    /// <summary>A new key that depends on a key and a datum, from one block.</summary>
    public static ulong Derive(ulong key, ulong data) => Long(key, ulong.MaxValue, data * 2);

    private static ulong Long(ulong key, ulong stream, ulong i) =>
        Word(key, stream, 2 * i) | (ulong)Word(key, stream, 2 * i + 1) << 32;

    private static uint Word(ulong key, ulong stream, ulong i)
    {
        (uint a, uint b, uint c, uint d) = ((uint)(i / 4), (uint)(i / 4 >> 32), (uint)stream, (uint)(stream >> 32));
        (uint k, uint l) = ((uint)key, (uint)(key >> 32));
        for (int round = 0; round < 10; round++)
        {
            ulong p = 0xD2511F53ul * a, q = 0xCD9E8D57ul * c;
            (a, b, c, d) = ((uint)(q >> 32) ^ b ^ k, (uint)q, (uint)(p >> 32) ^ d ^ l, (uint)p);
            k += 0x9E3779B9;
            l += 0xBB67AE85;
        }

        return (i & 3) switch { 0 => a, 1 => b, 2 => c, _ => d };
    }
}
