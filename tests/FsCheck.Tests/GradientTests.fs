/// A suite that a user would write for functions of their own: right derivatives pass, and wrong ones are found and
/// shrunk to an input that can be worked through by hand.
module Properties.GradientTests

open System
open Autodiff
open Autodiff.Testing
open FsCheck
open FsCheck.FSharp
open Xunit

let private passes (property: Property) =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(50).WithReplay(20260114UL, 4711UL), property)

/// log (1 + exp x) with a rule for reverse mode, whose derivative is the logistic function.
let private softplusWith (derivative: Tensor -> Tensor) : Tensor -> Tensor =
    customVjp softplus (fun x -> softplus x, x) (fun x ct -> ct * derivative x)

[<Fact>]
let ``a rule of one's own is right`` () =
    passes (gradientProperty (softplusWith sigmoid) (Tensors.Of(Domain.Real(-4.0, 4.0))))

[<Fact>]
let ``a sign error in a rule is found, and shrunk to one number`` () =
    let wrong = softplusWith (fun x -> -(sigmoid x))

    let error =
        Assert.Throws<GradientMismatchException>(fun () ->
            Gradients.Check(wrong, Tensors.Of(Domain.Real(-4.0, 4.0)), seed = 1UL))

    Assert.Contains("float64 of shape ()\n    0\n", error.Message)
    Assert.Contains("forward derivative disagrees with central differences", error.Message)
    Assert.Contains("found with seed 1", error.Message)

[<Fact>]
let ``an error that shows only for large numbers is shrunk to the edge of where it shows`` () =
    // The rule forgets that the function is clamped.
    let wrong = customVjp (Tensor.clamp -1.0 1.0) (fun x -> Tensor.clamp -1.0 1.0 x, ()) (fun () ct -> ct)

    let error =
        Assert.Throws<GradientMismatchException>(fun () ->
            Gradients.Check(wrong, Tensors.Of(Domain.AwayFrom([ -1.0; 1.0 ], high = 3.0)), seed = 1UL))

    Assert.Contains("float64 of shape ()\n    2\n", error.Message)

[<Fact>]
let ``an error in one part of a tree names that part`` () =
    // The cotangent of the second argument lacks a factor.
    let product: struct (Tensor * Tensor) -> Tensor =
        customVjp
            (fun (struct (x, y)) -> x * y)
            (fun (struct (x, y)) -> x * y, struct (x, y))
            (fun (struct (x, y)) ct -> struct (ct * y, ct * x * 2.0))

    let same = Tensors.SameShapePair(Domain.Positive(), Shapes.Any())

    for pairs in [ same; Trees.Pair(Tensors.OfShape(Domain.Positive(), 2), Tensors.OfShape(Domain.Positive(), 2)) ] do
        let error = Assert.Throws<GradientMismatchException>(fun () -> Gradients.Check(product, pairs, seed = 1UL))
        Assert.Contains("with respect to 'Item2'", error.Message)
        Assert.DoesNotContain("with respect to 'Item1'", error.Message)
        // Nothing but ones is left.
        Assert.Matches(
            @"fails:\n  Item1: [^\n]*\n    (1|\[1.0 1.0\])\n  Item2: [^\n]*\n    (1|\[1.0 1.0\])\n",
            error.Message
        )

[<Fact>]
let ``pairs and triples of inputs shrink one at a time`` () =
    let positive = Tensors.OfShape(Domain.Positive())
    let triples = Trees.Triple(positive, positive, positive)
    let smaller =
        Arb.toShrink triples (struct (Tensor.scalar 1.0, Tensor.scalar 2.0, Tensor.scalar 1.0)) |> Seq.toList
    Assert.Equal<float list>(
        [ 1.0; 1.0; 1.0 ],
        [ let struct (a, b, c) = smaller.Head in for x in [ a; b; c ] -> float x ]
    )

[<Fact>]
let ``a derivative that is wrong only at the second order needs the second order`` () =
    let sine: Tensor -> Tensor = customJvp sin (fun x _ t -> t * stopGradient (cos x))
    let inputs = Tensors.Of(Domain.Real())
    passes (Gradients.Property(sine, inputs))

    let error =
        Assert.Throws<GradientMismatchException>(fun () -> Gradients.Check(sine, inputs, order = 2, seed = 1UL))
    Assert.Contains("of the forward derivative", error.Message)

[<Fact>]
let ``a function that raises an error fails at the smallest input where it does`` () =
    let f (x: Tensor) = if x.Rank > 0 && x.Shape[0] > 2 then failwith "too many" else x * x
    let error =
        Assert.Throws<GradientMismatchException>(fun () -> Gradients.Check(f, Tensors.Of(Domain.Real()), seed = 1UL))
    Assert.Contains("too many", error.Message)
    Assert.Contains("shape (3)", error.Message)

[<Fact>]
let ``a failure of the property prints the report`` () =
    let property = Gradients.Property(softplusWith (fun x -> -(sigmoid x)), Tensors.Of(Domain.Real()))
    let error = Assert.ThrowsAny<Exception>(fun () -> passes property)
    Assert.Contains("disagrees with central differences", error.Message)

[<Fact>]
let ``gradients hold in float32 as well`` () =
    let f (x: Tensor) = Tensor.logSumExp [ -1 ] (x * x) + Tensor.meanAxes [ -1 ] (tanh x)
    passes (Gradients.Property(f, Tensors.Of(Domain.Real(dtype = DType.Float32), Shapes.Any(minRank = 1)), order = 2))

    // An error of one percent is not lost in rounding.
    let wrong: Tensor -> Tensor = customJvp exp (fun _ y t -> t * y * 1.01)
    Assert.Throws<GradientMismatchException>(fun () ->
        Gradients.Check(wrong, Tensors.Of(Domain.Real(dtype = DType.Float32)), seed = 1UL))
    |> ignore

[<Fact>]
let ``functions of matrices, with the structure that they need`` () =
    let count = 15
    let check (f: Tensor -> Tensor) inputs =
        Gradients.Check(f, inputs, order = 2, count = count, tolerance = 1e-5, seed = 3UL)
    check Linalg.inverse (Matrices.WellConditioned(3))
    check (Linalg.slogdet >> snd) (Matrices.WellConditioned(3))
    check Linalg.cholesky (Matrices.PositiveDefinite(3))
    check (Linalg.eigh >> fst) (Matrices.DistinctEigenvalues(3))
    check (Linalg.expm >> Tensor.sum) (Matrices.Symmetric(3))
    check (fun x -> fst (Linalg.qr x)) (Matrices.FullRank(Shapes.Only(4, 2)))

[<Fact>]
let ``functions with kinks and choices, away from them`` () =
    let check (f: Tensor -> Tensor) (inputs: Arbitrary<Tensor>) = Gradients.Check(f, inputs, count = 40, seed = 3UL)
    check relu (Tensors.Of(Domain.AwayFrom [ 0.0 ]))
    let vectors = Shapes.Any(minRank = 1, maxSize = 24)
    check (fun x -> Tensor.sort -1 x * Tensor.max x) (Tensors.Of(Domain.Distinct(), vectors))
    check (fun p -> -(Tensor.sumAxes [ -1 ] (p * log p))) (Tensors.Of(Domain.Simplex(), vectors))

[<Fact>]
let ``a function that broadcasts has right derivatives for every pair of shapes`` () =
    let pairs = Tensors.BroadcastPair(Domain.Positive())
    let f = Func<struct (Tensor * Tensor), Tensor>(fun (struct (x, y)) -> x / y + atan2 x y)
    Gradients.Check(f, pairs, order = 2, count = 40, seed = 3UL)
