using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The loops of the functions of one element.</summary>
internal static unsafe class UnaryRow<TOp, T, V>
    where TOp : IUnaryOperator<T>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, r = (T*)result;
        if (!TOp.IsVector)
        {
            for (nint i = 0; i < count; i++) r[i] = TOp.Invoke(x[i * strideA]);
            return;
        }

        // A broadcast operand is read again and again from a vector on the stack.
        V splat = V.Splat(*x);
        if (strideA == 0) x = (T*)&splat;
        nint step = strideA * V.Count;
        for (; count >= V.Count; count -= V.Count, x += step, r += V.Count) TOp.Invoke(V.Load(x)).Store(r);
        if (count > 0) TOp.Invoke(V.LoadPart(x, (int)count)).StorePart(r, (int)count);
    }
}

/// <summary>The loops of the functions of two elements.</summary>
internal static unsafe class BinaryRow<TOp, T, V>
    where TOp : IBinaryOperator<T>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, y = (T*)b, r = (T*)result;
        if (!TOp.IsVector)
        {
            for (nint i = 0; i < count; i++) r[i] = TOp.Invoke(x[i * strideA], y[i * strideB]);
            return;
        }

        V splatX = V.Splat(*x), splatY = V.Splat(*y);
        if (strideA == 0) x = (T*)&splatX;
        if (strideB == 0) y = (T*)&splatY;
        nint stepX = strideA * V.Count, stepY = strideB * V.Count;
        for (; count >= V.Count; count -= V.Count, x += stepX, y += stepY, r += V.Count)
            TOp.Invoke(V.Load(x), V.Load(y)).Store(r);
        if (count > 0) TOp.Invoke(V.LoadPart(x, (int)count), V.LoadPart(y, (int)count)).StorePart(r, (int)count);
    }
}

/// <summary>The loops of relations.</summary>
internal static unsafe class CompareRow<TOp, T, V>
    where TOp : ICompareOperator<T>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)a, y = (T*)b;
        V splatX = V.Splat(*x), splatY = V.Splat(*y);
        if (strideA == 0) x = (T*)&splatX;
        if (strideB == 0) y = (T*)&splatY;
        nint stepX = strideA * V.Count, stepY = strideB * V.Count;
        for (; count >= V.Count; count -= V.Count, x += stepX, y += stepY, result += V.Count)
            V.StoreTruth(TOp.Invoke(V.Load(x), V.Load(y)), result);
        if (count == 0) return;
        ulong* truths = stackalloc ulong[8];
        V.StoreTruth(TOp.Invoke(V.LoadPart(x, (int)count), V.LoadPart(y, (int)count)), (byte*)truths);
        Unsafe.CopyBlockUnaligned(result, truths, (uint)count);
    }
}

/// <summary>The loops of x where the byte of a condition is not 0, else y.</summary>
internal static unsafe class SelectRow<T, V>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T* x = (T*)b, y = (T*)c, r = (T*)result;
        V splatX = V.Splat(*x), splatY = V.Splat(*y);
        if (strideB == 0) x = (T*)&splatX;
        if (strideC == 0) y = (T*)&splatY;
        ulong* truths = stackalloc ulong[8];
        if (strideA == 0)
        {
            new Span<byte>(truths, 64).Fill(*a);
            a = (byte*)truths;
        }

        nint stepA = strideA * V.Count, stepX = strideB * V.Count, stepY = strideC * V.Count;
        for (; count >= V.Count; count -= V.Count, a += stepA, x += stepX, y += stepY, r += V.Count)
            V.Select(V.LoadTruth(a), V.Load(x), V.Load(y)).Store(r);
        if (count == 0) return;
        Buffer.MemoryCopy(a, truths, count, count);
        V.Select(V.LoadTruth((byte*)truths), V.LoadPart(x, (int)count), V.LoadPart(y, (int)count))
            .StorePart(r, (int)count);
    }
}

/// <summary>The loops of x != 0.</summary>
internal static unsafe class TruthRow<T, V>
    where T : unmanaged, INumber<T>
    where V : unmanaged, IVector<V, T>
{
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        T zero = T.Zero;
        CompareRow<NotEqualOperator<T>, T, V>.Row(result, a, strideA, (byte*)&zero, 0, null, 0, count);
    }
}

/// <summary>The loops from numbers to numbers: floats to integers truncate and saturate, NaN gives 0.</summary>
internal static unsafe class ConvertRow<TFrom, TTo>
    where TFrom : unmanaged, INumber<TFrom>
    where TTo : unmanaged, INumber<TTo>
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(byte* result, byte* a, int strideA, byte* b, int strideB, byte* c, int strideC, nint count)
    {
        TFrom* x = (TFrom*)a;
        TTo* r = (TTo*)result;
        for (nint i = strideA == 1 ? Conversion<TFrom, TTo>.Vectors(x, r, count) : 0; i < count; i++)
        {
            // Among integers the high bits are cut off, as everywhere.
            r[i] = typeof(TFrom) == typeof(float) || typeof(TFrom) == typeof(double)
                ? TTo.CreateSaturating(x[i * strideA])
                : TTo.CreateTruncating(x[i * strideA]);
        }
    }
}
