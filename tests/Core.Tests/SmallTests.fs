/// What takes a short way because it is small: numbers, short arrays, compiled functions of one loop.
module Core.Tests.SmallTests

open System.Threading.Tasks
open Autodiff
open Core.Tests.Common
open Xunit

let private bitsOf (x: Tensor) = System.BitConverter.DoubleToInt64Bits(x.ToDouble())

[<Fact>]
let ``numbers are what arrays of one element are`` () =
    for dtype in [ DType.Float32; DType.Float64 ] do
        for value in [ 1.5; -0.0; infinity; nan ] do
            let number = Tensor.Cast(Tensor.Scalar value, dtype)
            let array = Tensor.From(System.ReadOnlySpan [| value |]).To dtype

            let pairs =
                [ -number, -array
                  number + 0.1, array + 0.1
                  number * number, array * array
                  Tensor.Sqrt number, Tensor.Sqrt array
                  Tensor.Maximum(number, Tensor.ScalarOf(number, 2.0)),
                  Tensor.Maximum(array, Tensor.ScalarOf(array, 2.0)) ]

            for a, b in pairs do
                Assert.Equal(dtype, a.DType)
                Assert.Equal<int[]>([||], a.Shape)
                Assert.Equal(a.ToDouble(), b.ToDouble())
                Assert.Equal(a.ToDouble(), (Tensor.toArray<float> a)[0])

[<Fact>]
let ``a number keeps one array for all threads to read`` () =
    for i in 1..20 do
        let x = Tensor.Scalar(float i) * 2.0
        let read = Array.init 4 (fun _ -> Task.Run(fun () -> (Tensor.toArray<float> x)[0]))
        Assert.All(read, fun r -> Assert.Equal(2.0 * float i, r.Result))

[<Fact>]
let ``an index of an array is its element as the compiled program finds it`` () =
    let x = normal 1 [| 3; 4; 5 |]

    let functions: (Tensor -> Tensor) list =
        [ fun x -> x[1]
          fun x -> x[-1, 2]
          fun x -> x[2, 3, -5]
          fun x -> x[1].Transpose()[2]
          fun x -> x.Transpose()[0, 1] ]

    for f in functions do
        let eager, compiled = f x, jit f x
        Assert.Equal<int[]>(compiled.Shape, eager.Shape)
        near 0.0 compiled eager

[<Fact>]
let ``reductions drop or keep their axes alike in all ways`` () =
    let x = normal 2 [| 3; 1; 4 |]

    for axes in [ [||]; [| 0 |]; [| 1 |]; [| 2 |]; [| 0; 2 |]; [| 1; 2 |] ] do
        for keepAxes in [ false; true ] do
            for f in
                [ (fun (x: Tensor) -> x.Sum(axes, keepAxes))
                  (fun x -> x.Max(axes, keepAxes))
                  (fun x -> x.Min(axes, keepAxes)) ] do
                let eager, staged = f x, (stage f x).Invoke x
                let traced, _ = vjp f x
                Assert.Equal<int[]>(staged.Shape, eager.Shape)
                Assert.Equal<int[]>(traced.Shape, eager.Shape)
                near 1e-15 staged eager
                near 1e-15 traced eager

[<Fact>]
let ``the sum of one negative zero keeps its sign`` () =
    let x = Tensor.From(System.ReadOnlySpan [| -0.0 |], 1)
    Assert.Equal(bitsOf (jit Tensor.sum x), bitsOf (Tensor.sum x))

[<Fact>]
let ``empty arrays join`` () =
    let empty, full = Tensor.zeros [ 2; 0 ], Tensor.zeros [ 1; 0 ]
    Assert.Equal<int[]>([| 3; 0 |], (Tensor.concat 0 [ empty; full ]).Shape)
    let rows = Tensor.concat 0 [ Tensor.zeros [ 0; 2 ]; Tensor.ones [ 3; 2 ]; Tensor.zeros [ 0; 2 ] ]
    Assert.Equal<int[]>([| 3; 2 |], rows.Shape)
    Assert.Equal(6.0, (Tensor.sum rows).ToDouble())

[<Fact>]
let ``a compiled function of numbers reads elements of arrays and gives truth values`` () =
    let f (x: Tensor, y: Tensor) =
        let a, b = x[1], y[2, 0]
        a * b + 1.0, Tensor.Less(a, b), Tensor.Where(Tensor.Greater(a, b), a, b)

    let compiled = jit f

    for seed in 1..3 do
        let x, y = normal seed [| 4 |], normal (seed + 10) [| 3; 2 |]
        let (a, b, c), (p, q, r) = f (x, y), compiled (x, y)
        near 1e-15 a p
        Assert.Equal(DType.Bool, q.DType)
        Assert.Equal(b.ToDouble(), q.ToDouble())
        near 0.0 c r

[<Fact>]
let ``results of a compiled function do not change when it is called again`` () =
    let f = jit (fun (x: Tensor) -> Tensor.Sin x * x)
    let first = f (scalar 0.5)
    let second = f (scalar 0.75)
    near 1e-15 (scalar (sin 0.5 * 0.5)) first
    near 1e-15 (scalar (sin 0.75 * 0.75)) second

[<Fact>]
let ``a compiled function tells trees with and without a part from each other`` () =
    let f = jit (fun (x: Tensor, y: Tensor) -> if isNull y then x else x - y)

    for _ in 1..2 do
        Assert.Equal(1.5, (f (scalar 2.0, scalar 0.5)).ToDouble())
        Assert.Equal(2.0, (f (scalar 2.0, null)).ToDouble())

    let g = jit (fun (x: Tensor, n: int) -> x * float n)
    Assert.Equal(6.0, (g (scalar 2.0, 3)).ToDouble())
    Assert.Equal(8.0, (g (scalar 2.0, 4)).ToDouble())
