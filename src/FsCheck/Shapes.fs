namespace Autodiff.Testing

open System
open System.Runtime.InteropServices
open Autodiff
open FsCheck
open FsCheck.FSharp

/// Generators of shapes. Shrinking removes axes and shortens them.
[<AbstractClass; Sealed>]
type Shapes private () =
    /// A longest axis that grows with the size that FsCheck asks for, so that the first failures are small.
    static let length least longest size = Gen.choose (least, max least (min longest (1 + size / 8)))

    static let check operation maxRank least longest =
        if maxRank < 0 || least < 0 || longest < least then
            Shape.fail
                operation
                $"ranks up to {maxRank} and lengths from {least} to {longest} allow no shape; give numbers from 0 up, in order."

    static let ofRank least longest rank = Gen.sized (fun size -> Gen.arrayOfLength rank (length least longest size))

    static let dropped (axis: int) (shape: int[]) = Array.removeAt axis shape

    /// Shorter lengths, the shortest first.
    static let shorter (least: int) (n: int) : seq<int> =
        seq {
            if n > least then
                least

                if n / 2 > least then
                    n / 2

                if n - 1 > least && n - 1 <> n / 2 then
                    n - 1
        }

    /// All shapes with one axis less, and with one axis shorter.
    static let smaller minRank least (shape: int[]) : seq<int[]> =
        seq {
            if shape.Length > minRank then
                for axis in 0 .. shape.Length - 1 do
                    dropped axis shape

            for axis in 0 .. shape.Length - 1 do
                for n in shorter least shape[axis] do
                    Array.updateAt axis n shape
        }

    static let arb minRank maxRank least longest maxSize =
        let isSmall shape = Shape.size shape <= int64 maxSize

        let gen =
            Gen.choose (minRank, maxRank)
            |> Gen.bind (ofRank least longest)
            // A shape that is too large loses length where it has most.
            |> Gen.map (fun shape ->
                let shape = Array.copy shape

                while not (isSmall shape) do
                    let axis = Array.findIndex ((=) (Array.max shape)) shape
                    shape[axis] <- shape[axis] - 1

                shape)

        Arb.fromGenShrink (gen, smaller minRank least)

    /// Shapes that broadcast together to a shape: leading axes are left out, and axes become 1.
    static let broadcasting count (shape: int[]) =
        let one =
            gen {
                let! kept = Gen.choose (0, shape.Length)
                let! stretched = Gen.arrayOfLength kept (Gen.frequency [ 2, Gen.constant false; 1, Gen.constant true ])
                return Array.map2 (fun n isOne -> if isOne then 1 else n) shape[shape.Length - kept ..] stretched
            }

        gen {
            let! others = Gen.arrayOfLength (count - 1) one
            return! Gen.shuffle (Array.append [| shape |] others)
        }

    static let broadcast (shapes: int[][]) = shapes |> Array.fold (Shape.broadcast "Shapes") [||]

    static let doBroadcast shapes =
        try
            broadcast shapes |> ignore
            true
        with :? ArgumentException ->
            false

    /// The same axis taken from all shapes, counted from the last; or shortened in all where it is not 1.
    static let smallerTogether least (shapes: int[][]) =
        let rank = shapes |> Array.map Array.length |> Array.max
        let full = broadcast shapes

        seq {
            for fromEnd in 1..rank do
                shapes |> Array.map (fun s -> if fromEnd <= s.Length then dropped (s.Length - fromEnd) s else s)

            for fromEnd in 1..rank do
                for n in shorter least full[rank - fromEnd] do
                    shapes
                    |> Array.map (fun s ->
                        if fromEnd <= s.Length && s[s.Length - fromEnd] <> 1 then
                            Array.updateAt (s.Length - fromEnd) n s
                        else
                            s)
        }

    static let broadcastArb operation count maxRank longest =
        check operation maxRank 1 longest

        let gen =
            gen {
                let! rank = Gen.choose (0, maxRank)
                let! shape = ofRank 1 longest rank
                return! broadcasting count shape
            }

        Arb.fromGenShrink (gen, smallerTogether 1)

    /// All shapes up to a rank, with axes of lengths from a least to a greatest, and up to a number of elements.
    static member Any
        (
            [<Optional; DefaultParameterValue(3)>] maxRank: int,
            [<Optional; DefaultParameterValue(4)>] maxLength: int,
            [<Optional; DefaultParameterValue(1)>] minLength: int,
            [<Optional; DefaultParameterValue(0)>] minRank: int,
            [<Optional; DefaultParameterValue(256)>] maxSize: int
        ) : Arbitrary<int[]> =
        check "Shapes.Any" maxRank minLength maxLength

        if minRank < 0 || minRank > maxRank || maxSize < 1 then
            Shape.fail "Shapes.Any" $"ranks from {minRank} to {maxRank} with at most {maxSize} elements allow no shape."

        arb minRank maxRank minLength maxLength maxSize

    /// Shapes of one rank, which shrinking keeps.
    static member OfRank
        (
            rank: int,
            [<Optional; DefaultParameterValue(4)>] maxLength: int,
            [<Optional; DefaultParameterValue(1)>] minLength: int
        ) : Arbitrary<int[]> =
        check "Shapes.OfRank" rank minLength maxLength
        arb rank rank minLength maxLength Int32.MaxValue

    /// One shape only.
    static member Only([<ParamArray>] shape: int[]) : Arbitrary<int[]> =
        Shape.validate "Shapes.Only" shape
        Arb.fromGen (Gen.constant shape)

    /// Two shapes that broadcast.
    static member BroadcastPair
        ([<Optional; DefaultParameterValue(3)>] maxRank: int, [<Optional; DefaultParameterValue(4)>] maxLength: int)
        : Arbitrary<struct (int[] * int[])> =
        broadcastArb "Shapes.BroadcastPair" 2 maxRank maxLength
        |> Arb.convert (fun s -> struct (s[0], s[1])) (fun (struct (a, b)) -> [| a; b |])

    /// Three shapes that broadcast.
    static member BroadcastTriple
        ([<Optional; DefaultParameterValue(3)>] maxRank: int, [<Optional; DefaultParameterValue(4)>] maxLength: int)
        : Arbitrary<struct (int[] * int[] * int[])> =
        broadcastArb "Shapes.BroadcastTriple" 3 maxRank maxLength
        |> Arb.convert (fun s -> struct (s[0], s[1], s[2])) (fun (struct (a, b, c)) -> [| a; b; c |])

    /// Two shapes that do not broadcast: in one axis, counted from the last, they have different lengths above 1.
    static member MismatchedPair
        ([<Optional; DefaultParameterValue(3)>] maxRank: int, [<Optional; DefaultParameterValue(4)>] maxLength: int)
        : Arbitrary<struct (int[] * int[])> =
        if maxRank < 1 || maxLength < 3 then
            Shape.fail
                "Shapes.MismatchedPair"
                $"rank {maxRank} and length {maxLength}: shapes differ from rank 1 and length 3 on."

        let gen =
            gen {
                let! rank = Gen.choose (1, maxRank)
                let! shape = ofRank 1 maxLength rank
                let! axis = Gen.choose (0, rank - 1)
                let! a = Gen.choose (2, maxLength)
                let! b = Gen.choose (2, maxLength - 1) |> Gen.map (fun b -> if b >= a then b + 1 else b)
                let first, second = Array.updateAt axis a shape, Array.updateAt axis b shape
                let! cut = Gen.choose (0, axis)
                return! Gen.elements [ [| first; second[cut..] |]; [| first[cut..]; second |] ]
            }

        // Shapes of different ranks lose axes from the last on, as the two stand below each other.
        let shrink (shapes: int[][]) =
            seq {
                for i in 0..1 do
                    for s in smaller 1 1 shapes[i] do
                        Array.updateAt i s shapes

                let rank = max shapes[0].Length shapes[1].Length

                for fromEnd in 1..rank do
                    shapes |> Array.map (fun s -> if fromEnd <= s.Length then dropped (s.Length - fromEnd) s else s)
            }
            |> Seq.filter (doBroadcast >> not)

        Arb.fromGenShrink (gen, shrink)
        |> Arb.convert (fun s -> struct (s[0], s[1])) (fun (struct (a, b)) -> [| a; b |])

    /// An axis of a shape, counted from its start or, as a negative number, from its end. Shrinks to 0.
    static member Axis([<ParamArray>] shape: int[]) : Arbitrary<int> =
        if shape.Length = 0 then
            Shape.fail "Shapes.Axis" "a scalar has no axes."

        Arb.fromGenShrink (
            Gen.choose (-shape.Length, shape.Length - 1),
            fun axis ->
                seq {
                    if axis < 0 then
                        axis + shape.Length
                    elif axis > 0 then
                        0
                }
        )

    /// A shape and one of its axes, counted from its start or, as a negative number, from its end.
    static member WithAxis
        ([<Optional; DefaultParameterValue(3)>] maxRank: int, [<Optional; DefaultParameterValue(4)>] maxLength: int)
        : Arbitrary<struct (int[] * int)> =
        check "Shapes.WithAxis" (maxRank - 1) 1 maxLength

        let gen =
            gen {
                let! rank = Gen.choose (1, maxRank)
                let! shape = ofRank 1 maxLength rank
                let! axis = Gen.choose (-rank, rank - 1)
                return struct (shape, axis)
            }

        let shrink (struct (shape: int[], axis)) =
            seq {
                for s in smaller 1 1 shape do
                    // An axis that is gone leaves the last one.
                    struct (s, Math.Clamp(axis, -s.Length, s.Length - 1))

                if axis < 0 then
                    struct (shape, axis + shape.Length)
                elif axis > 0 then
                    struct (shape, 0)
            }

        Arb.fromGenShrink (gen, shrink)

    /// A shape and some of its axes, at least one, in any order and counted from its start.
    static member WithAxes
        ([<Optional; DefaultParameterValue(3)>] maxRank: int, [<Optional; DefaultParameterValue(4)>] maxLength: int)
        : Arbitrary<struct (int[] * int[])> =
        check "Shapes.WithAxes" (maxRank - 1) 1 maxLength

        let gen =
            gen {
                let! rank = Gen.choose (1, maxRank)
                let! shape = ofRank 1 maxLength rank
                let! order = Gen.shuffle [| 0 .. rank - 1 |]
                let! count = Gen.choose (1, rank)
                return struct (shape, order[.. count - 1])
            }

        let shrink (struct (shape: int[], axes: int[])) =
            seq {
                for s in smaller 1 1 shape do
                    match axes |> Array.filter (fun axis -> axis < s.Length) with
                    | [||] -> ()
                    | left -> struct (s, left)

                if axes.Length > 1 then
                    for i in 0 .. axes.Length - 1 do
                        struct (shape, Array.removeAt i axes)

                let sorted = Array.sort axes

                if sorted <> axes then
                    struct (shape, sorted)
            }

        Arb.fromGenShrink (gen, shrink)
