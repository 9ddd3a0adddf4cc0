namespace Autodiff

open System.Collections
open System.Collections.Generic
open Autodiff.Kernels

/// Elementwise equations as one pass over memory. Part of compiled programs, which are run and not transformed.
[<Sealed>]
type internal FusedPrimitive(program: Program, call: FusedCall) =
    inherit MultiPrimitive("fused")
    let outs = program.Outputs |> Array.map _.Type
    let nowhere: NDArray[] = Array.zeroCreate outs.Length
    let only () = Shape.fail "jit" "a compiled program was transformed instead of the function that it was made of."
    override _.Parameters = [ "program", program ]
    override _.Shapes _ = outs
    member _.Call = call
    /// The results, in given places where there are (null: anywhere).
    member _.ValuesAt(inputs: NDArray[], places: NDArray[]) : NDArray[] = inputs[0].Device.Fused(call, inputs, places)
    override this.Values(inputs, _) = this.ValuesAt(inputs, nowhere)
    override _.Jvp(_, _) = only ()
    override _.Vjp(_, _, _, _) = only ()
    override _.Batch(_, _, _) = only ()

/// How an expression walks the memory of a value: the value, what a contiguous array of its type looks like when walked so,
/// and the same for any array.
type internal View = { Source: Atom; Walked: NDArray; Walk: NDArray -> NDArray }

/// Finding what can be computed in one pass.
module internal Fuse =
    /// Emitted code grows with the expression; beyond this it is cut. Expressions of single numbers are calls, which are short.
    let private largest (shape: int[]) = if shape.Length = 0 then 1000 else 96

    let private alone = 8192L

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
        | operation when operation.Name = "cast" && equation.Inputs[0].Type.DType = DType.Bool ->
            supported true out.DType
        | _ -> ValueNone

    /// The program with each group of elementwise equations of one shape as one equation.
    let run (program: Program) : Program =
        let equations = program.Equations
        let n = equations.Length
        let definedBy = Array.create program.VariableCount -1

        equations
        |> Array.iteri (fun i e ->
            for v in e.Outputs do
                definedBy[v.Index] <- i)

        let source atom =
            match atom with
            | Atom.Variable v -> definedBy[v.Index]
            | Atom.Literal _ -> -1

        // A contiguous array without memory: only how it is walked matters.
        let contiguous (t: TensorType) = NDArray(Cpu.Instance, t.DType, t.Shape, null, 0, obj (), 0L)
        let itself atom = { Source = atom; Walked = contiguous atom.Type; Walk = id }
        let views = Dictionary<Atom, View>(HashIdentity.Structural)

        for e in equations do
            let isView =
                match e.Operation.Name, e.Inputs[0] with
                | ("broadcastTo" | "slice" | "transpose" | "reshape"), Atom.Variable _ -> e.Operation :? LinearPrimitive
                | _ -> false

            if isView then
                let before =
                    match views.TryGetValue e.Inputs[0] with
                    | true, view -> view
                    | _ -> itself e.Inputs[0]

                if e.Operation.Name <> "reshape" || before.Walked.IsContiguous then
                    let primitive, out = e.Operation :?> Primitive, e.Outputs[0].Type
                    let walk (x: NDArray) = primitive.Value([| x |], out)

                    views[Atom.Variable e.Outputs[0]] <-
                        { before with Walked = walk before.Walked; Walk = before.Walk >> walk }

        /// What an expression over a shape reads for an atom, and whether that is another value, walked. Elements that lie
        /// apart are not worth it.
        let reads (shape: int[]) atom : struct (View * bool) =
            match views.TryGetValue atom with
            | true, view ->
                let strides = view.Walked.StridesFor shape
                let innermost = System.Array.FindLastIndex(shape, (fun d -> d <> 1))

                if isNull strides || innermost < 0 || strides[innermost] <= 1 then
                    struct (view, true)
                else
                    struct (itself atom, false)
            | _ -> struct (itself atom, false)

        let shapeOf i = equations[i].Outputs[0].Type.Shape

        // The equations on which each depends, itself included, and through its group what the whole group depends on.
        let ancestors =
            Array.init n (fun i ->
                let own = BitArray n in
                own[i] <- true
                own)

        let kinds = equations |> Array.map numberType
        let groupOf: List<int>[] = Array.zeroCreate n

        /// Whether nothing that a group needs from outside depends on it.
        let isConvex (members: List<int>) =
            let isMember = HashSet members

            members
            |> Seq.forall (fun i ->
                equations[i].Inputs
                |> Array.forall (fun atom ->
                    let struct (view, isWalked) = reads (shapeOf i) atom
                    let from = source view.Source

                    from < 0
                    || not isWalked && isMember.Contains from
                    || members |> Seq.forall (fun m -> not (ancestors[from][m]))))

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
                    let struct (view, isWalked) = reads (shapeOf i) atom
                    let from = if isWalked then -1 else source view.Source

                    if
                        from >= 0 && not (isNull groupOf[from]) && not (obj.ReferenceEquals(groupOf[from], groupOf[i]))
                    then
                        let other, mine = groupOf[from], groupOf[i]

                        if
                            kinds[from] = ValueSome dtype
                            && Shape.equal (shapeOf from) (shapeOf i)
                            && other.Count + mine.Count <= largest (shapeOf i)
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
                if isNull groupOf[i] || groupOf[i].Count = 1 && Shape.size (shapeOf i) < alone then
                    need atom
                else
                    let struct (view, isWalked) = reads (shapeOf i) atom
                    let from = source view.Source

                    if from < 0 || isWalked || not (obj.ReferenceEquals(groupOf[from], groupOf[i])) then
                        need view.Source

        let fuse (members: List<int>) =
            let shape = shapeOf members[0]
            let dtype = kinds[members[0]].Value
            let graph = FusedGraph dtype
            let nodes = Dictionary<Atom, int>(HashIdentity.Structural)
            let operands = List<struct (Atom * View)>()

            let node (atom: Atom) =
                match nodes.TryGetValue atom with
                | true, found -> found
                | _ ->
                    let made =
                        match Simplify.uniform atom with
                        | ValueSome value when atom.Type.DType = dtype -> graph.Constant value
                        | _ ->
                            let struct (view, _) = reads shape atom
                            operands.Add(struct (atom, view))
                            graph.Input(atom.Type.DType = DType.Bool)

                    nodes.Add(atom, made)
                    made

            for i in members do
                let e = equations[i]
                let x = e.Inputs |> Array.map node

                let made =
                    match e.Operation with
                    | :? UnaryPrimitive as p -> graph.Unary(p.Kernel, x[0])
                    | :? BinaryPrimitive as p -> graph.Binary(p.Kernel, x[0], x[1])
                    | :? ComparePrimitive as p -> graph.Compare(p.Kernel, x[0], x[1])
                    | operation when operation.Name = "cast" ->
                        graph.Select(x[0], graph.Constant 1.0, graph.Constant 0.0)
                    | _ -> graph.Select(x[0], x[1], x[2])

                nodes.Add(Atom.Variable e.Outputs[0], made)

            let results =
                members.ToArray()
                |> Array.map (fun i -> equations[i].Outputs[0])
                |> Array.filter (fun v -> isResult[v.Index])

            for v in results do
                graph.Output nodes[Atom.Variable v]

            let operands = operands.ToArray()
            let inputs = operands |> Array.map (fun (struct (_, view)) -> view.Source) |> Array.distinct
            let sourceOf (view: View) = System.Array.IndexOf(inputs, view.Source)

            let call =
                FusedCall(
                    graph,
                    shape,
                    results |> Array.map _.Type.DType,
                    operands |> Array.map (fun (struct (_, view)) -> sourceOf view),
                    operands |> Array.map (fun (struct (_, view)) -> view.Walked.Offset),
                    operands |> Array.map (fun (struct (_, view)) -> view.Walked.StridesFor shape),
                    operands |> Array.map (fun (struct (_, view)) -> System.Func<_, _> view.Walk)
                )

            // The part as a program, for those who read it.
            let variables = operands |> Array.map (fun (struct (atom, _)) -> Variable(-1, atom.Type))
            let rename = Dictionary<Atom, Atom>(HashIdentity.Structural)
            operands |> Array.iteri (fun k (struct (atom, _)) -> rename[atom] <- Atom.Variable variables[k])

            let renamed atom =
                match rename.TryGetValue atom with
                | true, other -> other
                | _ -> atom

            let steps =
                members.ToArray()
                |> Array.map (fun i ->
                    Equation(equations[i].Operation, Array.map renamed equations[i].Inputs, equations[i].Outputs))

            let part = Program.Of(variables, steps, results |> Array.map Atom.Variable)
            Equation(FusedPrimitive(part, call), inputs, results)

        // Groups stand where all that they need is there: an order of their dependences.
        let units =
            equations
            |> Array.mapi (fun i e ->
                match groupOf[i] with
                | null -> Some e
                // One operation alone is worth a loop of its own if that can write over what it reads.
                | members when members.Count = 1 && Shape.size (shapeOf i) < alone -> Some e
                | members when members[0] = i -> Some(fuse members)
                | _ -> None)
            |> Array.choose id

        let unitOf = Array.create program.VariableCount -1
        units
        |> Array.iteri (fun u e ->
            for v in e.Outputs do
                unitOf[v.Index] <- u)
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
