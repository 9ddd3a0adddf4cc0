namespace Autodiff

/// Selection by tensors of positions.
[<AutoOpen>]
module internal Indexing =
    let private checkIndices name (indices: Tensor) =
        if indices.DType <> DType.Int32 && indices.DType <> DType.Int64 then
            Shape.fail
                name
                $"indices are {DTypes.Name indices.DType}; they must be integers, such as int32 or int64: convert with To."

    /// Integers of any size as indices: the kernels take int32 and int64.
    let private positions (indices: Tensor) =
        Tensor.NotNull("indices", indices)
        if DTypes.IsInteger indices.DType && indices.DType < DType.Int32 then
            Tensor.Cast(indices, DType.Int32)
        else
            indices

    /// Runs a kernel that finds out itself whether positions lie outside an axis of length n.
    let inline private within name (axis: int) (n: int) (run: unit -> NDArray) =
        try
            run ()
        with :? System.IndexOutOfRangeException as error ->
            Shape.fail name $"{error.Message} Positions along axis {axis}, of length {n}, are {-n} to {n - 1}."

    let private checkLength name (n: int) =
        if n < 0 then
            Shape.fail name $"the length {n} is negative."

    let private sameButAxis name axis (x: Tensor) (indices: Tensor) =
        checkIndices name indices

        let fits =
            x.Rank = indices.Rank
            && Seq.forall (fun i -> i = axis || x.Shape[i] = indices.Shape[i]) (seq { 0 .. x.Rank - 1 })

        if not fits then
            Shape.fail
                name
                $"indices of shape {Shape.format indices.Shape} must have the shape {Shape.format x.Shape} in all axes but {axis}."

    // `hidden` counts the leading axes that batching put before those of the user, so that errors name an axis that the
    // user knows.
    let rec private gatherP (hidden: int) (axis: int) =
        { new LinearPrimitive("gather") with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs =
                sameButAxis "gather" axis inputs[0] inputs[1]

                { Shape = inputs[1].Shape; DType = inputs[0].DType }

            member _.Value(inputs, _) =
                within "gather" (axis - hidden) inputs[0].Shape[axis] (fun () ->
                    inputs[0].Device.Gather(inputs[0], inputs[1], axis))

            member _.Transpose(inputs, ct) = Tensor.Bind(scatterAddP hidden axis inputs[0].Shape[axis], ct, inputs[1])

            member this.Batch(inputs, isBatched, size) =
                let x, indices = inputs[0], inputs[1]

                if isBatched[0] then
                    Tensor.Bind(gatherP (hidden + 1) (axis + 1), x, Batching.front size indices isBatched[1])
                else
                    // The examples lie one after another along the axis, so that x need not be repeated.
                    let lead, count, rest = indices.Shape[1..axis], indices.Shape[axis + 1], indices.Shape[axis + 2 ..]
                    let merged = Array.concat [ lead; [| size * count |]; rest ]
                    let found = Tensor.Bind(this, x, reshape merged (moveAxis 0 axis indices))
                    moveAxis axis 0 (reshape (Array.concat [ lead; [| size; count |]; rest ]) found) }

    and private scatterAddP (hidden: int) (axis: int) (n: int) =
        { new LinearPrimitive("scatterAdd") with
            member _.Parameters = [ "axis", box axis; "n", box n ]

            member _.Shape inputs =
                checkLength "scatterAdd" n
                sameButAxis "scatterAdd" -1 inputs[0] inputs[1]

                { Shape = inputs[0].Shape |> Array.mapi (fun i d -> if i = axis then n else d)
                  DType = inputs[0].DType }

            member _.Value(inputs, out) =
                within "scatterAdd" (axis - hidden) n (fun () ->
                    inputs[0].Device.ScatterAdd(inputs[0], inputs[1], axis, out.Shape))
            member _.Transpose(inputs, ct) = Tensor.Bind(gatherP hidden axis, ct, inputs[1])

            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(scatterAddP (hidden + 1) (axis + 1) n, Batching.fronts size inputs isBatched) }

    /// Batched indices along one axis, repeated over all other axes of a batched tensor that they select from.
    let private spread (lead: int[]) (rest: int[]) (indices: Tensor) =
        let size = indices.Shape[0]
        let count = int (Shape.size indices.Shape[1..])
        let ones (shape: int[]) = Array.create shape.Length 1
        let column = reshape (Array.concat [ [| size |]; ones lead; [| count |]; ones rest ]) indices
        Tensor.BroadcastTo(column, Array.concat [ [| size |]; lead; [| count |]; rest ])

    let rec private takeP (hidden: int) (axis: int) =
        { new LinearPrimitive("take") with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs =
                let x, indices = inputs[0], inputs[1]
                checkIndices "take" indices

                { Shape = Array.concat [ x.Shape[.. axis - 1]; indices.Shape; x.Shape[axis + 1 ..] ]
                  DType = x.DType }

            member _.Value(inputs, out) =
                within "take" (axis - hidden) inputs[0].Shape[axis] (fun () ->
                    inputs[0].Device.Take(inputs[0], inputs[1], axis, out.Shape))

            member _.Transpose(inputs, ct) = Tensor.Bind(takeAddP hidden axis inputs[0].Shape[axis], ct, inputs[1])

            member this.Batch(inputs, isBatched, size) =
                let x, indices = inputs[0], inputs[1]

                if not isBatched[1] then
                    Tensor.Bind(takeP (hidden + 1) (axis + 1), x, indices)
                elif not isBatched[0] then
                    moveAxis axis 0 (Tensor.Bind(this, x, indices))
                else
                    // Indices are not shifted into one long axis: one that is outside its example would then select
                    // from another instead of raising an error.
                    let lead, rest = x.Shape[1..axis], x.Shape[axis + 2 ..]
                    let found = Tensor.Bind(gatherP (hidden + 1) (axis + 1), x, spread lead rest indices)
                    reshape (Array.concat [ [| size |]; lead; indices.Shape[1..]; rest ]) found }

    and private takeAddP (hidden: int) (axis: int) (n: int) =
        { new LinearPrimitive("takeAdd") with
            member _.Parameters = [ "axis", box axis; "n", box n ]

            member _.Shape inputs =
                let x, indices = inputs[0], inputs[1]
                checkIndices "takeAdd" indices

                { Shape = Array.concat [ x.Shape[.. axis - 1]; [| n |]; x.Shape[axis + indices.Rank ..] ]
                  DType = x.DType }

            member _.Value(inputs, out) =
                within "takeAdd" (axis - hidden) n (fun () ->
                    inputs[0].Device.TakeAdd(inputs[0], inputs[1], axis, out.Shape))
            member _.Transpose(inputs, ct) = Tensor.Bind(takeP hidden axis, ct, inputs[1])

            member _.Batch(inputs, isBatched, size) =
                let x, indices = Batching.front size inputs[0] isBatched[0], inputs[1]

                if not isBatched[1] then
                    Tensor.Bind(takeAddP (hidden + 1) (axis + 1) n, x, indices)
                else
                    let lead, rest = x.Shape[1..axis], x.Shape[axis + indices.Rank ..]
                    let at = spread lead rest indices
                    Tensor.Bind(scatterAddP (hidden + 1) (axis + 1) n, reshape at.Shape x, at) }

    /// Zeros of length n along an axis, with entries of x added at indices: the transpose of take.
    let takeAdd (axis: int) (n: int) (indices: Tensor) (x: Tensor) : Tensor =
        Tensor.Bind(takeAddP 0 axis n, x, positions indices)

    /// Entries of x along an axis: position i of the result is entry indices[i] (numpy.take).
    let take (axis: int) (indices: Tensor) (x: Tensor) : Tensor =
        Tensor.Bind(takeP 0 (Tensor.AxisOf("take", x, axis)), x, positions indices)

    /// Elements of x along an axis, each at the position that indices holds at its place (numpy.take_along_axis).
    let gather (axis: int) (indices: Tensor) (x: Tensor) : Tensor =
        Tensor.Bind(gatherP 0 (Tensor.AxisOf("gather", x, axis)), x, positions indices)

    /// Zeros with elements of x added along an axis of length n at the positions that indices holds at their places.
    let scatterAdd (axis: int) (n: int) (indices: Tensor) (x: Tensor) : Tensor =
        Tensor.Bind(scatterAddP 0 (Tensor.AxisOf("scatterAdd", x, axis)) n, x, positions indices)

    let rec private lastWritersP (hidden: int) (axis: int) (n: int) =
        { new Primitive("lastWriters") with
            member _.Parameters = [ "axis", box axis; "n", box n ]

            member _.Shape inputs =
                checkIndices "lastWriters" inputs[0]

                { Shape = inputs[0].Shape |> Array.mapi (fun i d -> if i = axis then n else d)
                  DType = DType.Int64 }

            member _.Value(inputs, _) =
                within "scatter" (axis - hidden) n (fun () -> inputs[0].Device.LastWriters(inputs[0], axis, n))
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.Bind(lastWritersP (hidden + 1) (axis + 1) n, inputs) }

    /// x with updates written along an axis at the positions that indices holds at their places (numpy.put_along_axis).
    /// Of several updates of one element the last remains, and it alone receives a derivative.
    let scatter (axis: int) (indices: Tensor) (updates: Tensor) (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("scatter", x, axis)
        let indices = positions indices
        sameButAxis "scatter" axis x indices

        if not (Shape.broadcastsTo updates.Shape indices.Shape) then
            Shape.fail
                "scatter"
                $"updates of shape {Shape.format updates.Shape} do not broadcast to indices of shape {Shape.format indices.Shape}."

        if indices.Size = 0 then
            x
        elif x.Level = 0L && indices.Level = 0L && updates.Level = 0L && x.DType = updates.DType then
            // Without derivatives the updates are written one after another.
            let updates = Tensor.BroadcastTo(updates, indices.Shape)

            Concrete(
                within "scatter" axis x.Shape[axis] (fun () ->
                    x.Device.Scatter(x.Array, indices.Array, updates.Array, axis))
            )
        else
            let writers = Tensor.Bind(lastWritersP 0 axis x.Shape[axis], indices)
            let isKept = Tensor.Less(writers, Tensor.ScalarOf(writers, 0.0))
            let written = gather axis writers (Tensor.BroadcastTo(updates, indices.Shape))
            Tensor.Where(isKept, x, written)

    let private oneHotP classes dtype =
        { new Primitive("oneHot") with
            member _.Parameters = [ "classes", box classes; "dtype", box dtype ]

            member _.Shape inputs =
                checkLength "oneHot" classes
                checkIndices "oneHot" inputs[0]

                { Shape = Array.append inputs[0].Shape [| classes |]; DType = dtype }

            member _.Value(inputs, _) = inputs[0].Device.OneHot(inputs[0], classes, dtype)
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs) }

    /// A last axis of zeros with a one at each index; an index outside gives zeros only.
    let oneHot (classes: int) (dtype: DType) (indices: Tensor) : Tensor =
        Tensor.Bind(oneHotP classes dtype, positions indices)
