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

    /// <summary>Whether the product is subtracted from C, which it overwrites otherwise.</summary>
    public bool Subtract;

    /// <summary>The work, in multiply-adds.</summary>
    public readonly double Work => (double)M * N * K;
}
