namespace Autodiff.Numerics

open System
open System.Threading
open Autodiff

/// How an initial-value problem is stepped. Methods of fixed step divide the way to each output time into equal steps.
[<RequireQualifiedAccess>]
type OdeMethod =
    /// Dormand and Prince's pair of orders 5 and 4 (1980), with steps chosen by its error estimate.
    | DormandPrince
    /// The classical method of order 4, with a number of steps to each output time.
    | RungeKutta4 of steps: int
    /// Euler's method of order 1, with a number of steps to each output time.
    | Euler of steps: int

/// How closely and how long to integrate.
type OdeOptions =
    {
        Method: OdeMethod
        /// A step's error in each element may be AbsoluteTolerance + RelativeTolerance * |y|, in the root mean square.
        RelativeTolerance: float
        AbsoluteTolerance: float
        /// The length of the first step; 0 chooses it from the equation.
        InitialStep: float
        /// The most steps, tried ones included, before the solver gives up.
        MaxSteps: int
        CancellationToken: CancellationToken
    }

    /// Dormand-Prince with relative tolerance 1e-6, absolute 1e-9 and at most 100,000 steps.
    static member Default =
        { Method = OdeMethod.DormandPrince
          RelativeTolerance = 1e-6
          AbsoluteTolerance = 1e-9
          InitialStep = 0.0
          MaxSteps = 100_000
          CancellationToken = CancellationToken.None }

/// Solvers of y' = f (t, y) on one vector. Derivatives flow through the steps, whose lengths are constants to them.
module internal OdeSteps =
    let private operation = "odeint"

    // The tableau: row i makes stage i + 1; the last row is the solution of order 5, whose slope starts the next step.
    let private tableau =
        [| [| 1.0 / 5.0 |]
           [| 3.0 / 40.0; 9.0 / 40.0 |]
           [| 44.0 / 45.0; -56.0 / 15.0; 32.0 / 9.0 |]
           [| 19372.0 / 6561.0; -25360.0 / 2187.0; 64448.0 / 6561.0; -212.0 / 729.0 |]
           [| 9017.0 / 3168.0; -355.0 / 33.0; 46732.0 / 5247.0; 49.0 / 176.0; -5103.0 / 18656.0 |]
           [| 35.0 / 384.0; 0.0; 500.0 / 1113.0; 125.0 / 192.0; -2187.0 / 6784.0; 11.0 / 84.0 |] |]

    let private nodes = [| 1.0 / 5.0; 3.0 / 10.0; 4.0 / 5.0; 8.0 / 9.0; 1.0; 1.0 |]

    /// The difference of the solutions of orders 5 and 4.
    let private errors =
        [| 71.0 / 57600.0; 0.0; -71.0 / 16695.0; 71.0 / 1920.0; -17253.0 / 339200.0; 22.0 / 525.0; -1.0 / 40.0 |]

    /// The last coefficients of the interpolant of order 4 (Hairer, Norsett and Wanner, Solving ODEs I, II.6).
    let private dense =
        [| -12715105075.0 / 11282082432.0
           0.0
           87487479700.0 / 32700410799.0
           -10690763975.0 / 1880347072.0
           701980252875.0 / 199316789632.0
           -1453857185.0 / 822651844.0
           69997945.0 / 29380423.0 |]

    let private detach (x: Tensor) : Tensor = if x.Level = 0L then x else Concrete x.Array

    let private combine (factor: float) (weights: float[]) (slopes: Tensor[]) : Tensor =
        let mutable sum: Tensor = null

        for i in 0 .. weights.Length - 1 do
            if weights[i] <> 0.0 then
                sum <- Tensor.AddTangents(sum, slopes[i] * (factor * weights[i]))

        sum

    /// The root mean square of x relative to the tolerances at y and z; infinite if it is not a number.
    let private scaledNorm options (x: Tensor) (y: Tensor) (z: Tensor) =
        let x, y, z = Tensor.toArray<float> x, Tensor.toArray<float> y, Tensor.toArray<float> z
        let mutable sum = 0.0

        for i in 0 .. x.Length - 1 do
            let scale = options.AbsoluteTolerance + options.RelativeTolerance * max (abs y[i]) (abs z[i])
            // An exact value satisfies tolerances of zero.
            let e = if x[i] = 0.0 then 0.0 else x[i] / scale
            sum <- sum + e * e

        let norm = sqrt (sum / float (max 1 x.Length))
        if Double.IsNaN norm then infinity else norm

    let private timeLike (y: Tensor) (t: float) = Tensor.ScalarOf(y, t)

    /// The first step by the rule of Hairer, Norsett and Wanner II.4, from the size of f and of its change.
    let private firstStep options (f: float -> Tensor -> Tensor) t (y: Tensor) (k: Tensor) direction span =
        let y, k = detach y, detach k
        let norm x = scaledNorm options x y y
        let d0, d1 = norm y, norm k
        let guess = min (if d0 < 1e-5 || d1 < 1e-5 then 1e-6 else 0.01 * d0 / d1) span
        let moved = detach (f (t + direction * guess) (y + k * (direction * guess)))
        let d2 = norm (moved - k) / guess
        let largest = max d1 d2
        let step = if largest <= 1e-15 then max 1e-6 (guess * 1e-3) else (0.01 / largest) ** 0.2
        min (min (100.0 * guess) step) span

    let private adaptive options (f: float -> Tensor -> Tensor) (y0: Tensor) (t0: float) (times: float[]) : Tensor[] =
        let stop = times[times.Length - 1]
        let direction = if stop >= t0 then 1.0 else -1.0
        let results = Array.zeroCreate times.Length
        let mutable next = 0
        let mutable t, y = t0, y0

        while next < times.Length && times[next] = t0 do
            results[next] <- y0
            next <- next + 1

        if next < times.Length then
            let mutable k = f t y

            if not (Double.IsFinite(scaledNorm options (detach k) (detach y) (detach y))) then
                Shape.fail
                    operation
                    $"the state or its derivative is not finite at the start, t = {t0}, or both tolerances are 0."

            let mutable h =
                if options.InitialStep > 0.0 then
                    options.InitialStep
                else
                    firstStep options f t y k direction (abs (stop - t0))

            let mutable lastError = 1e-4
            let mutable steps = 0
            let mutable wasRejected = false

            while next < times.Length do
                options.CancellationToken.ThrowIfCancellationRequested()

                if steps = options.MaxSteps then
                    raise (
                        ArithmeticException
                            $"{operation}: {steps} steps from t = {t0} reached only t = {t} on the way to {stop}, and the step has come to {h:g3}. Raise MaxSteps or the tolerances; a stiff equation needs an implicit method."
                    )

                steps <- steps + 1
                let rest = abs (stop - t)
                // The last step is stretched a little, so that no sliver of the way is left.
                let isLast = h * 1.01 >= rest
                let step = if isLast then rest else h

                if step <= 4.0 * Double.Epsilon || not isLast && step < 1e-15 * abs t then
                    raise (
                        ArithmeticException
                            $"{operation}: the step fell to {step:g3} at t = {t}; the solution seems to be singular there, or f is not smooth. Stop before it, or loosen the tolerances."
                    )

                let signed = direction * step
                let slopes: Tensor[] = Array.zeroCreate 7
                slopes[0] <- k
                let mutable z = y

                for i in 0..5 do
                    z <- y + combine signed tableau[i] slopes
                    let at = if i >= 4 && isLast then stop else t + nodes[i] * signed
                    slopes[i + 1] <- f at z

                let error = scaledNorm options (combine signed errors (Array.map detach slopes)) (detach y) (detach z)

                if error <= 1.0 then
                    let reached = if isLast then stop else t + signed

                    if (times[next] - reached) * direction < 0.0 then
                        let change = z - y
                        let bend = k * signed - change
                        let turn = change - slopes[6] * signed - bend
                        let last = combine signed dense slopes

                        while next < times.Length && (times[next] - reached) * direction < 0.0 do
                            let s = (times[next] - t) / signed
                            let u = 1.0 - s
                            results[next] <- y + (change + (bend + (turn + last * u) * s) * u) * s
                            next <- next + 1

                    while next < times.Length && times[next] = reached do
                        results[next] <- z
                        next <- next + 1

                    // Proportional and integral control of the step, II.4 and IV.2 of the same book, with beta = 0.04.
                    let factor = 0.9 * (max error 1e-10) ** -0.17 * lastError ** 0.04
                    h <- step * min (if wasRejected then 1.0 else 5.0) (max 0.2 factor)
                    lastError <- max error 1e-4
                    wasRejected <- false
                    t <- reached
                    y <- z
                    k <- slopes[6]
                else
                    h <- step * (if Double.IsInfinity error then 0.1 else max 0.1 (0.9 * error ** -0.2))
                    wasRejected <- true

        results

    let private fixedSteps
        options
        steps
        (advance: float -> float -> Tensor -> Tensor)
        (y0: Tensor)
        t0
        (times: float[])
        =
        if steps < 1 then
            Shape.fail operation $"{steps} steps to an output time; at least 1 is needed."

        let mutable t, y = t0, y0

        times
        |> Array.map (fun target ->
            if target <> t then
                let h = (target - t) / float steps

                for i in 0 .. steps - 1 do
                    options.CancellationToken.ThrowIfCancellationRequested()
                    y <- advance (t + float i * h) h y

                t <- target

            y)

    let private check options (t0: float) (times: float[]) =
        let path = Array.append [| t0 |] times

        if path |> Array.exists (fun t -> not (Double.IsFinite t)) then
            Shape.fail operation "the start and all output times must be finite."

        let isOrdered sign = path |> Array.pairwise |> Array.forall (fun (a, b) -> sign * (b - a) >= 0.0)

        if not (isOrdered 1.0 || isOrdered -1.0) then
            Shape.fail
                operation
                $"the output times must lie in order from the start {t0} on, all rising or all falling."

        if not (options.RelativeTolerance >= 0.0 && options.AbsoluteTolerance >= 0.0) then
            Shape.fail
                operation
                $"the tolerances are {options.RelativeTolerance} and {options.AbsoluteTolerance}; they must be 0 or more."

    /// The solution at times that follow the start in order.
    let solve options (f: Tensor -> Tensor -> Tensor) (y0: Tensor) (t0: float) (times: float[]) : Tensor[] =
        check options t0 times
        let f t (y: Tensor) = f (timeLike y t) y

        if times.Length = 0 then
            [||]
        else
            match options.Method with
            | OdeMethod.DormandPrince -> adaptive options f y0 t0 times
            | OdeMethod.Euler steps -> fixedSteps options steps (fun t h y -> y + f t y * h) y0 t0 times
            | OdeMethod.RungeKutta4 steps ->
                let advance t h y =
                    let k1 = f t y
                    let k2 = f (t + 0.5 * h) (y + k1 * (0.5 * h))
                    let k3 = f (t + 0.5 * h) (y + k2 * (0.5 * h))
                    let k4 = f (t + h) (y + k3 * h)
                    y + combine (h / 6.0) [| 1.0; 2.0; 2.0; 1.0 |] [| k1; k2; k3; k4 |]

                fixedSteps options steps advance y0 t0 times

    let private part start length (x: Tensor) = slice [| start |] [| length |] [| 1 |] x

    /// The solution at times as rows. Its pullback integrates the state y, its cotangent a and the cotangent g of the
    /// parameters backward together: y' = f, a' = -(df/dy)^T a, g' = -(df/dp)^T a (Chen et al. 2018). It uses this same
    /// function, so that it can be differentiated again.
    let rec adjoint
        options
        (f: Tensor -> Tensor -> Tensor -> Tensor)
        t0
        (times: float[])
        (y0: Tensor)
        (p: Tensor)
        : Tensor =
        let n, m = y0.Size, p.Size

        let run (y0: Tensor, p: Tensor) = Tensor.stack 0 (solve options (fun t y -> f t y p) y0 t0 times)

        let forward (y0: Tensor, p: Tensor) =
            let ys = adjoint options f t0 times y0 p
            ys, (ys, p)

        let augmented t z p =
            let dy, pull = vjp (fun (y, p) -> f t y p) (part 0 n z, p)
            let toState, toParameters = pull (part n n z)
            concat 0 [| dy; -toState; -toParameters |]

        let backward (ys: Tensor, p: Tensor) (ct: Tensor) =
            let mutable a = Tensor.Full([| n |], 0.0, y0.DType)
            let mutable g = Tensor.Full([| m |], 0.0, p.DType)

            for i = times.Length - 1 downto 0 do
                a <- a + ct[i]
                let before = if i = 0 then t0 else times[i - 1]

                if before <> times[i] then
                    let z = (adjoint options augmented times[i] [| before |] (concat 0 [| ys[i]; a; g |]) p)[0]
                    a <- part n n z
                    g <- part (2 * n) m z

            a, g

        customVjp run forward backward (y0, p)

/// Initial-value problems y' = f (t, y) over trees of tensors. Time is a scalar tensor of the state's type. Derivatives
/// with respect to the times are not taken.
[<AutoOpen>]
module Ode =
    let private flatten (y: 'y) =
        let flat = Flat<'y>(y, Flat.WidestType y)

        if flat.Size = 0 then
            Shape.fail "odeint" "the state has no floating-point numbers."

        flat

    let private slope (flat: Flat<'y>) (dy: 'y) =
        flat.PackChecked("odeint", "the derivative that f returned", false, dy)

    /// The solution at times that follow t0 in order (rising, or falling to go backward), each a tree like y0; between
    /// steps it is interpolated to order 4. Derivatives flow through all steps to y0 and to whatever f uses; the lengths
    /// of the steps are constants to them. Raises ArithmeticException when MaxSteps are used up or the step vanishes,
    /// and OperationCanceledException on cancellation.
    let odeintAt (options: OdeOptions) (f: Tensor -> 'y -> 'y) (y0: 'y) (t0: float) (times: seq<float>) : 'y[] =
        let flat = flatten y0

        OdeSteps.solve options (fun t y -> slope flat (f t (flat.Unpack y))) (flat.Pack y0) t0 (Seq.toArray times)
        |> Array.map flat.Unpack

    /// The solution of y' = f (t, y), y (t0) = y0, at t1, which may lie before t0: `odeintAt` for one time.
    let odeint (options: OdeOptions) (f: Tensor -> 'y -> 'y) (y0: 'y) (t0: float) (t1: float) : 'y =
        (odeintAt options f y0 t0 [ t1 ])[0]

    /// The solution of y' = f (t, y, parameters) at times, as `odeintAt`, whose derivatives are found by integrating the
    /// adjoint equation backward: memory does not grow with the number of steps, but the gradient has an error of its
    /// own, of the size of the tolerances. Only y0 and the parameters receive derivatives; f may use no other tensor
    /// that is being differentiated.
    let odeintAdjointAt
        (options: OdeOptions)
        (f: Tensor -> 'y -> 'p -> 'y)
        (y0: 'y)
        (parameters: 'p)
        (t0: float)
        (times: seq<float>)
        : 'y[] =
        let flat = flatten y0
        let flatP = Flat<'p>(parameters, flat.DType)
        let slope t y p = slope flat (f t (flat.Unpack y) (flatP.Unpack p))
        let times = Seq.toArray times

        if times.Length = 0 then
            [||]
        else
            let ys = OdeSteps.adjoint options slope t0 times (flat.Pack y0) (flatP.Pack parameters)
            Array.init times.Length (fun i -> flat.Unpack ys[i])

    /// The solution of y' = f (t, y, parameters) at t1, with derivatives from the adjoint equation: `odeintAdjointAt` for
    /// one time.
    let odeintAdjoint
        (options: OdeOptions)
        (f: Tensor -> 'y -> 'p -> 'y)
        (y0: 'y)
        (parameters: 'p)
        (t0: float)
        (t1: float)
        : 'y =
        (odeintAdjointAt options f y0 parameters t0 [ t1 ])[0]
