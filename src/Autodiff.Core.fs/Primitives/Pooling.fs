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

    /// Runs the pooling of more volumes on examples whose images come one after another.
    let private pooledAll (s: PoolShape) size primitive (inputs: Tensor[]) (isBatched: bool[]) =
        let all: Primitive = primitive (PoolShape(s.Volumes * size, s.Z, s.Y, s.X))
        let inputs = Batching.fronts size inputs isBatched
        let fold (x: Tensor) = reshape (Array.append [| x.Shape[0] * x.Shape[1] |] x.Shape[2..]) x
        let y = Tensor.Bind(all, Array.map fold inputs)
        reshape (Array.append [| size; inputs[0].Shape[1] |] y.Shape[1..]) y

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
        let s = shape operation axes window stride padding x
        Tensor.Bind(gatherP s, x, Tensor.Bind(positionsP s, x))

    /// The means of windows; padding counts as zeros.
    let averagePool operation axes window stride padding (x: Tensor) : Tensor =
        Tensor.Bind(averageP (shape operation axes window stride padding x), x)
