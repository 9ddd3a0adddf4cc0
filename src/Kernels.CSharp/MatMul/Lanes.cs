using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>The vector operations that a product needs, for vectors <typeparamref name="V"/> of floats.</summary>
internal unsafe interface ILanes<T, V>
    where T : unmanaged
    where V : struct
{
    static abstract int Count { get; }

    static abstract V Load(T* source);

    static abstract void Store(T* target, V value);

    static abstract V Broadcast(T value);

    static abstract V Add(V x, V y);

    static abstract V Subtract(V x, V y);

    /// <summary>x * y + z, fused where the machine can.</summary>
    static abstract V MultiplyAdd(V x, V y, V z);

    static abstract T Sum(V x);
}

/// <summary>512-bit vectors of float or double.</summary>
internal readonly unsafe struct Lanes512<T> : ILanes<T, Vector512<T>>
    where T : unmanaged
{
    public static int Count => Vector512<T>.Count;

    public static Vector512<T> Load(T* source) => Vector512.Load(source);

    public static void Store(T* target, Vector512<T> value) => value.Store(target);

    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    public static Vector512<T> Subtract(Vector512<T> x, Vector512<T> y) => x - y;

    public static Vector512<T> MultiplyAdd(Vector512<T> x, Vector512<T> y, Vector512<T> z) =>
        typeof(T) == typeof(float)
            ? Vector512.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector512.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static T Sum(Vector512<T> x) => Vector512.Sum(x);
}

/// <summary>256-bit vectors of float or double.</summary>
internal readonly unsafe struct Lanes256<T> : ILanes<T, Vector256<T>>
    where T : unmanaged
{
    public static int Count => Vector256<T>.Count;

    public static Vector256<T> Load(T* source) => Vector256.Load(source);

    public static void Store(T* target, Vector256<T> value) => value.Store(target);

    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    public static Vector256<T> Subtract(Vector256<T> x, Vector256<T> y) => x - y;

    public static Vector256<T> MultiplyAdd(Vector256<T> x, Vector256<T> y, Vector256<T> z) =>
        typeof(T) == typeof(float)
            ? Vector256.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector256.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static T Sum(Vector256<T> x) => Vector256.Sum(x);
}

/// <summary>128-bit vectors of float or double.</summary>
internal readonly unsafe struct Lanes128<T> : ILanes<T, Vector128<T>>
    where T : unmanaged
{
    public static int Count => Vector128<T>.Count;

    public static Vector128<T> Load(T* source) => Vector128.Load(source);

    public static void Store(T* target, Vector128<T> value) => value.Store(target);

    public static Vector128<T> Broadcast(T value) => Vector128.Create(value);

    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    public static Vector128<T> Subtract(Vector128<T> x, Vector128<T> y) => x - y;

    public static Vector128<T> MultiplyAdd(Vector128<T> x, Vector128<T> y, Vector128<T> z) =>
        typeof(T) == typeof(float)
            ? Vector128.MultiplyAddEstimate(x.AsSingle(), y.AsSingle(), z.AsSingle()).As<float, T>()
            : Vector128.MultiplyAddEstimate(x.AsDouble(), y.AsDouble(), z.AsDouble()).As<double, T>();

    public static T Sum(Vector128<T> x) => Vector128.Sum(x);
}

/// <summary>Scalar code: a vector of one element.</summary>
internal readonly unsafe struct Lanes1<T> : ILanes<T, T>
    where T : unmanaged, INumberBase<T>
{
    public static int Count => 1;

    public static T Load(T* source) => *source;

    public static void Store(T* target, T value) => *target = value;

    public static T Broadcast(T value) => value;

    public static T Add(T x, T y) => x + y;

    public static T Subtract(T x, T y) => x - y;

    public static T MultiplyAdd(T x, T y, T z) => T.MultiplyAddEstimate(x, y, z);

    public static T Sum(T x) => x;
}
