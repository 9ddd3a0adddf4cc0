/// What the tests share: drawing inputs, comparing tensors, running properties with a fixed seed.
module Core.Tests.Common

open System
open Autodiff
open FsCheck
open Xunit

/// Runs a property on generated inputs. The seed is fixed; FsCheck prints it with the inputs that fail.
let check (count: int) (property: Property) =
    Check.One(Config.QuickThrowOnFailure.WithMaxTest(count).WithReplay(20260114UL, 4711UL), property)

let scalar (value: float) = Tensor.scalar value
let vector (values: float list) = Tensor.ofSeq values
let rows (values: float list list) = Tensor.ofRows values
let indices (shape: int list) (values: int list) = Tensor.ofArray shape (List.toArray values)
let floats (x: Tensor) : float[] = Tensor.toArray<float> x

/// Float64 numbers uniform on an interval.
let uniform (seed: int) (low: float) (high: float) (shape: int[]) : Tensor =
    (Key seed).Uniform(shape, low, high, DType.Float64)

/// Standard normal float64 numbers.
let normal (seed: int) (shape: int[]) : Tensor = (Key seed).Normal(shape, dtype = DType.Float64)

/// Normal numbers of the shape and type of a tensor; null for types without derivatives.
let directionLike (seed: int) (x: Tensor) : Tensor =
    if DTypes.IsFloat x.DType then (Key seed).Normal(x.Shape, dtype = x.DType) else null

/// The sum of the products of all elements; 0 where one is missing.
let dot (xs: Tensor[]) (ys: Tensor[]) : float =
    Array.fold2
        (fun total (x: Tensor) (y: Tensor) ->
            if isNull x || isNull y then
                total
            else
                total + Array.fold2 (fun s a b -> s + a * b) 0.0 (floats x) (floats y))
        0.0
        xs
        ys

let size (x: Tensor) = sqrt (dot [| x |] [| x |])

/// Whether two tensors have one type, one shape and the same bits (all NaN count as one).
let sameBits (a: Tensor) (b: Tensor) =
    let canonical (x: Tensor) =
        floats x
        |> Array.map (fun v -> if Double.IsNaN v then 0x7ff8000000000000L else BitConverter.DoubleToInt64Bits v)

    a.DType = b.DType && a.Shape = b.Shape && canonical a = canonical b

/// The largest difference of two tensors, relative to their size; infinite if the shapes differ.
let distance (expected: float[]) (actual: float[]) =
    if expected.Length <> actual.Length then
        infinity
    else
        Array.fold2
            (fun worst e a ->
                if e.Equals a then
                    worst
                elif Double.IsNaN e || Double.IsNaN a || Double.IsInfinity e || Double.IsInfinity a then
                    infinity
                else
                    max worst (abs (e - a) / (1.0 + abs e)))
            0.0
            expected
            actual

let near (tolerance: float) (expected: Tensor) (actual: Tensor) =
    Assert.Equal<int[]>(expected.Shape, actual.Shape)
    let error = distance (floats expected) (floats actual)
    Assert.True(error <= tolerance, $"expected\n{expected}\nbut got\n{actual}\n(error {error:g3})")

let nearValue (tolerance: float) (expected: float) (actual: Tensor) = near tolerance (scalar expected) actual

/// Of the same types, and equal to 1e-12 of the largest element (float32: 2e-6).
let agreeAs (expected: Tensor[]) (actual: Tensor[]) =
    Array.iter2
        (fun (a: Tensor) (b: Tensor) ->
            Assert.Equal(a.DType, b.DType)
            Assert.Equal<int[]>(a.Shape, b.Shape)
            let tolerance = if a.DType = DType.Float64 then 1e-12 else 2e-6
            let scale = floats a |> Array.filter Double.IsFinite |> Array.fold (fun m x -> max m (abs x)) 1.0

            Array.iter2
                (fun (x: float) (y: float) ->
                    if not (x = y || Double.IsNaN x && Double.IsNaN y || abs (x - y) <= tolerance * scale) then
                        Assert.Fail $"{a} but compiled {b}")
                (floats a)
                (floats b))
        expected
        actual

/// Runs a check for each row of a table and reports all rows that fail.
let forEach (name: 'row -> string) (check: 'row -> unit) (table: seq<'row>) =
    let failures =
        [ for row in table do
              try
                  check row
              with error ->
                  let message = $"{name row}: {error.GetType().Name}: {error.Message}"
                  if message.Length > 600 then message[..599] + " ..." else message ]

    Assert.True(failures.IsEmpty, $"{failures.Length} failed:\n" + String.Join("\n", List.truncate 20 failures))

/// Runs what is wrong, and checks that each raises an ArgumentException whose message has all pieces.
let areErrors (table: seq<string * (unit -> unit) * string list>) =
    table
    |> forEach (fun (name, _, _) -> name) (fun (_, act, pieces) ->
        let error = Record.Exception(fun () -> act ())
        Assert.True(not (isNull error), "nothing was raised")
        Assert.True((error.GetType() = typeof<ArgumentException>), $"raised {error.GetType().Name}: {error.Message}")

        for piece in pieces do
            Assert.True(error.Message.Contains piece, $"'{piece}' is missing in: {error.Message}"))
