namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Memory of the host for arrays.
module internal HostArrays =
    /// Arrays below this size lie on the managed heap, where an allocation costs nanoseconds; larger ones in native
    /// memory that is reused.
    let private nativeFrom = 8192L

    /// An array with any contents.
    let allocate (device: Device, dtype: DType, shape: int[]) : NDArray =
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
    let writable (x: NDArray) : Span<byte> =
        let bytes = x.Bytes
        MemoryMarshal.CreateSpan(&MemoryMarshal.GetReference bytes, x.Size * DTypes.Size x.DType)

    /// A contiguous copy.
    let makeContiguous (x: NDArray) : NDArray =
        let y = allocate (x.Device, x.DType, x.Shape)
        Copy.ToContiguous(DTypes.Size x.DType, x.Bytes, 0L, x.KernelStrides, writable y, ReadOnlySpan x.Shape)
        GC.KeepAlive x
        y

    /// The same elements, contiguous.
    let dense (x: NDArray) : NDArray = if x.IsContiguous then x else makeContiguous x

    /// The numbers of elements outside and inside an axis.
    let around (shape: int[], axis: int) =
        let mutable outer = 1
        let mutable inner = 1

        for i in 0 .. axis - 1 do
            outer <- outer * shape[i]

        for i in axis + 1 .. shape.Length - 1 do
            inner <- inner * shape[i]

        struct (outer, inner)
