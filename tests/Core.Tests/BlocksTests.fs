/// Programs whose large products are run block by block: equal to the eager ones, and run so where they can be.
module Core.Tests.BlocksTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

// So small that products of some thousand elements count as large.
let private sizes = { Least = 1L <<< 14; Block = 1L <<< 13 }

/// Compiled as by jit, but for the sizes.
let private compiled (f: 'a -> 'b) (x: 'a) : Program =
    let program = (stage f x).Program |> Simplify.run |> Scatter.run |> Blocks.runWith sizes |> Fuse.run

    program.Check()
    program

let rec private blocksOf (program: Program) : BlocksPrimitive list =
    [ for e in program.Equations do
          match e.Operation with
          | :? BlocksPrimitive as blocks ->
              blocks
              let program = blocks.Parameters |> List.find (fst >> (=) "program") |> snd
              yield! blocksOf (program :?> Program)
          | _ -> () ]

let private arrays (xs: Tensor[]) = xs |> Array.map _.Array

/// Equal to the eager function, again at a second run, and where results are given places; how many blocks there are.
let private agree (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) : int =
    let program = compiled f inputs
    let executable = Executable program
    let expected = f inputs

    for _ in 1..2 do
        agreeAs expected (executable.Run(arrays inputs) |> Array.map (fun y -> Concrete y))

    let places = expected |> Array.map (fun y -> (Tensor.copy (Tensor.zerosLike y)).Array)
    executable.RunInto(arrays inputs, places) |> ignore
    agreeAs expected (places |> Array.map (fun y -> Concrete y))
    (blocksOf program).Length

let private isBlocked (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) =
    Assert.True(agree f inputs > 0, $"{compiled f inputs}")

let private isWhole (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) =
    Assert.True((agree f inputs = 0), $"{compiled f inputs}")

let private attention (xs: Tensor[]) =
    let scores = Tensor.matmul xs[0] (Tensor.transpose xs[1]) * 0.25
    Tensor.matmul (Tensor.softmax -1 scores) xs[2]

/// The squared distances of points from the nearest of some centres.
let private nearest (points: Tensor) (centres: Tensor) =
    let distances =
        Tensor.Square(centres).Sum([| 1 |], true) + Tensor.matmul (-2.0 * centres) (Tensor.transpose points)
    distances.Min([| 0 |]) + Tensor.Square(points).Sum([| 1 |])

let private likelihood (labels: Tensor) (x: Tensor) (w: Tensor) =
    -(Tensor.gather 1 labels (Tensor.logSoftmax -1 (Tensor.matmul x w))).Mean()

let private total (f: Tensor[] -> Tensor) (xs: Tensor[]) = [| f xs |]

/// The sum of a function and its gradient in all arguments.
let private slopes (f: Tensor[] -> Tensor) (xs: Tensor[]) =
    let y, slopes = valueAndGrad (fun (xs: Tensor[]) -> (f xs).Sum()) xs
    Array.append [| y |] slopes

[<Theory>]
[<InlineData 0>]
[<InlineData 1>]
let ``attention, nearest centres, likelihoods and sums of kernels are run in blocks, with their gradients``
    (kind: int)
    =
    let dtype = if kind = 0 then DType.Float64 else DType.Float32
    let tensor seed shape = Tensor.cast dtype (normal seed shape)

    // Multiples of the blocks, one more, one less, and others.
    for n in [ 320; 321; 319; 384; 290 ] do
        let m, d = 31, 5
        let xs = [| tensor 1 [| n; d |]; tensor 2 [| m; d |]; tensor 3 [| m; 3 |] |]
        isBlocked (total attention) xs
        isBlocked (slopes (attention >> Tensor.Square)) xs
        isBlocked (total (fun xs -> nearest xs[0] xs[1])) xs[..1]
        isBlocked (slopes (fun xs -> Tensor.Square(nearest xs[0] xs[1]))) xs[..1]
        let labels = Tensor.ofArray [| n; 1 |] [| for i in 0 .. n - 1 -> int64 (i * 7 % m) |]
        let weights = [| xs[0]; tensor 4 [| d; m |] |]
        isBlocked (total (fun xs -> likelihood labels xs[0] xs[1])) weights
        isBlocked (slopes (fun xs -> likelihood labels xs[0] xs[1])) weights

        // Both factors are of one tensor, and one is whole.
        let kernel (xs: Tensor[]) =
            let y = xs[0].[0..29, *]
            let squares (x: Tensor) = (x * x).Sum([| 1 |], true)
            let distances =
                squares xs[0] + Tensor.transpose (squares y) - 2.0 * Tensor.matmul xs[0] (Tensor.transpose y)
            (exp (-0.1 * distances)).Sum([| 1 |])

        isBlocked (total kernel) xs[..0]
        isBlocked (slopes kernel) xs[..0]

[<Fact>]
let ``second derivatives, that count and choose, are run in blocks`` () =
    let direction (xs: Tensor[]) =
        let gradient = grad (fun c -> (nearest xs[0] c).Sum())
        let slope, back = vjp gradient xs[1]
        [| slope; back (Tensor.onesLike xs[1]) |]

    isBlocked direction [| normal 1 [| 300; 4 |]; normal 2 [| 30; 4 |] |]
    // Ties, which share.
    isBlocked
        direction
        [| Tensor.zeros [ 300; 4 ] |> Tensor.cast DType.Float64; Tensor.ones [ 30; 4 ] |> Tensor.cast DType.Float64 |]

[<Fact>]
let ``largest and smallest elements, sums and their positions are totals or results of blocks`` () =
    let f (xs: Tensor[]) =
        let y = Tensor.matmul xs[0] xs[1]
        [| y.Max([| 0 |])
           y.Min([| 0 |], true)
           y.Sum([| 0 |])
           tanh(y).Sum()
           y.Max()
           y.Mean([| 1 |])
           y.Max([| 1 |], true) |]

    isBlocked f [| normal 1 [| 205; 3 |]; normal 2 [| 3; 30 |] |]
    isBlocked f [| normal 1 [| 30; 3 |]; normal 2 [| 3; 205 |] |]
    isBlocked
        (fun xs -> [| (Tensor.argmin 1 (Tensor.matmul xs[0] xs[1])).To DType.Float64 |])
        [| normal 1 [| 205; 3 |]; normal 2 [| 3; 30 |] |]

[<Fact>]
let ``examples come one after another, each in blocks if it is large`` () =
    for examples in [ [| 3; 100; 4 |]; [| 2; 3; 70; 4 |]; [| 5; 40; 4 |]; [| 40; 10; 4 |] ] do
        let keys = Array.append examples[.. examples.Length - 3] [| 30; 4 |]
        let xs = [| normal 1 examples; normal 2 keys; normal 3 keys |]
        isBlocked (total attention) xs
        isBlocked (slopes (attention >> Tensor.Square)) xs

    // One matrix for all examples, whose rows are those of one product, and a loss of each row.
    for shape in [ [| 3; 200; 4 |]; [| 30; 11; 4 |] ] do
        let labels =
            Tensor.ofArray [| shape[0]; shape[1]; 1 |] (Array.init (shape[0] * shape[1]) (fun i -> int64 (i % 30)))
        let loss (xs: Tensor[]) = -(Tensor.gather 2 labels (Tensor.logSoftmax -1 (Tensor.matmul xs[0] xs[1]))).Mean()
        isBlocked (total loss) [| normal 4 shape; normal 5 [| 4; 30 |] |]
        isBlocked (slopes loss) [| normal 4 shape; normal 5 [| 4; 30 |] |]

    isBlocked
        (fun xs -> [| vmap (fun x -> attention [| x; xs[1]; xs[2] |]) xs[0] |])
        [| normal 6 [| 3; 200; 4 |]; normal 7 [| 30; 4 |]; normal 8 [| 30; 4 |] |]

[<Fact>]
let ``factors are read as they lie`` () =
    let f (xs: Tensor[]) =
        [| (Tensor.softmax -1 (Tensor.matmul (Tensor.transpose xs[0]) (Tensor.transpose xs[1]))).Max([| 1 |]) |]
    isBlocked f [| normal 1 [| 5; 150 |]; normal 2 [| 30; 5 |] |]
    let apart = (Tensor.reshape [ 150; 5; 2 ] (normal 3 [| 150; 10 |])).[*, *, 1]
    isBlocked (fun xs -> [| (exp (Tensor.matmul xs[0] xs[1])).Sum([| 1 |]) |]) [| apart; normal 4 [| 5; 30 |] |]

[<Fact>]
let ``sums of no terms, no rows, NaN and infinities are as they are eagerly`` () =
    let f (xs: Tensor[]) =
        let y = Tensor.matmul xs[0] xs[1]
        [| y.Max([| 1 |]); (Tensor.softmax -1 y).Sum([| 0 |]); y.Min([| 0 |]) |]

    isBlocked
        f
        [| Tensor.cast DType.Float64 (Tensor.zeros [ 150; 0 ]); Tensor.cast DType.Float64 (Tensor.zeros [ 0; 30 ]) |]
    isWhole (fun xs -> [| (Tensor.matmul xs[0] xs[1]).Sum([| 1 |]) |]) [| normal 1 [| 0; 4 |]; normal 2 [| 4; 30 |] |]

    for value in [ nan; infinity; -infinity ] do
        let x =
            Tensor.where
                (Tensor.ofArray [ 150; 1 ] (Array.init 150 (fun i -> i = 77)))
                (scalar value)
                (normal 1 [| 150; 4 |])
        isBlocked f [| x; normal 2 [| 4; 30 |] |]

[<Fact>]
let ``a product that is needed as a whole, small ones and those of long sums stay whole`` () =
    let x, w = normal 1 [| 150; 4 |], normal 2 [| 4; 30 |]
    isWhole (fun xs -> [| Tensor.matmul xs[0] xs[1]; (Tensor.matmul xs[0] xs[1]).Sum([| 1 |]) |]) [| x; w |]
    isWhole (fun xs -> [| tanh (Tensor.matmul xs[0] xs[1]) |]) [| x; w |]
    isWhole (fun xs -> [| (Tensor.matmul xs[0] xs[1]).Sum([| 1 |]) |]) [| normal 1 [| 20; 4 |]; w |]
    isWhole
        (fun xs -> [| (exp (Tensor.matmul xs[0] xs[1])).Sum([| 1 |]) |])
        [| normal 1 [| 150; 300 |]; normal 2 [| 300; 30 |] |]
    // What needs a total of all rows comes after the blocks.
    isWhole
        (fun xs ->
            let y = Tensor.matmul xs[0] xs[1] in [| (y - y.Max()).Sum([| 1 |]); (y * y.Sum([| 0 |])).Sum([| 0 |]) |])
        [| x; w |]

[<Fact>]
let ``the printed program says how it is run in blocks`` () =
    let text =
        string (compiled (total attention) [| normal 1 [| 160; 4 |]; normal 2 [| 30; 4 |]; normal 3 [| 30; 4 |] |])
    Assert.Contains("= blocks[axes=(0), length=160, block=32, program=", text)

[<Fact>]
let ``any number of threads run blocks at once, to the same bits`` () =
    let f = slopes (fun xs -> nearest xs[0] xs[1])
    let inputs = [| normal 1 [| 500; 4 |]; normal 2 [| 30; 4 |] |]
    let executable = Executable(compiled f inputs)
    let run () = executable.Run(arrays inputs) |> Array.map (fun y -> floats (Concrete y))
    let expected = run ()

    for found in [| 1..40 |] |> Array.Parallel.map (fun _ -> run ()) do
        Array.iter2 (fun (a: float[]) b -> Assert.Equal<float[]>(a, b)) expected found

[<Fact>]
let ``large products of jit and of loops are run in blocks`` () =
    let inputs = [| for seed in 1..3 -> (Key seed).Normal([| 2048; 8 |]) |]
    let program = Compile.run (stage attention inputs).Program
    Assert.NotEmpty(blocksOf program)
    agreeAs [| attention inputs |] [| jit attention inputs |]

    let step (x: Tensor) (scale: Tensor) : Tensor * Tensor =
        let y = attention [| x * scale; inputs[1]; inputs[2] |]
        y, y.Sum()

    let scales = Tensor.cast DType.Float32 (vector [ 1.0; 0.5; 2.0 ])
    let mutable x = inputs[0]

    let sums =
        [ for i in 0..2 do
              let next, sum = step x scales[i]
              x <- next
              sum ]

    let y, found = scan step inputs[0] scales
    agreeAs [| x; Tensor.stack 0 sums |] [| y; found |]

/// Random functions of a product, of rows and columns.
let private expression (random: Random) (inputs: Tensor[]) : Tensor[] =
    let product = Tensor.matmul inputs[0] inputs[1]
    let shape = product.Shape
    let pool = Collections.Generic.List<Tensor>(Array.append inputs[2..] [| product; product |])
    let pick () = pool[random.Next pool.Count]
    let isWhole (x: Tensor) = Shape.equal x.Shape shape

    for _ in 1 .. 3 + random.Next 10 do
        let x, y = pick (), pick ()
        let axis = random.Next 2

        pool.Add(
            match random.Next 13 with
            | 0 -> tanh x
            | 1 -> x * y
            | 2 -> x - y
            | 3 -> exp (-(x * x))
            | 4 -> Tensor.where (Tensor.Less(x, y)) x (y * 0.5)
            | 5 when x.Shape[1] > 1 -> Tensor.softmax 1 x
            | 6 -> x.Sum([| axis |], true)
            | 7 -> x.Max([| axis |], true)
            | 8 -> x.Min([| axis |], true) + y
            | 9 when isWhole x -> Tensor.transpose (Tensor.transpose x * 2.0)
            | 10 when isWhole x && isWhole y -> Tensor.matmul (Tensor.matmul x (Tensor.transpose y)) x * 1e-3
            | 11 when isWhole x && isWhole y ->
                Tensor.broadcastTo shape (Tensor.matmul (Tensor.transpose x) y).[0..0, *] * 1e-2
            | 12 when isWhole x -> Tensor.reshape [ shape[0]; shape[1] ] (Tensor.reshape [ shape[0]; 1; shape[1] ] x)
            | _ -> sigmoid x
        )

    // Few of them are whole, or nothing would be in blocks.
    let few () =
        let x = pick ()
        if isWhole x && random.Next 4 > 0 then x.Mean([| random.Next 2 |]) else x

    [| pool[pool.Count - 1].Sum([| random.Next 2 |]); few (); few () |]

[<Fact>]
let ``random functions of products equal the eager ones`` () =
    let mutable blocked = 0

    [ 1..200 ]
    |> forEach string (fun seed ->
        let n, m = (if seed % 2 = 0 then 135 else 30), (if seed % 2 = 0 then 30 else 135)
        let f (xs: Tensor[]) = expression (Random seed) xs

        let inputs =
            [| normal seed [| n; 3 |]
               normal (seed + 1) [| 3; m |]
               normal (seed + 2) [| n; 1 |]
               normal (seed + 3) [| 1; m |]
               normal (seed + 4) [| n; m |] |]

        if agree f inputs > 0 then
            blocked <- blocked + 1)

    Assert.True(blocked > 40, $"{blocked}")
