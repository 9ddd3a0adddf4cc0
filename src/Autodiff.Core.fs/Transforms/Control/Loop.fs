namespace Autodiff

open System
open System.Collections.Concurrent
open System.Collections.Generic
open Autodiff.Kernels

/// How the inputs of a loop fall apart: what stays the same, what is carried from step to step, what each step takes.
[<Struct>]
type internal LoopParts = { Consts: int; Carries: int; Items: int }

/// What a running loop keeps from call to call: what its steps run with, memory for packed matrices, and for each value of a
/// step two places in which it may lie by turns, since the one before is still read.
[<Sealed; AllowNullLiteral>]
type internal LoopFrame(frame: Frame, packed: PackedFactor[], types: TensorType[]) =
    let turns: NDArray[] = Array.zeroCreate (2 * types.Length)

    member _.Frame = frame
    member _.Packed = packed
    /// Whether a step of this loop has run: the next ones have the same constants.
    member val HasConstants = false with get, set

    /// Where a value of a step lies.
    member _.Turn(value: int, step: int) : NDArray =
        let i = 2 * value + step % 2

        if isNull turns[i] then
            turns[i] <- LoopFrame.Place types[value]

        turns[i]

    /// Memory for a value.
    static member Place(t: TensorType) : NDArray =
        if Places.isInline t then
            NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, null, 0L)
        else
            HostArrays.fresh (Cpu.Instance, t.DType, t.Shape)

/// The step of a loop, a program of constants, carry and items, made ready to be run many times: what only constants
/// determine is computed before the loop, and matrices among it from which the steps make products are packed. The carry may
/// come behind the items.
[<Sealed>]
type internal LoopBody(program: Program, given: int, carryAt: int, carries: int) =
    let struct (constant, varying) = LoopBody.Hoist(program, given)

    /// The factors of a product of matrices of which the right one can be packed.
    let factors (e: Equation) : struct (Atom * Atom) voption =
        let isMatrix (t: TensorType) = Shape.size t.Shape[.. t.Shape.Length - 3] = 1L

        match e.Operation, e.Inputs with
        | :? Primitive as p, [| x; y |] when
            p.Name = "matmul"
            && isMatrix x.Type
            && isMatrix y.Type
            && x.Type.Shape[x.Type.Shape.Length - 2] > 1
            && Shape.size y.Type.Shape > 0L
            && PackedFactor.Supports y.Type.DType
            ->
            ValueSome(struct (x, y))
        | _ -> ValueNone

    // Literal matrices of products, as further constants.
    let literals =
        let found = Dictionary<Tensor, Variable>(HashIdentity.Reference)

        for e in varying.Equations do
            match factors e with
            | ValueSome(struct (_, Atom.Literal y)) when not (found.ContainsKey y) ->
                found.Add(y, Variable(-1, { Shape = y.Shape; DType = y.DType }))
            | _ -> ()

        found

    let prelude =
        constant.Returning(Array.append constant.Outputs (literals.Keys |> Seq.map Atom.Literal |> Seq.toArray))

    let consts = given + prelude.Outputs.Length
    let later = consts - given

    let step =
        let named (e: Equation) =
            match factors e with
            | ValueSome(struct (x, Atom.Literal y)) ->
                Equation(e.Operation, [| x; Atom.Variable literals[y] |], e.Outputs)
            | _ -> e

        let before, after = Array.splitAt (consts - literals.Count) varying.Inputs
        Program.Of(
            Array.concat [ before; Seq.toArray literals.Values; after ],
            Array.map named varying.Equations,
            varying.Outputs
        )

    let first = carryAt + later
    let firstItem = if carryAt = given then first + carries else consts

    let packable =
        step.Equations
        |> Array.choose (fun e ->
            match factors e with
            | ValueSome(struct (_, Atom.Variable y)) when y.Index < consts -> Some y.Index
            | _ -> None)
        |> Array.distinct

    // What a step gives, each value once.
    let slots = Slots(step.Equations, step.Outputs, step.VariableCount)
    let values = Array.distinct slots.Results
    let valueOf = slots.Results |> Array.map (fun s -> Array.IndexOf(values, s))
    let outputs = values |> Array.map (fun s -> step.Outputs[Array.IndexOf(slots.Results, s)])
    let types = outputs |> Array.map _.Type
    let inputOf = values |> Array.map (fun s -> if s < step.Inputs.Length then s else -1)

    let executable = Executable(step.Returning outputs)
    let before = Executable prelude

    /// Whether a value may change from step to step.
    let moves =
        Array.init values.Length (fun v ->
            let input = inputOf[v]
            let stays = input >= first && input < first + carries && valueOf[input - first] = v
            not (stays || (input >= 0 && input < consts)))

    let idle = ConcurrentBag<LoopFrame>()

    let makeFrame () =
        let pack p =
            let t = step.Inputs[p].Type
            PackedFactor(t.DType, t.Shape[t.Shape.Length - 2], t.Shape[t.Shape.Length - 1])

        LoopFrame(executable.Enter(), Array.map pack packable, types)

    /// What only the first inputs of a program determine, as a program of these, and the rest, which takes it after them.
    static member Hoist(program: Program, given: int) : struct (Program * Program) =
        let k = program.Inputs[.. given - 1]
        let isFixed = HashSet<Variable>(k, HashIdentity.Reference)

        let isInvariant atom =
            match atom with
            | Atom.Variable v -> isFixed.Contains v
            | Atom.Literal _ -> true

        let before, within =
            program.Equations
            |> Array.partition (fun equation ->
                let invariant = Array.forall isInvariant equation.Inputs

                if invariant then
                    isFixed.UnionWith equation.Outputs

                invariant)

        let used = HashSet<Variable>(HashIdentity.Reference)

        for atom in Seq.append (within |> Seq.collect _.Inputs) program.Outputs do
            match atom with
            | Atom.Variable v -> used.Add v |> ignore
            | Atom.Literal _ -> ()

        let computed = before |> Array.collect _.Outputs |> Array.filter used.Contains
        let inputs = Array.concat [ k; computed; program.Inputs[given..] ]

        struct (Program.Of(k, before, computed |> Array.map Atom.Variable), Program.Of(inputs, within, program.Outputs))

    /// The types of the values that a step gives, each once.
    member _.Types = types
    /// For each output of the program, its value.
    member _.ValueOf = valueOf
    /// Whether a value is another one from step to step; else it is a constant, or a carry that no step changes.
    member _.Moves = moves
    /// The value that is an entry of the carry as it was before the step; -1 if steps do not give it.
    member _.ValueBefore(carry: int) : int = Array.IndexOf(inputOf, first + carry)
    /// Whether a value is computed, not taken.
    member _.IsComputed(value: int) : bool = inputOf[value] < 0
    /// Where the carry begins among what a step is called with.
    member _.FirstCarry = first
    /// Where the items begin among what a step is called with.
    member _.FirstItem = firstItem

    /// A frame for the steps of one loop, and what they are called with, of which carry and items are left to fill in.
    member _.Enter(constants: NDArray[], isRepeated: bool) : struct (LoopFrame * NDArray[]) =
        // Each of the calls that run at once has its own.
        let frame =
            match idle.TryTake() with
            | true, kept -> kept
            | _ -> makeFrame ()

        let arguments: NDArray[] = Array.zeroCreate step.Inputs.Length
        Array.blit constants 0 arguments 0 given

        if later > 0 then
            Array.blit (before.Run constants) 0 arguments given later

        if isRepeated then
            for k in 0 .. packable.Length - 1 do
                let y = arguments[packable[k]]
                let strides = y.ExplicitStrides
                frame.Packed[k].Pack(y.Bytes, int64 strides[y.Rank - 2], int64 strides[y.Rank - 1])
                GC.KeepAlive y
                let same = NDArray(y.Device, y.DType, y.Shape, y.Strides, y.Offset, y.Storage, y.Bits)
                same.Packed <- frame.Packed[k]
                arguments[packable[k]] <- same

        struct (frame, arguments)

    /// One step: its values, in given places where there are (null: anywhere).
    member _.Step(frame: LoopFrame, arguments: NDArray[], places: NDArray[]) : NDArray[] =
        let same = if frame.HasConstants then consts else 0
        frame.HasConstants <- true
        executable.Walk(frame.Frame, arguments, same, places)

    /// Hands a frame back after a loop, with what its steps were called with.
    member _.Leave(frame: LoopFrame, arguments: NDArray[], isRepeated: bool) : unit =
        if isRepeated then
            for p in packable do
                arguments[p].Packed <- null

        executable.Clear frame.Frame
        frame.HasConstants <- false
        idle.Add frame

    /// The carry after all steps: each takes the items that are found for the carry before it; null ends the loop.
    member this.Iterate(constants: NDArray[], start: NDArray[], next: NDArray[] -> NDArray[]) : NDArray[] =
        let struct (frame, arguments) = this.Enter(constants, false)
        let places: NDArray[] = Array.zeroCreate types.Length
        let mutable carry = start
        let mutable items = next carry
        let mutable steps = 0

        while not (isNull items) do
            Array.blit carry 0 arguments first carries
            Array.blit items 0 arguments firstItem items.Length

            for v in 0 .. types.Length - 1 do
                if moves[v] then
                    places[v] <- frame.Turn(v, steps)

            carry <- Slots.Gather(this.Step(frame, arguments, places), valueOf)
            steps <- steps + 1
            items <- next carry

        // What lies in the frame is written over by the next loop.
        let own k (y: NDArray) =
            if steps = 0 || not moves[valueOf[k]] then y
            elif y.IsInline then y.View(y.Shape, null, 0)
            else HostArrays.makeContiguous y

        let results = Array.mapi own carry
        this.Leave(frame, arguments, false)
        results

/// A stack of values of the steps: the value, the number of rows, the row of the first index, and the carry with which it
/// begins (-1: none), if it has one row more for it.
[<Struct>]
type internal LoopStack = { Value: int; Rows: int; First: int; Carry: int }

/// A scan made ready to be run on arrays: each step writes the carry in one of two places by turns, and what is stacked into
/// its row. A carry that is also stacked is carried in the stack, which has one row more for the first if those before the
/// steps are asked for: then a step's carry before it and after it are two views of one stack.
[<Sealed>]
type internal ScanExecutor(body: Program, parts: LoopParts, length: int, reverse: bool) =
    let loop = LoopBody(body, parts.Consts, parts.Consts, parts.Carries)
    let carryOut, stacked = loop.ValueOf[.. parts.Carries - 1], loop.ValueOf[parts.Carries ..]
    let stacks = List<LoopStack>()
    /// For each value its stack; -1 if it has none.
    let stackOf = Array.create loop.Types.Length -1
    /// For each stacked result its stack and first row.
    let rowsOf: struct (int * int)[] = Array.zeroCreate stacked.Length

    do
        let isPlaced = Array.create stacked.Length false

        for k in 0 .. parts.Carries - 1 do
            let value, before = carryOut[k], loop.ValueBefore k
            let isBeforeStacked = before >= 0 && Array.contains before stacked

            if loop.IsComputed value && stackOf[value] < 0 && (isBeforeStacked || Array.contains value stacked) then
                // Going back, the row of the step before comes after.
                let first = if isBeforeStacked && not reverse then 1 else 0
                stackOf[value] <- stacks.Count

                for j in 0 .. stacked.Length - 1 do
                    if not isPlaced[j] && (stacked[j] = value || stacked[j] = before) then
                        isPlaced[j] <- true
                        rowsOf[j] <- struct (stacks.Count, (if stacked[j] = value then first else 1 - first))

                stacks.Add
                    { Value = value
                      Rows = if isBeforeStacked then length + 1 else length
                      First = first
                      Carry = if isBeforeStacked then k else -1 }

        for j in 0 .. stacked.Length - 1 do
            if not isPlaced[j] then
                let value = stacked[j]

                if stackOf[value] < 0 then
                    stackOf[value] <- stacks.Count
                    stacks.Add { Value = value; Rows = length; First = 0; Carry = -1 }

                rowsOf[j] <- struct (stackOf[value], 0)

    let rowSize = [| for stack in stacks -> int (Shape.size loop.Types[stack.Value].Shape) |]

    /// The entry of an array at an index.
    static member Entry (i: int) (x: NDArray) : NDArray =
        let strides = x.ExplicitStrides
        let inner = if x.IsContiguous then null else strides[1..]
        // An array without elements has no memory to move along.
        x.View(x.Shape[1..], inner, (if x.Size = 0 then x.Offset else x.Offset + i * strides[0]))

    /// The carry after the last step, and the stacked results.
    member _.Run(xs: NDArray[], outs: TensorType[]) : NDArray[] =
        let isRepeated = length > 1
        let struct (frame, arguments) = loop.Enter(xs[.. parts.Consts - 1], isRepeated)
        let carry = xs[parts.Consts .. parts.Consts + parts.Carries - 1]
        let items = xs[parts.Consts + parts.Carries ..]
        let places: NDArray[] = Array.zeroCreate loop.Types.Length

        let wholes =
            [| for stack in stacks ->
                   let t = loop.Types[stack.Value]
                   HostArrays.fresh (Cpu.Instance, t.DType, Batching.shape stack.Rows t.Shape) |]

        // Two arrays for each stack stand by turns for the rows: a step reads one and writes the other.
        let rows =
            [| for k in 0 .. 2 * wholes.Length - 1 ->
                   let t = loop.Types[stacks[k / 2].Value]
                   NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, wholes[k / 2].Storage, 0L) |]

        let row turn k index =
            let row = rows[2 * k + turn]
            row.Point(index * rowSize[k], row.Storage, 0L)
            row

        for k in 0 .. stacks.Count - 1 do
            if stacks[k].Carry >= 0 && rowSize[k] > 0 then
                HostArrays.copyTo (carry[stacks[k].Carry], row 1 k (if reverse then length else 0))

        // One array for each item stands for its entries, unless they are scalars, which are held without memory.
        let entries = items |> Array.map (fun x -> if x.Rank > 1 then ScanExecutor.Entry 0 x else null)
        let strides = items |> Array.map (fun x -> x.ExplicitStrides[0])

        for step in 0 .. length - 1 do
            let i = if reverse then length - 1 - step else step
            Array.blit carry 0 arguments loop.FirstCarry carry.Length

            for k in 0 .. items.Length - 1 do
                let x = items[k]

                arguments[loop.FirstItem + k] <-
                    if isNull entries[k] then
                        ScanExecutor.Entry i x
                    else
                        if x.Size > 0 then
                            entries[k].Point(x.Offset + i * strides[k], x.Storage, x.Bits)

                        entries[k]

            for v in 0 .. places.Length - 1 do
                places[v] <-
                    if stackOf[v] >= 0 then row (step % 2) stackOf[v] (stacks[stackOf[v]].First + i)
                    elif not loop.Moves[v] then null
                    // The last carry outlives the loop.
                    elif step = length - 1 then LoopFrame.Place loop.Types[v]
                    else frame.Turn(v, step)

            let ys = loop.Step(frame, arguments, places)

            for k in 0 .. carry.Length - 1 do
                carry[k] <- ys[carryOut[k]]

        loop.Leave(frame, arguments, isRepeated)

        // A carry that lies in a stack would keep all of it.
        for k in 0 .. carry.Length - 1 do
            if stackOf[carryOut[k]] >= 0 then
                carry[k] <- HostArrays.makeContiguous carry[k]

        let results =
            rowsOf
            |> Array.mapi (fun j (struct (k, first)) ->
                let x = wholes[k]
                NDArray(x.Device, x.DType, outs[parts.Carries + j].Shape, null, first * rowSize[k], x.Storage, 0L))

        GC.KeepAlive xs
        Array.append carry results
