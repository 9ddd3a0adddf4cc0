/// Convolutions, pooling and resizing as users call them, against naive references.
module Core.Tests.ImagesTests

open System
open Autodiff
open Core.Tests.Common
open Core.Tests.Reference
open Xunit

let private even stride pad dilation = { Stride = stride; Before = pad; After = pad; Dilation = dilation }

let private line = normal 1 [| 2; 4; 9 |]
let private plane = normal 2 [| 2; 4; 6; 7 |]
let private volume = normal 3 [| 1; 2; 4; 5; 3 |]
let private filters seed (shape: int list) = normal seed (List.toArray shape)

/// The correlation with some filters.
let private correlation (w: Tensor) axes groups (x: Tensor) =
    let shape, terms = convolutionTerms (List.ofArray x.Shape) (List.ofArray w.Shape) axes groups
    accumulate shape terms (block x) (block w)

/// The transposed convolution as PyTorch defines it: each place of x adds the filters, times its value, to a window.
let private transposed (w: Tensor) (axes: (Axis * int) list) groups (x: Tensor) =
    let b, k = block x, block w
    let kernel = List.ofArray w.Shape |> List.skip 2

    let lengths =
        List.map3
            (fun n k (axis, extra) ->
                (n - 1) * axis.Stride - axis.Before - axis.After + axis.Dilation * (k - 1) + 1 + extra)
            (List.ofArray x.Shape |> List.skip 2)
            kernel
            axes

    let shape = x.Shape[0] :: (w.Shape[1] * groups) :: lengths
    let data = Array.zeroCreate (List.fold (*) 1 shape)
    let perGroup = x.Shape[1] / groups

    for p in positions (List.ofArray x.Shape) do
        for f in 0 .. w.Shape[1] - 1 do
            for taps in positions kernel do
                let place =
                    List.map3
                        (fun i t (axis, _) -> i * axis.Stride + t * axis.Dilation - axis.Before)
                        (List.skip 2 p)
                        taps
                        axes

                if List.forall2 (fun i n -> i >= 0 && i < n) place lengths then
                    let target = p[0] :: (p[1] / perGroup * w.Shape[1] + f) :: place
                    let o = offset (List.toArray shape) target
                    data[o] <- data[o] + at b p * at k (p[1] :: f :: taps)

    data

let private pooled (kernel: int list) axes (choose: float list -> float) (x: Tensor) =
    [| for _, places in windows (List.ofArray x.Shape) kernel axes -> choose (places |> List.map (at (block x))) |]

/// Linear interpolation of the last axes.
let private interpolated alignCorners (lengths: int list) (x: Tensor) =
    let b = block x
    let lead = x.Rank - lengths.Length

    let neighbours axis i =
        let n, m = float x.Shape[axis], float lengths[axis - lead]
        let source =
            if alignCorners then
                (if m = 1.0 then 0.0 else float i * (n - 1.0) / (m - 1.0))
            else
                max 0.0 ((float i + 0.5) * n / m - 0.5)
        let low = min (floor source) (n - 1.0)
        let t = min 1.0 (source - low)
        [ int low, 1.0 - t; int (min (low + 1.0) (n - 1.0)), t ]

    build (Array.append x.Shape[.. lead - 1] (List.toArray lengths)) (fun p ->
        p
        |> List.mapi (fun axis i -> if axis < lead then [ i, 1.0 ] else neighbours axis i)
        |> combinations
        |> List.sumBy (fun corner -> at b (List.map fst corner) * List.fold (fun w (_, t) -> w * t) 1.0 corner))

let private nearest (lengths: int list) (x: Tensor) =
    let lead = x.Rank - lengths.Length
    build (Array.append x.Shape[.. lead - 1] (List.toArray lengths)) (fun p ->
        at
            (block x)
            (p |> List.mapi (fun axis i -> if axis < lead then i else i * x.Shape[axis] / lengths[axis - lead])))

/// A function, an input, and the elements of its value.
let private table: (string * (Tensor -> Tensor) * Tensor * (Tensor -> float[])) list =
    let w1, w2, w3 = filters 11 [ 3; 4; 3 ], filters 12 [ 3; 4; 3; 2 ], filters 13 [ 3; 2; 2; 3; 2 ]
    let t1, t2, t3 = filters 14 [ 4; 3; 3 ], filters 15 [ 4; 2; 3; 2 ], filters 16 [ 2; 3; 2; 3; 2 ]
    let w2of2, w2of4 = filters 17 [ 6; 2; 3; 3 ], filters 18 [ 4; 1; 3; 3 ]
    let none = even 1 0 1

    [ "conv1d", Tensor.conv1d 2 1 w1, line, correlation w1 [ even 2 1 1 ] 1
      "conv2d", Tensor.conv2d 1 1 w2, plane, correlation w2 [ even 1 1 1; even 1 1 1 ] 1
      "conv3d", Tensor.conv3d 1 1 w3, volume, correlation w3 [ even 1 1 1; even 1 1 1; even 1 1 1 ] 1
      "Conv1D dilated", (fun x -> x.Conv1D(w1, dilation = 3)), line, correlation w1 [ even 1 0 3 ] 1
      "Conv2D with all that it takes",
      (fun x -> x.Conv2D(w2of2, struct (2, 1), Padding.Pairs(struct (1, 2), struct (0, 1)), PerAxis(1, 2), 2)),
      plane,
      correlation w2of2 [ { even 2 1 1 with After = 2 }; { even 1 0 2 with After = 1 } ] 2
      "Conv3D with strides of each axis",
      (fun x -> x.Conv3D(w3, struct (2, 1, 2), struct (1, 0, 1))),
      volume,
      correlation w3 [ even 2 1 1; even 1 0 1; even 2 1 1 ] 1
      "depthwise",
      (fun x -> x.Conv2D(w2of4, padding = Padding.Same, groups = 4)),
      plane,
      correlation w2of4 [ even 1 1 1; even 1 1 1 ] 4
      "filters of conv2d",
      (fun w -> Tensor.conv2d 2 1 w plane),
      w2,
      (fun w -> correlation w [ even 2 1 1; even 2 1 1 ] 1 plane)
      "same length",
      (fun x -> x.Conv1D(w1, 2, Padding.Same)),
      line[*, *, ..7],
      correlation w1 [ { even 2 0 1 with After = 1 } ] 1

      "convTranspose1d", Tensor.convTranspose1d 2 1 t1, line, transposed t1 [ even 2 1 1, 0 ] 1
      "convTranspose2d", Tensor.convTranspose2d 2 1 t2, plane, transposed t2 [ even 2 1 1, 0; even 2 1 1, 0 ] 1
      "convTranspose3d", Tensor.convTranspose3d 1 0 t3, volume, transposed t3 [ none, 0; none, 0; none, 0 ] 1
      "ConvTranspose2D with all that it takes",
      (fun x -> x.ConvTranspose2D(t2, struct (3, 1), struct (1, 0), struct (2, 1), struct (1, 2), 2)),
      plane,
      transposed t2 [ even 3 1 1, 2; even 1 0 2, 1 ] 2
      "ConvTranspose1D with more outputPadding than padding",
      (fun x -> x.ConvTranspose1D(t1, 1, 1, 2, 3)),
      line,
      transposed t1 [ even 1 1 3, 2 ] 1
      "ConvTranspose3D of each axis",
      (fun x -> x.ConvTranspose3D(t3, struct (2, 1, 3), struct (1, 0, 1), struct (1, 0, 2))),
      volume,
      transposed t3 [ even 2 1 1, 1; none, 0; even 3 1 1, 2 ] 1
      "filters of convTranspose2d",
      (fun w -> Tensor.convTranspose2d 2 1 w plane),
      t2,
      (fun w -> transposed w [ even 2 1 1, 0; even 2 1 1, 0 ] 1 plane)

      "maxPool1d", Tensor.maxPool1d 2 2, line, pooled [ 2 ] [ even 2 0 1 ] List.max
      "maxPool2d", Tensor.maxPool2d 3 2, plane, pooled [ 3; 3 ] [ even 2 0 1; even 2 0 1 ] List.max
      "maxPool3d", Tensor.maxPool3d 2 1, volume, pooled [ 2; 2; 2 ] [ none; none; none ] List.max
      "MaxPool2D of each axis",
      (fun x -> x.MaxPool2D(struct (3, 2), struct (1, 2), struct (1, 0))),
      plane,
      pooled [ 3; 2 ] [ even 1 1 1; even 2 0 1 ] List.max
      "MaxPool3D by its window",
      (fun x -> x.MaxPool3D 2),
      volume,
      pooled [ 2; 2; 2 ] [ even 2 0 1; even 2 0 1; even 2 0 1 ] List.max
      "averagePool1d", Tensor.averagePool1d 3 1, line, pooled [ 3 ] [ none ] List.average
      "averagePool2d", Tensor.averagePool2d 2 2, plane, pooled [ 2; 2 ] [ even 2 0 1; even 2 0 1 ] List.average
      "averagePool3d", Tensor.averagePool3d 2 1, volume, pooled [ 2; 2; 2 ] [ none; none; none ] List.average
      "AveragePool2D counts padding",
      (fun x -> x.AveragePool2D(3, 2, 1)),
      plane,
      pooled [ 3; 3 ] [ even 2 1 1; even 2 1 1 ] (fun values -> List.sum values / 9.0)
      "globalMaxPool", Tensor.globalMaxPool, plane, pooled [ 6; 7 ] [ none; none ] List.max
      "globalAveragePool",
      (fun x -> x.GlobalAveragePool()),
      volume,
      pooled [ 4; 5; 3 ] [ none; none; none ] List.average

      "resize to more", Tensor.resize ResizeMode.Linear [ 11; 9 ], plane, interpolated false [ 11; 9 ]
      "resize to fewer", Tensor.resize ResizeMode.Linear [ 2; 5 ], plane, interpolated false [ 2; 5 ]
      "resize one axis", Tensor.resize ResizeMode.Linear [ 5 ], line, interpolated false [ 5 ]
      "resize with corners", (fun x -> x.Resize(ResizeMode.LinearAlignCorners, 9, 4)), plane, interpolated true [ 9; 4 ]
      "resize with corners to one", Tensor.resize ResizeMode.LinearAlignCorners [ 1 ], line, interpolated true [ 1 ]
      "resize three axes", Tensor.resize ResizeMode.Linear [ 2; 7; 6 ], volume, interpolated false [ 2; 7; 6 ]
      "resize to the nearest", Tensor.resize ResizeMode.Nearest [ 9; 4 ], plane, nearest [ 9; 4 ]
      "resize a long axis", Tensor.resize ResizeMode.Linear [ 2; 5 ], normal 5 [| 300; 3 |], interpolated false [ 2; 5 ]
      "resize a long axis to more",
      Tensor.resize ResizeMode.Linear [ 310 ],
      normal 6 [| 2; 300 |],
      interpolated false [ 310 ] ]

[<Fact>]
let ``operations on images have the values of naive references`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, reference) ->
        let error = distance (reference x) (floats (f x))
        Assert.True(error <= 1e-13, $"differs by {error:g3}: {f x}"))

[<Fact>]
let ``operations on images have right derivatives to second order`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, _) -> CheckGrads.Run(Func<_, _> f, x, order = 2))

[<Fact>]
let ``vmap of operations on images equals a stack, alone and under a gradient`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, f, x, _) ->
        let xs = [ x; sin x; 0.5 * x ]
        let stacked = Tensor.stack 0 xs
        near 1e-13 (Tensor.stack 0 (List.map f xs)) (vmap f stacked)
        let gradient = grad (fun x -> Tensor.sum (square (f x)))
        near 1e-12 (Tensor.stack 0 (List.map gradient xs)) (vmap gradient stacked))

/// The examples of the documentation of PyTorch's Upsample.
[<Fact>]
let ``resizing a square of four gives the published numbers`` () =
    let x = rows [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ]

    near
        1e-15
        (rows [ [ 1.0; 1.25; 1.75; 2.0 ]; [ 1.5; 1.75; 2.25; 2.5 ]; [ 2.5; 2.75; 3.25; 3.5 ]; [ 3.0; 3.25; 3.75; 4.0 ] ])
        (Tensor.resize ResizeMode.Linear [ 4; 4 ] x)

    let third i j = 1.0 + float (2 * i + j) / 3.0
    near
        1e-15
        (rows [ for i in 0..3 -> [ for j in 0..3 -> third i j ] ])
        (Tensor.resize ResizeMode.LinearAlignCorners [ 4; 4 ] x)

    near
        0.0
        (rows [ for i in 0..3 -> [ for j in 0..3 -> float (1 + 2 * (i / 2) + j / 2) ] ])
        (Tensor.resize ResizeMode.Nearest [ 4; 4 ] x)

[<Fact>]
let ``padding of the same length keeps ceil of length over stride`` () =
    for length in 1..12 do
        for kernel in 1..5 do
            for stride in 1..4 do
                for dilation in 1..2 do
                    let x, w = normal 1 [| 1; 1; length |], normal 2 [| 1; 1; kernel |]
                    let y = x.Conv1D(w, stride, Padding.Same, dilation)
                    Assert.Equal((length + stride - 1) / stride, y.Shape[2])

[<Fact>]
let ``types promote, and float32 stays float32`` () =
    let single = Tensor.cast DType.Float32 plane
    Assert.Equal(DType.Float32, (single.Conv2D(Tensor.ones [ 2; 4; 3; 3 ])).DType)
    Assert.Equal(DType.Float64, (single.Conv2D(filters 1 [ 2; 4; 3; 3 ])).DType)
    Assert.Equal(DType.Float32, (single.Resize(ResizeMode.Linear, 9, 9)).DType)
    Assert.Equal<int[]>(
        [| 1; 1; 3; 3 |],
        floats (Tensor.resize ResizeMode.Nearest [ 4 ] (Tensor.ofSeq [ 1; 3 ])) |> Array.map int
    )
