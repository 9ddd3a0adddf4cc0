namespace Autodiff

open System
open System.Collections.Generic
open System.Threading
open Autodiff.Kernels

/// What one run of a compiled program works with. A frame is used by one run at a time, and kept for the next: the arrays
/// that stand for planned memory are made once, and those that stand for arguments are pointed at others' memory.
[<Sealed; AllowNullLiteral>]
type internal Frame(values: NDArray[], own: NDArray[], arguments: NDArray[], operands: NDArray[][], places: NDArray[][])
    =
    /// What each slot holds now.
    member _.Values = values
    /// The arrays in planned memory; null for slots that have none.
    member _.Own = own
    /// What stands for the arguments that are contiguous.
    member _.Arguments = arguments
    /// For each step, what it is called with.
    member _.Operands = operands
    /// For each step, where its results go; null for memory of their own.
    member _.Places = places
    /// For each step that walks an array in another way, the result for a source that the frame keeps, and how many elements
    /// it begins after it.
    member val Views: NDArray[] = Array.zeroCreate operands.Length
    member val Sources: NDArray[] = Array.zeroCreate operands.Length
    member val Distances: int[] = Array.zeroCreate operands.Length
    /// For each step that puts values side by side at their place, the parts of that place.
    member val Parts: NDArray[][] = null with get, set

/// One equation, made ready to be run many times.
[<AbstractClass>]
type internal Step(index: int, reads: int[], outputs: int[], passing: int[]) =
    member _.Index = index

    member _.Operands(frame: Frame) : NDArray[] =
        let operands = frame.Operands[index]
        let values = frame.Values

        for k in 0 .. reads.Length - 1 do
            operands[k] <- values[reads[k]]

        operands

    abstract Compute: frame: Frame -> unit

    /// Forgets what nothing needs any more, so that memory that is not planned may be used again.
    member private _.Release(frame: Frame) : unit =
        Array.Clear frame.Operands[index]

        for s in passing do
            frame.Values[s] <- null

    member this.Run(frame: Frame) : unit =
        this.Compute frame
        this.Release frame

    /// Puts a value where it is wanted, if it is not there.
    static member Put(value: NDArray, place: NDArray) : unit =
        if obj.ReferenceEquals(value, place) then
            ()
        elif place.IsInline then
            place.Point(0, null, value.BitsAt 0)
        elif
            value.Size > 0
            && not (
                value.IsContiguous && value.Offset = place.Offset && obj.ReferenceEquals(value.Storage, place.Storage)
            )
        then
            HostArrays.copyTo (value, place)

    /// Whether nothing is left to do, since others did it.
    abstract IsIdle: bool
    default _.IsIdle = false

    /// What the step reads.
    abstract Read: frame: Frame -> NDArray[]
    default _.Read frame = Slots.Gather(frame.Values, reads)

    /// What it wrote.
    abstract Written: frame: Frame -> NDArray[]
    default _.Written frame = Slots.Gather(frame.Values, outputs)

    /// Runs as Run does, seen by an observer.
    member this.RunSeen(frame: Frame, operation: Operation, observer: Observer) : unit =
        if this.IsIdle then
            this.Compute frame
        else
            let run () =
                this.Compute frame
                this.Written frame

            observer.Step(operation, this.Read frame, run) |> ignore

/// A primitive, which finds the place of its result in HostArrays. A part of a value has to be there.
[<Sealed>]
type internal PrimitiveStep(index, reads, outputs: int[], passing, primitive: Primitive, out: TensorType, isPart: bool)
    =
    inherit Step(index, reads, outputs, passing)
    let output = outputs[0]

    override this.Compute frame =
        HostArrays.Give(frame.Places[index], 0, 1)
        let y = primitive.Value(this.Operands frame, out)
        HostArrays.GiveNothing()

        frame.Values[output] <-
            if isPart then
                Step.Put(y, frame.Places[index][0])
                frame.Places[index][0]
            else
                y

/// A primitive that walks its input differently: once for an array of the frame, wherever that lies at a run.
[<Sealed>]
type internal ViewStep(index, reads: int[], outputs: int[], passing, primitive: Primitive, out: TensorType) =
    inherit Step(index, reads, outputs, passing)
    let output = outputs[0]

    override this.Compute frame =
        let source = frame.Values[reads[0]]
        let known = frame.Views[index]

        if not (isNull known) && obj.ReferenceEquals(source, frame.Sources[index]) then
            known.Point(source.Offset + frame.Distances[index], source.Storage, source.Bits)
            frame.Values[output] <- known
        else
            let y = primitive.Value(this.Operands frame, out)
            frame.Values[output] <- y

            // What holds its element itself, or is a copy, is made again at each run.
            if
                isNull known
                && not (isNull source.Storage)
                && obj.ReferenceEquals(y.Storage, source.Storage)
                && not (obj.ReferenceEquals(y, source))
                && (obj.ReferenceEquals(source, frame.Own[reads[0]])
                    || Array.exists (fun a -> obj.ReferenceEquals(a, source)) frame.Arguments
                    || Array.exists (fun v -> obj.ReferenceEquals(v, source)) frame.Views)
            then
                frame.Views[index] <- y
                frame.Sources[index] <- source
                frame.Distances[index] <- y.Offset - source.Offset

/// A fused loop, which is given the places of its results.
[<Sealed>]
type internal FusedStep(index, reads: int[], outputs: int[], passing, fused: FusedPrimitive) =
    inherit Step(index, reads, outputs, passing)
    // Operands are read where the frame holds them.
    let call = fused.Call.Reading reads

    override _.Compute frame =
        let ys = frame.Values[reads[0]].Device.Fused(call, frame.Values, frame.Places[index])

        for j in 0 .. outputs.Length - 1 do
            frame.Values[outputs[j]] <- ys[j]

/// An operation of several results, which finds their places in HostArrays if it computes them itself.
[<Sealed>]
type internal MultiStep
    (index, reads, outputs: int[], passing, operation: MultiPrimitive, outs: TensorType[], isFresh: bool) =
    inherit Step(index, reads, outputs, passing)

    override this.Compute frame =
        if isFresh then
            HostArrays.Give(frame.Places[index], 0, outputs.Length)

        let ys = operation.Values(this.Operands frame, outs)
        HostArrays.GiveNothing()

        for j in 0 .. outputs.Length - 1 do
            frame.Values[outputs[j]] <- ys[j]

/// Values side by side, of which most are written there by what makes them.
[<Sealed>]
type internal AssemblyStep(index, reads: int[], outputs: int[], passing, assembly: Assembly) =
    inherit Step(index, reads, outputs, passing)

    /// Those of some values, one for each part, that are copied.
    let copied (values: NDArray[]) =
        [| for k in 0 .. reads.Length - 1 do
               if not (isNull assembly.Copies[k]) then
                   values[k] |]

    override _.IsIdle = Array.forall isNull assembly.Copies
    override _.Read frame = copied (Slots.Gather(frame.Values, reads))
    override _.Written frame = copied frame.Parts[index]

    override this.Compute frame =
        let parts = frame.Parts[index]

        for k in 0 .. reads.Length - 1 do
            if not (isNull assembly.Copies[k]) then
                parts[k].Device.Fused(assembly.Copies[k], [| frame.Values[reads[k]] |], [| parts[k] |]) |> ignore

        frame.Values[outputs[0]] <- frame.Places[index][0]

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

    /// For each equation, the slots without planned memory that hold nothing that is needed after it.
    let passing =
        let found = Array.init equations.Length (fun _ -> List<int>())

        for e in equations do
            for v in e.Outputs do
                if not (isPlanned v.Index) && not (plan.IsKept v.Index) then
                    found[plan.LastUse[v.Index]].Add v.Index

        found |> Array.map _.ToArray()

    let steps =
        equations
        |> Array.mapi (fun i e ->
            let outputs = e.Outputs |> Array.map _.Index
            let out = e.Outputs[0].Type

            match e.Operation with
            | _ when not (isNull plan.Assemblies[i]) ->
                AssemblyStep(i, reads[i], outputs, passing[i], plan.Assemblies[i]) :> Step
            | :? FusedPrimitive as fused -> FusedStep(i, reads[i], outputs, passing[i], fused)
            | :? Primitive as primitive when Places.isView e && not (plan.IsKept outputs[0]) ->
                ViewStep(i, reads[i], outputs, passing[i], primitive, out)
            | :? Primitive as primitive ->
                let isPart = plan.RootOf outputs[0] <> outputs[0]
                PrimitiveStep(i, reads[i], outputs, passing[i], primitive, out, isPart)
            | operation ->
                let multi, outs = operation :?> MultiPrimitive, e.Outputs |> Array.map _.Type
                MultiStep(i, reads[i], outputs, passing[i], multi, outs, plan.IsFresh[i]))

    let array (t: TensorType) (storage: obj) = NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, storage, 0L)

    /// What is put together in memory that each run makes or is given: the equation, and where its parts begin. What is made
    /// of parts comes before what is a part of it.
    let assembled =
        [| for i = equations.Length - 1 downto 0 do
               if not (isNull plan.Assemblies[i] || isPlanned (plan.RootOf equations[i].Outputs[0].Index)) then
                   let parts = plan.Assemblies[i].PartsOf(array equations[i].Outputs[0].Type null)
                   struct (i, parts |> Array.map _.Offset) |]

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

        Frame(
            Array.copy slots.Constants,
            own,
            inputs |> Array.map (fun v -> array v.Type null),
            Array.map2
                (fun (step: Step) (r: int[]) -> if step :? FusedStep then [||] else Array.zeroCreate r.Length)
                steps
                reads,
            equations |> Array.map (fun e -> e.Outputs |> Array.map (fun v -> own[v.Index])),
            Parts = parts
        )

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

            if s < program.VariableCount then
                frame.Values[s] <- null

        for stand in frame.Arguments do
            stand.Point(0, null, 0L)

        for v in inputs do
            frame.Values[v.Index] <- null

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

            frame.Values[inputs[p].Index] <-
                if x.IsContiguous && isNull x.Packed then
                    let stand = frame.Arguments[p]
                    stand.Point(x.Offset, x.Storage, x.Bits)
                    stand
                else
                    x

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
                operands[k] <- if inputOf[s] >= 0 then arrays[inputOf[s]] else slots.Constants[s]

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

                    if not (isNull taken) then
                        given[p] <- array t taken

                    // Native memory, however small, so that it can be donated in turn.
                    places[j] <- array t (if isNull taken then HostMemory.Allocate(Places.bytesOf t) else taken)

            this.RunInto(given, places)
        else
            this.Run arrays
