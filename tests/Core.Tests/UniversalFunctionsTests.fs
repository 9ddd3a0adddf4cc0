/// NumPy's functions of each element, at ordinary and special values, in float64 and float32.
module Core.Tests.UniversalFunctionsTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

let private inf = infinity

/// Values by NumPy's definitions: name, function, arguments, results.
let private table: (string * (Tensor -> Tensor -> Tensor) * (float * float * float) list) list =
    let fraction (x: Tensor) (_: Tensor) = fst (modf x)
    let whole (x: Tensor) (_: Tensor) = snd (modf x)
    let mantissa (x: Tensor) (_: Tensor) = fst (frexp x)
    let exponent (x: Tensor) (_: Tensor) = snd (frexp x)
    let unary f (x: Tensor) (_: Tensor) : Tensor = f x
    let truth f x y = Tensor.cast DType.Float64 (f x y)

    [ "fmod",
      fmod,
      [ 7.0, 3.0, 1.0
        -7.0, 3.0, -1.0
        7.0, -3.0, 1.0
        -7.0, -3.0, -1.0
        0.75, 0.5, 0.25
        5.0, inf, 5.0
        -5.0, inf, -5.0
        5.0, 0.0, nan
        inf, 2.0, nan
        0.0, 3.0, 0.0
        nan, 1.0, nan ]
      "divmod, quotient", (fun x y -> fst (divmod x y)), [ 7.0, 3.0, 2.0; -7.0, 3.0, -3.0; 7.0, -3.0, -3.0 ]
      "divmod, remainder", (fun x y -> snd (divmod x y)), [ 7.0, 3.0, 1.0; -7.0, 3.0, 2.0; 7.0, -3.0, -2.0 ]
      "fmax", fmax, [ 1.0, 2.0, 2.0; nan, 2.0, 2.0; 2.0, nan, 2.0; nan, nan, nan; -inf, nan, -inf; 3.0, 3.0, 3.0 ]
      "fmin", fmin, [ 1.0, 2.0, 1.0; nan, 2.0, 2.0; 2.0, nan, 2.0; nan, nan, nan; inf, nan, inf ]
      "heaviside",
      heaviside,
      [ -2.0, 0.5, 0.0
        0.0, 0.5, 0.5
        -0.0, 0.25, 0.25
        2.0, 0.5, 1.0
        nan, 0.5, nan
        -inf, 9.0, 0.0
        inf, 9.0, 1.0 ]
      "signBit",
      truth (unary signBit),
      [ 1.0, 0.0, 0.0; -1.0, 0.0, 1.0; 0.0, 0.0, 0.0; -0.0, 0.0, 1.0; -inf, 0.0, 1.0; inf, 0.0, 0.0 ]
      "modf, fraction",
      fraction,
      [ 2.25, 0.0, 0.25; -2.25, 0.0, -0.25; 3.0, 0.0, 0.0; inf, 0.0, 0.0; -inf, 0.0, 0.0; nan, 0.0, nan ]
      "modf, whole",
      whole,
      [ 2.25, 0.0, 2.0; -2.25, 0.0, -2.0; 0.5, 0.0, 0.0; inf, 0.0, inf; -inf, 0.0, -inf; nan, 0.0, nan ]
      "ldexp",
      ldexp,
      [ 3.0, 4.0, 48.0
        -3.0, -1.0, -1.5
        1.0, 2000.0, inf
        1.0, -2000.0, 0.0
        0.0, 9.0, 0.0
        inf, -5.0, inf
        nan, 1.0, nan ]
      "frexp, mantissa",
      mantissa,
      [ 8.0, 0.0, 0.5; 7.0, 0.0, 0.875; -0.1, 0.0, -0.8; 0.0, 0.0, 0.0; inf, 0.0, inf; nan, 0.0, nan ]
      "frexp, exponent",
      exponent,
      [ 8.0, 0.0, 4.0
        7.0, 0.0, 3.0
        1.0, 0.0, 1.0
        0.99, 0.0, 0.0
        -0.1, 0.0, -3.0
        0.0, 0.0, 0.0
        -inf, 0.0, 0.0
        nan, 0.0, 0.0 ]
      "logAddExp2",
      logAddExp2,
      [ 3.0, 3.0, 4.0
        2000.0, 0.0, 2000.0
        -inf, 2.0, 2.0
        -inf, -inf, -inf
        0.0, 1.0, Math.Log2 3.0
        nan, 0.0, nan ]
      "floatPower", floatPower, [ 2.0, 3.0, 8.0; 4.0, 0.5, 2.0; 0.0, 0.0, 1.0; -2.0, 3.0, -8.0; 2.0, -1.0, 0.5 ]
      "sinc",
      unary sinc,
      [ 0.0, 0.0, 1.0
        1.0, 0.0, 0.0
        0.5, 0.0, 2.0 / Math.PI
        -0.5, 0.0, 2.0 / Math.PI
        0.25, 0.0, sin (Math.PI / 4.0) / (Math.PI / 4.0)
        1e-30, 0.0, 1.0
        nan, 0.0, nan ]
      "isClose",
      truth isClose,
      [ 1.0, 1.0 + 1e-6, 1.0
        1.0, 1.001, 0.0
        inf, inf, 1.0
        inf, -inf, 0.0
        inf, 1.0, 0.0
        1.0, inf, 0.0
        nan, nan, 0.0
        0.0, 1e-9, 1.0 ]
      "isClose with NaN",
      truth (isCloseWith 0.0 0.5 true),
      [ nan, nan, 1.0; nan, 1.0, 0.0; 1.0, 1.5, 1.0; 1.0, 1.75, 0.0 ]
      "geluTanh",
      unary geluTanh,
      [ 0.0, 0.0, 0.0
        1.0, 0.0, 0.5 * (1.0 + tanh (sqrt (2.0 / Math.PI) * 1.044715))
        -40.0, 0.0, 0.0
        40.0, 0.0, 40.0 ]
      "mish", unary mish, [ 0.0, 0.0, 0.0; 1.0, 0.0, tanh (log (1.0 + exp 1.0)); 100.0, 0.0, 100.0; -1000.0, 0.0, 0.0 ]
      "celu",
      unary (celu 2.0),
      [ 3.0, 0.0, 3.0; -2.0, 0.0, 2.0 * (exp -1.0 - 1.0); -inf, 0.0, -2.0; 1000.0, 0.0, 1000.0 ]
      "prelu", (fun x y -> prelu y x), [ 3.0, 0.25, 3.0; -2.0, 0.25, -0.5; 0.0, 0.25, 0.0 ]
      "relu6", unary relu6, [ -1.0, 0.0, 0.0; 3.0, 0.0, 3.0; 7.0, 0.0, 6.0 ]
      "hardSwish", unary hardSwish, [ -4.0, 0.0, 0.0; 4.0, 0.0, 4.0; 0.0, 0.0, 0.0; 1.5, 0.0, 1.5 * 0.75 ] ]

[<Fact>]
let ``values are NumPy's, alone, in tensors and in float32`` () =
    table
    |> forEach (fun (name, _, _) -> name) (fun (_, f, points) ->
        let expected = [| for _, _, z in points -> z |]
        let xs, ys = Tensor.ofSeq [ for x, _, _ in points -> x ], Tensor.ofSeq [ for _, y, _ in points -> y ]
        Assert.True(distance expected (floats (f xs ys)) < 1e-14, $"{f xs ys}")

        for x, y, z in points do
            Assert.True(
                distance [| z |] (floats (f (scalar x) (scalar y))) < 1e-14,
                $"{x}, {y}: {f (scalar x) (scalar y)}"
            )

        let single = f (Tensor.cast DType.Float32 xs) (Tensor.cast DType.Float32 ys)
        Assert.True(distance expected (floats single) < 1e-6, $"float32: {single}"))

[<Fact>]
let ``derivatives of both arguments, also where the function is put together`` () =
    let at (f: Tensor -> Tensor -> Tensor) x y =
        let slope = grad (fun (x, y) -> f x y) (scalar x, scalar y)
        let _, byX = jvp (fun x -> f x (scalar y)) (scalar x) (scalar 1.0)
        let _, byY = jvp (fun y -> f (scalar x) y) (scalar y) (scalar 1.0)
        nearValue 1e-14 (float (fst slope)) byX
        nearValue 1e-14 (float (snd slope)) byY
        float (fst slope), float (snd slope)

    [ "fmod", at fmod 7.0 3.0, (1.0, -2.0)
      "fmod of a negative", at fmod -7.0 3.0, (1.0, 2.0)
      "fmod by a negative", at fmod 7.0 -3.0, (1.0, 2.0)
      "fmod at 0", at fmod 0.0 3.0, (1.0, 0.0)
      "fmod by infinity", at fmod 5.0 inf, (1.0, 0.0)
      "fmax", at fmax 1.0 2.0, (0.0, 1.0)
      "fmax at a tie", at fmax 2.0 2.0, (0.5, 0.5)
      "fmax beside NaN", at fmax nan 2.0, (0.0, 1.0)
      "fmin beside NaN", at fmin 2.0 nan, (1.0, 0.0)
      "heaviside", at heaviside 1.0 0.5, (0.0, 0.0)
      "heaviside at 0", at heaviside 0.0 0.5, (0.0, 1.0)
      "ldexp", at ldexp 3.0 4.0, (16.0, 0.0)
      "ldexp of a number near 0", at ldexp 1e-300 1000.0, (2.0 ** 1000.0, 0.0)
      "fraction", at (fun x y -> fst (modf x) * y) -2.25 1.0, (1.0, -0.25)
      "whole part", at (fun x y -> snd (modf x) * y) -2.25 1.0, (0.0, -2.0)
      "mantissa", at (fun x y -> fst (frexp x) * y) 7.0 1.0, (0.125, 0.875)
      "nextAfter", at nextAfter 1.0 2.0, (1.0, 0.0)
      "logAddExp2", at logAddExp2 3.0 3.0, (0.5, 0.5)
      "logAddExp2 of infinity", at logAddExp2 -inf 2.0, (0.0, 1.0)
      "prelu", at (fun x y -> prelu y x) -2.0 0.25, (0.25, -2.0)
      "prelu at 0", at (fun x y -> prelu y x) 0.0 0.25, (0.25, 0.0)
      "celu at 0", at (fun x y -> celu 2.0 x * y) 0.0 1.0, (1.0, 0.0)
      "hardSwish", at (fun x y -> hardSwish x * y) 1.5 1.0, (1.0, 1.125)
      "mish at 0", at (fun x y -> mish x * y) 0.0 1.0, (0.6, 0.0) ]
    |> forEach (fun (name, _, _) -> name) (fun (_, (x, y), (expectedX, expectedY)) ->
        Assert.Equal(expectedX, x, 1e-14)
        Assert.Equal(expectedY, y, 1e-14))

    for f in [ geluTanh; mish; celu 1.5; hardSwish; sinc; (fun x -> fst (frexp x)); (fun x -> fmod x (scalar 0.7)) ] do
        CheckGrads.Check f (vector [ -1.7; -0.45; 0.2; 0.31; 1.1; 2.3 ])

    CheckGrads.Check (fun (x, y) -> Tensor.sum (logAddExp2 x y)) (normal 1 [| 5 |], normal 2 [| 5 |])

[<Fact>]
let ``derivatives of sinc at 0 and on both sides of the series' end`` () =
    let pi = Math.PI
    let rec derivative n f = if n = 0 then f else derivative (n - 1) (fun x -> snd (jvp f x (scalar 1.0)))
    // The series is the sum of (-1)^k (pi x)^(2k) / (2k + 1)!.
    nearValue 0.0 0.0 (derivative 1 sinc (scalar 0.0))
    nearValue 1e-13 (-pi * pi / 3.0) (derivative 2 sinc (scalar 0.0))
    nearValue 1e-12 (pi ** 4.0 / 5.0) (derivative 4 sinc (scalar 0.0))
    nearValue 1e-13 (-pi * pi / 3.0) (grad (grad sinc) (scalar 0.0))

    for x in [ 0.1; 0.318309; 0.318311; 1.3 ] do
        let z = pi * x
        nearValue 1e-14 (pi * (z * cos z - sin z) / (z * z)) (grad sinc (scalar x))

[<Fact>]
let ``numbers are taken apart and put together exactly, down to the smallest`` () =
    for values, dtype in
        [ [ 1e-310; 5e-324; 2.2e-308; 1.7e308; -3e-320; 1.0 - 1.1e-16; 2.0 ], DType.Float64
          [ 1e-45; 1e-38; 3.4e38; -1.2e-40; 0.99999994; 4.0 ], DType.Float32 ] do
        let x = Tensor.cast dtype (Tensor.ofSeq values)
        let mantissa, exponent = frexp x
        Assert.Equal(DType.Int32, exponent.DType)
        Assert.All(floats mantissa, fun m -> Assert.InRange(abs m, 0.5, 1.0 - 1e-17))
        Assert.True(sameBits x (ldexp mantissa exponent))
        let fraction, whole = modf x
        Assert.True(sameBits x (fraction + whole))

    let next (x: float) y = float (nextAfter (scalar x) (scalar y))
    Assert.Equal(Math.BitIncrement 1.0, next 1.0 2.0)
    Assert.Equal(Math.BitDecrement 1.0, next 1.0 -inf)
    Assert.Equal(-Double.Epsilon, next 0.0 -1.0)
    Assert.Equal(inf, next Double.MaxValue inf)
    Assert.Equal(3.0, next 3.0 3.0)
    Assert.True(Double.IsNaN(next nan 1.0) && Double.IsNaN(next 0.0 nan) && Double.IsNaN(next 1.0 nan))
    let one = Tensor.cast DType.Float32 (scalar 1.0)
    Assert.Equal(float (MathF.BitIncrement 1.0f), float (nextAfter one (scalar 2.0)))
    Assert.Equal<float[]>(
        [| 2.0 ** -52.0; -(2.0 ** -52.0); Double.Epsilon |],
        floats (spacing (vector [ 1.0; -1.0; 0.0 ]))
    )
    Assert.True(Double.IsNaN(float (spacing (scalar inf))))
    let error = Assert.Throws<ArgumentException>(fun () -> nextAfter (Tensor.ofSeq [ 1 ]) one |> ignore)
    Assert.StartsWith("nextAfter: ", error.Message)

[<Fact>]
let ``divisors, multiples and remainders of integers`` () =
    let a, b = [ 12; -12; 0; 0; 7; Int32.MinValue; Int32.MinValue ], [ 18; 18; -5; 0; 13; -1; 6 ]
    Assert.Equal<int[]>([| 6; 6; 5; 0; 1; 1; 2 |], Tensor.toArray<int>(gcd (Tensor.ofSeq a) (Tensor.ofSeq b)))
    let wide xs = Tensor.cast DType.Int64 (Tensor.ofSeq xs)
    Assert.Equal<int64[]>(
        [| 36L; 36L; 0L; 0L; 91L; 2147483648L; 6442450944L |],
        Tensor.toArray<int64>(lcm (wide a) (wide b))
    )
    Assert.Equal<byte[]>([| 50uy |], Tensor.toArray<byte>(gcd (Tensor.ofSeq [ 200uy ]) (Tensor.ofSeq [ 150uy ])))
    let f = fmod (Tensor.ofSeq [ 7; -7; 7; -7 ]) (Tensor.ofSeq [ 3; 3; -3; -3 ])
    Assert.Equal<int[]>([| 1; -1; 1; -1 |], Tensor.toArray<int> f)
    Assert.Equal(DType.Int32, f.DType)
    Assert.Equal<bool[]>([| false; true |], Tensor.toArray<bool>(signBit (Tensor.ofSeq [ 3; -3 ])))
    let error = Assert.Throws<ArgumentException>(fun () -> gcd (vector [ 1.5 ]) (vector [ 2.0 ]) |> ignore)
    Assert.StartsWith("gcd: ", error.Message)

[<Fact>]
let ``reductions that pass over NaN, with their derivatives`` () =
    let x = rows [ [ 1.0; nan; 3.0 ]; [ nan; nan; nan ]; [ -1.0; -inf; 2.0 ] ]
    near 0.0 (vector [ 4.0; 0.0; -inf ]) (Tensor.nanSumAxes [ 1 ] x)
    near 0.0 (vector [ 2.0; nan; -inf ]) (Tensor.nanMeanAxes [ 1 ] x)
    near 0.0 (vector [ 3.0; nan; 2.0 ]) (Tensor.nanMaxAxes [ 1 ] x)
    near 0.0 (vector [ 1.0; nan; -inf ]) (Tensor.nanMinAxes [ 1 ] x)
    let v = vector [ 1.0; nan; 3.0 ]
    near 0.0 (vector [ 1.0; 0.0; 1.0 ]) (grad Tensor.nanSum v)
    near 0.0 (vector [ 0.5; 0.0; 0.5 ]) (grad Tensor.nanMean v)
    near 0.0 (vector [ 0.0; 0.0; 1.0 ]) (grad Tensor.nanMax v)
    near 0.0 (vector [ 1.0; 0.0; 0.0 ]) (grad Tensor.nanMin v)
    Assert.Equal<int[]>([| 3 |], Tensor.toArray<int>(Tensor.nanMaxAxes [ 1 ] (Tensor.ofRows [ [ 1; 3 ] ])))
    near 0.0 (Tensor.nanMaxAxes [ 1 ] x) (vmap Tensor.nanMax x)

[<Fact>]
let ``all close is one truth value`` () =
    let x = normal 1 [| 3; 2 |]
    Assert.Equal(1.0, float (allClose x (x + 1e-10)))
    Assert.Equal(0.0, float (allClose x (x * vector [ 1.0; 1.1 ])))
    Assert.Equal<bool[]>([| true; true |], Tensor.toArray<bool>(vmap (allClose (scalar 1.0)) (Tensor.ones [ 2; 3 ])))
