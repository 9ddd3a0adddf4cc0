using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Native memory that a thread keeps from one convolution to the next; it grows to the largest need.</summary>
internal sealed unsafe class ConvolutionScratch
{
    [ThreadStatic]
    private static ConvolutionScratch? tables, task;

    private byte* memory;
    private nuint size;

    ~ConvolutionScratch() => NativeMemory.AlignedFree(memory);

    /// <summary>Memory for what a call computes once, on the calling thread.</summary>
    internal static byte* Tables(long bytes) => (tables ??= new()).Rent(bytes);

    /// <summary>Memory for one task of a call, on the thread that runs it.</summary>
    internal static byte* Task(long bytes) => (task ??= new()).Rent(bytes);

    private byte* Rent(long bytes)
    {
        if ((nuint)bytes > size)
        {
            NativeMemory.AlignedFree(memory);
            memory = null;
            size = 0;
            nuint wanted = (nuint)bytes + (nuint)bytes / 4 + 4096;
            memory = (byte*)NativeMemory.AlignedAlloc(wanted, 64);
            size = wanted;
        }

        return memory;
    }
}
