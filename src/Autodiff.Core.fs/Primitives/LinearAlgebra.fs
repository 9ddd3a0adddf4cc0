namespace Autodiff

/// Products of matrices.
[<AutoOpen>]
module internal LinearAlgebra =
    let private lastTwo (x: Tensor) = x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]

    /// The last two axes exchanged.
    let swapLast (x: Tensor) : Tensor =
        Tensor.NotNull("transpose", x)
        if x.Rank < 2 then
            Shape.fail
                "transpose"
                $"a tensor of shape {Shape.format x.Shape} has no two last axes; reshape it to a matrix first."

        let order = [| 0 .. x.Rank - 1 |]
        order[x.Rank - 2] <- x.Rank - 1
        order[x.Rank - 1] <- x.Rank - 2
        permute order x

    let private matmulP =
        { new BilinearPrimitive("matmul") with
            member _.Shape inputs =
                let x, y = inputs[0], inputs[1]

                if x.Rank < 2 || y.Rank < 2 then
                    Shape.fail
                        "matmul"
                        $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} must have two axes each."

                let (m, k), (l, n) = lastTwo x, lastTwo y

                if k <> l then
                    Shape.fail
                        "matmul"
                        $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} are not aligned: {k} columns (axis {x.Rank - 1}) against {l} rows (axis {y.Rank - 2}). Transpose or reshape one of them."

                if x.DType <> y.DType then
                    Shape.fail "matmul" $"{DTypes.Name x.DType} and {DTypes.Name y.DType} differ; convert with To."

                let shape =
                    if x.Rank = 2 && y.Rank = 2 then
                        [| m; n |]
                    else
                        Array.append (Shape.broadcast "matmul" x.Shape[.. x.Rank - 3] y.Shape[.. y.Rank - 3]) [| m; n |]

                { Shape = shape; DType = x.DType }

            member _.Value(inputs, out) =
                Tensor.SameDevice("matmul", inputs[0], inputs[1])
                inputs[0].Device.MatMul(inputs[0], inputs[1], out.Shape)

            member this.Transpose(inputs, ct, input) =
                let product =
                    if input = 0 then
                        Tensor.Bind(this, ct, swapLast inputs[1])
                    else
                        Tensor.Bind(this, swapLast inputs[0], ct)

                Tensor.SumTo(product, inputs[input].Shape)

            member this.Batch(inputs, isBatched, size) =
                let x, y = inputs[0], inputs[1]

                if not isBatched[1] && y.Rank = 2 then
                    // All rows of all examples are the rows of one matrix.
                    let m, n = x.Shape[.. x.Rank - 2], y.Shape[1]
                    reshape
                        (Array.append m [| n |])
                        (Tensor.Bind(this, reshape [| int (Shape.size m); y.Shape[0] |] x, y))
                elif not isBatched[0] && x.Rank = 2 && y.Rank = 3 then
                    let m, k, n = x.Shape[0], x.Shape[1], y.Shape[2]

                    if n = 1 then
                        // One column for each example: the columns are the rows of one matrix.
                        reshape [| size; m; 1 |] (Tensor.Bind(this, reshape [| size; k |] y, swapLast x))
                    else
                        // The columns of all examples side by side.
                        let columns = reshape [| k; size * n |] (moveAxis 0 1 y)
                        moveAxis 1 0 (reshape [| m; size; n |] (Tensor.Bind(this, x, columns)))
                else
                    Tensor.Bind(this, Batching.aligned inputs isBatched) }

    /// The matrix product of the last two axes, with leading axes broadcast; a vector counts as a row on the left and as
    /// a column on the right, and its axis is dropped again.
    let matmul (x: Tensor) (y: Tensor) : Tensor =
        Tensor.NotNull("matmul", x)
        Tensor.NotNull("matmul", y)
        let dtype = DTypes.Promote(x.DType, y.DType)
        let x, y = Tensor.Cast(x, dtype), Tensor.Cast(y, dtype)

        if x.Rank = 0 || y.Rank = 0 then
            Shape.fail
                "matmul"
                $"shapes {Shape.format x.Shape} and {Shape.format y.Shape}: a scalar has no matrix product; use *."

        if x.Rank > 2 && y.Rank = 2 && x.Shape[x.Rank - 1] = y.Shape[0] then
            // One matrix for all: the rows of all matrices of x are those of one, and so are those of its cotangent.
            let rows = Tensor.Bind(matmulP, reshape [| int (Shape.size x.Shape[.. x.Rank - 2]); y.Shape[0] |] x, y)
            reshape (Array.append x.Shape[.. x.Rank - 2] [| y.Shape[1] |]) rows
        elif x.Rank >= 2 && y.Rank >= 2 then
            Tensor.Bind(matmulP, x, y)
        else
            let a = if x.Rank = 1 then reshape [| 1; x.Shape[0] |] x else x
            let b = if y.Rank = 1 then reshape [| y.Shape[0]; 1 |] y else y

            if a.Shape[a.Rank - 1] <> b.Shape[b.Rank - 2] then
                Shape.fail
                    "matmul"
                    $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} are not aligned: {a.Shape[a.Rank - 1]} elements (axis {x.Rank - 1}) against {b.Shape[b.Rank - 2]} (axis {max 0 (y.Rank - 2)}). Transpose or reshape one of them."

            let z = Tensor.Bind(matmulP, a, b)
            let shape = if x.Rank = 1 then Array.removeAt (z.Rank - 2) z.Shape else z.Shape
            reshape (if y.Rank = 1 then Array.removeAt (shape.Length - 1) shape else shape) z
