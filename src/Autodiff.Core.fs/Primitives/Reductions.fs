namespace Autodiff

open Autodiff.Kernels

/// Operations that combine the elements along axes.
[<AutoOpen>]
module internal Reductions =
    /// Axes as a user gives them: none means all.
    let axesOf operation (x: Tensor) (axes: int[]) =
        Tensor.NotNull(operation, x)
        if isNull axes || axes.Length = 0 then
            [| 0 .. x.Rank - 1 |]
        else
            Tensor.AxesOf(operation, x, axes)

    /// Drops axes of length 1 that a reduction kept.
    let private drop (axes: int[]) keepAxes (x: Tensor) (y: Tensor) =
        if keepAxes then y else reshape (Shape.reduce x.Shape axes false) y

    /// Sums and products of integers and truth values are int64.
    let summable (x: Tensor) : Tensor = if DTypes.IsFloat x.DType then x else Tensor.Cast(x, DType.Int64)

    /// Whether a reduction of an array can drop its axes at once. One that combines nothing gives its input.
    let private isAtOnce (x: Tensor) (shape: int[]) = x.Level = 0L && x.Size > 0 && Shape.size shape < int64 x.Size

    let private atOnce reduction (x: Tensor) (axes: int[]) (shape: int[]) : Tensor =
        Concrete(x.Device.Reduce(reduction, x.Array, axes, shape))

    /// The sum over sorted axes.
    let sumOver (axes: int[]) keepAxes (x: Tensor) : Tensor =
        let x = summable x
        let shape = Shape.reduce x.Shape axes keepAxes

        if isAtOnce x shape then atOnce Reduction.Sum x axes shape
        elif not keepAxes && axes.Length = x.Rank then Tensor.SumTo(x, Shape.scalar)
        else drop axes keepAxes x (Tensor.SumTo(x, Shape.reduce x.Shape axes true))

    let private single (x: Tensor) = { Shape = x.Shape; DType = x.DType }

    /// The same axes of an example behind the axis of the examples.
    let private later (axes: int[]) = Array.map ((+) 1) axes

    // The mean of the elements that a truth value selects, and its transpose. Where nothing is selected both give NaN.
    let private selected name (x: Tensor) (selected: Tensor) (shape: int[]) =
        if selected.DType <> DType.Bool || not (DTypes.IsFloat x.DType) || not (Shape.equal x.Shape shape) then
            Shape.fail
                name
                $"{DTypes.Name selected.DType} of shape {Shape.format selected.Shape} does not select from {DTypes.Name x.DType} of shape {Shape.format x.Shape}."

    let rec private selectedMeanP (axes: int[]) =
        { new LinearPrimitive("selectedMean") with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs =
                selected "selectedMean" inputs[0] inputs[1] inputs[1].Shape
                { single inputs[0] with Shape = Shape.reduce inputs[0].Shape axes true }

            member _.Value(inputs, _) = inputs[0].Device.SelectedMean(inputs[0], inputs[1], axes)
            member _.Transpose(inputs, ct) = Tensor.Bind(selectedMeanTransposeP axes, ct, inputs[1])

            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(selectedMeanP (later axes), Batching.fronts size inputs isBatched) }

    and private selectedMeanTransposeP (axes: int[]) =
        { new LinearPrimitive("selectedMeanTranspose") with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs =
                selected "selectedMeanTranspose" inputs[0] inputs[1] (Shape.reduce inputs[1].Shape axes true)
                { single inputs[0] with Shape = inputs[1].Shape }

            member _.Value(inputs, _) = inputs[0].Device.SelectedMeanTranspose(inputs[0], inputs[1], axes)
            member _.Transpose(inputs, ct) = Tensor.Bind(selectedMeanP axes, ct, inputs[1])

            member _.Batch(inputs, isBatched, size) =
                Tensor.Bind(selectedMeanTransposeP (later axes), Batching.fronts size inputs isBatched) }

    /// The mean, over axes that are kept, of the elements of x where a truth value of the same shape holds.
    let selectedMean (axes: int[]) (selected: Tensor) (x: Tensor) : Tensor =
        Tensor.Bind(selectedMeanP axes, x, selected)

    let rec private extremeP (reduction: Reduction) (name: string) (axes: int[]) =
        { new Primitive(name) with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs =
                let x = inputs[0]

                for a in axes do
                    if x.Shape[a] = 0 then
                        Shape.fail name $"axis {a} of {Shape.format x.Shape} is empty, and has no {name}."

                { single x with Shape = Shape.reduce x.Shape axes true }

            member _.Value(inputs, out) = inputs[0].Device.Reduce(reduction, inputs[0], axes, out.Shape)

            // Elements that tie share the derivative equally.
            member _.Jvp(inputs, output, tangents) = selectedMean axes (Tensor.EqualTo(inputs[0], output)) tangents[0]

            member _.Vjp(inputs, output, ct, _) =
                Tensor.Bind(selectedMeanTransposeP axes, ct, Tensor.EqualTo(inputs[0], output))

            member _.Batch(inputs, _, _) = Tensor.Bind(extremeP reduction name (later axes), inputs[0]) }

    let rec private logicalP (reduction: Reduction) (name: string) (axes: int[]) =
        { new Primitive(name) with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs = { single inputs[0] with Shape = Shape.reduce inputs[0].Shape axes true }

            member _.Value(inputs, out) = inputs[0].Device.Reduce(reduction, inputs[0], axes, out.Shape)
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.Bind(logicalP reduction name (later axes), inputs[0]) }

    let private extremeOver reduction name axes keepAxes (x: Tensor) : Tensor =
        let shape = Shape.reduce x.Shape axes keepAxes

        if isAtOnce x shape then
            atOnce reduction x axes shape
        else
            drop axes keepAxes x (Tensor.Bind(extremeP reduction name axes, x))

    let maxOver axes keepAxes (x: Tensor) : Tensor = extremeOver Reduction.Maximum "max" axes keepAxes x
    let minOver axes keepAxes (x: Tensor) : Tensor = extremeOver Reduction.Minimum "min" axes keepAxes x

    let anyOver axes keepAxes (x: Tensor) : Tensor =
        drop axes keepAxes x (Tensor.Bind(logicalP Reduction.Any "any" axes, Tensor.Cast(x, DType.Bool)))

    let allOver axes keepAxes (x: Tensor) : Tensor =
        drop axes keepAxes x (Tensor.Bind(logicalP Reduction.All "all" axes, Tensor.Cast(x, DType.Bool)))

    let rec private argP largest (axis: int) =
        let name = if largest then "argmax" else "argmin"

        { new Primitive(name) with
            member _.Parameters = [ "axis", box axis ]

            member _.Shape inputs =
                let x = inputs[0]

                if x.Shape[axis] = 0 then
                    Shape.fail name $"axis {axis} of {Shape.format x.Shape} is empty."

                { Shape = Shape.reduce x.Shape [| axis |] false; DType = DType.Int64 }

            member _.Value(inputs, _) = inputs[0].Device.ArgReduce(largest, inputs[0], axis)
            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member _.Batch(inputs, _, _) = Tensor.Bind(argP largest (axis + 1), inputs[0]) }

    /// The positions of the largest elements along an axis, the first at ties.
    let argmax axis (x: Tensor) : Tensor = Tensor.Bind(argP true (Tensor.AxisOf("argmax", x, axis)), x)

    /// The positions of the smallest elements along an axis, the first at ties.
    let argmin axis (x: Tensor) : Tensor = Tensor.Bind(argP false (Tensor.AxisOf("argmin", x, axis)), x)

    // log (sum (exp x)) and its derivative exp (x - y). They are composed for arrays, and rounded once.

    let private wide (x: NDArray) : Tensor = Tensor.Cast(Concrete x, DTypes.ComputeType x.DType)
    let private narrow (x: NDArray) (y: Tensor) : NDArray = (Tensor.Cast(y, x.DType)).Array

    /// exp (x - y), where y is the logarithm of the sum of the exponentials of the lines of x. Where y is infinite, the
    /// elements that are equal to it share 1: the limit of equal elements.
    let private logSumExpWeightsP =
        { new Primitive("logSumExpWeights") with
            member _.Shape inputs =
                let x, y = inputs[0], inputs[1]

                if x.Rank <> y.Rank || not (Shape.broadcastsTo y.Shape x.Shape) || x.DType <> y.DType then
                    Shape.fail
                        "logSumExpWeights"
                        $"{DTypes.Name y.DType} of shape {Shape.format y.Shape} does not belong to {DTypes.Name x.DType} of shape {Shape.format x.Shape}."

                single x

            member _.Value(inputs, _) =
                let x, y = wide inputs[0], wide inputs[1]
                let isInfinite = Tensor.EqualTo(Tensor.Abs y, Tensor.ScalarOf(y, System.Double.PositiveInfinity))
                let weights = Tensor.Exp(x - y)

                if (Tensor.SumTo(Tensor.Cast(isInfinite, DType.Int32), Shape.scalar)).ToDouble() = 0.0 then
                    narrow inputs[0] weights
                else
                    let ties = Tensor.Cast(Tensor.EqualTo(x, y), x.DType)
                    narrow inputs[0] (Tensor.Where(isInfinite, ties / Tensor.SumTo(ties, y.Shape), weights))

            member _.Jvp(_, w, tangents) =
                let fromY = if isNull tangents[1] then null else -tangents[1]
                w * Tensor.AddTangents(tangents[0], fromY)

            member _.Vjp(inputs, w, ct, input) = if input = 0 then ct * w else -(Tensor.SumTo(ct * w, inputs[1].Shape))

            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    let logSumExpWeights (x: Tensor) (y: Tensor) : Tensor = Tensor.Bind(logSumExpWeightsP, x, y)

    let rec private logSumExpP (axes: int[]) =
        { new Primitive("logSumExp") with
            member _.Parameters = [ "axes", box axes ]

            member _.Shape inputs =
                let x = inputs[0]

                if not (DTypes.IsFloat x.DType) then
                    Shape.fail "logSumExp" $"{DTypes.Name x.DType} is not a type it works on; convert with To."

                for a in axes do
                    if x.Shape[a] = 0 then
                        Shape.fail "logSumExp" $"axis {a} of {Shape.format x.Shape} is empty."

                { single x with Shape = Shape.reduce x.Shape axes true }

            member _.Value(inputs, _) =
                let x = wide inputs[0]
                let largest = maxOver axes true x
                // An infinite one is not subtracted: inf - inf would be NaN.
                let isFinite = Tensor.Less(Tensor.Abs largest, Tensor.ScalarOf(x, System.Double.PositiveInfinity))
                let shift = Tensor.Where(isFinite, largest, Tensor.ScalarOf(x, 0.0))
                narrow inputs[0] (Tensor.Log(sumOver axes true (Tensor.Exp(x - shift))) + shift)

            member _.Jvp(inputs, y, tangents) = Tensor.SumTo(tangents[0] * logSumExpWeights inputs[0] y, y.Shape)
            member _.Vjp(inputs, y, ct, _) = ct * logSumExpWeights inputs[0] y
            member _.Batch(inputs, _, _) = Tensor.Bind(logSumExpP (later axes), inputs[0]) }

    let logSumExpOver axes keepAxes (x: Tensor) : Tensor =
        let x = floating "logSumExp" x
        drop axes keepAxes x (Tensor.Bind(logSumExpP axes, x))

    // Softmax along the last axis. Its derivative is the symmetric map t -> y (t - sum (y t)).
    let private total (x: Tensor) = sumOver [| x.Rank - 1 |] true x

    let private softmaxGradientP =
        { new Primitive("softmaxGradient") with
            member _.Shape inputs = single inputs[0]
            member _.Value(inputs, _) = inputs[0].Device.SoftmaxGradient(false, inputs[0], inputs[1])

            member this.Jvp(inputs, _, tangents) =
                let y, ct = inputs[0], inputs[1]

                let fromOutput =
                    match tangents[0] with
                    | null -> null
                    | t -> t * (ct - total (ct * y)) - y * total (ct * t)

                let fromCt =
                    match tangents[1] with
                    | null -> null
                    | t -> Tensor.Bind(this, y, t)

                Tensor.AddTangents(fromOutput, fromCt)

            member this.Vjp(inputs, _, v, input) =
                let y, ct = inputs[0], inputs[1]

                if input = 0 then
                    v * (ct - total (ct * y)) - ct * total (v * y)
                else
                    Tensor.Bind(this, y, v)

            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    let softmaxP =
        { new Primitive("softmax") with
            member _.Shape inputs = single inputs[0]
            member _.Value(inputs, _) = inputs[0].Device.Softmax(false, inputs[0])
            member _.Jvp(_, output, tangents) = Tensor.Bind(softmaxGradientP, output, tangents[0])
            member _.Vjp(_, output, ct, _) = Tensor.Bind(softmaxGradientP, output, ct)
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs) }

    // The pullback of logSoftmax from its output y: ct - exp y * sum ct.
    let private logSoftmaxGradientP =
        { new Primitive("logSoftmaxGradient") with
            member _.Shape inputs = single inputs[0]
            member _.Value(inputs, _) = inputs[0].Device.SoftmaxGradient(true, inputs[0], inputs[1])

            member this.Jvp(inputs, _, tangents) =
                let y, ct = inputs[0], inputs[1]

                let fromOutput =
                    match tangents[0] with
                    | null -> null
                    | t -> -(Tensor.Exp y * t * total ct)

                let fromCt =
                    match tangents[1] with
                    | null -> null
                    | t -> Tensor.Bind(this, y, t)

                Tensor.AddTangents(fromOutput, fromCt)

            member _.Vjp(inputs, _, v, input) =
                let y, ct = inputs[0], inputs[1]

                if input = 0 then -(Tensor.Exp y * v * total ct) else v - total (Tensor.Exp y * v)

            member this.Batch(inputs, isBatched, size) = Tensor.Bind(this, Batching.fronts size inputs isBatched) }

    let private logSoftmaxP =
        { new Primitive("logSoftmax") with
            member _.Shape inputs = single inputs[0]
            member _.Value(inputs, _) = inputs[0].Device.Softmax(true, inputs[0])

            member _.Jvp(_, output, tangents) = tangents[0] - total (Tensor.Exp output * tangents[0])

            member _.Vjp(_, output, ct, _) = Tensor.Bind(logSoftmaxGradientP, output, ct)
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs) }

    let private alongLast name primitive axis (x: Tensor) : Tensor =
        let x = floating name x
        let axis = Tensor.AxisOf(name, x, axis)

        if axis = x.Rank - 1 then
            Tensor.Bind(primitive, x)
        else
            let order = [| 0 .. x.Rank - 1 |]
            order[axis] <- x.Rank - 1
            order[x.Rank - 1] <- axis
            permute order (Tensor.Bind(primitive, permute order x))

    /// exp x / sum (exp x) along an axis, without overflow.
    let softmax axis (x: Tensor) = alongLast "softmax" softmaxP axis x

    /// The logarithm of softmax along an axis, without overflow.
    let logSoftmax axis (x: Tensor) = alongLast "logSoftmax" logSoftmaxP axis x
