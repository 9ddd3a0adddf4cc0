/// Slices, positions and selection by indices.
module Core.Tests.IndexingTests

open System
open Autodiff
open Core.Tests.Common
open FsCheck.FSharp
open Xunit

let private x = Tensor.ofArray [ 2; 3; 4 ] [| 0.0 .. 23.0 |]
let private m = Tensor.ofArray [ 3; 4 ] [| 0.0 .. 11.0 |]

/// What an index selects: the shape and the elements.
let private table: (string * Tensor * int list * float list) list =
    [ "m[1]", m[1], [ 4 ], [ 4.0 .. 7.0 ]
      "m[-1]", m[-1], [ 4 ], [ 8.0 .. 11.0 ]
      "m[1, 2]", m[1, 2], [], [ 6.0 ]
      "m[-1, -2]", m[-1, -2], [], [ 10.0 ]
      "m[1..]", m[1..], [ 2; 4 ], [ 4.0 .. 11.0 ]
      "m[..1]", m[..1], [ 2; 4 ], [ 0.0 .. 7.0 ]
      "m[1..1]", m[1..1], [ 1; 4 ], [ 4.0 .. 7.0 ]
      "m[*, 1]", m[*, 1], [ 3 ], [ 1.0; 5.0; 9.0 ]
      "m[*, -1]", m[*, -1], [ 3 ], [ 3.0; 7.0; 11.0 ]
      "m[1, 1..2]", m[1, 1..2], [ 2 ], [ 5.0; 6.0 ]
      "m[1.., ..1]", m[1.., ..1], [ 2; 2 ], [ 4.0; 5.0; 8.0; 9.0 ]
      "x[1]", x[1], [ 3; 4 ], [ 12.0 .. 23.0 ]
      "x[1, 2]", x[1, 2], [ 4 ], [ 20.0 .. 23.0 ]
      "x[1, 2, 3]", x[1, 2, 3], [], [ 23.0 ]
      "x[0..0, 1, 2..]", x[0..0, 1, 2..], [ 1; 2 ], [ 6.0; 7.0 ]
      "x[*, 0, 0]", x[*, 0, 0], [ 2 ], [ 0.0; 12.0 ]
      "x[0, *, 1]", x[0, *, 1], [ 3 ], [ 1.0; 5.0; 9.0 ]
      "x[1, 0, 1..2]", x[1, 0, 1..2], [ 2 ], [ 13.0; 14.0 ]
      "x[*, 1..1, *]", x[*, 1..1, *], [ 2; 1; 4 ], [ 4.0; 5.0; 6.0; 7.0; 16.0; 17.0; 18.0; 19.0 ]
      "every second column", m[[| Slice.All; Slice.Every(2, Range.All) |]], [ 3; 2 ], [ 0.0; 2.0; 4.0; 6.0; 8.0; 10.0 ]
      "every third from 1", m[[| Slice.At 0; Slice.Every(3, Range(Index 1, Index.End)) |]], [ 1 ], [ 1.0 ]
      "every second column backwards", m[[| Slice.At 0; Slice.Every(-2, Range.All) |]], [ 2 ], [ 3.0; 1.0 ]
      "a part of the columns backwards",
      m[[| Slice.All; Slice.Every(-1, Range(Index 1, Index 3)) |]],
      [ 3; 2 ],
      [ 2.0; 1.0; 6.0; 5.0; 10.0; 9.0 ]
      "an empty range backwards", m[[| Slice.Every(-1, Range(Index 1, Index 1)) |]], [ 0; 4 ], []
      "from the end", m[[| Slice.op_Implicit (Range(Index(2, true), Index.End)) |]], [ 2; 4 ], [ 4.0 .. 11.0 ]
      "an empty range", m[[| Slice.op_Implicit (Range(Index 1, Index 1)) |]], [ 0; 4 ], []
      "a slice of a slice", m[1.., 1..].[*, 1..][1], [ 2 ], [ 10.0; 11.0 ]
      "a slice of a transpose", (Tensor.transpose m)[1..2, 0], [ 2 ], [ 1.0; 2.0 ] ]

[<Fact>]
let ``indices select what they say`` () =
    table
    |> forEach (fun (name, _, _, _) -> name) (fun (_, actual, shape, values) ->
        near 0.0 (Tensor.ofArray shape (List.toArray values)) actual)

[<Fact>]
let ``the gradient of a slice lands where the slice was`` () =
    let g = grad (fun (m: Tensor) -> Tensor.sum (m[1.., 1..2] * 2.0) + m[0, 0] + m[-1, 1]) m
    near 0.0 (rows [ [ 1.0; 0.0; 0.0; 0.0 ]; [ 0.0; 2.0; 2.0; 0.0 ]; [ 0.0; 3.0; 2.0; 0.0 ] ]) g

[<Fact>]
let ``any slice with any step equals the naive one, on any memory order`` () =
    let axis =
        gen {
            let! n = Gen.choose (1, 7)
            let! first = Gen.choose (0, n)
            let! last = Gen.choose (first, n)
            let! step = Gen.choose (1, 3)
            return n, first, last, step
        }

    let inputs =
        Gen.zip (Gen.choose (1, 3) |> Gen.bind (fun rank -> Gen.listOfLength rank axis)) (Gen.elements [ true; false ])

    check
        200
        (Prop.forAll (Arb.fromGen inputs) (fun (axes, isTransposed) ->
            let shape = axes |> List.map (fun (n, _, _, _) -> n)
            let whole = normal 1 (List.toArray (if isTransposed then List.rev shape else shape))
            let x = if isTransposed then Tensor.permute [ shape.Length - 1 .. -1 .. 0 ] whole else whole
            let slices = [| for _, first, last, step in axes -> Slice.Every(step, Range(Index first, Index last)) |]
            let lengths = axes |> List.map (fun (_, first, last, step) -> (last - first + step - 1) / step)
            let expected =
                Reference.slice [ for _, f, _, _ in axes -> f ] lengths [ for _, _, _, s in axes -> s ] [| x |]
            near 0.0 (Tensor.ofArray lengths expected) x[slices]))

[<Fact>]
let ``take and gather repeat, and their gradients add up`` () =
    let at = indices [ 4 ] [ 0; 2; 0; -1 ]
    near 0.0 (vector [ 10.0; 30.0; 10.0; 30.0 ]) (Tensor.take 0 at (vector [ 10.0; 20.0; 30.0 ]))
    near 0.0 (vector [ 2.0; 0.0; 2.0 ]) (grad (fun x -> Tensor.sum (Tensor.take 0 at x)) (vector [ 10.0; 20.0; 30.0 ]))
    near
        0.0
        (vector [ 40.0; 0.0; 120.0 ])
        (grad (fun x -> Tensor.sum (Tensor.take 0 at x ** 2.0)) (vector [ 10.0; 20.0; 30.0 ]))
    let columns = Tensor.reshape [ 3; 1 ] (indices [ 3 ] [ 1; 0; 3 ])
    near 0.0 (rows [ [ 1.0 ]; [ 4.0 ]; [ 11.0 ] ]) (Tensor.gather 1 columns m)
    near 0.0 (vector [ 4.0; 0.0; 2.0 ]) (Tensor.scatterAdd 0 3 (indices [ 3 ] [ 0; 2; 0 ]) (vector [ 1.0; 2.0; 3.0 ]))

[<Fact>]
let ``parts of memory serve as inputs of every selection`` () =
    near 0.0 (vector [ 5.0; 7.0 ]) (let at = indices [ 4 ] [ 9; 1; 3; 9 ] in Tensor.take 0 at[1..2] m[1])
    near 0.0 m[1..] (Tensor.take 0 (indices [ 2 ] [ 0; 1 ]) m[1..])

[<Fact>]
let ``concat, stack, split and pad fit together`` () =
    near 0.0 m (Tensor.concat 1 (Tensor.split 1 [ 1; 0; 3 ] m))
    near 0.0 m (Tensor.stack 0 [ m[0]; m[1]; m[2] ])
    near 0.0 (Tensor.transpose m) (Tensor.stack -1 [ m[0]; m[1]; m[2] ])
    near 0.0 m (let padded = Tensor.pad [ 1, 2; 0, 3 ] m in padded[1..3, 0..3])
    nearValue 0.0 66.0 (Tensor.sum (Tensor.pad [ 1, 2; 0, 3 ] m))
