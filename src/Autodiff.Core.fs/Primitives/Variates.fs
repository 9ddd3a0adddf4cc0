namespace Autodiff

open Autodiff.Kernels

/// Random numbers with parameters for each, and the derivative of gamma variables with respect to their concentration.
module internal Variates =
    /// The states of keys, which are int64.
    let states (keys: NDArray) : uint64[] = Host.toArray<int64> keys |> Array.map uint64

    /// What one key draws, or what each of several draws, along leading axes. `draw i key` has the shape of one example.
    let drawEach (keys: NDArray) (dtype: DType) (example: int[]) (draw: int -> uint64 -> NDArray) : NDArray =
        let shape = Array.append keys.Shape example

        match Array.mapi draw (states keys) with
        | [| one |] -> one.View(shape, null, one.Offset)
        | [||] -> keys.Device.Fill(dtype, shape, 0.0)
        | many ->
            let row (x: NDArray) = let x = x.Device.Contiguous x in x.View(Array.append [| 1 |] example, null, x.Offset)

            let all = keys.Device.Concat(Array.map row many, 0, Array.append [| many.Length |] example)
            all.View(shape, null, all.Offset)

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

    /// A draw has no derivative. The first input is the key, or one for each of the leading axes that `hidden` counts:
    /// those that batching put before the axes of the user, so that each example has the numbers that it has alone.
    let rec private drawP (variate: RandomVariate) (hidden: int) =
        let name = nameOf variate

        { new Primitive(name) with
            member _.Parameters = [ "hidden", box hidden ]

            member _.Shape inputs =
                let key, like = inputs[0], likeFirst name inputs[1..]

                if key.DType <> DType.Int64 then
                    Shape.fail name $"a key is an int64, not {DTypes.Name key.DType}."

                if key.Rank > 0 && not (Shape.equal key.Shape like.Shape[.. hidden - 1]) then
                    Shape.fail
                        name
                        $"keys of shape {Shape.format key.Shape} do not fit examples of shape {Shape.format like.Shape[.. hidden - 1]}."

                if variate = RandomVariate.LogGamma then like else { like with DType = DType.Int64 }

            member _.Value(inputs, out) =
                let key, example = inputs[0], out.Shape[hidden..]
                let count = int (Shape.size example)
                let draw key parameters = inputs[0].Device.RandomFrom(variate, key, parameters, count, out.DType)

                if key.Rank = 0 then
                    draw (Array.head (states key)) inputs[1..]
                else
                    let parameters = inputs[1..] |> Array.map (fun p -> p.Device.Contiguous p)
                    drawEach key out.DType example (fun i state ->
                        parameters |> Array.map (fun p -> p.View(example, null, p.Offset + i * count)) |> draw state)

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null

            member _.Batch(inputs, isBatched, size) =
                let parameters = Batching.fronts size inputs[1..] isBatched[1..]
                let key = inputs[0]

                let key =
                    if key.Rank = 0 then
                        key
                    elif isBatched[0] && key.Rank = 1 then
                        let apart = Tensor.Reshaped(key, Batching.shape size (Array.create hidden 1))
                        Tensor.BroadcastTo(apart, parameters[0].Shape[..hidden])
                    else
                        Batching.front size key isBatched[0]

                Tensor.Bind(drawP variate (hidden + 1), Array.append [| key |] parameters) }

    /// Parameters of one shape, with the axes of keys before their own.
    let private forKeys (key: Tensor) (parameters: Tensor[]) : Tensor[] =
        if key.Rank = 0 then
            parameters
        else
            parameters |> Array.map (fun p -> Tensor.BroadcastTo(p, Array.append key.Shape p.Shape))

    /// Numbers that depend only on the key, their parameters and their position.
    let draw variate (key: Tensor) (parameters: Tensor[]) : Tensor =
        Tensor.Bind(drawP variate key.Rank, Array.append [| key |] (forKeys key parameters))

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
    let logGamma (key: Tensor) (concentration: Tensor) : Tensor =
        let concentration = Array.head (forKeys key [| concentration |])
        let constant = Tensor.StopGradient concentration
        let y = Tensor.Bind(drawP RandomVariate.LogGamma key.Rank, key, constant)
        if concentration.Level = 0L then y else gammaTransport concentration constant y
