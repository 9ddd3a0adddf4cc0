namespace Autodiff

open Autodiff.Kernels

/// Pooling of images with one to three axes, channels first.
[<AutoOpen>]
module internal Pooling =
    let private typeOf (x: Tensor) shape = { Shape = shape; DType = x.DType }

    /// The shape with other lengths along the axes of the images.
    let private along (s: PoolShape) (length: WindowAxis -> int) (x: Tensor) =
        let lengths = [| length s.Z; length s.Y; length s.X |]
        Array.append x.Shape[..1] lengths[5 - x.Rank ..]

    let private pooled s x = along s _.Output x
    let private unpooled s x = along s _.Size x

    // Batching: the images of all examples come one after another.
    let private times size (s: PoolShape) = PoolShape(s.Volumes * size, s.Z, s.Y, s.X)
    let private fold (x: Tensor) = reshape (Array.append [| x.Shape[0] * x.Shape[1] |] x.Shape[2..]) x

    let private unfold size (images: int) (y: Tensor) = reshape (Array.append [| size; images |] y.Shape[1..]) y

    let private pooledAll (s: PoolShape) size primitive (inputs: Tensor[]) (isBatched: bool[]) =
        let all: Primitive = primitive (times size s)
        let inputs = Batching.fronts size inputs isBatched
        Tensor.Bind(all, Array.map fold inputs) |> unfold size inputs[0].Shape[1]

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

    /// The maxima of windows, and their int32 positions within each volume.
    [<Sealed; AllowNullLiteral>]
    type private MaxPoolPrimitive(s: PoolShape) =
        inherit MultiPrimitive("maxPool")
        override _.Parameters = [ "shape", box s ]

        override _.Shapes inputs =
            let values = typeOf inputs[0] (pooled s inputs[0])
            [| values; { values with DType = DType.Int32 } |]

        override _.Values(inputs, outs) =
            let struct (values, positions) = inputs[0].Device.MaxPool(s, inputs[0], outs[0].Shape)
            [| values; positions |]

        override this.Jvp(inputs, tangents) =
            let ys = Tensor.BindAll(this, inputs)

            struct (ys, [| (if isNull tangents[0] then null else Tensor.Bind(gatherP s, tangents[0], ys[1])); null |])

        override _.Vjp(_, outputs, cts, _) =
            [| (if isNull cts[0] then null else Tensor.Bind(scatterP s, cts[0], outputs[1])) |]

        override _.Batch(inputs, _, size) =
            let ys = Tensor.BindAll(MaxPoolPrimitive(times size s), [| fold inputs[0] |])
            struct (ys |> Array.map (unfold size inputs[0].Shape[1]), [| true; true |])

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

    /// Images (batch, channels, ...) of floats.
    let internal checkImages operation axes (x: Tensor) =
        Tensor.NotNull(operation, x)
        if not (DTypes.IsFloat x.DType) then
            Shape.fail operation $"{DTypes.Name x.DType} is not a floating-point type; convert with To."

        if x.Rank <> axes + 2 then
            let names = System.String.Join(", ", Windows.axisNames axes)
            Shape.fail operation $"images have shape {Shape.format x.Shape}; it must be (batch, channels, {names})."

    /// The windows of pooling; their stride is by default their size.
    let private shape operation axes (window: PerAxis) (stride: PerAxis) (padding: Padding) (x: Tensor) =
        checkImages operation axes x
        let window = Windows.steps operation "window" axes window
        let stride = if isNull stride.Values then PerAxis window else stride
        let windows = Windows.axes operation x.Shape[2..] window stride padding (PerAxis 1)

        for axis in windows do
            if axis.PadBefore >= axis.Kernel || axis.PadAfter >= axis.Kernel then
                Shape.fail
                    operation
                    $"the padding {padding} must be smaller than the window of {Windows.sizes window} along each axis, so that no window lies in it whole."

        let struct (z, y, x') = Windows.ofThree windows
        PoolShape(x.Shape[0] * x.Shape[1], z, y, x')

    /// The maxima of windows. The first maximum of a window receives its derivative.
    let maxPool operation axes window stride padding (x: Tensor) : Tensor =
        Tensor.BindAll(MaxPoolPrimitive(shape operation axes window stride padding x), [| x |])[0]

    /// The means of windows; padding counts as zeros.
    let averagePool operation axes window stride padding (x: Tensor) : Tensor =
        Tensor.Bind(averageP (shape operation axes window stride padding x), x)
