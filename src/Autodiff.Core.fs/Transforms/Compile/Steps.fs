namespace Autodiff

open System
open Autodiff.Kernels

/// An operation that can compute in memory that is kept from run to run, where nobody needs its results after a run.
type internal IRepeated =
    /// Memory for one place in a program.
    abstract Memory: unit -> obj
    /// The outputs, which the next call with this memory writes over.
    abstract ValuesIn: memory: obj * inputs: NDArray[] * outs: TensorType[] -> NDArray[]

/// An array of a frame that walks an argument in another way: the slot that holds it, and how many elements it begins after
/// the argument.
[<Struct>]
type internal Follower = { Slot: int; View: NDArray; Distance: int }

/// What one run of a compiled program works with. A frame is used by one run at a time, and kept for the next: the arrays
/// that stand for planned memory are made once, and those that stand for arguments are pointed at others' memory.
[<Sealed; AllowNullLiteral>]
type internal Frame
    (
        values: NDArray[],
        own: NDArray[],
        arguments: NDArray[],
        followers: Follower[][],
        operands: NDArray[][],
        places: NDArray[][]
    ) =
    let odd = Array.create arguments.Length false
    let mutable odds = 0

    /// What each slot holds now.
    member _.Values = values
    /// The arrays in planned memory; null for slots that have none.
    member _.Own = own
    /// What stands for the arguments that are contiguous.
    member _.Arguments = arguments
    /// For each argument, the arrays that walk it in other ways.
    member _.Followers = followers
    /// For each step, what it is called with.
    member _.Operands = operands
    /// For each step, where its results go; null for memory of their own.
    member _.Places = places
    /// For each step that walks an array in another way, the result for a source that the frame keeps, and how many elements
    /// it begins after it.
    member val Views: NDArray[] = Array.zeroCreate operands.Length
    member val Sources: NDArray[] = Array.zeroCreate operands.Length
    member val Distances: int[] = Array.zeroCreate operands.Length
    /// For each step that computes in memory of its own, that memory.
    member val Kept: obj[] = Array.zeroCreate operands.Length
    /// For each step that puts values side by side at their place, the parts of that place.
    member val Parts: NDArray[][] = null with get, set

    /// Whether an argument is not contiguous now, so that slots hold other arrays than in other runs.
    member _.IsOdd = odds > 0

    member _.IsOddAt(argument: int) : bool = odd[argument]

    member _.SetOdd(argument: int, isOdd: bool) : unit =
        if odd[argument] <> isOdd then
            odd[argument] <- isOdd
            odds <- odds + (if isOdd then 1 else -1)

/// How a step is connected: the slots that it reads and writes, and those that hold nothing that is needed after it. What is
/// fixed holds the same array in all runs, save those of arguments that are not contiguous.
type internal Wiring =
    {
        Reads: int[]
        Outputs: int[]
        Passing: int[]
        /// The positions among what is read of slots that are not fixed.
        Moving: int[]
        /// Whether the first result is, and lies where the frame says.
        IsFixed: bool
    }

/// One equation, made ready to be run many times.
[<AbstractClass>]
type internal Step(index: int, wiring: Wiring) =
    let reads, moving, passing = wiring.Reads, wiring.Moving, wiring.Passing

    member _.Index = index
    member _.Reads = reads
    member _.Outputs = wiring.Outputs

    /// What the step is called with; what is fixed is there from run to run.
    member _.Operands(frame: Frame) : NDArray[] =
        let operands = frame.Operands[index]
        let values = frame.Values

        if frame.IsOdd then
            for k in 0 .. reads.Length - 1 do
                operands[k] <- values[reads[k]]
        else
            for k in moving do
                operands[k] <- values[reads[k]]

        operands

    abstract Compute: frame: Frame -> unit

    /// Forgets what nothing needs any more, so that memory that is not planned may be used again.
    member private _.Release(frame: Frame) : unit =
        let operands = frame.Operands[index]

        if operands.Length > 0 then
            if frame.IsOdd then
                Array.Clear operands
            else
                for k in moving do
                    operands[k] <- null

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
    default _.Written frame = Slots.Gather(frame.Values, wiring.Outputs)

    /// Runs as Run does, seen by an observer.
    member this.RunSeen(frame: Frame, operation: Operation, observer: Observer) : unit =
        if this.IsIdle then
            this.Compute frame
        else
            let run () =
                this.Compute frame
                this.Written frame

            observer.Step(operation, this.Read frame, run) |> ignore

/// A primitive, which finds the place of its result in HostArrays.
[<Sealed>]
type internal PrimitiveStep(index, wiring: Wiring, primitive: Primitive, out: TensorType) =
    inherit Step(index, wiring)
    let output, isFixed = wiring.Outputs[0], wiring.IsFixed

    override this.Compute frame =
        let places = frame.Places[index]
        HostArrays.Give(places, 0, 1)
        let y = primitive.Value(this.Operands frame, out)
        HostArrays.GiveNothing()

        if isFixed then Step.Put(y, places[0]) else frame.Values[output] <- y

/// A primitive that walks its input differently: once for an array of the frame, wherever that lies at a run.
[<Sealed>]
type internal ViewStep(index, wiring: Wiring, primitive: Primitive, out: TensorType) =
    inherit Step(index, wiring)
    let source, output = wiring.Reads[0], wiring.Outputs[0]

    override this.Compute frame =
        let x = frame.Values[source]
        let known = frame.Views[index]

        if not (isNull known) && obj.ReferenceEquals(x, frame.Sources[index]) then
            known.Point(x.Offset + frame.Distances[index], x.Storage, x.Bits)
            frame.Values[output] <- known
        else
            let y = primitive.Value(this.Operands frame, out)
            frame.Values[output] <- y

            // What holds its element itself, or is a copy, is made again at each run.
            if
                isNull known
                && not (isNull x.Storage)
                && obj.ReferenceEquals(y.Storage, x.Storage)
                && not (obj.ReferenceEquals(y, x))
                && (obj.ReferenceEquals(x, frame.Own[source])
                    || Array.exists (fun a -> obj.ReferenceEquals(a, x)) frame.Arguments
                    || Array.exists (fun v -> obj.ReferenceEquals(v, x)) frame.Views)
            then
                frame.Views[index] <- y
                frame.Sources[index] <- x
                frame.Distances[index] <- y.Offset - x.Offset

/// A fused loop, which is given the places of its results.
[<Sealed>]
type internal FusedStep(index, wiring: Wiring, fused: FusedPrimitive, moving: int[]) =
    inherit Step(index, wiring)
    let first, outputs = wiring.Reads[0], wiring.Outputs
    // Operands are read where the frame holds them.
    let call = fused.Call.Reading wiring.Reads

    override _.Compute frame =
        let ys = frame.Values[first].Device.Fused(call, frame.Values, frame.Places[index])

        for j in moving do
            frame.Values[outputs[j]] <- ys[j]

/// An operation of several results, which finds their places in HostArrays if it computes them itself.
[<Sealed>]
type internal MultiStep
    (index, wiring: Wiring, operation: MultiPrimitive, outs: TensorType[], isFresh: bool, isPassing: bool) =
    inherit Step(index, wiring)
    let outputs = wiring.Outputs

    // Null for others, and where results are needed after the run.
    let repeated =
        match box operation with
        | :? IRepeated as repeated when isPassing -> repeated
        | _ -> Unchecked.defaultof<IRepeated>

    let values (frame: Frame) (operands: NDArray[]) =
        if isNull (box repeated) then
            operation.Values(operands, outs)
        else
            if isNull frame.Kept[index] then
                frame.Kept[index] <- repeated.Memory()

            repeated.ValuesIn(frame.Kept[index], operands, outs)

    override this.Compute frame =
        if isFresh then
            HostArrays.Give(frame.Places[index], 0, outputs.Length)

        let ys = values frame (this.Operands frame)
        HostArrays.GiveNothing()

        for j in 0 .. outputs.Length - 1 do
            frame.Values[outputs[j]] <- ys[j]

/// Values side by side, of which most are written there by what makes them.
[<Sealed>]
type internal AssemblyStep(index, wiring: Wiring, assembly: Assembly) =
    inherit Step(index, wiring)
    let reads, output, isFixed = wiring.Reads, wiring.Outputs[0], wiring.IsFixed

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

        if not isFixed then
            frame.Values[output] <- frame.Places[index][0]
