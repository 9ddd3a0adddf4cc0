namespace Autodiff

open System.Collections.Generic

/// A value of each step of the walk back, stacked: one of its items, or one of its results.
[<Struct>]
type internal Stacked =
    | Item of item: int
    | Made of made: int

/// How the cotangent of a constant comes together from the steps: summed in the carry, or at once, after the walk, from
/// stacked values: as one product of matrices for all steps, or as one sum.
type internal Gathering =
    | Carried of int
    | Product of left: Stacked * right: Stacked
    | Total of Stacked * shape: int[]

/// How reverse mode walks back through the steps of a scan: another scan. Its constants are the used constants and what
/// only they determine; its carry holds sums for some of the needed constants, and the cotangents of the carry; its items
/// are what was kept from each step, the used items, and the cotangents of the results; its results are the cotangents of
/// the needed items, and values from which those of the other constants follow.
[<Sealed; AllowNullLiteral>]
type internal ScanBackward
    (
        invariants: Program,
        walk: MultiPrimitive,
        constsUsed: bool[],
        itemsUsed: bool[],
        kept: int[],
        outputs: int,
        carryIsFloat: bool[],
        gatherings: Gathering[]
    ) =
    member _.Invariants = invariants
    member _.Walk = walk
    member _.ConstsUsed = constsUsed
    member _.ItemsUsed = itemsUsed
    /// Where among the outputs of the recording scan each kept value is.
    member _.Kept = kept
    /// The number of outputs of the scan itself.
    member _.Outputs = outputs
    member _.CarryIsFloat = carryIsFloat
    /// For each needed constant.
    member _.Gatherings = gatherings

/// A program run once for each entry of the items, with a carry from step to step: (constants, carry, item) to
/// (carry, results), which are stacked.
[<Sealed>]
type internal ScanPrimitive(body: Program, parts: LoopParts, length: int, reverse: bool, backward: ScanBackward) =
    inherit ProgramPrimitive("scan")
    let inputs, outputs = Stage.inputTypes body, Stage.outputTypes body
    let stacked (t: TensorType) = { t with Shape = Batching.shape length t.Shape }
    let types = Array.mapi (fun i t -> if i < parts.Consts + parts.Carries then t else stacked t) inputs
    let results = outputs.Length - parts.Carries
    let isFloat (t: TensorType) = DTypes.IsFloat t.DType
    let executor = lazy (ScanExecutor(body, parts, length, reverse))
    let mutable hasRun = false

    /// Masks or tensors of the constants, of the carry, and of the items.
    let split (xs: 'x[]) : struct ('x[] * 'x[] * 'x[]) =
        struct (xs[.. parts.Consts - 1],
                xs[parts.Consts .. parts.Consts + parts.Carries - 1],
                xs[parts.Consts + parts.Carries ..])

    /// The results step by step, from a step that is not prepared.
    let interpret (xs: NDArray[]) (outs: TensorType[]) : NDArray[] =
        let struct (consts, start, items) = split xs
        let rows = Array.init results (fun _ -> Array.zeroCreate<NDArray> length)
        let mutable carry = start

        for step in 0 .. length - 1 do
            let i = if reverse then length - 1 - step else step
            let ys = body.Run(Array.concat [ consts; carry; Array.map (ScanExecutor.Entry i) items ])
            carry <- ys[.. parts.Carries - 1]

            for j in 0 .. results - 1 do
                let y = HostArrays.dense ys[parts.Carries + j]
                rows[j][i] <- y.View(Batching.shape 1 y.Shape, null, y.Offset)

        Array.append carry (Array.mapi (fun j row -> Cpu.Instance.Concat(row, 0, outs[parts.Carries + j].Shape)) rows)

    new(body, parts, length, reverse) = ScanPrimitive(body, parts, length, reverse, null)

    /// Preparing a step takes the time of some steps, which a loop of fewer that is run once never gains.
    static member private FewSteps = 4

    override _.Mapped map = ScanPrimitive(map body, parts, length, reverse)

    override _.Parameters =
        [ "length", box length
          "carries", parts.Carries
          if reverse then
              "reverse", true
          "body", body ]

    override this.Shapes xs =
        this.Fit(types, xs)
        Array.mapi (fun i t -> if i < parts.Carries then t else stacked t) outputs

    override _.Values(xs, outs) =
        if length > 0 && (hasRun || length > ScanPrimitive.FewSteps) then
            executor.Value.Run(executor.Value.Memory(), xs, outs)
        elif length > 0 then
            hasRun <- true
            interpret xs outs
        else
            let struct (_, carry, _) = split xs
            let empty (t: TensorType) = Cpu.Instance.Fill(t.DType, t.Shape, 0.0)
            Array.append carry (Array.map empty outs[parts.Carries ..])

    interface IRepeated with
        member _.Memory() = box (ref (null: ScanMemory))

        member this.ValuesIn(memory, xs, outs) =
            if length > 0 && (hasRun || length > ScanPrimitive.FewSteps) then
                let held = memory :?> ScanMemory ref

                if isNull held.Value then
                    held.Value <- executor.Value.Memory()

                executor.Value.Run(held.Value, xs, outs)
            else
                this.Values(xs, outs)

    override this.Jvp(xs, tangents) =
        let struct (kDot, cDot, xDot) = split tangents
        let masks =
            struct (Array.map Stage.isPresent kDot, Array.map Stage.isPresent cDot, Array.map Stage.isPresent xDot)
        let struct (kMoves, cMoves, xMoves) = masks

        let struct (pushed: ScanPrimitive, cMoves, yMoves) =
            this.Derive(
                "jvp",
                [ kMoves; cMoves; xMoves ],
                fun () ->
                    let device = ProgramPrimitive.Device xs

                    let struct (struct (program: Program, moves: bool[]), cMoves) =
                        cMoves
                        |> Stage.fixpoint (fun cMoves ->
                            let moving = Array.concat [ kMoves; cMoves; xMoves ]
                            let struct (program, moves) =
                                Stage.jvp device body moving (Array.append cMoves (Stage.none results))
                            struct (struct (program, moves), moves[.. parts.Carries - 1]))

                    // The tangents follow their primals, group by group.
                    let n = inputs.Length
                    let struct (k, c, x) = split program.Inputs[.. n - 1]
                    let moving = Array.concat [ kMoves; cMoves; xMoves ]
                    let struct (kDot, cDot, xDot) = split (Stage.spread moving program.Inputs[n..])
                    let m = outputs.Length
                    let moved = Stage.count cMoves

                    let rearranged =
                        program.Rearranged(
                            Array.concat
                                [ k; Stage.pick kMoves kDot; c; Stage.pick cMoves cDot; x; Stage.pick xMoves xDot ],
                            Array.concat
                                [ program.Outputs[.. parts.Carries - 1]
                                  program.Outputs[m .. m + moved - 1]
                                  program.Outputs[parts.Carries .. m - 1]
                                  program.Outputs[m + moved ..] ]
                        )

                    let doubled =
                        { Consts = k.Length + Stage.count kMoves
                          Carries = c.Length + moved
                          Items = x.Length + Stage.count xMoves }

                    struct (ScanPrimitive(rearranged, doubled, length, reverse), cMoves, moves[parts.Carries ..])
            )

        let struct (k, c, x) = split xs
        let cDot = Jvp.filled c cDot

        let ys =
            Tensor.BindAll(
                pushed,
                Array.concat [ k; Stage.pick kMoves kDot; c; Stage.pick cMoves cDot; x; Stage.pick xMoves xDot ]
            )

        let first = parts.Carries + Stage.count cMoves

        struct (Array.append ys[.. parts.Carries - 1] ys[first .. first + results - 1],
                Array.append
                    (Stage.spread cMoves ys[parts.Carries .. first - 1])
                    (Stage.spread yMoves ys[first + results ..]))

    /// The scan that also keeps what the walk back needs: a program of both directions is cut where cotangents come in.
    override this.Recorded(xs, isNeeded) =
        let struct (kNeeded, _, xNeeded) = split isNeeded

        this.Derive(
            "recorded",
            [ kNeeded; xNeeded ],
            fun () ->
                let device = ProgramPrimitive.Device xs
                let n, m = inputs.Length, outputs.Length
                let struct (_, cTypes, _) = split inputs
                let cNeeded = Array.map isFloat cTypes
                let given = Array.map isFloat outputs
                let both = Stage.vjp device body given (Array.concat [ kNeeded; cNeeded; xNeeded ])
                let struct (k, c, x) = split both.Inputs[.. n - 1]
                let cts = both.Inputs[n..]

                // What each variable depends on: 0 constants alone, 1 the step, 2 cotangents.
                let depth = Stage.depths both [ c, 1; x, 1; cts, 2 ]
                let struct (crossing, backwardEquations) = Stage.crossing both depth 2 both.Outputs[m..]
                let isCrossing = HashSet<Variable>(crossing, HashIdentity.Reference)
                let isInput = HashSet<Variable>(both.Inputs, HashIdentity.Reference)
                let isItem = HashSet<Variable>(x, HashIdentity.Reference)
                let kUsed = k |> Array.map isCrossing.Contains
                let xUsed = x |> Array.map isCrossing.Contains
                let invariant = crossing |> Array.filter (fun v -> depth[v.Index] = 0 && not (isInput.Contains v))
                let kept = crossing |> Array.filter (fun v -> depth[v.Index] = 1 && not (isItem.Contains v))
                let atoms = Array.map Atom.Variable

                // What is a result already need not be kept twice.
                let results = both.Outputs[.. m - 1]
                let resultAt v = results |> Array.tryFindIndexBack (fun y -> y = Atom.Variable v)
                let isResult v = resultAt v |> Option.exists (fun i -> i >= parts.Carries)
                let added = kept |> Array.filter (isResult >> not)
                let keptAt =
                    kept
                    |> Array.map (fun v ->
                        if isResult v then (resultAt v).Value else m + System.Array.IndexOf(added, v))
                let forward = both.Rearranged(both.Inputs[.. n - 1], Array.append results (atoms added))

                let invariants = both.Rearranged(k, atoms invariant)

                // The walk back: constants' cotangents are summed in its carry.
                let kSums = Stage.pick kNeeded k
                let cCts = cts[.. Stage.count cNeeded - 1]
                let yCts = cts[Stage.count cNeeded ..]

                let cut = Array.concat [ Stage.pick kUsed k; invariant; cCts; kept; Stage.pick xUsed x; yCts ]

                let before = Stage.count kUsed + invariant.Length
                let pulled = Program.Of(cut, backwardEquations, both.Outputs[m..])

                // Cotangents of constants that need not be summed step by step.
                let definedBy = Dictionary<Variable, Equation>(HashIdentity.Reference)

                for e in pulled.Equations do
                    definedBy[e.Outputs[0]] <- e

                let firstItem = before + cCts.Length
                let stacks = List<Atom>()

                let stacked atom =
                    match atom with
                    | Atom.Literal _ -> ValueNone
                    | Atom.Variable v ->
                        match System.Array.IndexOf(pulled.Inputs, v) with
                        | i when i >= firstItem -> ValueSome(Item(i - firstItem))
                        | i when i >= 0 -> ValueNone
                        | _ ->
                            if not (stacks.Contains atom) then
                                stacks.Add atom

                            ValueSome(Made(stacks.IndexOf atom))

                let (|Defined|_|) name atom =
                    match atom with
                    | Atom.Variable v ->
                        match definedBy.TryGetValue v with
                        | true, e when e.Operation.Name = name && (e.Operation :? Primitive) -> Some e.Inputs
                        | _ -> None
                    | Atom.Literal _ -> None

                let count = ref 0

                let carried () =
                    count.Value <- count.Value + 1
                    Carried(count.Value - 1)

                let gatherings =
                    pulled.Outputs[.. kSums.Length - 1]
                    |> Array.map (fun atom ->
                        match atom with
                        | Defined "matmul" [| Defined "transpose" [| a |]; b |] when
                            a.Type.Shape.Length = 2 && b.Type.Shape.Length = 2
                            ->
                            match stacked a, stacked b with
                            | ValueSome a, ValueSome b -> Product(a, b)
                            | _ -> carried ()
                        | Defined "sumTo" [| a |] ->
                            match stacked a with
                            | ValueSome a -> Total(a, atom.Type.Shape)
                            | ValueNone -> carried ()
                        | _ -> carried ())

                let sums = count.Value
                let isCarried = gatherings |> Array.map _.IsCarried
                let summed = Stage.pick isCarried kSums

                let pulled =
                    pulled.Returning(
                        Array.concat
                            [ Stage.pick isCarried pulled.Outputs[.. kSums.Length - 1]
                              pulled.Outputs[kSums.Length ..]
                              stacks.ToArray() ]
                    )

                let walk (values: Tensor[]) =
                    let consts = values[.. before - 1]
                    let totals = values[before .. before + sums - 1]
                    let found = pulled.Evaluate(Array.append consts values[before + sums ..])
                    Array.append (Array.map2 (+) totals found[.. sums - 1]) found[sums..]

                let typesOf = Array.map (fun (v: Variable) -> v.Type)

                let backwardBody =
                    Stage.closed
                        device
                        walk
                        (Array.concat [ typesOf cut[.. before - 1]; typesOf summed; typesOf cut[before..] ])

                let backwardParts =
                    { Consts = before
                      Carries = sums + cCts.Length
                      Items = kept.Length + Stage.count xUsed + yCts.Length }

                let backward =
                    ScanBackward(
                        invariants,
                        ScanPrimitive(backwardBody, backwardParts, length, not reverse),
                        kUsed,
                        xUsed,
                        keptAt,
                        m,
                        cNeeded,
                        gatherings
                    )

                ScanPrimitive(forward, parts, length, reverse, backward) :> MultiPrimitive
        )

    override _.Vjp(xs, ys, cts, isNeeded) =
        let struct (k, _, x) = split xs
        let struct (kNeeded, cNeeded, xNeeded) = split isNeeded
        let n = backward.Outputs

        let given =
            [| for i in 0 .. n - 1 do
                   if isFloat outputs[i] then
                       if isNull cts[i] then Tensor.ZerosLike ys[i] else cts[i] |]

        let carried = Stage.count backward.CarryIsFloat
        let needed = Stage.pick kNeeded k
        let sums = Stage.pick (backward.Gatherings |> Array.map _.IsCarried) needed |> Array.map Tensor.ZerosLike

        let items =
            Array.concat
                [ backward.Kept |> Array.map (fun i -> ys[i]); Stage.pick backward.ItemsUsed x; given[carried..] ]

        let found =
            Tensor.BindAll(
                backward.Walk,
                Array.concat
                    [ Stage.pick backward.ConstsUsed k
                      backward.Invariants.Evaluate k
                      sums
                      given[.. carried - 1]
                      items ]
            )

        let first = sums.Length + carried
        let stacks = first + Stage.count xNeeded
        let carryCts = Stage.spread backward.CarryIsFloat found[sums.Length .. first - 1]

        let stacked place =
            match place with
            | Item i -> items[i]
            | Made i -> found[stacks + i]

        // The rows of all steps, one below the other.
        let rows place =
            let x = stacked place
            reshape [| -1; x.Shape[2] |] x

        let constCts =
            backward.Gatherings
            |> Array.map (fun gathering ->
                match gathering with
                | Carried i -> found[i]
                | Product(a, b) -> LinearAlgebra.matmul (LinearAlgebra.swapLast (rows a)) (rows b)
                | Total(a, shape) -> Tensor.SumTo(stacked a, shape))

        Array.concat
            [ Stage.spread kNeeded constCts
              Array.map2 (fun isNeeded ct -> if isNeeded then ct else null) cNeeded carryCts
              Stage.spread xNeeded found[first .. stacks - 1] ]

    override this.Batch(xs, isBatched, size) =
        let struct (kBatched, cBatched, xBatched) = split isBatched

        let struct (operation: ScanPrimitive, cBatched, yBatched) =
            this.Derive(
                $"batch {size}",
                [ kBatched; cBatched; xBatched ],
                fun () ->
                    let struct (struct (program, carries: bool[]), cBatched) =
                        cBatched
                        |> Stage.fixpoint (fun cBatched ->
                            let batched = Array.concat [ kBatched; cBatched; xBatched ]
                            let asked = Array.append cBatched (Stage.none results)
                            let struct (program, carries) =
                                Stage.batch (ProgramPrimitive.Device xs) body size batched asked
                            struct (struct (program, carries), carries[.. parts.Carries - 1]))

                    struct (ScanPrimitive(program, parts, length, reverse), cBatched, carries[parts.Carries ..])
            )

        let struct (k, c, x) = split xs
        let struct (_, hasAxis, _) = split isBatched
        let c = Loops.fronts size c cBatched hasAxis
        // Steps come first, then examples.
        let x = Array.map2 (fun x isBatched -> if isBatched then moveAxis 1 0 x else x) x xBatched
        let ys = Tensor.BindAll(operation, Array.concat [ k; c; x ])
        let carries = Array.append cBatched yBatched
        struct (Array.mapi (fun i y -> if i >= parts.Carries && carries[i] then moveAxis 1 0 y else y) ys, carries)

/// Scans made of functions.
[<RequireQualifiedAccess>]
module internal Scan =
    /// A step for each entry of the items, with what only constants determine computed once, before.
    let run device length reverse (body: Tensor[] -> Tensor[]) (init: Tensor[]) (items: Tensor[]) : Tensor[] =
        let entry (x: Tensor) = { Shape = x.Shape[1..]; DType = x.DType }
        let types = Array.map Stage.typeOf init
        let struct (program, consts) = Stage.run device body (Array.append types (Array.map entry items))
        let struct (prelude, body) = LoopBody.Hoist(program, consts.Length)
        let consts = Array.append consts (prelude.Evaluate consts)
        let parts = { Consts = consts.Length; Carries = init.Length; Items = items.Length }
        Tensor.BindAll(ScanPrimitive(body, parts, length, reverse), Array.concat [ consts; init; items ])
