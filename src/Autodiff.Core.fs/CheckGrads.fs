namespace Autodiff

open System
open System.Collections.Generic
open System.Runtime.InteropServices

/// A derivative that disagrees with finite differences, or two modes that disagree with each other.
type GradientMismatchException(message: string) =
    inherit Exception(message)

/// Which derivatives are checked.
[<Flags>]
type GradientModes =
    /// Forward mode, against central differences.
    | Forward = 1
    /// Reverse mode: against forward mode if that is checked as well, else against central differences.
    | Reverse = 2
    /// Both modes, and at higher orders all their mixes.
    | Both = 3

/// One derivative that is wrong.
type GradientMismatch =
    {
        /// Which derivative, in words: "reverse derivative of the forward derivative".
        Derivative: string
        /// The order of the derivative.
        Order: int
        /// The place in the argument of the tensor whose derivative is wrong; empty if the argument is one tensor, or if
        /// no tensor is wrong by itself.
        Input: string
        /// The place in the result of the tensor whose derivative is wrong; empty if the result is one tensor, or if the
        /// derivative is that of all together.
        Output: string
        /// What was found: a tangent of the result, or a cotangent of the argument.
        Actual: Tensor
        /// What was expected in its place.
        Expected: Tensor
        /// How far apart they are.
        Error: float
        /// How far apart they may be.
        Allowed: float
        /// What was found wrong, in full.
        Message: string
    }

    override this.ToString() = this.Message

/// What a check of derivatives found.
[<Sealed>]
type GradientReport internal (comparisons: int, worst: float, mismatches: GradientMismatch[]) =
    /// Whether all derivatives agree.
    member _.Passed = mismatches.Length = 0
    /// The number of comparisons made.
    member _.Comparisons = comparisons
    /// The largest error, as a fraction of what is allowed: above 1 (or NaN) where a derivative is wrong.
    member _.WorstRatio = worst
    /// The derivatives that are wrong, of the lowest order at which any is.
    member _.Mismatches: IReadOnlyList<GradientMismatch> = mismatches

    /// Raises GradientMismatchException if a derivative is wrong.
    member this.ThrowIfFailed() =
        if not this.Passed then
            raise (GradientMismatchException(this.ToString()))

    override _.ToString() =
        if mismatches.Length = 0 then
            $"CheckGrads: all derivatives agree ({comparisons} comparisons, the worst at {worst:g2} of what is allowed)."
        else
            "CheckGrads: " + String.Join("\n", mismatches |> Array.map _.Message)

/// What all comparisons of one check share.
[<Sealed>]
type private Comparisons(modes: GradientModes, tolerance: float, step: float, inputNames: string[]) =
    let found = List<GradientMismatch>()
    let mutable count = 0
    let mutable worst = 0.0
    // More elements than this are not differentiated one by one to show what is wrong.
    let shownElements = 64

    let isFloat (x: Tensor) = DTypes.IsFloat x.DType
    let wide (x: Tensor) = Tensor.Cast(x, DType.Float64)

    let dot (xs: Tensor[]) (ys: Tensor[]) =
        Array.fold2
            (fun s (x: Tensor) (y: Tensor) ->
                if isNull x || isNull y || not (isFloat x) then
                    s
                else
                    s + (Tensor.sum (wide x * wide y)).ToDouble())
            0.0
            xs
            ys

    let size (xs: Tensor[]) = Math.Sqrt(dot xs xs)

    let normal (key: Key) (xs: Tensor[]) =
        xs
        |> Array.mapi (fun i x ->
            if isFloat x then (key.FoldIn i).Normal(x.Shape, dtype = x.DType) else Tensor.ZerosLike x)

    /// Tangents or cotangents of one point, at that point in another type.
    let like (xs: Tensor[]) (ts: Tensor[]) =
        Array.map2 (fun (x: Tensor) t -> if isFloat x then Tensor.Cast(t, x.DType) else Tensor.ZerosLike x) xs ts

    let isNarrow (xs: Tensor[]) = xs |> Array.exists (fun x -> x.DType = DType.Float32)

    /// Where differences are taken, how far they reach, and how exact they are. A float32 function is run in float64,
    /// where it follows its argument, with a step at which constants rounded to float32 do no harm.
    let reference (f: Tensor[] -> Tensor[]) (x: Tensor[]) (y: Tensor[]) : struct (Tensor[] * float * float) =
        let point, length, exactness =
            if not (isNarrow x || isNarrow y) then
                x, 1e-5, 1e-6
            else
                let widened = x |> Array.map (fun x -> if isFloat x then wide x else x)

                let follows =
                    try
                        not (isNarrow (f widened))
                    with :? ArgumentException ->
                        false

                if follows then widened, 1e-3, 1e-3 else x, 1e-2, 2e-2

        struct (point, (if step > 0.0 then step else length), (if tolerance > 0.0 then tolerance else exactness))

    let differences (f: Tensor[] -> Tensor[]) (point: Tensor[]) (h: float) (u: Tensor[]) : Tensor[] =
        let u = like point u

        let move h = f (Array.map2 (fun (x: Tensor) u -> if isFloat x then x + u * h else x) point u)

        Array.map2
            (fun (above: Tensor) (below: Tensor) -> if isFloat above then (above - below) * (0.5 / h) else above)
            (move h)
            (move -h)

    /// The direction through one tensor of the argument alone.
    let only i (u: Tensor[]) = u |> Array.mapi (fun j t -> if i = j then t else Tensor.ZerosLike t)

    let within error allowed =
        count <- count + 1
        let ratio = error / allowed

        if not (ratio <= worst) && not (Double.IsNaN worst) then
            worst <- ratio

        error <= allowed

    let show name (x: Tensor) =
        let prefix = $"  {name} ({DTypes.Name x.DType}, shape {Shape.format x.Shape}): "
        prefix + (x.ToString()).Replace("\n", "\n" + String(' ', prefix.Length))

    let place preposition (name: string) = if name = "" then "" else $" {preposition} '{name}'"

    let hint (expected: Tensor) =
        if not (Double.IsFinite(size [| expected |])) then
            "\n  The expected value is not finite: the function is not defined, or has no derivative, near this point."
        else
            ""

    let numbers = Tensor.scalar

    let forward
        (f: Tensor[] -> Tensor[])
        (x: Tensor[])
        (y: Tensor[])
        (dy: Tensor[])
        (u: Tensor[])
        point
        h
        allowance
        order
        path
        (outputNames: string[])
        =
        // The outputs whose derivatives along a direction are wrong.
        let wrong (dy: Tensor[]) u =
            let numeric = differences f point h u

            [ for i in 0 .. y.Length - 1 do
                  if isFloat y[i] then
                      let error = size [| wide numeric[i] - wide dy[i] |]
                      let allowed = allowance * (1.0 + size [| dy[i] |])

                      if not (within error allowed) then
                          struct (i, numeric[i], error, allowed) ]

        let report input (u: Tensor[]) (dy: Tensor[]) failures =
            for struct (i, expected, error, allowed) in failures do
                let from = if input < 0 then "" else inputNames[input]
                let where = place "with respect to" from + place "of the result" outputNames[i]

                let at =
                    [ for j in 0 .. x.Length - 1 do
                          if (input < 0 || input = j) && isFloat x[j] then
                              let name = inputNames[j]
                              show (if name = "" then "at" else $"at {name} =") x[j]
                              show "along" u[j] ]

                found.Add
                    { Derivative = "forward derivative" + path
                      Order = order
                      Input = from
                      Output = outputNames[i]
                      Actual = dy[i]
                      Expected = expected
                      Error = error
                      Allowed = allowed
                      Message =
                        String.Join(
                            "\n",
                            $"the forward derivative{path}{where} disagrees with central differences (step {h}) by {error:g3} where {allowed:g3} is allowed."
                            :: at
                            @ [ show "forward" dy[i]; show "numeric" expected + hint expected ]
                        ) }

        match wrong dy u with
        | [] -> ()
        | together ->
            let before = found.Count

            for j in 0 .. x.Length - 1 do
                if isFloat x[j] && x.Length > 1 then
                    let u = only j u
                    let struct (_, dy) = Jvp.run f x u
                    report j u dy (wrong dy u)

            if found.Count = before then
                report (if x.Length = 1 then 0 else -1) u dy together

    let reverse
        (x: Tensor[])
        (dy: Tensor[])
        (u: Tensor[])
        (ct: Tensor[])
        (back: Tensor[])
        (along: Tensor[] -> Tensor[])
        (struct (relative, absolute))
        order
        path
        against
        =
        let allowedFor (dy: Tensor[]) = relative * (1.0 + size dy * size ct) + absolute

        /// The cotangent of one tensor, element by element from derivatives along the axes.
        let expectedFor j : Tensor =
            let n = x[j].Size

            [| for k in 0 .. n - 1 do
                   let axis =
                       Tensor.cast
                           x[j].DType
                           (Indexing.oneHot n DType.Float32 (numbers (float k) |> Tensor.cast DType.Int64))
                   let basis =
                       x |> Array.mapi (fun i x -> if i = j then Tensor.reshape x.Shape axis else Tensor.ZerosLike x)
                   dot (along basis) ct |]
            |> Tensor.ofArray x[j].Shape

        let report input (expected: float) (actual: float) allowed =
            let from = if input < 0 then "" else inputNames[input]
            let isShown = input >= 0 && x[input].Size <= shownElements

            let expectedValue = if isShown then expectedFor input else numbers expected
            let actualValue =
                if isShown then
                    (if isNull back[input] then Tensor.ZerosLike x[input] else back[input])
                else
                    numbers actual

            let details =
                if isShown then
                    [ show (if from = "" then "at" else $"at {from} =") x[input]
                      show "reverse" actualValue
                      show against expectedValue + hint expectedValue ]
                else
                    []

            let what = if against = "forward" then "<J u, ct>" else "<numeric, ct>"
            let whom = if against = "forward" then "forward mode" else "central differences"

            found.Add
                { Derivative = "reverse derivative" + path
                  Order = order
                  Input = from
                  Output = ""
                  Actual = actualValue
                  Expected = expectedValue
                  Error = abs (expected - actual)
                  Allowed = allowed
                  Message =
                    String.Join(
                        "\n",
                        $"""reverse mode{path}{place "with respect to" from} disagrees with {whom}: {what} = {expected:g9} but <u, J^T ct> = {actual:g9}."""
                        :: details
                    ) }

        let compare (dy: Tensor[]) u =
            let expected, actual = dot dy ct, dot u back
            let allowed = allowedFor dy
            if within (abs (expected - actual)) allowed then
                ValueNone
            else
                ValueSome struct (expected, actual, allowed)

        match compare dy u with
        | ValueNone -> ()
        | ValueSome(struct (expected, actual, allowed)) ->
            let before = found.Count

            for j in 0 .. x.Length - 1 do
                if isFloat x[j] && x.Length > 1 then
                    let u = only j u

                    match compare (along u) u with
                    | ValueSome(struct (expected, actual, allowed)) -> report j expected actual allowed
                    | ValueNone -> ()

            if found.Count = before then
                report (if x.Length = 1 then 0 else -1) expected actual allowed

    /// The same functions of the derivatives are checked for each order that is left.
    member this.Check
        (
            f: Tensor[] -> Tensor[],
            x: Tensor[],
            order: int,
            left: int,
            key: Key,
            path: string,
            outputNames: unit -> string[]
        ) : unit =
        let hasForward, hasReverse = modes.HasFlag GradientModes.Forward, modes.HasFlag GradientModes.Reverse
        let before = found.Count
        let loosened = Math.Pow(10.0, float (order - 1))
        let u = normal (key.FoldIn 1) x

        let struct (y, dy) = if hasForward then Jvp.run f x u else struct (f x, null)

        let struct (point, h, exactness) = reference f x y
        let exactness = exactness * loosened
        let ct = normal (key.FoldIn 2) y

        if hasForward then
            forward f x y dy u point h exactness order path (outputNames ())

        if hasReverse then
            let back = (Tape.Run f x).Pullback ct

            if hasForward then
                let allowance =
                    loosened
                    * (if tolerance > 0.0 then tolerance
                       elif isNarrow x || isNarrow y then 2e-2
                       else 1e-6)

                let along u =
                    let struct (_, dy) = Jvp.run f x u
                    dy

                reverse x dy u ct back along (struct (1e-3 * allowance, 1e-2 * allowance)) order path "forward"
            else
                let along = differences f point h
                reverse x (along u) u ct back along (struct (exactness, 0.0)) order path "numeric"

        // Higher derivatives of what is wrong say nothing.
        if left > 1 && found.Count = before then
            let isFloats = x |> Array.map isFloat

            if hasForward then
                let forwardMode xs =
                    let struct (_, dy) = Jvp.run f xs (like xs u)
                    dy

                this.Check(
                    forwardMode,
                    x,
                    order + 1,
                    left - 1,
                    key.FoldIn 3,
                    $" of the forward derivative{path}",
                    outputNames
                )

            if hasReverse then
                let reverseMode xs =
                    let tape = Tape.Run f xs

                    tape.Pullback(like tape.Outputs ct)
                    |> Array.mapi (fun i t -> if isNull t then Tensor.ZerosLike xs[i] else t)
                    |> Array.indexed
                    |> Array.choose (fun (i, t) -> if isFloats[i] then Some t else None)

                let names () =
                    Array.zip inputNames isFloats
                    |> Array.choose (fun (name, isFloat) -> if isFloat then Some name else None)

                this.Check(
                    reverseMode,
                    x,
                    order + 1,
                    left - 1,
                    key.FoldIn 4,
                    $" of the reverse derivative{path}",
                    names
                )

    member _.Report =
        let lowest = if found.Count = 0 then 0 else found |> Seq.map _.Order |> Seq.min
        GradientReport(count, worst, found |> Seq.filter (fun m -> m.Order = lowest) |> Seq.toArray)

/// Checks the derivatives of a function against numbers: a tool for tests.
///
/// At a point x and along random directions u, forward mode must agree with the central difference
/// (f (x + h u) - f (x - h u)) / 2h, and reverse mode with forward mode: <J u, ct> = <u, J^T ct>. Higher orders check the
/// derivative functions in the same way. The function may take and return any trees of tensors; those that are not
/// floating-point are held fixed.
///
/// What is allowed is relative: an error in length up to the tolerance times 1 + the length of the derivative. The
/// tolerance of the first order is 1e-6 for float64. Differences of float32 functions are taken in float64 with a
/// tolerance of 1e-3, or of 2e-2 in float32 where the function does not return what it is given. Each further order
/// allows ten times as much. Differences reach a few times h, which is 1e-5 for float64, to both sides of x: keep that
/// far from kinks and from the ends of the domain.
[<AbstractClass; Sealed>]
type CheckGrads private () =
    /// What is wrong with the derivatives of f at x, up to an order, in forward and reverse mode and in all their mixes.
    /// 0 means the usual tolerance and step of the type.
    static member Report
        (
            f: Func<'a, 'b>,
            x: 'a,
            [<Optional; DefaultParameterValue(2)>] order: int,
            [<Optional; DefaultParameterValue(0.0)>] tolerance: float,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(GradientModes.Both)>] modes: GradientModes,
            [<Optional; DefaultParameterValue(0.0)>] step: float,
            [<Optional; DefaultParameterValue(1)>] directions: int
        ) : GradientReport =
        ArgumentNullException.ThrowIfNull(f, nameof f)

        if order < 1 || directions < 1 then
            Shape.fail "CheckGrads" $"order {order} and {directions} directions: both must be at least 1."

        if not (tolerance >= 0.0 && step >= 0.0) then
            Shape.fail "CheckGrads" $"the tolerance {tolerance} and the step {step} must not be negative."

        if modes &&& GradientModes.Both = enum 0 then
            Shape.fail "CheckGrads" "no mode is named; use GradientModes.Forward, Reverse or Both."

        let leaves = Tree.leaves x

        if not (leaves |> Array.exists (fun leaf -> DTypes.IsFloat leaf.DType)) then
            Shape.fail "CheckGrads" "the argument holds no floating-point tensors, and so has no derivatives."

        for leaf in leaves do
            if DTypes.IsFloat leaf.DType && DTypes.ComputeType leaf.DType <> leaf.DType then
                Shape.fail
                    "CheckGrads"
                    $"{DTypes.Name leaf.DType} is too coarse for differences; convert the arguments to float64 with To."

        let mutable outputNames = [||]
        let comparisons = Comparisons(modes, tolerance, step, Tree.names x)

        let onLeaves (leaves: Tensor[]) =
            let y = f.Invoke(Tree.withLeaves x leaves)

            if outputNames.Length = 0 then
                outputNames <- Tree.names y

            Tree.leaves y

        for direction in 0 .. directions - 1 do
            let key = if direction = 0 then Key seed else (Key seed).FoldIn(direction + 100)
            comparisons.Check(onLeaves, leaves, 1, order, key, "", (fun () -> outputNames))

        comparisons.Report

    /// Checks the derivatives of f at x up to an order, in forward and reverse mode and in all their mixes. Raises
    /// GradientMismatchException, with the report, if one is wrong.
    static member Run
        (
            f: Func<'a, 'b>,
            x: 'a,
            [<Optional; DefaultParameterValue(2)>] order: int,
            [<Optional; DefaultParameterValue(0.0)>] tolerance: float,
            [<Optional; DefaultParameterValue(0)>] seed: int,
            [<Optional; DefaultParameterValue(GradientModes.Both)>] modes: GradientModes,
            [<Optional; DefaultParameterValue(0.0)>] step: float,
            [<Optional; DefaultParameterValue(1)>] directions: int
        ) : unit =
        CheckGrads.Report(f, x, order, tolerance, seed, modes, step, directions).ThrowIfFailed()

    /// Checks the derivatives of f at x to the second order, as Run does, for functions of F#: `CheckGrads.Check f x`.
    static member Check (f: 'a -> 'b) (x: 'a) : unit = CheckGrads.Run(Func<'a, 'b> f, x)
