namespace Autodiff

open System
open Autodiff.Kernels

/// Convolution (cross-correlation, as the field calls it) and pooling of images: batch, channels, height, width.
[<AutoOpen>]
module internal Convolution =
    let private typeOf (x: Tensor) shape = { Shape = shape; DType = x.DType }
    let private imageShape (s: ConvolutionShape) = [| s.Batch; s.Channels; s.Height; s.Width |]
    let private filterShape (s: ConvolutionShape) = [| s.Filters; s.Channels; s.KernelHeight; s.KernelWidth |]
    let private outputShape (s: ConvolutionShape) = [| s.Batch; s.Filters; s.OutputHeight; s.OutputWidth |]

    let private sized (s: ConvolutionShape) batch channels filters =
        ConvolutionShape(
            batch,
            channels,
            s.Height,
            s.Width,
            filters,
            s.KernelHeight,
            s.KernelWidth,
            s.StrideY,
            s.StrideX,
            s.PadTop,
            s.PadBottom,
            s.PadLeft,
            s.PadRight,
            s.DilationY,
            s.DilationX
        )

    // Batching. The axis of the examples joins one that they have: images, channels or filters.

    /// (b, n, ...) as (b n, ...).
    let private fold (x: Tensor) = reshape (Array.append [| x.Shape[0] * x.Shape[1] |] x.Shape[2..]) x

    /// (b n, ...) as (b, n, ...).
    let private unfold size n (x: Tensor) = reshape (Array.append [| size; n |] x.Shape[1..]) x

    /// (b, n, c, ...) as (n, b c, ...).
    let private foldSecond (x: Tensor) =
        reshape (Array.append [| x.Shape[1]; x.Shape[0] * x.Shape[2] |] x.Shape[3..]) (moveAxis 0 1 x)

    /// (n, b c, ...) as (b, n, c, ...).
    let private unfoldSecond size c (x: Tensor) =
        moveAxis 1 0 (reshape (Array.concat [ [| x.Shape[0]; size; c |]; x.Shape[2..] ]) x)

    // Where both factors are batched, each example is a product of matrices of its own: filters (f, c kh kw), the patches
    // of the images under each window (c kh kw, n oh ow), and the result (f, n oh ow).

    let private paddedHeight (s: ConvolutionShape) = s.PadTop + s.Height + s.PadBottom
    let private paddedWidth (s: ConvolutionShape) = s.PadLeft + s.Width + s.PadRight

    /// The positions in a padded plane of the elements under each window: (kh, kw, oh, ow).
    let private windows (s: ConvolutionShape) =
        let width = paddedWidth s
        let shape = [| s.KernelHeight; s.KernelWidth; s.OutputHeight; s.OutputWidth |]
        let positions = Array.zeroCreate<int>(int (Shape.size shape))
        let mutable i = 0

        for ky in 0 .. shape[0] - 1 do
            for kx in 0 .. shape[1] - 1 do
                for oy in 0 .. shape[2] - 1 do
                    for ox in 0 .. shape[3] - 1 do
                        positions[i] <- (oy * s.StrideY + ky * s.DilationY) * width + ox * s.StrideX + kx * s.DilationX
                        i <- i + 1

        Tensor.From(ReadOnlySpan positions, shape)

    let private patchSize (s: ConvolutionShape) = s.Channels * s.KernelHeight * s.KernelWidth
    let private patchCount (s: ConvolutionShape) = s.Batch * s.OutputHeight * s.OutputWidth

    /// Images (b, n, c, h, w) as patches (b, c kh kw, n oh ow).
    let private toPatches (s: ConvolutionShape) (x: Tensor) =
        let b, height, width = x.Shape[0], paddedHeight s, paddedWidth s

        x
        |> place [| b; s.Batch; s.Channels; height; width |] [| 0; 0; 0; s.PadTop; s.PadLeft |] (Array.create 5 1)
        |> reshape [| b; s.Batch; s.Channels; height * width |]
        |> take 3 (windows s)
        |> moveAxis 1 4
        |> reshape [| b; patchSize s; patchCount s |]

    /// The transpose of toPatches.
    let private ofPatches (s: ConvolutionShape) (x: Tensor) =
        let b, height, width = x.Shape[0], paddedHeight s, paddedWidth s

        x
        |> reshape [| b; s.Channels; s.KernelHeight; s.KernelWidth; s.Batch; s.OutputHeight; s.OutputWidth |]
        |> moveAxis 4 1
        |> takeAdd 3 (height * width) (windows s)
        |> reshape [| b; s.Batch; s.Channels; height; width |]
        |> slice [| 0; 0; 0; s.PadTop; s.PadLeft |] (Batching.shape b (imageShape s)) (Array.create 5 1)

    /// Results (b, n, f, oh, ow) as (b, f, n oh ow).
    let private toColumns (s: ConvolutionShape) (y: Tensor) =
        reshape [| y.Shape[0]; s.Filters; patchCount s |] (moveAxis 1 2 y)

    let private filterRows (s: ConvolutionShape) (w: Tensor) = reshape [| w.Shape[0]; s.Filters; patchSize s |] w

    // The three maps are each other's transposes: <conv (x, w), ct> is linear in all of x, w and ct.
    let rec private forwardP (s: ConvolutionShape) =
        { new BilinearPrimitive("conv2d") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (outputShape s)
            member _.Value(inputs, _) = inputs[0].Device.Convolve(s, inputs[0], inputs[1])

            member _.Transpose(inputs, ct, input) =
                if input = 0 then
                    Tensor.Bind(inputGradientP s, ct, inputs[1])
                else
                    Tensor.Bind(filterGradientP s, inputs[0], ct)

            member _.Batch(inputs, isBatched, size) =
                let x, w = inputs[0], inputs[1]

                match isBatched[0], isBatched[1] with
                | true, false ->
                    Tensor.Bind(forwardP (sized s (size * s.Batch) s.Channels s.Filters), fold x, w)
                    |> unfold size s.Batch
                | false, _ ->
                    Tensor.Bind(forwardP (sized s s.Batch s.Channels (size * s.Filters)), x, fold w)
                    |> unfoldSecond size s.Filters
                | _ ->
                    matmul (filterRows s w) (toPatches s x)
                    |> reshape [| size; s.Filters; s.Batch; s.OutputHeight; s.OutputWidth |]
                    |> moveAxis 2 1 }

    and private inputGradientP s =
        { new BilinearPrimitive("conv2dInputGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (imageShape s)
            member _.Value(inputs, _) = inputs[0].Device.ConvolveInputGradient(s, inputs[0], inputs[1])

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(forwardP s, v, inputs[1])
                else
                    Tensor.Bind(filterGradientP s, v, inputs[0])

            member _.Batch(inputs, isBatched, size) =
                let ct, w = inputs[0], inputs[1]

                match isBatched[0], isBatched[1] with
                | true, false ->
                    Tensor.Bind(inputGradientP (sized s (size * s.Batch) s.Channels s.Filters), fold ct, w)
                    |> unfold size s.Batch
                | false, _ ->
                    Tensor.Bind(inputGradientP (sized s s.Batch (size * s.Channels) s.Filters), ct, foldSecond w)
                    |> unfoldSecond size s.Channels
                | _ -> matmul (swapLast (filterRows s w)) (toColumns s ct) |> ofPatches s }

    and private filterGradientP s =
        { new BilinearPrimitive("conv2dFilterGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (filterShape s)
            member _.Value(inputs, _) = inputs[0].Device.ConvolveFilterGradient(s, inputs[0], inputs[1])

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(inputGradientP s, inputs[1], v)
                else
                    Tensor.Bind(forwardP s, inputs[0], v)

            member _.Batch(inputs, isBatched, size) =
                let x, ct = inputs[0], inputs[1]

                match isBatched[0], isBatched[1] with
                | true, false ->
                    Tensor.Bind(filterGradientP (sized s s.Batch (size * s.Channels) s.Filters), foldSecond x, ct)
                    |> unfoldSecond size s.Channels
                | false, _ ->
                    Tensor.Bind(filterGradientP (sized s s.Batch s.Channels (size * s.Filters)), x, foldSecond ct)
                    |> unfold size s.Filters
                | _ ->
                    matmul (toColumns s ct) (swapLast (toPatches s x)) |> reshape (Batching.shape size (filterShape s)) }

    let private floats name (x: Tensor) =
        if not (DTypes.IsFloat x.DType) then
            Shape.fail name $"{DTypes.Name x.DType} is not a floating-point type; convert with To."

    /// Images x (n, c, h, w) correlated with filters (f, c, kh, kw). Strides, dilations and symmetric paddings are given
    /// for the two image axes.
    let conv2d (strideY, strideX) (padY, padX) (dilationY, dilationX) (x: Tensor) (filters: Tensor) : Tensor =
        let name = "conv2d"
        floats name x

        if x.Rank <> 4 || filters.Rank <> 4 then
            Shape.fail
                name
                $"images have shape {Shape.format x.Shape} and filters {Shape.format filters.Shape}; they must be (batch, channels, height, width) and (filters, channels, height, width)."

        if x.Shape[1] <> filters.Shape[1] then
            Shape.fail
                name
                $"images {Shape.format x.Shape} have {x.Shape[1]} channels, filters {Shape.format filters.Shape} have {filters.Shape[1]}."

        if strideY < 1 || strideX < 1 || dilationY < 1 || dilationX < 1 || padY < 0 || padX < 0 then
            Shape.fail name "strides and dilations must be at least 1, paddings at least 0."

        let dtype = DTypes.Promote(x.DType, filters.DType)

        let s =
            ConvolutionShape(
                x.Shape[0],
                x.Shape[1],
                x.Shape[2],
                x.Shape[3],
                filters.Shape[0],
                filters.Shape[2],
                filters.Shape[3],
                strideY,
                strideX,
                padY,
                padY,
                padX,
                padX,
                dilationY,
                dilationX
            )

        if s.OutputHeight < 1 || s.OutputWidth < 1 || s.KernelHeight < 1 || s.KernelWidth < 1 then
            Shape.fail
                name
                $"filters of {s.KernelHeight} x {s.KernelWidth} (dilation {dilationY}, {dilationX}) do not fit into images of {s.Height} x {s.Width} with padding {padY}, {padX}."

        Tensor.Bind(forwardP s, Tensor.Cast(x, dtype), Tensor.Cast(filters, dtype))

    let private poolShape name (height, width) (strideY, strideX) (padY, padX) (x: Tensor) =
        floats name x

        if x.Rank <> 4 then
            Shape.fail name $"images have shape {Shape.format x.Shape}; it must be (batch, channels, height, width)."

        if
            height < 1
            || width < 1
            || strideY < 1
            || strideX < 1
            || padY < 0
            || padX < 0
            || padY >= height
            || padX >= width
        then
            Shape.fail name "windows and strides must be at least 1, paddings at least 0 and smaller than the window."

        let s =
            PoolShape(
                x.Shape[0] * x.Shape[1],
                x.Shape[2],
                x.Shape[3],
                height,
                width,
                strideY,
                strideX,
                padY,
                padY,
                padX,
                padX
            )

        if s.OutputHeight < 1 || s.OutputWidth < 1 then
            Shape.fail
                name
                $"a window of {height} x {width} does not fit into images of {s.Height} x {s.Width} with padding {padY}, {padX}."

        s

    let private pooled (s: PoolShape) (x: Tensor) = [| x.Shape[0]; x.Shape[1]; s.OutputHeight; s.OutputWidth |]
    let private unpooled (s: PoolShape) (x: Tensor) = [| x.Shape[0]; x.Shape[1]; s.Height; s.Width |]

    /// Runs the pooling of more planes on examples whose images come one after another.
    let private pooledAll
        (s: PoolShape)
        size
        (primitive: PoolShape -> Primitive)
        (inputs: Tensor[])
        (isBatched: bool[])
        =
        let all =
            PoolShape(
                s.Planes * size,
                s.Height,
                s.Width,
                s.KernelHeight,
                s.KernelWidth,
                s.StrideY,
                s.StrideX,
                s.PadTop,
                s.PadBottom,
                s.PadLeft,
                s.PadRight
            )

        let inputs = Batching.fronts size inputs isBatched
        unfold size inputs[0].Shape[1] (Tensor.Bind(primitive all, Array.map fold inputs))

    let rec private positionsP (s: PoolShape) : Primitive =
        { new Primitive("maxPoolPositions") with
            member _.Parameters = [ "shape", box s ]

            member _.Shape inputs = { Shape = pooled s inputs[0]; DType = DType.Int32 }

            member _.Value(inputs, out) =
                let struct (_, positions) = inputs[0].Device.MaxPool(s, inputs[0], out.Shape)
                positions

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, isBatched, size) = pooledAll s size positionsP inputs isBatched }

    let rec private gatherP (s: PoolShape) : Primitive =
        { new LinearPrimitive("maxPoolGather") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (pooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.MaxPoolGather(s, inputs[0], inputs[1], out.Shape)
            member _.Transpose(inputs, ct) = Tensor.Bind(scatterP s, ct, inputs[1])
            member _.Batch(inputs, isBatched, size) = pooledAll s size gatherP inputs isBatched }

    and private scatterP s : Primitive =
        { new LinearPrimitive("maxPoolScatter") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (unpooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.MaxPoolScatter(s, inputs[0], inputs[1], out.Shape)
            member _.Transpose(inputs, ct) = Tensor.Bind(gatherP s, ct, inputs[1])
            member _.Batch(inputs, isBatched, size) = pooledAll s size scatterP inputs isBatched }

    /// The maxima of windows of images (n, c, h, w). The first maximum of a window receives its derivative.
    let maxPool2d window stride padding (x: Tensor) : Tensor =
        let s = poolShape "maxPool2d" window stride padding x
        Tensor.Bind(gatherP s, x, Tensor.Bind(positionsP s, x))

    let rec private averageP (s: PoolShape) : Primitive =
        { new LinearPrimitive("averagePool") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (pooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.AveragePool(s, inputs[0], out.Shape)
            member _.Transpose(_, ct) = Tensor.Bind(averageTransposeP s, ct)
            member _.Batch(inputs, isBatched, size) = pooledAll s size averageP inputs isBatched }

    and private averageTransposeP s : Primitive =
        { new LinearPrimitive("averagePoolTranspose") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (unpooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.AveragePoolTranspose(s, inputs[0], out.Shape)
            member _.Transpose(_, ct) = Tensor.Bind(averageP s, ct)
            member _.Batch(inputs, isBatched, size) = pooledAll s size averageTransposeP inputs isBatched }

    /// The means of windows of images (n, c, h, w); padding counts as zeros.
    let averagePool2d window stride padding (x: Tensor) : Tensor =
        Tensor.Bind(averageP (poolShape "averagePool2d" window stride padding x), x)
