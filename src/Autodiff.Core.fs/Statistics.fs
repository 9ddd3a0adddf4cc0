namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// Reductions beyond sums and extremes, and their running forms along an axis.
[<AutoOpen>]
module Statistics =
    let private dropAxes (axes: int[]) keepAxes (x: Tensor) (y: Tensor) =
        Structural.reshape (Shape.reduce x.Shape axes keepAxes) y

    /// A root whose derivative at 0 is 0.
    let private root (power: float) (x: Tensor) =
        let isZero = Tensor.EqualTo(x, Tensor.ScalarOf(x, 0.0))
        let safe = Tensor.Where(isZero, Tensor.ScalarOf(x, 1.0), x)
        Tensor.Where(
            isZero,
            Tensor.ScalarOf(x, (if power > 0.0 then 0.0 else Double.PositiveInfinity)),
            Tensor.Pow(safe, power)
        )

    let internal stdOver (axes: int[]) keepAxes (x: Tensor) : Tensor = root 0.5 (Tensor.varianceOver axes keepAxes x)

    let internal normOver (order: float) (axes: int[]) keepAxes (x: Tensor) : Tensor =
        let x = floating "norm" x

        if Double.IsNaN order then
            Shape.fail "norm" "the order is NaN; it must be a number, or plus or minus infinity."

        if order = 1.0 then
            sumOver axes keepAxes (Tensor.Abs x)
        elif order = 2.0 then
            root 0.5 (sumOver axes keepAxes (Tensor.Square x))
        elif Double.IsPositiveInfinity order then
            maxOver axes keepAxes (Tensor.Abs x)
        elif Double.IsNegativeInfinity order then
            minOver axes keepAxes (Tensor.Abs x)
        elif order = 0.0 then
            Tensor.Cast(sumOver axes keepAxes (Tensor.NotEqualTo(x, Tensor.ScalarOf(x, 0.0))), x.DType)
        else
            root (1.0 / order) (sumOver axes keepAxes (Tensor.Pow(Tensor.Abs x, order)))

    let internal countOver (axes: int[]) (x: Tensor) : Tensor = sumOver axes false (Tensor.Cast(x, DType.Bool))

    /// One result for each number between 0 and 1; the elements are sorted once.
    let internal quantilesOver operation (qs: float[]) (axes: int[]) keepAxes (x: Tensor) : Tensor[] =
        for q in qs do
            if not (q >= 0.0 && q <= 1.0) then
                Shape.fail operation $"{q} is not a fraction between 0 and 1."

        let x = floating operation x
        let moved = permute (axesLast axes x) x
        let kept = moved.Shape[.. x.Rank - axes.Length - 1]
        let count = int (Shape.size moved.Shape[kept.Length ..])

        if count = 0 then
            Shape.fail
                operation
                $"the axes {Shape.format axes} of {Shape.format x.Shape} are empty, and have no {operation}."

        let line = Structural.reshape (Array.append kept [| count |]) moved
        let neighbours =
            qs |> Array.collect (fun q -> let p = q * float (count - 1) in [| int p; min (int p + 1) (count - 1) |])
        let ranks = Array.append neighbours [| count - 1 |] |> Array.distinct |> Array.sort

        // Where no derivative has to know which elements they are, the others are not put in order.
        let isSelected = line.Level = 0L && line.Size > 0 && ranks.Length < 8
        let ordered: Tensor =
            if isSelected then
                Concrete(line.Device.Ranked(line.Array, ranks))
            else
                Sorting.sort -1 false line

        let at i =
            let i = if isSelected then Array.IndexOf(ranks, i) else i
            let starts = Array.updateAt kept.Length i (Array.zeroCreate (kept.Length + 1))
            dropAxes axes keepAxes x (slice starts (Array.append kept [| 1 |]) (Array.create starts.Length 1) ordered)

        // NaN is sorted to the end.
        let largest = at (count - 1)
        let isNaN = Tensor.NotEqualTo(largest, largest)

        qs
        |> Array.map (fun q ->
            let position = q * float (count - 1)
            let below = Math.Floor position
            let weight = position - below

            let y =
                if weight = 0.0 then
                    at (int below)
                else
                    at (int below) * (1.0 - weight) + at (int below + 1) * weight

            Tensor.Where(isNaN, largest, y))

    /// Functions that F# pipelines use.
    [<RequireQualifiedAccess>]
    module Tensor =
        /// The product of all elements; 1 of none. The derivative is right where factors are zero.
        let prod (x: Tensor) : Tensor = prodOver (axesOf "prod" x null) false x
        /// The products over axes.
        let prodAxes (axes: seq<int>) (x: Tensor) : Tensor = prodOver (Tensor.AxesOf("prod", x, axes)) false x

        /// The standard deviation of all elements: the root of the variance, which divides by their number. The derivative
        /// is 0 where all are equal.
        let std (x: Tensor) : Tensor = stdOver (axesOf "std" x null) false x
        /// The standard deviations over axes.
        let stdAxes (axes: seq<int>) (x: Tensor) : Tensor = stdOver (Tensor.AxesOf("std", x, axes)) false x

        /// (sum |x|^p)^(1/p) over axes, for the order p: 1, 2, any other number, infinity (the largest |x|), minus infinity
        /// (the smallest) or 0 (the number of elements that are not 0). The derivative at 0 is 0.
        let normAxes (order: float) (axes: seq<int>) (x: Tensor) : Tensor =
            normOver order (Tensor.AxesOf("norm", x, axes)) false x

        /// The number of elements that are not 0 (of bool: that hold); int64.
        let countTrue (x: Tensor) : Tensor = countOver (axesOf "countTrue" x null) x
        /// The numbers of elements over axes that are not 0; int64.
        let countTrueAxes (axes: seq<int>) (x: Tensor) : Tensor = countOver (Tensor.AxesOf("countTrue", x, axes)) x

        /// The value below which a fraction q of all elements lies, with linear interpolation between neighbours: q = 0 is the
        /// smallest, 1 the largest. NaN if any element is. The derivative goes to the elements that were chosen.
        let quantile (q: float) (x: Tensor) : Tensor =
            (quantilesOver "quantile" [| q |] (axesOf "quantile" x null) false x)[0]

        /// The values below which fractions of the elements lie, over axes; the fractions make a new first axis.
        let quantiles (qs: seq<float>) (axes: seq<int>) (x: Tensor) : Tensor =
            let qs = Seq.toArray qs

            if qs.Length = 0 then
                Shape.fail "quantile" "there are no fractions."

            quantilesOver "quantile" qs (Tensor.AxesOf("quantile", x, axes)) false x |> Tensor.stack 0

        /// The middle of all elements in order, or the mean of the two in the middle.
        let median (x: Tensor) : Tensor = (quantilesOver "median" [| 0.5 |] (axesOf "median" x null) false x)[0]

        /// The medians over axes.
        let medianAxes (axes: seq<int>) (x: Tensor) : Tensor =
            (quantilesOver "median" [| 0.5 |] (Tensor.AxesOf("median", x, axes)) false x)[0]

        /// The running sums along an axis: entry j is the sum of the entries 0 to j. Bool and uint8 become int64.
        let cumsum axis (x: Tensor) : Tensor = Cumulative.cumsum axis false x
        /// The running products along an axis; the derivative is right where factors are zero.
        let cumprod axis (x: Tensor) : Tensor = Cumulative.cumprod axis x
        /// The largest entries so far along an axis; NaN from the first NaN on. The first of equals has the derivative.
        let cummax axis (x: Tensor) : Tensor = Cumulative.cummax axis x
        /// The smallest entries so far along an axis; NaN from the first NaN on. The first of equals has the derivative.
        let cummin axis (x: Tensor) : Tensor = -(Cumulative.cummax axis -x)

        /// The recurrence s[j] = a[j] s[j - 1] + b[j] along an axis, from s = 0: discounted sums, linear filters and
        /// linear recurrent networks. The factors a and the terms b broadcast.
        let linearRecurrence axis (a: Tensor) (b: Tensor) : Tensor = Cumulative.linearRecurrence axis false a b

        /// The differences of neighbours along an axis, which becomes shorter by 1.
        let diff axis (x: Tensor) : Tensor =
            let axis = Tensor.AxisOf("diff", x, axis)
            let n = x.Shape[axis]

            if n = 0 then
                Shape.fail "diff" $"axis {axis} of {Shape.format x.Shape} is empty."

            let part start =
                slice
                    (Array.updateAt axis start (Array.zeroCreate x.Rank))
                    (Array.updateAt axis (n - 1) x.Shape)
                    (Array.create x.Rank 1)
                    x
            part 1 - part 0

/// The methods of statistics, for both languages: `x.Prod()`, `x.Quantile(0.9, 1)`.
[<Extension>]
type StatisticsExtensions =
    /// The product over axes; over all if none is named. The derivative is right where factors are zero.
    [<Extension>]
    static member Prod(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = prodOver (axesOf "prod" x axes) false x

    /// The product over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Prod(x: Tensor, axes: int[], keepAxes: bool) : Tensor = prodOver (axesOf "prod" x axes) keepAxes x

    /// The standard deviation over axes; over all if none is named. The derivative is 0 where all elements are equal.
    [<Extension>]
    static member Std(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = stdOver (axesOf "std" x axes) false x

    /// The standard deviation over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Std(x: Tensor, axes: int[], keepAxes: bool) : Tensor = stdOver (axesOf "std" x axes) keepAxes x

    /// (sum |x|^p)^(1/p) over axes, over all if none is named, for the order p: 1, 2, any other number, an infinity, or 0
    /// (the number of elements that are not 0). The derivative at 0 is 0.
    [<Extension>]
    static member Norm
        (x: Tensor, [<Optional; DefaultParameterValue(2.0)>] order: float, [<ParamArray>] axes: int[])
        : Tensor =
        normOver order (axesOf "norm" x axes) false x

    /// The norm of an order over axes, which are kept with length 1 if asked.
    [<Extension>]
    static member Norm(x: Tensor, order: float, axes: int[], keepAxes: bool) : Tensor =
        normOver order (axesOf "norm" x axes) keepAxes x

    /// The number of elements over axes that are not 0, over all if none is named; int64.
    [<Extension>]
    static member CountTrue(x: Tensor, [<ParamArray>] axes: int[]) : Tensor = countOver (axesOf "countTrue" x axes) x

    /// The value below which a fraction q of the elements lies, over axes, over all if none is named; neighbours are
    /// interpolated linearly. The derivative goes to the elements that were chosen.
    [<Extension>]
    static member Quantile(x: Tensor, q: float, [<ParamArray>] axes: int[]) : Tensor =
        (quantilesOver "quantile" [| q |] (axesOf "quantile" x axes) false x)[0]

    /// The middle of the elements in order, or the mean of the two in the middle, over axes; over all if none is named.
    [<Extension>]
    static member Median(x: Tensor, [<ParamArray>] axes: int[]) : Tensor =
        (quantilesOver "median" [| 0.5 |] (axesOf "median" x axes) false x)[0]

    /// The running sums along an axis.
    [<Extension>]
    static member CumSum(x: Tensor, axis: int) : Tensor = Cumulative.cumsum axis false x

    /// The running products along an axis; the derivative is right where factors are zero.
    [<Extension>]
    static member CumProd(x: Tensor, axis: int) : Tensor = Cumulative.cumprod axis x

    /// The largest entries so far along an axis.
    [<Extension>]
    static member CumMax(x: Tensor, axis: int) : Tensor = Cumulative.cummax axis x

    /// The smallest entries so far along an axis.
    [<Extension>]
    static member CumMin(x: Tensor, axis: int) : Tensor = Tensor.cummin axis x

    /// The differences of neighbours along an axis.
    [<Extension>]
    static member Diff(x: Tensor, axis: int) : Tensor = Tensor.diff axis x
