namespace Autodiff

open Autodiff.Kernels

/// Complex numbers. Tensors are real: a complex tensor is the pair of its real and imaginary parts, which have one shape
/// and type. A primitive has one input for the two: a last axis of length 2, behind which the parts lie one after the
/// other in memory, so that taking them apart copies nothing.
module internal ComplexPairs =
    /// Both parts in the shape and the floating type that hold both.
    let matched name (re: Tensor, im: Tensor) : Tensor * Tensor =
        Tensor.NotNull(name, re)
        Tensor.NotNull(name, im)
        let dtype = DTypes.Promote(DTypes.Promote(re.DType, im.DType), DType.Float32)
        let shape = Shape.broadcast name re.Shape im.Shape
        let full (x: Tensor) = Tensor.BroadcastTo(Tensor.Cast(x, dtype), shape)
        full re, full im

    /// A pair of one shape in one tensor.
    let pack (re: Tensor, im: Tensor) : Tensor = moveAxis 0 re.Rank (concat 0 [| expandAxis 0 re; expandAxis 0 im |])

    let unpack (packed: Tensor) : Tensor * Tensor =
        let last = packed.Rank - 1
        let part i =
            slice
                (Array.updateAt last i (Array.zeroCreate packed.Rank))
                (Array.updateAt last 1 packed.Shape)
                (Array.create packed.Rank 1)
                packed
            |> reshape packed.Shape[.. last - 1]

        part 0, part 1

    /// The discrete Fourier transform F is symmetric, so that its transpose among pairs of real numbers, which is its
    /// conjugate transpose, is the transform with the other sign in the exponent.
    let rec private fftP (axis: int) (inverse: bool) (scale: float) =
        { new LinearPrimitive("fft") with
            member _.Parameters = [ "axis", box axis; "inverse", box inverse; "scale", box scale ]

            member _.Shape inputs =
                let x = inputs[0]

                if not (DTypes.IsFloat x.DType) then
                    Shape.fail "fft" $"{DTypes.Name x.DType} is not a floating-point type; convert with To."

                if x.Rank < 2 || x.Shape[x.Rank - 1] <> 2 || axis > x.Rank - 2 then
                    Shape.fail
                        "fft"
                        $"a tensor of shape {Shape.format x.Shape} does not hold pairs in its last axis, behind axis {axis}."

                if x.Shape[axis] = 0 then
                    Shape.fail
                        "fft"
                        $"axis {axis} of {Shape.format x.Shape[.. x.Rank - 2]} is empty; a transform needs one element or more."

                { Shape = x.Shape; DType = x.DType }

            member _.Value(inputs, _) =
                let x = inputs[0]
                let last = x.Rank - 1

                let part i =
                    let lead = x.Shape[.. last - 1]
                    let strides = x.ExplicitStrides
                    let isContiguous = Shape.equal strides[.. last - 1] (Shape.rowMajorStrides lead)
                    let distance = if x.Size = 0 then 0 else i * strides[last]
                    x.View(lead, (if isContiguous then null else strides[.. last - 1]), x.Offset + distance)

                x.Device.Fft(part 0, part 1, axis, inverse, scale)

            member _.Transpose(_, ct) = Tensor.Bind(fftP axis (not inverse) scale, ct)
            member _.Batch(inputs, _, _) = Tensor.Bind(fftP (axis + 1) inverse scale, inputs) }

    /// scale times the sums of x_j exp(-2 pi i j k / n) along an axis; the inverse has the other sign.
    let fft (axis: int) (inverse: bool) (scale: float) (z: Tensor * Tensor) : Tensor * Tensor =
        let re, im = z

        if re.Level = 0L && im.Level = 0L && re.Shape[axis] > 0 then
            // Without derivatives the parts need not be brought together.
            unpack (Concrete(re.Device.Fft(re.Array, im.Array, axis, inverse, scale)))
        else
            unpack (Tensor.Bind(fftP axis inverse scale, pack z))
