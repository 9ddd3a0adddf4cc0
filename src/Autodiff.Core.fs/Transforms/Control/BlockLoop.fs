namespace Autodiff

open System
open System.Collections.Concurrent
open System.Threading
open Autodiff.Kernels

/// How a program runs over an axis block by block: the number of its entries, and of those of a block; along which axis each
/// sliced input is cut; what the totals over all blocks are, and along which axis blocks lie in each other result.
type internal BlockParts =
    { Length: int
      Block: int
      /// The number of inputs that each block takes whole; they come first.
      Wholes: int
      Slices: int[]
      /// The totals, which come first among the results: sums, largest or smallest elements.
      Totals: Reduction[]
      Outputs: int[] }

/// A part of a program that is run block by block along an axis, so that what is large within it never exists as a whole.
/// The program of a block takes what is whole, the totals so far, and slices; it gives the totals with those of the block,
/// and its entries of the other results. A second one is for what is left at the end, null if nothing is. Part of compiled
/// programs, which are run and not transformed.
[<Sealed>]
type internal BlocksPrimitive(program: Program, rest: Program, parts: BlockParts) =
    inherit ProgramPrimitive("blocks")

    // By how many sums the total is cut, whatever the number of threads, so that this does not change it.
    static let mostStretches = 16

    let totals = parts.Totals.Length
    let firstSlice = parts.Wholes + totals
    let loopOf (program: Program) = LoopBody(program, parts.Wholes, parts.Wholes, totals)
    let loop = lazy (loopOf program)
    let restLoop = lazy (loopOf rest)
    let count = (parts.Length + parts.Block - 1) / parts.Block
    let stretches = if totals > 0 then min count mostStretches else count
    let resized axis length (shape: int[]) = Array.mapi (fun d n -> if d = axis then length else n) shape

    let types =
        program.Outputs
        |> Array.mapi (fun j atom ->
            if j < totals then
                atom.Type
            else
                { atom.Type with Shape = resized parts.Outputs[j - totals] parts.Length atom.Type.Shape })

    // What changes no total.
    let starts =
        lazy
            (Array.mapi
                (fun j reduction ->
                    let t = program.Outputs[j].Type

                    let value =
                        match reduction with
                        | Reduction.Maximum -> Double.NegativeInfinity
                        | Reduction.Minimum -> Double.PositiveInfinity
                        | _ -> 0.0

                    (Cpu.Instance :> Device).Fill(t.DType, t.Shape, value))
                parts.Totals)

    // The totals of the stretches, kept from run to run.
    let kept = ConcurrentBag<NDArray[][]>()

    let combine reduction (x: NDArray) (y: NDArray) =
        let kernel =
            match reduction with
            | Reduction.Maximum -> Binary.Maximum
            | Reduction.Minimum -> Binary.Minimum
            | _ -> Binary.Add

        x.Device.Binary(kernel, x, y, x.Shape)

    let only () = Shape.fail "jit" "a compiled program was transformed instead of the function that it was made of."

    /// An array that can be pointed at the entries of another one along an axis, from the first on, and how far apart two are.
    let part (x: NDArray) axis length : struct (NDArray * int) =
        let lengths = resized axis length x.Shape
        let first = x.Slice(Array.zeroCreate x.Rank, lengths, Array.create x.Rank 1)
        // An array without elements has no memory to move along.
        let step = if x.Size = 0 then 0 else x.ExplicitStrides[axis]
        struct (NDArray(x.Device, x.DType, lengths, first.Strides, x.Offset, x.Storage, x.Bits), step)

    /// Runs the blocks of stretches that are still to do, and writes their entries of the results.
    let work (inputs: NDArray[]) (sums: NDArray[][]) (results: NDArray[]) (next: int ref) =
        let inline another () = Interlocked.Increment(&next.contents) - 1
        let mutable stretch = another ()

        if stretch < stretches then
            let loop = loop.Value
            let struct (frame, arguments) = loop.Enter(inputs[.. parts.Wholes - 1], true)
            let slicesOf length = Array.map2 (fun x axis -> part x axis length) inputs[parts.Wholes ..] parts.Slices
            let placesOf length = Array.map2 (fun y axis -> part y axis length) results[totals..] parts.Outputs
            let slices, places = slicesOf parts.Block, placesOf parts.Block

            let run (loop: LoopBody) (frame: LoopFrame) (arguments: NDArray[]) slices places i (carry: NDArray[]) turn =
                let first = i * parts.Block
                let values: NDArray[] = Array.zeroCreate loop.Types.Length
                Array.blit carry 0 arguments loop.FirstCarry totals

                for k in 0 .. parts.Slices.Length - 1 do
                    let struct (slice: NDArray, step) = Array.get slices k
                    let x = inputs[parts.Wholes + k]
                    slice.Point(x.Offset + first * step, x.Storage, x.Bits)
                    arguments[loop.FirstItem + k] <- slice

                for j in 0 .. totals - 1 do
                    values[loop.ValueOf[j]] <- turn loop.ValueOf[j] j

                for j in 0 .. parts.Outputs.Length - 1 do
                    let struct (place: NDArray, step) = Array.get places j
                    let y = results[totals + j]
                    place.Point(y.Offset + first * step, y.Storage, y.Bits)
                    values[loop.ValueOf[totals + j]] <- place

                let ys = loop.Step(frame, arguments, values)

                // Results that are one value are written to the place of one of them.
                for j in 0 .. parts.Outputs.Length - 1 do
                    let struct (place, _) = Array.get places j
                    Step.Put(ys[loop.ValueOf[totals + j]], place)

                Array.init totals (fun j -> ys[loop.ValueOf[j]])

            while stretch < stretches do
                let from, until = count * stretch / stretches, count * (stretch + 1) / stretches
                let mutable carry = starts.Value

                for i in from .. until - 1 do
                    let turn value j = if i = until - 1 then Array.get sums[stretch] j else frame.Turn(value, i)

                    if i < count - 1 || isNull rest then
                        carry <- run loop frame arguments slices places i carry turn
                    else
                        let length = parts.Length - i * parts.Block
                        let loop = restLoop.Value
                        let struct (frame, arguments) = loop.Enter(inputs[.. parts.Wholes - 1], false)
                        carry <- run loop frame arguments (slicesOf length) (placesOf length) i carry turn
                        loop.Leave(frame, arguments, false)

                stretch <- another ()

            loop.Leave(frame, arguments, true)

    override _.Parameters =
        [ "axes", box parts.Slices
          "length", parts.Length
          "block", parts.Block
          "program", program ]

    override this.Shapes inputs =
        let given =
            program.Inputs
            |> Array.mapi (fun i v ->
                if i < firstSlice then
                    v.Type
                else
                    { v.Type with Shape = resized parts.Slices[i - firstSlice] parts.Length v.Type.Shape })

        this.Fit(Array.append given[.. parts.Wholes - 1] given[firstSlice..], inputs)
        types

    override _.Mapped map = BlocksPrimitive(map program, (if isNull rest then null else map rest), parts)

    override _.Values(inputs, outs) =
        let places = HostArrays.TakeAll outs.Length
        let fresh j (t: TensorType) =
            if isNull places[j] then HostArrays.fresh (Cpu.Instance, t.DType, t.Shape) else places[j]
        let results = outs |> Array.mapi (fun j t -> if j < totals then null else fresh j t)

        let sums =
            match kept.TryTake() with
            | true, sums -> sums
            | _ -> Array.init stretches (fun _ -> Array.init totals (fun j -> LoopFrame.Place types[j]))

        let next = ref 0

        // Few blocks are left to the threads of their operations.
        if stretches >= Workers.Count && Workers.Count > 1 then
            Workers.For(Workers.Count, (fun _ -> work inputs sums results next))
        else
            work inputs sums results next

        for j in 0 .. totals - 1 do
            let total = sums |> Array.map (fun own -> own[j]) |> Array.reduce (combine parts.Totals[j])

            results[j] <-
                if not (isNull places[j]) then
                    Step.Put(total, places[j])
                    places[j]
                elif stretches > 1 then
                    total
                elif total.IsInline then
                    total.View(total.Shape, null, 0)
                else
                    HostArrays.makeContiguous total

        kept.Add sums
        GC.KeepAlive inputs
        results

    override _.Jvp(_, _) = only ()
    override _.Vjp(_, _, _, _) = only ()
    override _.Batch(_, _, _) = only ()
