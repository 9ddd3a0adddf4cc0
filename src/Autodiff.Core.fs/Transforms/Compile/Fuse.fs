namespace Autodiff

open System.Collections.Generic
open Autodiff.Kernels

/// Elementwise equations and reductions as one pass over memory. Part of compiled programs, which are run and not
/// transformed.
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

/// What an equation can be in a pass over elements of one type.
[<RequireQualifiedAccess>]
type internal Part =
    | None
    /// A function of each element.
    | Map of DType
    /// A reduction over sorted axes.
    | Reduce of DType * Reduction * axes: int[]

/// What an equation of a group computes: an element of the group's shape, one number for each row (the axes behind the first
/// ones), or a total over other axes, which nothing in the group can use.
[<RequireQualifiedAccess>]
type internal Level =
    | Element
    | Row
    | Total

/// Finding what can be computed in one pass.
module internal Fuse =
    /// Emitted code grows with the expression; beyond this it is cut. Expressions of single numbers are calls, which are short.
    let private largest (shape: int[]) = if shape.Length = 0 then 1000 else 96

    /// From this number of elements on, an operation alone is worth a loop, which can write over what it reads, and so is
    /// the joining of passes that read the same.
    let private alone = 8192L

    /// Up to this number a loop takes longer to start than to run.
    let private short = 256L

    /// Rows are worth a start each, and fit into the first or second cache.
    let private isRowLength n = n >= 8L && n <= 16384L

    /// Short runs cost more in such a loop than in one of reductions alone, but a few of them less than a loop of their own.
    let private fewRuns = 16L

    let private isSingle (t: TensorType) = t.Shape.Length = 0
    let private isNumber dtype = dtype = DType.Float32 || dtype = DType.Float64

    /// What an equation can be part of.
    let private partOf (equation: Equation) : Part =
        let out = equation.Outputs[0].Type
        let map isSupported dtype = if isNumber dtype && isSupported then Part.Map dtype else Part.None

        let reduce reduction (axes: int[]) =
            let x = equation.Inputs[0].Type

            if isNumber x.DType && axes.Length > 0 then
                Part.Reduce(x.DType, reduction, axes)
            else
                Part.None

        match equation.Operation with
        | :? UnaryPrimitive as p when isNumber out.DType ->
            map (FusedGraph.Supports(p.Kernel, out.DType, isSingle out)) out.DType
        | :? BinaryPrimitive as p when isNumber out.DType ->
            map (FusedGraph.Supports(p.Kernel, out.DType, isSingle out)) out.DType
        | :? ComparePrimitive as p ->
            let dtype = equation.Inputs[0].Type.DType
            map (isNumber dtype && FusedGraph.Supports(p.Kernel, dtype)) dtype
        | operation when operation.Name = "where" -> map true out.DType
        | operation when operation.Name = "cast" && equation.Inputs[0].Type.DType = DType.Bool -> map true out.DType
        | operation when operation.Name = "sumTo" ->
            let x = equation.Inputs[0].Type.Shape
            let lead = x.Length - out.Shape.Length

            [| for d in 0 .. x.Length - 1 do
                   if d < lead || out.Shape[d - lead] = 1 && x[d] <> 1 then
                       d |]
            |> reduce Reduction.Sum
        | operation when operation.Name = "max" || operation.Name = "min" ->
            match operation.Parameters with
            | [ "axes", (:? (int[]) as axes) ] ->
                reduce (if operation.Name = "max" then Reduction.Maximum else Reduction.Minimum) axes
            | _ -> Part.None
        | _ -> Part.None

    /// The first of the axes that are reduced, if they are the last ones of a shape; else -1.
    let private trailing (shape: int[]) (axes: int[]) =
        if axes[0] > 0 && axes.Length = shape.Length - axes[0] then axes[0] else -1

    /// The number of elements of the last axes that are all reduced, or all kept.
    let private innermost (shape: int[]) (axes: int[]) =
        let isReduced d = Array.contains d axes
        let mutable last = shape.Length - 1

        while last > 0 && shape[last] = 1 do
            last <- last - 1

        let mutable d = last

        while d >= 0 && (shape[d] = 1 || isReduced d = isReduced last) do
            d <- d - 1

        Shape.size shape[d + 1 ..]

    /// Whether axes are all or none of those from a first one on.
    let private isEven (shape: int[]) first (axes: int[]) =
        let within = axes |> Array.filter (fun d -> d >= first) |> Array.length
        within = 0 || within = shape.Length - first

    /// Whether a shape is that of one number for each row.
    let private isRowShape (shape: int[]) first (own: int[]) =
        own.Length >= first
        && own.Length <= shape.Length
        && Shape.equal own[.. first - 1] shape[.. first - 1]
        && Array.forall ((=) 1) own[first..]

    /// Whether strides walk numbers that lie one after another, one for each row.
    let private isAcrossRows (shape: int[]) first (strides: int[]) =
        let own = Shape.rowMajorStrides shape[.. first - 1]

        not (isNull strides)
        && Seq.forall
            (fun d -> shape[d] = 1 || strides[d] = (if d < first then own[d] else 0))
            (seq { 0 .. shape.Length - 1 })

    /// The program with each group of elementwise equations and reductions of one shape as one equation.
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

        let parts = equations |> Array.map partOf
        let isMap i =
            match parts[i] with
            | Part.Map _ -> true
            | _ -> false
        let isPart i =
            match parts[i] with
            | Part.None -> false
            | _ -> true

        /// The shape that an equation walks.
        let shapeOf i =
            match parts[i] with
            | Part.Reduce _ -> equations[i].Inputs[0].Type.Shape
            | _ -> equations[i].Outputs[0].Type.Shape

        /// What an equation reads for an atom, and whether that is another value, walked. Elements that lie apart are not
        /// worth it.
        let reads i atom : struct (View * bool) =
            match views.TryGetValue atom with
            | true, view ->
                let shape = shapeOf i
                let strides = view.Walked.StridesFor shape
                let innermost = System.Array.FindLastIndex(shape, (fun d -> d <> 1))

                if isNull strides || innermost < 0 || strides[innermost] <= 1 then
                    struct (view, true)
                else
                    struct (itself atom, false)
            | _ -> struct (itself atom, false)

        let needs =
            Array.init n (fun i ->
                equations[i].Inputs
                |> Array.map (fun atom ->
                    if isPart i then
                        let struct (view, _) = reads i atom
                        source view.Source
                    else
                        source atom)
                |> Array.filter (fun from -> from >= 0)
                |> Array.distinct)

        let groups = Groups needs

        // Of each group, known by its number: the shape, and the first axis of its rows, -1 as long as it has none.
        let shapes = Array.init n shapeOf
        let firsts = Array.create n -1

        let level (shape: int[]) first i =
            match parts[i] with
            | Part.Reduce(_, _, axes) when first >= 0 && trailing shape axes = first -> Level.Row
            | Part.Reduce _ -> Level.Total
            | _ -> if Shape.equal (shapeOf i) shape then Level.Element else Level.Row

        /// Whether an equation can take a value from another of its group.
        let isLink (shape: int[]) first i atom =
            let struct (view, isWalked) = reads i atom

            match level shape first (source view.Source), parts[i] with
            | Level.Element, _ ->
                not isWalked && Shape.equal (shapeOf i) shape && Shape.equal view.Source.Type.Shape shape
            | Level.Row, Part.Map _ when view.Walked.Offset = 0 ->
                if Shape.equal (shapeOf i) shape then
                    isAcrossRows shape first (view.Walked.StridesFor shape)
                else
                    view.Walked.IsContiguous && isRowShape shape first view.Walked.Shape
            | _ -> false

        /// Whether equations of a shape, or of one number for each row, can be one pass.
        let isPass (shape: int[]) first (members: seq<int>) =
            let isReducible i =
                match parts[i] with
                | Part.Reduce(_, _, axes) when first >= 0 -> isEven shape first axes
                | Part.Reduce(_, _, axes) ->
                    let run = innermost shape axes
                    run >= 8L || Shape.size shape <= fewRuns * run
                | _ -> true

            (first < 0 || isRowLength (Shape.size shape[first..]) && Shape.size shape[.. first - 1] > 1L)
            && Seq.forall isReducible members

        /// Makes two groups one, whose rows begin at an axis (-1: where they do in one of the two), if that can be one pass.
        let join a b first =
            let a, b = groups.Find a, groups.Find b
            let first = max first (max firsts[a] firsts[b])

            let hasOnlyRows g =
                firsts[g] < 0
                && isRowShape (if g = a then shapes[b] else shapes[a]) first shapes[g]
                && Seq.forall isMap (groups.Members g)

            let shape =
                if Shape.equal shapes[a] shapes[b] then shapes[a]
                elif first >= 0 && hasOnlyRows b then shapes[a]
                elif first >= 0 && hasOnlyRows a then shapes[b]
                else null

            let dtypeOf g =
                match parts[groups.Members(g)[0]] with
                | Part.Map dtype
                | Part.Reduce(dtype, _, _) -> dtype
                | Part.None -> DType.Bool

            if
                a <> b
                && not (isNull shape)
                && dtypeOf a = dtypeOf b
                && (firsts[a] < 0 || firsts[a] = first)
                && (firsts[b] < 0 || firsts[b] = first)
                && groups.Members(a).Count + groups.Members(b).Count <= largest shape
            then
                let members = Seq.append (groups.Members a) (groups.Members b) |> Seq.toArray

                let isLinked i =
                    equations[i].Inputs
                    |> Array.forall (fun atom ->
                        let struct (view, _) = reads i atom
                        let from = source view.Source

                        from < 0
                        || (let group = groups.Find from in group <> a && group <> b)
                        || isLink shape first i atom)

                if isPass shape first members && Array.forall isLinked members && groups.TryJoin(a, b) then
                    let joined = groups.Find a
                    shapes[joined] <- shape
                    firsts[joined] <- first

        for i in 0 .. n - 1 do
            if isPart i then
                for atom in equations[i].Inputs do
                    let struct (view, isWalked) = reads i atom
                    let from = source view.Source

                    if from >= 0 && isPart from then
                        match parts[from] with
                        | Part.Reduce(_, _, axes) when firsts[groups.Find from] < 0 ->
                            let first = trailing (shapeOf from) axes

                            if first >= 0 then
                                join from i first
                        | Part.Reduce _ -> join from i -1
                        | _ ->
                            if
                                firsts[groups.Find from] >= 0 || not isWalked && Shape.equal (shapeOf from) (shapeOf i)
                            then
                                join from i -1

        // Passes that read the same are one pass.
        let readers = Dictionary<int, int>()

        for i in 0 .. n - 1 do
            if isPart i && Shape.size (shapeOf i) >= alone then
                for atom in equations[i].Inputs do
                    match atom with
                    | Atom.Variable v when Shape.equal v.Type.Shape (shapeOf i) ->
                        match readers.TryGetValue v.Index with
                        | true, other -> join other i -1
                        | _ -> ()

                        readers[v.Index] <- i
                    | _ -> ()

        // So are short ones of one shape, of which each would take longer to start than to run.
        let shorts = Dictionary<string, int>()

        for i in 0 .. n - 1 do
            if isMap i && Shape.size (shapeOf i) <= short then
                let key = System.String.Join(",", shapeOf i)

                match shorts.TryGetValue key with
                | true, other -> join other i -1
                | _ -> ()

                shorts[key] <- i

        let isFused g =
            let members = groups.Members g
            members.Count > 1 || isMap members[0] && Shape.size shapes[g] >= alone

        // Which variables are needed outside of the group that computes them.
        let isResult = Array.create program.VariableCount false

        let need (atom: Atom) =
            match atom with
            | Atom.Variable v -> isResult[v.Index] <- true
            | Atom.Literal _ -> ()

        Array.iter need program.Outputs

        for i in 0 .. n - 1 do
            for atom in equations[i].Inputs do
                if isPart i && isFused (groups.Find i) then
                    let struct (view, _) = reads i atom
                    let from = source view.Source

                    if from < 0 || groups.Find from <> groups.Find i then
                        need view.Source
                else
                    need atom

        // Equal passes over equal shapes, as those of equal layers are, share what is emitted for them.
        let emitted = Dictionary<string, FusedGraph>()

        let fuse g =
            let members = groups.Members(g).ToArray()
            let shape = shapes[g]

            // Rows that nothing in the group uses are better walked as rows too, if all reductions allow it.
            let first =
                let rows =
                    members
                    |> Seq.map (fun i ->
                        match parts[i] with
                        | Part.Reduce(_, _, axes) -> trailing shape axes
                        | _ -> -1)
                    |> Seq.fold max -1

                if firsts[g] < 0 && rows >= 0 && isPass shape rows members then rows else firsts[g]

            let dtype =
                match parts[members[0]] with
                | Part.Reduce(dtype, _, _)
                | Part.Map dtype -> dtype
                | Part.None -> invalidOp "not part of a pass"

            let isMember from = from >= 0 && isPart from && groups.Find from = g
            let graph = FusedGraph dtype
            let nodes = Dictionary<struct (Atom * bool), int>(HashIdentity.Structural)
            let computed = Dictionary<int, int>()
            let operands = List<struct (Atom * View)>()
            // The views of values of the group, for those who read it.
            let steps = SortedDictionary<int, Equation>()

            let rec step atom =
                let from = source atom

                if not (isMember from) then
                    steps[from] <- equations[from]
                    step equations[from].Inputs[0]

            /// One number for each row as an array over the whole shape.
            let acrossRows (own: int[]) (x: NDArray) =
                let x = x.View(own, x.StridesFor own, x.Offset)
                let strides = Array.append x.ExplicitStrides[.. first - 1] (Array.zeroCreate (shape.Length - first))
                let lengths = Array.append shape[.. first - 1] (Array.create (shape.Length - first) 1)
                x.View(lengths, strides, x.Offset)

            let node i (atom: Atom) =
                let struct (view, _) = reads i atom
                let from = source view.Source
                let isRow = isMap i && level shape first i = Level.Row

                if isMember from then
                    step atom
                    computed[from]
                else
                    match nodes.TryGetValue(struct (atom, isRow)) with
                    | true, found -> found
                    | _ ->
                        let made =
                            match Simplify.uniform atom with
                            | ValueSome value when atom.Type.DType = dtype -> graph.Constant value
                            | _ ->
                                let view =
                                    if isRow then
                                        let across = acrossRows (shapeOf i)
                                        { view with Walked = across view.Walked; Walk = view.Walk >> across }
                                    else
                                        view

                                operands.Add(struct (atom, view))
                                graph.Input(atom.Type.DType = DType.Bool)

                        nodes.Add(struct (atom, isRow), made)
                        made

            let results = List<Variable>()
            let outStrides = List<int[]>()

            for i in members do
                let e = equations[i]
                let x = e.Inputs |> Array.map (node i)
                let out = e.Outputs[0]
                steps[i] <- e
                let isNeeded = isResult[out.Index]

                match parts[i], level shape first i with
                | Part.Reduce(_, reduction, axes), Level.Total ->
                    graph.Output(x[0], reduction)
                    results.Add out
                    let kept = Shape.rowMajorStrides (Shape.reduce shape axes true)
                    outStrides.Add(kept |> Array.mapi (fun d stride -> if Array.contains d axes then 0 else stride))
                | part, level ->
                    let made =
                        match part, e.Operation with
                        | Part.Reduce(_, reduction, _), _ -> graph.Reduce(reduction, x[0])
                        | _, (:? UnaryPrimitive as p) -> graph.Unary(p.Kernel, x[0])
                        | _, (:? BinaryPrimitive as p) -> graph.Binary(p.Kernel, x[0], x[1])
                        | _, (:? ComparePrimitive as p) -> graph.Compare(p.Kernel, x[0], x[1])
                        | _, operation when operation.Name = "cast" ->
                            graph.Select(x[0], graph.Constant 1.0, graph.Constant 0.0)
                        | _ -> graph.Select(x[0], x[1], x[2])

                    computed[i] <- made

                    if isNeeded then
                        graph.Output made
                        results.Add out

                        outStrides.Add(
                            match level with
                            | Level.Row ->
                                Array.append
                                    (Shape.rowMajorStrides shape[.. first - 1])
                                    (Array.zeroCreate (shape.Length - first))
                            | _ -> null
                        )

            let operands, results = operands.ToArray(), results.ToArray()
            let inputs = operands |> Array.map (fun (struct (_, view)) -> view.Source) |> Array.distinct

            let walks = operands |> Array.map (fun (struct (_, view)) -> view.Walked.StridesFor shape)

            let graph =
                let text (numbers: int[]) = if isNull numbers then "-" else System.String.Join(",", numbers)
                let strides = Seq.append walks outStrides |> Seq.map text |> String.concat ";"
                let key = $"{text shape} {strides} {first} {graph.Text}"

                match emitted.TryGetValue key with
                | true, other -> other
                | _ ->
                    emitted.Add(key, graph)
                    graph

            let call =
                FusedCall(
                    graph,
                    shape,
                    (if graph.HasRows then shape.Length - first else 0),
                    results |> Array.map _.Type.DType,
                    results |> Array.map _.Type.Shape,
                    outStrides.ToArray(),
                    operands |> Array.map (fun (struct (_, view)) -> System.Array.IndexOf(inputs, view.Source)),
                    operands |> Array.map (fun (struct (_, view)) -> view.Walked.Offset),
                    walks,
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
                [| for e in steps.Values do
                       Equation(e.Operation, Array.map renamed e.Inputs, e.Outputs) |]

            let part = Program.Of(variables, steps, results |> Array.map Atom.Variable)
            Equation(FusedPrimitive(part, call), inputs, results)

        let units =
            [| for i in 0 .. n - 1 do
                   if groups.Find i = i then
                       i |]
            |> Array.sortBy groups.Position
            |> Array.map (fun g -> if isPart g && isFused g then fuse g else equations[groups.Members(g)[0]])

        // Equations that stay alone need the views that they read, which the order of the groups does not know of.
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
