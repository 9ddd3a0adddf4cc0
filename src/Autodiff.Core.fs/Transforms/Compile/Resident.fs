namespace Autodiff

open System
open System.Collections.Generic
open Autodiff.Kernels

/// A state that compiled functions advance where it is: each call writes the next over the last, and allocates nothing, until
/// somebody asks for it. What was given away is never written over; the call after it works on a copy.
[<Sealed>]
type internal Resident(state: Tensor[]) =
    let arrays = state |> Array.map _.Array
    let count = arrays.Length
    // The second places of what cannot be written over its former value.
    let spares: NDArray[] = Array.zeroCreate count
    let successions = Dictionary<Executable, int[]>(HashIdentity.Reference)
    let mutable isOwn = false
    let mutable arguments: NDArray[] = Array.empty
    let mutable places: NDArray[] = Array.empty

    /// An array that nobody else has, with any contents: a single number, or native memory, which can be donated later.
    static member Place(t: TensorType) : NDArray =
        if Places.isInline t then
            NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, null, 0L)
        elif Places.bytesOf t = 0L then
            HostArrays.fresh (Cpu.Instance, t.DType, t.Shape)
        else
            NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, HostMemory.Allocate(Places.bytesOf t), 0L)

    /// Copies some rows of a contiguous array, in the order of indices from a position on, into one of as many rows.
    static member TakeRows(x: NDArray, order: NDArray, first: int, rows: NDArray) : unit =
        let n, size = rows.Shape[0], DTypes.Size order.DType
        let indices = order.Bytes.Slice(first * size, n * size)
        let inner = if n = 0 then 0 else rows.Size / n
        let target = HostArrays.writable rows
        Indexing.Take(DTypes.Size x.DType, 1, x.Shape[0], inner, x.Bytes, order.DType, indices, n, target)
        GC.KeepAlive x
        GC.KeepAlive order
        GC.KeepAlive rows

    /// Whether a compiled function can advance the state: it takes it first, and gives the next one last, of the same types.
    member _.Fits(executable: Executable) : bool =
        match successions.TryGetValue executable with
        | true, succession -> not (isNull succession)
        | _ ->
            let succession = executable.Succession count
            successions.Add(executable, succession)
            not (isNull succession)

    /// One call: the results before the next state go to the places that are given.
    member this.Advance(executable: Executable, inputs: NDArray[], results: NDArray[]) : unit =
        let succession = successions[executable]

        if not isOwn then
            for k in 0 .. count - 1 do
                let own = Resident.Place { Shape = arrays[k].Shape; DType = arrays[k].DType }
                Step.Put(arrays[k], own)
                arrays[k] <- own

            isOwn <- true

        if arguments.Length <> count + inputs.Length then
            arguments <- Array.zeroCreate (count + inputs.Length)

        if places.Length <> results.Length + count then
            places <- Array.zeroCreate (results.Length + count)

        Array.blit arrays 0 arguments 0 count
        Array.blit inputs 0 arguments count inputs.Length
        Array.blit results 0 places 0 results.Length

        for k in 0 .. count - 1 do
            places[results.Length + k] <-
                if succession[k] >= 0 then
                    arrays[succession[k]]
                else
                    if isNull spares[k] then
                        spares[k] <- Resident.Place { Shape = arrays[k].Shape; DType = arrays[k].DType }

                    spares[k]

        executable.RunInto(arguments, places) |> ignore

        for k in 0 .. count - 1 do
            arrays[k] <- places[results.Length + k]

            if succession[k] < 0 then
                spares[k] <- arguments[~~~succession[k]]

        Array.Clear arguments
        Array.Clear places

    /// The state as it is now, which stays as it is.
    member _.Leaves: Tensor[] =
        isOwn <- false
        arrays |> Array.map (fun x -> Concrete x)
