using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>
/// Pooling: maxima and averages over windows of volumes (planes, rows, columns), and the linear maps that their
/// derivatives need. All data are contiguous, of type float32 or float64.
/// </summary>
public static unsafe class Pooling
{
    /// <summary>
    /// y[p, o] = the maximum of x[p] over the window o, and argmax[p, o] its place in the volume, in row-major order.
    /// Among equals the first in row-major order is taken; padding is never taken; a NaN is taken before
    /// all numbers, the first among several.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes; padding is less than the window, so that every window reaches into the volume.</param>
    /// <param name="x">The volumes.</param>
    /// <param name="y">The maxima, overwritten.</param>
    /// <param name="argmax">The places of the maxima, overwritten.</param>
    /// <exception cref="ArgumentException">A length, a size or the type does not fit.</exception>
    public static void Max(DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y, Span<int> argmax)
    {
        Max(dtype, s, x, y, argmax, Simd.Width);
    }

    /// <summary>
    /// y[p, o] = t[p, argmax[p, o]]: the derivative of <c>Max</c> in the direction t, once argmax is known.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="t">The volumes to take from.</param>
    /// <param name="argmax">The places in each volume, as <c>Max</c> gives them.</param>
    /// <param name="y">The elements taken, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    /// <exception cref="IndexOutOfRangeException">A place lies outside its volume.</exception>
    public static void MaxGather(
        DType dtype, in PoolShape s, ReadOnlySpan<byte> t, ReadOnlySpan<int> argmax, Span<byte> y)
    {
        Check(dtype, s, t.Length, y.Length);
        CheckPlaces(s, argmax.Length);
        fixed (byte* pt = t, py = y)
        fixed (int* places = argmax)
        {
            if (dtype == DType.Float32) PoolMoves<float>.Gather(s, (float*)pt, places, (float*)py);
            else PoolMoves<double>.Gather(s, (double*)pt, places, (double*)py);
        }
    }

    /// <summary>
    /// dx[p, k] = the sum of ct[p, o] over all o with argmax[p, o] = k: the transpose of <see cref="MaxGather"/>.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="argmax">The places in each volume, as <c>Max</c> gives them.</param>
    /// <param name="dx">The cotangent of the volumes, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    /// <exception cref="IndexOutOfRangeException">A place lies outside its volume.</exception>
    public static void MaxScatter(
        DType dtype, in PoolShape s, ReadOnlySpan<byte> ct, ReadOnlySpan<int> argmax, Span<byte> dx)
    {
        Check(dtype, s, dx.Length, ct.Length);
        CheckPlaces(s, argmax.Length);
        fixed (byte* pct = ct, pdx = dx)
        fixed (int* places = argmax)
        {
            if (dtype == DType.Float32) PoolMoves<float>.Scatter(s, (float*)pct, places, (float*)pdx);
            else PoolMoves<double>.Scatter(s, (double*)pct, places, (double*)pdx);
        }
    }

    /// <summary>
    /// y[p, o] = the sum of x[p] over the window o, divided by the number of its places: the zeros of the padding count.
    /// </summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="x">The volumes.</param>
    /// <param name="y">The averages, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void Average(DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y)
    {
        Average(dtype, s, x, y, Simd.Width);
    }

    /// <summary>The transpose of <c>Average</c>.</summary>
    /// <param name="dtype">The type of all elements, float32 or float64.</param>
    /// <param name="s">The sizes.</param>
    /// <param name="ct">The cotangent, of the shape of the result.</param>
    /// <param name="dx">The cotangent of the volumes, overwritten.</param>
    /// <exception cref="ArgumentException">A length or the type does not fit.</exception>
    public static void AverageTranspose(DType dtype, in PoolShape s, ReadOnlySpan<byte> ct, Span<byte> dx)
    {
        AverageTranspose(dtype, s, ct, dx, Simd.Width);
    }

    internal static void Max(
        DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y, Span<int> argmax, int width)
    {
        Check(dtype, s, x.Length, y.Length);
        CheckPlaces(s, argmax.Length);
        s.ValidateWindows();
        fixed (byte* px = x, py = y)
        fixed (int* places = argmax)
        {
            Run(Operation.Maximum, dtype, s, px, py, places, width);
        }
    }

    internal static void Average(DType dtype, in PoolShape s, ReadOnlySpan<byte> x, Span<byte> y, int width)
    {
        Check(dtype, s, x.Length, y.Length);
        fixed (byte* px = x, py = y) Run(Operation.Average, dtype, s, px, py, null, width);
    }

    internal static void AverageTranspose(DType dtype, in PoolShape s, ReadOnlySpan<byte> ct, Span<byte> dx, int width)
    {
        Check(dtype, s, dx.Length, ct.Length);
        if (s.OutputLength == 0) dx.Clear();
        else fixed (byte* pct = ct, pdx = dx) Run(Operation.AverageTranspose, dtype, s, pct, pdx, null, width);
    }

    private static void Run(Operation operation, DType dtype, in PoolShape s, byte* x, byte* y, int* places, int width)
    {
        if (s.OutputLength == 0) return;
        if (dtype == DType.Float32)
        {
            switch (width)
            {
                case 512: Run<Vector512<float>, float, PoolOps512<float>>(operation, s, x, y, places); break;
                case 256: Run<Vector256<float>, float, PoolOps256<float>>(operation, s, x, y, places); break;
                case 128: Run<Vector128<float>, float, PoolOps128<float>>(operation, s, x, y, places); break;
                default: Run<float, float, PoolOpsScalar<float>>(operation, s, x, y, places); break;
            }
        }
        else
        {
            switch (width)
            {
                case 512: Run<Vector512<double>, double, PoolOps512<double>>(operation, s, x, y, places); break;
                case 256: Run<Vector256<double>, double, PoolOps256<double>>(operation, s, x, y, places); break;
                case 128: Run<Vector128<double>, double, PoolOps128<double>>(operation, s, x, y, places); break;
                default: Run<double, double, PoolOpsScalar<double>>(operation, s, x, y, places); break;
            }
        }
    }

    private static void Run<V, T, Ops>(Operation operation, in PoolShape s, byte* x, byte* y, int* places)
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
        where Ops : struct, IPoolOps<V, T>
    {
        bool isSmall = PoolVolumes<V, T, Ops>.Pays(s);

        // Few windows that lie far apart are computed one by one.
        if (!isSmall && s.X.Stride > 2 && 4 * s.X.Output < Ops.Lanes && operation != Operation.AverageTranspose)
        {
            Run<T, T, PoolOpsScalar<T>>(operation, s, (byte*)x, (byte*)y, places);
            return;
        }

        int parts = PoolMoves<T>.Parts(s);
        if (isSmall) parts = Math.Min(parts, s.Volumes / Ops.Lanes);
        if (parts == 1) Part<V, T, Ops>(operation, isSmall, s, 0, s.Volumes, (T*)x, (T*)y, places);
        else Fork<V, T, Ops>(operation, isSmall, s, parts, (T*)x, (T*)y, places);
    }

    private static void Fork<V, T, Ops>(
        Operation operation, bool isSmall, PoolShape s, int parts, T* x, T* y, int* places)
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
        where Ops : struct, IPoolOps<V, T>
    {
        Workers.For(parts, new Volumes<V, T, Ops>
        {
            Operation = operation,
            IsSmall = isSmall,
            Shape = s,
            Parts = parts,
            X = x,
            Y = y,
            Places = places,
        });
    }

    private struct Volumes<V, T, Ops> : IForked
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
        where Ops : struct, IPoolOps<V, T>
    {
        public Operation Operation;
        public bool IsSmall;
        public PoolShape Shape;
        public int Parts;
        public T* X, Y;
        public int* Places;

        public readonly void Run(int part) => Part<V, T, Ops>(
            Operation, IsSmall, Shape, PoolMoves<T>.First(Shape, part, Parts), PoolMoves<T>.First(Shape, part + 1, Parts), X, Y, Places);
    }

    private static void Part<V, T, Ops>(
        Operation operation, bool isSmall, in PoolShape s, int first, int last, T* x, T* y, int* places)
        where V : unmanaged
        where T : unmanaged, IFloatingPointIeee754<T>
        where Ops : struct, IPoolOps<V, T>
    {
        switch (operation)
        {
            case Operation.Maximum when isSmall: PoolVolumes<V, T, Ops>.Maximum(s, first, last, x, y, places); break;
            case Operation.Maximum:
                PoolWindows<V, T, Ops, MaximumWindow<V, T, Ops>>.Run(s, first, last, x, y, places);
                break;
            case Operation.Average when isSmall: PoolVolumes<V, T, Ops>.Average(s, first, last, x, y); break;
            case Operation.Average:
                PoolWindows<V, T, Ops, AverageWindow<V, T, Ops>>.Run(s, first, last, x, y, places);
                break;
            case Operation.AverageTranspose when isSmall:
                PoolVolumes<V, T, Ops>.AverageTranspose(s, first, last, x, y);
                break;
            default: PoolSpread<V, T, Ops>.Run(s, first, last, x, y); break;
        }
    }

    private static void Check(DType dtype, in PoolShape s, int x, int y)
    {
        if (dtype is not (DType.Float32 or DType.Float64)) throw new ArgumentException($"Pooling is of float32 or float64, not of {dtype.Name()}.");
        s.Validate();
        int size = dtype.Size();
        if (x != (long)s.InputLength * size || y != (long)s.OutputLength * size)
        {
            throw new ArgumentException(
                $"The data have {x / size} and {y / size} elements, but the volumes and result of {s} have "
                + $"{s.InputLength} and {s.OutputLength}.");
        }
    }

    private static void CheckPlaces(in PoolShape s, int length)
    {
        if (length != s.OutputLength)
            throw new ArgumentException($"There are {length} places, but the result of {s} has {s.OutputLength}.");
    }

    private enum Operation
    {
        Maximum,
        Average,
        AverageTranspose,
    }
}
