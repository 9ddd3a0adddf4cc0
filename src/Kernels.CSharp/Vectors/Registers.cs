using System.Numerics;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>Arithmetic on vectors <typeparamref name="V"/> of <typeparamref name="T"/>, for the Fourier transforms.</summary>
internal unsafe interface IFloatRegister<T, V>
    where T : unmanaged
    where V : struct
{
    static abstract int Count { get; }

    static abstract V Broadcast(T value);

    static abstract V Load(T* source);

    static abstract void Store(V value, T* destination);

    static abstract V Add(V x, V y);

    static abstract V Subtract(V x, V y);

    static abstract V Multiply(V x, V y);
}

internal readonly unsafe struct Register512<T> : IFloatRegister<T, Vector512<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector512<T>.Count;

    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

    public static Vector512<T> Load(T* source) => Vector512.Load(source);

    public static void Store(Vector512<T> value, T* destination) => value.Store(destination);

    public static Vector512<T> Add(Vector512<T> x, Vector512<T> y) => x + y;

    public static Vector512<T> Subtract(Vector512<T> x, Vector512<T> y) => x - y;

    public static Vector512<T> Multiply(Vector512<T> x, Vector512<T> y) => x * y;
}

internal readonly unsafe struct Register256<T> : IFloatRegister<T, Vector256<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector256<T>.Count;

    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

    public static Vector256<T> Load(T* source) => Vector256.Load(source);

    public static void Store(Vector256<T> value, T* destination) => value.Store(destination);

    public static Vector256<T> Add(Vector256<T> x, Vector256<T> y) => x + y;

    public static Vector256<T> Subtract(Vector256<T> x, Vector256<T> y) => x - y;

    public static Vector256<T> Multiply(Vector256<T> x, Vector256<T> y) => x * y;
}

internal readonly unsafe struct Register128<T> : IFloatRegister<T, Vector128<T>>
    where T : unmanaged, INumber<T>
{
    public static int Count => Vector128<T>.Count;

    public static Vector128<T> Broadcast(T value) => Vector128.Create(value);

    public static Vector128<T> Load(T* source) => Vector128.Load(source);

    public static void Store(Vector128<T> value, T* destination) => value.Store(destination);

    public static Vector128<T> Add(Vector128<T> x, Vector128<T> y) => x + y;

    public static Vector128<T> Subtract(Vector128<T> x, Vector128<T> y) => x - y;

    public static Vector128<T> Multiply(Vector128<T> x, Vector128<T> y) => x * y;
}

internal readonly unsafe struct Register1<T> : IFloatRegister<T, T>
    where T : unmanaged, INumber<T>
{
    public static int Count => 1;

    public static T Broadcast(T value) => value;

    public static T Load(T* source) => *source;

    public static void Store(T value, T* destination) => *destination = value;

    public static T Add(T x, T y) => x + y;

    public static T Subtract(T x, T y) => x - y;

    public static T Multiply(T x, T y) => x * y;
}
