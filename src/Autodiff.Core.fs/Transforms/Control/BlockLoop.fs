namespace Autodiff

open System
open System.Collections.Concurrent
open System.Threading
open Autodiff.Kernels

/// How a program runs over an axis block by block.
type internal BlockParts =
    {
        /// The number of entries along the axis. One that was split or merged with the next one has a multiple of it.
        Length: int
        /// The number of entries of a block.
        Block: int
        /// The number of inputs that each block takes whole; they come first.
        Wholes: int
        /// Along which axis each other input is cut.
        Slices: int[]
        /// Of the first results, of which each block gives a part, how the parts combine: sums, largest or smallest elements.
        Totals: Reduction[]
        /// Along which axis the blocks of each other result lie.
        Outputs: int[]
    }

/// A part of a program that is run block by block along an axis, so that what is large within it never exists as a whole. The
/// program of a block takes what is whole, and slices; another one is for what is left at the end, null if nothing is. Part
/// of compiled programs, which are run and not transformed.
[<Sealed>]
type internal BlocksPrimitive(program: Program, rest: Program, parts: BlockParts) =
    inherit ProgramPrimitive("blocks")

    // Blocks are summed up in stretches, cut by the sizes alone, so that totals do not depend on the number of threads.
    static let mostStretches = 16

    let totals = parts.Totals.Length
    let loopOf (program: Program) = LoopBody(program, parts.Wholes, parts.Wholes, 0)
    let loop = lazy (loopOf program)
    let restLoop = lazy (loopOf rest)
    let count = (parts.Length + parts.Block - 1) / parts.Block
    let stretches = if totals > 0 then min count mostStretches else count
    let resized axis before after (shape: int[]) =
        Array.mapi (fun d n -> if d = axis then n / before * after else n) shape

    let types =
        program.Outputs
        |> Array.mapi (fun j atom ->
            if j < totals then
                atom.Type
            else
                { atom.Type with
                    Shape = resized parts.Outputs[j - totals] parts.Block parts.Length atom.Type.Shape })

    /// Writes the entries of a block from the first on along an axis, which lie apart because of the axes before it.
    let scatter (y: NDArray) (whole: NDArray) axis first =
        let size = DTypes.Size y.DType
        let lines = int (Shape.size y.Shape[.. axis - 1])
        let length, pitch = y.Size / lines * size, whole.Size / lines * size
        let start = pitch / parts.Length * first
        let from = y.Bytes
        let into = HostArrays.writable whole

        for line in 0 .. lines - 1 do
            from.Slice(line * length, length).CopyTo(into.Slice(line * pitch + start, length))

        GC.KeepAlive y
        GC.KeepAlive whole

    // Memory for the totals of a stretch, kept from run to run.
    let spare = ConcurrentBag<NDArray[]>()

    let rent () : NDArray[] =
        match spare.TryTake() with
        | true, sums -> sums
        | _ -> Array.map LoopFrame.Place types[.. totals - 1]

    /// Takes parts of the totals into others, in their place.
    let combine (sums: NDArray[]) (others: NDArray[]) =
        for j in 0 .. totals - 1 do
            let kernel =
                match parts.Totals[j] with
                | Reduction.Maximum -> Binary.Maximum
                | Reduction.Minimum -> Binary.Minimum
                | _ -> Binary.Add

            let sum = sums[j]
            HostArrays.Give([| sum |], 0, 1)
            Step.Put(sum.Device.Binary(kernel, sum, others[j], sum.Shape), sum)
            HostArrays.GiveNothing()

    /// An array that can be pointed at entries of another one along an axis, and how far apart these are.
    let part (x: NDArray) axis length : struct (NDArray * int) =
        let lengths = resized axis parts.Length length x.Shape
        let first = x.Slice(Array.zeroCreate x.Rank, lengths, Array.create x.Rank 1)
        // An array without elements has no memory to move along.
        let step = if x.Size = 0 then 0 else x.ExplicitStrides[axis] * (x.Shape[axis] / parts.Length)
        struct (NDArray(x.Device, x.DType, lengths, first.Strides, x.Offset, x.Storage, x.Bits), step)

    let partsOf (arrays: NDArray[]) axes length = Array.map2 (fun x axis -> part x axis length) arrays axes

    let pointAt first (array: NDArray) (struct (part: NDArray, step)) : NDArray =
        part.Point(array.Offset + first * step, array.Storage, array.Bits)
        part

    let only () = Shape.fail "jit" "a compiled program was transformed instead of the function that it was made of."

    /// Runs stretches of blocks until none is left. Several threads do so at once: they share the number of the next stretch,
    /// the totals that wait for those of stretches before them, and how many have been combined.
    member private _.Work
        (inputs: NDArray[], results: NDArray[], next: int ref, pending: NDArray[][], combined: int ref)
        =
        let wholes, sliced = inputs[.. parts.Wholes - 1], inputs[parts.Wholes ..]
        let blocked = results[totals..]
        let another () = Interlocked.Increment(&next.contents) - 1

        /// One block: its entries of the results, and its part of the totals, which is added to some or is the first of them.
        let step (loop: LoopBody) (frame: LoopFrame) (arguments: NDArray[]) slices places i (sums: NDArray[]) isFirst =
            let values: NDArray[] = Array.zeroCreate loop.Types.Length
            let first = i * parts.Block

            for k in 0 .. sliced.Length - 1 do
                arguments[loop.FirstItem + k] <- pointAt first sliced[k] (Array.get slices k)

            for j in 0 .. totals - 1 do
                let value = loop.ValueOf[j]
                values[value] <- if isFirst then sums[j] else frame.Turn(value, 0)

            for j in 0 .. blocked.Length - 1 do
                let place, value = pointAt first blocked[j] (Array.get places j), loop.ValueOf[totals + j]
                values[value] <- if place.IsContiguous then place else frame.Turn(value, 0)

            let ys = Slots.Gather(loop.Step(frame, arguments, values), loop.ValueOf)

            // Results that are one value are computed at the place of one of them.
            for j in 0 .. blocked.Length - 1 do
                let struct (place, _) = Array.get places j
                let y = ys[totals + j]

                if place.IsContiguous then
                    Step.Put(y, place)
                else
                    scatter y blocked[j] parts.Outputs[j] first

            if isFirst then
                Array.iter2 (fun (y: NDArray) sum -> Step.Put(y, sum)) ys[.. totals - 1] sums
            else
                combine sums ys

        /// Adds the totals of stretches to the results, in the order of the stretches.
        let commit stretch sums =
            lock pending (fun () ->
                pending[stretch] <- sums

                while combined.Value < stretches && not (isNull pending[combined.Value]) do
                    let sums = pending[combined.Value]

                    if combined.Value = 0 then
                        Array.iter2 (fun (y: NDArray) result -> Step.Put(y, result)) sums results[.. totals - 1]
                    else
                        combine results sums

                    spare.Add sums
                    combined.Value <- combined.Value + 1)

        let mutable stretch = another ()

        if stretch < stretches then
            let loop = loop.Value
            let struct (frame, arguments) = loop.Enter(wholes, true)
            let slices, places = partsOf sliced parts.Slices parts.Block, partsOf blocked parts.Outputs parts.Block

            while stretch < stretches do
                let from, until = count * stretch / stretches, count * (stretch + 1) / stretches
                let sums = if totals > 0 then rent () else [||]

                for i in from .. until - 1 do
                    if i < count - 1 || isNull rest then
                        step loop frame arguments slices places i sums (i = from)
                    else
                        let length = parts.Length - i * parts.Block
                        let slices, places = partsOf sliced parts.Slices length, partsOf blocked parts.Outputs length
                        let loop = restLoop.Value
                        let struct (frame, arguments) = loop.Enter(wholes, false)
                        step loop frame arguments slices places i sums (i = from)
                        loop.Leave(frame, arguments, false)

                if totals > 0 then
                    commit stretch sums

                stretch <- another ()

            loop.Leave(frame, arguments, true)

    override _.Parameters =
        [ "axes", box parts.Slices
          "length", parts.Length
          "block", parts.Block
          if totals > 0 then
              "totals", String.Join(" ", parts.Totals |> Array.map string)
          "program", program ]

    override this.Shapes inputs =
        let given =
            program.Inputs
            |> Array.mapi (fun i v ->
                if i < parts.Wholes then
                    v.Type
                else
                    let axis = parts.Slices[i - parts.Wholes]
                    { v.Type with Shape = resized axis parts.Block parts.Length v.Type.Shape })

        this.Fit(given, inputs)
        types

    override _.Mapped map = BlocksPrimitive(map program, (if isNull rest then null else map rest), parts)

    override this.Values(inputs, outs) =
        let results =
            Array.map2
                (fun place t -> if isNull place then LoopFrame.Place t else place)
                (HostArrays.TakeAll outs.Length)
                outs

        let next, pending, combined = ref 0, Array.zeroCreate stretches, ref 0

        // Few stretches are left to the threads of their operations.
        if 2 * stretches > Workers.Count then
            let work = Action<int>(fun _ -> this.Work(inputs, results, next, pending, combined))
            Workers.For(min stretches Workers.Count, work)
        else
            this.Work(inputs, results, next, pending, combined)

        GC.KeepAlive inputs
        results

    override _.Jvp(_, _) = only ()
    override _.Vjp(_, _, _, _) = only ()
    override _.Batch(_, _, _) = only ()
