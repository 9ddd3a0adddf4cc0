// Hamiltonian Monte Carlo (Neal 2011) for a logistic regression whose intercepts belong to groups: chains side by side, and all
// their steps in one compiled function.
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/hmc.fsx
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"

open System.Diagnostics
open Autodiff

let examples, groups, features = 600, 20, 3
let float64 (x: Tensor) = Tensor.cast DType.Float64 x
let normal shape (key: Key) = key.Normal(shape, dtype = DType.Float64)
let uniform shape (key: Key) = key.Uniform(shape, dtype = DType.Float64)

// Data with known answers: whether y holds depends on x and on the group.
let data = Key 11
let x = data.FoldIn 1 |> normal [| examples; features |]
let group = (data.FoldIn 2).Integers([| examples |], 0L, int64 groups)
let slopes = Tensor.ofSeq [ 1.0; -0.5; 0.25 ]
let intercepts = 0.7 + 0.8 * (data.FoldIn 3 |> normal [| groups |])
let logits slopes intercepts = Tensor.matmul x slopes + Tensor.take 0 group intercepts
let y = float64 (Tensor.Less(data.FoldIn 4 |> uniform [| examples |], sigmoid (logits slopes intercepts)))

/// What is not known: intercepts are Mean + exp LogSpread * Offsets.
type Unknowns = { Mean: Tensor; LogSpread: Tensor; Offsets: Tensor; Slopes: Tensor }

/// The logarithm of the posterior density, but for a constant.
let logDensity u =
    let z = logits u.Slopes (u.Mean + exp u.LogSpread * u.Offsets)
    let prior = [ u.Mean / 2.0; u.LogSpread; u.Offsets; u.Slopes ] |> List.sumBy (square >> Tensor.sum)
    Tensor.sum (y * z - softplus z) - 0.5 * prior

/// p + c q, and the inner product, over all tensors of records.
let along (c: float) p q = Tree.map2 (fun (p: Tensor) q -> p + c * q) p q
let inner p q = Array.map2 Tensor.dot (Tree.leaves p) (Tree.leaves q) |> Array.sum

/// One step of a chain: a ball with a random push rolls over the density, and stays where it comes to as often as energy was
/// kept. The unknowns afterwards, and 1 where the ball stayed.
let step (key: Key) u =
    let push = Tree.leaves u |> Array.mapi (fun i x -> normal x.Shape (key.FoldIn i)) |> Tree.withLeaves u
    let energy (q, p) = 0.5 * inner p p - logDensity q
    let length = 0.07

    let roll _ (q, p) =
        let p = along (length / 2.0) p (grad logDensity q)
        let q = along length q p
        q, along (length / 2.0) p (grad logDensity q)

    let q, p = foriLoop 0 20 roll (u, push)
    let stays = Tensor.Less(log (key.FoldIn 100 |> uniform [||]), energy (u, push) - energy (q, p))
    Tree.map2 (Tensor.where stays) q u, float64 stays

let chains, burnIn, kept = 8, 300, 500

let chain (key: Key, start) =
    let next u (i: Tensor) =
        let u, stays = step (key.FoldIn i) u
        u, (u, stays)

    snd (scan next start (Tensor.arange 0.0 (float (burnIn + kept)) 1.0))

let key = Key 5
let keys = key.FoldIn(Tensor.arange 0.0 (float chains) 1.0)

let starts =
    { Mean = key.FoldIn 1001 |> normal [| chains |]
      LogSpread = key.FoldIn 1002 |> normal [| chains |]
      Offsets = key.FoldIn 1003 |> normal [| chains; groups |]
      Slopes = key.FoldIn 1004 |> normal [| chains; features |] }

let run = jit (vmap chain)
run (keys, starts) |> ignore
let watch = Stopwatch.StartNew()
let samples, stays = run (keys, starts)
printfn
    "%d chains of %d steps in %.1f s, %.0f%% stayed"
    chains
    (burnIn + kept)
    watch.Elapsed.TotalSeconds
    (100.0 * float (Tensor.mean stays))

/// Chains that have forgotten their starts differ no more than their own samples do: R is near 1 (Gelman and Rubin 1992).
let report name (truth: float) (samples: Tensor) =
    let own = samples[*, burnIn..]
    let within = Tensor.mean (Tensor.varianceAxes [ 1 ] own)
    let between = Tensor.variance (Tensor.meanAxes [ 1 ] own)
    let mean, deviation = float (Tensor.mean own), sqrt (float (Tensor.variance own))
    printfn
        "%-7s %5.2f, posterior %5.2f +- %.2f, R %.3f"
        name
        truth
        mean
        deviation
        (sqrt (1.0 + float (between / within)))

report "mean" 0.7 samples.Mean
report "spread" 0.8 (exp samples.LogSpread)

for i in 0 .. features - 1 do
    report $"slope {i}" (float slopes[i]) samples.Slopes[*, *, i]
