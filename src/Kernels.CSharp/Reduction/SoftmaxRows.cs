using System.Numerics;
using System.Runtime.CompilerServices;

namespace Autodiff.Kernels;

/// <summary>One row of a softmax kernel.</summary>
internal unsafe interface ISoftmaxRow
{
    static abstract void Run<T, V, R>(T* x, T* y, T* destination, int columns)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : struct
        where R : struct, IFloatRegister<T, V>;
}

internal readonly unsafe struct SoftmaxRow : ISoftmaxRow
{
    public static void Run<T, V, R>(T* x, T* y, T* destination, int columns)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : struct
        where R : struct, IFloatRegister<T, V>
    {
        V max = R.Broadcast(RowPasses<T, V, R>.Max(x, columns));
        double sum = RowPasses<T, V, R>.Sum<ExpOfDifference>(x, x, destination, columns, max);
        V scale = R.Broadcast(T.CreateTruncating(1 / sum));
        RowPasses<T, V, R>.Map<Scaled>(destination, destination, destination, columns, scale, max);
    }
}

internal readonly unsafe struct LogSoftmaxRow : ISoftmaxRow
{
    public static void Run<T, V, R>(T* x, T* y, T* destination, int columns)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : struct
        where R : struct, IFloatRegister<T, V>
    {
        V max = R.Broadcast(RowPasses<T, V, R>.Max(x, columns));
        double sum = RowPasses<T, V, R>.Sum<ExpOfDifference>(x, x, null, columns, max);
        V log = R.Broadcast(T.CreateTruncating(Math.Log(sum)));
        RowPasses<T, V, R>.Map<TwiceShifted>(x, x, destination, columns, max, log);
    }
}

internal readonly unsafe struct SoftmaxGradientRow : ISoftmaxRow
{
    public static void Run<T, V, R>(T* x, T* y, T* destination, int columns)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : struct
        where R : struct, IFloatRegister<T, V>
    {
        V sum = R.Broadcast(T.CreateTruncating(RowPasses<T, V, R>.Sum<ProductOfBoth>(x, y, null, columns, default)));
        RowPasses<T, V, R>.Map<SoftmaxGradient>(x, y, destination, columns, sum, sum);
    }
}

internal readonly unsafe struct LogSoftmaxGradientRow : ISoftmaxRow
{
    public static void Run<T, V, R>(T* x, T* y, T* destination, int columns)
        where T : unmanaged, IFloatingPointIeee754<T>
        where V : struct
        where R : struct, IFloatRegister<T, V>
    {
        V sum = R.Broadcast(T.CreateTruncating(RowPasses<T, V, R>.Sum<Second>(x, y, null, columns, default)));
        RowPasses<T, V, R>.Map<LogSoftmaxGradient>(x, y, destination, columns, sum, sum);
    }
}

/// <summary>A function of two elements and two values that are constant in the row.</summary>
internal interface IRowMap
{
    /// <summary>What the first operand is taken to be beyond the end of the row: it adds nothing to a sum.</summary>
    static abstract double Padding { get; }

    static abstract V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V>;
}

internal readonly struct ExpOfDifference : IRowMap
{
    public static double Padding => double.NegativeInfinity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => RegisterMath<T, V, R>.Exp(R.Subtract(x, p));
}

internal readonly struct ProductOfBoth : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => R.Multiply(x, y);
}

internal readonly struct Second : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => y;
}

internal readonly struct Scaled : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => R.Multiply(x, p);
}

internal readonly struct TwiceShifted : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => R.Subtract(R.Subtract(x, p), q);
}

internal readonly struct SoftmaxGradient : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> => R.Multiply(x, R.Subtract(y, p));
}

internal readonly struct LogSoftmaxGradient : IRowMap
{
    public static double Padding => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<T, V, R>(V x, V y, V p, V q)
        where T : unmanaged
        where V : struct
        where R : struct, IFloatRegister<T, V> =>
        R.Subtract(y, R.Multiply(RegisterMath<T, V, R>.Exp(x), p));
}

/// <summary>Passes over a row.</summary>
internal static unsafe class RowPasses<T, V, R>
    where T : unmanaged, IFloatingPointIeee754<T>
    where V : struct
    where R : struct, IFloatRegister<T, V>
{
    // A lane adds this many elements before the lanes are added in double precision.
    private const int ElementsPerLane = 256;

    /// <summary>The largest element; it may ignore NaN, which reaches the result through the differences.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static T Max(T* x, int columns)
    {
        V a = R.Broadcast(T.NegativeInfinity), b = a, c = a, d = a;
        int i = 0;
        for (; i <= columns - 4 * R.Count; i += 4 * R.Count)
        {
            a = R.MaxNative(a, R.Load(x + i));
            b = R.MaxNative(b, R.Load(x + i + R.Count));
            c = R.MaxNative(c, R.Load(x + i + 2 * R.Count));
            d = R.MaxNative(d, R.Load(x + i + 3 * R.Count));
        }

        for (; i <= columns - R.Count; i += R.Count) a = R.MaxNative(a, R.Load(x + i));
        if (i < columns) b = R.MaxNative(b, R.LoadPartial(x + i, columns - i, a));
        return R.Fold<MaximumReducer<T>>(R.MaxNative(R.MaxNative(a, b), R.MaxNative(c, d)));
    }

    /// <summary>The sum of a function of the elements, whose values are kept if there is a destination.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static double Sum<TMap>(T* x, T* y, T* destination, int columns, V p)
        where TMap : struct, IRowMap
    {
        double total = 0;
        V sum;
        int i = 0;
        for (int block = ElementsPerLane * R.Count; i <= columns - block;)
        {
            sum = R.Broadcast(T.Zero);
            for (int end = i + block; i < end; i += R.Count)
                sum = R.Add(sum, Step<TMap>(x + i, y + i, destination == null ? null : destination + i, p));
            total += double.CreateTruncating(R.Fold<SumReducer<T>>(sum));
        }

        sum = R.Broadcast(T.Zero);
        for (; i <= columns - R.Count; i += R.Count)
            sum = R.Add(sum, Step<TMap>(x + i, y + i, destination == null ? null : destination + i, p));
        if (i < columns)
        {
            V padding = RegisterMath<T, V, R>.C(TMap.Padding);
            V value = TMap.Apply<T, V, R>(
                R.LoadPartial(x + i, columns - i, padding),
                R.LoadPartial(y + i, columns - i, R.Broadcast(T.Zero)), p, p);
            if (destination != null) R.StorePartial(value, destination + i, columns - i);
            sum = R.Add(sum, value);
        }

        return total + double.CreateTruncating(R.Fold<SumReducer<T>>(sum));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    internal static void Map<TMap>(T* x, T* y, T* destination, int columns, V p, V q)
        where TMap : struct, IRowMap
    {
        int i = 0;
        for (; i <= columns - R.Count; i += R.Count)
            R.Store(TMap.Apply<T, V, R>(R.Load(x + i), R.Load(y + i), p, q), destination + i);
        if (i == columns) return;
        V zero = R.Broadcast(T.Zero);
        V value = TMap.Apply<T, V, R>(
            R.LoadPartial(x + i, columns - i, zero), R.LoadPartial(y + i, columns - i, zero), p, q);
        R.StorePartial(value, destination + i, columns - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Step<TMap>(T* x, T* y, T* destination, V p)
        where TMap : struct, IRowMap
    {
        V value = TMap.Apply<T, V, R>(R.Load(x), R.Load(y), p, p);
        if (destination != null) R.Store(value, destination);
        return value;
    }
}
