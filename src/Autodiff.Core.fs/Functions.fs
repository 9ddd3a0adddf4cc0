namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// Operations on tensors, named as in NumPy. Axes count from 0, or from -1 backwards.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Tensor =
    let private clamped =
        OnePass(fun inputs ->
            let outside (bound: Tensor) isOutside (y: Tensor) : Tensor =
                Tensor.Where(isOutside (inputs[0], bound), bound, y)
            inputs[0] |> outside inputs[1] Tensor.Less |> outside inputs[2] Tensor.Greater)

    let private sloped =
        OnePass(fun inputs ->
            let x = inputs[0]
            Tensor.Where(Tensor.Greater(x, Tensor.ScalarOf(x, 0.0)), x, x * inputs[1]))

    let private products = OnePass.Sum(fun inputs -> inputs[0] * inputs[1])
    let private squares = OnePass.Sum(fun inputs -> Tensor.Square inputs[0])

    /// A float64 scalar.
    let scalar (value: float) : Tensor = Tensor.Scalar value
    /// A tensor of one value.
    let full (dtype: DType) (shape: seq<int>) (value: float) : Tensor = Tensor.Full(Seq.toArray shape, value, dtype)
    /// Zeros of type float32.
    let zeros (shape: seq<int>) : Tensor = full DType.Float32 shape 0.0
    /// Ones of type float32.
    let ones (shape: seq<int>) : Tensor = full DType.Float32 shape 1.0
    /// Zeros with the shape and type of x.
    let zerosLike (x: Tensor) : Tensor =
        Tensor.NotNull("zerosLike", x)
        full x.DType x.Shape 0.0
    /// Ones with the shape and type of x.
    let onesLike (x: Tensor) : Tensor =
        Tensor.NotNull("onesLike", x)
        full x.DType x.Shape 1.0

    /// A tensor of a shape from values in row-major order; the element type follows the values.
    let ofArray (shape: seq<int>) (values: 'T[]) : Tensor =
        Concrete(Host.ofSpan "ofArray" (Seq.toArray shape) (ReadOnlySpan<'T> values))

    /// A vector from values; the element type follows the values.
    let ofSeq (values: seq<'T>) : Tensor =
        let values = Seq.toArray values
        ofArray [| values.Length |] values

    /// A matrix from rows of one length; the element type follows the values.
    let ofRows (rows: seq<#seq<'T>>) : Tensor =
        let rows = rows |> Seq.map Seq.toArray |> Seq.toArray
        let columns = if rows.Length = 0 then 0 else rows[0].Length

        for row in rows do
            if row.Length <> columns then
                Shape.fail "ofRows" $"rows have {columns} and {row.Length} elements; all must have the same number."

        ofArray [| rows.Length; columns |] (Array.concat rows)

    /// The same elements in memory of their own, which no other tensor shares: what to donate (jitDonating) of a tensor
    /// that others hold. Tensors of running transformations are returned as they are.
    let copy (x: Tensor) : Tensor =
        Tensor.NotNull("copy", x)
        if x.Level <> 0L then
            x
        else
            let array = x.Array

            if array.IsContiguous then
                let y = array.Device.FromHost(array.DType, array.Shape, array.Bytes)
                GC.KeepAlive array
                Concrete y
            else
                Concrete(array.Device.Contiguous array)

    /// The elements in row-major order, converted to the asked type.
    let toArray<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> (x: Tensor) : 'T[] =
        Host.toArray<'T> x.Array

    /// start, start + step, ... below stop, of type float64.
    let arange (start: float) (stop: float) (step: float) : Tensor =
        if step = 0.0 then
            Shape.fail "arange" "the step is 0."

        let count = ceil ((stop - start) / step)

        if not (count < 268435456.0) then
            Shape.fail
                "arange"
                $"from {start} to {stop} in steps of {step} there are {count} numbers; they must be fewer than 268,435,456, which is 2 GiB of float64."

        let count = max 0 (int count)
        Concrete(Cpu.Instance.Ramp(count, start, step, start + float (count - 1) * step))

    /// count float64 numbers from start to stop, evenly spaced, both included.
    let linspace (start: float) (stop: float) (count: int) : Tensor =
        if count < 0 then
            Shape.fail "linspace" $"{count} numbers cannot be made; ask for 0 or more."

        let step = if count > 1 then (stop - start) / float (count - 1) else 0.0
        Concrete(Cpu.Instance.Ramp(count, start, step, (if count > 1 then stop else start)))

    /// The float32 identity matrix.
    let eye (n: int) : Tensor =
        Shape.validate "eye" [| n; n |]
        oneHot n DType.Float32 (ofArray [| n |] [| 0 .. n - 1 |])

    /// The same values as another type.
    let cast (dtype: DType) (x: Tensor) : Tensor = Tensor.Cast(x, dtype)

    // Structure.

    /// The same elements in row-major order with another shape; one length may be -1.
    let reshape (shape: seq<int>) (x: Tensor) : Tensor = Structural.reshape (Seq.toArray shape) x
    /// The elements as a vector, in row-major order.
    let flatten (x: Tensor) : Tensor = Structural.reshape [| -1 |] x
    /// The axes in another order: axis i of the result is axis order[i] of x.
    let permute (order: seq<int>) (x: Tensor) : Tensor = Structural.permute (Seq.toArray order) x
    /// The last two axes exchanged.
    let transpose (x: Tensor) : Tensor = LinearAlgebra.swapLast x
    /// x stretched to a shape.
    let broadcastTo (shape: seq<int>) (x: Tensor) : Tensor = Tensor.BroadcastTo(x, Seq.toArray shape)
    /// x with an axis of length 1 put in.
    let expandAxis axis (x: Tensor) : Tensor = Structural.expandAxis axis x

    /// x without an axis of length 1.
    let squeeze axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("squeeze", x, axis)

        if x.Shape[axis] <> 1 then
            Shape.fail "squeeze" $"axis {axis} of {Shape.format x.Shape} does not have length 1."

        Structural.reshape (Array.removeAt axis x.Shape) x

    /// Tensors one after another along an axis that they have.
    let concat axis (xs: seq<Tensor>) : Tensor = Structural.concat axis (Seq.toArray xs)

    /// Tensors of one shape side by side along a new axis.
    let stack axis (xs: seq<Tensor>) : Tensor =
        let xs = Seq.toArray xs

        if xs.Length = 0 then
            Shape.fail "stack" "there are no tensors to join."

        for x in xs do
            if not (Shape.equal x.Shape xs[0].Shape) then
                Shape.fail
                    "stack"
                    $"shapes {Shape.format xs[0].Shape} and {Shape.format x.Shape} differ; to join along an axis that they have, use concat."

        let axis = Shape.axis "stack" (xs[0].Rank + 1) axis
        Structural.concat axis (xs |> Array.map (Structural.expandAxis axis))

    /// Pieces of the given lengths along an axis.
    let split axis (lengths: seq<int>) (x: Tensor) : Tensor[] =
        let lengths = Seq.toArray lengths
        let axis = Tensor.AxisOf("split", x, axis)

        Shape.validate "split" lengths

        if Array.sum lengths <> x.Shape[axis] then
            Shape.fail
                "split"
                $"the lengths {Shape.format lengths} do not sum to {x.Shape[axis]}, the length of axis {axis}."

        let ends = Array.scan (+) 0 lengths

        Array.init lengths.Length (fun i ->
            let starts = Array.zeroCreate x.Rank
            starts[axis] <- ends[i]
            Structural.slice starts (Array.updateAt axis lengths[i] x.Shape) (Array.create x.Rank 1) x)

    /// Zeros around x: before and after each axis.
    let pad (widths: seq<int * int>) (x: Tensor) : Tensor =
        let widths = Seq.toArray widths

        if widths.Length <> x.Rank || widths |> Array.exists (fun (a, b) -> a < 0 || b < 0) then
            Shape.fail
                "pad"
                $"{widths.Length} pairs of widths for a tensor of shape {Shape.format x.Shape}; give one pair of numbers from 0 up for each axis."

        let shape = Array.map2 (fun d (a, b) -> d + a + b) x.Shape widths
        Structural.place shape (Array.map fst widths) (Array.create x.Rank 1) x

    // Reductions.

    /// The sum of all elements.
    let sum (x: Tensor) : Tensor = sumOver (axesOf "sum" x null) false x
    /// The sums over axes.
    let sumAxes (axes: seq<int>) (x: Tensor) : Tensor = sumOver (Tensor.AxesOf("sum", x, axes)) false x

    let internal meanOver (axes: int[]) keepAxes (x: Tensor) : Tensor =
        let x = floating "mean" x
        let count = axes |> Array.fold (fun n a -> n * float x.Shape[a]) 1.0
        // The sum may be beyond the range of float16 where the mean is not.
        let sum = sumOver axes keepAxes (Tensor.Cast(x, DTypes.ComputeType x.DType))
        Tensor.Cast(sum * (1.0 / count), x.DType)

    /// The mean of all elements.
    let mean (x: Tensor) : Tensor = meanOver (axesOf "mean" x null) false x
    /// The means over axes.
    let meanAxes (axes: seq<int>) (x: Tensor) : Tensor = meanOver (Tensor.AxesOf("mean", x, axes)) false x

    let internal varianceOver (axes: int[]) keepAxes (x: Tensor) : Tensor =
        meanOver axes keepAxes (Tensor.Square(x - meanOver axes true x))

    /// The mean squared distance from the mean, of all elements.
    let variance (x: Tensor) : Tensor = varianceOver (axesOf "variance" x null) false x
    /// The mean squared distances from the means, over axes.
    let varianceAxes (axes: seq<int>) (x: Tensor) : Tensor = varianceOver (Tensor.AxesOf("variance", x, axes)) false x
    /// The largest of all elements.
    let max (x: Tensor) : Tensor = maxOver (axesOf "max" x null) false x
    /// The largest elements along axes.
    let maxAxes (axes: seq<int>) (x: Tensor) : Tensor = maxOver (Tensor.AxesOf("max", x, axes)) false x
    /// The smallest of all elements.
    let min (x: Tensor) : Tensor = minOver (axesOf "min" x null) false x
    /// The smallest elements along axes.
    let minAxes (axes: seq<int>) (x: Tensor) : Tensor = minOver (Tensor.AxesOf("min", x, axes)) false x
    /// The positions of the largest elements along an axis, the first at ties; int64.
    let argmax axis (x: Tensor) : Tensor = Reductions.argmax axis x
    /// The positions of the smallest elements along an axis, the first at ties; int64.
    let argmin axis (x: Tensor) : Tensor = Reductions.argmin axis x
    /// Whether any element holds.
    let any (x: Tensor) : Tensor = anyOver (axesOf "any" x null) false x
    /// Whether all elements hold.
    let all (x: Tensor) : Tensor = allOver (axesOf "all" x null) false x

    /// log (sum (exp x)) over axes, without overflow. The derivative is softmax; where the result is infinite, the elements
    /// equal to it share the derivative equally.
    let logSumExp (axes: seq<int>) (x: Tensor) : Tensor = logSumExpOver (Tensor.AxesOf("logSumExp", x, axes)) false x

    /// The Euclidean length of all elements together; the derivative at 0 is 0.
    let norm (x: Tensor) : Tensor =
        let squared = squares.Apply x
        let isZero = Tensor.EqualTo(squared, Tensor.ScalarOf(squared, 0.0))
        let safe = Tensor.Where(isZero, Tensor.ScalarOf(squared, 1.0), squared)
        Tensor.Where(isZero, Tensor.ScalarOf(squared, 0.0), Tensor.Sqrt safe)

    // Products.

    /// The matrix product of the last two axes, with leading axes broadcast; vectors count as rows on the left, columns on
    /// the right.
    let matmul (x: Tensor) (y: Tensor) : Tensor = LinearAlgebra.matmul x y
    /// The sum of the products of the elements of two tensors of one shape.
    let dot (x: Tensor) (y: Tensor) : Tensor =
        Tensor.NotNull("dot", x)
        Tensor.NotNull("dot", y)
        if not (Shape.equal x.Shape y.Shape) then
            Shape.fail
                "dot"
                $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} differ; for products of matrices use matmul."

        if x.DType = y.DType then products.Apply(x, y) else sum (x * y)

    /// All products of the elements of two vectors.
    let outer (x: Tensor) (y: Tensor) : Tensor =
        Tensor.NotNull("outer", x)
        Tensor.NotNull("outer", y)
        Structural.reshape [| x.Size; 1 |] x * Structural.reshape [| 1; y.Size |] y

    // Choices and positions.

    /// Elements of x where the condition holds, of y elsewhere.
    let where (condition: Tensor) (x: Tensor) (y: Tensor) : Tensor = Tensor.Where(condition, x, y)

    /// Elements kept between two bounds; outside them the derivative is 0.
    let clamp (low: float) (high: float) (x: Tensor) : Tensor =
        let low, high = Tensor.ScalarOf(x, low), Tensor.ScalarOf(x, high)
        clamped.Apply(x, low, high)

    /// Entries of x along an axis at positions.
    let take axis (indices: Tensor) (x: Tensor) : Tensor = Indexing.take axis indices x
    /// Elements of x along an axis, each at the position that indices holds at its place.
    let gather axis (indices: Tensor) (x: Tensor) : Tensor = Indexing.gather axis indices x
    /// Zeros with elements of x added along an axis of length n at the positions that indices holds at their places.
    let scatterAdd axis n (indices: Tensor) (x: Tensor) : Tensor = Indexing.scatterAdd axis n indices x
    /// A last axis of float32 zeros with a one at each index.
    let oneHot classes (indices: Tensor) : Tensor = Indexing.oneHot classes DType.Float32 indices

    // Functions for networks.

    /// exp x / sum (exp x) along an axis, without overflow; 0 at -infinity, with finite derivatives of every order. NaN where
    /// all elements are -infinity, or one is infinity.
    let softmax axis (x: Tensor) : Tensor = Reductions.softmax axis x
    /// The logarithm of softmax along an axis, without overflow.
    let logSoftmax axis (x: Tensor) : Tensor = Reductions.logSoftmax axis x

    let internal standardized (axes: int) (epsilon: float) (weight: Tensor) (bias: Tensor) (x: Tensor) : Tensor =
        Tensor.NotNull("standardize", x)

        if axes < 1 || axes > x.Rank then
            Shape.fail "standardize" $"a tensor of shape {Shape.format x.Shape} has no last {axes} axes."

        if isNull weight <> isNull bias then
            Shape.fail "standardize" "there are weights without biases, or biases without weights; give both or none."

        match RowNormalization.Apply(x, axes, epsilon, weight, bias) with
        | null ->
            let last = [| x.Rank - axes .. x.Rank - 1 |]
            let centred = x - meanOver last true x
            let y = centred * Tensor.Rsqrt(meanOver last true (Tensor.Square centred) + epsilon)
            if isNull weight then y else y * weight + bias
        | y -> y

    /// (x - mean) / sqrt (variance + epsilon) with mean and variance, the mean of (x - mean)^2, over so many last axes.
    let standardize (axes: int) (epsilon: float) (x: Tensor) : Tensor = standardized axes epsilon null null x

    /// x where it is positive, slope * x elsewhere.
    let leakyRelu (slope: float) (x: Tensor) : Tensor = sloped.Apply(x, Tensor.ScalarOf(x, slope))

/// Functions of each element that F# itself does not name; `sin`, `exp`, `abs`, `**` and the rest work on tensors as they
/// do on numbers.
[<AutoOpen>]
module ElementFunctions =
    /// The logistic function 1 / (1 + exp (-x)).
    let sigmoid (x: Tensor) = Tensor.Sigmoid x
    /// max (x, 0); the derivative at 0 is 0.
    let relu (x: Tensor) = Tensor.Relu x
    /// log (1 + exp x).
    let softplus (x: Tensor) = Tensor.Softplus x
    /// The error function.
    let erf (x: Tensor) = Tensor.Erf x
    /// The square.
    let square (x: Tensor) = Tensor.Square x

/// F# slices, whose ends are included: `x[1..3, *]`. Positions and ranges mix.
[<AutoOpen>]
module Slicing =
    let private range (first: int option) (last: int option) : Slice =
        let start =
            match first with
            | Some i -> Index(i, false)
            | None -> Index.Start

        let stop =
            match last with
            | Some i -> Index(i + 1, false)
            | None -> Index.End

        Slice.op_Implicit (Range(start, stop))

    let private at (i: int) = Slice.At i

    type Tensor with
        member x.GetSlice(a, b) = Tensor.Indexed(x, [| range a b |])
        member x.GetSlice(a, b, c, d) = Tensor.Indexed(x, [| range a b; range c d |])
        member x.GetSlice(i: int, c, d) = Tensor.Indexed(x, [| at i; range c d |])
        member x.GetSlice(a, b, j: int) = Tensor.Indexed(x, [| range a b; at j |])
        member x.GetSlice(a, b, c, d, e, f) = Tensor.Indexed(x, [| range a b; range c d; range e f |])
        member x.GetSlice(i: int, c, d, e, f) = Tensor.Indexed(x, [| at i; range c d; range e f |])
        member x.GetSlice(a, b, j: int, e, f) = Tensor.Indexed(x, [| range a b; at j; range e f |])
        member x.GetSlice(a, b, c, d, k: int) = Tensor.Indexed(x, [| range a b; range c d; at k |])
        member x.GetSlice(i: int, j: int, e, f) = Tensor.Indexed(x, [| at i; at j; range e f |])
        member x.GetSlice(i: int, c, d, k: int) = Tensor.Indexed(x, [| at i; range c d; at k |])
        member x.GetSlice(a, b, j: int, k: int) = Tensor.Indexed(x, [| range a b; at j; at k |])
        member x.GetSlice(a, b, c, d, e, f, g, h) = Tensor.Indexed(x, [| range a b; range c d; range e f; range g h |])
        member x.GetSlice(i: int, c, d, e, f, g, h) = Tensor.Indexed(x, [| at i; range c d; range e f; range g h |])
        member x.GetSlice(i: int, j: int, e, f, g, h) = Tensor.Indexed(x, [| at i; at j; range e f; range g h |])
        member x.GetSlice(i: int, j: int, k: int, g, h) = Tensor.Indexed(x, [| at i; at j; at k; range g h |])

/// Methods of tensors that are composed from the operations, for both languages: `x.Sum()`, `x.Reshape(2, -1)`.
[<Extension>]
type TensorExtensions =
    /// The same values as another type.
    [<Extension>]
    static member To(x: Tensor, dtype: DType) : Tensor = Tensor.Cast(x, dtype)

    /// The elements in row-major order, converted to the asked type.
    [<Extension>]
    static member ToArray<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        (x: Tensor)
        : 'T[] =
        Tensor.toArray<'T> x

    /// The elements of a matrix as a two-dimensional .NET array, converted to the asked type.
    [<Extension>]
    static member ToArray2D<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        (x: Tensor)
        : 'T[,] =
        if x.Rank <> 2 then
            Shape.fail "ToArray2D" $"a tensor of shape {Shape.format x.Shape} is not a matrix."

        let values = Tensor.toArray<'T> x
        Array2D.init x.Shape[0] x.Shape[1] (fun i j -> values[i * x.Shape[1] + j])

    /// Copies the elements in row-major order, converted to the type of the span.
    [<Extension>]
    static member CopyTo<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType>
        (x: Tensor, destination: Span<'T>)
        : unit =
        if destination.Length < x.Size then
            Shape.fail "CopyTo" $"a span of {destination.Length} elements is too short for {x.Size}."

        let array = x.Device.Convert(x.Array, DTypes.Of<'T>())
        x.Device.ToHost(array, MemoryMarshal.AsBytes(destination.Slice(0, x.Size)))

    /// The same elements in memory of their own, which no other tensor shares: what to donate (Jit.CompileDonating) of a tensor
    /// that others hold. Tensors of running transformations are returned as they are.
    [<Extension>]
    static member Copy(x: Tensor) : Tensor = Tensor.copy x

    /// The same elements in row-major order with another shape; one length may be -1.
    [<Extension>]
    static member Reshape(x: Tensor, [<ParamArray>] shape: int[]) : Tensor = Structural.reshape shape x

    /// x stretched to a shape.
    [<Extension>]
    static member BroadcastTo(x: Tensor, [<ParamArray>] shape: int[]) : Tensor = Tensor.BroadcastTo(x, shape)

    /// The elements of all axes from one on as a single axis.
    [<Extension>]
    static member Flatten(x: Tensor, [<Optional; DefaultParameterValue(0)>] fromAxis: int) : Tensor =
        Tensor.NotNull("flatten", x)
        let fromAxis = if fromAxis = 0 then 0 else Tensor.AxisOf("flatten", x, fromAxis)
        let kept = x.Shape[.. fromAxis - 1]
        // The length is computed, not inferred, so that an empty batch keeps its width.
        Structural.reshape (Array.append kept [| int (Shape.size x.Shape[fromAxis..]) |]) x

    /// The last two axes exchanged, or the axes in the order given.
    [<Extension>]
    static member Transpose(x: Tensor, [<ParamArray>] order: int[]) : Tensor =
        Shape.notNull "transpose" order
        if order.Length = 0 then LinearAlgebra.swapLast x else Structural.permute order x

    /// The matrix product of the last two axes, with leading axes broadcast.
    [<Extension>]
    static member MatMul(x: Tensor, y: Tensor) : Tensor = LinearAlgebra.matmul x y

    /// The sum over axes; over all if none is named.
    [<Extension>]
    static member Sum(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = sumOver (axesOf "sum" x axes) false x

    /// The sum over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Sum(x: Tensor, axes: int[], keepAxes: bool) : Tensor = sumOver (axesOf "sum" x axes) keepAxes x

    /// The mean over axes; over all if none is named.
    [<Extension>]
    static member Mean(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = Tensor.meanOver (axesOf "mean" x axes) false x

    /// The mean over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Mean(x: Tensor, axes: int[], keepAxes: bool) : Tensor =
        Tensor.meanOver (axesOf "mean" x axes) keepAxes x

    /// The mean squared distance from the mean over axes; over all if none is named.
    [<Extension>]
    static member Variance(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        Tensor.varianceOver (axesOf "variance" x axes) false x

    /// The variance over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Variance(x: Tensor, axes: int[], keepAxes: bool) : Tensor =
        Tensor.varianceOver (axesOf "variance" x axes) keepAxes x

    /// The largest elements over axes; of all if none is named. Ties share the derivative equally.
    [<Extension>]
    static member Max(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = maxOver (axesOf "max" x axes) false x

    /// The largest elements over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Max(x: Tensor, axes: int[], keepAxes: bool) : Tensor = maxOver (axesOf "max" x axes) keepAxes x

    /// The smallest elements over axes; of all if none is named. Ties share the derivative equally.
    [<Extension>]
    static member Min(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = minOver (axesOf "min" x axes) false x

    /// The smallest elements over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Min(x: Tensor, axes: int[], keepAxes: bool) : Tensor = minOver (axesOf "min" x axes) keepAxes x

    /// Whether any element over axes holds.
    [<Extension>]
    static member Any(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = anyOver (axesOf "any" x axes) false x

    /// Whether all elements over axes hold.
    [<Extension>]
    static member All(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = allOver (axesOf "all" x axes) false x

    /// The positions of the largest elements along an axis, the first at ties; int64.
    [<Extension>]
    static member ArgMax(x: Tensor, axis: int) : Tensor = Reductions.argmax axis x

    /// The positions of the smallest elements along an axis, the first at ties; int64.
    [<Extension>]
    static member ArgMin(x: Tensor, axis: int) : Tensor = Reductions.argmin axis x

    /// (x - mean) / sqrt (variance + epsilon) with mean and variance, the mean of (x - mean)^2, over so many last axes, times
    /// weights plus biases of the shape of these axes, if there are.
    [<Extension>]
    static member Standardize
        (
            x: Tensor,
            [<Optional; DefaultParameterValue(1)>] axes: int,
            [<Optional; DefaultParameterValue(1e-5)>] epsilon: float,
            [<Optional; DefaultParameterValue(null: Tensor)>] weight: Tensor,
            [<Optional; DefaultParameterValue(null: Tensor)>] bias: Tensor
        ) : Tensor =
        Tensor.standardized axes epsilon weight bias x

    /// log (sum (exp x)) over axes, without overflow; over all if none is named. Where the result is infinite, the elements
    /// equal to it share the derivative equally.
    [<Extension>]
    static member LogSumExp(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        logSumExpOver (axesOf "logSumExp" x axes) false x

    /// log (sum (exp x)) over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member LogSumExp(x: Tensor, axes: int[], keepAxes: bool) : Tensor =
        logSumExpOver (axesOf "logSumExp" x axes) keepAxes x

    /// exp x / sum (exp x) along an axis, without overflow.
    [<Extension>]
    static member Softmax(x: Tensor, axis: int) : Tensor = Reductions.softmax axis x

    /// The logarithm of softmax along an axis, without overflow.
    [<Extension>]
    static member LogSoftmax(x: Tensor, axis: int) : Tensor = Reductions.logSoftmax axis x

    /// Entries of x along an axis at positions.
    [<Extension>]
    static member Take(x: Tensor, indices: Tensor, axis: int) : Tensor = Indexing.take axis indices x

    /// Elements of x along an axis, each at the position that indices holds at its place.
    [<Extension>]
    static member Gather(x: Tensor, indices: Tensor, axis: int) : Tensor = Indexing.gather axis indices x

    /// A last axis of zeros with a one at each index.
    [<Extension>]
    static member OneHot
        (indices: Tensor, classes: int, [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType)
        : Tensor =
        Indexing.oneHot classes dtype indices
