namespace Autodiff.Numerics

open System
open Autodiff
open MathNet.Numerics.LinearAlgebra

/// Minima of sums of squares.
[<AutoOpen>]
module LeastSquares =
    /// The Jacobian's triangular factor with as many rows as columns, and the residuals turned alike: all that a damped
    /// step needs. Rows of zeros make it tall enough.
    let private triangle (jacobian: Matrix<float>) (residuals: Vector<float>) =
        let n = jacobian.ColumnCount
        let missing = n - jacobian.RowCount

        let jacobian, residuals =
            if missing > 0 then
                jacobian.Stack(Matrix<float>.Build.Dense(missing, n)),
                Vector<float>.Build.DenseOfEnumerable(Seq.append residuals (Seq.replicate missing 0.0))
            else
                jacobian, residuals

        let qr = jacobian.QR(Factorization.QRMethod.Thin)
        qr.R, qr.Q.TransposeThisAndMultiply residuals

    /// The step that minimizes |R s + c|^2 + damping |D s|^2 for a diagonal D.
    let private damped (r: Matrix<float>) (c: Vector<float>) (scales: float[]) damping =
        let n = scales.Length
        let diagonal = Matrix<float>.Build.DenseOfDiagonalArray(scales |> Array.map (fun d -> sqrt damping * d))
        let target = Vector<float>.Build.Dense(2 * n)
        target.SetSubVector(0, n, -c)
        (r.Stack diagonal).QR(Factorization.QRMethod.Thin).Solve target

    /// The minimum of half the sum of the squares of residuals by Levenberg and Marquardt's method, for fits: the residuals
    /// are a tensor of any shape, and their Jacobian is taken by forward mode, or by reverse mode if they are fewer than the
    /// parameters. The damping is scaled by the Jacobian's columns (More 1978) and follows Nielsen's rule (1999), the
    /// linear equations are solved by MathNet's QR decomposition. Value in the result is half the sum of squares;
    /// a Jacobian counts as one evaluation. Types, constants and cancellation are as in `minimize`.
    let levenbergMarquardt (options: MinimizeOptions) (residuals: 'a -> Tensor) (start: 'a) : MinimizeResult<'a> =
        let operation = "levenbergMarquardt"
        let flat = unknowns operation start

        let f x =
            let r = residuals (flat.UnpackWide x)

            if not (DTypes.IsFloat r.DType) then
                Shape.fail operation $"the residuals are {DTypes.Name r.DType}; convert them to float64 with To."

            reshape [| r.Size |] (Tensor.Cast(r, DType.Float64))

        let objective = Objective((fun x -> 0.5 * Tensor.sum (Tensor.Square(f x))), options.CancellationToken)
        let scales = Array.zeroCreate flat.Size
        let mutable damping = 1e-3
        let mutable growth = 2.0

        let advance (point: Point) =
            objective.Count()
            let values = f point.X
            let jacobian = (if values.Size < flat.Size then jacrev f point.X else jacfwd f point.X).ToMatrix()

            for j in 0 .. scales.Length - 1 do
                scales[j] <- max scales[j] (jacobian.Column(j).L2Norm())

            // A parameter that has had no influence yet is held by the damping of the others.
            let largest = Array.max scales
            let held = scales |> Array.map (fun d -> if d > 0.0 then d else largest)
            let r, c = triangle jacobian (values.ToVector())

            let rec attempt () =
                let step = damped r c held damping
                let moved = (step.ToTensor(): Tensor)

                if not (LineSearch.norm moved > 1e-16 * LineSearch.norm point.X) then
                    Stuck
                        "No lower point was found: the limit of rounding is reached, or the derivative is not that of the residuals."
                else
                    let next = objective.At(point.X + moved)
                    let model = c + r * step
                    let promised = 0.5 * (c * c - model * model)
                    let decrease = point.Value - next.Value
                    let ratio = if next.IsFinite then decrease / promised else -1.0

                    if ratio > 1e-4 then
                        damping <- max 1e-20 (damping * max (1.0 / 3.0) (1.0 - (2.0 * ratio - 1.0) ** 3.0))
                        growth <- 2.0
                        Moved next
                    else
                        damping <- damping * growth
                        growth <- 2.0 * growth
                        attempt ()

            attempt ()

        Search.run operation options objective flat (Concrete (flat.Pack start).Array) advance
