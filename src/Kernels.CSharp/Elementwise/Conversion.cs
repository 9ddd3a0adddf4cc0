using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Autodiff.Kernels;

/// <summary>
/// Conversions of sixteen numbers at a time. Integers of up to 32 bits pass through vectors of 32, wider ones through pairs
/// of vectors of 64; floats become integers by way of their own width, which saturates, and are then brought to the range
/// of narrower types.
/// </summary>
internal static unsafe class Conversion<TFrom, TTo>
    where TFrom : unmanaged, INumber<TFrom>
    where TTo : unmanaged, INumber<TTo>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private const int Step = 16;

    /// <summary>Converts as many elements as vectors hold whole; returns their number.</summary>
    [MethodImpl(Inline)]
    internal static nint Vectors(TFrom* x, TTo* r, nint count)
    {
        nint i = 0;
        if (typeof(TFrom) == typeof(TTo) || (sizeof(TFrom) == sizeof(TTo) && !IsFloating<TFrom>() && !IsFloating<TTo>()))
        {
            // Integers that differ in the sign alone have the same bits.
            Buffer.MemoryCopy(x, r, count * sizeof(TTo), count * sizeof(TTo));
            return count;
        }

        if (typeof(TFrom) == typeof(float))
        {
            for (; i <= count - Step; i += Step) FromSingles(Vector512.Load((float*)x + i), r + i);
        }
        else if (typeof(TFrom) == typeof(double))
        {
            for (; i <= count - Step; i += Step)
                FromDoubles(Vector512.Load((double*)x + i), Vector512.Load((double*)x + i + 8), r + i);
        }
        else if (typeof(TFrom) == typeof(long))
        {
            // Two roundings on the way to float32 would be one too many.
            if (typeof(TTo) == typeof(float) && !Avx512DQ.IsSupported) return 0;
            for (; i <= count - Step; i += Step)
                FromLongs(Vector512.Load((long*)x + i), Vector512.Load((long*)x + i + 8), r + i);
        }
        else
        {
            for (; i <= count - Step; i += Step) FromInts(Ints(x + i), r + i);
        }

        return i;
    }

    [MethodImpl(Inline)]
    private static bool IsFloating<T>() => typeof(T) == typeof(float) || typeof(T) == typeof(double);

    /// <summary>Sixteen integers of up to 32 bits.</summary>
    [MethodImpl(Inline)]
    private static Vector512<int> Ints(TFrom* x)
    {
        if (typeof(TFrom) == typeof(byte))
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(Vector128.Load((byte*)x));
            (Vector256<uint> first, Vector256<uint> second) = Vector256.Widen(Vector256.Create(low, high));
            return Vector512.Create(first, second).AsInt32();
        }

        if (typeof(TFrom) == typeof(sbyte))
        {
            (Vector128<short> low, Vector128<short> high) = Vector128.Widen(Vector128.Load((sbyte*)x));
            (Vector256<int> first, Vector256<int> second) = Vector256.Widen(Vector256.Create(low, high));
            return Vector512.Create(first, second);
        }

        if (typeof(TFrom) == typeof(short))
        {
            (Vector256<int> first, Vector256<int> second) = Vector256.Widen(Vector256.Load((short*)x));
            return Vector512.Create(first, second);
        }

        return Vector512.Load((int*)x);
    }

    [MethodImpl(Inline)]
    private static void FromInts(Vector512<int> v, TTo* r)
    {
        if (typeof(TTo) == typeof(float))
        {
            Vector512.ConvertToSingle(v).Store((float*)r);
        }
        else if (sizeof(TTo) == 8)
        {
            (Vector512<long> low, Vector512<long> high) = Vector512.Widen(v);
            if (typeof(TTo) == typeof(long)) Store(low, high, (long*)r);
            else Store(Vector512.ConvertToDouble(low), Vector512.ConvertToDouble(high), (double*)r);
        }
        else
        {
            Narrowed(v, r);
        }
    }

    /// <summary>The low bits of sixteen integers.</summary>
    [MethodImpl(Inline)]
    private static void Narrowed(Vector512<int> v, TTo* r)
    {
        if (sizeof(TTo) == 4)
        {
            v.Store((int*)r);
            return;
        }

        Vector256<short> halves = Vector256.Narrow(v.GetLower(), v.GetUpper());
        if (sizeof(TTo) == 2) halves.Store((short*)r);
        else Vector128.Narrow(halves.GetLower(), halves.GetUpper()).Store((sbyte*)r);
    }

    [MethodImpl(Inline)]
    private static void FromLongs(Vector512<long> low, Vector512<long> high, TTo* r)
    {
        if (typeof(TTo) == typeof(double))
        {
            Store(Vector512.ConvertToDouble(low), Vector512.ConvertToDouble(high), (double*)r);
        }
        else if (typeof(TTo) == typeof(float))
        {
            Avx512DQ.ConvertToVector256Single(low).Store((float*)r);
            Avx512DQ.ConvertToVector256Single(high).Store((float*)r + 8);
        }
        else
        {
            Narrowed(Vector512.Narrow(low, high), r);
        }
    }

    [MethodImpl(Inline)]
    private static void FromSingles(Vector512<float> v, TTo* r)
    {
        if (typeof(TTo) == typeof(double))
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(v);
            Store(low, high, (double*)r);
        }
        else if (typeof(TTo) == typeof(long))
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(v);
            Store(Vector512.ConvertToInt64(low), Vector512.ConvertToInt64(high), (long*)r);
        }
        else
        {
            Vector512<int> whole = Vector512.ConvertToInt32(v);
            if (sizeof(TTo) < 4)
            {
                whole = Vector512.Min(
                    Vector512.Max(whole, Vector512.Create(int.CreateTruncating(Least()))), Vector512.Create(int.CreateTruncating(Greatest())));
            }

            Narrowed(whole, r);
        }
    }

    [MethodImpl(Inline)]
    private static void FromDoubles(Vector512<double> low, Vector512<double> high, TTo* r)
    {
        if (typeof(TTo) == typeof(float))
        {
            Vector512.Narrow(low, high).Store((float*)r);
            return;
        }

        Vector512<long> first = Vector512.ConvertToInt64(low), second = Vector512.ConvertToInt64(high);
        if (typeof(TTo) == typeof(long))
        {
            Store(first, second, (long*)r);
            return;
        }

        Vector512<long> least = Vector512.Create(Least()), greatest = Vector512.Create(Greatest());
        Narrowed(
            Vector512.Narrow(
                Vector512.Min(Vector512.Max(first, least), greatest), Vector512.Min(Vector512.Max(second, least), greatest)),
            r);
    }

    /// <summary>The least number of an integer type of up to 32 bits.</summary>
    [MethodImpl(Inline)]
    private static long Least() => typeof(TTo) == typeof(byte) ? 0 : -1L << (8 * sizeof(TTo) - 1);

    [MethodImpl(Inline)]
    private static long Greatest() => typeof(TTo) == typeof(byte) ? byte.MaxValue : (1L << (8 * sizeof(TTo) - 1)) - 1;

    [MethodImpl(Inline)]
    private static void Store<T>(Vector512<T> low, Vector512<T> high, T* r)
        where T : unmanaged
    {
        low.Store(r);
        high.Store(r + Vector512<T>.Count);
    }
}
