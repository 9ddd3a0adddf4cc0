namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Random numbers from keys that are tensors: int64, whose bits are the state.
module internal Draws =
    let rec private randomP (draw: RandomDraw) (dtype: DType) (shape: int[]) : Primitive =
        { new Primitive("random") with
            member _.Parameters = [ "draw", box draw; "dtype", box dtype; "shape", box shape ]

            member _.Shape inputs =
                if inputs[0].DType <> DType.Int64 then
                    Shape.fail "random" $"a key is an int64, not {DTypes.Name inputs[0].DType}."

                { Shape = Array.append inputs[0].Shape shape; DType = dtype }

            member _.Value(inputs, out) =
                Variates.drawEach inputs[0] out.DType shape (fun _ key ->
                    inputs[0].Device.Random(draw, key, dtype, shape))

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs) }

    let random draw dtype shape (key: Tensor) : Tensor = Tensor.Bind(randomP draw dtype shape, key)

    /// The state that follows from a state and a number. A salt keeps one use from another.
    let private deriveP (salt: uint64) : Primitive =
        { new Primitive("foldIn") with
            member _.Parameters = [ "salt", box salt ]

            member _.Shape inputs =
                if inputs |> Array.exists (fun x -> x.DType <> DType.Int64) then
                    Shape.fail "foldIn" "keys and the numbers folded into them are int64; convert with To."

                { Shape = Shape.broadcast "foldIn" inputs[0].Shape inputs[1].Shape; DType = DType.Int64 }

            member _.Value(inputs, out) =
                let walk (x: NDArray) = Variates.states (x.View(out.Shape, x.StridesFor out.Shape, x.Offset))
                let derived =
                    Array.map2
                        (fun key data -> CounterRandom.Derive(key ^^^ salt, data))
                        (walk inputs[0])
                        (walk inputs[1])
                inputs[0].Device.FromHost(DType.Int64, out.Shape, MemoryMarshal.AsBytes(ReadOnlySpan derived))

            member _.Jvp(_, _, _) = null
            member _.Vjp(_, _, _, _) = null
            member this.Batch(inputs, isBatched, _) = Tensor.Bind(this, Batching.aligned inputs isBatched) }

    let plain, split = deriveP 0UL, deriveP 0x73706C6974UL
    let derive (primitive: Primitive) (key: Tensor) (data: Tensor) : Tensor = Tensor.Bind(primitive, key, data)
    let number (value: int64) : Tensor = Tensor.From(ReadOnlySpan [| value |], [||])

/// The source of random numbers: a value, not a state. The same key gives the same numbers, on every device and for any
/// number of threads (Philox, Salmon et al. 2011); independent numbers come from keys that are split off. A key in the argument
/// of a function that is staged, compiled or batched is an argument as a tensor is: each call has its own numbers.
[<Struct; CustomEquality; NoComparison>]
type Key private (state: uint64, traced: Tensor) =
    /// The key of a seed.
    new(seed: int) = Key(CounterRandom.Derive(0x6175746F64696666UL, uint64 seed), null)

    /// The bits, where they are known: to compare keys.
    member internal _.State =
        if isNull traced then
            state
        elif traced.IsKnown && traced.Rank = 0 then
            (Variates.states traced.Array)[0]
        else
            Shape.fail
                "Key"
                "keys cannot be compared in a compiled function, or inside vmap, where they have no value yet."

    /// The key as a tensor, int64: a leaf of trees.
    member internal _.Tensor: Tensor = if isNull traced then Draws.number (int64 state) else traced

    /// The key of a tensor.
    static member internal OfTensor(x: Tensor) : Key =
        if x.Level = 0L && x.Rank = 0 then
            Key((Variates.states x.Array)[0], null)
        else
            Key(0UL, x)

    override _.Equals other =
        match other with
        | :? Key as k -> k.State = Key(state, traced).State
        | _ -> false
    override this.GetHashCode() = this.State.GetHashCode()
    override _.ToString() = if isNull traced then $"Key {state:x16}" else $"Key of {traced}"

    /// A new key that depends on this one and on a number: for the i-th step, layer or example.
    member _.FoldIn(data: int) =
        if isNull traced then
            Key(CounterRandom.Derive(state, uint64 data), null)
        else
            Key(0UL, Draws.derive Draws.plain traced (Draws.number (int64 data)))

    /// A new key that depends on this one and on a whole number, such as the counter of a loop. A vector of numbers gives
    /// as many keys in one, over which vmap maps: `vmap train (key.FoldIn (Tensor.arange 0.0 10.0 1.0))` trains ten models.
    member this.FoldIn(data: Tensor) : Key =
        Key.OfTensor(Draws.derive Draws.plain this.Tensor (Tensor.Cast(data, DType.Int64)))

    /// New keys that are independent of each other and of this one. For a key for each example of vmap, fold in a vector.
    member this.Split(count: int) : Key[] =
        if count < 0 then
            Shape.fail "Split" $"{count} keys cannot be made."

        let state, traced = state, traced

        Array.init count (fun i ->
            if isNull traced then
                Key(CounterRandom.Derive(state ^^^ 0x73706C6974UL, uint64 i), null)
            else
                Key(0UL, Draws.derive Draws.split traced (Draws.number (int64 i))))

    member private _.Draw(operation: string, draw: RandomDraw, dtype: DType, shape: int[]) : Tensor =
        Shape.validate operation shape

        if isNull traced then
            Concrete(Cpu.Instance.Random(draw, state, dtype, shape))
        else
            Draws.random draw dtype shape traced

    static member private CheckFloat(operation, dtype: DType) =
        if not (DTypes.IsFloat dtype) then
            Shape.fail
                operation
                $"{DTypes.Name dtype} is not a floating-point type, such as float32 or float64; for whole numbers use Integers."

    /// Numbers uniform on [low, high), whose ends must be finite and in order.
    member this.Uniform
        (
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] low: float,
            [<Optional; DefaultParameterValue(1.0)>] high: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Key.CheckFloat("Uniform", dtype)

        if not (low <= high && Double.IsFinite(high - low)) then
            Shape.fail "Uniform" $"there are no numbers from {low} to below {high}; give finite ends, the lower first."

        let x = this.Draw("Uniform", RandomDraw.Uniform, dtype, shape)
        if low = 0.0 && high = 1.0 then x else x * (high - low) + low

    /// Numbers with a normal distribution, whose standard deviation must not be negative.
    member this.Normal
        (
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] mean: float,
            [<Optional; DefaultParameterValue(1.0)>] standardDeviation: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Key.CheckFloat("Normal", dtype)

        if not (standardDeviation >= 0.0) then
            Shape.fail "Normal" $"the standard deviation {standardDeviation} is not a number from 0 up."

        let x = this.Draw("Normal", RandomDraw.Normal, dtype, shape)
        let x = if standardDeviation = 1.0 then x else x * standardDeviation
        if mean = 0.0 then x else x + mean

    /// Truth values that are true with a probability.
    member this.Bernoulli(shape: int[], probability: float) : Tensor =
        if not (probability >= 0.0 && probability <= 1.0) then
            Shape.fail "Bernoulli" $"{probability} is not a probability between 0 and 1."

        this.Draw("Bernoulli", RandomDraw.Bernoulli probability, DType.Bool, shape)

    /// Integers from low to high - 1, of type int64.
    member this.Integers(shape: int[], low: int64, high: int64) : Tensor =
        if high <= low then
            Shape.fail "Integers" $"the range from {low} to {high} - 1 is empty."

        this.Draw("Integers", RandomDraw.Integers(low, high), DType.Int64, shape)

    /// The numbers 0 to n - 1 in random order, of type int64.
    member this.Permutation(n: int) : Tensor = this.Draw("Permutation", RandomDraw.Permutation, DType.Int64, [| n |])
