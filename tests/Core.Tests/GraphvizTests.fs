/// Programs as graphs.
module Core.Tests.GraphvizTests

open System.Text.RegularExpressions
open Autodiff
open Core.Tests.Common
open Xunit

let private lines (text: string) = text.TrimEnd('\n').Split '\n' |> Array.map _.Trim()

[<Fact>]
let ``operations are boxes, edges have types, arguments and results are ellipses`` () =
    let program =
        (stage (fun (x: Tensor, y: Tensor) -> Tensor.sumAxes [ 0 ] (x * 2.0), y) (vector [ 1.0; 2.0 ], scalar 1.0))
            .Program

    let expected =
        [| "digraph program {"
           "compound=true;"
           "node [shape=box, fontname=\"sans-serif\"];"
           "edge [fontname=\"sans-serif\", fontsize=10];"
           "n0 [label=\"a\", shape=ellipse];"
           "n1 [label=\"b\", shape=ellipse];"
           "n2 [label=\"multiply\"];"
           "n0 -> n2 [label=\"a: float64(2)\"];"
           "n3 [label=\"2\", shape=plaintext];"
           "n3 -> n2;"
           "n4 [label=\"sumTo\\nshape=()\"];"
           "n2 -> n4 [label=\"c: float64(2)\"];"
           "n5 [label=\"result 0\", shape=ellipse];"
           "n4 -> n5 [label=\"d: float64()\"];"
           "n6 [label=\"result 1\", shape=ellipse];"
           "n1 -> n6 [label=\"b: float64()\"];"
           "}" |]

    Assert.Equal<string[]>(expected, lines (program.ToGraphviz()))

[<Fact>]
let ``programs of operations are framed, each node has one name, and the text is always the same`` () =
    let f (x: Tensor) =
        let step (c: Tensor) (x: Tensor) = cond (Tensor.Greater(x, scalar 0.0)) (fun c -> sin c * x) cos c, c
        snd (scan step (scalar 0.5) x) |> Tensor.sum

    let program = (stage (grad f) (vector [ 1.0; -2.0 ])).Program
    let text = program.ToGraphviz()
    Assert.Equal(text, (stage (grad f) (vector [ 1.0; -2.0 ])).Program.ToGraphviz())
    let count (pattern: string) = Regex.Matches(text, pattern).Count
    Assert.Equal(count @"\{", count @"\}")
    Assert.True(count "subgraph cluster" >= 4)
    Assert.Equal(count "subgraph cluster", count "lhead=cluster")
    Assert.Contains("label=\"scan: body\";", text)
    Assert.Contains("label=\"cond: ifTrue\";", text)
    let defined = [ for m in Regex.Matches(text, @"^\s*(n\d+) \[", RegexOptions.Multiline) -> m.Groups[1].Value ]
    Assert.Equal(defined.Length, (List.distinct defined).Length)

    for m in Regex.Matches(text, @"(n\d+) -> (n\d+)") do
        Assert.Contains(m.Groups[1].Value, defined)
        Assert.Contains(m.Groups[2].Value, defined)

[<Fact>]
let ``names are escaped, and an empty program is a graph`` () =
    let strange =
        { new Primitive("quo\"te \\ and\nline") with
            member _.Shape inputs = Stage.typeOf inputs[0]
            member _.Value(inputs, _) = inputs[0]
            member _.Jvp(_, _, tangents) = tangents[0]
            member _.Vjp(_, _, ct, _) = ct
            member _.Batch(inputs, _, _) = inputs[0] }

    let text = (stage (fun (x: Tensor) -> Tensor.Bind(strange, x)) (scalar 1.0)).Program.ToGraphviz()
    Assert.Contains("[label=\"quo\\\"te \\\\ and\\nline\"];", text)
    Assert.Contains("shape=point", (stage (fun () -> ()) ()).Program.ToGraphviz())
