namespace Autodiff

open System
open System.Threading
open Autodiff.Kernels

/// Factorizations and solvers of the last two axes, with any leading axes. What reads a symmetric matrix takes the
/// symmetric part (A + A^T) / 2, so that its derivative is symmetric.
module internal Decompositions =
    let rowsOf (x: Tensor) = x.Shape[x.Rank - 2]
    let columnsOf (x: Tensor) = x.Shape[x.Rank - 1]
    let private batchOf (x: Tensor) = x.Shape[.. x.Rank - 3]
    let private like (x: Tensor) shape = { Shape = shape; DType = x.DType }
    let private ofRows (x: Tensor) rows columns = Array.append (batchOf x) [| rows; columns |]
    let private t (x: Tensor) = swapLast x

    let checkMatrix name (x: Tensor) =
        if x.Rank < 2 then
            Shape.fail
                name
                $"a tensor of shape {Shape.format x.Shape} is not a matrix, nor a batch of matrices; it must have at least two axes."

        if not (DTypes.IsFloat x.DType) then
            Shape.fail name $"{DTypes.Name x.DType} is not a floating-point type; convert with To."

    let checkSquare name (x: Tensor) =
        checkMatrix name x

        if rowsOf x <> columnsOf x then
            Shape.fail
                name
                $"a matrix of shape {Shape.format x.Shape} is not square; its last two axes must have one length."

    /// The words for one matrix of a batch: "the matrix at batch position (1, 0)".
    let private describe (shape: int[]) (index: int) =
        let batch = shape[.. shape.Length - 3]

        if batch.Length = 0 then
            "the matrix"
        else
            let strides = Shape.rowMajorStrides batch
            "the matrix at batch position " + Shape.format (Array.mapi (fun i n -> index / strides[i] % n) batch)

    /// A constant matrix of the type of a tensor.
    let private matrixLike (x: Tensor) rows columns (entry: int -> int -> float) : Tensor =
        let values = Array.init (rows * columns) (fun i -> entry (i / columns) (i % columns))
        Tensor.Cast(Concrete(Host.ofSpan "matrix" [| rows; columns |] (ReadOnlySpan values)), x.DType)

    let eyeLike (x: Tensor) n : Tensor =
        let values = Array.zeroCreate<float>(n * n)

        for i in 0 .. n - 1 do
            values[i * (n + 1)] <- 1.0

        Tensor.Cast(Concrete(Host.ofSpan "matrix" [| n; n |] (ReadOnlySpan values)), x.DType)

    /// The entries where a condition on row and column holds, zeros elsewhere.
    let keep isKept (x: Tensor) : Tensor =
        x * matrixLike x (rowsOf x) (columnsOf x) (fun i j -> if isKept i j then 1.0 else 0.0)
    let private half (x: Tensor) = (x + t x) * 0.5

    /// Rows, or entries of the last axis, from start on.
    let rowsFrom start count (x: Tensor) : Tensor =
        let starts = Array.zeroCreate x.Rank
        starts[x.Rank - 2] <- start
        slice starts (ofRows x count (columnsOf x)) (Array.create x.Rank 1) x

    let lastFrom start count (x: Tensor) : Tensor =
        let starts = Array.zeroCreate x.Rank
        starts[x.Rank - 1] <- start
        slice starts (Array.updateAt (x.Rank - 1) count x.Shape) (Array.create x.Rank 1) x

    /// The diagonals of the last two axes.
    let diagonal (x: Tensor) : Tensor =
        let m, n = rowsOf x, columnsOf x
        let k = min m n
        let rank = x.Rank - 1
        let flat = reshape (Array.append (batchOf x) [| k * n |]) (rowsFrom 0 k x)
        slice
            (Array.zeroCreate rank)
            (Array.append (batchOf x) [| k |])
            (Array.init rank (fun i -> if i = rank - 1 then n + 1 else 1))
            flat

    let trace (x: Tensor) : Tensor = let d = diagonal x in sumOver [| d.Rank - 1 |] false d

    /// Zero or a scalar for each matrix, as a factor of matrices.
    let private perMatrix (x: Tensor) = reshape (Array.append x.Shape [| 1; 1 |]) x

    // Gaussian elimination.

    let private parity (pivots: int[]) =
        let mutable sign = 1.0
        pivots
        |> Array.iteri (fun i p ->
            if p <> i then
                sign <- -sign)
        sign

    let private diagonalArray (x: NDArray) =
        let strides = x.ExplicitStrides
        let last = x.Rank - 2
        let both = strides[last] + strides[last + 1]
        x.View(x.Shape[..last], Array.updateAt last both strides[..last], x.Offset)

    /// The diagonal of U and the sign of the exchanges for each matrix.
    let private pivotsOf (x: NDArray) : (float[] * float)[] =
        let n = x.Shape[x.Rank - 1]
        let batch = int (Shape.size x.Shape[.. x.Rank - 3])

        if n = 0 then
            Array.create batch (Array.empty, 1.0)
        else
            let struct (lu, pivots) = x.Device.LuFactor x
            let values, exchanged = Host.toArray<float>(diagonalArray lu), Host.toArray<int> pivots
            Array.init batch (fun s -> values[s * n .. s * n + n - 1], parity exchanged[s * n .. s * n + n - 1])

    let private ofHost (device: Device) (out: TensorType) (values: float[]) =
        let array = Host.ofSpan "linalg" out.Shape (ReadOnlySpan values)
        device.Convert(array, out.DType)

    /// The factors of the last matrix that was asked for. The derivatives of a solution need them again, for the same
    /// array; results are the same whether they are found here or not.
    [<Sealed; AllowNullLiteral>]
    type private Factors(name: string) =
        let mutable last: NDArray[] = null

        member _.Get(x: NDArray) : struct (NDArray * NDArray) =
            let found = Volatile.Read &last

            if not (isNull found) && obj.ReferenceEquals(found[0], x) then
                struct (found[1], found[2])
            else
                let struct (lu, pivots) = x.Device.LuFactor x
                let n = x.Shape[x.Rank - 1]
                let at =
                    if lu.Size = 0 then
                        -1
                    else
                        Host.toArray<float>(diagonalArray lu) |> Array.tryFindIndex ((=) 0.0) |> Option.defaultValue -1

                if at >= 0 then
                    Shape.fail
                        name
                        $"{describe x.Shape (at / n)}, of shape {Shape.format x.Shape}, is singular: elimination meets a zero pivot in column {at % n}. For the solution of least length use lstsq or pinv."

                Volatile.Write(&last, [| x; lu; pivots |])
                struct (lu, pivots)

    let private solveShape name (a: Tensor) (b: Tensor) =
        checkSquare name a
        checkMatrix name b

        if rowsOf a <> rowsOf b then
            Shape.fail
                name
                $"shapes {Shape.format a.Shape} and {Shape.format b.Shape} are not aligned: the matrix has {rowsOf a} rows, the right-hand side {rowsOf b}."

        if a.DType <> b.DType then
            Shape.fail name $"{DTypes.Name a.DType} and {DTypes.Name b.DType} differ; convert with To."

        like b (Array.append (Shape.broadcast name (batchOf a) (batchOf b)) [| rowsOf b; columnsOf b |])

    /// op(A) X = B.
    let rec private solveP (factors: Factors) (transposed: bool) =
        { new Primitive("solve") with
            member this.Batch(inputs, isBatched, _) = Tensor.Bind(this, Batching.aligned inputs isBatched)
            member _.Parameters = [ "transposed", box transposed ]
            member _.Shape inputs = solveShape "solve" inputs[0] inputs[1]

            member _.Value(inputs, out) =
                Tensor.SameDevice("solve", inputs[0], inputs[1])
                let struct (lu, pivots) = factors.Get inputs[0]
                lu.Device.LuSolve(lu, pivots, inputs[1], out.Shape, transposed)

            member this.Jvp(inputs, output, tangents) =
                let fromMatrix =
                    if isNull tangents[0] then
                        null
                    else
                        -(matmul (if transposed then t tangents[0] else tangents[0]) output)

                Tensor.Bind(this, inputs[0], Tensor.AddTangents(tangents[1], fromMatrix))

            member _.Vjp(inputs, output, ct, input) =
                let w = Tensor.Bind(solveP factors (not transposed), inputs[0], ct)

                if input = 1 then
                    Tensor.SumTo(w, inputs[1].Shape)
                else
                    let product = if transposed then matmul output (t w) else matmul w (t output)
                    Tensor.SumTo(-product, inputs[0].Shape) }

    let solve (a: Tensor) (b: Tensor) : Tensor = Tensor.Bind(solveP (Factors "solve") false, a, b)

    let private inverseP =
        { new Primitive("inverse") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "inverse" inputs[0]
                like inputs[0] inputs[0].Shape

            member _.Value(inputs, out) =
                let struct (lu, pivots) = (Factors "inverse").Get inputs[0]
                lu.Device.Convert(lu.Device.LuInverse(lu, pivots), out.DType)

            member _.Jvp(_, y, tangents) = -(matmul y (matmul tangents[0] y))
            member _.Vjp(_, y, ct, _) = -(matmul (t y) (matmul ct (t y))) }

    let inverse (x: Tensor) : Tensor = Tensor.Bind(inverseP, x)

    /// What makes a matrix regular: A + u w^T is, with u and w in the columns 0 and 1; zeros where A itself is. Column 2
    /// holds ones, or zeros where the rank is below n - 1, so that no such u and w exist.
    let private determinantShiftP =
        { new Primitive("determinantShift") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "determinantShift" inputs[0]
                like inputs[0] (ofRows inputs[0] (rowsOf inputs[0]) 3)

            member _.Value(inputs, out) =
                let x = inputs[0]
                let n = x.Shape[x.Rank - 1]
                let epsilon = DTypes.Epsilon x.DType

                let isRegular (pivots: float[]) =
                    let sizes = pivots |> Array.map abs
                    sizes.Length = 0 || Array.min sizes > 1e-4 * Array.max sizes || Array.exists Double.IsNaN sizes

                let regular = pivotsOf x |> Array.map (fst >> isRegular)
                let result = Array.zeroCreate<float>(regular.Length * n * 3)
                let svd = if Array.forall id regular then Array.empty else Host.toArray<float>(x.Device.Svd x)

                for s in 0 .. regular.Length - 1 do
                    let at row column = (s * (2 * n + 1) + row) * n + column
                    let value k = svd[at n k]
                    let hasPair = regular[s] || n = 1 || value (n - 2) > float n * epsilon * value 0

                    for i in 0 .. n - 1 do
                        let r = (s * n + i) * 3
                        result[r + 2] <- if hasPair then 1.0 else 0.0

                        if not regular[s] && hasPair then
                            let scale = if value 0 = 0.0 then 1.0 else value 0
                            result[r] <- svd[at i (n - 1)] * scale
                            result[r + 1] <- svd[at (n + 1 + i) (n - 1)]

                ofHost x.Device out result

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null }

    /// The derivative of the determinant: adj(A)^T, by polynomials of the entries up to order 3, which hold for every
    /// matrix. Above, with C = A + u w^T: det A = det C (1 - w^T C^-1 u), whatever the constants u and w; its derivative
    /// is finite, and can be differentiated again, also where A has rank n - 1.
    let rec private cofactors (x: Tensor) : Tensor =
        let n = rowsOf x
        let entry i j = x |> rowsFrom i 1 |> lastFrom j 1

        if n = 0 then
            x
        elif n = 1 then
            Tensor.BroadcastTo(Tensor.ScalarOf(x, 1.0), x.Shape)
        elif n = 2 then
            let row a b = concat -1 [| a; b |]
            concat -2 [| row (entry 1 1) -(entry 1 0); row -(entry 0 1) (entry 0 0) |]
        elif n = 3 then
            // The cyclic order of rows and columns gives each cofactor its sign.
            let cofactor i j =
                let a, b, c, d = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
                entry a c * entry b d - entry a d * entry b c

            concat -2 [| for i in 0..2 -> concat -1 [| for j in 0..2 -> cofactor i j |] |]
        else
            let shift = Tensor.Bind(determinantShiftP, x)
            let u, w, has = lastFrom 0 1 shift, lastFrom 1 1 shift, lastFrom 2 1 shift
            let regular = Tensor.Where(has, x + matmul u (t w), Tensor.BroadcastTo(eyeLike x n, x.Shape))
            let inv = inverse regular
            let right, left = matmul inv u, matmul (t w) inv
            let adjugate = (1.0 - matmul left u) * inv + matmul right left
            has * t (perMatrix (det regular) * adjugate)

    and private detP () =
        { new Primitive("det") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "det" inputs[0]
                like inputs[0] (batchOf inputs[0])

            member _.Value(inputs, out) =
                pivotsOf inputs[0]
                |> Array.map (fun (values, sign) -> sign * Array.fold (*) 1.0 values)
                |> ofHost inputs[0].Device out

            member _.Jvp(inputs, _, tangents) =
                let weighted = cofactors inputs[0] * tangents[0]
                sumOver [| weighted.Rank - 2; weighted.Rank - 1 |] false weighted

            member _.Vjp(inputs, _, ct, _) = perMatrix ct * cofactors inputs[0] }

    and det (x: Tensor) : Tensor = Tensor.Bind(detP (), x)

    /// The sign of the determinant and the logarithm of its magnitude, in a last axis.
    let private slogdetP =
        { new Primitive("slogdet") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "slogdet" inputs[0]
                like inputs[0] (Array.append (batchOf inputs[0]) [| 2 |])

            member _.Value(inputs, out) =
                pivotsOf inputs[0]
                |> Array.collect (fun (values, parity) ->
                    let sign =
                        Array.fold (fun s (v: float) -> if Double.IsNaN v then v else s * float (sign v)) parity values
                    [| sign; values |> Array.sumBy (abs >> log) |])
                |> ofHost inputs[0].Device out

            member _.Jvp(inputs, output, tangents) =
                let logarithm = trace (solve inputs[0] tangents[0])
                let starts, ones = Array.zeroCreate output.Rank, Array.create output.Rank 1
                starts[output.Rank - 1] <- 1
                place output.Shape starts ones (expandAxis (output.Rank - 1) logarithm)

            member _.Vjp(inputs, output, ct, _) = expandAxis output.Rank (lastFrom 1 1 ct) * t (inverse inputs[0]) }

    let slogdet (x: Tensor) : Tensor = Tensor.Bind(slogdetP, x)

    // Triangular systems.

    let rec private triangularSolveP (form: Triangle) =
        let meant (x: Tensor) =
            x
            |> keep (fun i j ->
                if form.UnitDiagonal then (if form.Lower then i > j else i < j)
                elif form.Lower then i >= j
                else i <= j)

        { new Primitive("triangularSolve") with
            member this.Batch(inputs, isBatched, _) = Tensor.Bind(this, Batching.aligned inputs isBatched)
            member _.Parameters = [ "form", box form ]
            member _.Shape inputs = solveShape "triangularSolve" inputs[0] inputs[1]

            member _.Value(inputs, out) =
                let a, b = inputs[0], inputs[1]
                Tensor.SameDevice("triangularSolve", a, b)

                if not form.UnitDiagonal && a.Size > 0 then
                    let n = a.Shape[a.Rank - 1]

                    match Host.toArray<float>(diagonalArray a) |> Array.tryFindIndex ((=) 0.0) with
                    | Some at ->
                        Shape.fail
                            "triangularSolve"
                            $"{describe a.Shape (at / n)}, of shape {Shape.format a.Shape}, is singular: its diagonal is zero in row {at % n}."
                    | None -> ()

                a.Device.TriangularSolve(a, b, out.Shape, form)

            member this.Jvp(inputs, output, tangents) =
                let fromMatrix =
                    if isNull tangents[0] then
                        null
                    else
                        let moved = meant tangents[0]
                        -(matmul (if form.Transposed then t moved else moved) output)

                Tensor.Bind(this, inputs[0], Tensor.AddTangents(tangents[1], fromMatrix))

            member _.Vjp(inputs, output, ct, input) =
                let w = triangularSolve { form with Transposed = not form.Transposed } inputs[0] ct

                if input = 1 then
                    Tensor.SumTo(w, inputs[1].Shape)
                else
                    let product = if form.Transposed then matmul output (t w) else matmul w (t output)
                    -(meant (Tensor.SumTo(product, inputs[0].Shape))) }

    and triangularSolve form (a: Tensor) (b: Tensor) : Tensor = Tensor.Bind(triangularSolveP form, a, b)

    let private lower = { Lower = true; Transposed = false; UnitDiagonal = false }
    let private lowerTransposed = { lower with Transposed = true }
    let private upper = { lower with Lower = false }
    /// B A^-1 for a triangular A.
    let private divide form (b: Tensor) (a: Tensor) =
        t (triangularSolve { form with Transposed = not form.Transposed } a (t b))

    // I. Murray, Differentiation of the Cholesky decomposition (2016).
    let private choleskyP =
        // The lower triangle, with half of the diagonal.
        let lowerHalf x =
            x
            * matrixLike x (rowsOf x) (rowsOf x) (fun i j ->
                if i > j then 1.0
                elif i = j then 0.5
                else 0.0)

        { new Primitive("cholesky") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
            member _.Shape inputs =
                checkSquare "cholesky" inputs[0]
                like inputs[0] inputs[0].Shape

            member _.Value(inputs, _) =
                let x = inputs[0]
                let struct (y, failed) = x.Device.Cholesky x

                if failed >= 0 then
                    Shape.fail
                        "cholesky"
                        $"{describe x.Shape failed}, of shape {Shape.format x.Shape}, is not positive definite; a small multiple of the identity added to it may help."

                y

            member _.Jvp(_, l, tangents) =
                matmul l (lowerHalf (divide lowerTransposed (triangularSolve lower l (half tangents[0])) l))

            member _.Vjp(_, l, ct, _) =
                half (divide lower (triangularSolve lowerTransposed l (lowerHalf (matmul (t l) ct))) l) }

    let cholesky (x: Tensor) : Tensor = Tensor.Bind(choleskyP, x)
