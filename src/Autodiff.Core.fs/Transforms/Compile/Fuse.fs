namespace Autodiff

open System.Collections
open System.Collections.Generic
open Autodiff.Kernels

/// Elementwise equations as one pass over memory. Part of compiled programs, which are run and not transformed.
[<Sealed>]
type internal FusedPrimitive(program: Program, graph: FusedGraph, shape: int[]) =
    inherit MultiPrimitive("fused")
    let outs = program.Outputs |> Array.map _.Type
    let dtypes = outs |> Array.map _.DType
    let only () = Shape.fail "jit" "a compiled program was transformed instead of the function that it was made of."
    override _.Parameters = [ "program", program ]
    override _.Shapes _ = outs
    override _.Values(inputs, _) = inputs[0].Device.Fused(graph, inputs, dtypes, shape)
    override _.Jvp(_, _) = only ()
    override _.Vjp(_, _, _, _) = only ()
    override _.Batch(_, _, _) = only ()

/// Finding what can be computed in one pass.
module internal Fuse =
    /// Emitted code grows with the expression; beyond this it is cut.
    let private largest = 96

    let private isSingle (t: TensorType) = t.Shape.Length = 0

    /// The type of the numbers that an equation computes with, if it can be part of an expression.
    let private numberType (equation: Equation) : DType voption =
        let out = equation.Outputs[0].Type
        let isNumber dtype = dtype = DType.Float32 || dtype = DType.Float64
        let supported isSupported dtype = if isNumber dtype && isSupported then ValueSome dtype else ValueNone

        match equation.Operation with
        | :? UnaryPrimitive as p when isNumber out.DType ->
            supported (FusedGraph.Supports(p.Kernel, out.DType, isSingle out)) out.DType
        | :? BinaryPrimitive as p when isNumber out.DType ->
            supported (FusedGraph.Supports(p.Kernel, out.DType, isSingle out)) out.DType
        | :? ComparePrimitive as p ->
            let dtype = equation.Inputs[0].Type.DType
            supported (isNumber dtype && FusedGraph.Supports(p.Kernel, dtype)) dtype
        | operation when operation.Name = "where" -> supported true out.DType
        | operation when operation.Name = "cast" && equation.Inputs[0].Type.DType = DType.Bool -> supported true out.DType
        | _ -> ValueNone

    /// The program with each group of elementwise equations of one shape as one equation.
    let run (program: Program) : Program =
        let equations = program.Equations
        let n = equations.Length
        let definedBy = Array.create program.VariableCount -1

        equations |> Array.iteri (fun i e -> for v in e.Outputs do definedBy[v.Index] <- i)

        let source atom =
            match atom with
            | Atom.Variable v -> definedBy[v.Index]
            | Atom.Literal _ -> -1

        let isBroadcast i = i >= 0 && equations[i].Operation.Name = "broadcastTo"

        /// What an expression reads for an atom: broadcasting is part of it.
        let rec operand atom =
            let i = source atom
            if isBroadcast i then operand equations[i].Inputs[0] else atom

        // The equations on which each depends, itself included, and through its group what the whole group depends on.
        let ancestors = Array.init n (fun i -> let own = BitArray n in own[i] <- true; own)

        let kinds = equations |> Array.map numberType
        let groupOf: List<int>[] = Array.zeroCreate n

        /// Whether nothing that a group needs from outside depends on it.
        let isConvex (members: List<int>) =
            let isMember = HashSet members

            members
            |> Seq.forall (fun i ->
                equations[i].Inputs
                |> Array.forall (fun atom ->
                    let from = source (operand atom)
                    from < 0 || isMember.Contains from || members |> Seq.forall (fun m -> not (ancestors[from][m]))))

        /// Makes a group of equations, of which the last is the latest so far.
        let join (members: List<int>) =
            let all = BitArray n

            for m in members do
                groupOf[m] <- members
                all.Or ancestors[m] |> ignore

            for j in 0 .. members[members.Count - 1] do
                if members |> Seq.exists (fun m -> ancestors[j][m]) then
                    ancestors[j].Or all |> ignore

        for i in 0 .. n - 1 do
            for atom in equations[i].Inputs do
                if source atom >= 0 then
                    ancestors[i].Or ancestors[source atom] |> ignore

            match kinds[i] with
            | ValueNone -> ()
            | ValueSome dtype ->
                let own = List<int>([ i ])
                groupOf[i] <- own

                for atom in equations[i].Inputs do
                    let from = source (operand atom)

                    if from >= 0 && not (isNull groupOf[from]) && not (obj.ReferenceEquals(groupOf[from], groupOf[i])) then
                        let other, mine = groupOf[from], groupOf[i]

                        if
                            kinds[from] = ValueSome dtype
                            && Shape.equal equations[from].Outputs[0].Type.Shape equations[i].Outputs[0].Type.Shape
                            && other.Count + mine.Count <= largest
                        then
                            let joined = List<int>(Seq.append other mine)
                            joined.Sort()

                            if isConvex joined then
                                join joined

        // Which variables are needed outside of the group that computes them.
        let isResult = Array.create program.VariableCount false

        let need (atom: Atom) =
            match atom with
            | Atom.Variable v -> isResult[v.Index] <- true
            | Atom.Literal _ -> ()

        Array.iter need program.Outputs

        for i in 0 .. n - 1 do
            for atom in equations[i].Inputs do
                let read = if isNull groupOf[i] then atom else operand atom
                let from = source read

                if from < 0 || isNull groupOf[from] || not (obj.ReferenceEquals(groupOf[from], groupOf[i])) then
                    need read

        let fuse (members: List<int>) =
            let shape = equations[members[0]].Outputs[0].Type.Shape
            let dtype = kinds[members[0]].Value
            let graph = FusedGraph dtype
            let nodes = Dictionary<Atom, int>(HashIdentity.Structural)
            let inputs = List<Atom>()

            let node (atom: Atom) =
                let read = operand atom

                match nodes.TryGetValue read with
                | true, found -> found
                | _ ->
                    let t = read.Type

                    let made =
                        match read with
                        | Atom.Literal x when x.Rank = 0 && x.DType = dtype -> graph.Constant(x.ToDouble())
                        | _ ->
                            inputs.Add read
                            graph.Input(t.DType = DType.Bool)

                    nodes.Add(read, made)
                    made

            for i in members do
                let e = equations[i]
                let operands = e.Inputs |> Array.map node

                let made =
                    match e.Operation with
                    | :? UnaryPrimitive as p -> graph.Unary(p.Kernel, operands[0])
                    | :? BinaryPrimitive as p -> graph.Binary(p.Kernel, operands[0], operands[1])
                    | :? ComparePrimitive as p -> graph.Compare(p.Kernel, operands[0], operands[1])
                    | operation when operation.Name = "cast" ->
                        graph.Select(operands[0], graph.Constant 1.0, graph.Constant 0.0)
                    | _ -> graph.Select(operands[0], operands[1], operands[2])

                nodes.Add(Atom.Variable e.Outputs[0], made)

            let results =
                members.ToArray()
                |> Array.map (fun i -> equations[i].Outputs[0])
                |> Array.filter (fun v -> isResult[v.Index])

            for v in results do
                graph.Output nodes[Atom.Variable v]

            // The part as a program, for those who read it.
            let variables = inputs.ToArray() |> Array.map (fun atom -> Variable(-1, atom.Type))
            let rename = Dictionary<Atom, Atom>(HashIdentity.Structural)
            Seq.iteri (fun k atom -> rename[atom] <- Atom.Variable variables[k]) inputs

            let renamed atom =
                match rename.TryGetValue(operand atom) with
                | true, other -> other
                | _ -> operand atom

            let steps =
                members.ToArray()
                |> Array.map (fun i ->
                    Equation(equations[i].Operation, Array.map renamed equations[i].Inputs, equations[i].Outputs))

            let part = Program.Of(variables, steps, results |> Array.map Atom.Variable)
            Equation(FusedPrimitive(part, graph, shape), inputs.ToArray(), results)

        // Groups stand where all that they need is there: an order of their dependences.
        let units =
            equations
            |> Array.mapi (fun i e ->
                match groupOf[i] with
                | null -> Some e
                | members when members.Count = 1 -> Some e
                | members when members[0] = i -> Some(fuse members)
                | _ -> None)
            |> Array.choose id

        let unitOf = Array.create program.VariableCount -1
        units |> Array.iteri (fun u e -> for v in e.Outputs do unitOf[v.Index] <- u)
        let isPlaced = Array.create units.Length false
        let ordered = List<Equation>()

        let rec place u =
            if not isPlaced[u] then
                isPlaced[u] <- true

                for atom in units[u].Inputs do
                    match atom with
                    | Atom.Variable v when unitOf[v.Index] >= 0 -> place unitOf[v.Index]
                    | _ -> ()

                ordered.Add units[u]

        for u in 0 .. units.Length - 1 do
            place u

        Program.Of(program.Inputs, ordered.ToArray(), program.Outputs)
