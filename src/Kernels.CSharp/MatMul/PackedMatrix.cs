using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// A matrix B in the order in which products read it: packed once, it is the right factor of many products, as the
/// constant weights of a network and the matrix of a recurrence are.
/// </summary>
/// <remarks>
/// It pays where <see cref="MatMul"/> would pack B for each product, and A has too few rows to make up for that: from
/// some 24 to a few hundred rows, and a B of more than 256 KiB. A B that is smaller, or of few columns, is read where
/// it lies as fast. Any number of threads may use one at the same time.
/// </remarks>
public sealed unsafe class PackedMatrix
{
    private readonly HostMemory memory;
    private readonly int width;

    private PackedMatrix(DType dtype, int rows, int columns, HostMemory memory, int width)
    {
        DType = dtype;
        Rows = rows;
        Columns = columns;
        this.memory = memory;
        this.width = width;
    }

    /// <summary>The type of the elements.</summary>
    public DType DType { get; }

    /// <summary>The number of rows, k.</summary>
    public int Rows { get; }

    /// <summary>The number of columns, n.</summary>
    public int Columns { get; }

    /// <summary>Packs a k x n matrix of float32 or float64.</summary>
    /// <param name="dtype">The type of the elements.</param>
    /// <param name="k">The rows.</param>
    /// <param name="n">The columns.</param>
    /// <param name="b">The elements, from index 0 of the view.</param>
    /// <param name="rowStride">Elements from a row to the next.</param>
    /// <param name="columnStride">Elements from a column to the next.</param>
    /// <exception cref="ArgumentException">A size or stride is negative, or the span is too short.</exception>
    /// <exception cref="NotSupportedException">The type is neither float32 nor float64.</exception>
    public static PackedMatrix Pack(
        DType dtype, int k, int n, ReadOnlySpan<byte> b, long rowStride, long columnStride) =>
        Pack(Simd.Width, dtype, k, n, b, rowStride, columnStride);

    internal static PackedMatrix Pack(
        int width, DType dtype, int k, int n, ReadOnlySpan<byte> b, long rowStride, long columnStride)
    {
        if (dtype is not (DType.Float32 or DType.Float64)) MatMul.ThrowType(dtype);
        if ((k | n) < 0) MatMul.ThrowNegative("size");
        if ((rowStride | columnStride) < 0) MatMul.ThrowNegative("stride");
        if (k > 0 && n > 0) MatMul.Check("b", b.Length / dtype.Size(), (k - 1) * rowStride + (n - 1) * columnStride);
        return dtype == DType.Float32
            ? Typed<float>(dtype, k, n, b, (nint)rowStride, (nint)columnStride, width)
            : Typed<double>(dtype, k, n, b, (nint)rowStride, (nint)columnStride, width);
    }

    private static PackedMatrix Typed<T>(
        DType dtype, int k, int n, ReadOnlySpan<byte> b, nint rowStride, nint columnStride, int width)
        where T : unmanaged, INumberBase<T>
    {
        HostMemory memory = HostMemory.Allocate(Products<T>.PackedSize(k, n, width) * sizeof(T));
        if (k > 0 && n > 0)
        {
            fixed (byte* pb = b)
            {
                Products<T>.Pack(
                    new() { K = k, N = n, B = (T*)pb, BRow = rowStride, BColumn = columnStride },
                    (T*)memory.Pointer, width);
            }
        }

        return new(dtype, k, n, memory, width);
    }

    /// <summary>
    /// C[i, j] = sum over p of A[i, p] * B[p, j], where B is this matrix. Each element has the bits that
    /// <see cref="MatMul"/> gives it where it packs B too.
    /// </summary>
    /// <param name="m">The rows of A and of C.</param>
    /// <param name="a">The elements of A, from index 0 of the view, of this matrix's type.</param>
    /// <param name="rowStride">Elements from a row of A to the next.</param>
    /// <param name="columnStride">Elements from a column of A to the next.</param>
    /// <param name="c">The result, contiguous, of shape m, n; it must not overlap A.</param>
    /// <exception cref="ArgumentException">A size or stride is negative, or a span has the wrong length.</exception>
    public void Multiply(int m, ReadOnlySpan<byte> a, long rowStride, long columnStride, Span<byte> c)
    {
        if (m < 0) MatMul.ThrowNegative("size");
        if ((rowStride | columnStride) < 0) MatMul.ThrowNegative("stride");
        int size = DType.Size();
        if (c.Length != (long)m * Columns * size) MatMul.ThrowLength("c", (long)m * Columns, c.Length / size);
        if (c.IsEmpty) return;
        if (Rows == 0)
        {
            c.Clear();
            return;
        }

        MatMul.Check("a", a.Length / size, (m - 1) * rowStride + (Rows - 1) * columnStride);
        fixed (byte* pa = a, pc = c)
        {
            if (DType == DType.Float32) Run<float>(m, pa, (nint)rowStride, (nint)columnStride, pc);
            else Run<double>(m, pa, (nint)rowStride, (nint)columnStride, pc);
        }

        GC.KeepAlive(memory);
    }

    private void Run<T>(int m, byte* a, nint rowStride, nint columnStride, byte* c)
        where T : unmanaged, INumberBase<T> =>
        Products<T>.Multiply(
            new Operands<T>
            {
                M = m,
                N = Columns,
                K = Rows,
                A = (T*)a,
                ARow = rowStride,
                AColumn = columnStride,
                C = (T*)c,
                CRow = Columns,
            },
            (T*)memory.Pointer, width);
}
