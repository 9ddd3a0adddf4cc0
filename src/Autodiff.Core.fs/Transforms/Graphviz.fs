namespace Autodiff

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.Text

/// Programs as text of the language DOT.
type internal DotWriter() =
    let text = StringBuilder()
    let mutable nodes = 0
    let mutable clusters = 0

    static member private Quote(label: string) =
        "\"" + label.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n") + "\""

    member private _.Line(indent: string, line: string) = text.Append(indent).Append(line).Append('\n') |> ignore

    member private this.Node(indent, label: string, attributes: string) : string =
        let name = $"n{nodes}"
        nodes <- nodes + 1
        this.Line(indent, $"{name} [label={DotWriter.Quote label}{attributes}];")
        name

    /// Writes the nodes and edges of a program, and gives the name of its first node.
    member this.Program(indent: string, program: Program) : string =
        let first = $"n{nodes}"
        let sources = Dictionary<Variable, string>(HashIdentity.Reference)
        let argument = ", shape=ellipse"

        let edge (target: string) (atom: Atom) =
            match atom with
            | Atom.Variable v ->
                let label = v.Name + ": " + ProgramText.Type v.Type
                this.Line(indent, $"{sources[v]} -> {target} [label={DotWriter.Quote label}];")
            | Atom.Literal x ->
                let constant = this.Node(indent, ProgramText.Literal x, ", shape=plaintext")
                this.Line(indent, $"{constant} -> {target};")

        for v in program.Inputs do
            sources[v] <- this.Node(indent, v.Name, argument)

        for equation in program.Equations do
            let programs, parameters =
                equation.Operation.Parameters |> List.partition (fun (_, value) -> value :? Program)

            let label =
                equation.Operation.Name :: (parameters |> List.map (ProgramText.Parameter "")) |> String.concat "\n"
            let box = this.Node(indent, label, "")
            Array.iter (edge box) equation.Inputs

            for v in equation.Outputs do
                sources[v] <- box

            for name, value in programs do
                let cluster = $"cluster{clusters}"
                clusters <- clusters + 1
                this.Line(indent, $"subgraph {cluster} {{")
                let inner = indent + "  "
                let title = equation.Operation.Name + ": " + name
                this.Line(inner, $"label={DotWriter.Quote title};")
                let start = this.Program(inner, value :?> Program)
                this.Line(indent, "}")
                this.Line(indent, $"{box} -> {start} [style=dashed, arrowhead=none, lhead={cluster}];")

        program.Outputs
        |> Array.iteri (fun i atom ->
            let label = if program.Outputs.Length = 1 then "result" else $"result {i}"
            edge (this.Node(indent, label, argument)) atom)

        // A program without inputs, equations and results still has a place for the edge that points to it.
        if first = $"n{nodes}" then
            this.Node(indent, "", ", shape=point") |> ignore

        first

    static member Write(program: Program) : string =
        let writer = DotWriter()
        writer.Line("", "digraph program {")
        writer.Line("  ", "compound=true;")
        writer.Line("  ", "node [shape=box, fontname=\"sans-serif\"];")
        writer.Line("  ", "edge [fontname=\"sans-serif\", fontsize=10];")
        writer.Program("  ", program) |> ignore
        writer.Line("", "}")
        writer.ToString()

    override _.ToString() = text.ToString()

/// Pictures of programs.
[<Extension; AbstractClass; Sealed>]
type ProgramExtensions =
    /// The program as a graph in the language DOT, which Graphviz draws (`dot -Tsvg`) and many editors show: operations are
    /// boxes with their parameters, edges carry the variables with their types, arguments and results are ellipses, and
    /// the programs that an operation holds are framed beside it. The same program gives the same text.
    [<Extension>]
    static member ToGraphviz(program: Program) : string =
        if isNull (box program) then
            Shape.fail "ToGraphviz" "the program is null."

        DotWriter.Write program
