/// One table of all primitives of the core, with inputs to try them on. The laws run over it.
module Core.Tests.Primitives

open System
open Autodiff
open Core.Tests.Common
open Core.Tests.Recorder

let private entry name call reference examples =
    { Name = name
      Call = call
      Examples = examples
      Reference = reference
      IsStopped = false
      IsStructured = false
      Wrong = [] }

let private refusing wrong entry = { entry with Wrong = wrong }

// Inputs.

let private shapes = [ [||]; [| 1 |]; [| 7 |]; [| 0 |]; [| 3; 5 |]; [| 2; 3; 4 |]; [| 33; 40 |] ]

let private pairs: (int[] * int[]) list =
    [ [||], [||]
      [||], [| 3 |]
      [| 3 |], [| 3 |]
      [| 2; 3 |], [| 3 |]
      [| 2; 1 |], [| 1; 3 |]
      [| 3 |], [| 4; 1; 3 |]
      [| 4; 1; 3 |], [| 2; 1 |]
      [| 0; 3 |], [| 3 |]
      [| 33; 40 |], [| 40 |]
      [| 33; 1 |], [| 33; 40 |] ]

/// Numbers that keep their distance from each other, from 0 and from each other's grid when shifted by 0.05.
let distinct (seed: int) (shift: float) (shape: int[]) : Tensor =
    let n = int (Shape.size shape)
    let order = (Key seed).Permutation n |> Tensor.toArray<float>
    Tensor.ofArray shape (order |> Array.map (fun i -> (i - float (n / 2)) * 0.1 + 0.025 + shift))

/// Numbers away from the integers and the halves.
let private offGrid seed (shape: int[]) : Tensor =
    let n = int (Shape.size shape)
    let halves = (Key seed).Integers(shape, -8L, 8L) |> floats
    Tensor.ofArray
        shape
        (Array.map2 (fun h (u: float) -> h * 0.5 + u) halves (floats (uniform (seed + 1) 0.1 0.4 [| n |])))

let private truths seed (shape: int[]) = (Key seed).Bernoulli(shape, 0.5)
let private integers seed (shape: int[]) = (Key seed).Integers(shape, -4L, 5L)
let private bools: Tensor = Tensor.ofArray [ 2 ] [| true; false |]

// Functions of each element.

let private unary name (call: Tensor -> Tensor) (reference: float -> float) (draw: int[] -> Tensor) =
    entry
        name
        (fun xs -> call xs[0])
        (Some(Reference.elementwise1 reference))
        (shapes |> List.map (fun s -> [| draw s |]))
    |> refusing [ [| bools |] ]

let private unaries =
    let between = uniform 11

    [ unary "negate" (~-) (~-) (between -2.0 2.0)
      unary "abs" abs abs (distinct 12 0.0)
      unary "sign" Tensor.Signum (fun x -> float (sign x)) (distinct 12 0.0)
      unary "reciprocal" Tensor.Reciprocal (fun x -> 1.0 / x) (between 0.5 2.0)
      unary "square" square (fun x -> x * x) (between -2.0 2.0)
      unary "sqrt" sqrt sqrt (between 0.5 3.0)
      unary "rsqrt" Tensor.Rsqrt (fun x -> 1.0 / sqrt x) (between 0.5 3.0)
      unary "exp" exp exp (between -2.0 2.0)
      unary "expm1" Tensor.Expm1 (fun x -> if abs x < 1e-5 then x + x * x / 2.0 else exp x - 1.0) (between -2.0 2.0)
      unary "log" log log (between 0.5 3.0)
      unary "log1p" Tensor.Log1p (fun x -> log (1.0 + x)) (between -0.5 2.0)
      unary "sin" sin sin (between -3.0 3.0)
      unary "cos" cos cos (between -3.0 3.0)
      unary "tan" tan tan (between -1.0 1.0)
      unary "asin" asin asin (between -0.8 0.8)
      unary "acos" acos acos (between -0.8 0.8)
      unary "atan" atan atan (between -3.0 3.0)
      unary "sinh" sinh sinh (between -2.0 2.0)
      unary "cosh" cosh cosh (between -2.0 2.0)
      unary "tanh" tanh tanh (between -2.0 2.0)
      unary "sigmoid" sigmoid (fun x -> 1.0 / (1.0 + exp -x)) (between -4.0 4.0)
      unary "relu" relu (max 0.0) (distinct 13 0.0)
      unary "softplus" softplus (fun x -> log (1.0 + exp x)) (between -4.0 4.0)
      unary "erf" erf Reference.erf (between -2.0 2.0)
      unary "cbrt" cbrt Math.Cbrt (between 0.5 3.0)
      unary "asinh" asinh Math.Asinh (between -3.0 3.0)
      unary "acosh" acosh Math.Acosh (between 1.5 4.0)
      unary "atanh" atanh Math.Atanh (between -0.7 0.7)
      unary "erfc" erfc (fun x -> 1.0 - Reference.erf x) (between -2.0 2.0)
      unary "erfinv" erfinv Reference.erfinv (between -0.8 0.8)
      unary "erfcinv" erfcinv (fun x -> Reference.erfinv (1.0 - x)) (between 0.2 1.8)
      unary "lgamma" lgamma Reference.logGamma (between 1.0 6.0)
      unary "lgamma" lgamma Reference.logGamma (between -2.6 -2.4)
      unary "digamma" digamma Reference.digamma (between 1.0 6.0)
      unary "digamma" digamma Reference.digamma (between -2.6 -2.4)
      unary "polygamma" (polygamma 1) (Reference.polygamma 1.0) (between 1.2 4.0)
      unary "polygamma" (polygamma 2) (Reference.polygamma 2.0) (between 1.5 4.0)
      unary "polygamma" (polygamma 3) (Reference.polygamma 3.0) (between 2.0 4.0)
      unary "floor" floor floor (offGrid 14)
      unary "ceiling" ceil ceil (offGrid 14)
      unary "round" round round (offGrid 14)
      unary "truncate" truncate truncate (offGrid 14)
      { unary "not" Tensor.Not (fun x -> 1.0 - x) (truths 15) with
          Wrong = [ [| scalar 1.0 |] ] } ]

// Functions of two elements.

let private binary name (call: Tensor * Tensor -> Tensor) (reference: float -> float -> float) drawX drawY =
    entry
        name
        (fun xs -> call (xs[0], xs[1]))
        (Some(Reference.elementwise2 reference))
        (pairs |> List.map (fun (s, t) -> [| drawX s; drawY t |]))
    |> refusing
        [ [| normal 1 [| 2; 3 |]; normal 2 [| 4 |] |]
          [| normal 1 [| 2; 3 |]; normal 2 [| 3; 3 |] |]
          [| normal 1 [| 2 |]; integers 2 [| 2 |] |] ]

let private truth f = fun (x: float) (y: float) -> if f x y then 1.0 else 0.0

let private binaries =
    let between = uniform 21
    let other = uniform 22
    let any = between -2.0 2.0, other -2.0 2.0
    let apart = distinct 23 0.0, distinct 24 0.05
    let whole s = Tensor.cast DType.Float64 (integers 25 s)
    let wholes = whole, (fun s -> Tensor.cast DType.Float64 (integers 26 s))
    let row name call reference (x, y) = binary name call reference x y

    let bitwise name call (reference: int -> int -> int) =
        let f x y = float (reference (int x) (int y))
        let onInts = row name call f (integers 27, integers 28)
        let onBools = row name call f (truths 27, truths 28)

        { onInts with
            Examples = onInts.Examples @ onBools.Examples
            Wrong = [ [| normal 1 [| 2 |]; normal 1 [| 2 |] |] ] }

    // Quotients away from whole numbers: (k + 1/2) d / d.
    let offSteps =
        (fun s -> offGrid 30 s * 0.3 + 20.0),
        (fun (s: int[]) -> Tensor.BroadcastTo(scalar 16.0, s) + uniform 31 -0.5 0.5 s)

    let shifted name (call: Tensor -> Tensor -> Tensor) reference =
        let small s = (Key 33).Integers(s, 0L, 9L)

        { row name (fun (x, y) -> call x y) (fun x y -> float (reference (int64 x) (int y))) (integers 34, small) with
            Wrong = [ [| normal 1 [| 2 |]; normal 1 [| 2 |] |]; [| bools; bools |] ] }

    let compared name call reference =
        let floats = row name call (truth reference) wholes
        let ints = row name call (truth reference) (integers 25, integers 26)
        let bools = row name call (truth reference) (truths 25, truths 26)
        { floats with Examples = floats.Examples @ ints.Examples @ bools.Examples }

    [ row "add" (fun (x, y) -> x + y) (+) any
      row "subtract" (fun (x, y) -> x - y) (-) any
      row "multiply" (fun (x, y) -> x * y) (*) any
      row "divide" (fun (x, y) -> x / y) (/) (between -2.0 2.0, other 0.5 2.0)
      row "power" (fun (x, y) -> x ** y) ( ** ) (between 0.5 2.0, other -2.0 2.0)
      row "maximum" Tensor.Maximum max apart
      row "minimum" Tensor.Minimum min apart
      row "atan2" Tensor.Atan2 (fun y x -> Math.Atan2(y, x)) (between 0.5 2.0, other -2.0 2.0)
      row "sigmoidGradient" Tensor.SigmoidGradient (fun ct y -> ct * y * (1.0 - y)) any
      row "tanhGradient" Tensor.TanhGradient (fun ct y -> ct * (1.0 - y * y)) any
      row
          "reluGradient"
          Tensor.ReluGradient
          (fun ct y -> if y > 0.0 then ct else 0.0)
          (between -2.0 2.0, distinct 29 0.0)
      row "hypot" (fun (x, y) -> hypot x y) (fun x y -> sqrt (x * x + y * y)) (between 0.5 2.0, other -2.0 2.0)
      row "logAddExp" (fun (x, y) -> logAddExp x y) (fun x y -> log (exp x + exp y)) any
      row "copySign" (fun (x, y) -> copySign x y) (fun x y -> Math.CopySign(x, y)) apart
      row "remainder" (fun (x, y) -> remainder x y) (fun x y -> x - y * floor (x / y)) offSteps
      row "floorDivide" (fun (x, y) -> floorDivide x y) (fun x y -> floor (x / y)) offSteps
      shifted "leftShift" leftShift (fun x y -> x <<< y)
      shifted "rightShift" rightShift (fun x y -> x >>> y)
      bitwise "and" Tensor.And (&&&)
      bitwise "or" Tensor.Or (|||)
      bitwise "xor" Tensor.Xor (^^^)
      compared "equal" Tensor.EqualTo (=)
      compared "notEqual" Tensor.NotEqualTo (<>)
      compared "less" Tensor.Less (<)
      compared "lessOrEqual" Tensor.LessOrEqual (<=)
      compared "greater" Tensor.Greater (>)
      compared "greaterOrEqual" Tensor.GreaterOrEqual (>=) ]

// Structure. Each row of the parameters of a primitive becomes an entry of its own, under the same name.

let private structural =
    let x shape = normal 31 (List.toArray shape)
    let one name call reference (examples: int list list) =
        entry name (fun xs -> call xs[0]) (Some reference) [ for s in examples -> [| x s |] ]

    let broadcasts =
        [ for target, sources in
              [ [ 4 ], [ []; [ 1 ] ]
                [ 2; 3 ], [ []; [ 3 ]; [ 2; 1 ]; [ 1; 3 ] ]
                [ 4; 2; 3 ], [ [ 2; 3 ]; [ 4; 1; 1 ]; [ 1; 3 ]; [] ]
                [ 0; 3 ], [ [ 3 ]; [ 1; 1 ] ]
                [ 33; 40 ], [ [ 40 ]; [ 33; 1 ] ] ] do
              for source in sources -> target, source ]

    [ for target, source in broadcasts do
          one
              "broadcastTo"
              (fun x -> Tensor.BroadcastTo(x, List.toArray target))
              (Reference.broadcastTo target)
              [ source ]
          |> refusing [ [| x [ 5; 7 ] |]; [| x [ 9; 9; 9; 9 ] |] ]

          one "sumTo" (fun x -> Tensor.SumTo(x, List.toArray source)) (Reference.sumTo source) [ target ]
          |> refusing (if List.exists (fun n -> n > 1) source then [ [| x [ 5; 7 ] |]; [| x [] |] ] else [])

      for target, resolved, sources in
          [ [ 6 ], [ 6 ], [ [ 2; 3 ]; [ 6; 1 ] ]
            [ 3; -1 ], [ 3; 2 ], [ [ 2; 3 ]; [ 6 ] ]
            [], [], [ [ 1 ]; [ 1; 1 ] ]
            [ 1; 1 ], [ 1; 1 ], [ []; [ 1 ] ]
            [ 0; 2 ], [ 0; 2 ], [ [ 0 ]; [ 3; 0 ] ] ] do
          ignore resolved

          one "reshape" (fun x -> Tensor.Reshaped(x, List.toArray target)) (fun xs -> floats xs[0]) sources
          |> refusing [ [| x [ 5; 7 ] |] ]

      for order in [ [ 1; 0 ]; [ 2; 0; 1 ]; [ 0; 2; 1 ]; [ 3; 1; 0; 2 ] ] do
          let shapes =
              [ [ 2; 3; 4; 5 ][.. order.Length - 1]
                [ 1; 0; 3; 2 ][.. order.Length - 1]
                [ 35; 33; 2; 1 ][.. order.Length - 1] ]

          one "transpose" (Structural.permute (List.toArray order)) (Reference.transpose order) shapes
          |> refusing [ [| x [ 5 ] |] ]

      for starts, lengths, steps, whole in
          [ [ 1 ], [ 3 ], [ 2 ], [ 7 ]
            [ 0; 2 ], [ 2; 1 ], [ 1; 1 ], [ 3; 5 ]
            [ 1; 0; 1 ], [ 1; 3; 2 ], [ 1; 1; 2 ], [ 2; 3; 4 ]
            [ 1; 1 ], [ 0; 2 ], [ 1; 1 ], [ 3; 4 ]
            [ 1; 3 ], [ 16; 30 ], [ 2; 1 ], [ 33; 40 ] ] do
          let a, b, c = List.toArray starts, List.toArray lengths, List.toArray steps

          one "slice" (Structural.slice a b c) (Reference.slice starts lengths steps) [ whole ]
          |> refusing [ [| x [ 2; 2; 2; 2 ] |]; [| x (List.replicate starts.Length 1) |] ]

          one "place" (Structural.place (List.toArray whole) a c) (Reference.place whole starts steps) [ lengths ]
          |> refusing [ [| x (List.replicate starts.Length 41) |]; [| x [ 1; 1; 1; 1 ] |] ]

      for axes, shape in [ [ 0 ], [ 5 ]; [ 1 ], [ 2; 3; 4 ]; [ 0; 2 ], [ 2; 3; 4 ]; [ 0 ], [ 33; 40 ]; [ 1 ], [ 0; 3 ] ] do
          one "flip" (fun x -> Tensor.Flipped(x, List.toArray axes)) (Reference.flip axes) [ shape ]

      for axis, parts in
          [ 0, [ [ 2 ]; [ 3 ] ]
            0, [ [ 1; 3 ]; [ 2; 3 ]; [ 0; 3 ] ]
            1, [ [ 2; 1; 4 ]; [ 2; 2; 4 ]; [ 2; 3; 4 ] ]
            1, [ [ 33; 20 ]; [ 33; 25 ] ] ] do
          let inputs = parts |> List.mapi (fun i s -> normal (32 + i) (List.toArray s)) |> List.toArray

          entry "concat" (Structural.concat axis) (Some(Reference.concat axis)) [ inputs ]
          |> refusing
              [ [| x [ 2; 3; 4 ]; x [ 3; 2; 5 ] |]
                [| x [ 2; 3; 4 ]; x [ 2; 3 ] |]
                [| x [ 2; 3 ]; Tensor.cast DType.Float32 (x [ 2; 3 ]) |] ]

      entry
          "where"
          (fun xs -> Tensor.Where(xs[0], xs[1], xs[2]))
          (Some Reference.where)
          [ for s, t, u in
                [ [||], [||], [||]
                  [| 3 |], [| 3 |], [| 3 |]
                  [| 2; 3 |], [||], [| 3 |]
                  [| 2; 1 |], [| 1; 3 |], [| 2; 3 |]
                  [| 3 |], [| 2; 1; 1 |], [| 4; 1 |]
                  [| 0; 3 |], [| 3 |], [||]
                  [| 33; 40 |], [| 40 |], [| 33; 1 |] ] -> [| truths 35 s; normal 36 t; normal 37 u |] ]
      |> refusing [ [| truths 1 [| 2 |]; x [ 3 ]; x [ 3 ] |]; [| truths 1 [| 2 |]; x [ 3 ]; x [ 4 ] |] ]

      for dtype, round in
          [ DType.Float32, (fun (v: float) -> float (float32 v))
            DType.Int32, truncate
            DType.Int64, truncate
            DType.Bool, (fun v -> if v = 0.0 then 0.0 else 1.0) ] do
          one "cast" (Tensor.cast dtype) (Reference.elementwise1 round) [ []; [ 3; 5 ]; [ 33; 40 ] ]

      entry
          "cast"
          (fun xs -> Tensor.cast DType.Float64 xs[0])
          (Some(Reference.elementwise1 id))
          [ [| Tensor.cast DType.Float32 (x [ 7 ]) |] ]

      { one "stopGradient" Tensor.StopGradient (fun xs -> floats xs[0]) [ []; [ 2; 3 ] ] with
          IsStopped = true } ]

// Reductions.

let private reductions =
    let shapes =
        [ [ 0 ], [ 7 ]
          [ 0 ], [ 3; 5 ]
          [ 1 ], [ 3; 5 ]
          [ 0; 1 ], [ 3; 5 ]
          [ 0; 2 ], [ 2; 3; 4 ]
          [ 1 ], [ 33; 40; 1 ]
          [ 0 ], [ 2; 0 ] ]

    let over name call draw combine =
        [ for axes, shape in shapes do
              entry
                  name
                  (fun xs -> call (List.toArray axes) true xs[0])
                  (Some(Reference.reduce axes combine))
                  [ [| draw (List.toArray shape) |] ] ]

    let extreme name call combine =
        over name call (distinct 41 0.0) combine
        |> List.filter (fun e -> (List.head e.Examples |> Array.head).Size > 0)
        |> List.map (fun e ->
            e |> refusing [ [| normal 1 (Array.map (fun _ -> 0) (List.head e.Examples |> Array.head).Shape) |] ])

    let best name call isBetter =
        [ for axis, shape in [ 0, [ 7 ]; 0, [ 3; 5 ]; 1, [ 3; 5 ]; 1, [ 2; 3; 4 ]; 0, [ 33; 40 ] ] do
              for draw in [ distinct 42 0.0; integers 42 ] do
                  entry
                      name
                      (fun xs -> call axis xs[0])
                      (Some(Reference.argBest axis isBetter))
                      [ [| draw (List.toArray shape) |] ]
                  |> refusing [ [| normal 1 (Array.zeroCreate shape.Length) |] ] ]

    [ yield! extreme "max" Reductions.maxOver List.max
      yield! extreme "min" Reductions.minOver List.min
      yield! over "any" Reductions.anyOver (truths 43) (List.exists ((<>) 0.0) >> fun b -> if b then 1.0 else 0.0)
      yield! over "all" Reductions.allOver (truths 43) (List.forall ((<>) 0.0) >> fun b -> if b then 1.0 else 0.0)
      yield! over "prod" Cumulative.prodOver (uniform 46 -1.5 1.5) (List.fold (*) 1.0)
      yield! over "prod" Cumulative.prodOver (integers 47) (List.fold (*) 1.0) |> List.map (refusing [ [| bools |] ])
      yield!
          over "prod" Cumulative.prodOver (fun s -> Tensor.cast DType.Float64 (integers 47 s)) (List.fold (*) 1.0)
          |> List.filter (fun e -> e.Examples.Head[0].Size < 100)
      yield! best "argmax" Reductions.argmax (>)
      yield! best "argmin" Reductions.argmin (<) ]

// Operations that run along an axis.

let private running =
    let lines =
        [ 0, [| 7 |]
          0, [| 1 |]
          0, [| 3; 5 |]
          1, [| 3; 5 |]
          1, [| 2; 4; 3 |]
          1, [| 33; 40 |]
          0, [| 3; 70 |]
          0, [| 0; 3 |]
          1, [| 3; 0 |] ]
    [ for axis, shape in lines do
          let cumulative name call f draw = entry name call (Some(Reference.alongAxis axis f)) [ [| draw shape |] ]
          let x seed = normal seed shape
          cumulative
              "cumsum"
              (fun xs -> Cumulative.cumsum axis false xs[0])
              (Array.scan (+) 0.0 >> Array.tail)
              (normal 71)
          |> refusing [ [| bools |] ]
          cumulative
              "cumsum"
              (fun xs -> Cumulative.cumsum axis false xs[0])
              (Array.scan (+) 0.0 >> Array.tail)
              (integers 71)

          cumulative
              "cumsum"
              (fun xs -> Cumulative.cumsum axis true xs[0])
              (fun v -> Array.init v.Length (fun i -> Array.sum v[i..]))
              (normal 72)

          cumulative
              "cumargmax"
              (fun xs -> Cumulative.cummax axis xs[0])
              (fun v ->
                  Array.init v.Length (fun i -> let best = Array.max v[..i] in float (Array.findIndex ((=) best) v)))
              (integers 73)

          entry
              "linearRecurrence"
              (fun xs -> Cumulative.linearRecurrence axis false xs[0] xs[1])
              (Some(Reference.linearRecurrence axis))
              [ [| x 74; x 75 |] ]
          |> refusing [ [| x 1; normal 1 [| 9; 9 |] |]; [| x 1; Tensor.cast DType.Float32 (x 1) |]; [| bools; bools |] ]

          entry
              "linearRecurrence"
              (fun xs -> Cumulative.linearRecurrence axis true xs[0] xs[1])
              (Some(Reference.linearRecurrenceBack axis))
              [ [| x 76; x 77 |] ]

          for descending in [ false; true ] do
              for draw in [ integers 78; distinct 79 0.0 ] do
                  entry
                      "argsort"
                      (fun xs -> Sorting.argsort axis descending xs[0])
                      (Some(Reference.argsort axis descending))
                      [ [| draw shape |] ]

      for rows, values in [ [ 5 ], [ 4 ]; [ 3; 7 ], [ 3; 2 ]; [ 2; 2; 6 ], [ 2; 2; 3 ]; [ 0 ], [ 3 ]; [ 50 ], [ 40 ] ] do
          for after in [ false; true ] do
              let sorted = Sorting.sort -1 false (integers 80 (List.toArray rows))

              entry
                  "searchsorted"
                  (fun xs -> Sorting.searchSorted after xs[0] xs[1])
                  (Some(Reference.searchSorted after))
                  [ [| sorted; integers 81 (List.toArray values) |] ]
              |> refusing [ [| sorted; normal 1 [| 2; 2; 9; 9 |] |]; [| sorted; Tensor.cast DType.Float32 sorted |] ]

      for axis, n, at in
          [ 0, 4, indices [ 3 ] [ 3; 0; 3 ]
            1, 5, indices [ 2; 3 ] [ 0; -1; 0; 2; 2; 4 ]
            0, 3, Tensor.cast DType.Int64 (indices [ 4; 2 ] [ 0; 1; 2; 2; -3; 1; 0; 0 ]) ] do
          let x = normal 82 (Array.updateAt axis n at.Shape)

          entry
              "lastWriters"
              (fun xs -> Indexing.scatter axis xs[0] (scalar 1.0) x)
              (Some(Reference.lastWriters axis n))
              [ [| at |] ]
          |> refusing [ [| x |] ] ]

let private softmaxes =
    let draws = [ [| 1 |]; [| 7 |]; [| 3; 5 |]; [| 2; 3; 4 |]; [| 0; 3 |]; [| 33; 40 |] ]
    let exps (x: float[]) = let largest = Array.max x in x |> Array.map (fun v -> exp (v - largest))
    let softmax x = let e = exps x in e |> Array.map (fun v -> v / Array.sum e)
    let row name call f examples = entry name call (Some(Reference.byRow f)) examples
    let one = [ for s in draws -> [| normal 44 s |] ]
    let two = [ for s in draws -> [| normal 44 s; normal 45 s |] ]
    let pull f (xs: Tensor[]) = snd (vjp f xs[0]) xs[1]

    [ row "softmax" (fun xs -> Reductions.softmax -1 xs[0]) (fun r -> softmax r[0]) one
      row "logSoftmax" (fun xs -> Reductions.logSoftmax -1 xs[0]) (fun r -> softmax r[0] |> Array.map log) one
      row
          "softmaxGradient"
          (pull (Reductions.softmax -1))
          (fun r -> let s = Array.sum (Array.map2 (*) r[0] r[1]) in Array.map2 (fun y ct -> y * (ct - s)) r[0] r[1])
          two
      row
          "logSoftmaxGradient"
          (pull (Reductions.logSoftmax -1))
          (fun r -> let s = Array.sum r[1] in Array.map2 (fun y ct -> ct - exp y * s) r[0] r[1])
          two ]

// Products, selection, images.

let private products =
    [ for s, t in
          [ [ 2; 3 ], [ 3; 4 ]
            [ 1; 1 ], [ 1; 1 ]
            [ 4; 3 ], [ 3; 1 ]
            [ 5; 2; 3 ], [ 3; 4 ]
            [ 2; 3 ], [ 5; 3; 1 ]
            [ 2; 1; 2; 3 ], [ 4; 3; 2 ]
            [ 0; 3 ], [ 3; 2 ]
            [ 2; 0 ], [ 0; 3 ]
            [ 20; 33 ], [ 33; 25 ] ] do
          entry
              "matmul"
              (fun xs -> LinearAlgebra.matmul xs[0] xs[1])
              (Some Reference.matmul)
              [ [| normal 51 (List.toArray s); normal 52 (List.toArray t) |] ]
          |> refusing
              [ [| normal 1 [| 2; 3 |]; normal 2 [| 2; 3 |] |]
                [| normal 1 [| 3 |]; normal 2 [| 3; 3 |] |]
                [| normal 1 [| 2; 3; 3 |]; normal 2 [| 3; 3; 3 |] |]
                [| normal 1 [| 2; 2 |]; Tensor.cast DType.Float32 (normal 2 [| 2; 2 |]) |] ] ]

let private selections =
    let x shape = normal 53 (List.toArray shape)
    let long (t: Tensor) = Tensor.cast DType.Int64 t
    let bad = x [ 2 ]

    [ for axis, shape, at in
          [ 0, [ 4 ], indices [ 3 ] [ 3; 0; 3 ]
            0, [ 4; 3 ], indices [ 2; 2 ] [ 1; -1; 1; 0 ]
            1, [ 2; 5; 3 ], long (indices [ 4 ] [ 0; 4; -5; 0 ])
            1, [ 2; 5 ], indices [] [ 2 ]
            0, [ 4; 3 ], indices [ 0 ] [] ] do
          let n = shape[axis]
          let taken = List.take axis shape @ List.ofArray at.Shape @ List.skip (axis + 1) shape

          entry "take" (fun xs -> Indexing.take axis xs[1] xs[0]) (Some(Reference.take axis)) [ [| x shape; at |] ]
          |> refusing [ [| x shape; bad |] ]
          entry
              "takeAdd"
              (fun xs -> snd (vjp (Indexing.take axis xs[1]) (x shape)) xs[0])
              (Some(Reference.takeAdd axis n))
              [ [| x taken; at |] ]
          |> refusing [ [| x taken; bad |] ]

      for axis, shape, at in
          [ 0, [ 4 ], indices [ 3 ] [ 3; 0; 3 ]
            1, [ 2; 5 ], indices [ 2; 3 ] [ 0; -1; 0; 2; 2; 4 ]
            0, [ 3; 2 ], long (indices [ 4; 2 ] [ 0; 1; 2; 2; -3; 1; 0; 0 ])
            1, [ 2; 3; 2 ], indices [ 2; 1; 2 ] [ 2; 1; 0; 2 ] ] do
          let n = shape[axis]

          entry
              "gather"
              (fun xs -> Indexing.gather axis xs[1] xs[0])
              (Some(Reference.gather axis))
              [ [| x shape; at |] ]
          |> refusing [ [| x shape; Tensor.cast DType.Float64 at |]; [| x (9 :: shape); at |] ]

          entry
              "scatterAdd"
              (fun xs -> Indexing.scatterAdd axis n xs[1] xs[0])
              (Some(Reference.scatterAdd axis n))
              [ [| x (List.ofArray at.Shape); at |] ]
          |> refusing [ [| x shape; Tensor.cast DType.Float64 at |]; [| x (9 :: shape); at |] ]

      for dtype in [ DType.Float64; DType.Float32; DType.Int64 ] do
          entry
              "oneHot"
              (fun xs -> Indexing.oneHot 4 dtype xs[0])
              (Some(Reference.oneHot 4))
              [ [| indices [ 2; 2 ] [ 0; 3; 4; 1 ] |]; [| long (indices [] [ 2 ]) |] ]
          |> refusing [ [| bad |] ] ]

let private axis stride before after dilation : Reference.Axis =
    { Stride = stride; Before = before; After = after; Dilation = dilation }

let private even stride pad dilation = axis stride pad pad dilation

/// The numbers of axes as operations take them.
let private strideOf (axes: Reference.Axis list) = PerAxis [| for a in axes -> a.Stride |]
let private dilationOf (axes: Reference.Axis list) = PerAxis [| for a in axes -> a.Dilation |]
let private paddingOf (axes: Reference.Axis list) = Padding.Pairs [| for a in axes -> struct (a.Before, a.After) |]

let private convolutions =
    [ for image, filters, axes, groups in
          [ [ 1; 1; 4; 4 ], [ 1; 1; 3; 3 ], [ even 1 0 1; even 1 0 1 ], 1
            [ 2; 3; 5; 6 ], [ 4; 3; 3; 2 ], [ even 1 1 1; even 1 1 1 ], 1
            [ 2; 2; 7; 8 ], [ 3; 2; 3; 3 ], [ even 2 1 1; axis 2 0 1 1 ], 1
            [ 1; 2; 8; 7 ], [ 2; 2; 2; 3 ], [ even 3 2 2; even 2 2 1 ], 1
            [ 2; 3; 4; 4 ], [ 5; 3; 1; 1 ], [ even 1 0 1; even 1 0 1 ], 1
            [ 2; 4; 5; 4 ], [ 6; 2; 3; 2 ], [ even 1 1 1; axis 2 1 0 1 ], 2
            [ 2; 3; 4; 5 ], [ 3; 1; 3; 3 ], [ even 1 1 1; even 1 1 1 ], 3
            [ 1; 2; 6; 5 ], [ 4; 1; 2; 3 ], [ even 2 1 1; even 1 1 2 ], 2
            [ 2; 2; 9 ], [ 3; 2; 3 ], [ axis 2 2 1 1 ], 1
            [ 1; 4; 7 ], [ 4; 2; 2 ], [ even 1 1 3 ], 2
            [ 2; 2; 3; 4; 3 ], [ 3; 2; 2; 3; 2 ], [ even 1 1 1; even 2 1 1; axis 1 0 1 1 ], 1
            [ 1; 4; 4; 3; 3 ], [ 4; 2; 3; 2; 1 ], [ axis 2 1 2 1; even 1 0 1; even 2 0 1 ], 2 ] do
          let shape, terms = Reference.convolutionTerms image filters axes groups
          let conv x w =
              Convolution.convolve "conv" axes.Length (strideOf axes) (paddingOf axes) (dilationOf axes) groups x w
          let x, w, ct =
              normal 61 (List.toArray image), normal 62 (List.toArray filters), normal 63 (List.toArray shape)
          let sum target (order: _ -> _) (xs: Tensor[]) =
              Reference.accumulate target (List.map order terms) (Reference.block xs[0]) (Reference.block xs[1])

          entry "conv" (fun xs -> conv xs[0] xs[1]) (Some(sum shape id)) [ [| x; w |] ]

          entry
              "convInputGradient"
              (fun xs -> snd (vjp (fun x -> conv x xs[1]) x) xs[0])
              (Some(sum image (fun (o, i, f) -> i, o, f)))
              [ [| ct; w |] ]

          entry
              "convFilterGradient"
              (fun xs -> snd (vjp (conv xs[0]) w) xs[1])
              (Some(sum filters (fun (o, i, f) -> f, i, o)))
              [ [| x; ct |] ] ]

let private poolings =
    [ for image, kernel, axes in
          [ [ 1; 1; 4; 4 ], [ 2; 2 ], [ even 2 0 1; even 2 0 1 ]
            [ 2; 3; 7; 5 ], [ 3; 3 ], [ even 2 1 1; even 2 1 1 ]
            [ 1; 2; 5; 6 ], [ 3; 2 ], [ even 1 0 1; axis 1 0 1 1 ]
            [ 2; 2; 5; 5 ], [ 2; 2 ], [ even 3 0 1; even 3 0 1 ]
            [ 2; 2; 9 ], [ 3 ], [ axis 2 1 2 1 ]
            [ 1; 2; 4; 5; 3 ], [ 2; 3; 2 ], [ even 2 0 1; even 2 1 1; axis 1 1 0 1 ] ] do
          let found = Reference.windows image kernel axes
          let output = found |> List.map fst |> List.last |> List.map ((+) 1) |> List.toArray
          let x, ct = distinct 64 0.0 (List.toArray image), normal 65 output
          let area = float (List.fold (*) 1 kernel)
          let lengths = List.skip 2 image |> List.toArray
          let window = PerAxis(List.toArray kernel)
          let maxPool x = Pooling.maxPool "maxPool" kernel.Length window (strideOf axes) (paddingOf axes) x
          let averagePool x = Pooling.averagePool "averagePool" kernel.Length window (strideOf axes) (paddingOf axes) x
          let position (at: int list) = int (Reference.offset lengths (List.skip 2 at))
          let chosen =
              let b = Reference.block x
              Tensor.ofArray output [| for _, places in found -> position (List.maxBy (Reference.at b) places) |]
          // The place in the image that an output position chose.
          let place (positions: Reference.Block) (p: int list) =
              let k = int (Reference.at positions p)
              p[0] :: p[1] :: (Reference.positions (List.ofArray lengths) |> Seq.item k)

          let scattered (terms: (int list * int list) list) (source: Reference.Block) factor =
              let data = Array.zeroCreate (List.fold (*) 1 image)
              for into, from in terms do
                  let o = Reference.offset (List.toArray image) into
                  data[o] <- data[o] + factor * Reference.at source from
              data

          entry
              "maxPoolGather"
              (fun xs -> snd (jvp maxPool x xs[0]))
              (Some(fun xs ->
                  let b, k = Reference.block xs[0], Reference.block xs[1] in
                  [| for p, _ in found -> Reference.at b (place k p) |]))
              [ [| x; chosen |] ]

          entry
              "maxPoolScatter"
              (fun xs -> snd (vjp maxPool x) xs[0])
              (Some(fun xs ->
                  let k = Reference.block xs[1] in
                  scattered [ for p, _ in found -> place k p, p ] (Reference.block xs[0]) 1.0))
              [ [| ct; chosen |] ]

          entry
              "averagePool"
              (fun xs -> averagePool xs[0])
              (Some(fun xs ->
                  let b = Reference.block xs[0] in
                  [| for _, places in found -> List.sumBy (Reference.at b) places / area |]))
              [ [| x |] ]

          entry
              "averagePoolTranspose"
              (fun xs -> snd (vjp averagePool x) xs[0])
              (Some(fun xs ->
                  scattered
                      [ for p, places in found do
                            for place in places -> place, p ]
                      (Reference.block xs[0])
                      (1.0 / area)))
              [ [| ct |] ] ]

// Linear algebra, on inputs far from singular.

/// Square matrices with all eigenvalues near a number.
let regular seed (shape: int[]) : Tensor =
    let n = shape[shape.Length - 1]
    normal seed shape * (0.3 / sqrt (float (max 1 n))) + 2.0 * Tensor.cast DType.Float64 (Tensor.eye n)

/// Matrices with the singular (or eigen-) values 2, 4, 6 and so on, turned by reflections.
let spread seed m n : Tensor =
    let reflection seed k =
        let v = normal seed [| k; 1 |]
        Tensor.cast DType.Float64 (Tensor.eye k)
        - Tensor.matmul v (Tensor.transpose v) * (2.0 / (Tensor.sum (v * v)).ToDouble())

    let values =
        Tensor.ofArray
            [ m; n ]
            [| for i in 0 .. m - 1 do
                   for j in 0 .. n - 1 -> if i = j then 2.0 * float (i + 1) else 0.0 |]
    Tensor.matmul (Tensor.matmul (reflection seed m) values) (reflection (seed + 1) n)

/// A symmetric matrix with the eigenvalues 2, 5, 10 and so on, plus an antisymmetric one, which has no effect.
let symmetric seed n : Tensor =
    let q, noise = spread seed n n, normal seed [| n; n |]
    let even = Tensor.matmul (Tensor.transpose q) q
    even * 0.25 + (noise - Tensor.transpose noise) + Tensor.cast DType.Float64 (Tensor.eye n)

let private decompositions =
    let bad = [ [| normal 1 [| 3 |] |]; [| normal 1 [| 2; 3 |] |]; [| integers 1 [| 3; 3 |] |] ]
    let squares =
        [ [| 1; 1 |]; [| 4; 4 |]; [| 2; 3; 3 |]; [| 2; 2; 2; 2 |]; [| 0; 0 |]; [| 2; 0; 0 |]; [| 0; 3; 3 |] ]
    let large = [| 60; 60 |]
    let wide = [ [| normal 1 [| 3 |] |]; [| normal 1 [| 2; 3 |] |]; [| integers 1 [| 3; 3 |] |] ]
    let empty shape = Tensor.ofArray shape Array.empty<float>
    let tall =
        [ spread 81 1 1
          spread 82 3 3
          spread 83 5 3
          spread 84 4 1
          Tensor.stack 0 [ spread 85 4 2; spread 86 4 2 ]
          empty [ 3; 0 ]
          empty [ 0; 3; 2 ] ]
    let symmetrics =
        [ symmetric 87 1
          symmetric 88 3
          Tensor.stack 0 [ symmetric 89 3; symmetric 90 3 ]
          empty [ 0; 0 ]
          empty [ 0; 3; 3 ] ]
    let row name (call: Tensor -> Tensor) (reference: Tensor -> float[]) inputs =
        entry name (fun xs -> call xs[0]) (Some(fun xs -> reference xs[0])) inputs |> refusing bad
    let each (f: float[,] -> float[]) (x: Tensor) = Reference.matrices x |> Array.collect f

    let pairs =
        [ [| 1; 1 |], [| 1; 1 |]
          [| 4; 4 |], [| 4; 1 |]
          [| 4; 4 |], [| 4; 3 |]
          [| 2; 3; 3 |], [| 2; 3; 2 |]
          [| 3; 3 |], [| 2; 3; 2 |]
          [| 2; 1; 3; 3 |], [| 4; 3; 1 |]
          [| 0; 0 |], [| 0; 2 |]
          [| 3; 3 |], [| 3; 0 |]
          large, [| 60; 7 |] ]
        |> List.map (fun (s, t) -> [| regular 71 s; normal 72 t |])

    let wrongPairs =
        [ [| normal 1 [| 2; 3 |]; normal 1 [| 2; 3 |] |]
          [| normal 1 [| 3; 3 |]; normal 1 [| 2; 3 |] |]
          [| normal 1 [| 3; 3 |]; normal 1 [| 3 |] |]
          [| normal 1 [| 2; 3; 3 |]; normal 1 [| 4; 3; 3 |] |]
          [| normal 1 [| 3; 3 |]; Tensor.cast DType.Float32 (normal 1 [| 3; 3 |]) |] ]

    [ entry "solve" (fun xs -> Linalg.solve xs[0] xs[1]) (Some(Reference.solve id)) pairs |> refusing wrongPairs

      // The pullback solves with the transpose.
      for inputs in pairs |> List.filter (fun xs -> xs[1].Rank >= xs[0].Rank && xs[0].Rank < 4) do
          let pull = snd (vjp (Linalg.solve inputs[0]) inputs[1])
          entry "solve" (fun xs -> pull xs[1]) (Some(Reference.solve Reference.transposed)) [ inputs ]
          |> refusing wrongPairs

      for lower in [ true; false ] do
          for transposed in [ true; false ] do
              for unitDiagonal in [ true; false ] do
                  let read (a: float[,]) =
                      let triangle =
                          a
                          |> Array2D.mapi (fun i j v ->
                              if i = j then (if unitDiagonal then 1.0 else v)
                              elif (i > j) = lower then v
                              else 0.0)

                      if transposed then Reference.transposed triangle else triangle

                  entry
                      "triangularSolve"
                      (fun xs -> Linalg.triangularSolve lower transposed unitDiagonal xs[0] xs[1])
                      (Some(Reference.solve read))
                      // With ones on the diagonal, a large triangle is far from orthogonal.
                      (pairs |> List.filter (fun xs -> not unitDiagonal || xs[0].Size < 100))
                  |> refusing wrongPairs

      row "inverse" Linalg.inverse (each Reference.inverse) [ for s in large :: squares -> [| regular 73 s |] ]
      row
          "det"
          Linalg.det
          (each (fun a -> [| Reference.det a |]))
          [ for s in [| 6; 6 |] :: squares -> [| regular 74 s |] ]
      row "det" Linalg.det (each (fun a -> [| Reference.det a |])) [ for n in 1..3 -> [| normal 75 [| n; n |] |] ]

      row
          "slogdet"
          (fun x -> snd (Linalg.slogdet x))
          (each (fun a -> let d = Reference.det a in [| float (sign d); log (abs d) |]))
          [ for s in large :: squares -> [| regular 76 s |] ]

      { row
            "determinantShift"
            (grad (Linalg.det >> Tensor.sum))
            (fun x -> Array.init (3 * x.Size / x.Shape[x.Rank - 1]) (fun i -> if i % 3 = 2 then 1.0 else 0.0))
            [ [| regular 74 [| 4; 4 |] |]; [| regular 74 [| 2; 5; 5 |] |] ] with
          IsStopped = true }

      { row "cholesky" Linalg.cholesky (each Reference.cholesky) [ for s in large :: squares -> [| regular 77 s |] ] with
          IsStructured = true }
      row "qr" (Linalg.qr >> snd) (each Reference.qr) [ for x in tall -> [| x |] ] |> refusing wide
      { row "eigh" (Linalg.eigh >> snd) (fun _ -> [||]) [ for x in symmetrics -> [| x |] ] with
          Reference = None }
      { row "svd" Linalg.singularValues (fun _ -> [||]) [ for x in tall -> [| x |] ] with
          Reference = None }
      |> refusing wide
      row "pinv" Linalg.pinv (each Reference.pinv) [ for x in tall @ List.map Tensor.transpose tall -> [| x |] ]
      |> refusing [ [| normal 1 [| 3 |] |]; [| integers 1 [| 3; 3 |] |] ]
      row "expm" Linalg.expm (each Reference.expm) [ for s in [| 12; 12 |] :: squares -> [| normal 78 s * 0.5 |] ] ]

// Functions with rules of their own; the rules are those of x -> (sum of squares, x sin x).

let private customs =
    let f (x: Tensor) = Tensor.sum (square x), x * sin x
    let pushed (x: Tensor) (xDot: Tensor) = Tensor.sum (2.0 * x * xDot), xDot * (sin x + x * cos x)
    let pulled (x: Tensor) (total: Tensor, each: Tensor) = 2.0 * x * total + each * (sin x + x * cos x)
    let joined (total: Tensor, each: Tensor) = Tensor.concat 0 [ Tensor.flatten total; each ]
    let reference (xs: Tensor[]) =
        let x = floats xs[0] in Array.append [| Array.sumBy (fun v -> v * v) x |] (Array.map (fun v -> v * sin v) x)
    let examples = [ for n in [ 1; 7; 40 ] -> [| uniform 90 -2.0 2.0 [| n |] |] ]

    [ entry "customJvp" (fun xs -> joined (customJvp f (fun x _ xDot -> pushed x xDot) xs[0])) (Some reference) examples
      entry "customVjp" (fun xs -> joined (customVjp f (fun x -> f x, x) pulled xs[0])) (Some reference) examples ]

// Logarithms of sums of exponentials.

let private logSums =
    [ for axes, shape in [ [ 0 ], [ 7 ]; [ 1 ], [ 3; 5 ]; [ 0; 2 ], [ 2; 3; 4 ]; [ 0 ], [ 33; 40 ]; [ 0 ], [ 2; 0 ] ] do
          let x = normal 91 (List.toArray shape)
          let kept = Shape.reduce x.Shape (List.toArray axes) true

          entry
              "logSumExp"
              (fun xs -> Reductions.logSumExpOver (List.toArray axes) true xs[0])
              (Some(Reference.reduce axes (List.sumBy exp >> log)))
              [ [| x |] ]
          |> refusing [ [| normal 1 (Array.map (fun _ -> 0) x.Shape) |]; [| integers 1 x.Shape |] ]

          entry
              "logSumExpWeights"
              (fun xs -> Reductions.logSumExpWeights xs[0] xs[1])
              (Some(Reference.elementwise2 (fun x y -> exp (x - y))))
              [ [| x; normal 92 kept |] ]
          |> refusing [ [| x; normal 1 [| 9; 9; 9 |] |]; [| x; Tensor.cast DType.Float32 (normal 1 kept) |] ] ]

// Parts and neighbours of numbers, and divisors.

let private numberTheory =
    let x, n = uniform 93 0.5 2.0, offGrid 94

    let divisors (a: float) (b: float) =
        let rec euclid (a: int) b = if b = 0 then abs a else euclid b (a % b)
        float (euclid (int a) (int b))

    [ binary "ldexp" (fun (x, y) -> ldexp x y) (fun x y -> x * 2.0 ** truncate y) x n
      binary
          "nextAfter"
          (fun (x, y) -> nextAfter x y)
          (fun x y -> if x < y then Math.BitIncrement x else Math.BitDecrement x)
          x
          n
      { binary "gcd" (fun (x, y) -> gcd x y) divisors (integers 95) (integers 96) with
          Wrong = [ [| normal 1 [| 2 |]; normal 1 [| 2 |] |]; [| bools; bools |] ] } ]

// Complex numbers, as a last axis of length 2.

/// A matrix with the eigenvalues 1, 3, 5 + 2i, 5 - 2i, 8, 11 + 3i, 11 - 3i, as many as fit, in vectors that are not
/// orthogonal.
let general seed n : Tensor =
    let values =
        Tensor.ofArray
            [ n; n ]
            [| for i in 0 .. n - 1 do
                   for j in 0 .. n - 1 ->
                       match i, j with
                       | _ when i = j -> [| 1.0; 3.0; 5.0; 5.0; 8.0; 11.0; 11.0 |][i]
                       | 2, 3 -> 2.0
                       | 3, 2 -> -2.0
                       | 5, 6 -> 3.0
                       | 6, 5 -> -3.0
                       | _ -> 0.0 |]

    let basis = Tensor.cast DType.Float64 (Tensor.eye n) + normal seed [| n; n |] * 0.2
    Tensor.matmul (Tensor.matmul basis values) (Linalg.inverse basis)

let private complex =
    let naive axis inverse scale (xs: Tensor[]) =
        let x = xs[0]
        let values = floats x
        let strides = Shape.rowMajorStrides x.Shape
        let n, step = x.Shape[axis], strides[axis]
        let sign = if inverse then 1.0 else -1.0

        [| for at in 0 .. values.Length / 2 - 1 do
               let k = 2 * at / step % n
               let first = 2 * at - k * step

               let terms =
                   [ for j in 0 .. n - 1 ->
                         Numerics.Complex(values[first + j * step], values[first + j * step + 1])
                         * Numerics.Complex.FromPolarCoordinates(
                             scale,
                             sign * 2.0 * Math.PI * float (j * k % n) / float n
                         ) ]

               let sum = List.fold (fun a b -> a + b) Numerics.Complex.Zero terms
               sum.Real
               sum.Imaginary |]

    let fft axis inverse scale (shape: int[]) =
        entry
            "fft"
            (fun xs -> fst (ComplexPairs.fft axis inverse scale (ComplexPairs.unpack xs[0])))
            (Some(naive axis inverse scale))
            [ [| normal 101 shape |] ]
        |> refusing [ [| normal 1 [| 3 |] |]; [| normal 1 [| 3; 3; 3; 3 |] |]; [| integers 1 shape |] ]

    let eigen =
        List.map (general 103) [ 1; 2; 3; 4; 7 ]
        @ [ Tensor.stack 0 [ general 104 4; general 105 4 ]
            Tensor.ofArray [ 0; 0 ] Array.empty<float>
            Tensor.ofArray [ 0; 3; 3 ] Array.empty<float> ]

    [ fft 0 false 1.0 [| 1; 2 |]
      fft 0 false 1.0 [| 8; 2 |]
      fft 0 true 0.25 [| 7; 2 |]
      fft 1 false 1.0 [| 3; 6; 2 |]
      fft 0 true 1.0 [| 5; 4; 2 |]
      fft 1 false 0.5 [| 2; 37; 3; 2 |]
      fft 1 true 1.0 [| 0; 4; 2 |]
      fft 1 false 1.0 [| 33; 40; 2 |]

      { entry "eig" (fun xs -> fst (fst (Linalg.eig xs[0]))) None [ for x in eigen -> [| x |] ] with
          IsStructured = true }
      |> refusing [ [| normal 1 [| 3 |] |]; [| normal 1 [| 2; 3 |] |]; [| integers 1 [| 3; 3 |] |] ] ]

// Random numbers with parameters, and the gamma distribution.

let private variates =
    let shapes = [ [||]; [| 7 |]; [| 0 |]; [| 3; 5 |]; [| 33; 40 |] ]
    let trials shape = Tensor.zerosLike (normal 1 shape) + 40.0
    let row name call wrong draws =
        entry name call None [ for shape in shapes -> draws |> Array.map (fun draw -> draw shape) ] |> refusing wrong
    let different = [ normal 1 [| 2 |]; normal 1 [| 3 |] ]
    let mixed = [ normal 1 [| 2 |]; Tensor.cast DType.Float32 (normal 1 [| 2 |]) ]
    let level n xs = Variates.gammaLevel n (Array.head xs) (Array.last xs)

    // Shapes are those of the parameters; there is one key.
    let drawn name call wrong draws =
        let key = Draws.number 5L
        row name call [ for xs in wrong -> Array.append [| key |] xs ] (Array.append [| fun _ -> key |] draws)

    [ { drawn
            "randomLogGamma"
            (fun xs -> Variates.logGamma xs[0] xs[1])
            [ [| integers 1 [| 2 |] |] ]
            [| uniform 111 0.2 5.0 |] with
          IsStopped = true }
      drawn
          "randomPoisson"
          (fun xs -> Variates.draw RandomVariate.Poisson xs[0] xs[1..])
          [ [| integers 1 [| 2 |] |] ]
          [| uniform 112 0.5 30.0 |]
      drawn
          "randomBinomial"
          (fun xs -> Variates.draw RandomVariate.Binomial xs[0] xs[1..])
          [ List.toArray different; List.toArray mixed ]
          [| trials; uniform 114 0.1 0.8 |]

      for n in 1..3 do
          row
              "gammaLevel"
              (level n)
              [ List.toArray different; List.toArray mixed ]
              [| uniform 115 0.5 5.0; uniform 116 -1.5 2.2 |]

      row
          "gammaTransport"
          (fun xs -> Variates.gammaTransport xs[0] xs[1] xs[2])
          [ [| normal 1 [| 2 |]; normal 1 [| 2 |]; normal 1 [| 3 |] |] ]
          [| uniform 117 1.0 4.0; uniform 118 1.0 4.0; uniform 119 -0.5 1.5 |] ]

// Keys that are tensors.

let private keys =
    let states shape = (Key 121).Integers(shape, -1000000000000L, 1000000000000L)
    let keyOf (x: Tensor) = Key.OfTensor x

    let drawn (shape: int[]) =
        entry "random" (fun xs -> (keyOf xs[0]).Uniform([| 2; 3 |], dtype = DType.Float64)) None [ [| states shape |] ]
        |> refusing [ [| normal 1 [| 2 |] |] ]

    [ drawn [| 3 |]
      drawn [| 2; 2 |]
      drawn [| 0 |]
      entry "random" (fun xs -> (keyOf xs[0]).Permutation 5) None [ [| states [| 2 |] |] ]
      entry
          "foldIn"
          (fun xs -> ((keyOf xs[0]).FoldIn xs[1]).Tensor)
          None
          [ [| states [| 3 |]; states [| 3 |] |]; [| states [| 2; 1 |]; states [| 3 |] |] ]
      |> refusing [ [| states [| 2 |]; normal 1 [| 2 |] |] ] ]

// The sum of what several tensors are when each is placed into zeros.

let private placements =
    [ for whole, parts in
          [ [ 7 ], [ [ 1 ], [ 3 ], [ 2 ]; [ 0 ], [ 4 ], [ 1 ] ]
            [ 4; 5 ], [ [ 0; 0 ], [ 4; 5 ], [ 1; 1 ]; [ 2; 0 ], [ 1; 5 ], [ 1; 1 ]; [ 0; 3 ], [ 4; 1 ], [ 1; 1 ] ]
            [ 2; 3; 4 ], [ [ 1; 0; 1 ], [ 1; 3; 2 ], [ 1; 1; 2 ]; [ 0; 1; 0 ], [ 2; 2; 3 ], [ 1; 1; 1 ] ]
            [ 3; 4 ], [ [ 1; 1 ], [ 0; 2 ], [ 1; 1 ]; [ 1; 1 ], [ 2; 2 ], [ 1; 2 ] ]
            [ 33; 40 ], [ [ 1; 3 ], [ 16; 30 ], [ 2; 1 ]; [ 0; 0 ], [ 33; 20 ], [ 1; 2 ] ] ] do
          let starts = [| for starts, _, _ in parts -> List.toArray starts |]
          let steps = [| for _, _, steps in parts -> List.toArray steps |]
          let inputs = [| for i, (_, lengths, _) in List.indexed parts -> normal (121 + i) (List.toArray lengths) |]

          let reference (xs: Tensor[]) =
              [ for x, (starts, _, steps) in Seq.zip xs parts -> Reference.place whole starts steps [| x |] ]
              |> List.reduce (Array.map2 (+))

          entry
              "placeAll"
              (fun xs -> Structural.placeAll (List.toArray whole) starts steps xs)
              (Some reference)
              [ inputs ]
          |> refusing
              [ inputs |> Array.map (fun x -> normal 1 (Array.create x.Rank 41))
                Array.updateAt 1 (Tensor.cast DType.Float32 inputs[1]) inputs ] ]

// Means of what truth values select.

let private selectedMeans =
    [ for axes, shape in
          [ [ 0 ], [ 7 ]
            [ 1 ], [ 3; 5 ]
            [ 0 ], [ 9; 21 ]
            [ 1 ], [ 2; 5; 3 ]
            [ 0; 2 ], [ 3; 4; 6 ]
            [ 1; 2 ], [ 2; 3; 4 ]
            [ 1 ], [ 3; 70 ] ] do
          let x = normal 131 (List.toArray shape)
          let kept = List.mapi (fun i n -> if List.contains i axes then 1 else n) shape
          let ct = normal 132 (List.toArray kept)
          let collapse p = List.mapi (fun i v -> if List.contains i axes then 0 else v) p
          let chosen = truths 133 (List.toArray shape) |> floats |> Array.map ((<>) 0.0)

          // Of each line at least the first element.
          let isSelected =
              Reference.positions shape |> List.mapi (fun i p -> collapse p = p || chosen[i]) |> List.toArray

          let selected: Tensor = Tensor.ofArray (List.toArray shape) isSelected
          let lines = Reference.positions shape |> List.indexed |> List.filter (fun (i, _) -> isSelected[i])
          let line p = lines |> List.filter (fun (_, q) -> collapse q = collapse p)

          entry
              "selectedMean"
              (fun xs -> Reductions.selectedMean (List.toArray axes) xs[1] xs[0])
              (Some(fun xs ->
                  Reference.build kept (fun p ->
                      line p |> List.averageBy (snd >> Reference.at (Reference.block xs[0])))))
              [ [| x; selected |] ]
          |> refusing [ [| x; x |]; [| ct; normal 1 [| 40 |] |]; [| selected; selected |] ]

          entry
              "selectedMeanTranspose"
              (fun xs -> grad (fun y -> Tensor.sum (xs[0] * Reductions.selectedMean (List.toArray axes) xs[1] y)) x)
              (Some(fun xs ->
                  Reference.build shape (fun p ->
                      let count = line p |> List.length
                      let isIn = line p |> List.exists (fun (_, q) -> q = p)
                      if isIn then Reference.at (Reference.block xs[0]) (collapse p) / float count else 0.0)))
              [ [| ct; selected |] ]
          |> refusing [ [| ct; ct |]; [| normal 1 [| 40 |]; selected |] ] ]

/// All primitives; those with parameters have a row for each of several.
let table: Entry list =
    unaries
    @ binaries
    @ structural
    @ reductions
    @ running
    @ softmaxes
    @ products
    @ selections
    @ convolutions
    @ poolings
    @ decompositions
    @ customs
    @ logSums
    @ numberTheory
    @ complex
    @ variates
    @ keys
    @ placements
    @ selectedMeans

/// All rows with all their inputs.
let cases: Case list =
    [ for entry in table do
          for inputs in entry.Examples ->
              { Entry = entry; Primitive = primitiveOf entry.Name entry.Call inputs; Inputs = inputs } ]
