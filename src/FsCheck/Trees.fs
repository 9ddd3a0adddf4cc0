namespace Autodiff.Testing

open Autodiff
open FsCheck
open FsCheck.FSharp

/// Generators of trees of tensors: records, tuples, lists, arrays and maps, of F# and C#.
[<AbstractClass; Sealed>]
type Trees private () =
    static let normal (key: Key) (x: Tensor) =
        if DTypes.IsFloat x.DType then
            key.Normal(x.Shape, dtype = x.DType)
        else
            Tensor.zerosLike x

    static let draw (tree: 'a) (normalize: float -> float) : Gen<'a> =
        Gen.choose (0, System.Int32.MaxValue)
        |> Gen.map (fun seed ->
            let leaves = Tree.leaves tree
            let drawn = leaves |> Array.mapi (fun i x -> normal ((Key seed).FoldIn i) x)
            let square (x: Tensor) = (Tensor.sum (Tensor.Square(Tensor.Cast(x, DType.Float64)))).ToDouble()
            let scale = normalize (sqrt (Array.sumBy square drawn))
            Tree.withLeaves tree (drawn |> Array.map (fun t -> if DTypes.IsFloat t.DType then t * scale else t)))

    /// Trees like one given, with floating-point tensors drawn from a domain and rounded to their own types. Others stay.
    /// Shrinking makes numbers simpler; shapes stay.
    static member Of(tree: 'a, domain: Domain) : Arbitrary<'a> =
        let leaves = Tree.leaves tree
        let isFloat = leaves |> Array.map (fun x -> DTypes.IsFloat x.DType)

        let gen =
            leaves
            |> Gen.collectToArray (fun x ->
                if DTypes.IsFloat x.DType then
                    Elements.draw domain x.Shape |> Gen.map (Tensor.cast x.DType)
                else
                    Gen.constant x)
            |> Gen.map (Tree.withLeaves tree)

        let shrink (value: 'a) =
            let leaves = Tree.leaves value

            seq {
                for i in 0 .. leaves.Length - 1 do
                    if isFloat[i] then
                        for simple in Elements.simpler domain leaves[i] do
                            Tree.withLeaves value (Array.updateAt i simple leaves)
            }

        Arb.fromGenShrink (gen, shrink)

    /// Pairs of independent inputs, of which shrinking makes one at a time simpler: arguments of a function of two.
    static member Pair(first: Arbitrary<'a>, second: Arbitrary<'b>) : Arbitrary<struct ('a * 'b)> =
        let gen = Gen.zip (Arb.toGen first) (Arb.toGen second) |> Gen.map (fun (a, b) -> struct (a, b))

        let shrink (struct (a, b)) =
            Seq.append
                (Arb.toShrink first a |> Seq.map (fun a -> struct (a, b)))
                (Arb.toShrink second b |> Seq.map (fun b -> struct (a, b)))

        Arb.fromGenShrink (gen, shrink)

    /// Triples of independent inputs, of which shrinking makes one at a time simpler.
    static member Triple
        (first: Arbitrary<'a>, second: Arbitrary<'b>, third: Arbitrary<'c>)
        : Arbitrary<struct ('a * 'b * 'c)> =
        Trees.Pair(first, Trees.Pair(second, third))
        |> Arb.convert (fun (struct (a, struct (b, c))) -> struct (a, b, c)) (fun (struct (a, b, c)) ->
            struct (a, struct (b, c)))

    /// Tangents or cotangents of a tree: normal numbers of its shapes and types, and zeros where it has no derivatives.
    static member Tangent(tree: 'a) : Gen<'a> = draw tree (fun _ -> 1.0)

    /// Tangents of a tree of length 1, over all its tensors together: directions.
    static member Direction(tree: 'a) : Gen<'a> = draw tree (fun length -> if length = 0.0 then 1.0 else 1.0 / length)

    /// Trees with a tangent of each.
    static member WithTangent(trees: Arbitrary<'a>) : Arbitrary<struct ('a * 'a)> =
        let gen =
            gen {
                let! x = Arb.toGen trees
                let! t = Trees.Tangent x
                return struct (x, t)
            }

        // A tangent must keep the shapes of its tree, so that a shrunk tree gets ones.
        let ones (x: 'a) =
            x
            |> Tree.map (fun leaf -> if DTypes.IsFloat leaf.DType then Tensor.onesLike leaf else Tensor.zerosLike leaf)

        Arb.fromGenShrink (gen, (fun (struct (x, _)) -> Arb.toShrink trees x |> Seq.map (fun y -> struct (y, ones y))))
