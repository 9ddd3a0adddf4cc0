/// Where no derivative is asked for, some functions take a shorter way. It leads to what the way of the transformations leads to.
module Core.Tests.EagerTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

/// The value by way of the primitives that are differentiated.
let private slowly (f: Tensor -> Tensor) (x: Tensor) : Tensor = fst (jvp f x (Tensor.zerosLike x))

let private special =
    [| 0.0
       -0.0
       1.0
       -1.0
       6.0
       7.0
       1e-30
       -1e30
       Double.NaN
       Double.PositiveInfinity
       Double.NegativeInfinity |]

let private samples (n: int) (dtype: DType) : Tensor =
    let x = Tensor.concat 0 [ normal 7 [| n - special.Length |] * 3.0; Tensor.ofArray [ special.Length ] special ]
    Tensor.cast dtype x

let private same (tolerance: float) (expected: Tensor) (actual: Tensor) =
    Assert.Equal<int[]>(expected.Shape, actual.Shape)
    Assert.Equal(expected.DType, actual.DType)

    Array.iter2
        (fun (a: float) (b: float) ->
            let isNear = a.Equals b || a = b || Math.Abs(a - b) <= tolerance * Math.Max(1.0, Math.Abs a)

            Assert.True(isNear, $"{b} is not {a}"))
        (floats expected)
        (floats actual)

[<Fact>]
let ``functions of each element are the same in one pass`` () =
    let functions: (string * (Tensor -> Tensor)) list =
        [ "clamp", Tensor.clamp -0.5 0.75
          "relu6", relu6
          "hardTanh", hardTanh
          "hardSigmoid", hardSigmoid
          "hardSwish", hardSwish
          "leakyRelu", Tensor.leakyRelu 0.01
          "gelu", gelu
          "geluTanh", geluTanh
          "silu", silu
          "mish", mish
          "elu", elu 1.5
          "selu", selu
          "celu", celu 0.7
          "softsign", softsign
          "logSigmoid", logSigmoid
          "nanToNum", nanToNum
          "sinc", sinc
          "heaviside", (fun x -> heaviside x (Tensor.cast x.DType (scalar 0.5)))
          "fmod", (fun x -> fmod x (x * 0.3 + 1.0)) ]

    for name, f in functions do
        for dtype, tolerance in [ DType.Float32, 1e-6; DType.Float64, 1e-14 ] do
            // Below and above the length from which there is one pass, with every tail.
            for n in [ 20; 1023; 1024; 1040; 4099 ] do
                let x = samples n dtype
                same tolerance (slowly f x) (f x)

            // Other layouts, and other types.
            let x = Tensor.reshape [ 64; 64 ] (samples 4096 dtype)
            same tolerance (f (Tensor.copy (Tensor.transpose x))) (f (Tensor.transpose x))

        let half = samples 2000 DType.BFloat16
        Assert.Equal(DType.BFloat16, (f half).DType)
        Assert.ThrowsAny<Exception>(fun () -> f null |> ignore) |> ignore

[<Fact>]
let ``sums of functions of each element are the same in one pass`` () =
    for dtype, tolerance in [ DType.Float32, 1e-6; DType.Float64, 1e-13 ] do
        for n in [ 0; 1; 30; 1024; 5001 ] do
            let x, y = Tensor.cast dtype (normal 1 [| n |]), Tensor.cast dtype (normal 2 [| n |])
            same tolerance (Tensor.sum (x * y)) (Tensor.dot x y)
            same tolerance (sqrt (Tensor.sum (x * x))) (Tensor.norm x)

        let x = samples 3000 dtype
        let kept = Tensor.where (isFinite x) x (Tensor.cast dtype (scalar 0.0))
        let gaps = Tensor.where (isFinite x) x (Tensor.cast dtype (scalar Double.NaN))
        same 1e-5 (Tensor.sum kept) (Tensor.nanSum gaps)

[<Fact>]
let ``closeness is the same in one pass`` () =
    for dtype in [ DType.Float32; DType.Float64 ] do
        let x = samples 3000 dtype
        let y = Tensor.where (Tensor.Less(x, Tensor.cast dtype (scalar 1.0))) x (x * 1.001)
        let part = Tensor.splitEqually 0 100
        let expected = Array.map2 isClose (part x) (part y) |> Tensor.concat 0
        same 0.0 expected (isClose x y)

[<Fact>]
let ``moving elements is the same without derivatives`` () =
    let x = normal 3 [| 5; 6; 7 |]
    let indices = (Key 4).Integers([| 5; 3; 7 |], -6L, 6L)
    let updates = normal 5 [| 5; 3; 7 |]

    let functions: (Tensor -> Tensor) list =
        [ Tensor.flip [ 0; 2 ]
          Tensor.flip [ 1 ]
          Tensor.roll 2 1
          Tensor.roll -3 2
          Tensor.padValue 2.5 [ 1, 2; 0, 0; 3, 1 ]
          Tensor.pad [ 0, 2; 1, 0; 2, 2 ]
          Tensor.padWith PadMode.Wrap [ 2, 5; 6, 1; 0, 7 ]
          Tensor.padWith PadMode.Wrap [ 0, 0; 13, 1; 0, 9 ]
          Tensor.scatter 1 indices updates
          Tensor.cumprod 1
          Tensor.cumprod 2
          Tensor.concat 1 << List.replicate 3
          (fun x -> Tensor.concat 2 [ Tensor.transpose (Tensor.transpose x); x ]) ]

    for f in functions do
        for x in [ x; Tensor.permute [ 2; 1; 0 ] (normal 6 [| 7; 6; 5 |]) ] do
            same 1e-14 (slowly f x) (f x)

[<Fact>]
let ``selecting elements is the same without derivatives`` () =
    let x = normal 8 [| 4; 90; 3 |]

    for axis in [ 0; 1; 2 ] do
        let f k x = fst (Tensor.topK k axis x)

        for k in [ 0; 1; 3 ] do
            same 0.0 (slowly (f k) x) (f k x)

    for q in [ 0.0; 0.1; 0.5; 0.77; 1.0 ] do
        same 1e-14 (slowly (Tensor.quantile q) x) (Tensor.quantile q x)

        for axes in [ [ 1 ]; [ 0; 2 ]; [ 2 ] ] do
            same 1e-14 (slowly (Tensor.quantiles [ q; 0.5 ] axes) x) (Tensor.quantiles [ q; 0.5 ] axes x)

    let withNaN = Tensor.where (Tensor.Less(x, scalar -2.0)) (scalar Double.NaN) x
    same 0.0 (slowly (Tensor.medianAxes [ 1 ]) withNaN) (Tensor.medianAxes [ 1 ] withNaN)

[<Fact>]
let ``distinct elements and positions of truths`` () =
    let x = rows [ [ 3.0; 1.0; Double.NaN ]; [ 1.0; Double.NaN; -0.0 ]; [ 0.0; 3.0; 3.0 ] ]
    let values, inverse, counts = Tensor.unique x
    Assert.Equal<float[]>([| 0.0; 1.0; 3.0; Double.NaN |], floats values)
    Assert.Equal<int64[]>([| 2L; 1L; 3L; 1L; 3L; 0L; 0L; 2L; 2L |], Tensor.toArray<int64> inverse)
    Assert.Equal<int64[]>([| 2L; 2L; 3L; 2L |], Tensor.toArray<int64> counts)
    let values, inverse, counts = Tensor.unique (Tensor.zeros [ 0 ])
    Assert.Equal(0, values.Size + inverse.Size + counts.Size)
    let mask = Tensor.Greater(x, scalar 2.0)
    Assert.Equal<int64[]>([| 0L; 0L; 2L; 1L; 2L; 2L |], Tensor.toArray<int64>(Tensor.argwhere mask))
    Assert.Equal<float[]>([| 3.0; 3.0; 3.0 |], floats (Tensor.mask mask x))
    Assert.Equal<int[]>([| 0; 2 |], (Tensor.argwhere (Tensor.zeros [ 2; 3 ])).Shape)

[<Fact>]
let ``transforms of real tensors are the same without derivatives`` () =
    for n in [ 1; 2; 5; 6; 16; 30; 74 ] do
        for axis in [ 0; 1; 2 ] do
            let shape = Array.updateAt axis n [| 3; 4; 5 |]
            let x = normal n shape

            for norm in [ FftNorm.Backward; FftNorm.Ortho; FftNorm.Forward ] do
                let both x = let re, im = Signal.rfftWith norm axis x in Tensor.stack 0 [ re; im ]
                same 1e-13 (slowly both x) (both x)
                let halves = both x
                let back (z: Tensor) = Signal.irfftWith norm n axis (z[0, *, *, *], z[1, *, *, *])
                same 1e-13 (slowly back halves) (back halves)
                same 1e-13 x (back halves)
