namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// The norms of a matrix.
type MatrixNorm =
    /// The square root of the sum of squares; its derivative at 0 is 0.
    | Frobenius = 0
    /// The sum of the singular values; where some are 0, the derivative is a subgradient.
    | Nuclear = 1
    /// The largest singular value.
    | Spectral = 2
    /// The largest sum of magnitudes in a column.
    | One = 3
    /// The largest sum of magnitudes in a row.
    | Infinity = 4

/// Linear algebra of the last two axes; leading axes are a batch. Integers are converted to float32. Everything has
/// derivatives of every order in both modes, with the limits that each function names.
[<RequireQualifiedAccess>]
module Linalg =
    let private floating x = Elementwise.floating "linalg" x

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
        Tensor.NotNull("trace", x)
        if x.Rank < 2 then
            Shape.fail
                "trace"
                $"a tensor of shape {Shape.format x.Shape} is not a matrix; it must have at least two axes."

        Decompositions.trace x

    /// A = Q R with orthonormal columns in Q and R upper triangular with a diagonal that is not negative. For A
    /// (..., m, n) and k = min (m, n), Q is (..., m, k) and R is (..., k, n). The derivative needs the first k columns to
    /// be independent, and fails like triangularSolve otherwise.
    let qr (x: Tensor) : Tensor * Tensor = Spectral.qr (floating x)

    /// A = U diag(S) V^T: U (..., m, k), S (..., k) descending, V^T (..., k, n), for k = min (m, n). In each column of U
    /// (of V where A is wide) the first entry of largest magnitude is positive. Vectors of singular values that are equal
    /// but for rounding are not determined: their turning into each other counts as 0 in the derivative, and so does the
    /// motion of vectors of the singular value 0 out of their span. So functions of the singular values alone have their
    /// right first derivative everywhere they have one. Each value is right to rounding of the largest one. NaN for matrices that
    /// are not finite.
    let svd (x: Tensor) : Tensor * Tensor * Tensor = Spectral.svd (floating x)

    /// The singular values (..., min (m, n)), descending.
    let singularValues (x: Tensor) : Tensor = let _, s, _ = svd x in s

    /// The eigenvalues (..., n), ascending, and the eigenvectors, in columns (..., n, n), of symmetric matrices. The input
    /// counts as (A + A^T) / 2, so that the derivative is symmetric. In each vector the first entry of largest magnitude is
    /// positive. Vectors of eigenvalues that are equal but for rounding are not determined: their turning into each other
    /// counts as 0 in the derivative, which is finite, and right to the first order for functions of the eigenvalues alone
    /// that do not depend on their order. Their second derivatives leave that turning out, so that they need
    /// eigenvalues that differ; where some may be equal, functions of the whole matrix (matmul, solve, slogdet, trace,
    /// expm) have right derivatives of every order. NaN for matrices that are not finite.
    let eigh (x: Tensor) : Tensor * Tensor = Spectral.eigh (floating x)

    /// The eigenvalues (..., n) and eigenvectors, in columns (..., n, n), of matrices (..., n, n), each as the pair of its real
    /// and imaginary parts: A V = V diag(L). The values ascend by real part, then by imaginary part; those of a conjugate
    /// pair, which have one real part, come one after the other. Each vector has length 1, and its entry of largest
    /// magnitude, the first at ties, is real and positive. The derivative of a value needs it to have as many vectors as its
    /// multiplicity; that of a vector, and second derivatives, need its value to be simple, and are NaN where two values are
    /// equal. A matrix without n independent vectors has none: asking for it fails like solve, or, where rounding hides
    /// this, gives huge numbers. For symmetric matrices eigh is faster and more exact. NaN for matrices that are not finite.
    /// M. Giles, Collected matrix derivative results for forward and reverse mode (2008).
    let eig (x: Tensor) : (Tensor * Tensor) * (Tensor * Tensor) = Eigen.eig (floating x)

    /// The eigenvalues (..., n) of matrices (..., n, n), in the order of eig, as the pair of their real and imaginary parts.
    let eigvals (x: Tensor) : Tensor * Tensor = fst (eig x)

    /// The Moore-Penrose inverse (..., n, m) of matrices (..., m, n). Singular values up to tolerance times the largest
    /// count as 0. The derivative is that among matrices of the same rank.
    let pinvWith (tolerance: float) (x: Tensor) : Tensor = Spectral.pinv tolerance (floating x)

    let private defaultTolerance (x: Tensor) =
        float (max x.Shape[x.Rank - 1] x.Shape[x.Rank - 2]) * DTypes.Epsilon x.DType

    /// The Moore-Penrose inverse, with a tolerance of max (m, n) times the machine's precision.
    let pinv (x: Tensor) : Tensor =
        let x = floating x
        Decompositions.checkMatrix "pinv" x
        pinvWith (defaultTolerance x) x

    /// The X of least length that minimises the length of A X - B: A is (..., m, n), B is (..., m, k), or a vector (m). Any
    /// rank; the derivative is that of pinv.
    let lstsq (a: Tensor) (b: Tensor) : Tensor =
        onColumns
            (fun a b ->
                Decompositions.checkMatrix "lstsq" a
                Decompositions.checkMatrix "lstsq" b

                if Decompositions.rowsOf a <> Decompositions.rowsOf b then
                    Shape.fail
                        "lstsq"
                        $"shapes {Shape.format a.Shape} and {Shape.format b.Shape} are not aligned: the matrix has {Decompositions.rowsOf a} rows, the right-hand side {Decompositions.rowsOf b}."

                Tensor.matmul (pinv a) b)
            a
            b

    /// A whole power of matrices (..., n, n), by repeated squaring; a negative power is that of the inverse.
    let rec matrixPower (power: int) (x: Tensor) : Tensor =
        let x = floating x
        Decompositions.checkSquare "matrixPower" x

        if power = 0 then
            Tensor.BroadcastTo(Decompositions.eyeLike x (Decompositions.rowsOf x), x.Shape)
        elif power = 1 then
            x
        elif power < 0 then
            // The lowest number has no negative.
            let once = inverse x
            if power = -1 then once else Tensor.matmul (matrixPower -(power + 1) once) once
        else
            let root = matrixPower (power / 2) x
            let squared = Tensor.matmul root root
            if power % 2 = 0 then squared else Tensor.matmul squared x

    /// The matrix exponential 1 + A + A^2 / 2 + ..., by scaling, a Pade approximant of degree 13, and squaring.
    let expm (x: Tensor) : Tensor = Spectral.expm (floating x)

    /// The Kronecker product: the block (i, j) of the result is x[i, j] y. For x (..., m, n) and y (..., p, q) the result is
    /// (..., m p, n q); leading axes broadcast.
    let kron (x: Tensor) (y: Tensor) : Tensor =
        Tensor.NotNull("kron", x)
        Tensor.NotNull("kron", y)
        if x.Rank < 2 || y.Rank < 2 then
            Shape.fail
                "kron"
                $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} must have two axes each; reshape vectors to rows or columns."

        let split (t: Tensor) isOuter =
            let m, n = t.Shape[t.Rank - 2], t.Shape[t.Rank - 1]
            Structural.reshape
                (Array.append t.Shape[.. t.Rank - 3] (if isOuter then [| m; 1; n; 1 |] else [| 1; m; 1; n |]))
                t

        let product = split x true * split y false
        let last i = product.Shape[product.Rank - i]
        Structural.reshape
            (Array.append product.Shape[.. product.Rank - 5] [| last 4 * last 3; last 2 * last 1 |])
            product

    /// The sum of products over named axes: `einsum "ij,jk->ik" [ a; b ]` is the matrix product. A letter names an axis;
    /// axes of one letter run together, and letters that the result does not name are summed. A letter that comes twice in
    /// one operand takes its diagonal; `...` stands for any leading axes, which broadcast; without `->` the result has the
    /// letters that come once, in alphabetical order. Pairs are contracted as products of matrices, for up to six operands
    /// in the order with the fewest multiplications, else in a greedy one.
    let einsum (spec: string) (operands: seq<Tensor>) : Tensor = Einsum.run spec (Seq.toArray operands)

    /// The norm of matrices (..., m, n), one number for each.
    let matrixNorm (kind: MatrixNorm) (x: Tensor) : Tensor =
        let x = floating x
        Decompositions.checkMatrix "matrixNorm" x
        let last (t: Tensor) i = [| t.Rank - i |]

        match kind with
        | MatrixNorm.Frobenius ->
            let squares = sumOver [| x.Rank - 2; x.Rank - 1 |] false (Tensor.Square x)
            let isZero = Tensor.EqualTo(squares, Tensor.ScalarOf(squares, 0.0))
            let safe = Tensor.Where(isZero, Tensor.ScalarOf(squares, 1.0), squares)
            Tensor.Where(isZero, Tensor.ScalarOf(squares, 0.0), Tensor.Sqrt safe)
        | MatrixNorm.Nuclear -> let s = singularValues x in sumOver (last s 1) false s
        | _ when x.Shape[x.Rank - 2] = 0 || x.Shape[x.Rank - 1] = 0 ->
            Tensor.ZerosLike(sumOver [| x.Rank - 2; x.Rank - 1 |] false x)
        | MatrixNorm.Spectral -> let s = singularValues x in maxOver (last s 1) false s
        | MatrixNorm.One -> let sums = sumOver (last x 2) false (Tensor.Abs x) in maxOver (last sums 1) false sums
        | MatrixNorm.Infinity -> let sums = sumOver (last x 1) false (Tensor.Abs x) in maxOver (last sums 1) false sums
        | _ -> Shape.fail "matrixNorm" $"{kind} is no norm; use Frobenius, Nuclear, Spectral, One or Infinity."

    /// The largest singular value over the smallest, for each matrix (..., m, n); infinite for a singular one, 0 for an
    /// empty one.
    let cond (x: Tensor) : Tensor =
        let s = singularValues x

        if s.Shape[s.Rank - 1] = 0 then
            Tensor.ZerosLike(sumOver [| s.Rank - 1 |] false s)
        else
            maxOver [| s.Rank - 1 |] false s / minOver [| s.Rank - 1 |] false s

    /// The number of singular values above max (m, n) times the machine's precision times the largest; int64.
    let matrixRank (x: Tensor) : Tensor =
        let x = floating x
        let s = singularValues x
        let last = [| s.Rank - 1 |]

        let isCounted =
            if s.Shape[s.Rank - 1] = 0 then
                Tensor.Greater(s, Tensor.ScalarOf(s, 0.0))
            else
                Tensor.Greater(s, maxOver last true s * defaultTolerance x)

        sumOver last false isCounted

/// Linear algebra as methods of tensors, for C#. What each does, and where it fails, is said at the functions of the
/// same names in Linalg.
[<Extension>]
type LinalgExtensions =
    /// The solution X of A X = B, by elimination with partial pivoting; B holds columns, or is a vector.
    [<Extension>]
    static member Solve(a: Tensor, b: Tensor) : Tensor = Linalg.solve a b

    /// The solution X of op(A) X = B for a triangular A, of which one triangle is read.
    [<Extension>]
    static member TriangularSolve
        (
            a: Tensor,
            b: Tensor,
            [<Optional; DefaultParameterValue(true)>] lower: bool,
            [<Optional; DefaultParameterValue(false)>] transposed: bool,
            [<Optional; DefaultParameterValue(false)>] unitDiagonal: bool
        ) : Tensor =
        Linalg.triangularSolve lower transposed unitDiagonal a b

    /// The inverse of square matrices.
    [<Extension>]
    static member Inverse(x: Tensor) : Tensor = Linalg.inverse x

    /// The lower triangular L with L L^T = (A + A^T) / 2.
    [<Extension>]
    static member Cholesky(x: Tensor) : Tensor = Linalg.cholesky x

    /// The determinant; 0 for a singular matrix, and differentiable there.
    [<Extension>]
    static member Det(x: Tensor) : Tensor = Linalg.det x

    /// The sign of the determinant, and the logarithm of its magnitude.
    [<Extension>]
    static member SlogDet(x: Tensor) : struct (Tensor * Tensor) =
        let sign, logarithm = Linalg.slogdet x
        struct (sign, logarithm)

    /// A = Q R with orthonormal columns in Q, and R upper triangular with a diagonal that is not negative.
    [<Extension>]
    static member Qr(x: Tensor) : struct (Tensor * Tensor) =
        let q, r = Linalg.qr x
        struct (q, r)

    /// A = U diag(S) V^T, reduced: U, the descending S, and V^T.
    [<Extension>]
    static member Svd(x: Tensor) : struct (Tensor * Tensor * Tensor) =
        let u, s, vt = Linalg.svd x
        struct (u, s, vt)

    /// The singular values, descending.
    [<Extension>]
    static member SingularValues(x: Tensor) : Tensor = Linalg.singularValues x

    /// The ascending eigenvalues, and the eigenvectors in columns, of (A + A^T) / 2.
    [<Extension>]
    static member Eigh(x: Tensor) : struct (Tensor * Tensor) =
        let values, vectors = Linalg.eigh x
        struct (values, vectors)

    /// The eigenvalues and the eigenvectors, in columns, each as real and imaginary parts.
    [<Extension>]
    static member Eig(x: Tensor) : struct (struct (Tensor * Tensor) * struct (Tensor * Tensor)) =
        let (valuesRe, valuesIm), (vectorsRe, vectorsIm) = Linalg.eig x
        struct (struct (valuesRe, valuesIm), struct (vectorsRe, vectorsIm))

    /// The real and imaginary parts of the eigenvalues, in ascending order.
    [<Extension>]
    static member EigVals(x: Tensor) : struct (Tensor * Tensor) =
        let re, im = Linalg.eigvals x
        struct (re, im)

    /// The Moore-Penrose inverse. Singular values up to tolerance times the largest count as 0; when it is negative, that
    /// is max (m, n) times the machine's precision.
    [<Extension>]
    static member Pinv(x: Tensor, [<Optional; DefaultParameterValue(-1.0)>] tolerance: float) : Tensor =
        if tolerance < 0.0 then Linalg.pinv x else Linalg.pinvWith tolerance x

    /// The X of least length that minimises the length of A X - B.
    [<Extension>]
    static member Lstsq(a: Tensor, b: Tensor) : Tensor = Linalg.lstsq a b

    /// A whole power of square matrices.
    [<Extension>]
    static member MatrixPower(x: Tensor, power: int) : Tensor = Linalg.matrixPower power x

    /// The matrix exponential.
    [<Extension>]
    static member Expm(x: Tensor) : Tensor = Linalg.expm x

    /// The Kronecker product.
    [<Extension>]
    static member Kron(x: Tensor, y: Tensor) : Tensor = Linalg.kron x y

    /// The sum of the diagonal of matrices.
    [<Extension>]
    static member Trace(x: Tensor) : Tensor = Linalg.trace x

    /// The norm of matrices.
    [<Extension>]
    static member MatrixNorm
        (x: Tensor, [<Optional; DefaultParameterValue(MatrixNorm.Frobenius)>] kind: MatrixNorm)
        : Tensor =
        Linalg.matrixNorm kind x

    /// The largest singular value over the smallest.
    [<Extension>]
    static member Cond(x: Tensor) : Tensor = Linalg.cond x

    /// The number of singular values that are not 0 but for rounding.
    [<Extension>]
    static member MatrixRank(x: Tensor) : Tensor = Linalg.matrixRank x
