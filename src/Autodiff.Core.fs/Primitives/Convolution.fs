namespace Autodiff

open Autodiff.Kernels

/// Convolution (cross-correlation, as the field calls it) of images with one to three axes, channels first.
[<AutoOpen>]
module internal Convolution =
    /// A convolution whose images have the last `Axes` of the three axes of its sizes.
    type private Sizes = { Axes: int; All: ConvolutionShape }

    let private typeOf (x: Tensor) shape = { Shape = shape; DType = x.DType }

    let private along (s: Sizes) (length: WindowAxis -> int) =
        let lengths = [| length s.All.Z; length s.All.Y; length s.All.X |]
        lengths[3 - s.Axes ..]

    let private imageShape (s: Sizes) = Array.append [| s.All.Batch; s.All.Channels |] (along s _.Size)
    let private filterShape (s: Sizes) = Array.append [| s.All.Filters; s.All.GroupChannels |] (along s _.Kernel)
    let private outputShape (s: Sizes) = Array.append [| s.All.Batch; s.All.Filters |] (along s _.Output)

    /// The same windows on more images, channels, filters and groups.
    let private times batch channels filters groups (s: Sizes) =
        let a = s.All

        { s with
            All =
                ConvolutionShape(
                    batch * a.Batch,
                    channels * a.Channels,
                    filters * a.Filters,
                    groups * a.Groups,
                    a.Z,
                    a.Y,
                    a.X
                ) }

    // Batching. The axis of the examples joins one that they have: images, channels or filters. Within channels and
    // filters it comes after the groups, so that each group has its own; where both factors are batched, examples are
    // groups.

    /// (b, g k, ...) as (g b k, ...).
    let private joinFirst groups (x: Tensor) =
        let b, n, rest = x.Shape[0], x.Shape[1], x.Shape[2..]

        x
        |> reshape (Array.append [| b; groups; n / groups |] rest)
        |> moveAxis 0 1
        |> reshape (Array.append [| b * n |] rest)

    /// (g b k, ...) as (b, g k, ...).
    let private splitFirst groups size (x: Tensor) =
        let n, rest = x.Shape[0], x.Shape[1..]

        x
        |> reshape (Array.append [| groups; size; n / (groups * size) |] rest)
        |> moveAxis 1 0
        |> reshape (Array.append [| size; n / size |] rest)

    /// (b, n, g k, ...) as (n, g b k, ...).
    let private joinSecond groups (x: Tensor) =
        let b, n, c, rest = x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3..]

        x
        |> reshape (Array.append [| b; n; groups; c / groups |] rest)
        |> moveAxis 0 2
        |> reshape (Array.append [| n; b * c |] rest)

    /// (n, g b k, ...) as (b, n, g k, ...).
    let private splitSecond groups size (x: Tensor) =
        let n, c, rest = x.Shape[0], x.Shape[1], x.Shape[2..]

        x
        |> reshape (Array.append [| n; groups; size; c / (groups * size) |] rest)
        |> moveAxis 2 0
        |> reshape (Array.append [| size; n; c / size |] rest)

    // The three maps are each other's transposes: <conv (x, w), ct> is linear in all of x, w and ct.
    let rec private forwardP (s: Sizes) =
        { new BilinearPrimitive("conv") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (outputShape s)
            member _.Value(inputs, out) = inputs[0].Device.Convolve(s.All, inputs[0], inputs[1], out.Shape)

            member _.Transpose(inputs, ct, input) =
                if input = 0 then
                    Tensor.Bind(inputGradientP s, ct, inputs[1])
                else
                    Tensor.Bind(filterGradientP s, inputs[0], ct)

            member _.Batch(inputs, isBatched, size) =
                let x, w, groups = inputs[0], inputs[1], s.All.Groups

                match isBatched[0], isBatched[1] with
                | true, false -> Tensor.Bind(forwardP (times size 1 1 1 s), joinFirst 1 x, w) |> splitFirst 1 size
                | false, _ ->
                    Tensor.Bind(forwardP (times 1 1 size 1 s), x, joinFirst groups w) |> splitSecond groups size
                | _ ->
                    Tensor.Bind(forwardP (times 1 size size size s), joinSecond 1 x, joinFirst 1 w)
                    |> splitSecond 1 size }

    and private inputGradientP s =
        { new BilinearPrimitive("convInputGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (imageShape s)
            member _.Value(inputs, out) = inputs[0].Device.ConvolveInputGradient(s.All, inputs[0], inputs[1], out.Shape)

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(forwardP s, v, inputs[1])
                else
                    Tensor.Bind(filterGradientP s, v, inputs[0])

            member _.Batch(inputs, isBatched, size) =
                let ct, w, groups = inputs[0], inputs[1], s.All.Groups

                match isBatched[0], isBatched[1] with
                | true, false ->
                    Tensor.Bind(inputGradientP (times size 1 1 1 s), joinFirst 1 ct, w) |> splitFirst 1 size
                | false, _ ->
                    Tensor.Bind(inputGradientP (times 1 size 1 1 s), ct, joinSecond 1 w) |> splitSecond groups size
                | _ ->
                    Tensor.Bind(inputGradientP (times 1 size size size s), joinSecond 1 ct, joinFirst 1 w)
                    |> splitSecond 1 size }

    and private filterGradientP s =
        { new BilinearPrimitive("convFilterGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (filterShape s)
            member _.Value(inputs, out) =
                inputs[0].Device.ConvolveFilterGradient(s.All, inputs[0], inputs[1], out.Shape)

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(inputGradientP s, inputs[1], v)
                else
                    Tensor.Bind(forwardP s, inputs[0], v)

            member _.Batch(inputs, isBatched, size) =
                let x, ct, groups = inputs[0], inputs[1], s.All.Groups

                match isBatched[0], isBatched[1] with
                | true, false ->
                    Tensor.Bind(filterGradientP (times 1 size 1 1 s), joinSecond groups x, ct) |> splitSecond 1 size
                | false, _ ->
                    Tensor.Bind(filterGradientP (times 1 1 size 1 s), x, joinSecond groups ct) |> splitFirst groups size
                | _ ->
                    Tensor.Bind(filterGradientP (times 1 size size size s), joinSecond 1 x, joinSecond 1 ct)
                    |> splitFirst 1 size }

    /// Checks what convolutions and their transposes share, and brings both factors to one type.
    let private prepared operation axes firstAxes groups (x: Tensor) (filters: Tensor) =
        for t in [ x; filters ] do
            Tensor.NotNull(operation, t)

            if not (DTypes.IsFloat t.DType) then
                Shape.fail operation $"{DTypes.Name t.DType} is not a floating-point type; convert with To."

        if x.Rank <> axes + 2 || filters.Rank <> axes + 2 then
            let names = System.String.Join(", ", Windows.axisNames axes)

            Shape.fail
                operation
                $"images have shape {Shape.format x.Shape} and filters {Shape.format filters.Shape}; they must be (batch, channels, {names}) and ({firstAxes}, {names})."

        if groups < 1 then
            Shape.fail operation $"{groups} groups were asked for; there is at least one."

        let dtype = DTypes.Promote(x.DType, filters.DType)
        struct (Tensor.Cast(x, dtype), Tensor.Cast(filters, dtype))

    /// The groups as an error tells of them, if there are any.
    let private inGroups groups = if groups = 1 then "" else $" for each of {groups} groups"

    /// Images x (n, c, ...) correlated with filters (f, c / groups, ...), with 1 to 3 axes.
    let convolve operation axes stride padding dilation groups (x: Tensor) (filters: Tensor) : Tensor =
        let struct (x, filters) = prepared operation axes "filters, channels" groups x filters

        if x.Shape[1] <> filters.Shape[1] * groups then
            Shape.fail
                operation
                $"images {Shape.format x.Shape} have {x.Shape[1]} channels, filters {Shape.format filters.Shape} have {filters.Shape[1]}{inGroups groups}."

        if filters.Shape[0] % groups <> 0 then
            Shape.fail
                operation
                $"the {filters.Shape[0]} filters of {Shape.format filters.Shape} cannot be split into {groups} equal groups."

        let windows = Windows.axes operation x.Shape[2..] filters.Shape[2..] stride padding dilation
        let struct (z, y, x') = Windows.ofThree windows
        let s =
            { Axes = axes
              All = ConvolutionShape(x.Shape[0], x.Shape[1], filters.Shape[0], groups, z, y, x') }
        Tensor.Bind(forwardP s, x, filters)

    /// The transpose in its images of the convolution with filters (c, f / groups, ...), applied to x (n, c, ...).
    let convolveTransposed operation axes stride padding outputPadding dilation groups (x: Tensor) (filters: Tensor) =
        let struct (x, filters) = prepared operation axes "channels, filters" groups x filters

        if x.Shape[1] <> filters.Shape[0] || x.Shape[1] % groups <> 0 then
            Shape.fail
                operation
                $"images {Shape.format x.Shape} have {x.Shape[1]} channels, filters {Shape.format filters.Shape} have {filters.Shape[0]}; they must be equal, and split into {groups} equal groups."

        if not (isNull padding) && (padding: Padding).IsSame then
            Shape.fail operation "padding of the same length is not defined for a transposed convolution; give numbers."

        let stride, dilation =
            Windows.steps operation "stride" axes stride, Windows.steps operation "dilation" axes dilation
        let widths = Windows.widths operation axes padding
        let extra = Windows.perAxis operation "outputPadding" (Array.zeroCreate axes) outputPadding

        let windows =
            Array.init axes (fun i ->
                let struct (before, after) = widths[i]
                let n, k = x.Shape[i + 2], filters.Shape[i + 2]
                let whole = (n - 1) * stride[i] + (k - 1) * dilation[i] + 1
                let length = whole - before - after + extra[i]

                if extra[i] < 0 || extra[i] >= max stride[i] dilation[i] then
                    Shape.fail
                        operation
                        $"an outputPadding of {extra[i]} must be at least 0 and smaller than the stride {stride[i]} or the dilation {dilation[i]}."

                if length < 1 || k < 1 then
                    Shape.fail
                        operation
                        $"images of {Windows.sizes x.Shape[2..]} and filters of {Windows.sizes filters.Shape[2..]} give an axis of length {whole + extra[i]}, which padding {padding} uses up."

                // The convolution has as many windows as x has places: what outputPadding adds at the end has none.
                WindowAxis(length, k, stride[i], before, after - extra[i], dilation[i]))

        let struct (z, y, x') = Windows.ofThree windows
        let s =
            { Axes = axes
              All = ConvolutionShape(x.Shape[0], filters.Shape[1] * groups, x.Shape[1], groups, z, y, x') }
        Tensor.Bind(inputGradientP s, x, filters)
