namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// The source of random numbers: a value, not a state. The same key gives the same numbers, on every device and for any
/// number of threads (Philox, Salmon et al. 2011); independent numbers come from keys that are split off.
[<Struct; CustomEquality; NoComparison>]
type Key private (state: uint64) =
    /// The key of a seed.
    new(seed: int) = Key(CounterRandom.Derive(0x6175746F64696666UL, uint64 seed))

    member internal _.State = state
    override _.Equals other =
        match other with
        | :? Key as k -> k.State = state
        | _ -> false
    override _.GetHashCode() = state.GetHashCode()
    override _.ToString() = $"Key {state:x16}"

    /// A new key that depends on this one and on a number: for the i-th step, layer or example.
    member _.FoldIn(data: int) = Key(CounterRandom.Derive(state, uint64 data))

    /// New keys that are independent of each other and of this one.
    member this.Split(count: int) : Key[] =
        if count < 0 then
            Shape.fail "Split" $"{count} keys cannot be made."

        let state = state
        Array.init count (fun i -> Key(CounterRandom.Derive(state ^^^ 0x73706C6974UL, uint64 i)))

    member private _.Draw(operation: string, draw: RandomDraw, dtype: DType, shape: int[]) : Tensor =
        Shape.validate operation shape
        Concrete(Cpu.Instance.Random(draw, state, dtype, shape))

    static member private CheckFloat(operation, dtype: DType) =
        if not (DTypes.IsFloat dtype) then
            Shape.fail operation $"{DTypes.Name dtype} is not a floating-point type, such as float32 or float64; for whole numbers use Integers."

    /// Numbers uniform on [low, high).
    member this.Uniform
        (
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] low: float,
            [<Optional; DefaultParameterValue(1.0)>] high: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Key.CheckFloat("Uniform", dtype)
        let x = this.Draw("Uniform", RandomDraw.Uniform, dtype, shape)
        if low = 0.0 && high = 1.0 then x else x * (high - low) + low

    /// Numbers with a normal distribution.
    member this.Normal
        (
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] mean: float,
            [<Optional; DefaultParameterValue(1.0)>] standardDeviation: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Key.CheckFloat("Normal", dtype)
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
