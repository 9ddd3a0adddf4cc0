/// What the generators promise holds for what they draw, and for all that shrinking makes of it.
module Properties.GeneratorTests

open System
open Autodiff
open Autodiff.Testing
open FsCheck
open FsCheck.FSharp
open Xunit

let private floats (x: Tensor) = Tensor.toArray<float> x

/// Checks what is drawn, and follows shrinking to its end: at each step the first candidates are checked, and one of
/// them, in turn the first, the last or one between, is shrunk further.
let private holds (arb: Arbitrary<'a>) (promise: 'a -> bool) =
    let shrink = Arb.toShrink arb

    Arb.toGen arb
    |> Gen.sampleWithSeed (Rnd(20260114UL, 4711UL)) 100 10
    |> Array.iteri (fun sample value ->
        Assert.True(promise value, $"drawn: %A{value}")
        let mutable current = value
        let mutable steps = 0
        let mutable isDone = false

        while not isDone do
            let candidates = shrink current |> Seq.truncate 16 |> Seq.toArray

            for candidate in candidates do
                Assert.True(promise candidate, $"shrunk from %A{current}: %A{candidate}")

            if candidates.Length = 0 then
                isDone <- true
            else
                current <- candidates[[| 0; candidates.Length - 1; candidates.Length / 2 |][sample % 3]]

            steps <- steps + 1
            Assert.True(steps < 3_000, $"shrinking of %A{value} does not end; it is at %A{current}"))

/// The end of shrinking when all smaller inputs fail as well.
let private simplest (arb: Arbitrary<'a>) : 'a =
    let rec descend value =
        match Seq.tryHead (Arb.toShrink arb value) with
        | Some smaller -> descend smaller
        | None -> value

    Arb.toGen arb |> Gen.sampleWithSeed (Rnd(1UL, 3UL)) 100 1 |> Array.head |> descend

let private broadcasts (shapes: int[][]) =
    try
        (Seq.fold (fun x (shape: int[]) -> x + Tensor.zeros shape) (Tensor.zeros []) shapes).Rank >= 0
    with :? ArgumentException ->
        false

[<Fact>]
let ``shapes keep their bounds`` () =
    holds (Shapes.Any(maxRank = 4, maxLength = 5, minLength = 0, maxSize = 60)) (fun s ->
        s.Length <= 4 && Shape.size s <= 60L && s |> Array.forall (fun n -> n >= 0 && n <= 5))
    holds (Shapes.OfRank(2, minLength = 2)) (fun s -> s.Length = 2 && s |> Array.forall (fun n -> n >= 2 && n <= 4))
    Assert.Equal<int[]>([||], simplest (Shapes.Any()))
    Assert.Equal<int[]>([| 1; 1 |], simplest (Shapes.OfRank 2))

[<Fact>]
let ``pairs and triples of shapes broadcast, and mismatched ones do not`` () =
    holds (Shapes.BroadcastPair()) (fun (struct (a, b)) -> broadcasts [| a; b |])
    holds (Shapes.BroadcastTriple()) (fun (struct (a, b, c)) -> broadcasts [| a; b; c |])
    holds (Shapes.MismatchedPair()) (fun (struct (a, b)) -> not (broadcasts [| a; b |]))
    let struct (a, b) = simplest (Shapes.MismatchedPair())
    Assert.True(a.Length = 1 && b.Length = 1)

[<Fact>]
let ``axes belong to their shapes`` () =
    holds (Shapes.Axis(2, 3, 4)) (fun axis -> axis >= -3 && axis < 3)
    holds (Shapes.WithAxis()) (fun (struct (s, axis)) -> axis >= -s.Length && axis < s.Length)
    holds (Shapes.WithAxes()) (fun (struct (s, axes)) ->
        axes.Length > 0 && Array.distinct axes = axes && axes |> Array.forall (fun a -> a >= 0 && a < s.Length))

let domains: (string * Domain * (float[] -> bool)) list =
    let all p = Array.forall p
    let within low high = all (fun (v: float) -> v >= low && v <= high)

    [ "real", Domain.Real(-1.5, 3.0), within -1.5 3.0
      "real float32", Domain.Real(0.1, 0.3, DType.Float32), within 0.1 0.3
      "positive", Domain.Positive(), within 0.1 10.0
      "probability", Domain.Probability(), within 0.01 0.99
      "away", Domain.AwayFrom([ 0.0; 1.0 ], 0.25), all (fun v -> abs v >= 0.25 && abs (v - 1.0) >= 0.25 && abs v <= 2.0)
      "distinct",
      Domain.Distinct(),
      fun values -> Array.sort values |> Array.pairwise |> Array.forall (fun (a, b) -> b - a >= 1e-3)
      "integers", Domain.Integers(-3, 7), all (fun v -> v = Math.Round v && v >= -3.0 && v <= 7.0)
      "bytes", Domain.Integers(240, 255, DType.UInt8), within 240.0 255.0
      "bool", Domain.Bool, all (fun v -> v = 0.0 || v = 1.0)
      "chosen", Domain.Real(-1.0, 1.0).Where(fun v -> v > 0.3), within 0.3 1.0
      "chosen and distinct", Domain.Distinct(0.0, 50.0).Where(fun v -> v > 0.1), all (fun v -> v > 0.1)
      "special", Domain.Special DType.Float32, all (fun v -> v = 0.5 || v <> Math.Round v || abs v <> 0.25)
      "special integers", Domain.Special DType.Int32, all (fun v -> abs v <= 1.0 || abs v > 2e9) ]

[<Fact>]
let ``tensors stay in their domains`` () =
    for name, domain, promise in domains do
        holds (Tensors.Of domain) (fun x ->
            x.DType = domain.DType && (promise (floats x) || failwith $"{name}: {floats x}"))

[<Fact>]
let ``rows of the simplex sum to 1`` () =
    holds (Tensors.Of(Domain.Simplex(), Shapes.Any(minRank = 1))) (fun x ->
        floats x |> Array.forall (fun v -> v > 0.0)
        && floats (Tensor.sumAxes [ -1 ] x) |> Array.forall (fun s -> abs (s - 1.0) < 1e-12))

[<Fact>]
let ``special values include zeros of both signs, infinities and NaN`` () =
    let values =
        Tensors.OfShape(Domain.Special(), 10)
        |> Arb.toGen
        |> Gen.sampleWithSeed (Rnd(7UL, 9UL)) 50 100
        |> Array.collect floats

    Assert.Contains(values, Double.IsNaN)
    Assert.Contains(values, Double.IsPositiveInfinity)
    Assert.Contains(values, (fun v -> v = 0.0 && Double.IsNegative v))
    Assert.Contains(values, Double.IsSubnormal)

[<Fact>]
let ``tensors shrink to the simplest of their domain`` () =
    Assert.Equal("0", (simplest (Tensors.Of(Domain.Real()))).ToString())
    Assert.Equal<float[]>([| 1.0 |], floats (simplest (Tensors.Of(Domain.Positive()))))
    Assert.Equal<float[]>([| 3.0; 3.0 |], floats (simplest (Tensors.OfShape(Domain.Integers(3, 100), 2))))
    Assert.Equal<float[]>([| 0.5; 0.5 |], floats (simplest (Tensors.OfShape(Domain.Simplex(), 2))))

[<Fact>]
let ``pairs of tensors shrink together`` () =
    holds (Tensors.BroadcastPair(Domain.Real())) (fun (struct (x, y)) -> broadcasts [| x.Shape; y.Shape |])
    holds (Tensors.SameShapePair(Domain.Positive(), Shapes.Any())) (fun (struct (x, y)) -> x.Shape = y.Shape)

let private transposed (x: Tensor) = Tensor.transpose x
let private distance (x: Tensor) (y: Tensor) = (Tensor.norm (x - y)).ToDouble()
let private eye (x: Tensor) = Tensor.cast DType.Float64 (Tensor.eye x.Shape[0])

[<Fact>]
let ``matrices have their structure`` () =
    let condition x = (Linalg.cond x).ToDouble()
    holds (Matrices.WellConditioned(5, 20.0)) (fun x -> condition x <= 20.001)
    holds (Matrices.FullRank(Shapes.OfRank 2, 5.0)) (fun x -> condition x <= 5.001)
    holds (Matrices.Symmetric()) (fun x -> distance x (transposed x) = 0.0)
    holds (Matrices.PositiveDefinite(condition = 50.0)) (fun x ->
        distance x (transposed x) = 0.0
        && floats (fst (Linalg.eigh x)) |> Array.forall (fun v -> v > 0.0)
        && condition x <= 50.01)
    holds (Matrices.DistinctEigenvalues(gap = 0.5)) (fun x ->
        floats (fst (Linalg.eigh x)) |> Array.pairwise |> Array.forall (fun (a, b) -> b - a >= 0.49))
    holds (Matrices.Triangular()) (fun x ->
        distance x (Tensor.tril 0 x) = 0.0 && abs ((Linalg.det x).ToDouble()) > 0.05)
    holds (Matrices.Triangular(lower = false, unitDiagonal = true)) (fun x ->
        distance x (Tensor.triu 0 x) = 0.0 && floats (Tensor.diagonal 0 x) |> Array.forall ((=) 1.0))
    holds (Matrices.Orthogonal()) (fun x -> distance (Tensor.matmul x (transposed x)) (eye x) < 1e-10)
    Assert.Equal<float[]>([| 1.0 |], floats (simplest (Matrices.WellConditioned())))

[<Fact>]
let ``a condition number is reached`` () =
    let largest =
        Arb.toGen (Matrices.WellConditioned(minSize = 3, condition = 1000.0))
        |> Gen.sampleWithSeed (Rnd(5UL, 7UL)) 50 20
        |> Array.map (fun x -> (Linalg.cond x).ToDouble())

    Assert.All(largest, (fun c -> Assert.Equal(1000.0, c, 1e-6 * 1000.0)))

type private Model = { Weight: Tensor; Biases: Tensor list; Classes: Tensor; Name: string }

let private model =
    { Weight = Tensor.zeros [ 2; 3 ]
      Biases = [ Tensor.scalar 0.0; Tensor.zeros [ 2 ] ]
      Classes = Tensor.ofArray [ 2 ] [| 1; 4 |]
      Name = "model" }

[<Fact>]
let ``trees and tangents have the structure of what they are like`` () =
    let fits (x: Model) =
        x.Name = "model"
        && floats x.Classes = [| 1.0; 4.0 |]
        && Array.forall2
            (fun (a: Tensor) (b: Tensor) -> a.Shape = b.Shape && a.DType = b.DType)
            (Tree.leaves x)
            (Tree.leaves model)

    holds (Trees.Of(model, Domain.Real())) fits

    holds (Trees.WithTangent(Trees.Of(model, Domain.Real()))) (fun (struct (x, t)) ->
        fits x && floats t.Classes = [| 0.0; 0.0 |] && t.Weight.Shape = [| 2; 3 |])

    for t in Trees.Direction model |> Gen.sampleWithSeed (Rnd(1UL, 3UL)) 10 5 do
        let squares =
            Tree.leaves t |> Array.sumBy (fun x -> (Tensor.sum (square (Tensor.cast DType.Float64 x))).ToDouble())
        Assert.Equal(1.0, squares, 1e-6)

[<Fact>]
let ``bounds that allow nothing are errors`` () =
    let fails (part: string) (make: unit -> obj) =
        let error = Assert.Throws<ArgumentException>(fun () -> make () |> ignore)
        Assert.Contains(part, error.Message)

    fails "allow no shape" (fun () -> Shapes.Any(maxLength = 0))
    fails "no interval" (fun () -> Domain.Real(1.0, 1.0))
    fails "a smaller distance" (fun () -> Domain.AwayFrom([ 0.0 ], 5.0))
    fails "not a condition number" (fun () -> Matrices.WellConditioned(condition = 0.5))
    fails "does not hold" (fun () -> Domain.Integers(-1, 3, DType.UInt8))
    fails "cannot be drawn" (fun () -> Gen.sample 1 (Arb.toGen (Tensors.OfShape(Domain.Distinct(gap = 1.0), 9))))
