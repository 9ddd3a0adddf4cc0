namespace Autodiff;

/// <summary>The type of the elements of a tensor.</summary>
public enum DType : byte
{
    /// <summary>Truth values, one byte each, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integers.</summary>
    UInt8,

    /// <summary>Signed 8-bit integers.</summary>
    Int8,

    /// <summary>Signed 16-bit integers.</summary>
    Int16,

    /// <summary>Signed 32-bit integers.</summary>
    Int32,

    /// <summary>Signed 64-bit integers.</summary>
    Int64,

    /// <summary>
    /// IEEE 754 half precision, <see cref="Half"/>: 11 significant bits, up to 65504. A type to store numbers in; operations
    /// compute in float32 and round their result once.
    /// </summary>
    Float16,

    /// <summary>
    /// The upper half of a float32, <see cref="Autodiff.BFloat16"/>: 8 significant bits, the range of float32. A type to store
    /// numbers in; operations compute in float32 and round their result once.
    /// </summary>
    BFloat16,

    /// <summary>IEEE 754 single precision, the default.</summary>
    Float32,

    /// <summary>IEEE 754 double precision.</summary>
    Float64,
}

/// <summary>Facts about element types.</summary>
public static class DTypes
{
    /// <summary>The number of element types.</summary>
    public const int Count = (int)DType.Float64 + 1;

    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 or DType.Int8 => 1,
        DType.Int16 or DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Whether the type is a floating-point type, the only kind that can be differentiated.</summary>
    public static bool IsFloat(this DType dtype) => dtype >= DType.Float16;

    /// <summary>Whether the type is one of integers; truth values are not.</summary>
    public static bool IsInteger(this DType dtype) => dtype is > DType.Bool and < DType.Float16;

    /// <summary>The type in which operations on this one compute: float32 for float16 and bfloat16, else itself.</summary>
    public static DType ComputeType(this DType dtype) =>
        dtype is DType.Float16 or DType.BFloat16 ? DType.Float32 : dtype;

    /// <summary>Refuses a type that is computed in another, for the kernels that would take its bytes for another's.</summary>
    internal static void CheckComputed(DType dtype)
    {
        if (dtype.ComputeType() != dtype)
            throw new ArgumentException($"{dtype.Name()} is a type to store numbers in; convert it to float32 first.");
    }

    /// <summary>
    /// The distance from 1 to the next larger number of a floating-point type, twice the greatest relative error of
    /// rounding to it.
    /// </summary>
    /// <exception cref="ArgumentException">The type is not a floating-point type.</exception>
    public static double Epsilon(this DType dtype) => dtype switch
    {
        DType.Float16 => 1.0 / (1 << 10),
        DType.BFloat16 => 1.0 / (1 << 7),
        DType.Float32 => 1.0 / (1 << 23),
        DType.Float64 => 1.0 / (1L << 52),
        _ => throw new ArgumentException($"{dtype.Name()} is not a floating-point type."),
    };

    /// <summary>The largest finite number of a floating-point type.</summary>
    /// <exception cref="ArgumentException">The type is not a floating-point type.</exception>
    public static double Largest(this DType dtype) => dtype switch
    {
        DType.Float16 => (double)Half.MaxValue,
        DType.BFloat16 => (double)BFloat16.MaxValue,
        DType.Float32 => float.MaxValue,
        DType.Float64 => double.MaxValue,
        _ => throw new ArgumentException($"{dtype.Name()} is not a floating-point type."),
    };

    /// <summary>The name as printed in messages, such as <c>float32</c>.</summary>
    public static string Name(this DType dtype) => dtype switch
    {
        DType.Bool => "bool",
        DType.UInt8 => "uint8",
        DType.Int8 => "int8",
        DType.Int16 => "int16",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.Float16 => "float16",
        DType.BFloat16 => "bfloat16",
        DType.Float32 => "float32",
        _ => "float64",
    };

    /// <summary>The element type that stores values of the .NET type <typeparamref name="T"/>.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public static DType Of<T>() =>
        Find(typeof(T)) ?? throw new NotSupportedException(
            $"{typeof(T).Name} is not an element type of tensors: use float, double, Half, BFloat16, int, long, short, sbyte, byte or bool.");

    /// <summary>The element type that stores values of a .NET type; null if there is none.</summary>
    public static DType? Find(Type type) =>
        type == typeof(float) ? DType.Float32
        : type == typeof(double) ? DType.Float64
        : type == typeof(int) ? DType.Int32
        : type == typeof(long) ? DType.Int64
        : type == typeof(bool) ? DType.Bool
        : type == typeof(byte) ? DType.UInt8
        : type == typeof(sbyte) ? DType.Int8
        : type == typeof(short) ? DType.Int16
        : type == typeof(Half) ? DType.Float16
        : type == typeof(BFloat16) ? DType.BFloat16
        : null;

    /// <summary>
    /// The type of a result that combines both: the least upper bound in the lattice
    /// bool &lt; uint8, int8 &lt; int16 &lt; int32 &lt; int64 &lt; float16, bfloat16 &lt; float32 &lt; float64.
    /// </summary>
    /// <remarks>
    /// So uint8 with int8 is int16, float16 with bfloat16 is float32, and an integer of any size with a floating-point
    /// type is that type. Numbers of C# and F# (<c>x * 2.0</c>) take the type of the tensor: see docs/dtypes.md.
    /// </remarks>
    public static DType Promote(DType x, DType y) => (x, y) switch
    {
        (DType.UInt8, DType.Int8) or (DType.Int8, DType.UInt8) => DType.Int16,
        (DType.Float16, DType.BFloat16) or (DType.BFloat16, DType.Float16) => DType.Float32,
        _ => x >= y ? x : y,
    };
}
