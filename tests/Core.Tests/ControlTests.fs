/// Programs and control flow: what they compute, and how they nest with every transformation.
namespace Core.Tests

open System
open Autodiff
open Core.Tests.Common
open Xunit
open Xunit.Abstractions

type Cell = { Weights: Tensor; Bias: Tensor }

module Composed =
    /// A function from a vector to a vector, several of every kind that programs hold.
    let functions: (string * int * (Tensor -> Tensor)) list =
        let matrix n seed = normal seed [| n; n |] * 0.5

        [ "elementwise", 3, (fun x -> sin x * exp (x * 0.3) + x ** 3.0)
          "product", 4, (fun x -> tanh (Tensor.matmul (matrix 4 1) x) * x)
          "softmax", 4, (fun x -> Tensor.softmax 0 (x * x) * Tensor.sum x)
          "solve",
          3,
          (fun x ->
              Linalg.solve (Tensor.eye 3 |> Tensor.cast DType.Float64 |> (fun i -> i * 3.0 + Tensor.outer x x)) (sin x))
          "places", 4, (fun x -> Tensor.concat 0 [ x[1..2] * x[0]; Tensor.cumsum 0 x ])
          "scan",
          3,
          (fun x ->
              let step (c: Tensor) (item: Tensor) = let next = sin (c * item) + c * x[0] in next, next * item
              let c, ys = scan step (x[1] * 0.5) x
              ys + c)
          "whileLoop",
          3,
          (fun x ->
              let goesOn (s: Tensor, _: Tensor) = Tensor.Less(Tensor.sum (s * s), scalar 30.0)
              let s, count = whileLoop goesOn (fun (s, n) -> s * 1.4 + sin x, n + 1.0) (x, scalar 0.0)
              s * count)
          "cond",
          3,
          (fun x -> cond (Tensor.Less(Tensor.sum x, scalar 1.1)) (fun y -> sin y * x) (fun y -> y * y * y) (x * x))
          "customVjp",
          3,
          (fun x ->
              customVjp (fun y -> sin y * y) (fun y -> sin y * y, y) (fun y ct -> ct * (cos y * y + sin y)) (x * x))
          "branches of where",
          3,
          (fun x -> Tensor.where (Tensor.Less(x, scalar 0.45)) (exp x * x) (Tensor.logSumExp [ 0 ] x * x)) ]

    let direction (x: Tensor) = cos (Tensor.arange 1.0 (float x.Size + 0.5) 1.0 |> Tensor.cast DType.Float64)
    let scales = [ 1.0; 0.8; 1.1 ]

    /// Each makes of a function of a vector another one.
    let transforms: (string * ((Tensor -> Tensor) -> Tensor -> Tensor)) list =
        [ "jvp", (fun f x -> snd (jvp f x (direction x)))
          "vjp", (fun f x -> let y, pullback = vjp f x in pullback (direction y))
          "vmap", (fun f x -> Tensor.sumAxes [ 0 ] (vmap f (Tensor.stack 0 [ for s in scales -> x * s ])))
          "stage", (fun f x -> (stage f x).Invoke x)
          "checkpoint", (fun f x -> checkpoint f x) ]

    /// The same by forward mode and loops alone.
    let direct: Map<string, (Tensor -> Tensor) -> Tensor -> Tensor> =
        let derivative f (x: Tensor) (v: Tensor) : Tensor = snd (jvp f x v)

        Map
            [ "jvp", (fun f x -> derivative f x (direction x))
              "vjp",
              (fun f x ->
                  Tensor.stack
                      0
                      [ for i in 0 .. x.Size - 1 ->
                            let e = Tensor.ofArray [ x.Size ] (Array.init x.Size (fun j -> if i = j then 1.0 else 0.0))
                            let column = derivative f x e
                            Tensor.sum (column * direction column) ])
              "vmap", (fun f x -> scales |> List.map (fun s -> f (x * s)) |> List.reduce (+))
              "stage", id
              "checkpoint", id ]

type ControlTests(output: ITestOutputHelper) =
    [<Fact>]
    member _.``all ordered triples of transformations on ten functions equal the direct derivative``() =
        let triples =
            [ for name, size, f in Composed.functions do
                  for a, first in Composed.transforms do
                      for b, second in Composed.transforms do
                          for c, third in Composed.transforms ->
                              $"{a} of {b} of {c} of {name}", size, f, (a, b, c), first << second << third ]

        triples
        |> forEach (fun (name, _, _, _, _) -> name) (fun (_, size, f, (a, b, c), composed) ->
            let x = uniform 71 0.2 0.7 [| size |]
            let expected = (Composed.direct[a] << Composed.direct[b] << Composed.direct[c]) f x
            near 1e-9 expected (composed f x))

        output.WriteLine $"{triples.Length} triples on {Composed.functions.Length} functions"

    [<Fact>]
    member _.``a program prints``() =
        let f (x: Tensor, w: Tensor) = Tensor.sum (tanh (Tensor.matmul x w) * 2.0)
        let program = stage f (normal 1 [| 2; 3 |], normal 2 [| 3; 4 |])

        let expected =
            "program (a: float64(2, 3), b: float64(3, 4))\n"
            + "  c: float64(2, 4) = matmul a b\n"
            + "  d: float64(2, 4) = tanh c\n"
            + "  e: float64(2, 4) = multiply d 2\n"
            + "  f: float64() = sumTo[shape=()] e\n"
            + "  return f"

        Assert.Equal(expected, program.ToString())

    [<Fact>]
    member _.``a staged function takes and gives trees, and refuses other shapes``() =
        let f (cell: Cell, x: Tensor) = {| Sum = Tensor.matmul x cell.Weights + cell.Bias; Note = "kept" |}
        let cell = { Weights = normal 1 [| 3; 2 |]; Bias = normal 2 [| 2 |] }
        let x = normal 3 [| 4; 3 |]
        let staged = stage f (cell, x)
        staged.Program.Check()
        let other = normal 4 [| 4; 3 |]
        Assert.True(sameBits (f (cell, other)).Sum (staged.Invoke(cell, other)).Sum)
        Assert.Equal("kept", (staged.Invoke(cell, other)).Note)
        let error = Assert.Throws<ArgumentException>(fun () -> staged.Invoke(cell, normal 5 [| 5; 3 |]) |> ignore)
        Assert.Contains("float64(5, 3)", error.Message)
        Assert.Contains("float64(4, 3)", error.Message)

    [<Fact>]
    member _.``equations that no result needs are not in the program``() =
        let program =
            stage
                (fun (x: Tensor) ->
                    (exp x |> ignore)
                    sin x)
                (normal 1 [| 3 |])
        Assert.Equal(1, program.Program.Equations.Length)

    [<Fact>]
    member _.``a program runs on other threads at once``() =
        let f (x: Tensor) = let c, ys = scan (fun (c: Tensor) (i: Tensor) -> c * i, sin c) x[0] x in ys + c
        let staged = stage (grad (f >> Tensor.sum)) (normal 1 [| 8 |])
        let inputs = [| for i in 0..99 -> normal i [| 8 |] |]
        let expected = inputs |> Array.map staged.Invoke
        let actual = inputs |> Array.Parallel.map staged.Invoke
        Array.iter2 (fun a b -> Assert.True(sameBits a b)) expected actual

    [<Fact>]
    member _.``reading a value while a program is written says so``() =
        let branch (x: Tensor) = if float (Tensor.sum x) > 0.0 then x else -x
        let error = Assert.Throws<ArgumentException>(fun () -> stage branch (normal 1 [| 3 |]) |> ignore)
        Assert.StartsWith("stage: ", error.Message)
        Assert.Contains("cond", error.Message)

    [<Fact>]
    member _.``the checker finds an equation with a wrong type``() =
        let program = (stage sin (normal 1 [| 3 |])).Program
        let a = program.Inputs[0]
        let wrong = Variable(1, { Shape = [| 4 |]; DType = DType.Float64 })
        let broken =
            Program(
                program.Inputs,
                [| Equation(program.Equations[0].Operation, [| Atom.Variable a |], [| wrong |]) |],
                [| Atom.Variable wrong |],
                2
            )
        let error = Assert.Throws<ArgumentException>(fun () -> broken.Check())
        Assert.Contains("float64(4)", error.Message)
        let undefined = Program([||], program.Equations, program.Outputs, 2)
        Assert.Contains("not defined", Assert.Throws<ArgumentException>(fun () -> undefined.Check()).Message)

    [<Fact>]
    member _.``scan equals a loop, with trees in its carry, items and results, in both directions``() =
        let w = normal 1 [| 3; 3 |] * 0.4
        let xs = normal 2 [| 5; 3 |]
        let keep = Tensor.ofArray [ 5 ] [| true; false; true; true; false |]

        let step (h: Tensor, n: Tensor) (x: Tensor, k: Tensor) =
            let next = tanh (Tensor.matmul w h + x)
            (Tensor.where k next h, n + 1.0), {| State = next; Twice = h * 2.0 |}

        let start = Tensor.zerosLike w[0], Tensor.ofArray [] [| 0 |]

        for isBack in [ false; true ] do
            let (h, n), ys = (if isBack then scanBack else scan) step start (xs, keep)
            let mutable c = start
            let results = Array.zeroCreate 5

            for i in (if isBack then [ 4..-1..0 ] else [ 0..4 ]) do
                let next, y = step c (xs[i], keep[i])
                c <- next
                results[i] <- y

            Assert.True(sameBits (fst c) h)
            Assert.Equal(5, int n)
            Assert.Equal(DType.Int32, n.DType)
            Assert.True(sameBits (Tensor.stack 0 [ for y in results -> y.State ]) ys.State)
            Assert.True(sameBits (Tensor.stack 0 [ for y in results -> y.Twice ]) ys.Twice)

    [<Fact>]
    member _.``the gradient of a scan equals that of a loop, also for what the step captures``() =
        let xs, w, h0 = normal 1 [| 6; 2; 3 |], normal 2 [| 3; 3 |] * 0.4, normal 3 [| 2; 3 |]
        let cell (w: Tensor) (h: Tensor) (x: Tensor) = tanh (Tensor.matmul h w + x)

        let scanned (xs: Tensor, w: Tensor, h: Tensor) =
            let last, ys = scan (fun h x -> let h = cell w h x in h, h * h) h xs
            Tensor.sum (last * last) + Tensor.mean ys

        let looped (xs: Tensor, w: Tensor, h: Tensor) =
            let mutable h = h
            let ys =
                [ for i in 0..5 do
                      h <- cell w h xs[i]
                      h * h ]
            Tensor.sum (h * h) + Tensor.mean (Tensor.stack 0 ys)

        let a, b, c = grad scanned (xs, w, h0)
        let a', b', c' = grad looped (xs, w, h0)
        near 1e-13 a' a
        near 1e-13 b' b
        near 1e-13 c' c
        near 1e-12 (hessian (fun w -> looped (xs, w, h0)) w) (hessian (fun w -> scanned (xs, w, h0)) w)
        // The gradient of the weights is one product over all steps, after the walk back.
        let program = (stage (grad (fun w -> scanned (xs, w, h0))) w).Program
        Assert.Contains("matmul", program.Equations |> Array.map _.Operation.Name)

    [<Fact>]
    member _.``a scan of no entries returns its carry``() =
        let f (c: Tensor) =
            let last, ys =
                scan (fun (c: Tensor) (x: Tensor) -> c * x, sin c) c (Tensor.zeros [ 0 ] |> Tensor.cast DType.Float64) in
            Tensor.sum last + Tensor.sum ys
        nearValue 0.0 3.0 (f (scalar 3.0))
        nearValue 0.0 1.0 (grad f (scalar 3.0))

    [<Fact>]
    member _.``a scan inside a scan, and what only constants determine is computed once``() =
        let f (w: Tensor) =
            foriLoop
                0
                3
                (fun i s -> foriLoop 0 2 (fun j s -> sin (s * w) + exp w + Tensor.cast DType.Float64 (i + j)) s)
                w

        let g (w: Tensor) =
            let mutable s = w
            for i in 0..2 do
                for j in 0..1 do
                    s <- sin (s * w) + exp w + float (i + j)
            s

        let w = scalar 0.7
        near 1e-15 (g w) (f w)
        near 1e-12 (grad (grad g) w) (grad (grad f) w)
        near 1e-12 (grad (grad g) w) ((stage (grad (grad f)) w).Invoke w)
        let program = (stage f w).Program
        // The exponential stands before the loops.
        Assert.Equal("exp", program.Equations[0].Operation.Name)

    [<Fact>]
    member _.``whileLoop counts each example's own steps``() =
        let collatz (n: Tensor) =
            let step (n: Tensor, steps: Tensor) =
                let half = n / Tensor.ofArray [] [| 2L |]
                let isEven = Tensor.EqualTo(half * 2.0, n)
                Tensor.where isEven half (n * 3.0 + 1.0), steps + 1.0
            whileLoop (fun (n, _) -> Tensor.Greater(n, Tensor.ofArray [] [| 1L |])) step (n, Tensor.ofArray [] [| 0L |])
            |> snd

        let ns = Tensor.ofArray [ 6 ] [| 1L; 2L; 7L; 27L; 6L; 97L |]
        let expected = [| 0L; 1L; 16L; 111L; 8L; 118L |]
        Assert.Equal<int64[]>(expected, Tensor.toArray<int64>(vmap collatz ns))
        let staged = stage (vmap collatz) ns
        staged.Program.Check()
        Assert.Equal<int64[]>(expected, Tensor.toArray<int64>(staged.Invoke ns))
        Assert.Equal(111.0, float (collatz ns[3]))

    [<Fact>]
    member _.``a staged whileLoop has derivatives of both modes and orders``() =
        // Newton's iteration for a square root, run to convergence.
        let root (a: Tensor) =
            whileLoop
                (fun (x: Tensor) -> Tensor.Greater(abs (x * x - a), scalar 1e-12))
                (fun x -> (x + a / x) * 0.5)
                (a * 0.0 + 1.0)

        let a = scalar 2.0
        let run f = (stage f a).Invoke a
        nearValue 1e-12 (sqrt 2.0) (run root)
        nearValue 1e-9 (0.5 / sqrt 2.0) (run (grad root))
        nearValue 1e-9 (0.5 / sqrt 2.0) (run (fun a -> snd (jvp root a (scalar 1.0))))
        let second = -0.25 * 2.0 ** -1.5
        nearValue 1e-6 second (run (grad (grad root)))
        nearValue 1e-6 second (run (fun a -> snd (jvp (grad root) a (scalar 1.0))))
        nearValue 1e-6 second (run (grad (fun a -> snd (jvp root a (scalar 1.0)))))
        near
            1e-9
            (Tensor.ofArray [ 3 ] [| for a in [ 0.5; 3.0; 10.0 ] -> 0.5 / sqrt a |])
            (vmap (grad root) (vector [ 0.5; 3.0; 10.0 ]))

    [<Fact>]
    member _.``cond runs one side where its value is known, and keeps both in a program``() =
        let mutable seen = 0

        let f (x: Tensor) =
            cond
                (Tensor.Greater(Tensor.sum x, scalar 0.0))
                (fun y ->
                    seen <- seen + 1
                    y * 2.0)
                (fun y -> sin y)
                x

        f (vector [ -1.0; 0.5 ]) |> ignore
        Assert.Equal(0, seen)
        let staged = stage f (vector [ 1.0; 1.0 ])
        staged.Program.Check()
        near 0.0 (vector [ 2.0; 4.0 ]) (staged.Invoke(vector [ 1.0; 2.0 ]))
        near 1e-15 (sin (vector [ -1.0; 0.5 ])) (staged.Invoke(vector [ -1.0; 0.5 ]))

    [<Fact>]
    member _.``checkpoint runs its function again in the pullback``() =
        let f (x: Tensor) = checkpoint (fun x -> exp (sin x)) x * 2.0
        let names f = (stage f (scalar 0.3)).Program.Equations |> Array.map _.Operation.Name
        let plain = names (valueAndGrad (fun x -> exp (sin x) * 2.0))
        Assert.Equal(1, plain |> Array.filter ((=) "sin") |> Array.length)
        let program = (stage (valueAndGrad f) (scalar 0.3)).Program
        let inside = program.Equations |> Array.filter (fun e -> e.Operation.Name = "checkpoint")
        Assert.Equal(2, inside.Length)

        for equation in inside do
            Assert.Contains("sin", string (snd equation.Operation.Parameters[0]))

    [<Fact>]
    member _.``a chain of checkpoints equals the chain``() =
        let layer (x: Tensor) = tanh (x * 1.1 + 0.1) * x
        let plain (x: Tensor) = Tensor.sum (layer (layer (layer x)))
        let kept (x: Tensor) = Tensor.sum (checkpoint layer (checkpoint layer (checkpoint layer x)))
        let x = normal 5 [| 4 |]
        Assert.True(sameBits (grad plain x) (grad kept x))
        near 1e-13 (hessian plain x) (hessian kept x)

    [<Fact>]
    member _.``mistakes are named``() =
        let fails (start: string) (part: string) (call: unit -> 'r) =
            let error = Assert.Throws<ArgumentException>(fun () -> call () |> ignore)
            Assert.StartsWith(start, error.Message)
            Assert.Contains(part, error.Message)

        let x = vector [ 1.0; 2.0; 3.0 ]
        let single = Tensor.cast DType.Float32 x
        fails "scan: " "float32(3)" (fun () -> scan (fun (c: Tensor) (_: Tensor) -> c * x, c) single x)
        fails "scan: " "float64(3)" (fun () -> scan (fun (c: Tensor) (_: Tensor) -> c * x, c) (scalar 1.0) x)
        fails "scan: " "first axis" (fun () -> scan (fun (c: Tensor) (_: Tensor, _: Tensor) -> c, c) x (x, x[..1]))
        fails "scan: " "foriLoop" (fun () -> scan (fun (c: Tensor) () -> c, c) x ())
        fails "whileLoop: " "(3)" (fun () -> whileLoop (fun (c: Tensor) -> Tensor.Less(c, scalar 5.0)) id x)
        fails "whileLoop: " "float64(3)" (fun () ->
            whileLoop (fun (c: Tensor) -> Tensor.Less(Tensor.sum c, scalar 5.0)) (fun c -> c * x) (scalar 1.0))
        fails "cond: " "(3)" (fun () -> cond (Tensor.Less(x, scalar 5.0)) sin cos x)

        fails "cond: " "float64(3)" (fun () ->
            stage (fun (x: Tensor) -> cond (Tensor.Less(Tensor.sum x, scalar 5.0)) sin Tensor.sum x) x)

    [<Fact>]
    member _.``only tensors depend on values, in programs as they are written``() =
        let fails (start: string) (parts: string list) (call: unit -> 'r) =
            let error = Assert.Throws<ArgumentException>(fun () -> call () |> ignore)
            Assert.StartsWith(start, error.Message)

            for part in parts do
                Assert.Contains(part, error.Message)

        let x, one = vector [ 1.0; 2.0; 3.0 ], scalar 1.0
        let isSmall (x: Tensor) = Tensor.Less(Tensor.sum x, scalar 5.0)
        // The sides of a branch, and the carry of a loop, differ in structure or in what is no tensor.
        let split n (x: Tensor) = [ for _ in 1..n -> x ], [ for _ in 1 .. 3 - n -> x ]
        fails "cond: " [ "different structure" ] (fun () -> jit (fun x -> cond (isSmall x) (split 1) (split 2) x) x)
        fails "cond: " [ "besides tensors"; "7 and 8" ] (fun () ->
            jit (fun x -> cond (isSmall x) (fun x -> x, 7) (fun x -> x, 8) x) x)
        fails "scan: " [ "takes 1"; "returns 2" ] (fun () -> scan (fun c (x: Tensor) -> x :: c, ()) [ one ] x)
        fails "scan: " [ "besides tensors"; "0 and 1"; "tensor" ] (fun () ->
            scan (fun (c: Tensor, n) (x: Tensor) -> (c + x, n + 1), ()) (one, 0) x)
        fails "scanBack: " [ "structure" ] (fun () ->
            scanBack (fun (a, b) (_: Tensor) -> (b, a), ()) ([ one ], [ one; one ]) x)
        fails "scan: " [ "scalar"; "carry" ] (fun () -> scan (fun (c: Tensor) (x: Tensor) -> c + x, ()) one one)
        fails "foriLoop: " [ "int32()"; "float32()" ] (fun () ->
            foriLoop 0 3 (fun _ n -> n * 0.5) (Tensor.cast DType.Int32 one))
        let count (x: Tensor, n: int) = x * 2.0, n + 1
        Assert.Equal(3, snd (whileLoop (fst >> isSmall) count (one, 0)))
        fails "whileLoop: " [ "0 and 1" ] (fun () -> jit (whileLoop (fst >> isSmall) count) (one, 0))
        fails "whileLoop: " [ "takes 1"; "returns 2" ] (fun () ->
            jit (whileLoop (List.head >> isSmall) (fun xs -> one :: xs)) [ one ])
        let scaled = stage (fun (x: Tensor, n: int) -> x * float n) (x, 2)
        fails "stage: " [ "2 and 3"; "stage it for this" ] (fun () -> scaled.Invoke(x, 3))
        near 0.0 (x * 2.0) (scaled.Invoke(x, 2))

        // A value is asked for, in each of the places where there is none.
        let readers: (string * (Tensor -> Tensor)) list =
            [ "float", (fun x -> x * float (Tensor.sum x))
              "if", (fun x -> if float (Tensor.sum x) > 0.0 then x else -x)
              "toArray", (fun x -> Tensor.ofSeq (Tensor.toArray<float> x))
              "a loop over numbers", (fun x -> Seq.fold (fun y _ -> y * 2.0) x [ 1 .. int (Tensor.sum x) ])
              "mask", (fun x -> Tensor.mask (Tensor.Greater(x, one)) x) ]

        for _, read in readers do
            fails "stage: " [ "jit"; "cond"; "scan" ] (fun () -> jit read x)
            fails "stage: " [ "no value" ] (fun () -> checkpoint read x)
            fails "stage: " [ "no value" ] (fun () ->
                scan (fun (c: Tensor) (x: Tensor) -> c, read (Tensor.reshape [ 1 ] x)) one x)
            fails "vmap: " [ "examples"; "where" ] (fun () -> vmap read (Tensor.reshape [ 1; 3 ] x))

        // Printing shows the name of the variable.
        let mutable printed = ""
        jit
            (fun x ->
                printed <- string x
                x)
            x
        |> ignore
        Assert.Equal("a: float64(3)", printed)

    [<Fact>]
    member _.``what is kept of a program that has been written is no tensor``() =
        let x = vector [ 1.0; 2.0; 3.0 ]
        let mutable kept: Tensor = null
        jit
            (fun (x: Tensor) ->
                kept <- x * 2.0
                x)
            x
        |> ignore

        for misuse in
            [ (fun () -> kept + 1.0)
              (fun () -> scalar (float (Tensor.sum kept)))
              (fun () -> Tensor.ofSeq (Tensor.toArray<float> kept))
              (fun () -> grad (fun x -> Tensor.sum (x * kept)) x)
              (fun () -> jit (fun x -> x * kept) x) ] do
            let error = Assert.Throws<ArgumentException>(fun () -> misuse () |> ignore)
            Assert.Contains("return it from the function", error.Message)

    [<Fact>]
    member _.``functions without tensors are compiled, once, and arguments may hold anything``() =
        let mutable runs = 0

        let f =
            jit (fun (n: int) ->
                runs <- runs + 1
                scalar (float n) * 2.0)

        near 0.0 (scalar 6.0) (f 3)
        near 0.0 (scalar 6.0) (f 3)
        near 0.0 (scalar 8.0) (f 4)
        Assert.Equal(2, runs)
        Assert.Equal(5, jit (fun (_: Tensor) -> 5) (scalar 1.0))
        jit (fun (_: Tensor) -> ()) (scalar 1.0)
        Assert.Empty(jit (fun (xs: Tensor list) -> xs) [])
        let tag = obj ()
        near 0.0 (scalar 1.0) (fst (jit id (scalar 1.0, tag)))
        // What the function reads from outside is what it was at the first call.
        let mutable scale = 2.0
        let scaled = jit (fun (x: Tensor) -> x * scale)
        near 0.0 (scalar 2.0) (scaled (scalar 1.0))
        scale <- 3.0
        near 0.0 (scalar 2.0) (scaled (scalar 1.0))
        near 0.0 (vector [ 3.0 ]) (scaled (vector [ 1.0 ]))
