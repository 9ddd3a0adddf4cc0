namespace Autodiff

open System
open System.Numerics
open System.Runtime.InteropServices
open Autodiff.Kernels
open MathNet.Numerics.LinearAlgebra

/// Products, solvers and factorizations of the last two axes, on the host's processor.
module internal CpuLinearAlgebra =
    /// The product of two matrices of which the right one is packed.
    let private packedMatMul (x: NDArray, y: PackedFactor, shape: int[]) =
        let z = HostArrays.allocate (x.Device, x.DType, shape)
        let strides = x.ExplicitStrides
        let row, column = int64 strides[x.Rank - 2], int64 strides[x.Rank - 1]
        y.Multiply(shape[shape.Length - 2], x.Bytes, row, column, HostArrays.writable z)
        GC.KeepAlive x
        z

    let private anyMatMul (x: NDArray, y: NDArray, shape: int[]) =
        let rank = shape.Length
        let batchShape = if rank = 2 then Shape.scalar else shape[.. rank - 3]

        // One stride walks all batches when the leading axes of an operand are contiguous among themselves or all
        // stretched; otherwise the operand is copied.
        let prepare (a: NDArray) =
            let full = Array.append batchShape a.Shape[a.Rank - 2 ..]
            let strides = (a.View(a.Shape, a.ExplicitStrides, a.Offset)).StridesFor full
            let mutable batchStride = 0L
            let mutable span = 1L
            let mutable ok = true

            for i = rank - 3 downto 0 do
                if batchShape[i] <> 1 then
                    if span = 1L then
                        batchStride <- int64 strides[i]
                        span <- int64 batchShape[i]
                    else
                        if int64 strides[i] <> batchStride * span then
                            ok <- false

                        span <- span * int64 batchShape[i]

            if ok then
                struct (a, batchStride, int64 strides[rank - 2], int64 strides[rank - 1])
            else
                let dense = HostArrays.makeContiguous (a.View(full, strides, a.Offset))
                let rows, columns = full[rank - 2], full[rank - 1]
                struct (dense, int64 rows * int64 columns, int64 columns, 1L)

        // One product needs nothing of this, and makes nothing on its way.
        let operand (a: NDArray) =
            if rank > 2 then prepare a
            elif a.IsContiguous then struct (a, 0L, int64 a.Shape[1], 1L)
            else struct (a, 0L, int64 a.Strides[0], int64 a.Strides[1])

        let struct (a, aBatch, aRow, aColumn) = operand x
        let struct (b, bBatch, bRow, bColumn) = operand y
        let z = HostArrays.allocate (x.Device, x.DType, shape)
        let batch = int (Shape.size batchShape)
        let m, n, k = shape[rank - 2], shape[rank - 1], x.Shape[x.Rank - 1]

        MatMul.Multiply(
            x.DType,
            batch,
            m,
            n,
            k,
            a.Bytes,
            aBatch,
            aRow,
            aColumn,
            b.Bytes,
            bBatch,
            bRow,
            bColumn,
            HostArrays.writable z
        )

        GC.KeepAlive a
        GC.KeepAlive b
        z

    let matMul (x: NDArray, y: NDArray, shape: int[]) =
        if isNull y.Packed || shape.Length > 2 && Shape.size shape[.. shape.Length - 3] <> 1L then
            anyMatMul (x, y, shape)
        else
            packedMatMul (x, y.Packed, shape)

    /// Rows, columns and number of the matrices in the last two axes.
    let private matrices (x: NDArray) =
        let batch = int (Shape.size x.Shape[.. x.Rank - 3])
        struct (batch, x.Shape[x.Rank - 2], x.Shape[x.Rank - 1])

    /// For each matrix of a shape, the position of the one that broadcasts to it.
    let private matrixOf (from: int[], shape: int[]) : int[] =
        let batch, own = shape[.. shape.Length - 3], from[.. from.Length - 3]
        let lead = batch.Length - own.Length
        let strides = Shape.rowMajorStrides own

        Array.init (int (Shape.size batch)) (fun i ->
            let mutable rest = i
            let mutable at = 0

            for axis in batch.Length - 1 .. -1 .. 0 do
                if axis >= lead && own[axis - lead] <> 1 then
                    at <- at + rest % batch[axis] * strides[axis - lead]

                rest <- rest / batch[axis]

            at)

    /// A copy of an array stretched to a shape, to be overwritten.
    let private stretched (x: NDArray, shape: int[]) =
        let target = Array.append shape[.. shape.Length - 3] x.Shape[x.Rank - 2 ..]
        HostArrays.makeContiguous (x.View(target, x.StridesFor target, x.Offset))

    let luFactor (x: NDArray) =
        let y = HostArrays.makeContiguous x
        let pivots = HostArrays.allocate (x.Device, DType.Int32, x.Shape[.. x.Rank - 2])
        let struct (batch, n, _) = matrices x
        Lu.Factor(x.DType, batch, n, HostArrays.writable y, MemoryMarshal.Cast<byte, int>(HostArrays.writable pivots))
        struct (y, pivots)

    let luSolve (lu: NDArray, pivots: NDArray, b: NDArray, shape: int[], transposed: bool) =
        let y = stretched (b, shape)
        let struct (_, n, columns) = matrices y

        Lu.Solve(
            y.DType,
            n,
            columns,
            lu.Bytes,
            MemoryMarshal.Cast<byte, int> pivots.Bytes,
            matrixOf (lu.Shape, shape),
            transposed,
            HostArrays.writable y
        )

        GC.KeepAlive lu
        GC.KeepAlive pivots
        y

    let luInverse (lu: NDArray, pivots: NDArray) =
        let y = HostArrays.allocate (lu.Device, lu.DType, lu.Shape)
        let struct (batch, n, _) = matrices lu
        let exchanged = MemoryMarshal.Cast<byte, int> pivots.Bytes
        Lu.Inverse(lu.DType, batch, n, lu.Bytes, exchanged, HostArrays.writable y)
        GC.KeepAlive lu
        GC.KeepAlive pivots
        y

    let triangularSolve (a: NDArray, b: NDArray, shape: int[], form: Triangle) =
        let a, y = HostArrays.dense a, stretched (b, shape)
        let struct (_, n, columns) = matrices y

        Triangular.Solve(
            y.DType,
            n,
            columns,
            a.Bytes,
            matrixOf (a.Shape, shape),
            form.Lower,
            form.Transposed,
            form.UnitDiagonal,
            HostArrays.writable y
        )

        GC.KeepAlive a
        y

    let cholesky (x: NDArray) =
        let y = HostArrays.makeContiguous x
        let struct (batch, n, _) = matrices x
        let failed = Cholesky.Factor(x.DType, batch, n, HostArrays.writable y)
        struct (y, failed)

    let qr (x: NDArray) =
        let x = HostArrays.dense x
        let struct (batch, rows, columns) = matrices x
        let y =
            HostArrays.allocate (x.Device, x.DType, Array.append x.Shape[.. x.Rank - 3] [| rows + columns; columns |])
        Qr.Factor(x.DType, batch, rows, columns, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    let svd (x: NDArray) =
        let x = HostArrays.dense x
        let struct (batch, rows, columns) = matrices x
        let y =
            HostArrays.allocate (
                x.Device,
                x.DType,
                Array.append x.Shape[.. x.Rank - 3] [| rows + 1 + columns; columns |]
            )
        Svd.Factor(x.DType, batch, rows, columns, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y

    /// The eigenvalues and vectors of one matrix, in order, each vector of length 1 with a real positive largest entry.
    let private eigOf (n: int) (a: ReadOnlySpan<float>) : struct (Complex * Complex[])[] =
        let matrix = Double.DenseMatrix(n, n, a.ToArray()).Transpose()
        let found =
            try
                matrix.Evd Symmetricity.Asymmetric
            with :? MathNet.Numerics.NonConvergenceException ->
                Shape.fail
                    "eig"
                    $"the iteration for a matrix of {n} rows did not converge; scale its entries to one size."

        let values = found.EigenValues

        // A pair of conjugate values has the real and the imaginary part of the first vector in its two columns.
        let vector j =
            let column k = found.EigenVectors.Column k
            let b = values[j].Imaginary

            let entries =
                if b = 0.0 then
                    column j |> Seq.map (fun v -> Complex(v, 0.0)) |> Seq.toArray
                elif b > 0.0 then
                    Seq.map2 (fun re im -> Complex(re, im)) (column j) (column (j + 1)) |> Seq.toArray
                else
                    Seq.map2 (fun re im -> Complex(re, -im)) (column (j - 1)) (column j) |> Seq.toArray

            let sizes = entries |> Array.map Complex.Abs
            let largest = Array.max sizes
            // Entries of one size but for rounding are a tie.
            let at = sizes |> Array.findIndex (fun size -> not (size < largest * (1.0 - 1e-10)))
            let length = largest * sqrt (sizes |> Array.sumBy (fun size -> (size / largest) * (size / largest)))
            let turn = Complex.Conjugate(entries[at] / sizes[at])
            let turned = entries |> Array.map (fun v -> v * turn / length)
            turned[at] <- Complex(turned[at].Real, 0.0)
            turned

        Array.init n (fun j -> struct (values[j], vector j))
        |> Array.sortBy (fun (struct (value, _)) -> struct (value.Real, value.Imaginary))

    let eig (x: NDArray) =
        let struct (batch, n, _) = matrices x
        let source = HostArrays.dense (x.Device.Convert(x, DType.Float64))
        let y = HostArrays.allocate (x.Device, DType.Float64, Array.append x.Shape[.. x.Rank - 2] [| n + 1; 2 |])
        let input = MemoryMarshal.Cast<byte, float> source.Bytes
        let output = MemoryMarshal.Cast<byte, float>(HostArrays.writable y)

        for s in 0 .. (if n = 0 then 0 else batch) - 1 do
            let a = input.Slice(s * n * n, n * n)
            let packed = output.Slice(2 * s * n * (n + 1), 2 * n * (n + 1))
            let mutable isFinite = true

            for v in a do
                isFinite <- isFinite && Double.IsFinite v

            if isFinite then
                let found = eigOf n a

                for j in 0 .. n - 1 do
                    let struct (value, vector) = found[j]
                    packed[2 * j * (n + 1)] <- value.Real
                    packed[2 * j * (n + 1) + 1] <- value.Imaginary

                    for i in 0 .. n - 1 do
                        packed[2 * (i * (n + 1) + 1 + j)] <- vector[i].Real
                        packed[2 * (i * (n + 1) + 1 + j) + 1] <- vector[i].Imaginary
            else
                packed.Fill nan

        GC.KeepAlive source
        x.Device.Convert(y, x.DType)

    let eigh (x: NDArray) =
        let x = HostArrays.dense x
        let struct (batch, n, _) = matrices x
        let y = HostArrays.allocate (x.Device, x.DType, Array.append x.Shape[.. x.Rank - 2] [| n + 1 |])
        Eigh.Factor(x.DType, batch, n, x.Bytes, HostArrays.writable y)
        GC.KeepAlive x
        y
