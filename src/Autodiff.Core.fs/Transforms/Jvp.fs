namespace Autodiff

/// A primal with its tangent: a tensor of forward mode.
[<Sealed; AllowNullLiteral>]
type internal Dual(trace: Trace, primal: Tensor, tangent: Tensor) =
    inherit Tensor(trace.Level, primal.Shape, primal.DType)
    member _.Primal = primal
    member _.Tangent = tangent
    override _.Trace = trace
    override _.Array = primal.Array
    override _.IsKnown = primal.IsKnown
    override _.Device = primal.Device
    override _.RulesOf primitive = primal.RulesOf primitive
    override _.ToString() = primal.ToString()

/// Forward mode. `jvp : (a -> b) -> a -> T a -> b * T b`.
[<Sealed>]
type internal JvpTrace() =
    inherit Trace()

    /// The primals of tensors, and their tangents of this trace; null where there is none.
    member this.Split(inputs: Tensor[]) : struct (Tensor[] * Tensor[]) =
        let primals = Array.zeroCreate inputs.Length
        let tangents = Array.zeroCreate inputs.Length

        for i in 0 .. inputs.Length - 1 do
            match inputs[i] with
            | :? Dual as x when obj.ReferenceEquals(x.Trace, this) ->
                primals[i] <- x.Primal
                tangents[i] <- x.Tangent
            | x -> primals[i] <- x

        struct (primals, tangents)

    override this.Process(primitive, inputs) =
        let struct (primals, tangents) = this.Split inputs
        let y = Tensor.Bind(primitive, primals)

        if not (DTypes.IsFloat y.DType) then
            y
        else
            let tangent = (y.RulesOf primitive).Jvp(primals, y, tangents)
            if isNull tangent then y else Dual(this, y, tangent)

    override this.ProcessAll(operation, inputs) =
        let struct (primals, tangents) = this.Split inputs
        let struct (ys, dys) = operation.Jvp(primals, tangents)
        Array.map2 (fun y dy -> if isNull dy then y else Dual(this, y, dy) :> Tensor) ys dys

module internal Jvp =
    /// Checks that a tangent or cotangent fits its primal.
    let checkMatch operation what (x: Tensor) (t: Tensor) =
        if not (Shape.equal x.Shape t.Shape) || x.DType <> t.DType then
            Shape.fail
                operation
                $"the {what} is {DTypes.Name t.DType} of shape {Shape.format t.Shape}, but belongs to a tensor that is {DTypes.Name x.DType} of shape {Shape.format x.Shape}."

    /// The values of f at primals, and their derivatives along tangents; null is zero, in and out.
    let runSparse (f: Tensor[] -> Tensor[]) (primals: Tensor[]) (tangents: Tensor[]) : struct (Tensor[] * Tensor[]) =
        let trace = JvpTrace()

        let inputs =
            Array.map2
                (fun (x: Tensor) t ->
                    if isNull t || not (DTypes.IsFloat x.DType) then
                        x
                    else
                        checkMatch "jvp" "tangent" x t
                        Dual(trace, x, t) :> Tensor)
                primals
                tangents

        trace.Split(f inputs)

    /// Tangents of tensors, with zeros where there are none.
    let filled (xs: Tensor[]) (tangents: Tensor[]) : Tensor[] =
        Array.map2 (fun x t -> if isNull t then Tensor.ZerosLike x else t) xs tangents

    /// The values of f at primals, and their derivatives along tangents.
    let run f primals tangents : struct (Tensor[] * Tensor[]) =
        let struct (ys, dys) = runSparse f primals tangents
        struct (ys, filled ys dys)
