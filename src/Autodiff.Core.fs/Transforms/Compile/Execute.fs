namespace Autodiff

open System.Collections.Generic
open System.Threading
open Autodiff.Kernels

/// A compiled program with memory for what it computes on the way: places are planned once, by how long each value is
/// needed, and used again at every call. Results have memory of their own.
[<Sealed>]
type internal Executable(program: Program) =
    // Small arrays cost less to make than to plan.
    static let smallest = 8192L

    let equations = program.Equations
    let size = program.VariableCount

    let slots = Slots(equations, program.Outputs, size)
    let constants, reads, results = slots.Constants, slots.Reads, slots.Results

    // Shapes of their own, by which a kernel's result is told from what else it makes.
    let types =
        equations
        |> Array.map (fun e -> e.Outputs |> Array.map (fun v -> { v.Type with Shape = Array.copy v.Type.Shape }))

    let bytesOf (t: TensorType) = Shape.size t.Shape * int64 (DTypes.Size t.DType)

    /// What writes its result where it is told.
    let isPlaceable (operation: Operation) =
        match operation.Name with
        | "matmul"
        | "conv"
        | "convInputGradient"
        | "convFilterGradient"
        | "concat"
        | "place"
        | "maxPoolPositions"
        | "maxPoolGather"
        | "maxPoolScatter"
        | "averagePool"
        | "averagePoolTranspose"
        | "softmax"
        | "logSoftmax"
        | "softmaxGradient"
        | "logSoftmaxGradient"
        | "scatterAdd"
        | "takeAdd" -> operation :? Primitive
        | _ -> operation :? FusedPrimitive

    /// The equation after which nothing needs the memory of a slot: never for arguments, constants and results. Of what may
    /// give a view of an input, or hold on to it, the input is kept as long as the output.
    let lastUse =
        let last = Array.create constants.Length -1

        for s in
            Seq.concat
                [ Seq.ofArray results
                  Seq.map (fun (v: Variable) -> v.Index) program.Inputs
                  seq { size .. constants.Length - 1 } ] do
            last[s] <- System.Int32.MaxValue

        for i = equations.Length - 1 downto 0 do
            let e = equations[i]
            let outputs = e.Outputs |> Array.fold (fun latest v -> max latest last[v.Index]) i

            let isFresh =
                isPlaceable e.Operation
                || (match e.Operation with
                    | :? UnaryPrimitive
                    | :? BinaryPrimitive
                    | :? ComparePrimitive -> true
                    | _ -> false)

            for s in reads[i] do
                last[s] <- max last[s] (if isFresh then i else outputs)

            for v in e.Outputs do
                last[v.Index] <- max last[v.Index] i

        last

    /// The place of each output, -1 for memory of its own, and the sizes of the places.
    let placeOf, placeSizes =
        let sizes = List<int64>()
        let free = List<int>()
        let placeOf = Array.create constants.Length -1
        // Which equation gives each place back.
        let returns = Array.init equations.Length (fun _ -> List<int>())

        let take bytes =
            // The smallest that is large enough, unless it is far too large.
            let fitting = free |> Seq.filter (fun p -> sizes[p] >= bytes && sizes[p] <= 2L * bytes) |> Seq.toArray

            if fitting.Length > 0 then
                let best = fitting |> Array.minBy (fun p -> sizes[p])
                free.Remove best |> ignore
                best
            else
                sizes.Add bytes
                sizes.Count - 1

        for i in 0 .. equations.Length - 1 do
            let e = equations[i]

            if isPlaceable e.Operation then
                // An operand that ends here, and is walked as the results are, may be written over.
                let mutable inherited =
                    match e.Operation with
                    | :? FusedPrimitive as fused ->
                        [ for k in 0 .. fused.Call.Sources.Length - 1 do
                              let s = reads[i][fused.Call.Sources[k]]

                              if placeOf[s] >= 0 && lastUse[s] = i then
                                  struct (k, s) ]
                    | _ -> []

                let mayInherit j bytes (struct (k, s)) =
                    sizes[placeOf[s]] >= bytes && (e.Operation :?> FusedPrimitive).Call.MayOverwrite(k, j)

                for j in 0 .. e.Outputs.Length - 1 do
                    let v = e.Outputs[j]
                    let bytes = bytesOf v.Type
                    let s = v.Index

                    if bytes >= smallest && lastUse[s] < System.Int32.MaxValue then
                        match inherited |> List.tryFind (mayInherit j bytes) with
                        | Some(struct (_, before) as found) ->
                            inherited <- List.except [ found ] inherited
                            placeOf[s] <- placeOf[before]
                            returns[i].Remove placeOf[before] |> ignore
                        | None -> placeOf[s] <- take bytes

                        returns[lastUse[s]].Add placeOf[s]

            free.AddRange returns[i]

        placeOf, sizes.ToArray()

    let mutable idle: HostMemory[] = null

    /// For each equation, the slots that hold nothing that is needed after it.
    let dying =
        let result = Array.init equations.Length (fun _ -> List<int>())

        for s in 0 .. size - 1 do
            let last = lastUse[s]

            if last >= 0 && last < System.Int32.MaxValue then
                result[last].Add s

        result |> Array.map _.ToArray()

    /// The memory in bytes that is kept between calls.
    member _.Planned = Array.sum placeSizes

    member _.Run(arrays: NDArray[]) : NDArray[] =
        let environment = Array.copy constants
        // One call at a time uses what is kept; others make their own.
        let memory =
            match Interlocked.Exchange(&idle, null) with
            | null -> placeSizes |> Array.map HostMemory.Allocate
            | kept -> kept

        for i in 0 .. arrays.Length - 1 do
            environment[program.Inputs[i].Index] <- arrays[i]

        let placed i j =
            match placeOf[equations[i].Outputs[j].Index] with
            | -1 -> null
            | place ->
                let t = types[i][j]
                NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, memory[place], 0L)

        for i in 0 .. equations.Length - 1 do
            let values = Slots.Gather(environment, reads[i])
            let outputs = equations[i].Outputs

            match equations[i].Operation with
            | :? Primitive as primitive ->
                HostArrays.Target <- placed i 0
                environment[outputs[0].Index] <- primitive.Value(values, types[i][0])
                HostArrays.Target <- null
            | :? FusedPrimitive as fused ->
                let ys = fused.ValuesAt(values, Array.init outputs.Length (placed i))

                for j in 0 .. outputs.Length - 1 do
                    environment[outputs[j].Index] <- ys[j]
            | operation ->
                let ys = (operation :?> MultiPrimitive).Values(values, types[i])

                for j in 0 .. outputs.Length - 1 do
                    environment[outputs[j].Index] <- ys[j]

            for index in dying[i] do
                environment[index] <- null

        let ys = Slots.Gather(environment, results)
        System.GC.KeepAlive memory
        idle <- memory
        ys
