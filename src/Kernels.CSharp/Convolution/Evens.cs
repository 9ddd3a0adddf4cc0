using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Autodiff.Kernels;

/// <summary>Every second element, from the first on, of the two vectors of float32 or float64 from a place on.</summary>
internal static unsafe class Evens
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<T> Load512<T>(T* from)
        where T : unmanaged
    {
        Vector512<T> first = Vector512.Load(from), second = Vector512.Load(from + Vector512<T>.Count);
        if (typeof(T) == typeof(float))
        {
            Vector512<int> order = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
            return Vector512.Shuffle(first.AsSingle(), order)
                .WithUpper(Vector512.Shuffle(second.AsSingle(), order).GetLower()).As<float, T>();
        }
        else
        {
            Vector512<long> order = Vector512.Create(0, 2, 4, 6, 0, 2, 4, 6);
            return Vector512.Shuffle(first.AsDouble(), order)
                .WithUpper(Vector512.Shuffle(second.AsDouble(), order).GetLower()).As<double, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<T> Load256<T>(T* from)
        where T : unmanaged
    {
        Vector256<T> first = Vector256.Load(from), second = Vector256.Load(from + Vector256<T>.Count);
        if (typeof(T) == typeof(float))
        {
            Vector256<int> order = Vector256.Create(0, 2, 4, 6, 0, 2, 4, 6);
            return Vector256.Shuffle(first.AsSingle(), order)
                .WithUpper(Vector256.Shuffle(second.AsSingle(), order).GetLower()).As<float, T>();
        }
        else
        {
            Vector256<long> order = Vector256.Create(0, 2, 0, 2);
            return Vector256.Shuffle(first.AsDouble(), order)
                .WithUpper(Vector256.Shuffle(second.AsDouble(), order).GetLower()).As<double, T>();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<T> Load128<T>(T* from)
        where T : unmanaged
    {
        Vector128<T> first = Vector128.Load(from), second = Vector128.Load(from + Vector128<T>.Count);
        if (typeof(T) == typeof(float))
        {
            Vector128<int> order = Vector128.Create(0, 2, 0, 2);
            return Vector128.Shuffle(first.AsSingle(), order)
                .WithUpper(Vector128.Shuffle(second.AsSingle(), order).GetLower()).As<float, T>();
        }
        else
        {
            Vector128<long> order = Vector128.Create(0, 0L);
            return Vector128.Shuffle(first.AsDouble(), order)
                .WithUpper(Vector128.Shuffle(second.AsDouble(), order).GetLower()).As<double, T>();
        }
    }
}
