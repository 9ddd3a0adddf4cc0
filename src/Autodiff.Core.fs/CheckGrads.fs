namespace Autodiff

open System
open System.Runtime.InteropServices

/// A derivative that disagrees with finite differences, or two modes that disagree with each other.
type GradientMismatchException(message: string) =
    inherit Exception(message)

/// Checks the derivatives of a function against numbers: a tool for tests.
///
/// At a point x and along random directions u, forward mode must agree with the central difference
/// (f (x + h u) - f (x - h u)) / 2h, and reverse mode with forward mode: <J u, ct> = <u, J^T ct>. Higher orders check the
/// derivative functions in the same way.
[<AbstractClass; Sealed>]
type CheckGrads private () =
    static let floats (xs: Tensor[]) = xs |> Array.map (fun x -> DTypes.IsFloat x.DType)

    static let randomLike (key: Key) (xs: Tensor[]) =
        xs
        |> Array.mapi (fun i x ->
            if DTypes.IsFloat x.DType then
                (key.FoldIn i).Normal(x.Shape, dtype = x.DType)
            else
                Tensor.ZerosLike x)

    static let dot (xs: Tensor[]) (ys: Tensor[]) =
        Array.fold2
            (fun s (x: Tensor) (y: Tensor) ->
                if DTypes.IsFloat x.DType && not (isNull y) then
                    s + (Tensor.sum (Tensor.Cast(x, DType.Float64) * Tensor.Cast(y, DType.Float64))).ToDouble()
                else
                    s)
            0.0
            xs
            ys

    static let scale (xs: Tensor[]) = Math.Sqrt(dot xs xs)

    static let rec check
        (f: Tensor[] -> Tensor[])
        (x: Tensor[])
        (order: int)
        (tolerance: float)
        (step: float)
        (key: Key)
        (path: string)
        =
        let u = randomLike (key.FoldIn 1) x
        let struct (y, dy) = Jvp.run f x u

        let move h = f (Array.map2 (fun (x: Tensor) (u: Tensor) -> if DTypes.IsFloat x.DType then x + u * h else x) x u)

        let above, below = move step, move -step

        for i in 0 .. y.Length - 1 do
            if DTypes.IsFloat y[i].DType then
                let numeric = (above[i] - below[i]) * (0.5 / step)
                let difference = scale [| numeric - dy[i] |]
                let size = 1.0 + scale [| dy[i] |]

                if not (difference <= tolerance * size) then
                    raise (
                        GradientMismatchException
                            $"CheckGrads: the forward derivative{path} disagrees with central differences (step {step}) by {difference:g3} where {tolerance * size:g3} is allowed.\nforward: {dy[i]}\nnumeric: {numeric}"
                    )

        let ct = randomLike (key.FoldIn 2) y
        let tape = Tape.Run f x
        let back = tape.Pullback ct
        let forward, reverse = dot dy ct, dot u back

        if not (abs (forward - reverse) <= 1e-3 * tolerance * (1.0 + scale dy * scale ct) + tolerance * 1e-2) then
            raise (
                GradientMismatchException
                    $"CheckGrads: reverse mode{path} disagrees with forward mode: <J u, ct> = {forward:g9} but <u, J^T ct> = {reverse:g9}."
            )

        if order > 1 then
            let forwardMode xs =
                let struct (_, dy) = Jvp.run f xs u
                dy

            let isFloat = floats x

            let reverseMode xs =
                (Tape.Run f xs).Pullback ct
                |> Array.mapi (fun i t -> if isNull t then Tensor.ZerosLike x[i] else t)
                |> Array.indexed
                |> Array.choose (fun (i, t) -> if isFloat[i] then Some t else None)

            check forwardMode x (order - 1) (tolerance * 10.0) step (key.FoldIn 3) $" of the forward derivative{path}"
            check reverseMode x (order - 1) (tolerance * 10.0) step (key.FoldIn 4) $" of the reverse derivative{path}"

    /// Checks the derivatives of f at x up to an order, in forward and reverse mode and in all their mixes.
    static member Run
        (
            f: Func<'a, 'b>,
            x: 'a,
            [<Optional; DefaultParameterValue(2)>] order: int,
            [<Optional; DefaultParameterValue(0.0)>] tolerance: float,
            [<Optional; DefaultParameterValue(0)>] seed: int
        ) : unit =
        let leaves = Tree.leaves x

        for x in leaves do
            if DTypes.ComputeType x.DType <> x.DType then
                Shape.fail
                    "CheckGrads"
                    $"{DTypes.Name x.DType} is too coarse for differences; convert the arguments to float64 with To."

        let isDouble = leaves |> Array.forall (fun x -> x.DType <> DType.Float32)
        let tolerance =
            if tolerance > 0.0 then tolerance
            elif isDouble then 1e-6
            else 2e-2
        let step = if isDouble then 1e-5 else 1e-2
        let onLeaves (leaves: Tensor[]) = Tree.leaves (f.Invoke(Tree.withLeaves x leaves))
        check onLeaves leaves order tolerance step (Key seed) ""

    /// Checks the derivatives of f at x to the second order: `checkGrads f x`.
    static member Check (f: 'a -> 'b) (x: 'a) : unit = CheckGrads.Run(Func<'a, 'b> f, x)
