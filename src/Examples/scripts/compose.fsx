// A model is a function, a network is a composition of functions, and training is a fold: no classes needed.
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/compose.fsx
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"

open System
open Autodiff

// Two interleaved half moons with noise: 0 above, 1 below.
let count = 400

let moons (key: Key) =
    let angle = key.FoldIn(0).Uniform([| count; 1 |], 0.0, Math.PI)
    let lower = (key.FoldIn 1).Bernoulli([| count; 1 |], 0.5)
    let side = Tensor.cast DType.Float32 lower
    let x = Tensor.where lower (1.0 - cos angle) (cos angle)
    let y = Tensor.where lower (0.5 - sin angle) (sin angle)
    Tensor.concat 1 [ x; y ] + (key.FoldIn 2).Normal([| count; 2 |], standardDeviation = 0.12), side

// Parameters are whatever is convenient; here, a record for each layer, in a list.
type Affine = { Weight: Tensor; Bias: Tensor }

let affine (p: Affine) (x: Tensor) = Tensor.matmul x p.Weight + p.Bias

let initialize (key: Key) sizes =
    sizes
    |> List.pairwise
    |> List.mapi (fun i (inputs, outputs) ->
        { Weight = key.FoldIn(i).Normal([| inputs; outputs |], standardDeviation = sqrt (2.0 / float inputs))
          Bias = Tensor.zeros [ outputs ] })

/// tanh after every layer but the last.
let network (layers: Affine list) =
    match List.rev (List.map affine layers) with
    | last :: hidden -> List.foldBack (fun layer rest -> rest >> layer >> tanh) hidden id >> last
    | [] -> id

/// Binary cross entropy from logits: softplus z - t z.
let loss x t layers =
    let z = network layers x
    Tensor.mean (softplus z - t * z)

/// One step of momentum: structures of parameters are mapped over, whatever they are.
let momentum rate decay f (parameters, velocity) =
    let gradient = grad f parameters
    let velocity = Tree.map2 (fun v g -> decay * v + g) velocity gradient
    Tree.map2 (fun p v -> p - rate * v) parameters velocity, velocity

let x, t = moons (Key 1)
let start = initialize (Key 2) [ 2; 16; 16; 1 ]

let accuracy layers =
    let answer = Tensor.cast DType.Float32 (Tensor.Greater(network layers x, Tensor.scalar 0.0))
    Tensor.mean (Tensor.cast DType.Float32 (Tensor.EqualTo(answer, t)))

let trained, _ =
    ((start, Tree.map Tensor.zerosLike start), [ 1..500 ])
    ||> List.fold (fun state step ->
        let next = momentum 0.1 0.9 (loss x t) state

        if step % 100 = 0 then
            printfn
                "step %4d  loss %.4f  accuracy %.3f"
                step
                (float (loss x t (fst next)))
                (float (accuracy (fst next)))

        next)

// What it learned: the plane, with the probability of the lower moon as shades.
let columns, rows = 64, 24

let grid =
    Tensor.ofRows
        [ for r in 0 .. rows - 1 do
              for c in 0 .. columns - 1 do
                  [ -1.5 + 4.0 * float c / float columns; 1.5 - 2.5 * float r / float rows ] ]

let shades = sigmoid (network trained grid) |> Tensor.toArray<float>

for r in 0 .. rows - 1 do
    String([| for c in 0 .. columns - 1 -> " .:-=+*#%@"[min 9 (int (10.0 * shades[r * columns + c]))] |])
    |> printfn "%s"

// Everything differentiates: the curvature of the loss along its own gradient at the end.
let direction = grad (loss x t) trained
let curvature = hvp (loss x t) trained direction

let inner a b = Array.map2 Tensor.dot (Tree.leaves a) (Tree.leaves b) |> Array.reduce (+)

printfn
    "gradient norm %.2e, curvature along it %.3f"
    (sqrt (float (inner direction direction)))
    (float (inner direction curvature / inner direction direction))
