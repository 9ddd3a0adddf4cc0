namespace Autodiff.Numerics

open System
open System.Collections.Generic
open System.Threading
open Autodiff

// MathNet.Numerics has minimizers over its own vectors. These exist beside them because they take trees and stop on a
// token with the best point so far, and because products with the Hessian come from `linearize`.

/// How `minimize` chooses its steps.
[<RequireQualifiedAccess>]
type MinimizeMethod =
    /// Broyden, Fletcher, Goldfarb and Shanno's update of a dense inverse Hessian: up to some thousand numbers.
    | Bfgs
    /// The same from the last few steps only (Liu and Nocedal 1989): for any number of parameters. 10 is usual.
    | Lbfgs of memory: int
    /// Newton's method in a trust region; the equations are solved by conjugate gradients from products with the Hessian
    /// (Steihaug 1983), which may be indefinite.
    | NewtonCg
    /// Steps along the negative gradient, halved until the value falls.
    | GradientDescent

/// When a minimization ends.
type MinimizeOptions =
    {
        /// The largest element of the gradient that counts as zero.
        GradientTolerance: float
        /// A step this small relative to the parameters ends the search.
        StepTolerance: float
        /// A decrease this small relative to the value ends the search.
        FunctionTolerance: float
        MaxIterations: int
        CancellationToken: CancellationToken
    }

    /// Gradient 1e-6, step 1e-14, function 1e-15, and at most 1,000 iterations.
    static member Default =
        { GradientTolerance = 1e-6
          StepTolerance = 1e-14
          FunctionTolerance = 1e-15
          MaxIterations = 1_000
          CancellationToken = CancellationToken.None }

/// Where a minimization ended.
type MinimizeResult<'a> =
    {
        Parameters: 'a
        Value: float
        /// The largest element of the gradient, without its sign.
        GradientNorm: float
        Iterations: int
        /// Evaluations of the function or of it with its gradient, and products with its Hessian.
        Evaluations: int
        /// Whether a tolerance ended the search, and not a limit, a failure or the token.
        Converged: bool
        /// What ended the search, in words.
        Reason: string
    }

/// What one iteration comes to: a point to go on from, or why there is none.
type internal Advance =
    | Moved of Point
    | Stuck of string

module internal Search =
    open LineSearch

    let private noLowerPoint =
        "No lower point was found along the direction of search: the limit of rounding is reached, or the gradient is not that of the function."

    let private maximum (x: Tensor) = Array.fold (fun m v -> max m (abs v)) 0.0 (Tensor.toArray<float> x)

    /// Repeats one method's iterations until a tolerance, a limit or the token ends them.
    let run
        operation
        (options: MinimizeOptions)
        (objective: Objective)
        (flat: Flat<'a>)
        (start: Tensor)
        (advance: Point -> Advance)
        =
        let result (point: Point) iterations converged reason =
            { Parameters = flat.Unpack point.X
              Value = point.Value
              GradientNorm = point.GradientNorm
              Iterations = iterations
              Evaluations = objective.Evaluations
              Converged = converged
              Reason = reason }

        let rec loop (point: Point) iterations =
            if point.GradientNorm <= options.GradientTolerance then
                result
                    point
                    iterations
                    true
                    $"The gradient norm {point.GradientNorm:g3} is within the tolerance {options.GradientTolerance:g3}."
            elif iterations >= options.MaxIterations then
                result
                    point
                    iterations
                    false
                    $"{iterations} iterations were allowed; the gradient norm is still {point.GradientNorm:g3}."
            else
                let next =
                    try
                        ValueSome(advance point)
                    with :? OperationCanceledException when options.CancellationToken.IsCancellationRequested ->
                        ValueNone

                match next with
                | ValueNone -> result point iterations false $"Cancelled after {iterations} iterations."
                | ValueSome(Stuck reason) -> result point iterations false reason
                | ValueSome(Moved next) ->
                    let step, size = maximum (next.X - point.X), maximum next.X
                    let decrease = point.Value - next.Value

                    if next.GradientNorm <= options.GradientTolerance then
                        loop next (iterations + 1)
                    elif step = 0.0 then
                        result next (iterations + 1) false noLowerPoint
                    elif step <= options.StepTolerance * (options.StepTolerance + size) then
                        result
                            next
                            (iterations + 1)
                            true
                            $"The step {step:g3} is within the tolerance; the gradient norm is {next.GradientNorm:g3}."
                    elif abs decrease <= options.FunctionTolerance * max (abs point.Value) (abs next.Value) then
                        result
                            next
                            (iterations + 1)
                            true
                            $"The value fell by {decrease:g3}, which is within the tolerance; the gradient norm is {next.GradientNorm:g3}."
                    else
                        loop next (iterations + 1)

        let first = objective.At start

        if not first.IsFinite then
            Shape.fail
                operation
                $"at the start the value is {first.Value} and the largest element of the gradient {first.GradientNorm}; start where both are finite."

        loop first 0

    /// The first step of a method that knows no curvature yet moves by 1 at most.
    let private cautious (point: Point) = min 1.0 (1.0 / norm point.Gradient)

    /// Searches along a quasi-Newton direction; without success, forgets the curvature and tries the gradient once.
    let private quasiNewton
        (objective: Objective)
        (direction: Tensor -> Tensor)
        hasMemory
        forget
        (learn: Tensor -> Tensor -> unit)
        (point: Point)
        =
        let attempt () =
            let p = direction point.Gradient
            let slope = dot p point.Gradient
            if slope < 0.0 && Double.IsFinite slope then
                wolfe objective point p (if hasMemory () then 1.0 else cautious point)
            else
                null

        let mutable next = attempt ()

        if isNull next && hasMemory () then
            forget ()
            next <- attempt ()

        if isNull next then
            Stuck noLowerPoint
        else
            let s, y = next.X - point.X, next.Gradient - point.Gradient

            // An update with less curvature would lose positive definiteness to rounding.
            if dot s y > 1e-12 * norm s * norm y then
                learn s y

            Moved next

    let bfgs (objective: Objective) : Point -> Advance =
        let mutable inverse: Tensor = null

        let learn s y =
            let sy = dot s y

            if isNull inverse then
                inverse <- Tensor.Cast(Tensor.eye s.Size, DType.Float64) * (sy / dot y y)

            let hy = Tensor.matmul inverse y
            let mixed = Tensor.outer hy s
            let scale = (1.0 + dot y hy / sy) / sy
            inverse <- inverse + Tensor.outer s s * scale - (mixed + Tensor.transpose mixed) * (1.0 / sy)

        let direction g = if isNull inverse then -g else -(Tensor.matmul inverse g)
        quasiNewton objective direction (fun () -> not (isNull inverse)) (fun () -> inverse <- null) learn

    let lbfgs memory (objective: Objective) : Point -> Advance =
        if memory < 1 then
            Shape.fail "minimize" $"L-BFGS with a memory of {memory} steps; at least 1 is needed."

        let pairs = LinkedList<struct (Tensor * Tensor * float)>()

        let learn s y =
            pairs.AddLast(struct (s, y, dot s y)) |> ignore
            if pairs.Count > memory then
                pairs.RemoveFirst()

        let direction (g: Tensor) =
            let mutable q = g
            let weights = Stack<float>()

            for struct (s, y, sy) in Seq.rev pairs do
                let weight = dot s q / sy
                weights.Push weight
                q <- q - y * weight

            if pairs.Count > 0 then
                let struct (_, y, sy) = pairs.Last.Value
                q <- q * (sy / dot y y)

            for struct (s, y, sy) in pairs do
                q <- q + s * (weights.Pop() - dot y q / sy)

            -q

        quasiNewton objective direction (fun () -> pairs.Count > 0) pairs.Clear learn

    /// Conjugate gradients for the minimum of g.z + z.Hz/2 within a radius: the step, the decrease it promises, whether it
    /// ends on the border, and the number of products. Stops when the residual has shrunk to a part of g.
    let steihaug
        (product: Tensor -> Tensor)
        (g: Tensor)
        radius
        tolerance
        maxProducts
        : struct (Tensor * float * bool * int) =
        let promise z hz = -(dot g z + 0.5 * dot z hz)

        /// How far along d the border is.
        let toBorder z d =
            let a, b, c = dot d d, dot z d, dot z z - radius * radius
            let root = sqrt (max 0.0 (b * b - a * c))
            // Of the two forms of the positive root, the one without cancellation.
            if b > 0.0 then -c / (b + root) else (root - b) / a

        let enough = tolerance * norm g

        let rec loop count (z: Tensor) (hz: Tensor) (r: Tensor) (d: Tensor) =
            if count = maxProducts then
                struct (z, promise z hz, false, count)
            else
                let hd = product d
                let curvature = dot d hd
                let rr = dot r r

                let atBorder () =
                    let t = toBorder z d
                    let z, hz = z + d * t, hz + hd * t
                    struct (z, promise z hz, true, count + 1)

                if not (curvature > 0.0) then
                    atBorder ()
                else
                    let step = rr / curvature
                    let moved = z + d * step

                    if norm moved >= radius then
                        atBorder ()
                    else
                        let hz, residual = hz + hd * step, r + hd * step
                        let next = dot residual residual

                        if sqrt next <= enough then
                            struct (moved, promise moved hz, false, count + 1)
                        else
                            loop (count + 1) moved hz residual (d * (next / rr) - residual)

        let zero = Tensor.zerosLike g
        loop 0 zero zero g -g

    let newtonCg (objective: Objective) : Point -> Advance =
        let mutable radius = 0.0
        let mutable product: Tensor -> Tensor = Unchecked.defaultof<_>

        fun point ->
            if radius = 0.0 then
                radius <- max 1.0 (norm point.X)
                let struct (_, first) = objective.Curved point.X
                product <- first

            let g = norm point.Gradient
            let negligible = rounding * abs point.Value

            let rec attempt () =
                let struct (z, promised, onBorder, _) =
                    steihaug product point.Gradient radius (min 0.5 (sqrt g)) (2 * point.X.Size + 10)

                let length = norm z

                if not (length > 1e-16 * norm point.X) then
                    Stuck noLowerPoint
                else
                    let struct (next, following) = objective.Curved(point.X + z)
                    let decrease = point.Value - next.Value

                    let ratio =
                        if not next.IsFinite then
                            -1.0
                        elif abs decrease <= negligible && promised <= negligible then
                            (if next.GradientNorm < point.GradientNorm then 1.0 else -1.0)
                        else
                            decrease / promised

                    if not (ratio >= 0.25) then
                        radius <- 0.25 * length
                    elif ratio > 0.75 && onBorder then
                        radius <- 2.0 * radius

                    if ratio > 1e-4 then
                        product <- following
                        Moved next
                    else
                        attempt ()

            attempt ()

    let gradientDescent (objective: Objective) : Point -> Advance =
        let mutable step = 0.0

        fun point ->
            if step = 0.0 then
                step <- cautious point

            let struct (taken, next) = backtrack objective point -point.Gradient step

            if isNull next then
                Stuck noLowerPoint
            else
                step <- 2.0 * taken
                Moved next

/// Minima of functions of trees of tensors.
[<AutoOpen>]
module Minimize =
    let internal unknowns operation (x: 'a) =
        let flat = Flat<'a>(x, DType.Float64)

        if flat.Size = 0 then
            Shape.fail operation "the start has no floating-point numbers to move."

        flat

    /// A local minimum of a scalar function from a start. The search runs in float64: f receives float64 leaves whatever
    /// their type in the start, and the result has the start's types; leaves that are not floating-point stay as they are.
    /// Points where f or its gradient is not finite are stepped back from; at the start they are an error. The
    /// result is a constant to derivatives around the search: to differentiate a minimum with respect to what f depends
    /// on, pass the search to `implicitRoot` with f's gradient. On cancellation the best point so far is returned.
    let minimize
        (method: MinimizeMethod)
        (options: MinimizeOptions)
        (f: 'a -> Tensor)
        (start: 'a)
        : MinimizeResult<'a> =
        let flat = unknowns "minimize" start
        let objective = Objective((fun x -> f (flat.UnpackWide x)), options.CancellationToken)

        let advance =
            match method with
            | MinimizeMethod.Bfgs -> Search.bfgs objective
            | MinimizeMethod.Lbfgs memory -> Search.lbfgs memory objective
            | MinimizeMethod.NewtonCg -> Search.newtonCg objective
            | MinimizeMethod.GradientDescent -> Search.gradientDescent objective

        Search.run "minimize" options objective flat (Concrete (flat.Pack start).Array) advance
