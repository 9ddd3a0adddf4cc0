namespace Autodiff

open Autodiff.Kernels

/// The processor with float16 and bfloat16, which are types to store numbers in: an operation on them is that on float32,
/// rounded once. Element by element the kernels do so themselves, a few at a time; what only moves elements asks for their
/// size alone; here is the rest.
[<Sealed; AllowNullLiteral>]
type internal Cpu private () =
    inherit CpuKernels()

    static let instance = Cpu()

    /// The array in the type that its operations compute in.
    static let wide (x: NDArray) = x.Device.Convert(x, DTypes.ComputeType x.DType)

    /// A result in the type of an input.
    static let like (x: NDArray) (y: NDArray) = y.Device.Convert(y, x.DType)

    /// The device; an error says which environment variable asks for what the machine does not have.
    static member Instance: Cpu =
        EnvironmentSetting.Check()
        instance

    override _.Reduce(reduction, x, axes, shape) = like x (base.Reduce(reduction, wide x, axes, shape))
    override _.SelectedMean(x, selected, axes) = like x (base.SelectedMean(wide x, selected, axes))
    override _.SelectedMeanTranspose(ct, selected, axes) = like ct (base.SelectedMeanTranspose(wide ct, selected, axes))
    override _.ArgReduce(largest, x, axis) = base.ArgReduce(largest, wide x, axis)
    override _.MatMul(x, y, shape) = like x (base.MatMul(wide x, wide y, shape))

    /// The factors are for solving, and stay as they are.
    override _.LuFactor x = base.LuFactor(wide x)

    override _.LuSolve(lu, pivots, b, shape, transposed) =
        like b (base.LuSolve(wide lu, pivots, wide b, shape, transposed))

    override _.TriangularSolve(a, b, shape, form) = like b (base.TriangularSolve(wide a, wide b, shape, form))

    override _.Cholesky x =
        let struct (factor, failed) = base.Cholesky(wide x)
        struct (like x factor, failed)

    override _.Qr x = like x (base.Qr(wide x))
    override _.Svd x = like x (base.Svd(wide x))
    override _.Eigh x = like x (base.Eigh(wide x))
    override _.Eig x = like x (base.Eig(wide x))
    override _.Fft(re, im, axis, inverse, scale) = like re (base.Fft(wide re, wide im, axis, inverse, scale))
    override _.RealFft(x, axis, scale) = like x (base.RealFft(wide x, axis, scale))
    override _.InverseRealFft(re, im, n, axis, scale) = like re (base.InverseRealFft(wide re, wide im, n, axis, scale))
    override _.Softmax(log, x) = like x (base.Softmax(log, wide x))
    override _.SoftmaxGradient(log, output, ct) = like ct (base.SoftmaxGradient(log, wide output, wide ct))
    override _.PlaceAll(xs, shape, starts, steps) = like xs[0] (base.PlaceAll(Array.map wide xs, shape, starts, steps))

    override _.TakeAdd(x, indices, axis, shape) = like x (base.TakeAdd(wide x, indices, axis, shape))
    override _.ScatterAdd(x, indices, axis, shape) = like x (base.ScatterAdd(wide x, indices, axis, shape))
    override _.CumulativeSum(x, axis, reverse) = like x (base.CumulativeSum(wide x, axis, reverse))
    override _.CumulativeProduct(x, axis) = like x (base.CumulativeProduct(wide x, axis))
    override _.LinearRecurrence(a, b, axis, reverse) = like b (base.LinearRecurrence(wide a, wide b, axis, reverse))
    override _.CumulativeArgMax(x, axis) = base.CumulativeArgMax(wide x, axis)
    override _.ArgSort(x, axis, descending) = base.ArgSort(wide x, axis, descending)
    override _.ArgFirst(x, axis, k, descending) = base.ArgFirst(wide x, axis, k, descending)
    override _.Ranked(x, ranks) = like x (base.Ranked(wide x, ranks))
    override _.Groups(ordered, order) = base.Groups(wide ordered, order)
    override _.SearchSorted(sorted, values, after) = base.SearchSorted(wide sorted, wide values, after)

    override _.OneHot(indices, classes, dtype) =
        let y = base.OneHot(indices, classes, DTypes.ComputeType dtype) in y.Device.Convert(y, dtype)

    override _.Convolve(s, x, filters, shape) = like x (base.Convolve(s, wide x, wide filters, shape))

    override _.ConvolveInputGradient(s, ct, filters, shape) =
        like ct (base.ConvolveInputGradient(s, wide ct, wide filters, shape))

    override _.ConvolveFilterGradient(s, x, ct, shape) =
        like ct (base.ConvolveFilterGradient(s, wide x, wide ct, shape))

    override _.MaxPool(s, x, shape) =
        let struct (y, positions) = base.MaxPool(s, wide x, shape)
        struct (like x y, positions)

    override _.MaxPoolGather(s, x, positions, shape) = like x (base.MaxPoolGather(s, wide x, positions, shape))
    override _.MaxPoolScatter(s, ct, positions, shape) = like ct (base.MaxPoolScatter(s, wide ct, positions, shape))
    override _.AveragePool(s, x, shape) = like x (base.AveragePool(s, wide x, shape))
    override _.AveragePoolTranspose(s, ct, shape) = like ct (base.AveragePoolTranspose(s, wide ct, shape))

    override this.Random(draw, key, dtype, shape) =
        let y = base.Random(draw, key, DTypes.ComputeType dtype, shape)

        // Rounding would give 1, which is outside: numbers on [0, 1) become multiples of half the precision, downwards.
        match draw with
        | RandomDraw.Uniform when dtype <> y.DType ->
            let grain = DTypes.Epsilon dtype / 2.0
            let counts = this.Binary(Binary.Multiply, y, this.Fill(y.DType, Shape.scalar, 1.0 / grain), shape)
            let grains = this.Fill(y.DType, Shape.scalar, grain)
            this.Convert(this.Binary(Binary.Multiply, this.Unary(Unary.Floor, counts), grains, shape), dtype)
        | _ -> this.Convert(y, dtype)
