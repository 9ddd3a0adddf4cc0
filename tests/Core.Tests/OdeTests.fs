/// Initial-value problems and their derivatives.
module Core.Tests.OdeTests

open System
open System.Threading
open Autodiff
open Autodiff.Numerics
open Core.Tests.Common
open Xunit

let private options = OdeOptions.Default
let private tight = { options with RelativeTolerance = 1e-10; AbsoluteTolerance = 1e-12 }
let private fine = { options with Method = OdeMethod.RungeKutta4 4000 }
let private decay (_: Tensor) (y: Tensor) = -y

let private vanDerPol (_: Tensor) (x: Tensor, v: Tensor) = v, 2.0 * (1.0 - x * x) * v - x

let private lotkaVolterra (_: Tensor) (y: Tensor) =
    let prey, hunters = y[0], y[1]
    Tensor.stack 0 [ 1.5 * prey - prey * hunters; prey * hunters - 3.0 * hunters ]

[<Fact>]
let ``exponential decay, forward and backward in time`` () =
    nearValue 1e-6 (exp -2.0) (odeint options decay (scalar 1.0) 0.0 2.0)
    nearValue 1e-10 (exp -2.0) (odeint tight decay (scalar 1.0) 0.0 2.0)
    nearValue 1e-9 1.0 (odeint tight decay (scalar (exp -2.0)) 2.0 0.0)
    nearValue 0.0 3.0 (odeint options decay (scalar 3.0) 1.0 1.0)

[<Fact>]
let ``a harmonic oscillator keeps its energy and its phase`` () =
    let f _ (x: Tensor, v: Tensor) = v, -x
    let t = 20.0 * Math.PI
    let x, v = odeint tight f (scalar 1.0, scalar 0.0) 0.0 t
    nearValue 1e-7 1.0 (x * x + v * v)
    nearValue 1e-7 1.0 x
    nearValue 1e-7 0.0 v

[<Fact>]
let ``time is a scalar of the state's type`` () =
    let f (t: Tensor) (y: Tensor) =
        Assert.Equal(y.DType, t.DType)
        Assert.Equal(0, t.Rank)
        cos t + 0.0 * y

    nearValue 1e-9 (sin 3.0) (odeint tight f (scalar 0.0) 0.0 3.0)
    let single = odeint options f (Tensor.Scalar 0.0f) 0.0 3.0
    Assert.Equal(DType.Float32, single.DType)
    Assert.Equal(sin 3.0, float single, 1e-5)

[<Fact>]
let ``Van der Pol and Lotka-Volterra agree with fine steps of Runge and Kutta`` () =
    let x, v = odeint tight vanDerPol (scalar 2.0, scalar 0.0) 0.0 8.0
    let x', v' = odeint fine vanDerPol (scalar 2.0, scalar 0.0) 0.0 8.0
    near 1e-8 x' x
    near 1e-8 v' v
    let y0 = vector [ 10.0; 5.0 ]
    near 1e-7 (odeint fine lotkaVolterra y0 0.0 5.0) (odeint tight lotkaVolterra y0 0.0 5.0)
    // What the predators and the prey keep together.
    let kept (y: Tensor) = y[0] - 3.0 * log y[0] + y[1] - 1.5 * log y[1]
    near 1e-8 (kept y0) (kept (odeint tight lotkaVolterra y0 0.0 5.0))

[<Fact>]
let ``output times between steps are as exact as steps`` () =
    let times = [ 0.0; 0.1; 0.37; 0.37; 1.0; 2.5; 4.0 ]
    let ys = odeintAt tight decay (scalar 2.0) 0.0 times
    List.iteri (fun i t -> nearValue 1e-8 (2.0 * exp -t) ys[i]) times
    let back = odeintAt tight decay (scalar 2.0) 4.0 (List.rev times)
    List.iteri (fun i t -> nearValue 1e-7 (2.0 * exp (4.0 - t)) back[i]) (List.rev times)
    near 0.0 (odeint tight decay (scalar 2.0) 0.0 4.0) ys[6]
    Assert.Empty(odeintAt options decay (scalar 1.0) 0.0 [])

[<Fact>]
let ``methods have their orders of convergence`` () =
    let f (t: Tensor) (y: Tensor) = y * cos t
    let exact = exp (sin 2.0)
    let error method = abs (float (odeint { options with Method = method } f (scalar 1.0) 0.0 2.0) - exact)

    [ "Euler", 1.0, OdeMethod.Euler 200, OdeMethod.Euler 400
      "Runge-Kutta", 4.0, OdeMethod.RungeKutta4 20, OdeMethod.RungeKutta4 40 ]
    |> forEach (fun (name, _, _, _) -> name) (fun (_, order, coarse, fine) ->
        Assert.Equal(order, Math.Log2(error coarse / error fine), 0.15))

/// One long step of Dormand and Prince, with dense output at a part of it.
let private oneStep (h: float) (part: float) =
    let f (t: Tensor) (y: Tensor) = y * cos t
    let loose = { options with RelativeTolerance = 1e9; InitialStep = h }
    let ys = odeintAt loose f (scalar 1.0) 0.0 [ part * h; h ]
    abs (float ys[0] - exp (sin (part * h))), abs (float ys[1] - exp (sin h))

[<Fact>]
let ``a step of Dormand and Prince has order 5 and its interpolant order 4`` () =
    let slope i (part: float) =
        let pick (a, b) = if i = 0 then a else b
        Math.Log2(pick (oneStep 0.2 part) / pick (oneStep 0.1 part))

    Assert.InRange(slope 1 0.5, 5.6, 7.2)

    for part in [ 0.3; 0.45; 0.7 ] do
        Assert.InRange(slope 0 part, 4.5, 7.2)

[<Fact>]
let ``a closer tolerance gives a closer solution`` () =
    let error tolerance =
        let o = { options with RelativeTolerance = tolerance; AbsoluteTolerance = tolerance }
        abs (float (odeint o decay (scalar 1.0) 0.0 3.0) - exp -3.0)

    for tolerance in [ 1e-3; 1e-5; 1e-7; 1e-9 ] do
        Assert.True(error tolerance < 10.0 * tolerance)

/// An equation with parameters, as a function of both: y' = (-a y0 + b y1, -y1 sin t).
let private equation (t: Tensor) (y: Tensor) (p: {| A: Tensor; B: Tensor |}) =
    Tensor.stack 0 [ -p.A * y[0] + p.B * y[1]; -y[1] * sin t ]

let private y0, p0 = vector [ 1.0; 0.5 ], {| A = scalar 0.7; B = scalar 1.3 |}

let private direct loss (y, p) = loss (odeintAt tight (fun t y -> equation t y p) y 0.0 [ 0.5; 1.2; 2.0 ])
let private adjoint loss (y, p) = loss (odeintAdjointAt tight equation y p 0.0 [ 0.5; 1.2; 2.0 ])
let private loss (ys: Tensor[]) = Tensor.sum (square ys[0]) + Tensor.sum ys[1] * ys[2][0]

[<Fact>]
let ``gradients through the steps and by the adjoint equation agree with each other and with differences`` () =
    let v1, (gy1, gp1) = valueAndGrad (direct loss) (y0, p0)
    let v2, (gy2, gp2) = valueAndGrad (adjoint loss) (y0, p0)
    near 1e-9 v1 v2
    near 1e-8 gy1 gy2
    near 1e-8 gp1.A gp2.A
    near 1e-8 gp1.B gp2.B
    let at h = float (direct loss (y0, {| p0 with A = p0.A + h |}))
    Assert.Equal((at 1e-4 - at -1e-4) / 2e-4, float gp1.A, 1e-6)
    // The inner gradient accounts for every operation of the steps, so that it also agrees with its own tangents.
    CheckGrads.Run(Func<_, _>(direct loss), (y0, p0), order = 1, tolerance = 1e-5)

[<Fact>]
let ``gradients of decay and of growth equal closed forms`` () =
    // y = c exp (a t): dy/dc = exp (a t), dy/da = c t exp (a t), d2y/da2 = c t^2 exp (a t)
    let c, t = 1.5, 1.2
    let f _ (y: Tensor) (a: Tensor) = a * y
    let byAdjoint a = odeintAdjoint tight f (scalar c) a 0.0 t
    let byDirect a = odeint tight (fun t y -> f t y a) (scalar c) 0.0 t

    [ "adjoint", byAdjoint; "direct", byDirect ]
    |> forEach fst (fun (_, y) ->
        for a in [ -0.6; 0.4 ] do
            let growth = exp (a * t)
            nearValue 1e-8 (c * t * growth) (grad y (scalar a))
            nearValue 1e-8 (c * t * growth) (snd (jvp y (scalar a) (scalar 1.0)))
            nearValue 1e-7 (c * t * t * growth) (grad (grad y) (scalar a))
            nearValue 1e-7 (c * t * t * growth) (hvp y (scalar a) (scalar 1.0)))

    let byStart (start: Tensor) = odeintAdjoint tight f start (scalar 0.4) 0.0 t
    nearValue 1e-8 (exp (0.4 * t)) (grad byStart (scalar c))
    // Backward in time.
    let back (a: Tensor) = odeintAdjoint tight f (scalar c) a t 0.0
    nearValue 1e-8 (-c * t * exp (-0.4 * t)) (grad back (scalar 0.4))

[<Fact>]
let ``second derivatives of both kinds agree for a system`` () =
    let small f (x: Tensor) = f (x[..1], {| A = x[2]; B = x[3] |})
    let x = vector [ 1.0; 0.5; 0.7; 1.3 ]
    let v = vector [ 0.3; -1.0; 0.5; 0.2 ]
    near 1e-6 (hvp (small (direct loss)) x v) (hvp (small (adjoint loss)) x v)

[<Fact>]
let ``the adjoint equation serves methods of fixed step, trees and equations without parameters`` () =
    let o = { options with Method = OdeMethod.RungeKutta4 50 }
    let f _ (x: Tensor, v: Tensor) (k: Tensor) = v, -k * x
    // x = cos (sqrt k t): dx/dk = -t sin (sqrt k t) / (2 sqrt k)
    let x k = fst (odeintAdjoint o f (scalar 1.0, scalar 0.0) k 0.0 1.0)
    nearValue 1e-6 (-(sin 1.5) / 3.0) (grad x (scalar 2.25))
    let y (start: Tensor) = odeintAdjoint tight (fun t y () -> decay t y) start () 0.0 1.0
    nearValue 1e-8 (exp -1.0) (grad y (scalar 2.0))
    let single (k: Tensor) = fst (odeintAdjoint options f (Tensor.Scalar 1.0f, Tensor.Scalar 0.0f) k 0.0 1.0)
    let g = grad single (Tensor.Scalar 2.25f)
    Assert.Equal(DType.Float32, g.DType)
    Assert.Equal(-(sin 1.5) / 3.0, float g, 1e-4)

[<Fact>]
let ``limits, singularities and wrong calls raise clear messages`` () =
    let y = vector [ 1.0; 2.0 ]

    let arithmetic (message: string) (call: unit -> unit) =
        Assert.StartsWith(message, Assert.Throws<ArithmeticException>(call).Message)

    arithmetic "odeint: 20 steps from t = 0 reached only t = " (fun () ->
        odeint { options with MaxSteps = 20 } (fun _ (y: Tensor) -> -1e6 * y) y 0.0 100.0 |> ignore)

    // y' = y^2 reaches infinity at t = 1.
    arithmetic "odeint: " (fun () -> odeint options (fun _ (y: Tensor) -> y * y) (scalar 1.0) 0.0 2.0 |> ignore)

    let solve f start t0 times o = odeintAt o f start t0 times |> ignore

    [ "unordered times", "odeint: the output times must lie in order", fun () -> solve decay y 0.0 [ 1.0; 0.5 ] options
      "times on both sides",
      "odeint: the output times must lie in order",
      fun () -> solve decay y 0.0 [ -1.0; 0.5 ] options
      "infinite time",
      "odeint: the start and all output times must be finite",
      fun () -> solve decay y 0.0 [ infinity ] options
      "another shape",
      "odeint: the derivative that f returned is float64 of shape (), but must be float64 of shape (2)",
      fun () -> solve (fun _ y -> Tensor.sum y) y 0.0 [ 1.0 ] options
      "NaN at the start",
      "odeint: the state or its derivative is not finite at the start, t = 0",
      fun () -> solve (fun _ y -> log -y) y 0.0 [ 1.0 ] options
      "no numbers",
      "odeint: the state has no floating-point numbers",
      fun () -> solve decay (Tensor.ofSeq [ 1 ]) 0.0 [ 1.0 ] options
      "no steps",
      "odeint: 0 steps to an output time",
      fun () -> solve decay y 0.0 [ 1.0 ] { options with Method = OdeMethod.Euler 0 }
      "negative tolerance",
      "odeint: the tolerances are -1 and 1E-09",
      fun () -> solve decay y 0.0 [ 1.0 ] { options with RelativeTolerance = -1.0 }
      "captured parameters",
      "customVjp: the function uses a tensor that is being differentiated",
      fun () ->
          grad (fun (a: Tensor) -> odeintAdjoint options (fun _ y () -> a * y) a () 0.0 1.0) (scalar 1.0) |> ignore ]
    |> forEach (fun (name, _, _) -> name) (fun (_, message, call) ->
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(call).Message))

[<Fact>]
let ``cancelling stops an integration`` () =
    use source = new CancellationTokenSource()

    let f (t: Tensor) (y: Tensor) =
        if float t > 0.5 then
            source.Cancel()
        -y

    Assert.Throws<OperationCanceledException>(fun () ->
        odeint { options with CancellationToken = source.Token } f (scalar 1.0) 0.0 10.0 |> ignore)
