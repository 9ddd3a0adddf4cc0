namespace Autodiff;

/// <summary>The type of the elements of a tensor.</summary>
public enum DType : byte
{
    /// <summary>Truth values, one byte each, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integers.</summary>
    UInt8,

    /// <summary>Signed 32-bit integers.</summary>
    Int32,

    /// <summary>Signed 64-bit integers.</summary>
    Int64,

    /// <summary>IEEE 754 single precision, the default.</summary>
    Float32,

    /// <summary>IEEE 754 double precision.</summary>
    Float64,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 => 1,
        DType.Int32 or DType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Whether the type is a floating-point type, the only kind that can be differentiated.</summary>
    public static bool IsFloat(this DType dtype) => dtype >= DType.Float32;

    /// <summary>The name as printed in messages, such as <c>float32</c>.</summary>
    public static string Name(this DType dtype) => dtype switch
    {
        DType.Bool => "bool",
        DType.UInt8 => "uint8",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.Float32 => "float32",
        _ => "float64",
    };

    /// <summary>The element type that stores values of the .NET type <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static DType Of<T>() =>
        typeof(T) == typeof(float) ? DType.Float32
        : typeof(T) == typeof(double) ? DType.Float64
        : typeof(T) == typeof(int) ? DType.Int32
        : typeof(T) == typeof(long) ? DType.Int64
        : typeof(T) == typeof(bool) ? DType.Bool
        : typeof(T) == typeof(byte) ? DType.UInt8
        : throw new NotSupportedException(
            $"{typeof(T).Name} is not an element type of tensors: use float, double, int, long, bool or byte.");

    /// <summary>
    /// The type of a result that combines both: the later of bool, uint8, int32, int64, float32, float64,
    /// except that a 64-bit integer with float32 stays float32.
    /// </summary>
    public static DType Promote(DType x, DType y) => x >= y ? x : y;
}
