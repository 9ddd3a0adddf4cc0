// Taylor mode. A series needs its interpreter, which needs the rules, which make series.
namespace rec Autodiff

open System
open System.Collections.Generic
open System.Threading
open Autodiff.Kernels

/// A point on a curve with the derivatives of the curve there: a tensor of Taylor mode. Coefficient k is the k-th
/// derivative, not divided by k!, so that the series of the derivative is this one without its first coefficient; a missing
/// (null) coefficient is zero.
///
/// The coefficients above the primal come from a rule, one after another, when they are first asked for. The rule for
/// coefficient k may ask for the lower coefficients of the same series: a differential equation is a rule.
[<Sealed; AllowNullLiteral>]
type internal Series(trace: JetTrace, order: int, primal: Tensor, start: Series -> int -> Tensor) =
    inherit Tensor(trace.Level, primal.Shape, primal.DType)
    let coefficients: Tensor[] = Array.zeroCreate (order + 1)
    let mutable start = start
    let mutable rule = Unchecked.defaultof<int -> Tensor>
    let mutable known = 0

    member _.Primal = primal
    /// The highest derivative that is held.
    member _.Order = order

    /// Whether all coefficients are known, so that those of what follows from this series can be computed.
    member _.IsComplete = Volatile.Read &known = order

    /// The derivative of order k. Threads that ask at once for one that is not known compute it twice.
    member this.Item
        with get (k: int): Tensor =
            if k = 0 then
                primal
            else
                while Volatile.Read &known < k do
                    let next = known + 1

                    if isNull (box rule) then
                        rule <- start this

                    coefficients[next] <- trace.Collapsed(next, rule next)
                    Volatile.Write(&known, next)

                coefficients[k]

    /// Computes all coefficients and forgets what they follow from. A series that turns out constant becomes its primal.
    member this.Complete() : Tensor =
        this[order] |> ignore
        start <- Unchecked.defaultof<_>
        rule <- Unchecked.defaultof<_>

        if coefficients |> Array.forall isNull then primal else this

    /// The same curve, to a lower order.
    member this.Truncated(order: int) : Tensor = trace.Series(order, primal, this.IsComplete, (fun _ k -> this[k]))

    /// The derivative of the curve, of one order less; null for zero.
    member this.Derivative: Tensor =
        if this.IsComplete && coefficients |> Array.forall isNull then
            null
        else
            let first = if isNull this[1] then Tensor.ZerosLike primal else this[1]
            trace.Series(order - 1, first, this.IsComplete, (fun _ k -> this[k + 1]))

    override _.Trace = trace
    override _.Array = primal.Array
    override _.IsKnown = primal.IsKnown
    override _.RulesOf primitive = primal.RulesOf primitive
    override _.Device = primal.Device
    override _.ToString() = primal.ToString()

/// Taylor mode: carries the derivatives of curves, to any order, through each primitive. What `collapse` makes of the
/// derivatives of the highest order takes their place: they enter all others of that order linearly.
[<Sealed>]
type internal JetTrace(highest: int, collapse: Tensor -> Tensor) =
    inherit Trace()

    /// A derivative of order k as it is kept.
    member _.Collapsed(k: int, x: Tensor) : Tensor = if k < highest || isNull x then x else collapse x

    /// A tensor as a series of this trace; null if it is constant.
    member this.Own(x: Tensor) : Series =
        match x with
        | :? Series as x when obj.ReferenceEquals(x.Trace, this) -> x
        | _ -> null

    /// The derivative of order k of any tensor.
    member this.Coefficient(x: Tensor, k: int) : Tensor =
        match this.Own x with
        | null -> if k = 0 then x else null
        | x -> x[k]

    /// A series from its rule. Where everything that the rule asks for is known, it runs at once, so that neither memory
    /// nor the stack grows with the length of a computation.
    member this.Series(order, primal: Tensor, isReady: bool, start: Series -> int -> Tensor) : Tensor =
        if order = 0 then
            primal
        else
            let series = Series(this, order, primal, start)
            if isReady then series.Complete() else series

    override this.Process(primitive, inputs) =
        let primals = inputs |> Array.map (fun x -> this.Coefficient(x, 0))
        let y = Tensor.Bind(primitive, primals)

        if not (DTypes.IsFloat y.DType) then
            y
        else
            let mutable order = Int32.MaxValue
            let mutable isReady = true

            for x in inputs do
                match this.Own x with
                | null -> ()
                | x ->
                    order <- min order x.Order
                    isReady <- isReady && x.IsComplete

            let call = JetCall(this, y.RulesOf primitive, inputs, primals, order)
            this.Series(order, y, isReady, JetRules.find primitive call)

    // The derivative of a loop is a loop: its differential equation, run on series of one order less.
    override this.ProcessAll(operation, inputs) =
        let own = inputs |> Array.map this.Own
        let order = own |> Array.filter (isNull >> not) |> Array.map _.Order |> Array.min
        let lower (x: Tensor) (series: Series) = if isNull series then x else series.Truncated(order - 1)
        let tangents = own |> Array.map (fun x -> if isNull x then null else x.Derivative)
        let struct (ys, dys) = operation.Jvp(Array.map2 lower inputs own, tangents)

        Array.map2
            (fun y dy ->
                let primal = this.Coefficient(y, 0)

                if isNull dy then
                    primal
                else
                    this.Series(order, primal, true, (fun _ k -> this.Coefficient(dy, k - 1))))
            ys
            dys

/// A primitive on inputs of which some are series.
[<Sealed>]
type internal JetCall(trace: JetTrace, primitive: Primitive, inputs: Tensor[], primals: Tensor[], order: int) =
    member _.Trace = trace
    member _.Primitive = primitive
    member _.Inputs = inputs
    member _.Primals = primals
    member _.Order = order
    /// The derivative of order k of an input.
    member _.Coefficient(input: int, k: int) : Tensor = trace.Coefficient(inputs[input], k)

/// How the coefficients of an output follow. No primitive needs a rule: its Jvp is the differential equation of its series.
/// The table holds those for which that would be slow.
module internal JetRules =
    type Rule = JetCall -> Series -> int -> Tensor

    /// The equation y' = slope (x, y, x'), on series of one order less than those of x and y. Coefficient k of y is
    /// coefficient k - 1 of its slope, which needs no higher coefficients of y: for exp, where y' = y x', this is the
    /// well-known recurrence.
    let private integral (slope: Tensor[] -> Tensor -> Tensor[] -> Tensor) (call: JetCall) (y: Series) : int -> Tensor =
        let own = call.Inputs |> Array.map call.Trace.Own
        let lower (x: Tensor) (series: Series) = if isNull series then x else series.Truncated(call.Order - 1)
        let tangents = own |> Array.map (fun x -> if isNull x then null else x.Derivative)
        let dy = slope (Array.map2 lower call.Inputs own) (y.Truncated(call.Order - 1)) tangents
        fun k -> if isNull dy then null else call.Trace.Coefficient(dy, k - 1)

    let private general (call: JetCall) (y: Series) : int -> Tensor =
        integral (fun inputs y tangents -> call.Primitive.Jvp(inputs, y, tangents)) call y

    /// For what is linear, or is so in pieces: the derivative at the primals carries each coefficient by itself.
    let private each (call: JetCall) (y: Series) (k: int) : Tensor =
        let tangents = call.Inputs |> Array.map (fun x -> call.Trace.Coefficient(x, k))
        if tangents |> Array.forall isNull then
            null
        else
            call.Primitive.Jvp(call.Primals, y.Primal, tangents)

    /// The sum over j from 0 to k / 2 of pair j, given with binomial (k, j).
    let private binomialSum (k: int) (pair: int -> float -> Tensor) : Tensor =
        let mutable total = null
        let mutable binomial = 1.0

        for j in 0 .. k / 2 do
            total <- Tensor.AddTangents(total, pair j binomial)
            binomial <- binomial * float (k - j) / float (j + 1)

        total

    let private scaled (factor: float) (x: Tensor) = if isNull x || factor = 1.0 then x else x * factor

    /// The derivative of order k of a product, by Leibniz: the sum of binomial (k, j) x[j] y[k - j]. Where x[j] is zero,
    /// y[k - j] is not asked for.
    let private leibniz (times: Tensor -> Tensor -> Tensor) (x: int -> Tensor) (y: int -> Tensor) (k: int) : Tensor =
        let term j =
            match x j with
            | null -> null
            | a ->
                match y (k - j) with
                | null -> null
                | b -> times a b

        binomialSum k (fun j binomial ->
            scaled binomial (if 2 * j = k then term j else Tensor.AddTangents(term j, term (k - j))))

    let private bilinear (call: JetCall) (_: Series) : int -> Tensor =
        let times x y =
            let inputs = Array.copy call.Primals
            inputs[0] <- x
            inputs[1] <- y
            Tensor.Bind(call.Primitive, inputs)

        leibniz times (fun j -> call.Coefficient(0, j)) (fun j -> call.Coefficient(1, j))

    let private square (call: JetCall) (_: Series) (k: int) : Tensor =
        binomialSum k (fun j binomial ->
            match call.Coefficient(0, j), call.Coefficient(0, k - j) with
            | null, _
            | _, null -> null
            | x, _ when 2 * j = k -> scaled binomial (Tensor.Square x)
            | x, y -> scaled (2.0 * binomial) x * y)

    let private multiply (call: JetCall) : Series -> int -> Tensor =
        if obj.ReferenceEquals(call.Inputs[0], call.Inputs[1]) then square call else bilinear call

    /// The derivative of order k of z = x / y: z y = x, solved for the highest derivative of z.
    let private quotient (x: int -> Tensor) (y: int -> Tensor) (z: Series) (k: int) : Tensor =
        let known = leibniz (*) (fun j -> if j = 0 then null else y j) (fun j -> z[j]) k

        match x k, known with
        | null, null -> null
        | x, null -> x / y 0
        | null, known -> -known / y 0
        | x, known -> (x - known) / y 0

    let private divide (call: JetCall) : Series -> int -> Tensor =
        quotient (fun j -> call.Coefficient(0, j)) (fun j -> call.Coefficient(1, j))

    let private reciprocal (call: JetCall) : Series -> int -> Tensor =
        quotient (fun _ -> null) (fun j -> call.Coefficient(0, j))

    /// Two functions of which each is the other's derivative, but for signs: y' = outer x' p and p' = inner x' y.
    let private paired (partner: Tensor -> Tensor) (outer: float) (inner: float) (call: JetCall) y =
        let signed sign (x: Tensor) = if sign < 0.0 then -x else x

        let slope _ (y: Tensor) (tangents: Tensor[]) =
            let start (_: Series) =
                let dp = signed inner (tangents[0] * y)
                fun k -> call.Trace.Coefficient(dp, k - 1)

            signed outer (tangents[0] * call.Trace.Series(call.Order - 1, partner call.Primals[0], false, start))

        integral slope call y

    /// What is computed at once, as the formula that it is made of.
    let private formula (f: Tensor[] -> Tensor) (call: JetCall) (_: Series) : int -> Tensor =
        let y = f call.Inputs
        fun k -> call.Trace.Coefficient(y, k)

    /// Products, for a small whole number as the exponent. The recurrence of other powers would divide by x, which may be 0.
    let private power (call: JetCall) : Series -> int -> Tensor =
        let exponent = call.Inputs[1]
        let n = if exponent.Level = 0L && exponent.Size = 1 then exponent.ToDouble() else nan

        let rec product n (x: Tensor) =
            if n = 1 then x
            elif n % 2 = 0 then Tensor.Square(product (n / 2) x)
            else product (n - 1) x * x

        if n >= 1.0 && n <= 32.0 && Math.Floor n = n then
            let shape = Shape.broadcast "power" call.Inputs[0].Shape exponent.Shape
            formula (fun inputs -> Tensor.BroadcastTo(product (int n) inputs[0], shape)) call
        else
            general call

    /// By primitive, or by kernel where many are made of one class.
    let private table: IReadOnlyDictionary<obj, Rule> =
        let rules: (obj * Rule) list =
            [ Binary.Add, each
              Binary.Subtract, each
              Unary.Negate, each
              Unary.Abs, each
              Unary.Relu, each
              Binary.Maximum, each
              Binary.Minimum, each
              Binary.ReluGradient, each
              Binary.Multiply, multiply
              Unary.Square, square
              Binary.Divide, divide
              Unary.Reciprocal, reciprocal
              Binary.Power, power
              Unary.Sin, paired Tensor.Cos 1.0 -1.0
              Unary.Cos, paired Tensor.Sin -1.0 1.0
              Unary.Sinh, paired Tensor.Cosh 1.0 1.0
              Unary.Cosh, paired Tensor.Sinh 1.0 1.0
              Unary.Tanh, integral (fun _ y t -> t[0] * (1.0 - Tensor.Square y))
              Unary.Sigmoid, integral (fun _ y t -> t[0] * (y - Tensor.Square y))
              softmaxP, integral (fun _ y t -> y * (t[0] - sumOver [| y.Rank - 1 |] true (y * t[0]))) ]

        Dictionary(dict rules, HashIdentity.Reference)

    /// The rule of a primitive.
    let find (primitive: Primitive) : Rule =
        let key: obj =
            match primitive with
            | :? UnaryPrimitive as p -> p.Kernel
            | :? BinaryPrimitive as p -> p.Kernel
            | p -> p

        match table.TryGetValue key, primitive with
        | (true, rule), _ -> rule
        | _, (:? LinearPrimitive) -> each
        | _, (:? BilinearPrimitive) -> bilinear
        | _ -> general

module internal Jet =
    let private runWith
        (collapse: Tensor -> Tensor)
        (f: Tensor[] -> Tensor[])
        (primals: Tensor[])
        (series: Tensor[][])
        : struct (Tensor[] * Tensor[][]) =
        let trace = JetTrace(series.Length, collapse)

        let inputs =
            primals
            |> Array.mapi (fun i x ->
                if DTypes.IsFloat x.DType then
                    trace.Series(series.Length, x, true, (fun _ k -> series[k - 1][i]))
                else
                    x)

        let outputs = f inputs

        struct (outputs |> Array.map (fun y -> trace.Coefficient(y, 0)),
                Array.init series.Length (fun k -> outputs |> Array.map (fun y -> trace.Coefficient(y, k + 1))))

    /// The values of f on a curve, and their derivatives of each order, given those of the curve: rows of tensors, one row
    /// for each order from 1. A null is zero, among the arguments and in the results.
    let run f primals series : struct (Tensor[] * Tensor[][]) = runWith id f primals series

    /// The sum of the second derivatives of f along directions, which lie along a first axis; null for zero.
    ///
    /// A second derivative enters those that follow from it by a map that is the same for all directions, so that each
    /// primitive need only hand on their mean: what is linear costs one first derivative for each direction, and one second
    /// for all. R. Li and others, Forward Laplacian (2023).
    let sumOfSeconds (f: Tensor -> Tensor) (x: Tensor) (directions: Tensor) : struct (Tensor * Tensor) =
        let count = directions.Shape[0]
        let batch = VmapTrace count

        let mean (second: Tensor) =
            match second with
            | :? Batched as second when obj.ReferenceEquals(second.Trace, batch) ->
                sumOver [| 0 |] false second.Value * (1.0 / float count)
            | second -> second

        let direction: Tensor = Batched(batch, directions, x.Shape)
        let struct (ys, rows) = runWith mean (fun xs -> [| f xs[0] |]) [| x |] [| [| direction |]; [| null |] |]
        let average = rows[1][0]
        struct (ys[0], (if isNull average then null else average * float count))
