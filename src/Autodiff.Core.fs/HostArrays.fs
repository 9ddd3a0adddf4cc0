namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Memory of the host for arrays.
[<AbstractClass; Sealed>]
type internal HostArrays private () =
    /// Arrays below this size lie on the managed heap, where an allocation costs nanoseconds; larger ones in native
    /// memory that is reused.
    static let nativeFrom = 8192L

    /// The array for the next result of its type and size: how a compiled program gives a kernel the place of its result. What
    /// a kernel computes on the way may lie there as well, since nothing but the result is kept.
    [<ThreadStatic; DefaultValue>]
    static val mutable private target: NDArray

    static member Target
        with get () = HostArrays.target
        and set (value: NDArray) = HostArrays.target <- value

    /// An array with any contents.
    static member allocate(device: Device, dtype: DType, shape: int[]) : NDArray =
        let target = HostArrays.target

        if
            not (isNull target)
            && target.DType = dtype
            && not target.IsInline
            && (obj.ReferenceEquals(target.Shape, shape) || Shape.size target.Shape = Shape.size shape)
        then
            HostArrays.target <- null

            if Shape.equal target.Shape shape then
                target
            else
                NDArray(device, dtype, shape, null, 0, target.Storage, 0L)
        else
            HostArrays.fresh (device, dtype, shape)

    /// The array of a scalar that is held inline.
    static member scalar(device: Device, dtype: DType, bits: int64) : NDArray =
        let target = HostArrays.target

        if not (isNull target) && target.DType = dtype && target.IsInline then
            HostArrays.target <- null
            target.Point(0, null, bits)
            target
        else
            NDArray(device, dtype, Shape.scalar, null, 0, null, bits)

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
                $"a {DTypes.Name dtype} array of shape {Shape.format shape} needs {bytes} bytes; one array holds at most 2 GiB."

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
