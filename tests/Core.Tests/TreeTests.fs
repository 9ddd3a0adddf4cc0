/// Trees of tensors: every F# type that can hold them.
module Core.Tests.TreeTests

open System.Collections.Generic
open Autodiff
open Core.Tests.Common
open Xunit

type Layer = { Weight: Tensor; Bias: Tensor; Name: string; Size: int }

type Model =
    | Empty
    | Leaf of Tensor
    | Chain of Layer list * scale: Tensor
    | Nested of Model * Model

[<Struct>]
type Pair<'a> = { First: 'a; Second: 'a }

type Two(x: Tensor, y: Tensor) =
    member _.X = x
    member _.Y = y

    interface ITree with
        member _.Leaves = [| x; y |]
        member _.Structure = null
        member _.WithLeaves leaves = Two(leaves[0], leaves[1])

let private number (x: float) = scalar x
let private layer w b = { Weight = number w; Bias = number b; Name = "layer"; Size = 3 }

/// The leaves of a tree, their order, and whether it survives being taken apart and put together.
let private holds (expected: float list) (tree: 'a) : unit =
    let leaves = Tree.leaves tree
    Assert.Equal<float list>(expected, leaves |> Array.map float |> Array.toList)
    let doubled = Tree.map (fun x -> x * 2.0) tree
    Assert.Equal<float list>(expected |> List.map ((*) 2.0), Tree.leaves doubled |> Array.map float |> Array.toList)
    // The gradient of the sum of squares is twice the tree.
    let loss (t: 'a) = Tree.leaves t |> Array.fold (fun s x -> s + x * x) (number 0.0)

    if not expected.IsEmpty then
        Assert.Equal<float list>(
            expected |> List.map ((*) 2.0),
            Tree.leaves (grad loss tree) |> Array.map float |> Array.toList
        )

[<Fact>]
let ``every kind of tree gives its tensors in order and takes new ones`` () =
    let n = number
    holds [ 1.0 ] (n 1.0)
    holds [ 1.0; 2.0 ] (n 1.0, n 2.0)
    holds [ 1.0; 2.0 ] (struct (n 1.0, n 2.0))
    holds [ 1.0; 2.0; 3.0 ] [ n 1.0; n 2.0; n 3.0 ]
    holds [ 1.0; 2.0 ] [| n 1.0; n 2.0 |]
    holds [] ([]: Tensor list)
    holds [] ([||]: Tensor[])
    holds [ 2.0; 1.0 ] (Map [ "b", n 1.0; "a", n 2.0 ])
    holds [ 5.0 ] (Some(n 5.0))
    holds [] (None: Tensor option)
    holds [ 5.0 ] (ValueSome(n 5.0))
    holds [ 1.0; 2.0 ] (layer 1.0 2.0)
    holds [ 1.0; 2.0 ] {| A = n 1.0; B = n 2.0; C = "static" |}
    holds [ 1.0; 2.0 ] { First = n 1.0; Second = n 2.0 }
    holds [] Empty
    holds [ 4.0 ] (Leaf(n 4.0))
    holds [ 1.0; 2.0; 3.0; 4.0; 5.0 ] (Chain([ layer 1.0 2.0; layer 3.0 4.0 ], n 5.0))
    holds [ 1.0; 2.0; 3.0 ] (Nested(Leaf(n 1.0), Nested(Leaf(n 2.0), Nested(Empty, Leaf(n 3.0)))))
    holds [ 1.0; 2.0; 3.0; 4.0 ] [ Some [| layer 1.0 2.0 |]; None; Some [| layer 3.0 4.0 |] ]
    holds [ 1.0; 2.0; 3.0 ] ("name", 3, [ n 1.0 ], Map [ 1, (n 2.0, [| n 3.0 |]) ], [| 1.5; 2.5 |])
    holds [ 1.0; 2.0 ] (Ok(n 1.0, n 2.0): Result<Tensor * Tensor, string>)
    holds [ 1.0; 2.0 ] (Two(n 1.0, n 2.0))
    holds [ 1.0; 2.0; 3.0 ] (n 3.0 |> fun x -> [ Two(n 1.0, n 2.0), 7 ], x)
    holds [ 2.0; 1.0 ] (Dictionary(dict [ "b", n 1.0; "a", n 2.0 ]))
    holds [ 1.0; 2.0 ] ([ n 1.0; n 2.0 ] :> seq<Tensor>)
    holds [ 1.0; 2.0 ] (box (n 1.0, n 2.0))

[<Fact>]
let ``parts that are not tensors are carried along`` () =
    let doubled =
        Tree.map (fun x -> x * 2.0) (layer 1.0 2.0, "text", [ 1; 2 ], Map [ "a", 1.5 ], [| 1.5 |], (fun x -> x + 1))
    let l, text, list, map, array, f = doubled
    Assert.Equal(("layer", 3), (l.Name, l.Size))
    Assert.Equal(("text", [ 1; 2 ], 1.5, 1.5, 3), (text, list, map["a"], array[0], f 2))

[<Fact>]
let ``jvp, vjp and linearize take and return trees`` () =
    let f (x: Tensor, l: Layer) = {| Sum = x + l.Weight; Product = [ x * l.Bias ] |}
    let at = number 2.0, layer 3.0 5.0
    let tangent = number 1.0, layer 10.0 100.0
    let y, dy = jvp f at tangent
    Assert.Equal((5.0, 10.0), (float y.Sum, float y.Product[0]))
    Assert.Equal((11.0, 205.0), (float dy.Sum, float dy.Product[0]))
    let _, push = linearize f at
    Assert.Equal((11.0, 205.0), (let t = push tangent in float t.Sum, float t.Product[0]))
    let y, pull = vjp f at
    let gx, gl = pull {| y with Sum = number 1.0; Product = [ number 7.0 ] |}
    Assert.Equal((36.0, 1.0, 14.0, "layer"), (float gx, float gl.Weight, float gl.Bias, gl.Name))

[<Fact>]
let ``what a function does not use has the gradient zero`` () =
    let g =
        grad
            (fun (l: Layer) -> Tensor.sum (l.Weight * 3.0))
            { layer 0.0 0.0 with Weight = vector [ 1.0; 2.0 ]; Bias = vector [ 1.0; 1.0; 1.0 ] }
    near 0.0 (vector [ 3.0; 3.0 ]) g.Weight
    near 0.0 (vector [ 0.0; 0.0; 0.0 ]) g.Bias

[<Fact>]
let ``map2 and map3 walk trees of one structure together`` () =
    let a, b = [ number 1.0, number 2.0 ], [ number 10.0, number 20.0 ]
    Assert.Equal<float[]>([| 11.0; 22.0 |], Tree.leaves (Tree.map2 (+) a b) |> Array.map float)
    Assert.Equal<float[]>([| 12.0; 24.0 |], Tree.leaves (Tree.map3 (fun x y z -> x + y + z) a b a) |> Array.map float)

[<Fact>]
let ``stopGradient stops a whole tree`` () =
    let f (x: Tensor, y: Tensor) =
        let x', _ = stopGradient (x, y)
        x' * y + x

    let gx, gy = grad f (number 3.0, number 5.0)
    Assert.Equal((1.0, 3.0), (float gx, float gy))

type private Named = { Layers: Map<string, Tensor>[]; Scale: Tensor option; Pair: Tensor * Tensor list }

[<Fact>]
let ``names are the places of the leaves`` () =
    let x = scalar 1.0
    let tree = { Layers = [| Map [ "weight", x; "bias", x ] |]; Scale = Some x; Pair = (x, [ x; x ]) }
    let expected =
        [| "Layers[0][bias]"; "Layers[0][weight]"; "Scale"; "Pair.Item1"; "Pair.Item2[0]"; "Pair.Item2[1]" |]
    Assert.Equal<string[]>(expected, Tree.names tree)
    Assert.Equal(expected.Length, (Tree.leaves tree).Length)
    Assert.Equal<string[]>([| "" |], Tree.names x)
    Assert.Equal<string[]>([| "[0]"; "[1]" |], Tree.names [| x; x |])

type private Affine = { Weight: Tensor; Bias: Tensor }

[<Fact>]
let ``parts that are null have no leaves and stay null`` () =
    let plain = { Weight = vector [ 1.0; 2.0 ]; Bias = null }
    let apply (l: Affine) x = if isNull l.Bias then l.Weight * x else l.Weight * x + l.Bias
    let loss (l: Affine) = Tensor.sum (apply l (number 3.0))
    let g = grad loss plain
    near 0.0 (vector [ 3.0; 3.0 ]) g.Weight
    Assert.Null g.Bias
    Assert.Equal<string[]>([| "Weight" |], Tree.names plain)
    // A compiled function tells trees with the part from those without.
    let compiled = jit loss
    Assert.Equal(9.0, float (compiled plain))
    Assert.Equal(14.0, float (compiled { plain with Bias = number 2.5 }))
    let gs = grad (fun (xs: Tensor[]) -> Tensor.sum (xs[0] * 2.0)) [| number 1.0; null |]
    Assert.Equal(2.0, float gs[0])
    Assert.Null gs[1]
    Assert.Empty(Tree.leaves (null: Tensor))
    let nested: (Tensor * Tensor list)[] = [| Unchecked.defaultof<_>; (number 1.0, [ number 2.0 ]) |]
    let doubled = Tree.map (fun x -> x * 2.0) nested
    Assert.Null(box doubled[0])
    Assert.Equal(4.0, float (List.head (snd doubled[1])))

[<Fact>]
let ``null where a tensor must be says so`` () =
    let says (words: string) (action: unit -> unit) = Assert.Contains(words, (Assert.ThrowsAny<exn>(action)).Message)
    says "no tensors" (fun () -> grad (fun (x: Tensor) -> x) null |> ignore)
    says "returned null" (fun () -> grad (fun (_: Tensor) -> (null: Tensor)) (number 1.0) |> ignore)
