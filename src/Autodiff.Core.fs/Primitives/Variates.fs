namespace Autodiff

open Autodiff.Kernels

/// Random numbers with parameters for each, and the derivative of gamma variables with respect to their concentration.
module internal Variates =
    let private likeFirst name (inputs: Tensor[]) =
        for x in inputs do
            if not (DTypes.IsFloat x.DType) then
                Shape.fail name $"{DTypes.Name x.DType} is not a floating-point type; convert with To."

            if not (Shape.equal x.Shape inputs[0].Shape) || x.DType <> inputs[0].DType then
                Shape.fail
                    name
                    $"{DTypes.Name inputs[0].DType} {Shape.format inputs[0].Shape} and {DTypes.Name x.DType} {Shape.format x.Shape} must have one type and shape."

        { Shape = inputs[0].Shape; DType = inputs[0].DType }

    let private nameOf variate =
        match variate with
        | RandomVariate.LogGamma -> "randomLogGamma"
        | RandomVariate.Poisson -> "randomPoisson"
        | _ -> "randomBinomial"

    /// A draw has no derivative. `hidden` counts the leading axes that batching put before those of the user, so that
    /// each example has the numbers that it has alone.
    let rec private drawP (variate: RandomVariate) (key: uint64) (hidden: int) =
        { new Primitive(nameOf variate) with
            member _.Parameters = [ "key", box key; "hidden", box hidden ]

            member _.Shape inputs =
                let like = likeFirst (nameOf variate) inputs
                if variate = RandomVariate.LogGamma then like else { like with DType = DType.Int64 }

            member _.Value(inputs, out) =
                let example = int (Shape.size out.Shape[hidden..])
                inputs[0].Device.RandomFrom(variate, key, inputs, example, out.DType)

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(drawP variate key (hidden + 1), Batching.fronts size inputs isBatched) }

    /// Numbers that depend only on the key, their parameters and their position.
    let draw variate key (parameters: Tensor[]) : Tensor = Tensor.Bind(drawP variate key 0, parameters)

    // The logarithm y of a gamma variable of concentration a has the distribution function P(a, e^y) and the density
    // q = exp (a y - e^y) / gamma a.

    let private logDensity (a: Tensor) (y: Tensor) = a * y - Tensor.Exp y - lgammaP.Apply a

    /// The derivative of q of order n with respect to a, over q: the complete Bell polynomial of the derivatives of
    /// log q, which are y - digamma a, - trigamma a, and so on.
    let private densityDerivative (n: int) (a: Tensor) (y: Tensor) : Tensor =
        let slopes = Array.init n (fun k -> if k = 0 then y - digammaP.Apply a else -(polygamma k a))

        let bell: Tensor[] = Array.zeroCreate (n + 1)
        bell[0] <- Tensor.ScalarOf(a, 1.0)

        for m in 1..n do
            // The binomial coefficient (m - 1 over k).
            let mutable choices = 1.0

            for k in 0 .. m - 1 do
                let term = bell[m - 1 - k] * slopes[k] * choices
                bell[m] <- if k = 0 then term else bell[m] + term
                choices <- choices * float (m - 1 - k) / float (k + 1)

        bell[n]

    /// The derivative of P of order n with respect to a, over q; its own derivatives hold that of the next order.
    let rec private levelP (n: int) =
        let rule (inputs: Tensor[]) output (t: Tensor) input =
            let a, y = inputs[0], inputs[1]

            if input = 0 then
                t * (Tensor.Bind(levelP (n + 1), a, y) - output * (y - digammaP.Apply a))
            else
                t * (densityDerivative n a y - output * (a - Tensor.Exp y))

        { new Primitive("gammaLevel") with
            member _.Parameters = [ "n", box n ]
            member _.Shape inputs = likeFirst "gammaLevel" inputs
            member _.Value(inputs, _) = inputs[0].Device.GammaDerivative(n, inputs[0], inputs[1])

            member _.Jvp(inputs, output, tangents) =
                let part i = if isNull tangents[i] then null else rule inputs output tangents[i] i
                Tensor.AddTangents(part 0, part 1)

            member _.Vjp(inputs, output, ct, input) = rule inputs output ct input
            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    /// The y of concentration a at the level that another one has for its concentration: P(a, e^y) = P(b, e^x). Moving
    /// along it as the concentration changes is the implicit reparameterization of the gamma distribution (M. Figurnov,
    /// S. Mohamed and A. Mnih 2018): dy/da = -(dP/da) / q.
    let private transportP =
        let rule (inputs: Tensor[]) (y: Tensor) (t: Tensor) input =
            let a, b, x = inputs[0], inputs[1], inputs[2]
            let level a y = Tensor.Bind(levelP 1, a, y)
            let ratio () = Tensor.Exp(logDensity b x - logDensity a y)

            match input with
            | 0 -> -(t * level a y)
            | 1 -> t * level b x * ratio ()
            | _ -> t * ratio ()

        { new Primitive("gammaTransport") with
            member _.Shape inputs = likeFirst "gammaTransport" inputs
            member _.Value(inputs, _) = inputs[0].Device.GammaTransport(inputs[0], inputs[1], inputs[2])

            member _.Jvp(inputs, output, tangents) =
                let part i = if isNull tangents[i] then null else rule inputs output tangents[i] i
                Tensor.AddTangents(Tensor.AddTangents(part 0, part 1), part 2)

            member _.Vjp(inputs, output, ct, input) = rule inputs output ct input
            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    let gammaLevel n (a: Tensor) (y: Tensor) : Tensor = Tensor.Bind(levelP n, a, y)
    let gammaTransport (a: Tensor) (b: Tensor) (y: Tensor) : Tensor = Tensor.Bind(transportP, a, b, y)

    /// The logarithm of gamma variables. A draw for the concentration as a constant stays where it is when it is
    /// transported to the same concentration; only its derivative is that of the level.
    let logGamma key (concentration: Tensor) : Tensor =
        let constant = Tensor.StopGradient concentration
        let y = draw RandomVariate.LogGamma key [| constant |]
        if concentration.Level = 0L then y else gammaTransport concentration constant y
