using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>An operand written out so that it goes on along some inner dimensions as one row, or a total kept so: rows of few
/// elements would cost more for each row than for its elements.</summary>
/// <param name="Operand">The operand or total.</param>
/// <param name="Sizes">The dimensions that it is written out over, innermost first, at least two.</param>
/// <param name="Steps">The operand's own steps along them, in elements.</param>
internal sealed record FusedExpansion(int Operand, long[] Sizes, long[] Steps)
{
    /// <summary>The number of elements written out.</summary>
    internal long Count { get; } = Sizes.Aggregate(1L, (count, size) => count * size);

    /// <summary>The number of elements that a total is folded to.</summary>
    internal long Folded { get; } = Sizes.Zip(Steps).Where(d => d.Second != 0).Aggregate(1L, (count, d) => count * d.First);

    /// <summary>The bytes that writing it out touches: a row ends in a whole vector.</summary>
    internal long Bytes(int size) => (Count * size + Vector<byte>.Count + 63) & ~63L;

    /// <summary>Writes out the elements.</summary>
    internal unsafe void Write(int size, nint source, nint target)
    {
        switch (size)
        {
            case 1: Write(Sizes.Length - 1, (byte*)source, (byte*)target); break;
            case 4: Write(Sizes.Length - 1, (float*)source, (float*)target); break;
            default: Write(Sizes.Length - 1, (double*)source, (double*)target); break;
        }
    }

    /// <summary>Combines the elements of a total that belong together, in place: those along dimensions where it stays.</summary>
    internal unsafe void Fold<A, TOp>(A* totals)
        where A : unmanaged, INumber<A>
        where TOp : struct, IReducer<A>
    {
        long inner = 1, outer = Count;
        for (int d = 0; d < Sizes.Length; d++)
        {
            long size = Sizes[d];
            outer /= size;
            if (Steps[d] != 0)
            {
                inner *= size;
                continue;
            }

            A* from = totals, to = totals;
            for (long o = 0; o < outer; o++, from += size * inner)
            {
                for (long i = 0; i < inner; i++)
                {
                    A total = from[i];
                    for (long along = 1; along < size; along++) total = TOp.Combine(total, from[along * inner + i]);
                    *to++ = total;
                }
            }
        }
    }

    private unsafe T* Write<T>(int dimension, T* source, T* target)
        where T : unmanaged
    {
        long size = Sizes[dimension], step = Steps[dimension];
        if (dimension > 1)
        {
            for (long i = 0; i < size; i++) target = Write(dimension - 1, source + i * step, target);
            return target;
        }

        long width = Sizes[0];
        if (Steps[0] == 0)
        {
            // What is beyond the row's end, the next row is written over.
            for (long row = 0; row < size; row++, source += step, target += width)
            {
                var all = new Vector<T>(*source);
                for (long i = 0; i < width; i += Vector<T>.Count) all.Store(target + i);
            }
        }
        else
        {
            for (long row = 0; row < size; row++, source += step, target += width)
                new ReadOnlySpan<T>(source, (int)width).CopyTo(new Span<T>(target, (int)width));
        }

        return target;
    }
}
