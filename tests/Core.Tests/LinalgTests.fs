/// Identities, references and conventions of linear algebra, beyond the laws of its primitives.
module Core.Tests.LinalgTests

open System
open Autodiff
open MathNet.Numerics.LinearAlgebra
open Core.Tests.Common
open Core.Tests.Primitives
open Xunit

let private t = Tensor.transpose
let private ( *@ ) x y = Tensor.matmul x y
let private eye (n: int) = Tensor.cast DType.Float64 (Tensor.eye n)
let private batchOfEye (x: Tensor) = Tensor.broadcastTo x.Shape (eye x.Shape[x.Rank - 1])
let private empty (shape: int list) = Tensor.ofArray shape Array.empty<float>
let private diagonal (s: Tensor) = Tensor.expandAxis -2 s * eye s.Shape[s.Rank - 1]

/// Shapes of matrices: square, tall, wide, batched, larger than a block, empty.
let private shapes =
    [ [| 1; 1 |]
      [| 3; 3 |]
      [| 5; 3 |]
      [| 3; 5 |]
      [| 2; 4; 3 |]
      [| 2; 2; 3; 4 |]
      [| 70; 70 |]
      [| 130; 40 |]
      [| 40; 90 |]
      [| 3; 0 |]
      [| 0; 3 |]
      [| 0; 0 |]
      [| 0; 2; 3 |] ]

let private squares = shapes |> List.filter (fun s -> s[s.Length - 1] = s[s.Length - 2])
let private both (s: int[]) = [ normal 5 s, 1e-11; Tensor.cast DType.Float32 (normal 5 s), 2e-3 ]
let private over (table: int[] list) check =
    [ for s in table do
          for x, tolerance in both s -> x, tolerance ]
    |> forEach (fun (x, _) -> $"{x.DType} {Shape.format x.Shape}") check
let private nearly tolerance (expected: Tensor) actual =
    near tolerance (Tensor.cast DType.Float64 expected) (Tensor.cast DType.Float64 actual)

[<Fact>]
let ``a matrix times its inverse is the identity, and solve undoes the product`` () =
    over squares (fun (x, tolerance) ->
        let a = x + Tensor.cast x.DType (batchOfEye x) * 20.0
        nearly tolerance (batchOfEye x) (a *@ Linalg.inverse a)
        nearly tolerance x (Linalg.solve a (a *@ x))
        nearly tolerance (Linalg.inverse a) (Linalg.solve a (Tensor.cast x.DType (batchOfEye x)))
        Assert.Equal(x.DType, (Linalg.inverse a).DType))

[<Fact>]
let ``solve of large matrices agrees with MathNet`` () =
    let a, b = normal 1 [| 150; 150 |], normal 2 [| 150; 60 |]
    near 1e-9 ((a.ToMatrix().Solve(b.ToMatrix())).ToTensor()) (Linalg.solve a b)
    near 1e-9 ((a.ToMatrix().Transpose().Solve(b.ToMatrix())).ToTensor()) (Linalg.solve (t a) b)
    near 1e-9 ((a.ToMatrix().Inverse()).ToTensor()) (Linalg.inverse a)
    let sign, logarithm = Linalg.slogdet a
    let lu = a.ToMatrix().LU()
    nearValue 1e-10 (Seq.sumBy (abs >> log) (lu.U.Diagonal())) logarithm
    nearValue 0.0 (float (Math.Sign lu.Determinant)) sign

[<Fact>]
let ``triangular solves of large matrices agree with solve`` () =
    let a = normal 1 [| 110; 110 |] * 0.02 + eye 110
    let masked isKept =
        Tensor.ofArray [ 110; 110 ] (floats a |> Array.mapi (fun i v -> if isKept (i / 110) (i % 110) then v else 0.0))

    for k in [ 1; 5 ] do
        let b = normal 2 [| 110; k |]

        for lower, triangle in [ true, masked (>=); false, masked (<=) ] do
            near 1e-11 (Linalg.solve triangle b) (Linalg.triangularSolve lower false false a b)
            near 1e-11 (Linalg.solve (t triangle) b) (Linalg.triangularSolve lower true false a b)

[<Fact>]
let ``vectors are right-hand sides of one column`` () =
    let a, b = regular 1 [| 2; 3; 3 |], normal 2 [| 3 |]
    let x = Linalg.solve a b
    Assert.Equal<int[]>([| 2; 3 |], x.Shape)
    near 1e-12 (Tensor.broadcastTo [ 2; 3 ] b) (Tensor.matmul a (Tensor.expandAxis -1 x) |> Tensor.squeeze -1)
    Assert.Equal<int[]>([| 2; 3 |], (Linalg.lstsq a b).Shape)
    Assert.Equal<int[]>([| 2; 3 |], (Linalg.triangularSolve true false false a b).Shape)

[<Fact>]
let ``the Cholesky factor times its transpose is the symmetric part`` () =
    over squares (fun (x, tolerance) ->
        let a = x *@ t x + Tensor.cast x.DType (batchOfEye x)
        let l = Linalg.cholesky a
        nearly tolerance a (l *@ t l)
        nearly tolerance l (Linalg.cholesky (a + (x - t x)))

        for v in floats (Tensor.sumAxes [ -2 ] (l * Tensor.cast x.DType (batchOfEye x))) do
            Assert.True(v > 0.0))

[<Fact>]
let ``Q R is the matrix, Q has orthonormal columns, the diagonal of R is not negative`` () =
    over shapes (fun (x, tolerance) ->
        let q, r = Linalg.qr x
        let k = min x.Shape[x.Rank - 1] x.Shape[x.Rank - 2]
        Assert.Equal(k, q.Shape[x.Rank - 1])
        nearly tolerance x (q *@ r)
        nearly tolerance (Tensor.broadcastTo (Array.append x.Shape[.. x.Rank - 3] [| k; k |]) (eye k)) (t q *@ q)
        let lead = r |> Tensor.split -1 [ k; r.Shape[r.Rank - 1] - k ] |> Array.head
        let parts = floats lead

        for i in 0 .. parts.Length - 1 do
            let row, column = i / k % k, i % k
            Assert.True(
                if row = column then parts[i] >= 0.0
                elif row > column then parts[i] = 0.0
                else true
            ))

[<Fact>]
let ``U S V is the matrix, with orthonormal vectors and descending values that agree with MathNet`` () =
    over shapes (fun (x, tolerance) ->
        let u, s, vt = Linalg.svd x
        let k = min x.Shape[x.Rank - 1] x.Shape[x.Rank - 2]
        let one = Tensor.broadcastTo (Array.append x.Shape[.. x.Rank - 3] [| k; k |]) (eye k)
        nearly tolerance x (u * Tensor.expandAxis -2 s *@ vt)
        nearly tolerance one (t u *@ u)
        nearly tolerance one (vt *@ t vt)

        if x.Rank = 2 && x.Size > 0 then
            nearly tolerance ((x.ToMatrix().Svd(false).S).ToTensor()) s
            nearly tolerance s (Linalg.singularValues (t x)))

[<Fact>]
let ``singular vectors are orthonormal also where singular values are zero or tiny`` () =
    let v = normal 1 [| 6; 1 |]

    [ Tensor.zeros [ 4; 3 ] |> Tensor.cast DType.Float64
      v *@ t (normal 2 [| 4; 1 |])
      normal 3 [| 6; 2 |] *@ normal 4 [| 2; 5 |]
      normal 3 [| 4; 4 |] * Tensor.ofArray [ 4; 1 ] [| 1.0; 0.0; 1.0; 1.0 |]
      normal 3 [| 6; 4 |] * Tensor.ofArray [ 6; 1 ] [| 1.0; 0.0; 0.0; 0.0; 1.0; 0.0 |]
      normal 3 [| 5; 5 |] * 1e-200
      normal 3 [| 5; 5 |] * 1e200
      diagonal (vector [ 1.0; 1e-30; 1e30; 0.0 ]) ]
    |> forEach string (fun x ->
        let u, s, vt = Linalg.svd x
        let k = s.Size
        let largest = max 1e-300 (Array.head (floats s))
        near 1e-13 (x / largest) (u * s / largest *@ vt)
        near 1e-13 (eye k) (t u *@ u)
        near 1e-13 (eye k) (vt *@ t vt))

[<Fact>]
let ``eigenvectors diagonalise the symmetric part, values ascend and agree with MathNet`` () =
    over squares (fun (x, tolerance) ->
        let values, v = Linalg.eigh x
        let symmetric = (x + t x) * 0.5
        nearly tolerance symmetric (v * Tensor.expandAxis -2 values *@ t v)
        nearly tolerance (batchOfEye x) (t v *@ v)

        if x.Rank = 2 then
            let found = floats values
            Assert.Equal<float[]>(Array.sort found, found))

[<Fact>]
let ``eigenvectors and left singular vectors have a positive largest entry`` () =
    let x = normal 8 [| 7; 7 |]
    let u, _, _ = Linalg.svd x

    for vectors in [ snd (Linalg.eigh x); u ] do
        let columns = (Reference.matrices (t vectors))[0]

        for i in 0..6 do
            Assert.True(Array.maxBy abs columns[i, *] > 0.0)

[<Fact>]
let ``singular vectors and values of a matrix with an entry that is not finite are all NaN`` () =
    for bad in [ nan; infinity ] do
        let struct (u, s, vt) = (rows [ [ 1.0; 2.0 ]; [ bad; 1.0 ]; [ 3.0; 4.0 ] ]).Svd()

        for x in [ u; s; vt ] do
            Assert.All(floats x, fun v -> Assert.True(Double.IsNaN v))

[<Fact>]
let ``the determinant of a product is the product of determinants`` () =
    let a, b = normal 1 [| 3; 5; 5 |], normal 2 [| 3; 5; 5 |]
    near 1e-11 (Linalg.det a * Linalg.det b) (Linalg.det (a *@ b))
    let sign, logarithm = Linalg.slogdet a
    near 1e-12 (Linalg.det a) (sign * exp logarithm)

[<Fact>]
let ``the exponential of the negative is the inverse, also where it is scaled`` () =
    for scale in [ 0.01; 1.0; 4.0 ] do
        let x = normal 3 [| 2; 4; 4 |] * scale
        let product = Linalg.expm x *@ Linalg.expm -x
        // The product of two large matrices loses what their sizes say.
        let lost = 1e-14 * (Tensor.max (abs (Linalg.expm x)) * Tensor.max (abs (Linalg.expm -x))).ToDouble()
        near (1e-12 + lost) (batchOfEye x) product

    let angle = Tensor.ofRows [ [ 0.0; -30.0 ]; [ 30.0; 0.0 ] ]
    near 1e-12 (Tensor.ofRows [ [ cos 30.0; -(sin 30.0) ]; [ sin 30.0; cos 30.0 ] ]) (Linalg.expm angle)
    // Each matrix of a batch is scaled on its own.
    let small, large = normal 1 [| 3; 3 |], normal 2 [| 3; 3 |] * 30.0
    let stacked = Linalg.expm (Tensor.stack 0 [ small; large ])
    Assert.True(sameBits (Linalg.expm small) stacked[0])
    Assert.All(floats (Linalg.expm (angle * nan)), fun v -> Assert.True(Double.IsNaN v))

[<Fact>]
let ``the pseudoinverse satisfies the four equations of Penrose, at any rank`` () =
    let low = normal 1 [| 5; 2 |] *@ normal 2 [| 2; 4 |]

    for x in [ low; t low; normal 3 [| 2; 5; 3 |]; normal 3 [| 3; 5 |]; Tensor.zerosLike low ] do
        let p = Linalg.pinv x
        near 1e-12 x (x *@ p *@ x)
        near 1e-12 p (p *@ x *@ p)
        near 1e-12 (t (x *@ p)) (x *@ p)
        near 1e-12 (t (p *@ x)) (p *@ x)

[<Fact>]
let ``least squares agree with MathNet, and take the shortest of many solutions`` () =
    let a, b = normal 1 [| 8; 3 |], normal 2 [| 8; 2 |]
    near 1e-12 ((a.ToMatrix().QR().Solve(b.ToMatrix())).ToTensor()) (Linalg.lstsq a b)
    let x = Linalg.lstsq (t a) (normal 3 [| 3 |])
    near 1e-12 (normal 3 [| 3 |]) (t a *@ x)
    near 1e-12 x (a *@ Linalg.lstsq a x)

[<Fact>]
let ``powers, traces, Kronecker products, norms, condition and rank follow their definitions`` () =
    let a, b = regular 1 [| 2; 3; 3 |], normal 2 [| 2; 4 |]
    near 1e-11 (a *@ a *@ a *@ a *@ a) (Linalg.matrixPower 5 a)
    near 1e-11 (Linalg.inverse (a *@ a *@ a)) (Linalg.matrixPower -3 a)
    near 0.0 (batchOfEye a) (Linalg.matrixPower 0 a)
    near
        1e-13
        (Tensor.ofSeq (Reference.matrices a |> Array.map (fun m -> m[0, 0] + m[1, 1] + m[2, 2])))
        (Linalg.trace a)
    nearValue 1e-14 (b[0, 0].ToDouble()) (Linalg.trace b - b[1, 1])
    near 1e-13 ((b.ToMatrix().KroneckerProduct(a[0].ToMatrix())).ToTensor()) (Linalg.kron b a[0])
    Assert.Equal<int[]>([| 2; 6; 12 |], (Linalg.kron b a).Shape)
    let m = b.ToMatrix()
    nearValue 1e-12 (m.FrobeniusNorm()) (Linalg.matrixNorm MatrixNorm.Frobenius b)
    nearValue 1e-12 (m.L1Norm()) (Linalg.matrixNorm MatrixNorm.One b)
    nearValue 1e-12 (m.InfinityNorm()) (Linalg.matrixNorm MatrixNorm.Infinity b)
    nearValue 1e-12 (m.L2Norm()) (Linalg.matrixNorm MatrixNorm.Spectral b)
    nearValue 1e-12 (m.Svd().S.Sum()) (Linalg.matrixNorm MatrixNorm.Nuclear b)
    nearValue 1e-11 (a[0].ToMatrix().ConditionNumber()) (Linalg.cond a[0])
    let low = normal 1 [| 5; 2 |] *@ normal 2 [| 2; 4 |]
    Assert.Equal<int64[]>(
        [| 2L; 4L; 0L |],
        Tensor.stack 0 [ low; normal 3 [| 5; 4 |]; low * 0.0 ] |> Linalg.matrixRank |> Tensor.toArray<int64>
    )

[<Fact>]
let ``empty matrices have the values of empty sums and products`` () =
    let none = empty [ 2; 0; 0 ]
    near 0.0 (vector [ 1.0; 1.0 ]) (Linalg.det none)
    near 0.0 (vector [ 0.0; 0.0 ]) (snd (Linalg.slogdet none))
    near 0.0 (vector [ 0.0; 0.0 ]) (Linalg.trace none)
    near 0.0 (vector [ 0.0; 0.0 ]) (Linalg.matrixNorm MatrixNorm.Spectral none)
    Assert.Equal<int[]>([| 4; 3 |], (Linalg.pinv (empty [ 3; 0 ]) |> fun p -> Tensor.matmul (empty [ 4; 0 ]) p).Shape)
    Assert.Equal<int[]>([| 2; 0; 0 |], (Linalg.expm none).Shape)
    Assert.Equal<int64[]>([| 0L; 0L |], Linalg.matrixRank none |> Tensor.toArray<int64>)

[<Fact>]
let ``integers become float32`` () =
    let x = Tensor.ofRows [ [ 2; 1 ]; [ 1; 2 ] ]
    Assert.Equal(DType.Float32, (Linalg.inverse x).DType)
    nearly 1e-6 (scalar 3.0) (Linalg.det x)
    Assert.Equal(DType.Float64, (Linalg.solve x (vector [ 1.0; 2.0 ])).DType)

// Derivatives.

let private checkGrads f x = CheckGrads.Run(Func<Tensor, Tensor> f, x)

/// Functions of matrices whose derivatives go through several primitives.
let private functions: (string * (Tensor -> Tensor) * Tensor) list =
    let a = regular 1 [| 2; 3; 3 |]
    let b = normal 2 [| 3; 2 |]

    [ "solve", (fun x -> Linalg.solve x b), a
      "solve for a vector", (fun x -> Linalg.solve x x[0, 0]), a
      "triangularSolve", (fun x -> Linalg.triangularSolve false true false x b), a
      "inverse", Linalg.inverse, a
      "cholesky", Linalg.cholesky, a
      "log determinant by cholesky",
      (fun x -> Linalg.cholesky x |> fun l -> Tensor.sum (log (l * eye 3 + (1.0 - eye 3)))),
      a
      "det", Linalg.det, regular 3 [| 5; 5 |]
      "slogdet", (fun x -> snd (Linalg.slogdet x)), a
      "qr of tall", (fun x -> let q, r = Linalg.qr x in q *@ sin r), spread 4 5 3
      "qr of wide", (fun x -> let q, r = Linalg.qr x in sin q *@ r), spread 4 3 5 + normal 3 [| 3; 5 |] * 0.1
      "svd of tall", (fun x -> let u, s, vt = Linalg.svd x in sin u * Tensor.expandAxis -2 s *@ vt), spread 5 4 3
      "svd of wide", (fun x -> let u, s, vt = Linalg.svd x in u * Tensor.expandAxis -2 s *@ sin vt), spread 5 3 4
      "eigh", (fun x -> let values, v = Linalg.eigh x in sin v * Tensor.expandAxis -2 values *@ t v), symmetric 6 3
      "pinv", Linalg.pinv, spread 7 4 3
      "lstsq", (fun x -> Linalg.lstsq x (normal 8 [| 4 |])), spread 7 4 3
      "expm", Linalg.expm, normal 9 [| 3; 3 |] * 0.5
      "expm of large", (fun x -> Linalg.expm (x * 20.0) * 1e-3), normal 9 [| 2; 2 |] * 0.05 + 0.1 * eye 2
      "matrixPower", Linalg.matrixPower -2, a
      "kron", (fun x -> Linalg.kron x (sin x)), normal 10 [| 2; 3 |]
      "trace", (fun x -> Linalg.trace (x *@ x)), a
      "einsum", (fun x -> Linalg.einsum "aij,ajk,akk->ik" [ x; sin x; x ]), a
      "nuclear norm", Linalg.matrixNorm MatrixNorm.Nuclear, spread 11 3 4
      "spectral norm", Linalg.matrixNorm MatrixNorm.Spectral, spread 11 3 4
      "one norm", Linalg.matrixNorm MatrixNorm.One, normal 12 [| 3; 4 |]
      "infinity norm", Linalg.matrixNorm MatrixNorm.Infinity, normal 12 [| 3; 4 |]
      "frobenius norm", Linalg.matrixNorm MatrixNorm.Frobenius, normal 12 [| 3; 4 |]
      "cond", Linalg.cond, spread 13 3 3 ]

[<Fact>]
let ``all functions have right derivatives to the second order, in all mixes of modes`` () =
    functions |> forEach (fun (name, _, _) -> name) (fun (_, f, x) -> checkGrads f x)

[<Fact>]
let ``third derivatives are right`` () =
    functions
    |> List.filter (fun (name, _, _) ->
        List.contains name [ "cholesky"; "inverse"; "det"; "expm"; "qr of tall"; "eigh" ])
    |> forEach (fun (name, _, _) -> name) (fun (_, f, x) ->
        CheckGrads.Run(Func<Tensor, Tensor> f, x, order = 3, tolerance = 1e-5))

[<Fact>]
let ``the second derivative of Cholesky is that of the square root for a matrix of order 1`` () =
    let f (x: Tensor) = Tensor.sum (Linalg.cholesky x)
    near 1e-14 (Tensor.reshape [ 1; 1; 1; 1 ] (scalar (-0.25 * 4.0 ** -1.5))) (hessian f (Tensor.ofRows [ [ 4.0 ] ]))

[<Fact>]
let ``derivatives of functions of symmetric matrices are symmetric`` () =
    let x = symmetric 1 4 *@ t (symmetric 1 4)

    for f in [ Linalg.cholesky >> Tensor.sum; Linalg.eigh >> fst >> square >> Tensor.sum ] do
        let g = grad f x
        near 1e-12 (t g) g

    near
        1e-11
        (Linalg.inverse x)
        (grad (fun x -> let l = Linalg.cholesky x in 2.0 * Tensor.sum (log (l * eye 4 + (1.0 - eye 4)))) x)

let private adjugateByDifferences (x: Tensor) =
    // The determinant is linear in each entry, so that differences are exact but for rounding.
    let n = x.Shape[0]
    let unit i =
        Tensor.reshape [ n; n ] (Tensor.ofArray [ n * n ] (Array.init (n * n) (fun k -> if k = i then 1.0 else 0.0)))
    let det x = Reference.matrices x |> Array.head |> Reference.det
    Tensor.ofArray [ n; n ] (Array.init (n * n) (fun i -> (det (x + unit i) - det (x - unit i)) / 2.0))

/// A matrix of order n and the given rank.
let private ofRank n rank = normal 21 [| n; rank |] *@ normal 22 [| rank; n |]

[<Fact>]
let ``the determinant of a singular matrix is 0 and its derivative the adjugate`` () =
    for n in 2..6 do
        let x = ofRank n (n - 1)
        nearValue 1e-12 0.0 (Linalg.det x)
        near 1e-9 (adjugateByDifferences x) (grad Linalg.det x)
        // A row of zeros makes a pivot exactly zero.
        let zeroed = x * Tensor.ofArray [ n; 1 ] (Array.init n (fun i -> if i = 1 then 0.0 else 1.0))
        nearValue 0.0 0.0 (Linalg.det zeroed)
        near 1e-9 (adjugateByDifferences zeroed) (grad Linalg.det zeroed)
        near 1e-9 (Tensor.zerosLike x) (grad Linalg.det (ofRank n (n - 2)))

    near 0.0 (Tensor.ofRows [ [ 1.0 ] ]) (grad (Linalg.det) (Tensor.ofRows [ [ 0.0 ] ]))
    near
        0.0
        (Tensor.zeros [ 3; 3 ] |> Tensor.cast DType.Float64)
        (grad Linalg.det (Tensor.cast DType.Float64 (Tensor.zeros [ 3; 3 ])))

[<Fact>]
let ``higher derivatives of the determinant are right at rank n - 1, up to order 3 at every rank`` () =
    for x in
        [ ofRank 4 3
          ofRank 6 5
          Tensor.stack 0 [ ofRank 5 4; regular 1 [| 5; 5 |] ]
          ofRank 3 2
          ofRank 3 1
          ofRank 2 0 ] do
        checkGrads Linalg.det x
        checkGrads (grad (Linalg.det >> Tensor.sum)) x

    near
        0.0
        (Tensor.ofArray
            [ 2; 2; 2; 2 ]
            [| 0.0; 0.0; 0.0; 1.0; 0.0; 0.0; -1.0; 0.0; 0.0; -1.0; 0.0; 0.0; 1.0; 0.0; 0.0; 0.0 |])
        (hessian Linalg.det (Tensor.cast DType.Float64 (Tensor.zeros [ 2; 2 ])))
    near
        0.0
        (Tensor.zeros [ 5; 5; 5; 5 ] |> Tensor.cast DType.Float64)
        (hessian Linalg.det (Tensor.cast DType.Float64 (Tensor.zeros [ 5; 5 ])))

[<Fact>]
let ``slogdet of a singular matrix is minus infinity with the sign 0`` () =
    let sign, logarithm = Linalg.slogdet (Tensor.ofRows [ [ 1.0; 2.0 ]; [ 2.0; 4.0 ] ])
    nearValue 0.0 0.0 sign
    nearValue 0.0 -infinity logarithm

[<Fact>]
let ``repeated eigenvalues and singular values leave derivatives finite, and right for functions of the values`` () =
    let x = eye 4
    near 1e-12 (2.0 * x) (grad (fun x -> Tensor.sum (square (fst (Linalg.eigh x)))) x)
    near 1e-12 (2.0 * x) (grad (fun x -> Tensor.sum (square (Linalg.singularValues x))) x)
    // Equal but for rounding.
    let q, _ = Linalg.qr (normal 1 [| 4; 4 |])
    let twins = q * vector [ 1.0; 1.0; 3.0; 3.0 ] *@ t q
    near 1e-12 (3.0 * (twins *@ twins)) (grad (fun x -> Tensor.sum (fst (Linalg.eigh x) ** 3.0)) twins)
    near
        1e-12
        (q * vector [ 3.0; 3.0; 27.0; 27.0 ] *@ t q)
        (grad (fun x -> Tensor.sum (Linalg.singularValues x ** 3.0)) twins)

    for f in [ Linalg.eigh >> snd; (fun x -> let u, _, _ = Linalg.svd x in u) ] do
        for x in [ x; twins; Tensor.zerosLike x ] do
            Assert.All(floats (grad (f >> sin >> Tensor.sum) x), fun v -> Assert.True(Double.IsFinite v))

// Errors.

let private a33 = regular 1 [| 3; 3 |]
let private singular = Tensor.stack 0 [ a33; Tensor.zerosLike a33 ] |> Tensor.reshape [ 1; 2; 3; 3 ]
let private run (f: unit -> 'a) : unit -> unit = fun () -> f () |> ignore

let private errors: (string * (unit -> unit) * string list) list =
    [ "solve singular",
      run (fun () -> Linalg.solve singular (vector [ 1.0; 2.0; 3.0 ])),
      [ "solve: "; "batch position (0, 1)"; "singular"; "column 0"; "lstsq" ]
      "solve singular matrix",
      run (fun () -> Linalg.solve (Tensor.ofRows [ [ 1.0; 2.0 ]; [ 2.0; 4.0 ] ]) (vector [ 1.0; 2.0 ])),
      [ "solve: the matrix, of shape (2, 2), is singular"; "column 1" ]
      "solve shapes",
      run (fun () -> Linalg.solve a33 (vector [ 1.0; 2.0 ])),
      [ "solve: "; "(3, 3)"; "(2, 1)"; "3 rows" ]
      "solve wide",
      run (fun () -> Linalg.solve (normal 1 [| 2; 3 |]) (vector [ 1.0; 2.0 ])),
      [ "solve: "; "(2, 3)"; "square" ]
      "inverse singular",
      run (fun () -> Linalg.inverse singular),
      [ "inverse: "; "batch position (0, 1)"; "singular"; "pinv" ]
      "inverse of a vector", run (fun () -> Linalg.inverse (vector [ 1.0 ])), [ "inverse: "; "(1)"; "two axes" ]
      "triangularSolve singular",
      run (fun () -> Linalg.triangularSolve true false false singular a33),
      [ "triangularSolve: "; "batch position (0, 1)"; "row 0" ]
      "cholesky indefinite",
      run (fun () -> Linalg.cholesky (Tensor.stack 0 [ a33; -a33 ])),
      [ "cholesky: "; "batch position (1)"; "positive definite"; "identity" ]
      "det of wide", run (fun () -> Linalg.det (normal 1 [| 2; 3 |])), [ "det: "; "(2, 3)"; "square" ]
      "slogdet derivative at a singular matrix",
      run (fun () -> grad (Linalg.slogdet >> snd >> Tensor.sum) singular),
      [ "inverse: "; "singular" ]
      "qr of a vector", run (fun () -> Linalg.qr (vector [ 1.0 ])), [ "qr: "; "(1)"; "two axes" ]
      "svd of a scalar", run (fun () -> Linalg.svd (scalar 1.0)), [ "svd: "; "()"; "two axes" ]
      "eigh of wide", run (fun () -> Linalg.eigh (normal 1 [| 2; 3 |])), [ "eigh: "; "(2, 3)"; "square" ]
      "pinv of a vector", run (fun () -> Linalg.pinv (vector [ 1.0 ])), [ "pinv: "; "(1)" ]
      "lstsq", run (fun () -> Linalg.lstsq a33 (vector [ 1.0; 2.0 ])), [ "lstsq: "; "3 rows"; "(2, 1)" ]
      "expm of wide", run (fun () -> Linalg.expm (normal 1 [| 2; 3 |])), [ "expm: "; "(2, 3)"; "square" ]
      "matrixPower of wide",
      run (fun () -> Linalg.matrixPower 2 (normal 1 [| 2; 3 |])),
      [ "matrixPower: "; "(2, 3)"; "square" ]
      "trace of a vector", run (fun () -> Linalg.trace (vector [ 1.0 ])), [ "trace: "; "(1)"; "two axes" ]
      "kron of a vector", run (fun () -> Linalg.kron a33 (vector [ 1.0 ])), [ "kron: "; "(1)"; "two axes"; "reshape" ]
      "matrixNorm kind", run (fun () -> Linalg.matrixNorm (enum 9) a33), [ "matrixNorm: "; "9"; "Frobenius" ]
      "einsum letters", run (fun () -> Linalg.einsum "i1->i" [ a33 ]), [ "einsum: "; "'1'"; "letters" ]
      "einsum operands", run (fun () -> Linalg.einsum "ij,jk->ik" [ a33 ]), [ "einsum: "; "2 operands"; "1 were given" ]
      "einsum rank", run (fun () -> Linalg.einsum "ijk->i" [ a33 ]), [ "einsum: "; "3 axes"; "(3, 3)" ]
      "einsum lengths",
      run (fun () -> Linalg.einsum "ij,jk->ik" [ a33; normal 1 [| 2; 2 |] ]),
      [ "einsum: "; "'j'"; "length 2"; "length 3" ]
      "einsum result", run (fun () -> Linalg.einsum "ij->ik" [ a33 ]), [ "einsum: "; "'k'"; "names no axis" ]
      "einsum result twice", run (fun () -> Linalg.einsum "ij->ii" [ a33 ]), [ "einsum: "; "twice" ]
      "einsum arrows", run (fun () -> Linalg.einsum "i->j->k" [ a33 ]), [ "einsum: "; "more than one '->'" ]
      "einsum ellipses", run (fun () -> Linalg.einsum "...i...->i" [ a33 ]), [ "einsum: "; "more than one ellipsis" ]
      "einsum of nothing", run (fun () -> Linalg.einsum "" []), [ "einsum: "; "no operands" ] ]

[<Fact>]
let ``every mistake raises an ArgumentException that names the operation, what it got and the mend`` () =
    areErrors errors

[<Fact>]
let ``NaN spreads and is no error`` () =
    let x = a33 * nan

    for f in
        [ Linalg.inverse
          Linalg.cholesky
          Linalg.det
          Linalg.expm
          Linalg.qr >> snd
          Linalg.singularValues
          Linalg.eigh >> snd
          Linalg.pinv ] do
        Assert.All(floats (Tensor.sum (f x)), fun v -> Assert.True(Double.IsNaN v))

[<Fact>]
let ``eigenvalues and vectors of general matrices satisfy what defines them`` () =
    for seed, n in [ 1, 1; 2, 2; 3, 5; 4, 12; 5, 40 ] do
        let x = normal seed [| n; n |]
        let (lr, li), (vr, vi) = Linalg.eig x
        near 1e-11 (vr * lr - vi * li) (Tensor.matmul x vr)
        near 1e-11 (vr * li + vi * lr) (Tensor.matmul x vi)
        near 1e-13 (Tensor.onesLike lr) (Tensor.sumAxes [ 0 ] (vr * vr + vi * vi))
        let values = Array.zip (floats lr) (floats li)
        Assert.Equal<(float * float)[]>(Array.sort values, values)
        near 1e-11 (Linalg.trace x) (Tensor.sum lr)
        let sizes = vr * vr + vi * vi
        let largest = Tensor.argmax 0 sizes |> Tensor.expandAxis 0
        near 0.0 (Tensor.zerosLike lr) (Tensor.gather 0 largest vi |> Tensor.flatten)
        Assert.All(floats (Tensor.gather 0 largest vr), fun v -> Assert.True(v > 0.0))

[<Fact>]
let ``eigenvalues of a turn, of a companion matrix and of a symmetric one are known`` () =
    let (re, im), (vr, vi) = Linalg.eig (rows [ [ 0.0; -2.0 ]; [ 2.0; 0.0 ] ])
    near 1e-15 (vector [ 0.0; 0.0 ]) re
    near 1e-15 (vector [ -2.0; 2.0 ]) im
    near 1e-15 (rows [ [ sqrt 0.5; sqrt 0.5 ]; [ 0.0; 0.0 ] ]) vr
    near 1e-15 (rows [ [ 0.0; 0.0 ]; [ sqrt 0.5; -(sqrt 0.5) ] ]) vi
    // x^3 - 6 x^2 + 11 x - 6 = (x - 1) (x - 2) (x - 3).
    let companion = rows [ [ 6.0; -11.0; 6.0 ]; [ 1.0; 0.0; 0.0 ]; [ 0.0; 1.0; 0.0 ] ]
    near 1e-13 (vector [ 1.0; 2.0; 3.0 ]) (fst (Linalg.eigvals companion))
    let s = let a = normal 6 [| 6; 6 |] in a + Tensor.transpose a
    near 1e-12 (fst (Linalg.eigh s)) (fst (Linalg.eigvals s))
    // A matrix on which iterations without exceptional shifts do not end.
    let (re, _) =
        Linalg.eigvals (
            rows
                [ [ 0.0; 0.0; 0.0; 0.0; 0.0 ]
                  [ 0.0; 0.0; 0.0; 0.0; 1.0 ]
                  [ 0.0; 0.0; 0.0; 1.0; 0.0 ]
                  [ 1.0; 1.0; 0.0; 0.0; 1.0 ]
                  [ 1.0; 0.0; 1.0; 0.0; 1.0 ] ]
        )
    nearValue 1e-13 1.0 (Tensor.sum re)
    Assert.True(Double.IsNaN((Tensor.sum (fst (Linalg.eigvals (rows [ [ nan; 1.0 ]; [ 0.0; 1.0 ] ])))).ToDouble()))

[<Fact>]
let ``derivatives of eigenvalues are known where they have vectors, and NaN for vectors of equal values`` () =
    let x = normal 7 [| 5; 5 |]
    let total power x = let re, im = Linalg.eigvals x in Tensor.sum (if power = 1 then re else re * re - im * im)
    // Sums of powers of the eigenvalues are traces of powers.
    near 1e-12 (Tensor.cast DType.Float64 (Tensor.eye 5)) (grad (total 1) x)
    near 1e-11 (Tensor.transpose x * 2.0) (grad (total 2) x)
    let direction = normal 8 [| 5; 5 |]
    near 1e-10 (Tensor.transpose direction * 2.0) (hvp (total 2) x direction)
    // Equal values with vectors enough: the values have a derivative, the vectors none.
    let one = Tensor.cast DType.Float64 (Tensor.eye 3)
    near 1e-15 one (grad (total 1) one)
    let vectors x = let _, (re, _) = Linalg.eig x in Tensor.sum (re * normal 9 [| 3; 3 |])
    Assert.Contains(floats (grad vectors one), fun v -> Double.IsNaN v)
