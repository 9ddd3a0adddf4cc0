namespace Autodiff

open System.Collections.Concurrent

/// What trees hold besides tensors, and where these are.
module internal Structure =
    /// The first difference of two structures as text; null if there is none.
    let difference (a: obj[]) (b: obj[]) : string =
        let text (part: obj) =
            match part with
            | null -> "nothing"
            | :? System.Type as t -> t.Name
            | part -> string part

        match Seq.zip a b |> Seq.tryFind (fun (x, y) -> not (obj.Equals(x, y))) with
        | Some(x, y) -> $"{text x} and {text y}"
        | None when a.Length <> b.Length -> $"{a.Length} and {b.Length} parts"
        | None -> null

    /// Checks that a step of a loop that is staged once changes nothing but tensors of its carry.
    let checkCarry operation (before: 'c) (after: 'c) : unit =
        Loops.checkCarry
            operation
            (Tree.leaves before |> Array.map Stage.typeOf)
            (Tree.leaves after |> Array.map Stage.typeOf)

        match difference (Tree.structure before) (Tree.structure after) with
        | null -> ()
        | difference ->
            Shape.fail
                operation
                $"the step changes the structure of its carry, or what it holds besides tensors ({difference}); the step is run once, to write it down: make a tensor of what changes from step to step."

/// A function written down as a program for arguments of certain shapes and types, to be run on others of the same.
[<Sealed>]
type StagedFunction<'a, 'b> internal (program: Program, captured: Tensor[], structure: obj[], template: 'b) =
    member internal _.Captured = captured
    member internal _.Template = template
    /// The program: its inputs are the tensors of the argument, after those of outer transformations, if any.
    member _.Program = program

    /// The value for an argument. Tensors must have the shapes and types for which the program was written; every
    /// transformation applies to this function as to the one that was staged.
    member _.Invoke(x: 'a) : 'b =
        let inputs = Array.append captured (Tree.leaves x)

        if inputs.Length <> program.Inputs.Length then
            Shape.fail
                "stage"
                $"the argument has {inputs.Length - captured.Length} tensors; the program was written for {program.Inputs.Length - captured.Length}."

        for i in 0 .. inputs.Length - 1 do
            let given, wanted = Stage.typeOf inputs[i], program.Inputs[i].Type

            if given.DType <> wanted.DType || not (Shape.equal given.Shape wanted.Shape) then
                Shape.fail
                    "stage"
                    $"tensor {i - captured.Length} of the argument is {ProgramText.Type given}, but the program was written for {ProgramText.Type wanted}; stage it for this argument."

        match Structure.difference structure (Tree.structure x) with
        | null -> ()
        | difference ->
            Shape.fail
                "stage"
                $"the argument has another structure, or other values besides its tensors, than the one that the program was written for ({difference}); stage it for this argument."

        Tree.withLeaves template (program.Evaluate inputs)

    override _.ToString() = program.ToString()

/// What a compiled function was compiled for: the types of the tensors of its argument, and what else it holds.
[<Sealed>]
type internal JitKey(types: TensorType[], devices: Device, structure: obj[]) =
    let hash =
        let mutable hash = System.HashCode()

        for t in types do
            hash.Add t.DType

            for n in t.Shape do
                hash.Add n

        for part in structure do
            hash.Add part

        hash.ToHashCode()

    member _.Types = types
    member _.Device = devices
    member _.Structure = structure

    /// Whether a function compiled for this can take an argument.
    member _.Fits(leaves: Tensor[], other: obj[]) : bool =
        let mutable fits = leaves.Length = types.Length && structure.Length = other.Length
        let mutable i = 0

        while fits && i < leaves.Length do
            let x = leaves[i]
            fits <- x.DType = types[i].DType && Shape.equal x.Shape types[i].Shape
            i <- i + 1

        fits
        && (leaves.Length = 0 || obj.ReferenceEquals(leaves[0].Device, devices))
        && (let mutable isSame = true

            for i in 0 .. structure.Length - 1 do
                isSame <- isSame && (obj.ReferenceEquals(structure[i], other[i]) || obj.Equals(structure[i], other[i]))

            isSame)

    override _.GetHashCode() = hash

    override _.Equals(other) =
        match other with
        | :? JitKey as other ->
            obj.ReferenceEquals(devices, other.Device)
            && types.Length = other.Types.Length
            && Array.forall2
                (fun (s: TensorType) (t: TensorType) -> s.DType = t.DType && Shape.equal s.Shape t.Shape)
                types
                other.Types
            && structure.Length = other.Structure.Length
            && Array.forall2 (fun a b -> obj.Equals(a, b)) structure other.Structure
        | _ -> false

/// A compiled function, with the tensors of running transformations that it takes, and the structure of its result.
[<Sealed; AllowNullLiteral>]
type internal JitEntry<'b>(key: JitKey, operation: JitPrimitive, captured: Tensor[], template: 'b) =
    member _.Key = key
    member _.Operation = operation
    member _.Captured = captured
    member _.Template = template

/// Programs, and control flow that becomes part of them.
[<AutoOpen>]
module Control =
    let private deviceOf (xs: Tensor[]) : Device = if xs.Length = 0 then Cpu.Instance else xs[0].Device

    /// A function of leaves, and what it last returned, for its structure.
    let private onLeaves (f: 'a -> 'b) (x: 'a) (result: 'b ref) : Tensor[] -> Tensor[] =
        fun leaves ->
            result.Value <- f (Tree.withLeaves x leaves)
            Tree.leaves result.Value

    /// The program of f for arguments like x, `stage : (a -> b) -> a -> program`. f is run once, on tensors that have
    /// shapes but no values: an `if` on a value is an error (use where or cond), and a loop over numbers is written out.
    /// What f prints or counts happens once, now. Arrays that f uses become constants of the program.
    let stage (f: 'a -> 'b) (x: 'a) : StagedFunction<'a, 'b> =
        let result = ref Unchecked.defaultof<'b>
        let leaves = Tree.leaves x
        let struct (program, captured) =
            Stage.run (deviceOf leaves) (onLeaves f x result) (Array.map Stage.typeOf leaves)
        StagedFunction(program, captured, Tree.structure x, result.Value)

    /// A function compiled for each kind of argument; of the leaves that it takes, the first `donated x` may be used up.
    [<Sealed>]
    type internal CompiledFunction<'a, 'b>(donated: 'a -> int, f: 'a -> 'b) =
        let compiled = ConcurrentDictionary<JitKey, JitEntry<'b>>()
        let mutable last: JitEntry<'b> = null
        let fixedLeaves = lazy (Tree.fixedLeaves<'a>())

        let find (x: 'a) (leaves: Tensor[]) (structure: obj[]) : JitEntry<'b> =
            let key = JitKey(Array.map Stage.typeOf leaves, deviceOf leaves, structure)

            match compiled.TryGetValue key with
            | true, entry -> entry
            | _ ->
                let staged = stage f x
                let isClosed = staged.Captured.Length = 0
                let operation = JitPrimitive(staged.Program, null, (if isClosed then donated x else 0))
                let entry = JitEntry(key, operation, staged.Captured, staged.Template)

                // What belongs to a transformation that runs now is not there at the next call.
                if isClosed then
                    compiled[key] <- entry

                entry

        let entryOf (x: 'a) (leaves: Tensor[]) : JitEntry<'b> =
            // Trees that can differ in their tensors alone need not be compared.
            let structure = if leaves.Length = fixedLeaves.Value then Array.empty else Tree.structure x
            let known = last

            if not (isNull known) && known.Key.Fits(leaves, structure) then
                known
            else
                let found = find x leaves structure

                if found.Captured.Length = 0 then
                    last <- found

                found

        /// What an argument is compiled to.
        member _.Find(x: 'a) : JitEntry<'b> = entryOf x (Tree.leaves x)

        member _.Invoke(x: 'a) : 'b =
            let leaves = Tree.leaves x
            let entry = entryOf x leaves
            let mutable isConcrete = entry.Captured.Length = 0

            for leaf in leaves do
                isConcrete <- isConcrete && leaf.Level = 0L

            let ys =
                if isConcrete then
                    // The types are those that it was compiled for.
                    let arrays = Array.zeroCreate leaves.Length

                    for i in 0 .. leaves.Length - 1 do
                        arrays[i] <- leaves[i].Array

                    let results = entry.Operation.Run arrays
                    let ys: Tensor[] = Array.zeroCreate results.Length

                    for i in 0 .. results.Length - 1 do
                        ys[i] <- Concrete results[i]

                    ys
                else
                    Tensor.BindAll(entry.Operation, Array.append entry.Captured leaves)

            Tree.withLeaves entry.Template ys

    let private compile (donated: 'a -> int) (f: 'a -> 'b) : 'a -> 'b =
        let compiled = CompiledFunction(donated, f)
        fun x -> compiled.Invoke x

    /// f, compiled when it is first called with tensors of certain shapes and types, `jit : (a -> b) -> a -> b`: its program
    /// is simplified, elementwise operations are fused into single passes over memory, and it is run without f. Keep the
    /// function that this returns and call it again: it remembers what it has compiled, for each structure, shape and type
    /// of arguments. f is staged: it may not branch on values, and arrays that it uses besides its argument are constants
    /// at their values of the first call. Every transformation applies to the result, and compiles what it needs.
    let jit (f: 'a -> 'b) : 'a -> 'b = compile (fun _ -> 0) f

    /// f, compiled as by jit, whose first argument is donated, `jitDonating : (d -> a -> b) -> d -> a -> b`: results of
    /// the same shapes and types are written over its tensors where they can be, such as the next parameters over the last.
    /// The tensors of a donated argument, and all that share their memory (slices, transposes), are used up: reading one
    /// whose memory was taken is an InvalidOperationException, also if the call failed; use the results instead. Donate a
    /// copy (Tensor.copy) of what is needed later or what others hold. Tensors in memory that is passed twice, or that are
    /// views of other memory, those of so few elements that they are in managed memory, and those of a call inside a
    /// transformation, are not taken, and can still be read.
    let jitDonating (f: 'd -> 'a -> 'b) : 'd -> 'a -> 'b =
        let compiled = compile (fun (d: 'd, _: 'a) -> (Tree.leaves d).Length) (fun (d, x) -> f d x)
        fun d x -> compiled (d, x)

    /// f x, of which reverse mode keeps only x: what else its pullback needs is computed again when it runs. Nested in
    /// layers this trades one more evaluation for memory. f is staged, and so may not branch on values.
    let checkpoint (f: 'a -> 'b) (x: 'a) : 'b =
        let result = ref Unchecked.defaultof<'b>
        let leaves = Tree.leaves x
        let ys = Calls.checkpoint (deviceOf leaves) (onLeaves f x result) leaves
        Tree.withLeaves result.Value ys

    /// `ifTrue x` if a scalar truth value holds, else `ifFalse x`. Where its value is known only the side that it chooses
    /// is run, as by `if`. In a staged program both are written down and one is run. Inside vmap, where examples
    /// may differ, both are computed and `where` chooses; derivatives of the side that is not chosen are multiplied by 0, so
    /// that one that is infinite or NaN spoils the result: keep its argument in its domain.
    let cond (predicate: Tensor) (ifTrue: 'a -> 'b) (ifFalse: 'a -> 'b) (x: 'a) : 'b =
        if predicate.Rank > 0 then
            Shape.fail
                "cond"
                $"the truth value has shape {Shape.format predicate.Shape}, but must be a scalar; reduce it with all or any, or choose with where."

        let predicate = Tensor.Cast(predicate, DType.Bool)

        if predicate.IsKnown then
            if predicate.ToDouble() <> 0.0 then ifTrue x else ifFalse x
        else
            let result, other = ref Unchecked.defaultof<'b>, ref Unchecked.defaultof<'b>
            let ys = Calls.cond predicate (onLeaves ifTrue x result) (onLeaves ifFalse x other) (Tree.leaves x)

            match Structure.difference (Tree.structure result.Value) (Tree.structure other.Value) with
            | null -> Tree.withLeaves result.Value ys
            | difference ->
                Shape.fail
                    "cond"
                    $"the sides return trees of different structure, or with different values besides tensors ({difference}); only tensors can depend on the truth value."

    let private scanOver operation reverse (f: 'c -> 'x -> 'c * 'y) (init: 'c) (xs: 'x) : 'c * 'y =
        let carry, items = Tree.leaves init, Tree.leaves xs

        if items.Length = 0 then
            Shape.fail operation "there are no tensors to walk over; for a number of steps use foriLoop."

        if items |> Array.exists (fun x -> x.Rank = 0) then
            Shape.fail
                operation
                "a scalar has no entries to walk over; make it part of the carry, or use it from outside."

        let length = items[0].Shape[0]

        for x in items do
            if x.Shape[0] <> length then
                Shape.fail
                    operation
                    $"all tensors to walk over need a first axis of one length; there are shapes {Shape.format items[0].Shape} and {Shape.format x.Shape}."

        let result = ref Unchecked.defaultof<'c * 'y>

        let body (leaves: Tensor[]) =
            let c, x = Array.splitAt carry.Length leaves
            let next, y = f (Tree.withLeaves init c) (Tree.withLeaves xs x)
            Structure.checkCarry operation (Tree.withLeaves init c) next
            result.Value <- (next, y)
            Array.append (Tree.leaves next) (Tree.leaves y)

        let ys = Scan.run (deviceOf items) length reverse body carry items
        let c, y = result.Value
        Tree.withLeaves c ys[.. carry.Length - 1], Tree.withLeaves y ys[carry.Length ..]

    /// The last carry and the stacked results of `(carry, item) -> (carry, result)`, run for the entries of tensors along
    /// their first axis, in order: `scan : (c -> x -> c * y) -> c -> x[] -> c * y[]`. The step is staged once, so that
    /// it may not branch on values, and costs the same in a program for any number of entries. Reverse mode keeps from
    /// each step what its pullback needs, and no more. The carry keeps its shapes and types.
    let scan (f: 'c -> 'x -> 'c * 'y) (init: 'c) (xs: 'x) : 'c * 'y = scanOver "scan" false f init xs

    /// The same from the last entry to the first; results lie at the places of their items.
    let scanBack (f: 'c -> 'x -> 'c * 'y) (init: 'c) (xs: 'x) : 'c * 'y = scanOver "scanBack" true f init xs

    /// `body (upper - 1) (... (body lower x))`: the step for each number from lower to upper - 1, which it gets as an
    /// int32 scalar. A scan without items.
    let foriLoop (lower: int) (upper: int) (body: Tensor -> 'a -> 'a) (x: 'a) : 'a =
        let numbers = [| lower .. upper - 1 |]
        let items = Tensor.From(System.ReadOnlySpan numbers, [| numbers.Length |])
        let step x i = body i x, ()
        fst (scanOver "foriLoop" false step x items)

    /// Steps from x on while a condition holds. Where all values are known the loop is run as it is; in a staged program,
    /// and inside vmap, condition and step are staged, and may not branch on values. Inside vmap it runs until all
    /// examples are done; those that are stay as they are. Reverse mode keeps each state. The carry keeps its shapes and types.
    let whileLoop (condition: 'a -> Tensor) (body: 'a -> 'a) (x: 'a) : 'a =
        let mutable x = x
        let mutable result = Unchecked.defaultof<'a>
        let mutable isDone = false

        while not isDone do
            let flag = Tensor.Cast(condition x, DType.Bool)
            let leaves = Tree.leaves x

            if flag.IsKnown && leaves |> Array.forall _.IsKnown then
                if flag.Rank > 0 then
                    Shape.fail
                        "whileLoop"
                        $"the condition has shape {Shape.format flag.Shape}, but must be a scalar; reduce it with all or any."

                if flag.ToDouble() <> 0.0 then
                    let next = body x
                    Loops.checkCarry
                        "whileLoop"
                        (Array.map Stage.typeOf leaves)
                        (Array.map Stage.typeOf (Tree.leaves next))
                    x <- next
                else
                    result <- x
                    isDone <- true
            else
                let template = ref x
                let start = x
                let test leaves = Tensor.Cast(condition (Tree.withLeaves start leaves), DType.Bool)

                let step (leaves: Tensor[]) =
                    let before = Tree.withLeaves start leaves
                    template.Value <- body before
                    Structure.checkCarry "whileLoop" before template.Value
                    Tree.leaves template.Value

                let ys = While.run (deviceOf leaves) test step leaves
                result <- Tree.withLeaves template.Value ys
                isDone <- true

        result
