namespace Autodiff

open Autodiff.Kernels

/// Eigenvalues and eigenvectors of real matrices that need not be symmetric. They are complex: see ComplexPairs.
/// The derivative is that of M. Giles, Collected matrix derivative results (2008), section 3.1, for A V = V L: with
/// C = V^-1 dA V, dL is the diagonal of C, and dV = V (F o C) with F_ij = 1 / (l_j - l_i) off the diagonal. To each column
/// of dV comes the multiple of the vector that keeps its length 1 and its largest entry real.
module internal Eigen =
    open Decompositions

    let private t (x: Tensor) = swapLast x
    let private sumOfColumns (x: Tensor) = sumOver [| x.Rank - 2 |] true x

    /// Values (..., n) and vectors (..., n, n).
    let private split (packed: Tensor) =
        let re, im = ComplexPairs.unpack packed
        let n = rowsOf re
        let values (x: Tensor) = reshape re.Shape[.. re.Rank - 2] (lastFrom 0 1 x)
        (values re, values im), (lastFrom 1 n re, lastFrom 1 n im)

    let private join (valuesRe, valuesIm) (vectorsRe, vectorsIm) : Tensor =
        let part (values: Tensor) (vectors: Tensor) = concat -1 [| expandAxis -1 values; vectors |]
        ComplexPairs.pack (part valuesRe vectorsRe, part valuesIm vectorsIm)

    let private product (ar: Tensor, ai: Tensor) (br: Tensor, bi: Tensor) = ar * br - ai * bi, ar * bi + ai * br

    let private matrixProduct (ar, ai) (br, bi) = matmul ar br - matmul ai bi, matmul ar bi + matmul ai br

    /// A complex matrix as a real one of twice the size, which acts on real parts above imaginary ones.
    let private block (re: Tensor, im: Tensor) = concat -2 [| concat -1 [| re; -im |]; concat -1 [| im; re |] |]

    let private solveBlock (matrix: Tensor) (re: Tensor, im: Tensor) =
        let n = rowsOf re
        let x = solve matrix (concat -2 [| re; im |])
        rowsFrom 0 n x, rowsFrom n n x

    /// l_j - l_i off the diagonal, 1 on it, and its squared magnitude.
    let private gaps (re: Tensor, im: Tensor) =
        let apart (x: Tensor) = expandAxis (x.Rank - 1) x - expandAxis -1 x
        let gapRe, gapIm = apart re + eyeLike re re.Shape[re.Rank - 1], apart im
        (gapRe, gapIm), Tensor.Square gapRe + Tensor.Square gapIm

    let private offDiagonal (x: Tensor) = keep (<>) x

    /// A one for the entry of each vector that is kept real, zeros elsewhere: the largest of those that are.
    let private anchors (re: Tensor, im: Tensor) =
        let isReal = Tensor.EqualTo(im, Tensor.ScalarOf(im, 0.0))
        let candidates = Tensor.Where(isReal, re, Tensor.ScalarOf(re, -1.0))
        t (oneHot (rowsOf re) re.DType (argmax -2 candidates))

    let private eigP =
        { new Primitive("eig") with
            member this.Batch(inputs, _, _) = Tensor.Bind(this, inputs)

            member _.Shape inputs =
                let x = inputs[0]
                checkSquare "eig" x

                { Shape = Array.append x.Shape[.. x.Rank - 2] [| rowsOf x + 1; 2 |]; DType = x.DType }

            member _.Value(inputs, _) = inputs[0].Device.Eig inputs[0]

            member _.Jvp(inputs, output, tangents) =
                if inputs[0].Size = 0 then
                    null
                else
                    let values, (vr, vi) = split output
                    let cr, ci = solveBlock (block (vr, vi)) (matmul tangents[0] vr, matmul tangents[0] vi)
                    let (gapRe, gapIm), squared = gaps values
                    let turnRe, turnIm = product (cr, ci) (gapRe / squared, -gapIm / squared)
                    let wr, wi = matrixProduct (vr, vi) (offDiagonal turnRe, offDiagonal turnIm)
                    let anchor = anchors (vr, vi)
                    let along = -(sumOfColumns (vr * wr + vi * wi))
                    let across = -(sumOfColumns (anchor * wi) / sumOfColumns (anchor * vr))
                    let backRe, backIm = product (along, across) (vr, vi)
                    join (diagonal cr, diagonal ci) (wr + backRe, wi + backIm)

            member _.Vjp(inputs, output, ct, _) =
                if inputs[0].Size = 0 then
                    null
                else
                    let values, (vr, vi) = split output
                    let (valuesRe, valuesIm), (gr, gi) = split ct
                    let anchor = anchors (vr, vi)
                    let along = sumOfColumns (gr * vr + gi * vi)
                    let across = sumOfColumns (gr * vi - gi * vr) / sumOfColumns (anchor * vr)
                    let hr, hi = gr - along * vr, gi - along * vi + anchor * across
                    let p = matmul (t vr) hr + matmul (t vi) hi, matmul (t vr) hi - matmul (t vi) hr
                    let gap, squared = gaps values
                    // What does not depend on a vector does not feel that it is undetermined.
                    let isZero (x: Tensor) = Tensor.EqualTo(x, Tensor.ScalarOf(x, 0.0))
                    let isFree = Tensor.And(isZero squared, Tensor.And(isZero (fst p), isZero (snd p)))
                    let squared = Tensor.Where(isFree, Tensor.ScalarOf(squared, 1.0), squared)
                    let kr, ki = product p gap
                    let onDiagonal (x: Tensor) = expandAxis (x.Rank - 1) x * eyeLike x (rowsOf vr)
                    let cr = onDiagonal valuesRe + offDiagonal (kr / squared)
                    let ci = onDiagonal valuesIm + offDiagonal (ki / squared)
                    let xr, xi = solveBlock (t (block (vr, vi))) (cr, ci)
                    matmul xr (t vr) + matmul xi (t vi) }

    let eig (x: Tensor) : (Tensor * Tensor) * (Tensor * Tensor) = split (Tensor.Bind(eigP, x))
