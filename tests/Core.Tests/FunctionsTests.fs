/// Functions composed from primitives: values against naive references, derivatives by CheckGrads; and properties over
/// generated shapes.
module Core.Tests.FunctionsTests

open System
open Autodiff
open Core.Tests.Common
open Core.Tests.Reference
open FsCheck.FSharp
open Xunit

let private x = uniform 1 0.2 2.0 [| 3; 4 |]
let private signed = Primitives.distinct 2 0.0 [| 3; 4 |]
let private image = normal 3 [| 2; 3; 6; 5 |]
let private mean (xs: float list) = List.average xs
let private variance (xs: float list) = let m = mean xs in xs |> List.averageBy (fun v -> (v - m) ** 2.0)
let private logSumExp (xs: float list) = log (List.sumBy exp xs)
let private over axes f = fun (x: Tensor) -> reduce axes f [| x |]
let private each f = fun (x: Tensor) -> elementwise1 f [| x |]
let private all = [ 0; 1 ]

/// A function, an input, and the elements of its value.
let private table: (string * (Tensor -> Tensor) * Tensor * (Tensor -> float[])) list =
    [ "sum", Tensor.sum, x, over all List.sum
      "sum of columns", Tensor.sumAxes [ 0 ], x, over [ 0 ] List.sum
      "sum of rows", (fun x -> x.Sum(-1)), x, over [ 1 ] List.sum
      "sum kept", (fun x -> x.Sum([| 1 |], true)), x, over [ 1 ] List.sum
      "mean", Tensor.mean, x, over all mean
      "mean of rows", Tensor.meanAxes [ -1 ], x, over [ 1 ] mean
      "mean kept", (fun x -> x.Mean([| 0 |], true)), x, over [ 0 ] mean
      "variance", Tensor.variance, x, over all variance
      "variance of columns", Tensor.varianceAxes [ 0 ], x, over [ 0 ] variance
      "max of rows", Tensor.maxAxes [ 1 ], signed, over [ 1 ] List.max
      "min of columns", Tensor.minAxes [ 0 ], signed, over [ 0 ] List.min
      "logSumExp", Tensor.logSumExp [ 0; 1 ], x, over all logSumExp
      "logSumExp of columns", Tensor.logSumExp [ 0 ], x, over [ 0 ] logSumExp
      "norm", Tensor.norm, x, over all (fun v -> sqrt (List.sumBy (fun a -> a * a) v))
      "log10", log10, x, each Math.Log10
      "clamp", Tensor.clamp -0.3 0.4, signed, each (fun v -> Math.Clamp(v, -0.3, 0.4))
      "leakyRelu", Tensor.leakyRelu 0.1, signed, each (fun v -> if v > 0.0 then v else 0.1 * v)
      "power by a number", (fun x -> x ** 2.5), x, each (fun v -> v ** 2.5)
      "square root by a power", (fun x -> x ** 0.5), x, each sqrt
      "reciprocal by a power", (fun x -> x ** -1.0), x, each (fun v -> 1.0 / v)
      "power of a number", (fun x -> Tensor.Pow(2.0, x)), x, each (fun v -> 2.0 ** v)
      "number minus", (fun x -> 1.0 - x), x, each (fun v -> 1.0 - v)
      "number over", (fun x -> 3.0 / x), x, each (fun v -> 3.0 / v)
      "softmax of columns", Tensor.softmax 0, x, (fun x -> let s = over [ 0 ] (List.sumBy exp) x in (block x).Data |> Array.mapi (fun i v -> exp v / s[i % 4]))
      "logSoftmax of columns", Tensor.logSoftmax 0, x, (fun x -> let s = over [ 0 ] logSumExp x in (block x).Data |> Array.mapi (fun i v -> v - s[i % 4]))
      "transpose", Tensor.transpose, x, (fun x -> transpose [ 1; 0 ] [| x |])
      "flatten", Tensor.flatten, x, floats
      "flatten from 1", (fun x -> x.Flatten 1), image, floats
      "squeeze and expand", Tensor.expandAxis 1 >> Tensor.squeeze 1, x, floats
      "stack", (fun x -> Tensor.stack 1 [ x; 2.0 * x ]), x, (fun x -> let b = block x in build [ 3; 2; 4 ] (fun p -> float (p[1] + 1) * at b [ p[0]; p[2] ]))
      "pad", Tensor.pad [ 1, 0; 2, 3 ], x, (fun x -> place [ 4; 9 ] [ 1; 2 ] [ 1; 1 ] [| x |])
      "split and joined the other way", (fun x -> Tensor.concat 0 (Array.rev (Tensor.split 0 [ 1; 2 ] x))), x, (fun x -> let d = floats x in Array.append d[4..] d[..3])
      "outer", (fun x -> Tensor.outer (Tensor.flatten x) (Tensor.flatten x)), x, (fun x -> let d = floats x in Array.allPairs d d |> Array.map (fun (a, b) -> a * b))
      "dot", (fun x -> Tensor.dot x (sin x)), x, over all (List.sumBy (fun v -> v * sin v))
      "matrix times vector", (fun x -> Tensor.matmul x x[0]), x, (fun x -> let b = block x in build [ 3 ] (fun p -> List.sum [ for j in 0..3 -> at b [ p[0]; j ] * at b [ 0; j ] ]))
      "vector times matrix", (fun x -> Tensor.matmul (vector [ 1.0; 2.0; 3.0 ]) x), x, (fun x -> let b = block x in build [ 4 ] (fun p -> List.sum [ for i in 0..2 -> float (i + 1) * at b [ i; p[0] ] ]))
      "average pooling", Tensor.averagePool2d 2 2, image, (fun x -> [| for _, w in windows [ 2; 3; 6; 5 ] 2 2 0 -> List.averageBy (at (block x)) w |])
      "max pooling", Tensor.maxPool2d 2 1, Primitives.distinct 4 0.0 [| 1; 2; 4; 4 |], (fun x -> [| for _, w in windows [ 1; 2; 4; 4 ] 2 1 0 -> w |> List.map (at (block x)) |> List.max |]) ]

[<Fact>]
let ``composed functions have the values of naive references`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, reference) ->
        let error = distance (reference x) (floats (f x))
        Assert.True(error <= 1e-13, $"differs by {error:g3}: {f x}"))

[<Fact>]
let ``composed functions have right derivatives to second order`` () =
    table |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, _) -> CheckGrads.Run(Func<_, _> f, x, order = 2))

[<Fact>]
let ``makers of tensors make what they say`` () =
    near 0.0 (vector [ 0.0; 0.5; 1.0 ]) (Tensor.linspace 0.0 1.0 3)
    near 0.0 (vector [ 3.0 ]) (Tensor.linspace 3.0 9.0 1)
    near 0.0 (vector [ 1.0; 3.0 ]) (Tensor.arange 1.0 5.0 2.0)
    near 0.0 (vector [ 2.0; 1.0 ]) (Tensor.arange 2.0 0.0 -1.0)
    Assert.Equal(0, (Tensor.arange 2.0 0.0 1.0).Size)
    near 0.0 (rows [ [ 1.0; 0.0 ]; [ 0.0; 1.0 ] ]) (Tensor.cast DType.Float64 (Tensor.eye 2))
    Assert.Equal(DType.Float32, (Tensor.zeros [ 2 ]).DType)
    near 0.0 (vector [ 1.0; 1.0 ]) (Tensor.onesLike (vector [ 5.0; 6.0 ]))

// Properties over generated shapes.

let private length = Gen.frequency [ 4, Gen.choose (1, 5); 1, Gen.constant 0; 1, Gen.choose (17, 40) ]

/// Two shapes that broadcast, and a seed.
let private pair = gen {
    let! rank = Gen.choose (0, 3)
    let! shape = Gen.listOfLength rank length
    let! keepX = Gen.listOfLength rank (Gen.elements [ true; true; false ])
    let! keepY = Gen.listOfLength rank (Gen.elements [ true; true; false ])
    let! drop = Gen.choose (0, rank)
    let! seed = Gen.choose (1, 1000)
    let cut keep = List.map2 (fun n k -> if k then n else 1) shape keep
    return cut keepX, List.skip drop (cut keepY), seed
}

let private shaped seed (shape: int list) = normal seed (List.toArray shape)

[<Fact>]
let ``any two shapes that broadcast give the naive sums and products`` () =
    check 200 (Prop.forAll (Arb.fromGen pair) (fun (s, t, seed) ->
        let x, y = shaped seed s, shaped (seed + 1) t
        Assert.Equal(0.0, distance (elementwise2 (*) [| x; y |]) (floats (x * y)))
        Assert.Equal(0.0, distance (elementwise2 (-) [| y; x |]) (floats (y - x)))
        let gx, gy = grad (fun (x: Tensor, y: Tensor) -> Tensor.sum (x * y)) (x, y)
        near 1e-12 (Tensor.ofArray s (sumTo s [| Tensor.BroadcastTo(y, (x * y).Shape) |])) gx
        near 1e-12 (Tensor.ofArray t (sumTo t [| Tensor.BroadcastTo(x, (x * y).Shape) |])) gy))

[<Fact>]
let ``a sum over any axes equals the naive one, on any memory order`` () =
    let inputs = gen {
        let! rank = Gen.choose (1, 4)
        let! shape = Gen.listOfLength rank length
        let! axes = Gen.subListOf [ 0 .. rank - 1 ]
        let! order = Gen.shuffle [| 0 .. rank - 1 |]
        let! seed = Gen.choose (1, 1000)
        return shape, axes, order, seed
    }

    check 150 (Prop.forAll (Arb.fromGen inputs) (fun (shape, axes, order, seed) ->
        let stored = order |> Array.map (fun a -> shape[a])
        let x = Tensor.permute (Array.init order.Length (fun a -> Array.IndexOf(order, a))) (normal seed stored)
        Assert.Equal<int list>(shape, List.ofArray x.Shape)
        let error = distance (reduce axes List.sum [| x |]) (floats (Reductions.sumOver (List.toArray axes) true x))
        Assert.True(error <= 1e-12, $"differs by {error:g3}")))

[<Fact>]
let ``a matrix product of any sizes equals the naive one, with either side transposed`` () =
    let inputs = gen {
        let! m, k, n = Gen.zip3 length length length
        let! left, right = Gen.zip (Gen.elements [ true; false ]) (Gen.elements [ true; false ])
        let! seed = Gen.choose (1, 1000)
        return (m, k, n), left, right, seed
    }

    check 100 (Prop.forAll (Arb.fromGen inputs) (fun ((m, k, n), left, right, seed) ->
        let x = if left then Tensor.transpose (normal seed [| k; m |]) else normal seed [| m; k |]
        let y = if right then Tensor.transpose (normal (seed + 1) [| n; k |]) else normal (seed + 1) [| k; n |]
        let error = distance (matmul [| x; y |]) (floats (Tensor.matmul x y))
        Assert.True(error <= 1e-12, $"differs by {error:g3}")))
