namespace Autodiff.Kernels;

/// <summary>
/// One tile of a product: where its rows of A, columns of B and elements of C lie. Strides are in elements; the
/// elements of a row of B, and of C, are adjacent.
/// </summary>
internal unsafe struct Tile<T>
    where T : unmanaged
{
    /// <summary>The length of the sums.</summary>
    public nint K;

    public T* A;
    public nint ARow;
    public nint AColumn;

    public T* B;
    public nint BRow;

    public T* C;
    public nint CRow;

    /// <summary>
    /// Where the second vector of columns begins, for tiles two vectors wide; less than a vector makes the two
    /// overlap, and compute the shared columns twice, which spares masks.
    /// </summary>
    public nint Second;

    /// <summary>Whether to add to C rather than to overwrite it; columns must not overlap then.</summary>
    public bool Accumulate;

    /// <summary>Whether what is accumulated is subtracted.</summary>
    public bool Subtract;
}

/// <summary>A number known when code is generated.</summary>
internal interface INumber
{
    static abstract int Value { get; }
}

internal readonly struct N0 : INumber
{
    public static int Value => 0;
}

internal readonly struct N1 : INumber
{
    public static int Value => 1;
}

internal readonly struct N2 : INumber
{
    public static int Value => 2;
}

internal readonly struct N3 : INumber
{
    public static int Value => 3;
}

internal readonly struct N4 : INumber
{
    public static int Value => 4;
}

internal readonly struct N5 : INumber
{
    public static int Value => 5;
}

internal readonly struct N6 : INumber
{
    public static int Value => 6;
}

internal readonly struct N7 : INumber
{
    public static int Value => 7;
}

internal readonly struct N8 : INumber
{
    public static int Value => 8;
}

internal readonly struct N9 : INumber
{
    public static int Value => 9;
}

internal readonly struct N10 : INumber
{
    public static int Value => 10;
}

internal readonly struct N11 : INumber
{
    public static int Value => 11;
}

internal readonly struct N12 : INumber
{
    public static int Value => 12;
}
