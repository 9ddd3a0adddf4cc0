/// Random numbers: the same from the same key, unrelated from others, with the right distribution.
module Core.Tests.RandomTests

open System.Threading.Tasks
open Autodiff
open Core.Tests.Common
open Xunit

let private correlation (x: float[]) (y: float[]) =
    let centre (v: float[]) = let m = Array.average v in v |> Array.map (fun a -> a - m)
    let x, y = centre x, centre y
    let product a b = Array.fold2 (fun s p q -> s + p * q) 0.0 a b
    product x y / sqrt (product x x * product y y)

let private n = 20000
let private draw (key: Key) = floats (key.Uniform([| n |], dtype = DType.Float64))

[<Fact>]
let ``a key gives the same bits again, and on every thread`` () =
    let draws (key: Key) =
        [ key.Uniform [| 100 |]
          key.Normal([| 3; 5 |], dtype = DType.Float64)
          key.Bernoulli([| 50 |], 0.3)
          key.Integers([| 50 |], -5L, 5L)
          key.Permutation 20 ]

    let expected = draws (Key 5)
    let results = Array.zeroCreate 32
    Parallel.For(0, 32, fun i -> results[i] <- draws (Key 5)) |> ignore
    Assert.All(results, fun again -> Assert.True(List.forall2 sameBits expected again))

[<Fact>]
let ``keys that are split or folded are unrelated to each other and to their origin`` () =
    let key = Key 1
    let keys =
        [| yield key
           yield! key.Split 4
           yield key.FoldIn 0
           yield key.FoldIn 1
           yield Key 2
           yield (Array.head (key.Split 4)).FoldIn 0
           yield! (key.FoldIn 0).Split 2 |]
    Assert.Equal(keys.Length, (Array.distinct keys).Length)
    let samples = keys |> Array.map draw

    for i in 0 .. keys.Length - 1 do
        for j in 0 .. i - 1 do
            let r = correlation samples[i] samples[j]
            Assert.True(abs r < 5.0 / sqrt (float n), $"keys {i} and {j} correlate by {r}")

    // Neighbours in one sample.
    Assert.True(abs (let sample = samples[0] in correlation sample[.. n - 2] sample[1..]) < 5.0 / sqrt (float n))

[<Fact>]
let ``a longer draw begins with the shorter one`` () =
    let key = Key 9
    Assert.Equal<float[]>(floats (key.Uniform [| 10 |]), (floats (key.Uniform [| 25 |]))[..9])
    Assert.Equal<float[]>(floats (key.Normal [| 10 |]), (floats (key.Normal [| 5; 5 |]))[..9])

[<Fact>]
let ``the moments are those of the distributions`` () =
    let isNear (expected: float) deviation (actual: float) =
        Assert.True(abs (actual - expected) < 5.0 * deviation / sqrt (float n), $"{actual} instead of {expected}")

    for dtype in [ DType.Float32; DType.Float64 ] do
        let u = floats ((Key 3).Uniform([| n |], -1.0, 3.0, dtype))
        isNear 1.0 1.1547 (Array.average u)
        isNear (16.0 / 12.0) 1.2 (u |> Array.averageBy (fun v -> (v - 1.0) ** 2.0))
        Assert.True(Array.min u >= -1.0 && Array.max u < 3.0)
        let z = floats ((Key 4).Normal([| n |], 2.0, 0.5, dtype)) |> Array.map (fun v -> (v - 2.0) / 0.5)
        isNear 0.0 1.0 (Array.average z)
        isNear 1.0 (sqrt 2.0) (z |> Array.averageBy (fun v -> v * v))
        isNear 0.0 (sqrt 15.0) (z |> Array.averageBy (fun v -> v ** 3.0))
        isNear 3.0 (sqrt 96.0) (z |> Array.averageBy (fun v -> v ** 4.0))

    isNear 0.3 0.4583 (Array.average (floats ((Key 5).Bernoulli([| n |], 0.3))))
    Assert.Equal(0.0, Array.sum (floats ((Key 5).Bernoulli([| n |], 0.0))))
    Assert.Equal(float n, Array.sum (floats ((Key 5).Bernoulli([| n |], 1.0))))
    let counts = floats ((Key 6).Integers([| n |], -2L, 3L)) |> Array.countBy id |> Map.ofArray
    Assert.Equal<float list>([ -2.0; -1.0; 0.0; 1.0; 2.0 ], counts |> Map.keys |> Seq.toList)
    for KeyValue(_, count) in counts do
        isNear 0.2 0.4 (float count / float n)

[<Fact>]
let ``a permutation holds every number once, and every order is as likely`` () =
    Assert.Equal<float[]>([| 0.0 .. 999.0 |], floats ((Key 7).Permutation 1000) |> Array.sort)
    let orders =
        Array.init 6000 (fun i -> ((Key 8).FoldIn i).Permutation 3 |> floats |> List.ofArray) |> Array.countBy id
    Assert.Equal(6, orders.Length)
    Assert.All(orders, fun (order, count) -> Assert.True(abs (count - 1000) < 150, $"%A{order} {count} times"))
    Assert.Equal(0, ((Key 1).Permutation 0).Size)

[<Fact>]
let ``a key in the argument of a compiled function gives new numbers for each key, those that it gives alone`` () =
    let f (key: Key, x: Tensor) =
        let first, second = let keys = key.Split 2 in keys[0], keys[1].FoldIn 3
        let noisy = x + first.Normal([| 4 |], dtype = DType.Float64)
        Tensor.where (second.Bernoulli([| 4 |], 0.5)) noisy (first.Uniform([| 4 |], -1.0, 1.0, DType.Float64))

    let x = normal 3 [| 4 |]
    let compiled = jit f

    for seed in 1..5 do
        Assert.True(sameBits (f (Key seed, x)) (compiled (Key seed, x)))

    Assert.False(sameBits (compiled (Key 1, x)) (compiled (Key 2, x)))
    // Its gradient passes by the key.
    let _, slope = grad (fun (k, x) -> Tensor.sum (f (k, x))) (Key 1, x)
    let _, compiledSlope = jit (grad (fun (k, x) -> Tensor.sum (f (k, x)))) (Key 1, x)
    Assert.True(sameBits slope compiledSlope)

[<Fact>]
let ``a key folds in the counter of a loop`` () =
    let looped (key: Key) =
        List.fold
            (fun s (i: int) -> s + (key.FoldIn i).Normal([| 2 |], dtype = DType.Float64))
            (Tensor.zerosLike (normal 1 [| 2 |]))
            [ 0..4 ]

    let scanned (key: Key) =
        foriLoop
            0
            5
            (fun i s -> s + (key.FoldIn(i: Tensor)).Normal([| 2 |], dtype = DType.Float64))
            (Tensor.zerosLike (normal 1 [| 2 |]))

    near 1e-14 (looped (Key 9)) (scanned (Key 9))
    near 1e-14 (looped (Key 9)) (jit scanned (Key 9))

[<Fact>]
let ``a key keeps its bits through a tree`` () =
    let key = Key 17
    Assert.Equal(key, Tree.withLeaves key (Tree.leaves key))
    Assert.Equal<string[]>([| "Item1"; "Item2" |], Tree.names (key, normal 1 [| 2 |]))
