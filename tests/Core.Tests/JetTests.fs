/// Taylor mode, and what is made of it.
module Core.Tests.JetTests

open System
open System.Threading.Tasks
open Autodiff
open Core.Tests.Common
open FsCheck.FSharp
open Xunit

/// The derivatives of orders 1 to n along a curve by jvp in jvp, the curve being a polynomial of one number.
let private nested (f: Tensor -> Tensor) (x: Tensor) (series: Tensor list) : Tensor list =
    let along (t: Tensor) =
        let term (sum: Tensor, factor: Tensor, k) (derivative: Tensor) =
            let factor = factor * t * (1.0 / k)
            sum + derivative * factor, factor, k + 1.0

        let x, _, _ = List.fold term (x, scalar 1.0, 1.0) series in
        f x

    let derivative (g: Tensor -> Tensor) (t: Tensor) = snd (jvp g t (Tensor.onesLike t))

    List.scan (fun g _ -> derivative g) along series |> List.tail |> List.map (fun g -> g (scalar 0.0))

/// Random derivatives of a curve through x.
let private curve seed n (x: Tensor) = [ for k in 1..n -> normal (seed + k) x.Shape * 0.7 ]

let private nearAll tolerance (expected: Tensor list) (actual: Tensor list) =
    Assert.Equal(expected.Length, actual.Length)

    for e, a in List.zip expected actual do
        let scale = Array.fold (fun m v -> max m (abs v)) 1.0 (floats e)
        near tolerance (e / scale) (a / scale)

let private agrees tolerance n seed (f: Tensor -> Tensor) (x: Tensor) =
    let series = curve seed n x
    let y, found = jet f x series
    near 0.0 (f x) y
    nearAll tolerance (nested f x series) found

let private derivative (f: Tensor -> Tensor) (x: Tensor) =
    match jet f x [ Tensor.onesLike x ] with
    | _, [ dy ] -> dy
    | _ -> failwith "one order was asked for"

let private matrix = normal 3 [| 6; 4 |]

/// A function of a vector of length 4 with all kinds of primitives.
let private smooth (x: Tensor) : Tensor =
    let y = tanh (Tensor.matmul matrix x)
    let z = Tensor.softmax 0 y * x[0] / (1.0 + square x[1])
    Tensor.concat 0 [ z; sin x; Tensor.Where(Tensor.Greater(x, scalar 0.0), exp x, x ** 3.0) ]

[<Fact>]
let ``functions that have a rule of their own, and others, agree with nested jvp at order 5`` () =
    let positive = uniform 1 0.5 1.5 [| 3 |]
    let small = uniform 2 -0.7 0.7 [| 3 |]
    let other = uniform 4 0.5 1.5 [| 2; 1 |]

    [ "exp", exp, small
      "log", log, positive
      "sqrt", sqrt, positive
      "rsqrt", Tensor.Rsqrt, positive
      "sin", sin, small
      "cos", cos, small
      "tan", tan, small
      "sinh", sinh, small
      "cosh", cosh, small
      "tanh", tanh, small
      "sigmoid", Tensor.Sigmoid, small
      "reciprocal", Tensor.Reciprocal, positive
      "square", square, small
      "x * x", (fun x -> x * x), small
      "x / y", (fun x -> x / (1.0 + square x)), small
      "x / constant", (fun x -> x / other), small
      "constant / x", (fun x -> other / x), positive
      "x ** 1", (fun x -> Tensor.Pow(x, scalar 1.0)), small
      "x ** 3", (fun x -> x ** 3.0), small
      "x ** 7 of another shape", (fun x -> Tensor.Pow(x, Tensor.ofArray [ 1; 1 ] [| 7.0 |])), small
      "x ** -2", (fun x -> x ** -2.0), positive
      "x ** 2.5", (fun x -> x ** 2.5), positive
      "2 ** x", (fun x -> Tensor.Pow(2.0, x)), positive
      "x ** x", (fun x -> x ** x), positive
      "atan2", (fun x -> Tensor.Atan2(x, other)), positive
      "asin", asin, small
      "erf", erf, small
      "softplus", Tensor.Softplus, small
      "softmax", Tensor.softmax 0, small
      "logSoftmax", Tensor.logSoftmax 0, small
      "lgamma", lgamma, positive
      "maximum", (fun x -> Tensor.Maximum(sin x, x * x)), small
      "relu", (fun x -> Tensor.Relu(sin x)), small
      "abs", (fun x -> abs (sin x)), small
      "prod", (fun x -> Tensor.prod (x + 1.0)), small
      "outer product", (fun x -> expandAxis -1 x * x), small
      "smooth", smooth, normal 5 [| 4 |] ]
    |> forEach (fun (name, _, _) -> name) (fun (_, f, x) -> agrees 1e-10 5 10 f x)

[<Fact>]
let ``matrices agree with nested jvp at order 4`` () =
    let x = normal 6 [| 3; 3 |] * 0.2 + Tensor.cast DType.Float64 (Tensor.eye 3)
    let b = normal 7 [| 3; 2 |]

    [ "x x", (fun x -> Tensor.matmul x x)
      "inverse", Linalg.inverse
      "solve", (fun x -> Linalg.solve x b)
      "solve both", (fun x -> Linalg.solve x (square x))
      "det", Linalg.det
      "slogdet", (fun x -> snd (Linalg.slogdet x))
      "cholesky", (fun x -> Linalg.cholesky (Tensor.matmul x (Tensor.transpose x)))
      "expm", Linalg.expm
      "cumprod", Tensor.cumprod 1 ]
    |> forEach fst (fun (_, f) -> agrees 1e-10 4 20 f x)

[<Fact>]
let ``derivatives at zero and at ties are those of nested jvp`` () =
    let zero = vector [ 0.0; 1.0; -1.0 ]

    [ "x ** 3", (fun x -> x ** 3.0), zero
      "abs", abs, zero
      "relu", Tensor.Relu, zero
      "maximum", (fun x -> Tensor.Maximum(x, -x)), zero
      "where", (fun x -> Tensor.Where(Tensor.Greater(x, scalar 0.0), x * x, sin x)), zero
      "sign", (fun x -> Tensor.Signum x * x), zero
      "floor", (fun x -> floor x * x), zero + 0.5
      "max", (fun x -> Tensor.max (x * x)), zero ]
    |> forEach (fun (name, _, _) -> name) (fun (_, f, x) -> agrees 1e-12 3 30 f x)

[<Fact>]
let ``derivatives to order 10 equal closed forms`` () =
    let x = 0.7
    let orders f = [ for n in 0..10 -> scalar (f n) ]
    let factorial n = Seq.fold (*) 1.0 (seq { 1.0 .. float n })

    [ "sin", sin, orders (fun n -> Math.Sin(x + float n * Math.PI / 2.0))
      "exp 2x", (fun x -> exp (2.0 * x)), orders (fun n -> Math.Pow(2.0, float n) * Math.Exp(2.0 * x))
      "1 / x", (fun x -> 1.0 / x), orders (fun n -> Math.Pow(-1.0, float n) * factorial n / Math.Pow(x, float n + 1.0))
      "log",
      log,
      orders (fun n ->
          if n = 0 then
              Math.Log x
          else
              -(Math.Pow(-1.0, float n)) * factorial (n - 1) / Math.Pow(x, float n))
      "x^4",
      (fun x -> x ** 4.0),
      orders (fun n -> if n > 4 then 0.0 else factorial 4 / factorial (4 - n) * Math.Pow(x, float (4 - n)))
      "7", (fun _ -> scalar 7.0), orders (fun n -> if n = 0 then 7.0 else 0.0) ]
    |> forEach (fun (name, _, _) -> name) (fun (_, f, expected) -> nearAll 1e-11 expected (derivatives f (scalar x) 10))

    // Derivatives at many points, of trees, and of order 0.
    let points = vector [ 0.1; 0.2; 0.3 ]
    nearAll 1e-14 [ sin points; cos points; -(sin points) ] (derivatives sin points 2)
    let found = derivatives (fun x -> x * x, [ x ]) (scalar 3.0) 2
    nearAll 0.0 [ scalar 9.0; scalar 6.0; scalar 2.0 ] (List.map fst found)
    nearAll 0.0 [ scalar 3.0; scalar 1.0; scalar 0.0 ] (List.map (snd >> List.head) found)
    nearAll 0.0 [ scalar 9.0 ] (derivatives square (scalar 3.0) 0)

[<Fact>]
let ``jet composes with jvp in both orders`` () =
    let x, v = normal 40 [| 4 |], normal 41 [| 4 |]
    let series = curve 42 3 x
    let change f = fun x -> snd (jvp f x v)
    agrees 1e-10 3 43 (change smooth) x
    // The derivative of the third derivative along a curve that moves with its point.
    let third f x = let _, ds = jet f x series in ds[2]
    let thirdNested f x = List.item 2 (nested f x series)
    nearAll 1e-10 [ change (thirdNested smooth) x ] [ change (third smooth) x ]

[<Fact>]
let ``jet composes with vjp in both orders`` () =
    let x = normal 50 [| 4 |]
    let series = curve 51 3 x
    let back f x = let y, pull = vjp f x in pull (Tensor.onesLike y * 0.5 + normal 52 y.Shape)
    agrees 1e-9 3 53 (back smooth) x
    let third f x = let _, ds = jet f x series in ds[2]
    let thirdNested f x = List.item 2 (nested f x series)
    nearAll 1e-10 [ back (thirdNested smooth) x ] [ back (third smooth) x ]
    // Also with respect to the series.
    let bySeries run (v: Tensor) = Tensor.sum (run smooth x [ v; series[1]; series[2] ] |> List.item 2)
    nearAll 1e-10 [ grad (bySeries nested) series[0] ] [ grad (bySeries (fun f x s -> snd (jet f x s))) series[0] ]

[<Fact>]
let ``jet composes with vmap in both orders`` () =
    let xs = normal 60 [| 5; 4 |]
    agrees 1e-10 3 61 (vmap smooth) xs
    let series = curve 62 3 xs
    let _, expected = jet (vmap smooth) xs series
    let alone (x: Tensor, series: Tensor list) = snd (jet smooth x series)
    nearAll 1e-12 expected (vmap alone (xs, series))
    // One curve for all examples.
    let x = normal 63 [| 4 |]
    let scaled (factor: Tensor) = List.item 2 (snd (jet (fun x -> smooth (x * factor)) x (curve 64 3 x)))
    let factors = vector [ 0.5; 1.0; 1.5 ]
    near 1e-12 (Tensor.stack 0 [ for i in 0..2 -> scaled factors[i] ]) (vmap scaled factors)

[<Fact>]
let ``jet composes with jet`` () =
    let x = normal 70 [| 4 |]
    let inner = curve 71 2 x
    let second run x = List.item 1 (run smooth x inner)
    let byJet = second (fun f x s -> snd (jet f x s))
    let series = curve 72 2 x
    nearAll 1e-9 (nested (second nested) x series) (snd (jet byJet x series))

[<Fact>]
let ``an inner series does not see the outer one`` () =
    nearValue 0.0 1.0 (derivative (fun x -> x * derivative (fun y -> x + y) (scalar 1.0)) (scalar 1.0))
    nearValue 1e-14 12.0 (derivative (fun x -> derivative (fun y -> x * y * y) x) (scalar 3.0))
    // d/dz (x y z^2) at y = 2xy^2; d/dy at x = 4x^2; d/dx = 8x, in all orders of modes.
    let modes = [ derivative; grad; (fun f x -> snd (jvp f x (Tensor.onesLike x))) ]

    for a in modes do
        for b in modes do
            for c in modes do
                nearValue 1e-14 12.0 (a (fun x -> b (fun y -> c (fun z -> x * y * z * z) y) x) (scalar 1.5))

[<Fact>]
let ``trees, integers and truth values`` () =
    let n = Tensor.ofSeq [ 2; 5 ]
    let f (x: Tensor, (k: Tensor, y: Tensor)) = {| Product = x * y * k; Count = k + k; Sign = Tensor.Greater(x, y) |}
    let x, y = vector [ 1.0; 2.0 ], vector [ 3.0; 4.0 ]
    let none = Tensor.zerosLike n
    let value, series = jet f (x, (n, y)) [ vector [ 1.0; 1.0 ], (none, vector [ 1.0; 2.0 ]); x, (none, y) ]
    near 0.0 (vector [ 6.0; 40.0 ]) value.Product
    near 0.0 (Tensor.ofSeq [ 4; 10 ]) value.Count
    Assert.Equal(DType.Bool, value.Sign.DType)
    // x y'' + 2 x' y' + x'' y, times k.
    near 0.0 (vector [ 8.0; 40.0 ]) series[0].Product
    near 0.0 (vector [ 16.0; 100.0 ]) series[1].Product
    near 0.0 none series[1].Count
    let value, none = jet sin x []
    near 0.0 (sin x) value
    Assert.Empty none

[<Fact>]
let ``rules of one's own serve all orders`` () =
    let f = customJvp (fun (x: Tensor) -> x * sin x) (fun x y xDot -> xDot * (y / x + x * cos x))
    let g = customVjp (fun (x: Tensor) -> exp x * x) (fun x -> exp x * x, x) (fun x ct -> ct * (exp x * (1.0 + x)))
    let x = uniform 80 0.5 1.0 [| 3 |]
    nearAll 1e-10 (nested (fun x -> x * sin x) x (curve 81 4 x)) (snd (jet f x (curve 81 4 x)))
    nearAll 1e-10 (nested (fun x -> exp x * x) x (curve 81 4 x)) (snd (jet g x (curve 81 4 x)))

[<Fact>]
let ``series pass through branches, loops, long chains and threads`` () =
    let chain (x: Tensor) = Seq.fold (fun y _ -> y * 0.5 + sin x) x (seq { 1..20000 })
    let x = scalar 0.3
    nearAll 1e-12 [ for k in 0..4 -> 2.0 * sin (x + float k * Math.PI / 2.0) ] (derivatives chain x 4)
    let branch (x: Tensor) = if float x > 0.0 then x * x else -x
    nearAll 0.0 [ scalar 9.0; scalar 6.0; scalar 2.0 ] (derivatives branch (scalar 3.0) 2)

    let f (x: Tensor) =
        Array.init 16 (fun i -> Task.Run(fun () -> sin (x * float i) * x)) |> Array.map _.Result |> Array.reduce (+)

    let alone (x: Tensor) = Array.init 16 (fun i -> sin (x * float i) * x) |> Array.reduce (+)
    let expected = derivatives alone x 5
    for found in Array.Parallel.init 50 (fun _ -> derivatives f x 5) do
        Assert.True(List.forall2 sameBits expected found)

[<Fact>]
let ``a high order costs a polynomial number of primitives`` () =
    // By jvp in jvp, each order of these at least doubles the work.
    let f (x: Tensor) = tan (sin x / (1.0 + Tensor.softmax 0 x)) * x ** 2.5 + atan x
    let recorder = Recorder.Recorder()
    let x = uniform 90 0.5 1.0 [| 3 |]

    let count n =
        let before = recorder.Seen.Length
        derivatives f (recorder.Wrap x) n |> ignore
        float (recorder.Seen.Length - before)

    // A cubic grows eightfold.
    Assert.InRange(count 32 / count 16, 1.0, 9.0)

[<Fact>]
let ``random compositions agree with nested jvp at order 4`` () =
    let steps: (string * (Tensor -> Tensor)) list =
        [ "sin", sin
          "tanh", tanh
          "sigmoid", Tensor.Sigmoid
          "square", (fun x -> 0.5 * square x)
          "transpose", Tensor.transpose
          "softmax", Tensor.softmax 0
          "logSoftmax", Tensor.logSoftmax 1
          "centred", (fun x -> x - Tensor.mean x)
          "gram", (fun x -> Tensor.matmul x (Tensor.transpose x) * 0.2)
          "row", (fun x -> x * x[0])
          "halves", (fun x -> Tensor.concat 0 [ x[1..]; x[..0] ])
          "exp", (fun x -> exp (-(square x)))
          "norm", (fun x -> x / (1.0 + Tensor.norm x)) ]

    let inputs = Gen.zip (Gen.listOfLength 4 (Gen.elements (List.map fst steps))) (Gen.choose (1, 1000))

    check
        40
        (Prop.forAll (Arb.fromGen inputs) (fun (names, seed) ->
            let table = Map.ofList steps
            agrees 1e-9 4 seed (fun x -> List.fold (fun y name -> table[name] y) x names) (normal seed [| 2; 2 |])))

[<Fact>]
let ``wrong arguments are explained`` () =
    let fails (start: string) (f: unit -> obj) =
        let error = Assert.Throws<ArgumentException>(Action(fun () -> f () |> ignore))
        Assert.StartsWith(start, error.Message)

    let x = vector [ 1.0; 2.0 ]
    fails "jet: the derivative is float64 of shape (3)" (fun () -> box (jet sin x [ vector [ 1.0; 2.0; 3.0 ] ]))
    fails "jet: 1 derivatives were given for 2" (fun () ->
        box (jet (fun (xs: Tensor list) -> xs[0]) [ x; x ] [ [ x ] ]))
    fails "jet: the argument is int32" (fun () -> box (jet id (Tensor.ofSeq [ 1 ]) []))
    fails "derivatives: the order -1" (fun () -> box (derivatives sin x -1))

// Vector calculus.

let private field (x: Tensor) = Tensor.sum (exp (-(square x)) * sin (x * x[0])) + Tensor.prod x

[<Fact>]
let ``the laplacian is the trace of the hessian`` () =
    for x in [ normal 100 [| 4 |]; normal 101 [| 1 |]; normal 102 [| 2; 3 |] ] do
        let f (x: Tensor) = field (Tensor.flatten x)
        let h = Tensor.reshape [ x.Size; x.Size ] (hessian f x)
        near 1e-12 (Linalg.trace h) (laplacian f x)
        near 1e-12 (Linalg.trace h) (divergence (grad f) x)

    // |x|^p has p (p + n - 2) |x|^(p - 2).
    let x = normal 103 [| 5 |]
    near 1e-12 (4.0 * 7.0 * Tensor.norm x ** 2.0) (laplacian (fun x -> Tensor.norm x ** 4.0) x)
    // Harmonic, linear, constant; of a number; with values of any shape.
    nearValue 1e-13 0.0 (laplacian (fun x -> 1.0 / Tensor.norm x) (normal 104 [| 3 |]))
    nearValue 0.0 0.0 (laplacian Tensor.sum x)
    nearValue 0.0 0.0 (laplacian (fun _ -> scalar 3.0) x)
    nearValue 0.0 0.0 (laplacian Tensor.sum (normal 105 [| 0 |]))
    nearValue 1e-15 (-(sin 0.3)) (laplacian sin (scalar 0.3))
    near
        1e-13
        (Tensor.stack 0 [ laplacian field x; scalar 10.0 ])
        (laplacian (fun x -> Tensor.stack 0 [ field x; Tensor.sum (square x) ]) x)
    near 1e-5 (Tensor.cast DType.Float32 (laplacian field x)) (laplacian field (Tensor.cast DType.Float32 x))

[<Fact>]
let ``the laplacian of networks, and what follows from it`` () =
    let w, u = normal 110 [| 3; 8 |], normal 111 [| 8 |]
    let network (w: Tensor, x: Tensor) = Tensor.dot (tanh (Tensor.matmul x w)) u
    let xs = normal 112 [| 6; 3 |]
    let byHessian f x = Linalg.trace (hessian f x)
    let residual (laplacian: (Tensor -> Tensor) -> Tensor -> Tensor) (w: Tensor) =
        Tensor.mean (square (vmap (laplacian (fun x -> network (w, x))) xs))
    near 1e-12 (residual byHessian w) (residual laplacian w)
    near 1e-11 (grad (residual byHessian) w) (grad (residual laplacian) w)
    near 1e-11 (hvp (residual byHessian) w w) (hvp (residual laplacian) w w)
    let one = xs[0]
    let f x = network (w, x)
    near 1e-11 (byHessian (byHessian f) one) (laplacian (laplacian f) one)
    nearAll
        1e-11
        (derivatives (fun t -> byHessian f (one * t)) (scalar 1.0) 2)
        (derivatives (fun t -> laplacian f (one * t)) (scalar 1.0) 2)

[<Fact>]
let ``divergence and curl equal closed forms and keep their identities`` () =
    let rigid (x: Tensor) = Tensor.stack 0 [ -x[1]; x[0]; scalar 0.0 ]
    let x = normal 120 [| 3 |]
    near 0.0 (vector [ 0.0; 0.0; 2.0 ]) (curl rigid x)
    nearValue 0.0 0.0 (divergence rigid x)
    nearValue 0.0 3.0 (divergence id x)
    // (y z, x^2 z, x y^2): curl (2 x y - x^2, y - y^2, 2 x z - z)
    let f (x: Tensor) = Tensor.stack 0 [ x[1] * x[2]; square x[0] * x[2]; x[0] * square x[1] ]
    let a, b, c = x[0], x[1], x[2]
    near 1e-14 (Tensor.stack 0 [ 2.0 * a * b - a * a; b - b * b; 2.0 * a * c - c ]) (curl f x)
    near 1e-12 (Tensor.zerosLike x) (curl (grad field) x)
    nearValue 1e-12 0.0 (divergence (curl f) x)
    // curl curl = grad div - laplacian
    let g (x: Tensor) = sin (Tensor.matmul (normal 121 [| 3; 3 |]) x) * x[0]
    near 1e-11 (grad (divergence g) x - laplacian g x) (curl (curl g) x)
    // The plane.
    let p = normal 122 [| 2 |]
    near 1e-14 (p[0] + sin (p[1])) (curl (fun x -> Tensor.stack 0 [ cos x[1]; x[0] * x[0] * 0.5 ]) p)
    let points = normal 123 [| 7; 3 |]
    near 0.0 (Tensor.stack 0 [ for i in 0..6 -> curl f points[i] ]) (vmap (curl f) points)
    nearValue 0.0 4.0 (divergence id (normal 124 [| 2; 2 |]))

[<Fact>]
let ``a field of the wrong shape is explained`` () =
    let fails (start: string) (f: unit -> Tensor) =
        let error = Assert.Throws<ArgumentException>(fun () -> f () |> ignore)
        Assert.StartsWith(start, error.Message)

    let x = normal 130 [| 3 |]
    fails "divergence: the field has values of shape (2) at points of shape (3)" (fun () ->
        divergence (fun x -> x[..1]) x)
    fails "curl: the point has shape (4)" (fun () -> curl id (normal 131 [| 4 |]))
    fails "curl: the field has values of shape ()" (fun () -> curl Tensor.sum x)
    fails "laplacian: the argument is int32" (fun () -> laplacian id (Tensor.ofSeq [ 1; 2 ]))
    fails "divergence: the argument is int32" (fun () -> divergence id (Tensor.ofSeq [ 1; 2 ]))

[<Fact>]
let ``a linear function and its transpose have one inner product`` () =
    let a = normal 140 [| 3; 4 |]
    let template = Tensor.zerosLike (normal 141 [| 4 |]), [ Tensor.zerosLike (normal 142 [| 2; 3 |]) ]

    let f (x: Tensor, ys: Tensor list) =
        {| Product = Tensor.matmul a x * 2.0 + Tensor.sumAxes [ 0 ] ys[0]
           Moved = Tensor.cumsum 0 (Tensor.transpose ys[0]) |}

    let back = linearTranspose f template
    let x, y = normal 143 [| 4 |], normal 144 [| 2; 3 |]
    let ct = {| Product = normal 145 [| 3 |]; Moved = normal 146 [| 3; 2 |] |}
    let fx = f (x, [ y ])
    let bx, by = back ct
    Assert.Equal(dot [| fx.Product; fx.Moved |] [| ct.Product; ct.Moved |], dot [| bx; by[0] |] [| x; y |], 1e-12)
    // It is linear again, and its transpose is f.
    near 1e-14 (f (x, [ y ])).Product (linearTranspose back ct (x, [ y ])).Product
    // Where the function is, its numbers may be differentiated.
    let byMatrix (m: Tensor) = Tensor.sum (square (linearTranspose (fun x -> Tensor.matmul m x) x ct.Product))
    let expected (m: Tensor) = Tensor.sum (square (Tensor.matmul ct.Product m))
    near 1e-12 (grad expected a) (grad byMatrix a)
    // A convolution, of float32, with integers beside.
    let image = Tensor.zeros [ 1; 1; 5; 5 ]
    let filters = (Key 1).Normal([| 2; 1; 3; 3 |])
    let wide, none =
        linearTranspose
            (fun (x: Tensor, _: Tensor) -> Tensor.conv2d 1 0 filters x)
            (image, Tensor.ofSeq [ 3 ])
            (Tensor.ones [ 1; 2; 3; 3 ])
    Assert.Equal<int[]>([| 1; 1; 5; 5 |], wide.Shape)
    near 0.0 (Tensor.ofSeq [ 0 ]) none

[<Fact>]
let ``a function that is not linear is refused by linearTranspose`` () =
    let x = Tensor.zerosLike (normal 150 [| 3 |])

    for f in [ square; sin; (fun x -> x + 1.0); (fun _ -> scalar 2.0); (fun x -> x * x[0]) ] do
        let error = Assert.Throws<ArgumentException>(fun () -> linearTranspose f x |> ignore)
        Assert.StartsWith("linearTranspose: the function is not linear", error.Message)

    let error =
        Assert.Throws<ArgumentException>(fun () -> linearTranspose (fun x -> x * 2.0) x (scalar 1.0) |> ignore)
    Assert.StartsWith("linearTranspose: the cotangent is float64 of shape ()", error.Message)
