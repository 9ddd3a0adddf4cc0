using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Autodiff.Kernels;

/// <summary>The vector operations of the tile kernels: V is a vector of T, or T itself in scalar code.</summary>
internal unsafe interface ITileOps<V, T>
    where V : unmanaged
    where T : unmanaged
{
    /// <summary>The elements of a vector.</summary>
    static abstract int Lanes { get; }

    /// <summary>The rows of the larger tile: 8 where 32 registers hold 8 by 3 vectors, else 4.</summary>
    static abstract int Rows { get; }

    static abstract V Load(T* from);

    /// <summary>Every second element, from the first on, of the two vectors from here on.</summary>
    static abstract V Evens(T* from);

    static abstract void Store(T* to, V value);

    static abstract V Fill(T* from);

    /// <summary>x * y + z, fused where the machine does that.</summary>
    static abstract V MultiplyAdd(V x, V y, V z);

    static abstract V Add(V x, V y);

    /// <summary>The bits of x where those of the mask are set; where a vector is one element, x.</summary>
    static abstract V And(V x, V mask);
}

internal readonly unsafe struct TileOps512<T> : ITileOps<Vector512<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector512<T>.Count;

    public static int Rows => 8;

    public static Vector512<T> Load(T* from) => Vector512.Load(from);

    public static Vector512<T> Evens(T* from) => Kernels.Evens.Load512(from);

    public static void Store(T* to, Vector512<T> value) => value.Store(to);

    public static Vector512<T> Fill(T* from) => Vector512.Create(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z) =>
        typeof(T) == typeof(float)
            ? Vector512.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector512.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    public static Vector512<T> And(Vector512<T> x, Vector512<T> mask) => x & mask;
}

internal readonly unsafe struct TileOps256<T> : ITileOps<Vector256<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector256<T>.Count;

    public static int Rows => 4;

    public static Vector256<T> Load(T* from) => Vector256.Load(from);

    public static Vector256<T> Evens(T* from) => Kernels.Evens.Load256(from);

    public static void Store(T* to, Vector256<T> value) => value.Store(to);

    public static Vector256<T> Fill(T* from) => Vector256.Create(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MultiplyAdd(Vector256<T> x, Vector256<T> y, Vector256<T> z) =>
        typeof(T) == typeof(float)
            ? Vector256.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector256.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    public static Vector256<T> And(Vector256<T> x, Vector256<T> mask) => x & mask;
}

internal readonly unsafe struct TileOps128<T> : ITileOps<Vector128<T>, T>
    where T : unmanaged
{
    public static int Lanes => Vector128<T>.Count;

    public static int Rows => AdvSimd.IsSupported ? 8 : 4;

    public static Vector128<T> Load(T* from) => Vector128.Load(from);

    public static Vector128<T> Evens(T* from) => Kernels.Evens.Load128(from);

    public static void Store(T* to, Vector128<T> value) => value.Store(to);

    public static Vector128<T> Fill(T* from) => Vector128.Create(*from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> MultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z) =>
        typeof(T) == typeof(float)
            ? Vector128.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector128.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    public static Vector128<T> And(Vector128<T> x, Vector128<T> mask) => x & mask;
}

internal readonly unsafe struct TileOpsScalar<T> : ITileOps<T, T>
    where T : unmanaged, INumberBase<T>
{
    public static int Lanes => 1;

    public static int Rows => 4;

    public static T Load(T* from) => *from;

    public static T Evens(T* from) => *from;

    public static void Store(T* to, T value) => *to = value;

    public static T Fill(T* from) => *from;

    public static T MultiplyAdd(T x, T y, T z) => T.MultiplyAddEstimate(x, y, z);

    public static T Add(T x, T y) => x + y;

    public static T And(T x, T mask) => x;
}
