module Core.Tests.TransformsTests

open Autodiff
open Xunit

let private scalar = Tensor.scalar
let private close (expected: float) (actual: Tensor) = Assert.Equal(expected, actual.ToDouble(), 12)

[<Fact>]
let ``the third derivative by reverse mode three times`` () =
    let f (x: Tensor) = sin x * x + exp x
    let x = 0.7
    close (-3.0 * sin x - x * cos x + exp x) (grad (grad (grad f)) (scalar x))

[<Fact>]
let ``slices of F# include their ends`` () =
    let x = Tensor.ofRows [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ]
    Assert.Equal<float[]>([| 2.0; 3.0 |], Tensor.toArray x[0, 1..])
    Assert.Equal<float[]>([| 2.0; 3.0; 5.0; 6.0 |], Tensor.toArray x[*, 1..2])
