namespace Autodiff

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop
open Autodiff.Kernels

#nowarn "9" // pointers to native memory

/// An immutable array on a device: memory, and how to walk it. What a concrete tensor holds, and what devices compute
/// on. Strides are in elements, never negative; null strides mean contiguous row-major.
[<Sealed; AllowNullLiteral>]
type NDArray
    internal (device: Device, dtype: DType, shape: int[], strides: int[], offset: int, storage: obj, bits: int64) =
    let mutable offset = offset
    let mutable storage = storage
    let mutable bits = bits

    /// The device whose memory this is.
    member _.Device = device
    /// The type of the elements.
    member _.DType = dtype
    /// The length of each axis.
    member _.Shape = shape
    /// The distance in elements between neighbours along each axis; null when contiguous.
    member _.Strides = strides
    /// The position of the first element in the storage, in elements.
    member _.Offset = offset
    /// The memory: byte[] or HostMemory on the host (null for one element held here), the device's own type elsewhere.
    member _.Storage = storage
    /// The bits of the element when there is no storage.
    member _.Bits = bits
    /// The same matrix packed for products from the left, where a loop has it ready; else null.
    member val internal Packed: PackedFactor = null with get, set
    /// The number of axes.
    member _.Rank = shape.Length
    /// The number of elements.
    member _.Size = int (Shape.size shape)
    /// Whether the elements lie one after another in row-major order.
    member _.IsContiguous = isNull strides

    /// Whether this is a scalar of the host that is held without storage.
    member _.IsInline = isNull storage && shape.Length = 0

    /// The bits of one element, at a distance from the first in the storage of the host.
    member internal this.BitsAt(distance: int) : int64 =
        if isNull storage then
            bits
        else
            let mutable found = 0L
            let size = DTypes.Size dtype
            let target = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&found, 1))

            match storage with
            | :? (byte[]) as bytes -> ReadOnlySpan<byte>(bytes, (offset + distance) * size, size).CopyTo target
            | storage ->
                let at = (storage :?> HostMemory).Pointer + nativeint (offset + distance) * nativeint size
                ReadOnlySpan<byte>(NativePtr.toVoidPtr (NativePtr.ofNativeInt<byte> at), size).CopyTo target
                GC.KeepAlive this

            found

    /// The value of an inline scalar of type float64.
    member _.InlineDouble = BitConverter.Int64BitsToDouble bits
    /// The value of an inline scalar of type float32.
    member _.InlineSingle = BitConverter.Int32BitsToSingle(int32 bits)

    /// The bytes of host memory from the first element on: just the elements when contiguous, else to the end of the
    /// storage. They stay valid only while this object is reachable: callers that pass them on keep it alive.
    member this.Bytes: ReadOnlySpan<byte> =
        let skip = offset * DTypes.Size dtype
        let wanted = if isNull strides then this.Size * DTypes.Size dtype else Int32.MaxValue

        match storage with
        | null -> MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(&bits, 1)).Slice(0, DTypes.Size dtype)
        | :? (byte[]) as bytes -> ReadOnlySpan<byte>(bytes, skip, min wanted (bytes.Length - skip))
        | :? HostMemory as memory ->
            ReadOnlySpan<byte>(
                NativePtr.toVoidPtr (NativePtr.ofNativeInt<byte>(memory.Pointer + nativeint skip)),
                min wanted (int (memory.Length - int64 skip))
            )
        | _ ->
            Shape.fail "memory" $"this array lies on {device}; copy it to the host first." |> ignore<unit>
            ReadOnlySpan<byte>.Empty

    /// The same memory walked differently.
    member this.View(shape: int[], strides, offset) =
        // One element of a small array is held inline, so that what follows takes the short path.
        if shape.Length = 0 && (storage :? (byte[])) && DTypes.IsFloat dtype then
            NDArray.Scalar(device, dtype, ReadOnlySpan<byte>(storage :?> byte[]).Slice(offset * DTypes.Size dtype))
        else
            NDArray(device, dtype, shape, strides, offset, storage, bits)

    /// The same elements in row-major order with another shape.
    member this.Reshaped(shape: int[]) =
        let x = device.Contiguous this
        x.View(shape, null, x.Offset)

    /// The strides, spelled out when contiguous.
    member _.ExplicitStrides = if isNull strides then Shape.rowMajorStrides shape else strides

    /// Strides as the kernels take them: empty when contiguous.
    member _.KernelStrides = ReadOnlySpan<int> strides

    /// Every steps[i]-th element from starts[i] of each axis.
    member this.Slice(starts: int[], lengths: int[], steps: int[]) =
        if Shape.size lengths = 0L then
            this.View(lengths, null, offset)
        else
            let mutable first = offset
            // An axis of length 1 is never walked along, so that its stride does not matter.
            let mutable expected = 1
            let mutable contiguous = true
            let mutable rowMajor = 1
            let stepped = Array.zeroCreate lengths.Length

            for i = lengths.Length - 1 downto 0 do
                let own = if isNull strides then rowMajor else strides[i]
                rowMajor <- rowMajor * shape[i]
                first <- first + starts[i] * own
                stepped[i] <- own * steps[i]

                if lengths[i] <> 1 && stepped[i] <> expected then
                    contiguous <- false

                expected <- expected * lengths[i]

            this.View(lengths, (if contiguous then null else stepped), first)

    /// Strides that walk this array as if it had the given shape, to which it broadcasts; null when nothing stretches.
    member this.StridesFor(target: int[]) : int[] =
        if Shape.equal target shape then
            strides
        else
            let lead = target.Length - shape.Length
            let stretched = Array.zeroCreate target.Length
            let mutable rowMajor = 1

            for i = shape.Length - 1 downto 0 do
                if shape[i] <> 1 then
                    stretched[lead + i] <- if isNull strides then rowMajor else strides[i]

                rowMajor <- rowMajor * max 1 shape[i]

            stretched

    /// The same without an array for them: in room that is given, one for each axis of the target.
    member internal this.StridesFor(target: int[], room: Span<int>) : ReadOnlySpan<int> =
        if Shape.equal target shape then
            ReadOnlySpan<int> strides
        else
            let lead = target.Length - shape.Length
            let mutable rowMajor = 1
            room.Clear()

            for i = shape.Length - 1 downto 0 do
                if shape[i] <> 1 then
                    room[lead + i] <- if isNull strides then rowMajor else strides[i]

                rowMajor <- rowMajor * max 1 shape[i]

            Span<int>.op_Implicit room

    /// Makes this array walk other memory in the same way: for arrays that a running program keeps to itself.
    member internal _.Point(newOffset: int, newStorage: obj, newBits: int64) : unit =
        offset <- newOffset
        storage <- newStorage
        bits <- newBits

    /// The array of an inline scalar.
    static member Scalar(device: Device, value: float) =
        NDArray(device, DType.Float64, Shape.scalar, null, 0, null, BitConverter.DoubleToInt64Bits value)

    /// The array of an inline scalar.
    static member Scalar(device: Device, value: float32) =
        NDArray(device, DType.Float32, Shape.scalar, null, 0, null, int64 (BitConverter.SingleToInt32Bits value))

    /// The array of an inline scalar, from the bytes of its element.
    static member Scalar(device: Device, dtype: DType, bytes: ReadOnlySpan<byte>) =
        let mutable bits = 0L
        bytes.Slice(0, DTypes.Size dtype).CopyTo(MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(&bits, 1)))
        NDArray(device, dtype, Shape.scalar, null, 0, null, bits)

/// A place where arrays live and operations on them run. One implementation per kind of hardware; tensors reach
/// kernels through this type alone.
and [<AbstractClass; AllowNullLiteral>] Device(name: string) =
    /// The name as printed: "cpu", "cuda:0".
    member _.Name = name
    override _.ToString() = name

    /// Copies contiguous host bytes into an array.
    abstract FromHost: dtype: DType * shape: int[] * bytes: ReadOnlySpan<byte> -> NDArray
    /// Copies an array into contiguous host bytes.
    abstract ToHost: x: NDArray * destination: Span<byte> -> unit
    /// An array filled with one value.
    abstract Fill: dtype: DType * shape: int[] * value: float -> NDArray
    /// The float64 numbers first + i step, of which the last is replaced by a given one.
    abstract Ramp: count: int * first: float * step: float * last: float -> NDArray
    /// The same elements, contiguous.
    abstract Contiguous: x: NDArray -> NDArray
    /// The same values as another type.
    abstract Convert: x: NDArray * dtype: DType -> NDArray
    /// A function of each element.
    abstract Unary: kernel: UnaryKernel * x: NDArray -> NDArray
    /// A function of the elements of two arrays of one type, broadcast to a shape.
    abstract Binary: kernel: BinaryKernel * x: NDArray * y: NDArray * shape: int[] -> NDArray
    /// A comparison of the elements of two arrays of one type, broadcast to a shape.
    abstract Compare: kernel: CompareKernel * x: NDArray * y: NDArray * shape: int[] -> NDArray
    /// Elements of x where the condition holds, of y elsewhere.
    abstract Select: condition: NDArray * x: NDArray * y: NDArray * shape: int[] -> NDArray
    /// The results of an expression over the elements of arrays, in given places where there are (null: anywhere).
    abstract Fused: call: FusedCall * inputs: NDArray[] * places: NDArray[] -> NDArray[]
    /// A reduction over some sorted axes; the result has the given shape (axes dropped or kept with length 1).
    abstract Reduce: reduction: Reduction * x: NDArray * axes: int[] * shape: int[] -> NDArray
    /// The means of selected (bool) elements over some sorted axes, which are kept with length 1.
    abstract SelectedMean: x: NDArray * selected: NDArray * axes: int[] -> NDArray
    /// The transpose of SelectedMean.
    abstract SelectedMeanTranspose: ct: NDArray * selected: NDArray * axes: int[] -> NDArray
    /// The int64 positions of the largest (or smallest) elements along an axis.
    abstract ArgReduce: largest: bool * x: NDArray * axis: int -> NDArray
    /// The matrix products of the last two axes; leading axes broadcast to those of the shape.
    abstract MatMul: x: NDArray * y: NDArray * shape: int[] -> NDArray
    /// Gaussian elimination of the last two axes: L and U in one array, and the int32 rows that were exchanged.
    abstract LuFactor: x: NDArray -> struct (NDArray * NDArray)
    /// Solves with factors, or with their transpose; leading axes broadcast to those of the shape.
    abstract LuSolve: lu: NDArray * pivots: NDArray * b: NDArray * shape: int[] * transposed: bool -> NDArray
    /// The inverses from factors.
    abstract LuInverse: lu: NDArray * pivots: NDArray -> NDArray
    /// Solves with one triangle of the last two axes; leading axes broadcast to those of the shape.
    abstract TriangularSolve: a: NDArray * b: NDArray * shape: int[] * form: Triangle -> NDArray
    /// The lower Cholesky factor of the symmetric part, and the first matrix that has none, or -1.
    abstract Cholesky: x: NDArray -> struct (NDArray * int)
    /// Q above R, of matrices that are not wide.
    abstract Qr: x: NDArray -> NDArray
    /// U above the singular values above V, of matrices that are not wide.
    abstract Svd: x: NDArray -> NDArray
    /// The ascending eigenvalues in a column left of the eigenvectors, of the symmetric part.
    abstract Eigh: x: NDArray -> NDArray
    /// The eigenvalues in a column left of the eigenvectors; real and imaginary parts in a last axis of length 2.
    abstract Eig: x: NDArray -> NDArray
    /// The discrete Fourier transform along an axis of real and imaginary parts, times a number; the parts of the result are a
    /// last axis of length 2.
    abstract Fft: re: NDArray * im: NDArray * axis: int * inverse: bool * scale: float -> NDArray
    /// The entries 0 to n / 2 of the transform of real lines of even length n, in the same form.
    abstract RealFft: x: NDArray * axis: int * scale: float -> NDArray
    /// The inverse of RealFft for a length n of an axis.
    abstract InverseRealFft: re: NDArray * im: NDArray * n: int * axis: int * scale: float -> NDArray
    /// Softmax, or its logarithm, along the last axis.
    abstract Softmax: log: bool * x: NDArray -> NDArray
    /// The pullback of softmax, or of its logarithm, from its output.
    abstract SoftmaxGradient: log: bool * output: NDArray * ct: NDArray -> NDArray
    /// A block of one value with x written at positions start + i * step of each axis.
    abstract Place: x: NDArray * shape: int[] * starts: int[] * steps: int[] * value: float -> NDArray
    /// The sum of blocks of zeros, each with one of several arrays written at positions start + i * step of each axis.
    abstract PlaceAll: xs: NDArray[] * shape: int[] * starts: int[][] * steps: int[][] -> NDArray
    /// The elements in the opposite order along axes.
    abstract Flip: x: NDArray * axes: int[] -> NDArray
    /// Arrays one after another along an axis.
    abstract Concat: xs: NDArray[] * axis: int * shape: int[] -> NDArray
    /// Entries of x along an axis at one-dimensional indices.
    abstract Take: x: NDArray * indices: NDArray * axis: int * shape: int[] -> NDArray
    /// Zeros of a shape, with entries of x added along an axis at one-dimensional indices.
    abstract TakeAdd: x: NDArray * indices: NDArray * axis: int * shape: int[] -> NDArray
    /// Elements of x along an axis at the indices at the same place.
    abstract Gather: x: NDArray * indices: NDArray * axis: int -> NDArray
    /// Zeros of a shape, with elements of x added along an axis at the indices at the same place.
    abstract ScatterAdd: x: NDArray * indices: NDArray * axis: int * shape: int[] -> NDArray
    /// x with updates written along an axis at the indices at the same place, of several for one element the last.
    abstract Scatter: x: NDArray * indices: NDArray * updates: NDArray * axis: int -> NDArray
    /// The int64 positions, in row-major order, of truth values that hold.
    abstract Positions: truths: NDArray -> NDArray
    /// The same along each axis, a row for each.
    abstract Coordinates: truths: NDArray -> NDArray
    /// The int64 positions of the last index along an axis that names each of n places; -1 where none does.
    abstract LastWriters: indices: NDArray * axis: int * n: int -> NDArray
    /// Running sums along an axis, from its beginning or, reversed, from its end.
    abstract CumulativeSum: x: NDArray * axis: int * reverse: bool -> NDArray
    /// Running products along an axis.
    abstract CumulativeProduct: x: NDArray * axis: int -> NDArray
    /// The recurrence s[j] = a[j] s[j - 1] + b[j] along an axis, from s = 0.
    abstract LinearRecurrence: a: NDArray * b: NDArray * axis: int * reverse: bool -> NDArray
    /// The int64 positions of the largest elements up to each place of an axis.
    abstract CumulativeArgMax: x: NDArray * axis: int -> NDArray
    /// The int64 positions that sort the elements along an axis, equal ones in their order and NaN last.
    abstract ArgSort: x: NDArray * axis: int * descending: bool -> NDArray
    /// The first k of these positions.
    abstract ArgFirst: x: NDArray * axis: int * k: int * descending: bool -> NDArray
    /// The elements of ascending ranks along the last axis.
    abstract Ranked: x: NDArray * ranks: int[] -> NDArray
    /// Of a line that an order has sorted: the group of equal elements that each belongs to, as they stood before, and
    /// where each group begins; int64.
    abstract Groups: ordered: NDArray * order: NDArray -> struct (NDArray * NDArray)
    /// The int64 positions at which values would be put into rows that are sorted.
    abstract SearchSorted: sorted: NDArray * values: NDArray * after: bool -> NDArray
    /// Rows with a 1 at each index.
    abstract OneHot: indices: NDArray * classes: int * dtype: DType -> NDArray
    /// Cross-correlation of images with filters.
    abstract Convolve: s: ConvolutionShape * x: NDArray * filters: NDArray * shape: int[] -> NDArray
    /// The transpose of convolution in its images.
    abstract ConvolveInputGradient: s: ConvolutionShape * ct: NDArray * filters: NDArray * shape: int[] -> NDArray
    /// The transpose of convolution in its filters.
    abstract ConvolveFilterGradient: s: ConvolutionShape * x: NDArray * ct: NDArray * shape: int[] -> NDArray
    /// The maxima of windows, and their int32 positions within each volume.
    abstract MaxPool: s: PoolShape * x: NDArray * shape: int[] -> struct (NDArray * NDArray)
    /// Elements of volumes at the positions that a max pooling found.
    abstract MaxPoolGather: s: PoolShape * x: NDArray * positions: NDArray * shape: int[] -> NDArray
    /// The transpose of MaxPoolGather.
    abstract MaxPoolScatter: s: PoolShape * ct: NDArray * positions: NDArray * shape: int[] -> NDArray
    /// The means of windows.
    abstract AveragePool: s: PoolShape * x: NDArray * shape: int[] -> NDArray
    /// The transpose of AveragePool.
    abstract AveragePoolTranspose: s: PoolShape * ct: NDArray * shape: int[] -> NDArray
    /// Random elements that depend only on the key and their position.
    abstract Random: draw: RandomDraw * key: uint64 * dtype: DType * shape: int[] -> NDArray
    /// Random elements with parameters for each, which depend only on the key, the parameters and the position in an
    /// example, counted from 0 again after so many elements; parameters have one shape.
    abstract RandomFrom:
        variate: RandomVariate * key: uint64 * parameters: NDArray[] * example: int * dtype: DType -> NDArray
    /// The derivative, of an order from 1 on, of the distribution function of the logarithm of a gamma variable with
    /// respect to its concentration, over the density.
    abstract GammaDerivative: order: int * concentration: NDArray * logarithm: NDArray -> NDArray
    /// Logarithms of gamma variables of one concentration taken to the same level for another.
    abstract GammaTransport: target: NDArray * source: NDArray * logarithm: NDArray -> NDArray

/// An expression with the arrays that it reads: how each operand lies in an input that is contiguous, so that slicing and
/// broadcasting are part of the one pass.
and [<Sealed; AllowNullLiteral>] FusedCall
    (
        graph: FusedGraph,
        shape: int[],
        rowAxes: int,
        outs: DType[],
        outShapes: int[][],
        outStrides: int[][],
        sources: int[],
        offsets: int[],
        strides: int[][],
        views: Func<NDArray, NDArray>[]
    ) =
    let mutable spare: byte[][] = null
    let mutable room: int[][] = null
    let mutable others: int[][] = null

    let isWalkable (strides: int[]) =
        let mutable innermost = 0
        let mutable inner = -1
        let mutable isEven = true

        if not (isNull strides) then
            for d = shape.Length - 1 downto 0 do
                if shape[d] <> 1 then
                    if inner < 0 then
                        innermost <- strides[d]
                    elif d >= shape.Length - rowAxes && strides[d] <> strides[inner] * shape[inner] then
                        isEven <- false

                    inner <- d

        isEven && innermost <= 1

    let isDirect = Array.map isWalkable strides
    let hasScalars = outShapes |> Array.exists Array.isEmpty
    let allStrides = Array.append strides outStrides

    /// The expression.
    member _.Graph = graph
    /// The shape of the expression, and of all results that combine nothing.
    member _.Shape = shape
    /// The number of last axes that are reduced as a row within the expression.
    member _.RowAxes = rowAxes
    /// The types of the results.
    member _.Outs = outs
    /// The shapes of the results.
    member _.OutShapes = outShapes
    /// The strides with which each result is walked over the shape of the expression, 0 along axes that are combined; null
    /// for results of that shape.
    member _.OutStrides = outStrides
    /// The input that each operand reads.
    member _.Sources = sources
    /// Where each operand begins in its input, in elements.
    member _.Offsets = offsets
    /// The strides with which each operand walks its input, over the shape of the results; null for contiguous.
    member _.Strides = strides
    /// The same, and then the strides of the results.
    member _.AllStrides = allStrides
    /// Whether there are results that are single numbers.
    member _.HasScalars = hasScalars
    /// Each operand as an array, from an input that is not contiguous.
    member _.Views = views

    /// The same call of inputs that are found at places of a larger array.
    member internal _.Reading(places: int[]) : FusedCall =
        let sources = sources |> Array.map (fun i -> places[i])
        FusedCall(graph, shape, rowAxes, outs, outShapes, outStrides, sources, offsets, strides, views)

    /// Room for strides of which some are not those of contiguous inputs, filled with those that are.
    member internal _.RentStrides() : int[][] =
        match Threading.Interlocked.Exchange(&room, null) with
        | null -> Array.copy allStrides
        | kept ->
            Array.blit allStrides 0 kept 0 kept.Length
            kept

    /// Gives the room back for an array of the same strides that does not change: that of the last such call, if they are equal.
    member internal _.Settle(rented: int[][]) : int[][] =
        let known = others

        let isSame (a: int[]) (b: int[]) =
            obj.ReferenceEquals(a, b) || not (isNull a || isNull b) && a.AsSpan().SequenceEqual(ReadOnlySpan b)

        let mutable isKnown = not (isNull known)
        let mutable i = 0

        while isKnown && i < rented.Length do
            isKnown <- isSame rented[i] known[i]
            i <- i + 1

        let settled = if isKnown then known else Array.copy rented
        others <- settled
        Threading.Volatile.Write(&room, rented)
        settled

    /// Room for the managed memory of operands and results, which one call at a time has back from the last.
    member internal _.Rent() : byte[][] =
        match Threading.Interlocked.Exchange(&spare, null) with
        | null -> Array.zeroCreate allStrides.Length
        | kept -> kept

    /// Gives the room back, empty.
    member internal _.Return(arrays: byte[][]) : unit =
        Array.Clear arrays
        Threading.Volatile.Write(&spare, arrays)

    /// Whether a loop can walk an operand with such strides: its elements do not lie apart, and a row that is reduced is even.
    member _.IsWalkable(strides: int[]) : bool = isWalkable strides

    /// Whether a loop can walk an operand whose input is contiguous as it lies.
    member _.IsDirect(operand: int) : bool = isDirect[operand]

    /// Whether a result may lie where an operand does that ends with this call.
    member _.MayOverwrite(operand: int, result: int) : bool =
        sources |> Array.filter ((=) sources[operand]) |> Array.length = 1
        && isNull strides[operand]
        && offsets[operand] = 0
        && isNull outStrides[result]
        && graph.MayOverwrite(operand, result)

/// How a triangular matrix is read: which triangle, whether it is transposed, whether its diagonal counts as ones.
and [<Struct>] Triangle = { Lower: bool; Transposed: bool; UnitDiagonal: bool }

/// A distribution with parameters for each element.
and [<RequireQualifiedAccess>] RandomVariate =
    /// The logarithm of a gamma variable: concentration. Floats.
    | LogGamma = 0
    /// The Poisson distribution: rate. int64; -1 for a rate that is none.
    | Poisson = 1
    /// The binomial distribution: trials, probability. int64; -1 for parameters that are none.
    | Binomial = 2

/// A distribution that devices can draw from.
and [<RequireQualifiedAccess>] RandomDraw =
    /// Uniform on [0, 1).
    | Uniform
    /// Standard normal.
    | Normal
    /// True with a probability.
    | Bernoulli of probability: float
    /// Integers from low to high - 1.
    | Integers of low: int64 * high: int64
    /// The numbers 0 to n - 1 in random order.
    | Permutation
