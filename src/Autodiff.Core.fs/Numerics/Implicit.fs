namespace Autodiff.Numerics

open System
open System.Threading
open Autodiff

/// When to stop searching for a root or a fixed point.
type RootOptions =
    {
        /// The largest element of the residual, or of the change in a step, that counts as none, relative to 1 + |x|.
        Tolerance: float
        MaxIterations: int
        CancellationToken: CancellationToken
    }

    /// A tolerance of 1e-12 and at most 1,000 iterations.
    static member Default = { Tolerance = 1e-12; MaxIterations = 1_000; CancellationToken = CancellationToken.None }

/// Roots and fixed points as functions of parameters, differentiated by the implicit function theorem.
[<AutoOpen>]
module Implicit =
    let private largest (x: Tensor) =
        Array.fold
            (fun m v -> if Double.IsNaN v || Double.IsNaN m then nan else max m (abs v))
            0.0
            (Tensor.toArray<float> x)

    let private atSolution = "at the solution, so that its derivative does not exist"

    /// The solution of a x = b for a square matrix, a Jacobian somewhere, found in float64.
    let private solve (operation: string) (place: string) (a: Tensor) (b: Tensor) : Tensor =
        let a, column = Tensor.Cast(a, DType.Float64), Tensor.Cast(Tensor.expandAxis -1 b, DType.Float64)

        let x =
            try
                Tensor.Cast(Tensor.squeeze -1 (Linalg.solve a column), b.DType)
            with :? ArgumentException as error ->
                raise (ArithmeticException($"{operation}: the Jacobian is singular {place}.", error))

        // Examples of vmap and variables of a program have no values to look at.
        if not x.IsKnown || Double.IsFinite(largest x) then
            x
        else
            raise (ArithmeticException $"{operation}: the Jacobian is not finite, or singular, {place}.")

    let private matrixLimit = 256

    /// Whether a change of x is within the tolerance; what has become infinite is not.
    let private isWithin options (change: float) (x: Tensor) =
        Double.IsFinite change && change <= options.Tolerance * (1.0 + largest x)

    /// The w for which w = ct + J^T w, where J is the Jacobian of g at x: by a dense solve for few variables, else by
    /// repeating the equation (Neumann's series), which converges when repeating g does.
    let private fixedPointCotangent options (g: Tensor -> Tensor) (x: Tensor) (ct: Tensor) : Tensor =
        let _, pull = vjp g x

        if x.Size <= matrixLimit then
            let identity = Tensor.Cast(Tensor.eye x.Size, x.DType)
            solve "fixedPoint" atSolution (Tensor.transpose (identity - jacrev g x)) ct
        else
            let mutable w = ct
            let mutable change = infinity
            let mutable steps = 0

            while not (isWithin options change w) do
                options.CancellationToken.ThrowIfCancellationRequested()

                if steps = options.MaxIterations || steps > 0 && not (Double.IsFinite change) then
                    raise (
                        ArithmeticException
                            $"fixedPoint: the series for the derivative had not converged after {steps} terms (change {change:g3}); the function must contract near the fixed point."
                    )

                let following = ct + pull w
                change <- largest (following - w)
                w <- following
                steps <- steps + 1

            w

    let rec private implicitFlat
        (find: Tensor -> Tensor)
        (cotangent: Tensor -> Tensor -> Tensor -> Tensor)
        (f: Tensor -> Tensor -> Tensor)
        (p: Tensor)
        : Tensor =
        // What is differentiated again takes the rule again. Examples of vmap and variables of a program are what the solver
        // is given, where it takes them.
        let forward (p: Tensor) =
            let x =
                match p with
                | :? Batched
                | :? Staged -> find p
                | _ -> implicitFlat find cotangent f p

            x, (x, p)

        let backward (x, p) ct =
            let w = cotangent p x ct
            let _, pull = vjp (fun p -> f p x) p
            pull w

        customVjp find forward backward p

    let private rootCotangent (f: Tensor -> Tensor -> Tensor) p x ct =
        solve "root" atSolution (Tensor.transpose (jacrev (f p) x)) -ct

    let private checkedUnknowns operation (x: 'x) =
        let flat = Flat<'x>(x, Flat.WidestType x)

        if flat.Size = 0 then
            Shape.fail operation "the unknowns have no floating-point numbers."

        flat

    let private flatFunction operation (flatX: Flat<'x>) (flatP: Flat<'p>) (f: 'p -> 'x -> 'x) (p: Tensor) (x: Tensor) =
        flatX.PackChecked(operation, "the result of the function", false, f (flatP.Unpack p) (flatX.Unpack x))

    /// A number of steps that depends on values needs values.
    let private checkKnown operation (p: Tensor) =
        if not p.IsKnown then
            Shape.fail
                operation
                "the parameters have no values yet, as inside vmap or a compiled function, and the number of iterations depends on values. Call it outside of these, or write the iteration with foriLoop."

    let private concrete (x: Tensor) : Tensor = Concrete x.Array

    /// The x that repeating x <- f parameters x leads to from x0. Its derivative with respect to the parameters is that of
    /// the equation x = f parameters x, whatever the way there was; x0 receives none. The linear equation for it is
    /// solved directly for up to 256 unknowns, and by Neumann's series for more. f may use no tensor that is being
    /// differentiated except its arguments. Raises ArithmeticException when it does not converge.
    let fixedPoint (options: RootOptions) (f: 'p -> 'x -> 'x) (x0: 'x) (parameters: 'p) : 'x =
        let flatX = checkedUnknowns "fixedPoint" x0
        let flatP = Flat<'p>(parameters, Flat.WidestType parameters)
        let g = flatFunction "fixedPoint" flatX flatP f
        let start = concrete (flatX.Pack x0)

        let find (p: Tensor) =
            checkKnown "fixedPoint" p
            let mutable x = start
            let mutable change = infinity
            let mutable steps = 0

            while not (isWithin options change x) do
                options.CancellationToken.ThrowIfCancellationRequested()

                if steps = options.MaxIterations || steps > 0 && not (Double.IsFinite change) then
                    raise (
                        ArithmeticException
                            $"fixedPoint: no convergence after {steps} iterations; the last one changed the unknowns by {change:g3}."
                    )

                let following = g p x
                change <- largest (following - x)
                x <- following
                steps <- steps + 1

            x

        let cotangent p x ct = fixedPointCotangent options (g p) x ct
        flatX.Unpack(implicitFlat find cotangent g (flatP.Pack parameters))

    /// A root x of f parameters x = 0, found from the parameters by any solver; the derivative is that of the equation:
    /// dx = -(df/dx)^-1 df/dp dp. The solver receives and returns plain numbers, and is not differentiated. f maps the
    /// unknowns to a tree of the same structure; it and the solver may use no tensor that is being differentiated except
    /// their arguments. `x0` only tells the structure of the unknowns. Inside vmap and compiled functions the solver is
    /// given tensors without values, which a formula takes, and a search that looks at values does not.
    let implicitRoot (solver: 'p -> 'x) (f: 'p -> 'x -> 'x) (x0: 'x) (parameters: 'p) : 'x =
        let flatX = checkedUnknowns "root" x0
        let flatP = Flat<'p>(parameters, Flat.WidestType parameters)
        let g = flatFunction "root" flatX flatP f
        let find p = flatX.PackChecked("root", "the result of the solver", false, solver (flatP.Unpack p))
        flatX.Unpack(implicitFlat find (rootCotangent g) g (flatP.Pack parameters))

    /// A root x of f parameters x = 0 by Newton's method from x0, halving steps that do not bring f nearer to zero; its
    /// derivative with respect to the parameters is that of the equation (see `implicitRoot`). The Jacobian is formed as
    /// a matrix: for up to some hundreds of unknowns. Raises ArithmeticException when it does not converge.
    let root (options: RootOptions) (f: 'p -> 'x -> 'x) (x0: 'x) (parameters: 'p) : 'x =
        let flatX = checkedUnknowns "root" x0
        let start = concrete (flatX.Pack x0)

        let solver (parameters: 'p) =
            Tree.leaves parameters |> Array.iter (checkKnown "root")

            let g (x: Tensor) =
                flatX.PackChecked("root", "the result of the function", false, f parameters (flatX.Unpack x))
            let mutable x, y = start, g start
            let mutable error = largest y
            let mutable steps = 0

            if not (Double.IsFinite error) then
                Shape.fail "root" "the function is not finite at the start; start where it is."

            let mutable isStuck = false

            while not isStuck && error > 0.0 do
                options.CancellationToken.ThrowIfCancellationRequested()
                let step =
                    solve
                        "root"
                        $"after {steps} iterations, where the function is {error:g3}; start nearer to the root, if there is one"
                        (jacfwd g x)
                        -y
                let mutable scale = 1.0
                let mutable moved, there = x, y
                let mutable next = infinity

                // Halving stops where rounding hides any progress.
                while not (next < error) && scale > 1e-10 do
                    moved <- x + step * scale
                    there <- g moved
                    next <- largest there
                    if not (next < error) then
                        scale <- scale * 0.5

                let isSmall = largest step <= options.Tolerance * (1.0 + largest x)

                if next < error then
                    x <- moved
                    y <- there
                    error <- next

                steps <- steps + 1
                isStuck <- isSmall || not (next < error) && scale <= 1e-10

                if
                    not isSmall
                    && (isStuck && error > options.Tolerance * (1.0 + largest x) || steps = options.MaxIterations)
                then
                    raise (
                        ArithmeticException
                            $"root: no convergence after {steps} iterations; the function is still {error:g3}. Start nearer to the root."
                    )

            flatX.Unpack x

        implicitRoot solver f x0 parameters
