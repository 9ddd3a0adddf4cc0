namespace Autodiff

open Autodiff.Kernels

/// A value of an expression that is being written down: the number of its node.
[<Sealed; AllowNullLiteral>]
type internal Sketch(trace: Trace, device: Device, shape: int[], dtype: DType, node: int) =
    inherit Tensor(trace.Level, shape, dtype)
    member _.Node = node
    override _.Trace = trace
    override _.IsKnown = false
    override _.Device = device
    override _.Array = Shape.fail "a function of each element" "its elements are not known yet."

/// Writes elementwise primitives down as the nodes of an expression.
[<Sealed>]
type internal SketchTrace(device: Device, graph: FusedGraph) =
    inherit Trace()

    let only (name: string) =
        Shape.fail name "this operation is not one of each element, and has no place in a function that is."

    let node (x: Tensor) =
        match x with
        | :? Sketch as x -> x.Node
        | :? Concrete as x when x.IsNumber -> graph.Constant x.Number
        | _ -> only "a tensor"

    /// An operand: an array, or a number that is the same for all elements.
    member this.Argument(shape: int[]) : Tensor = Sketch(this, device, shape, graph.DType, graph.Input())

    override this.Process(primitive, inputs) =
        let out = primitive.Shape inputs
        let at i = node inputs[i]

        let result =
            match primitive with
            | :? UnaryPrimitive as p when inputs[0].DType = DType.Bool -> graph.Not(at 0)
            | :? UnaryPrimitive as p -> graph.Unary(p.Kernel, at 0)
            | :? ComparePrimitive as p -> graph.Compare(p.Kernel, at 0, at 1)
            | :? BinaryPrimitive as p when inputs[0].DType <> DType.Bool -> graph.Binary(p.Kernel, at 0, at 1)
            | p when p.Name = "and" -> graph.And(at 0, at 1)
            | p when p.Name = "or" -> graph.Or(at 0, at 1)
            | p when p.Name = "where" -> graph.Select(at 0, at 1, at 2)
            | p when p.Name = "cast" && inputs[0].DType = DType.Bool && out.DType = graph.DType ->
                graph.Select(at 0, graph.Constant 1.0, graph.Constant 0.0)
            | p -> only p.Name

        Sketch(this, device, out.Shape, out.DType, result)

    override _.ProcessAll(operation, _) = only operation.Name

/// A function that is composed of elementwise primitives, and on large arrays of float32 or float64 computed in one pass over
/// memory. Whatever is being transformed, and everything else, takes it operation by operation. The function may not depend on
/// the shapes of its arguments; numbers that it depends on are arguments too.
[<Sealed>]
type internal OnePass private (f: Tensor[] -> Tensor, total: Reduction voption) =
    /// Shorter arrays lie in the first cache, where the passes cost little.
    static let shortest = 1024

    static let nowhere: NDArray[] = [| null |]
    static let identity = System.Func<NDArray, NDArray>(id)

    // For float32 and float64; what another thread makes at the same time is as good.
    let graphs: struct (FusedGraph * DType)[] = Array.zeroCreate 2

    let graphOf (device: Device) (dtype: DType) (inputs: Tensor[]) =
        let place = if dtype = DType.Float32 then 0 else 1
        let struct (known, out) = graphs[place]

        if isNull (box known) then
            let graph = FusedGraph dtype
            let trace = SketchTrace(device, graph)
            let arguments = inputs |> Array.map (fun x -> trace.Argument(if x.Rank = 0 then [||] else [| 2 |]))
            let result = f arguments :?> Sketch

            match total with
            | ValueSome reduction -> graph.Output(result.Node, reduction)
            | ValueNone -> graph.Output result.Node

            lock graphs (fun () -> graphs[place] <- struct (graph, result.DType))
            struct (graph, result.DType)
        else
            struct (known, out)

    /// Whether all are arrays of one shape, and numbers.
    let isPlain (inputs: Tensor[]) =
        let first = inputs[0]
        let mutable fits =
            first.Level = 0L && (first.DType = DType.Float32 || first.DType = DType.Float64) && first.Size >= shortest

        for x in inputs do
            fits <-
                fits
                && x.Level = 0L
                && x.DType = first.DType
                && (x.Rank = 0 || (Shape.equal x.Shape first.Shape && x.Array.IsContiguous))

        fits

    /// A function of each element.
    new(f: Tensor[] -> Tensor) = OnePass(f, ValueNone)

    /// The sum of a function of all elements.
    static member Sum(f: Tensor[] -> Tensor) = OnePass(f, ValueSome Reduction.Sum)

    /// The value: the first input is an array, the others are of its shape or numbers.
    member _.Apply([<System.ParamArray>] inputs: Tensor[]) : Tensor =
        for x in inputs do
            Tensor.NotNull("a function of each element", x)

        if isPlain inputs then
            let first = inputs[0].Array
            let struct (graph, out) = graphOf first.Device first.DType inputs
            let shape = first.Shape
            let zeros: int[] = Array.zeroCreate shape.Length

            let call =
                FusedCall(
                    graph,
                    shape,
                    0,
                    [| out |],
                    [| (if total.IsSome then Shape.scalar else shape) |],
                    [| (if total.IsSome then zeros else null) |],
                    Array.init inputs.Length id,
                    Array.zeroCreate inputs.Length,
                    inputs |> Array.map (fun x -> if x.Rank = 0 then zeros else null),
                    Array.create inputs.Length identity
                )

            Concrete((first.Device.Fused(call, Array.map (fun (x: Tensor) -> x.Array) inputs, nowhere))[0])
        elif total.IsSome then
            let y = f inputs
            Reductions.sumOver [| 0 .. y.Rank - 1 |] false y
        else
            f inputs

/// Normalization of rows in one pass over memory: a row is walked three times while it stays in the cache.
[<AbstractClass; Sealed>]
type internal RowNormalization private () =
    /// Rows of other lengths are not worth a start, or leave the cache.
    static let isRowLength n = n >= 8L && n <= 16384L

    static let nowhere: NDArray[] = [| null |]
    static let identity = System.Func<NDArray, NDArray>(id)

    // What another thread makes at the same time is as good.
    static let graphs =
        System.Collections.Concurrent.ConcurrentDictionary<struct (DType * int64 * float * bool), FusedGraph>()

    static let graphOf dtype (n: int64) epsilon isAffine =
        graphs.GetOrAdd(
            struct (dtype, n, epsilon, isAffine),
            fun _ ->
                let graph = FusedGraph dtype
                let x = graph.Input()
                let part = graph.Constant(1.0 / float n)
                let mean x = graph.Binary(Binary.Multiply, graph.Reduce(Reduction.Sum, x), part)
                let centred = graph.Binary(Binary.Subtract, x, mean x)
                let variance = mean (graph.Unary(Unary.Square, centred))
                let scale = graph.Unary(Unary.Rsqrt, graph.Binary(Binary.Add, variance, graph.Constant epsilon))
                let mutable y = graph.Binary(Binary.Multiply, centred, scale)

                if isAffine then
                    y <- graph.Binary(Binary.Multiply, y, graph.Input())
                    y <- graph.Binary(Binary.Add, y, graph.Input())

                graph.Output y
                graph
        )

    /// (x - mean) / sqrt (variance + epsilon) over some last axes, times weights plus biases of the shape of these axes if there
    /// are; null where an interpreter has to see the operations, or one pass is not worth it.
    static member Apply(x: Tensor, axes: int, epsilon: float, weight: Tensor, bias: Tensor) : Tensor =
        let isArray (y: Tensor) = y.Level = 0L && y.DType = x.DType && y.Array.IsContiguous
        let rowShape = x.Shape[x.Rank - axes ..]
        let n = Shape.size rowShape

        let fits =
            x.Level = 0L
            && (x.DType = DType.Float32 || x.DType = DType.Float64)
            && isRowLength n
            && x.Rank > axes
            && x.Size >= 1024
            && isArray x
            && (isNull weight
                || (isArray weight
                    && isArray bias
                    && Shape.equal weight.Shape rowShape
                    && Shape.equal bias.Shape rowShape))

        if not fits then
            null
        else
            let inputs = if isNull weight then [| x.Array |] else [| x.Array; weight.Array; bias.Array |]

            let call =
                FusedCall(
                    graphOf x.DType n epsilon (not (isNull weight)),
                    x.Shape,
                    axes,
                    [| x.DType |],
                    [| x.Shape |],
                    [| null |],
                    Array.init inputs.Length id,
                    Array.zeroCreate inputs.Length,
                    inputs |> Array.map (fun input -> input.StridesFor x.Shape),
                    Array.create inputs.Length identity
                )

            Concrete((x.Device.Fused(call, inputs, nowhere))[0])
