using System.Numerics;

namespace Autodiff.Kernels;

/// <summary>Makes the row kernels of functions for a vector width.</summary>
internal static unsafe class Rows
{
    // The bytes of results of the cheapest functions, bound by the caches, that are worth a thread: some microseconds.
    private const int BytesOfGrain = 1 << 17;

    /// <summary>A function of one element.</summary>
    internal static RowKernel Unary<TOp, T>(int width)
        where TOp : IUnaryOperator<T>
        where T : unmanaged, INumber<T>
    {
        int grain = Grain<TOp, T>();
        return (TOp.IsVector ? width : 0) switch
        {
            512 => new(&UnaryRow<TOp, T, V512<T>>.Row, grain, sizeof(T), sizeof(T)),
            256 => new(&UnaryRow<TOp, T, V256<T>>.Row, grain, sizeof(T), sizeof(T)),
            128 => new(&UnaryRow<TOp, T, V128<T>>.Row, grain, sizeof(T), sizeof(T)),
            _ => new(&UnaryRow<TOp, T, V1<T>>.Row, grain, sizeof(T), sizeof(T)),
        };
    }

    /// <summary>A function of two elements.</summary>
    internal static RowKernel Binary<TOp, T>(int width)
        where TOp : IBinaryOperator<T>
        where T : unmanaged, INumber<T>
    {
        int grain = Grain<TOp, T>();
        return (TOp.IsVector ? width : 0) switch
        {
            512 => new(&BinaryRow<TOp, T, V512<T>>.Row, grain, sizeof(T), sizeof(T), sizeof(T)),
            256 => new(&BinaryRow<TOp, T, V256<T>>.Row, grain, sizeof(T), sizeof(T), sizeof(T)),
            128 => new(&BinaryRow<TOp, T, V128<T>>.Row, grain, sizeof(T), sizeof(T), sizeof(T)),
            _ => new(&BinaryRow<TOp, T, V1<T>>.Row, grain, sizeof(T), sizeof(T), sizeof(T)),
        };
    }

    /// <summary>A kernel on float64 for float32, whose results are then rounded once.</summary>
    internal static RowKernel Widened(RowKernel kernel) => kernel.Stored(Convert<float, double>(), Convert<double, float>());

    /// <summary>A relation between two elements.</summary>
    internal static RowKernel Compare<TOp, T>(int width)
        where TOp : ICompareOperator<T>
        where T : unmanaged, INumber<T>
    {
        int grain = Grain<TOp, T>();
        return width switch
        {
            512 => new(&CompareRow<TOp, T, V512<T>>.Row, grain, 1, sizeof(T), sizeof(T)),
            256 => new(&CompareRow<TOp, T, V256<T>>.Row, grain, 1, sizeof(T), sizeof(T)),
            128 => new(&CompareRow<TOp, T, V128<T>>.Row, grain, 1, sizeof(T), sizeof(T)),
            _ => new(&CompareRow<TOp, T, V1<T>>.Row, grain, 1, sizeof(T), sizeof(T)),
        };
    }

    /// <summary>The second operand where the bytes of the first are not 0, else the third.</summary>
    internal static RowKernel Select<T>(int width)
        where T : unmanaged, INumber<T>
    {
        int grain = BytesOfGrain / sizeof(T);
        return width switch
        {
            512 => new(&SelectRow<T, V512<T>>.Row, grain, sizeof(T), 1, sizeof(T), sizeof(T)),
            256 => new(&SelectRow<T, V256<T>>.Row, grain, sizeof(T), 1, sizeof(T), sizeof(T)),
            128 => new(&SelectRow<T, V128<T>>.Row, grain, sizeof(T), 1, sizeof(T), sizeof(T)),
            _ => new(&SelectRow<T, V1<T>>.Row, grain, sizeof(T), 1, sizeof(T), sizeof(T)),
        };
    }

    /// <summary>Whether an element is not 0.</summary>
    internal static RowKernel Truth<T>(int width)
        where T : unmanaged, INumber<T>
    {
        int grain = BytesOfGrain / sizeof(T);
        return width switch
        {
            512 => new(&TruthRow<T, V512<T>>.Row, grain, 1, sizeof(T)),
            256 => new(&TruthRow<T, V256<T>>.Row, grain, 1, sizeof(T)),
            128 => new(&TruthRow<T, V128<T>>.Row, grain, 1, sizeof(T)),
            _ => new(&TruthRow<T, V1<T>>.Row, grain, 1, sizeof(T)),
        };
    }

    /// <summary>Numbers to numbers.</summary>
    internal static RowKernel Convert<TFrom, TTo>()
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo> =>
        new(
            &ConvertRow<TFrom, TTo>.Row, BytesOfGrain / Math.Max(sizeof(TFrom), sizeof(TTo)), sizeof(TTo),
            sizeof(TFrom));

    /// <summary>A format of 16 bits to float32.</summary>
    internal static RowKernel Widen<TFormat>(int width)
        where TFormat : struct, INarrowFormat
    {
        const int Grain = BytesOfGrain / sizeof(float);
        return width switch
        {
            512 => new(&WidenRow<TFormat, V512<int>, V512<float>>.Row, Grain, sizeof(float), sizeof(ushort)),
            256 => new(&WidenRow<TFormat, V256<int>, V256<float>>.Row, Grain, sizeof(float), sizeof(ushort)),
            128 => new(&WidenRow<TFormat, V128<int>, V128<float>>.Row, Grain, sizeof(float), sizeof(ushort)),
            _ => new(&WidenRow<TFormat, V1<int>, V1<float>>.Row, Grain, sizeof(float), sizeof(ushort)),
        };
    }

    /// <summary>Float32 to a format of 16 bits.</summary>
    internal static RowKernel Narrow<TFormat>(int width)
        where TFormat : struct, INarrowFormat
    {
        const int Grain = BytesOfGrain / sizeof(float);
        return width switch
        {
            512 => new(&NarrowRow<TFormat, V512<int>, V512<float>>.Row, Grain, sizeof(ushort), sizeof(float)),
            256 => new(&NarrowRow<TFormat, V256<int>, V256<float>>.Row, Grain, sizeof(ushort), sizeof(float)),
            128 => new(&NarrowRow<TFormat, V128<int>, V128<float>>.Row, Grain, sizeof(ushort), sizeof(float)),
            _ => new(&NarrowRow<TFormat, V1<int>, V1<float>>.Row, Grain, sizeof(ushort), sizeof(float)),
        };
    }

    /// <summary>Wider numbers to float32, by rounding to odd.</summary>
    internal static RowKernel Odd<T>()
        where T : unmanaged => new(&OddRow<T>.Row, BytesOfGrain / (4 * sizeof(T)), sizeof(float), sizeof(T));

    private static int Grain<TOp, T>()
        where TOp : IOperator
        where T : unmanaged => Math.Max(64, BytesOfGrain / (sizeof(T) * TOp.Cost));
}
