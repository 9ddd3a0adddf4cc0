namespace Autodiff

/// Products of matrices.
[<AutoOpen>]
module internal LinearAlgebra =
    let private lastTwo (x: Tensor) = x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]

    /// The last two axes exchanged.
    let swapLast (x: Tensor) : Tensor =
        if x.Rank < 2 then
            Shape.fail "transpose" $"a tensor of shape {Shape.format x.Shape} has no two last axes; reshape it to a matrix first."

        let order = [| 0 .. x.Rank - 1 |]
        order[x.Rank - 2] <- x.Rank - 1
        order[x.Rank - 1] <- x.Rank - 2
        permute order x

    let private matmulP =
        { new BilinearPrimitive("matmul") with
            member _.Shape inputs =
                let x, y = inputs[0], inputs[1]

                if x.Rank < 2 || y.Rank < 2 then
                    Shape.fail "matmul" $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} must have two axes each."

                let (m, k), (l, n) = lastTwo x, lastTwo y

                if k <> l then
                    Shape.fail
                        "matmul"
                        $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} are not aligned: {k} columns (axis {x.Rank - 1}) against {l} rows (axis {y.Rank - 2}). Transpose or reshape one of them."

                if x.DType <> y.DType then
                    Shape.fail "matmul" $"{DTypes.Name x.DType} and {DTypes.Name y.DType} differ; convert with To."

                { Shape = Array.append (Shape.broadcast "matmul" x.Shape[.. x.Rank - 3] y.Shape[.. y.Rank - 3]) [| m; n |]
                  DType = x.DType }

            member _.Value(inputs, out) =
                Tensor.SameDevice("matmul", inputs[0], inputs[1])
                inputs[0].Device.MatMul(inputs[0], inputs[1], out.Shape)

            member this.Transpose(inputs, ct, input) =
                let product =
                    if input = 0 then
                        Tensor.Bind(this, ct, swapLast inputs[1])
                    else
                        Tensor.Bind(this, swapLast inputs[0], ct)

                Tensor.SumTo(product, inputs[input].Shape) }

    /// The matrix product of the last two axes, with leading axes broadcast; a vector counts as a row on the left and as
    /// a column on the right, and its axis is dropped again.
    let matmul (x: Tensor) (y: Tensor) : Tensor =
        let dtype = DTypes.Promote(x.DType, y.DType)
        let x, y = Tensor.Cast(x, dtype), Tensor.Cast(y, dtype)

        if x.Rank = 0 || y.Rank = 0 then
            Shape.fail "matmul" $"shapes {Shape.format x.Shape} and {Shape.format y.Shape}: a scalar has no matrix product; use *."

        if x.Rank >= 2 && y.Rank >= 2 then
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
