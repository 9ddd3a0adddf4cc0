using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Memory that a thread keeps from one product to the next, aligned to cache lines.</summary>
internal sealed unsafe class Scratch
{
    private const nuint Alignment = 64;

    [ThreadStatic]
    private static Scratch? current;

    private void* memory;
    private nint size;

    ~Scratch() => NativeMemory.AlignedFree(memory);

    /// <summary>At least <paramref name="bytes"/> bytes, the thread's own until it asks again.</summary>
    public static void* Take(nint bytes)
    {
        Scratch scratch = current ??= new Scratch();
        if (scratch.size < bytes) scratch.Grow(bytes);
        return scratch.memory;
    }

    private void Grow(nint bytes)
    {
        NativeMemory.AlignedFree(memory);
        memory = null;
        size = 0;
        memory = NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        size = bytes;
    }
}
