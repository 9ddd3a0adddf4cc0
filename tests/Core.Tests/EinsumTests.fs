/// Einstein's sums against loops over all indices, and the order of their contractions.
module Core.Tests.EinsumTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

let private ( *@ ) x y = Tensor.matmul x y
let private empty (shape: int list) = Tensor.ofArray shape Array.empty<float>

/// Sums over all values of all letters.
let private naive (spec: string) (operands: Tensor list) =
    let sides = spec.Split "->"
    let inputs, output = List.ofArray (sides[0].Split ','), sides[1]
    let sizes = Map.ofSeq (List.zip inputs operands |> Seq.collect (fun (letters, x) -> Seq.zip letters x.Shape))
    let blocks = operands |> List.map Reference.block
    let summed = sizes.Keys |> Seq.filter (fun c -> not (output.Contains c)) |> Seq.toList

    Reference.build (Seq.map (fun c -> sizes[c]) output) (fun p ->
        Reference.positions [ for c in summed -> sizes[c] ]
        |> List.sumBy (fun s ->
            let value = Map.ofSeq (Seq.append (Seq.zip output p) (Seq.zip summed s))
            List.fold2
                (fun product (letters: string) x -> product * Reference.at x [ for c in letters -> value[c] ])
                1.0
                inputs
                blocks))

/// A spec as it is given, and the same spelled out in letters.
let private specs =
    [ "i->", ""
      "i->i", ""
      "ij->ji", ""
      "ij->", ""
      "ij->j", ""
      "ii->", ""
      "ii->i", ""
      "iij->ji", ""
      "iii->i", ""
      "ij,jk->ik", ""
      "ij,kj->ki", ""
      "ij,ij->", ""
      "ij,ij->ij", ""
      "i,j->ij", ""
      "i,i->", ""
      "ij,j->", ""
      "bij,bjk->bik", ""
      "bij,jk->bik", ""
      "bij,bij->b", ""
      "ij,jk,kl->il", ""
      "ij,jk,ki->", ""
      "ii,ij,jj->j", ""
      "ab,bc,cd,de,ea->", ""
      "abc,cd,bd,ae->e", ""
      "i,i,i->i", ""
      ",i->i", ""
      "ij,jk,kl,lm,mn,no,op->ip", ""
      "ij,jk", "ij,jk->ik"
      "ba", "ba->ab"
      "ii", "ii->"
      " i j , j k -> i k ", "ij,jk->ik"
      "...ij,...jk->...ik", "xij,xjk->xik"
      "...ij->...ji", "xij->xji"
      "i...->...", "ixj->xj"
      "...i,i->...", "xi,i->x" ]

[<Fact>]
let ``einsum agrees with loops over all indices`` () =
    let length (c: char) =
        if c = 'x' then 2
        elif int c % 2 = 0 then 2
        else 3

    for dtype, tolerance in [ DType.Float64, 1e-12; DType.Float32, 1e-4; DType.Int32, 0.0 ] do
        specs
        |> forEach fst (fun (spec, spelled) ->
            let spelled = if spelled = "" then spec else spelled
            let sides = spelled.Split "->"
            let operands =
                sides[0].Split ','
                |> Array.mapi (fun i letters ->
                    (Key(40 + i)).Integers([| for c in letters -> length c |], -3L, 4L) |> Tensor.cast dtype)
            let actual = Linalg.einsum spec operands
            Assert.Equal<int[]>([| for c in sides[1] -> length c |], actual.Shape)
            Assert.Equal(dtype, actual.DType)
            Assert.True(distance (naive spelled (List.ofArray operands)) (floats actual) <= tolerance))

[<Fact>]
let ``axes of an ellipsis broadcast`` () =
    let a, b = normal 1 [| 4; 1; 2; 3 |], normal 2 [| 5; 3; 2 |]
    near 1e-13 (a *@ b) (Linalg.einsum "...ij,...jk->...ik" [ a; b ])
    near 1e-13 (a *@ b) (Linalg.einsum "...ij,...jk" [ a; b ])
    near 1e-13 (Tensor.sumAxes [ 0 ] (a *@ b)) (Linalg.einsum "a...ij,...jk->...ik" [ a; b ])

[<Fact>]
let ``axes of length 0 sum to 0`` () =
    near
        0.0
        (Tensor.cast DType.Float64 (Tensor.zeros [ 2; 3 ]))
        (Linalg.einsum "ij,jk->ik" [ empty [ 2; 0 ]; empty [ 0; 3 ] ])

let private multiplications length (inputs: int list[]) output plan =
    let rec go plan : int list * Set<int> * float =
        match plan with
        | Einsum.Operand i -> inputs[i], set [ i ], 0.0
        | Einsum.Pair(a, b) ->
            let (a, inA, costA), (b, inB, costB) = go a, go b
            let inside = inA + inB
            let outside =
                [ for i in 0 .. inputs.Length - 1 do
                      if not (inside.Contains i) then
                          yield! inputs[i] ]
                @ output
            let all = List.distinct (a @ b)
            all |> List.filter (fun l -> List.contains l outside),
            inside,
            costA + costB + (all |> List.fold (fun n l -> n * float (length l: int)) 1.0)

    let _, _, cost = go plan in
    cost

[<Fact>]
let ``the order of contractions is the cheapest for few operands, and cheap for many`` () =
    let chain (sizes: int list) =
        let inputs = [| for i in 0 .. sizes.Length - 2 -> [ i; i + 1 ] |]
        let output = [ 0; sizes.Length - 1 ]
        let length l = sizes[l]
        multiplications length inputs output (Einsum.planOf length inputs output)

    // The textbook's chain of six matrices takes 15125 multiplications.
    Assert.Equal(15125.0, chain [ 30; 35; 15; 5; 10; 20; 25 ])
    Assert.Equal(7000.0, chain [ 10; 20; 5; 100 ] + 1000.0)
    // From the right, a chain that ends in a vector is only products with vectors.
    Assert.Equal(80000.0, chain [ 100; 100; 100; 100; 100; 100; 100; 100; 100; 1 ])
