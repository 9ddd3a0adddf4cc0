/// Differentiation inside differentiation: levels, closures, modes and threads.
module Core.Tests.NestedTests

open System.Threading.Tasks
open Autodiff
open Core.Tests.Common
open FsCheck.FSharp
open Xunit

/// The derivative of a function of one number, by forward and by reverse mode.
let private forward (f: Tensor -> Tensor) (x: Tensor) : Tensor = snd (jvp f x (Tensor.onesLike x))
let private reverse (f: Tensor -> Tensor) (x: Tensor) : Tensor = grad f x
let private modes = [ "forward", forward; "reverse", reverse ]

/// Every choice of modes for a number of levels, outermost first.
let rec private mixes depth =
    if depth = 0 then
        [ "", [] ]
    else
        [ for name, mode in modes do
              for names, rest in mixes (depth - 1) -> name + " " + names, mode :: rest ]

let private atDepth depth check = mixes depth |> forEach fst (fun (_, modes) -> check (List.toArray modes))

[<Fact>]
let ``d/dx (x d/dy (x + y)) is 1`` () =
    atDepth 2 (fun d -> nearValue 0.0 1.0 (d[0] (fun x -> x * d[1] (fun y -> x + y) (scalar 1.0)) (scalar 1.0)))

[<Fact>]
let ``an inner derivative does not see the outer perturbation`` () =
    atDepth 2 (fun d ->
        // d/dx (x d/dy (x y) at 2) = 2x
        nearValue 1e-15 6.0 (d[0] (fun x -> x * d[1] (fun y -> x * y) (scalar 2.0)) (scalar 3.0))
        // d/dx (d/dy (x y) at x) = 1
        nearValue 1e-15 1.0 (d[0] (fun x -> d[1] (fun y -> x * y) x) (scalar 3.0))
        // d/dx (d/dy (x y^2) at x) = d/dx (2 x^2) = 4x
        nearValue 1e-15 12.0 (d[0] (fun x -> d[1] (fun y -> x * y * y) x) (scalar 3.0))
        // The inner function ignores its argument.
        nearValue 0.0 0.0 (d[0] (fun x -> d[1] (fun _ -> x * x) x) (scalar 3.0)))

[<Fact>]
let ``three levels capture each other's variables`` () =
    // d/dz (x y z^2) at y = 2xy^2; d/dy at x = 4x^2; d/dx = 8x
    atDepth 3 (fun d ->
        let f x = d[1] (fun y -> d[2] (fun z -> x * y * z * z) y) x
        nearValue 1e-14 12.0 (d[0] f (scalar 1.5)))

[<Fact>]
let ``a derivative operator made from a shift works on its own results`` () =
    // Manzyuk, Pearlmutter, Radul, Rush and Siskind 2019: s u f x = f (x + u); D s 0 is d/dx, also twice.
    let shift u (f: Tensor -> Tensor) x = f (x + u)

    atDepth 2 (fun d ->
        let operator k (f: Tensor -> Tensor) : Tensor -> Tensor = fun x -> d[k] (fun u -> shift u f x) (scalar 0.0)
        nearValue 1e-15 (exp 1.0) (operator 0 (operator 1 exp) (scalar 1.0))
        nearValue 1e-14 12.0 (operator 0 (operator 1 (fun x -> x ** 3.0)) (scalar 2.0))
        // The same operator at both levels.
        nearValue 1e-14 12.0 (operator 0 (operator 0 (fun x -> x ** 3.0)) (scalar 2.0)))

[<Fact>]
let ``a derivative function that is returned and applied later keeps its level apart`` () =
    atDepth 2 (fun d ->
        let mutable later: Tensor -> Tensor = id

        let f x =
            later <- d[1](fun y -> x * y * y)
            x * later (scalar 3.0)

        // f x = x (2 x 3) = 6 x^2
        nearValue 1e-14 24.0 (d[0] f (scalar 2.0))
        // After the outer derivative is finished, x is the number 2.
        nearValue 1e-14 20.0 (later (scalar 5.0))
        // Applied inside another derivative: d/dz (2 2 z) = 4.
        nearValue 1e-14 4.0 (d[0] later (scalar 5.0)))

[<Fact>]
let ``closures built at one level and called at another see the right variables`` () =
    atDepth 2 (fun d ->
        let curried x =
            let a = x * x
            fun y -> let b = a * y in fun z -> b * z + x

        // d/dx d/dy (x^2 y z + x) = 2xz
        nearValue 1e-14 42.0 (d[0] (fun x -> d[1] (fun y -> curried x y (scalar 7.0)) (scalar 5.0)) (scalar 3.0)))

/// Functions with their first four derivatives.
let private closedForms: (string * (Tensor -> Tensor) * float * float list) list =
    let at x f = f x

    [ "sin x", sin, 0.7, at 0.7 (fun x -> [ cos x; -sin x; -cos x; sin x ])
      "exp 2x", (fun x -> exp (2.0 * x)), 0.3, at 0.3 (fun x -> [ for n in 1..4 -> 2.0 ** float n * exp (2.0 * x) ])
      "x^5", (fun x -> x ** 5.0), 1.3, at 1.3 (fun x -> [ 5.0 * x ** 4.0; 20.0 * x ** 3.0; 60.0 * x * x; 120.0 * x ])
      "x^5 by products",
      (fun x -> x * x * x * x * x),
      -1.3,
      at -1.3 (fun x -> [ 5.0 * x ** 4.0; 20.0 * x ** 3.0; 60.0 * x * x; 120.0 * x ])
      "1/x",
      (fun x -> 1.0 / x),
      1.7,
      at 1.7 (fun x -> [ -1.0 / x ** 2.0; 2.0 / x ** 3.0; -6.0 / x ** 4.0; 24.0 / x ** 5.0 ])
      "log x", log, 1.7, at 1.7 (fun x -> [ 1.0 / x; -1.0 / x ** 2.0; 2.0 / x ** 3.0; -6.0 / x ** 4.0 ])
      "sqrt x",
      sqrt,
      1.7,
      at 1.7 (fun x -> [ 0.5 * x ** -0.5; -0.25 * x ** -1.5; 0.375 * x ** -2.5; -0.9375 * x ** -3.5 ])
      "tanh x",
      tanh,
      0.4,
      at (tanh 0.4) (fun t ->
          let u = 1.0 - t * t in [ u; -2.0 * t * u; u * (6.0 * t * t - 2.0); u * (16.0 * t - 24.0 * t ** 3.0) ])
      "sigmoid x",
      sigmoid,
      0.4,
      at (1.0 / (1.0 + exp -0.4)) (fun s ->
          let u = s * (1.0 - s) in
          [ u
            u * (1.0 - 2.0 * s)
            u * (1.0 - 6.0 * s + 6.0 * s * s)
            u * (1.0 - 14.0 * s + 36.0 * s * s - 24.0 * s ** 3.0) ])
      "erf x",
      erf,
      0.4,
      at 0.4 (fun x ->
          let g = 2.0 / sqrt System.Math.PI * exp (-x * x) in
          [ g; -2.0 * x * g; (4.0 * x * x - 2.0) * g; (12.0 * x - 8.0 * x ** 3.0) * g ])
      "x^x",
      (fun x -> x ** x),
      1.6,
      at 1.6 (fun x ->
          let l, p = log x + 1.0, x ** x in
          [ p * l
            p * (l * l + 1.0 / x)
            p * (l ** 3.0 + 3.0 * l / x - 1.0 / x ** 2.0)
            p * (l ** 4.0 + 6.0 * l * l / x - 4.0 * l / x ** 2.0 + 3.0 / x ** 2.0 + 2.0 / x ** 3.0) ]) ]

[<Fact>]
let ``derivatives to order 4 equal closed forms in all mixes of modes`` () =
    [ for name, f, x, expected in closedForms do
          for order in 1..4 do
              for mix, modes in mixes order -> $"{name}, {mix}", modes, f, x, expected[order - 1] ]
    |> forEach (fun (name, _, _, _, _) -> name) (fun (_, modes, f, x, expected) ->
        let derivative = List.foldBack (fun (mode: (Tensor -> Tensor) -> Tensor -> Tensor) g -> mode g) modes f
        nearValue 1e-11 expected (derivative (scalar x)))

/// A scalar function of a vector whose Hessian is full.
let private smooth (x: Tensor) : Tensor =
    let w = normal 3 [| 6; x.Size |]
    Tensor.logSumExp [ 0 ] (Tensor.matmul w x) + Tensor.sum (sin x * x) + Tensor.norm x

[<Fact>]
let ``the hessian is symmetric and the same by all mixes of Jacobians`` () =
    let x = normal 4 [| 5 |]
    let h = hessian smooth x
    near 1e-13 h (Tensor.transpose h)

    [ "jacfwd jacrev", jacfwd (jacrev smooth)
      "jacrev jacfwd", jacrev (jacfwd smooth)
      "jacrev jacrev", jacrev (jacrev smooth)
      "jacfwd jacfwd", jacfwd (jacfwd smooth)
      "jacrev grad", jacrev (grad smooth) ]
    |> forEach fst (fun (_, f) -> near 1e-12 h (f x))

    for seed in 1..3 do
        let v = normal (100 + seed) [| 5 |]
        near 1e-12 (Tensor.matmul h v) (hvp smooth x v)
        near 1e-12 (Tensor.matmul h v) (grad (fun x -> Tensor.dot (grad smooth x) v) x)

[<Fact>]
let ``the hessian of Rosenbrock's function equals its closed form`` () =
    let f (x: Tensor) = 100.0 * square (x[1] - square x[0]) + square (1.0 - x[0])
    let a, b = -1.2, 1.0
    near 1e-12 (vector [ -400.0 * a * (b - a * a) - 2.0 * (1.0 - a); 200.0 * (b - a * a) ]) (grad f (vector [ a; b ]))
    near
        1e-12
        (rows [ [ 1200.0 * a * a - 400.0 * b + 2.0; -400.0 * a ]; [ -400.0 * a; 200.0 ] ])
        (hessian f (vector [ a; b ]))

[<Fact>]
let ``Jacobians of a map between matrices have the shape of both`` () =
    let f (x: Tensor) = Tensor.matmul x (Tensor.transpose x)
    let x = normal 5 [| 2; 3 |]
    Assert.Equal<int[]>([| 2; 2; 2; 3 |], (jacrev f x).Shape)
    near 1e-14 (jacrev f x) (jacfwd f x)

[<Fact>]
let ``derivatives pass through branches, loops and recursion`` () =
    let rec power (x: Tensor) n = if n = 0 then scalar 1.0 else x * power x (n - 1)

    let newton (a: Tensor) =
        let mutable x = scalar 1.0

        while abs (float (x * x - a)) > 1e-14 do
            x <- 0.5 * (x + a / x)

        x

    let branch (x: Tensor) = if float x > 0.0 then x * x else -x

    atDepth 1 (fun d ->
        nearValue 1e-13 (7.0 * 1.5 ** 6.0) (d[0] (fun x -> power x 7) (scalar 1.5))
        nearValue 1e-7 (0.5 / sqrt 2.0) (d[0] newton (scalar 2.0))
        nearValue 0.0 6.0 (d[0] branch (scalar 3.0))
        nearValue 0.0 -1.0 (d[0] branch (scalar -3.0)))

[<Fact>]
let ``a long chain neither overflows the stack nor loses a step`` () =
    let f (x: Tensor) = Seq.fold (fun y _ -> y + x) x (seq { 1..20000 })
    let x = scalar 1.5
    nearValue 0.0 20001.0 (grad f x)
    nearValue 0.0 20001.0 ((snd (linearize f x)) (scalar 1.0))

[<Fact>]
let ``arguments that are integers take no part, wherever they stand`` () =
    let f (n: Tensor, x: Tensor, k: Tensor) = Tensor.sum (x * x * n * k)
    let gn, gx, gk = grad f (Tensor.ofSeq [ 2 ], vector [ 1.0; 3.0 ], Tensor.ofSeq [ 5; 7 ])
    near 0.0 (vector [ 20.0; 84.0 ]) gx
    Assert.Equal(DType.Int32, gn.DType)
    Assert.Equal<int[]>([| 0; 0 |], Tensor.toArray<int> gk)

[<Fact>]
let ``a function that changes the array it was given does not disturb the record`` () =
    let f (xs: Tensor[]) =
        xs[0] <- xs[0] * 3.0
        xs[0] * xs[1]

    let g = grad f [| scalar 2.0; scalar 5.0 |]
    nearValue 0.0 15.0 g[0]
    nearValue 0.0 6.0 g[1]

[<Fact>]
let ``a pullback serves many cotangents, again, and from many threads`` () =
    let x = normal 6 [| 4; 3 |]
    let f (x: Tensor) = Tensor.softmax -1 (Tensor.matmul x (normal 7 [| 3; 5 |]))
    let y, pull = vjp f x
    let cts = Array.init 64 (fun i -> normal (200 + i) y.Shape)
    let once = cts |> Array.map pull
    Assert.True(Array.forall2 sameBits once (cts |> Array.map pull))
    near 1e-14 (once[0] + once[1]) (pull (cts[0] + cts[1]))
    Assert.True(Array.forall2 sameBits once (cts |> Array.Parallel.map pull))
    let _, push = linearize f x
    let tangents = Array.init 64 (fun i -> normal (300 + i) x.Shape)
    Assert.True(Array.forall2 sameBits (tangents |> Array.map push) (tangents |> Array.Parallel.map push))

[<Fact>]
let ``a thousand differentiations at once give the bits of one by one`` () =
    let work i =
        let x = normal (1000 + i) [| 3; 4 |]
        let loss (x: Tensor) = Tensor.sum (tanh (Tensor.matmul x (normal i [| 4; 2 |])) ** 2.0)
        let inner (x: Tensor) = Tensor.sum (grad loss x * x)
        Tensor.concat
            0
            [ Tensor.flatten (grad inner x); Tensor.flatten (hvp loss x x); Tensor.flatten (fst (jvp loss x x)) ]

    let alone = Array.init 1000 work
    let together = Array.zeroCreate 1000
    Parallel.For(0, 1000, fun i -> together[i] <- work i) |> ignore
    Assert.True(Array.forall2 sameBits alone together)

[<Fact>]
let ``a differentiated function may itself run on many threads`` () =
    let f (x: Tensor) =
        Array.init 32 (fun i -> Task.Run(fun () -> sin (x * float i) * x)) |> Array.map _.Result |> Array.reduce (+)

    let expected x = List.sum [ for i in 0..31 -> let k = float i in k * cos (k * x) * x + sin (k * x) ]

    atDepth 1 (fun d ->
        for _ in 1..20 do
            nearValue 1e-11 (expected 0.3) (d[0] f (scalar 0.3)))

    // Differentiation inside the tasks of a differentiated function.
    let g (x: Tensor) =
        Array.init 16 (fun i -> Task.Run(fun () -> grad (fun y -> x * y ** float (i % 4 + 1)) x))
        |> Array.map _.Result
        |> Array.reduce (+)

    // d/dy (x y^k) at x = k x^k; d/dx = k^2 x^(k-1)
    let exact x = 4.0 * List.sum [ for k in 1..4 -> float (k * k) * x ** float (k - 1) ]
    atDepth 1 (fun d -> nearValue 1e-12 (exact 1.1) (d[0] g (scalar 1.1)))

[<Fact>]
let ``a loop over rows and overlapping slices has right derivatives`` () =
    // The tensor is used whole, row by row, by overlapping ranges, with steps, and by one row twice.
    let f (x: Tensor) =
        let rows = List.init x.Shape[0] (fun i -> sin (x[i] * float (i + 1))) |> List.reduce (fun a b -> a * 0.5 + b)
        let differences = square (x[1..] - x[.. x.Shape[0] - 2])
        let every = x[Slice.All, Slice.Every(2, System.Range.All)]
        Tensor.sum (rows * x[2] * x[2]) + Tensor.sum differences + Tensor.sum (exp every) + Tensor.sum (x * x)

    CheckGrads.Run(System.Func<_, _> f, normal 3 [| 5; 4 |], order = 2)
    let xs = normal 4 [| 3; 5; 4 |]
    let each = Tensor.stack 0 [ for i in 0..2 -> grad f xs[i] ]
    near 1e-12 each (vmap (grad f) xs)

[<Fact>]
let ``random compositions have right derivatives to second order`` () =
    let steps: (string * (Tensor -> Tensor)) list =
        [ "sin", sin
          "tanh", tanh
          "sigmoid", sigmoid
          "softplus", softplus
          "0.5 square", (fun x -> 0.5 * square x)
          "transpose", Tensor.transpose
          "softmax", Tensor.softmax 0
          "logSoftmax", Tensor.logSoftmax 1
          "centred", (fun x -> x - Tensor.mean x)
          "gram", (fun x -> Tensor.matmul x (Tensor.transpose x) * 0.2)
          "row", (fun x -> x * x[0])
          "reversed halves", (fun x -> Tensor.concat 0 [ x[1..]; x[..0] ])
          "exp -x^2", (fun x -> exp (-(square x)))
          "norm", (fun x -> x / (1.0 + Tensor.norm x)) ]

    let compositions = Gen.listOfLength 5 (Gen.elements (List.map fst steps))
    let inputs = Gen.zip compositions (Gen.choose (1, 1000))

    check
        60
        (Prop.forAll (Arb.fromGen inputs) (fun (names, seed) ->
            let table = Map.ofList steps
            let f (x: Tensor) = List.fold (fun y name -> table[name] y) x names
            CheckGrads.Run(System.Func<_, _> f, normal seed [| 3; 3 |], order = 2)))
