#r "../src/Examples/bin/Release/net10.0/MathNet.Numerics.dll"
#r "../src/Examples/bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../src/Examples/bin/Release/net10.0/Autodiff.Core.dll"

open Autodiff

// Points in a square, and whether they lie in a disk.
let points = (Key 1).Uniform([| 500; 2 |], -1.5, 1.5)
let inDisk = Tensor.Less(Tensor.sumAxes [ 1 ] (square points), Tensor.scalar 1.0)
let labels = inDisk |> Tensor.cast DType.Float32 |> Tensor.reshape [ 500; 1 ]

// A model is a function of its parameters, which are a record.
type Layer = { Weight: Tensor; Bias: Tensor }
type Model = { Hidden: Layer; Output: Layer }

let initialize (key: Key) inputs outputs =
    { Weight = key.Normal([| inputs; outputs |], standardDeviation = 1.0 / sqrt (float inputs))
      Bias = Tensor.zeros [ outputs ] }

let dense layer x = Tensor.matmul x layer.Weight + layer.Bias
let logits model x = x |> dense model.Hidden |> tanh |> dense model.Output
let crossEntropy target z = Tensor.mean (softplus z - target * z)
let loss model = points |> logits model |> crossEntropy labels

// The gradient is a record as well, and a step with momentum maps over records.
let step (model, velocity) =
    let velocity = Tree.map2 (fun v g -> 0.9 * v - 0.2 * g) velocity (grad loss model)
    Tree.map2 (+) model velocity, velocity

let start = { Hidden = initialize (Key 2) 2 16; Output = initialize (Key 3) 16 1 }

let model, _ =
    ((start, Tree.map Tensor.zerosLike start), [ 1..300 ])
    ||> List.fold (fun state i ->
        if i % 100 = 1 then
            printfn "step %3d  loss %.2f" i (float (loss (fst state)))

        step state)

printfn "trained   loss %.2f" (float (loss model))

// Derivatives compose with each other and with vmap, which runs a function of one point on many at once. For each of three
// points: how sure the model is that it lies in the disk, and how fast that changes to the right.
let sure (x: Tensor) = x |> logits model |> sigmoid |> Tensor.sum
let places = Tensor.ofRows [ [ 0.0f; 0.0f ]; [ 1.0f; 0.0f ]; [ 1.4f; 0.0f ] ]
let probability, slope = vmap (valueAndGrad sure) places

for i in 0..2 do
    printfn "at x = %.1f  %.2f, slope %.1f" (float places[i, 0]) (float probability[i]) (float slope[i, 0])
