namespace Core.Tests

open System
open System.Collections.Generic
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Core.Tests.Recorder
open Xunit
open Xunit.Abstractions

/// Laws that hold for every primitive, each tried on every row of the table.
type LawsTests(output: ITestOutputHelper) =
    let cases = Primitives.cases
    let isFloat (x: Tensor) = DTypes.IsFloat x.DType
    let bind (case: Case) (inputs: Tensor[]) = Tensor.Bind(case.Primitive, inputs)

    /// A case as a function of the inputs that move.
    let along (case: Case) (active: int list) (xs: Tensor[]) : Tensor =
        let given i x =
            match List.tryFindIndex ((=) i) active with
            | Some k -> xs[k]
            | None -> x

        bind case (Array.mapi given case.Inputs)

    let isSingle (x: Tensor) = x.DType = DType.Float32

    /// Cases with derivatives, and for each the sets of inputs that move: all together, and one by one.
    let moving =
        [ for case in cases do
              if isFloat (bind case case.Inputs) then
                  let floats =
                      [ for i in 0 .. case.Inputs.Length - 1 do
                            if isFloat case.Inputs[i] then
                                i ]

                  if not floats.IsEmpty then
                      for active in List.distinct (floats :: [ for i in floats -> [ i ] ]) -> case, active ]

    let tangents (case: Case) active seed =
        case.Inputs |> Array.mapi (fun i x -> if List.contains i active then directionLike (seed + i) x else null)

    let orZeros (like: Tensor) (t: Tensor) = if isNull t then Tensor.zerosLike like else t

    /// The same values walked with strides: rows and columns exchanged in memory, every second element, stretched.
    let views (x: Tensor) : (string * Tensor) list =
        let reversed = [| x.Rank - 1 .. -1 .. 0 |]
        let transposed =
            Tensor.permute
                reversed
                (Tensor.ofArray (Array.rev x.Shape) (Tensor.permute reversed x |> floats) |> Tensor.cast x.DType)
        let wide = x.Shape |> Array.map (fun n -> 2 * n + 1)
        let ones = x.Shape |> Array.map (fun _ -> 1)
        let twos = x.Shape |> Array.map (fun _ -> 2)
        let sliced = Structural.slice ones x.Shape twos (Structural.place wide ones twos x)
        // Contiguous, but neither from the beginning of its memory nor to the end.
        let longer = x.Shape |> Array.mapi (fun i n -> if i = 0 then n + 5 else n)
        let second = x.Shape |> Array.mapi (fun i _ -> if i = 0 then 2 else 0)
        let part = Structural.slice second x.Shape ones (Structural.place longer second ones x)
        [ "transposed", transposed; "sliced", sliced; "part", part ]

    let stretched (x: Tensor) =
        let first =
            Structural.slice
                (Array.zeroCreate x.Rank)
                (Array.map (fun n -> min n 1) x.Shape)
                (Array.map (fun _ -> 1) x.Shape)
                x
        Tensor.BroadcastTo(first, x.Shape)

    let contiguous (x: Tensor) = Concrete(x.Device.Contiguous x.Array) :> Tensor
    let run (law: string) table check =
        forEach (fun (case: Case) -> case.Label) check table
        output.WriteLine
            $"{law}: {table |> Seq.distinctBy (fun c -> c.Entry.Name) |> Seq.length} primitives, {Seq.length table} cases"

    let runMoving (law: string) check =
        forEach (fun (case: Case, active: int list) -> $"{case.Label}, inputs %A{active}") check moving
        output.WriteLine
            $"{law}: {moving |> Seq.distinctBy (fun (c, _) -> c.Entry.Name) |> Seq.length} primitives, {moving.Length} cases"

    [<Fact>]
    member _.``Law 0: every primitive that bind can see is in the table, and every row of the table is bound``() =
        let recorder = Recorder()

        for case, active in moving do
            let f (xs: Tensor[]) =
                Tensor.Bind(
                    case.Primitive,
                    case.Inputs
                    |> Array.mapi (fun i x ->
                        match List.tryFindIndex ((=) i) active with
                        | Some k -> xs[k]
                        | None -> recorder.Wrap x)
                )

            let xs = active |> List.map (fun i -> recorder.Wrap case.Inputs[i]) |> List.toArray
            let gradient (xs: Tensor[]) = let y, pull = vjp f xs in pull (recorder.Wrap(Tensor.onesLike y))
            gradient xs |> ignore
            jvp f xs (xs |> Array.map Tensor.onesLike) |> ignore
            jvp gradient xs (xs |> Array.map Tensor.onesLike) |> ignore

        for case in cases do
            bind case (case.Inputs |> Array.map recorder.Wrap) |> ignore
            checkNumerics (bind case) (case.Inputs |> Array.map recorder.Wrap) |> ignore
            profile (bind case) (case.Inputs |> Array.map recorder.Wrap) |> ignore

            // What the batching rules bind, for each subset of the inputs.
            for subset in 1 .. (1 <<< case.Inputs.Length) - 1 do
                let isBatched i = subset &&& (1 <<< i) <> 0
                let inputs =
                    case.Inputs
                    |> Array.mapi (fun i x -> recorder.Wrap(if isBatched i then Tensor.stack 0 [ x; x ] else x))
                vmapWith
                    [ for i in 0 .. inputs.Length - 1 -> if isBatched i then Some 0 else None ]
                    0
                    (bind case)
                    inputs
                |> ignore

        let seen = recorder.Seen |> Array.map _.Name |> Set.ofArray
        let inTable = Primitives.table |> List.map _.Name |> Set.ofList
        Assert.Equal<Set<string>>(inTable, seen)

        // Kernels make primitives by name, all others have a class of their own.
        let kernels =
            [ yield! Unary.All |> Seq.map _.Name
              yield! Binary.All |> Seq.map _.Name
              yield! Compare.All |> Seq.map _.Name ]

        Assert.Equal<Set<string>>(Set.empty, Set.ofList kernels - inTable)

        let classes =
            typeof<Primitive>.Assembly.GetTypes()
            |> Array.filter (fun t -> typeof<Primitive>.IsAssignableFrom t && not t.IsAbstract)
            |> HashSet

        for primitive in recorder.Seen do
            classes.Remove(primitive.GetType()) |> ignore

        Assert.True(classes.Count = 0, "never bound: " + String.Join(", ", classes))
        output.WriteLine $"{inTable.Count} primitives, {cases.Length} cases"

    [<Fact>]
    member _.``Law 1: the shape rule tells the shape and type of the value``() =
        run "shape" cases (fun case ->
            let rule = case.Primitive.Shape case.Inputs
            let value = case.Primitive.Value(case.Inputs |> Array.map _.Array, rule)
            Assert.Equal<int[]>(rule.Shape, value.Shape)
            Assert.Equal(rule.DType, value.DType))

    [<Fact>]
    member _.``Law 1: wrong shapes and types raise a message that starts with the operation``() =
        let table =
            [ for case in cases do
                  for wrong in case.Entry.Wrong -> case, wrong ]
        let name (case: Case, wrong: Tensor[]) =
            case.Label + " given " + String.Join(" and ", wrong |> Array.map (fun x -> Shape.format x.Shape))

        table
        |> forEach name (fun (case, wrong) ->
            let error = Assert.Throws<ArgumentException>(fun () -> case.Primitive.Shape wrong |> ignore)
            Assert.StartsWith(case.Entry.Name + ": ", error.Message))

        output.WriteLine $"refusals: {table.Length} cases"

    [<Fact>]
    member _.``Law 2: the value equals a naive reference``() =
        run "reference" (cases |> List.filter (fun c -> c.Entry.Reference.IsSome)) (fun case ->
            let y = bind case case.Inputs
            let tolerance = if isSingle y && case.Entry.Name <> "cast" then 1e-6 else 1e-13
            let error = distance (case.Entry.Reference.Value case.Inputs) (floats y)
            Assert.True(error <= tolerance, $"differs by {error:g3}: {y}"))

    [<Fact>]
    member _.``Law 3: the forward derivative equals central differences``() =
        runMoving "central differences" (fun (case, active) ->
            let us = tangents case active 100
            let single = Array.exists isSingle case.Inputs || isSingle (bind case case.Inputs)
            let h, tolerance = if single then 0.25, 1e-6 else 1e-3, 1e-8

            let move t =
                bind
                    case
                    (Array.map2 (fun (x: Tensor) (u: Tensor) -> if isNull u then x else x + u * t) case.Inputs us)
                |> floats
            let numeric =
                Array.map2
                    (fun near far -> (8.0 * near - far) / (12.0 * h))
                    (Array.map2 (-) (move h) (move -h))
                    (Array.map2 (-) (move (2.0 * h)) (move (-2.0 * h)))
            let y = bind case case.Inputs
            let dy = case.Primitive.Jvp(case.Inputs, y, us)

            if case.Entry.IsStopped then
                Assert.Null dy
            else
                let dy = orZeros y dy
                Assert.Equal<int[]>(y.Shape, dy.Shape)
                Assert.Equal(y.DType, dy.DType)
                let error = distance numeric (floats dy)
                Assert.True(error <= tolerance, $"differs by {error:g3}: {dy}"))

    [<Fact>]
    member _.``Law 4: reverse mode is the transpose of forward mode``() =
        runMoving "transpose" (fun (case, active) ->
            let us = tangents case active 200
            let y = bind case case.Inputs
            let ct = directionLike 300 y
            let dy = orZeros y (case.Primitive.Jvp(case.Inputs, y, us))

            let back =
                case.Inputs
                |> Array.mapi (fun i x ->
                    if List.contains i active then
                        let t = orZeros x (case.Primitive.Vjp(case.Inputs, y, ct, i))
                        Assert.Equal<int[]>(x.Shape, t.Shape)
                        Assert.Equal(x.DType, t.DType)
                        t
                    else
                        null)

            let forward, reverse = dot [| dy |] [| ct |], dot us back
            let tolerance = if isSingle y || Array.exists isSingle case.Inputs then 1e-5 else 1e-12
            Assert.True(
                abs (forward - reverse) <= tolerance * (1.0 + size dy * size ct),
                $"<J u, ct> = {forward:g17} but <u, J^T ct> = {reverse:g17}"
            ))

    [<Fact>]
    member _.``Law 5: derivatives agree at second order, forward over reverse and reverse over reverse``() =
        let smooth =
            moving
            |> List.filter (fun (case, _) ->
                not case.Entry.IsStopped
                && not (Array.exists isSingle case.Inputs)
                && not (isSingle (bind case case.Inputs)))

        smooth
        |> forEach (fun (case, active) -> $"{case.Label}, inputs %A{active}") (fun (case, active) ->
            let f = along case active
            CheckGrads.Run(Func<_, _> f, (active |> List.map (fun i -> case.Inputs[i]) |> List.toArray), order = 2))

        output.WriteLine $"second order: {smooth.Length} cases"

    [<Fact>]
    member _.``Law 6: jet equals jvp in jvp in jvp``() =
        runMoving "jet of order 3" (fun (case, active) ->
            let rows = [ for order in 1..3 -> tangents case active (500 + 100 * order) ]
            let xs = active |> List.map (fun i -> case.Inputs[i]) |> List.toArray

            let f = along case active

            let y, found = jet f xs [ for row in rows -> active |> List.map (fun i -> row[i]) |> List.toArray ]

            // The curve as a polynomial of one number.
            let along (t: Tensor) =
                f (
                    active
                    |> List.map (fun i ->
                        let term (factor: float) k =
                            rows[k - 1][i] * Tensor.Cast(t ** float k * factor, case.Inputs[i].DType)
                        case.Inputs[i] + term 1.0 1 + term 0.5 2 + term (1.0 / 6.0) 3)
                    |> List.toArray
                )

            let derivative (g: Tensor -> Tensor) (t: Tensor) = snd (jvp g t (Tensor.onesLike t))
            let single = Array.exists isSingle case.Inputs || isSingle y
            let mutable expected = along
            Assert.True(sameBits y (bind case case.Inputs))

            for order in 1..3 do
                expected <- derivative expected
                let expected, found = expected (scalar 0.0), found[order - 1]
                Assert.Equal<int[]>(expected.Shape, found.Shape)
                Assert.Equal(expected.DType, found.DType)
                let scale = Array.fold (fun m v -> max m (abs v)) 1.0 (floats expected)
                let error = distance (floats (expected / scale)) (floats (found / scale))
                let tolerance = if single then 1e-5 else 1e-10
                Assert.True(error <= tolerance, $"order {order} differs by {error:g3}: {found} but jvp {expected}"))

    [<Fact>]
    member _.``linearize gives the bits of jvp``() =
        runMoving "linearize" (fun (case, active) ->
            let f = along case active
            let xs = active |> List.map (fun i -> case.Inputs[i]) |> List.toArray
            let us = xs |> Array.mapi (fun i x -> directionLike (400 + i) x)
            let y, dy = jvp f xs us
            let z, push = linearize f xs
            Assert.True(sameBits y z && sameBits dy (push us)))

    [<Fact>]
    member _.``Law 7: a staged primitive, and its staged derivatives, equal the eager ones, and their programs type-check``
        ()
        =
        let staged f x =
            let program = stage f x
            program.Program.Check()
            Assert.False(String.IsNullOrEmpty(program.ToString()))
            program.Invoke x

        run "staged" cases (fun case -> Assert.True(sameBits (bind case case.Inputs) (staged (bind case) case.Inputs)))

        runMoving "staged derivatives" (fun (case, active) ->
            let f = along case active

            let xs = active |> List.map (fun i -> case.Inputs[i]) |> List.toArray
            let us = xs |> Array.mapi (fun i x -> directionLike (500 + i) x)
            let ct = directionLike 600 (f xs)
            let forward (xs, us) = jvp f xs us
            let reverse (xs, ct) = let y, pullback = vjp f xs in y, pullback ct
            let agree (a: Tensor[]) (b: Tensor[]) =
                Array.iter2 (fun a b -> Assert.True(sameBits a b, $"{a} but staged {b}")) a b
            agree (Tree.leaves (forward (xs, us))) (Tree.leaves (staged forward (xs, us)))
            agree (Tree.leaves (reverse (xs, ct))) (Tree.leaves (staged reverse (xs, ct))))

    [<Fact>]
    member _.``strided inputs give the bits of contiguous ones, and sums to rounding``() =
        run "strides" (cases |> List.filter (fun c -> c.Inputs |> Array.exists (fun x -> x.Rank > 0))) (fun case ->
            for i in 0 .. case.Inputs.Length - 1 do
                let x = case.Inputs[i]

                let alternatives = if x.Rank = 0 then [] else ("stretched", stretched x) :: views x

                for kind, view in alternatives do
                    if kind <> "stretched" then
                        Assert.True(sameBits x view, $"the {kind} view of input {i} has other values")

                    // Equal elements everywhere are a matrix that solvers refuse.
                    let attempt (input: Tensor) =
                        try
                            Ok(bind case (Array.updateAt i input case.Inputs))
                        with :? ArgumentException as error ->
                            Error error.Message

                    // A sum or product runs along memory, so its order, and with it the last bits, follows the layout.
                    match attempt (contiguous view), attempt view with
                    | Ok expected, Ok actual ->
                        let agrees =
                            if case.Entry.Name = "sumTo" || case.Entry.Name = "prod" then
                                distance (floats expected) (floats actual) <= 1e-14
                            else
                                sameBits expected actual

                        Assert.True(agrees, $"input {i} {kind}: {actual} but contiguous {expected}")
                    | expected, actual ->
                        Assert.Equal(expected |> Result.map ignore, actual |> Result.map ignore)
                        Assert.Equal("stretched", kind))

    [<Fact>]
    member _.``float32 is close to float64``() =
        let table = cases |> List.filter (fun c -> Array.exists isFloat c.Inputs && c.Entry.Name <> "cast")

        run "float32" table (fun case ->
            let single = case.Inputs |> Array.map (fun x -> if isFloat x then Tensor.cast DType.Float32 x else x)
            let widened = single |> Array.map (fun x -> if isFloat x then Tensor.cast DType.Float64 x else x)
            let expected, actual = bind case widened, bind case single
            Assert.Equal((if expected.DType = DType.Float64 then DType.Float32 else expected.DType), actual.DType)
            let error = distance (floats expected) (floats actual)
            Assert.True(error <= 4e-6, $"differs by {error:g3}"))

    [<Fact>]
    member _.``float16 and bfloat16 give the float32 result rounded once``() =
        // Custom functions are composed: each of their operations rounds.
        let composed = [ "customJvp"; "customVjp"; "cast" ]

        let table =
            cases |> List.filter (fun c -> Array.exists isFloat c.Inputs && not (List.contains c.Entry.Name composed))

        for stored in [ DType.Float16; DType.BFloat16 ] do
            run (DTypes.Name stored) table (fun case ->
                let inputs = case.Inputs |> Array.map (fun x -> if isFloat x then Tensor.cast stored x else x)
                let widened = inputs |> Array.map (fun x -> if isFloat x then Tensor.cast DType.Float32 x else x)
                let wide, actual = bind case widened, bind case inputs
                let expected = if wide.DType = DType.Float32 then Tensor.cast stored wide else wide
                Assert.True(sameBits expected actual, $"{actual} but of float32 {wide}"))

    [<Fact>]
    member _.``Derivatives have the type of their inputs, whatever it is``() =
        // A custom function packs its argument into one vector, of a type of its own.
        let table = moving |> List.filter (fun (case, _) -> not (case.Entry.Name.StartsWith "custom"))

        for dtype in [ DType.Float16; DType.BFloat16; DType.Float32 ] do
            table
            |> forEach (fun (case, active) -> $"{case.Label}, inputs %A{active}") (fun (case, active) ->
                let inputs = case.Inputs |> Array.map (fun x -> if isFloat x then Tensor.cast dtype x else x)
                let y = bind case inputs
                let us = inputs |> Array.mapi (fun i x -> if List.contains i active then directionLike i x else null)
                let dy = case.Primitive.Jvp(inputs, y, us)
                Assert.Equal(y.DType, (orZeros y dy).DType)

                for i in active do
                    let ct = case.Primitive.Vjp(inputs, y, directionLike 7 y, i)
                    Assert.Equal(dtype, (orZeros inputs[i] ct).DType))
