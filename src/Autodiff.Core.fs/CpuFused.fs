namespace Autodiff

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop
open Autodiff.Kernels

#nowarn "9" // numbers on the stack

/// Expressions with their arrays, as the loops of fused kernels take them.
module internal CpuFused =
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
            let dtype = call.Outs[i]

            results[i] <-
                match places[i] with
                | null when DTypes.IsFloat dtype -> NDArray(device, dtype, Shape.scalar, null, 0, null, bits[count + i])
                | place when not (isNull place) && place.IsInline ->
                    place.Point(0, null, bits[count + i])
                    place
                | place ->
                    let y = if isNull place then HostArrays.fresh (device, dtype, Shape.scalar) else place
                    let bytes = MemoryMarshal.AsBytes(bits.Slice(count + i, 1)).Slice(0, DTypes.Size dtype)
                    bytes.CopyTo(HostArrays.writable y)
                    GC.KeepAlive y
                    y

        results

    /// An expression of arrays; results go where places are (null: anywhere).
    let arrays (device: Device, call: FusedCall, inputs: NDArray[], places: NDArray[]) : NDArray[] =
        let shape = call.Shape

        let operandOf (x: NDArray) offset strides =
            match x.Storage with
            | null -> FusedOperand(null, 0n, x.Bits, strides)
            | :? (byte[]) as bytes ->
                FusedOperand(bytes, nativeint ((x.Offset + offset) * DTypes.Size x.DType), 0L, strides)
            | storage ->
                let start = (storage :?> HostMemory).Pointer + nativeint ((x.Offset + offset) * DTypes.Size x.DType)
                FusedOperand(null, start, 0L, strides)

        let count = call.Sources.Length
        let results = listed places
        let operands = call.Rent()
        let scalars = if call.HasScalars then call.RentScalars() else null
        let mutable copies: NDArray list = []

        for i in 0 .. count - 1 do
            let x = inputs[call.Sources[i]]

            if x.IsContiguous && call.IsDirect i then
                operands[i] <- operandOf x call.Offsets[i] call.Strides[i]
            else
                let view = call.Views[i].Invoke x
                let strides = view.StridesFor shape

                if call.IsWalkable strides then
                    operands[i] <- operandOf view 0 strides
                else
                    let copy = HostArrays.dense (view.View(shape, strides, view.Offset))
                    copies <- copy :: copies
                    operands[i] <- operandOf copy 0 null

        for i in 0 .. results.Length - 1 do
            if isNull scalars || call.OutShapes[i].Length > 0 then
                results[i] <-
                    if isNull places[i] then
                        HostArrays.allocate (device, call.Outs[i], call.OutShapes[i])
                    else
                        places[i]

                // What combines nothing may lie in a part of another array.
                let strides = if isNull call.OutStrides[i] then results[i].Strides else call.OutStrides[i]
                operands[count + i] <- operandOf results[i] 0 strides
            else
                operands[count + i] <- FusedOperand(scalars, nativeint (8 * i), 0L, call.OutStrides[i])

        call.Graph.Kernel.Run(shape, ReadOnlySpan operands, call.RowAxes)
        GC.KeepAlive inputs
        GC.KeepAlive copies

        if not (isNull scalars) then
            for i in 0 .. results.Length - 1 do
                if call.OutShapes[i].Length = 0 then
                    HostArrays.Give(places, i, 1)
                    let bytes = ReadOnlySpan(scalars, 8 * i, DTypes.Size call.Outs[i])
                    results[i] <- device.FromHost(call.Outs[i], Shape.scalar, bytes)
                    HostArrays.GiveNothing()

        call.Return(operands, scalars)
        results
