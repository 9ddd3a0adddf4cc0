/// Derivatives that systems are known to get wrong, and what is documented where there is none.
module Core.Tests.TrapsTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

let private forward (f: Tensor -> Tensor) (x: Tensor) : Tensor = snd (jvp f x (Tensor.onesLike x))
let private modes = [ "forward", forward; "reverse", (fun (f: Tensor -> Tensor) x -> grad f x) ]

/// Every mix of modes for two levels, the outer first.
let private twoLevels check =
    [ for outer, d in modes do
          for inner, e in modes -> $"{outer} over {inner}", d, e ]
    |> forEach (fun (name, _, _) -> name) (fun (_, d, e) -> check d e)

let private eye n = Tensor.cast DType.Float64 (Tensor.eye n)
let private zeros (shape: int list) = Tensor.cast DType.Float64 (Tensor.zeros shape)
let private t (x: Tensor) : Tensor = Tensor.transpose x

// Perturbations.

[<Fact>]
let ``perturbations of nested derivatives are not confused`` () =
    twoLevels (fun d e ->
        // Siskind and Pearlmutter 2005, "Perturbation confusion and referential transparency": 1, not 2.
        nearValue 0.0 1.0 (d (fun x -> x * e (fun y -> x + y) (scalar 1.0)) (scalar 1.0))
        // The same with the outer variable as the inner point, and with the inner derivative as a factor.
        nearValue 1e-15 12.0 (d (fun x -> e (fun y -> x * y * y) x) (scalar 3.0))
        nearValue 1e-14 54.0 (d (fun x -> x * e (fun y -> x * y) x * 9.0) (scalar 3.0)))

[<Fact>]
let ``numbers and pairs that are functions keep perturbations apart`` () =
    twoLevels (fun d e ->
        // A Church numeral applies a function so many times.
        let rec times n (f: Tensor -> Tensor) x = if n = 0 then x else f (times (n - 1) f x)
        nearValue 1e-13 (4.0 * 1.5 ** 3.0) (d (fun x -> times 4 (fun y -> x * y) (scalar 1.0)) (scalar 1.5))
        // Derivatives as the repeated function: the second derivative of x^4 at 2.
        nearValue 1e-12 48.0 (d (e (fun x -> times 4 (fun y -> x * y) (scalar 1.0))) (scalar 2.0))
        // A Church pair hides its parts in a closure: d/dx (d/dy (x y^2) at x) = 4x.
        let pair (a: Tensor) (b: Tensor) = fun (select: Tensor -> Tensor -> Tensor) -> select a b
        let f x = (pair (x * x) (e (fun y -> x * y * y) x)) (fun _ b -> b)
        nearValue 1e-14 12.0 (d f (scalar 3.0))
        nearValue 1e-14 6.0 (d (fun x -> (pair (x * x) (e (fun y -> x * y * y) x)) (fun a _ -> a)) (scalar 3.0)))

[<Fact>]
let ``derivatives of curried functions are taken with all arguments given`` () =
    // Manzyuk, Pearlmutter, Radul, Rush and Siskind 2019: the derivative of u -> (f, x) -> f (x + u) at 0 is an operator on
    // functions. As values of a result are tensors, its arguments are given before the derivative is taken.
    twoLevels (fun d e ->
        let shift (u: Tensor) (f: Tensor -> Tensor) (x: Tensor) = f (x + u)
        let operator (d: (Tensor -> Tensor) -> Tensor -> Tensor) f x = d (fun u -> shift u f x) (scalar 0.0)
        nearValue 1e-14 (exp 1.0) (operator d (operator e exp) (scalar 1.0))
        nearValue 1e-14 -(sin 0.5) (operator d (operator e sin) (scalar 0.5))
        // The operator of one level used at both.
        nearValue 1e-14 -(sin 0.5) (let once = operator d in once (once sin) (scalar 0.5)))

    // A function that is returned is no tensor, and keeps what it captured: it sees the point, without a derivative.
    let escaped, _ = jvp (fun (x: Tensor) -> fun (y: Tensor) -> x * y) (scalar 3.0) (scalar 1.0)
    Assert.Equal(12.0, float (escaped (scalar 4.0)))
    nearValue 0.0 3.0 (grad escaped (scalar 4.0))

[<Fact>]
let ``stopped gradients stay stopped at every level, and only for what was stopped`` () =
    twoLevels (fun d e ->
        let x = scalar 3.0
        // d/dx (x stop(x)) = stop(x): its derivative is 0.
        nearValue 0.0 0.0 (d (e (fun x -> x * stopGradient x)) x)
        // d/dx of d/dx (x^2 stop(x)) = 2 x stop(x).
        nearValue 1e-14 6.0 (d (e (fun x -> x * x * stopGradient x)) x)
        // Stopping the inner derivative stops the outer one, though not the factor beside it.
        nearValue 1e-14 6.0 (d (fun x -> x * stopGradient (e (fun y -> y * y) x)) x)
        // What is stopped inside still depends on the outer variable through the point.
        nearValue
            1e-14
            1.0
            (d (fun x -> e (fun y -> stopGradient y * y) x * 1.0 + x - e (fun y -> y * stopGradient y) x) x)
        // Stopping the outer variable leaves the inner derivative alone.
        nearValue 0.0 0.0 (d (fun x -> e (fun y -> stopGradient x * y) x) x))

[<Fact>]
let ``functions that do not depend on their argument have zero derivatives of every order`` () =
    let constant (_: Tensor) = scalar 5.0
    let other = vector [ 1.0; 2.0 ]
    near 0.0 (vector [ 0.0; 0.0 ]) (grad constant other)
    near 0.0 (zeros [ 2; 2 ]) (hessian constant other)
    near 0.0 (vector [ 0.0; 0.0 ]) (hvp constant other other)
    near 0.0 (zeros [ 3; 2 ]) (jacrev (fun _ -> vector [ 1.0; 2.0; 3.0 ]) other)
    near 0.0 (zeros [ 3; 2 ]) (jacfwd (fun _ -> vector [ 1.0; 2.0; 3.0 ]) other)
    near 0.0 (zeros [ 3; 1 ]) (vmap (grad (fun _ -> scalar 1.0)) (normal 1 [| 3; 1 |]))
    twoLevels (fun d e -> nearValue 0.0 0.0 (d (fun x -> e constant x) (scalar 1.0)))
    // Through integers nothing flows.
    nearValue 0.0 0.0 (grad (fun x -> Tensor.cast DType.Float64 (Tensor.cast DType.Int32 (x * 3.0))) (scalar 1.5))

    let ofIntegers: (Tensor -> Tensor) list = [ grad id; (fun n -> fst (jvp id n n)); hessian id ]

    for f in ofIntegers do
        let error = Assert.Throws<ArgumentException>(fun () -> f (Tensor.ofSeq [ 1 ]) |> ignore)
        Assert.Contains("int32", error.Message)
        Assert.Contains("convert it to a floating-point type", error.Message)

// Points without a derivative, and points where a formula has none.

/// Functions of one number with a point, the value there, and the first and second derivatives.
let private points: (string * (Tensor -> Tensor) * float * float * float * float) list =
    let where c (a: Tensor) (b: float) = Tensor.where c a (scalar b)
    let positive (x: Tensor) = Tensor.Greater(x, scalar 0.0)
    let safe (x: Tensor) = where (positive x) x 1.0

    [ "x |x|", (fun x -> x * abs x), 0.0, 0.0, 0.0, 0.0
      "x |x|", (fun x -> x * abs x), -2.0, -4.0, 4.0, -2.0
      "abs", abs, 0.0, 0.0, 0.0, 0.0
      "|x|^3", (fun x -> abs x ** 3.0), 0.0, 0.0, 0.0, 0.0
      "max (x, x)", (fun x -> Tensor.Maximum(x, x)), 2.0, 2.0, 1.0, 0.0
      "max (x, x^2)", (fun x -> Tensor.Maximum(x, x * x)), 1.0, 1.0, 1.5, 1.0
      "min (x, -x)", (fun x -> Tensor.Minimum(x, -x)), 0.0, 0.0, 0.0, 0.0
      "relu", relu, 0.0, 0.0, 0.0, 0.0
      "sqrt", sqrt, 0.0, 0.0, infinity, -infinity
      "sqrt of where", (fun x -> where (positive x) (sqrt (safe x)) 0.0), 0.0, 0.0, 0.0, 0.0
      "log of where", (fun x -> where (positive x) (log (safe x)) 0.0), 0.0, 0.0, 0.0, 0.0
      "1 / where", (fun x -> where (positive x) (1.0 / safe x) 0.0), 0.0, 0.0, 0.0, 0.0
      "sqrt of where, chosen", (fun x -> where (positive x) (sqrt (safe x)) 0.0), 4.0, 2.0, 0.25, -1.0 / 32.0
      "norm", Tensor.norm, 0.0, 0.0, 0.0, 0.0
      "hypot (x, 0)", (fun x -> hypot x (scalar 0.0)), 0.0, 0.0, 0.0, 0.0
      "hypot (x, x)", (fun x -> hypot x x), 0.0, 0.0, 0.0, 0.0
      "std of equals", (fun x -> Tensor.std (Tensor.stack 0 [ x; x ])), 1.0, 0.0, 0.0, 0.0
      "x^0", (fun x -> x ** scalar 0.0), 0.0, 1.0, 0.0, 0.0
      "x^1", (fun x -> x ** scalar 1.0), 0.0, 0.0, 1.0, 0.0
      "x^2", (fun x -> x ** scalar 2.0), 0.0, 0.0, 0.0, 2.0
      "x^3", (fun x -> x ** scalar 3.0), 0.0, 0.0, 0.0, 0.0
      "x^2 by a number", (fun x -> x ** 2.0), 0.0, 0.0, 0.0, 2.0
      "x^3 by a number", (fun x -> x ** 3.0), 0.0, 0.0, 0.0, 0.0
      "x^1.5", (fun x -> x ** scalar 1.5), 0.0, 0.0, 0.0, infinity
      "x^2 of a negative number", (fun x -> x ** scalar 2.0), -3.0, 9.0, -6.0, 2.0
      "0^x", (fun x -> scalar 0.0 ** x), 0.0, 1.0, 0.0, 0.0
      "0^x", (fun x -> scalar 0.0 ** x), 2.0, 0.0, 0.0, 0.0
      "x^x at 1", (fun x -> x ** x), 1.0, 1.0, 1.0, 2.0
      "xlogy (x, x)", (fun x -> xlogy x x), 1.0, 0.0, 1.0, 1.0
      "xlogy (x, 0) at 0", (fun x -> xlogy x (scalar 0.0)), 0.0, 0.0, 0.0, 0.0
      "logAddExp (x, -inf)", (fun x -> logAddExp x (scalar -infinity)), 1.0, 1.0, 1.0, 0.0
      "logAddExp (x, x)", (fun x -> logAddExp x x), 0.0, log 2.0, 1.0, 0.0
      "atan2 (x, 1)", (fun x -> Tensor.Atan2(x, scalar 1.0)), 0.0, 0.0, 1.0, 0.0
      "atan2 (0, x) on the cut", (fun x -> Tensor.Atan2(scalar 0.0, x)), -1.0, Math.PI, 0.0, 0.0
      "atan2 (x, -1) on the cut", (fun x -> Tensor.Atan2(x, scalar -1.0)), 0.0, Math.PI, -1.0, 0.0
      "clamp", Tensor.clamp 0.0 1.0, 1.0, 1.0, 1.0, 0.0
      "x / x", (fun x -> x / x), 1e-100, 1.0, 0.0, 0.0
      "floor", (fun x -> floor x * x), 2.0, 4.0, 2.0, 0.0 ]

[<Fact>]
let ``first and second derivatives at points where formulas fail, in all mixes of modes`` () =
    points
    |> forEach (fun (name, _, x, _, _, _) -> $"{name} at {x}") (fun (_, f, x, value, first, second) ->
        nearValue 1e-15 value (f (scalar x))

        for mode, d in modes do
            let found = d f (scalar x)
            Assert.True(distance [| first |] (floats found) <= 1e-14, $"{mode}: expected {first}, got {found}")

            for inner, e in modes do
                let found = d (e f) (scalar x)
                Assert.True(
                    distance [| second |] (floats found) <= 1e-14,
                    $"{mode} over {inner}: expected {second}, got {found}"
                ))

[<Fact>]
let ``what is not chosen by where needs a safe argument in reverse mode`` () =
    // The pullback multiplies the cotangent 0 by the infinite derivative of the branch that was not chosen; forward mode
    // chooses among finished tangents. The safe form is in the table above.
    let positive (x: Tensor) = Tensor.Greater(x, scalar 0.0)

    for f in
        [ (fun x -> Tensor.where (positive x) (log x) (scalar 0.0))
          (fun x -> Tensor.where (positive x) (sqrt x) (scalar 0.0)) ] do
        nearValue 0.0 0.0 (f (scalar 0.0))
        nearValue 0.0 0.0 (forward f (scalar 0.0))
        nearValue 0.0 nan (grad f (scalar 0.0))
        // checkNumerics finds it.
        Assert.Throws<NonFiniteException>(fun () -> checkNumerics (grad f) (scalar 0.0) |> ignore) |> ignore

[<Fact>]
let ``there is no angle at the origin, and its derivative is NaN`` () =
    for f in [ (fun x -> Tensor.Atan2(x, scalar 0.0)); (fun x -> Tensor.Atan2(scalar 0.0, x)) ] do
        nearValue 0.0 0.0 (f (scalar 0.0))
        for _, d in modes do
            nearValue 0.0 nan (d f (scalar 0.0))

[<Fact>]
let ``mixed second derivatives of powers at the base 0`` () =
    let f (x: Tensor, y: Tensor) = x ** y
    let byExponent x y = grad (fun y -> grad (fun x -> f (x, y)) x) y
    let byBase x y = grad (fun x -> grad (fun y -> f (x, y)) y) x
    // y x^(y-1) -> x^(y-1) (1 + y log x), where the logarithm counts as 0 at the base 0.
    nearValue 0.0 0.0 (byExponent (scalar 0.0) (scalar 3.0))
    nearValue 0.0 0.0 (byBase (scalar 0.0) (scalar 3.0))
    nearValue 0.0 1.0 (byExponent (scalar 0.0) (scalar 1.0))
    nearValue 1e-15 (2.0 + 4.0 * log 2.0) (byExponent (scalar 2.0) (scalar 2.0))
    nearValue 1e-15 (2.0 + 4.0 * log 2.0) (byBase (scalar 2.0) (scalar 2.0))

[<Fact>]
let ``ties of max, min, sort and median`` () =
    let x = vector [ 2.0; 1.0; 2.0; 2.0 ]
    near 1e-15 (vector [ 1.0 / 3.0; 0.0; 1.0 / 3.0; 1.0 / 3.0 ]) (grad Tensor.max x)
    near 0.0 (vector [ 0.0; 1.0; 0.0; 0.0 ]) (grad Tensor.min x)
    near 0.0 (zeros [ 4; 4 ]) (hessian Tensor.max x)
    // Sorting keeps the order of equals: each place has one source.
    let weights = vector [ 1.0; 10.0; 100.0; 1000.0 ]
    near 0.0 (vector [ 10.0; 1.0; 100.0; 1000.0 ]) (grad (fun x -> Tensor.sum (Sorting.sort 0 false x * weights)) x)
    // The median of four is the mean of the second and third in that order.
    near 0.0 (vector [ 0.5; 0.0; 0.5; 0.0 ]) (grad Tensor.median x)
    near 0.0 (vector [ 0.0; 1.0; 0.0 ]) (grad Tensor.median (vector [ 2.0; 2.0; 2.0 ]))
    for f in [ Tensor.max; Tensor.min; Tensor.median ] do
        near 1e-15 (snd (jvp f x weights)) (Tensor.dot (grad f x) weights)

[<Fact>]
let ``norms at 0 have the subgradient 0 to every order`` () =
    let zero = vector [ 0.0; 0.0 ]

    for order in [ 1.0; 1.5; 2.0; 3.0; infinity ] do
        near 0.0 zero (grad (Tensor.normAxes order [ 0 ]) zero)

    near 0.0 (zeros [ 2; 2 ]) (hessian Tensor.norm zero)
    // One element of 0 is no corner.
    near 1e-15 (vector [ 1.0; 0.0 ]) (grad Tensor.norm (vector [ 3.0; 0.0 ]))
    near 1e-15 (rows [ [ 0.0; 0.0 ]; [ 0.0; 1.0 / 3.0 ] ]) (hessian Tensor.norm (vector [ 3.0; 0.0 ]))

// Infinite arguments.

[<Fact>]
let ``logSumExp of infinities shares the derivative among the largest`` () =
    let lse = Tensor.logSumExp [ 0 ]

    for x, value, slope in
        [ [ -infinity; -infinity ], -infinity, [ 0.5; 0.5 ]
          [ infinity; 0.0 ], infinity, [ 1.0; 0.0 ]
          [ infinity; -infinity; infinity ], infinity, [ 0.5; 0.0; 0.5 ]
          [ -infinity; 1.0; 1.0 ], 1.0 + log 2.0, [ 0.0; 0.5; 0.5 ]
          [ 1000.0; -1000.0 ], 1000.0, [ 1.0; 0.0 ] ] do
        let x = vector x
        nearValue 1e-15 value (lse x)
        near 1e-15 (vector slope) (grad lse x)
        near 1e-15 (vector slope) (jacfwd lse x)
        Assert.All(floats (hessian lse x), fun v -> Assert.True(Double.IsFinite v))
        near 1e-15 (hessian lse x) (jacrev (grad lse) x)

    // One line does not disturb another.
    let both = rows [ [ -infinity; -infinity ]; [ 0.0; 0.0 ] ]
    near 1e-15 (rows [ [ 0.5; 0.5 ]; [ 0.5; 0.5 ] ]) (grad (fun x -> Tensor.sum (Tensor.logSumExp [ 1 ] x)) both)
    nearValue 0.0 nan (lse (vector [ nan; 1.0 ]))

[<Fact>]
let ``softmax with masks of minus infinity has finite derivatives of every order`` () =
    let x = vector [ 1.0; -infinity; 1.0 ]
    near 1e-15 (vector [ 0.5; 0.0; 0.5 ]) (Tensor.softmax 0 x)
    let picked (x: Tensor) = Tensor.dot (Tensor.softmax 0 x) (vector [ 1.0; 2.0; 3.0 ])
    near 1e-15 (vector [ -0.5; 0.0; 0.5 ]) (grad picked x)
    near 1e-15 (vector [ -0.5; 0.0; 0.5 ]) (jacfwd picked x)
    near 1e-15 (zeros [ 3; 3 ]) (hessian picked x)
    near 1e-15 (vector [ 0.5; 0.0; -0.5 ]) (grad (fun x -> (Tensor.logSoftmax 0 x)[0]) x)
    Assert.All(floats (hessian (fun x -> (Tensor.logSoftmax 0 x)[0]) x), fun v -> Assert.True(Double.IsFinite v))
    // The mask as a constant that is added, as in attention.
    let masked (x: Tensor) =
        Tensor.dot (Tensor.softmax 0 (x + vector [ 0.0; -infinity; 0.0 ])) (vector [ 1.0; 2.0; 3.0 ])
    near 1e-15 (vector [ -0.5; 0.0; 0.5 ]) (checkNumerics (grad masked) (vector [ 1.0; 7.0; 1.0 ]))
    // Where everything is masked there are no probabilities.
    Assert.All(floats (Tensor.softmax 0 (vector [ -infinity; -infinity ])), fun v -> Assert.True(Double.IsNaN v))

// Matrices.

[<Fact>]
let ``the determinant of singular matrices has the cofactors as its derivative`` () =
    // Rank n - 1: the one cofactor that is not 0.
    near 1e-14 (rows [ [ 4.0; -3.0 ]; [ -2.0; 1.5 ] ] * 1.0) (grad Linalg.det (rows [ [ 1.5; 2.0 ]; [ 3.0; 4.0 ] ]))
    let diagonal (values: float list) = eye values.Length * vector values

    for n in 2..6 do
        let one = diagonal [ for i in 0 .. n - 1 -> if i = 1 then 0.0 else 2.0 ]
        let cofactor = diagonal [ for i in 0 .. n - 1 -> if i = 1 then 2.0 ** float (n - 1) else 0.0 ]

        for _, d in [ "reverse", grad Linalg.det; "forward", jacfwd Linalg.det ] do
            near 1e-12 cofactor (d one)
            // Rank n - 2, which is 0 for n = 2.
            near 0.0 (zeros [ n; n ]) (d (diagonal [ for i in 0 .. n - 1 -> if i < 2 then 0.0 else 2.0 ]))

        // The second derivative along a direction at rank n - 1: d^2/ds^2 det (A + s D), by central differences.
        let direction = normal n [| n; n |]
        let along (step: Tensor) = Linalg.det (one + direction * step)
        let h = 1e-3
        let numeric =
            (float (along (scalar h)) - 2.0 * float (along (scalar 0.0)) + float (along (scalar -h))) / (h * h)
        for _, d in modes do
            nearValue 1e-4 numeric (d (grad along) (scalar 0.0))

[<Fact>]
let ``second derivatives of the inverse, the Cholesky factor and solutions equal closed forms`` () =
    let a = normal 1 [| 3; 3 |] * 0.3 + eye 3 * 2.0
    let v, w = normal 2 [| 3; 3 |], normal 3 [| 3; 3 |]
    let ( *@ ) = Tensor.matmul
    let second f = snd (jvp (fun x -> snd (jvp f x v)) a w)
    let i = Linalg.inverse a
    near 1e-13 (i *@ v *@ i *@ w *@ i + i *@ w *@ i *@ v *@ i) (second Linalg.inverse)
    // L L^T = S differentiated twice: L'' L^T + L' L'^T + L' L'^T + L L''^T = 0 along a straight line.
    let s = a *@ t a
    let along (step: Tensor) = Linalg.cholesky (s + (v + t v) * step)
    let l, l1 = along (scalar 0.0), forward along (scalar 0.0)
    let l2 = forward (forward along) (scalar 0.0)
    let product = l2 *@ t l + l1 *@ t l1 * 2.0 + l *@ t l2
    near 1e-12 (zeros [ 3; 3 ]) product
    near 0.0 (zeros [ 1 ]) (Tensor.flatten l2[0..0, 2..2])

    for _, d in modes do
        for _, e in modes do
            nearValue 1e-11 (float (Tensor.sum l2)) (d (e (along >> Tensor.sum)) (scalar 0.0))

    CheckGrads.Check Linalg.inverse a
    CheckGrads.Check Linalg.cholesky s
    CheckGrads.Check (fun (a, b) -> Linalg.solve a b) (a, v)

[<Fact>]
let ``symmetric functions of equal eigenvalues and singular values have right derivatives`` () =
    let ( *@ ) = Tensor.matmul
    let q, _ = Linalg.qr (normal 4 [| 4; 4 |])

    for values in [ [ 2.0; 2.0; 2.0; 2.0 ]; [ 1.0; 1.0; 3.0; 3.0 ]; [ 0.0; 0.0; 0.0; 5.0 ] ] do
        let x = q * vector values *@ t q
        let of' f = grad (fun x -> Tensor.sum (f (fst (Linalg.eigh x)))) x
        near 1e-12 (eye 4) (of' id)
        near 1e-12 (2.0 * x) (of' square)
        near 1e-12 (Linalg.expm x) (of' exp)
        // Each value alone has a derivative that is a projection of trace 1, whichever vector was found.
        let one = grad (fun x -> (fst (Linalg.eigh x))[3]) x
        nearValue 1e-12 1.0 (Linalg.trace one)
        near 1e-12 one (one *@ one)
        near 1e-12 (2.0 * x) (grad (fun x -> Tensor.sum (square (Linalg.singularValues x))) x)

    // The second derivative of the sum of squares is 2 where the eigenvalues differ.
    let apart = q * vector [ 1.0; 2.0; 4.0; 8.0 ] *@ t q
    let v = normal 5 [| 4; 4 |]
    near 1e-11 (v + t v) (hvp (fun x -> Tensor.sum (square (fst (Linalg.eigh x)))) apart v)

[<Fact>]
let ``the nuclear norm has a subgradient at equal and at vanishing singular values`` () =
    let nuclear = Linalg.matrixNorm MatrixNorm.Nuclear
    let ( *@ ) = Tensor.matmul
    let q, _ = Linalg.qr (normal 6 [| 3; 3 |])
    // All equal: the derivative is the orthogonal factor.
    near 1e-12 q (grad nuclear (q * 2.0))
    let column, row = normal 7 [| 3; 1 |], normal 8 [| 1; 3 |]

    for x in [ column *@ row; zeros [ 3; 3 ]; zeros [ 3; 2 ] ] do
        let g = grad nuclear x
        // A subgradient has the spectral norm 1 at most, and gives the norm back.
        Assert.True(float (Linalg.matrixNorm MatrixNorm.Spectral g) <= 1.0 + 1e-12)
        nearValue 1e-12 (float (nuclear x)) (Tensor.sum (g * x))

[<Fact>]
let ``the product with the Hessian at a saddle`` () =
    let saddle (x: Tensor) = x[0] * x[0] - x[1] * x[1] + 3.0 * x[0] * x[1]
    let at = vector [ 0.0; 0.0 ]
    near 0.0 at (grad saddle at)
    near 0.0 (rows [ [ 2.0; 3.0 ]; [ 3.0; -2.0 ] ]) (hessian saddle at)
    near 0.0 (vector [ 8.0; -1.0 ]) (hvp saddle at (vector [ 1.0; 2.0 ]))
    // A direction of negative curvature.
    Assert.True(float (Tensor.dot (vector [ 0.0; 1.0 ]) (hvp saddle at (vector [ 0.0; 1.0 ]))) < 0.0)
    // The monkey saddle has no second derivative, and a third.
    let monkey (x: Tensor) = x[0] ** 3.0 - 3.0 * x[0] * x[1] * x[1]
    near 0.0 (zeros [ 2; 2 ]) (hessian monkey at)
    near 0.0 (vector [ 6.0; 0.0 ]) (grad (fun x -> (hessian monkey x)[0, 0]) at)
