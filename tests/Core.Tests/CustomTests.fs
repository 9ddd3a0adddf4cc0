/// Functions with derivative rules of their own.
module Core.Tests.CustomTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

/// One function, plain and with rules, each rule marking that it was used by being written in another way.
let private plain (x: Tensor) : Tensor = exp (sin x)

let private byJvp: Tensor -> Tensor = customJvp plain (fun x y xDot -> xDot * cos x * y)

let private byVjp: Tensor -> Tensor =
    customVjp plain (fun x -> let y = plain x in y, (cos x, y)) (fun (c, y) ct -> ct * c * y)

/// A rule whose forward pass is itself a function with rules.
let rec private nested (x: Tensor) : Tensor =
    customVjp plain (fun x -> let y = nested x in y, (x, y)) (fun (x, y) ct -> ct * cos x * y) x

let private functions =
    [ "customJvp", byJvp
      "customVjp", byVjp
      "nested", nested
      "composed", (fun x -> log (byJvp (log (byVjp x)))) ]

let private expected name : Tensor -> Tensor = if name = "composed" then (fun x -> sin (sin x)) else plain

let private forward (f: Tensor -> Tensor) (x: Tensor) : Tensor = snd (jvp f x (Tensor.onesLike x))
let private reverse (f: Tensor -> Tensor) (x: Tensor) : Tensor = grad f x
let private linear (f: Tensor -> Tensor) (x: Tensor) : Tensor = (snd (linearize f x)) (Tensor.onesLike x)

[<Fact>]
let ``rules give the derivatives of the function to third order in all mixes of modes`` () =
    let modes = [ "jvp", forward; "grad", reverse; "linearize", linear ]

    [ for name, f in functions do
          for m1, a in modes do
              $"{m1} {name}", a f, a (expected name)

              for m2, b in modes do
                  $"{m2} {m1} {name}", b (a f), b (a (expected name))

                  for m3, c in modes do
                      $"{m3} {m2} {m1} {name}", c (b (a f)), c (b (a (expected name))) ]
    |> forEach (fun (name, _, _) -> name) (fun (_, actual, expected) ->
        near 1e-12 (expected (scalar 0.7)) (actual (scalar 0.7)))

[<Fact>]
let ``the rule replaces the derivative of the function's operations`` () =
    let x = vector [ -2.0; 0.5; 3.0 ]
    let straight = customJvp (fun x -> Tensor.Round x) (fun _ _ xDot -> xDot)
    near 0.0 (vector [ 1.0; 1.0; 1.0 ]) (grad (straight >> Tensor.sum) x)
    let clipped = customVjp id (fun x -> x, ()) (fun () ct -> Tensor.clamp -1.0 1.0 ct)
    near 0.0 (vector [ -1.0; 1.0; 1.0 ]) (grad (fun x -> Tensor.sum (square (clipped x))) x)
    near 0.0 x (clipped x)

[<Fact>]
let ``arguments and results are trees, of several types, with parts that have no derivatives`` () =
    let f (x: Tensor, rest: {| W: Tensor; N: Tensor |}) =
        [ x * Tensor.cast DType.Float64 rest.W; Tensor.cast DType.Float64 rest.N * x; Tensor.cast DType.Int32 x ]

    let w = Tensor.ofSeq [ 2.0f; 3.0f ]
    let n = Tensor.ofSeq [ 5; 7 ]
    let x = vector [ 1.5; 2.5 ]

    let forward (x: Tensor, rest: {| W: Tensor; N: Tensor |}) = f (x, rest), (x, rest)

    let backward (x: Tensor, rest: {| W: Tensor; N: Tensor |}) (cts: Tensor list) =
        (cts[0] * rest.W + cts[1] * rest.N),
        {| W = Tensor.cast DType.Float32 (cts[0] * x); N = Tensor.zerosLike rest.N |}

    let loss g (x, rest) =
        let ys: Tensor list = g (x, rest)
        Assert.Equal(DType.Int32, ys[2].DType)
        Assert.Equal<int[]>([| 1; 2 |], Tensor.toArray<int> ys[2])
        Tensor.sum (ys[0] + ys[1])

    let ex, erest = grad (loss f) (x, {| W = w; N = n |})
    let gx, grest = grad (loss (customVjp f forward backward)) (x, {| W = w; N = n |})
    Assert.True(sameBits ex gx && sameBits erest.W grest.W && sameBits erest.N grest.N)

[<Fact>]
let ``Jacobians, Hessians and gradient checks go through rules`` () =
    let x = normal 3 [| 4 |]

    functions
    |> forEach fst (fun (name, f) ->
        let p = expected name
        near 1e-13 (jacfwd p x) (jacfwd f x)
        near 1e-13 (jacrev p x) (jacrev f x)
        near 1e-12 (hessian (p >> Tensor.sum) x) (hessian (f >> Tensor.sum) x)
        CheckGrads.Run(Func<_, _> f, x))

[<Fact>]
let ``the forward rule runs once for a gradient`` () =
    let mutable runs = 0

    let f =
        customVjp
            plain
            (fun x ->
                runs <- runs + 1
                plain x, x)
            (fun x ct -> ct * cos x * plain x)

    let _, pull = vjp f (scalar 0.3)
    pull (scalar 1.0) |> ignore
    pull (scalar 2.0) |> ignore
    Assert.Equal(1, runs)

[<Fact>]
let ``wrong structures and captured tensors raise clear messages`` () =
    let x = vector [ 1.0; 2.0 ]
    let zero = scalar 0.0

    [ "a cotangent of another shape",
      "customVjp: the cotangent that the backward rule returned is float64 of shape (), but must be float64 of shape (2).",
      fun () -> grad (customVjp Tensor.sum (fun x -> Tensor.sum x, ()) (fun () _ -> zero)) x |> ignore

      "a cotangent of another type",
      "customVjp: the cotangent that the backward rule returned is float32 of shape (2), but must be float64 of shape (2).",
      fun () -> grad (customVjp Tensor.sum (fun x -> Tensor.sum x, ()) (fun () _ -> Tensor.zeros [ 2 ])) x |> ignore

      "too few cotangents",
      "customVjp: the cotangent that the backward rule returned has 1 tensors, where 2 are needed.",
      fun () ->
          grad (customVjp (fun (xs: Tensor list) -> xs[0]) (fun xs -> xs[0], ()) (fun () ct -> [ ct ])) [ zero; zero ]
          |> ignore

      "a tangent of another shape",
      "customJvp: the tangent that the rule returned is float64 of shape (2), but must be float64 of shape ().",
      fun () -> jvp (customJvp Tensor.sum (fun _ _ xDot -> xDot)) x x |> ignore

      "a captured tensor",
      "customVjp: the function uses a tensor that is being differentiated and is not part of its argument",
      fun () ->
          grad (fun (a: Tensor) -> customVjp (fun x -> x * a) (fun x -> x * a, ()) (fun () ct -> ct * a) a) zero
          |> ignore ]
    |> forEach (fun (name, _, _) -> name) (fun (_, message, call) ->
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(call).Message))

[<Fact>]
let ``compiled functions run rules anew for each argument`` () =
    let arguments = [ for scale in 1.0 .. 4.0 -> vector [ scale; 0.3 * scale; -scale ] ]

    // The function whose forward pass is itself with rules has no end where its argument has no value yet.
    [ for name, f in functions |> List.filter (fun (name, _) -> name <> "nested") do
          name, f, jit f
          $"gradient of {name}", reverse (f >> Tensor.sum), jit (reverse (f >> Tensor.sum)) ]
    |> forEach (fun (name, _, _) -> name) (fun (_, f, compiled) ->
        for x in arguments do
            near 1e-14 (f x) (compiled x))
