(**
# The core, step by step

Tensors, functions of them, and transformations of those functions: derivatives, batching, programs. You need F# or C#
and some calculus, and in half an hour meet every idea of the core. This page is the script `docs/core.fsx` with what it
prints: `dotnet fsi build.fsx docs` runs the one and writes the other, and the tests do not pass while they differ.
Send the steps to F# Interactive, and change them.

C# has the same operations as static methods and as methods of `Tensor`, and the same transformations under the same words:
`grad f` is `Gradient.Of(f)`, `vmap f` is `Vmap.Of(f)`, `stage f` is `Stage.Of(f)`.
*)
#r "../src/Examples/bin/Release/net10.0/MathNet.Numerics.dll"
#r "../src/Examples/bin/Release/net10.0/Autodiff.Kernels.dll"
#r "../src/Examples/bin/Release/net10.0/Autodiff.Core.dll"

open System
open Autodiff
open Autodiff.Numerics

/// Prints a value with its name; a matrix below it.
let show name value =
    let text = string (box value)
    printfn "%s:%s%s" name (if text.Contains '\n' then "\n" else " ") text
(**
## Tensors

A tensor is an immutable array of numbers with any number of axes. The values decide its element type: `1.0` makes float64,
`1.0f` float32, `1` int32. What is made without values (zeros, ones, random numbers) is float32.
*)
let v = Tensor.ofSeq [ 1.0; 2.0; 3.0 ]
let m = Tensor.ofRows [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ]

show "v" v
show "m" m
printfn "m has shape %A and type %A" m.Shape m.DType
show "a scalar" (Tensor.scalar 0.5)
show "zeros" (Tensor.zeros [ 2; 2 ])
show "linspace" (Tensor.linspace 0.0 1.0 5)
show "whole numbers" (2.0 * Tensor.ofSeq [ 1; 2; 3 ])
(**
Operators work on elements. Shapes that differ are *broadcast*: matched from the last axis, where a missing axis or one of
length 1 stretches to the other's length. A plain number takes the type of the tensor it meets, in comparisons and choices as in
arithmetic; in F# it is a `float`, as in `x + 1.0`. Of two tensors of different types the result has the one that holds both. `Tensor.cast` converts, `Tensor.reshape` arranges the same elements anew.
*)
show "m + v, to each row" (m + v)
show "m - column" (m - Tensor.reshape [ 2; 1 ] (Tensor.ofSeq [ 1.0; 4.0 ]))
show "2 m - 1" (2.0 * m - 1.0)
printfn "int32 + float64 is %A" (Tensor.ofSeq [ 1; 2; 3 ] + v).DType
show "v / 2 as int32" (Tensor.cast DType.Int32 (v / 2.0))
(**
There are ten types: bool, five of integers, float16, bfloat16, float32 and float64. A plain number never widens a float, and
an integer grows rather than wraps where the number does not fit; sums of integers are int64. The two short floats are for
storing: they compute as float32 and round once. `docs/dtypes.md` has the whole table.
*)
let bytes = Tensor.ofSeq [ 200uy; 100uy ]
printfn "uint8 * -1 is %A, its sum %A" (bytes * -1.0).DType (Tensor.sum bytes).DType
printfn "float16 * 2.5 is %A" (Tensor.cast DType.Float16 v * 2.5).DType
show "1/3 as bfloat16" (Tensor.cast DType.BFloat16 (Tensor.scalar (1.0 / 3.0)))
(**
Positions count from 0, and from -1 backwards. Slices are F#'s, with both ends included; they are views, not copies.
*)
show "m[0]" m[0]
show "m[-1, 0]" m[-1, 0]
show "m[*, 1..]" m[*, 1..]
show "where m is over 2" (Tensor.mask (Tensor.Greater(m, 2.0)) m)
(**
Reductions and products are named as in NumPy; axes are named by number. `Tensor.toArray` takes the numbers back out, and
`float` takes the value of a tensor with one element.
*)
show "sum" (Tensor.sum m)
show "sum over axis 0" (Tensor.sumAxes [ 0 ] m)
show "argmax of each row" (Tensor.argmax 1 m)
show "m mᵀ" (Tensor.matmul m (Tensor.transpose m))
show "einsum, the same" (Linalg.einsum "ij,kj->ik" [ m; m ])
printfn "as an array %A, its mean %.1f" (Tensor.toArray<float> v) (float (Tensor.mean v))
(**
## Functions of tensors

A function of tensors is an ordinary function. F#'s `sin`, `exp`, `sqrt`, `tanh`, `abs` and `**` work on tensors as they do
on numbers, and `Tensor.Pow(2.0, x)` is a power of a number; `sigmoid`, `erf`, `softplus`, `lgamma` and others are there
besides. Nothing is declared or registered: pipe, compose, close over values, recurse. Write `(x: Tensor)` where nothing else
tells the type: F# takes arithmetic on an unknown type for arithmetic on numbers.
*)
let gaussian (x: Tensor) = exp (-x * x / 2.0) / sqrt (2.0 * Math.PI)
let distribution (x: Tensor) = x |> gaussian |> fun y -> y / Tensor.sum y

show "distribution" (distribution (Tensor.linspace -2.0 2.0 5))
(**
## Gradients

`grad f` is the function that gives the derivatives of a scalar function with respect to all elements of its argument at once,
in about the time of a few evaluations of f, however many elements there are. For f(x) = Σ xᵢ³ it is 3 xᵢ².
*)
let cubes (x: Tensor) = Tensor.sum (x ** 3.0)

show "f" (cubes v)
show "grad f" (grad cubes v)
(**
Arguments are *trees*: records, tuples, lists, arrays, maps and unions of tensors, nested as you like. The gradient has the
type of the argument, so that a model is a record, its gradient is a record, and a step of descent maps over both.
Parts that are not tensors, such as a name, are carried along.

A model is a pipeline of functions that takes its parameters first. Here is a line, 2x + 1, to be found again from points:
the loss is mean ((a x + b - y)²).
*)
type Line = { Name: string; Slope: Tensor; Intercept: Tensor }

let predict line (x: Tensor) = line.Slope * x + line.Intercept
let xs = Tensor.linspace -1.0 1.0 21
let ys = 2.0 * xs + 1.0
let meanSquare (expected: Tensor) (found: Tensor) = Tensor.mean (square (found - expected))
let loss line = xs |> predict line |> meanSquare ys

let start = { Name = "line"; Slope = Tensor.scalar 0.0; Intercept = Tensor.scalar 0.0 }
let value, slope = valueAndGrad loss start
printfn "loss %.4f; its gradient is the record\n%O" (float value) slope

let descend line = Tree.map2 (fun p g -> p - 0.5 * g) line (grad loss line)
let trained = Seq.fold (fun line _ -> descend line) start [ 1..60 ]
printfn "after 60 steps: %.4f x + %.4f" (float trained.Slope) (float trained.Intercept)
(**
## Forward mode, reverse mode

For a function of many inputs and outputs the derivative at x is a matrix J, the Jacobian. Neither mode forms it.

`jvp f x t` is forward mode: f(x) together with J t, the change of the result as x moves along the *tangent* t. `vjp f x` is
reverse mode: f(x) and the *pullback*, which carries a *cotangent* c of the result back to Jᵀ c. `grad` is the
pullback of 1. Either costs a small multiple of f; from a tangent of one 1 and zeros forward mode gives a column of J, from
such a cotangent reverse mode gives a row. For polar coordinates (r, φ) ↦ (r cos φ, r sin φ):
*)
let polar (p: Tensor) = Tensor.stack 0 [ p[0] * cos p[1]; p[0] * sin p[1] ]
let at = Tensor.ofSeq [ 2.0; Math.PI / 6.0 ]
let t, c = Tensor.ofSeq [ 0.0; 1.0 ], Tensor.ofSeq [ 1.0; 1.0 ]

let _, moved = jvp polar at t
let _, pullback = vjp polar at
printfn "J t  = %O" moved
printfn "Jᵀ c = %O" (pullback c)
printfn "c·J t = %.4f = %.4f = t·Jᵀ c" (float (Tensor.dot c moved)) (float (Tensor.dot t (pullback c)))
(**
`linearize f x` runs f once and gives J itself, as a function that does not run f again: for many tangents at one point.
*)
let chatty x =
    printfn "  (f runs)"
    sin x * x

let _, push = linearize chatty v
show "J e₀" (push (Tensor.ofSeq [ 1.0; 0.0; 0.0 ]))
show "J e₂" (push (Tensor.ofSeq [ 0.0; 0.0; 1.0 ]))
(**
A function that is linear is its own J, and `linearTranspose f x` is its transpose, for which x gives only the shape. The
transpose of differences along a vector takes a change of each to a change of its two ends.
*)
let differences (x: Tensor) = x[1..] - x[.. x.Size - 2]
show "transposed differences" (linearTranspose differences v (Tensor.ofSeq [ 1.0; 10.0 ]))
(**
## Nesting

What a transformation returns is a function, to be transformed again; each order costs a small multiple of the one before.
The derivatives of sin are cos, -sin, -cos and sin:
*)
let rec derivative n (f: Tensor -> Tensor) = if n = 0 then f else derivative (n - 1) (grad f)

for n in 0..4 do
    printfn "derivative %d of sin at 1: %7.4f" n (float (derivative n sin (Tensor.scalar 1.0)))
(**
Nesting for the n-th derivative does twice the work for each order. `derivatives f x n` takes all orders in one run, by Taylor
mode, where the work grows as n²; `jet` does so along any curve through x, given by its own derivatives.
*)
printfn "%s" (derivatives sin (Tensor.scalar 1.0) 4 |> List.map (fun y -> $"{float y:F4}") |> String.concat ", ")

// Along the parabola t ↦ (t, t²), whose derivatives at 0 are (1, 0) and (0, 2), x y is t³.
let product (x: Tensor, y: Tensor) = x * y
let curve =
    [ Tensor.scalar 1.0, Tensor.scalar 0.0
      Tensor.scalar 0.0, Tensor.scalar 2.0
      Tensor.scalar 0.0, Tensor.scalar 0.0 ]
let _, along = jet product (Tensor.scalar 0.0, Tensor.scalar 0.0) curve
printfn "t³: %s" (along |> List.map (fun y -> $"{float y:F0}") |> String.concat ", ")
(**
Each transformation that starts takes the next *level*, and each tensor that is being differentiated knows its level; an
operation is handed to the highest level among its inputs, which sees all lower ones as constants. That is what keeps an
inner derivative from taking the outer variable's tangent for its own, the error called perturbation confusion:
d/dx (x · d/dy (x + y)) is 1, since the inner derivative is 1, while a system that confuses x and y answers 2.
*)
let d f x = snd (jvp f x (Tensor.onesLike x))
let one = Tensor.scalar 1.0

show "forward in forward" (d (fun x -> x * d (fun y -> x + y) one) one)
show "reverse in reverse" (grad (fun x -> x * grad (fun y -> x + y) one) one)
show "reverse in forward" (d (fun x -> x * grad (fun y -> x + y) one) one)
show "forward in reverse" (grad (fun x -> x * d (fun y -> x + y) one) one)
(**
## Batching

`vmap f` applies f, written for one example, to all examples along the first axis of every tensor of the argument. There is no
loop: each operation runs once, on all of them. Inside, a tensor has the shape of one example.
*)
let a = Tensor.ofRows [ [ 2.0; 1.0 ]; [ 1.0; 3.0 ] ]

let quadratic (x: Tensor) =
    printfn "  (x has shape %A)" x.Shape
    Tensor.dot x (Tensor.matmul a x)

let points = Tensor.ofRows [ [ 1.0; 0.0 ]; [ 0.0; 1.0 ]; [ 1.0; 1.0 ] ]
show "xᵀ A x of three points" (vmap quadratic points)
(**
The gradient of a loss is a mean over examples; `vmap (grad ...)` gives the gradient of each, here one record with an entry for
every point, whose mean is the gradient from above. `vmapWith` names the axes; a tensor with `None` is the same for all
examples.
*)
let squaredError line (x: Tensor, y: Tensor) = square (predict line x - y)
let perExample = vmap (fun example -> grad (fun line -> squaredError line example) start) (xs, ys)
printfn "shape %A; mean of the slopes %.4f" perExample.Slope.Shape (float (Tensor.mean perExample.Slope))

show "one matrix, each point" (vmapWith [ None; Some 0 ] 0 (fun (a, x) -> Tensor.matmul a x) (a, points))
(**
## Jacobians and Hessians

`jacfwd` pushes a basis of tangents through f, all in one batch; `jacrev` pulls a basis of cotangents back. Prefer the first for
functions with few inputs, the second for those with few outputs. The shape is that of f x followed by that of x.
*)
show "jacfwd polar" (jacfwd polar at)
show "jacrev polar" (jacrev polar at)
printfn "of a function from (2, 3) to (3): %A" (jacrev (Tensor.sumAxes [ 0 ]) m).Shape
(**
`hessian` holds the second derivatives of a scalar function: forward over reverse mode. `hvp f x t` is the Hessian times t
without the Hessian, for the price of a few gradients. Rosenbrock's valley, Σ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²:
*)
let rosenbrock (x: Tensor) =
    let head, tail = x[.. x.Size - 2], x[1..]
    Tensor.sum (100.0 * square (tail - square head) + square (1.0 - head))

let h = hessian rosenbrock v
show "H" h
show "H t" (Tensor.matmul h v)
show "hvp" (hvp rosenbrock v v)
(**
For fields there are `laplacian`, the trace of the Hessian, which is not formed, `divergence` and `curl`. They take one point;
`vmap` takes them to many.
*)
show "Δ |x|²" (laplacian (fun x -> Tensor.sum (square x)) v)
let whirl (p: Tensor) = Tensor.stack 0 [ -p[1]; p[0]; p[2] ]
show "div" (divergence whirl v)
show "curl" (curl whirl v)
(**
Solvers and factorizations are operations as any other. The gradient of log |det A| is A⁻ᵀ, and that of a solution of
A x = b is found by solving with Aᵀ, not by following the elimination.
*)
show "∇ log |det A|" (grad (fun a -> snd (Linalg.slogdet a)) a)
show "A⁻¹, here symmetric" (Linalg.inverse a)
show "∇ of Σ A⁻¹ b by b" (grad (fun b -> Tensor.sum (Linalg.solve a b)) (Tensor.ofSeq [ 1.0; 2.0 ]))
(**
Complex results are pairs of real and imaginary parts: eigenvalues of matrices that are not symmetric, and Fourier transforms.
A quarter turn has the eigenvalues ±i; a cosine of two periods has its power at frequency 2.
*)
let re, im = Linalg.eigvals (Tensor.ofRows [ [ 0.0; -1.0 ]; [ 1.0; 0.0 ] ])
printfn "eigenvalues: real %O, imaginary %O" (abs re) im
let signal = cos (Tensor.linspace 0.0 (3.5 * Math.PI) 8)

let power (x: Tensor) =
    let re, im = Signal.rfft 0 x
    square re + square im

show "power" (Tensor.Round(power signal))
let atTwo x = let p = power x in p[2]
show "∇ of the power at 2" (Tensor.Round(grad atTwo signal) + 0.0)
(**
## Programs

`stage f x` runs f once on variables that have a shape and a type but no value, and writes down what it does. The result is a
program: it prints, and runs on any argument of the same shapes. Arrays that f uses become constants: `<float64(3)>` below
is the cotangent 1 of each element. The program of a gradient is one like any other, since derivatives are made of
the same operations.
*)
let wave (x: Tensor) = Tensor.sum (sin x * x)

printfn "%O\n" (stage wave v)
printfn "%O\n" (stage (grad wave) v)
show "run on another vector" ((stage (grad wave) v).Invoke(Tensor.ofSeq [ 0.0; 0.5; 1.0 ]))
(**
`(stage f x).Program.ToGraphviz()` is the same as a graph, to be drawn.

## Compiled functions

`jit f` does as f does, as a program: at its first call for certain shapes f is staged, equal equations become one, operations
on elements are fused into single passes over memory, and later calls run that program without f. It pays where a function
is called again and again, as a step of training is: chains of operations on elements gain most, small tensors gain the work
around operations, a single large matrix product gains nothing. The first call costs some tens of milliseconds.
*)
let mutable runs = 0

let counted (x: Tensor) =
    runs <- runs + 1
    grad wave x

let compiled = jit counted
for x in [ v; 2.0 * v; 3.0 * v ] do
    compiled x |> ignore

printfn "%d run of f for three calls" runs
show "the same" (compiled v - grad wave v)
show "and its derivative" (vmap (grad (compiled >> Tensor.sum)) (Tensor.stack 0 [ v; v ]))
(**
What f may not do is what a program cannot: branch on values, or depend on what changes outside. A number that it closes over
is what it was at the first call. Pass in what changes, and keep the compiled function: each `jit f` compiles anew.

## Branches and loops

Where values are known, `if` and `for` are all you need: a derivative follows the way that was taken. Within a program and
within `vmap` there is no value to branch on. There `Tensor.where` chooses between elements, and four functions
choose and repeat; all of them differentiate, batch and nest.

`cond` runs one of two functions. Staged, it is one operation that holds two programs:
*)
let rectified (x: Tensor) = cond (Tensor.Greater(x, 0.0)) sin (fun x -> x * 0.1) x

printfn "%O\n" (stage rectified one)
show "derivatives" (vmap (grad rectified) (Tensor.ofSeq [ -1.0; 0.0; 1.0 ]))
(**
`scan` carries a state along the first axis and stacks what each step gives. A running average m ← 0.8 m + 0.2 x:
*)
let smooth (x: Tensor) =
    let step (m: Tensor) (x: Tensor) = let next = 0.8 * m + 0.2 * x in next, next
    snd (scan step (Tensor.scalar 0.0) x)

let steps = Tensor.ofSeq [ 1.0; 1.0; 1.0; 0.0; 0.0 ]
show "smooth" (smooth steps)
show "how the last depends on each" (grad (fun x -> (smooth x)[-1]) steps)
(**
`foriLoop` makes a fixed number of steps, `whileLoop` goes on while a condition holds. Both find √x by Newton's rule
y ← (y + x / y) / 2, and both differentiate to 1 / (2 √x):
*)
let better (x: Tensor) (y: Tensor) = (y + x / y) * 0.5
let fixedNumber x = foriLoop 0 6 (fun _ y -> better x y) x

let untilDone x = whileLoop (fun y -> Tensor.Greater(abs (y * y - x), 1e-10)) (better x) x

let two = Tensor.scalar 2.0
printfn "foriLoop  %.6f  derivative %.6f" (float (fixedNumber two)) (float (grad fixedNumber two))
printfn "whileLoop %.6f  derivative %.6f" (float (untilDone two)) (float (grad untilDone two))
show "many at once, each with its own number of steps" (vmap (grad untilDone) (Tensor.ofSeq [ 0.25; 1.0; 4.0; 100.0 ]))
(**
## Less memory

Reverse mode keeps what the way back needs. `checkpoint f` keeps only the argument of f, and computes the rest again on the
way back: the same gradient, for less memory and one more evaluation.
*)
let layer x = sin (exp (tanh x))
let deep block (x: Tensor) = x |> block |> block |> block |> Tensor.sum

show "kept" (grad (deep layer) v)
show "computed again" (grad (deep (checkpoint layer)) v)
(**
## Rules of your own

`stopGradient` makes a constant of a value. `customJvp f rule` is f with a tangent that a rule gives; reverse mode transposes
the rule. The derivative of log (1 + eˣ) is eˣ / (1 + eˣ), which is ∞ / ∞ for a large x, but tends to 1. (The value needs
the same care; `softplus` takes it of both.)
*)
let naive (x: Tensor) = log (1.0 + exp x)
let mended = customJvp naive (fun x _ t -> t * sigmoid x)
let far = Tensor.ofSeq [ 0.0; 10.0; 1000.0 ]

show "x · constant x" (grad (fun x -> Tensor.sum (x * stopGradient x)) v)
show "naive" (vmap (grad naive) far)
show "mended" (vmap (grad mended) far)
(**
`customVjp f forward backward` gives a pullback instead: `forward` returns the value and what `backward` wants to know. This
identity lets no cotangent beyond ±1 through, as one clips gradients within a recurrent network.
*)
let clipped (x: Tensor) = customVjp id (fun x -> x, ()) (fun () ct -> Tensor.clamp -1.0 1.0 ct) x

show "plain" (grad (fun x -> Tensor.sum (square x)) v)
show "clipped" (grad (fun x -> Tensor.sum (square (clipped x))) v)
(**
## Random numbers

There is no global generator. A `Key` is a value; drawing from it twice gives the same numbers, and independent ones come from
new keys: `FoldIn` makes one for a step, layer or example by its number, which may be the counter of a `scan` or, for `vmap`,
a vector of numbers; `Split` makes several. A seed gives the same bits for any number of threads and any vector width.
*)
let key = Key 42

show "normal" (key.Normal [| 3 |])
show "again" (key.Normal [| 3 |])
show "step 1" ((key.FoldIn 1).Normal [| 3 |])
show "uniform on [5, 6)" (key.Uniform([| 3 |], 5.0, 6.0, DType.Float64))
show "a permutation" (key.Permutation 6)
(**
The gradient with respect to a parameter of a distribution goes through what is drawn, when a sample is a function of the
parameter and of noise (reparameterization): for x = μ + σ ε the derivative of E x² with respect to σ is 2σ.
*)
let noise = key.Normal([| 100_000 |], dtype = DType.Float64)
let secondMoment (sigma: Tensor) = Tensor.mean (square (1.0 + sigma * noise))
printfn "sampled %.2f, exactly 6" (float (grad secondMoment (Tensor.scalar 3.0)))
(**
A gamma variable is drawn by rejection, and is still a function of its concentration: its derivative is the one that
keeps the probability of what lies below. The mean of a gamma variable is its concentration, so that the mean of these
derivatives is 1. Beta, Dirichlet, Student's t and χ² variables have theirs from it.
*)
let concentration = Tensor.scalar 2.5
let mean (c: Tensor) = Tensor.mean (key.Gamma([| 100_000 |], c))
printfn "mean %.2f, its derivative %.2f" (float (mean concentration)) (float (grad mean concentration))
(**
## Minima, differential equations, implicit functions

`Autodiff.Numerics` builds on the transformations, and takes trees as they do. `minimize` searches by Bfgs, Lbfgs, NewtonCg or
GradientDescent, and says why it ended; `levenbergMarquardt` is for sums of squares.
*)
let found = minimize MinimizeMethod.Bfgs MinimizeOptions.Default rosenbrock (Tensor.ofSeq [ -1.2; 1.0; 1.0 ])
printfn "minimum at %O, converged: %b" (Tensor.Round(found.Parameters * 1e4) / 1e4) found.Converged
(**
`odeint` solves y' = f(t, y), with steps chosen for an error that you allow. The solution is a function of everything that f
uses: for x'' = -ω² x from (1, 0), which is cos ωt, the derivative with respect to ω is -t sin ωt. `odeintAdjoint` takes what it
differentiates by as an argument, as in f(t, y, network), and its memory does not grow with the steps: a second equation,
backward in time, gives the derivatives.
*)
let spring (omega: Tensor) =
    let slope _ (x: Tensor, speed: Tensor) = speed, -omega * omega * x
    let x, _ = odeint OdeOptions.Default slope (Tensor.scalar 1.0, Tensor.scalar 0.0) 0.0 2.0
    x

printfn "x(2) = %.4f, cos 3 = %.4f" (float (spring (Tensor.scalar 1.5))) (cos 3.0)
printfn "dx/dω = %.4f, -2 sin 3 = %.4f" (float (grad spring (Tensor.scalar 1.5))) (-2.0 * sin 3.0)
(**
The solution of an equation is a function of its parameters, and its derivative is that of the equation (the implicit function
theorem), however it was found. `root` is for f(p, x) = 0, `fixedPoint` for x = f(p, x), `implicitRoot` takes a solver
of yours; what they differentiate by is passed as p, not closed over. Kepler's equation E = M + e sin E has dE/de = sin E / (1 - e cos E):
*)
let anomaly e = fixedPoint RootOptions.Default (fun (e: Tensor) (x: Tensor) -> 1.0 + e * sin x) one e
let e = 0.3
let E = float (anomaly (Tensor.scalar e))
printfn "E = %.6f" E
printfn "dE/de = %.6f = %.6f" (float (grad anomaly (Tensor.scalar e))) (sin E / (1.0 - e * cos E))
(**
## Checking derivatives

`CheckGrads.Check f x` compares the derivatives of f with differences of its values: forward mode along random directions,
reverse against forward mode, and both again at second order. It returns in silence, or raises an error that says what
disagrees, with both derivatives. It is for your tests, above all those of rules of your own. Here one is wrong by a factor:
*)
let attempt action =
    try
        action ()
        printfn "all is well"
    with error ->
        printfn "%s: %s" (error.GetType().Name) (error.Message.Split('\n')[0])

let wrong (x: Tensor) = customJvp sin (fun x _ t -> 0.5 * t * cos x) x
attempt (fun () -> CheckGrads.Check wave v)
attempt (fun () -> CheckGrads.Check wrong (Tensor.scalar 1.0))
(**
## Finding what is wrong, and what is slow

`checkNumerics f` fails where a NaN or an infinity first appears, also within a derivative, and says which operation made it,
in whose rule, and on which line of yours. (The error's message has them in one sentence.)
*)
let root (x: Tensor) = Tensor.sum (sqrt (x * x))

try
    checkNumerics (grad root) (Tensor.ofSeq [ 1.0; 0.0 ]) |> ignore
with :? NonFiniteException as error ->
    printfn "%s, in the derivative of %s" error.Operation error.Rule
(**
`profile f x` gives f x and a report of where the time went. Printed, it is a table with the time, share, GFLOP/s and GB/s of
each operation; `SaveTrace` writes a file for ui.perfetto.dev. Compiled functions are seen equation by equation, fused ones
with the names of their parts; what no tensor of x reaches is not seen. Here are the parts that do not depend on the machine:
*)
let measured name f =
    let _, report = profile f (Tensor.ones [ 64; 64 ])
    printfn "%s" name
    for row in report.GroupBy((fun e -> e.Name), ProfileOrder.Name) do
        printfn "  %-30s %d x, %6.0f operations, %6.0f bytes" row.Name row.Count row.Flops row.Bytes

let energy (x: Tensor) = Tensor.sum (exp (-(Tensor.matmul x x)) * x)
let compiledEnergy = jit energy
compiledEnergy (Tensor.ones [ 64; 64 ]) |> ignore
measured "as it is" energy
measured "compiled" compiledEnergy
(**
## At the edges

Values follow IEEE arithmetic: log 0 is -∞, 0 / 0 is NaN, and NaN goes on through sums and maxima. Where a function has no
derivative, the convention is that of its documentation: 0 at the kink of `abs` and `relu`; ties of a maximum share
equally; the one-sided limit, which may be infinite, where there is a vertical slope.
*)
let zero = Tensor.scalar 0.0
show "abs' 0" (grad abs zero)
show "relu' 0" (grad relu zero)
show "√' 0" (grad sqrt zero)
show "‖x‖' at 0" (grad Tensor.norm (Tensor.ofSeq [ 0.0; 0.0 ]))
show "max' at a tie" (grad Tensor.max (Tensor.ofSeq [ 2.0; 1.0; 2.0 ]))
show "max with NaN" (Tensor.max (Tensor.ofSeq [ 1.0; nan; 3.0 ]))
show "sum of nothing" (Tensor.sum (Tensor.zeros [ 0 ]))
(**
One trap is common to all systems of this kind. `Tensor.where` computes both sides, and the side that is not chosen gets the
cotangent 0; but 0 times an infinite derivative is NaN. Choose the argument, too, so that both sides are computed
where they are smooth.
*)
let isPositive (x: Tensor) = Tensor.Greater(x, 0.0)
let trap x = Tensor.where (isPositive x) (sqrt x) x
let safe x = Tensor.where (isPositive x) (sqrt (Tensor.where (isPositive x) x (Tensor.onesLike x))) x

show "trap' 0" (grad trap zero)
show "safe' 0" (grad safe zero)
(**
## When something is wrong

Errors name the operation, what it got, and what to do. They come from the shape rules, so that they come where the mistake is,
also within transformations.
*)
attempt (fun () -> m + Tensor.ofSeq [ 1.0; 2.0 ] |> ignore)
attempt (fun () -> grad (Tensor.matmul m) v |> ignore)
attempt (fun () -> vmap (fun (x: Tensor) -> if float x > 0.0 then x else -x) v |> ignore)
attempt (fun () -> grad cubes (Tensor.ofSeq [ 1; 2; 3 ]) |> ignore)
(**
## Where to go on

`src/Examples/scripts/compose.fsx` trains a network of plain functions, `hmc.fsx` beside it samples from a posterior with chains
side by side in one compiled loop. The optimizers and schedules of `Autodiff.Layers` take records of F# as they are:
`let struct (model, state) = optimizer.Update(slope, state, model)`, also inside `jit`. `ARCHITECTURE.md` says how all this
works: how a primitive holds its rules, and how a transformation is a small interpreter of primitives. `CONTRIBUTING.md` says
how to add to it. Every public function has its mathematics, shapes, errors and conventions in its documentation, which your
editor shows.
*)
