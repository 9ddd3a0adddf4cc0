using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>
/// Means of the elements that a truth value selects along an axis, and their transpose. The tensor is contiguous and seen as
/// outer x axis x inner. A line of which nothing is selected has the mean NaN, and gives NaN back.
/// </summary>
public static unsafe class SelectedMeans
{
    private const int BlockColumns = 256;
    private const long ElementsPerFork = 1 << 16;

    /// <summary>destination[o, i] = the mean of x[o, j, i] over the j with selected[o, j, i].</summary>
    /// <param name="dtype">The type of the elements: float32 or float64.</param>
    /// <param name="outer">The number of elements outside the axis.</param>
    /// <param name="length">The length of the axis.</param>
    /// <param name="inner">The number of elements inside the axis.</param>
    /// <param name="x">The elements.</param>
    /// <param name="selected">A byte for each, not 0 where it is selected.</param>
    /// <param name="destination">The means.</param>
    /// <exception cref="ArgumentException">A span is too short, or the type has no kernel.</exception>
    public static void Mean(
        DType dtype, int outer, int length, int inner, ReadOnlySpan<byte> x, ReadOnlySpan<byte> selected,
        Span<byte> destination) => Run(dtype, false, outer, length, inner, x, selected, destination, Simd.Width);

    /// <summary>
    /// destination[o, j, i] = ct[o, i] divided by the number of selected j where selected[o, j, i], and 0 elsewhere: the
    /// transpose of the mean.
    /// </summary>
    /// <param name="dtype">The type of the elements: float32 or float64.</param>
    /// <param name="outer">The number of elements outside the axis.</param>
    /// <param name="length">The length of the axis.</param>
    /// <param name="inner">The number of elements inside the axis.</param>
    /// <param name="ct">The cotangents of the means.</param>
    /// <param name="selected">A byte for each element, not 0 where it is selected.</param>
    /// <param name="destination">The cotangents of the elements.</param>
    /// <exception cref="ArgumentException">A span is too short, or the type has no kernel.</exception>
    public static void Transpose(
        DType dtype, int outer, int length, int inner, ReadOnlySpan<byte> ct, ReadOnlySpan<byte> selected,
        Span<byte> destination) => Run(dtype, true, outer, length, inner, ct, selected, destination, Simd.Width);

    internal static void Run(
        DType dtype, bool transposed, int outer, int length, int inner, ReadOnlySpan<byte> x,
        ReadOnlySpan<byte> selected, Span<byte> destination, int width)
    {
        long lines = (long)outer * inner, all = lines * length, size = dtype.Size();
        if (dtype != DType.Float32 && dtype != DType.Float64)
            throw new ArgumentException($"The mean of selected elements is not defined for {dtype.Name()}.");
        if (x.Length < (transposed ? lines : all) * size || destination.Length < (transposed ? all : lines) * size || selected.Length < all)
            throw new ArgumentException($"A span is too short for a tensor of {outer} x {length} x {inner} elements.");
        fixed (byte* px = x, ps = selected, pd = destination)
        {
            if (dtype == DType.Float32) Typed(transposed, outer, length, inner, (float*)px, ps, (float*)pd, width);
            else Typed(transposed, outer, length, inner, (double*)px, ps, (double*)pd, width);
        }
    }

    private static void Typed<T>(bool transposed, int outer, int length, int inner, T* x, byte* selected, T* destination, int width)
        where T : unmanaged, INumber<T>
    {
        switch (width)
        {
            case 512: Lines<T, V512<T>>.Run(transposed, outer, length, inner, x, selected, destination); break;
            case 256: Lines<T, V256<T>>.Run(transposed, outer, length, inner, x, selected, destination); break;
            case 128: Lines<T, V128<T>>.Run(transposed, outer, length, inner, x, selected, destination); break;
            default: Lines<T, V1<T>>.Run(transposed, outer, length, inner, x, selected, destination); break;
        }
    }

    private static class Lines<T, V>
        where T : unmanaged, INumber<T>
        where V : unmanaged, IVector<V, T>
    {
        internal static void Run(bool transposed, int outer, int length, int inner, T* x, byte* selected, T* destination)
        {
            // A unit is a row, or a block of columns.
            int blocks = inner == 1 ? 1 : (inner + BlockColumns - 1) / BlockColumns;
            long units = (long)outer * blocks;
            long grain = Math.Max(1, ElementsPerFork / Math.Max(1, (long)length * Math.Min(inner, BlockColumns)));
            if (units < 2 * grain) Range(transposed, blocks, length, inner, x, selected, destination, 0, units);
            else Fork(transposed, blocks, length, inner, x, selected, destination, units, grain);
        }

        private static void Fork(
            bool transposed, int blocks, int length, int inner, T* x, byte* selected, T* destination, long units, long grain) =>
            Workers.ForRange(
                units, grain, (from, to) => Range(transposed, blocks, length, inner, x, selected, destination, from, to));

        private static void Range(
            bool transposed, int blocks, int length, int inner, T* x, byte* selected, T* destination, long from, long to)
        {
            for (long unit = from; unit < to; unit++)
            {
                (long o, long block) = Math.DivRem(unit, blocks);
                nint column = (nint)block * BlockColumns, first = (nint)o * length * inner + column, line = (nint)o * inner + column;
                int columns = (int)Math.Min(BlockColumns, inner - column);
                if (inner == 1 && transposed) SpreadRow(x[line], selected + first, destination + first, length);
                else if (inner == 1) destination[line] = MeanOfRow(x + first, selected + first, length);
                else if (transposed) SpreadColumns(x + line, selected + first, destination + first, length, inner, columns);
                else MeanOfColumns(x + first, selected + first, destination + line, length, inner, columns);
            }
        }

        private static T MeanOfRow(T* x, byte* selected, int length)
        {
            V one = V.Splat(T.One), zero = V.Splat(T.Zero), totals = zero, counts = zero;
            int j = 0;
            for (; j <= length - V.Count; j += V.Count)
            {
                V mask = V.LoadTruth(selected + j);
                totals += V.Select(mask, V.Load(x + j), zero);
                counts += V.Select(mask, one, zero);
            }

            T total = Sum(totals), count = Sum(counts);
            for (; j < length; j++)
            {
                if (selected[j] == 0) continue;
                total += x[j];
                count++;
            }

            return total / count;
        }

        private static void SpreadRow(T ct, byte* selected, T* destination, int length)
        {
            V one = V.Splat(T.One), zero = V.Splat(T.Zero), counts = zero;
            int j = 0;
            for (; j <= length - V.Count; j += V.Count) counts += V.Select(V.LoadTruth(selected + j), one, zero);
            T count = Sum(counts);
            for (; j < length; j++) count += selected[j] == 0 ? T.Zero : T.One;

            T on = ct / count, off = T.Zero / count;
            V ons = V.Splat(on), offs = V.Splat(off);
            for (j = 0; j <= length - V.Count; j += V.Count)
                V.Select(V.LoadTruth(selected + j), ons, offs).Store(destination + j);
            for (; j < length; j++) destination[j] = selected[j] == 0 ? off : on;
        }

        [SkipLocalsInit]
        private static void MeanOfColumns(T* x, byte* selected, T* means, int length, nint stride, int columns)
        {
            T* totals = stackalloc T[BlockColumns];
            T* counts = stackalloc T[BlockColumns];
            new Span<T>(totals, columns).Clear();
            new Span<T>(counts, columns).Clear();
            V one = V.Splat(T.One), zero = V.Splat(T.Zero);
            for (int j = 0; j < length; j++, x += stride, selected += stride)
            {
                int c = 0;
                for (; c <= columns - V.Count; c += V.Count)
                {
                    V mask = V.LoadTruth(selected + c);
                    (V.Load(totals + c) + V.Select(mask, V.Load(x + c), zero)).Store(totals + c);
                    (V.Load(counts + c) + V.Select(mask, one, zero)).Store(counts + c);
                }

                for (; c < columns; c++)
                {
                    if (selected[c] == 0) continue;
                    totals[c] += x[c];
                    counts[c]++;
                }
            }

            for (int c = 0; c < columns; c++) means[c] = totals[c] / counts[c];
        }

        [SkipLocalsInit]
        private static void SpreadColumns(T* ct, byte* selected, T* destination, int length, nint stride, int columns)
        {
            T* on = stackalloc T[BlockColumns];
            T* off = stackalloc T[BlockColumns];
            new Span<T>(off, columns).Clear();
            V one = V.Splat(T.One), zero = V.Splat(T.Zero);
            byte* row = selected;
            for (int j = 0; j < length; j++, row += stride)
            {
                int c = 0;
                for (; c <= columns - V.Count; c += V.Count)
                    (V.Load(off + c) + V.Select(V.LoadTruth(row + c), one, zero)).Store(off + c);
                for (; c < columns; c++) off[c] += row[c] == 0 ? T.Zero : T.One;
            }

            for (int c = 0; c < columns; c++)
            {
                on[c] = ct[c] / off[c];
                off[c] = T.Zero / off[c];
            }

            for (int j = 0; j < length; j++, selected += stride, destination += stride)
            {
                int c = 0;
                for (; c <= columns - V.Count; c += V.Count)
                    V.Select(V.LoadTruth(selected + c), V.Load(on + c), V.Load(off + c)).Store(destination + c);
                for (; c < columns; c++) destination[c] = selected[c] == 0 ? off[c] : on[c];
            }
        }

        private static T Sum(V x)
        {
            T* parts = stackalloc T[V.Count];
            x.Store(parts);
            T sum = T.Zero;
            for (int i = 0; i < V.Count; i++) sum += parts[i];
            return sum;
        }
    }
}
