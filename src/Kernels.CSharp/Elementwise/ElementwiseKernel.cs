namespace Autodiff.Kernels;

/// <summary>A function of numbers, applied to each element of tensors.</summary>
public abstract class ElementwiseKernel
{
    private readonly RowKernel?[] rows = new RowKernel?[DTypes.Count];

    private protected ElementwiseKernel(string name, string cuda) => (Name, Cuda) = (name, cuda);

    /// <summary>The name, as in <see cref="Unary"/>, <see cref="Binary"/> and <see cref="Compare"/>.</summary>
    public string Name { get; }

    /// <summary>The C expression of the function of <c>x</c>, or of <c>x</c> and <c>y</c>, for device code.</summary>
    public string Cuda { get; }

    /// <summary>Whether there is a kernel for elements of the type.</summary>
    public abstract bool Supports(DType dtype);

    /// <summary>The kernel for a type.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    internal RowKernel For(DType dtype) => rows[(int)dtype] ?? Find(dtype);

    /// <summary>The kernel for a type and a vector width.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    internal RowKernel Kernel(DType dtype, int width) =>
        dtype.ComputeType() == dtype || !Supports(dtype)
            ? Own(dtype, width)
            : Own(dtype.ComputeType(), width).Stored(Copy.Widening(dtype, width), Storing(dtype, width));

    /// <summary>The kernel for a type that is computed in itself.</summary>
    private protected abstract RowKernel Own(DType dtype, int width);

    /// <summary>What makes the results of a type that is computed in another one; null if they are of one type always.</summary>
    private protected virtual RowKernel? Storing(DType dtype, int width) => Copy.Narrowing(dtype, width);

    private RowKernel Find(DType dtype) => rows[(int)dtype] = Kernel(dtype, Simd.Width);
}
