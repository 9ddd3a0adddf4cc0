namespace Autodiff

open System
open System.Collections.Generic
open Autodiff.Kernels

/// What is known of where operations put their results.
module internal Places =
    /// Those that compute into memory that is asked for, or given, and hold on to nothing that they read.
    let private computing =
        HashSet
            [ "matmul"
              "conv"
              "convInputGradient"
              "convFilterGradient"
              "concat"
              "place"
              "placeAll"
              "maxPoolGather"
              "maxPoolScatter"
              "averagePool"
              "averagePoolTranspose"
              "softmax"
              "logSoftmax"
              "softmaxGradient"
              "logSoftmaxGradient"
              "sumTo"
              "max"
              "min"
              "any"
              "all"
              "argmax"
              "argmin"
              "selectedMean"
              "selectedMeanTranspose"
              "cumsum"
              "linearRecurrence"
              "cumargmax"
              "argsort"
              "searchsorted"
              "gather"
              "scatterAdd"
              "take"
              "takeAdd"
              "lastWriters"
              "oneHot"
              "where"
              "random"
              "foldIn" ]

    /// Whether the results of an equation lie in memory that nothing else has, and may be given.
    let isFresh (equation: Equation) : bool =
        match equation.Operation with
        | :? UnaryPrimitive
        | :? BinaryPrimitive
        | :? ComparePrimitive
        | :? FusedPrimitive -> true
        | operation when operation.Name = "cast" -> equation.Inputs[0].Type.DType <> equation.Outputs[0].Type.DType
        // Its results are told apart by their types.
        | operation when operation.Name = "maxPool" -> equation.Outputs[0].Type.DType <> equation.Outputs[1].Type.DType
        | operation when operation.Name = "blocks" -> true
        | operation -> operation :? Primitive && computing.Contains operation.Name

    /// Whether the result of an equation is its first input, walked differently, as far as that can be.
    let isView (equation: Equation) : bool =
        match equation.Operation.Name with
        | "broadcastTo"
        | "slice"
        | "transpose"
        | "reshape" -> equation.Operation :? LinearPrimitive
        | _ -> false

    /// Scalars that arrays hold without memory.
    let isInline (t: TensorType) : bool = t.Shape.Length = 0 && DTypes.IsFloat t.DType

    let bytesOf (t: TensorType) : int64 = Shape.size t.Shape * int64 (DTypes.Size t.DType)

/// What is put side by side at its place: where each part begins, whether the loop that makes it writes it there, and what
/// copies the others.
[<Sealed; AllowNullLiteral>]
type internal Assembly(starts: int[][], shapes: int[][], isWritten: bool[], copies: FusedCall[]) =
    member _.IsWritten = isWritten
    /// For each part that is made elsewhere, the loop that copies it; else null.
    member _.Copies = copies
    /// The parts of an array.
    member _.PartsOf(whole: NDArray) : NDArray[] =
        Array.map2 (fun (start: int[]) shape -> whole.Slice(start, shape, Array.create start.Length 1)) starts shapes

/// Memory that some values have in turn: the first equation that writes it, and the last that reads it.
[<Sealed; AllowNullLiteral>]
type internal PlanBlock(bytes: int64, first: int, last: int) =
    member _.Bytes = bytes
    member _.First = first
    member val Last = last with get, set
    member val Offset = -1L with get, set

/// Where the values of a program lie while it runs: one stretch of memory for all that it computes on the way, laid out by
/// how long each value is needed, and which results may be written over which inputs.
[<Sealed>]
type internal Plan(program: Program, slots: Slots) =
    static let alignment = 64L

    // Loops that write shorter runs than this are slower than one that writes to a place of its own, and a copy.
    static let shortestRun = 16L

    let equations = program.Equations
    let count = slots.Constants.Length
    let forever = Int32.MaxValue

    /// Reshapes of what is known to be walked in another order than it lies in: copies, which can be given a place.
    let isCopy =
        let walked = Dictionary<int, NDArray>()

        equations
        |> Array.mapi (fun i e ->
            if Places.isView e then
                let t = e.Inputs[0].Type

                let source =
                    match walked.TryGetValue(slots.Reads[i][0]) with
                    | true, known -> known
                    // A contiguous array without memory: only how it is walked matters.
                    | _ -> NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, obj (), 0L)

                if e.Operation.Name = "reshape" && not source.IsContiguous then
                    true
                else
                    let out = e.Outputs[0]
                    walked[out.Index] <- (e.Operation :?> Primitive).Value([| source |], out.Type)
                    false
            else
                false)

    let isFresh = equations |> Array.mapi (fun i e -> isCopy[i] || Places.isFresh e)

    let definedBy =
        let by = Array.create count -1
        equations |> Array.iteri (fun i e -> e.Outputs |> Array.iter (fun v -> by[v.Index] <- i))
        by

    /// The equation after which nothing needs what a slot holds; constants and results are needed for ever. Of what may
    /// give a view of an input, or hold on to it, the input is needed as long as the output.
    let lastUse =
        let last = Array.create count -1

        for s in Seq.append slots.Results (seq { program.VariableCount .. count - 1 }) do
            last[s] <- forever

        for i = equations.Length - 1 downto 0 do
            let outputs = equations[i].Outputs |> Array.fold (fun latest v -> max latest last[v.Index]) i

            for s in slots.Reads[i] do
                last[s] <- max last[s] (if isFresh[i] then i else outputs)

            for v in equations[i].Outputs do
                last[v.Index] <- max last[v.Index] i

        last

    let typesRead i = equations[i].Inputs |> Array.map _.Type

    /// Of an equation that puts values side by side, where each begins; null if they do not cover its result, if one of them is
    /// not made by what could write it there, or if it would write short runs.
    let startsOf (i: int) : int[][] =
        let e = equations[i]
        let find name = e.Operation.Parameters |> List.find (fst >> (=) name) |> snd
        let shape = e.Outputs[0].Type.Shape
        let shapes = typesRead i |> Array.map _.Shape

        let starts =
            match e.Operation.Name with
            | _ when not (e.Operation :? Primitive) -> null
            | "placeAll" when Array.forall ((=) 1) (find "steps" :?> int[]) ->
                (find "starts" :?> int[]) |> Array.chunkBySize shape.Length
            | "concat" ->
                let axis = find "axis" :?> int
                let ends = (0, shapes) ||> Array.scan (fun at s -> at + s[axis])
                Array.init shapes.Length (fun k -> Array.init shape.Length (fun a -> if a = axis then ends[k] else 0))
            | _ -> null

        // The elements of a part that lie one after another in the whole.
        let runOf (part: int[]) =
            let mutable axis = shape.Length - 1

            while axis > 0 && part[axis] = shape[axis] do
                axis <- axis - 1

            Shape.size part[axis..]

        // Loops step over what lies between the runs of a part; other operations write without gaps.
        let isWritable s (part: int[]) =
            let from = definedBy[s]

            from >= 0
            && isFresh[from]
            && (match equations[from].Operation with
                | :? FusedPrimitive as fused ->
                    let k = equations[from].Outputs |> Array.findIndex (fun v -> v.Index = s)

                    DTypes.IsFloat equations[from].Outputs[k].Type.DType
                    && isNull fused.Call.OutStrides[k]
                    && runOf part >= min shortestRun (Shape.size part)
                | operation ->
                    operation :? Primitive
                    && DTypes.IsFloat equations[from].Outputs[0].Type.DType
                    && runOf part = Shape.size part)

        let areApart k l =
            Seq.exists
                (fun a -> starts[k][a] + shapes[k][a] <= starts[l][a] || starts[l][a] + shapes[l][a] <= starts[k][a])
                (seq { 0 .. shape.Length - 1 })

        let fits () =
            Shape.size shape > 0L
            && Array.forall2 isWritable slots.Reads[i] shapes
            && (shapes |> Array.sumBy Shape.size) = Shape.size shape
            && Seq.forall
                (fun (k, l) -> k = l || areApart k l)
                (Seq.allPairs (seq { 0 .. shapes.Length - 1 }) (seq { 0 .. shapes.Length - 1 }))

        if isNull starts || not (fits ()) then null else starts

    let copying (t: TensorType) =
        let graph = FusedGraph t.DType
        graph.Output(graph.Input())
        let itself = Func<NDArray, NDArray> id
        FusedCall(
            graph,
            t.Shape,
            0,
            [| t.DType |],
            [| t.Shape |],
            [| null |],
            [| 0 |],
            [| 0 |],
            [| null |],
            [| itself |]
        )

    /// Of a part that is written where it will lie, the slot of the whole, which may be a part in turn; else -1.
    let wholeOf = Array.create count -1

    /// The whole that a slot lies in that is no part; the slot itself if it is none.
    let rec rootOf s = if wholeOf[s] < 0 then s else rootOf wholeOf[s]

    /// For equations whose result is put together at its place, how; else null.
    let assemblies: Assembly[] =
        let assemble i =
            match startsOf i with
            | null -> null
            | starts ->
                let reads, whole = slots.Reads[i], equations[i].Outputs[0].Index
                // What is read elsewhere too is read there as a part of this.
                let isOwn k s = lastUse[s] < forever && wholeOf[s] < 0 && Array.IndexOf(reads, s) = k
                let own = Array.mapi isOwn reads

                if Array.contains true own then
                    for k in 0 .. reads.Length - 1 do
                        if own[k] then
                            wholeOf[reads[k]] <- whole
                            lastUse[whole] <- max lastUse[whole] lastUse[reads[k]]

                    let types = typesRead i
                    let copies = Array.map2 (fun own t -> if own then null else copying t) own types
                    Assembly(starts, types |> Array.map _.Shape, own, copies)
                else
                    null

        Array.init equations.Length assemble

    /// The first equation that writes where a slot lies.
    let firstWrite =
        let first = Array.copy definedBy

        for s in 0 .. count - 1 do
            if wholeOf[s] >= 0 then
                first[rootOf s] <- min first[rootOf s] definedBy[s]

        first

    let isAlike (a: TensorType) (b: TensorType) =
        DTypes.Size a.DType = DTypes.Size b.DType && Shape.equal a.Shape b.Shape

    /// The slots over which an equation may write one of its outputs, of elements of the same size: it reads them for the last
    /// time, each element before it writes there.
    let overwritable i (output: int) : (int * TensorType) list =
        let e = equations[i]

        match e.Operation with
        | :? FusedPrimitive as fused ->
            let call = fused.Call

            [ for k in 0 .. call.Sources.Length - 1 do
                  let s = slots.Reads[i][call.Sources[k]]

                  if lastUse[s] = i && call.MayOverwrite(k, output) then
                      s, e.Inputs[call.Sources[k]].Type ]
        | :? UnaryPrimitive
        | :? BinaryPrimitive ->
            let reads = slots.Reads[i]

            [ for k in 0 .. reads.Length - 1 do
                  let uses = reads |> Array.filter ((=) reads[k]) |> Array.length

                  if lastUse[reads[k]] = i && uses = 1 && isAlike e.Inputs[k].Type e.Outputs[0].Type then
                      reads[k], e.Inputs[k].Type ]
        | _ -> []

    let blockOf: PlanBlock[] = Array.zeroCreate count

    let blocks =
        let all = List<PlanBlock>()

        for i in 0 .. equations.Length - 1 do
            if isFresh[i] then
                let isTaken = HashSet<int>()

                for j in 0 .. equations[i].Outputs.Length - 1 do
                    let v = equations[i].Outputs[j]
                    // A part lies in the whole, which begins with the first of them.
                    let s = rootOf v.Index
                    let isPart = s <> v.Index
                    let t = if isPart then equations[definedBy[s]].Outputs[0].Type else v.Type

                    if
                        isNull blockOf[s] && lastUse[s] < forever && not (Places.isInline t) && Places.bytesOf t > 0L
                    then
                        let suits (before, other) =
                            not (isNull blockOf[before]) && isAlike other t && not (isTaken.Contains before)

                        match (if isPart then None else overwritable i j |> List.tryFind suits) with
                        | Some(before, _) ->
                            isTaken.Add before |> ignore
                            blockOf[s] <- blockOf[before]
                            blockOf[s].Last <- max blockOf[s].Last lastUse[s]
                        | None ->
                            blockOf[s] <- PlanBlock(Places.bytesOf t, i, lastUse[s])
                            all.Add blockOf[s]

        all

    // The largest first, each at the lowest place that is free as long as it is needed.
    let bytes =
        let placed = List<PlanBlock>()
        let mutable total = 0L

        for block in blocks |> Seq.sortBy (fun b -> struct (-b.Bytes, b.First)) do
            let mutable at = 0L

            for other in placed do
                if other.First <= block.Last && block.First <= other.Last && other.Offset < at + block.Bytes then
                    at <- max at ((other.Offset + other.Bytes + alignment - 1L) / alignment * alignment)

            block.Offset <- at
            total <- max total (at + block.Bytes)
            let after = placed.FindIndex(fun other -> other.Offset > at)
            placed.Insert((if after < 0 then placed.Count else after), block)

        total

    /// The bytes of the values that are computed on the way.
    member _.Bytes = bytes
    member _.LastUse = lastUse
    member _.IsFresh = isFresh
    /// Whether the results of an equation are where they are put, since it is one operation, not several.
    member _.IsPlaced(equation: int) : bool =
        isFresh[equation]
        && (equations[equation].Operation :? Primitive || equations[equation].Operation :? FusedPrimitive)

    /// Whether the result of an equation is its first input, walked differently, as far as is known.
    member _.IsView(equation: int) : bool = Places.isView equations[equation] && not isCopy[equation]
    /// For equations whose result is put together at its place, how; else null.
    member _.Assemblies = assemblies
    /// Where a slot lies; -1 if not in the planned memory.
    member _.OffsetOf(slot: int) : int64 =
        match blockOf[slot] with
        | null -> -1L
        | block -> block.Offset

    /// The slot that a part is written into, which is no part itself; the slot itself if it is no part.
    member _.RootOf(slot: int) : int = rootOf slot

    /// Whether what a slot holds is needed after the last equation.
    member _.IsKept(slot: int) : bool = lastUse[slot] = forever

    /// The equation that computes a slot; -1 for inputs and constants.
    member _.DefinedBy(slot: int) : int = definedBy[slot]

    /// For each result, the input over which it may be written, -1 for none: one of the first `donated` inputs that is
    /// read for the last time before, or element by element as the result is written.
    member _.Donations(donated: int) : int[] =
        let isTaken = Array.create program.Inputs.Length false

        slots.Results
        |> Array.mapi (fun j s ->
            let i = definedBy[s]
            let isOnce = Array.filter ((=) s) slots.Results |> Array.length = 1

            if i < 0 || not isFresh[i] || not isOnce then
                -1
            else
                let k = equations[i].Outputs |> Array.findIndex (fun v -> v.Index = s)
                let out = equations[i].Outputs[k]
                let along = overwritable i k |> List.map fst

                let suits p =
                    let v = program.Inputs[p]

                    not isTaken[p]
                    && isAlike v.Type out.Type
                    && not (Places.isInline v.Type)
                    && Places.bytesOf v.Type > 0L
                    && (lastUse[v.Index] < firstWrite[s] || List.contains v.Index along)

                match Seq.tryFind suits (seq { 0 .. donated - 1 }) with
                | Some p ->
                    isTaken[p] <- true
                    p
                | None -> -1)

/// What a slot holds if it is the memory of another one, walked differently.
[<Struct>]
type internal StandingView =
    {
        Root: int
        /// How: what it is for a contiguous array; null if it is none of this kind.
        Walked: NDArray
        /// Whether something else than such a view reads it.
        IsRead: bool
    }

    member this.IsStanding = not (isNull this.Walked)

/// Which values of a program are views of an argument, a constant or a value in planned memory: an array that is made once can
/// stand for each of them.
module internal Standing =
    let find (program: Program) (slots: Slots) (plan: Plan) : StandingView[] =
        let equations = program.Equations
        let found = Array.create slots.Constants.Length { Root = -1; Walked = null; IsRead = false }
        let isLoop = Array.create slots.Constants.Length true
        let isViewOf i = plan.IsView i && not (plan.IsKept equations[i].Outputs[0].Index)

        for i in 0 .. equations.Length - 1 do
            for s in slots.Reads[i] do
                isLoop[s] <- isLoop[s] && (isViewOf i || equations[i].Operation :? FusedPrimitive)

        let isRoot s =
            match plan.DefinedBy s with
            | -1 when s < program.VariableCount -> true
            | -1 -> slots.Constants[s].IsContiguous && not (isNull slots.Constants[s].Storage)
            | i -> plan.OffsetOf s >= 0L && plan.IsPlaced i

        for i in 0 .. equations.Length - 1 do
            if isViewOf i then
                let e, source = equations[i], slots.Reads[i][0]
                let out = e.Outputs[0]

                let before =
                    if found[source].IsStanding then
                        found[source]
                    else
                        let t = e.Inputs[0].Type
                        // A contiguous array without memory: only how it is walked matters.
                        { Root = (if isRoot source then source else -1)
                          Walked = NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, obj (), 0L)
                          IsRead = false }

                // A single number is better held by the array itself, but for loops, which find it anywhere.
                if before.Root >= 0 && (not (Places.isInline out.Type) || isLoop[out.Index]) then
                    found[out.Index] <-
                        { Root = before.Root
                          Walked = (e.Operation :?> Primitive).Value([| before.Walked |], out.Type)
                          IsRead = false }

        for i in 0 .. equations.Length - 1 do
            if not found[equations[i].Outputs[0].Index].IsStanding then
                for s in slots.Reads[i] do
                    found[s] <- { found[s] with IsRead = true }

        found
