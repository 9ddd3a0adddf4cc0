namespace Autodiff

open System

/// Operations that move elements without changing them. On contiguous arrays most of them only walk the same memory
/// differently.
[<AutoOpen>]
module internal Structural =
    let private same (x: Tensor) shape = { Shape = shape; DType = x.DType }

    let rec private reshapeP (shape: int[]) =
        { new LinearPrimitive("reshape") with
            member _.Parameters = [ "shape", box shape ]
            member _.Shape inputs = same inputs[0] (Shape.resolve "reshape" inputs[0].Shape shape)

            member _.Value(inputs, out) =
                let x = inputs[0].Device.Contiguous inputs[0]
                x.View(out.Shape, null, x.Offset)

            member _.Transpose(inputs, ct) = reshape inputs[0].Shape ct }

    /// The same elements in row-major order with another shape; one length may be -1.
    and reshape (shape: int[]) (x: Tensor) : Tensor =
        if Shape.equal shape x.Shape then x else Tensor.Bind(reshapeP shape, x)

    let private inverse (order: int[]) =
        let result = Array.zeroCreate order.Length
        order |> Array.iteri (fun i axis -> result[axis] <- i)
        result

    let rec private transposeP (order: int[]) =
        { new LinearPrimitive("transpose") with
            member _.Parameters = [ "order", box order ]

            member _.Shape inputs =
                let x = inputs[0]

                if Shape.axes "transpose" x.Rank order <> [| 0 .. x.Rank - 1 |] then
                    Shape.fail "transpose" $"the order {Shape.format order} does not name each axis of a tensor of rank {x.Rank} once."

                same x (order |> Array.map (fun axis -> x.Shape[axis]))

            member _.Value(inputs, out) =
                let strides = inputs[0].ExplicitStrides
                let moved = order |> Array.map (fun axis -> strides[axis])
                // A walk that happens to be row-major is contiguous.
                let strides = if moved = Shape.rowMajorStrides out.Shape then null else moved
                inputs[0].View(out.Shape, strides, inputs[0].Offset)

            member _.Transpose(_, ct) = permute (inverse order) ct }

    /// The axes in another order: axis i of the result is axis order[i] of x.
    and permute (order: int[]) (x: Tensor) : Tensor =
        let order = order |> Array.map (fun a -> if a < 0 then a + x.Rank else a)

        if order = [| 0 .. x.Rank - 1 |] then
            x
        else
            Tensor.Bind(transposeP order, x)

    let rec private sliceP (starts: int[]) (lengths: int[]) (steps: int[]) =
        { new LinearPrimitive("slice") with
            member _.Parameters = [ "starts", box starts; "lengths", box lengths; "steps", box steps ]

            member _.Shape inputs =
                let x = inputs[0]

                if starts.Length <> x.Rank then
                    Shape.fail "slice" $"{starts.Length} ranges for a tensor of rank {x.Rank}."

                for i in 0 .. x.Rank - 1 do
                    let last = starts[i] + (lengths[i] - 1) * steps[i]

                    if starts[i] < 0 || lengths[i] < 0 || steps[i] < 1 || (lengths[i] > 0 && last >= x.Shape[i]) then
                        Shape.fail "slice" $"positions {starts[i]} to {last} lie outside axis {i}, which has length {x.Shape[i]}."

                same x lengths

            member _.Value(inputs, out) =
                let x = inputs[0]
                let strides = x.ExplicitStrides
                let mutable offset = x.Offset

                if x.Size > 0 then
                    for i in 0 .. x.Rank - 1 do
                        offset <- offset + starts[i] * strides[i]

                let stepped = Array.map2 (*) strides steps
                // An axis of length 1 is never walked along: its stride may be what row-major order has.
                let plain = Shape.rowMajorStrides out.Shape

                let contiguous =
                    Array.forall2 (=) (Array.map2 (fun s d -> if d = 1 then 0 else s) stepped lengths) (Array.map2 (fun s d -> if d = 1 then 0 else s) plain lengths)

                x.View(out.Shape, (if contiguous || Shape.size lengths = 0L then null else stepped), (if Shape.size lengths = 0L then x.Offset else offset))

            member _.Transpose(inputs, ct) = place inputs[0].Shape starts steps ct }

    /// Every steps[i]-th element from starts[i] of each axis.
    and slice (starts: int[]) (lengths: int[]) (steps: int[]) (x: Tensor) : Tensor =
        if Shape.equal lengths x.Shape then
            x
        else
            Tensor.Bind(sliceP starts lengths steps, x)

    and private placeP (shape: int[]) (starts: int[]) (steps: int[]) =
        { new LinearPrimitive("place") with
            member _.Parameters = [ "shape", box shape; "starts", box starts; "steps", box steps ]

            member _.Shape inputs =
                let x = inputs[0]

                let fits i =
                    starts[i] >= 0 && (x.Shape[i] = 0 || starts[i] + (x.Shape[i] - 1) * steps[i] < shape[i])

                if shape.Length <> x.Rank || not (Seq.forall fits (seq { 0 .. x.Rank - 1 })) then
                    Shape.fail "place" $"a tensor of shape {Shape.format x.Shape} does not fit into {Shape.format shape} from {Shape.format starts}."

                same x shape

            member _.Value(inputs, out) = inputs[0].Device.Place(inputs[0], out.Shape, starts, steps)
            member _.Transpose(inputs, ct) = slice starts inputs[0].Shape steps ct }

    /// Zeros of a shape with x written at starts[i] + j * steps[i] of each axis: the transpose of slice.
    and place shape starts steps (x: Tensor) : Tensor =
        if Shape.equal shape x.Shape then
            x
        else
            Tensor.Bind(placeP shape starts steps, x)

    let private concatP (axis: int) =
        let part (inputs: Tensor[]) (x: Tensor) i =
            let starts = Array.zeroCreate x.Rank
            starts[axis] <- inputs |> Seq.take i |> Seq.sumBy (fun x -> x.Shape[axis])
            slice starts inputs[i].Shape (Array.create x.Rank 1) x

        { new Primitive("concat") with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs =
                let first = inputs[0]

                for x in inputs do
                    let fits =
                        x.Rank = first.Rank
                        && Seq.forall (fun i -> i = axis || x.Shape[i] = first.Shape[i]) (seq { 0 .. x.Rank - 1 })

                    if not fits then
                        Shape.fail "concat" $"shapes {Shape.format first.Shape} and {Shape.format x.Shape} differ in an axis other than {axis}."

                    if x.DType <> first.DType then
                        Shape.fail "concat" $"{DTypes.Name first.DType} and {DTypes.Name x.DType} differ; convert with To."

                let total = inputs |> Array.sumBy (fun x -> x.Shape[axis])
                same first (first.Shape |> Array.mapi (fun i d -> if i = axis then total else d))

            member _.Value(inputs, out) = inputs[0].Device.Concat(inputs, axis, out.Shape)

            member this.Jvp(inputs, _, tangents) =
                Tensor.Bind(
                    this,
                    Array.map2 (fun x t -> if isNull (box t) then Jvp.zerosLike x else t) inputs tangents
                )

            member _.Vjp(inputs, _, ct, i) = part inputs ct i }

    /// Tensors one after another along an axis that they have.
    let concat (axis: int) (xs: Tensor[]) : Tensor =
        if xs.Length = 0 then
            Shape.fail "concat" "there are no tensors to join."

        let axis = Shape.axis "concat" xs[0].Rank axis
        let dtype = xs |> Array.map _.DType |> Array.reduce (fun a b -> DTypes.Promote(a, b))
        let xs = xs |> Array.map (fun x -> Tensor.Cast(x, dtype))
        if xs.Length = 1 then xs[0] else Tensor.Bind(concatP axis, xs)

    /// x with an axis of length 1 put in.
    let expandAxis (axis: int) (x: Tensor) : Tensor =
        let axis = Shape.axis "expandAxis" (x.Rank + 1) axis
        reshape (Array.insertAt axis 1 x.Shape) x

    /// What an index of slices selects. Axes that are not named are kept whole.
    let index (slices: Slice[]) (x: Tensor) : Tensor =
        if slices.Length > x.Rank then
            Shape.fail "index" $"{slices.Length} indices for a tensor of shape {Shape.format x.Shape}, which has {x.Rank} axes."

        let starts = Array.zeroCreate x.Rank
        let lengths = Array.copy x.Shape
        let steps = Array.create x.Rank 1

        slices
        |> Array.iteri (fun i s ->
            let n = x.Shape[i]

            if s.IsPosition then
                let at = s.Start.GetOffset n

                if at < 0 || at >= n then
                    Shape.fail "index" $"position {s.Start} is outside axis {i}, which has length {n}."

                starts[i] <- at
                lengths[i] <- 1
            else
                let first, last = s.Start.GetOffset n, s.End.GetOffset n

                if first < 0 || last > n || first > last then
                    Shape.fail "index" $"the range {s.Start}..{s.End} is outside axis {i}, which has length {n}."

                starts[i] <- first
                lengths[i] <- (last - first + s.Step - 1) / s.Step
                steps[i] <- s.Step)

        let kept =
            [| for i in 0 .. x.Rank - 1 do
                   if i >= slices.Length || not slices[i].IsPosition then
                       lengths[i] |]

        reshape kept (slice starts lengths steps x)
