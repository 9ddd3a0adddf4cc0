using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The vector operations of pooling: V is a vector of T, or T itself in scalar code.</summary>
internal unsafe interface IPoolOps<V, T>
    where V : unmanaged
    where T : unmanaged
{
    /// <summary>The elements of a vector.</summary>
    static abstract int Lanes { get; }

    static abstract V Load(T* from);

    static abstract void Store(T* to, V value);

    /// <summary>Every second element, from the first on, of the two vectors from here on.</summary>
    static abstract V Evens(T* from);

    static abstract V Add(V x, V y);

    static abstract V Divide(V x, T y);

    static abstract V Fill(T value);

    /// <summary>An integer in all lanes, as bits of a vector.</summary>
    static abstract V Place(int place);

    /// <summary>The integers left + lane * step, as bits of a vector.</summary>
    static abstract V Columns(int left, int step);

    /// <summary>The integers that lead from columns to the first that is not negative.</summary>
    static abstract V FirstInside(V columns);

    /// <summary>The value where columns + v lie between 0 and width, else the padding.</summary>
    static abstract V Inside(V value, V columns, int v, int width, V padding);

    /// <summary>Stores place + start + lane * step.</summary>
    static abstract void StorePlaces(int* to, V place, int start, int step);

    /// <summary>to[k * toPitch + r] = from[r * fromPitch + k], as <see cref="Staging{V, T, Ops}.Transpose"/> does it.</summary>
    static abstract void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch);

    /// <summary>Replaces best and its place by value and its place where value is larger, or the first NaN.</summary>
    static abstract void Maximum(V value, V valuePlace, ref V best, ref V place);
}

internal readonly unsafe struct PoolOps512<T> : IPoolOps<Vector512<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector512<T>.Count;

    public static Vector512<T> Load(T* from) => Vector512.Load(from);

    public static void Store(T* to, Vector512<T> value) => value.Store(to);

    public static Vector512<T> Evens(T* from) => Kernels.Evens.Load512(from);

    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    public static Vector512<T> Divide(Vector512<T> x, T y) => x / Vector512.Create(y);

    public static Vector512<T> Fill(T value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Columns(int left, int step) =>
        typeof(T) == typeof(float)
            ? Vector512.CreateSequence(left, step).As<int, T>()
            : Vector512.CreateSequence((long)left, step).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> FirstInside(Vector512<T> columns) =>
        typeof(T) == typeof(float)
            ? Vector512.Max(-columns.AsInt32(), Vector512<int>.Zero).As<int, T>()
            : Vector512.Max(-columns.AsInt64(), Vector512<long>.Zero).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Inside(Vector512<T> value, Vector512<T> columns, int v, int width, Vector512<T> padding)
    {
        // A negative column is a large number without sign.
        Vector512<T> inside = typeof(T) == typeof(float)
            ? Vector512.LessThan((columns.AsInt32() + Vector512.Create(v)).AsUInt32(), Vector512.Create((uint)width))
                .As<uint, T>()
            : Vector512.LessThan((columns.AsInt64() + Vector512.Create((long)v)).AsUInt64(), Vector512.Create((ulong)width))
                .As<ulong, T>();
        return Vector512.ConditionalSelect(inside, value, padding);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Place(int place) =>
        typeof(T) == typeof(float) ? Vector512.Create(place).As<int, T>() : Vector512.Create((long)place).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePlaces(int* to, Vector512<T> place, int start, int step)
    {
        if (typeof(T) == typeof(float))
        {
            (place.AsInt32() + Vector512.CreateSequence(start, step)).Store(to);
        }
        else
        {
            Vector512<long> places = place.AsInt64() + Vector512.CreateSequence((long)start, step);
            Vector512.Narrow(places, places).GetLower().Store(to);
        }
    }

    public static void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch) =>
        Staging<Vector512<T>, T, TileOps512<T>>.Transpose(from, fromPitch, rows, columns, to, toPitch);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Maximum(
        Vector512<T> value, Vector512<T> valuePlace, ref Vector512<T> best, ref Vector512<T> place)
    {
        Vector512<T> keep = Vector512.LessThanOrEqual(value, best) | ~Vector512.Equals(best, best);
        best = Vector512.ConditionalSelect(keep, best, value);
        place = Vector512.ConditionalSelect(keep, place, valuePlace);
    }
}

internal readonly unsafe struct PoolOps256<T> : IPoolOps<Vector256<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector256<T>.Count;

    public static Vector256<T> Load(T* from) => Vector256.Load(from);

    public static void Store(T* to, Vector256<T> value) => value.Store(to);

    public static Vector256<T> Evens(T* from) => Kernels.Evens.Load256(from);

    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    public static Vector256<T> Divide(Vector256<T> x, T y) => x / Vector256.Create(y);

    public static Vector256<T> Fill(T value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Columns(int left, int step) =>
        typeof(T) == typeof(float)
            ? Vector256.CreateSequence(left, step).As<int, T>()
            : Vector256.CreateSequence((long)left, step).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> FirstInside(Vector256<T> columns) =>
        typeof(T) == typeof(float)
            ? Vector256.Max(-columns.AsInt32(), Vector256<int>.Zero).As<int, T>()
            : Vector256.Max(-columns.AsInt64(), Vector256<long>.Zero).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Inside(Vector256<T> value, Vector256<T> columns, int v, int width, Vector256<T> padding)
    {
        // A negative column is a large number without sign.
        Vector256<T> inside = typeof(T) == typeof(float)
            ? Vector256.LessThan((columns.AsInt32() + Vector256.Create(v)).AsUInt32(), Vector256.Create((uint)width))
                .As<uint, T>()
            : Vector256.LessThan((columns.AsInt64() + Vector256.Create((long)v)).AsUInt64(), Vector256.Create((ulong)width))
                .As<ulong, T>();
        return Vector256.ConditionalSelect(inside, value, padding);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Place(int place) =>
        typeof(T) == typeof(float) ? Vector256.Create(place).As<int, T>() : Vector256.Create((long)place).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePlaces(int* to, Vector256<T> place, int start, int step)
    {
        if (typeof(T) == typeof(float))
        {
            (place.AsInt32() + Vector256.CreateSequence(start, step)).Store(to);
        }
        else
        {
            Vector256<long> places = place.AsInt64() + Vector256.CreateSequence((long)start, step);
            Vector256.Narrow(places, places).GetLower().Store(to);
        }
    }

    public static void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch) =>
        Staging<Vector256<T>, T, TileOps256<T>>.Transpose(from, fromPitch, rows, columns, to, toPitch);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Maximum(
        Vector256<T> value, Vector256<T> valuePlace, ref Vector256<T> best, ref Vector256<T> place)
    {
        Vector256<T> keep = Vector256.LessThanOrEqual(value, best) | ~Vector256.Equals(best, best);
        best = Vector256.ConditionalSelect(keep, best, value);
        place = Vector256.ConditionalSelect(keep, place, valuePlace);
    }
}

internal readonly unsafe struct PoolOps128<T> : IPoolOps<Vector128<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector128<T>.Count;

    public static Vector128<T> Load(T* from) => Vector128.Load(from);

    public static void Store(T* to, Vector128<T> value) => value.Store(to);

    public static Vector128<T> Evens(T* from) => Kernels.Evens.Load128(from);

    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    public static Vector128<T> Divide(Vector128<T> x, T y) => x / Vector128.Create(y);

    public static Vector128<T> Fill(T value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Columns(int left, int step) =>
        typeof(T) == typeof(float)
            ? Vector128.CreateSequence(left, step).As<int, T>()
            : Vector128.CreateSequence((long)left, step).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> FirstInside(Vector128<T> columns) =>
        typeof(T) == typeof(float)
            ? Vector128.Max(-columns.AsInt32(), Vector128<int>.Zero).As<int, T>()
            : Vector128.Max(-columns.AsInt64(), Vector128<long>.Zero).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Inside(Vector128<T> value, Vector128<T> columns, int v, int width, Vector128<T> padding)
    {
        // A negative column is a large number without sign.
        Vector128<T> inside = typeof(T) == typeof(float)
            ? Vector128.LessThan((columns.AsInt32() + Vector128.Create(v)).AsUInt32(), Vector128.Create((uint)width))
                .As<uint, T>()
            : Vector128.LessThan((columns.AsInt64() + Vector128.Create((long)v)).AsUInt64(), Vector128.Create((ulong)width))
                .As<ulong, T>();
        return Vector128.ConditionalSelect(inside, value, padding);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Place(int place) =>
        typeof(T) == typeof(float) ? Vector128.Create(place).As<int, T>() : Vector128.Create((long)place).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePlaces(int* to, Vector128<T> place, int start, int step)
    {
        if (typeof(T) == typeof(float))
        {
            (place.AsInt32() + Vector128.CreateSequence(start, step)).Store(to);
        }
        else
        {
            Vector128<long> places = place.AsInt64() + Vector128.CreateSequence((long)start, step);
            Vector128.Narrow(places, places).GetLower().Store(to);
        }
    }

    public static void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch) =>
        Staging<Vector128<T>, T, TileOps128<T>>.Transpose(from, fromPitch, rows, columns, to, toPitch);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Maximum(
        Vector128<T> value, Vector128<T> valuePlace, ref Vector128<T> best, ref Vector128<T> place)
    {
        Vector128<T> keep = Vector128.LessThanOrEqual(value, best) | ~Vector128.Equals(best, best);
        best = Vector128.ConditionalSelect(keep, best, value);
        place = Vector128.ConditionalSelect(keep, place, valuePlace);
    }
}

internal readonly unsafe struct PoolOpsScalar<T> : IPoolOps<T, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public static int Lanes => 1;

    public static T Load(T* from) => *from;

    public static void Store(T* to, T value) => *to = value;

    public static T Evens(T* from) => *from;

    public static T Add(T x, T y) => x + y;

    public static T Divide(T x, T y) => x / y;

    public static T Fill(T value) => value;

    public static T Place(int place) =>
        typeof(T) == typeof(float)
            ? Unsafe.BitCast<float, T>(BitConverter.Int32BitsToSingle(place))
            : Unsafe.BitCast<double, T>(BitConverter.Int64BitsToDouble(place));

    public static T Columns(int left, int step) => Place(left);

    public static T FirstInside(T columns) => Place(Math.Max(-Integer(columns), 0));

    public static T Inside(T value, T columns, int v, int width, T padding) =>
        (uint)(Integer(columns) + v) < (uint)width ? value : padding;

    public static void StorePlaces(int* to, T place, int start, int step) => *to = start + Integer(place);

    public static void Transpose(T* from, nint fromPitch, int rows, int columns, T* to, nint toPitch) =>
        Staging<T, T, TileOpsScalar<T>>.Transpose(from, fromPitch, rows, columns, to, toPitch);

    public static void Maximum(T value, T valuePlace, ref T best, ref T place)
    {
        if (value <= best || T.IsNaN(best)) return;
        best = value;
        place = valuePlace;
    }

    private static int Integer(T bits) =>
        typeof(T) == typeof(float)
            ? BitConverter.SingleToInt32Bits(Unsafe.BitCast<T, float>(bits))
            : (int)BitConverter.DoubleToInt64Bits(Unsafe.BitCast<T, double>(bits));
}
