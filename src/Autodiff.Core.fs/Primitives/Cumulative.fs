namespace Autodiff

open Autodiff.Kernels

/// Operations whose results run along an axis, and products, whose derivatives do.
[<AutoOpen>]
module internal Cumulative =
    let private same (x: Tensor) = { Shape = x.Shape; DType = x.DType }

    let private checkNumbers name (x: Tensor) =
        if x.DType = DType.Bool then
            Shape.fail name "bool is not a type it works on; convert with To."

    let rec private cumsumP (axis: int) (reverse: bool) =
        { new LinearPrimitive("cumsum") with
            member _.Parameters = [ "axis", box axis; "reverse", box reverse ]

            member _.Shape inputs =
                checkNumbers "cumsum" inputs[0]
                same inputs[0]

            member _.Value(inputs, _) = inputs[0].Device.CumulativeSum(inputs[0], axis, reverse)
            member _.Transpose(_, ct) = Tensor.Bind(cumsumP axis (not reverse), ct)
            member _.Batch(inputs, _, _) = Tensor.Bind(cumsumP (axis + 1) reverse, inputs) }

    /// The running sums along an axis, from its beginning or, reversed, from its end.
    let cumsum axis reverse (x: Tensor) : Tensor =
        Tensor.NotNull("cumsum", x)
        Tensor.Bind(cumsumP (Tensor.AxisOf("cumsum", x, axis)) reverse, summable x)

    /// x moved by one place along an axis, with a zero put in: to the end, or (back) to the beginning.
    let private moved axis back (x: Tensor) =
        let n = x.Shape[axis]

        if n = 0 then
            x
        else
            let ones = Array.create x.Rank 1
            let zeros = Array.zeroCreate x.Rank
            let first = Array.updateAt axis 1 zeros
            let part = slice (if back then first else zeros) (Array.updateAt axis (n - 1) x.Shape) ones x
            place x.Shape (if back then zeros else first) ones part

    // Its derivatives are recurrences of the same kind, so that they are right to any order, whatever factors are zero.
    let rec private recurrenceP (axis: int) (reverse: bool) =
        { new Primitive("linearRecurrence") with
            member _.Parameters = [ "axis", box axis; "reverse", box reverse ]

            member _.Shape inputs =
                let a, b = inputs[0], inputs[1]
                checkNumbers "linearRecurrence" a

                if not (Shape.equal a.Shape b.Shape) then
                    Shape.fail
                        "linearRecurrence"
                        $"factors of shape {Shape.format a.Shape} and terms of shape {Shape.format b.Shape} must have one shape."

                if a.DType <> b.DType then
                    Shape.fail
                        "linearRecurrence"
                        $"{DTypes.Name a.DType} and {DTypes.Name b.DType} differ; convert with To."

                same a

            member _.Value(inputs, _) = inputs[0].Device.LinearRecurrence(inputs[0], inputs[1], axis, reverse)

            member this.Jvp(inputs, output, tangents) =
                let fromFactors =
                    match tangents[0] with
                    | null -> null
                    | t -> t * moved axis reverse output

                match Tensor.AddTangents(fromFactors, tangents[1]) with
                | null -> null
                | t -> Tensor.Bind(this, inputs[0], t)

            member _.Vjp(inputs, output, ct, input) =
                let terms = Tensor.Bind(recurrenceP axis (not reverse), moved axis (not reverse) inputs[0], ct)
                if input = 0 then terms * moved axis reverse output else terms

            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(recurrenceP (axis + 1) reverse, Batching.fronts size inputs isBatched) }

    /// The recurrence s[j] = a[j] s[j - 1] + b[j] along an axis, from s = 0; reversed, s[j + 1] stands for s[j - 1].
    let linearRecurrence axis reverse (a: Tensor) (b: Tensor) : Tensor =
        Tensor.NotNull("linearRecurrence", a)
        Tensor.NotNull("linearRecurrence", b)
        let name = "linearRecurrence"
        let dtype = DTypes.Promote(a.DType, b.DType)
        let shape = Shape.broadcast name a.Shape b.Shape
        let full (x: Tensor) = summable (Tensor.BroadcastTo(Tensor.Cast(x, dtype), shape))
        Tensor.Bind(recurrenceP (Shape.axis name shape.Length axis) reverse, full a, full b)

    /// The products of the elements before each, or after each (reverse), without the element itself.
    let private productsBeside axis reverse (x: Tensor) =
        let n = x.Shape[axis]
        let start = Array.updateAt axis (if reverse then n - 1 else 0) (Array.zeroCreate x.Rank)
        let one = Tensor.BroadcastTo(Tensor.ScalarOf(x, 1.0), Array.updateAt axis 1 x.Shape)
        let first = place x.Shape start (Array.create x.Rank 1) one
        Tensor.Bind(recurrenceP axis reverse, moved axis reverse x, first)

    let cumprod axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("cumprod", x, axis)
        let x = summable x

        if x.Size = 0 then
            x
        elif x.Level = 0L then
            Concrete(x.Device.CumulativeProduct(x.Array, axis))
        else
            let zeros, ones = Array.zeroCreate x.Rank, Array.create x.Rank 1
            let first = place x.Shape zeros ones (slice zeros (Array.updateAt axis 1 x.Shape) ones x)
            Tensor.Bind(recurrenceP axis false, x, first)

    /// The axes that are not named, then the named ones.
    let axesLast (axes: int[]) (x: Tensor) =
        Array.append
            [| for i in 0 .. x.Rank - 1 do
                   if not (Array.contains i axes) then
                       i |]
            axes

    /// The product, over axes, of all elements but each: the derivative of the product.
    let private productOfOthers (axes: int[]) (x: Tensor) =
        if x.Size = 0 then
            x
        else
            let order = axesLast axes x
            let moved = permute order x
            let kept = moved.Shape[.. x.Rank - axes.Length - 1]
            let count = int (Shape.size moved.Shape[kept.Length ..])
            let line = reshape (Array.append kept [| count |]) moved
            let others = productsBeside kept.Length false line * productsBeside kept.Length true line
            let back = Array.init x.Rank (fun i -> Array.findIndex ((=) i) order)
            permute back (reshape moved.Shape others)

    let rec private prodP (axes: int[]) =
        { new Primitive("prod") with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs =
                checkNumbers "prod" inputs[0]

                { same inputs[0] with Shape = Shape.reduce inputs[0].Shape axes true }

            member _.Value(inputs, out) = inputs[0].Device.Reduce(Reduction.Product, inputs[0], axes, out.Shape)

            member _.Jvp(inputs, output, tangents) =
                Tensor.SumTo(tangents[0] * productOfOthers axes inputs[0], output.Shape)

            member _.Vjp(inputs, _, ct, _) = ct * productOfOthers axes inputs[0]
            member _.Batch(inputs, _, _) = Tensor.Bind(prodP (Array.map ((+) 1) axes), inputs) }

    /// The product over sorted axes.
    let prodOver (axes: int[]) keepAxes (x: Tensor) : Tensor =
        let y = Tensor.Bind(prodP axes, summable x)
        if keepAxes then y else reshape (Shape.reduce x.Shape axes false) y

    let rec private cumargmaxP (axis: int) =
        { new Primitive("cumargmax") with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs = { same inputs[0] with DType = DType.Int64 }

            member _.Value(inputs, _) = inputs[0].Device.CumulativeArgMax(inputs[0], axis)
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.Bind(cumargmaxP (axis + 1), inputs) }

    let cummax axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("cummax", x, axis)
        gather axis (Tensor.Bind(cumargmaxP axis, x)) x
