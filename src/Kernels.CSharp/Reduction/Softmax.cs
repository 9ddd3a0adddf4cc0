using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Softmax and log-softmax over the rows of a contiguous matrix, and their gradients.</summary>
public static unsafe class Softmax
{
    /// <summary>exp(x - max) / sum of exp(x - max), in each row; a row of which all are -infinity gives NaN.</summary>
    public static void Forward(DType dtype, int rows, int columns, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        if (dtype == DType.Float64) Rows<double>(columns, x, x, destination, 0);
        else Rows<float>(columns, x, x, destination, 0);
    }

    /// <summary>x - max - log of the sum of exp(x - max), in each row.</summary>
    public static void LogForward(DType dtype, int rows, int columns, ReadOnlySpan<byte> x, Span<byte> destination)
    {
        if (dtype == DType.Float64) Rows<double>(columns, x, x, destination, 1);
        else Rows<float>(columns, x, x, destination, 1);
    }

    /// <summary>y (ct - sum of ct y), where y is the softmax.</summary>
    public static void Backward(
        DType dtype, int rows, int columns, ReadOnlySpan<byte> y, ReadOnlySpan<byte> ct, Span<byte> destination)
    {
        if (dtype == DType.Float64) Rows<double>(columns, y, ct, destination, 2);
        else Rows<float>(columns, y, ct, destination, 2);
    }

    /// <summary>ct - exp(y) sum of ct, where y is the log-softmax.</summary>
    public static void LogBackward(
        DType dtype, int rows, int columns, ReadOnlySpan<byte> y, ReadOnlySpan<byte> ct, Span<byte> destination)
    {
        if (dtype == DType.Float64) Rows<double>(columns, y, ct, destination, 3);
        else Rows<float>(columns, y, ct, destination, 3);
    }

    private static void Rows<T>(
        int columns, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> destination, int kind)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ReadOnlySpan<T> a = MemoryMarshal.Cast<byte, T>(first), b = MemoryMarshal.Cast<byte, T>(second);
        Span<T> d = MemoryMarshal.Cast<byte, T>(destination);
        for (int at = 0; at < d.Length; at += columns)
        {
            ReadOnlySpan<T> x = a.Slice(at, columns), ct = b.Slice(at, columns);
            Span<T> y = d.Slice(at, columns);
            T max = T.NegativeInfinity, sum = T.Zero;
            foreach (T v in x) max = T.Max(max, v);
            for (int i = 0; i < columns; i++)
                sum += kind switch { 2 => ct[i] * x[i], 3 => ct[i], _ => T.Exp(x[i] - max) };
            for (int i = 0; i < columns; i++)
                y[i] = kind switch
                {
                    0 => T.Exp(x[i] - max) / sum,
                    1 => x[i] - max - T.Log(sum),
                    2 => x[i] * (ct[i] - sum),
                    _ => ct[i] - T.Exp(x[i]) * sum,
                };
        }
    }
}
