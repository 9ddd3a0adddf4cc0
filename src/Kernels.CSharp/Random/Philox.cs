using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Philox4x32-10: ten rounds that turn a counter of four words into four random words under a key of two.
/// </summary>
internal static unsafe class Philox
{
    private const ulong FirstMultiplier = 0xD2511F53;
    private const ulong SecondMultiplier = 0xCD9E8D57;
    private const uint FirstKeyStep = 0x9E3779B9;
    private const uint SecondKeyStep = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>
    /// Stores the blocks of the counters (first, stream), (first + 1, stream) and so on; the first number of each is
    /// in the lower two words.
    /// </summary>
    internal static void Fill(int width, ulong key, ulong stream, ulong first, uint* destination, nint blocks)
    {
        nint done = 0;
        switch (width)
        {
            case 512: done = Batches<Vector512<ulong>, PhiloxLanes512>(key, stream, first, destination, blocks); break;
            case 256: done = Batches<Vector256<ulong>, PhiloxLanes256>(key, stream, first, destination, blocks); break;
            case 128: done = Batches<Vector128<ulong>, PhiloxLanes128>(key, stream, first, destination, blocks); break;
        }

        Batches<ulong, PhiloxLanes1>(key, stream, first + (ulong)done, destination + 4 * done, blocks - done);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static nint Batches<V, L>(ulong key, ulong stream, ulong first, uint* destination, nint blocks)
        where V : struct
        where L : struct, IPhiloxLanes<V>
    {
        V firstMultiplier = L.Broadcast(FirstMultiplier), secondMultiplier = L.Broadcast(SecondMultiplier);
        V streamLow = L.Broadcast((uint)stream), streamHigh = L.Broadcast(stream >> 32);
        nint block = 0;
        for (; block <= blocks - L.Count; block += L.Count)
        {
            V a = L.Counters(first + (ulong)block), b = L.High(a), c = streamLow, d = streamHigh;
            uint k = (uint)key, l = (uint)(key >> 32);
            for (int round = 0; round < Rounds; round++)
            {
                V p = L.Multiply(a, firstMultiplier), q = L.Multiply(c, secondMultiplier);
                a = L.Xor(L.High(q), b, L.Broadcast(k));
                b = q;
                c = L.Xor(L.High(p), d, L.Broadcast(l));
                d = p;
                k += FirstKeyStep;
                l += SecondKeyStep;
            }

            L.Store(a, b, c, d, destination + 4 * block);
        }

        return block;
    }
}
