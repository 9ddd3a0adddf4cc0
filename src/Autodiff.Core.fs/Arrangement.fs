namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Autodiff.Kernels

/// What padding puts around a tensor, made from its own elements.
type PadMode =
    /// The elements mirrored at the first and the last, which are not repeated.
    | Reflect = 0
    /// The first and the last element.
    | Edge = 1
    /// The elements from the other end.
    | Wrap = 2

/// Moving, repeating, ordering and choosing elements.
[<AutoOpen>]
module Arrangement =
    let private positionsOn (device: Device) (values: int64[]) : Tensor =
        Concrete(device.FromHost(DType.Int64, [| values.Length |], MemoryMarshal.AsBytes(ReadOnlySpan<int64> values)))

    let private part axis start length step (x: Tensor) =
        slice
            (Array.updateAt axis start (Array.zeroCreate x.Rank))
            (Array.updateAt axis length x.Shape)
            (Array.updateAt axis step (Array.create x.Rank 1))
            x

    let internal flipOver axes (x: Tensor) : Tensor = Tensor.Flipped(x, axes)

    let internal rolled shift axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("roll", x, axis)
        let n = x.Shape[axis]
        let shift = if n = 0 then 0 else ((shift % n) + n) % n

        if shift = 0 then
            x
        else
            Structural.concat axis [| part axis (n - shift) shift 1 x; part axis 0 (n - shift) 1 x |]

    let internal repeated count axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("repeat", x, axis)

        if count < 0 then
            Shape.fail "repeat" $"elements cannot be repeated {count} times."

        let wide = Tensor.BroadcastTo(Structural.expandAxis (axis + 1) x, Array.insertAt (axis + 1) count x.Shape)
        Structural.reshape (Array.updateAt axis (x.Shape[axis] * count) x.Shape) wide

    let internal tiled (counts: int[]) (x: Tensor) : Tensor =
        Tensor.NotNull("tile", x)
        Shape.validate "tile" counts
        let rank = max counts.Length x.Rank
        let counts = Array.append (Array.create (rank - counts.Length) 1) counts
        let shape = Array.append (Array.create (rank - x.Rank) 1) x.Shape
        let apart = shape |> Array.collect (fun n -> [| 1; n |])
        let wide = Array.map2 (fun count n -> [| count; n |]) counts shape |> Array.concat
        let repeated = Tensor.BroadcastTo(Structural.reshape apart x, wide)
        Structural.reshape (Array.map2 (*) counts shape) repeated

    let private matrixOf operation (x: Tensor) =
        Tensor.NotNull(operation, x)
        if x.Rank < 2 then
            Shape.fail
                operation
                $"a tensor of shape {Shape.format x.Shape} has no two last axes; reshape it to a matrix first."

        x.Shape[x.Rank - 2], x.Shape[x.Rank - 1]

    let internal triangle operation isLower (offset: int) (x: Tensor) : Tensor =
        let m, n = matrixOf operation x
        // The diagonal in row i lies at column i + offset.
        let diagonal = positionsOn x.Device (Array.init m (fun i -> int64 i + int64 offset)) |> expandAxis -1
        let columns = positionsOn x.Device (Array.init n int64)
        let isInside =
            if isLower then
                Tensor.LessOrEqual(columns, diagonal)
            else
                Tensor.GreaterOrEqual(columns, diagonal)
        Tensor.Where(isInside, x, Tensor.Cast(Tensor.ScalarOf(x, 0.0), x.DType))

    let internal diagonalOf (offset: int) (x: Tensor) : Tensor =
        let m, n = matrixOf "diagonal" x
        let length = max 0 (if offset >= 0 then min m (n - offset) else min (m + offset) n)
        let start =
            if length = 0 then 0
            elif offset >= 0 then offset
            else -offset * n
        let lead = x.Shape[.. x.Rank - 3]
        part lead.Length start length (n + 1) (Structural.reshape (Array.append lead [| m * n |]) x)

    let internal diagonalMatrix (offset: int) (x: Tensor) : Tensor =
        Tensor.NotNull("diag", x)
        if x.Rank = 0 then
            Shape.fail "diag" "a scalar has no axis to lay on a diagonal; reshape it to a vector."

        let lead = x.Shape[.. x.Rank - 2]
        let n = x.Shape[x.Rank - 1] + abs offset
        let starts = Array.updateAt lead.Length (if offset >= 0 then offset else -offset * n) (Array.zeroCreate x.Rank)
        let steps = Array.updateAt lead.Length (n + 1) (Array.create x.Rank 1)

        if x.Size = 0 then
            Tensor.BroadcastTo(Tensor.Cast(Tensor.ScalarOf(x, 0.0), x.DType), Array.append lead [| n; n |])
        else
            Structural.reshape (Array.append lead [| n; n |]) (place (Array.append lead [| n * n |]) starts steps x)

    let private checkWidths (widths: (int * int)[]) (x: Tensor) =
        if widths.Length <> x.Rank || widths |> Array.exists (fun (a, b) -> a < 0 || b < 0) then
            Shape.fail
                "pad"
                $"{widths.Length} pairs of widths for a tensor of shape {Shape.format x.Shape}; give one pair of numbers from 0 up for each axis."

    let internal paddedBy (mode: PadMode) (widths: (int * int)[]) (x: Tensor) : Tensor =
        checkWidths widths x

        let modulo i n = ((i % n) + n) % n

        let source n i =
            match mode with
            | PadMode.Edge -> Math.Clamp(i, 0, n - 1)
            | PadMode.Wrap -> modulo i n
            | _ when n = 1 -> 0
            | _ -> let k = modulo i (2 * n - 2) in min k (2 * n - 2 - k)

        (x, Array.indexed widths)
        ||> Array.fold (fun x (axis, (before, after)) ->
            let n = x.Shape[axis]

            if before = 0 && after = 0 then
                x
            elif n = 0 then
                Shape.fail
                    "pad"
                    $"axis {axis} of {Shape.format x.Shape} is empty, and has no elements to put around it."
            elif mode = PadMode.Wrap && before <= n && after <= n then
                Structural.concat axis [| part axis (n - before) before 1 x; x; part axis 0 after 1 x |]
            else
                let sources = [| for i in -before .. n + after - 1 -> int64 (source n i) |]
                Indexing.take axis (positionsOn x.Device sources) x)

    let internal paddedWith (value: float) (widths: (int * int)[]) (x: Tensor) : Tensor =
        checkWidths widths x

        let shape = Array.map2 (fun n (before, after) -> before + n + after) x.Shape widths

        if x.Level = 0L then
            Concrete(x.Device.Place(x.Array, shape, Array.map fst widths, Array.create x.Rank 1, value))
        elif value = 0.0 then
            place shape (Array.map fst widths) (Array.create x.Rank 1) x
        else
            (x, Array.indexed widths)
            ||> Array.fold (fun x (axis, (before, after)) ->
                let block n = Concrete(x.Device.Fill(x.DType, Array.updateAt axis n x.Shape, value)) :> Tensor
                Structural.concat
                    axis
                    [| if before > 0 then
                           block before
                       x
                       if after > 0 then
                           block after |])

    let internal movedAxis source target (x: Tensor) : Tensor =
        let source, target = Tensor.AxisOf("moveAxis", x, source), Tensor.AxisOf("moveAxis", x, target)
        permute ([| 0 .. x.Rank - 1 |] |> Array.removeAt source |> Array.insertAt target source) x

    let internal swappedAxes a b (x: Tensor) : Tensor =
        let a, b = Tensor.AxisOf("swapAxes", x, a), Tensor.AxisOf("swapAxes", x, b)
        permute ([| 0 .. x.Rank - 1 |] |> Array.updateAt a b |> Array.updateAt b a) x

    let internal splitInto axis parts (x: Tensor) : Tensor[] =
        let axis = Tensor.AxisOf("split", x, axis)
        let n = x.Shape[axis]

        if parts < 1 || n % parts <> 0 then
            Shape.fail
                "split"
                $"axis {axis} of {Shape.format x.Shape} cannot be split into {parts} equal parts; give their lengths."

        Array.init parts (fun i -> part axis (i * (n / parts)) (n / parts) 1 x)

    let internal largest k axis isLargest (x: Tensor) : struct (Tensor * Tensor) =
        let axis = Tensor.AxisOf("topK", x, axis)

        if k < 0 || k > x.Shape[axis] then
            Shape.fail "topK" $"{k} elements asked for of axis {axis}, which has length {x.Shape[axis]}."

        let positions: Tensor =
            // Where few are wanted, the others are not put in order.
            if x.Level = 0L && k < x.Shape[axis] / 8 then
                Concrete(x.Device.ArgFirst(x.Array, axis, k, isLargest))
            else
                part axis 0 k 1 (Sorting.argsort axis isLargest x)

        struct (Indexing.gather axis positions x, positions)

    let internal distinct (x: Tensor) : struct (Tensor * Tensor * Tensor) =
        Tensor.NotNull("unique", x)
        let flat = Structural.reshape [| x.Size |] (Concrete x.Array)
        let order = Sorting.argsort 0 false flat
        let ordered = Indexing.gather 0 order flat
        let struct (groups, starts) = x.Device.Groups(ordered.Array, order.Array)
        let starts: Tensor = Concrete starts
        let count = starts.Size
        let ends =
            Structural.concat
                0
                [| part 0 (min 1 count) (max 0 (count - 1)) 1 starts
                   positionsOn
                       x.Device
                       [| if count > 0 then
                              int64 x.Size |] |]

        struct (Indexing.take 0 starts ordered, Structural.reshape x.Shape (Concrete groups), ends - starts)

    let private truePositions (mask: Tensor) : Tensor =
        Concrete(mask.Device.Positions (Tensor.Cast(mask, DType.Bool)).Array)

    let internal masked (mask: Tensor) (x: Tensor) : Tensor =
        Tensor.NotNull("mask", mask)
        Tensor.NotNull("mask", x)
        if mask.Rank > x.Rank || not (Shape.equal mask.Shape x.Shape[.. mask.Rank - 1]) then
            Shape.fail
                "mask"
                $"a mask of shape {Shape.format mask.Shape} must have the first axes of {Shape.format x.Shape}."

        let rows = Structural.reshape (Array.append [| mask.Size |] x.Shape[mask.Rank ..]) x
        Indexing.take 0 (truePositions mask) rows

    /// Functions that F# pipelines use.
    [<RequireQualifiedAccess>]
    module Tensor =
        /// The elements in the opposite order along axes.
        let flip (axes: seq<int>) (x: Tensor) : Tensor = flipOver (Tensor.AxesOf("flip", x, axes)) x

        /// The elements moved by a number of places along an axis; those that leave one end come in at the other.
        let roll (shift: int) axis (x: Tensor) : Tensor = rolled shift axis x
        /// Each entry along an axis so many times in a row.
        let repeat (count: int) axis (x: Tensor) : Tensor = repeated count axis x
        /// The whole of x side by side, so many times along each axis; fewer numbers are for the last axes.
        let tile (counts: seq<int>) (x: Tensor) : Tensor = tiled (Seq.toArray counts) x

        /// The lower triangle of the last two axes, zeros above the diagonal with an offset: 0 is the main one, 1 that
        /// above it.
        let tril (offset: int) (x: Tensor) : Tensor = triangle "tril" true offset x
        /// The upper triangle of the last two axes, zeros below the diagonal with an offset.
        let triu (offset: int) (x: Tensor) : Tensor = triangle "triu" false offset x
        /// The diagonal of the last two axes with an offset, as the last axis.
        let diagonal (offset: int) (x: Tensor) : Tensor = diagonalOf offset x
        /// Square matrices with the last axis of x on the diagonal with an offset, and zeros elsewhere.
        let diag (offset: int) (x: Tensor) : Tensor = diagonalMatrix offset x

        /// x with elements of its own around it: before and after each axis.
        let padWith (mode: PadMode) (widths: seq<int * int>) (x: Tensor) : Tensor = paddedBy mode (Seq.toArray widths) x
        /// x with a number around it: before and after each axis.
        let padValue (value: float) (widths: seq<int * int>) (x: Tensor) : Tensor =
            paddedWith value (Seq.toArray widths) x

        /// Every step-th entry along an axis from a position up to, but without, another: NumPy's x[start:stop:step].
        /// Negative positions count from the end, positions outside mean the end that is nearest, and None is the end
        /// that the step leaves from or goes to. A negative step goes backwards.
        let slice axis (start: int option) (stop: int option) (step: int) (x: Tensor) : Tensor =
            let axis = Tensor.AxisOf("slice", x, axis)
            let n = x.Shape[axis]

            if step = 0 then
                Shape.fail "slice" "the step is 0."

            let within least greatest i = Math.Clamp((if i < 0 then i + n else i), least, greatest)

            if step > 0 then
                let first = start |> Option.map (within 0 n) |> Option.defaultValue 0
                let last = stop |> Option.map (within 0 n) |> Option.defaultValue n
                let length = max 0 ((last - first + step - 1) / step)
                part axis (if length = 0 then 0 else first) length step x
            else
                let first = start |> Option.map (within -1 (n - 1)) |> Option.defaultValue (n - 1)
                let last = stop |> Option.map (within -1 (n - 1)) |> Option.defaultValue -1
                let length = max 0 ((first - last - step - 1) / -step)
                let lowest = if length = 0 then 0 else first + (length - 1) * step
                flipOver [| axis |] (part axis lowest length -step x)

        /// x with two axes exchanged.
        let swapAxes a b (x: Tensor) : Tensor = swappedAxes a b x
        /// x with one axis moved to another place among the others.
        let moveAxis source target (x: Tensor) : Tensor = movedAxis source target x

        /// x with axes of length 1 put in, at these places of the result.
        let expandAxes (axes: seq<int>) (x: Tensor) : Tensor =
            Tensor.NotNull("expandAxes", x)
            let axes = Shape.axes "expandAxes" (x.Rank + Seq.length axes) axes
            Structural.reshape (Array.fold (fun shape axis -> Array.insertAt axis 1 shape) x.Shape axes) x

        /// Parts of one length along an axis.
        let splitEqually axis (parts: int) (x: Tensor) : Tensor[] = splitInto axis parts x

        /// The elements along an axis from the smallest to the largest, NaN last. The derivative goes to the element that
        /// moved to each place.
        let sort axis (x: Tensor) : Tensor = Sorting.sort axis false x
        /// The elements along an axis from the largest to the smallest, NaN last.
        let sortDescending axis (x: Tensor) : Tensor = Sorting.sort axis true x
        /// The int64 positions that sort the elements along an axis; equal elements keep their order, NaN comes last.
        let argsort axis (x: Tensor) : Tensor = Sorting.argsort axis false x
        /// The int64 positions that sort the elements along an axis from the largest; equal ones keep their order.
        let argsortDescending axis (x: Tensor) : Tensor = Sorting.argsort axis true x

        /// The k largest elements along an axis, from the largest on, and their int64 positions.
        let topK (k: int) axis (x: Tensor) : Tensor * Tensor =
            let struct (values, positions) = largest k axis true x
            values, positions

        /// The different values of x in order; for each element of x the int64 position of its value among them; and how often
        /// each occurs. All NaN count as one. There is no derivative.
        let unique (x: Tensor) : Tensor * Tensor * Tensor =
            let struct (values, inverse, counts) = distinct x
            values, inverse, counts

        /// The int64 positions at which values would be put into a sorted vector, before equal elements. A sorted tensor
        /// with more axes has a row for each row of values.
        let searchsorted (sorted: Tensor) (values: Tensor) : Tensor = Sorting.searchSorted false sorted values
        /// The int64 positions at which values would be put into a sorted vector, after equal elements.
        let searchsortedRight (sorted: Tensor) (values: Tensor) : Tensor = Sorting.searchSorted true sorted values

        /// x with updates written along an axis at the positions that indices holds at their places. Of several updates of one
        /// element the last remains, and it alone receives a derivative.
        let scatter axis (indices: Tensor) (updates: Tensor) (x: Tensor) : Tensor =
            Indexing.scatter axis indices updates x

        /// The elements of x where a mask holds, as a vector; with a mask of the first axes only, the entries there. The
        /// number of them depends on the values of the mask.
        let mask (mask: Tensor) (x: Tensor) : Tensor = masked mask x

        /// The positions of the elements that are not 0: one row of int64 positions for each, one column for each axis.
        let argwhere (x: Tensor) : Tensor =
            Tensor.NotNull("argwhere", x)
            Concrete(x.Device.Coordinates (Tensor.Cast(x, DType.Bool)).Array)

        /// Vectors stretched over the grid that they span: result i varies along axis i only (NumPy's indexing "ij").
        let meshgrid (xs: seq<Tensor>) : Tensor[] =
            let xs = Seq.toArray xs

            for x in xs do
                if x.Rank <> 1 then
                    Shape.fail "meshgrid" $"a tensor of shape {Shape.format x.Shape} is not a vector."

            let shape = xs |> Array.map _.Size

            xs
            |> Array.mapi (fun i x ->
                let along = Array.updateAt i x.Size (Array.create xs.Length 1)
                Tensor.BroadcastTo(Structural.reshape along x, shape))

/// The methods of arrangement, for both languages: `x.Sort(-1)`, `x.Flip(0)`.
[<Extension>]
type ArrangementExtensions =
    static let pairs (widths: struct (int * int)[]) = widths |> Array.map (fun (struct (a, b)) -> a, b)

    /// The elements in the opposite order along axes; along all if none is named.
    [<Extension>]
    static member Flip(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = flipOver (axesOf "flip" x axes) x

    /// The elements moved by a number of places along an axis, around its ends.
    [<Extension>]
    static member Roll(x: Tensor, shift: int, axis: int) : Tensor = rolled shift axis x

    /// Each entry along an axis so many times in a row.
    [<Extension>]
    static member Repeat(x: Tensor, count: int, axis: int) : Tensor = repeated count axis x

    /// The whole of x side by side, so many times along each axis; fewer numbers are for the last axes.
    [<Extension>]
    static member Tile(x: Tensor, [<ParamArray>] counts: int[]) : Tensor = tiled counts x

    /// The lower triangle of the last two axes, zeros above the diagonal with an offset.
    [<Extension>]
    static member Tril(x: Tensor, [<Optional; DefaultParameterValue(0)>] offset: int) : Tensor =
        triangle "tril" true offset x

    /// The upper triangle of the last two axes, zeros below the diagonal with an offset.
    [<Extension>]
    static member Triu(x: Tensor, [<Optional; DefaultParameterValue(0)>] offset: int) : Tensor =
        triangle "triu" false offset x

    /// The diagonal of the last two axes with an offset, as the last axis.
    [<Extension>]
    static member Diagonal(x: Tensor, [<Optional; DefaultParameterValue(0)>] offset: int) : Tensor = diagonalOf offset x

    /// Square matrices with the last axis of x on the diagonal with an offset, and zeros elsewhere.
    [<Extension>]
    static member Diag(x: Tensor, [<Optional; DefaultParameterValue(0)>] offset: int) : Tensor = diagonalMatrix offset x

    /// x with elements of its own around it: a pair of widths, before and after, for each axis.
    [<Extension>]
    static member Pad(x: Tensor, mode: PadMode, [<ParamArray>] widths: struct (int * int)[]) : Tensor =
        paddedBy mode (pairs widths) x

    /// x with a number around it: a pair of widths, before and after, for each axis.
    [<Extension>]
    static member Pad(x: Tensor, value: float, [<ParamArray>] widths: struct (int * int)[]) : Tensor =
        paddedWith value (pairs widths) x

    /// x with two axes exchanged.
    [<Extension>]
    static member SwapAxes(x: Tensor, a: int, b: int) : Tensor = swappedAxes a b x

    /// x with one axis moved to another place among the others.
    [<Extension>]
    static member MoveAxis(x: Tensor, source: int, target: int) : Tensor = movedAxis source target x

    /// x with axes of length 1 put in, at these places of the result.
    [<Extension>]
    static member ExpandAxes(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = Tensor.expandAxes axes x

    /// Parts of one length along an axis.
    [<Extension>]
    static member Split(x: Tensor, parts: int, axis: int) : Tensor[] = splitInto axis parts x

    /// The elements along an axis in order, NaN last.
    [<Extension>]
    static member Sort
        (
            x: Tensor,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(false)>] descending: bool
        ) : Tensor =
        Sorting.sort axis descending x

    /// The int64 positions that sort the elements along an axis; equal elements keep their order, NaN comes last.
    [<Extension>]
    static member ArgSort
        (
            x: Tensor,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(false)>] descending: bool
        ) : Tensor =
        Sorting.argsort axis descending x

    /// The k largest (or smallest) elements along an axis, in order, and their int64 positions.
    [<Extension>]
    static member TopK
        (
            x: Tensor,
            k: int,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(true)>] isLargest: bool
        ) : struct (Tensor * Tensor) =
        largest k axis isLargest x

    /// The different values in order, for each element the int64 position of its value among them, and the number of
    /// each. There is no derivative.
    [<Extension>]
    static member Unique(x: Tensor) : struct (Tensor * Tensor * Tensor) = distinct x

    /// The int64 positions at which values would be put into this sorted vector, before equal elements or after them.
    [<Extension>]
    static member SearchSorted
        (sorted: Tensor, values: Tensor, [<Optional; DefaultParameterValue(false)>] after: bool)
        : Tensor =
        Sorting.searchSorted after sorted values

    /// x with updates written along an axis at the positions that indices holds at their places; the last of several
    /// remains.
    [<Extension>]
    static member Scatter(x: Tensor, indices: Tensor, updates: Tensor, axis: int) : Tensor =
        Indexing.scatter axis indices updates x

    /// Zeros of length n along an axis, with elements of x added at the positions that indices holds at their places.
    [<Extension>]
    static member ScatterAdd(x: Tensor, indices: Tensor, axis: int, n: int) : Tensor =
        Indexing.scatterAdd axis n indices x

    /// The elements where a mask holds, as a vector; with a mask of the first axes only, the entries there.
    [<Extension>]
    static member Mask(x: Tensor, mask: Tensor) : Tensor = masked mask x
