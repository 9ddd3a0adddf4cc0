using System.Diagnostics.CodeAnalysis;

namespace Autodiff.Kernels;

/// <summary>
/// The iteration space of an element-wise call: the dimensions, innermost first, after those of size 1 have been
/// dropped and those that every operand steps through as one have been merged, with the strides of up to three
/// operands. The order of elements is that of a contiguous result.
/// </summary>
internal unsafe struct Layout
{
    internal const int Operands = 3;
    private const int MaxRank = 16;

    internal int Rank;

    /// <summary>The number of elements of the result.</summary>
    internal int Count;

    internal fixed int Sizes[MaxRank];
    private fixed int strides[Operands * MaxRank];

    /// <summary>The layout of a shape and the strides of its operands, where none means contiguous.</summary>
    internal Layout(ReadOnlySpan<int> shape, ReadOnlySpan<int> a, ReadOnlySpan<int> b, ReadOnlySpan<int> c)
    {
        CheckRank(shape, a);
        CheckRank(shape, b);
        CheckRank(shape, c);
        Count = CountOf(shape);
        if (Count == 0) return;
        int inner = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            int size = shape[d];
            if (size == 1) continue;
            Append(size, a.IsEmpty ? inner : a[d], b.IsEmpty ? inner : b[d], c.IsEmpty ? inner : c[d]);
            inner *= size;
        }

        if (Rank == 0) Append(1, 1, 1, 1);
    }

    /// <summary>The number of elements of a tensor.</summary>
    internal static int CountOf(ReadOnlySpan<int> shape)
    {
        long count = 1;
        foreach (int size in shape)
        {
            // A product that overflowed must not come back to the range by later sizes.
            count = (uint)size <= int.MaxValue && count <= int.MaxValue ? count * size : ThrowSize(shape);
        }

        return count <= int.MaxValue ? (int)count : (int)ThrowSize(shape);
    }

    internal readonly int Stride(int operand, int dimension) => strides[operand * MaxRank + dimension];

    /// <summary>The least and the greatest index of an operand's elements, in elements.</summary>
    internal readonly void Reach(int operand, out long least, out long greatest)
    {
        least = greatest = 0;
        for (int d = 0; d < Rank; d++)
        {
            long reach = (long)(Sizes[d] - 1) * Stride(operand, d);
            if (reach < 0) least += reach;
            else greatest += reach;
        }
    }

    /// <summary>The index, in elements, of an operand's element in a row, of all rows, and a column.</summary>
    internal readonly long Offset(int operand, int row, int column)
    {
        long offset = (long)column * Stride(operand, 0);
        for (int d = 1; d < Rank; d++)
        {
            (row, int index) = Math.DivRem(row, Sizes[d]);
            offset += (long)index * Stride(operand, d);
        }

        return offset;
    }

    private void Append(int size, int a, int b, int c)
    {
        if (Rank > 0)
        {
            int last = Rank - 1;
            long span = Sizes[last];
            if (a == Stride(0, last) * span && b == Stride(1, last) * span && c == Stride(2, last) * span)
            {
                Sizes[last] *= size;
                return;
            }
        }

        if (Rank == MaxRank) ThrowRank();
        Sizes[Rank] = size;
        strides[Rank] = a;
        strides[MaxRank + Rank] = b;
        strides[2 * MaxRank + Rank] = c;
        Rank++;
    }

    private static void CheckRank(ReadOnlySpan<int> shape, ReadOnlySpan<int> strides)
    {
        if (!strides.IsEmpty && strides.Length != shape.Length) ThrowStrides(shape.Length, strides.Length);
    }

    /// <summary>0 for a shape without elements, whose other sizes may be of any product.</summary>
    private static long ThrowSize(ReadOnlySpan<int> shape)
    {
        foreach (int size in shape)
        {
            if (size < 0) throw new ArgumentException("A size is negative.");
        }

        if (shape.Contains(0)) return 0;
        throw new ArgumentException("The shape has more than 2^31 - 1 elements.");
    }

    [DoesNotReturn]
    private static void ThrowStrides(int dimensions, int strides) =>
        throw new ArgumentException($"There are {strides} strides for {dimensions} dimensions.");

    [DoesNotReturn]
    private static void ThrowRank() =>
        throw new NotSupportedException($"The operands' strides leave more than {MaxRank} separate dimensions.");
}
