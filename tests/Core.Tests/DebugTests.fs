/// Finding where NaN and infinities appear.
module Core.Tests.DebugTests

open System
open System.IO
open System.Runtime.CompilerServices
open Autodiff
open Core.Tests.Common
open Core.Tests.Recorder
open Xunit

/// What the check of f at x says.
let private failure (f: unit -> 'a) : NonFiniteException = Assert.Throws<NonFiniteException>(fun () -> f () |> ignore)

/// That an error names an operation, a rule (null in the forward pass), this file and a line, also in its text.
let private names operation rule (line: int) (error: NonFiniteException) =
    Assert.Equal(operation, error.Operation)
    Assert.Equal(rule, error.Rule)
    Assert.Equal("DebugTests.fs", Path.GetFileName error.File)
    Assert.Equal(line, error.Line)
    Assert.StartsWith(operation + ": ", error.Message)
    Assert.Contains($"DebugTests.fs:line {line}", error.Message)

    if not (isNull rule) then
        Assert.Contains($"in the derivative rule of {rule}", error.Message)

let private zeroAt i n = vector [ for k in 0 .. n - 1 -> if k = i then 0.0 else 2.0 ]

// Functions whose lines the errors must name. Optimized code has one line for all calls whose results go straight into
// the next, so that each result is used again.

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private keep (_: Tensor) : unit = ()

let private logLine = int __LINE__ + 5

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private sumOfLogs (x: Tensor) : Tensor =
    let y = x * 3.0
    let z = log y
    keep z
    let w = z * 0.0
    keep w
    Tensor.sum w

let private rootLine = int __LINE__ + 5

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private sumOfRoots (x: Tensor) : Tensor =
    let y = x * x
    let z = sqrt y
    keep z
    Tensor.sum z

let private simpleRootLine = int __LINE__ + 4

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private simpleRoot (x: Tensor) : Tensor =
    let z = sqrt x
    keep z
    Tensor.sum z

let private inverseLine = int __LINE__ + 4

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private inverse (x: Tensor) : Tensor =
    let y = 1.0 / x
    keep y
    y * 1.0

let private backLine = int __LINE__ + 4

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private divideBack (x: Tensor) (ct: Tensor) : Tensor =
    let y = ct / x
    keep y
    y * 1.0

[<Fact>]
let ``the first operation that makes an infinity is named, with its line, element, inputs and shapes`` () =
    let x = Tensor.reshape [ 3; 1 ] (zeroAt 2 3)
    let error = failure (fun () -> checkNumerics sumOfLogs x)
    names "log" null logLine error
    Assert.Contains("element [2, 0] of the output became -Infinity (input 0 there: 0), at ", error.Message)
    Assert.Contains("inputs: float64 (3, 1).", error.Message)
    Assert.EndsWith("DebugTests.sumOfLogs", error.Method)
    // Where infinities are allowed, it is NaN that is found: 0 times infinity.
    let allowed = failure (fun () -> checkNumericsWith true sumOfLogs x)
    names "multiply" null (logLine + 2) allowed
    Assert.Contains("(input 0 there: -Infinity, input 1 there: 0)", allowed.Message)

[<Fact>]
let ``a finite function is itself, and no other error is changed`` () =
    let f (x: Tensor, n: Tensor) = Tensor.sum (x * sin x) * n, [ x; -x ]
    let x = normal 1 [| 3; 2 |]
    let total, parts = checkNumerics f (x, Tensor.ofSeq [ 2 ])
    Assert.True(sameBits (fst (f (x, Tensor.ofSeq [ 2 ]))) total)
    Assert.Equal(0L, total.Level)
    Assert.True(sameBits -x parts[1])
    let error = Assert.Throws<ArgumentException>(fun () -> checkNumerics (Tensor.reshape [ 7 ]) x |> ignore)
    Assert.StartsWith("reshape: ", error.Message)
    // A sum that overflows is an infinity; large elements are none.
    let large = vector [ 1e308; 1e308 ]
    near 0.0 large (checkNumerics (fun x -> x * 1.0) large)
    Assert.Equal("sumTo", (failure (fun () -> checkNumerics Tensor.sum large)).Operation)

[<Fact>]
let ``what arguments and constants bring along may stay`` () =
    let mask = vector [ 0.0; -infinity; nan ]
    near 0.0 (mask + 1.0) (checkNumerics (fun x -> x + 1.0) mask)
    near 0.0 (mask + 1.0) (checkNumerics (fun x -> x + mask) (vector [ 1.0; 1.0; 1.0 ]))
    // A NaN in one element does not hide the infinity of another, nor an infinity a new NaN.
    names "log" null logLine (failure (fun () -> checkNumerics sumOfLogs (vector [ nan; 0.0 ])))
    Assert.Equal("subtract", (failure (fun () -> checkNumerics (fun x -> x - x) (vector [ infinity ]))).Operation)
    // Integers and truth values have none, and are followed.
    let counts (n: Tensor) = 1.0 / Tensor.cast DType.Float64 (Tensor.sum (Tensor.Greater(n, Tensor.ofSeq [ 5 ])))
    Assert.Equal("divide", (failure (fun () -> checkNumerics counts (Tensor.ofSeq [ 1; 2 ]))).Operation)

[<Fact>]
let ``a rule that fails is named with the line that ran its operation forward`` () =
    let x = zeroAt 1 3
    near 1e-15 (Tensor.sum x) (checkNumerics sumOfRoots x)

    [ "checkNumerics (grad f)", checkNumerics (grad sumOfRoots)
      "grad (checkNumerics f)", grad (checkNumerics sumOfRoots)
      "checkNumerics (jvp f)", checkNumerics (fun x -> snd (jvp sumOfRoots x (Tensor.onesLike x)))
      "jvp (checkNumerics f)", (fun x -> snd (jvp (checkNumerics sumOfRoots) x (Tensor.onesLike x)))
      "checkNumerics (linearize f)", checkNumerics (fun x -> (snd (linearize sumOfRoots x)) (Tensor.onesLike x))
      "linearize (checkNumerics f)", (fun x -> (snd (linearize (checkNumerics sumOfRoots) x)) (Tensor.onesLike x))
      "both", checkNumerics (grad (checkNumerics sumOfRoots))
      "jacrev", checkNumerics (jacrev sumOfRoots)
      "jacfwd", jacfwd (checkNumerics sumOfRoots)
      "hessian", checkNumerics (hessian sumOfRoots) ]
    |> forEach fst (fun (_, derivative) ->
        let error = failure (fun () -> derivative x)
        names "divide" "sqrt" rootLine error
        Assert.Contains("input 1 there: 0", error.Message))

[<Fact>]
let ``examples of vmap are told apart, inside and outside`` () =
    let x = Tensor.reshape [ 2; 3 ] (zeroAt 4 6)
    let f = simpleRoot

    for batched in [ checkNumerics (vmap (grad f)); vmap (checkNumerics (grad f)); vmap (grad (checkNumerics f)) ] do
        let error = failure (fun () -> batched x)
        names "divide" "sqrt" simpleRootLine error
        Assert.Contains("element [1, 1] ", error.Message)

    for batched in [ checkNumerics (vmap f); vmap (checkNumerics f) ] do
        near 0.0 (vmap f x) (batched x)
        names "sqrt" null simpleRootLine (failure (fun () -> batched -x))

[<Fact>]
let ``nested derivatives name the chain of rules`` () =
    // 1 / x overflows in the second derivative, 2 / x^3, alone.
    let x = scalar 1e-120
    Assert.True(Double.IsFinite(float (checkNumerics (grad inverse) x)))

    [ "outside", checkNumerics (grad (grad inverse))
      "between", grad (checkNumerics (grad inverse))
      "inside", grad (grad (checkNumerics inverse))
      "forward over reverse", checkNumerics (fun x -> hvp inverse x (scalar 1.0))
      "reverse over forward", grad (fun x -> snd (jvp (checkNumerics inverse) x (scalar 1.0))) ]
    |> forEach fst (fun (_, second) ->
        let error = failure (fun () -> second x)
        names error.Operation error.Rule inverseLine error
        Assert.Contains(", itself in that of divide, which ran at ", error.Message))

[<Fact>]
let ``rules of one's own are named with their own line`` () =
    let f = customVjp (fun (x: Tensor) -> abs x) (fun x -> abs x, x) divideBack

    for derivative in [ checkNumerics (grad f); grad (checkNumerics f) ] do
        names "divide" null backLine (failure (fun () -> derivative (scalar 0.0)))

[<Fact>]
let ``every primitive is the same when it is checked, in value, both modes and batched`` () =
    Primitives.cases
    |> forEach _.Label (fun case ->
        let floats =
            [| for i in 0 .. case.Inputs.Length - 1 do
                   if DTypes.IsFloat case.Inputs[i].DType then
                       i |]

        let call (xs: Tensor[]) = Tensor.Bind(case.Primitive, xs)
        let y = call case.Inputs
        Assert.True(sameBits y (checkNumerics call case.Inputs))

        if floats.Length > 0 && DTypes.IsFloat y.DType && not case.Entry.IsStopped then
            let onFloats (f: Tensor[] -> Tensor) (moving: Tensor[]) =
                let xs = Array.copy case.Inputs
                Array.iter2 (fun i x -> xs[i] <- x) floats moving
                f xs

            let xs = floats |> Array.map (fun i -> case.Inputs[i])
            let ts = floats |> Array.map (fun i -> directionLike (500 + i) case.Inputs[i])
            let ct = directionLike 600 y
            let pull f xs = (snd (vjp f xs)) ct
            let push f xs = snd (jvp f xs ts)
            let stacked = xs |> Array.map (fun x -> Tensor.stack 0 [ x; x ])
            let f, g = onFloats call, onFloats (checkNumerics call)
            Assert.True(Array.forall2 sameBits (pull f xs) (pull g xs), "vjp of checked")
            Assert.True(Array.forall2 sameBits (pull f xs) (checkNumerics (pull f) xs), "checked vjp")
            Assert.True(sameBits (push f xs) (push g xs), "jvp of checked")
            Assert.True(sameBits (push f xs) (checkNumerics (push f) xs), "checked jvp")
            Assert.True(sameBits (vmap f stacked) (vmap g stacked), "vmap of checked")
            Assert.True(sameBits (vmap f stacked) (checkNumerics (vmap f) stacked), "checked vmap"))
