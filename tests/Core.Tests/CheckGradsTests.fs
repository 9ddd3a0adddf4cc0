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
