namespace Core.Tests

open System
open Autodiff
open Core.Tests.Common
open Core.Tests.Recorder
open Xunit
open Xunit.Abstractions

/// Law 6: batching equals stacking the results of single examples, for every primitive, alone and under derivatives.
type VmapLawTests(output: ITestOutputHelper) =
    let size = 3
    let isFloat (x: Tensor) = DTypes.IsFloat x.DType

    /// The subsets of the inputs that can be batched, all but the empty one.
    let subsets (case: Case) =
        let n = case.Inputs.Length
        [ for bits in 1 .. (1 <<< n) - 1 -> [| for i in 0 .. n - 1 -> bits &&& (1 <<< i) <> 0 |] ]

    /// An input like another one: its elements rotated (unless their places matter) and, if they are floats, stretched a
    /// little, which keeps them in the domain of every primitive.
    let variant (case: Case) (k: int) (x: Tensor) : Tensor =
        if x.Size = 0 then
            x
        else
            let values = floats x
            let stretch = if isFloat x then 1.0 + 0.05 * float k else 1.0
            let shift = if case.Entry.IsStructured then 0 else k
            let moved = Array.init values.Length (fun i -> values[(i + shift) % values.Length] * stretch)
            Tensor.cast x.DType (Tensor.ofArray x.Shape moved)

    let examples case (x: Tensor) = [| for k in 0 .. size - 1 -> variant case k x |]

    /// The inputs with an axis of examples, and the same as a list of inputs for single calls.
    let batch (case: Case) (isBatched: bool[]) axis =
        let all = case.Inputs |> Array.map (examples case)
        let stacked =
            Array.map3
                (fun x batched (xs: Tensor[]) -> if batched then Tensor.stack axis xs else x)
                case.Inputs
                isBatched
                all
        let singles =
            [| for k in 0 .. size - 1 ->
                   Array.map3 (fun x batched (xs: Tensor[]) -> if batched then xs[k] else x) case.Inputs isBatched all |]
        stacked, singles

    let inAxes axis isBatched = isBatched |> Array.map (fun batched -> if batched then Some axis else None)
    let label (case: Case, isBatched: bool[], axis: int) = $"{case.Label}, batched %A{isBatched} on axis {axis}"

    let table =
        [ for case in Primitives.cases do
              for isBatched in subsets case do
                  for axis in [ 0; -1 ] -> case, isBatched, axis ]

    let tolerance (case: Case) (y: Tensor) =
        if y.DType = DType.Float32 || case.Inputs |> Array.exists (fun x -> x.DType = DType.Float32) then
            1e-6
        else
            1e-12

    let close case (expected: Tensor) (actual: Tensor) =
        Assert.Equal(expected.DType, actual.DType)
        near (tolerance case actual) expected actual

    /// Tangents of the float inputs; the others get zeros, which are ignored.
    let directions (inputs: Tensor[]) =
        inputs |> Array.mapi (fun i x -> if isFloat x then directionLike (70 + i) x else x)

    let check law rows test =
        forEach label test rows
        output.WriteLine
            $"{law}: {rows |> List.distinctBy (fun (c: Case, _, _) -> c.Entry.Name) |> List.length} primitives, {rows.Length} cases"

    let differentiable =
        table
        |> List.filter (fun (case, _, _) ->
            case.Inputs |> Array.exists isFloat && isFloat (Tensor.Bind(case.Primitive, case.Inputs)))

    [<Fact>]
    member _.``Law 6: vmap equals stacking``() =
        check "vmap" table (fun (case, isBatched, axis) ->
            let stacked, singles = batch case isBatched axis
            let f (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
            close case (Tensor.stack axis (Array.map f singles)) (vmapWith (inAxes axis isBatched) axis f stacked))

    [<Fact>]
    member _.``Law 6: vmap of jvp, and jvp of vmap, equal stacking``() =
        check "vmap of jvp" differentiable (fun (case, isBatched, axis) ->
            let stacked, singles = batch case isBatched axis
            let f (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
            let pushed (xs: Tensor[]) = snd (jvp f xs (directions xs))
            let expected = Tensor.stack axis (Array.map pushed singles)
            close case expected (vmapWith (inAxes axis isBatched) axis pushed stacked)

            let repeated =
                Array.map3
                    (fun (x: Tensor) batched u -> if batched then Tensor.stack axis (Array.create size u) else u)
                    stacked
                    isBatched
                    (directions case.Inputs)
            close case expected (snd (jvp (vmapWith (inAxes axis isBatched) axis f) stacked repeated)))

    [<Fact>]
    member _.``Law 6: vmap of vjp, and vjp of vmap, equal stacking``() =
        check "vmap of vjp" differentiable (fun (case, isBatched, axis) ->
            let stacked, singles = batch case isBatched axis
            let f (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
            let ct = directionLike 90 (f case.Inputs)
            let pulled (xs: Tensor[]) = snd (vjp f xs) ct
            let each = Array.map pulled singles
            let axes = inAxes axis isBatched
            let actual = vmapWith axes axis pulled stacked
            let _, pull = vjp (vmapWith axes axis f) stacked
            let through = pull (Tensor.stack axis (Array.create size ct))

            for i in 0 .. stacked.Length - 1 do
                if isFloat stacked[i] then
                    let parts = each |> Array.map (fun ts -> ts[i])
                    close case (Tensor.stack axis parts) actual[i]
                    close case (if isBatched[i] then Tensor.stack axis parts else Array.reduce (+) parts) through[i])

    [<Fact>]
    member _.``Law 6: vmap of vmap over different axes equals stacking twice``() =
        let rows = table |> List.filter (fun (_, isBatched, axis) -> axis = 0)

        check "vmap of vmap" rows (fun (case, isBatched, _) ->
            let f (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
            // The outer examples on the last axis, two inner ones on the first; the first batched input is mapped twice.
            let both k i = let x = case.Inputs[i] in [| variant case k x; variant case (k + 1) x |]
            let first = Array.findIndex id isBatched
            let isOuter = isBatched |> Array.mapi (fun i batched -> batched && (i = first || i % 2 = 0))

            let stacked =
                Array.init case.Inputs.Length (fun i ->
                    match isOuter[i], isBatched[i] with
                    | true, _ -> Tensor.stack -1 [ for k in 0 .. size - 1 -> Tensor.stack 0 (both k i) ]
                    | false, true -> Tensor.stack 0 (both 0 i)
                    | _ -> case.Inputs[i])

            let single k j =
                f (
                    Array.init case.Inputs.Length (fun i ->
                        match isOuter[i], isBatched[i] with
                        | true, _ -> (both k i)[j]
                        | false, true -> (both 0 i)[j]
                        | _ -> case.Inputs[i])
                )

            let expected = Tensor.stack 0 [ for k in 0 .. size - 1 -> Tensor.stack -1 [ single k 0; single k 1 ] ]
            let twice = vmapWith (inAxes -1 isOuter) 0 (vmapWith (inAxes 0 isBatched) -1 f)
            close case expected (twice stacked))

/// What users of vmap meet.
module VmapTests =
    let private error (text: string) (call: unit -> 'a) =
        let error = Assert.Throws<ArgumentException>(fun () -> call () |> ignore)
        Assert.Contains(text, error.Message)

    /// The cross-entropy of a network of two layers for one image and its class.
    let private loss (image: Tensor, label: Tensor) (w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) =
        let hidden = sigmoid (Tensor.matmul image w1 + b1)
        let scores = Tensor.logSoftmax -1 (Tensor.matmul hidden w2 + b2)
        -(Tensor.sum (scores * Tensor.cast scores.DType (Tensor.oneHot 4 label)))

    let private images = normal 1 [| 5; 12 |]
    let private labels: Tensor = Tensor.ofArray [ 5 ] [| 0; 3; 1; 2; 3 |]
    let private parameters = normal 2 [| 12; 7 |], normal 3 [| 7 |], normal 4 [| 7; 4 |], normal 5 [| 4 |]

    [<Fact>]
    let ``per-example gradients of a network equal a loop of gradients`` () =
        let single example = grad (loss example) parameters
        let together = vmap single (images, labels)
        let alone = [ for i in 0..4 -> Tree.leaves (single (images[i], labels[i])) ]

        Tree.leaves together |> Array.iteri (fun i g -> near 1e-13 (Tensor.stack 0 [ for gs in alone -> gs[i] ]) g)

    [<Fact>]
    let ``the gradient of a mean over vmap equals the mean of gradients`` () =
        let mean p = Tensor.mean (vmap (fun example -> loss example p) (images, labels))
        let together = Tree.leaves (grad mean parameters)
        let alone = vmap (fun example -> grad (loss example) parameters) (images, labels) |> Tree.leaves
        Array.iter2 (fun g (gs: Tensor) -> near 1e-13 (Tensor.meanAxes [ 0 ] gs) g) together alone

    [<Fact>]
    let ``per-example gradients of a convolutional network equal a loop of gradients`` () =
        let loss (image: Tensor) (w: Tensor, v: Tensor) =
            let h =
                Tensor.conv2d 1 1 w (Tensor.expandAxis 0 image) |> relu |> Tensor.maxPool2d 2 2 |> Tensor.conv2d 2 0 v
            Tensor.sum (square (Tensor.averagePool2d 2 1 h))

        let images = normal 6 [| 3; 2; 8; 8 |]
        let filters = normal 7 [| 4; 2; 3; 3 |], normal 8 [| 3; 4; 1; 1 |]
        let single image = grad (loss image) filters
        let together = Tree.leaves (vmap single images)
        let alone = [ for i in 0..2 -> Tree.leaves (single images[i]) ]
        together |> Array.iteri (fun i g -> near 1e-12 (Tensor.stack 0 [ for gs in alone -> gs[i] ]) g)

    [<Fact>]
    let ``pairs of distances by vmap over vmap with different axes`` () =
        let x, y = normal 9 [| 4; 3 |], normal 10 [| 3; 5 |]
        let distance (a: Tensor) (b: Tensor) = Tensor.norm (a - b)
        let pairs = vmap (fun a -> vmapWith [ Some 1 ] 0 (distance a) y) x
        let expected =
            Tensor.ofArray
                [ 4; 5 ]
                [| for i in 0..3 do
                       for j in 0..4 -> float (distance x[i] (y[*, j])) |]
        near 1e-14 expected pairs

    [<Fact>]
    let ``all triples of transformations agree`` () =
        let f (x: Tensor) = Tensor.sum (sin x * exp (-(square x))) + Tensor.logSumExp [ 0 ] x
        let x = normal 11 [| 3 |]
        let v = normal 12 [| 3 |]
        let forward (g: Tensor -> Tensor) x = snd (jvp g x v)
        let reverse (g: Tensor -> Tensor) x = let y, pull = vjp g x in pull (Tensor.onesLike y)
        // A batch of copies with the derivative of one taken out: the identity, by way of vmap.
        let batched (g: Tensor -> Tensor) x = (vmap g (Tensor.stack 0 [ x * 2.0; x; -x ]))[1]
        let modes = [ "jvp", forward; "vjp", reverse; "vmap", batched ]
        let plain =
            function
            | "vmap" -> id
            | "jvp" -> forward
            | _ -> reverse

        [ for a, f1 in modes do
              for b, f2 in modes do
                  for c, f3 in modes -> [ a; b; c ], f1 (f2 (f3 f)) ]
        |> forEach (fst >> String.concat " ") (fun (names, transformed) ->
            let direct = List.foldBack plain names f
            near 1e-12 (direct x) (transformed x))

    [<Fact>]
    let ``Jacobians run each primitive once, whatever the number of rows`` () =
        let count n =
            let recorder = Recorder()
            let f (x: Tensor) = sin (x * x) * 2.0
            jacfwd f (recorder.Wrap(normal 19 [| n |])) |> ignore
            jacrev f (recorder.Wrap(normal 19 [| n |])) |> ignore
            recorder.Seen.Length

        Assert.Equal(count 2, count 50)

    [<Fact>]
    let ``a result that does not depend on the example is repeated, and axes count from the end`` () =
        let x = normal 13 [| 2; 3; 4 |]
        let constant = vector [ 1.0; 2.0 ]
        let same, own = vmapWith [ Some -1 ] -1 (fun (row: Tensor) -> constant, row) x
        near 0.0 (rows [ [ 1.0; 1.0; 1.0; 1.0 ]; [ 2.0; 2.0; 2.0; 2.0 ] ]) same
        near 0.0 x own
        Assert.Equal<int[]>([| 2; 4; 3 |], (vmapWith [ Some 2 ] 1 id x).Shape)
        Assert.Equal<int[]>([| 0; 3 |], (vmap sin (Tensor.zeros [ 0; 3 ])).Shape)

    [<Fact>]
    let ``random numbers inside vmap are the same for all examples`` () =
        let noisy =
            vmap
                (fun (x: Tensor) -> x + (Key 1).Normal([| 4 |], dtype = DType.Float64))
                (Tensor.cast DType.Float64 (Tensor.zeros [ 2; 4 ]))
        Assert.True(sameBits noisy[0] noisy[1])

    [<Fact>]
    let ``wrong axes and sizes are named`` () =
        let x, y = normal 14 [| 3; 4 |], normal 15 [| 2; 4 |]
        error "different numbers of examples: 3 (axis 0 of shape (3, 4)) and 2 (axis 0 of shape (2, 4))" (fun () ->
            vmap (fun (x: Tensor, y) -> x + y) (x, y))
        error "a scalar has no axis to map over" (fun () -> vmap (fun (x: Tensor, y) -> x + y) (x, scalar 1.0))
        error "vmap: axis 2 is out of range for a tensor of rank 2" (fun () -> vmapWith [ Some 2 ] 0 sin x)
        error "vmap: axis 3 is out of range" (fun () -> vmapWith [ Some 0 ] 3 sin x)
        error "3 axes were given for 2 tensors" (fun () ->
            vmapWith [ Some 0; None; None ] 0 (fun (x: Tensor, y) -> x + y) (x, y))
        error "no tensor has an axis" (fun () -> vmapWith [ None ] 0 sin x)
        error "holds no tensors" (fun () -> vmap (fun (s: string) -> s) "text")

    [<Fact>]
    let ``errors inside vmap show the shapes of one example`` () =
        let x = normal 16 [| 7; 3; 4 |]
        error "matmul: shapes (3, 4) and (5, 6)" (fun () -> vmap (fun x -> Tensor.matmul x (normal 1 [| 5; 6 |])) x)
        error "shapes (3, 4) and (5)" (fun () -> vmap (fun x -> x + normal 1 [| 5 |]) x)
        error "along axis 0, of length 4, are -4 to 3" (fun () ->
            vmap
                (fun (row: Tensor, at: Tensor) -> Tensor.take 0 at row)
                (normal 1 [| 2; 4 |], indices [ 2; 1 ] [ 0; 4 ]))

    [<Fact>]
    let ``the value of a batched tensor cannot be read`` () =
        let x = vector [ 1.0; -1.0 ]
        let message = "has one value for each of 2 examples"
        error message (fun () -> vmap (fun (x: Tensor) -> if float x > 0.0 then x else -x) x)
        error message (fun () -> vmap (fun (x: Tensor) -> Tensor.ofSeq (floats x)) x)
        error message (fun () -> vmap (grad (fun (x: Tensor) -> if float x > 0.0 then x else -x)) x)

    [<Fact>]
    let ``a batched tensor prints, also under a derivative`` () =
        let mutable text = ""
        vmap
            (grad (fun (x: Tensor) ->
                text <- string x
                x * x))
            (vector [ 1.0; 2.0 ])
        |> ignore
        Assert.Equal("2 examples of shape ():\n[1.0 2.0]", text)

    [<Fact>]
    let ``what is the same for all examples is computed once`` () =
        let recorder = Recorder()
        let w, x = normal 17 [| 4; 6 |], normal 18 [| 3; 4 |]
        vmap (fun x -> Tensor.matmul x (recorder.Wrap w)) x |> ignore
        let products = recorder.Seen |> Array.filter (fun p -> p.Name = "matmul")
        Assert.Single products |> ignore
        Assert.DoesNotContain(recorder.Seen, fun p -> p.Name = "broadcastTo")
