namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels
open MathNet.Numerics.LinearAlgebra

/// The host's processor: kernels in C# SIMD on all cores.
[<Sealed; AllowNullLiteral>]
type internal Cpu private () =
    inherit Device "cpu"

    /// Arrays below this size lie on the managed heap, where an allocation costs nanoseconds; larger ones in native
    /// memory that is reused.
    static let nativeFrom = 8192

    static let instance = Cpu()
    static member Instance = instance

    static member Allocate(dtype: DType, shape: int[]) : NDArray =
        let bytes = Shape.size shape * int64 (DTypes.Size dtype)

        if bytes > int64 Int32.MaxValue then
            Shape.fail
                "memory"
                $"a {DTypes.Name dtype} array of shape {Shape.format shape} needs {bytes} bytes; one array holds at most 2 GiB."

        let storage: obj =
            if bytes < int64 nativeFrom then
                GC.AllocateUninitializedArray<byte>(int bytes)
            else
                HostMemory.Allocate bytes

        NDArray(instance, dtype, shape, null, 0, storage, 0L)

    /// The bytes of an array that was just allocated and that nobody else has seen.
    static member Writable(x: NDArray) : Span<byte> =
        let bytes = x.Bytes
        MemoryMarshal.CreateSpan(&MemoryMarshal.GetReference bytes, x.Size * DTypes.Size x.DType)

    static member private Dense(x: NDArray) = if x.IsContiguous then x else Cpu.MakeContiguous x

    static member private MakeContiguous(x: NDArray) =
        let y = Cpu.Allocate(x.DType, x.Shape)
        Copy.ToContiguous(DTypes.Size x.DType, x.Bytes, 0L, x.KernelStrides, Cpu.Writable y, ReadOnlySpan x.Shape)
        GC.KeepAlive x
        y

    /// outer, length and inner around an axis.
    static member private Around(shape: int[], axis) =
        let mutable outer = 1
        let mutable inner = 1

        for i in 0 .. axis - 1 do
            outer <- outer * shape[i]

        for i in axis + 1 .. shape.Length - 1 do
            inner <- inner * shape[i]

        struct (outer, inner)

    override _.FromHost(dtype, shape, bytes) =
        if shape.Length = 0 && DTypes.IsFloat dtype then
            if dtype = DType.Float64 then
                NDArray.Scalar(instance, MemoryMarshal.Read<float> bytes)
            else
                NDArray.Scalar(instance, MemoryMarshal.Read<float32> bytes)
        else
            let y = Cpu.Allocate(dtype, shape)
            bytes.CopyTo(Cpu.Writable y)
            y

    override _.ToHost(x, destination) =
        let x = Cpu.Dense x
        x.Bytes.Slice(0, destination.Length).CopyTo destination
        GC.KeepAlive x

    override _.Fill(dtype, shape, value) =
        if shape.Length = 0 && dtype = DType.Float64 then
            NDArray.Scalar(instance, value)
        elif shape.Length = 0 && dtype = DType.Float32 then
            NDArray.Scalar(instance, float32 value)
        else
            let y = Cpu.Allocate(dtype, shape)
            Copy.Fill(dtype, value, Cpu.Writable y)
            y

    override _.Contiguous x = Cpu.Dense x

    override _.Convert(x, dtype) =
        if x.DType = dtype then
            x
        else
            let y = Cpu.Allocate(dtype, x.Shape)
            Copy.Convert(x.DType, x.Bytes, x.KernelStrides, dtype, Cpu.Writable y, ReadOnlySpan x.Shape)
            GC.KeepAlive x
            y

    override _.Unary(kernel, x) =
        if x.IsInline && x.DType = DType.Float64 then
            NDArray.Scalar(instance, kernel.Invoke x.InlineDouble)
        elif x.IsInline && x.DType = DType.Float32 then
            NDArray.Scalar(instance, kernel.Invoke x.InlineSingle)
        else
            let y = Cpu.Allocate(x.DType, x.Shape)
            kernel.Invoke(x.DType, x.Bytes, x.KernelStrides, Cpu.Writable y, ReadOnlySpan x.Shape)
            GC.KeepAlive x
            y

    override _.Binary(kernel, x, y, shape) =
        if x.IsInline && y.IsInline && x.DType = DType.Float64 then
            NDArray.Scalar(instance, kernel.Invoke(x.InlineDouble, y.InlineDouble))
        elif x.IsInline && y.IsInline && x.DType = DType.Float32 then
            NDArray.Scalar(instance, kernel.Invoke(x.InlineSingle, y.InlineSingle))
        else
            let z = Cpu.Allocate(x.DType, shape)

            try
                kernel.Invoke(
                    x.DType,
                    x.Bytes,
                    ReadOnlySpan(x.StridesFor shape),
                    y.Bytes,
                    ReadOnlySpan(y.StridesFor shape),
                    Cpu.Writable z,
                    ReadOnlySpan shape
                )
            with :? DivideByZeroException ->
                Shape.fail
                    kernel.Name
                    $"{DTypes.Name x.DType} was divided by zero; convert to a floating-point type with To, where that gives infinity."

            GC.KeepAlive x
            GC.KeepAlive y
            z

    override _.Compare(kernel, x, y, shape) =
        let z = Cpu.Allocate(DType.Bool, shape)

        kernel.Invoke(
            x.DType,
            x.Bytes,
            ReadOnlySpan(x.StridesFor shape),
            y.Bytes,
            ReadOnlySpan(y.StridesFor shape),
            Cpu.Writable z,
            ReadOnlySpan shape
        )

        GC.KeepAlive x
        GC.KeepAlive y
        z

    override _.Select(condition, x, y, shape) =
        let z = Cpu.Allocate(x.DType, shape)

        Ternary.Select(
            x.DType,
            condition.Bytes,
            ReadOnlySpan(condition.StridesFor shape),
            x.Bytes,
            ReadOnlySpan(x.StridesFor shape),
            y.Bytes,
            ReadOnlySpan(y.StridesFor shape),
            Cpu.Writable z,
            ReadOnlySpan shape
        )

        GC.KeepAlive condition
        GC.KeepAlive x
        GC.KeepAlive y
        z

    override _.Reduce(reduction, x, axes, shape) =
        let mutable mask = 0u

        for a in axes do
            mask <- mask ||| (1u <<< a)

        let y = Cpu.Allocate(x.DType, shape)
        Reduce.Run(reduction, x.DType, x.Bytes, x.KernelStrides, ReadOnlySpan x.Shape, mask, Cpu.Writable y)
        GC.KeepAlive x
        Cpu.Inline y

    /// Scalars are held inline, so that what follows takes the short path.
    static member private Inline(y: NDArray) =
        if y.Rank = 0 && not (isNull y.Storage) && DTypes.IsFloat y.DType then
            instance.FromHost(y.DType, Shape.scalar, y.Bytes)
        else
            y

    override _.ArgReduce(largest, x, axis) =
        let y = Cpu.Allocate(DType.Int64, Shape.reduce x.Shape [| axis |] false)
        let shape = ReadOnlySpan x.Shape

        if largest then
            Reduce.ArgMax(x.DType, x.Bytes, x.KernelStrides, shape, axis, Cpu.Writable y)
        else
            Reduce.ArgMin(x.DType, x.Bytes, x.KernelStrides, shape, axis, Cpu.Writable y)

        GC.KeepAlive x
        y

    override _.MatMul(x, y, shape) =
        let rank = shape.Length
        let batchShape = shape[.. rank - 3]

        // One stride walks all batches when the leading axes of an operand are contiguous among themselves or all
        // stretched; otherwise the operand is copied.
        let prepare (a: NDArray) =
            let full = Array.append batchShape a.Shape[a.Rank - 2 ..]
            let strides = (a.View(a.Shape, a.ExplicitStrides, a.Offset)).StridesFor full
            let mutable batchStride = 0L
            let mutable span = 1L
            let mutable ok = true

            for i = rank - 3 downto 0 do
                if batchShape[i] <> 1 then
                    if span = 1L then
                        batchStride <- int64 strides[i]
                        span <- int64 batchShape[i]
                    else
                        if int64 strides[i] <> batchStride * span then
                            ok <- false

                        span <- span * int64 batchShape[i]

            if ok then
                struct (a, batchStride, int64 strides[rank - 2], int64 strides[rank - 1])
            else
                let dense = Cpu.MakeContiguous(a.View(full, strides, a.Offset))
                let rows, columns = full[rank - 2], full[rank - 1]
                struct (dense, int64 rows * int64 columns, int64 columns, 1L)

        let struct (a, aBatch, aRow, aColumn) = prepare x
        let struct (b, bBatch, bRow, bColumn) = prepare y
        let z = Cpu.Allocate(x.DType, shape)
        let batch = int (Shape.size batchShape)
        let m, n, k = shape[rank - 2], shape[rank - 1], x.Shape[x.Rank - 1]

        MatMul.Multiply(
            x.DType,
            batch,
            m,
            n,
            k,
            a.Bytes,
            aBatch,
            aRow,
            aColumn,
            b.Bytes,
            bBatch,
            bRow,
            bColumn,
            Cpu.Writable z
        )

        GC.KeepAlive a
        GC.KeepAlive b
        z

    /// Rows, columns and number of the matrices in the last two axes.
    static member private Matrices(x: NDArray) =
        let batch = int (Shape.size x.Shape[.. x.Rank - 3])
        struct (batch, x.Shape[x.Rank - 2], x.Shape[x.Rank - 1])

    /// For each matrix of a shape, the position of the one that broadcasts to it.
    static member private MatrixOf(from: int[], shape: int[]) : int[] =
        let batch, own = shape[.. shape.Length - 3], from[.. from.Length - 3]
        let lead = batch.Length - own.Length
        let strides = Shape.rowMajorStrides own

        Array.init (int (Shape.size batch)) (fun i ->
            let mutable rest = i
            let mutable at = 0

            for axis in batch.Length - 1 .. -1 .. 0 do
                if axis >= lead && own[axis - lead] <> 1 then
                    at <- at + rest % batch[axis] * strides[axis - lead]

                rest <- rest / batch[axis]

            at)

    /// A copy of an array stretched to a shape, to be overwritten.
    static member private Stretched(x: NDArray, shape: int[]) =
        let target = Array.append shape[.. shape.Length - 3] x.Shape[x.Rank - 2 ..]
        Cpu.MakeContiguous(x.View(target, x.StridesFor target, x.Offset))

    override _.LuFactor x =
        let y = Cpu.MakeContiguous x
        let pivots = Cpu.Allocate(DType.Int32, x.Shape[.. x.Rank - 2])
        let struct (batch, n, _) = Cpu.Matrices x
        Lu.Factor(x.DType, batch, n, Cpu.Writable y, MemoryMarshal.Cast<byte, int>(Cpu.Writable pivots))
        struct (y, pivots)

    override _.LuSolve(lu, pivots, b, shape, transposed) =
        let y = Cpu.Stretched(b, shape)
        let struct (_, n, columns) = Cpu.Matrices y

        Lu.Solve(
            y.DType,
            n,
            columns,
            lu.Bytes,
            MemoryMarshal.Cast<byte, int> pivots.Bytes,
            Cpu.MatrixOf(lu.Shape, shape),
            transposed,
            Cpu.Writable y
        )

        GC.KeepAlive lu
        GC.KeepAlive pivots
        y

    override _.TriangularSolve(a, b, shape, form) =
        let a, y = Cpu.Dense a, Cpu.Stretched(b, shape)
        let struct (_, n, columns) = Cpu.Matrices y

        Triangular.Solve(
            y.DType,
            n,
            columns,
            a.Bytes,
            Cpu.MatrixOf(a.Shape, shape),
            form.Lower,
            form.Transposed,
            form.UnitDiagonal,
            Cpu.Writable y
        )

        GC.KeepAlive a
        y

    override _.Cholesky x =
        let y = Cpu.MakeContiguous x
        let struct (batch, n, _) = Cpu.Matrices x
        let failed = Cholesky.Factor(x.DType, batch, n, Cpu.Writable y)
        struct (y, failed)

    override _.Qr x =
        let x = Cpu.Dense x
        let struct (batch, rows, columns) = Cpu.Matrices x
        let y = Cpu.Allocate(x.DType, Array.append x.Shape[.. x.Rank - 3] [| rows + columns; columns |])
        Qr.Factor(x.DType, batch, rows, columns, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override _.Svd x =
        let x = Cpu.Dense x
        let struct (batch, rows, columns) = Cpu.Matrices x
        let y = Cpu.Allocate(x.DType, Array.append x.Shape[.. x.Rank - 3] [| rows + 1 + columns; columns |])
        Svd.Factor(x.DType, batch, rows, columns, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override this.Eigh x =
        let struct (batch, n, _) = Cpu.Matrices x
        let source = Cpu.Dense(this.Convert(x, DType.Float64))
        let y = Cpu.Allocate(DType.Float64, Array.append x.Shape[.. x.Rank - 2] [| n + 1 |])
        let input = MemoryMarshal.Cast<byte, float> source.Bytes
        let output = MemoryMarshal.Cast<byte, float>(Cpu.Writable y)

        for s in 0 .. (if n = 0 then 0 else batch) - 1 do
            let a = input.Slice(s * n * n, n * n)
            let packed = output.Slice(s * n * (n + 1), n * (n + 1))
            let symmetric = Array.zeroCreate<float>(n * n)
            let mutable isFinite = true

            for i in 0 .. n - 1 do
                for j in 0 .. n - 1 do
                    symmetric[i * n + j] <- 0.5 * (a[i * n + j] + a[j * n + i])
                    isFinite <- isFinite && Double.IsFinite symmetric[i * n + j]

            if isFinite then
                let found = (Double.DenseMatrix(n, n, symmetric)).Evd Symmetricity.Symmetric

                for j in 0 .. n - 1 do
                    packed[j * (n + 1)] <- found.EigenValues[j].Real
                    let vector = found.EigenVectors.Column j
                    // The entry of largest magnitude, the first at ties, is positive.
                    let sign = if vector[vector.AbsoluteMaximumIndex()] < 0.0 then -1.0 else 1.0

                    for i in 0 .. n - 1 do
                        packed[i * (n + 1) + 1 + j] <- sign * vector[i]
            else
                packed.Fill nan

        GC.KeepAlive source
        this.Convert(y, x.DType)

    static member private RowsOf(x: NDArray) =
        let columns = x.Shape[x.Rank - 1]
        struct ((if columns = 0 then 0 else x.Size / columns), columns)

    override _.Softmax(log, x) =
        let x = Cpu.Dense x
        let y = Cpu.Allocate(x.DType, x.Shape)
        let struct (rows, columns) = Cpu.RowsOf x

        if log then
            Softmax.LogForward(x.DType, rows, columns, x.Bytes, Cpu.Writable y)
        else
            Softmax.Forward(x.DType, rows, columns, x.Bytes, Cpu.Writable y)

        GC.KeepAlive x
        y

    override _.SoftmaxGradient(log, output, ct) =
        let output, ct = Cpu.Dense output, Cpu.Dense ct
        let y = Cpu.Allocate(output.DType, output.Shape)
        let struct (rows, columns) = Cpu.RowsOf output

        if log then
            Softmax.LogBackward(output.DType, rows, columns, output.Bytes, ct.Bytes, Cpu.Writable y)
        else
            Softmax.Backward(output.DType, rows, columns, output.Bytes, ct.Bytes, Cpu.Writable y)

        GC.KeepAlive output
        GC.KeepAlive ct
        y

    override _.Place(x, shape, starts, steps) =
        let x = Cpu.Dense x
        let y = Cpu.Allocate(x.DType, shape)
        let writable = Cpu.Writable y
        writable.Clear()
        let strides = Shape.rowMajorStrides shape
        let mutable offset = 0L

        for i in 0 .. starts.Length - 1 do
            offset <- offset + int64 starts[i] * int64 strides[i]

        let stepped = Array.map2 (*) strides steps
        Copy.FromContiguous(DTypes.Size x.DType, x.Bytes, writable, offset, ReadOnlySpan stepped, ReadOnlySpan x.Shape)
        GC.KeepAlive x
        y

    override _.Concat(xs, axis, shape) =
        let y = Cpu.Allocate(xs[0].DType, shape)
        let strides = Shape.rowMajorStrides shape
        let mutable at = 0

        for x in xs do
            let x = Cpu.Dense x
            let offset = int64 at * int64 strides[axis]

            if x.Size > 0 then
                Copy.FromContiguous(
                    DTypes.Size x.DType,
                    x.Bytes,
                    Cpu.Writable y,
                    offset,
                    ReadOnlySpan strides,
                    ReadOnlySpan x.Shape
                )

            at <- at + x.Shape[axis]
            GC.KeepAlive x

        y

    override _.Take(x, indices, axis) =
        let x, indices = Cpu.Dense x, Cpu.Dense indices
        let struct (outer, inner) = Cpu.Around(x.Shape, axis)
        let count = indices.Size
        let y = Cpu.Allocate(x.DType, Array.concat [ x.Shape[.. axis - 1]; indices.Shape; x.Shape[axis + 1 ..] ])

        Indexing.Take(
            DTypes.Size x.DType,
            outer,
            x.Shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            count,
            Cpu.Writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    override _.TakeAdd(x, indices, axis, n) =
        let x, indices = Cpu.Dense x, Cpu.Dense indices
        let after = x.Shape[axis + indices.Rank ..]
        let shape = Array.concat [ x.Shape[.. axis - 1]; [| n |]; after ]
        let struct (outer, inner) = Cpu.Around(shape, axis)
        let y = Cpu.Allocate(x.DType, shape)
        Indexing.TakeAdd(x.DType, outer, n, inner, x.Bytes, indices.DType, indices.Bytes, indices.Size, Cpu.Writable y)
        GC.KeepAlive x
        GC.KeepAlive indices
        y

    override _.Gather(x, indices, axis) =
        let x, indices = Cpu.Dense x, Cpu.Dense indices
        let struct (outer, inner) = Cpu.Around(x.Shape, axis)
        let y = Cpu.Allocate(x.DType, indices.Shape)

        Indexing.Gather(
            DTypes.Size x.DType,
            outer,
            x.Shape[axis],
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Shape[axis],
            Cpu.Writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    override _.ScatterAdd(x, indices, axis, n) =
        let x, indices = Cpu.Dense x, Cpu.Dense indices
        let shape = Array.mapi (fun i d -> if i = axis then n else d) x.Shape
        let struct (outer, inner) = Cpu.Around(shape, axis)
        let y = Cpu.Allocate(x.DType, shape)

        Indexing.ScatterAdd(
            x.DType,
            outer,
            n,
            inner,
            x.Bytes,
            indices.DType,
            indices.Bytes,
            indices.Shape[axis],
            Cpu.Writable y
        )

        GC.KeepAlive x
        GC.KeepAlive indices
        y

    override _.LastWriters(indices, axis, n) =
        let indices = Cpu.Dense indices
        let shape = Array.updateAt axis n indices.Shape
        let struct (outer, inner) = Cpu.Around(shape, axis)
        let y = Cpu.Allocate(DType.Int64, shape)
        Indexing.LastWriters(outer, n, inner, indices.DType, indices.Bytes, indices.Shape[axis], Cpu.Writable y)
        GC.KeepAlive indices
        y

    override _.CumulativeSum(x, axis, reverse) =
        let x = Cpu.Dense x
        let struct (outer, inner) = Cpu.Around(x.Shape, axis)
        let y = Cpu.Allocate(x.DType, x.Shape)
        Cumulative.Sum(x.DType, outer, x.Shape[axis], inner, reverse, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override _.LinearRecurrence(a, b, axis, reverse) =
        let a, b = Cpu.Dense a, Cpu.Dense b
        let struct (outer, inner) = Cpu.Around(a.Shape, axis)
        let y = Cpu.Allocate(a.DType, a.Shape)
        Cumulative.LinearRecurrence(a.DType, outer, a.Shape[axis], inner, reverse, a.Bytes, b.Bytes, Cpu.Writable y)
        GC.KeepAlive a
        GC.KeepAlive b
        y

    override _.CumulativeArgMax(x, axis) =
        let x = Cpu.Dense x
        let struct (outer, inner) = Cpu.Around(x.Shape, axis)
        let y = Cpu.Allocate(DType.Int64, x.Shape)
        Cumulative.ArgMax(x.DType, outer, x.Shape[axis], inner, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override _.ArgSort(x, axis, descending) =
        let x = Cpu.Dense x
        let struct (outer, inner) = Cpu.Around(x.Shape, axis)
        let y = Cpu.Allocate(DType.Int64, x.Shape)
        Sorting.ArgSort(x.DType, outer, x.Shape[axis], inner, descending, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override _.SearchSorted(sorted, values, after) =
        let sorted, values = Cpu.Dense sorted, Cpu.Dense values
        let y = Cpu.Allocate(DType.Int64, values.Shape)
        let rows = int (Shape.size values.Shape[.. values.Rank - 2])
        let length, count = sorted.Shape[sorted.Rank - 1], values.Shape[values.Rank - 1]
        Sorting.Search(sorted.DType, rows, length, count, after, sorted.Bytes, values.Bytes, Cpu.Writable y)
        GC.KeepAlive sorted
        GC.KeepAlive values
        y

    override _.OneHot(indices, classes, dtype) =
        let indices = Cpu.Dense indices
        let y = Cpu.Allocate(dtype, Array.append indices.Shape [| classes |])
        Indexing.OneHot(dtype, indices.Size, classes, indices.DType, indices.Bytes, Cpu.Writable y)
        GC.KeepAlive indices
        y

    override _.Convolve(s, x, filters) =
        let x, filters = Cpu.Dense x, Cpu.Dense filters
        let y = Cpu.Allocate(x.DType, [| s.Batch; s.Filters; s.OutputHeight; s.OutputWidth |])
        Convolution.Forward(x.DType, &s, x.Bytes, filters.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        GC.KeepAlive filters
        y

    override _.ConvolveInputGradient(s, ct, filters) =
        let ct, filters = Cpu.Dense ct, Cpu.Dense filters
        let y = Cpu.Allocate(ct.DType, [| s.Batch; s.Channels; s.Height; s.Width |])
        Convolution.InputGradient(ct.DType, &s, ct.Bytes, filters.Bytes, Cpu.Writable y)
        GC.KeepAlive ct
        GC.KeepAlive filters
        y

    override _.ConvolveFilterGradient(s, x, ct) =
        let x, ct = Cpu.Dense x, Cpu.Dense ct
        let y = Cpu.Allocate(x.DType, [| s.Filters; s.Channels; s.KernelHeight; s.KernelWidth |])
        Convolution.FilterGradient(x.DType, &s, x.Bytes, ct.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        GC.KeepAlive ct
        y

    override _.MaxPool(s, x, shape) =
        let x = Cpu.Dense x
        let y, positions = Cpu.Allocate(x.DType, shape), Cpu.Allocate(DType.Int32, shape)
        Pooling.Max(x.DType, &s, x.Bytes, Cpu.Writable y, MemoryMarshal.Cast<byte, int>(Cpu.Writable positions))
        GC.KeepAlive x
        struct (y, positions)

    override _.MaxPoolGather(s, x, positions, shape) =
        let x, positions = Cpu.Dense x, Cpu.Dense positions
        let y = Cpu.Allocate(x.DType, shape)
        Pooling.MaxGather(x.DType, &s, x.Bytes, MemoryMarshal.Cast<byte, int> positions.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        GC.KeepAlive positions
        y

    override _.MaxPoolScatter(s, ct, positions, shape) =
        let ct, positions = Cpu.Dense ct, Cpu.Dense positions
        let y = Cpu.Allocate(ct.DType, shape)
        Pooling.MaxScatter(ct.DType, &s, ct.Bytes, MemoryMarshal.Cast<byte, int> positions.Bytes, Cpu.Writable y)
        GC.KeepAlive ct
        GC.KeepAlive positions
        y

    override _.AveragePool(s, x, shape) =
        let x = Cpu.Dense x
        let y = Cpu.Allocate(x.DType, shape)
        Pooling.Average(x.DType, &s, x.Bytes, Cpu.Writable y)
        GC.KeepAlive x
        y

    override _.AveragePoolTranspose(s, ct, shape) =
        let ct = Cpu.Dense ct
        let y = Cpu.Allocate(ct.DType, shape)
        Pooling.AverageTranspose(ct.DType, &s, ct.Bytes, Cpu.Writable y)
        GC.KeepAlive ct
        y

    override _.Random(draw, key, dtype, shape) =
        let y = Cpu.Allocate(dtype, shape)
        let bytes = Cpu.Writable y

        match draw with
        | RandomDraw.Uniform -> CounterRandom.Uniform(dtype, key, 0UL, bytes)
        | RandomDraw.Normal -> CounterRandom.Normal(dtype, key, 0UL, bytes)
        | RandomDraw.Bernoulli p -> CounterRandom.Bernoulli(p, key, 0UL, bytes)
        | RandomDraw.Integers(low, high) -> CounterRandom.Integers(dtype, low, high, key, 0UL, bytes)
        | RandomDraw.Permutation -> CounterRandom.Permutation(key, 0UL, bytes, shape[0])

        Cpu.Inline y
