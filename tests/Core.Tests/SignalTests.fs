/// Fourier transforms and convolution, as users call them.
module Core.Tests.SignalTests

open System
open Autodiff
open Core.Tests.Common
open Xunit

let private pair seed shape = normal seed shape, normal (seed + 1) shape
let private nearPair tolerance (er, ei) (ar, ai) =
    near tolerance er ar
    near tolerance ei ai

[<Fact>]
let ``a transform undoes its inverse for every norm, and ortho keeps lengths`` () =
    for norm in [ FftNorm.Backward; FftNorm.Ortho; FftNorm.Forward ] do
        for axis in [ 0; 1; -1 ] do
            let z = pair 1 [| 3; 5; 8 |]
            nearPair 1e-13 z (Signal.ifftWith norm axis (Signal.fftWith norm axis z))
            nearPair 1e-13 z (Signal.fftnWith norm [ 0; 2 ] (Signal.ifftnWith norm [ 0; 2 ] z))

    let length (re, im) = dot [| re; im |] [| re; im |]
    let z = pair 2 [| 60 |]
    Assert.Equal(length z, length (Signal.fftWith FftNorm.Ortho 0 z), 1e-11)
    let re, im = Signal.fft 0 (vector [ 1.0; 2.0; 3.0 ], vector [ 0.0; 0.0; 0.0 ])
    near 1e-15 (vector [ 6.0; -1.5; -1.5 ]) re
    near 1e-15 (vector [ 0.0; sqrt 3.0 / 2.0; -(sqrt 3.0) / 2.0 ]) im
    near 1e-15 (re * (1.0 / 3.0)) (fst (Signal.fftWith FftNorm.Forward 0 (vector [ 1.0; 2.0; 3.0 ], scalar 0.0)))

[<Fact>]
let ``several axes are transformed one after the other`` () =
    let z = pair 3 [| 2; 4; 6 |]
    nearPair 1e-13 (Signal.fft 2 (Signal.fft 1 z)) (Signal.fft2 z)
    nearPair 1e-13 (Signal.ifft 2 (Signal.ifft 1 z)) (Signal.ifft2 z)
    nearPair 1e-13 (Signal.fft 0 (Signal.fft2 z)) (Signal.fftn [ 0; 1; 2 ] z)

[<Fact>]
let ``the transform of a real tensor is half of the whole one, and back`` () =
    for n in [ 1; 2; 3; 8; 9; 30; 37 ] do
        for norm in [ FftNorm.Backward; FftNorm.Ortho ] do
            let x = normal n [| 3; n; 2 |]
            let re, im = Signal.rfftWith norm 1 x
            let fullRe, fullIm = Signal.fftWith norm 1 (x, Tensor.zerosLike x)
            nearPair 1e-14 (fullRe[*, .. n / 2, *], fullIm[*, .. n / 2, *]) (re, im)
            near 1e-14 x (Signal.irfftWith norm n 1 (re, im))

    // Imaginary parts that no real tensor has count as 0, as in NumPy.
    let re, im = pair 4 [| 5 |]
    let mask = vector [ 0.0; 1.0; 1.0; 1.0; 0.0 ]
    near 1e-14 (Signal.irfft 8 0 (re, im * mask)) (Signal.irfft 8 0 (re, im))
    let error = Assert.Throws<ArgumentException>(fun () -> Signal.irfft 7 0 (re, im) |> ignore)
    Assert.StartsWith("irfft: axis 0 of (5) has 5 entries, but a real tensor of length 7 has 4.", error.Message)

[<Fact>]
let ``frequencies and shifts are those of NumPy`` () =
    near 0.0 (vector [ 0.0; 1.25; 2.5; 3.75; -5.0; -3.75; -2.5; -1.25 ]) (Signal.fftfreq 8 0.1)
    near 1e-16 (vector [ 0.0; 0.2; 0.4; -0.4; -0.2 ]) (Signal.fftfreq 5 1.0)
    near 1e-16 (vector [ 0.0; 0.2; 0.4 ]) (Signal.rfftfreq 5 1.0)
    near 0.0 (vector [ -4.0; -3.0; -2.0; -1.0; 0.0; 1.0; 2.0; 3.0 ]) (Signal.fftshift [ 0 ] (Signal.fftfreq 8 0.125))
    near 0.0 (vector [ -2.0; -1.0; 0.0; 1.0; 2.0 ]) (Signal.fftshift [ 0 ] (Signal.fftfreq 5 0.2))
    let x = normal 5 [| 4; 5 |]
    near 0.0 x (Signal.ifftshift [ 0; 1 ] (Signal.fftshift [ 0; 1 ] x))
    Assert.Throws<ArgumentException>(fun () -> Signal.fftfreq 0 1.0 |> ignore) |> ignore

[<Fact>]
let ``convolutions are those of NumPy, directly and by transforms`` () =
    let x, y = vector [ 1.0; 2.0; 3.0 ], vector [ 0.0; 1.0; 0.5 ]

    for convolve in [ Signal.convolve; Signal.fftConvolve ] do
        near 1e-15 (vector [ 0.0; 1.0; 2.5; 4.0; 1.5 ]) (convolve ConvolveMode.Full x y)
        near 1e-15 (vector [ 1.0; 2.5; 4.0 ]) (convolve ConvolveMode.Same x y)
        near 1e-15 (vector [ 2.5 ]) (convolve ConvolveMode.Valid x y)

        near
            1e-15
            (vector [ 1.0; 3.0; 5.0; 7.0 ])
            (convolve ConvolveMode.Same (vector [ 1.0; 1.0 ]) (vector [ 1.0; 2.0; 3.0; 4.0 ]))

    for m in 1..12 do
        for n in 1..12 do
            let x, y = normal m [| m |], normal (20 + n) [| n |]
            let a, b = floats x, floats y
            let full = Array.zeroCreate (m + n - 1)

            for i in 0 .. m - 1 do
                for j in 0 .. n - 1 do
                    full[i + j] <- full[i + j] + a[i] * b[j]

            for mode in [ ConvolveMode.Full; ConvolveMode.Same; ConvolveMode.Valid ] do
                near 1e-14 (Signal.convolve mode x y) (Signal.fftConvolve mode x y)

            near 1e-14 (Tensor.ofSeq full) (Signal.convolve ConvolveMode.Full x y)

    // Rows broadcast.
    let x, y = normal 1 [| 2; 1; 9 |], normal 2 [| 3; 4 |]
    let z = Signal.fftConvolve ConvolveMode.Valid x y
    Assert.Equal<int[]>([| 2; 3; 6 |], z.Shape)
    near 1e-14 (Signal.convolve ConvolveMode.Valid x[1, 0] y[2]) z[1, 2]

[<Fact>]
let ``compositions have derivatives of every order, and batch`` () =
    let shrink (re: Tensor, im: Tensor) = Tensor.sum (sin re + im * im * re)
    let x, y = normal 6 [| 7 |], normal 7 [| 4 |]
    CheckGrads.Run((fun (xs: Tensor[]) -> shrink (Signal.rfft 0 xs[0])), [| x |], order = 2)
    CheckGrads.Run((fun (xs: Tensor[]) -> sin (Signal.irfft 12 0 (xs[0], cos xs[0]))), [| x |], order = 2)
    CheckGrads.Run((fun (xs: Tensor[]) -> shrink (Signal.ifft 0 (xs[0], exp xs[0]))), [| x |], order = 2)

    for convolve in [ Signal.convolve; Signal.fftConvolve ] do
        for mode in [ ConvolveMode.Full; ConvolveMode.Same; ConvolveMode.Valid ] do
            CheckGrads.Run((fun (xs: Tensor[]) -> sin (convolve mode xs[0] xs[1])), [| x; y |], order = 2)

        let rows = normal 8 [| 5; 7 |]
        let each = vmap (fun row -> grad (fun r -> Tensor.sum (square (convolve ConvolveMode.Same r y))) row) rows
        for i in 0..4 do
            near 1e-12 (grad (fun r -> Tensor.sum (square (convolve ConvolveMode.Same r y))) rows[i]) each[i]

[<Fact>]
let ``a power spectrum's gradient is the analytic one`` () =
    // The sum of |F x|^2 is n |x|^2.
    let x = normal 9 [| 30 |]
    let power x = let re, im = Signal.fft 0 (x, Tensor.zerosLike x) in Tensor.sum (square re + square im)
    near 1e-11 (x * 60.0) (grad power x)

[<Fact>]
let ``types promote, and mistakes are named`` () =
    let re, im = Signal.fft 0 (Tensor.ofSeq [ 1; 2; 3 ], Tensor.ofSeq [ 0; 0; 0 ])
    Assert.Equal(DType.Float32, re.DType)
    Assert.Equal(DType.Float32, im.DType)
    let starts (text: string) f =
        Assert.StartsWith(text, Assert.Throws<ArgumentException>(fun () -> f () |> ignore).Message)
    starts "fft: axis 2" (fun () -> Signal.fft 2 (pair 1 [| 3; 3 |]))
    starts "fft: shapes (3) and (4)" (fun () -> Signal.fft 0 (normal 1 [| 3 |], normal 1 [| 4 |]))
    starts "fft: axis 0 of (0)" (fun () -> Signal.fft 0 (normal 1 [| 0 |], normal 1 [| 0 |]))
    starts "convolve: shapes (2, 2)" (fun () ->
        Signal.convolve ConvolveMode.Full (normal 1 [| 2; 2 |]) (normal 1 [| 2 |]))
    starts "fftConvolve: shapes" (fun () -> Signal.fftConvolve ConvolveMode.Full (scalar 1.0) (normal 1 [| 2 |]))
