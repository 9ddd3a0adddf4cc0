// Blocks of modern convolutional networks as functions of functions (Dive into Deep Learning, chapter 5).
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/blocks.fsx
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"

open Autodiff

let compare what (text: string) (ours: string) =
    printfn "%-62s text %s  ours %s  %s" what text ours (if ours = text then "✓" else "differs")

let shape (x: Tensor) = x.Shape |> Seq.map string |> String.concat "×"

// Layers after each other, as in VGG; beside each other, as in GoogLeNet; and beside what they are given, as in ResNet, which
// adds it, and DenseNet, which keeps it.
let chain layers : Tensor -> Tensor = List.fold (>>) id layers
let inception branches (x: Tensor) : Tensor = Tensor.concat 1 [ for branch in branches -> branch x ]
let residual f (x: Tensor) : Tensor = x + f x
let dense f = inception [ id; f ]

/// A convolution of odd size that keeps the lengths of images, with random filters.
let convolution (key: Key) size inputs outputs =
    let scale = sqrt (2.0 / float (size * size * inputs))
    let filters = scale * key.Normal([| outputs; inputs; size; size |], dtype = DType.Float64)
    fun (x: Tensor) -> Tensor.conv2d 1 (size / 2) filters x

let key = Key 1
let images channels side = key.FoldIn(99).Normal([| 4; channels; side; side |], dtype = DType.Float64)
let conv place size inputs outputs = convolution (key.FoldIn(place: int)) size inputs outputs >> relu

// VGG: as many convolutions as wanted, then half the lengths.
let vgg place count inputs outputs =
    chain [ for i in 0 .. count - 1 -> conv (place + i) 3 (if i = 0 then inputs else outputs) outputs ]
    >> Tensor.maxPool2d 2 2

compare "VGG: two convolutions of 8 filters, half the lengths" "4×8×4×4" (images 3 8 |> vgg 0 2 3 8 |> shape)

// DenseNet: two layers that add 10 channels each to three.
let denseBlock = dense (conv 10 3 3 10) >> dense (conv 11 3 13 10)
compare "DenseNet: two layers that add 10 channels to 3" "4×23×8×8" (images 3 8 |> denseBlock |> shape)

// GoogLeNet: its first block, by 1, by 3 and by 5.
let inceptionBlock =
    inception
        [ conv 20 1 192 64
          conv 21 1 192 96 >> conv 22 3 96 128
          conv 23 1 192 16 >> conv 24 5 16 32
          conv 25 1 192 32 ]

compare "GoogLeNet: 64 + 128 + 32 + 32 channels" "4×256×6×6" (images 192 6 |> inceptionBlock |> shape)

// What flows back follows the same composition: through x + f x, what comes plus what f lets back.
let f = conv 30 3 3 3 >> conv 31 3 3 3
let x = images 3 8
let y, pull = vjp (residual f) x
let _, pullF = vjp f x
let cotangent = cos y
let apart = abs (pull cotangent - (cotangent + pullF cotangent)) |> Tensor.max |> float
compare "back through x + f x: ct plus what f lets back, apart by" "0.0000000" (sprintf "%.7f" apart)

// Why it matters: the gradient at the input of 50 layers, plain and residual.
let depth, width = 50, 32

let layer place =
    let weight =
        key
            .FoldIn(100 + place)
            .Normal([| width; width |], standardDeviation = 0.7 / sqrt (float width), dtype = DType.Float64)
    fun (v: Tensor) -> tanh (Tensor.matmul v weight)

let slope (block: (Tensor -> Tensor) -> Tensor -> Tensor) =
    let network = chain [ for place in 1..depth -> block (layer place) ]
    let loss v = network v |> Tensor.mean
    grad loss (key.FoldIn(7).Normal([| 1; width |], dtype = DType.Float64)) |> Tensor.norm |> float

let plain, residually = slope id, slope residual
let scientific (v: float) = v.ToString "0.0e+0"
printfn $"Gradient at the input of {depth} layers: plain {scientific plain}, residual {scientific residually}"
compare
    "ResNet: more than a thousand times the plain one"
    "true"
    (if residually > 1000.0 * plain then "true" else "false")

// All blocks together; differences agree with all derivatives, both modes, two orders.
let small =
    residual (conv 40 3 2 2) >> dense (conv 41 3 2 2) >> inception [ conv 42 1 4 2; conv 43 3 4 2 ] >> Tensor.sum
CheckGrads.Check small (key.FoldIn(50).Normal([| 1; 2; 4; 4 |], dtype = DType.Float64))
printfn "CheckGrads: all derivatives of the blocks together agree with differences"
