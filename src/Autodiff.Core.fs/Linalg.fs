namespace Autodiff

open Autodiff.Kernels

/// Linear algebra of the last two axes; leading axes are a batch. Integers are converted to float32. Everything has
/// derivatives of every order in both modes, with the limits that each function names.
[<RequireQualifiedAccess>]
module Linalg =
    let private floating (x: Tensor) = if DTypes.IsFloat x.DType then x else Tensor.Cast(x, DType.Float32)

    let private both (a: Tensor) (b: Tensor) =
        let dtype = DTypes.Promote((floating a).DType, (floating b).DType)
        Tensor.Cast(a, dtype), Tensor.Cast(b, dtype)

    /// Applies a solver to right-hand sides, where a vector counts as one column.
    let private onColumns solver (a: Tensor) (b: Tensor) : Tensor =
        let a, b = both a b

        if b.Rank = 1 then
            let x: Tensor = solver a (Structural.reshape [| b.Shape[0]; 1 |] b)
            Structural.reshape x.Shape[.. x.Rank - 2] x
        else
            solver a b

    /// The solution X of A X = B, by elimination with partial pivoting. A is (..., n, n); B is (..., n, k), or a vector
    /// (n); leading axes broadcast. Fails, naming the batch position, when elimination meets a pivot of exactly zero.
    let solve (a: Tensor) (b: Tensor) : Tensor = onColumns Decompositions.solve a b

    /// The inverse of matrices (..., n, n). Fails like solve. To multiply by an inverse, solve is faster and more exact.
    let inverse (x: Tensor) : Tensor = Decompositions.inverse (floating x)

    /// The solution X of op(A) X = B for a triangular A, of which only the one triangle is read; op is the transpose if
    /// asked, and a unit diagonal is not read either. Shapes are those of solve. Fails when the diagonal holds a zero.
    let triangularSolve (lower: bool) (transposed: bool) (unitDiagonal: bool) (a: Tensor) (b: Tensor) : Tensor =
        let form = { Lower = lower; Transposed = transposed; UnitDiagonal = unitDiagonal }
        onColumns (Decompositions.triangularSolve form) a b

    /// The lower triangular L with L L^T = A and a positive diagonal, for symmetric positive definite A (..., n, n). The
    /// input counts as (A + A^T) / 2, so that the derivative is symmetric. Fails, naming the batch position, when that is
    /// not positive definite.
    let cholesky (x: Tensor) : Tensor = Decompositions.cholesky (floating x)

    /// The determinant of matrices (..., n, n); 1 for n = 0, and 0 for a singular matrix. The derivative is the adjugate,
    /// which is finite everywhere. At matrices of rank n - 1 all derivatives are right, and up to n = 3 at all matrices;
    /// from n = 4 on, at rank n - 2 and below, the first derivative is 0, which is right, and higher ones count as 0.
    let det (x: Tensor) : Tensor = Decompositions.det (floating x)

    /// The sign of the determinant, and the logarithm of its magnitude: 0 and -infinity for a singular matrix, where
    /// asking for the derivative fails. The sign has the derivative 0.
    let slogdet (x: Tensor) : Tensor * Tensor =
        let y = Decompositions.slogdet (floating x)
        let part i = Structural.reshape y.Shape[.. y.Rank - 2] (Decompositions.lastFrom i 1 y)
        part 0, part 1

    /// The sum of the diagonal of matrices (..., m, n).
    let trace (x: Tensor) : Tensor =
        if x.Rank < 2 then
            Shape.fail "trace" $"a tensor of shape {Shape.format x.Shape} is not a matrix; it must have at least two axes."

        Decompositions.trace x
