/// Random numbers of further distributions: their laws, their derivatives, and that they depend on nothing but the key.
module Core.Tests.DistributionTests

open System
open System.Threading.Tasks
open Autodiff
open Core.Tests.Common
open MathNet.Numerics.Distributions
open Xunit

let private n = 20000
let private full (value: float) = scalar value

/// The largest distance of the empirical distribution function from one that is meant, in units of 1 / sqrt n.
let private kolmogorov (cdf: float -> float) (sample: float[]) =
    let sorted = Array.sort sample
    let count = float sorted.Length

    sorted
    |> Array.mapi (fun i x -> let p = cdf x in max (p - float i / count) (float (i + 1) / count - p))
    |> Array.max
    |> fun d -> d * sqrt count

/// 1.95 is exceeded once in a thousand times; seeds are fixed.
let private follows name cdf (x: Tensor) =
    let distance = kolmogorov cdf (floats x)
    Assert.True(distance < 1.95, $"{name}: {distance}")

/// MathNet takes tiny numbers for 0.
let private gammaCdf a x =
    if x > 1e-8 then
        Gamma.CDF(a, 1.0, x)
    else
        exp (a * log x - MathNet.Numerics.SpecialFunctions.GammaLn(a + 1.0))

[<Fact>]
let ``continuous distributions have their distribution functions`` () =
    let key = Key 1
    let truncated low high x =
        let phi = fun (v: float) -> Normal.CDF(1.0, 2.0, v)
        (phi x - phi low) / (phi high - phi low)

    for dtype in [ DType.Float32; DType.Float64 ] do
        let of' (value: float) = Tensor.Full([||], value, dtype)
        follows "exponential" (fun x -> 1.0 - exp (-x / 2.0)) (key.Exponential([| n |], 2.0, dtype))
        follows "laplace" (fun x -> Laplace.CDF(1.0, 2.0, x)) (key.Laplace([| n |], 1.0, 2.0, dtype))
        follows "cauchy" (fun x -> Cauchy.CDF(1.0, 2.0, x)) (key.Cauchy([| n |], 1.0, 2.0, dtype))
        follows "logistic" (fun x -> 1.0 / (1.0 + exp (-(x - 1.0) / 2.0))) (key.Logistic([| n |], 1.0, 2.0, dtype))
        follows "gumbel" (fun x -> exp (-(exp (-(x - 1.0) / 2.0)))) (key.Gumbel([| n |], 1.0, 2.0, dtype))

        for low, high in [ -1.0, 2.0; 4.0, 5.0; -9.0, -7.0 ] do
            let x = key.TruncatedNormal([| n |], low, high, 1.0, 2.0, dtype)
            follows $"truncated normal {low} {high}" (truncated low high) x
            Assert.True(Array.min (floats x) >= low && Array.max (floats x) <= high)

        for a in [ 0.1; 0.5; 1.0; 3.0; 50.0; 1e4 ] do
            follows $"gamma {a}" (gammaCdf a) (key.Gamma([| n |], of' a))
            follows $"log gamma {a}" (fun y -> gammaCdf a (exp y)) (key.LogGamma([| n |], of' a))

        for a, b in [ 0.5, 0.5; 2.0, 3.0; 0.05, 4.0; 30.0, 1.0 ] do
            follows $"beta {a} {b}" (fun x -> Beta.CDF(a, b, Math.Clamp(x, 0.0, 1.0))) (key.Beta([| n |], of' a, of' b))

        for freedom in [ 0.7; 3.0; 30.0 ] do
            follows $"t {freedom}" (fun x -> StudentT.CDF(0.0, 1.0, freedom, x)) (key.StudentT([| n |], of' freedom))
            follows
                $"chi square {freedom}"
                (fun x -> ChiSquared.CDF(freedom, x))
                (key.ChiSquare([| n |], freedom, dtype))

        Assert.Equal(dtype, key.Gamma([| 2 |], of' 1.0).DType)

    let parts = key.Dirichlet([| n |], vector [ 0.5; 2.0; 3.5 ])
    Assert.Equal<int[]>([| n; 3 |], parts.Shape)
    near 1e-14 (Tensor.onesLike parts[*, 0]) (Tensor.sumAxes [ 1 ] parts)
    // Each part alone has a beta distribution.
    follows "dirichlet" (fun x -> Beta.CDF(0.5, 5.5, x)) parts[*, 0]
    follows "dirichlet" (fun x -> Beta.CDF(3.5, 2.5, x)) parts[*, 2]

[<Fact>]
let ``a truncated normal far from the mean stays at its bound`` () =
    for bound in [ 30.0; 36.9; 37.1; 200.0 ] do
        let x = floats ((Key 2).TruncatedNormal([| n |], bound, infinity, dtype = DType.Float64))
        let mirrored = floats ((Key 2).TruncatedNormal([| n |], -infinity, -bound, dtype = DType.Float64))
        Assert.True(Array.min x >= bound && Array.max mirrored <= -bound)
        // What lies beyond is nearly exponential with the rate of the bound.
        let excess = x |> Array.averageBy (fun v -> (v - bound) * bound)
        Assert.True(abs (excess - 1.0) < 5.0 / sqrt (float n) + 2.0 / (bound * bound), $"{bound}: {excess}")

[<Fact>]
let ``whole numbers have their probabilities`` () =
    let check name (probability: int -> float) (x: Tensor) =
        Assert.Equal(DType.Int64, x.DType)

        for value, count in floats x |> Array.countBy id do
            let p = probability (int value)
            let deviation = sqrt (float n * p * (1.0 - p))
            Assert.True(abs (float count - float n * p) < 5.0 * deviation + 2.0, $"{name}: {value} came {count} times")

    let key = Key 3

    for rate in [ 0.3; 4.0; 9.9; 10.1; 50.0; 700.0 ] do
        check $"poisson {rate}" (fun k -> Poisson.PMF(rate, k)) (key.Poisson([| n |], rate))

    for trials, p in [ 1, 0.3; 20, 0.4; 20, 0.7; 1000, 0.002; 1000, 0.37; 1000, 0.99 ] do
        check $"binomial {trials} {p}" (fun k -> Binomial.PMF(p, trials, k)) (key.Binomial([| n |], int64 trials, p))

    Assert.Equal(0.0, (key.Poisson([||], 0.0)).ToDouble())
    Assert.Equal(7.0, (key.Binomial([||], 7L, 1.0)).ToDouble())
    Assert.Equal(0.0, (key.Binomial([||], 7L, 0.0)).ToDouble())
    let starts (text: string) f =
        Assert.StartsWith(text, Assert.Throws<ArgumentException>(fun () -> f () |> ignore).Message)
    starts "Poisson: a rate" (fun () -> key.Poisson([| 2 |], vector [ 1.0; -1.0 ]))
    starts "Binomial: trials" (fun () -> key.Binomial([| 2 |], vector [ 1.0; 2.5 ], scalar 0.5))
    starts "Poisson: parameters of shape (3)" (fun () -> key.Poisson([| 2 |], vector [ 1.0; 2.0; 3.0 ]))

[<Fact>]
let ``categories come as often as their logits say, for each row`` () =
    let probabilities = [ [ 0.2; 0.0; 0.5; 0.3 ]; [ 0.7; 0.1; 0.1; 0.1 ] ]
    let logits = log (rows probabilities)
    let x = (Key 4).Categorical([| n; 2 |], logits)
    Assert.Equal<int[]>([| n; 2 |], x.Shape)

    for row in 0..1 do
        for category in 0..3 do
            let p = probabilities[row][category]
            let count = floats x[*, row] |> Array.filter ((=) (float category)) |> Array.length
            Assert.True(abs (float count - float n * p) <= 5.0 * sqrt (float n * p * (1.0 - p)))

    Assert.Equal<int[]>([| 2 |], ((Key 4).Categorical logits).Shape)
    Assert.True(sameBits ((Key 4).Categorical logits) ((Key 4).Categorical(Tensor.transpose logits, 0)))
    let each = vmap (fun (row: Tensor) -> (Key 4).Categorical row) logits
    Assert.True(sameBits ((Key 4).Categorical logits[1]) each[1])
    // Shifting all logits changes nothing; nor does their size.
    Assert.True(sameBits x ((Key 4).Categorical([| n; 2 |], logits + 1000.0)))

[<Fact>]
let ``the pathwise derivative of gamma variables is that of the quantile`` () =
    for a in [ 0.1; 0.5; 0.99; 1.0; 2.5; 20.0; 300.0 ] do
        let z, dz = jvp (fun (a: Tensor) -> (Key 5).Gamma([| 40 |], a)) (full a) (full 1.0)

        Array.iter2
            (fun z dz ->
                let p = Gamma.CDF(a, 1.0, z)

                // The quantile by Newton's method on MathNet's distribution function.
                let quantile a =
                    let mutable x = z
                    for _ in 1..20 do
                        x <- max (x * 0.1) (x - (Gamma.CDF(a, 1.0, x) - p) / Gamma.PDF(a, 1.0, x))
                    x

                if z > 1e-3 && p < 0.9999 then
                    let h = 1e-4 * a
                    let numeric = (quantile (a + h) - quantile (a - h)) / (2.0 * h)
                    Assert.True(abs (numeric - dz) < 1e-5 * (1.0 + abs dz), $"{a}, {z}: {dz} but numeric {numeric}"))
            (floats z)
            (floats dz)

[<Fact>]
let ``expected values have the derivatives that they should`` () =
    // d/da E z = 1, d/da E z^2 = 2 a + 1, d/da E log z = trigamma a; second derivatives 0, 2, and of trigamma.
    for a in [ 0.3; 2.0; 15.0 ] do
        let moment (f: Tensor -> Tensor) (a: Tensor) = Tensor.mean (f ((Key 6).LogGamma([| n |], a)))

        let check expected deviation actual =
            Assert.True(abs (expected - actual) < 5.0 * deviation / sqrt (float n), $"{a}: {actual} for {expected}")

        let derivative f = (grad (moment f) (full a)).ToDouble()
        check 1.0 (2.0 / sqrt a + 1.0) (derivative exp)
        check (2.0 * a + 1.0) (8.0 * sqrt a + 6.0 + 4.0 / a) (derivative (fun y -> exp (y * 2.0)))
        check ((polygamma 1 (full a)).ToDouble()) (3.0 / (a * a) + 1.0 / a) (derivative id)
        let second f = (grad (grad (moment f)) (full a)).ToDouble()
        check ((polygamma 2 (full a)).ToDouble()) (20.0 / (a ** 3.0) + 1.0 / a) (second id)

    // Of a beta variable: E x = a / (a + b).
    let a, b = 1.5, 2.5
    let da = grad (fun (a: Tensor) -> Tensor.mean ((Key 7).Beta([| n |], a, full b))) (full a)
    Assert.Equal(b / ((a + b) * (a + b)), da.ToDouble(), 0.005)
    let concentration = vector [ 0.5; 1.5; 2.0 ]
    let first (c: Tensor) = let parts = (Key 8).Dirichlet([| n |], c) in Tensor.mean parts[*, 0]
    near 0.01 (vector [ 3.5 / 16.0; -0.5 / 16.0; -0.5 / 16.0 ]) (grad first concentration)
    // E t^2 = v / (v - 2).
    let t (v: Tensor) = Tensor.mean (square ((Key 9).StudentT([| n |], v)))
    Assert.Equal(-2.0 / 64.0, (grad t (full 10.0)).ToDouble(), 0.01)
    let c (v: Tensor) = Tensor.mean ((Key 10).ChiSquare([| n |], v))
    Assert.Equal(1.0, (grad c (full 4.0)).ToDouble(), 0.02)

[<Fact>]
let ``a truncated normal is differentiable in its bounds, location and scale`` () =
    let f (xs: Tensor[]) = (Key 11).TruncatedNormal([| 5 |], xs[0], xs[1], xs[2], xs[3])
    CheckGrads.Run(Func<_, _> f, [| full -1.0; full 2.5; full 0.3; full 1.7 |], order = 2)
    CheckGrads.Run(Func<_, _> f, [| full 3.0; full 4.0; full 0.3; full 0.7 |], order = 2)
    CheckGrads.Run(Func<_, _> f, [| full 50.0; full 60.0; full 0.0; full 1.0 |], order = 1)

    for low, high in [ -infinity, 1.0; -1.0, infinity; -infinity, infinity; -infinity, -45.0 ] do
        let g (xs: Tensor[]) = (Key 12).TruncatedNormal([| 5 |], full low, full high, xs[0], xs[1])
        CheckGrads.Run(Func<_, _> g, [| full 0.2; full 1.3 |], order = 1)

[<Fact>]
let ``numbers depend on nothing but the key, the parameters and the position`` () =
    let draws (count: int) =
        let rate = full 12.5
        [ (Key 13).Gamma([| count |], rate)
          (Key 13).Gamma([| count |], full 0.4)
          (Key 13).Poisson([| count |], rate)
          (Key 13).Binomial([| count |], full 100.0, full 0.3)
          (Key 13).TruncatedNormal([| count |], full -1.0, full 1.0, full 0.0, full 1.0)
          (Key 13).Laplace([| count |], dtype = DType.Float64) ]

    let long, short = draws n, draws 100
    List.iter2 (fun (a: Tensor) b -> Assert.True(sameBits a[..99] b)) long short
    List.iter2 (fun (a: Tensor) b -> Assert.True(sameBits a[..0] b)) long (draws 1)
    let results = Array.zeroCreate 8
    Parallel.For(0, 8, fun i -> results[i] <- draws 3000) |> ignore
    Assert.All(results, fun again -> List.iter2 (fun (a: Tensor) b -> Assert.True(sameBits a[..2999] b)) long again)

    // Examples of vmap have the numbers that they have alone, also under derivatives.
    let concentrations = uniform 14 0.1 9.0 [| 4; 3 |]
    let f (a: Tensor) = (Key 15).Gamma([| 2; 3 |], a)
    let all = vmap f concentrations
    let slopes = vmap (grad (f >> Tensor.sum)) concentrations

    for i in 0..3 do
        Assert.True(sameBits (f concentrations[i]) all[i])
        Assert.True(sameBits (grad (f >> Tensor.sum) concentrations[i]) slopes[i])

[<Fact>]
let ``keys of programs and of examples give the numbers that they give alone`` () =
    let full (v: float) = Tensor.Full([||], v, DType.Float64)

    let draws: (string * (Key -> Tensor)) list =
        [ "gamma", (fun key -> key.Gamma([| 3 |], vector [ 0.3; 2.0; 9.0 ]))
          "scalar gamma", (fun key -> key.Gamma([||], full 0.7))
          "scalar uniform", (fun key -> key.Uniform [||])
          "beta", (fun key -> key.Beta([| 2; 2 |], full 0.5, full 3.0))
          "dirichlet", (fun key -> key.Dirichlet([| 2 |], vector [ 1.0; 2.0; 0.5 ]))
          "studentT", (fun key -> key.StudentT([| 4 |], full 3.0))
          "poisson", (fun key -> key.Poisson([| 2; 3 |], full 4.0))
          "binomial", (fun key -> key.Binomial([| 5 |], full 100.0, full 0.3))
          "categorical", (fun key -> key.Categorical([| 6 |], vector [ 0.1; 1.0; -1.0 ])) ]

    let keys = (Key 23).Split 4

    for name, draw in draws do
        let compiled = jit draw
        let alone = keys |> Array.map draw
        Array.iter2 (fun key y -> Assert.True(sameBits y (compiled key), $"{name}, compiled")) keys alone
        let stacked = vmap id (Key.OfTensor(keys |> Array.map _.Tensor |> Tensor.stack 0))
        let all = Tensor.stack 0 alone
        Assert.True(sameBits all (vmap draw stacked), $"{name}, batched")
        Assert.True(sameBits all (jit (vmap draw) stacked), $"{name}, batched and compiled")
        let one = vmap draw (Key.OfTensor(Tensor.stack 0 [ keys[1].Tensor ]))
        Assert.True(sameBits (draw keys[1]) one[0], $"{name}, one")
        // A key for each example of an outer batch, and one for all of an inner one, and the other way round.
        let inner = vmap (fun (x: Tensor) -> Tensor.cast DType.Float64 (draw keys[0]) + x) (vector [ 0.0; 1.0 ])
        let outer =
            vmap
                (fun key -> vmap (fun (x: Tensor) -> Tensor.cast DType.Float64 (draw key) + x) (vector [ 0.0; 1.0 ]))
                stacked
        near 0.0 inner outer[0]

    // Numbers folded into a key are as many keys.
    let numbered = (Key 24).FoldIn(Tensor.arange 0.0 3.0 1.0)
    let expected = Tensor.stack 0 [ for i in 0..2 -> ((Key 24).FoldIn i).Gamma([| 2 |], full 2.0) ]
    Assert.True(sameBits expected (vmap (fun (key: Key) -> key.Gamma([| 2 |], full 2.0)) numbered))
    Assert.True(sameBits expected (numbered.Gamma([| 2 |], full 2.0)))

    // Examples of parameters within examples of keys.
    let rates = vector [ 1.0; 20.0 ]
    let grid =
        vmap
            (fun (key: Key) -> vmap (fun (rate: Tensor) -> key.Poisson([| 3 |], rate)) rates)
            (Key.OfTensor(keys |> Array.map _.Tensor |> Tensor.stack 0))
    for i in 0..3 do
        for j in 0..1 do
            near 0.0 (keys[i].Poisson([| 3 |], rates[j])) grid[i, j]

    // The derivative of a draw in a program is the pathwise one.
    let f (key: Key) (a: Tensor) = Tensor.sum (key.Gamma([| 3 |], a))
    near 1e-12 (grad (f keys[0]) (full 2.0)) (jit (fun (key, a) -> grad (f key) a) (keys[0], full 2.0))

[<Fact>]
let ``special concentrations`` () =
    let y = (Key 16).LogGamma([| 4 |], vector [ 0.0; -1.0; infinity; nan ])
    Assert.Equal<float[]>([| -infinity; nan; infinity; nan |], floats y)
    // Where the variable is 0 its logarithm still has digits, and so has a beta variable.
    let tiny = (Key 17).Gamma([| 50 |], full 1e-4)
    Assert.Contains(0.0, floats tiny)
    Assert.All(floats ((Key 17).LogGamma([| 50 |], full 1e-4)), fun v -> Assert.True(Double.IsFinite v))
    Assert.All(floats ((Key 17).Beta([| 50 |], full 1e-4, full 1e-4)), fun v -> Assert.True(v >= 0.0 && v <= 1.0))
    let slope = grad (fun (a: Tensor) -> Tensor.sum ((Key 17).Gamma([| 50 |], a))) (full 1e-4)
    Assert.True(Double.IsFinite(slope.ToDouble()))

[<Fact>]
let ``choices and shuffles`` () =
    let key = Key 18
    let x = key.Choice(5, [| n |])
    for i in 0..4 do
        let count = floats x |> Array.filter ((=) (float i)) |> Array.length
        Assert.True(abs (float count - float n / 5.0) < 5.0 * sqrt (float n * 0.16))

    let all = key.Choice(10, [| 2; 5 |], replace = false)
    Assert.Equal<float[]>([| 0.0 .. 9.0 |], Array.sort (floats all))
    // Without replacement: first 2 with 0.2, then 1 among the rest with 0.5 / 0.8.
    let p = vector [ 0.3; 0.5; 0.2; 0.0 ]
    let pairs =
        Array.init 4000 (fun i -> floats ((key.FoldIn i).Choice(4, [| 2 |], replace = false, probabilities = p)))
    let share = pairs |> Array.filter (fun v -> v = [| 2.0; 1.0 |]) |> Array.length
    Assert.True(abs (float share / 4000.0 - 0.125) < 5.0 * sqrt (0.125 * 0.875 / 4000.0), $"{share}")
    let weighted = floats (key.Choice(4, [| n |], probabilities = p * 7.0))
    Assert.Equal(0, weighted |> Array.filter ((=) 3.0) |> Array.length)
    Assert.Equal(0.5, float (weighted |> Array.filter ((=) 1.0) |> Array.length) / float n, 0.02)

    let m = normal 19 [| 4; 6 |]
    let chosen = key.Choice(m, [| 2; 3 |], axis = 1)
    Assert.Equal<int[]>([| 4; 2; 3 |], chosen.Shape)
    let shuffled = key.Shuffle(m, 1)
    near 0.0 (Tensor.sort 1 m) (Tensor.sort 1 shuffled)
    Assert.False(sameBits m shuffled)
    // All rows move alike.
    near 0.0 (key.Shuffle(m[2], 0)) shuffled[2]
    near 0.0 (Tensor.onesLike m) (grad (fun x -> Tensor.sum (key.Shuffle(x, 1))) m)
    let starts (text: string) f =
        Assert.StartsWith(text, Assert.Throws<ArgumentException>(fun () -> f () |> ignore).Message)
    starts "Choice: 7 of 5" (fun () -> key.Choice(5, [| 7 |], replace = false))
    starts "Choice: only 3" (fun () -> key.Choice(4, [| 4 |], replace = false, probabilities = p))
    starts "Choice: a probability" (fun () -> key.Choice(2, [| 4 |], probabilities = vector [ 1.0; -1.0 ]))
    starts "Choice: probabilities of shape" (fun () -> key.Choice(2, [| 4 |], probabilities = p))
