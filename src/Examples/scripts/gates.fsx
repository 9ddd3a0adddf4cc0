// Gates, graphs and layers as compositions of functions ("Deep Learning from Scratch", chapters 2 and 5).
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/gates.fsx
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"

open Autodiff

let fork f g x = f x, g x
let corners = [ 0.0, 0.0; 1.0, 0.0; 0.0, 1.0; 1.0, 1.0 ]

let compare what (text: string) (ours: float seq) =
    let shown = ours |> Seq.map (fun v -> v.ToString "0.########") |> String.concat " "
    printfn "%-44s text %s  ours %s  %s" what text shown (if shown = text then "✓" else "differs")

// A perceptron is a function, and a layer of two is a fork.
let perceptron w1 w2 bias (x1, x2) = if w1 * x1 + w2 * x2 + bias > 0.0 then 1.0 else 0.0
let both, nand, either = perceptron 0.5 0.5 -0.7, perceptron -0.5 -0.5 0.7, perceptron 0.5 0.5 -0.2
let xor = fork nand either >> both

for name, gate, text in
    [ "AND", both, "0 0 0 1"; "NAND", nand, "1 1 1 0"; "OR", either, "0 1 1 1"; "XOR", xor, "0 1 1 0" ] do
    compare $"2     {name}" text (List.map gate corners)

// Shopping: a graph is an expression, and all its derivatives are one call.
let number: float -> Tensor = Tensor.scalar
let price (apple: Tensor, apples: Tensor, tax: Tensor) = apple * apples * tax
let total, (byApple, byApples, byTax) = valueAndGrad price (number 100.0, number 2.0, number 1.1)
compare "5.1   two apples with tax" "220" [ float total ]
compare "5.3   by price, number and tax" "2.2 110 200" [ float byApple; float byApples; float byTax ]

// The chain rule: the pullback of a composition is the composition of the pullbacks, the other way round.
let sum (x: Tensor, y: Tensor) = x + y
let squared (t: Tensor) = t * t
let point = number 3.0, number 4.0
let t, pullSum = vjp sum point
let _, pullSquared = vjp squared t
let _, pullAll = vjp (sum >> squared) point
let pair (x: Tensor, y: Tensor) = [ float x; float y ]
compare "5.2   z = t², t = x + y at (3, 4): 2 (x + y)" "14 14" (pair (pullAll (number 1.0)))
compare "      by the pullbacks of both" "14 14" (pair ((pullSquared >> pullSum) (number 1.0)))

// What no line divides, two layers learn: the weights are found, not given.
let affine (weight: Tensor, bias: Tensor) (x: Tensor) = Tensor.matmul x weight + bias
let network (first, second) = affine first >> tanh >> affine second
let inputs = Tensor.ofRows [ for x1, x2 in corners -> [ x1; x2 ] ]
let targets = Tensor.ofRows [ for corner in corners -> [ xor corner ] ]

let loss parameters =
    let z = network parameters inputs
    Tensor.mean (softplus z - targets * z)

let normal (place: int) shape = Key(1).FoldIn(place).Normal(shape, dtype = DType.Float64)
let zeros (shape: int list) : Tensor = Tensor.cast DType.Float64 (Tensor.zeros shape)
let start = (normal 0 [| 2; 4 |], zeros [ 4 ]), (normal 1 [| 4; 1 |], zeros [ 1 ])
let descend parameters _ = Tree.map2 (fun (p: Tensor) g -> p - 0.5 * g) parameters (grad loss parameters)
let trained = Seq.fold descend start (seq { 1..1000 })
let answers = Tensor.Greater(network trained inputs, number 0.0) |> Tensor.cast DType.Float64
compare "2.5   XOR, learned" "0 1 1 0" (Tensor.toArray<float> answers)
printfn "      loss %.4f, and then %.4f" (float (loss start)) (float (loss trained))

// Gradients can be trusted: differences along random directions, both modes, two orders.
CheckGrads.Check loss start
printfn "5.7   CheckGrads: all derivatives of the loss agree with differences"
