// A function and its first derivatives in one picture.
//
//     dotnet fsi build.fsx build
//     dotnet fsi src/Examples/scripts/curves.fsx curves.svg
#r "../bin/Release/net10.0/MathNet.Numerics.dll"
#r "../bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../bin/Release/net10.0/Autodiff.Core.dll"
#r "../bin/Release/net10.0/Autodiff.Layers.dll"
#r "../bin/Release/net10.0/Autodiff.Plots.dll"

open Autodiff
open Autodiff.Plots

let x = Tensor.linspace -3.0 3.0 241
let wave (x: Tensor) = exp (-x * x / 2.0) * sin (2.0 * x)

/// The derivative of a function of each element.
let slope (f: Tensor -> Tensor) (x: Tensor) = snd (jvp f x (Tensor.onesLike x))

let labelled = List.zip [ "f"; "f'"; "f''" ] [ wave; slope wave; slope (slope wave) ]

let curves = (Axes(), labelled) ||> List.fold (fun axes (label, f) -> axes.Line(x, f x, label))

// Maxima lie where f' is 0: between neighbours with f' of different sign.
let steepness = Tensor.toArray<float>(slope wave x)
let at = Tensor.toArray<float> x
let flat =
    [ for i in 1 .. at.Length - 1 do
          if steepness[i - 1] * steepness[i] < 0.0 then
              at[i] ]

let heights = [ for p in flat -> (wave (Tensor.scalar p)).ToDouble() ]

curves
    .Scatter(flat, heights, "flat", "black", marker = Marker.Diamond)
    .HorizontalLine(0.0, width = 0.8, dash = Dash.Solid)
    .Title("f(x) = exp(-x²/2) sin 2x")
    .XLabel("x")
    .Save(fsi.CommandLineArgs[1])

printfn "f is flat near %A" flat
