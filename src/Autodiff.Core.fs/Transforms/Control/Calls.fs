namespace Autodiff

open System.Collections.Concurrent

/// An operation that holds programs. What its rules derive from them is kept.
[<AbstractClass>]
type internal ProgramPrimitive(name: string) =
    inherit MultiPrimitive(name)
    let derived = ConcurrentDictionary<string, obj>()

    /// The same operation with other forms of the programs that it runs.
    abstract Mapped: (Program -> Program) -> MultiPrimitive
    default this.Mapped _ = this

    /// What a rule derives, once for each choice of masks.
    member _.Derive(rule: string, masks: bool[] list, make: unit -> 'd) : 'd =
        let text = masks |> List.map (Array.map (fun m -> if m then "1" else "0") >> System.String.Concat)
        derived.GetOrAdd(System.String.Join(" ", rule :: text), (fun _ -> box (make ()))) :?> 'd

    /// The results and their tangents, of an operation that takes the tangents that there are after its inputs. It is derived
    /// for them, with which of the results move.
    member this.Push
        (inputs: Tensor[], tangents: Tensor[], results: int, derive: bool[] -> struct (MultiPrimitive * bool[]))
        =
        let moving = Array.map Stage.isPresent tangents
        let struct (pushed, moves) = this.Derive("jvp", [ moving ], (fun () -> derive moving))
        let ys = Tensor.BindAll(pushed, Array.append inputs (Stage.pick moving tangents))
        struct (ys[.. results - 1], Stage.spread moves ys[results..])

    /// The cotangents of the inputs that need them, of an operation that takes the cotangents that there are after its inputs
    /// and is derived for them.
    member this.Pull(inputs: Tensor[], cts: Tensor[], isNeeded: bool[], derive: bool[] -> MultiPrimitive) =
        let given = Array.map Stage.isPresent cts
        let pulled = this.Derive("vjp", [ given; isNeeded ], (fun () -> derive given))
        Stage.spread isNeeded (Tensor.BindAll(pulled, Array.append inputs (Stage.pick given cts)))

    /// The results for many examples, of an operation that is derived for them with which results have their axis.
    member this.Spread
        (inputs: Tensor[], isBatched: bool[], size: int, derive: unit -> struct (MultiPrimitive * bool[]))
        =
        let struct (batched, carries) = this.Derive($"batch {size}", [ isBatched ], derive)
        struct (Tensor.BindAll(batched, inputs), carries)

    /// Checks that inputs have the types of a program that runs on them.
    member this.Fit(types: TensorType[], inputs: Tensor[]) : unit =
        let fits =
            types.Length = inputs.Length
            && Array.forall2
                (fun (t: TensorType) (x: Tensor) -> t.DType = x.DType && Shape.equal t.Shape x.Shape)
                types
                inputs

        if not fits then
            let list (types: seq<TensorType>) = System.String.Join(", ", types |> Seq.map ProgramText.Type)
            Shape.fail this.Name $"the inputs are {list (inputs |> Seq.map Stage.typeOf)}, but must be {list types}."

    static member Device(inputs: Tensor[]) : Device = if inputs.Length = 0 then Cpu.Instance else inputs[0].Device

/// What the operations of control flow share.
[<RequireQualifiedAccess>]
module internal Loops =
    let isTrue (flag: NDArray) = (Concrete flag).ToDouble() <> 0.0

    /// The axis of the examples put where it has to be.
    let fronts size (xs: Tensor[]) (isAsked: bool[]) (isBatched: bool[]) : Tensor[] =
        Array.map3
            (fun x isAsked isBatched -> if isAsked then Batching.front size x isBatched else x)
            xs
            isAsked
            isBatched

    /// x for the examples for which a flag is true, y for the others.
    let choose size (flag: Tensor) (x: Tensor) (y: Tensor) : Tensor =
        Tensor.Where(reshape (Array.append [| size |] (Array.create (x.Rank - 1) 1)) flag, x, y)

    /// Checks that a step of a loop gives what it takes.
    let checkCarry operation (before: TensorType[]) (after: TensorType[]) =
        if before.Length <> after.Length then
            Shape.fail operation $"the step takes {before.Length} tensors in its carry, but returns {after.Length}."

        for i in 0 .. before.Length - 1 do
            if before[i].DType <> after[i].DType || not (Shape.equal before[i].Shape after[i].Shape) then
                let place = if before.Length = 1 then "the carry" else $"tensor {i} of the carry"

                Shape.fail
                    operation
                    $"{place} is {ProgramText.Type before[i]} before the step and {ProgramText.Type after[i]} after it; both must be the same: convert with To, or broadcast the first value."

/// A program that reverse mode runs again, instead of keeping what it computed.
[<Sealed>]
type internal CheckpointPrimitive(program: Program) =
    inherit ProgramPrimitive("checkpoint")
    let types = Stage.inputTypes program

    override _.Parameters = [ "program", program ]
    override _.Mapped map = CheckpointPrimitive(map program)

    override this.Shapes inputs =
        this.Fit(types, inputs)
        Stage.outputTypes program

    override _.Values(inputs, _) = program.Run inputs

    override this.Jvp(inputs, tangents) =
        let device, n = ProgramPrimitive.Device inputs, program.Outputs.Length

        this.Push(
            inputs,
            tangents,
            n,
            fun moving ->
                let struct (pushed, moves) = Stage.jvp device program moving (Stage.none n)
                struct (CheckpointPrimitive pushed :> MultiPrimitive, moves)
        )

    override this.Vjp(inputs, _, cts, isNeeded) =
        this.Pull(
            inputs,
            cts,
            isNeeded,
            fun given ->
                let pulled = Stage.vjp (ProgramPrimitive.Device inputs) program given isNeeded
                CheckpointPrimitive(pulled.Returning pulled.Outputs[program.Outputs.Length ..]) :> MultiPrimitive
        )

    override this.Batch(inputs, isBatched, size) =
        let device, n = ProgramPrimitive.Device inputs, program.Outputs.Length

        this.Spread(
            inputs,
            isBatched,
            size,
            fun () ->
                let struct (batched, carries) = Stage.batch device program size isBatched (Stage.none n)
                struct (CheckpointPrimitive batched :> MultiPrimitive, carries)
        )

/// One of two programs, as a truth value says. The first input is that value, the others are what the programs take.
[<Sealed>]
type internal CondPrimitive(ifTrue: Program, ifFalse: Program) =
    inherit ProgramPrimitive("cond")
    let types = Stage.inputTypes ifTrue
    let count = ifTrue.Outputs.Length

    /// Both programs derived such that the same results move, or carry the axis of the examples.
    let both (derive: Program -> bool[] -> struct (Program * bool[])) : struct (MultiPrimitive * bool[]) =
        let derive =
            Stage.fixpoint (fun asked ->
                let struct (a, movesA) = derive ifTrue asked
                let struct (b, movesB) = derive ifFalse asked
                struct ((a, b), Array.map2 (||) movesA movesB))

        let struct ((a, b), moves) = derive (Stage.none count)
        struct (CondPrimitive(a, b) :> MultiPrimitive, moves)

    override _.Parameters = [ "ifTrue", ifTrue; "ifFalse", ifFalse ]
    override _.Mapped map = CondPrimitive(map ifTrue, map ifFalse)

    override this.Shapes inputs =
        this.Fit(Array.append [| { Shape = Shape.scalar; DType = DType.Bool } |] types, inputs)
        Stage.outputTypes ifTrue

    override _.Values(inputs, _) = (if Loops.isTrue inputs[0] then ifTrue else ifFalse).Run inputs[1..]

    override _.Unrolled inputs =
        if inputs[0].IsKnown then
            (if inputs[0].ToDouble() <> 0.0 then ifTrue else ifFalse).Evaluate inputs[1..]
        else
            null

    override this.Jvp(inputs, tangents) =
        let device = inputs[0].Device

        this.Push(
            inputs,
            tangents[1..],
            count,
            fun moving -> both (fun program asked -> Stage.jvp device program moving asked)
        )

    override this.Vjp(inputs, _, cts, isNeeded) =
        this.Pull(
            inputs,
            cts,
            isNeeded,
            fun given ->
                let pull (program: Program) =
                    let pulled = Stage.vjp inputs[0].Device program given isNeeded[1..]
                    pulled.Returning pulled.Outputs[count..]

                CondPrimitive(pull ifTrue, pull ifFalse) :> MultiPrimitive
        )

    override this.Batch(inputs, isBatched, size) =
        let operands, batched = inputs[1..], isBatched[1..]

        if isBatched[0] then
            // Some examples take one side, some the other: both are computed.
            let evaluate (program: Program) =
                let struct (ys, carries) = Vmap.runSparse program.Evaluate size operands batched
                Array.map2 (Batching.front size) ys carries

            struct (Array.map2 (Loops.choose size inputs[0]) (evaluate ifTrue) (evaluate ifFalse),
                    Array.create count true)
        else
            let device = inputs[0].Device

            this.Spread(
                inputs,
                batched,
                size,
                fun () -> both (fun program asked -> Stage.batch device program size batched asked)
            )

/// Operations made of functions.
[<RequireQualifiedAccess>]
module internal Calls =
    /// A function that reverse mode runs again instead of keeping what it computed.
    let checkpoint device (f: Tensor[] -> Tensor[]) (xs: Tensor[]) : Tensor[] =
        let struct (program, captured) = Stage.run device f (Array.map Stage.typeOf xs)
        Tensor.BindAll(CheckpointPrimitive program, Array.append captured xs)

    /// One of two functions, as a truth value says.
    let cond (flag: Tensor) (ifTrue: Tensor[] -> Tensor[]) (ifFalse: Tensor[] -> Tensor[]) (xs: Tensor[]) : Tensor[] =
        let device = flag.Device
        let types = Array.map Stage.typeOf xs
        let struct (a, takenByA) = Stage.run device ifTrue types
        let struct (b, takenByB) = Stage.run device ifFalse types
        let outs, others = Stage.outputTypes a, Stage.outputTypes b

        let isSame (s: TensorType) (t: TensorType) = s.DType = t.DType && Shape.equal s.Shape t.Shape

        if outs.Length <> others.Length || not (Array.forall2 isSame outs others) then
            let list (types: seq<TensorType>) = System.String.Join(", ", types |> Seq.map ProgramText.Type)
            Shape.fail "cond" $"one side returns {list outs}, the other {list others}; both must return the same types."

        let own (p: Program) n = p.Inputs[n..]
        let unused (p: Program) n = p.Inputs[.. n - 1] |> Array.map (fun v -> Variable(-1, v.Type))
        let na, nb = takenByA.Length, takenByB.Length
        let a' = a.Rearranged(Array.concat [ a.Inputs[.. na - 1]; unused b nb; own a na ], a.Outputs)
        let b' = b.Rearranged(Array.concat [ unused a na; b.Inputs[.. nb - 1]; own b nb ], b.Outputs)
        Tensor.BindAll(CondPrimitive(a', b'), Array.concat [ [| flag |]; takenByA; takenByB; xs ])
