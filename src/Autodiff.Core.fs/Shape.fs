namespace Autodiff

open System

/// Arithmetic on shapes: lists of axis lengths, outermost first. The empty shape is that of a scalar.
[<RequireQualifiedAccess>]
module Shape =
    /// The shape of a scalar.
    let scalar: int[] = [||]

    let private ranges = Array.init 9 (fun n -> [| 0 .. n - 1 |])

    /// The first axes, which nobody may change.
    let internal first (count: int) : int[] = if count < ranges.Length then ranges[count] else [| 0 .. count - 1 |]

    /// The number of elements. Where that is far more than an array can hold it is some such number, which does not wrap
    /// around when it is made one of bytes.
    let size (shape: int[]) =
        let mutable n = 1L

        for d in shape do
            n <- (min n 0x1_0000_0000L) * int64 d

        min n 0x1000_0000_0000L

    /// The number of elements, for messages.
    let exactSize (shape: int[]) = (1I, shape) ||> Array.fold (fun n d -> n * bigint d)

    /// The text of a shape as error messages and printing show it: "()", "(3)", "(2, 3)".
    let format (shape: int[]) = "(" + String.Join(", ", shape) + ")"

    /// Whether two shapes are the same.
    let equal (a: int[]) (b: int[]) = obj.ReferenceEquals(a, b) || a.AsSpan().SequenceEqual(ReadOnlySpan b)

    /// Raises the error of an operation that was called wrongly: "sum: ...".
    let fail (operation: string) (message: string) : 'a = raise (ArgumentException $"{operation}: {message}")

    /// The distance in elements between neighbours along each axis of a row-major array.
    let rowMajorStrides (shape: int[]) =
        let strides = Array.zeroCreate shape.Length
        let mutable n = 1

        for i = shape.Length - 1 downto 0 do
            strides[i] <- n
            n <- n * max 1 shape[i]

        strides

    /// Checks that numbers for axes, which a user gave, are there.
    let notNull operation (lengths: int[]) =
        if isNull lengths then
            fail operation "the shape or the axes are null; give an array of whole numbers, which may be empty."

    /// Checks the lengths of a shape that a user gave.
    let validate operation (shape: int[]) =
        notNull operation shape

        for d in shape do
            if d < 0 then
                fail operation $"the shape {format shape} has a negative length."

        if size shape > int64 Int32.MaxValue then
            fail operation $"the shape {format shape} has {exactSize shape} elements, more than 2,147,483,647."

    /// The axis that an index means: a negative one counts from the end.
    let axis operation (rank: int) (axis: int) =
        let a = if axis < 0 then axis + rank else axis

        if a < 0 || a >= rank then
            fail
                operation
                (if rank = 0 then
                     $"axis {axis} is out of range: a scalar has no axes."
                 else
                     $"axis {axis} is out of range for a tensor of rank {rank}; use {-rank} to {rank - 1}.")

        a

    /// The axes that indices mean, sorted; an axis that is named twice is an error.
    let axes operation rank (indices: seq<int>) =
        let found = indices |> Seq.toArray |> Array.map (axis operation rank)
        Array.Sort found

        for i in 1 .. found.Length - 1 do
            if found[i] = found[i - 1] then
                fail operation $"axis {found[i]} is named twice."

        found

    /// The shape that two shapes stretch to together: axes are matched from the last one, and an axis of length 1
    /// (or none) stretches to the other's length.
    let broadcast operation (a: int[]) (b: int[]) =
        if equal a b then
            a
        elif b.Length = 0 then
            a
        elif a.Length = 0 then
            b
        else
            let rank = max a.Length b.Length
            let shape = Array.zeroCreate rank

            for i in 1..rank do
                let m = if i <= a.Length then a[a.Length - i] else 1
                let n = if i <= b.Length then b[b.Length - i] else 1

                if m <> n && m <> 1 && n <> 1 then
                    fail
                        operation
                        $"shapes {format a} and {format b} do not broadcast: counted from the last, axis {i} has lengths {m} and {n}. Make them equal, or 1 (reshape, or index with a new axis)."

                shape[rank - i] <- if m = 1 then n else m

            shape

    /// Whether a tensor of the first shape can be stretched to the second.
    let broadcastsTo (from: int[]) (target: int[]) =
        from.Length <= target.Length
        && (let lead = target.Length - from.Length
            let mutable ok = true

            for i in 0 .. from.Length - 1 do
                if from[i] <> target[lead + i] && from[i] <> 1 then
                    ok <- false

            ok)

    /// The shape after some sorted axes are summed, either dropped or kept with length 1.
    let reduce (shape: int[]) (axes: int[]) keepAxes =
        if keepAxes then
            let kept = shape.AsSpan().ToArray()

            for i in axes do
                kept[i] <- 1

            kept
        elif axes.Length = shape.Length then
            scalar
        else
            let kept = Array.zeroCreate (shape.Length - axes.Length)
            let mutable next = 0

            for i in 0 .. shape.Length - 1 do
                if not (Array.contains i axes) then
                    kept[next] <- shape[i]
                    next <- next + 1

            kept

    /// Fills in the one length that a user left as -1, and checks that the number of elements stays the same.
    let resolve operation (from: int[]) (target: int[]) =
        let count = size from
        let mutable inferred = 0
        let mutable rest = 1L

        for d in target do
            if d < -1 then
                fail operation $"the shape {format target} has a negative length; only one may be -1, to be inferred."
            elif d = -1 then
                inferred <- inferred + 1
            else
                rest <- (min rest 0x1_0000_0000L) * int64 d

        match inferred with
        | 0 ->
            if rest <> count then
                fail
                    operation
                    $"{format from} has {count} elements, {format target} has {exactSize target}; the numbers must be equal (one length may be -1)."

            target
        | 1 ->
            if rest = 0L || count % rest <> 0L then
                fail
                    operation
                    $"{format from} has {count} elements, which {format target} cannot hold with any whole length for -1."

            target |> Array.map (fun d -> if d = -1 then int (count / rest) else d)
        | _ -> fail operation $"{format target} has more than one -1; one length at most can be inferred."
