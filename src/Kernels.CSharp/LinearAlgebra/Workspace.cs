using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Memory for the time of a factorization, aligned to cache lines; its contents are any.</summary>
internal readonly unsafe ref struct Workspace<T>(long length)
    where T : unmanaged
{
    /// <summary>The first element.</summary>
    public T* Pointer { get; } = (T*)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, length) * sizeof(T)), 64);

    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
