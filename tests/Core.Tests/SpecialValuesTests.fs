/// Law 9: zeros, infinities, NaN, ties and empty tensors, as documented.
module Core.Tests.SpecialValuesTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

let private inf = Double.PositiveInfinity
let private nan = Double.NaN

/// Values and derivatives at special points; a derivative that is not promised is left out.
let private functions: (string * (Tensor -> Tensor) * (float * float * float option) list) list =
    [ "abs", abs, [ 0.0, 0.0, Some 0.0; -inf, inf, Some -1.0; nan, nan, Some nan ]
      "sign", Tensor.Signum, [ 0.0, 0.0, Some 0.0; -inf, -1.0, Some 0.0; nan, nan, Some 0.0 ]
      "reciprocal", Tensor.Reciprocal, [ 0.0, inf, Some -inf; inf, 0.0, Some 0.0 ]
      "square", square, [ 0.0, 0.0, Some 0.0; -inf, inf, Some -inf ]
      "sqrt", sqrt, [ 0.0, 0.0, Some inf; -1.0, nan, Some nan; inf, inf, Some 0.0 ]
      "exp",
      exp,
      [ -inf, 0.0, Some 0.0; inf, inf, Some inf; 1000.0, inf, Some inf; -1000.0, 0.0, Some 0.0; nan, nan, Some nan ]
      "expm1", Tensor.Expm1, [ 0.0, 0.0, Some 1.0; -inf, -1.0, Some 0.0; 1e-20, 1e-20, Some 1.0 ]
      "log", log, [ 0.0, -inf, Some inf; -1.0, nan, None; inf, inf, Some 0.0; 1.0, 0.0, Some 1.0 ]
      "log1p", Tensor.Log1p, [ -1.0, -inf, Some inf; -2.0, nan, None; 1e-20, 1e-20, Some 1.0 ]
      "sin", sin, [ 0.0, 0.0, Some 1.0; inf, nan, Some nan ]
      "cos", cos, [ 0.0, 1.0, Some 0.0; inf, nan, Some nan ]
      "asin", asin, [ 1.0, Math.PI / 2.0, Some inf; 2.0, nan, Some nan ]
      "acos", acos, [ 1.0, 0.0, Some -inf; 2.0, nan, Some nan ]
      "atan", atan, [ inf, Math.PI / 2.0, Some 0.0; -inf, -Math.PI / 2.0, Some 0.0 ]
      "tanh", tanh, [ inf, 1.0, Some 0.0; -inf, -1.0, Some 0.0; 1e-20, 1e-20, Some 1.0 ]
      "sigmoid", sigmoid, [ inf, 1.0, Some 0.0; -inf, 0.0, Some 0.0; -1000.0, 0.0, Some 0.0; 0.0, 0.5, Some 0.25 ]
      "relu", relu, [ 0.0, 0.0, Some 0.0; inf, inf, Some 1.0; -inf, 0.0, Some 0.0; nan, nan, None ]
      "softplus",
      softplus,
      [ inf, inf, Some 1.0; -inf, 0.0, Some 0.0; 1000.0, 1000.0, Some 1.0; -1000.0, 0.0, Some 0.0 ]
      "erf", erf, [ 0.0, 0.0, None; inf, 1.0, Some 0.0; -inf, -1.0, Some 0.0 ]
      "floor", floor, [ 2.0, 2.0, Some 0.0; -inf, -inf, Some 0.0; nan, nan, Some 0.0 ]
      "round", round, [ 0.5, 0.0, Some 0.0; 1.5, 2.0, Some 0.0; -0.5, 0.0, Some 0.0; 2.5, 2.0, Some 0.0 ]
      "x ** 0", (fun x -> x ** scalar 0.0), [ 0.0, 1.0, Some 0.0; nan, 1.0, None ]
      "x ** 1", (fun x -> x ** scalar 1.0), [ 0.0, 0.0, Some 1.0 ]
      "x ** 2", (fun x -> x ** scalar 2.0), [ 0.0, 0.0, Some 0.0; -3.0, 9.0, Some -6.0 ]
      "x ** 3 by a number", (fun x -> x ** 3.0), [ 0.0, 0.0, Some 0.0; -2.0, -8.0, Some 12.0 ]
      "0 ** x", (fun x -> scalar 0.0 ** x), [ 2.0, 0.0, Some 0.0; 0.0, 1.0, Some 0.0 ]
      "max (x, 1)", (fun x -> Tensor.Maximum(x, scalar 1.0)), [ 1.0, 1.0, Some 0.5; 2.0, 2.0, Some 1.0; nan, nan, None ]
      "min (1, x)", (fun x -> Tensor.Minimum(scalar 1.0, x)), [ 1.0, 1.0, Some 0.5; 2.0, 1.0, Some 0.0; nan, nan, None ]
      "1 / x", (fun x -> 1.0 / x), [ 0.0, inf, Some -inf; -0.0, -inf, Some -inf ]
      "clamp",
      Tensor.clamp -1.0 1.0,
      [ 2.0, 1.0, Some 0.0; -2.0, -1.0, Some 0.0; 0.5, 0.5, Some 1.0; 1.0, 1.0, Some 1.0; nan, nan, None ]
      "where keeps the other side out",
      (fun x -> Tensor.Where(Tensor.Greater(x, scalar 0.0), x, scalar nan)),
      [ 1.0, 1.0, Some 1.0 ]
      "leakyRelu", Tensor.leakyRelu 0.1, [ -10.0, -1.0, Some 0.1; 10.0, 10.0, Some 1.0 ]
      "cbrt", cbrt, [ 0.0, 0.0, Some inf; -8.0, -2.0, Some(1.0 / 12.0) ]
      "exp2", exp2, [ 3.0, 8.0, Some(8.0 * log 2.0); -inf, 0.0, Some 0.0; 2000.0, inf, Some inf ]
      "log2", log2, [ 8.0, 3.0, Some(1.0 / (8.0 * log 2.0)); 0.0, -inf, Some inf ]
      "asinh", asinh, [ 0.0, 0.0, Some 1.0; inf, inf, Some 0.0 ]
      "acosh", acosh, [ 1.0, 0.0, Some inf; 0.0, nan, Some nan; inf, inf, Some 0.0 ]
      "atanh", atanh, [ 1.0, inf, Some inf; 2.0, nan, None; 0.0, 0.0, Some 1.0 ]
      "erfc", erfc, [ inf, 0.0, Some 0.0; -inf, 2.0, Some 0.0; 0.0, 1.0, None ]
      "erfcinv", erfcinv, [ 0.0, inf, Some -inf; 2.0, -inf, Some -inf; 1.0, 0.0, None; -1.0, nan, Some nan ]
      "erfinv", erfinv, [ 1.0, inf, Some inf; -1.0, -inf, Some inf; 0.0, 0.0, None; 2.0, nan, Some nan ]
      "lgamma", lgamma, [ 0.0, inf, Some -inf; -2.0, inf, Some nan; inf, inf, Some inf; 1.0, 0.0, None ]
      "digamma", digamma, [ 0.0, -inf, Some inf; -1.0, nan, Some inf; inf, inf, Some 0.0 ]
      "logAddExp (x, 0)",
      (fun x -> logAddExp x (scalar 0.0)),
      [ inf, inf, Some 1.0; -inf, 0.0, Some 0.0; 0.0, log 2.0, Some 0.5; 1000.0, 1000.0, Some 1.0 ]
      "logAddExp (x, -inf)", (fun x -> logAddExp x (scalar -inf)), [ -inf, -inf, Some 0.5; 1.0, 1.0, Some 1.0 ]
      "hypot (x, 0)", (fun x -> hypot x (scalar 0.0)), [ 0.0, 0.0, Some 0.0; -2.0, 2.0, Some -1.0; inf, inf, None ]
      "copySign (x, -0)",
      (fun x -> copySign x (scalar -0.0)),
      [ 2.0, -2.0, Some -1.0; -2.0, -2.0, Some 1.0; 0.0, -0.0, Some 0.0 ]
      "remainder (x, 3)",
      (fun x -> remainder x (scalar 3.0)),
      [ -1.0, 2.0, Some 1.0; 3.0, 0.0, Some 1.0; inf, nan, Some 1.0 ]
      "floorDivide (x, 3)", (fun x -> floorDivide x (scalar 3.0)), [ -1.0, -1.0, Some 0.0; 7.0, 2.0, Some 0.0 ]
      "xlogy (x, 0)", (fun x -> xlogy x (scalar 0.0)), [ 0.0, 0.0, Some 0.0; 1.0, -inf, None ]
      "nanToNum", nanToNum, [ nan, 0.0, Some 0.0; 1.0, 1.0, Some 1.0 ]
      "gelu", gelu, [ 0.0, 0.0, Some 0.5; 40.0, 40.0, Some 1.0; -40.0, -0.0, Some 0.0 ]
      "silu", silu, [ 0.0, 0.0, Some 0.5; 1000.0, 1000.0, Some 1.0; -1000.0, 0.0, Some 0.0 ]
      "elu", elu 2.0, [ 0.0, 0.0, Some 2.0; 1000.0, 1000.0, Some 1.0; -inf, -2.0, Some 0.0 ]
      "selu", selu, [ 1.0, 1.0507009873554805, Some 1.0507009873554805 ]
      "hardSigmoid", hardSigmoid, [ 4.0, 1.0, Some 0.0; -4.0, 0.0, Some 0.0; 0.0, 0.5, Some(1.0 / 6.0) ]
      "hardTanh", hardTanh, [ 1.0, 1.0, Some 1.0; 2.0, 1.0, Some 0.0; -2.0, -1.0, Some 0.0 ]
      "softsign", softsign, [ 0.0, 0.0, Some 1.0; -1.0, -0.5, Some 0.25 ]
      "logSigmoid", logSigmoid, [ -1000.0, -1000.0, Some 1.0; 1000.0, 0.0, Some 0.0 ]
      "norm", Tensor.norm, [ 0.0, 0.0, Some 0.0; -3.0, 3.0, Some -1.0 ] ]

[<Fact>]
let ``functions have their documented values and derivatives at special points`` () =
    functions
    |> List.collect (fun (name, f, points) -> [ for x, y, dy in points -> name, f, x, y, dy ])
    |> forEach (fun (name, _, x, _, _) -> $"{name} at {x}") (fun (_, f, x, y, dy) ->
        nearValue 1e-14 y (f (scalar x))

        match dy with
        | None -> ()
        | Some dy ->
            nearValue 1e-14 dy (grad f (scalar x))
            nearValue 1e-14 dy (snd (jvp f (scalar x) (scalar 1.0))))

[<Fact>]
let ``special values are the same alone, in short and in long tensors`` () =
    functions
    |> List.filter (fun (name, _, _) -> name <> "norm")
    |> forEach (fun (name, _, _) -> name) (fun (_, f, points) ->
        let xs = [| for x, _, _ in points -> x |]
        let ys = [| for _, y, _ in points -> y |]

        for copies in [ 1; 40 ] do
            let repeat (values: float[]) = Array.concat (Array.replicate copies values)
            let x = Tensor.ofSeq (repeat xs)
            near 1e-14 (Tensor.ofSeq (repeat ys)) (f x)
            let single = f (Tensor.cast DType.Float32 x) |> floats
            Assert.True(distance (repeat ys) single < 1e-6, $"float32: {f (Tensor.cast DType.Float32 x)}"))

[<Fact>]
let ``truth values of special numbers, and bits of integers`` () =
    let x = vector [ nan; inf; -inf; 0.0 ]
    let truths (x: Tensor) = Tensor.toArray<bool> x
    Assert.Equal<bool[]>([| true; false; false; false |], truths (isNaN x))
    Assert.Equal<bool[]>([| false; true; true; false |], truths (isInfinite x))
    Assert.Equal<bool[]>([| false; false; false; true |], truths (isFinite x))
    let n = Tensor.ofSeq [ 5; -7; Int32.MinValue ]
    Assert.Equal<bool[]>([| true; true; true |], truths (isFinite n))
    Assert.Equal<bool[]>([| false; false; false |], truths (Tensor.Or(isNaN n, isInfinite n)))
    Assert.Equal<int[]>([| -6; 6; Int32.MaxValue |], Tensor.toArray<int>(bitwiseNot n))
    Assert.Equal<byte[]>([| 250uy |], Tensor.toArray<byte>(bitwiseNot (Tensor.ofSeq [ 5uy ])))
    Assert.Equal<bool[]>([| false |], truths (bitwiseNot (Tensor.ofSeq [ true ])))
    Assert.Equal<int[]>([| 0; -1; -1 |], Tensor.toArray<int>(rightShift n (Tensor.ofSeq [ 40 ])))
    Assert.Equal<int[]>([| 20; -28; 0 |], Tensor.toArray<int>(leftShift n (Tensor.ofSeq [ 2 ])))
    Assert.Equal<int[]>([| 0; 0; 0 |], Tensor.toArray<int>(leftShift n (Tensor.ofSeq [ -1 ])))
    Assert.Equal<int[]>([| 2; 2; 1 |], Tensor.toArray<int>(remainder n (Tensor.ofSeq [ 3 ])))
    Assert.Equal<int[]>([| 1; -3; -715827883 |], Tensor.toArray<int>(floorDivide n (Tensor.ofSeq [ 3 ])))
    Assert.Equal<int[]>([| 0; 0; 0 |], Tensor.toArray<int>(remainder n (Tensor.ofSeq [ -1 ])))
    near 0.0 (vector [ Double.MaxValue; -Double.MaxValue ]) (nanToNum (vector [ inf; -inf ]))

let private axis0 (x: float list) = vector x

[<Fact>]
let ``reductions pass NaN on, and take the first of equal elements`` () =
    let x = axis0 [ 1.0; nan; 3.0; nan ]
    nearValue 0.0 nan (Tensor.max x)
    nearValue 0.0 nan (Tensor.min x)
    nearValue 0.0 nan (Tensor.sum x)
    nearValue 0.0 1.0 (Tensor.cast DType.Float64 (Tensor.argmax 0 x))
    nearValue 0.0 1.0 (Tensor.cast DType.Float64 (Tensor.argmin 0 x))
    nearValue 0.0 1.0 (Tensor.cast DType.Float64 (Tensor.argmax 0 (axis0 [ 1.0; 2.0; 2.0 ])))
    nearValue 0.0 0.0 (Tensor.cast DType.Float64 (Tensor.argmin 0 (axis0 [ 1.0; 2.0; 1.0 ])))
    nearValue 0.0 -inf (Tensor.max (axis0 [ -inf; -inf ]))

[<Fact>]
let ``ties share the derivative of max and min equally`` () =
    near 0.0 (axis0 [ 0.5; 0.0; 0.5 ]) (grad Tensor.max (axis0 [ 2.0; 1.0; 2.0 ]))
    near 0.0 (axis0 [ 1.0; 0.0; 0.0 ]) (grad Tensor.min (axis0 [ 0.0; 1.0; 2.0 ]))

[<Fact>]
let ``softmax and logSumExp neither overflow nor lose infinite entries`` () =
    near 1e-15 (axis0 [ 0.5; 0.5; 0.0 ]) (Tensor.softmax 0 (axis0 [ 1000.0; 1000.0; -inf ]))
    near 1e-12 (axis0 [ -1000.0; 0.0 ]) (Tensor.logSoftmax 0 (axis0 [ 0.0; 1000.0 ]))
    nearValue 0.0 -inf (Tensor.logSumExp [ 0 ] (axis0 [ -inf; -inf ]))
    nearValue 0.0 inf (Tensor.logSumExp [ 0 ] (axis0 [ inf; 0.0 ]))
    nearValue 1e-15 1000.0 (Tensor.logSumExp [ 0 ] (axis0 [ 1000.0; -1000.0 ]))
    near 1e-15 (axis0 [ 1.0; 0.0 ]) (grad (Tensor.logSumExp [ 0 ]) (axis0 [ 1000.0; -1000.0 ]))
    near 1e-15 (axis0 [ 0.5; 0.5; 0.0 ]) (grad (Tensor.logSumExp [ 0 ]) (axis0 [ 3.0; 3.0; -inf ]))

[<Fact>]
let ``comparisons with NaN are false, save for not equal`` () =
    let x = scalar nan
    let holds (y: Tensor) = (float y) <> 0.0
    Assert.False(holds (Tensor.EqualTo(x, x)) || holds (Tensor.Less(x, x)) || holds (Tensor.GreaterOrEqual(x, x)))
    Assert.True(holds (Tensor.NotEqualTo(x, x)))

[<Fact>]
let ``sums of nothing are zero, and empty tensors pass through everything`` () =
    let x = Tensor.ofArray [ 0; 3 ] (Array.empty<float>)
    nearValue 0.0 0.0 (Tensor.sum x)
    near 0.0 (vector [ 0.0; 0.0; 0.0 ]) (Tensor.sumAxes [ 0 ] x)
    Assert.Equal<int[]>([| 0; 3 |], (grad (fun x -> Tensor.sum (exp x * x)) x).Shape)
    Assert.Equal<int[]>([| 0; 2 |], (Tensor.matmul x (normal 1 [| 3; 2 |])).Shape)
    near
        0.0
        (Tensor.ofArray [ 2; 3 ] (Array.zeroCreate<float> 6))
        (Tensor.matmul (Tensor.ofArray [ 2; 0 ] Array.empty<float>) x)
    Assert.Equal<int[]>([| 0; 0 |], (hessian Tensor.sum (Tensor.ofSeq Seq.empty<float>)).Shape)
    nearValue 0.0 1.0 (Tensor.cast DType.Float64 (Tensor.all (Tensor.cast DType.Bool x)))
    nearValue 0.0 0.0 (Tensor.cast DType.Float64 (Tensor.any (Tensor.cast DType.Bool x)))

[<Fact>]
let ``integers divide towards zero, wrap, and become float32 where a function needs it`` () =
    let x = Tensor.ofSeq [ 7; -7; 2147483647 ]
    Assert.Equal<int[]>([| 3; -3; 1073741823 |], Tensor.toArray<int>(x / Tensor.ofSeq [ 2 ]))
    Assert.Equal<int[]>([| 8; -6; -2147483648 |], Tensor.toArray<int>(x + Tensor.ofSeq [ 1 ]))
    Assert.Equal(DType.Float32, (exp x).DType)
    Assert.Equal(DType.Float32, (x * 0.5).DType)
    Assert.Equal(DType.Int32, (x * 2.0).DType)
    Assert.Equal(DType.Int64, (Tensor.sum (Tensor.cast DType.Bool x)).DType)
