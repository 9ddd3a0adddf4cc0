namespace Autodiff.Testing

open System
open System.Runtime.InteropServices
open Autodiff
open FsCheck
open FsCheck.FSharp

module internal Elements =
    let make (dtype: DType) (shape: int[]) (values: float[]) : Tensor = Tensor.Cast(Tensor.ofArray shape values, dtype)

    let draw (domain: Domain) (shape: int[]) : Gen<Tensor> = domain.Draw shape |> Gen.map (make domain.DType shape)

    /// The elements of a tensor that a smaller one of another shape keeps: the corner of the first ones, or the first ones
    /// in row-major order where the number of axes changes.
    let corner (shape: int[]) (x: Tensor) : float[] option =
        if shape.Length = x.Rank && Array.forall2 (<=) shape x.Shape then
            (x, Array.indexed shape)
            ||> Array.fold (fun x (axis, n) -> Tensor.slice axis (Some 0) (Some n) 1 x)
            |> Tensor.toArray<float>
            |> Some
        elif Shape.size shape <= int64 x.Size then
            Some(Array.truncate (int (Shape.size shape)) (Tensor.toArray<float> x))
        else
            None

    /// The tensor in another shape, still in the domain.
    let reshaped (domain: Domain) (shape: int[]) (x: Tensor) : Tensor option =
        corner shape x
        |> Option.map (fun values -> domain.Repair(shape, values))
        |> Option.filter (fun values -> domain.Contains(shape, values))
        |> Option.map (make domain.DType shape)

    /// Tensors of the same shape with simpler elements: all of them first, then one at a time.
    let simpler (domain: Domain) (x: Tensor) : seq<Tensor> =
        let values = Tensor.toArray<float> x
        let candidates = values |> Array.map (fun v -> Seq.toArray (domain.Simpler(x.DType, v)))
        let most = if candidates.Length = 0 then 0 else candidates |> Array.map Array.length |> Array.max

        let isSame (found: float[]) =
            Array.forall2
                (fun (a: float) b -> BitConverter.DoubleToInt64Bits a = BitConverter.DoubleToInt64Bits b)
                found
                values

        let isIn (found: float[]) = domain.Contains(x.Shape, found) && not (isSame found)

        // The k-th simplest of each element at once; elements that are as simple as they get stay.
        let together k =
            Array.map2 (fun v (simple: float[]) -> if k < simple.Length then simple[k] else v) values candidates

        seq {
            for k in 0 .. most - 1 do
                domain.Repair(x.Shape, together k)

            if values.Length > 1 then
                for i in 0 .. values.Length - 1 do
                    for simple in candidates[i] do
                        // Without repair, which would undo the change in part, and so for ever.
                        Array.updateAt i simple values
        }
        |> Seq.filter isIn
        |> Seq.map (make x.DType x.Shape)

/// Generators of tensors. Shrinking gives smaller shapes first, then simpler numbers, and stays in the domain.
[<AbstractClass; Sealed>]
type Tensors private () =
    /// Tensors of generated shapes.
    static member Of(domain: Domain, shapes: Arbitrary<int[]>) : Arbitrary<Tensor> =
        let shrinkShape = Arb.toShrink shapes

        let shrink (x: Tensor) =
            Seq.append
                (shrinkShape x.Shape |> Seq.choose (fun shape -> Elements.reshaped domain shape x))
                (Elements.simpler domain x)

        Arb.fromGenShrink (Arb.toGen shapes |> Gen.bind (Elements.draw domain), shrink)

    /// Tensors of shapes up to rank 3 and up to 4 elements along each axis.
    static member Of(domain: Domain) : Arbitrary<Tensor> = Tensors.Of(domain, Shapes.Any())

    /// Tensors of one shape, which shrinking keeps.
    static member OfShape(domain: Domain, [<ParamArray>] shape: int[]) : Arbitrary<Tensor> =
        Tensors.Of(domain, Shapes.Only shape)

    /// Two tensors of generated shapes, each in its domain.
    static member Pair
        (first: Domain, second: Domain, shapes: Arbitrary<struct (int[] * int[])>)
        : Arbitrary<struct (Tensor * Tensor)> =
        let shrinkShapes = Arb.toShrink shapes

        let gen =
            gen {
                let! struct (a, b) = Arb.toGen shapes
                let! x = Elements.draw first a
                let! y = Elements.draw second b
                return struct (x, y)
            }

        let shrink (struct (x: Tensor, y: Tensor)) =
            seq {
                for struct (a, b) in shrinkShapes (struct (x.Shape, y.Shape)) do
                    match Elements.reshaped first a x, Elements.reshaped second b y with
                    | Some x, Some y -> struct (x, y)
                    | _ -> ()

                for simple in Elements.simpler first x do
                    struct (simple, y)

                for simple in Elements.simpler second y do
                    struct (x, simple)
            }

        Arb.fromGenShrink (gen, shrink)

    /// Two tensors in one domain whose shapes broadcast.
    static member BroadcastPair
        (
            domain: Domain,
            [<Optional; DefaultParameterValue(3)>] maxRank: int,
            [<Optional; DefaultParameterValue(4)>] maxLength: int
        ) : Arbitrary<struct (Tensor * Tensor)> =
        Tensors.Pair(domain, domain, Shapes.BroadcastPair(maxRank, maxLength))

    /// Two tensors in one domain of one shape.
    static member SameShapePair(domain: Domain, shapes: Arbitrary<int[]>) : Arbitrary<struct (Tensor * Tensor)> =
        Tensors.Pair(
            domain,
            domain,
            shapes |> Arb.convert (fun shape -> struct (shape, shape)) (fun (struct (shape, _)) -> shape)
        )

/// Generators of keys, the sources of random numbers.
[<AbstractClass; Sealed>]
type Keys private () =
    /// Keys of seeds from 0 up. A key does not shrink: none is simpler than another.
    static member Any: Arbitrary<Key> = Arb.fromGen (Gen.choose (0, Int32.MaxValue) |> Gen.map Key)
