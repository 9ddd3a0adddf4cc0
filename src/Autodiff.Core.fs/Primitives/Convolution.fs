namespace Autodiff

open Autodiff.Kernels

/// Convolution (cross-correlation, as the field calls it) and pooling of images: batch, channels, height, width.
[<AutoOpen>]
module internal Convolution =
    let private typeOf (x: Tensor) shape = { Shape = shape; DType = x.DType }
    let private imageShape (s: ConvolutionShape) = [| s.Batch; s.Channels; s.Height; s.Width |]
    let private filterShape (s: ConvolutionShape) = [| s.Filters; s.Channels; s.KernelHeight; s.KernelWidth |]
    let private outputShape (s: ConvolutionShape) = [| s.Batch; s.Filters; s.OutputHeight; s.OutputWidth |]

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
                    Tensor.Bind(filterGradientP s, inputs[0], ct) }

    and private inputGradientP s =
        { new BilinearPrimitive("conv2dInputGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (imageShape s)
            member _.Value(inputs, _) = inputs[0].Device.ConvolveInputGradient(s, inputs[0], inputs[1])

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(forwardP s, v, inputs[1])
                else
                    Tensor.Bind(filterGradientP s, v, inputs[0]) }

    and private filterGradientP s =
        { new BilinearPrimitive("conv2dFilterGradient") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (filterShape s)
            member _.Value(inputs, _) = inputs[0].Device.ConvolveFilterGradient(s, inputs[0], inputs[1])

            member _.Transpose(inputs, v, input) =
                if input = 0 then
                    Tensor.Bind(inputGradientP s, inputs[1], v)
                else
                    Tensor.Bind(forwardP s, inputs[0], v) }

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
            Shape.fail name $"images {Shape.format x.Shape} have {x.Shape[1]} channels, filters {Shape.format filters.Shape} have {filters.Shape[1]}."

        if strideY < 1 || strideX < 1 || dilationY < 1 || dilationX < 1 || padY < 0 || padX < 0 then
            Shape.fail name "strides and dilations must be at least 1, paddings at least 0."

        let dtype = DTypes.Promote(x.DType, filters.DType)

        let s =
            ConvolutionShape(
                x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3],
                filters.Shape[0], filters.Shape[2], filters.Shape[3],
                strideY, strideX, padY, padY, padX, padX, dilationY, dilationX
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

        if height < 1 || width < 1 || strideY < 1 || strideX < 1 || padY < 0 || padX < 0 || padY >= height || padX >= width then
            Shape.fail name "windows and strides must be at least 1, paddings at least 0 and smaller than the window."

        let s =
            PoolShape(
                x.Shape[0] * x.Shape[1], x.Shape[2], x.Shape[3], height, width, strideY, strideX, padY, padY, padX, padX
            )

        if s.OutputHeight < 1 || s.OutputWidth < 1 then
            Shape.fail name $"a window of {height} x {width} does not fit into images of {s.Height} x {s.Width} with padding {padY}, {padX}."

        s

    let private pooled (s: PoolShape) (x: Tensor) = [| x.Shape[0]; x.Shape[1]; s.OutputHeight; s.OutputWidth |]
    let private unpooled (s: PoolShape) (x: Tensor) = [| x.Shape[0]; x.Shape[1]; s.Height; s.Width |]

    let private positionsP (s: PoolShape) =
        { new Primitive("maxPoolPositions") with
            member _.Parameters = [ "shape", box s ]

            member _.Shape inputs =
                { Shape = pooled s inputs[0]
                  DType = DType.Int32 }

            member _.Value(inputs, out) =
                let struct (_, positions) = inputs[0].Device.MaxPool(s, inputs[0], out.Shape)
                positions

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null }

    let rec private gatherP (s: PoolShape) =
        { new LinearPrimitive("maxPoolGather") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (pooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.MaxPoolGather(s, inputs[0], inputs[1], out.Shape)
            member _.Transpose(inputs, ct) = Tensor.Bind(scatterP s, ct, inputs[1]) }

    and private scatterP s =
        { new LinearPrimitive("maxPoolScatter") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (unpooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.MaxPoolScatter(s, inputs[0], inputs[1], out.Shape)
            member _.Transpose(inputs, ct) = Tensor.Bind(gatherP s, ct, inputs[1]) }

    /// The maxima of windows of images (n, c, h, w). The first maximum of a window receives its derivative.
    let maxPool2d window stride padding (x: Tensor) : Tensor =
        let s = poolShape "maxPool2d" window stride padding x
        Tensor.Bind(gatherP s, x, Tensor.Bind(positionsP s, x))

    let rec private averageP (s: PoolShape) =
        { new LinearPrimitive("averagePool") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (pooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.AveragePool(s, inputs[0], out.Shape)
            member _.Transpose(_, ct) = Tensor.Bind(averageTransposeP s, ct) }

    and private averageTransposeP s =
        { new LinearPrimitive("averagePoolTranspose") with
            member _.Parameters = [ "shape", box s ]
            member _.Shape inputs = typeOf inputs[0] (unpooled s inputs[0])
            member _.Value(inputs, out) = inputs[0].Device.AveragePoolTranspose(s, inputs[0], out.Shape)
            member _.Transpose(_, ct) = Tensor.Bind(averageP s, ct) }

    /// The means of windows of images (n, c, h, w); padding counts as zeros.
    let averagePool2d window stride padding (x: Tensor) : Tensor =
        Tensor.Bind(averageP (poolShape "averagePool2d" window stride padding x), x)
