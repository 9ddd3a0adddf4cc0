using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>
/// Softmax and log-softmax over the rows of a contiguous matrix of float32 or float64, and the products of their
/// transposed derivatives with a cotangent. Sources may be the destination itself.
/// </summary>
public static unsafe class Softmax
{
    private const int ElementsPerFork = 1 << 13;

    /// <summary>
    /// exp(x - max) / sum of exp(x - max) in each row. A row of which all are -infinity, or that holds NaN or
    /// +infinity, is NaN.
    /// </summary>
    /// <exception cref="ArgumentException">The type is not a float type, or the lengths do not fit.</exception>
    public static void Forward(DType dtype, int rows, int columns, ReadOnlySpan<byte> x, Span<byte> destination) =>
        Run<SoftmaxRow>(dtype, rows, columns, x, x, destination, Simd.Width);

    /// <summary>
    /// x - max - log(sum of exp(x - max)) in each row. A row of which all are -infinity, or that holds NaN or
    /// +infinity, is NaN.
    /// </summary>
    /// <exception cref="ArgumentException">The type is not a float type, or the lengths do not fit.</exception>
    public static void LogForward(DType dtype, int rows, int columns, ReadOnlySpan<byte> x, Span<byte> destination) =>
        Run<LogSoftmaxRow>(dtype, rows, columns, x, x, destination, Simd.Width);

    /// <summary>y (ct - sum of ct y) in each row, where y is a softmax.</summary>
    /// <exception cref="ArgumentException">The type is not a float type, or the lengths do not fit.</exception>
    public static void Backward(
        DType dtype, int rows, int columns, ReadOnlySpan<byte> y, ReadOnlySpan<byte> ct, Span<byte> destination) =>
        Run<SoftmaxGradientRow>(dtype, rows, columns, y, ct, destination, Simd.Width);

    /// <summary>ct - exp(y) times the sum of ct in each row, where y is a log-softmax.</summary>
    /// <exception cref="ArgumentException">The type is not a float type, or the lengths do not fit.</exception>
    public static void LogBackward(
        DType dtype, int rows, int columns, ReadOnlySpan<byte> y, ReadOnlySpan<byte> ct, Span<byte> destination) =>
        Run<LogSoftmaxGradientRow>(dtype, rows, columns, y, ct, destination, Simd.Width);

    internal static void Run<TRow>(
        DType dtype, int rows, int columns, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, Span<byte> destination,
        int width)
        where TRow : struct, ISoftmaxRow
    {
        if (dtype is not (DType.Float32 or DType.Float64)) throw new ArgumentException($"Softmax takes float32 or float64, not {dtype.Name()}.");
        long bytes = (long)rows * columns * dtype.Size();
        if (x.Length != bytes || y.Length != bytes || destination.Length != bytes)
        {
            throw new ArgumentException(
                $"Operands of {x.Length} and {y.Length} bytes and a destination of {destination.Length} are not "
                + $"{rows} x {columns} elements of {dtype.Name()}.");
        }

        if (bytes == 0) return;
        fixed (byte* px = x, py = y, pd = destination)
        {
            if (dtype == DType.Float32) Typed<float, TRow>(width, rows, columns, (float*)px, (float*)py, (float*)pd);
            else Typed<double, TRow>(width, rows, columns, (double*)px, (double*)py, (double*)pd);
        }
    }

    private static void Typed<T, TRow>(int width, int rows, int columns, T* x, T* y, T* destination)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TRow : struct, ISoftmaxRow
    {
        if ((long)rows * columns < 2 * ElementsPerFork || rows == 1)
            Rows<T, TRow>(width, columns, x, y, destination, 0, rows);
        else
            Fork<T, TRow>(width, rows, columns, x, y, destination);
    }

    private static void Fork<T, TRow>(int width, int rows, int columns, T* x, T* y, T* destination)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TRow : struct, ISoftmaxRow
    {
        int rowsPerFork = Math.Max(1, ElementsPerFork / columns);
        Workers.For((rows + rowsPerFork - 1) / rowsPerFork, new Part<T, TRow>
        {
            Width = width,
            Count = rows,
            Each = rowsPerFork,
            Columns = columns,
            X = x,
            Y = y,
            Destination = destination,
        });
    }

    private struct Part<T, TRow> : IForked
        where T : unmanaged, IFloatingPointIeee754<T>
        where TRow : struct, ISoftmaxRow
    {
        public int Width, Count, Each, Columns;
        public T* X, Y, Destination;

        public readonly void Run(int i) =>
            Rows<T, TRow>(Width, Columns, X, Y, Destination, i * Each, Math.Min(Count, (i + 1) * Each));
    }

    private static void Rows<T, TRow>(int width, int columns, T* x, T* y, T* destination, int from, int to)
        where T : unmanaged, IFloatingPointIeee754<T>
        where TRow : struct, ISoftmaxRow
    {
        switch (width)
        {
            case 512: Rows<V512<T>, T, TRow>(columns, x, y, destination, from, to); break;
            case 256: Rows<V256<T>, T, TRow>(columns, x, y, destination, from, to); break;
            case 128: Rows<V128<T>, T, TRow>(columns, x, y, destination, from, to); break;
            default: Rows<V1<T>, T, TRow>(columns, x, y, destination, from, to); break;
        }
    }

    private static void Rows<V, T, TRow>(int columns, T* x, T* y, T* destination, int from, int to)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
        where TRow : struct, ISoftmaxRow
    {
        for (long row = from; row < to; row++)
            TRow.Run<V, T>(x + row * columns, y + row * columns, destination + row * columns, columns);
    }
}
