/// The tool that checks derivatives: it passes right ones and catches wrong ones in each mode and order.
module Core.Tests.CheckGradsTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

/// The sine with one rule falsified.
type private FalseSine(jvp: Tensor -> Tensor -> Tensor, vjp: Tensor -> Tensor -> Tensor) =
    inherit Primitive("falseSine")
    override _.Shape inputs = { Shape = inputs[0].Shape; DType = inputs[0].DType }
    override _.Value(inputs, _) = (sin (Concrete(inputs[0]) :> Tensor)).Array
    override _.Jvp(inputs, _, tangents) = jvp inputs[0] tangents[0]
    override _.Vjp(inputs, _, ct, _) = vjp inputs[0] ct
    override this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)
    member this.Call(x: Tensor) = Tensor.Bind(this, x)

let private right (x: Tensor) (t: Tensor) = t * cos x
// The right value of the derivative, but nothing beyond it.
let private constant (x: Tensor) (t: Tensor) = t * stopGradient (cos x)
let private wrong (x: Tensor) (t: Tensor) = t * cos x * 1.001
let private x = normal 1 [| 5 |]
let private run order (p: FalseSine) = CheckGrads.Run(Func<Tensor, Tensor> p.Call, x, order = order)

[<Fact>]
let ``right functions pass to the third order, in float32 as well`` () =
    CheckGrads.Run(Func<_, _>(fun (x: Tensor) -> Tensor.sum (Tensor.softmax 0 x * sin x)), x, order = 3)
    CheckGrads.Check (fun (x: Tensor, ys: Tensor list) -> [ x * ys[0]; exp ys[1] ]) (x, [ x; x ])
    CheckGrads.Check (fun (x: Tensor) -> tanh x * 2.0) (Tensor.cast DType.Float32 x)
    CheckGrads.Check (fun (x: Tensor, n: Tensor) -> Tensor.take 0 n x * 2.0) (x, indices [ 2 ] [ 0; 3 ])
    run 2 (FalseSine(right, right))

[<Fact>]
let ``a wrong forward rule is caught`` () =
    let error = Assert.Throws<GradientMismatchException>(fun () -> run 1 (FalseSine(wrong, wrong)))
    Assert.Contains("forward derivative disagrees with central differences", error.Message)

[<Fact>]
let ``a wrong reverse rule is caught`` () =
    let error = Assert.Throws<GradientMismatchException>(fun () -> run 1 (FalseSine(right, wrong)))
    Assert.Contains("reverse mode disagrees with forward mode", error.Message)

[<Fact>]
let ``rules that are wrong only at the second order pass the first and are caught by the second`` () =
    for p in [ FalseSine(constant, right); FalseSine(right, constant); FalseSine(constant, constant) ] do
        run 1 p
        Assert.Throws<GradientMismatchException>(fun () -> run 2 p) |> ignore

[<Fact>]
let ``missing and NaN derivatives are caught`` () =
    Assert.Throws<GradientMismatchException>(fun () -> run 1 (FalseSine((fun _ _ -> null), (fun _ _ -> null))))
    |> ignore
    Assert.Throws<GradientMismatchException>(fun () -> run 1 (FalseSine((fun _ (t: Tensor) -> t * nan), right)))
    |> ignore
    Assert.Throws<GradientMismatchException>(fun () -> run 1 (FalseSine(right, (fun _ (ct: Tensor) -> ct * nan))))
    |> ignore

type private Line = { Slope: Tensor; Intercept: Tensor }

[<Fact>]
let ``a mismatch names the tensor of the argument that is wrong and that of the result`` () =
    let p = FalseSine(wrong, wrong)
    let f { Slope = a; Intercept = b } = {| Wrong = p.Call a; Right = sin b |}
    let report = CheckGrads.Report(Func<_, _> f, { Slope = x; Intercept = x }, order = 1)
    let mismatch = Assert.Single report.Mismatches
    Assert.Equal("Slope", mismatch.Input)
    Assert.Equal("Wrong", mismatch.Output)
    Assert.True(mismatch.Error > mismatch.Allowed)
    near 1e-6 (mismatch.Expected * 1.001) mismatch.Actual
    Assert.Contains("with respect to 'Slope' of the result 'Wrong'", string report)

[<Fact>]
let ``a wrong reverse rule is shown beside what it should give`` () =
    let p = FalseSine(right, wrong)
    let mismatch = Assert.Single (CheckGrads.Report(Func<_, _> p.Call, x, order = 1)).Mismatches
    Assert.Equal("reverse derivative", mismatch.Derivative)
    near 1e-12 (mismatch.Expected * 1.001) mismatch.Actual

[<Fact>]
let ``each mode is checked by itself`` () =
    let run modes p = (CheckGrads.Report(Func<_, _> (p: FalseSine).Call, x, order = 2, modes = modes)).Passed
    Assert.True(run GradientModes.Forward (FalseSine(right, wrong)))
    Assert.True(run GradientModes.Reverse (FalseSine(wrong, right)))
    Assert.False(run GradientModes.Forward (FalseSine(wrong, right)))
    Assert.False(run GradientModes.Reverse (FalseSine(right, wrong)))

[<Fact>]
let ``a report of right derivatives counts its comparisons`` () =
    let report = CheckGrads.Report(Func<_, _>(fun (x: Tensor) -> exp x), x, order = 2, directions = 3)
    Assert.True report.Passed
    // Each order has 2 comparisons for each function of the order before, and each direction has all.
    Assert.Equal(3 * (2 + 2 * 2), report.Comparisons)
    Assert.True(report.WorstRatio > 0.0 && report.WorstRatio < 1.0)
    report.ThrowIfFailed()

[<Fact>]
let ``errors of one percent are caught in float32`` () =
    let narrow = Tensor.cast DType.Float32 x
    let close = FalseSine((fun x t -> t * cos x * 1.01), (fun x t -> t * cos x * 1.01))
    Assert.False (CheckGrads.Report(Func<_, _> close.Call, narrow, order = 1)).Passed
    Assert.True (CheckGrads.Report(Func<_, _>(fun (x: Tensor) -> tanh x * x), narrow, order = 2)).Passed
    // A function that stays in float32 is checked there.
    let stays (x: Tensor) = sin (Tensor.cast DType.Float32 x)
    Assert.True (CheckGrads.Report(Func<_, _> stays, narrow, order = 1)).Passed

[<Fact>]
let ``functions that are not defined around the point say so`` () =
    let report = CheckGrads.Report(Func<_, _>(fun (x: Tensor) -> log x), scalar -1.0, order = 1)
    Assert.Contains("not defined", string report)

[<Fact>]
let ``wrong settings are errors`` () =
    let fails (part: string) (run: unit -> GradientReport) =
        Assert.Contains(part, Assert.Throws<ArgumentException>(fun () -> run () |> ignore).Message)

    let f = Func<Tensor, Tensor> id
    fails "at least 1" (fun () -> CheckGrads.Report(f, x, order = 0))
    fails "not be negative" (fun () -> CheckGrads.Report(f, x, tolerance = nan))
    fails "no mode" (fun () -> CheckGrads.Report(f, x, modes = enum 0))
    fails "no floating-point tensors" (fun () -> CheckGrads.Report(f, indices [ 1 ] [ 1 ]))
