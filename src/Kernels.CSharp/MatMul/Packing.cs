using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>
/// Packs parts of matrices into panels: a panel holds, for each index along the sums, the elements of a few rows of A
/// (or columns of B) side by side, so that the kernel reads memory in order.
/// </summary>
internal static unsafe class Packing
{
    // How many steps along the lines copies fetch ahead: the steps may be far apart, where the machine foresees none.
    private const int LinesAhead = 16;

    /// <summary>
    /// Packs <paramref name="count"/> lines of <paramref name="length"/> elements into one panel, of
    /// <paramref name="panel"/> elements for each index, zeros after the last line.
    /// </summary>
    /// <param name="source">The first element of the first line.</param>
    /// <param name="across">The stride from a line to the next.</param>
    /// <param name="along">The stride from an element of a line to the next.</param>
    /// <param name="count">The lines, at most <paramref name="panel"/>.</param>
    /// <param name="length">The elements of a line.</param>
    /// <param name="panel">The stride of the target from an index to the next.</param>
    /// <param name="target">The panel.</param>
    /// <param name="width">The vector width; 0 for scalar code.</param>
    public static void Pack<T>(
        T* source, nint across, nint along, nint count, nint length, nint panel, T* target, int width)
        where T : unmanaged
    {
        if (count != panel) NativeMemory.Clear(target, (nuint)(length * panel * sizeof(T)));
        if (across == 1) Copy(source, along, count, length, panel, target);
        else if (along == 1 && width != 0) Transpose(source, across, count, length, panel, target);
        else Gather(source, across, along, count, length, panel, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(void* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }

    private static bool Interleaves => Sse2.IsSupported || AdvSimd.Arm64.IsSupported;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Copy<T>(T* source, nint along, nint count, nint length, nint panel, T* target)
        where T : unmanaged
    {
        nint bytes = count * sizeof(T);
        nint ahead = LinesAhead * along * sizeof(T);
        if (bytes < Vector128<byte>.Count || !Vector128.IsHardwareAccelerated)
        {
            Gather(source, 1, along, count, length, panel, target);
        }
        else if (bytes >= 64 && Vector512.IsHardwareAccelerated)
        {
            for (; length > 0; length--, source += along, target += panel)
            {
                byte* from = (byte*)source, to = (byte*)target;
                for (nint i = 0; i <= bytes - 64; i += 64)
                {
                    Prefetch(from + i + ahead);
                    Vector512.Load(from + i).Store(to + i);
                }

                if ((bytes & 63) != 0) Vector512.Load(from + bytes - 64).Store(to + bytes - 64);
            }
        }
        else
        {
            for (; length > 0; length--, source += along, target += panel)
            {
                byte* from = (byte*)source, to = (byte*)target;
                Prefetch(from + ahead);
                for (nint i = 0; i <= bytes - 16; i += 16) Vector128.Load(from + i).Store(to + i);
                if ((bytes & 15) != 0) Vector128.Load(from + bytes - 16).Store(to + bytes - 16);
            }
        }
    }

    /// <summary>Lines of adjacent elements, transposed in squares of one 128-bit vector's elements a side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose<T>(T* source, nint across, nint count, nint length, nint panel, T* target)
        where T : unmanaged
    {
        if (!Interleaves)
        {
            Gather(source, across, 1, count, length, panel, target);
            return;
        }

        // A stretch of a cache line or two at a time, so that each line of the source is read once even when lines
        // of the cache collide.
        const int stretch = 32;
        nint side = Vector128<T>.Count;
        nint square = count - count % side;
        for (nint start = 0; start < length; start += stretch)
        {
            nint end = Math.Min(length, start + stretch);
            nint last = end - (end - start) % side;
            for (nint i = 0; i < square; i += side)
            {
                T* from = source + i * across;
                for (nint p = start + stretch; p < start + 2 * stretch; p += 64 / sizeof(T))
                {
                    Prefetch(from + p);
                    Prefetch(from + across + p);
                    Prefetch(from + (side - 2) * across + p);
                    Prefetch(from + (side - 1) * across + p);
                }

                for (nint p = start; p < last; p += side) Square(from + p, across, target + p * panel + i, panel);
            }

            Gather(source + last, across, 1, square, end - last, panel, target + last * panel);
            Gather(source + square * across + start, across, 1, count - square, end - start, panel,
                target + start * panel + square);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather<T>(T* source, nint across, nint along, nint count, nint length, nint panel, T* target)
        where T : unmanaged
    {
        for (nint i = 0; i < count; i++)
        {
            T* from = source + i * across;
            T* to = target + i;
            for (nint p = 0; p < length; p++, from += along, to += panel) *to = *from;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Square<T>(T* source, nint across, T* target, nint panel)
        where T : unmanaged
    {
        if (sizeof(T) == 8)
        {
            Vector128<T> x = Vector128.Load(source), y = Vector128.Load(source + across);
            Low(x, y).Store(target);
            High(x, y).Store(target + panel);
            return;
        }

        Vector128<T> r0 = Vector128.Load(source), r1 = Vector128.Load(source + across);
        Vector128<T> r2 = Vector128.Load(source + 2 * across), r3 = Vector128.Load(source + 3 * across);
        Vector128<T> even0 = Low(r0, r2), even1 = High(r0, r2), odd0 = Low(r1, r3), odd1 = High(r1, r3);
        Low(even0, odd0).Store(target);
        High(even0, odd0).Store(target + panel);
        Low(even1, odd1).Store(target + 2 * panel);
        High(even1, odd1).Store(target + 3 * panel);
    }

    /// <summary>The lower halves of two vectors, their elements in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> Low<T>(Vector128<T> x, Vector128<T> y)
        where T : unmanaged =>
        sizeof(T) == 8
            ? Sse2.IsSupported
                ? Sse2.UnpackLow(x.AsDouble(), y.AsDouble()).As<double, T>()
                : AdvSimd.Arm64.ZipLow(x.AsDouble(), y.AsDouble()).As<double, T>()
            : Sse2.IsSupported
                ? Sse.UnpackLow(x.AsSingle(), y.AsSingle()).As<float, T>()
                : AdvSimd.Arm64.ZipLow(x.AsSingle(), y.AsSingle()).As<float, T>();

    /// <summary>The upper halves of two vectors, their elements in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> High<T>(Vector128<T> x, Vector128<T> y)
        where T : unmanaged =>
        sizeof(T) == 8
            ? Sse2.IsSupported
                ? Sse2.UnpackHigh(x.AsDouble(), y.AsDouble()).As<double, T>()
                : AdvSimd.Arm64.ZipHigh(x.AsDouble(), y.AsDouble()).As<double, T>()
            : Sse2.IsSupported
                ? Sse.UnpackHigh(x.AsSingle(), y.AsSingle()).As<float, T>()
                : AdvSimd.Arm64.ZipHigh(x.AsSingle(), y.AsSingle()).As<float, T>();
}
