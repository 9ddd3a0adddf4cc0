namespace Autodiff

open System
open Autodiff.Kernels

/// Functions of each element that no operator needs.
[<AutoOpen>]
module internal Elementwise =
    let private likeScalar (x: Tensor) value = Tensor.ScalarOf(x, value)
    let private none = Func<_, _, _, _, _>(fun (_: Tensor) (_: Tensor) (_: Tensor) (_: Tensor) -> (null: Tensor))

    /// x, as float32 if its type has no fractions. Null is an error of an operation.
    let floating operation (x: Tensor) : Tensor =
        Tensor.NotNull(operation, x)
        if DTypes.IsFloat x.DType then x else Tensor.Cast(x, DType.Float32)

    let cbrtP = UnaryPrimitive(Unary.Cbrt, (fun _ y t -> t / (Tensor.Square y * 3.0)))
    let asinhP = UnaryPrimitive(Unary.Asinh, (fun x _ t -> t * Tensor.Rsqrt(Tensor.Square x + 1.0)))
    let acoshP = UnaryPrimitive(Unary.Acosh, (fun x _ t -> t * Tensor.Rsqrt((x - 1.0) * (x + 1.0))))
    let atanhP = UnaryPrimitive(Unary.Atanh, (fun x _ t -> t / ((1.0 - x) * (1.0 + x))))

    let erfcP =
        UnaryPrimitive(Unary.Erfc, (fun x _ t -> t * Tensor.Exp(-(Tensor.Square x)) * (-2.0 / Math.Sqrt Math.PI)))

    let erfinvP =
        UnaryPrimitive(Unary.Erfinv, (fun _ y t -> t * Tensor.Exp(Tensor.Square y) * (Math.Sqrt Math.PI / 2.0)))

    let erfcinvP =
        UnaryPrimitive(Unary.Erfcinv, (fun _ y t -> t * Tensor.Exp(Tensor.Square y) * (-0.5 * Math.Sqrt Math.PI)))

    /// The derivative of order n of digamma; its own derivative is the next order.
    let rec private polygammaP (n: int) =
        let rule (inputs: Tensor[]) (t: Tensor) = t * Tensor.Bind(polygammaP (n + 1), inputs[0])

        { new Primitive("polygamma") with
            member _.Parameters = [ "n", box n ]

            member _.Shape inputs =
                if not (DTypes.IsFloat inputs[0].DType) then
                    Shape.fail "polygamma" $"{DTypes.Name inputs[0].DType} is not a type it works on; convert with To."

                { Shape = inputs[0].Shape; DType = inputs[0].DType }

            member _.Value(inputs, out) =
                let x = inputs[0]
                x.Device.Binary(Binary.Polygamma, x.Device.Fill(x.DType, Shape.scalar, float n), x, out.Shape)

            member _.Jvp(inputs, _, tangents) = rule inputs tangents[0]
            member _.Vjp(inputs, _, ct, _) = rule inputs ct
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs) }

    let polygamma (n: int) (x: Tensor) : Tensor =
        let x = floating "polygamma" x

        if n < 0 then
            Shape.fail "polygamma" $"the order {n} is negative."

        Tensor.Bind(polygammaP n, x)

    let digammaP = UnaryPrimitive(Unary.Digamma, (fun x _ t -> t * polygamma 1 x))
    let lgammaP = UnaryPrimitive(Unary.LogGamma, (fun x _ t -> t * digammaP.Apply x))

    // Equal infinities differ by 0, not NaN: there each side has half of the derivative, as at any tie.
    let private difference (x: Tensor) (y: Tensor) =
        let isInfinite = Tensor.EqualTo(Tensor.Abs x, likeScalar x Double.PositiveInfinity)
        let areSame = Tensor.And(isInfinite, Tensor.EqualTo(x, y))
        let finite (t: Tensor) = Tensor.Where(areSame, likeScalar t 0.0, t)
        finite x - finite y

    let logAddExpP =
        BinaryPrimitive(
            Binary.LogAddExp,
            (fun x y _ t -> t * Tensor.Sigmoid(difference x y)),
            (fun x y _ t -> t * Tensor.Sigmoid(difference y x))
        )

    /// x / z, and 0 where z is 0.
    let private quotientOrZero (x: Tensor) (z: Tensor) =
        let isZero = Tensor.EqualTo(z, likeScalar z 0.0)
        Tensor.Where(isZero, likeScalar z 0.0, x / Tensor.Where(isZero, likeScalar z 1.0, z))

    let hypotP =
        BinaryPrimitive(Binary.Hypot, (fun x _ z t -> t * quotientOrZero x z), (fun _ y z t -> t * quotientOrZero y z))

    let copySignP = BinaryPrimitive(Binary.CopySign, (fun x _ z t -> t * (Tensor.Signum x * Tensor.Signum z)), none)

    let floorDivideP = BinaryPrimitive(Binary.FloorDivide, none, none)

    let remainderP =
        BinaryPrimitive(Binary.Remainder, (fun _ _ _ t -> t), (fun x y _ t -> -(t * floorDivideP.Apply(x, y))))

    let leftShiftP = BinaryPrimitive(Binary.LeftShift, none, none)
    let rightShiftP = BinaryPrimitive(Binary.RightShift, none, none)

    let rec private scale () = BinaryPrimitive(Binary.Ldexp, (fun _ y _ t -> (scale ()).Apply(t, y)), none)
    let ldexpP = scale ()
    let nextAfterP = BinaryPrimitive(Binary.NextAfter, (fun _ _ _ t -> t), none)
    let gcdP = BinaryPrimitive(Binary.Gcd, none, none)
