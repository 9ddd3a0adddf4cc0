/// Errors that a user can make: the type of exception, and what the message must tell.
module Core.Tests.ErrorTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

/// Holds a tensor, but is no tree.
type Shapeless() =
    member val Weights = scalar 1.0

let private x23 = normal 1 [| 2; 3 |]
let private x4 = normal 2 [| 4 |]
let private x3 = normal 3 [| 3 |]
let private ints = Tensor.ofSeq [ 1; 2; 3 ]
let private empty = Tensor.ofArray [ 0; 3 ] Array.empty<float>
let private image = normal 4 [| 2; 3; 8; 8 |]
let private key = Key 1
let private run (f: unit -> 'a) : unit -> unit = fun () -> f () |> ignore

/// What is done, and pieces of the message: the operation, what it got, the mend.
let private table: (string * (unit -> unit) * string list) list =
    [ "add shapes", run (fun () -> x23 + x4), [ "add: "; "(2, 3)"; "(4)"; "axis 1"; "3 and 4"; "reshape" ]
      "multiply shapes", run (fun () -> x23 * normal 1 [| 3; 3 |]), [ "multiply: "; "(2, 3)"; "(3, 3)"; "reshape" ]
      "maximum shapes", run (fun () -> Tensor.Maximum(x3, x4)), [ "maximum: "; "(3)"; "(4)" ]
      "compare shapes", run (fun () -> Tensor.Less(x3, x4)), [ "less: "; "(3)"; "(4)" ]
      "where shapes", run (fun () -> Tensor.Where(Tensor.cast DType.Bool x3, x3, x4)), [ "where: "; "(3)"; "(4)" ]
      "shapes in a differentiated function",
      run (fun () -> grad (fun x -> Tensor.sum (x + x4)) x3),
      [ "add: "; "(3)"; "(4)" ]
      "not of floats", run (fun () -> Tensor.Not x3), [ "not: "; "float64"; "To" ]
      "and of floats", run (fun () -> Tensor.And(x3, x3)), [ "and: "; "float64"; "To" ]
      "polygamma of a negative order", run (fun () -> polygamma -1 x3), [ "polygamma: "; "-1"; "negative" ]
      "remainder of integers by zero",
      run (fun () -> remainder ints (Tensor.ofSeq [ 0 ])),
      [ "remainder: "; "zero"; "float" ]
      "shift of floats", run (fun () -> leftShift x3 x3), [ "leftShift: "; "float64"; "To" ]
      "bits of floats", run (fun () -> bitwiseNot x3), [ "xor: "; "float64"; "To" ]
      "division of integers by zero", run (fun () -> ints / Tensor.ofSeq [ 0 ]), [ "divide: "; "zero"; "float" ]

      "sum with null", run (fun () -> x3 + Unchecked.defaultof<Tensor>), [ "add: "; "null" ]
      "function of null", run (fun () -> exp Unchecked.defaultof<Tensor>), [ "exp: "; "null" ]
      "where with null", run (fun () -> Tensor.Where(x3, null, x3)), [ "where: "; "null" ]
      "matmul with null", run (fun () -> Tensor.matmul x23 null), [ "matmul: "; "null" ]
      "concat with null", run (fun () -> Tensor.concat 0 [ x3; null ]), [ "concat: "; "null" ]

      "matmul",
      run (fun () -> Tensor.matmul x23 x23),
      [ "matmul: "; "(2, 3) and (2, 3)"; "3 columns"; "2 rows"; "Transpose" ]
      "matmul by a vector", run (fun () -> Tensor.matmul x23 x4), [ "matmul: "; "(2, 3) and (4)"; "Transpose" ]
      "matmul of vectors", run (fun () -> Tensor.matmul x3 x4), [ "matmul: "; "(3) and (4)" ]
      "matmul of a scalar", run (fun () -> Tensor.matmul (scalar 2.0) x3), [ "matmul: "; "()"; "(3)"; "*" ]
      "matmul of batches",
      run (fun () -> Tensor.matmul (normal 1 [| 2; 3; 3 |]) (normal 1 [| 4; 3; 3 |])),
      [ "matmul: "; "(2)"; "(4)" ]
      "dot", run (fun () -> Tensor.dot x3 x4), [ "dot: "; "(3)"; "(4)"; "matmul" ]
      "transpose of a vector", run (fun () -> Tensor.transpose x3), [ "transpose: "; "(3)"; "reshape" ]
      "permute with an axis twice", run (fun () -> Tensor.permute [ 0; 0 ] x23), [ "transpose: "; "axis 0"; "twice" ]
      "permute without an axis", run (fun () -> Tensor.permute [ 0 ] x23), [ "transpose: "; "(0)"; "rank 2" ]

      "reshape", run (fun () -> Tensor.reshape [ 4; 2 ] x23), [ "reshape: "; "(2, 3) has 6"; "(4, 2) has 8"; "-1" ]
      "reshape with -1", run (fun () -> Tensor.reshape [ 4; -1 ] x23), [ "reshape: "; "(2, 3)"; "(4, -1)" ]
      "reshape with -1 twice", run (fun () -> Tensor.reshape [ -1; -1 ] x23), [ "reshape: "; "(-1, -1)"; "one" ]
      "reshape with negative lengths",
      run (fun () -> Tensor.reshape [ -2; -3 ] x23),
      [ "reshape: "; "(-2, -3)"; "negative" ]
      "broadcastTo", run (fun () -> Tensor.broadcastTo [ 3; 2 ] x23), [ "broadcastTo: "; "(2, 3)"; "(3, 2)" ]
      "broadcastTo a negative length",
      run (fun () -> Tensor.broadcastTo [ -2 ] (scalar 1.0)),
      [ "broadcastTo: "; "(-2)"; "negative" ]
      "squeeze", run (fun () -> Tensor.squeeze 0 x23), [ "squeeze: "; "axis 0"; "(2, 3)"; "length 1" ]
      "expandAxis", run (fun () -> Tensor.expandAxis 4 x23), [ "expandAxis: "; "4"; "-3 to 2" ]
      "flatten from an axis", run (fun () -> x23.Flatten 2), [ "flatten: "; "axis 2"; "-2 to 1" ]
      "concat",
      run (fun () -> Tensor.concat 0 [ x23; normal 1 [| 2; 4 |] ]),
      [ "concat: "; "(2, 3)"; "(2, 4)"; "axis other than 0" ]
      "concat of ranks", run (fun () -> Tensor.concat 0 [ x23; x3 ]), [ "concat: "; "(2, 3)"; "(3)" ]
      "concat of nothing", run (fun () -> Tensor.concat 0 []), [ "concat: "; "no tensors" ]
      "concat of scalars", run (fun () -> Tensor.concat 0 [ scalar 1.0; scalar 2.0 ]), [ "concat: "; "scalar"; "stack" ]
      "concat along an axis", run (fun () -> Tensor.concat 2 [ x23; x23 ]), [ "concat: "; "axis 2"; "-2 to 1" ]
      "stack", run (fun () -> Tensor.stack 0 [ x3; x4 ]), [ "stack: "; "(3)"; "(4)" ]
      "stack of nothing", run (fun () -> Tensor.stack 0 []), [ "stack: "; "no tensors" ]
      "split", run (fun () -> Tensor.split 1 [ 1; 1 ] x23), [ "split: "; "(1, 1)"; "3"; "axis 1" ]
      "split in negative lengths", run (fun () -> Tensor.split 1 [ 4; -1 ] x23), [ "split: "; "(4, -1)"; "negative" ]
      "pad", run (fun () -> Tensor.pad [ 1, 1 ] x23), [ "pad: "; "(2, 3)"; "each axis" ]

      "sum axis", run (fun () -> Tensor.sumAxes [ 2 ] x23), [ "sum: "; "axis 2"; "rank 2"; "-2 to 1" ]
      "sum axis twice", run (fun () -> Tensor.sumAxes [ 0; -2 ] x23), [ "sum: "; "axis 0"; "twice" ]
      "mean axis", run (fun () -> x23.Mean 5), [ "mean: "; "axis 5" ]
      "sum over an axis of a scalar", run (fun () -> (scalar 1.0).Sum 0), [ "sum: "; "scalar has no axes" ]
      "max of nothing", run (fun () -> Tensor.max empty), [ "max: "; "(0, 3)"; "empty" ]
      "min over an empty axis", run (fun () -> empty.Min 0), [ "min: "; "axis 0"; "(0, 3)"; "empty" ]
      "argmax of nothing", run (fun () -> Tensor.argmax 0 empty), [ "argmax: "; "axis 0"; "(0, 3)"; "empty" ]
      "argmin axis", run (fun () -> Tensor.argmin 3 x23), [ "argmin: "; "axis 3" ]
      "softmax of a scalar", run (fun () -> Tensor.softmax -1 (scalar 1.0)), [ "softmax: "; "scalar has no axes" ]
      "logSoftmax axis", run (fun () -> Tensor.logSoftmax 2 x23), [ "logSoftmax: "; "axis 2" ]

      "prod axis", run (fun () -> x23.Prod 2), [ "prod: "; "axis 2" ]
      "norm of order NaN", run (fun () -> x3.Norm nan), [ "norm: "; "NaN" ]
      "median of nothing", run (fun () -> empty.Median 0), [ "median: "; "(0, 3)"; "empty" ]
      "quantile above 1", run (fun () -> x3.Quantile 1.5), [ "quantile: "; "1.5"; "0 and 1" ]
      "quantiles of no fractions", run (fun () -> Tensor.quantiles [] [ 0 ] x3), [ "quantile: "; "no fractions" ]
      "cumsum axis", run (fun () -> Tensor.cumsum 1 x3), [ "cumsum: "; "axis 1" ]
      "linear recurrence", run (fun () -> Tensor.linearRecurrence 0 x3 x4), [ "linearRecurrence: "; "(3)"; "(4)" ]
      "diff of nothing", run (fun () -> Tensor.diff 0 empty), [ "diff: "; "(0, 3)"; "empty" ]
      "flip axis", run (fun () -> x23.Flip 2), [ "flip: "; "axis 2" ]
      "roll axis", run (fun () -> Tensor.roll 1 0 (scalar 1.0)), [ "roll: "; "scalar has no axes" ]
      "repeat", run (fun () -> Tensor.repeat -1 0 x3), [ "repeat: "; "-1" ]
      "tile", run (fun () -> Tensor.tile [ -1 ] x3), [ "tile: "; "(-1)"; "negative" ]
      "tril of a vector", run (fun () -> Tensor.tril 0 x3), [ "tril: "; "(3)"; "reshape" ]
      "diagonal of a vector", run (fun () -> x3.Diagonal()), [ "diagonal: "; "(3)"; "reshape" ]
      "diag of a scalar", run (fun () -> Tensor.diag 0 (scalar 1.0)), [ "diag: "; "scalar"; "reshape" ]
      "pad by reflection",
      run (fun () -> Tensor.padWith PadMode.Reflect [ 1, 1 ] x23),
      [ "pad: "; "(2, 3)"; "each axis" ]
      "pad of nothing",
      run (fun () -> Tensor.padWith PadMode.Edge [ 1, 0; 0, 0 ] empty),
      [ "pad: "; "axis 0"; "(0, 3)"; "empty" ]
      "slice without a step", run (fun () -> Tensor.slice 0 None None 0 x3), [ "slice: "; "step is 0" ]
      "swapAxes", run (fun () -> Tensor.swapAxes 0 2 x23), [ "swapAxes: "; "axis 2" ]
      "split into equal parts",
      run (fun () -> Tensor.splitEqually 1 2 x23),
      [ "split: "; "axis 1"; "(2, 3)"; "2 equal parts"; "lengths" ]
      "sort of a scalar", run (fun () -> Tensor.sort 0 (scalar 1.0)), [ "sort: "; "scalar has no axes" ]
      "topK", run (fun () -> Tensor.topK 4 1 x23), [ "topK: "; "4"; "axis 1"; "length 3" ]
      "searchsorted",
      run (fun () -> Tensor.searchsorted x23 x3),
      [ "searchsorted: "; "(2, 3)"; "(3)"; "all axes but the last" ]
      "scatter", run (fun () -> Tensor.scatter 0 (indices [ 1 ] [ 3 ]) (scalar 1.0) x3), [ "scatter: "; "3"; "-3 to 2" ]
      "scatter of many", run (fun () -> Tensor.scatter 0 (indices [ 1 ] [ 0 ]) x3 x3), [ "scatter: "; "(3)"; "(1)" ]
      "mask", run (fun () -> Tensor.mask (Tensor.cast DType.Bool x4) x3), [ "mask: "; "(4)"; "(3)" ]
      "meshgrid", run (fun () -> Tensor.meshgrid [ x23 ]), [ "meshgrid: "; "(2, 3)"; "vector" ]

      "position", run (fun () -> x23[2]), [ "index: "; "position 2"; "axis 0"; "length 2" ]
      "negative position", run (fun () -> x23[0, -4]), [ "index: "; "position -4"; "axis 1"; "length 3" ]
      "range", run (fun () -> x23[*, 1..3]), [ "index: "; "axis 1"; "length 3" ]
      "too many indices", run (fun () -> x3[0, 1]), [ "index: "; "2 indices"; "(3)"; "rank 1" ]
      "take", run (fun () -> Tensor.take 0 (indices [ 1 ] [ 2 ]) x23), [ "take: "; "index 2"; "axis 0"; "-2 to 1" ]
      "take from much",
      run (fun () -> Tensor.take 0 (indices [ 3 ] [ 0; 1; 2 ]) (normal 1 [| 2; 200000 |])),
      [ "take: "; "2"; "axis 0"; "-2 to 1" ]
      "take by floats", run (fun () -> Tensor.take 0 x3 x23), [ "take: "; "float64"; "int32 or int64" ]
      "gather",
      run (fun () -> Tensor.gather 1 (indices [ 2; 1 ] [ 0; 3 ]) x23),
      [ "gather: "; "3"; "axis 1"; "-3 to 2" ]
      "gather by other shapes",
      run (fun () -> Tensor.gather 1 (indices [ 3; 1 ] [ 0; 1; 2 ]) x23),
      [ "gather: "; "(3, 1)"; "(2, 3)" ]
      "scatterAdd",
      run (fun () -> Tensor.scatterAdd 0 2 (indices [ 3 ] [ 0; 1; 2 ]) x3),
      [ "scatterAdd: "; "2"; "length 2"; "-2 to 1" ]
      "scatterAdd to a negative length",
      run (fun () -> Tensor.scatterAdd 0 -1 (indices [ 3 ] [ 0; 1; 2 ]) x3),
      [ "scatterAdd: "; "-1" ]
      "oneHot of floats", run (fun () -> Tensor.oneHot 3 x3), [ "oneHot: "; "float64"; "int32 or int64" ]
      "oneHot of negative classes", run (fun () -> Tensor.oneHot -1 ints), [ "oneHot: "; "-1" ]

      "conv2d channels",
      run (fun () -> Tensor.conv2d 1 0 (normal 1 [| 4; 2; 3; 3 |]) image),
      [ "conv2d: "; "(2, 3, 8, 8)"; "3 channels"; "(4, 2, 3, 3)"; "2" ]
      "conv2d rank",
      run (fun () -> Tensor.conv2d 1 0 (normal 1 [| 3; 3 |]) image),
      [ "conv2d: "; "(3, 3)"; "(filters, channels, height, width)" ]
      "conv2d of a large filter",
      run (fun () -> Tensor.conv2d 1 0 (normal 1 [| 1; 3; 9; 9 |]) image),
      [ "conv2d: "; "9 x 9"; "8 x 8"; "padding" ]
      "conv2d stride", run (fun () -> Tensor.conv2d 0 0 (normal 1 [| 1; 3; 3; 3 |]) image), [ "conv2d: "; "stride" ]
      "conv2d of integers",
      run (fun () -> Tensor.conv2d 1 0 (normal 1 [| 1; 3; 3; 3 |]) (Tensor.cast DType.Int32 image)),
      [ "conv2d: "; "int32"; "To" ]
      "maxPool2d rank",
      run (fun () -> Tensor.maxPool2d 2 2 x23),
      [ "maxPool2d: "; "(2, 3)"; "(batch, channels, height, width)" ]
      "maxPool2d window", run (fun () -> Tensor.maxPool2d 9 1 image), [ "maxPool2d: "; "9 x 9"; "8 x 8" ]
      "conv2d groups",
      run (fun () -> image.Conv2D(normal 1 [| 4; 2; 3; 3 |], groups = 2)),
      [ "conv2d: "; "(2, 3, 8, 8)"; "3 channels"; "(4, 2, 3, 3)"; "2 for each of 2 groups" ]
      "conv2d filters in groups",
      run (fun () -> image.Conv2D(normal 1 [| 4; 1; 3; 3 |], groups = 3)),
      [ "conv2d: "; "4 filters"; "(4, 1, 3, 3)"; "3 equal groups" ]
      "conv2d without groups",
      run (fun () -> image.Conv2D(normal 1 [| 4; 3; 3; 3 |], groups = 0)),
      [ "conv2d: "; "0 groups" ]
      "conv2d strides",
      run (fun () -> image.Conv2D(normal 1 [| 4; 3; 3; 3 |], struct (1, 2, 3))),
      [ "conv2d: "; "3 numbers of stride"; "2 axes" ]
      "conv2d dilation",
      run (fun () -> image.Conv2D(normal 1 [| 4; 3; 3; 3 |], dilation = 0)),
      [ "conv2d: "; "dilation (0, 0)"; "1" ]
      "conv2d padding",
      run (fun () -> image.Conv2D(normal 1 [| 4; 3; 3; 3 |], padding = -1)),
      [ "conv2d: "; "padding -1"; "0" ]
      "conv1d rank",
      run (fun () -> Tensor.conv1d 1 0 (normal 1 [| 4; 3; 3 |]) image),
      [ "conv1d: "; "(2, 3, 8, 8)"; "(batch, channels, length)"; "(filters, channels, length)" ]
      "conv3d rank",
      run (fun () -> Tensor.conv3d 1 0 image image),
      [ "conv3d: "; "(batch, channels, depth, height, width)" ]
      "convTranspose2d channels",
      run (fun () -> Tensor.convTranspose2d 1 0 (normal 1 [| 4; 3; 3; 3 |]) image),
      [ "convTranspose2d: "; "(2, 3, 8, 8)"; "3 channels"; "(4, 3, 3, 3)"; "4" ]
      "convTranspose2d outputPadding",
      run (fun () -> image.ConvTranspose2D(normal 1 [| 3; 3; 3; 3 |], 2, outputPadding = 2)),
      [ "convTranspose2d: "; "outputPadding of 2"; "stride 2" ]
      "convTranspose2d padding",
      run (fun () -> image.ConvTranspose2D(normal 1 [| 3; 3; 3; 3 |], padding = 5)),
      [ "convTranspose2d: "; "8 x 8"; "3 x 3"; "10"; "padding 5" ]
      "convTranspose2d same",
      run (fun () -> image.ConvTranspose2D(normal 1 [| 3; 3; 3; 3 |], padding = Padding.Same)),
      [ "convTranspose2d: "; "same length"; "numbers" ]
      "maxPool2d window of nothing", run (fun () -> image.MaxPool2D 0), [ "maxPool2d: "; "window (0, 0)"; "1" ]
      "maxPool3d rank", run (fun () -> image.MaxPool3D 2), [ "maxPool3d: "; "(2, 3, 8, 8)"; "depth" ]
      "globalMaxPool rank", run (fun () -> Tensor.globalMaxPool x23), [ "globalMaxPool: "; "(2, 3)"; "channels" ]
      "resize to nothing", run (fun () -> Tensor.resize ResizeMode.Linear [ 0 ] x23), [ "resize: "; "(2, 3)"; "(0)" ]
      "resize of too many axes",
      run (fun () -> Tensor.resize ResizeMode.Linear [ 1; 2; 3 ] x23),
      [ "resize: "; "(2, 3)"; "(1, 2, 3)" ]
      "resize of nothing", run (fun () -> empty.Resize(ResizeMode.Nearest, 2, 2)), [ "resize: "; "(0, 3)"; "empty" ]
      "resize of integers",
      run (fun () -> Tensor.resize ResizeMode.Linear [ 2 ] ints),
      [ "resize: "; "int32"; "nearest" ]
      "averagePool2d padding", run (fun () -> image.AveragePool2D(2, 1, 2)), [ "averagePool2d: "; "padding" ]

      "negative shape", run (fun () -> Tensor.zeros [ 2; -1 ]), [ "Full: "; "(2, -1)"; "negative" ]
      "huge shape", run (fun () -> Tensor.zeros [ 100000; 100000 ]), [ "Full: "; "(100000, 100000)"; "10000000000" ]
      "huge shape of many axes",
      run (fun () -> Tensor.zeros [ 2000000000; 2000000000; 2000000000 ]),
      [ "Full: "; "8000000000000000000000000000" ]
      "huge result",
      run (fun () ->
          let one = Tensor.ones []
          Tensor.broadcastTo [ 2000000000; 1 ] one + Tensor.broadcastTo [ 1; 2000000000 ] one),
      [ "memory: "; "(2000000000, 2000000000)"; "16000000000000000000 bytes"; "parts" ]
      "huge reshape",
      run (fun () -> Tensor.reshape [ 65536; 65536; 65536; 65536 ] x23),
      [ "reshape: "; "18446744073709551616" ]
      "huge memory",
      run (fun () -> Tensor.full DType.Float64 [ 50000; 40000 ] 0.0),
      [ "memory: "; "(50000, 40000)"; "2 GiB" ]
      "values and shape",
      run (fun () -> Tensor.ofArray [ 2; 2 ] [| 1.0; 2.0; 3.0 |]),
      [ "ofArray: "; "3 values"; "(2, 2)"; "4" ]
      "ragged rows", run (fun () -> Tensor.ofRows [ [ 1.0; 2.0 ]; [ 3.0 ] ]), [ "ofRows: "; "2 and 1"; "same number" ]
      "arange", run (fun () -> Tensor.arange 0.0 1.0 0.0), [ "arange: "; "step" ]
      "arange of many", run (fun () -> Tensor.arange 0.0 1e12 1.0), [ "arange: "; "1000000000000 numbers"; "2 GiB" ]
      "arange to NaN", run (fun () -> Tensor.arange 0.0 nan 1.0), [ "arange: "; "NaN" ]
      "identity", run (fun () -> Tensor.eye -1), [ "eye: "; "(-1, -1)"; "negative" ]
      "linspace", run (fun () -> Tensor.linspace 0.0 1.0 -1), [ "linspace: "; "-1" ]
      "value of many", run (fun () -> float x23), [ "ToDouble: "; "(2, 3)"; "one element" ]

      "grad of many", run (fun () -> grad (fun x -> x * x) x3), [ "grad: "; "float64"; "(3)"; "sum it"; "jacrev" ]
      "grad of integers", run (fun () -> grad Tensor.sum ints), [ "grad: "; "int32"; "To" ]
      "grad to integers",
      run (fun () -> grad (fun x -> Tensor.cast DType.Int32 (Tensor.sum x)) x3),
      [ "grad: "; "int32"; "floating-point" ]
      "grad of nothing", run (fun () -> grad (fun (_: string) -> scalar 1.0) "text"), [ "grad: "; "no tensors" ]
      "tangent shape", run (fun () -> jvp sin x3 x4), [ "jvp: "; "tangent"; "(4)"; "(3)" ]
      "tangent type",
      run (fun () -> jvp sin x3 (Tensor.cast DType.Float32 x3)),
      [ "jvp: "; "tangent"; "float32"; "float64" ]
      "tangent count",
      run (fun () -> jvp (fun (xs: Tensor list) -> xs[0]) [ x3; x3 ] [ x3 ]),
      [ "jvp: "; "1 tangent"; "2" ]
      "cotangent shape", run (fun () -> snd (vjp Tensor.sum x3) x3), [ "vjp: "; "cotangent"; "(3)"; "()" ]
      "cotangent type",
      run (fun () -> snd (vjp sin x3) (Tensor.cast DType.Float32 x3)),
      [ "vjp: "; "cotangent"; "float32"; "float64" ]
      "linear tangent", run (fun () -> snd (linearize sin x3) x4), [ "linearize: "; "tangent"; "(4)"; "(3)" ]
      "vector of hvp", run (fun () -> hvp (fun x -> Tensor.sum (x * x)) x3 x4), [ "tangent"; "(4)"; "(3)" ]

      "random integers as floats",
      run (fun () -> key.Uniform([| 2 |], dtype = DType.Int32)),
      [ "Uniform: "; "int32"; "float32 or float64" ]
      "normal integers",
      run (fun () -> key.Normal([| 2 |], dtype = DType.Bool)),
      [ "Normal: "; "bool"; "float32 or float64" ]
      "negative random shape", run (fun () -> key.Normal [| -1 |]), [ "Normal: "; "(-1)"; "negative" ]
      "uniform on nothing",
      run (fun () -> key.Uniform([| 2 |], 3.0, 1.0)),
      [ "Uniform: "; "from 3 to below 1"; "lower" ]
      "uniform to infinity", run (fun () -> key.Uniform([| 2 |], 0.0, infinity)), [ "Uniform: "; "finite" ]
      "standard deviation", run (fun () -> key.Normal([| 2 |], 0.0, -1.0)), [ "Normal: "; "-1"; "0" ]
      "probability", run (fun () -> key.Bernoulli([| 2 |], 1.5)), [ "Bernoulli: "; "1.5"; "0 and 1" ]
      "range of integers", run (fun () -> key.Integers([| 2 |], 3L, 3L)), [ "Integers: "; "3"; "empty" ]
      "negative permutation", run (fun () -> key.Permutation -2), [ "Permutation: "; "-2" ]
      "negative split", run (fun () -> key.Split -2), [ "Split: "; "-2" ]

      "class with tensors", run (fun () -> Tree.leaves (Shapeless())), [ "tree: "; "Shapeless"; "record"; "ITree" ]
      "matrix of tensors",
      run (fun () -> Tree.leaves (Array2D.create 1 1 x3)),
      [ "tree: "; "Tensor[,]"; "array of arrays" ]
      "trees of two sizes", run (fun () -> Tree.map2 (+) [ x3 ] [ x3; x3 ]), [ "Tree.map2: "; "1 and 2" ]
      "tree of other size", run (fun () -> Tree.withLeaves (x3, x3) [| x3 |]), [ "tree: "; "1"; "2" ]
      "matrix from a vector", run (fun () -> x3.ToMatrix()), [ "ToMatrix: "; "(3)" ]
      "vector from a matrix", run (fun () -> x23.ToVector()), [ "ToVector: "; "(2, 3)" ] ]

[<Fact>]
let ``every mistake raises an ArgumentException that names the operation, what it got and the mend`` () =
    areErrors table

[<Fact>]
let ``element types that tensors lack are named with those that they have`` () =
    let error = Assert.Throws<NotSupportedException>(fun () -> Tensor.ofSeq [ 1us ] |> ignore)
    Assert.Contains("UInt16", error.Message)
    Assert.Contains("float, double, Half, BFloat16, int, long, short, sbyte, byte or bool", error.Message)
