/// Roots and fixed points and their derivatives.
module Core.Tests.ImplicitTests

open System
open Autodiff
open Autodiff.Numerics
open Core.Tests.Common
open Xunit

let private options = RootOptions.Default

/// Derivatives of orders 1 to 3 in every mode against closed forms.
let private check (f: Tensor -> Tensor) (at: float) (value: float, first: float, second: float) tolerance =
    let x = scalar at
    let forward (f: Tensor -> Tensor) (x: Tensor) : Tensor = snd (jvp f x (scalar 1.0))
    nearValue tolerance value (f x)
    nearValue tolerance first (grad f x)
    nearValue tolerance first (forward f x)

    for outer in [ grad; forward ] do
        for inner in [ grad; forward ] do
            nearValue (10.0 * tolerance) second (outer (inner f) x)

[<Fact>]
let ``a square root by Newton's iteration and as a root`` () =
    let a = 2.7
    let expected = sqrt a, 0.5 / sqrt a, -0.25 * a ** -1.5
    check (fixedPoint options (fun (a: Tensor) (x: Tensor) -> 0.5 * (x + a / x)) (scalar 1.0)) a expected 1e-11
    check (root options (fun (a: Tensor) (x: Tensor) -> x * x - a) (scalar 1.0)) a expected 1e-11
    check
        (implicitRoot (fun (a: Tensor) -> sqrt a) (fun (a: Tensor) (x: Tensor) -> x * x - a) (scalar 1.0))
        a
        expected
        1e-11

[<Fact>]
let ``Kepler's equation`` () =
    // E - e sin E = M: dE/dM = 1 / (1 - e cos E), dE/de = sin E / (1 - e cos E)
    let kepler (m: Tensor, e: Tensor) =
        root options (fun (m: Tensor, e: Tensor) (E: Tensor) -> E - e * sin E - m) m (m, e)
    let repeated (m: Tensor, e: Tensor) =
        fixedPoint options (fun (m: Tensor, e: Tensor) (E: Tensor) -> m + e * sin E) m (m, e)

    [ "root", kepler; "fixedPoint", repeated ]
    |> forEach fst (fun (_, solve) ->
        for e in [ 0.1; 0.5; 0.8 ] do
            let m = vector [ 0.3; 1.0; 2.5 ]
            let E = solve (m, scalar e)
            near 1e-11 m (E - e * sin E)
            let gm, ge = grad (fun me -> Tensor.sum (solve me)) (m, scalar e)
            near 1e-10 (1.0 / (1.0 - e * cos E)) gm
            near 1e-10 (Tensor.sum (sin E / (1.0 - e * cos E))) ge

            // d2E/dM2 = -e sin E / (1 - e cos E)^3
            let second = jvp (grad (fun m -> Tensor.sum (solve (m, scalar e)))) m (Tensor.onesLike m) |> snd
            near 1e-8 (-e * sin E / (1.0 - e * cos E) ** 3.0) second)

[<Fact>]
let ``a solver that is a formula is batched and compiled, and its derivatives are`` () =
    let cubeRoot (a: Tensor) =
        implicitRoot (fun (a: Tensor) -> a ** (1.0 / 3.0)) (fun a x -> x * x * x - a) (scalar 1.0) a

    let a = vector [ 0.5; 2.7; 8.0 ]
    near 1e-12 (a ** (1.0 / 3.0)) (vmap cubeRoot a)
    let first, second = a ** (-2.0 / 3.0) / 3.0, a ** (-5.0 / 3.0) * (-2.0 / 9.0)
    near 1e-10 first (vmap (grad cubeRoot) a)
    near 1e-10 second (vmap (grad (grad cubeRoot)) a)
    near 1e-10 first (vmap (fun a -> snd (jvp cubeRoot a (scalar 1.0))) a)
    near 1e-10 first (grad (fun a -> Tensor.sum (vmap cubeRoot a)) a)
    near 1e-10 (scalar (2.7 ** (1.0 / 3.0))) (jit cubeRoot a[1])
    near 1e-10 first[1] (jit (grad cubeRoot) a[1])

[<Fact>]
let ``iterations that look at values say so where there are none`` () =
    let searches: (string * (Tensor -> Tensor)) list =
        [ "fixedPoint", fixedPoint options (fun (a: Tensor) (x: Tensor) -> 0.5 * (x + a / x)) (scalar 1.0)
          "root", root options (fun (a: Tensor) (x: Tensor) -> x * x - a) (scalar 1.0) ]

    for name, f in searches do
        for run in [ vmap f; vmap (grad f); (fun a -> jit f a[0]); (fun a -> jit (grad f) a[0]) ] do
            let message = Assert.Throws<ArgumentException>(fun () -> run (vector [ 1.0; 2.0 ]) |> ignore).Message
            Assert.StartsWith($"{name}: the parameters have no values yet", message)

[<Fact>]
let ``many unknowns are differentiated by a series`` () =
    let n = 300
    let w = normal 5 [| n; n |] * (0.4 / sqrt (float n))
    let f (b: Tensor) (x: Tensor) = tanh (Tensor.matmul w x + b)
    let solve = fixedPoint options f (Tensor.full DType.Float64 [ n ] 0.0)
    let b = normal 6 [| n |]
    let unrolled b = Seq.fold (fun x _ -> f b x) (Tensor.full DType.Float64 [ n ] 0.0) (seq { 1..60 })
    near 1e-10 (unrolled b) (solve b)
    let loss (solve: Tensor -> Tensor) b = Tensor.sum (square (solve b))
    near 1e-9 (grad (loss unrolled) b) (grad (loss solve) b)

[<Fact>]
let ``systems over trees, in float32 too, and where rounding stops the search`` () =
    // x^2 + y^2 = r^2, x = y
    let f (r: Tensor) (x: Tensor, y: Tensor) = x * x + y * y - r * r, x - y
    let x, y = root options f (scalar 1.0, scalar 0.5) (scalar 2.0)
    nearValue 1e-12 (sqrt 2.0) x
    near 1e-12 x y
    nearValue 1e-12 (sqrt 0.5) (grad (fun r -> fst (root options f (scalar 1.0, scalar 0.5) r)) (scalar 2.0))
    let single r = fst (root { options with Tolerance = 1e-6 } f (Tensor.Scalar 1.0f, Tensor.Scalar 0.5f) r)
    Assert.Equal(sqrt 0.5, float (grad single (Tensor.Scalar 2.0f)), 1e-6)
    CheckGrads.Run(Func<_, _>(fun r -> fst (root options f (scalar 1.0, scalar 0.5) r)), scalar 2.0)

[<Fact>]
let ``a minimum is differentiated through the root of its gradient`` () =
    // The minimum of x^4/4 - a x is the cube root of a.
    let f (a: Tensor) (x: Tensor) = 0.25 * x ** 4.0 - a * x
    let search (a: Tensor) =
        (minimize MinimizeMethod.Bfgs { MinimizeOptions.Default with GradientTolerance = 1e-12 } (f a) (scalar 1.0))
            .Parameters
    let argmin = implicitRoot search (fun a -> grad (f a)) (scalar 1.0)
    check argmin 8.0 (2.0, 1.0 / 12.0, -1.0 / 144.0) 1e-9

[<Fact>]
let ``searches without success raise clear messages`` () =
    let arithmetic (message: string) (call: unit -> unit) =
        Assert.StartsWith(message, Assert.Throws<ArithmeticException>(call).Message)

    let one = scalar 1.0
    arithmetic "fixedPoint: no convergence after 1000 iterations" (fun () ->
        fixedPoint options (fun (a: Tensor) x -> a - x) (scalar 0.3) one |> ignore)
    arithmetic "fixedPoint: no convergence" (fun () ->
        fixedPoint options (fun (_: Tensor) (x: Tensor) -> x * x * x) (scalar 3.0) one |> ignore)
    arithmetic "root: no convergence" (fun () ->
        root options (fun (a: Tensor) (x: Tensor) -> x * x + a) (scalar 0.7) one |> ignore)
    arithmetic "root: the Jacobian is singular after 0 iterations, where the function is 1; start nearer" (fun () ->
        root options (fun (a: Tensor) (x: Tensor) -> x * x + a) (scalar 0.0) one |> ignore)
    arithmetic "root: the Jacobian is singular at the solution" (fun () ->
        grad (implicitRoot (fun (a: Tensor) -> a) (fun a x -> square (x - a)) one) one |> ignore)

    [ "NaN at the start",
      "root: the function is not finite at the start",
      fun () -> root options (fun (a: Tensor) x -> a * log x) -one one |> ignore
      "another shape",
      "root: the result of the function is float64 of shape (1)",
      fun () -> root options (fun (a: Tensor) x -> Tensor.flatten (a * x)) one one |> ignore ]
    |> forEach (fun (name, _, _) -> name) (fun (_, message, call) ->
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(call).Message))
