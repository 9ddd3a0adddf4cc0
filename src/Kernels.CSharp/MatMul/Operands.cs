namespace Autodiff.Kernels;

/// <summary>One product C = A B of an m x k and a k x n matrix: pointers, and strides in elements.</summary>
internal unsafe struct Operands<T>
    where T : unmanaged
{
    public nint M;
    public nint N;
    public nint K;

    public T* A;
    public nint ARow;
    public nint AColumn;

    public T* B;
    public nint BRow;
    public nint BColumn;

    /// <summary>The first element of C, whose columns are adjacent.</summary>
    public T* C;
    public nint CRow;

    /// <summary>What waits for parts of C, if anything does, and where this C begins in the whole result.</summary>
    public Completion? Completion;
    public nint Row;
    public nint Column;

    /// <summary>The work, in multiply-adds.</summary>
    public readonly double Work => (double)M * N * K;

    /// <summary>Tells that a part of this C is done.</summary>
    public readonly void Complete(nint row, nint rows, nint column, nint columns) =>
        Completion?.Complete(Row + row, rows, Column + column, columns);
}
