namespace Autodiff

open System

/// What a function with rules of its own gave for arrays: its packed result, and what its rules want to know again.
[<AllowNullLiteral>]
type internal CustomRun(inputs: NDArray[], output: Tensor, memory: obj) =
    member _.Output = output
    member _.Memory = memory
    /// Whether it was run on these very arrays.
    member _.IsFor(other: NDArray[]) = Array.forall2 (fun a b -> obj.ReferenceEquals(a, b)) inputs other

/// A function with derivative rules of its own, over one vector that holds all floating-point arguments (its first
/// input; those that have no derivatives follow) and giving one vector of all results.
[<Sealed>]
type internal CustomPrimitive
    (
        name: string,
        run: Tensor[] -> struct (Tensor * obj),
        push: CustomPrimitive -> Tensor[] -> Tensor -> Tensor -> Tensor,
        pull: CustomPrimitive -> Tensor[] -> Tensor -> Tensor -> Tensor
    ) =
    inherit Primitive(name)
    let mutable last: CustomRun = null
    // Whether Shape has run the function for Value. Only then is what it found used again by Value: a compiled program
    // asks for values of the same arrays in each run, with other numbers in them.
    let mutable isAwaited = false
    let mutable lastTraced: obj = null
    let mutable lastInputs: Tensor[] = null

    let outside () =
        Shape.fail
            name
            "the function uses a tensor that is being differentiated and is not part of its argument, so that its rule would miss that derivative; make it part of the argument."

    let evaluate (inputs: NDArray[]) =
        let known = last

        if not (isNull known) && known.IsFor inputs then
            known
        else
            let struct (output, memory) = run (inputs |> Array.map (fun x -> Concrete x :> Tensor))

            if output.Level <> 0L then
                outside ()

            let found = CustomRun(inputs, output, memory)
            last <- found
            found

    /// What the function left for its rules in its last run, from which the structure of its result is known.
    member _.Last: obj = if isNull last then lastTraced else last.Memory

    /// What the function leaves for its rules at inputs, which may be differentiated themselves.
    member _.MemoryAt(inputs: Tensor[]) : obj =
        if not (isNull lastInputs) && Array.forall2 (fun a b -> obj.ReferenceEquals(a, b)) inputs lastInputs then
            lastTraced
        elif inputs |> Array.forall (fun x -> x.Level = 0L) then
            (evaluate (inputs |> Array.map _.Array)).Memory
        else
            let struct (_, memory) = run inputs
            memory

    /// The output for tensors of an interpreter that only watches arrays, whose operations it sees one by one; the rules
    /// get what the function left for them.
    member _.RunWatched(inputs: Tensor[], level: int64) : Tensor =
        let struct (output, memory) = run inputs

        if output.Level > level then
            outside ()

        lastTraced <- memory
        lastInputs <- inputs
        output

    override _.Shape inputs =
        let output =
            if inputs |> Array.forall (fun x -> x.Level = 0L) then
                let found = evaluate (inputs |> Array.map _.Array)
                isAwaited <- true
                found.Output
            else
                let struct (output, memory) = run inputs
                lastTraced <- memory
                output

        { Shape = output.Shape; DType = output.DType }

    override _.Value(inputs, _) =
        if not isAwaited then
            last <- null

        isAwaited <- false
        (evaluate inputs).Output.Array

    override this.Jvp(inputs, output, tangents) =
        if isNull tangents[0] then null else push this inputs output tangents[0]

    override this.Vjp(inputs, output, ct, input) = if input > 0 then null else pull this inputs output ct

    // The function and its rules, mapped over the examples, are a function with rules again.
    override this.Batch(inputs, isBatched, size) =
        let mapped (f: Tensor[] -> Tensor) (xs: Tensor[]) = (Vmap.run (fun xs -> [| f xs |]) [| Some 0 |] 0 xs)[0]
        let count = inputs.Length

        let outputOf (xs: Tensor[]) =
            let struct (output, memory) = run xs
            lastTraced <- memory
            output

        let rule
            (rule: CustomPrimitive -> Tensor[] -> Tensor -> Tensor -> Tensor)
            (_: CustomPrimitive)
            (xs: Tensor[])
            output
            t
            =
            mapped (fun ys -> rule this ys[.. count - 1] ys[count] ys[count + 1]) (Array.append xs [| output; t |])

        let batched = CustomPrimitive(name, (fun xs -> struct (mapped outputOf xs, null)), rule push, rule pull)
        Tensor.Bind(batched, Batching.fronts size inputs isBatched)

/// Functions whose derivatives are given by rules instead of being found in their operations.
[<AutoOpen>]
module CustomRules =
    /// The transpose of a linear function of a vector like the given one.
    let private transpose (linear: Tensor -> Tensor) (like: Tensor) (ct: Tensor) : Tensor =
        let tape = Tape.Run (fun ts -> [| linear ts[0] |]) [| Tensor.ZerosLike like |]
        (tape.Pullback [| ct |])[0]

    let private isTraced (x: 'a) = Tree.leaves x |> Array.exists (fun leaf -> leaf.Level <> 0L)

    let private apply (flat: Flat<'a>) (x: 'a) (primitive: CustomPrimitive) (resultOf: obj -> Flat<'b>) : 'b =
        let y = Tensor.Bind(primitive, Array.append [| flat.Pack x |] flat.Others)
        (resultOf primitive.Last).Unpack y

    /// f with the derivative that a rule gives, `customJvp : (a -> b) -> (a -> b -> T a -> T b) -> a -> b`: the rule
    /// takes the argument, the result and a tangent of the argument, and returns the tangent of the result, in which it
    /// must be linear. Reverse mode transposes the rule; higher derivatives differentiate it. A tangent of a tensor that
    /// is not floating-point is zeros. f and the rule may use no differentiated tensor that is not part of the argument.
    let customJvp (f: 'a -> 'b) (rule: 'a -> 'b -> 'a -> 'b) (x: 'a) : 'b =
        if not (isTraced x) then
            f x
        else
            let flat = Flat<'a>(x, Flat.WidestType x)
            let argument (inputs: Tensor[]) = flat.Unpack(inputs[0], inputs[1..])

            let run inputs =
                let y = f (argument inputs)
                let result = Flat<'b>(y, Flat.WidestType y)
                struct (result.Pack y, box result)

            let push (primitive: CustomPrimitive) inputs (output: Tensor) tangent =
                let result = primitive.Last :?> Flat<'b>
                let yDot = rule (argument inputs) (result.Unpack output) (flat.UnpackTangent tangent)
                result.PackChecked("customJvp", "the tangent that the rule returned", true, yDot)

            let pull primitive (inputs: Tensor[]) output ct = transpose (push primitive inputs output) inputs[0] ct

            apply flat x (CustomPrimitive("customJvp", run, push, pull)) unbox<Flat<'b>>

    /// f with the pullback that rules give,
    /// `customVjp : (a -> b) -> (a -> b * residuals) -> (residuals -> T b -> T a) -> a -> b`: where derivatives are taken,
    /// `forward` is run instead of f, and `backward` carries a cotangent of the result to one of the argument with what
    /// `forward` left. Forward mode transposes `backward`, which must be linear in the cotangent for that; higher
    /// derivatives differentiate both rules. A cotangent of a tensor that is not floating-point is zeros. The functions
    /// may use no differentiated tensor that is not part of the argument.
    let customVjp (f: 'a -> 'b) (forward: 'a -> 'b * 'residuals) (backward: 'residuals -> 'b -> 'a) (x: 'a) : 'b =
        if not (isTraced x) then
            f x
        else
            let flat = Flat<'a>(x, Flat.WidestType x)

            let run (inputs: Tensor[]) =
                let y, residuals = forward (flat.Unpack(inputs[0], inputs[1..]))
                let result = Flat<'b>(y, Flat.WidestType y)
                struct (result.Pack y, box struct (result, residuals))

            let pull (primitive: CustomPrimitive) inputs (_: Tensor) ct =
                let struct (result, residuals) = unbox<struct (Flat<'b> * 'residuals)>(primitive.MemoryAt inputs)
                let xCt = backward residuals (result.UnpackTangent ct)
                flat.PackChecked("customVjp", "the cotangent that the backward rule returned", true, xCt)

            let push primitive inputs (output: Tensor) tangent = transpose (pull primitive inputs output) output tangent

            apply flat x (CustomPrimitive("customVjp", run, push, pull)) (fun memory ->
                let struct (result, _) = unbox<struct (Flat<'b> * 'residuals)> memory
                result)
