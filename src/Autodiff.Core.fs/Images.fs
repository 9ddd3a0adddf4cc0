namespace Autodiff

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// How the elements of a resized axis are made from those of the original.
type ResizeMode =
    /// Each is the nearest one: that at position floor (i length / newLength).
    | Nearest = 0
    /// Each lies on the line between its two neighbours, at (i + 1/2) length / newLength - 1/2, and beyond the first or
    /// last is that one; two axes make it bilinear. (PyTorch's align_corners = False.)
    | Linear = 1
    /// The same with the position i (length - 1) / (newLength - 1), so that the ends stay where they are.
    | LinearAlignCorners = 2

/// Images with one to three axes, channels first: convolution and its transpose, pooling, resizing.
[<AutoOpen>]
module Images =
    let private wholeImages operation (reduce: seq<int> -> Tensor -> Tensor) (x: Tensor) =
        Tensor.NotNull(operation, x)
        if x.Rank < 3 then
            Shape.fail operation $"images have shape {Shape.format x.Shape}; it must be (batch, channels, ...)."

        reduce [ 2 .. x.Rank - 1 ] x

    /// Up to this length, the product with a matrix of weights is faster than two selections and what joins them.
    let private longestProduct = 256

    /// The two neighbours of each position of a new axis, and how far it is from the first to the second.
    let private neighbours mode n m =
        Array.init m (fun i ->
            let position =
                if mode = ResizeMode.LinearAlignCorners then
                    float i * float (n - 1) / float (max 1 (m - 1))
                else
                    Math.Clamp((float i + 0.5) * float n / float m - 0.5, 0.0, float (n - 1))

            let low = min (int position) (n - 1)
            struct (low, min (low + 1) (n - 1), position - float low))

    let private numbers (x: Tensor) (shape: int[]) (values: float[]) : Tensor =
        Tensor.Cast(Tensor.From(ReadOnlySpan values, shape), x.DType)

    /// The product with a matrix that has the weights of the neighbours in its columns.
    let private byProduct (places: struct (int * int * float)[]) axis (x: Tensor) =
        let n, m = x.Shape[axis], places.Length
        let weights = Array.zeroCreate (n * m)

        places
        |> Array.iteri (fun i (struct (low, high, t)) ->
            weights[low * m + i] <- weights[low * m + i] + 1.0 - t
            weights[high * m + i] <- weights[high * m + i] + t)

        let weights = numbers x [| n; m |] weights
        let lead, rest = x.Shape[.. axis - 1], x.Shape[axis + 1 ..]
        let count = int (Shape.size rest)

        let y =
            if count = 1 then
                LinearAlgebra.matmul (Structural.reshape [| int (Shape.size lead); n |] x) weights
            else
                let x = Structural.reshape [| int (Shape.size lead); n; count |] x
                LinearAlgebra.matmul (permute [| 1; 0 |] weights) x

        Structural.reshape (Array.concat [ lead; [| m |]; rest ]) y

    let private bySelection (places: struct (int * int * float)[]) axis (x: Tensor) =
        let m = places.Length
        let select (choose: struct (int * int * float) -> int) =
            Indexing.take axis (Tensor.From(ReadOnlySpan(Array.map choose places), [| m |])) x
        let low, high = select (fun (struct (i, _, _)) -> i), select (fun (struct (_, i, _)) -> i)
        let shape = Array.init (x.Rank - axis) (fun i -> if i = 0 then m else 1)
        low + (high - low) * numbers x shape (places |> Array.map (fun (struct (_, _, t)) -> t))

    let private resizedAxis mode axis m (x: Tensor) =
        let n = x.Shape[axis]

        if m = n then
            x
        elif mode = ResizeMode.Nearest then
            let nearest = Array.init m (fun i -> int (int64 i * int64 n / int64 m))
            Indexing.take axis (Tensor.From(ReadOnlySpan nearest, [| m |])) x
        else
            let places = neighbours mode n m
            if n <= longestProduct then byProduct places axis x else bySelection places axis x

    let internal resized (mode: ResizeMode) (lengths: int[]) (x: Tensor) : Tensor =
        Tensor.NotNull("resize", x)
        Shape.notNull "resize" lengths

        if lengths.Length > x.Rank || lengths |> Array.exists (fun m -> m < 1) then
            Shape.fail
                "resize"
                $"the last axes of {Shape.format x.Shape} cannot get the lengths {Shape.format lengths}; give numbers from 1 up, for as many axes as there are at most."

        if mode <> ResizeMode.Nearest && not (DTypes.IsFloat x.DType) then
            Shape.fail
                "resize"
                $"{DTypes.Name x.DType} has no numbers between two neighbours; convert with To, or take the nearest."

        let first = x.Rank - lengths.Length

        if x.Shape[first..] |> Array.contains 0 then
            Shape.fail "resize" $"an axis of {Shape.format x.Shape} is empty, and has no elements to make others from."

        // The axis that shrinks most comes first, so that the others have less to do.
        let ratio i = float lengths[i] / float x.Shape[first + i]
        (x, [ 0 .. lengths.Length - 1 ] |> List.sortBy ratio)
        ||> List.fold (fun x i -> resizedAxis mode (first + i) lengths[i] x)

    let private correlated operation axes (stride: int) (padding: int) filters x =
        convolve operation axes (PerAxis stride) (Padding.Each padding) (PerAxis 1) 1 x filters

    let private correlatedBack operation axes (stride: int) (padding: int) filters x =
        let stride, padding = PerAxis stride, Padding.Each padding
        convolveTransposed operation axes stride padding (PerAxis 0) (PerAxis 1) 1 x filters

    /// Functions that F# pipelines use. Where strides and padding differ between axes, and for dilation and groups,
    /// there are the methods of the same names: `x.Conv2D(filters, stride = 2, padding = Padding.Same, groups = 4)`.
    [<RequireQualifiedAccess>]
    module Tensor =
        /// Images (batch, channels, length) correlated with filters (filters, channels, length), with one stride
        /// and one zero padding for all axes.
        let conv1d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlated "conv1d" 1 stride padding filters x

        /// Images (batch, channels, height, width) correlated with filters (filters, channels, height, width), with one
        /// stride and one zero padding for all axes.
        let conv2d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlated "conv2d" 2 stride padding filters x

        /// Images (batch, channels, depth, height, width) correlated with filters (filters, channels, depth, height,
        /// width), with one stride and one zero padding for all axes.
        let conv3d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlated "conv3d" 3 stride padding filters x

        /// The transpose in its images of the correlation with filters (channels, filters, length), applied to
        /// x (batch, channels, length): what its gradient is made of.
        let convTranspose1d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlatedBack "convTranspose1d" 1 stride padding filters x

        /// The transpose in its images of the correlation with filters (channels, filters, height, width), applied to
        /// x (batch, channels, height, width): what its gradient is made of.
        let convTranspose2d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlatedBack "convTranspose2d" 2 stride padding filters x

        /// The transpose in its images of the correlation with filters (channels, filters, depth, height, width),
        /// applied to x (batch, channels, depth, height, width): what its gradient is made of.
        let convTranspose3d (stride: int) (padding: int) (filters: Tensor) (x: Tensor) : Tensor =
            correlatedBack "convTranspose3d" 3 stride padding filters x

        /// The maxima of windows of images (batch, channels, length), as long along their axis, a stride apart.
        let maxPool1d (window: int) (stride: int) (x: Tensor) : Tensor =
            maxPool "maxPool1d" 1 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The maxima of windows of images (batch, channels, height, width), as long along each axis, a stride apart.
        let maxPool2d (window: int) (stride: int) (x: Tensor) : Tensor =
            maxPool "maxPool2d" 2 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The maxima of windows of images (batch, channels, depth, height, width), as long along each axis, a stride
        /// apart.
        let maxPool3d (window: int) (stride: int) (x: Tensor) : Tensor =
            maxPool "maxPool3d" 3 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The means of windows of images (batch, channels, length), as long along their axis, a stride apart.
        let averagePool1d (window: int) (stride: int) (x: Tensor) : Tensor =
            averagePool "averagePool1d" 1 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The means of windows of images (batch, channels, height, width), as long along each axis, a stride apart.
        let averagePool2d (window: int) (stride: int) (x: Tensor) : Tensor =
            averagePool "averagePool2d" 2 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The means of windows of images (batch, channels, depth, height, width), as long along each axis, a stride
        /// apart.
        let averagePool3d (window: int) (stride: int) (x: Tensor) : Tensor =
            averagePool "averagePool3d" 3 (PerAxis window) (PerAxis stride) Padding.Valid x

        /// The maxima over all axes of images (batch, channels, ...): (batch, channels).
        let globalMaxPool (x: Tensor) : Tensor = wholeImages "globalMaxPool" Tensor.maxAxes x
        /// The means over all axes of images (batch, channels, ...): (batch, channels).
        let globalAveragePool (x: Tensor) : Tensor = wholeImages "globalAveragePool" Tensor.meanAxes x

        /// The last axes with other lengths, as many axes as there are numbers: 2 for the height and width of images. A
        /// NaN or an infinity may reach all of an axis that is resized linearly.
        let resize (mode: ResizeMode) (lengths: seq<int>) (x: Tensor) : Tensor = resized mode (Seq.toArray lengths) x

/// Methods for images, for both languages: `x.Conv2D(filters, stride: 2)`.
[<Extension>]
type ImageExtensions =
    /// y[n, f, i] = sum over c and u of x[n, c, i stride + u dilation - padding] filters[f, c, u], where x is 0 outside
    /// the image: a correlation. Shapes: x (batch, channels, length), filters (filters, channels / groups, length),
    /// result (batch, filters, length) with (length + padding before and after - dilation (window - 1) - 1) / stride +
    /// 1, rounded down, along each axis. With groups, channels and filters are split into so many equal parts, and
    /// filters see the channels of their part only; as many groups as channels make a depthwise convolution. Floats
    /// only.
    [<Extension>]
    static member Conv1D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolve "conv1d" 1 stride padding dilation groups x filters

    /// y[n, f, i, j] = sum over c, u and v of x[n, c, i stride + u dilation - padding, j stride + v dilation - padding]
    /// filters[f, c, u, v], where x is 0 outside the image: a correlation. Shapes: x (batch, channels, height, width),
    /// filters (filters, channels / groups, height, width), result (batch, filters, height, width) with (length +
    /// padding before and after - dilation (window - 1) - 1) / stride + 1, rounded down, along each axis. With groups,
    /// channels and filters are split into so many equal parts, and filters see the channels of their part only; as
    /// many groups as channels make a depthwise convolution. Floats only.
    [<Extension>]
    static member Conv2D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolve "conv2d" 2 stride padding dilation groups x filters

    /// y[n, f, h, i, j] = sum over c, t, u and v of x[n, c, h stride + t dilation - padding, i stride + u dilation -
    /// padding, j stride + v dilation - padding] filters[f, c, t, u, v], where x is 0 outside the image: a correlation.
    /// Shapes: x (batch, channels, depth, height, width), filters (filters, channels / groups, depth, height, width),
    /// result (batch, filters, depth, height, width) with (length + padding before and after - dilation (window - 1) -
    /// 1) / stride + 1, rounded down, along each axis. With groups, channels and filters are split into so many equal
    /// parts, and filters see the channels of their part only; as many groups as channels make a depthwise convolution.
    /// Floats only.
    [<Extension>]
    static member Conv3D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolve "conv3d" 3 stride padding dilation groups x filters

    /// The transpose of the linear map that Conv1D is of its images, applied to x. Shapes: x (batch, channels, length),
    /// filters (channels, filters / groups, length), result (batch, filters, length) with (length - 1) stride - padding
    /// before and after + dilation (window - 1) + 1 + outputPadding along each axis. With a stride, images of several
    /// lengths have results as long as x; outputPadding, smaller than the stride or the dilation, chooses among them.
    /// Conventions as in PyTorch's ConvTranspose1d. Floats only.
    [<Extension>]
    static member ConvTranspose1D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] outputPadding: PerAxis,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolveTransposed "convTranspose1d" 1 stride padding outputPadding dilation groups x filters

    /// The transpose of the linear map that Conv2D is of its images, applied to x. Shapes: x (batch, channels, height,
    /// width), filters (channels, filters / groups, height, width), result (batch, filters, height, width) with (length
    /// - 1) stride - padding before and after + dilation (window - 1) + 1 + outputPadding along each axis. With a
    /// stride, images of several lengths have results as long as x; outputPadding, smaller than the stride or the
    /// dilation, chooses among them. Conventions as in PyTorch's ConvTranspose2d. Floats only.
    [<Extension>]
    static member ConvTranspose2D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] outputPadding: PerAxis,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolveTransposed "convTranspose2d" 2 stride padding outputPadding dilation groups x filters

    /// The transpose of the linear map that Conv3D is of its images, applied to x. Shapes: x (batch, channels, depth,
    /// height, width), filters (channels, filters / groups, depth, height, width), result (batch, filters, depth,
    /// height, width) with (length - 1) stride - padding before and after + dilation (window - 1) + 1 + outputPadding
    /// along each axis. With a stride, images of several lengths have results as long as x; outputPadding, smaller than
    /// the stride or the dilation, chooses among them. Conventions as in PyTorch's ConvTranspose3d. Floats only.
    [<Extension>]
    static member ConvTranspose3D
        (
            x: Tensor,
            filters: Tensor,
            [<Optional>] stride: PerAxis,
            [<Optional>] padding: Padding,
            [<Optional>] outputPadding: PerAxis,
            [<Optional>] dilation: PerAxis,
            [<Optional; DefaultParameterValue(1)>] groups: int
        ) : Tensor =
        convolveTransposed "convTranspose3d" 3 stride padding outputPadding dilation groups x filters

    /// The maxima of windows of images (batch, channels, length); the stride is that of the window if not given. The
    /// result has (length + padding before and after - window) / stride + 1 places, rounded down, along each axis.
    /// Padding is never the maximum. Among equals the first in row-major order receives the derivative, and a NaN is
    /// taken before all numbers.
    [<Extension>]
    static member MaxPool1D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        maxPool "maxPool1d" 1 window stride padding x

    /// The maxima of windows of images (batch, channels, height, width); the stride is that of the window if not given.
    /// The result has (length + padding before and after - window) / stride + 1 places, rounded down, along each axis.
    /// Padding is never the maximum. Among equals the first in row-major order receives the derivative, and a NaN is
    /// taken before all numbers.
    [<Extension>]
    static member MaxPool2D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        maxPool "maxPool2d" 2 window stride padding x

    /// The maxima of windows of images (batch, channels, depth, height, width); the stride is that of the window if not
    /// given. The result has (length + padding before and after - window) / stride + 1 places, rounded down, along each
    /// axis. Padding is never the maximum. Among equals the first in row-major order receives the derivative, and a NaN
    /// is taken before all numbers.
    [<Extension>]
    static member MaxPool3D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        maxPool "maxPool3d" 3 window stride padding x

    /// The means of windows of images (batch, channels, length); the stride is that of the window if not given. The
    /// result has (length + padding before and after - window) / stride + 1 places, rounded down, along each axis.
    /// Padding counts as zeros: every sum is divided by the size of the window (PyTorch's count_include_pad).
    [<Extension>]
    static member AveragePool1D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        averagePool "averagePool1d" 1 window stride padding x

    /// The means of windows of images (batch, channels, height, width); the stride is that of the window if not given.
    /// The result has (length + padding before and after - window) / stride + 1 places, rounded down, along each axis.
    /// Padding counts as zeros: every sum is divided by the size of the window (PyTorch's count_include_pad).
    [<Extension>]
    static member AveragePool2D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        averagePool "averagePool2d" 2 window stride padding x

    /// The means of windows of images (batch, channels, depth, height, width); the stride is that of the window if not
    /// given. The result has (length + padding before and after - window) / stride + 1 places, rounded down, along each
    /// axis. Padding counts as zeros: every sum is divided by the size of the window (PyTorch's count_include_pad).
    [<Extension>]
    static member AveragePool3D
        (x: Tensor, window: PerAxis, [<Optional>] stride: PerAxis, [<Optional>] padding: Padding)
        : Tensor =
        averagePool "averagePool3d" 3 window stride padding x

    /// The maxima over all axes of images (batch, channels, ...): (batch, channels).
    [<Extension>]
    static member GlobalMaxPool(x: Tensor) : Tensor = Tensor.globalMaxPool x

    /// The means over all axes of images (batch, channels, ...): (batch, channels).
    [<Extension>]
    static member GlobalAveragePool(x: Tensor) : Tensor = Tensor.globalAveragePool x

    /// The last axes with other lengths, as many axes as there are numbers: 2 for the height and width of images, which
    /// become bilinear where the mode is linear. Nearest takes all types, the others floats. Lengths grow or shrink;
    /// those that shrink are not smoothed before. A NaN or an infinity may reach all of an axis that is resized
    /// linearly.
    [<Extension>]
    static member Resize(x: Tensor, mode: ResizeMode, [<ParamArray>] lengths: int[]) : Tensor = resized mode lengths x
