namespace Autodiff

open System.Collections.Generic
open System.Threading
open Autodiff.Kernels

/// How the inputs of a loop fall apart: what stays the same, what is carried from step to step, what each step takes.
[<Struct>]
type internal LoopParts = { Consts: int; Carries: int; Items: int }

/// Where a step of a scan writes a value: where its kernel likes; at a place that each step uses again; in one of two
/// places by turns, since the one before is still read; into its row of a stack; or into a part of another value.
[<RequireQualifiedAccess>]
type internal Home =
    | Anywhere
    | Place of offset: int64
    | Turns of first: int64 * second: int64
    | Row of stack: int
    | Part of whole: int * starts: int[]

/// What a running scan keeps from call to call.
[<Sealed; AllowNullLiteral>]
type internal ScanFrame(slots: int, arena: int64, packed: PackedFactor[]) =
    member val Environment: NDArray[] = Array.zeroCreate slots
    /// Where each value of the current step goes (null: anywhere).
    member val Targets: NDArray[] = Array.zeroCreate slots
    member val Memory = HostMemory.Allocate arena
    member _.Packed = packed

/// A scan made ready to be run on arrays. What only constants determine is computed before the loop, and matrices among it
/// from which the steps make products are packed. Values of a step lie at planned places, which all steps use; stacked
/// results are written where they will lie. A carry that is also stacked is carried in the stack, which has one row more
/// for the first: then a step's carry before it and after it are two views of one stack.
[<Sealed>]
type internal ScanExecutor(body: Program, parts: LoopParts, length: int, reverse: bool) =
    let slots = Slots(body.Equations, body.Outputs, body.VariableCount)
    let count = slots.Constants.Length
    let equations = body.Equations
    let n = equations.Length
    let inputSlots = body.Inputs |> Array.map _.Index
    let carryIn = inputSlots[parts.Consts .. parts.Consts + parts.Carries - 1]
    let itemSlots = inputSlots[parts.Consts + parts.Carries ..]
    let carryOut, stacked = slots.Results[.. parts.Carries - 1], slots.Results[parts.Carries ..]

    // Shapes of their own, by which a kernel's result is told from what else it makes.
    let types =
        equations
        |> Array.map (fun e -> e.Outputs |> Array.map (fun v -> { v.Type with Shape = Array.copy v.Type.Shape }))

    let typeOf =
        let result: TensorType[] = Array.zeroCreate count

        for v in body.Inputs do
            result[v.Index] <- v.Type

        for i in 0 .. n - 1 do
            equations[i].Outputs |> Array.iteri (fun j v -> result[v.Index] <- types[i][j])

        for entry in slots.Literals do
            result[entry.Value] <- { Shape = entry.Key.Shape; DType = entry.Key.DType }

        result

    let isFixed =
        let result = Array.create count true

        for s in Array.append carryIn itemSlots do
            result[s] <- false

        for i in 0 .. n - 1 do
            let isFixed = slots.Reads[i] |> Array.forall (fun s -> result[s])

            for v in equations[i].Outputs do
                result[v.Index] <- isFixed

        result

    let before, within = [| 0 .. n - 1 |] |> Array.partition (fun i -> isFixed[equations[i].Outputs[0].Index])

    let definedAt =
        let result = Array.create count -1

        for i in within do
            for v in equations[i].Outputs do
                result[v.Index] <- i

        result

    /// Whether the results of an equation share no memory with its inputs.
    let isFresh i =
        match equations[i].Operation with
        | :? FusedPrimitive
        | :? UnaryPrimitive
        | :? BinaryPrimitive
        | :? ComparePrimitive -> true
        | :? Primitive as p -> List.contains p.Name [ "matmul"; "placeAll"; "concat"; "sumTo" ]
        | _ -> false

    /// What may share memory with the carry after a step, and of that what does so as part of something else.
    let survivors, shared =
        let survivors, shared = HashSet<int> carryOut, HashSet<int>()

        for i in Array.rev within do
            if not (isFresh i) && equations[i].Outputs |> Array.exists (fun v -> survivors.Contains v.Index) then
                survivors.UnionWith slots.Reads[i]
                shared.UnionWith slots.Reads[i]

        for s, uses in Array.countBy id carryOut do
            if uses > 1 then
                shared.Add s |> ignore

        survivors, shared

    /// The last equation that needs the memory of each value; n for the end of the step.
    let lastUse =
        let last = Array.create count -1

        for s in slots.Results do
            last[s] <- n

        for i in Array.rev within do
            let outputs =
                equations[i].Outputs |> Array.fold (fun latest v -> max latest last[v.Index]) i

            for s in slots.Reads[i] do
                last[s] <- max last[s] (if isFresh i then i else outputs)

        last

    /// Of an equation that puts values side by side: where each begins. Null if they do not cover its result, or if one of them
    /// is not made by a loop that could write it there.
    let assembled (i: int) : int[][] =
        let e = equations[i]
        let find name = e.Operation.Parameters |> List.find (fst >> (=) name) |> snd
        let shape: int[] = e.Outputs[0].Type.Shape
        let inputs = slots.Reads[i]
        let shapes: int[][] = inputs |> Array.map (fun s -> typeOf[s].Shape)

        let starts =
            match e.Operation.Name with
            | _ when not (e.Operation :? Primitive) -> null
            | "placeAll" when Array.forall ((=) 1) (find "steps" :?> int[]) ->
                (find "starts" :?> int[]) |> Array.chunkBySize shape.Length
            | "concat" ->
                let axis = find "axis" :?> int
                let ends = (0, shapes) ||> Array.scan (fun at s -> at + s[axis])
                Array.init inputs.Length (fun k -> Array.init shape.Length (fun a -> if a = axis then ends[k] else 0))
            | _ -> null

        let isWritten s =
            let from = definedAt[s]

            from >= 0
            && DTypes.IsFloat typeOf[s].DType
            && (match equations[from].Operation with
                | :? FusedPrimitive as fused ->
                    let k = equations[from].Outputs |> Array.findIndex (fun v -> v.Index = s)
                    isNull fused.Call.OutStrides[k]
                | _ -> false)

        let areApart k l =
            Seq.exists
                (fun a -> starts[k][a] + shapes[k][a] <= starts[l][a] || starts[l][a] + shapes[l][a] <= starts[k][a])
                (seq { 0 .. shape.Length - 1 })

        let fits () =
            Shape.size shape > 0L
            && Array.forall isWritten inputs
            && (shapes |> Array.sumBy Shape.size) = Shape.size shape
            && Seq.forall
                (fun (k, l) -> k = l || areApart k l)
                (Seq.allPairs (seq { 0 .. inputs.Length - 1 }) (seq { 0 .. inputs.Length - 1 }))

        if isNull starts || not (fits ()) then null else starts

    /// For equations whose result is put together at its place: the parts that are made elsewhere, where they begin, and the
    /// loop that copies them.
    let copied: struct (int * int[] * FusedCall)[][] = Array.zeroCreate n

    let copying (t: TensorType) =
        let graph = FusedGraph t.DType
        graph.Output(graph.Input())
        let itself = System.Func<NDArray, NDArray> id
        FusedCall(graph, t.Shape, 0, [| t.DType |], [| t.Shape |], [| null |], [| 0 |], [| 0 |], [| null |], [| itself |])
    let homes = Array.create count Home.Anywhere
    // Each stack: the value of a row, the number of rows, and the row of the first index.
    let stackSlots, stackRows, stackFirst = List<int>(), List<int>(), List<int>()
    /// For each stacked result its stack and first row.
    let stackOf: struct (int * int)[] = Array.zeroCreate stacked.Length
    /// The stacks that begin with a carry, and that carry.
    let trails = List<struct (int * int)>()

    do
        let addStack s rows first =
            stackSlots.Add s
            stackRows.Add rows
            stackFirst.Add first
            stackSlots.Count - 1

        let isPlaced = Array.create stacked.Length false

        for k in 0 .. parts.Carries - 1 do
            let s = carryOut[k]
            let isStacked = Array.contains s stacked
            let isBeforeStacked = Array.contains carryIn[k] stacked

            if definedAt[s] >= 0 && homes[s].IsAnywhere && (isStacked || isBeforeStacked) then
                let rows = if isBeforeStacked then length + 1 else length
                // Going back, the row of the step before comes after.
                let first = if isBeforeStacked && not reverse then 1 else 0
                let stack = addStack s rows first
                homes[s] <- Home.Row stack

                if isBeforeStacked then
                    trails.Add(struct (stack, k))

                for j in 0 .. stacked.Length - 1 do
                    if not isPlaced[j] && (stacked[j] = s || stacked[j] = carryIn[k]) then
                        isPlaced[j] <- true
                        let isBefore = stacked[j] <> s
                        stackOf[j] <- struct (stack, (if isBefore then 1 - first else first))

        for j in 0 .. stacked.Length - 1 do
            if not isPlaced[j] then
                let s = stacked[j]
                let stack = addStack s length 0

                if definedAt[s] >= 0 && homes[s].IsAnywhere then
                    homes[s] <- Home.Row stack

                for l in j .. stacked.Length - 1 do
                    if not isPlaced[l] && stacked[l] = s then
                        isPlaced[l] <- true
                        stackOf[l] <- struct (stack, 0)

    let bytesOf s =
        let bytes = Shape.size typeOf[s].Shape * int64 (DTypes.Size typeOf[s].DType)
        (bytes + 63L) &&& ~~~63L

    let arena =
        let mutable size = 64L

        let reserve bytes =
            size <- size + bytes
            size - bytes

        for k in 0 .. parts.Carries - 1 do
            let s = carryOut[k]

            if
                definedAt[s] >= 0
                && homes[s].IsAnywhere
                && typeOf[s].Shape.Length > 0
                && not (shared.Contains s)
                && not (survivors.Contains carryIn[k])
            then
                homes[s] <- Home.Turns(reserve (bytesOf s), reserve (bytesOf s))

        for i in within do
            let whole = equations[i].Outputs[0].Index

            match assembled i with
            | null -> ()
            | _ when homes[whole].IsAnywhere && survivors.Contains whole -> ()
            | starts ->
                let inputs = slots.Reads[i]
                // What is read elsewhere too is read there as a part of this.
                let isOwn k s =
                    homes[s].IsAnywhere && not (survivors.Contains s) && System.Array.IndexOf(inputs, s) = k

                let own = Array.mapi isOwn inputs

                if Array.contains true own then
                    copied[i] <-
                        [| for k in 0 .. inputs.Length - 1 do
                               if not own[k] then
                                   struct (inputs[k], starts[k], copying typeOf[inputs[k]]) |]

                    inputs
                    |> Array.iteri (fun k s ->
                        if own[k] then
                            homes[s] <- Home.Part(whole, starts[k])
                            lastUse[whole] <- max lastUse[whole] lastUse[s])

        // What is alive lies side by side, as low as there is room.
        let first = size
        let living = List<struct (int64 * int64 * int)>()

        for i in within do
            for v in equations[i].Outputs do
                let s =
                    match homes[v.Index] with
                    | Home.Part(whole, _) -> whole
                    | _ -> v.Index

                if homes[s].IsAnywhere && typeOf[s].Shape.Length > 0 && not (survivors.Contains s) && bytesOf s > 0L then
                    living.RemoveAll(fun (struct (_, _, last)) -> last < i) |> ignore
                    let bytes = bytesOf s
                    let mutable at = first

                    for struct (start, length, _) in living |> Seq.sortBy (fun (struct (start, _, _)) -> start) do
                        if at + bytes > start then
                            at <- max at (start + length)

                    living.Add(struct (at, bytes, max i lastUse[s]))
                    homes[s] <- Home.Place at
                    size <- max size (at + bytes)

        size

    /// Matrices that stay the same, and with which steps multiply from the right.
    let packable =
        if length < 2 then
            [||]
        else
            within
            |> Array.choose (fun i ->
                match equations[i].Operation, slots.Reads[i] with
                | :? Primitive as p, [| x; y |] when
                    p.Name = "matmul"
                    && isFixed[y]
                    && not (survivors.Contains y)
                    && typeOf[x].Shape.Length = 2
                    && typeOf[y].Shape.Length = 2
                    && typeOf[x].Shape[0] > 1
                    && Shape.size typeOf[y].Shape > 0L
                    && PackedFactor.Supports typeOf[y].DType
                    ->
                    Some y
                | _ -> None)
            |> Array.distinct

    let turning =
        [| for s in 0 .. count - 1 do
               match homes[s] with
               | Home.Turns(first, second) -> struct (s, first, second)
               | _ -> () |]

    let rows =
        [| for s in 0 .. count - 1 do
               match homes[s] with
               | Home.Row stack -> struct (s, stack)
               | _ -> () |]

    let partsOf =
        [| for s in 0 .. count - 1 do
               match homes[s] with
               | Home.Part(whole, starts) -> struct (s, whole, starts)
               | _ -> () |]

    let mutable idle: ScanFrame = null

    let at (storage: obj) (elements: int64) s =
        NDArray(Cpu.Instance, typeOf[s].DType, typeOf[s].Shape, null, int elements, storage, 0L)

    let placed (frame: ScanFrame) (offset: int64) s = at frame.Memory (offset / int64 (DTypes.Size typeOf[s].DType)) s

    let makeFrame () =
        let packed =
            packable |> Array.map (fun y -> PackedFactor(typeOf[y].DType, typeOf[y].Shape[0], typeOf[y].Shape[1]))
        let frame = ScanFrame(count, arena, packed)

        for s in 0 .. count - 1 do
            match homes[s] with
            | Home.Place offset -> frame.Targets[s] <- placed frame offset s
            | _ -> ()

        frame

    /// Runs an equation; its results go where the targets say, if its kernel can write there.
    let run (frame: ScanFrame) i =
        let environment = frame.Environment
        let values = Slots.Gather(environment, slots.Reads[i])
        let outputs = equations[i].Outputs

        match equations[i].Operation with
        | _ when not (isNull copied[i]) ->
            let whole = frame.Targets[outputs[0].Index]

            for struct (s, starts, call) in copied[i] do
                let part = whole.Slice(starts, call.Shape, Array.create starts.Length 1)
                whole.Device.Fused(call, [| environment[s] |], [| part |]) |> ignore

            environment[outputs[0].Index] <- whole
        | :? Primitive as primitive ->
            HostArrays.Give(frame.Targets, outputs[0].Index, 1)

            try
                environment[outputs[0].Index] <- primitive.Value(values, types[i][0])
            finally
                HostArrays.GiveNothing()
        | :? FusedPrimitive as fused ->
            let ys = fused.ValuesAt(values, outputs |> Array.map (fun v -> frame.Targets[v.Index]))

            for j in 0 .. outputs.Length - 1 do
                environment[outputs[j].Index] <- ys[j]
        | operation ->
            let ys = (operation :?> MultiPrimitive).Values(values, types[i])

            for j in 0 .. outputs.Length - 1 do
                environment[outputs[j].Index] <- ys[j]

    /// The entry of an array at an index.
    let entry i (x: NDArray) =
        let strides = x.ExplicitStrides
        let inner = if x.IsContiguous then null else strides[1..]
        // An array without elements has no memory to move along.
        x.View(x.Shape[1..], inner, (if x.Size = 0 then x.Offset else x.Offset + i * strides[0]))

    /// Copies a value into a row that a kernel has not written.
    let put (row: NDArray) (value: NDArray) =
        let isThere =
            obj.ReferenceEquals(row.Storage, value.Storage)
            && row.Offset = value.Offset
            && value.IsContiguous

        if not isThere && value.Size > 0 then
            HostArrays.copyTo (value, row)

    let runSteps (frame: ScanFrame) (xs: NDArray[]) (outs: TensorType[]) =
        let environment, targets = frame.Environment, frame.Targets
        System.Array.Copy(slots.Constants, environment, count)

        for i in 0 .. parts.Consts - 1 do
            environment[inputSlots[i]] <- xs[i]

        for i in before do
            run frame i

        for k in 0 .. packable.Length - 1 do
            let y = environment[packable[k]]
            let strides = y.ExplicitStrides
            frame.Packed[k].Pack(y.Bytes, int64 strides[0], int64 strides[1])
            System.GC.KeepAlive y
            let same = NDArray(y.Device, y.DType, y.Shape, y.Strides, y.Offset, y.Storage, y.Bits)
            same.Packed <- frame.Packed[k]
            environment[packable[k]] <- same

        let stacks =
            Array.init stackSlots.Count (fun k ->
                let t = typeOf[stackSlots[k]]
                HostArrays.allocate (Cpu.Instance, t.DType, Batching.shape stackRows[k] t.Shape))

        let rowOf stack row s =
            let x = stacks[stack]
            at x.Storage (int64 row * Shape.size typeOf[s].Shape) s

        let items = xs[parts.Consts + parts.Carries ..]
        let mutable carry = xs[parts.Consts .. parts.Consts + parts.Carries - 1]

        for struct (stack, k) in trails do
            put (rowOf stack (if reverse then length else 0) carryOut[k]) carry[k]

        for step in 0 .. length - 1 do
            let i = if reverse then length - 1 - step else step

            for k in 0 .. carry.Length - 1 do
                environment[carryIn[k]] <- carry[k]

            for k in 0 .. items.Length - 1 do
                environment[itemSlots[k]] <- entry i items[k]

            for struct (s, first, second) in turning do
                // The last carry outlives the loop.
                targets[s] <-
                    if step = length - 1 then
                        HostArrays.allocate (Cpu.Instance, typeOf[s].DType, typeOf[s].Shape)
                    else
                        placed frame (if step % 2 = 0 then first else second) s

            for struct (s, stack) in rows do
                targets[s] <- rowOf stack (stackFirst[stack] + i) s

            for struct (s, whole, starts) in partsOf do
                let target = targets[whole]

                if not (isNull target) then
                    targets[s] <- target.Slice(starts, typeOf[s].Shape, Array.create starts.Length 1)

            for e in within do
                run frame e

            for stack in 0 .. stacks.Length - 1 do
                let s = stackSlots[stack]
                put (rowOf stack (stackFirst[stack] + i) s) environment[s]

            carry <- Slots.Gather(environment, carryOut)

        for k in 0 .. packable.Length - 1 do
            environment[packable[k]].Packed <- null

        // A carry that lies in a stack would keep all of it.
        let own (x: NDArray) =
            if stacks |> Array.exists (fun stack -> not (isNull x.Storage) && obj.ReferenceEquals(stack.Storage, x.Storage)) then
                HostArrays.makeContiguous x
            else
                x

        let results =
            stackOf
            |> Array.mapi (fun j (struct (stack, first)) ->
                let x, out = stacks[stack], outs[parts.Carries + j]
                NDArray(x.Device, x.DType, out.Shape, null, first * int (Shape.size typeOf[stackSlots[stack]].Shape), x.Storage, 0L))

        Array.append (Array.map own carry) results

    /// The carry after the last step, and the stacked results.
    member _.Run(xs: NDArray[], outs: TensorType[]) : NDArray[] =
        // One call at a time uses what is kept; others make their own.
        let frame =
            match Interlocked.Exchange(&idle, null) with
            | null -> makeFrame ()
            | kept -> kept

        let ys = runSteps frame xs outs
        System.Array.Clear frame.Environment

        for struct (s, _) in rows do
            frame.Targets[s] <- null

        for struct (s, _, _) in turning do
            frame.Targets[s] <- null

        for struct (s, _, _) in partsOf do
            frame.Targets[s] <- null

        System.GC.KeepAlive frame
        idle <- frame
        ys
