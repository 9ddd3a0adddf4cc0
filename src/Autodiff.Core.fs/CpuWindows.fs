namespace Autodiff

open System
open System.Runtime.InteropServices
open Autodiff.Kernels

/// Convolution and pooling on the host's processor.
module internal CpuWindows =
    let private resultOf (x: NDArray) shape = HostArrays.allocate (x.Device, x.DType, shape)

    /// The convolution of images with filters.
    let convolve (s: ConvolutionShape, x: NDArray, filters: NDArray, shape: int[]) =
        let x, filters = HostArrays.dense x, HostArrays.dense filters
        let y = resultOf x shape
        Convolution.Forward(x.DType, &s, x.Bytes, filters.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        GC.KeepAlive filters
        y

    /// Its transpose in the images.
    let inputGradient (s: ConvolutionShape, ct: NDArray, filters: NDArray, shape: int[]) =
        let ct, filters = HostArrays.dense ct, HostArrays.dense filters
        let y = resultOf ct shape
        Convolution.InputGradient(ct.DType, &s, ct.Bytes, filters.Bytes, HostArrays.writable y)
        GC.KeepAlive ct
        GC.KeepAlive filters
        y

    /// Its transpose in the filters.
    let filterGradient (s: ConvolutionShape, x: NDArray, ct: NDArray, shape: int[]) =
        let x, ct = HostArrays.dense x, HostArrays.dense ct
        let y = resultOf x shape
        Convolution.FilterGradient(x.DType, &s, x.Bytes, ct.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        GC.KeepAlive ct
        y

    /// The maxima of windows, and their places.
    let maxPool (s: PoolShape, x: NDArray, shape: int[]) =
        let x = HostArrays.dense x
        let y, positions = resultOf x shape, HostArrays.allocate (x.Device, DType.Int32, shape)
        Pooling.Max(
            x.DType,
            &s,
            x.Bytes,
            HostArrays.writable y,
            MemoryMarshal.Cast<byte, int>(HostArrays.writable positions)
        )
        GC.KeepAlive x
        struct (y, positions)

    /// The elements at some places of volumes.
    let maxPoolGather (s: PoolShape, x: NDArray, positions: NDArray, shape: int[]) =
        let x, positions = HostArrays.dense x, HostArrays.dense positions
        let y = resultOf x shape
        Pooling.MaxGather(x.DType, &s, x.Bytes, MemoryMarshal.Cast<byte, int> positions.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        GC.KeepAlive positions
        y

    /// Its transpose.
    let maxPoolScatter (s: PoolShape, ct: NDArray, positions: NDArray, shape: int[]) =
        let ct, positions = HostArrays.dense ct, HostArrays.dense positions
        let y = resultOf ct shape
        Pooling.MaxScatter(ct.DType, &s, ct.Bytes, MemoryMarshal.Cast<byte, int> positions.Bytes, HostArrays.writable y)
        GC.KeepAlive ct
        GC.KeepAlive positions
        y

    /// The means of windows.
    let averagePool (s: PoolShape, x: NDArray, shape: int[]) =
        let x = HostArrays.dense x
        let y = resultOf x shape
        Pooling.Average(x.DType, &s, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// Its transpose.
    let averagePoolTranspose (s: PoolShape, ct: NDArray, shape: int[]) =
        let ct = HostArrays.dense ct
        let y = resultOf ct shape
        Pooling.AverageTranspose(ct.DType, &s, ct.Bytes, HostArrays.writable y)
        GC.KeepAlive ct
        y
