namespace Autodiff

open System
open System.Numerics
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Memory of the host for arrays.
[<AbstractClass; Sealed>]
type internal HostArrays private () =
    /// Arrays below this size lie on the managed heap, where an allocation costs nanoseconds; larger ones in native
    /// memory that is reused.
    static let nativeFrom = 8192L

    /// The arrays for the next results of their types and sizes: how a compiled program gives a kernel the places of its
    /// results. What a kernel computes on the way may lie there as well, since nothing but the results is kept.
    [<ThreadStatic; DefaultValue>]
    static val mutable private places: NDArray[]

    [<ThreadStatic; DefaultValue>]
    static val mutable private first: int

    /// The places from the first that may still be taken, as bits.
    [<ThreadStatic; DefaultValue>]
    static val mutable private free: uint

    /// Gives the next kernel of this thread places for its results, of which some may be null.
    static member Give(places: NDArray[], first: int, count: int) : unit =
        HostArrays.places <- places
        HostArrays.first <- first
        HostArrays.free <- (1u <<< count) - 1u

    /// Takes back what was given.
    static member GiveNothing() : unit =
        HostArrays.places <- null
        HostArrays.free <- 0u

    /// What was given, one place for each of so many results, null where there is none: for an operation that fills its
    /// results part by part.
    static member TakeAll(count: int) : NDArray[] =
        let given, first = HostArrays.places, HostArrays.first
        HostArrays.GiveNothing()
        Array.init count (fun i -> if isNull given then null else given[first + i])

    /// A place that is free and fits; null if there is none.
    static member private Take(dtype: DType, isInline: bool, shape: int[]) : NDArray =
        let mutable bits = HostArrays.free
        let mutable found: NDArray = null

        while bits <> 0u do
            let i = BitOperations.TrailingZeroCount bits
            let place = HostArrays.places[HostArrays.first + i]

            if
                not (isNull place)
                && place.DType = dtype
                && place.IsInline = isInline
                && (obj.ReferenceEquals(place.Shape, shape) || Shape.size place.Shape = Shape.size shape)
            then
                HostArrays.free <- HostArrays.free &&& ~~~(1u <<< i)
                found <- place
                bits <- 0u
            else
                bits <- bits &&& (bits - 1u)

        found

    /// An array with any contents.
    static member allocate(device: Device, dtype: DType, shape: int[]) : NDArray =
        match HostArrays.Take(dtype, false, shape) with
        | null -> HostArrays.fresh (device, dtype, shape)
        | place when Shape.equal place.Shape shape -> place
        | place -> place.View(shape, null, place.Offset)

    /// The array of a scalar that is held inline.
    static member scalar(device: Device, dtype: DType, bits: int64) : NDArray =
        match HostArrays.Take(dtype, true, Shape.scalar) with
        | null -> NDArray(device, dtype, Shape.scalar, null, 0, null, bits)
        | place ->
            place.Point(0, null, bits)
            place

    /// The array of a float64 scalar.
    static member scalar(device: Device, value: float) : NDArray =
        HostArrays.scalar (device, DType.Float64, BitConverter.DoubleToInt64Bits value)

    /// The array of a float32 scalar.
    static member scalar(device: Device, value: float32) : NDArray =
        HostArrays.scalar (device, DType.Float32, int64 (BitConverter.SingleToInt32Bits value))

    /// The array of a scalar, from the bytes of its element.
    static member scalar(device: Device, dtype: DType, bytes: ReadOnlySpan<byte>) : NDArray =
        let mutable bits = 0L
        bytes.Slice(0, DTypes.Size dtype).CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&bits, 1)))
        HostArrays.scalar (device, dtype, bits)

    /// An array with any contents, in memory of its own.
    static member fresh(device: Device, dtype: DType, shape: int[]) : NDArray =
        let bytes = Shape.size shape * int64 (DTypes.Size dtype)

        if bytes > int64 Int32.MaxValue then
            Shape.fail
                "memory"
                $"a {DTypes.Name dtype} array of shape {Shape.format shape} needs {Shape.exactSize shape * bigint (DTypes.Size dtype)} bytes; one array holds at most 2 GiB. Work on parts of it."

        let storage: obj =
            if bytes < nativeFrom then
                GC.AllocateUninitializedArray<byte>(int bytes)
            else
                HostMemory.Allocate bytes

        NDArray(device, dtype, shape, null, 0, storage, 0L)

    /// The bytes of an array that was just allocated and that nobody else has seen.
    static member writable(x: NDArray) : Span<byte> =
        let bytes = x.Bytes
        MemoryMarshal.CreateSpan(&MemoryMarshal.GetReference bytes, x.Size * DTypes.Size x.DType)

    /// A contiguous copy.
    static member makeContiguous(x: NDArray) : NDArray =
        let y = HostArrays.allocate (x.Device, x.DType, x.Shape)
        HostArrays.copyTo (x, y)
        y

    /// Copies the elements of an array into a contiguous one of the same type.
    static member copyTo(x: NDArray, y: NDArray) : unit =
        Copy.ToContiguous(
            DTypes.Size x.DType,
            x.Bytes,
            0L,
            x.KernelStrides,
            HostArrays.writable y,
            ReadOnlySpan x.Shape
        )
        GC.KeepAlive x
        GC.KeepAlive y

    /// The same elements, contiguous.
    static member dense(x: NDArray) : NDArray = if x.IsContiguous then x else HostArrays.makeContiguous x

    /// The numbers of elements outside and inside an axis.
    static member around(shape: int[], axis: int) =
        let mutable outer = 1
        let mutable inner = 1

        for i in 0 .. axis - 1 do
            outer <- outer * shape[i]

        for i in axis + 1 .. shape.Length - 1 do
            inner <- inner * shape[i]

        struct (outer, inner)
