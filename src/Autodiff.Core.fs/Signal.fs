namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// Which of the two Fourier transforms of length n carries the factor that makes them inverse to each other.
type FftNorm =
    /// The inverse one is divided by n.
    | Backward = 0
    /// Both are divided by the square root of n; then they keep lengths.
    | Ortho = 1
    /// The forward one is divided by n.
    | Forward = 2

/// Which elements of a convolution of m with n elements are kept.
type ConvolveMode =
    /// All m + n - 1, as if zeros lay around both.
    | Full = 0
    /// The max (m, n) in the middle.
    | Same = 1
    /// The max (m, n) - min (m, n) + 1 for which no zeros are needed.
    | Valid = 2

/// Fourier transforms and convolution. A complex tensor is the pair of its real and imaginary parts, which broadcast
/// together. Everything is linear in each of its inputs, and has derivatives of every order in both modes; those of a
/// function of a pair are with respect to its two parts. Integers are converted to float32. Any length is fast, products
/// of small primes are fastest; an empty axis is an error.
[<RequireQualifiedAccess>]
module Signal =
    let private floating x = Elementwise.floating "signal" x

    let private scaleOf (norm: FftNorm) (inverse: bool) (n: int) =
        match norm with
        | FftNorm.Backward -> if inverse then 1.0 / float n else 1.0
        | FftNorm.Ortho -> 1.0 / sqrt (float n)
        | FftNorm.Forward -> if inverse then 1.0 else 1.0 / float n
        | _ -> Shape.fail "fft" $"{norm} is no norm; use Backward, Ortho or Forward."

    let private transformed name inverse norm (axis: int) (z: Tensor * Tensor) : Tensor * Tensor =
        let re, im = ComplexPairs.matched name z
        let axis = Tensor.AxisOf(name, re, axis)
        ComplexPairs.fft axis inverse (scaleOf norm inverse re.Shape[axis]) (re, im)

    let private transformedOver name inverse norm (axes: seq<int>) (z: Tensor * Tensor) : Tensor * Tensor =
        let z = ComplexPairs.matched name z
        Shape.axes name (fst z).Rank axes |> Array.fold (fun z axis -> transformed name inverse norm axis z) z

    /// Whether real lines of a length have a transform of half the length, which is taken where no derivative is asked for.
    let private isHalved n = n > 0 && n % 2 = 0

    /// The first entries along an axis, as many as asked for.
    let private firstOf axis count (x: Tensor) =
        slice (Array.zeroCreate x.Rank) (Array.updateAt axis count x.Shape) (Array.create x.Rank 1) x

    /// The discrete Fourier transform along an axis, with a norm: y_k is the sum of x_j exp(-2 pi i j k / n).
    let fftWith (norm: FftNorm) axis (z: Tensor * Tensor) : Tensor * Tensor = transformed "fft" false norm axis z
    /// The discrete Fourier transform along an axis: y_k is the sum of x_j exp(-2 pi i j k / n).
    let fft axis (z: Tensor * Tensor) : Tensor * Tensor = fftWith FftNorm.Backward axis z
    /// The inverse of fftWith with the same norm.
    let ifftWith (norm: FftNorm) axis (z: Tensor * Tensor) : Tensor * Tensor = transformed "ifft" true norm axis z
    /// The inverse discrete Fourier transform along an axis: the mean of x_k exp(2 pi i j k / n).
    let ifft axis (z: Tensor * Tensor) : Tensor * Tensor = ifftWith FftNorm.Backward axis z

    /// The Fourier transform along several axes, with a norm for each.
    let fftnWith (norm: FftNorm) (axes: seq<int>) (z: Tensor * Tensor) : Tensor * Tensor =
        transformedOver "fftn" false norm axes z
    /// The Fourier transform along several axes.
    let fftn (axes: seq<int>) (z: Tensor * Tensor) : Tensor * Tensor = fftnWith FftNorm.Backward axes z
    /// The inverse of fftnWith with the same norm.
    let ifftnWith (norm: FftNorm) (axes: seq<int>) (z: Tensor * Tensor) : Tensor * Tensor =
        transformedOver "ifftn" true norm axes z
    /// The inverse Fourier transform along several axes.
    let ifftn (axes: seq<int>) (z: Tensor * Tensor) : Tensor * Tensor = ifftnWith FftNorm.Backward axes z
    /// The Fourier transform of the last two axes.
    let fft2 (z: Tensor * Tensor) : Tensor * Tensor = transformedOver "fft2" false FftNorm.Backward [ -2; -1 ] z
    /// The inverse Fourier transform of the last two axes.
    let ifft2 (z: Tensor * Tensor) : Tensor * Tensor = transformedOver "ifft2" true FftNorm.Backward [ -2; -1 ] z

    /// The Fourier transform of a real tensor along an axis, with a norm: the entries 0 to n / 2, of which the others are
    /// conjugates.
    let rfftWith (norm: FftNorm) axis (x: Tensor) : Tensor * Tensor =
        let x = floating x
        let axis = Tensor.AxisOf("rfft", x, axis)
        let n = x.Shape[axis]

        if x.Level = 0L && isHalved n then
            ComplexPairs.unpack (Concrete(x.Device.RealFft(x.Array, axis, scaleOf norm false n)))
        else
            let re, im = transformed "rfft" false norm axis (x, Tensor.ZerosLike x)
            firstOf axis (n / 2 + 1) re, firstOf axis (n / 2 + 1) im

    /// The Fourier transform of a real tensor along an axis: the entries 0 to n / 2, of which the others are conjugates.
    let rfft axis (x: Tensor) : Tensor * Tensor = rfftWith FftNorm.Backward axis x

    /// The real tensor with n entries along an axis of which rfftWith, with the same norm, gives z, with n / 2 + 1 entries.
    /// As in NumPy the imaginary parts of entry 0, and of entry n / 2 for even n, count as 0.
    let irfftWith (norm: FftNorm) (n: int) axis (z: Tensor * Tensor) : Tensor =
        let re, im = ComplexPairs.matched "irfft" z
        let axis = Tensor.AxisOf("irfft", re, axis)
        let count = re.Shape[axis]

        if n < 1 || count <> n / 2 + 1 then
            Shape.fail
                "irfft"
                $"axis {axis} of {Shape.format re.Shape} has {count} entries, but a real tensor of length {n} has {n / 2 + 1}. Slice or pad the axis, or ask for the length {2 * count - 2} or {2 * count - 1}."

        // Entry n - k is the conjugate of entry k, for k from (n - 1) / 2 down to 1.
        let mirrored (x: Tensor) =
            let starts, lengths = Array.zeroCreate x.Rank, Array.updateAt axis ((n - 1) / 2) x.Shape
            Tensor.Flipped(slice (Array.updateAt axis 1 starts) lengths (Array.create x.Rank 1) x, [| axis |])

        let full (x: Tensor) (rest: Tensor) = if rest.Size = 0 then x else Structural.concat axis [| x; rest |]

        if re.Level = 0L && im.Level = 0L && isHalved n then
            Concrete(re.Device.InverseRealFft(re.Array, im.Array, n, axis, scaleOf norm true n))
        else
            fst (transformed "irfft" true norm axis (full re (mirrored re), full im -(mirrored im)))

    /// The real tensor with n entries along an axis of which rfft gives z, with n / 2 + 1 entries.
    let irfft (n: int) axis (z: Tensor * Tensor) : Tensor = irfftWith FftNorm.Backward n axis z

    let private frequencies name (n: int) (spacing: float) (indices: int[]) : Tensor =
        if n < 1 then
            Shape.fail name $"the length {n} must be 1 or more."

        Tensor.ofSeq (indices |> Array.map (fun k -> float k / (float n * spacing)))

    /// The frequencies of the entries of fft for n samples at a spacing, float64: 0, 1, ... and then the negative ones,
    /// over n times the spacing.
    let fftfreq (n: int) (spacing: float) : Tensor =
        frequencies "fftfreq" n spacing (Array.init (max n 0) (fun k -> if 2 * k < n then k else k - n))

    /// The frequencies of the entries of rfft for n samples at a spacing, float64.
    let rfftfreq (n: int) (spacing: float) : Tensor = frequencies "rfftfreq" n spacing (Array.init (max n 0 / 2 + 1) id)

    let private shifted name (axes: seq<int>) places (x: Tensor) : Tensor =
        Tensor.NotNull(name, x)
        Tensor.AxesOf(name, x, axes)
        |> Array.fold (fun (x: Tensor) axis -> Arrangement.rolled (places x.Shape[axis]) axis x) x

    /// The entries along axes moved so that frequency 0 comes to the middle, entry n / 2.
    let fftshift (axes: seq<int>) (x: Tensor) : Tensor = shifted "fftshift" axes (fun n -> n / 2) x
    /// The inverse of fftshift.
    let ifftshift (axes: seq<int>) (x: Tensor) : Tensor = shifted "ifftshift" axes (fun n -> -(n / 2)) x

    let private operands name (x: Tensor) (y: Tensor) =
        Tensor.NotNull(name, x)
        Tensor.NotNull(name, y)
        let dtype = DTypes.Promote(DTypes.Promote(x.DType, y.DType), DType.Float32)

        for z in [ x; y ] do
            if z.Rank = 0 || z.Shape[z.Rank - 1] = 0 then
                Shape.fail
                    name
                    $"shapes {Shape.format x.Shape} and {Shape.format y.Shape}: both must have a last axis with one element or more."

        Tensor.Cast(x, dtype), Tensor.Cast(y, dtype)

    /// The part of a full convolution of m with n elements that a mode keeps.
    let private kept name (mode: ConvolveMode) m n (full: Tensor) : Tensor =
        let axis = full.Rank - 1

        let start, length =
            match mode with
            | ConvolveMode.Full -> 0, m + n - 1
            | ConvolveMode.Same -> (min m n - 1) / 2, max m n
            | ConvolveMode.Valid -> min m n - 1, max m n - min m n + 1
            | _ -> Shape.fail name $"{mode} is no mode; use Full, Same or Valid."

        slice
            (Array.updateAt axis start (Array.zeroCreate full.Rank))
            (Array.updateAt axis length full.Shape)
            (Array.create full.Rank 1)
            full

    /// The sums of x_j y_(i - j), of two vectors: right for short y; for long ones fftConvolve is faster.
    let convolve (mode: ConvolveMode) (x: Tensor) (y: Tensor) : Tensor =
        let x, y = operands "convolve" x y

        if x.Rank <> 1 || y.Rank <> 1 then
            Shape.fail
                "convolve"
                $"shapes {Shape.format x.Shape} and {Shape.format y.Shape} must be vectors; for rows use fftConvolve or vmap."

        let m, n = x.Size, y.Size
        let row (v: Tensor) = Structural.reshape [| 1; 1; v.Size |] v
        let full = Tensor.conv1d 1 (n - 1) (row (Tensor.Flipped(y, [| 0 |]))) (row x)
        kept "convolve" mode m n (Structural.reshape [| m + n - 1 |] full)

    /// The sums of x_j y_(i - j) along the last axis, by Fourier transforms; leading axes broadcast. The error is that of
    /// rounding relative to the largest results, not to each of them.
    let fftConvolve (mode: ConvolveMode) (x: Tensor) (y: Tensor) : Tensor =
        let x, y = operands "fftConvolve" x y
        let m, n = x.Shape[x.Rank - 1], y.Shape[y.Rank - 1]
        Shape.broadcast "fftConvolve" x.Shape[.. x.Rank - 2] y.Shape[.. y.Rank - 2] |> ignore
        let length = int (Numerics.BitOperations.RoundUpToPowerOf2(uint (m + n - 1)))

        let padded (z: Tensor) =
            let axis = z.Rank - 1
            place (Array.updateAt axis length z.Shape) (Array.zeroCreate z.Rank) (Array.create z.Rank 1) z

        let (ar, ai), (br, bi) = rfft -1 (padded x), rfft -1 (padded y)
        kept "fftConvolve" mode m n (irfft length -1 (ar * br - ai * bi, ar * bi + ai * br))

/// Fourier transforms and convolution as methods, for C#: `x.Rfft()`, `(re, im).Ifft(axis: 0)`. A complex tensor is the
/// pair of its real and imaginary parts. What each does is said at the functions of the same names in Signal.
[<Extension>]
type SignalExtensions =
    static let onPairs (f: Tensor * Tensor -> Tensor * Tensor) (struct (re, im): struct (Tensor * Tensor)) =
        let re, im = f (re, im)
        struct (re, im)

    /// The discrete Fourier transform along an axis.
    [<Extension>]
    static member Fft
        (
            z: struct (Tensor * Tensor),
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm
        ) : struct (Tensor * Tensor) =
        onPairs (Signal.fftWith norm axis) z

    /// The inverse discrete Fourier transform along an axis.
    [<Extension>]
    static member Ifft
        (
            z: struct (Tensor * Tensor),
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm
        ) : struct (Tensor * Tensor) =
        onPairs (Signal.ifftWith norm axis) z

    /// The Fourier transform along several axes.
    [<Extension>]
    static member Fftn
        (z: struct (Tensor * Tensor), axes: int[], [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm)
        : struct (Tensor * Tensor) =
        onPairs (Signal.fftnWith norm axes) z

    /// The inverse Fourier transform along several axes.
    [<Extension>]
    static member Ifftn
        (z: struct (Tensor * Tensor), axes: int[], [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm)
        : struct (Tensor * Tensor) =
        onPairs (Signal.ifftnWith norm axes) z

    /// The Fourier transform of the last two axes.
    [<Extension>]
    static member Fft2(z: struct (Tensor * Tensor)) : struct (Tensor * Tensor) = onPairs Signal.fft2 z

    /// The inverse Fourier transform of the last two axes.
    [<Extension>]
    static member Ifft2(z: struct (Tensor * Tensor)) : struct (Tensor * Tensor) = onPairs Signal.ifft2 z

    /// The Fourier transform of a real tensor along an axis: the entries 0 to n / 2.
    [<Extension>]
    static member Rfft
        (
            x: Tensor,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm
        ) : struct (Tensor * Tensor) =
        let re, im = Signal.rfftWith norm axis x
        struct (re, im)

    /// The real tensor with n entries along an axis of which Rfft gives this, with n / 2 + 1 entries.
    [<Extension>]
    static member Irfft
        (
            z: struct (Tensor * Tensor),
            n: int,
            [<Optional; DefaultParameterValue(-1)>] axis: int,
            [<Optional; DefaultParameterValue(FftNorm.Backward)>] norm: FftNorm
        ) : Tensor =
        let struct (re, im) = z
        Signal.irfftWith norm n axis (re, im)

    /// The entries along axes, all if none is named, moved so that frequency 0 comes to the middle.
    [<Extension>]
    static member Fftshift(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        Signal.fftshift (axesOf "fftshift" x axes) x

    /// The inverse of Fftshift.
    [<Extension>]
    static member Ifftshift(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        Signal.ifftshift (axesOf "ifftshift" x axes) x

    /// The sums of x_j y_(i - j), of two vectors.
    [<Extension>]
    static member Convolve
        (x: Tensor, y: Tensor, [<Optional; DefaultParameterValue(ConvolveMode.Full)>] mode: ConvolveMode)
        : Tensor =
        Signal.convolve mode x y

    /// The sums of x_j y_(i - j) along the last axis, by Fourier transforms; leading axes broadcast.
    [<Extension>]
    static member FftConvolve
        (x: Tensor, y: Tensor, [<Optional; DefaultParameterValue(ConvolveMode.Full)>] mode: ConvolveMode)
        : Tensor =
        Signal.fftConvolve mode x y
