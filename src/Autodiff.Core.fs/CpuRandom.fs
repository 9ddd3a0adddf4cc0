namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Random numbers with parameters for each, and the gamma distribution behind them, on the host's processor. All is
/// computed in double precision and rounded once.
module internal CpuRandom =
    let private doubles (x: NDArray) = HostArrays.dense (x.Device.Convert(x, DType.Float64))
    let private span (x: NDArray) : ReadOnlySpan<float> = MemoryMarshal.Cast<byte, float> x.Bytes
    let private resultLike (x: NDArray) dtype = HostArrays.allocate (x.Device, dtype, x.Shape)

    let from (variate: RandomVariate, key: uint64, parameters: NDArray[], example: int, dtype: DType) : NDArray =
        let parameters = parameters |> Array.map doubles
        let first, last = parameters[0], parameters[parameters.Length - 1]

        let y =
            if variate = RandomVariate.LogGamma then
                let y = resultLike first DType.Float64
                let numbers = MemoryMarshal.Cast<byte, float>(HostArrays.writable y)
                RandomVariates.LogGamma(key, example, span first, numbers)
                y
            else
                let y = resultLike first DType.Int64
                let numbers = MemoryMarshal.Cast<byte, int64>(HostArrays.writable y)

                if variate = RandomVariate.Poisson then
                    RandomVariates.Poisson(key, example, span first, numbers)
                else
                    RandomVariates.Binomial(key, example, span first, span last, numbers)

                if numbers.IndexOf -1L >= 0 then
                    if variate = RandomVariate.Poisson then
                        Shape.fail "Poisson" "a rate is negative, NaN or above 2^62."
                    else
                        Shape.fail
                            "Binomial"
                            "trials must be whole numbers from 0 to below 2^53, and probabilities lie between 0 and 1."

                y

        GC.KeepAlive parameters
        y.Device.Convert(y, dtype)

    let gammaDerivative (order: int, concentration: NDArray, logarithm: NDArray) : NDArray =
        let a, y = doubles concentration, doubles logarithm
        let z = resultLike a DType.Float64
        GammaLevels.Derivative(order, span a, span y, MemoryMarshal.Cast<byte, float>(HostArrays.writable z))
        GC.KeepAlive a
        GC.KeepAlive y
        z.Device.Convert(z, concentration.DType)

    let gammaTransport (target: NDArray, source: NDArray, logarithm: NDArray) : NDArray =
        let a, b, y = doubles target, doubles source, doubles logarithm
        let z = resultLike a DType.Float64
        GammaLevels.Transport(span a, span b, span y, MemoryMarshal.Cast<byte, float>(HostArrays.writable z))
        GC.KeepAlive a
        GC.KeepAlive b
        GC.KeepAlive y
        z.Device.Convert(z, target.DType)
