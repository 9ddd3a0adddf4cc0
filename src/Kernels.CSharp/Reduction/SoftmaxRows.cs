using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>One row of a softmax kernel.</summary>
internal unsafe interface ISoftmaxRow
{
    static abstract void Run<V, T>(T* x, T* y, T* destination, int columns)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>;
}

internal readonly unsafe struct SoftmaxRow : ISoftmaxRow
{
    public static void Run<V, T>(T* x, T* y, T* destination, int columns)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T max = RowPasses<V, T>.Max(x, columns);
        double sum = RowPasses<V, T>.Sum<ExpOfDifference>(x, x, destination, columns, max);
        T scale = T.CreateTruncating(1 / sum);
        RowPasses<V, T>.Map<Scaled>(destination, destination, destination, columns, scale, scale);
    }
}

internal readonly unsafe struct LogSoftmaxRow : ISoftmaxRow
{
    public static void Run<V, T>(T* x, T* y, T* destination, int columns)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T max = RowPasses<V, T>.Max(x, columns);
        double sum = RowPasses<V, T>.Sum<ExpOfDifference>(x, x, null, columns, max);
        T log = T.CreateTruncating(Math.Log(sum));
        RowPasses<V, T>.Map<TwiceShifted>(x, x, destination, columns, max, log);
    }
}

internal readonly unsafe struct SoftmaxGradientRow : ISoftmaxRow
{
    public static void Run<V, T>(T* x, T* y, T* destination, int columns)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T sum = T.CreateTruncating(RowPasses<V, T>.Sum<ProductOfBoth>(x, y, null, columns, T.Zero));
        RowPasses<V, T>.Map<SoftmaxGradient>(x, y, destination, columns, sum, sum);
    }
}

internal readonly unsafe struct LogSoftmaxGradientRow : ISoftmaxRow
{
    public static void Run<V, T>(T* x, T* y, T* destination, int columns)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T sum = T.CreateTruncating(RowPasses<V, T>.Sum<Second>(x, y, null, columns, T.Zero));
        RowPasses<V, T>.Map<LogSoftmaxGradient>(x, y, destination, columns, sum, sum);
    }
}

/// <summary>A function of two elements and two values that are constant in the row.</summary>
internal interface IRowMap
{
    /// <summary>What the first operand is taken to be beyond the end of the row: it adds nothing to a sum.</summary>
    static abstract double Padding { get; }

    static abstract V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T>;
}

internal readonly struct ExpOfDifference : IRowMap
{
    public static double Padding => double.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => Exponentials.Exp<V, T>(x - p);
}

internal readonly struct ProductOfBoth : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => x * y;
}

internal readonly struct Second : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => y;
}

internal readonly struct Scaled : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => x * p;
}

internal readonly struct TwiceShifted : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => x - p - q;
}

internal readonly struct SoftmaxGradient : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> => x * (y - p);
}

internal readonly struct LogSoftmaxGradient : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<V, T>(V x, V y, V p, V q)
        where V : unmanaged, IVector<V, T>
        where T : unmanaged, INumber<T> =>
        y - Exponentials.Exp<V, T>(x) * p;
}

/// <summary>Passes over a row.</summary>
internal static unsafe class RowPasses<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    // A lane adds this many elements before the lanes are added in double precision.
    private const int ElementsPerLane = 256;

    /// <summary>The largest element; it may ignore NaN, which reaches the result through the differences.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static T Max(T* x, int columns)
    {
        V a = V.Splat(T.NegativeInfinity), b = a, c = a, d = a;
        int i = 0;
        for (; i <= columns - 4 * V.Count; i += 4 * V.Count)
        {
            a = V.MaxNative(a, V.Load(x + i));
            b = V.MaxNative(b, V.Load(x + i + V.Count));
            c = V.MaxNative(c, V.Load(x + i + 2 * V.Count));
            d = V.MaxNative(d, V.Load(x + i + 3 * V.Count));
        }

        for (; i <= columns - V.Count; i += V.Count) a = V.MaxNative(a, V.Load(x + i));
        if (i < columns) b = V.MaxNative(b, V.LoadWidenedPart(x + i, columns - i, T.NegativeInfinity));
        return V.Fold<MaximumReducer<T>>(V.MaxNative(V.MaxNative(a, b), V.MaxNative(c, d)));
    }

    /// <summary>The sum of a function of the elements, whose values are kept if there is a destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static double Sum<TMap>(T* x, T* y, T* destination, int columns, T constant)
        where TMap : struct, IRowMap
    {
        double total = 0;
        V sum, p = V.Splat(constant);
        int i = 0;
        for (int block = ElementsPerLane * V.Count; i <= columns - block;)
        {
            sum = V.Splat(T.Zero);
            for (int end = i + block; i < end; i += V.Count)
                sum += Step<TMap>(x + i, y + i, destination == null ? null : destination + i, p);
            total += double.CreateTruncating(V.Fold<SumReducer<T>>(sum));
        }

        sum = V.Splat(T.Zero);
        for (; i <= columns - V.Count; i += V.Count)
            sum += Step<TMap>(x + i, y + i, destination == null ? null : destination + i, p);
        if (i < columns)
        {
            V value = TMap.Apply<V, T>(
                V.LoadWidenedPart(x + i, columns - i, T.CreateTruncating(TMap.Padding)),
                V.LoadPart(y + i, columns - i), p, p);
            if (destination != null) value.StorePart(destination + i, columns - i);
            sum += value;
        }

        return total + double.CreateTruncating(V.Fold<SumReducer<T>>(sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Map<TMap>(T* x, T* y, T* destination, int columns, T first, T second)
        where TMap : struct, IRowMap
    {
        V p = V.Splat(first), q = V.Splat(second);
        int i = 0;
        for (; i <= columns - V.Count; i += V.Count)
            TMap.Apply<V, T>(V.Load(x + i), V.Load(y + i), p, q).Store(destination + i);
        if (i == columns) return;
        V value = TMap.Apply<V, T>(V.LoadPart(x + i, columns - i), V.LoadPart(y + i, columns - i), p, q);
        value.StorePart(destination + i, columns - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Step<TMap>(T* x, T* y, T* destination, V p)
        where TMap : struct, IRowMap
    {
        V value = TMap.Apply<V, T>(V.Load(x), V.Load(y), p, p);
        if (destination != null) value.Store(destination);
        return value;
    }
}
