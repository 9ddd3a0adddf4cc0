namespace Autodiff

open System
open System.Buffers
open System.Runtime.CompilerServices
open System.Threading

/// A primal with the record of how it was computed: a tensor of reverse mode. An argument of the function has no
/// operation; the index grows along every dependence. A long computation is all records, which outlive many garbage
/// collections: each is one small object that holds its inputs itself, as they were given.
[<Sealed; AllowNullLiteral>]
type internal Taped =
    inherit Tensor
    // The collector walks the last field first. What is short comes last, so that the long way back through the inputs leaves
    // as little as possible on the collector's own stack, which starts over when it is full.
    val private first: Tensor
    val private second: Tensor
    val private operation: Operation
    val private trace: TapeTrace
    val private primal: Tensor
    val private index: int

    new(trace: TapeTrace, primal: Tensor, index, operation, first, second) =
        { inherit Tensor(trace.Level, primal.Shape, primal.DType)
          first = first
          second = second
          operation = operation
          trace = trace
          primal = primal
          index = index }

    member this.Primal = this.primal
    member this.Index = this.index
    /// A primitive of one or two inputs, or a WideRecord, or the MultiRecord that the outputs of an operation share.
    member this.Operation = this.operation
    /// The first input of a primitive.
    member this.First = this.first
    /// The second input of a primitive; null where it has one.
    member this.Second = this.second
    override this.Trace = this.trace
    override this.Array = this.primal.Array
    override this.IsKnown = this.primal.IsKnown
    override this.Device = this.primal.Device
    override this.RulesOf primitive = this.primal.RulesOf primitive
    override this.ToString() = this.primal.ToString()

/// What a record of a primitive with more than two inputs refers to.
and [<Sealed>] internal WideRecord(primitive: Primitive, inputs: Tensor[]) =
    inherit Operation(primitive.Name)
    member _.Primitive = primitive
    /// The inputs, as they were given.
    member _.Inputs = inputs

/// What the outputs of one run of an operation share. They have consecutive indices.
and [<Sealed>] internal MultiRecord
    (
        operation: MultiPrimitive,
        recorded: MultiPrimitive,
        inputs: Tensor[],
        outputs: Tensor[],
        first: int,
        count: int,
        isNeeded: bool[]
    ) =
    inherit Operation(operation.Name)
    /// What was asked for.
    member _.Primitive = operation
    /// What was run, and has the rule.
    member _.Recorded = recorded
    /// The inputs, as they were given.
    member _.Inputs = inputs
    /// The primals of the outputs, and what else was left for the rule.
    member _.Outputs = outputs
    /// The index of the first output.
    member _.First = first
    /// The number of outputs that were asked for.
    member _.Count = count
    /// Which inputs have records.
    member _.IsNeeded = isNeeded

/// Reverse mode and linearisation: records each primitive that depends on the arguments.
and [<Sealed>] internal TapeTrace() =
    inherit Trace()
    let mutable count = 0

    /// The number of records so far.
    member _.Count = Volatile.Read &count

    /// Wraps an argument of the function.
    member this.Argument(x: Tensor) = Taped(this, x, Interlocked.Increment &count - 1, null, null, null)

    /// The record of a tensor; null if it does not depend on the function's arguments.
    member this.RecordOf(x: Tensor) : Taped =
        match x with
        | :? Taped as y when obj.ReferenceEquals(y.Trace, this) -> y
        | _ -> null

    /// What a tensor is without its record.
    member this.PrimalOf(x: Tensor) : Tensor =
        match x with
        | :? Taped as y when obj.ReferenceEquals(y.Trace, this) -> y.Primal
        | _ -> x

    override this.Process(primitive, inputs) =
        let y =
            match primitive with
            | :? UnaryPrimitive as unary -> unary.Bind(this.PrimalOf inputs[0])
            | :? BinaryPrimitive as binary -> binary.Bind(this.PrimalOf inputs[0], this.PrimalOf inputs[1])
            | _ ->
                let primals = Array.zeroCreate inputs.Length

                for i in 0 .. inputs.Length - 1 do
                    primals[i] <- this.PrimalOf inputs[i]

                Tensor.Bind(primitive, primals)

        if not (DTypes.IsFloat y.DType) then
            y
        else
            let rules = y.RulesOf primitive
            let index = Interlocked.Increment &count - 1

            if inputs.Length > 2 then
                Taped(this, y, index, WideRecord(rules, inputs), null, null)
            else
                Taped(this, y, index, rules, inputs[0], (if inputs.Length = 2 then inputs[1] else null))

    override this.ProcessAll(operation, inputs) =
        let primals = inputs |> Array.map this.PrimalOf
        let isNeeded = inputs |> Array.map (fun x -> not (isNull (this.RecordOf x)))
        let outputs = (operation.Shapes inputs).Length
        let recorded = operation.Recorded(primals, isNeeded)
        let ys = Tensor.BindAll(recorded, primals)
        let first = Interlocked.Add(&count, outputs) - outputs
        let record = MultiRecord(operation, recorded, inputs, ys, first, outputs, isNeeded)

        Array.init outputs (fun i ->
            if DTypes.IsFloat ys[i].DType then
                Taped(this, ys[i], first + i, record, null, null) :> Tensor
            else
                ys[i])

/// The cotangent of a slice that waits for those of the other slices of its tensor.
[<Sealed; AllowNullLiteral>]
type private SliceCotangent(slice: SlicePrimitive, ct: Tensor, next: SliceCotangent) =
    member _.Slice = slice
    member _.Ct = ct
    member _.Next = next
    member val Count: int = if isNull next then 1 else next.Count + 1

/// The cotangents that a walk back has gathered so far, by the index of the record. Those of slices wait: all slices of
/// one tensor are placed together, so that a loop over its rows does not make as many arrays of its size.
[<Sealed>]
type private Cotangents(count: int) =
    let nodes = ArrayPool<Taped>.Shared.Rent count
    let cts = ArrayPool<Tensor>.Shared.Rent count
    let mutable slices: SliceCotangent[] = null

    /// The record of an index that has received a cotangent; else null.
    member _.Node(i: int) : Taped = nodes[i]

    /// Adds a cotangent, unless it is missing.
    member _.Add(node: Taped, ct: Tensor) =
        if not (isNull ct) then
            let i = node.Index
            nodes[i] <- node
            cts[i] <- Tensor.AddTangents(cts[i], ct)

    /// Adds the cotangent of a slice.
    member _.Add(node: Taped, slice: SlicePrimitive, ct: Tensor) =
        if isNull slices then
            slices <- ArrayPool<SliceCotangent>.Shared.Rent count

        let i = node.Index
        nodes[i] <- node
        slices[i] <- SliceCotangent(slice, ct, slices[i])

    /// Hands out what was gathered, and forgets it: nothing later in the walk needs it, so that its memory may be reused.
    member _.Take(i: int) : Tensor =
        let ct = cts[i]
        cts[i] <- null

        if isNull slices || isNull slices[i] then
            ct
        else
            let shape = nodes[i].Shape
            let mutable part = slices[i]
            slices[i] <- null
            let whole = if isNull ct then 0 else 1
            let placed = Array.zeroCreate (whole + part.Count)
            let starts = Array.zeroCreate placed.Length
            let steps = Array.zeroCreate placed.Length

            if not (isNull ct) then
                placed[0] <- ct
                starts[0] <- Array.zeroCreate shape.Length
                steps[0] <- Array.create shape.Length 1

            for j in placed.Length - 1 .. -1 .. whole do
                placed[j] <- part.Ct
                starts[j] <- part.Slice.Starts
                steps[j] <- part.Slice.Steps
                part <- part.Next

            placeAll shape starts steps placed

    /// Forgets the record of an index.
    member _.Drop(i: int) = nodes[i] <- null

    interface IDisposable with
        member _.Dispose() =
            ArrayPool.Shared.Return(nodes, clearArray = true)
            ArrayPool.Shared.Return(cts, clearArray = true)

            if not (isNull slices) then
                ArrayPool.Shared.Return(slices, clearArray = true)

/// The record of one run of a function, from which both its linear maps follow.
[<Sealed>]
type internal Tape(trace: TapeTrace, arguments: Tensor[], outputs: Tensor[]) =
    let count = trace.Count

    /// The inputs of a record, as they were given; null for an argument.
    let inputsOf (node: Taped) : Tensor[] =
        match node.Operation with
        | null -> null
        | :? WideRecord as record -> record.Inputs
        | :? MultiRecord as record -> record.Inputs
        | _ -> if isNull node.Second then [| node.First |] else [| node.First; node.Second |]

    let pullPrimitive (cts: Cotangents) (primitive: Primitive) (inputs: Tensor[]) (output: Tensor) (ct: Tensor) =
        let primals = inputs |> Array.map trace.PrimalOf

        for j in 0 .. inputs.Length - 1 do
            let parent = trace.RecordOf inputs[j]

            if not (isNull parent) then
                cts.Add(parent, primitive.Vjp(primals, output, ct, j))

    /// Carries the cotangent of a record to its inputs.
    let pull (cts: Cotangents) (node: Taped) (ct: Tensor) =
        match node.Operation with
        | :? UnaryPrimitive as primitive ->
            let parent = Unsafe.As<Taped> node.First
            cts.Add(parent, primitive.Pull(parent.Primal, node.Primal, ct))
        | :? BinaryPrimitive as primitive ->
            let left, right = trace.RecordOf node.First, trace.RecordOf node.Second
            let x = if isNull left then node.First else left.Primal
            let y = if isNull right then node.Second else right.Primal

            if not (isNull left) then
                cts.Add(left, primitive.Pull(x, y, node.Primal, ct, 0))

            if not (isNull right) then
                cts.Add(right, primitive.Pull(x, y, node.Primal, ct, 1))
        | :? SlicePrimitive as slice -> cts.Add(Unsafe.As<Taped> node.First, slice, ct)
        | :? WideRecord as record -> pullPrimitive cts record.Primitive record.Inputs node.Primal ct
        | operation -> pullPrimitive cts (Unsafe.As<Primitive> operation) (inputsOf node) node.Primal ct

    /// Carries the cotangents of all outputs of an operation to its inputs, given that of its last output that has one.
    let pullAll (cts: Cotangents) (record: MultiRecord) (last: int) (ct: Tensor) =
        let outgoing = Array.zeroCreate record.Outputs.Length
        outgoing[last - record.First] <- ct

        for i in record.First .. last - 1 do
            if not (isNull (cts.Node i)) then
                outgoing[i - record.First] <- cts.Take i
                cts.Drop i

        let primals = record.Inputs |> Array.map trace.PrimalOf
        let ingoing = record.Recorded.Vjp(primals, record.Outputs, outgoing, record.IsNeeded)

        for j in 0 .. primals.Length - 1 do
            let parent = trace.RecordOf record.Inputs[j]

            if not (isNull parent) then
                cts.Add(parent, ingoing[j])

    /// Runs a function and records it.
    static member Run (f: Tensor[] -> Tensor[]) (primals: Tensor[]) =
        let trace = TapeTrace()

        let arguments = primals |> Array.map (fun x -> if DTypes.IsFloat x.DType then trace.Argument x :> Tensor else x)

        Tape(trace, arguments, f arguments)

    /// The values of the function.
    member val Outputs = outputs |> Array.map trace.PrimalOf

    /// The cotangents of the arguments from those of the outputs (null for zero, in and out).
    member _.Pullback(cotangents: Tensor[]) : Tensor[] =
        use cts = new Cotangents(count)
        let mutable last = -1

        for i in 0 .. outputs.Length - 1 do
            let node = trace.RecordOf outputs[i]

            if not (isNull node) && not (isNull cotangents[i]) then
                cts.Add(node, cotangents[i])
                last <- max last node.Index

        for i = last downto 0 do
            let node = cts.Node i

            if not (isNull node) && not (isNull node.Operation) then
                let ct = cts.Take i

                match node.Operation with
                | :? MultiRecord as record -> pullAll cts record i ct
                | _ -> pull cts node ct

        arguments
        |> Array.map (fun x ->
            match trace.RecordOf x with
            | null -> null
            | x -> cts.Take x.Index)

    /// The tangents of the outputs from those of the arguments (null for zero, in and out).
    member _.Pushforward(tangents: Tensor[]) : Tensor[] =
        let nodes: Taped[] = Array.zeroCreate count

        let rec reach (pending: Taped list) =
            match pending with
            | [] -> ()
            | node :: rest when isNull nodes[node.Index] ->
                nodes[node.Index] <- node

                (match inputsOf node with
                 | null -> rest
                 | inputs ->
                     (rest, inputs)
                     ||> Array.fold (fun rest input ->
                         match trace.RecordOf input with
                         | null -> rest
                         | parent -> parent :: rest))
                |> reach
            | _ :: rest -> reach rest

        outputs
        |> Array.map trace.RecordOf
        |> Array.filter (fun y -> not (isNull y))
        |> Array.iter (fun y -> reach [ y ])

        let ts: Tensor[] = Array.zeroCreate count

        Array.iteri
            (fun i x ->
                match trace.RecordOf x with
                | null -> ()
                | x -> ts[x.Index] <- tangents[i])
            arguments

        for node in nodes do
            if not (isNull node) && not (isNull node.Operation) then
                let inputs = inputsOf node

                let ingoing =
                    inputs
                    |> Array.map (fun x ->
                        match trace.RecordOf x with
                        | null -> null
                        | parent -> ts[parent.Index])

                if ingoing |> Array.exists (fun t -> not (isNull t)) then
                    let primals = inputs |> Array.map trace.PrimalOf

                    match node.Operation with
                    | :? MultiRecord as record ->
                        if isNull ts[node.Index] then
                            let struct (_, dys) = record.Primitive.Jvp(primals, ingoing)
                            // Also the outputs after this one, which find theirs done.
                            Array.Copy(dys, 0, ts, record.First, record.Count)
                    | :? WideRecord as record -> ts[node.Index] <- record.Primitive.Jvp(primals, node.Primal, ingoing)
                    | operation -> ts[node.Index] <- (Unsafe.As<Primitive> operation).Jvp(primals, node.Primal, ingoing)

        outputs
        |> Array.map (fun y ->
            match trace.RecordOf y with
            | null -> null
            | y -> ts[y.Index])
