using System.Diagnostics.CodeAnalysis;

namespace Autodiff.Kernels;

/// <summary>Products of matrices.</summary>
public static unsafe class MatMul
{
    /// <summary>
    /// C[s, i, j] = sum over p of A[s, i, p] * B[s, p, j], for each s of the batch. The empty sum is zero. NaN and
    /// infinities spread as in the sum of products: 0 * NaN and 0 * infinity are NaN. Floating-point products are
    /// fused with the addition where the machine can; integers wrap around.
    /// </summary>
    /// <param name="dtype">The type of all elements: float32, float64 or an integer type.</param>
    /// <param name="batch">The number of products.</param>
    /// <param name="m">The rows of A and of C.</param>
    /// <param name="n">The columns of B and of C.</param>
    /// <param name="k">The columns of A and the rows of B.</param>
    /// <param name="a">The elements of A, from index 0 of the view.</param>
    /// <param name="aBatchStride">Elements from a matrix A to the next; 0 to use the same for all.</param>
    /// <param name="aRowStride">Elements from a row of A to the next.</param>
    /// <param name="aColumnStride">Elements from a column of A to the next.</param>
    /// <param name="b">The elements of B, from index 0 of the view.</param>
    /// <param name="bBatchStride">Elements from a matrix B to the next; 0 to use the same for all.</param>
    /// <param name="bRowStride">Elements from a row of B to the next.</param>
    /// <param name="bColumnStride">Elements from a column of B to the next.</param>
    /// <param name="c">The result, contiguous, of shape batch, m, n; it must not overlap A or B.</param>
    /// <exception cref="ArgumentException">A size or stride is negative, or a span has the wrong length.</exception>
    /// <exception cref="NotSupportedException">The type is bool, or one that is computed in another.</exception>
    public static void Multiply(
        DType dtype, int batch, int m, int n, int k,
        ReadOnlySpan<byte> a, long aBatchStride, long aRowStride, long aColumnStride,
        ReadOnlySpan<byte> b, long bBatchStride, long bRowStride, long bColumnStride,
        Span<byte> c) =>
        Multiply(
            Simd.Width, dtype, batch, m, n, k, a, aBatchStride, aRowStride, aColumnStride,
            b, bBatchStride, bRowStride, bColumnStride, c);

    internal static void Multiply(
        int width, DType dtype, int batch, int m, int n, int k,
        ReadOnlySpan<byte> a, long aBatchStride, long aRowStride, long aColumnStride,
        ReadOnlySpan<byte> b, long bBatchStride, long bRowStride, long bColumnStride,
        Span<byte> c)
    {
        if (dtype == DType.Bool || dtype.ComputeType() != dtype) ThrowType(dtype);
        if ((batch | m | n | k) < 0) ThrowNegative("size");
        if ((aBatchStride | aRowStride | aColumnStride | bBatchStride | bRowStride | bColumnStride) < 0)
            ThrowNegative("stride");
        int size = dtype.Size();
        if (c.Length != checked((long)batch * m * n * size)) ThrowLength("c", (long)batch * m * n, c.Length / size);
        if (c.IsEmpty) return;
        if (k == 0)
        {
            c.Clear();
            return;
        }

        Check("a", a.Length / size, (batch - 1) * aBatchStride + (m - 1) * aRowStride + (k - 1) * aColumnStride);
        Check("b", b.Length / size, (batch - 1) * bBatchStride + (k - 1) * bRowStride + (n - 1) * bColumnStride);

        // Matrices that lie below one another, times one B, are one tall matrix.
        if (batch > 1 && bBatchStride == 0 && aBatchStride == m * aRowStride && (long)batch * m <= int.MaxValue)
        {
            m *= batch;
            batch = 1;
        }

        fixed (byte* pa = a, pb = b, pc = c)
        {
            switch (dtype)
            {
                case DType.Float32:
                    Products<float>.Multiply(
                        Operands<float>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride, width);
                    break;
                case DType.Float64:
                    Products<double>.Multiply(
                        Operands<double>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride, width);
                    break;
                case DType.UInt8:
                    IntegerProduct.Multiply(
                        Operands<byte>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride);
                    break;
                case DType.Int8:
                    IntegerProduct.Multiply(
                        Operands<sbyte>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride);
                    break;
                case DType.Int16:
                    IntegerProduct.Multiply(
                        Operands<short>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride);
                    break;
                case DType.Int32:
                    IntegerProduct.Multiply(
                        Operands<int>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride);
                    break;
                default:
                    IntegerProduct.Multiply(
                        Operands<long>(pa, pb, pc), batch, (nint)aBatchStride, (nint)bBatchStride);
                    break;
            }
        }

        Operands<T> Operands<T>(byte* a, byte* b, byte* c)
            where T : unmanaged => new()
            {
                M = m,
                N = n,
                K = k,
                A = (T*)a,
                ARow = (nint)aRowStride,
                AColumn = (nint)aColumnStride,
                B = (T*)b,
                BRow = (nint)bRowStride,
                BColumn = (nint)bColumnStride,
                C = (T*)c,
                CRow = n,
            };
    }

    internal static void Check(string name, int length, long last)
    {
        if (last >= length) ThrowLength(name, last + 1, length);
    }

    [DoesNotReturn]
    internal static void ThrowType(DType dtype) =>
        throw new NotSupportedException($"There is no product of matrices of {dtype.Name()}: convert them first.");

    [DoesNotReturn]
    internal static void ThrowNegative(string what) =>
        throw new ArgumentException($"A {what} of a product of matrices is negative.");

    [DoesNotReturn]
    internal static void ThrowLength(string name, long needed, long length) =>
        throw new ArgumentException($"A product of matrices needs {needed} elements in {name}, which has {length}.");
}
