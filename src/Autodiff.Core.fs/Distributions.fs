namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Autodiff.Kernels

/// How numbers of further distributions come from uniform, normal and gamma ones.
module internal Distributions =
    let private constant (x: Tensor) value = Tensor.ScalarOf(x, value)

    let checkFloat operation (dtype: DType) =
        if not (DTypes.IsFloat dtype) then
            Shape.fail operation $"{DTypes.Name dtype} is not float32 or float64."

    let scalarOf operation dtype (value: float) : Tensor =
        checkFloat operation dtype
        Tensor.Full(Shape.scalar, value, dtype)

    /// Parameters in the type that holds all of them, from a least one on, stretched to a shape.
    let private parametersFrom least operation (shape: int[]) (given: Tensor[]) : Tensor[] =
        Shape.validate operation shape

        for p in given do
            Tensor.NotNull(operation, p)

            if not (Shape.broadcastsTo p.Shape shape) then
                Shape.fail
                    operation
                    $"parameters of shape {Shape.format p.Shape} do not broadcast to the shape {Shape.format shape} asked for."

        let dtype = given |> Array.fold (fun dtype p -> DTypes.Promote(dtype, p.DType)) least
        given |> Array.map (fun p -> Tensor.BroadcastTo(Tensor.Cast(p, dtype), shape))

    let parameters operation shape (given: Tensor[]) : Tensor[] = parametersFrom DType.Float32 operation shape given

    /// Uniform numbers in (0, 1): half of the smallest positive one stands for 0.
    let openUniform operation (key: Key) (shape: int[]) dtype : Tensor =
        checkFloat operation dtype
        let u = key.Uniform(shape, dtype = dtype)
        Tensor.Maximum(u, constant u (Math.ScaleB(1.0, (if dtype = DType.Float32 then -25 else -54))))

    let located (location: float) (scale: float) (x: Tensor) : Tensor =
        let x = if scale = 1.0 then x else x * scale
        if location = 0.0 then x else x + location

    let exponential operation (key: Key) shape dtype : Tensor =
        checkFloat operation dtype
        -(Tensor.Log1p(-(key.Uniform(shape, dtype = dtype))))

    let gumbel operation key shape dtype : Tensor = -(Tensor.Log(-(Tensor.Log(openUniform operation key shape dtype))))

    let logistic key shape dtype : Tensor =
        let u = openUniform "Logistic" key shape dtype
        Tensor.Log u - Tensor.Log1p(-u)

    /// From the distance to the nearer end of (0, 1), so that both tails keep their digits.
    let private fromTails operation key shape dtype (ofDistance: Tensor -> Tensor) : Tensor =
        let u = openUniform operation key shape dtype
        let isLower = Tensor.Less(u, constant u 0.5)
        let size = ofDistance (Tensor.Where(isLower, u, 1.0 - u))
        Tensor.Where(isLower, -size, size)

    let laplace key shape dtype : Tensor = fromTails "Laplace" key shape dtype (fun u -> -(Tensor.Log(u * 2.0)))
    let cauchy key shape dtype : Tensor =
        fromTails "Cauchy" key shape dtype (fun u -> Tensor.Reciprocal(Tensor.Tan(u * Math.PI)))

    /// By inversion of the normal distribution function, in double precision, on the side where it is small. Beyond 37
    /// standard deviations that is 0: there exp (-x^2 / 2) stands for it, up to a factor that hardly changes.
    let truncatedNormal
        (key: Key)
        (shape: int[])
        (low: Tensor)
        (high: Tensor)
        (mean: Tensor)
        (deviation: Tensor)
        : Tensor =
        let given = parameters "TruncatedNormal" shape [| low; high; mean; deviation |]
        let double (x: Tensor) = Tensor.Cast(x, DType.Float64)
        let mean, deviation = double given[2], double given[3]
        let endless = 1e150

        // An infinite bound is a constant: the derivatives of what becomes infinite would be NaN.
        let standard (bound: Tensor) =
            let isEndless = isInfinite bound
            let finite = Tensor.Where(isEndless, constant bound 0.0, bound)
            Tensor.Where(isEndless, Tensor.Signum bound * endless, (finite - mean) / deviation)

        let low, high = standard (double given[0]), standard (double given[1])
        let isMirrored = Tensor.Greater(low + high, constant low 0.0)
        let a, b = Tensor.Where(isMirrored, -high, low), Tensor.Where(isMirrored, -low, high)
        let u = openUniform "TruncatedNormal" key shape DType.Float64
        let isFar = Tensor.Less(b, constant b -37.0)

        let near =
            // Twice the distribution function.
            let level (x: Tensor) = erfc (Tensor.Where(isFar, constant x 0.0, x) * -(Math.Sqrt 0.5))
            let lower, upper = level a, level b
            let p = lower + u * (upper - lower)
            erfcinv (Tensor.Where(isFar, constant p 1.0, p)) * -(Math.Sqrt 2.0)

        let far =
            let a, b = Tensor.Where(isFar, a, constant a -endless), Tensor.Where(isFar, b, constant b -40.0)
            let rest = Tensor.Exp((Tensor.Square b - Tensor.Square a) * 0.5)
            -(Tensor.Sqrt(Tensor.Square b - Tensor.Log(rest + u * (1.0 - rest)) * 2.0))

        let x = Tensor.Where(isFar, far, near)
        let x = Tensor.Where(Tensor.Less(x, a), a, x)
        let x = Tensor.Where(Tensor.Greater(x, b), b, x)
        Tensor.Cast(mean + deviation * Tensor.Where(isMirrored, -x, x), given[0].DType)

    let private last (x: Tensor) = x.Rank - 1

    /// Positions in the last axis of weights (batch..., k), each as often as its weight says; the shape asked for ends
    /// with that of the batch.
    let private byWeights operation (key: Key) (shape: int[]) (weights: Tensor) : Tensor =
        let batch = weights.Shape[.. weights.Rank - 2]
        let lead = shape[.. shape.Length - batch.Length - 1]

        if shape.Length < batch.Length || not (Shape.equal shape[lead.Length ..] batch) then
            Shape.fail
                operation
                $"the shape {Shape.format shape} asked for does not end with {Shape.format batch}, the shape of the batch."

        let sums = Cumulative.cumsum (last weights) false weights
        let starts = Array.updateAt (last sums) (sums.Shape[last sums] - 1) (Array.zeroCreate sums.Rank)
        let total = slice starts (Array.append batch [| 1 |]) (Array.create sums.Rank 1) sums
        let u = key.Uniform(shape, dtype = DType.Float64)
        let rows = moveAxis 0 batch.Length (Structural.reshape (Array.append [| int (Shape.size lead) |] batch) u)
        // Where rounding takes a number up to the total, the last position of positive weight is meant.
        let found = Sorting.searchSorted true sums (rows * total)
        let final = Sorting.searchSorted false sums total
        Structural.reshape shape (moveAxis batch.Length 0 (Tensor.Minimum(found, final)))

    let categorical (key: Key) (shape: int[]) axis (logits: Tensor) : Tensor =
        let axis = Tensor.AxisOf("Categorical", logits, axis)

        if logits.Shape[axis] = 0 then
            Shape.fail
                "Categorical"
                $"axis {axis} of {Shape.format logits.Shape} is empty, and has nothing to choose from."

        let rows = Tensor.Cast(Tensor.StopGradient logits, DType.Float64)
        let rows = permute (Array.append (Array.removeAt axis [| 0 .. rows.Rank - 1 |]) [| axis |]) rows
        let shape = if isNull shape then rows.Shape[.. rows.Rank - 2] else shape
        Shape.validate "Categorical" shape
        byWeights "Categorical" key shape (Tensor.Exp(rows - maxOver [| last rows |] true rows))

    let logGamma operation (key: Key) (shape: int[]) (concentration: Tensor) : Tensor =
        Variates.logGamma key.Tensor (Array.head (parameters operation shape [| concentration |]))

    let private two (key: Key) = let keys = key.Split 2 in keys[0], keys[1]

    let beta (key: Key) (shape: int[]) (a: Tensor) (b: Tensor) : Tensor =
        let first, second = two key
        let given = parameters "Beta" shape [| a; b |]
        Tensor.Sigmoid(logGamma "Beta" first shape given[0] - logGamma "Beta" second shape given[1])

    let dirichlet (key: Key) (shape: int[]) (concentration: Tensor) : Tensor =
        Tensor.NotNull("Dirichlet", concentration)

        if concentration.Rank = 0 then
            Shape.fail "Dirichlet" "the concentration is a scalar; it must have an axis of the parts."

        let full = Array.append shape [| concentration.Shape[concentration.Rank - 1] |]
        Reductions.softmax -1 (logGamma "Dirichlet" key full concentration)

    let studentT (key: Key) (shape: int[]) (freedom: Tensor) : Tensor =
        let first, second = two key
        let half = (parameters "StudentT" shape [| freedom |])[0] * 0.5
        let spread = Tensor.Log half - logGamma "StudentT" second shape half
        first.Normal(shape, dtype = half.DType) * Tensor.Exp(spread * 0.5)

    let chiSquare (key: Key) (shape: int[]) (freedom: Tensor) : Tensor =
        let half = (parameters "ChiSquare" shape [| freedom |])[0] * 0.5
        Tensor.Exp(logGamma "ChiSquare" key shape half) * 2.0

    let private counts variate operation (key: Key) shape given : Tensor =
        // Counts are exact in float64 only.
        let given = given |> Array.map Tensor.StopGradient |> parametersFrom DType.Float64 operation shape
        Variates.draw variate key.Tensor given

    let poisson key shape rate : Tensor = counts RandomVariate.Poisson "Poisson" key shape [| rate |]
    let binomial key shape trials probability : Tensor =
        counts RandomVariate.Binomial "Binomial" key shape [| trials; probability |]

    let choice (key: Key) (n: int) (shape: int[]) replace (probabilities: Tensor) : Tensor =
        Shape.validate "Choice" shape
        let count = int (Shape.size shape)

        if n < 1 && count > 0 then
            Shape.fail "Choice" $"there is nothing to choose {Shape.format shape} from: the length is {n}."

        if not replace && count > n then
            Shape.fail "Choice" $"{count} of {n} cannot be chosen without replacement."

        let weights =
            if isNull probabilities then
                null
            else
                if probabilities.Rank <> 1 || probabilities.Size <> n then
                    Shape.fail
                        "Choice"
                        $"probabilities of shape {Shape.format probabilities.Shape} must be a vector with one for each of {n}."

                let weights = Tensor.Cast(Tensor.StopGradient probabilities, DType.Float64)

                if weights.Level = 0L then
                    let values = Host.toArray<float> weights.Array
                    let positive = values |> Array.filter (fun v -> v > 0.0) |> Array.length

                    if values |> Array.exists (fun v -> not (v >= 0.0 && Double.IsFinite v)) then
                        Shape.fail "Choice" "a probability is negative, infinite or NaN."

                    if positive < (if replace then min count 1 else count) then
                        Shape.fail "Choice" $"only {positive} probabilities are positive, too few to choose {count}."

                weights

        match weights with
        | null when replace ->
            if count = 0 then
                Tensor.Full(shape, 0.0, DType.Int64)
            else
                key.Integers(shape, 0L, int64 n)
        | null -> Structural.reshape shape (slice [| 0 |] [| count |] [| 1 |] (key.Permutation n))
        | weights when replace -> byWeights "Choice" key shape weights
        | weights ->
            // The largest of log weights with Gumbel noise: P. Efraimidis and P. Spirakis, Weighted random sampling (2006).
            let noisy = Tensor.Log weights + gumbel "Choice" key [| n |] DType.Float64
            Structural.reshape shape (slice [| 0 |] [| count |] [| 1 |] (Sorting.argsort 0 true noisy))

    let shuffle (key: Key) axis (x: Tensor) : Tensor =
        let axis = Tensor.AxisOf("Shuffle", x, axis)
        Indexing.take axis (key.Permutation x.Shape[axis]) x

/// Random numbers of further distributions: `key.Gamma([| 100 |], concentration)`. The shape is that of the result, to
/// which parameters broadcast. Numbers are differentiable in parameters that are tensors, unless they are whole: for
/// distributions with a location and a scale, `location + scale * key.Laplace shape` is. Each number depends only on the
/// key, its parameters and its position, not on threads; examples of vmap have the numbers that they have alone.
[<Extension>]
type DistributionExtensions =
    /// Numbers x > 0 with the density exp (-x / scale) / scale.
    [<Extension>]
    static member Exponential
        (
            key: Key,
            shape: int[],
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.located 0.0 scale (Distributions.exponential "Exponential" key shape dtype)

    /// Numbers x with the density exp (-|x - location| / scale) / (2 scale).
    [<Extension>]
    static member Laplace
        (
            key: Key,
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] location: float,
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.located location scale (Distributions.laplace key shape dtype)

    /// Numbers x with the density 1 / (pi scale (1 + z^2)), where z = (x - location) / scale.
    [<Extension>]
    static member Cauchy
        (
            key: Key,
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] location: float,
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.located location scale (Distributions.cauchy key shape dtype)

    /// Numbers x with the distribution function 1 / (1 + exp (-z)), where z = (x - location) / scale.
    [<Extension>]
    static member Logistic
        (
            key: Key,
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] location: float,
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.located location scale (Distributions.logistic key shape dtype)

    /// Numbers x with the distribution function exp (-exp (-z)), where z = (x - location) / scale: the largest of many.
    [<Extension>]
    static member Gumbel
        (
            key: Key,
            shape: int[],
            [<Optional; DefaultParameterValue(0.0)>] location: float,
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.located location scale (Distributions.gumbel "Gumbel" key shape dtype)

    /// Normal numbers under the condition that they lie between two bounds, which may be infinite; the lower one must not
    /// be above the other. By inversion, and so differentiable in all four parameters. Beyond 37 standard deviations from
    /// the mean the distribution is right to a thousandth.
    [<Extension>]
    static member TruncatedNormal
        (key: Key, shape: int[], low: Tensor, high: Tensor, mean: Tensor, standardDeviation: Tensor)
        : Tensor =
        Distributions.truncatedNormal key shape low high mean standardDeviation

    /// Normal numbers under the condition that they lie between two bounds, which may be infinite.
    [<Extension>]
    static member TruncatedNormal
        (
            key: Key,
            shape: int[],
            low: float,
            high: float,
            [<Optional; DefaultParameterValue(0.0)>] mean: float,
            [<Optional; DefaultParameterValue(1.0)>] standardDeviation: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        if not (low <= high) then
            Shape.fail "TruncatedNormal" $"the bounds {low} and {high} are not in order."

        let number = Distributions.scalarOf "TruncatedNormal" dtype
        Distributions.truncatedNormal key shape (number low) (number high) (number mean) (number standardDeviation)

    /// Positions along an axis with the probabilities softmax (logits), one for each row; int64, without derivative. A
    /// logit of -infinity means never; not all of a row may be.
    [<Extension>]
    static member Categorical(key: Key, logits: Tensor, [<Optional; DefaultParameterValue(-1)>] axis: int) : Tensor =
        Distributions.categorical key null axis logits

    /// Positions along an axis with the probabilities softmax (logits). The shape ends with that of the logits without the
    /// axis; the axes before it count draws from the same row.
    [<Extension>]
    static member Categorical
        (key: Key, shape: int[], logits: Tensor, [<Optional; DefaultParameterValue(-1)>] axis: int)
        : Tensor =
        Distributions.categorical key shape axis logits

    /// Logarithms of gamma variables, exact also where those would be 0, as for small concentrations.
    [<Extension>]
    static member LogGamma(key: Key, shape: int[], concentration: Tensor) : Tensor =
        Distributions.logGamma "LogGamma" key shape concentration

    /// Numbers x > 0 with the density x^(a - 1) exp (-x) / gamma a for a concentration a; multiply by a scale. The derivative
    /// with respect to a is that of the quantile at the level of the number, of every order: the pathwise derivative
    /// (Figurnov, Mohamed, Mnih, Implicit reparameterization gradients, 2018). The value is NaN for a below 0, and 0 at
    /// 0. A draw takes the same time for all a, a derivative one in proportion to the square root of a.
    [<Extension>]
    static member Gamma(key: Key, shape: int[], concentration: Tensor) : Tensor =
        Tensor.Exp(Distributions.logGamma "Gamma" key shape concentration)

    /// Numbers x > 0 with a gamma distribution of a concentration and a scale.
    [<Extension>]
    static member Gamma
        (
            key: Key,
            shape: int[],
            concentration: float,
            [<Optional; DefaultParameterValue(1.0)>] scale: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        let number = Distributions.scalarOf "Gamma" dtype concentration
        Distributions.located 0.0 scale (Tensor.Exp(Distributions.logGamma "Gamma" key shape number))

    /// Numbers in (0, 1) with a density in proportion to x^(a - 1) (1 - x)^(b - 1), differentiable in a and b.
    [<Extension>]
    static member Beta(key: Key, shape: int[], a: Tensor, b: Tensor) : Tensor = Distributions.beta key shape a b

    /// Numbers in (0, 1) with a density in proportion to x^(a - 1) (1 - x)^(b - 1).
    [<Extension>]
    static member Beta
        (key: Key, shape: int[], a: float, b: float, [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType)
        : Tensor =
        let number = Distributions.scalarOf "Beta" dtype
        Distributions.beta key shape (number a) (number b)

    /// Positive numbers with the sum 1 along a last axis, with a density in proportion to the product of
    /// x_i^(a_i - 1): the shape, and then the axis of the concentrations a (..., k), whose leading axes broadcast.
    /// Differentiable in a.
    [<Extension>]
    static member Dirichlet(key: Key, shape: int[], concentration: Tensor) : Tensor =
        Distributions.dirichlet key shape concentration

    /// Numbers with Student's t distribution for degrees of freedom, in which they are differentiable.
    [<Extension>]
    static member StudentT(key: Key, shape: int[], degreesOfFreedom: Tensor) : Tensor =
        Distributions.studentT key shape degreesOfFreedom

    /// Numbers with Student's t distribution for degrees of freedom.
    [<Extension>]
    static member StudentT
        (
            key: Key,
            shape: int[],
            degreesOfFreedom: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.studentT key shape (Distributions.scalarOf "StudentT" dtype degreesOfFreedom)

    /// Sums of the squares of so many standard normal numbers as there are degrees of freedom, which need not be whole,
    /// and in which the numbers are differentiable.
    [<Extension>]
    static member ChiSquare(key: Key, shape: int[], degreesOfFreedom: Tensor) : Tensor =
        Distributions.chiSquare key shape degreesOfFreedom

    /// Sums of the squares of so many standard normal numbers as there are degrees of freedom.
    [<Extension>]
    static member ChiSquare
        (
            key: Key,
            shape: int[],
            degreesOfFreedom: float,
            [<Optional; DefaultParameterValue(DType.Float32)>] dtype: DType
        ) : Tensor =
        Distributions.chiSquare key shape (Distributions.scalarOf "ChiSquare" dtype degreesOfFreedom)

    /// Numbers k of events with the probabilities rate^k exp (-rate) / k!; int64, without derivative. Fails for a rate
    /// that is negative, NaN or above 2^62.
    [<Extension>]
    static member Poisson(key: Key, shape: int[], rate: Tensor) : Tensor = Distributions.poisson key shape rate

    /// Numbers k of events with the probabilities rate^k exp (-rate) / k!; int64.
    [<Extension>]
    static member Poisson(key: Key, shape: int[], rate: float) : Tensor =
        Distributions.poisson key shape (Tensor.Scalar rate)

    /// Numbers of successes among trials of one probability; int64, without derivative. Fails for trials that are not whole
    /// numbers from 0 to below 2^53, and for what is no probability.
    [<Extension>]
    static member Binomial(key: Key, shape: int[], trials: Tensor, probability: Tensor) : Tensor =
        Distributions.binomial key shape trials probability

    /// Numbers of successes among trials of one probability; int64.
    [<Extension>]
    static member Binomial(key: Key, shape: int[], trials: int64, probability: float) : Tensor =
        Distributions.binomial key shape (Tensor.Scalar(float trials)) (Tensor.Scalar probability)

    /// Positions 0 to n - 1, int64: with replacement, each drawn anew, or without, all different. Probabilities (n) are
    /// divided by their sum; without replacement they are those of the next draw among what is left.
    [<Extension>]
    static member Choice
        (
            key: Key,
            n: int,
            shape: int[],
            [<Optional; DefaultParameterValue(true)>] replace: bool,
            [<Optional; DefaultParameterValue(null: Tensor)>] probabilities: Tensor
        ) : Tensor =
        Distributions.choice key n shape replace probabilities

    /// Entries of a tensor along an axis, which gives way to the shape, with or without replacement, with the same
    /// probability or with one for each entry. Differentiable in the tensor.
    [<Extension>]
    static member Choice
        (
            key: Key,
            x: Tensor,
            shape: int[],
            [<Optional; DefaultParameterValue(true)>] replace: bool,
            [<Optional; DefaultParameterValue(null: Tensor)>] probabilities: Tensor,
            [<Optional; DefaultParameterValue(0)>] axis: int
        ) : Tensor =
        let axis = Tensor.AxisOf("Choice", x, axis)
        Indexing.take axis (Distributions.choice key x.Shape[axis] shape replace probabilities) x

    /// The entries of a tensor along an axis in random order.
    [<Extension>]
    static member Shuffle(key: Key, x: Tensor, [<Optional; DefaultParameterValue(0)>] axis: int) : Tensor =
        Distributions.shuffle key axis x
