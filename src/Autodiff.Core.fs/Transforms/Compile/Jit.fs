namespace Autodiff

/// Programs made ready to be run many times.
module internal Compile =
    let rec run (program: Program) : Program =
        let mapped =
            program.Equations
            |> Array.map (fun e ->
                match e.Operation with
                | :? ProgramPrimitive as operation -> Equation(operation.Mapped run, e.Inputs, e.Outputs)
                | _ -> e)

        Program.Of(program.Inputs, mapped, program.Outputs) |> Simplify.run |> Scatter.run |> Blocks.run |> Fuse.run

/// The way back of a recorded call: a program of kept values and cotangents.
[<Sealed; AllowNullLiteral>]
type internal JitBackward(walk: MultiPrimitive, kept: int[], given: bool[]) =
    member _.Walk = walk
    /// Where each kept value is: among the inputs, then among the outputs of the recording call.
    member _.Kept = kept
    /// Which outputs have cotangents.
    member _.Given = given

/// A call of a program that is compiled when it is first run. Its rules are calls of derived programs; reverse mode keeps
/// what the way back needs, as it would of the equations one by one. The first `donated` inputs may be used up.
[<Sealed>]
type internal JitPrimitive(program: Program, back: JitBackward, donated: int) =
    inherit ProgramPrimitive("jit")
    let types = Stage.inputTypes program
    let outputs = Stage.outputTypes program
    let compiled = lazy (Telemetry.compiling program.Equations.Length (fun () -> Compile.run program))
    let executable = lazy (Executable(compiled.Value, donated))

    new(program) = JitPrimitive(program, null, 0)
    new(program, back) = JitPrimitive(program, back, 0)

    /// Compiles what is compiled at the first run otherwise.
    member _.Compile() = executable.Force() |> ignore
    member _.IsCompiled = executable.IsValueCreated
    member _.Executable = executable.Value
    /// The types of the results.
    member _.Results = outputs
    override _.Mapped map = JitPrimitive(map program)
    override _.Parameters = [ "program", program ]

    override this.Shapes inputs =
        this.Fit(types, inputs)
        outputs

    override _.Values(inputs, _) = executable.Value.Run inputs

    /// The results for arrays of the types of the program.
    member _.Run(inputs: NDArray[]) : NDArray[] =
        if donated > 0 then executable.Value.RunDonating inputs else executable.Value.Run inputs

    // A program that is being written takes the equations, so that they are simplified together with its own.
    override _.Unrolled inputs =
        if Array.maxBy (fun (x: Tensor) -> x.Level) inputs :? Staged then
            program.Evaluate inputs
        else
            null

    override this.Jvp(inputs, tangents) =
        let device, n = ProgramPrimitive.Device inputs, outputs.Length

        this.Push(
            inputs,
            tangents,
            n,
            fun moving ->
                let struct (pushed, moves) = Stage.jvp device program moving (Stage.none n)
                struct (JitPrimitive pushed :> MultiPrimitive, moves)
        )

    override this.Recorded(inputs, isNeeded) =
        this.Derive(
            "recorded",
            [ isNeeded ],
            fun () ->
                let given = outputs |> Array.map (fun t -> DTypes.IsFloat t.DType)
                let both = Stage.vjp (ProgramPrimitive.Device inputs) program given isNeeded
                let n, m = types.Length, outputs.Length
                let struct (forward, kept, walk) = Stage.cut both n m
                JitPrimitive(forward, JitBackward(JitPrimitive walk, kept, given)) :> MultiPrimitive
        )

    override _.Vjp(inputs, ys, cts, isNeeded) =
        let given =
            Array.mapi (fun i isFloat -> if isFloat && isNull cts[i] then Tensor.ZerosLike ys[i] else cts[i]) back.Given
            |> Stage.pick back.Given

        let kept = back.Kept |> Array.map (fun i -> if i < inputs.Length then inputs[i] else ys[i - inputs.Length])
        Stage.spread isNeeded (Tensor.BindAll(back.Walk, Array.append kept given))

    override this.Batch(inputs, isBatched, size) =
        let device, n = ProgramPrimitive.Device inputs, outputs.Length

        this.Spread(
            inputs,
            isBatched,
            size,
            fun () ->
                let struct (batched, carries) = Stage.batch device program size isBatched (Stage.none n)
                struct (JitPrimitive batched :> MultiPrimitive, carries)
        )
