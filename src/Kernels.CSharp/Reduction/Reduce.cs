using System.Numerics;
using System.Runtime.InteropServices;

namespace Autodiff.Kernels;

/// <summary>Reductions of a strided tensor over any of its axes.</summary>
public static unsafe class Reduce
{
    /// <summary>Reduces the axes whose bit is set in <paramref name="axisMask"/>.</summary>
    public static void Run(
        Reduction op, DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape,
        uint axisMask, Span<byte> destination)
    {
        switch (dtype)
        {
            case DType.Bool or DType.UInt8: Simple<byte>(op, x, xStrides, shape, axisMask, destination); break;
            case DType.Int32: Simple<int>(op, x, xStrides, shape, axisMask, destination); break;
            case DType.Int64: Simple<long>(op, x, xStrides, shape, axisMask, destination); break;
            case DType.Float32: Simple<float>(op, x, xStrides, shape, axisMask, destination); break;
            default: Simple<double>(op, x, xStrides, shape, axisMask, destination); break;
        }
    }

    /// <summary>The index of the first largest element along an axis; of the first NaN if there is one.</summary>
    public static void ArgMax(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64) => Arg(dtype, x, xStrides, shape, axis, destinationInt64, false);

    /// <summary>The index of the first smallest element along an axis; of the first NaN if there is one.</summary>
    public static void ArgMin(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destinationInt64) => Arg(dtype, x, xStrides, shape, axis, destinationInt64, true);

    private static int[] Strides(ReadOnlySpan<int> strides, ReadOnlySpan<int> shape)
    {
        if (!strides.IsEmpty) return strides.ToArray();
        int[] s = new int[shape.Length];
        for (int i = shape.Length - 1, p = 1; i >= 0; p *= shape[i--]) s[i] = p;
        return s;
    }

    private static void Simple<T>(
        Reduction op, ReadOnlySpan<byte> bytes, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, uint axisMask,
        Span<byte> destination)
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        ReadOnlySpan<T> x = MemoryMarshal.Cast<byte, T>(bytes);
        Span<T> y = MemoryMarshal.Cast<byte, T>(destination);
        int[] strides = Strides(xStrides, shape);
        int[] outStrides = new int[shape.Length];
        long total = 1;
        for (int i = shape.Length - 1, p = 1; i >= 0; i--)
        {
            total *= shape[i];
            if ((axisMask >> i & 1) == 0) (outStrides[i], p) = (p, p * shape[i]);
        }

        if (total == 0 && y.Length > 0 && op is Reduction.Maximum or Reduction.Minimum)
            throw new ArgumentException($"{(op == Reduction.Maximum ? "max" : "min")} of an empty axis has no value");
        double[] acc = new double[y.Length];
        bool wide = typeof(T) == typeof(float);
        y.Fill(op is Reduction.Product or Reduction.All ? T.One : T.Zero);
        acc.AsSpan().Fill(op is Reduction.Product ? 1 : 0);
        bool[] seen = new bool[y.Length];
        for (long k = 0; k < total; k++)
        {
            long rest = k;
            int at = 0, to = 0;
            for (int i = shape.Length - 1; i >= 0; i--)
            {
                int c = (int)(rest % shape[i]);
                rest /= shape[i];
                at += c * strides[i];
                to += c * outStrides[i];
            }

            T v = x[at];
            switch (op)
            {
                case Reduction.Sum: y[to] += v; acc[to] += double.CreateTruncating(v); break;
                case Reduction.Product: y[to] *= v; acc[to] *= double.CreateTruncating(v); break;
                case Reduction.Maximum or Reduction.Any: y[to] = seen[to] ? T.Max(y[to], v) : v; break;
                default: y[to] = seen[to] ? T.Min(y[to], v) : v; break;
            }

            seen[to] = true;
        }

        if (wide && op <= Reduction.Product) for (int i = 0; i < y.Length; i++) y[i] = T.CreateTruncating(acc[i]);
    }

    private static void Arg(
        DType dtype, ReadOnlySpan<byte> x, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destination, bool least)
    {
        switch (dtype)
        {
            case DType.Bool or DType.UInt8: Arg<byte>(x, xStrides, shape, axis, destination, least); break;
            case DType.Int32: Arg<int>(x, xStrides, shape, axis, destination, least); break;
            case DType.Int64: Arg<long>(x, xStrides, shape, axis, destination, least); break;
            case DType.Float32: Arg<float>(x, xStrides, shape, axis, destination, least); break;
            default: Arg<double>(x, xStrides, shape, axis, destination, least); break;
        }
    }

    private static void Arg<T>(
        ReadOnlySpan<byte> bytes, ReadOnlySpan<int> xStrides, ReadOnlySpan<int> shape, int axis,
        Span<byte> destination, bool least)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> x = MemoryMarshal.Cast<byte, T>(bytes);
        Span<long> y = MemoryMarshal.Cast<byte, long>(destination);
        int[] strides = Strides(xStrides, shape);
        if (shape[axis] == 0 && y.Length > 0)
            throw new ArgumentException($"{(least ? "argmin" : "argmax")} of an empty axis has no value");
        for (int k = 0; k < y.Length; k++)
        {
            int rest = k, at = 0;
            for (int i = shape.Length - 1; i >= 0; i--)
            {
                if (i == axis) continue;
                at += rest % shape[i] * strides[i];
                rest /= shape[i];
            }

            T best = x[at];
            int where = 0;
            for (int j = 1; j < shape[axis] && !T.IsNaN(best); j++)
            {
                T v = x[at + j * strides[axis]];
                if ((least ? v < best : v > best) || T.IsNaN(v)) (best, where) = (v, j);
            }

            y[k] = where;
        }
    }
}
