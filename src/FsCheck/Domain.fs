namespace Autodiff.Testing

open System
open System.Globalization
open System.Runtime.InteropServices
open Autodiff
open FsCheck
open FsCheck.FSharp

/// Numbers, and how they become simpler.
module internal Numbers =
    /// A number from 0 up to 1, in steps of 2^-30.
    let fraction: Gen<float> = Gen.choose (0, (1 <<< 30) - 1) |> Gen.map (fun i -> float i / float (1 <<< 30))

    /// A value as a type holds it.
    let rounded (dtype: DType) (v: float) = if dtype = DType.Float32 then float (float32 v) else v

    /// The number of digits after the point that a type needs to hold a value.
    let private digits (dtype: DType) (v: float) =
        let text =
            if dtype = DType.Float32 then
                (float32 v).ToString("R", CultureInfo.InvariantCulture)
            else
                v.ToString("R", CultureInfo.InvariantCulture)

        if text.Contains 'E' then
            20
        else
            match text.IndexOf '.' with
            | -1 -> 0
            | point -> text.Length - point - 1

    /// Simpler numbers, the simplest first: those with fewer digits after the point; of whole numbers, those nearer 0; of
    /// two opposite numbers the positive one. No chain of them goes on for ever.
    let simpler (dtype: DType) (v: float) : seq<float> =
        if v = 0.0 then
            if Double.IsNegative v then Seq.singleton 0.0 else Seq.empty
        elif Double.IsNaN v then
            seq {
                0.0
                1.0
            }
        elif Double.IsInfinity v then
            seq {
                0.0
                if v < 0.0 then Double.PositiveInfinity else 1.0
            }
        else
            seq {
                0.0

                let d = digits dtype v

                if d > 0 then
                    // At least one of the neighbours is in a domain that is not too narrow.
                    for places in 0 .. min (d - 1) 3 do
                        let unit = Math.Pow(10.0, float places)
                        let near = Math.Round(v * unit) / unit
                        near
                        let other = (if near > v then Math.Floor(v * unit) else Math.Ceiling(v * unit)) / unit
                        if other <> near then
                            other
                else
                    // Half, three quarters and so on of the way back: the edge of a failure is found in few steps.
                    yield!
                        Seq.unfold
                            (fun step -> if step < 1.0 then None else Some(step, Math.Truncate(step / 2.0)))
                            (Math.Truncate(abs v / 2.0))
                        |> Seq.map (fun step -> v - float (sign v) * step)

                if v < 0.0 then
                    -v
            }
            |> Seq.map (rounded dtype)
            |> Seq.filter (fun n -> n <> v)

/// The set that the elements of a tensor are drawn from, their type, and how they become simpler without leaving it.
///
/// A domain is closed under shrinking, but the differences that check a derivative reach a few 1e-5 beyond it: choose
/// intervals inside those where the function is smooth.
[<Sealed>]
type Domain
    internal
    (
        dtype: DType,
        one: Gen<float> option,
        draw: int[] -> Gen<float[]>,
        contains: int[] -> float[] -> bool,
        simpler: DType -> float -> seq<float>,
        repair: int[] -> float[] -> float[]
    ) =
    static let size (shape: int[]) = int (Shape.size shape)

    static let rounded = Numbers.rounded

    static let independent dtype (one: Gen<float>) (contains: float -> bool) (simpler: DType -> float -> seq<float>) =
        Domain(
            dtype,
            Some one,
            (fun shape -> Gen.arrayOfLength (size shape) one),
            (fun _ values -> Array.forall contains values),
            simpler,
            (fun _ values -> values)
        )

    static let needFloat operation dtype =
        if not (DTypes.IsFloat dtype) then
            Shape.fail operation $"{DTypes.Name dtype} is not float32 or float64; for whole numbers use Integers."

    static let needInterval operation (low: float) (high: float) =
        if not (low < high && Double.IsFinite low && Double.IsFinite high) then
            Shape.fail operation $"from {low} to {high} is no interval; the first must be less than the second."

    static let uniform dtype low high =
        Numbers.fraction |> Gen.map (fun r -> Math.Clamp(rounded dtype (low + (high - low) * r), low, high))

    /// The type of the elements.
    member _.DType = dtype
    member internal _.Draw(shape: int[]) = draw shape
    member internal _.Contains(shape: int[], values: float[]) = contains shape values
    /// Simpler values that a tensor of a type, which may be narrower, can hold.
    member internal _.Simpler(dtype: DType, value: float) = simpler dtype value
    /// The values in the domain that those of another tensor in it become when only a part of them is left.
    member internal _.Repair(shape: int[], values: float[]) = repair shape values

    /// Real numbers from low to high.
    static member Real
        (
            [<Optional; DefaultParameterValue(-2.0)>] low: float,
            [<Optional; DefaultParameterValue(2.0)>] high: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Domain =
        needFloat "Domain.Real" dtype
        needInterval "Domain.Real" low high
        independent dtype (uniform dtype low high) (fun v -> v >= low && v <= high) Numbers.simpler

    /// Positive numbers, from 0.1 to 10 by default: each factor of 10 has the same share.
    static member Positive
        (
            [<Optional; DefaultParameterValue(0.1)>] low: float,
            [<Optional; DefaultParameterValue(10.0)>] high: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Domain =
        needFloat "Domain.Positive" dtype
        needInterval "Domain.Positive" low high

        if low <= 0.0 then
            Shape.fail "Domain.Positive" $"the lowest number, {low}, is not positive."

        let one =
            Numbers.fraction |> Gen.map (fun r -> Math.Clamp(rounded dtype (low * Math.Pow(high / low, r)), low, high))

        independent dtype one (fun v -> v >= low && v <= high) Numbers.simpler

    /// Probabilities strictly between 0 and 1, at least a margin from both.
    static member Probability
        (
            [<Optional; DefaultParameterValue(0.01)>] margin: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Domain =
        if not (margin >= 0.0 && margin < 0.5) then
            Shape.fail "Domain.Probability" $"the margin {margin} leaves no probabilities; use one from 0 to 0.5."

        Domain.Real(margin, 1.0 - margin, dtype)

    /// Real numbers from low to high that keep a distance from some points, such as the kinks of a function.
    static member AwayFrom
        (
            points: seq<float>,
            [<Optional; DefaultParameterValue(0.05)>] distance: float,
            [<Optional; DefaultParameterValue(-2.0)>] low: float,
            [<Optional; DefaultParameterValue(2.0)>] high: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Domain =
        needFloat "Domain.AwayFrom" dtype
        needInterval "Domain.AwayFrom" low high
        let points = Seq.toArray points
        let isClear (v: float) = v >= low && v <= high && points |> Array.forall (fun p -> abs (v - p) >= distance)

        // What is left of the interval, between the points.
        let pieces =
            [| low
               for p in Array.sort points do
                   p - distance
                   p + distance
               high |]
            |> Array.chunkBySize 2
            |> Array.map (fun ends -> max low ends[0], min high ends[1])
            |> Array.filter (fun (a, b) -> a < b && isClear ((a + b) / 2.0))

        if pieces.Length = 0 then
            Shape.fail
                "Domain.AwayFrom"
                $"no numbers from {low} to {high} are {distance} from all points; take a smaller distance."

        let total = pieces |> Array.sumBy (fun (a, b) -> b - a)

        let at r =
            let mutable left = r * total
            let mutable i = 0

            while i < pieces.Length - 1 && left > snd pieces[i] - fst pieces[i] do
                left <- left - (snd pieces[i] - fst pieces[i])
                i <- i + 1

            let a, b = pieces[i]
            let v = min b (a + left)
            // Rounding may carry a number over the end of its piece.
            let near = rounded dtype v
            if isClear near then near else rounded dtype ((a + b) / 2.0)

        independent dtype (Gen.map at Numbers.fraction) isClear Numbers.simpler

    /// Real numbers from low to high of which any two in a tensor are at least a gap apart: for sorting, and for maxima
    /// without ties.
    static member Distinct
        (
            [<Optional; DefaultParameterValue(-2.0)>] low: float,
            [<Optional; DefaultParameterValue(2.0)>] high: float,
            [<Optional; DefaultParameterValue(1e-3)>] gap: float,
            [<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType
        ) : Domain =
        needFloat "Domain.Distinct" dtype
        needInterval "Domain.Distinct" low high

        let draw shape =
            let n = size shape
            let width = (high - low) / float n

            if width * 0.5 < gap then
                Shape.fail
                    "Domain.Distinct"
                    $"{n} numbers from {low} to {high} cannot be drawn {gap} apart; take a wider interval, a smaller gap, or smaller shapes."

            gen {
                let! places = Gen.shuffle [| 0 .. n - 1 |]
                let! jitters = Gen.arrayOfLength n Numbers.fraction
                return Array.map2 (fun i r -> rounded dtype (low + (float i + 0.25 + 0.49 * r) * width)) places jitters
            }

        let contains _ (values: float[]) =
            let sorted = Array.sort values

            Array.forall (fun v -> v >= low && v <= high) values
            && sorted |> Array.pairwise |> Array.forall (fun (a, b) -> b - a >= gap)

        Domain(dtype, None, draw, contains, Numbers.simpler, (fun _ values -> values))

    /// Probabilities along the last axis: positive numbers that sum to 1.
    static member Simplex([<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType) : Domain =
        needFloat "Domain.Simplex" dtype

        let width (shape: int[]) = if shape.Length = 0 then 1 else shape[shape.Length - 1]

        let normalized (shape: int[]) (values: float[]) =
            if values.Length = 0 then
                values
            else
                values
                |> Array.chunkBySize (width shape)
                |> Array.collect (fun row ->
                    let sum = Array.sum row in row |> Array.map (fun v -> rounded dtype (v / sum)))

        let exactness = if dtype = DType.Float32 then 1e-5 else 1e-12

        let contains (shape: int[]) (values: float[]) =
            values.Length = 0
            || Array.forall (fun v -> v > 0.0) values
               && values
                  |> Array.chunkBySize (width shape)
                  |> Array.forall (fun row -> abs (Array.sum row - 1.0) <= exactness)

        let draw shape =
            Gen.arrayOfLength (size shape) (Numbers.fraction |> Gen.map (fun r -> 0.02 - Math.Log(1.0 - r)))
            |> Gen.map (normalized shape)

        // One number cannot change alone, so that a row becomes simpler by becoming even.
        Domain(dtype, None, draw, contains, (fun _ _ -> Seq.singleton 1.0), normalized)

    /// Whole numbers from low to high, both included.
    static member Integers
        (low: int, high: int, [<Optional; DefaultParameterValue(DType.Int64)>] dtype: DType)
        : Domain =
        if high < low then
            Shape.fail "Domain.Integers" $"the range from {low} to {high} is empty."

        if dtype = DType.Bool || (dtype = DType.UInt8 && (low < 0 || high > 255)) then
            Shape.fail "Domain.Integers" $"{DTypes.Name dtype} does not hold the numbers from {low} to {high}."

        independent
            dtype
            (Gen.choose (low, high) |> Gen.map float)
            (fun v -> v >= float low && v <= float high)
            Numbers.simpler

    /// Truth values; true becomes false.
    static member Bool: Domain =
        independent DType.Bool (Gen.elements [ 0.0; 1.0 ]) (fun v -> v = 0.0 || v = 1.0) (fun _ v ->
            if v = 0.0 then Seq.empty else Seq.singleton 0.0)

    /// The numbers at which functions have conventions: zeros of both signs, infinities, NaN, the largest, the smallest
    /// and the smallest normal numbers, and those around 1; for integers 0, 1, -1 and the ends of the type's range. Not for
    /// gradients.
    static member Special([<Optional; DefaultParameterValue(DType.Float64)>] dtype: DType) : Domain =
        let bothSigns (values: float list) =
            [ for v in values do
                  yield! [ v; -v ] ]

        let values =
            match dtype with
            | DType.Float64 ->
                bothSigns
                    [ 0.0
                      1.0
                      0.5
                      Math.BitIncrement 1.0
                      Double.MaxValue
                      Double.Epsilon
                      2.2250738585072014e-308
                      infinity ]
                @ [ nan ]
            | DType.Float32 ->
                bothSigns
                    [ 0.0
                      1.0
                      0.5
                      float (MathF.BitIncrement 1f)
                      float Single.MaxValue
                      float Single.Epsilon
                      float 1.17549435e-38f
                      infinity ]
                @ [ nan ]
            // 2^63 - 1024 is the largest float64 below the end of the range.
            | DType.Int64 -> [ 0.0; 1.0; -1.0; -9223372036854775808.0; 9223372036854774784.0 ]
            | DType.Int32 -> [ 0.0; 1.0; -1.0; float Int32.MinValue; float Int32.MaxValue ]
            | DType.UInt8 -> [ 0.0; 1.0; 127.0; 128.0; 255.0 ]
            | _ -> [ 0.0; 1.0 ]

        let isOne v = values |> List.exists (fun w -> w.Equals v && Double.IsNegative w = Double.IsNegative v)
        independent dtype (Gen.elements values) isOne (fun dtype v -> Numbers.simpler dtype v |> Seq.filter isOne)

    /// The numbers of this domain for which a condition holds; it must hold for many, as others are drawn again.
    member _.Where(condition: Func<float, bool>) : Domain =
        let chosen = one |> Option.map (Gen.filter condition.Invoke)
        let holds values = Array.forall condition.Invoke values

        let draw shape =
            match chosen with
            | Some one -> Gen.arrayOfLength (size shape) one
            | None -> draw shape |> Gen.filter holds

        Domain(dtype, chosen, draw, (fun shape values -> holds values && contains shape values), simpler, repair)
