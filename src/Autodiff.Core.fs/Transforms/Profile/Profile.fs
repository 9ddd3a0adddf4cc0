namespace Autodiff

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.Threading
open Autodiff.Kernels

/// What an operation on arrays has to compute and to move, as far as its types tell.
module internal Work =
    let rec private innermost (operation: Operation) : Operation =
        match operation with
        | :? CheckedPrimitive as p -> innermost p.Inner
        | _ -> operation

    let private isElementwise (operation: Operation) =
        operation :? UnaryPrimitive || operation :? BinaryPrimitive || operation :? ComparePrimitive

    let private parameter<'p> (operation: Operation) : 'p voption =
        operation.Parameters
        |> List.tryPick (fun (_, value) ->
            match value with
            | :? 'p as found -> Some found
            | _ -> None)
        |> ValueOption.ofOption

    /// The name, with those of the operations that are fused into one.
    let nameOf (operation: Operation) : string =
        match operation with
        | :? FusedPrimitive ->
            let part = parameter<Program> operation
            let names = part.Value.Equations |> Array.map _.Operation.Name
            operation.Name + "(" + String.Join(", ", names) + ")"
        | _ -> operation.Name

    let private elements (t: TensorType) = float (Shape.size t.Shape)

    let flops (operation: Operation) (inputs: NDArray[]) (outputs: NDArray[]) : float =
        let size (x: NDArray) = float x.Size

        match innermost operation with
        | elementwise when isElementwise elementwise -> size outputs[0]
        | :? FusedPrimitive as fused ->
            (parameter<Program> fused).Value.Equations
            |> Array.sumBy (fun e ->
                match e.Operation.Name with
                | _ when isElementwise e.Operation -> elements e.Outputs[0].Type
                | "sumTo"
                | "max"
                | "min" -> elements e.Inputs[0].Type
                | _ -> 0.0)
        | operation ->
            match operation.Name with
            | "matmul" -> 2.0 * size outputs[0] * float inputs[0].Shape[inputs[0].Rank - 1]
            // A multiplication and an addition for each element of the (co)images and of one filter.
            | "conv"
            | "convInputGradient" ->
                let images = if operation.Name = "conv" then outputs[0] else inputs[0]
                2.0 * size images * size inputs[1] / float (max 1 inputs[1].Shape[0])
            | "convFilterGradient" -> 2.0 * size inputs[1] * size outputs[0] / float (max 1 outputs[0].Shape[0])
            | "sumTo"
            | "max"
            | "min"
            | "cumsum" -> size inputs[0]
            | _ -> 0.0

    /// The bytes of the elements that an array holds: those of a stretched axis once.
    let private held (x: NDArray) =
        let elements =
            match x.Strides with
            | null -> float x.Size
            | strides ->
                Array.fold2 (fun n length stride -> if stride = 0 then n else n * float length) 1.0 x.Shape strides

        elements * float (DTypes.Size x.DType)

    let bytes (operation: Operation) (inputs: NDArray[]) (outputs: NDArray[]) : float =
        let operation = innermost operation
        let computes = isElementwise operation || operation :? FusedPrimitive

        let isView (y: NDArray) =
            not computes
            && not (isNull y.Storage)
            && inputs |> Array.exists (fun x -> obj.ReferenceEquals(x.Storage, y.Storage))

        if Array.forall isView outputs then
            0.0
        else
            let written = outputs |> Array.sumBy (fun y -> if isView y then 0.0 else held y)

            let read =
                match operation.Name with
                // Of a table only the entries that are asked for.
                | "take"
                | "gather" -> min (held inputs[0]) written + held inputs[1]
                | _ -> Array.sumBy held inputs

            read + written

/// The spans of one thread.
[<Sealed; AllowNullLiteral>]
type internal ProfileThread(number: int) =
    member _.Number = number
    member val Done = List<ProfileEvent>()
    /// The innermost span that has not ended.
    member val Current: ProfileEvent = null with get, set

/// Takes times. Each thread writes to a list of its own.
[<Sealed; AllowNullLiteral>]
type internal ProfileRecorder() =
    let threads = ConcurrentDictionary<int, ProfileThread>()
    let names = ConcurrentDictionary<Operation, string>(HashIdentity.Reference)
    let mutable began = Stopwatch.GetTimestamp()
    let mutable isOver = false

    /// Runs something as a span; `describe` tells what it was of.
    member _.Run(name: string, kind: ProfileKind, run: unit -> 'r, describe: ProfileEvent -> 'r -> unit) : 'r =
        if Volatile.Read &isOver then
            run ()
        else
            let id = Environment.CurrentManagedThreadId
            let thread =
                match threads.TryGetValue id with
                | true, thread -> thread
                | _ -> threads.GetOrAdd(id, fun id -> ProfileThread id)

            let outer = thread.Current
            let event = ProfileEvent(name, kind, outer, id)
            thread.Current <- event
            let before = Stopwatch.GetTimestamp()
            let mutable after = 0L

            try
                let result = run ()
                after <- Stopwatch.GetTimestamp()
                describe event result
                result
            finally
                if after = 0L then
                    after <- Stopwatch.GetTimestamp()

                event.Start <- float (before - began) / float Stopwatch.Frequency
                event.Duration <- float (after - before) / float Stopwatch.Frequency
                event.Describing <- float (Stopwatch.GetTimestamp() - after) / float Stopwatch.Frequency
                thread.Current <- outer
                thread.Done.Add event

    /// Runs an operation on arrays as a span.
    member this.Operation(operation: Operation, inputs: NDArray[], run: unit -> NDArray[]) : NDArray[] =
        let isProgram = operation :? ProgramPrimitive
        let types (arrays: NDArray[]) = arrays |> Array.map (fun x -> { Shape = x.Shape; DType = x.DType })

        let name =
            if operation :? FusedPrimitive then
                names.GetOrAdd(operation, Work.nameOf)
            else
                operation.Name

        this.Run(
            name,
            (if isProgram then ProfileKind.Program else ProfileKind.Operation),
            run,
            fun event ys ->
                event.Inputs <- types inputs
                event.Outputs <- types ys

                // What holds programs moves what their equations move.
                if not isProgram then
                    event.Flops <- Work.flops operation inputs ys
                    event.Bytes <- Work.bytes operation inputs ys
        )

    /// Runs a rule of an operation as a span.
    member this.Rule(rule: string, operation: string, run: unit -> 'r) : 'r =
        this.Run($"{rule} of {operation}", ProfileKind.Rule, run, (fun _ _ -> ()))

    /// The times from now on count.
    member _.Begin() = began <- Stopwatch.GetTimestamp()

    /// The spans so far in the order of their beginning, with the clock's own time taken off, and the time of spans inside
    /// others, and of taking it, off the outer ones.
    member _.End(clock: float, taking: float, overhead: float) : ProfileReport =
        let seconds = float (Stopwatch.GetTimestamp() - began) / float Stopwatch.Frequency
        Volatile.Write(&isOver, true)
        let events = threads.Values |> Seq.collect _.Done |> Seq.toArray

        // Of two that began at once the outer one comes first: it ended later.
        let events = events |> Array.rev |> Array.sortBy _.Start

        for event in events do
            event.Duration <- max 0.0 (event.Duration - clock)

            if not (isNull event.Parent) then
                event.Parent.Contains(event.Duration + event.Describing + taking)

        ProfileReport(events, seconds, overhead)

/// Takes the times of the steps of programs.
[<Sealed>]
type internal ProfileObserver(recorder: ProfileRecorder) =
    inherit Observer()
    override _.Step(operation, inputs, run) = recorder.Operation(operation, inputs, run)

/// A primitive whose evaluation on arrays is a span, and whose rules are. Interpreters below the one that watches get
/// rules whose tensors are watched while they run. Those above it get rules of its trace, to which all tensors are lifted that
/// come without being watched, such as the cotangent 1 of a gradient; what they give stays watched.
[<Sealed; AllowNullLiteral>]
type internal ProfiledPrimitive(inner: Primitive, recorder: ProfileRecorder, above: ProfiledTrace) =
    inherit Primitive(inner.Name)

    let watching rule (run: (Tensor -> Tensor) -> Tensor) : Tensor =
        recorder.Rule(
            rule,
            inner.Name,
            fun () ->
                if isNull above then
                    let trace = ProfiledTrace recorder
                    trace.Unwrap(run trace.Wrap)
                else
                    run above.Lift
        )

    member _.Recorder = recorder
    override _.Parameters = inner.Parameters
    override _.Shape inputs = inner.Shape inputs

    override _.Value(inputs, out) = recorder.Operation(inner, inputs, (fun () -> [| inner.Value(inputs, out) |]))[0]

    override _.Jvp(inputs, output, tangents) =
        watching "jvp" (fun wrap -> inner.Jvp(Array.map wrap inputs, wrap output, Array.map wrap tangents))

    override _.Vjp(inputs, output, ct, input) =
        watching "vjp" (fun wrap -> inner.Vjp(Array.map wrap inputs, wrap output, wrap ct, input))

    override _.Batch(inputs, isBatched, size) =
        watching "batch" (fun wrap -> inner.Batch(Array.map wrap inputs, isBatched, size))

/// An operation with several outputs whose evaluation on arrays is a span, as are the steps of the programs that it runs.
and [<Sealed; AllowNullLiteral>] internal ProfiledOperation(inner: MultiPrimitive, recorder: ProfileRecorder) =
    inherit MultiPrimitive(inner.Name)
    let watching rule (run: ProfiledTrace -> 'r) : 'r =
        let trace = ProfiledTrace recorder
        recorder.Rule(rule, inner.Name, fun () -> run trace)

    let unwrapped (trace: ProfiledTrace) xs = if isNull xs then null else Array.map trace.Unwrap xs

    member _.Recorder = recorder
    override _.Parameters = inner.Parameters
    override _.Shapes inputs = inner.Shapes inputs

    override _.Values(inputs, outs) =
        let run () =
            match inner with
            | :? JitPrimitive as jit when not jit.IsCompiled ->
                recorder.Run("compile", ProfileKind.Compilation, jit.Compile, (fun _ () -> ()))
            | _ -> ()

            inner.Values(inputs, outs)

        ProfileObserver(recorder).See(fun () -> recorder.Operation(inner, inputs, run))

    override _.Recorded(inputs, isNeeded) = ProfiledOperation(inner.Recorded(inputs, isNeeded), recorder)

    override _.Unrolled inputs =
        let trace = ProfiledTrace recorder
        unwrapped trace (inner.Unrolled(Array.map trace.Wrap inputs))

    override _.Jvp(inputs, tangents) =
        watching "jvp" (fun trace ->
            let struct (ys, dys) = inner.Jvp(Array.map trace.Wrap inputs, Array.map trace.Wrap tangents)
            struct (unwrapped trace ys, unwrapped trace dys))

    override _.Vjp(inputs, outputs, cts, isNeeded) =
        watching "vjp" (fun trace ->
            let wrap = Array.map trace.Wrap
            inner.Vjp(wrap inputs, wrap outputs, wrap cts, isNeeded) |> unwrapped trace)

    override _.Batch(inputs, isBatched, size) =
        watching "batch" (fun trace ->
            let struct (ys, carries) = inner.Batch(Array.map trace.Wrap inputs, isBatched, size)
            struct (unwrapped trace ys, carries))

/// A tensor of `profile`.
and [<Sealed; AllowNullLiteral>] internal Profiled(trace: ProfiledTrace, value: Tensor) =
    inherit Tensor(trace.Level, value.Shape, value.DType)
    member _.Value = value
    override _.Trace = trace
    override _.Array = value.Array
    override _.IsKnown = value.IsKnown
    override _.Device = value.Device
    override _.RulesOf primitive = ProfiledPrimitive(primitive, trace.Recorder, trace)
    override _.ToString() = value.ToString()

/// Binds each operation as one that takes its time when arrays are reached, below all other interpreters.
and [<Sealed; AllowNullLiteral>] internal ProfiledTrace(recorder: ProfileRecorder) =
    inherit Autodiff.Trace()

    let watched (operation: Operation) : Operation =
        match operation with
        | :? ProfiledPrimitive as p when obj.ReferenceEquals(p.Recorder, recorder) -> p
        | :? ProfiledOperation as p when obj.ReferenceEquals(p.Recorder, recorder) -> p
        | :? Primitive as p -> ProfiledPrimitive(p, recorder, null)
        | operation -> ProfiledOperation(operation :?> MultiPrimitive, recorder)

    member _.Recorder = recorder

    member this.Wrap(x: Tensor) : Tensor = if isNull x then null else Profiled(this, x)

    /// Watches a tensor from here on, unless an interpreter of this level or a higher one does.
    member this.Lift(x: Tensor) : Tensor = if isNull x || x.Level >= this.Level then x else this.Wrap x

    member this.Unwrap(x: Tensor) : Tensor =
        match x with
        | :? Profiled as x when obj.ReferenceEquals(x.Trace, this) -> x.Value
        | _ -> x

    override this.Process(primitive, inputs) =
        let values = Array.map this.Unwrap inputs

        match primitive with
        | :? CustomPrimitive as custom when values |> Array.forall (fun x -> x.Level = 0L) ->
            // The function runs on watched tensors, so that its operations are seen one by one.
            let y =
                recorder.Run(
                    custom.Name,
                    ProfileKind.Program,
                    (fun () -> custom.RunWatched(inputs, this.Level)),
                    fun event (y: Tensor) ->
                        event.Inputs <- Array.map Stage.typeOf inputs
                        event.Outputs <- [| Stage.typeOf y |]
                )

            if y.Level = this.Level then y else this.Wrap y
        | _ -> this.Wrap(Tensor.Bind(watched primitive :?> Primitive, values))

    override this.ProcessAll(operation, inputs) =
        Tensor.BindAll(watched operation :?> MultiPrimitive, Array.map this.Unwrap inputs) |> Array.map this.Wrap

/// Finding where time goes.
[<AutoOpen>]
module Profiling =
    /// The shortest span that the clock can see, the time that taking one costs, and how much longer a small operation takes
    /// because it is watched.
    let private calibrate () : struct (float * float * float) =
        let x = Tensor.scalar 1.0
        let count = 64

        let perCall (run: unit -> unit) =
            Seq.min (
                seq {
                    for _ in 1..4 do
                        let before = Stopwatch.GetTimestamp()

                        for _ in 1..count do
                            run ()

                        float (Stopwatch.GetTimestamp() - before) / float Stopwatch.Frequency / float count
                }
            )

        let empty = ProfileRecorder()
        let taking = perCall (fun () -> empty.Run("", ProfileKind.Operation, ignore, (fun _ () -> ())))
        let clock = empty.End(0.0, 0.0, 0.0).Events |> Seq.map _.Duration |> Seq.min
        let watched = ProfiledTrace(ProfileRecorder()).Wrap x
        let overhead = perCall (fun () -> -watched |> ignore) - perCall (fun () -> -x |> ignore)
        struct (clock, taking, max 0.0 overhead)

    /// f x, and where its time went: `profile : (a -> b) -> a -> b * report`. The report holds each operation on arrays
    /// that tensors of x reach, in the forward pass and in derivatives taken inside f (`profile (grad loss) x`), with its
    /// time, types, arithmetic and bytes, and the rule that ran it; it prints as a table, and writes a trace file. Functions
    /// of `jit`, loops and other operations that hold programs are seen equation by equation, fused operations with the names
    /// of what they fuse.
    ///
    /// Compiled programs run as they do without: the steps that are seen are those that run, also what is copied where values
    /// are put side by side. Only donated arguments are not taken.
    ///
    /// Call f once before, so that compiling it is not part of the profile. Pass in what it works on: operations
    /// that no tensor of x reaches are not seen, and count as time outside of operations. Derivatives taken of what `profile`
    /// returned, after it returned, are not seen either. Each operation takes about a microsecond longer than
    /// without (the report says what was measured), and a function that is not profiled costs nothing more.
    let profile (f: 'a -> 'b) (x: 'a) : 'b * ProfileReport =
        let leaves = Tree.leaves x

        if leaves.Length = 0 then
            Shape.fail
                "profile"
                "the argument holds no tensors, so that no operation would be seen; pass in what the function works on."

        if leaves |> Array.exists (fun leaf -> leaf :? Staged) then
            Shape.fail
                "profile"
                "a program was being written, when operations take no time; profile the function that is staged or compiled, as in profile (jit f) x."

        let struct (clock, taking, overhead) = calibrate ()
        let recorder = ProfileRecorder()
        let trace = ProfiledTrace recorder
        let argument = Tree.map trace.Wrap x
        recorder.Begin()
        let result = f argument
        let report = recorder.End(clock, taking, overhead)
        Tree.map trace.Unwrap result, report
