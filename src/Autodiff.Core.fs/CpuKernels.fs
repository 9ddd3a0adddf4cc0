namespace Autodiff

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop
open Autodiff.Kernels

#nowarn "9" // strides on the stack

module private Stack =
    /// Room for the strides along some axes.
    let inline room (rank: int) = Span<int>(NativePtr.toVoidPtr (NativePtr.stackalloc<int> rank), rank)

/// The host's processor: kernels in C# SIMD on all cores. Of the operations that are not element by element this type has
/// those on the types that are computed in themselves; `Cpu` brings them to float16 and bfloat16.
[<AbstractClass; AllowNullLiteral>]
type internal CpuKernels() =
    inherit Device "cpu"

    member private this.Allocate(dtype: DType, shape: int[]) = HostArrays.allocate (this, dtype, shape)

    override this.FromHost(dtype, shape, bytes) =
        if shape.Length = 0 && DTypes.IsFloat dtype then
            HostArrays.scalar (this, dtype, bytes)
        else
            let y = this.Allocate(dtype, shape)
            bytes.CopyTo(HostArrays.writable y)
            y

    override this.ToHost(x, destination) =
        let x = HostArrays.dense x
        x.Bytes.Slice(0, destination.Length).CopyTo destination
        GC.KeepAlive x

    override this.Fill(dtype, shape, value) =
        if shape.Length = 0 && dtype = DType.Float64 then
            HostArrays.scalar (this, value)
        elif shape.Length = 0 && dtype = DType.Float32 then
            HostArrays.scalar (this, float32 value)
        else
            let y = this.Allocate(dtype, shape)
            Copy.Fill(dtype, value, HostArrays.writable y)
            y

    override this.Ramp(count, first, step, last) =
        let y = this.Allocate(DType.Float64, [| count |])
        let numbers = MemoryMarshal.Cast<byte, float>(HostArrays.writable y)
        Copy.Ramp(first, step, numbers)

        if count > 0 then
            numbers[count - 1] <- last

        y

    override this.Contiguous x = HostArrays.dense x

    override this.Convert(x, dtype) =
        if x.DType = dtype then
            x
        else
            let mutable bits = 0L
            let number = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&bits, 1)).Slice(0, DTypes.Size dtype)

            if x.Rank = 0 && DTypes.IsFloat dtype then
                Copy.Convert(x.DType, x.Bytes, x.KernelStrides, dtype, number, ReadOnlySpan x.Shape)
                GC.KeepAlive x
                HostArrays.scalar (this, dtype, bits)
            else
                let y = this.Allocate(dtype, x.Shape)
                Copy.Convert(x.DType, x.Bytes, x.KernelStrides, dtype, HostArrays.writable y, ReadOnlySpan x.Shape)
                GC.KeepAlive x
                y

    override this.Unary(kernel, x) =
        if x.IsInline && x.DType = DType.Float64 then
            HostArrays.scalar (this, kernel.Invoke x.InlineDouble)
        elif x.IsInline && x.DType = DType.Float32 then
            HostArrays.scalar (this, kernel.Invoke x.InlineSingle)
        else
            let y = this.Allocate(x.DType, x.Shape)
            kernel.Invoke(x.DType, x.Bytes, x.KernelStrides, HostArrays.writable y, ReadOnlySpan x.Shape)
            GC.KeepAlive x
            y

    override this.Binary(kernel, x, y, shape) =
        if x.IsInline && y.IsInline && x.DType = DType.Float64 then
            HostArrays.scalar (this, kernel.Invoke(x.InlineDouble, y.InlineDouble))
        elif x.IsInline && y.IsInline && x.DType = DType.Float32 then
            HostArrays.scalar (this, kernel.Invoke(x.InlineSingle, y.InlineSingle))
        else
            let z = this.Allocate(x.DType, shape)
            let xRoom = Stack.room shape.Length
            let yRoom = Stack.room shape.Length

            try
                kernel.Invoke(
                    x.DType,
                    x.Bytes,
                    x.StridesFor(shape, xRoom),
                    y.Bytes,
                    y.StridesFor(shape, yRoom),
                    HostArrays.writable z,
                    ReadOnlySpan shape
                )
            with :? DivideByZeroException ->
                Shape.fail
                    kernel.Name
                    $"{DTypes.Name x.DType} was divided by zero; convert to a floating-point type with To, where that gives infinity."

            GC.KeepAlive x
            GC.KeepAlive y
            z

    override this.Compare(kernel, x, y, shape) =
        let z = this.Allocate(DType.Bool, shape)
        let xRoom = Stack.room shape.Length
        let yRoom = Stack.room shape.Length

        kernel.Invoke(
            x.DType,
            x.Bytes,
            x.StridesFor(shape, xRoom),
            y.Bytes,
            y.StridesFor(shape, yRoom),
            HostArrays.writable z,
            ReadOnlySpan shape
        )

        GC.KeepAlive x
        GC.KeepAlive y
        z

    override this.Select(condition, x, y, shape) =
        let z = this.Allocate(x.DType, shape)
        let conditionRoom = Stack.room shape.Length
        let xRoom = Stack.room shape.Length
        let yRoom = Stack.room shape.Length

        Ternary.Select(
            x.DType,
            condition.Bytes,
            condition.StridesFor(shape, conditionRoom),
            x.Bytes,
            x.StridesFor(shape, xRoom),
            y.Bytes,
            y.StridesFor(shape, yRoom),
            HostArrays.writable z,
            ReadOnlySpan shape
        )

        GC.KeepAlive condition
        GC.KeepAlive x
        GC.KeepAlive y
        z

    override this.Fused(call, inputs, places) =
        if call.Shape.Length = 0 then
            CpuFused.numbers (this, call, inputs, places)
        else
            CpuFused.arrays (this, call, inputs, places)

    override this.Reduce(reduction, x, axes, shape) =
        let mutable mask = 0u

        for a in axes do
            mask <- mask ||| (1u <<< a)

        let strides = x.KernelStrides
        let lengths = ReadOnlySpan x.Shape

        if shape.Length = 0 && DTypes.IsFloat x.DType then
            // A scalar is held inline, so that what follows takes the short path.
            let mutable bits = 0L
            let bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&bits, 1)).Slice(0, DTypes.Size x.DType)
            Reduce.Run(reduction, x.DType, x.Bytes, strides, lengths, mask, bytes)
            GC.KeepAlive x
            HostArrays.scalar (this, x.DType, bytes)
        else
            let y = this.Allocate(x.DType, shape)
            Reduce.Run(reduction, x.DType, x.Bytes, strides, lengths, mask, HostArrays.writable y)
            GC.KeepAlive x
            y

    /// Scalars are held inline, so that what follows takes the short path.
    member private this.Inline(y: NDArray) =
        if y.Rank = 0 && not (isNull y.Storage) && DTypes.IsFloat y.DType then
            this.FromHost(y.DType, Shape.scalar, y.Bytes)
        else
            y

    /// The order of axes in which some sorted ones are neighbours: null for their own, or last.
    static member private Neighbours(rank: int, axes: int[]) : int[] =
        if axes.Length = 0 || axes[axes.Length - 1] - axes[0] + 1 = axes.Length then
            null
        else
            Array.append (Array.except axes [| 0 .. rank - 1 |]) axes

    /// The numbers of elements outside, along and inside axes that are neighbours in an order.
    static member private Around(shape: int[], order: int[], axes: int[]) =
        let mutable outer = 1
        let mutable length = 1
        let mutable inner = 1
        let first =
            if axes.Length = 0 then 0
            elif isNull order then axes[0]
            else shape.Length - axes.Length

        for i in 0 .. shape.Length - 1 do
            let n = shape[if isNull order then i else order[i]]

            if i < first then outer <- outer * n
            elif i < first + axes.Length then length <- length * n
            else inner <- inner * n

        struct (outer, length, inner)

    static member private Ordered(x: NDArray, order: int[]) =
        if isNull order then
            HostArrays.dense x
        else
            let strides = x.ExplicitStrides
            let pick (values: int[]) = order |> Array.map (fun axis -> values[axis])
            HostArrays.dense (x.View(pick x.Shape, pick strides, x.Offset))

    override this.SelectedMean(x, selected, axes) =
        let order = CpuKernels.Neighbours(x.Rank, axes)
        let struct (outer, length, inner) = CpuKernels.Around(x.Shape, order, axes)
        let y = this.Allocate(x.DType, Shape.reduce x.Shape axes true)
        let x, selected = CpuKernels.Ordered(x, order), CpuKernels.Ordered(selected, order)
        SelectedMeans.Mean(x.DType, outer, length, inner, x.Bytes, selected.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        GC.KeepAlive selected
        y

    override this.SelectedMeanTranspose(ct, selected, axes) =
        let shape = selected.Shape
        let order = CpuKernels.Neighbours(shape.Length, axes)
        let struct (outer, length, inner) = CpuKernels.Around(shape, order, axes)
        let y = this.Allocate(ct.DType, (if isNull order then shape else order |> Array.map (fun axis -> shape[axis])))
        let ct, selected = HostArrays.dense ct, CpuKernels.Ordered(selected, order)
        SelectedMeans.Transpose(ct.DType, outer, length, inner, ct.Bytes, selected.Bytes, HostArrays.writable y)
        GC.KeepAlive ct
        GC.KeepAlive selected

        if isNull order then
            y
        else
            let strides = Array.zeroCreate order.Length
            Array.iter2 (fun axis stride -> strides[axis] <- stride) order (Shape.rowMajorStrides y.Shape)
            y.View(shape, strides, 0)

    override this.ArgReduce(largest, x, axis) =
        let y = this.Allocate(DType.Int64, Shape.reduce x.Shape [| axis |] false)
        let shape = ReadOnlySpan x.Shape

        if largest then
            Reduce.ArgMax(x.DType, x.Bytes, x.KernelStrides, shape, axis, HostArrays.writable y)
        else
            Reduce.ArgMin(x.DType, x.Bytes, x.KernelStrides, shape, axis, HostArrays.writable y)

        GC.KeepAlive x
        y

    override this.MatMul(x, y, shape) = CpuLinearAlgebra.matMul (x, y, shape)

    override this.LuFactor x = CpuLinearAlgebra.luFactor x

    override this.LuSolve(lu, pivots, b, shape, transposed) =
        CpuLinearAlgebra.luSolve (lu, pivots, b, shape, transposed)

    override this.LuInverse(lu, pivots) = CpuLinearAlgebra.luInverse (lu, pivots)

    override this.TriangularSolve(a, b, shape, form) = CpuLinearAlgebra.triangularSolve (a, b, shape, form)

    override this.Cholesky x = CpuLinearAlgebra.cholesky x

    override this.Qr x = CpuLinearAlgebra.qr x

    override this.Svd x = CpuLinearAlgebra.svd x

    override this.Eigh x = CpuLinearAlgebra.eigh x

    override this.Eig x = CpuLinearAlgebra.eig x

    /// Real and imaginary parts one after the other in memory; the last axis only walks them so. Taking them apart is then free.
    member private this.Parts(dtype: DType, shape: int[]) =
        let y = this.Allocate(dtype, Array.append [| 2 |] shape)
        y.View(Array.append shape [| 2 |], Array.append (Shape.rowMajorStrides shape) [| y.Size / 2 |], y.Offset)

    /// The memory of these parts.
    static member private Halves(y: NDArray, re: outref<Span<byte>>, im: outref<Span<byte>>) =
        let whole = y.View([| 2; y.Size / 2 |], null, y.Offset)
        let bytes = HostArrays.writable whole
        re <- bytes.Slice(0, bytes.Length / 2)
        im <- bytes.Slice(bytes.Length / 2)

    override this.Fft(re, im, axis, inverse, scale) =
        let re, im = HostArrays.dense re, HostArrays.dense im
        let shape = re.Shape
        let y = this.Parts(re.DType, shape)
        let mutable toRe = Span<byte>.Empty
        let mutable toIm = Span<byte>.Empty
        CpuKernels.Halves(y, &toRe, &toIm)
        let struct (outer, inner) = HostArrays.around (shape, axis)
        Fourier.Transform(re.DType, outer, shape[axis], inner, inverse, scale, re.Bytes, im.Bytes, toRe, toIm)
        GC.KeepAlive re
        GC.KeepAlive im
        y

    override this.RealFft(x, axis, scale) =
        let x = HostArrays.dense x
        let y = this.Parts(x.DType, Array.updateAt axis (x.Shape[axis] / 2 + 1) x.Shape)
        let mutable toRe = Span<byte>.Empty
        let mutable toIm = Span<byte>.Empty
        CpuKernels.Halves(y, &toRe, &toIm)
        let struct (outer, inner) = HostArrays.around (x.Shape, axis)
        Fourier.OfReal(x.DType, outer, x.Shape[axis], inner, scale, x.Bytes, toRe, toIm)
        GC.KeepAlive x
        y

    override this.InverseRealFft(re, im, n, axis, scale) =
        let re, im = HostArrays.dense re, HostArrays.dense im
        let y = this.Allocate(re.DType, Array.updateAt axis n re.Shape)
        let struct (outer, inner) = HostArrays.around (re.Shape, axis)
        Fourier.ToReal(re.DType, outer, n, inner, scale, re.Bytes, im.Bytes, HostArrays.writable y)
        GC.KeepAlive re
        GC.KeepAlive im
        y

    static member private RowsOf(x: NDArray) =
        let columns = x.Shape[x.Rank - 1]
        struct ((if columns = 0 then 0 else x.Size / columns), columns)

    override this.Softmax(log, x) =
        let x = HostArrays.dense x
        let y = this.Allocate(x.DType, x.Shape)
        let struct (rows, columns) = CpuKernels.RowsOf x

        if log then
            Softmax.LogForward(x.DType, rows, columns, x.Bytes, HostArrays.writable y)
        else
            Softmax.Forward(x.DType, rows, columns, x.Bytes, HostArrays.writable y)

        GC.KeepAlive x
        y

    override this.SoftmaxGradient(log, output, ct) =
        let output, ct = HostArrays.dense output, HostArrays.dense ct
        let y = this.Allocate(output.DType, output.Shape)
        let struct (rows, columns) = CpuKernels.RowsOf output

        if log then
            Softmax.LogBackward(output.DType, rows, columns, output.Bytes, ct.Bytes, HostArrays.writable y)
        else
            Softmax.Backward(output.DType, rows, columns, output.Bytes, ct.Bytes, HostArrays.writable y)

        GC.KeepAlive output
        GC.KeepAlive ct
        y

    /// Where an array is placed: the first element, and the strides.
    static member private PlaceOf(shape: int[], starts: int[], steps: int[]) =
        let strides = Shape.rowMajorStrides shape
        let mutable offset = 0L

        for i in 0 .. starts.Length - 1 do
            offset <- offset + int64 starts[i] * int64 strides[i]
            strides[i] <- strides[i] * steps[i]

        struct (offset, strides)

    override this.Place(x, shape, starts, steps, value) =
        let y = this.Allocate(x.DType, shape)
        Copy.Fill(x.DType, value, HostArrays.writable y)
        let struct (offset, strides) = CpuKernels.PlaceOf(shape, starts, steps)
        CpuKernels.CopyInto(x, y, offset, strides)
        y

    /// Writes an array into a part of another.
    static member private CopyInto(x: NDArray, y: NDArray, offset: int64, strides: int[]) =
        Copy.Between(
            DTypes.Size x.DType,
            x.Bytes,
            x.KernelStrides,
            HostArrays.writable y,
            offset,
            ReadOnlySpan strides,
            ReadOnlySpan x.Shape
        )

        GC.KeepAlive x

    override this.PlaceAll(xs, shape, starts, steps) =
        let y =
            if Shape.equal xs[0].Shape shape then
                HostArrays.makeContiguous xs[0]
            else
                this.Place(xs[0], shape, starts[0], steps[0], 0.0)
        let writable = HostArrays.writable y

        for i in 1 .. xs.Length - 1 do
            let x = HostArrays.dense xs[i]
            let struct (offset, strides) = CpuKernels.PlaceOf(shape, starts[i], steps[i])
            Copy.AddFromContiguous(x.DType, x.Bytes, writable, offset, ReadOnlySpan strides, ReadOnlySpan x.Shape)
            GC.KeepAlive x

        y

    override this.Flip(x, axes) =
        // Arrays have no negative strides, which the copy from the last elements on takes.
        let x = HostArrays.dense x
        let y = this.Allocate(x.DType, x.Shape)
        let strides = Shape.rowMajorStrides x.Shape
        let mutable last = 0L

        for axis in axes do
            last <- last + int64 (max 0 (x.Shape[axis] - 1)) * int64 strides[axis]
            strides[axis] <- -strides[axis]

        Copy.ToContiguous(
            DTypes.Size x.DType,
            x.Bytes,
            last,
            ReadOnlySpan strides,
            HostArrays.writable y,
            ReadOnlySpan x.Shape
        )

        GC.KeepAlive x
        y

    override this.Concat(xs, axis, shape) =
        let y = this.Allocate(xs[0].DType, shape)
        let strides = Shape.rowMajorStrides shape
        let struct (outer, _) = HostArrays.around (shape, axis)
        let mutable at = 0

        for x in xs do
            let offset = int64 at * int64 strides[axis]

            // A short stretch is not worth the plan of a walk.
            if outer = 1 && x.IsContiguous && x.Size > 0 && x.Size < 4096 then
                x.Bytes.CopyTo((HostArrays.writable y).Slice(int offset * DTypes.Size x.DType))
                GC.KeepAlive x
            elif x.Size > 0 then
                CpuKernels.CopyInto(x, y, offset, strides)

            at <- at + x.Shape[axis]

        y

    override this.Take(x, indices, axis, shape) = CpuIndexing.take (x, indices, axis, shape)

    override this.TakeAdd(x, indices, axis, shape) = CpuIndexing.takeAdd (x, indices, axis, shape)

    override this.Gather(x, indices, axis) = CpuIndexing.gather (x, indices, axis)

    override this.ScatterAdd(x, indices, axis, shape) = CpuIndexing.scatterAdd (x, indices, axis, shape)

    override this.Scatter(x, indices, updates, axis) = CpuIndexing.scatter (x, indices, updates, axis)

    override this.Positions truths = CpuIndexing.positions truths

    override this.Coordinates truths = CpuIndexing.coordinates truths

    override this.LastWriters(indices, axis, n) = CpuIndexing.lastWriters (indices, axis, n)

    override this.CumulativeSum(x, axis, reverse) = CpuIndexing.cumulativeSum (x, axis, reverse)

    override this.CumulativeProduct(x, axis) = CpuIndexing.cumulativeProduct (x, axis)

    override this.LinearRecurrence(a, b, axis, reverse) = CpuIndexing.linearRecurrence (a, b, axis, reverse)

    override this.CumulativeArgMax(x, axis) = CpuIndexing.cumulativeArgMax (x, axis)

    override this.ArgSort(x, axis, descending) = CpuIndexing.argSort (x, axis, descending)

    override this.ArgFirst(x, axis, k, descending) = CpuIndexing.argFirst (x, axis, k, descending)

    override this.Ranked(x, ranks) = CpuIndexing.ranked (x, ranks)

    override this.Groups(ordered, order) = CpuIndexing.groups (ordered, order)

    override this.SearchSorted(sorted, values, after) = CpuIndexing.searchSorted (sorted, values, after)

    override this.OneHot(indices, classes, dtype) = CpuIndexing.oneHot (indices, classes, dtype)

    override this.Convolve(s, x, filters, shape) = CpuWindows.convolve (s, x, filters, shape)

    override this.ConvolveInputGradient(s, ct, filters, shape) = CpuWindows.inputGradient (s, ct, filters, shape)

    override this.ConvolveFilterGradient(s, x, ct, shape) = CpuWindows.filterGradient (s, x, ct, shape)

    override this.MaxPool(s, x, shape) = CpuWindows.maxPool (s, x, shape)

    override this.MaxPoolGather(s, x, positions, shape) = CpuWindows.maxPoolGather (s, x, positions, shape)

    override this.MaxPoolScatter(s, ct, positions, shape) = CpuWindows.maxPoolScatter (s, ct, positions, shape)

    override this.AveragePool(s, x, shape) = CpuWindows.averagePool (s, x, shape)

    override this.AveragePoolTranspose(s, ct, shape) = CpuWindows.averagePoolTranspose (s, ct, shape)

    override this.Random(draw, key, dtype, shape) =
        let y = this.Allocate(dtype, shape)
        let bytes = HostArrays.writable y

        match draw with
        | RandomDraw.Uniform -> CounterRandom.Uniform(dtype, key, 0UL, bytes)
        | RandomDraw.Normal -> CounterRandom.Normal(dtype, key, 0UL, bytes)
        | RandomDraw.Bernoulli p -> CounterRandom.Bernoulli(p, key, 0UL, bytes)
        | RandomDraw.Integers(low, high) -> CounterRandom.Integers(dtype, low, high, key, 0UL, bytes)
        | RandomDraw.Permutation -> CounterRandom.Permutation(key, 0UL, bytes, shape[0])

        this.Inline y

    override this.RandomFrom(variate, key, parameters, example, dtype) =
        CpuRandom.from (variate, key, parameters, example, dtype)

    override this.GammaDerivative(order, concentration, logarithm) =
        CpuRandom.gammaDerivative (order, concentration, logarithm)

    override this.GammaTransport(target, source, logarithm) = CpuRandom.gammaTransport (target, source, logarithm)
