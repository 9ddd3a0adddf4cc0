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
        let moving = Array.map Stage.isPresent tangents

        let struct (pushed, moves) =
            this.Derive(
                "jvp",
                [ moving ],
                fun () ->
                    let struct (pushed, moves) =
                        Stage.jvp (ProgramPrimitive.Device inputs) program moving (Stage.none program.Outputs.Length)
                    struct (CheckpointPrimitive pushed, moves)
            )

        let results = Tensor.BindAll(pushed, Array.append inputs (Stage.pick moving tangents))
        let n = program.Outputs.Length
        struct (results[.. n - 1], Stage.spread moves results[n..])

    override this.Vjp(inputs, _, cts, isNeeded) =
        let given = Array.map Stage.isPresent cts

        let pulled =
            this.Derive(
                "vjp",
                [ given; isNeeded ],
                fun () ->
                    let pulled = Stage.vjp (ProgramPrimitive.Device inputs) program given isNeeded
                    CheckpointPrimitive(pulled.Returning pulled.Outputs[program.Outputs.Length ..])
            )

        Stage.spread isNeeded (Tensor.BindAll(pulled, Array.append inputs (Stage.pick given cts)))

    override this.Batch(inputs, isBatched, size) =
        let struct (batched, carries) =
            this.Derive(
                $"batch {size}",
                [ isBatched ],
                fun () ->
                    let struct (batched, carries) =
                        Stage.batch
                            (ProgramPrimitive.Device inputs)
                            program
                            size
                            isBatched
                            (Stage.none program.Outputs.Length)
                    struct (CheckpointPrimitive batched, carries)
            )

        struct (Tensor.BindAll(batched, inputs), carries)

/// One of two programs, as a truth value says. The first input is that value, the others are what the programs take.
[<Sealed>]
type internal CondPrimitive(ifTrue: Program, ifFalse: Program) =
    inherit ProgramPrimitive("cond")
    let types = Stage.inputTypes ifTrue
    let count = ifTrue.Outputs.Length

    /// Both programs derived such that the same results move, or carry the axis of the examples.
    let both (derive: Program -> bool[] -> struct (Program * bool[])) =
        let derive =
            Stage.fixpoint (fun asked ->
                let struct (a, movesA) = derive ifTrue asked
                let struct (b, movesB) = derive ifFalse asked
                struct ((a, b), Array.map2 (||) movesA movesB))

        let struct ((a, b), moves) = derive (Stage.none count)
        struct (CondPrimitive(a, b), moves)

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
        let tangents = tangents[1..]
        let moving = Array.map Stage.isPresent tangents

        let struct (pushed, moves) =
            this.Derive(
                "jvp",
                [ moving ],
                fun () -> both (fun program asked -> Stage.jvp inputs[0].Device program moving asked)
            )

        let results = Tensor.BindAll(pushed, Array.append inputs (Stage.pick moving tangents))
        struct (results[.. count - 1], Stage.spread moves results[count..])

    override this.Vjp(inputs, _, cts, isNeeded) =
        let given = Array.map Stage.isPresent cts

        let pulled =
            this.Derive(
                "vjp",
                [ given; isNeeded ],
                fun () ->
                    let pull (program: Program) =
                        let pulled = Stage.vjp inputs[0].Device program given isNeeded[1..]
                        pulled.Returning pulled.Outputs[count..]

                    CondPrimitive(pull ifTrue, pull ifFalse)
            )

        Stage.spread isNeeded (Tensor.BindAll(pulled, Array.append inputs (Stage.pick given cts)))

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
            let struct (operation, carries) =
                this.Derive(
                    $"batch {size}",
                    [ batched ],
                    fun () -> both (fun program asked -> Stage.batch inputs[0].Device program size batched asked)
                )

            struct (Tensor.BindAll(operation, inputs), carries)

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
