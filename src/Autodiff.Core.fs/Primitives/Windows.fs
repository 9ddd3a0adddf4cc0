namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// One number for each axis of images, or one for all: windows, strides, dilations. Made implicitly from a number or a
/// tuple, so that calls read `stride = 2` or, in C#, `stride: (2, 1)`.
[<Struct; NoEquality; NoComparison>]
type PerAxis([<ParamArray>] values: int[]) =
    /// The numbers, one for each axis or one for all; null where none were given.
    member _.Values = values
    /// One number for all axes.
    static member op_Implicit(all: int) = PerAxis [| all |]
    /// Numbers for rows and columns.
    static member op_Implicit(struct (y, x)) = PerAxis [| y; x |]
    /// Numbers for planes, rows and columns.
    static member op_Implicit(struct (z, y, x)) = PerAxis [| z; y; x |]

/// Zeros (minus infinity for maxima) that are put around images. Made implicitly from a number or a tuple of numbers,
/// one for each axis, which count for both ends.
[<Sealed; AllowNullLiteral>]
type Padding private (isSame: bool, widths: struct (int * int)[]) =
    /// No padding: only windows that lie inside.
    static member Valid = Padding(false, [| struct (0, 0) |])

    /// As much padding as makes a result of length ceil (length / stride), split evenly between both ends, the odd one
    /// at the end. With stride 1 the length stays the same. (The convention of TensorFlow and JAX; PyTorch has it for
    /// stride 1 only.)
    static member Same = Padding(true, [||])

    /// The same padding at both ends: one number for each axis, or one for all.
    static member Each([<ParamArray>] widths: int[]) = Padding(false, widths |> Array.map (fun n -> struct (n, n)))

    /// Padding before and after: one pair for each axis, or one for all.
    static member Pairs([<ParamArray>] widths: struct (int * int)[]) = Padding(false, Array.copy widths)

    /// The same padding at all ends.
    static member op_Implicit(all: int) = Padding.Each all
    /// The padding of rows and columns.
    static member op_Implicit(struct (y: int, x: int)) = Padding.Each(y, x)
    /// The padding of planes, rows and columns.
    static member op_Implicit(struct (z: int, y: int, x: int)) = Padding.Each(z, y, x)

    /// Whether it is as much as makes a result of length ceil (length / stride).
    member _.IsSame = isSame
    /// Before and after, one pair for each axis or one for all; none if it depends on the images.
    member _.Widths = widths
    override _.ToString() =
        let width (struct (a, b)) = if a = b then $"{a}" else $"({a}, {b})"
        if isSame then "same" else String.Join(", ", Array.map width widths)

/// How windows lie on the axes of images.
[<RequireQualifiedAccess>]
module internal Windows =
    /// The names of the axes of images with 1 to 3 axes.
    let axisNames count =
        if count = 1 then [| "length" |]
        elif count = 2 then [| "height"; "width" |]
        else [| "depth"; "height"; "width" |]

    /// "3 x 3".
    let sizes (lengths: int[]) = String.Join(" x ", lengths)

    let private spread operation what count (values: 'v[]) =
        if values.Length = count then
            values
        elif values.Length = 1 then
            Array.create count values[0]
        else
            Shape.fail
                operation
                $"{values.Length} numbers of {what} were given for {count} axes; give one for each, or one for all."

    /// The numbers for each axis; without any, some default.
    let perAxis operation what (defaults: int[]) (values: PerAxis) =
        if isNull values.Values then
            defaults
        else
            spread operation what defaults.Length values.Values

    /// The strides and dilations of windows, at least 1.
    let steps operation what count (values: PerAxis) =
        let values = perAxis operation what (Array.create count 1) values

        if values |> Array.exists (fun n -> n < 1) then
            Shape.fail operation $"the {what} {Shape.format values} must be at least 1 along each axis."

        values

    /// The padding before and after each axis, where it does not depend on the lengths.
    let widths operation count (padding: Padding) =
        let padding = if isNull padding then Padding.Valid else padding
        let widths = spread operation "padding" count padding.Widths

        if widths |> Array.exists (fun struct (a, b) -> a < 0 || b < 0) then
            Shape.fail operation $"the padding {padding} must be at least 0 at each end."

        widths

    /// The windows of images of given lengths.
    let axes operation (lengths: int[]) (kernel: int[]) (stride: PerAxis) (padding: Padding) (dilation: PerAxis) =
        let count = lengths.Length
        let stride, dilation = steps operation "stride" count stride, steps operation "dilation" count dilation
        let span i = (kernel[i] - 1) * dilation[i] + 1

        let widths =
            if not (isNull padding) && padding.IsSame then
                Array.init count (fun i ->
                    let windows = (lengths[i] + stride[i] - 1) / stride[i]
                    let total = max 0 ((windows - 1) * stride[i] + span i - lengths[i])
                    struct (total / 2, total - total / 2))
            else
                widths operation count padding

        let axes =
            Array.init count (fun i ->
                let struct (before, after) = widths[i]
                WindowAxis(lengths[i], kernel[i], stride[i], before, after, dilation[i]))

        if Seq.exists2 (fun (axis: WindowAxis) k -> k < 1 || axis.Output < 1) axes kernel then
            Shape.fail
                operation
                $"windows of {sizes kernel} (dilation {Shape.format dilation}) do not fit into images of {sizes lengths} with padding {Padding.Pairs widths}."

        axes

    /// Images with fewer than three axes have unit axes before them.
    let ofThree (axes: WindowAxis[]) =
        let all = Array.append (Array.create (3 - axes.Length) WindowAxis.Unit) axes
        struct (all[0], all[1], all[2])
