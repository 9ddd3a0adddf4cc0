/// Element types: promotion, the small ones in every operation, and mixed precision end to end.
module Core.Tests.DTypeTests

open System
open Autodiff
open Autodiff.Kernels
open Core.Tests.Common
open Xunit
open Xunit.Abstractions

let private all = Enum.GetValues<DType>()
let private integers = [ DType.UInt8; DType.Int8; DType.Int16; DType.Int32; DType.Int64 ]
let private narrow = [ DType.Float16; DType.BFloat16 ]

/// The types of the columns in short: b, u1, i1, i2, i4, i8, f2, b2, f4, f8.
let private short =
    dict
        [ "b", DType.Bool
          "u1", DType.UInt8
          "i1", DType.Int8
          "i2", DType.Int16
          "i4", DType.Int32
          "i8", DType.Int64
          "f2", DType.Float16
          "b2", DType.BFloat16
          "f4", DType.Float32
          "f8", DType.Float64 ]

let private promotions =
    [ "b ", "b  u1 i1 i2 i4 i8 f2 b2 f4 f8"
      "u1", "u1 u1 i2 i2 i4 i8 f2 b2 f4 f8"
      "i1", "i1 i2 i1 i2 i4 i8 f2 b2 f4 f8"
      "i2", "i2 i2 i2 i2 i4 i8 f2 b2 f4 f8"
      "i4", "i4 i4 i4 i4 i4 i8 f2 b2 f4 f8"
      "i8", "i8 i8 i8 i8 i8 i8 f2 b2 f4 f8"
      "f2", "f2 f2 f2 f2 f2 f2 f2 f4 f4 f8"
      "b2", "b2 b2 b2 b2 b2 b2 f4 b2 f4 f8"
      "f4", "f4 f4 f4 f4 f4 f4 f4 f4 f4 f8"
      "f8", "f8 f8 f8 f8 f8 f8 f8 f8 f8 f8" ]

/// A tensor with some values in a type.
let private ofType (dtype: DType) (values: float list) = Tensor.cast dtype (Tensor.ofSeq values)

type DTypeTests(output: ITestOutputHelper) =
    [<Fact>]
    member _.``Promotion follows the table, for every pair``() =
        output.WriteLine("   " + String.Join(" ", short.Keys |> Seq.map (fun k -> k.PadRight 2)))

        for row, columns in promotions do
            output.WriteLine $"{row} {columns}"
            let cells = columns.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            Assert.Equal(DTypes.Count, cells.Length)

            for i in 0 .. cells.Length - 1 do
                Assert.Equal(short[cells[i]], DTypes.Promote(short[row.Trim()], all[i]))

        Assert.Equal(DTypes.Count, promotions.Length)

    [<Fact>]
    member _.``Promotion is the least upper bound of a lattice``() =
        for x in all do
            Assert.Equal(x, DTypes.Promote(x, x))

            for y in all do
                Assert.Equal(DTypes.Promote(x, y), DTypes.Promote(y, x))

                for z in all do
                    Assert.Equal(DTypes.Promote(x, DTypes.Promote(y, z)), DTypes.Promote(DTypes.Promote(x, y), z))

    [<Fact>]
    member _.``The documentation shows the table``() =
        let rec find (folder: IO.DirectoryInfo) =
            let path = IO.Path.Combine(folder.FullName, "docs", "dtypes.md")
            if IO.File.Exists path then path else find folder.Parent

        let text = IO.File.ReadAllText(find (IO.DirectoryInfo AppContext.BaseDirectory))

        for x in all do
            let cells = all |> Array.map (fun y -> DTypes.Name(DTypes.Promote(x, y))) |> String.concat " | "
            Assert.Contains($"| **{DTypes.Name x}** | {cells} |", text)

    [<Fact>]
    member _.``Operators, matrix products, choices and concatenation promote alike``() =
        for a in all do
            for b in all do
                let x, y = ofType a [ 1.0; 0.0 ], ofType b [ 1.0; 1.0 ]
                let expected = DTypes.Promote(a, b)
                let arithmetic = if expected = DType.Bool then DType.Int32 else expected
                Assert.Equal(arithmetic, (x + y).DType)
                Assert.Equal(arithmetic, (x * y).DType)
                Assert.Equal(expected, (Tensor.where (Tensor.ofSeq [ true; false ]) x y).DType)
                Assert.Equal(expected, (Tensor.concat 0 [ x; y ]).DType)
                Assert.Equal(DType.Bool, (Tensor.Less(x, y)).DType)

                if expected <> DType.Bool then
                    let product = Tensor.matmul x y
                    Assert.Equal(expected, product.DType)
                    nearValue 0.0 1.0 (Tensor.cast DType.Float64 product)

    [<Fact>]
    member _.``Numbers take the type of the tensor, and integers that do not hold them widen``() =
        for dtype in all |> Array.filter DTypes.IsFloat do
            let x = ofType dtype [ 1.0; 2.0 ]

            for y in
                [ x * 2.0; 2.5 * x; x + 1e-3; x / 3.0; 1.0 - x; x ** 3.0; exp x; Tensor.mean x; Tensor.softmax -1 x ] do
                Assert.Equal(dtype, y.DType)

        for dtype, value, expected in
            [ DType.Int8, 100.0, DType.Int8
              DType.Int8, 200.0, DType.Int16
              DType.Int8, -129.0, DType.Int16
              DType.UInt8, 255.0, DType.UInt8
              DType.UInt8, -1.0, DType.Int16
              DType.UInt8, 256.0, DType.Int16
              DType.Int16, 40000.0, DType.Int32
              DType.Int32, 3e9, DType.Int64
              DType.Int64, 1e30, DType.Float32
              DType.Int16, 0.5, DType.Float32
              DType.Int16, infinity, DType.Float32 ] do
            let y = ofType dtype [ 1.0 ] * value
            Assert.Equal(expected, y.DType)
            Assert.Equal((if expected = DType.Float32 then float (float32 value) else value), y[0].ToDouble())

    [<Fact>]
    member _.``Values go in and out of .NET arrays unchanged``() =
        let check (values: 'T[]) (make: 'T[] -> Tensor) =
            let x = make values
            Assert.Equal(DTypes.Of<'T>(), x.DType)
            Assert.Equal<'T[]>(values, Tensor.toArray<'T> x)
            Assert.Equal<'T[]>(values, Tensor.toArray<'T>(Tensor.FromArray values))
            Assert.Equal<'T[]>(values, Tensor.toArray<'T>(Tensor.ofSeq values))
            Assert.Equal(x.ToString(), (Tensor.cast DType.Float64 x |> Tensor.cast x.DType).ToString())

        check [| -128y; 127y |] (fun v -> Tensor.From(ReadOnlySpan v, 2))
        check [| -32768s; 32767s |] (fun v -> Tensor.From(ReadOnlySpan v, 2))
        check [| Half.MaxValue; Half.Epsilon; (Half.op_Explicit 0.1f: Half) |] (fun v -> Tensor.From(ReadOnlySpan v, 3))
        check [| BFloat16.MaxValue; (BFloat16.op_Explicit 0.1f: BFloat16) |] (fun v -> Tensor.From(ReadOnlySpan v, 2))
        Assert.Equal("0.1", string ((ofType DType.Float16 [ 0.1 ])[0]))
        Assert.Equal("0.1", string ((ofType DType.BFloat16 [ 0.1 ])[0]))
        Assert.Equal("[-3  7]", string (ofType DType.Int8 [ -3.0; 7.0 ]))
        Assert.Equal(0.5, float (Tensor.cast DType.Float16 (scalar 0.5)))
        Assert.Equal(0.5, float ((ofType DType.BFloat16 [ 0.25; 0.5 ])[1]))

    [<Fact>]
    member _.``Sums and products of integers are int64 and do not wrap``() =
        for dtype in integers do
            let x = ofType dtype (List.replicate 40 100.0)
            let total = Tensor.sum x
            Assert.Equal(DType.Int64, total.DType)
            Assert.Equal(4000.0, float total)
            Assert.Equal(DType.Int64, (Tensor.cumsum 0 x).DType)
            Assert.Equal(4000.0, float ((Tensor.cumsum 0 x)[39]))
            Assert.Equal(1e8, float (Tensor.prod (ofType dtype [ 100.0; 100.0; 100.0; 100.0 ])))
            Assert.Equal(100.0, float (Tensor.mean x))
            Assert.Equal(dtype, (Tensor.max x).DType)

    [<Fact>]
    member _.``Small integers take part in every operation on integers``() =
        for dtype in integers do
            let x = ofType dtype [ 5.0; 2.0; 9.0; 2.0 ]
            let wide = Tensor.cast DType.Int64 x
            let same (f: Tensor -> Tensor) = Assert.Equal<float[]>(floats (f wide), floats (f x))
            same (fun x -> Tensor.argmax 0 x)
            same (fun x -> Tensor.argmin 0 x)
            same (fun x -> Tensor.argsort 0 x)
            same (fun x -> Tensor.sort 0 x)
            same (fun x -> Tensor.max x)
            same (fun x -> Tensor.min x)
            same (fun x -> x[1..2])
            same (fun x -> Tensor.take 0 (indices [ 3 ] [ 3; 0; 2 ]) x)
            same (fun x -> Tensor.scatterAdd 0 5 (indices [ 4 ] [ 0; 4; 4; 1 ]) x)
            same (fun x -> Tensor.gather 0 (indices [ 4 ] [ 0; 3; 2; 1 ]) x)
            same (fun x -> Tensor.matmul (Tensor.reshape [| 2; 2 |] x) (Tensor.reshape [| 2; 2 |] x))
            same (fun x -> Tensor.concat 0 [ x; x ])
            same (fun x -> Tensor.Where(Tensor.Greater(x, Tensor.ones [ 1 ] * 3.0), x, x * 0.0))
            same (fun x -> Tensor.And(x, x * 0.0 + 3.0))
            same (fun x -> floor (sqrt x))
            // As positions.
            same (fun x -> Tensor.oneHot 10 x)
            same (fun i -> Tensor.take 0 i (Tensor.ofSeq [ for k in 0..9 -> float k ]))
            Assert.Equal(dtype, (Indexing.oneHot 10 dtype x).DType)

    [<Fact>]
    member _.``The mean of many float16 numbers is in range where their sum is not``() =
        let x = Tensor.full DType.Float16 [ 100000 ] 100.0
        Assert.Equal(infinity, float (Tensor.sum x))
        Assert.Equal(100.0, float (Tensor.mean x))

    [<Fact>]
    member _.``Random numbers of 16 bits are those of the distribution, and below 1``() =
        for dtype in narrow do
            let u = (Key 3).Uniform([| 1 <<< 17 |], dtype = dtype)
            Assert.Equal(dtype, u.DType)
            Assert.True(floats u |> Array.forall (fun v -> v >= 0.0 && v < 1.0))
            Assert.True(abs (Array.average (floats u) - 0.5) < 0.01)
            let n = floats ((Key 4).Normal([| 1 <<< 17 |], dtype = dtype))
            Assert.True(abs (Array.average n) < 0.01)
            Assert.True(abs (Array.averageBy (fun v -> v * v) n - 1.0) < 0.02)

    [<Fact>]
    member _.``A derivative through cast has the type of what was cast``() =
        for stored in narrow do
            for master in [ DType.Float32; DType.Float64 ] do
                let w = ofType master [ 0.5; -1.25; 3.0 ]
                let f (w: Tensor) = let h = Tensor.cast stored w in Tensor.cast DType.Float32 (Tensor.sum (h * h))
                let g = grad f w
                Assert.Equal(master, g.DType)
                near 0.0 (ofType master [ 1.0; -2.5; 6.0 ]) g
                let _, dy = jvp f w (Tensor.onesLike w)
                Assert.Equal(DType.Float32, dy.DType)
                // Straight in the stored type, too.
                let h = Tensor.cast stored w
                Assert.Equal(stored, (grad (fun h -> Tensor.sum (h * h)) h).DType)
                let second = hessian (fun h -> Tensor.sum (h * h * h)) h
                Assert.Equal(stored, second.DType)

    [<Fact>]
    member _.``Custom rules and batching keep the stored type``() =
        for stored in narrow do
            let x = ofType stored [ 0.5; -1.0; 2.0 ]
            let viaVjp = customVjp square (fun x -> square x, x) (fun x (ct: Tensor) -> 2.0 * x * ct)
            let viaJvp = customJvp square (fun x _ xDot -> 2.0 * x * xDot)

            for f in [ viaVjp; viaJvp; square ] do
                let g = grad (f >> Tensor.sum) x
                Assert.Equal(stored, g.DType)
                near 0.0 (ofType stored [ 1.0; -2.0; 4.0 ]) g
                let batched = vmap (grad (f >> Tensor.sum)) (Tensor.stack 0 [ x; x + 1.0 ])
                Assert.Equal(stored, batched.DType)
                near 0.0 (Tensor.stack 0 [ 2.0 * x; 2.0 * x + 2.0 ]) batched

    [<Fact>]
    member _.``A layer trains with a forward pass in 16 bits and masters in float32``() =
        for stored in narrow do
            let inputs = (Key 1).Normal [| 64; 8 |]
            let truth = (Key 2).Normal [| 8; 1 |]
            let targets = tanh (Tensor.matmul inputs truth)
            let x = Tensor.cast stored inputs

            let loss (w: Tensor, b: Tensor) =
                let y = tanh (Tensor.matmul x (Tensor.cast stored w) + Tensor.cast stored b)
                Assert.Equal(stored, y.DType)
                Tensor.mean (square (Tensor.cast DType.Float32 y - targets))

            let mutable w = (Key 3).Normal [| 8; 1 |] * 0.1
            let mutable b = Tensor.zeros [ 1 ]
            let first = float (loss (w, b))

            for _ in 1..300 do
                let dw, db = grad loss (w, b)
                Assert.Equal(DType.Float32, dw.DType)
                Assert.Equal(DType.Float32, db.DType)
                w <- w - 0.5 * dw
                b <- b - 0.5 * db

            let last = float (loss (w, b))
            let bound = if stored = DType.Float16 then 1e-3 else 1e-2
            Assert.True(last < bound * first, $"{DTypes.Name stored}: {first:g3} became {last:g3}")

    [<Fact>]
    member _.``CheckGrads refuses types that are too coarse``() =
        let error =
            Assert.Throws<ArgumentException>(fun () -> CheckGrads.Check Tensor.sum (ofType DType.Float16 [ 1.0; 2.0 ]))
        Assert.Contains("float64", error.Message)
