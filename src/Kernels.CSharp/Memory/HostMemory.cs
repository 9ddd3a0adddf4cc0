using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// A block of native memory, aligned to 64 bytes, that goes back to a pool when nothing refers to it any more.
/// </summary>
/// <remarks>
/// Nobody disposes of a block: its finalizer returns it. Because the garbage collector does not see native memory,
/// the pool itself asks for a collection when enough has been handed out since the last one; a young collection of a
/// heap of small objects takes some tens of microseconds, so that a budget of some megabytes costs a training loop
/// about one percent and keeps its memory flat.
/// </remarks>
public sealed unsafe class HostMemory
{
    /// <summary>Bytes handed out between two collections, at least; about half of a large cache.</summary>
    private const long MinimumBudget = 24L << 20;

    /// <summary>Bytes that the pool may keep whatever is in use.</summary>
    private const long MinimumKept = 256L << 20;

    private const int Alignment = 64;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<long, Stack<nint>> Free = [];
    private static long inUse;
    private static long kept;
    private static long handedOut;
    private static long budget = MinimumBudget;
    private static int collecting;

    private readonly long capacity;

    private HostMemory(nint pointer, long length, long capacity)
    {
        Pointer = pointer;
        Length = length;
        this.capacity = capacity;
    }

    /// <summary>Returns the block to the pool.</summary>
    ~HostMemory() => Return(Pointer, capacity);

    /// <summary>The address of the first byte; valid while this object is reachable.</summary>
    public nint Pointer { get; }

    /// <summary>The usable length in bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes in blocks that are in use, or unused but not yet found so by the garbage collector.</summary>
    public static long InUse => Volatile.Read(ref inUse);

    /// <summary>Bytes that the pool holds for the next allocations.</summary>
    public static long Kept => Volatile.Read(ref kept);

    /// <summary>Hands out a block of at least <paramref name="length"/> bytes with any contents.</summary>
    /// <exception cref="OutOfMemoryException">The system has no such memory, even after a full collection.</exception>
    public static HostMemory Allocate(long length)
    {
        long capacity = Capacity(length);
        if (Volatile.Read(ref handedOut) + capacity > Volatile.Read(ref budget)) Collect();
        nint pointer = Take(capacity);
        return new HostMemory(pointer, length, capacity);
    }

    private static nint Take(long capacity)
    {
        lock (Gate)
        {
            handedOut += capacity;
            inUse += capacity;
            if (Free.TryGetValue(capacity, out Stack<nint>? blocks) && blocks.TryPop(out nint pointer))
            {
                kept -= capacity;
                return pointer;
            }
        }

        try
        {
            return (nint)NativeMemory.AlignedAlloc((nuint)capacity, Alignment);
        }
        catch (OutOfMemoryException)
        {
            CollectAll();
            Trim(0);
            return (nint)NativeMemory.AlignedAlloc((nuint)capacity, Alignment);
        }
    }

    private static void Return(nint pointer, long capacity)
    {
        lock (Gate)
        {
            inUse -= capacity;
            if (kept + capacity <= Math.Max(MinimumKept, inUse))
            {
                if (!Free.TryGetValue(capacity, out Stack<nint>? blocks)) Free[capacity] = blocks = new Stack<nint>();
                blocks.Push(pointer);
                kept += capacity;
                return;
            }
        }

        NativeMemory.AlignedFree((void*)pointer);
    }

    /// <summary>Gives unused blocks back to the system until the pool keeps at most <paramref name="bytes"/>.</summary>
    public static void Trim(long bytes)
    {
        lock (Gate)
        {
            foreach ((long capacity, Stack<nint> blocks) in Free)
            {
                while (kept > bytes && blocks.TryPop(out nint pointer))
                {
                    kept -= capacity;
                    NativeMemory.AlignedFree((void*)pointer);
                }
            }
        }
    }

    /// <summary>Blocks come in four sizes to each power of two, so that a training loop finds its own again.</summary>
    private static long Capacity(long length)
    {
        long size = Math.Max(length, 4096);
        long step = 1L << Math.Max(0, 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)size) - 2);
        return (size + step - 1) / step * step;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Collect()
    {
        if (Interlocked.CompareExchange(ref collecting, 1, 0) != 0) return;
        try
        {
            long before = InUse;
            long since = Volatile.Read(ref handedOut);
            GC.Collect(0, GCCollectionMode.Forced, blocking: true);
            GC.WaitForPendingFinalizers();

            // What outlived a young collection and died since is found by a full one.
            if (InUse > before - since / 2) CollectAll();
            lock (Gate)
            {
                handedOut = 0;
                budget = Math.Max(MinimumBudget, inUse / 2);
            }
        }
        finally
        {
            Volatile.Write(ref collecting, 0);
        }
    }

    private static void CollectAll()
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true);
        GC.WaitForPendingFinalizers();
    }
}
