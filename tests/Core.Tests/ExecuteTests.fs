/// How compiled programs run: what they allocate, where their values lie, and what is written over donated arguments.
module Core.Tests.ExecuteTests

open System
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Xunit

let private executable (f: 'a -> 'b) (x: 'a) donated = Executable(Compile.run (stage f x).Program, donated)
let private arrays (x: 'a) = Tree.leaves x |> Array.map _.Array
let private memoryOf (x: Tensor) = x.Array.Storage :?> HostMemory

/// The loss of a small network, its slope, and a step with momentum.
let private step (parameters: Tensor[], velocities: Tensor[]) (x: Tensor, labels: Tensor, rate: Tensor) =
    let loss (p: Tensor[]) =
        let hidden = tanh (Tensor.matmul x p[0] + p[1])
        let output = Tensor.matmul hidden p[2] + p[3]
        Tensor.mean (Tensor.Square(output - labels))

    let value, slopes = valueAndGrad loss parameters
    let next = Array.map2 (fun (v: Tensor) g -> v * 0.9 + g) velocities slopes
    value, Array.map2 (fun p v -> p - rate * v) parameters next, next

let private start seed =
    let p =
        [| normal seed [| 40; 50 |] * 0.1
           normal (seed + 1) [| 50 |] * 0.1
           normal (seed + 2) [| 50; 3 |] * 0.1
           normal (seed + 3) [| 3 |] * 0.1 |]

    p, Array.map (fun x -> Tensor.copy (Tensor.zerosLike x)) p

let private batch seed = normal (seed + 4) [| 64; 40 |], normal (seed + 5) [| 64; 3 |], scalar 0.05

[<Fact>]
let ``a warm run allocates its results and no more`` () =
    let state, batch = start 1, batch 1
    let program = executable (fun (s, b) -> step s b) (state, batch) 8
    let rest = arrays batch
    let mutable held = arrays state

    let run () = held <- Array.skip 1 (program.RunDonating(Array.append held rest))

    for _ in 1..50 do
        run ()

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..100 do
        run ()

    let each = (GC.GetAllocatedBytesForCurrentThread() - before) / 100L
    // Eight donated results and the loss are handles of some 150 bytes; the arrays that this test makes are included.
    Assert.True(each < 4000L, $"{each} bytes for each run")

/// The bytes that this thread allocates in a call, after others.
let private allocated (call: unit -> unit) =
    for _ in 1..200 do
        call ()

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..100 do
        call ()

    (GC.GetAllocatedBytesForCurrentThread() - before) / 100L

[<Fact>]
let ``a warm run whose results are given places allocates nothing`` () =
    // Products and loops of this size are shared among the threads.
    let large = normal 20 [| 700; 40 |], normal 21 [| 700; 3 |], scalar 0.05

    for batch in [ batch 1; large ] do
        let state = start 1
        let program = executable (fun (s, b) -> step s b) (state, batch) 0
        let given = Array.append (arrays state) (arrays batch)
        let places = program.Run given |> Array.map (fun y -> (Tensor.copy (Concrete y)).Array)
        Assert.Equal(0L, allocated (fun () -> program.RunInto(given, places) |> ignore))

/// Minors of a matrix, chosen by indices: views of the argument, gathers, and sums over axes of few elements.
let private minors (x: Tensor, first: Tensor, second: Tensor) =
    let rows = Tensor.reshape [ 4; 5 ] x
    let entries (i: int) at = Tensor.take 0 at rows[i]
    let signs = Tensor.ofArray [| 2; 1 |] [| 1.0; -1.0 |]
    let sums = Tensor.sumAxes [ 0 ] (signs * entries 1 first * entries 2 first)
    let products = Tensor.reshape [ 3; 2 ] (Tensor.take 0 second sums) * rows[1..3, 2..3]
    products, Tensor.sumAxes [ 1 ] products * 2.0, Tensor.reshape [ 5; 1 ] sums * rows[0..0, 0..3]

[<Fact>]
let ``views, gathers and short sums of a warm run allocate nothing`` () =
    let below (n: int64) (shape: int[]) =
        Tensor.ofArray shape (Array.init (Array.fold (*) 1 shape) (fun i -> int64 i * 7L % n))

    let given = normal 30 [| 20 |], below 5L [| 2; 5 |], below 5L [| 6 |]
    let program = executable minors given 0
    let results = program.Run(arrays given)
    Array.iter2 (fun y (expected: Tensor) -> near 1e-14 expected (Concrete y)) results (Tree.leaves (minors given))
    let places = results |> Array.map (fun y -> (Tensor.copy (Concrete y)).Array)
    let warm = arrays given
    Assert.Equal(0L, allocated (fun () -> program.RunInto(warm, places) |> ignore))

    // Other arguments of the same program are found where they are.
    let other = (Tensor.transpose (normal 31 [| 20; 2 |]))[0], below 3L [| 2; 5 |], below 4L [| 6 |]
    Array.iter2 (near 1e-14) (Tree.leaves (minors other)) (program.Run(arrays other) |> Array.map (fun y -> Concrete y))
    Array.iter2 (near 1e-14) (Tree.leaves (minors given)) (program.Run(arrays given) |> Array.map (fun y -> Concrete y))

[<Fact>]
let ``a scan keeps memory where its results end with the run, and gives away none that it kept`` () =
    let body (weights: Tensor) (h: Tensor) (x: Tensor) =
        let h = tanh (Tensor.matmul h weights + x)
        h, h * 2.0

    let loss (weights: Tensor) (xs: Tensor) =
        let last, ys = scan (body weights) (xs[0] * 0.0) xs
        Tensor.sum (ys * ys) + Tensor.sum last

    let weights, xs = normal 40 [| 4; 4 |], normal 41 [| 12; 3; 4 |]
    let step (weights: Tensor, xs: Tensor) = weights - 0.1 * grad (fun w -> loss w xs) weights
    let program = executable step (weights, xs) 0
    let given = arrays (weights, xs)
    let places = program.Run given |> Array.map (fun y -> (Tensor.copy (Concrete y)).Array)
    let each = allocated (fun () -> program.RunInto(given, places) |> ignore)
    Assert.True(each < 3000L, $"{each} bytes for each run of two loops of 12 steps")
    near 1e-12 (step (weights, xs)) (Concrete places[0])

    // All that a scan makes, as results and as parts of them.
    let all =
        jit (fun (weights: Tensor, xs: Tensor) ->
            let last, ys = scan (body weights) (xs[0]) xs
            let _, twice = scan (fun h x -> h + x, h) last (ys * ys)
            last, ys, Tensor.transpose ys, twice[3], Tensor.sum twice)

    let results = [ for i in 0..3 -> all (weights, normal (50 + i) [| 12; 3; 4 |]) ]
    let values = results |> List.map (fun r -> Tree.leaves r |> Array.map floats)
    all (weights, xs) |> ignore
    let after = results |> List.map (fun r -> Tree.leaves r |> Array.map floats)
    Assert.Equal<float[][] list>(values, after)

[<Fact>]
let ``donated arguments are written over, and give the bits of a run that leaves them`` () =
    let kept, donating = jit (fun (s, b) -> step s b), jitDonating step
    let mutable a, b = start 2, start 2
    let mutable loss = nan

    for i in 0..5 do
        let value, p, v = kept (a, batch i)
        a <- (p, v)
        let before = fst b, snd b
        let other, p, v = donating b (batch i)
        b <- (p, v)
        Assert.True(sameBits value other)
        Array.iter2 (fun x y -> Assert.True(sameBits x y)) (Tree.leaves a) (Tree.leaves b)
        loss <- float other

        // The large ones are native from the start; all are after the first step.
        if i > 0 then
            let error = Assert.Throws<InvalidOperationException>(fun () -> (fst before)[0] + 1.0 |> ignore)
            Assert.Contains("donated", error.Message)

    Assert.True(Double.IsFinite loss)

[<Fact>]
let ``the memory of a result is that of the argument`` () =
    let f =
        jitDonating (fun (w: Tensor) (x: Tensor) -> w - 0.1 * Tensor.matmul (Tensor.transpose x) (Tensor.matmul x w))
    let x = normal 3 [| 20; 40 |]
    let mutable w = normal 4 [| 40; 60 |]
    let place = (memoryOf w).Pointer

    for _ in 1..3 do
        let expected = w - 0.1 * Tensor.matmul (Tensor.transpose x) (Tensor.matmul x w)
        w <- f w x
        near 1e-12 expected w
        Assert.Equal(place, (memoryOf w).Pointer)

[<Fact>]
let ``what shares the memory of a donated tensor has an error of its own, and a copy none`` () =
    let f = jitDonating (fun (w: Tensor) (x: Tensor) -> w * x)
    let w, x = normal 5 [| 50; 60 |], scalar 2.0
    let transposed, part, copy, values = Tensor.transpose w, w[1..3], Tensor.copy w, floats w
    let y = f w x

    for used in [ w; transposed; part ] do
        Assert.Throws<InvalidOperationException>(fun () -> floats (used + 1.0) |> ignore) |> ignore

    Assert.Equal<float[]>(values, floats copy)
    near 0.0 (copy * 2.0) y

[<Fact>]
let ``memory that is passed twice, needed by another result or seen by a transformation is left`` () =
    let f = jitDonating (fun (a: Tensor, b: Tensor) (c: Tensor) -> a + b, b * c)
    let x = normal 6 [| 40; 40 |]
    let sum, product = f (x, x) (scalar 3.0)
    near 1e-15 (x * 2.0) sum
    near 1e-15 (x * 3.0) product
    let view = Tensor.transpose x
    let sum, product = f (x, view) (scalar 3.0)
    near 1e-15 (x + view) sum
    near 1e-15 (view * 3.0) product

    // Each result needs what the other would be written over.
    let swap = jitDonating (fun (a: Tensor, b: Tensor) (c: Tensor) -> Tensor.matmul a b + c, Tensor.matmul b a, a)
    let a, b, c = normal 7 [| 40; 40 |], normal 8 [| 40; 40 |], normal 9 [| 40; 40 |]
    let first, second = Tensor.matmul a b + c, Tensor.matmul b a
    let copy = Tensor.copy a
    let y, z, same = swap (a, b) c
    near 1e-13 first y
    near 1e-13 second z
    near 0.0 copy same

    let g = jitDonating (fun (w: Tensor) (x: Tensor) -> sin w * x)
    let w = normal 10 [| 40; 40 |]
    near 1e-13 (cos w * 2.0) (grad (fun w -> Tensor.sum (g w (scalar 2.0))) w)
    near 1e-13 (sin w * 2.0) (vmap (fun w -> g w (scalar 2.0)) w)
    near 1e-13 (sin w) (g (Tensor.copy w) (scalar 1.0))

[<Fact>]
let ``many threads donate to one function at once`` () =
    let f = jitDonating step
    let expected = [| for i in 0..39 -> step (start i) (batch i) |]

    let actual =
        [| 0..39 |]
        |> Array.Parallel.map (fun i ->
            let value, p, v = f (start i) (batch i)
            f (Array.map Tensor.copy p, Array.map Tensor.copy v) (batch i) |> ignore
            value, p, v)

    Array.iter2 (fun a b -> Array.iter2 (near 1e-12) (Tree.leaves a) (Tree.leaves b)) expected actual

[<Fact>]
let ``results go where they are told`` () =
    let f (x: Tensor, y: Tensor) =
        let z = Tensor.matmul x y
        tanh z * 2.0, Tensor.transpose z, x, Tensor.sum z, z, z

    let argument seed = normal seed [| 30; 30 |], normal (seed + 1) [| 30; 30 |]
    let program = executable f (argument 1) 0

    for seed in 1..4 do
        let expected = Tree.leaves (f (argument seed))
        let places = expected |> Array.map (fun y -> (Tensor.copy (Tensor.zerosLike y)).Array)
        program.RunInto(arrays (argument seed), places) |> ignore
        Array.iter2 (fun y place -> near 1e-13 y (Concrete place)) expected places

        // A run that is told nothing does not remember.
        let ys = program.Run(arrays (argument (seed + 10))) |> Array.map (fun y -> Concrete y :> Tensor)
        Array.iter2 (near 1e-13) (Tree.leaves (f (argument (seed + 10)))) ys
        Array.iter2 (fun y place -> near 1e-13 y (Concrete place)) expected places

[<Fact>]
let ``views of arguments follow them from call to call, whatever holds their elements`` () =
    let f (x: Tensor) =
        let wide = Tensor.broadcastTo [ 3; 2; 4 ] x
        let turned = Tensor.transpose x
        Tensor.cumsum 0 turned,
        Tensor.sum (wide * wide),
        Tensor.reshape [ 8 ] turned,
        Tensor.matmul x turned,
        turned[1..2]

    let compiled = jit f

    let forms seed =
        [ normal seed [| 2; 4 |]
          Tensor.transpose (normal seed [| 4; 2 |])
          (normal seed [| 4; 4 |])[1..2]
          (normal seed [| 400; 4 |])[7..8]
          Tensor.broadcastTo [ 2; 4 ] (normal seed [| 4 |]) ]

    let results =
        [ for seed in 1..3 do
              for x in forms seed do
                  f x, compiled x ]

    for expected, actual in results do
        Array.iter2 (near 1e-13) (Tree.leaves expected) (Tree.leaves actual)

    let g (x: Tensor) = Tensor.reshape [ 1 ] x * 2.0, Tensor.broadcastTo [ 3 ] x, sin x * x, x
    let compiled = jit g

    for x in [ scalar 1.5; (normal 4 [| 5 |])[2]; (normal 5 [| 5000 |])[2]; scalar -2.5 ] do
        Array.iter2 (near 1e-15) (Tree.leaves (g x)) (Tree.leaves (compiled x))

[<Fact>]
let ``an error leaves nothing behind`` () =
    let f = jit (fun (x: Tensor, at: Tensor) -> Tensor.cumsum 0 (Tensor.take 0 at (x * 2.0)) + 1.0)
    let x = normal 1 [| 6 |]
    let at (values: int64[]) = Tensor.ofArray [| 3 |] values
    let expected = floats (f (x, at [| 0L; 5L; 2L |]))
    Assert.ThrowsAny<ArgumentException>(fun () -> f (x, at [| 0L; 9L; 2L |]) |> ignore) |> ignore
    // Arrays of the same shape that are made now are their own.
    let others = [ for i in 1..4 -> normal i [| 3 |] ]
    let values = others |> List.map floats
    Assert.Equal<float[]>(expected, floats (f (x, at [| 0L; 5L; 2L |])))
    List.iter2 (fun (v: float[]) other -> Assert.Equal<float[]>(v, floats other)) values others
