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
type internal LoopFrame
    (frame: Frame, packed: PackedFactor[], types: TensorType[], given: int, later: NDArray[], inputs: int) =
    let turns: NDArray[] = Array.zeroCreate (2 * types.Length)

    member _.Frame = frame
    member _.Packed = packed
    /// Arrays that stand for the matrices that are packed.
    member val Stands: NDArray[] = Array.zeroCreate packed.Length
    /// What steps are called with.
    member val Arguments: NDArray[] = Array.zeroCreate inputs
    /// The constants that the loop is given.
    member val Given: NDArray[] = Array.zeroCreate given
    /// Where what they determine is computed; null for memory of its own.
    member _.Later = later
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

        // What may be a view of a constant is not copied.
        let place atom =
            match atom with
            | Atom.Variable v ->
                let isDefined (e: Equation) = Array.exists (fun w -> obj.ReferenceEquals(v, w)) e.Outputs

                match Array.tryFind isDefined prelude.Equations with
                | Some e when Places.isFresh e -> LoopFrame.Place v.Type
                | _ -> null
            | Atom.Literal _ -> null

        let later = Array.map place prelude.Outputs
        LoopFrame(executable.Enter(), Array.map pack packable, types, given, later, step.Inputs.Length)

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
    /// Whether a value is a constant that the frame of a loop holds, which the next loop writes over.
    member _.IsHeld(value: int) : bool = inputOf[value] >= given && inputOf[value] < consts
    /// Whether a value is computed, not taken.
    member _.IsComputed(value: int) : bool = inputOf[value] < 0
    /// Where the carry begins among what a step is called with.
    member _.FirstCarry = first
    /// Where the items begin among what a step is called with.
    member _.FirstItem = firstItem

    /// A frame for the steps of one loop of some inputs, of which the first are the constants, and what steps are called with,
    /// of which carry and items are left to fill in.
    member _.Enter(xs: NDArray[], isRepeated: bool) : struct (LoopFrame * NDArray[]) =
        // Each of the calls that run at once has its own.
        let frame =
            match idle.TryTake() with
            | true, kept -> kept
            | _ -> makeFrame ()

        let arguments = frame.Arguments
        Array.blit xs 0 arguments 0 given

        if later > 0 then
            Array.blit xs 0 frame.Given 0 given
            Array.blit (before.RunInto(frame.Given, frame.Later)) 0 arguments given later
            Array.Clear frame.Given

        if isRepeated then
            for k in 0 .. packable.Length - 1 do
                let y = arguments[packable[k]]
                let strides = y.ExplicitStrides
                frame.Packed[k].Pack(y.Bytes, int64 strides[y.Rank - 2], int64 strides[y.Rank - 1])
                GC.KeepAlive y
                let known = frame.Stands[k]

                if not (isNull known) && obj.ReferenceEquals(known.Strides, y.Strides) then
                    known.Point(y.Offset, y.Storage, y.Bits)
                else
                    frame.Stands[k] <- NDArray(y.Device, y.DType, y.Shape, y.Strides, y.Offset, y.Storage, y.Bits)

                frame.Stands[k].Packed <- frame.Packed[k]
                arguments[packable[k]] <- frame.Stands[k]

        struct (frame, arguments)

    /// One step: its values, in given places where there are (null: anywhere).
    member _.Step(frame: LoopFrame, arguments: NDArray[], places: NDArray[]) : NDArray[] =
        let same = if frame.HasConstants then consts else 0
        frame.HasConstants <- true
        executable.Walk(frame.Frame, arguments, same, places)

    /// Hands a frame back after a loop, with what its steps were called with.
    member _.Leave(frame: LoopFrame, arguments: NDArray[], isRepeated: bool) : unit =
        if isRepeated then
            for stand in frame.Stands do
                stand.Packed <- null
                stand.Point(0, null, 0L)

        Array.Clear arguments
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
            if steps = 0 then y
            elif this.IsHeld valueOf[k] then HostArrays.makeContiguous y
            elif not moves[valueOf[k]] then y
            elif y.IsInline then y.View(y.Shape, null, 0)
            else HostArrays.makeContiguous y

        let results = Array.mapi own carry
        this.Leave(frame, arguments, false)
        results

/// What one run of a scan works with, and where its results lie.
[<Sealed; AllowNullLiteral>]
type internal ScanMemory(wholes: NDArray[], rows: NDArray[], values: int, results: int, parts: LoopParts) =
    let last: NDArray[] = Array.zeroCreate values
    let copies: NDArray[] = Array.zeroCreate parts.Carries
    let starts: NDArray[] = Array.zeroCreate parts.Carries

    let known (arrays: NDArray[]) i (t: TensorType) =
        if isNull arrays[i] then
            arrays[i] <- LoopFrame.Place t

        arrays[i]

    /// The stacks.
    member _.Wholes = wholes
    /// For each stack the two arrays that stand for its rows by turns.
    member _.Rows = rows
    member val Places: NDArray[] = Array.zeroCreate values
    member val Carry: NDArray[] = Array.zeroCreate parts.Carries
    /// For each item an array that stands for its entries, and how far they lie apart.
    member val Entries: NDArray[] = Array.zeroCreate parts.Items
    member val Strides: int[] = Array.zeroCreate parts.Items
    member val Results: NDArray[] = Array.zeroCreate results
    /// Where a value of the last step lies.
    member _.Last(value: int, t: TensorType) : NDArray = known last value t
    /// Where an entry of the carry is copied to before the first step.
    member _.Start(carry: int, t: TensorType) : NDArray = known starts carry t
    /// Where an entry of the carry is copied to.
    member _.Copy(carry: int, t: TensorType) : NDArray = known copies carry t

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

    /// Memory for a run, which can be used again when nobody needs its results any more.
    member _.Memory() : ScanMemory =
        let wholes =
            [| for stack in stacks ->
                   let t = loop.Types[stack.Value]
                   HostArrays.fresh (Cpu.Instance, t.DType, Batching.shape stack.Rows t.Shape) |]

        // Two arrays for each stack stand by turns for the rows: a step reads one and writes the other.
        let rows =
            [| for k in 0 .. 2 * wholes.Length - 1 ->
                   let t = loop.Types[stacks[k / 2].Value]
                   NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, wholes[k / 2].Storage, 0L) |]

        ScanMemory(wholes, rows, loop.Types.Length, parts.Carries + rowsOf.Length, parts)

    /// The carry after the last step, and the stacked results, in some memory.
    member _.Run(memory: ScanMemory, xs: NDArray[], outs: TensorType[]) : NDArray[] =
        let isRepeated = length > 1
        let struct (frame, arguments) = loop.Enter(xs, isRepeated)
        let firstItem = parts.Consts + parts.Carries
        let wholes, places, carry = memory.Wholes, memory.Places, memory.Carry
        let entries, strides = memory.Entries, memory.Strides

        // The first carry too is contiguous, so that all steps read it in one way.
        for k in 0 .. carry.Length - 1 do
            let x = xs[parts.Consts + k]

            carry[k] <-
                if x.IsContiguous then
                    x
                else
                    let dense = memory.Start(k, { Shape = x.Shape; DType = x.DType })
                    Step.Put(x, dense)
                    dense

        let row turn k index =
            let row = memory.Rows[2 * k + turn]
            row.Point(index * rowSize[k], row.Storage, 0L)
            row

        for k in 0 .. stacks.Count - 1 do
            if stacks[k].Carry >= 0 && rowSize[k] > 0 then
                HostArrays.copyTo (carry[stacks[k].Carry], row 1 k (if reverse then length else 0))

        // One array for each item stands for its entries, unless they are scalars, which are held without memory.
        for k in 0 .. entries.Length - 1 do
            let x = xs[firstItem + k]
            strides[k] <- if x.IsContiguous then x.Size / max 1 length else x.Strides[0]

            if x.Rank = 1 then
                entries[k] <- null
            elif not x.IsContiguous || isNull entries[k] || not entries[k].IsContiguous then
                entries[k] <- ScanExecutor.Entry 0 x

        for step in 0 .. length - 1 do
            let i = if reverse then length - 1 - step else step
            Array.blit carry 0 arguments loop.FirstCarry carry.Length

            for k in 0 .. entries.Length - 1 do
                let x = xs[firstItem + k]

                arguments[loop.FirstItem + k] <-
                    if isNull entries[k] then
                        ScanExecutor.Entry i x
                    else
                        entries[k]
                            .Point((if x.Size = 0 then x.Offset else x.Offset + i * strides[k]), x.Storage, x.Bits)
                        entries[k]

            for v in 0 .. places.Length - 1 do
                places[v] <-
                    if stackOf[v] >= 0 then row (step % 2) stackOf[v] (stacks[stackOf[v]].First + i)
                    elif not loop.Moves[v] then null
                    // The last carry outlives the loop.
                    elif step = length - 1 then memory.Last(v, loop.Types[v])
                    else frame.Turn(v, step)

            let ys = loop.Step(frame, arguments, places)

            for k in 0 .. carry.Length - 1 do
                carry[k] <- ys[carryOut[k]]

        let results = memory.Results

        for k in 0 .. carry.Length - 1 do
            let y, v = carry[k], carryOut[k]

            // One that lies in a stack would keep all of it.
            results[k] <-
                if stackOf[v] >= 0 || loop.IsHeld v then
                    let copy = memory.Copy(k, loop.Types[v])
                    Step.Put(y, copy)
                    copy
                else
                    y

        loop.Leave(frame, arguments, isRepeated)
        Array.Clear places
        Array.Clear carry

        for entry in entries do
            if not (isNull entry) then
                entry.Point(0, null, 0L)

        for j in 0 .. rowsOf.Length - 1 do
            if isNull results[parts.Carries + j] then
                let struct (k, first) = rowsOf[j]
                let x = wholes[k]

                results[parts.Carries + j] <-
                    NDArray(x.Device, x.DType, outs[parts.Carries + j].Shape, null, first * rowSize[k], x.Storage, 0L)

        GC.KeepAlive xs
        results
