namespace Autodiff.Numerics

open Autodiff

/// Minima of sums of squares.
[<AutoOpen>]
module LeastSquares =
    /// The triangular factor of the Jacobian, square, and the residuals turned alike: all that a damped step needs. Both are
    /// parts of the triangular factor of the two side by side. Rows of zeros make them tall enough.
    let private triangle (jacobian: Tensor) (residuals: Tensor) =
        let n = jacobian.Shape[1]
        let both = Tensor.concat 1 [ jacobian; Tensor.expandAxis 1 residuals ]
        let missing = n - jacobian.Shape[0]
        let _, r = Linalg.qr (if missing > 0 then Tensor.pad [ 0, missing; 0, 0 ] both else both)
        r[.. n - 1, .. n - 1], r[.. n - 1, n]

    /// The step that minimizes |R s + c|^2 + damping |D s|^2 for a diagonal D.
    let private damped r c (scales: Tensor) (damping: float) =
        let held = Tensor.diag 0 (sqrt damping * scales)
        let r, c = triangle (Tensor.concat 0 [ r; held ]) (Tensor.concat 0 [ -c; Tensor.zerosLike scales ])
        Linalg.triangularSolve false false false r c

    /// The minimum of half the sum of the squares of residuals by Levenberg and Marquardt's method, for fits: the residuals
    /// are a tensor of any shape, and their Jacobian is taken by forward mode, or by reverse mode if they are fewer than the
    /// parameters. The damping is scaled by the Jacobian's columns (More 1978) and follows Nielsen's rule (1999), the
    /// linear equations are solved by QR decompositions. Value in the result is half the sum of squares;
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
        let mutable scales = Tensor.Full([| flat.Size |], 0.0, DType.Float64)
        let mutable damping = 1e-3
        let mutable growth = 2.0

        let advance (point: Point) =
            objective.Count()
            let values = f point.X
            let jacobian = if values.Size < flat.Size then jacrev f point.X else jacfwd f point.X
            scales <- Tensor.Maximum(scales, Tensor.Sqrt(Tensor.sumAxes [ 0 ] (Tensor.Square jacobian)))

            // A parameter that has had no influence yet is held by the damping of the others.
            let held = Tensor.where (Tensor.Greater(scales, Tensor.scalar 0.0)) scales (Tensor.max scales)
            let r, c = triangle jacobian values

            let rec attempt () =
                let step = damped r c held damping

                if not (LineSearch.norm step > 1e-16 * LineSearch.norm point.X) then
                    Stuck
                        "No lower point was found: the limit of rounding is reached, or the derivative is not that of the residuals."
                else
                    let next = objective.At(point.X + step)
                    let model = c + Tensor.matmul r step
                    let promised = 0.5 * (Tensor.dot c c - Tensor.dot model model).ToDouble()
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
