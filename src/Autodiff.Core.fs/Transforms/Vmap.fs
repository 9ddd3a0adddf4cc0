namespace Autodiff

/// One value for each of several examples: a tensor of batching. Its shape is that of one example; the value carries the
/// axis of the examples first.
[<Sealed; AllowNullLiteral>]
type internal Batched(trace: Trace, value: Tensor, shape: int[]) =
    inherit Tensor(trace.Level, shape, value.DType)
    member _.Value = value
    override _.Trace = trace
    override _.Device = value.Device
    override _.IsKnown = false
    override _.RulesOf primitive = value.RulesOf primitive

    override _.Array =
        Shape.fail
            "vmap"
            $"a tensor of shape {Shape.format shape} was read as a number or an array, but has one value for each of {value.Shape[0]} examples. Choose with where instead of if, and read values after vmap."

    override _.ToString() = $"{value.Shape[0]} examples of shape {Shape.format shape}:\n{value}"

/// Batching: each primitive runs once, for all examples.
[<Sealed>]
type internal VmapTrace(size: int) =
    inherit Trace()

    /// The values of tensors, and which have the axis of the examples of this trace.
    member this.Split(inputs: Tensor[]) : struct (Tensor[] * bool[]) =
        let values = Array.zeroCreate inputs.Length
        let isBatched = Array.zeroCreate inputs.Length

        for i in 0 .. inputs.Length - 1 do
            match inputs[i] with
            | :? Batched as x when obj.ReferenceEquals(x.Trace, this) ->
                values[i] <- x.Value
                isBatched[i] <- true
            | x -> values[i] <- x

        struct (values, isBatched)

    override this.Process(primitive, inputs) =
        // The shapes that the rule sees, and names in its errors, are those of one example.
        let out = primitive.Shape inputs
        let struct (values, isBatched) = this.Split inputs
        Batched(this, primitive.Batch(values, isBatched, size), out.Shape)

    override this.ProcessAll(operation, inputs) =
        let struct (values, isBatched) = this.Split inputs
        let struct (ys, carry) = operation.Batch(values, isBatched, size)
        Array.map2
            (fun (y: Tensor) carries -> if carries then Batched(this, y, Batching.exampleShape y true) :> Tensor else y)
            ys
            carry

module internal Vmap =
    /// The axis of each tensor, from one for all or one for each.
    let private axesFor (xs: Tensor[]) (axes: int option[]) =
        if xs.Length = 0 then
            Shape.fail "vmap" "the argument holds no tensors to map over."

        let axes = if axes.Length = 1 then Array.create xs.Length axes[0] else axes

        if axes.Length <> xs.Length then
            Shape.fail
                "vmap"
                $"{axes.Length} axes were given for {xs.Length} tensors; give one for each, or one for all."

        Array.map2
            (fun (x: Tensor) axis ->
                match axis with
                | Some _ when x.Rank = 0 ->
                    Shape.fail
                        "vmap"
                        "a scalar has no axis to map over; to use one value for all examples, give it no axis (None, null)."
                | Some axis -> Some(Tensor.AxisOf("vmap", x, axis))
                | None -> None)
            xs
            axes

    /// The values of f, and which of them carry the axis of the examples first, as some arguments do.
    let runSparse (f: Tensor[] -> Tensor[]) size (values: Tensor[]) (isBatched: bool[]) : struct (Tensor[] * bool[]) =
        let trace = VmapTrace size

        let wrap (x: Tensor) batched = if batched then Batched(trace, x, Batching.exampleShape x true) :> Tensor else x

        trace.Split(f (Array.map2 wrap values isBatched))

    /// The values of f for each example along the axes; one outgoing axis for all results.
    let run (f: Tensor[] -> Tensor[]) (axes: int option[]) (outAxis: int) (xs: Tensor[]) : Tensor[] =
        let axes = axesFor xs axes

        let mapped = Array.zip xs axes |> Array.choose (fun (x, axis) -> axis |> Option.map (fun axis -> x, axis))

        if mapped.Length = 0 then
            Shape.fail "vmap" "no tensor has an axis to map over; give at least one an axis."

        let count (x: Tensor, axis: int) = x.Shape[axis]
        let size = count mapped[0]

        for other in mapped do
            if count other <> size then
                let text (x: Tensor, axis) = $"{count (x, axis)} (axis {axis} of shape {Shape.format x.Shape})"
                Shape.fail "vmap" $"the tensors have different numbers of examples: {text mapped[0]} and {text other}."

        let values =
            Array.map2
                (fun x axis -> axis |> Option.map (fun axis -> moveAxis axis 0 x) |> Option.defaultValue x)
                xs
                axes

        let struct (ys, carry) = runSparse f size values (axes |> Array.map Option.isSome)

        Array.map2
            (fun y carries ->
                let value = Batching.front size y carries
                moveAxis 0 (Tensor.AxisOf("vmap", value, outAxis)) value)
            ys
            carry
