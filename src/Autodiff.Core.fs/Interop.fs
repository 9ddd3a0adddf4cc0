namespace Autodiff

open System.Runtime.CompilerServices
open MathNet.Numerics.LinearAlgebra

/// Conversion to and from MathNet.Numerics, which serves what this library does not: decompositions, solvers, statistics.
[<Extension>]
type MathNetExtensions =
    static member private NotNull(x: 'T) =
        if isNull (box x) then
            Shape.fail "ToTensor" "the matrix or vector is null."

    /// A matrix as a float64 tensor of shape (rows, columns).
    [<Extension>]
    static member ToTensor(matrix: Matrix<float>) : Tensor =
        MathNetExtensions.NotNull matrix
        Tensor.From(System.ReadOnlySpan(matrix.ToRowMajorArray()), matrix.RowCount, matrix.ColumnCount)

    /// A matrix as a float32 tensor of shape (rows, columns).
    [<Extension>]
    static member ToTensor(matrix: Matrix<float32>) : Tensor =
        MathNetExtensions.NotNull matrix
        Tensor.From(System.ReadOnlySpan(matrix.ToRowMajorArray()), matrix.RowCount, matrix.ColumnCount)

    /// A vector as a float64 tensor.
    [<Extension>]
    static member ToTensor(vector: Vector<float>) : Tensor =
        MathNetExtensions.NotNull vector
        Tensor.From(System.ReadOnlySpan(vector.ToArray()), vector.Count)

    /// A vector as a float32 tensor.
    [<Extension>]
    static member ToTensor(vector: Vector<float32>) : Tensor =
        MathNetExtensions.NotNull vector
        Tensor.From(System.ReadOnlySpan(vector.ToArray()), vector.Count)

    /// A tensor of shape (rows, columns) as a dense float64 matrix.
    [<Extension>]
    static member ToMatrix(x: Tensor) : Matrix<float> =
        Tensor.NotNull("ToMatrix", x)

        if x.Rank <> 2 then
            Shape.fail "ToMatrix" $"a tensor of shape {Shape.format x.Shape} is not a matrix."

        Matrix<float>.Build.DenseOfRowMajor(x.Shape[0], x.Shape[1], Tensor.toArray<float> x)

    /// A tensor of rank 1 as a dense float64 vector.
    [<Extension>]
    static member ToVector(x: Tensor) : Vector<float> =
        Tensor.NotNull("ToVector", x)

        if x.Rank <> 1 then
            Shape.fail "ToVector" $"a tensor of shape {Shape.format x.Shape} is not a vector."

        Vector<float>.Build.Dense(Tensor.toArray<float> x)
