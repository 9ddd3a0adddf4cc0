/// The numbers that "Deep Learning from Scratch" prints, chapters 1 to 7, to the printed digits.
module Core.Tests.SaitoTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

/// Equal to all printed digits: half a unit in the last of a number of decimals.
let private printed (decimals: int) (expected: Tensor) (actual: Tensor) =
    Assert.Equal<int[]>(expected.Shape, actual.Shape)

    Array.iter2
        (fun (e: float) (a: float) ->
            Assert.True(abs (e - a) <= 0.5000001 * 10.0 ** float -decimals, $"{e} is printed, but {a} was computed"))
        (floats expected)
        (floats actual)

let private exactly expected actual = near 0.0 expected actual
let private step (x: Tensor) = Tensor.cast DType.Int32 (Tensor.Greater(x, scalar 0.0))
let private grid (values: float list list) : Tensor = rows values

// Chapter 1.5: arrays.

[<Fact>]
let ``1_5 arithmetic, broadcasting and selection of arrays`` () =
    let x, y = vector [ 1.0; 2.0; 3.0 ], vector [ 2.0; 4.0; 6.0 ]
    exactly (vector [ 3.0; 6.0; 9.0 ]) (x + y)
    exactly (vector [ -1.0; -2.0; -3.0 ]) (x - y)
    exactly (vector [ 2.0; 8.0; 18.0 ]) (x * y)
    exactly (vector [ 0.5; 0.5; 0.5 ]) (x / y)
    exactly (vector [ 0.5; 1.0; 1.5 ]) (x / 2.0)
    let a, b = grid [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ], grid [ [ 3.0; 0.0 ]; [ 0.0; 6.0 ] ]
    exactly (grid [ [ 4.0; 2.0 ]; [ 3.0; 10.0 ] ]) (a + b)
    exactly (grid [ [ 3.0; 0.0 ]; [ 0.0; 24.0 ] ]) (a * b)
    exactly (grid [ [ 10.0; 20.0 ]; [ 30.0; 40.0 ] ]) (a * 10.0)
    exactly (grid [ [ 10.0; 40.0 ]; [ 30.0; 80.0 ] ]) (a * vector [ 10.0; 20.0 ])
    let m = grid [ [ 51.0; 55.0 ]; [ 14.0; 19.0 ]; [ 0.0; 4.0 ] ]
    exactly (vector [ 51.0; 55.0 ]) m[0]
    exactly (scalar 55.0) m[0, 1]
    let flat = Tensor.flatten m
    exactly (vector [ 51.0; 55.0; 14.0; 19.0; 0.0; 4.0 ]) flat
    exactly (vector [ 51.0; 14.0; 0.0 ]) (Tensor.take 0 (indices [ 3 ] [ 0; 2; 4 ]) flat)
    let above = Tensor.Greater(flat, scalar 15.0)
    Assert.Equal<bool[]>([| true; true; false; true; false; false |], Tensor.toArray above)
    let chosen = Array.zip (Tensor.toArray<bool> above) (floats flat) |> Array.filter fst |> Array.map snd
    Assert.Equal<float[]>([| 51.0; 55.0; 19.0 |], chosen)
    Assert.Equal(DType.Int32, (Tensor.ofRows [ [ 1; 2 ]; [ 3; 4 ] ]).DType)

// Chapter 3: activation and forward pass.

[<Fact>]
let ``3_2 step function and sigmoid`` () =
    let x = vector [ -1.0; 1.0; 2.0 ]
    Assert.Equal<int[]>([| 0; 1; 1 |], Tensor.toArray<int>(step x))
    Assert.Equal<int[]>([| 0 |], Tensor.toArray<int>(step (vector [ 0.0 ])))
    printed 8 (vector [ 0.26894142; 0.73105858; 0.88079708 ]) (sigmoid x)
    printed 8 (vector [ 1.0; 0.5; 0.33333333 ]) (1.0 / vector [ 1.0; 2.0; 3.0 ])
    exactly (vector [ 2.0; 3.0; 4.0 ]) (1.0 + vector [ 1.0; 2.0; 3.0 ])
    exactly (vector [ 0.0; 0.0; 4.5 ]) (relu (vector [ -3.0; 0.0; 4.5 ]))

[<Fact>]
let ``3_3 products of matrices, and the error when shapes do not align`` () =
    exactly
        (grid [ [ 19.0; 22.0 ]; [ 43.0; 50.0 ] ])
        (Tensor.matmul (grid [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ]) (grid [ [ 5.0; 6.0 ]; [ 7.0; 8.0 ] ]))
    let wide, tall = grid [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ], grid [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ]; [ 5.0; 6.0 ] ]
    exactly (grid [ [ 22.0; 28.0 ]; [ 49.0; 64.0 ] ]) (Tensor.matmul wide tall)
    exactly (vector [ 23.0; 53.0; 83.0 ]) (Tensor.matmul tall (vector [ 7.0; 8.0 ]))
    exactly
        (vector [ 5.0; 11.0; 17.0 ])
        (Tensor.matmul (vector [ 1.0; 2.0 ]) (grid [ [ 1.0; 3.0; 5.0 ]; [ 2.0; 4.0; 6.0 ] ]))
    let error =
        Assert.Throws<ArgumentException>(fun () -> Tensor.matmul wide (grid [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ]) |> ignore)
    Assert.Contains("shapes (2, 3) and (2, 2) are not aligned: 3 columns", error.Message)

[<Fact>]
let ``3_4 the forward pass of a network of three layers`` () =
    let x = vector [ 1.0; 0.5 ]
    let a1 = Tensor.matmul x (grid [ [ 0.1; 0.3; 0.5 ]; [ 0.2; 0.4; 0.6 ] ]) + vector [ 0.1; 0.2; 0.3 ]
    printed 8 (vector [ 0.3; 0.7; 1.1 ]) a1
    let z1 = sigmoid a1
    printed 8 (vector [ 0.57444252; 0.66818777; 0.75026011 ]) z1
    let z2 = sigmoid (Tensor.matmul z1 (grid [ [ 0.1; 0.4 ]; [ 0.2; 0.5 ]; [ 0.3; 0.6 ] ]) + vector [ 0.1; 0.2 ])
    let y = Tensor.matmul z2 (grid [ [ 0.1; 0.3 ]; [ 0.2; 0.4 ] ]) + vector [ 0.1; 0.2 ]
    printed 8 (vector [ 0.31682708; 0.69627909 ]) y

[<Fact>]
let ``3_5 softmax, and how it would overflow`` () =
    let a = vector [ 0.3; 2.9; 4.0 ]
    printed 8 (vector [ 1.34985881; 18.17414537; 54.59815003 ]) (exp a)
    printed 10 (scalar 74.1221542102) (Tensor.sum (exp a))
    printed 8 (vector [ 0.01821127; 0.24519181; 0.73659691 ]) (Tensor.softmax 0 a)
    printed 15 (scalar 1.0) (Tensor.sum (Tensor.softmax 0 a))
    let large = vector [ 1010.0; 1000.0; 990.0 ]
    exactly (vector [ nan; nan; nan ]) (exp large / Tensor.sum (exp large))
    let y = Tensor.softmax 0 large
    printed 9 (vector [ 9.99954600e-01; 0.0; 0.0 ]) (y * vector [ 1.0; 0.0; 0.0 ])
    printed 13 (scalar 4.53978686e-05) y[1]
    printed 17 (scalar 2.06106005e-09) y[2]

[<Fact>]
let ``3_6 positions of the largest and accuracy`` () =
    let p = grid [ [ 0.1; 0.8; 0.1 ]; [ 0.3; 0.1; 0.6 ]; [ 0.2; 0.5; 0.3 ]; [ 0.8; 0.1; 0.1 ] ]
    let y = Tensor.argmax 1 p
    Assert.Equal<int64[]>([| 1L; 2L; 1L; 0L |], Tensor.toArray y)
    let isRight = Tensor.EqualTo(y, Tensor.ofSeq [ 1L; 2L; 0L; 0L ])
    Assert.Equal<bool[]>([| true; true; false; true |], Tensor.toArray isRight)
    Assert.Equal(3, int (Tensor.sum isRight))

// Chapter 4: losses, numerical and exact gradients, gradient descent.

let private target = vector [ 0.0; 0.0; 1.0; 0.0; 0.0; 0.0; 0.0; 0.0; 0.0; 0.0 ]
let private guesses =
    [ vector [ 0.1; 0.05; 0.6; 0.0; 0.05; 0.1; 0.0; 0.1; 0.0; 0.0 ]
      vector [ 0.1; 0.05; 0.1; 0.0; 0.05; 0.1; 0.0; 0.6; 0.0; 0.0 ] ]
let private meanSquaredError (y: Tensor) t = 0.5 * Tensor.sum (square (y - t))
let private crossEntropy (y: Tensor) t = -(Tensor.sum (t * log (y + 1e-7)))

[<Fact>]
let ``4_2 squared error and cross entropy`` () =
    printed 16 (scalar 0.0975) (meanSquaredError guesses[0] target)
    printed 15 (scalar 0.5975) (meanSquaredError guesses[1] target)
    printed 15 (scalar 0.51082545709933802) (crossEntropy guesses[0] target)
    printed 15 (scalar 2.3025840929945458) (crossEntropy guesses[1] target)

[<Fact>]
let ``4_2 cross entropy of labels picks one element of each row`` () =
    let y = uniform 1 0.01 1.0 [| 5; 10 |]
    let labels = indices [ 5; 1 ] [ 2; 7; 0; 9; 4 ]
    let picked = Tensor.gather 1 labels y
    exactly (Tensor.stack 0 [ y[0, 2]; y[1, 7]; y[2, 0]; y[3, 9]; y[4, 4] ]) (Tensor.flatten picked)
    let oneHot = Tensor.cast DType.Float64 (Tensor.oneHot 10 (Tensor.flatten labels))
    near 1e-15 (crossEntropy y oneHot / 5.0) (-(Tensor.sum (log (picked + 1e-7))) / 5.0)

let private numericalDiff (f: Tensor -> Tensor) (x: Tensor) : Tensor =
    let h = 1e-4
    (f (x + h) - f (x - h)) / (2.0 * h)

[<Fact>]
let ``4_3 numerical derivatives to the last bit, and the exact ones`` () =
    let f (x: Tensor) = 0.01 * x ** 2.0 + 0.1 * x
    exactly (scalar 0.1999999999990898) (numericalDiff f (scalar 5.0))
    exactly (scalar 0.2999999999986347) (numericalDiff f (scalar 10.0))
    nearValue 1e-16 0.2 (grad f (scalar 5.0))
    nearValue 1e-16 0.3 (grad f (scalar 10.0))
    let g (x0: Tensor) (x1: Tensor) = x0 * x0 + x1 * x1
    exactly (scalar 6.00000000000378) (numericalDiff (fun x0 -> g x0 (scalar 4.0)) (scalar 3.0))
    exactly (scalar 7.999999999999119) (numericalDiff (g (scalar 3.0)) (scalar 4.0))

let private bowl (x: Tensor) = Tensor.sum (x ** 2.0)

let private numericalGradient (f: Tensor -> Tensor) (x: Tensor) : Tensor =
    let moved i h = f (Tensor.ofSeq (floats x |> Array.mapi (fun j v -> if i = j then v + h else v)))
    Tensor.stack 0 [ for i in 0 .. x.Size - 1 -> (moved i 1e-4 - moved i -1e-4) / 2e-4 ]

let private descend (gradient: (Tensor -> Tensor) -> Tensor -> Tensor) (rate: float) =
    Seq.fold (fun (x: Tensor) _ -> x - rate * gradient bowl x) (vector [ -3.0; 4.0 ]) (seq { 1..100 })

[<Fact>]
let ``4_4 numerical and exact gradients`` () =
    for at, expected in [ [ 3.0; 4.0 ], [ 6.0; 8.0 ]; [ 0.0; 2.0 ], [ 0.0; 4.0 ]; [ 3.0; 0.0 ], [ 6.0; 0.0 ] ] do
        printed 8 (vector expected) (numericalGradient bowl (vector at))
        exactly (vector expected) (grad bowl (vector at))

    printed 13 (vector [ 6.0000000000037801; 7.9999999999991189 ]) (numericalGradient bowl (vector [ 3.0; 4.0 ]))

[<Fact>]
let ``4_4 gradient descent with three learning rates`` () =
    for gradient in [ grad; numericalGradient ] do
        printed 18 (vector [ -6.11110793e-10; 8.14814391e-10 ]) (descend gradient 0.1)
        printed 8 (vector [ -2.99999994; 3.99999992 ]) (descend gradient 1e-10)

    // The text prints where rounding stops the divergence: at 1e13 a step of 1e-4 is lost and central differences are 0.
    printed -5 (vector [ -2.58983747e13; -1.29524862e12 ]) (descend numericalGradient 10.0)
    // The exact gradient goes on: each step multiplies by -19.
    near 1e-12 (vector [ -3.0 * 19.0 ** 100.0; 4.0 * 19.0 ** 100.0 ] / 1e128) (descend grad 10.0 / 1e128)

[<Fact>]
let ``4_4 the gradient of a network of one layer`` () =
    let w = grid [ [ 0.47355232; 0.9977393; 0.84668094 ]; [ 0.85557411; 0.03563661; 0.69422093 ] ]
    let predict w = Tensor.matmul (vector [ 0.6; 0.9 ]) w
    let t = vector [ 0.0; 0.0; 1.0 ]
    printed 7 (vector [ 1.05414809; 0.63071653; 1.1328074 ]) (predict w)
    Assert.Equal(2L, int64 (float (Tensor.argmax 0 (predict w))))
    // The printed loss is that without 1e-7 in the logarithm; w is known to eight digits.
    let loss w = -(Tensor.sum (t * Tensor.logSoftmax 0 (predict w)))
    printed 8 (scalar 0.92806853663411326) (loss w)
    let expected = grid [ [ 0.21924763; 0.14356247; -0.36281009 ]; [ 0.32887144; 0.2153437; -0.54421514 ] ]
    printed 8 expected (grad loss w)
    printed 6 expected (grad (fun w -> crossEntropy (Tensor.softmax 0 (predict w)) t) w)

// Chapter 5: computational graphs and layers.

[<Fact>]
let ``5_1 apples and oranges`` () =
    let price (apple: Tensor, apples: Tensor, orange: Tensor, oranges: Tensor, tax: Tensor) =
        (apple * apples + orange * oranges) * tax
    let s = scalar
    let total, (dApple, dApples, dOrange, dOranges, dTax) = valueAndGrad price (s 100.0, s 2.0, s 150.0, s 3.0, s 1.1)
    printed
        10
        (vector [ 715.0; 2.2; 110.0; 3.3; 165.0; 650.0 ])
        (Tensor.stack 0 [ total; dApple; dApples; dOrange; dOranges; dTax ])
    let total, (dApple, dApples, dTax) =
        valueAndGrad (fun (apple: Tensor, apples: Tensor, tax: Tensor) -> apple * apples * tax) (s 100.0, s 2.0, s 1.1)
    printed 10 (vector [ 220.0; 2.2; 110.0; 200.0 ]) (Tensor.stack 0 [ total; dApple; dApples; dTax ])

[<Fact>]
let ``5_3 add and multiply nodes`` () =
    let s = scalar
    let _, pullSum = vjp (fun (x: Tensor, y: Tensor) -> x + y) (s 10.0, s 5.0)
    Assert.Equal((1.3, 1.3), (let x, y = pullSum (s 1.3) in float x, float y))
    let y, pullProduct = vjp (fun (x: Tensor, y: Tensor) -> x * y) (s 10.0, s 5.0)
    Assert.Equal((50.0, 6.5, 13.0), (let a, b = pullProduct (s 1.3) in float y, float a, float b))
    // z = t^2, t = x + y: dz/dx = 2 (x + y)
    exactly (s 14.0) (grad (fun x -> (x + s 4.0) ** 2.0) (s 3.0))

[<Fact>]
let ``5_5 the layers ReLU and sigmoid`` () =
    let x = grid [ [ 1.0; -0.5 ]; [ -2.0; 3.0 ] ]
    exactly (grid [ [ 1.0; 0.0 ]; [ 0.0; 3.0 ] ]) (relu x)
    exactly (grid [ [ 1.0; 0.0 ]; [ 0.0; 1.0 ] ]) (grad (relu >> Tensor.sum) x)
    let y = sigmoid x
    near 1e-15 (y * (1.0 - y)) (grad (sigmoid >> Tensor.sum) x)

[<Fact>]
let ``5_6 the affine layer`` () =
    exactly
        (grid [ [ 1.0; 2.0; 3.0 ]; [ 11.0; 12.0; 13.0 ] ])
        (grid [ [ 0.0; 0.0; 0.0 ]; [ 10.0; 10.0; 10.0 ] ] + vector [ 1.0; 2.0; 3.0 ])
    let x, w, b = normal 1 [| 2; 2 |], normal 2 [| 2; 3 |], vector [ 1.0; 2.0; 3.0 ]
    let dy = grid [ [ 1.0; 2.0; 3.0 ]; [ 4.0; 5.0; 6.0 ] ]
    let dx, dw, db = (snd (vjp (fun (x, w, b: Tensor) -> Tensor.matmul x w + b) (x, w, b))) dy
    exactly (vector [ 5.0; 7.0; 9.0 ]) db
    near 1e-15 (Tensor.matmul dy (Tensor.transpose w)) dx
    near 1e-15 (Tensor.matmul (Tensor.transpose x) dy) dw

[<Fact>]
let ``5_6 softmax with loss passes the difference of output and target back`` () =
    let t = vector [ 0.0; 1.0; 0.0 ]
    let loss x = -(Tensor.sum (t * Tensor.logSoftmax 0 x))
    near 1e-14 (vector [ 0.3; -0.8; 0.5 ]) (grad loss (log (vector [ 0.3; 0.2; 0.5 ])))
    near 1e-14 (vector [ 0.01; -0.01; 0.0 ]) (grad loss (log (vector [ 0.01; 0.99; 0.0 ])))
    let y = Tensor.softmax 0 (vector [ 5.3; 0.3; 10.1; 0.01 ])
    // These are cut off, not rounded.
    exactly
        (vector [ 800.0; 5.0; 99100.0; 4.0 ])
        (floor (y * vector [ 1e3; 1e5; 1e3; 1e5 ]) * vector [ 100.0; 1.0; 100.0; 1.0 ])

[<Fact>]
let ``5_7 the gradients of a network agree with numerical ones`` () =
    let x, t = uniform 1 0.0 1.0 [| 3; 20 |], Tensor.cast DType.Float64 (Tensor.oneHot 4 (indices [ 3 ] [ 2; 0; 3 ]))
    let w1, w2 = normal 2 [| 20; 10 |] * 0.1, normal 3 [| 10; 4 |] * 0.1

    let loss (w1, w2) = -(Tensor.sum (t * Tensor.logSoftmax 1 (Tensor.matmul (relu (Tensor.matmul x w1)) w2))) / 3.0

    let g1, g2 = grad loss (w1, w2)
    let flat (f: Tensor -> Tensor) (w: Tensor) =
        Tensor.reshape w.Shape (numericalGradient (fun v -> f (Tensor.reshape w.Shape v)) (Tensor.flatten w))
    let error (a: Tensor) (b: Tensor) = float (Tensor.mean (abs (a - b)))
    Assert.InRange(error g1 (flat (fun w -> loss (w, w2)) w1), 0.0, 1e-9)
    Assert.InRange(error g2 (flat (fun w -> loss (w1, w)) w2), 0.0, 1e-9)

// Chapter 7: convolution and pooling.

let private plane (values: float list list) : Tensor =
    let m = rows values
    Tensor.reshape [ 1; 1; m.Shape[0]; m.Shape[1] ] m

let private picture =
    [ [ 1.0; 2.0; 3.0; 0.0 ]; [ 0.0; 1.0; 2.0; 3.0 ]; [ 3.0; 0.0; 1.0; 2.0 ]; [ 2.0; 3.0; 0.0; 1.0 ] ]
let private filter = plane [ [ 2.0; 0.0; 1.0 ]; [ 0.0; 1.0; 2.0 ]; [ 1.0; 0.0; 2.0 ] ]

[<Fact>]
let ``7_2 convolution with bias, padding and stride`` () =
    exactly (plane [ [ 15.0; 16.0 ]; [ 6.0; 15.0 ] ]) (Tensor.conv2d 1 0 filter (plane picture))
    exactly (plane [ [ 18.0; 19.0 ]; [ 9.0; 18.0 ] ]) (Tensor.conv2d 1 0 filter (plane picture) + 3.0)
    exactly
        (plane
            [ [ 7.0; 12.0; 10.0; 2.0 ]; [ 4.0; 15.0; 16.0; 10.0 ]; [ 10.0; 6.0; 15.0; 6.0 ]; [ 8.0; 10.0; 4.0; 3.0 ] ])
        (Tensor.conv2d 1 1 filter (plane picture))
    let seven = plane [ for i in 0..6 -> [ for j in 0..6 -> picture[i % 4][j % 4] ] ]
    exactly
        (plane [ [ 15.0; 17.0; 15.0 ]; [ 17.0; 15.0; 17.0 ]; [ 15.0; 17.0; 15.0 ] ])
        (Tensor.conv2d 2 0 filter seven)

[<Fact>]
let ``7_2 sizes of outputs`` () =
    for image, kernel, stride, pad, expected in
        [ [ 4; 4 ], [ 3; 3 ], 1, 1, [ 4; 4 ]
          [ 7; 7 ], [ 3; 3 ], 2, 0, [ 3; 3 ]
          [ 28; 31 ], [ 5; 5 ], 3, 2, [ 10; 11 ]
          [ 28; 28 ], [ 5; 5 ], 1, 0, [ 24; 24 ] ] do
        let y = Tensor.conv2d stride pad (Tensor.zeros ([ 1; 1 ] @ kernel)) (Tensor.zeros ([ 1; 1 ] @ image))
        Assert.Equal<int list>([ 1; 1 ] @ expected, List.ofArray y.Shape)

    Assert.Equal<int[]>(
        [| 10; 20; 24; 24 |],
        (Tensor.conv2d 1 0 (Tensor.zeros [ 20; 3; 5; 5 ]) (Tensor.zeros [ 10; 3; 28; 28 ])).Shape
    )

[<Fact>]
let ``7_3 pooling, also of a shifted picture and of several channels`` () =
    exactly
        (plane [ [ 2.0; 3.0 ]; [ 4.0; 2.0 ] ])
        (Tensor.maxPool2d
            2
            2
            (plane [ [ 1.0; 2.0; 1.0; 0.0 ]; [ 0.0; 1.0; 2.0; 3.0 ]; [ 3.0; 0.0; 1.0; 2.0 ]; [ 2.0; 4.0; 0.0; 1.0 ] ]))
    let digits (lines: string list) = plane [ for line in lines -> [ for c in line -> float (int c - int '0') ] ]
    let a = digits [ "120710"; "091232"; "301212"; "240101"; "601212"; "240181" ]
    let b = digits [ "112071"; "309123"; "230121"; "324010"; "260121"; "124018" ]

    for picture in [ a; b ] do
        exactly (plane [ [ 9.0; 7.0 ]; [ 6.0; 8.0 ] ]) (Tensor.maxPool2d 3 3 picture)

    let channels =
        Tensor.concat
            1
            [ digits [ "1230"; "0124"; "1042"; "3201" ]
              digits [ "3065"; "4243"; "3010"; "2331" ]
              digits [ "4212"; "0104"; "3062"; "4245" ] ]
    exactly
        (Tensor.ofArray [ 1; 3; 2; 2 ] [| 2.0; 4.0; 3.0; 4.0; 4.0; 6.0; 3.0; 3.0; 4.0; 4.0; 4.0; 6.0 |])
        (Tensor.maxPool2d 2 2 channels)

[<Fact>]
let ``7_4 positions in a batch of pictures`` () =
    let x = Tensor.zeros [ 10; 1; 28; 28 ]
    Assert.Equal<int[]>([| 1; 28; 28 |], x[0].Shape)
    Assert.Equal<int[]>([| 28; 28 |], x[0, 0].Shape)
    Assert.Equal<int[]>([| 10; 75 |], (Tensor.reshape [ 10; -1 ] (Tensor.zeros [ 10; 3; 5; 5 ])).Shape)
