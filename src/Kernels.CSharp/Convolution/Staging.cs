using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>Copies of parts of planes with zeros where the part reaches outside.</summary>
internal static unsafe class Staging<V, T, Ops>
    where V : unmanaged
    where T : unmanaged
    where Ops : struct, ITileOps<V, T>
{
    /// <summary>
    /// Copies <paramref name="rows"/> by <paramref name="columns"/> elements of a plane, from row
    /// <paramref name="top"/> and column <paramref name="left"/> on, which may lie outside.
    /// </summary>
    /// <param name="plane">The plane.</param>
    /// <param name="end">The end of all planes: nothing is read from there on.</param>
    /// <param name="height">The rows of the plane.</param>
    /// <param name="width">The columns of the plane.</param>
    /// <param name="top">The first row to copy.</param>
    /// <param name="left">The first column to copy.</param>
    /// <param name="rows">The number of rows to copy.</param>
    /// <param name="columns">The number of columns to copy.</param>
    /// <param name="to">The copy, with room for one more vector after it.</param>
    internal static void Stage(
        T* plane, T* end, int height, int width, int top, int left, int rows, int columns, T* to)
    {
        int first = Math.Clamp(-left, 0, columns), last = Math.Clamp(width - left, first, columns);
        for (int r = 0; r < rows; r++, to += columns)
        {
            int row = top + r;
            if (row < 0 || row >= height || first == last)
            {
                new Span<T>(to, columns).Clear();
                continue;
            }

            for (int k = 0; k < first; k++) to[k] = default;
            CopyRun(plane + (long)row * width + left + first, end, to + first, last - first);
            for (int k = last; k < columns; k++) to[k] = default;
        }
    }

    /// <summary>Copies by whole vectors where these end before <paramref name="end"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyRun(T* from, T* end, T* to, int count)
    {
        if (count + Ops.Lanes <= end - from)
        {
            for (int k = 0; k < count; k += Ops.Lanes) Ops.Store(to + k, Ops.Load(from + k));
        }
        else
        {
            new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));
        }
    }

    /// <summary>
    /// to[k * toPitch + r] = from[r * fromPitch + k] for <paramref name="rows"/> rows of <paramref name="columns"/>;
    /// up to the next multiple of the lanes, rows of the result may be filled with copies of the last.
    /// </summary>
    internal static void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch)
    {
        bool wide = typeof(T) == typeof(float) && Ops.Lanes == 16 && Avx512F.IsSupported;
        bool narrow = typeof(T) == typeof(float) && Ops.Lanes >= 4 && Sse.IsSupported;
        int block = wide ? 16 : 4;
        nint* offsets = stackalloc nint[16];
        for (int r = 0; r < rows; r += block, from += block * fromPitch, to += block)
        {
            int height = Math.Min(block, rows - r), k = 0;
            for (int i = 0; i < block; i++) offsets[i] = Math.Min(i, height - 1) * fromPitch;
            if (wide)
            {
                for (; k + 4 <= columns; k += 4)
                    TransposeSixteen((float*)(from + k), offsets, (float*)(to + k * toPitch), toPitch);
            }
            else if (narrow)
            {
                for (; k + 4 <= columns; k += 4)
                    TransposeFour((float*)(from + k), offsets, (float*)(to + k * toPitch), toPitch);
            }

            for (; k < columns; k++)
                for (int i = 0; i < height; i++)
                {
                    to[k * toPitch + i] = from[i * fromPitch + k];
                }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeFour(float* from, nint* offsets, float* to, nint toPitch)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + offsets[1]);
        Vector128<float> c = Vector128.Load(from + offsets[2]), d = Vector128.Load(from + offsets[3]);
        Vector128<float> abLow = Sse.UnpackLow(a, b), abHigh = Sse.UnpackHigh(a, b);
        Vector128<float> cdLow = Sse.UnpackLow(c, d), cdHigh = Sse.UnpackHigh(c, d);
        Sse.MoveLowToHigh(abLow, cdLow).Store(to);
        Sse.MoveHighToLow(cdLow, abLow).Store(to + toPitch);
        Sse.MoveLowToHigh(abHigh, cdHigh).Store(to + 2 * toPitch);
        Sse.MoveHighToLow(cdHigh, abHigh).Store(to + 3 * toPitch);
    }

    /// <summary>Transposes 16 rows by 4: each quarter of the vectors holds a square of four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeSixteen(float* from, nint* offsets, float* to, nint toPitch)
    {
        Vector512<float> a = Quarters(from, offsets), b = Quarters(from, offsets + 1);
        Vector512<float> c = Quarters(from, offsets + 2), d = Quarters(from, offsets + 3);
        Vector512<double> abLow = Avx512F.UnpackLow(a, b).AsDouble(), abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> cdLow = Avx512F.UnpackLow(c, d).AsDouble(), cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        Avx512F.UnpackLow(abLow, cdLow).AsSingle().Store(to);
        Avx512F.UnpackHigh(abLow, cdLow).AsSingle().Store(to + toPitch);
        Avx512F.UnpackLow(abHigh, cdHigh).AsSingle().Store(to + 2 * toPitch);
        Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle().Store(to + 3 * toPitch);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(float* from, nint* offsets)
    {
        Vector256<float> lower = Vector128.Load(from + offsets[0]).ToVector256Unsafe()
            .WithUpper(Vector128.Load(from + offsets[4]));
        Vector256<float> upper = Vector128.Load(from + offsets[8]).ToVector256Unsafe()
            .WithUpper(Vector128.Load(from + offsets[12]));
        return lower.ToVector512Unsafe().WithUpper(upper);
    }
}
