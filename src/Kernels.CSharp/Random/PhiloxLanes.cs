using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Vectors of 64-bit lanes whose lower halves are words; the upper halves may hold anything.</summary>
internal unsafe interface IPhiloxLanes<V>
    where V : struct
{
    static abstract int Count { get; }

    static abstract V Broadcast(ulong value);

    /// <summary>The counters first, first + 1 and so on.</summary>
    static abstract V Counters(ulong first);

    /// <summary>The full products of the lower halves.</summary>
    static abstract V Multiply(V x, V y);

    /// <summary>The upper halves.</summary>
    static abstract V High(V x);

    static abstract V Xor(V x, V y, V z);

    /// <summary>Stores the words a b c d of each lane, lane after lane.</summary>
    static abstract void Store(V a, V b, V c, V d, uint* destination);
}

internal readonly unsafe struct PhiloxLanes512 : IPhiloxLanes<Vector512<ulong>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Broadcast(ulong value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Counters(ulong first) => Vector512.Create(first) + Vector512<ulong>.Indices;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Multiply(Vector512<ulong> x, Vector512<ulong> y) =>
        Avx512F.IsSupported
            ? Avx512F.Multiply(x.AsUInt32(), y.AsUInt32())
            : (x & Vector512.Create(0xFFFFFFFFUL)) * (y & Vector512.Create(0xFFFFFFFFUL));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> High(Vector512<ulong> x) => x >>> 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<ulong> Xor(Vector512<ulong> x, Vector512<ulong> y, Vector512<ulong> z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        Vector512<ulong> a, Vector512<ulong> b, Vector512<ulong> c, Vector512<ulong> d, uint* destination)
    {
        Vector512<ulong> words = Vector512.Create(0xFFFFFFFFUL);
        Vector512<ulong> ab = (a & words) | (b << 32), cd = (c & words) | (d << 32);
        if (Avx512F.IsSupported)
        {
            Vector512<ulong> low = Vector512.Create(0UL, 8, 1, 9, 2, 10, 3, 11);
            Vector512<ulong> high = Vector512.Create(4UL, 12, 5, 13, 6, 14, 7, 15);
            Avx512F.PermuteVar8x64x2(ab, low, cd).Store((ulong*)destination);
            Avx512F.PermuteVar8x64x2(ab, high, cd).Store((ulong*)destination + 8);
            return;
        }

        for (int i = 0; i < 8; i++)
        {
            ((ulong*)destination)[2 * i] = ab[i];
            ((ulong*)destination)[2 * i + 1] = cd[i];
        }
    }
}

internal readonly unsafe struct PhiloxLanes256 : IPhiloxLanes<Vector256<ulong>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Broadcast(ulong value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Counters(ulong first) => Vector256.Create(first) + Vector256<ulong>.Indices;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Multiply(Vector256<ulong> x, Vector256<ulong> y) =>
        Avx2.IsSupported
            ? Avx2.Multiply(x.AsUInt32(), y.AsUInt32())
            : (x & Vector256.Create(0xFFFFFFFFUL)) * (y & Vector256.Create(0xFFFFFFFFUL));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> High(Vector256<ulong> x) => x >>> 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Xor(Vector256<ulong> x, Vector256<ulong> y, Vector256<ulong> z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        Vector256<ulong> a, Vector256<ulong> b, Vector256<ulong> c, Vector256<ulong> d, uint* destination)
    {
        Vector256<ulong> words = Vector256.Create(0xFFFFFFFFUL);
        Vector256<ulong> ab = (a & words) | (b << 32), cd = (c & words) | (d << 32);
        Vector128.Create(ab.GetLower().GetLower(), cd.GetLower().GetLower()).Store((ulong*)destination);
        Vector128.Create(ab.GetLower().GetUpper(), cd.GetLower().GetUpper()).Store((ulong*)destination + 2);
        Vector128.Create(ab.GetUpper().GetLower(), cd.GetUpper().GetLower()).Store((ulong*)destination + 4);
        Vector128.Create(ab.GetUpper().GetUpper(), cd.GetUpper().GetUpper()).Store((ulong*)destination + 6);
    }
}

internal readonly unsafe struct PhiloxLanes128 : IPhiloxLanes<Vector128<ulong>>
{
    public static int Count => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Broadcast(ulong value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Counters(ulong first) => Vector128.Create(first) + Vector128<ulong>.Indices;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Multiply(Vector128<ulong> x, Vector128<ulong> y) =>
        Sse2.IsSupported
            ? Sse2.Multiply(x.AsUInt32(), y.AsUInt32())
            : (x & Vector128.Create(0xFFFFFFFFUL)) * (y & Vector128.Create(0xFFFFFFFFUL));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> High(Vector128<ulong> x) => x >>> 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<ulong> Xor(Vector128<ulong> x, Vector128<ulong> y, Vector128<ulong> z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        Vector128<ulong> a, Vector128<ulong> b, Vector128<ulong> c, Vector128<ulong> d, uint* destination)
    {
        Vector128<ulong> words = Vector128.Create(0xFFFFFFFFUL);
        Vector128<ulong> ab = (a & words) | (b << 32), cd = (c & words) | (d << 32);
        Vector128.Create(ab.GetLower(), cd.GetLower()).Store((ulong*)destination);
        Vector128.Create(ab.GetUpper(), cd.GetUpper()).Store((ulong*)destination + 2);
    }
}

internal readonly unsafe struct PhiloxLanes1 : IPhiloxLanes<ulong>
{
    public static int Count => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Broadcast(ulong value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Counters(ulong first) => first;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Multiply(ulong x, ulong y) => (ulong)(uint)x * (uint)y;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong x) => x >> 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Xor(ulong x, ulong y, ulong z) => x ^ y ^ z;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(ulong a, ulong b, ulong c, ulong d, uint* destination)
    {
        destination[0] = (uint)a;
        destination[1] = (uint)b;
        destination[2] = (uint)c;
        destination[3] = (uint)d;
    }
}
