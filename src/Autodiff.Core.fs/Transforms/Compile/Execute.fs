namespace Autodiff

open System
open System.Collections.Generic
open System.Threading
open Autodiff.Kernels

/// A compiled program, as steps that are prepared once, with memory for what it computes on the way, which is planned once
/// and kept between runs. A run makes its results and what operations do not put where they are told, and nothing else.
/// Any number of threads may run it at once: each run has a frame of its own.
[<Sealed>]
type internal Executable(program: Program, donated: int) =
    let equations = program.Equations
    let inputs = program.Inputs
    let slots = Slots(equations, program.Outputs, program.VariableCount)
    let reads, results = slots.Reads, slots.Results
    let plan = Plan(program, slots)

    let typeOf =
        let types = Array.zeroCreate<TensorType> slots.Constants.Length

        for v in Seq.append inputs (equations |> Seq.collect _.Outputs) do
            types[v.Index] <- v.Type

        types

    let inputOf =
        let at = Array.create slots.Constants.Length -1
        inputs |> Array.iteri (fun i v -> at[v.Index] <- i)
        at

    /// Where in its equation a result is computed, if it can be given a place.
    let placeOf =
        results
        |> Array.map (fun s ->
            let i = plan.DefinedBy s

            if i >= 0 && plan.IsFresh[i] then
                struct (i, equations[i].Outputs |> Array.findIndex (fun v -> v.Index = s))
            else
                struct (-1, -1))

    let donations = plan.Donations donated
    let hasDonations = donations |> Array.exists (fun p -> p >= 0)

    let isPlanned s = plan.OffsetOf s >= 0L

    /// The loop that is the whole program, which needs no memory but that of its results.
    let only =
        match equations with
        | [| e |] when not hasDonations && results |> Array.forall (fun s -> plan.DefinedBy s = 0) ->
            match e.Operation with
            | :? FusedPrimitive as fused -> ValueSome fused
            | _ -> ValueNone
        | _ -> ValueNone

    /// What a slot holds is the memory that another one holds, walked differently: the other one, and how, from a contiguous
    /// array; nothing is to be done for it at a run but to point it there.
    let standing = Standing.find program slots plan

    /// For each slot, whether it holds one array in all runs.
    let isFixed =
        let isFixed s =
            let i = plan.DefinedBy s

            if i < 0 then
                true
            elif standing[s].IsStanding then
                true
            elif not (plan.IsPlaced i) then
                false
            else
                let isOwn = isPlanned s || Places.isInline typeOf[s] && not (plan.IsKept s)
                isOwn || plan.RootOf s <> s

        Array.init slots.Constants.Length isFixed

    let wirings =
        let passing = Array.init equations.Length (fun _ -> List<int>())

        for e in equations do
            for v in e.Outputs do
                if not (isFixed[v.Index] || isPlanned v.Index || plan.IsKept v.Index) then
                    passing[plan.LastUse[v.Index]].Add v.Index

        equations
        |> Array.mapi (fun i e ->
            let outputs = e.Outputs |> Array.map _.Index

            { Reads = reads[i]
              Outputs = outputs
              Passing = passing[i].ToArray()
              Moving =
                [| for k in 0 .. reads[i].Length - 1 do
                       if not isFixed[reads[i][k]] then
                           k |]
              IsFixed = isFixed[outputs[0]] })

    let isIdle i = standing[equations[i].Outputs[0].Index].IsStanding

    let steps =
        [| for i in 0 .. equations.Length - 1 do
               let e, wiring = equations[i], wirings[i]
               let out = e.Outputs[0].Type

               if not (isIdle i) then
                   match e.Operation with
                   | _ when not (isNull plan.Assemblies[i]) -> AssemblyStep(i, wiring, plan.Assemblies[i]) :> Step
                   | :? FusedPrimitive as fused ->
                       let moving =
                           [| for j in 0 .. wiring.Outputs.Length - 1 do
                                  if not isFixed[wiring.Outputs[j]] then
                                      j |]

                       FusedStep(i, wiring, fused, moving)
                   | :? Primitive as primitive when plan.IsView i && not (plan.IsKept wiring.Outputs[0]) ->
                       ViewStep(i, wiring, primitive, out)
                   | :? Primitive as primitive -> PrimitiveStep(i, wiring, primitive, out)
                   | operation ->
                       let multi, outs = operation :?> MultiPrimitive, e.Outputs |> Array.map _.Type
                       let isPassing = not (Array.exists plan.IsKept wiring.Outputs)
                       MultiStep(i, wiring, multi, outs, plan.IsFresh[i], isPassing) |]

    /// What each slot holds before a run: small constants, which no result is, in memory that does not move.
    let constants =
        let isSmall s =
            let x = slots.Constants[s]

            not (isNull x) && x.Storage :? (byte[]) && x.IsContiguous && x.Size > 0 && not (Array.contains s results)

        let held = Array.copy slots.Constants
        let small = [| 0 .. held.Length - 1 |] |> Array.filter isSmall
        let bytes s = int64 held[s].Size * int64 (DTypes.Size held[s].DType)
        let starts = (0L, small) ||> Array.scan (fun at s -> (at + bytes s + 63L) &&& ~~~63L)

        if small.Length > 0 then
            let memory = HostMemory.Allocate starts[small.Length]

            for k in 0 .. small.Length - 1 do
                let x = held[small[k]]
                let y = NDArray(x.Device, x.DType, x.Shape, null, 0, memory.Part(starts[k], bytes small[k]), 0L)
                HostArrays.copyTo (x, y)
                held[small[k]] <- y

        held

    let array (t: TensorType) (storage: obj) = NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, storage, 0L)

    /// What is put together in memory that each run makes or is given: the equation, and where its parts begin. What is made
    /// of parts comes before what is a part of it.
    let assembled =
        [| for i = equations.Length - 1 downto 0 do
               if not (isNull plan.Assemblies[i] || isPlanned (plan.RootOf equations[i].Outputs[0].Index)) then
                   let parts = plan.Assemblies[i].PartsOf(array equations[i].Outputs[0].Type null)
                   struct (i, parts |> Array.map _.Offset) |]

    /// What steps are called with that is the same in all runs.
    let fill (frame: Frame) =
        for i in 0 .. equations.Length - 1 do
            for k in 0 .. frame.Operands[i].Length - 1 do
                if isFixed[reads[i][k]] then
                    frame.Operands[i][k] <- frame.Values[reads[i][k]]

    /// Slots hold an argument as it is, and what walks it in other ways is made.
    let setOdd (frame: Frame) p (x: NDArray) =
        frame.SetOdd(p, true)
        frame.Values[inputs[p].Index] <- x

        for i in 0 .. equations.Length - 1 do
            let out = equations[i].Outputs[0]

            if standing[out.Index].IsStanding && standing[out.Index].Root = inputs[p].Index then
                frame.Values[out.Index] <-
                    (equations[i].Operation :?> Primitive).Value([| frame.Values[reads[i][0]] |], out.Type)

    /// Slots hold what stands for an argument again.
    let setEven (frame: Frame) p =
        frame.SetOdd(p, false)
        frame.Values[inputs[p].Index] <- frame.Arguments[p]

        for e in equations do
            let s = e.Outputs[0].Index

            if standing[s].IsStanding && standing[s].Root = inputs[p].Index then
                frame.Values[s] <- null

        for follower in frame.Followers[p] do
            frame.Values[follower.Slot] <- follower.View

        if not frame.IsOdd then
            fill frame

    /// Points what stands for an argument, and what walks it in other ways, at an array.
    let point (frame: Frame) p offset (storage: obj) bits packed =
        let stand = frame.Arguments[p]

        if
            not (obj.ReferenceEquals(stand.Storage, storage))
            || stand.Offset <> offset
            || stand.Bits <> bits
            || not (obj.ReferenceEquals(stand.Packed, packed))
        then
            stand.Point(offset, storage, bits)
            stand.Packed <- packed

            for follower in frame.Followers[p] do
                follower.View.Point(offset + follower.Distance, storage, bits)

    let makeFrame () =
        let memory = if plan.Bytes = 0L then null else HostMemory.Allocate plan.Bytes
        let own = Array.zeroCreate<NDArray> slots.Constants.Length

        for i in 0 .. equations.Length - 1 do
            for v in equations[i].Outputs do
                let s = v.Index

                if isPlanned s then
                    own[s] <- array v.Type (memory.Part(plan.OffsetOf s, Places.bytesOf v.Type))
                elif plan.IsFresh[i] && Places.isInline v.Type && not (plan.IsKept s) then
                    own[s] <- array v.Type null

        let partsOf i (assembly: Assembly) =
            if isNull assembly then
                null
            else
                let whole = equations[i].Outputs[0]
                let parts =
                    assembly.PartsOf(if isNull own[whole.Index] then array whole.Type null else own[whole.Index])

                for k in 0 .. parts.Length - 1 do
                    if assembly.IsWritten[k] then
                        own[reads[i][k]] <- parts[k]

                parts

        let parts: NDArray[][] = Array.zeroCreate equations.Length

        for i = equations.Length - 1 downto 0 do
            parts[i] <- partsOf i plan.Assemblies[i]

        let values = Array.copy constants
        let arguments = inputs |> Array.map (fun v -> array v.Type null)

        for s in 0 .. own.Length - 1 do
            if isFixed[s] && not (isNull own[s]) then
                values[s] <- own[s]

        inputs |> Array.iteri (fun p v -> values[v.Index] <- arguments[p])
        let followers = Array.init inputs.Length (fun _ -> List<Follower>())

        for e in equations do
            let s = e.Outputs[0].Index
            let view = standing[s]

            if view.IsStanding then
                let source, walked = values[view.Root], view.Walked

                values[s] <-
                    NDArray(
                        Cpu.Instance,
                        walked.DType,
                        walked.Shape,
                        walked.Strides,
                        source.Offset + walked.Offset,
                        source.Storage,
                        0L
                    )

                if inputOf[view.Root] >= 0 && view.IsRead then
                    followers[inputOf[view.Root]].Add { Slot = s; View = values[s]; Distance = walked.Offset }

        let operands =
            Array.init equations.Length (fun i ->
                if equations[i].Operation :? FusedPrimitive || isIdle i then
                    [||]
                else
                    Array.zeroCreate reads[i].Length)

        let frame =
            Frame(
                values,
                own,
                arguments,
                followers |> Array.map _.ToArray(),
                operands,
                equations |> Array.map (fun e -> e.Outputs |> Array.map (fun v -> own[v.Index])),
                Parts = parts
            )

        fill frame
        frame

    let mutable idle: Frame = null

    /// The memory of a donated argument under a new owner, if nothing else that is given shares it; null if it cannot be
    /// written over.
    let take (arrays: NDArray[]) p : HostMemory =
        let x = arrays[p]

        match x.Storage with
        | :? HostMemory as memory when x.IsContiguous && x.Offset = 0 && memory.Length = Places.bytesOf inputs[p].Type ->
            let mutable uses = 0

            for other in arrays do
                if obj.ReferenceEquals(other.Storage, memory) then
                    uses <- uses + 1

            if uses = 1 then memory.Take() else null
        | _ -> null

    new(program) = Executable(program, 0)

    /// The memory in bytes that is kept between runs.
    member _.Planned = plan.Bytes

    /// A frame for any number of runs, one at a time, until it is left.
    member _.Enter() : Frame =
        match Interlocked.Exchange(&idle, null) with
        | null -> makeFrame ()
        | kept -> kept

    /// Makes a frame forget its runs.
    member _.Clear(frame: Frame) : unit =
        for j in 0 .. results.Length - 1 do
            let s = results[j]
            let struct (i, k) = placeOf[j]

            if i >= 0 then
                frame.Places[i][k] <- null

            if not isFixed[s] then
                frame.Values[s] <- null

        for p in 0 .. inputs.Length - 1 do
            if frame.IsOddAt p then
                setEven frame p

            // Small arrays in managed memory may wait for the next run, which often has the same.
            if frame.Arguments[p].Storage :? HostMemory then
                point frame p 0 null 0L null

        for view in frame.Views do
            if not (isNull view) then
                view.Point(0, null, 0L)

        for struct (i, _) in assembled do
            for part in frame.Parts[i] do
                part.Point(0, null, 0L)

    /// Hands a frame back.
    member this.Leave(frame: Frame) : unit =
        this.Clear frame
        Volatile.Write(&idle, frame)

    /// One run in a frame: the results for arrays, in given places where there are (null: anywhere), contiguous arrays of the
    /// types of the results, which overlap neither one another nor the arguments. If all have places, those are what is given
    /// back. Of the arrays the first ones are those that the frame ran with last.
    member _.Walk(frame: Frame, arrays: NDArray[], same: int, places: NDArray[]) : NDArray[] =
        for j in 0 .. results.Length - 1 do
            let struct (i, k) = placeOf[j]

            if i >= 0 then
                frame.Places[i][k] <- if isNull places then null else places[j]

        for struct (i, offsets) in assembled do
            let t, places, parts = equations[i].Outputs[0].Type, frame.Places[i], frame.Parts[i]

            if isNull places[0] then
                places[0] <- HostArrays.fresh (Cpu.Instance, t.DType, t.Shape)

            let whole = places[0]

            for k in 0 .. parts.Length - 1 do
                parts[k].Point(whole.Offset + offsets[k], whole.Storage, 0L)

        for p in same .. arrays.Length - 1 do
            let x = arrays[p]

            if x.IsContiguous then
                point frame p x.Offset x.Storage x.Bits x.Packed

                if frame.IsOddAt p then
                    setEven frame p
            else
                setOdd frame p x

        try
            let observer = Observer.Current

            if isNull observer then
                for step in steps do
                    step.Run frame
            else
                for step in steps do
                    step.RunSeen(frame, equations[step.Index].Operation, observer)
        finally
            HostArrays.GiveNothing()

        let mutable isGiven = not (isNull places)

        if isGiven then
            for place in places do
                isGiven <- isGiven && not (isNull place)

        let ys = if isGiven then places else Array.zeroCreate results.Length

        for j in 0 .. results.Length - 1 do
            let s = results[j]
            let y = if inputOf[s] >= 0 then arrays[inputOf[s]] else frame.Values[s]
            let place = if isNull places then null else places[j]

            ys[j] <-
                if not (isNull place) then
                    Step.Put(y, place)
                    place
                else
                    let i = plan.DefinedBy s
                    // An operation may give what it was given: an array that stands for an argument.
                    if i >= 0 && not plan.IsFresh[i] then y.View(y.Shape, y.Strides, y.Offset) else y

        for struct (i, _) in assembled do
            let s = equations[i].Outputs[0].Index

            if plan.RootOf s = s then
                frame.Places[i][0] <- null

        GC.KeepAlive arrays
        GC.KeepAlive frame
        ys

    /// How the last results follow the first inputs as a state of some values: for each the input that it is written over,
    /// or, of what needs another place, the complement of the input whose place is free then; null if the types are others.
    member _.Succession(count: int) : int[] =
        let first = results.Length - count
        let after k = program.Outputs[first + k].Type
        let isSame (s: TensorType) (t: TensorType) = s.DType = t.DType && Shape.equal s.Shape t.Shape

        let isState () = Seq.forall (fun k -> isSame inputs[k].Type (after k)) (seq { 0 .. count - 1 })

        if first < 0 || count > inputs.Length || not (isState ()) then
            null
        else
            let isTaken = Array.create count false

            let over =
                Array.init count (fun k ->
                    let p = if inputOf[results[first + k]] = k then k else donations[first + k]

                    if p >= 0 && p < count && isSame inputs[p].Type (after k) then
                        isTaken[p] <- true
                        p
                    else
                        -1)

            let free k =
                let isFree p = not isTaken[p] && isSame inputs[p].Type (after k)
                let p = Seq.find isFree (seq { 0 .. count - 1 })
                isTaken[p] <- true
                ~~~p

            Array.init count (fun k -> if over[k] >= 0 then over[k] else free k)

    /// The results for arrays, in given places where there are.
    member this.RunInto(arrays: NDArray[], places: NDArray[]) : NDArray[] =
        let frame = this.Enter()
        let ys = this.Walk(frame, arrays, 0, places)
        this.Leave frame
        ys

    /// The results for arrays.
    member this.Run(arrays: NDArray[]) : NDArray[] =
        match only with
        | ValueNone -> this.RunInto(arrays, null)
        | ValueSome fused ->
            let operands = Array.zeroCreate reads[0].Length

            for k in 0 .. operands.Length - 1 do
                let s = reads[0][k]
                operands[k] <- if inputOf[s] >= 0 then arrays[inputOf[s]] else constants[s]

            let observer = Observer.Current

            let found =
                if isNull observer then
                    fused.Values(operands, null)
                else
                    observer.Step(fused, operands, (fun () -> fused.Values(operands, null)))

            let ys = Array.zeroCreate results.Length

            for j in 0 .. results.Length - 1 do
                let struct (_, k) = placeOf[j]
                ys[j] <- found[k]

            ys

    /// The results for arrays, of which the first are used up: results are written over them where nothing else that is
    /// given lies there and the program allows it. Who holds such an array gets an error when it reads it.
    member this.RunDonating(arrays: NDArray[]) : NDArray[] =
        if hasDonations then
            let given = Array.copy arrays
            let places = Array.zeroCreate results.Length

            for j in 0 .. results.Length - 1 do
                let p = donations[j]

                if p >= 0 then
                    let t = typeOf[results[j]]
                    let taken = take given p

                    // Native memory, however small, so that it can be donated in turn.
                    places[j] <- array t (if isNull taken then HostMemory.Allocate(Places.bytesOf t) else taken)

                    if not (isNull taken) then
                        given[p] <- places[j]

            this.RunInto(given, places)
        else
            this.Run arrays
