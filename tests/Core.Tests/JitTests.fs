/// Compiled functions: equal to the functions that they were made of, under every transformation.
namespace Core.Tests

open System
open Autodiff
open Core.Tests.Common
open Xunit
open Xunit.Abstractions

type JitTests(output: ITestOutputHelper) =
    let program (f: 'a -> 'b) (x: 'a) : Program =
        let compiled = Compile.run (stage f x).Program
        compiled.Check()
        compiled

    let rec operations (program: Program) : string list = program.Equations |> Array.toList |> List.map _.Operation.Name

    [<Fact>]
    member _.``Law 7: compiled primitives and their derivatives equal the eager ones``() =
        let close (a: Tensor) (b: Tensor) =
            Assert.Equal(a.DType, b.DType)
            Assert.Equal<int[]>(a.Shape, b.Shape)
            let tolerance = if a.DType = DType.Float64 then 1e-14 else 1e-6
            let error = distance (floats a) (floats b)
            Assert.True(error <= tolerance, $"{a} but compiled {b}, {error}")

        let agree (a: 'a) (b: 'a) = Array.iter2 close (Tree.leaves a) (Tree.leaves b)

        Primitives.cases
        |> forEach (fun case -> case.Label) (fun case ->
            let bind (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
            let y = bind case.Inputs
            program bind case.Inputs |> ignore
            let compiled = jit bind
            agree y (compiled case.Inputs)
            agree y (compiled case.Inputs)

            if DTypes.IsFloat y.DType && case.Inputs |> Array.exists (fun x -> DTypes.IsFloat x.DType) then
                let us =
                    case.Inputs
                    |> Array.mapi (fun i x -> if DTypes.IsFloat x.DType then directionLike (i + 1) x else x)
                let ct = directionLike 9 y
                let forward (xs, us) = jvp bind xs us
                let reverse (xs, ct) = let y, pullback = vjp bind xs in y, pullback ct
                agree (forward (case.Inputs, us)) (jit forward (case.Inputs, us))
                agree (reverse (case.Inputs, ct)) (jit reverse (case.Inputs, ct))
                // Derivatives of the compiled function are calls of compiled functions.
                agree (forward (case.Inputs, us)) (jvp (jit bind) case.Inputs us)
                let value, pullback = vjp (jit bind) case.Inputs
                agree (reverse (case.Inputs, ct)) (value, pullback ct))

        output.WriteLine $"compiled: {Primitives.table.Length} primitives, {Primitives.cases.Length} cases"

    [<Fact>]
    member _.``all ordered triples of transformations with jit on ten functions equal the direct derivative``() =
        let transforms = ("jit", jit) :: Composed.transforms
        let direct = Composed.direct.Add("jit", id)

        let triples =
            [ for name, size, f in Composed.functions do
                  for a, first in transforms do
                      for b, second in transforms do
                          for c, third in transforms do
                              if List.contains "jit" [ a; b; c ] then
                                  $"{a} of {b} of {c} of {name}", size, f, (a, b, c), first << second << third ]

        triples
        |> forEach (fun (name, _, _, _, _) -> name) (fun (_, size, f, (a, b, c), composed) ->
            let x = uniform 71 0.2 0.7 [| size |]
            let expected = (direct[a] << direct[b] << direct[c]) f x
            let compiled = composed f
            near 1e-9 expected (compiled x)
            near 1e-9 expected (compiled x))

        output.WriteLine $"{triples.Length} triples"

    [<Fact>]
    member _.``a function runs once for each structure, shape and type``() =
        let mutable runs = 0

        let f =
            jit (fun (x: Tensor, scale: int) ->
                runs <- runs + 1
                x * float scale)

        let x = normal 1 [| 3 |]
        near 0.0 (x * 2.0) (f (x, 2))
        near 0.0 (x * 4.0) (f (x * 2.0, 2))
        Assert.Equal(1, runs)
        near 0.0 (x * 3.0) (f (x, 3))
        Assert.Equal(2, runs)
        f (normal 1 [| 4 |], 2) |> ignore
        f (Tensor.cast DType.Float32 x, 2) |> ignore
        Assert.Equal(4, runs)
        f (x, 2) |> ignore
        Assert.Equal(4, runs)

    [<Fact>]
    member _.``elementwise chains become one pass, with broadcasting and choices inside``() =
        let f (x: Tensor, b: Tensor) =
            let y = tanh (x * 2.0 + b) * sigmoid x
            Tensor.where (Tensor.Less(y, scalar 0.1)) (exp y) (-y)

        let x, b = normal 1 [| 5; 7 |], normal 2 [| 7 |]
        Assert.Equal<string list>([ "fused" ], operations (program f (x, b)))
        near 1e-15 (f (x, b)) (jit f (x, b))
        let gradient = program (grad (f >> Tensor.sum)) (x, b)
        output.WriteLine(string gradient)
        Assert.Equal(1, operations gradient |> List.filter ((=) "fused") |> List.length)

    [<Fact>]
    member _.``equal equations are computed once, identities not at all``() =
        let f (x: Tensor) = Tensor.sum (Tensor.cumsum 0 x) + Tensor.sum (Tensor.cumsum 0 x) * 1.0
        let names = operations (program f (normal 1 [| 5 |]))
        Assert.Equal<string list>([ "cumsum"; "sumTo"; "add" ], names)

    [<Fact>]
    member _.``a group does not close a circle``() =
        // The second exponential needs the sum, which needs the first, and the product needs both.
        let f (x: Tensor) =
            let a = exp x
            let s = Tensor.sum a
            exp (x - s) * a + x

        let x = normal 3 [| 6 |]
        near 1e-15 (f x) (jit f x)

    [<Fact>]
    member _.``scalars compute as eager scalars do``() =
        let f (x: Tensor) =
            let mutable y = x
            for _ in 1..40 do
                y <- sin y + exp (-y) * x
            y

        let x = scalar 0.3
        Assert.True(sameBits (f x) (jit f x))
        Assert.True(sameBits (grad f x) (jit (grad f) x))
        near 1e-14 (grad f x) (grad (jit f) x)

    [<Fact>]
    member _.``strided and stretched arguments are what they are``() =
        let f (x: Tensor, y: Tensor) = exp x * y + x
        let compiled = jit f
        let x = normal 1 [| 4; 6 |]
        let other = normal 2 [| 6; 4 |]
        let y = Tensor.transpose other
        near 1e-15 (f (x, y)) (compiled (x, y))
        near 1e-15 (f (x, x)) (compiled (x, x))
        let wide = Tensor.broadcastTo [ 4; 6 ] (normal 3 [| 6 |])
        near 1e-15 (f (wide, y)) (compiled (wide, y))
        let part = (normal 4 [| 8; 12 |])[1..4, 2..7]
        near 1e-15 (f (part, x)) (compiled (part, x))

    [<Fact>]
    member _.``many threads may call a compiled function at once``() =
        let f = jit (fun (x: Tensor) -> let h = grad (fun x -> Tensor.sum (tanh x * x)) x in h + Tensor.cumsum 0 x)
        let inputs = [| for i in 0..199 -> normal i [| 16 |] |]
        let expected = inputs |> Array.map f
        let actual = inputs |> Array.Parallel.map f
        Array.iter2 (fun a b -> Assert.True(sameBits a b)) expected actual

    [<Fact>]
    member _.``what is put together of what was put together lies where it is needed``() =
        // Each table is the first half of the next, and its last rows are products and sums of its first ones.
        let table (x: Tensor) =
            let rec grow (rows: Tensor) (next: Tensor) =
                if rows.Shape[0] = 8 then
                    rows
                else
                    grow (Tensor.concat 0 [ rows * 2.0; rows * next ]) (next * next)

            grow (Tensor.reshape [ 1; -1 ] (sin x)) (tanh x)

        let check name (f: Tensor -> Tensor[]) =
            let compiled = jit f

            for n in [ 3; 40; 5000 ] do
                let arguments = [ for seed in 1..4 -> normal seed [| n |] ]
                let expected = arguments |> List.map f
                // Results of earlier calls keep their values.
                let actual = arguments |> List.map compiled

                for e, a in List.zip expected actual do
                    Assert.Equal(e.Length, a.Length)
                    Array.iter2 (near 1e-12) e a

            output.WriteLine name

        check "a result" (fun x -> [| table x |])
        check "a value on the way" (fun x -> [| Tensor.sum (table x * x); x |])
        check "with its slope" (fun x -> [| grad (fun x -> Tensor.sum (Tensor.Square(table x))) x; table x |])

        check "with a part that is a result too" (fun x ->
            let t = table x
            let whole = Tensor.concat 0 [ t; Tensor.matmul (Tensor.full DType.Float64 [ 2; 8 ] 1.0) t ]
            [| whole; t; Tensor.cumsum 0 whole |])

        check "with a part that is read after the whole" (fun x ->
            let a = table x
            let b = Tensor.matmul (Tensor.full DType.Float64 [ 3; 8 ] 0.5) a
            let whole = Tensor.concat 0 [ Tensor.concat 0 [ a * 1.5; b ]; Tensor.cumsum 0 a ]
            [| Tensor.softmax 0 whole + Tensor.sum b; whole[3..5] |])

    [<Fact>]
    member _.``memory that is used again holds no value that is needed, call after call and on many threads``() =
        // Large enough to be planned; views, results and arguments share memory in many ways.
        let network (w: Tensor, x: Tensor) =
            let h = tanh (Tensor.matmul x w)
            let g = sigmoid (Tensor.matmul h (Tensor.transpose w)) * h
            let first, second = g[..31], g[32..]
            let joined = Tensor.concat 0 [ second * 2.0; first ]
            let y = Tensor.softmax 1 joined + Tensor.transpose (Tensor.reshape [ 64; 64 ] joined)
            let inverse = Linalg.inverse (Tensor.cast DType.Float64 (Tensor.eye 64) * 4.0 + y * 0.1)
            h, Tensor.sum (inverse * y * y), joined, Tensor.cumsum 0 y

        let derived (w, x) =
            let value, slope = valueAndGrad (fun w -> let _, s, j, _ = network (w, x) in s + Tensor.sum (j * j)) w
            network (w, x), value, slope

        let compiled = jit derived
        let argument seed = normal seed [| 64; 64 |] * 0.2, normal (seed + 1) [| 64; 64 |]

        let agree seed =
            let expected, actual = derived (argument seed), compiled (argument seed)
            // Results of earlier calls keep their values.
            fun () -> Array.iter2 (near 1e-12) (Tree.leaves expected) (Tree.leaves actual)

        let checks = [ for seed in 1..5 -> agree seed ]
        checks |> List.iter (fun check -> check ())
        [| 11..40 |] |> Array.Parallel.map agree |> Array.iter (fun check -> check ())
        let w, _ = argument 1
        let plan = Executable(Compile.run (stage derived (argument 1)).Program)
        output.WriteLine $"{plan.Planned} bytes for an argument of {w.Size * 16}"
