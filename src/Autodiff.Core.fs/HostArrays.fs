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

    /// The memory for the next arrays of some types and shapes, which are told by their identity: how a compiled program
    /// gives a kernel the places of its results. What is taken, or has no place, is null.
    [<ThreadStatic; DefaultValue>]
    static val mutable private targets: NDArray[]

    static member Targets
        with get () = HostArrays.targets
        and set (value: NDArray[]) = HostArrays.targets <- value

    /// An array with any contents.
    static member allocate(device: Device, dtype: DType, shape: int[]) : NDArray =
        match HostArrays.targets with
        | null -> HostArrays.fresh (device, dtype, shape)
        | targets ->
            let fits (target: NDArray) =
                not (isNull target) && obj.ReferenceEquals(target.Shape, shape) && target.DType = dtype

            match Array.FindIndex(targets, fits) with
            | -1 -> HostArrays.fresh (device, dtype, shape)
            | i ->
                let target = targets[i]
                targets[i] <- null
                target

    static member private fresh(device: Device, dtype: DType, shape: int[]) : NDArray =
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
        Copy.ToContiguous(
            DTypes.Size x.DType,
            x.Bytes,
            0L,
            x.KernelStrides,
            HostArrays.writable y,
            ReadOnlySpan x.Shape
        )
        GC.KeepAlive x
        y

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
