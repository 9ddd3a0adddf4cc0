using System.Diagnostics.CodeAnalysis;

namespace Autodiff.Kernels;

/// <summary>
/// The iteration space of an element-wise call: the dimensions, innermost first, after those of size 1 have been
/// dropped and those that every operand steps through as one have been merged, with the strides of up to three
/// operands. The result is contiguous.
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
        bool none = false;
        foreach (int size in shape)
        {
            if (size < 0) ThrowNegativeSize();
            none |= size == 0;
            if (!none && (count *= size) > int.MaxValue) ThrowTooLarge();
        }

        return none ? 0 : (int)count;
    }

    internal int Stride(int operand, int dimension) => strides[operand * MaxRank + dimension];

    /// <summary>Whether all operands are contiguous.</summary>
    internal bool IsContiguous =>
        Rank == 1 && Stride(0, 0) == 1 && Stride(1, 0) == 1 && Stride(2, 0) == 1;

    /// <summary>The number of elements that a span needs for an operand, from index 0 to the farthest touched.</summary>
    internal long Extent(int operand)
    {
        if (Count == 0) return 0;
        long last = 0;
        for (int d = 0; d < Rank; d++) last += (long)(Sizes[d] - 1) * Stride(operand, d);
        return last + 1;
    }

    /// <summary>The index, in elements, of the operand's part that begins at the row.</summary>
    internal long RowOffset(int operand, int row)
    {
        long offset = 0;
        for (int d = 1; d < Rank; d++)
        {
            (row, int index) = Math.DivRem(row, Sizes[d]);
            offset += (long)index * Stride(operand, d);
        }

        return offset;
    }

    private void Append(int size, int a, int b, int c)
    {
        if ((a | b | c) < 0) ThrowNegativeStride();
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
        if (!strides.IsEmpty && strides.Length != shape.Length)
            throw new ArgumentException($"There are {strides.Length} strides for {shape.Length} dimensions.");
    }

    [DoesNotReturn]
    private static void ThrowNegativeSize() => throw new ArgumentException("A size is negative.");

    [DoesNotReturn]
    private static void ThrowTooLarge() => throw new ArgumentException("The shape has more than 2^31 - 1 elements.");

    [DoesNotReturn]
    private static void ThrowNegativeStride() => throw new ArgumentException("A stride is negative.");

    [DoesNotReturn]
    private static void ThrowRank() =>
        throw new NotSupportedException($"The operands' strides leave more than {MaxRank} separate dimensions.");
}
