namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Indexing, sorting and running totals on the host's processor.
module internal CpuIndexing =
    let private allocate (x: NDArray) dtype shape = HostArrays.allocate (x.Device, dtype, shape)

    /// Entries of an array along an axis at one-dimensional indices.
    let take (x: NDArray, indices: NDArray, axis: int, shape: int[]) =
        let x, indices = HostArrays.dense x, HostArrays.dense indices
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let count = indices.Size
        let y = allocate x x.DType shape

        Indexing.Take(
            DTypes.Size x.DType,
            outer,
            x.Shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            count,
            HostArrays.writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    /// Zeros with entries of an array added along an axis at one-dimensional indices.
    let takeAdd (x: NDArray, indices: NDArray, axis: int, shape: int[]) =
        let x, indices = HostArrays.dense x, HostArrays.dense indices
        let struct (outer, inner) = HostArrays.around (shape, axis)
        let y = allocate x x.DType shape
        Indexing.TakeAdd(
            x.DType,
            outer,
            shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Size,
            HostArrays.writable y
        )
        GC.KeepAlive x
        GC.KeepAlive indices
        y

    /// Elements along an axis at the indices at the same place.
    let gather (x: NDArray, indices: NDArray, axis: int) =
        let x, indices = HostArrays.dense x, HostArrays.dense indices
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x x.DType indices.Shape

        Indexing.Gather(
            DTypes.Size x.DType,
            outer,
            x.Shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Shape[axis],
            HostArrays.writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    /// Zeros with elements added along an axis at the indices at the same place.
    let scatterAdd (x: NDArray, indices: NDArray, axis: int, shape: int[]) =
        let x, indices = HostArrays.dense x, HostArrays.dense indices
        let struct (outer, inner) = HostArrays.around (shape, axis)
        let y = allocate x x.DType shape

        Indexing.ScatterAdd(
            x.DType,
            outer,
            shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Shape[axis],
            HostArrays.writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    /// An array with elements written along an axis at the indices at the same place.
    let scatter (x: NDArray, indices: NDArray, updates: NDArray, axis: int) =
        let indices, updates = HostArrays.dense indices, HostArrays.dense updates
        let y = HostArrays.makeContiguous x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)

        Indexing.Scatter(
            DTypes.Size x.DType,
            outer,
            x.Shape[axis],
            inner,
            updates.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Shape[axis],
            HostArrays.writable y
        )

        GC.KeepAlive indices
        GC.KeepAlive updates
        y

    /// The positions of truth values that hold.
    let positions (truths: NDArray) =
        let truths = HostArrays.dense truths
        let count = truths.Size - truths.Bytes.Slice(0, truths.Size).Count 0uy
        let y = allocate truths DType.Int64 [| count |]

        Indexing.Positions(truths.Bytes.Slice(0, truths.Size), MemoryMarshal.Cast<byte, int64>(HostArrays.writable y))
        |> ignore

        GC.KeepAlive truths
        y

    /// The same along each axis, a row for each.
    let coordinates (truths: NDArray) =
        let truths = HostArrays.dense truths
        let bytes = truths.Bytes.Slice(0, truths.Size)
        let y = allocate truths DType.Int64 [| truths.Size - bytes.Count 0uy; truths.Rank |]
        Indexing.Coordinates(bytes, ReadOnlySpan truths.Shape, MemoryMarshal.Cast<byte, int64>(HostArrays.writable y))
        GC.KeepAlive truths
        y

    /// The positions of the last indices that name each of n places.
    let lastWriters (indices: NDArray, axis: int, n: int) =
        let indices = HostArrays.dense indices
        let shape = Array.updateAt axis n indices.Shape
        let struct (outer, inner) = HostArrays.around (shape, axis)
        let y = allocate indices DType.Int64 shape
        Indexing.LastWriters(outer, n, inner, indices.DType, indices.Bytes, indices.Shape[axis], HostArrays.writable y)
        GC.KeepAlive indices
        y

    /// Running sums along an axis.
    let cumulativeSum (x: NDArray, axis: int, reverse: bool) =
        let x = HostArrays.dense x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x x.DType x.Shape
        Cumulative.Sum(x.DType, outer, x.Shape[axis], inner, reverse, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// Running products along an axis.
    let cumulativeProduct (x: NDArray, axis: int) =
        let x = HostArrays.dense x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x x.DType x.Shape
        Cumulative.Product(x.DType, outer, x.Shape[axis], inner, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// y after y, each a times the one before plus b.
    let linearRecurrence (a: NDArray, b: NDArray, axis: int, reverse: bool) =
        let a, b = HostArrays.dense a, HostArrays.dense b
        let struct (outer, inner) = HostArrays.around (a.Shape, axis)
        let y = allocate a a.DType a.Shape
        Cumulative.LinearRecurrence(
            a.DType,
            outer,
            a.Shape[axis],
            inner,
            reverse,
            a.Bytes,
            b.Bytes,
            HostArrays.writable y
        )
        GC.KeepAlive a
        GC.KeepAlive b
        y

    /// The positions of running maxima along an axis.
    let cumulativeArgMax (x: NDArray, axis: int) =
        let x = HostArrays.dense x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x DType.Int64 x.Shape
        Cumulative.ArgMax(x.DType, outer, x.Shape[axis], inner, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// The positions of elements in their order along an axis.
    let argSort (x: NDArray, axis: int, descending: bool) =
        let x = HostArrays.dense x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x DType.Int64 x.Shape
        Sorting.ArgSort(x.DType, outer, x.Shape[axis], inner, descending, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// The positions of the first k elements in their order along an axis.
    let argFirst (x: NDArray, axis: int, k: int, descending: bool) =
        let x = HostArrays.dense x
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        let y = allocate x DType.Int64 (Array.updateAt axis k x.Shape)
        Selection.First(x.DType, outer, x.Shape[axis], inner, k, descending, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// The elements of given ranks of each row.
    let ranked (x: NDArray, ranks: int[]) =
        let x = HostArrays.dense x
        let last = x.Rank - 1
        let y = allocate x x.DType (Array.updateAt last ranks.Length x.Shape)
        let lines = int (Shape.size x.Shape[.. last - 1])
        Selection.Ranked(x.DType, lines, x.Shape[last], ReadOnlySpan ranks, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// The groups of equal elements, and where they start.
    let groups (ordered: NDArray, order: NDArray) =
        let ordered, order = HostArrays.dense ordered, HostArrays.dense order
        let groups, starts = allocate ordered DType.Int64 order.Shape, allocate ordered DType.Int64 order.Shape
        let count =
            Sorting.Groups(
                ordered.DType,
                ordered.Bytes,
                MemoryMarshal.Cast<byte, int64> order.Bytes,
                MemoryMarshal.Cast<byte, int64>(HostArrays.writable groups),
                MemoryMarshal.Cast<byte, int64>(HostArrays.writable starts)
            )

        GC.KeepAlive ordered
        GC.KeepAlive order
        struct (groups, starts.View([| count |], null, starts.Offset))

    /// Where values belong in sorted rows.
    let searchSorted (sorted: NDArray, values: NDArray, after: bool) =
        let sorted, values = HostArrays.dense sorted, HostArrays.dense values
        let y = allocate sorted DType.Int64 values.Shape
        let rows = int (Shape.size values.Shape[.. values.Rank - 2])
        let length, count = sorted.Shape[sorted.Rank - 1], values.Shape[values.Rank - 1]
        Sorting.Search(sorted.DType, rows, length, count, after, sorted.Bytes, values.Bytes, HostArrays.writable y)
        GC.KeepAlive sorted
        GC.KeepAlive values
        y

    /// Rows of zeros with a one at each index.
    let oneHot (indices: NDArray, classes: int, dtype: DType) =
        let indices = HostArrays.dense indices
        let y = allocate indices dtype (Array.append indices.Shape [| classes |])
        Indexing.OneHot(dtype, indices.Size, classes, indices.DType, indices.Bytes, HostArrays.writable y)
        GC.KeepAlive indices
        y
