namespace Autodiff

open System
open System.Buffers
open System.Runtime.CompilerServices
open System.Threading

/// A primal with the record of how it was computed: a tensor of reverse mode. An input of the function has no
/// primitive; the index grows along every dependence.
[<Sealed; AllowNullLiteral>]
type internal Taped
    (trace: TapeTrace, primal: Tensor, index: int, operation: Operation, inputs: Tensor[], parents: Taped[]) =
    inherit Tensor(trace.Level, primal.Shape, primal.DType)
    member _.Primal = primal
    member _.Index = index
    /// A primitive, or the record that the outputs of an operation with several of them share.
    member _.Operation = operation
    /// The primals of the inputs.
    member _.Inputs = inputs
    /// The records of the inputs; null for those that do not depend on the function's arguments.
    member _.Parents = parents
    override _.Trace = trace
    override _.Array = primal.Array
    override _.IsKnown = primal.IsKnown
    override _.Device = primal.Device
    override _.RulesOf primitive = primal.RulesOf primitive
    override _.ToString() = primal.ToString()

/// What the outputs of one run of an operation share. They have consecutive indices.
and [<Sealed>] internal MultiRecord
    (operation: MultiPrimitive, recorded: MultiPrimitive, outputs: Tensor[], first: int, count: int, isNeeded: bool[]) =
    inherit Operation(operation.Name)
    /// What was asked for.
    member _.Primitive = operation
    /// What was run, and has the rule.
    member _.Recorded = recorded
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

    member private this.Split(inputs: Tensor[]) : struct (Tensor[] * Taped[]) =
        let parents = Array.zeroCreate inputs.Length
        let primals = Array.zeroCreate inputs.Length

        for i in 0 .. inputs.Length - 1 do
            match inputs[i] with
            | :? Taped as x when obj.ReferenceEquals(x.Trace, this) ->
                parents[i] <- x
                primals[i] <- x.Primal
            | x -> primals[i] <- x

        struct (primals, parents)

    override this.Process(primitive, inputs) =
        let struct (primals, parents) = this.Split inputs
        let y = Tensor.Bind(primitive, primals)

        if DTypes.IsFloat y.DType then
            Taped(this, y, Interlocked.Increment &count - 1, y.RulesOf primitive, primals, parents)
        else
            y

    override this.ProcessAll(operation, inputs) =
        let struct (primals, parents) = this.Split inputs
        let isNeeded = parents |> Array.map (fun parent -> not (isNull parent))
        let outputs = (operation.Shapes inputs).Length
        let recorded = operation.Recorded(primals, isNeeded)
        let ys = Tensor.BindAll(recorded, primals)
        let first = Interlocked.Add(&count, outputs) - outputs
        let record = MultiRecord(operation, recorded, ys, first, outputs, isNeeded)

        Array.init outputs (fun i ->
            if DTypes.IsFloat ys[i].DType then
                Taped(this, ys[i], first + i, record, primals, parents) :> Tensor
            else
                ys[i])

/// The record of one run of a function, from which both its linear maps follow.
[<Sealed>]
type internal Tape(trace: TapeTrace, arguments: Tensor[], outputs: Tensor[]) =
    let count = trace.Count

    let record (x: Tensor) =
        match x with
        | :? Taped as y when obj.ReferenceEquals(y.Trace, trace) -> y
        | _ -> null

    /// Runs a function and records it.
    static member Run (f: Tensor[] -> Tensor[]) (primals: Tensor[]) =
        let trace = TapeTrace()

        let arguments = primals |> Array.map (fun x -> if DTypes.IsFloat x.DType then trace.Argument x :> Tensor else x)

        Tape(trace, arguments, f arguments)

    /// The values of the function.
    member val Outputs =
        outputs
        |> Array.map (fun y ->
            match record y with
            | null -> y
            | y -> y.Primal)

    /// The cotangents of the arguments from those of the outputs (null for zero, in and out).
    member _.Pullback(cotangents: Tensor[]) : Tensor[] =
        let nodes = ArrayPool<Taped>.Shared.Rent count
        let cts = ArrayPool<Tensor>.Shared.Rent count
        let mutable last = -1

        try
            let inline add (node: Taped) ct =
                let i = node.Index
                nodes[i] <- node
                cts[i] <- Tensor.AddTangents(cts[i], ct)

            for i in 0 .. outputs.Length - 1 do
                let node = record outputs[i]

                if not (isNull node) && not (isNull cotangents[i]) then
                    add node cotangents[i]
                    last <- max last node.Index

            for i = last downto 0 do
                let node = nodes[i]

                if not (isNull node) && not (isNull node.Parents) then
                    let parents = node.Parents

                    match node.Operation with
                    | :? MultiRecord as record ->
                        // Outputs of one operation follow one another: the last with a cotangent brings all of them.
                        let outgoing = Array.zeroCreate record.Outputs.Length
                        let count = i - record.First + 1
                        Array.Copy(cts, record.First, outgoing, 0, count)
                        Array.Clear(cts, record.First, count)
                        Array.Clear(nodes, record.First, count)
                        let ingoing = record.Recorded.Vjp(node.Inputs, record.Outputs, outgoing, record.IsNeeded)

                        for j in 0 .. parents.Length - 1 do
                            if not (isNull parents[j] || isNull ingoing[j]) then
                                add parents[j] ingoing[j]
                    | operation ->
                        let primitive = Unsafe.As<Primitive> operation
                        let ct = cts[i]
                        // Nothing later in the walk needs this cotangent: its memory may be reused.
                        cts[i] <- null

                        for j in 0 .. parents.Length - 1 do
                            let parent = parents[j]

                            if not (isNull parent) then
                                let ingoing = primitive.Vjp(node.Inputs, node.Primal, ct, j)

                                if not (isNull ingoing) then
                                    add parent ingoing

            arguments
            |> Array.map (fun x ->
                match record x with
                | null -> null
                | x -> cts[x.Index])
        finally
            ArrayPool.Shared.Return(nodes, clearArray = true)
            ArrayPool.Shared.Return(cts, clearArray = true)

    /// The tangents of the outputs from those of the arguments (null for zero, in and out).
    member _.Pushforward(tangents: Tensor[]) : Tensor[] =
        let nodes: Taped[] = Array.zeroCreate count

        let rec reach (pending: Taped list) =
            match pending with
            | [] -> ()
            | node :: rest when isNull nodes[node.Index] ->
                nodes[node.Index] <- node

                (match node.Parents with
                 | null -> rest
                 | parents ->
                     (rest, parents) ||> Array.fold (fun rest parent -> if isNull parent then rest else parent :: rest))
                |> reach
            | _ :: rest -> reach rest

        outputs |> Array.map record |> Array.filter (fun y -> not (isNull y)) |> Array.iter (fun y -> reach [ y ])

        let ts: Tensor[] = Array.zeroCreate count

        Array.iteri
            (fun i x ->
                match record x with
                | null -> ()
                | x -> ts[x.Index] <- tangents[i])
            arguments

        for node in nodes do
            if not (isNull node) && not (isNull node.Parents) then
                let ingoing = node.Parents |> Array.map (fun parent -> if isNull parent then null else ts[parent.Index])

                if ingoing |> Array.exists (fun t -> not (isNull t)) then
                    match node.Operation with
                    | :? MultiRecord as record ->
                        if isNull ts[node.Index] then
                            let struct (_, dys) = record.Primitive.Jvp(node.Inputs, ingoing)
                            // Also the outputs after this one, which find theirs done.
                            Array.Copy(dys, 0, ts, record.First, record.Count)
                    | operation ->
                        ts[node.Index] <- (Unsafe.As<Primitive> operation).Jvp(node.Inputs, node.Primal, ingoing)

        outputs
        |> Array.map (fun y ->
            match record y with
            | null -> null
            | y -> ts[y.Index])
