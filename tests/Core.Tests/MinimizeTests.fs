/// Minimization and least squares.
module Core.Tests.MinimizeTests

open System
open System.Threading
open Autodiff
open Autodiff.Numerics
open Core.Tests.Common
open Xunit

let private methods =
    [ "BFGS", MinimizeMethod.Bfgs
      "L-BFGS", MinimizeMethod.Lbfgs 10
      "Newton-CG", MinimizeMethod.NewtonCg
      "gradient descent", MinimizeMethod.GradientDescent ]

let private newtonLike = List.truncate 3 methods
let private options = MinimizeOptions.Default

let private rosenbrock (x: Tensor) =
    let a, b = x[.. x.Size - 2], x[1..]
    Tensor.sum (100.0 * square (b - square a) + square (1.0 - a))

let private beale (x: Tensor) =
    let a, b = x[0], x[1]
    square (1.5 - a + a * b) + square (2.25 - a + a * b * b) + square (2.625 - a + a * b * b * b)

let private himmelblau (x: Tensor) = square (square x[0] + x[1] - 11.0) + square (x[0] + square x[1] - 7.0)

let private powellResiduals (x: Tensor) =
    Tensor.stack
        0
        [ x[0] + 10.0 * x[1]; sqrt 5.0 * (x[2] - x[3]); square (x[1] - 2.0 * x[2]); sqrt 10.0 * square (x[0] - x[3]) ]

let private powell (x: Tensor) = Tensor.sum (square (powellResiduals x))
let private classical n = Tensor.ofSeq [ for i in 0 .. n - 1 -> if i % 2 = 0 then -1.2 else 1.0 ]

let private problems: (string * (Tensor -> Tensor) * Tensor * Tensor * float) list =
    [ "Rosenbrock 2", rosenbrock, classical 2, Tensor.cast DType.Float64 (Tensor.ones [ 2 ]), 1e-5
      "Rosenbrock 10",
      rosenbrock,
      Tensor.full DType.Float64 [ 10 ] 1.3,
      Tensor.cast DType.Float64 (Tensor.ones [ 10 ]),
      1e-5
      "Rosenbrock 100",
      rosenbrock,
      Tensor.full DType.Float64 [ 100 ] 1.3,
      Tensor.cast DType.Float64 (Tensor.ones [ 100 ]),
      1e-5
      "Beale", beale, vector [ 1.0; 1.0 ], vector [ 3.0; 0.5 ], 1e-5
      "Himmelblau", himmelblau, vector [ 1.0; 1.0 ], vector [ 3.0; 2.0 ], 1e-6
      "Powell's singular function", powell, vector [ 3.0; -1.0; 0.0; 1.0 ], Tensor.zerosLike (classical 4), 2e-2
      "badly scaled",
      (fun x -> Tensor.sum (square (x * vector [ 1e4; 1.0; 1e-3 ] - 1.0))),
      vector [ 1.0; -3.0; 5.0 ],
      vector [ 1e-4; 1.0; 1e3 ],
      1e-1
      "a wall of infinity", (fun x -> x[0] - log x[0] + square x[1]), vector [ 30.0; 2.0 ], vector [ 1.0; 0.0 ], 1e-6
      "a region of NaN",
      (fun x -> -(sqrt (1.0 - x[0] * x[0])) + square x[1]),
      vector [ 0.999; 1.0 ],
      vector [ 0.0; 0.0 ],
      1e-5 ]

[<Fact>]
let ``classical problems are solved by all methods of Newton's kind`` () =
    [ for name, method in newtonLike do
          for problem, f, start, expected, tolerance in problems ->
              $"{problem} by {name}", method, f, start, expected, tolerance ]
    |> forEach (fun (name, _, _, _, _, _) -> name) (fun (_, method, f, start, expected, tolerance) ->
        let result = minimize method options f start
        Assert.True(result.Converged, result.Reason)
        near tolerance expected result.Parameters
        Assert.True(result.Iterations < 400, $"{result.Iterations} iterations")
        Assert.True(result.Evaluations >= result.Iterations)
        Assert.Equal(float (f result.Parameters), result.Value, 1e-12))

[<Fact>]
let ``gradient descent solves a problem of small condition`` () =
    let result = minimize MinimizeMethod.GradientDescent options himmelblau (vector [ 1.0; 1.0 ])
    Assert.True(result.Converged, result.Reason)
    near 1e-6 (vector [ 3.0; 2.0 ]) result.Parameters

[<Fact>]
let ``a saddle of negative curvature is left by Newton's method`` () =
    // At the start the Hessian is indefinite and Newton's own step would go to the saddle at 0.
    let f (x: Tensor) = square (square x[0] - 1.0) + square x[1]
    let result = minimize MinimizeMethod.NewtonCg options f (vector [ 0.01; 0.5 ])
    Assert.True(result.Converged, result.Reason)
    near 1e-6 (vector [ 1.0; 0.0 ]) (abs result.Parameters)

[<Fact>]
let ``conjugate gradients need one product for each distinct curvature`` () =
    [ 1; 2; 4; 7 ]
    |> forEach string (fun distinct ->
        let curvatures = Tensor.ofSeq [ for i in 0..41 -> 1.0 + 3.0 * float (i % distinct) ]
        let g = normal distinct [| 42 |]
        let struct (step, promised, onBorder, products) =
            Search.steihaug (fun v -> curvatures * v) g infinity 1e-10 100
        Assert.Equal(distinct, products)
        Assert.False onBorder
        near 1e-9 (-g / curvatures) step
        nearValue 1e-9 promised (0.5 * Tensor.sum (g * g / curvatures)))

[<Fact>]
let ``a step of conjugate gradients stays within its radius`` () =
    let curvatures = vector [ 1.0; 4.0; -2.0 ]
    let struct (step, promised, onBorder, _) =
        Search.steihaug (fun v -> curvatures * v) (vector [ 1.0; 1.0; 0.5 ]) 0.8 1e-10 100
    Assert.True onBorder
    Assert.Equal(0.8, LineSearch.norm step, 1e-12)
    Assert.True(promised > 0.0)

[<Fact>]
let ``a quadratic of condition 1000 is solved in a bounded number of steps`` () =
    let curvatures = Tensor.ofSeq [ for i in 0..9 -> 10.0 ** (float i / 3.0) ]
    let f (x: Tensor) = 0.5 * Tensor.sum (curvatures * x * x)

    newtonLike
    |> forEach fst (fun (_, method) ->
        let result = minimize method options f (normal 8 [| 10 |])
        Assert.True(result.Converged, result.Reason)
        Assert.True(result.Iterations <= 100, $"{result.Iterations} iterations"))

/// Two clouds of points and their labels.
let private clouds =
    let labels = (Key 5).Bernoulli([| 60 |], 0.5) |> Tensor.cast DType.Float64
    normal 6 [| 60; 3 |] + Tensor.expandAxis 1 labels * vector [ 1.0; -0.5; 0.2 ], labels

type Regression = { Weights: Tensor; Bias: Tensor; Name: string }

let private logistic (model: Regression) =
    let x, labels = clouds
    let z = Tensor.matmul x model.Weights + model.Bias
    Tensor.mean (softplus z - labels * z) + 0.01 * Tensor.sum (square model.Weights)

[<Fact>]
let ``logistic regression over a record has one optimum for all methods`` () =
    let start = { Weights = Tensor.zeros [ 3 ]; Bias = Tensor.Scalar 0.0f; Name = "r" }
    let options = { options with GradientTolerance = 1e-9 }
    let results = methods |> List.map (fun (name, method) -> name, minimize method options logistic start)
    let _, reference = List.head results

    results
    |> forEach fst (fun (_, result) ->
        Assert.True(result.Converged, result.Reason)
        Assert.Equal(DType.Float32, result.Parameters.Weights.DType)
        Assert.Equal("r", result.Parameters.Name)
        Assert.Equal(reference.Value, result.Value, 1e-14)
        near 1e-6 reference.Parameters.Weights result.Parameters.Weights
        near 1e-6 reference.Parameters.Bias result.Parameters.Bias)

[<Fact>]
let ``a sum of exponentials is fitted by Levenberg and Marquardt`` () =
    let t = Tensor.linspace 0.0 4.0 40
    let model (p: Tensor) = p[0] * exp (-p[1] * t) + p[2] * exp (-p[3] * t)
    let truth = vector [ 3.0; 0.4; 1.5; 2.5 ]
    let data = model truth
    let fit = levenbergMarquardt options (fun p -> model p - data) (vector [ 1.0; 0.1; 1.0; 1.0 ])
    Assert.True(fit.Converged, fit.Reason)
    near 1e-4 truth fit.Parameters
    let exact =
        levenbergMarquardt
            { options with GradientTolerance = 1e-12 }
            (fun p -> model p - data)
            (vector [ 1.0; 0.1; 1.0; 1.0 ])
    near 1e-8 truth exact.Parameters
    Assert.True(exact.Iterations < 60, $"{exact.Iterations} iterations")

[<Fact>]
let ``least squares over trees: linear, singular, underdetermined and badly scaled`` () =
    let x, y = normal 1 [| 20; 3 |], normal 2 [| 20 |]
    let f (w: Tensor, b: Tensor) = Tensor.matmul x w + b - y
    let fit =
        levenbergMarquardt
            { options with GradientTolerance = 1e-10 }
            f
            (Tensor.zerosLike (normal 1 [| 3 |]), scalar 0.0)
    let r = f fit.Parameters
    near 1e-9 (vector [ 0.0; 0.0; 0.0 ]) (Tensor.matmul (Tensor.transpose x) r)
    nearValue 1e-9 0.0 (Tensor.sum r)
    let singular = levenbergMarquardt options powellResiduals (vector [ 3.0; -1.0; 0.0; 1.0 ])
    Assert.True(singular.Converged, singular.Reason)
    near 2e-2 (Tensor.zerosLike (classical 4)) singular.Parameters
    let under =
        levenbergMarquardt options (fun (p: Tensor) -> p[0] * p[1] - 6.0 + square p[2]) (vector [ 1.0; 1.0; 1.0 ])
    Assert.True(under.Converged, under.Reason)
    Assert.Equal(0.0, under.Value, 1e-10)
    let scaled =
        levenbergMarquardt
            options
            (fun (p: Tensor) -> p * vector [ 1e6; 1e-6 ] - vector [ 2.0; 3.0 ])
            (vector [ 1.0; 1.0 ])
    near 1e-6 (vector [ 2e-6; 3e6 ]) scaled.Parameters
    let valley =
        levenbergMarquardt
            options
            (fun (x: Tensor) -> Tensor.stack 0 [ 10.0 * (x[1] - square x[0]); 1.0 - x[0] ])
            (classical 2)
    near 1e-6 (vector [ 1.0; 1.0 ]) valley.Parameters
    // A parameter without influence stays where it is.
    let idle = levenbergMarquardt options (fun (x: Tensor) -> x[0] - 3.0) (vector [ 1.0; 7.0 ])
    near 1e-6 (vector [ 3.0; 7.0 ]) idle.Parameters

[<Fact>]
let ``a flat start ends at once and says so`` () =
    methods
    |> forEach fst (fun (_, method) ->
        let result = minimize method options (fun (x: Tensor) -> Tensor.sum (x ** 4.0)) (vector [ 0.0; 0.0 ])
        Assert.True result.Converged
        Assert.Equal(0, result.Iterations)
        Assert.StartsWith("The gradient norm 0 is within the tolerance", result.Reason))

[<Fact>]
let ``the number of iterations is bounded, and none may be allowed`` () =
    for limit in [ 0; 1; 5 ] do
        methods
        |> forEach fst (fun (_, method) ->
            let result = minimize method { options with MaxIterations = limit } rosenbrock (classical 10)
            Assert.False result.Converged
            Assert.Equal(limit, result.Iterations)
            Assert.StartsWith($"{limit} iterations were allowed", result.Reason)
            Assert.True(result.Value <= float (rosenbrock (classical 10))))

[<Fact>]
let ``cancelling returns the best point so far`` () =
    let start = classical 10

    methods
    |> forEach fst (fun (_, method) ->
        use source = new CancellationTokenSource()
        let mutable runs = 0

        let f (x: Tensor) =
            runs <- runs + 1
            if runs = 12 then
                source.Cancel()
            rosenbrock x

        let result = minimize method { options with CancellationToken = source.Token } f start
        Assert.False result.Converged
        Assert.StartsWith("Cancelled after", result.Reason)
        Assert.Equal(12, runs)
        Assert.True(result.Value < float (rosenbrock start)))

[<Fact>]
let ``a function without a lower bound ends without an exception`` () =
    methods
    |> forEach fst (fun (_, method) ->
        let result =
            minimize
                method
                { options with MaxIterations = 50 }
                (fun (x: Tensor) -> Tensor.sum (x ** 3.0))
                (vector [ -1.0; 2.0 ])
        Assert.False(result.Converged, result.Reason))

[<Fact>]
let ``wrong starts and functions raise clear messages`` () =
    let x = vector [ 1.0; 2.0 ]
    let run f (start: Tensor) = minimize MinimizeMethod.Bfgs options f start |> ignore

    [ "NaN at the start", "minimize: at the start the value is NaN", fun () -> run (fun x -> Tensor.sum (log x)) -x
      "no slope at the start",
      "minimize: at the start the value is 0 and the largest element of the gradient",
      fun () -> run (fun x -> Tensor.sum (sqrt x)) (x * 0.0)
      "not a number", "grad: the function returned float64 of shape (2)", fun () -> run id x
      "integers only",
      "minimize: the start has no floating-point numbers",
      fun () -> run Tensor.sum (Tensor.ofSeq [ 1; 2 ])
      "no memory",
      "minimize: L-BFGS with a memory of 0 steps",
      fun () -> minimize (MinimizeMethod.Lbfgs 0) options Tensor.sum x |> ignore
      "NaN residuals",
      "levenbergMarquardt: at the start the value is NaN",
      fun () -> levenbergMarquardt options log -x |> ignore ]
    |> forEach (fun (name, _, _) -> name) (fun (_, message, call) ->
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(call).Message))

[<Fact>]
let ``the result is a constant to a derivative around the search`` () =
    let f (a: Tensor) =
        let result = minimize MinimizeMethod.Bfgs options (fun (x: Tensor) -> square (x - a)) (scalar 0.0)
        a * result.Parameters

    nearValue 1e-6 3.0 (grad f (scalar 3.0))
