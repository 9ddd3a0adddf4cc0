/// Compiled gradients of max pooling: equal to the eager ones, and computed of the maxima alone.
module Core.Tests.ScatterTests

open Autodiff
open Core.Tests.Common
open Xunit

let private compiled (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) : Program =
    let program = Compile.run (stage f inputs).Program
    program.Check()
    program

/// All equations, those of passes too.
let rec private equations (program: Program) : Equation list =
    [ for e in program.Equations do
          match e.Operation with
          | :? FusedPrimitive as fused ->
              match fused.Parameters with
              | [ _, (:? Program as inner) ] -> yield! equations inner
              | _ -> ()
          | _ -> e ]

let private shapesOf (isWanted: string -> bool) program =
    [ for e in equations program do
          if isWanted e.Operation.Name then
              List.ofArray e.Outputs[0].Type.Shape ]

let private isGradient (name: string) = name.EndsWith "Gradient"

let private agree (f: Tensor[] -> Tensor[]) (inputs: Tensor[]) =
    Array.iter2
        (fun (a: Tensor) (b: Tensor) ->
            Assert.Equal(a.DType, b.DType)
            Assert.Equal<int[]>(a.Shape, b.Shape)
            let tolerance = if a.DType = DType.Float64 then 1e-13 else 2e-6
            let error = distance (floats a) (floats b)
            Assert.True(error <= tolerance, $"{a} but compiled {b}, {error}"))
        (f inputs)
        (jit f inputs)

let private pool axes (window: int) (stride: int) (padding: int) (x: Tensor) =
    Pooling.maxPool "maxPool" axes (PerAxis window) (PerAxis stride) (Padding.Each padding) x

/// Images, a bias, and weights of what a pooling gives.
let private operands dtype (lengths: int[]) (pooled: Tensor -> Tensor) =
    let x = normal 1 (Array.append [| 3; 4 |] lengths) |> Tensor.cast dtype
    let bias = normal 2 (Array.append [| 4 |] (Array.create lengths.Length 1)) |> Tensor.cast dtype
    [| x; bias; normal 3 (pooled x).Shape |> Tensor.cast dtype |]

let private windows =
    [ [| 9 |], 2, 2, 0
      [| 9 |], 3, 2, 1
      [| 8; 7 |], 2, 2, 0
      [| 8; 7 |], 3, 1, 1
      [| 5; 6 |], 2, 3, 0
      [| 4; 5; 4 |], 2, 2, 0 ]

[<Fact>]
let ``activations are differentiated where they are maxima`` () =
    for lengths, window, stride, padding in windows do
        let pooled = pool lengths.Length window stride padding

        for dtype in [ DType.Float64; DType.Float32 ] do
            for activation in [ relu; sigmoid; tanh ] do
                let slopes (xs: Tensor[]) =
                    grad (fun (ys: Tensor[]) -> Tensor.sum (pooled (activation (ys[0] + ys[1])) * xs[2])) xs[..1]

                let inputs = operands dtype lengths pooled
                agree slopes inputs
                Assert.Equal<int list list>(
                    [ List.ofArray inputs[2].Shape ],
                    shapesOf isGradient (compiled slopes inputs)
                )

[<Fact>]
let ``ties and numbers that are none go where they go without compilation`` () =
    let x = Tensor.Round(normal 1 [| 2; 3; 6; 6 |])
    let special = Tensor.Where(Tensor.EqualTo(x, Tensor.Scalar 2.0), Tensor.Scalar nan, x)

    for input in [ x; special ] do
        let slope (xs: Tensor[]) =
            grad (fun (ys: Tensor[]) -> (let p = pool 2 3 2 1 (relu ys[0]) in Tensor.sum (p * p))) xs
        let expected, actual = slope [| input |], jit slope [| input |]
        Assert.True(sameBits expected[0] actual[0])

[<Fact>]
let ``what is needed whole stays whole`` () =
    let pooled = pool 2 2 2 0
    let inputs = operands DType.Float64 [| 6; 6 |] pooled
    let whole = List.ofArray inputs[0].Shape

    let kept (f: Tensor[] -> Tensor[]) =
        agree f inputs
        Assert.Contains(whole, shapesOf isGradient (compiled f inputs))

    // Of an activation that is also used otherwise, of another array than the one that was pooled, and beside its own use.
    kept (fun xs ->
        grad (fun (ys: Tensor[]) -> (let y = tanh ys[0] in Tensor.sum (pooled y * xs[2]) + Tensor.sum (y * y))) xs[..0])
    kept (fun xs -> let y, pull = vjp pooled xs[0] in [| y; (snd (vjp relu (xs[0] * 2.0))) (pull xs[2]) |])
    kept (fun xs ->
        let _, pull = vjp pooled (relu xs[0]) in
        let ct = pull xs[2] in
        [| ct; (snd (vjp relu xs[0])) ct |])

[<Fact>]
let ``sums over images leave out zeros`` () =
    let pooled = pool 2 3 2 1
    let inputs = operands DType.Float64 [| 7; 6 |] pooled
    let isScatter name = name = "maxPoolScatter"
    let sums (axes: int[]) (xs: Tensor[]) = (let _, pull = vjp pooled xs[0] in [| (pull xs[2]).Sum axes |])

    for axes in [ [| 2; 3 |]; [| 0; 2; 3 |]; [| 0; 1; 2; 3 |] ] do
        agree (sums axes) inputs
        Assert.Empty(shapesOf isScatter (compiled (sums axes) inputs))

    for axes in [ [| 2 |]; [| 0; 3 |]; [| 0; 1 |] ] do
        agree (sums axes) inputs
        Assert.Single(shapesOf isScatter (compiled (sums axes) inputs)) |> ignore
