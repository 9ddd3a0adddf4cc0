namespace Autodiff

open System

/// Operations that move elements without changing them. On contiguous arrays most of them only walk the same memory
/// differently.
[<AutoOpen>]
module internal Structural =
    let private same (x: Tensor) shape = { Shape = shape; DType = x.DType }

    /// The same elements in row-major order with another shape; one length may be -1.
    let reshape (shape: int[]) (x: Tensor) : Tensor = Tensor.Reshaped(x, shape)

    let private inverse (order: int[]) =
        let result = Array.zeroCreate order.Length
        order |> Array.iteri (fun i axis -> result[axis] <- i)
        result

    let rec private transposeP (order: int[]) =
        { new LinearPrimitive("transpose") with
            member _.Parameters = [ "order", box order ]

            member _.Shape inputs =
                let x = inputs[0]
                let mutable isOrder = order.Length = x.Rank
                let mutable named = 0L

                for axis in order do
                    isOrder <- isOrder && axis >= 0 && axis < x.Rank && ((named >>> axis) &&& 1L) = 0L
                    named <- named ||| (1L <<< axis)

                if not isOrder then
                    // An axis that is named twice, or that there is not, has an error of its own.
                    Tensor.AxesOf("transpose", x, order) |> ignore

                    Shape.fail
                        "transpose"
                        $"the order {Shape.format order} does not name each axis of a tensor of rank {x.Rank} once."

                let shape = Array.zeroCreate order.Length

                for i in 0 .. order.Length - 1 do
                    shape[i] <- x.Shape[order[i]]

                same x shape

            member _.Value(inputs, out) =
                let x = inputs[0]
                let strides = x.ExplicitStrides
                let moved = Array.zeroCreate order.Length

                for i in 0 .. order.Length - 1 do
                    moved[i] <- strides[order[i]]

                // A walk that happens to be row-major is contiguous; along an axis of length 1 nobody walks.
                let mutable isRowMajor = true
                let mutable expected = 1

                for i in moved.Length - 1 .. -1 .. 0 do
                    isRowMajor <- isRowMajor && (out.Shape[i] = 1 || moved[i] = expected)
                    expected <- expected * max 1 out.Shape[i]

                x.View(out.Shape, (if isRowMajor then null else moved), x.Offset)

            member _.Transpose(_, ct) = permute (inverse order) ct

            member _.Batch(inputs, _, _) = permute (Array.insertAt 0 0 (Array.map ((+) 1) order)) inputs[0] }

    /// The axes in another order: axis i of the result is axis order[i] of x.
    and permute (order: int[]) (x: Tensor) : Tensor =
        Tensor.NotNull("transpose", x)
        let order = order.AsSpan().ToArray()
        let mutable isIdentity = order.Length = x.Rank

        for i in 0 .. order.Length - 1 do
            if order[i] < 0 then
                order[i] <- order[i] + x.Rank

            isIdentity <- isIdentity && order[i] = i

        if isIdentity then x else Tensor.Bind(transposeP order, x)

    /// One axis taken to another place among the others, which keep their order.
    let moveAxis (from: int) (target: int) (x: Tensor) : Tensor =
        permute ([| 0 .. x.Rank - 1 |] |> Array.removeAt from |> Array.insertAt target from) x

    /// Every steps[i]-th element from starts[i] of each axis.
    let slice (starts: int[]) (lengths: int[]) (steps: int[]) (x: Tensor) : Tensor =
        Tensor.Sliced(x, starts, lengths, steps)

    /// Zeros of a shape with x written at starts[i] + j * steps[i] of each axis: the transpose of slice.
    let place (shape: int[]) (starts: int[]) (steps: int[]) (x: Tensor) : Tensor =
        Tensor.Placed(x, shape, starts, steps)

    let rec private placeAllP (shape: int[]) (starts: int[][]) (steps: int[][]) =
        { new Primitive("placeAll") with
            member _.Parameters =
                [ "shape", box shape; "starts", box (Array.concat starts); "steps", box (Array.concat steps) ]

            member _.Shape inputs =
                for i in 0 .. inputs.Length - 1 do
                    let x = inputs[i]

                    let mutable fits = shape.Length = x.Rank && x.DType = inputs[0].DType

                    for axis in 0 .. (if fits then x.Rank - 1 else -1) do
                        let first, length = starts[i][axis], x.Shape[axis]
                        fits <-
                            fits && first >= 0 && (length = 0 || first + (length - 1) * steps[i][axis] < shape[axis])

                    if not fits then
                        Shape.fail
                            "placeAll"
                            $"{DTypes.Name x.DType} of shape {Shape.format x.Shape} does not fit into {DTypes.Name inputs[0].DType} of shape {Shape.format shape} from {Shape.format starts[i]}."

                same inputs[0] shape

            member _.Value(inputs, out) = inputs[0].Device.PlaceAll(inputs, out.Shape, starts, steps)

            member _.Jvp(_, _, tangents) =
                let moving =
                    [| for i in 0 .. tangents.Length - 1 do
                           if not (isNull tangents[i]) then
                               i |]
                let pick (all: 'a[]) = moving |> Array.map (fun i -> all[i])
                placeAll shape (pick starts) (pick steps) (pick tangents)

            member _.Vjp(inputs, _, ct, i) = slice starts[i] inputs[i].Shape steps[i] ct

            member _.Batch(inputs, isBatched, size) =
                let starts, steps = Array.map (Array.insertAt 0 0) starts, Array.map (Array.insertAt 0 1) steps
                Tensor.Bind(placeAllP (Batching.shape size shape) starts steps, Batching.fronts size inputs isBatched) }

    /// The sum of what place makes of several tensors: the transpose of several slices of one tensor.
    and placeAll (shape: int[]) (starts: int[][]) (steps: int[][]) (xs: Tensor[]) : Tensor =
        if xs.Length = 1 then
            place shape starts[0] steps[0] xs[0]
        else
            Tensor.Bind(placeAllP shape starts steps, xs)

    /// `starts` are the positions of the inputs along the axis.
    let rec private concatP (axis: int) (starts: int[]) =
        { new Primitive("concat") with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs =
                let first = inputs[0]
                let mutable total = 0

                for x in inputs do
                    let mutable fits = x.Rank = first.Rank

                    for i in 0 .. (if fits then x.Rank - 1 else -1) do
                        fits <- fits && (i = axis || x.Shape[i] = first.Shape[i])

                    if not fits then
                        Shape.fail
                            "concat"
                            $"shapes {Shape.format first.Shape} and {Shape.format x.Shape} differ in an axis other than {axis}."

                    if x.DType <> first.DType then
                        Shape.fail
                            "concat"
                            $"{DTypes.Name first.DType} and {DTypes.Name x.DType} differ; convert with To."

                    total <- total + x.Shape[axis]

                let shape = first.Shape.AsSpan().ToArray()
                shape[axis] <- total
                same first shape

            member _.Value(inputs, out) = inputs[0].Device.Concat(inputs, axis, out.Shape)

            member this.Jvp(inputs, _, tangents) =
                Tensor.Bind(this, Array.map2 (fun x t -> if isNull t then Tensor.ZerosLike x else t) inputs tangents)

            member _.Vjp(inputs, _, ct, i) =
                let first = Array.zeroCreate ct.Rank
                first[axis] <- starts[i]
                slice first inputs[i].Shape (Array.create ct.Rank 1) ct

            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(concatP (axis + 1) starts, Batching.fronts size inputs isBatched) }

    /// Tensors one after another along an axis that they have.
    let concat (axis: int) (xs: Tensor[]) : Tensor =
        if xs.Length = 0 then
            Shape.fail "concat" "there are no tensors to join."

        for x in xs do
            Tensor.NotNull("concat", x)

        if xs[0].Rank = 0 then
            Shape.fail "concat" "a scalar has no axis to join along; use stack."

        let axis = Shape.axis "concat" xs[0].Rank axis
        let mutable dtype = xs[0].DType

        for x in xs do
            dtype <- DTypes.Promote(dtype, x.DType)

        if xs.Length = 1 then
            xs[0]
        else
            let cast: Tensor[] = Array.zeroCreate xs.Length
            let starts = Array.zeroCreate (xs.Length + 1)

            for i in 0 .. xs.Length - 1 do
                let x = xs[i]
                cast[i] <- Tensor.Cast(x, dtype)
                starts[i + 1] <- starts[i] + (if axis < x.Rank then x.Shape[axis] else 0)

            Tensor.Bind(concatP axis starts, cast)

    /// x with an axis of length 1 put in.
    let expandAxis (axis: int) (x: Tensor) : Tensor =
        Tensor.NotNull("expandAxis", x)
        let axis = Shape.axis "expandAxis" (x.Rank + 1) axis
        let shape = Array.create (x.Rank + 1) 1
        Array.blit x.Shape 0 shape 0 axis
        Array.blit x.Shape axis shape (axis + 1) (x.Rank - axis)
        reshape shape x
