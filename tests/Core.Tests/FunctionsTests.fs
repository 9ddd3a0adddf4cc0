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
let private every stride = { Stride = stride; Before = 0; After = 0; Dilation = 1 }

/// A function, an input, and the elements of its value.
let private basics: (string * (Tensor -> Tensor) * Tensor * (Tensor -> float[])) list =
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
      "log2", log2, x, each Math.Log2
      "exp2", exp2, signed, each (fun v -> 2.0 ** v)
      "xlogy", (fun x -> xlogy x (sin x)), x, each (fun v -> v * log (sin v))
      "gelu", gelu, signed, each (fun v -> 0.5 * v * (1.0 + Reference.erf (v / sqrt 2.0)))
      "silu", silu, signed, each (fun v -> v / (1.0 + exp -v))
      "elu", elu 1.5, signed, each (fun v -> if v > 0.0 then v else 1.5 * (exp v - 1.0))
      "selu",
      selu,
      signed,
      each (fun v -> 1.0507009873554805 * (if v > 0.0 then v else 1.6732632423543772 * (exp v - 1.0)))
      "hardSigmoid", hardSigmoid, signed, each (fun v -> Math.Clamp(v / 6.0 + 0.5, 0.0, 1.0))
      "hardTanh", hardTanh, signed, each (fun v -> Math.Clamp(v, -1.0, 1.0))
      "softsign", softsign, signed, each (fun v -> v / (1.0 + abs v))
      "logSigmoid", logSigmoid, signed, each (fun v -> -(log (1.0 + exp -v)))
      "deg2rad", deg2rad, x, each (fun v -> v * Math.PI / 180.0)
      "rad2deg", rad2deg, x, each (fun v -> v * 180.0 / Math.PI)
      "logAddExp of itself", (fun x -> logAddExp x x), x, each (fun v -> v + log 2.0)
      "clamp", Tensor.clamp -0.3 0.4, signed, each (fun v -> Math.Clamp(v, -0.3, 0.4))
      "leakyRelu", Tensor.leakyRelu 0.1, signed, each (fun v -> if v > 0.0 then v else 0.1 * v)
      "power by a number", (fun x -> x ** 2.5), x, each (fun v -> v ** 2.5)
      "square root by a power", (fun x -> x ** 0.5), x, each sqrt
      "reciprocal by a power", (fun x -> x ** -1.0), x, each (fun v -> 1.0 / v)
      "power of a number", (fun x -> Tensor.Pow(2.0, x)), x, each (fun v -> 2.0 ** v)
      "number minus", (fun x -> 1.0 - x), x, each (fun v -> 1.0 - v)
      "number over", (fun x -> 3.0 / x), x, each (fun v -> 3.0 / v)
      "softmax of columns",
      Tensor.softmax 0,
      x,
      (fun x -> let s = over [ 0 ] (List.sumBy exp) x in (block x).Data |> Array.mapi (fun i v -> exp v / s[i % 4]))
      "logSoftmax of columns",
      Tensor.logSoftmax 0,
      x,
      (fun x -> let s = over [ 0 ] logSumExp x in (block x).Data |> Array.mapi (fun i v -> v - s[i % 4]))
      "transpose", Tensor.transpose, x, (fun x -> transpose [ 1; 0 ] [| x |])
      "flatten", Tensor.flatten, x, floats
      "flatten from 1", (fun x -> x.Flatten 1), image, floats
      "squeeze and expand", Tensor.expandAxis 1 >> Tensor.squeeze 1, x, floats
      "stack",
      (fun x -> Tensor.stack 1 [ x; 2.0 * x ]),
      x,
      (fun x -> let b = block x in build [ 3; 2; 4 ] (fun p -> float (p[1] + 1) * at b [ p[0]; p[2] ]))
      "pad", Tensor.pad [ 1, 0; 2, 3 ], x, (fun x -> place [ 4; 9 ] [ 1; 2 ] [ 1; 1 ] [| x |])
      "split and joined the other way",
      (fun x -> Tensor.concat 0 (Array.rev (Tensor.split 0 [ 1; 2 ] x))),
      x,
      (fun x -> let d = floats x in Array.append d[4..] d[..3])
      "outer",
      (fun x -> Tensor.outer (Tensor.flatten x) (Tensor.flatten x)),
      x,
      (fun x -> let d = floats x in Array.allPairs d d |> Array.map (fun (a, b) -> a * b))
      "dot", (fun x -> Tensor.dot x (sin x)), x, over all (List.sumBy (fun v -> v * sin v))
      "matrix times vector",
      (fun x -> Tensor.matmul x x[0]),
      x,
      (fun x ->
          let b = block x in build [ 3 ] (fun p -> List.sum [ for j in 0..3 -> at b [ p[0]; j ] * at b [ 0; j ] ]))
      "vector times matrix",
      (fun x -> Tensor.matmul (vector [ 1.0; 2.0; 3.0 ]) x),
      x,
      (fun x ->
          let b = block x in build [ 4 ] (fun p -> List.sum [ for i in 0..2 -> float (i + 1) * at b [ i; p[0] ] ]))
      "average pooling",
      Tensor.averagePool2d 2 2,
      image,
      (fun x ->
          [| for _, w in windows [ 2; 3; 6; 5 ] [ 2; 2 ] [ every 2; every 2 ] -> List.averageBy (at (block x)) w |])
      "max pooling",
      Tensor.maxPool2d 2 1,
      Primitives.distinct 4 0.0 [| 1; 2; 4; 4 |],
      (fun x ->
          [| for _, w in windows [ 1; 2; 4; 4 ] [ 2; 2 ] [ every 1; every 1 ] ->
                 w |> List.map (at (block x)) |> List.max |]) ]

let private std (xs: float list) = sqrt (variance xs)
let private withZeros = rows [ [ 2.0; 0.0; 3.0 ]; [ 0.0; 1.5; 0.0 ]; [ -1.0; 2.0; 0.5 ] ]

let private quantile (q: float) (xs: float list) =
    let ordered, position = List.sort xs, q * float (xs.Length - 1)
    let below = int (floor position)
    let above = min (below + 1) (xs.Length - 1)
    ordered[below] + (ordered[above] - ordered[below]) * (position - float below)

let private pNorm p (xs: float list) = (xs |> List.sumBy (fun v -> abs v ** p)) ** (1.0 / p)
let private line axis f = fun (x: Tensor) -> alongAxis axis f [| x |]
let private picked (shape: int list) (source: int list -> int list) =
    fun (x: Tensor) -> build shape (fun p -> at (block x) (source p))
let private mirrored n i = let k = ((i % (2 * n - 2)) + 2 * n - 2) % (2 * n - 2) in min k (2 * n - 2 - k)
let private choice =
    Tensor.ofArray [ 3; 4 ] [| true; false; true; true; false; false; true; false; true; true; false; true |]

/// Statistics and arrangements.
let private more: (string * (Tensor -> Tensor) * Tensor * (Tensor -> float[])) list =
    [ "prod", Tensor.prod, x, over all (List.fold (*) 1.0)
      "prod of columns with zeros", Tensor.prodAxes [ 0 ], withZeros, over [ 0 ] (List.fold (*) 1.0)
      "prod of all with zeros", (fun x -> x.Prod()), withZeros, over all (List.fold (*) 1.0)
      "prod over outer axes",
      (fun x -> x.Prod([| 0; 2 |], true)),
      uniform 5 0.5 1.5 [| 2; 3; 4 |],
      over [ 0; 2 ] (List.fold (*) 1.0)
      "std", Tensor.std, x, over all std
      "std of rows", (fun x -> x.Std([| 1 |], true)), x, over [ 1 ] std
      "norm of order 1", Tensor.normAxes 1.0 [ 1 ], signed, over [ 1 ] (pNorm 1.0)
      "norm of order 2", (fun x -> x.Norm(2.0, 0)), signed, over [ 0 ] (pNorm 2.0)
      "norm of order 3", (fun x -> x.Norm 3.0), signed, over all (pNorm 3.0)
      "norm of order -2", (fun x -> x.Norm(-2.0, [| 0 |], true)), signed, over [ 0 ] (pNorm -2.0)
      "norm of order infinity", Tensor.normAxes infinity [ 1 ], signed, over [ 1 ] (List.map abs >> List.max)
      "norm of order -infinity", Tensor.normAxes -infinity [ 1 ], signed, over [ 1 ] (List.map abs >> List.min)
      "median", Tensor.median, signed, over all (quantile 0.5)
      "median of rows", Tensor.medianAxes [ 1 ], signed, over [ 1 ] (quantile 0.5)
      "quantile", Tensor.quantile 0.3, signed, over all (quantile 0.3)
      "quantile of columns", (fun x -> x.Quantile(0.9, 0)), signed, over [ 0 ] (quantile 0.9)
      "quantiles",
      Tensor.quantiles [ 0.0; 0.7 ] [ 1 ],
      signed,
      (fun x -> Array.append (over [ 1 ] (quantile 0.0) x) (over [ 1 ] (quantile 0.7) x))
      "cumsum", Tensor.cumsum 1, x, line 1 (Array.scan (+) 0.0 >> Array.tail)
      "cumprod", Tensor.cumprod -1, x, line 1 (Array.scan (*) 1.0 >> Array.tail)
      "cumprod with zeros", Tensor.cumprod 0, withZeros, line 0 (Array.scan (*) 1.0 >> Array.tail)
      "cummax", Tensor.cummax 1, signed, line 1 (Array.scan max -infinity >> Array.tail)
      "cummin", Tensor.cummin 0, signed, line 0 (Array.scan min infinity >> Array.tail)
      "diff", Tensor.diff 1, x, (fun x -> let b = block x in build [ 3; 3 ] (fun p -> at b [ p[0]; p[1] + 1 ] - at b p))
      "linear recurrence with one factor",
      Tensor.linearRecurrence 0 (scalar 0.5),
      x,
      line 0 (Array.scan (fun s v -> 0.5 * s + v) 0.0 >> Array.tail)
      "linear recurrence of its own factors",
      (fun x -> Tensor.linearRecurrence 1 x (sin x)),
      x,
      line 1 (Array.scan (fun s v -> v * s + sin v) 0.0 >> Array.tail)

      "flip", Tensor.flip [ 0; -1 ], x, picked [ 3; 4 ] (fun p -> [ 2 - p[0]; 3 - p[1] ])
      "roll", Tensor.roll 3 1, x, picked [ 3; 4 ] (fun p -> [ p[0]; (p[1] + 1) % 4 ])
      "roll back", (fun x -> x.Roll(-4, 0)), x, picked [ 3; 4 ] (fun p -> [ (p[0] + 4) % 3; p[1] ])
      "repeat", Tensor.repeat 2 0, x, picked [ 6; 4 ] (fun p -> [ p[0] / 2; p[1] ])
      "tile", Tensor.tile [ 2; 1; 3 ], x, picked [ 2; 3; 12 ] (fun p -> [ p[1]; p[2] % 4 ])
      "tile of columns", (fun x -> x.Tile 2), x, picked [ 3; 8 ] (fun p -> [ p[0]; p[1] % 4 ])
      "tril", Tensor.tril 0, x, (fun x -> build [ 3; 4 ] (fun p -> if p[1] <= p[0] then at (block x) p else 0.0))
      "triu",
      (fun x -> x.Triu -1),
      x,
      (fun x -> build [ 3; 4 ] (fun p -> if p[1] >= p[0] - 1 then at (block x) p else 0.0))
      "diagonal", Tensor.diagonal 0, x, picked [ 3 ] (fun p -> [ p[0]; p[0] ])
      "diagonal above", Tensor.diagonal 2, x, picked [ 2 ] (fun p -> [ p[0]; p[0] + 2 ])
      "diagonal below", (fun x -> x.Diagonal -1), x, picked [ 2 ] (fun p -> [ p[0] + 1; p[0] ])
      "no diagonal", Tensor.diagonal 4, x, (fun _ -> [||])
      "diag",
      Tensor.diag 0,
      x,
      (fun x -> build [ 3; 4; 4 ] (fun p -> if p[1] = p[2] then at (block x) [ p[0]; p[1] ] else 0.0))
      "diag below",
      (fun x -> x.Diag -2),
      x,
      (fun x -> build [ 3; 6; 6 ] (fun p -> if p[1] = p[2] + 2 then at (block x) [ p[0]; p[2] ] else 0.0))
      "pad by reflection",
      Tensor.padWith PadMode.Reflect [ 2, 1; 3, 5 ],
      x,
      picked [ 6; 12 ] (fun p -> [ mirrored 3 (p[0] - 2); mirrored 4 (p[1] - 3) ])
      "pad by the edge",
      (fun x -> x.Pad(PadMode.Edge, struct (0, 0), struct (2, 1))),
      x,
      picked [ 3; 7 ] (fun p -> [ p[0]; Math.Clamp(p[1] - 2, 0, 3) ])
      "pad around",
      Tensor.padWith PadMode.Wrap [ 1, 1; 0, 5 ],
      x,
      picked [ 5; 9 ] (fun p -> [ (p[0] + 2) % 3; p[1] % 4 ])
      "pad by a number",
      Tensor.padValue 7.0 [ 1, 0; 0, 2 ],
      x,
      (fun x -> build [ 4; 6 ] (fun p -> if p[0] >= 1 && p[1] < 4 then at (block x) [ p[0] - 1; p[1] ] else 7.0))
      "pad by zeros",
      (fun x -> x.Pad(0.0, struct (1, 0), struct (0, 2))),
      x,
      (fun x -> build [ 4; 6 ] (fun p -> if p[0] >= 1 && p[1] < 4 then at (block x) [ p[0] - 1; p[1] ] else 0.0))
      "slice backwards", Tensor.slice 1 None None -1, x, picked [ 3; 4 ] (fun p -> [ p[0]; 3 - p[1] ])
      "slice backwards by 2", Tensor.slice 1 (Some -1) (Some 0) -2, x, picked [ 3; 2 ] (fun p -> [ p[0]; 3 - 2 * p[1] ])
      "slice forwards", Tensor.slice 1 (Some -3) (Some 9) 2, x, picked [ 3; 2 ] (fun p -> [ p[0]; 1 + 2 * p[1] ])
      "swapAxes", Tensor.swapAxes 0 -1, image, picked [ 5; 3; 6; 2 ] (fun p -> [ p[3]; p[1]; p[2]; p[0] ])
      "moveAxis", Tensor.moveAxis 1 -1, image, picked [ 2; 6; 5; 3 ] (fun p -> [ p[0]; p[3]; p[1]; p[2] ])
      "expandAxes", Tensor.expandAxes [ 0; -1 ], x, floats
      "split into equal parts",
      (fun x -> let parts = Tensor.splitEqually 1 2 x in parts[0] * parts[1]),
      x,
      (fun x -> build [ 3; 2 ] (fun p -> at (block x) p * at (block x) [ p[0]; p[1] + 2 ]))
      "sort", Tensor.sort 1, signed, line 1 Array.sort
      "sort descending", (fun x -> x.Sort(0, true)), signed, line 0 Array.sortDescending
      "topK",
      (fun x -> fst (Tensor.topK 2 1 x)),
      signed,
      (fun x -> let sorted = { block x with Data = line 1 Array.sortDescending x } in build [ 3; 2 ] (at sorted))
      "scatter",
      (fun x -> Tensor.scatter 1 (indices [ 3; 3 ] [ 0; 1; 0; 3; 3; 3; 1; 2; -2 ]) (sin x[*, 1..]) x),
      x,
      (fun x ->
          let b = block x
          let last = [ [ 3; 2; -1; -1 ]; [ -1; -1; -1; 3 ]; [ -1; 1; 3; -1 ] ]
          build [ 3; 4 ] (fun p -> let j = last[p[0]][p[1]] in if j < 0 then at b p else sin (at b [ p[0]; j ])))
      "mask",
      Tensor.mask choice,
      x,
      (fun x -> Array.zip (floats x) (Tensor.toArray<bool> choice) |> Array.filter snd |> Array.map fst)
      "mask of rows", (fun x -> x.Mask choice[*, 1]), x, (fun x -> (floats x)[8..])
      "meshgrid",
      (fun x -> let grid = Tensor.meshgrid [ x[0]; x[*, 1] ] in grid[0] * grid[1]),
      x,
      (fun x -> let b = block x in build [ 4; 3 ] (fun p -> at b [ 0; p[0] ] * at b [ p[1]; 1 ])) ]

let private table = basics @ more

[<Fact>]
let ``composed functions have the values of naive references`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, reference) ->
        let error = distance (reference x) (floats (f x))
        Assert.True(error <= 1e-13, $"differs by {error:g3}: {f x}"))

[<Fact>]
let ``composed functions have right derivatives to second order`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, _) -> CheckGrads.Run(Func<_, _> f, x, order = 2))

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

[<Fact>]
let ``integer results of statistics and arrangements`` () =
    let whole (x: Tensor) = Tensor.toArray<int> x
    let m = rows [ [ 3.0; nan; 1.0; 3.0 ]; [ 0.0; -0.0; nan; nan ] ]
    Assert.Equal<int[]>([| 2; 0; 3; 1; 0; 1; 2; 3 |], whole (Tensor.argsort 1 m))
    Assert.Equal<int[]>([| 0; 3; 2; 1; 0; 1; 2; 3 |], whole (Tensor.argsortDescending 1 m))
    Assert.Equal<int[]>(
        [| 1; 0 |],
        whole (snd (Tensor.topK 2 0 (Tensor.ofSeq [ Int64.MaxValue - 1L; Int64.MaxValue; 5L ])))
    )
    Assert.Equal<int[]>([| 1; 0; 2 |], whole ((Tensor.ofSeq [ 5L; Int64.MaxValue; Int64.MinValue ]).ArgSort(0, true)))
    Assert.Equal<int[]>([| 6 |], whole (Tensor.countTrue m))
    Assert.Equal<int[]>([| 1; 1; 2; 2 |], whole (Tensor.countTrueAxes [ 0 ] m))
    Assert.Equal<int[]>([| 1; 3; 6 |], whole (Tensor.cumsum 0 (Tensor.ofSeq [ 1uy; 2uy; 3uy ])))
    Assert.Equal<int[]>([| 1; -2; -6 |], whole (Tensor.cumprod 0 (Tensor.ofSeq [ 1; -2; 3 ])))
    Assert.Equal<int[]>(
        [| 0; 1; 3; 3; 3 |],
        whole (Tensor.searchsorted (vector [ 1.0; 2.0; 2.5; nan ]) (vector [ -5.0; 2.0; 3.0; nan; infinity ]))
    )
    Assert.Equal<int[]>(
        [| 2; 0; 3 |],
        whole (Tensor.searchsortedRight (Tensor.ofSeq [ 1; 1; 4 ]) (Tensor.ofSeq [ 1; 0; 9 ]))
    )
    Assert.Equal<int[]>([| 0; 0; 0; 1; 0; 2; 0; 3; 1; 2; 1; 3 |], whole (Tensor.argwhere m))
    let values, inverse, counts = Tensor.unique m
    near 0.0 (vector [ 0.0; 1.0; 3.0; nan ]) values
    Assert.Equal<int[]>([| 2; 3; 1; 2; 0; 0; 3; 3 |], whole inverse)
    Assert.Equal<int[]>([| 2; 4 |], inverse.Shape)
    Assert.Equal<int[]>([| 2; 1; 2; 3 |], whole counts)
    let values, inverse, counts = Tensor.unique (Tensor.ofSeq Seq.empty<int>)
    Assert.Equal((0, 0, 0), (values.Size, inverse.Size, counts.Size))

[<Fact>]
let ``statistics of NaN, of equal elements and of nothing`` () =
    nearValue 0.0 nan (Tensor.median (vector [ 1.0; nan; 2.0 ]))
    nearValue 0.0 infinity (Tensor.median (vector [ 1.0; infinity; infinity ]))
    near 0.0 (vector [ 1.0; 2.0; nan; nan ]) (Tensor.cummax 0 (vector [ 1.0; 2.0; nan; 5.0 ]))
    near 0.0 (vector [ 1.0; 2.0; nan ]) (Tensor.sort 0 (vector [ nan; 2.0; 1.0 ]))
    near 0.0 (vector [ 2.0; 1.0; nan ]) (Tensor.sortDescending 0 (vector [ nan; 1.0; 2.0 ]))
    near 0.0 (vector [ 0.0; 0.0 ]) (grad Tensor.std (vector [ 2.0; 2.0 ]))
    near 0.0 (vector [ 0.0; 0.0 ]) (grad (Tensor.normAxes 3.0 [ 0 ]) (vector [ 0.0; 0.0 ]))
    near 1e-15 (vector [ 6.0; 0.0; 0.0 ]) (grad Tensor.prod (vector [ 0.0; 2.0; 3.0 ]))
    near
        1e-15
        (rows [ [ 0.0; 0.0; 0.0 ]; [ 0.0; 0.0; 3.0 ]; [ 0.0; 3.0; 0.0 ] ])
        (hessian Tensor.prod (vector [ 3.0; 0.0; 0.0 ]))
    nearValue 0.0 1.0 (Tensor.prod (Tensor.ofSeq Seq.empty<float>))
    Assert.Equal<int[]>([| 0 |], (grad Tensor.prod (Tensor.ofSeq Seq.empty<float>)).Shape)
    Assert.Equal<int[]>([| 0; 3 |], (Tensor.cumprod 0 (Tensor.ofArray [ 0; 3 ] Array.empty<float>)).Shape)
    Assert.Equal<int[]>([| 2; 2 |], (Tensor.diag 2 (Tensor.ofSeq Seq.empty<float>)).Shape)
    near 0.0 (vector [ 0.0; 1.0; 0.0 ]) (grad Tensor.median (vector [ 1.0; 2.0; 3.0 ]))
    near 0.0 (vector [ 2.0; 0.0 ]) (grad (fun x -> Tensor.sum (Tensor.cummax 0 x)) (vector [ 2.0; 1.0 ]))

// Properties over generated shapes.

let private length = Gen.frequency [ 4, Gen.choose (1, 5); 1, Gen.constant 0; 1, Gen.choose (17, 40) ]

/// Two shapes that broadcast, and a seed.
let private pair =
    gen {
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
    check
        200
        (Prop.forAll (Arb.fromGen pair) (fun (s, t, seed) ->
            let x, y = shaped seed s, shaped (seed + 1) t
            Assert.Equal(0.0, distance (elementwise2 (*) [| x; y |]) (floats (x * y)))
            Assert.Equal(0.0, distance (elementwise2 (-) [| y; x |]) (floats (y - x)))
            let gx, gy = grad (fun (x: Tensor, y: Tensor) -> Tensor.sum (x * y)) (x, y)
            near 1e-12 (Tensor.ofArray s (sumTo s [| Tensor.BroadcastTo(y, (x * y).Shape) |])) gx
            near 1e-12 (Tensor.ofArray t (sumTo t [| Tensor.BroadcastTo(x, (x * y).Shape) |])) gy))

[<Fact>]
let ``a sum over any axes equals the naive one, on any memory order`` () =
    let inputs =
        gen {
            let! rank = Gen.choose (1, 4)
            let! shape = Gen.listOfLength rank length
            let! axes = Gen.subListOf [ 0 .. rank - 1 ]
            let! order = Gen.shuffle [| 0 .. rank - 1 |]
            let! seed = Gen.choose (1, 1000)
            return shape, axes, order, seed
        }

    check
        150
        (Prop.forAll (Arb.fromGen inputs) (fun (shape, axes, order, seed) ->
            let stored = order |> Array.map (fun a -> shape[a])
            let x = Tensor.permute (Array.init order.Length (fun a -> Array.IndexOf(order, a))) (normal seed stored)
            Assert.Equal<int list>(shape, List.ofArray x.Shape)
            let error =
                distance (reduce axes List.sum [| x |]) (floats (Reductions.sumOver (List.toArray axes) true x))
            Assert.True(error <= 1e-12, $"differs by {error:g3}")))

[<Fact>]
let ``a matrix product of any sizes equals the naive one, with either side transposed`` () =
    let inputs =
        gen {
            let! m, k, n = Gen.zip3 length length length
            let! left, right = Gen.zip (Gen.elements [ true; false ]) (Gen.elements [ true; false ])
            let! seed = Gen.choose (1, 1000)
            return (m, k, n), left, right, seed
        }

    check
        100
        (Prop.forAll (Arb.fromGen inputs) (fun ((m, k, n), left, right, seed) ->
            let x = if left then Tensor.transpose (normal seed [| k; m |]) else normal seed [| m; k |]
            let y =
                if right then
                    Tensor.transpose (normal (seed + 1) [| n; k |])
                else
                    normal (seed + 1) [| k; n |]
            let error = distance (matmul [| x; y |]) (floats (Tensor.matmul x y))
            Assert.True(error <= 1e-12, $"differs by {error:g3}")))

[<Fact>]
let ``numbers are compared, chosen and bounded as tensors of the same type are`` () =
    let x = Tensor.ofSeq [ -1.5f; 0.0f; 2.0f; nanf ]
    let number = Tensor.ofSeq [ 2.0f ]

    let pairs: (Tensor * Tensor) list =
        [ Tensor.EqualTo(x, 2.0), Tensor.EqualTo(x, number)
          Tensor.NotEqualTo(x, 2.0), Tensor.NotEqualTo(x, number)
          Tensor.Less(x, 2.0), Tensor.Less(x, number)
          Tensor.LessOrEqual(x, 2.0), Tensor.LessOrEqual(x, number)
          Tensor.Greater(x, 2.0), Tensor.Greater(x, number)
          Tensor.GreaterOrEqual(x, 2.0), Tensor.GreaterOrEqual(x, number)
          Tensor.Maximum(x, 2.0), Tensor.Maximum(x, number)
          Tensor.Minimum(x, 2.0), Tensor.Minimum(x, number)
          Tensor.Where(Tensor.Less(x, 0.0), 2.0, x), Tensor.Where(Tensor.Less(x, 0.0), number, x)
          Tensor.Where(Tensor.Less(x, 0.0), x, 2.0), Tensor.Where(Tensor.Less(x, 0.0), x, number) ]

    for ours, expected in pairs do
        Assert.Equal(expected.DType, ours.DType)
        Assert.Equal<float32[]>(Tensor.toArray expected, Tensor.toArray ours)

    // Nothing is rounded beside integers, and a choice grows rather than wraps.
    let large = Tensor.ofSeq [ 16777217; 16777216 ]
    Assert.Equal<bool[]>([| false; true |], Tensor.toArray (Tensor.EqualTo(large, 16777216.0)))
    Assert.Equal<bool[]>([| true; true |], Tensor.toArray (Tensor.Greater(large, 16777215.5)))
    Assert.Equal(DType.Int16, (Tensor.Where(Tensor.ofSeq [ true ], -1.0, Tensor.ofSeq [ 200uy ])).DType)
    Assert.Equal<float[]>(
        [| 0.5; 0.0 |],
        grad (fun x -> Tensor.sum (Tensor.Maximum(x, 1.0))) (Tensor.ofSeq [ 1.0; 0.5 ]) |> floats
    )

[<Fact>]
let ``lists of tensors have sums and averages, which keep the type`` () =
    let rows = [ Tensor.ofSeq [ 1.0f; 2.0f ]; Tensor.ofSeq [ 3.0f; 6.0f ] ]
    Assert.Equal<float[]>([| 4.0; 8.0 |], floats (List.sum rows))
    Assert.Equal<float[]>([| 2.0; 4.0 |], floats (List.average rows))
    Assert.Equal<float[]>(
        [| 2.0; 4.0 |],
        grad (List.sumBy (square >> Tensor.sum)) [ Tensor.ofSeq [ 1.0; 2.0 ] ] |> List.head |> floats
    )

    for dtype in [ DType.UInt8; DType.Int32; DType.BFloat16; DType.Float32; DType.Float64 ] do
        Assert.Equal(dtype, (Seq.sum [ Tensor.cast dtype rows[0] ]).DType)

    let mean = Seq.average [ Tensor.ofSeq [ 1 ]; Tensor.ofSeq [ 2 ] ]
    Assert.Equal(DType.Float32, mean.DType)
    Assert.Equal(1.5, float mean)
