namespace Autodiff.Numerics

open System
open System.Threading
open Autodiff

/// A point of a search: where, the value and the gradient there.
[<AllowNullLiteral>]
type internal Point(x: Tensor, value: float, gradient: Tensor) =
    let norm =
        Array.fold
            (fun m v -> if Double.IsNaN v || Double.IsNaN m then nan else max m (abs v))
            0.0
            (Tensor.toArray<float> gradient)

    member _.X = x
    member _.Value = value
    member _.Gradient = gradient
    /// The largest element of the gradient, without its sign.
    member _.GradientNorm = norm
    member _.IsFinite = Double.IsFinite value && Double.IsFinite norm

/// A scalar function of one float64 vector that counts its evaluations and stops when it is cancelled.
[<Sealed>]
type internal Objective(f: Tensor -> Tensor, token: CancellationToken) =
    let mutable evaluations = 0

    // What is found is a number, whatever else is being differentiated around the search.
    let detach (x: Tensor) : Tensor = if x.Level = 0L then x else Concrete x.Array

    let count () =
        token.ThrowIfCancellationRequested()
        evaluations <- evaluations + 1

    /// Counts an evaluation that is done elsewhere.
    member _.Count() = count ()

    /// Evaluations of the function, with or without its gradient, and products with its Hessian.
    member _.Evaluations = evaluations

    member _.Value(x: Tensor) : float =
        count ()
        (f x).ToDouble()

    member _.At(x: Tensor) : Point =
        count ()
        let value, gradient = valueAndGrad f x
        Point(x, value.ToDouble(), detach gradient)

    /// The point, and the Hessian there as a linear function: the function is not run again for its products.
    member _.Curved(x: Tensor) : struct (Point * (Tensor -> Tensor)) =
        count ()
        let (value, gradient), push = linearize (valueAndGrad f) x

        let product v =
            count ()
            detach (snd (push v))

        struct (Point(x, value.ToDouble(), detach gradient), product)

/// Steps along a direction.
module internal LineSearch =
    let dot (x: Tensor) (y: Tensor) = (Tensor.dot x y).ToDouble()
    let norm (x: Tensor) = sqrt (dot x x)

    /// Differences of values below this part of the value are rounding.
    let rounding = 1e-13

    [<Struct>]
    type private Trial = { Step: float; Slope: float; Point: Point }

    /// The step along a direction of descent that meets the strong Wolfe conditions with c1 = 1e-4 and c2 = 0.9, found by
    /// bracketing and cubic interpolation (Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6); where
    /// values differ by rounding only, slopes decide (Hager and Zhang 2005). Steps to values that are not finite
    /// are shortened. Null if there is no lower point.
    let wolfe (objective: Objective) (start: Point) (direction: Tensor) (first: float) : Point =
        let slope0 = dot start.Gradient direction
        let flat = -0.9 * slope0

        let at step =
            let point = objective.At(start.X + direction * step)
            { Step = step
              Slope = (if point.IsFinite then dot point.Gradient direction else nan)
              Point = point }

        let isHigh t =
            not t.Point.IsFinite
            || t.Point.Value > start.Value + 1e-4 * t.Step * slope0
               && not (t.Point.Value <= start.Value + rounding * abs start.Value && t.Slope <= -0.9998 * slope0)

        let isFound t = not (isHigh t) && abs t.Slope <= flat

        let rec zoom count low high =
            let width = high.Step - low.Step

            if count = 60 || abs width <= 1e-16 * abs high.Step then
                if low.Step > 0.0 then low.Point else null
            else
                // The minimum of the cubic through both values and slopes, kept away from the ends.
                let fraction =
                    if not high.Point.IsFinite then
                        0.5
                    else
                        let secant = 3.0 * (high.Point.Value - low.Point.Value) / width
                        let d1 = low.Slope + high.Slope - secant
                        let square = d1 * d1 - low.Slope * high.Slope
                        let d2 = float (sign width) * sqrt (max 0.0 square)
                        let part = 1.0 - (high.Slope + d2 - d1) / (high.Slope - low.Slope + 2.0 * d2)
                        if square < 0.0 || not (Double.IsFinite part) then 0.5 else min 0.9 (max 0.1 part)

                let t = at (low.Step + fraction * width)

                if isFound t then
                    t.Point
                elif isHigh t || t.Point.Value > low.Point.Value + rounding * abs start.Value then
                    zoom (count + 1) low t
                elif t.Slope * width >= 0.0 then
                    zoom (count + 1) t low
                else
                    zoom (count + 1) t high

        let rec bracket count before step limit =
            if count = 60 then
                if before.Step > 0.0 then before.Point else null
            else
                let t = at step

                if not t.Point.IsFinite then
                    bracket (count + 1) before (before.Step + 0.2 * (step - before.Step)) step
                elif isFound t then
                    t.Point
                elif isHigh t || before.Step > 0.0 && t.Point.Value >= before.Point.Value then
                    zoom 0 before t
                elif t.Slope >= 0.0 then
                    zoom 0 t before
                else
                    bracket (count + 1) t (if limit < infinity then 0.5 * (step + limit) else 4.0 * step) limit

        bracket 0 { Step = 0.0; Slope = slope0; Point = start } first infinity

    /// The first of the steps first, first / 2, ... that lowers the value by 1e-4 of what the slope promises (Armijo's
    /// rule), and the point there; null if there is none.
    let backtrack (objective: Objective) (start: Point) (direction: Tensor) (first: float) : struct (float * Point) =
        let slope = dot start.Gradient direction

        let rec search count step =
            if count = 60 then
                struct (0.0, null)
            else
                let x = start.X + direction * step
                let value = objective.Value x
                let allowed = start.Value + 1e-4 * step * slope

                if value <= allowed && value < start.Value then
                    let point = objective.At x
                    if point.IsFinite then struct (step, point) else search (count + 1) (0.5 * step)
                else
                    search (count + 1) (0.5 * step)

        search 0 first
