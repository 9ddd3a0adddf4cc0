namespace Autodiff.Testing

open System
open System.Runtime.InteropServices
open Autodiff
open FsCheck
open FsCheck.FSharp

/// Generators of matrices with a structure, in float64 unless asked otherwise. Shrinking gives smaller and simpler
/// matrices of the same structure, ending at the identity.
[<AbstractClass; Sealed>]
type Matrices private () =
    static let check operation least largest =
        if least < 0 || largest < Math.Max(least, 1) then
            Shape.fail operation $"sizes from {least} to {largest} allow no matrix; give numbers in order."

    static let checkCondition operation (condition: float) =
        if not (condition >= 1.0 && Double.IsFinite condition) then
            Shape.fail operation $"{condition} is not a condition number; it is at least 1."

    static let sizes least largest = Gen.sized (fun size -> Gen.choose (least, max least (min largest (1 + size / 8))))

    static let key = Gen.choose (0, Int32.MaxValue) |> Gen.map Key

    static let identity (rows: int) (columns: int) : Tensor =
        Tensor.ofArray
            [| rows; columns |]
            [| for i in 0 .. rows * columns - 1 -> if i / columns = i % columns then 1.0 else 0.0 |]

    /// Columns of random directions at right angles: the factor Q of a normal matrix (Stewart 1980).
    static let columns (key: Key) (rows: int) (count: int) : Tensor =
        fst (Linalg.qr (key.Normal([| rows; count |], dtype = DType.Float64)))

    /// Positive numbers from 1 / sqrt condition to sqrt condition, with both ends: at least two, unless there is one.
    static let spectrum (key: Key) (condition: float) (n: int) : Tensor =
        let places = Tensor.toArray<float>(key.Uniform([| n |], dtype = DType.Float64))

        if n > 1 then
            places[0] <- 0.0
            places[n - 1] <- 1.0

        Tensor.ofSeq (places |> Array.map (fun r -> Math.Pow(condition, r - 0.5)))

    static let cast (dtype: DType) (x: Tensor) = Tensor.Cast(x, dtype)

    static let block n (x: Tensor) : Tensor = x |> Tensor.slice 0 None (Some n) 1 |> Tensor.slice 1 None (Some n) 1

    static let same (x: Tensor) (y: Tensor) = x.Shape = y.Shape && Tensor.toArray<float> x = Tensor.toArray<float> y

    /// The elements rounded: to whole numbers first, then to fewer digits than they have.
    static let rounded (x: Tensor) : seq<Tensor> =
        seq { for scale in [ 1.0; 10.0; 100.0 ] -> (round (x * scale)) * (1.0 / scale) }
        |> Seq.takeWhile (fun y -> not (same x y))

    /// A shrinker by candidates that keep the structure, of which a smaller one and the identity always do.
    static let shrinkTo
        (keeps: Tensor -> bool)
        (candidates: Tensor -> seq<Tensor>)
        (least: int)
        (x: Tensor)
        : seq<Tensor> =
        seq {
            let n = x.Shape[0]

            if n > least then
                identity least least
                if n - 1 > least then
                    identity (n - 1) (n - 1)

            if not (same x (identity n n)) then
                if n > least then
                    block (n - 1) x

                identity n n
                yield! candidates x |> Seq.filter (fun y -> not (same x y))
        }
        |> Seq.map (cast x.DType)
        |> Seq.filter keeps

    static let diagonalPart (x: Tensor) = Tensor.diag 0 (Tensor.diagonal 0 x)

    static let square least largest (make: int -> Gen<Tensor>) dtype keeps candidates =
        Arb.fromGenShrink (
            sizes least largest |> Gen.bind make |> Gen.map (cast dtype),
            shrinkTo keeps candidates least
        )

    static let wide (x: Tensor) = cast DType.Float64 x

    static let conditionOf (x: Tensor) = if x.Size = 0 then 1.0 else (Linalg.cond (wide x)).ToDouble()

    /// What rounding to the element type may add.
    static let isWithin condition (x: Tensor) = conditionOf x <= condition * (1.0 + 1e-5)

    static let real low high (shape: int[]) = key |> Gen.map (fun key -> key.Uniform(shape, low, high, DType.Float64))

    /// Square matrices with singular values from 1 / sqrt condition to sqrt condition, both of which occur, between
    /// random orthogonal matrices: U diag(s) V^T. Shrinking never makes the condition worse.
    static member WellConditioned
        (
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(10.0)>] condition: float,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.WellConditioned" minSize maxSize
        checkCondition "Matrices.WellConditioned" condition

        let make n =
            key
            |> Gen.map (fun key ->
                let u, v = columns (key.FoldIn 1) n n, columns (key.FoldIn 2) n n
                Tensor.matmul (u * spectrum (key.FoldIn 3) condition n) (Tensor.transpose v))

        square minSize maxSize make dtype (isWithin condition) (fun x -> Seq.append [ diagonalPart x ] (rounded x))

    /// Matrices of generated shapes (m, n) with independent rows or columns, and singular values from 1 / sqrt condition
    /// to sqrt condition.
    static member FullRank
        (
            shapes: Arbitrary<int[]>,
            [<Optional; DefaultParameterValue(10.0)>] condition: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        checkCondition "Matrices.FullRank" condition

        let make (shape: int[]) =
            if shape.Length <> 2 then
                Shape.fail
                    "Matrices.FullRank"
                    $"{Shape.format shape} is not the shape of a matrix; use Shapes.OfRank 2."

            key
            |> Gen.map (fun key ->
                let m, n = shape[0], shape[1]
                let k = min m n
                let u, v = columns (key.FoldIn 1) m k, columns (key.FoldIn 2) n k
                Tensor.matmul (u * spectrum (key.FoldIn 3) condition k) (Tensor.transpose v))

        let shrink (x: Tensor) =
            seq {
                for shape in Arb.toShrink shapes x.Shape do
                    identity shape[0] shape[1]

                let one = identity x.Shape[0] x.Shape[1]

                if not (same x one) then
                    one
                    yield! rounded x
            }
            |> Seq.map (cast x.DType)
            |> Seq.filter (isWithin condition)

        Arb.fromGenShrink (Arb.toGen shapes |> Gen.bind make |> Gen.map (cast dtype), shrink)

    /// Symmetric matrices with elements from -2 to 2.
    static member Symmetric
        (
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.Symmetric" minSize maxSize

        let make n = real -2.0 2.0 [| n; n |] |> Gen.map (fun x -> (x + Tensor.transpose x) * 0.5)

        square minSize maxSize make dtype (fun _ -> true) (fun x -> Seq.append [ diagonalPart x ] (rounded x))

    /// Symmetric matrices with eigenvalues that differ by a gap at least: for functions of eigenvectors, which are not
    /// determined where eigenvalues are equal.
    static member DistinctEigenvalues
        (
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(0.25)>] gap: float,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.DistinctEigenvalues" minSize maxSize

        if not (gap > 0.0 && Double.IsFinite gap) then
            Shape.fail "Matrices.DistinctEigenvalues" $"the gap {gap} is not a positive number."

        let make n =
            key
            |> Gen.map (fun key ->
                let q = columns (key.FoldIn 1) n n
                let steps = (key.FoldIn 2).Uniform([| n |], 1.1 * gap, 3.0 * gap, DType.Float64)
                let values = Tensor.cumsum 0 steps
                let x = Tensor.matmul (q * (values - Tensor.mean values)) (Tensor.transpose q)
                (x + Tensor.transpose x) * 0.5)

        let keeps (x: Tensor) =
            let values = Tensor.toArray<float>(fst (Linalg.eigh (wide x)))
            values |> Array.pairwise |> Array.forall (fun (a, b) -> b - a >= gap)

        let steps n = Tensor.diag 0 (Tensor.arange 0.0 (float n) 1.0) * Math.Ceiling(1.0 + gap)

        square minSize maxSize make dtype keeps (fun x ->
            if same x (steps x.Shape[0]) then
                Seq.empty
            else
                Seq.append [ steps x.Shape[0]; diagonalPart x ] (rounded x))

    /// Symmetric matrices with eigenvalues from 1 / sqrt condition to sqrt condition, both of which occur.
    static member PositiveDefinite
        (
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(10.0)>] condition: float,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.PositiveDefinite" minSize maxSize
        checkCondition "Matrices.PositiveDefinite" condition

        let make n =
            key
            |> Gen.map (fun key ->
                let q = columns (key.FoldIn 1) n n
                let x = Tensor.matmul (q * spectrum (key.FoldIn 2) condition n) (Tensor.transpose q)
                (x + Tensor.transpose x) * 0.5)

        let keeps (x: Tensor) =
            isWithin condition x && Tensor.toArray<float>(fst (Linalg.eigh (wide x))) |> Array.forall (fun v -> v > 0.0)

        square minSize maxSize make dtype keeps (fun x -> Seq.append [ diagonalPart x ] (rounded x))

    /// Triangular matrices with elements from -1 to 1 off the diagonal, and on it numbers from 0.5 to 2 of both signs, or
    /// ones.
    static member Triangular
        (
            [<Optional; DefaultParameterValue(true)>] lower: bool,
            [<Optional; DefaultParameterValue(false)>] unitDiagonal: bool,
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.Triangular" minSize maxSize

        let make n =
            gen {
                let! inside = real -1.0 1.0 [| n; n |]
                let! signs = Gen.arrayOfLength n (Gen.elements [ 1.0; -1.0 ])
                let! sizes = real 0.5 2.0 [| n |]
                let triangle = if lower then Tensor.tril -1 inside else Tensor.triu 1 inside
                let diagonal = if unitDiagonal then identity n n else Tensor.diag 0 (sizes * Tensor.ofSeq signs)
                return triangle + diagonal
            }

        let keeps (x: Tensor) =
            let diagonal = Tensor.toArray<float>(Tensor.diagonal 0 x)
            diagonal |> Array.forall (fun v -> if unitDiagonal then v = 1.0 else abs v >= 0.5 && abs v <= 2.0)

        square minSize maxSize make dtype keeps (fun x -> Seq.append [ diagonalPart x ] (rounded x))

    /// Orthogonal matrices, uniform over all directions and with determinants of both signs.
    static member Orthogonal
        (
            [<Optional; DefaultParameterValue(4)>] maxSize: int,
            [<Optional; DefaultParameterValue(1)>] minSize: int,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Arbitrary<Tensor> =
        check "Matrices.Orthogonal" minSize maxSize

        let make n =
            gen {
                let! key = key
                // The factor Q is uniform once its columns have signs of their own (Stewart 1980).
                let! signs = Gen.arrayOfLength n (Gen.elements [ 1.0; -1.0 ])
                return columns key n n * Tensor.ofSeq signs
            }

        let keeps (x: Tensor) =
            let n = x.Shape[0]
            let error = Tensor.matmul (wide x) (Tensor.transpose (wide x)) - identity n n
            (Tensor.norm error).ToDouble() <= 1e-5 * float (n + 1)

        square minSize maxSize make dtype keeps rounded
