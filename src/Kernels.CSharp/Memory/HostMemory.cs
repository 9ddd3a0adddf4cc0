using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// A block of native memory, aligned to 64 bytes, that goes back to a pool when nothing refers to it any more.
/// </summary>
/// <remarks>
/// Nobody disposes of a block. The pool holds a weak handle to each; after a garbage collection it takes back the memory of
/// those that are gone. Because the collector does not see native memory, the pool asks for a collection itself when
/// enough has been handed out since the last one; a young collection of a heap of small objects takes some tens of
/// microseconds, and a few hundred where the caches have forgotten it, which keeps the memory of a training loop flat for a few
/// percent of its time. (Finalizers would do the same with a second thread to wait for.)
///
/// A large block is looked for among those just dropped, which the cache still holds, before others are taken, as long as
/// collections find nearly all that was handed out: a function whose large result is dropped before the next call writes to
/// the same memory each time. Where they do not, as in the forward pass of reverse mode, early collections would make old what
/// dies soon after.
/// </remarks>
public sealed unsafe class HostMemory
{
    /// <summary>Bytes handed out between two collections, at least: a part of what a large cache holds, so that memory is used again while it is there.</summary>
    private const long MinimumBudget = 16L << 20;

    // To write to memory that the cache holds no more takes longer for such a block than a young collection.
    private const long Large = MinimumBudget / 2;

    // Early collections are tried again after so many large blocks at most.
    private const int MostPatience = 4096;

    // The memory that may wait for a full collection, and that the pool keeps, however little is in use.
    private const long Slack = 16 * MinimumBudget;

    private const int Alignment = 64;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<long, Shelf> Free = [];
    private static readonly List<Block> Blocks = [];
    private static long inUse;
    private static long kept;
    private static long handedOut;
    private static long budget = MinimumBudget;
    private static int patience = 1;
    private static int waiting;
    private static long inUseAfterLast;
    private static long inUseAfterFull = MinimumBudget;
    private static int collectionsSeen;
    private static long taken;
    private static bool mayHaveTooMuch;

    private readonly HostMemory? whole;
    private WeakGCHandle<HostMemory> handle;
    private nint pointer;

    private HostMemory(nint pointer, long length, HostMemory? whole = null)
    {
        this.pointer = pointer;
        this.whole = whole;
        Length = length;
    }

    /// <summary>The address of the first byte; valid while this object is reachable.</summary>
    /// <exception cref="InvalidOperationException">Another owner has taken the memory.</exception>
    public nint Pointer => pointer != 0 ? pointer : throw Taken();

    /// <summary>The usable length in bytes.</summary>
    public long Length { get; }

    /// <summary>Bytes in blocks that are in use, or unused but not yet found so.</summary>
    public static long InUse => Volatile.Read(ref inUse);

    /// <summary>Bytes that the pool holds for the next allocations.</summary>
    public static long Kept => Volatile.Read(ref kept);

    /// <summary>Hands out a block of at least <paramref name="length"/> bytes with any contents.</summary>
    /// <exception cref="OutOfMemoryException">The system has no such memory, even after a full collection.</exception>
    public static HostMemory Allocate(long length)
    {
        long capacity = Capacity(length);
        lock (Gate)
        {
            nint pointer = Find(capacity);
            var memory = new HostMemory(pointer, length);
            memory.handle = new WeakGCHandle<HostMemory>(memory);
            Blocks.Add(new Block(memory.handle, pointer, capacity));
            handedOut += capacity;
            inUse += capacity;
            // Only now: what was just found is not given back.
            if (mayHaveTooMuch) Trim(Math.Max(Slack, inUse));
            mayHaveTooMuch = false;
            return memory;
        }
    }

    /// <summary>A part of this block, which lives as long as it.</summary>
    public HostMemory Part(long offset, long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        return new HostMemory(Pointer + (nint)offset, length, this);
    }

    /// <summary>Hands the memory over to a new owner, which is returned: this object has none from then on, and whoever asks
    /// it for its address gets an error. Null if it is a part of a block, or has been handed over.</summary>
    public HostMemory? Take()
    {
        lock (Gate)
        {
            if (whole is not null || pointer == 0) return null;
            var taken = new HostMemory(pointer, Length) { handle = handle };
            handle.SetTarget(taken);
            pointer = 0;
            return taken;
        }
    }

    private static InvalidOperationException Taken() => new(
        "A tensor was used whose memory is no longer its own: it was donated to a compiled function, which wrote its results "
        + "there. Use the results instead, or donate a copy (Tensor.Copy).");

    private static nint Find(long capacity)
    {
        if (capacity >= Large && handedOut + capacity > MinimumBudget && --waiting < 0) CollectEarly();
        if (TryTake(capacity, out nint pointer)) return pointer;

        // A collection that came about by itself may have freed some.
        if (GC.CollectionCount(0) != collectionsSeen)
        {
            TakeBack();
            if (TryTake(capacity, out pointer)) return pointer;
        }

        if (handedOut + capacity > budget)
        {
            Collect();
            if (TryTake(capacity, out pointer)) return pointer;
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

    private static bool TryTake(long capacity, out nint pointer)
    {
        if (Free.TryGetValue(capacity, out Shelf? shelf) && shelf.Blocks.TryPop(out pointer))
        {
            shelf.LastTaken = ++taken;
            kept -= capacity;
            return true;
        }

        pointer = 0;
        return false;
    }

    private static void Collect()
    {
        long before = inUse;
        Workers.Collect(1);
        TakeBack();

        // What outlived two young collections and died since is found by a full one, which is worth its price only when
        // much has gathered: a full one makes all that is alive old, such as the result of the call before, so that the
        // next young one does not find it.
        if (inUse > before - handedOut / 4 && inUse > inUseAfterFull + Math.Max(inUseAfterFull, Slack)) CollectAll();
        handedOut = 0;
        inUseAfterLast = inUse;
        budget = Math.Max(MinimumBudget, inUse);
        mayHaveTooMuch = true;
    }

    private static void CollectEarly()
    {
        long most = inUseAfterLast + handedOut / 8;
        Collect();
        if (inUse > most) patience = Math.Min(4 * patience, MostPatience);
        waiting = inUse > most ? patience : 0;
    }

    private static void CollectAll()
    {
        Workers.Collect(2);
        TakeBack();
        inUseAfterFull = Math.Max(MinimumBudget, inUse);
    }

    /// <summary>Puts the memory of blocks that are gone into the pool.</summary>
    private static void TakeBack()
    {
        collectionsSeen = GC.CollectionCount(0);
        int live = 0;
        Span<Block> blocks = CollectionsMarshal.AsSpan(Blocks);
        foreach (Block block in blocks)
        {
            if (block.Owner.TryGetTarget(out _))
            {
                blocks[live++] = block;
                continue;
            }

            block.Owner.Dispose();
            if (!Free.TryGetValue(block.Capacity, out Shelf? shelf)) Free[block.Capacity] = shelf = new Shelf();
            shelf.Blocks.Push(block.Pointer);
            inUse -= block.Capacity;
            kept += block.Capacity;
        }

        CollectionsMarshal.SetCount(Blocks, live);
    }

    /// <summary>
    /// Gives unused blocks back to the system, first those of the sizes not asked for the longest, until the pool keeps at
    /// most <paramref name="bytes"/>.
    /// </summary>
    public static void Trim(long bytes)
    {
        lock (Gate)
        {
            while (kept > bytes && Oldest() is (long capacity, Shelf shelf))
            {
                while (kept > bytes && shelf.Blocks.TryPop(out nint pointer))
                {
                    kept -= capacity;
                    NativeMemory.AlignedFree((void*)pointer);
                }
            }
        }
    }

    private static (long Capacity, Shelf Shelf)? Oldest()
    {
        (long Capacity, Shelf Shelf)? oldest = null;
        foreach ((long capacity, Shelf shelf) in Free)
        {
            if (shelf.Blocks.Count > 0 && (oldest is not { } known || shelf.LastTaken < known.Shelf.LastTaken)) oldest = (capacity, shelf);
        }

        return oldest;
    }

    /// <summary>Blocks come in four sizes to each power of two, so that a training loop finds its own again.</summary>
    private static long Capacity(long length)
    {
        long size = Math.Max(length, 4096);
        long step = 1L << Math.Max(0, 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)size) - 2);
        return (size + step - 1) / step * step;
    }

    /// <summary>The unused blocks of one size.</summary>
    private sealed class Shelf
    {
        public readonly Stack<nint> Blocks = new();
        public long LastTaken;
    }

    private readonly record struct Block(WeakGCHandle<HostMemory> Owner, nint Pointer, long Capacity);
}
