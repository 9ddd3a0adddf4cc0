namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop
open Autodiff.Kernels

#nowarn "9" // numbers and addresses on the stack

/// Expressions with their arrays, as the loops of fused kernels take them.
module internal CpuFused =
    /// A result that is one number, from its bits.
    let private number (device: Device) dtype (bits: int64) (place: NDArray) : NDArray =
        match place with
        | null when DTypes.IsFloat dtype -> NDArray(device, dtype, Shape.scalar, null, 0, null, bits)
        | place when not (isNull place) && place.IsInline ->
            place.Point(0, null, bits)
            place
        | place ->
            let y = if isNull place then HostArrays.fresh (device, dtype, Shape.scalar) else place
            let mutable bits = bits
            let bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&bits, 1)).Slice(0, DTypes.Size dtype)
            bytes.CopyTo(HostArrays.writable y)
            GC.KeepAlive y
            y

    /// Where results are listed: among their places, if all have one.
    let private listed (places: NDArray[]) : NDArray[] =
        let mutable isGiven = true

        for place in places do
            isGiven <- isGiven && not (isNull place)

        if isGiven then places else Array.zeroCreate places.Length

    /// An expression of single numbers, which need no memory.
    let numbers (device: Device, call: FusedCall, inputs: NDArray[], places: NDArray[]) : NDArray[] =
        let count = call.Sources.Length
        let room = count + call.Outs.Length
        let bits = Span<int64>(NativePtr.toVoidPtr (NativePtr.stackalloc<int64> room), room)

        for i in 0 .. count - 1 do
            let x = inputs[call.Sources[i]]

            bits[i] <-
                if x.IsContiguous && call.IsDirect i then
                    x.BitsAt call.Offsets[i]
                else
                    (call.Views[i].Invoke x).BitsAt 0

        call.Graph.Kernel.RunNumbers bits
        let results = listed places

        for i in 0 .. results.Length - 1 do
            results[i] <- number device call.Outs[i] bits[count + i] places[i]

        results

    /// Finds where an array begins: its address, that of its bits, or how far it lies in managed memory, which is returned.
    let private find (x: NDArray) offset (at: nativeptr<nativeint>) (bits: nativeptr<int64>) i : byte[] =
        let bytes = nativeint (x.Offset + offset) * nativeint (DTypes.Size x.DType)

        match x.Storage with
        | :? HostMemory as memory ->
            NativePtr.set at i (memory.Pointer + bytes)
            null
        | null ->
            NativePtr.set bits i x.Bits
            NativePtr.set at i (NativePtr.toNativeInt (NativePtr.add bits i))
            null
        | storage ->
            NativePtr.set at i bytes
            // Arrays of the host that hold memory hold one or the other.
            Unsafe.As<byte[]> storage

    /// An expression of arrays; results go where places are (null: anywhere).
    let arrays (device: Device, call: FusedCall, inputs: NDArray[], places: NDArray[]) : NDArray[] =
        let shape = call.Shape
        let count = call.Sources.Length
        let room = call.AllStrides.Length
        let at = NativePtr.stackalloc<nativeint> room
        let bits = NativePtr.stackalloc<int64> room
        let mutable strides = call.AllStrides
        let mutable managed: byte[][] = null
        let mutable copies: NDArray list = []

        for i in 0 .. count - 1 do
            let x = inputs[call.Sources[i]]

            let array =
                if x.IsContiguous && call.IsDirect i then
                    find x call.Offsets[i] at bits i
                else
                    if obj.ReferenceEquals(strides, call.AllStrides) then
                        strides <- call.RentStrides()

                    let view = call.Views[i].Invoke x
                    let own = view.StridesFor shape

                    if call.IsWalkable own then
                        strides[i] <- own
                        find view 0 at bits i
                    else
                        let copy = HostArrays.dense (view.View(shape, own, view.Offset))
                        copies <- copy :: copies
                        strides[i] <- null
                        find copy 0 at bits i

            if not (isNull array) then
                if isNull managed then
                    managed <- call.Rent()

                managed[i] <- array

        let results = listed places

        for i in 0 .. results.Length - 1 do
            if call.OutShapes[i].Length > 0 then
                let y =
                    if isNull places[i] then
                        HostArrays.allocate (device, call.Outs[i], call.OutShapes[i])
                    else
                        places[i]

                if not (obj.ReferenceEquals(results, places)) then
                    results[i] <- y

                // What combines nothing may lie in a part of another array.
                if isNull call.OutStrides[i] && not y.IsContiguous then
                    if obj.ReferenceEquals(strides, call.AllStrides) then
                        strides <- call.RentStrides()

                    strides[count + i] <- y.Strides

                let array = find y 0 at bits (count + i)

                if not (isNull array) then
                    if isNull managed then
                        managed <- call.Rent()

                    managed[count + i] <- array
            else
                NativePtr.set at (count + i) (NativePtr.toNativeInt (NativePtr.add bits (count + i)))

        if not (obj.ReferenceEquals(strides, call.AllStrides)) then
            strides <- call.Settle strides

        let places' = Span<nativeint>(NativePtr.toVoidPtr at, room)
        call.Graph.Kernel.Run(shape, strides, places', ReadOnlySpan managed, call.RowAxes)
        GC.KeepAlive inputs
        GC.KeepAlive copies
        GC.KeepAlive results

        if call.HasScalars then
            for i in 0 .. results.Length - 1 do
                if call.OutShapes[i].Length = 0 then
                    results[i] <- number device call.Outs[i] (NativePtr.get bits (count + i)) places[i]

        if not (isNull managed) then
            call.Return managed

        results
