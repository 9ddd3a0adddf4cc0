namespace Autodiff

open System.Collections.Generic

/// Making programs, and programs of programs. (C# has a class of the same name.)
[<CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal Stage =
    let typeOf (x: Tensor) = { Shape = x.Shape; DType = x.DType }

    /// The program of a function of tensors of these types, and the tensors of outer interpreters that it takes first.
    let run (device: Device) (f: Tensor[] -> Tensor[]) (types: TensorType[]) : struct (Program * Tensor[]) =
        let trace = StageTrace device
        types |> Array.map trace.Argument |> f |> trace.Finish

    /// The program of a function that takes no tensors but its arguments.
    let closed (device: Device) (f: Tensor[] -> Tensor[]) (types: TensorType[]) : Program =
        let struct (program, captured) = run device f types

        if captured.Length > 0 then
            Shape.fail
                "stage"
                "a rule used a tensor that is being differentiated or batched and is not among its inputs."

        program

    let inputTypes (program: Program) = program.Inputs |> Array.map _.Type
    let outputTypes (program: Program) = program.Outputs |> Array.map _.Type

    /// The elements that a mask selects.
    let pick (mask: bool[]) (xs: 'x[]) : 'x[] =
        Array.zip mask xs |> Array.choose (fun (isPicked, x) -> if isPicked then Some x else None)

    /// Elements put where a mask says, null elsewhere.
    let spread (mask: bool[]) (xs: 'x[]) : 'x[] =
        let places = mask |> Array.scan (fun n isPicked -> if isPicked then n + 1 else n) 0
        mask |> Array.mapi (fun i isPicked -> if isPicked then xs[places[i]] else Unchecked.defaultof<'x>)

    let count (mask: bool[]) = mask |> Array.sumBy (fun m -> if m then 1 else 0)
    let isPresent (x: Tensor) = not (isNull x)
    let none n = Array.create n false

    let zeros (device: Device) (t: TensorType) : Tensor =
        Tensor.BroadcastTo(Concrete(device.Fill(t.DType, Shape.scalar, 0.0)), t.Shape)

    /// From primals and tangents of some inputs to the results and tangents of some of them: of those where they are not
    /// zero, and of those that are asked for.
    let jvp (device: Device) (program: Program) (isMoving: bool[]) (isAsked: bool[]) : struct (Program * bool[]) =
        let n = program.Inputs.Length
        let types = inputTypes program
        let mutable moves = null

        let f (xs: Tensor[]) =
            let struct (ys, dys) = Jvp.runSparse program.Evaluate xs[.. n - 1] (spread isMoving xs[n..])
            let dys = Array.mapi (fun i dy -> if isNull dy && isAsked[i] then Tensor.ZerosLike ys[i] else dy) dys
            moves <- Array.map isPresent dys
            Array.append ys (pick moves dys)

        let result = closed device f (Array.append types (pick isMoving types))
        struct (result, moves)

    /// From inputs and cotangents of some results to the results, followed by the cotangents of some inputs.
    let vjp (device: Device) (program: Program) (isGiven: bool[]) (isNeeded: bool[]) : Program =
        let n = program.Inputs.Length
        let types = inputTypes program

        let f (xs: Tensor[]) =
            let primals = xs[.. n - 1]
            // Inputs whose cotangents nobody asks for are no arguments, so that nothing is recorded for them alone.
            let arguments = pick isNeeded primals

            let tape =
                Tape.Run
                    (fun moving ->
                        let moving = spread isNeeded moving
                        program.Evaluate(Array.map2 (fun x m -> if isNull m then x else m) primals moving))
                    arguments

            let cts = tape.Pullback(spread isGiven xs[n..])
            let cts = Array.map2 (fun (x: Tensor) ct -> if isNull ct then Tensor.ZerosLike x else ct) arguments cts
            Array.append tape.Outputs cts

        closed device f (Array.append types (pick isGiven (outputTypes program)))

    /// How deep each variable lies, by its index, given how deep some inputs lie: as deep as the deepest that it depends on.
    let depths (program: Program) (inputs: (Variable[] * int) list) : int[] =
        let depth = Array.zeroCreate program.VariableCount

        for variables, value in inputs do
            for v in variables do
                depth[v.Index] <- value

        for equation in program.Equations do
            let deepest =
                (0, equation.Inputs)
                ||> Array.fold (fun deepest atom ->
                    match atom with
                    | Atom.Variable v -> max deepest depth[v.Index]
                    | Atom.Literal _ -> deepest)

            for v in equation.Outputs do
                depth[v.Index] <- deepest

        depth

    /// Where a program is cut at a depth: the variables above it that what lies below, or some results, take, and the
    /// equations below. What only walks the memory of a value is left to those below, and the value crosses instead.
    let crossing (program: Program) (depth: int[]) (below: int) (results: Atom[]) : struct (Variable[] * Equation[]) =
        let found = List<Variable>()
        let isSeen = HashSet<Variable>(HashIdentity.Reference)
        let moved = HashSet<Equation>(HashIdentity.Reference)
        let definedBy = Dictionary<Variable, Equation>(HashIdentity.Reference)

        for equation in program.Equations do
            for v in equation.Outputs do
                definedBy[v] <- equation

        let rec cross atom =
            match atom with
            | Atom.Variable v when depth[v.Index] < below && isSeen.Add v ->
                match definedBy.TryGetValue v with
                | true, e when
                    (e.Operation :? LinearPrimitive)
                    && List.contains e.Operation.Name [ "transpose"; "reshape"; "broadcastTo" ]
                    ->
                    moved.Add e |> ignore
                    cross e.Inputs[0]
                | _ -> found.Add v
            | _ -> ()

        for equation in program.Equations do
            if depth[equation.Outputs[0].Index] = below then
                Array.iter cross equation.Inputs

        Array.iter cross results
        let isBelow (e: Equation) = depth[e.Outputs[0].Index] = below || moved.Contains e
        struct (found.ToArray(), Array.filter isBelow program.Equations)

    /// A program of value and pullback, of n inputs and m results, cut where the cotangents come in: the program of the
    /// results and of what else the way back needs; where each kept value is, among the inputs, then among the results of
    /// that program; and the way back, from kept values and cotangents.
    let cut (both: Program) n m : struct (Program * int[] * Program) =
        let inputs, cts = both.Inputs[.. n - 1], both.Inputs[n..]
        let depth = depths both [ cts, 1 ]
        let results, ingoing = both.Outputs[.. m - 1], both.Outputs[m..]
        let struct (kept, within) = crossing both depth 1 ingoing
        let inputAt (v: Variable) = System.Array.IndexOf(inputs, v)
        let resultAt (v: Variable) = results |> Array.tryFindIndex (fun y -> y = Atom.Variable v)
        let added = kept |> Array.filter (fun v -> inputAt v < 0 && (resultAt v).IsNone)

        let places =
            kept
            |> Array.map (fun v ->
                match inputAt v, resultAt v with
                | i, _ when i >= 0 -> i
                | _, Some i -> n + i
                | _ -> n + m + System.Array.IndexOf(added, v))

        let forward = both.Rearranged(inputs, Array.append results (Array.map Atom.Variable added))
        struct (forward, places, Program.Of(Array.append kept cts, within, ingoing))

    /// For several examples at once. Some results carry their axis; those that are asked for do.
    let batch
        (device: Device)
        (program: Program)
        size
        (isBatched: bool[])
        (isAsked: bool[])
        : struct (Program * bool[]) =
        let mutable carries = null

        let f (xs: Tensor[]) =
            let struct (ys, found) = Vmap.runSparse program.Evaluate size xs isBatched
            carries <- Array.map2 (||) found isAsked
            Array.mapi (fun i y -> if carries[i] then Batching.front size y found[i] else y) ys

        let types =
            Array.map2
                (fun (t: TensorType) batched -> if batched then { t with Shape = Batching.shape size t.Shape } else t)
                (inputTypes program)
                isBatched

        let result = closed device f types
        struct (result, carries)

    /// The smallest mask that holds `start` and that `grow` keeps.
    let rec fixpoint (grow: bool[] -> struct ('r * bool[])) (start: bool[]) : struct ('r * bool[]) =
        let struct (result, grown) = grow start
        let next = Array.map2 (||) start grown
        if next = start then struct (result, start) else fixpoint grow next
