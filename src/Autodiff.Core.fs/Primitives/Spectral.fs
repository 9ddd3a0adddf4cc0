namespace Autodiff

open System
open Autodiff.Kernels

/// Orthogonal factorizations of the last two axes, and functions of matrices. A primitive has one output: factors lie
/// side by side in it, to be sliced apart.
module internal Spectral =
    open Decompositions

    let private t (x: Tensor) = swapLast x
    let private half (x: Tensor) = (x + t x) * 0.5
    let private like (x: Tensor) shape = { Shape = shape; DType = x.DType }

    // What is computed in several steps is rounded once, at their end.
    let private computed (x: NDArray) : Tensor = Tensor.Cast(Concrete x, DTypes.ComputeType x.DType)
    let private stored (out: TensorType) (y: Tensor) : NDArray = Tensor.Cast(y, out.DType).Array
    let private ofRows (x: Tensor) rows columns = Array.append x.Shape[.. x.Rank - 3] [| rows; columns |]
    let private joinRows (parts: Tensor[]) = concat -2 parts

    /// A vector, which is the last axis, as a row.
    let private asRow (v: Tensor) = expandAxis (v.Rank - 1) v

    /// A vector, which is the last axis, on the diagonal of a matrix.
    let private asDiagonal (v: Tensor) = asRow v * eyeLike v v.Shape[v.Rank - 1]

    let private epsilonOf (x: Tensor) = DTypes.Epsilon x.DType

    /// 1 / x where x is larger than a bound, 0 elsewhere.
    let private reciprocalAbove (bound: Tensor) (x: Tensor) : Tensor =
        let isLarge = Tensor.Greater(Tensor.Abs x, bound)
        let safe = Tensor.Where(isLarge, x, Tensor.ScalarOf(x, 1.0))
        Tensor.Where(isLarge, Tensor.Reciprocal safe, Tensor.ScalarOf(x, 0.0))

    /// What rounding alone makes of two equal values: n epsilon times the largest magnitude (..., 1, 1).
    let private rounding (values: Tensor) =
        let largest = Tensor.StopGradient(maxOver [| values.Rank - 1 |] true (Tensor.Abs values))
        expandAxis -1 largest * (float values.Shape[values.Rank - 1] * epsilonOf values)

    // Q R with at least as many rows as columns.

    let private qrP =
        let split (packed: Tensor) =
            let n = columnsOf packed
            let m = rowsOf packed - n
            rowsFrom 0 m packed, rowsFrom m n packed

        let upper = { Lower = false; Transposed = false; UnitDiagonal = false }
        // B R^-1 and B R^-T.
        let divide (r: Tensor) (b: Tensor) = t (triangularSolve { upper with Transposed = true } r (t b))
        let divideTransposed r b = t (triangularSolve upper r (t b))
        let below (x: Tensor) = keep (>) x

        { new Primitive("qr") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                let x = inputs[0]
                checkMatrix "qr" x

                if rowsOf x < columnsOf x then
                    Shape.fail "qr" $"a matrix of shape {Shape.format x.Shape} has fewer rows than columns."

                like x (ofRows x (rowsOf x + columnsOf x) (columnsOf x))

            member _.Value(inputs, _) = inputs[0].Device.Qr inputs[0]

            member _.Jvp(_, output, tangents) =
                let q, r = split output
                let moved = divide r tangents[0]
                let c = matmul (t q) moved
                // The antisymmetric part turns Q, the rest is upper triangular and changes R.
                let low = below c
                let change = c - (low - t low)
                joinRows [| moved - matmul q change; matmul change r |]

            member _.Vjp(_, output, ct, _) =
                let q, r = split output
                let qCt, rCt = split ct
                let m = matmul r (t rCt) - matmul (t qCt) q
                let low = below m
                divideTransposed r (qCt + matmul q (low + t low + keep (=) m)) }

    let private tallQr (x: Tensor) : Tensor * Tensor =
        let m, n = rowsOf x, columnsOf x
        let packed = Tensor.Bind(qrP, x)
        rowsFrom 0 m packed, rowsFrom m n packed

    let qr (x: Tensor) : Tensor * Tensor =
        checkMatrix "qr" x
        let m, n = rowsOf x, columnsOf x

        if m >= n then
            tallQr x
        else
            let q, r = tallQr (lastFrom 0 m x)
            q, concat -1 [| r; matmul (t q) (lastFrom m (n - m) x) |]

    // Eigenvalues and eigenvectors of the symmetric part.

    let private eighP =
        let split (packed: Tensor) =
            let n = rowsOf packed
            reshape packed.Shape[.. packed.Rank - 2] (lastFrom 0 1 packed), lastFrom 1 n packed

        // 1 / (l_j - l_i); 0 where the two are equal but for rounding.
        let gaps (values: Tensor) = reciprocalAbove (rounding values) (asRow values - expandAxis -1 values)

        { new Primitive("eigh") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "eigh" inputs[0]
                like inputs[0] (ofRows inputs[0] (rowsOf inputs[0]) (rowsOf inputs[0] + 1))

            member _.Value(inputs, _) = inputs[0].Device.Eigh inputs[0]

            member _.Jvp(inputs, output, tangents) =
                let values, v = split output

                if inputs[0].Size = 0 then
                    null
                else
                    let c = matmul (t v) (matmul (half tangents[0]) v)
                    concat -1 [| expandAxis -1 (diagonal c); matmul v (gaps values * c) |]

            member _.Vjp(inputs, output, ct, _) =
                let values, v = split output
                let valuesCt, vCt = split ct

                if inputs[0].Size = 0 then
                    null
                else
                    half (matmul v (matmul (asDiagonal valuesCt + gaps values * matmul (t v) vCt) (t v))) }

    let eigh (x: Tensor) : Tensor * Tensor =
        let packed = Tensor.Bind(eighP, x)
        reshape x.Shape[.. x.Rank - 2] (lastFrom 0 1 packed), lastFrom 1 (rowsOf x) packed

    // Singular values and vectors with at least as many rows as columns.

    let private splitSvd (packed: Tensor) =
        let n = columnsOf packed
        let m = rowsOf packed - 1 - n
        rowsFrom 0 m packed,
        reshape (Array.append packed.Shape[.. packed.Rank - 3] [| n |]) (rowsFrom m 1 packed),
        rowsFrom (m + 1) n packed

    let private svdP =
        // 1 / (s_j^2 - s_i^2), factored so that small values keep their digits; 0 where the two are equal but for rounding.
        let gaps (s: Tensor) =
            let row, column = asRow s, expandAxis -1 s
            reciprocalAbove (rounding s) (row - column) * reciprocalAbove (rounding s) (row + column)

        let inverses (s: Tensor) = reciprocalAbove (rounding s) (asRow s)

        { new Primitive("svd") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                let x = inputs[0]
                checkMatrix "svd" x

                if rowsOf x < columnsOf x then
                    Shape.fail "svd" $"a matrix of shape {Shape.format x.Shape} has fewer rows than columns."

                like x (ofRows x (rowsOf x + 1 + columnsOf x) (columnsOf x))

            member _.Value(inputs, _) = inputs[0].Device.Svd inputs[0]

            member _.Jvp(inputs, output, tangents) =
                if inputs[0].Size = 0 then
                    null
                else
                    let u, s, v = splitSvd output
                    let moved = matmul tangents[0] v
                    let c = matmul (t u) moved
                    let row, column, gap = asRow s, expandAxis -1 s, gaps s
                    let du = matmul u (gap * (c * row + t c * column))
                    let dv = matmul v (gap * (c * column + t c * row))
                    // What leaves the span of U.
                    let outside = (moved - matmul u c) * inverses s
                    joinRows [| du + outside; asRow (diagonal c); dv |]

            member _.Vjp(inputs, output, ct, _) =
                if inputs[0].Size = 0 then
                    null
                else
                    let u, s, v = splitSvd output
                    let uCt, sCt, vCt = splitSvd ct
                    let row, column, gap = asRow s, expandAxis -1 s, gaps s
                    let a, b = matmul (t u) uCt, matmul (t v) vCt
                    let a, b = gap * (a - t a), gap * (b - t b)
                    let inside = a * row + column * b + asDiagonal sCt
                    let scaled = uCt * inverses s
                    let outside = scaled - matmul u (matmul (t u) scaled)
                    matmul (matmul u inside + outside) (t v) }

    let rec svd (x: Tensor) : Tensor * Tensor * Tensor =
        checkMatrix "svd" x

        if rowsOf x < columnsOf x then
            let u, s, v = svd (t x)
            t v, s, t u
        else
            let u, s, v = splitSvd (Tensor.Bind(svdP, x))
            u, s, t v

    // The pseudoinverse. G. Golub and V. Pereyra, The differentiation of pseudo-inverses (1973).
    let private pinvP (tolerance: float) =
        { new Primitive("pinv") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Parameters = [ "tolerance", box tolerance ]

            member _.Shape inputs =
                checkMatrix "pinv" inputs[0]
                like inputs[0] (ofRows inputs[0] (columnsOf inputs[0]) (rowsOf inputs[0]))

            member _.Value(inputs, out) =
                let x = computed inputs[0]

                if x.Size = 0 then
                    x.Device.Fill(out.DType, out.Shape, 0.0)
                else
                    let u, s, vt = svd x
                    let bound = maxOver [| s.Rank - 1 |] true s * tolerance
                    stored out (matmul (t vt * asRow (reciprocalAbove bound s)) (t u))

            member _.Jvp(inputs, p, tangents) =
                let a, d = inputs[0], tangents[0]
                let dt = t d
                let left = matmul dt (eyeLike a (rowsOf a) - matmul a p)
                let right = matmul (eyeLike a (columnsOf a) - matmul p a) dt
                matmul p (matmul (t p) left) + matmul (matmul right (t p)) p - matmul p (matmul d p)

            member _.Vjp(inputs, p, ct, _) =
                let a, g = inputs[0], t ct
                let left = matmul (matmul (g - matmul a (matmul p g)) p) (t p)
                let right = matmul (t p) (matmul p (g - matmul (matmul g p) a))
                left + right - matmul (t p) (matmul ct (t p)) }

    let pinv tolerance (x: Tensor) : Tensor = Tensor.Bind(pinvP tolerance, x)

    // The exponential. N. Higham, The scaling and squaring method for the matrix exponential revisited (2005).

    let private pade =
        [| 64764752532480000.0
           32382376266240000.0
           7771770303897600.0
           1187353796428800.0
           129060195264000.0
           10559470521600.0
           670442572800.0
           33522128640.0
           1323241920.0
           40840800.0
           960960.0
           16380.0
           182.0
           1.0 |]

    let private expmOf (x: Tensor) : Tensor =
        let limit = if x.DType = DType.Float64 then 5.4 else 3.9
        // The largest column sum of each matrix tells how often it is halved.
        let norms = maxOver [| x.Rank - 2; x.Rank - 1 |] true (sumOver [| x.Rank - 2 |] true (Tensor.Abs x))
        let halvings =
            Host.toArray<float> norms.Array
            |> Array.map (fun v -> if v > limit && Double.IsFinite v then Math.Ceiling(Math.Log2(v / limit)) else 0.0)
        let constant (values: float[]) =
            Tensor.Cast(Concrete(Host.ofSpan "expm" norms.Shape (ReadOnlySpan values)), x.DType)
        let counts = constant halvings
        let scales = halvings |> Array.map (fun k -> Math.ScaleB(1.0, -(int k)))
        let a = x * constant scales
        let one = eyeLike x (rowsOf x)
        let a2 = matmul a a
        let a4 = matmul a2 a2
        let a6 = matmul a4 a2
        let b = pade
        let high i = a6 * b[i + 12] + a4 * b[i + 10] + a2 * b[i + 8]
        let low i = a6 * b[i + 6] + a4 * b[i + 4] + a2 * b[i + 2] + one * b[i]
        let u = matmul a (matmul a6 (high 1) + low 1)
        let v = matmul a6 (high 0) + low 0
        let mutable y = solve (v - u) (v + u)

        for step in 1 .. int (Array.fold max 0.0 halvings) do
            let isLeft = Tensor.GreaterOrEqual(counts, Tensor.ScalarOf(counts, float step))
            y <- Tensor.Where(isLeft, matmul y y, y)

        y

    /// The derivative is a block of a larger exponential: exp [[A, E], [0, A]] holds it in its upper right corner.
    let rec private expmP () =
        let frechet (a: Tensor) (e: Tensor) =
            let n = rowsOf a
            let zeros = Tensor.ZerosLike a
            let block = joinRows [| concat -1 [| a; e |]; concat -1 [| zeros; a |] |]
            expm block |> rowsFrom 0 n |> lastFrom n n

        { new Primitive("expm") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "expm" inputs[0]
                like inputs[0] inputs[0].Shape

            member _.Value(inputs, out) =
                if Shape.size out.Shape = 0L then inputs[0] else stored out (expmOf (computed inputs[0]))

            member _.Jvp(inputs, _, tangents) = frechet inputs[0] tangents[0]
            member _.Vjp(inputs, _, ct, _) = frechet (t inputs[0]) ct }

    and expm (x: Tensor) : Tensor = Tensor.Bind(expmP (), x)
