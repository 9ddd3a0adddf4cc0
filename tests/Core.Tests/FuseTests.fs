/// Compiled expressions with reductions: equal to the eager ones, and one pass where they can be.
module Core.Tests.FuseTests

open System
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Xunit

let private compiled (f: 'a -> 'b) (x: 'a) : Program =
    let program = Compile.run (stage f x).Program
    program.Check()
    program

let private names (program: Program) = program.Equations |> Array.toList |> List.map _.Operation.Name

/// Computed in one pass; axes that are dropped are views of its results.
let private fused (f: 'a -> 'b) (x: 'a) =
    Assert.Equal<string list>([ "fused" ], names (compiled f x) |> List.filter ((<>) "reshape"))

let private agree (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) =
    let expected, actual = f inputs, jit f inputs

    agreeAs expected actual

let private softmaxOf (x: Tensor) =
    let e = exp (x - x.Max([| -1 |], true))
    e / e.Sum([| -1 |], true)

let private normalized (axes: int[]) (x: Tensor) =
    let centred = x - x.Mean(axes, true)
    centred * Tensor.Rsqrt((centred * centred).Mean(axes, true) + 1e-5)

[<Fact>]
let ``sums of expressions are one pass that writes no argument`` () =
    let x = normal 1 [| 40; 30 |]
    fused (fun (x: Tensor) -> Tensor.sum (sigmoid x * tanh x)) x
    fused (fun (x: Tensor) -> (exp x).Sum([| 0 |]), (exp x).Sum([| 1 |]), (exp x).Max([| 0; 1 |], true), exp x) x
    fused (fun (x: Tensor) -> (x * 2.0).Sum([| 0; 2; 3 |])) (normal 2 [| 3; 4; 5; 6 |])

[<Fact>]
let ``what uses reductions of its rows is one pass`` () =
    let x = normal 1 [| 12; 100 |]
    fused softmaxOf x
    fused (normalized [| -1 |]) x
    fused (fun (x: Tensor) -> x - log ((exp x).Sum([| 1 |], true))) x
    fused (normalized [| 1; 2 |]) (normal 2 [| 6; 4; 10 |])
    fused (fun (x, ct: Tensor) -> (snd (vjp (normalized [| -1 |]) x)) ct) (x, normal 3 [| 12; 100 |])

/// Random expressions of elements, reductions over random axes, and what uses them again.
let private expression (random: Random) (shape: int[]) (inputs: Tensor[]) : Tensor[] =
    let pool = Collections.Generic.List<Tensor>(inputs)
    let pick () = pool[random.Next pool.Count]
    let axes (x: Tensor) =
        [| for d in 0 .. x.Rank - 1 do
               if random.Next 2 = 0 then
                   d |]
    let trailing (x: Tensor) = if x.Rank = 0 then [||] else [| random.Next x.Rank .. x.Rank - 1 |]

    for _ in 1 .. 4 + random.Next 12 do
        let x, y = pick (), pick ()

        pool.Add(
            match random.Next 10 with
            | 0 -> tanh x
            | 1 -> x * y
            | 2 -> x - y
            | 3 -> exp (-(x * x))
            | 4 -> Tensor.where (Tensor.Less(x, y)) x (y * 0.5)
            | 5 -> x + Tensor.broadcastTo (List.ofArray shape) y
            | n ->
                let over = if n < 8 then trailing x else axes x
                let isEmpty = over |> Array.exists (fun d -> x.Shape[d] = 0)

                if over.Length = 0 then sigmoid x
                elif n = 6 then x.Mean(over, true)
                elif n = 7 && not isEmpty then x.Max(over, true)
                elif n = 8 && not isEmpty then x.Min(over, true)
                else x.Sum(over, true)
        )

    Array.append [| pool[pool.Count - 1]; pool[pool.Count - 2] |] [| pick (); pick () |]

let private shapes =
    [ [| 1 |]
      [| 7 |]
      [| 33 |]
      [| 5; 8 |]
      [| 3; 17 |]
      [| 16; 16 |]
      [| 9; 1; 20 |]
      [| 4; 3; 11 |]
      [| 2; 5; 3; 9 |]
      [| 70; 130 |]
      [| 0; 9 |]
      [| 9; 0 |]
      [| 3; 20000 |]
      [| 2000; 9 |]
      [| 8; 6; 30; 30 |] ]

[<Theory>]
[<InlineData 0>]
[<InlineData 1>]
let ``random expressions with reductions equal the eager ones`` (kind: int) =
    let dtype = if kind = 0 then DType.Float64 else DType.Float32

    [ for shape in shapes do
          for seed in 1 .. (if Shape.size shape > 5000L then 4 else 25) do
              seed, shape ]
    |> forEach (fun (seed, shape) -> $"{seed} {shape.Length} {Shape.format shape}") (fun (seed, shape) ->
        let lengths = shape |> Array.map (fun n -> if seed % 3 = 0 then 1 else n)
        let row = Array.mapi (fun d n -> if d = shape.Length - 1 then n else 1) shape
        let tensor k s = Tensor.cast dtype (normal (seed + k) s)
        agree
            (fun xs -> expression (Random seed) shape xs)
            [| tensor 1 shape; tensor 2 shape; tensor 3 lengths; tensor 4 row |])

[<Fact>]
let ``gradients of what uses reductions equal the eager ones`` () =
    for shape in [ [| 5; 20 |]; [| 64; 65 |]; [| 3; 4; 12 |] ] do
        let x, ct = normal 1 shape, normal 2 shape

        for f in [ softmaxOf; normalized [| -1 |]; normalized [| 0 |]; normalized [| 0; shape.Length - 1 |] ] do
            let loss (x: Tensor) = Tensor.sum (f x * ct) + (f x * f x).Mean()
            agree (fun xs -> let value, slope = valueAndGrad loss xs[0] in [| value; slope |]) [| x |]
            agree (fun xs -> [| grad (fun x -> Tensor.sum (grad loss x * ct)) xs[0] |]) [| x |]

[<Fact>]
let ``NaN and infinities pass through reductions as they do eagerly`` () =
    let reductions (xs: Tensor[]) =
        let y = xs[0] * 2.0

        [| for axes in [ [| 0 |]; [| 1 |]; [| 0; 1 |] ] do
               y.Sum(axes)
               y.Max(axes)
               y.Min(axes) |]

    for special in [ nan; infinity; -infinity ] do
        for at in [ 0; 37; 99 ] do
            let values = Array.init 100 (fun i -> if i = at then special else float i)
            agree reductions [| Tensor.reshape [ 5; 20 ] (vector (List.ofArray values)) |]

    agree reductions [| Tensor.reshape [ 2; 10 ] (vector (List.replicate 20 -0.0)) |]
    let infinite = Tensor.reshape [ 2; 10 ] (vector (List.replicate 20 -infinity))
    agree reductions [| infinite |]
    agree (fun xs -> [| softmaxOf xs[0] |]) [| infinite |]

[<Fact>]
let ``results that lie where an operand ends keep what later walks over the row need`` () =
    // Large enough for planned memory: the second result needs the first operand after the first result is written.
    let f (xs: Tensor[]) =
        let a = Tensor.matmul xs[0] xs[1]
        let b = exp (a * 0.01)
        let s = b.Sum([| -1 |], true)
        let c = a / s + tanh a
        [| Tensor.matmul b xs[1]; Tensor.matmul c xs[1] |]

    agree f [| normal 1 [| 64; 64 |]; normal 2 [| 64; 64 |] |]

[<Fact>]
let ``operands that are walked otherwise are what they are`` () =
    let f (xs: Tensor[]) = [| softmaxOf (xs[0] + xs[1]); (exp xs[0] * xs[1]).Sum([| 0 |]) |]
    let x, y = normal 1 [| 12; 30 |], Tensor.transpose (normal 2 [| 30; 12 |])
    agree f [| x; y |]
    agree f [| y; x |]
    agree f [| (normal 3 [| 24; 60 |])[3..14, 5..34]; Tensor.broadcastTo [ 12; 30 ] (normal 4 [| 30 |]) |]
    agree f [| Tensor.broadcastTo [ 12; 30 ] (normal 4 [| 12; 1 |]); x |]
    // A row of two axes, of which an operand is stretched along one.
    agree (fun xs -> [| normalized [| 1; 2 |] (xs[0] * xs[1]) |]) [| normal 1 [| 5; 4; 6 |]; normal 2 [| 4; 1 |] |]

[<Fact>]
let ``short rows with operands and totals that stay along them equal the eager ones`` () =
    let f (xs: Tensor[]) =
        let x, scale, image, columns = xs[0], xs[1], xs[2], xs[3]
        let y = Tensor.where (Tensor.Less(x, image)) (x * scale) (x + columns)

        [| y
           y.Sum([| 0; 2; 3 |])
           (y * scale).Max([| 0; 3 |], true)
           (y * y).Sum([| 1 |])
           (y - image).Sum([| 2; 3 |], true)
           y.Min([| 0; 1; 2; 3 |])
           Tensor.where (Tensor.Less(scale, image)) y (-y) |]

    for dtype in [ DType.Float64; DType.Float32 ] do
        for shape in
            [ [| 16; 70; 3; 3 |]
              [| 3; 40; 2; 1 |]
              [| 40; 300; 3; 3 |]
              [| 5; 33; 6; 6 |]
              [| 2; 9; 1; 5 |]
              [| 40; 3; 2; 7 |] ] do
            let tensor k s = Tensor.cast dtype (normal k s)
            let x, image = tensor 1 shape, tensor 3 [| shape[0]; shape[1]; 1; 1 |]
            agree f [| x; tensor 2 [| shape[1]; 1; 1 |]; image; tensor 4 [| shape[3] |] |]
            agree f [| x; tensor 2 [| shape[2]; 1 |]; image; tensor 4 [| shape[1]; 1; shape[3] |] |]

    // A view whose rows lie apart.
    agree
        f
        [| (normal 1 [| 4; 20; 5; 6 |])[*, *, 1..3, 2..4]
           normal 2 [| 20; 1; 1 |]
           normal 3 [| 4; 20; 1; 1 |]
           normal 4 [| 3 |] |]

    let loss (x: Tensor) = (relu (normalized [| 0; 2; 3 |] x * normal 2 [| 20; 1; 1 |]) * x).Sum()

    agree (fun xs -> [| grad loss xs[0] |]) [| normal 1 [| 4; 20; 3; 3 |] |]
