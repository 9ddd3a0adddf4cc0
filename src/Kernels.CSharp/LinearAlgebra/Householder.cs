using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>
/// Reflections H = I - s v v^T, and products of several of them as I - V T V^T with an upper triangular T, so that they are
/// applied by products of matrices. Vectors lie in rows: V^T is stored.
/// </summary>
/// <remarks>
/// G. Golub and C. Van Loan, Matrix Computations (2013), 5.1; R. Schreiber and C. Van Loan, A storage-efficient WY
/// representation for products of Householder transformations (1989).
/// </remarks>
internal static unsafe class Householder
{
    /// <summary>The reflections that are applied at once.</summary>
    internal const int Block = 32;

    /// <summary>
    /// Makes of x the v, whose first element is 1, for which H x is a multiple of the first axis, and returns that multiple.
    /// </summary>
    internal static T Reflect<T>(int n, T* x, out T scale) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T length = Norm(n, x);
        T diagonal = *x > T.Zero ? -length : length;
        T head = *x - diagonal;
        scale = T.Zero;
        if (length != T.Zero)
        {
            scale = -head / diagonal;
            RowOps.Divide(n - 1, head, x + 1);
        }

        *x = T.One;
        return diagonal;
    }

    /// <summary>The transpose of T for <paramref name="count"/> reflections of <paramref name="m"/> elements each.</summary>
    internal static void Triangle<T>(int count, int m, T* v, long row, T* scales, T* t)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        RowOps.Product(count, count, m, v, row, 1, v, 1, row, t, count, subtract: false);
        T* own = stackalloc T[Block];
        for (int j = 0; j < count; j++)
        {
            // Column j of T is -s T (V^T v), of the columns before.
            new Span<T>(own, j).Clear();
            RowOps.SubtractRows(j, j, t + j * count, 1, t, count, own);
            RowOps.Multiply(j, scales[j], own);
            new Span<T>(own, j).CopyTo(new Span<T>(t + j * count, j));
            t[j * count + j] = scales[j];
            new Span<T>(t + j * count + j + 1, count - j - 1).Clear();
        }
    }

    /// <summary>
    /// X -= X V op(T) V^T for <paramref name="n"/> rows X, with T given by its transpose: the reflections in their order, or with the
    /// transpose in the reverse one; with place for two numbers for each row and reflection.
    /// </summary>
    internal static void Apply<T>(
        int n, int m, T* x, long xRow, int count, T* v, long row, T* t, bool transposed, T* work)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T* turned = work + (long)n * count;
        RowOps.Product(n, count, m, x, xRow, 1, v, 1, row, work, count, subtract: false);
        RowOps.Product(
            n, count, count, work, count, 1, t, transposed ? count : 1, transposed ? 1 : count, turned, count, subtract: false);
        RowOps.SubtractProduct(n, m, count, turned, count, 1, v, row, x, xRow);
    }

    /// <summary>
    /// The first <paramref name="n"/> columns, of <paramref name="m"/> elements and in the rows of <paramref name="q"/>, of the
    /// product of reflections, of which number j is 0 before element j + <paramref name="shift"/>. <paramref name="t"/> holds the
    /// transposed T of each <see cref="Block"/> of reflections, one after the other; the place for work has
    /// 2 <paramref name="n"/> <see cref="Block"/> numbers.
    /// </summary>
    internal static void Columns<T>(int n, int m, int count, int shift, T* v, long vRow, T* t, T* q, long row, T* work)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Identity(n, q, row);
        for (int start = (count - 1) / Block * Block; start >= 0; start -= Block)
        {
            int size = Math.Min(Block, count - start), from = start + shift;
            Apply(
                n - from, m - from, q + from * (row + 1), row, size, v + start * vRow + from, vRow, t + (long)start * Block,
                true, work);
        }
    }

    /// <summary>
    /// The same for as many reflections as columns, one by one: for few of them products of matrices take longer. Rows have zeros to
    /// the end of the line after their own.
    /// </summary>
    internal static void FewColumns<T>(int n, int m, T* v, T* scales, T* q, int row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        Identity(n, q, row);
        for (int j = n - 1; j >= 0; j--)
        {
            T* own = v + (long)j * (row + 1);
            int length = RowOps.Whole<T>(m - j);
            for (T* column = q + (long)j * (row + 1); column < q + (long)n * row; column += row)
                RowOps.Add(length, -scales[j] * RowOps.Dot(length, own, column), own, column);
        }
    }

    private static void Identity<T>(int n, T* q, long row) where T : unmanaged, IFloatingPointIeee754<T>
    {
        NativeMemory.Clear(q, (nuint)(n * row * sizeof(T)));
        for (int j = 0; j < n; j++) q[j * (row + 1)] = T.One;
    }

    /// <summary>The length of a vector, scaled so that squares neither overflow nor vanish.</summary>
    internal static T Norm<T>(int n, T* x) where T : unmanaged, IFloatingPointIeee754<T>
    {
        T squares = RowOps.Dot(n, x, x);
        if (squares > T.CreateChecked(1e-30) && squares < T.CreateChecked(1e30)) return T.Sqrt(squares);
        T largest = T.Zero;
        for (int i = 0; i < n; i++) largest = T.Max(largest, T.Abs(x[i]));
        if (largest == T.Zero || !T.IsFinite(largest)) return largest;
        T sum = T.Zero;
        for (int i = 0; i < n; i++) sum += (x[i] / largest) * (x[i] / largest);
        return largest * T.Sqrt(sum);
    }
}
