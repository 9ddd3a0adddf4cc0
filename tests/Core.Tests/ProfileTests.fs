/// Profiles: what they count, what they leave as it is, and what they write.
module Core.Tests.ProfileTests

open System
open System.IO
open System.Text.Json
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Core.Tests.Recorder
open Xunit

let private counts (report: ProfileReport) = [ for row in report.Rows -> row.Name, row.Count ] |> List.sort

let private events (name: string) (report: ProfileReport) =
    report.Events |> Seq.filter (fun e -> e.Name = name) |> Seq.toList
let private single name report = Assert.Single(events name report :> seq<_>)
let private wave (x: Tensor) = Tensor.sum (sin x * x)
let private v = vector [ 0.5; 1.5; -0.25 ]

[<Fact>]
let ``a known function has the operations of its forward pass and of its gradient`` () =
    let y, forward = profile wave v
    Assert.True(sameBits (wave v) y)
    Assert.Equal(0L, y.Level)
    Assert.Equal<(string * int) list>([ "multiply", 1; "sin", 1; "sumTo", 1 ], counts forward)
    Assert.All(forward.Events, fun e -> Assert.Null e.Rule)
    let slope, report = profile (grad wave) v
    Assert.True(sameBits (grad wave v) slope)
    // The way back: the cotangent stretched; two products, and the cosine times one of them; their sum.
    let expected = [ "add", 1; "broadcastTo", 1; "cos", 1; "multiply", 4; "sin", 1; "sumTo", 1 ]
    Assert.Equal<(string * int) list>(expected, counts report)

    let byRule =
        [ for row in report.GroupBy(fun e -> $"{e.Name} in {e.Rule}") do
              if not (row.Name.EndsWith " in ") then
                  row.Name, row.Count ]

    Assert.Equal<(string * int) list>(
        [ "broadcastTo in vjp of sumTo", 1
          "cos in vjp of sin", 1
          "multiply in vjp of multiply", 2
          "multiply in vjp of sin", 1 ],
        List.sort byRule
    )

    // A variable that is used twice directly: its cotangents, which are constants, are added.
    let _, twice = profile (grad (fun x -> x + x)) (scalar 1.0)
    Assert.Equal<(string * int) list>([ "add", 2 ], counts twice)

[<Fact>]
let ``arithmetic and bytes are those of the types`` () =
    let of' name f x =
        let _, report = profile f x
        single name report

    let a, b = normal 1 [| 2; 3 |], normal 2 [| 3; 4 |]
    let product = of' "matmul" (fun (a, b) -> Tensor.matmul a b) (a, b)
    Assert.Equal(48.0, product.Flops)
    Assert.Equal(8.0 * (6.0 + 12.0 + 8.0), product.Bytes)
    Assert.Equal<int[]>([| 2; 4 |], product.Outputs[0].Shape)
    Assert.Equal(DType.Float64, product.Inputs[1].DType)

    let images, filters = normal 3 [| 2; 3; 8; 8 |], normal 4 [| 4; 3; 3; 3 |]
    let convolve (x, w) = Tensor.conv2d 1 1 w x
    let macs = 2.0 * (2.0 * 4.0 * 64.0) * 27.0
    Assert.Equal(macs, (of' "conv" convolve (images, filters)).Flops)
    let _, gradient = profile (grad (convolve >> Tensor.sum)) (images, filters)
    Assert.Equal(macs, (single "convInputGradient" gradient).Flops)
    Assert.Equal(macs, (single "convFilterGradient" gradient).Flops)

    // What is stretched is read once; a view moves nothing; of a table only what is taken.
    Assert.Equal(8.0 * (6.0 + 3.0 + 6.0), (of' "add" (fun (a, b) -> a + b) (a, v)).Bytes)
    Assert.Equal(6.0, (of' "add" (fun (a, b) -> a + b) (a, v)).Flops)
    Assert.Equal(0.0, (of' "transpose" Tensor.transpose a).Bytes)
    Assert.Equal(8.0 * 7.0, (of' "sumTo" Tensor.sum a).Bytes)
    let rows = indices [ 2 ] [ 0; 3 ]
    Assert.Equal(8.0 * 4.0 + 4.0 * 2.0 + 8.0 * 4.0, (of' "take" (Tensor.take 0 rows) (normal 5 [| 9; 2 |])).Bytes)

[<Fact>]
let ``compiled functions are seen equation by equation, and compiled once`` () =
    let f (x: Tensor) = Tensor.sum (exp (sin x * x))
    let compiled = jit f
    let y, first = profile compiled v
    near 1e-15 (f v) y
    let name = "fused(sin, multiply, exp, sumTo)"
    Assert.Equal<(string * int) list>([ "compile", 1; name, 1; "jit", 1 ], counts first)
    let _, second = profile compiled v
    Assert.Equal<(string * int) list>([ name, 1; "jit", 1 ], counts second)
    let call, fused = single "jit" second, single name second
    Assert.Equal(ProfileKind.Program, call.Kind)
    Assert.Equal(ProfileKind.Operation, fused.Kind)
    Assert.Same(call, fused.Parent)
    Assert.Equal(12.0, fused.Flops)
    Assert.Equal(8.0 * 4.0, fused.Bytes)
    Assert.True(call.Own <= call.Duration)

    // The gradient of a compiled function is two calls, of which the second walks back.
    let slope, third = profile (grad compiled) v
    near 1e-15 (grad f v) slope
    Assert.Equal(2, (events "jit" third).Length)
    let slope, fourth = profile (jit (grad f)) v
    near 1e-15 (grad f v) slope
    Assert.Single(events "jit" fourth :> seq<_>) |> ignore

[<Fact>]
let ``loops, branches, checkpoints and rules of one's own hold what runs inside them`` () =
    let inside name (report: ProfileReport) =
        [ for e in report.Events do
              if not (isNull e.Parent) && e.Parent.Name = name && e.Kind = ProfileKind.Operation then
                  e.Name ]
        |> List.countBy id
        |> List.sort

    let looped (x: Tensor) = fst (scan (fun (c: Tensor) (x: Tensor) -> c * 0.5 + sin x, ()) (scalar 0.0) x)
    let y, report = profile looped v
    Assert.True(sameBits (looped v) y)
    Assert.Equal<(string * int) list>([ "add", 3; "multiply", 3; "sin", 3 ], inside "scan" report)
    let slope, report = profile (grad looped) v
    Assert.True(sameBits (grad looped v) slope)
    Assert.Equal(2, (events "scan" report).Length)

    let block (x: Tensor) = checkpoint (fun x -> Tensor.sum (sin x)) x
    let slope, report = profile (grad block) v
    Assert.True(sameBits (grad block v) slope)
    Assert.Equal(2, (events "checkpoint" report).Length)
    Assert.Contains("cos", inside "checkpoint" report |> List.map fst)

    let branch (x: Tensor) =
        stage (fun x -> cond (Tensor.Greater(x, scalar 0.0)) sin cos x) (scalar 1.0) |> fun s -> s.Invoke x
    let _, report = profile branch (scalar 1.0)
    Assert.Equal<(string * int) list>(
        [ "greater", 1; "sin", 1 ],
        counts report |> List.filter (fun (name, _) -> name <> "cond")
    )

    let mutable runs = 0

    let forward (x: Tensor) =
        runs <- runs + 1
        let y = exp x in
        y, y

    let own = customVjp exp forward (fun y ct -> ct * y)
    let slope, report = profile (grad (own >> Tensor.sum)) v
    near 1e-15 (exp v) slope
    Assert.Equal(1, runs)
    Assert.Equal<(string * int) list>(
        [ "exp", 1 ],
        inside "customVjp" report |> List.filter (fun (name, _) -> name = "exp")
    )
    Assert.Contains(report.Events, fun e -> e.Name = "multiply" && e.Rule = "vjp of customVjp")
    let mended = customJvp (fun (x: Tensor) -> log (1.0 + exp x)) (fun x _ t -> t * sigmoid x)
    let slope, report = profile (grad (mended >> Tensor.sum)) v
    near 1e-15 (sigmoid v) slope
    Assert.Equal(1, (events "sigmoid" report).Length)

[<Fact>]
let ``transformations outside of a profile see the function`` () =
    let value f x = fst (profile f x)
    let stacked = Tensor.stack 0 [ v; v * 2.0 ]
    Assert.True(sameBits (grad wave v) (grad (value wave) v))
    Assert.True(sameBits (hessian wave v) (hessian (value wave) v))
    Assert.True(sameBits (vmap wave stacked) (vmap (value wave) stacked))
    Assert.True(sameBits (snd (jvp wave v v)) (snd (jvp (value wave) v v)))
    Assert.True(sameBits (grad wave v) (grad (value (jit wave)) v))
    let mutable report: ProfileReport = null

    let observed (x: Tensor) =
        let y, found = profile wave x
        report <- found
        y

    jvp observed v v |> ignore
    Assert.Contains(report.Events, fun e -> e.Name = "cos" && e.Rule = "jvp of sin")
    vmap observed stacked |> ignore
    Assert.Contains(report.Events, fun e -> e.Name = "sin" && e.Rule = "batch of sin")
    // One profile in another: both see the same.
    let (_, inner), outer = profile (fun x -> let y, r = profile wave x in y, counts r) v
    Assert.Equal<(string * int) list>(inner, counts outer)
    // A pullback that is called when the profile is over still works.
    let pullback, _ = profile (fun x -> snd (vjp wave x)) v
    near 1e-15 (grad wave v) (fst (profile pullback (scalar 1.0)))

[<Fact>]
let ``every primitive is the same when it is profiled, in value, both modes and batched`` () =
    Primitives.cases
    |> forEach _.Label (fun case ->
        let call (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
        let y = call case.Inputs
        let watched, report = profile call case.Inputs
        Assert.True(sameBits y watched)
        let event = single case.Primitive.Name report
        Assert.Equal<int[]>(y.Shape, event.Outputs[0].Shape)
        Assert.Equal(case.Inputs.Length, event.Inputs.Length)

        let floats = case.Inputs |> Array.filter (fun x -> DTypes.IsFloat x.DType)

        if floats.Length > 0 && DTypes.IsFloat y.DType && not case.Entry.IsStopped then
            let ct = directionLike 600 y

            let pull (xs: Tensor[]) =
                let _, pullback = vjp call xs in (pullback ct) |> Array.filter (fun x -> DTypes.IsFloat x.DType)

            let us = case.Inputs |> Array.map (fun x -> if DTypes.IsFloat x.DType then directionLike 500 x else x)
            let push xs = snd (jvp call xs us)
            Assert.True(Array.forall2 sameBits (pull case.Inputs) (fst (profile pull case.Inputs)), "vjp")
            Assert.True(sameBits (push case.Inputs) (fst (profile push case.Inputs)), "jvp")
            let stacked = case.Inputs |> Array.map (fun x -> Tensor.stack 0 [ x; x ])
            Assert.True(sameBits (vmap call stacked) (fst (profile (vmap call) stacked)), "vmap"))

[<Fact>]
let ``the trace is JSON whose spans nest`` () =
    let path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())
    let _, report = profile (fun x -> jit (grad wave) x + grad wave x) v

    try
        File.WriteAllText(path, "old")
        report.SaveTrace path
        use document = JsonDocument.Parse(File.ReadAllText path)
        let spans =
            [ for e in document.RootElement.GetProperty("traceEvents").EnumerateArray() do
                  if e.GetProperty("ph").GetString() = "X" then
                      e ]
        let text (name: string) (e: JsonElement) = e.GetProperty(name).GetString()
        let number (name: string) (e: JsonElement) = e.GetProperty(name).GetDouble()
        Assert.Equal<string list>([ for e in report.Events -> e.Name ], spans |> List.map (text "name"))

        for event, span in Seq.zip report.Events spans do
            Assert.Equal(float event.Thread, number "tid" span)

            if not (isNull event.Parent) then
                let outer = spans[Seq.findIndex (fun e -> obj.ReferenceEquals(e, event.Parent)) report.Events]
                let ending e = number "ts" e + number "dur" e
                Assert.True(number "ts" outer <= number "ts" span && ending span <= ending outer + 0.1)

        let cosine = spans |> List.filter (fun e -> text "name" e = "cos") |> List.last
        Assert.Equal("vjp of sin", text "rule" (cosine.GetProperty "args"))
        Assert.Equal("float64(3)", text "inputs" (cosine.GetProperty "args"))
        Assert.False(File.Exists(path + ".new"))
    finally
        File.Delete path

[<Fact>]
let ``tables sort as they are asked to, and hold all rows`` () =
    let _, report =
        profile
            (fun (a: Tensor) -> Tensor.sum (grad (fun a -> Tensor.sum (Tensor.matmul a (sin a))) a))
            (normal 1 [| 8; 8 |])
    let rows (order: ProfileOrder) = report.GroupBy(_.Name, order)
    let isSorted (value: ProfileRow -> float) order =
        Seq.pairwise (rows order) |> Seq.forall (fun (a, b) -> value a >= value b)
    Assert.True(isSorted _.Seconds ProfileOrder.Time)
    Assert.True(isSorted (fun row -> float row.Count) ProfileOrder.Count)
    Assert.True(isSorted _.MeanSeconds ProfileOrder.Mean)
    Assert.True(isSorted _.Flops ProfileOrder.Flops)
    Assert.True(isSorted _.Bytes ProfileOrder.Bytes)
    let names = [ for row in rows ProfileOrder.Name -> row.Name ]
    Assert.Equal<string list>(List.sort names, names)
    Assert.Equal("matmul", (Seq.head (rows ProfileOrder.Flops)).Name)

    let lines = (report.Format ProfileOrder.Name).Split '\n'
    Assert.StartsWith("operation", lines[0])
    Assert.Equal(names.Length + 3, lines.Length)
    names |> List.iteri (fun i name -> Assert.StartsWith(name + " ", lines[i + 1]))
    Assert.StartsWith("(outside)", lines[names.Length + 1])
    Assert.Contains("ms in all; watching took about", lines[lines.Length - 1])
    let few = report.Format(ProfileOrder.Time, 2).Split '\n'
    Assert.Equal(6, few.Length)
    Assert.StartsWith($"({names.Length - 2} more)", few[3])
    let total = report.Rows |> Seq.sumBy _.Seconds
    Assert.True(total + report.OutsideSeconds >= report.Seconds * 0.999999)

[<Fact>]
let ``errors inside come out as they are, and a span that failed is closed`` () =
    let x3, x4 = v, normal 1 [| 4 |]
    let plain = Assert.Throws<ArgumentException>(fun () -> x3 + x4 |> ignore)
    let profiled = Assert.Throws<ArgumentException>(fun () -> profile (fun x -> x + x4) x3 |> ignore)
    Assert.Equal(plain.Message, profiled.Message)
    Assert.Throws<InvalidOperationException>(fun () -> profile (fun (_: Tensor) -> invalidOp "mine") x3 |> ignore)
    |> ignore

    let caught (x: Tensor) =
        try
            // Fails within a loop, at its evaluation.
            foriLoop 0 2 (fun i y -> Tensor.take 0 (Tensor.reshape [ 1 ] (i + 5.0)) y |> fun t -> y + t) x
        with :? ArgumentException ->
            sin x

    let _, report = profile caught x3
    Assert.Null (single "sin" report).Parent

[<Fact>]
let ``each thread has spans of its own`` () =
    let work (x: Tensor) =
        let f = grad wave
        Array.Parallel.init 32 (fun i -> f (x + float i))

    let results, report = profile work v
    Assert.True(Array.forall2 sameBits (work v) results)
    Assert.Equal(32, (events "sin" report).Length)
    Assert.Equal(32, (events "cos" report).Length)
    Assert.All(report.Events, fun e -> Assert.True(isNull e.Parent || e.Parent.Thread = e.Thread))
    Assert.All(events "cos" report, fun e -> Assert.Equal("vjp of sin", e.Rule))

[<Fact>]
let ``a profile of nothing, and of a program that is being written, is an error`` () =
    let empty = Assert.Throws<ArgumentException>(fun () -> profile (fun (n: int) -> n) 3 |> ignore)
    Assert.StartsWith("profile: the argument holds no tensors", empty.Message)
    let staged = Assert.Throws<ArgumentException>(fun () -> jit (fun x -> fst (profile wave x)) v |> ignore)
    Assert.Contains("profile (jit f) x", staged.Message)
