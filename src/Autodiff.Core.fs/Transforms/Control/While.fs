// A while loop, and the way back through it, make each other in their rules.
namespace rec Autodiff

open System.Collections.Generic

/// Masks and programs of a while loop: the condition's and the step's constants, then the carry.
[<Struct>]
type internal WhileParts = { ConditionConsts: int; BodyConsts: int }

/// A program run again and again while another gives true.
[<Sealed>]
type internal WhilePrimitive(condition: Program, body: Program, parts: WhileParts) =
    inherit ProgramPrimitive("whileLoop")
    let carries = body.Outputs.Length
    let kCount, bCount = parts.ConditionConsts, parts.BodyConsts
    let outputs = Stage.outputTypes body
    let types = Array.append (Array.take kCount (Stage.inputTypes condition)) (Stage.inputTypes body)

    let tested = lazy (Executable condition)
    let loop = lazy (LoopBody(body, bCount, bCount, carries))

    /// Of the condition's constants, the body's, and the carry.
    let split (xs: 'x[]) : struct ('x[] * 'x[] * 'x[]) =
        struct (xs[.. kCount - 1], xs[kCount .. kCount + bCount - 1], xs[kCount + bCount ..])

    override _.Parameters = [ "condition", condition; "body", body ]
    override _.Mapped map = WhilePrimitive(map condition, map body, parts)

    override this.Shapes xs =
        this.Fit(types, xs)
        outputs

    override _.Values(xs, _) =
        let struct (k, b, c) = split xs
        let goesOn carry = Loops.isTrue (Array.head (tested.Value.Run(Array.append k carry)))
        loop.Value.Iterate(b, c, (fun carry -> if goesOn carry then [||] else null))

    override this.Unrolled xs =
        if xs |> Array.forall _.IsKnown then
            let struct (k, b, c) = split xs
            let mutable carry = c

            let goesOn () = (condition.Evaluate(Array.append k carry))[0]

            while goesOn().ToDouble() <> 0.0 do
                carry <- body.Evaluate(Array.append b carry)

            carry
        else
            null

    override this.Jvp(xs, tangents) =
        let struct (_, bDot, cDot) = split tangents
        let bMoves, cMoves = Array.map Stage.isPresent bDot, Array.map Stage.isPresent cDot

        let struct (pushed: WhilePrimitive, cMoves) =
            this.Derive(
                "jvp",
                [ bMoves; cMoves ],
                fun () ->
                    let struct (condition, body, cMoves) =
                        While.jvp (ProgramPrimitive.Device xs) condition body bMoves cMoves

                    let parts = { parts with BodyConsts = bCount + Stage.count bMoves }
                    struct (WhilePrimitive(condition, body, parts), cMoves)
            )

        let struct (k, b, c) = split xs
        let cDot = Stage.pick cMoves (Jvp.filled c cDot)
        let ys = Tensor.BindAll(pushed, Array.concat [ k; b; Stage.pick bMoves bDot; c; cDot ])
        struct (ys[.. carries - 1], Stage.spread cMoves ys[carries..])

    override this.Vjp(xs, _, cts, isNeeded) =
        let struct (k, b, c) = split xs
        let struct (_, bNeeded, cNeeded) = split isNeeded
        let isFloat = outputs |> Array.map (fun t -> DTypes.IsFloat t.DType)

        let walk: RewindPrimitive =
            this.Derive(
                "vjp",
                [ bNeeded ],
                fun () ->
                    let device = ProgramPrimitive.Device xs
                    let pulled = Stage.vjp device body isFloat (Array.append bNeeded isFloat)
                    let pulled = pulled.Returning pulled.Outputs[carries..]
                    let sums = Stage.count bNeeded

                    // From (constants, state, sums and cotangents) to new sums and cotangents.
                    let back (values: Tensor[]) =
                        let primals = values[.. bCount + carries - 1]
                        let totals = values[bCount + carries .. bCount + carries + sums - 1]
                        let found = pulled.Evaluate(Array.append primals values[bCount + carries + sums ..])
                        Array.append (Array.map2 (+) totals found[.. sums - 1]) found[sums..]

                    let bodyTypes = Stage.inputTypes body
                    let backTypes =
                        Array.concat
                            [ bodyTypes; Stage.pick bNeeded bodyTypes[.. bCount - 1]; Stage.pick isFloat outputs ]

                    RewindPrimitive(condition, body, Stage.closed device back backTypes, parts, bCount)
            )

        let sums = Stage.pick bNeeded b |> Array.map Tensor.ZerosLike

        let given =
            Array.map3
                (fun isFloat (c: Tensor) ct -> if isFloat && isNull ct then Tensor.ZerosLike c else ct)
                isFloat
                c
                cts
            |> Stage.pick isFloat

        let found = Tensor.BindAll(walk, Array.concat [ k; b; c; b; sums; given ])
        let carryCts = Stage.spread isFloat found[sums.Length ..]

        Array.concat
            [ Array.create kCount null
              Stage.spread bNeeded found[.. sums.Length - 1]
              Array.map2 (fun isNeeded ct -> if isNeeded then ct else null) cNeeded carryCts ]

    override this.Batch(xs, isBatched, size) =
        let struct (kBatched, bBatched, cBatched) = split isBatched

        let struct (operation: WhilePrimitive, carries) =
            this.Derive(
                $"batch {size}",
                [ kBatched; bBatched; cBatched ],
                fun () ->
                    let device = ProgramPrimitive.Device xs
                    let struct (condition, body, carries, freezes) =
                        While.batch device condition body size kBatched bBatched cBatched
                    let parts = if freezes then { parts with BodyConsts = kCount + bCount } else parts
                    struct (WhilePrimitive(condition, body, parts), carries)
            )

        let struct (k, b, c) = split xs
        let c = Loops.fronts size c carries cBatched
        let b = if operation.BodyConsts > bCount then Array.append k b else b
        struct (Tensor.BindAll(operation, Array.concat [ k; b; c ]), carries)

    member _.BodyConsts = bCount

/// The way back through a while loop: runs it again, keeping the state before each step, then runs a program once for
/// each of these states, last first. Inputs are those of the loop, then constants and the carry of the way back.
[<Sealed>]
type internal RewindPrimitive(condition: Program, body: Program, back: Program, parts: WhileParts, backConsts: int) =
    inherit ProgramPrimitive("rewind")
    let kCount, bCount = parts.ConditionConsts, parts.BodyConsts
    let carries = body.Outputs.Length
    let outputs = Stage.outputTypes back
    let conditionTypes, bodyTypes, backTypes =
        Stage.inputTypes condition, Stage.inputTypes body, Stage.inputTypes back

    let tested = lazy (Executable condition)
    let forward = lazy (Executable body)
    let walk = lazy (LoopBody(back, backConsts, backConsts + carries, outputs.Length))

    let types =
        Array.concat
            [ conditionTypes[.. kCount - 1]
              bodyTypes
              backTypes[.. backConsts - 1]
              backTypes[backConsts + carries ..] ]

    /// Of the condition's constants, the body's, the carry, the constants of the way back, and its carry.
    let split (xs: 'x[]) : struct ('x[] * 'x[] * 'x[] * 'x[] * 'x[]) =
        let first = kCount + bCount

        struct (xs[.. kCount - 1],
                xs[kCount .. first - 1],
                xs[first .. first + carries - 1],
                xs[first + carries .. first + carries + backConsts - 1],
                xs[first + carries + backConsts ..])

    /// The same by loops that run forward again to each state, from which derivatives of reverse mode follow.
    let definition (xs: Tensor[]) : Tensor[] =
        let struct (k, b, c, rk, r) = split xs
        let device = xs[0].Device
        let zero: Tensor = Concrete(device.Fill(DType.Int64, Shape.scalar, 0.0))
        let step (carry: Tensor[]) = Array.append [| carry[0] + 1.0 |] (body.Evaluate(Array.append b carry[1..]))
        let start = Array.append [| zero |] c
        let goesOn (carry: Tensor[]) = (condition.Evaluate(Array.append k carry[1..]))[0]
        let total = (While.run device goesOn step start)[0]

        let back (carry: Tensor[]) =
            let position = carry[0] - 1.0
            let state = While.run device (fun s -> Tensor.Less(s[0], position)) step start
            Array.append [| position |] (back.Evaluate(Array.concat [ rk; state[1..]; carry[1..] ]))

        (While.run device (fun s -> Tensor.Greater(s[0], zero)) back (Array.append [| total |] r))[1..]

    override _.Parameters = [ "condition", condition; "body", body; "back", back ]
    override _.Mapped map = RewindPrimitive(map condition, map body, map back, parts, backConsts)

    override this.Shapes xs =
        this.Fit(types, xs)
        outputs

    override _.Values(xs, _) =
        let struct (k, b, c, rk, r) = split xs
        let states = Stack<NDArray[]>()
        let mutable carry = c

        while Loops.isTrue (Array.head (tested.Value.Run(Array.append k carry))) do
            states.Push carry
            carry <- forward.Value.Run(Array.append b carry)

        walk.Value.Iterate(rk, r, (fun _ -> if states.Count > 0 then states.Pop() else null))

    override _.Unrolled xs =
        if xs |> Array.forall _.IsKnown then
            let struct (k, b, c, rk, r) = split xs
            let states = Stack<Tensor[]>()
            let mutable carry = c

            let goesOn () = (condition.Evaluate(Array.append k carry))[0]

            while goesOn().ToDouble() <> 0.0 do
                states.Push carry
                carry <- body.Evaluate(Array.append b carry)

            let mutable result = r

            while states.Count > 0 do
                let state = states.Pop()
                result <- back.Evaluate(Array.concat [ rk; state; result ])

            result
        else
            null

    override this.Jvp(xs, tangents) =
        let struct (_, bDot, cDot, rkDot, rDot) = split tangents
        let moves = Array.map Stage.isPresent
        let bMoves, cMoves, rkMoves, rMoves = moves bDot, moves cDot, moves rkDot, moves rDot

        let struct (pushed: RewindPrimitive, cMoves, rMoves) =
            this.Derive(
                "jvp",
                [ bMoves; cMoves; rkMoves; rMoves ],
                fun () ->
                    let device = ProgramPrimitive.Device xs
                    let struct (condition, body, cMoves) = While.jvp device condition body bMoves cMoves

                    let struct (program: Program, rMoves) =
                        rMoves
                        |> Stage.fixpoint (fun rMoves ->
                            Stage.jvp device back (Array.concat [ rkMoves; cMoves; rMoves ]) rMoves)

                    let rk, rest = Array.splitAt backConsts program.Inputs
                    let c, rest = Array.splitAt carries rest
                    let r, rest = Array.splitAt rMoves.Length rest
                    let rkDot, rest = Array.splitAt (Stage.count rkMoves) rest
                    let cDot, rDot = Array.splitAt (Stage.count cMoves) rest
                    let back = program.Rearranged(Array.concat [ rk; rkDot; c; cDot; r; rDot ], program.Outputs)
                    let parts = { parts with BodyConsts = bCount + Stage.count bMoves }
                    struct (RewindPrimitive(condition, body, back, parts, backConsts + rkDot.Length), cMoves, rMoves)
            )

        let struct (k, b, c, rk, r) = split xs

        let ys =
            Tensor.BindAll(
                pushed,
                Array.concat
                    [ k
                      b
                      Stage.pick bMoves bDot
                      c
                      Stage.pick cMoves (Jvp.filled c cDot)
                      rk
                      Stage.pick rkMoves rkDot
                      r
                      Stage.pick rMoves (Jvp.filled r rDot) ]
            )

        struct (ys[.. outputs.Length - 1], Stage.spread rMoves ys[outputs.Length ..])

    override _.Vjp(xs, _, cts, isNeeded) =
        let found =
            Tape.Run
                (fun moving ->
                    let moving = Stage.spread isNeeded moving
                    definition (Array.map2 (fun x m -> if isNull m then x else m) xs moving))
                (Stage.pick isNeeded xs)

        Stage.spread isNeeded (found.Pullback cts)

    override this.Batch(xs, isBatched, size) =
        let struct (kBatched, bBatched, cBatched, rkBatched, rBatched) = split isBatched

        let struct (operation: RewindPrimitive, cCarries, rCarries, freezes) =
            this.Derive(
                $"batch {size}",
                [ isBatched ],
                fun () ->
                    let device = ProgramPrimitive.Device xs

                    let struct (newCondition, newBody, cCarries, freezes) =
                        While.batch device condition body size kBatched bBatched cBatched

                    let all = Array.create outputs.Length true

                    let struct (program, rCarries) =
                        (if freezes then all else rBatched)
                        |> Stage.fixpoint (fun r ->
                            Stage.batch device back size (Array.concat [ rkBatched; cCarries; r ]) r)

                    if freezes then
                        // Examples that had stopped at a state take no step back from it.
                        let struct (flags, _) =
                            Stage.batch device condition size (Array.append kBatched cCarries) [| true |]

                        let frozen (values: Tensor[]) =
                            let k, rest = values[.. kCount - 1], values[kCount..]
                            let state = rest[backConsts .. backConsts + carries - 1]
                            let flag = (flags.Evaluate(Array.append k state))[0]
                            Array.map2 (Loops.choose size flag) (program.Evaluate rest) rest[backConsts + carries ..]

                        let types = Array.append (Array.take kCount (Stage.inputTypes flags)) (Stage.inputTypes program)
                        let back = Stage.closed device frozen types
                        let parts = { parts with BodyConsts = kCount + bCount }
                        struct (RewindPrimitive(newCondition, newBody, back, parts, kCount + backConsts),
                                cCarries,
                                rCarries,
                                true)
                    else
                        struct (RewindPrimitive(newCondition, newBody, program, parts, backConsts),
                                cCarries,
                                rCarries,
                                false)
            )

        let struct (k, b, c, rk, r) = split xs
        let c, r = Loops.fronts size c cCarries cBatched, Loops.fronts size r rCarries rBatched
        let before = if freezes then k else [||]
        let inputs = Array.concat [ k; before; b; c; before; rk; r ]
        struct (Tensor.BindAll(operation, inputs), rCarries)

/// What both share, and loops made of functions.
[<RequireQualifiedAccess>]
module internal While =
    /// Condition and body of a loop whose carry has tangents, and which parts of it have.
    let jvp device (condition: Program) (body: Program) bMoves cMoves : struct (Program * Program * bool[]) =
        let struct (program: Program, cMoves) =
            cMoves |> Stage.fixpoint (fun cMoves -> Stage.jvp device body (Array.append bMoves cMoves) cMoves)

        let b, rest = Array.splitAt bMoves.Length program.Inputs
        let c, rest = Array.splitAt cMoves.Length rest
        let bDot, cDot = Array.splitAt (Stage.count bMoves) rest
        let pushed = program.Rearranged(Array.concat [ b; bDot; c; cDot ], program.Outputs)
        let unused = cDot |> Array.map (fun v -> Variable(-1, v.Type))
        struct (condition.Rearranged(Array.append condition.Inputs unused, condition.Outputs), pushed, cMoves)

    /// Condition and body of a loop over examples, which parts of the carry have their axis, and whether examples that are
    /// done stay as they are while others go on, for which the body takes the condition's constants before its own.
    let batch device (condition: Program) (body: Program) size kBatched bBatched cBatched =
        let grow c = Stage.batch device body size (Array.append bBatched c) c
        let struct (stepped, carries) = Stage.fixpoint grow cBatched
        let struct (tested, flagCarries) = Stage.batch device condition size (Array.append kBatched carries) [| false |]

        if not flagCarries[0] then
            struct (tested, stepped, carries, false)
        else
            let all = Array.map (fun _ -> true) carries
            let struct (stepped, _) = Stage.fixpoint grow all
            let struct (tested, _) = Stage.batch device condition size (Array.append kBatched all) [| true |]
            let kCount, bCount = Array.length kBatched, Array.length bBatched
            let kTypes = (Stage.inputTypes tested)[.. kCount - 1]

            let frozen (values: Tensor[]) =
                let k, b, c = values[.. kCount - 1], values[kCount .. kCount + bCount - 1], values[kCount + bCount ..]
                let flag = (tested.Evaluate(Array.append k c))[0]
                Array.map2 (Loops.choose size flag) (stepped.Evaluate(Array.append b c)) c

            let anyGoesOn (values: Tensor[]) = [| anyOver [| 0 |] false (Array.head (tested.Evaluate values)) |]

            struct (Stage.closed device anyGoesOn (Stage.inputTypes tested),
                    Stage.closed device frozen (Array.append kTypes (Stage.inputTypes stepped)),
                    all,
                    true)

    /// Steps while a condition holds.
    let run device (condition: Tensor[] -> Tensor) (body: Tensor[] -> Tensor[]) (init: Tensor[]) : Tensor[] =
        let types = Array.map Stage.typeOf init
        let struct (tested, k) = Stage.run device (fun c -> [| condition c |]) types
        let flag = tested.Outputs[0].Type

        if flag.DType <> DType.Bool || flag.Shape.Length > 0 then
            Shape.fail
                "whileLoop"
                $"the condition is {ProgramText.Type flag}, but must be one bool: compare, and reduce with all or any."

        let struct (stepped, b) = Stage.run device body types
        Loops.checkCarry "whileLoop" types (Stage.outputTypes stepped)
        let operation = WhilePrimitive(tested, stepped, { ConditionConsts = k.Length; BodyConsts = b.Length })
        Tensor.BindAll(operation, Array.concat [ k; b; init ])
